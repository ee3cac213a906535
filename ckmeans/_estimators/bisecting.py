"""The class `BisectingKMeans`: clusters are split in two repeatedly."""

from typing import Any, NamedTuple

import numpy as np

from .._inits.given import mean_center
from .._input import checks as check
from .._input.parameter_names import names_parameters
from .._native.engine import Data
from .base import (
    CenterModel,
    alone,
    keep_fitted,
    leaving,
    open_data,
    warn_of_few_clusters,
    weight_of,
)
from .restarts import Solver, starts

#: name -> score of a leaf; the leaf of the highest score is split next (of equal ones the earliest)
STRATEGIES = {
    "biggest_inertia": lambda leaf: leaf.inertia,
    "largest_cluster": lambda leaf: len(leaf.rows),
}
ALGORITHMS = ("lloyd", "elkan")


class Leaf(NamedTuple):
    """A cluster that is not split (yet)."""

    rows: np.ndarray  #: indices of its rows
    data: Any  #: engine Data of these rows; None if there are none
    center: np.ndarray
    inertia: float
    parent: tuple[int, int] | None  #: (node, side) in the tree; None for the root

    @property
    def splits(self) -> bool:
        """Whether the cluster can be split."""
        return (
            self.inertia > 0
            and len(self.rows) > 1
            and (self.data.weights is None or bool(self.data.weights.any()))
        )


class BisectingKMeans(CenterModel):
    """k-means by repeated bisection (Steinbach, Karypis & Kumar, KDD Workshop on Text Mining 2000).

    All rows begin in one cluster. The cluster of largest inertia, or of most rows, is split in two
    by k-means, until there are `n_clusters`. The splits form a tree, which `predict` descends.

    Parameters
    ----------
    n_clusters : int, default=8
    init : "random", "k-means++" or any other name that `KMeans` takes, or callable,
    default="random"
        Where each split starts from.
    n_init : int, default=3
        Starts of each split, of which the best is kept. On 18 data sets 3 gave a 2.8 % lower
        inertia than 1, on average, in 1.5 times the time; 5 gave 3.3 % in 1.8 times.
    random_state : None, int, RandomState or Generator, default=None
    max_iter : int, default=300
        Most iterations of a split.
    verbose : int, default=0
        Above 0, a line is printed for every split.
    tol : float, default=1e-4
        As in `KMeans`, for each split.
    copy_x : bool, default=True
        X is never changed. With False no packed copy of it is kept, as in `KMeans`.
    algorithm : {"lloyd", "elkan"}, default="lloyd"
        Both are accepted and give the same results.
    bisecting_strategy : {"biggest_inertia", "largest_cluster"}, default="biggest_inertia"
        Which cluster is split next.
    n_threads : int or None, default=None
        Results do not depend on it.
    metric : {"euclidean", "cosine"}, default="euclidean"
        "cosine" as in `KMeans`.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (k, d)
        From the leftmost leaf of the tree to the rightmost.
    labels_ : ndarray of shape (n,), int32
        Equal to ``predict(X)``. A row's center need not be the nearest one: it is the nearer one at
        every split.
    inertia_ : float
    counts_ : ndarray of shape (k,), int64
    n_iter_ : int
        Most iterations of a split that was kept.
    tree_centers_ : ndarray of shape (k - 1, 2, d)
        For every split the two centers between which rows were divided. Split 0 is the first.
    tree_children_ : ndarray of shape (k - 1, 2), int32
        What each side leads to: a later split or, if negative, ``~label``.
    n_features_in_, feature_names_in_
        As in `KMeans`.

    Notes
    -----
    For large k this is faster than `KMeans` and gives clusters of more similar sizes, but a higher
    inertia. Not for tasks that need the lowest inertia. Takes the memory of a copy of X.

    If an exception ends a fit (Ctrl-C, an exception of a signal handler, lack of memory), the tree
    of the splits so far is kept, with fewer than `n_clusters` clusters, and the exception
    propagates.

    Examples
    --------
    >>> from ckmeans import BisectingKMeans
    >>> X = [[1, 1], [10, 1], [3, 1], [10, 0], [2, 1], [10, 2], [10, 8], [10, 9], [10, 10]]
    >>> model = BisectingKMeans(3, random_state=0).fit(X)
    >>> model.cluster_centers_[model.predict([[0, 0], [12, 3]])]
    array([[ 2.,  1.],
           [10.,  1.]])
    >>> model.tree_children_.shape
    (2, 2)
    """

    algorithm: str
    bisecting_strategy: str
    copy_x: bool

    tree_centers_: np.ndarray
    tree_children_: np.ndarray

    @names_parameters
    def __init__(
        self,
        n_clusters=8,
        *,
        init="random",
        n_init=3,
        random_state=None,
        max_iter=300,
        verbose=0,
        tol=1e-4,
        copy_x=True,
        algorithm="lloyd",
        bisecting_strategy="biggest_inertia",
        n_threads=None,
        metric="euclidean",
    ):
        self._keep_parameters(locals())

    @alone
    @names_parameters
    def fit(self, X: Any, y: object = None, sample_weight: Any = None) -> "BisectingKMeans":
        """Split the rows of X into clusters.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)
        y : ignored
        sample_weight : array-like of shape (n,) or None

        Returns
        -------
        self : BisectingKMeans
        """
        self._check()
        array, names = check.as_matrix(X, sparse=True)
        check.check_n_clusters(self.n_clusters, len(array))
        weights = check.as_weights(sample_weight, len(array))
        data = open_data(
            array,
            names,
            weights,
            self.n_threads,
            packed=self.copy_x,
            unit=self._measure.unit,
            compared=True,
        )
        check.check_directions(data)
        check.warn_of_columns(array, names, self.metric)
        (seed,) = check.seeds(self.random_state, 1)
        random = np.random.RandomState(seed)
        score = STRATEGIES[self.bisecting_strategy]

        k, d = int(self.n_clusters), data.shape[1]
        tree_centers, children = np.empty((k - 1, 2, d)), np.empty((k - 1, 2), dtype=np.int32)
        zeros = np.zeros(len(array), dtype=np.int32)
        center = mean_center(data)
        leaves = [Leaf(np.arange(len(array)), data, center[0], data.inertia(center, zeros), None)]
        iterations = 1

        def keep():
            """Keep the tree so far."""
            splits = len(leaves) - 1
            labels = np.empty(len(array), dtype=np.int32)
            links = children[:splits].copy()
            for label, leaf in enumerate(
                leaves
            ):  # a split puts two leaves in place of one, so this is the tree's order
                labels[leaf.rows] = label
                if leaf.parent is not None:
                    links[leaf.parent] = ~label
            centers = np.array([leaf.center for leaf in leaves]).astype(
                np.float32 if array.dtype == np.float32 else np.float64
            )
            keep_fitted(
                self,
                names,
                d,
                {
                    "tree_centers_": tree_centers[:splits],
                    "tree_children_": links,
                    "cluster_centers_": centers,
                    "labels_": labels,
                    "inertia_": data.inertia(centers.astype(np.float64), labels),
                    "weight_": weight_of(data),
                    "n_iter_": iterations,
                    "counts_": np.bincount(labels, minlength=len(leaves)),
                },
            )

        with leaving(lambda: keep() if len(leaves) > 1 else None):
            for node in range(k - 1):
                # A leaf of equal rows is split (into itself and an empty leaf) only when no other
                # leaf is left.
                at = max(range(len(leaves)), key=lambda i: (leaves[i].splits, score(leaves[i]), -i))
                leaf = leaves[at]
                if leaf.splits:
                    centers, sides, n_iter = self._split(leaf, random)
                    iterations = max(iterations, n_iter)
                else:
                    centers, sides = (
                        np.stack([leaf.center, leaf.center]),
                        np.zeros(len(leaf.rows), dtype=np.int32),
                    )
                tree_centers[node] = centers
                if leaf.parent is not None:
                    children[leaf.parent] = node
                leaves[at : at + 1] = [
                    self._leaf(leaf, array, weights, sides == side, centers[side], (node, side))
                    for side in (0, 1)
                ]
                if self.verbose:
                    print(
                        f"split {node + 1} of {k - 1}: {len(leaves[at].rows)} and "
                        f"{len(leaves[at + 1].rows)} rows"
                    )
            keep()
        warn_of_few_clusters(self)
        return self

    def _split(self, leaf: Leaf, random: np.random.RandomState) -> Any:
        """Two centers, which of them each row is nearer to, and iterations."""
        solver = Solver(leaf.data, None, self.max_iter, self.tol, "auto")
        for start in solver.draw(
            starts(self.init, self.n_init, 2, random, leaf.data.array, leaf.data)
        ):
            solver.run(*start)
        return solver.best.centers.astype(np.float64), solver.best.labels, solver.best.n_iter

    def _leaf(self, parent, array, weights, chosen, center, place):
        rows = parent.rows[chosen]
        if not len(rows):
            return Leaf(rows, None, center, 0.0, place)
        part = array[rows]
        weights = None if weights is None else weights[rows]
        data = Data(part, weights, parent.data.n_threads, self.copy_x, unit=parent.data.unit)
        zeros = np.zeros(len(rows), dtype=np.int32)
        return Leaf(rows, data, center, data.inertia(center[np.newaxis], zeros), place)

    def _check(self) -> None:
        check.check_shared_params(self)
        check.check_int(self.n_init, "n_init", 1, "an integer of at least 1")
        check.check_bool(self.copy_x, "copy_x")
        check.check_name(self.algorithm, ALGORITHMS, "algorithm")
        check.check_name(self.bisecting_strategy, STRATEGIES, "bisecting_strategy")
        check.check_name(self.metric, check.METRICS, "metric")
        if not isinstance(self.init, str) and not callable(self.init):
            raise TypeError(
                "init must be a name or a callable here, since every split needs "
                "centers of its own, "
                f"got {type(self.init).__name__}."
            )

    def predict(self, X: Any) -> np.ndarray:
        """The leaf that each row reaches, going to the nearer of two centers at every split.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)

        Returns
        -------
        labels : ndarray of shape (n,), int32
        """
        return self._labels(self._open(X))

    def _labels(self, data: Data) -> np.ndarray:
        return self._descend(data, *self._centers().shape)

    def _descend(self, data: Data, k: int, d: int) -> np.ndarray:
        array = data.array
        tree_centers, children = check.fitted_tree(self, k, d)
        labels = np.zeros(data.shape[0], dtype=np.int32)
        todo: list[tuple[int, Any]] = [(0, None)] if k > 1 else []
        while todo:
            node, rows = todo.pop()
            part = (
                data
                if rows is None
                else Data(array[rows], None, data.n_threads, False, unit=data.unit)
            )
            sides = part.assign(tree_centers[node])
            for side, child in enumerate(children[node].tolist()):
                chosen = np.flatnonzero(sides == side)
                chosen = chosen if rows is None else rows[chosen]
                if child < 0:
                    labels[chosen] = ~child
                elif len(chosen):
                    todo.append((child, chosen))
        return labels
