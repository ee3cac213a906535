"""Inits over blocks of rows, one file each; they draw the same rows as those over one array.

An init is a generator function of (fit, state): it yields requests for the driver in
`_blocks/driver.py`, is sent the sums of the blocks' answers, and returns centers of shape (k, d).
The rows that it has drawn so far are kept in ``state.chosen``, from which a fit can be resumed.

The common parts of the inits over one array (`ckmeans/_inits`, and `data/seeding.pxi` for
k-means++) and of those over blocks are written once: the number of candidates, the hashes that
order the rows, the kernels that compute distances and potentials, the exact sums, and all of
k-means|| but the passes over the rows. Only the search for a drawn row is written twice. In one
array, the rows are sorted once and searched in that order. Blocks may be in other processes and
have too many rows to sort. So here sums over ranges of the order are requested, then sums over the
parts of one range, until few rows are left.
"""

from ..._inits import INITS
from ..._input.parameters import check_name
from .first import first
from .kmeans_parallel import kmeans_parallel
from .kmeans_plusplus import kmeans_plusplus
from .random import random

#: name -> init over blocks, which draws the same centers as the init of this name over one array
BLOCK_INITS = {
    "k-means++": kmeans_plusplus,
    "random": random,
    "first": first,
    "k-means||": kmeans_parallel,
}


def check_init(init):
    """Raise if this is the name of no init, or of one that needs all rows in one array."""
    if not isinstance(init, str):
        return
    if init in INITS and init not in BLOCK_INITS:
        raise ValueError(
            f"init={init!r} needs all rows in one array: use fit, or pass centers or one of "
            f"{', '.join(map(repr, ('auto', *BLOCK_INITS)))}."
        )
    check_name(init, ("auto", *BLOCK_INITS), "init")


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
