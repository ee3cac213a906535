"""k-means|| (Bahmani et al., VLDB 2012) over blocks.

`_inits/kmeans_parallel.py` does the same in one array and draws the same rows; the draws of a round
and the final choice of the centers are implemented there.
"""

import numpy as np

from ..._inits.exact_sums import ExactTotal
from ..._inits.kmeans_parallel import best_of, likely, round_keys
from ..tasks import assign_task
from .answers import Listed, Ranked
from .cache import cache
from .draws import draw_by_weight
from .views import as_rows, sq_exact, weights_of


def kmeans_parallel(fit, state):
    """k centers, by two passes per round."""
    k, run = fit.k, fit.states.index(state)
    random_state = np.random.RandomState(state.seed)
    first, keys = random_state.random_sample(1), round_keys(random_state)
    if state.chosen is None:
        state.chosen, _ = yield from draw_by_weight(fit, first)
        state.round = 0
    chosen = state.chosen
    for key in keys[state.round :]:
        total = yield total_task, fit.whole, run, chosen
        positions, rows = (yield likely_task, fit.whole, run, chosen, total.value, k, key).arrays
        chosen = np.concatenate([chosen, rows[np.argsort(positions)]])
        state.chosen, state.round = chosen, state.round + 1
    candidates = np.unique(chosen + 0.0, axis=0)
    if len(candidates) < k:
        more = yield farthest_task, fit.whole, candidates, k
        return np.resize(np.concatenate([candidates, more.rows]), (k, fit.d))
    if len(candidates) == k:
        return candidates
    total = yield assign_task, fit.whole, candidates, False
    return best_of(candidates, total.weights, k, random_state)


def near_of(X, index, whole, run, chosen):
    """Squared distance of each row to the nearest of those chosen. The distances to the rows of
    earlier rounds are cached.
    """
    key = whole.token, ("far", run), index
    known = cache.get(key)
    count, near = known if known is not None and known[0] <= len(chosen) else (0, None)
    if count < len(chosen):
        new = sq_exact(as_rows(X, whole), chosen[count:], whole)
        near = new if near is None else np.minimum(near, new)
        cache.put(key, len(chosen), near)
    return near


def total_task(X, sample_weight, index, whole, run, chosen):
    """The exact potential."""
    return ExactTotal(weights_of(X, sample_weight) * near_of(X, index, whole, run, chosen))


def likely_task(X, sample_weight, index, whole, run, chosen, total, k, key):
    """The rows that a round draws: (positions, rows)."""
    positions = int(whole.starts[index]) + np.arange(len(X))
    drawn = np.flatnonzero(
        likely(
            weights_of(X, sample_weight) * near_of(X, index, whole, run, chosen),
            total,
            k,
            key,
            positions,
        )
    )
    return Listed(positions[drawn], as_rows(X, whole)[drawn].astype(np.float64))


def farthest_task(X, sample_weight, index, whole, chosen, limit):
    """The distinct rows of positive weight that are farthest from those chosen."""
    far = sq_exact(as_rows(X, whole), chosen, whole) * (weights_of(X, sample_weight) > 0)
    rows = np.flatnonzero(far)
    return Ranked.of(as_rows(X, whole), rows, -far[rows], int(whole.starts[index]) + rows, limit)
