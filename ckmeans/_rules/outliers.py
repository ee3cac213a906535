"""Outliers: the rows farthest from their centers are left out and do not affect the centers."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from .._inits.given import with_direction
from .._inits.kmeans_plusplus import local_trials
from .._input.checks import seeded, with_type
from .._native import engine as native
from .._native.engine import Data
from .base import Rule, given

#: Rows for each cluster in the sample that initial centers are drawn from.
SAMPLED = 20


class Outliers(Rule):
    """A number or a share of the rows is left out, with the label -1."""

    asked_by = {"n_outliers": given}

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        asked = values["n_outliers"]
        wanted = "None, a number of rows, or a share of them above 0 and below 1"
        if isinstance(asked, (bool, np.bool_)) or not isinstance(
            asked, (int, float, np.integer, np.floating)
        ):
            raise TypeError(f"n_outliers must be {wanted}, got {with_type(asked)}.")
        if isinstance(asked, (float, np.floating)):
            if not 0 < asked < 1:
                raise ValueError(
                    f"n_outliers must be {wanted}, got {asked!r}; pass a number of rows as int."
                )
        elif asked < 0:
            raise ValueError(f"n_outliers must be {wanted}, got {asked}.")
        self.asked = asked

    def check(self, n: int, d: int, weights: np.ndarray | None) -> None:
        """Raise if too few rows would be left."""
        self.leave_out(n, weights, "weight")

    def leave_out(self, n: int, weights: np.ndarray | None, what: str) -> None:
        """Find how many of n rows are left out; raise if too few are left. Rows of weight 0 are not
        counted.

        what : what rows of weight 0 lack, for the message
        """
        there = n if weights is None else int(np.count_nonzero(weights))
        self.count = (
            int(self.asked * there)
            if isinstance(self.asked, (float, np.floating))
            else int(self.asked)
        )
        if self.count + self.k > there:
            raise ValueError(
                f"n_outliers={self.asked} leaves {max(there - self.count, 0)} of {there} rows"
                + (f" with {what}" if there < n else "")
                + f" to {self.k} clusters: lower n_outliers or n_clusters."
            )
        if self.kept is None:
            return
        unknown = self.kept < 0
        free = int(np.count_nonzero(unknown if weights is None else unknown & (weights > 0)))
        if self.count > free:
            raise ValueError(
                f"n_outliers={self.asked} asks for {self.count} rows, but labels_known keeps all "
                f"but {free} of {there}" + (" with weight" if there < n else "") + " in clusters: "
                "lower n_outliers, or pass -1 for more rows."
            )

    def starts(self, starts: list[Any], init: Any, data: Data, effort: Any = None) -> list[Any]:
        """The same starts, except that k-means++ does not draw rows that would be left out."""
        if data.unit:
            self.leave_out(data.shape[0], data.weights, "weight and a direction")
        if not isinstance(init, str) or init != "k-means++" or not self.count:
            return starts
        return [(seed, partial(self.drawn, data, seed)) for seed, _ in starts]

    def drawn(self, data: Data, seed: int) -> np.ndarray:
        """Centers (k, d) float64: rows of a random sample, drawn by greedy k-means++ among those
        that are not the farthest from the centers so far.

        The share of outliers varies between samples. So more rows than expected are left out, by
        three standard deviations, and an outlier is hardly ever drawn.
        """
        with seeded(seed) as random_state:
            n = data.shape[0]
            sample = data.batch(
                data.draw(random_state.random_sample(min(n, max(1000, SAMPLED * self.k))))
            )
            size = sample.shape[0]
            share = self.count / n
            left_out = min(
                int(np.ceil(size * share + 3 * np.sqrt(size * share * (1 - share)))), size - 1
            )
            labels = np.zeros(size, dtype=np.int32)

            def squares(row):
                """Squared distances of the sample to one of its rows."""
                return sample.squares(sample.take([row]), labels)

            def kept(nearest):
                """The same distances, with 0 for the farthest rows, which must not be drawn."""
                out = nearest.copy()
                out[np.argpartition(out, size - left_out)[size - left_out :]] = 0
                return out

            chosen = [int(random_state.randint(size))]
            nearest = squares(chosen[0])
            while len(chosen) < self.k:
                running = np.cumsum(kept(nearest))
                if running[-1] > 0:
                    drawn = np.searchsorted(
                        running,
                        random_state.random_sample(local_trials(self.k)) * running[-1],
                        side="right",
                    )
                    tried = [min(int(row), size - 1) for row in drawn]
                else:  # all rows that may be drawn coincide with centers
                    tried = [int(random_state.randint(size))]
                trials = [(row, np.minimum(nearest, squares(row))) for row in tried]
                row, nearest = min(trials, key=lambda trial: kept(trial[1]).sum())
                chosen.append(row)
            return with_direction(sample.take(chosen), data)

    def of_run(self, data: Data) -> native.Rule:
        return native.Outliers(self.count, self.kept)
