"""k-means of rows with gaps (NaN) as the package promises it, for `oracle.lloyd`.

* The squared distance is a sum over the features that are not missing, in order. In the objective
  it is weighted by the row's weight times d / (features that are not missing).
* A center is the mean of the values that are not missing, by these weights; a feature that is
  missing in all rows of the cluster keeps its value.
"""

import numpy as np
import oracle
from oracle import given, total_shift  # noqa: F401


def row_weights(X, weights=None):
    there = (~np.isnan(X)).sum(axis=1)
    weights = np.ones(len(X)) if weights is None else np.asarray(weights, np.float64)
    return weights * (X.shape[1] / there)


def sq_distances(X, centers):
    X, centers = np.asarray(X, np.float64), np.asarray(centers, np.float64)
    total = np.zeros((len(X), len(centers)))
    for f in range(X.shape[1]):
        difference = X[:, f, None] - centers[None, :, f]
        square = difference * difference
        total = np.where(np.isnan(square), total, total + square)
    return total


def assign(X, centers):
    table = sq_distances(X, centers)
    labels = np.argmin(table, axis=1)
    # With the row's factor, for `inertia` and the choice of far rows.
    return labels.astype(np.int32), Own(X, table[np.arange(len(table)), labels])


class Own(np.ndarray):
    """Squared distances times d / (features that are not missing); the plain ones are kept, too."""

    def __new__(cls, X, plain):
        out = (plain * (X.shape[1] / (~np.isnan(X)).sum(axis=1))).view(cls)
        out.plain, out.rows = plain, X
        return out


def inertia(own, weights=None):
    return oracle.exact_sum(row_weights(own.rows, weights) * own.plain)


def column_means(X, weights):
    """Means of the columns, which replace missing values in rows that become centers; of columns
    that only rows without weight have, the middles of their ranges.
    """
    dtype = oracle.compute_dtype(X)
    columns = np.asarray(X, np.float64).T
    means = np.array([mean(column, weights) for column in columns]).astype(dtype).astype(np.float64)
    middles = [0.5 * (np.nanmin(column) + np.nanmax(column)) for column in columns]
    return np.where(np.isnan(means), middles, means)


def mean(column, weights):
    """The weighted mean of the values of a column that are not missing; NaN if there are none."""
    there = ~np.isnan(column) & (weights > 0)
    if not there.any():
        return np.nan
    w = weights[there]
    return oracle.exact_sum(w * column[there]) / oracle.exact_sum(w)


def update(X, own, labels, centers, weights=None):
    dtype = oracle.compute_dtype(X)
    shares = row_weights(X, weights)
    filled = np.where(np.isnan(X), column_means(X, shares), np.asarray(X, np.float64))
    code = oracle.codes(np.asarray(X, np.float64))
    moved = oracle.moves(filled, np.asarray(own), labels, shares, len(centers), code)
    here = shares > 0
    here[[row for _, row in moved]] = False
    new = np.array(centers, np.float64)
    for j in range(len(centers)):
        members = here & (labels == j)
        if members.any():
            found = [mean(column, shares[members]) for column in np.asarray(X, float)[members].T]
            new[j] = np.where(np.isnan(found), new[j], found)
    for cluster, row in moved:
        new[cluster] = filled[row]
    return new.astype(dtype).astype(np.float64)


def mean_variance(X, weights=None):
    shares = row_weights(X, weights)
    total = 0.0
    for column, middle in zip(np.asarray(X, np.float64).T, column_means(X, shares)):
        # (Rows without weight do not count; a column may have no others.)
        there = ~np.isnan(column) & (shares > 0)
        total += oracle.exact_sum(shares[there] * (column[there] - middle) ** 2)
    return total / X.shape[1] / (len(X) if weights is None else oracle.exact_sum(weights))
