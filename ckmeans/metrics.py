"""How good a clustering is, without the truth: silhouettes and the other indices, with
scikit-learn's names.

All distances are float64, feature after feature, and means over rows are exact sums rounded once,
so that no value depends on the number of threads, the instruction set or the order of the rows.
"""

import math
from itertools import count
from threading import local

import numpy as np

from . import _native
from ._estimators.kmeans import open_data
from ._input import checks as check
from ._input.configuration import thread_count
from ._input.sparse import SparseRows

_SUMS_BYTES = 1 << 28  # memory for sums that make silhouettes faster
_TASK_PAIRS = (
    1 << 24
)  # pairs of values that a thread takes at a time: some 10 ms, so that Ctrl-C is quick
_BLOCK_VALUES = 1 << 20  # values of an intermediate array: 8 MB
_NEAR = (
    2.0**-24
    # distance, where the largest is 1, above which one in a sum makes what its parts leave over
    # small
)
_CACHED_VALUES = 1 << 14  # the same, where it is read several times
_VANISHING = 400  # rows are scaled if it takes a larger power of two to a spread of 1


def silhouette_samples(X, labels, *, metric="euclidean", n_threads=None):
    """The silhouette of each row (Rousseeuw, J. Comput. Appl. Math. 20, 1987).

    ``(b - a) / max(a, b)``, with a the mean distance to the other rows of its cluster and b the
    least mean distance to the rows of another cluster: near 1 well inside its cluster, 0 between
    two, negative when it lies nearer to another. Rows alone in their cluster have 0.

    Parameters
    ----------
    X : array-like, table or sparse matrix of shape (n, d)
    labels : array-like of shape (n,)
        Clusters by any integers or names; at least 2 and fewer than rows.
    metric : "euclidean"
        No other: for cosine distances pass rows at unit length.
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
    simplified_silhouette_samples : in O(n k), for rows too many for this.

    Notes
    -----
    All distances are computed and added up exactly. Extra memory is one float64 copy of X and,
    where they fit into 256 MB, 16 k n bytes of sums per thread, which halve the time. Sparse rows
    are made dense some at a time. Time grows with n² d: beyond some 100 000 rows use
    `simplified_silhouette_samples`, or a sample (`silhouette_score` with `sample_size`).

    Not for comparing clusters that are no compact clouds: a correct clustering of rings or chains
    has low silhouettes.

    Examples
    --------
    >>> from ckmeans.metrics import silhouette_samples
    >>> silhouette_samples([[0.0], [1.0], [9.0], [10.0]], [0, 0, 1, 1]).round(3)
    array([0.895, 0.882, 0.882, 0.895])
    """
    check.check_euclidean(metric, "the silhouette")
    array, codes, k, names = _labelled(X, labels)
    data = open_data(array, names, None, 1)  # raises for what is not finite
    sizes = np.bincount(codes, minlength=k)
    order = np.argsort(codes, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    n = len(array)
    # Constants that cut distances into two parts whose sums over n rows do not round; see
    # _native/sums.pxi.
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
    """Each pair of rows twice: no memory to speak of."""
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
    """Each pair of rows once: nearly twice as fast, with 16 k n bytes of sums for each thread. The
    bits are the same.
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
    for other in sums[1:]:  # parts of exact sums: nothing rounds
        sums[0] += other
    total = sums[0][0] + sums[0][1]  # (k, n), rounded once
    return _silhouettes_from_sums(total, np.repeat(np.arange(k), np.diff(bounds)), np.diff(bounds))


def _silhouettes_of_some(data, rows, bounds, constants, out):
    """Those of some rows, into `out`: each pair twice, some rows against all at a time, which are
    made dense for that.

    constants : what cuts distances; with `split_of` as many parts are made as it takes to leave
    nothing over
    """
    n, d = data.shape
    sizes = np.diff(bounds)
    home = np.repeat(np.arange(len(sizes)), sizes)
    step = max(1, _BLOCK_VALUES // max(n, d))
    for start in range(0, len(rows), step):
        some, parts = rows[start : start + step], []
        rest = data.distances(
            data.take(some), True
        )  # (n, rows of this block), as the kernel has them
        for big in constants:
            part = (rest + big) - big
            parts.append(np.add.reduceat(part, bounds[:-1]))
            rest -= part
            if not rest.any():
                break
        out[some] = _silhouettes_from_sums(_native.engine.sum_values(parts), home[some], sizes)


def _doubtful(data, bounds):
    """Rows so near to a whole cluster, beside the spread of all, that two parts may leave over too
    much of their distances to it.

    Distances are 1 at the most; where one in a sum is above `_NEAR`, what is left over is far below
    that.
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
            found[block] |= (gaps < _NEAR) & (
                (gaps > 0) | (extents[j] > 0)
            )  # of equal rows there is nothing to leave over
    return np.flatnonzero(found)


def _silhouettes_from_sums(total, home, sizes):
    """Silhouettes of rows from the sums of their distances to the rows of each cluster, (k, rows),
    and the clusters that they are in.
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
    X, labels, *, metric="euclidean", sample_size=None, random_state=None, n_threads=None
):
    """The mean silhouette of all rows, or of a sample; see `silhouette_samples`.

    Parameters
    ----------
    X, labels, metric, n_threads
        As for `silhouette_samples`.
    sample_size : int or None
        Look at this many rows drawn at random, as if they were all. The sample must hold 2 clusters
        at least.
    random_state : None, int, RandomState or Generator
        Decides which rows.

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
    if sample_size is not None:
        array, codes, _, _ = _labelled(X, labels)
        check.check_int(sample_size, "sample_size", 3, "None or an integer of at least 3")
        if sample_size > len(array):
            raise ValueError(f"sample_size={sample_size} is more than the {len(array)} rows of X.")
        (seed,) = check.seeds(random_state, 1)
        with check.seeded(seed) as random_state:
            picked = np.sort(random_state.permutation(len(array))[:sample_size])
        X, labels = array[picked], codes[picked]
    return exact_mean(silhouette_samples(X, labels, n_threads=n_threads))


def simplified_silhouette_samples(X, centers, labels=None, *, n_threads=None):
    """The simplified silhouette of each row: distances to centers in place of mean distances to
    rows.

    ``(b - a) / max(a, b)``, with a the distance to the row's own center and b that to the nearest
    other one (Hruschka, de Castro & Campello, ICDM 2004). Takes O(n k d) where the exact one takes
    O(n² d), and ranks values of k alike on compact clusters (Vendramin, Campello & Hruschka, Stat.
    Anal. Data Min. 3, 2010).

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
        Values differ from the exact ones: compare like with like.

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
    centers = np.ascontiguousarray(centers, dtype=np.float64)
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
    """Variance between clusters over variance within (Caliński & Harabasz, Commun. Stat. 3, 1974);
    higher is better.

    Parameters
    ----------
    X : array-like, table or sparse matrix of shape (n, d)
    labels : array-like of shape (n,)
        At least 2 clusters and fewer than rows.
    sample_weight : array-like of shape (n,) or None
        Whole numbers count as so many rows. Where there are others, only the ratios of the weights
        matter: they are scaled to sum to the number of rows that have a positive one. Rows of
        weight 0 are left out.

    Returns
    -------
    score : float
        Not negative. 1.0 when all rows sit on their cluster's mean, as in scikit-learn.

    Examples
    --------
    >>> from ckmeans.metrics import calinski_harabasz_score
    >>> calinski_harabasz_score([[0.0], [1.0], [9.0], [10.0]], [0, 0, 1, 1])
    162.0
    """
    data, array, codes, k, weights = _weighted_and_labelled(X, labels, sample_weight)
    within = data.inertia(data.means(codes, k), codes)
    nothing = np.zeros_like(codes)
    total = data.inertia(data.means(nothing, 1), nothing)
    if within == 0:
        return 1.0
    counts = weights is not None and (weights == np.floor(weights)).all()
    n_rows = data.total_weight() if counts else len(array)
    return max(total - within, 0.0) * (n_rows - k) / (within * (k - 1.0))


def davies_bouldin_score(X, labels, *, sample_weight=None):
    """Mean over the clusters of how much the likeliest other one overlaps (Davies & Bouldin, PAMI
    1, 1979); lower is better.

    Parameters
    ----------
    X : array-like, table or sparse matrix of shape (n, d)
    labels : array-like of shape (n,)
        At least 2 clusters and fewer than rows.
    sample_weight : array-like of shape (n,) or None
        Only the ratios of the weights matter. Rows of weight 0 are left out.

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
    data, array, codes, k, weights = _weighted_and_labelled(X, labels, sample_weight)
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
    """Mean distance of each center's rows to it: exact sums, rounded once. 0 where there are
    none.
    """
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
            np.ascontiguousarray(centers), np.ascontiguousarray(labels, dtype=np.int32)
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
    """Agreement of two labelings of the same rows, corrected for chance (Hubert & Arabie, J.
    Classif. 2, 1985).

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n,)

    Returns
    -------
    score : float
        1 when they are the same up to names, about 0 for unrelated ones.

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
    pairs = len(a) * (len(a) - 1) // 2  # whole numbers of any size: only the last step rounds
    if in_a == in_b == together:
        return 1.0
    return 2 * (together * pairs - in_a * in_b) / (pairs * (in_a + in_b) - 2 * in_a * in_b)


def exact_sum(values):
    """The sum of float64 values, rounded once whatever their order; of values that are not all
    finite, what they add up to.
    """
    total = float(np.add.reduce(values))
    return _native.engine.exact_sum(values) if math.isfinite(total) else total


def exact_mean(values, weights=None):
    """The mean, rounded once whatever the order."""
    if weights is None:
        return exact_sum(values) / len(values)
    return exact_sum(values * weights) / exact_sum(weights)


# -- what comes in ---------------------------------------------------------------------------------


def _label_array(labels, n=None, name="labels"):
    """Labels as an array: of whole numbers, or of names of one type; n of them, or any number."""
    if isinstance(labels, np.ma.MaskedArray) and np.ma.getmaskarray(labels).any():
        raise _missing_label(name, "masked", np.ma.getmaskarray(labels))
    try:
        array = np.asarray(labels)
        if isinstance(labels, (list, tuple)) and array.ndim == 1 and array.dtype.kind in "SUf":
            array = np.array(
                labels, dtype=object
            )  # NumPy makes text of numbers beside names, and one number of two large ones
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
    """Labels that are Python objects: all whole numbers, or all of one type that can be put in
    order.
    """
    missing = np.fromiter(map(_is_missing, array), dtype=bool, count=len(array))
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


#: What messages call some kinds of labels.
_KINDS = {int: "numbers", str: "text"}


def _is_missing(value):
    try:
        return value is None or bool(value != value)
    except (
        TypeError,
        ValueError,
    ):  # pandas.NA is neither equal nor different; an array is no label
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


def _codes(labels, n, name="labels"):
    """Labels as int64 codes from 0, and how many there are."""
    values, codes = np.unique(_label_array(labels, n, name), return_inverse=True)
    return codes.reshape(-1).astype(np.int64), len(values)


def _labelled(X, labels):
    """The rows, their labels as int32 codes from 0, how many there are, and the names of the
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


def _weighted_and_labelled(X, labels, sample_weight):
    """Rows of positive weight: engine data, array, codes of labels, number of these, weights.

    The array is float64, and scaled where squared differences would vanish.
    """
    array, names = check.as_matrix(X, sparse=True)
    labels = _label_array(labels, len(array))
    weights = check.as_weights(sample_weight, len(array))
    if weights is not None and not weights.all():
        # Raises for what is not finite, by the numbers of all rows.
        open_data(array, names, weights, None)
        kept = np.flatnonzero(weights)
        array, labels, weights = array[kept], labels[kept], weights[kept]
    array, codes, k, _ = _labelled(array, labels)
    data = open_data(array, names, weights, None)
    exponent = _vanishing(data)
    # Means as float64 whatever the rows are, as everywhere in this file.
    if exponent or array.dtype == np.float32:
        array = _scaled(array, exponent)
        data = open_data(array, names, weights, None)
    return data, array, codes, k, weights


def _vanishing(data):
    """The power of two for rows whose squared differences would vanish without it, else 0."""
    exponent = _unit_exponent(data.low, data.high)
    return exponent if exponent > _VANISHING else 0


def _scaled(array, exponent):
    """Rows as float64, times a power of two."""
    array = array.astype(np.float64)
    if isinstance(array, SparseRows):
        return SparseRows(np.ldexp(array.data, exponent), array.layout)
    return np.ldexp(array, exponent)


def _unit(rows):
    """The rows as float64, scaled by a power of two so that no two are farther apart than 1, and
    not much less.

    Values stay below 2**500: where one column is that far from 0 beside the spread of all,
    distances are just smaller.
    """
    rows = np.ascontiguousarray(rows, dtype=np.float64)
    exponent = _unit_exponent(rows.min(axis=0), rows.max(axis=0))
    return np.ldexp(rows, exponent) if exponent else rows


def _unit_exponent(low, high):
    """The power of two for `_unit`, from the ranges of the columns."""
    half = high / 2 - low / 2  # halves, lest the difference overflow
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
    """Do all tasks, on so many threads; the caller is one of them."""
    threads = min(thread_count(n_threads), len(tasks))
    numbers = count()  # dealt one by one: `next` is atomic

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
