# Distances that are summed or returned to users. Included by kernels/exact/exact.pxi.

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
    cdef Wide *rest = job.rests + worker
    cdef double term, left
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
        for i in range(count):
            term = out[i] if job.weights == NULL else job.weights[first + i] * out[i]
            left = add_term(total, &job.split, term)
            if left != 0:
                wide_add(rest, left)
        if job.sq_distances != NULL:
            for i in range(count):
                job.sq_distances[first + i] = out[i]
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
        for r in range(GROUP):
            group[r] = x
            c[r] = job.centers.rows + (first + lanes[r if r < g else 0]) * d
        pair_distances(group, c, d, exact)
        for r in range(g):
            put_distance(job, row, first + lanes[r], exact[r])


include "kernels/exact/mostly_zero.pxi"


cdef int transform(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                   int worker) noexcept nogil:
    """Distances of each row to all centers; of unit rows, cosine distances."""
    cdef Transform *job = <Transform *>job_
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t d = job.rows.d, k = job.centers.k, first, count, i, j, b, block_stop
    cdef const real *x
    cdef const real *group[GROUP]
    cdef double tile[GROUP * BLOCK]
    cdef double *moved = job.moved + worker * job.moved_size
    cdef double sq_norms[PANEL]
    cdef uint64_t unsure[PANEL]
    cdef uint64_t thin = 0
    cdef int r
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        x = fetch(job.rows, first, count, me.block)
        if job.left != NULL:
            thin = thin_among(<const double *>x, count, d, job.left + first)
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
            continue
        for i from 0 <= i < count by GROUP:
            if (thin and thin >> i & all_rows(min(<Py_ssize_t>GROUP, count - i))
                == all_rows(min(<Py_ssize_t>GROUP, count - i))):
                continue
            for r in range(GROUP):
                group[r] = x + min(i + r, count - 1) * d
            for j from 0 <= j < k by BLOCK:
                if job.centers.blocks == NULL:
                    memset(tile, 0, sizeof(tile))             # (lanes without a center)
                    distance_few(group, <int>min(<Py_ssize_t>GROUP, count - i), job.centers, j, d,
                                 tile)
                else:
                    distance_tile(group, job.centers.blocks + j * d, d, tile)
                block_stop = min(<Py_ssize_t>BLOCK, k - j)
                for r in range(GROUP):
                    me.overflow = me.overflow or not tile[r * BLOCK] < CKM_LARGEST
                if job.rows.factor != NULL:
                    for r in range(GROUP):
                        for b in range(r * BLOCK, (r + 1) * BLOCK):
                            tile[b] = shown(job, first + min(i + r, count - 1), tile[b])
                else:
                    for b in range(GROUP * BLOCK):
                        tile[b] = ckm_shown(tile[b])
                for r in range(min(<Py_ssize_t>GROUP, count - i)):
                    if job.narrow:
                        for b in range(block_stop):
                            (<float *>job.out)[(first + i + r) * k + j + b] = <float>tile[r * BLOCK
                                                                                          + b]
                    else:
                        for b in range(block_stop):
                            (<double *>job.out)[(first + i + r) * k + j + b] = tile[r * BLOCK + b]
    return 0
