"""The common parts of engines in this process; `_blocks/driver.py` defines what an engine is."""

import numpy as np

from ..._input.configuration import thread_count

#: Size of a block of rows, roughly: small compared with memory, but large enough that the cost per
#: block does not matter.
BLOCK_BYTES = 8 << 20


def block_rows(dtype, d):
    """Number of rows in a block."""
    return max(64, BLOCK_BYTES // max(1, np.dtype(dtype).itemsize * d) // 64 * 64)


class LocalEngine:
    """Works on one block after the other, each with all threads.

    Attributes
    ----------
    names : list of str or None
        Column names, where the source has them.
    on_rows : function of a number of rows, or None
        Called when a block is done.
    few_rows : bool
        Set by the driver: the next pass looks at few rows of each block, so reading ahead would be
        wasted.
    """

    in_process, keeps = True, False
    held_bytes, mapped = 64 << 20, False
    names = None
    on_rows = None
    few_rows = False

    def __init__(self, n_threads=None):
        self.n_threads = thread_count(n_threads)

    def blocks(self):
        """Yield (rows, their weights or None): the same blocks at every call."""
        raise NotImplementedError

    def check(self):
        """Raise if the rows can no longer be read."""

    def close(self):
        """Clean up after a pass that did not run to its end."""

    def map(self, task, *broadcast):
        index = 0
        for block in self.blocks():
            X, sample_weight = block
            count = len(X)
            answer = task(X, sample_weight, index, *broadcast)
            del block, X  # free the memory before the next block is read
            yield answer
            index += 1
            if self.on_rows is not None:
                self.on_rows(count)
