"""Tables that stay in their files and are read chunk by chunk."""

import os
from typing import Any

import numpy as np

from .._blocks.sources import open_source
from .._input.doubtful_columns import called_as_numbers, may_number_rows, too_long
from .._input.npy_files import load_npy
from .._input.optional_packages import need
from .._input.parquet_files import arrow_errors, column_values, open_dataset
from .._input.vectors import vectors_of
from .readers import (
    Spread,
    _pyarrow,
    as_rows,
    choose_numeric,
    choose_of_array,
    pandas_index,
    read_errors,
    why_no_real_numbers,
)
from .tables import (
    Ask,
    ReadError,
    Source,
    without_numbers_of_rows,
)

#: How many values are compared with each other at the same time to find equal ones.
COMPARED = 1 << 24


class LazyTable:
    """As `tables.Table`, but `values` is a source for `KMeans.fit_chunks`.

    Attributes
    ----------
    asked : list of str or None
        Its argument `columns`.
    weights : ndarray of shape (n,), name of a column, or None
    """

    def __init__(self, values, n_rows, names, *, named, asked=None, weights=None, left_out=()):
        self.values, self.n_rows, self.names, self.asked, self.weights = (
            values,
            n_rows,
            list(names),
            asked,
            weights,
        )
        self.columns = self.names if named else []
        self.left_out = list(left_out)
        self.spreads: Any = None
        self.in_vectors: set[str] = set()  # as in `Table`

    def __len__(self):
        return self.n_rows

    def parts(self, n_rows):
        """The rows in their order, some at a time: (names of all columns of the file, the columns,
        the features, as an array or a table).
        """
        if hasattr(self.values, "to_batches"):
            pyarrow = need("pyarrow", "reading Parquet files")
            for batch in self.values.to_batches():
                if batch.num_rows:
                    some = pyarrow.Table.from_batches([batch])
                    yield some.column_names, some.columns, some.select(self.asked)
            return
        array = getattr(self.values, "array", self.values)
        fields = array.dtype.names
        names = fields or [f"column {j}" for j in range(1, array.shape[1] + 1)]
        for start in range(0, self.n_rows, n_rows):
            some = array[start : start + n_rows]
            columns = [some[name] if fields else some[:, j] for j, name in enumerate(names)]
            yield list(names), columns, np.asarray(self.values[start : start + n_rows])

    def standard_deviations(self):
        """Those of the columns, (d,); takes a pass over the rows, unless one has found them."""
        if self.spreads is None:
            self.spreads = Look(self).spreads
        return self.spreads

    def without(self, kept, left_out):
        """Keep only the columns at some places."""
        self.names = self.columns = [self.names[j] for j in kept]
        self.left_out += left_out
        self.spreads = self.spreads[kept]
        if self.asked is None:
            self.values = Fields(self.values.array, self.names)
        else:
            self.asked = self.names

    def cluster_weights(self, labels, counts):
        """Total weight of each cluster; `labels` may be None where rows have no weights."""
        if self.weights is None:
            return np.asarray(counts)
        if not isinstance(self.weights, str):
            return np.bincount(labels, self.weights, len(counts))
        total, start = np.zeros(len(counts)), 0
        for batch in self.values.to_batches(columns=[self.weights]):
            # One by one, as `bincount` adds all: the sums are rounded alike.
            np.add.at(total, labels[start : start + batch.num_rows], column_values(batch.column(0)))
            start += batch.num_rows
        return total


class Look:
    """What one pass over the rows of a `LazyTable` says of its columns.

    Attributes
    ----------
    spreads : ndarray of shape (d,)
        Standard deviations.
    numbers_of_rows : list of str
        Names of the columns that look like numbers of the rows; the rule is that of
        `doubtful_columns.numbers_of_rows`, and so is the result. To find equal values among many
        may take further passes over a column, one for each `COMPARED` rows, unless its values
        ascend or descend.
    """

    def __init__(self, table, numbers=False):
        self.table = table
        self.dtype: Any = None
        called = [bool(table.columns) and called_as_numbers(name) for name in table.names]
        d = len(table.names)
        n, mean, squares = 0, np.zeros(d), np.zeros(d)
        low, high = np.full(d, np.inf), np.full(d, -np.inf)
        whole = np.full(d, numbers)  # which columns may still number the rows
        steps: dict[int, int] = {}  # the sign of all steps from row to row, 0 where they differ
        last: dict[int, np.ndarray] = {}
        for X in self._blocks(table.asked):
            self.dtype = X.dtype if self.dtype is None else np.result_type(self.dtype, X.dtype)
            for j in np.flatnonzero(whole).tolist():
                column = X[:, j]
                low[j], high[j] = min(low[j], column.min()), max(high[j], column.max())
                whole[j] = (called[j] or low[j] >= 0) and np.array_equal(column, np.floor(column))
                if j in last:
                    column = np.append(last[j], column)
                last[j] = column[-1:].copy()
                if len(column) > 1:
                    sign = int((column[1:] > column[:-1]).all())
                    sign -= int((column[1:] < column[:-1]).all())
                    steps[j] = sign if steps.get(j, sign) == sign else 0
            # Means and sums of squares of two parts give those of both (Chan et al.).
            with np.errstate(invalid="ignore", over="ignore"):
                rows = X.astype(np.float64)
                its_mean = rows.mean(axis=0)
                rows -= its_mean
                apart, both = its_mean - mean, n + len(X)
                squares += np.einsum("ij,ij->j", rows, rows) + apart**2 * (n * len(X) / both)
                mean += apart * (len(X) / both)
                n = both
        self.n, self.spreads = n, np.sqrt(squares / max(n, 1))
        self.numbers_of_rows = [
            name
            for j, name in enumerate(table.names)
            if whole[j]
            and may_number_rows(n, called[j], low[j], high[j])
            and (too_long(called[j], low[j], high[j]) or steps.get(j) or self._differ(j))
        ]

    def _blocks(self, columns):
        """The rows, a block at a time, as the fit reads them."""
        engine = open_source(self.table.values, columns=columns)
        try:
            for X, _ in engine.blocks():
                if len(X):
                    yield X
        finally:
            engine.close()

    def _differ(self, j):
        """Whether all values of a column of whole numbers differ."""
        parts = -(-self.n // COMPARED)
        for part in range(parts):
            held = []
            for values in self._column(j):
                if part == 0 and not _all_differ(values):
                    return False
                if parts > 1:  # each part has its own values, by the upper bits of a product
                    mixed = values * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)
                    values = values[mixed * np.uint64(parts) >> np.uint64(24) == part]
                held.append(values)
            values = np.concatenate(held)
            del held
            if not _all_differ(values):
                return False
        return True

    def _column(self, j):
        """A column's values as 64 bits, which are equal where the values are; they are first
        rounded to the dtype of the whole table, as where the table is in memory.
        """
        alone = self.table.columns and self.table.asked is not None
        for X in self._blocks([self.table.names[j]] if alone else self.table.asked):
            column = X[:, 0 if alone else j].astype(self.dtype)
            if self.dtype.kind == "f":
                column = column.astype(np.float64) + 0.0  # -0.0 equals 0.0
            yield (column if column.itemsize == 8 else column.astype(np.int64)).view(np.uint64)


def _all_differ(values):
    values = np.sort(values)
    return bool((values[1:] != values[:-1]).all())


class Chosen:
    """Some columns of an array, whose slices are arrays."""

    def __init__(self, array, columns):
        self.array, self.columns = array, columns
        self.shape, self.dtype = (len(array), len(columns)), array.dtype

    def __getitem__(self, rows):
        return self.array[rows][:, self.columns]


class Fields:
    """Some fields of a structured array as columns; slices are arrays."""

    def __init__(self, array, names):
        self.array, self.names = array, names
        self.shape = len(array), len(names)
        self.dtype = np.result_type(*(array.dtype[name] for name in names))

    def __getitem__(self, rows):
        part = self.array[rows]
        return np.stack([part[name] for name in self.names], axis=1).astype(self.dtype, copy=False)


def open_table(path, columns=None, weights=None, **options):
    """A table whose rows are not read yet: a .npy file, a Parquet file or a directory of those.
    Arguments as for `read_table`.
    """
    ask = Ask(columns, weights, **options)
    ask.check()
    table = _open(path, ask)
    if (
        ask.columns is None
        and ask.index is None
        and not (table.columns and ask.columns_if_named)
        and not isinstance(table.values, np.memmap)  # as for tables in memory
    ):
        with read_errors():
            look = Look(table, numbers=True)
        table.spreads = look.spreads
        kept, left_out = without_numbers_of_rows(look.numbers_of_rows, table, os.fspath(path))
        if left_out:
            table.without(kept, left_out)
    return table


def _open(path, ask):
    if not os.path.isdir(path):
        source = Source(path)
        with open(path, "rb") as file:
            start = file.read(6) if source.on_disk else b""
        if start == b"\x93NUMPY":
            return _open_npy(source, ask)
        if not start.startswith(b"PAR1"):
            raise ReadError(
                f"{source.name}: what is read chunk by chunk is a .npy file, a Parquet "
                "file or a directory of those, not compressed"
            )
    return _open_parquet(path, ask)


def _open_npy(source, ask):
    with read_errors():
        array = load_npy(source.path)
    if array.ndim == 1 and array.dtype.names is not None:
        return _open_fields(source, array, ask)
    array = as_rows(source, array)
    chosen, where, names = choose_of_array(source, array, ask)
    row_weights = None if where is None else np.array(array[:, where], dtype=np.float64)
    values = array if chosen == list(range(array.shape[1])) else Chosen(array, chosen)
    return LazyTable(values, len(array), names, named=False, weights=row_weights)


def _open_fields(source, array, ask):
    """A table from the fields of a structured array."""
    names = list(array.dtype.names)
    numeric = [why_no_real_numbers(array[name]) for name in names]
    chosen, where, left_out = choose_numeric(source, names, numeric, ask)
    chosen = [names[j] for j in chosen]
    return LazyTable(
        Fields(array, chosen),
        len(array),
        chosen,
        named=True,
        weights=None if where is None else np.array(array[names[where]], dtype=np.float64),
        left_out=left_out,
    )


def _open_parquet(path, ask):
    class Place:  # what messages call it
        name = os.fspath(path)

    _pyarrow(Place, "parquet")
    with read_errors():
        files = open_dataset(path)
    with read_errors(), arrow_errors(Place.name):
        n_rows = files.count_rows()
    names = files.schema.names

    def first(j):
        """The vector of the first row."""
        with read_errors(), arrow_errors(Place.name):
            column = files.head(1, columns=[names[j]]).column(0)
            return vectors_of(column, f"{Place.name}: column {names[j]!r}", gaps=True)

    spread = Spread(files.schema, ask, first)
    index = pandas_index(files.schema)
    index = {f: index[j] for f, (j, _) in enumerate(spread.features) if j in index}
    chosen, where, left_out = choose_numeric(
        Place, spread.names, spread.why_not, spread.ask(Place), index
    )
    asked = list(dict.fromkeys(names[spread.features[f][0]] for f in chosen))
    vectors = [names[j] for j in spread.vectors if names[j] in asked]
    if vectors and (len(asked) > 1 or len(chosen) < spread.vectors[names.index(asked[0])].shape[1]):
        raise ReadError(
            f"{Place.name}: chunk by chunk, a column of vectors is read alone and whole: give "
            f"--columns {vectors[0]}"
        )
    table = LazyTable(
        files,
        n_rows,
        [str(1 + f) for f in range(len(chosen))] if vectors else [spread.names[f] for f in chosen],
        named=not vectors,
        asked=asked,
        weights=None if where is None else spread.names[where],
        left_out=left_out,
    )
    table.in_vectors = set(table.names) if vectors else set()
    return table
