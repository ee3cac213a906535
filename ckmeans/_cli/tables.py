"""The common parts of all readers of files: sources of bytes, the choice of columns, tables."""

import codecs
import functools
import io
import os
import re
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np


class ReadError(ValueError):
    """A file that cannot be read as a table of numbers; the message names the place."""


class MissingValue(ReadError):
    """A needed value is missing; options of the command line can treat it."""


class Ambiguous(ReadError):
    """A file that can be read in more than one way: the question, and the result of each option.

    Parameters
    ----------
    question : str
    readings : sequence of (str, str)
        For each reading the option of the command line that chooses it, and the table it gives.
    """

    def __init__(self, question, readings):
        self.question, self.readings = question, list(readings)
        super().__init__(
            "\n".join([question, *(f"  {option}: {what}" for option, what in self.readings)])
        )


class LeftOut(NamedTuple):
    """A column that is not used, and why."""

    name: str
    why: str


#: Why columns of a file are left out that are no features of a model.
NOT_USED = "not used by the model"


class Original(NamedTuple):
    """A column of the file as it is stored, used or not."""

    name: str
    values: Callable[[], Any]  #: numbers or other values, None (or NaN) where one is missing
    cells: Any = None  #: the cells of a text file
    nameless: bool = False  #: among columns with names; `name` is its number


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
    originals : list of Original, or None
        All columns of the file in its order, where they were asked for.
    kept : ndarray of bool, one for each row of the file, or None
        Which of them are rows of this table; None means all.
    in_vectors : set of str
        Names of features that are places of vectors, of which none is left out alone.
    """

    def __init__(self, values, names, *, named, weights=None, left_out=(), originals=None):
        self.values = values
        self.names = list(names)
        self.columns = self.names if named else []
        self.weights = weights
        self.left_out = list(left_out)
        self.originals = originals
        self.kept = None
        self.in_vectors: set[str] = set()
        self.dtypes = [values.dtype] * len(self.names)  # of the columns in the file

    def __len__(self):
        return len(self.values)

    def original(self, wanted):
        """The column of the file that is called, or numbered from 1, as `wanted` says, and is
        there.
        """
        for column in self.originals:
            if column.name == wanted:
                return column
        return self.originals[int(wanted) - 1]

    @property
    def places(self):
        """The place of each row in the file, from 0."""
        return np.arange(len(self)) if self.kept is None else np.flatnonzero(self.kept)

    def in_file(self, of_rows, absent):
        """Values for the rows of this table, spread to all rows of the file; the other rows get
        `absent`.
        """
        if self.kept is None:
            return of_rows
        if absent is None:
            of_rows = iter(np.asarray(of_rows).tolist())
            return [next(of_rows) if kept else None for kept in self.kept.tolist()]
        found = np.full(len(self.kept), absent, np.asarray(of_rows).dtype)
        found[self.kept] = of_rows
        return found

    def to_numpy(self):
        """The values, without a copy."""
        return self.values


class Ask(NamedTuple):
    """What the caller asks of a file; see `read_table`. None: detected from the file."""

    columns: list | None = None
    weights: str | None = None
    columns_if_named: list | None = None
    index: list | None = None  # type: ignore[assignment]  # of tuple
    header: bool | None = None
    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    skip: int = 0
    encoding: str | None = None
    quotes: bool | None = None
    gaps: bool = False  # whether missing values become NaN
    originals: bool = False  # whether all columns are wanted as they are
    aside: str | None = None  # a column that is used, but is no feature; takes `originals`

    def check(self):
        """Raise if options are invalid, alone or together."""
        if self.sep is not None and (len(self.sep) != 1 or self.sep in '"\r\n'):
            raise ReadError(f"sep is one character other than a quotation mark, not {self.sep!r}")
        if self.decimal not in (None, ".", ","):
            raise ReadError(f"decimal is a point or a comma, not {self.decimal!r}")
        if self.thousands is not None and self.thousands not in THOUSANDS:
            raise ReadError(
                f"thousands is one of {' '.join(map(repr, THOUSANDS))}, not {self.thousands!r}"
            )
        if self.thousands is not None and self.thousands == self.decimal:
            raise ReadError(
                f"{self.decimal!r} cannot be decimal mark and thousands separator at once"
            )
        if self.sep is not None and self.sep == self.thousands == " ":
            raise ReadError("blanks cannot separate columns and thousands at once")
        if self.skip < 0:
            raise ReadError(f"skip is a number of lines, not {self.skip}")
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise ReadError(
                    f"unknown encoding {self.encoding!r}; such as utf-8, utf-16, latin-1, cp1252"
                ) from None


#: what may stand between groups of three digits
THOUSANDS = (",", ".", "'", " ", "_", "\u2019", "\u00a0", "\u202f")


# --------------------------------------------------------------------------------- choosing columns


def choose(source, names, numeric, ask, named, index=None):
    """Choose the columns to use.

    Parameters
    ----------
    names : list of str
    numeric : list
        For every column None, or why it is not usable; with an empty reason it is not mentioned.
    ask : Ask
    named : bool
        Whether the names come from the file.
    index : dict of {int: str}, optional
        Columns of numbers that are not features unless they are asked for, and what they are.

    Returns
    -------
    chosen : list of int
    weights : int or None
    left_out : list of LeftOut
    """
    positions: dict[str, int] = {}
    for j, name in enumerate(names):
        positions.setdefault(name, j)
    where = None if ask.weights is None else _find(source, names, positions, ask.weights, named)
    aside = {}
    if ask.aside is not None:
        aside = {_find(source, names, positions, ask.aside, named): "known labels, as asked"}
    columns = ask.columns_if_named if ask.columns is None and named else ask.columns
    if columns is not None:
        chosen = [_find(source, names, positions, column, named) for column in columns]
        rest = []
        if ask.columns is None:
            used = {*chosen, *aside, where}
            rest = [LeftOut(name, NOT_USED) for j, name in enumerate(names) if j not in used]
        return chosen, where, rest
    if ask.index is not None:
        index = {
            _find(source, names, positions, column, named): "row names, as asked"
            for column in ask.index
        }
    left_out = {j: why for j, why in enumerate(numeric) if why is not None}
    left_out |= (index or {}) | aside
    if where is not None:
        left_out.pop(where, None)
    chosen = [j for j in range(len(names)) if j not in left_out and j != where]
    told = [LeftOut(names[j], why) for j, why in sorted(left_out.items()) if why]
    if not chosen:
        shown = "; ".join(f"{column.name!r}: {column.why}" for column in told[:3])
        more = f"; and {len(told) - 3} more" if len(told) > 3 else ""
        raise ReadError(
            f"{source.name}: no column of numbers" + (f" ({shown}{more})" if told else "")
        )
    return chosen, where, told


def _find(source, names, positions, wanted, named):
    """Position of the column called, or numbered from 1, `wanted`."""
    if wanted in positions:
        return positions[wanted]
    if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1
    if not named:
        raise ReadError(
            f"{source.name}: no column {wanted!r}; without names, they are 1 to {len(names)}"
        )
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    raise ReadError(f"{source.name}: no column {wanted!r}; there are {len(names)}: {shown}")


def unique(names):
    """Names for all columns: numbers for the nameless, ``x.1`` for a second ``x``."""
    taken: set[str] = set()
    again: dict[str, int] = {}
    result = list(names)
    for j in sorted(
        range(len(result)), key=lambda j: not result[j]
    ):  # names of the file's own come first
        base = name = result[j] or str(j + 1)
        while name in taken:
            # `again` goes on from the last number of the same base, so that many equal names take
            # linear time.
            number = again[base] = again.get(base, 0) + 1
            name = f"{base}.{number}"
        taken.add(name)
        result[j] = name
    return result


def without_numbers_of_rows(found, table, name):
    """Which columns stay where `found` look like numbers of the rows: (their places, LeftOut of the
    others). If columns have no names, or there are no others, all stay, with a warning.

    name : str
        What messages call the file.
    """
    for column in (name for name in found if name in table.in_vectors):
        warnings.warn(
            f"{name}: place {column!r} of the vectors has another whole number in each row and is "
            "used as a feature; if these are numbers of the rows, write the vectors without them",
            UserWarning,
            stacklevel=4,
        )
    found = [column for column in found if column not in table.in_vectors]
    if found and table.columns and len(found) < len(table.names):
        why = "another whole number in each row, such as an id; --no-index keeps it"
        kept = [j for j, column in enumerate(table.names) if column not in found]
        return kept, [LeftOut(column, why) for column in found]
    for column in found:
        warnings.warn(
            f"{name}: column {column!r} has another whole number in each row and is used as a "
            f"feature; if these are numbers of the rows, leave it out: --index {column}",
            UserWarning,
            stacklevel=4,
        )
    return list(range(len(table.names))), []


# ---------------------------------------------------------------------------- where bytes come from

_COMPRESSED = (  # first bytes, module that opens it
    (re.compile(rb"\x1f\x8b"), "gzip"),
    (re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38)"), "bz2"),
    (re.compile(rb"\xfd7zXZ\0"), "lzma"),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "zstd"),
)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
NOT_OPENED = "an address is not opened: download it first"


def is_address(path):
    """Whether this is an address such as a URL, not a path."""
    return isinstance(path, str) and _ADDRESS.match(path) is not None


class Source:
    """Where the bytes come from: a file, standard input or bytes; opened as often as needed.

    The compression of a file is detected by its first bytes, not by its name.
    """

    def __init__(self, path, data=None):
        self.path = os.fspath(path)
        self.data = data
        self.name = self.path
        if self.path == "-" and data is None:
            self.data = sys.stdin.buffer.read()
            self.name = "standard input"
        elif data is None and is_address(self.path):
            raise ReadError(
                f"{self.name}: {NOT_OPENED}, as with curl -L ADDRESS | ckmeans fit - ..."
            )
        elif data is None and os.path.isdir(self.path):
            raise ReadError(
                f"{self.name}: a directory; only those of Parquet files are read, by ckmeans fit "
                "and predict"
            )

    def _raw(self):
        return open(self.path, "rb") if self.data is None else io.BytesIO(self.data)

    @functools.cached_property
    def compressed(self):
        """The module that opens the bytes, or None."""
        with self._raw() as file:
            start = file.read(16)
        return next((module for magic, module in _COMPRESSED if magic.match(start)), None)

    def open(self):
        """A binary file with the bytes, decompressed."""
        if self.compressed is None:
            return self._raw()
        if self.compressed == "zstd":
            return self._open_zstd()
        return import_module(self.compressed).open(
            self.path if self.data is None else self._raw(), "rb"
        )

    def _open_zstd(self):
        try:
            from pyarrow import CompressedInputStream
        except ImportError:
            raise ReadError(
                f"{self.name}: reading Zstandard takes pyarrow: pip install 'ckmeans-cython[cli]'"
            ) from None
        with self._raw() as file, CompressedInputStream(file, "zstd") as stream:
            return io.BytesIO(stream.read())

    def read(self):
        """All bytes, decompressed."""
        with self.open() as file:
            return file.read()

    @property
    def on_disk(self):
        """Whether the bytes lie in a plain file that can be mapped."""
        return self.data is None and not self.compressed
