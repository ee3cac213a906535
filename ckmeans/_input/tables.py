"""Data frames and other tables (pandas, polars, pyarrow, xarray): their columns and names.

A table is known by its methods, so that none of these libraries is imported.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .errors import for_missing
from .real_numbers import (
    FLOAT64,
    READABLE,
    as_real,
    first_true,
    is_real,
    objects_as_floats,
    warn_if_rounded,
)


def open_table(X: Any) -> tuple[Any, Callable[[int], Any]] | None:
    """(column labels, function of j giving column j) of a table, or None for anything else."""
    if hasattr(X, "column_names") and hasattr(X, "column"):  # pyarrow
        return X.column_names, X.column
    if hasattr(X, "iloc") and hasattr(X, "columns"):  # pandas
        return list(X.columns), lambda j: X.iloc[:, j]
    if hasattr(X, "get_columns") and hasattr(X, "columns"):  # polars
        return X.columns, X.get_columns().__getitem__
    if hasattr(X, "data_vars") and hasattr(
        X, "dims"
    ):  # xarray's Dataset: its variables are the columns
        variables = list(X.data_vars.values())
        for label, variable in X.data_vars.items():
            if variable.ndim != 1 or variable.dims != variables[0].dims:
                raise ValueError(
                    f"X is a Dataset whose variable {label!r} has the dimensions {variable.dims}: "
                    "pass variables "
                    f"along one dimension only, the rows, such as {variables[0].dims[:1]}."
                )
        return list(X.data_vars), lambda j: variables[j].values
    return None


def stack_table(
    X: Any, labels: Any, column: Callable[[int], Any], name: str, gaps: bool = False
) -> tuple[np.ndarray, np.ndarray | None]:
    """One array from the columns of a table, and their names; see `as_column`."""
    names = string_names(labels)
    dtypes = set(getattr(X, "dtypes", ()))
    if len(dtypes) == 1:
        (dtype,) = dtypes
        if (
            isinstance(dtype, np.dtype) and dtype in READABLE
        ):  # pandas can often give its one block without a copy
            return np.asarray(X), names

    columns = [as_column(column(j), label, name, gaps) for j, label in enumerate(labels)]
    # Columns are contiguous, so they are copied into contiguous columns.
    dtype = np.result_type(*{values.dtype for values in columns}) if columns else FLOAT64
    array = np.empty((len(columns[0]) if columns else len(X), len(columns)), dtype, order="F")
    for j, values in enumerate(columns):
        if dtype.kind == "f":
            warn_if_rounded(values, name, labels[j])
        array[:, j] = values
    return array, names


def as_column(values: Any, label: Any, name: str, gaps: bool = False) -> np.ndarray:
    """One column of a table, under this label (None for one without), as a 1-D array of a native
    real dtype. Missing values raise, or with `gaps` are NaN in a column of floats.
    """
    where = "" if label is None else f" in column {label!r}"
    dtype = values.dtype if hasattr(values, "dtype") else values.type
    missing = _missing(values, dtype)
    if missing is not None and gaps:
        there = as_column(_entries(values, ~missing), label, name)
        column = np.full(len(missing), np.nan, np.result_type(there.dtype, np.float32))
        column[~missing] = there
        return column
    if missing is not None:
        count, row = np.count_nonzero(missing), first_true(missing)[0]
        raise ValueError(
            f"{name} has {count} missing value(s) (NaN){where}, the first at row {row}: "
            f"{for_missing(name)}"
        )
    array = np.asarray(values)
    if array.dtype.kind in "OUST":
        return objects_as_floats(array, name, column=label)
    if array.ndim != 1 or not is_real(array.dtype):
        raise TypeError(
            f"{name} has dtype {dtype}{where}, not a number: leave it out, or encode it."
        )
    return as_real(array, name)


def _entries(values: Any, mask: np.ndarray) -> Any:
    """The entries of a table's column at which a mask is true."""
    if hasattr(values, "iloc"):  # pandas
        return values[mask]
    if hasattr(values, "filter"):  # polars, pyarrow
        return values.filter(type(values)(mask) if hasattr(values, "to_frame") else _arrow(mask))
    return values[mask]


def _arrow(mask: np.ndarray) -> Any:
    import pyarrow

    return pyarrow.array(mask)


def _missing(values: Any, dtype: Any) -> np.ndarray | None:
    """Mask of the missing entries of a table's column, None when there are none.

    NaN in a plain float column is not missing here: the kernels find it.
    """
    if isinstance(dtype, np.dtype):
        return None
    if hasattr(values, "null_count"):  # polars: a method; pyarrow: a property
        count = values.null_count() if callable(values.null_count) else values.null_count
        return np.asarray(values.is_null()) if count else None
    mask = np.asarray(values.isna())
    return mask if mask.any() else None


def string_names(labels: Iterable[Any]) -> np.ndarray | None:
    """Column labels as an object array when all are strings, None when none is."""
    labels = list(labels)
    strings = sum(isinstance(label, str) for label in labels)
    if not strings:
        return None
    if strings < len(labels):
        types = sorted({type(label).__qualname__ for label in labels})
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your "
            "input has "
            f"{types} as feature name / column name types: convert them all, for example "
            "X.columns = X.columns.astype(str)."
        )
    return np.array(labels, dtype=object)
