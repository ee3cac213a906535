"""k-medians as the package promises it, for `oracle.lloyd`: the differences from squared distances.

* The distance is a float64 sum of absolute differences over the features, in order.
* A center is the lower median of its rows, feature by feature: the smallest value at or below which
  half of the cluster's weight lies, or more; weights are added exactly.
"""

from fractions import Fraction

import numpy as np
import oracle
from oracle import given, inertia, mean_variance, total_shift  # noqa: F401


def distances(X, centers):
    """Manhattan distance of every row to every center, (n, k) float64."""
    X, centers = np.asarray(X, np.float64), np.asarray(centers, np.float64)
    total = np.zeros((len(X), len(centers)))
    for f in range(X.shape[1]):
        total = total + np.abs(X[:, f, None] - centers[None, :, f])
    return total


def assign(X, centers):
    """Label of every row and its distance to that center."""
    table = distances(X, centers)
    labels = np.argmin(table, axis=1)
    return labels.astype(np.int32), table[np.arange(len(table)), labels]


def lower_median(values, weights):
    """The smallest value at or below which half of the weight lies."""
    order = np.argsort(values, kind="stable")
    exact = [Fraction(weight) for weight in weights[order].tolist()]
    so_far, total = Fraction(0), sum(exact)
    for value, weight in zip(values[order].tolist(), exact):
        so_far += weight
        if 2 * so_far >= total:
            return value
    raise AssertionError("no weight")


def update(X, own, labels, centers, weights=None):
    """New centers. Clusters that stay empty keep their center."""
    X = np.asarray(X, np.float64)
    weights = np.ones(len(X)) if weights is None else np.asarray(weights, np.float64)
    moved = oracle.moves(X, own, labels, weights, len(centers))
    here = weights > 0
    here[[row for _, row in moved]] = False
    new = np.array(centers, np.float64)
    for j in range(len(centers)):
        members = here & (labels == j)
        if members.any():
            new[j] = [lower_median(column, weights[members]) for column in X[members].T]
    for cluster, row in moved:
        new[cluster] = X[row]
    return new


def kmeans_plusplus(X, k, uniforms, weights=None):
    """`oracle.kmeans_plusplus` with these distances."""
    plain, oracle.sq_distances = oracle.sq_distances, distances
    try:
        return oracle.kmeans_plusplus(X, k, uniforms, weights)
    finally:
        oracle.sq_distances = plain
