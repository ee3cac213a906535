"""Exact sums in plain NumPy: the same bits in whatever order and blocks the terms are added."""

import numpy as np

from .._native import engine as native


def cut(terms, bound, n):
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


def add_parts(a, b):
    """The sum of exact sums that are given by their parts (..., parts)."""
    if a.shape[-1] < b.shape[-1]:
        a, b = b, a
    out = a.copy()
    out[..., : b.shape[-1]] += b
    return out


def farthest(low, high, heaviest):
    """What no weighted squared distance between two rows in these ranges exceeds."""
    spans = high - low
    return float(np.add.accumulate(spans * spans)[-1]) * (1.01 * heaviest)


class ExactTotal:
    """The exact sum of some terms."""

    def __init__(self, terms):
        self.limbs = native.exact_limbs(terms)

    def __add__(self, other):
        self.limbs = self.limbs + other.limbs
        return self

    @property
    def value(self):
        return native.limbs_value(self.limbs)
