"""Centers as JSON text, for programs in any language."""

import json
from typing import Any

import numpy as np

from .._input.checks import fitted_centers
from .._output.files import write_atomically
from . import divisors_of, nearest_center_model

FORMAT = "ckmeans centers"
#: 2 for models that scale, which version 1 would misread.
VERSION = 2


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
        the same bits), "counts" and "inertia" (or null). A model that scales has "version" 2,
        "scale" and "divisors": columns of rows and of "centers", which are in the units of the
        data, are divided by these before they are compared.
    """
    nearest_center_model(model, "the JSON form")
    divisors = divisors_of(model)
    counts, inertia = getattr(model, "counts_", None), getattr(model, "inertia_", None)
    names = getattr(model, "feature_names_in_", None)
    text = json.dumps(
        {
            "format": FORMAT,
            "version": 1 if divisors is None else VERSION,
            "metric": model.metric,
            "dtype": str(np.asarray(model.cluster_centers_).dtype),
            "feature_names": None if names is None else [str(name) for name in names],
            "centers": fitted_centers(model).tolist(),
            **({} if divisors is None else {"scale": model.scale, "divisors": divisors.tolist()}),
            "counts": None if counts is None else np.asarray(counts).tolist(),
            "inertia": None if inertia is None else float(inertia),
        },
        allow_nan=False,
    )
    if path is None:
        return text
    with write_atomically(path) as file:
        file.write(text.encode())
