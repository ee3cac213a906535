"""Tables from text.

pyarrow cuts the text into cells and converts them (extra ``cli``). Of the libraries tried (pandas
3.1, polars 2.1, pyarrow 26, DuckDB 2.0) it is the one that guesses least and loses nothing:

* a line with a cell too few or too many is an error. pandas and polars fill short lines, pandas
  takes a cell too many for an index, and DuckDB then reads all lines as one column;
* every cell can be had as the text it was, so that ids keep their zeros, and marks and missing
  values are judged here;
* floats are rounded correctly, 10 000 columns take a fraction of a second, and Parquet needs it
  anyway.

What it has no opinion on is decided here, by three rules:

* the first line is the header. Where it may be a row as well (its cells are numbers, say, or no
  word stands above a column of numbers), that is asked;
* one decimal mark and one thousands separator hold for the whole file, and all its numbers must
  leave one reading;
* what has two readings is an error that shows both (`Ambiguous`); options overrule everything.

Without pyarrow plain CSV is read by the csv module: UTF-8, decimal points, and one character
between columns. The rest is refused.
"""

import contextlib
import csv
import io
import itertools
import math
import os
import re
import warnings
from collections import Counter
from typing import NamedTuple

import numpy as np

from .tables import Ambiguous, ReadError, Table, choose, unique

_SEPARATORS = (
    "\t",
    ";",
    ",",
    "|",
)  # where several fit equally well, the earlier is the likelier one
_BLANKS = " "  # runs of blanks and tabs, as many text tools write them
_MISSING = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-", "."))
_ROW_NAMES = re.compile(r"rownames|row[._]names|__index_level_[0-9]+__", re.IGNORECASE)
_NO_NAME = re.compile(r"(?:unnamed: ?[0-9]+)?", re.IGNORECASE)  # what pandas makes of no name
_LINES_LOOKED_AT = 100  # to find the separator
_LARGEST_BLOCK = 2**31 - 2  # of bytes that pyarrow parses at once

# The patterns are for Python and for RE2, which pyarrow uses.
_EXPONENT = "(?:[eE][+-]?[0-9]+)?"
# A whole number with a leading zero is not plain: it may be a code.
_PLAIN = rf"[ \t]*[+-]?(?:0|[1-9][0-9]*|[0-9]+\.[0-9]*|\.[0-9]+){_EXPONENT}[ \t]*"
_CODE = r"[ \t]*[+-]?0[0-9]+[ \t]*"
_INFINITE = r"[ \t]*[+-]?[iI][nN][fF](?:[iI][nN][iI][tT][yY])?[ \t]*"
_POINTED = r"[^.]*\.[^.]*"
_LIKE_A_GROUP = r"[ \t]*[+-]?[1-9][0-9]{0,2}\.[0-9]{3}[ \t]*"  # 1.234, which may be 1234


class _Marks(NamedTuple):
    """How numbers are written."""

    decimal: str = "."
    thousands: str = None

    @property
    def pattern(self):
        """What a number looks like."""
        digits, mark = "[0-9]+", f"[{self.decimal}]"
        if self.thousands:
            # Groups of two are usual in India.
            groups = f"[0-9]{{1,3}}(?:[{self.thousands}][0-9]{{2,3}})*[{self.thousands}][0-9]{{3}}"
            digits = f"(?:{groups}|[0-9]+)"
        return rf"[ \t]*[+-]?(?:{digits}(?:{mark}[0-9]*)?|{mark}[0-9]+){_EXPONENT}[ \t]*"

    def is_number(self, cell):
        return re.fullmatch(self.pattern, cell) is not None

    def shows_thousands(self, cell):
        """Whether a number can only be read with these thousands: 1,234,567 or 1,234.5."""
        return cell.count(self.thousands) > 1 or (self.thousands in cell and self.decimal in cell)

    @property
    def option(self):
        thousands = self.thousands if self.thousands in (".", ",") else repr(self.thousands)
        return f"--decimal {self.decimal}" + (f" --thousands {thousands}" if self.thousands else "")


_PLAIN_MARKS = _Marks()
_MARKS = (_PLAIN_MARKS, _Marks(","), _Marks(".", ","), _Marks(",", "."))


class _Profile(NamedTuple):
    """What the cells of a column look like."""

    n: int
    n_plain: int
    odd: Counter  # other cells that may be numbers or stand for missing values: how often each
    text: str  # a cell that is none of these, or None

    def missing(self):
        return sum(count for cell, count in self.odd.items() if _is_missing(cell))

    def numbers(self, marks):
        """How many cells are numbers by any of these marks."""
        found = sum(count for cell, count in self.odd.items() if _is_number(cell, marks))
        return self.n_plain + found

    def mostly_numbers(self, marks):
        return 2 * self.numbers(marks) > self.n - self.missing()

    def why_not(self, name, marks):
        """None for a column to use, else why not; an empty text when nothing was there to use."""
        if self.missing() == self.n:
            return "" if not name and not any(cell.strip() for cell in self.odd) else "no values"
        if not self.mostly_numbers([marks]):
            cells = itertools.chain([] if self.text is None else [self.text], self.odd)
            no_numbers = (c for c in cells if not _is_missing(c) and not _is_number(c, [marks]))
            return f"not numbers, e.g. {_short(next(no_numbers))}"
        codes = [cell for cell in self.odd if re.fullmatch(_CODE, cell)]
        return f"codes with leading zeros, e.g. {codes[0].strip()!r}" if codes else None


def _is_missing(cell):
    return cell.strip(" \t").lower() in _MISSING  # as the patterns have it: other blanks are text


def _is_number(cell, marks):
    return any(each.is_number(cell) for each in marks) or re.fullmatch(_INFINITE, cell) is not None


def _short(cell):
    cell = cell.strip(" \t")
    return repr(cell if len(cell) <= 30 else cell[:27] + "...")


def read_text(source, ask):
    """A table from text; see `_readers.read_table`."""
    page = _Page(source, _as_utf8(source, ask), ask)
    return page.table(ask)


# -------------------------------------------------------------------------------------------- bytes


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
        _needs_arrow(source, "text that is not UTF-8")
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
    """What a byte order mark says, else UTF-8, UTF-16 without a mark, or Latin-1."""
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


def _needs_arrow(source, what):
    """The module pyarrow; without it only plain CSV is read."""
    try:
        import pyarrow
    except ImportError:
        raise ReadError(
            f"{source.name}: reading {what} takes pyarrow, which is not installed: "
            "pip install 'ckmeans-cython[cli]'"
        ) from None
    return pyarrow


# ------------------------------------------------------------------------------------------- layout


class _Page:
    """A text and its layout: lines to skip, separator, first record, the records below it."""

    def __init__(self, source, data, ask):
        self.source, self.ask = source, ask
        self.data = data  # what is left of the text
        self.line = 0  # lines that were above it
        self._take_lines(ask.skip)
        hint = re.match(rb'"?sep=([ -~\t])"?\n', self.data)  # Excel's
        if hint:
            self._take_lines(1)
        self.comments = self._take_comments()
        if not self.data:
            raise ReadError(f"{source.name}: no rows")
        self.separator = ask.sep or (hint.group(1).decode() if hint else self._find_separator())
        self._tidy()
        self.first = self._take_record()
        with self._reader(strict=False) as reader:
            second = next(filter(None, reader), [])
        # R leaves the row names without a header; others end every row with a separator.
        self.one_more = (
            len(second) == len(self.first) + 1
            and ask.header is not False
            and (ask.header is True or not any(_is_number(cell, _MARKS) for cell in self.first))
        )
        self.width = len(self.first) + self.one_more
        self.body = self._cut()

    def _take_lines(self, count):
        """Take lines off the text, and return them."""
        end = 0
        for _ in range(count):
            end = self.data.find(b"\n", end) + 1
            if not end:
                end = len(self.data)
                break
        taken, self.data = self.data[:end], self.data[end:]
        self.line += count
        return taken.decode()

    def _take_comments(self):
        """Take comments and empty lines off the text, and return the comments."""
        found = re.match(rb"(?:#[^\n]*(?:\n|\Z)|[ \t]*\n|[ \t]+\Z)*", self.data).group()
        lines = self._take_lines(
            found.count(b"\n") + (not found.endswith(b"\n") and bool(found))
        ).split("\n")
        return [line for line in lines if line.startswith("#")]

    def _find_separator(self):
        """The separator that cuts the most lines into the same number of cells."""
        if "tsv" in os.path.basename(self.source.path).lower().split(".")[1:]:
            return "\t"
        lines = [line for line in self._lines(_LINES_LOOKED_AT) if line.strip(" \t\n")]
        best, best_share = None, 0.0
        for separator in _SEPARATORS:
            if separator not in lines[0]:
                continue
            ((width, count),) = Counter(map(len, _cells(lines, separator))).most_common(1)
            # One line in many with another width must not make its separator lose to one that is
            # only in text.
            if width > 1 and count / len(lines) > best_share + 0.02:
                best, best_share = separator, count / len(lines)
        if best is not None:
            return best
        collapsed = [re.sub("[ \t]+", " ", line.strip(" \t\n")) for line in lines]
        words = Counter(map(len, _cells(collapsed, _BLANKS))).most_common(1)[0][0]
        # Text of one column may have blanks inside.
        numbers = any(_is_number(word, _MARKS) for line in collapsed for word in line.split())
        if words > 1 and numbers:
            return _BLANKS
        # A header of one name shows no separator; the lines below may.
        below = Counter(
            separator for separator in _SEPARATORS for line in lines[1:] if separator in line
        )
        return below.most_common(1)[0][0] if below else ","

    def _lines(self, count):
        """The first lines of the text."""
        return list(
            itertools.islice(io.TextIOWrapper(io.BytesIO(self.data), "utf-8", newline="\n"), count)
        )

    def _tidy(self):
        """Take away blanks that mean nothing, as the parser takes all characters as they are."""
        data = self.data
        if self.separator == _BLANKS:
            _needs_arrow(self.source, "text between blanks")
            data = re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", data)
            inside = re.compile(rb'("[^"\n]*")|[ \t]+' if b'"' in data else rb"()[ \t]+")
            data = inside.sub(lambda found: found.group(1) or b" ", data)
        else:
            separator = self.separator.encode()
            if b"\n " in data:
                data = re.sub(rb"(?m)^ +$", b"", data)
            if self.ask.quotes is not False and b' "' in data:
                data = re.sub(rb"(?m)(^|" + re.escape(separator) + rb') +"', rb'\1"', data)
            if self.ask.quotes is not False and b'" ' in data:
                data = re.sub(rb'(?m)" +($|' + re.escape(separator) + rb")", rb'"\1', data)
        if not self.separator.isascii():
            if b"\x1f" in data:
                raise ReadError(
                    f"{self.source.name}: {self.separator!r} cannot separate text with unit "
                    "separators"
                )
            data, self.separator = data.replace(self.separator.encode(), b"\x1f"), "\x1f"
        self.data = data

    @contextlib.contextmanager
    def _reader(self, strict=True):
        """The csv module's reader of the rest of the text, as slow as it is patient."""
        lines = io.TextIOWrapper(io.BytesIO(self.data), "utf-8", newline="\n")
        with _any_length():
            yield _reader(lines, self.separator, self.ask.quotes, strict)

    def _take_record(self):
        """Take the first record off the text."""
        with self._reader() as reader:
            try:
                record = next(filter(None, reader))
            except csv.Error as error:
                raise self._stray_quote(self.line + 1, error) from None
        if self._may_be_rows(self.line, self.line + reader.line_num, len(record)):
            raise self._stray_quote(self.line + 1)
        self.first_line = self.line + 1
        self._take_lines(reader.line_num)
        return [cell.strip() for cell in record]

    def _cut(self):
        """The rest of the text in columns."""
        if not self.data.strip(b"\n"):
            return None
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            kind = _PlainColumns
        else:
            kind = _ArrowColumns
        try:
            body = kind(self.data, self.separator, self.width, self.ask.quotes)
        except _NotCut as error:
            raise self._why_not_cut(error) from None
        self._check_quotes(body)
        return body

    # ----------------------------------------------------------------------------------- complaints

    def where(self, row):
        """Number of the line on which a row of the body ends."""
        with self._reader(strict=False) as reader:
            next(itertools.islice(filter(None, reader), row, None))
            return self.line + reader.line_num

    def _why_not_cut(self, error):
        """The error for text that is no rectangle of cells."""
        try:
            for record, start, end in self._numbered():
                if record and len(record) != self.width:
                    if self._may_be_rows(start, end, self.width):
                        return self._stray_quote(start + 1)
                    return ReadError(
                        f"{self.source.name}: line {end}: {len(record)} cell(s), "
                        f"where {self.width} are expected"
                    )
        except ReadError as stray:
            return stray
        return ReadError(f"{self.source.name}: {error}")

    def _numbered(self):
        """Records of the body, each with the number of the line above it and of its last line.

        A quotation mark out of place is an error.
        """
        with self._reader() as reader:
            start = self.line
            try:
                for record in reader:
                    yield record, start, self.line + reader.line_num
                    start = self.line + reader.line_num
            except csv.Error as error:
                raise self._stray_quote(start + 1, error) from None

    def _check_quotes(self, body):
        """Raise where quotes join lines that may be rows of their own."""
        if self.ask.quotes is False or b'"' not in self.data:
            return
        lines = self.data.count(b"\n") + (not self.data.endswith(b"\n"))
        if body.n == lines - len(re.findall(rb"(?m)^\n", self.data)):
            return
        for _, start, end in self._numbered():
            if self._may_be_rows(start, end, self.width):
                raise self._stray_quote(start + 1)

    def _may_be_rows(self, start, end, width=None):
        """Whether several lines that quotes join, from the one below `start` on, may be rows.

        They are then of the given width, or of any one.
        """
        if self.ask.quotes is not None or end <= start + 1:
            return False
        separator = self.separator.encode()
        lines = self.data.split(b"\n")[start - self.line : end - self.line]
        widths = [line.count(separator) + 1 for line in lines if line]
        width = width or widths[0]
        return width > 1 and len(widths) > 1 and set(widths) == {width}

    def _stray_quote(self, line, error=None):
        """The error for a quotation mark that seems to quote nothing."""
        place = f"{self.source.name}: line {line}"
        if error and not self._may_be_rows(self.line, self.line + self.data.count(b"\n") + 1):
            return ReadError(
                f"{place}: a quotation mark is out of place: {error} "
                "(--no-quotes makes it a letter)"
            )
        return Ambiguous(
            f"{place}: is a quotation mark a letter, or does it quote a cell that goes on over "
            "several lines?",
            [
                (
                    "--quotes",
                    f"it quotes; then there is an error: {error}" if error else "it quotes",
                ),
                ("--no-quotes", "it is a letter; then each of the lines is a row"),
            ],
        )

    # ------------------------------------------------------------------------------------ decisions

    def table(self, ask):
        """The table, once everything about it is decided."""
        if self.body is None:
            self.body, below = _NoColumns(self.width), False
        else:
            below = True
        profiles = [self.body.profile(j) for j in range(self.width)]
        marks = self._find_marks(profiles) if below else self._marks_asked()[0]
        if marks != _PLAIN_MARKS:
            _needs_arrow(
                self.source, f"numbers with marks other than a decimal point ({marks.option})"
            )
        numeric = [profile.mostly_numbers([marks]) for profile in profiles]
        comment = self._names_in_comment(marks)
        header = self._is_header(numeric, marks, below, comment)
        if header and not below:
            raise ReadError(f"{self.source.name}: no rows below the header")
        names, index = self._names(header, comment, profiles, numeric)
        if not header:
            self.body.prepend(self.first)
            profiles = [self.body.profile(j) for j in range(self.width)]
        named, self.names = any(names), unique(names)
        why_not = [profile.why_not(name, marks) for name, profile in zip(names, profiles)]
        if (
            header
            and ask.columns is None
            and ask.index is None
            and not (named and ask.columns_if_named)
        ):
            if not index:
                index = self._row_names(names, why_not, marks)
        chosen, where, left_out = choose(self.source, self.names, why_not, ask, named, index)

        values = self._values(chosen if where is None else [*chosen, where], marks, header)
        row_weights = None
        if where is not None:
            row_weights = np.ascontiguousarray(values[:, -1])
            values = np.ascontiguousarray(values[:, :-1])
        return Table(
            values,
            [self.names[j] for j in chosen],
            named=named,
            weights=row_weights,
            left_out=left_out,
        )

    def _marks_asked(self):
        """The marks that options leave to choose from."""
        decimal, thousands = self.ask.decimal, self.ask.thousands
        if decimal is not None:
            return [_Marks(decimal, thousands)]
        if thousands is not None:
            return [_Marks(mark, thousands) for mark in ".," if mark != thousands]
        return list(_MARKS)

    def _find_marks(self, profiles):
        """The one way to write numbers that all columns of numbers agree on."""
        asked = self._marks_asked()
        if len(asked) == 1:
            return asked[0]
        columns = [
            (j, profile) for j, profile in enumerate(profiles) if profile.mostly_numbers(asked)
        ]
        cells = [
            (cell, j)
            for j, profile in columns
            for cell in profile.odd
            if any(each.is_number(cell) for each in asked) and not _PLAIN_MARKS.is_number(cell)
        ]
        if not cells and self.ask.thousands is None and self.separator != ";":
            return _PLAIN_MARKS
        pointed = [j for j, _ in columns if self.body.find(j, _PLAIN, _POINTED) is not None]
        if not cells and self.ask.thousands is None:
            # German spreadsheets separate columns by semicolons and thousands by points.
            like_groups = (
                self.body.find(j, _PLAIN, _POINTED, but=_LIKE_A_GROUP) is None for j in pointed
            )
            if pointed and all(like_groups):
                cell = self.body.find(pointed[0], _PLAIN, _POINTED)
                raise self._which_marks(cell, pointed[0], [_PLAIN_MARKS, _Marks(",", ".")])
            return _PLAIN_MARKS
        fitting = {}  # readings that differ
        for marks in asked:
            if self._fits(marks, cells, pointed):
                values = tuple(_value(cell, marks) for cell, _ in cells)
                fitting.setdefault((values, bool(pointed) and marks.decimal), marks)
        fitting = list(fitting.values())
        if len(fitting) == 1:
            (marks,) = fitting
            if (
                marks.thousands is None
                or self.ask.thousands
                or any(marks.shows_thousands(cell) for cell, _ in cells)
            ):
                return marks
        if not cells:
            return asked[0]
        if len(fitting) == 1:  # thousands that nothing proves
            fitting.append(_Marks(fitting[0].thousands))
        raise self._which_marks(*cells[0], fitting or asked[:2], pointed)

    def _fits(self, marks, cells, pointed):
        if not all(marks.is_number(cell) for cell, _ in cells):
            return False
        return marks.decimal == "." or all(
            self.body.find(j, _PLAIN, _POINTED, but=marks.pattern) is None for j in pointed
        )

    def _which_marks(self, cell, j, readings, pointed=()):
        """The error for numbers that two readings fit, or none does."""
        cells = [cell.strip()]
        if pointed:
            cells.append(self.body.find(pointed[0], _PLAIN, _POINTED).strip())
        values = [[(each, _value(each, marks)) for each in cells] for marks in readings]
        return Ambiguous(
            f"{self.source.name}: column {j + 1} holds {' beside '.join(map(repr, cells))}: "
            "which mark is the decimal one, and which one separates thousands?",
            [
                (
                    marks.option,
                    ", ".join(
                        f"{cell!r} is {'no number' if value is None else repr(value)}"
                        for cell, value in pairs
                    ),
                )
                for marks, pairs in zip(readings, values)
            ],
        )

    def _names_in_comment(self, marks):
        """Names from the last comment, as numpy.savetxt writes them, or None."""
        comment = self.comments[-1].lstrip("#").strip() if self.comments else ""
        if self.separator == _BLANKS:
            comment = " ".join(comment.split())
        cells = next(iter(_cells([comment], self.separator)), [])
        if len(cells) != self.width or any(_is_number(cell, [marks]) for cell in cells):
            return None
        return [cell.strip() for cell in cells]

    def _is_header(self, numeric, marks, below, comment):
        """Whether the first line is a header: so it is, unless it may as well be a row."""
        if self.ask.header is not None:
            return self.ask.header
        if self.one_more:
            return True
        numbers = [cell for cell in self.first if _is_number(cell, [marks])]
        if not below:
            return not numbers
        if self.ask.columns_if_named and set(self.ask.columns_if_named) <= set(self.first):
            return True
        above = [cell for cell, is_numeric in zip(self.first, numeric) if is_numeric]
        words = [cell for cell in above if not _is_missing(cell) and not _is_number(cell, [marks])]
        if words and all(cell.isdecimal() for cell in numbers):
            return True
        if not words and comment:
            return False
        if not above or self._has_years(numeric) or self._is_numbering():
            return True
        raise self._header_or_row(numbers)

    def _is_numbering(self):
        """Whether the line is what pandas writes above an index and columns that are numbered."""
        corner, *others = self.first
        return (
            not corner
            and bool(others)
            and all(map(str.isdecimal, others))
            and len(set(others)) == len(others)
            and self._counts_rows(0, _PLAIN_MARKS)
        )

    def _counts_rows(self, j, marks):
        """Whether a column holds whole numbers, another one in each row."""
        values = np.empty(self.body.n)
        if self.body.numbers(j, marks, values) is not None:
            return False
        return np.array_equal(values, np.floor(values)) and len(np.unique(values)) == len(values)

    def _has_years(self, numeric):
        """Whether words and ascending years stand above columns that hold no years.

        Where they do hold years, three or more years of one distance are taken for names, too.
        """
        years, looks_alike, year = [], False, r"[ \t]*(?:1[5-9]|20|21)[0-9][0-9][ \t]*"
        for j, (cell, is_numeric) in enumerate(zip(self.first, numeric)):
            if is_numeric:
                if not re.fullmatch(year, cell):
                    return False
                years.append(int(cell))
                looks_alike |= self.body.find(j, year) is not None
            elif _is_missing(cell) or _is_number(cell, _MARKS) or self.body.holds(j, cell):
                return False
        steps = {high - low for low, high in itertools.pairwise(years)}
        if not 0 < len(years) < len(self.first) or any(step <= 0 for step in steps):
            return False
        return not looks_alike or (len(years) > 2 and len(steps) == 1)

    def _header_or_row(self, numbers):
        count = "All" if len(numbers) == len(self.first) else "Some"
        what = (
            f"{count} of its cells are numbers"
            if numbers
            else "No word stands above a column of numbers"
        )
        rows = self.body.head(2)
        return Ambiguous(
            f"{self.source.name}: line {self.first_line}: is it a header or the first row? {what}.",
            [
                ("--header", f"columns {_some(map(repr, self.first))}; {_rows(rows, self.body.n)}"),
                (
                    "--no-header",
                    f"columns {_some(map(str, range(1, self.width + 1)))}; "
                    f"{_rows([self.first, *rows[:1]], self.body.n + 1)}",
                ),
            ],
        )

    def _names(self, header, comment, profiles, numeric):
        """A name for each column, empty for the nameless, and which of them are row names."""
        if not header:
            return comment if comment and self.ask.header is None else [""] * self.width, {}
        if not self.one_more:
            return self.first, {}
        if self.body.find(self.width - 1, r"[\s\S]*[^ \t][\s\S]*") is None:
            return [*self.first, ""], {}
        names = ["", *self.first]
        if not numeric[0] and profiles[0].missing() == 0 or self.ask.index is not None:
            return names, {}
        if self.data.lstrip(b"\n").startswith(b'"'):  # R quotes them
            return names, {0: "row names"}
        rows = self.body.head(2)
        readings = [
            (
                f"--index {unique(names)[0]}",
                "the first cell of a row is its name; "
                + _rows([row[1:] for row in rows], self.body.n),
            ),
            (
                "--no-index",
                f"columns {_some(map(repr, unique(names)))}; {_rows(rows, self.body.n)}",
            ),
        ]
        if self.separator == ",":
            joined = [[",".join(row)] for row in rows] if self.width == 2 else [["..."]]
            readings.append(
                ("--sep ';'", f"commas are no separators; {_rows(joined, self.body.n)}")
            )
        raise Ambiguous(
            f"{self.source.name}: the header has {len(self.first)} cell(s), the rows "
            f"{self.width}: what is the one more?",
            readings,
        )

    def _row_names(self, names, why_not, marks):
        """Columns of row names that R or pandas wrote along."""
        found = {}
        for j, name in enumerate(names):
            if (
                why_not[j] is not None
                or (j and not name)
                or not (_ROW_NAMES.fullmatch(name) or _NO_NAME.fullmatch(name))
            ):
                continue
            if _ROW_NAMES.fullmatch(name) or self._counts_rows(j, marks):
                found[j] = "row numbers"
                continue
            rows = self.body.head(2)
            called = (
                f"column {j + 1}, called {name!r},"
                if name
                else f"column {j + 1}, which has no name,"
            )
            raise Ambiguous(
                f"{self.source.name}: does {called} hold names of the rows, or values "
                "to cluster by?",
                [
                    (
                        f"--index {self.names[j] if str(j + 1) in self.names else j + 1}",
                        f"names; {_rows([row[:j] + row[j + 1 :] for row in rows], self.body.n)}",
                    ),
                    ("--no-index", f"values; {_rows(rows, self.body.n)}"),
                ],
            )
        return found

    # --------------------------------------------------------------------------------------- values

    def _values(self, wanted, marks, header):
        """The columns as an array of finite numbers; the first cell that is none is an error."""
        values = np.empty((self.body.n, len(wanted)))
        bad = None
        for column, j in zip(values.T, wanted):
            row = self.body.numbers(j, marks, column)
            if row is not None and (bad is None or row < bad[0]):
                bad = row, j
        if bad is None:
            return values
        row, j = bad
        line = self.first_line if not header and row == 0 else self.where(row - (not header))
        place, cell = (
            f"{self.source.name}: line {line}, column {self.names[j]!r}",
            self.body.cell(row, j),
        )
        if _is_missing(cell):
            what = (
                f"{cell.strip()!r} stands for a missing value"
                if cell.strip()
                else "the cell is empty"
            )
            raise ReadError(
                f"{place}: {what}: fill it in, delete the line, or choose columns without gaps"
            )
        if _is_number(cell, [marks]):
            raise ReadError(f"{place}: {_short(cell)} is not a finite number")
        raise ReadError(f"{place}: {_short(cell)} is not a number")


def _some(texts, most=8):
    texts = list(itertools.islice(texts, most + 1))
    return ", ".join(texts[:most]) + (", ..." if len(texts) > most else "")


def _rows(rows, n):
    """The first rows, shortly."""
    shown = ", ".join(f"({_some(map(_bare, row), 6)})" for row in rows)
    return f"{n} row(s): {shown}" + (", ..." if n > len(rows) else "")


def _bare(cell):
    return _short(cell)[1:-1]


def _value(cell, marks):
    """The float that a cell spells, or None."""
    if re.fullmatch(_INFINITE, cell):
        return float(cell)
    if not marks.is_number(cell):
        return None
    if marks.thousands:
        cell = cell.replace(marks.thousands, "")
    return float(cell.replace(marks.decimal, "."))


# ------------------------------------------------------------------------------------------ cutting


class _NotCut(Exception):
    """Text that is no rectangle of cells."""


def _reader(lines, separator, quotes=None, strict=True):
    quoting = csv.QUOTE_NONE if quotes is False else csv.QUOTE_MINIMAL
    return csv.reader(lines, delimiter=separator, quoting=quoting, strict=strict)


def _cells(lines, separator):
    """The records of some lines."""
    with _any_length():
        return [record for record in _reader(lines, separator, strict=False) if record]


@contextlib.contextmanager
def _any_length():
    """The csv module refuses long cells, unless told otherwise for the whole process."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _first_not_finite(values):
    finite = np.isfinite(values)
    return None if finite.all() else int(np.argmin(finite))


class _PlainColumns:
    """Columns cut by the csv module."""

    def __init__(self, data, separator, width, quotes):
        lines = io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="\n")
        try:
            with _any_length():
                records = [record for record in _reader(lines, separator, quotes) if record]
        except csv.Error as error:
            raise _NotCut(str(error)) from None
        if any(len(record) != width for record in records):
            raise _NotCut("rows of different lengths")
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
        plain = re.compile(_PLAIN).fullmatch
        rest = [cell for cell in self.columns[j] if not plain(cell)]
        odd = [cell for cell in rest if _ODD.fullmatch(cell)]
        text = (
            next((cell for cell in rest if not _ODD.fullmatch(cell)), None)
            if len(odd) < len(rest)
            else None
        )
        return _Profile(self.n, self.n - len(rest), Counter(odd), text)

    def numbers(self, j, marks, out):
        """Write the numbers of a column to `out`; return the first row without one, or None."""
        good = re.compile(marks.pattern).fullmatch
        if marks == _PLAIN_MARKS and all(map(good, self.columns[j])):
            out[:] = list(map(float, self.columns[j]))
        else:
            values = (_value(cell, marks) for cell in self.columns[j])
            out[:] = [math.nan if value is None else value for value in values]
        return _first_not_finite(out)


class _NoColumns(_PlainColumns):
    """Columns without a cell."""

    def __init__(self, width):
        self.columns, self.n = [[] for _ in range(width)], 0


# What may be a number in some way of writing, or stand for a missing value.
_ODD_PATTERN = (
    "[ \t]*(?:[+-]?[0-9.,'_ \u2019\u00a0\u202f]*[0-9][0-9.,'_ \u2019\u00a0\u202f]*"
    + _EXPONENT
    + "|[+-]?(?i:inf|infinity)|(?i:"
    + "|".join(re.escape(word) for word in sorted(_MISSING))
    + "))[ \t]*"
)
_ODD = re.compile(_ODD_PATTERN)


class _ArrowColumns:
    """Columns cut by pyarrow, with the methods of `_PlainColumns`."""

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
                raise _NotCut(str(error)) from None
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
        plain = self._matches(column, _PLAIN)
        n_plain = self.pc.sum(plain).as_py() or 0
        if n_plain == self.n:
            return _Profile(self.n, n_plain, Counter(), None)
        rest = column.filter(self.pc.invert(plain))
        is_odd = self._matches(rest, _ODD_PATTERN)
        text = rest.filter(self.pc.invert(is_odd))
        odd = Counter(
            {
                item["values"]: item["counts"]
                for item in rest.filter(is_odd).value_counts().to_pylist()
            }
        )
        return _Profile(self.n, n_plain, odd, text[0].as_py() if len(text) else None)

    def numbers(self, j, marks, out):
        column = self.columns[j]
        good = self._matches(column, marks.pattern)
        if not self.pc.all(good).as_py():
            return int(np.argmin(good.to_numpy()))
        column = self.pc.utf8_trim(column, " \t")
        if marks.thousands:
            column = self.pc.replace_substring(column, marks.thousands, "")
        if marks.decimal != ".":
            column = self.pc.replace_substring(column, marks.decimal, ".")
        out[:] = self.pc.cast(column, "float64").to_numpy()
        return _first_not_finite(out)
