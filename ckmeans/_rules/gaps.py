"""Gaps: missing values are left out of distances and centers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._inits import initial_centers
from .._input.checks import seeded
from .._native import engine as native
from .._native.engine import Data
from .._refine import improve_all
from .base import Rule, check_init

#: The largest number of iterations of k-means on filled rows, and its tolerance.
MAX_ITER, TOL = 300, 1e-4


class Gaps(Rule):
    """Distances use the features that a row has, and centers are the means of the values that are
    present (compare k-POD: Chi, Chi & Baraniuk, The American Statistician 70, 2016).
    """

    asked_by = {"missing": lambda value: value == "ignore"}
    labels_are_nearest = True

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        check_init(values["init"], "missing='ignore'")

    def starts(self, starts: list[Any], init: Any, data: Data, effort: Any = None) -> list[Any]:
        """By default one start more: refined k-means on rows whose gaps are filled, since there is
        no refinement for rows with gaps.
        """
        if effort is None or not effort.worth_refining:
            return starts
        seed = starts[0][0]
        return [*starts, (seed, lambda: self.of_filled_rows(data, seed, effort))]

    def of_filled_rows(self, data: Data, seed: int, effort: Any) -> np.ndarray:
        """Centers (k, d) of refined k-means on rows whose gaps are filled with the means of the
        columns.
        """
        filled = data.take(np.arange(data.shape[0]))
        rows = Data(filled, data.plain_weights, data.n_threads, True)
        with seeded(seed) as random_state:
            centers = initial_centers("k-means++", rows, self.k, random_state)
        run = native.Run(rows, centers, MAX_ITER, TOL)
        run.finish()
        plan = effort.refinement(run.n_iter)
        with seeded([seed, 1]) as random_state:
            centers = improve_all(plan, rows, run.centers(), run.labels(), run.n_iter, random_state)
        single = data.array.dtype == np.float32
        return centers.astype(np.float32).astype(np.float64) if single else centers

    def of_run(self, data: Data) -> native.Rule:
        return native.Gaps()
