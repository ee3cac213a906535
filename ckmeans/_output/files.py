"""Files written in one step: they have their name once they are whole.

What a killed process left behind is cleared away.
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

    It is opened plainly, for the usual permissions, and locked until it is closed, so that `sweep`
    tells it from those of processes that are gone.
    """
    partial = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.part"
    if fcntl is None:
        return partial, open(partial, "xb")
    file = open(partial + ".new", "xb")
    try:
        with contextlib.suppress(OSError):  # a file system without locks: never swept
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(partial + ".new", partial)  # locked by the time it has that name
    except BaseException:
        file.close()
        raise
    return partial, file


def sweep(path: str) -> None:
    """Remove the unfinished files for `path` that nobody writes any more."""
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


@contextlib.contextmanager
def write_atomically(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes: it will hold all of them or, after an error, what it held.

    Pipes and devices are written to directly.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as device:
            yield device
        return
    path = os.path.realpath(path)  # a link stays one
    sweep(path)
    # Beside the target, since a rename cannot cross file systems.
    partial, file = open_partial(path)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(partial)
        raise
