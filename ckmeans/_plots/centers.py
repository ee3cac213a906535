"""What clusters are: sizes, means of features, distances between centers."""

import math

import numpy as np

from .._estimators.scaling import fitted_scaling
from .._input import checks as check
from .._output.numbers import numbers
from . import drawing as draw
from .drawing import cluster_colors
from .opened import names_of_columns


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
    centers, names = check.fitted_centers(model), names_of_columns(model)
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
