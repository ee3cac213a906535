"""Sample weights and initial centers."""

import math
from typing import Any

import numpy as np

from .._native.engine import Data, largest_magnitude
from .arrays import as_matrix
from .contiguous import contiguous
from .magnitudes import MAX_ABS, nonfinite_error
from .other_libraries import here
from .real_numbers import FLOAT32, FLOAT64, as_real, first_true, warn_if_rounded

_MAX_FLOAT32 = float(np.finfo(np.float32).max)


def as_weights(
    sample_weight: Any, n: int, start: int = 0, all_zero: bool = False
) -> np.ndarray | None:
    """Return the weights as a contiguous float64 array of shape (n,), or None for None.

    start : int
        Position of the first row, where the rows are a block of more.
    all_zero : bool
        Whether all weights may be zero, as in a block.
    """
    if sample_weight is None:
        return None
    name = "sample_weight"
    sample_weight = here(sample_weight, name)
    try:
        weights = np.asanyarray(sample_weight)  # any: a mask must be seen
    except ValueError:
        raise ValueError(f"{name} must be one number per row, shape ({n},).") from None
    if weights.ndim == 0 and weights.dtype.kind == "O":
        raise TypeError(f"{name} must be one number per row, got {type(sample_weight).__name__}.")
    if weights.ndim == 0:
        weights = np.full(n, as_real(weights, name), FLOAT64)
    else:
        weights = as_real(weights, name)
        warn_if_rounded(weights, name)
        weights = contiguous(weights, FLOAT64)
    if weights.shape != (n,):
        raise ValueError(
            f"{name} has shape {weights.shape}, but one weight per row is needed: shape ({n},)."
        )
    if n == 0:
        return weights
    low, high = weights.min(), weights.max()  # NaN, if there is one
    if not (low >= 0.0 and high < math.inf):
        row = first_true(~((weights >= 0.0) & (weights < math.inf)))[0]
        value, row = weights[row], start + row
        if math.isnan(value):
            raise ValueError(
                f"{name} contains NaN at row {row}: a row that should not count has weight 0."
            )
        if value < 0.0:
            raise ValueError(
                f"{name} contains a negative weight, {value:g}, at row {row}: the least is 0."
            )
        raise ValueError(f"{name} contains infinity at row {row}: weights are finite.")
    if high == 0.0 and not all_zero:
        raise ValueError(f"{name} is zero for every row: at least one weight must be positive.")
    return weights


def check_directions(data: Data) -> None:
    """Raise if no row with weight has a direction, which cosine k-means needs."""
    if data.unit and data.weights is not None and not data.weights.any():
        raise ValueError(
            "All rows of X that have weight are zero, but metric='cosine' compares "
            "directions, and zero rows have none."
        )


def as_centers(
    init: Any, k: int, d: int, dtype: Any, name: str = "init", limit: float = MAX_ABS
) -> np.ndarray:
    """Return initial centers as a contiguous float64 copy of shape (k, d), rounded to the data's
    dtype.
    """
    array, _ = as_matrix(init, name=name)
    if array.shape != (k, d):
        what = f"clusters {k}" if array.shape[0] != k else f"features of the data {d}"
        raise ValueError(
            f"The shape of the initial centers {array.shape} does not match the number of {what}."
        )
    warn_if_rounded(array, name)
    centers = array.astype(FLOAT64, order="C")  # always a copy
    limit = _MAX_FLOAT32 if dtype == FLOAT32 else limit
    if not largest_magnitude(centers) <= limit:
        row, column = first_true(~(np.abs(centers) <= limit))
        raise nonfinite_error(centers, row, column, name=name, limit=limit)
    if dtype == FLOAT32:
        centers[...] = centers.astype(FLOAT32)
    return centers
