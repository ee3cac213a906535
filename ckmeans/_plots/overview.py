"""The page that shows the most important pictures of a model."""

import numpy as np

from .centers import profiles, sizes
from .choice_of_k import check_selection
from .choice_of_k import selection as plot_selection
from .drawing import MAX_POINTS, pyplot
from .rows import clusters


def overview(model, X, *, labels=None, selection=None, max_points=MAX_POINTS):
    """One figure with the clusters and, next to them, how k was chosen or how large they are.

    Parameters
    ----------
    model : KMeans or None
        None if `selection` found no clear structure: then the figure shows only the criteria.
    X, labels, max_points
        As in `clusters`.
    selection : KSelection or None
        What `select_k` returned.

    Returns
    -------
    axes : ndarray of matplotlib axes
    """
    if model is None and selection is None:
        raise ValueError("there is nothing to draw: pass a fitted model, or a selection.")
    if selection is not None:
        check_selection(selection, "selection")
    if model is None:
        return plot_selection(selection)
    figure = pyplot().figure(figsize=(10.5, 5.0), layout="constrained")
    grid = figure.add_gridspec(2, 3)
    axes = np.array(
        [
            figure.add_subplot(grid[:, :2]),
            figure.add_subplot(grid[0, 2]),
            figure.add_subplot(grid[1, 2]),
        ],
        dtype=object,
    )
    clusters(model, X, labels=labels, max_points=max_points, ax=axes[0])
    if selection is None:
        sizes(model, ax=axes[1])
        profiles(model, ax=axes[2])
    else:
        beside = next(
            (name for name in ("silhouette", *selection.best_k) if name in selection.best_k),
            "inertia",
        )
        plot_selection(selection, "inertia", axes=axes[1:2])
        plot_selection(selection, beside, axes=axes[2:])
    return axes
