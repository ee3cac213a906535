"""New rows beside those of the fit."""

import numpy as np

from .._input import checks as check
from . import drawing as draw
from .drawing import COLORS, pyplot


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
