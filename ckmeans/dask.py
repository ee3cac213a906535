"""k-means on Dask (extra ``dask``): rows in the memory of many processes or machines, with the same
results as for one array, to the last bit.

>>> import dask.array as da
>>> from ckmeans.dask import KMeans
>>> X = da.random.default_rng(0).random((10_000, 2), chunks=(2_500, 2))
>>> model = KMeans(3, random_state=0).fit(X)
>>> model.labels_
dask.array<predict_block, shape=(10000,), dtype=int32, chunksize=(2500,), chunktype=numpy.ndarray>
>>> model.compute().labels_.shape              # a plain ckmeans.KMeans
(10000,)
"""

import asyncio
import functools
import operator
import sys
from time import perf_counter
from typing import Any

import numpy as np

from ._blocks.distributed import BlockKMeans, predict_block, transform_block
from ._blocks.driver import inertia
from ._blocks.resident import Block
from ._estimators.base import alone
from ._input import checks as check
from ._input.optional_packages import need

__all__ = ["KMeans"]

#: Number of answers that one task adds up, so that no task has to hold those of all blocks.
FAN_IN = 16

#: Seconds. After a pass that took less, the next one is sent directly to the workers, since a graph
#: costs 10 to 20 ms. Otherwise Dask schedules it and balances the workers.
QUICK = 0.5


class KMeans(BlockKMeans):
    """k-means over a dask array or DataFrame, with the results of `ckmeans.KMeans` on the gathered
    rows, to the last bit.

    This holds for equal parameters, defaults included, but for two inits that `ckmeans.KMeans` with
    ``init="auto"`` takes and for which all rows must be in one place: the global optimum for rows
    of one feature, and "sampled-k-means++" from 1000 clusters on, with at least 32 rows for each.
    Here "auto" means k-means++ for those, too, and the results are those of
    ``ckmeans.KMeans(init="k-means++")``.

    Runs on the current client of `distributed`, or else on the scheduler that Dask is configured
    to use. Each block is a task in each iteration; only centers are sent to the workers and only
    sums come back, O(k d) numbers per block. If a worker dies, Dask computes its blocks again, and
    the result is the same.

    Parameters
    ----------
    n_clusters : int, default=8
    init : {"auto", "k-means++", "k-means||", "random", "first"} or array of shape (k, d) or
    (n_init, k, d), default="auto"
        As in `ckmeans.KMeans`; "auto" means "k-means++". That takes several passes over the rows
        for each center, while "k-means||" takes about a dozen for any number of centers: use it for
        hundreds of clusters.
    n_init : "auto" or int, default="auto"
        Number of runs, which share the passes over the rows. "auto": as in `ckmeans.KMeans`, 4, 2
        or 1 by the size of the problem and a further one that refines the best of these, where
        `init` is left open as well; otherwise 10 for inits that draw.
    max_iter : int, default=300
    tol : float, default=1e-4
    verbose : int, default=0
        If above 0, a line is printed for each pass over the blocks.
    random_state : None, int, RandomState or Generator, default=None
    n_threads : int or None, default=None
        Threads of each task; None means one, since several tasks run at the same time.
    max_time : float or None, default=None
        Seconds after which the fit ends with the best result so far, checked after each iteration.
        One more pass follows.
    label_order : None, "size", "center", fitted model or array of shape (k, d), default=None
        The order of the clusters, as in `ckmeans.KMeans`.
    callback : callable or None, default=None
        Called after each iteration of each run, in this process, with an object that has `run`,
        `n_runs`, `seed`, `n_iter`, `max_iter`, `shift`, `seconds`, `stop_reason`, `last`,
        `best_inertia` and `centers`. If it returns true, the fit ends with the best result so far.

    Attributes
    ----------
    labels_ : dask array of shape (n,), int32
        Lazy: ``predict(X)``.
    cluster_centers_, inertia_, counts_, n_iter_, converged_, stop_reason_, runs_, n_features_in_,
    feature_names_in_
        As in `ckmeans.KMeans`.

    See Also
    --------
    ckmeans.partial : the statistics that other parallel engines need

    Notes
    -----
    During a fit, workers hold its blocks, with 4 bytes per value and 8 to 28 bytes per row in
    addition. Call ``X.persist()`` before if rows should be read only once: a fit reads blocks in
    memory, but computing `labels_` reads X again.

    Blocks of 10 to 200 MB are best; each costs the scheduler about a millisecond per iteration. If
    iterations take less than half a second, and there are up to 16 workers, they are sent to these
    directly (`distributed.Client.run`). That takes 2 ms instead of 10 to 20, and is not shown on
    the dashboard. If the data easily fits into the memory of one machine, use `ckmeans.KMeans`,
    which is faster.

    Examples
    --------
    >>> import dask.array as da
    >>> from ckmeans.dask import KMeans
    >>> X = da.from_array([[1.0, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]], chunks=(2, 2))
    >>> model = KMeans(2, random_state=0).fit(X)
    >>> model.inertia_
    16.0
    >>> model.predict(X)
    dask.array<predict_block, shape=(6,), dtype=int32, chunksize=(2,), chunktype=numpy.ndarray>
    >>> model.cluster_centers_[model.predict([[0, 0], [12, 3]])]
    array([[ 1.,  2.],
           [10.,  2.]])
    """

    @alone
    def fit(self, X, y=None, sample_weight=None):
        """Cluster the rows of X.

        Parameters
        ----------
        X : dask array or DataFrame of shape (n, d)
            Chunks may have any number of rows, known or not; chunks along the columns are merged.
            Other array-likes are converted to a dask array.
        y : ignored
        sample_weight : dask array or Series of shape (n,), array-like or None
            If the numbers of rows of X are not known, it must have the same blocks as X.

        Returns
        -------
        self : KMeans

        Raises
        ------
        ImportError
            Dask is not installed.
        TypeError, ValueError
            A parameter or the data cannot be used; the message says which and why.
        """
        self._check()
        X, names, _ = collection(X)
        self._check(len_of(X, 1))
        if not np.isnan(len_of(X)):
            check.check_n_clusters(self.n_clusters, len_of(X))
        self._fit_blocks(Engine(X, sample_weight, self.n_threads or 1), names)
        self.labels_ = self._lazy(predict_block, X, np.empty(0, dtype=np.int32))
        return self

    def predict(self, X):
        """The nearest center of each row, lazily.

        Parameters
        ----------
        X : dask array or DataFrame of shape (n, d)
            Any other array-like is answered at once, by an ndarray.

        Returns
        -------
        labels : dask array of shape (n,), int32
        """
        if not is_lazy(X):
            return super().predict(X)
        X, _ = self._matching(X)
        return self._lazy(predict_block, X, np.empty(0, dtype=np.int32))

    def transform(self, X):
        """Euclidean distances of each row to every center, lazily.

        Parameters
        ----------
        X : dask array or DataFrame of shape (n, d)
            Any other array-like is answered at once, by an ndarray.

        Returns
        -------
        distances : dask array of shape (n, k)
        """
        if not is_lazy(X):
            return super().transform(X)
        X, dtype = self._matching(X)
        result = np.float32 if dtype == np.float32 else np.float64
        return self._lazy(transform_block, X, np.empty((0, len(self._centers())), dtype=result))

    def score(self, X, y=None, sample_weight=None):
        """The negative of the inertia that these rows have: higher is better."""
        if not is_lazy(X):
            return super().score(X, sample_weight=sample_weight)
        X, _ = self._matching(X)
        check.check_threads(self.n_threads)
        return -inertia(Engine(X, sample_weight, self.n_threads or 1), self._centers())

    def compute(self, labels=True):
        """The fitted model as a plain `ckmeans.KMeans`.

        Parameters
        ----------
        labels : bool, default=True
            Whether to gather `labels_`, 4 bytes per row.

        Returns
        -------
        model : ckmeans.KMeans
        """
        model = self._plain()
        if labels:
            lazy: Any = self.labels_
            model.labels_ = lazy.compute()
        return model

    def _matching(self, X):
        """X and its dtype, checked against the model."""
        self._centers()
        X, names, dtype = collection(X)
        check.check_feature_names(self, names, len_of(X, 1), reset=False)
        return X, dtype

    def _lazy(self, function, X, meta):
        """A dask array of the results of a function for each block."""
        if is_table(X):
            return X.map_partitions(function, self._nameless(), meta=meta)
        sizes = (
            dict(drop_axis=1) if meta.ndim == 1 else dict(chunks=(X.chunks[0], (meta.shape[1],)))
        )
        return X.map_blocks(function, self._nameless(), meta=meta, dtype=meta.dtype, **sizes)


class Engine:
    """Blocks of rows held by Dask's workers; see `_blocks/driver.py`.

    A pass is a graph, whose tasks run where the blocks are. If a worker is lost, Dask computes its
    blocks and results again. Short passes on few workers are sent directly to those that hold the
    blocks; if that fails for any reason, a graph does the pass.

    Parameters
    ----------
    X : dask array or DataFrame
    sample_weight : dask array, Series, array-like or None
    n_threads : int
        Threads of each task.
    """

    in_process, keeps = False, True

    def __init__(self, X, sample_weight, n_threads):
        import dask

        self.n_threads = n_threads
        rows = blocks(X)
        weights = (
            [None] * len(rows)
            if sample_weight is None
            else blocks(weights_like(sample_weight, X, len(rows)))
        )
        self.blocks = dask.persist(*map(dask.delayed(Block, pure=False), rows, weights))
        self.took = np.inf  # seconds that the last pass took

    def map(self, task, *broadcast):
        began = perf_counter()
        answers = self.straight(task, broadcast) if self.took < QUICK else None
        if answers is None:
            answers = self.by_graph(task, broadcast)
        self.took = perf_counter() - began
        return answers

    def by_graph(self, task, broadcast):
        """A pass that Dask schedules."""
        import dask

        told = dask.delayed(broadcast, traverse=False)  # goes to each worker, not to each block
        run, add = dask.delayed(run_block, pure=False), dask.delayed(sum_up, pure=False)
        answers = [run(block, task, index, told) for index, block in enumerate(self.blocks)]
        while len(answers) > FAN_IN:
            answers = [add(answers[i : i + FAN_IN]) for i in range(0, len(answers), FAN_IN)]
        return dask.compute(*answers)

    def straight(self, task, broadcast):
        """A pass by one call of each worker, which returns the sum of its blocks' answers. None if
        that is not possible.
        """
        futures = futures_of(self.blocks)
        # A task that waits must give its thread back to Dask, as it does in a graph.
        if len(futures) != len(self.blocks) or in_task():
            return None
        client = futures[0].client
        if client.asynchronous:
            return None
        holders = client.who_has(futures)  # asked each time: workers come and go
        if not all(holders.get(future.key) for future in futures):
            return None
        places: dict[str, dict] = {}
        for index, future in enumerate(futures):
            # Of several workers always the same one, which has kept data that makes the next pass
            # faster.
            places.setdefault(min(holders[future.key]), {})[index] = future.key
        if len(places) > FAN_IN:
            return None
        # Errors of workers are returned, for example if one has died. An exception that is raised
        # here is of this process, such as that of a signal handler, and ends the fit.
        answers = list(
            client.run(
                run_here, places, task, broadcast, workers=list(places), on_error="return"
            ).values()
        )
        return None if any(isinstance(answer, Exception) for answer in answers) else answers


async def run_here(places, task, broadcast, dask_worker):
    """Run on a worker, in a pass that is sent directly to it: its blocks, on its task threads."""
    run, pool = asyncio.get_running_loop().run_in_executor, dask_worker.executors["default"]
    blocks = [
        (dask_worker.data[key], index) for index, key in places[dask_worker.contact_address].items()
    ]
    return sum_up(
        await asyncio.gather(
            *(run(pool, run_block, block, task, index, broadcast) for block, index in blocks)
        )
    )


def futures_of(blocks):
    """The futures of blocks that workers of `distributed` hold; none for other schedulers."""
    distributed = sys.modules.get("distributed")
    return (
        []
        if distributed is None
        else [future for block in blocks for future in distributed.futures_of(block)]
    )


def in_task():
    """Whether this code runs in a task on a worker."""
    import distributed

    try:
        return distributed.get_worker() is not None
    except ValueError:
        return False


def run_block(block, task, index, broadcast):
    return block.run(task, index, *broadcast)


def sum_up(answers):
    return functools.reduce(operator.add, answers)


def is_lazy(X):
    return hasattr(type(X), "to_delayed") and hasattr(type(X), "ndim")


def is_table(X):
    return hasattr(X, "columns") and X.ndim == 2  # Series have columns, too


def len_of(X, axis=0):
    """The number of rows, or columns, of a dask collection; NaN if it is not known."""
    if axis == 1:
        return len(X.columns) if is_table(X) else X.shape[1]
    return np.nan if is_table(X) else X.shape[0]


def collection(X):
    """X as a dask collection with whole rows in each block, its column names, and its dtype."""
    array = need("dask.array", "ckmeans.dask")
    if not is_lazy(X):
        if hasattr(X, "dask"):
            raise TypeError(f"X must be a dask array or DataFrame, got {type(X).__name__}.")
        values, names = check.as_matrix(X)
        return array.from_array(values, chunks=("auto", -1)), names, values.dtype
    if is_table(X):
        values, names = check.as_matrix(X._meta, min_rows=0)
        return X, names, values.dtype
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead (shape={X.shape}).")
    check.as_matrix(np.empty((0, X.shape[1]), dtype=X.dtype), min_rows=0)
    return (X.rechunk({1: -1}) if X.numblocks[1] > 1 else X), None, X.dtype


def blocks(X):
    """A dask collection as a list of delayed blocks."""
    return np.ravel(X.to_delayed()).tolist()


def weights_like(sample_weight, X, count):
    """Weights as a dask collection with the blocks of X."""
    array = need("dask.array", "ckmeans.dask")
    known = not np.isnan(len_of(X)) and not np.isnan(X.chunks[0]).any()
    if not is_lazy(sample_weight):
        if not known:
            raise ValueError(
                "sample_weight must be a dask array or Series with the blocks of X, "
                "whose rows are not known."
            )
        return array.from_array(check.as_weights(sample_weight, len_of(X)), chunks=(X.chunks[0],))
    if is_table(sample_weight) or sample_weight.ndim != 1:
        raise ValueError(
            f"sample_weight must be one-dimensional, got {sample_weight.ndim} dimensions."
        )
    if known and hasattr(sample_weight, "chunks") and not np.isnan(sample_weight.shape[0]):
        if sample_weight.shape[0] != len_of(X):
            raise ValueError(
                f"sample_weight has {sample_weight.shape[0]} entries, X has {len_of(X)} rows."
            )
        return sample_weight.rechunk((X.chunks[0],))
    if sample_weight.npartitions != count:
        raise ValueError(
            f"sample_weight has {sample_weight.npartitions} blocks and X has {count}: "
            "where numbers of rows are not known, "
            "they must have as many, of the same rows."
        )
    return sample_weight
