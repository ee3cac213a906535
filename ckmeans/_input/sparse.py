"""Sparse rows: reading SciPy sparse matrices and arrays. SciPy itself is never imported.

Values of a CSR matrix are read in place if they are float32 or float64, column indices if they
have 32 bits. What the kernels cannot read (unsorted or repeated columns, other formats and types)
is copied, which takes memory in proportion to the nonzeros.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._native.engine import Layout, own_layout, take_rows
from .contiguous import contiguous
from .errors import changed_error
from .real_numbers import warn_if_rounded

_MOST_COLUMNS = np.iinfo(np.int32).max


def is_sparse(X: Any) -> bool:
    """Whether X is a sparse matrix or array, of SciPy or like SciPy's."""
    return hasattr(X, "tocsr") and hasattr(X, "nnz")


class SparseRows:
    """Rows in CSR form, used like a 2-D array of floats. The columns of each row are ascending and
    distinct.

    Attributes
    ----------
    data : ndarray of shape (nnz,), float32 or float64
    layout : engine Layout
        Its ``indices`` (nnz,) int32, and ``indptr`` (n + 1,) int64: values and columns of row i are
        at ``indptr[i]:indptr[i + 1]``, which need not begin with 0.
    shape : tuple
    """

    ndim = 2

    def __init__(self, data: np.ndarray, layout: Layout, container: Any = None) -> None:
        self.data, self.layout, self._container = data, layout, container
        self.indptr, self.indices = layout.indptr, layout.indices
        self.shape = len(self.indptr) - 1, layout.d

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def size(self) -> int:
        """The number of stored values."""
        return int(self.indptr[-1] - self.indptr[0])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """One value for a pair (row, column); else the rows that a slice, a mask or an array of
        numbers picks.
        """
        if isinstance(key, tuple):
            row, column = key
            start, stop = self.indptr[row], self.indptr[row + 1]
            at = start + np.searchsorted(self.indices[start:stop], column)
            return self.data[at] if at < stop and self.indices[at] == column else self.dtype.type(0)
        if isinstance(key, slice) and key.step in (None, 1):
            first, last, _ = key.indices(len(self))
            return SparseRows(self.data, self.layout.rows(first, max(first, last)), self._container)
        return self.take(np.arange(len(self))[key])

    def take(self, rows: np.ndarray, axis: int = 0) -> "SparseRows":
        """A copy of these rows, in this order."""
        return SparseRows(
            *take_rows(self.data, self.layout, contiguous(rows, np.int64)),
            self._container,
        )

    def astype(self, dtype: Any) -> "SparseRows":
        return self.with_values(self.data.astype(dtype))

    def with_values(self, data: np.ndarray) -> "SparseRows":
        """The same rows with other values."""
        return SparseRows(data, self.layout, self._container)

    def contained(self) -> Any:
        """The rows as a sparse matrix."""
        start, stop = int(self.indptr[0]), int(self.indptr[-1])
        return self._container(
            (self.data[start:stop], self.indices[start:stop].copy(), self.indptr - start),
            shape=self.shape,
        )


def shown(array: Any) -> Any:
    """Rows as they are passed to a user's function: sparse ones as a matrix of their original
    class.
    """
    return array.contained() if isinstance(array, SparseRows) else array


def sparse_rows(X: Any, name: str, numeric: Callable[[Any, str], np.ndarray]) -> SparseRows:
    """`SparseRows` of a sparse matrix or array; `numeric` checks its values and returns them as an
    array of a native real type.
    """
    csr = X if getattr(X, "format", None) == "csr" and hasattr(X, "indptr") else X.tocsr()
    data, indices, indptr = csr.data, csr.indices, csr.indptr
    n, d = (int(size) for size in csr.shape)
    if d > _MOST_COLUMNS:
        raise ValueError(f"{name} has {d} columns; sparse rows can have {_MOST_COLUMNS} at most.")
    data = contiguous(numeric(data, name))
    indices, indptr = contiguous(indices), contiguous(indptr, np.int64)
    if indices.dtype not in (np.int32, np.int64):
        indices = indices.astype(np.int64)
    if len(indptr) != n + 1 or min(len(indices), len(data)) < indptr[-1]:
        raise ValueError(
            f"{name} is not a valid CSR matrix: {len(indptr)} row starts, {len(indices)} "
            "column indices and "
            f"{len(data)} values do not fit the shape {csr.shape}."
        )
    layout = own_layout(indptr, indices, d)
    if layout is None:
        raise ValueError(
            f"{name} is not a valid CSR matrix: row starts do not ascend from 0, or a "
            f"column index is not in 0 to {d - 1}."
        )
    if not layout.ordered:
        data, layout = _in_order(data, layout)
    if data.dtype not in (np.float32, np.float64):
        warn_if_rounded(data, name)
        data = data.astype(np.float64)
    return SparseRows(data, layout, type(csr))


def _in_order(data: np.ndarray, layout: Layout) -> tuple[np.ndarray, Layout]:
    """The same rows with ascending columns; values of the same column are added up in their order
    and type, as SciPy does.
    """
    indices, indptr = layout.indices, layout.indptr
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    start, stop = int(indptr[0]), int(indptr[-1])
    # A copy: another thread may change the columns in the meantime.
    data, indices = data[start:stop], indices[start:stop].copy()
    order = np.lexsort((indices, rows))
    rows, indices = rows[order], indices[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (indices[1:] != indices[:-1])
    total = np.zeros(np.count_nonzero(first), dtype=data.dtype)
    np.add.at(total, np.cumsum(first) - 1, data[order])
    starts = np.zeros(len(indptr), dtype=np.int64)
    np.cumsum(np.bincount(rows[first], minlength=len(indptr) - 1), out=starts[1:])
    ordered = own_layout(starts, indices[first], layout.d)
    if ordered is None:
        raise changed_error()
    return total, ordered
