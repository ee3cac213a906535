"""The first rows of the data."""

import numpy as np

from .._native.engine import Data
from .rows import Distinct, deterministic, weighted_rows


@deterministic
def first_rows(data: Data, k: int, random_state: np.random.RandomState) -> np.ndarray:
    """The first k distinct rows (MacQueen 1967)."""
    return data.take(Distinct(data, k).fill(weighted_rows(data)))
