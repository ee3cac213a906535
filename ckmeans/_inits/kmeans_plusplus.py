"""k-means++: the first center is drawn by weight, each next one by weighted squared distance."""

import numpy as np

from .._native.engine import Data


def kmeans_plusplus(
    data: Data, k: int, random_state: np.random.RandomState, n_local_trials: int | None = None
) -> np.ndarray:
    """Greedy k-means++ (Arthur & Vassilvitskii, SODA 2007): far rows are likely, and the best of a
    few draws is taken.
    """
    return data.take(kmeans_plusplus_indices(data, k, random_state, n_local_trials))


def kmeans_plusplus_indices(
    data: Data, k: int, random_state: np.random.RandomState, n_local_trials: int | None = None
) -> np.ndarray:
    trials = n_local_trials or local_trials(k)
    return data.kmeans_plusplus(k, trials, random_state.random_sample(1 + (k - 1) * trials))


def local_trials(k: int) -> int:
    """Rows that greedy k-means++ tries for each center, unless told."""
    return 2 + int(np.log(k))
