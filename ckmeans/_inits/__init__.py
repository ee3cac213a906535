"""Initial centers.

An init is a function of (data, k, random_state) that returns float64 centers of shape (k, d);
`data` is the engine's, with the rows and their weights. Adding one is a function and a line in
`INITS`.
"""

import numpy as np

from .._input import checks as check
from .._native import Sorted
from .._native.engine import Data
from .kmeans_parallel import kmeans_parallel
from .plus_plus import local_trials, uniforms_of
from .variance_partition import variance_partition


def kmeans_plusplus(data, k, random_state, n_local_trials=None):
    """Greedy k-means++ (Arthur & Vassilvitskii, SODA 2007): far rows are likely, and the best of a
    few draws is taken.
    """
    return data.take(kmeans_plusplus_indices(data, k, random_state, n_local_trials))


def kmeans_plusplus_indices(data, k, random_state, n_local_trials=None):
    trials = n_local_trials or local_trials(k)
    return data.kmeans_plusplus(k, trials, uniforms_of(k, trials, random_state))


def random(data, k, random_state):
    """Distinct rows, drawn one after the other by weight (Forgy 1965)."""
    return data.take(random_rows(data, k, random_state))


def random_rows(data, k, random_state):
    chosen = Distinct(data, k)
    for _ in range(8):  # the quick way: draw until k are distinct
        chosen.add(data.draw(random_state.random_sample(k + 8)))
        if chosen.full:
            return np.array(chosen.rows)
    # Most rows are taken, or equal: rank all that remain by exponential keys, which draws without
    # replacement.
    keys = random_state.standard_exponential(data.shape[0])
    if data.weights is not None:
        with np.errstate(divide="ignore"):
            keys /= data.weights
    order = np.argsort(keys, kind="stable")
    return chosen.fill(order[np.isfinite(keys[order])])


def random_partition(data, k, random_state):
    """Means of a random partition of the rows into k parts of equal size (rows of no weight
    aside).
    """
    n = data.shape[0]
    rows = np.arange(n) if data.weights is None else np.flatnonzero(data.weights)
    labels = np.zeros(n, dtype=np.int32)
    labels[random_state.permutation(rows)] = np.arange(len(rows)) % k
    return data.means(labels, k)


def first(data, k, random_state):
    """The first k distinct rows (MacQueen 1967)."""
    n = data.shape[0]
    rows = np.arange(n) if data.weights is None else np.flatnonzero(data.weights)
    return data.take(Distinct(data, k).fill(rows))


def optimal(data, k, random_state):
    """The global optimum itself, which in one dimension can be found (Wang & Song, The R Journal 3,
    2011).
    """
    n, d = data.shape
    if d != 1:
        raise ValueError(f"init='optimal' is for data of one column, got {d}: take 'k-means++'.")
    values, weights = data.take(np.arange(n)).ravel(), data.weights
    if weights is None:
        values.sort()
    else:
        order = np.argsort(values, kind="stable")
        order = order[weights[order] > 0]
        values, weights = values[order], weights[order]
    problem = Sorted(values, weights, data.n_threads)
    centers, *_ = problem.statistics(problem.split(min(k, problem.n_distinct)))
    return np.resize(centers, k).reshape(
        k, 1
    )  # with fewer distinct values than k, some are repeated


class Distinct:
    """Collects k rows no two of which are equal."""

    def __init__(self, data, k):
        self.data, self.k = data, k
        self.rows, self.seen = [], set()

    @property
    def full(self):
        return len(self.rows) == self.k

    def add(self, indices):
        for row, key in zip(indices, self.data.keys(indices)):
            if key not in self.seen:
                self.seen.add(key)
                self.rows.append(row)
                if self.full:
                    break

    def fill(self, indices):
        """Add from these, block by block; where there are too few distinct rows, some are
        repeated.
        """
        block = 4 * self.k + 64
        for start in range(0, len(indices), block):
            self.add(indices[start : start + block])
            if self.full:
                break
        return np.resize(self.rows, self.k)


def mean_center(data):
    """The one center of all rows, (1, d)."""
    return with_direction(data.means(np.zeros(data.shape[0], dtype=np.int32), 1), data)


def initial_centers(init, data, k, random_state, **options):
    """Centers of a named init, at unit length where rows are."""
    return with_direction(INITS[init](data, k, random_state, **options), data)


def with_direction(centers, data):
    """Centers that were made from the rows, at unit length where those are."""
    if not data.unit:
        return centers
    lost = ~centers.any(axis=1)  # means of rows that cancel out
    if lost.any():
        centers[lost] = data.take([0 if data.weights is None else np.flatnonzero(data.weights)[0]])
    return directions(centers, data.array.dtype)


def given_centers(init, k, data, name="init"):
    """Centers that a user gives, checked; at unit length where rows are."""
    d, dtype = data.shape[1], data.array.dtype
    if not data.unit:
        return check.as_centers(init, k, d, dtype, name)
    return directions(check.as_centers(init, k, d, np.float64, name, check.MAX_UNIT), dtype, name)


def directions(centers, dtype, name="init"):
    """Centers at unit length, rounded to the data's dtype. Those that have it already, up to
    rounding, stay as they are.
    """
    rows = Data(np.ascontiguousarray(centers, dtype=np.float64), None, 1, False, unit=True)
    if rows.weights is not None:
        raise ValueError(
            f"Row {int(np.argmin(rows.weights))} of {name} is zero, but "
            "metric='cosine' needs centers with a direction."
        )
    narrow = dtype == np.float32
    turned = rows.take(np.arange(len(centers)))
    ready = np.abs(turned - centers).max(axis=1) <= (1e-7 if narrow else 1e-14)
    turned[ready] = centers[ready]
    return turned.astype(np.float32).astype(np.float64) if narrow else turned


#: name -> init
INITS = {
    "k-means++": kmeans_plusplus,
    "random": random,
    "random-partition": random_partition,
    "first": first,
    "optimal": optimal,
    "k-means||": kmeans_parallel,
    "variance-partition": variance_partition,
}

#: Inits that give the same centers whatever the seed: one run is enough.
DETERMINISTIC = frozenset({"first", "optimal", "variance-partition"})


def automatic(d, names=tuple(INITS)):
    """The init that is taken when none is given: the optimum where it can be found."""
    return "optimal" if d == 1 and "optimal" in names else "k-means++"
