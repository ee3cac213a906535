"""Silhouettes."""

import numpy as np

from .. import metrics
from .._estimators.scaling import fitted_scaling
from . import drawing as draw
from .drawing import cluster_colors
from .opened import open_rows
from .plane import join_notes


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
    shown = open_rows(model, X, labels)
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
    draw.note(ax, join_notes(note, outliers and f"{draw.counted(outliers, 'outlier')} left out"))
    return ax
