"""The class `KMeans` and the functions around it: parameters in, results out; the work is done
elsewhere.
"""

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np

from .._inits.kmeans_plusplus import kmeans_plusplus_indices
from .._input import checks as check
from .._input.sparse import SparseRows
from .._refine import PLANS, REFINEMENTS
from .base import (
    alone,
    keep_centers,
    keep_result,
    leaving,
    open_data,
    warn_of_few_clusters,
)
from .chunk_fits import ChunkFits
from .labels import check_label_order
from .restarts import ALGORITHMS, DRAWN_AHEAD, IterState, Run, Solver, starts
from .watch import Watch


class KMeans(ChunkFits):
    """k-means clustering: exact, reproducible to the last bit, fast.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters, k.
    init : str, array-like, iterable of array-likes or callable, default="auto"
        Where runs start from.

        * ``"auto"``: greedy k-means++ for two columns or more; for one column the global optimum,
          which is "optimal";
        * ``"optimal"``: for X of one column, the clustering of least inertia that there is (Wang &
          Song 2011). It draws nothing and takes one run, whose iterations only confirm it; clusters
          are in ascending order. A sort, and at most O(k n log n), mostly far less: half a second
          for a million rows and 1000 clusters. About 150 bytes per row; `max_time` does not cut it
          short, Ctrl-C does;
        * ``"k-means++"``: rows far from each other, greedy and weighted (Arthur & Vassilvitskii
          2007);
        * ``"random"``: distinct rows drawn by weight; ``"random-partition"``: means of a random
          partition; ``"first"``: the first k distinct rows;
        * ``"k-means||"``: many rows at once in a few rounds, then k-means++ on those (Bahmani et
          al. 2012), for very large k;
        * ``"variance-partition"``: means of parts cut at the mean of their widest feature (Su & Dy
          2007): the fastest good one for many rows and clusters, and it draws nothing;
        * array of shape (k, d): these centers; array of shape (n_init, k, d), or any iterable of
          (k, d) arrays: one run from each;
        * callable ``init(X, n_clusters, random_state=...)`` that returns centers of shape (k, d).
    n_init : "auto" or int, default="auto"
        Number of runs, of which the one with the lowest inertia is kept (the first of equal ones).
        "auto" means 10 for inits that draw, 1 for those that do not. Given centers bring their own
        number.
    max_iter : int, default=300
        Most iterations of a run.
    tol : float, default=1e-4
        A run stops when the centers' total squared shift in an iteration is at most `tol` times the
        mean variance of the features; it always stops when no label changes. 0 asks for the latter.
    verbose : int, default=0
        1 prints a line for every iteration and every run, 2 the inertia of every iteration, too.
    random_state : None, int, RandomState or Generator, default=None
        Decides what inits draw. An int makes results repeatable. The first run uses an int as it
        is; ``runs_`` holds the seed of each run, and ``KMeans(..., n_init=1, random_state=seed)``
        repeats that run alone.
    copy_x : bool, default=True
        X is never changed. False asks for the lean way of working, which keeps no packed float32
        copy of X (4 bytes per value) and is slower; it is taken anyway when memory is short.
    algorithm : {"auto", "lloyd", "boxes", "yinyang", "projected", "elkan"}, default="auto"
        All give the same results to the last bit; they differ in speed and memory.

        * ``"lloyd"``: every row with every center; wide rows (from 24 to 72 features on, by
          instruction set and k) in 16-bit whole numbers, 2 bytes per value instead of 4, which are
          compared twice as fast and leave few rows in doubt;
        * ``"boxes"``: sorts the rows in space once (12 bytes per row) and compares panels of 64
          with the centers that can win in their bounding box: for few features, and clusters that
          are small beside the data;
        * ``"yinyang"``: keeps bounds on distances and compares rows with the groups of 32 centers
          that these do not rule out (Ding et al. 2015; with up to 32 clusters this is Hamerly's
          algorithm, 2010): for more features and many iterations, as long as centers slow down; ``4
          * (1 + ceil(k / 32))`` bytes per row;
        * ``"projected"``: sees rows along the few axes (63 at most) on which they vary most, bounds
          what length those leave over (compare Bottesch et al. 2016), and looks at all features of
          a row only where that does not tell its center; keeps bounds as well where they pay. For
          many features that hang together, as in images and embeddings: 4 bytes per axis and row.
          Where axes tell little it goes on as "lloyd";
        * ``"auto"``: begins with "lloyd" and changes to one of the others, or back, where counted
          work promises a gain; at most the memory of all, and without them where there is none;
        * ``"elkan"``: accepted for scikit-learn's sake, means "auto": a bound for each row and
          center, n x k of them, costs more here than the distances it saves.
    n_threads : int or None, default=None
        Threads to use; None means the CPUs that this process may use. Small work stays on the
        calling thread. Results do not depend on it.
    metric : {"euclidean", "cosine"}, default="euclidean"
        "cosine" clusters directions, for embeddings and counts of words: spherical k-means; see
        Notes.
    refine : None, str or sequence of str, default=None
        What is done to escape the local optimum that a run ends in; see Notes.

        * ``"auto"``: "swap", then "hartigan-wong", for every day: computes at most 150 times the
          distances of one Lloyd iteration (of 20 clusters at least), and draws 300 rows per cluster
          (20000 at least) to work on where there are more;
        * ``"best"``: "swap", "genetic", "hartigan-wong" on 400 rows per cluster, at most 400 times
          the distances of one iteration;
        * ``"swap"``, ``"genetic"``, ``"hartigan-wong"``, or several of them, in this order.
    history : bool, default=False
        Whether to keep what each iteration did in ``history_``; takes a pass over the rows per
        iteration more.
    max_time : float or None, default=None
        Seconds after which the fit ends with the best that it has, looked at after each iteration;
        ``stop_reason_`` is "max_time" where that is a run cut short. Such results depend on the
        machine.
    callback : callable or None, default=None
        Called with a state after each iteration: `run`, `n_runs`, `seed`, `n_iter`, `max_iter`,
        `n_changed`, `shift`, `seconds`, `stop_reason`, `last`, `best_inertia`, and, made when asked
        for, `centers`, `labels`, `inertia`. A true result ends the fit with the best so far.
        `ckmeans.progress.ProgressBar()` is one.
    label_order : None, "size", "center" or array of shape (k, d), default=None
        The order of the clusters in all results: as it comes; those of most rows first; by center,
        lexicographically; or each at the place of the center of an earlier model that it is matched
        with. Rows equally far from two centers then go to the lower of the new labels.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (k, d)
        float32 for float32 data, float64 for any other.
    labels_ : ndarray of shape (n,), int32
        Cluster of each row: the nearest center, the lowest index of equally near ones. Always
        equals ``predict(X)``.
    inertia_ : float
        Weighted sum of squared distances of the rows to their centers; of cosine distances with
        ``metric="cosine"``.
    counts_ : ndarray of shape (k,), int64
        Rows in each cluster.
    n_iter_ : int
        Iterations of the run that was kept.
    converged_ : bool
        Whether it ended before `max_iter`.
    stop_reason_ : {"labels", "tol", "max_iter", "max_time", "callback", "interrupted"}
        Why it ended: no label changed, the centers moved less than `tol` allows, too many
        iterations, too much time, the callback said so, or an exception such as that of Ctrl-C.
    runs_ : tuple of Run
        Seed, inertia, iterations, stop reason and seconds of every run.
    history_ : tuple of lists of Iteration
        Only with ``history=True``: for each run of `runs_` its iterations' n_iter, inertia, shift,
        n_changed and n_distances.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (d,), object
        Only when X had column names.

    Warns
    -----
    ConvergenceWarning
        Fewer clusters than asked for have rows, because X has too few distinct rows.

    See Also
    --------
    k_means, kmeans_plusplus

    Notes
    -----
    Lloyd's algorithm (Lloyd, IEEE Trans. Inf. Theory 28, 1982). A cluster that loses all its rows
    takes the row farthest from its own center. Squared distances are float64, feature after
    feature; fast arithmetic only discards centers that provably are not the nearest. Sums over rows
    are exact and rounded once. So results are bit-identical for any number of threads, algorithm,
    instruction set and memory layout. Rows are drawn in the order of a hash of their values: so
    permuting the rows permutes the labels and changes nothing else (but for inits that go by
    position, "first" and "random-partition"), and a row of weight 2 is drawn like two equal rows.

    Refinements start from the end of a run, on one thread, and Lloyd's iterations over all rows
    follow them: labels are still those of the nearest centers, and a result that is not better is
    not taken. They draw from the run's seed, and stop by counting distances, never by the clock, so
    that results are as repeatable as without. "swap": centers are put on rows far from their own
    (Lattanzi & Sohler, ICML 2019; Beretta et al., NeurIPS 2023); "genetic": a small population of
    clusterings, crossed (Gribel & Vidal, Pattern Recognition 88, 2019); "hartigan-wong": single
    rows are moved (Hartigan & Wong, Applied Statistics 28, 1979). They hold the rows they work on
    twice, in float64, and 64 bytes for each. With "auto" one start is about as good as many:
    ``n_init=1`` saves time. Measured on 35 problems (``python -m bench.quality``), one thread,
    inertia above the least published or known: ten starts +1.1 %; one start with "auto" -0.3 %, in
    2.2 times their time, which is less than a third of that of scikit-learn's ten; one with "best"
    -0.4 %, in 2.4 times that of "auto". Ten plain starts are still faster, and with few clusters
    now and then better than "auto" (in 4 of the 35 problems, of 8 to 25 clusters); so refine=None
    is the default.

    With ``metric="cosine"`` (spherical k-means: Dhillon & Modha, Machine Learning 42, 2001; Hornik
    et al., J. Stat. Software 50, 2012) rows count by their direction only, as if each were divided
    by its length, which is done on the fly: no copy of X is made. Centers are mean directions of
    unit length. Distances are ``1 - cos``, computed as half the squared distance of unit vectors,
    so that `inertia_` is half of what Euclidean k-means has for the same rows, centers and labels.
    All is in float64, but for float32 X the centers are rounded to float32 (and brought to unit
    length once more wherever they are used). Rows of zeros (no magnitude above 1e-300) have no
    direction: their label is 0, their distance to every center 1, which `inertia_` includes, and
    they have no say in anything else. A center whose rows cancel out stays where it was. Of sparse
    X the values are copied, at 8 bytes each. Refinements search among unit rows by Euclidean
    k-means, and what they find is taken where its sum of cosine distances is lower. `select_k` and
    `ckmeans.metrics` know Euclidean distances only: give them unit rows. Not for data where the
    length of a row, or a shift of the origin, means something.

    Extra memory of a fit: 8 to 40 bytes per row and, unless lean, 4 bytes per value of X for its
    packed copy and 2 more where wide rows are put in whole numbers, and what `algorithm` says; per
    thread about ``24 * k * d`` bytes. Never n x k. Sparse rows are not copied: 12 to 36 bytes per
    row, about ``40 * k * d`` bytes, and per thread at most ``300 * d``; never n x d.

    With sparse rows the time goes with the stored values, but for what is exact by definition, the
    inertia at the end of a run and `transform`: that looks at every feature in which a center is
    not zero.

    More rows than memory: `fit_chunks` reads them chunk by chunk, and so does `fit` with a large
    `numpy.memmap` (where its packed copy would take more than 100 MB; not with `refine`, `history`,
    `callback`, `verbose` or an init that needs all rows at once). The bits are the same, the peak
    is less than 200 MB more than before, and ``labels_`` are in a temporary file where they are
    many.

    Not for clusters of very different sizes or shapes, nor for features on different scales: scale
    those first.

    Whatever ends a fit (Ctrl-C, an exception of a callback or of a signal handler, too little
    memory), the best finished run is kept in the attributes (the centers so far, without labels,
    when none has finished), and the exception goes on.

    Examples
    --------
    >>> import numpy as np
    >>> from ckmeans import KMeans
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> kmeans = KMeans(n_clusters=2, random_state=0).fit(X)
    >>> kmeans.cluster_centers_[kmeans.predict([[0, 0], [12, 3]])]
    array([[ 1.,  2.],
           [10.,  2.]])
    >>> kmeans.inertia_
    16.0
    """

    algorithm: str
    copy_x: bool
    max_time: float | None

    converged_: bool
    history_: tuple[list[Any], ...]
    runs_: tuple[Run, ...]

    def __init__(
        self,
        n_clusters=8,
        *,
        init="auto",
        n_init="auto",
        max_iter=300,
        tol=1e-4,
        verbose=0,
        random_state=None,
        copy_x=True,
        algorithm="auto",
        n_threads=None,
        history=False,
        max_time=None,
        callback=None,
        label_order=None,
        refine=None,
        metric="euclidean",
    ):
        self._keep_parameters(locals())

    # -- fitting -----------------------------------------------------------------------------------

    @alone
    def fit(self, X: Any, y: object = None, sample_weight: Any = None) -> "KMeans":
        """Cluster the rows of X.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)
            Any real dtype and memory layout; float64 and float32 are read in place. Sparse matrices
            and arrays of SciPy are read as CSR, in place as well, and never made dense; other
            sparse formats are converted to CSR.
        y : ignored
        sample_weight : array-like of shape (n,) or None
            Non-negative weights. Rows of weight 0 get labels but have no say.

        Returns
        -------
        self : KMeans

        Raises
        ------
        TypeError, ValueError
            A parameter or the data cannot be used; the message says which and why.
        """
        began = perf_counter()
        if isinstance(X, np.memmap) and self._better_in_blocks(X):
            return self._fit_mapped(X, sample_weight)
        solver, restarts = self._prepare(X, sample_weight)
        watch = None
        if self.verbose or self.callback is not None or self.max_time is not None:
            watch = Watch(
                began, len(restarts), self.max_iter, self.max_time, self.callback, self.verbose
            )
        with leaving(lambda: self._keep_interrupted(solver)):
            for start in solver.draw(restarts, DRAWN_AHEAD if self.max_time is None else 1):
                if solver.run(*start, watch):
                    break
            self._keep(solver)
        warn_of_few_clusters(self)
        return self

    def iter_fit(self, X: Any, sample_weight: Any = None) -> Iterator[IterState]:
        """Fit with one run, yielding the state after each iteration.

        Once exhausted the estimator is fitted, exactly as `fit` would have it with one init.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)
        sample_weight : array-like of shape (n,) or None

        Yields
        ------
        state : IterState
            n_iter, centers (after the update), labels and inertia (of the assignment before it),
            shift, n_changed.

        Examples
        --------
        >>> import numpy as np
        >>> from ckmeans import KMeans
        >>> X = np.array([[0.0], [1.0], [5.0], [6.0]])
        >>> for state in KMeans(2, init=[[0.0], [1.0]]).iter_fit(X):
        ...     print(state.n_iter, state.inertia, state.centers.ravel())
        1 41.0 [0. 4.]
        2 6.0 [0.5 5.5]
        3 1.0 [0.5 5.5]
        """
        solver, restarts = self._prepare(X, sample_weight)
        return self._states(solver, restarts[0])

    def _states(self, solver: Solver, restart: tuple[int | None, Any]) -> Iterator[IterState]:
        with leaving(lambda: self._keep_interrupted(solver)):
            yield from solver.states(*restart)
            self._keep(solver)
        warn_of_few_clusters(self)

    def _check_params(self) -> None:
        check.check_params(self, ALGORITHMS, (*PLANS, *REFINEMENTS))

    def _prepare(self, X: Any, sample_weight: Any) -> tuple[Solver, list[Any]]:
        """Check everything, and return a solver for these rows and where its runs start."""
        self._check_params()
        array, names = check.as_matrix(X, sparse=True)
        check.check_n_clusters(self.n_clusters, len(array))
        check_label_order(self.label_order, int(self.n_clusters), array.shape[1])
        weights = check.as_weights(sample_weight, len(array))
        data = open_data(
            array,
            names,
            weights,
            self.n_threads,
            packed=self.copy_x,
            unit=self._unit,
            compared=True,
        )
        check.check_directions(data)
        restarts = starts(
            self._init(), self.n_init, self.n_clusters, self.random_state, array, data
        )
        refine = self.refine
        if array.shape[1] == 1 and isinstance(self.init, str) and self.init in ("auto", "optimal"):
            refine = None  # there is nothing better
        if refine is not None:
            if isinstance(array, SparseRows):
                raise ValueError(
                    "refine works on dense rows only: pass refine=None, or "
                    "X.toarray() where it fits into memory."
                )
            # Refinements draw, also from centers that were given.
            drawn = check.seeds(self.random_state, len(restarts))
            restarts = [
                (seed if own is None else own, make) for seed, (own, make) in zip(drawn, restarts)
            ]
        solver = Solver(data, names, self.max_iter, self.tol, ALGORITHMS[self.algorithm], refine)
        solver.histories = [] if self.history else None
        return solver, restarts

    def _keep(self, solver: Solver, interrupted: bool = False) -> None:
        best = solver.best if self.label_order is None else solver.best_in_order(self.label_order)
        history = None if solver.histories is None else tuple(solver.histories)
        keep_result(
            self,
            best,
            solver.runs,
            solver.names,
            solver.data.shape[1],
            interrupted,
            history_=history,
        )

    def _keep_interrupted(self, solver: Solver) -> None:
        if solver.best is not None:
            self._keep(solver, interrupted=True)
        elif solver.current is not None:
            keep_centers(
                self,
                solver.current.result_centers(),
                solver.current.n_iter,
                solver.names,
                solver.data.shape[1],
            )

    def _repr_html_(self) -> str:
        from .notebook import model_html

        return model_html(self)


def k_means(
    X,
    n_clusters,
    *,
    sample_weight=None,
    init="auto",
    n_init="auto",
    max_iter=300,
    tol=1e-4,
    verbose=0,
    random_state=None,
    copy_x=True,
    algorithm="auto",
    n_threads=None,
    refine=None,
    metric="euclidean",
    return_n_iter=False,
):
    """k-means clustering as a function; parameters as in `KMeans`.

    Returns
    -------
    centers : ndarray of shape (n_clusters, d)
    labels : ndarray of shape (n,), int32
    inertia : float
    n_iter : int
        Only with ``return_n_iter=True``.

    Examples
    --------
    >>> from ckmeans import k_means
    >>> centers, labels, inertia = k_means([[0.0], [1.0], [9.0]], 2, random_state=0)
    >>> inertia
    0.5
    """
    model = KMeans(
        n_clusters,
        init=init,
        n_init=n_init,
        max_iter=max_iter,
        tol=tol,
        verbose=verbose,
        random_state=random_state,
        copy_x=copy_x,
        algorithm=algorithm,
        n_threads=n_threads,
        refine=refine,
        metric=metric,
    )
    model.fit(X, sample_weight=sample_weight)
    result = model.cluster_centers_, model.labels_, model.inertia_
    return (*result, model.n_iter_) if return_n_iter else result


def kmeans_plusplus(
    X, n_clusters, *, sample_weight=None, random_state=None, n_local_trials=None, metric="euclidean"
):
    """Draw initial centers by greedy k-means++ (Arthur & Vassilvitskii, SODA 2007).

    Parameters
    ----------
    X : array-like, table or sparse matrix of shape (n, d)
    n_clusters : int
    sample_weight : array-like of shape (n,) or None
    random_state : None, int, RandomState or Generator
    n_local_trials : int or None
        Rows tried for each center, of which the best is taken; None means ``2 +
        int(log(n_clusters))``.
    metric : {"euclidean", "cosine"}, default="euclidean"

    Returns
    -------
    centers : ndarray of shape (n_clusters, d)
        Rows of X; at unit length with ``metric="cosine"``.
    indices : ndarray of shape (n_clusters,), int64
        Their rows in X.

    Examples
    --------
    >>> from ckmeans import kmeans_plusplus
    >>> centers, indices = kmeans_plusplus([[0.0], [0.0], [7.0]], 2, random_state=0)
    >>> sorted(centers.ravel().tolist())
    [0.0, 7.0]
    """
    array, names = check.as_matrix(X, sparse=True)
    check.check_int(n_clusters, "n_clusters", 1, "an integer of at least 1")
    check.check_n_clusters(n_clusters, len(array))
    if n_local_trials is not None:
        check.check_int(n_local_trials, "n_local_trials", 1, "None or an integer of at least 1")
    check.check_name(metric, check.METRICS, "metric")
    data = open_data(
        array,
        names,
        check.as_weights(sample_weight, len(array)),
        None,
        packed=True,
        unit=metric == "cosine",
        compared=True,
    )
    check.check_directions(data)
    (seed,) = check.seeds(random_state, 1)
    with check.seeded(seed) as random_state:
        indices = kmeans_plusplus_indices(data, int(n_clusters), random_state, n_local_trials)
    return data.take(indices).astype(
        np.float32 if array.dtype == np.float32 else np.float64
    ), indices
