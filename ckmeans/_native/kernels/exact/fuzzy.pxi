# Memberships of fuzzy c-means, and their sums. Included by kernels/exact/exact.pxi.
#
# With squared distances D_j of a row to the k centers and fuzziness m, its membership in cluster j
# is u_j = 1 / sum_l (D_j / D_l)^(1 / (m - 1)); a row that coincides with several centers belongs to
# them in equal parts. Memberships are never stored: each panel of rows adds its part to the sums at
# once. The rows of a panel are added in their order, and panels by exact sums (data/sums.pxi), so
# the bits do not depend on the threads.

cdef void memberships_of(double *row, Py_ssize_t k, double fuzziness, double *shares, double w,
                         double *objective, int32_t *label) noexcept nogil:
    """Turn a row's squared distances into its factors in the sums.

    row        INOUT  (k,) squared distances; then w * u^m
    shares     OUT    (k,) u
    objective  INOUT  (k,) w * u^m times the squared distance is added
    """
    cdef double least = row[0], total = 0, power = 1 / (fuzziness - 1), u, term
    cdef Py_ssize_t j, at = 0, ties = 0
    for j in range(1, k):
        if row[j] < least:
            least = row[j]
            at = j
    label[0] = <int32_t>at
    if least == 0:
        for j in range(k):
            ties += row[j] == 0
    for j in range(k):
        # relative to the nearest center: from 0 to 1
        u = <double>(row[j] == 0) if ties else least / row[j]
        if fuzziness != 2 and not ties:
            u = pow(u, power)
        total += u
        shares[j] = u
    for j in range(k):
        u = shares[j] / total
        shares[j] = u
        term = w * (u * u if fuzziness == 2 else pow(u, fuzziness))
        objective[j] += term * row[j]
        row[j] = term


cdef void add_products(const double *factors, const real *x, Py_ssize_t count, Py_ssize_t d,
                       Py_ssize_t width, double *out) noexcept nogil:
    """The sums over the rows of a factor times a feature, each in the order of the rows.

    factors  IN   (count, width)
    x        IN   (count, d)
    out      OUT  (d + 1, width); the last: sums of the factors
    """
    cdef vd acc[4][2]
    cdef vd a, b, value
    cdef Py_ssize_t lane, f, i, at
    cdef int q
    for lane from 0 <= lane < width by 2 * VDL:
        for f from 0 <= f < d + 1 by 4:
            for q in range(4):
                acc[q][0] = VD_SPLAT(0)
                acc[q][1] = VD_SPLAT(0)
            for i in range(count):
                a = VD_LOAD(factors + i * width + lane)
                b = VD_LOAD(factors + i * width + lane + VDL)
                for q in range(4):
                    at = f + q
                    value = VD_SPLAT(<double>x[i * d + at] if at < d else 1)
                    acc[q][0] = acc[q][0] + a * value
                    acc[q][1] = acc[q][1] + b * value
            for q in range(4):
                if f + q <= d:
                    VD_STORE(out + (f + q) * width + lane, acc[q][0])
                    VD_STORE(out + (f + q) * width + lane + VDL, acc[q][1])


cdef int memberships(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                     int worker) noexcept nogil:
    """The sums of fuzzy c-means over rows [start, stop), and the nearest center of each."""
    cdef Memberships *job = <Memberships *>job_
    cdef Py_ssize_t d = job.rows.d, k = job.centers.k, width = job.width, size = (d + 2) * width
    cdef Py_ssize_t first, count, i, j, e, f, b
    cdef double *rows = job.scratch + worker * (PANEL * width + size + width)
    cdef double *sums = rows + PANEL * width
    cdef double *shares = sums + size
    cdef double *total = job.totals + worker * SUM_PARTS * size
    cdef double tile[GROUP * BLOCK]
    cdef const real *x
    cdef const real *group[GROUP]
    cdef double w = 1, term, high
    cdef int r
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        x = fetch(job.rows, first, count, job.workers[worker].block)
        for i from 0 <= i < count by GROUP:
            for r in range(GROUP):
                group[r] = x + min(i + r, count - 1) * d
            for j from 0 <= j < k by BLOCK:
                distance_tile(group, job.centers.blocks + j * d, d, BLOCK, tile)
                for r in range(min(<Py_ssize_t>GROUP, count - i)):
                    for b in range(BLOCK):
                        rows[(i + r) * width + j + b] = tile[r * BLOCK + b]
        memset(sums + (d + 1) * width, 0, width * sizeof(double))
        for i in range(count):
            if job.weights != NULL:
                w = job.weights[first + i]
            if job.out != NULL:
                shares = job.out + (first + i) * k
            memberships_of(rows + i * width, k, job.fuzziness, shares, w,
                           sums + (d + 1) * width, job.labels + first + i)
            for j in range(k, width):
                rows[i * width + j] = 0
        if job.totals == NULL:
            continue
        add_products(rows, x, count, d, width, sums)
        for f in range(d + 2):
            for e in range(f * width, (f + 1) * width):
                term = sums[e]
                high = (term + job.big[f * SUM_PARTS]) - job.big[f * SUM_PARTS]
                total[e] += high
                term = term - high
                high = (term + job.big[f * SUM_PARTS + 1]) - job.big[f * SUM_PARTS + 1]
                total[size + e] += high
                term = term - high
                total[2 * size + e] += ((term + job.big[f * SUM_PARTS + 2])
                                        - job.big[f * SUM_PARTS + 2])
    return 0
