"""Import of models from other systems: the reverse of `centers_json` and `scikit_learn`."""

import json
import os
from typing import Any

import numpy as np

from .._estimators.kmeans import KMeans
from .._estimators.model_files import ModelFileError
from .._estimators.scaling import SCALES
from .._input import checks as check
from .._input.contiguous import contiguous
from .._input.optional_packages import need
from .centers_json import FORMAT, VERSION


def model_of(
    centers: np.ndarray, *, metric: str = "euclidean", names: Any = None, **fitted: Any
) -> KMeans:
    """A fitted `KMeans` with these centers.

    Parameters
    ----------
    centers : ndarray of shape (k, d), float32 or float64
    metric : {"euclidean", "cosine"}
    names : sequence of str or None
        Feature names.
    **fitted
        Further fitted attributes, without the underscore at the end.
    """
    model = KMeans(len(centers), metric=metric)
    model.cluster_centers_ = contiguous(centers)
    model.n_features_in_ = centers.shape[1]
    if names is not None:
        model.feature_names_in_ = np.array(list(names), dtype=object)
    model.runs_ = ()
    for name, value in fitted.items():
        setattr(model, name + "_", value)
    return model


def from_sklearn(other: Any) -> KMeans:
    """A fitted `ckmeans.KMeans` with the centers of a fitted scikit-learn model.

    Parameters
    ----------
    other : sklearn.cluster.KMeans or sklearn.cluster.MiniBatchKMeans
        Fitted.

    Returns
    -------
    KMeans
        With its centers, feature names, `labels_`, `counts_`, `inertia_` and `n_iter_`, where it
        has them, and the parameters that both classes have. Rows that are equally near to two
        centers up to rounding may get another label than in scikit-learn.

    Raises
    ------
    TypeError
        `other` is not one of these classes.
    NotFittedError
        `other` is not fitted.

    Examples
    --------
    >>> import ckmeans
    >>> from sklearn.cluster import KMeans                          # doctest: +SKIP
    >>> theirs = KMeans(2, random_state=0).fit([[0.0], [1.0], [9.0]])   # doctest: +SKIP
    >>> ckmeans.from_sklearn(theirs).inertia_                       # doctest: +SKIP
    0.5
    """
    cluster = need("sklearn.cluster", "from_sklearn")
    if not isinstance(other, (cluster.KMeans, cluster.MiniBatchKMeans)):
        raise TypeError(
            "from_sklearn takes a fitted sklearn.cluster.KMeans or MiniBatchKMeans, got "
            f"{check.with_type(other)}."
        )
    check.check_fitted(other)
    centers = np.asarray(other.cluster_centers_)
    if centers.dtype != np.float32:
        centers = centers.astype(np.float64)
    centers = check.as_centers(
        centers, len(centers), other.n_features_in_, centers.dtype, name="cluster_centers_"
    )
    fitted: dict[str, Any] = {}
    if hasattr(other, "labels_"):
        labels = np.asarray(other.labels_).astype(np.int32)
        fitted["labels"] = labels
        fitted["counts"] = np.bincount(labels, minlength=len(centers)).astype(np.int64)
    if hasattr(other, "inertia_"):
        fitted["inertia"] = float(other.inertia_)
    if hasattr(other, "n_iter_"):
        fitted["n_iter"] = int(other.n_iter_)
    names = getattr(other, "feature_names_in_", None)
    model = model_of(centers, names=names, **fitted)
    return model.set_params(max_iter=other.max_iter, tol=other.tol)


def from_json(source: Any) -> KMeans:
    """A fitted `KMeans` from the JSON text of `to_json`.

    Parameters
    ----------
    source : str or path-like
        The text itself (it begins with "{"), or the path of a file that holds it. "format" and
        "version" may be absent, and so may all but "centers": a plain ``{"centers": [[...], ...]}``
        is taken as float64.

    Returns
    -------
    KMeans
        It predicts what the exported model predicts, bit for bit.

    Raises
    ------
    ckmeans.ModelFileError
        The text is not JSON, or does not have this form.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> from ckmeans import from_json
    >>> from_json('{"centers": [[0.0, 0.0], [5.0, 5.0]]}').predict([[4.0, 4.5]])
    array([1], dtype=int32)
    """
    if isinstance(source, str) and source.lstrip().startswith("{"):
        text = source
    else:
        with open(os.fspath(source), encoding="utf-8") as file:
            text = file.read()
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ModelFileError(f"not JSON: {error}") from None
    if (
        not isinstance(found, dict)
        or "centers" not in found
        or found.get("format", FORMAT) != FORMAT
    ):
        raise ModelFileError('not the JSON form of centers: an object with "centers" is expected')
    if found.get("version", VERSION) not in range(1, VERSION + 1):
        raise ModelFileError(
            f"version {found['version']!r} of the JSON form, but this ckmeans reads up to "
            f"{VERSION}: a later one is needed"
        )
    dtype = found.get("dtype", "float64")
    metric = found.get("metric", "euclidean")
    if dtype not in ("float32", "float64"):
        raise ModelFileError(f'"dtype" is {dtype!r}; "float32" or "float64" is expected')
    if metric not in check.METRICS:
        raise ModelFileError(f'"metric" is {metric!r}; one of {check.METRICS} is expected')
    try:
        centers = np.array(found["centers"], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ModelFileError('"centers" must hold k lists of d numbers each') from None
    if centers.ndim != 2 or 0 in centers.shape or not np.abs(centers).max() <= check.MAX_ABS:
        raise ModelFileError('"centers" must hold k lists of d finite numbers each')
    k, d = centers.shape
    names = found.get("feature_names")
    if names is not None and not (
        isinstance(names, list) and len(names) == d and all(isinstance(name, str) for name in names)
    ):
        raise ModelFileError(f'"feature_names" must hold {d} strings, as "centers" has {d} columns')
    fitted: dict[str, Any] = {}
    counts, inertia = found.get("counts"), found.get("inertia")
    if counts is not None:
        if not (
            isinstance(counts, list)
            and len(counts) == k
            and all(type(count) is int and 0 <= count < 2**63 for count in counts)
        ):
            raise ModelFileError(f'"counts" must hold {k} whole numbers of at least 0')
        fitted["counts"] = np.array(counts, dtype=np.int64)
    if inertia is not None:
        if (
            isinstance(inertia, bool)
            or not isinstance(inertia, (int, float))
            or not 0 <= inertia < np.inf
        ):
            raise ModelFileError('"inertia" must be a number of at least 0')
        fitted["inertia"] = float(inertia)
    scale, divisors = found.get("scale"), found.get("divisors")
    if (scale is None) != (divisors is None) or scale not in (None, *SCALES):
        raise ModelFileError(f'"scale" is {scale!r}; one of {SCALES} is expected, and "divisors"')
    if divisors is not None:
        try:
            fitted["scale"] = np.array(divisors, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            fitted["scale"] = np.zeros(0)
        if fitted["scale"].shape != (d,) or not np.all(
            (0 < fitted["scale"]) & (fitted["scale"] <= check.MAX_ABS)
        ):
            raise ModelFileError(f'"divisors" must hold {d} numbers above 0')
    model = model_of(centers.astype(dtype), metric=metric, names=names, **fitted)
    return model.set_params(scale=scale)
