"""The base class of rules: the methods that a fit calls."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .._native import engine as native
from .._native.engine import Data


def given(value: Any) -> bool:
    """Whether a parameter whose default is None was given."""
    return value is not None


#: Named inits that use the metric of the fit, or no distances at all.
INITS = ("auto", "k-means++", "random", "random-partition", "first")


def check_init(init: Any, what: str) -> None:
    """Raise if a named init computes Euclidean distances, or cannot handle missing values."""
    if isinstance(init, str) and init not in INITS:
        raise ValueError(
            f"{what} cannot be used with init={init!r}: it goes with "
            f"{', '.join(map(repr, INITS))}, an array of centers or a callable."
        )


class Rule:
    """A change to plain k-means; this base class changes nothing.

    Parameters
    ----------
    values : mapping
        The parameters of the estimator and the arguments of `fit`, by name; checked here, as far as
        that is possible without the rows.
    """

    #: Parameter -> a function that says whether a value of it asks for the rule.
    asked_by: dict[str, Callable[[Any], bool]] = {}

    #: Labels (n,) int32 that another rule sets after this one, -1 where it sets none; None
    #: if there is no such rule.
    kept: np.ndarray | None = None

    #: Whether parameters refer to clusters by their index, so that clusters keep their order.
    names_clusters = False

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.k = int(values["n_clusters"])

    def check(self, n: int, d: int, weights: np.ndarray | None) -> None:
        """Raise if no clustering of n rows of d features with these weights obeys the rule."""

    def starts(self, starts: list[Any], init: Any, data: Data, effort: Any = None) -> list[Any]:
        """The starts of all runs with the rule: a list of (seed, function that makes centers).

        starts : those without the rule
        init : the parameter; "k-means++" stands for "auto"
        effort : the amount of work by default (`_estimators/defaults_by_size.py`); None if
            parameters of the fit say how much is to be done
        """
        return starts

    def of_run(self, data: Data) -> native.Rule | None:
        """The rule's counterpart in the engine, for one run; None if it has nothing to do."""
        return None

    #: Whether labels are always those of the nearest centers, so that they may be computed again.
    labels_are_nearest = False
