"""Inits over blocks of rows: generators for the driver in `_blockwise.py`, with the draws that the inits in one array make.

An init is a function of (fit, state) that yields requests and returns centers of shape (k, d); what it has drawn so far goes into
``state.chosen``, so that a fit can be taken up again.
"""
import numpy as np

from .. import _validate as check
from .._native import engine as native


def as_rows(X, whole):
    """A block in the type of the whole."""
    array, _ = check.as_matrix(X, min_rows=0)
    return array if array.dtype == whole.survey.dtype else array.astype(whole.survey.dtype)


class Ranked:
    """The first rows in some order, no two of them equal: at most `limit` of those of the blocks seen."""

    def __init__(self, limit, keys, positions, rows, labels, weights):
        self.limit, self.keys, self.positions, self.rows, self.labels, self.weights = limit, keys, positions, rows, labels, weights

    @classmethod
    def of(cls, array, indices, keys, positions, limit, labels=None, weights=None):
        """From rows of an array: of equal keys the lowest position first."""
        order = np.lexsort((positions, keys))
        out = cls(limit, *(np.empty(0),) * 2, np.empty((0, array.shape[1])), np.empty(0, np.int32), np.empty(0))
        step, first = 4 * limit + 64, 0
        while first < len(order) and len(out.keys) < limit:
            some = order[first : first + step]
            rows = array[indices[some]].astype(np.float64)
            out = out + cls(limit, keys[some], positions[some], rows,
                            np.zeros(len(some), np.int32) if labels is None else labels[some],
                            np.ones(len(some)) if weights is None else weights[some])
            first, step = first + step, 2 * step
        return out

    def __add__(self, other):
        fields = [np.concatenate(pair) for pair in zip(self._fields(), other._fields())]
        order = np.lexsort((fields[1], fields[0]))
        _, firsts = np.unique(fields[2][order] + 0.0, axis=0, return_index=True)       # -0.0 equals 0.0
        order = order[np.sort(firsts)[: self.limit]]
        return Ranked(self.limit, *(field[order] for field in fields))

    def _fields(self):
        return self.keys, self.positions, self.rows, self.labels, self.weights

    def __iter__(self):
        return zip(self.rows, self.labels, self.weights)


def named(name):
    """A function of the seed that gives the init of this name."""
    return lambda seed: BLOCK_INITS[name]


def called(seed):
    raise TypeError("init cannot be a function where the rows are not in one array: pass centers, or one of "
                    f"{', '.join(map(repr, BLOCK_INITS))}.")


def weights_of(X, sample_weight):
    return np.ones(len(X)) if sample_weight is None else check.as_weights(sample_weight, len(X), all_zero=True)


# -- first ---------------------------------------------------------------------------------------------------------------------------

def first_task(X, sample_weight, index, whole, limit):
    rows = np.flatnonzero(weights_of(X, sample_weight))
    positions = int(whole.starts[index]) + rows
    return Ranked.of(as_rows(X, whole), rows, np.zeros(len(rows)), positions, limit)


def first(fit, state):
    """The first k distinct rows (MacQueen 1967)."""
    found = yield first_task, fit.whole, fit.k
    return np.resize(found.rows, (fit.k, fit.d))


#: name -> init over blocks
BLOCK_INITS = {"first": first}
