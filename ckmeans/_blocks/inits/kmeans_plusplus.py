"""Greedy k-means++ (Arthur & Vassilvitskii, SODA 2007) over blocks.

`PlusPlus` in `data/seeding.pxi` does the same in one array and draws the same rows. Shared with it
are the random numbers, the order of the rows, the kernel that computes what candidates change, and
the exact sums; see the top of `inits/__init__.py` for what differs.
"""

import numpy as np

from ..._inits.exact_sums import add_parts, farthest
from ..._inits.kmeans_plusplus import local_trials, uniforms_of
from ..._native import engine as native
from .answers import Added, Foremost, Largest
from .cache import cache
from .draws import (
    FIRST_BITS,
    Unsettled,
    draw,
    draw_by_weight,
    noted_for,
    parts_task,
    shares_of,
    values,
)
from .views import as_rows, buckets_of, codes_of, open_block, sq_exact, weights_of


def kmeans_plusplus(fit, state):
    """k rows, by two passes each: one tries the candidates, and one, which looks at few rows, draws
    the next candidates.
    """
    k, whole, bits = fit.k, fit.whole, FIRST_BITS[fit.engine.in_process]
    trials = local_trials(k)
    uniforms = uniforms_of(k, trials, np.random.RandomState(state.seed))
    run, counts, sums = fit.states.index(state), None, None
    everything = np.zeros((1, 2), dtype=np.uint64)
    if state.chosen is None:
        state.chosen, state.positions = yield from draw_by_weight(fit, uniforms[:1])
        state.bound = farthest(fit.survey.low, fit.survey.high, fit.survey.heaviest)
    while len(state.chosen) < k:
        if sums is None:
            counts, sums = (
                yield parts_task, whole, state.chosen, state.bound, everything, 0, bits
            ).arrays
            # These are exact; the changes that are added below may not be.
            counts, sums, lost = counts[0], sums[0], 0.0
        try:
            potential = float(values(sums.sum(axis=0), lost))
            if potential < state.bound * native.SPARE_RANGE:
                largest = (yield shares_task, whole, state.chosen).value
                if largest > 0:  # all shares are far below the bound: take a smaller one
                    state.bound, sums = largest, None
                    continue
            if potential == 0:
                return (yield from rest(fit, state))
            first = 1 + (len(state.chosen) - 1) * trials
            targets = uniforms[first : first + trials] * potential
            candidates, places = yield from draw(
                fit, targets, state.chosen, state.bound, (counts, sums), run, lost
            )
        except Unsettled:
            sums = None
            continue
        (changes,) = (
            yield potentials_task, whole, run, state.chosen, candidates, state.bound, bits
        ).arrays
        lost = native.left_over(state.bound, fit.survey.n_rows)
        try:
            left = values(
                add_parts(np.tile(sums.sum(axis=0), (len(candidates), 1)), changes.sum(axis=1)),
                lost,
            )
        except Unsettled:
            (limbs,) = (yield left_task, whole, run, state.chosen, candidates).arrays
            left = [native.limbs_value(one) for one in limbs]
        best = int(np.argmin(left))  # the first of equal ones
        sums = add_parts(sums, changes[best])
        state.chosen = np.concatenate([state.chosen, candidates[best : best + 1]])
        state.positions = np.append(state.positions, places[best])
    return state.chosen


def rest(fit, state):
    """Centers if every row equals a chosen one: next come the first rows of positive weight, in the
    order of their hashes, that are not chosen, then copies of the first row.
    """
    found = yield heads_task, fit.whole, fit.k
    others = [
        row for position, row in zip(found.positions, found.rows) if position not in state.positions
    ]
    return np.array([*state.chosen, *others, *[found.rows[0]] * fit.k][: fit.k])


def potentials_task(X, sample_weight, index, whole, run, chosen, candidates, bound, bits):
    """By how much each candidate would change the potential of the rows chosen so far, for each
    range of the order.

    The distances of the block's rows to those chosen are kept if there is room, and so is which
    rows may be closer to a candidate. With both, a new row costs little.
    """
    data, m = open_block(X, sample_weight, whole), len(candidates)
    bucket = buckets_of(X, index, whole, bits)
    key = whole.token, ("near", run), index
    known = cache.get(key)
    if known is None or known[0] > len(chosen):
        known = 0, np.full(len(X), np.inf)
        if len(chosen) and len(X):
            known = len(chosen), sq_exact(data.array, chosen, whole)
    count, near = known
    closer, column = noted_for(whole, run, index, count, chosen)
    if closer is None or closer.shape[1] != m:
        closer, column = np.empty((-(-len(X) // 64), m), dtype=np.uint64), -1
    for new in chosen[count:-1]:
        native.block_potentials(
            data,
            whole.survey._native,
            near,
            new[None],
            candidates[:0],
            closer,
            -1,
            bucket,
            1 << bits,
            bound,
        )
    changes, some = native.block_potentials(
        data,
        whole.survey._native,
        near,
        chosen[max(count, len(chosen) - 1) :],
        candidates,
        closer,
        column,
        bucket,
        1 << bits,
        bound,
    )
    cache.put(key, len(chosen), near)
    if some:
        cache.put((whole.token, ("closer", run), index), (len(chosen), candidates), closer)
    return Added(changes)


def left_task(X, sample_weight, index, whole, run, chosen, candidates):
    """The potential after each candidate: exact sums (m, LIMBS)."""
    near = shares_of(X, None, index, np.arange(len(X)), chosen, whole, run)
    weights, array = weights_of(X, sample_weight), as_rows(X, whole)
    return Added(
        np.array(
            [
                native.exact_limbs(weights * np.minimum(near, sq_exact(array, row[None], whole)))
                for row in candidates
            ]
        )
    )


def shares_task(X, sample_weight, index, whole, chosen):
    """The largest share that a row has of the potential."""
    return Largest(
        float(shares_of(X, sample_weight, index, np.arange(len(X)), chosen, whole).max(initial=0.0))
    )


def heads_task(X, sample_weight, index, whole, limit):
    """The first rows of positive weight in the order of their hashes, equal ones by position."""
    codes, rows = codes_of(X, index, whole), np.flatnonzero(weights_of(X, sample_weight))
    rows = rows[np.argsort(codes[rows], kind="stable")[:limit]]
    return Foremost(
        limit,
        codes[rows],
        np.ones(len(rows)),
        int(whole.starts[index]) + rows,
        as_rows(X, whole)[rows].astype(np.float64),
    )
