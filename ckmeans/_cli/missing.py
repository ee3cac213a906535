"""The treatment of missing values: ``--missing``."""

import contextlib
import math
import re

import numpy as np

from .._input.checks import MAX_ABS
from .arguments import UsageError
from .facts import by_column, counted
from .inputs import REMEDY, read_for_model
from .tables import ReadError

WAYS = ("error", "drop", "mean", "ignore")

#: What is done by default with rows for a model.
BY_MODEL = " (default: as the model was fitted)"


def add_missing(parser, default="error", more=""):
    parser.add_argument(
        "--missing",
        choices=WAYS,
        default=default,
        help="what to do with missing values: error; drop leaves out rows that have some, whose "
        "label is -1; mean fills in the mean of the column; ignore leaves them out of distances "
        f"and centers{more}",
    )


def way_of(args, model):
    """How ``predict`` treats missing values: as the option says, else as the fit did."""
    means = hasattr(model, "column_means_")
    by_model = getattr(model, "missing", "error")  # for models without this parameter, an error
    how = args.missing or ("mean" if means else by_model)
    if how == "mean" and not means:
        raise UsageError(
            "--missing mean fills in the means of the fit, and the model has none: fit it with "
            "--missing mean, or give --missing drop"
        )
    if how == "ignore" and by_model != "ignore":
        plain = getattr(model, "metric", "euclidean") == "euclidean"
        if not hasattr(model, "missing") or not plain or getattr(model, "scale", None) is not None:
            raise UsageError(
                "--missing ignore goes with models of Euclidean distances without a scale: give "
                "--missing drop"
            )
        model.set_params(missing="ignore")
    return how


def read_full_rows(args, model, path=None, **options):
    """The table at `path`, by default the one that the arguments name, for a command that needs
    full rows of a model; and what is to be told about missing values.
    """
    how, source = way_of(args, model), args.data if path is None else path
    table = read_for_model(args, model, path, gaps=how != "error", **options)
    if how == "ignore":
        if np.isnan(np.asarray(table.values)).any():
            raise UsageError(
                f"{source} has missing values, and full rows are needed here: give --missing drop"
            )
        how = "error"
    return table, treat(how, table, source, model)[0]


def treat(how, table, source, model=None):
    """Treat the missing values of a table in the way `how`, in place.

    Parameters
    ----------
    how : one of WAYS
    table : Table
        Its missing values are NaN.
    source : str
        The name of the table in messages.
    model : fitted estimator, optional
        The model that the rows are for. Default: they are to be fitted, and "mean" fills in their
        own (weighted) means.

    Returns
    -------
    facts : dict or None
        What was missing, and what was done; None if nothing was missing.
    means : ndarray of shape (d,) or None
        The values that "mean" fills in.
    """
    means, weights = getattr(model, "column_means_", None), table.weights
    if how == "error" or means is not None and len(means) != len(table.names):
        return None, None  # the model raises the error for columns that are not its own
    gaps = np.isnan(np.asarray(table.values))
    unweighted = np.zeros(len(table), bool) if weights is None else np.isnan(weights)
    if unweighted.any() and how != "drop":
        raise ReadError(
            f"{source}: {counted(unweighted.sum(), 'weight')} missing, the first in row "
            f"{np.argmax(unweighted) + 1}: fill in weights, or give --missing drop"
        )
    out = {
        "drop": gaps.any(axis=1) | unweighted,
        "ignore": gaps.all(axis=1),
        "mean": np.zeros(len(table), bool),
    }[how]
    if out.all():
        raise ReadError(
            f"{source}: every row has missing values ({by_column(_counts(table, gaps))}): choose "
            "columns without gaps by --columns"
            + (", or give --missing mean or ignore" if how == "drop" else "")
        )
    empty = gaps.all(axis=0)
    if empty.any() and model is None and how != "drop":
        raise ReadError(
            f"{source}: column {table.names[np.argmax(empty)]!r} has no values: choose other "
            "columns by --columns"
        )
    facts = None
    if gaps.any() or unweighted.any():
        counts = _counts(table, gaps)
        if unweighted.any():
            counts["the weights"] = int(unweighted.sum())
        facts = {
            "how": how,
            "values": counts,
            "rows_with_gaps": int((gaps.any(axis=1) | unweighted).sum()),
            "rows_left_out": int(out.sum()),
        }
    if how == "mean":
        means = _means(table) if means is None else means
        if facts is not None:
            table.values = np.where(gaps, means.astype(table.values.dtype), table.values)
    elif out.any():
        table.kept = ~out
        table.values = np.asarray(table.values)[table.kept]
        table.weights = None if weights is None else weights[table.kept]
    return facts, means


_PLACE = re.compile(r"at row (\d+), column (\d+)(?: \(.*?\))?: ")


@contextlib.contextmanager
def told_by_command(table, chunks=False):
    """Errors about values in the words of the command: rows and nameless columns are counted from
    1, and what helps is an option. (Readers of arrays do not look at the values.)
    """
    try:
        yield
    except ValueError as error:
        said = str(error)
        place = _PLACE.search(said) if said.startswith("X contains") else None
        if place is None:
            raise
        row, column = (int(number) for number in place.groups())
        if not chunks:
            row = int(table.places[row])
        name = table.names[column]
        named = f"column {name!r}" if table.columns else f"column {name}"
        said = f"{said[: place.start()]}at row {row + 1}, {named}: {said[place.end() :]}"
        if said.startswith("X contains NaN") and not chunks:
            said = f"{said.rstrip('.')}; or {REMEDY}"
        raise ValueError(said) from None


def _counts(table, gaps):
    """Missing values of the columns that have some."""
    counts = zip(table.names, gaps.sum(axis=0).tolist())
    return {name: count for name, count in counts if count}


def _means(table):
    """Means (d,) of the values that are not missing, the same in any order of the rows."""
    weights, found = table.weights, np.zeros(len(table.names))
    for j, column in enumerate(np.asarray(table.values, dtype=np.float64).T):
        there = ~np.isnan(column)
        values = column[there]
        if not np.abs(values).max(initial=0) <= MAX_ABS:
            continue  # the fit reports which value is too large
        heavy = None if weights is None else weights[there]
        total = 0 if heavy is None else math.fsum(heavy.tolist())
        if heavy is None or not 0 < total < math.inf:  # the fit reports invalid weights
            heavy, total = np.ones(len(values)), len(values)
        found[j] = math.fsum((values * heavy / total).tolist())
    return found
