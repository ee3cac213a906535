"""Arrays of other libraries (PyTorch, JAX, CuPy, ...), which hand over their memory by DLPack or by
``__array_interface__``: read where they lie, if the processor can read that.
"""

import sys
from typing import Any

import numpy as np

from .optional_packages import need

#: What such arrays have one of.
_PROTOCOLS = ("__dlpack__", "__array_interface__", "__cuda_array_interface__")

#: DLPack's numbers of devices: those whose memory the processor reads (its own, and pinned memory
#: of CUDA and ROCm), and the names of some others
_HOST = {1, 3, 11}
_DEVICES = {2: "CUDA", 4: "OpenCL", 7: "Vulkan", 8: "Metal", 10: "ROCm", 13: "CUDA", 14: "oneAPI"}

#: Before 2.1, NumPy reads DLPack only without a version, of which libraries warn.
_OLD_NUMPY = tuple(map(int, np.__version__.split(".")[:2])) < (2, 1)


def is_array_elsewhere(X: Any) -> bool:
    """Whether X is an array, not one of NumPy's, that shares its memory by a protocol."""
    return not isinstance(X, (np.ndarray, np.generic, str)) and any(
        [hasattr(X, name) for name in _PROTOCOLS]
    )


def here(X: Any, name: str) -> Any:
    """X; if it is an array of another library, as one of NumPy's."""
    return array_from(X, name) if is_array_elsewhere(X) else X


def array_from(X: Any, name: str) -> np.ndarray:
    """The array of another library as one of NumPy's that shares its memory.

    Raises
    ------
    TypeError
        The memory is a GPU's, or the library does not hand it over; the message says what to do.
    """
    if getattr(X, "requires_grad", False) is True:
        raise TypeError(
            f"{name} is a tensor that requires grad, whose values are not handed over: pass "
            f"{name}.detach()."
        )
    device = _device(X)
    if device is not None:
        raise TypeError(
            f"{name} is in the memory of a GPU or another device ({device}), which is not read: "
            f"pass a copy on the CPU, as {name}.cpu() of PyTorch or {name}.get() of CuPy gives."
        )
    if hasattr(X, "__dlpack__") and not (_OLD_NUMPY and hasattr(X, "__array__")):
        if str(getattr(X, "dtype", "")) == "torch.bfloat16":  # which DLPack of NumPy does not know
            bfloat16 = need("ml_dtypes", "reading tensors of bfloat16").bfloat16
            return array_from(X.view(sys.modules["torch"].int16), name).view(bfloat16)
        try:
            return np.from_dlpack(_Versioned(X))
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            if not hasattr(X, "__array__") and not hasattr(X, "__array_interface__"):
                raise _refused(X, name, error) from None
    try:
        return np.asarray(X)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise _refused(X, name, error) from None


class _Versioned:
    """An array that hands over its memory in a versioned form of DLPack, where it knows that.

    NumPy asks for that first, and after any TypeError again for the form without a version, which
    libraries warn of; here the second question is put only to those that do not know the first.
    """

    def __init__(self, X: Any) -> None:
        self.X = X
        self.refusal: TypeError | None = None

    def __dlpack_device__(self) -> Any:
        return self.X.__dlpack_device__()

    def __dlpack__(self, **asked: Any) -> Any:
        try:
            if self.refusal is None:
                return self.X.__dlpack__(**asked)
        except TypeError as error:
            self.refusal = error
            raise
        if "keyword argument" not in str(self.refusal):
            raise self.refusal
        return self.X.__dlpack__(**asked)


def _device(X: Any) -> str | None:
    """The device that holds an array; None for memory that the processor reads."""
    try:
        kind, number = X.__dlpack_device__()
    except (AttributeError, BufferError, RuntimeError, TypeError, ValueError):
        return "CUDA" if hasattr(X, "__cuda_array_interface__") else None
    if int(kind) in _HOST:
        return None
    return f"{_DEVICES.get(int(kind), f'DLPack device {int(kind)}')}, number {number}"


def _refused(X: Any, name: str, error: Exception) -> TypeError:
    reason = str(error).strip().partition("\n")[0]
    return TypeError(f"{name} is a {type(X).__name__} that cannot be read as an array: {reason}")
