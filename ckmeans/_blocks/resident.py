"""Blocks that stay in a process, and what it keeps of one pass over their rows for the next.

Rows stay packed, and only those whose label changes are summed up anew: so passes run at the speed
of a fit in one array, and answer the bits of `assign_block`, whatever went before. What is kept is
no part of a block's value: one that is pickled, or made again where a process has died, begins
afresh.
"""

import threading

import numpy as np

from .._input import checks as check
from .._input.configuration import memory_is_short
from .._native import engine as native
from ..partial import Partial


class Block:
    """A block of rows as an engine holds it where tasks come to the rows, and not the rows to the
    tasks.

    Parameters
    ----------
    X : array-like or table of shape (n, d)
    sample_weight : array-like of shape (n,) or None
    """

    def __init__(self, X, sample_weight=None):
        self.array, _ = check.as_matrix(X, min_rows=0)
        self.weights = check.as_weights(sample_weight, len(self.array), all_zero=True)
        self.rows = self.array.view(Resident)
        self.rows.kept = Kept(self.array, self.weights)

    def __reduce__(self):
        return Block, (self.array, self.weights)

    def __sizeof__(self):
        """Bytes, with what will be kept."""
        return self.array.nbytes + 4 * self.array.size + 28 * len(self.array)

    def run(self, task, index, *broadcast):
        """Do a task of `_blocks/driver.py`."""
        return task(self.rows, self.weights, index, *broadcast)


class Resident(np.ndarray):
    """Rows of a `Block`, by which tasks find what is kept."""

    kept = None


class Kept:
    """Runs over the rows of one block, one for each that a fit has under way.

    Extra memory: 4 bytes per value and 8 to 28 per row, and 4 to 8 per row for each further run.
    """

    def __init__(self, array, weights):
        self.array, self.weights = array, weights
        self.lock = threading.Lock()  # one task at a time; others do without what is kept
        self.survey, self.k = None, 0

    def assign(self, centers, survey, start, slot, n_threads):
        """As `assign_block`, for run number `slot` of a fit; None where there is no memory to keep
        anything, or another fit is at it.

        It is not waited for: it may be the very fit in which a signal handler began this one.
        """
        if self.lock.locked():
            return None
        with self.lock:
            if self.k != len(centers) or not same(self.survey, survey):
                if memory_is_short(4 * self.array.size):
                    return None
                rows = (
                    self.array
                    if self.array.dtype == survey.dtype
                    else self.array.astype(survey.dtype)
                )
                self.data = native.Data(rows, self.weights, n_threads, True, False)
                self.survey, self.k, self.runs = survey, len(centers), {}
            try:
                run, code = self.runs.get(slot) or (
                    native.held_run(self.data, survey._native, centers),
                    None,
                )
                sums, weight_sums, counts, changed = native.held_assign(run, centers)
            except BaseException:  # an interrupt leaves labels and bounds half done: begin anew
                self.survey, self.k = None, 0
                raise
            if changed or code is None:
                code = tuple(native.held_check(run, start).tolist())
            self.runs[slot] = run, code
            return Partial(
                survey, sums, weight_sums, counts, changed, code, None, native.no_limbs(), None
            )


def same(one, other):
    return one is not None and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in one._fields
    )
