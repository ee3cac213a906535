"""Numbers in text: what a cell may be, how numbers are written, and which marks a file uses."""

import itertools
import re
from collections import Counter
from typing import NamedTuple

from .tables import Ambiguous

MISSING = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-", "."))

# The patterns are for Python and for RE2, which pyarrow uses.
EXPONENT = "(?:[eE][+-]?[0-9]+)?"
# A whole number with a leading zero is not plain: it may be a code.
PLAIN = rf"[ \t]*[+-]?(?:0|[1-9][0-9]*|[0-9]+\.[0-9]*|\.[0-9]+){EXPONENT}[ \t]*"
_CODE = r"[ \t]*[+-]?0[0-9]+[ \t]*"
INFINITE = r"[ \t]*[+-]?[iI][nN][fF](?:[iI][nN][iI][tT][yY])?[ \t]*"
_POINTED = r"[^.]*\.[^.]*"
_LIKE_A_GROUP = r"[ \t]*[+-]?[1-9][0-9]{0,2}\.[0-9]{3}[ \t]*"  # 1.234, which may be 1234


class Marks(NamedTuple):
    """How numbers are written."""

    decimal: str = "."
    thousands: str | None = None

    @property
    def pattern(self):
        """The pattern of a number."""
        digits, mark = "[0-9]+", f"[{self.decimal}]"
        if self.thousands:
            # Groups of two are usual in India.
            groups = f"[0-9]{{1,3}}(?:[{self.thousands}][0-9]{{2,3}})*[{self.thousands}][0-9]{{3}}"
            digits = f"(?:{groups}|[0-9]+)"
        return rf"[ \t]*[+-]?(?:{digits}(?:{mark}[0-9]*)?|{mark}[0-9]+){EXPONENT}[ \t]*"

    def is_number(self, cell):
        return re.fullmatch(self.pattern, cell) is not None

    def shows_thousands(self, cell):
        """Whether a number can only be read with these thousands: 1,234,567 or 1,234.5."""
        return cell.count(self.thousands) > 1 or (self.thousands in cell and self.decimal in cell)

    @property
    def option(self):
        thousands = self.thousands if self.thousands in (".", ",") else repr(self.thousands)
        return f"--decimal {self.decimal}" + (f" --thousands {thousands}" if self.thousands else "")


PLAIN_MARKS = Marks()
MARKS = (PLAIN_MARKS, Marks(","), Marks(".", ","), Marks(",", "."))


class Profile(NamedTuple):
    """Which kinds of cells a column has."""

    n: int
    n_plain: int
    odd: Counter  # other cells that may be numbers or stand for missing values: how often each
    text: str | None  # a cell that is none of these

    def missing(self):
        return sum(count for cell, count in self.odd.items() if is_missing(cell))

    def numbers(self, marks):
        """How many cells are numbers with any of these marks."""
        found = sum(count for cell, count in self.odd.items() if is_number(cell, marks))
        return self.n_plain + found

    def mostly_numbers(self, marks):
        return 2 * self.numbers(marks) > self.n - self.missing()

    def why_not(self, name, marks):
        """None for a usable column, else the reason; an empty text for a column without values."""
        if self.missing() == self.n:
            return "" if not name and not any(cell.strip() for cell in self.odd) else "no values"
        if not self.mostly_numbers([marks]):
            cells = itertools.chain([] if self.text is None else [self.text], self.odd)
            no_numbers = (c for c in cells if not is_missing(c) and not is_number(c, [marks]))
            return f"not numbers, e.g. {short(next(no_numbers))}"
        codes = [cell for cell in self.odd if re.fullmatch(_CODE, cell)]
        return f"codes with leading zeros, e.g. {codes[0].strip()!r}" if codes else None


def is_missing(cell):
    return cell.strip(" \t").lower() in MISSING  # as in the patterns: other blanks are text


def is_number(cell, marks):
    return any(each.is_number(cell) for each in marks) or re.fullmatch(INFINITE, cell) is not None


def short(cell):
    cell = cell.strip(" \t")
    return repr(cell if len(cell) <= 30 else cell[:27] + "...")


def value_of(cell, marks):
    """The number in a cell as a float, or None."""
    if re.fullmatch(INFINITE, cell):
        return float(cell)
    if not marks.is_number(cell):
        return None
    if marks.thousands:
        cell = cell.replace(marks.thousands, "")
    return float(cell.replace(marks.decimal, "."))


_MISSING_WORDS = "(?i:" + "|".join(re.escape(word) for word in sorted(MISSING)) + ")"
MISSING_PATTERN = f"[ \t]*{_MISSING_WORDS}[ \t]*"
# What may be a number in some way of writing, or stand for a missing value.
ODD_PATTERN = (
    "[ \t]*(?:[+-]?[0-9.,'_ \u2019\u00a0\u202f]*[0-9][0-9.,'_ \u2019\u00a0\u202f]*"
    + EXPONENT
    + f"|[+-]?(?i:inf|infinity)|{_MISSING_WORDS})[ \t]*"
)
ODD = re.compile(ODD_PATTERN)


def marks_asked(ask):
    """The marks that options leave to choose from."""
    decimal, thousands = ask.decimal, ask.thousands
    if decimal is not None:
        return [Marks(decimal, thousands)]
    if thousands is not None:
        return [Marks(mark, thousands) for mark in ".," if mark != thousands]
    return list(MARKS)


def find_marks(layout, profiles):
    """The marks that all columns of numbers agree on."""
    asked = marks_asked(layout.ask)
    if len(asked) == 1:
        return asked[0]
    columns = [(j, profile) for j, profile in enumerate(profiles) if profile.mostly_numbers(asked)]
    cells = [
        (cell, j)
        for j, profile in columns
        for cell in profile.odd
        if any(each.is_number(cell) for each in asked) and not PLAIN_MARKS.is_number(cell)
    ]
    if not cells and layout.ask.thousands is None and layout.separator != ";":
        return PLAIN_MARKS
    pointed = [j for j, _ in columns if layout.body.find(j, PLAIN, _POINTED) is not None]
    if not cells and layout.ask.thousands is None:
        # German spreadsheets separate columns by semicolons and thousands by points.
        like_groups = (
            layout.body.find(j, PLAIN, _POINTED, but=_LIKE_A_GROUP) is None for j in pointed
        )
        if pointed and all(like_groups):
            cell = layout.body.find(pointed[0], PLAIN, _POINTED)
            raise _which_marks(layout, cell, pointed[0], [PLAIN_MARKS, Marks(",", ".")])
        return PLAIN_MARKS
    readings: dict[tuple, Marks] = {}  # those that differ
    for marks in asked:
        if _fits(layout, marks, cells, pointed):
            values = tuple(value_of(cell, marks) for cell, _ in cells)
            readings.setdefault((values, bool(pointed) and marks.decimal), marks)
    fitting = list(readings.values())
    if len(fitting) == 1:
        (marks,) = fitting
        if (
            marks.thousands is None
            or layout.ask.thousands
            or any(marks.shows_thousands(cell) for cell, _ in cells)
        ):
            return marks
    if not cells:
        return asked[0]
    if len(fitting) == 1 and fitting[0].thousands:  # which nothing proves
        fitting.append(Marks(fitting[0].thousands))
    raise _which_marks(layout, *cells[0], fitting or asked[:2], pointed)


def _fits(layout, marks, cells, pointed):
    if not all(marks.is_number(cell) for cell, _ in cells):
        return False
    return marks.decimal == "." or all(
        layout.body.find(j, PLAIN, _POINTED, but=marks.pattern) is None for j in pointed
    )


def _which_marks(layout, cell, j, readings, pointed=()):
    """The error for numbers that can be read in two ways, or in none."""
    cells = [cell.strip()]
    if pointed:
        cells.append(layout.body.find(pointed[0], PLAIN, _POINTED).strip())
    values = [[(each, value_of(each, marks)) for each in cells] for marks in readings]
    return Ambiguous(
        f"{layout.source.name}: column {j + 1} holds {' beside '.join(map(repr, cells))}: "
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
