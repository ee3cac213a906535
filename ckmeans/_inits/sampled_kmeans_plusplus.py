"""Sampled k-means++: several centers at a time, those that a sample of the rows gains most by."""

import numpy as np

from .._native.engine import Data
from .kmeans_plusplus import local_trials, uniforms_of


def sampled_kmeans_plusplus(data: Data, k: int, random_state: np.random.RandomState) -> np.ndarray:
    """Candidates are drawn as by greedy k-means++, many for each center, but compared with a sample
    of the rows only, which is drawn by importance.
    """
    if not isinstance(data.array, np.ndarray):
        raise ValueError(
            "init='sampled-k-means++' is for dense rows, got a sparse matrix: use 'k-means++'."
        )
    trials = local_trials(k)
    return data.take(data.sampled_kmeans_plusplus(k, trials, uniforms_of(k, trials, random_state)))
