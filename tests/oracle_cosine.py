"""Spherical k-means as the package promises it: plain NumPy on unit rows, everything else as in
`oracle`.
"""

import sys

import numpy as np
import oracle


def sq_norms(X):
    """Sum of squares of every row: eight interleaved sums, features in order, put together in
    halves.
    """
    X = np.asarray(X, np.float64)
    sums = np.zeros((len(X), 8))
    with np.errstate(all="ignore"):
        for first in range(0, X.shape[1], 8):
            part = X[:, first : first + 8]
            square = part * part
            sums[:, : part.shape[1]] = sums[:, : part.shape[1]] + square
        for half in (4, 2, 1):
            sums = sums[:, :half] + sums[:, half:]
    return sums[:, 0]


def factors(X):
    """The factor that scales each row to unit length; 0 for rows without a direction."""
    X = np.asarray(X, np.float64)
    largest = np.abs(X).max(axis=1)
    lost = largest <= 1e-300
    scale = np.ldexp(1.0, -np.frexp(np.where(lost, 1.0, largest))[1])
    norms = np.sqrt(sq_norms(np.where(lost[:, None], 1.0, X * scale[:, None])))
    return np.where(lost, 0.0, scale * (1.0 / norms))


def unit(X):
    return np.asarray(X, np.float64) * factors(X)[:, None]


def given(centers, dtype):
    """Initial centers: those that are of unit length, up to rounding, stay as they are."""
    centers = np.asarray(centers, np.float64)
    off = np.abs(unit(centers) - centers).max(axis=1)
    turned = np.where(
        (off <= (1e-7 if dtype == np.float32 else 1e-14))[:, None], centers, unit(centers)
    )
    return turned.astype(dtype).astype(np.float64)


def assign(X, centers):
    """Labels and squared distances of unit rows to unit centers; rows without a direction are
    orthogonal to all.
    """
    labels, sq_own = oracle.assign(unit(X), unit(centers))
    lost = factors(X) == 0
    return np.where(lost, 0, labels).astype(np.int32), np.where(lost, 2.0, sq_own)


def distances(X, centers):
    table = oracle.shown_sq_distances(unit(X), unit(centers)) / 2
    table[factors(X) == 0] = 1
    return table.astype(oracle.compute_dtype(X))


def inertia(sq_own, weights=None):
    return oracle.inertia(sq_own, weights) / 2


def update(X, sq_own, labels, centers, weights=None):
    """Mean directions, rounded to the dtype of the data. Where rows cancel out the center stays."""
    weights = directed(X, weights)
    means = oracle.update(unit(X), sq_own, labels, centers, weights)
    has_rows = np.bincount(labels[weights > 0], minlength=len(centers)) > 0
    has_rows[
        [cluster for cluster, _ in oracle.moves(unit(X), sq_own, labels, weights, len(centers))]
    ] = True
    has_rows &= factors(means) != 0
    turned = unit(means).astype(oracle.compute_dtype(X)).astype(np.float64)
    return np.where(has_rows[:, None], turned, centers)


def directed(X, weights):
    """Weights of the rows, 0 for rows without a direction: they do not change centers."""
    weights = np.ones(len(X)) if weights is None else np.asarray(weights, np.float64)
    return np.where(factors(X) == 0, 0.0, weights)


def total_shift(new, old):
    return oracle.total_shift(unit(new), unit(old))


def mean_variance(X, weights=None):
    return oracle.mean_variance(unit(X), directed(X, weights))


def lloyd(*args, **options):
    """A whole run from given centers."""
    return oracle.lloyd(*args, **options, metric=sys.modules[__name__])
