"""Where blocks of rows come from, one file per kind of source, and where their labels go.

Each source is an engine in this process; see `_blocks/driver.py`. `KINDS` lists all of them.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..._input import checks as check
from ..._input.parquet_files import is_parquet
from ..._input.sparse import is_sparse
from .arrays import open_array, open_npy
from .chunks import open_function
from .label_sinks import LabelArray, label_sink
from .parquet import open_parquet
from .slices import open_list, open_sliced

__all__ = ["KINDS", "LabelArray", "label_sink", "open_source"]


class Ask(NamedTuple):
    """What the caller asks of a source; see `KMeans.fit_chunks`."""

    sample_weight: object = None
    n_threads: int | None = None
    columns: list | None = None  #: names of columns, of Parquet data only
    regroup: bool = True  #: whether chunks may be joined and cut


class Kind(NamedTuple):
    """A kind of source."""

    fits: Callable  #: source -> whether it is one
    open: Callable  #: (source, Ask) -> engine


#: Kinds of sources: a source is opened as the first kind that fits.
KINDS = {
    "Parquet data": Kind(is_parquet, open_parquet),
    ".npy file": Kind(lambda source: isinstance(source, (str, os.PathLike)), open_npy),
    "array": Kind(lambda source: isinstance(source, np.ndarray), open_array),
    "function": Kind(callable, open_function),
    "list": Kind(lambda source: isinstance(source, (list, tuple)), open_list),
    "HDF5, Zarr": Kind(
        lambda source: all(hasattr(source, name) for name in ("shape", "dtype", "__getitem__")),
        open_sliced,
    ),
}


def open_source(source, sample_weight=None, n_threads=None, columns=None, regroup=True):
    """An engine over the rows of anything that can be read repeatedly; see `KMeans.fit_chunks`."""
    if columns is not None and not is_parquet(source):
        raise ValueError(
            "columns are chosen of Parquet data only: cut other sources down before "
            "they are passed."
        )
    if is_sparse(source):
        raise TypeError(
            "chunks are dense rows, and the source is a sparse "
            f"{type(source).__name__}: fit(X) takes that as it is."
        )
    for kind in KINDS.values():
        if kind.fits(source):
            return kind.open(source, Ask(sample_weight, n_threads, columns, regroup))
    if hasattr(source, "__next__"):
        raise TypeError(
            "an iterator can be gone through once only, and a fit takes many passes: "
            "pass the function that makes it."
        )
    raise TypeError(
        "a source of chunks is an array, a .npy file or a list of them, Parquet data, "
        "something with shape and slices (HDF5, "
        "Zarr) or a function that returns an iterator of chunks; got "
        f"{check.with_type(source)}."
    )
