"""Models to and from scikit-learn."""

import numpy as np

from .. import _validate as check
from .._extras import need
from . import centers_of, model_of, nearest_center_model


def to_sklearn(model, X=None):
    """A fitted `sklearn.cluster.KMeans` with the centers of `model`.

    Parameters
    ----------
    model : KMeans or MiniBatchKMeans
        Fitted.
    X : array-like of shape (n, d) or None, default=None
        Rows on which the labels of both are compared.

    Returns
    -------
    sklearn.cluster.KMeans, or a Pipeline of a Normalizer and a KMeans where metric="cosine"
        With the parameters that both know, and `labels_`, `inertia_`, `n_iter_` as far as `model`
        has them.

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
    k = len(model.cluster_centers_)
    given = model.get_params(deep=False)
    kept = {name: given[name] for name in ("max_iter", "tol") if given.get(name) is not None}
    other = cluster.KMeans(k, n_init=1, random_state=None, **kept)
    centers = np.array(model.cluster_centers_, order="C")
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
    else:
        names_on = other
    if hasattr(model, "feature_names_in_"):
        names_on.feature_names_in_ = model.feature_names_in_.copy()
    if X is not None:
        _compare(model, other, X)
    return other


def _compare(model, other, X):
    """Warn of rows that both label differently; raise where one of them is no near tie."""
    ours, theirs = model.predict(X), other.predict(X)
    rows = np.flatnonzero(ours != theirs)
    if not len(rows):
        return
    array, _ = check.as_matrix(X)
    distances = model.transform(np.asarray(array)[rows])
    near = distances[np.arange(len(rows)), ours[rows]]
    far = distances[np.arange(len(rows)), theirs[rows]]
    size = np.abs(np.asarray(array)[rows].astype(np.float64)).max(axis=1)
    size = np.maximum(size, np.abs(centers_of(model)).max())
    # scikit-learn's squared distances are off by rounding of |x|^2, in the type of the centers.
    precision = np.finfo(model.cluster_centers_.dtype).eps
    if model.metric == "cosine":
        size = np.ones(len(rows))
    allowed = 64 * model.cluster_centers_.shape[1] * precision * size**2
    if np.any(far.astype(np.float64) ** 2 - near.astype(np.float64) ** 2 > allowed):
        row = rows[np.argmax(far - near)]
        raise ValueError(
            f"row {row} of X gets label {ours[row]} here and {theirs[row]} from scikit-learn, "
            "and is no near tie: are these rows of the kind that the model was fitted on?"
        )
    check.warn(
        f"{len(rows)} of {len(ours)} rows are equally near to two centers up to rounding, and get "
        f"another label from scikit-learn (the first is row {rows[0]})."
    )


def from_sklearn(other):
    """A fitted `ckmeans.KMeans` with the centers of a fitted scikit-learn model.

    Parameters
    ----------
    other : sklearn.cluster.KMeans or sklearn.cluster.MiniBatchKMeans
        Fitted.

    Returns
    -------
    KMeans
        With its centers, feature names, `labels_`, `counts_`, `inertia_` and `n_iter_`, as far as
        it has them, and the parameters that both know. Rows that are equally near to two centers up
        to rounding may get another label than in scikit-learn.

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
            f"{check._typed(other)}."
        )
    check.check_fitted(other)
    centers = np.asarray(other.cluster_centers_)
    if centers.dtype != np.float32:
        centers = centers.astype(np.float64)
    centers = check.as_centers(
        centers, len(centers), other.n_features_in_, centers.dtype, name="cluster_centers_"
    )
    fitted = {}
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
