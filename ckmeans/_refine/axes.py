"""Wide rows along the few axes in which they vary most: what local search sees of them.

A distance along AXES axes takes a small part of the time of one over hundreds of features, and
tells clusters apart nearly as well: the means of clusters lie close to what these axes span
(compare Ding & He, ICML 2004; Cohen et al., STOC 2015). All products are summed in a fixed order,
so that results are the same on every machine.
"""

import numpy as np

from .._input.contiguous import contiguous
from .._native.engine import along

#: Number of axes, rows from which they are found, and features from which on they pay.
AXES, SAMPLE, WIDE = 32, 512, 64

#: Steps of subspace iteration: with one, small clusters among wide ones are missed.
STEPS = 2

#: What is left of a direction is rounding, below this share of its squared length.
NOTHING = 1e-10


def looked_at(d: int) -> int:
    """How many numbers of a row of d features a search looks at, if it may use axes."""
    return AXES if d >= WIDE else d


def shortened(
    rows: np.ndarray, weights: np.ndarray | None, centers: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Rows (n, d), side by side with those of the same cluster, and centers (k, d) along axes
    in which these rows and centers vary most: (n, m) and (k, m). None where there are no axes.
    """
    step = max(1, len(rows) // SAMPLE)
    origin = centers.mean(axis=0)
    sample = rows[::step][:SAMPLE] - origin
    total = float(len(sample))
    if weights is not None:
        sample *= np.sqrt(weights[::step][:SAMPLE])[:, None]
        total = float(weights[::step][:SAMPLE].sum())
    # Of noisy rows the centers know better in what clusters differ: they count as much as the rows.
    middles = centers - origin
    first = spread(middles, AXES // 2)
    few = orthonormal(np.concatenate([first, spread(sample, AXES - len(first))]))
    sample = np.concatenate([sample, middles * np.sqrt(total / len(centers))])
    columns = contiguous(sample.T)
    for _ in range(STEPS):  # of subspace iteration
        if not len(few):
            return None
        few = orthonormal(along(columns, contiguous(along(sample, few).T)).T)
    few = orthonormal(few)  # again, for what rounding has left over
    if not len(few):
        return None
    return along(rows, few), along(contiguous(centers), few)


def spread(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of these rows, each as far from the next."""
    return rows[:: max(1, len(rows) // most)][:most]


def orthonormal(directions: np.ndarray) -> np.ndarray:
    """Orthonormal directions (<= m, d) that span what these (m, d) span, to within rounding; none
    where squares are out of the range of numbers.
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
