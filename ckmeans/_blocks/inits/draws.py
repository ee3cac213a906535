"""Rows drawn with given probabilities.

All rows have an order: that of their hashes, and of their positions where hashes are equal; see
`data/draw_order.pxi`. Each row has a share: its weight, for k-means++ times its squared distance to
the nearest center. A row is drawn as the first at which the running sum of the shares exceeds a
target.

The row is found as in a search tree. The first pass sums the shares of 2**bits ranges of the order,
the next passes sum those of the parts of one range, until a range has few enough rows to go through
them one by one.
"""

import numpy as np

from ..._inits.exact_sums import cut
from ..._native import engine as native
from .answers import Added, Listed
from .cache import cache
from .views import as_rows, buckets_of, codes_of, sq_exact, weights_of

#: Into how many ranges (as a power of 2) the order is cut in the first pass, and in those after it;
#: and how many rows are looked at one by one. The keys say whether the engine is in this process:
#: then nothing is sent to other processes, and large answers save passes.
FIRST_BITS, MORE_BITS, FEW = {True: 12, False: 8}, 8, {True: 4096, False: 128}


def part(codes, positions, first_bit, bits):
    """The range of the order that rows are in: `bits` bits, from `first_bit` on, of the 64 bits of
    the hash followed by the 64 bits of the position.
    """
    word = codes if first_bit < 64 else positions
    return ((word >> np.uint64(64 - bits - first_bit % 64)) & np.uint64((1 << bits) - 1)).astype(
        np.int64
    )


def shares_of(X, sample_weight, index, rows, chosen, whole, run=None):
    """The shares of some rows of a block: their weights times the squared distance to the nearest
    of the rows chosen so far.

    run : number of the run that has chosen them, some of whose distances may be in the cache
    """
    shares = np.ones(len(rows)) if sample_weight is None else weights_of(X, sample_weight)[rows]
    if chosen is None:
        return shares
    known = cache.get((whole.token, ("near", run), index))
    if known is None or known[0] > len(chosen):
        return shares * sq_exact(as_rows(X, whole)[rows], chosen, whole)
    count, near = known[0], known[1][rows]
    closer, column = noted_for(whole, run, index, count, chosen)
    if column >= 0:
        some = np.flatnonzero(
            closer[rows // 64, column] >> (rows % 64).astype(np.uint64) & np.uint64(1)
        )
    else:
        some = np.arange(len(rows) if count < len(chosen) else 0)
    near[some] = (
        np.minimum(near[some], sq_exact(as_rows(X, whole)[rows[some]], chosen[count:], whole))
        if len(some)
        else near[some]
    )
    return shares * near


def noted_for(whole, run, index, count, chosen):
    """Which rows are closer to the candidates, as `potentials_task` has noted, and the column of
    the candidate that was chosen after `count` others; -1 if nothing is known.
    """
    noted = cache.get((whole.token, ("closer", run), index))
    if noted is None or count != len(chosen) - 1 or noted[0][0] != count:
        return None, -1
    return noted[1], int(np.append(np.flatnonzero((noted[0][1] == chosen[-1]).all(axis=1)), -1)[0])


def parts_task(X, sample_weight, index, whole, chosen, bound, wanted, first_bit, bits, run=None):
    """Counts of rows, and exact sums of their shares, for the 2**bits parts of some ranges.

    wanted : (m, 2) uint64, the first `first_bit` bits of each range: those of hash and position
    """
    codes = codes_of(X, index, whole)
    counts = np.zeros((len(wanted), 1 << bits), dtype=np.int64)
    sums = np.zeros((len(wanted), 1 << bits, 1))
    for t, rows in enumerate(in_ranges(X, codes, index, whole, wanted, first_bit)):
        at = part(codes[rows], positions_of(rows, index, whole), first_bit, bits)
        counts[t] = np.bincount(at, minlength=1 << bits)
        terms = shares_of(X, sample_weight, index, rows, chosen, whole, run)
        pieces = [
            np.bincount(at, piece, 1 << bits) for piece in cut(terms, bound, whole.survey.n_rows)
        ]
        if len(pieces) > sums.shape[2]:
            sums = np.concatenate(
                [sums, np.zeros((*sums.shape[:2], len(pieces) - sums.shape[2]))], axis=2
            )
        sums[t, :, : len(pieces)] = np.transpose(pieces)
    return Added(counts, sums)


def rows_task(X, sample_weight, index, whole, chosen, wanted, first_bit, run=None, values=True):
    """The rows of some ranges of the order, one by one; with their values, if asked for."""
    codes, array = codes_of(X, index, whole), as_rows(X, whole) if values else np.empty((len(X), 0))
    out = [
        (
            np.full(len(rows), t),
            codes[rows],
            positions_of(rows, index, whole),
            shares_of(X, sample_weight, index, rows, chosen, whole, run),
            array[rows].astype(np.float64),
        )
        for t, rows in enumerate(in_ranges(X, codes, index, whole, wanted, first_bit))
    ]
    return Listed(*(np.concatenate(arrays) for arrays in zip(*out)))


def positions_of(rows, index, whole):
    """The positions of a block's rows among all rows, in the highest bits of 64."""
    return (int(whole.starts[index]) + rows).astype(np.uint64) << np.uint64(whole.spare_bits)


def in_ranges(X, codes, index, whole, wanted, first_bit):
    """For each range of the order, the rows of a block that are in it."""
    if first_bit == 0:
        return [np.arange(len(codes))] * len(wanted)
    bits = min(first_bit, 12)
    table = np.zeros(1 << bits, dtype=bool)
    table[[int(code) >> (64 - bits) for code, _ in wanted]] = True
    some = np.flatnonzero(table[buckets_of(X, index, whole, bits)])  # most rows are in none of them
    few, places = codes[some], positions_of(some, index, whole)
    out = []
    for code, place in wanted:
        if first_bit <= 64:
            match = few >> np.uint64(64 - first_bit) == np.uint64(code) >> np.uint64(64 - first_bit)
        else:
            shift = np.uint64(128 - first_bit)
            match = (few == np.uint64(code)) & (places >> shift == np.uint64(place) >> shift)
        out.append(some[match])
    return out


class Unsettled(Exception):
    """A sum is not known well enough to round it: its exact value is needed."""


def values(parts, lost):
    """The values of sums (..., parts), each rounded once.

    lost : bound on the error of the sums; `Unsettled` is raised if it may change a rounded value
    """
    if lost == 0:
        return native.sum_values(np.moveaxis(parts, -1, 0))
    low, high = (
        native.sum_values(
            np.concatenate([np.moveaxis(parts, -1, 0), np.full((1, *parts.shape[:-1]), off)])
        )
        for off in (-lost, lost)
    )
    if not np.array_equal(low, high):
        raise Unsettled
    return low


def first_above(sums, before, target, lost=0):
    """The index of the first of these sums (m, parts) at which the running total exceeds the
    target, or, if there is none, of the last nonzero sum; and the total before it.

    before : parts of the total before the first sum
    lost : bound on the error of all sums; `Unsettled` is raised if it matters
    """
    running = np.zeros((len(sums) + 1, max(sums.shape[1], len(before))))
    running[0, : len(before)] = before
    running[1:, : sums.shape[1]] = sums
    running = np.cumsum(running, axis=0)
    about, size = running[1:].sum(axis=1), np.abs(running[1:]).sum(axis=1) + abs(target)
    above, near = about > target, np.abs(about - target) <= 1e-12 * size + lost
    # Where the total is near the target, rounding may matter: exact sums decide.
    surely = np.flatnonzero(above & ~near)
    near = np.flatnonzero(near[: surely[0] if len(surely) else len(near)])
    if len(near):
        above[near] = values(running[1 + near], lost) > target
    if not above.any() and lost:
        raise Unsettled
    at = int(np.argmax(above)) if above.any() else int(np.flatnonzero(values(sums, 0) > 0)[-1])
    return at, running[at]


def draw(fit, targets, chosen, bound, top=None, run=None, lost=0):
    """Rows at which the running sum of shares exceeds the targets: (rows (m, d), positions (m,)).

    chosen : the rows chosen so far, or None: then shares are weights
    bound : upper bound on the shares top : counts and sums of the first pass, if they are known run
    : number of the run that has chosen lost : bound on the error of the sums; `Unsettled` is raised
    if it matters
    """
    whole, local = fit.whole, fit.engine.in_process
    bits = FIRST_BITS[local]
    if top is None:
        everything = np.zeros((1, 2), dtype=np.uint64)
        counts, sums = (yield parts_task, whole, chosen, bound, everything, 0, bits).arrays
        top = counts[0], sums[0]
    # For each target: the range of the order it is in, as (hash, position), and the sum before it.
    ranges, before, rows_there = (
        np.zeros((len(targets), 2), dtype=np.uint64),
        [np.zeros(1)] * len(targets),
        np.empty(len(targets), int),
    )
    counts, sums, of = top[0][None], top[1][None], np.zeros(len(targets), dtype=int)
    first_bit = 0
    while True:
        for t, target in enumerate(targets):
            at, before[t] = first_above(sums[of[t]], before[t], target, lost)
            word, shift = int(first_bit >= 64), 64 - bits - first_bit % 64
            ranges[t, word] |= np.uint64(at << shift)
            rows_there[t] = counts[of[t], at]
        first_bit += bits
        distinct, of = np.unique(ranges, axis=0, return_inverse=True)
        of = of.reshape(-1)
        if first_bit == 128 or rows_there.max() <= FEW[local]:
            break
        bits = MORE_BITS if first_bit % 64 + MORE_BITS <= 64 else 64 - first_bit % 64
        counts, sums = (
            yield parts_task, whole, chosen, bound, distinct, first_bit, bits, run
        ).arrays
    # A few rows of an array can be read without a pass.
    all_rows = fit.engine.array if local and fit.engine.mapped else None
    which, codes, positions, shares, rows = (
        yield rows_task, whole, chosen, distinct, first_bit, run, all_rows is None
    ).arrays
    out, places = np.empty((len(targets), fit.d)), np.empty(len(targets), dtype=np.int64)
    if all_rows is not None:
        fit.engine.check()
    for t, target in enumerate(targets):
        here = np.flatnonzero(which == of[t])
        here = here[np.lexsort((positions[here], codes[here]))]
        at, _ = first_above(cut(shares[here], bound, fit.survey.n_rows).T, before[t], target, lost)
        places[t] = int(positions[here[at]] >> np.uint64(whole.spare_bits))
        out[t] = (
            rows[here[at]] if all_rows is None else as_rows(all_rows[places[t]][None], whole)[0]
        )
    return out, places


def draw_by_weight(fit, uniforms):
    """Rows in proportion to their weights; the same rows as `Data.draw`."""
    n = fit.survey.n_rows
    if not fit.survey.weighted:
        targets = np.minimum((uniforms * n).astype(np.int64), n - 1).astype(np.float64)
        return (yield from draw(fit, targets, None, 1.0))
    bits = FIRST_BITS[fit.engine.in_process]
    everything = np.zeros((1, 2), dtype=np.uint64)
    counts, sums = (
        yield parts_task, fit.whole, None, fit.survey.heaviest, everything, 0, bits
    ).arrays
    total = float(values(sums[0].sum(axis=0), 0))
    return (yield from draw(fit, uniforms * total, None, fit.survey.heaviest, (counts[0], sums[0])))
