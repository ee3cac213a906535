"""Distinct rows drawn one after the other by weight (Forgy 1965)."""

import numpy as np

from .answers import Ranked
from .draws import draw_by_weight
from .views import as_rows, weights_of


def random(fit, state):
    """k distinct rows, drawn by weight; the same rows as `_inits.random_rows`."""
    chosen: dict[bytes, np.ndarray] = {}
    k = fit.k
    random_state = np.random.RandomState(state.seed)

    def add(rows):
        for row in rows:
            if len(chosen) < k:
                chosen.setdefault((row + 0.0).tobytes(), row)  # -0.0 equals 0.0

    for _ in range(8):
        rows, _ = yield from draw_by_weight(fit, random_state.random_sample(k + 8))
        add(rows)
        if len(chosen) == k:
            break
    else:
        ranked = yield keys_task, fit.whole, 2 * k, state.seed, 8 * (k + 8)
        add(ranked.rows)
    rows = np.array(list(chosen.values()))
    return rows[np.arange(k) % len(rows)]


def keys_task(X, sample_weight, index, whole, limit, seed, skip):
    """The first rows by exponential keys, which draws without replacement."""
    state = np.random.RandomState(seed)
    state.random_sample(skip)
    left = int(whole.starts[index])
    while left:  # skip the keys of the blocks before this one
        left -= len(state.standard_exponential(min(left, 1 << 20)))
    keys = state.standard_exponential(len(X))
    if sample_weight is not None:
        with np.errstate(divide="ignore"):
            keys /= weights_of(X, sample_weight)
    rows = np.flatnonzero(np.isfinite(keys))
    return Ranked.of(as_rows(X, whole), rows, keys[rows], int(whole.starts[index]) + rows, limit)
