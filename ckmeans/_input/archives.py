"""Reading ``.npz`` files from untrusted sources.

Nothing is unpickled, and no array takes more memory than the size of the file.
"""

import hashlib
import io
import json
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

#: Largest size in bytes of the header of a .npy array, which is also NumPy's limit.
_HEADER = 10_000

_KINDS = "biufSU"


class ArchiveError(ValueError):
    """A file is not a valid archive; the message says why."""


#: What zipfile, zlib, json and NumPy raise about the contents of a damaged file. Not `Exception`:
#: what a signal handler raises in the middle says nothing about the file, and passes.
DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_header(file: BinaryIO, name: str) -> tuple[dict[str, Any], "Members"]:
    """Open the ``.npz`` archive in a binary file: (dict, `Members`).

    The dict is that of the JSON text in the member `name`.

    Raises
    ------
    ArchiveError, or any error of zipfile, json or numpy about a damaged file
    """
    if not zipfile.is_zipfile(file):
        raise ArchiveError("no .npz archive, or a truncated one")
    members = Members(file)
    if name not in members:
        raise ArchiveError(f"an archive without the member {name!r}")
    text = members.read(name)
    if text.dtype.kind != "S" or text.shape != ():
        raise ArchiveError(f"the member {name!r} is {text.dtype} of shape {text.shape}, not text")
    header = json.loads(text.item())
    if not isinstance(header, dict):
        raise ArchiveError(f"the member {name!r} is not a dictionary")
    return header, members


class Members:
    """The arrays of an archive, by name; each is read on access.

    Members must be uncompressed and must not overlap, so that together they are no larger than the
    file. The type and shape in the header of an array are compared with the size of the member
    before memory is allocated.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.archive = zipfile.ZipFile(file)
        size, total = file.seek(0, io.SEEK_END), 0
        self.members: dict[str, zipfile.ZipInfo] = {}
        for member in self.archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
                raise ArchiveError(
                    "its members are compressed or encrypted, which those that are written here "
                    "are not"
                )
            if not member.filename.endswith(".npy") or member.filename[:-4] in self.members:
                raise ArchiveError(
                    f"a member {member.filename!r} that is not an array, or is there twice"
                )
            total += member.file_size
            if member.file_size != member.compress_size or total > size:
                raise ArchiveError(
                    f"its members claim to hold more than the {size} bytes of the file"
                )
            self.members[member.filename[:-4]] = member
        for name in self.members:
            self.layout(name)

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def layout(self, name: str) -> tuple[np.dtype, tuple[int, ...], bool, int]:
        """The header of an array: (dtype, shape, whether in Fortran order, bytes before the
        values).
        """
        if name not in self.members:
            raise ArchiveError(f"it has no member {name!r}")
        with self.archive.open(self.members[name]) as file:
            start = file.read(12)
            if start[:6] != b"\x93NUMPY" or start[6:8] not in (b"\1\0", b"\2\0", b"\3\0"):
                raise ArchiveError(f"its member {name!r} is not an array")
            wide = start[6] > 1  # how many bytes hold the length of the header
            length = int.from_bytes(start[8 : 12 if wide else 10], "little")
            if length > _HEADER:
                raise ArchiveError(
                    f"its member {name!r} has a header of {length} bytes; {_HEADER} are allowed"
                )
            before = (12 if wide else 10) + length
            text = io.BytesIO(start[8:] + file.read(before - len(start)))
        read = np.lib.format.read_array_header_2_0 if wide else np.lib.format.read_array_header_1_0
        shape, fortran, dtype = read(text)
        if dtype.hasobject:
            raise ArchiveError(
                f"its member {name!r} holds pickled objects, which are never opened "
                "(allow_pickle=False)"
            )
        if dtype.kind not in _KINDS or dtype.itemsize == 0:
            raise ArchiveError(f"its member {name!r} has the dtype {dtype}")
        if (
            min(shape, default=0) < 0
            or math.prod(shape) * dtype.itemsize != self.members[name].file_size - before
        ):
            raise ArchiveError(
                f"its member {name!r} claims {dtype} of shape {shape}, which is not what it holds "
                f"({self.members[name].file_size - before} bytes)"
            )
        return dtype, shape, fortran, before

    def read(self, name: str) -> np.ndarray:
        """One array."""
        dtype, shape, fortran, before = self.layout(name)
        out = np.empty(shape, dtype, order="F" if fortran else "C")
        with self.archive.open(self.members[name]) as file:
            data = file.read()  # (whole, since only then its checksum is checked)
        out.reshape(-1, order="A")[...] = np.frombuffer(data, dtype, offset=before)
        return out


def digest(header: dict[str, Any], arrays: dict[str, Any]) -> str:
    """A checksum of a header and of arrays, to tell whether either was changed."""
    found = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        array = np.ascontiguousarray(array)
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(array.tobytes())
    return found.hexdigest()
