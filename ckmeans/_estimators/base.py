"""What all estimators share: checks of rows, results of a fit, `predict`, `transform`, `score`."""

import functools
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Lock, get_ident
from time import sleep
from types import CodeType
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from .._input import checks as check
from .._input.configuration import memory_is_short, thread_count
from .._input.errors import changed_error
from .._input.other_libraries import here
from .._input.sparse import SparseRows
from .._native.engine import MOST_THREADS, Data, exact_sum, label_few
from .scaling import Scaling, fitted_scaling
from .shares import check_temperature, shares, temperature_of
from .sklearn_manners import Manners

#: From so many features on, `Data.distances` takes another way for rows that are mostly zero.
THIN_FROM = 64

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
        their squared distances would underflow, or if a column has no values.
    metric : {"euclidean", "manhattan", "gaps"}
        As of the engine's `Data`.
    """
    if metric != "euclidean" and isinstance(array, SparseRows):
        check_dense(metric)
    if packed and array.size > 1 << 24 and memory_is_short(4 * array.size):
        packed = False
    data = Data(array, weights, thread_count(n_threads), packed, unit=unit, metric=metric)
    check_values(array, names, data)
    if weights is not None:
        check.check_products(weights, data.largest, *array.shape)
    if compared and data.largest > check.EXACT and not isinstance(array, SparseRows):
        check.warn_if_rounded(array, "X")  # rows that are read in place
    if compared and metric == "gaps" and not (data.low <= data.high).all():
        raise check.empty_column_error(int(np.argmin(data.low <= data.high)), names)
    if compared and not unit:
        check.check_span(data.span, 1.0 if weights is None else float(weights.max()))
    return data


def check_values(array: Any, names: np.ndarray | None, data: Data) -> None:
    """Raise where a value of scanned rows is not finite or too large, or a row has no values."""
    if not data.finite or data.largest > check.MAX_ABS:
        raise bad_value(
            array,
            names,
            limit=check.MAX_UNIT if data.unit else check.MAX_ABS,
            gaps=data.present is not None,
        )
    if data.present is not None:
        check_rows(data)


def check_rows(data: Data) -> None:
    """Raise if a row has no values."""
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
    row 0. With `gaps`, NaN is allowed.
    """
    if isinstance(array, SparseRows):
        for place in np.flatnonzero(~(np.abs(array.data, dtype=np.float64) <= limit)).tolist():
            if array.indptr[0] <= place < array.indptr[-1]:
                row = int(np.searchsorted(array.indptr, place, side="right")) - 1
                return check.nonfinite_error(
                    array, row, int(array.indices[place]), names, limit=limit, start=first
                )
        return changed_error()
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


def own_distances(
    data: Data, centers: np.ndarray, labels: np.ndarray, metric: str = "euclidean"
) -> np.ndarray:
    """The distance (n,) of each scanned row to the center of its label, with the bits of
    `distances_of`.

    metric : as of the engine's `Data`
    """
    narrow = data.array.dtype == np.float32
    if metric == "euclidean" and not data.unit and (narrow or data.shape[1] < THIN_FROM):
        return np.sqrt(data.squares(centers, labels))
    # The other kinds of distances are those of `Data.distances` alone: one cluster after the other.
    out = np.empty(len(labels), dtype=np.float32 if narrow else np.float64)
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], np.arange(len(centers) + 1))
    for label in np.flatnonzero(np.diff(ends)).tolist():
        rows = order[ends[label] : ends[label + 1]]
        array = data.array.take(rows, axis=0)
        part = Data(array, None, data.n_threads, False, unit=data.unit, metric=metric)
        out[rows] = distances_of(part, centers[label : label + 1])[:, 0]
    return out


def _given_labels(labels: Any, n: int, k: int) -> np.ndarray:
    """Labels of n rows that a user gives, checked: (n,) int32."""
    found = np.asarray(here(labels, "labels"))
    if found.shape != (n,):
        raise ValueError(
            f"labels has shape {found.shape}, but one label per row is needed: shape ({n},)."
        )
    if found.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got dtype {found.dtype}.")
    if not 0 <= found.min() <= found.max() < k:
        raise ValueError(
            f"labels must be from 0 to {k - 1}, the rows of cluster_centers_, got "
            f"{found.min()} to {found.max()}."
        )
    return found.astype(np.int32)


def typical_distances(distances: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Medians (k,) of the distances of the rows with each label; see
    `CenterModel.typical_distances`.
    """
    order = np.lexsort((distances, labels))
    ends = np.searchsorted(labels[order], np.arange(k + 1))
    typical = np.full(k, np.median(distances), dtype=np.float64)
    for label, (start, stop) in enumerate(zip(ends[:-1].tolist(), ends[1:].tolist())):
        if start < stop:
            middle = (
                distances[order[(start + stop - 1) // 2]],
                distances[order[(start + stop) // 2]],
            )
            median = np.mean(middle, dtype=np.float64)
            typical[label] = median if median > 0 else typical[label]
    return typical


def relative_distances(distances: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """Distances divided by typical ones: 0 for a distance of 0, infinite where only the typical
    one is 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(distances > 0, distances.astype(np.float64) / typical, 0.0)


def beyond_rounding(
    model: Any, distances: np.ndarray, labels: np.ndarray, metric: str
) -> np.ndarray:
    """The distances, 0 where the center is where the row is, but for rounding: equal rows have such
    a center.

    metric : {"euclidean", "cosine", "manhattan", "gaps"}
        That of the distances.
    """
    centers = fitted_scaling(model).inside(check.fitted_centers(model))
    dtype = np.float32 if np.asarray(model.cluster_centers_).dtype == np.float32 else np.float64
    # Rounded once to `dtype`; the mean, scales and lengths take a few more roundings in float64.
    step = float(np.finfo(dtype).eps + 4 * np.finfo(np.float64).eps)
    if metric == "cosine":
        noise = np.full(len(centers), step**2 / 2)
    else:
        noise = step * np.linalg.norm(centers, 1 if metric == "manhattan" else 2, axis=1)
        if metric == "gaps":  # distances of rows with gaps are scaled up to all features
            noise = noise * np.sqrt(centers.shape[1])
    return np.where(distances > noise[labels], distances, 0)


class Measure(NamedTuple):
    """How an estimator compares rows with centers."""

    metric: str  #: as of the engine's `Data`: that of rows at unit length is Euclidean
    unit: bool  #: whether rows are scaled to unit length (cosine k-means)
    gaps: bool  #: whether missing values are left out


def measures(metrics: tuple[str, ...]) -> dict[Any, Measure]:
    """How an estimator with these metrics compares rows: (metric, missing) -> Measure."""
    return {
        (metric, missing): Measure(
            "gaps" if missing == "ignore" else "euclidean" if metric == "cosine" else metric,
            metric == "cosine",
            missing == "ignore",
        )
        for metric in metrics
        for missing in check.MISSING
    }


#: id of an estimator that is being fitted -> the identifier of its thread, in a list that is unique
#: to the call.
_turns: dict[int, list[int]] = {}
_forgetting = Lock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turns.clear)  # the child has no such threads


def _goes_on(turn: list[int], code: CodeType) -> bool:
    """Whether the call with this turn has not ended. A signal handler that raises in the last step
    of a call leaves its turn behind.
    """
    frame = sys._current_frames().get(turn[0])
    while frame is not None:
        if frame.f_code is code and frame.f_locals.get("turn") is turn:
            return True
        frame = frame.f_back
    return False


def _forget(key: int, turn: list[int]) -> None:
    with _forgetting:
        if _turns.get(key) is turn:
            del _turns[key]


def alone(fit: Fit) -> Fit:
    """Decorator of methods that fit: other threads wait until the fit has ended, since the results
    of two fits would be mixed.
    """

    @functools.wraps(fit)
    def fit_alone(self, *args, **kwargs):
        key, turn = id(self), [get_ident()]
        try:
            while (other := _turns.setdefault(key, turn)) is not turn:
                if not _goes_on(other, fit_alone.__code__):  # type: ignore[attr-defined]
                    _forget(key, other)
                elif other == turn:
                    raise RuntimeError(
                        f"this {type(self).__name__} is being fitted already, by the call that "
                        "this one comes from (a callback, an init, a signal handler): fit a clone "
                        "of it."
                    )
                else:
                    sleep(0.002)
            return fit(self, *args, **kwargs)
        finally:
            if _turns.get(key) is turn:
                del _turns[key]

    return cast(Fit, fit_alone)


#: Attributes that not every fit sets: those of an earlier fit are removed.
OPTIONAL = (
    "feature_names_in_",
    "labels_",
    "counts_",
    "inertia_",
    "history_",
    "scale_",
    "typical_distances_",
    "column_means_",
    "weight_",
)
_NO_OPTIONAL = dict.fromkeys(OPTIONAL)


def keep_fitted(model: Any, names: np.ndarray | None, d: int, fitted: dict[str, Any]) -> None:
    """Set all attributes of a fit in one step, so that an exception, which a signal may raise at
    any moment, never leaves attributes of two different fits.

    fitted : name -> value; those in OPTIONAL may be None, and are then not set
    """
    state = model.__dict__.copy()
    state.update(_NO_OPTIONAL)
    state.update(fitted)
    state["n_features_in_"], state["feature_names_in_"] = d, names
    for name in OPTIONAL:
        if state[name] is None:
            del state[name]
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
    model: Any,
    centers: np.ndarray,
    n_iter: int,
    names: np.ndarray | None,
    d: int,
    **more: Any,
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
            **more,
        },
    )


class leaving:
    """Context of a fit: after any exception `keep` stores the results so far, and the exception
    propagates.

    This includes Ctrl-C, exceptions of signal handlers and callbacks, and lack of memory; but not
    GeneratorExit, by which the caller of `iter_fit` stops iterating.
    """

    __slots__ = ("keep",)

    def __init__(self, keep: Callable[[], None]) -> None:
        self.keep = keep

    def __enter__(self) -> None:
        pass

    def __exit__(self, error: type[BaseException] | None, *others: object) -> None:
        if error is not None and not issubclass(error, GeneratorExit):
            with suppress(Exception):  # an error of `keep` must not hide the original exception
                self.keep()


def weight_of(data: Data) -> float | None:
    """The total weight of the rows; None if they have no weights."""
    if data.present is not None:  # the engine's weights differ
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
    counts = model.counts_.tolist()
    found = len(counts) - counts.count(0)
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
    metric: str = "euclidean"  # of estimators without this parameter, as is the next
    missing: str = "error"

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
    _measures = measures(_metrics)

    @property
    def _measure(self) -> Measure:
        """By the parameters as they are now: they may have been changed since the fit."""
        try:
            return self._measures[self.metric, self.missing]
        except (KeyError, TypeError):  # an unknown name, or a value that cannot be a key
            pass
        check.check_name(self.metric, self._metrics, "metric")
        check.check_name(self.missing, check.MISSING, "missing")
        raise AssertionError("one of the names was wrong a moment ago")

    def _matrix(self, X: Any, measure: Measure) -> tuple[Any, np.ndarray | None]:
        """New rows, whose features are those of the model, and their names."""
        array, names = check.as_matrix(X, sparse=True, gaps=measure.gaps)
        check.check_feature_names(self, names, array.shape[1], reset=False)
        if isinstance(array, SparseRows):
            check_dense(measure.metric)
        return array, names

    def _open(self, X: Any, sample_weight: Any = None) -> Data:
        """New rows, checked against the model."""
        array, names = self._rows(X)
        return self._opened(array, names, check.as_weights(sample_weight, len(array)))

    def _rows(self, X: Any) -> tuple[Any, np.ndarray | None]:
        """New rows as an array, and the names of their columns, which are those of the fit."""
        self._centers()
        return self._matrix(X, self._measure)

    def _opened(
        self, array: Any, names: np.ndarray | None, weights: np.ndarray | None = None
    ) -> Data:
        """The engine's view of new rows, scaled as those of the fit were."""
        scaling = fitted_scaling(self)
        if scaling.divisors is not None:  # values are checked in the units that users know
            open_data(array, names, None, self.n_threads)
        measure = self._measure
        return open_data(
            scaling.inside(array),
            names,
            weights,
            self.n_threads,
            unit=measure.unit,
            metric=measure.metric,
        )

    def _centers(self) -> np.ndarray:
        """The centers (k, d) as the engine compares rows with them."""
        return fitted_scaling(self).inside(check.fitted_centers(self))

    def _labels(self, data: Data) -> np.ndarray:
        """The labels of rows that are open."""
        return data.assign(self._centers())

    def predict(self, X: Any) -> np.ndarray:
        """The nearest center of each row.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)

        Returns
        -------
        labels : ndarray of shape (n,), int32
        """
        labels = self._few_labels(X)
        if labels is not None:
            return labels
        scaling, measure = fitted_scaling(self), self._measure
        centers = scaling.inside(check.fitted_centers(self))
        array, names = self._matrix(X, measure)
        return self._predict(array, names, centers, scaling, measure)

    def _few_labels(self, X: Any) -> np.ndarray | None:
        """The labels of a few rows of a plain array; None where anything is to be looked at."""
        metric, missing, threads = self.metric, self.missing, self.n_threads
        model = self.__dict__
        if (
            (type(metric) is str and metric == "euclidean")
            and (type(missing) is str and missing == "error")
            and (threads is None or (type(threads) is int and 0 < threads <= MOST_THREADS))
            and "scale_" not in model
            and "feature_names_in_" not in model
        ):
            return label_few(
                X, model.get("cluster_centers_"), model.get("n_features_in_"), check.MAX_ABS
            )
        return None

    def _predict(
        self,
        array: Any,
        names: np.ndarray | None,
        centers: np.ndarray,
        scaling: Scaling,
        measure: Measure,
    ) -> np.ndarray:
        # One pass: rows are checked while they are assigned, and scanned again only if a value may
        # be invalid.
        data = self._unscanned(array, scaling, measure)
        labels = data.assign(centers)
        if data.overflow:
            self._opened(array, names)
        if measure.gaps:
            check_rows(data)
        return labels

    def _unscanned(self, array: Any, scaling: Scaling, measure: Measure) -> Data:
        """The engine's view of new rows that are checked as they are read: see `Data.overflow`."""
        return Data(
            scaling.inside(array),
            None,
            thread_count(self.n_threads),
            False,
            scan=False,
            unit=measure.unit,
            metric=measure.metric,
        )

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
        array, names = self._matrix(X, self._measure)
        if isinstance(array, SparseRows):
            raise ValueError(
                "predict_proba takes dense rows only: pass sparse rows some at a time, as in "
                "X[:1000].toarray()."
            )
        if array.dtype == np.float32:
            array = array.astype(np.float64)
        data = self._opened(array, names)
        return shares(distances_of(data, centers), self.metric, float(temperature))

    def fit_predict(
        self, X: Any, y: object = None, sample_weight: Any = None, **of_fit: Any
    ) -> np.ndarray:
        """Fit, and return the labels of the rows; `of_fit` are other arguments of `fit`."""
        return self.fit(X, sample_weight=sample_weight, **of_fit).labels_

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
        scaling, measure = fitted_scaling(self), self._measure
        centers = scaling.inside(check.fitted_centers(self))
        array, names = self._matrix(X, measure)
        data = self._unscanned(array, scaling, measure)
        distances = distances_of(data, centers)
        if data.overflow:  # as in _predict
            self._opened(array, names)
        distances = self._rounded(distances, array)
        if data.far and distances.dtype == np.float32 and not distances.max() < np.inf:
            raise self._too_far(array, *np.argwhere(np.isinf(distances))[0].tolist())
        return self._contained(distances, X)

    def _too_far(self, array: Any, row: int, center: int) -> ValueError:
        """The error for a distance that float32 cannot hold."""
        x = array.take(np.array([row])) if isinstance(array, SparseRows) else array[row : row + 1]
        data = self._unscanned(x.astype(np.float64), fitted_scaling(self), self._measure)
        distance = distances_of(data, self._centers()[center : center + 1])[0, 0]
        return ValueError(
            f"The distance of row {row} to center {center} is {distance:g}, above "
            "the largest float32 "
            f"({np.finfo(np.float32).max:g}): pass X as float64, or rescale the data."
        )

    @staticmethod
    def _rounded(distances: np.ndarray, array: Any) -> np.ndarray:
        """Distances in the type of results; infinite where float32 cannot hold them."""
        if array.dtype == np.float32 != distances.dtype:
            with np.errstate(over="ignore"):
                return distances.astype(np.float32)
        return distances

    def distances(self, X: Any, labels: Any = None) -> np.ndarray:
        """The distance of each row to the center of its own cluster.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)
        labels : array-like of shape (n,) or None, default=None
            Whole numbers from 0 to k - 1: the cluster of each row. None means those of `predict`.

        Returns
        -------
        distances : ndarray of shape (n,)
            In the type and the units of `transform`, of which ``transform(X)[i, labels[i]]`` has
            the same bits; but an n x k array is never made.

        Raises
        ------
        ValueError
            A label is not one of the model's, or a distance of float32 rows is above the largest
            float32.

        See Also
        --------
        anomaly_scores : distances that are comparable between clusters

        Examples
        --------
        >>> from ckmeans import KMeans
        >>> X = [[0.0, 0.0], [0.0, 2.0], [9.0, 0.0]]
        >>> KMeans(2, random_state=0).fit(X).distances(X)
        array([1., 1., 0.])
        """
        return self._own_distances(X, labels)[0]

    def _own_distances(self, X: Any, labels: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """The distance of each row to the center of its label, and the labels."""
        centers = self._centers()
        array, names = self._matrix(X, self._measure)
        data = self._opened(array, names)
        if labels is None:
            labels = self._labels(data)
        else:
            labels = _given_labels(labels, len(array), len(centers))
        distances = own_distances(data, centers, labels, self._measure.metric)
        distances = self._rounded(distances, array)
        if distances.dtype == np.float32 and not distances.max() < np.inf:
            row = int(np.argmax(np.isinf(distances)))
            raise self._too_far(array, row, int(labels[row]))
        return distances, labels

    def _unrounded_distances(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """The same of the nearest centers, without distances that are rounding alone: ratios of
        those say nothing.
        """
        distances, labels = self._own_distances(X)
        metric = "cosine" if self._measure.unit else self._measure.metric
        return beyond_rounding(self, distances, labels, metric), labels

    def anomaly_scores(self, X: Any, reference: Any = None) -> np.ndarray:
        """How unusual each row is: its distance to its center, relative to its cluster.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)
        reference : array-like, table or sparse matrix of shape (m, d), or None, default=None
            Rows that tell which distances are typical, such as those of the fit. None means the
            typical distances that are stored in the model (`ckmeans fit --model` stores them) or,
            where there are none, those of X.

        Returns
        -------
        scores : ndarray of shape (n,), float64
            1 for a row at the typical distance, 3 for one at three times that distance. Scores are
            comparable between tight and wide clusters. 0 for a row at its center, but for rounding;
            infinite where the typical distance is 0 and the row's is not.

        See Also
        --------
        distances : the distances alone
        typical_distances : what they are divided by

        Notes
        -----
        The relative distance of Tan, Steinbach & Kumar (Introduction to Data Mining, 2005, section
        10.5): the distance of a row to the center of its cluster, divided by the median distance of
        the cluster's rows. A few rows far from everything that have got a cluster of their own are
        near its center, so that their score is low: look at small clusters, too.

        Examples
        --------
        >>> import numpy as np
        >>> from ckmeans import KMeans
        >>> X = np.array([[0.0], [1.0], [2.0], [100.0], [110.0], [120.0], [6.0]])
        >>> scores = KMeans(2, random_state=0).fit(X).anomaly_scores(X)
        >>> int(scores.argmax())
        6
        """
        distances, labels = self._unrounded_distances(X)
        if reference is not None:
            typical = self.typical_distances(reference)
        elif hasattr(self, "typical_distances_"):
            k = len(self._centers())
            typical = check.fitted_array(self, "typical_distances_", (k,))
        else:
            typical = typical_distances(distances, labels, len(self._centers()))
        return relative_distances(distances, typical[labels])

    def typical_distances(self, X: Any) -> np.ndarray:
        """The median distance to the center in each cluster.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)

        Returns
        -------
        typical : ndarray of shape (k,), float64
            A cluster without rows in X, or with a median of 0 (but for rounding), has the median
            over all rows.
        """
        return typical_distances(*self._unrounded_distances(X), len(self._centers()))

    def fit_transform(
        self, X: Any, y: object = None, sample_weight: Any = None, **of_fit: Any
    ) -> Any:
        """Fit, and return the distances of the rows to every center."""
        return self.fit(X, sample_weight=sample_weight, **of_fit).transform(X)

    def score(self, X: Any, y: object = None, sample_weight: Any = None) -> float:
        """The negative inertia of these rows: higher is better."""
        data = self._open(X, sample_weight)
        return -data.inertia(self._centers(), self._labels(data))

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
