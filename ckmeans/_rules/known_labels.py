"""Rows whose clusters are known: seeded and constrained k-means."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._inits.given import with_direction
from .._input.checks import check_name
from .._input.contiguous import contiguous
from .._input.errors import with_type
from .._input.other_libraries import here
from .._native import engine as native
from .._native.engine import Data
from .base import Rule, given

#: The values of `KMeans(known=...)`.
MODES = ("constrained", "seeded")


class KnownLabels(Rule):
    """The initial centers are the means of the rows whose clusters are known; with "constrained"
    these rows also keep their labels.
    """

    asked_by = {"labels_known": given}
    names_clusters = True

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.mode = values.get("known", MODES[0])
        check_name(self.mode, MODES, "known")
        labels = values["labels_known"]
        array = np.asarray(here(labels, "labels_known"))
        if array.ndim != 1:
            raise ValueError(
                "labels_known must hold one label for each row, -1 where it is not known, got "
                f"an array of shape {array.shape}."
            )
        if array.dtype.kind not in "iu":
            whole = array.dtype.kind == "f" and bool((array == np.floor(array)).all())
            if not whole:
                raise TypeError(
                    f"labels_known must be whole numbers from -1 (not known) to {self.k - 1}, got "
                    f"{array.dtype}: turn names into numbers, as np.unique(..., "
                    "return_inverse=True) does."
                )
        wrong = (array < -1) | (array >= self.k)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"labels_known must be from -1 (not known) to n_clusters - 1 = {self.k - 1}, got "
                f"{with_type(array[row].item())} in row {row}."
            )
        self.labels = contiguous(array, np.int32)

    def check(self, n: int, d: int, weights: np.ndarray | None) -> None:
        """Raise unless there is a label for each row."""
        if len(self.labels) != n:
            raise ValueError(
                f"labels_known has {len(self.labels)} labels, but X has {n} rows: pass one for "
                "each, -1 where it is not known."
            )
        self.kept = self.labels if self.mode == "constrained" else None

    def starts(self, starts: list[Any], init: Any, data: Data, effort: Any = None) -> list[Any]:
        """The same starts, in which the means of known rows replace centers: of given centers those
        with the same index, of drawn centers the nearest ones.
        """
        labels = np.where(self.labels >= 0, self.labels, self.k).astype(np.int32)
        drawn = isinstance(init, str) or callable(init)
        counted = self.labels if data.weights is None else self.labels[data.weights > 0]
        seeded = np.unique(counted[counted >= 0])  # clusters that have known rows with weight
        if not len(seeded):
            return starts
        means = data.means(labels, self.k + 1)[: self.k]
        means[seeded] = with_direction(means[seeded], data)

        def start(make):
            centers = np.array(make())
            if drawn:
                centers = arranged(centers, means, seeded)
            centers[seeded] = means[seeded]
            return contiguous(centers)

        if len(seeded) == self.k:
            return [(None, means.copy)]  # all runs would be the same
        return [(seed, lambda make=make: start(make)) for seed, make in starts]

    def of_run(self, data: Data) -> native.Rule | None:
        return native.KnownLabels(self.labels) if self.mode == "constrained" else None


def arranged(centers: np.ndarray, means: np.ndarray, seeded: np.ndarray) -> np.ndarray:
    """The centers (k, d) in another order. Means of seeded clusters and centers are paired, the
    nearest pair first; a paired center gets the index of the mean's cluster, the other centers the
    indices that are left.
    """
    k = len(centers)
    sq = np.array([((mean - centers) ** 2).sum(axis=1) for mean in means[seeded]])
    out = np.empty_like(centers)
    free = np.ones(k, dtype=bool)
    placed = np.zeros(k, dtype=bool)
    for flat in np.argsort(sq, axis=None, kind="stable"):
        i, j = divmod(int(flat), k)
        if free[j] and not placed[seeded[i]]:
            free[j], placed[seeded[i]] = False, True
            out[seeded[i]] = centers[j]
    out[~placed] = centers[free]
    return out
