"""Means of a random partition."""

import numpy as np

from .._native.engine import Data
from .rows import weighted_rows


def random_partition(data: Data, k: int, random_state: np.random.RandomState) -> np.ndarray:
    """Means of a random partition of the rows of positive weight into k parts of equal size."""
    rows = weighted_rows(data)
    labels = np.zeros(data.shape[0], dtype=np.int32)
    labels[random_state.permutation(rows)] = np.arange(len(rows)) % k
    return data.means(labels, k)
