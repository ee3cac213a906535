"""Parameters of estimators and functions: types, ranges and names."""

import math
import sys
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from .errors import with_type

#: Metrics of all estimators, and those of `KMeans`.
METRICS = ("euclidean", "cosine")
KMEANS_METRICS = (*METRICS, "manhattan")
#: What `KMeans` does with missing values.
MISSING = ("error", "ignore")

_MAX_INT = 2**31 - 1
_MAX_THREADS = 4096
_REALS = (int, float, np.integer, np.floating)
_BOOLS = (bool, np.bool_)


#: A check of a parameter's value.
Check = Callable[[Any], None]


def checks_of_kmeans(algorithms: Collection[str], refinements: Collection[str]) -> dict[str, Check]:
    """The checks of the parameters of `KMeans`, by name; `init` and `random_state` are checked
    where they are used, those of rules by the rules.
    """
    return {
        **SHARED,
        "n_init": check_n_init,
        "algorithm": lambda value: check_name(value, algorithms, "algorithm"),
        "metric": lambda value: check_name(value, KMEANS_METRICS, "metric"),
        "missing": lambda value: check_name(value, MISSING, "missing"),
        "copy_x": lambda value: check_bool(value, "copy_x"),
        "history": lambda value: check_bool(value, "history"),
        **WATCHING,
        "refine": lambda value: check_refine(value, refinements),
    }


def check_shared_params(est: Any) -> None:
    """Check the parameters that all estimators have."""
    for name, check in SHARED.items():
        check(getattr(est, name))


def check_watching(est: Any) -> None:
    """Check `max_time` and `callback`."""
    for name, check in WATCHING.items():
        check(getattr(est, name))


def check_callback(callback: Any) -> None:
    """Raise unless this is None or can be called."""
    if callback is not None and not callable(callback):
        raise TypeError(
            f"callback must be None or a callable that takes a state, got {with_type(callback)}."
        )


def check_n_init(n_init: Any) -> None:
    """Raise unless this is "auto" or a number of runs."""
    if not isinstance(n_init, str):
        check_int(n_init, "n_init", 1, "'auto' or an integer of at least 1")
    elif n_init != "auto":
        raise ValueError(f"n_init must be 'auto' or an integer of at least 1, got {n_init!r}.")


def check_tol(tol: Any) -> None:
    """Raise unless this is a tolerance."""
    if type(tol) is not float and (isinstance(tol, bool) or not isinstance(tol, _REALS)):
        raise TypeError(f"tol must be a number of at least 0, got {with_type(tol)}.")
    if not 0 <= tol < math.inf or type(tol) is int and tol > sys.float_info.max:
        raise ValueError(
            f"tol must be a finite number of at least 0, got {tol!r}; at 0 a run ends when no "
            "label changes."
        )


def check_verbose(verbose: Any) -> None:
    """Raise unless this is a level of verbosity."""
    if type(verbose) is not bool:
        check_int(verbose, "verbose", 0, "True, False or an integer of at least 0")


def check_bool(value: Any, what: str) -> None:
    """Raise unless this is True or False."""
    if not isinstance(value, _BOOLS):
        raise TypeError(f"{what} must be True or False, got {with_type(value)}.")


def check_threads(n_threads: Any) -> None:
    """Raise unless this is None or a number of threads."""
    if n_threads is not None:
        wanted = "None (every CPU allowed) or an integer of at least 1"
        check_int(n_threads, "n_threads", 1, wanted, _MAX_THREADS)


def check_max_time(value: Any) -> None:
    """Raise unless `value` is None or a positive number of seconds."""
    check_positive(value, "max_time", "seconds", none="sets no limit")


def check_positive(value: Any, what: str, unit: str, none: str) -> None:
    """Raise unless `value` is None or a positive number. `none` says what None does."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, _REALS):
        raise TypeError(
            f"{what} must be None or a number of {unit} above 0, got {with_type(value)}."
        )
    if not 0 < value < math.inf:
        raise ValueError(
            f"{what} must be a finite number of {unit} above 0, got {value!r}; None {none}."
        )


def check_share(value: Any, what: str) -> None:
    """Raise unless `value` is a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, _REALS):
        raise TypeError(f"{what} must be a number from 0 to 1, got {with_type(value)}.")
    if not 0 <= value <= 1:
        raise ValueError(f"{what} must be a number from 0 to 1, got {value!r}.")


def check_refine(refine: Any, valid: Collection[str]) -> None:
    """Raise unless this is None, a name in `valid`, or a list of names other than "default", "auto"
    and "best".
    """
    if refine is None:
        return
    if isinstance(refine, str):
        check_name(refine, valid, "refine")
        return
    if not isinstance(refine, (list, tuple)) or not refine:
        names = ", ".join(map(repr, valid))
        raise TypeError(
            f"refine must be None, one of {names}, or a list of these names, "
            f"got {with_type(refine)}."
        )
    for name in refine:
        single = [other for other in valid if other not in ("default", "auto", "best")]
        check_name(name, single, "refine")


def check_int(value: Any, what: str, low: int, wanted: str, high: int = _MAX_INT) -> None:
    """Raise unless `value` is an integer (not a bool) from `low` to `high`; `wanted` describes this
    in the message.
    """
    if type(value) is not int and (
        isinstance(value, bool) or not isinstance(value, (int, np.integer))
    ):
        raise TypeError(f"{what} must be {wanted}, got {with_type(value)}.")
    if value < low:
        raise ValueError(f"{what} must be {wanted}, got {value}.")
    if value > high:
        raise ValueError(f"{what} must be {wanted}, and at most {high}, got {value}.")


def check_name(value: Any, valid: Collection[str], what: str) -> None:
    """Raise unless `value` is one of the names in `valid`."""
    if isinstance(value, str) and value in valid:
        return
    names = ", ".join(map(repr, valid))
    if not isinstance(value, str):
        raise TypeError(f"{what} must be one of {names}, got {with_type(value)}.")
    raise ValueError(f"{what} must be one of {names}, got {value!r}.")


def check_euclidean(metric: Any, what: str) -> None:
    """Raise unless the metric is Euclidean, the only one that `what` supports."""
    check_name(metric, METRICS, "metric")
    if metric != "euclidean":
        raise ValueError(
            f"{what} goes by Euclidean distances, got metric={metric!r}: pass rows at "
            "unit length, "
            "X / np.linalg.norm(X, axis=1, keepdims=True), whose squared distances "
            "are twice the cosine distances."
        )


def check_n_clusters(k: int, n: int) -> None:
    """Raise when there are fewer rows than clusters."""
    if k > n:
        raise ValueError(f"n_samples={n} should be >= n_clusters={k}.")


#: Parameters for which any int from 1 to ANY_COUNT is right.
COUNTS = frozenset(["n_clusters", "n_init", "max_iter", "n_threads"])
ANY_COUNT = _MAX_THREADS

#: Parameters that all estimators have, and those by which a fit is watched.
SHARED: dict[str, Check] = {
    "n_clusters": lambda value: check_int(value, "n_clusters", 1, "an integer of at least 1"),
    "max_iter": lambda value: check_int(value, "max_iter", 1, "an integer of at least 1"),
    "tol": check_tol,
    "verbose": check_verbose,
    "n_threads": check_threads,
}
WATCHING: dict[str, Check] = {"max_time": check_max_time, "callback": check_callback}
