"""Centers that a user gives or that are computed from the rows, in the form for runs."""

from typing import Any

import numpy as np

from .._input import checks as check
from .._input.contiguous import contiguous
from .._native.engine import Data
from .rows import weighted_rows


def given_centers(init: Any, k: int, data: Data, name: str = "init") -> np.ndarray:
    """Centers that a user gives, checked; scaled to unit length if rows are."""
    d, dtype = data.shape[1], data.array.dtype
    if not data.unit:
        return check.as_centers(init, k, d, dtype, name)
    return directions(check.as_centers(init, k, d, np.float64, name, check.MAX_UNIT), dtype, name)


def mean_center(data: Data) -> np.ndarray:
    """The center of all rows as one cluster, (1, d)."""
    return with_direction(data.means(np.zeros(data.shape[0], dtype=np.int32), 1), data)


def with_direction(centers: np.ndarray, data: Data) -> np.ndarray:
    """Centers that were computed from the rows, scaled to unit length if rows are."""
    if not data.unit:
        return centers
    lost = ~centers.any(axis=1)  # means of rows that cancel out
    if lost.any():
        centers[lost] = data.take(weighted_rows(data)[:1])
    return directions(centers, data.array.dtype)


def directions(centers: np.ndarray, dtype: np.dtype, name: str = "init") -> np.ndarray:
    """Centers scaled to unit length and rounded to the data's dtype. Those that have unit length
    already, up to rounding, are not changed.
    """
    rows = Data(contiguous(centers, np.float64), None, 1, False, unit=True)
    if rows.weights is not None:
        raise ValueError(
            f"Row {int(np.argmin(rows.weights))} of {name} is zero, but "
            "metric='cosine' needs centers with a direction."
        )
    narrow = dtype == np.float32
    turned = rows.take(np.arange(len(centers)))
    ready = np.abs(turned - centers).max(axis=1) <= (1e-7 if narrow else 1e-14)
    turned[ready] = centers[ready]
    return turned.astype(np.float32).astype(np.float64) if narrow else turned
