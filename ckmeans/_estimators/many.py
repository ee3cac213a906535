"""Many fits in one call: k-means of each group of rows, of each entry of a 3-D array, or of each
block of columns.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from .._inits.kmeans_plusplus import local_trials, uniforms_of
from .._input import checks as check
from .._input.configuration import thread_count
from .._input.groups import Grouped, grouped, is_group_by
from .._input.optional_packages import need
from .._input.other_libraries import here
from .._input.parameter_names import names_parameters
from .._input.real_numbers import as_real
from .._native.engine import Groups
from .base import open_data
from .kmeans import KMeans
from .restarts import AUTO_RESTARTS

#: Rows times clusters times features of a group, on average, from which on threads share the groups
#: out where they need Python's lock: less takes some microseconds, nearly all of it with the lock.
SHARED = 1 << 15

#: The same of all groups together, where they do not need it.
SHARED_TOGETHER = 1 << 19

#: Pieces of work for each thread: groups differ in size.
PIECES = 8

#: Keys that a message lists, at most.
LISTED = 10


class ManyFits:
    """What `fit_many` found: the centers of every group, and the labels of their rows.

    Attributes
    ----------
    keys : ndarray of shape (g,)
        The groups: their labels in ascending order, or 0, 1, ... of entries and column blocks.
    centers : ndarray of shape (g, k, d)
        float32 where the rows are, else float64. NaN in groups that were skipped.
    labels : ndarray of int32
        In the order of the rows: (n,) with ``groups``; (g, m) of a 3-D array; (n, g) with
        ``subspaces``, which are the codes of a product quantizer. -1 in groups that were skipped.
    inertia : ndarray of shape (g,)
    n_iter : ndarray of shape (g,), int64
    counts : ndarray of shape (g, k), int64
        Rows of each cluster.
    n_rows : ndarray of shape (g,), int64
    seed : int
        The ``random_state`` of every fit.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only where the columns have names.
    """

    keys: np.ndarray
    labels: np.ndarray
    n_features_in_: int

    def __init__(self, kind: str, keys: np.ndarray, seed: int, n_rows: np.ndarray) -> None:
        self._kind, self.keys, self.seed, self.n_rows = kind, keys, seed, n_rows

    def _take(self, found: Any, single: bool) -> None:
        centers = found.centers
        self.centers = centers.astype(np.float32) if single else centers
        self.inertia, self.n_iter, self.counts = found.inertia, found.n_iter, found.counts

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        g, k, d = self.centers.shape
        return f"ManyFits({g} groups, {k} clusters each, {d} features)"

    def predict(self, X: Any, groups: Any = None, *, n_threads: int | None = None) -> np.ndarray:
        """Label of each row: the nearest of the centers of its group.

        Parameters
        ----------
        X : as for `fit_many`
            Rows of the kind that were fitted; there may be more or fewer of them.
        groups : as for `fit_many`
        n_threads : int or None, default=None

        Returns
        -------
        labels : ndarray of int32
            Shaped as `labels`; -1 in groups that were skipped.

        Raises
        ------
        TypeError, ValueError
            X cannot be used, has other features, or a group that was not fitted.
        """
        rows = _opened(X, groups, self.centers.shape[0] if self._kind == "subspaces" else None)
        if rows.kind != self._kind:
            raise ValueError(
                f"these are fits of {_KINDS[self._kind]}, but X is given as {_KINDS[rows.kind]}."
            )
        if rows.kind != "groups" and len(rows.keys) != len(self.keys):
            raise ValueError(f"X has {len(rows.keys)} groups, but {len(self.keys)} were fitted.")
        check.check_feature_names(self, rows.names, rows.n_columns, reset=False)
        places = np.arange(len(self.keys)) if rows.kind != "groups" else self._places(rows.keys)
        centers = np.ascontiguousarray(self.centers[places], np.float64)
        there = ~np.isnan(centers[:, 0, 0])
        work = rows.open(np.where(there[:, np.newaxis, np.newaxis], centers, 0.0))
        _share_out(
            work,
            lambda first, last, threads: work.assign(first, last, threads),
            rows,
            centers.shape[1],
            thread_count(n_threads),
            locked=True,
        )
        labels = work.labels
        if not there.all():
            labels[np.repeat(~there, rows.sizes).reshape(labels.shape)] = -1
        return rows.in_order(labels)

    def _places(self, keys: np.ndarray) -> np.ndarray:
        """Where these keys stand among those of the fit."""
        places = {key: place for place, key in enumerate(self.keys.tolist())}
        found = [places.get(key, -1) for key in keys.tolist()]
        unknown = keys[[place < 0 for place in found]]
        if len(unknown):
            raise ValueError(f"{_listed(unknown, 'group')} that no fit knows.")
        return np.array(found, np.int64)

    def to_frame(self) -> Any:
        """The centers as a pandas DataFrame: a row for each cluster, with its group, its index in
        the group, its number of rows, and a column for each feature.
        """
        pandas = need("pandas", "to_frame")
        g, k, d = self.centers.shape
        names = getattr(self, "feature_names_in_", None)
        names = [f"x{j}" for j in range(d)] if names is None or len(names) != d else list(names)
        frame = pandas.DataFrame(self.centers.reshape(g * k, d), columns=names)
        for place, (title, values) in enumerate(
            (
                ("group", np.repeat(self.keys, k)),
                ("cluster", np.tile(np.arange(k), g)),
                ("n_rows", self.counts.ravel()),
            )
        ):
            frame.insert(place, title, values, allow_duplicates=True)
        return frame


_KINDS = {
    "groups": "rows with groups",
    "array": "a 3-D array",
    "subspaces": "blocks of columns (subspaces)",
}


class _Rows:
    """Checked rows, group after group, as `Groups` reads them.

    Attributes
    ----------
    kind : a name in _KINDS
    array : ndarray of shape (n, d) or (g, m, d)
    starts : ndarray of shape (g + 1,) or None
    order : ndarray of shape (n,), or None where rows stand in their order
    sizes : ndarray of shape (g,)
    given : ndarray of shape (n, d), or None
        X, where it is rows, in their own order.
    names : ndarray of str, or None
    n_columns : int
        Of X.
    """

    starts: np.ndarray | None = None
    order: np.ndarray | None = None

    def __init__(
        self,
        kind: str,
        array: np.ndarray,
        keys: np.ndarray,
        given: np.ndarray | None = None,
        names: np.ndarray | None = None,
    ) -> None:
        self.kind, self.array, self.keys = kind, array, keys
        self.given, self.names = given, names
        self.sizes = np.full(len(keys), array.shape[-2], np.int64)
        self.n_columns = array.shape[-1] * (len(keys) if kind == "subspaces" else 1)

    def sort_by(self, codes: np.ndarray) -> None:
        self.sizes = np.bincount(codes, minlength=len(self.keys))
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64)
        if (codes[1:] < codes[:-1]).any():
            self.order = np.argsort(codes, kind="stable")
            self.array = self.array.take(self.order, axis=0)

    def check(self, n_threads: int) -> None:
        """Raise where a value is not finite or too large, with its place in X."""
        if self.given is not None:
            open_data(self.given, self.names, None, n_threads)
            return
        blocks = list(self.array)
        if self.array.flags.c_contiguous:
            blocks = [self.array.reshape(-1, self.n_columns)]
        try:
            for block in blocks:
                open_data(block, None, None, n_threads)
        except ValueError:
            for g, block in enumerate(self.array):
                self.check_group(block, None, g, compared=False)
            raise

    def check_group(
        self, block: np.ndarray, weights: np.ndarray | None, g: int, compared: bool
    ) -> None:
        """Raise where a group has values that are refused."""
        try:
            open_data(block, None, weights, 1, compared=compared)
        except ValueError as error:
            raise ValueError(f"{error} (in group {_shown(self.keys[g])})") from None

    def open(
        self, centers: np.ndarray, weights: np.ndarray | None = None, compared: bool = False
    ) -> Groups:
        """The engine's view of all groups.

        compared : bool
            Whether the rows of a group are compared with each other, as in a fit.
        """
        if weights is not None and self.order is not None:
            weights = weights[self.order]

        def look(block, weights, g):
            self.check(1)
            self.check_group(block, weights, g, compared)

        return Groups(self.array, self.starts, weights, centers, look)

    def in_order(self, labels: np.ndarray) -> np.ndarray:
        """Labels in the order of the rows as they were given."""
        if self.kind == "subspaces":
            return np.ascontiguousarray(labels.T)
        if self.order is None:
            return labels
        out = np.empty_like(labels)
        out[self.order] = labels
        return out


@names_parameters
def fit_many(
    X,
    n_clusters,
    groups=None,
    *,
    subspaces=None,
    sample_weight=None,
    n_init=1,
    max_iter=300,
    tol=1e-4,
    random_state=None,
    rng=None,
    too_few="error",
    n_threads=None,
):
    """k-means of each of many groups of rows, in one call.

    For thousands of groups of a few rows (customers of each shop, pixels of each tile), where a
    loop over ``KMeans(...).fit`` spends its time on the calls, and for the sub-vectors of a product
    quantizer.

    Parameters
    ----------
    X : array-like, table or group-by
        * rows (n, d), with ``groups`` or ``subspaces``;
        * an array (g, m, d): g groups of m rows each;
        * ``frame.groupby(...)`` of pandas or ``frame.group_by(...)`` of polars, whose other columns
          are the features.

        Any real dtype and layout; not changed, and copied only to bring the rows of a group
        together.
    n_clusters : int
        Clusters in each group.
    groups : array-like of shape (n,) or str, default=None
        The label of each row's group: numbers, strings or any other hashable values, none missing.
        Or the name of a column of X.
    subspaces : int, default=None
        The d columns are seen as so many blocks of equal width, next to each other, and each is
        clustered by itself (Jégou, Douze & Schmid, TPAMI 2011).
    sample_weight : array-like of shape (n,) or None, default=None
        Non-negative weights of the rows; with ``groups`` alone.
    n_init : int or "auto", default=1
        Runs from different initial centers, of which the best counts; "auto" is 10.
    max_iter, tol : as in `KMeans`
    random_state : None, int, RandomState or Generator, default=None
        An int is the seed of every group's fit; of the others one seed is drawn for all.
    rng : None, int, SeedSequence, BitGenerator or Generator
        Instead of `random_state`, as functions of NumPy's world take it (SPEC 7): one seed is drawn
        from ``numpy.random.default_rng(rng)``.
    too_few : {"error", "skip"}, default="error"
        What is done about groups with fewer rows than clusters: an error that lists them, before
        anything is fitted, or no fit: their labels are -1, their centers and inertia NaN.
    n_threads : int or None, default=None
        None means all CPUs. Groups are shared out to threads where they are large enough for that.

    Returns
    -------
    fits : ManyFits
        ``centers`` (g, k, d), ``labels`` in the order of the rows, ``inertia``, ``n_iter``,
        ``counts``, ``keys``; ``predict`` and ``to_frame``.

    Raises
    ------
    TypeError, ValueError
        A parameter, a label or a value cannot be used; the message says which and why.

    Warns
    -----
    ConvergenceWarning
        Some groups have fewer distinct rows than clusters, so that clusters are empty.
    ColumnsWarning
        With `groups`, X is a table with a column of ids, or whose columns' spreads differ by more
        than 10 times.

    See Also
    --------
    KMeans : one fit, with everything else that can be asked for

    Notes
    -----
    Every group gets the same bits as a fit of its rows alone, for any number of threads:
    ``KMeans(n_clusters, init="k-means++", n_init=n_init, max_iter=max_iter, tol=tol,
    random_state=fits.seed).fit(rows)``. It does not depend on which other groups there are.

    Not for groups that need different numbers of clusters, scaling, metrics or rules: loop over
    `KMeans` for those.

    Examples
    --------
    >>> import numpy as np
    >>> from ckmeans import fit_many
    >>> X = np.array([[0.0], [1.0], [9.0], [20.0], [21.0], [35.0]])
    >>> fits = fit_many(X, 2, groups=["a", "a", "a", "b", "b", "b"], random_state=0)
    >>> fits.keys.tolist(), np.sort(fits.centers[:, :, 0]).tolist()
    (['a', 'b'], [[0.5, 9.0], [20.5, 35.0]])
    >>> fits.inertia.tolist()
    [0.5, 0.5]
    >>> fits.labels[0] == fits.labels[1] != fits.labels[2]
    np.True_
    """
    random_state = check.one_source(random_state, rng)
    model = KMeans(
        n_clusters,
        init="k-means++",
        n_init=n_init,
        max_iter=max_iter,
        tol=tol,
        random_state=random_state,
        n_threads=n_threads,
    )
    model._check_params()
    check.check_name(too_few, ("error", "skip"), "too_few")
    k, threads = int(n_clusters), thread_count(n_threads)
    rows = _opened(X, groups, subspaces)
    if sample_weight is not None and rows.kind != "groups":
        raise ValueError("sample_weight goes with groups: leave it out.")
    weights = check.as_weights(sample_weight, rows.array.shape[0])
    _check_sizes(rows, k, too_few)
    _check_weights(rows, weights)
    rows.check(threads)

    (seed,) = check.seeds(random_state, 1)
    trials = local_trials(k)
    uniforms = []
    for start in check.seeds(seed, AUTO_RESTARTS if isinstance(n_init, str) else n_init):
        with check.seeded(start) as state:
            uniforms.append(uniforms_of(k, trials, state))
    drawn = np.array(uniforms)

    work = rows.open(np.full((len(rows.keys), k, rows.array.shape[-1]), np.nan), weights, True)
    _share_out(
        work,
        lambda first, last, inner: work.fit(first, last, drawn, trials, max_iter, tol, inner),
        rows,
        k,
        threads,
        locked=weights is not None,
    )
    fits = ManyFits(rows.kind, rows.keys, seed, rows.sizes)
    fits._take(work, rows.array.dtype == np.float32)
    fits.labels = rows.in_order(work.labels)
    check.check_feature_names(fits, rows.names, rows.n_columns, reset=True)
    if rows.kind == "groups" and rows.names is not None:
        check.warn_of_columns(rows.given, rows.names, remedy="scale the columns first")
    found = np.count_nonzero(fits.counts, axis=1)
    few = (found < k) & (rows.sizes >= k)
    if few.any():
        check.warn(
            f"{_listed(rows.keys[few], 'group')} with fewer distinct clusters than "
            f"n_clusters={k}: they may have fewer distinct rows than that.",
            check.ConvergenceWarning,
        )
    return fits


def _opened(X: Any, groups: Any, subspaces: Any) -> _Rows:
    """X, in the way that these parameters say."""
    if groups is not None and subspaces is not None:
        raise ValueError("groups and subspaces cannot be used together: pass one of them.")
    if is_group_by(X) or groups is not None:
        if groups is not None and is_group_by(X):
            raise ValueError("X is a group-by, which says what the groups are: leave groups out.")
        if groups is not None and getattr(X, "ndim", 2) == 3:
            raise ValueError("X is a 3-D array, whose entries are the groups: leave groups out.")
        found: Grouped = grouped(X, groups)
        array, names = check.as_matrix(found.X)
        if len(array) != len(found.codes):
            raise ValueError(f"groups has {len(found.codes)} labels, but X has {len(array)} rows.")
        rows = _Rows("groups", array, found.keys, array, names)
        rows.sort_by(found.codes)
        return rows
    if subspaces is not None:
        check.check_int(subspaces, "subspaces", 1, "an integer of at least 1")
        array, names = check.as_matrix(X)
        n, d = array.shape
        if d % subspaces:
            raise ValueError(
                f"subspaces={subspaces} does not divide the {d} features of X into blocks of equal "
                "width."
            )
        blocks = array.reshape(n, subspaces, d // subspaces)
        return _Rows("subspaces", blocks.transpose(1, 0, 2), np.arange(subspaces), array, names)
    array = here(X, "X")
    array = as_real(array if isinstance(array, np.ndarray) else _as_array(X), "X")
    if array.ndim != 3:
        raise ValueError(
            f"X has shape {array.shape}, which does not say what the groups are: pass groups= (the "
            "label of each row), subspaces= (blocks of columns), or an array (groups, rows, "
            "features)."
        )
    for axis, what in enumerate(("group", "sample", "feature")):
        if array.shape[axis] == 0:
            raise check.too_small_error(what, array.shape, 0, 1)
    return _Rows("array", array, np.arange(len(array)))


def _as_array(X: Any) -> np.ndarray:
    try:
        return np.asarray(X)
    except ValueError:
        raise ValueError(
            "X has groups or rows of unequal length: pass all rows as one array, and groups="
        ) from None


def _check_sizes(rows: _Rows, k: int, too_few: str) -> None:
    small = rows.sizes < k
    if small.any() and too_few == "error":
        sizes = [
            f"{_shown(key)} ({size})" for key, size in zip(rows.keys[small], rows.sizes[small])
        ]
        more = f" and {len(sizes) - LISTED} more" if len(sizes) > LISTED else ""
        raise ValueError(
            f"{len(sizes)} of {len(rows.keys)} groups have fewer rows than n_clusters={k}: "
            f"{', '.join(sizes[:LISTED])}{more}. Leave them out, or pass too_few='skip'."
        )


def _check_weights(rows: _Rows, weights: np.ndarray | None) -> None:
    if weights is None or rows.starts is None:
        return
    ordered = weights if rows.order is None else weights[rows.order]
    empty = ~np.logical_or.reduceat(ordered > 0, rows.starts[:-1])
    if empty.any():
        raise ValueError(
            f"sample_weight is zero for every row of {_listed(rows.keys[empty], 'group')}: at "
            "least one must be positive."
        )


def _listed(keys: np.ndarray, what: str) -> str:
    names = [_shown(key) for key in keys[:LISTED]]
    more = f" and {len(keys) - LISTED} more" if len(keys) > LISTED else ""
    return f"{len(keys)} {what}{'s' * (len(keys) > 1)} ({', '.join(names)}{more})"


def _shown(key: Any) -> str:
    return check.shortened(key.item() if isinstance(key, np.generic) else key)


def _share_out(
    work: Groups,
    do: Callable[[int, int, int], None],
    rows: _Rows,
    k: int,
    threads: int,
    *,
    locked: bool,
) -> None:
    """Do all groups: in this thread where they are small, else in several.

    do : callable
        Takes the first group, that after the last, and the number of threads within each.
    locked : bool
        Whether small groups need Python's lock.
    """
    g = len(rows.keys)
    mean = rows.sizes.sum() / g * k * rows.array.shape[-1]
    locked = locked and getattr(sys, "_is_gil_enabled", lambda: True)()
    short = mean < SHARED if locked else mean < SHARED and g * mean < SHARED_TOGETHER
    if threads == 1 or g == 1 or short:
        do(0, g, 1 if mean < SHARED else threads)
        return
    workers = min(threads, g)
    ends = np.cumsum(rows.sizes)
    cuts = np.searchsorted(ends, np.linspace(0, ends[-1], workers * PIECES + 1)[1:-1]).tolist()
    cuts = sorted({0, *cuts, g})
    with ThreadPoolExecutor(workers, "ckmeans-groups") as pool:
        pieces: list[Any] = []
        try:
            for first, last in zip(cuts, cuts[1:]):
                pieces.append(pool.submit(do, first, last, threads // workers))
            for piece in pieces:
                piece.result()
        except BaseException:  # of a piece, or an interrupt, whenever it comes
            work.stop()
            for piece in pieces:
                piece.cancel()
            raise
