# What candidates of k-means++ would change of the potential. Included by kernels/exact/exact.pxi.

cdef inline void limits_of(const Seeding *job, Py_ssize_t row, float norm, float level, float *low,
                           float *high) noexcept nogil:
    """The score at which a candidate is as far from a row as the nearest center: not above it, and
    not below it.

    The scaled distance is a score and what all candidates share, the row's level: A of squared
    distances, known to 1e-6; of Manhattan distances the sum of the row's values, known to gamma A.
    A score is at most gamma A above the true one (see kernels/filter/filter.pxi), or 2 gamma A
    (kernels/filter/manhattan.pxi).
    """
    cdef double scale = job.packing.scale
    cdef double share = job.sq_nearest[row] * (scale if CKM_MANHATTAN else scale * scale)
    cdef double error = (share * 1e-6
                         + norm * ((4 if CKM_MANHATTAN else 1) * job.candidates.gamma + 2e-6)
                         + job.candidates.guard_floor)
    low[0] = <float>(share - level - error)
    high[0] = <float>(share - level + error)


cdef void levels_of(const float *panel, const float *norms, Py_ssize_t d,
                    float *levels) noexcept nogil:
    """What the distances of a row to all centers have in common; see `limits_of`.

    panel   IN   (d, PANEL)
    levels  OUT  (PANEL,)
    """
    cdef Py_ssize_t i, f
    if not CKM_MANHATTAN:
        memcpy(levels, norms, PANEL * sizeof(float))
        return
    memset(levels, 0, PANEL * sizeof(float))
    for f in range(d):
        for i in range(PANEL):
            levels[i] += panel[f * PANEL + i]


cdef Py_ssize_t weigh_left(const Seeding *job, Worker *me, Py_ssize_t first, uint64_t *closer,
                           double *gains) noexcept nogil:
    """Look at all features of the rows that axes leave over for candidates: fewer are left then,
    and about what each candidate would gain is known. Returns how many pairs were looked at.

    Two sums of the same d squares of differences are within 2 (d + 3) u of each other, u = 2^-53,
    in any order; what underflows is far below 2^-1000.

    closer  INOUT  (m,) bit i: row first + i
    gains   INOUT  (m, GAIN) added to
    """
    cdef Py_ssize_t d = job.rows.d, row, j, looked = 0
    cdef double error = 5.0 * (d + 3) * 2.0 ** -53, floor = 2.0 ** -1000
    cdef double w = 1, nearest, rough
    cdef uint64_t todo
    cdef int lane
    for j in range(job.candidates.m):
        todo = closer[j]
        while todo:
            lane = CKM_CTZ64(todo)
            todo &= todo - 1
            row = first + lane
            nearest = job.sq_nearest[row]
            rough = rough_distance(fetch(job.rows, row, 1, me.block),
                                   job.candidates.rows + j * d, d)
            looked += 1
            if rough * (1 - error) > nearest + floor:
                closer[j] &= ~(<uint64_t>1 << lane)
                continue
            if job.weights != NULL:
                w = job.weights[row]
            gains[j * GAIN] += w * max(nearest - rough * (1 + error) - floor, <double>0)
            gains[j * GAIN + GAIN_LANES] += w * (nearest - rough * (1 - error) + floor)
    return looked


cdef int weigh(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
               int worker) noexcept nogil:
    """Which rows candidates may be closer to than their nearest center, and about what each would
    gain: by the filter alone, or with axes by all features of the rows that it leaves over.
    """
    cdef Seeding *job = <Seeding *>job_
    cdef const Centers *candidates = job.candidates
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t d = job.rows.d, m = candidates.m, first, count, i, j
    cdef bint all_features = job.packing.axes == NULL
    cdef double *gains = job.gains + worker * m * GAIN
    cdef float low[PANEL]
    cdef float high[PANEL]
    cdef float levels[PANEL]
    cdef float *panel
    cdef float *norms
    cdef uint64_t *closer
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        panel_at(job.rows, job.packing, me, first, count, &panel, &norms)
        levels_of(panel, norms, d, levels)
        for i in range(count):
            limits_of(job, first + i, norms[i], levels[i], low + i, high + i)
        for i in range(count, PANEL):
            low[i] = high[i] = -3e38
        closer = job.closer + first // PANEL * m
        job.filter.gains(panel, low, high, packed_width(job.packing, d), candidates, closer,
                         gains if all_features else NULL)
        for j in range(m):
            closer[j] &= all_rows(count)
        if not all_features:
            job.left[worker] += weigh_left(job, me, first, closer, gains)
    return 0


cdef inline uint64_t rows_for(const Seeding *job, Py_ssize_t j, Py_ssize_t first,
                              Py_ssize_t stop) noexcept nogil:
    """Which rows of a panel are to be compared with a candidate."""
    if job.column == NULL:
        return all_rows(min(<Py_ssize_t>PANEL, stop - first))
    return job.closer[first // PANEL * job.width + job.column[j]]


cdef int seed(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
              int worker) noexcept nogil:
    """One k-means++ step: what each candidate would change of the potential, or the one candidate
    taken.

    Only rows that a candidate may be closer to are looked at: all others keep their share of the
    potential.
    """
    cdef Seeding *job = <Seeding *>job_
    cdef const Centers *candidates = job.candidates
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t d = job.rows.d, m = candidates.m, first, row, j
    cdef const real *x
    cdef const real *group[GROUP]
    cdef const double *c[GROUP]
    cdef double out[GROUP]
    cdef int lanes[GROUP]
    cdef double w = 1, nearest
    cdef Sum *total
    cdef int g, r
    cdef uint64_t todo
    for first from start <= first < stop by PANEL:
        x = NULL
        for j in range(m):
            todo = rows_for(job, j, first, stop)
            if job.rows.direct and job.column != NULL and first + PANEL < stop:
                fetch_ahead(job.rows, first + PANEL, rows_for(job, j, first + PANEL, stop))
            if todo and x == NULL:
                x = fetch(job.rows, first, min(<Py_ssize_t>PANEL, stop - first), me.block)
            total = job.totals + worker * m + j
            for r in range(GROUP):
                c[r] = candidates.rows + j * d
            while todo:
                g = 0
                while todo and g < GROUP:
                    lanes[g] = CKM_CTZ64(todo)
                    todo &= todo - 1
                    group[g] = x + lanes[g] * d
                    g += 1
                for r in range(g, GROUP):
                    group[r] = group[0]
                pair_distances(group, c, d, out)
                for r in range(g):
                    row = first + lanes[r]
                    nearest = job.sq_nearest[row]
                    if out[r] < nearest:
                        if job.weights != NULL:
                            w = job.weights[row]
                        if job.binned:
                            total = (job.bucket_totals + (worker * m + j) * job.buckets
                                     + job.bucket[row])
                        if nearest < 1e999:           # infinite before the first center is taken
                            add_term(total, &job.split, -(w * nearest))
                        add_term(total, &job.split, w * out[r])
                        if job.keep:
                            job.sq_nearest[row] = out[r]
    return 0
