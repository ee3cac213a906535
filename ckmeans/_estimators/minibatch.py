"""The class `MiniBatchKMeans`: k-means from small random batches, for large data and streams."""

from time import perf_counter
from typing import Any

import numpy as np

from .._inits import INITS, initial_centers
from .._inits.given import given_centers
from .._inits.kmeans_plusplus import local_trials
from .._inits.random_rows import random_rows_indices
from .._input import checks as check
from .._input.other_libraries import here
from .._input.parameter_names import names_parameters
from .._input.sparse import shown
from .._native.engine import Data, Running
from .base import (
    CenterModel,
    alone,
    keep_fitted,
    leaving,
    open_data,
    warn_of_few_clusters,
    weight_of,
)
from .callbacks import SklearnCallbacks, tells_callbacks
from .labels import check_label_order, label_order
from .restarts import check_iterable
from .watch import Watch

#: Number of initializations when n_init="auto"; 1 for inits that are not in this table.
AUTO_STARTS = {"random": 3, "random-partition": 3}

#: k-means++ tries this many times the usual number of rows for each center. A fit has only one
#: initialization, which is better in this way than the best of three, in less time (1 to 12 % lower
#: inertia on six data sets, in 5 to 25 % more time than without).
MORE_TRIALS = 4


class MiniBatchKMeans(SklearnCallbacks, CenterModel):
    """k-means from random batches of rows (Sculley, WWW 2010): close to the result of `KMeans`, in
    fewer passes over the data.

    Parameters
    ----------
    n_clusters : int, default=8
    init : str, array of shape (k, d) or callable, default="k-means++"
        As in `KMeans`, made from `init_size` random rows. "k-means++" tries four times as many rows
        for each center.
    max_iter : int, default=100
        Maximum number of passes over the data: at most ``max_iter * n`` rows are drawn.
    batch_size : int, default=1024
        Rows in a batch. If the data has no more rows than this, each batch is all of the data.
    verbose : int, default=0
        Above 0, a line is printed for every batch.
    compute_labels : bool, default=True
        Whether `fit` ends with a pass over all rows, for `labels_`, `inertia_` and `counts_`.
    random_state : None, int, RandomState or Generator, default=None
    tol : float, default=0.0
        `fit` stops when the centers' total squared shift in a batch is at most `tol` times the mean
        variance of the features; 0 leaves this to `max_no_improvement`.
    max_no_improvement : int or None, default=20
        `fit` stops when the smoothed inertia has not improved for this number of batches. On 12
        data sets 20 gave a 2.6 % lower inertia than 10, on average, and a lower one on each, in
        1.5 times the time.
    init_size : int or None, default=None
        Number of rows from which the initial centers are made; None means three batches, or three
        rows per cluster if that is more.
    n_init : "auto" or int, default="auto"
        Number of initializations; the one with the lowest inertia on `init_size` other rows is
        used. "auto" means 3 for random inits, else 1.
    reassignment_ratio : float, default=0.01
        Centers whose weight is below this fraction of the largest weight are moved to random rows
        from time to time.
    n_threads : int or None, default=None
        Results do not depend on it.
    half_life : float or None, default=None
        Number of rows after which the weight of earlier rows is halved, for streams that change
        over time; None keeps all weights.
    max_time : float or None, default=None
        Seconds after which `fit` draws no more batches.
    callback : callable or None, default=None
        Called with a state after each batch of a `fit`, as in `KMeans`; a true result ends it.
    label_order : None, "size", "center", fitted model or array of shape (k, d), default=None
        As in `KMeans`, for `fit` only: `partial_fit` never changes the order of the clusters. Takes
        an additional pass over the rows.
    metric : {"euclidean", "cosine"}, default="euclidean"
        "cosine" as in `KMeans`; centers are brought back to unit length after every batch (Zhong,
        IJCNN 2005).

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (k, d)
    labels_ : ndarray of shape (n,), int32
        Equal to ``predict(X)``; after `partial_fit`, those of its rows.
    inertia_ : float
        Of these labels.
    counts_ : ndarray of shape (k,), int64
        Rows with each label.
    n_iter_ : int
        Passes over the data begun.
    n_steps_ : int
        Batches seen.
    stop_reason_ : {"no improvement", "tol", "max_iter", "max_time", "callback", "interrupted"}
        Why `fit` ended. "interrupted": an exception such as that of Ctrl-C; the centers so far are
        kept, without labels.
    seen_weights_ : ndarray of shape (k,)
        Total weight of the rows in the running mean of each center, after decay by `half_life`.
    n_features_in_, feature_names_in_
        As in `KMeans`.

    Notes
    -----
    A center is the running mean of the rows that were assigned to it when they were drawn. Rows are
    drawn uniformly, by position; weights count within the batch.

    Not for small data, where `KMeans` is as fast and gives a lower inertia.

    Examples
    --------
    >>> import numpy as np
    >>> from ckmeans import MiniBatchKMeans
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(20_000, 2)) + 8 * rng.integers(2, size=(20_000, 1))
    >>> model = MiniBatchKMeans(2, random_state=0).fit(X)
    >>> middles = [[0, 0], [8, 8]]
    >>> bool(abs(model.cluster_centers_[model.predict(middles)] - middles).max() < 0.2)
    True

    A stream, batch by batch:

    >>> model = MiniBatchKMeans(2, random_state=0, half_life=10_000)
    >>> for start in range(0, 20_000, 1000):
    ...     model = model.partial_fit(X[start : start + 1000])
    >>> model.n_steps_
    20
    """

    _routed = ("fit", "partial_fit", "score")

    batch_size: int
    callback: Any
    compute_labels: bool
    half_life: float | None
    init_size: int | None
    label_order: Any
    max_no_improvement: int | None
    max_time: float | None
    reassignment_ratio: float

    n_steps_: int
    seen_weights_: np.ndarray

    @names_parameters
    def __init__(
        self,
        n_clusters=8,
        *,
        init="k-means++",
        max_iter=100,
        batch_size=1024,
        verbose=0,
        compute_labels=True,
        random_state=None,
        tol=0.0,
        max_no_improvement=20,
        init_size=None,
        n_init="auto",
        reassignment_ratio=0.01,
        n_threads=None,
        half_life=None,
        max_time=None,
        callback=None,
        label_order=None,
        metric="euclidean",
    ):
        self._keep_parameters(locals())

    # -- fitting -----------------------------------------------------------------------------------

    @alone
    @names_parameters
    @tells_callbacks
    def fit(self, X: Any, y: object = None, sample_weight: Any = None) -> "MiniBatchKMeans":
        """Find centers from random batches of the rows of X.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)
        y : ignored
        sample_weight : array-like of shape (n,) or None

        Returns
        -------
        self : MiniBatchKMeans
        """
        self._check()
        began = perf_counter()
        array, names, data = self._read(X, sample_weight)
        n, k = len(array), int(self.n_clusters)
        size = min(int(self.batch_size), n)
        rows = Batches(data, self._random())
        tol = self.tol * data.variance() if self.tol else 0.0
        steps = max(1, int(self.max_iter) * n // size)
        learner = Learner(data, self._initial(rows, k), self.reassignment_ratio, self.half_life)
        smooth = Smoothed(min(1.0, 2.0 * size / (n + 1)), self.max_no_improvement)
        run = Steps(learner, result_type(array))
        watch, callback = None, self._watcher()
        if self.verbose or callback is not None or self.max_time is not None:
            watch = BatchWatch(began, 1, steps, self.max_time, callback, self.verbose)
        with leaving(lambda: self._keep_fit(run, rows, names, interrupted=True)):
            while run.stop_reason is None:
                run.learn(rows.draw(size), rows.random)
                # The first inertia is that of the initial centers.
                if run.n_iter > 1 and smooth.stuck(run.inertia()):
                    run.halt("no improvement")
                elif tol and run.shift <= tol:
                    run.halt("tol")
                elif run.n_iter == steps:
                    run.halt("max_iter")
                if watch is not None:
                    watch(run, None, None)
            if self.label_order is not None:
                centers = run.result_centers()
                counts = np.bincount(data.assign(centers.astype(np.float64)), minlength=k)
                order = label_order(self.label_order, centers, counts, metric=self.metric)
                learner.running.rearrange(order)
            self._keep_fit(run, rows, names)
        if self.compute_labels:
            warn_of_few_clusters(self)
        return self

    @alone
    def partial_fit(self, X: Any, y: object = None, sample_weight: Any = None) -> "MiniBatchKMeans":
        """Learn from one batch; the first one, which needs at least k rows, gives the initial
        centers.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)
        y : ignored
        sample_weight : array-like of shape (n,) or None

        Returns
        -------
        self : MiniBatchKMeans
        """
        self._check()
        fresh = not hasattr(self, "cluster_centers_")
        array, names, data = self._read(X, sample_weight, fresh)
        if fresh:
            random = self._random()
            centers = self._initial(Batches(data, random), int(self.n_clusters))
            seen, steps, dtype = None, 0, result_type(array)
        else:
            check.check_feature_names(self, names, data.shape[1], reset=False)
            names = getattr(self, "feature_names_in_", None)
            random = (
                getattr(self, "_random_state", None) or self._random()
            )  # a loaded model starts its random numbers anew
            # float32 centers could not hold the means of float64 rows.
            centers = self._centers()
            seen = check.fitted_array(
                self, "seen_weights_", (len(centers),), high=np.finfo(np.float64).max
            )
            if not hasattr(self, "n_steps_"):
                raise check.absent_error(self, "n_steps_")
            steps = self.n_steps_
            check.check_int(steps, "n_steps_", 0, "an integer of at least 0")
            dtype = np.result_type(self.cluster_centers_.dtype, result_type(array))
        learner = Learner(
            data, centers, self.reassignment_ratio, self.half_life, seen, getattr(self, "_since", 0)
        )
        learner.learn(data, random)
        self._keep(
            learner,
            data,
            names,
            self.compute_labels,
            dtype,
            _random_state=random,
            n_steps_=steps + 1,
            n_iter_=steps + 1,
        )
        return self

    def _keep_fit(self, run, rows, names, interrupted=False):
        """Keep the centers of a fit; if it was interrupted, without labels, which take another
        pass.
        """
        n = rows.data.shape[0]
        size = min(int(self.batch_size), n)
        self._keep(
            run.learner,
            rows.data,
            names,
            self.compute_labels and not interrupted,
            run.dtype,
            _random_state=rows.random,
            n_steps_=run.n_iter,
            n_iter_=-(-run.n_iter * size // n),
            stop_reason_="interrupted" if interrupted else run.stop_reason,
        )

    def _keep(self, learner, data, names, labels, dtype, **fitted):
        fitted.update(
            cluster_centers_=learner.centers.astype(dtype),
            seen_weights_=learner.seen,
            _since=learner.since,
        )
        if labels:
            centers = fitted["cluster_centers_"].astype(np.float64)
            fitted["labels_"] = data.assign(centers)
            fitted["inertia_"] = data.inertia(centers, fitted["labels_"])
            fitted["counts_"] = np.bincount(fitted["labels_"], minlength=len(centers))
            fitted["weight_"] = weight_of(data)
        keep_fitted(self, names, data.shape[1], fitted)

    def set_partial_fit_request(self, *, sample_weight: Any) -> Any:
        """Say whether meta-estimators pass `sample_weight` to `partial_fit`: True, False, None or
        another name for it.
        """
        return self._set_request("partial_fit", sample_weight)

    # -- what a fit needs --------------------------------------------------------------------------

    def _check(self) -> None:
        check.check_shared_params(self)
        check.check_watching(self)
        check.check_int(self.batch_size, "batch_size", 1, "an integer of at least 1")
        for name in ("max_no_improvement", "init_size"):
            if getattr(self, name) is not None:
                least = 0 if name == "max_no_improvement" else 1
                check.check_int(
                    getattr(self, name), name, least, f"None or an integer of at least {least}"
                )
        check.check_n_init(self.n_init)
        check.check_positive(self.half_life, "half_life", "rows", none="forgets nothing")
        check.check_share(self.reassignment_ratio, "reassignment_ratio")
        check.check_name(self.metric, check.METRICS, "metric")

    def _read(self, X, sample_weight, fresh=True):
        array, names = check.as_matrix(X, sparse=True)
        if fresh:
            check.check_n_clusters(self.n_clusters, len(array))
        check_label_order(self.label_order, int(self.n_clusters), array.shape[1])
        data = open_data(
            array,
            names,
            check.as_weights(sample_weight, len(array)),
            self.n_threads,
            unit=self._measure.unit,
            compared=fresh,
        )
        check.check_directions(data)
        if fresh:
            check.warn_of_columns(array, names, self.metric)
        return array, names, data

    def _random(self) -> np.random.RandomState:
        (seed,) = check.seeds(self.random_state, 1)
        return np.random.RandomState(seed)

    def _initial(self, rows: "Batches", k: int) -> np.ndarray:
        """The best of several starts: each draws its own rows, and all are compared on the same
        rows.
        """
        if not isinstance(self.init, str) and not callable(self.init):
            init = here(self._init(), "init")
            return given_centers(
                init if hasattr(init, "__array__") else check_iterable(init), k, rows.data
            )
        if isinstance(self.init, str):
            check.check_name(self.init, INITS, "init")
        size = int(self.init_size or 3 * min(int(self.batch_size), rows.data.shape[0]))
        if size < k:
            size = 3 * k
        tries = (
            AUTO_STARTS.get(self.init if isinstance(self.init, str) else "", 1)
            if self.n_init == "auto"
            else int(self.n_init)
        )
        judges: Any = rows.draw(size) if tries > 1 else None
        best: Any = None
        least = np.inf
        for _ in range(tries):
            sample = rows.draw(size, packed=True)
            if callable(self.init):
                centers = given_centers(
                    self.init(shown(sample.array), k, random_state=rows.random),
                    k,
                    sample,
                    "the centers that init returned",
                )
            else:
                options = (
                    {"n_local_trials": MORE_TRIALS * local_trials(k)}
                    if self.init == "k-means++"
                    else {}
                )
                centers = initial_centers(self.init, sample, k, rows.random, **options)
            inertia = judges.inertia(centers, judges.assign(centers)) if tries > 1 else 0.0
            if best is None or inertia < least:
                best, least = centers, inertia
        return best


def result_type(array: Any) -> np.dtype:
    """The type of centers of these rows."""
    return np.dtype(np.float32 if array.dtype == np.float32 else np.float64)


class Batches:
    """Random batches of rows, as engine data."""

    def __init__(self, data, random):
        self.data, self.random = data, random

    def draw(self, size: int, packed: bool = False) -> Data:
        """`size` rows drawn uniformly; all rows if there are not more."""
        data, n = self.data, self.data.shape[0]
        if size >= n:
            return data
        # A batch in which all weights are 0 is drawn again.
        for _ in range(100):
            picked = self.random.randint(0, n, size)
            weights = None if data.weights is None else data.weights[picked]
            if weights is None or weights.any():
                return data.batch(picked.astype(np.int64, copy=False), packed)
        return data


class Steps:
    """The state of a fit, with the attributes that `Watch` expects of a run."""

    n_changed = None

    def __init__(self, learner, dtype):
        self.learner, self.dtype = learner, dtype
        self.n_iter, self.stop_reason = 0, None

    def learn(self, batch, random):
        self.shift, self._inertia = self.learner.learn(batch, random)
        self.n_iter += 1

    def halt(self, reason):
        self.stop_reason = reason

    def inertia(self):
        return self._inertia

    def labels(self):
        return self.learner.labels

    def result_centers(self):
        return self.learner.centers.astype(self.dtype)


class BatchWatch(Watch):
    def show(self, steps, n_filled=0):
        print(f"batch {steps.n_iter} of {self.max_iter}: mean inertia {steps.inertia():.6g}")


class Learner:
    """Centers that are running means of batches of `data`; centers of few rows are reassigned."""

    def __init__(self, data, centers, reassignment_ratio, half_life, seen=None, since=0):
        self.running = Running(data, centers, np.zeros(len(centers)) if seen is None else seen)
        self.ratio, self.half_life, self.since = reassignment_ratio, half_life, since

    @property
    def centers(self):
        return self.running.centers

    @property
    def seen(self):
        return self.running.seen

    def learn(self, batch, random):
        """Update the centers with a batch; returns their total squared shift and the mean inertia
        of the batch before the update.
        """
        if self.half_life is not None:
            self.seen[:] *= 0.5 ** (batch.shape[0] / self.half_life)
        self.labels, inertia, shift = self.running.learn(batch)
        self.since += batch.shape[0]
        if self.ratio > 0 and (self.since >= 10 * len(self.seen) or not self.seen.all()):
            self.since = 0
            shift += self.reassign(batch, random)
        return shift, inertia / batch.total_weight()

    def reassign(self, batch, random):
        """Move the centers of low weight to random rows of the batch; returns their total squared
        shift.
        """
        light = self.seen < self.ratio * self.seen.max()
        most = batch.shape[0] // 2
        if np.count_nonzero(light) > most:
            light[np.argsort(self.seen, kind="stable")[most:]] = False
        which = np.flatnonzero(light)
        if not len(which):
            return 0.0
        shift = self.running.put(which, batch, random_rows_indices(batch, len(which), random))
        self.seen[light] = self.seen[~light].min()
        return shift


class Smoothed:
    """The exponentially weighted mean inertia of the batches, and for how long it has not
    improved.
    """

    def __init__(self, alpha, patience):
        self.alpha, self.patience = alpha, patience
        self.mean = self.least = None
        self.waited = 0

    def stuck(self, inertia):
        self.mean = (
            inertia if self.mean is None else self.mean * (1 - self.alpha) + inertia * self.alpha
        )
        if self.least is None or self.mean < self.least:
            self.least, self.waited = self.mean, 0
        else:
            self.waited += 1
        return self.patience is not None and self.waited >= self.patience
