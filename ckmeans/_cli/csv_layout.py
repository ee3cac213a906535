"""The layout of a text: lines to skip, separator, first record, and the records below it."""

import contextlib
import csv
import io
import itertools
import os
import re
from collections import Counter
from typing import Any

from .csv_columns import (
    ArrowColumns,
    NotCut,
    PlainColumns,
    any_length,
    cells_of,
    csv_reader,
    needs_arrow,
)
from .csv_numbers import MARKS, is_number
from .tables import Ambiguous, ReadError

#: If several fit equally well, the first one is taken.
_SEPARATORS = ("\t", ";", ",", "|")
BLANKS = " "  # runs of blanks and tabs, as many text tools write them
_LINES_LOOKED_AT = 100  # to find the separator


class Layout:
    """The layout of a text.

    Attributes
    ----------
    source : Source
    ask : Ask
    comments : list of str
        The lines above the table that begin with ``#``.
    separator : str
        The character between cells; a blank where the text has runs of blanks and tabs.
    first : list of str
        The cells of the first record, which may be a header or a row.
    first_line : int
        The number of its line.
    one_more : bool
        Whether rows have a cell more than the header.
    width : int
        Cells of a row.
    body : ArrowColumns or PlainColumns or None
        The records below the first one; None without any.
    data : bytes
        The text of these records.
    line : int
        The number of lines above them.
    """

    def __init__(self, source, data, ask):
        self.source, self.ask = source, ask
        self.data, self.line = data, 0
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
            second: list[str] = next(filter(None, reader), [])
        # R leaves the row names without a header; others end every row with a separator.
        self.one_more = (
            len(second) == len(self.first) + 1
            and ask.header is not False
            and (ask.header is True or not any(is_number(cell, MARKS) for cell in self.first))
        )
        self.width = len(self.first) + self.one_more
        self.body = self._cut()

    def _take_lines(self, count):
        """Remove lines from the start of the text, and return them."""
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
        """Remove comments and empty lines from the start of the text, and return the comments."""
        found = re.match(rb"(?:#[^\n]*(?:\n|\Z)|[ \t]*\n|[ \t]+\Z)*", self.data)[0]  # type: ignore[index]
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
            ((width, count),) = Counter(map(len, cells_of(lines, separator))).most_common(1)
            # A separator must not be rejected for a few lines of another width in favor of one that
            # only occurs within text.
            if width > 1 and count / len(lines) > best_share + 0.02:
                best, best_share = separator, count / len(lines)
        if best is not None:
            return best
        collapsed = [re.sub("[ \t]+", " ", line.strip(" \t\n")) for line in lines]
        words = Counter(map(len, cells_of(collapsed, BLANKS))).most_common(1)[0][0]
        # Text of one column may have blanks inside.
        numbers = any(is_number(word, MARKS) for line in collapsed for word in line.split())
        if words > 1 and numbers:
            return BLANKS
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
        """Remove blanks without meaning, as the parser keeps all characters."""
        data = self.data
        if self.separator == BLANKS:
            needs_arrow(self.source, "text between blanks")
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
        """The csv module's reader of the rest of the text: slow, but it takes any text."""
        lines = io.TextIOWrapper(io.BytesIO(self.data), "utf-8", newline="\n")
        with any_length():
            yield csv_reader(lines, self.separator, self.ask.quotes, strict)

    def _take_record(self):
        """Remove the first record from the text."""
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
            kind: Any = PlainColumns
        else:
            kind = ArrowColumns
        try:
            body = kind(self.data, self.separator, self.width, self.ask.quotes)
        except NotCut as error:
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
        """The error for text whose rows do not all have the same number of cells."""
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
        """Raise if quotes join lines that may be separate rows."""
        if self.ask.quotes is False or b'"' not in self.data:
            return
        lines = self.data.count(b"\n") + (not self.data.endswith(b"\n"))
        if body.n == lines - len(re.findall(rb"(?m)^\n", self.data)):
            return
        for _, start, end in self._numbered():
            if self._may_be_rows(start, end, self.width):
                raise self._stray_quote(start + 1)

    def _may_be_rows(self, start, end, width=None):
        """Whether several lines that quotes join, from the line below `start` on, may be rows.

        Then they all have the given width or, without one, a common width.
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
