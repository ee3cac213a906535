"""The optimal centers of one column."""

import numpy as np

from .._native import Sorted
from .._native.engine import Data
from .rows import deterministic


@deterministic
def optimal(data: Data, k: int, random_state: np.random.RandomState) -> np.ndarray:
    """The centers of least inertia, for data of one column (Wang & Song, The R Journal 3, 2011)."""
    n, d = data.shape
    if d != 1:
        raise ValueError(f"init='optimal' is for data of one column, got {d}: use 'k-means++'.")
    values, weights = data.take(np.arange(n)).ravel(), data.weights
    if weights is None:
        values.sort()
    else:
        order = np.argsort(values, kind="stable")
        order = order[weights[order] > 0]
        values, weights = values[order], weights[order]
    problem = Sorted(values, weights, data.n_threads)
    centers, *_ = problem.statistics(problem.split(min(k, problem.n_distinct)))
    # With fewer distinct values than k, some centers are repeated.
    return np.resize(centers, k).reshape(k, 1)
