"""Pictures of clusterings, with matplotlib (``pip install 'ckmeans-cython[plot]'``).

Every function takes matplotlib axes and returns them; without axes it makes a new figure. Axes are
labeled with the names of the columns. Rows of models with ``metric="cosine"`` are drawn at unit
length. The colors can be distinguished by color-blind readers (Okabe & Ito 2008). With more than
eight clusters only neighboring ones have different colors; the numbers at the centers identify
them. Of very many rows a random sample is drawn, and the plot says so.
"""

import math
import os
import shutil
import tempfile

import numpy as np

from . import metrics
from ._estimators.base import unit_rows
from ._estimators.kmeans import KMeans
from ._estimators.scaling import UNSCALED, fitted_scaling
from ._input import checks as check
from ._input.contiguous import contiguous
from ._input.optional_packages import need
from ._insight.principal_axes import principal_axes
from ._output.files import write_atomically
from ._output.safe_text import picture, terminal

#: The colors of Okabe & Ito, sorted such that the first ones differ most.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#888888")
MAX_POINTS = 20_000  #: rows drawn at most
_GRID = 400  # pixels along each side of the picture of the regions
_INK = "#222222"
_OUTLIER = "#bbbbbb"


# -- rows, names, colors --------------------------------------------------------------------------


def pyplot():
    return need("matplotlib.pyplot", "ckmeans.plot")


def _axes(ax, **options):
    return pyplot().subplots(layout="constrained", **options)[1] if ax is None else ax


def _open(model, X, labels=None):
    """The checked rows, their labels, the names of their columns and the model's centers (k, d),
    float64.
    """
    check.check_plain(model, "a plot")
    centers = check.fitted_centers(model)
    array, names = check.as_matrix(X)
    if names is not None and hasattr(model, "feature_names_in_"):
        check.check_feature_names(model, names, array.shape[1], reset=False)
    check.check_feature_count(model, array.shape[1])
    if labels is None:
        scaling = fitted_scaling(model)
        labels = nearest(scaling.inside(centers), scaling.inside(array), model.metric)
    else:
        labels = np.asarray(labels)
        if labels.shape != (len(array),):
            raise ValueError(
                f"labels has shape {labels.shape}, but one label per row is needed: "
                f"shape ({len(array)},)."
            )
        if labels.dtype.kind not in "iu" or not -1 <= labels.min() <= labels.max() < len(centers):
            raise ValueError(
                f"labels must be integers from 0 to {len(centers) - 1}, the rows of "
                "cluster_centers_, or -1 for outliers, got "
                f"{labels.min()!s} to {labels.max()!s} of type {labels.dtype}."
            )
    if model.metric == "cosine":
        array = unit_rows(array)
    return array, labels, _names(model, names), centers


def _names(model, names=None):
    """What to call the columns."""
    if names is None:
        names = getattr(model, "feature_names_in_", None)
    if names is None:
        return [f"feature {j}" for j in range(check.fitted_centers(model).shape[1])]
    return [str(name) for name in names]


def _columns(features, names, count):
    """Column numbers from numbers or names."""
    if features is None:
        return list(range(count))
    features = list(features)
    columns = []
    for feature in features:
        if isinstance(feature, str):
            if feature not in names:
                raise ValueError(
                    f"there is no feature {feature!r}; there are {terminal(', '.join(names))}."
                )
            feature = names.index(feature)
        check.check_int(
            feature,
            "every feature",
            0,
            f"a name or a number from 0 to {len(names) - 1}",
            len(names) - 1,
        )
        columns.append(int(feature))
    return columns


def cluster_colors(centers):
    """A color for each center. Up to eight all differ; beyond that, nearby centers do."""
    k = len(centers)
    if k <= len(COLORS):
        return list(COLORS[:k])
    centers = np.asarray(centers, dtype=np.float64)
    chosen: list[int] = []
    for j in range(k):
        apart = np.sqrt(((centers[:j] - centers[j]) ** 2).sum(axis=1))
        nearest = [
            min((apart[i] for i in range(j) if chosen[i] == c), default=math.inf)
            for c in range(len(COLORS))
        ]
        used = [chosen.count(c) for c in range(len(COLORS))]
        chosen.append(max(range(len(COLORS)), key=lambda c: (nearest[c], -used[c])))
    return [COLORS[c] for c in chosen]


def thin(n, max_points=MAX_POINTS):
    """The indices of the rows to draw, in increasing order; the same at every call."""
    if n <= max_points:
        return np.arange(n)
    return np.sort(np.random.RandomState(0).permutation(n)[:max_points])


def _thin_grouped(n, max_points):
    text = f"{max_points:,} of {n:,} rows drawn" if n > max_points else ""
    return thin(n, max_points), text.replace(",", "\N{NARROW NO-BREAK SPACE}")


def _note(ax, text):
    """A remark in small print in the corner."""
    if text:
        put = ax.text2D if hasattr(ax, "text2D") else ax.text
        note = put(
            0.99,
            0.01,
            text,
            transform=ax.transAxes,
            ha="right",
            va="bottom",
            fontsize=7,
            color=_INK,
            zorder=20,
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.5},
        )
        note.set_in_layout(False)


def _dot_size(n):
    return float(np.clip(4000 / max(n, 1), 2.0, 30.0))


def _plain(ax):
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _scatter(ax, points, labels, colors, n):
    """Rows in random order, so that no cluster hides the others."""
    order = np.random.RandomState(1).permutation(len(points))
    shades = np.array([*colors, _OUTLIER])[labels[order]]  # -1 is the last
    many = len(points) > 2000
    ax.scatter(
        *points[order].T,
        c=shades,
        s=_dot_size(len(points)),
        alpha=0.5 if many else 0.85,
        linewidths=0,
        rasterized=many,
        zorder=2,
    )


def _mark_centers(ax, points, colors):
    """Centers as numbered discs."""
    k = len(points)
    size = 8.0 if k <= 20 else 6.5 if k <= 50 else 5.5
    digits = len(str(k - 1))
    for j, point in enumerate(points):
        options = {
            "ha": "center",
            "va": "center",
            "fontsize": size,
            "color": _INK,
            "zorder": 10,
            "bbox": {
                "boxstyle": f"circle,pad={0.25 if digits == 1 else 0.15}",
                "facecolor": "white",
                "edgecolor": colors[j],
                "linewidth": 1.6 if k <= 50 else 1.1,
            },
        }
        ax.text(*point, str(j), **options)


def _regions(ax, centers, colors, x_limits, y_limits, scaling=UNSCALED):
    """The region of each center, in pale colors behind the rows."""
    x, y = (np.linspace(low, high, _GRID) for low, high in (x_limits, y_limits))
    grid = np.stack([*map(np.ravel, np.meshgrid(x, y))], axis=1)
    labels = nearest(scaling.inside(centers), scaling.inside(grid)).reshape(_GRID, _GRID)
    to_rgb = need("matplotlib.colors", "ckmeans.plot").to_rgb
    pale = np.array([1 - 0.2 * (1 - np.array(to_rgb(color))) for color in colors])
    image = pale[labels]
    edge = np.zeros(labels.shape, dtype=bool)
    edge[:-1] |= labels[:-1] != labels[1:]
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    image[edge] = 0.62
    return ax.imshow(
        image,
        extent=(*x_limits, *y_limits),
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
        zorder=0,
    )


def nearest(centers, points, metric="euclidean"):
    """The nearest center of each point."""
    judge = KMeans(len(centers), metric=metric)
    judge.cluster_centers_ = contiguous(centers, np.float64)
    judge.n_features_in_ = points.shape[1]
    return judge.predict(points)


def _limits(values, margin=0.06):
    low, high = float(values.min()), float(values.max())
    room = margin * (high - low) or 0.5 * max(abs(low), 1.0)
    return low - room, high + room


# -- clusters --------------------------------------------------------------------------------------


def clusters(model, X, *, features=None, labels=None, regions=True, max_points=MAX_POINTS, ax=None):
    """Rows colored by cluster, with numbered centers, in two dimensions.

    Parameters
    ----------
    model : KMeans
        Fitted.
    X : array-like or table of shape (n, d)
    features : pair of names or numbers, or None
        The columns to draw. None draws two columns as they are, one column as a strip, and of more
        columns the principal components (`projection`).
    labels : array-like of shape (n,) or None
        None means the index of the nearest center.
    regions : bool
        Color the plane by the nearest center, if the data has two columns.
    max_points : int
        Of more rows a random sample is drawn, and the plot says so.
    ax : matplotlib axes or None

    Returns
    -------
    ax : matplotlib axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import numpy as np
    >>> from ckmeans import KMeans, plot
    >>> X = np.random.default_rng(0).random((200, 2))
    >>> ax = plot.clusters(KMeans(3, random_state=0).fit(X), X)
    >>> ax.get_xlabel()
    'feature 0'
    """
    array, labels, names, centers = _open(model, X, labels)
    d = array.shape[1]
    if features is None and d > 2:
        return projection(model, X, labels=labels, max_points=max_points, ax=ax)
    columns = _columns(features, names, min(d, 2))
    if len(columns) != min(d, 2):
        raise ValueError(
            f"features must name {min(d, 2)} column(s), got {len(columns)}; "
            "clusters_3d takes three, pairs any number."
        )
    ax = _axes(ax)
    colors = cluster_colors(centers)
    rows, note = _thin_grouped(len(array), max_points)
    points, middles = array[rows][:, columns].astype(np.float64), centers[:, columns]
    if d == 1:
        jitter = np.random.RandomState(0).random_sample(len(points))
        points = np.column_stack([points[:, 0], jitter])
        middles = np.column_stack([middles[:, 0], np.full(len(middles), 0.5)])
        ax.set_ylim(-0.1, 1.1)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        edges = np.sort(middles[:, 0])
        for edge in (edges[:-1] + edges[1:]) / 2 if regions else ():
            ax.axvline(edge, color="#aaaaaa", linewidth=0.8, zorder=1)
    x_limits = _limits(np.concatenate([points[:, 0], middles[:, 0]]))
    if d > 1:
        y_limits = _limits(np.concatenate([points[:, 1], middles[:, 1]]))
        if regions and d == 2:
            _regions(ax, middles, colors, x_limits, y_limits, fitted_scaling(model))
        ax.set_ylim(y_limits)
        ax.set_ylabel(picture(names[columns[1]]))
    ax.set_xlim(x_limits)
    ax.set_xlabel(picture(names[columns[0]]))
    _scatter(ax, points, labels[rows], colors, len(array))
    _mark_centers(ax, middles, colors)
    _note(ax, note)
    return _plain(ax)


def projection(model, X, *, labels=None, max_points=MAX_POINTS, ax=None):
    """Rows and centers in the plane of the two directions of most variance, for more than two
    features.

    Parameters
    ----------
    model, X, labels, max_points, ax
        As in `clusters`.

    Returns
    -------
    ax : matplotlib axes
        The label of each axis has its share of the variance. Clusters that overlap here may be
        separated in other directions.
    """
    array, labels, names, centers = _open(model, X, labels)
    if array.shape[1] < 2:
        raise ValueError("projection needs two features at least; clusters draws one.")
    scaling = fitted_scaling(model)
    array, centers = scaling.inside(array), scaling.inside(centers)
    ax = _axes(ax)
    rows, note = _thin_grouped(len(array), max_points)
    shown = array[rows].astype(np.float64)
    middle, axes, shares = principal_axes(shown, 2)
    points, middles = (shown - middle) @ axes.T, (centers - middle) @ axes.T
    colors = cluster_colors(middles)
    _scatter(ax, points, labels[rows], colors, len(array))
    _mark_centers(ax, middles, colors)
    for put, share, name in (
        (ax.set_xlabel, shares[0], "first"),
        (ax.set_ylabel, shares[1], "second"),
    ):
        put(f"{name} principal component ({share:.0%} of the variance)")
    ax.set_xlim(_limits(np.concatenate([points[:, 0], middles[:, 0]])))
    ax.set_ylim(_limits(np.concatenate([points[:, 1], middles[:, 1]])))
    _note(ax, note)
    return _plain(ax)


def clusters_3d(model, X, *, features=None, labels=None, max_points=5000, ax=None):
    """Rows colored by cluster in three dimensions.

    Parameters
    ----------
    model, X, labels, max_points
        As in `clusters`.
    features : three names or numbers, or None
        None draws the first three columns.
    ax : matplotlib 3-D axes or None

    Returns
    -------
    ax : matplotlib 3-D axes
    """
    array, labels, names, centers = _open(model, X, labels)
    columns = _columns(features, names, 3)
    if len(columns) != 3 or array.shape[1] < 3:
        raise ValueError(
            "clusters_3d draws three features, got "
            f"{min(len(columns), array.shape[1])}; clusters draws two."
        )
    if ax is None:
        ax = pyplot().figure(figsize=(6.4, 5.6)).add_subplot(projection="3d")
    elif not hasattr(ax, "zaxis"):
        raise TypeError("clusters_3d needs 3-D axes: figure.add_subplot(projection='3d').")
    colors = cluster_colors(centers)
    rows, note = _thin_grouped(len(array), max_points)
    points = array[rows][:, columns].astype(np.float64)
    _scatter(ax, points, labels[rows], colors, len(array))
    _mark_centers(ax, centers[:, columns], colors)
    for put, column in zip((ax.set_xlabel, ax.set_ylabel, ax.set_zlabel), columns):
        put(_short(names[column]), labelpad=9)
    ax.tick_params(labelsize=8)
    ax.set_box_aspect(None, zoom=0.86)  # room for the label of the third axis
    _note(ax, note)
    return ax


def pairs(model, X, *, features=None, labels=None, max_points=5000, axes=None):
    """Scatter plots of all pairs of some features, with histograms by cluster on the diagonal.

    Parameters
    ----------
    model, X, labels, max_points
        As in `clusters`.
    features : list of names or numbers, or None
        None draws at most the first five columns, and the plot says so.
    axes : ndarray of matplotlib axes of shape (m, m), or None

    Returns
    -------
    axes : ndarray of matplotlib axes of shape (m, m)
    """
    array, labels, names, centers = _open(model, X, labels)
    columns = _columns(features, names, min(array.shape[1], 5))
    m = len(columns)
    if axes is None:
        side = max(2.0 * m, 4.0)
        _, axes = pyplot().subplots(m, m, figsize=(side, side), layout="constrained", squeeze=False)
    axes = np.asarray(axes)
    if axes.shape != (m, m):
        raise ValueError(f"axes has shape {axes.shape}, but {m} features need ({m}, {m}).")
    colors = cluster_colors(centers)
    rows, note = _thin_grouped(len(array), max_points)
    if features is None and m < array.shape[1]:
        note = ", ".join(filter(None, [note, f"first {m} of {array.shape[1]} features"]))
    points, labels = array[rows][:, columns].astype(np.float64), labels[rows]
    middles = centers[:, columns]
    ranges = [_limits(points[:, j]) for j in range(m)]
    for i in range(m):
        for j in range(m):
            ax = _plain(axes[i, j])
            ax.tick_params(labelsize=7, labelbottom=i == m - 1, labelleft=j == 0)
            ax.set_xlim(ranges[j])
            ax.set_ylim(ranges[i])
            if i == j:
                # Counts have their own scale: the ticks are those of the other plots in the row.
                counts = ax.twinx()
                counts.set_axis_off()
                low, high = ranges[j]
                bins = np.linspace(low, high, 31)
                counts.hist(
                    [points[labels == c, j] for c in range(len(middles))],
                    bins,
                    stacked=True,
                    color=colors,
                    linewidth=0,
                    histtype="stepfilled",
                )
            else:
                _scatter(ax, points[:, [j, i]], labels, colors, len(array))
                if len(middles) <= 20:
                    ax.scatter(
                        middles[:, j],
                        middles[:, i],
                        s=26,
                        c=colors,
                        edgecolors="white",
                        linewidths=0.9,
                        zorder=5,
                    )
            if i == m - 1:
                ax.set_xlabel(_short(names[columns[j]]), fontsize=9)
            if j == 0:
                ax.set_ylabel(_short(names[columns[i]]), fontsize=9)
    axes[0, -1].set_title(note, loc="right", fontsize=7)
    return axes


def _short(text, longest=22):
    """A column name as a label, shortened."""
    return picture(
        text if len(text) <= longest else text[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
    )


# -- the model -------------------------------------------------------------------------------------


def _room(ax, vertical):
    """How many cluster numbers are legible along an axis of this length."""
    box = ax.get_window_extent()
    points = (box.height if vertical else box.width) * 72 / ax.figure.dpi
    return max(3, int(points / (13 if vertical else 24)))


def _cluster_ticks(ax, k, vertical):
    """Cluster numbers along an axis, as many as are legible."""
    step = max(1, math.ceil(k / _room(ax, vertical)))
    (ax.yaxis if vertical else ax.xaxis).set_ticks(
        np.arange(0, k, step), [str(j) for j in range(0, k, step)]
    )


def _cell(ax, column, row, value, dark, size):
    """A number in a cell of a matrix, white if the cell is dark."""
    color = "white" if dark else _INK
    ax.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=size, color=color)


def sizes(model, *, ax=None):
    """The number of rows in each cluster, as bars.

    Parameters
    ----------
    model : KMeans
    ax : matplotlib axes or None

    Returns
    -------
    ax : matplotlib axes
    """
    centers = check.fitted_centers(model)
    k = len(centers)
    counts = check.fitted_array(model, "counts_", (k,), integers=True)
    ax = _plain(_axes(ax))
    bars = ax.bar(np.arange(k), counts, color=cluster_colors(centers), width=0.8)
    if k <= 12:
        ax.bar_label(
            bars,
            [f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") for count in counts],
            fontsize=8,
            padding=1,
        )
    _cluster_ticks(ax, k, vertical=False)
    ax.set_xlim(-0.6, k - 0.4)
    ax.set_xlabel("cluster")
    ax.set_ylabel("rows")
    return ax


def profiles(model, *, ax=None):
    """Centers relative to the mean of all rows, feature by feature.

    Parameters
    ----------
    model : KMeans
    ax : matplotlib axes or None

    Returns
    -------
    ax : matplotlib axes
        Colors are in units of the standard deviation of the centers, weighted by their rows. The
        numbers, if there is room for them, are the coordinates of the centers.
    """
    centers, names = check.fitted_centers(model), _names(model)
    k, d = centers.shape
    counts = check.fitted_array(model, "counts_", (k,), integers=True)
    if ax is None:
        ax = _axes(
            None,
            figsize=(
                float(np.clip(2.2 + 0.75 * d, 4.5, 13)),
                float(np.clip(1.6 + 0.33 * k, 2.6, 11)),
            ),
        )
    share = (counts / max(counts.sum(), 1))[:, np.newaxis]
    off = centers - (share * centers).sum(axis=0)
    spread = np.sqrt((share * off**2).sum(axis=0))
    off = np.divide(off, spread, out=np.zeros_like(off), where=spread > 0)
    # The color scale must show differences between most centers, even if a few are far away.
    reach, most = float(np.abs(off).max()) or 1.0, float(np.quantile(np.abs(off), 0.9))
    beyond = "neither"
    if reach > 2 * most > 0:
        reach, beyond = max(1.0, most), "both"
    image = ax.imshow(
        off, cmap="PuOr_r", vmin=-reach, vmax=reach, aspect="auto", interpolation="nearest"
    )
    ax.figure.colorbar(image, ax=ax, label="spreads from the mean", shrink=0.9, extend=beyond)
    if d <= 14 and k <= 25:
        for j in range(k):
            for f in range(d):
                dark = abs(off[j, f]) > 0.62 * reach
                _cell(ax, f, j, centers[j, f], dark, 7.5)
    step = max(1, math.ceil(d / 40))
    long = d > 6 or max(map(len, names)) > 9
    ax.set_xticks(
        np.arange(0, d, step),
        [_short(name) for name in names[::step]],
        rotation=90 if d > 14 else 35 if long else 0,
        ha="center" if d > 14 or not long else "right",
        rotation_mode="default" if d > 14 else "anchor",
        fontsize=8,
    )
    _cluster_ticks(ax, k, vertical=True)
    ax.set_ylabel("cluster")
    return ax


def center_distances(model, *, ax=None):
    """Matrix of the distances between the centers.

    Parameters
    ----------
    model : KMeans
    ax : matplotlib axes or None

    Returns
    -------
    ax : matplotlib axes
    """
    centers = fitted_scaling(model).inside(check.fitted_centers(model))
    k = len(centers)
    ax = _axes(ax)
    apart = np.sqrt(((centers[:, np.newaxis] - centers) ** 2).sum(axis=2))
    image = ax.imshow(apart, cmap="cividis", interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, label="distance", shrink=0.9)
    if k <= 12:
        for i in range(k):
            for j in range(k):
                _cell(ax, j, i, apart[i, j], apart[i, j] <= 0.55 * apart.max(), 7)
    for vertical in False, True:
        _cluster_ticks(ax, k, vertical)
    ax.set_xlabel("cluster")
    ax.set_ylabel("cluster")
    return ax


def silhouette(model, X, *, labels=None, max_points=5000, ax=None):
    """Silhouettes of the rows, sorted within each cluster: how well each row fits its cluster.

    Parameters
    ----------
    model, X, labels, ax
        As in `clusters`.
    max_points : int
        Of more rows only a random sample is used, as if it were all rows, and the plot says so.

    Returns
    -------
    ax : matplotlib axes

    See Also
    --------
    ckmeans.metrics.silhouette_samples
    """
    array, labels, _, centers = _open(model, X, labels)
    array, labels = array[labels >= 0], labels[labels >= 0]
    ax = _plain(_axes(ax))
    rows, note = _thin_grouped(len(array), max_points)
    labels = labels[rows]
    values = metrics.silhouette_samples(fitted_scaling(model).inside(array[rows]), labels)
    colors = cluster_colors(centers)
    k = len(colors)
    gap = max(1.0, 0.15 * len(values) / k)
    bottom, ticks = 0.0, []
    for j in range(k):
        mine = np.sort(values[labels == j])[::-1]
        if len(mine):
            y = bottom + np.arange(len(mine) + 1)
            ax.fill_betweenx(
                y,
                0,
                np.append(mine, mine[-1]),
                step="post",
                color=colors[j],
                linewidth=0,
                rasterized=len(values) > 2000,
            )
        ticks.append(bottom + len(mine) / 2)
        bottom += len(mine) + gap
    mean = metrics.exact_mean(values)
    ax.axvline(mean, color=_INK, linestyle="--", linewidth=1, zorder=5)
    ax.text(
        mean,
        1.005,
        f"mean {mean:.3f}",
        ha="center",
        va="bottom",
        fontsize=8,
        color=_INK,
        transform=ax.get_xaxis_transform(),
    )
    step = max(1, math.ceil(k / _room(ax, vertical=True)))
    ax.set_yticks(ticks[::step], [str(j) for j in range(0, k, step)], fontsize=8)
    ax.set_ylim(bottom, -gap)  # cluster 0 on top
    ax.set_xlim(min(-0.05, float(values.min()) - 0.02), 1.0)
    ax.set_xlabel("silhouette")
    ax.set_ylabel("cluster")
    _note(ax, note)
    return ax


# -- choosing k ------------------------------------------------------------------------------------


def selection(result, *names, axes=None):
    """Inertia and every criterion against k, with the k that each criterion favors marked.

    Parameters
    ----------
    result : KSelection
        What `select_k` returned.
    *names : str
        Columns of its table; without any, all are drawn.
    axes : sequence of matplotlib axes, or None
        One per column drawn.

    Returns
    -------
    axes : ndarray of matplotlib axes
    """
    names = names or ("inertia", *result.best_k)
    for name in names:
        check.check_name(name, ["inertia", *result.best_k], "column")
    if axes is None:
        across = min(3, len(names))
        down = math.ceil(len(names) / across)
        figure, grid = pyplot().subplots(
            down, across, figsize=(3.7 * across, 2.6 * down), layout="constrained", squeeze=False
        )
        axes = grid.ravel()
        for ax in axes[len(names) :]:
            ax.remove()
        chosen = (
            "no clear structure"
            if result.suggested_k is None
            else (f"suggested k = {result.suggested_k}")
        )
        figure.suptitle(chosen, fontsize=11)
    axes = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()[: len(names)]
    if len(axes) < len(names):
        raise ValueError(f"{len(axes)} axes for {len(names)} columns: pass one for each.")
    k = result.k_range
    ticker = need("matplotlib.ticker", "ckmeans.plot")
    for ax, name in zip(axes, names):
        values = np.asarray(result.table[name], dtype=float)
        best = result.best_k.get(name)
        if f"{name}_se" in result.table:
            ax.errorbar(
                k,
                values,
                result.table[f"{name}_se"],
                color=COLORS[0],
                ecolor="#999999",
                elinewidth=1,
                linewidth=1.3,
            )
        else:
            ax.plot(k, values, color=COLORS[0], linewidth=1.3)
        ax.plot(k, values, "o", color=COLORS[0], markersize=3.5)
        title = result.title(name)
        if best is not None:
            ax.plot(best, values[k == best][0], "o", color=COLORS[5], markersize=8, zorder=5)
            title += f": k = {best}"
        if result.suggested_k is not None:
            ax.axvline(result.suggested_k, color="#bbbbbb", linewidth=1, linestyle=":", zorder=0)
        ax.set_title(title[0].upper() + title[1:], fontsize=9.5)
        ax.set_xlabel("k", fontsize=9)
        ax.tick_params(labelsize=8)
        ax.set_xlim(k[0] - 0.5, k[-1] + 0.5)
        ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, nbins=8))
        ax.ticklabel_format(axis="y", scilimits=(-3, 4))
        ax.yaxis.get_offset_text().set_fontsize(7)
        if name == "inertia":
            ax.set_ylim(bottom=0)
        _plain(ax)
    return axes


def overview(model, X, *, labels=None, selection=None, max_points=MAX_POINTS):
    """One figure with the clusters and, next to them, how k was chosen or how large they are.

    Parameters
    ----------
    model : KMeans or None
        None if `selection` found no clear structure: then the figure shows only the criteria.
    X, labels, max_points
        As in `clusters`.
    selection : KSelection or None
        What `select_k` returned.

    Returns
    -------
    axes : ndarray of matplotlib axes
    """
    if model is None:
        return globals()["selection"](selection)
    figure = pyplot().figure(figsize=(10.5, 5.0), layout="constrained")
    grid = figure.add_gridspec(2, 3)
    axes = np.array(
        [
            figure.add_subplot(grid[:, :2]),
            figure.add_subplot(grid[0, 2]),
            figure.add_subplot(grid[1, 2]),
        ],
        dtype=object,
    )
    clusters(model, X, labels=labels, max_points=max_points, ax=axes[0])
    if selection is None:
        sizes(model, ax=axes[1])
        profiles(model, ax=axes[2])
    else:
        beside = next(
            (name for name in ("silhouette", *selection.best_k) if name in selection.best_k),
            "inertia",
        )
        globals()["selection"](selection, "inertia", axes=axes[1:2])
        globals()["selection"](selection, beside, axes=axes[2:])
    return axes


# -- watching --------------------------------------------------------------------------------------


def _watch(model, X, sample_weight):
    """The initial centers of one run of a copy of the model, and the states of its iterations."""
    copy = type(model)(**model.get_params(deep=False))
    # One seed, so that the initial centers are those of the run.
    (seed,) = check.seeds(copy.random_state, 1)
    copy.set_params(random_state=seed, n_init=1)
    _, restarts, _ = copy._prepare(X, sample_weight)
    return restarts[0][1](), list(copy.iter_fit(X, sample_weight=sample_weight))


def _plane(array, names):
    """A projection to two dimensions, function(points) -> (m, 2), and the labels of the axes."""
    d = array.shape[1]
    if d == 1:
        return lambda points: np.column_stack([points[:, 0], np.zeros(len(points))]), (
            picture(names[0]),
            "",
        )
    if d == 2:
        return lambda points: np.asarray(points, dtype=np.float64), tuple(map(picture, names))
    middle, axes, shares = principal_axes(array[thin(len(array))].astype(np.float64), 2)
    return (lambda points: (points - middle) @ axes.T), tuple(
        f"{name} principal component ({share:.0%} of the variance)"
        for name, share in zip(("first", "second"), shares)
    )


def _run_names(model, X):
    """The rows as they are drawn, and the names of their columns."""
    check.check_plain(model, "a plot")
    array, names = check.as_matrix(X)
    array = unit_rows(array) if model.metric == "cosine" else array
    return array, [f"feature {j}" for j in range(array.shape[1])] if names is None else [
        str(name) for name in names
    ]


def trace(model, X, *, sample_weight=None, max_points=MAX_POINTS, ax=None):
    """The path of each center over the iterations of one run.

    Parameters
    ----------
    model : KMeans
        Its parameters are used for a run of their own (the first one); it need not be fitted and is
        left as it is.
    X : array-like or table of shape (n, d)
        More than two features are drawn in the plane of their principal components.
    sample_weight : array-like of shape (n,) or None
    max_points : int
    ax : matplotlib axes or None

    Returns
    -------
    ax : matplotlib axes
    """
    array, names = _run_names(model, X)
    start, states = _watch(model, X, sample_weight)
    place, titles = _plane(array, names)
    ax = _plain(_axes(ax))
    rows, note = _thin_grouped(len(array), max_points)
    # (1 + iterations, k, 2)
    way = np.array([place(start), *(place(state.centers) for state in states)])
    colors = cluster_colors(states[-1].centers)
    points = place(array[rows])
    ax.scatter(
        *points.T,
        c="#c4c4c4",
        s=_dot_size(len(points)),
        linewidths=0,
        rasterized=len(points) > 2000,
        zorder=1,
    )
    for j, color in enumerate(colors):
        ax.plot(
            way[:, j, 0], way[:, j, 1], color=_INK, linewidth=2.6, zorder=3, solid_capstyle="round"
        )
        ax.plot(
            way[:, j, 0],
            way[:, j, 1],
            color=color,
            linewidth=1.6,
            marker="o",
            markersize=2.6,
            zorder=4,
        )
    ax.plot(*way[0].T, "x", color=_INK, markersize=6, markeredgewidth=1.8, zorder=5, label="start")
    ax.legend(fontsize=8, frameon=True, handletextpad=0.2)
    _mark_centers(ax, way[-1], colors)
    ax.set_xlabel(titles[0])
    ax.set_ylabel(titles[1])
    ax.set_title(f"centers over {len(states)} iteration{'s' * (len(states) != 1)}", fontsize=10)
    _note(ax, note)
    return ax


def animation(model, X, path=None, *, sample_weight=None, fps=2, max_points=5000, ax=None):
    """One run of k-means as an animation, with a frame for each iteration.

    Parameters
    ----------
    model : KMeans
        Its parameters are used for a run of their own (the first one); it need not be fitted and is
        left as it is.
    X : array-like or table of shape (n, d)
        More than two features are drawn in the plane of their principal components, without
        regions.
    path : str or path-like, or None
        Where to write it: ``.gif`` (with Pillow, which matplotlib installs) or ``.html``.
    sample_weight : array-like of shape (n,) or None
    fps : float
        Frames per second.
    max_points : int
    ax : matplotlib axes or None

    Returns
    -------
    film : matplotlib.animation.FuncAnimation
        In a notebook: ``IPython.display.HTML(film.to_jshtml())``.
    """
    suffix = None if path is None else str(path).lower().rpartition(".")[2]
    if suffix not in (None, "gif", "html"):
        raise ValueError(f"path must end in .gif or .html, got {str(path)!r}.")
    if not 0 < fps <= 60:
        raise ValueError(f"fps must be above 0 and at most 60, got {fps!r}.")
    animate = need("matplotlib.animation", "ckmeans.plot")
    array, names = _run_names(model, X)
    start, states = _watch(model, X, sample_weight)
    place, titles = _plane(array, names)
    if ax is None:  # no constrained layout, which would be computed again for each frame
        _, ax = pyplot().subplots(figsize=(6.4, 5.0))
    rows, note = _thin_grouped(len(array), max_points)
    points = place(array[rows])
    everything = np.concatenate([points, place(start), *(place(state.centers) for state in states)])
    limits = _limits(everything[:, 0]), _limits(everything[:, 1])
    colors = cluster_colors(states[-1].centers)

    def draw(number):
        ax.clear()
        # Frame 0 has the initial centers, before any row has a label.
        centers = states[number - 1].centers if number else start
        if array.shape[1] == 2:
            _regions(ax, centers, colors, *limits)
        if number:
            state = states[number - 1]
            _scatter(ax, points, state.labels[rows], colors, len(array))
            title = (
                f"iteration {state.n_iter}: inertia {state.inertia:.6g}, labels changed "
                f"{state.n_changed}"
            )
        else:
            _scatter(ax, points, np.zeros(len(points), dtype=int), ["#9a9a9a"], len(array))
            title = "start"
        _mark_centers(ax, place(centers), colors)
        ax.set_xlim(limits[0])
        ax.set_ylim(limits[1])
        ax.set_xlabel(titles[0])
        ax.set_ylabel(titles[1])
        ax.set_title(title, fontsize=10)
        _note(ax, note)
        _plain(ax)

    film = animate.FuncAnimation(
        ax.figure, draw, frames=len(states) + 1, interval=1000 / fps, repeat_delay=2000
    )
    if suffix == "gif":
        with tempfile.TemporaryDirectory() as folder:  # matplotlib writes to paths only
            whole = os.path.join(folder, "film.gif")
            film.save(whole, writer=animate.PillowWriter(fps=fps))
            with open(whole, "rb") as source, write_atomically(path) as file:
                shutil.copyfileobj(source, file)
    elif suffix == "html":
        page = film.to_jshtml(fps=fps).encode()
        with write_atomically(path) as file:
            file.write(page)
    return film


def quantization(image, n_colors=(2, 4, 8, 16), *, random_state=0, axes=None):
    """An image reduced to several numbers of colors next to the original, with the palettes below.

    Parameters
    ----------
    image : as for `ckmeans.image.quantize`
    n_colors : iterable of int
    random_state : None, int, RandomState or Generator
    axes : sequence of matplotlib axes, or None
        One for the original and one for each number of colors.

    Returns
    -------
    axes : ndarray of matplotlib axes

    See Also
    --------
    ckmeans.image.quantize
    """
    from .image import FULL, _as_image, quantize

    numbers, image = list(n_colors), _as_image(image)
    results = [quantize(image, number, random_state=random_state) for number in numbers]
    if axes is None:
        across = min(3, len(numbers) + 1)
        down = math.ceil((len(numbers) + 1) / across)
        ratio = image.shape[0] / image.shape[1]
        _, grid = pyplot().subplots(
            down,
            across,
            figsize=(3.6 * across, (3.6 * ratio + 0.55) * down),
            layout="constrained",
            squeeze=False,
        )
        axes = grid.ravel()
        for ax in axes[len(numbers) + 1 :]:
            ax.remove()
    axes = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()[: len(numbers) + 1]
    if len(axes) < len(numbers) + 1:
        raise ValueError(f"{len(axes)} axes for {len(numbers) + 1} images: pass one for each.")
    for ax, shown, title in zip(
        axes,
        [image, *(result.image for result in results)],
        ["original", *(f"{len(result.palette)} colours" for result in results)],
    ):
        ax.imshow(_shown(shown, FULL[image.dtype]), cmap="gray", vmin=0, vmax=255)
        ax.set_title(title, fontsize=10)
        ax.set_axis_off()
    for ax, result in zip(axes[1:], results):
        strip = ax.inset_axes([0, -0.09, 1, 0.06])
        strip.imshow(
            _shown(result.palette[np.newaxis], FULL[image.dtype]),
            aspect="auto",
            cmap="gray",
            vmin=0,
            vmax=255,
            interpolation="nearest",
        )
        strip.set_axis_off()
    return axes


def _shown(image, full):
    """An image as bytes that imshow takes: gray, RGB or RGBA."""
    if image.dtype != np.uint8:
        image = np.rint(image / np.float64(full) * 255).astype(np.uint8)
    if image.ndim == 3 and image.shape[2] == 2:
        image = image[..., [0, 0, 0, 1]]
    return image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
