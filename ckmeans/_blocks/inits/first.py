"""The first distinct rows (MacQueen 1967)."""

import numpy as np

from .answers import Ranked
from .views import as_rows, weights_of


def first_task(X, sample_weight, index, whole, limit):
    """The first distinct rows of positive weight."""
    rows = np.flatnonzero(weights_of(X, sample_weight))
    positions = int(whole.starts[index]) + rows
    return Ranked.of(as_rows(X, whole), rows, np.zeros(len(rows)), positions, limit)


def first(fit, state):
    """The first k distinct rows."""
    found = yield first_task, fit.whole, fit.k
    return np.resize(found.rows, (fit.k, fit.d))
