"""k-means as the package promises it, written for readers.

Everything here is plain NumPy, ``math.fsum`` and loops. Nothing is fast and nothing is clever: this
is what the compiled code has to reproduce to the last bit. The promise in short:

* The squared distance of a row and a center is a float64 sum over the features in order, one
  rounding per operation.
* A row belongs to the lowest index among its nearest centers.
* Every sum over rows is the exact sum, rounded once. The order of the rows therefore cannot matter.
"""

import itertools
import math
import sys
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np


def compute_dtype(X):
    """float32 data stays float32; everything else is float64."""
    return np.dtype(np.float32 if np.asarray(X).dtype == np.float32 else np.float64)


def exact_sum(terms):
    """The exact sum of float64 terms, rounded once."""
    return math.fsum(np.asarray(terms, np.float64).tolist())


def sq_distances(X, centers):
    """Squared distance of every row to every center, (n, k) float64."""
    X = np.asarray(X, np.float64)
    centers = np.asarray(centers, np.float64)
    total = np.zeros((len(X), len(centers)))
    with np.errstate(under="ignore"):
        for f in range(X.shape[1]):
            difference = X[:, f, None] - centers[None, :, f]
            # Two statements, so that the product is rounded before it is added.
            square = difference * difference
            total = total + square
    return total


def is_thin(X):
    """Rows of at least 64 features of which at most one in eight is not zero."""
    return (np.count_nonzero(X, axis=1) * 8 <= X.shape[1]) & (X.shape[1] >= 64)


def true_sq_distance(x, center):
    """The exact squared distance, rounded once; if nearly all of it cancels, or underflows, the sum
    as for other rows.
    """
    true = sum((Fraction(a) - Fraction(b)) ** 2 for a, b in zip(x.tolist(), center.tolist()))
    squares = sum(Fraction(a) ** 2 + Fraction(b) ** 2 for a, b in zip(x.tolist(), center.tolist()))
    if true > squares / 2**20 + Fraction(1, 2**900):
        return float(true)
    return sq_distances(x[None], center[None])[0, 0]


def shown_sq_distances(X, centers):
    """The squared distances of whose roots `transform` consists."""
    X = np.asarray(X, np.float64)
    table = sq_distances(X, centers)
    for i in np.flatnonzero(is_thin(X)):
        table[i] = [true_sq_distance(X[i], center) for center in np.asarray(centers, np.float64)]
    return table


def distances(X, centers):
    """The result of ``transform``: distances in the dtype the data is computed in."""
    table = (
        sq_distances(X, centers)
        if compute_dtype(X) == np.float32
        else shown_sq_distances(X, centers)
    )
    with np.errstate(over="ignore"):
        return np.sqrt(table).astype(compute_dtype(X))


def assign(X, centers):
    """Label of every row and its squared distance to that center."""
    table = sq_distances(X, centers)
    labels = np.argmin(table, axis=1)  # the first of several equal minima
    return labels.astype(np.int32), table[np.arange(len(table)), labels]


def inertia(sq_own, weights=None):
    """Exact sum of the rounded products weight * squared distance."""
    return exact_sum(sq_own if weights is None else weights * sq_own)


def moves(X, sq_own, labels, weights, k, code=None):
    """Which row each empty cluster takes: a list of (cluster, row).

    In index order, an empty cluster takes the row farthest from its own center (of several the
    first in the order of their hashes, of equal ones the lightest). The row must have weight, must
    differ from its center, must leave another row with weight in its cluster, and must not equal a
    row that another empty cluster has taken already.
    """
    X = np.asarray(X, np.float64)
    left = np.bincount(labels[weights > 0], minlength=k)
    code = codes(X) if code is None else code
    farthest_first = sorted(
        range(len(X)), key=lambda row: (-sq_own[row], code[row], weights[row], row)
    )
    taken = []
    for cluster in np.flatnonzero(left == 0):
        for row in farthest_first:
            if (
                sq_own[row] > 0
                and weights[row] > 0
                and left[labels[row]] >= 2
                and not any(np.array_equal(X[row], X[other]) for _, other in taken)
            ):
                left[labels[row]] -= 1
                taken.append((int(cluster), row))
                break
    return taken


def update(X, sq_own, labels, centers, weights=None):
    """New centers, rounded to the dtype of the data. Clusters that stay empty keep their center."""
    dtype = compute_dtype(X)
    X = np.asarray(X, np.float64)
    weights = np.ones(len(X)) if weights is None else np.asarray(weights, np.float64)
    moved = moves(X, sq_own, labels, weights, len(centers))
    here = weights > 0
    here[[row for _, row in moved]] = False
    new = np.array(centers, np.float64)
    for j in range(len(centers)):
        members = here & (labels == j)
        if members.any():
            w = weights[members]
            mass = exact_sum(w)
            new[j] = [exact_sum(w * column) / mass for column in X[members].T]
    for cluster, row in moved:
        new[cluster] = X[row]
    return new.astype(dtype).astype(np.float64)


def total_shift(new, old):
    """Sum over clusters, then features, of the squared movement; every addition rounded, in this
    order.
    """
    total = 0.0
    for a, b in zip(new.ravel().tolist(), old.ravel().tolist()):
        total += (a - b) * (a - b)
    return total


def mean_variance(X, weights=None):
    """Mean over the features of the weighted variance, to within a few ulps.

    This number is only compared with a shift, so its last bits do not matter.
    """
    X = np.asarray(X, np.float64)
    weights = np.ones(len(X)) if weights is None else np.asarray(weights, np.float64)
    mass = exact_sum(weights)
    total = 0.0
    for column in X.T:
        from_mean = column - exact_sum(weights * column) / mass
        # The rounded mean differs from the mean; the correction is subtracted.
        left = exact_sum(weights * from_mean) / mass
        total += exact_sum(weights * from_mean * from_mean) / mass - left * left
    return total / X.shape[1]


@dataclass
class Step:
    """One iteration: the assignment made in it, and the centers after it."""

    n_iter: int
    labels: np.ndarray
    inertia: float
    n_changed: int
    centers: np.ndarray
    shift: float


@dataclass
class Result:
    labels: np.ndarray
    centers: np.ndarray
    inertia: float
    n_iter: int
    stop_reason: str
    steps: list = field(repr=False)


def given(centers, dtype):
    """Initial centers as a run takes them."""
    return np.array(centers).astype(dtype).astype(np.float64)


def lloyd(X, centers, weights=None, *, max_iter=300, tol=1e-4, metric=sys.modules[__name__]):
    """A whole run from given centers. `metric` is a module with functions for what depends on it:
    this one, or `oracle_cosine`.
    """
    dtype = compute_dtype(X)
    centers = metric.given(centers, dtype)
    threshold = tol * metric.mean_variance(X, weights)
    previous = np.full(len(X), -1)
    steps = []
    for n_iter in range(1, max_iter + 1):
        labels, sq_own = metric.assign(X, centers)
        n_changed = int((labels != previous).sum())
        new = centers if n_changed == 0 else metric.update(X, sq_own, labels, centers, weights)
        shift = metric.total_shift(new, centers)
        steps.append(
            Step(
                n_iter, labels, metric.inertia(sq_own, weights), n_changed, new.astype(dtype), shift
            )
        )
        if n_changed == 0:
            stop_reason = "labels"
            break
        centers, previous = new, labels
        if shift <= threshold:
            stop_reason = "tol"
            break
    else:
        stop_reason = "max_iter"
    # The centers may have moved since the last assignment, and the results must be consistent.
    labels, sq_own = metric.assign(X, centers)
    return Result(
        labels, centers.astype(dtype), metric.inertia(sq_own, weights), n_iter, stop_reason, steps
    )


def running_sums(terms):
    """Sums of the first 1, 2, ... terms, each exact and rounded once."""
    exact = itertools.accumulate(Fraction(term) for term in np.asarray(terms, np.float64).tolist())
    return [float(total) for total in exact]


def draw(terms, uniform):
    """The first row at which the running sum of the terms exceeds its share, or else the last with
    a term.
    """
    running = running_sums(terms)
    for row, value in enumerate(running):
        if value > uniform * running[-1]:
            return row
    return int(np.flatnonzero(terms)[-1])


def content_order(X):
    """Rows in the order in which they are drawn: that of a hash of their values, equal ones by
    position.
    """
    return np.argsort(codes(X), kind="stable")


def codes(X):
    """Hashes of rows (n,): the upper half from the values rounded to float32, the lower half from
    all bits.
    """
    with np.errstate(over="ignore"):
        rounded = hashes(X.astype(np.float64).astype(np.float32).astype(np.float64))
    half = np.uint64(32)
    return (rounded >> half << half) | (hashes(X.astype(np.float64)) << half >> half)


def hashes(X):
    code = np.full(len(X), 0x2545F4914F6CDD1D, dtype=np.uint64)
    for f, column in enumerate(X.T):
        bits = column.copy().view(np.uint64)
        mixed = (bits ^ np.uint64((f + 1) * 0x9E3779B97F4A7C15 % 2**64)) * np.uint64(
            0xBF58476D1CE4E5B9
        )
        mixed = (mixed ^ mixed >> np.uint64(32)) * np.uint64(0x94D049BB133111EB)
        code += np.where(column != 0, mixed ^ mixed >> np.uint64(29), np.uint64(0))
    code = (code ^ code >> np.uint64(32)) * np.uint64(0xD6E8FEB86659FD93)
    return code ^ code >> np.uint64(32)


def kmeans_plusplus(X, k, uniforms, weights=None):
    """Rows that greedy k-means++ draws with these numbers in [0, 1): one for the first row, one a
    trial.

    The trial that leaves the least potential is taken, the first of equal ones. When all rows
    coincide with centers, rows that were not taken yet follow in the order of their hashes, and
    then the first row of positive weight.
    """
    n, order = len(X), content_order(X)
    trials = (len(uniforms) - 1) // (k - 1) if k > 1 else 0
    if weights is None:
        taken = [order[min(int(uniforms[0] * n), n - 1)]]
        weights = np.ones(n)
    else:
        taken = [order[draw(weights[order], uniforms[0])]]
    nearest = sq_distances(X, X[taken])[:, 0]
    for step in range(k - 1):
        terms = weights * nearest
        if exact_sum(terms) == 0:
            eligible = order[weights[order] > 0]
            taken.append(next((row for row in eligible if row not in taken), eligible[0]))
            continue
        drawn = [
            order[draw(terms[order], uniform)]
            for uniform in uniforms[1:][step * trials : (step + 1) * trials]
        ]
        left = [np.minimum(nearest, sq_distances(X, X[[row]])[:, 0]) for row in drawn]
        best = int(np.argmin([exact_sum(weights * potential) for potential in left]))
        taken.append(drawn[best])
        nearest = left[best]
    return np.array(taken)


def spread(terms, u, count):
    """`count` rows at equal distances along the running sum of the terms, from u of one on."""
    rows = np.flatnonzero(terms)
    running = np.cumsum(terms[rows])
    step = exact_sum(terms) / count
    wanted = (np.arange(count) + u) * step
    return rows[np.minimum(np.searchsorted(running, wanted, side="right"), len(rows) - 1)]


def sampled_kmeans_plusplus(X, k, uniforms, tried, weights=None):
    """Rows that sampled k-means++ draws with these numbers in [0, 1), and how many batches there
    were: one number for the first row, two a batch, `tried` for each center where 16 bits do not
    tell distances.
    """
    n, d = X.shape
    order = content_order(X)
    weights = np.ones(n) if weights is None else weights
    taken = [order[draw(weights[order], uniforms[0])]]
    nearest = sq_distances(X, X[taken])[:, 0]
    most = min(np.floor(np.sqrt((2**29 - 1) / d)), 32767)
    values = X.astype(np.float64).astype(np.float32).astype(np.float64)

    @np.errstate(all="ignore")
    def in_whole_numbers(covered):
        low, high = values[covered].min(0), values[covered].max(0)
        half = (0.5 * high - 0.5 * low).max()
        scale = most / half if 2.0**-100 < half < 2.0**100 else 0.0
        moved = np.clip((values - (0.5 * low + 0.5 * high)) * scale, -most, most)
        return (moved + 32768.5).astype(np.int64) - 32768, scale * scale

    def fine_enough(sq_distances):
        with np.errstate(divide="ignore"):
            return sum((1 / sq_distances).tolist()) * d <= 0.25 * count

    numbers, sq_scale = in_whole_numbers(np.arange(n))
    count = min(n, max(6 * k, 4096), 131071)
    pool_size = min(640, max(64, 2**24 // count // 64 * 64))
    drawn_at, fine, batches, at = np.inf, False, 0, 1
    while len(taken) < k:
        terms = (weights * nearest)[order]
        potential = exact_sum(terms)
        if potential == 0:
            eligible = order[weights[order] > 0]
            taken.append(next((row for row in eligible if row not in taken), eligible[0]))
            continue
        batch = min(64, pool_size // 10, 1 + len(taken) // 8, k - len(taken))
        size = (10 * batch + 63) // 64 * 64
        if potential < (0.9 if fine else 0.5) * drawn_at:
            sample, drawn_at = order[spread(terms, uniforms[at + 1], count)], potential
            fine = fine_enough(nearest[sample] * sq_scale)
            if not fine:
                numbers, sq_scale = in_whole_numbers(sample)
                fine = fine_enough(nearest[sample] * sq_scale)
            if fine:
                inverse = (2**14 / (nearest[sample] * sq_scale)).astype(np.float32)
        if fine:
            pool = order[spread(terms, uniforms[at], size)]
            at, batches = at + 2, batches + 1
            left = np.minimum(nearest[sample] * sq_scale * inverse, 2**14).astype(np.int64)
            apart = ((numbers[sample][:, None] - numbers[pool]) ** 2).sum(-1)
            ratios = apart.astype(np.float32) * inverse[:, None]
            ratios = np.minimum(ratios, left[:, None].astype(np.float32)).astype(np.int64)
            new = []
            while len(new) < batch:
                gains = np.maximum(left[:, None] - ratios, 0).sum(0)
                best = int(gains.argmax())
                if new and gains[best] == 0:
                    break
                new.append(pool[best])
                left = np.minimum(left, ratios[:, best])
        else:
            drawn = [order[draw(terms, uniform)] for uniform in uniforms[at : at + tried]]
            at += tried
            others = [np.minimum(nearest, sq_distances(X, X[[row]])[:, 0]) for row in drawn]
            new = [drawn[int(np.argmin([exact_sum(weights * other) for other in others]))]]
        taken += new
        nearest = np.minimum(nearest, sq_distances(X, X[new]).min(1))
    return np.array(taken), batches


def interval_costs(values, weights=None):
    """Exact sums of weighted squared distances to the mean of sorted values [i, j): a dict of
    Fractions by (i, j).
    """
    values = [Fraction(value) for value in np.asarray(values, np.float64).tolist()]
    weights = (
        [Fraction(1)] * len(values) if weights is None else [Fraction(w) for w in weights.tolist()]
    )
    costs = {}
    for i in range(len(values)):
        mass = first = second = Fraction(0)
        for j in range(i, len(values)):
            mass += weights[j]
            first += weights[j] * values[j]
            second += weights[j] * values[j] ** 2
            costs[i, j + 1] = second - first**2 / mass
    return costs


def least_costs(costs, n):
    """The least cost of n sorted values in 1, 2, ..., n intervals: Fractions. Every row looks at
    every candidate.
    """
    row = [None] + [costs[0, j] for j in range(1, n + 1)]
    least = [row[n]]
    for q in range(2, n + 1):
        row = [None] * q + [
            min(row[i] + costs[i, j] for i in range(q - 1, j)) for j in range(q, n + 1)
        ]
        least.append(row[n])
    return least
