"""What all estimators share: checks of rows, results of a fit, `predict`, `transform`, `score`."""

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import get_ident
from time import sleep
from typing import Any, TypeVar, cast

import numpy as np

from .._input import checks as check
from .._input.configuration import memory_is_short, thread_count
from .._input.errors import changed_error
from .._input.sparse import SparseRows
from .._native.engine import Data, exact_sum
from .shares import check_temperature, shares, temperature_of
from .sklearn_manners import Manners

#: A method that fits.
Fit = TypeVar("Fit", bound=Callable[..., Any])


def open_data(
    array: Any,
    names: np.ndarray | None,
    weights: np.ndarray | None,
    n_threads: int | None,
    packed: bool = False,
    unit: bool = False,
    compared: bool = False,
    metric: str = "euclidean",
) -> Data:
    """The engine's view of checked rows; raises if a value is not finite or too large.

    Parameters
    ----------
    packed : bool
        Whether to keep a packed copy of the rows, if there is memory for it.
    unit : bool
        Whether rows are scaled to unit length (cosine k-means).
    compared : bool
        Whether rows are compared with each other; then it also raises if all rows are so close that
        their squared distances would underflow, or nothing is there in a column.
    metric : {"euclidean", "manhattan", "gaps"}
        As of the engine's `Data`.
    """
    if isinstance(array, SparseRows):
        check_dense(metric)
    if packed and array.size > 1 << 24 and memory_is_short(4 * array.size):
        packed = False
    data = Data(array, weights, thread_count(n_threads), packed, unit=unit, metric=metric)
    check_values(array, names, data)
    if weights is not None:
        check.check_products(weights, max(data.high.max(), -data.low.min()), *array.shape)
    if compared and metric == "gaps" and not (data.low <= data.high).all():
        raise check.empty_column_error(int(np.argmin(data.low <= data.high)), names)
    if compared and not unit:
        check.check_span(data.low, data.high, 1.0 if weights is None else float(weights.max()))
    return data


def check_values(array: Any, names: np.ndarray | None, data: Data) -> None:
    """Raise where a value is not finite or too large."""
    if data.low is None:
        data.scan()
    if not data.finite or max(data.high.max(), -data.low.min()) > check.MAX_ABS:
        raise bad_value(
            array,
            names,
            limit=check.MAX_UNIT if data.unit else check.MAX_ABS,
            gaps=data.present is not None,
        )
    check_rows(data)


def check_rows(data: Data) -> None:
    """Raise where nothing is there of a row."""
    if data.present is not None and not data.present.all():
        raise check.empty_row_error(np.flatnonzero(data.present == 0))


def check_dense(metric: str) -> None:
    """Raise if a metric is not one that sparse rows may have."""
    if metric != "euclidean":
        what = "missing='ignore'" if metric == "gaps" else f"metric={metric!r}"
        raise ValueError(
            f"{what} cannot be used with sparse X: pass X.toarray(), where that fits into memory."
        )


def unit_rows(array: Any) -> np.ndarray:
    """A copy of the rows at unit length, as the engine has them."""
    return Data(array, None, 1, False, unit=True).take(np.arange(len(array)))


def bad_value(
    array: Any,
    names: np.ndarray | None,
    first: int = 0,
    limit: float = check.MAX_ABS,
    gaps: bool = False,
) -> ValueError:
    """The error for the first value that is not finite or too large; `first` is the position of
    row 0. With `gaps` NaN is not one of them.
    """
    if isinstance(array, SparseRows):
        for place in np.flatnonzero(~(np.abs(array.data, dtype=np.float64) <= limit)).tolist():
            if array.indptr[0] <= place < array.indptr[-1]:
                row = int(np.searchsorted(array.indptr, place, side="right")) - 1
                return check.nonfinite_error(
                    array, row, int(array.indices[place]), names, limit=limit, start=first
                )
    rows = max(1, (1 << 20) // array.shape[1])
    for start in range(0, len(array), rows):
        block = array[start : start + rows].astype(np.float64)
        bad = np.abs(block) > limit if gaps else ~(np.abs(block) <= limit)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            return check.nonfinite_error(
                array, start + int(row), int(column), names, limit=limit, start=first
            )
    return changed_error()


#: id of an estimator that is being fitted -> the identifier of its thread, in a list that is unique
#: to the call.
_turns: dict[int, list[int]] = {}

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turns.clear)  # the child has no such threads


def alone(fit: Fit) -> Fit:
    """Decorator of methods that fit: other threads wait until the fit has ended, since the results
    of two fits would be mixed.
    """

    @functools.wraps(fit)
    def fit_alone(self, *args, **kwargs):
        key, turn = id(self), [get_ident()]
        try:
            while (other := _turns.setdefault(key, turn)) is not turn:
                if other == turn:
                    raise RuntimeError(
                        f"this {type(self).__name__} is being fitted already, by the call that "
                        "this one comes from (a callback, an init, a signal handler): fit a clone "
                        "of it."
                    )
                sleep(0.002)
            return fit(self, *args, **kwargs)
        finally:
            if _turns.get(key) is turn:
                del _turns[key]

    return cast(Fit, fit_alone)


#: Attributes that not every fit sets: those of an earlier fit are removed.
OPTIONAL = ("feature_names_in_", "labels_", "counts_", "inertia_", "history_", "weight_")


def keep_fitted(model: Any, names: np.ndarray | None, d: int, fitted: dict[str, Any]) -> None:
    """Set all attributes of a fit in one step, so that an exception (raised by a signal at any
    moment) never leaves attributes of two different fits.
    """
    fitted = {**fitted, "n_features_in_": d, "feature_names_in_": names}
    state = {name: value for name, value in model.__dict__.items() if name not in OPTIONAL}
    state.update((name, value) for name, value in fitted.items() if value is not None)
    model.__dict__ = state


def keep_result(
    model: Any,
    best: Any,
    runs: Iterable[Any],
    names: np.ndarray | None,
    d: int,
    interrupted: bool = False,
    weight: float | None = None,
    **more: Any,
) -> None:
    """Set the attributes of the best run.

    weight : float or None
        The total weight of the rows; None where it is their number.

    interrupted : bool
        Whether an exception ended the fit.
    """
    keep_fitted(
        model,
        names,
        d,
        {
            "cluster_centers_": best.centers,
            "labels_": best.labels,
            "counts_": best.counts,
            "inertia_": best.inertia,
            "n_iter_": best.n_iter,
            "stop_reason_": "interrupted" if interrupted else best.stop_reason,
            "converged_": not interrupted and best.stop_reason in ("labels", "tol"),
            "runs_": tuple(runs),
            "weight_": weight,
            **more,
        },
    )


def keep_centers(
    model: Any, centers: np.ndarray, n_iter: int, names: np.ndarray | None, d: int
) -> None:
    """Set the centers of an unfinished run, after an exception before any run was finished."""
    keep_fitted(
        model,
        names,
        d,
        {
            "cluster_centers_": centers,
            "n_iter_": n_iter,
            "stop_reason_": "interrupted",
            "converged_": False,
            "runs_": (),
        },
    )


@contextmanager
def leaving(keep: Callable[[], None]) -> Iterator[None]:
    """Around a fit: after any exception `keep` stores the results so far, and the exception
    propagates.

    This includes Ctrl-C, exceptions of signal handlers and callbacks, and lack of memory.
    """
    try:
        yield
    except GeneratorExit:  # the caller of `iter_fit` has stopped iterating
        raise
    except BaseException:
        with suppress(Exception):  # an error of `keep` must not hide the original exception
            keep()
        raise


def weight_of(data: Data) -> float | None:
    """The total weight of weighted rows; None of others."""
    if data.present is not None:  # the engine's weights are others
        return None if data.plain_weights is None else exact_sum(data.plain_weights)
    return None if data.weights is None else data.total_weight()


def distances_of(data: Data, centers: np.ndarray) -> np.ndarray:
    """Distances (n, k), of rows with gaps scaled to all features."""
    distances = data.distances(centers)
    if data.present is not None:
        check_rows(data)
        distances *= np.sqrt(data.shape[1] / data.present)[:, None]
    return distances


def warn_of_few_clusters(model: Any) -> None:
    """Warn if some of the clusters are empty."""
    found = int(np.count_nonzero(model.counts_))
    if found < model.n_clusters:
        check.warn(
            f"Number of distinct clusters ({found}) found smaller than n_clusters "
            f"({model.n_clusters}). "
            "X may have fewer distinct rows than that.",
            check.ConvergenceWarning,
        )


class CenterModel(Manners):
    """A model that assigns rows to the nearest of its `cluster_centers_`."""

    # Parameters that all estimators have; the types are those that `fit` accepts.
    n_clusters: int
    init: Any
    n_init: Any
    max_iter: int
    tol: float
    verbose: int
    random_state: Any
    n_threads: int | None
    metric: str = "euclidean"  # of estimators without this parameter

    # What `fit` gives, `labels_`, `counts_` and `inertia_` only where it has computed them.
    cluster_centers_: np.ndarray
    labels_: np.ndarray
    counts_: np.ndarray
    inertia_: float
    n_iter_: int
    n_features_in_: int
    feature_names_in_: np.ndarray
    stop_reason_: str

    fit: Callable[..., Any]

    #: Metrics of the estimator.
    _metrics: tuple[str, ...] = check.METRICS

    @property
    def _unit(self) -> bool:
        """Whether rows are scaled to unit length (cosine k-means)."""
        check.check_name(self.metric, self._metrics, "metric")
        return self.metric == "cosine"

    @property
    def _gaps(self) -> bool:
        """Whether missing values are left out."""
        return False

    @property
    def _distance(self) -> str:
        """The engine's metric: that of rows at unit length is Euclidean."""
        if self._gaps:
            return "gaps"
        return "manhattan" if self.metric == "manhattan" else "euclidean"

    def _matrix(self, X: Any) -> tuple[Any, np.ndarray | None]:
        """New rows, whose features are those of the model, and their names."""
        array, names = check.as_matrix(X, sparse=True, gaps=self._gaps)
        check.check_feature_names(self, names, array.shape[1], reset=False)
        if isinstance(array, SparseRows):
            check_dense(self._distance)
        return array, names

    def _data(self, array: Any) -> Data:
        """Rows that are checked while they are first read."""
        return Data(
            array,
            None,
            thread_count(self.n_threads),
            False,
            scan=False,
            unit=self._unit,
            metric=self._distance,
        )

    def _open(self, X: Any, sample_weight: Any = None) -> Data:
        """New rows, checked against the model."""
        self._centers()
        array, names = self._matrix(X)
        return open_data(
            array,
            names,
            check.as_weights(sample_weight, len(array)),
            self.n_threads,
            unit=self._unit,
            metric=self._distance,
        )

    def _centers(self) -> np.ndarray:
        return check.fitted_centers(self)

    def predict(self, X: Any) -> np.ndarray:
        """The nearest center of each row.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)

        Returns
        -------
        labels : ndarray of shape (n,), int32
        """
        centers = self._centers()
        array, names = self._matrix(X)
        return self._predict(array, names, centers)

    def _predict(self, array: Any, names: np.ndarray | None, centers: np.ndarray) -> np.ndarray:
        # One pass: rows are checked while they are assigned, and scanned again only if a value may
        # be invalid.
        data = self._data(array)
        labels = data.assign(centers)
        if data.overflow:
            check_values(array, names, data)
        check_rows(data)
        return labels

    def predict_proba(self, X: Any, temperature: float | None = None) -> np.ndarray:
        """How much of each row belongs to each cluster: shares between 0 and 1 that add up to 1.

        The share of center j in row i is proportional to ``exp(-d_ij**2 / (2 * temperature))``: the
        probability of the cluster in a mixture of round Gaussians of equal weight, whose variance
        is the temperature. With ``metric="cosine"``, d_ij is the distance of the unit vectors; with
        ``metric="manhattan"`` it is ``exp(-d_ij / temperature)``, of a mixture of Laplace
        distributions.

        Parameters
        ----------
        X : array-like or table of shape (n, d)
            Of sparse rows pass some at a time, as in ``X[:1000].toarray()``. (scikit-learn's
            `check_estimator` takes what accepts sparse rows here for a classifier of four classes.)
        temperature : float or None, default=None
            In squared units of X (in units of X for Manhattan distances). The higher, the more
            equal the shares. None: the mean squared distance of the rows of the fit to their
            centers, per feature, ``inertia_ / (total weight * d)``.

        Returns
        -------
        shares : ndarray of shape (n, k), float64
            The largest of a row is that of its nearest center, which is its label.

        Raises
        ------
        ValueError
            The model has no `inertia_` to choose the temperature from, or it is not above 0.

        Notes
        -----
        Takes an n x k array. One temperature for all clusters: not for clusters of very different
        sizes or shapes, which a Gaussian mixture fits. With many features shares are close to 0 or
        1, since squared distances add up over the features.

        Examples
        --------
        >>> from ckmeans import KMeans
        >>> model = KMeans(2, random_state=0, label_order="center").fit([[0.0], [1.0], [9.0]])
        >>> model.predict_proba([[0.5], [4.75], [9.0]]).round(3)
        array([[1. , 0. ],
               [0.5, 0.5],
               [0. , 1. ]])
        """
        check_temperature(temperature)
        centers = self._centers()
        if temperature is None:
            temperature = temperature_of(self, centers.shape[1])
        array, names = check.as_matrix(X, sparse=True, gaps=self._gaps)
        if isinstance(array, SparseRows):
            raise ValueError(
                "predict_proba takes dense rows only: pass sparse rows some at a time, as in "
                "X[:1000].toarray()."
            )
        check.check_feature_names(self, names, array.shape[1], reset=False)
        if array.dtype == np.float32:
            array = array.astype(np.float64)
        data = open_data(array, names, None, self.n_threads, unit=self._unit, metric=self._distance)
        return shares(distances_of(data, centers), self.metric, float(temperature))

    def fit_predict(self, X: Any, y: object = None, sample_weight: Any = None) -> np.ndarray:
        """Fit, and return the labels of the rows."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def transform(self, X: Any) -> Any:
        """Distances of each row to every center: Euclidean distances, ``1 - cos``, or sums of
        absolute differences.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)

        Returns
        -------
        distances : ndarray of shape (n, k)
            float32 for float32 rows, else float64. The squared differences are summed in float64,
            feature after feature. For float64 rows that are mostly zero (at least 7 of 8 values, of
            at least 64 features) the squared distance is exact and rounded once. Sparse rows give
            the same numbers as the dense array. Differences below 1e-162 have squares of 0.

        Raises
        ------
        ValueError
            A distance of float32 rows is above the largest float32.
        """
        centers = self._centers()
        array, names = self._matrix(X)
        data = self._data(array)
        distances = distances_of(data, centers)
        if data.overflow:  # as in _predict
            check_values(array, names, data)
        if distances.dtype == np.float32 and not distances.max() < np.inf:
            raise self._too_far(array, *np.argwhere(np.isinf(distances))[0].tolist())
        return self._contained(distances, X)

    def _too_far(self, array: Any, row: int, center: int) -> ValueError:
        """The error for a distance that float32 cannot hold."""
        x = array.take(np.array([row])) if isinstance(array, SparseRows) else array[row : row + 1]
        data = Data(x.astype(np.float64), None, 1, False, metric=self._distance)
        distance = distances_of(data, self._centers()[center : center + 1])[0, 0]
        return ValueError(
            f"The distance of row {row} to center {center} is {distance:g}, above "
            "the largest float32 "
            f"({np.finfo(np.float32).max:g}): pass X as float64, or rescale the data."
        )

    def fit_transform(self, X: Any, y: object = None, sample_weight: Any = None) -> Any:
        """Fit, and return the distances of the rows to every center."""
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def score(self, X: Any, y: object = None, sample_weight: Any = None) -> float:
        """The negative inertia of these rows: higher is better."""
        data, centers = self._open(X, sample_weight), self._centers()
        return -data.inertia(centers, data.assign(centers))

    def save(self, path: Any) -> None:
        """Write the fitted model to a file that `ckmeans.load` reads: a plain .npz, no pickle."""
        from .model_files import save

        save(self, path)

    def to_sklearn(self, X: Any = None) -> Any:
        """A fitted `sklearn.cluster.KMeans` with these centers; with X, labels of both are
        compared.

        See Also
        --------
        ckmeans.from_sklearn : The way back.
        """
        from .._exports.scikit_learn import to_sklearn

        return to_sklearn(self, X)

    def to_onnx(self, path: Any = None) -> Any:
        """The model as an ONNX graph with outputs "labels" and "distances", or in a file."""
        from .._exports.onnx import to_onnx

        return to_onnx(self, path)

    def to_sql(
        self, table: Any, *, dialect: str = "standard", columns: Any = None, label: str = "cluster"
    ) -> str:
        """One SELECT statement that gives the rows of a table with their labels."""
        from .._exports.sql import to_sql

        return to_sql(self, table, dialect=dialect, columns=columns, label=label)

    def to_json(self, path: Any = None) -> Any:
        """The centers as JSON text, or in a file; `ckmeans.from_json` reads it."""
        from .._exports.centers_json import to_json

        return to_json(self, path)
