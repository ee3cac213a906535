"""Clusters of bounded sizes."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from .._input.checks import with_type
from .._input.other_libraries import here
from .._native import engine as native
from .._native.engine import Data
from .base import Rule, given

#: The engine counts sizes in whole units, of which all rows together have fewer than this.
MOST_UNITS = 1 << 51

#: Relative error of bounds: one such as ``weights.sum() / 8`` was computed with rounding.
ROUNDED = 1e-12


class Sizes(Rule):
    """The size of each cluster, which is the total weight of its rows, stays between bounds."""

    asked_by = {"size_min": given, "size_max": given}

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.bounds = [
            self.bound(values.get("size_min"), "size_min", 0.0),
            self.bound(values.get("size_max"), "size_max", math.inf),
        ]
        self.names_clusters = any(
            np.ndim(bound) == 1 for name in self.asked_by if (bound := values.get(name)) is not None
        )
        for j, (low, high) in enumerate(zip(*self.bounds)):
            if low > high:
                raise ValueError(
                    f"size_min={low:g} is above size_max={high:g}"
                    + (f" for cluster {j}" if self.names_clusters else "")
                    + ": no cluster can have such a size."
                )

    def bound(self, value: Any, what: str, default: float) -> np.ndarray:
        """The parameter as one bound for each cluster: (k,) float64."""
        if value is None:
            return np.full(self.k, default)
        wanted = f"None, a number of at least 0 or {self.k} of them, one for each cluster"
        array = np.asarray(here(value, what))
        if array.dtype.kind not in "iuf" or array.ndim > 1:
            raise TypeError(f"{what} must be {wanted}, got {with_type(value)}.")
        if array.ndim == 1 and len(array) != self.k:
            raise ValueError(f"{what} must be {wanted}, got {len(array)} of them.")
        array = np.broadcast_to(array.astype(np.float64), (self.k,))
        if not (array >= 0).all() or not (array < math.inf).all() and what == "size_min":
            wrong = array[~((array >= 0) & (array < math.inf))][0]
            raise ValueError(f"{what} must be {wanted}, got {wrong}.")
        return array

    def check(self, n: int, d: int, weights: np.ndarray | None) -> None:
        """Raise if no clustering of rows of these weights has such sizes."""
        self.count(n, weights)
        if self.kept is not None:
            self.make_room(n, weights)

    def count(self, n: int, weights: np.ndarray | None) -> None:
        """Convert the bounds, and the weights of the rows, to the engine's whole units."""
        if weights is None:
            self.refuse_shares()
        total = float(n) if weights is None else math.fsum(weights.tolist())
        # Bounds may have been rounded (see ROUNDED), so they are made a little wider.
        least, most = self.bounds
        least, most = least * (1 - ROUNDED), most * (1 + ROUNDED)
        self.fits(
            math.fsum(least.tolist()), math.fsum(np.minimum(most, total).tolist()), total, weights
        )
        self.units = None
        positive = np.ones(1) if weights is None else weights[weights > 0]
        if positive.min() == positive.max():  # equal weights: the unit is a row
            weight = Fraction(float(positive[0]))
            count = n if weights is None else len(positive)
            self.least = [math.ceil(Fraction(float(low)) / weight) for low in least]
            self.most = [
                math.floor(Fraction(min(float(high), total)) / weight) if high < total else count
                for high in most
            ]
            if count < n:
                assert weights is not None
                self.units = (weights > 0).astype(np.int64)
            # No multiple of the weight may lie between the bounds of a cluster.
            if any(low > high for low, high in zip(self.least, self.most)):
                j = next(j for j in range(self.k) if self.least[j] > self.most[j])
                raise ValueError(
                    f"no number of rows is between size_min={least[j]:g} and size_max={most[j]:g}"
                    f" for cluster {j}, as rows are not divided"
                    + ("." if weight == 1 else f"; each weighs {float(weight):g}.")
                )
            self.fits(sum(self.least) * weight, sum(self.most) * weight, count * weight, weights)
            return
        # A row belongs to one cluster as a whole, so sizes keep the bounds only up to the weight of
        # a row.
        scale = Fraction(1)
        if not (total < MOST_UNITS and (positive == np.floor(positive)).all()):
            scale = Fraction(2) ** (50 - math.frexp(total)[1])
        assert weights is not None
        self.units = np.rint(weights * float(scale)).astype(np.int64)
        units = int(self.units.sum())
        self.least = [math.floor(Fraction(float(low)) * scale) for low in least]
        self.most = [
            units if high >= total else math.ceil(Fraction(float(high)) * scale) for high in most
        ]
        # Rounded weights may add up to less than the lower bounds do, or to more than the upper
        # ones: then these bounds are made wider.
        over = max(0, sum(self.least) - units)
        under = max(0, units - sum(self.most))
        self.least = [max(0, low - -(-over // self.k)) for low in self.least]
        self.most = [high + -(-under // self.k) for high in self.most]

    def refuse_shares(self) -> None:
        """Raise if a bound is below one row, which somebody means as a share of all rows."""
        for what, bound in zip(self.asked_by, self.bounds):
            shares = bound[(bound > 0) & (bound < 1)]
            if len(shares):
                raise ValueError(
                    f"{what}={shares[0]:g} is less than one row: sizes are numbers of rows. For "
                    f"that share of all rows, pass {what}={shares[0]:g} * len(X)."
                )

    def make_room(self, n: int, weights: np.ndarray | None) -> None:
        """Subtract the rows whose labels are known from the bounds; these rows then count 0."""
        assert self.kept is not None
        known = self.kept >= 0
        units = np.ones(n, dtype=np.int64) if self.units is None else self.units
        taken = np.zeros(self.k, dtype=np.int64)
        np.add.at(taken, self.kept[known], units[known])
        of_rows = np.ones(n) if weights is None else weights
        weighs = np.bincount(self.kept[known], of_rows[known], minlength=self.k)
        what = "rows" if weights is None else "of weight"
        least, most = self.bounds
        for j in range(self.k):
            if taken[j] > self.most[j]:
                raise ValueError(
                    f"labels_known has {weighs[j]:g} {what} in cluster {j}, above "
                    f"size_max={most[j]:g}: raise size_max, or pass -1 for some of them."
                )
        self.units = np.where(known, 0, units)
        self.most = [high - int(there) for high, there in zip(self.most, taken)]
        self.least = [max(0, low - int(there)) for low, there in zip(self.least, taken)]
        if sum(self.least) > int(self.units.sum()):
            more = float(np.maximum(least - weighs, 0).sum())
            raise ValueError(
                f"size_min asks for {more:g} {what} beside those of labels_known, which leaves "
                f"{float(of_rows[~known].sum()):g}: lower size_min, or pass -1 for more rows."
            )

    def fits(self, least: Any, most: Any, total: Any, weights: np.ndarray | None) -> None:
        """Raise unless the total size is between the sums of the lower and the upper bounds."""
        what = "rows" if weights is None else "total weight"
        if least > total:
            raise ValueError(
                f"size_min asks for {float(least):g} {what} in {self.k} clusters together, but "
                f"there are {float(total):g}: lower size_min or n_clusters."
            )
        if most < total:
            raise ValueError(
                f"size_max leaves room for {float(most):g} {what} in {self.k} clusters together, "
                f"but there are {float(total):g}: raise size_max or n_clusters."
            )

    def of_run(self, data: Data) -> native.Rule:
        return native.Sizes(
            np.array(self.least, dtype=np.int64), np.array(self.most, dtype=np.int64), self.units
        )
