# Assignment by bounds on distances to groups of centers. Included by kernels/exact/exact.pxi.
#
# A row keeps an upper bound of the distance to its own center and, for each group of similar
# centers, a lower bound of the distances to all others in it (Hamerly, SDM 2010, with one group;
# Ding et al., "Yinyang k-means", ICML 2015, with more). A group that is provably farther than the
# row's own center is skipped. The others go through the filter, and what that leaves undecided is
# decided by exact arithmetic, as everywhere.
#
# Bounds are float32, in the scale of packed rows, and rounded to the safe side at every step:
# factors such as 1 - 2e-7 cover more than the two or three roundings (6e-8 each) of a step. They
# may be compared with the exact kernel's distances: the relative error of those, (d + 3) 2^-53, is
# less than the 4e-7 by which an upper bound is raised before it is compared.
#
# The arithmetic for the listed rows is written without branches, in loops that compilers can
# vectorize; other loops only gather and scatter.

cdef inline float beyond(float score, float sq_norm, const Bounds *bounds) noexcept nogil:
    """A lower bound of the distance, from a score: that is at most gamma |a|^2 above the true one,
    for any center.
    """
    cdef float sq = (score + sq_norm * (<float>1 - bounds.gamma - <float>2e-6) - bounds.floor
                     * bounds.floor)
    return sqrtf(sq if sq > 0 else <float>0) * <float>(1 - 3e-7)


cdef inline float within(float score, float sq_norm, float slack,
                         const Bounds *bounds) noexcept nogil:
    """An upper bound of the distance, from a score: that is off by less than 4.1 gamma N + gamma A,
    and N < 1.52 A + 3.03 (A + score).

    slack: by how much the squared distance may be above that of packed rows.
    """
    cdef float sq = ((sq_norm + score) * (<float>1 + <float>12.5 * bounds.gamma + <float>2e-6)
                     + sq_norm * (<float>7.5 * bounds.gamma
                                  + <float>2e-6) + bounds.floor * bounds.floor + slack)
    return sqrtf(sq if sq > 0 else <float>0) * <float>(1 + 3e-7)


cdef inline float within_own(float sq, float sq_norm, float slack,
                             const Bounds *bounds) noexcept nogil:
    """The same from a sum of squared differences; packed rows and centers themselves are
    rounded.
    """
    cdef float distance = (sqrtf(sq * (<float>1 + bounds.gamma)) + bounds.rounding * sqrtf(sq_norm)
                           + bounds.floor)
    return sqrtf(distance * distance + slack) * <float>(1 + 4e-7)


cdef inline float slack_of(const Bounds *bounds, int32_t label, const float *x,
                           Py_ssize_t width) noexcept nogil:
    """How far a squared distance may be above that of packed rows."""
    return bounds.slack[label] * x[width - 1] if bounds.slack != NULL else 0


cdef void pack_rows(const real *x, Py_ssize_t count, Py_ssize_t d, Worker *me,
                    const Packed *packing, float *rows,
                    float *sq_norms) noexcept nogil:
    """`pack_panel` for rows that are stored one after the other."""
    cdef double norms[8]
    cdef double norm, value
    cdef Py_ssize_t whole, i, f
    cdef int part
    scale_rows(x, count, d, packing, me.panel, rows)
    d = packed_width(packing, d)
    whole = d // 8 * 8
    for i in range(count):
        for part in range(8):
            norms[part] = 0
        for f from 0 <= f < whole by 8:
            for part in range(8):
                value = rows[i * d + f + part]
                norms[part] += value * value
        norm = 0
        for f in range(whole, d):
            value = rows[i * d + f]
            norm += value * value
        for part in range(8):
            norm += norms[part]
        sq_norms[i] = <float>(norm * (1 + 3e-7))
        me.overflow = me.overflow or not sq_norms[i] < 3e38


cdef void pack_set(const Assign *job, Worker *me, Py_ssize_t base,
                   const uint64_t *set_) noexcept nogil:
    """Pack the rows of a tile that are in a set, each at its place in `me.tile.packed`; for rows
    whose panels are not kept.
    """
    cdef Py_ssize_t d = job.rows.d, count, first, i = 0
    cdef int32_t *rows = me.tile.rows
    cdef const char *ahead
    count = list_rows(set_, rows)
    while i < count:
        first = i
        while i < count and rows[i] == rows[first] + (i - first) and i - first < 16:
            # Rows are read once in a pass, with gaps in between: only a prefetch brings them in
            # time.
            ahead = job.rows.data + (base + rows[min(i + 32, count - 1)]) * job.rows.row_stride
            CKM_PREFETCH(ahead)
            CKM_PREFETCH(ahead + (d - 1) * job.rows.col_stride)
            i += 1
        pack_rows(fetch(job.rows, base + rows[first], i - first, me.block), i - first, d, me,
                  job.packing,
                  me.tile.packed + rows[first] * d, me.tile.norms + rows[first])


cdef int turn(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
              int worker) noexcept nogil:
    """Rewrite kept panels: (d, PANEL) to (PANEL, d), or back."""
    cdef Assign *job = <Assign *>job_
    cdef Py_ssize_t d = packed_width(job.packing, job.rows.d), first, i, f
    cdef Py_ssize_t high, width                # the present shape of each panel
    cdef float *panel
    cdef float *copy = job.workers[worker].panel
    high = <Py_ssize_t>PANEL if job.packing.by_row else d
    width = d if job.packing.by_row else <Py_ssize_t>PANEL
    for first from start <= first < stop by PANEL:
        panel = job.packing.panels + first * d
        memcpy(copy, panel, PANEL * d * sizeof(float))
        for i from 0 <= i < high // 4 * 4 by 4:
            for f from 0 <= f < width // 4 * 4 by 4:
                ckm_transpose(copy + i * width + f, width, panel + f * high + i, high)
            for f in range(width // 4 * 4, width):
                panel[f * high + i] = copy[i * width + f]
                panel[f * high + i + 1] = copy[(i + 1) * width + f]
                panel[f * high + i + 2] = copy[(i + 2) * width + f]
                panel[f * high + i + 3] = copy[(i + 3) * width + f]
        for i in range(high // 4 * 4, high):
            for f in range(width):
                panel[f * high + i] = copy[i * width + f]
    return 0


cdef inline Py_ssize_t list_rows(const uint64_t *set_, int32_t *rows) noexcept nogil:
    """The rows of a tile that are in a set."""
    cdef Py_ssize_t count = 0, w
    cdef uint64_t bits
    for w in range(TILE_WORDS):
        bits = set_[w]
        while bits:
            rows[count] = <int32_t>(w * 64 + CKM_CTZ64(bits))
            bits &= bits - 1
            count += 1
    return count


cdef void check_bounds(const Assign *job, Worker *me, Py_ssize_t base,
                       Py_ssize_t count) noexcept nogil:
    """In a debug build: count the bounds of a tile that true distances, in float64 from the rows
    themselves, do not keep.
    """
    cdef const Bounds *bounds = job.bounds
    cdef const Centers *centers = job.centers
    cdef Py_ssize_t d = job.rows.d, i, j, c, f
    cdef const float *lower = bounds.lower + base * bounds.groups
    cdef const real *x
    cdef double sq, distance, step
    cdef int32_t label
    for i in range(count):
        x = fetch(job.rows, base + i if job.boxes == NULL else job.boxes.order[base + i], 1,
                  me.block)
        label = job.labels[base + i]
        for j in range(-1, centers.m):
            c = label if j < 0 else centers.ids[j]
            sq = 0
            for f in range(d):
                step = (x[f] - centers.rows[c * d + f]) * job.packing.scale
                sq += step * step
            distance = sqrt(sq)
            if j < 0:
                me.counters.broken += distance * (1 - 1e-13 * d) > bounds.upper[base + i]
            elif c != label:
                me.counters.broken += distance * (1 + 1e-13 * d) < lower[bounds.group[c] * TILE + i]


cdef bint failing(const Assign *job, Worker *me, const float *x, const float *sq_norms,
                  const int32_t *labels, Py_ssize_t count,
                  float *upper, float *lower, const uint64_t *here, uint64_t *todo,
                  bint *late) noexcept nogil:
    """Which rows of a tile are to be compared with which groups, once centers have moved; False if
    none is.

    All arguments but the sets (`me.tile.fails` and `todo`, OUT) are the tile's rows of the arrays
    of `Bounds` and `Packed`.
    """
    cdef const Bounds *bounds = job.bounds
    cdef Py_ssize_t d = packed_width(job.packing, job.rows.d), groups = bounds.groups, g, i, w
    cdef uint64_t *fails = me.tile.fails
    cdef int32_t *rows = me.tile.rows
    cdef float *sq = me.tile.scores
    cdef float *norms = me.tile.scores + TILE
    cdef float slacks[TILE]
    cdef uint64_t bits, failed = 0
    cdef int32_t r
    cdef const float *shifts = bounds.shifts
    for i in range(count):
        upper[i] = (upper[i] + shifts[labels[i]]) * <float>(1 + 2e-7)
    job.filter.failing(upper, lower, groups, bounds.most, bounds.floor, fails)
    if CKM_DEBUG_BOUNDS:
        check_bounds(job, me, labels - job.labels, count)
    for w in range(TILE_WORDS):
        bits = 0
        for g in range(groups):
            bits |= fails[g * TILE_WORDS + w]
        todo[w] = bits & here[w]
    count = list_rows(todo, rows)
    if count == 0:
        return False
    if job.packing.panels == NULL:
        pack_set(job, me, labels - job.labels, todo)
    job.filter.own(x, d, rows, count, bounds.scaled, labels, sq)
    me.counters.filtered += count
    for i in range(count):
        r = rows[i]
        norms[i] = sq_norms[r]
        slacks[i] = slack_of(bounds, labels[r], x + r * d, d)
    for i in range(count):
        sq[i] = within_own(sq[i], norms[i], slacks[i], bounds)
    for i in range(count):
        upper[rows[i]] = min(upper[rows[i]], sq[i])
    # again, with tight upper bounds
    job.filter.failing(upper, lower, groups, NULL, bounds.floor, fails)
    for w in range(TILE_WORDS):
        bits = 0
        for g in range(groups):
            fails[g * TILE_WORDS + w] &= here[w]
            bits |= fails[g * TILE_WORDS + w]
        todo[w] = bits
    # The comparison with rows' own groups may wait: see `compare_own`. If most of them fail anyway,
    # that does not pay.
    count = list_rows(todo, rows)
    for i in range(count):
        r = rows[i]
        failed += fails[bounds.group[labels[r]] * TILE_WORDS + r // 64] >> (r % 64) & 1
    if 2 * failed > <uint64_t>count:
        for i in range(count):
            r = rows[i]
            fails[bounds.group[labels[r]] * TILE_WORDS + r // 64] |= <uint64_t>1 << (r % 64)
        failed = count
    late[0] = failed < count
    return count > 0


cdef struct Lead:        # of the rows that are compared, so far:
    float best[TILE]     # the lowest score,
    float next_[TILE]    # the next one,
    int32_t rest[TILE]   # that of the next in the winner's own group (its bits),
    int32_t who[TILE]    # and the winner


cdef void compare(const Assign *job, Worker *me, const float *x, const float *sq_norms,
                  float *lower, Lead *lead) noexcept nogil:
    """Compare rows with the groups that `me.tile.fails` says, and enter the scores."""
    cdef const Bounds *bounds = job.bounds
    cdef Py_ssize_t d = packed_width(job.packing, job.rows.d), g, n, i
    cdef int32_t *rows = me.tile.rows
    cdef float *lowest = me.tile.scores
    cdef float *second = me.tile.scores + TILE
    cdef int32_t *winner = me.tile.winners
    cdef float norms[TILE]
    cdef float score, before
    cdef int32_t r, closer
    for g in range(bounds.groups):
        n = list_rows(me.tile.fails + g * TILE_WORDS, rows)
        if n == 0:
            continue
        job.filter.rows(x, d, rows, n, bounds.panels + g, lowest, second, winner)
        me.counters.filtered += n * bounds.size[g]
        for i in range(n):
            norms[i] = sq_norms[rows[i]]
        for i in range(n):
            norms[i] = beyond(lowest[i], norms[i], bounds)
        for i in range(n):
            r = rows[i]
            score = lowest[i]
            lower[g * TILE + r] = norms[i]
            # (The next one is at least the best so far, and the second at least the first: this
            # line is right for both orders.)
            before = lead.best[r]
            lead.next_[r] = min(min(lead.next_[r], second[i]), max(before, score))
            lead.best[r] = min(before, score)
            closer = -<int32_t>(score < before)
            lead.rest[r] = ((<int32_t *>second)[i] & closer) | (lead.rest[r] & ~closer)
            lead.who[r] = (winner[i] & closer) | (lead.who[r] & ~closer)


cdef bint compare_own(const Assign *job, Worker *me, const float *x, const float *sq_norms,
                      const int32_t *labels, const float *upper,
                      float *lower, Lead *lead, uint64_t *todo) noexcept nogil:
    """Remove rows that keep their centers, and compare the others with their own groups, if that is
    not done yet.

    A row's own group need not be compared if its other centers are known to be farther, and the
    centers of all groups that failed have turned out to be farther. False if no row is left.
    """
    cdef const Bounds *bounds = job.bounds
    cdef uint64_t *fails = me.tile.fails
    cdef int32_t *rows = me.tile.rows
    cdef float *lowest = me.tile.scores
    cdef float *limit = me.tile.scores + TILE
    cdef int32_t *done = me.tile.winners
    cdef int32_t away[TILE]
    cdef float norms[TILE]
    cdef float floor = bounds.floor
    cdef Py_ssize_t n = list_rows(todo, rows), i, w
    cdef int32_t r
    cdef uint64_t some = 0, kept, late
    for i in range(n):
        r = rows[i]
        norms[i] = sq_norms[r]
        lowest[i] = lead.best[r]
        limit[i] = upper[r]
        done[i] = <int32_t>(fails[bounds.group[labels[r]] * TILE_WORDS + r // 64] >> (r % 64) & 1)
    for i in range(n):
        away[i] = beyond(lowest[i], norms[i], bounds) > limit[i] * <float>(1 + 4e-7) + floor
    memset(fails, 0, bounds.groups * TILE_WORDS * sizeof(uint64_t))
    for i in range(n):
        r = rows[i]
        kept = <uint64_t>(away[i] & ~done[i] & 1) << (r % 64)
        late = <uint64_t>(~away[i] & ~done[i] & 1) << (r % 64)
        todo[r // 64] &= ~kept
        fails[bounds.group[labels[r]] * TILE_WORDS + r // 64] |= late
        some |= late
    if some:
        compare(job, me, x, sq_norms, lower, lead)
    some = 0
    for w in range(TILE_WORDS):
        some |= todo[w]
    return some != 0


cdef int assign_groups(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                       int worker) noexcept nogil:
    """Labels of places [start, stop), by bounds. start is a multiple of TILE."""
    cdef Assign *job = <Assign *>job_
    cdef Worker *me = job.workers + worker
    cdef Bounds *bounds = job.bounds
    cdef const Centers *centers = job.centers
    cdef const Packed *packing = job.packing
    cdef Py_ssize_t d = packed_width(packing, job.rows.d), groups = bounds.groups, base, count
    cdef Py_ssize_t first, left, n, g, i, w
    cdef uint64_t *fails = me.tile.fails
    cdef int32_t *rows = me.tile.rows
    cdef float *lowest = me.tile.scores
    cdef float *second = me.tile.scores + TILE
    cdef int32_t *winner = me.tile.winners
    cdef uint64_t here[TILE_WORDS]
    cdef uint64_t todo[TILE_WORDS]
    cdef Lead lead
    cdef float norms[TILE]
    cdef float slacks[TILE]
    cdef int32_t old[PANEL]
    cdef int32_t tight[TILE]
    cdef uint64_t unsure[TILE_WORDS]
    cdef uint64_t changed[TILE_WORDS]
    cdef const float *x
    cdef const float *sq_norms
    cdef float *upper
    cdef float *lower
    cdef int32_t *labels
    cdef int32_t r
    cdef float guard_norm = centers.guard_norm, guard_score = centers.guard_score
    cdef float guard_floor = centers.guard_floor
    cdef bint fresh, late
    for base from start <= base < stop by TILE:
        count = min(<Py_ssize_t>TILE, stop - base)
        for w in range(TILE_WORDS):
            left = count - w * 64
            here[w] = 0 if left <= 0 else all_rows(min(left, <Py_ssize_t>PANEL))
        if packing.filling:
            for first from base <= first < base + count by PANEL:
                n = min(<Py_ssize_t>PANEL, base + count - first)
                pack_rows(fetch(job.rows, first, n, me.block), n, job.rows.d, me, packing,
                          packing.panels + first * d,
                          packing.sq_norms + first)
        if job.survey != NULL:
            survey(job.survey, base, base + count, chunk, worker)
        x = me.tile.packed
        sq_norms = me.tile.norms
        if packing.panels != NULL:
            x = packing.panels + base * d
            sq_norms = packing.sq_norms + base
        labels = job.labels + base
        upper = bounds.upper + base
        lower = bounds.lower + base * groups
        late = False
        if bounds.blank:
            for w in range(TILE_WORDS):
                todo[w] = here[w]
            for g in range(groups):
                memcpy(fails + g * TILE_WORDS, here, sizeof(here))
            for i in range(count):
                upper[i] = <float>3e38           # tighter than this it gets once the row's center
                                                 # is known
            if packing.panels == NULL:
                pack_set(job, me, base, here)
        elif not failing(job, me, x, sq_norms, labels, count, upper, lower, here, todo, &late):
            continue
        for i in range(count):
            lead.best[i] = <float>3.2e38
            lead.next_[i] = <float>3.2e38
        compare(job, me, x, sq_norms, lower, &lead)
        if late and not compare_own(job, me, x, sq_norms, labels, upper, lower, &lead, todo):
            continue
        n = list_rows(todo, rows)
        for i in range(n):
            r = rows[i]
            norms[i] = sq_norms[r]
            slacks[i] = slack_of(bounds, lead.who[r], x + r * d, d)
            lowest[i] = lead.best[r]
            second[i] = lead.next_[r]
            winner[i] = lead.rest[r]
        for i in range(n):
            tight[i] = (second[i] - lowest[i] > guard_norm * norms[i] + guard_score * lowest[i]
                        + guard_floor + slacks[i])
            lowest[i] = within(lowest[i], norms[i], slacks[i], bounds)
            second[i] = beyond((<float *>winner)[i], norms[i], bounds)
        for w in range(TILE_WORDS):
            unsure[w] = 0
            changed[w] = 0
        for i in range(n):
            r = rows[i]
            w = r // 64
            fresh = lead.who[r] != labels[r]
            changed[w] |= <uint64_t>fresh << (r % 64)
            unsure[w] |= <uint64_t>(not tight[i]) << (r % 64)
            upper[r] = lowest[i] if fresh else min(upper[r], lowest[i])
            if tight[i]:                  # else, whichever wins, it keeps the bound of its whole
                                          # group, and fails again
                lower[bounds.group[lead.who[r]] * TILE + r] = second[i]
        for w in range(TILE_WORDS):
            if unsure[w] | changed[w]:
                first = base + w * 64
                labels_at(job, first, min(<Py_ssize_t>PANEL, base + count - first), old)
                settle(job, me, centers, first, min(<Py_ssize_t>PANEL, base + count - first), old,
                       lead.who + w * 64, unsure[w], changed[w])
    return 0
