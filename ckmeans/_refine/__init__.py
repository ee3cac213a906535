"""Refinements: local search that improves the result of Lloyd's iterations.

A refinement is a function of (search, random_state, budget) that leaves better centers in `search`,
the state of a local search over all rows (`_native/kernels/swap.pxi`); `budget` is the number of
distances that it may compute. Adding one is a file and a line in `REFINEMENTS`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._inits.rows import ranked_rows
from .._input.contiguous import contiguous
from .._input.sparse import SparseRows
from .._native import Search
from .._native.engine import Data
from .axes import looked_at, shortened
from .genetic import genetic
from .groups import MEMBERS, swap_in_groups
from .hartigan_wong import hartigan_wong
from .swap import swap

Refinement = Callable[[Search, np.random.RandomState, float], None]

#: name -> refinement
REFINEMENTS: dict[str, Refinement] = {
    "swap": swap,
    "hartigan-wong": hartigan_wong,
    "genetic": genetic,
}

#: "auto" and "best": the refinements; the number of distances that they may compute, in multiples
#: of one Lloyd iteration (rows times clusters); and the largest number of rows per cluster that is
#: used.
PLANS = {
    "auto": (("swap", "hartigan-wong"), 150, 300),
    "best": (("swap", "genetic", "hartigan-wong"), 400, 400),
}

#: Budget of refinements that are given by name.
NAMED_BUDGET = 1000

#: At least LEAST_ROWS rows are used, and the budget is computed with at least LEAST_CLUSTERS
#: clusters, since few clusters have as many local optima, and improving them costs less.
LEAST_ROWS, LEAST_CLUSTERS = 20000, 20

#: If the work of one iteration (rows times features times clusters) is LARGE or more, "auto" and
#: "best" are limited further: to distances that cost SHARE times as much as the iterations of the
#: run (the init counts as SEEDING iterations), or to their budget times LARGE / work if that is
#: more.
LARGE, SHARE, SEEDING = 1e8, 0.04, 8

#: With `shortcuts`, consecutive iterations may compute 1 / ITERATING of the distances (along axes,
#: iterations may continue for long), and the share KEPT of the distances is reserved for the last
#: refinement.
ITERATING, KEPT = 4, 0.15

#: The largest number of values of sparse rows that are used, zeros included.
VALUES = 1 << 24


class Plan(NamedTuple):
    """The refinements of the result of a run."""

    methods: list[Refinement]
    #: Distances that they may compute, in multiples of one Lloyd iteration over the rows that are
    #: used, with at least LEAST_CLUSTERS clusters.
    budget: float
    rows: int | None  #: at most this number of rows per cluster, and at least LEAST_ROWS; None: all
    least_rows: int = LEAST_ROWS
    distances: float = np.inf  #: a limit to their number that does not depend on the rows used
    #: Whether wide rows are projected onto a few axes, and many clusters first searched in groups.
    shortcuts: bool = False
    limited: bool = False  #: whether `within_reason` limits it


def plan(refine: Any) -> Plan:
    """The plan of a checked parameter."""
    if isinstance(refine, str) and refine in PLANS:
        names, budget, rows = PLANS[refine]
        return Plan([REFINEMENTS[name] for name in names], budget, rows, limited=True)
    names = (refine,) if isinstance(refine, str) else tuple(refine)
    return Plan([REFINEMENTS[name] for name in names], NAMED_BUDGET, None)


def cost(d: int) -> float:
    """The cost of a distance in a search, which may use axes, relative to that of a distance in an
    iteration over d features.
    """
    return (1 + 0.5 * looked_at(d)) / max(3 + 0.07 * d, 2 + 0.14 * d)


def within_reason(plan: Plan, n: int, d: int, k: int, n_iter: int) -> Plan:
    """The plan for the result of a run of n_iter iterations over n rows."""
    work = float(n) * d * k
    if not plan.limited or work < LARGE:
        return plan
    most = max(SHARE * (SEEDING + n_iter) / cost(d), plan.budget * LARGE / work)
    return plan._replace(distances=min(plan.distances, most * n * k), shortcuts=True)


def improve(
    plan: Plan,
    rows: np.ndarray,
    weights: np.ndarray | None,
    centers: np.ndarray,
    labels: np.ndarray,
    random_state: np.random.RandomState,
    n_threads: int = 1,
) -> np.ndarray:
    """Centers (k, d) float64 whose inertia over the rows of a sample is at most that of the given
    ones.

    labels : (n,) int32, of the rows for these centers. Rows are sorted by label if they are not:
        see Search
    """
    k, d = centers.shape
    if k < 2 or len(rows) <= k:
        return centers
    if (np.diff(labels) < 0).any():
        order = np.argsort(labels, kind="stable")
        labels = labels[order]
        rows, weights = rows[order], None if weights is None else weights[order]
    rows, weights = contiguous(rows), None if weights is None else contiguous(weights)
    short = shortened(rows, weights, centers) if plan.shortcuts and looked_at(d) < d else None
    seen, start = short or (rows, contiguous(centers))
    distances = min(float(plan.budget) * len(rows) * max(k, LEAST_CLUSTERS), plan.distances)
    if plan.shortcuts and k >= 2 * MEMBERS:
        start, spent = swap_in_groups(
            seen, weights, start, labels, distances / 2, random_state, n_threads
        )
        distances -= spent
    search = Search(seen, weights, start)
    if not plan.shortcuts:
        for method in plan.methods:
            method(search, random_state, search.work + distances / len(plan.methods))
        return search.centers()
    search.most_iterations = 1 + int(distances / (ITERATING * search.n * k))
    end = search.work + distances
    for method in plan.methods:  # distances that one does not use are left to the next
        method(search, random_state, end - (method is not plan.methods[-1]) * KEPT * distances)
    return search.centers() if short is None else search.means(rows, contiguous(centers))


def sample_size(plan: Plan, n: int, d: int, k: int, sparse: bool = False) -> int:
    """The number of rows that are used, of n."""
    most = n if plan.rows is None else min(n, max(plan.least_rows, plan.rows * k))
    return min(most, VALUES // d) if sparse else most


def sample_start(n: int, size: int, random_state: np.random.RandomState) -> int:
    """The hash at which a sample starts. Rows are taken in the order of their hashes, so the
    sample, the draws of a search and its sums do not depend on the order of the rows.
    """
    return 0 if size == n else int(random_state.random_sample() * 2.0**64)


def improve_all(
    plan: Plan,
    data: Data,
    centers: np.ndarray,
    labels: np.ndarray,
    n_iter: int,
    random_state: np.random.RandomState,
) -> np.ndarray:
    """`improve` the result of a run of n_iter iterations over rows in one array, by a sample of
    them.
    """
    n, d = data.shape
    plan = within_reason(plan, n, d, len(centers), n_iter)
    size = sample_size(plan, n, d, len(centers), isinstance(data.array, SparseRows))
    chosen = ranked_rows(data, sample_start(n, size, random_state), size)
    chosen = chosen[np.argsort(labels[chosen], kind="stable")]
    weights = None if data.weights is None else data.weights[chosen]
    rows = data.take(chosen)
    return improve(plan, rows, weights, centers, labels[chosen], random_state, data.n_threads)
