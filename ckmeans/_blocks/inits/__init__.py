"""Inits over blocks of rows, one file each; they draw the same rows as those over one array.

An init is a generator function of (fit, state): it yields requests for the driver in
`_blocks/driver.py`, is sent the sums of the blocks' answers, and returns centers of shape (k, d).
The rows that it has drawn so far are kept in ``state.chosen``, from which a fit can be resumed.

What the inits over one array (`ckmeans/_inits`, and `data/seeding.pxi` for k-means++) and those
over blocks have in common is written once: the number of candidates, the hashes that order the
rows, the kernels that compute distances and potentials, the cutting and rounding of exact sums, and
of k-means|| everything but the passes over the rows. What remains double is the search for a drawn
row. In one array, the rows are sorted once and a search goes through them. Blocks may be in other
processes and too many for a sorted order of all rows, so here sums of ranges of the order are
requested, then sums of the parts of one range, until few rows are left.
"""

from .first import first
from .kmeans_parallel import kmeans_parallel
from .kmeans_plusplus import kmeans_plusplus
from .random import random

#: name -> init over blocks
BLOCK_INITS = {
    "k-means++": kmeans_plusplus,
    "random": random,
    "first": first,
    "k-means||": kmeans_parallel,
}


def named(name):
    """A function of the seed that returns the init of this name."""
    return lambda seed: BLOCK_INITS[name]


def called(seed):
    """Raise, as an init that is a function needs all rows."""
    raise TypeError(
        "init cannot be a function where the rows are not in one array: pass centers, "
        "or one of "
        f"{', '.join(map(repr, BLOCK_INITS))}."
    )
