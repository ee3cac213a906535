"""A fitted model and new data: whether it is fitted, its arrays, its features."""

import math
from collections import Counter
from typing import Any

import numpy as np

from .._native.engine import largest_magnitude
from .._output.safe_text import terminal
from .arrays import as_matrix
from .contiguous import contiguous
from .errors import NotFittedError, compatible, shortened, warn
from .magnitudes import MAX_ABS, nonfinite_error
from .real_numbers import FLOAT32, FLOAT64, first_true


def check_fitted(est: Any) -> None:
    """Raise unless `est` has centers: it may be unfitted, or not a clustering."""
    if hasattr(est, "cluster_centers_"):
        return
    kind = type(est).__name__
    if hasattr(est, "steps"):
        raise TypeError(
            f"A {kind} has no centers. Pass its last step, pipeline[-1], and the rows as that step "
            "gets them, pipeline[:-1].transform(X)."
        )
    if hasattr(est, "best_estimator_"):
        raise TypeError(f"A {kind} has no centers. Pass its best_estimator_.")
    if not hasattr(est, "fit"):
        raise TypeError(f"A fitted model is needed, got {shortened(est)} of type {kind}.")
    raise compatible(NotFittedError)(
        f"This {kind} instance is not fitted yet. Call 'fit' with appropriate arguments before "
        "using this estimator."
    )


def check_ours(est: Any, what: str) -> None:
    """Raise for a fitted model of another package, which does not know what `what` asks it for."""
    if hasattr(est, "cluster_centers_") and not hasattr(est, "metric"):
        kind, library = type(est).__name__, type(est).__module__.partition(".")[0]
        remedy = (
            "ckmeans.from_sklearn(model)"
            if library == "sklearn" and kind in ("KMeans", "MiniBatchKMeans")
            else "ckmeans.KMeans(k, init=model.cluster_centers_, n_init=1).fit(X)"
        )
        raise TypeError(f"{what} takes a model of ckmeans, got {library}'s {kind}: pass {remedy}.")


def check_plain(est: Any, what: str) -> None:
    """Raise unless the model assigns rows to the nearest center by Euclidean or cosine distances
    over all features, the only ones that `what` supports.
    """
    check_ours(est, what)
    for name, plain in (("metric", ("euclidean", "cosine")), ("missing", ("error",))):
        value = getattr(est, name, plain[0])
        if value not in plain:
            raise ValueError(
                f"{what} cannot be used with a model of {name}={value!r}: goes with metric="
                "'euclidean' or 'cosine', and missing='error'."
            )


def fitted_centers(est: Any) -> np.ndarray:
    """The centers of a fitted model, (k, d) float64, C-contiguous.

    Attributes can be changed after a fit: raises unless these are finite centers with the number of
    features that the model has.
    """
    try:
        centers = est.cluster_centers_
    except AttributeError:
        check_fitted(est)
        raise
    if (
        type(centers) is not np.ndarray
        or centers.ndim != 2
        or centers.size == 0
        or centers.dtype not in (FLOAT64, FLOAT32)
    ):
        centers, _ = as_matrix(centers, name="cluster_centers_")
    d = centers.shape[1]
    if getattr(est, "n_features_in_", d) != d:
        raise _changed(
            "cluster_centers_",
            f"has {d} features, but n_features_in_ is {shortened(est.n_features_in_)}",
        )
    if getattr(est, "feature_names_in_", None) is not None and np.shape(est.feature_names_in_) != (
        d,
    ):
        raise _changed(
            "feature_names_in_",
            f"has shape {np.shape(est.feature_names_in_)}, but there are {d} features",
        )
    centers = contiguous(centers, FLOAT64)
    if not largest_magnitude(centers) <= MAX_ABS:
        row, column = first_true(~(np.abs(centers) <= MAX_ABS))
        raise nonfinite_error(centers, row, column, name="cluster_centers_")
    return centers


def absent_error(est: Any, name: str) -> Exception:
    """The error for a fitted model without one of the attributes of a fit."""
    return compatible(NotFittedError)(
        f"This {type(est).__name__} has no {name}: fit it (in one piece, and to the end) to have "
        "it."
    )


def feature_count(est: Any) -> Any:
    """The number of features of a fitted model."""
    if not hasattr(est, "n_features_in_"):
        raise absent_error(est, "n_features_in_")
    return est.n_features_in_


def fitted_array(
    est: Any,
    name: str,
    shape: tuple[int | None, ...],
    *,
    integers: bool = False,
    low: float = 0,
    high: float = math.inf,
) -> np.ndarray:
    """Another array attribute of a fit, checked in the same way: numbers from `low` to `high`.

    shape : tuple
        None stands for any size.
    """
    check_fitted(est)
    if not hasattr(est, name):
        raise absent_error(est, name)
    array = np.asarray(getattr(est, name))
    what = "whole numbers" if integers else "numbers"
    if array.dtype.kind not in ("iu" if integers else "iuf"):
        raise _changed(name, f"has dtype {array.dtype}, but holds {what}")
    if array.ndim != len(shape) or any(
        wanted not in (None, size) for wanted, size in zip(shape, array.shape)
    ):
        raise _changed(
            name,
            f"has shape {array.shape} where {str(shape).replace('None', 'n')} "
            "belongs to these centers",
        )
    if array.size and not low <= array.min() <= array.max() <= high:
        raise _changed(
            name,
            f"holds {array.min()} to {array.max()}, but must hold finite {what} "
            f"from {low} to {high}",
        )
    return array


def fitted_tree(est: Any, k: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """The splits of a `BisectingKMeans`, checked: centers (k - 1, 2, d) float64, C-contiguous, and
    children (k - 1, 2).
    """
    centers = fitted_array(est, "tree_centers_", (k - 1, 2, d), low=-MAX_ABS, high=MAX_ABS)
    children = np.array(
        fitted_array(est, "tree_children_", (k - 1, 2), integers=True, low=-k, high=k),
        dtype=np.int64,
    )
    if not is_tree(children, k):
        raise _changed("tree_children_", f"holds splits that do not end in {k} clusters")
    return contiguous(centers, FLOAT64), children


def is_tree(children: np.ndarray, k: int) -> bool:
    """Whether splits (k - 1, 2) form a tree whose leaves are the k labels: each leads to later
    ones, so that no walk goes in a circle.
    """
    splits, leaves = children[children >= 0], ~children[children < 0]
    ahead = children > np.arange(k - 1)[:, np.newaxis]
    return (
        bool(np.all(ahead | (children < 0)))
        and sorted(splits) == list(range(1, k - 1))
        and (k == 1 or sorted(leaves) == list(range(k)))
    )


def _changed(name: str, how: str) -> ValueError:
    return ValueError(f"{name} {how}: it has been changed since the fit, so fit again.")


def check_feature_count(est: Any, d: int) -> None:
    """Raise unless new data has as many features as the model."""
    expected = feature_count(est)
    if d != expected:
        raise ValueError(
            f"X has {d} features, but {type(est).__name__} is "
            f"expecting {expected} features as input."
        )


def check_feature_names(est: Any, names: np.ndarray | None, d: int, reset: bool) -> None:
    """Record (`reset`) the names and number of the features in a model, or check new data against
    them.
    """
    if reset:
        est.n_features_in_ = d
        if names is not None:
            est.feature_names_in_ = names
        elif hasattr(est, "feature_names_in_"):
            del est.feature_names_in_  # of an earlier fit
        return
    fitted: Any = getattr(est, "feature_names_in_", None)
    if names is fitted is None:
        pass
    elif names is None:
        warn(
            f"X does not have valid feature names, but {type(est).__name__} was fitted with "
            "feature names"
        )
    elif fitted is None:
        warn(f"X has feature names, but {type(est).__name__} was fitted without feature names")
    elif list(names) != list(fitted):
        raise _names_error(names, fitted)
    check_feature_count(est, d)


def check_input_features(est: Any, input_features: Any) -> None:
    """Raise unless the names given to `get_feature_names_out` are those of the fit."""
    if input_features is None:
        return
    fitted = getattr(est, "feature_names_in_", None)
    if fitted is not None and list(input_features) != list(fitted):
        raise ValueError("input_features is not equal to feature_names_in_")
    expected = feature_count(est)
    if len(input_features) != expected:
        raise ValueError(
            "input_features should have length equal to number of features "
            f"({expected}), "
            f"got {len(input_features)}"
        )


def _names_error(names: Any, fitted: Any) -> ValueError:
    """The error for columns that are not those of the fit, saying which."""
    lines = ["The feature names should match those that were passed during fit."]
    unseen, missing = sorted(set(names) - set(fitted)), sorted(set(fitted) - set(names))
    for title, differing in (
        ("Feature names unseen at fit time:", unseen),
        ("Feature names seen at fit time, yet now missing:", missing),
    ):
        if differing:
            lines += [title, *(f"- {terminal(label)}" for label in differing[:5])]
            if len(differing) > 5:
                lines.append("- ...")
    if sorted(names) == sorted(fitted):
        lines.append("Feature names must be in the same order as they were in fit.")
    counts = Counter(names), Counter(fitted)
    several = [name for name in counts[1] if max(count[name] for count in counts) > 1]
    if missing:
        pass
    elif several:
        lines.append(
            f"Several columns are called {terminal(several[0])}: pass the columns of the fit by "
            "their places, X.iloc[:, places], or give each column a name of its own."
        )
    else:
        lines.append("Pass the columns of the fit: X[list(model.feature_names_in_)].")
    return ValueError("\n".join(lines) + "\n")
