# The filter for Manhattan distances, sums of absolute differences. Included by
# kernels/filter/filter.pxi.
#
# |a - b| = a + b + max(-2 a, -2 b), so that a row's score for a center is sum(b) + sum(max(-2 a,
# -2 b)): the distance less sum(a), which is the same for all centers. It takes two operations for a
# feature where a squared distance takes one.
#
# With A = sum|a|, N = sum|b| and gamma as in filter.pxi, a score is off by at most
# gamma (2 A + 3 N): terms are at most 2 |a| + 2 |b|, and the third N comes from sum(b). Stored sums
# of b are lowered by 3 gamma N, which covers the errors of every center but the winner; the winner
# is proved if
#     second - best > 4 gamma A + 6 gamma N.
# N is not looked up: N <= A + distance and distance <= A + best, up to 1.02, so that the right side
# is at most gamma (16 A + 6 best) (see `guard_constants` of the engine).

cdef inline void absolute_scores "ckm_absolute_scores"(const float *x, Py_ssize_t d, const float *c,
                                                       const float *sums, vf *score,
                                                       int count) noexcept nogil:
    """Scores of TILE_V vectors of rows for `count` centers, at most NARROW.

    x      IN   (d, PANEL) packed rows, from the first lane of the tile
    c      IN   (count, d) -2 * b
    sums   IN   (count,)
    score  OUT  (count, TILE_V)
    """
    cdef vf part[NARROW * TILE_V]
    cdef vf xv[TILE_V]
    cdef vf cv
    cdef Py_ssize_t f = 0, stop
    cdef int i, v
    for i in range(count):
        for v in range(TILE_V):
            score[i * TILE_V + v] = VF_SPLAT(sums[i])
    while f < d:
        stop = min(f + FLUSH, d)
        for i in range(count):
            for v in range(TILE_V):
                part[i * TILE_V + v] = VF_SPLAT(0)
        while f < stop:
            for v in range(TILE_V):
                xv[v] = VF_SPLAT(-2) * VF_LOAD(x + f * PANEL + v * VL)
            for i in range(count):
                cv = VF_SPLAT(c[i * d + f])
                for v in range(TILE_V):
                    part[i * TILE_V + v] = part[i * TILE_V + v] + VF_MAX(xv[v], cv)
            f += 1
        for i in range(count):
            for v in range(TILE_V):
                score[i * TILE_V + v] = score[i * TILE_V + v] + part[i * TILE_V + v]


cdef void manhattan_panel(const float *x, const float *x_norms, Py_ssize_t d,
                          const Centers *centers, const int32_t *labels,
                          int32_t *best, uint64_t *unsure, uint64_t *changed) noexcept nogil:
    """`filter_panel` for Manhattan distances; x_norms (PANEL,) are sums of magnitudes."""
    cdef vf score[NARROW * TILE_V]
    cdef vf lowest[TILE_V]
    cdef vf second[TILE_V]
    cdef vi winner[TILE_V]
    cdef Py_ssize_t m = centers.m, lane, j
    cdef const float *c = centers.scaled
    cdef const float *sums = centers.sq_norms
    cdef const int32_t *ids = centers.ids
    cdef int v
    unsure[0] = 0
    changed[0] = 0
    for lane from 0 <= lane < PANEL by TILE_V * VL:
        for v in range(TILE_V):
            lowest[v] = VF_SPLAT(3e38)
            second[v] = VF_SPLAT(3e38)
            winner[v] = VI_SPLAT(ids[0])
        j = 0
        while j + NARROW <= m:
            absolute_scores(x + lane, d, c + j * d, sums + j, score, NARROW)
            rank(score, TILE_V, ids + j, NARROW, lowest, second, winner)
            j += NARROW
        while j + 2 <= m:
            absolute_scores(x + lane, d, c + j * d, sums + j, score, 2)
            rank(score, TILE_V, ids + j, 2, lowest, second, winner)
            j += 2
        if j < m:
            absolute_scores(x + lane, d, c + j * d, sums + j, score, 1)
            rank(score, TILE_V, ids + j, 1, lowest, second, winner)
        for v in range(TILE_V):
            judge(lowest[v], second[v], winner[v], x_norms, lane + v * VL, centers, labels, best,
                  unsure, changed)


cdef void manhattan_gains(const float *x, const float *low, const float *high, Py_ssize_t d,
                          const Centers *centers, uint64_t *closer,
                          double *gains) noexcept nogil:
    """`filter_gains` for Manhattan distances."""
    cdef vf score[NARROW * TILE_V]
    cdef Py_ssize_t m = centers.m, lane, j
    cdef const float *c = centers.scaled
    cdef int i, count
    for j in range(m):
        closer[j] = 0
    for lane from 0 <= lane < PANEL by TILE_V * VL:
        j = 0
        while j < m:
            count = NARROW if j + NARROW <= m else 1
            if count == NARROW:
                absolute_scores(x + lane, d, c + j * d, centers.sq_norms + j, score, NARROW)
            else:
                absolute_scores(x + lane, d, c + j * d, centers.sq_norms + j, score, 1)
            for i in range(count):
                gain(score + i * TILE_V, low + lane, high + lane, centers.lift[j + i], lane,
                     closer + j + i, gains + (j + i) * GAIN)
            j += count
