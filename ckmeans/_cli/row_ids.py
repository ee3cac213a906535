"""The columns of a file by which its rows are known: ids, keys, names."""

from typing import Any, NamedTuple

import numpy as np

from .._input.doubtful_columns import numbers_of_rows
from .outputs import as_list, numbers

#: So many are shown.
_MOST = 3


class RowIds(NamedTuple):
    """A column that has another value in each row of the file, and is no feature."""

    name: str
    values: Any  #: numbers or other values, for all rows of the file
    cells: list[str]  #: how they are spelled


def row_ids(table, weights=None):
    """Those of a table that was read with its `originals`: texts, and numbers that look like ones
    given to the rows.

    weights : str, optional
        The column of the weights.
    """
    used = {*table.names, *(f"column {name}" for name in table.names), weights}
    found: list[RowIds] = []
    for original in table.originals or ():
        if original.name in used or len(found) == _MOST:
            continue
        values = original.values()
        if original.cells is not None:
            cells = [str(cell).strip() for cell in as_list(original.cells)]
        else:
            cells = ["" if value is None else str(value) for value in as_list(values)]
        array = numbers(values)
        if array is None:
            ids = all(cells) and len(set(cells)) == len(cells)
        else:
            ids = not np.isnan(array).any() and bool(
                numbers_of_rows(array[:, None], [original.name])
            )
        if ids:
            found.append(RowIds(original.name, values, cells))
    return found
