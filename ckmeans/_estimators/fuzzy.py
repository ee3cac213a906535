"""The class `FuzzyCMeans`: every row belongs to every cluster, by a share."""

from time import perf_counter
from typing import Any

import numpy as np

from .._input import checks as check
from .._input.parameter_names import names_parameters
from .._input.sparse import SparseRows
from .._native import engine as native
from .._rules.base import Rule, check_init
from .base import CenterModel, alone, keep_centers, keep_result, leaving, open_data, weight_of
from .callbacks import SklearnCallbacks, tells_callbacks
from .restarts import DRAWN_AHEAD, Solver, starts
from .watch import Watch

#: Centers nearer to each other than this share of the rows' spread coincide.
COINCIDE = 1e-3


class Memberships(Rule):
    """The rule of fuzzy c-means; it is an estimator of its own, not a parameter of `KMeans`."""

    labels_are_nearest = True

    def __init__(self, k: int, fuzziness: float) -> None:
        self.k, self.fuzziness = k, fuzziness

    def of_run(self, data: Any) -> native.Rule:
        return native.Fuzzy(self.fuzziness)


class FuzzyCMeans(SklearnCallbacks, CenterModel):
    """Fuzzy c-means: every row belongs to every cluster, by shares that add up to 1.

    Minimizes ``sum_i w_i sum_j u_ij**fuzziness * ||x_i - c_j||**2`` over memberships u and centers
    c (Dunn, J. Cybernetics 3, 1973; Bezdek, Pattern Recognition with Fuzzy Objective Function
    Algorithms, 1981).

    Parameters
    ----------
    n_clusters : int, default=8
    fuzziness : float, default=2.0
        Above 1, the m of the literature. Close to 1 the result is that of `KMeans`; the higher, the
        more equal the shares, until all centers coincide in the middle of the data. With more than
        some ten features 2 is often too high: try 1.2.
    init : str, array of shape (k, d) or callable, default="k-means++"
        Where runs start from: "k-means++", "random", "random-partition" or "first", centers, or a
        function, as in `KMeans`.
    n_init : int or "auto", default=1
        Number of runs, of which the one with the lowest `inertia_` is kept; "auto" means 10 for
        inits that draw.
    max_iter : int, default=300
    tol : float, default=1e-8
        A run stops when the centers' total squared shift in an iteration is at most `tol` times the
        mean variance of the features. Shares never stop changing, so with 0 a run stops when the
        centers do not change any more.
    verbose : int, default=0
    random_state : None, int, RandomState or Generator, default=None
    n_threads : int or None, default=None
        Results do not depend on it.
    max_time : float or None, default=None
        As in `KMeans`.
    callback : callable or None, default=None
        As in `KMeans`.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (k, d)
    labels_ : ndarray of shape (n,), int32
        The nearest center of each row, in which its share is the largest; equals ``predict(X)``.
    inertia_ : float
        What is minimized.
    counts_ : ndarray of shape (k,), int64
        Rows with each label.
    n_iter_, converged_, stop_reason_, runs_, n_features_in_, feature_names_in_
        As in `KMeans`.

    Warns
    -----
    ConvergenceWarning
        Centers coincide: there are fewer clusters than asked for.

    See Also
    --------
    KMeans.predict_proba : Shares from the centers of k-means.

    Notes
    -----
    Memberships are computed panel by panel and added to sums at once: an n x k array is never
    allocated in a fit, only by `predict_proba`. A fit takes 4 bytes per row and ``32 * k * d``
    bytes per thread, besides what k-means++ takes. The rows of a panel of 64 are added in their
    order, and the sums of panels are exact. So the bits of the results do not depend on the number
    of threads or the instruction set (nor on the C library if ``fuzziness=2``), but they do on the
    order of the rows.

    An iteration takes several times as long as one of `KMeans`, and there are more of them. Not for
    tasks that need only one label per row; sparse rows are refused.

    Examples
    --------
    >>> import numpy as np
    >>> from ckmeans import FuzzyCMeans
    >>> X = np.array([[0.0], [1.0], [2.0], [5.0], [8.0], [9.0], [10.0]])
    >>> model = FuzzyCMeans(2, init=[[0.0], [10.0]]).fit(X)
    >>> model.labels_
    array([0, 0, 0, 0, 1, 1, 1], dtype=int32)
    >>> model.predict_proba([[1.0], [5.0]]).round(2)
    array([[1. , 0. ],
           [0.5, 0.5]])
    """

    callback: Any
    fuzziness: float
    max_time: float | None

    @names_parameters
    def __init__(
        self,
        n_clusters=8,
        *,
        fuzziness=2.0,
        init="k-means++",
        n_init=1,
        max_iter=300,
        tol=1e-8,
        verbose=0,
        random_state=None,
        n_threads=None,
        max_time=None,
        callback=None,
    ):
        self._keep_parameters(locals())

    @alone
    @names_parameters
    @tells_callbacks
    def fit(self, X: Any, y: object = None, sample_weight: Any = None) -> "FuzzyCMeans":
        """Find centers and shares of the rows of X.

        Parameters
        ----------
        X : array-like or table of shape (n, d)
        y : ignored
        sample_weight : array-like of shape (n,) or None

        Returns
        -------
        self : FuzzyCMeans
        """
        began = perf_counter()
        self._check()
        array, names = check.as_matrix(X, sparse=True)
        self._check_dense(array)
        check.check_n_clusters(self.n_clusters, len(array))
        weights = check.as_weights(sample_weight, len(array))
        data = open_data(array, names, weights, self.n_threads, compared=True)
        check.warn_of_columns(array, names)
        restarts = starts(
            self._init(), self.n_init, self.n_clusters, self.random_state, array, data
        )
        rule = Memberships(int(self.n_clusters), float(self.fuzziness))
        solver = Solver(data, names, self.max_iter, self.tol, "lloyd", rule=rule)
        watch, callback = None, self._watcher()
        if self.verbose or callback is not None or self.max_time is not None:
            watch = Watch(
                began, len(restarts), self.max_iter, self.max_time, callback, self.verbose
            )
        with leaving(lambda: self._keep_interrupted(solver)):
            for start in solver.draw(restarts, DRAWN_AHEAD if self.max_time is None else 1):
                if solver.run(*start, watch):
                    break
            self._keep(solver)
        self._warn_of_coinciding(data.variance() * array.shape[1])
        return self

    def _check(self) -> None:
        check.check_shared_params(self)
        check_fuzziness(self.fuzziness)
        check.check_n_init(self.n_init)
        check.check_watching(self)
        check_init(self.init, "FuzzyCMeans")

    def _check_dense(self, array: Any) -> None:
        if isinstance(array, SparseRows):
            raise ValueError(
                "FuzzyCMeans reads dense rows only, got sparse X: pass X.toarray(), where that "
                "fits into memory."
            )

    def _keep(self, solver: Solver, interrupted: bool = False) -> None:
        keep_result(
            self,
            solver.best,
            solver.runs,
            solver.names,
            solver.data.shape[1],
            interrupted,
            weight_of(solver.data),
        )

    def _keep_interrupted(self, solver: Solver) -> None:
        if solver.best is not None:
            self._keep(solver, interrupted=True)
        elif solver.current is not None:
            run = solver.current
            keep_centers(self, run.result_centers(), run.n_iter, solver.names, solver.data.shape[1])

    def _warn_of_coinciding(self, spread: float) -> None:
        """Warn if some centers coincide; `spread` is the mean squared distance of the rows to their
        mean.
        """
        pairs = coinciding(self.cluster_centers_.astype(np.float64), COINCIDE**2 * spread)
        if pairs:
            check.warn(
                f"Centers {pairs[0][0]} and {pairs[0][1]} coincide"
                + (f", and so do {len(pairs) - 1} other pairs" if len(pairs) > 1 else "")
                + f": fuzziness={self.fuzziness:g} is too high for these data "
                f"({self.n_features_in_} features), or n_clusters={self.n_clusters} is. Try a "
                "fuzziness nearer to 1, such as 1.2.",
                check.ConvergenceWarning,
            )

    def predict_proba(self, X: Any) -> np.ndarray:  # type: ignore[override]
        """The memberships of rows: shares between 0 and 1 that add up to 1.

        Parameters
        ----------
        X : array-like or table of shape (n, d)

        Returns
        -------
        shares : ndarray of shape (n, k), float64
            ``1 / sum_l (D_j / D_l)**(1 / (fuzziness - 1))`` with the squared distances D to the
            centers. A row that coincides with several centers belongs to these by equal shares.
        """
        check_fuzziness(self.fuzziness)
        data = self._open_dense(X)
        return native.fuzzy_shares(data, self._centers(), float(self.fuzziness))

    def score(self, X: Any, y: object = None, sample_weight: Any = None) -> float:
        """The negative of what is minimized, for these rows: higher is better."""
        check_fuzziness(self.fuzziness)
        data = self._open_dense(X, sample_weight)
        return -native.fuzzy_objective(data, self._centers(), float(self.fuzziness))

    def _open_dense(self, X: Any, sample_weight: Any = None) -> Any:
        self._centers()
        array, names = self._matrix(X, self._measure)
        self._check_dense(array)
        weights = check.as_weights(sample_weight, len(array))
        return open_data(array, names, weights, self.n_threads)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags


def check_fuzziness(fuzziness: Any) -> None:
    """Raise unless this is a number above 1."""
    if isinstance(fuzziness, bool) or not isinstance(
        fuzziness, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"fuzziness must be a number above 1, got {check.with_type(fuzziness)}.")
    if not 1.001 <= fuzziness <= 1000:
        raise ValueError(
            f"fuzziness must be from 1.001 to 1000, got {fuzziness!r}; towards 1 the result is "
            "that of KMeans."
        )


def coinciding(centers: np.ndarray, limit: float) -> list[tuple[int, int]]:
    """Pairs of centers (k, d) whose squared distance is at most `limit`."""
    found = []
    for i in range(1, len(centers)):
        near = ((centers[:i] - centers[i]) ** 2).sum(axis=1) <= limit
        found += [(int(j), i) for j in np.flatnonzero(near)]
    return found
