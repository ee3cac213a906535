"""Reading of model files. Whatever a file holds, reading it runs no code and takes no more memory
than the size of the file.
"""

import math
import os
from typing import Any

import numpy as np

from .._input.archives import DAMAGE, ArchiveError, Members, read_header
from .._input.checks import MAX_ABS, MISSING, is_tree
from .._input.contiguous import contiguous
from .bisecting import BisectingKMeans
from .fuzzy import FuzzyCMeans
from .kmeans import KMeans
from .minibatch import MiniBatchKMeans
from .model_files import ALWAYS, ARRAYS, CLASSES, FORMAT, NUMBERS, RUN, VERSION, ModelFileError
from .restarts import Run

_CLASSES = {cls.__name__: cls for cls in (KMeans, MiniBatchKMeans, BisectingKMeans, FuzzyCMeans)}
assert tuple(_CLASSES) == CLASSES


def load(path: Any) -> Any:
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
        The file is not a model, is damaged, or was written by a later version of the package in a
        form that this version does not know. Nothing in a file is ever executed.
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
            return _rebuild(*_read(file))
        except (MemoryError, TimeoutError):
            raise
        except ArchiveError as error:
            raise ModelFileError(
                f"{path}: not a ckmeans model file, or a damaged one: {error}"
            ) from None
        except ModelFileError as error:
            raise ModelFileError(f"{path}: {error}") from None
        except DAMAGE as error:
            raise ModelFileError(
                f"{path}: truncated or damaged: {type(error).__name__}: {error}"
            ) from error


def _read(file: Any) -> Any:
    """The header of a model file, and its arrays, which are not read yet."""
    header, members = read_header(file, "ckmeans")
    if header["format"] != FORMAT:
        raise ModelFileError("not a ckmeans model file")
    if header["version"] not in range(1, VERSION + 1):
        raise ModelFileError(
            f"written by ckmeans {header['package']} in version {header['version']!r} of the "
            "format, and "
            f"this one reads up to {VERSION}: a later ckmeans is needed"
        )
    return header, members


def _rebuild(header: dict[str, Any], members: Members) -> Any:
    """The model, after a check of everything that `predict` relies on; of arrays, before they are
    read.
    """
    if header["class"] not in _CLASSES:
        raise ModelFileError(f"holds a {header['class']!r}, which this version does not know")
    cls = _CLASSES[header["class"]]
    params = dict(header["params"])
    arrays = [name[6:] for name in members if name.startswith("param_")]
    unknown = sorted({*params, *arrays} - cls().get_params(deep=False).keys())
    if unknown:
        raise ModelFileError(f"has the parameter {unknown[0]!r}, which this version does not know")
    if params.get("metric", "euclidean") not in cls._metrics:  # `predict` depends on it
        raise ModelFileError(
            f"has the metric {params['metric']!r}, which this version does not know"
        )
    if params.get("missing", "error") not in MISSING:
        raise ModelFileError(f"has missing={params['missing']!r}, which this version does not know")

    dtype, shape, _, _ = members.layout("centers")
    if len(shape) != 2 or 0 in shape or dtype not in (np.float32, np.float64):
        raise ModelFileError(f"centers of {dtype} and shape {shape} are not those of a model")
    k, d = shape

    def array(name, kinds, wanted, what):
        """One that is no more than there is to say of k centers of d features; None where there is
        none.
        """
        if name not in members:
            return None
        dtype, shape, _, _ = members.layout(name)
        if (
            (dtype.kind if kinds == "U" else dtype) not in kinds
            or shape != (wanted or shape)
            or len(shape) > 3
        ):
            raise ModelFileError(f"has no proper {what}: {dtype} of shape {shape}")
        return members.read(name)

    for name in arrays:
        params[name] = members.read(f"param_{name}")
    model: Any = cls(**params)
    centers = members.read("centers")
    if not float(np.abs(centers).max()) <= MAX_ABS:
        raise ModelFileError("has centers that are not finite")
    for name, value in header["fitted"].items():
        if (
            type(value) is not NUMBERS.get(name)
            or not isinstance(value, str)
            and not 0 <= value < math.inf
        ):
            raise ModelFileError(f"has {value!r} as {name}")
        setattr(model, name, value)
    for name in ALWAYS:
        if name not in header["fitted"]:
            raise ModelFileError(f"is damaged: it does not say {name}")
    if model.n_features_in_ != d:
        raise ModelFileError(
            f"has {d} features in its centers and {model.n_features_in_} in its header"
        )
    model.cluster_centers_ = contiguous(centers)
    if header["class"] in ("KMeans", "FuzzyCMeans"):
        for run in header["runs"]:
            if len(run) != len(RUN) or not all(
                type(field) in types for field, types in zip(run, RUN)
            ):
                raise ModelFileError(f"is damaged: it has {run!r} as the record of a run")
        model.runs_ = tuple(Run(*run) for run in header["runs"])
    for name, (kind, shape_of) in ARRAYS.items():
        found = array(name, (kind,), shape_of(k, d), f"{name} for its {k} centers")
        if found is not None:
            setattr(model, name, found)
    scaled = model.__dict__.get("scale_")
    if (scaled is None) != (params.get("scale") is None):
        raise ModelFileError("has a scaling without its numbers, or numbers of none")
    if scaled is not None and not (scaled.min() > 0 and scaled.max() <= MAX_ABS):
        raise ModelFileError("has a scaling that is not positive")
    if not np.abs(model.__dict__.get("column_means_", np.zeros(1))).max() <= MAX_ABS:
        raise ModelFileError("has means of columns that are not finite")
    if not np.all(model.__dict__.get("typical_distances_", np.zeros(1)) >= 0):
        raise ModelFileError("has typical distances that are no distances")
    if header["class"] == "BisectingKMeans":
        _check_tree(model, k)
    if header["class"] == "MiniBatchKMeans" and not np.all(model.seen_weights_ >= 0):
        raise ModelFileError("has weights that are no weights")
    counts = array("counts", (np.int64,), (k,), f"counts for its {k} centers")
    if counts is not None:
        if counts.min() < 0:
            raise ModelFileError(f"has no proper counts for its {k} centers: one is {counts.min()}")
        model.counts_ = counts
    names = array("feature_names", "U", (d,), f"names for its {d} features")
    if names is not None:
        model.feature_names_in_ = names.astype(object)
    labels = array("labels", (np.int32,), None, "labels")
    if labels is not None:
        least = 0 if params.get("n_outliers") is None else -1
        if labels.ndim != 1 or not np.all((least <= labels) & (labels < k)):
            raise ModelFileError("has labels that are none of its centers")
        model.labels_ = labels
    return model


def _check_tree(model: Any, k: int) -> None:
    """Raise unless the splits form a tree whose leaves are the k labels: `predict` walks it."""
    if not np.abs(model.tree_centers_).max(initial=0.0) <= MAX_ABS:
        raise ModelFileError("has centers in its tree that are not finite")
    if not is_tree(model.tree_children_, k):
        raise ModelFileError("has splits that do not form a tree")
