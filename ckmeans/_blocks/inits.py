"""Inits over blocks of rows: generators for the driver in `_blocks/driver.py`, with the draws that
the inits in one array make.

An init is a function of (fit, state) that yields requests and returns centers of shape (k, d); what
it has drawn so far goes into ``state.chosen``, so that a fit can be taken up again.
"""

from threading import RLock

import numpy as np

from .._inits.exact_sums import ExactTotal, add_parts, cut, farthest
from .._inits.kmeans_parallel import best_of, likely, round_keys
from .._input import checks as check
from .._native import engine as native
from .tasks import assign_task

#: Bytes of hashes and distances that a process keeps from pass to pass, so that they need not be
#: found again.
CACHE_LIMIT = 96 << 20


def as_rows(X, whole):
    """A block in the type of the whole."""
    array, _ = check.as_matrix(X, min_rows=0)
    return array if array.dtype == whole.survey.dtype else array.astype(whole.survey.dtype)


class Ranked:
    """The first rows in some order, no two of them equal: at most `limit` of those of the blocks
    seen.
    """

    def __init__(self, limit, keys, positions, rows, labels, weights):
        self.limit, self.keys, self.positions, self.rows, self.labels, self.weights = (
            limit,
            keys,
            positions,
            rows,
            labels,
            weights,
        )

    @classmethod
    def of(cls, array, indices, keys, positions, limit, labels=None, weights=None):
        """From rows of an array: of equal keys the lowest position first."""
        order = np.lexsort((positions, keys))
        out = cls(
            limit,
            *(np.empty(0),) * 2,
            np.empty((0, array.shape[1])),
            np.empty(0, np.int32),
            np.empty(0),
        )
        step, first = 4 * limit + 64, 0
        while first < len(order) and len(out.keys) < limit:
            some = order[first : first + step]
            rows = array[indices[some]].astype(np.float64)
            out = out + cls(
                limit,
                keys[some],
                positions[some],
                rows,
                np.zeros(len(some), np.int32) if labels is None else labels[some],
                np.ones(len(some)) if weights is None else weights[some],
            )
            first, step = first + step, 2 * step
        return out

    def __add__(self, other):
        fields = [np.concatenate(pair) for pair in zip(self._fields(), other._fields())]
        order = np.lexsort((fields[1], fields[0]))
        _, firsts = np.unique(fields[2][order] + 0.0, axis=0, return_index=True)  # -0.0 equals 0.0
        order = order[np.sort(firsts)[: self.limit]]
        return Ranked(self.limit, *(field[order] for field in fields))

    def _fields(self):
        return self.keys, self.positions, self.rows, self.labels, self.weights

    def __iter__(self):
        return zip(self.rows, self.labels, self.weights)


def named(name):
    """A function of the seed that gives the init of this name."""
    return lambda seed: BLOCK_INITS[name]


def called(seed):
    raise TypeError(
        "init cannot be a function where the rows are not in one array: pass centers, "
        "or one of "
        f"{', '.join(map(repr, BLOCK_INITS))}."
    )


def weights_of(X, sample_weight):
    return (
        np.ones(len(X))
        if sample_weight is None
        else check.as_weights(sample_weight, len(X), all_zero=True)
    )


# -- first -----------------------------------------------------------------------------------------


def first_task(X, sample_weight, index, whole, limit):
    rows = np.flatnonzero(weights_of(X, sample_weight))
    positions = int(whole.starts[index]) + rows
    return Ranked.of(as_rows(X, whole), rows, np.zeros(len(rows)), positions, limit)


def first(fit, state):
    """The first k distinct rows (MacQueen 1967)."""
    found = yield first_task, fit.whole, fit.k
    return np.resize(found.rows, (fit.k, fit.d))


# -- what a process may remember of its blocks -----------------------------------------------------


class Cache:
    """Arrays by (fit, what, block): all can be made again, so that nothing is lost where there is
    no room, or another process is asked.
    """

    def __init__(self):
        self.held, self.lock = (
            {},
            RLock(),
        )  # a signal handler may run a fit of its own while this thread has the lock

    def get(self, key):
        return self.held.get(key)

    def put(self, key, value, array):
        with self.lock:
            if key not in self.held and array.nbytes + self.size() > CACHE_LIMIT:
                for other in [other for other in list(self.held) if other[0] != key[0]]:
                    self.held.pop(
                        other, None
                    )  # of a fit that is over, or that has to find them again
                if array.nbytes + self.size() > CACHE_LIMIT:
                    return
            self.held[key] = value, array

    def size(self):
        return sum(kept.nbytes for _, kept in list(self.held.values()))

    def drop(self, fit):
        with self.lock:
            for key in [key for key in list(self.held) if key[0] == fit]:
                self.held.pop(key, None)


cache = Cache()


def open_block(X, sample_weight, whole):
    """The engine's view of a block."""
    weights = (
        None
        if sample_weight is None or not len(X)
        else check.as_weights(sample_weight, len(X), all_zero=True)
    )
    return native.Data(as_rows(X, whole), weights, whole.n_threads, False, False)


def codes_of(X, index, whole):
    """The hash of each row of a block."""
    key = whole.token, "codes", index
    known = cache.get(key)
    if known is not None:
        return known[1]
    codes = native.block_codes(open_block(X, None, whole))
    cache.put(key, None, codes)
    return codes


def buckets_of(X, index, whole, bits):
    """The first bits of each hash."""
    key = whole.token, ("bucket", bits), index
    known = cache.get(key)
    if known is not None:
        return known[1]
    bucket = (codes_of(X, index, whole) >> np.uint64(64 - bits)).astype(np.uint16)
    cache.put(key, None, bucket)
    return bucket


# -- rows drawn in order of content ----------------------------------------------------------------
#
# The order is that of the rows' hashes, of equal ones that of their positions; see content.pxi. A
# draw finds the first row at which the running sum of shares exceeds a target, and goes down a tree
# to it: the sums of 2**bits parts of the order, then of the parts of one of those, until few enough
# rows are left to look at them one by one.

#: Bits of the order that the first sums, and those below them, tell apart; and rows that are looked
#: at one by one. In one process nothing is sent, and looking at more at once saves passes.
FIRST_BITS, MORE_BITS, FEW = {True: 12, False: 8}, 8, {True: 4096, False: 128}


def part(codes, positions, first_bit, bits):
    """Which part of the order rows belong to, by `bits` bits from a given one on: 64 of the hash,
    then 64 of the position.
    """
    word = codes if first_bit < 64 else positions
    return ((word >> np.uint64(64 - bits - first_bit % 64)) & np.uint64((1 << bits) - 1)).astype(
        np.int64
    )


class Added:
    """Arrays that are added up, each on its own; of exact sums by their parts, (..., parts), some
    may have more parts than others.
    """

    def __init__(self, *arrays):
        self.arrays = arrays

    def __add__(self, other):
        return Added(*(add_parts(a, b) for a, b in zip(self.arrays, other.arrays)))


class Listed:
    """Arrays that are put one after the other."""

    def __init__(self, *arrays):
        self.arrays = arrays

    def __add__(self, other):
        return Listed(*(np.concatenate(pair) for pair in zip(self.arrays, other.arrays)))


def shares_of(X, sample_weight, index, rows, chosen, whole, run=None):
    """What some rows of a block are drawn by: their weights, times the squared distance to the
    nearest of the rows chosen so far.

    run : that which has chosen, of whose distances some may be remembered
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
    """What `potentials_task` has noted of the last candidates, and which of them was chosen after
    `count` others; -1: nothing is known.
    """
    noted = cache.get((whole.token, ("closer", run), index))
    if noted is None or count != len(chosen) - 1 or noted[0][0] != count:
        return None, -1
    return noted[1], int(np.append(np.flatnonzero((noted[0][1] == chosen[-1]).all(axis=1)), -1)[0])


def sq_exact(array, centers, whole):
    """Squared distance of rows to the nearest of these centers, as the engine has it."""
    data = native.Data(np.ascontiguousarray(array), None, whole.n_threads, False, False)
    return native.block_squares(data, whole.survey._native, centers, data.assign(centers))


def parts_task(X, sample_weight, index, whole, chosen, bound, wanted, first_bit, bits, run=None):
    """Rows, and exact sums of their shares, of the parts of some ranges of the order.

    wanted : (m,) uint64, the bits of the hash that each range has in common, up to `first_bit`, or
    (m, 2) those of hash and position
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
    """The rows of some ranges of the order, one by one; with their values, if asked."""
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
    return (int(whole.starts[index]) + rows).astype(np.uint64) << np.uint64(whole.spare_bits)


def in_ranges(X, codes, index, whole, wanted, first_bit):
    """For each range of the order, which rows of a block lie in it."""
    if first_bit == 0:
        return [np.arange(len(codes))] * len(wanted)
    bits = min(first_bit, 12)
    table = np.zeros(1 << bits, dtype=bool)
    table[[int(code) >> (64 - bits) for code, _ in wanted]] = True
    some = np.flatnonzero(table[buckets_of(X, index, whole, bits)])  # most rows are in none
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
    """What the parts of a sum may have left over decides how it is rounded: only exact sums will
    do.
    """


def values(parts, lost):
    """The values of sums (..., parts) that may be off by `lost`, each rounded once."""
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
    """The first of some sums (m, parts) at which the running total, `before` and all up to it,
    exceeds the target.

    The last that is not zero where none does. With it the total before it. All may be off by
    `lost`.
    """
    running = np.zeros((len(sums) + 1, max(sums.shape[1], len(before))))
    running[0, : len(before)] = before
    running[1:, : sums.shape[1]] = sums
    running = np.cumsum(running, axis=0)
    about, size = running[1:].sum(axis=1), np.abs(running[1:]).sum(axis=1) + abs(target)
    above, near = (
        about > target,
        np.abs(about - target) <= 1e-12 * size + lost,
    )  # there a glance does not tell
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

    top : counts and sums of the first parts of the order, where they are known
    lost : what these sums may be off by; raises Unsettled where that decides
    run : number of the run that has chosen
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
    all_rows = (
        fit.engine.array if local and fit.engine.mapped else None
    )  # where few are wanted, they can be had without a pass
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
    """`Data.draw`: rows in proportion to their weights."""
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


# -- random ----------------------------------------------------------------------------------------


def keys_task(X, sample_weight, index, whole, limit, seed, skip):
    """The first rows by exponential keys: draws without replacement."""
    state = np.random.RandomState(seed)
    state.random_sample(skip)
    left = int(whole.starts[index])
    while left:  # keys of the blocks before this one
        left -= len(state.standard_exponential(min(left, 1 << 20)))
    keys = state.standard_exponential(len(X))
    if sample_weight is not None:
        with np.errstate(divide="ignore"):
            keys /= weights_of(X, sample_weight)
    rows = np.flatnonzero(np.isfinite(keys))
    return Ranked.of(as_rows(X, whole), rows, keys[rows], int(whole.starts[index]) + rows, limit)


def random(fit, state):
    """Distinct rows, drawn one after the other by weight (Forgy 1965)."""
    chosen, k = {}, fit.k
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
    return np.resize(np.array(list(chosen.values())), (k, fit.d))


# -- k-means++ -------------------------------------------------------------------------------------


def potentials_task(X, sample_weight, index, whole, run, chosen, candidates, bound, bits):
    """What each candidate would change of the potential that the rows chosen so far have left, by
    parts of the order.

    The block's distances to those are kept where there is room, and to which rows candidates may be
    closer: then one new row costs little.
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
    """The potential that each candidate would leave: exact sums (m, LIMBS)."""
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
    """The largest share of the potential."""
    return Largest(
        float(shares_of(X, sample_weight, index, np.arange(len(X)), chosen, whole).max(initial=0.0))
    )


class Largest:
    def __init__(self, value):
        self.value = value

    def __add__(self, other):
        return Largest(max(self.value, other.value))


def heads_task(X, sample_weight, index, whole, limit):
    """The first rows that have weight, equal or not: (positions, rows)."""
    rows = np.flatnonzero(weights_of(X, sample_weight))[:limit]
    return Listed(int(whole.starts[index]) + rows, as_rows(X, whole)[rows].astype(np.float64))


def kmeans_plusplus(fit, state):
    """Greedy k-means++ (Arthur & Vassilvitskii, SODA 2007); see `Data.kmeans_plusplus`, which draws
    the same rows.

    A pass tries candidates, and a second one, which looks at few rows, draws the next.
    """
    k, whole, bits = fit.k, fit.whole, FIRST_BITS[fit.engine.in_process]
    trials = 2 + int(np.log(k))
    uniforms = np.random.RandomState(state.seed).random_sample(1 + (k - 1) * trials)
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
            counts, sums, lost = (
                counts[0],
                sums[0],
                0,
            )  # nothing is lost, until changes are added that are in three parts
        try:
            potential = float(values(sums.sum(axis=0), lost))
            if potential < state.bound * native.SPARE_RANGE:
                largest = (yield shares_task, whole, state.chosen).value
                if largest > 0:  # all shares are tiny beside their bound: cut them more finely
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
    """Where all rows coincide with those chosen: the first ones of weight that are not, then the
    first of all.
    """
    positions, rows = (yield heads_task, fit.whole, fit.k).arrays
    order = np.argsort(positions)
    positions, rows = positions[order], rows[order]
    others = [row for position, row in zip(positions, rows) if position not in state.positions]
    return np.array([*state.chosen, *others, *[rows[0]] * fit.k][: fit.k])


# -- k-means|| -------------------------------------------------------------------------------------


def near_of(X, index, whole, run, chosen):
    """Squared distance of each row to the nearest of those chosen; that to those of earlier rounds
    is remembered.
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
    return ExactTotal(weights_of(X, sample_weight) * near_of(X, index, whole, run, chosen))


def likely_task(X, sample_weight, index, whole, run, chosen, total, k, key):
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
    far = sq_exact(as_rows(X, whole), chosen, whole) * (weights_of(X, sample_weight) > 0)
    rows = np.flatnonzero(far)
    return Ranked.of(as_rows(X, whole), rows, -far[rows], int(whole.starts[index]) + rows, limit)


def kmeans_parallel(fit, state):
    """k-means|| (Bahmani et al., VLDB 2012); see `kmeans_parallel.py`, which draws the same rows.
    Two passes a round.
    """
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


#: name -> init over blocks
BLOCK_INITS = {
    "k-means++": kmeans_plusplus,
    "random": random,
    "first": first,
    "k-means||": kmeans_parallel,
}
