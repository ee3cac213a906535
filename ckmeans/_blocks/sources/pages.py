"""The pages of memory-mapped files: read ahead, and released when they are no longer needed."""

import errno
import mmap
import os

import numpy as np

from ..._input import checks as check
from ..._output.safe_text import terminal


class Pages:
    """The pages of a `numpy.memmap`, which can be read before they are needed and released (they
    stay in the file cache) afterwards.

    Parameters
    ----------
    file : numpy.memmap
        Of mode "r", "r+" or "w+": a shared mapping, whose pages hold nothing but what the file
        holds.
    """

    def __init__(self, file):
        self.file, self.map = file, file.base
        self.start = np.frombuffer(self.map, np.uint8).ctypes.data
        self.stamp = self._stamp()

    def _stamp(self):
        """The identity of the file and when it was last modified; None if that is not known."""
        try:
            found = os.stat(self.file.filename)
        except (OSError, TypeError, ValueError):  # the file was removed, or never had a name
            return None
        return found.st_dev, found.st_ino, found.st_mtime_ns

    @classmethod
    def of(cls, array):
        """The pages of an array in a memmap; None for any other array.

        Also None for arrays in other mappings (`mmap.mmap`, shared memory, mode "c"). These may be
        private or without a file: what was written there is stored nowhere else, and releasing the
        pages would erase it.
        """
        while isinstance(array, np.ndarray) and isinstance(array.base, np.ndarray):
            array = array.base
        known = (
            isinstance(array, np.memmap)
            and type(array.base) is mmap.mmap
            and getattr(array, "_mmap", None) is array.base
            and array.mode in ("r", "r+", "w+")
            and hasattr(mmap, "MADV_DONTNEED")
        )
        return cls(array) if known else None

    def range(self, rows):
        """First and last byte of the whole pages that contain these rows."""
        span = [(size - 1) * stride for size, stride in zip(rows.shape, rows.strides)]
        low = rows.ctypes.data - self.start + sum(min(0, step) for step in span)
        high = min(low + sum(map(abs, span)) + rows.itemsize, len(self.map))
        low = low // mmap.PAGESIZE * mmap.PAGESIZE
        return (low, high) if len(rows) and 0 <= low else (0, 0)

    def read_ahead(self, rows):
        """Read one byte of each page; returns when all pages are mapped.

        MADV_WILLNEED is not used: it brings the data into the file cache in single pages, and
        mapping those takes ten times as long in every later pass.
        """
        low, high = self.range(rows)
        np.frombuffer(self.map, np.uint8, high - low, low)[:: mmap.PAGESIZE].max(initial=0)

    def give_back(self, rows):
        """Unmap the pages of these rows; they stay in the file cache."""
        low, high = self.range(rows)
        if low < high:
            self.map.madvise(mmap.MADV_DONTNEED, low, high - low)

    def check(self):
        """Raise if the file has become too short: reading rows that it no longer has would kill
        the process. Warn, once, if the file was modified.
        """
        needed, now = self.file.offset + self.file.nbytes, self._stamp()
        if (
            now != self.stamp
            and self.stamp is not None
            and now is not None
            and now[:2] == self.stamp[:2]
        ):
            self.stamp = now
            check.warn(
                f"{terminal(self.file.filename)} was written to while it was read (its "
                "modification time has changed): the result "
                "may be of rows of before and after. Fit again once the file is complete."
            )
        if self.map.size() < needed:
            raise OSError(
                errno.EIO,
                "the file was cut short while it was read: the array takes "
                f"{needed} bytes of it, and it has "
                f"{self.map.size()} now",
                None if self.file.filename is None else os.fspath(self.file.filename),
            )
