"""Projection of wide rows onto the few axes along which they vary most, for the local search.

A distance along AXES axes takes a small part of the time of one over hundreds of features, and
separates clusters nearly as well, since the means of clusters lie close to the space that these
axes span (compare Ding & He, ICML 2004; Cohen et al., STOC 2015). Products are summed in a fixed
order, so that results are the same on every machine.
"""

import numpy as np

from .._input.contiguous import contiguous
from .._native.engine import along

#: The number of axes, the number of rows from which they are found, and the number of features from
#: which on they are used.
AXES, SAMPLE, WIDE = 32, 512, 64

#: Steps of subspace iteration; one step misses small clusters among wide ones.
STEPS = 2

#: If less than this share of a direction's squared length is orthogonal to the others, it is taken
#: for rounding error.
NOTHING = 1e-10


def looked_at(d: int) -> int:
    """The number of coordinates of a row of d features in a search that may use axes."""
    return AXES if d >= WIDE else d


def shortened(
    rows: np.ndarray, weights: np.ndarray | None, centers: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Rows (n, m) and centers (k, m) along the axes in which these rows (n, d) and centers (k, d)
    vary most; None where there are no axes. The rows of a cluster must follow each other.
    """
    step = max(1, len(rows) // SAMPLE)
    origin = centers.mean(axis=0)
    sample = rows[::step][:SAMPLE] - origin
    total = float(len(sample))
    if weights is not None:
        sample *= np.sqrt(weights[::step][:SAMPLE])[:, None]
        total = float(weights[::step][:SAMPLE].sum())
    # In noisy data, centers show better than rows how clusters differ: they weigh as much as all
    # rows together.
    middles = centers - origin
    first = spread(middles, AXES // 2)
    few = orthonormal(np.concatenate([first, spread(sample, AXES - len(first))]))
    sample = np.concatenate([sample, middles * np.sqrt(total / len(centers))])
    columns = contiguous(sample.T)
    for _ in range(STEPS):  # of subspace iteration
        if not len(few):
            return None
        few = orthonormal(along(columns, contiguous(along(sample, few).T)).T)
    few = orthonormal(few)  # again, since rounding makes the first result inexact
    if not len(few):
        return None
    return along(rows, few), along(contiguous(centers), few)


def spread(rows: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of these rows, at regular intervals."""
    return rows[:: max(1, len(rows) // most)][:most]


def orthonormal(directions: np.ndarray) -> np.ndarray:
    """Orthonormal directions (<= m, d) with the same span as these (m, d), up to rounding; none
    where squares overflow or underflow.
    """
    if not len(directions):
        return directions
    left = contiguous(directions).copy()
    with np.errstate(all="ignore"):
        products = along(left, left)
        least, kept = NOTHING * products.diagonal(), []
        for i in range(len(left)):
            square = products[i, i]
            if not least[i] < square < np.inf:
                continue
            kept.append(i)
            share = products[i + 1 :, i] / square
            share[~np.isfinite(share)] = 0
            left[i + 1 :] -= share[:, None] * left[i]
            products[i + 1 :] -= share[:, None] * products[i]
            left[i] /= np.sqrt(square)
        out = contiguous(left[kept])
    return out if np.isfinite(out).all() else out[:0]
