"""What inits in plain NumPy share. Sums here are over features only, exact, or of a fixed order:
threads have no say.
"""

import numpy as np

from .._native import engine as native


def sq_nearest(data, centers):
    """Squared distance of every row to the nearest of these centers: (n,)."""
    centers = np.ascontiguousarray(centers)
    return data.squares(centers, data.assign(centers))


def draw(terms, uniforms):
    """Rows in proportion to these terms, the last one that has any at the most."""
    running = np.cumsum(terms)
    return np.minimum(
        np.searchsorted(running, uniforms * running[-1], side="right"),
        np.searchsorted(running, running[-1]),
    )


def weights_of(data):
    return np.ones(data.shape[0]) if data.weights is None else data.weights


def filled(centers, data, k, random_state):
    """k centers: where these are fewer, or some are equal, rows drawn by their squared distance
    take what is left.
    """
    centers = np.unique(centers + 0.0, axis=0)[:k]
    while len(centers) < k:
        potential = weights_of(data) * sq_nearest(data, centers)
        if not potential.sum() > 0:
            return np.resize(centers, (k, data.shape[1]))
        rows = data.take(draw(potential, random_state.random_sample(k - len(centers))))
        before, centers = len(centers), np.unique(np.concatenate([centers, rows]), axis=0)
        if len(centers) == before:  # at unit length rows may be off their equals, by rounding
            return np.resize(centers, (k, data.shape[1]))
    return centers[:k]


def with_farthest(centers, data, k):
    """k centers: where these are fewer, the distinct rows farthest from them take what is left (of
    equally far ones the first).
    """
    far = sq_nearest(data, centers) * (weights_of(data) > 0)
    order = np.argsort(-far, kind="stable")
    rows = data.take(order[: np.count_nonzero(far)])
    _, firsts = np.unique(rows + 0.0, axis=0, return_index=True)
    return (
        np.resize(np.concatenate([centers, rows[np.sort(firsts)]]), (k, data.shape[1]))
        if len(centers) < k
        else centers
    )


# -- exact sums, in plain NumPy --------------------------------------------------------------------


def cut(terms, bound, n):
    """Terms, of n none of which is above the bound, cut into the parts of an exact sum, as many as
    it takes: (parts, terms); see data/sums.pxi.
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


def uniforms_at(key, positions):
    """A number in [0, 1) for each position of a row: a hash, so that each row knows its own without
    those before it.
    """
    code = (positions.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(
        key
    )
    for shift, factor in (
        (30, 0xBF58476D1CE4E5B9),
        (27, 0x94D049BB133111EB),
    ):  # Steele, Lea & Flood, OOPSLA 2014
        code = (code ^ (code >> np.uint64(shift))) * np.uint64(factor)
    return ((code ^ (code >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53
