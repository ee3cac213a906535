"""Arrays in memory or mapped from a file: blocks are ranges of their rows, without a copy."""

import threading

from ..._input import checks as check
from ..._input.npy_files import load_npy
from . import local
from .pages import Pages
from .reader import start_thread

#: How many times BLOCK_BYTES a block takes here. Larger than for other sources, as nothing is
#: copied, so that threads wait less often for each other.
ARRAY_BLOCKS = 2


class ArrayEngine(local.LocalEngine):
    """Blocks of an array. At most two blocks of a memory-mapped file are mapped at a time.

    Parameters
    ----------
    array : ndarray of shape (n, d)
    weights : ndarray of shape (n,) or None
    cuts : increasing ints, optional
        First rows of all blocks but the first. Default: blocks of about ARRAY_BLOCKS * BLOCK_BYTES.
    """

    held_bytes, mapped = 120 << 20, True

    def __init__(self, array, weights=None, n_threads=None, cuts=None):
        super().__init__(n_threads)
        self.array, self.weights = array, weights
        self.pages, self.reading = Pages.of(array), None
        if cuts is None:
            rows = ARRAY_BLOCKS * local.block_rows(array.dtype, array.shape[1])
            cuts = range(rows, len(array), rows)
        self.cuts = [0, *cuts, len(array)]

    def blocks(self):
        for i, (start, stop) in enumerate(zip(self.cuts, self.cuts[1:])):
            self.close()  # else the reading thread could map released pages again
            self.check()
            if self.pages is not None and i + 2 < len(self.cuts) and not self.few_rows:
                # A new thread for each block: after an interrupt, a thread that waits for its next
                # block might wait forever.
                self.reading = threading.Thread(
                    target=self.pages.read_ahead,
                    args=(self.array[stop : self.cuts[i + 2]],),
                    name="ckmeans-reader",
                    daemon=True,
                )
                start_thread(self.reading)
            yield self.array[start:stop], None if self.weights is None else self.weights[start:stop]
            if self.pages is not None:
                self.pages.give_back(self.array[start:stop])

    def check(self):
        if self.pages is not None:
            self.pages.check()

    def close(self):
        if self.reading is not None and self.reading.ident is not None:
            self.reading.join()
        self.reading = None


def open_array(array, ask):
    """An engine over an array."""
    array, _ = check.as_matrix(array)
    return ArrayEngine(array, check.as_weights(ask.sample_weight, len(array)), ask.n_threads)


def open_npy(path, ask):
    """An engine over the array of a .npy file."""
    return open_array(load_npy(path), ask)
