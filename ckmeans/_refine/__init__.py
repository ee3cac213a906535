"""Ways to a better clustering than Lloyd's iterations end in.

A refinement is a function of (search, random_state, budget) that leaves better centers in `search`,
the state of a local search over all rows (`_native/swap.pxi`); `budget` is the number of distances
that it may compute. Adding one is a file and a line in `REFINEMENTS`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

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

#: What the names for every day stand for: refinements, distances they may compute, in multiples of
#: those of one Lloyd iteration (rows times clusters), and rows that they look at, at most, in
#: multiples of the clusters.
PLANS = {
    "auto": (("swap", "hartigan-wong"), 150, 300),
    "best": (("swap", "genetic", "hartigan-wong"), 400, 400),
}

#: Budget of refinements that are asked for by name.
NAMED_BUDGET = 1000

#: Rows that are always looked at, where there are as many, and clusters that the budget is reckoned
#: with, where there are fewer: few clusters have as many ways to be wrong, and cost less to put
#: right.
LEAST_ROWS, LEAST_CLUSTERS = 20000, 20


def plan(refine: Any) -> tuple[list[Refinement], int, int | None]:
    """The refinements, the budget and the rows per cluster that a checked parameter stands for."""
    if isinstance(refine, str) and refine in PLANS:
        names, budget, rows = PLANS[refine]
    else:
        names, budget, rows = (
            (refine,) if isinstance(refine, str) else tuple(refine),
            NAMED_BUDGET,
            None,
        )
    return [REFINEMENTS[name] for name in names], budget, rows


def improve(
    refine: Any, data: Data, centers: np.ndarray, random_state: np.random.RandomState
) -> np.ndarray:
    """Better centers than these, (k, d) float64, or at least as good for the rows looked at."""
    methods, budget, rows_per_cluster = plan(refine)
    k = len(centers)
    chosen = np.arange(data.shape[0]) if data.weights is None else np.flatnonzero(data.weights)
    if rows_per_cluster is not None:
        most = max(LEAST_ROWS, rows_per_cluster * k)
        if len(chosen) > most:
            chosen = np.sort(random_state.permutation(chosen)[:most])
    if k < 2 or len(chosen) <= k:
        return centers
    weights = None if data.weights is None else np.ascontiguousarray(data.weights[chosen])
    search = Search(data.take(chosen), weights, np.ascontiguousarray(centers))
    for method in methods:
        method(
            search,
            random_state,
            search.work + float(budget) * search.n * max(k, LEAST_CLUSTERS) / len(methods),
        )
    return search.centers()
