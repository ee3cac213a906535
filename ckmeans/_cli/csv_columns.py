"""Columns of text cells, cut by pyarrow or, where it is not installed, by the csv module."""

import contextlib
import csv
import io
import itertools
import math
import re
from collections import Counter
from typing import Any

import numpy as np

from .csv_numbers import (
    MISSING_PATTERN,
    ODD,
    ODD_PATTERN,
    PLAIN,
    PLAIN_MARKS,
    Profile,
    is_missing,
    value_of,
)
from .tables import ReadError

_LARGEST_BLOCK = 2**31 - 2  # of bytes that pyarrow parses at once


def needs_arrow(source, what):
    """The module pyarrow; without it only plain CSV is read."""
    try:
        import pyarrow
    except ImportError:
        raise ReadError(
            f"{source.name}: reading {what} takes pyarrow, which is not installed: "
            "pip install 'ckmeans-cython[cli]'"
        ) from None
    return pyarrow


class NotCut(Exception):
    """Text whose rows do not all have the same number of cells."""


def csv_reader(lines, separator, quotes=None, strict=True):
    quoting: Any = csv.QUOTE_NONE if quotes is False else csv.QUOTE_MINIMAL
    return csv.reader(lines, delimiter=separator, quoting=quoting, strict=strict)


def cells_of(lines, separator):
    """The records of some lines."""
    with any_length():
        return [record for record in csv_reader(lines, separator, strict=False) if record]


@contextlib.contextmanager
def any_length():
    """The csv module refuses long cells, unless told otherwise for the whole process."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _first_not_finite(values, but=None):
    """The first row of a value that is not finite, except rows of a mask; None if there is none."""
    good = np.isfinite(values)
    if but is not None:
        good |= but
    return None if good.all() else int(np.argmin(good))


class PlainColumns:
    """Columns cut by the csv module."""

    def __init__(self, data, separator, width, quotes):
        lines = io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="\n")
        try:
            with any_length():
                records = [record for record in csv_reader(lines, separator, quotes) if record]
        except csv.Error as error:
            raise NotCut(str(error)) from None
        if any(len(record) != width for record in records):
            raise NotCut("rows of different lengths")
        self.columns = list(map(list, zip(*records)))
        self.n = len(records)

    def prepend(self, record):
        """Put a record above the others."""
        for column, cell in zip(self.columns, record):
            column.insert(0, cell)
        self.n += 1

    def cell(self, row, j):
        return self.columns[j][row]

    def head(self, n):
        """The first records."""
        return [list(record) for record in itertools.islice(zip(*self.columns), n)]

    def holds(self, j, cell):
        """Whether the column holds a cell."""
        return cell in self.columns[j]

    def find(self, j, *patterns, but=None):
        """The first cell that matches all patterns, but not `but`."""
        wanted, unwanted = [re.compile(pattern) for pattern in patterns], but and re.compile(but)
        for cell in self.columns[j]:
            if all(each.fullmatch(cell) for each in wanted) and not (
                but and unwanted.fullmatch(cell)
            ):
                return cell
        return None

    def profile(self, j):
        plain = re.compile(PLAIN).fullmatch
        rest = [cell for cell in self.columns[j] if not plain(cell)]
        odd = [cell for cell in rest if ODD.fullmatch(cell)]
        text = (
            next((cell for cell in rest if not ODD.fullmatch(cell)), None)
            if len(odd) < len(rest)
            else None
        )
        return Profile(self.n, self.n - len(rest), Counter(odd), text)

    def cells(self, j):
        """All cells of a column, as text."""
        return self.columns[j]

    def numbers(self, j, marks, out, gaps=False):
        """Write the numbers of a column to `out`; return the first row without one, or None.

        With `gaps` a missing value is NaN, and its row is not returned.
        """
        good = re.compile(marks.pattern).fullmatch
        if marks == PLAIN_MARKS and all(map(good, self.columns[j])):
            out[:] = list(map(float, self.columns[j]))
        else:
            values = (value_of(cell, marks) for cell in self.columns[j])
            out[:] = [math.nan if value is None else value for value in values]
        missing = [is_missing(cell) for cell in self.columns[j]] if gaps else None
        return _first_not_finite(out, missing)


class NoColumns(PlainColumns):
    """Columns without a cell."""

    def __init__(self, width):
        self.columns, self.n = [[] for _ in range(width)], 0


class ArrowColumns:
    """Columns cut by pyarrow, with the methods of `PlainColumns`."""

    def __init__(self, data, separator, width, quotes):
        import pyarrow
        from pyarrow import compute
        from pyarrow import csv as arrow_csv

        self.pc = compute
        labels = [str(j) for j in range(width)]
        for block_size in (1 << 22, len(data) + 1):  # a line does not go over more than two blocks
            try:
                table = arrow_csv.read_csv(
                    pyarrow.BufferReader(data),
                    read_options=arrow_csv.ReadOptions(
                        column_names=labels, block_size=min(max(block_size, 1024), _LARGEST_BLOCK)
                    ),
                    parse_options=arrow_csv.ParseOptions(
                        delimiter=separator,
                        newlines_in_values=quotes is not False and b'"' in data,
                        quote_char=False if quotes is False else '"',
                    ),
                    convert_options=arrow_csv.ConvertOptions(
                        column_types=dict.fromkeys(labels, pyarrow.string()),
                        null_values=[],
                        strings_can_be_null=False,
                        quoted_strings_can_be_null=False,
                    ),
                )
            except pyarrow.ArrowException as error:
                if "straddl" in str(error) and block_size < len(data):
                    continue
                raise NotCut(str(error)) from None
            break
        self.columns, self.n = table.columns, table.num_rows

    def prepend(self, record):
        import pyarrow

        self.columns = [
            pyarrow.chunked_array([pyarrow.array([cell]), *column.chunks])
            for cell, column in zip(record, self.columns)
        ]
        self.n += 1

    def cell(self, row, j):
        return self.columns[j][row].as_py()

    def head(self, n):
        return list(map(list, zip(*(column.slice(0, n).to_pylist() for column in self.columns))))

    def holds(self, j, cell):
        return self.pc.any(self.pc.equal(self.columns[j], cell)).as_py()

    def _matches(self, column, pattern):
        return self.pc.match_substring_regex(column, f"^(?:{pattern})$")

    def find(self, j, *patterns, but=None):
        column = self.columns[j]
        for pattern in patterns:
            column = column.filter(self._matches(column, pattern))
        if but:
            column = column.filter(self.pc.invert(self._matches(column, but)))
        return column[0].as_py() if len(column) else None

    def profile(self, j):
        column = self.columns[j]
        plain = self._matches(column, PLAIN)
        n_plain = self.pc.sum(plain).as_py() or 0
        if n_plain == self.n:
            return Profile(self.n, n_plain, Counter(), None)
        rest = column.filter(self.pc.invert(plain))
        is_odd = self._matches(rest, ODD_PATTERN)
        text = rest.filter(self.pc.invert(is_odd))
        odd = Counter(
            {
                item["values"]: item["counts"]
                for item in rest.filter(is_odd).value_counts().to_pylist()
            }
        )
        return Profile(self.n, n_plain, odd, text[0].as_py() if len(text) else None)

    def cells(self, j):
        return self.columns[j]

    def numbers(self, j, marks, out, gaps=False):
        column = self.columns[j]
        good = self._matches(column, marks.pattern)
        missing = None
        if not self.pc.all(good).as_py():
            if gaps:
                missing = self._matches(column, MISSING_PATTERN).to_numpy()
            found = good.to_numpy() if missing is None else good.to_numpy() | missing
            if not found.all():
                return int(np.argmin(found))
            column = self.pc.if_else(good, column, None)
        column = self.pc.utf8_trim(column, " \t")
        if marks.thousands:
            column = self.pc.replace_substring(column, marks.thousands, "")
        if marks.decimal != ".":
            column = self.pc.replace_substring(column, marks.decimal, ".")
        out[:] = self.pc.cast(column, "float64").to_numpy()
        return _first_not_finite(out, missing)
