# The filter: fast float32 scores of 64 rows against a list of centers, and which rows they leave
# undecided.
#
# A row's score for center c is |b|^2 - 2ab, with a and b the row and the center moved to a common
# origin and scaled: the squared distance less |a|^2, which is the same for all centers. Scores are
# rounded, so they may only *discard* centers. With u = 2^-24, d features, accumulators restarted
# every FLUSH features, m = min(d, FLUSH) + ceil(d / FLUSH) + 5 and gamma = m u / (1 - m u), a score
# is off by at most gamma (2 |b|^2 + |a|^2) (Higham, Accuracy and Stability of Numerical Algorithms,
# 2002, section 3.1). The stored norms are lowered by twice gamma |b|^2, which covers the errors of
# every center but the winner; the winner is proved if
#     second - best > guard_norm |a|^2 + guard_score * best + guard_floor.
# The constants are computed in `guard_constants` of the engine. Rows that are not proved are
# decided by kernels/exact/exact.pxi.
#
# If rows are packed along a few axes (kernels/exact/axes.pxi), a and b are those coordinates and
# the length of the remainder, d is their number, and squared distances are at most 4 r(a) r(b)
# above those of the scores: the winner must be ahead by so much more.
#
# Longer than other files: all of it is compiled with the tile, for which registers are counted.

cimport cython
from libc.math cimport sqrtf
from libc.stdint cimport int8_t, int16_t, int32_t, uint32_t, uint64_t
from libc.string cimport memcpy
from cpython.pycapsule cimport PyCapsule_New
from ckmeans._native.kernel_tables cimport (
    ByteCenters, BytePanel, Bytes, Centers, FilterTable, Panel, Shifted, BLOCK, BOX_FEATURES,
    BYTE_FEATURES, BYTE_GROUP, BYTE_LANES, BYTE_ROOM, BYTE_ROWS, FLUSH, GAIN, GAIN_LANES, Heads,
    PANEL, PRICED_ROWS, QUANTA_TOTAL, SHARE, SUPER, TILE, TILE_WORDS, WIDTH, byte_limit,
    row_of_bytes
)

cdef extern from "runtime/simd.h" nogil:
    ctypedef float vf
    ctypedef int vi
    enum: VL, TILE_V, TILE_C, CKM_QUANTA_FROM
    vf VF_LOAD(const float *)
    void VF_STORE(float *, vf)
    vi VI_LOAD(const int32_t *)
    void VI_STORE(int32_t *, vi)
    vf VF_SPLAT(float)
    vi VI_SPLAT(int)
    vf VF_MIN(vf, vf)
    vf VF_MAX(vf, vf)
    vi VI_PICK_LT(vf, vf, vi, vi)
    vi VI_ADD_PRODUCTS(vi, vi, vi)
    vf VF_FROM_INTS(vi)
    vi VI_NEAREST(vf)
    int CKM_CTZ64(uint64_t)
    void CKM_PREFETCH(const void *)
    uint64_t VF_BITS_LE(vf, vf)
    uint64_t VI_BITS_NE(vi, vi)

cdef extern from *:
    """
    CKM_INLINE void ckm_scores(const float *x, int vectors, Py_ssize_t d, const float *c, Py_ssize_t
    center_stride,
                               Py_ssize_t feature_stride, const float *norms, vf *score, int count);
    CKM_INLINE void ckm_rank(const vf *score, int vectors, const int32_t *ids, int count, vf
    *lowest, vf *second, vi *winner); /* The body is compiled once for each number of centers; each
    copy stays out of line, so that its accumulators have all
       registers to themselves. */
    CKM_INLINE void ckm_dots(const float *x, Py_ssize_t d, const float *c, float *out, int count);
    static CKM_NOINLINE void ckm_dots_1(const float *x, Py_ssize_t d, const float *c, float *out);
    static CKM_NOINLINE void ckm_dots_2(const float *x, Py_ssize_t d, const float *c, float *out);
    static CKM_NOINLINE void ckm_dots_3(const float *x, Py_ssize_t d, const float *c, float *out);
    static CKM_NOINLINE void ckm_dots_4(const float *x, Py_ssize_t d, const float *c, float *out);
    static CKM_NOINLINE void ckm_dots_5(const float *x, Py_ssize_t d, const float *c, float *out);
    static CKM_NOINLINE void ckm_dots_6(const float *x, Py_ssize_t d, const float *c, float *out);
    """


cdef void dots "ckm_dots"(const float *x, Py_ssize_t d, const float *c, float *out,
                          int count) noexcept nogil:
    """Dot products of TILE_V vectors of rows with `count` centers.

    x    IN   (d, PANEL) packed rows, from the first lane of the tile
    c    IN   (count, d)
    out  OUT  (count, TILE_V * VL)
    """
    cdef vf acc[TILE_C][TILE_V]
    cdef vf xv[TILE_V]
    cdef vf cv
    cdef Py_ssize_t f = 0, stop
    cdef int i, j
    cdef bint first = True
    while f < d:
        stop = min(f + FLUSH, d)
        for i in range(count):
            for j in range(TILE_V):
                acc[i][j] = VF_SPLAT(0)
        while f < stop:
            for j in range(TILE_V):
                xv[j] = VF_LOAD(x + f * PANEL + j * VL)
            for i in range(count):
                cv = VF_SPLAT(c[i * d + f])
                for j in range(TILE_V):
                    acc[i][j] = acc[i][j] + xv[j] * cv
            f += 1
        for i in range(count):
            for j in range(TILE_V):
                if not first:
                    acc[i][j] = acc[i][j] + VF_LOAD(out + (i * TILE_V + j) * VL)
                VF_STORE(out + (i * TILE_V + j) * VL, acc[i][j])
        first = False


cdef void dots_1 "ckm_dots_1"(const float *x, Py_ssize_t d, const float *c,
                              float *out) noexcept nogil:
    dots(x, d, c, out, 1)


cdef void dots_2 "ckm_dots_2"(const float *x, Py_ssize_t d, const float *c,
                              float *out) noexcept nogil:
    dots(x, d, c, out, 2)


cdef void dots_3 "ckm_dots_3"(const float *x, Py_ssize_t d, const float *c,
                              float *out) noexcept nogil:
    dots(x, d, c, out, 3)


cdef void dots_4 "ckm_dots_4"(const float *x, Py_ssize_t d, const float *c,
                              float *out) noexcept nogil:
    dots(x, d, c, out, 4)


cdef void dots_5 "ckm_dots_5"(const float *x, Py_ssize_t d, const float *c,
                              float *out) noexcept nogil:
    dots(x, d, c, out, 5 if TILE_C >= 5 else 4)


cdef void dots_6 "ckm_dots_6"(const float *x, Py_ssize_t d, const float *c,
                              float *out) noexcept nogil:
    dots(x, d, c, out, 6 if TILE_C >= 6 else 4)


ctypedef void (*DotsFn)(const float *, Py_ssize_t, const float *, float *) noexcept nogil

cdef DotsFn dots_of[7]
dots_of[:] = [dots_1, dots_1, dots_2, dots_3, dots_4, dots_5, dots_6]


# Narrow rows: a tile has fewer accumulators, and leaves room for the best and second best, so that
# scores never leave the registers.

cdef enum:
    NARROW = 4           # centers of such a tile

cdef inline void scores "ckm_scores"(const float *x, int vectors, Py_ssize_t d, const float *c,
                                     Py_ssize_t center_stride,
                                     Py_ssize_t feature_stride, const float *norms, vf *score,
                                     int count) noexcept nogil:
    """Scores of some vectors of rows of at most FLUSH features for `count` centers.

    x      IN   (d, PANEL) packed rows, from the first lane of the tile
    c      IN   centers, as many floats apart as the strides say
    norms  IN   (count,)
    score  OUT  (count, vectors)
    """
    cdef vf xv[TILE_V]
    cdef vf cv
    cdef Py_ssize_t f
    cdef int i, v
    for i in range(count):
        for v in range(vectors):
            score[i * vectors + v] = VF_SPLAT(norms[i])
    for f in range(d):
        for v in range(vectors):
            xv[v] = VF_LOAD(x + f * PANEL + v * VL)
        for i in range(count):
            cv = VF_SPLAT(c[i * center_stride + f * feature_stride])
            for v in range(vectors):
                score[i * vectors + v] = score[i * vectors + v] + xv[v] * cv


cdef inline void rank "ckm_rank"(const vf *score, int vectors, const int32_t *ids, int count,
                                 vf *lowest, vf *second,
                                 vi *winner) noexcept nogil:
    """Enter the scores of `count` centers into the lowest and second lowest so far."""
    cdef int i, v
    for i in range(count):
        for v in range(vectors):
            second[v] = VF_MIN(second[v], VF_MAX(lowest[v], score[i * vectors + v]))
            winner[v] = VI_PICK_LT(score[i * vectors + v], lowest[v], VI_SPLAT(ids[i]), winner[v])
            lowest[v] = VF_MIN(lowest[v], score[i * vectors + v])


cdef void narrow_panel(const float *x, const float *x_sq_norms, Py_ssize_t d,
                       const Centers *centers, const int32_t *labels,
                       int32_t *best, uint64_t *unsure, uint64_t *changed) noexcept nogil:
    """`filter_panel` for at most FLUSH features."""
    cdef vf score[NARROW * TILE_V]
    cdef vf lowest[TILE_V]
    cdef vf second[TILE_V]
    cdef vi winner[TILE_V]
    cdef Py_ssize_t m = centers.m, lane, j
    cdef const float *c = centers.scaled
    cdef const float *norms = centers.sq_norms
    cdef const int32_t *ids = centers.ids
    cdef int v
    for lane from 0 <= lane < PANEL by TILE_V * VL:
        for v in range(TILE_V):
            lowest[v] = VF_SPLAT(3e38)
            second[v] = VF_SPLAT(3e38)
            winner[v] = VI_SPLAT(ids[0])
        j = 0
        while j + NARROW <= m:
            scores(x + lane, TILE_V, d, c + j * d, d, 1, norms + j, score, NARROW)
            rank(score, TILE_V, ids + j, NARROW, lowest, second, winner)
            j += NARROW
        if m - j == 3:
            scores(x + lane, TILE_V, d, c + j * d, d, 1, norms + j, score, 3)
            rank(score, TILE_V, ids + j, 3, lowest, second, winner)
        elif m - j == 2:
            scores(x + lane, TILE_V, d, c + j * d, d, 1, norms + j, score, 2)
            rank(score, TILE_V, ids + j, 2, lowest, second, winner)
        elif m - j == 1:
            scores(x + lane, TILE_V, d, c + j * d, d, 1, norms + j, score, 1)
            rank(score, TILE_V, ids + j, 1, lowest, second, winner)
        for v in range(TILE_V):
            judge(lowest[v], second[v], winner[v], x_sq_norms, lane + v * VL, centers, labels, best,
                  unsure, changed)
            if centers.slack != NULL:
                unsure[0] |= doubtful(lowest[v], second[v], x_sq_norms, x + (d - 1) * PANEL,
                                      lane + v * VL, centers, best)


cdef void filter_panel(const float *x, const float *x_sq_norms, Py_ssize_t d,
                       const Centers *centers, const int32_t *labels,
                       int32_t *best, uint64_t *unsure, uint64_t *changed) noexcept nogil:
    """The best center of each of 64 rows, and which rows are not proved.

    x           IN   (d, PANEL)
    x_sq_norms  IN   (PANEL,)
    labels      IN   (PANEL,) labels so far
    best        OUT  (PANEL,) the center with the lowest score
    unsure      OUT  bit i: row i is not proved
    changed     OUT  bit i: best[i] != labels[i]
    """
    cdef float out[TILE_C * TILE_V * VL]
    cdef vf lowest[TILE_V]
    cdef vf second[TILE_V]
    cdef vi winner[TILE_V]
    cdef vf score, norm
    cdef vi id_
    cdef Py_ssize_t m = centers.m, groups = (m + TILE_C - 1) // TILE_C, lane, j, g
    cdef int i, v, count
    unsure[0] = 0
    changed[0] = 0
    if d <= FLUSH:
        narrow_panel(x, x_sq_norms, d, centers, labels, best, unsure, changed)
        return
    for lane from 0 <= lane < PANEL by TILE_V * VL:
        for v in range(TILE_V):
            lowest[v] = VF_SPLAT(3e38)
            second[v] = VF_SPLAT(3e38)
            winner[v] = VI_SPLAT(centers.ids[0])
        j = 0
        for g in range(groups):
            count = <int>((m - j + groups - g - 1) // (groups - g))
            dots_of[count](x + lane, d, centers.scaled + j * d, out)
            for i in range(count):
                norm = VF_SPLAT(centers.sq_norms[j + i])
                id_ = VI_SPLAT(centers.ids[j + i])
                for v in range(TILE_V):
                    score = norm + VF_LOAD(out + (i * TILE_V + v) * VL)
                    second[v] = VF_MIN(second[v], VF_MAX(lowest[v], score))
                    winner[v] = VI_PICK_LT(score, lowest[v], id_, winner[v])
                    lowest[v] = VF_MIN(lowest[v], score)
            j += count
        for v in range(TILE_V):
            judge(lowest[v], second[v], winner[v], x_sq_norms, lane + v * VL, centers, labels, best,
                  unsure, changed)


cdef inline void judge(vf lowest, vf second, vi winner, const float *x_sq_norms, Py_ssize_t lane,
                       const Centers *centers,
                       const int32_t *labels, int32_t *best, uint64_t *unsure,
                       uint64_t *changed) noexcept nogil:
    """Store the winners of a vector of rows, which are not proved, and which have changed."""
    cdef vf margin = (VF_SPLAT(centers.guard_norm) * VF_LOAD(x_sq_norms + lane)
                      + VF_SPLAT(centers.guard_score) * lowest
                      + VF_SPLAT(centers.guard_floor))
    if centers.seen != NULL:
        VF_STORE(centers.seen + lane, lowest)
        VF_STORE(centers.seen + PANEL + lane, second)
    unsure[0] |= VF_BITS_LE(second - lowest, margin) << lane
    VI_STORE(best + lane, winner)
    changed[0] |= VI_BITS_NE(winner, VI_LOAD(labels + lane)) << lane


cdef inline uint64_t doubtful(vf lowest, vf second, const float *x_sq_norms, const float *left,
                              Py_ssize_t lane, const Centers *centers,
                              const int32_t *best) noexcept nogil:
    """Which of a vector of rows are not proved, because of the lengths (PANEL,) of the remainders
    beside the axes.
    """
    cdef float slack[VL]
    cdef int v
    for v in range(VL):
        slack[v] = centers.slack[best[lane + v]]
    return VF_BITS_LE(second - lowest, VF_SPLAT(centers.guard_norm) * VF_LOAD(x_sq_norms + lane)
                      + VF_SPLAT(centers.guard_score) * lowest
                      + VF_SPLAT(centers.guard_floor) + VF_LOAD(slack) * VF_LOAD(left
                                                                                 + lane)) << lane


cdef Py_ssize_t filter_sift(const float *x, float sq_norm, Py_ssize_t width, const Centers *centers,
                            float *scores,
                            int32_t *ids) noexcept nogil:
    """The centers that can be the nearest one of a packed row.

    x       IN   (width,)
    scores  OUT  (m,) and room for a vector
    ids     OUT  (m,) ascending; returns how many
    """
    cdef Py_ssize_t m = centers.m, block, lane, j, f, stop, count = 0, at = 0
    cdef const float *c
    cdef vf acc, total
    cdef float limit
    for block from 0 <= block < m by GAIN_LANES:
        for lane from 0 <= lane < GAIN_LANES by VL:
            c = centers.lanes + block * width + lane
            total = VF_SPLAT(0)
            f = 0
            while f < width:
                stop = min(f + FLUSH, width)
                acc = VF_SPLAT(0)
                while f < stop:
                    acc = acc + VF_SPLAT(x[f]) * VF_LOAD(c + f * GAIN_LANES)
                    f += 1
                total = total + acc
            VF_STORE(scores + block + lane, total)
    for j in range(m):
        scores[j] += centers.sq_norms[j]
        at = j if scores[j] < scores[at] else at
    limit = (scores[at] + centers.guard_norm * sq_norm + centers.guard_score * scores[at]
             + centers.guard_floor)
    if centers.slack != NULL:
        limit += centers.slack[centers.ids[at]] * x[width - 1]
    for j in range(m):
        if not scores[j] > limit:             # (a NaN is no proof)
            ids[count] = centers.ids[j]
            count += 1
    return count


cdef void filter_gains(const float *x, const float *low, const float *high, Py_ssize_t d,
                       const Centers *centers, uint64_t *closer,
                       double *gains) noexcept nogil:
    """Which of 64 rows a center may be closer to than their limits, and between what bounds it
    would lower them.

    x          IN     (d, PANEL)
    low, high  IN     (PANEL,) limits, as scores: not above and not below the true ones
    closer     OUT    (m,) bit i: row i
    gains      INOUT  (m, GAIN) added to; or NULL
    """
    cdef float out[TILE_C * TILE_V * VL]
    cdef vf score[NARROW * TILE_V]
    cdef Py_ssize_t m = centers.m, lane, j
    cdef const float *c = centers.scaled
    cdef const float *norms = centers.sq_norms
    cdef int i, count
    for j in range(m):
        closer[j] = 0
    for lane from 0 <= lane < PANEL by TILE_V * VL:
        j = 0
        while j < m:
            count = <int>min(<Py_ssize_t>NARROW, m - j)
            if d > FLUSH:
                dots_of[count](x + lane, d, c + j * d, out)
                for i in range(count * TILE_V):
                    score[i] = VF_SPLAT(norms[j + i // TILE_V]) + VF_LOAD(out + i * VL)
            elif count == NARROW:
                scores(x + lane, TILE_V, d, c + j * d, d, 1, norms + j, score, NARROW)
            elif count == 3:
                scores(x + lane, TILE_V, d, c + j * d, d, 1, norms + j, score, 3)
            elif count == 2:
                scores(x + lane, TILE_V, d, c + j * d, d, 1, norms + j, score, 2)
            else:
                scores(x + lane, TILE_V, d, c + j * d, d, 1, norms + j, score, 1)
            for i in range(count):
                # A score is too low by at most gamma (4 |b|^2 + |a|^2); the row's share is in the
                # limits, and the center's is its lift.
                gain(score + i * TILE_V, low + lane, high + lane, centers.lift[j + i], lane,
                     closer + j + i, NULL if gains == NULL else gains + (j + i) * GAIN)
            j += count


cdef inline void gain(const vf *score, const float *low, const float *high, float lift,
                      Py_ssize_t lane, uint64_t *closer,
                      double *gains) noexcept nogil:
    cdef float lanes[2 * VL]
    cdef vf least = VF_SPLAT(0), most = VF_SPLAT(0), limit
    cdef uint64_t rows = 0
    cdef int v
    for v in range(TILE_V):
        rows |= VF_BITS_LE(score[v], VF_LOAD(high + v * VL)) << (lane + v * VL)
    if rows == 0:                             # as with most centers, once there are a few
        return
    closer[0] |= rows
    if gains == NULL:
        return
    for v in range(TILE_V):
        limit = VF_LOAD(high + v * VL)
        most = most + VF_MAX(limit - score[v], VF_SPLAT(0))
        least = least + VF_MAX((VF_LOAD(low + v * VL) - VF_SPLAT(lift)) - score[v], VF_SPLAT(0))
    VF_STORE(lanes, least)
    VF_STORE(lanes + VL, most)
    for v in range(VL):
        gains[v] += lanes[v]
    for v in range(VL):
        gains[GAIN_LANES + v] += lanes[VL + v]


include "kernels/filter/manhattan.pxi"
include "kernels/filter/priced.pxi"


# ---- boxes ---------------------------------------------------------------------------------------
#
# A center c cannot win anywhere in a box if some z is closer in all of it, that is if for all x in
# the box
#     2 x (b_c - b_z) < |b_c|^2 - |b_z|^2,
# whose left side is largest in a corner. With s = -2 b and R = sum of max(low^2, high^2) the
# rounding of both sides, and of packed rows and centers, is at most box_norm (|b_c|^2 + |b_z|^2 + 2
# R). (Kanungo et al., IEEE Trans. Pattern Anal. 24, 2002, prune likewise.)

cdef inline float box_right(const Centers *centers, Py_ssize_t z, double reach) noexcept nogil:
    """By how much a center's lowered norm must exceed the value at the corner for the center to be
    discarded for z: the part of this limit that depends on z and the box.
    """
    return <float>((centers.sq_norms[z] * (1 + 4 * centers.gamma + 1e-6) * (1 + centers.box_norm)
                    + 2 * reach * centers.box_norm) * (1 + 1e-6) + centers.guard_floor)


cdef Py_ssize_t filter_near(const float *low, const float *high, Py_ssize_t d,
                            const Centers *centers, int32_t *near) noexcept nogil:
    """Positions of the centers that can win somewhere in the union of SUPER boxes.

    low, high  IN   (d, SUPER)
    near       OUT  (m,), ascending
    """
    cdef Py_ssize_t m = centers.m, j, f, z = 0, count = 0
    cdef const float *c
    cdef const float *s
    cdef float least = 3e38, score, right, corner, w, lo, hi
    cdef double reach = 0
    cdef int p
    # Borders of the union, kept in `ends`; boxes are only used if d is small.
    cdef float[2][BOX_FEATURES] ends
    for f in range(d):
        lo = low[f * SUPER]
        hi = high[f * SUPER]
        for p in range(1, SUPER):
            lo = min(lo, low[f * SUPER + p])
            hi = max(hi, high[f * SUPER + p])
        ends[0][f] = lo
        ends[1][f] = hi
        reach += max(<double>lo * lo, <double>hi * hi)
    for j in range(m):
        c = centers.scaled + j * d
        score = centers.sq_norms[j]
        for f in range(d):
            score += c[f] * (0.5 * (ends[0][f] + ends[1][f]))
        if score < least:
            least = score
            z = j
    s = centers.scaled + z * d
    right = box_right(centers, z, reach)
    for j in range(m):
        c = centers.scaled + j * d
        corner = 0
        for f in range(d):
            w = s[f] - c[f]
            corner += max(w * ends[0][f], w * ends[1][f])
        if not corner < centers.sq_norms[j] * (1 - centers.box_norm) - right:
            near[count] = <int32_t>j
            count += 1
    return count


cdef void filter_lists(const float *low, const float *high, Py_ssize_t d, const Centers *centers,
                       const int32_t *near,
                       Py_ssize_t n_near, float *z, int32_t *lists,
                       Py_ssize_t *lengths) noexcept nogil:
    """For each of SUPER boxes the positions of the centers that can win somewhere in it.

    low, high  IN       (d, SUPER)
    near       IN       (n_near,) positions to choose from
    z          scratch  (d, SUPER)
    lists      OUT      (SUPER, m), ascending
    lengths    OUT      (SUPER,)
    """
    cdef Py_ssize_t m = centers.m, i, f, lane
    cdef int32_t nearest[SUPER]
    cdef float rights[SUPER]
    cdef vf least, score, corner, w
    cdef vi winner
    cdef const float *c
    cdef uint64_t keep
    cdef double reach
    cdef int p
    for lane from 0 <= lane < SUPER by VL:
        least = VF_SPLAT(3e38)
        winner = VI_SPLAT(near[0])
        for i in range(n_near):
            c = centers.scaled + near[i] * d
            score = VF_SPLAT(0)
            for f in range(d):
                score = (score + VF_SPLAT(c[f]) * (VF_LOAD(low + f * SUPER + lane)
                                                   + VF_LOAD(high + f * SUPER + lane)))
            score = VF_SPLAT(centers.sq_norms[near[i]]) + VF_SPLAT(0.5) * score
            winner = VI_PICK_LT(score, least, VI_SPLAT(near[i]), winner)
            least = VF_MIN(least, score)
        VI_STORE(nearest + lane, winner)
    for p in range(SUPER):
        lengths[p] = 0
        reach = 0
        c = centers.scaled + nearest[p] * d
        for f in range(d):
            z[f * SUPER + p] = c[f]
            reach += max(<double>low[f * SUPER + p] * low[f * SUPER + p],
                         <double>high[f * SUPER + p] * high[f * SUPER + p])
        rights[p] = box_right(centers, nearest[p], reach)
    for i in range(n_near):
        c = centers.scaled + near[i] * d
        for lane from 0 <= lane < SUPER by VL:
            corner = VF_SPLAT(0)
            for f in range(d):
                w = VF_LOAD(z + f * SUPER + lane) - VF_SPLAT(c[f])
                corner = corner + VF_MAX(w * VF_LOAD(low + f * SUPER + lane),
                                         w * VF_LOAD(high + f * SUPER + lane))
            corner = corner + VF_LOAD(rights + lane)
            # Kept unless corner < norm: bits of "norm <= corner".
            keep = VF_BITS_LE(VF_SPLAT(centers.sq_norms[near[i]] * (1 - centers.box_norm)), corner)
            while keep:
                p = <int>lane + CKM_CTZ64(keep)
                keep &= keep - 1
                lists[p * m + lengths[p]] = near[i]
                lengths[p] += 1


# ---- rows in CSR form ----------------------------------------------------------------------------
#
# Scores of one row: each of its values is multiplied with the center's values in its column, which
# lie side by side. The origin is 0, and with t values in a row d in the bounds above becomes t.

cdef extern from *:
    """
    CKM_INLINE void ckm_csr(const float *x, const int32_t *columns, Py_ssize_t count, const float
    *table, float *out, int vectors,
                            int unroll);
    """


cdef enum:
    CSR_VECTORS = 8      # most vectors of centers whose scores are added up together


cdef void csr_scores "ckm_csr"(const float *x, const int32_t *columns, Py_ssize_t count,
                               const float *table, float *out, int vectors,
                               int unroll) noexcept nogil:
    """Dot products of a row with one group of centers, added to `out`.

    x, columns  IN     (count,) values and their columns
    table       IN     (d, vectors * VL)
    out         INOUT  (vectors * VL,)
    """
    cdef vf acc[4][CSR_VECTORS]
    cdef vf value
    cdef const float *row
    cdef Py_ssize_t e = 0, stop
    cdef int u, v
    while e < count:
        stop = min(e + FLUSH, count)
        for u in range(unroll):
            for v in range(vectors):
                acc[u][v] = VF_SPLAT(0)
        while e + unroll <= stop:
            for u in range(unroll):
                value = VF_SPLAT(x[e + u])
                row = table + <Py_ssize_t>columns[e + u] * (vectors * VL)
                for v in range(vectors):
                    acc[u][v] = acc[u][v] + value * VF_LOAD(row + v * VL)
            e += unroll
        while e < stop:
            value = VF_SPLAT(x[e])
            row = table + <Py_ssize_t>columns[e] * (vectors * VL)
            for v in range(vectors):
                acc[0][v] = acc[0][v] + value * VF_LOAD(row + v * VL)
            e += 1
        for v in range(vectors):
            for u in range(1, unroll):
                acc[0][v] = acc[0][v] + acc[u][v]
            VF_STORE(out + v * VL, VF_LOAD(out + v * VL) + acc[0][v])


cdef void filter_csr(const float *x, const int32_t *columns, Py_ssize_t count, Py_ssize_t d,
                     const Centers *centers, float *scores,
                     float *lowest, float *second, int32_t *best) noexcept nogil:
    """Scores of one row for all centers, the lowest and the second lowest.

    scores  OUT  (groups * width,)
    """
    cdef Py_ssize_t g, width = centers.width, all_ = centers.groups * width, i
    cdef const float *table
    cdef vf low = VF_SPLAT(3e38), next_ = low, score
    cdef vi winner = VI_SPLAT(0)
    cdef float lows[VL]
    cdef float nexts[VL]
    cdef int32_t winners[VL]
    cdef int lane
    for g in range(centers.groups):
        table = centers.columns + g * d * width
        for i from 0 <= i < width by VL:
            VF_STORE(scores + g * width + i, VF_SPLAT(0))
        if width == VL: csr_scores(x, columns, count, table, scores + g * width, 1, 4)
        elif width == 2 * VL: csr_scores(x, columns, count, table, scores + g * width, 2, 4)
        elif width == 3 * VL: csr_scores(x, columns, count, table, scores + g * width, 3, 2)
        elif width == 4 * VL: csr_scores(x, columns, count, table, scores + g * width, 4, 2)
        elif width == 5 * VL: csr_scores(x, columns, count, table, scores + g * width, 5, 1)
        elif width == 6 * VL: csr_scores(x, columns, count, table, scores + g * width, 6, 1)
        elif width == 7 * VL: csr_scores(x, columns, count, table, scores + g * width, 7, 1)
        else: csr_scores(x, columns, count, table, scores + g * width, 8, 1)
    for i from 0 <= i < all_ by VL:
        score = VF_LOAD(centers.sq_norms + i) + VF_LOAD(scores + i)
        VF_STORE(scores + i, score)
        next_ = VF_MIN(next_, VF_MAX(low, score))
        winner = VI_PICK_LT(score, low, VI_SPLAT(<int>i), winner)
        low = VF_MIN(low, score)
    VF_STORE(lows, low)
    VF_STORE(nexts, next_)
    VI_STORE(winners, winner)
    lowest[0] = lows[0]
    second[0] = nexts[0]
    best[0] = winners[0]
    for lane in range(1, VL):
        if lows[lane] < lowest[0]:
            second[0] = min(lowest[0], nexts[lane])
            lowest[0] = lows[lane]
            best[0] = winners[lane] + lane
        else:
            second[0] = min(second[0], lows[lane])


include "kernels/filter/groups.pxi"
include "kernels/filter/whole_numbers.pxi"
include "kernels/filter/sampled.pxi"
include "kernels/filter/bytes.pxi"
include "kernels/filter/float32_distances.pxi"


# ---- the limits of the machine, for the benchmark ------------------------------------------------

cdef double fma_loop(Py_ssize_t rounds) noexcept nogil:
    """Multiply-adds on registers alone; returns how many were done for each float lane and round.
    """
    cdef vf acc[12]
    cdef vf x = VF_SPLAT(0.9999), y = VF_SPLAT(1e-6)
    cdef float[VL] out
    cdef Py_ssize_t r
    cdef int i
    for i in range(12):
        acc[i] = VF_SPLAT(i)
    for r in range(rounds):
        for i in range(12):
            acc[i] = acc[i] * x + y
    for i in range(1, 12):
        acc[0] = acc[0] + acc[i]
    VF_STORE(out, acc[0])
    return 12.0 * VL if out[0] < 1e30 else 0         # (or the loop would be dropped)


cdef double read_loop(const float *x, Py_ssize_t n) noexcept nogil:
    """Reads n floats, a multiple of 4 VL, and adds them up."""
    cdef vf acc[4]
    cdef float[VL] sums
    cdef Py_ssize_t i
    cdef int v
    for v in range(4):
        acc[v] = VF_SPLAT(0)
    for i from 0 <= i < n by 4 * VL:
        for v in range(4):
            acc[v] = acc[v] + VF_LOAD(x + i + v * VL)
    VF_STORE(sums, (acc[0] + acc[1]) + (acc[2] + acc[3]))
    return sums[0]


def multiply_adds(Py_ssize_t rounds):
    """Do that many rounds of multiply-adds on registers; returns how many multiply-adds of single
    floats that was.
    """
    cdef double done
    with nogil:
        done = fma_loop(rounds)
    return done * rounds


def read_floats(const float[::1] x):
    """Add up the floats of an array, as fast as they can be read."""
    cdef Py_ssize_t n = x.shape[0] // (4 * VL) * (4 * VL)
    cdef double total
    with nogil:
        total = read_loop(&x[0], n)
    return total


cdef FilterTable _table
_table.panel = filter_panel
_table.nearby = filter_near
_table.lists = filter_lists
_table.gains = filter_gains
_table.manhattan_panel = manhattan_panel
_table.manhattan_gains = manhattan_gains
_table.priced = filter_priced
_table.note_savings = note_savings
_table.rows = filter_rows
_table.own = filter_own
_table.failing = filter_failing
_table.csr = filter_csr
_table.quantise = filter_quantise
_table.quantise_center = filter_quantise_center
_table.quanta = filter_quanta
_table.quanta_from = CKM_QUANTA_FROM
_table.sample_ratios = filter_sample_ratios
_table.take_candidate = filter_take_candidate
_table.pack_bytes = filter_pack_bytes
_table.pack_center = filter_pack_center
_table.byte_gains = filter_byte_gains
_table.byte_pairs = filter_byte_pairs
_table.turn = filter_turn
_table.turn_center = filter_turn_center
_table.bytes = filter_bytes
_table.heads = filter_heads
_table.bytes_from = CKM_BYTES_FROM
_table.byte_cost = CKM_BYTE_COST
_table.sift = filter_sift
_table.shift = filter_shift
_table.roots = filter_roots
_table.csr_roots = filter_csr_roots
_table.csr_lanes = VL
_table.csr_vectors = CSR_VECTORS
table = PyCapsule_New(&_table, "ckmeans.filter", NULL)
