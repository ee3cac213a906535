"""Optimal clustering of one-dimensional data: `ckmeans`, `breaks` and `ckmeans_optimal`.

The names and the behavior are those of the package called ckmeans on the public index, whose
import name this package shares, so that code written for it runs here. What differs: any k is
allowed, and no digits are lost where values are far from 0 or far apart.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import copysign, floor
from operator import index
from typing import Any

import numpy as np

from .._input.checks import as_values
from .._input.configuration import cpu_count
from .._native import Sorted


class CkmeansError(ValueError):
    """The data or the number of clusters cannot be used."""

    __module__ = "ckmeans"


def ckmeans(data: Any, k: int) -> list[np.ndarray]:
    """Split one-dimensional data into the k clusters of least within-cluster sum of squares: the
    optimum, not an approximation.

    Parameters
    ----------
    data : array-like of shape (n,)
        Converted to float64. Infinite values are put into the first or last cluster.
    k : int
        From 1 to n.

    Returns
    -------
    clusters : list of ndarray
        In ascending order; each is sorted, and a view of one sorted copy of the data. Data with
        fewer than k distinct values gives one cluster for each of them.

    Raises
    ------
    CkmeansError
        k is below 1 or above n, or data contains NaN.
    TypeError, ValueError
        k is not an integer, or data is not one-dimensional or holds values that `KMeans.fit` would
        refuse in a column.

    See Also
    --------
    KMeans : the same optimum, with labels and weights, when X has one column.

    Notes
    -----
    Dynamic programming (Wang & Song, The R Journal 3, 2011) in O(kn log n) (Groenlund et al.,
    arXiv:1701.07204, 2017), with sums of twice the precision of float64. If the sum of squares of
    the clusters is below 2^-50 of that of one cluster of all data, as with a value that is very far
    away, the last digits are computed in another way, which takes about ten times as long. Above k
    * n = 1e10 this is not done, and such clusters may be slightly worse than the optimum. Not for
    data of more than one dimension.

    Examples
    --------
    >>> import ckmeans
    >>> [cluster.tolist() for cluster in ckmeans.ckmeans([12, 1, 2, 3, 10, 11], 2)]
    [[1.0, 2.0, 3.0], [10.0, 11.0, 12.0]]
    """
    data, k = _sorted(data), index(k)
    _check_k(k, len(data))
    return _cut(data, _split(data, k))


def breaks(data: Any, k: int) -> np.ndarray:
    """Round numbers between the clusters of `ckmeans`, for legends and class limits.

    Parameters
    ----------
    data : array-like of shape (n,)
    k : int

    Returns
    -------
    breaks : ndarray
        One fewer than there are clusters. Each is above all values of the cluster below it and at
        most the least value of the cluster above it: of such numbers a multiple of the largest
        power of ten, and of those the one nearest to the middle.

    Raises
    ------
    CkmeansError, TypeError, ValueError
        As for `ckmeans`.

    Examples
    --------
    >>> import ckmeans
    >>> ckmeans.breaks([0.12, 0.13, 0.21, 0.24, 0.87, 0.91], 2)
    array([0.6])
    """
    clusters = ckmeans(data, k)
    return np.array(
        [_round_between(float(a[-1]), float(b[0])) for a, b in zip(clusters, clusters[1:])],
        dtype=np.float64,
    )


@dataclass(frozen=True, eq=False)
class OptimalResult:
    """What `ckmeans_optimal` returns.

    Attributes
    ----------
    k : int
        The number of clusters chosen.
    clusters : list of ndarray
        As `ckmeans` returns them.
    centers : ndarray of shape (k,)
    sizes : ndarray of shape (k,)
    withinss : ndarray of shape (k,)
        Sums of squared distances to the centers.
    ks : ndarray
        The numbers of clusters tried.
    bic : ndarray
        The Bayesian information criterion of each; lower is better.
    """

    __module__ = "ckmeans"

    k: int
    clusters: list
    centers: np.ndarray
    sizes: np.ndarray
    withinss: np.ndarray
    ks: np.ndarray
    bic: np.ndarray

    def __repr__(self) -> str:
        shown = ("k", "centers", "sizes", "withinss", "ks", "bic")
        return f"OptimalResult({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def ckmeans_optimal(data: Any, k_min: int = 1, k_max: int = 9) -> OptimalResult:
    """Choose the number of clusters of one-dimensional data by the Bayesian information criterion,
    and cluster it.

    Parameters
    ----------
    data : array-like of shape (n,)
    k_min, k_max : int
        The numbers of clusters to try, both included; k_max is cut to the number of distinct
        values.

    Returns
    -------
    result : OptimalResult
        With k, clusters, centers, sizes, withinss, ks and bic. Data with infinite values has NaN
        for every bic and gets k_min clusters.

    Raises
    ------
    CkmeansError
        k_min is below 1, above k_max or above the number of distinct values, or data contains NaN.
    TypeError, ValueError
        k_min or k_max is not an integer, or data cannot be used, as for `ckmeans`.

    Notes
    -----
    The criterion is that of a mixture of normal distributions, one for each cluster (Song & Zhong,
    Bioinformatics 36, 2020). Not for clusters of other shapes: skewed ones are split.

    Examples
    --------
    >>> import ckmeans
    >>> result = ckmeans.ckmeans_optimal([1.0, 1.1, 1.2, 50.0, 51.0, 52.0, 100.0, 101.0, 102.0])
    >>> result.k, result.sizes.tolist()
    (3, [3, 3, 3])
    """
    data, k_min, k_max = _sorted(data), index(k_min), index(k_max)
    if k_max < 0:
        raise CkmeansError(f"k_max must be at least 1, not {k_max}")
    _check_k(
        k_min,
        1 + np.count_nonzero(data[1:] != data[:-1]) if len(data) else 0,
        "distinct values",
        "k_min",
    )
    if k_min > k_max:
        raise CkmeansError(f"k_min ({k_min}) must be less than or equal to k_max ({k_max})")
    if not np.isfinite(data[[0, -1]]).all():
        most = min(k_max, 1 + int(np.count_nonzero(data[1:] != data[:-1])))
        bounds = _split(data, k_min)
        clusters = _cut(data, bounds)
        with np.errstate(invalid="ignore"):
            centers = np.array([cluster.mean() for cluster in clusters])
            within = np.array(
                [((cluster - center) ** 2).sum() for cluster, center in zip(clusters, centers)]
            )
        ks = np.arange(k_min, most + 1)
        return OptimalResult(
            k_min, clusters, centers, np.diff(bounds), within, ks, np.full(len(ks), np.nan)
        )
    problem = Sorted(data, None, cpu_count())
    ks = np.arange(k_min, min(k_max, problem.n_distinct) + 1)
    splits = problem.splits(k_min, int(ks[-1]))
    bic = _bics(problem, data, splits)
    bounds = splits[int(np.argmin(bic))]
    centers, sizes, within = _center_size_square(problem, bounds)
    return OptimalResult(len(bounds) - 1, _cut(data, bounds), centers, sizes, within, ks, bic)


def _center_size_square(
    problem: Sorted, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    centers, squares, _ = problem.statistics(bounds)
    return centers, np.diff(bounds), squares


def _sorted(data: Any) -> np.ndarray:
    """A sorted float64 copy, checked."""
    array = as_values(data)
    ascending = np.sort(array)
    if len(array) and np.isnan(ascending[-1]):
        raise CkmeansError(
            f"data contains NaN at position {int(np.argmax(np.isnan(array)))}: drop "
            "such values or fill them in."
        )
    return ascending


def _check_k(k: Any, n: int, what: str = "values", name: str = "k") -> None:
    if k < 1:
        raise CkmeansError(f"{name} must be at least 1, not {k}")
    if k > n:
        raise CkmeansError(
            f"{name} is {k}, but there are only {n} {what}: no more clusters than that can be made"
        )


def _split(data: np.ndarray, k: int) -> np.ndarray:
    """Where each cluster begins in sorted data, and then the length of the data. Infinite values go
    to the first and the last cluster.
    """
    low, high = (
        np.searchsorted(data, (-np.inf, np.inf), side="right")[0],
        np.searchsorted(data, np.inf),
    )
    if low >= high:  # no value is finite
        return np.array(
            [0, low, len(data)] if 0 < low < len(data) and k > 1 else [0, len(data)], dtype=np.intp
        )
    problem = Sorted(data[low:high], None, cpu_count())
    apart = low > 0 and k > 1
    bounds = low + problem.split(min(k - apart, problem.n_distinct))
    bounds[-1] = len(data)
    if apart:
        return np.append(0, bounds)
    bounds[0] = 0
    return bounds


def _cut(data: np.ndarray, bounds: np.ndarray) -> list[np.ndarray]:
    return [data[start:stop] for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist())]


def _round_between(last: float, first: float) -> float:
    """The roundest number b with last < b <= first."""
    if last < 0 <= first:
        return 0.0
    if not np.isfinite(last) or not np.isfinite(first):
        return first if not np.isfinite(last) else _round_between(last, np.nextafter(np.inf, 0))
    middle = last + (first - last) / 2
    highest = int(np.floor(np.log10(max(abs(last), abs(first))))) + 1
    # Fractions if a power of ten is outside the range of floats.
    number = float if -288 <= highest <= 308 else Fraction
    sign = int(copysign(1, middle))
    for exponent in range(highest, highest - 20, -1):
        least = floor(_shifted(number(last), -exponent)) + 1
        most = floor(_shifted(number(first), -exponent))
        if most < least:
            continue
        half_up = sign * floor(_shifted(number(abs(middle)), -exponent) + number(0.5))
        multiple = min(max(half_up, least), most)
        found = float(_shifted(number(multiple), exponent))
        if last < found <= first:
            return found
    return first


def _shifted(x: Any, digits: int) -> Any:
    """x * 10^digits, multiplied or divided by a power of ten that is exact."""
    ten = type(x)(10)
    return x * ten**digits if digits >= 0 else x / ten**-digits


def _bics(problem: Sorted, data: np.ndarray, splits: Any) -> np.ndarray:
    """The criterion of each split of sorted data."""
    exponent = int(np.frexp(np.abs(data[[0, -1]]).max())[1])
    if abs(exponent) < 300:
        return np.array([_bic(problem, data, bounds) for bounds in splits])
    # Squares would leave the range of float64: the data and the densities are rescaled.
    scaled = np.ldexp(data, -exponent)
    problem = Sorted(scaled, None, cpu_count())
    shift = 2 * len(data) * exponent * np.log(2) if data[0] != data[-1] else 0
    return np.array([_bic(problem, scaled, bounds) for bounds in splits]) + shift


def _bic(problem: Sorted, x: np.ndarray, bounds: np.ndarray) -> float:
    """-2 log likelihood + (3 k - 1) log n of the mixture of one normal distribution for each
    cluster.
    """
    n, sizes = len(x), np.diff(bounds)
    if x[0] == x[-1]:
        return 0.0
    means, squares, rests = problem.statistics(bounds)
    with np.errstate(divide="ignore", invalid="ignore"):
        variances = squares / (sizes - 1)
    for q in np.flatnonzero(~(variances > 0)):
        # A cluster of equal values has no variance: it gets one from the distance to its neighbors.
        start, stop = bounds[q], bounds[q + 1]
        gap = min(
            x[start] - x[start - 1] if start else np.inf,
            x[stop] - x[stop - 1] if stop < n else np.inf,
        )
        variances[q] = gap * gap / (1 if sizes[q] == 1 else 36)
    variances = np.maximum(variances, 1e-305)  # so that reciprocals are finite
    constants = np.log(sizes / n) - 0.5 * np.log(2 * np.pi * variances)
    log_likelihood = problem.mixture_log_likelihood(constants, means, rests, variances)
    return -2 * log_likelihood + (3 * len(sizes) - 1) * np.log(n)
