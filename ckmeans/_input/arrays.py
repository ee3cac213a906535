"""Arrays of rows and of values, from anything that a user passes.

Data is read in place where the kernels can do that, copied otherwise, and never written to.
"""

from typing import Any

import numpy as np

from .other_libraries import array_from, is_array_elsewhere
from .real_numbers import FLOAT64, READABLE, as_real, warn_if_rounded
from .sparse import SparseRows, is_sparse, sparse_rows
from .tables import as_column, open_table, stack_table, string_names
from .vectors import stack_objects, vectors_of


def as_matrix(
    X: Any, *, name: str = "X", min_rows: int = 1, sparse: bool = False, gaps: bool = False
) -> tuple[Any, np.ndarray | None]:
    """Return X as a 2-D array the kernels can read, and its column names.

    Parameters
    ----------
    X : array-like or table of shape (n_rows, n_features)
        Not changed. An array of a native real dtype is returned itself, with any strides, and
        one of another library shares its memory. A column of vectors (lists of one length in
        Arrow, polars or pandas) is a table of its own.
    name : str
        The name of X in messages.
    min_rows : int
        Smallest number of rows that is accepted.
    sparse : bool
        Whether sparse matrices are accepted and returned as `SparseRows`; else they raise.
    gaps : bool
        Whether missing values of tables become NaN; else they raise.

    Returns
    -------
    array : ndarray of shape (n_rows, n_features), or SparseRows
    names : ndarray of str (dtype object), or None where X has no string column names
    """
    array: Any
    if type(X) is np.ndarray and X.ndim == 2 and X.dtype in READABLE and X.flags.aligned:
        array, names = X, None
    elif sparse and isinstance(X, SparseRows):
        array, names = X, None
    elif sparse and is_sparse(X) and len(X.shape) == 2:
        array, names = sparse_rows(X, name, as_real), None
    else:
        array, names = _convert(X, name, gaps)
    n, d = array.shape
    if n < min_rows:
        raise too_small_error("sample", array.shape, n, min_rows)
    if d < 1:
        raise too_small_error("feature", array.shape, d, 1)
    return array, names


def as_values(data: Any, name: str = "data") -> np.ndarray:
    """Return one-dimensional data as a float64 array of shape (n,), which may be the array that was
    passed.

    Checked as `as_matrix` checks one column, with the same messages; NaN, infinities and magnitudes
    are left to the caller.
    """
    if isinstance(data, np.ndarray):
        array = data
    elif is_sparse(data) or open_table(data) is not None:
        array = _convert(data, name)[0]  # two-dimensional, or an error that says what to pass
    elif (
        not isinstance(data, (list, tuple))
        and hasattr(data, "__len__")
        and (hasattr(data, "isna") or hasattr(data, "null_count"))
    ):
        # A single column of a table.
        array = as_column(data, getattr(data, "name", None) or None, name)
    elif is_array_elsewhere(data):
        array = array_from(data, name)
    else:
        array = _from_protocols(data, name, "a 1-D array, a list or a column of a table")[0]
    array = as_real(array, name)
    if array.ndim != 1:
        remedy = ": pass one column of it." if array.ndim == 2 else "."
        raise TypeError(f"{name} must be one-dimensional, got shape {array.shape}{remedy}")
    warn_if_rounded(array, name)
    return np.asarray(array, FLOAT64)


def too_small_error(what: str, shape: tuple[int, ...], count: int, least: int) -> ValueError:
    return ValueError(
        f"Found array with {count} {what}(s) (shape={shape}) while a minimum of {least} is "
        "required."
    )


def _convert(X: Any, name: str, gaps: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
    """The slow path of `as_matrix`: anything but an array that the kernels can read."""
    rows = vectors_of(X, name, gaps)
    if rows is not None:
        array, names = rows, None
    elif isinstance(X, np.ndarray):
        array, names = X, None
    elif is_sparse(X):
        raise TypeError(
            f"{name} is a sparse {type(X).__name__} where only dense data will do: "
            f"pass {name}.toarray()."
        )
    else:
        table = open_table(X)
        if table is not None:
            return stack_table(X, *table, name, gaps)
        array, names = _from_protocols(X, name, gaps=gaps)

    array = as_real(array, name)
    if array.ndim != 2:
        raise _dimension_error(X, array, name)
    if isinstance(X, (list, tuple)) and array.dtype.kind in "biu":
        warn_if_rounded(array, name)
        array = array.astype(FLOAT64)
    return array, names


def _from_protocols(
    X: Any, name: str, wanted: str = "a 2-D array or a table", gaps: bool = False
) -> tuple[np.ndarray, np.ndarray | None]:
    """An array, and its column names or None, from an object that is neither an array nor a known
    table.
    """
    if is_array_elsewhere(X):
        return array_from(X, name), _coordinate_names(X)
    if not hasattr(X, "__array__"):
        if hasattr(X, "to_numpy"):
            return np.asarray(X.to_numpy()), string_names(getattr(X, "columns", ()))
        if hasattr(X, "__arrow_c_stream__") or hasattr(X, "__dataframe__"):
            return _through_arrow(X, name, gaps)
    try:
        array = np.asarray(X)
    except ValueError:
        if not isinstance(X, (list, tuple)):
            raise
        array = stack_objects(
            X, name
        )  # vectors of several types, or an error that says what is wrong
    if array.ndim == 0 and array.dtype.kind not in "biufc":
        remedy = f" Call {name}.collect() first." if hasattr(X, "collect") else ""
        raise TypeError(f"{name} must be {wanted}, got {type(X).__name__}.{remedy}")
    return array, _coordinate_names(X)


def _coordinate_names(X: Any) -> np.ndarray | None:
    """Column names of a labeled array (xarray's DataArray): the coordinate along its columns,
    where it has one.
    """
    dims, coords = getattr(X, "dims", ()), getattr(X, "coords", None)
    if not isinstance(dims, tuple) or len(dims) != 2 or coords is None or dims[1] not in coords:
        return None
    return string_names(np.asarray(coords[dims[1]]).tolist())


def _through_arrow(X: Any, name: str, gaps: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """Tables that only have an interchange protocol are read by pyarrow, which supports both."""
    try:
        import pyarrow
        import pyarrow.interchange
    except ImportError:
        raise TypeError(
            f"{name} is a {type(X).__name__}, which takes pyarrow to read: install pyarrow, or "
            "pass an array."
        ) from None
    if hasattr(X, "__arrow_c_stream__"):
        table = pyarrow.table(X)
    else:
        table = pyarrow.interchange.from_dataframe(X)
    return stack_table(table, table.column_names, table.column, name, gaps)


def _dimension_error(X: Any, array: np.ndarray, name: str) -> ValueError:
    """The error for an array that is not two-dimensional, with the reshape that makes it so."""
    if array.ndim > 2:
        return ValueError(
            f"Found array with dim {array.ndim} (shape={array.shape}), while dim <= 2 is required. "
            "Reshape "
            f"your data: {name}.reshape(len({name}), -1) makes one row of each entry."
        )
    if array.ndim == 1 and array.shape[0] == 0:
        return too_small_error("sample", array.shape, 0, 1)
    got = "1D" if array.ndim == 1 else "scalar"
    data = name if isinstance(X, np.ndarray) else f"np.asarray({name})"
    return ValueError(
        f"Expected 2D array, got {got} array instead (shape={array.shape}). Reshape your data: "
        f"{data}.reshape(1, -1) for one row, {data}.reshape(-1, 1) for one feature."
    )
