"""k-means||: many rows are drawn at once, in a few rounds."""

import numpy as np

from .._native import engine as native
from .._native.engine import Data
from .exact_sums import cut
from .kmeans_plusplus import kmeans_plusplus_indices
from .rows import sq_nearest, weights_of

#: Rounds, and rows drawn in each for every cluster.
ROUNDS, OVERSAMPLING = 5, 2


def kmeans_parallel(data: Data, k: int, random_state: np.random.RandomState) -> np.ndarray:
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


def round_keys(random_state: np.random.RandomState) -> np.ndarray:
    """What the draws of each round are keyed by."""
    return (random_state.random_sample(ROUNDS) * 2.0**63).astype(np.uint64)


def likely(
    potential: np.ndarray, total: float, k: int, key: np.uint64, positions: np.ndarray
) -> np.ndarray:
    """Which rows a round draws."""
    return uniforms_at(key, positions) * total < OVERSAMPLING * k * potential


def best_of(
    candidates: np.ndarray, mass: np.ndarray, k: int, random_state: np.random.RandomState
) -> np.ndarray:
    """k of the candidates, by k-means++ with these weights."""
    return candidates[kmeans_plusplus_indices(Data(candidates, mass, 1, False), k, random_state)]


def with_farthest(centers: np.ndarray, data: Data, k: int) -> np.ndarray:
    """k centers: where these are fewer, the distinct rows farthest from them take what is left (of
    equally far ones the first).
    """
    far = sq_nearest(data, centers) * (weights_of(data) > 0)
    order = np.argsort(-far, kind="stable")
    rows = data.take(order[: np.count_nonzero(far)])
    _, firsts = np.unique(rows + 0.0, axis=0, return_index=True)
    return (
        np.resize(np.concatenate([centers, rows[np.sort(firsts)]]), (k, data.shape[1]))
        if len(centers) < k
        else centers
    )


def uniforms_at(key: np.uint64, positions: np.ndarray) -> np.ndarray:
    """A number in [0, 1) for each position of a row: a hash, so that each row knows its own without
    those before it.
    """
    code = (positions.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(
        key
    )
    for shift, factor in (
        (30, 0xBF58476D1CE4E5B9),
        (27, 0x94D049BB133111EB),
    ):  # Steele, Lea & Flood, OOPSLA 2014
        code = (code ^ (code >> np.uint64(shift))) * np.uint64(factor)
    return ((code ^ (code >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53
