"""Plots: what is in them, from few rows and clusters to many. (How they look has to be looked
at.)
"""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
import matplotlib.pyplot as plt  # noqa: E402

from ckmeans import KMeans, plot, select_k  # noqa: E402
from ckmeans._output.numbers import numbers  # noqa: E402
from ckmeans._plots import drawing  # noqa: E402


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
    assert ax.get_zlabel() == "long name of column 2 (cm)"
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


@pytest.mark.parametrize("scale", [None, "standard"])
@pytest.mark.parametrize("features", [(0, 1), (1, 0)])
@pytest.mark.parametrize("k", [2, 9, 100])
def test_regions_are_those_of_predict(scale, features, k):
    X = rows(k=k) * [1, 300]
    model = KMeans(k, n_init=1, random_state=0, scale=scale).fit(X)
    ax = plot.clusters(model, X, features=features)
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    points = np.random.default_rng(0).uniform([x0, y0], [x1, y1], size=(500, 2))
    labels = model.predict(points[:, features])
    for label, region in enumerate(ax.patches):
        inside = region.get_path().contains_points(points)
        assert np.array_equal(inside, labels == label)


@given(
    st.integers(1, 30).flatmap(
        lambda k: arrays(float, (k, 2), elements=st.integers(-9, 9) | st.floats(-1e6, 1e6))
    ),
    st.floats(1e-3, 1e3),
)
def test_regions_share_out_the_plane(centers, size):
    """Hypothesis: whatever the centers, equal ones too, each point is in the region of the first
    nearest one, and the areas add up.
    """
    polygons = drawing.cells(centers, [-size, -size], [size, size])
    areas = [
        0.5 * abs(np.sum(p[:, 0] * np.roll(p[:, 1], 1) - p[:, 1] * np.roll(p[:, 0], 1)))
        for p in polygons
    ]
    assert sum(areas) == pytest.approx(4 * size**2, rel=1e-6)
    for j, (polygon, area) in enumerate(zip(polygons, areas)):
        if area > 1e-6 * size**2:
            middle = polygon.mean(axis=0)
            apart = np.linalg.norm(centers - middle, axis=1)
            assert apart[j] <= apart.min() * (1 + 1e-6) + 1e-9


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
    _, *states = KMeans(3, init="random", random_state=1, tol=0).iter_fit(X)
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
    assert [ax.get_title() for ax in axes] == ["original", "2 colors", "5 colors"]
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
        (1234.5, "1,234"),
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
    assert len(outlines) == 3 * (k if k <= 20 else 1) and not any(
        patch.get_fill() for patch in outlines
    )
    plt.close("all")


EVERY = ["clusters", "projection", "clusters_3d", "pairs", "silhouette", *MODEL]


def ticks_and_labels(figure):
    """The boxes of the texts of a figure that are seen, by what they must not collide with."""
    figure.canvas.draw()
    for ax in figure.axes:
        for axis in ax.xaxis, ax.yaxis:
            low, high = sorted(axis.get_view_interval())
            ticks = [
                tick.label1
                for tick in axis.get_major_ticks()
                if low <= tick.get_loc() <= high and tick.label1.get_visible()
            ]
            yield [tick for tick in ticks if tick.get_text() and not tick.get_rotation() % 90]
        if not hasattr(ax, "zaxis"):
            yield [text for text in ax.texts if text.get_text().isdecimal()]


@pytest.mark.parametrize("k", [2, 3, 8, 9, 20, 100])
@pytest.mark.parametrize("name", EVERY)
def test_nothing_collides_from_2_to_100_clusters(name, k):
    X = frame(rows(600, 4, k) * [1, 1000, 0.01, 1e5] + [0, 98000, 5, 0])
    model = KMeans(k, n_init=1, random_state=0, scale="standard", max_iter=5).fit(X)
    if name == "clusters":
        X = X.iloc[:, :2]
        model = KMeans(k, n_init=1, random_state=0, scale="standard", max_iter=5).fit(X)
    result = getattr(plot, name)(*([model] if name in MODEL else [model, X]))
    figure = np.ravel(result)[0].figure
    for texts in ticks_and_labels(figure):
        boxes = [text.get_window_extent() for text in texts]
        for i, a in enumerate(boxes):
            for b in boxes[:i]:
                deep = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
                assert min(deep) < 2, (name, k, [text.get_text() for text in texts])


@pytest.mark.parametrize("name", [*ROWS, *MODEL])
def test_every_plot_has_a_title_unless_there_is_one(name):
    X = rows(d=3)
    result = getattr(plot, name)(*([fitted(X)] if name in MODEL else [fitted(X), X]))
    first = np.ravel(result)[0]
    assert first.get_title() or first.figure._suptitle.get_text() == "3 clusters of 300 rows"
    if name in ("clusters", "sizes"):
        ax = plt.subplots()[1]
        ax.set_title("mine")
        getattr(plot, name)(*([fitted(X)] if name in MODEL else [fitted(X), X]), ax=ax)
        assert ax.get_title() == "mine"


def test_a_projection_shows_what_has_no_variance():
    X = np.random.default_rng(0).normal(size=(200, 5)) * [1, 1000, 1, 1, 1]
    ax = plot.projection(fitted(X), X)
    texts = drawn(ax)
    assert "one direction has almost all of the variance" in texts
    assert "more than 99.99%" in ax.get_xlabel() and "less than 0.01%" in ax.get_ylabel()
    box, x, y = ax.get_window_extent(), np.diff(ax.get_xlim()), np.diff(ax.get_ylim())
    assert box.width / x == pytest.approx(box.height / y)  # one scale: the rows are a line
    shown = ax.collections[0].get_offsets()
    assert np.ptp(shown[:, 1]) < 0.01 * y[0] and np.ptp(shown[:, 0]) > 0.5 * x[0]
    ax = plot.projection(KMeans(3, scale="standard", random_state=0).fit(X), X)
    assert "one direction" not in " ".join(drawn(ax))


def test_silhouettes_fill_their_axes():
    X = np.random.default_rng(0).random((300, 2))
    ax = plot.silhouette(fitted(X, 40), X)
    ends = [path.vertices[:, 0] for shape in ax.collections for path in shape.get_paths()]
    low, high = min(map(np.min, ends)), max(map(np.max, ends))
    left, right = ax.get_xlim()
    assert (high - min(low, 0)) / (right - left) > 0.9 and left < low and high < right


def test_a_view_in_space_fills_its_frame():
    X = rows(d=3)
    ax = plot.clusters_3d(fitted(X), X)
    ax.figure.canvas.draw()
    box, frame_ = ax.get_tightbbox(), ax.figure.bbox
    assert box.width > 0.75 * frame_.width and box.height > 0.8 * frame_.height
    assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= frame_.width and box.y1 <= frame_.height


@pytest.mark.parametrize("d", [1, 2, 4])
def test_states_of_a_run_are_drawn(d):
    X = rows(200, d)
    start, *states = KMeans(3, init="random", n_init=1, random_state=3).iter_fit(X)
    assert start.n_iter == 0 and (start.labels == -1).all() and start.inertia == np.inf
    assert all((X == center).all(axis=1).any() for center in start.centers)
    ax = plot.clusters(start, X)
    assert ax.get_title() == "start: 3 centers and 200 rows"
    (points,) = [one for one in ax.collections if len(one.get_offsets()) == 200]
    assert len(np.unique(points.get_facecolors(), axis=0)) == 1  # no row has a cluster yet
    ax = plot.clusters(states[0], X)
    assert ax.get_title() == "iteration 1: 3 clusters of 200 rows" and not ax.patches
    shades = ax.collections[0].get_facecolors()
    assert len(np.unique(shades, axis=0)) == len(np.unique(states[0].labels))
    if d == 2:
        assert len(plot.clusters(states[0], X, regions=True).patches) == 3


@pytest.mark.parametrize("scale", [None, "standard", "robust"])
@pytest.mark.parametrize("d", [3, 5])
def test_a_state_is_drawn_in_the_plane_of_its_model(scale, d):
    X = rows(150, d) * np.geomspace(1e-3, 1e4, d)
    model = KMeans(3, n_init=1, random_state=3, scale=scale)
    *_, last = model.iter_fit(X)
    by_state, by_model = plot.clusters(last, X), plot.clusters(model, X)
    assert by_state.get_xlabel() == by_model.get_xlabel()
    for ours, theirs in zip(by_state.collections, by_model.collections, strict=True):
        assert np.allclose(ours.get_offsets(), theirs.get_offsets())
    if scale is not None:
        assert np.array_equal(last.scale_, model.scale_)


def test_outliers_are_crosses():
    X = np.concatenate([rows(300), [[90, 90], [-80, 70], [99, -50]]])
    model = KMeans(3, n_outliers=3, random_state=0).fit(X)
    for name in ("clusters", "projection"):
        ax = getattr(plot, name)(model, X)  # the labels of the fit are found
        assert ax.get_title() == "3 clusters of 303 rows, 3 outliers"
        dots, crosses = ax.collections
        assert len(dots.get_offsets()) == 300 and len(crosses.get_offsets()) == 3
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["outlier"]
    assert "3 outliers left out" in drawn(plot.silhouette(model, X))
    assert "outliers" in drawn(plot.sizes(model)) and "outlier" in drawn(plot.pairs(model, X)[0, 0])
    others = plot.clusters(model, X[:-1])  # other rows: all have a cluster
    assert others.get_title() == "3 clusters of 302 rows"


@pytest.mark.parametrize("k, classes", [(3, 3), (2, 4), (9, 3), (20, 22)])
def test_truth_beside_clusters_in_matching_colors(k, classes):
    rng = np.random.default_rng(k)
    centers = 40 * rng.normal(size=(classes, 2))
    codes = np.arange(440) % classes
    X = centers[codes] + rng.normal(size=(440, 2))
    names = np.array([f"class {chr(97 + code)}" for code in codes])
    model = KMeans(k, random_state=0).fit(X)
    truth, found = plot.compare(model, X, names)
    assert truth.get_title() == f"truth: {classes} classes"
    assert "adjusted Rand index" in found.get_title()
    left, right = (ax.collections[0].get_facecolors()[:, :3] for ax in (truth, found))
    assert np.array_equal(truth.collections[0].get_offsets(), found.collections[0].get_offsets())
    same = (left == right).all(axis=1).mean()
    order = np.random.RandomState(1).permutation(440)
    best = max_overlap(codes[order], model.labels_[order])
    assert len(np.unique(left, axis=0)) == min(classes, 20)  # a color each, as far as there are
    if classes > 20:
        assert same >= best / 440
    else:
        assert same == pytest.approx(best / 440)
        shown = [text.get_text() for text in truth.get_legend().get_texts()]
        assert shown == sorted(set(names))
    assert truth.get_xlim() == found.get_xlim()


def max_overlap(a, b):
    """Most rows that pairs of classes and clusters can have in common."""
    optimize = pytest.importorskip("scipy.optimize")
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    return table[optimize.linear_sum_assignment(-table)].sum()


def test_dark_paper_has_light_ink():
    X = rows()
    with plt.style.context("dark_background"):
        ax = plot.clusters(fitted(X, 20), X)
        assert {text.get_color() for text in ax.texts} == {"white"}
        for disc in ax.texts:
            assert disc.get_bbox_patch().get_facecolor()[:3] == (0, 0, 0)
        for region in ax.patches:
            assert max(region.get_facecolor()[:3]) < 0.5
        assert all(
            max(matplotlib.colors.to_rgb(color)) > 0.35 for color in plot.cluster_colors(X[:20])
        )


@pytest.mark.parametrize(
    ("values", "step", "texts"),
    [
        ([95000, 97500], 2500, ["95,000", "97,500"]),
        ([0.1, 0.125], 0.025, ["0.100", "0.125"]),
        ([-0.0, 2.5], 2.5, ["0.0", "2.5"]),
        ([2e9, 4e9], 2e9, ["2e+09", "4e+09"]),
        ([4.98, 5.0], None, ["4.980", "5.000"]),
        ([97479.3, 99462], None, ["97,479", "99,462"]),
        ([3.0], None, ["3.0"]),
        ([0.0, 0.0], None, ["0", "0"]),
    ],
)
def test_several_numbers_are_written_alike(values, step, texts):
    assert numbers(values, step) == texts


@given(
    st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=8, unique=True),
)
def test_ticks_tell_numbers_apart(values):
    values = np.array(sorted(values))
    step = float(np.diff(values).min())
    texts = numbers(values, step)
    if step > 1e-12 * np.abs(values).max():
        assert len(set(texts)) == len(texts)
    assert max(map(len, texts)) <= 22
