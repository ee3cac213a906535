"""Fits for a range of k, each started from those of its neighbors as well."""

from time import perf_counter

import numpy as np

from .. import metrics
from .._estimators.kmeans import ALGORITHMS, open_data
from .._estimators.restarts import Solver, starts
from .._inits.kmeans_plusplus import local_trials
from .._inits.rows import draw

FRESH = (
    1  # draws per k with n_init="auto": the starts from the neighbors do better than more of them
)
_GROWN = 2  # starts for each k that add a center to the best of the k before
_BLOCK_VALUES = 1 << 20


class Rows:
    """Checked rows, with the native data that all fits to them share."""

    def __init__(self, array, names, weights, n_threads):
        self.array, self.names, self.weights = array, names, weights
        self.data = open_data(array, names, weights, n_threads, packed=True, compared=True)
        self.total_weight = self.data.total_weight()

    def nearest_two(self, centers, labels):
        """The squared distances of each row to its own center and to the nearest other one."""
        n, k = len(self.array), len(centers)
        own, other = metrics.own_sq_distances(self.array, centers, labels), np.empty(n)
        step = max(1, _BLOCK_VALUES // k)
        for start in range(0, n, step):
            block = open_data(self.array[start : start + step], self.names, None, 1).distances(
                centers
            )
            block[np.arange(len(block)), labels[start : start + step]] = np.inf
            other[start : start + step] = np.square(block.min(axis=1), dtype=np.float64)
        return own, other

    def solver(self, max_iter, tol):
        """A solver of fits to these rows."""
        return Solver(self.data, self.names, max_iter, tol, ALGORITHMS["auto"])

    def weighted(self, values):
        return values if self.weights is None else values * self.weights

    def grow(self, centers, sq_nearest, k, random_state):
        """Add centers until there are k, by greedy k-means++ that starts from the given ones.

        (The native k-means++ starts without any.)

        sq_nearest : ndarray of shape (n,)
            Squared distance of each row to the nearest of the centers.
        """
        centers, trials = centers.astype(np.float64), local_trials(k)
        while len(centers) < k:
            uniforms = random_state.random_sample(trials)
            candidates = self.data.take(draw(self.weighted(sq_nearest), uniforms))
            distances = self.data.distances(candidates).T.astype(np.float64)
            left = [np.minimum(sq_nearest, row * row) for row in distances]
            t = min(range(trials), key=lambda t: metrics.exact_sum(self.weighted(left[t])))
            sq_nearest = left[t]
            centers = np.vstack([centers, candidates[t]])
        return centers

    def shrink(self, centers, labels, k):
        """Remove centers until there are k: those whose removal increases the inertia least."""
        centers = centers.astype(np.float64)
        own, other = self.nearest_two(centers, labels)
        loss = np.bincount(labels, self.weighted(other - own), minlength=len(centers))
        return np.delete(centers, np.argsort(loss, kind="stable")[: len(centers) - k], axis=0)


def fit_path(rows, solvers, ks, seeds, n_init, *, grown=_GROWN, back=True, step=lambda what: None):
    """Let the solver of each k find its best run.

    In increasing order, each k starts from its own draws and from the best centers of the k before
    with a center added; then, in decreasing order, from those of the k after with the least useful
    center removed. Both need few iterations, as they start near a solution.

    step : callable
        Called before each k, upwards, with what is to come.
    """
    # All are drawn before the first run, since runs may sort the rows.
    fresh = [
        list(solver.draw(starts("auto", n_init, k, seed, rows.array, rows.data)))
        for solver, k, seed in zip(solvers, ks, seeds)
    ]
    before = None
    for solver, k, seed, drawn in zip(solvers, ks, seeds, fresh):
        step(f"k = {k}")
        for start in drawn:
            solver.run(*start)
        if before is not None:
            random_state = np.random.RandomState(seed)
            sq_nearest = metrics.own_sq_distances(
                rows.array, before.centers.astype(np.float64), before.labels
            )
            for _ in range(grown):
                began = perf_counter()
                centers = rows.grow(before.centers, sq_nearest, k, random_state)
                solver.run(None, centers.astype(before.centers.dtype).astype(np.float64), began)
        before = solver.best
    if back:
        for solver, after in zip(solvers[-2::-1], solvers[:0:-1]):
            began = perf_counter()
            solver.run(
                None,
                rows.shrink(after.best.centers, after.best.labels, len(solver.best.centers)),
                began,
            )
