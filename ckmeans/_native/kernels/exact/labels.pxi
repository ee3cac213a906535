# The rule that decides a label: the nearest center of each row that the filter leaves undecided, by
# definition (`decide`). Included by kernels/exact/exact.pxi.

cdef void distance_few(const real **x, int count, const Centers *centers, Py_ssize_t first,
                       Py_ssize_t d, double *out) noexcept nogil:
    """`distance_tile` for `count` rows and the centers from `first` on, without their blocks."""
    cdef const real *group[GROUP]
    cdef const double *c[GROUP]
    cdef Py_ssize_t b
    cdef int r, g
    for r in range(count):
        for g in range(GROUP):
            group[g] = x[r]
        for b from 0 <= b < BLOCK by GROUP:
            if first + b < centers.m:
                for g in range(GROUP):
                    c[g] = centers.rows + centers.ids[min(first + b + g, centers.m - 1)] * d
                pair_distances(group, c, d, out + r * BLOCK + b)


cdef inline uint64_t all_rows(Py_ssize_t count) noexcept nogil:
    return ~<uint64_t>0 if count == PANEL else (<uint64_t>1 << count) - 1


cdef inline void panel_at(const Rows *rows, const Packed *packing, Worker *me, Py_ssize_t first,
                          Py_ssize_t count, float **panel,
                          float **norms) noexcept nogil:
    """The packed rows [first, first + count): kept ones, or packed into the worker's scratch."""
    panel[0] = me.panel
    norms[0] = me.panel_norms
    if packing.panels != NULL:
        panel[0] = packing.panels + first * packed_width(packing, rows.d)
        norms[0] = packing.sq_norms + first
    if packing.panels == NULL or packing.filling:
        pack_panel(fetch(rows, first, count, me.block), count, rows.d, me, packing, panel[0],
                   norms[0])


cdef double rough_distance(const real *x, const double *c, Py_ssize_t d) noexcept nogil:
    """A squared distance, summed by vectors of features."""
    cdef vd a = VD_SPLAT(0), b = VD_SPLAT(0), t
    cdef double lanes[VDL]
    cdef double one
    cdef Py_ssize_t f = 0
    cdef int v
    while f + 2 * VDL <= d:
        t = load(x + f) - VD_LOAD(c + f)
        a = a + VD_TERM(t)
        t = load(x + f + VDL) - VD_LOAD(c + f + VDL)
        b = b + VD_TERM(t)
        f += 2 * VDL
    VD_STORE(lanes, a + b)
    for v in range(1, VDL):
        lanes[0] += lanes[v]
    while f < d:
        one = x[f] - c[f]
        lanes[0] += ckm_term(one)
        f += 1
    return lanes[0]


cdef bint nearest_by_far(const real *x, const Centers *centers, Py_ssize_t d,
                         int32_t *label) noexcept nogil:
    """Whether one center is so much nearer than all others that the order of the sums cannot
    matter.

    A sum of d squares of differences has a relative error of at most (d + 2) u in any order, u =
    2^-53, so it differs from the sum that decides by twice as much; so does the sum of the other
    center. Underflow adds far less than 2^-1000.
    """
    cdef double least = 1e999, second = 1e999, distance
    cdef Py_ssize_t j
    for j in range(centers.m):
        distance = rough_distance(x, centers.rows + centers.ids[j] * d, d)
        if distance < least:
            second = least
            least = distance
            label[0] = centers.ids[j]
        elif not distance >= second:         # (a NaN proves nothing)
            second = distance
    return second > least * (1 + 5.0 * (d + 3) * 2.0 ** -53) + 2.0 ** -1000 and second < 1e999


cdef void decide(const real **x, int count, const Centers *centers, Py_ssize_t d,
                 int32_t *labels) noexcept nogil:
    """The label of up to GROUP rows by definition: the lowest index at the smallest squared
    distance.
    """
    cdef double out[GROUP * BLOCK]
    cdef double nearest[GROUP]
    cdef Py_ssize_t j, b, stop
    cdef int r
    if centers.blocks == NULL and count == 1 and nearest_by_far(x[0], centers, d, labels):
        return
    for r in range(count):
        nearest[r] = 1e999
        labels[r] = centers.ids[0]
    for r in range(count, GROUP):
        x[r] = x[0]
    for j from 0 <= j < centers.m by BLOCK:
        stop = min(<Py_ssize_t>BLOCK, centers.m - j)
        if centers.blocks == NULL:
            distance_few(x, count, centers, j, d, out)
        elif count == 1:
            distance_row(x[0], centers.blocks + j * d, d, out)
        else:
            distance_tile(x, centers.blocks + j * d, d, stop, out)
        for r in range(count):
            for b in range(stop):
                if out[r * BLOCK + b] < nearest[r]:
                    nearest[r] = out[r * BLOCK + b]
                    labels[r] = centers.ids[j + b]


cdef int arrange(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                 int worker) noexcept nogil:
    """Pack the rows at places [start, stop) of the boxes' order, and find the boxes."""
    cdef Arrange *job = <Arrange *>job_
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t d = job.rows.d, first, count, i, f, at
    cdef real *block = <real *>me.block
    cdef const real *row
    cdef const float *lanes
    cdef float lo, hi
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        for i in range(count):
            row = fetch(job.rows, job.boxes.order[first + i], 1, <char *>(block + i * d))
            if row != block + i * d:
                for f in range(d):
                    block[i * d + f] = row[f]
        pack_panel(block, count, d, me, job.packing, job.packing.panels + first * d,
                   job.packing.sq_norms + first)
        at = (first // (SUPER * PANEL)) * SUPER * d + (first // PANEL) % SUPER
        for f in range(d):
            lanes = job.packing.panels + first * d + f * PANEL
            lo = lanes[0]
            hi = lanes[0]
            for i in range(1, count):
                lo = lanes[i] if lanes[i] < lo else lo
                hi = lanes[i] if lanes[i] > hi else hi
            job.boxes.low[at + f * SUPER] = lo
            job.boxes.high[at + f * SUPER] = hi
    return 0


cdef double sq_distance(const real *x, const double *c, Py_ssize_t d) noexcept nogil:
    """A squared distance whose terms are added in another order than the definition's: its relative
    error is at most (d + 3) 2^-53, as that of the definition's.
    """
    cdef vd acc[2]
    cdef vd t
    cdef double out[2 * VDL]
    cdef double total = 0, step
    cdef Py_ssize_t f, whole = d // (2 * VDL) * (2 * VDL)
    cdef int v
    acc[0] = acc[1] = VD_SPLAT(0)
    for f from 0 <= f < whole by 2 * VDL:
        for v in range(2):
            t = load(x + f + v * VDL) - VD_LOAD(c + f + v * VDL)
            acc[v] = acc[v] + VD_TERM(t)
    for v in range(2):
        VD_STORE(out + v * VDL, acc[v])
    for v in range(2 * VDL):
        total += out[v]
    for f in range(whole, d):
        step = x[f] - c[f]
        total += ckm_term(step)
    return total


cdef inline void fetch_ahead(const Rows *from_, Py_ssize_t first, uint64_t rows,
                             Py_ssize_t most) noexcept nogil:
    """Prefetch rows that will be read soon: they are too few and too scattered for the hardware to
    predict.

    most : bytes of each
    """
    cdef const char *x
    cdef Py_ssize_t i, line
    while rows:
        i = CKM_CTZ64(rows)
        rows &= rows - 1
        x = from_.data + (first + i) * from_.row_stride
        for line from 0 <= line < min(from_.row_stride, most) by 64:
            CKM_PREFETCH(x + line)


cdef inline bint apart(double least, double second, Py_ssize_t d) noexcept nogil:
    """Whether two sums of d squares, each as accurate as `sq_distance`, are certainly in the order
    of the definition's sums.
    """
    # All four sums have errors; the 1e-280 covers more than any of them loses to underflow.
    return second * (1 - 4.0 * (d + 4) * ldexp(1, -53)) > least and second > 1e-280


cdef void sift(const Assign *job, Worker *me, Py_ssize_t place, const real *x,
               int32_t *label) noexcept nogil:
    """The label of a row that its packed features do not determine."""
    cdef const Packed *packing = job.packing
    cdef const Centers *centers = job.centers
    cdef Centers listed = centers[0]
    cdef Py_ssize_t d = job.rows.d, width = packed_width(packing, d), f, j
    cdef const float *panel = me.panel
    cdef const float *norms = me.panel_norms
    cdef const real *group[GROUP]
    cdef float *few = me.scaled
    cdef double sq, least = 1e999, second = 1e999
    if packing.panels != NULL:
        panel = packing.panels + place // PANEL * PANEL * width
        norms = packing.sq_norms + place // PANEL * PANEL
    place %= PANEL
    for f in range(width):
        few[f] = panel[place * width + f] if packing.by_row else panel[f * PANEL + place]
    listed.m = job.filter.sift(few, norms[place], width, centers, me.sieve.scores, me.sieve.ids)
    for j in range(listed.m):
        sq = sq_distance(x, centers.rows + me.sieve.ids[j] * d, d)
        if sq < least:
            second = least
            least = sq
            label[0] = me.sieve.ids[j]
        elif sq < second:
            second = sq
    me.counters.exact += listed.m
    if not apart(least, second, d):
        listed.ids = me.sieve.ids
        listed.blocks = NULL
        group[0] = x
        decide(group, 1, &listed, d, label)


cdef void choose(const Assign *job, Worker *me, Py_ssize_t first, uint64_t unsure,
                 int32_t *best) noexcept nogil:
    """The labels of rows that their whole numbers do not determine, among the centers listed in
    `closer`.
    """
    cdef const Centers *centers = job.centers
    cdef Centers listed = centers[0]
    cdef Py_ssize_t d = job.rows.d, j, b, m = centers.m
    cdef const real *x[PANEL]
    cdef const real *group[GROUP]
    cdef double least[PANEL]
    cdef double second[PANEL]
    cdef double sq
    cdef uint64_t todo = unsure
    while todo:
        b = CKM_CTZ64(todo)
        todo &= todo - 1
        x[b] = fetch(job.rows, first + b, 1, <char *>(<real *>me.block + b * d))
        least[b] = second[b] = 1e999
        me.counters.decided += 1
    for j in range(m):
        todo = me.sieve.closer[j] & unsure     # (rows without a direction are settled already)
        while todo:
            b = CKM_CTZ64(todo)
            todo &= todo - 1
            sq = sq_distance(x[b], centers.rows + centers.ids[j] * d, d)
            me.counters.exact += 1
            if sq < least[b]:
                second[b] = least[b]
                least[b] = sq
                best[b] = centers.ids[j]
            elif sq < second[b]:
                second[b] = sq
    todo = unsure
    while todo:
        b = CKM_CTZ64(todo)
        todo &= todo - 1
        if not apart(least[b], second[b], d):
            listed.m = 0
            for j in range(m):
                if me.sieve.closer[j] >> b & 1:
                    me.sieve.ids[listed.m] = centers.ids[j]
                    listed.m += 1
            listed.ids = me.sieve.ids
            listed.blocks = NULL
            group[0] = x[b]
            decide(group, 1, &listed, d, best + b)
            me.counters.exact += listed.m


cdef void apply_changes(const Assign *job, Worker *me, Py_ssize_t first, Py_ssize_t count,
                        const real *x, const int32_t *old, const int32_t *best,
                        uint64_t changed) noexcept nogil:
    """Store the labels of rows that have changed, and move these rows from their old cluster's sums
    to the new one's.

    x  IN  (count, d) the rows, or NULL: each is fetched
    """
    cdef Py_ssize_t d = job.rows.d, row, i
    cdef const int32_t *order = NULL
    cdef const double *weights = job.weights
    cdef int32_t *labels = job.labels + first
    cdef Tally tally = me.tally               # copies, which no store can change
    cdef Sums how
    cdef const real *moved
    cdef int32_t before
    cdef double w = 1
    if job.boxes != NULL:
        order = job.boxes.order
    if job.sums == NULL and changed == all_rows(count):
        memcpy(labels, best, count * sizeof(int32_t))
        me.changed += count
        return
    if job.sums == NULL:
        while changed:
            i = CKM_CTZ64(changed)
            changed &= changed - 1
            me.changed += 1
            labels[i] = best[i]
        return
    how = job.sums[0]
    while changed:
        i = CKM_CTZ64(changed)
        changed &= changed - 1
        me.changed += 1
        before = old[i]
        labels[i] = best[i]
        row = first + i if order == NULL else order[first + i]
        if weights != NULL:
            w = weights[row]
            if w == 0:
                if before >= 0:
                    tally.counts[before] -= 1
                tally.counts[best[i]] += 1
                continue
        moved = x + i * d if x != NULL else fetch(job.rows, row, 1, me.block)
        if before >= 0:
            tally_row(&tally, &how, before, moved, w, d, -1)
        tally_row(&tally, &how, best[i], moved, w, d, 1)


cdef void settle(const Assign *job, Worker *me, const Centers *centers, Py_ssize_t first,
                 Py_ssize_t count, const int32_t *old,
                 int32_t *best, uint64_t unsure, uint64_t changed) noexcept nogil:
    """Decide the rows that the filter left undecided, and move changed rows from their old
    cluster's sums to the new one's.

    centers  IN  at least all that can win among these rows
    best     INOUT  (PANEL,)
    """
    cdef Py_ssize_t d = job.rows.d, row, i
    cdef const int32_t *order = NULL
    cdef const real *x = NULL
    cdef const real *group[GROUP]
    cdef int32_t lanes[GROUP]
    cdef int32_t decided[GROUP]
    cdef int g, r
    if job.boxes != NULL:
        order = job.boxes.order
    if order == NULL and job.rows.factor == NULL:      # rows that are worked out one by one are
                                                       # fetched one by one
        x = fetch(job.rows, first, count, me.block)
    if job.rows.direct and order == NULL:
        fetch_ahead(job.rows, first, unsure if job.sums == NULL else unsure | changed, 512)
    if centers.quanta != NULL and unsure:
        choose(job, me, first, unsure, best)
        while unsure:
            i = CKM_CTZ64(unsure)
            unsure &= unsure - 1
            changed &= ~(<uint64_t>1 << i)
            changed |= <uint64_t>(best[i] != old[i]) << i
    while unsure:
        g = 0
        while unsure and g < GROUP:
            lanes[g] = CKM_CTZ64(unsure)
            unsure &= unsure - 1
            if x != NULL:
                group[g] = x + lanes[g] * d
            else:
                row = first + lanes[g] if order == NULL else order[first + lanes[g]]
                group[g] = fetch(job.rows, row, 1, <char *>(<real *>me.block + g * d))
            g += 1
        if centers.lanes != NULL and centers.filter:
            for r in range(g):
                sift(job, me, first + lanes[r], group[r], decided + r)
        else:
            decide(group, g, centers, d, decided)
            me.counters.exact += g * centers.m
        me.counters.decided += g
        for r in range(g):
            best[lanes[r]] = decided[r]
            changed &= ~(<uint64_t>1 << lanes[r])
            if decided[r] != old[lanes[r]]:
                changed |= <uint64_t>1 << lanes[r]
    if changed:
        apply_changes(job, me, first, count, x, old, best, changed)


cdef inline void labels_at(const Assign *job, Py_ssize_t first, Py_ssize_t count,
                           int32_t *old) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        old[i] = job.labels[first + i]
    for i in range(count, PANEL):
        old[i] = 0


cdef int assign(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                int worker) noexcept nogil:
    """Labels of rows [start, stop): every row against every center."""
    cdef Assign *job = <Assign *>job_
    cdef Worker *me = job.workers + worker
    cdef const Centers *centers = job.centers
    cdef Py_ssize_t first, count, words = quanta_words(job.rows.d)
    cdef int32_t best[PANEL]
    cdef int32_t old[PANEL]
    cdef uint64_t unsure, changed, rows_here
    cdef float *panel
    cdef float *norms
    cdef float *panel_norms
    cdef float *steps
    cdef float steps_here[PANEL]
    cdef int32_t *quanta
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        rows_here = all_rows(count)
        labels_at(job, first, count, old)
        if job.survey != NULL:
            survey(job.survey, first, first + count, chunk, worker)
        if centers.quanta != NULL:
            quanta = job.packing.quanta + first * words
            norms = job.packing.quanta_norms + first
            steps = job.packing.steps + first
            if job.packing.quanta == NULL:    # none are kept
                panel_at(job.rows, job.packing, me, first, count, &panel, &norms)
                quanta = <int32_t *>me.scaled
                steps = steps_here
                job.filter.quantise(panel, norms, job.rows.d, quanta, steps, me.worst)
            elif job.packing.quantising:
                panel_at(job.rows, job.packing, me, first, count, &panel, &panel_norms)
                memcpy(norms, panel_norms, PANEL * sizeof(float))
                job.filter.quantise(panel, norms, job.rows.d, quanta, steps, me.worst)
            job.filter.quanta(quanta, norms, steps, words, centers, old, rows_here, me.sieve.scores,
                              best, &unsure, &changed,
                              me.sieve.closer)
            me.counters.filtered += count * centers.m
        elif centers.filter:
            panel_at(job.rows, job.packing, me, first, count, &panel, &norms)
            job.filter.panel(panel, norms, packed_width(job.packing, job.rows.d), centers, old,
                             best, &unsure, &changed)
            me.counters.filtered += count * centers.m
            unsure &= rows_here
            changed &= rows_here
        else:
            unsure = rows_here
            changed = 0
        if job.rows.directionless:
            without_direction(job.rows, NULL, first, count, old, best, &unsure, &changed)
        if unsure | changed:
            settle(job, me, centers, first, count, old, best, unsure, changed)
    return 0


cdef int assign_boxes(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                      int worker) noexcept nogil:
    """Labels of places [start, stop): every panel against the centers that can win in its box.

    start is a multiple of SUPER * PANEL.
    """
    cdef Assign *job = <Assign *>job_
    cdef Worker *me = job.workers + worker
    cdef Lists *scratch = &me.lists
    cdef const Centers *centers = job.centers
    cdef Centers listed = centers[0]
    cdef Py_ssize_t d = job.rows.d, m = centers.m, base, first, count, n_near, i, j
    cdef Py_ssize_t lengths[SUPER]
    cdef int32_t best[PANEL]
    cdef int32_t old[PANEL]
    cdef uint64_t unsure, changed, rows_here
    cdef const float *low
    cdef const float *high
    cdef int p
    listed.ids = scratch.ids
    listed.scaled = scratch.scaled
    listed.sq_norms = scratch.sq_norms
    listed.blocks = NULL
    listed.lanes = NULL
    for base from start <= base < stop by SUPER * PANEL:
        low = job.boxes.low + base // PANEL * d
        high = job.boxes.high + base // PANEL * d
        n_near = job.filter.nearby(low, high, d, centers, scratch.nearby)
        job.filter.lists(low, high, d, centers, scratch.nearby, n_near, scratch.z, scratch.lists,
                         lengths)
        me.counters.boxed += m + n_near * SUPER
        for p in range(SUPER):
            first = base + p * PANEL
            if first >= stop:
                break
            count = min(<Py_ssize_t>PANEL, stop - first)
            rows_here = all_rows(count)
            labels_at(job, first, count, old)
            unsure = 0
            changed = 0
            listed.m = lengths[p]
            if listed.m == 1:
                j = centers.ids[scratch.lists[p * m]]
                for i in range(PANEL):
                    best[i] = <int32_t>j
                    changed |= <uint64_t>(old[i] != j) << i
            else:
                for i in range(listed.m):
                    j = scratch.lists[p * m + i]
                    scratch.ids[i] = centers.ids[j]
                    scratch.sq_norms[i] = centers.sq_norms[j]
                    memcpy(scratch.scaled + i * d, centers.scaled + j * d, d * sizeof(float))
                job.filter.panel(job.packing.panels + first * d, job.packing.sq_norms + first, d,
                                 &listed, old, best, &unsure,
                                 &changed)
                me.counters.filtered += count * listed.m
            unsure &= rows_here
            changed &= rows_here
            if job.rows.directionless:
                without_direction(job.rows, job.boxes.order, first, count, old, best, &unsure,
                                  &changed)
            if unsure | changed:
                settle(job, me, &listed, first, count, old, best, unsure, changed)
    return 0
