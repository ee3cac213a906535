"""Swaps: move a center to a row, run Lloyd's iterations, and keep the result if it is better."""

import numpy as np

from .._native import Search

#: Number of rows that are tried for each swap.
TRIALS = 3


def swap(
    search: Search, random_state: np.random.RandomState, budget: float, patience: float = 1.0
) -> None:
    """Local search by swaps of a center (Lattanzi & Sohler, ICML 2019; Beretta et al., NeurIPS
    2023; Fraenti, J. Big Data 5, 2018).

    A few rows are drawn in proportion to their squared distance from their center. Of all pairs of
    such a row as a new center and a center to remove, the one of lowest inertia is tried. Ends when
    ``10 + patience * k`` consecutive swaps have failed.
    """
    search.lloyd(100, np.inf)
    search.keep()
    best, failed, potentials = search.inertia, 0, None
    while failed < 10 + patience * search.k and search.work < budget:
        if potentials is None:
            potentials = np.cumsum(search.potentials())
            if not potentials[-1] > 0:
                break
        rows = draw(potentials, random_state.random_sample(TRIALS))
        (center, _), row = min(
            ((search.best_removal(row), row) for row in rows), key=lambda trial: trial[0][1]
        )
        search.swap(center, row)
        search.lloyd(100, best)
        if search.inertia < best * (1 - 1e-9):
            best, failed, potentials = search.inertia, 0, None
            search.keep()
        else:
            search.give_back()
            failed += 1


def draw(running: np.ndarray, uniforms: np.ndarray) -> list[int]:
    """Rows drawn in proportion to the terms of these running sums."""
    rows = np.searchsorted(running, uniforms * running[-1], side="right")
    return np.minimum(rows, np.searchsorted(running, running[-1])).tolist()
