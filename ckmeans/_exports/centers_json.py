"""Centers as JSON text, for programs in any language."""

import json
import os

import numpy as np

from .. import _validate as check
from .._model import ModelFileError, write_atomically
from . import model_of, nearest_center_model

FORMAT = "ckmeans centers"
VERSION = 1


def to_json(model, path=None):
    """The centers of a model as JSON text.

    Parameters
    ----------
    model : KMeans or MiniBatchKMeans
        Fitted.
    path : str, path-like or None, default=None
        A file to write instead of returning the text.

    Returns
    -------
    text : str
        Only without `path`: an object with "format", "version", "metric", "dtype",
        "feature_names" (or null), "centers" (k lists of d numbers, written so that reading gives
        the same bits), "counts" and "inertia" (or null).
    """
    nearest_center_model(model, "the JSON form")
    counts, inertia = getattr(model, "counts_", None), getattr(model, "inertia_", None)
    names = getattr(model, "feature_names_in_", None)
    text = json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "metric": model.metric,
            "dtype": str(model.cluster_centers_.dtype),
            "feature_names": None if names is None else [str(name) for name in names],
            "centers": np.asarray(model.cluster_centers_, dtype=np.float64).tolist(),
            "counts": None if counts is None else np.asarray(counts).tolist(),
            "inertia": None if inertia is None else float(inertia),
        },
        allow_nan=False,
    )
    if path is None:
        return text
    with write_atomically(path) as file:
        file.write(text.encode())


def from_json(source):
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
        The text is no JSON, or not of this form.
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
    if not isinstance(found, dict) or "centers" not in found or found.get("format", FORMAT) != FORMAT:
        raise ModelFileError('not the JSON form of centers: an object with "centers" is expected')
    if found.get("version", VERSION) != VERSION:
        raise ModelFileError(
            f"version {found['version']!r} of the JSON form, but this ckmeans reads {VERSION}: "
            "a later one is needed"
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
    fitted = {}
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
        if isinstance(inertia, bool) or not isinstance(inertia, (int, float)) or not 0 <= inertia < np.inf:
            raise ModelFileError('"inertia" must be a number of at least 0')
        fitted["inertia"] = float(inertia)
    return model_of(centers.astype(dtype), metric=metric, names=names, **fitted)
