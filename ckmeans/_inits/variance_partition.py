"""Means of the parts of a recursive partition."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._input.sparse import SparseRows
from .._native.engine import Data
from .rows import deterministic, draw, ranked_rows, sq_nearest, weights_of

#: Number of values of sparse rows that are made dense at a time.
BLOCK = 1 << 22


@deterministic
def variance_partition(data: Data, k: int, random_state: np.random.RandomState) -> np.ndarray:
    """Means of parts: the part with the largest sum of squares is split at the mean of its feature
    of largest variance, until there are k (Su & Dy, Intell. Data Anal. 11, 2007).

    Deterministic. Not for data whose clusters are not separated along any single feature.
    """
    parts = [_part(data, ranked_rows(data))]  # sums depend on the order of their terms
    while len(parts) < k:
        widest = max(range(len(parts)), key=lambda i: parts[i][0])
        square, rows, values = parts[widest]
        low = values <= 0
        if not square > 0 or low.all() or not low.any():
            break
        parts[widest : widest + 1] = [_part(data, rows[low]), _part(data, rows[~low])]
    labels = np.zeros(data.shape[0], dtype=np.int32)
    for label, (_, rows, _) in enumerate(parts):
        labels[rows] = label
    means = data.means(labels, len(parts))
    return means if len(parts) == k else filled(means, data, k, np.random.RandomState(0))


def _part(data: Data, rows: np.ndarray) -> tuple[float, np.ndarray, Any]:
    """Sum of squares about the mean, rows, and their centered values of the feature of largest
    variance.
    """
    w = None if data.weights is None else data.weights[rows]
    total = len(rows) if w is None else np.add.reduce(w)
    squares, largest, values = np.empty(data.shape[1]), -1.0, None
    for start, X in _columns(data, rows):
        mean = np.add.reduce(X if w is None else X * w[:, None], axis=0) / total
        X -= mean
        here = np.add.reduce(X * X if w is None else X * X * w[:, None], axis=0)
        squares[start : start + len(here)] = here
        widest = int(np.argmax(here))
        if here[widest] > largest:
            largest, values = here[widest], X[:, widest].copy()
    return float(np.add.reduce(squares)), rows, values


def _columns(data: Data, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Blocks of columns of these rows, dense: (first column, values). Dense rows are one block. Of
    sparse rows a block never is a single column, since NumPy would sum it in another order.
    """
    n, d = len(rows), data.shape[1]
    if not isinstance(data.array, SparseRows):
        yield 0, data.take(rows)
        return
    part = data.array.take(rows)
    row_of = np.repeat(np.arange(n), np.diff(part.indptr))
    values = part.data * data.factors()[rows][row_of] if data.unit else part.data
    for columns in np.array_split(np.arange(d), max(1, min(-(-n * d // BLOCK), d // 2))):
        start, stop = columns[0], columns[-1] + 1
        here = (start <= part.indices) & (part.indices < stop)
        X = np.zeros((n, stop - start))
        X[row_of[here], part.indices[here] - start] = values[here]
        yield start, X


def filled(
    centers: np.ndarray, data: Data, k: int, random_state: np.random.RandomState
) -> np.ndarray:
    """k centers: if there are fewer, or some are equal, rows drawn in proportion to their squared
    distance are added.
    """
    centers = np.unique(centers + 0.0, axis=0)[:k]
    while len(centers) < k:
        ranked = ranked_rows(data)
        potential = (weights_of(data) * sq_nearest(data, centers))[ranked]
        if not potential.sum() > 0:
            return np.resize(centers, (k, data.shape[1]))
        drawn = draw(potential, random_state.random_sample(k - len(centers)))
        rows = data.take(ranked[drawn])
        before, centers = len(centers), np.unique(np.concatenate([centers, rows]), axis=0)
        if len(centers) == before:  # at unit length, equal rows may differ by rounding
            return np.resize(centers, (k, data.shape[1]))
    return centers[:k]
