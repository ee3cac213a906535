"""The class `KMeans` and the functions `k_means` and `kmeans_plusplus`: their parameters and
results. The work is done in restarts.py and in the engine.
"""

from collections.abc import Iterator
from itertools import compress
from operator import attrgetter, is_not, itemgetter
from time import perf_counter
from typing import Any

import numpy as np

from .._inits.kmeans_plusplus import kmeans_plusplus_indices
from .._input import checks as check
from .._input.parameter_names import defaults_of, names_parameters
from .._input.sparse import SparseRows
from .._refine import PLANS, REFINEMENTS, plan
from .._rules import ASKING, asked, rule_for
from .._rules.known_labels import MODES
from .base import (
    alone,
    keep_centers,
    keep_result,
    leaving,
    measures,
    open_data,
    warn_of_few_clusters,
    weight_of,
)
from .callbacks import SklearnCallbacks, tells_callbacks
from .chunk_fits import ChunkFits
from .defaults_by_size import Effort, default_effort
from .labels import check_label_order
from .restarts import ALGORITHMS, DRAWN_AHEAD, IterState, Run, Solver, starts
from .scaling import UNSCALED, Scaling, check_scale, spreads
from .watch import Watch


class KMeans(SklearnCallbacks, ChunkFits):
    """k-means clustering: exact, reproducible to the last bit, fast.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters, k.
    init : str, array-like, iterable of array-likes or callable, default="auto"
        Where runs start from.

        * ``"auto"``: greedy k-means++ for two columns or more, also with thousands of clusters; for
          one column the global optimum, which is "optimal";
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
          al. 2012): as good as "k-means++", and it reads the rows a few times instead of k times;
        * ``"sampled-k-means++"``: as "k-means++", but up to 64 centers are drawn at a time, from 10
          times as many candidates, which are compared with 6 rows per center, at least 4096, that
          are drawn by importance. For thousands of clusters of wide rows about twice as fast and as
          good, but worse where clusters hardly stand out in many features. For dense rows;
        * ``"variance-partition"``: means of parts cut at the mean of their widest feature (Su & Dy
          2007): fast, and it draws nothing; worse than "k-means++" where there are many clusters in
          many features;
        * array of shape (k, d): these centers; array of shape (n_init, k, d), or any iterable of
          (k, d) arrays: one run from each;
        * callable ``init(X, n_clusters, random_state=...)`` that returns centers of shape (k, d).
    n_init : "auto" or int, default="auto"
        Number of runs, of which the one with the lowest inertia is kept (the first of equal ones).
        "auto", where `init` and `refine` are left open as well: 4, 2 or 1 by the size of the
        problem, and a further one that refines the best of these. With rules (sizes, outliers,
        known labels, gaps, medians), which nothing refines: 10, 4, 2 or 1; see Notes. Otherwise
        10 for inits that draw, 1 for those that do not. Given centers bring their own number.
    max_iter : int, default=300
        Most iterations of a run, those after its refinement included. A run that has used them up
        is not refined.
    tol : float, default=1e-4
        A run stops when the centers' total squared shift in an iteration is at most `tol` times the
        mean variance of the features; it always stops when no label changes. 0 asks for the latter.
    verbose : int, default=0
        1 prints a line for every iteration and every run; 2 prints the inertia of every iteration
        as well.
    random_state : None, int, RandomState or Generator, default=None
        Decides what inits draw. An int makes results repeatable. The first run uses an int as it
        is; ``runs_`` holds the seed of each run, and ``KMeans(..., n_init=1, random_state=seed)``
        repeats that run alone.
    copy_x : bool, default=True
        X is never changed. With False no packed float32 copy of X is kept (4 bytes per value),
        which is slower; this is also done when memory is short.
    algorithm : {"auto", "lloyd", "bytes", "boxes", "yinyang", "projected", "elkan"}, default="auto"
        All give the same results to the last bit; they differ in speed and memory. Each continues
        as "lloyd" where it is slower than that, by the operations counted.

        * ``"lloyd"``: compares every row with every center; wide rows (from 24 to 72 features on,
          depending on the instruction set and k) as 16-bit integers, 2 bytes per value instead of
          4, which is twice as fast and leaves few rows to be decided in float64; or as "bytes"
          does, where the counted operations predict a gain;
        * ``"bytes"``: keeps rows as 8-bit integers, 1 byte per value, which rule out all but a few
          centers per row; distances to those are computed in float64. From the second iteration
          on only centers that have moved are compared with all rows. For many features and hundreds
          of clusters or more, on CPUs with AMX or AVX-512 VNNI. Where too many centers are left it
          continues as "lloyd";
        * ``"boxes"``: sorts the rows in space once (12 bytes per row) and compares panels of 64
          with the centers that can win in their bounding box: for few features, and clusters that
          are small beside the data;
        * ``"yinyang"``: keeps lower bounds on distances and compares rows only with the groups of
          32 centers that the bounds do not rule out (Ding et al. 2015; with up to 32 clusters this
          is Hamerly's algorithm, 2010): for more features and many iterations in which centers
          move little; takes ``4 * (1 + ceil(k / 32))`` bytes per row;
        * ``"projected"``: projects rows onto their principal axes (63 at most), bounds the length
          of the remainder (compare Bottesch et al. 2016), and uses all features of a row only
          where the projection does not determine its center; also keeps lower bounds where they
          save time. For many correlated features, as in images and embeddings; takes 4 bytes per
          axis and row;
        * ``"auto"``: begins with "lloyd" and changes to one of the others, or back, where the
          counted operations predict a gain; takes at most the memory of all of them, and does
          without them where memory is short;
        * ``"elkan"``: accepted for compatibility with scikit-learn; the same as "auto". Elkan's
          n x k bounds would cost more here than the distances they save.
    n_threads : int or None, default=None
        Threads to use; None means the CPUs that this process may use. Small work stays on the
        calling thread. Results do not depend on it.
    metric : {"euclidean", "cosine", "manhattan"}, default="euclidean"
        "cosine" clusters directions, for embeddings and counts of words: spherical k-means; see
        Notes. "manhattan": distances are sums of absolute differences, and centers are medians,
        which far rows do not move: k-medians; see Notes.
    missing : {"error", "ignore"}, default="error"
        What NaN in X, and null values of tables, are: an error, or gaps, which distances and
        centers leave out; see Notes.
    refine : None, str or sequence of str, default="default"
        How to leave the local optimum that a run ends in; see Notes.

        * ``"default"``: the best run is refined, as with "auto" but within a limit that depends on
          the numbers of rows, features and clusters; no refinement where `init` or `n_init` is
          given;
        * None: not at all; all others refine each run:
        * ``"auto"``: "swap", then "hartigan-wong"; the usual choice. Computes at most 150 times the
          distances of one Lloyd iteration (counted with at least 20 clusters), on a random sample
          of 300 rows per cluster (at least 20000) where there are more rows. Where rows times
          features times clusters are 1e8 or more, "auto" and "best" compute fewer distances: see
          Notes;
        * ``"best"``: "swap", "genetic", "hartigan-wong" on 400 rows per cluster, at most 400 times
          the distances of one iteration;
        * ``"swap"``, ``"genetic"``, ``"hartigan-wong"``, or several of them, in this order.
    size_min, size_max : None, number or array-like of shape (k,), default=None
        Bounds of the clusters' sizes, the same for all or one for each: every assignment is the one
        of the least inertia that keeps them; see Notes.
    n_outliers : None, int or float, default=None
        Rows that are left out, as a number (int) or a share (float, above 0 and below 1) of those
        with weight (and a direction, with ``metric="cosine"``): the ones farthest from their
        centers, in every iteration. Their label is -1; see Notes.
    known : {"constrained", "seeded"}, default="constrained"
        What ``fit(X, labels_known=...)`` does with rows whose cluster is known: runs start with
        the means of those rows as centers (other clusters with what `init` gives). "constrained":
        known rows stay in their clusters; "seeded": they may leave them.
    history : bool, default=False
        Whether to record each iteration in ``history_``; takes an additional pass over the rows
        per iteration.
    max_time : float or None, default=None
        Seconds after which the fit ends with the best result so far; checked after each iteration.
        ``stop_reason_`` is "max_time" if that result is of an unfinished run. Such results depend
        on the machine.
    callback : callable or None, default=None
        Called with a state after each iteration: `run`, `n_runs`, `seed`, `n_iter`, `max_iter`,
        `n_changed`, `shift`, `n_filled` (as of `iter_fit`), `seconds`, `stop_reason`, `last`,
        `best_inertia`, and `centers`, `labels` and `inertia`, which are computed on access. A true
        result ends the fit with the best result so far. `ckmeans.progress.ProgressBar()` is such a
        callback.
    scale : None, "standard" or "robust", default=None
        Brings the columns to comparable spreads: a distance is that of rows whose columns were
        divided by ``scale_``. "standard": by their (weighted) standard deviations; "robust": by
        their interquartile ranges / 1.349, which is the same for normally distributed values and is
        not moved by outliers, or by the standard deviation where that range is 0. A constant column
        is left as it is. Nothing is subtracted, since a shift changes no distance; so sparse rows
        stay sparse. The model keeps the scaling: `predict`, `transform`, `distances`, `score` and
        the exports apply it. `cluster_centers_`, initial centers and the states of callbacks are in
        the units of the data; distances and `inertia_` are of scaled columns. Takes a float64 copy
        of X, and another one for a moment. Not with ``metric="cosine"``, nor with `fit_chunks`.
    label_order : None, "size", "center", fitted model or array of shape (k, d), default=None
        The order of the clusters in all results. None: the order of the initial centers; "size":
        by decreasing number of rows; "center": by center, lexicographically; an earlier model, or
        an array of centers: each cluster at the position of the given center that it is matched
        with. The centers are in the units of the data, and are matched by the distances of this
        fit: by `metric`, and with `scale` those of columns divided by its ``scale_``, whatever the
        scale of the earlier model. Of a model its centers are kept as the parameter. Ties between
        centers then go to the lower of the new labels.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (k, d)
        float32 for float32 data, float64 for any other. In the units of the data, also with
        `scale`.
    labels_ : ndarray of shape (n,), int32
        Cluster of each row: the nearest center, the lowest index of equally near ones. Equals
        ``predict(X)``, unless sizes, outliers or known labels are asked for: these change the
        labels of a fit, but not those of `predict`.
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
        Why it ended: no label changed, the shift of the centers was within `tol`, `max_iter` or
        `max_time` was reached, the callback returned true, or an exception such as that of Ctrl-C.
    runs_ : tuple of Run
        Seed, inertia, iterations, stop reason and seconds of every run. By default the last one
        goes on from the best of the others, whose seed and iterations it shares, after a
        refinement.
    history_ : tuple of lists of Iteration
        Only with ``history=True``: for each run of `runs_` its iterations' n_iter, inertia, shift,
        n_changed and n_distances.
    scale_ : ndarray of shape (d,), float64
        Only with `scale`: what columns are divided by.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (d,), object
        Only when X had column names.

    Warns
    -----
    ConvergenceWarning
        Fewer clusters than asked for have rows, because X has too few distinct rows.
    ColumnsWarning
        X is a table with a column of ids, or whose columns' spreads differ by more than 10 times,
        without `scale`. The same columns warn once at a line of code. Arrays are not looked at.

    See Also
    --------
    k_means, kmeans_plusplus

    Notes
    -----
    Lloyd's algorithm (Lloyd, IEEE Trans. Inf. Theory 28, 1982). An empty cluster takes the row that
    is farthest from its own center. Squared distances are computed in float64, feature after
    feature; faster arithmetic is used only to discard centers that provably are not the nearest.
    Sums over rows are exact and rounded once. Results are therefore bit-identical for any number of
    threads, algorithm, instruction set and memory layout. Rows are drawn in the order of a hash of
    their values, rounded to float32: a seed draws the same rows from X and ``X.astype(float32)``,
    permuting the rows permutes the labels and changes nothing else (except with the inits "first",
    "random-partition" and "k-means||", which depend on positions, and with "random" where nearly
    all rows are drawn), and a row of weight 2 is drawn like two equal rows. Of equally far rows an
    empty cluster takes the first in that order.

    By default a fit does 4 runs where the product of rows, features and clusters is below 1e6, 2
    where it is below 1e7, else 1, and refines the best, by swaps and by moves of single rows. The
    refinement may compute 150 distances for each row and cluster up to a product of 1e6, then fewer
    and fewer, down to a share of those that the run took. All this is counted, never timed. There
    is no refinement for `size_min`, `size_max`, `n_outliers`, `labels_known`, ``missing="ignore"``
    and ``metric="manhattan"``: a fit with one of these does 10 runs where that product is below
    1e6, 4 below 1e7, 2 below 1e8, else 1.

    Refinements start from the final centers of a run, and are followed by Lloyd
    iterations over all rows: labels still are those of the nearest centers, and a result that is
    not better is discarded. They use the seed of the run and are limited by a number of distances,
    not by time, so that results stay reproducible; they take rows in the order of a hash of their
    values, and of sparse rows a sample that takes at most 128 MB when it is made dense. By default,
    and with "auto" and "best" where the product of rows, features and clusters is 1e8 or more, rows
    of 64 features or more are looked at along the 32 axes in which a sample of them varies most.
    From that product on, "auto" and "best" are also limited to a share of the distances that the
    run took, or to their usual number times 1e8 divided by the product, whichever is more; a
    refinement that is given by its own name is not. Then, and by default, 128 clusters or more are
    first searched in groups of neighbors, which threads share out. "swap": moves centers to rows
    that are far from their center (Lattanzi & Sohler, ICML 2019; Beretta et al., NeurIPS 2023);
    "genetic": crosses a small population of clusterings (Gribel & Vidal, Pattern Recognition 88,
    2019); "hartigan-wong": moves single rows (Hartigan & Wong, Applied Statistics 28, 1979). They
    hold two float64 copies of the rows they work on, and 72 bytes per row. With them one start is
    about as good as many.

    With ``metric="cosine"`` (spherical k-means: Dhillon & Modha, Machine Learning 42, 2001; Hornik
    et al., J. Stat. Software 50, 2012) only the directions of rows matter: each row is divided by
    its length as it is read, without a copy of X. Centers are mean directions of unit length.
    Distances are ``1 - cos``, computed as half the squared distance of unit vectors, so that
    `inertia_` is half of that of Euclidean k-means for the same unit rows, centers and labels. All
    computations are in float64, but for float32 X the centers are rounded to float32 (and
    normalized again wherever they are used). Rows of zeros (no magnitude above 1e-300) have no
    direction: their label is 0 and their distance to every center is 1, which `inertia_` includes;
    they affect nothing else. A center stays unchanged where the sum of its rows is zero. The values
    of sparse X are copied, at 8 bytes each. Refinements run Euclidean k-means on the unit rows;
    their result is kept if its sum of cosine distances is lower. `select_k` and `ckmeans.metrics`
    support Euclidean distances only: pass them rows of unit length. Not for data where the lengths
    of rows or the origin carry information.

    With ``metric="manhattan"`` (k-medians: Bradley, Mangasarian & Street, NIPS 1996) the distance
    is a float64 sum of absolute differences in the order of the features, `inertia_` is the
    weighted sum of the rows' distances to their centers, and a center is the median of its rows,
    feature by feature: the smallest value at or below which half of the cluster's weight lies, the
    lower one of two. k-means++ draws by these distances. The same bits for any number of threads,
    instruction set, memory layout and order of the rows, as with means. Takes dense X, the
    algorithms "auto" and "lloyd", and 72 bytes per row of the largest cluster more for each thread
    (88 with weights).

    With ``missing="ignore"`` the distance of a row and a center is computed over the d_i of d
    features that the row has, times d / d_i, and a center is the mean of the values that are
    present, weighted by d / d_i. That minimizes ``sum_i w_i * d / d_i * sum_f (x_if - c_f)**2``
    over the features that are present, which is `inertia_`: an assignment does not raise it, since
    the factor is the same for all centers, nor does an update, since these means minimize it. It is
    close to k-POD (Chi, Chi & Baraniuk, The American Statistician 70, 2016), which fills gaps with
    the values of the row's center and continues with k-means, and needs no more iterations than
    k-means. In a row that is drawn as a center, gaps are filled with the means of the columns. By
    default a last run starts from the result of refined k-means on rows whose gaps are filled with
    these means, which needs a copy of X for a moment. Rows and columns without any value are
    refused. Takes dense X and the algorithms "auto" and "lloyd"; the packed copy takes twice the
    memory. Not for values that are missing because of their size (say, incomes above a limit): then
    the values that are left are a biased sample.

    Additional memory of a fit: 8 to 40 bytes per row; with ``copy_x=True`` 4 bytes per value of X
    for its packed copy, and 2 more where wide rows are also packed as 16-bit integers, or 1 as
    8-bit integers, which often need no packed copy beside them; the memory given under `algorithm`;
    and about ``24 * k * d`` bytes per thread. An n x k array is never allocated. Sparse rows are
    not copied: a fit takes 12 to 36 bytes per row, about ``40 * k * d`` bytes, and at most ``300 *
    d`` bytes per thread; an n x d array is never allocated.

    With sparse rows the time is proportional to the number of stored values, except for the inertia
    at the end of a run and for `transform`, whose sums include every feature in which a center is
    nonzero.

    Sizes: with `size_min` or `size_max`, rows are assigned by a min-cost flow (Bradley, Bennett &
    Demiriz, MSR-TR-2000-65), whose result is optimal for the centers of the iteration; distances
    are rounded to 2**-52 of the largest difference that they can have. A size is the total weight
    of the rows. Where all weights are equal the bounds are kept exactly. Rows are never divided:
    where weights differ, a size may be off its bound by less than the weight of the heaviest row,
    and the inertia is the least for the sizes that result. `predict` gives new rows their nearest
    center. An iteration takes the exact distances of all rows to all centers and about
    45 bytes per row; ``algorithm`` has no effect. Not for sizes that are only a preference: bounds
    far from the sizes that the nearest centers give make clusters that are not compact.

    Outliers: k-means-- (Chawla & Gionis, SDM 2013) leaves out those rows whose weight times squared
    distance is largest, of equal ones the first in the order of their hash; every iteration lowers
    the inertia, which is that of the other rows. Rows of weight 0 are never left out. `predict`
    gives every row its nearest center, however far. With init "auto" or "k-means++", initial
    centers are drawn from a random sample, in which as large a share of the rows farthest from the
    centers so far is left out each time; a center at a far row would stay there. Takes about 30
    bytes per row.

    Known labels: Basu, Banerjee & Mooney, ICML 2002. Where all clusters have known rows there is
    one run, from their means. Otherwise, `init` gives k centers, and the means take the places of
    those nearest to them (of those of the same index, if init is an array). Not for labels that
    contradict each other: "constrained" keeps them, right or wrong.

    Known labels go together with sizes and with outliers: rows that stay in their clusters take
    their room there, and are never left out. No other two of sizes, outliers, medians
    (``metric="manhattan"``) and gaps (``missing="ignore"``) go together; none goes with `refine` or
    over blocks of rows, and all take weights.

    For rows that do not fit into memory: `fit_chunks` reads them chunk by chunk, and so does `fit`
    with a large `numpy.memmap` (if its packed copy would take more than 100 MB; not with `refine`,
    `history`, `callback`, `verbose` or an init that needs all rows at once). The results are the
    same to the last bit, the additional memory is less than 200 MB, and a large ``labels_`` is kept
    in a temporary file.

    Not for clusters of very different sizes or shapes. Features on different scales should be
    standardized first.

    If an exception ends a fit (Ctrl-C, an exception of a callback or of a signal handler, lack of
    memory), the best finished run is kept in the attributes (if there is none, the current centers
    without labels), and the exception propagates.

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
    scale: str | None

    missing: str
    known: str

    converged_: bool
    history_: tuple[list[Any], ...]
    runs_: tuple[Run, ...]

    _metrics = check.KMEANS_METRICS
    _measures = measures(_metrics)

    @names_parameters
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
        refine="default",
        metric="euclidean",
        missing="error",
        size_min=None,
        size_max=None,
        n_outliers=None,
        known="constrained",
        scale=None,
    ):
        self._keep_parameters(locals())

    # -- fitting -----------------------------------------------------------------------------------

    @alone
    @tells_callbacks
    def fit(
        self, X: Any, y: object = None, sample_weight: Any = None, *, labels_known: Any = None
    ) -> "KMeans":
        """Cluster the rows of X.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)
            Any real dtype and memory layout, read in place; also columns of vectors (Arrow,
            polars, pandas) and tensors on the CPU. Sparse matrices and arrays of SciPy are read as
            CSR, in place as well, and never made dense; other sparse formats are converted to CSR.
        y : ignored
        sample_weight : array-like of shape (n,) or None
            Non-negative weights. Rows of weight 0 get labels, but do not affect the centers.
        labels_known : array-like of shape (n,) or None
            Clusters that are known, from 0 to ``n_clusters - 1``; -1 where none is. See `known`.

        Returns
        -------
        self : KMeans

        Raises
        ------
        TypeError, ValueError
            A parameter or the data cannot be used; the message says which and why.
        """
        began = perf_counter()
        if isinstance(X, np.memmap) and labels_known is None and self._better_in_blocks(X):
            return self._fit_mapped(X, sample_weight)
        solver, restarts, how = self._prepare(X, sample_weight, labels_known)
        watch, callback = None, self._watcher(scale_=solver.scaling.divisors)
        if self.verbose or callback is not None or self.max_time is not None:
            watch = Watch(
                began,
                len(restarts) + (how is not None and how.refines),
                self.max_iter,
                self.max_time,
                callback,
                self.verbose,
                solver.outside,
                how is not None and how.refines,
            )
        with leaving(lambda: self._keep_interrupted(solver)):
            for start in solver.draw(restarts, DRAWN_AHEAD if self.max_time is None else 1):
                if solver.run(*start, watch):
                    break
            else:
                if how is not None and how.refines:
                    solver.refine_best(how, watch)
            self._keep(solver)
        warn_of_few_clusters(self)
        return self

    def iter_fit(
        self, X: Any, sample_weight: Any = None, *, labels_known: Any = None
    ) -> Iterator[IterState]:
        """Fit with one run, yielding the state at the start and after each iteration.

        Once exhausted the estimator is fitted, exactly as `fit` would have it with one init.

        Parameters
        ----------
        X : array-like, table or sparse matrix of shape (n, d)
        sample_weight : array-like of shape (n,) or None
        labels_known : array-like of shape (n,) or None

        Yields
        ------
        state : IterState
            n_iter, centers (after the update), labels and inertia (of the assignment before it),
            shift, n_changed, n_filled, ``scale_``. The first state is the start: initial centers,
            n_iter 0, labels -1, and an infinite inertia.

        See Also
        --------
        ckmeans.plot.clusters : draws a state.

        Examples
        --------
        >>> import numpy as np
        >>> from ckmeans import KMeans
        >>> X = np.array([[0.0], [1.0], [5.0], [6.0]])
        >>> for state in KMeans(2, init=[[0.0], [1.0]]).iter_fit(X):
        ...     print(state.n_iter, state.inertia, state.centers.ravel())
        0 inf [0. 1.]
        1 41.0 [0. 4.]
        2 6.0 [0.5 5.5]
        3 1.0 [0.5 5.5]
        """
        solver, restarts, _ = self._prepare(X, sample_weight, labels_known)
        return self._states(solver, restarts[0])

    def _states(self, solver: Solver, restart: tuple[int | None, Any]) -> Iterator[IterState]:
        with leaving(lambda: self._keep_interrupted(solver)):
            yield from solver.states(*restart)
            self._keep(solver)
        warn_of_few_clusters(self)

    def _check_params(self) -> dict[str, Any]:
        """Check the parameters that can be checked without the rows; returns those that do not have
        their default, which needs no check.
        """
        values = values_of(self)
        given = dict(compress(zip(NAMES, values), map(is_not, values, DEFAULTS)))
        for name, value in given.items():
            if type(value) is int and name in check.COUNTS and 0 < value <= check.ANY_COUNT:
                continue  # (what most parameters that are given are)
            if name in CHECKS:
                CHECKS[name](value)
        if "scale" in given:
            check_scale(self.scale, self.metric)
        return given

    def _prepare(
        self, X: Any, sample_weight: Any, labels_known: Any = None
    ) -> tuple[Solver, list[Any], Effort | None]:
        """Check everything; return a solver for these rows, the starts of its runs, and the default
        effort or None.
        """
        changed = self._check_params()
        rule = None
        if labels_known is not None or not ASKING.isdisjoint(changed):
            values = {**self.get_params(deep=False), "labels_known": labels_known}
            rule = rule_for(values)
        measure = self._measure
        array, names = check.as_matrix(X, sparse=True, gaps=measure.gaps)
        if rule is not None and isinstance(array, SparseRows):
            rule = rule_for(values, sparse=True)
        n, d = array.shape
        check.check_n_clusters(self.n_clusters, n)
        if self.label_order is not None:
            check_label_order(self.label_order, int(self.n_clusters), d)
        weights = None if sample_weight is None else check.as_weights(sample_weight, n)
        if rule is not None:
            rule.check(n, d, weights)
            if rule.names_clusters and self.label_order is not None:
                raise ValueError(
                    f"label_order={self.label_order!r} would change the index of clusters that "
                    f"{' and '.join(sum(asked(values).values(), []))} refers to: pass "
                    "label_order=None."
                )
        scaling = UNSCALED
        if self.scale is not None:
            given = open_data(array, names, weights, self.n_threads)
            scaling = Scaling(spreads(self.scale, given))
        data = open_data(
            array if scaling is UNSCALED else scaling.inside(array),
            names,
            weights,
            self.n_threads,
            packed=self.copy_x,
            unit=measure.unit,
            compared=True,
            metric=measure.metric,
        )
        if measure.unit:
            check.check_directions(data)
        if names is not None:
            check.warn_of_columns(array, names, self.metric, self.scale)
        init = self._init()
        # Refinements know of no rules, and the optimum of one column is that of plain k-means.
        how = default_effort(self, n, d, refinable=rule is None)
        if rule is not None and isinstance(init, str) and init == "auto":
            init = "k-means++"
        n_init = self.n_init if how is None else how.starts
        restarts = starts(init, n_init, self.n_clusters, self.random_state, array, data, scaling)
        if rule is not None:
            restarts = rule.starts(restarts, init, data, how)
        refine = None if self.refine == "default" else self.refine
        if d == 1 and isinstance(init, str) and init in ("auto", "optimal"):
            refine = None  # the optimum cannot be improved
        if refine is not None:
            # Refinements draw, also from centers that were given.
            drawn = check.seeds(self.random_state, len(restarts))
            restarts = [
                (seed if own is None else own, make) for seed, (own, make) in zip(drawn, restarts)
            ]
        solver = Solver(
            data,
            names,
            self.max_iter,
            self.tol,
            ALGORITHMS[self.algorithm],
            rule,
            scaling,
            array.dtype,
        )
        solver.refine = None if refine is None else plan(refine)
        solver.histories = [] if self.history else None
        return solver, restarts, how

    def _keep(self, solver: Solver, interrupted: bool = False) -> None:
        best = solver.best_result(self.label_order, self.metric)
        history = None if solver.histories is None else tuple(solver.histories)
        keep_result(
            self,
            best,
            solver.runs,
            solver.names,
            solver.data.shape[1],
            interrupted,
            weight_of(solver.data),
            history_=history,
            scale_=solver.scaling.divisors,
        )

    def _keep_interrupted(self, solver: Solver) -> None:
        if solver.best is not None:
            self._keep(solver, interrupted=True)
        elif solver.current is not None:
            keep_centers(
                self,
                solver.outside(solver.current.result_centers()),
                solver.current.n_iter,
                solver.names,
                solver.data.shape[1],
                scale_=solver.scaling.divisors,
            )

    def _repr_html_(self) -> str:
        from .notebook import model_html

        return model_html(self)


#: The checks of parameters that need no rows.
CHECKS = {
    **check.checks_of_kmeans(ALGORITHMS, ("default", *PLANS, *REFINEMENTS)),
    "known": lambda value: check.check_name(value, MODES, "known"),
}
_defaults = defaults_of(KMeans.__init__)
#: The parameters, in the order of their checks, and their defaults.
NAMES = tuple(dict.fromkeys([*CHECKS, *_defaults]))
DEFAULTS = itemgetter(*NAMES)(_defaults)
values_of = attrgetter(*NAMES)


@names_parameters
def k_means(
    X,
    n_clusters,
    *,
    sample_weight=None,
    labels_known=None,
    init="auto",
    n_init="auto",
    max_iter=300,
    tol=1e-4,
    verbose=0,
    random_state=None,
    rng=None,
    copy_x=True,
    algorithm="auto",
    n_threads=None,
    refine="default",
    metric="euclidean",
    missing="error",
    size_min=None,
    size_max=None,
    n_outliers=None,
    known="constrained",
    return_n_iter=False,
):
    """k-means clustering as a function; other parameters as in `KMeans` and `KMeans.fit`.

    Parameters
    ----------
    rng : None, int, SeedSequence, BitGenerator or Generator
        Instead of `random_state`, as functions of NumPy's world take it (SPEC 7): draws are those
        of ``numpy.random.default_rng(rng)``. So ``rng=5`` gives the bits of
        ``random_state=numpy.random.default_rng(5)``, and other ones than ``random_state=5``.

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
        random_state=check.one_source(random_state, rng),
        copy_x=copy_x,
        algorithm=algorithm,
        n_threads=n_threads,
        refine=refine,
        metric=metric,
        missing=missing,
        size_min=size_min,
        size_max=size_max,
        n_outliers=n_outliers,
        known=known,
    )
    model.fit(X, sample_weight=sample_weight, labels_known=labels_known)
    result = model.cluster_centers_, model.labels_, model.inertia_
    return (*result, model.n_iter_) if return_n_iter else result


def kmeans_plusplus(
    X,
    n_clusters,
    *,
    sample_weight=None,
    random_state=None,
    rng=None,
    n_local_trials=None,
    metric="euclidean",
):
    """Draw initial centers by greedy k-means++ (Arthur & Vassilvitskii, SODA 2007).

    Parameters
    ----------
    X : array-like, table or sparse matrix of shape (n, d)
    n_clusters : int
    sample_weight : array-like of shape (n,) or None
    random_state : None, int, RandomState or Generator
    rng : None, int, SeedSequence, BitGenerator or Generator
        Instead of `random_state`; see `ckmeans.k_means`.
    n_local_trials : int or None
        Rows tried for each center, of which the best is taken; None means ``2 +
        int(log(n_clusters))``.
    metric : {"euclidean", "cosine", "manhattan"}, default="euclidean"
        Rows are drawn by squared distance, or by Manhattan distance. That of sparse X is not
        "manhattan".

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
    random_state = check.one_source(random_state, rng)
    array, names = check.as_matrix(X, sparse=True)
    check.check_int(n_clusters, "n_clusters", 1, "an integer of at least 1")
    check.check_n_clusters(n_clusters, len(array))
    if n_local_trials is not None:
        check.check_int(n_local_trials, "n_local_trials", 1, "None or an integer of at least 1")
    check.check_name(metric, check.KMEANS_METRICS, "metric")
    data = open_data(
        array,
        names,
        check.as_weights(sample_weight, len(array)),
        None,
        packed=True,
        unit=metric == "cosine",
        compared=True,
        metric="manhattan" if metric == "manhattan" else "euclidean",
    )
    check.check_directions(data)
    (seed,) = check.seeds(random_state, 1)
    with check.seeded(seed) as random_state:
        indices = kmeans_plusplus_indices(data, int(n_clusters), random_state, n_local_trials)
    return data.take(indices).astype(
        np.float32 if array.dtype == np.float32 else np.float64
    ), indices
