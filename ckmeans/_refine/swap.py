"""Swaps: put a center elsewhere, let Lloyd's iterations follow, and keep what is better."""

import numpy as np

from .._native import Search

#: Rows tried for each swap.
TRIALS = 3


def swap(
    search: Search, random_state: np.random.RandomState, budget: float, patience: float = 1.0
) -> None:
    """Local search by swaps of a center (Lattanzi & Sohler, ICML 2019; Beretta et al., NeurIPS
    2023; Fraenti, J. Big Data 5, 2018).

    A few rows are drawn in proportion to their squared distance from their center; the one that
    makes the best new center, together with the center whose loss costs least then, is taken. Ends
    when ``10 + patience * k`` swaps in a row have failed.
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
    """Rows in proportion to the terms of these running sums."""
    rows = np.searchsorted(running, uniforms * running[-1], side="right")
    return np.minimum(rows, np.searchsorted(running, running[-1])).tolist()
