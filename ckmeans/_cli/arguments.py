"""Arguments of several commands, and how their values are read."""

import argparse
import csv
import math


class UsageError(ValueError):
    """Arguments that do not go together."""


def count(text):
    """A whole number of at least one."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def count_or_range(text):
    """A number of clusters, or a range A:B of them, B included."""
    low, colon, high = text.partition(":")
    if not colon:
        return count(text)
    first, last = count(low), count(high)
    if last <= first:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a range of numbers of clusters, such as 2:12"
        )
    return range(first, last + 1)


def count_or_auto(text):
    return text if text == "auto" else count(text)


def count_or_share(text):
    """A number of rows, or a share of them above 0 and below 1."""
    if "." not in text and "e" not in text.lower():
        return count(text)
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a number of rows nor a share of them, above 0 and below 1"
        )
    return share


def positive_seconds(text):
    """A number of seconds above zero."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def seed(text):
    """A whole number of 32 bits."""
    if not (text.isdecimal() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**32 - 1}")
    return int(text)


def whole_number(text):
    """A whole number of at least zero."""
    if not (text.isdecimal() and text.isascii()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def lines(text):
    """A number of lines."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return int(text)


def column_names(text):
    """Column names between commas, quoted as in a CSV file where they hold a comma."""
    names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
    if not all(names) or not names:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of columns, such as height,weight or 2,3"
        )
    return names


_CHARACTERS = {
    "tab": "\t",
    "\\t": "\t",
    "blank": " ",
    "blanks": " ",
    "space": " ",
    "comma": ",",
    "semicolon": ";",
    "bar": "|",
}


def character(text):
    """A character, or its name."""
    return _CHARACTERS.get(text, text)


def add_model_and_data(parser, purpose):
    """The model's file, and rows for a purpose such as "to assign"."""
    parser.add_argument(
        "model_file", metavar="MODEL", help="a model that ckmeans fit --model has written"
    )
    parser.add_argument(
        "data", metavar="DATA", help=f"rows {purpose}, in any format that ckmeans fit reads"
    )


def add_columns(parser, default="every column of numbers that is no id"):
    parser.add_argument(
        "--columns",
        metavar="A,B",
        type=column_names,
        help=f"columns to use, by name or by number from 1 (default: {default})",
    )


#: The columns that a command takes for a model by default.
OF_MODEL = "those of the fit by name, in any order; without names every column of numbers"

#: The options that `add_text_options` adds, as `readers.read_table` calls them.
TEXT_OPTIONS = ("index", "header", "sep", "decimal", "thousands", "skip", "encoding", "quotes")


def add_text_options(parser):
    """The options that override what is detected in a file."""
    parser.add_argument(
        "--index",
        metavar="A,B",
        type=column_names,
        help="columns of row names, which are not features (default: those that pandas or R wrote "
        "along, and ids: another whole number in each row)",
    )
    parser.add_argument(
        "--no-index",
        dest="index",
        action="store_const",
        const=[],
        help="no column is one of row names: ids are features as well",
    )
    text = parser.add_argument_group(
        "text files",
        "what is not given is detected; a file that can be read in two ways is an error",
    )
    text.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="the first line names the columns, or is a row",
    )
    text.add_argument(
        "--sep",
        metavar="C",
        type=character,
        help="the character between columns, or tab, or blanks for runs of them",
    )
    text.add_argument("--decimal", metavar="C", type=character, help="decimal mark, . or ,")
    text.add_argument(
        "--thousands",
        metavar="C",
        type=character,
        help="what stands between groups of three digits, as in 1,234,567",
    )
    text.add_argument(
        "--skip", metavar="N", type=lines, default=0, help="lines above the table to pass over"
    )
    text.add_argument("--encoding", metavar="NAME", help="such as utf-8, utf-16, latin-1, cp1252")
    text.add_argument(
        "--quotes",
        action=argparse.BooleanOptionalAction,
        help="quotation marks quote, or are letters like any other",
    )


def add_chunks(parser):
    parser.add_argument(
        "--chunks",
        action="store_true",
        help="for more rows than memory: leave them in their .npy file, Parquet file or directory "
        "(for which this is the default), and read them again in each pass; the result is the same",
    )


def add_threads(parser):
    parser.add_argument(
        "--threads",
        metavar="N",
        type=count,
        help="threads (default: one per CPU); the result is the same with any",
    )


def add_labels(parser):
    parser.add_argument(
        "--labels",
        metavar="OUT",
        help="write the cluster of each row, as .csv, .npy, .parquet, ...; - prints them",
    )


def add_table_output(parser):
    parser.add_argument(
        "--output",
        dest="table",
        metavar="OUT",
        help="write all columns of the data, and the columns cluster and distance; "
        "the suffix says the format: .csv, .tsv, .json, .jsonl, .parquet, .feather or .npy",
    )


def add_json(parser):
    parser.add_argument(
        "--json", action="store_true", help="print everything as JSON instead of the report"
    )
