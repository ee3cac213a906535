"""Plots: what is in them, from few rows and clusters to many. (How they look has to be looked
at.)
"""

import warnings

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
import matplotlib.pyplot as plt  # noqa: E402

from ckmeans import KMeans, plot, select_k  # noqa: E402


@pytest.fixture(autouse=True)
def strict():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of layouts that do not fit, glyphs that are missing, ...
        yield
    plt.close("all")


def rows(n=300, d=2, k=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 5 * rng.normal(size=(k, d))[rng.integers(k, size=n)]


def fitted(X, k=3):
    return KMeans(k, n_init=1, random_state=0).fit(X)


def frame(X):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(X, columns=[f"long name of column {j} (cm)" for j in range(X.shape[1])])


def drawn(ax):
    """Draw the figure, and return its texts that are visible."""
    ax.figure.canvas.draw()
    return [
        text.get_text()
        for text in ax.figure.findobj(matplotlib.text.Text)
        if text.get_visible() and text.get_text().strip()
    ]


ROWS = {  # plots of a model and its rows: name -> features it needs
    "clusters": 1,
    "projection": 2,
    "clusters_3d": 3,
    "pairs": 1,
    "silhouette": 1,
    "overview": 1,
}
MODEL = ["sizes", "profiles", "center_distances"]


@pytest.mark.parametrize(
    "n, d, k", [(10, 2, 2), (300, 1, 4), (300, 3, 8), (400, 5, 25), (1000, 2, 100)]
)
@pytest.mark.parametrize("name", [*ROWS, *MODEL])
def test_every_plot_draws(name, n, d, k):
    if ROWS.get(name, 0) > d:
        pytest.skip(f"{name} needs more than {d} features")
    X = frame(rows(n, d, k))
    model = fitted(X, k)
    result = getattr(plot, name)(model, X) if name in ROWS else getattr(plot, name)(model)
    ax = np.ravel(result)[0]
    texts = drawn(ax)
    if name in ("clusters", "projection", "clusters_3d"):
        numbers = [text for text in texts if text.isdecimal()]
        assert set(map(str, range(k))) <= set(numbers)
    outside = [
        text.get_text()
        for text in ax.figure.findobj(matplotlib.text.Text)
        if text.get_visible()
        and text.get_text().strip()
        and text.get_in_layout()
        and name != "clusters_3d"
        and not inside(text, ax.figure)
    ]
    assert not outside


def test_pairs_tell_the_scale_of_every_row_and_column():
    X = rows(d=3)
    axes = plot.pairs(fitted(X), X)
    drawn(axes[0, 0])
    for i in range(3):
        assert axes[i, 0].get_ylim() == axes[i, -1].get_ylim()
        for ticks in axes[i, 0].get_yticklabels(), axes[-1, i].get_xticklabels():
            assert sum(tick.get_visible() and tick.get_text() != "" for tick in ticks) >= 2


def inside(text, figure):
    box, all_ = text.get_window_extent(), figure.bbox
    if box.width == 0 or not text.axes or text.get_clip_on():
        return True
    ticks = [*text.axes.xaxis.get_ticklabels(), *text.axes.yaxis.get_ticklabels()]
    if any(text is tick for tick in ticks):  # those beyond the limits are never drawn
        return True
    return (
        box.x0 > all_.x0 - 2
        and box.x1 < all_.x1 + 2
        and box.y0 > all_.y0 - 2
        and box.y1 < all_.y1 + 2
    )


@pytest.mark.parametrize("name", ["clusters", "projection", "silhouette"])
def test_axes_are_taken_and_returned(name):
    X = rows()
    figure, ax = plt.subplots()
    assert getattr(plot, name)(fitted(X), X, ax=ax) is ax
    for name in MODEL:
        assert getattr(plot, name)(fitted(X), ax=ax) is ax
    assert plt.get_fignums() == [figure.number]


def test_labels_come_from_the_columns():
    X = frame(rows(d=3))
    model = fitted(X)
    ax = plot.clusters(model, X, features=["long name of column 2 (cm)", 0])
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "long name of column 2 (cm)",
        "long name of column 0 (cm)",
    )
    ax = plot.clusters_3d(model, X)
    assert ax.get_zlabel() == "long name of column 2…"[:22] or ax.get_zlabel().endswith("…")
    ax = plot.clusters(fitted(rows()), rows())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("feature 0", "feature 1")
    assert "principal component" in plot.clusters(model, X).get_xlabel()


def test_the_points_are_the_rows():
    X = rows(50)
    model = fitted(X)
    ax = plot.clusters(model, X)
    (points,) = ax.collections
    order = np.lexsort(X.T)
    offsets, colors = points.get_offsets(), points.get_facecolors()
    there = np.lexsort(offsets.T)
    assert np.allclose(offsets[there], X[order])
    expected = np.array([matplotlib.colors.to_rgb(plot.COLORS[label]) for label in model.labels_])
    assert np.allclose(colors[there][:, :3], expected[order])


def test_regions_are_those_of_predict():
    X = rows()
    model = fitted(X)
    ax = plot.clusters(model, X)
    (image,) = ax.images
    picture, (x0, x1, y0, y1) = np.asarray(image.get_array()), image.get_extent()
    x, y = np.linspace(x0, x1, picture.shape[1]), np.linspace(y0, y1, picture.shape[0])
    labels = model.predict(np.stack([*map(np.ravel, np.meshgrid(x, y))], axis=1))
    shades = {tuple(np.round(color, 6)) for color in picture.reshape(-1, 3)}
    assert len(shades) == 4  # three clusters and the lines between them
    for label in range(3):
        mine = picture.reshape(-1, 3)[labels == label]
        assert (np.abs(mine - np.median(mine, axis=0)).max(axis=1) < 1e-9).mean() > 0.97


def test_a_million_rows_are_thinned_and_the_plot_says_so():
    X = np.random.default_rng(0).random((1_000_000, 2), dtype=np.float32)
    model = KMeans(4, n_init=1, max_iter=5, random_state=0).fit(X)
    ax = plot.clusters(model, X)
    assert (
        len(ax.collections[0].get_offsets()) == plot.MAX_POINTS
        and ax.collections[0].get_rasterized()
    )
    assert "20,000 of 1,000,000 rows drawn" in [text for text in drawn(ax)]
    assert any("5,000 of" in text for text in drawn(plot.silhouette(model, X)))
    assert not any("drawn" in text for text in drawn(plot.clusters(model, X[:100])))


@pytest.mark.parametrize("k", [2, 8, 9, 20, 21, 100])
def test_colors_differ_from_the_neighbours(k):
    centers = np.random.default_rng(k).random((k, 2))
    colors = plot.cluster_colors(centers)
    assert len(colors) == k and set(colors) <= {*plot.COLORS, *plot.SHADES}
    assert len(set(colors)) == min(k, 20)  # so that a legend, up to 20, is not ambiguous
    assert set(colors[:8]) <= set(plot.COLORS)
    apart = np.linalg.norm(centers[:, None] - centers, axis=2) + 9 * np.eye(k)
    assert np.mean([colors[j] != colors[apart[j].argmin()] for j in range(k)]) > 0.9


def test_the_silhouette_plot_adds_up():
    from ckmeans.metrics import silhouette_samples

    X = rows(200)
    model = fitted(X)
    ax = plot.silhouette(model, X)
    values = silhouette_samples(X, model.labels_)
    assert f"mean {values.mean():.3f}" in drawn(ax)
    assert len(ax.collections) == 3
    for j, shape in enumerate(ax.collections):
        assert shape.get_paths()[0].vertices[:, 0].max() == values[model.labels_ == j].max()


def test_selection():
    result = select_k(rows(300, 2, 4), range(1, 7), random_state=0)
    axes = result.plot()
    assert len(axes) == 9 and f"suggested k = {result.suggested_k}" in drawn(axes[0])
    for ax, name in zip(axes, ["inertia", *result.best_k]):
        line = ax.get_lines()[0]
        assert np.array_equal(line.get_ydata(), result.table[name], equal_nan=True)
        assert name == "inertia" or ax.get_title().endswith(f"k = {result.best_k[name]}")
    (ax,) = result.plot("silhouette")
    _, mine = plt.subplots()
    assert result.plot("gap", axes=mine)[0] is mine
    with pytest.raises(ValueError, match="column must be one of 'inertia'.*got 'elbows'"):
        result.plot("elbows")
    nothing = select_k(
        np.random.default_rng(0).random((200, 2)), [1, 2, 3], criteria="silhouette", random_state=0
    )
    assert "no clear structure" in drawn(nothing.plot()[0])
    assert (
        len(plot.overview(fitted(rows()), rows(), selection=result)) == 3
        and len(plot.overview(None, rows(), selection=nothing)) == 2
    )


@pytest.mark.parametrize("d", [1, 2, 5])
def test_trace_and_animation(d, tmp_path):
    X = rows(200, d)
    model = KMeans(3, init="random", random_state=1, tol=0)
    states = list(KMeans(3, init="random", random_state=1, tol=0).iter_fit(X))
    ax = plot.trace(model, X)
    assert not hasattr(model, "cluster_centers_") and model.random_state == 1
    assert ax.get_title() == f"centers over {len(states)} iterations"
    if d == 2:
        ways = np.array([line.get_xydata() for line in ax.get_lines()[0:6:2]])
        assert np.allclose(
            ways[:, 1:], np.array([state.centers for state in states]).transpose(1, 0, 2)
        )
        assert all((X == way[0]).all(axis=1).any() for way in ways)  # the start is a row
    Image = pytest.importorskip("PIL.Image")
    plot.animation(model, X, tmp_path / "run.gif", fps=5)
    with Image.open(tmp_path / "run.gif") as film:
        assert film.n_frames == len(states) + 1
    if d == 2:
        plot.animation(model, X, tmp_path / "run.html")
        page = (tmp_path / "run.html").read_text()
        assert page.count("data:image/png;base64") == len(states) + 1


def test_quantization():
    image = np.random.default_rng(0).integers(256, size=(20, 30, 3)).astype(np.uint8)
    axes = plot.quantization(image, (2, 5))
    assert [ax.get_title() for ax in axes] == ["original", "2 colours", "5 colours"]
    assert len(np.unique(np.asarray(axes[1].images[0].get_array()).reshape(-1, 3), axis=0)) == 2
    drawn(axes[0])
    plot.quantization(image[..., 0], (2,))
    for other in (
        image / 255,
        image.astype(np.uint16) * 257,
        image[..., :2],
        image[..., :1],
        image[..., 0] > 99,
        np.dstack([image, image[..., 0]]),
    ):
        before = other.copy()
        drawn(plot.quantization(other, (2,))[0])
        assert np.array_equal(other, before)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda m, X: plot.clusters(KMeans(3), X), ValueError, "not fitted"),
        (
            lambda m, X: plot.clusters(m, X[:, :1]),
            ValueError,
            "1 features, but KMeans is expecting 3",
        ),
        (lambda m, X: plot.clusters(m, X, labels=[1]), ValueError, "one label per row"),
        (
            lambda m, X: plot.clusters(m, X, features=["x", "y"]),
            ValueError,
            "there is no feature 'x'; there are feature 0",
        ),
        (
            lambda m, X: plot.clusters(m, X, features=[0, 7]),
            ValueError,
            "a name or a number from 0 to 2",
        ),
        (lambda m, X: plot.clusters(m, X, features=[0]), ValueError, "2 column"),
        (lambda m, X: plot.clusters_3d(m, X, features=[0, 1]), ValueError, "three features, got 2"),
        (lambda m, X: plot.clusters_3d(m, X, ax=plt.subplots()[1]), TypeError, "3-D axes"),
        (
            lambda m, X: plot.pairs(m, X, axes=plt.subplots()[1]),
            ValueError,
            r"3 features need \(3, "
            r"3\)",
        ),
        (
            lambda m, X: plot.projection(KMeans(2, n_init=1).fit(X[:, :1]), X[:, :1]),
            ValueError,
            "two features at least",
        ),
        (
            lambda m, X: plot.animation(m, X, "film.mp4"),
            ValueError,
            "path must end in .gif or .html, got 'film.mp4'",
        ),
        (lambda m, X: plot.animation(m, X, fps=0), ValueError, "fps must be above 0"),
    ],
)
def test_errors(call, error, message):
    X = rows(d=3)
    with pytest.raises(error, match=message):
        call(fitted(X), X)


def test_without_matplotlib_one_line_says_what_to_install(monkeypatch):
    import sys

    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        ImportError,
        match=r"^ckmeans.plot needs matplotlib: pip install "
        r"'ckmeans-cython\[plot\]'$",
    ):
        plot.sizes(fitted(rows()))


@pytest.mark.parametrize("k", [2, 8, 12, 30, 100])
def test_a_cluster_has_one_color_in_all_panels(k):
    X = np.random.default_rng(k).normal(size=(400, 4)) * [1, 5, 300, 0.1]
    model = KMeans(k, n_init=1, random_state=0, scale="standard").fit(X)
    left, right = plt.subplots(1, 2)[1]
    plot.projection(model, X, ax=left)
    plot.sizes(model, ax=right)
    rings = [text.get_bbox_patch().get_edgecolor() for text in left.texts[:k]]
    bars = [bar.get_facecolor() for bar in right.patches]
    assert rings == bars
    plt.close("all")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (98823.4, "98,823"),
        (999.7, "1,000"),
        (-1234567, "-1,234,567"),
        (12.345, "12.3"),
        (0, "0"),
        (1e12, "1e+12"),
    ],
)
def test_numbers_are_written_one_way(value, text):
    assert plot.number(value) == text


@pytest.mark.parametrize(("k", "entries"), [(2, 2), (12, 12), (30, 0)])
def test_pairs_have_outlines_and_a_legend(k, entries):
    X = np.random.default_rng(k).normal(size=(300, 3))
    axes = plot.pairs(KMeans(k, n_init=1, random_state=0).fit(X), X)
    figure = axes[0, 0].figure
    shown = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert shown == [str(j) for j in range(entries)]
    outlines = [patch for ax in figure.axes for patch in ax.patches]
    assert len(outlines) == 3 * k and not any(patch.get_fill() for patch in outlines)
    plt.close("all")
