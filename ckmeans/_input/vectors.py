"""Columns of vectors: lists of equal lengths in Arrow, polars and pandas, one row in each entry.

Values of Arrow's and polars' lists lie one after the other, so they are read where they are.
Libraries are known by their modules, so that none is imported.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .errors import for_missing
from .real_numbers import as_real, first_true, is_real, objects_as_floats
from .tables import as_column, open_table


def vectors_of(X: Any, name: str, gaps: bool = False) -> np.ndarray | None:
    """The rows of a column of vectors, or of a table that has one such column and no other; None
    for anything else.

    Parameters
    ----------
    X : object
        A pyarrow ``Array`` or ``ChunkedArray``, a polars or pandas ``Series``, an array of objects,
        or a table. Not changed.
    name : str
        The name of X in messages.
    gaps : bool
        Whether missing values become NaN; else they raise.

    Returns
    -------
    array : ndarray of shape (n_rows, n_features), or None
    """
    table = None if isinstance(X, np.ndarray) else open_table(X)
    if table is None:
        label = getattr(X, "name", None)
        read = _reader(X)
        return None if read is None else read(X, _Place(name, label or None), gaps)

    labels, column = table
    if hasattr(X, "iloc") and all(
        isinstance(dtype, np.dtype) and dtype.kind != "O" for dtype in X.dtypes
    ):
        return None  # soon said, where to look at each column of a wide frame takes long
    found = [
        (label, read) for j, label in enumerate(labels) if (read := _reader(column(j))) is not None
    ]
    if not found:
        return None
    label, read = found[0]
    if len(labels) > 1:
        raise TypeError(
            f"{name} has vectors in column {label!r}, and {len(labels) - 1} other column(s): pass "
            "either one column of vectors or columns of numbers."
        )
    return read(column(0), _Place(name, label), gaps)


def stack_objects(values: Any, name: str) -> np.ndarray:
    """Rows from a sequence of vectors of any kind, which must have one length."""
    return _from_objects(values, _Place(name, None), False)


class _Place:
    """What messages call the column."""

    def __init__(self, name: str, label: Any) -> None:
        self.name = name
        self.where = "" if label is None else f" in column {label!r}"

    def missing_vectors(self, missing: np.ndarray) -> ValueError:
        return ValueError(
            f"{self.name} has {np.count_nonzero(missing)} missing vector(s){self.where}, the first "
            f"at row {first_true(missing)[0]}: drop such rows."
        )

    def missing_values(self, missing: np.ndarray) -> ValueError:
        """missing : (n, d) bool"""
        row, position = first_true(missing)
        return ValueError(
            f"{self.name} has {np.count_nonzero(missing)} missing value(s) in vectors{self.where}, "
            f"the first at row {row}, position {position}: {for_missing(self.name)}"
        )

    def check_lengths(self, lengths: np.ndarray) -> int:
        """The length of all vectors."""
        if not len(lengths):
            return 0
        other = lengths != lengths[0]
        if other.any():
            row = first_true(other)[0]
            raise ValueError(
                f"{self.name} has rows of unequal length{self.where}: row 0 has {lengths[0]} "
                f"values, row {row} has {lengths[row]}."
            )
        return int(lengths[0])

    def no_numbers(self, kind: Any) -> TypeError:
        return TypeError(f"{self.name} has vectors of {kind}{self.where}, which are not numbers.")


_Read = Callable[[Any, _Place, bool], np.ndarray]


def _reader(values: Any) -> _Read | None:
    """The function that reads a column of vectors of this kind; None for other columns."""
    library = type(values).__module__.partition(".")[0]
    if library == "pyarrow":
        return _from_arrow if _arrow_list(getattr(values, "type", None)) else None
    if library == "polars":
        return _from_polars if _polars_list(getattr(values, "dtype", None)) else None
    dtype: Any = getattr(values, "dtype", None)
    if hasattr(dtype, "pyarrow_dtype"):  # pandas
        return _from_pandas_arrow if _arrow_list(dtype.pyarrow_dtype) else None
    if dtype == np.dtype(object) and getattr(values, "ndim", 0) == 1 and _has_vectors(values):
        return _from_objects
    return None


def _has_vectors(values: Iterable[Any]) -> bool:
    """Whether the first entry that is there is a vector."""
    for value in values:
        if _is_vector(value):
            return True
        if value is not None and value == value:  # (neither None nor NaN)
            return False
    return False


def _is_vector(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes, dict))


def _arrow_list(kind: Any) -> bool:
    from pyarrow import types

    kind = getattr(kind, "storage_type", kind)  # of fixed-shape tensors
    return kind is not None and (
        types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    )


def _arrow_number(kind: Any) -> bool:
    from pyarrow import types

    return (
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_boolean(kind)
        or types.is_decimal(kind)
        or types.is_null(kind)  # of what is empty or missing
    )


def are_arrow_vectors(kind: Any) -> bool:
    """Whether an Arrow type is that of vectors of numbers."""
    return _arrow_list(kind) and _arrow_number(getattr(kind, "storage_type", kind).value_type)


def _polars_list(dtype: Any) -> bool:
    return type(dtype).__name__ in ("List", "Array")


def _from_pandas_arrow(values: Any, place: _Place, gaps: bool) -> np.ndarray:
    return _from_arrow(values.array.__arrow_array__(), place, gaps)


def _from_arrow(values: Any, place: _Place, gaps: bool) -> np.ndarray:
    from pyarrow import types

    chunks = getattr(values, "chunks", [values])
    chunks = [getattr(chunk, "storage", chunk) for chunk in chunks if len(chunk)]
    kind = getattr(values.type, "storage_type", values.type)
    inner = kind.value_type
    if not _arrow_number(inner):
        raise place.no_numbers(inner)
    fixed = kind.list_size if types.is_fixed_size_list(kind) else None

    def lengths() -> np.ndarray:
        if fixed is not None:
            return np.full(sum(map(len, chunks)), fixed)
        return np.concatenate([np.empty(0, int), *(np.diff(one.offsets) for one in chunks)])

    missing = np.concatenate([np.empty(0, bool), *(np.asarray(one.is_null()) for one in chunks)])
    return _stacked([chunk.flatten() for chunk in chunks], lengths(), missing, place, gaps, fixed)


def _from_polars(values: Any, place: _Place, gaps: bool) -> np.ndarray:
    inner = values.dtype.inner
    if not (inner.is_numeric() or str(inner) in ("Boolean", "Null")):
        raise place.no_numbers(inner)
    missing = values.is_null().to_numpy()
    if type(values.dtype).__name__ == "Array":
        fixed = values.dtype.size
        lengths = np.full(len(values), fixed)
    else:
        fixed = None
        lengths = values.list.len().fill_null(0).to_numpy().astype(np.int64)
    there = values.drop_nulls() if missing.any() else values
    # an empty list would count as one missing value: `lengths` speaks first
    flat = [there.explode()] if len(there) else []
    return _stacked(flat, lengths, missing, place, gaps, fixed)


def _stacked(
    pieces: list[Any],
    lengths: np.ndarray,
    missing: np.ndarray,
    place: _Place,
    gaps: bool,
    fixed: int | None,
) -> np.ndarray:
    """Rows from the values of lists that are there, one after the other, in one or several pieces.

    Parameters
    ----------
    lengths, missing : ndarray of shape (n,)
        Of all vectors, and which of them are missing.
    fixed : int or None
        The length of vectors, where the type has one.
    """
    if missing.any() and not gaps:
        raise place.missing_vectors(missing)
    there = ~missing
    d = place.check_lengths(lengths[there]) if fixed is None else fixed
    if d == 0:
        return np.empty((len(lengths), 0))
    parts = []
    for piece in pieces:
        if not gaps and _null_count(piece):
            holes = [np.asarray(one.is_null()).reshape(-1, d) for one in pieces]
            raise place.missing_values(np.concatenate(holes))
        parts.append(as_column(piece, None, place.name, gaps).reshape(-1, d))
    if len(parts) == 1 and not missing.any():
        return parts[0]
    dtype = np.result_type(*parts) if parts else np.dtype(float)
    if missing.any():
        dtype = np.result_type(dtype, np.float32)
    array = np.full((len(lengths), d), np.nan if missing.any() else 0, dtype)
    rows, start = np.flatnonzero(there), 0
    for part in parts:
        if missing.any():
            array[rows[start : start + len(part)]] = part
        else:
            array[start : start + len(part)] = part
        start += len(part)
    return array


def _null_count(values: Any) -> int:
    count = values.null_count
    return int(count() if callable(count) else count)


def _from_objects(values: Any, place: _Place, gaps: bool) -> np.ndarray:
    entries = list(values)
    vectors = np.array([_is_vector(entry) for entry in entries], bool)
    missing = np.array([entry is None or _is_nan(entry) for entry in entries], bool) & ~vectors
    if missing.any() and not gaps:
        raise place.missing_vectors(missing)
    other = ~(vectors | missing)
    if other.any():
        row = first_true(other)[0]
        raise TypeError(
            f"{place.name} has vectors{place.where}, but at row {row} a value of type "
            f"{type(entries[row]).__name__}."
        )
    there = [entry for entry, hole in zip(entries, missing) if not hole]
    lengths = np.zeros(len(entries), int)
    lengths[~missing] = [len(entry) for entry in there]
    d = place.check_lengths(lengths[~missing])
    try:
        found = np.array(there) if there else np.empty((0, d))
    except ValueError:
        found = np.empty(())
    if found.ndim != 2:
        raise ValueError(
            f"{place.name} has entries of more than one dimension{place.where}: a vector is a flat "
            "list of numbers."
        )
    if found.dtype.kind == "O":
        holes = np.vectorize(_is_hole, otypes=[bool])(found)
        if holes.any() and not gaps:
            raise place.missing_values(holes)
        found = objects_as_floats(found, place.name)
    elif not is_real(found.dtype):
        raise place.no_numbers(found.dtype)
    found = as_real(found, place.name)
    if not missing.any():
        return found
    array = np.full((len(entries), d), np.nan, np.result_type(found.dtype, np.float32))
    array[~missing] = found
    return array


def _is_nan(value: Any) -> bool:
    """Whether a value is NaN, or pandas' NA, whose comparisons have no truth."""
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return True


def _is_hole(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType"
