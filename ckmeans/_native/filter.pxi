# The filter: fast float32 scores of 64 rows against a list of centers, and which rows they leave undecided.
#
# A row's score for center c is |b|^2 - 2ab, with a and b the row and the center moved to a common origin and scaled: the squared
# distance less |a|^2, which is the same for all centers. Scores are rounded, so they may only *discard* centers. With u = 2^-24, d
# features, accumulators restarted every FLUSH features, m = min(d, FLUSH) + ceil(d / FLUSH) + 5 and gamma = m u / (1 - m u), a score
# is off by at most gamma (2 |b|^2 + |a|^2) (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). The stored
# norms are lowered by twice gamma |b|^2, which pays for every center but the winner; the winner is proved where
#     second - best > guard_norm |a|^2 + guard_score * best + guard_floor.
# The constants are worked out in `guard_constants` of the engine. Rows that are not proved are decided by exact.pxi.

cimport cython
from libc.stdint cimport int32_t, uint64_t
from cpython.pycapsule cimport PyCapsule_New
from ckmeans._native.kernels cimport Centers, FilterTable, PANEL, FLUSH

cdef extern from "simd.h" nogil:
    ctypedef float vf
    ctypedef int vi
    enum: VL, TILE_V, TILE_C
    vf VF_LOAD(const float *)
    void VF_STORE(float *, vf)
    vi VI_LOAD(const int32_t *)
    void VI_STORE(int32_t *, vi)
    vf VF_SPLAT(float)
    vi VI_SPLAT(int)
    vf VF_MIN(vf, vf)
    vf VF_MAX(vf, vf)
    vi VI_PICK_LT(vf, vf, vi, vi)
    uint64_t VF_BITS_LE(vf, vf)
    uint64_t VI_BITS_NE(vi, vi)

cdef extern from *:
    """
    /* Out of line, so that the tile's accumulators have all registers to themselves. */
    static CKM_NOINLINE void ckm_dot_tile(const float *x, Py_ssize_t d, const float *c, Py_ssize_t c_stride, float *out);
    """


cdef void dot_tile "ckm_dot_tile"(const float *x, Py_ssize_t d, const float *c, Py_ssize_t c_stride,
                                  float *out) noexcept nogil:
    """Dot products of TILE_V vectors of rows with TILE_C centers.

    x    IN   (d, PANEL) packed rows, from the first lane of the tile
    c    IN   (TILE_C, d) centers, c_stride floats apart
    out  OUT  (TILE_C, TILE_V * VL)
    """
    cdef vf acc[TILE_C][TILE_V]
    cdef vf xv[TILE_V]
    cdef vf cv
    cdef Py_ssize_t f = 0, stop
    cdef int i, j
    cdef bint first = True
    while f < d:
        stop = min(f + FLUSH, d)
        for i in range(TILE_C):
            for j in range(TILE_V):
                acc[i][j] = VF_SPLAT(0)
        while f < stop:
            for j in range(TILE_V):
                xv[j] = VF_LOAD(x + f * PANEL + j * VL)
            for i in range(TILE_C):
                cv = VF_SPLAT(c[i * c_stride + f])
                for j in range(TILE_V):
                    acc[i][j] = acc[i][j] + xv[j] * cv
            f += 1
        for i in range(TILE_C):
            for j in range(TILE_V):
                if not first:
                    acc[i][j] = acc[i][j] + VF_LOAD(out + (i * TILE_V + j) * VL)
                VF_STORE(out + (i * TILE_V + j) * VL, acc[i][j])
        first = False


cdef void filter_panel(const float *x, const float *x_sq_norms, Py_ssize_t d, const Centers *centers, const int32_t *labels,
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
    cdef vf score, norm, margin
    cdef vi id_
    cdef Py_ssize_t m = centers.m, j, lane
    cdef int i, v, group
    unsure[0] = 0
    changed[0] = 0
    for lane from 0 <= lane < PANEL by TILE_V * VL:
        for v in range(TILE_V):
            lowest[v] = VF_SPLAT(3e38)
            second[v] = VF_SPLAT(3e38)
            winner[v] = VI_SPLAT(centers.ids[0])
        j = 0
        while j < m:
            # The last tile may reach past the centers: `scaled` has room for that, and the scores are not looked at.
            group = <int>min(<Py_ssize_t>TILE_C, m - j)
            dot_tile(x + lane, d, centers.scaled + j * d, d, out)
            for i in range(group):
                norm = VF_SPLAT(centers.sq_norms[j + i])
                id_ = VI_SPLAT(centers.ids[j + i])
                for v in range(TILE_V):
                    score = norm + VF_LOAD(out + (i * TILE_V + v) * VL)
                    second[v] = VF_MIN(second[v], VF_MAX(lowest[v], score))
                    winner[v] = VI_PICK_LT(score, lowest[v], id_, winner[v])
                    lowest[v] = VF_MIN(lowest[v], score)
            j += TILE_C
        for v in range(TILE_V):
            margin = (VF_SPLAT(centers.guard_norm) * VF_LOAD(x_sq_norms + lane + v * VL)
                      + VF_SPLAT(centers.guard_score) * lowest[v] + VF_SPLAT(centers.guard_floor))
            unsure[0] |= VF_BITS_LE(second[v] - lowest[v], margin) << (lane + v * VL)
            VI_STORE(best + lane + v * VL, winner[v])
            changed[0] |= VI_BITS_NE(winner[v], VI_LOAD(labels + lane + v * VL)) << (lane + v * VL)


cdef FilterTable _table
_table.panel = filter_panel
table = PyCapsule_New(&_table, "ckmeans.filter", NULL)
