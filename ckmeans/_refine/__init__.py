"""Refinements: local search that improves the result of Lloyd's iterations.

A refinement is a function of (search, random_state, budget) that leaves better centers in `search`,
the state of a local search over all rows (`_native/swap.pxi`); `budget` is the number of distances
that it may compute. Adding one is a file and a line in `REFINEMENTS`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._inits.rows import ranked_rows
from .._input.contiguous import contiguous
from .._input.sparse import SparseRows
from .._native import Search
from .._native.engine import Data
from .genetic import genetic
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
#: of one Lloyd iteration (rows times clusters); and the largest number of rows per cluster.
PLANS = {
    "auto": (("swap", "hartigan-wong"), 150, 300),
    "best": (("swap", "genetic", "hartigan-wong"), 400, 400),
}

#: Budget of refinements that are given by name.
NAMED_BUDGET = 1000

#: At least this number of rows is used, and the budget is computed with at least this number of
#: clusters: few clusters can end in as many local optima, and improving them costs less.
LEAST_ROWS, LEAST_CLUSTERS = 20000, 20

#: Values of sparse rows that are used, zeros included, at most.
VALUES = 1 << 24


class Plan(NamedTuple):
    """The refinements of the result of a run."""

    methods: list[Refinement]
    #: Distances that they may compute, in multiples of one Lloyd iteration over the rows that are
    #: used, with at least LEAST_CLUSTERS clusters.
    budget: float
    rows: int | None  #: at most this number of rows per cluster, and at least LEAST_ROWS; None: all
    least_rows: int = LEAST_ROWS
    distances: float = np.inf  #: a limit to their number, whatever rows are used


def plan(refine: Any) -> Plan:
    """The plan of a checked parameter."""
    if isinstance(refine, str) and refine in PLANS:
        names, budget, rows = PLANS[refine]
        return Plan([REFINEMENTS[name] for name in names], budget, rows)
    names = (refine,) if isinstance(refine, str) else tuple(refine)
    return Plan([REFINEMENTS[name] for name in names], NAMED_BUDGET, None)


def improve(
    plan: Plan,
    rows: np.ndarray,
    weights: np.ndarray | None,
    centers: np.ndarray,
    labels: np.ndarray,
    random_state: np.random.RandomState,
) -> np.ndarray:
    """Centers (k, d) float64 of at most the inertia of these, over the rows of a sample.

    labels : (n,) int32, of the rows to these centers
    """
    k = len(centers)
    if k < 2 or len(rows) <= k:
        return centers
    order = np.argsort(labels, kind="stable")  # rows of a cluster side by side: see Search
    weights = None if weights is None else contiguous(weights[order])
    search = Search(contiguous(rows[order]), weights, contiguous(centers))
    distances = min(float(plan.budget) * search.n * max(k, LEAST_CLUSTERS), plan.distances)
    for method in plan.methods:
        method(search, random_state, search.work + distances / len(plan.methods))
    return search.centers()


def sample_size(plan: Plan, n: int, d: int, k: int, sparse: bool = False) -> int:
    """How many of n rows are used."""
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
    random_state: np.random.RandomState,
) -> np.ndarray:
    """`improve`, by a sample of rows that are in one array."""
    n, d = data.shape
    size = sample_size(plan, n, d, len(centers), isinstance(data.array, SparseRows))
    chosen = ranked_rows(data, sample_start(n, size, random_state), size)
    weights = None if data.weights is None else data.weights[chosen]
    return improve(plan, data.take(chosen), weights, centers, labels[chosen], random_state)
