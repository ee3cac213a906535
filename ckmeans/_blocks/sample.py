"""A sample of the rows of all blocks: the same as `ranked_rows` takes of one array."""

import numpy as np

from .inits.answers import Foremost
from .inits.views import as_rows, codes_of, weights_of


def sample_task(X, sample_weight, index, whole, start, size):
    """The rows of a block that may be in a sample of this size: the first in the order of their
    hashes from `start` on.
    """
    codes, weights = codes_of(X, index, whole) - np.uint64(start), weights_of(X, sample_weight)
    heavy = np.flatnonzero(weights)
    some = heavy[np.lexsort((weights[heavy], codes[heavy]))[:size]]
    rows = as_rows(X, whole)[some].astype(np.float64)
    return Foremost(size, codes[some], weights[some], int(whole.starts[index]) + some, rows)
