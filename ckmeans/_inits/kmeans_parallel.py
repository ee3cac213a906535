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
    """k-means|| (Bahmani et al., VLDB 2012): a few rounds draw many rows each, in proportion to
    their squared distance from those drawn before; k-means++ selects k of them, weighted.

    For large k, where the k passes of k-means++ over the rows are slow.
    """
    n = data.shape[0]
    weights = weights_of(data)
    found = Nearest(data)
    found.add(data.draw(random_state.random_sample(1)))
    for key in round_keys(random_state):
        potential = weights * found.sq_distances
        drawn = np.flatnonzero(likely(potential, native.exact_sum(potential), k, key, np.arange(n)))
        if len(drawn):
            found.add(drawn)
    candidates, labels = found.candidates()
    if len(candidates) <= k:
        return with_farthest(candidates, data, k)
    if data.weights is None:
        mass = np.bincount(labels, minlength=len(candidates)).astype(np.float64)
    else:
        parts = cut(weights, float(weights.max()), n)
        mass = native.sum_values(
            np.array([np.bincount(labels, part, len(candidates)) for part in parts])
        )
    return best_of(candidates, mass, k, random_state)


class Nearest:
    """The nearest one of some rows to each row, as more and more of them are added."""

    def __init__(self, data: Data) -> None:
        n = data.shape[0]
        self.data = data
        self.rows = np.empty((0, data.shape[1]))
        self.sq_distances = np.full(n, np.inf)
        self.labels = np.zeros(n, dtype=np.int32)
        self.ties = False  #: whether a row is as near to one of these as to one of those before

    def add(self, drawn: np.ndarray) -> None:
        """Add the rows at these positions."""
        rows = np.unique(self.data.take(drawn) + 0.0, axis=0)  # their order decides ties
        labels = self.data.assign(rows)
        sq_distances = self.data.squares(rows, labels)
        closer = sq_distances < self.sq_distances
        self.ties = self.ties or bool((sq_distances == self.sq_distances).any())
        self.labels[closer] = labels[closer] + len(self.rows)
        self.sq_distances[closer] = sq_distances[closer]
        self.rows = np.concatenate([self.rows, rows])

    def candidates(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows in their order, without repetitions, and which of them is the nearest one of
        each row.
        """
        rows, places = np.unique(self.rows, axis=0, return_inverse=True)
        if self.ties:
            return rows, self.data.assign(rows)
        return rows, places.reshape(-1)[self.labels].astype(np.int32)


def round_keys(random_state: np.random.RandomState) -> np.ndarray:
    """Keys of the hash that draws the rows of each round, (ROUNDS,) uint64."""
    return (random_state.random_sample(ROUNDS) * 2.0**63).astype(np.uint64)


def likely(
    potential: np.ndarray, total: float, k: int, key: np.uint64, positions: np.ndarray
) -> np.ndarray:
    """Mask of the rows that a round draws."""
    return uniforms_at(key, positions) * total < OVERSAMPLING * k * potential


def best_of(
    candidates: np.ndarray, mass: np.ndarray, k: int, random_state: np.random.RandomState
) -> np.ndarray:
    """k of the candidates, by k-means++ with these weights."""
    return candidates[kmeans_plusplus_indices(Data(candidates, mass, 1, True), k, random_state)]


def with_farthest(centers: np.ndarray, data: Data, k: int) -> np.ndarray:
    """k centers: if there are fewer, the farthest distinct rows are added (of ties the first)."""
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
    """A pseudorandom number in [0, 1) for each position: a hash of key and position, so that a
    block of rows does not depend on the rows before it.
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
