# Thin rows: at most one of every THIN features is nonzero. Their distances to all centers are
# computed from those features alone.
#
# For a thin row `transform` returns sqrt(s), s = |x|^2 + |c|^2 - 2 x.c, the three terms and their
# sum in twice the precision of float64, rounded once: sums and products are split into their
# float64 value and the rest, which fused multiply-adds give (Ogita, Rump & Oishi, SIAM J. Sci.
# Comput. 26, 2005). Zeros change no bit of such sums. So dense rows and CSR rows give the same
# bits, in the time that the nonzero features take, and they are more accurate than a sum of squares
# in float64. With A = |x|^2 and B = |c|^2, t features that are not zero and u = 2^-53, s is off by
# some t^2 u^2 (A + B) beside the u s of its rounding. Where s is below 2^-20 (A + B), or the
# squares so small that products underflow, it is the sum of squares in the order of the features,
# as of other rows.
#
# x.c is added to M, a power of two above A + B. Partial sums are at most (A + B) / 2, so that M
# stays the larger one: what a sum holds of a product is then the difference of two sums, without an
# error, and what it leaves over the product less that, rounded once.

cdef extern from "kernels/roots.h" nogil:
    vd VD_BINADE(vd)
    uint64_t VD_BITS_NGT(vd, vd)

cdef extern from "kernels/exact/mostly_zero.h" nogil:
    enum: THIN_V                 # vectors of centers that are worked on together
    vd VD_FMA(vd, vd, vd)

cdef extern from *:
    """
    CKM_INLINE void ckm_thin(const double *x, const int32_t *columns, Py_ssize_t count, const double
    *block, const double *norm,
                             const double *sq_norms, double *out, uint64_t *unsure, Py_ssize_t lane,
                             int vectors);
    static CKM_NOINLINE void ckm_thin_1(const double *x, const int32_t *columns, Py_ssize_t count,
    const double *block, const double *norm,
                                        const double *sq_norms, double *out, uint64_t *unsure,
                                        Py_ssize_t lane);
    static CKM_NOINLINE void ckm_thin_all(const double *x, const int32_t *columns, Py_ssize_t count,
    const double *block,
                                          const double *norm, const double *sq_norms, double *out,
                                          uint64_t *unsure, Py_ssize_t lane);
    """

cdef enum:
    NORM_LANES = 8       # sums of squares are kept apart by so many, whatever the width of vectors

cdef double CLOSE = ldexp(1, -20)            # share of A + B below which too much cancels
cdef double VANISHING = ldexp(1, -900)       # below which products may underflow


cdef inline void split_sum(double a, double b, double *total, double *rest) noexcept nogil:
    """a + b rounded, and its rounding error."""
    cdef double t = a + b, back = t - a
    rest[0] = (a - (t - back)) + (b - back)
    total[0] = t


cdef void two_part_norm(const double *x, Py_ssize_t count, double *norm) noexcept nogil:
    """Sum of squares.

    norm  OUT  (2,) its value in float64, and what that leaves over
    """
    cdef vd high[NORM_LANES]
    cdef vd low[NORM_LANES]
    cdef vd value, square, t, back
    cdef double highs[NORM_LANES]
    cdef double lows[NORM_LANES]
    cdef double padded[NORM_LANES]
    cdef double rest
    cdef const double *eight
    cdef Py_ssize_t i, b
    cdef int v
    for v in range(NORM_LANES // VDL):
        high[v] = low[v] = VD_SPLAT(0)
    for i from 0 <= i < count by NORM_LANES:
        eight = x + i
        if i + NORM_LANES > count:
            for b in range(NORM_LANES):
                padded[b] = x[i + b] if i + b < count else 0
            eight = padded
        for v in range(NORM_LANES // VDL):
            value = VD_LOAD(eight + v * VDL)
            square = value * value
            t = high[v] + square
            back = t - high[v]
            low[v] = (low[v] + (VD_FMA(value, value, -square)
                                + ((high[v] - (t - back)) + (square - back))))
            high[v] = t
    for v in range(NORM_LANES // VDL):
        VD_STORE(highs + v * VDL, high[v])
        VD_STORE(lows + v * VDL, low[v])
    norm[0], norm[1] = highs[0], lows[0]
    for b in range(1, NORM_LANES):
        split_sum(norm[0], highs[b], norm, &rest)
        norm[1] += lows[b] + rest


cdef void thin_norms(const double *centers, Py_ssize_t k, Py_ssize_t d,
                     double *sq_norms) noexcept nogil:
    """Squared norms of centers (k, d) in two parts.

    sq_norms  OUT  (ceil(k / BLOCK), 2, BLOCK)
    """
    cdef double norm[2]
    cdef Py_ssize_t j
    for j in range(k):
        two_part_norm(centers + j * d, d, norm)
        sq_norms[j // BLOCK * 2 * BLOCK + j % BLOCK] = norm[0]
        sq_norms[(j // BLOCK * 2 + 1) * BLOCK + j % BLOCK] = norm[1]


cdef void thin_tile "ckm_thin"(const double *x, const int32_t *columns, Py_ssize_t count,
                               const double *block, const double *norm,
                               const double *sq_norms, double *out, uint64_t *unsure,
                               Py_ssize_t lane, int vectors) noexcept nogil:
    """Squared distances of one row to `vectors` vectors of centers, from lane `lane` of a block.

    x, columns  IN     (count,) values and their columns
    block       IN     (d, BLOCK)
    norm        IN     (2,) of the row
    sq_norms    IN     (2, BLOCK)
    out         OUT    (BLOCK,)
    unsure      INOUT  bit i is set: center i is too close
    """
    cdef vd high[THIN_V]
    cdef vd low[THIN_V]
    cdef vd start[THIN_V]
    cdef vd value, c, t, a, b, total, back, rest, s
    cdef const double *row
    cdef Py_ssize_t e
    cdef int v
    block += lane
    sq_norms += lane
    out += lane
    for v in range(vectors):
        total = VD_SPLAT(norm[0]) + VD_LOAD(sq_norms + v * VDL)
        start[v] = high[v] = VD_BINADE(total) * VD_SPLAT(2)
        low[v] = VD_SPLAT(0)
    for e in range(count):
        value = VD_SPLAT(x[e])
        row = block + <Py_ssize_t>columns[e] * BLOCK
        for v in range(vectors):
            c = VD_LOAD(row + v * VDL)
            t = VD_FMA(value, c, high[v])
            low[v] = low[v] + VD_FMA(value, c, high[v] - t)
            high[v] = t
    for v in range(vectors):
        a = VD_SPLAT(norm[0])
        b = VD_LOAD(sq_norms + v * VDL)
        total = a + b
        back = total - a
        rest = (a - (total - back)) + (b - back)
        b = (high[v] - start[v]) * VD_SPLAT(-2)
        t = total + b
        back = t - total
        rest = rest + ((total - (t - back)) + (b - back))
        rest = (rest + ((VD_SPLAT(norm[1]) + VD_LOAD(sq_norms + BLOCK + v * VDL)) - VD_SPLAT(2)
                        * low[v]))
        s = t + rest
        VD_STORE(out + v * VDL, s)
        unsure[0] |= VD_BITS_NGT(s, total * VD_SPLAT(CLOSE) + VD_SPLAT(VANISHING)) << (lane + v
                                                                                       * VDL)


cdef void thin_tile_1 "ckm_thin_1"(const double *x, const int32_t *columns, Py_ssize_t count,
                                   const double *block, const double *norm,
                                   const double *sq_norms, double *out, uint64_t *unsure,
                                   Py_ssize_t lane) noexcept nogil:
    thin_tile(x, columns, count, block, norm, sq_norms, out, unsure, lane, 1)


cdef void thin_tile_all "ckm_thin_all"(const double *x, const int32_t *columns, Py_ssize_t count,
                                       const double *block,
                                       const double *norm, const double *sq_norms, double *out,
                                       uint64_t *unsure,
                                       Py_ssize_t lane) noexcept nogil:
    thin_tile(x, columns, count, block, norm, sq_norms, out, unsure, lane, THIN_V)


cdef bint is_thin(const double *x, Py_ssize_t d) noexcept nogil:
    """Whether so few of d features are nonzero; mostly the first few features suffice to tell."""
    cdef Py_ssize_t most = d // THIN, first, f
    cdef int64_t count = 0
    if d < THIN_FROM:
        return False
    for first from 0 <= first < d by THIN_FROM:
        for f in range(first, min(first + THIN_FROM, d)):
            count += x[f] != 0
        if count > most:
            return False
    return True


cdef uint64_t thin_among(const double *x, Py_ssize_t count, Py_ssize_t d,
                         uint8_t *left) noexcept nogil:
    """Which of these rows (count, d) are thin: bits, and noted in `left`."""
    cdef uint64_t found = 0
    cdef Py_ssize_t i
    for i in range(count):
        if is_thin(x + i * d, d):
            left[i] = 1
            found |= <uint64_t>1 << i
    return found


cdef Py_ssize_t without_zeros(const double *x, const int32_t *columns, Py_ssize_t count,
                              double *values, int32_t *places) noexcept nogil:
    """Values of a row that are not zero, and their columns; of d features where `columns` is NULL.
    Returns how many.
    """
    cdef Py_ssize_t e, found = 0
    for e in range(count):
        values[found] = x[e]
        places[found] = <int32_t>e if columns == NULL else columns[e]
        found += x[e] != 0
    return found


cdef void show_thin(const Transform *job, Worker *me, Py_ssize_t row, const double *x,
                    const int32_t *columns, Py_ssize_t count,
                    const double *features) noexcept nogil:
    """Distances of a thin row to all centers.

    x, columns  IN  (count,) its values but for zeros
    features    IN  (d,) all of them; or NULL: they are fetched where they are needed
    """
    cdef const Thin *thin = job.thin
    cdef Py_ssize_t d = job.rows.d, k = job.centers.k, j, b, lane, used
    cdef double norm[2]
    cdef double sq[BLOCK]
    cdef uint64_t unsure
    two_part_norm(x, count, norm)
    me.overflow = me.overflow or not norm[0] < CKM_LARGEST
    for j from 0 <= j < k by BLOCK:
        used = min(<Py_ssize_t>BLOCK, k - j)
        unsure = 0
        for lane from 0 <= lane < used by THIN_V * VDL:
            if used - lane <= VDL:
                thin_tile_1(x, columns, count, thin.blocks + j * d, norm, thin.sq_norms + 2 * j, sq,
                            &unsure, lane)
            else:
                thin_tile_all(x, columns, count, thin.blocks + j * d, norm, thin.sq_norms + 2 * j,
                              sq, &unsure, lane)
        unsure &= (1 << used) - 1
        put_block(job, row, j, used, sq)
        if unsure:
            if features == NULL:
                features = <const double *>fetch(job.rows, row, 1, me.block)
            work_out(job, row, <const real *>features, j, unsure)


cdef int thin_rows(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                   int worker) noexcept nogil:
    """Distances of the dense rows that `transform` has skipped as thin."""
    cdef Transform *job = <Transform *>job_
    cdef Worker *me = job.workers + worker
    cdef double *values = job.moved + worker * job.moved_size
    cdef int32_t *columns = job.columns + worker * job.moved_size
    cdef Py_ssize_t row, count
    cdef const double *x
    for row in range(start, stop):
        if job.left[row]:
            x = <const double *>fetch(job.rows, row, 1, me.block)
            count = without_zeros(x, NULL, job.rows.d, values, columns)
            show_thin(job, me, row, values, columns, count, x)
    return 0
