"""Parquet files: the one place where they are opened, for the library and the command.

Also here: which types of Arrow's columns are numbers.
"""

import contextlib
import os

import numpy as np

from .optional_packages import need


def is_parquet(source):
    """Whether a source of rows is Parquet data: a path, a list of paths or a pyarrow dataset."""
    if isinstance(source, (str, os.PathLike)):
        return os.path.isdir(source) or os.fspath(source).endswith((".parquet", ".pq"))
    if isinstance(source, (list, tuple)):
        return bool(source) and all(
            isinstance(one, (str, os.PathLike)) and is_parquet(one) for one in source
        )
    return type(source).__module__.partition(".")[0] == "pyarrow" and hasattr(source, "files")


def open_dataset(source):
    """Parquet files as a pyarrow dataset, sorted by name. Only the schema is read.

    Parameters
    ----------
    source : path, list of paths or pyarrow dataset
        A path is a file or a directory. A dataset is returned as it is.

    Raises
    ------
    OSError
        A file cannot be opened.
    ValueError
        There are no files, or they are not Parquet, or damaged.
    """
    dataset = need("pyarrow.dataset", "reading Parquet files")
    if hasattr(source, "files"):
        if not source.files:
            raise ValueError("there are no Parquet files.")
        return source
    if isinstance(source, (list, tuple)):
        paths = [os.fspath(one) for one in source]
        name = ", ".join(paths[:3]) + (", ..." if len(paths) > 3 else "")
    else:
        paths = name = os.fspath(source)
        if not os.path.exists(paths):
            raise FileNotFoundError(f"no such file or directory: {paths}")
        if os.path.isdir(paths):
            _check_directory(paths)
    with arrow_errors(name):
        return dataset.dataset(paths, format="parquet")


def _check_directory(path):
    """Raise unless a directory has Parquet files."""
    found = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    found = [name for name in found if os.path.basename(name)[0] not in "._"]
    if not found:
        raise ValueError(f"{path}: there are no Parquet files in this directory")
    if not any(map(_starts_as_parquet, found)):
        shown = ", ".join(sorted(os.path.relpath(name, path) for name in found)[:3])
        raise ValueError(
            f"{path}: a directory of files that are not Parquet ({shown}, ...): give one of them"
        )


def _starts_as_parquet(path):
    with open(path, "rb") as file:
        return file.read(4) == b"PAR1"


@contextlib.contextmanager
def arrow_errors(name):
    """Turn what Arrow raises for a damaged file into a ValueError that names the file."""
    import pyarrow

    try:
        yield
    except (MemoryError, pyarrow.ArrowKeyError):  # (names of columns are checked by the caller)
        raise
    except (pyarrow.ArrowException, OSError) as error:
        if getattr(error, "errno", None) is not None:  # the file cannot be opened at all
            raise
        raise ValueError(f"{name}: truncated or damaged: {error}") from None


def why_no_numbers(field):
    """None for a column of integers, floating-point numbers, decimals or booleans; for any other
    the reason why it cannot be used.
    """
    from pyarrow import types

    numeric = (
        types.is_integer(field.type)
        or types.is_floating(field.type)
        or types.is_decimal(field.type)
        or types.is_boolean(field.type)
    )
    return None if numeric else f"{field.type}, not numbers"


def column_values(column):
    """A column of numbers as a NumPy array; missing values are NaN. Decimals become float64, and so
    do other numbers but floats where values are missing.
    """
    from pyarrow import types

    if types.is_decimal(column.type) or (column.null_count and not types.is_floating(column.type)):
        column = column.cast("float64", safe=False)
    return np.asarray(column)
