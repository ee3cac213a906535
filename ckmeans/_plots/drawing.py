"""What the plots are made of: colors, numbers and ticks, rows, centers, regions.

The ink of all texts and the paper below them are those of matplotlib's style, so that plots can be
dark.
"""

import functools
import math
from typing import Any

import numpy as np

from .._input.optional_packages import need
from .._output.numbers import numbers
from .._output.safe_text import picture

#: The colors of Okabe & Ito, sorted such that the first ones differ most.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#888888")
#: Darker and lighter shades of them, for the clusters from the ninth on.
SHADES = (
    *("#003D66", "#8F6300", "#00543D", "#8C3D68", "#1F7FB5", "#7A3600", "#8F8600", "#444444"),
    *("#7FC4F0", "#66D1AE", "#EBB8D4", "#F5A97A"),
)
MAX_POINTS = 20_000  #: rows drawn at most
TICKS = 8.5  # size of the numbers along axes, in points
TITLE = 10.5  # size of titles, in points
_DISC = 0.75  # radius of the disc around a number, in font sizes; more digits take more


def pyplot():
    return need("matplotlib.pyplot", "ckmeans.plot")


def axes(ax, **options):
    """The given axes, or those of a new figure."""
    return pyplot().subplots(layout="constrained", **options)[1] if ax is None else ax


# -- colors ----------------------------------------------------------------------------------------


def palette():
    """The colors of clusters: on dark paper, the dark ones of `SHADES` are brought to light."""
    matplotlib = need("matplotlib.colors", "ckmeans.plot")
    light = float(np.mean(matplotlib.to_rgb(pyplot().rcParams["axes.facecolor"])))
    if light > 0.5:
        return COLORS + SHADES
    lit = []
    for shade in SHADES:
        rgb = np.array(matplotlib.to_rgb(shade))
        lit.append(matplotlib.to_hex(0.6 * rgb + 0.4) if rgb.mean() < 0.4 else shade)
    return (*COLORS, *lit)


def cluster_colors(centers):
    """A color for each center. Up to 20 all differ; beyond that, nearby centers do."""
    k = len(centers)
    shades = palette()
    if k <= len(shades):
        return list(shades[:k])
    centers = np.asarray(centers, dtype=np.float64)
    chosen: list[int] = []
    for j in range(k):
        apart = np.sqrt(((centers[:j] - centers[j]) ** 2).sum(axis=1))
        nearest = [
            min((apart[i] for i in range(j) if chosen[i] == c), default=math.inf)
            for c in range(len(shades))
        ]
        used = [chosen.count(c) for c in range(len(shades))]
        chosen.append(max(range(len(shades)), key=lambda c: (nearest[c], -used[c])))
    return [shades[c] for c in chosen]


def ink():
    """The color of texts."""
    return pyplot().rcParams["text.color"]


def mixed(ax, share, color=None):
    """So much of a color (the ink) on the paper of the axes, as RGB."""
    to_rgb = need("matplotlib.colors", "ckmeans.plot").to_rgb
    color, paper = np.array(to_rgb(color or ink())), np.array(to_rgb(ax.get_facecolor()))
    return tuple((share * color + (1 - share) * paper).tolist())


# -- ticks -----------------------------------------------------------------------------


@functools.cache
def _tick_classes():
    ticker: Any = need("matplotlib.ticker", "ckmeans.plot")

    class Numbers(ticker.Formatter):
        """Ticks with as many decimals as tell them apart."""

        def __call__(self, value, position=None):
            return self.format_ticks([value])[0]

        def format_ticks(self, values):
            apart = np.diff(np.sort(np.asarray(values, dtype=np.float64)))
            apart = apart[apart > 0]
            texts = numbers(values, float(apart.min()) if len(apart) else None)
            return [text.replace("-", "\N{MINUS SIGN}") for text in texts]

    class Places(ticker.MaxNLocator):
        """Round places, as many as have room for their numbers."""

        def __init__(self, size, vertical, **options):
            super().__init__(**options)
            self._size, self._vertical = size, vertical

        def __call__(self):
            low, high = sorted(self.axis.get_view_interval())
            box = self.axis.axes.get_window_extent()
            length = box.height if self._vertical else box.width
            length *= 72 / self.axis.figure.dpi
            if hasattr(self.axis.axes, "zaxis"):
                length *= 0.45  # seen from the side, and no axis is as long as the frame
            for bins in range(8, 0, -1):
                self.set_params(nbins=bins)
                places = self.tick_values(low, high)
                inner = places[(places >= low) & (places <= high)]
                if self._fit(inner, low, high, length):
                    break
            return places

        def _fit(self, places, low, high, length):
            if len(places) < 2 or not high > low:
                return True
            longest = 1 if self._vertical else max(map(len, Numbers().format_ticks(places)))
            room = self._size * (1.7 if self._vertical else 0.62 * longest + 1.2)
            return length * (places[1] - places[0]) / (high - low) >= room

    return Numbers, Places


def number_axis(axis, *, vertical=None, size=TICKS, integer=False):
    """Write the numbers along an axis as pictures do, as many as have room."""
    numbers_, places = _tick_classes()
    vertical = axis.axis_name == "y" if vertical is None else vertical
    steps = [1, 2, 2.5, 5, 10]
    axis.set_major_locator(places(size, vertical, steps=steps, integer=integer))
    axis.set_major_formatter(numbers_())
    axis.set_tick_params(labelsize=size)


def room(ax, vertical, count, size=TICKS):
    """Of so many whole numbers along an axis, every how many-th can be written."""
    box = ax.get_window_extent()
    points = (box.height if vertical else box.width) * 72 / ax.figure.dpi
    needed = size * (1.5 if vertical else 0.65 * len(str(count - 1)) + 0.9)
    step = max(1, math.ceil(count * needed / points))
    # 1, 2, 5, 10, 20, 50, ...
    return next(m * 10**e for e in range(9) for m in (1, 2, 5) if m * 10**e >= step)


def cluster_ticks(ax, k, vertical, places=None):
    """Cluster numbers along an axis, as many as are legible."""
    step = room(ax, vertical, k)
    places = np.arange(k) if places is None else np.asarray(places)
    axis = ax.yaxis if vertical else ax.xaxis
    axis.set_ticks(places[::step], [str(j) for j in range(0, k, step)])
    axis.set_tick_params(labelsize=TICKS)


# -- texts -----------------------------------------------------------------------------------------


def short(text, longest=22, lines=1):
    """A column name as a label: on so many lines at most, and shortened if it does not fit."""
    words, out = text.split(" "), [""]
    for word in words:
        longer = f"{out[-1]} {word}" if out[-1] else word
        if len(longer) <= longest or len(out) == lines:
            out[-1] = longer
        else:
            out.append(word)
    return "\n".join(
        picture(line if len(line) <= longest else line[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}")
        for line in out
    )


def title(ax, text, **options):
    """A title, unless the axes have one."""
    if not ax.get_title():
        ax.set_title(text, fontsize=TITLE, **options)


def note(ax, text):
    """A remark in small print in the corner."""
    if text:
        put = ax.text2D if hasattr(ax, "text2D") else ax.text
        written = put(
            0.99,
            0.01,
            text,
            transform=ax.transAxes,
            ha="right",
            va="bottom",
            fontsize=7,
            color=ink(),
            zorder=20,
            bbox={"facecolor": ax.get_facecolor(), "alpha": 0.8, "edgecolor": "none", "pad": 1.5},
        )
        written.set_in_layout(False)


def counted(count, word):
    return f"{count:,} {word}{'s' * (count != 1)}"


def plain(ax):
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def matrix_cell(ax, column, row, text, dark, size):
    """A number in a cell of a matrix, white if the cell is dark."""
    text = text.replace("-", "\N{MINUS SIGN}")
    color = "white" if dark else "#222222"
    ax.text(column, row, text, ha="center", va="center", fontsize=size, color=color)


# -- rows and centers ------------------------------------------------------------------------------


def thin(n, max_points=MAX_POINTS):
    """The indices of the rows to draw, in increasing order; the same at every call."""
    if n <= max_points:
        return np.arange(n)
    return np.sort(np.random.RandomState(0).permutation(n)[:max_points])


def thin_and_say(n, max_points):
    """The same, and what to say of it."""
    return thin(n, max_points), f"{max_points:,} of {n:,} rows drawn" if n > max_points else ""


def limits(values, margin=0.06):
    low, high = float(values.min()), float(values.max())
    space = margin * (high - low) or 0.5 * max(abs(low), 1.0)
    return low - space, high + space


def dot_size(n):
    return float(np.clip(4000 / max(n, 1), 2.0, 30.0))


def scatter(ax, points, labels, colors):
    """Rows in random order, so that no cluster hides the others; outliers (-1) as crosses, with a
    legend. Where no row has a label, there is nothing to tell apart: all are gray dots.
    """
    order = np.random.RandomState(1).permutation(len(points))
    points, labels = points[order], labels[order]
    outlying = labels < 0
    if outlying.all():
        colors, labels, outlying = [mixed(ax, 0.45)], np.zeros(len(labels), dtype=int), ~outlying
    many = len(points) > 2000
    size = dot_size(len(points))
    ax.scatter(
        *points[~outlying].T,
        c=np.array([*colors], dtype=object)[labels[~outlying]].tolist(),
        s=size,
        alpha=0.5 if many else 0.85,
        linewidths=0,
        rasterized=many,
        zorder=2,
    )
    if outlying.any():
        ax.scatter(
            *points[outlying].T,
            marker="x",
            color=mixed(ax, 0.7),
            s=max(12.0, size),
            linewidths=0.9,
            zorder=3,
            label="outlier",
        )


def outlier_legend(ax, labels):
    """Say what the crosses are, if there are any."""
    if (labels < 0).any() and not (labels < 0).all():
        ax.legend(fontsize=8, loc="best", handletextpad=0.2, borderpad=0.3)


def mark_centers(ax, points, colors):
    """Centers as numbered discs. Call it when the limits of the axes are set: discs that would
    overlap move apart, and in the plane a line leads to the center.
    """
    k = len(points)
    size = 8.0 if k <= 20 else 6.5 if k <= 50 else 5.5
    digits = len(str(k - 1))
    flat = not hasattr(ax, "zaxis")
    scale = 72 / ax.figure.dpi
    box = ax.get_window_extent()
    frame = np.array([[box.x0, box.y0], [box.x1, box.y1]]) * scale
    places = ax.transData.transform(points if flat else _seen(ax, points)) * scale
    moves = spread(places, size * (_DISC + 0.12 * (digits - 1)), frame) - places
    for j, point in enumerate(points):
        options = {
            "ha": "center",
            "va": "center",
            "fontsize": size,
            "color": ink(),
            "zorder": 10,
            "bbox": {
                "boxstyle": f"circle,pad={0.25 if digits == 1 else 0.15}",
                "facecolor": ax.get_facecolor(),
                "edgecolor": colors[j],
                "linewidth": 1.6 if k <= 50 else 1.1,
            },
        }
        if not flat:  # the move stays when the view is turned
            shift = need("matplotlib.transforms", "ckmeans.plot").ScaledTranslation(
                *moves[j] / 72, ax.figure.dpi_scale_trans
            )
            ax.text(*point, str(j), transform=ax.transData + shift, **options)
            continue
        if np.abs(moves[j]).max() > 1:
            options["arrowprops"] = {
                "arrowstyle": "-",
                "color": mixed(ax, 0.6),
                "linewidth": 0.7,
                "shrinkA": 0,
                "shrinkB": 0,
            }
            ax.plot(*point, "o", color=colors[j], markeredgecolor=ink(), markersize=3, zorder=9)
        ax.annotate(str(j), point, moves[j], textcoords="offset points", **options)


def _seen(ax, points):
    """Points in space where they are seen, in the plane of 3-D axes."""
    projected = need("mpl_toolkits.mplot3d.proj3d", "ckmeans.plot").proj_transform(
        *points.T, ax.get_proj()
    )
    return np.column_stack(projected[:2])


def spread(places, radius, corners=None):
    """Move discs of a radius apart until none overlap, as little as that takes.

    corners : ndarray of shape (2, 2) or None
        The lower left and the upper right of the frame, in which discs stay.
    """
    moved = np.array(places, dtype=np.float64)
    k = len(moved)
    if k < 2:
        return moved
    # Centers at the very same place part in directions of their own.
    turns = 2.399963 * np.arange(k)
    moved += 1e-3 * radius * np.column_stack([np.cos(turns), np.sin(turns)])
    for _ in range(200):
        apart = moved[:, np.newaxis] - moved
        distance = np.sqrt((apart**2).sum(axis=2))
        np.fill_diagonal(distance, np.inf)
        lack = np.maximum(2 * radius - distance, 0)
        if lack.max() < 0.02 * radius:
            break
        moved += ((0.5 * lack / np.maximum(distance, 1e-9))[:, :, np.newaxis] * apart).sum(axis=1)
        if corners is not None:
            moved = np.clip(moved, corners[0] + radius, corners[1] - radius)
    alone = np.abs(moved - places).max(axis=1) < 0.01 * radius
    moved[alone] = np.asarray(places)[alone]
    return moved


# -- regions ---------------------------------------------------------------------------------------


def regions(ax, centers, colors, limits, scaling):
    """The region of each center, in pale colors behind the rows."""
    unit = scaling.inside(np.ones((1, 2)))[0]  # of the units of the data, in scaled ones
    frame = np.array(limits).T * unit
    for polygon, color in zip(cells(scaling.inside(centers), *frame), colors):
        if len(polygon):
            ax.fill(
                *(polygon / unit).T,
                facecolor=mixed(ax, 0.2, color),
                edgecolor=mixed(ax, 0.4),
                linewidth=0.8,
                joinstyle="round",
                zorder=0,
            )


def cells(centers, low, high):
    """The part of a rectangle that is nearest to each center: polygons of shape (m, 2), m = 0 where
    there is none.
    """
    low, high, centers = (np.asarray(one, dtype=np.float64) for one in (low, high, centers))
    middle, size = (low + high) / 2, float((high - low).max()) or 1.0
    centers = (centers - middle) / size  # lest squares overflow
    (left, bottom), (right, top) = (low - middle) / size, (high - middle) / size
    frame = np.array([[left, bottom], [right, bottom], [right, top], [left, top]])
    return [_cell(centers, j, frame) * size + middle for j in range(len(centers))]


def _cell(centers, j, polygon):
    """Cut a polygon to what is nearest to a center, the nearest other centers first."""
    center = centers[j]
    sq_apart = ((centers - center) ** 2).sum(axis=1)
    for i in np.argsort(sq_apart, kind="stable"):
        if i == j:
            continue
        reach = ((polygon - center) ** 2).sum(axis=1).max()
        if sq_apart[i] > 4 * reach:
            break
        if sq_apart[i] == 0:  # of equal centers, the first one has the rows
            if i < j:
                return polygon[:0]
            continue
        towards = centers[i] - center
        polygon = _half(polygon, (polygon - (centers[i] + center) / 2) @ towards)
        if not len(polygon):
            break
    return polygon


def _half(polygon, side):
    """The part of a convex polygon where `side`, given at its corners, is at most 0."""
    out = []
    for a, b, at_a, at_b in zip(polygon, np.roll(polygon, -1, 0), side, np.roll(side, -1)):
        if at_a <= 0:
            out.append(a)
        if (at_a <= 0) != (at_b <= 0):
            out.append(a + (b - a) * (at_a / (at_a - at_b)))
    return np.array(out).reshape(-1, 2)
