"""Arrays of real numbers: the dtypes that kernels read, and the conversion of others to them."""

from typing import Any

import numpy as np

from .errors import shortened, warn

#: Dtypes that the kernels read in place: native byte order, any strides.
READABLE = frozenset(
    np.dtype(kind)
    for kind in ("f8", "f4", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")
)
_FLOATS = tuple(np.dtype(kind) for kind in ("i1", "f2", "f4", "f8"))
#: Up to here, float64 holds all whole numbers.
EXACT = 2.0**53
FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)


def is_readable(dtype: np.dtype) -> bool:
    """Whether the kernels read this dtype as it lies in memory."""
    return dtype in READABLE or (_is_extension(dtype) and dtype.type.__name__ == "bfloat16")


def is_real(dtype: np.dtype) -> bool:
    """Whether a dtype is one of real numbers: NumPy's, or an extension that becomes one of those
    without a loss, such as bfloat16 and the 8-bit floats of ml_dtypes.
    """
    return dtype.kind in "biuf" or (_is_extension(dtype) and np.can_cast(dtype, FLOAT64))


def _is_extension(dtype: np.dtype) -> bool:
    return dtype.isbuiltin == 2


def as_real(array: Any, name: str) -> np.ndarray:
    """A plain ndarray of a native real dtype with the values of `array`, without a copy if it is
    one already.
    """
    if isinstance(array, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(array)
        if mask.any():
            raise ValueError(
                f"{name} has {np.count_nonzero(mask)} masked value(s), the first at "
                f"{name}{list(first_true(mask))}: fill them ({name}.filled(value)) or drop their "
                "rows."
            )
    array = np.asarray(array)
    dtype = array.dtype
    if is_readable(dtype) and array.flags.aligned:
        return array
    if dtype.kind in "biuf":  # byte-swapped, unaligned or extended
        native = dtype.newbyteorder("=")
        return array.astype(native if native in READABLE else FLOAT64)
    if is_readable(dtype):  # unaligned
        return array.astype(dtype)
    if is_real(dtype):
        return array.astype(next(wider for wider in _FLOATS if np.can_cast(dtype, wider)))
    if dtype.kind == "O":
        return objects_as_floats(array, name)
    raise _dtype_error(dtype, name)


def warn_if_rounded(values: Any, name: str, column: Any = None) -> None:
    """Warn where whole numbers are rounded by float64, in which everything is computed.

    values : array of any dtype
        Only integers of 64 bits, and objects, are looked at.
    column : the label of the column that they are from, if it is one
    """
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8 and values.size:
        if -EXACT <= int(values.min()) and int(values.max()) <= EXACT:
            return
        with np.errstate(invalid="ignore"):
            exact = np.array_equal(values.astype(FLOAT64).astype(values.dtype), values)
    elif values.dtype.kind == "O":
        exact = all(
            not isinstance(value, int) or abs(value) <= EXACT or int(float(value)) == value
            for value in values.ravel()
        )
    else:
        return
    if not exact:
        where = "" if column is None else f" in column {column!r}"
        warn(
            f"{name} has whole numbers beyond 2**53{where}, which float64, in which all is "
            "computed, rounds: subtract an offset first, or leave them out if they are ids.",
            once=True,
        )


def objects_as_floats(objects: np.ndarray, name: str, column: Any = None) -> np.ndarray:
    """An object array of numbers as float64; the message names the first entry that is not a
    number.
    """
    try:
        found = objects.astype(FLOAT64)
    except (TypeError, ValueError, OverflowError):
        pass
    else:
        if len(found) and np.nanmax(np.abs(found), initial=0) >= EXACT and objects.dtype == object:
            warn_if_rounded(objects, name, column)
        return found
    for index, value in np.ndenumerate(objects.astype(object)):
        if value is None:  # NumPy converts it to NaN
            continue
        try:
            float(value)
        except (TypeError, ValueError, OverflowError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            places = zip(("row", "column"), index + (() if column is None else (repr(column),)))
            where = ", ".join(f"{axis} {place}" for axis, place in places)
            said = f"{name} has {shortened(value)}, which is not a number, at {where}: {error}."
            if column is not None:
                said += " Leave the column out, or convert it to numbers."
            raise kind(said) from None
    raise TypeError(f"{name} has dtype object and cannot be converted to float64.")


def _dtype_error(dtype: np.dtype, name: str) -> Exception:
    """The error for a dtype that does not hold real numbers."""
    if dtype.kind == "c":
        return ValueError(
            f"Complex data not supported: {name} has dtype {dtype}. Pass {name}.real, or both "
            "parts as "
            f"features: np.hstack([{name}.real, {name}.imag])."
        )
    if dtype.kind in "UST":
        return ValueError(
            f"{name} has dtype {dtype}, which is text: convert it to numbers, as "
            f"{name}.astype(float) does."
        )
    if dtype.kind in "mM":
        return TypeError(
            f"{name} has dtype {dtype}: convert times to numbers first, in a unit that suits the "
            "other "
            "features."
        )
    if dtype.names is not None:
        return TypeError(
            f"{name} is a structured array with fields {', '.join(dtype.names)}: convert it with "
            f"numpy.lib.recfunctions.structured_to_unstructured({name})."
        )
    if dtype.kind == "V" and dtype.itemsize == 2:
        return TypeError(
            f"{name} has dtype {dtype}, 2 bytes of no known type, which is what .npy files make of "
            f"bfloat16: pass {name}.view(ml_dtypes.bfloat16) if it is that."
        )
    return TypeError(
        f"{name} has dtype {dtype}, which is not a real number type: convert it to float."
    )


def first_true(mask: np.ndarray) -> tuple[Any, ...]:
    """Index of the first True, in row order, as a tuple of ints."""
    return tuple(int(i) for i in np.unravel_index(np.argmax(mask), mask.shape))
