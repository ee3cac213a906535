"""Reading the rows and models that are named by the arguments of a command."""

import os

from .._input import configuration
from .arguments import TEXT_OPTIONS, UsageError
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
    against = None
    if args.data == "-":
        against = "standard input cannot be read again and again: --chunks needs a file"
    elif isinstance(getattr(args, "clusters", None), range):
        against = (
            "to try several numbers of clusters takes all rows in memory: give -k one number "
            "with --chunks"
        )
    elif args.labels and not args.labels.lower().endswith(".npy"):
        against = "with --chunks labels are written as .npy: give --labels the name of such a file"
    elif getattr(args, "scale", None) not in (None, "none"):
        against = (
            "--scale takes all rows in memory: use it without --chunks, or divide the columns by "
            "their spreads first"
        )
    elif getattr(args, "labels_known", None) is not None:
        against = "--labels-known takes all rows in memory: use it without --chunks"
    elif getattr(args, "missing", None) not in (None, "error"):
        against = "--missing takes all rows in memory: use it without --chunks"
    elif args.table or getattr(args, "distances", None):
        against = "--output and --distances take all rows in memory: use them without --chunks"
    elif getattr(args, "plot", None) or getattr(args, "report", None):
        against = "--plot and --report take all rows in memory: use them without --chunks"
    elif (
        getattr(args, "refine", "default") not in ("default", "none")
        or getattr(args, "metric", "euclidean") != "euclidean"
    ):
        against = "--refine and --metric cosine take all rows in memory: use them without --chunks"
    elif checkpoint and not os.path.isdir(os.path.dirname(os.path.abspath(checkpoint))):
        against = (
            f"cannot write {checkpoint}: there is no directory "
            f"{os.path.dirname(os.path.abspath(checkpoint))}"
        )
    if asked and against:
        raise UsageError(against)
    return not against


def read(args, chunks=False, path=None, **options):
    """The table at `path`, by default the one that the arguments name.

    chunks : bool
        Leave its rows in their file.
    """
    aside = getattr(args, "labels_known", None)
    reported = getattr(args, "report", None) and not chunks
    # Of rows that are shown one by one, the columns are wanted by which they are known.
    shown = reported or any(getattr(args, name, None) for name in _ROWS_SHOWN)
    if shown or aside is not None:
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
