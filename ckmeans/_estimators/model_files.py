"""Writing of model files: a plain ``.npz`` without pickle, so that opening one cannot run code.

The archive holds ``ckmeans``, a header of JSON text with the format's version, parameters and
fitted numbers, and an array each for centers, counts, feature names and array parameters. NumPy
alone can read it.
"""

import contextlib
import io
import json
import os
import stat
from typing import Any

import numpy as np

from .._input.checks import fitted_centers
from .._input.configuration import __version__
from .._output.files import write_atomically

FORMAT = "ckmeans model"
VERSION = 1  # increased when older versions of the package could not read a file correctly

CLASSES = ("KMeans", "MiniBatchKMeans", "BisectingKMeans", "FuzzyCMeans")
NUMBERS: dict[str, Any] = {
    "inertia_": float,
    "weight_": float,
    "n_iter_": int,
    "n_steps_": int,
    "n_features_in_": int,
    "converged_": bool,
    "stop_reason_": str,
}
#: Without the others are models that did not come from a fit in one piece.
ALWAYS = ("n_features_in_",)
#: Types of the fields of a `Run`.
RUN = ((int, type(None)), (float, int), (int,), (str,), (float, int))
#: Arrays that only some classes have: name -> (type, shape for k centers of d features).
ARRAYS: dict[str, tuple[Any, Any]] = {
    "seen_weights_": (np.float64, lambda k, d: (k,)),
    "scale_": (np.float64, lambda k, d: (d,)),
    "typical_distances_": (np.float64, lambda k, d: (k,)),
    "column_means_": (np.float64, lambda k, d: (d,)),
    "tree_centers_": (np.float64, lambda k, d: (k - 1, 2, d)),
    "tree_children_": (np.int32, lambda k, d: (k - 1, 2)),
}


class ModelFileError(ValueError):
    """A file that is not a model, is damaged, or was written by a later version of the package."""


def save(model: Any, path: Any, *, labels: bool = False) -> None:
    """Write a fitted model to exactly this path, as a ``.npz`` without pickle.

    Parameters
    ----------
    model : KMeans, MiniBatchKMeans or BisectingKMeans
        A fitted model. Its parameters are stored too: names and numbers as they are, array-like
        ones as arrays. A `random_state` that is a generator is stored as None: its state would not
        repeat the fit anyway, while ``runs_`` keeps the seed of every restart. So is a `callback`.
        A callable `init` is refused.
    path : str or path-like
        Replaced in one step when it exists; nothing is appended to the name.
    labels : bool
        Whether to store ``labels_`` too, 4 bytes per row of the data, from which `predict` gives
        them anyway.

    Raises
    ------
    NotFittedError
        The model is not fitted.
    TypeError
        A parameter is not a name, a number or an array.
    """
    centers = fitted_centers(model)
    if type(model).__name__ not in CLASSES:
        raise TypeError(
            f"a model file holds a {' or '.join(CLASSES)}, not a {type(model).__name__}"
        )
    params: dict[str, Any] = {}
    arrays: dict[str, Any] = {}
    for name, value in model.get_params(deep=False).items():
        plain = None if name == "callback" else _plain(name, value)
        if isinstance(plain, np.ndarray):
            arrays[f"param_{name}"] = plain
        else:
            params[name] = plain

    arrays["centers"] = (
        centers.astype(np.float32)
        if np.asarray(model.cluster_centers_).dtype == np.float32
        else centers
    )
    if hasattr(
        model, "counts_"
    ):  # unlike inertia and labels, an interrupted first run has its centers
        arrays["counts"] = np.asarray(model.counts_, dtype=np.int64)
    if hasattr(model, "feature_names_in_"):
        arrays["feature_names"] = np.array(model.feature_names_in_.tolist(), dtype=str)
    for name in ARRAYS:
        if hasattr(model, name):
            arrays[name] = getattr(model, name)
    if labels:
        arrays["labels"] = np.asarray(model.labels_, dtype=np.int32)

    header = {
        "format": FORMAT,
        "version": VERSION,
        "package": __version__,
        "class": type(model).__name__,
        "params": params,
        "fitted": {
            name: kind(getattr(model, name))
            for name, kind in NUMBERS.items()
            if hasattr(model, name)
        },
        "runs": [list(run) for run in getattr(model, "runs_", ())],
    }
    text = json.dumps(header, default=np.generic.item)
    with write_atomically(path) as file:
        # Devices and pipes have no places to go back to, even if they, as /dev/null, say so.
        made = io.BytesIO()
        plain = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        np.savez(file if plain else made, ckmeans=np.array(text.encode()), **arrays)
        file.write(made.getbuffer())


def _plain(name: str, value: Any) -> Any:
    """A parameter as something JSON can hold or as an array of numbers."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.random.RandomState, np.random.Generator)):
        return None
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, str) for item in value):
        return list(value)
    if not callable(value):
        with contextlib.suppress(ValueError):  # of ragged lists
            array = np.asarray(value)
            if array.ndim and array.dtype.kind in "biuf":
                return array
    remedy = "init=model.cluster_centers_" if name == "init" else f"{name}=None"
    raise TypeError(
        f"{name} is a {type(value).__name__}, which a model file cannot hold: call "
        f"model.set_params({remedy}) or the like before saving."
    )
