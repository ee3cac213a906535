"""Moves of single rows between clusters."""

import numpy as np

from .._native import Search

#: Passes over the rows before Lloyd's iterations follow, and how often both are repeated.
PASSES, ROUNDS = 20, 10


def hartigan_wong(search: Search, random_state: np.random.RandomState, budget: float) -> None:
    """Move single rows while this lowers inertia (Hartigan & Wong, Applied Statistics 28, 1979).

    The change of both centers is included, so that it also improves fixed points of Lloyd's
    iterations. Deterministic.
    """
    for _ in range(ROUNDS):
        moves = search.hartigan(PASSES, budget)
        search.lloyd(100, np.inf)
        if moves == 0 or search.work > budget:
            break
    search.keep()
