"""Centers as JSON text, for programs in any language."""

import json
from typing import Any

import numpy as np

from .._output.files import write_atomically
from . import centers_of, nearest_center_model

FORMAT = "ckmeans centers"
VERSION = 1


def to_json(model: Any, path: Any = None) -> Any:
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
            "dtype": str(np.asarray(model.cluster_centers_).dtype),
            "feature_names": None if names is None else [str(name) for name in names],
            "centers": centers_of(model).tolist(),
            "counts": None if counts is None else np.asarray(counts).tolist(),
            "inertia": None if inertia is None else float(inertia),
        },
        allow_nan=False,
    )
    if path is None:
        return text
    with write_atomically(path) as file:
        file.write(text.encode())
