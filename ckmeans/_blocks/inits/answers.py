"""Answers of tasks, which are summed over the blocks; see `_blocks/driver.py`."""

import numpy as np

from ..._inits.exact_sums import add_parts


class Added:
    """Arrays that are added element by element. Exact sums are given by their parts,
    (..., parts), whose number may differ.
    """

    def __init__(self, *arrays):
        self.arrays = arrays

    def __add__(self, other):
        return Added(*(add_parts(a, b) for a, b in zip(self.arrays, other.arrays)))


class Listed:
    """Arrays that are concatenated."""

    def __init__(self, *arrays):
        self.arrays = arrays

    def __add__(self, other):
        return Listed(*(np.concatenate(pair) for pair in zip(self.arrays, other.arrays)))


class Largest:
    """The largest of the values."""

    def __init__(self, value):
        self.value = value

    def __add__(self, other):
        return Largest(max(self.value, other.value))


class Ranked:
    """The first `limit` distinct rows in some order.

    Attributes
    ----------
    keys, codes, positions : ndarray of shape (m,)
        What rows are ordered by: rows of equal keys by their hashes, if they are given; then by
        their weights and their positions among all rows.
    rows : float64 ndarray of shape (m, d)
    labels, weights : ndarray of shape (m,)
    """

    def __init__(self, limit, keys, codes, positions, rows, labels, weights):
        self.limit, self.keys, self.codes, self.positions = limit, keys, codes, positions
        self.rows, self.labels, self.weights = rows, labels, weights

    @classmethod
    def of(cls, array, indices, keys, positions, limit, labels=None, weights=None, codes=None):
        """The first of some rows of an array."""
        codes = np.zeros(len(keys), dtype=np.uint64) if codes is None else codes
        weights = np.ones(len(keys)) if weights is None else weights
        order = np.lexsort((positions, weights, codes, keys))
        out = cls(
            limit,
            np.empty(0),
            np.empty(0, np.uint64),
            np.empty(0),
            np.empty((0, array.shape[1])),
            np.empty(0, np.int32),
            np.empty(0),
        )
        step, first = 4 * limit + 64, 0
        while first < len(order) and len(out.keys) < limit:
            some = order[first : first + step]
            rows = array[indices[some]].astype(np.float64)
            out = out + cls(
                limit,
                keys[some],
                codes[some],
                positions[some],
                rows,
                np.zeros(len(some), np.int32) if labels is None else labels[some],
                weights[some],
            )
            first, step = first + step, 2 * step
        return out

    def __add__(self, other):
        fields = [np.concatenate(pair) for pair in zip(self._fields(), other._fields())]
        keys, codes, positions, rows, _, weights = fields
        order = np.lexsort((positions, weights, codes, keys))
        _, firsts = np.unique(rows[order] + 0.0, axis=0, return_index=True)  # -0.0 equals 0.0
        order = order[np.sort(firsts)[: self.limit]]
        return Ranked(self.limit, *(field[order] for field in fields))

    def _fields(self):
        return self.keys, self.codes, self.positions, self.rows, self.labels, self.weights

    def __iter__(self):
        return zip(self.rows, self.labels, self.weights)


class Foremost:
    """The first `limit` rows by their keys, of equal keys by their weights, of equal weights by
    their positions.

    Attributes
    ----------
    keys : uint64 ndarray of shape (m,)
    weights, positions : ndarray of shape (m,)
    rows : float64 ndarray of shape (m, d)
    """

    def __init__(self, limit, keys, weights, positions, rows):
        self.limit = limit
        order = np.lexsort((positions, weights, keys))[:limit]
        self.keys, self.weights, self.positions = keys[order], weights[order], positions[order]
        self.rows = rows[order]

    def __add__(self, other):
        fields = ("keys", "weights", "positions", "rows")
        pairs = ((getattr(self, name), getattr(other, name)) for name in fields)
        return Foremost(self.limit, *map(np.concatenate, pairs))
