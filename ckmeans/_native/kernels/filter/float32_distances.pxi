# The filter for distances that are returned as float32: squared distances in float64, in any order
# and fused, and whose roots they leave undecided. Included by kernels/filter/filter.pxi.
#
# By definition s is the sum of (x - c)^2 in the order of the features, each step rounded, and
# float32(sqrt(s)) is returned. With a and b the row and the center moved to a common origin, A =
# |a|^2, B = |b|^2 and u = 2^-53, s' = (A + B) - 2ab differs from s by
#     4 u (A + B)               from rounding a and b: 2 |a - b| u (|a| + |b|), where
#                               (|a| + |b|)^2 <= 2 (A + B),
#     d u (A + B), twice        from the sums of A and B, and from that of 2ab, fused or not,
#     3 u (A + B)               from the sum of the three,
#     2 (d + 2) u (A + B)       from the rounding of s itself, s <= 2 (A + B);
# (4 d + 11) u (A + B) in all, up to terms in u^2, and underflow, which is below (d + 8) 2^-1070.
# (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1.) So sqrt(s) differs
# from z = sqrt(s') by that over z, and by 2 u z of rounding both roots. Let y be the float32
# nearest to z. It is also the nearest to sqrt(s) if, with h half a float32 step in the binade of z,
#     (h - |z - y|) z > 2 (error of s') + 4 u z^2,
# the factor 2 for y a power of two, below which the step is half as large: it makes the error at
# most h / 2. With z^2 <= 2 (A + B) the right side is `error` (A + B) + `floor` of `root_constants`.
# No NaN passes, nor do infinities or roots of numbers below zero; numbers that are subnormal in
# float32 have larger steps than h. Roots that do not pass are computed by kernels/exact/exact.pxi.

from libc.math cimport ldexp

cdef extern from "kernels/roots.h" nogil:
    ctypedef double vd
    enum: VDL, ROOT_ROWS, ROOT_V
    vd VD_LOAD(const double *)
    void VD_STORE(double *, vd)
    void CKM_PREFETCH(const void *)
    vd VD_FROM_FLOATS(const float *)
    vd VD_SPLAT(double)
    vd VD_ABS(vd)
    vd VD_SQRT(vd)
    vd VD_BINADE(vd)
    vd VD_FLOATS(float *, vd)
    uint64_t VD_BITS_NGT(vd, vd)

cdef extern from *:
    """
    CKM_INLINE uint64_t ckm_finish(vd dots, double x_sq_norm, const double *sq_norms, double error,
    double floor, float *out); CKM_INLINE uint64_t ckm_finish_row(vd a, vd b, double x_sq_norm,
    const double *sq_norms, double error, double floor, float *out,
                                       int vectors);
    CKM_INLINE void ckm_roots(const double **x, const double *x_sq_norms, Py_ssize_t d, const double
    *block, const double *sq_norms,
                              double error, double floor, float *out, Py_ssize_t stride, uint64_t
                              *unsure, Py_ssize_t lane, int vectors);
    static CKM_NOINLINE void ckm_roots_1(const double **x, const double *x_sq_norms, Py_ssize_t d,
    const double *block,
                                         const double *sq_norms, double error, double floor, float
                                         *out, Py_ssize_t stride, uint64_t *unsure, Py_ssize_t
                                         lane);
    static CKM_NOINLINE void ckm_roots_all(const double **x, const double *x_sq_norms, Py_ssize_t d,
    const double *block,
                                           const double *sq_norms, double error, double floor, float
                                           *out, Py_ssize_t stride, uint64_t *unsure, Py_ssize_t
                                           lane);
    CKM_INLINE void ckm_root_part(const double **x, Py_ssize_t d, const double *block,
    double *sums, int first, Py_ssize_t lane, int vectors);
    static CKM_NOINLINE void ckm_root_part_1(const double **x, Py_ssize_t d, const double *block,
    double *sums, int first, Py_ssize_t lane);
    static CKM_NOINLINE void ckm_root_part_all(const double **x, Py_ssize_t d, const double *block,
    double *sums, int first, Py_ssize_t lane);
    CKM_INLINE void ckm_csr_roots(const double *x, const int32_t *columns, Py_ssize_t count, double
    x_sq_norm, const double *block,
                                  const double *sq_norms, double error, double floor, float *out,
                                  uint64_t *unsure, Py_ssize_t lane, int vectors, int unroll);
    static CKM_NOINLINE void ckm_csr_roots_1(const double *x, const int32_t *columns, Py_ssize_t
    count, double x_sq_norm,
                                             const double *block, const double *sq_norms, double
                                             error, double floor, float *out, uint64_t *unsure,
                                             Py_ssize_t lane);
    static CKM_NOINLINE void ckm_csr_roots_all(const double *x, const int32_t *columns, Py_ssize_t
    count, double x_sq_norm,
                                               const double *block, const double *sq_norms, double
                                               error, double floor, float *out, uint64_t *unsure,
                                               Py_ssize_t lane);
    """

cdef double HALF_STEP = ldexp(1, -24)        # of float32, as a share of the binade


cdef inline uint64_t finish "ckm_finish"(vd dots, double x_sq_norm, const double *sq_norms,
                                         double error, double floor,
                                         float *out) noexcept nogil:
    """Distances of one row to a vector of centers, and which are in doubt."""
    cdef vd sums = VD_SPLAT(x_sq_norm) + VD_LOAD(sq_norms)
    cdef vd root = VD_SQRT(sums + dots)
    cdef vd room = VD_BINADE(root) * VD_SPLAT(HALF_STEP) - VD_ABS(root - VD_FLOATS(out, root))
    return VD_BITS_NGT(room * root, VD_SPLAT(error) * sums + VD_SPLAT(floor))


cdef inline uint64_t finish_row "ckm_finish_row"(vd a, vd b, double x_sq_norm,
                                                 const double *sq_norms, double error, double floor,
                                                 float *out, int vectors) noexcept nogil:
    cdef uint64_t doubts = finish(a, x_sq_norm, sq_norms, error, floor, out)
    if vectors > 1:
        doubts |= finish(b, x_sq_norm, sq_norms + VDL, error, floor, out + VDL) << VDL
    return doubts


cdef void root_tile "ckm_roots"(const double **x, const double *x_sq_norms, Py_ssize_t d,
                                const double *block, const double *sq_norms,
                                double error, double floor, float *out, Py_ssize_t stride,
                                uint64_t *unsure, Py_ssize_t lane,
                                int vectors) noexcept nogil:
    """Distances of ROOT_ROWS rows to `vectors` vectors of centers, from lane `lane` of a block.

    x           IN     (ROOT_ROWS,) pointers to rows of d features
    x_sq_norms  IN     (ROOT_ROWS,)
    block       IN     (d, BLOCK)
    sq_norms    IN     (BLOCK,)
    out         OUT    (ROOT_ROWS, BLOCK), rows `stride` apart
    unsure      INOUT  (ROOT_ROWS,) bit i is set: center i is in doubt
    """
    cdef vd acc[ROOT_ROWS][ROOT_V]
    cdef vd c[ROOT_V]
    cdef vd value
    cdef const double *row[ROOT_ROWS]
    cdef Py_ssize_t f
    cdef int r, v
    for r in range(ROOT_ROWS):
        row[r] = x[r]
    for r in range(ROOT_ROWS):
        for v in range(ROOT_V):
            acc[r][v] = VD_SPLAT(0)
    for f in range(d):
        for v in range(vectors):
            c[v] = VD_LOAD(block + f * BLOCK + lane + v * VDL)
        for r in range(ROOT_ROWS):
            value = VD_SPLAT(row[r][f])
            for v in range(vectors):
                acc[r][v] = acc[r][v] + value * c[v]
    sq_norms += lane
    out += lane
    # (Written out: in a loop, accumulators would be stored in memory.)
    unsure[0] |= finish_row(acc[0][0], acc[0][1], x_sq_norms[0], sq_norms, error, floor, out,
                            vectors) << lane
    unsure[1] |= finish_row(acc[1][0], acc[1][1], x_sq_norms[1], sq_norms, error, floor,
                            out + stride, vectors) << lane
    unsure[2] |= finish_row(acc[2][0], acc[2][1], x_sq_norms[2], sq_norms, error, floor,
                            out + 2 * stride, vectors) << lane
    unsure[3] |= finish_row(acc[3][0], acc[3][1], x_sq_norms[3], sq_norms, error, floor,
                            out + 3 * stride, vectors) << lane
    if ROOT_ROWS >= 6:
        unsure[4] |= finish_row(acc[4][0], acc[4][1], x_sq_norms[4], sq_norms, error, floor,
                                out + 4 * stride, vectors) << lane
        unsure[5] |= finish_row(acc[5][0], acc[5][1], x_sq_norms[5], sq_norms, error, floor,
                                out + 5 * stride, vectors) << lane
    if ROOT_ROWS == 8:
        unsure[6] |= finish_row(acc[6][0], acc[6][1], x_sq_norms[6], sq_norms, error, floor,
                                out + 6 * stride, vectors) << lane
        unsure[7] |= finish_row(acc[7][0], acc[7][1], x_sq_norms[7], sq_norms, error, floor,
                                out + 7 * stride, vectors) << lane


cdef void root_tile_1 "ckm_roots_1"(const double **x, const double *x_sq_norms, Py_ssize_t d,
                                    const double *block, const double *sq_norms,
                                    double error, double floor, float *out, Py_ssize_t stride,
                                    uint64_t *unsure,
                                    Py_ssize_t lane) noexcept nogil:
    root_tile(x, x_sq_norms, d, block, sq_norms, error, floor, out, stride, unsure, lane, 1)


cdef void root_tile_all "ckm_roots_all"(const double **x, const double *x_sq_norms, Py_ssize_t d,
                                        const double *block,
                                        const double *sq_norms, double error, double floor,
                                        float *out, Py_ssize_t stride,
                                        uint64_t *unsure, Py_ssize_t lane) noexcept nogil:
    root_tile(x, x_sq_norms, d, block, sq_norms, error, floor, out, stride, unsure, lane, ROOT_V)


cdef enum:
    ROOT_PART = 128      # features whose centers stay in the fastest cache: longer rows are
                         # multiplied part by part


cdef void root_part "ckm_root_part"(const double **x, Py_ssize_t d, const double *block,
                                    double *sums, int first, Py_ssize_t lane,
                                    int vectors) noexcept nogil:
    """Products of ROOT_ROWS rows with `vectors` vectors of centers, from lane `lane` of a block,
    added to `sums`, which the first part fills.

    x      IN     (ROOT_ROWS,) pointers to d features
    block  IN     (d, BLOCK)
    sums   INOUT  (ROOT_ROWS, BLOCK)
    """
    cdef vd acc[ROOT_ROWS][ROOT_V]
    cdef vd c[ROOT_V]
    cdef vd value
    cdef const double *row[ROOT_ROWS]
    cdef Py_ssize_t f
    cdef int r, v
    for r in range(ROOT_ROWS):
        row[r] = x[r]
    sums += lane
    for r in range(ROOT_ROWS):
        for v in range(vectors):
            acc[r][v] = VD_SPLAT(0) if first else VD_LOAD(sums + r * BLOCK + v * VDL)
    for f in range(d):
        for v in range(vectors):
            c[v] = VD_LOAD(block + f * BLOCK + lane + v * VDL)
        for r in range(ROOT_ROWS):
            value = VD_SPLAT(row[r][f])
            for v in range(vectors):
                acc[r][v] = acc[r][v] + value * c[v]
    for r in range(ROOT_ROWS):
        for v in range(vectors):
            VD_STORE(sums + r * BLOCK + v * VDL, acc[r][v])


cdef void root_part_1 "ckm_root_part_1"(const double **x, Py_ssize_t d, const double *block,
                                        double *sums, int first, Py_ssize_t lane) noexcept nogil:
    root_part(x, d, block, sums, first, lane, 1)


cdef void root_part_all "ckm_root_part_all"(const double **x, Py_ssize_t d, const double *block,
                                            double *sums, int first,
                                            Py_ssize_t lane) noexcept nogil:
    root_part(x, d, block, sums, first, lane, ROOT_V)


cdef void roots_of_long(const double *moved, const double *x_sq_norms, Py_ssize_t count,
                        Py_ssize_t d, const Shifted *centers, Py_ssize_t first, Py_ssize_t used,
                        float *out, Py_ssize_t stride, uint64_t *unsure) noexcept nogil:
    """`filter_roots` of up to PANEL long rows."""
    cdef double sums[(PANEL + ROOT_ROWS) * BLOCK]
    cdef float spare[BLOCK]
    cdef float *to
    cdef const double *rows[ROOT_ROWS]
    cdef const double *block = centers.blocks + first * d
    cdef Py_ssize_t start, base, lane, i, b, e
    cdef int r
    for start from 0 <= start < d by ROOT_PART:
        for base from 0 <= base < count by ROOT_ROWS:
            # The next part: many centers are in no cache that is fast.
            for e from 0 <= e < ROOT_PART * BLOCK * ROOT_ROWS // PANEL by 8:
                CKM_PREFETCH(block + (start + ROOT_PART) * BLOCK
                             + base * (ROOT_PART * BLOCK // PANEL) + e)
            for r in range(ROOT_ROWS):           # (past the last one any row will do)
                rows[r] = moved + min(base + r, count - 1) * d + start
            for lane from 0 <= lane < used by ROOT_V * VDL:
                if used - lane <= VDL:
                    root_part_1(rows, min(<Py_ssize_t>ROOT_PART, d - start), block + start * BLOCK,
                                sums + base * BLOCK, start == 0, lane)
                else:
                    root_part_all(rows, min(<Py_ssize_t>ROOT_PART, d - start),
                                  block + start * BLOCK, sums + base * BLOCK, start == 0, lane)
    for i in range(count):
        unsure[i] = 0
        to = out + i * stride if used == BLOCK else spare
        for lane from 0 <= lane < used by VDL:
            unsure[i] |= finish(VD_LOAD(sums + i * BLOCK + lane), x_sq_norms[i],
                                centers.sq_norms + first + lane, centers.error, centers.floor,
                                to + lane) << lane
        unsure[i] &= (1 << used) - 1
        for b in range(used if to == spare else 0):
            out[i * stride + b] = spare[b]


cdef void csr_root_tile "ckm_csr_roots"(const double *x, const int32_t *columns, Py_ssize_t count,
                                        double x_sq_norm, const double *block,
                                        const double *sq_norms, double error, double floor,
                                        float *out, uint64_t *unsure, Py_ssize_t lane,
                                        int vectors, int unroll) noexcept nogil:
    """`root_tile` for one row in CSR form, from its values and their columns."""
    cdef vd acc[4][ROOT_V]
    cdef vd value
    cdef const double *row
    cdef Py_ssize_t e = 0
    cdef int u, v
    block += lane
    for u in range(unroll):
        for v in range(vectors):
            acc[u][v] = VD_SPLAT(0)
    while e + unroll <= count:
        for u in range(unroll):
            value = VD_SPLAT(x[e + u])
            row = block + <Py_ssize_t>columns[e + u] * BLOCK
            for v in range(vectors):
                acc[u][v] = acc[u][v] + value * VD_LOAD(row + v * VDL)
        e += unroll
    while e < count:
        value = VD_SPLAT(x[e])
        row = block + <Py_ssize_t>columns[e] * BLOCK
        for v in range(vectors):
            acc[0][v] = acc[0][v] + value * VD_LOAD(row + v * VDL)
        e += 1
    for u in range(1, unroll):
        for v in range(vectors):
            acc[0][v] = acc[0][v] + acc[u][v]
    unsure[0] |= finish_row(acc[0][0], acc[0][1], x_sq_norm, sq_norms + lane, error, floor,
                            out + lane, vectors) << lane


cdef void csr_root_tile_1 "ckm_csr_roots_1"(const double *x, const int32_t *columns,
                                            Py_ssize_t count, double x_sq_norm,
                                            const double *block, const double *sq_norms,
                                            double error, double floor, float *out,
                                            uint64_t *unsure, Py_ssize_t lane) noexcept nogil:
    csr_root_tile(x, columns, count, x_sq_norm, block, sq_norms, error, floor, out, unsure, lane, 1,
                  4)


cdef void csr_root_tile_all "ckm_csr_roots_all"(const double *x, const int32_t *columns,
                                                Py_ssize_t count, double x_sq_norm,
                                                const double *block, const double *sq_norms,
                                                double error, double floor, float *out,
                                                uint64_t *unsure, Py_ssize_t lane) noexcept nogil:
    csr_root_tile(x, columns, count, x_sq_norm, block, sq_norms, error, floor, out, unsure, lane,
                  ROOT_V, 2)


cdef void filter_csr_roots(const double *x, const int32_t *columns, Py_ssize_t count,
                           double x_sq_norm, Py_ssize_t d,
                           const Shifted *centers, Py_ssize_t first, Py_ssize_t used, float *out,
                           uint64_t *unsure) noexcept nogil:
    """`filter_roots` for one row in CSR form; the origin is 0.

    unsure  OUT  (1,)
    """
    cdef const double *block = centers.blocks + first * d
    cdef const double *sq_norms = centers.sq_norms + first
    cdef float spare[BLOCK]
    cdef float *to = out if used == BLOCK else spare
    cdef Py_ssize_t lane, i
    unsure[0] = 0
    for lane from 0 <= lane < used by ROOT_V * VDL:
        if used - lane <= VDL:
            csr_root_tile_1(x, columns, count, x_sq_norm, block, sq_norms, centers.error,
                            centers.floor, to, unsure, lane)
        else:
            csr_root_tile_all(x, columns, count, x_sq_norm, block, sq_norms, centers.error,
                              centers.floor, to, unsure, lane)
    unsure[0] &= (1 << used) - 1
    if to == spare:
        for i in range(used):
            out[i] = spare[i]


cdef void filter_shift(const float *x, Py_ssize_t count, Py_ssize_t d, const double *origin,
                       double *moved,
                       double *sq_norms) noexcept nogil:
    """Rows (count, d) moved to the origin.

    moved     OUT  (count, d)
    sq_norms  OUT  (count,)
    """
    cdef vd value, sums
    cdef double lanes[VDL]
    cdef double one
    cdef Py_ssize_t whole = d // VDL * VDL, i, f
    cdef int v
    for i in range(count):
        sums = VD_SPLAT(0)
        for f from 0 <= f < whole by VDL:
            value = VD_FROM_FLOATS(x + f) - VD_LOAD(origin + f)
            VD_STORE(moved + f, value)
            sums = sums + value * value
        VD_STORE(lanes, sums)
        for v in range(1, VDL):
            lanes[0] += lanes[v]
        for f in range(whole, d):
            one = x[f] - origin[f]
            moved[f] = one
            lanes[0] += one * one
        sq_norms[i] = lanes[0]
        x += d
        moved += d


cdef void filter_roots(const double *moved, const double *x_sq_norms, Py_ssize_t count,
                       Py_ssize_t d, const Shifted *centers,
                       Py_ssize_t first, Py_ssize_t used, float *out, Py_ssize_t stride,
                       uint64_t *unsure) noexcept nogil:
    """Distances of rows to one block of centers, and which are in doubt.

    moved, x_sq_norms  IN   as of `filter_shift`
    first, used             center of the block's first lane; centers in the block
    out                OUT  (count, used), rows `stride` apart
    unsure             OUT  (count,) bit i: center first + i is in doubt
    """
    cdef const double *block = centers.blocks + first * d
    cdef const double *sq_norms = centers.sq_norms + first
    cdef const double *rows[ROOT_ROWS]
    cdef double norms[ROOT_ROWS]
    cdef uint64_t doubts[ROOT_ROWS]
    cdef float spare[ROOT_ROWS * BLOCK]
    cdef float *to
    cdef Py_ssize_t base, lane, width, i
    cdef int r, here
    if d > 2 * ROOT_PART and count <= PANEL:
        roots_of_long(moved, x_sq_norms, count, d, centers, first, used, out, stride, unsure)
        return
    for base from 0 <= base < count by ROOT_ROWS:
        here = <int>min(<Py_ssize_t>ROOT_ROWS, count - base)
        for r in range(ROOT_ROWS):           # (past the last one any row will do)
            rows[r] = moved + min(base + r, count - 1) * d
            norms[r] = x_sq_norms[min(base + r, count - 1)]
            doubts[r] = 0
        to, width = out + base * stride, stride
        if used < BLOCK or here < ROOT_ROWS:
            to, width = spare, BLOCK
        for lane from 0 <= lane < used by ROOT_V * VDL:
            if used - lane <= VDL:
                root_tile_1(rows, norms, d, block, sq_norms, centers.error, centers.floor, to,
                            width, doubts, lane)
            else:
                root_tile_all(rows, norms, d, block, sq_norms, centers.error, centers.floor, to,
                              width, doubts, lane)
        for r in range(here):
            unsure[base + r] = doubts[r] & ((1 << used) - 1)
            if to == spare:
                for i in range(used):
                    out[(base + r) * stride + i] = spare[r * BLOCK + i]
