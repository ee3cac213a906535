"""A fit, step by step."""

import os
import shutil
import tempfile
from typing import NamedTuple

import numpy as np

from .._estimators.base import unit_rows
from .._estimators.restarts import IterState
from .._estimators.scaling import fitted_scaling
from .._input import checks as check
from .._input.optional_packages import need
from .._output.files import write_atomically
from .._output.numbers import number
from . import drawing as draw
from .drawing import MAX_POINTS, cluster_colors, pyplot
from .opened import names_of_columns
from .plane import Plane, heights_of, join_notes


class _Watched(NamedTuple):
    """One run of a copy of a model, as it is drawn."""

    rows: np.ndarray  #: (n, d)
    starts: np.ndarray  #: initial centers, (k, d)
    states: list[IterState]
    view: Plane
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
    view = Plane(
        array[rows], names_of_columns(copy, names), list(range(d)) if d <= 2 else None, scaling
    )
    return _Watched(array, start.centers, states, view, join_notes(note, view.note), rows)


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
    points = view.place(run.rows[run.drawn], heights_of(len(run.drawn)))
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
    points = view.place(run.rows[run.drawn], heights_of(len(run.drawn)))
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
