"""Arrays as native code reads them in place."""

from typing import Any

import numpy as np


def contiguous(array: Any, dtype: Any = None) -> np.ndarray:
    """The array in C order and aligned, of this dtype: itself if it is so, else a copy.

    Unlike what `numpy.ascontiguousarray` gives, it is aligned. Arrays that another process has
    sent, or that stand in a file, may be unaligned.
    """
    return np.require(array, dtype, ["C", "A", "E"])
