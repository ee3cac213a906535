"""Fitted models as files: a plain ``.npz`` that needs no pickle, so that opening one can run no code.

The archive holds ``ckmeans``, a header of JSON text with the format's version, parameters and fitted numbers,
and an array each for centers, counts, feature names and array parameters. NumPy alone can read it.
"""

import contextlib
import json
import os
import zipfile

import numpy as np

from ._validate import MAX_ABS, METRICS, fitted_centers, is_tree

FORMAT = "ckmeans model"
VERSION = 1  # raised when an older package could not read, or would misread, what is written

_CLASSES = ("KMeans", "MiniBatchKMeans", "BisectingKMeans")
_NUMBERS = {"inertia_": float, "n_iter_": int, "n_steps_": int, "n_features_in_": int, "converged_": bool, "stop_reason_": str}
#: Arrays that only some classes have: name -> (type, shape for k centers of d features).
_ARRAYS = {
    "seen_weights_": (np.float64, lambda k, d: (k,)),
    "tree_centers_": (np.float64, lambda k, d: (k - 1, 2, d)),
    "tree_children_": (np.int32, lambda k, d: (k - 1, 2)),
}


class ModelFileError(ValueError):
    """A file that is no model, is damaged, or comes from a later version than this one can read."""


@contextlib.contextmanager
def write_atomically(path):
    """Open `path` for writing bytes so that it holds all of them or, after an error, what it held before.

    Pipes and devices are written to directly.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            yield file
        return
    path = os.path.realpath(path)  # a link stays one
    # Beside the target, since a rename cannot cross file systems; opened plainly, for the usual permissions.
    partial = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.part"
    try:
        with open(partial, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(partial)
        raise


# ------------------------------------------------------------------------------------------------- writing


def save(model, path, *, labels=False):
    """Write a fitted model to exactly this path, as a ``.npz`` without pickle.

    Parameters
    ----------
    model : KMeans, MiniBatchKMeans or BisectingKMeans
        A fitted model. Its parameters are stored too: names and numbers as they are, array-like ones as
        arrays. A `random_state` that is a generator is stored as None: its state would not repeat the fit
        anyway, while ``runs_`` keeps the seed of every restart. So is a `callback`. A callable `init` is refused.
    path : str or path-like
        Replaced in one step when it exists; nothing is appended to the name.
    labels : bool
        Whether to store ``labels_`` too, 4 bytes per row of the data, from which `predict` gives them anyway.

    Raises
    ------
    NotFittedError
        The model is not fitted.
    TypeError
        A parameter is not a name, a number or an array.
    """
    import ckmeans

    centers = fitted_centers(model)
    if type(model).__name__ not in _CLASSES:
        raise TypeError(f"a model file holds a {' or '.join(_CLASSES)}, not a {type(model).__name__}")
    params, arrays = {}, {}
    for name, value in model.get_params(deep=False).items():
        plain = None if name == "callback" else _plain(name, value)
        if isinstance(plain, np.ndarray):
            arrays[f"param_{name}"] = plain
        else:
            params[name] = plain

    arrays["centers"] = centers.astype(np.float32) if np.asarray(model.cluster_centers_).dtype == np.float32 else centers
    if hasattr(model, "counts_"):  # unlike inertia and labels, an interrupted first run has its centers
        arrays["counts"] = np.asarray(model.counts_, dtype=np.int64)
    if hasattr(model, "feature_names_in_"):
        arrays["feature_names"] = np.array(model.feature_names_in_.tolist(), dtype=str)
    for name in _ARRAYS:
        if hasattr(model, name):
            arrays[name] = getattr(model, name)
    if labels:
        arrays["labels"] = np.asarray(model.labels_, dtype=np.int32)

    header = {
        "format": FORMAT,
        "version": VERSION,
        "package": ckmeans.__version__,
        "class": type(model).__name__,
        "params": params,
        "fitted": {
            name: kind(getattr(model, name)) for name, kind in _NUMBERS.items() if hasattr(model, name)
        },
        "runs": [list(run) for run in getattr(model, "runs_", ())],
    }
    text = json.dumps(header, default=np.generic.item)
    with write_atomically(path) as file:
        np.savez(file, ckmeans=np.array(text.encode()), **arrays)


def _plain(name, value):
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


# ------------------------------------------------------------------------------------------------- reading


def load(path):
    """Read a model that `KMeans.save` has written.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    model : KMeans, MiniBatchKMeans or BisectingKMeans
        It predicts what the saved one predicted, bit for bit.

    Raises
    ------
    ModelFileError
        The file is no model, is damaged, or was written by a later version of the package in a way that this
        one does not know. Nothing in a file is ever executed.
    OSError
        The file cannot be opened.

    Examples
    --------
    >>> import os, tempfile
    >>> from ckmeans import KMeans, load
    >>> path = os.path.join(tempfile.mkdtemp(), "model.npz")
    >>> KMeans(2, random_state=0).fit([[0.0], [1.0], [9.0]]).save(path)
    >>> load(path).inertia_
    0.5
    """
    path = os.fspath(path)
    with open(path, "rb") as file:
        try:
            header, arrays = _read(file)
            return _rebuild(header, arrays)
        except ModelFileError as error:
            raise ModelFileError(f"{path}: {error}") from None
        except Exception as error:  # whatever zipfile, json or numpy say to a damaged file
            raise ModelFileError(f"{path}: truncated or damaged: {type(error).__name__}: {error}") from error


def _read(file):
    """The header and the arrays of a model file."""
    if not zipfile.is_zipfile(file):
        raise ModelFileError("not a ckmeans model file, or a truncated one")
    with zipfile.ZipFile(file) as archive:
        # What is stored plainly cannot unfold into more than the file holds.
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ModelFileError("not written by ckmeans: its members are compressed")
    file.seek(0)
    with np.load(file, allow_pickle=False) as archive:
        if "ckmeans" not in archive.files:
            raise ModelFileError("not a ckmeans model file")
        header = json.loads(archive["ckmeans"].item())
        if header["format"] != FORMAT:
            raise ModelFileError("not a ckmeans model file")
        if header["version"] not in range(1, VERSION + 1):
            raise ModelFileError(
                f"written by ckmeans {header['package']} in version {header['version']!r} of the format, and "
                f"this one reads up to {VERSION}: a later ckmeans is needed"
            )
        return header, {name: archive[name] for name in archive.files if name != "ckmeans"}


def _rebuild(header, arrays):
    """The model, after a check of everything that `predict` relies on."""
    import ckmeans

    if header["class"] not in _CLASSES:
        raise ModelFileError(f"holds a {header['class']!r}, which this version does not know")
    cls = getattr(ckmeans, header["class"])
    params = dict(header["params"])
    params.update({name[6:]: array for name, array in arrays.items() if name.startswith("param_")})
    unknown = sorted(params.keys() - cls().get_params(deep=False).keys())
    if unknown:
        raise ModelFileError(f"has the parameter {unknown[0]!r}, which this version does not know")
    if params.get("metric", "euclidean") not in METRICS:      # it decides what predict says
        raise ModelFileError(f"has the metric {params['metric']!r}, which this version does not know")
    model = cls(**params)

    centers = arrays["centers"]
    if centers.ndim != 2 or 0 in centers.shape or centers.dtype not in (np.float32, np.float64):
        raise ModelFileError(f"centers of {centers.dtype} and shape {centers.shape} are not those of a model")
    if not float(np.abs(centers).max()) <= MAX_ABS:
        raise ModelFileError("has centers that are not finite")
    k, d = centers.shape
    for name, value in header["fitted"].items():
        if type(value) is not _NUMBERS.get(name):
            raise ModelFileError(f"has {value!r} as {name}")
        setattr(model, name, value)
    if model.n_features_in_ != d:
        raise ModelFileError(f"has {d} features in its centers and {model.n_features_in_} in its header")
    model.cluster_centers_ = np.ascontiguousarray(centers)
    if header["class"] == "KMeans":
        model.runs_ = tuple(ckmeans.Run(*run) for run in header["runs"])
    for name, (dtype, shape) in _ARRAYS.items():
        if name in arrays:
            if arrays[name].dtype != dtype or arrays[name].shape != shape(k, d):
                raise ModelFileError(f"has no proper {name} for its {k} centers")
            setattr(model, name, arrays[name])
    if header["class"] == "BisectingKMeans":
        _check_tree(model, k)
    if header["class"] == "MiniBatchKMeans" and not np.all(model.seen_weights_ >= 0):
        raise ModelFileError("has weights that are no weights")
    if "counts" in arrays:
        model.counts_ = arrays["counts"]
        if model.counts_.shape != (k,) or model.counts_.dtype != np.int64 or model.counts_.min() < 0:
            raise ModelFileError(f"has no proper counts for its {k} centers")
    if "feature_names" in arrays:
        names = arrays["feature_names"]
        if names.shape != (d,) or names.dtype.kind != "U":
            raise ModelFileError(f"has no proper names for its {d} features")
        model.feature_names_in_ = names.astype(object)
    if "labels" in arrays:
        labels = arrays["labels"]
        if labels.ndim != 1 or labels.dtype != np.int32 or not np.all((0 <= labels) & (labels < k)):
            raise ModelFileError("has labels that are none of its centers")
        model.labels_ = labels
    return model


def _check_tree(model, k):
    """Raise unless the splits form a tree whose leaves are the k labels: `predict` walks it."""
    if not np.abs(model.tree_centers_).max(initial=0.0) <= MAX_ABS:
        raise ModelFileError("has centers in its tree that are not finite")
    if not is_tree(model.tree_children_, k):
        raise ModelFileError("has splits that form no tree")
