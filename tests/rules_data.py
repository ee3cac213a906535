"""Helpers of tests of rules: data, and the least cost of an assignment by another program."""

import numpy as np


def blobs(n=400, d=3, k=4, seed=0, kind="normal"):
    """Rows around k centers, in clusters of very different sizes; "grid": many ties."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(k, d)) * 5
    X = middles[np.minimum(rng.geometric(0.5, size=n) - 1, k - 1)] + rng.normal(size=(n, d))
    return np.rint(X) if kind == "grid" else X


def least_cost(X, centers, least, most):
    """The least total squared distance where cluster j has least[j] to most[j] rows (SciPy)."""
    from scipy.optimize import linear_sum_assignment

    sq = ((X[:, None] - centers) ** 2).sum(axis=2)
    seats = np.concatenate([np.full(high, j) for j, high in enumerate(most)])
    must = np.concatenate([np.arange(high) < low for low, high in zip(least, most)])
    spare = len(seats) - len(X)
    # Dummy rows take the remaining places, but not those that must be filled.
    nobody = np.where(must, sq.sum() * 4 + 1, 0.0)
    cost = np.vstack([sq[:, seats], np.tile(nobody, (spare, 1))])
    rows, columns = linear_sum_assignment(cost)
    return cost[rows, columns].sum()


def long_run(kind, seed, d=3):
    """Rows and initial centers of a run of many iterations."""
    own = np.random.default_rng(seed)
    X = own.normal(size=(1500, d)) * 3
    if kind == "grid":  # many ties
        X = np.rint(X)
    if kind == "far":
        X[:3] *= 1e6
    init = X[own.choice(len(X), 12, replace=False)]
    if kind == "equal centers":
        init[5:8] = init[4]
    return X, init
