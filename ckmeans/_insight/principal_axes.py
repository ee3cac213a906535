"""Principal components: for pictures of many features, and for reference data with the shape of the
data.
"""

from typing import Any

import numpy as np


def principal_axes(rows: np.ndarray, count: int | None = None) -> Any:
    """Directions of most variance.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
    count : int or None
        How many; None means all d.

    Returns
    -------
    middle : ndarray of shape (d,)
        Mean of the rows.
    axes : ndarray of shape (count, d)
        Unit vectors, the direction of most variance first; the largest component of each is
        positive.
    shares : ndarray of shape (count,)
        The share of the variance that each explains.
    """
    middle = rows.mean(axis=0, dtype=np.float64)
    shifted = rows - middle
    largest = np.abs(shifted).max() or 1.0
    shifted /= largest  # so that squares do not overflow
    values, vectors = np.linalg.eigh(shifted.T @ shifted)
    count = len(values) if count is None else count
    axes = vectors.T[::-1][:count]
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    total = values.sum()
    shares = np.maximum(values[::-1][:count], 0.0) / (total if total > 0 else 1.0)
    return middle, axes * signs[:, np.newaxis], shares
