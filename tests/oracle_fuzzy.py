"""Fuzzy c-means in plain NumPy: all memberships at once."""

import numpy as np
import oracle


def memberships(X, centers, fuzziness):
    """(n, k) shares."""
    squares = oracle.sq_distances(X, centers)
    out = np.zeros_like(squares)
    for i, row in enumerate(squares):
        if (row == 0).any():
            out[i] = (row == 0) / (row == 0).sum()
        else:
            parts = (row.min() / row) ** (1 / (fuzziness - 1))
            out[i] = parts / parts.sum()
    return out


def objective(X, centers, fuzziness, weights=None):
    weights = np.ones(len(X)) if weights is None else weights
    shares = memberships(X, centers, fuzziness)
    return (weights[:, None] * shares**fuzziness * oracle.sq_distances(X, centers)).sum()


def fit(X, centers, fuzziness, weights=None, *, max_iter=300, tol=1e-8):
    """Centers after so many iterations, and their number."""
    X, centers = np.asarray(X, np.float64), np.asarray(centers, np.float64)
    weights = np.ones(len(X)) if weights is None else weights
    limit = tol * oracle.mean_variance(X, weights)
    n_iter = 0
    while n_iter < max_iter:
        n_iter += 1
        powers = weights[:, None] * memberships(X, centers, fuzziness) ** fuzziness
        fresh = powers.T @ X / powers.sum(axis=0)[:, None]
        shift = ((fresh - centers) ** 2).sum()
        centers = fresh
        if shift <= limit:
            break
    return centers, n_iter
