"""Measures of the quality of a clustering: silhouettes and other indices, named as in scikit-learn.

All distances are float64, summed feature after feature, and means over rows are exact sums rounded
once, so no value depends on the number of threads, the instruction set or the order of the rows.
"""

import math
from itertools import count
from threading import local

import numpy as np

from . import _native
from ._estimators.kmeans import open_data
from ._input import checks as check
from ._input.configuration import thread_count
from ._input.contiguous import contiguous
from ._input.other_libraries import here
from ._input.sparse import SparseRows

_SUMS_BYTES = 1 << 28  # memory for sums that make silhouettes faster
_TASK_PAIRS = 1 << 24  # pairs of values in a task of a thread: about 10 ms, so Ctrl-C is quick
_BLOCK_VALUES = 1 << 20  # values of an intermediate array: 8 MB
# Distances are at most 1. If one in a sum is above this, the rounding error of the sum is small.
_NEAR = 2.0**-24
_CACHED_VALUES = 1 << 14  # the same, if the array is read several times: 128 kB
_VANISHING = 400  # rows are scaled if their spread is below 2 to the power of minus this


def silhouette_samples(X, labels, *, metric="euclidean", n_threads=None):
    """The silhouette of each row (Rousseeuw, J. Comput. Appl. Math. 20, 1987).

    ``(b - a) / max(a, b)``, where a is the mean distance to the other rows of its cluster and b the
    smallest mean distance to the rows of another cluster. It is near 1 for rows well inside their
    cluster, 0 between two clusters, and negative for rows that are nearer to another cluster. It is
    0 for a row that is alone in its cluster.

    Parameters
    ----------
    X : array-like, table or sparse matrix of shape (n, d)
    labels : array-like of shape (n,)
        Any integers or names; at least 2 clusters, and fewer than rows.
    metric : "euclidean"
        The only metric: for cosine distances scale the rows to unit length.
    n_threads : int or None
        None means the CPUs that this process may use. Results do not depend on it.

    Returns
    -------
    silhouettes : ndarray of shape (n,), float64

    Raises
    ------
    TypeError, ValueError
        X or labels cannot be used.

    See Also
    --------
    silhouette_score : their mean.
    simplified_silhouette_samples : O(n k d) instead of O(n² d), for larger data.

    Notes
    -----
    All distances are computed, and summed exactly. Extra memory is one float64 copy of X and, if
    they fit into 256 MB, 16 k n bytes of sums per thread, which halve the time. Sparse rows are
    converted to dense ones block by block. The time is proportional to n² d: for more than about
    100 000 rows use `simplified_silhouette_samples`, or a sample (`silhouette_score` with
    `sample_size`).

    Silhouettes assume compact clusters: a correct clustering of rings or chains has low
    silhouettes.

    Examples
    --------
    >>> from ckmeans.metrics import silhouette_samples
    >>> silhouette_samples([[0.0], [1.0], [9.0], [10.0]], [0, 0, 1, 1]).round(3)
    array([0.895, 0.882, 0.882, 0.895])
    """
    check.check_euclidean(metric, "the silhouette")
    array, codes, k, names = _labeled(X, labels)
    data = open_data(array, names, None, 1)  # raises for what is not finite
    sizes = np.bincount(codes, minlength=k)
    order = np.argsort(codes, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    n = len(array)
    # Constants that cut distances into two parts whose sums over n rows are exact; see
    # _native/data/sums.pxi.
    growth = math.frexp(4.0 * n)[1]
    big, small = math.ldexp(1.5, 1 + growth), math.ldexp(1.5, 1 + 2 * growth - 53)
    threads = thread_count(n_threads)
    kernel = _native.kernel("silhouette")
    if isinstance(array, SparseRows):
        data = open_data(
            _scaled(array.take(order), _unit_exponent(data.low, data.high)), None, None, threads
        )
        out = np.empty(n)
        _silhouettes_of_some(data, np.arange(n), bounds, (big, small), out)
    else:
        rows = _unit(array[order])
        data = open_data(rows, None, None, threads)
        by = _silhouettes_by_pairs if 16 * k * n * threads <= _SUMS_BYTES else _silhouettes_by_rows
        out = by(kernel, rows, bounds, big, small, threads)
    some = _doubtful(data, bounds)
    if len(some):
        _silhouettes_of_some(data, some, bounds, _native.engine.split_of(1.0, n), out)
    result = np.empty(n)
    result[order] = out
    return result


def _silhouettes_by_rows(kernel, rows, bounds, big, small, threads):
    """Compute each distance twice: needs hardly any memory."""
    n, d = rows.shape
    step = max(1, _TASK_PAIRS // (n * (d + 5))) * kernel.WIDTH
    out, own = np.empty(n), local()

    def work(start):
        if not hasattr(own, "panel"):
            own.panel = np.empty((d, kernel.WIDTH))
        kernel.silhouettes(rows, bounds, start, min(start + step, n), big, small, own.panel, out)

    _each(work, range(0, n, step), threads)
    return out


def _silhouettes_by_pairs(kernel, rows, bounds, big, small, threads):
    """Compute each distance once: nearly twice as fast, with 16 k n bytes of sums for each thread,
    and the same bits.
    """
    n, d = rows.shape
    k = len(bounds) - 1
    sums, own, limits = [], local(), bounds.tolist()
    tasks = [
        (j, start, min(start + kernel.GROUP, limits[j + 1]))
        for j in range(k)
        for start in range(limits[j], limits[j + 1], kernel.GROUP)
    ]

    def work(task):
        if not hasattr(own, "sums"):
            own.panels, own.sums = np.empty((d, kernel.GROUP)), np.zeros((2, k, n))
            sums.append(own.sums)
        kernel.pair_sums(rows, bounds, *task, big, small, own.panels, own.sums)

    _each(work, tasks, threads)
    for other in sums[1:]:  # parts of exact sums: nothing is rounded
        sums[0] += other
    total = sums[0][0] + sums[0][1]  # (k, n), rounded once
    return _silhouettes_from_sums(total, np.repeat(np.arange(k), np.diff(bounds)), np.diff(bounds))


def _silhouettes_of_some(data, rows, bounds, constants, out):
    """Silhouettes of some rows, written to `out`: for a block of rows at a time, which is converted
    to dense rows, the distances to all rows are computed.

    constants : cut distances into parts; with those of `split_of`, the sum of the parts is exact
    """
    n, d = data.shape
    sizes = np.diff(bounds)
    home = np.repeat(np.arange(len(sizes)), sizes)
    step = max(1, _BLOCK_VALUES // max(n, d))
    for start in range(0, len(rows), step):
        some, parts = rows[start : start + step], []
        # (n, rows of this block), with the bits of the kernel
        rest = data.distances(data.take(some), True)
        for big in constants:
            part = (rest + big) - big
            parts.append(np.add.reduceat(part, bounds[:-1]))
            rest -= part
            if not rest.any():
                break
        out[some] = _silhouettes_from_sums(_native.engine.sum_values(parts), home[some], sizes)


def _doubtful(data, bounds):
    """Rows so near to a whole cluster, compared with the spread of all rows, that two parts of
    their distances may be too inaccurate.

    Distances are at most 1; if one in a sum is above `_NEAR`, the error of the sum is much smaller.
    """
    n, d = data.shape
    step = max(1, _BLOCK_VALUES // d)
    blocks = [np.arange(start, min(start + step, n)) for start in range(0, n, step)]
    home = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    low, high = np.full((len(bounds) - 1, d), np.inf), np.full((len(bounds) - 1, d), -np.inf)
    for block in blocks:
        rows, (clusters, firsts) = data.take(block), np.unique(home[block], return_index=True)
        low[clusters] = np.minimum(low[clusters], np.minimum.reduceat(rows, firsts))
        high[clusters] = np.maximum(high[clusters], np.maximum.reduceat(rows, firsts))
    extents, found = (high - low).max(axis=1), np.zeros(n, dtype=bool)
    small = np.flatnonzero(extents < _NEAR)
    for block in blocks if len(small) else ():
        rows = data.take(block)
        for j in small:
            gaps = np.maximum(low[j] - rows, rows - high[j]).max(axis=1)
            # Distances of equal rows are 0, without an error.
            found[block] |= (gaps < _NEAR) & ((gaps > 0) | (extents[j] > 0))
    return np.flatnonzero(found)


def _silhouettes_from_sums(total, home, sizes):
    """Silhouettes of rows, from the sums of their distances to the rows of each cluster (k, rows)
    and their own clusters.
    """
    n = total.shape[1]
    mine = sizes[home]
    inner = total[home, np.arange(n)] / np.maximum(mine - 1, 1)
    total /= sizes[:, np.newaxis]
    total[home, np.arange(n)] = np.inf
    nearest = total.min(axis=0)
    larger = np.maximum(inner, nearest)
    return np.divide(nearest - inner, larger, out=np.zeros(n), where=(mine > 1) & (larger > 0))


def silhouette_score(
    X,
    labels,
    *,
    metric="euclidean",
    sample_size=None,
    random_state=None,
    rng=None,
    n_threads=None,
):
    """The mean silhouette of all rows, or of a sample; see `silhouette_samples`.

    Parameters
    ----------
    X, labels, metric, n_threads
        As for `silhouette_samples`.
    sample_size : int or None
        Use this many randomly drawn rows, as if they were all rows. The sample must have at least 2
        clusters.
    random_state : None, int, RandomState or Generator
        Determines which rows are drawn.
    rng : None, int, SeedSequence, BitGenerator or Generator
        Instead of `random_state`; see `ckmeans.k_means`.

    Returns
    -------
    score : float
        From -1 to 1; higher is better.

    Examples
    --------
    >>> from ckmeans.metrics import silhouette_score
    >>> round(silhouette_score([[0.0], [1.0], [9.0], [10.0]], ["a", "a", "b", "b"]), 3)
    0.889
    """
    check.check_euclidean(metric, "the silhouette")
    random_state = check.one_source(random_state, rng)
    if sample_size is not None:
        array, codes, _, _ = _labeled(X, labels)
        check.check_int(sample_size, "sample_size", 3, "None or an integer of at least 3")
        if sample_size > len(array):
            raise ValueError(f"sample_size={sample_size} is more than the {len(array)} rows of X.")
        (seed,) = check.seeds(random_state, 1)
        with check.seeded(seed) as random_state:
            picked = np.sort(random_state.permutation(len(array))[:sample_size])
        X, labels = array[picked], codes[picked]
    return exact_mean(silhouette_samples(X, labels, n_threads=n_threads))


def simplified_silhouette_samples(X, centers, labels=None, *, n_threads=None):
    """The simplified silhouette of each row, from distances to centers instead of mean distances to
    rows.

    ``(b - a) / max(a, b)``, where a is the distance to the row's own center and b that to the
    nearest other one (Hruschka, de Castro & Campello, ICDM 2004). Takes O(n k d) time instead of
    the O(n² d) of the exact silhouette, and ranks values of k similarly if clusters are compact
    (Vendramin, Campello & Hruschka, Stat. Anal. Data Min. 3, 2010).

    Parameters
    ----------
    X : array-like, table or sparse matrix of shape (n, d)
    centers : array-like of shape (k, d)
        At least two.
    labels : array-like of int of shape (n,), or None
        The center of each row; None means the nearest.
    n_threads : int or None

    Returns
    -------
    silhouettes : ndarray of shape (n,), float64
        They differ from exact silhouettes, and should not be compared with these.

    Examples
    --------
    >>> from ckmeans.metrics import simplified_silhouette_samples
    >>> simplified_silhouette_samples([[0.0], [1.0], [9.0], [10.0]], [[0.5], [9.5]]).round(3)
    array([0.947, 0.941, 0.941, 0.947])
    """
    array, names = check.as_matrix(X, sparse=True)
    centers, _ = check.as_matrix(centers, name="centers", min_rows=2)
    k, d = centers.shape
    if d != array.shape[1]:
        raise ValueError(f"centers have {d} features, X has {array.shape[1]}.")
    centers = contiguous(centers, np.float64)
    if not np.abs(centers).max() <= check.MAX_ABS:
        raise check.nonfinite_error(
            centers, *check.first_true(~(np.abs(centers) <= check.MAX_ABS)), name="centers"
        )
    if labels is not None:
        labels = _label_array(labels, len(array))
        if labels.dtype.kind not in "biu" or labels.min() < 0 or labels.max() >= k:
            raise ValueError(f"labels must be integers from 0 to {k - 1}, the rows of centers.")
    threads = thread_count(n_threads)
    exponent = min(
        _vanishing(open_data(array, names, None, threads)),
        500 - math.frexp(float(np.abs(centers).max()))[1],
    )
    if exponent > 0:
        array, centers = _scaled(array, exponent), np.ldexp(centers, exponent)
    out = np.empty(len(array))
    step = max(1, _BLOCK_VALUES // (k if isinstance(array, SparseRows) else max(k, d)))
    for start in range(0, len(array), step):
        block = array[start : start + step]
        if block.dtype == np.float32:  # distances of float32 rows would be rounded to float32
            block = block.astype(np.float64)
        distances = open_data(block, names, None, threads).distances(centers)
        rows = np.arange(len(block))
        mine = (
            distances.argmin(axis=1)
            if labels is None
            else labels[start : start + step].astype(np.intp)
        )
        a = distances[rows, mine]
        distances[rows, mine] = np.inf
        b = distances.min(axis=1)
        larger = np.maximum(a, b)
        out[start : start + step] = np.divide(
            b - a, larger, out=np.zeros(len(block)), where=larger > 0
        )
    return out


def simplified_silhouette_score(X, centers, labels=None, *, n_threads=None):
    """The mean simplified silhouette; see `simplified_silhouette_samples`.

    Examples
    --------
    >>> from ckmeans.metrics import simplified_silhouette_score
    >>> round(simplified_silhouette_score([[0.0], [1.0], [9.0], [10.0]], [[0.5], [9.5]]), 3)
    0.944
    """
    return exact_mean(simplified_silhouette_samples(X, centers, labels, n_threads=n_threads))


def calinski_harabasz_score(X, labels, *, sample_weight=None):
    """Variance between clusters divided by variance within clusters (Caliński & Harabasz, Commun.
    Stat. 3, 1974); higher is better.

    Parameters
    ----------
    X : array-like, table or sparse matrix of shape (n, d)
    labels : array-like of shape (n,)
        At least 2 clusters and fewer than rows.
    sample_weight : array-like of shape (n,) or None
        If all weights are whole numbers, a row of weight w counts as w rows. Otherwise only their
        ratios matter: they are scaled to sum to the number of rows with positive weight. Rows of
        weight 0 are ignored.

    Returns
    -------
    score : float
        Not negative. 1.0 if every row equals the mean of its cluster, as in scikit-learn.

    Examples
    --------
    >>> from ckmeans.metrics import calinski_harabasz_score
    >>> calinski_harabasz_score([[0.0], [1.0], [9.0], [10.0]], [0, 0, 1, 1])
    162.0
    """
    data, array, codes, k, weights = _weighted_and_labeled(X, labels, sample_weight)
    within = data.inertia(data.means(codes, k), codes)
    nothing = np.zeros_like(codes)
    total = data.inertia(data.means(nothing, 1), nothing)
    if within == 0:
        return 1.0
    counts = weights is not None and (weights == np.floor(weights)).all()
    n_rows = data.total_weight() if counts else len(array)
    return max(total - within, 0.0) * (n_rows - k) / (within * (k - 1.0))


def davies_bouldin_score(X, labels, *, sample_weight=None):
    """Mean over the clusters of the largest overlap with another one (Davies & Bouldin, PAMI 1,
    1979); lower is better.

    Parameters
    ----------
    X : array-like, table or sparse matrix of shape (n, d)
    labels : array-like of shape (n,)
        At least 2 clusters and fewer than rows.
    sample_weight : array-like of shape (n,) or None
        Only the ratios of the weights matter. Rows of weight 0 are ignored.

    Returns
    -------
    score : float
        0 at best.

    Examples
    --------
    >>> from ckmeans.metrics import davies_bouldin_score
    >>> round(davies_bouldin_score([[0.0], [1.0], [9.0], [10.0]], [0, 0, 1, 1]), 3)
    0.111
    """
    data, array, codes, k, weights = _weighted_and_labeled(X, labels, sample_weight)
    centers = data.means(codes, k)
    spread = mean_distances(array, centers, codes, weights)
    if not spread.any():
        return 0.0
    worst = []
    for j in range(k):
        apart = np.sqrt(_sq_distances(centers, centers[j]))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(apart > 0, (spread + spread[j]) / apart, 0.0)
        worst.append(float(ratios.max()))
    return math.fsum(worst) / k


def mean_distances(array, centers, labels, weights=None):
    """Mean distance of each center's rows to it, rounded once; 0 for a center without rows."""
    distances = np.sqrt(own_sq_distances(array, centers, labels))
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels, minlength=len(centers)))
    w = None if weights is None else weights[order]
    distances = distances[order] if w is None else distances[order] * w
    means, start = [], 0
    for stop in ends.tolist():
        total = exact_sum(distances[start:stop])
        weight = stop - start if w is None else exact_sum(w[start:stop])
        means.append(total / weight if weight else 0.0)
        start = stop
    return np.array(means)


def own_sq_distances(array, centers, labels):
    """Squared distance of each row to the center of its label, float64, feature after feature."""
    if isinstance(array, SparseRows):
        return open_data(array, None, None, None).squares(
            contiguous(centers), contiguous(labels, np.int32)
        )
    out = np.empty(len(array))
    step = max(1, _CACHED_VALUES // array.shape[1])
    for start in range(0, len(array), step):
        stop = start + step
        t = np.subtract(array[start:stop], centers[labels[start:stop]], dtype=np.float64)
        t *= t
        block = out[start:stop]
        block[:] = t[:, 0]
        for f in range(1, t.shape[1]):
            block += t[:, f]
    return out


def _sq_distances(rows, point):
    out = np.zeros(len(rows))
    for f in range(rows.shape[1]):
        t = rows[:, f].astype(np.float64) - point[f]
        out += t * t
    return out


def adjusted_rand_score(labels_true, labels_pred):
    """Agreement of two clusterings of the same rows, corrected for chance (Hubert & Arabie, J.
    Classif. 2, 1985).

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n,)

    Returns
    -------
    score : float
        1 if they are the same except for the names of clusters, about 0 if they are unrelated.

    Examples
    --------
    >>> from ckmeans.metrics import adjusted_rand_score
    >>> adjusted_rand_score([0, 0, 1, 1], ["b", "b", "a", "a"])
    1.0
    """
    a, _ = _codes(labels_true, None, "labels_true")
    b, _ = _codes(labels_pred, len(a), "labels_pred")
    _, both = np.unique(a * (b.max(initial=0) + 1) + b, return_counts=True)
    together, in_a, in_b = (
        sum(c * (c - 1) // 2 for c in counts.tolist())
        for counts in (both, np.bincount(a), np.bincount(b))
    )
    pairs = len(a) * (len(a) - 1) // 2  # Python integers: only the last step is rounded
    if in_a == in_b == together:
        return 1.0
    return 2 * (together * pairs - in_a * in_b) / (pairs * (in_a + in_b) - 2 * in_a * in_b)


def exact_sum(values):
    """The sum of float64 values, rounded once, so that their order does not matter; infinite or NaN
    if a value is.
    """
    total = float(np.add.reduce(values))
    return _native.engine.exact_sum(values) if math.isfinite(total) else total


def exact_mean(values, weights=None):
    """The mean, rounded once, so that the order of the values does not matter."""
    if weights is None:
        return exact_sum(values) / len(values)
    return exact_sum(values * weights) / exact_sum(weights)


# -- arguments -------------------------------------------------------------------------------------


def _label_array(labels, n=None, name="labels"):
    """Labels as an array of whole numbers, or of names of one type; n of them, if that is given."""
    if isinstance(labels, np.ma.MaskedArray) and np.ma.getmaskarray(labels).any():
        raise _missing_label(name, "masked", np.ma.getmaskarray(labels))
    try:
        array = np.asarray(here(labels, name))
        if isinstance(labels, (list, tuple)) and array.ndim == 1 and array.dtype.kind in "SUf":
            # NumPy would convert numbers among names to text, and may merge large numbers.
            array = np.array(labels, dtype=object)
    except ValueError:  # of lists of different lengths
        raise ValueError(f"{name} must be one label per row, got lists in a list.") from None
    if array.ndim != 1 or n is not None and len(array) != n:
        raise ValueError(
            f"{name} has shape {array.shape}, but one label per row is needed: shape "
            f"({'n' if n is None else n},)."
        )
    if array.dtype.kind in "OT":
        return _objects(array.astype(object), name)
    if array.dtype.kind in "fmM":
        missing = np.isnat(array) if array.dtype.kind in "mM" else np.isnan(array)
        if missing.any():
            raise _missing_label(name, array[missing][0], missing)
    if array.dtype.kind == "f":
        whole = np.isfinite(array)
        whole[whole] = array[whole] == np.floor(array[whole])
        if not whole.all():
            raise _no_label(name, array[~whole][0], int(np.argmin(whole)))
    elif array.dtype.kind not in "biuSUmM":
        raise TypeError(f"{name} has dtype {array.dtype}: labels are names or whole numbers.")
    return array


def _objects(array, name):
    """Labels that are Python objects: all whole numbers, or all of one type that can be sorted."""
    missing = np.fromiter(map(is_missing, array), dtype=bool, count=len(array))
    if missing.any():
        raise _missing_label(name, repr(array[missing][0]), missing)
    first = None
    for row, value in enumerate(array):
        kind = type(value)
        if isinstance(value, (int, float, np.integer, np.floating, np.bool_)):
            kind = int
            if not math.isfinite(value) or value != math.floor(value):
                raise _no_label(name, value, row)
        elif isinstance(value, (str, bytes)):
            kind = str if isinstance(value, str) else bytes
        first = first or kind
        if kind is not first:
            raise TypeError(
                f"{name} mixes {_KINDS.get(first, first.__name__)} and "
                f"{_KINDS.get(kind, kind.__name__)}, the first of these "
                f"{value!r} at row {row}: labels are of one kind. Convert them: "
                f"[str(label) for label in {name}]."
            )
    if first not in (int, str, bytes, None):
        try:
            np.sort(array)
        except TypeError:
            raise TypeError(
                f"{name} are of type {first.__name__}, which has no order: pass names "
                "or whole numbers."
            ) from None
    return array


#: Names of some kinds of labels in messages.
_KINDS = {int: "numbers", str: "text"}


def is_missing(value):
    """Whether a value stands for none: None, NaN, NaT, pandas.NA."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # comparing pandas.NA gives no bool; an array is not a label
        return True


def _missing_label(name, value, mask):
    return ValueError(
        f"{name} has {np.count_nonzero(mask)} missing label(s), the first ({value}) "
        f"at row {int(np.argmax(mask))}: "
        "drop such rows, or give them a label of their own."
    )


def _no_label(name, value, row):
    return ValueError(
        f"{name} has {float(value)} at row {row}: labels are names or whole numbers, "
        "not measurements."
    )


def codes(labels, n, name="labels"):
    """The distinct labels, and those of the rows as int64 codes from 0."""
    values, codes = np.unique(_label_array(labels, n, name), return_inverse=True)
    return values, codes.reshape(-1).astype(np.int64)


def _codes(labels, n, name="labels"):
    """Labels as int64 codes from 0, and the number of distinct ones."""
    values, found = codes(labels, n, name)
    return found, len(values)


def _labeled(X, labels):
    """The rows, their labels as int32 codes from 0, the number of clusters, and the names of the
    columns.
    """
    array, names = check.as_matrix(X, sparse=True)
    codes, k = _codes(labels, len(array))
    if not 2 <= k < len(array):
        raise ValueError(
            f"Number of labels is {k}. Valid values are 2 to n_samples - 1 "
            f"(inclusive): {len(array) - 1}."
        )
    return array, codes.astype(np.int32), k, names


def _weighted_and_labeled(X, labels, sample_weight):
    """Rows of positive weight: native data, array, codes of labels, number of clusters, weights.

    The array is float64, and scaled if squared differences would underflow.
    """
    array, names = check.as_matrix(X, sparse=True)
    labels = _label_array(labels, len(array))
    weights = check.as_weights(sample_weight, len(array))
    if weights is not None and not weights.all():
        # Raises for values that are not finite, with their positions among all rows.
        open_data(array, names, weights, None)
        kept = np.flatnonzero(weights)
        array, labels, weights = array[kept], labels[kept], weights[kept]
    array, codes, k, _ = _labeled(array, labels)
    data = open_data(array, names, weights, None)
    exponent = _vanishing(data)
    # Means are float64 for any dtype of the rows, as everywhere in this file.
    if exponent or array.dtype == np.float32:
        array = _scaled(array, exponent)
        data = open_data(array, names, weights, None)
    return data, array, codes, k, weights


def _vanishing(data):
    """The exponent to scale rows by whose squared differences would underflow, else 0."""
    exponent = _unit_exponent(data.low, data.high)
    return exponent if exponent > _VANISHING else 0


def _scaled(array, exponent):
    """Rows as float64, times a power of two."""
    array = array.astype(np.float64)
    if isinstance(array, SparseRows):
        return SparseRows(np.ldexp(array.data, exponent), array.layout)
    return np.ldexp(array, exponent)


def _unit(rows):
    """The rows as float64, scaled by a power of two so that the largest distance is at most 1, and
    not much less.

    Values stay below 2**500. If a column is that far from 0 compared with the spread of the rows,
    distances are smaller.
    """
    rows = contiguous(rows, np.float64)
    exponent = _unit_exponent(rows.min(axis=0), rows.max(axis=0))
    return np.ldexp(rows, exponent) if exponent else rows


def _unit_exponent(low, high):
    """The exponent for `_unit`, from the ranges of the columns."""
    half = high / 2 - low / 2  # halves, as the difference might overflow
    widest = float(half.max())
    if not widest > 0:
        return 0
    span = half / widest
    exponent = (
        math.frexp(widest)[1]
        + 1
        + math.frexp(1.01 * math.sqrt(math.fsum((span * span).tolist())))[1]
    )
    return min(-exponent, 500 - math.frexp(float(max(high.max(), -low.min())))[1])


def _each(work, tasks, n_threads):
    """Do all tasks, with n_threads threads, of which the caller is one."""
    threads = min(thread_count(n_threads), len(tasks))
    numbers = count()  # shared by the threads: `next` is atomic

    def run():
        for number in numbers:
            if number >= len(tasks):
                break
            work(tasks[number])

    if threads <= 1:
        return run()
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads - 1) as pool:
        helpers = [pool.submit(run) for _ in range(threads - 1)]
        try:
            run()
        except BaseException:
            for _ in zip(range(len(tasks)), numbers):  # leave none to the others
                pass
            raise
        for helper in helpers:
            helper.result()
