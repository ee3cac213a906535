"""k-means on Ray (extra ``ray``): actors hold blocks of rows, with the same bits as for one array.

>>> import ray                                                              # doctest: +SKIP
>>> from ckmeans.ray import KMeans                                          # doctest: +SKIP
>>> model = KMeans(8, random_state=0).fit(ray.data.read_parquet("rows"))    # doctest: +SKIP
>>> model.compute().predict(X)                                              # doctest: +SKIP
"""

import functools
import operator

from ._blocks.distributed import BlockKMeans, predict_block
from ._blocks.driver import inertia
from ._blocks.resident import Block
from ._estimators.base import alone
from ._input import checks as check
from ._input.optional_packages import need

__all__ = ["KMeans"]


class KMeans(BlockKMeans):
    """k-means over the blocks of a Ray dataset, or over a list of blocks, with the results of
    `ckmeans.KMeans` on all their rows, to the last bit.

    Actors hold the blocks; in each iteration centers are sent to them and sums come back. An actor
    that dies is started again, with its blocks, and the result is the same. For rows of one feature
    and for 1000 clusters or more, "auto" means k-means++, too; see `ckmeans.dask.KMeans`.

    Parameters
    ----------
    n_clusters, init, n_init, max_iter, tol, verbose, random_state, max_time, label_order, callback
        As in `ckmeans.dask.KMeans`.
    n_threads : int or None, default=None
        CPUs of each actor; None means one. There are as many actors as the CPUs of the cluster
        allow.

    Attributes
    ----------
    cluster_centers_, inertia_, counts_, n_iter_, converged_, stop_reason_, runs_, n_features_in_,
    feature_names_in_
        As in `ckmeans.KMeans`.
    """

    @alone
    def fit(self, X, y=None, sample_weight=None):
        """Cluster the rows of all blocks.

        Parameters
        ----------
        X : ray.data.Dataset, or list of blocks
            A dataset has a column for each feature. A block is an array-like or table of shape
            (rows, d), or an ObjectRef of one.
        y : ignored
        sample_weight : str, list or None
            The name of a column of the dataset, which is then not a feature; or a list with the
            weights of each block.

        Returns
        -------
        self : KMeans
        """
        self._check()
        blocks, weights, names = split(X, sample_weight)
        self._fit_blocks(Engine(blocks, weights, self.n_threads or 1), names)
        return self

    def predict(self, X):
        """The nearest center of each row; computed block by block, in the background.

        Parameters
        ----------
        X : ray.data.Dataset of the features, or list of blocks
            Any other array-like is answered at once, by an ndarray.

        Returns
        -------
        labels : list of ObjectRef
            An int32 ndarray for each block, in the order of the rows.
        """
        if not is_blocks(X):
            return super().predict(X)
        self._centers()
        ray = need("ray", "ckmeans.ray")
        blocks, _, names = split(X, None)
        check.check_feature_names(self, names, check.feature_count(self), reset=False)
        task, model = ray.remote(predict_block), ray.put(self._nameless())
        return [task.remote(block, model) for block in blocks]

    def fit_predict(self, X, y=None, sample_weight=None, **of_fit):
        """Fit, and return the labels of the rows as `predict` does."""
        return self.fit(X, sample_weight=sample_weight, **of_fit).predict(X)

    def score(self, X, y=None, sample_weight=None):
        """The negative of the inertia that these rows have: higher is better."""
        if not is_blocks(X):
            return super().score(X, sample_weight=sample_weight)
        check.check_threads(self.n_threads)
        centers = self._centers()
        blocks, weights, _ = split(X, sample_weight)
        return -inertia(Engine(blocks, weights, self.n_threads or 1), centers)

    def compute(self):
        """The fitted model as a plain `ckmeans.KMeans`, without labels."""
        return self._plain()


class Engine:
    """Blocks of rows held by Ray's actors; see `_blocks/driver.py`."""

    in_process, keeps = False, True

    def __init__(self, blocks, weights, n_threads):
        self.ray = ray = need("ray", "ckmeans.ray")
        self.n_threads = n_threads
        # The blocks are computed first, so that this does not wait for CPUs that actors occupy; and
        # references are kept for actors that are started again.
        self.held = [
            block if isinstance(block, ray.ObjectRef) else ray.put(block)
            for block in [*blocks, *weights]
        ]
        ray.wait(self.held, num_returns=len(self.held), fetch_local=False)
        count = max(1, min(len(blocks), int(ray.cluster_resources().get("CPU", 1)) // n_threads))
        actor = ray.remote(
            num_cpus=n_threads, max_restarts=-1, max_task_retries=-1, scheduling_strategy="SPREAD"
        )(Holder)
        self.actors = [
            actor.remote(
                range(i, len(blocks), count),
                *self.held[i : len(blocks) : count],
                *self.held[len(blocks) + i :: count],
            )
            for i in range(count)
        ]

    def map(self, task, *broadcast):
        told = self.ray.put(broadcast)
        waiting = [actor.run.remote(task, told) for actor in self.actors]
        while waiting:
            (done,), waiting = self.ray.wait(waiting)
            yield self.ray.get(done)


class Holder:
    """An actor with some blocks, given by their indices, rows and weights (if any)."""

    def __init__(self, indices, *arrays):
        weights = arrays[len(indices) :] or [None] * len(indices)
        self.blocks = [(index, Block(X, w)) for index, X, w in zip(indices, arrays, weights)]

    def run(self, task, broadcast):
        """The sum of the blocks' answers."""
        return functools.reduce(
            operator.add, (block.run(task, index, *broadcast) for index, block in self.blocks)
        )


def is_blocks(X):
    return isinstance(X, (list, tuple)) or hasattr(X, "to_pandas_refs")


def split(X, sample_weight):
    """The blocks of X, their weights, and the names of the columns."""
    if not is_blocks(X):
        raise TypeError(
            f"X must be a ray.data.Dataset or a list of blocks, got {type(X).__name__}."
        )
    if isinstance(X, (list, tuple)):
        weights = [] if sample_weight is None else list(sample_weight)
        if not X:
            raise ValueError("X is an empty list: pass at least one block.")
        if weights and len(weights) != len(X):
            raise ValueError(f"sample_weight has {len(weights)} blocks and X has {len(X)}.")
        return list(X), weights, None
    X, weights = in_order(X), []
    names = list(X.schema().names)
    blocks = X.to_pandas_refs()
    if sample_weight is not None:
        check.check_name(sample_weight, names, "sample_weight")
        weights = X.to_numpy_refs(column=sample_weight)
        task = need("ray", "ckmeans.ray").remote(without)
        blocks = [task.remote(block, sample_weight) for block in blocks]
        names.remove(sample_weight)
    return blocks, weights, check.string_names(names)


def in_order(dataset):
    """The dataset with its blocks computed, in the order of the rows: by default, Ray Data has them
    in the order in which they are finished.
    """
    options = dataset.context.execution_options
    before, options.preserve_order = options.preserve_order, True
    try:
        return dataset.materialize()
    finally:
        options.preserve_order = before


def without(frame, column):
    return frame.drop(columns=[column])
