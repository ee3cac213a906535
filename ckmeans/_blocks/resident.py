"""Blocks that stay in a process, with data that is kept from one pass over their rows to the next.

Rows stay packed, and sums change only by the rows whose labels change. So passes are as fast as in
a fit to one array, and their results have the bits of `assign_block`, whatever passes came before.
The data that is kept is not part of a block's value: it is not pickled, and is lost if the process
ends.
"""

import threading

import numpy as np

from .._input import checks as check
from .._input.configuration import memory_is_short
from .._native import engine as native
from ..partial import Partial


class Block:
    """A block of rows in the process of a worker, which runs the tasks on it.

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
        """Size in bytes, including the data that will be kept."""
        return self.array.nbytes + 4 * self.array.size + 28 * len(self.array)

    def run(self, task, index, *broadcast):
        """Run a task of `_blocks/driver.py`."""
        return task(self.rows, self.weights, index, *broadcast)


class Resident(np.ndarray):
    """Rows of a `Block`; tasks find the data that is kept through them."""

    kept = None


class Kept:
    """The native runs over the rows of one block, one for each run of a fit.

    Extra memory: 4 bytes per value and 8 to 28 per row, and 4 to 8 per row for each further run.
    """

    def __init__(self, array, weights):
        self.array, self.weights = array, weights
        self.lock = threading.Lock()  # one task at a time uses the data that is kept
        self.survey, self.k = None, 0

    def assign(self, centers, survey, start, slot, n_threads):
        """As `assign_block`, for run number `slot` of a fit; None if there is too little memory, or
        if another fit is using what is kept.

        This does not wait for the other fit, which may be one that a signal handler has interrupted
        to begin this one.
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
                self.survey, self.k = survey, len(centers)
                self.runs: dict[int, tuple] = {}
            try:
                run, code = self.runs.get(slot) or (
                    native.held_run(self.data, survey._native, centers),
                    None,
                )
                sums, weight_sums, counts, changed = native.held_assign(run, centers)
            except BaseException:  # labels and bounds may be inconsistent: start again next time
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
