import numpy as np

from .._native import engine as native
from .exact_rows import cut, sq_nearest, uniforms_at, weights_of, with_farthest
from .plus_plus import local_trials, uniforms_of

#: Rounds, and rows drawn in each for every cluster.
ROUNDS, OVERSAMPLING = 5, 2


def kmeans_parallel(data, k, random_state):
    """k-means||: in a few rounds many rows are drawn at once, far ones likely; k-means++ on those,
    weighted (Bahmani et al., VLDB 2012).

    For large k, where k-means++ with its k passes over the rows is slow.
    """
    n = data.shape[0]
    weights = weights_of(data)
    chosen = data.draw(random_state.random_sample(1))
    keys = round_keys(random_state)
    nearest = sq_nearest(data, data.take(chosen))
    for key in keys:
        potential = weights * nearest
        drawn = np.flatnonzero(likely(potential, native.exact_sum(potential), k, key, np.arange(n)))
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
        parts = cut(weights, float(weights.max()), n)
        mass = native.sum_values(
            np.array([np.bincount(labels, part, len(candidates)) for part in parts])
        )
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
    trials = local_trials(k)
    return candidates[few.kmeans_plusplus(k, trials, uniforms_of(k, trials, random_state))]
