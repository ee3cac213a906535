"""What several inits need: rows with weight, distances to the nearest center, distinct rows."""

import numpy as np


def deterministic(init):
    """Mark an init that gives the same centers whatever the seed: one run with it is enough."""
    init.deterministic = True
    return init


def weights_of(data):
    return np.ones(data.shape[0]) if data.weights is None else data.weights


def weighted_rows(data):
    """Positions of the rows whose weight is not 0: (m,)."""
    return np.arange(data.shape[0]) if data.weights is None else np.flatnonzero(data.weights)


def sq_nearest(data, centers):
    """Squared distance of every row to the nearest of these centers: (n,)."""
    centers = np.ascontiguousarray(centers)
    return data.squares(centers, data.assign(centers))


class Distinct:
    """Collects k rows no two of which are equal."""

    def __init__(self, data, k):
        self.data, self.k = data, k
        self.rows, self.seen = [], set()

    @property
    def full(self):
        return len(self.rows) == self.k

    def add(self, indices):
        for row, key in zip(indices, self.data.keys(indices)):
            if key not in self.seen:
                self.seen.add(key)
                self.rows.append(row)
                if self.full:
                    break

    def fill(self, indices):
        """Add from these, block by block; where there are too few distinct rows, some are
        repeated.
        """
        block = 4 * self.k + 64
        for start in range(0, len(indices), block):
            self.add(indices[start : start + block])
            if self.full:
                break
        return np.resize(self.rows, self.k)
