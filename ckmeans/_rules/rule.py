"""The base of rules: what a fit asks of one."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .._native import engine as native
from .._native.engine import Data


def given(value: Any) -> bool:
    """Whether a parameter whose default is None was given."""
    return value is not None


#: Named inits whose draws go by the distance of the fit, or by none.
INITS = ("auto", "k-means++", "random", "random-partition", "first")


def check_init(init: Any, what: str) -> None:
    """Raise if a named init goes by Euclidean distances, or by values that may be missing."""
    if isinstance(init, str) and init not in INITS:
        raise ValueError(
            f"{what} cannot be used with init={init!r}: it goes with "
            f"{', '.join(map(repr, INITS))}, an array of centers or a callable."
        )


class Rule:
    """What a fit does otherwise than plain k-means; this one changes nothing.

    Parameters
    ----------
    values : mapping
        The parameters of the estimator and the arguments of `fit`, by name. What can be checked
        without the rows is checked here.
    """

    #: Parameters that ask for the rule -> whether a value of theirs does.
    asked_by: dict[str, Callable[[Any], bool]] = {}

    #: Labels (n,) int32 that another rule has the last word on, -1 where it has not; None: there is
    #: no such rule.
    kept: np.ndarray | None = None

    #: Whether the rule speaks of certain clusters by their index, which must not change then.
    names_clusters = False

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.k = int(values["n_clusters"])

    def check(self, n: int, d: int, weights: np.ndarray | None) -> None:
        """Raise if the rule cannot be kept with so many rows and features, of these weights."""

    def starts(self, starts: list[Any], init: Any, data: Data) -> list[Any]:
        """The starts of all runs, (seed, function that makes centers), from those without the rule.

        init : the parameter, but for "auto"
        """
        return starts

    def of_run(self, data: Data) -> native.Rule | None:
        """The engine's rule for one run."""
        return None

    #: Whether labels are those of the nearest centers: then rows with ties may be assigned again.
    labels_are_nearest = False
