"""Swaps: move a center to a row, run Lloyd's iterations, and keep the result if it is better."""

import numpy as np

from .._native import Search

#: Number of rows that are tried for each swap.
TRIALS = 3

#: Swaps between two looks at whether the user has interrupted.
AT_ONCE = 16


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
    failed, patient = 0, int(np.ceil(10 + patience * search.k))
    while failed < patient and search.work < budget:
        uniforms = random_state.random_sample((AT_ONCE, TRIALS))
        failed = search.swaps(uniforms, failed, patient, budget)


def draw(running: np.ndarray, uniforms: np.ndarray) -> list[int]:
    """Rows drawn in proportion to the terms of these running sums."""
    rows = np.searchsorted(running, uniforms * running[-1], side="right")
    return np.minimum(rows, np.searchsorted(running, running[-1])).tolist()
