# Rows and centers in whole numbers. Included by kernels/filter/filter.pxi.
#
# A row a is packed a second time as 16-bit whole numbers q and its own step s, so that s q is
# nearly a: |a - s q| <= rough s and |q| <= reach, for all rows; a center -2b likewise as p with
# step t, and e = |-2b - t p| is known. The product of q and p is a whole number, computed without
# rounding (|q| |p| < 2^31), twice as many features at a time as in float32 and from half the
# memory. Now
#     |-2ab - s t qp| <= |a - s q| |2b| + |s q| |-2b - t p| <= s w,    w = rough |2b| + reach e,
# so |b|^2 + s (t qp - w) is never above the true score, and below it by at most 2 s w. It is
# computed in float32, with few roundings, for which the bounds of kernels/filter/filter.pxi with d
# = 1 are added. A row is proved if the second best score exceeds the best by more than 2 s w of the
# best and its guard; otherwise the centers that cannot be discarded are listed, and
# kernels/exact/exact.pxi compares them.

cdef enum:
    TOP = 32767          # of a 16-bit number

cdef float ROUNDED = 0.01        # more than what multiplying a feature by the inverse of the step
                                 # is off by


cdef extern from *:
    """
    CKM_INLINE void ckm_products(const int32_t *x, Py_ssize_t words, const int32_t *c, int32_t *out,
    int count); /* As with `dots` of kernels/filter/filter.pxi. */ static CKM_NOINLINE void
    ckm_products_1(const int32_t *x, Py_ssize_t words, const int32_t *c, int32_t *out); static
    CKM_NOINLINE void ckm_products_2(const int32_t *x, Py_ssize_t words, const int32_t *c, int32_t
    *out); static CKM_NOINLINE void ckm_products_3(const int32_t *x, Py_ssize_t words, const int32_t
    *c, int32_t *out); static CKM_NOINLINE void ckm_products_4(const int32_t *x, Py_ssize_t words,
    const int32_t *c, int32_t *out); static CKM_NOINLINE void ckm_products_5(const int32_t *x,
    Py_ssize_t words, const int32_t *c, int32_t *out); static CKM_NOINLINE void ckm_products_6(const
    int32_t *x, Py_ssize_t words, const int32_t *c, int32_t *out);
    """


cdef void products "ckm_products"(const int32_t *x, Py_ssize_t words, const int32_t *c,
                                  int32_t *out, int count) noexcept nogil:
    """Products of TILE_V vectors of rows with `count` centers.

    x    IN   (words, PANEL) rows, from the first lane of the tile
    c    IN   (count, words)
    out  OUT  (count, PANEL) from the same lane
    """
    cdef vi acc[TILE_C][TILE_V]
    cdef vi xv[TILE_V]
    cdef vi cv
    cdef Py_ssize_t f
    cdef int i, j
    for i in range(count):
        for j in range(TILE_V):
            acc[i][j] = VI_SPLAT(0)
    for f in range(words):
        for j in range(TILE_V):
            xv[j] = VI_LOAD(x + f * PANEL + j * VL)
        for i in range(count):
            cv = VI_SPLAT(c[i * words + f])
            for j in range(TILE_V):
                acc[i][j] = VI_ADD_PRODUCTS(acc[i][j], xv[j], cv)
    for i in range(count):
        for j in range(TILE_V):
            VI_STORE(out + i * PANEL + j * VL, acc[i][j])


cdef void products_1 "ckm_products_1"(const int32_t *x, Py_ssize_t words, const int32_t *c,
                                      int32_t *out) noexcept nogil:
    products(x, words, c, out, 1)


cdef void products_2 "ckm_products_2"(const int32_t *x, Py_ssize_t words, const int32_t *c,
                                      int32_t *out) noexcept nogil:
    products(x, words, c, out, 2)


cdef void products_3 "ckm_products_3"(const int32_t *x, Py_ssize_t words, const int32_t *c,
                                      int32_t *out) noexcept nogil:
    products(x, words, c, out, 3)


cdef void products_4 "ckm_products_4"(const int32_t *x, Py_ssize_t words, const int32_t *c,
                                      int32_t *out) noexcept nogil:
    products(x, words, c, out, 4)


cdef void products_5 "ckm_products_5"(const int32_t *x, Py_ssize_t words, const int32_t *c,
                                      int32_t *out) noexcept nogil:
    products(x, words, c, out, 5 if TILE_C >= 5 else 4)


cdef void products_6 "ckm_products_6"(const int32_t *x, Py_ssize_t words, const int32_t *c,
                                      int32_t *out) noexcept nogil:
    products(x, words, c, out, 6 if TILE_C >= 6 else 4)


ctypedef void (*ProductsFn)(const int32_t *, Py_ssize_t, const int32_t *, int32_t *) noexcept nogil

cdef ProductsFn products_of[7]
products_of[:] = [products_1, products_1, products_2, products_3, products_4, products_5,
                  products_6]


cdef void filter_quanta(const int32_t *x, const float *x_sq_norms, const float *steps,
                        Py_ssize_t words, const Centers *centers,
                        const int32_t *labels, uint64_t rows, float *scores, int32_t *best,
                        uint64_t *unsure, uint64_t *changed,
                        uint64_t *closer) noexcept nogil:
    """The best center of each of 64 rows in whole numbers, which rows are not proved, and which
    centers those may have.

    x           IN   (words, PANEL)
    x_sq_norms  IN   (PANEL,)
    steps       IN   (PANEL,)
    labels      IN   (PANEL,) labels so far
    rows        IN   bit i: there is a row i
    scores      OUT  (m, PANEL) scratch
    best        OUT  (PANEL,) the center with the lowest score
    unsure      OUT  bit i: row i is not proved
    changed     OUT  bit i: best[i] != labels[i]
    closer      OUT  (m,) bit i: the center is not out of the question for row i, which is not
    proved. Nothing where all are
    """
    cdef float limits[PANEL]
    cdef float off[VL]
    cdef vf step[TILE_V]
    cdef vf lowest[TILE_V]
    cdef vf second[TILE_V]
    cdef vi winner[TILE_V]
    cdef vf score, norm, of_step, lower, margin, short
    cdef vi id_
    cdef Py_ssize_t m = centers.m, groups = (m + TILE_C - 1) // TILE_C, lane, j, g
    cdef float *out
    cdef int i, v, b, count
    cdef uint64_t open_
    unsure[0] = 0
    changed[0] = 0
    for lane from 0 <= lane < PANEL by TILE_V * VL:
        for v in range(TILE_V):
            step[v] = VF_LOAD(steps + lane + v * VL)
            lowest[v] = VF_SPLAT(3e38)
            second[v] = VF_SPLAT(3e38)
            winner[v] = VI_SPLAT(0)
        j = 0
        for g in range(groups):
            count = <int>((m - j + groups - g - 1) // (groups - g))
            out = scores + j * PANEL + lane
            products_of[count](x + lane, words, centers.quanta + j * words, <int32_t *>out)
            for i in range(count):
                norm = VF_SPLAT(centers.sq_norms[j + i])
                of_step = VF_SPLAT(centers.steps[j + i])
                lower = VF_SPLAT(centers.off[j + i])
                id_ = VI_SPLAT(<int>(j + i))
                for v in range(TILE_V):
                    score = (norm + step[v] * (VF_FROM_INTS(VI_LOAD(<int32_t *>out + i * PANEL + v
                                                                    * VL)) * of_step + lower))
                    VF_STORE(out + i * PANEL + v * VL, score)
                    second[v] = VF_MIN(second[v], VF_MAX(lowest[v], score))
                    winner[v] = VI_PICK_LT(score, lowest[v], id_, winner[v])
                    lowest[v] = VF_MIN(lowest[v], score)
            j += count
        for v in range(TILE_V):
            VI_STORE(best + lane + v * VL, winner[v])
            for b in range(VL):
                off[b] = centers.off[best[lane + v * VL + b]]
                best[lane + v * VL + b] = centers.ids[best[lane + v * VL + b]]
            short = VF_SPLAT(<float>-2.00001) * step[v] * VF_LOAD(off)
            margin = (VF_SPLAT(centers.guard_norm) * VF_LOAD(x_sq_norms + lane + v * VL)
                      + VF_SPLAT(centers.guard_score) * (lowest[v] + short)
                      + VF_SPLAT(centers.guard_floor) + short)
            VF_STORE(limits + lane + v * VL, lowest[v] + margin)
            unsure[0] |= VF_BITS_LE(second[v] - lowest[v], margin) << (lane + v * VL)
            changed[0] |= VI_BITS_NE(VI_LOAD(best + lane + v * VL),
                                     VI_LOAD(labels + lane + v * VL)) << (lane + v * VL)
    unsure[0] &= rows
    changed[0] &= rows
    if not unsure[0]:
        return
    for j in range(m):
        open_ = 0
        for lane from 0 <= lane < PANEL by VL:
            open_ |= VF_BITS_LE(VF_LOAD(scores + j * PANEL + lane), VF_LOAD(limits + lane)) << lane
        closer[j] = open_ & unsure[0]


cdef inline float root(float square, Py_ssize_t terms) noexcept nogil:
    """Root of a sum of so many squares, rounded up."""
    return sqrtf(square) * (<float>1.00001 + terms * <float>6e-8)


cdef inline float step_for(float length, float largest) noexcept nogil:
    """The step of a row or center of this length, with this largest feature."""
    # A row so near the origin that its step could underflow is within one step of it.
    return max(<float>1.000002 * max(length / QUANTA_TOTAL, largest / TOP), <float>1e-20)


cdef void filter_quantise(const float *x, const float *sq_norms, Py_ssize_t d, int32_t *quanta,
                          float *steps,
                          float *worst) noexcept nogil:
    """Put 64 packed rows in whole numbers.

    x         IN     (d, PANEL)
    sq_norms  IN     (PANEL,)
    quanta    OUT    (words, PANEL)
    steps     OUT    (PANEL,)
    worst     INOUT  (2,) the largest distance of a row from what its numbers say, and of those from
    the origin, in steps
    """
    cdef Py_ssize_t lane, f
    cdef vf largest, value, inverse, off, length, total
    cdef vi low, high
    cdef float row[VL]
    cdef float other[VL]
    cdef float slack = ROUNDED * sqrtf(<float>d)
    cdef int b
    for lane from 0 <= lane < PANEL by VL:
        largest = VF_SPLAT(0)
        for f in range(d):
            value = VF_LOAD(x + f * PANEL + lane)
            largest = VF_MAX(largest, VF_MAX(value, VF_SPLAT(0) - value))
        VF_STORE(row, largest)
        for b in range(VL):
            steps[lane + b] = step_for(sqrtf(sq_norms[lane + b]), row[b])
            row[b] = 1 / steps[lane + b]
        inverse = VF_LOAD(row)
        total = VF_SPLAT(0)
        length = VF_SPLAT(0)
        f = 0
        while f < d:
            value = VF_LOAD(x + f * PANEL + lane) * inverse
            low = VI_NEAREST(value)
            off = value - VF_FROM_INTS(low)
            total = total + off * off
            length = length + VF_FROM_INTS(low) * VF_FROM_INTS(low)
            high = VI_SPLAT(0)
            if f + 1 < d:
                value = VF_LOAD(x + (f + 1) * PANEL + lane) * inverse
                high = VI_NEAREST(value)
                off = value - VF_FROM_INTS(high)
                total = total + off * off
                length = length + VF_FROM_INTS(high) * VF_FROM_INTS(high)
            VI_STORE(quanta + f // 2 * PANEL + lane, (low & VI_SPLAT(0xffff)) | (high << 16))
            f += 2
        VF_STORE(row, total)
        VF_STORE(other, length)
        for b in range(VL):
            worst[0] = max(worst[0], root(row[b], d) + slack)
            worst[1] = max(worst[1], root(other[b], d))


cdef void filter_quantise_center(const float *scaled, Py_ssize_t d, double rough, double reach,
                                 int32_t *quanta, float *step,
                                 float *off) noexcept nogil:
    """Put a center in whole numbers, for rows that are within `rough` and `reach` steps.

    scaled  IN   (d,)
    quanta  OUT  (words,)
    step    OUT  (1,)
    off     OUT  (1,) minus what a row's product with it may be off by, in steps of the row
    """
    cdef Py_ssize_t whole = d // VL * VL if VL > 1 else 0, f
    cdef vf largest = VF_SPLAT(0), squares = VF_SPLAT(0), total = VF_SPLAT(0), value
    cdef vi near
    cdef float lanes[VL]
    cdef int32_t numbers[VL]
    cdef float most = 0, square = 0, length, inverse, one
    cdef double left = 0
    cdef int b
    for f from 0 <= f < whole by VL:
        value = VF_LOAD(scaled + f)
        largest = VF_MAX(largest, VF_MAX(value, VF_SPLAT(0) - value))
        squares = squares + value * value
    VF_STORE(lanes, largest)
    for b in range(VL):
        most = max(most, lanes[b])
    VF_STORE(lanes, squares)
    for b in range(VL):
        square += lanes[b]
    for f in range(whole, d):
        one = scaled[f]
        most = max(most, max(one, -one))
        square += one * one
    length = root(square, d)
    step[0] = step_for(length, most)
    inverse = 1 / step[0]
    for f from 0 <= f < whole by VL:
        value = VF_LOAD(scaled + f) * VF_SPLAT(inverse)
        near = VI_NEAREST(value)
        value = value - VF_FROM_INTS(near)
        total = total + value * value
        VI_STORE(numbers, near)
        for b from 0 <= b < VL by 2:
            quanta[(f + b) // 2] = (numbers[b] & 0xffff) | (<uint32_t>numbers[b + 1] << 16)
    VF_STORE(lanes, total)
    for b in range(VL):
        left += lanes[b]
    for f in range(whole, d):
        # One feature at a time, rounded in the same way.
        VF_STORE(lanes, VF_SPLAT(scaled[f]) * VF_SPLAT(inverse))
        VI_STORE(numbers, VI_NEAREST(VF_LOAD(lanes)))
        one = lanes[0] - numbers[0]
        left += one * one
        if f & 1:
            quanta[f // 2] |= <uint32_t>numbers[0] << 16
        else:
            quanta[f // 2] = numbers[0] & 0xffff
    off[0] = <float>(-1.000002 * (rough * length + reach * step[0]
                                  * (root(<float>left, d) + ROUNDED * sqrtf(<float>d))))
