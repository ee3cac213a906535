"""Exact sums in plain NumPy: the same bits in whatever order and blocks the terms are added."""

import numpy as np

from .._native import engine as native


def cut(terms: np.ndarray, bound: float, n: int) -> np.ndarray:
    """Split terms into parts whose sums are exact: (parts, terms); see data/sums.pxi.

    bound : float
        An upper bound on the magnitude of all terms.
    n : int
        Number of terms of the whole sum.
    """
    parts = []
    for big in native.split_of(bound, n):
        part = (terms + big) - big
        parts.append(part)
        terms = terms - part
        if not terms.any():
            break
    return np.array(parts)


def add_parts(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum of two exact sums, given by their parts (..., parts)."""
    if a.shape[-1] < b.shape[-1]:
        a, b = b, a
    out = a.copy()
    out[..., : b.shape[-1]] += b
    return out


def farthest(low: np.ndarray, high: np.ndarray, heaviest: float) -> float:
    """An upper bound on the weighted squared distances between two rows in these ranges."""
    spans = high - low
    return float(np.add.accumulate(spans * spans)[-1]) * (1.01 * heaviest)


class ExactTotal:
    """The exact sum of some terms."""

    def __init__(self, terms: np.ndarray) -> None:
        self.limbs = native.exact_limbs(terms)

    def __add__(self, other: "ExactTotal") -> "ExactTotal":
        self.limbs = self.limbs + other.limbs
        return self

    @property
    def value(self) -> float:
        return native.limbs_value(self.limbs)
