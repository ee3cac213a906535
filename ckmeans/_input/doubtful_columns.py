"""Columns that k-means should perhaps not be given as they are: numbers of the rows, such as ids,
and columns whose units make them count for much more than others.
"""

import re
from typing import Any

import numpy as np

from .errors import ColumnsWarning, warn
from .real_numbers import EXACT

#: How many times the spreads of columns may differ without a warning.
MOST_APART = 10
#: At most so many values are looked at for spreads, of rows at equal steps.
_LOOKED_AT = 1 << 17

_ID_NAME = re.compile(
    r"(?:.*[ _.-])?(?:ids?|uid|uuid|guid|key|index|idx|row(?:id|num|names?)?|no|nr|num(?:ber)?|code"
    r"|zip(?:code)?|post(?:al)?[ _.-]?code)"
    r"(?:\.[0-9]+)?",  # as the second of two columns of one name is called
    re.IGNORECASE,
)
_ID_IN_CAMELS = re.compile(r".*[a-z](?:Id|ID)(?:\.[0-9]+)?")


def called_as_numbers(name: str) -> bool:
    """Whether a column's name, such as ``id``, says that its values number the rows."""
    return bool(_ID_NAME.fullmatch(name) or _ID_IN_CAMELS.fullmatch(name))


def may_number_rows(n: int, called: bool, low: Any, high: Any) -> bool:
    """Whether a column would number the rows if it had another whole number in each.

    called : bool
        `called_as_numbers` of its name.
    low, high : number
        Its smallest and its largest value.
    """
    return n >= 2 and (called or n >= 5 and low in (0, 1) and float(high) - low == n - 1)


def too_long(called: bool, low: Any, high: Any) -> bool:
    """Whether a column that is called ``id`` holds whole numbers that float64 rounds, as are those
    of 64 bits of many systems: whether they differ cannot be told, and they measure nothing.
    """
    return called and max(-float(low), float(high)) > EXACT


def numbers_of_rows(array: np.ndarray, names: Any) -> list[int]:
    """The places of the columns that look like numbers given to the rows rather than measured on
    them.

    These are whole numbers, another one in each row, under a name such as ``id``, or exactly 1 to n
    (or 0 to n - 1); or whole numbers that are `too_long`. Missing values (NaN) do not count, if
    fewer than half of the rows have them.

    names : sequence of str, or None
    """
    n = len(array)
    found = []
    some = array[:: max(1, n // 100)]
    for j in np.flatnonzero(((some == np.floor(some)) | (some != some)).all(axis=0)).tolist():
        called = names is not None and called_as_numbers(str(names[j]))
        if not called and not _all_differ(_present(some[:, j])):
            continue
        column = _present(array[:, j])
        if 2 * len(column) <= n:
            continue
        low, high = column.min(), column.max()
        if not may_number_rows(n, called, low, high) or not _are_whole(column):
            continue
        if too_long(called, low, high) or _all_differ(column):
            found.append(j)
    return found


def _present(column: np.ndarray) -> np.ndarray:
    """The values that are not missing."""
    gaps = column != column
    return column[~gaps] if gaps.any() else column


def _are_whole(column: np.ndarray) -> bool:
    """Whether these are whole numbers, none of them NaN."""
    return np.array_equal(column, np.floor(column))


def _all_differ(column: np.ndarray) -> bool:
    return len(np.unique(column)) == len(column)


def spreads(array: np.ndarray) -> np.ndarray:
    """Standard deviations (d,) of the columns, of some of many rows. That of a column of two
    values, such as yes and no, is what it would be if they were equally frequent.
    """
    n, d = array.shape
    step = max(1, n // max(100, _LOOKED_AT // d))
    some = np.array(array[::step], dtype=np.float64, order="F")
    with np.errstate(all="ignore"):
        found, low, high = some.std(axis=0), some.min(axis=0), some.max(axis=0)
        for j in np.flatnonzero(np.isnan(found)).tolist():
            there = some[~np.isnan(some[:, j]), j]
            if len(there):
                found[j], low[j], high[j] = there.std(), there.min(), there.max()
                some[np.isnan(some[:, j]), j] = low[j]
        two = ((some == low) | (some == high)).all(axis=0)
        return np.where(two, (high - low) / 2, found)


def far_apart(spreads: Any) -> tuple[int, int] | None:
    """The places of the least and the largest spread, if they differ too much; columns without any
    do not count.
    """
    spreads = np.asarray(spreads)
    varying = np.flatnonzero((spreads > 0) & np.isfinite(spreads))
    if not len(varying):
        return None
    narrow = int(varying[np.argmin(spreads[varying])])
    wide = int(varying[np.argmax(spreads[varying])])
    return (narrow, wide) if spreads[wide] > MOST_APART * spreads[narrow] else None


#: What helps where the spreads of columns differ.
SCALE = "use KMeans(scale='standard'), or scale the columns first"


def warn_of_columns(
    array: Any,
    names: Any,
    metric: str = "euclidean",
    scale: Any = None,
    remedy: str = SCALE,
) -> None:
    """Warn of doubtful columns of a table; those of arrays, which have no names, are left alone.

    The messages have no numbers in them: the same columns warn once at a line of code, however
    often it is run.
    """
    if names is None:
        return
    numbers = [str(names[j]) for j in numbers_of_rows(array, names)]
    if numbers and len(numbers) < len(names):
        several = len(numbers) > 1
        warn(
            f"X has {'columns that seem' if several else 'a column that seems'} to number the rows "
            f"rather than to measure something: {', '.join(map(repr, numbers))}. Differences of "
            f"such numbers mean nothing: leave {'them' if several else 'it'} out (an array, as of "
            "X.to_numpy(), is not looked at).",
            ColumnsWarning,
            once=True,
        )
    # (Cosine distances are of directions.)
    if metric != "cosine" and scale is None:
        warn_of_spreads(array, names, numbers, remedy)


def warn_of_spreads(array: Any, names: Any, numbers: Any, remedy: str) -> None:
    """Warn if the spreads of columns differ too much; `numbers` are those that number the rows."""
    measured = [j for j in range(len(names)) if str(names[j]) not in numbers]
    if len(measured) < 2:
        return
    apart = far_apart(spreads(array)[measured])
    if apart is not None:
        narrow, wide = (repr(str(names[measured[place]])) for place in apart)
        warn(
            f"the spreads of the columns of X differ by more than {MOST_APART} times, so that "
            f"{wide} counts for much more than {narrow}: {remedy} (an array, as of X.to_numpy(), "
            "is not looked at).",
            ColumnsWarning,
            once=True,
        )
