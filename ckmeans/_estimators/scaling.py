"""Columns brought to comparable spreads: `KMeans(scale=...)`.

Each column is divided by a number, in float64, and nothing is subtracted, since k-means depends on
differences alone. So sparse rows stay sparse and give the results of dense ones. The engine sees
only scaled rows and centers; all that users see (initial centers, `cluster_centers_`, the states of
callbacks) is in the units of the data. `Scaling` converts between the two.
"""

from typing import Any

import numpy as np

from .._input import checks as check
from .._input.contiguous import contiguous
from .._input.sparse import SparseRows
from .._native.engine import Data

SCALES = ("standard", "robust")

#: The interquartile range of a normal distribution, in standard deviations.
_NORMAL_RANGE = 1.3489795003921634


def check_scale(scale: Any, metric: str) -> None:
    """Raise unless this is None or a way to scale that goes with the metric."""
    if scale is None:
        return
    check.check_name(scale, SCALES, "scale (None, or a name)")
    if metric != "euclidean":
        raise ValueError(
            f"scale={scale!r} goes by Euclidean distances, but metric={metric!r} by "
            + (
                "directions, which scaling the columns would turn"
                if metric == "cosine"
                else "others"
            )
            + ": pass scale=None, and it goes with metric='euclidean'."
        )


class Scaling:
    """Conversion between the units of the data and the scaled columns that the engine sees.

    Parameters
    ----------
    divisors : ndarray of shape (d,), float64, or None
        Positive; None leaves everything as it is.
    """

    def __init__(self, divisors: np.ndarray | None) -> None:
        self.divisors = divisors

    def inside(self, rows: Any) -> Any:
        """Rows or centers in the units of the data -> scaled ones, float64, in a new array."""
        if self.divisors is None:
            return rows
        if isinstance(rows, SparseRows):
            start, stop = int(rows.indptr[0]), int(rows.indptr[-1])
            values = np.zeros(len(rows.data))
            with np.errstate(all="ignore"):
                np.divide(
                    rows.data[start:stop],
                    self.divisors[rows.indices[start:stop]],
                    out=values[start:stop],
                )
            return rows.with_values(values)
        out = np.empty(rows.shape)
        with np.errstate(all="ignore"):  # the engine reports values that are not finite
            np.divide(rows, self.divisors, out=out, dtype=np.float64)
        return out

    def outside(self, centers: np.ndarray, dtype: Any) -> np.ndarray:
        """Scaled centers -> centers in the units of the data, in the type of results."""
        if self.divisors is None:
            return centers
        return (centers * self.divisors).astype(np.float32 if dtype == np.float32 else np.float64)


#: For models that do not scale.
UNSCALED = Scaling(None)


def fitted_scaling(model: Any) -> Scaling:
    """The scaling that a model was fitted with."""
    if not hasattr(model, "scale_"):
        return UNSCALED
    d = check.fitted_centers(model).shape[1]
    smallest = float(np.finfo(np.float64).smallest_subnormal)
    divisors = check.fitted_array(model, "scale_", (d,), low=smallest, high=check.MAX_ABS)
    return Scaling(contiguous(divisors, np.float64))


def spreads(scale: str, data: Data) -> np.ndarray:
    """The divisor of each column of scanned rows: its spread, or 1 where all values are equal.

    It depends neither on the order of the rows nor on how they are stored, and a row of weight 2
    counts as two rows.
    """
    spread = _standard_deviations(data)
    if scale == "robust":
        ranges = _interquartile_ranges(data) / _NORMAL_RANGE
        spread = np.where(ranges > 0, ranges, spread)
    spread[~(spread > 0)] = 1.0
    return spread


def _standard_deviations(data: Data) -> np.ndarray:
    """Weighted standard deviations (d,) by exact sums of the squared differences of nonzero values,
    to which the zeros are added, so that sparse rows give the same bits.
    """
    array = data.array
    mean = _means(data, array)
    reach = np.maximum(data.high - mean, mean - data.low)
    power = -np.frexp(reach)[1]  # powers of two, so that no square over- or underflows
    if isinstance(array, SparseRows):
        start, stop = int(array.indptr[0]), int(array.indptr[-1])
        columns, values = array.indices[start:stop], array.data[start:stop].astype(np.float64)
        there = np.zeros(len(array.data))
        there[start:stop] = values != 0
        squares = np.zeros(len(array.data))
        squares[start:stop] = np.ldexp(values - mean[columns], power[columns]) ** 2
        squares *= there
        filled = _means(data, array.with_values(there))
        inner = _means(data, array.with_values(squares))
    else:
        squares = array.astype(np.float64)
        there = squares != 0
        squares -= mean
        np.ldexp(squares, power, out=squares)
        np.square(squares, out=squares)
        filled = np.ones(len(mean))
        if not there.all():
            squares *= there
            filled = _means(data, there.astype(np.float64))
        inner = _means(data, squares)
    zeros = np.where(filled < 1, 1.0 - filled, 0.0)
    mean = np.where(zeros > 0, mean, 0.0)
    return np.ldexp(np.sqrt(inner + zeros * np.ldexp(mean, power) ** 2), -power)


def _means(data: Data, array: Any) -> np.ndarray:
    """Weighted means (d,) of these values of the rows, rounded once to float64."""
    rows = Data(array.astype(np.float64), data.weights, data.n_threads, False)
    return rows.means(np.zeros(len(array), dtype=np.int32), 1)[0].astype(np.float64)


def _interquartile_ranges(data: Data) -> np.ndarray:
    """Weighted interquartile ranges (d,). A quantile is the smallest value at or below which at
    least that share of the weight lies.
    """
    array, weights = data.array, data.weights
    n, d = array.shape
    weights = np.ones(n) if weights is None else np.asarray(weights)
    total = _total(weights)
    found = np.empty(d)
    sparse = isinstance(array, SparseRows)
    if sparse:
        start, stop = int(array.indptr[0]), int(array.indptr[-1])
        order = np.argsort(array.indices[start:stop], kind="stable")
        rows = np.repeat(np.arange(n), np.diff(array.indptr))[order]
        stored = array.data[start:stop][order]
        ends = np.searchsorted(array.indices[start:stop][order], np.arange(d + 1))
    for f in range(d):
        if sparse:
            mine = slice(int(ends[f]), int(ends[f + 1]))
            values, heavy = stored[mine], weights[rows[mine]]
            absent = np.ones(n, dtype=bool)
            absent[rows[mine]] = False
            values = np.append(values, np.zeros(1, dtype=values.dtype))
            heavy = np.append(heavy, _total(weights[absent]))
        else:
            values, heavy = array[:, f], weights
        found[f] = _quartile_range(values.astype(np.float64), heavy, total)
    return found


def _quartile_range(values: np.ndarray, weights: np.ndarray, total: float) -> float:
    # By value and then weight, so that rounded partial sums do not depend on the order of rows.
    distinct, which = np.unique(values + 0.0, return_inverse=True)
    order = np.lexsort((weights, which))
    weight = np.bincount(which[order], weights[order], len(distinct))
    reached = np.cumsum(weight)
    low, high = np.searchsorted(reached, [0.25 * total, 0.75 * total])
    last = len(distinct) - 1
    return float(distinct[min(high, last)] - distinct[min(low, last)])


def _total(weights: np.ndarray) -> float:
    """The sum of weights, whatever their order."""
    return float(np.sort(weights).sum())
