"""Export of fitted models to other systems, one file for each: scikit-learn, ONNX, SQL and JSON.

Each function turns a fitted model into something that the other system can run. The packages that
it needs are imported when it is called. All exports label rows by the nearest center, so
`BisectingKMeans`, which descends its tree, is refused.
"""

from typing import Any

import numpy as np

from .._estimators.scaling import fitted_scaling
from .._input.checks import check_plain, fitted_centers


def nearest_center_model(model: Any, what: str) -> None:
    """Raise unless `model` is fitted and labels each row by its nearest center."""
    check_plain(model, what)
    centers = fitted_centers(model)
    if hasattr(model, "tree_children_"):
        raise TypeError(
            f"{what} labels rows by the nearest center, but a {type(model).__name__} descends its "
            f"tree: fit KMeans({len(centers)}, init=model.cluster_centers_, "
            "n_init=1) "
            "and export that."
        )


def centers_of(model: Any) -> np.ndarray:
    """The centers (k, d) of a model as float64, C-contiguous, in the units in which distances are
    computed: columns are divided by `divisors_of` the model.
    """
    return fitted_scaling(model).inside(fitted_centers(model))


def divisors_of(model: Any) -> np.ndarray | None:
    """The divisors (d,) of the columns; None for a model that does not scale."""
    return fitted_scaling(model).divisors
