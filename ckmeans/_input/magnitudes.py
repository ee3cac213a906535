"""Values that cannot be computed with: NaN, infinity, too large, or too close to each other.

The kernels find such values in the pass that reads the data anyway; the messages are made here.
"""

import math
from typing import Any

import numpy as np

from .errors import for_missing

#: Beyond this magnitude a squared distance, or a sum of them over many features, could overflow.
MAX_ABS = 1e140
#: Columns that all span less than this have differences whose squares underflow.
MIN_SPAN = 1e-140
#: Beyond this the length of a row could overflow, where only its direction counts.
MAX_UNIT = 1e300

_MAX_SUM = 1e300  # exact sums need a margin above
_MIN_PRODUCT = 1e-290  # weighted squared distances need a margin below


def nonfinite_error(
    array: Any,
    row: int,
    col: int,
    names: np.ndarray | None = None,
    *,
    name: str = "X",
    limit: float = MAX_ABS,
    start: int = 0,
) -> ValueError:
    """The error for the entry at (row, col), which is NaN, infinite or of a magnitude above
    `limit`.

    start : position of the array's first row, where it is a block of more
    """
    value = float(array[row, col])
    where = f"row {start + row}, column {col}" + (f" ({names[col]!r})" if names is not None else "")
    if math.isnan(value):
        return ValueError(f"{name} contains NaN at {where}: {for_missing(name)}")
    if math.isinf(value):
        sign = "-" if value < 0 else ""
        return ValueError(
            f"{name} contains {sign}infinity at {where}: drop such rows or replace the value."
        )
    return ValueError(
        f"{name} contains {value!r} at {where}, above the largest magnitude that can be computed "
        "with "
        f"({limit:g}): rescale the data."
    )


def empty_row_error(rows: np.ndarray) -> ValueError:
    """The error for rows without any value."""
    return ValueError(
        f"X has {len(rows)} row(s) without any value, the first at row {int(rows[0])}: drop such "
        "rows, which are as near to one center as to another."
    )


def empty_column_error(column: int, names: np.ndarray | None) -> ValueError:
    """The error for a column without any value."""
    name = "" if names is None else f" ({names[column]!r})"
    return ValueError(f"X has no value in column {column}{name}: drop that column.")


def check_products(weights: np.ndarray | None, largest: float, n: int, d: int) -> None:
    """Raise if weighted sums over n rows of values up to `largest` could overflow float64."""
    if weights is None:  # MAX_ABS is small enough for that
        return
    heaviest = float(weights.max())
    farthest = max(1.0, 4.0 * d * largest * largest)  # the largest squared distance
    if heaviest > _MAX_SUM / (n * farthest):
        raise ValueError(
            f"sample_weight up to {heaviest:g} and X up to {largest:g} are too large together: "
            "sums of "
            "weighted squared distances would overflow. Rescale the weights or the data."
        )


def check_span(span: float, heaviest: float = 1.0, name: str = "X") -> None:
    """Raise where differences of rows are so small that their squares, times weights, would
    underflow.

    span : float
        The range of the widest column. Rows that are all equal are allowed.
    """
    if 0.0 < span < MIN_SPAN:
        raise ValueError(
            f"{name} spans {span:g} in its widest column, below the smallest range that can be "
            f"computed with ({MIN_SPAN:g}): "
            f"squared distances would underflow. Rescale the data, for example ({name} - "
            f"{name}.min(axis=0)) / {span!r}."
        )
    if min(heaviest, span) > 0.0 and heaviest * span * span < _MIN_PRODUCT:
        raise ValueError(
            f"sample_weight up to {heaviest:g} and {name} that spans {span:g} are too small "
            "together: weighted squared distances "
            f"would underflow (the least that can be computed with is {_MIN_PRODUCT:g}). Rescale "
            "the weights or the data."
        )
