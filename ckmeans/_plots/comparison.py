"""Clusters beside known classes."""

import numpy as np

from .. import metrics
from .._estimators.labels import assignment
from . import drawing as draw
from .drawing import COLORS, MAX_POINTS, cluster_colors, pyplot
from .opened import open_rows
from .plane import heights_of, plane_of, plot_rows
from .rows import _LEGEND


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
    shown = open_rows(model, X, labels)
    classes, codes = metrics.codes(truth, len(shown.rows), "truth")
    if axes is None:
        axes = pyplot().subplots(1, 2, figsize=(11, 4.8), layout="constrained")[1]
    axes = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    if len(axes) != 2:
        raise ValueError(f"compare draws on two axes, truth and clusters; got {len(axes)}.")
    view = plane_of(shown, features, max_points)
    agreement = round(metrics.adjusted_rand_score(codes, shown.labels), 2) + 0.0
    draw.title(axes[1], f"{shown.title}, adjusted Rand index {agreement:.2f}")
    plot_rows(axes[1], shown, view, max_points)
    rows = draw.thin(len(shown.rows), max_points)
    points = view.place(shown.rows[rows], heights_of(len(rows)))
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
