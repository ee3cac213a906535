"""Rows of Parquet files, one row group after the other."""

import tempfile

import numpy as np

from ..._input import checks as check
from ..._input.optional_packages import need
from ..._input.parquet_files import arrow_errors, column_values, open_dataset
from ..._output.safe_text import terminal
from . import local
from .chunks import ChunkEngine, Named

#: A row group of a Parquet file of up to GROUP_BYTES is read as one chunk. Of a larger one, up to
#: SIDE_BY_SIDE columns are read at the same time, which takes about 2.5 MB each; if it has more
#: columns, COLUMNS at a time are written to a temporary file first.
GROUP_BYTES, SIDE_BY_SIDE, COLUMNS = 64 << 20, 24, 8


def open_parquet(source, ask):
    """An engine over the rows of Parquet files, in the order of the files' names."""
    parquet = need("pyarrow.parquet", "reading Parquet files")
    source = open_dataset(source)
    weight = ask.sample_weight if isinstance(ask.sample_weight, str) else None
    names = (
        list(ask.columns)
        if ask.columns is not None
        else [name for name in source.schema.names if name != weight]
    )
    for name in [*names, *([weight] if weight else [])]:
        if name not in source.schema.names:
            raise ValueError(
                f"there is no column {name!r}; there are: "
                f"{terminal(', '.join(source.schema.names), 300)}."
            )

    def chunks():
        for path in source.files:
            # The pages of every column that is read are in memory; buffers would double that.
            with (
                arrow_errors(path),
                parquet.ParquetFile(
                    source.filesystem.open_input_file(path), buffer_size=1 << 16, pre_buffer=False
                ) as file,
            ):
                _check_columns(
                    path, file.schema_arrow.names, [*names, *([weight] if weight else [])]
                )
                for group in range(file.num_row_groups):
                    yield from _row_group(file, group, names, weight)

    return ChunkEngine(chunks, None if weight else ask.sample_weight, ask.n_threads, ask.regroup)


def _check_columns(path, there, names):
    """Raise where one of several files, of which the first tells the columns, lacks some."""
    for name in names:
        if name not in there:
            raise ValueError(
                f"{terminal(path, 300)}: there is no column {name!r}, which the first of the files "
                f"has; there are: {terminal(', '.join(there), 300)}."
            )


def _row_group(file, group, names, weight):
    """Chunks of a row group of a Parquet file: one chunk, whose columns are read a few at a time,
    or, if the row group is large, a few rows of all columns at a time.
    """
    fields = [file.schema_arrow.field(name) for name in names]
    types = {  # of vectors: objects
        np.dtype(object if field.type.num_fields else field.type.to_pandas_dtype())
        for field in fields
    }
    n = file.metadata.row_group(group).num_rows
    plain = all(dtype.kind in "iuf" for dtype in types)
    large = n * len(names) * max(dtype.itemsize for dtype in types) > GROUP_BYTES
    if plain and large and len(names) > SIDE_BY_SIDE:
        with tempfile.TemporaryFile() as scratch:
            if _write_strips(file, group, names, np.result_type(*types), scratch):
                yield from _read_strips(
                    file, group, names, np.result_type(*types), scratch, n, weight
                )
                return
    elif plain and not large:
        array = np.empty((n, len(names)), np.result_type(*types))
        for first in range(0, len(names), COLUMNS):
            some = names[first : first + COLUMNS]
            table = file.read_row_group(group, columns=some, use_threads=False)
            if any(table.column(name).null_count for name in some):
                break
            for f, name in enumerate(some, first):
                start = 0
                for piece in table.column(name).chunks:
                    array[start : start + len(piece), f] = piece
                    start += len(piece)
        else:
            named = Named(array, check.string_names(names))
            yield (
                named
                if weight is None
                else (named, column_values(file.read_row_group(group, columns=[weight]).column(0)))
            )
            return
    # Also where values are missing: the check of the rows raises the error that says which.
    rows = max(64, local.BLOCK_BYTES // 4 // (8 * _values_of_a_row(file, group, names)))
    for batch in file.iter_batches(
        rows, [group], names + ([weight] if weight else []), use_threads=False
    ):
        table = batch.select(names)
        yield table if weight is None else (table, column_values(batch.column(weight)))


def _values_of_a_row(file, group, names):
    """How many numbers a row has in these columns, rounded up: more than columns where some hold
    vectors.
    """
    group = file.metadata.row_group(group)
    values = 0
    for j in range(group.num_columns):
        column = group.column(j)
        if any(
            column.path_in_schema == name or column.path_in_schema.startswith(f"{name}.")
            for name in names
        ):
            values += column.num_values
    return max(len(names), -(-values // max(group.num_rows, 1)))


def _write_strips(file, group, names, dtype, scratch):
    """Write a row group to a file in strips of COLUMNS columns, row by row. Returns False where a
    value is missing.
    """
    for first in range(0, len(names), COLUMNS):
        some = names[first : first + COLUMNS]
        for batch in file.iter_batches(1 << 16, [group], some, use_threads=False):
            if any(column.null_count for column in batch.columns):
                return False
            strip = np.empty((batch.num_rows, len(some)), dtype)
            for f, name in enumerate(some):  # (a batch has its columns in the order of the file)
                strip[:, f] = batch.column(name)
            scratch.write(strip)
    return True


def _read_strips(file, group, names, dtype, scratch, n, weight):
    """The chunks of a row group that `_write_strips` has written."""
    weights = (
        None
        if weight is None
        else column_values(file.read_row_group(group, columns=[weight]).column(0))
    )
    rows, named = local.block_rows(dtype, len(names)), check.string_names(names)
    for start in range(0, n, rows):
        array = np.empty((min(rows, n - start), len(names)), dtype)
        for first in range(0, len(names), COLUMNS):
            part = array[:, first : first + COLUMNS]
            strip = np.empty(part.shape, dtype)
            scratch.seek((n * first + start * strip.shape[1]) * dtype.itemsize)
            scratch.readinto(strip)
            part[:] = strip
        chunk = Named(array, named)
        yield chunk if weights is None else (chunk, weights[start : start + rows])
        del array, part, chunk
