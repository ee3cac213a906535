"""Files that get their name when they are complete, so that no reader sees an unfinished one.

An unfinished file that a killed process left is removed by the next process that writes the same
file.
"""

import contextlib
import glob
import os
import re
import time
from collections.abc import Iterator
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

#: Seconds after which a file that has no lock yet is taken to be abandoned.
_OPENING = 1.0


def open_partial(path: str) -> tuple[str, BinaryIO]:
    """Open a new file beside `path` for what will get that name: (its name now, file).

    `open` creates it, so it has the usual permissions. It stays locked until it is closed: by this
    `sweep` tells it from files of processes that have ended.
    """
    partial = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.part"
    try:
        file = open(partial if fcntl is None else partial + ".new", "xb")
    except OSError as error:  # about the name that was asked for
        raise type(error)(error.errno, error.strerror, path) from None
    if fcntl is None:
        return partial, file
    try:
        with contextlib.suppress(OSError):  # a file system without locks: never swept
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(partial + ".new", partial)  # locked by the time it has that name
    except BaseException:
        file.close()
        raise
    return partial, file


def sweep(path: str) -> None:
    """Remove the unfinished files for `path` that no process writes any more."""
    ours = re.compile(re.escape(os.path.basename(path)) + r"\.\d+-[0-9a-f]{8}\.part(\.new)?")
    for name in glob.glob(glob.escape(path) + ".*.part*"):
        if ours.fullmatch(os.path.basename(name)):
            with contextlib.suppress(OSError):  # gone by now, not ours to remove, or in use
                if fcntl is None or _abandoned(name):
                    os.remove(name)


def _abandoned(name: str) -> bool:
    """Whether no process has an unfinished file open."""
    if name.endswith(".new") and time.time() - os.path.getmtime(name) < _OPENING:
        return False  # its writer may be about to lock it
    with open(name, "r+b") as file:  # (for writing: over a network a lock needs that)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where the writer has it
        return True


class PartialFile:
    """A file that gets its name when it is complete.

    Attributes
    ----------
    path : str
        Its name in the end; the target of a link, so that the link stays one.
    file : binary file
        What to write to.
    """

    def __init__(self, path):
        self.path = os.path.realpath(path)
        sweep(self.path)
        # In the same folder, since a rename cannot cross file systems.
        self.partial, self.file = open_partial(self.path)

    def commit(self):
        """Give the file its name, in place of what had it."""
        with self.file:
            self.file.flush()
            os.fsync(self.file.fileno())
        os.replace(self.partial, self.path)

    def discard(self):
        """Remove what was written, unless it has been committed."""
        self.file.close()
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.partial)


@contextlib.contextmanager
def write_atomically(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes: it will hold all of them or, after an error, what it held.

    Pipes and devices are written to directly.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as device:
            yield device
        return
    partial = PartialFile(path)
    try:
        yield partial.file
        partial.commit()
    except BaseException:
        partial.discard()
        raise
