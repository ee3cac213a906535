"""Single rows moved between clusters."""

import numpy as np

from .._native import Search

#: Passes over the rows before Lloyd's iterations are let in again, and how often.
PASSES, ROUNDS = 20, 10


def hartigan_wong(search: Search, random_state: np.random.RandomState, budget: float) -> None:
    """Move single rows as long as that helps (Hartigan & Wong, Applied Statistics 28, 1979).

    Counts that a center follows its rows, so that it also improves what no Lloyd iteration can.
    Draws nothing.
    """
    for _ in range(ROUNDS):
        moves = search.hartigan(PASSES)
        search.lloyd(100, np.inf)
        if moves == 0 or search.work > budget:
            break
    search.keep()
