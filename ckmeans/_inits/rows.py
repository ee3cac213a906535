"""Helpers of several inits: rows with weight, distances to the nearest center, distinct rows."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .._input.contiguous import contiguous
from .._native.engine import Data

Init = TypeVar("Init", bound=Callable[..., Any])


def deterministic(init: Init) -> Init:
    """Mark an init that gives the same centers whatever the seed: one run with it is enough."""
    init.deterministic = True  # type: ignore[attr-defined]
    return init


def weights_of(data: Data) -> np.ndarray:
    return np.ones(data.shape[0]) if data.weights is None else data.weights


def weighted_rows(data: Data) -> np.ndarray:
    """Positions of the rows whose weight is not 0: (m,)."""
    return np.arange(data.shape[0]) if data.weights is None else np.flatnonzero(data.weights)


def ranked_rows(data: Data, start: int = 0, size: int | None = None) -> np.ndarray:
    """At most so many rows of positive weight, (m,), in the order of their hashes from `start` on,
    equal rows by weight: an order that does not depend on where rows stand.
    """
    n = data.shape[0]
    if data.weights is None:
        return data.ranked(start, n if size is None else size)[0]
    rows, codes = data.ranked(start, n)
    heavy = data.weights[rows] > 0
    rows, codes = rows[heavy], codes[heavy] - np.uint64(start)
    return rows[np.lexsort((data.weights[rows], codes))[:size]]


def sq_nearest(data: Data, centers: np.ndarray) -> np.ndarray:
    """Squared distance of every row to the nearest of these centers: (n,)."""
    centers = contiguous(centers)
    return data.squares(centers, data.assign(centers))


def draw(terms: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Rows drawn in proportion to these terms; never one after the last nonzero term."""
    running = np.cumsum(terms)
    return np.minimum(
        np.searchsorted(running, uniforms * running[-1], side="right"),
        np.searchsorted(running, running[-1]),
    )


class Distinct:
    """Collects k distinct rows."""

    def __init__(self, data: Data, k: int) -> None:
        self.data, self.k = data, k
        self.rows: list[Any] = []
        self.seen: set[bytes] = set()

    @property
    def full(self) -> bool:
        return len(self.rows) == self.k

    def add(self, indices: np.ndarray) -> None:
        for row, key in zip(indices, self.data.keys(indices)):
            if key not in self.seen:
                self.seen.add(key)
                self.rows.append(row)
                if self.full:
                    break

    def fill(self, indices: np.ndarray) -> np.ndarray:
        """Add rows of these until there are k; if there are too few distinct ones, some are
        repeated.
        """
        block = 4 * self.k + 64
        for start in range(0, len(indices), block):
            self.add(indices[start : start + block])
            if self.full:
                break
        return np.resize(self.rows, self.k)
