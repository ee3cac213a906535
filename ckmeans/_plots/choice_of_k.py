"""The choice of k."""

import math

import numpy as np

from .._input import checks as check
from . import drawing as draw
from .drawing import COLORS, pyplot


def check_selection(value, name):
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
    check_selection(result, "result")
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
