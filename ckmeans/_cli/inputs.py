"""Reading the rows and models that are named by the arguments of a command."""

import os

from .._input import configuration
from .arguments import TEXT_OPTIONS, UsageError
from .outputs import is_within, suffix_of
from .streamed_output import STREAMED
from .tables import MissingValue

#: Options by which rows are shown one by one.
_ROWS_SHOWN = ("table", "distances", "typical")
#: What to do about missing values, for errors.
REMEDY = "give --missing drop, mean or ignore"


def in_chunks(args):
    """Whether the rows stay in their files and are read again in each pass.

    This is the case if it is asked for, or if they would not fit into memory.
    """
    checkpoint = getattr(args, "checkpoint", None)
    asked = args.chunks or checkpoint or os.path.isdir(args.data)
    large = (
        args.data.lower().endswith((".npy", ".parquet"))
        and os.path.isfile(args.data)
        and configuration.memory_is_short(os.path.getsize(args.data))
    )
    if not (asked or large):
        return False
    against = _against_chunks(args, checkpoint)
    if asked and against:
        raise UsageError(against)
    return not against


#: Options that take all rows in memory, and what to do instead of leaving out `--chunks`.
_IN_MEMORY = (
    ("scale", ", or divide the columns by their spreads first"),
    ("labels_known", ""),
    ("missing", ", or drop or fill such rows first"),
    ("distances", ", or give --output, which has them"),
    ("outliers", ""),
    ("size_min", ""),
    ("size_max", ""),
    ("plot", ", or plot some of the rows by ckmeans plot MODEL"),
    ("report", ", or plot some of the rows by ckmeans plot MODEL"),
    ("refine", ", or with auto or best, which take a sample of the rows"),
    ("metric", ""),
)
#: Values of these that do not.
_ANYWHERE = {
    "scale": ("none",),
    "missing": ("error",),
    "refine": ("default", "none", "auto", "best"),
    "metric": ("euclidean",),
}


def _against_chunks(args, checkpoint):
    """Why rows cannot stay in their files, and what to do; None if they can."""
    if args.data == "-":
        return "standard input cannot be read again and again: --chunks needs a file"
    if isinstance(getattr(args, "clusters", None), range):
        return (
            "to try several numbers of clusters takes all rows in memory: give -k one number with "
            "--chunks, or choose it by some of the rows"
        )
    if args.labels and not args.labels.lower().endswith(".npy"):
        return "with --chunks labels are written as .npy: give --labels the name of such a file"
    if args.table and suffix_of(args.table) not in STREAMED:
        return (
            f"with --chunks --output is written as {', '.join(STREAMED)}: give it the name of such "
            "a file"
        )
    for option, instead in _IN_MEMORY:
        value = getattr(args, option, None)
        if value is not None and value not in _ANYWHERE.get(option, ()):
            shown = f" {value}" if option in _ANYWHERE else ""
            return (
                f"--{option.replace('_', '-')}{shown} takes all rows in memory: use it without "
                f"--chunks{instead}"
            )
    if checkpoint and not os.path.isdir(os.path.dirname(os.path.abspath(checkpoint))):
        return (
            f"cannot write {checkpoint}: there is no directory "
            f"{os.path.dirname(os.path.abspath(checkpoint))}"
        )
    if checkpoint and os.path.isdir(args.data) and is_within(checkpoint, args.data):
        return (
            f"cannot write {checkpoint}: all files in {args.data} are inputs; give a name elsewhere"
        )
    return None


def read(args, chunks=False, path=None, **options):
    """The table at `path`, by default the one that the arguments name.

    chunks : bool
        Leave its rows in their file.
    """
    aside = getattr(args, "labels_known", None)
    reported = getattr(args, "report", None) and not chunks
    # Of rows that are shown one by one, the columns are wanted by which they are known.
    shown = reported or any(getattr(args, name, None) for name in _ROWS_SHOWN)
    if (shown or aside is not None) and not chunks:
        options["originals"] = True
    if aside is not None:
        options["aside"] = aside
    if chunks:
        from .tables_on_disk import open_table as read
    else:
        from .readers import read_table as read
    given = {name: getattr(args, name) for name in TEXT_OPTIONS}
    try:
        return read(args.data if path is None else path, args.columns, **given, **options)
    except MissingValue as error:
        if not hasattr(args, "missing"):
            raise
        raise MissingValue(f"{error}; or {REMEDY}") from None


def read_for_model(args, model, path=None, chunks=False, **options):
    """The table at `path`, by default the one that the arguments name, for a model.

    Columns are found by name if model and table have names, otherwise by position, so no warning
    about names is needed.
    """
    names = list(getattr(model, "feature_names_in_", []))
    table = read(args, chunks, path, columns_if_named=names or None, **options)
    if not chunks:
        table.columns = names
    elif not table.columns:
        model.__dict__.pop("feature_names_in_", None)
    return table
