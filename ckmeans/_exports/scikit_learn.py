"""Export of models to scikit-learn."""

from typing import Any

import numpy as np

from .._estimators.scaling import fitted_scaling
from .._input import checks as check
from .._input.optional_packages import need
from . import centers_of, divisors_of, nearest_center_model


def to_sklearn(model: Any, X: Any = None) -> Any:
    """A fitted `sklearn.cluster.KMeans` with the centers of `model`.

    Parameters
    ----------
    model : KMeans or MiniBatchKMeans
        Fitted.
    X : array-like of shape (n, d) or None, default=None
        Rows on which the labels of the two models are compared.

    Returns
    -------
    sklearn.cluster.KMeans, or a Pipeline of a Normalizer and a KMeans where metric="cosine", of a
        StandardScaler and a KMeans where the model scales
        With the parameters that both classes have, and `labels_`, `inertia_`, `n_iter_` as far as
        `model` has them.

    Raises
    ------
    TypeError
        `model` does not label rows by the nearest center.
    ImportError
        scikit-learn is not installed.
    ValueError
        With X: a label differs though the row is not equally near to both centers.

    Warns
    -----
    UserWarning
        With X: how many rows get another label, because two centers are equally near up to
        rounding. scikit-learn computes distances in the type of X by a matrix product; ckmeans
        decides such rows exactly.
    """
    cluster = need("sklearn.cluster", "to_sklearn")
    nearest_center_model(model, "scikit-learn's KMeans")
    k = len(centers_of(model))
    given = model.get_params(deep=False)
    kept = {name: given[name] for name in ("max_iter", "tol") if given.get(name) is not None}
    other = cluster.KMeans(k, n_init=1, random_state=None, **kept)
    divisors = divisors_of(model)
    centers = np.array(centers_of(model), dtype=np.asarray(model.cluster_centers_).dtype, order="C")
    other.cluster_centers_ = centers
    other.n_features_in_ = centers.shape[1]
    other._n_features_out = k
    other._n_threads = 1
    other._tol = 0.0
    for name in ("labels_", "inertia_", "n_iter_"):
        if hasattr(model, name):
            setattr(other, name, getattr(model, name))
    if model.metric == "cosine":
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import Normalizer

        normalizer = Normalizer().fit(centers[:1])
        other = make_pipeline(normalizer, other)
        names_on = normalizer
    elif divisors is not None:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        # A shift changes no distance, but scikit-learn's expanded form loses digits without one.
        # It takes the shift in the type of the rows: float32 holds this one exactly.
        middle = np.mean(np.asarray(model.cluster_centers_, dtype=np.float64), axis=0)
        middle = middle.astype(centers.dtype).astype(np.float64)
        scaler = StandardScaler()
        scaler.scale_, scaler.var_, scaler.mean_ = divisors.copy(), divisors**2, middle
        scaler.n_features_in_ = len(divisors)
        other.cluster_centers_ = (centers_of(model) - middle / divisors).astype(centers.dtype)
        scaler.n_samples_seen_ = int(np.sum(getattr(model, "counts_", 1)))
        other = make_pipeline(scaler, other)
        names_on = scaler
    else:
        names_on = other
    if hasattr(model, "feature_names_in_"):
        names_on.feature_names_in_ = model.feature_names_in_.copy()
    if X is not None:
        _compare(model, other, X)
    return other


def _compare(model: Any, other: Any, X: Any) -> None:
    """Warn about rows that the two models label differently; raise if one is not a near tie."""
    ours, theirs = model.predict(X), other.predict(X)
    rows = np.flatnonzero(ours != theirs)
    if not len(rows):
        return
    array, _ = check.as_matrix(X)
    distances = model.transform(np.asarray(array)[rows])
    near = distances[np.arange(len(rows)), ours[rows]]
    far = distances[np.arange(len(rows)), theirs[rows]]
    size = np.abs(np.asarray(array)[rows].astype(np.float64)).max(axis=1)
    size = np.maximum(size, np.abs(model.cluster_centers_).max())
    if hasattr(model, "scale_"):
        scaled = np.abs(fitted_scaling(model).inside(np.asarray(array)[rows])).max(axis=1)
        size = np.maximum(scaled, np.abs(centers_of(model)).max())
    # scikit-learn's squared distances are off by rounding of |x|^2, in the type of the centers.
    precision = np.finfo(np.asarray(model.cluster_centers_).dtype).eps
    if model.metric == "cosine":
        size = np.ones(len(rows))
    allowed = 64 * centers_of(model).shape[1] * precision * size**2
    if np.any(far.astype(np.float64) ** 2 - near.astype(np.float64) ** 2 > allowed):
        row = rows[np.argmax(far - near)]
        raise ValueError(
            f"row {row} of X gets label {ours[row]} here and {theirs[row]} from scikit-learn, "
            "and is not a near tie: are these rows like those that the model was fitted on?"
        )
    check.warn(
        f"{len(rows)} of {len(ours)} rows are equally near to two centers up to rounding, and get "
        f"another label from scikit-learn (the first is row {rows[0]})."
    )
