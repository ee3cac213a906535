"""Tables from files: text (.csv, .tsv, ...), NumPy's .npy and .npz, Parquet and Feather.

What a file is gets decided by its first bytes, not by its name. Of a text file the first lines are looked at
to find separator, decimal mark, header and numeric columns; the rest must then keep to what was found, or an
error names the line. Nothing is guessed twice and nothing is filled in.
"""

import contextlib
import csv
import importlib
import io
import itertools
import math
import operator
import os
import sys
import zlib
from array import array
from collections import Counter
from typing import NamedTuple

import numpy as np

_COMPRESSED = {".gz": "gzip", ".bz2": "bz2"}  # suffix -> module of the standard library
_SEPARATORS = ("\t", ";", ",", "|")  # where several fit equally well, the earlier is the likelier one
_SPACES = " "  # runs of blanks, as many text tools write them
_MISSING = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-", "."))
_ROW_NAMES = frozenset(("", "rownames", "unnamed: 0"))  # heads of an index that R or pandas wrote along
_SAMPLE_LINES = 1000
_FAST_BYTES = 4_000_000  # importing pyarrow takes as long as reading this much without it


class ReadError(ValueError):
    """A file that cannot be read as a table of numbers; the message names the place."""


class LeftOut(NamedTuple):
    """A column that is not used, and why."""

    name: str
    why: str


class Table:
    """Rows of numbers with column names; `KMeans` takes it as it is.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns)
    names : list of str
        What to call each column: the file's own name, or its number in the file, counted from 1.
    columns : list of str
        `names` when they come from the file, else empty. (What tables of other libraries call it.)
    weights : ndarray of shape (n_rows,), or None
    left_out : list of LeftOut
        Columns that were not asked for by name and cannot be used.
    """

    def __init__(self, values, names, *, named, weights=None, left_out=()):
        self.values = values
        self.names = list(names)
        self.columns = self.names if named else []
        self.weights = weights
        self.left_out = list(left_out)

    def __len__(self):
        return len(self.values)

    def to_numpy(self):
        """The values, without a copy."""
        return self.values


class _Ask(NamedTuple):
    """Which columns the caller wants; see `read_table`."""

    columns: list = None
    weights: str = None
    columns_if_named: list = None


def read_table(path, columns=None, weights=None, *, columns_if_named=None):
    """Read the numeric columns of a file.

    Parameters
    ----------
    path : str or path-like
        Text with a header or without, separated by commas, semicolons, tabs, bars or blanks, with decimal
        points or (where the comma separates nothing) decimal commas; ``.npy``; ``.npz``; Parquet or Feather,
        which take pyarrow. Any of them may be compressed (``.gz``, ``.bz2``). ``-`` is standard input.
    columns : sequence of str, optional
        Columns to use, in this order: names, or numbers counted from 1. Default: every numeric column but
        `weights`. A column asked for here must be numeric.
    weights : str, optional
        Name or number of a column of row weights.
    columns_if_named : sequence of str, optional
        Stands in for `columns` if that is None and the file names its columns.

    Returns
    -------
    Table

    Raises
    ------
    ReadError
        The file cannot be read, or is not a full rectangle of numbers; line and column are named.
    """
    source = _Source(path)
    try:
        with source.open() as file:
            start = file.read(8)
        if not start:
            raise ReadError(f"{source.name}: the file is empty")
        read = next((reader for magic, reader in _FORMATS if start.startswith(magic)), _read_text)
        return read(source, _Ask(columns, weights, columns_if_named))
    except (EOFError, OSError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or f"truncated or damaged: {error}"
        raise ReadError(f"{source.name}: {reason}") from None


class _Source:
    """Where the bytes come from: a file, a compressed file or standard input; opened as often as needed."""

    def __init__(self, path):
        self.path = os.fspath(path)
        self.compressed = _COMPRESSED.get(os.path.splitext(self.path)[1].lower())
        self.data = None
        self.name = self.path
        if self.path == "-":
            self.data = sys.stdin.buffer.read()
            self.name = "standard input"

    def open(self):
        """A binary file with the bytes, decompressed."""
        if self.data is not None:
            return io.BytesIO(self.data)
        if self.compressed:
            return importlib.import_module(self.compressed).open(self.path, "rb")
        return open(self.path, "rb")

    @property
    def on_disk(self):
        """Whether the bytes lie in a plain file that can be mapped."""
        return self.data is None and not self.compressed

    def size(self):
        """Bytes in the file, compressed as it may be."""
        return len(self.data) if self.data is not None else os.path.getsize(self.path)


# --------------------------------------------------------------------------------------- choosing columns


def _choose(source, names, numeric, ask, named):
    """Positions of the columns to use and of the weights (or None), and the columns to mention as left out.

    `numeric` has for every column None, or why it is not usable.
    """
    where = None if ask.weights is None else _find(source, names, ask.weights, named)
    columns = ask.columns_if_named if ask.columns is None and named else ask.columns
    if columns is not None:
        return [_find(source, names, column, named) for column in columns], where, []
    chosen = [j for j, why_not in enumerate(numeric) if why_not is None and j != where]
    if not chosen:
        raise ReadError(f"{source.name}: no column of numbers")
    left_out = [
        LeftOut(name, why_not)
        for j, (name, why_not) in enumerate(zip(names, numeric))
        if why_not and j != where  # an empty reason is not worth a word
    ]
    return chosen, where, left_out


def _find(source, names, wanted, named):
    """Position of the column called, or numbered from 1, `wanted`."""
    if wanted in names:
        return names.index(wanted)
    if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1
    if not named:
        raise ReadError(f"{source.name}: no column {wanted!r}; without names, they are 1 to {len(names)}")
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    raise ReadError(f"{source.name}: no column {wanted!r}; there are {len(names)}: {shown}")


def _unique(names):
    """Names for all columns: numbers for the nameless, ``x.1`` for a second ``x``, as pandas does."""
    unique = []
    for number, name in enumerate(names, 1):
        base = name = name or str(number)
        for again in itertools.count(1):
            if name not in unique:
                break
            name = f"{base}.{again}"
        unique.append(name)
    return unique


# --------------------------------------------------------------------------------------------------- text


class _Layout(NamedTuple):
    """How a text file is laid out, found from its first lines."""

    separator: str
    decimals: str  # the decimal marks to try, the likelier first
    names: list
    named: bool
    numeric: list  # per column None, or why it is not usable
    skip: int  # physical lines before the first row
    simple: bool  # for a reader that knows nothing of several blanks or lines as one


def _read_text(source, ask):
    """A table from text in whichever of the usual encodings."""
    *others, last = _encodings(source)
    try:
        for encoding in others:
            with contextlib.suppress(UnicodeDecodeError):
                return _read_encoded(source, encoding, ask)
        return _read_encoded(source, last, ask)
    except (UnicodeError, csv.Error) as error:
        raise ReadError(f"{source.name}: {error}") from None


def _encodings(source):
    """Encodings to try: what a byte order mark says, else UTF-8, else what old spreadsheets write."""
    with source.open() as file:
        sample = file.read(4096)
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ("utf-16",)
    if b"\0" in sample:
        raise ReadError(
            f"{source.name}: not a format ckmeans reads: text (.csv, .tsv), .npy, .npz, Parquet or Feather"
        )
    return ("utf-8-sig", "latin-1")


def _read_encoded(source, encoding, ask):
    with _open_text(source, encoding) as lines:
        layout = _look(source, lines)
    chosen, where, left_out = _choose(source, layout.names, layout.numeric, ask, layout.named)
    wanted = chosen if where is None else [*chosen, where]

    fast = layout.simple and encoding == "utf-8-sig" and source.size() >= _FAST_BYTES
    values = _parse_with_arrow(source, layout, wanted) if fast else None
    if values is None:
        values = _parse_either_mark(source, encoding, layout, wanted)

    row_weights = None
    if where is not None:
        row_weights = np.ascontiguousarray(values[:, -1])
        values = np.ascontiguousarray(values[:, :-1])
    return Table(
        values, [layout.names[j] for j in chosen], named=layout.named, weights=row_weights, left_out=left_out
    )


def _open_text(source, encoding):
    return io.TextIOWrapper(source.open(), encoding=encoding, newline="")


def _records(lines, separator):
    """A reader of records; its `line_num` is the number of the last line it took."""
    if separator == _SPACES:
        lines = (" ".join(line.split()) for line in lines)
    return csv.reader(lines, delimiter=separator, skipinitialspace=True)


def _look(source, lines):
    """Find the layout from the first lines."""
    sample = list(itertools.islice(lines, _SAMPLE_LINES))
    cut = len(sample) == _SAMPLE_LINES
    comments = list(itertools.takewhile(lambda line: line.startswith("#") or not line.strip(), sample))
    body = sample[len(comments) :]
    if not body:
        raise ReadError(f"{source.name}: no rows")
    separator = _separator(source, body)

    reader = _records(body, separator)
    rows, ends = [], []
    for row in reader:
        cells = [cell.strip() for cell in row]
        if len(cells) > 1 or any(cells):
            rows.append(cells)
            ends.append(reader.line_num)
    if cut and len(rows) > 1:
        rows.pop()  # may go on beyond the sample
    if not rows:
        raise ReadError(f"{source.name}: no rows")

    decimals = _decimal_marks(rows, separator)
    header = _header(rows, decimals[0])
    skip, first = (ends[0], rows.pop(0)) if header else (0, rows[0])
    if not rows:
        raise ReadError(f"{source.name}: no rows below the header")

    names = first if header else [""] * len(first)
    if not header and comments:  # numpy.savetxt marks its header as a comment
        cells = next(_records([comments[-1].lstrip("#").strip()], separator), [])
        if len(cells) == len(first) and not any(_is_number(cell, decimals[0]) for cell in cells):
            names = [cell.strip() for cell in cells]
    nameless = header and all(len(row) == len(names) + 1 for row in rows)
    if nameless:  # R leaves the row names without a header; others end every row with a separator
        names = [*names, ""] if not any(row[-1] for row in rows) else ["", *names]

    numeric = [
        _why_not_numeric(name, [row[j] for row in rows if j < len(row)], decimals[0])
        for j, name in enumerate(names)
    ]
    if header and numeric[0] is None and names[0].lower() in _ROW_NAMES:
        cells = [row[0] for row in rows]
        if nameless or all(map(str.isdecimal, cells)) and _increases(map(int, cells)):
            numeric[0] = "row numbers"
    return _Layout(
        separator,
        decimals,
        _unique(names),
        any(names),
        numeric,
        skip=len(comments) + skip,
        simple=skip <= 1 and separator != _SPACES,
    )


def _separator(source, lines):
    """The separator that cuts the most lines into the same number of cells."""
    lines = [line for line in itertools.islice(lines, 100) if line.strip()]
    if "tsv" in os.path.basename(source.path).lower().split(".")[1:]:
        return "\t"
    best, best_share = None, 0.0
    for separator in _SEPARATORS:
        if separator not in lines[0]:
            continue
        ((width, count),) = Counter(map(len, _records(lines, separator))).most_common(1)
        # One line in many with another width must not make its separator lose to one that is only in text.
        if width > 1 and count / len(lines) > best_share + 0.02:
            best, best_share = separator, count / len(lines)
    if best is not None:
        return best
    words = Counter(map(len, _records(lines, _SPACES))).most_common(1)[0][0]
    return _SPACES if words > 1 and _has_number(lines) else ","


def _has_number(lines):
    """Whether any word is a number: text of one column may have blanks inside."""
    return any(_number(word, mark) is not None for line in lines for word in line.split() for mark in ".,")


def _decimal_marks(rows, separator):
    """The decimal marks that may be in use, the likelier first."""
    if separator == ",":
        return "."
    points = commas = 0
    for cell in itertools.chain.from_iterable(rows):
        point, comma = _number(cell, ".") is not None, _number(cell, ",") is not None
        points += point and not comma
        commas += comma and not point
    if points == commas:
        return ".,"
    return "." if points > commas else ","


def _number(cell, decimal):
    """The float that a cell spells, or None. (float() alone would also take 1_000.)"""
    if decimal == ",":
        if "." in cell:
            return None
        cell = cell.replace(",", ".")
    if "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _is_missing(cell):
    return cell.strip().lower() in _MISSING


def _is_number(cell, decimal):
    return not _is_missing(cell) and _number(cell, decimal) is not None


def _header(rows, decimal):
    """Whether the first of the rows is a header: words above numbers."""
    first, below = rows[0], rows[1:]
    if not below:
        return not any(_is_number(cell, decimal) for cell in first)
    if all(len(row) == len(first) + 1 for row in below):
        return not any(_is_number(cell, decimal) for cell in first)
    words, numbers = [], []
    for j, cell in enumerate(first):
        column = [row[j] for row in below if j < len(row)]
        if not _is_missing(cell) and _mostly_numbers(column, decimal):
            (numbers if _is_number(cell, decimal) else words).append(cell)
    # Years may stand in a header among words; a number with a fraction beside a word is a row with a slip.
    return bool(words) and all(cell.isdecimal() for cell in numbers)


def _mostly_numbers(cells, decimal):
    cells = [cell for cell in cells if not _is_missing(cell)]
    return sum(_number(cell, decimal) is not None for cell in cells) > len(cells) / 2


def _why_not_numeric(name, cells, decimal):
    """None for a column to use, else why not; an empty text when nothing was there to use."""
    present = [cell for cell in cells if not _is_missing(cell)]
    if not present:
        return "" if not name and not any(cells) else "no values"
    if not _mostly_numbers(cells, decimal):
        return f"not numbers, e.g. {_short(next(cell for cell in present if _number(cell, decimal) is None))}"
    return None


def _increases(numbers):
    return all(low < high for low, high in itertools.pairwise(numbers))


def _parse_either_mark(source, encoding, layout, wanted):
    """Parse with each decimal mark that may be in use; the first error is the one to tell."""
    error = None
    for decimal in layout.decimals:
        try:
            with _open_text(source, encoding) as lines:
                return _parse(source, lines, layout, wanted, decimal)
        except ReadError as this:
            error = error or this
    raise error


def _parse(source, lines, layout, wanted, decimal):
    """All rows as an array, its columns in the order of `wanted`."""
    for _ in range(layout.skip):
        next(lines)
    reader = _records(lines, layout.separator)
    width, numbers = len(layout.names), array("d")
    # One position too many, as itemgetter gives a tuple only for several.
    pick = None if wanted == list(range(width)) else operator.itemgetter(*wanted, wanted[0])
    for row in reader:
        if len(row) != width or width == 1:
            if len(row) < 2 and not "".join(row).strip():
                continue
            if len(row) != width:
                line = layout.skip + reader.line_num
                raise ReadError(f"{source.name}: line {line}: {len(row)} cell(s), where {width} are expected")
        cells = pick(row)[:-1] if pick else row
        values = _row_values(cells, decimal)
        if values is None:
            line = layout.skip + reader.line_num
            raise _bad_cell(source, line, cells, [layout.names[j] for j in wanted], decimal)
        numbers.extend(values)
    return np.array(numbers).reshape(-1, len(wanted))


def _row_values(cells, decimal):
    """The cells as finite floats, or None when one of them is none."""
    if decimal == "." and "_" not in "".join(cells):
        try:
            values = [*map(float, cells)]
        except ValueError:
            return None
    else:
        values = [_number(cell, decimal) for cell in cells]
        if None in values:
            return None
    # The sum is quick to look at, but may overflow where no value is infinite.
    return values if math.isfinite(sum(values)) or all(map(math.isfinite, values)) else None


def _bad_cell(source, line, cells, names, decimal):
    """The error for the first cell that is no finite number."""
    for name, cell in zip(names, cells):
        where, value = f"{source.name}: line {line}, column {name!r}", _number(cell, decimal)
        if _is_missing(cell):
            what = f"{cell!r} stands for a missing value" if cell.strip() else "the cell is empty"
            return ReadError(f"{where}: {what}: fill it in, delete the line, or choose columns without gaps")
        if value is None:
            return ReadError(f"{where}: {_short(cell)} is not a number")
        if not math.isfinite(value):
            return ReadError(f"{where}: {_short(cell)} is not a finite number")
    raise AssertionError("called for a row without a bad cell")


def _short(cell):
    return repr(cell if len(cell) <= 30 else cell[:27] + "...")


def _parse_with_arrow(source, layout, wanted):
    """What `_parse` would return, several times as fast, or None where that cannot be had.

    Both round correctly, so what pyarrow accepts has the same bits; what it refuses, `_parse` shall judge.
    """
    try:
        import pyarrow
        from pyarrow import csv as arrow_csv
    except ImportError:
        return None
    labels = [str(j) for j in range(len(layout.names))]
    try:
        with source.open() as file:
            table = arrow_csv.read_csv(
                file,
                read_options=arrow_csv.ReadOptions(column_names=labels, skip_rows=layout.skip),
                parse_options=arrow_csv.ParseOptions(delimiter=layout.separator),
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=[labels[j] for j in wanted],
                    column_types=dict.fromkeys(labels, pyarrow.float64()),
                    null_values=[],
                    decimal_point=layout.decimals[0],
                ),
            )
    except pyarrow.ArrowException:
        return None
    values = np.empty((table.num_rows, len(wanted)))
    for column, j in zip(values.T, wanted):
        column[:] = table.column(labels[j]).to_numpy()
    return values if np.isfinite(values).all() else None


# ----------------------------------------------------------------------------------------- NumPy's formats


def _read_npy(source, ask):
    """A table from one array; a plain file is mapped, so that only what is used gets read."""
    try:
        if source.on_disk:
            array = np.load(source.path, mmap_mode="r", allow_pickle=False)
        else:
            with source.open() as file:
                array = np.load(file, allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # what NumPy says to a damaged header has many types, TokenError and MemoryError among them
        raise _bad_array(source, error) from None
    return _from_array(source, array, ask)


def _read_npz(source, ask):
    """A table from an archive of arrays: its only matrix, or its vectors of one length as columns."""
    try:
        with source.open() as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError:
        raise
    except Exception as error:
        raise _bad_array(source, error) from None
    if "ckmeans" in arrays:
        raise ReadError(f"{source.name}: this is a ckmeans model, not data")
    if {"indptr", "indices", "data", "shape"} <= arrays.keys():
        raise ReadError(f"{source.name}: this is a sparse matrix; save a dense one, matrix.toarray()")
    arrays = {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)}
    if not arrays:
        raise ReadError(f"{source.name}: a zip archive without arrays; of a workbook, save the sheet as .csv")
    if len(arrays) == 1:
        return _from_array(source, *arrays.values(), ask)

    matrices = [name for name, array in arrays.items() if array.ndim == 2]
    if not matrices and len({array.shape for array in arrays.values()}) == 1:
        return _from_columns(source, arrays, ask)
    if len(matrices) != 1 and "X" not in matrices:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ReadError(f"{source.name}: which of its arrays is the data? There are {shapes}; call it 'X'")
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


def _bad_array(source, error):
    """The error for a file that NumPy does not load."""
    if "allow_pickle" in str(error) or "Python objects" in str(error):
        return ReadError(f"{source.name}: holds Python objects, which are not loaded, as they could run code")
    return ReadError(f"{source.name}: truncated or damaged: {error}")


def _from_array(source, array, ask):
    if array.ndim == 1:
        if array.dtype.names is not None:
            return _from_columns(source, {name: array[name] for name in array.dtype.names}, ask)
        array = array[:, np.newaxis]
    if array.ndim != 2:
        raise ReadError(f"{source.name}: an array of shape {array.shape}; a table has rows and columns")
    if array.dtype.kind not in "fiub":
        raise ReadError(f"{source.name}: an array of {array.dtype}, not of real numbers")
    names = [str(number) for number in range(1, array.shape[1] + 1)]
    chosen, where, _ = _choose(source, names, [None] * len(names), ask, named=False)
    values = array if chosen == list(range(len(names))) else array[:, chosen]
    row_weights = None if where is None else np.array(array[:, where], dtype=np.float64)
    return Table(values, [names[j] for j in chosen], named=False, weights=row_weights)


def _from_columns(source, arrays, ask):
    names = list(arrays)
    numeric = [
        None if array.ndim == 1 and array.dtype.kind in "fiub" else f"{array.dtype}, not real numbers"
        for array in arrays.values()
    ]
    return _stack(source, names, numeric, lambda j: arrays[names[j]], ask)


def _stack(source, names, numeric, column, ask):
    """A table from `column(j)` of the chosen columns, in a dtype that holds them all."""
    chosen, where, left_out = _choose(source, names, numeric, ask, named=True)
    for j in chosen if where is None else [*chosen, where]:
        if numeric[j] is not None:
            raise ReadError(f"{source.name}: column {names[j]!r} cannot be used: {numeric[j]}")
    return Table(
        np.stack([column(j) for j in chosen], axis=1),
        [names[j] for j in chosen],
        named=True,
        weights=None if where is None else np.array(column(where), dtype=np.float64),
        left_out=left_out,
    )


# --------------------------------------------------------------------------------------- Arrow's formats


def _read_parquet(source, ask):
    parquet = _pyarrow(source, "parquet")
    with source.open() as file, _arrow_errors(source):
        table = parquet.ParquetFile(file)
        return _from_arrow(source, table.schema_arrow, lambda name: table.read([name]), ask)


def _read_feather(source, ask):
    feather = _pyarrow(source, "feather")
    with source.open() as file, _arrow_errors(source):
        table = feather.read_table(file)
        return _from_arrow(source, table.schema, lambda name: table.select([name]), ask)


def _pyarrow(source, module):
    try:
        return importlib.import_module(f"pyarrow.{module}")
    except ImportError:
        raise ReadError(
            f"{source.name}: reading {module.capitalize()} files takes pyarrow, which is not installed: "
            "pip install pyarrow"
        ) from None


@contextlib.contextmanager
def _arrow_errors(source):
    import pyarrow

    try:
        yield
    except ReadError:
        raise
    except (pyarrow.ArrowException, OSError) as error:
        raise ReadError(f"{source.name}: truncated or damaged: {error}") from None


def _why_no_numbers(field, kinds="iufdb"):
    """None for a column of these kinds (signed, unsigned, floating, decimal, boolean) to use, else why not."""
    from pyarrow import types

    if field.name.startswith("__index_level_"):
        return "the index that pandas wrote along"
    is_a = {"i": types.is_signed_integer, "u": types.is_unsigned_integer, "f": types.is_floating, "d": types.is_decimal,
            "b": types.is_boolean}
    return None if any(is_a[kind](field.type) for kind in kinds) else f"{field.type}, not numbers"


def _from_arrow(source, schema, read, ask):
    """A table from the columns that `read(name)` gives."""
    from pyarrow import types

    def column(j):
        chunks = read(schema.names[j]).column(0)
        if chunks.null_count:
            row = np.argmax(chunks.is_null().to_numpy())
            raise ReadError(f"{source.name}: row {row}, column {schema.names[j]!r}: the value is missing")
        if types.is_decimal(chunks.type):
            chunks = chunks.cast("float64")
        return chunks.to_numpy()

    return _stack(source, schema.names, [_why_no_numbers(field) for field in schema], column, ask)


_FORMATS = (
    (b"\x93NUMPY", _read_npy),
    (b"PK\x03\x04", _read_npz),
    (b"PAR1", _read_parquet),
    (b"ARROW1", _read_feather),
    (b"FEA1", _read_feather),
)
