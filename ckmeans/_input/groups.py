"""Which group each row belongs to: labels of any kind, and the group-bys of pandas and polars."""

from typing import Any, NamedTuple

import numpy as np

from .arrays import too_small_error
from .errors import shortened
from .other_libraries import here
from .real_numbers import first_true
from .tables import open_table


class Grouped(NamedTuple):
    """Rows and their groups."""

    X: Any  #: as it is to be checked
    codes: np.ndarray  #: (n,) int64, the index of each row's key
    keys: np.ndarray  #: (g,) distinct, in ascending order where they have one


def grouped(X: Any, groups: Any) -> Grouped:
    """Rows and their groups.

    Parameters
    ----------
    X : array-like or table of shape (n, d), or a group-by of pandas or polars
    groups : array-like of shape (n,), the name of a column of X, or None for a group-by
    """
    if groups is None:
        return _from_group_by(X)
    if isinstance(groups, str):
        table = open_table(X)
        if table is None or groups not in list(table[0]):
            raise ValueError(
                f"groups={groups!r} names no column of X: pass a column, or the label of each row."
            )
        labels, column = table
        values = column(list(labels).index(groups))
        X = X.drop(columns=[groups]) if hasattr(X, "iloc") else X.drop([groups])
        return Grouped(X, *factorized(values, len(X)))
    return Grouped(X, *factorized(groups, len(X) if hasattr(X, "__len__") else None))


def is_group_by(X: Any) -> bool:
    """Whether X is what `groupby` of pandas or `group_by` of polars gives."""
    return _is_pandas(X) or _is_polars(X)


def _is_pandas(X: Any) -> bool:
    return hasattr(X, "indices") and hasattr(X, "ngroup") and hasattr(X, "obj")


def _is_polars(X: Any) -> bool:
    return type(X).__name__ == "GroupBy" and hasattr(X, "df") and hasattr(X, "by")


def _from_group_by(X: Any) -> Grouped:
    if _is_pandas(X):
        positions = X.indices
        codes = np.full(len(X.obj), -1, np.int64)
        for code, rows in enumerate(positions.values()):
            codes[rows] = code
        if (codes < 0).any():
            raise _missing_error(codes < 0, "pass dropna=False to groupby, or drop such rows")
        keys = _keys(positions)
        order, keys = _sorted(keys)
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        columns = [name for name in X.head(0).columns if name not in X.exclusions]
        return Grouped(X.obj[columns], rank[codes], keys)
    labels = X.df.select(*X.by, **getattr(X, "named_by", {}))
    values = labels.to_series() if labels.width == 1 else labels.rows()
    features = X.df.drop([name for name in labels.columns if name in X.df.columns])
    return Grouped(features, *factorized(values, len(X.df)))


def factorized(groups: Any, n: int | None) -> tuple[np.ndarray, np.ndarray]:
    """(codes, keys) of labels.

    n : int or None
        How many there must be.
    """
    values = _values(groups)
    if values.ndim != 1 or (n is not None and len(values) != n):
        raise ValueError(
            f"groups has shape {values.shape}, but one label per row is needed"
            + ("." if n is None else f": shape ({n},).")
        )
    if len(values) == 0:
        raise too_small_error("sample", values.shape, 0, 1)
    if values.dtype.kind in "OT":
        return _factorized_objects(values.tolist())
    if values.dtype.kind in "fcmM":
        missing = np.isnat(values) if values.dtype.kind in "mM" else np.isnan(values)
        if missing.any():
            raise _missing_error(missing)
    keys, codes = np.unique(values, return_inverse=True)
    return codes.reshape(-1).astype(np.int64, copy=False), keys


def _values(groups: Any) -> np.ndarray:
    groups = here(groups, "groups")
    if isinstance(groups, (list, tuple)):
        array = np.empty(len(groups), object)
        array[:] = groups  # whose numbers stay numbers, beside text
        kinds = {type(value) for value in groups}
        if kinds <= {int}:
            return np.array(groups)
        return array
    array = np.asarray(groups)
    if array.ndim == 0:
        raise TypeError(f"groups must be one label per row, got {shortened(groups)}.")
    return array


def _factorized_objects(values: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    missing = np.array([value is None or _is_missing(value) for value in values], bool)
    if missing.any():
        raise _missing_error(missing)
    index: dict[Any, int] = {}
    try:
        codes = np.array([index.setdefault(value, len(index)) for value in values], np.int64)
    except TypeError as error:
        raise TypeError(f"groups has a label that cannot be one: {error}.") from None
    order, keys = _sorted(_keys(index))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[codes], keys


def _keys(index: Any) -> np.ndarray:
    keys = np.empty(len(index), object)
    keys[:] = list(index)
    return keys


def _sorted(keys: np.ndarray) -> tuple[list[int], np.ndarray]:
    """The order of keys, and keys in that order: as they come where they have none."""
    try:
        order = sorted(range(len(keys)), key=keys.__getitem__)
    except TypeError:
        order = list(range(len(keys)))
    return order, keys[order]


def _is_missing(value: Any) -> bool:
    """Whether a label is NaN, NaT or pandas' NA."""
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def _missing_error(
    missing: np.ndarray, remedy: str = "drop such rows, or give them a label"
) -> ValueError:
    return ValueError(
        f"groups has {np.count_nonzero(missing)} missing label(s), the first at row "
        f"{first_true(missing)[0]}: {remedy}."
    )
