"""Tables from text: CSV and the like.

pyarrow cuts the text into cells and converts them (extra ``cli``). Of the libraries tried (pandas
3.1, polars 2.1, pyarrow 26, DuckDB 2.0) it is the one that guesses least and loses nothing:

* a line with a cell too few or too many is an error. pandas and polars fill short lines, pandas
  takes a cell too many for an index, and DuckDB then reads all lines as one column;
* every cell can be had as the text it was, so that ids keep their zeros, and marks and missing
  values are judged here;
* floats are rounded correctly, 10 000 columns take a fraction of a second, and Parquet needs it
  anyway.

The rest is decided here, by three rules:

* the first line is the header. If it may be a row as well (its cells are numbers, say, or no word
  stands above a column of numbers), that is an error;
* one decimal mark and one thousands separator hold for the whole file, and all its numbers must
  agree on them;
* text that can be read in two ways is an error that shows both (`Ambiguous`); options override
  everything.

Without pyarrow plain CSV is read by the csv module: UTF-8, decimal points, and one character
between columns. The rest is refused.

`csv_layout` finds the lines, the separator and the records, `csv_columns` cuts them into cells,
`csv_numbers` decides how numbers are written, and `csv_header` what the columns are called.
"""

import warnings

import numpy as np

from .csv_columns import NoColumns, needs_arrow
from .csv_header import find_names, find_row_names, is_header, names_in_comment
from .csv_layout import Layout
from .csv_numbers import PLAIN_MARKS, find_marks, is_missing, is_number, marks_asked, short
from .tables import MissingValue, Original, ReadError, Table, choose, unique


def read_text(source, ask):
    """A table from text; see `readers.read_table`."""
    return _table(Layout(source, _as_utf8(source, ask), ask))


def _as_utf8(source, ask):
    """The text in UTF-8, its lines ended by newlines only, without a byte order mark."""
    data = source.read()
    found = None if ask.encoding else _encoding(source, data)
    if found == "latin-1":
        warnings.warn(
            f"{source.name}: not UTF-8, so read as Latin-1; --encoding names another one",
            UserWarning,
            stacklevel=5,
        )
    if found not in ("ascii", "utf-8"):
        needs_arrow(source, "text that is not UTF-8")
        encoding = ask.encoding or found
        try:
            data = data.decode(encoding).encode()
        except UnicodeError as error:
            raise ReadError(f"{source.name}: {error} (--encoding names another one)") from None
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def _encoding(source, data):
    """The encoding of a byte order mark, else UTF-8, UTF-16 without a mark, or Latin-1."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    start = data[:4096]
    if b"\0" in start:
        # Numbers and separators in UTF-16 have a zero for every other byte.
        for first, encoding in (1, "utf-16-le"), (0, "utf-16-be"):
            zeros = start[first::2].count(0)
            if 2 * zeros > len(start[first::2]) and not start[1 - first :: 2].count(0):
                return encoding
        raise ReadError(f"{source.name}: not a format ckmeans reads: {FORMATS}")
    if data.isascii():
        return "ascii"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


#: what is read, for errors
FORMATS = "text (.csv, .tsv, ...), JSON, .npy, .npz, Parquet or Feather"


def _table(layout):
    """The table of a layout, once everything about it is decided."""
    ask = layout.ask
    if layout.body is None:
        layout.body, below = NoColumns(layout.width), False
    else:
        below = True
    profiles = [layout.body.profile(j) for j in range(layout.width)]
    marks = find_marks(layout, profiles) if below else marks_asked(ask)[0]
    if marks != PLAIN_MARKS:
        needs_arrow(
            layout.source, f"numbers with marks other than a decimal point ({marks.option})"
        )
    numeric = [profile.mostly_numbers([marks]) for profile in profiles]
    comment = names_in_comment(layout, marks)
    header = is_header(layout, numeric, marks, below, comment)
    if header and not below:
        raise ReadError(f"{layout.source.name}: no rows below the header")
    names, index = find_names(layout, header, comment, profiles, numeric)
    if not header:
        layout.body.prepend(layout.first)
        profiles = [layout.body.profile(j) for j in range(layout.width)]
    named, unique_names = any(names), unique(names)
    why_not = [profile.why_not(name, marks) for name, profile in zip(names, profiles)]
    columns_asked = ask.columns is not None or (named and ask.columns_if_named)
    if header and not index and ask.index is None and not columns_asked:
        index = find_row_names(layout, names, unique_names, why_not, marks)
    chosen, where, left_out = choose(layout.source, unique_names, why_not, ask, named, index)

    values = _values(
        layout, unique_names, chosen if where is None else [*chosen, where], marks, header
    )
    shown = unique_names if named else [f"column {name}" for name in unique_names]
    row_weights = None
    if where is not None:
        row_weights = np.ascontiguousarray(values[:, -1])
        values = np.ascontiguousarray(values[:, :-1])
    return Table(
        values,
        [unique_names[j] for j in chosen],
        named=named,
        weights=row_weights,
        left_out=left_out,
        originals=_originals(layout, shown, names, why_not, marks) if ask.originals else None,
    )


def _originals(layout, shown, names, why_not, marks):
    """All columns as they are; those of numbers, which the marks spell, also as numbers."""

    def original(j, name):
        nameless = any(names) and not names[j]
        cells = layout.body.cells(j)
        if why_not[j] is not None:
            return Original(name, lambda: cells, cells, nameless)
        numbers = np.empty(layout.body.n)
        if layout.body.numbers(j, marks, numbers, gaps=True) is not None:
            return Original(name, lambda: cells, cells, nameless)
        whole = layout.body.find(j, "[^0-9]*[0-9]+[^0-9].*") is None

        def values():
            kind = int if whole and np.nanmax(np.abs(numbers), initial=0) < 2**53 else float
            return [None if value != value else kind(value) for value in numbers.tolist()]

        return Original(name, values, cells if marks == PLAIN_MARKS else None, nameless)

    return [original(j, name) for j, name in enumerate(shown)]


def _values(layout, names, wanted, marks, header):
    """The columns as an array of finite numbers; any other cell is an error."""
    values = np.empty((layout.body.n, len(wanted)))
    bad = None
    for column, j in zip(values.T, wanted):
        row = layout.body.numbers(j, marks, column, layout.ask.gaps)
        if row is not None and (bad is None or row < bad[0]):
            bad = row, j
    if bad is None:
        return values
    row, j = bad
    line = layout.first_line if not header and row == 0 else layout.where(row - (not header))
    place, cell = (
        f"{layout.source.name}: line {line}, column {names[j]!r}",
        layout.body.cell(row, j),
    )
    if is_missing(cell):
        what = (
            f"{cell.strip()!r} stands for a missing value" if cell.strip() else "the cell is empty"
        )
        raise MissingValue(
            f"{place}: {what}: fill it in, delete the line, or choose columns without gaps"
        )
    if is_number(cell, [marks]):
        raise ReadError(f"{place}: {short(cell)} is not a finite number")
    raise ReadError(f"{place}: {short(cell)} is not a number")
