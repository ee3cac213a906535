"""The files that a command writes: checked before the work is done, written after it."""

import csv
import io
import itertools
import json
import math
import os
import sys
from contextlib import suppress
from decimal import Decimal

import numpy as np

from .._input.optional_packages import need
from .._output import safe_text
from .._output.files import write_atomically
from .arguments import UsageError
from .tables import is_address

#: The options that name a file to write, and what is in it.
CONTENTS = {
    "labels": "labels",
    "centers": "centers",
    "model": "model",
    "save": "data",
    "plot": "picture",
    "report": "report",
    "output": "picture",
    "table": "data with clusters",
    "distances": "distances",
}
_NO_TEXT = ("model", "plot", "report", "output")  # cannot go to standard output


def outputs_of(args):
    """Where each result goes: {name of the option: path}."""
    given = {name: getattr(args, name, None) for name in CONTENTS}
    return {name: path for name, path in given.items() if path is not None}


def check_outputs(args, inputs=()):
    """Raise, before the work is done, if its results could not be written."""
    outputs = outputs_of(args)
    if args.json and "-" in outputs.values():
        raise UsageError("--json and an output to - cannot both have standard output")
    for name in _NO_TEXT:
        if outputs.get(name) == "-":
            why = (
                "a model is no text"
                if name == "model"
                else f"a {CONTENTS[name]} does not go to standard output"
            )
            raise UsageError(f"{why}: give --{name} the name of a file")
    if len(set(outputs.values())) < len(outputs):
        raise UsageError("two results cannot go to the same place")
    for name in _ROWS & outputs.keys():
        check_format(outputs[name])
    for path in outputs.values():
        if is_address(path):
            raise UsageError(f"cannot write {path}: an address; give the name of a file")
        directory = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(directory):
            raise UsageError(f"cannot write {path}: there is no directory {directory}")
        if os.path.isdir(path):
            raise UsageError(f"cannot write {path}: it is a directory")
        for source in inputs:
            if os.path.isfile(path) and os.path.isfile(source) and os.path.samefile(path, source):
                raise UsageError(f"{path} is an input, and would be overwritten")
            if os.path.isdir(source) and is_within(path, source):
                raise UsageError(
                    f"cannot write {path}: all files in {source} are inputs; give a name elsewhere"
                )
        if os.path.isfile(path) and not args.force:
            raise UsageError(f"{path} exists: give --force to overwrite it, or another name")


def is_within(path, directory):
    """Whether a file is, or would be, in a directory or in one below it."""
    folder = os.path.realpath(directory)
    # (on Windows, what is on another drive has no path in common)
    with suppress(ValueError):
        return os.path.commonpath([folder, os.path.realpath(path)]) == folder
    return False


def write_labels(path, labels, table):
    """One label per line, under a header if the data has one, so that the lines of both files
    match; -1 for rows that were left out.
    """
    write_rows(path, table.in_file(labels, -1), ["label"] if table.columns else [])


def write_rows(path, array, names):
    """Write an array in full precision, in the format that the suffix says; text has a header of
    names, if any.
    """
    array = np.asarray(array)
    columns = [column for column in array.reshape(len(array), -1).T]
    write_columns(path, columns, names, array)


def write_columns(path, columns, names, array=None):
    """Write columns in full precision, each in its own type, in the format that the suffix says.

    array : ndarray or None
        What .npy holds; None means the columns side by side.
    """
    write = _WRITERS[suffix_of(path)]
    if path == "-":
        text = io.BytesIO()
        write(text, columns, names, array)
        sys.stdout.write(text.getvalue().decode())
        return
    with write_atomically(path) as file:
        write(file, columns, names, array)


def suffix_of(path):
    """The suffix that decides the format; ".csv" for standard output and names without one."""
    return os.path.splitext(path)[1].lower() or ".csv"


def check_format(path):
    """Raise, before the work is done, where rows cannot be written to a file of this name."""
    suffix = suffix_of(path)
    if suffix not in _WRITERS:
        raise UsageError(
            f"cannot write {path}: {_REMEDIES.get(suffix, 'an unknown format')}; the suffix is one "
            f"of {', '.join(_WRITERS)}"
        )
    if suffix in _ARROW:
        need(f"pyarrow.{_ARROW[suffix]}", f"a {suffix} file")


def _text(delimiter):
    def write(file, columns, names, array):
        head = [[safe_text.cell(name) for name in names]] if names else []
        for rows in itertools.chain([head], _blocks(columns)):
            write_lines(file, rows, delimiter)

    return write


def write_lines(file, rows, delimiter):
    """Write rows as lines of text to a binary file."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    file.write(text.getvalue().encode())


def _npy(file, columns, names, array):
    if array is None:
        array = np.column_stack([numbers(column) for column in columns])
    np.save(file, array)


def as_list(column):
    """The values of an array, an Arrow column or a list, as Python objects."""
    for method in ("tolist", "to_pylist"):
        if hasattr(column, method):
            return getattr(column, method)()
    return list(column)


def numbers(column):
    """A column as an array, with NaN for what is missing; None if it is not one of numbers."""
    if isinstance(column, np.ndarray) and column.ndim == 1 and column.dtype.kind in "fiub":
        return column
    values = as_list(column)
    if not all(value is None or isinstance(value, (int, float, Decimal)) for value in values):
        return None
    return np.array(values, dtype=np.float64)


def text_cell(value):
    """A value as it is written in text: lists and records as JSON."""
    return json.dumps(value, default=str) if isinstance(value, (list, dict)) else value


def _blocks(columns):
    """The rows, as lists of some of them."""
    for start in range(0, len(columns[0]), 1 << 14):
        yield list(zip(*(as_list(column[start : start + (1 << 14)]) for column in columns)))


def json_records(columns, names):
    """A JSON text for each row; what is not finite is null, as JSON has no such numbers."""
    names = named(names, len(columns))
    for row in itertools.chain.from_iterable(_blocks(columns)):
        finite = (
            None if isinstance(value, float) and not math.isfinite(value) else value
            for value in row
        )
        yield json.dumps(dict(zip(names, finite)), allow_nan=False, default=str)


def _json(file, columns, names, array):
    file.write(("[\n" + ",\n".join(json_records(columns, names)) + "\n]\n").encode())


def _json_lines(file, columns, names, array):
    file.writelines(line.encode() + b"\n" for line in json_records(columns, names))


def _arrow(module, function):
    def write(file, columns, names, array):
        table = need("pyarrow", "this format").table(
            list(map(_arrow_column, columns)), names=named(names, len(columns))
        )
        getattr(need(f"pyarrow.{module}", "this format"), function)(table, file)

    return write


def _arrow_column(column):
    pyarrow = need("pyarrow", "this format")
    if isinstance(column, np.ndarray):
        return np.ascontiguousarray(column)
    if not isinstance(column, list):
        return column  # one of Arrow's
    try:
        return pyarrow.array(column)
    except pyarrow.ArrowException:  # of several types
        return pyarrow.array([None if value is None else str(value) for value in column])


def named(names, d):
    """Names for formats that need some."""
    return list(names) or [f"column {number}" for number in range(1, d + 1)]


#: suffix -> function(file, columns, names, array)
_WRITERS = {
    ".csv": _text(","),
    ".tsv": _text("\t"),
    ".txt": _text(","),
    ".npy": _npy,
    ".json": _json,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _arrow("parquet", "write_table"),
    ".feather": _arrow("feather", "write_feather"),
}
#: Formats in which numbers are spelled as in the file.
TEXT = (".csv", ".tsv", ".txt")
#: suffix -> the module of pyarrow that writes it
_ARROW = {".parquet": "parquet", ".feather": "feather"}
#: Messages about formats that cannot be written.
_REMEDIES = {
    ".xlsx": "no workbook is written; Excel opens .csv",
    ".xls": "no workbook is written; Excel opens .csv",
    ".sqlite": "no database is written; sqlite3 imports .csv",
    ".db": "no database is written; most import .csv",
    ".npz": "no archive of arrays is written; .npy holds one",
    ".gz": "nothing is compressed; .parquet is",
}
#: The outputs that are rows.
_ROWS = {"labels", "centers", "save", "table", "distances"}


def write_table(path, table, labels, distances, scores=None):
    """Write all columns of the file with the cluster of each row and its distance to the center,
    both empty for rows that were left out. Returns remarks about columns that are renamed or left
    out.
    """
    added = {"cluster": labels, "distance": distances}
    if scores is not None:
        added["score"] = scores
    suffix, remarks = suffix_of(path), []
    names, columns = [], []
    for original in table.originals:
        text = suffix in TEXT
        column = original.cells if text and original.cells is not None else original.values()
        if text and not isinstance(column, np.ndarray) and original.cells is None:
            column = [text_cell(value) for value in as_list(column)]
        if suffix == ".npy" and numbers(column) is None:
            remarks.append(f"{path}: column {original.name!r} is left out: .npy holds numbers only")
            continue
        # (Text may have columns without a name; other formats need one.)
        names.append("" if text and original.nameless else original.name)
        columns.append(column)
    more, renamed = new_names(path, names, added)
    names += more
    columns += [table.in_file(column, None) for column in added.values()]
    remarks += renamed
    write_columns(path, columns, names)
    return remarks


def new_names(path, names, added):
    """What new columns are called beside those of the file, and remarks about other names."""
    found, remarks = [], []
    for there in added:
        name = there
        while name in names or name in found:
            name = f"{name} (ckmeans)"
        if name != there:
            remarks.append(f"{path}: the data has a column {there!r}; the new one is {name!r}")
        found.append(name)
    return found, remarks


def written_by(args):
    """The files written, by what is in them."""
    return {name: path for name, path in outputs_of(args).items() if path != "-"}
