"""Tables that stay in their files: what the command reads chunk by chunk."""

import os

import numpy as np

from .readers import _arrow_errors, _pandas_index, _pyarrow, _why_no_numbers
from .tables import Ask, ReadError, Source, choose


class LazyTable:
    """As `readers.Table`, but `values` is a source for `KMeans.fit_chunks`, to go with `asked` for
    its argument `columns`.

    `weights` are an array, the name of a column, or None.
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
                labels[start : start + batch.num_rows], np.asarray(batch.column(0)), len(counts)
            )
            start += batch.num_rows
        return total


class Chosen:
    """Some columns of an array, in slices of its rows."""

    def __init__(self, array, columns):
        self.array, self.columns = array, columns
        self.shape, self.dtype = (len(array), len(columns)), array.dtype

    def __getitem__(self, rows):
        return self.array[rows][:, self.columns]


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
    try:
        array = np.load(source.path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise ReadError(f"{source.name}: truncated or damaged: {error}") from None
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        raise ReadError(
            f"{source.name}: an array of {array.dtype} of shape {array.shape}; read "
            "chunk by chunk are rows of numbers"
        )
    names = [str(number) for number in range(1, array.shape[1] + 1)]
    chosen, where, _ = choose(source, names, [None] * len(names), ask, named=False)
    row_weights = None if where is None else np.array(array[:, where], dtype=np.float64)
    values = array if chosen == list(range(len(names))) else Chosen(array, chosen)
    return LazyTable(
        values, len(array), [names[j] for j in chosen], named=False, weights=row_weights
    )


def _is_parquet(path):
    with open(path, "rb") as file:
        return file.read(4) == b"PAR1"


def _open_parquet(path, ask):
    class Place:  # what errors are told by
        name = os.fspath(path)

    dataset = _pyarrow(Place, "dataset")
    if os.path.isdir(path):
        found = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
        found = [name for name in found if os.path.basename(name)[0] not in "._"]
        if found and not any(map(_is_parquet, found)):
            shown = ", ".join(sorted(os.path.relpath(name, path) for name in found)[:3])
            raise ReadError(
                f"{Place.name}: a directory of files that are not Parquet ({shown}, ...): "
                "give one of them"
            )
    with _arrow_errors(Place):
        files = dataset.dataset(path, format="parquet")
        if not files.files:
            raise ReadError(f"{Place.name}: there are no Parquet files in this directory")
        fields = list(files.schema)
        n_rows = files.count_rows()
    names, numeric = (
        [field.name for field in fields],
        [_why_no_numbers(field, "iuf") for field in fields],
    )
    chosen, where, left_out = choose(Place, names, numeric, ask, True, _pandas_index(files.schema))
    for j in chosen if where is None else [*chosen, where]:
        if numeric[j] is not None:
            raise ReadError(f"{Place.name}: column {names[j]!r} cannot be used: {numeric[j]}")
    asked = [names[j] for j in chosen]
    return LazyTable(
        files,
        n_rows,
        asked,
        named=True,
        asked=asked,
        weights=None if where is None else names[where],
        left_out=left_out,
    )
