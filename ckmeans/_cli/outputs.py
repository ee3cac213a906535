"""What a command writes: checked before the work is done, written after it."""

import csv
import io
import json
import os
import sys

import numpy as np

from .._input.optional_packages import need
from .._output import safe_text
from .._output.files import write_atomically
from .arguments import UsageError

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
    """The places that results go to, by what they are."""
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
        directory = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(directory):
            raise UsageError(f"cannot write {path}: there is no directory {directory}")
        if os.path.isdir(path):
            raise UsageError(f"cannot write {path}: it is a directory")
        for source in inputs:
            if os.path.isfile(path) and os.path.isfile(source) and os.path.samefile(path, source):
                raise UsageError(f"{path} is an input, and would be overwritten")
        if os.path.isfile(path) and not args.force:
            raise UsageError(f"{path} exists: give --force to overwrite it, or another name")


def write_labels(path, labels, table):
    """One label per line, under a header if the data has one, so that the lines of both files
    match.
    """
    write_rows(path, labels, ["label"] if table.columns else [])


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
    """What says the format; text for standard output, and for names without a suffix."""
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
        text = io.StringIO()
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        if names:
            writer.writerow(map(safe_text.cell, names))
        writer.writerows(zip(*(column.tolist() for column in columns)))
        file.write(text.getvalue().encode())

    return write


def _npy(file, columns, names, array):
    np.save(file, np.column_stack(columns) if array is None else array)


def _records(columns, names):
    """A JSON text for each row."""
    names = named(names, len(columns))
    for row in zip(*(column.tolist() for column in columns)):
        yield json.dumps(dict(zip(names, row)), allow_nan=False)


def _json(file, columns, names, array):
    file.write(("[\n" + ",\n".join(_records(columns, names)) + "\n]\n").encode())


def _json_lines(file, columns, names, array):
    file.writelines(line.encode() + b"\n" for line in _records(columns, names))


def _arrow(module, function):
    def write(file, columns, names, array):
        table = need("pyarrow", "this format").table(
            [np.ascontiguousarray(column) for column in columns],
            names=named(names, len(columns)),
        )
        getattr(need(f"pyarrow.{module}", "this format"), function)(table, file)

    return write


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
#: suffix -> the module of pyarrow that writes it
_ARROW = {".parquet": "parquet", ".feather": "feather"}
#: What to say of formats that are asked for and not written.
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
    """The data, with the cluster of each row and its distance to the center."""
    added = {"cluster": labels, "distance": distances}
    if scores is not None:
        added["score"] = scores
    names = list(table.names if table.columns else named([], len(table.names)))
    for name in added:
        while name in names:
            name = f"{name} (ckmeans)"
        names.append(name)
    write_columns(path, [*np.asarray(table.values).T, *added.values()], names)


def written_by(args):
    """The files written, by what is in them."""
    return {name: path for name, path in outputs_of(args).items() if path != "-"}
