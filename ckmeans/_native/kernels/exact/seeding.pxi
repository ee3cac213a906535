# By how much candidates of k-means++ would change the potential. Included by
# kernels/exact/exact.pxi.

cdef enum:
    AHEAD = 2048         # bytes of a row that are asked for ahead: most are seen for the first time
    ROWS_AHEAD = 8192    # bytes of rows that are on their way at a time,
    MOST_AHEAD = 32      # and so many rows at the most; of more than
    SHORT = 512          # bytes each, there is no room for so much in the first cache
    WAITING = 64         # room for rows that wait to be compared, more than MOST_AHEAD + GROUP; a
                         # multiple of GROUP, so that groups lie in one piece


cdef inline Py_ssize_t rows_ahead(const Seeding *job) noexcept nogil:
    """How many rows are asked for before the first one of them is compared."""
    if not job.rows.direct or job.column == NULL:
        return 0
    return max(<Py_ssize_t>2, min(<Py_ssize_t>MOST_AHEAD, ROWS_AHEAD // job.rows.row_stride))


cdef inline void ask_for_row(const Seeding *job, Py_ssize_t row) noexcept nogil:
    """Ask for a row that is read soon. (Where few are left over, those of several panels must be on
    their way at a time.)
    """
    cdef const char *x = job.rows.data + row * job.rows.row_stride
    cdef Py_ssize_t line, length = min(job.rows.row_stride, <Py_ssize_t>AHEAD)
    CKM_PREFETCH(job.sq_nearest + row)
    if length <= SHORT:
        for line from 0 <= line < length by 64:
            CKM_PREFETCH(x + line)
    else:
        for line from 0 <= line < length by 64:
            CKM_PREFETCH_L2(x + line)


cdef inline void candidate_distances(const real **x, const double *c, Py_ssize_t d,
                                     double *out) noexcept nogil:
    """`pair_distances` of GROUP rows and one candidate."""
    cdef double s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0, t1, t2, t3
    cdef const real *x0 = x[0]
    cdef const real *x1 = x[1]
    cdef const real *x2 = x[2]
    cdef const real *x3 = x[3]
    cdef Py_ssize_t f
    for f in range(d):
        t0 = x0[f] - c[f]
        t1 = x1[f] - c[f]
        t2 = x2[f] - c[f]
        t3 = x3[f] - c[f]
        s0 += ckm_term(t0)
        s1 += ckm_term(t1)
        s2 += ckm_term(t2)
        s3 += ckm_term(t3)
    out[0] = s0
    out[1] = s1
    out[2] = s2
    out[3] = s3


cdef inline void limits_of(const Seeding *job, Py_ssize_t row, float norm, float level, float *low,
                           float *high) noexcept nogil:
    """Lower and upper bound of the score at which a candidate is as far from a row as the nearest
    center.

    The scaled distance is a score plus the row's level, which is the same for all candidates: A for
    squared distances, known to 1e-6; for Manhattan distances the sum of the row's values, known to
    gamma A. A score is at most gamma A above the true one (see kernels/filter/filter.pxi), or 2
    gamma A (kernels/filter/manhattan.pxi).
    """
    cdef double scale = job.packing.scale
    cdef double share = job.sq_nearest[row] * (scale if CKM_MANHATTAN else scale * scale)
    cdef double error = (share * 1e-6
                         + norm * ((4 if CKM_MANHATTAN else 1) * job.candidates.gamma + 2e-6)
                         + job.candidates.guard_floor)
    low[0] = <float>(share - level - error)
    high[0] = <float>(share - level + error)


cdef const float *levels_of(const float *panel, const float *norms, Py_ssize_t d,
                            float *sums) noexcept nogil:
    """The level of each row (PANEL,): the common part of its distances to all centers; see
    `limits_of`.

    panel  IN   (d, PANEL)
    sums   OUT  (PANEL,) scratch
    """
    cdef Py_ssize_t i, f
    if not CKM_MANHATTAN:
        return norms
    memset(sums, 0, PANEL * sizeof(float))
    for f in range(d):
        for i in range(PANEL):
            sums[i] += panel[f * PANEL + i]
    return sums


cdef inline uint64_t rows_for(const Seeding *job, Py_ssize_t j, Py_ssize_t first,
                              Py_ssize_t stop) noexcept nogil:
    """Which rows of a panel are to be compared with a candidate."""
    if job.column == NULL:
        return all_rows(min(<Py_ssize_t>PANEL, stop - first))
    return job.closer[first // PANEL * job.width + job.column[j]]


cdef inline void look_at(const Seeding *job, Worker *me, Py_ssize_t row,
                         double *gains) noexcept nogil:
    """Compare all features of a row with the one candidate.

    Two sums of the same d squares of differences are within 2 (d + 3) u of each other, u = 2^-53,
    in any order; what underflows is far below 2^-1000.
    """
    cdef Py_ssize_t d = job.rows.d
    cdef double error = 5.0 * (d + 3) * 2.0 ** -53, floor = 2.0 ** -1000
    cdef double w = 1, nearest = job.sq_nearest[row]
    cdef double rough = rough_distance(fetch(job.rows, row, 1, me.block), job.candidates.rows, d)
    if rough * (1 - error) > nearest + floor:
        job.closer[row // PANEL * job.width + job.column[0]] &= ~(<uint64_t>1 << row % PANEL)
        return
    if job.weights != NULL:
        w = job.weights[row]
    gains[0] += w * max(nearest - rough * (1 + error) - floor, <double>0)
    gains[GAIN_LANES] += w * (nearest - rough * (1 - error) + floor)


cdef int weigh_left(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                    int worker) noexcept nogil:
    """Look at all features of the rows that the filter leaves over for a candidate: fewer are left
    then, and about what it would gain is known.
    """
    cdef Seeding *job = <Seeding *>job_
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t first, row, most = rows_ahead(job), asked = 0, read = 0
    cdef Py_ssize_t waiting[WAITING]
    cdef double *gains = job.gains + worker * job.width * GAIN
    cdef uint64_t todo
    for first from start <= first < stop by PANEL:
        todo = rows_for(job, 0, first, stop)
        while todo:
            row = first + CKM_CTZ64(todo)
            todo &= todo - 1
            if most:
                ask_for_row(job, row)
            waiting[asked % WAITING] = row
            asked += 1
            if asked - read > most:
                look_at(job, me, waiting[read % WAITING], gains)
                read += 1
    while read < asked:
        look_at(job, me, waiting[read % WAITING], gains)
        read += 1
    job.left[worker] += asked
    return 0


cdef int weigh(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
               int worker) noexcept nogil:
    """Which rows candidates may be closer to than their nearest center, and about how much each
    candidate would gain, by the filter alone. (Along axes, rows only.)
    """
    cdef Seeding *job = <Seeding *>job_
    cdef const Centers *candidates = job.candidates
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t d = job.rows.d, m = candidates.m, first, count, i, j
    cdef Py_ssize_t width = packed_width(job.packing, d)
    cdef double *gains = (<double *>NULL if job.gains == NULL or job.packing.axes != NULL
                          else job.gains + worker * m * GAIN)
    cdef float low[PANEL]
    cdef float high[PANEL]
    cdef float sums[PANEL]
    cdef const float *levels
    cdef float *panel
    cdef float *norms
    cdef uint64_t *closer
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        panel_at(job.rows, job.packing, me, first, count, &panel, &norms)
        levels = levels_of(panel, norms, d, sums)
        for i in range(count):
            limits_of(job, first + i, norms[i], levels[i], low + i, high + i)
        for i in range(count, PANEL):
            low[i] = high[i] = -3e38
        closer = job.closer + first // PANEL * m
        job.filter.gains(panel, low, high, width, candidates, closer, gains)
        for j in range(m):
            closer[j] &= all_rows(count)
    return 0


cdef inline void set_limits(const Seeding *job, Py_ssize_t row) noexcept nogil:
    """See Seeding: the proof is that of an assignment, where the row's own center gives the limit
    (kernels/filter/bytes.pxi).
    """
    cdef double sq_norm = job.bytes.sq_norms[row], step = job.bytes.steps[row]
    cdef double score = score_of(job.sq_nearest[row], sq_norm, job.packing)
    job.limits[row] = byte_limit(job.byte_candidates,
                                 byte_guard(job.byte_candidates, sq_norm, step), score / step)
    if job.heads != NULL:
        step = job.heads.bytes.steps[row]
        job.heads.limits[row] = byte_limit(job.byte_candidates,
                                           byte_guard(job.byte_candidates, sq_norm, step),
                                           score / step)


cdef int weigh_bytes(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                     int worker) noexcept nogil:
    """`weigh` for rows in bytes."""
    cdef Seeding *job = <Seeding *>job_
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t m = job.candidates.m, first, count, i
    cdef uint64_t *closer = job.closer + start // PANEL * m
    cdef double *gains = <double *>NULL if job.gains == NULL else job.gains + worker * m * GAIN
    if not job.limits_known:
        for first from start <= first < stop by PANEL:
            count = min(<Py_ssize_t>PANEL, stop - first)
            if job.bytes.filling:
                pack_bytes(job.rows, job.packing, job.bytes, job.filter, me, first, first, count)
            if job.heads != NULL and job.heads.bytes.filling:
                make_heads(job.rows, job.packing, job.filter, job.heads, job.bytes, me, first,
                           count, worker)
            for i in range(count):
                set_limits(job, first + i)
                job.worth[first + i] = job.bytes.steps[first + i]
                if job.weights != NULL:
                    job.worth[first + i] = <float>(job.worth[first + i]
                                                   * (job.weights[first + i] / job.heaviest))
            for i in range(count, PANEL):
                job.limits[first + i] = <float>-1e37
                job.worth[first + i] = 0
                if job.heads != NULL:
                    job.heads.limits[first + i] = <float>-1e37
    if job.heads == NULL:
        job.filter.byte_gains(job.byte_candidates, job.bytes, start, stop, job.limits, job.worth,
                              closer, gains, me.products)
        return 0
    job.filter.byte_gains(job.heads.centers, &job.heads.bytes, start, stop, job.heads.limits,
                          job.worth, closer, NULL, me.products)
    job.heads.looked[worker] += job.filter.byte_pairs(job.byte_candidates, job.bytes, job.heads,
                                                      start, stop, job.limits, job.worth, closer,
                                                      gains)
    return 0


cdef void seed_rows(const Seeding *job, Py_ssize_t j, const real **x, const Py_ssize_t *rows,
                    int count, int worker) noexcept nogil:
    """By how much a candidate changes the shares of up to GROUP rows.

    x  INOUT  (GROUP,) of which `count` are given
    """
    cdef Py_ssize_t d = job.rows.d, row
    cdef Sum *total = job.totals + worker * job.candidates.m + j
    cdef double out[GROUP]
    cdef double w = 1, nearest
    cdef int r
    for r in range(count, GROUP):
        x[r] = x[0]
    candidate_distances(x, job.candidates.rows + j * d, d, out)
    for r in range(count):
        row = rows[r]
        nearest = job.sq_nearest[row]
        if not out[r] < nearest:
            continue
        if job.weights != NULL:
            w = job.weights[row]
        if job.binned:
            total = (job.bucket_totals + (worker * job.candidates.m + j) * job.buckets
                     + job.bucket[row])
        if nearest < 1e999:
            replace_term(total, &job.split, w * nearest, w * out[r])
        else:                                 # before the first center is taken
            add_term(total, &job.split, w * out[r])
        if job.keep:
            job.sq_nearest[row] = out[r]
            if job.limits_known:
                set_limits(job, row)


cdef void seed_waiting(const Seeding *job, Py_ssize_t j, const real **x, const Py_ssize_t *rows,
                       Py_ssize_t read, Py_ssize_t asked, int worker) noexcept nogil:
    """The same for all rows that still wait: those from `read` to `asked`."""
    while read < asked:
        seed_rows(job, j, x + read % WAITING, rows + read % WAITING,
                  <int>min(<Py_ssize_t>GROUP, asked - read), worker)
        read += GROUP


cdef int seed(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
              int worker) noexcept nogil:
    """One k-means++ step: by how much each candidate would change the potential; or take the one
    candidate.

    Only rows to which a candidate may be closer are read: all others keep their share of the
    potential.
    """
    cdef Seeding *job = <Seeding *>job_
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t d = job.rows.d, m = job.candidates.m, first, row, j
    cdef bint apart = m > 1 or not job.rows.direct       # rows cannot wait for those of other
                                                         # panels
    cdef Py_ssize_t most = 0 if apart else rows_ahead(job), asked = 0, read = 0
    cdef const real *x
    cdef const real *of_rows[WAITING]
    cdef Py_ssize_t waiting[WAITING]
    cdef uint64_t todo
    for first from start <= first < stop by PANEL:
        x = NULL
        for j in range(m):
            todo = rows_for(job, j, first, stop)
            if todo and x == NULL:
                x = fetch(job.rows, first, min(<Py_ssize_t>PANEL, stop - first), me.block)
            while todo:
                row = first + CKM_CTZ64(todo)
                todo &= todo - 1
                if most:
                    ask_for_row(job, row)
                of_rows[asked % WAITING], waiting[asked % WAITING] = x + (row - first) * d, row
                asked += 1
                if asked - read == most + GROUP:
                    seed_rows(job, j, of_rows + read % WAITING, waiting + read % WAITING, GROUP,
                              worker)
                    read += GROUP
            if apart:
                seed_waiting(job, j, of_rows, waiting, read, asked, worker)
                asked = read = 0
    seed_waiting(job, 0, of_rows, waiting, read, asked, worker)
    return 0
