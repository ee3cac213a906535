"""What a command writes: checked before the work is done, written after it."""

import csv
import io
import os
import sys

import numpy as np

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
    for path in outputs.values():
        directory = os.path.dirname(os.path.abspath(path))
        if not os.path.isdir(directory):
            raise UsageError(f"cannot write {path}: there is no directory {directory}")
        if os.path.isdir(path):
            raise UsageError(f"cannot write {path}: it is a directory")
        for source in inputs:
            if os.path.isfile(path) and os.path.isfile(source) and os.path.samefile(path, source):
                raise UsageError(f"{path} is an input, and would be overwritten")


def write_labels(path, labels, table):
    """One label per line, under a header if the data has one, so that the lines of both files
    match.
    """
    write_rows(path, labels, ["label"] if table.columns else [])


def write_rows(path, array, names):
    """Write an array in full precision: as .npy if so called, else as text with a header of names,
    if any.
    """
    if path.lower().endswith(".npy"):
        with write_atomically(path) as file:
            np.save(file, array)
        return
    text = io.StringIO()
    writer = csv.writer(
        text, delimiter="\t" if path.lower().endswith(".tsv") else ",", lineterminator="\n"
    )
    if names:
        writer.writerow(map(safe_text.cell, names))
    writer.writerows(array.reshape(len(array), -1).tolist())
    if path == "-":
        sys.stdout.write(text.getvalue())
        return
    with write_atomically(path) as file:
        file.write(text.getvalue().encode())


def written_by(args):
    """The files written, by what is in them."""
    return {name: path for name, path in outputs_of(args).items() if path != "-"}
