"""Medians: Manhattan distances, and centers that are the medians of their rows (k-medians)."""

from collections.abc import Mapping
from typing import Any

from .._native import engine as native
from .._native.engine import Data
from .base import Rule, check_init


class Medians(Rule):
    """k-medians (Bradley, Mangasarian & Street, NIPS 1996)."""

    asked_by = {"metric": lambda value: value == "manhattan"}
    labels_are_nearest = True

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        check_init(values["init"], "metric='manhattan'")

    def of_run(self, data: Data) -> native.Rule:
        return native.MedianRule()
