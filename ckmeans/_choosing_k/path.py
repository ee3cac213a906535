"""The fits that are judged, and what several criteria need of them, computed once."""

from functools import cached_property

import numpy as np

from .. import metrics
from .._estimators.kmeans import open_data
from .._input import checks as check
from .._input.contiguous import contiguous
from .._insight.principal_axes import principal_axes
from .fits import Rows, fit_path


class Path:
    """The fitted path and the values that criteria are computed from, cached.

    Attributes
    ----------
    ks : list of int
        Increasing.
    models : list of KMeans
        For the first of `ks`: those up to the number of distinct rows.
    inertias : ndarray of shape (len(ks),)
        0 for those of `ks` without a model.
    n_rows : int
        Rows of positive weight.
    weights : ndarray of shape (n,) or None
        Scaled so that they sum to `n_rows`: criteria that count rows must not depend on the unit
        of the weights.
    sample : ndarray of int
        The rows of positive weight that slow criteria use.
    """

    def __init__(
        self,
        rows,
        ks,
        models,
        n_distinct,
        seed,
        max_iter,
        tol,
        n_threads,
        n_refs,
        n_resamples,
        sample_size,
    ):
        self.rows, self.ks, self.models, self.n_distinct = rows, ks, models, n_distinct
        self.seed, self.max_iter, self.tol, self.n_threads = seed, max_iter, tol, n_threads
        self.n_refs, self.n_resamples = n_refs, n_resamples
        self.inertias = np.zeros(len(ks))
        self.inertias[: len(models)] = [model.inertia_ for model in models]
        self._values = {}
        kept = np.arange(len(rows.array)) if rows.weights is None else np.flatnonzero(rows.weights)
        self.n_rows = len(kept)
        self.weights = None if rows.weights is None else in_rows(rows.weights, self.n_rows)
        if sample_size is not None and sample_size < len(kept):
            kept = np.sort(np.random.RandomState(seed).permutation(kept)[:sample_size])
        self.sample = kept
        self.sample_rows = rows.array[kept]
        self.sample_weights = None if self.weights is None else self.weights[kept]

    @property
    def judged(self):
        """Those of `ks` with a model."""
        return self.ks[: len(self.models)]

    def once(self, value, i):
        """value(path, i) for the i-th model, computed once."""
        if (value, i) not in self._values:
            self._values[value, i] = value(self, i)
        return self._values[value, i]

    def each(self, value):
        """The same for every model."""
        return np.array([self.once(value, i) for i in range(len(self.models))], dtype=float)

    def replace(self, i, model):
        """Replace the i-th model."""
        self.models[i], self.inertias[i] = model, model.inertia_
        self._values = {key: value for key, value in self._values.items() if key[1] != i}

    def is_comparable(self, i):
        """Whether the i-th model has at least 2 clusters, and fewer than rows."""
        return 2 <= self.sizes(i).count(True) < self.n_rows

    def sizes(self, i):
        """For each cluster of the i-th model, whether it has rows of positive weight."""
        return (
            np.bincount(self.models[i].labels_, self.weights, minlength=self.ks[i]) > 0
        ).tolist()

    def is_perfect(self, i):
        """Whether every cluster of the i-th model is one distinct row.

        Then its inertia is 0, apart from the rounding of centers.
        """
        return self.ks[i] == self.n_distinct and all(self.sizes(i))

    def uniform(self):
        """Rows and generators of data without structure: uniform in a box that holds the sample.

        The box is aligned with the columns or with the principal axes, whichever is smaller; the
        paper has both.
        """
        middle, axes, _ = principal_axes(self.sample_rows.astype(np.float64))
        # Rounded, so that the results do not depend on the last bits of a linear algebra library.
        boxes = [self.box(middle, np.eye(len(middle))), self.box(middle, np.round(axes, 9))]
        low, high, scale, axes = min(
            boxes,
            key=lambda box: round(np.log(np.maximum(box[1] - box[0], 1e-9) * box[2]).sum(), 6),
        )
        for b in range(self.n_refs):
            random_state = np.random.RandomState([self.seed, 1, b])
            uniform = (
                low + (high - low) * random_state.random_sample(self.sample_rows.shape)
            ) @ axes
            yield (
                Rows(
                    contiguous(np.round(uniform, 12) * scale),
                    None,
                    None,
                    self.n_threads,
                ),
                random_state,
            )

    def box(self, middle, axes):
        """The range of the sample along some axes, divided by a scale, and that scale."""
        placed = (self.sample_rows - middle) @ axes.T
        low, high = placed.min(axis=0), placed.max(axis=0)
        scale = float(np.abs(high - low).max()) or 1.0
        return np.round(low / scale, 9), np.round(high / scale, 9), scale, axes

    @cached_property
    def reference_inertias(self):
        """The lowest inertias found for each uniform data set and k."""
        return np.array(
            [
                [
                    solver.best.inertia
                    for solver in self.fit_again(rows, self.judged, random_state, grown=1)
                ]
                for rows, random_state in self.uniform()
            ]
        )

    @cached_property
    def half_labels(self):
        """For each random half of the sample and each k up to its size, the labels of the whole
        sample by the centers of the half.
        """
        m = len(self.sample)
        ks = [k for k in self.judged if k <= m // 2]
        everything = open_data(self.sample_rows, None, None, self.n_threads)
        out = []
        for b in range(self.n_resamples):
            random_state = np.random.RandomState([self.seed, 2, b])
            picked = np.sort(random_state.permutation(m)[: m // 2])
            rows = Rows(
                self.sample_rows[picked],
                None,
                None if self.sample_weights is None else self.sample_weights[picked],
                self.n_threads,
            )
            out.append(
                [
                    everything.assign(contiguous(solver.best.centers, np.float64))
                    for solver in self.fit_again(rows, ks, random_state, grown=2)
                ]
                if ks
                else []
            )
        return out

    def fit_again(self, rows, ks, random_state, grown):
        """Solvers of a path over other rows."""
        solvers = [rows.solver(self.max_iter, self.tol) for _ in ks]
        seeds = check.seeds(random_state, len(ks))
        fit_path(rows, solvers, ks, seeds, 1, grown=grown, back=False)
        return solvers


def in_rows(weights, n_rows):
    """Weights scaled so that they sum to n_rows: only their ratios matter."""
    weights = weights / weights.max()
    return weights * (n_rows / metrics.exact_sum(weights))
