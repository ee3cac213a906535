# Distances that are summed or returned to users. Included by kernels/exact/exact.pxi.

cdef inline bint add_panel(vd *sums, const Split *split, const double *term,
                           Py_ssize_t count) noexcept nogil:
    """`add_term` of terms (count,), a multiple of VDL, to SUM_PARTS vectors of sums; False, and
    nothing is added, if a term has a remainder.
    """
    cdef vd first = VD_SPLAT(split.big[0]), second = VD_SPLAT(split.big[1])
    cdef vd third = VD_SPLAT(split.big[2]), left = VD_SPLAT(0)
    cdef vd highs = sums[0], middles = sums[1], lows = sums[2]
    cdef vd rest, high, middle, low
    cdef double lanes[VDL]
    cdef Py_ssize_t i
    cdef int v
    for i from 0 <= i < count by VDL:
        rest = VD_LOAD(term + i)
        high = (rest + first) - first
        rest = rest - high
        middle = (rest + second) - second
        rest = rest - middle
        low = (rest + third) - third
        left = left + VD_ABS(rest - low)
        highs = highs + high
        middles = middles + middle
        lows = lows + low
    VD_STORE(lanes, left)
    for v in range(VDL):
        if lanes[v] != 0:
            return False
    sums[0], sums[1], sums[2] = highs, middles, lows
    return True


cdef int measure(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                 int worker) noexcept nogil:
    """Squared distance of each row to the center of its label, and the weighted total."""
    cdef Measure *job = <Measure *>job_
    cdef Py_ssize_t d = job.rows.d, first, count, i, r, row
    cdef const real *x
    cdef const real *group[GROUP]
    cdef const double *c[GROUP]
    cdef double out[PANEL]
    cdef Sum *total = job.totals + worker
    cdef vd sums[SUM_PARTS]
    cdef double lanes[VDL]
    cdef double left
    cdef int v
    for r in range(SUM_PARTS):
        sums[r] = VD_SPLAT(0)
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        x = fetch(job.rows, first, count, job.workers[worker].block)
        for i from 0 <= i < count by GROUP:
            for r in range(GROUP):
                row = min(i + r, count - 1)
                group[r] = x + row * d
                c[r] = job.centers + job.labels[first + row] * d
            pair_distances(group, c, d, out + i)
        if job.rows.directionless:
            for i in range(count):
                if job.rows.factor[first + i] == 0:
                    out[i] = 2                # orthogonal to every center
        if job.sq_distances != NULL:
            memcpy(job.sq_distances + first, out, count * sizeof(double))
        if job.weights != NULL:
            for i in range(count):
                out[i] = job.weights[first + i] * out[i]
        for i in range(count, PANEL):
            out[i] = 0
        if not add_panel(sums, &job.split, out, (count + VDL - 1) // VDL * VDL):
            for i in range(count):
                left = add_term(total, &job.split, out[i])
                if left != 0:
                    wide_add(job.rests + worker, left)
    for r in range(SUM_PARTS):
        VD_STORE(lanes, sums[r])
        for v in range(VDL):
            total.part[r] += lanes[v]
    return 0


cdef inline double shown(const Transform *job, Py_ssize_t row, double sq_distance) noexcept nogil:
    """The value of `transform` for a row and a center: the distance; of unit rows, the cosine
    distance.
    """
    if job.rows.factor == NULL:
        return ckm_shown(sq_distance)
    return 1 if job.rows.factor[row] == 0 else 0.5 * sq_distance


cdef inline void put_distance(const Transform *job, Py_ssize_t row, Py_ssize_t j,
                              double sq_distance) noexcept nogil:
    """Write the value of `transform` for a row and a center."""
    cdef double value = shown(job, row, sq_distance)
    if job.narrow:
        (<float *>job.out)[row * job.centers.k + j] = <float>value
    else:
        (<double *>job.out)[row * job.centers.k + j] = value


cdef inline void put_block(const Transform *job, Py_ssize_t row, Py_ssize_t first, Py_ssize_t used,
                           const double *sq_distances) noexcept nogil:
    """`put_distance` for a block of centers."""
    cdef double *out = <double *>job.out + row * job.centers.k + first
    cdef Py_ssize_t b
    if job.narrow or job.rows.factor != NULL:
        for b in range(used):
            put_distance(job, row, first + b, sq_distances[b])
    else:
        for b in range(used):
            out[b] = ckm_shown(sq_distances[b])


cdef void work_out(const Transform *job, Py_ssize_t row, const real *x, Py_ssize_t first,
                   uint64_t unsure) noexcept nogil:
    """Distances of a row to those centers of a block that are in doubt (bit i, center first + i),
    feature after feature.
    """
    cdef Py_ssize_t d = job.rows.d
    cdef double exact[GROUP]
    cdef const real *group[GROUP]
    cdef const double *c[GROUP]
    cdef int lanes[GROUP]
    cdef int g, r
    while unsure:
        g = 0
        while unsure and g < GROUP:
            lanes[g] = CKM_CTZ64(unsure)
            unsure &= unsure - 1
            g += 1
        if g == 1:
            put_distance(job, row, first + lanes[0],
                         one_distance(x, job.centers.rows + (first + lanes[0]) * d, d))
            return
        for r in range(GROUP):
            group[r] = x
            c[r] = job.centers.rows + (first + lanes[r if r < g else 0]) * d
        pair_distances(group, c, d, exact)
        for r in range(g):
            put_distance(job, row, first + lanes[r], exact[r])


include "kernels/exact/mostly_zero.pxi"


cdef double FAR = 1e75       # squared length from which on a row, or a center, may be farther from
                             # something than float32 can tell


cdef inline void put_tile(const Transform *job, Py_ssize_t row, Py_ssize_t count,
                          Py_ssize_t first, double *tile, Worker *me) noexcept nogil:
    """Write the values of `transform` for rows [row, row + count), at most GROUP, and a block of
    centers, and look whether they are finite.

    tile  INOUT  (GROUP, BLOCK) squared distances
    """
    cdef Py_ssize_t k = job.centers.k, used = min(<Py_ssize_t>BLOCK, k - first), r, b
    cdef int far = 0
    for r in range(GROUP):
        me.overflow = me.overflow or not tile[r * BLOCK] < CKM_LARGEST
    if job.rows.factor != NULL:
        for r in range(GROUP):
            for b in range(r * BLOCK, (r + 1) * BLOCK):
                tile[b] = shown(job, row + min(r, count - 1), tile[b])
    else:
        for b in range(GROUP * BLOCK):
            tile[b] = ckm_shown(tile[b])
            far |= not tile[b] < 3.4e38
    for r in range(count):
        if job.narrow:
            for b in range(used):
                (<float *>job.out)[(row + r) * k + first + b] = <float>tile[r * BLOCK + b]
        else:
            for b in range(used):
                (<double *>job.out)[(row + r) * k + first + b] = tile[r * BLOCK + b]
    me.far = me.far or far


cdef void group_at(const real *x, Py_ssize_t i, Py_ssize_t count, Py_ssize_t d,
                   const real **group) noexcept nogil:
    """Pointers to GROUP of `count` rows from the i-th on; past the last one any row will do."""
    cdef Py_ssize_t r
    for r in range(GROUP):
        group[r] = x + min(i + r, count - 1) * d


cdef void transform_long(const Transform *job, const real *x, Py_ssize_t row, Py_ssize_t count,
                         uint64_t skipped, Worker *me) noexcept nogil:
    """`transform` of up to PANEL rows of many features.

    skipped  bit i: not the GROUP of rows that begins with the i-th
    """
    cdef Py_ssize_t d = job.rows.d, i, j, f, width, used, e, r
    cdef const double *block = job.centers.blocks
    cdef const double *next_block
    cdef const real *group[GROUP]
    cdef double sums[PANEL * BLOCK]
    memset(sums, 0, sizeof(sums))              # (lanes without a center)
    for j from 0 <= j < job.centers.k by BLOCK:
        used = min(<Py_ssize_t>BLOCK, job.centers.k - j)
        for f from 0 <= f < d by PART:
            width = min(<Py_ssize_t>PART, d - f)
            next_block = block + width * BLOCK     # (many centers are in no cache that is fast)
            for i from 0 <= i < count by GROUP:
                if skipped >> i & 1:
                    continue
                for e from 0 <= e < PART * BLOCK * GROUP // PANEL by 8:
                    CKM_PREFETCH(next_block + i * (PART * BLOCK // PANEL) + e)
                group_at(x + f, i, count, d, group)
                if j == 0:                         # (and rows come from memory, many at once)
                    for r in range(GROUP):
                        for e from 0 <= e < PART by 64 // sizeof(real):
                            CKM_PREFETCH(group[r] + PART + e)
                if f == 0:
                    distance_tile(group, block, width, used, sums + i * BLOCK)
                else:
                    more_distance(group, block, width, used, sums + i * BLOCK)
            block = next_block
        for i from 0 <= i < count by GROUP:
            if not skipped >> i & 1:
                put_tile(job, row + i, min(<Py_ssize_t>GROUP, count - i), j, sums + i * BLOCK, me)


cdef int transform(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                   int worker) noexcept nogil:
    """Distances of each row to all centers; of unit rows, cosine distances."""
    cdef Transform *job = <Transform *>job_
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t d = job.rows.d, k = job.centers.k, first, count, here, i, j
    cdef const real *x
    cdef const real *group[GROUP]
    cdef double tile[GROUP * BLOCK]
    cdef double *moved = job.moved + worker * job.moved_size
    cdef double sq_norms[PANEL]
    cdef uint64_t unsure[PANEL]
    cdef uint64_t thin, skipped
    memset(tile, 0, sizeof(tile))              # (lanes without a center; later what was there)
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        x = fetch(job.rows, first, count, me.block)
        if sizeof(real) == 4 and job.shifted != NULL:
            job.filter.shift(<const float *>x, count, d, job.shifted.origin, moved, sq_norms)
            for j from 0 <= j < k by BLOCK:
                job.filter.roots(moved, sq_norms, count, d, job.shifted, j,
                                 min(<Py_ssize_t>BLOCK, k - j),
                                 <float *>job.out + first * k + j, k, unsure)
                for i in range(count):
                    if unsure[i]:
                        work_out(job, first + i, x + i * d, j, unsure[i])
            for i in range(count):
                me.overflow = me.overflow or not sq_norms[i] < CKM_LARGEST
                me.far = me.far or not sq_norms[i] < FAR
            continue
        skipped = 0
        if job.left != NULL:
            thin = thin_among(<const double *>x, count, d, job.left + first)
            for i from 0 <= i < count by GROUP:
                if ~thin >> i & all_rows(min(<Py_ssize_t>GROUP, count - i)) == 0:
                    skipped |= <uint64_t>1 << i
        if d > PART and job.centers.blocks != NULL:
            transform_long(job, x, first, count, skipped, me)
            continue
        for i from 0 <= i < count by GROUP:
            if skipped >> i & 1:
                continue
            here = min(<Py_ssize_t>GROUP, count - i)
            group_at(x, i, count, d, group)
            for j from 0 <= j < k by BLOCK:
                if job.centers.blocks == NULL:
                    distance_few(group, <int>here, job.centers, j, d, tile)
                else:
                    distance_tile(group, job.centers.blocks + j * d, d,
                                  min(<Py_ssize_t>BLOCK, k - j), tile)
                put_tile(job, first + i, here, j, tile, me)
    return 0
