"""Gaps: rows whose missing values are left out of distances and centers."""

from collections.abc import Mapping
from typing import Any

from .._native import engine as native
from .._native.engine import Data
from .rule import Rule, check_init


class Gaps(Rule):
    """Distances over the features that are there, centers that are the means of what is there
    (compare k-POD: Chi, Chi & Baraniuk, The American Statistician 70, 2016).
    """

    asked_by = {"missing": lambda value: value == "ignore"}
    labels_are_nearest = True

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        check_init(values["init"], "missing='ignore'")

    def of_run(self, data: Data) -> native.Rule:
        return native.Gaps()
