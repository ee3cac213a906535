import numpy as np

from .rows import filled, sq_nearest, weights_of

#: Rounds, and rows drawn in each for every cluster.
ROUNDS, OVERSAMPLING = 5, 2


def kmeans_parallel(data, k, random_state):
    """k-means||: in a few rounds many rows are drawn at once, far ones likely; k-means++ on those, weighted (Bahmani et al., VLDB 2012).

    For large k, where k-means++ with its k passes over the rows is slow.
    """
    n = data.shape[0]
    weights = weights_of(data)
    chosen = data.draw(random_state.random_sample(1))
    nearest = sq_nearest(data, data.take(chosen))
    for _ in range(ROUNDS):
        potential = weights * nearest
        total = np.add.reduce(potential)
        if not total > 0:
            break
        drawn = np.flatnonzero(random_state.random_sample(n) * total < OVERSAMPLING * k * potential)
        if len(drawn):
            chosen = np.concatenate([chosen, drawn])
            nearest = np.minimum(nearest, sq_nearest(data, data.take(drawn)))
    candidates = np.unique(data.take(chosen) + 0.0, axis=0)
    if len(candidates) <= k:
        return filled(candidates, data, k, random_state)
    mass = np.bincount(data.assign(candidates), weights=data.weights, minlength=len(candidates)).astype(np.float64)
    few = type(data)(candidates, mass, 1, False)
    trials = 2 + int(np.log(k))
    return candidates[few.kmeans_plusplus(k, trials, random_state.random_sample(1 + (k - 1) * trials))]
