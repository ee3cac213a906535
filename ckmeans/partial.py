"""Partial statistics: what one block of rows adds to a k-means fit, for your own parallel engine.

A fit over rows in many files, processes or machines takes two kinds of passes. In both, each block
gives a small object, and only the sum of these objects over all blocks is needed::

    whole = sum(survey_block(block) for block in blocks)      # once: the range of every column
    while not converged:
        total = sum(assign_block(block, centers, whole) for block in blocks)
        centers = total.centers(centers)

The sums are exact. The result therefore depends neither on how the rows are divided into blocks nor
on the order in which the objects are added: the centers equal, to the last bit, those that
`ckmeans.KMeans` finds with all rows in one array. A `Partial` takes about ``8 k (2 d + 8)`` bytes,
for any number of rows.

`ckmeans.KMeans.fit_chunks` is built on this module and adds inits, the stopping rule, the handling
of empty clusters, and restarts.
"""

from functools import cached_property
from typing import Any

import numpy as np

from ._input import checks as check
from ._input.configuration import thread_count
from ._input.contiguous import contiguous
from ._native import engine as native
from ._native.engine import sum_values as value

__all__ = ["Partial", "Survey", "assign_block", "survey_block"]


class Survey:
    """The range of every column: the result of the first pass of a fit; see `survey_block`.

    Exact sums are split into parts by these ranges. Surveys of several blocks are combined by
    ``+`` or `sum`.

    Attributes
    ----------
    n_rows : int
    dtype : dtype
        The dtype of the concatenated blocks.
    low, high : ndarray of shape (d,)
        Smallest and largest value of each column.
    tiny : ndarray of shape (d,)
        Smallest nonzero magnitude of each column; infinity for a column of zeros.
    weighted : bool
    heaviest, lightest : float
        The largest weight, and the smallest positive one, at most 1.
    """

    _fields = ("n_rows", "dtype", "low", "high", "tiny", "weighted", "heaviest", "lightest")

    def __init__(self, n_rows, dtype, low, high, tiny, weighted, heaviest, lightest):
        self.n_rows, self.dtype = n_rows, dtype
        # Arrays from another process need not be aligned, and native code reads them in place.
        self.low, self.high, self.tiny = (
            contiguous(values, np.float64) for values in (low, high, tiny)
        )
        self.weighted, self.heaviest, self.lightest = weighted, heaviest, lightest

    def __reduce__(self):
        return Survey, tuple(getattr(self, name) for name in self._fields)

    def __add__(self, other):
        if not isinstance(other, Survey):
            return NotImplemented
        if len(self.low) != len(other.low):
            raise ValueError(
                f"blocks have {len(self.low)} and {len(other.low)} columns: all must have the same."
            )
        if self.weighted != other.weighted:
            raise ValueError(
                "some blocks have weights and others have none: pass sample_weight "
                "with all or with none."
            )
        if not self.n_rows or not other.n_rows:  # an empty block is ignored, its dtype, too
            return self if self.n_rows else other
        return Survey(
            self.n_rows + other.n_rows,
            np.result_type(self.dtype, other.dtype),
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            np.minimum(self.tiny, other.tiny),
            self.weighted,
            max(self.heaviest, other.heaviest),
            min(self.lightest, other.lightest),
        )

    def __radd__(self, other):
        return self if isinstance(other, int) and other == 0 else NotImplemented  # as `sum` begins

    merge = __add__

    def __repr__(self):
        return f"Survey(n_rows={self.n_rows}, d={len(self.low)}, dtype={self.dtype})"

    @property
    def result_dtype(self) -> np.dtype:
        """Type of centers: float32 for float32 rows, float64 for any other."""
        return np.dtype(np.float32 if self.dtype == np.float32 else np.float64)

    @property
    def largest(self) -> float:
        """The largest magnitude."""
        return max(float(self.high.max()), -float(self.low.min()))

    @property
    def span(self) -> float:
        """The range of the widest column."""
        return float((self.high - self.low).max())

    @property
    def middle(self) -> np.ndarray:
        """The middle of the range of each column, (d,): the point about which moments are first
        taken.
        """
        return 0.5 * self.low + 0.5 * self.high

    @property
    def _native(self):
        return self.n_rows, self.low, self.high, self.tiny, self.heaviest, self.lightest

    @cached_property
    def _cut(self):
        """Constants that split terms into the parts of exact sums: for the columns (parts, d), and
        for the weights.
        """
        return native.block_cut(self._native, self.dtype, self.weighted)

    @cached_property
    def _lost(self):
        """An upper bound on what rounding loses in the moments; see `Cuts.lost_of_squares`."""
        return native.block_lost(self._native)

    def bound(self, centers: Any) -> float:
        """An upper bound on the weighted squared distances of the rows to these centers."""
        return native.block_bound(self._native, contiguous(centers, np.float64))


class Partial:
    """What the rows of one block, or of several, add to a fit; see `assign_block`.

    Partials are combined by ``+`` or `sum`; the result is the same in any order, to the last bit.

    Attributes
    ----------
    counts : ndarray of shape (k,), int64
        Rows of each cluster.
    n_rows : int
    n_changed : int
        Labels that differ from those passed to `assign_block`: all of them where none was passed.
    check : tuple of two ints
        A 128-bit checksum of (position, label) over all rows. Where it is equal in two passes, no
        label has changed.
    sums : ndarray of shape (k, parts, d)
        Weighted sums of the rows of each cluster. Each sum is split into parts, which are added
        without rounding.
    weight_sums : ndarray of shape (k, weight_parts)
        Total weight of each cluster, split in the same way.
    moments : ndarray of shape (4, d) or None
        First and second moments of the columns, in two parts each.
    """

    _fields = (
        "survey",
        "sums",
        "weight_sums",
        "counts",
        "n_changed",
        "check",
        "moments",
        "squares",
        "bound",
    )

    def __init__(
        self, survey, sums, weight_sums, counts, n_changed, check_, moments, squares, bound
    ):
        self.survey, self.sums, self.weight_sums, self.counts = survey, sums, weight_sums, counts
        self.n_changed, self.check, self.moments = n_changed, check_, moments
        self.squares, self.bound = squares, bound

    def __reduce__(self):
        return Partial, tuple(getattr(self, name) for name in self._fields)

    def __add__(self, other):
        if not isinstance(other, Partial):
            return NotImplemented
        if (
            self.sums.shape != other.sums.shape
            or self.bound != other.bound
            or (self.moments is None) != (other.moments is None)
        ):
            raise ValueError(
                "these partial statistics are of different passes: their centers, "
                "surveys or options differ."
            )
        return Partial(
            self.survey,
            self.sums + other.sums,
            self.weight_sums + other.weight_sums,
            self.counts + other.counts,
            self.n_changed + other.n_changed,
            tuple((a + b) & _WORD for a, b in zip(self.check, other.check)),
            None if self.moments is None else self.moments + other.moments,
            self.squares + other.squares,
            self.bound,
        )

    def __radd__(self, other):
        return self if isinstance(other, int) and other == 0 else NotImplemented  # as `sum` begins

    merge = __add__

    @property
    def n_rows(self) -> int:
        return int(self.counts.sum())

    def apply(self, change: "Partial") -> "Partial":
        """The new total, where `change` is the sum of a pass in which `assign_block` was given the
        labels of the pass that this is the total of.
        """
        return Partial(
            self.survey,
            self.sums + change.sums,
            self.weight_sums + change.weight_sums,
            self.counts + change.counts,
            change.n_changed,
            change.check,
            change.moments,
            change.squares,
            change.bound,
        )

    def copy(self) -> "Partial":
        """A copy with sums of its own."""
        return Partial(
            self.survey,
            self.sums.copy(),
            self.weight_sums.copy(),
            self.counts.copy(),
            self.n_changed,
            self.check,
            self.moments,
            self.squares,
            self.bound,
        )

    def move(self, row: np.ndarray, label: int, weight: float) -> None:
        """Add a row (d,) to the sums of a cluster, in place and exactly; a negative weight removes
        it.
        """
        cut, weight_cut = self.survey._cut
        for terms, sums, constants in (
            (weight * row, self.sums[label], cut),
            (weight, self.weight_sums[label], weight_cut),
        ):
            last = len(sums) - 1
            for part, big in enumerate(constants):
                high = terms if part == last else (terms + big) - big  # the last has the rest
                sums[part] += high
                terms = terms - high
        self.counts[label] += 1 if weight > 0 else -1

    def __repr__(self):
        return f"Partial(n_rows={self.n_rows}, k={len(self.counts)}, d={self.sums.shape[2]})"

    @property
    def weights(self) -> np.ndarray:
        """Total weight of each cluster, (k,): exact sums, rounded once."""
        return value(self.weight_sums.T) if self.survey.weighted else self.counts.astype(np.float64)

    @property
    def total_weight(self) -> float:
        """Total weight of the rows."""
        return (
            float(value(self.weight_sums.sum(axis=0)))
            if self.survey.weighted
            else float(self.n_rows)
        )

    @property
    def total_sums(self) -> np.ndarray:
        """Weighted sums of the columns, (d,): exact, rounded once. They do not depend on the
        labels.
        """
        return value(self.sums.sum(axis=0))

    def centers(self, previous: np.ndarray) -> np.ndarray:
        """The weighted mean of each cluster's rows, (k, d) float64, rounded to the type of results.

        A cluster without weight keeps its previous center.
        """
        weights = self.weights
        with np.errstate(divide="ignore", invalid="ignore"):
            means = value(self.sums.swapaxes(0, 1)) / weights[:, None]
        means = means.astype(self.survey.result_dtype).astype(np.float64)
        return np.where(weights[:, None] > 0, means, previous)

    @property
    def inertia(self) -> float | None:
        """Weighted sum of the squared distances of the rows to their centers, rounded once; None
        if `assign_block` was called with ``inertia=False``.
        """
        return None if self.bound is None else native.limbs_value(self.squares)

    def variance(self, middle: np.ndarray) -> tuple[float, np.ndarray | None]:
        """Mean variance of the columns, and None; or, in place of None, the means of the columns
        where `middle` is so far from them that another pass with these means should follow.

        The variance is NaN where rounding may have lost too much of it.

        middle : ndarray of shape (d,)
            What was passed to `assign_block`.
        """
        total = self.total_weight
        means = (self.moments[0] + self.moments[1]) / total
        squares = (self.moments[2] + self.moments[3]) / total
        variances = squares - means * means
        far = bool(np.any(means * means > 1000 * variances))
        variance = float(np.add.accumulate(np.maximum(variances, 0.0))[-1]) / len(means)
        if not far and not self.survey._lost <= native.LOST * variance * len(means) * total:
            variance = np.nan
        return variance, middle + means if far else None


_WORD = 2**64 - 1


def survey_block(
    X: Any, sample_weight: Any = None, *, start: int = 0, n_threads: int | None = None
) -> Survey:
    """Survey a block of rows: its ranges.

    Parameters
    ----------
    X : array-like or table of shape (n, d)
        Any real dtype and memory layout; n may be 0.
    sample_weight : array-like of shape (n,) or None
        Non-negative weights.
    start : int, default=0
        Position of the block's first row in the whole, for messages.
    n_threads : int or None, default=None
        None means the CPUs that this process may use.

    Returns
    -------
    survey : Survey

    Raises
    ------
    TypeError, ValueError
        The block cannot be used; the message gives the reason and the value.

    Examples
    --------
    >>> from ckmeans.partial import survey_block
    >>> blocks = [[[0.0], [1.0]], [[5.0], [9.0]]]
    >>> whole = sum(survey_block(block) for block in blocks)
    >>> whole.n_rows, whole.high
    (4, array([9.]))
    """
    array, weights, names = checked_block(X, sample_weight, start)
    n, d = array.shape
    if n == 0:
        empty = np.full(d, np.inf)
        return Survey(0, array.dtype, empty, -empty, empty, weights is not None, 0.0, 1.0)
    data = native.Data(array, None, thread_count(n_threads), False, False)
    low, high, tiny, finite = native.scan_block(data)
    if not finite or max(high.max(), -low.min()) > check.MAX_ABS:
        from ._estimators.base import bad_value

        raise bad_value(array, names, start)
    if weights is None:
        return Survey(n, array.dtype, low, high, tiny, False, 1.0, 1.0)
    positive = weights[weights > 0]
    return Survey(
        n,
        array.dtype,
        low,
        high,
        tiny,
        True,
        float(weights.max()),
        float(positive.min(initial=1.0)),
    )


def assign_block(
    X: Any,
    centers: Any,
    survey: Survey,
    sample_weight: Any = None,
    *,
    start: int = 0,
    labels: np.ndarray | None = None,
    inertia: bool = True,
    middle: Any = None,
    checked: bool = True,
    n_threads: int | None = None,
) -> Partial:
    """Assign a block's rows to the nearest centers, and sum them up.

    Parameters
    ----------
    X : array-like or table of shape (n, d)
        The block that was surveyed.
    centers : array of shape (k, d)
    survey : Survey
        Of all blocks together.
    sample_weight : array-like of shape (n,) or None
    start : int, default=0
        Position of the block's first row in the whole.
    labels : ndarray of shape (n,), int32, C-contiguous, or None, default=None
        Overwritten with the new labels. It must hold -1, or the labels of an earlier call: then
        the sums and counts are the *change* since that call, to be added to its total by
        `Partial.apply`. This is faster when few labels change.
    inertia : bool, default=True
        Whether to sum up squared distances.
    middle : ndarray of shape (d,) or None, default=None
        The point about which moments of the columns are taken (`Survey.middle`); needed for
        `Partial.variance`.
    checked : bool, default=True
        Whether to compute the checksum of the labels, `Partial.check`.
    n_threads : int or None, default=None

    Returns
    -------
    partial : Partial

    Raises
    ------
    TypeError, ValueError
        An argument cannot be used, or a row of positive weight has become NaN or infinite since
        the survey; `labels` are invalid then. Other changes of the rows are not noticed.

    Examples
    --------
    >>> import numpy as np
    >>> from ckmeans.partial import assign_block, survey_block
    >>> blocks = [np.array([[0.0], [1.0]]), np.array([[5.0], [9.0]])]
    >>> whole = sum(survey_block(block) for block in blocks)
    >>> centers = np.array([[0.0], [9.0]])
    >>> total = sum(assign_block(block, centers, whole) for block in blocks)
    >>> total.counts, total.inertia, total.centers(centers).ravel()
    (array([2, 2]), 17.0, array([0.5, 7. ]))
    """
    array, weights, _ = checked_block(X, sample_weight, start)
    if array.dtype != survey.dtype:
        array = array.astype(survey.dtype)
    centers = contiguous(centers, np.float64)
    (n, d), k = array.shape, len(centers)
    if centers.ndim != 2 or k < 1 or centers.shape[1] != len(survey.low) or d != len(survey.low):
        raise ValueError(
            f"X of shape {array.shape}, centers of shape {centers.shape} and a survey "
            f"of {len(survey.low)} columns do not "
            "go together: all must have the same columns."
        )
    centers = check.as_centers(centers, k, d, survey.dtype, name="centers")
    check.check_products(
        weights if n else None, max(survey.largest, float(np.abs(centers).max())), survey.n_rows, d
    )
    check.check_span(survey.span, survey.heaviest)
    if (weights is not None) != survey.weighted:
        raise ValueError(
            "sample_weight must be passed to both survey_block and assign_block, or to neither."
        )
    if labels is None:
        labels = np.full(n, -1, dtype=np.int32)
    elif not isinstance(labels, np.ndarray):
        raise TypeError(
            f"labels must be an int32 array of shape ({n},), which is written to, got "
            f"{type(labels).__name__}."
        )
    elif labels.dtype != np.int32 or labels.shape != (n,) or not labels.flags.c_contiguous:
        raise ValueError(
            f"labels must be a contiguous int32 array of shape ({n},), got "
            f"{labels.dtype} of shape {labels.shape}."
        )
    elif not (labels.flags.writeable and labels.flags.aligned):
        raise ValueError(
            "labels are written to, and these are read-only or not aligned: pass a copy."
        )
    elif n and not -1 <= labels.min() <= labels.max() < k:
        raise ValueError(
            f"labels must be from -1 to {k - 1}, those of an earlier call or -1, got "
            f"{labels.min()} to {labels.max()}."
        )
    if middle is not None:
        middle = contiguous(middle, np.float64)
        if middle.shape != (d,):
            raise ValueError(f"middle must have shape ({d},), got {middle.shape}.")
    bound = survey.bound(centers) if inertia else None
    if n == 0:
        parts, weight_parts = map(len, survey._cut)
        return Partial(
            survey,
            np.zeros((k, parts, d)),
            np.zeros((k, weight_parts)),
            np.zeros(k, np.int64),
            0,
            (0, 0),
            None if middle is None else np.zeros((4, d)),
            native.no_limbs(),
            bound,
        )
    data = native.Data(array, weights, thread_count(n_threads), False, False)
    found = native.assign_block(
        data,
        survey._native,
        centers,
        labels,
        start,
        middle,
        -1.0 if bound is None else bound,
        checked,
    )
    # The survey found all values finite. Checking the sums is cheaper than checking each value.
    if not np.isfinite(found[0]).all():
        raise changed_rows(array, survey, start)
    return as_partial(survey, found, bound)


def as_partial(survey: Survey, found: Any, bound: float | None) -> Partial:
    """What `native.assign_block` returns, as a Partial."""
    sums, weight_sums, counts, changed, code, moments, squares = found
    return Partial(
        survey, sums, weight_sums, counts, changed, tuple(code.tolist()), moments, squares, bound
    )


def changed_rows(array: np.ndarray, survey: Survey, start: int) -> ValueError:
    """The error for a block whose sums are not finite, although the survey found only finite
    values.
    """
    rows, columns = np.nonzero(~((array >= survey.low) & (array <= survey.high)))
    where = (
        f" (row {start + rows[0]}, column {columns[0]} is {array[rows[0], columns[0]]!s})"
        if len(rows)
        else ""
    )
    return ValueError(
        "the sums of X are not finite, so rows have changed since survey_block saw "
        f"them{where}: survey them again."
    )


def checked_block(
    X: Any, sample_weight: Any, start: int
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """The block as an array, its weights, and its column names."""
    array, names = check.as_matrix(X, min_rows=0)
    return array, check.as_weights(sample_weight, len(array), start=start, all_zero=True), names
