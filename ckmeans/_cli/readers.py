"""Tables from files: text (.csv, .tsv, ...), JSON, NumPy's .npy and .npz, Parquet and Feather.

The format of a file is decided by its first bytes, not by its name. CSV and other text is read by
text.py.
"""

import contextlib
import importlib
import lzma
import re
import struct
import zipfile
import zlib
from functools import partial
from typing import Any

import numpy as np

from .._input.doubtful_columns import numbers_of_rows
from .._input.npy_files import damaged, load_npy
from .._input.parquet_files import arrow_errors, column_values, why_no_numbers
from .._input.vectors import are_arrow_vectors, vectors_of
from .csv_files import read_text
from .tables import (
    Ambiguous,
    Ask,
    LeftOut,
    MissingValue,
    Original,
    ReadError,
    Source,
    Table,
    choose,
    unique,
    without_numbers_of_rows,
)

__all__ = ["Ambiguous", "LeftOut", "ReadError", "Table", "read_table"]


def read_table(path, columns=None, weights=None, **options):
    """Read the numeric columns of a file.

    Parameters
    ----------
    path : str or path-like
        Text; JSON or JSON lines; ``.npy``; ``.npz``; Parquet or Feather, which take pyarrow. Any of
        them may be compressed (gzip, bzip2, xz, Zstandard, or the only file of a zip archive).
        ``-`` is standard input.
    columns : sequence of str, optional
        Columns to use, in this order: names, or numbers counted from 1. Default: every numeric
        column but `weights` and row names. A column asked for here must be numeric.
    weights : str, optional
        Name or number of a column of row weights.
    columns_if_named : sequence of str, optional
        Stands in for `columns` if that is None and the file names its columns.
    index : sequence of str, optional
        Columns of row names, by name or by number from 1, which are not features; an empty sequence
        means that there are none. Default: columns that pandas or R wrote as such.
    header : bool, optional
        Whether the first line of text is a header. Default: it is; if it may be a row as well,
        `Ambiguous` is raised.
    sep : str, optional
        The character between the columns of text; a blank stands for runs of blanks and tabs.
        Default: the comma, semicolon, tab, bar or blanks that cut the first lines into equally many
        cells.
    decimal : {'.', ','}, optional
        Decimal mark of text. Default: the one that all columns agree on.
    thousands : str, optional
        The separator of groups of three digits in text. Default: none, unless the numbers of the
        file cannot be read otherwise.
    skip : int, default=0
        Lines of text above the table to skip. Empty lines and those that begin with ``#`` are
        always skipped.
    encoding : str, optional
        Encoding of text. Default: what a byte order mark says, UTF-8, UTF-16 or else Latin-1.
    quotes : bool, optional
        Whether quotation marks quote, or are ordinary characters. Default: they quote.
    gaps : bool, default=False
        Whether missing values become NaN; else they are errors.
    originals : bool, default=False
        Whether the table keeps all columns of the file as they are, too.
    aside : str, optional
        Name or number of a column that is no feature, unless it is among `columns`; it is used
        otherwise, of `originals`.

    Returns
    -------
    Table

    Raises
    ------
    ReadError
        The file cannot be read, or is not a full rectangle of numbers; line and column are named.
    Ambiguous
        A `ReadError`: the file can be read in more than one way. It shows them, with the options
        that decide.

    Warns
    -----
    UserWarning
        A column that is used looks like a number of the row rather than a value: one without a
        name, or the only one. Other such columns are left out.
    """
    ask = Ask(columns, weights, **options)
    ask.check()
    name = path
    try:
        source = Source(path)
        name = source.name
        table = _read(source, ask)
    except (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or f"truncated or damaged: {error}"
        raise ReadError(f"{name}: {reason}") from None
    if ask.columns is None and ask.index is None and not (table.columns and ask.columns_if_named):
        table = _without_numbers_of_rows(source, table)
    return table


def _read(source, ask):
    with source.open() as file:
        start = file.read(1024)
    if not start:
        raise ReadError(f"{source.name}: the file is empty")
    for magic, what in _NOT_READ:
        if re.match(magic, start):
            raise ReadError(f"{source.name}: {what}")
    read = next((reader for magic, reader in _FORMATS if re.match(magic, start)), read_text)
    return read(source, ask)


def _without_numbers_of_rows(source, table):
    """The table without columns that look like numbers of the rows; they are listed in `left_out`,
    and have no say in its dtype.
    """
    if isinstance(table.values, np.memmap):  # a check would read all of it
        return table
    found = [table.names[j] for j in numbers_of_rows(table.values, table.columns or None)]
    kept, left_out = without_numbers_of_rows(found, table, source.name)
    if not left_out:
        return table
    dtype = np.result_type(*(table.dtypes[j] for j in kept))
    return Table(
        np.ascontiguousarray(table.values[:, kept], dtype=dtype),
        [table.names[j] for j in kept],
        named=True,
        weights=table.weights,
        left_out=[*table.left_out, *left_out],
        originals=table.originals,
    )


# ----------------------------------------------------------------------------------------- NumPy's


def _read_npy(source, ask):
    """A table from one array; a plain file is mapped, so that only what is used gets read."""
    with read_errors():
        if source.on_disk:
            array = load_npy(source.path)
        else:
            with source.open() as file:
                array = load_npy(source.name, file)
    return _from_array(source, array, ask)


def _read_zip(source, ask):
    """A table from a zip archive: arrays (.npz) or one file of any format."""
    with source.open() as file, _open_zip(source, file) as archive:
        names = [name for name in archive.namelist() if name and not name.endswith("/")]
        names = [name for name in names if not name.startswith("__MACOSX/")]
        if names and all(name.endswith(".npy") for name in names):
            return _read_npz(source, ask)
        if "[Content_Types].xml" in names or any(name.startswith("xl/") for name in names):
            raise ReadError(
                f"{source.name}: a workbook or document of Office; save the sheet as .csv"
            )
        if "mimetype" in names:
            raise ReadError(f"{source.name}: an OpenDocument file; save the sheet as .csv")
        if len(names) != 1:
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            raise ReadError(
                f"{source.name}: a zip archive of {len(names)} files"
                + (f" ({shown}): unpack it and give one" if names else "")
            )
        try:
            inner = Source(f"{source.name}/{names[0]}", archive.read(names[0]))
        # Encrypted, compressed in a way that Python lacks, damaged.
        except (RuntimeError, NotImplementedError, struct.error) as error:
            raise ReadError(f"{source.name}: {error}") from None
    return _read(inner, ask)


def _open_zip(source, file):
    try:
        return zipfile.ZipFile(file)
    except OSError:
        raise
    except Exception as error:  # zipfile raises many types for a damaged directory
        raise ReadError(str(damaged(source.name, error))) from None


def _read_npz(source, ask):
    """A table from an archive of arrays: its only matrix, or its vectors of one length as
    columns.
    """
    try:
        with source.open() as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError:
        raise
    except Exception as error:
        raise ReadError(str(damaged(source.name, error))) from None
    if "ckmeans" in arrays:
        raise ReadError(f"{source.name}: this is a ckmeans model, not data")
    if {"indptr", "indices", "data", "shape"} <= arrays.keys():
        raise ReadError(
            f"{source.name}: this is a sparse matrix; save a dense one, matrix.toarray()"
        )
    arrays = {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)}
    if not arrays:
        raise ReadError(f"{source.name}: an archive without arrays")
    if len(arrays) == 1:
        (array,) = arrays.values()
        return _from_array(source, array, ask)

    matrices = [name for name, array in arrays.items() if array.ndim == 2]
    if not matrices and len({array.shape for array in arrays.values()}) == 1:
        return _from_columns(source, arrays, ask)
    if len(matrices) != 1 and "X" not in matrices:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ReadError(
            f"{source.name}: which of its arrays is the data? There are {shapes}; call it 'X'"
        )
    matrix = arrays["X" if "X" in matrices else matrices[0]]
    weights = arrays.get(ask.weights)
    if weights is not None and weights.ndim == 1:
        if len(weights) != len(matrix):
            found = f"{len(weights)} weights for {len(matrix)} rows"
            raise ReadError(f"{source.name}: {ask.weights!r} has {found}")
        table = _from_array(source, matrix, ask._replace(weights=None))
        table.weights = weights
        return table
    return _from_array(source, matrix, ask)


def _from_array(source, array, ask):
    if array.ndim == 1 and array.dtype.names is not None:
        return _from_columns(source, {name: array[name] for name in array.dtype.names}, ask)
    array = as_rows(source, array)
    chosen, where, names = choose_of_array(source, array, ask)
    values = array if chosen == list(range(array.shape[1])) else array[:, chosen]
    row_weights = None if where is None else np.array(array[:, where], dtype=np.float64)
    all_names = (f"column {number}" for number in range(1, array.shape[1] + 1))
    originals = [
        Original(name, partial(array.__getitem__, (slice(None), j)))
        for j, name in enumerate(all_names)
    ]
    return Table(
        values,
        names,
        named=False,
        weights=row_weights,
        originals=originals if ask.originals else None,
    )


def _from_columns(source, arrays, ask):
    names = list(arrays)
    numeric = [why_no_real_numbers(array) for array in arrays.values()]
    return _stack(source, names, numeric, lambda j: arrays[names[j]], ask)


def as_rows(source, array):
    """An array of real numbers as rows; a vector is one column."""
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2:
        raise ReadError(
            f"{source.name}: an array of shape {array.shape}; a table has rows and columns"
        )
    if array.dtype.kind not in "fiub":
        raise ReadError(f"{source.name}: an array of {array.dtype}, not of real numbers")
    return array


def why_no_real_numbers(field):
    """None for a vector of real numbers, else the reason why it cannot be used."""
    if field.ndim == 1 and field.dtype.kind in "fiub":
        return None
    return f"{field.dtype}, not real numbers"


def choose_of_array(source, array, ask):
    """Columns of an array, which have no names: (chosen, weights, names of the chosen)."""
    names = [str(number) for number in range(1, array.shape[1] + 1)]
    chosen, where, _ = choose(source, names, [None] * len(names), ask, named=False)
    return chosen, where, [names[j] for j in chosen]


def choose_numeric(source, names, numeric, ask, index=None):
    """As `choose`, of columns with names; raises where a chosen one cannot be used."""
    chosen, where, left_out = choose(source, names, numeric, ask, True, index)
    for j in chosen if where is None else [*chosen, where]:
        if numeric[j] is not None:
            raise ReadError(f"{source.name}: column {names[j]!r} cannot be used: {numeric[j]}")
    return chosen, where, left_out


def _stack(source, names, numeric, column, ask, index=None):
    """A table from `column(j)` of the chosen columns, in a dtype that holds them all."""
    chosen, where, left_out = choose_numeric(source, names, numeric, ask, index)
    columns = [column(j) for j in chosen]
    table = Table(
        np.stack(columns, axis=1),
        [names[j] for j in chosen],
        named=True,
        weights=None if where is None else np.array(column(where), dtype=np.float64),
        left_out=left_out,
        originals=[
            Original(name, partial(column, j), nameless=not names[j])
            for j, name in enumerate(unique(names))
        ]
        if ask.originals
        else None,
    )
    table.dtypes = [values.dtype for values in columns]
    return table


# --------------------------------------------------------------------------------------- Arrow's fo


def _read_parquet(source, ask):
    parquet = _pyarrow(source, "parquet")
    with source.open() as file, read_errors(), arrow_errors(source.name):
        table = parquet.ParquetFile(file)
        return _from_arrow(source, table.schema_arrow, lambda name: table.read([name]), ask)


def _read_feather(source, ask):
    feather = _pyarrow(source, "feather")
    with source.open() as file, read_errors(), arrow_errors(source.name):
        table = feather.read_table(file)
        return _from_arrow(source, table.schema, lambda name: table.select([name]), ask)


def _pyarrow(source, module):
    try:
        return importlib.import_module(f"pyarrow.{module}")
    except ImportError:
        raise ReadError(
            f"{source.name}: reading {module.capitalize()} files takes pyarrow, which is not "
            "installed: "
            "pip install 'ckmeans-cython[cli]'"
        ) from None


@contextlib.contextmanager
def read_errors():
    """Turn what an opener of files raises for a damaged one into a `ReadError`."""
    try:
        yield
    except ReadError:
        raise
    except ValueError as error:
        raise ReadError(str(error)) from None


def pandas_index(schema):
    """The columns that pandas marked as its index, or named like one, as `choose` takes them."""
    # A range of numbers is stored as a dict, not as a column.
    marked = (schema.pandas_metadata or {}).get("index_columns", [])
    marked = {name for name in marked if isinstance(name, str)}
    return {
        j: "the index that pandas wrote along"
        for j, name in enumerate(schema.names)
        if name in marked or re.fullmatch("__index_level_[0-9]+__", name)
    }


def _from_arrow(source, schema, read, ask):
    """A table from the columns that `read(name)` gives."""

    def column_of(j):
        return read(schema.names[j]).column(0)

    spread = Spread(schema, ask, lambda j: _vectors(source, schema.names[j], column_of(j), ask))

    def column(feature):
        j, place = spread.features[feature]
        if place is not None:
            return spread.vectors[j][:, place]
        chunks = column_of(j)
        if chunks.null_count and not ask.gaps:
            row = np.argmax(chunks.is_null().to_numpy())
            raise _missing(source, row, schema.names[j])
        return column_values(chunks)

    index = pandas_index(schema)
    index = {f: index[j] for f, (j, _) in enumerate(spread.features) if j in index}
    table = _stack(source, spread.names, spread.why_not, column, spread.ask(source), index)
    if ask.originals:
        table.originals = [
            Original(
                name, partial(lambda values: values, column_of(j)), nameless=not schema.names[j]
            )
            for j, name in enumerate(unique(schema.names))
        ]
    table.in_vectors = {
        name for name, (_, place) in zip(spread.names, spread.features) if place is not None
    }
    return table


def _missing(source, row, name):
    return MissingValue(f"{source.name}: row {row + 1}, column {name!r}: the value is missing")


#: A row in messages of Python, which count from 0; those of the command count from 1.
_ROW = re.compile(r"\brow (\d+)")


def _vectors(source, name, chunks, ask):
    """A column of vectors as rows (n, width)."""
    place = f"{source.name}: column {name!r}"
    try:
        array: Any = vectors_of(chunks, place, gaps=True)
    except (TypeError, ValueError) as error:
        said = str(error).removeprefix(place)
        raise type(error)(place + _ROW.sub(lambda row: f"row {int(row[1]) + 1}", said)) from None
    holes = chunks.null_count or any(chunk.flatten().null_count for chunk in chunks.chunks)
    if holes and not ask.gaps:
        raise _missing(source, np.argmax(np.isnan(array).any(axis=1)), name)
    return array


class Spread:
    """Arrow's columns as features: a column of vectors is one for each place, called ``name[0]``,
    ``name[1]``, and so on.

    Parameters
    ----------
    schema : pyarrow Schema
    ask : Ask
        Columns of vectors that it does not want are not read.
    read : callable
        Takes the number of a column of vectors, and gives its rows (n, width).

    Attributes
    ----------
    features : list of (int, int or None)
        The number of the column, and the place in its vectors.
    names, why_not : list
        Of each feature: what it is called, and why it cannot be used, or None.
    vectors : dict of {int: ndarray of shape (n, width)}
    """

    def __init__(self, schema, ask, read):
        self.schema, self.asked = schema, ask
        self.features: list[tuple[int, int | None]] = []
        self.names, self.why_not, self.vectors = [], [], {}
        for j, field in enumerate(schema):
            why_not = why_no_numbers(field)
            if are_arrow_vectors(field.type):
                why_not = f"{field.type}, not asked for"
                if self._wants(j):
                    self.vectors[j] = read(j)
                    width = self.vectors[j].shape[1]
                    self.features += [(j, place) for place in range(width)]
                    self.names += [f"{field.name}[{place}]" for place in range(width)]
                    self.why_not += [None] * width
                    continue
            self.features.append((j, None))
            self.names.append(field.name)
            self.why_not.append(why_not)

    def _wants(self, j):
        columns = self.asked.columns
        columns = self.asked.columns_if_named if columns is None else columns
        return columns is None or any(
            self.column(wanted) == j or wanted.startswith(f"{self.schema.names[j]}[")
            for wanted in columns
        )

    def column(self, wanted):
        """The number of the column that is called, or numbered from 1, as `wanted` says; None where
        there is none.
        """
        names = self.schema.names
        if wanted in names:
            return names.index(wanted)
        return int(wanted) - 1 if wanted.isdecimal() and 0 < int(wanted) <= len(names) else None

    def ask(self, source):
        """What was asked for, of the features."""

        def features(wanted):
            j = self.column(wanted)
            if j is None or wanted in self.names:
                return [wanted]
            return [self.names[f] for f, (one, _) in enumerate(self.features) if one == j]

        def alone(wanted):
            if wanted is not None and self.column(wanted) in self.vectors:
                raise ReadError(f"{source.name}: column {wanted!r} has vectors, not numbers")
            return wanted and features(wanted)[0]

        ask, columns = self.asked, self.asked.columns
        return ask._replace(
            columns=columns and [name for wanted in columns for name in features(wanted)],
            weights=alone(ask.weights),
            aside=alone(ask.aside),
        )


# --------------------------------------------------------------------------------------------- JSON


def _read_json(source, ask):
    """A table from JSON: records, rows or columns, in one document or one record a line."""
    import json

    text = source.read().removeprefix(b"\xef\xbb\xbf")
    place = "record"
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as whole:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        data = []
        for number, line in lines:
            try:
                data.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                found = whole if number == 1 or len(lines) == 1 else f"line {number}: {error}"
                raise ReadError(f"{source.name}: damaged JSON: {found}") from None
    if isinstance(data, dict):
        if isinstance(data.get("columns"), list) and isinstance(
            data.get("data"), list
        ):  # pandas' "split"
            names, rows = list(map(str, data["columns"])), data["data"]
        elif data and all(isinstance(column, list) for column in data.values()):
            if len({len(column) for column in data.values()}) > 1:
                raise ReadError(f"{source.name}: columns of different lengths")
            names, rows = list(data), list(map(list, zip(*data.values())))
        elif any(isinstance(value, (dict, list)) for value in data.values()):
            raise ReadError(
                f"{source.name}: JSON of another shape; read are a list of records or of rows, an "
                "object "
                "of columns "
                "(lists of one length), and a record a line"
            )
        else:  # a file of one line
            names, rows = list(data), [list(data.values())]
    elif all(isinstance(record, dict) for record in data):
        names = list(dict.fromkeys(name for record in data for name in record))
        rows = [list(map(record.get, names)) for record in data]
    elif all(isinstance(row, list) for row in data):
        names, rows = None, data
    elif not any(isinstance(value, (dict, list)) for value in data):
        names, rows = None, [[value] for value in data]
    else:
        raise ReadError(f"{source.name}: JSON that mixes records, rows and values")
    if not rows or not rows[0]:
        raise ReadError(f"{source.name}: no rows")
    width = len(rows[0] if names is None else names)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != width:
            raise ReadError(
                f"{source.name}: {place} {number} is not a list of {width} values as the others are"
            )
    return _from_values(source, names, list(zip(*rows)), ask)


def _from_values(source, names, columns, ask):
    """A table from columns of JSON values."""
    named = names is not None
    names = names if named else [str(number) for number in range(1, len(columns) + 1)]

    def is_number(value):
        return isinstance(value, (int, float))  # booleans are, too

    def why_not(column):
        present = [value for value in column if value is not None]
        if not present:
            return "no values"
        if 2 * sum(map(is_number, present)) > len(present):
            return None
        odd = next(value for value in present if not is_number(value))
        text = repr(odd)
        return f"not numbers, e.g. {text if len(text) <= 30 else text[:27] + '...'}"

    def numbers(j):
        for number, value in enumerate(columns[j], 1):
            place = f"{source.name}: record {number}, column {names[j]!r}"
            if ask.gaps and (value is None or value != value):
                continue
            if value is None:
                raise MissingValue(f"{place}: the value is missing")
            if not is_number(value):
                raise ReadError(f"{place}: {value!r} is not a number")
            # A whole number of any size; converted, it may be infinite.
            if not abs(value) < 2**1024 - 2**970:
                raise ReadError(f"{place}: {value!r} is not a finite number")
        return np.array(columns[j], dtype=np.float64)

    chosen, where, left_out = choose(source, names, list(map(why_not, columns)), ask, named)
    return Table(
        np.stack([numbers(j) for j in chosen], axis=1),
        [names[j] for j in chosen],
        named=named,
        weights=None if where is None else numbers(where),
        left_out=left_out,
        originals=[
            Original(name if named else f"column {name}", partial(list, columns[j]))
            for j, name in enumerate(names)
        ]
        if ask.originals
        else None,
    )


# ----------------------------------------------------------------------------------- what a file is

# A byte order mark may come before JSON. A header such as [id],[size] is not JSON.
_FORMATS = (
    (rb"\x93NUMPY", _read_npy),
    (rb"PK\x03\x04|PK\x05\x06", _read_zip),
    (rb"PAR1", _read_parquet),
    (rb"ARROW1|FEA1", _read_feather),
    (
        rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*(?:\"|\}|\Z)|\[\s*(?:[\[\{\"\]0-9+-]|null|true|false|NaN|\Z))",
        _read_json,
    ),
)
_SAVE = "save the table as .csv"
_NOT_READ = (
    (rb"\xd0\xcf\x11\xe0", f"a workbook or document of an old Office; {_SAVE}"),
    (
        rb"SQLite format 3\0",
        f"an SQLite database; {_SAVE}, as with sqlite3 -header -csv FILE 'select * from TABLE'",
    ),
    (rb"\x89HDF", f"HDF5 (or .mat); {_SAVE}, or use KMeans.fit_chunks in Python"),
    (rb"MATLAB 5\.0", f"a MATLAB file; {_SAVE}"),
    (
        rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|II\*\0|MM\0\*|RIFF....WEBP|BM.{4}\0\0\0\0",
        "a picture; ckmeans quantize reads those",
    ),
    (rb"%PDF", f"a PDF document; {_SAVE}"),
    (
        rb"(?i)(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head)",
        "a web page, not a table; was it downloaded by mistake?",
    ),
    (rb"(?:\xef\xbb\xbf)?\s*<\?xml", f"XML; {_SAVE}"),
    (
        rb"\x80[\x02-\x05][\x95\x8a}\](Kcq]",
        "a pickle, which could run code and is not loaded; save the array as .npy",
    ),
    (rb"RD[AX][2-4]\n|[XA]\n\0\0", f"data of R; {_SAVE}, as with write.csv(x, row.names = FALSE)"),
    (rb"Obj\x01", f"Avro; {_SAVE} or Parquet"),
    (rb"ORC", f"ORC; {_SAVE} or Parquet"),
    (rb"\$FL[23]@", f"an SPSS file; {_SAVE}"),
    (rb"<stata_dta>", f"a Stata file; {_SAVE}"),
    (rb"7z\xbc\xaf|Rar!|\x04\x22\x4d\x18|\x1f\x9d", "an archive of another kind; unpack it first"),
    (rb"(?s).{257}ustar", "a tar archive; unpack it first"),
    (rb"(?i)(?:%[^\n]*\n|\s)*@relation\b", f"ARFF; {_SAVE}"),
    (
        rb"version https://git-lfs",
        "a pointer of Git LFS, not the file itself; get it by git lfs pull",
    ),
)
