"""A page as a picture: each peer's time (or memory) relative to the first peer's, cell by cell."""

import math

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.report import TITLES, busy, means, ratio, times

# Okabe and Ito's colors, told apart by color-blind readers too; the marks tell peers apart without
# any color.
STYLES = {
    "ckmeans": ("#000000", "*", 8),
    "sklearn": ("#0072B2", "o", 6.2),
    "sklearn-elkan": ("#56B4E9", "^", 7),
    "sklearnex": ("#D55E00", "s", 6),
    "lloyd": ("#000000", "o", 6.2),
    "bytes": ("#000000", "^", 7),
    "boxes": ("#E69F00", "s", 6),
    "yinyang": ("#E69F00", "D", 5.6),
    "projected": ("#E69F00", "P", 7),
    "faiss": ("#009E73", "D", 5.6),
    "faiss-super": ("#009E73", "P", 7),
    "superkmeans": ("#F0E442", "s", 6),
    "clostera": ("#F0E442", "v", 7),
    "scipy": ("#CC79A7", "v", 7),
}
# Inches: what surrounds the axes stays the same however many cells there are.
WIDTH, LEFT, RIGHT, ABOVE, BELOW, ROW = 9.6, 2.9, 0.3, 1.3, 0.62, 0.235


def draw(run, page, path):
    """Write the picture of a page, a log scale with a mark per peer; False if there is nothing to
    compare.
    """
    reference, *others = run.columns(page)
    rows = list(run.rows(page).items())
    points = {}  # peer -> [(row number, ratio, whether the result agrees)]
    for peer in others:
        for y, (_, row) in enumerate(rows):
            value = ratio(row.get(peer), row.get(reference))
            if value is not None:
                points.setdefault(peer, []).append((y, value, row[peer].agrees))
    if not points:
        return False

    total = ABOVE + ROW * len(rows) + BELOW
    figure = Figure(figsize=(WIDTH, total), dpi=130)
    axes = figure.add_axes(
        (LEFT / WIDTH, BELOW / total, (WIDTH - LEFT - RIGHT) / WIDTH, ROW * len(rows) / total)
    )
    _rows(axes, [cell for cell, _ in rows], points)
    _marks(axes, points, means(run, page, reference))
    _scale(axes, [value for found in points.values() for _, value, _ in found])
    what = "memory" if page == "memory" else "time"
    axes.set_xlabel(
        f"{what} divided by that of {reference}, log scale "
        f"(right of the line: {reference} needs less)",
        fontsize=9,
    )

    threads = run.machine["threads"]
    line = (
        f"{run.machine['cpu']}, {threads} thread{'s' * (threads != 1)}; "
        "in brackets the geometric mean of what counts"
    )
    if not all(agrees for found in points.values() for _, _, agrees in found):
        line += "; hollow: another result, not counted"
    if busy(run):
        line += "; the machine was busy: do not trust"
    margin = 0.15 / WIDTH
    figure.text(margin, 1 - 0.28 / total, TITLES[page], fontsize=11, weight="bold", va="center")
    figure.text(margin, 1 - 0.54 / total, line, fontsize=8.5, color="#444444", va="center")
    figure.legend(
        loc="center left",
        bbox_to_anchor=(0, 1 - 0.92 / total),
        ncols=5,
        frameon=False,
        fontsize=9,
        handletextpad=0.2,
        columnspacing=1.4,
    )
    figure.savefig(path)
    return True


def _rows(axes, cells, points):
    """A line per cell, its name, and a rule from the first peer to the farthest of the others."""
    for y in range(len(cells)):
        if y % 2 == 0:
            axes.axhspan(y - 0.5, y + 0.5, color="#f3f3f3", zorder=0)
        here = [1, *(value for found in points.values() for at, value, _ in found if at == y)]
        axes.plot([min(here), max(here)], [y, y], color="#cccccc", linewidth=1, zorder=1)
    axes.set_ylim(len(cells) - 0.5, -0.5)
    axes.set_yticks(range(len(cells)), [_spelled(cell) for cell in cells], fontsize=8)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _marks(axes, points, averages):
    for number, (peer, found) in enumerate(points.items()):
        color, mark, size = STYLES[peer]
        shift = 0.12 * (number - (len(points) - 1) / 2)  # equal figures must not hide each other
        style = {
            "marker": mark,
            "linestyle": "none",
            "markersize": size,
            "zorder": 3,
            "clip_on": False,
        }
        mean = f" ({times(averages[peer])[:-1]}×)" if peer in averages else ""
        axes.plot([], [], color=color, markeredgecolor="white", label=peer + mean, **style)
        filled = {"markerfacecolor": color, "markeredgecolor": "white", "markeredgewidth": 0.7}
        hollow = {"markerfacecolor": "none", "markeredgecolor": color}
        for y, value, agrees in found:
            axes.plot(value, y + shift, **(filled if agrees else hollow), **style)


def _scale(axes, values):
    axes.axvline(1, color="black", linewidth=1.6, zorder=2)
    low, high = min([1, *values]), max([1.5, *values])
    decades = math.log10(high / low)
    axes.set_xscale("log")
    axes.set_xlim(low / 1.15, high * 1.15)
    steps = (1, 2, 5) if decades < 2.5 else (1, 3) if decades < 4 else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def _spelled(cell):
    return f"{cell.label}  {cell.n:,} × {cell.d}  k={cell.k}  {cell.dtype}".replace(",", " ")
