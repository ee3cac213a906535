"""The header of a text: whether there is one, the names of the columns, and names of rows."""

import itertools
import re

import numpy as np

from .csv_columns import cells_of
from .csv_layout import BLANKS
from .csv_numbers import MARKS, PLAIN_MARKS, is_missing, is_number, short
from .tables import Ambiguous, unique

_ROW_NAMES = re.compile(r"rownames|row[._]names|__index_level_[0-9]+__", re.IGNORECASE)
_NO_NAME = re.compile(r"(?:unnamed: ?[0-9]+)?", re.IGNORECASE)  # pandas' name for a nameless column


def names_in_comment(layout, marks):
    """Names from the last comment, as numpy.savetxt writes them, or None."""
    comment = layout.comments[-1].lstrip("#").strip() if layout.comments else ""
    if layout.separator == BLANKS:
        comment = " ".join(comment.split())
    cells: list[str] = next(iter(cells_of([comment], layout.separator)), [])
    if len(cells) != layout.width or any(is_number(cell, [marks]) for cell in cells):
        return None
    return [cell.strip() for cell in cells]


def is_header(layout, numeric, marks, below, comment):
    """Whether the first line is a header; raises if it may as well be a row."""
    if layout.ask.header is not None:
        return layout.ask.header
    if layout.one_more:
        return True
    numbers = [cell for cell in layout.first if is_number(cell, [marks])]
    if not below:
        return not numbers
    if layout.ask.columns_if_named and set(layout.ask.columns_if_named) <= set(layout.first):
        return True
    above = [cell for cell, is_numeric in zip(layout.first, numeric) if is_numeric]
    words = [cell for cell in above if not is_missing(cell) and not is_number(cell, [marks])]
    if words and all(cell.isdecimal() for cell in numbers):
        return True
    if not words and comment:
        return False
    if not above or _has_years(layout, numeric) or _is_numbering(layout):
        return True
    raise _header_or_row(layout, numbers)


def _is_numbering(layout):
    """Whether the line is what pandas writes above an index and columns that are numbered."""
    corner, *others = layout.first
    return (
        not corner
        and bool(others)
        and all(map(str.isdecimal, others))
        and len(set(others)) == len(others)
        and _counts_rows(layout, 0, PLAIN_MARKS)
    )


def _counts_rows(layout, j, marks):
    """Whether a column holds distinct whole numbers."""
    values = np.empty(layout.body.n)
    if layout.body.numbers(j, marks, values) is not None:
        return False
    return np.array_equal(values, np.floor(values)) and len(np.unique(values)) == len(values)


def _has_years(layout, numeric):
    """Whether words and ascending years stand above columns that do not hold years.

    Above columns of years, three or more equally spaced years are taken for names, too.
    """
    years, looks_alike, year = [], False, r"[ \t]*(?:1[5-9]|20|21)[0-9][0-9][ \t]*"
    for j, (cell, is_numeric) in enumerate(zip(layout.first, numeric)):
        if is_numeric:
            if not re.fullmatch(year, cell):
                return False
            years.append(int(cell))
            looks_alike |= layout.body.find(j, year) is not None
        elif is_missing(cell) or is_number(cell, MARKS) or layout.body.holds(j, cell):
            return False
    steps = {high - low for low, high in itertools.pairwise(years)}
    if not 0 < len(years) < len(layout.first) or any(step <= 0 for step in steps):
        return False
    return not looks_alike or (len(years) > 2 and len(steps) == 1)


def _header_or_row(layout, numbers):
    count = "All" if len(numbers) == len(layout.first) else "Some"
    what = (
        f"{count} of its cells are numbers"
        if numbers
        else "No word stands above a column of numbers"
    )
    rows = layout.body.head(2)
    return Ambiguous(
        f"{layout.source.name}: line {layout.first_line}: is it a header or the first row? {what}.",
        [
            ("--header", f"columns {_some(map(repr, layout.first))}; {_rows(rows, layout.body.n)}"),
            (
                "--no-header",
                f"columns {_some(map(str, range(1, layout.width + 1)))}; "
                f"{_rows([layout.first, *rows[:1]], layout.body.n + 1)}",
            ),
        ],
    )


def find_names(layout, header, comment, profiles, numeric):
    """A name for each column, empty for the nameless, and which of them are row names."""
    if not header:
        return comment if comment and layout.ask.header is None else [""] * layout.width, {}
    if not layout.one_more:
        return layout.first, {}
    if layout.body.find(layout.width - 1, r"[\s\S]*[^ \t][\s\S]*") is None:
        return [*layout.first, ""], {}
    names = ["", *layout.first]
    if not numeric[0] and profiles[0].missing() == 0 or layout.ask.index is not None:
        return names, {}
    if layout.data.lstrip(b"\n").startswith(b'"'):  # R quotes them
        return names, {0: "row names"}
    rows = layout.body.head(2)
    readings = [
        (
            f"--index {unique(names)[0]}",
            "the first cell of a row is its name; "
            + _rows([row[1:] for row in rows], layout.body.n),
        ),
        (
            "--no-index",
            f"columns {_some(map(repr, unique(names)))}; {_rows(rows, layout.body.n)}",
        ),
    ]
    if layout.separator == ",":
        joined = [[",".join(row)] for row in rows] if layout.width == 2 else [["..."]]
        readings.append(("--sep ';'", f"commas are not separators; {_rows(joined, layout.body.n)}"))
    raise Ambiguous(
        f"{layout.source.name}: the header has {len(layout.first)} cell(s), the rows "
        f"{layout.width}: what is the additional one?",
        readings,
    )


def find_row_names(layout, names, shown_names, why_not, marks):
    """Columns of row names that R or pandas wrote along."""
    found = {}
    for j, name in enumerate(names):
        if (
            why_not[j] is not None
            or (j and not name)
            or not (_ROW_NAMES.fullmatch(name) or _NO_NAME.fullmatch(name))
        ):
            continue
        if _ROW_NAMES.fullmatch(name) or _counts_rows(layout, j, marks):
            found[j] = "row numbers"
            continue
        rows = layout.body.head(2)
        called = (
            f"column {j + 1}, called {name!r}," if name else f"column {j + 1}, which has no name,"
        )
        raise Ambiguous(
            f"{layout.source.name}: does {called} hold names of the rows, or values to cluster by?",
            [
                (
                    f"--index {shown_names[j] if str(j + 1) in shown_names else j + 1}",
                    f"names; {_rows([row[:j] + row[j + 1 :] for row in rows], layout.body.n)}",
                ),
                ("--no-index", f"values; {_rows(rows, layout.body.n)}"),
            ],
        )
    return found


def _some(texts, most=8):
    texts = list(itertools.islice(texts, most + 1))
    return ", ".join(texts[:most]) + (", ..." if len(texts) > most else "")


def _rows(rows, n):
    """The first rows, shortened."""
    shown = ", ".join(f"({_some(map(_bare, row), 6)})" for row in rows)
    return f"{n} row(s): {shown}" + (", ..." if n > len(rows) else "")


def _bare(cell):
    return short(cell)[1:-1]
