"""k-means++: the first center is drawn by weight, each next one by weighted squared distance."""

from math import log

import numpy as np

from .._native.engine import Data


def kmeans_plusplus(
    data: Data, k: int, random_state: np.random.RandomState, n_local_trials: int | None = None
) -> np.ndarray:
    """Greedy k-means++ (Arthur & Vassilvitskii, SODA 2007): each center is the best of a few rows
    drawn in proportion to their squared distance from the centers so far.
    """
    return data.take(kmeans_plusplus_indices(data, k, random_state, n_local_trials))


def kmeans_plusplus_indices(
    data: Data, k: int, random_state: np.random.RandomState, n_local_trials: int | None = None
) -> np.ndarray:
    trials = n_local_trials or local_trials(k)
    return data.kmeans_plusplus(k, trials, uniforms_of(k, trials, random_state))


def local_trials(k: int) -> int:
    """Default number of rows that greedy k-means++ tries for each center."""
    return 2 + int(log(k))


def uniforms_of(k: int, trials: int, random_state: np.random.RandomState) -> np.ndarray:
    """The random numbers by which candidates are drawn: one for the first center, then `trials` for
    each of the others.
    """
    return random_state.random_sample(1 + (k - 1) * trials)
