"""Refinements: local search that improves the result of Lloyd's iterations.

A refinement is a function of (search, random_state, budget) that leaves better centers in `search`,
the state of a local search over all rows (`_native/swap.pxi`); `budget` is the number of distances
that it may compute. Adding one is a file and a line in `REFINEMENTS`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._input.contiguous import contiguous
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
    """Centers (k, d) float64 of at most the inertia of these, over the rows that are used."""
    methods, budget, rows_per_cluster = plan(refine)
    k = len(centers)
    chosen = np.arange(data.shape[0]) if data.weights is None else np.flatnonzero(data.weights)
    if rows_per_cluster is not None:
        most = max(LEAST_ROWS, rows_per_cluster * k)
        if len(chosen) > most:
            chosen = np.sort(random_state.permutation(chosen)[:most])
    if k < 2 or len(chosen) <= k:
        return centers
    weights = None if data.weights is None else contiguous(data.weights[chosen])
    search = Search(data.take(chosen), weights, contiguous(centers))
    for method in methods:
        method(
            search,
            random_state,
            search.work + float(budget) * search.n * max(k, LEAST_CLUSTERS) / len(methods),
        )
    return search.centers()
