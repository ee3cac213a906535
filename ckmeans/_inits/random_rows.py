"""Rows drawn at random."""

import numpy as np

from .._native.engine import Data
from .rows import Distinct


def random_rows(data: Data, k: int, random_state: np.random.RandomState) -> np.ndarray:
    """Distinct rows, drawn without replacement in proportion to their weights (Forgy 1965)."""
    return data.take(random_rows_indices(data, k, random_state))


def random_rows_indices(data: Data, k: int, random_state: np.random.RandomState) -> np.ndarray:
    chosen = Distinct(data, k)
    for _ in range(8):  # the fast way: draw until k rows are distinct
        chosen.add(data.draw(random_state.random_sample(k + 8)))
        if chosen.full:
            return np.array(chosen.rows)
    # Most rows are chosen already, or equal to others. Ranking all rows by exponential keys draws
    # without replacement.
    keys = random_state.standard_exponential(data.shape[0])
    if data.weights is not None:
        with np.errstate(divide="ignore"):
            keys /= data.weights
    order = np.argsort(keys, kind="stable")
    return chosen.fill(order[np.isfinite(keys[order])])
