"""Where the labels of a fit over blocks go: an array or a .npy file, written block by block."""

import os
import tempfile

import numpy as np

from ..._input import checks as check
from ..._input.npy_files import load_npy
from ..._output.files import PartialFile
from .pages import Pages

#: If the labels take more bytes than this, an array of them is kept in a temporary file.
LABELS_IN_MEMORY = 64 << 20


def label_sink(labels):
    """The sink for the argument `labels` of `fit_chunks`."""
    if labels is None or labels is False:
        return None
    if labels is True:
        return LabelArray()
    if isinstance(labels, (str, os.PathLike)):
        return LabelFile(labels)
    if (
        isinstance(labels, np.ndarray)
        and labels.ndim == 1
        and labels.dtype == np.int32
        and labels.flags.writeable
    ):
        return LabelArray(labels)
    raise TypeError(
        "labels must be None, True, the path of a .npy file or a writable "
        "one-dimensional int32 array, got "
        f"{check.with_type(labels)}."
    )


class LabelFile:
    """Labels written to a .npy file, which gets its name when it is complete."""

    def __init__(self, path):
        self.partial = PartialFile(os.fspath(path))  # raises before any work is done
        self.after = None

    def open(self, n):
        file = self.partial.file
        header = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(np.int32)),
            "fortran_order": False,
            "shape": (n,),
        }
        np.lib.format.write_array_header_1_0(file, header)
        self.after = file.tell()

    def __call__(self, start, labels):
        self.partial.file.seek(self.after + 4 * start)
        self.partial.file.write(memoryview(labels))

    def done(self):
        """Give the file its name; returns the labels, mapped."""
        self.partial.commit()
        return load_npy(self.partial.path)

    def drop(self):
        self.partial.discard()


class LabelArray:
    """Labels in the caller's array, or in a new one (in a temporary file, if it is large)."""

    def __init__(self, array=None):
        self.array, self.given = array, array is not None

    def open(self, n):
        if not self.given:
            if 4 * n > LABELS_IN_MEMORY:
                self.array = np.memmap(
                    tempfile.TemporaryFile(), dtype=np.int32, mode="w+", shape=(n,)
                )
            else:
                self.array = np.empty(n, dtype=np.int32)
        elif self.array.shape != (n,):
            raise ValueError(
                f"labels has shape {self.array.shape}, but there are {n} rows: shape "
                f"({n},) is needed."
            )
        self.pages = Pages.of(self.array)

    def __call__(self, start, labels):
        part = self.array[start : start + len(labels)]
        part[:] = labels
        if self.pages is not None:
            self.pages.give_back(part)

    def done(self):
        return self.array

    def drop(self):
        pass
