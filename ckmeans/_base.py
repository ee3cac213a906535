"""What all models of the package share: new rows against the centers, and scikit-learn's manners."""
import functools
import os
from threading import get_ident
from time import sleep

import numpy as np

from . import _validate as check
from ._config import memory_is_short, thread_count
from ._native.engine import Data
from ._sklearn import Manners
from ._sparse import SparseRows


def open_data(array, names, weights, n_threads, packed=False, unit=False):
    """The engine's view of checked rows; raises where a value is not finite or too large."""
    if packed and array.size > 1 << 24 and memory_is_short(4 * array.size):
        packed = False
    data = Data(array, weights, thread_count(n_threads), packed, unit=unit)
    check_values(array, names, data)
    if weights is not None:
        check.check_products(weights, max(data.high.max(), -data.low.min()), *array.shape)
    return data


def check_values(array, names, data):
    """Raise where a value is not finite or too large."""
    if data.low is None:
        data.scan()
    if not data.finite or max(data.high.max(), -data.low.min()) > check.MAX_ABS:
        raise bad_value(array, names, limit=check.MAX_UNIT if data.unit else check.MAX_ABS)


def unit_rows(array):
    """A copy of the rows at unit length, as the engine has them."""
    return Data(array, None, 1, False, unit=True).take(np.arange(len(array)))


def bad_value(array, names, first=0, limit=check.MAX_ABS):
    """The error for the first value that is not finite or too large, found block by block; `first` is the position of row 0."""
    if isinstance(array, SparseRows):
        for place in np.flatnonzero(~(np.abs(array.data, dtype=np.float64) <= limit)).tolist():
            if array.indptr[0] <= place < array.indptr[-1]:
                row = int(np.searchsorted(array.indptr, place, side="right")) - 1
                return check.nonfinite_error(array, row, int(array.indices[place]), names, limit=limit, start=first)
    rows = max(1, (1 << 20) // array.shape[1])
    for start in range(0, len(array), rows):
        block = array[start : start + rows].astype(np.float64)
        bad = ~(np.abs(block) <= limit)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            return check.nonfinite_error(array, start + int(row), int(column), names, limit=limit, start=first)
    return ValueError("X has been changed while it was read: pass a copy of it.")


#: The threads in which estimators are being fitted, by the ids of these; each in a list that is nobody else's.
_turns = {}

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turns.clear)        # those threads have stayed behind


def alone(fit):
    """A method that fits, for one thread at a time: others wait, or they would find and leave a model that is half of each."""
    @functools.wraps(fit)
    def fit_alone(self, *args, **kwargs):
        key, turn = id(self), [get_ident()]
        try:
            while (other := _turns.setdefault(key, turn)) is not turn:
                if other == turn:
                    raise RuntimeError(f"this {type(self).__name__} is being fitted already, by the call that this one comes from (a callback, "
                                       "an init, a signal handler): fit a clone of it.")
                sleep(0.002)
            return fit(self, *args, **kwargs)
        finally:
            if _turns.get(key) is turn:
                del _turns[key]

    return fit_alone


def keep_result(model, best, runs, names, d, **more):
    """Give a model the attributes of its best run, all at once, for other threads may look; `more` of them, but labels only there.

    Warns where fewer clusters than asked for have rows.
    """
    check.check_feature_names(model, names, d, reset=True)
    model.__dict__.update(more, cluster_centers_=best.centers, counts_=best.counts, inertia_=best.inertia, n_iter_=best.n_iter,
                          stop_reason_=best.stop_reason, converged_=best.stop_reason in ("labels", "tol"), runs_=tuple(runs))
    found = int(np.count_nonzero(best.counts))
    if found < model.n_clusters:
        check.warn(f"Number of distinct clusters ({found}) found smaller than n_clusters ({model.n_clusters}). "
                   "X may have fewer distinct rows than that.", check.ConvergenceWarning)


class CenterModel(Manners):
    """A model that assigns rows to the nearest of its `cluster_centers_`."""

    metric = "euclidean"      # where it is no parameter

    @property
    def _unit(self):
        """Whether rows count by their direction only."""
        check.check_name(self.metric, check.METRICS, "metric")
        return self.metric == "cosine"

    def _open(self, X, sample_weight=None):
        """New rows, checked against the model."""
        self._centers()
        array, names = check.as_matrix(X, sparse=True)
        check.check_feature_names(self, names, array.shape[1], reset=False)
        return open_data(array, names, check.as_weights(sample_weight, len(array)), self.n_threads, unit=self._unit)

    def _centers(self):
        return check.fitted_centers(self)

    def predict(self, X):
        """The nearest center of each row.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)

        Returns
        -------
        labels : ndarray of shape (n,), int32
        """
        centers = self._centers()
        array, names = check.as_matrix(X, sparse=True)
        check.check_feature_names(self, names, array.shape[1], reset=False)
        return self._predict(array, names, centers)

    def _predict(self, array, names, centers):
        # One pass: rows are checked while they are assigned, and looked at once more only where something is odd.
        data = Data(array, None, thread_count(self.n_threads), False, scan=False, unit=self._unit)
        labels = data.assign(centers)
        if data.overflow:
            check_values(array, names, data)
        return labels

    def fit_predict(self, X, y=None, sample_weight=None):
        """Fit, and return the labels of the rows."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def transform(self, X):
        """Distances of each row to every center: Euclidean, or cosine distances, which are 1 less the cosine.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)

        Returns
        -------
        distances : ndarray of shape (n, k)
            float32 for float32 rows, float64 for any other: roots of sums of squared differences, which float64 adds up feature after
            feature. Those of float64 rows of which most is zero (7 in 8 of at least 64 features) are more exact yet: of the true
            squared distance, rounded once. Sparse rows give the very numbers of the dense array.
        """
        centers = self._centers()
        array, names = check.as_matrix(X, sparse=True)
        check.check_feature_names(self, names, array.shape[1], reset=False)
        data = Data(array, None, thread_count(self.n_threads), False, scan=False, unit=self._unit)
        distances = data.distances(centers)
        if data.overflow:                    # as in _predict
            check_values(array, names, data)
        return self._contained(distances, X)

    def fit_transform(self, X, y=None, sample_weight=None):
        """Fit, and return the distances of the rows to every center."""
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def score(self, X, y=None, sample_weight=None):
        """The negative of the inertia that these rows have: higher is better."""
        data, centers = self._open(X, sample_weight), self._centers()
        return -data.inertia(centers, data.assign(centers))

    def save(self, path):
        """Write the fitted model to a file that `ckmeans.load` reads: a plain .npz, no pickle."""
        from ._model import save

        save(self, path)
