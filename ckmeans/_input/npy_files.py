"""NumPy's .npy files: the one place where they are opened, for the library and the command."""

import os

import numpy as np

from .archives import DAMAGE


def load_npy(path, file=None):
    """The array of a .npy file.

    Parameters
    ----------
    path : path
        Mapped, so that only what is used is read.
    file : binary file, optional
        Read instead of a file at `path`, which is then its name in messages.

    Raises
    ------
    OSError
        The file cannot be opened.
    ValueError
        It is not a .npy file, was cut short, is damaged, or holds Python objects.
    """
    name = os.fspath(path)
    if file is None:
        with open(path, "rb") as opened:
            start = opened.read(6)
        if not start:
            raise ValueError(f"{name}: the file is empty")
        if start.startswith(b"PK"):
            raise ValueError(
                f"{name} is an archive of arrays: pass .npy files, or a list of the arrays."
            )
        if start != b"\x93NUMPY"[: len(start)]:
            raise ValueError(f"{name} is not a .npy file: it does not begin with \\x93NUMPY.")
    try:
        if file is None:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        return np.load(file, allow_pickle=False)
    except OSError:
        raise
    except (*DAMAGE, MemoryError) as error:  # a damaged header may ask for any amount of memory
        raise damaged(name, error) from None


def damaged(name, error):
    """The exception for a .npy or .npz file that NumPy cannot load; `error` is NumPy's."""
    if "allow_pickle" in str(error) or "Python objects" in str(error):
        return ValueError(
            f"{name}: holds Python objects, which are not loaded, as they could run code"
        )
    said = str(error)
    if said.startswith(("EOF", "mmap length is greater", "cannot reshape array of size")):
        said = f"it was cut short ({said})"
    return ValueError(f"{name}: truncated or damaged: {said}")
