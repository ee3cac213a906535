"""Rows in the colors of their clusters: in a plane, in space, in all pairs of features."""

import numpy as np

from .._estimators.restarts import IterState
from .._estimators.scaling import fitted_scaling
from .._input.optional_packages import need
from . import drawing as draw
from .drawing import MAX_POINTS, cluster_colors, pyplot
from .opened import chosen_columns, open_rows
from .plane import Plane, join_notes, plane_of, plot_rows

_LEGEND = 20  # clusters at most in a legend: beyond, colors repeat


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
        Color the plane by the nearest center, if the data has two columns. None: for a model, but
        not for a state, whose labels are those before its centers moved.
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
    shown = open_rows(model, X, labels)
    view = plane_of(shown, features, max_points)
    regions = regions and shown.rows.shape[1] <= 2
    return plot_rows(ax, shown, view, max_points, regions)


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
    shown = open_rows(model, X, labels)
    if shown.rows.shape[1] < 2:
        raise ValueError("projection needs two features at least; clusters draws one.")
    rows = draw.thin(len(shown.rows), max_points)
    view = Plane(shown.rows[rows], shown.names, None, fitted_scaling(shown.model))
    return plot_rows(ax, shown, view, max_points)


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
    shown = open_rows(model, X, labels)
    columns = chosen_columns(features, shown.names, 3)
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
    shown = open_rows(model, X, labels)
    columns = chosen_columns(features, shown.names, min(shown.rows.shape[1], 5))
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
        note = join_notes(note, f"first {m} of {shown.rows.shape[1]} features")
    if not few:
        note = join_notes(note, "colors repeat")
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
