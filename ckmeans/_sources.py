"""Engines in this process: blocks of rows from arrays, files on disk and whatever else can be read again and again; see `_blockwise.py`."""
import numpy as np

from ._config import cpu_count

#: Bytes that a block of rows takes, about: small beside memory, large beside what a pass costs for each block.
BLOCK_BYTES = 8 << 20


class LocalEngine:
    """Blocks one after the other, each worked on by all threads."""

    in_process, keeps = True, False

    def __init__(self, n_threads=None):
        self.n_threads = n_threads or cpu_count()

    def blocks(self):
        """Yield (rows, their weights or None), the same at every call."""
        raise NotImplementedError

    def map(self, task, *broadcast):
        for index, (X, sample_weight) in enumerate(self.blocks()):
            yield task(X, sample_weight, index, *broadcast)


class ArrayEngine(LocalEngine):
    """An array, cut into ranges of rows.

    Parameters
    ----------
    array : ndarray of shape (n, d)
    weights : ndarray of shape (n,) or None
    cuts : increasing ints, optional
        Where to cut; default: so that blocks have about BLOCK_BYTES.
    """

    def __init__(self, array, weights=None, n_threads=None, cuts=None):
        super().__init__(n_threads)
        self.array, self.weights = array, weights
        if cuts is None:
            rows = max(64, BLOCK_BYTES // max(1, array.itemsize * array.shape[1]) // 64 * 64)
            cuts = range(rows, len(array), rows)
        self.cuts = [0, *cuts, len(array)]

    def blocks(self):
        for start, stop in zip(self.cuts, self.cuts[1:]):
            yield self.array[start:stop], None if self.weights is None else self.weights[start:stop]
