"""Tables that stay in their files and are read chunk by chunk."""

import os

import numpy as np

from .._input.npy_files import load_npy
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
from .tables import Ask, ReadError, Source


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

    def __len__(self):
        return self.n_rows

    def cluster_weights(self, labels, counts):
        """Total weight of each cluster; `labels` may be None where rows have no weights."""
        if self.weights is None:
            return np.asarray(counts)
        if not isinstance(self.weights, str):
            return np.bincount(labels, self.weights, len(counts))
        total, start = np.zeros(len(counts)), 0
        for batch in self.values.to_batches(columns=[self.weights]):
            total += np.bincount(
                labels[start : start + batch.num_rows], column_values(batch.column(0)), len(counts)
            )
            start += batch.num_rows
        return total


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
    return LazyTable(
        files,
        n_rows,
        [str(1 + f) for f in range(len(chosen))] if vectors else [spread.names[f] for f in chosen],
        named=not vectors,
        asked=asked,
        weights=None if where is None else spread.names[where],
        left_out=left_out,
    )
