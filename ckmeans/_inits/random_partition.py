"""Means of a random partition."""

import numpy as np

from .rows import weighted_rows


def random_partition(data, k, random_state):
    """Means of a random partition of the rows into k parts of equal size (rows of no weight
    aside).
    """
    rows = weighted_rows(data)
    labels = np.zeros(data.shape[0], dtype=np.int32)
    labels[random_state.permutation(rows)] = np.arange(len(rows)) % k
    return data.means(labels, k)
