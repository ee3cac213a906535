"""Two rules in one fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._native import engine as native
from .._native.engine import Data
from .base import Rule


class Both(Rule):
    """One rule after the other: where both set a label, that of the second counts.

    Parameters
    ----------
    values : mapping
        The parameters of the estimator and the arguments of `fit`, by name.
    first, second : Rule
    """

    def __init__(self, values: Mapping[str, Any], first: Rule, second: Rule) -> None:
        super().__init__(values)
        self.rules = first, second
        self.names_clusters = any(rule.names_clusters for rule in self.rules)
        self.labels_are_nearest = all(rule.labels_are_nearest for rule in self.rules)

    def check(self, n: int, d: int, weights: np.ndarray | None) -> None:
        first, second = self.rules
        second.check(n, d, weights)
        first.kept = second.kept
        first.check(n, d, weights)

    def starts(self, starts: list[Any], init: Any, data: Data, effort: Any = None) -> list[Any]:
        for rule in self.rules:
            starts = rule.starts(starts, init, data, effort)
        return starts

    def of_run(self, data: Data) -> native.Rule | None:
        first, second = (rule.of_run(data) for rule in self.rules)
        if first is None or second is None:
            return first if second is None else second
        return native.Both(first, second)
