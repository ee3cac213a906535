"""``--output`` with ``--chunks``: the columns of a file with clusters and distances, written while
they are read again.
"""

import contextlib
import sys
from typing import Any

import numpy as np

from .._input.optional_packages import need
from .._output import safe_text
from .._output.files import write_atomically
from .outputs import (
    TEXT,
    as_list,
    json_records,
    new_names,
    suffix_of,
    text_cell,
    write_lines,
)
from .tables import Table

#: Formats that can be written a part at a time.
STREAMED = (".parquet", ".feather", ".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
#: Rows that are taken at a time from arrays.
_ROWS = 1 << 16


def write_table_in_chunks(path, table, model):
    """Write all columns of a `LazyTable` with the cluster of each row, its distance to the center
    and, where the model has typical distances, its score. Returns remarks.
    """
    remarks: list[str] = []
    write: Any = None
    target = contextlib.nullcontext(_Printed()) if path == "-" else write_atomically(path)
    with target as file, contextlib.ExitStack() as closing:
        for given, columns, rows in table.parts(_ROWS):
            if isinstance(rows, np.ndarray) and hasattr(model, "feature_names_in_"):
                rows = Table(rows, model.feature_names_in_, named=True)
            labels = model.predict(rows)
            added = {"cluster": labels, "distance": model.distances(rows, labels)}
            if hasattr(model, "typical_distances_"):
                added["score"] = model.anomaly_scores(rows)
            if write is None:
                news, remarks = new_names(path, given, added)
                write = _writer(suffix_of(path), file, [*given, *news], closing)
            write([*columns, *added.values()])
    return remarks


class _Printed:
    """Standard output for bytes of text."""

    def write(self, data):
        sys.stdout.write(data.decode())


def _writer(suffix, file, names, closing):
    """A function that writes columns of some rows."""
    if suffix in TEXT:
        sep = "\t" if suffix == ".tsv" else ","
        write_lines(file, [[safe_text.cell(name) for name in names]], sep)
        return lambda columns: write_lines(
            file, zip(*([text_cell(one) for one in as_list(column)] for column in columns)), sep
        )
    if suffix in (".jsonl", ".ndjson"):
        return lambda columns: file.writelines(
            record.encode() + b"\n" for record in json_records(columns, names)
        )
    arrow = need("pyarrow", f"a {suffix} file")
    opened = None

    def write(columns):
        nonlocal opened
        some = arrow.table(
            [np.ascontiguousarray(one) if isinstance(one, np.ndarray) else one for one in columns],
            names=names,
        )
        if opened is None:
            if suffix == ".parquet":
                make = need("pyarrow.parquet", f"a {suffix} file").ParquetWriter
            else:
                make = need("pyarrow.ipc", f"a {suffix} file").new_file
            opened = closing.enter_context(make(file, some.schema))
        opened.write_table(some)

    return write
