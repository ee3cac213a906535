"""The plane of a picture: two features, or the two main directions of the rows."""

import numpy as np

from .._estimators.scaling import UNSCALED, Scaling, fitted_scaling
from .._input.contiguous import contiguous
from .._insight.principal_axes import principal_axes
from .._output.numbers import share
from . import drawing as draw
from .drawing import cluster_colors
from .opened import chosen_columns

_ALL = 0.99  # a share of the variance beside which the others cannot be seen


class Plane:
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


def join_notes(*notes):
    return ", ".join(filter(None, notes))


def plot_rows(ax, shown, view, max_points, regions=False):
    """What `clusters` and `projection` have in common."""
    ax = draw.axes(ax)
    colors = cluster_colors(shown.centers)  # not of the projected centers: as in the other plots
    rows, note = draw.thin_and_say(len(shown.rows), max_points)
    points, middles = view.place(shown.rows[rows], heights_of(len(rows))), view.place(shown.centers)
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
    draw.note(ax, join_notes(note, view.note))
    return ax


def heights_of(n):
    """Where the rows of a strip are drawn; the same at every call."""
    return np.random.RandomState(0).random_sample(n)


def plane_of(shown, features, max_points):
    """The view that `clusters` has."""
    d = shown.rows.shape[1]
    columns = None
    if features is not None or d <= 2:
        columns = chosen_columns(features, shown.names, min(d, 2))
        if len(columns) != min(d, 2):
            raise ValueError(
                f"features must name {min(d, 2)} column(s), got {len(columns)}; "
                "clusters_3d takes three, pairs any number."
            )
    rows = draw.thin(len(shown.rows), max_points)
    return Plane(shown.rows[rows], shown.names, columns, fitted_scaling(shown.model))
