"""Exact sums in plain NumPy: the same bits in whatever order and blocks the terms are added."""

import numpy as np

from .._native import engine as native


def cut(terms: np.ndarray, bound: float, n: int) -> np.ndarray:
    """Terms, of n none of which is above the bound, cut into the parts of an exact sum, as many as
    it takes: (parts, terms); see sums.pxi.
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
    """The sum of exact sums that are given by their parts (..., parts)."""
    if a.shape[-1] < b.shape[-1]:
        a, b = b, a
    out = a.copy()
    out[..., : b.shape[-1]] += b
    return out


def farthest(low: np.ndarray, high: np.ndarray, heaviest: float) -> float:
    """What no weighted squared distance between two rows in these ranges exceeds."""
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
