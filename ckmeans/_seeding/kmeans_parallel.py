import numpy as np

from .._native import engine as native
from .rows import ExactTotal, cut, farthest, sq_nearest, uniforms_at, value, weights_of, with_farthest

#: Rounds, and rows drawn in each for every cluster.
ROUNDS, OVERSAMPLING = 5, 2


def kmeans_parallel(data, k, random_state):
    """k-means||: in a few rounds many rows are drawn at once, far ones likely; k-means++ on those, weighted (Bahmani et al., VLDB 2012).

    For large k, where k-means++ with its k passes over the rows is slow.
    """
    n = data.shape[0]
    weights = weights_of(data)
    heaviest = 1.0 if data.weights is None else float(weights.max())
    chosen = data.draw(random_state.random_sample(1))
    keys = round_keys(random_state)
    nearest = sq_nearest(data, data.take(chosen))
    bound = farthest(data.low, data.high, heaviest)
    for key in keys:
        potential = weights * nearest
        total = ExactTotal(potential, bound, n)
        if total.finer is not None:
            bound = total.finer
            total = ExactTotal(potential, bound, n)
        drawn = np.flatnonzero(likely(potential, total.value, k, key, np.arange(n)))
        if len(drawn):
            chosen = np.concatenate([chosen, drawn])
            nearest = np.minimum(nearest, sq_nearest(data, data.take(drawn)))
    candidates = np.unique(data.take(chosen) + 0.0, axis=0)
    if len(candidates) <= k:
        return with_farthest(candidates, data, k)
    labels = data.assign(candidates)
    if data.weights is None:
        mass = np.bincount(labels, minlength=len(candidates)).astype(np.float64)
    else:
        parts = cut(weights, native.split_of(heaviest, n, 6))
        mass = value(np.array([np.bincount(labels, part, len(candidates)) for part in parts]))
    return best_of(candidates, mass, k, random_state)


def round_keys(random_state):
    """What the draws of each round are keyed by."""
    return (random_state.random_sample(ROUNDS) * 2.0**63).astype(np.uint64)


def likely(potential, total, k, key, positions):
    """Which rows a round draws."""
    return uniforms_at(key, positions) * total < OVERSAMPLING * k * potential


def best_of(candidates, mass, k, random_state):
    """k of the candidates, by k-means++."""
    few = native.Data(candidates, mass, 1, False)
    trials = 2 + int(np.log(k))
    return candidates[few.kmeans_plusplus(k, trials, random_state.random_sample(1 + (k - 1) * trials))]
