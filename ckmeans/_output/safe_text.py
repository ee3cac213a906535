"""Text of users (names of columns, paths, strings of a file) made safe for output.

One function for each kind of output.
"""

import html as _html
import json
import math
import re
import sys
from typing import Any

#: First characters that make a spreadsheet take a cell for a formula, full-width forms included.
_FORMULA = tuple(
    "=+-@\t\r\n"
    "\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
    "\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)

_TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: f"\\{letter}" for letter in "{}$&#_%"},
}


def terminal(text: object, longest: int | None = None) -> str:
    """One line that cannot control a terminal.

    No control characters, no line ends, no marks that turn the direction of writing.

    longest : int or None
        The most characters; longer text is cut.
    """
    text = str(text)
    if not text.isprintable():
        text = "".join(
            letter if letter.isprintable() else " " if letter.isspace() and letter > "\x1f" else "?"
            for letter in text
        )
    return text if longest is None or len(text) <= longest else text[: longest - 3] + "..."


def message(text: object) -> str:
    """A message that may have several lines as one line for a terminal."""
    return terminal(" ".join(str(text).split()))


def html(text: object) -> str:
    """Text for an HTML page or an attribute of it; line ends and tabs stay."""
    text = str(text)
    if not text.isprintable():
        text = "".join(letter if letter in "\n\t" else terminal(letter) for letter in text)
    return _html.escape(text)


def picture(text: object) -> str:
    """Text for a label of a picture.

    matplotlib would read what is between dollar signs as mathematics, or all of it with
    ``text.usetex``.
    """
    text = terminal(text, 200)
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None and matplotlib.rcParams["text.usetex"]:
        return "".join(_TEX.get(letter, letter) for letter in text)
    return text.replace("$", r"\$")


def cell(text: object) -> str:
    """Text for a cell or a column name of a CSV file.

    Text that a spreadsheet would take for a formula gets an apostrophe in front. Numbers and
    harmless text stay as they are. Control characters, line ends included, become blanks.
    """
    line = re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", " ", str(text))
    formula = str(text).startswith(_FORMULA) or line.lstrip().startswith(_FORMULA)
    return "'" + line if formula and not _is_number(text) else line


def _is_number(text: Any) -> bool:
    return (
        re.fullmatch(r" *[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)? *", str(text), re.ASCII)
        is not None
    )


def to_json(value: Any) -> str:
    """JSON text that every reader takes: numbers that are not finite become null."""
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return value
