"""Pictures of clusterings, with matplotlib (``pip install 'ckmeans-cython[plot]'``).

Every function takes matplotlib axes and returns them; without axes it makes a new figure. Axes are
labeled with the names of the columns, and have a title unless they have one already. Rows of models
with ``metric="cosine"`` are drawn at unit length. A cluster has the same color in all plots of a
model. The colors can be distinguished by color-blind readers (Okabe & Ito 2008); from the ninth
cluster on, darker and lighter shades of them follow. With more than 20 clusters colors repeat,
never for neighbors if it can be helped; the numbers at the centers identify them. Outliers are
crosses. Of very many rows a random sample is drawn, and the plot says so. Texts and paper follow
matplotlib's style: ``plt.style.use("dark_background")``.
"""

import math
import os
import shutil
import tempfile
from typing import Any, NamedTuple

import numpy as np

from . import _drawing as draw
from . import metrics
from ._drawing import COLORS, MAX_POINTS, SHADES, cluster_colors, pyplot
from ._estimators.base import unit_rows
from ._estimators.kmeans import KMeans
from ._estimators.labels import assignment
from ._estimators.restarts import IterState
from ._estimators.scaling import UNSCALED, Scaling, fitted_scaling
from ._input import checks as check
from ._input.contiguous import contiguous
from ._input.optional_packages import need
from ._input.other_libraries import here
from ._insight.principal_axes import principal_axes
from ._output.files import write_atomically
from ._output.numbers import number, numbers, share
from ._output.safe_text import terminal

__all__ = [
    "COLORS",
    "MAX_POINTS",
    "SHADES",
    "animation",
    "center_distances",
    "cluster_colors",
    "clusters",
    "clusters_3d",
    "compare",
    "drift",
    "number",
    "overview",
    "pairs",
    "profiles",
    "projection",
    "quantization",
    "selection",
    "silhouette",
    "sizes",
    "trace",
]

_LEGEND = 20  # clusters at most in a legend: beyond, colors repeat
_ALL = 0.99  # a share of the variance beside which the others cannot be seen


# -- rows, names -----------------------------------------------------------------------------------


class _Opened(NamedTuple):
    """What a plot draws, checked."""

    model: Any  #: fitted; made for the purpose where a state was given
    rows: np.ndarray  #: (n, d)
    labels: np.ndarray  #: (n,), -1 for outliers
    names: list[str]  #: of the columns
    centers: np.ndarray  #: (k, d) float64
    stage: str  #: what precedes the title: where in a run this is

    @property
    def title(self):
        k, n, outliers = len(self.centers), len(self.labels), int((self.labels < 0).sum())
        if outliers == n:
            return f"{self.stage}{draw.counted(k, 'center')} and {draw.counted(n, 'row')}"
        more = f", {draw.counted(outliers, 'outlier')}" if outliers else ""
        return f"{self.stage}{draw.counted(k, 'cluster')} of {draw.counted(n, 'row')}{more}"


def _open(model, X, labels=None):
    stage = ""
    if isinstance(model, IterState):
        stage = f"iteration {model.n_iter}: " if model.n_iter else "start: "
        labels = model.labels if labels is None else labels
        model = _model_of(model)
    check.check_plain(model, "a plot")
    centers = check.fitted_centers(model)
    array, names = check.as_matrix(X)
    if names is not None and hasattr(model, "feature_names_in_"):
        check.check_feature_names(model, names, array.shape[1], reset=False)
    check.check_feature_count(model, array.shape[1])
    if labels is None:
        labels = labels_of(model, array)
    else:
        labels = np.asarray(here(labels, "labels"))
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
    return _Opened(model, array, labels, _names(model, names), centers, stage)


def _model_of(state):
    """A state of `KMeans.iter_fit` as a model."""
    model = KMeans(len(state.centers))
    model.cluster_centers_ = contiguous(state.centers, np.float64)
    model.n_features_in_ = state.centers.shape[1]
    return model


def _names(model, names=None):
    """Names of the columns for labels."""
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


def nearest(centers, points, metric="euclidean"):
    """The nearest center of each point."""
    judge = KMeans(len(centers), metric=metric)
    judge.cluster_centers_ = contiguous(centers, np.float64)
    judge.n_features_in_ = points.shape[1]
    return judge.predict(points)


def labels_of(model, array, weights=None):
    """The labels of the fit, if a rule gave rows others than their nearest centers (-1 to outliers)
    and these are its rows: all but outliers have their nearest centers, or the inertia is that of
    the fit. Else the nearest centers.
    """
    scaling = fitted_scaling(model)
    centers, rows = scaling.inside(model.cluster_centers_), scaling.inside(array)
    found, own = nearest(centers, rows, model.metric), getattr(model, "labels_", None)
    if type(own) is not np.ndarray or own.shape != found.shape:
        return found
    if np.array_equal(np.where(own == -1, -1, found), own):
        return own
    cosine = model.metric == "cosine"
    sq = metrics.own_sq_distances(unit_rows(rows) if cosine else rows, centers, np.maximum(own, 0))
    if weights is not None:
        sq = sq * weights
    inertia = sq[own >= 0].sum() / (2 if cosine else 1)
    return (
        own if math.isclose(inertia, getattr(model, "inertia_", math.nan), rel_tol=1e-6) else found
    )


# -- the plane of a picture ------------------------------------------------------------------------


class _View:
    """How rows are brought to two dimensions: one column as a strip, two columns as they are, more
    in the plane of most variance.

    rows : the rows that are drawn, (m, d)
    names : of all columns
    columns : one or two columns to draw, or None for principal components
    """

    def __init__(self, rows, names, columns, scaling=UNSCALED):
        self.columns, self.scaling = columns, scaling
        self.note = ""
        if columns is not None:
            self.titles = [draw.short(names[column], 60) for column in columns]
            return
        rows = scaling.inside(rows)
        self.middle, self.directions, shares = principal_axes(rows.astype(np.float64), 2)
        self.titles = [
            f"{name} principal component ({share(part)} of the variance)"
            for name, part in zip(("first", "second"), shares)
        ]
        if shares[0] > _ALL and scaling.divisors is None:
            self.note = "one direction has almost all of the variance"

    def place(self, points, height=0.5):
        """Rows or centers (m, d) -> (m, 2); a strip has them at this height."""
        if self.columns is None:
            return (self.scaling.inside(points) - self.middle) @ self.directions.T
        points = points[:, self.columns].astype(np.float64)
        if len(self.columns) == 2:
            return points
        return np.column_stack([points[:, 0], np.broadcast_to(height, len(points))])

    def frame(self, ax, *points):
        """Set limits, ticks and labels so that all these are seen; return the limits."""
        every = np.concatenate(points)
        limits = draw.limits(every[:, 0]), draw.limits(every[:, 1])
        ax.set_xlabel(self.titles[0])
        if len(self.titles) > 1:
            ax.set_ylabel(self.titles[1])
            draw.number_axis(ax.yaxis)
        draw.number_axis(ax.xaxis)
        draw.plain(ax)
        if self.columns is None:
            # In one scale, so that what has little variance looks it.
            ax.update_datalim(every)
            ax.margins(0.06)
            ax.set_aspect("equal", adjustable="datalim")
            ax.autoscale_view()
            ax.apply_aspect()
            return limits
        ax.set_xlim(limits[0])
        if len(self.titles) > 1:
            ax.set_ylim(limits[1])
        else:
            ax.set_ylim(-0.1, 1.1)
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
        return limits

    def scaling_of_columns(self):
        """Of the two columns that are drawn."""
        if self.scaling.divisors is None:
            return self.scaling
        return Scaling(contiguous(self.scaling.divisors[self.columns], np.float64))


def _joined(*notes):
    return ", ".join(filter(None, notes))


def _plot_rows(ax, shown, view, max_points, regions=False):
    """What `clusters` and `projection` have in common."""
    ax = draw.axes(ax)
    colors = cluster_colors(shown.centers)  # not of the projected centers: as in the other plots
    rows, note = draw.thin_and_say(len(shown.rows), max_points)
    points, middles = view.place(shown.rows[rows], _heights(len(rows))), view.place(shown.centers)
    limits = view.frame(ax, points, middles)
    if regions and len(view.titles) == 2:
        draw.regions(ax, middles, colors, limits, view.scaling_of_columns())
    elif regions:
        edges = np.sort(middles[:, 0])
        for edge in (edges[:-1] + edges[1:]) / 2:
            ax.axvline(edge, color=draw.mixed(ax, 0.4), linewidth=0.8, zorder=1)
    draw.title(ax, shown.title)
    draw.scatter(ax, points, shown.labels[rows], colors)
    draw.mark_centers(ax, middles, colors)
    draw.outlier_legend(ax, shown.labels[rows])
    draw.note(ax, _joined(note, view.note))
    return ax


def _heights(n):
    """Where the rows of a strip are drawn; the same at every call."""
    return np.random.RandomState(0).random_sample(n)


def _view(shown, features, max_points):
    """The view that `clusters` has."""
    d = shown.rows.shape[1]
    columns = None
    if features is not None or d <= 2:
        columns = _columns(features, shown.names, min(d, 2))
        if len(columns) != min(d, 2):
            raise ValueError(
                f"features must name {min(d, 2)} column(s), got {len(columns)}; "
                "clusters_3d takes three, pairs any number."
            )
    rows = draw.thin(len(shown.rows), max_points)
    return _View(shown.rows[rows], shown.names, columns, fitted_scaling(shown.model))


# -- clusters --------------------------------------------------------------------------------------


def clusters(model, X, *, features=None, labels=None, regions=None, max_points=MAX_POINTS, ax=None):
    """Rows colored by cluster, with numbered centers, in two dimensions.

    Parameters
    ----------
    model : KMeans or IterState
        Fitted; or a state that `KMeans.iter_fit` yields, drawn with its labels (in the first state,
        the start, no row has one).
    X : array-like or table of shape (n, d)
    features : pair of names or numbers, or None
        The columns to draw. None draws two columns as they are, one column as a strip, and of more
        columns the principal components (`projection`).
    labels : array-like of shape (n,) or None
        -1 is an outlier. None means the index of the nearest center, and the labels of the fit if
        these are its rows and a rule gave them others.
    regions : bool or None
        Color the plane by the nearest center, if the data has two columns. None: for a model. A
        state does not know how the model scales the columns; True takes them as they are.
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
    >>> ax.get_xlabel(), ax.get_title()
    ('feature 0', '3 clusters of 200 rows')
    """
    if regions is None:
        regions = not isinstance(model, IterState)
    shown = _open(model, X, labels)
    view = _view(shown, features, max_points)
    regions = regions and shown.rows.shape[1] <= 2
    return _plot_rows(ax, shown, view, max_points, regions)


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
        Both axes have the same scale, so that a direction of little variance looks like one, and
        their labels tell the shares of the variance. Clusters that overlap here may be separated in
        other directions.
    """
    shown = _open(model, X, labels)
    if shown.rows.shape[1] < 2:
        raise ValueError("projection needs two features at least; clusters draws one.")
    rows = draw.thin(len(shown.rows), max_points)
    view = _View(shown.rows[rows], shown.names, None, fitted_scaling(shown.model))
    return _plot_rows(ax, shown, view, max_points)


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
    shown = _open(model, X, labels)
    columns = _columns(features, shown.names, 3)
    if len(columns) != 3 or shown.rows.shape[1] < 3:
        raise ValueError(
            "clusters_3d draws three features, got "
            f"{min(len(columns), shown.rows.shape[1])}; clusters draws two."
        )
    if ax is None:
        figure = pyplot().figure(figsize=(6.4, 5.6))
        ax = figure.add_axes((0.01, 0.06, 0.93, 0.88), projection="3d")
    elif not hasattr(ax, "zaxis"):
        raise TypeError("clusters_3d needs 3-D axes: figure.add_subplot(projection='3d').")
    colors = cluster_colors(shown.centers)
    rows, note = draw.thin_and_say(len(shown.rows), max_points)
    points = shown.rows[rows][:, columns].astype(np.float64)
    for axis, put, column in zip(
        (ax.xaxis, ax.yaxis, ax.zaxis), (ax.set_xlabel, ax.set_ylabel, ax.set_zlabel), columns
    ):
        put(draw.short(shown.names[column], 26), labelpad=9, fontsize=9)
        draw.number_axis(axis, size=8)
        axis.pane.set_facecolor(draw.mixed(ax, 0.05))
    ax.set_box_aspect((1, 1, 0.9), zoom=0.98)
    draw.title(ax, shown.title, y=1.0)
    draw.scatter(ax, points, shown.labels[rows], colors)
    draw.mark_centers(ax, shown.centers[:, columns], colors)
    draw.outlier_legend(ax, shown.labels[rows])
    draw.note(ax, note)
    return ax


def pairs(model, X, *, features=None, labels=None, max_points=5000, axes=None):
    """Scatter plots of all pairs of some features, with histograms by cluster on the diagonal.

    A figure of its own also has a title and, for up to 20 clusters, a legend. Of more clusters,
    whose colors repeat, the diagonal has the histograms of all rows.

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
    shown = _open(model, X, labels)
    columns = _columns(features, shown.names, min(shown.rows.shape[1], 5))
    m = len(columns)
    own_figure = axes is None
    if own_figure:
        side = max(2.0 * m, 4.0)
        figure, axes = pyplot().subplots(
            m, m, figsize=(side, side), layout="constrained", squeeze=False
        )
        figure.suptitle(shown.title, fontsize=draw.TITLE)
    axes = np.asarray(axes)
    if axes.shape != (m, m):
        raise ValueError(f"axes has shape {axes.shape}, but {m} features need ({m}, {m}).")
    colors = cluster_colors(shown.centers)
    few = len(colors) <= _LEGEND
    rows, note = draw.thin_and_say(len(shown.rows), max_points)
    if features is None and m < shown.rows.shape[1]:
        note = _joined(note, f"first {m} of {shown.rows.shape[1]} features")
    if not few:
        note = _joined(note, "colors repeat")
    points, labels = shown.rows[rows][:, columns].astype(np.float64), shown.labels[rows]
    middles = shown.centers[:, columns]
    ranges = [draw.limits(points[:, j]) for j in range(m)]
    for i in range(m):
        for j in range(m):
            ax = draw.plain(axes[i, j])
            ax.set_xlim(ranges[j])
            ax.set_ylim(ranges[i])
            draw.number_axis(ax.xaxis, size=7)
            draw.number_axis(ax.yaxis, size=7)
            ax.tick_params(labelbottom=i == m - 1, labelleft=j == 0)
            if i == j:
                _outlines(ax, points[:, j], labels, colors if few else None, ranges[j])
            else:
                draw.scatter(ax, points[:, [j, i]], labels, colors)
                if few:
                    ax.scatter(
                        middles[:, j],
                        middles[:, i],
                        s=26,
                        c=colors,
                        edgecolors=ax.get_facecolor(),
                        linewidths=0.9,
                        zorder=5,
                    )
            if i == m - 1:
                ax.set_xlabel(draw.short(shown.names[columns[j]], lines=2), fontsize=9)
            if j == 0:
                ax.set_ylabel(draw.short(shown.names[columns[i]], lines=2), fontsize=9)
    axes[0, -1].set_title(note, loc="right", fontsize=7)
    if few and own_figure:
        _legend(figure, axes[0, 0], colors, bool((labels < 0).any()))
    return axes


def _outlines(ax, values, labels, colors, limits):
    """Histograms of each cluster, or of all rows without colors. Their counts have a scale of their
    own: the ticks are those of the other plots in the row.
    """
    counts = ax.twinx()
    counts.set_axis_off()
    bins = np.linspace(limits[0], limits[1], 31)
    drawn = [(values[labels == c], color) for c, color in enumerate(colors or ())]
    for mine, color in drawn or [(values, draw.ink())]:
        counts.hist(mine, bins, color=color, linewidth=1.2, histtype="step")
    counts.set_ylim(bottom=0)


def _legend(figure, ax, colors, outliers):
    """The clusters beside a figure."""
    lines = need("matplotlib.lines", "ckmeans.plot")
    dots = [lines.Line2D([], [], marker="o", linestyle="", color=color) for color in colors]
    words = [str(j) for j in range(len(colors))]
    if outliers:
        dots.append(lines.Line2D([], [], marker="x", linestyle="", color=draw.mixed(ax, 0.7)))
        words.append("outlier")
    figure.legend(
        dots,
        words,
        title="cluster",
        loc="outside right upper",
        fontsize=8,
        title_fontsize=8,
        frameon=False,
    )


def compare(model, X, truth, *, features=None, labels=None, max_points=MAX_POINTS, axes=None):
    """True classes beside clusters, in matching colors.

    Each class has the color of the cluster that it shares most rows with: classes and clusters are
    paired such that the pairs have most rows in common. A class that is left over has a color of
    its own. Rows of a class whose color differs from that of their cluster are the ones on which
    the two disagree.

    Parameters
    ----------
    model, X, features, labels, max_points
        As in `clusters`.
    truth : array-like of shape (n,)
        The class of each row: names or whole numbers.
    axes : pair of matplotlib axes, or None

    Returns
    -------
    axes : ndarray of matplotlib axes of shape (2,)

    See Also
    --------
    ckmeans.metrics.adjusted_rand_score : the agreement that the title tells.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import numpy as np
    >>> from ckmeans import KMeans, plot
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [9.0, 9.0], [9.0, 8.0]])
    >>> model = KMeans(2, random_state=0).fit(X)
    >>> truth, found = plot.compare(model, X, ["a", "a", "b", "b"])
    >>> found.get_title()
    '2 clusters of 4 rows, adjusted Rand index 1.00'
    """
    shown = _open(model, X, labels)
    classes, codes = metrics.codes(truth, len(shown.rows), "truth")
    if axes is None:
        axes = pyplot().subplots(1, 2, figsize=(11, 4.8), layout="constrained")[1]
    axes = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    if len(axes) != 2:
        raise ValueError(f"compare draws on two axes, truth and clusters; got {len(axes)}.")
    view = _view(shown, features, max_points)
    agreement = round(metrics.adjusted_rand_score(codes, shown.labels), 2) + 0.0
    draw.title(axes[1], f"{shown.title}, adjusted Rand index {agreement:.2f}")
    _plot_rows(axes[1], shown, view, max_points)
    rows = draw.thin(len(shown.rows), max_points)
    points = view.place(shown.rows[rows], _heights(len(rows)))
    view.frame(axes[0], points, view.place(shown.centers))
    draw.title(axes[0], f"truth: {len(classes)} class{'es' * (len(classes) != 1)}")
    colors = _colors_of_classes(codes, shown, len(classes))
    draw.scatter(axes[0], points, codes[rows], colors)
    if len(classes) <= _LEGEND:
        for name, color in zip(classes.tolist(), colors):
            axes[0].scatter([], [], color=color, s=22, label=draw.short(str(name)))
        axes[0].legend(fontsize=8, handletextpad=0.2, borderpad=0.3)
    return axes


def _colors_of_classes(codes, shown, count):
    """The color of the cluster that each class is paired with; classes that are left over have
    those that no cluster has.
    """
    k, there = len(shown.centers), shown.labels >= 0
    both = np.zeros((count, k))
    np.add.at(both, (codes[there], shown.labels[there]), 1)
    partner = np.full(count, -1)
    if count <= k:
        partner[:] = assignment(both.max() - both)
    else:
        partner[assignment(both.max() - both.T)] = np.arange(k)
    colors = cluster_colors(shown.centers)
    left = [color for color in draw.palette() if color not in colors] or list(COLORS)
    alone = iter(left * count)
    return [colors[one] if one >= 0 else next(alone) for one in partner.tolist()]


# -- the model -------------------------------------------------------------------------------------


def sizes(model, *, ax=None):
    """The number of rows in each cluster, as bars, and the outliers of the fit.

    Parameters
    ----------
    model : KMeans
    ax : matplotlib axes or None

    Returns
    -------
    ax : matplotlib axes
    """
    check.check_ours(model, "a plot")
    centers = check.fitted_centers(model)
    k = len(centers)
    counts = check.fitted_array(model, "counts_", (k,), integers=True)
    ax = draw.plain(draw.axes(ax))
    bars, words = counts.tolist(), [f"{count:,}" for count in counts]
    places: list[float] = list(range(k))
    colors = cluster_colors(centers)
    labels = getattr(model, "labels_", None)
    outliers = int((labels == -1).sum()) if isinstance(labels, np.ndarray) else 0
    if outliers:
        bars, places = [*bars, outliers], [*places, k + 0.4]
        words, colors = [*words, f"{outliers:,}"], [*colors, draw.mixed(ax, 0.45)]
    drawn = ax.bar(places, bars, color=colors, width=0.8)
    ax.set_xlim(-0.6, places[-1] + 0.6)
    across = ax.get_window_extent().width * 72 / ax.figure.dpi / (places[-1] + 1.2)
    if k <= 25:
        upright = across < 5.2 * max(map(len, words))
        ax.bar_label(
            drawn, words, fontsize=8, padding=2, rotation=90 if upright else 0, color=draw.ink()
        )
        high = ax.get_window_extent().height * 72 / ax.figure.dpi
        needed = 14 + (5.2 * max(map(len, words)) if upright else 0)
        ax.set_ylim(0, max(1, *bars) / (1 - min(0.4, needed / high)))
    draw.cluster_ticks(ax, k, vertical=False)
    draw.number_axis(ax.yaxis, integer=True)
    if outliers:
        ticks = ax.get_xticks().tolist(), [text.get_text() for text in ax.get_xticklabels()]
        near = draw.room(ax, False, k) == 1 and across > 40
        ax.set_xticks([*ticks[0], places[-1]], [*ticks[1], "outliers" if near else "out"])
    draw.title(ax, f"{draw.counted(int(sum(bars)), 'row')} in {draw.counted(k, 'cluster')}")
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
    check.check_ours(model, "a plot")
    centers, names = check.fitted_centers(model), _names(model)
    k, d = centers.shape
    counts = check.fitted_array(model, "counts_", (k,), integers=True)
    if ax is None:
        ax = draw.axes(
            None,
            figsize=(
                float(np.clip(2.6 + 0.8 * d, 4.8, 13)),
                float(np.clip(1.9 + 0.33 * k, 2.8, 11)),
            ),
        )
    weight = (counts / max(counts.sum(), 1))[:, np.newaxis]
    off = centers - (weight * centers).sum(axis=0)
    spread = np.sqrt((weight * off**2).sum(axis=0))
    off = np.divide(off, spread, out=np.zeros_like(off), where=spread > 0)
    # The color scale must show differences between most centers, even if a few are far away.
    reach, most = float(np.abs(off).max()) or 1.0, float(np.quantile(np.abs(off), 0.9))
    beyond = "neither"
    if reach > 2 * most > 0:
        reach, beyond = max(1.0, most), "both"
    image = ax.imshow(
        off, cmap="PuOr_r", vmin=-reach, vmax=reach, aspect="auto", interpolation="nearest"
    )
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.9, extend=beyond)
    bar.set_label("spreads from the mean", fontsize=9)
    draw.number_axis(bar.ax.yaxis, size=8)
    texts = [numbers(column) for column in centers.T] if d <= 14 else []
    size = _cell_size(ax, d, k, max(map(len, sum(texts, [])), default=1))
    for f, column in enumerate(texts if size else ()):
        for j, text in enumerate(column):
            draw.matrix_cell(ax, f, j, text, abs(off[j, f]) > 0.62 * reach, size)
    step = max(1, math.ceil(d / 40))
    long = d > 6 or max(map(len, names)) > 9
    ax.set_xticks(
        np.arange(0, d, step),
        [draw.short(name, lines=2 if d <= 14 else 1) for name in names[::step]],
        rotation=90 if d > 14 else 35 if long else 0,
        ha="center" if d > 14 or not long else "right",
        rotation_mode="default" if d > 14 else "anchor",
        fontsize=8,
    )
    draw.cluster_ticks(ax, k, vertical=True)
    draw.title(ax, "centers")
    ax.set_ylabel("cluster")
    return ax


def _cell_size(ax, across, down, longest, largest=7.5):
    """The size of numbers that fit into the cells of a matrix; None where none would be legible."""
    box = ax.get_window_extent()
    width, height = box.width * 72 / ax.figure.dpi, box.height * 72 / ax.figure.dpi
    size = min(largest, 0.85 * height / down / 1.3, 0.85 * width / across / (0.62 * longest + 0.4))
    return size if size >= 5 else None


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
    check.check_ours(model, "a plot")
    scaling = fitted_scaling(model)
    centers = scaling.inside(check.fitted_centers(model))
    k = len(centers)
    ax = draw.axes(ax)
    apart = np.sqrt(((centers[:, np.newaxis] - centers) ** 2).sum(axis=2))
    image = ax.imshow(apart, cmap="cividis", interpolation="nearest")
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.9)
    bar.set_label("distance" if scaling.divisors is None else "distance in scaled columns")
    draw.number_axis(bar.ax.yaxis, size=8)
    texts = numbers(apart.ravel()) if k <= 20 else []
    size = _cell_size(ax, k, k, max(map(len, texts), default=1))
    for place, text in enumerate(texts if size else ()):
        i, j = divmod(place, k)
        if i != j:
            draw.matrix_cell(ax, j, i, text, apart[i, j] <= 0.55 * apart.max(), size)
    for vertical in False, True:
        draw.cluster_ticks(ax, k, vertical)
    draw.title(ax, "distances between centers")
    ax.set_xlabel("cluster")
    ax.set_ylabel("cluster")
    return ax


def silhouette(model, X, *, labels=None, max_points=5000, ax=None):
    """Silhouettes of the rows, sorted within each cluster: how well each row fits its cluster.

    Parameters
    ----------
    model, X, labels, ax
        As in `clusters`; outliers are left out.
    max_points : int
        Of more rows only a random sample is used, as if it were all rows, and the plot says so.

    Returns
    -------
    ax : matplotlib axes

    See Also
    --------
    ckmeans.metrics.silhouette_samples
    """
    shown = _open(model, X, labels)
    there = shown.labels >= 0
    array, labels = shown.rows[there], shown.labels[there]
    ax = draw.plain(draw.axes(ax))
    rows, note = draw.thin_and_say(len(array), max_points)
    labels = labels[rows]
    values = metrics.silhouette_samples(fitted_scaling(shown.model).inside(array[rows]), labels)
    colors = cluster_colors(shown.centers)
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
    ax.axvline(mean, color=draw.ink(), linestyle="--", linewidth=1, zorder=5)
    ax.text(
        mean,
        1.005,
        f"mean {mean:.3f}",
        ha="center",
        va="bottom",
        fontsize=8,
        color=draw.ink(),
        transform=ax.get_xaxis_transform(),
    )
    ax.set_ylim(bottom, -gap)  # cluster 0 on top
    least, most = float(values.min()), float(values.max())
    margin = 0.04 * (max(most, 0.0) - min(least, 0.0)) or 0.04
    ax.set_xlim(min(least, 0.0) - margin, min(max(most, 0.0) + margin, 1.02))
    ax.axvline(0, color=draw.mixed(ax, 0.4), linewidth=0.8, zorder=1)
    draw.number_axis(ax.xaxis)
    draw.cluster_ticks(ax, k, True, ticks)
    draw.title(ax, f"silhouettes of {draw.counted(len(there), 'row')}", pad=16)
    ax.set_xlabel("silhouette")
    ax.set_ylabel("cluster")
    outliers = int(len(there) - there.sum())
    draw.note(ax, _joined(note, outliers and f"{draw.counted(outliers, 'outlier')} left out"))
    return ax


def drift(found, *, axes=None):
    """Shares of the rows then and now, and distances to the centers then and now, by cluster.

    Parameters
    ----------
    found : Drift
        What `ckmeans.drift` returned. Clusters whose means have moved have another color.
    axes : pair of matplotlib axes, or None

    Returns
    -------
    axes : ndarray of matplotlib axes of shape (2,)
    """
    if isinstance(found, type) or not hasattr(found, "shares_then"):
        raise TypeError(
            f"found must be a Drift, which ckmeans.drift returns, got {check.with_type(found)}."
        )
    if axes is None:
        figure, axes = pyplot().subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        figure.suptitle(str(found).partition("\n")[0], fontsize=draw.TITLE)
    axes = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    if len(axes) != 2:
        raise ValueError(f"drift draws on two axes, shares and distances; got {len(axes)}.")
    clusters_ = found.clusters
    place = np.arange(len(clusters_))
    moved = np.array([cluster.moved for cluster in clusters_])
    for ax, then, now, factor, text, label in (
        (axes[0], "share_then", "share_now", 100, "shares", "share of the rows (%)"),
        (axes[1], "distance_then", "distance_now", 1, "distances", "RMS distance to the center"),
    ):
        draw.plain(ax)
        before = factor * np.array([getattr(cluster, then) for cluster in clusters_])
        after = factor * np.array([getattr(cluster, now) for cluster in clusters_])
        if not np.isnan(before).all():
            ax.bar(place - 0.2, before, 0.4, color=draw.mixed(ax, 0.35), label="then")
        for which, color, name in (
            (~moved, COLORS[0], "now"),
            (moved, COLORS[5], "now, the mean has moved"),
        ):
            if which.any():
                ax.bar(place[which] + 0.2, after[which], 0.4, color=color, label=name)
        draw.number_axis(ax.yaxis)
        draw.cluster_ticks(ax, len(place), vertical=False)
        draw.title(ax, text)
        ax.set_xlabel("cluster")
        ax.set_ylabel(label)
    axes[0].margins(y=0.25)  # room for the legend
    axes[0].legend(frameon=False, ncols=3, loc="upper right", fontsize=8)
    return axes


# -- choosing k ------------------------------------------------------------------------------------


def _check_selection(value, name):
    if isinstance(value, type) or not hasattr(value, "best_k"):
        raise TypeError(
            f"{name} must be a KSelection, which select_k returns, got {check.with_type(value)}."
        )


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
    _check_selection(result, "result")
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
        figure.suptitle(chosen, fontsize=draw.TITLE)
    axes = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()[: len(names)]
    if len(axes) < len(names):
        raise ValueError(f"{len(axes)} axes for {len(names)} columns: pass one for each.")
    k = result.k_range
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
        ax.set_xlim(k[0] - 0.5, k[-1] + 0.5)
        draw.number_axis(ax.xaxis, size=8, integer=True)
        draw.number_axis(ax.yaxis, size=8)
        if name == "inertia":
            ax.set_ylim(bottom=0)
        draw.plain(ax)
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
    if model is None and selection is None:
        raise ValueError("there is nothing to draw: pass a fitted model, or a selection.")
    if selection is not None:
        _check_selection(selection, "selection")
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


class _Watched(NamedTuple):
    """One run of a copy of a model, as it is drawn."""

    rows: np.ndarray  #: (n, d)
    starts: np.ndarray  #: initial centers, (k, d)
    states: list[IterState]
    view: _View
    note: str
    drawn: np.ndarray  #: indices of the rows to draw


def _watch(model, X, sample_weight, max_points):
    if isinstance(model, type) or not hasattr(model, "iter_fit"):
        raise TypeError(
            "the iterations of a KMeans are drawn, of which iter_fit yields the states, got "
            f"{check.with_type(model)}: pass KMeans(k)."
        )
    check.check_plain(model, "a plot")
    array, names = check.as_matrix(X)
    array = unit_rows(array) if model.metric == "cosine" else array
    d = array.shape[1]
    copy = type(model)(**model.get_params(deep=False))
    # One seed, so that the initial centers are those of the run.
    (seed,) = check.seeds(copy.random_state, 1)
    copy.set_params(random_state=seed, n_init=1)
    start, *states = copy.iter_fit(X, sample_weight=sample_weight)
    scaling = fitted_scaling(copy)
    rows, note = draw.thin_and_say(len(array), max_points)
    view = _View(array[rows], _names(copy, names), list(range(d)) if d <= 2 else None, scaling)
    return _Watched(array, start.centers, states, view, _joined(note, view.note), rows)


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
    run = _watch(model, X, sample_weight, max_points)
    view, states = run.view, run.states
    ax = draw.axes(ax)
    # (1 + iterations, k, 2)
    way = np.array([view.place(run.starts), *(view.place(state.centers) for state in states)])
    colors = cluster_colors(states[-1].centers)
    points = view.place(run.rows[run.drawn], _heights(len(run.drawn)))
    view.frame(ax, points, way.reshape(-1, 2))
    ax.scatter(
        *points.T,
        color=draw.mixed(ax, 0.25),
        s=draw.dot_size(len(points)),
        linewidths=0,
        rasterized=len(points) > 2000,
        zorder=1,
    )
    for j, color in enumerate(colors):
        x, y = way[:, j, 0], way[:, j, 1]
        ax.plot(x, y, color=draw.ink(), linewidth=2.6, zorder=3, solid_capstyle="round")
        ax.plot(x, y, color=color, linewidth=1.6, marker="o", markersize=2.6, zorder=4)
    ax.plot(
        *way[0].T, "x", color=draw.ink(), markersize=6, markeredgewidth=1.8, zorder=5, label="start"
    )
    ax.legend(fontsize=8, frameon=True, handletextpad=0.2)
    draw.mark_centers(ax, way[-1], colors)
    draw.title(ax, f"centers over {draw.counted(len(states), 'iteration')}")
    draw.note(ax, run.note)
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
    run = _watch(model, X, sample_weight, max_points)
    view, states = run.view, run.states
    if ax is None:  # no constrained layout, which would be computed again for each frame
        _, ax = pyplot().subplots(figsize=(6.4, 5.0))
    points = view.place(run.rows[run.drawn], _heights(len(run.drawn)))
    places = [view.place(run.starts), *(view.place(state.centers) for state in states)]
    colors = cluster_colors(states[-1].centers)

    def draw_frame(number_):
        ax.clear()
        # Frame 0 has the initial centers, before any row has a label.
        limits = view.frame(ax, points, *places)
        if len(view.titles) == 2 and view.columns is not None:
            draw.regions(ax, places[number_], colors, limits, view.scaling_of_columns())
        labels, text = np.full(len(points), -1), "start"
        if number_:
            state = states[number_ - 1]
            labels = state.labels[run.drawn]
            text = (
                f"iteration {state.n_iter}: inertia {number(state.inertia, 6)}, labels changed "
                f"{state.n_changed:,}"
            )
        draw.title(ax, text)
        draw.scatter(ax, points, labels, colors)
        draw.mark_centers(ax, places[number_], colors)
        draw.note(ax, run.note)

    film = animate.FuncAnimation(
        ax.figure, draw_frame, frames=len(states) + 1, interval=1000 / fps, repeat_delay=2000
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


def quantization(image, n_colors=(2, 4, 8, 16), *, random_state=0, rng=None, axes=None):
    """An image reduced to several numbers of colors next to the original, with the palettes below.

    Parameters
    ----------
    image : as for `ckmeans.image.quantize`
    n_colors : iterable of int
    random_state : None, int, RandomState or Generator
    rng : None, int, SeedSequence, BitGenerator or Generator
        Instead of `random_state`; see `ckmeans.k_means`.
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

    random_state = check.one_source(random_state, rng, default=0)
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
        ["original", *(f"{len(result.palette)} colors" for result in results)],
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
