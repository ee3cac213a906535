# The filter for bounds: some of the rows of a tile against panels of similar centers. Included by
# kernels/filter/filter.pxi.
#
# Rows of at most FLUSH features are gathered into lanes. Wider rows are read in place, and lanes
# are centers: then even a few rows fill a tile. Scores and their errors are those of
# kernels/filter/filter.pxi.

cdef extern from "runtime/simd.h" nogil:
    enum: ROWS_V, ROWS_C
    vf VF_PICK_LT(vf, vf, vf, vf)
    float VF_LEAST(vf)
    void CKM_PREFETCH(const void *)
    void ckm_transpose_rows(const float *, const float *, const float *, const float *, float *,
                            Py_ssize_t)
    void ckm_sq_distances(const float **, const float **, Py_ssize_t, float *)

cdef extern from *:
    """
    CKM_INLINE void ckm_row_dots(const float *c, Py_ssize_t d, const float **x, float *out, int
    vectors); static CKM_NOINLINE void ckm_row_dots_1(const float *c, Py_ssize_t d, const float **x,
    float *out); static CKM_NOINLINE void ckm_row_dots_2(const float *c, Py_ssize_t d, const float
    **x, float *out); CKM_INLINE void ckm_lanes(const float *x, int vectors, Py_ssize_t d, const
    float *c, const float *norms, const int32_t *ids,
                              Py_ssize_t used, int side, float *lowest, float *second, int32_t
                              *winner);
    """

cdef enum:
    SIDE = 8             # centers that one vector of narrow rows is compared with at a time


cdef void row_dots "ckm_row_dots"(const float *c, Py_ssize_t d, const float **x, float *out,
                                  int vectors) noexcept nogil:
    """Dot products of ROWS_C rows with `vectors` vectors of centers.

    c    IN   (d, WIDTH) centers, from the first lane of the tile
    x    IN   (ROWS_C,) pointers to rows of d features
    out  OUT  (ROWS_C, vectors * VL)
    """
    cdef vf acc[ROWS_C][ROWS_V]
    cdef vf cv[ROWS_V]
    cdef vf xv
    cdef const float *row[ROWS_C]
    cdef Py_ssize_t f = 0, stop
    cdef int i, j
    cdef bint first = True
    for i in range(ROWS_C):
        row[i] = x[i]
    while f < d:
        stop = min(f + FLUSH, d)
        for i in range(ROWS_C):
            for j in range(vectors):
                acc[i][j] = VF_SPLAT(0)
        while f < stop:
            for j in range(vectors):
                cv[j] = VF_LOAD(c + f * WIDTH + j * VL)
            for i in range(ROWS_C):
                xv = VF_SPLAT(row[i][f])
                for j in range(vectors):
                    acc[i][j] = acc[i][j] + xv * cv[j]
            f += 1
        for i in range(ROWS_C):
            for j in range(vectors):
                if not first:
                    acc[i][j] = acc[i][j] + VF_LOAD(out + (i * vectors + j) * VL)
                VF_STORE(out + (i * vectors + j) * VL, acc[i][j])
        first = False


cdef void row_dots_1 "ckm_row_dots_1"(const float *c, Py_ssize_t d, const float **x,
                                      float *out) noexcept nogil:
    row_dots(c, d, x, out, 1)


cdef void row_dots_2 "ckm_row_dots_2"(const float *c, Py_ssize_t d, const float **x,
                                      float *out) noexcept nogil:
    row_dots(c, d, x, out, ROWS_V)


cdef inline void gather(const float *x, Py_ssize_t d, const int32_t *list_, Py_ssize_t count,
                        float *out) noexcept nogil:
    """Listed rows side by side; the last one fills up the last vector.

    out  OUT  (d, PANEL)
    """
    cdef const float *row[4]
    cdef Py_ssize_t i, f
    cdef int r
    for i from 0 <= i < (count + VL - 1) // VL * VL by 4:
        for r in range(4):
            row[r] = x + list_[min(i + r, count - 1)] * d
        if d < 4:
            for f in range(d):
                for r in range(4):
                    out[f * PANEL + i + r] = row[r][f]
            continue
        for f from 0 <= f <= d - 4 by 4:
            ckm_transpose_rows(row[0] + f, row[1] + f, row[2] + f, row[3] + f, out + f * PANEL + i,
                               PANEL)
        if d % 4:
            f = d - 4
            ckm_transpose_rows(row[0] + f, row[1] + f, row[2] + f, row[3] + f, out + f * PANEL + i,
                               PANEL)


cdef inline void lanes "ckm_lanes"(const float *x, int vectors, Py_ssize_t d, const float *c,
                                   const float *norms, const int32_t *ids,
                                   Py_ssize_t used, int side, float *lowest, float *second,
                                   int32_t *winner) noexcept nogil:
    """`filter_rows` for so many vectors of gathered rows, `side` centers at a time."""
    cdef vf score[2 * SIDE]
    cdef vf low[TILE_V]
    cdef vf high[TILE_V]
    cdef vi who[TILE_V]
    cdef Py_ssize_t j
    cdef int v
    for v in range(vectors):
        low[v] = VF_SPLAT(3e38)
        high[v] = VF_SPLAT(3e38)
        who[v] = VI_SPLAT(ids[0])
    for j from 0 <= j < used by side:
        scores(x, vectors, d, c + j, 1, WIDTH, norms + j, score, side)
        rank(score, vectors, ids + j, side, low, high, who)
    for v in range(vectors):
        VF_STORE(lowest + v * VL, low[v])
        VF_STORE(second + v * VL, high[v])
        VI_STORE(winner + v * VL, who[v])


cdef void narrow_rows(const float *x, Py_ssize_t d, const int32_t *list_, Py_ssize_t count,
                      const Panel *panel,
                      float *lowest, float *second, int32_t *winner) noexcept nogil:
    """`filter_rows` for at most FLUSH features."""
    cdef float side_by_side[FLUSH * PANEL]
    cdef Py_ssize_t first, lane, n, at, used = panel.used
    cdef const float *c = panel.scaled
    cdef const float *norms = panel.sq_norms
    cdef const int32_t *ids = panel.ids
    for first from 0 <= first < count by PANEL:
        n = min(<Py_ssize_t>PANEL, count - first)
        gather(x, d, list_ + first, n, side_by_side)
        lane = 0
        while lane < n:
            at = first + lane
            if TILE_V >= 4 and n - lane > 3 * VL:
                lanes(side_by_side + lane, 4 if TILE_V >= 4 else 1, d, c, norms, ids, used, NARROW,
                      lowest + at, second + at,
                      winner + at)
                lane += 4 * VL
            elif TILE_V >= 2 and n - lane > VL:
                lanes(side_by_side + lane, 2 if TILE_V >= 2 else 1, d, c, norms, ids, used, NARROW,
                      lowest + at, second + at,
                      winner + at)
                lane += 2 * VL
            else:
                lanes(side_by_side + lane, 1, d, c, norms, ids, used, SIDE, lowest + at,
                      second + at,
                      winner + at)
                lane += VL


cdef void filter_rows(const float *x, Py_ssize_t d, const int32_t *list_, Py_ssize_t count,
                      const Panel *panel,
                      float *lowest, float *second, int32_t *winner) noexcept nogil:
    """The lowest and the second lowest score of each listed row among the centers of a panel, and
    the lowest one's center.

    x       IN   rows of d features, one after the other
    list_   IN   (count,) which of them
    lowest, second, winner  OUT  (count rounded up to PANEL,)
    """
    cdef const float *rows[ROWS_C]
    cdef float out[ROWS_C * ROWS_V * VL]
    cdef vf low[ROWS_C]
    cdef vf high[ROWS_C]
    cdef vi who[ROWS_C]
    cdef vf norm, score
    cdef vi id_
    cdef int32_t ids[VL]
    cdef Py_ssize_t first, lane
    cdef uint64_t at
    cdef float least
    cdef int r, v, vectors
    if d <= FLUSH:
        narrow_rows(x, d, list_, count, panel, lowest, second, winner)
        return
    for first from 0 <= first < count by ROWS_C:
        for r in range(ROWS_C):
            rows[r] = x + list_[min(first + r, count - 1)] * d
            low[r] = VF_SPLAT(3e38)
            high[r] = VF_SPLAT(3e38)
            who[r] = VI_SPLAT(panel.ids[0])
        lane = 0
        while lane < panel.used:
            vectors = ROWS_V if panel.used - lane > VL else 1
            if vectors == 1:
                row_dots_1(panel.scaled + lane, d, rows, out)
            else:
                row_dots_2(panel.scaled + lane, d, rows, out)
            for v in range(vectors):
                norm = VF_LOAD(panel.sq_norms + lane + v * VL)
                id_ = VI_LOAD(panel.ids + lane + v * VL)
                for r in range(ROWS_C):
                    score = norm + VF_LOAD(out + (r * vectors + v) * VL)
                    high[r] = VF_MIN(high[r], VF_MAX(low[r], score))
                    who[r] = VI_PICK_LT(score, low[r], id_, who[r])
                    low[r] = VF_MIN(low[r], score)
            lane += vectors * VL
        for r in range(<int>min(<Py_ssize_t>ROWS_C, count - first)):
            least = VF_LEAST(low[r])
            at = VF_BITS_LE(low[r], VF_SPLAT(least))
            VI_STORE(ids, who[r])
            lowest[first + r] = least
            winner[first + r] = ids[CKM_CTZ64(at)]
            # If two lanes have the lowest score, it is also the second lowest; otherwise the second
            # of the winner's lane is a candidate.
            second[first + r] = (least if at & (at - 1) else VF_LEAST(VF_PICK_LT(VF_SPLAT(least),
                    low[r], low[r], high[r])))


cdef void filter_own(const float *x, Py_ssize_t d, const int32_t *list_, Py_ssize_t count,
                     const float *centers, const int32_t *labels,
                     float *sq_distances) noexcept nogil:
    """Squared distance of each listed row to the center of its label, from differences: off by at
    most gamma of it.

    centers  IN  (k, d) times -2
    labels   IN  by row
    """
    cdef const float *rows[4]
    cdef const float *own[4]
    cdef vf total
    cdef vf acc[4]
    cdef vf t
    cdef float out[VL]
    cdef const float *a
    cdef const float *c
    cdef const float *ahead
    cdef float sum_, s
    cdef Py_ssize_t i, f, stop, whole = d // (4 * VL) * (4 * VL)
    cdef int v
    if d <= FLUSH:
        for i from 0 <= i < count by 4:
            for v in range(4):
                ahead = x + list_[min(i + v + 16, count - 1)] * d
                CKM_PREFETCH(ahead)
                CKM_PREFETCH(ahead + d - 1)
                rows[v] = x + list_[min(i + v, count - 1)] * d
                own[v] = centers + labels[list_[min(i + v, count - 1)]] * d
            ckm_sq_distances(rows, own, d, sq_distances + i)
        return
    for i in range(count):
        a = x + list_[i] * d
        ahead = x + list_[min(i + 2, count - 1)] * d
        c = centers + labels[list_[i]] * d
        total = VF_SPLAT(0)
        f = 0
        while f < whole:
            stop = min(f + FLUSH * VL, whole)
            for v in range(4):
                acc[v] = VF_SPLAT(0)
            while f < stop:
                for v in range(4):
                    CKM_PREFETCH(ahead + f + v * VL)
                    t = VF_LOAD(a + f + v * VL) + VF_SPLAT(0.5) * VF_LOAD(c + f + v * VL)
                    acc[v] = acc[v] + t * t
                f += 4 * VL
            total = total + ((acc[0] + acc[1]) + (acc[2] + acc[3]))
        while f + VL <= d:
            t = VF_LOAD(a + f) + VF_SPLAT(0.5) * VF_LOAD(c + f)
            total = total + t * t
            f += VL
        VF_STORE(out, total)
        sum_ = 0
        for v in range(VL):
            sum_ += out[v]
        while f < d:
            s = a[f] + <float>0.5 * c[f]
            sum_ += s * s
            f += 1
        sq_distances[i] = sum_


cdef void filter_failing(const float *upper, float *lower, Py_ssize_t groups, const float *shifts,
                         float floor,
                         uint64_t *fails) noexcept nogil:
    """Lower the lower bounds of a tile, and find the groups of centers that they do not rule out.

    upper   IN     (TILE,)
    lower   INOUT  (groups, TILE)
    shifts  IN     (groups,) how far centers of each have moved, at the most; NULL: lower bounds
    stay as they are
    floor   IN     what an upper bound must be below a lower one by, at least
    fails   OUT    (groups, TILE_WORDS) bit: not kept away
    """
    cdef float limit[TILE]
    cdef vf bound, shift
    cdef uint64_t bits
    cdef Py_ssize_t g, i, w
    for i from 0 <= i < TILE by VL:
        VF_STORE(limit + i, VF_LOAD(upper + i) * VF_SPLAT(1 + 4e-7) + VF_SPLAT(floor))
    for g in range(groups):
        shift = VF_SPLAT(0 if shifts == NULL else shifts[g])
        for w in range(TILE_WORDS):
            bits = 0
            for i from 0 <= i < 64 by VL:
                bound = VF_LOAD(lower + g * TILE + w * 64 + i)
                if shifts != NULL:
                    bound = (bound - shift) * VF_SPLAT(1 - 2e-7)
                    VF_STORE(lower + g * TILE + w * 64 + i, bound)
                bits |= VF_BITS_LE(bound, VF_LOAD(limit + w * 64 + i)) << i
            fails[g * TILE_WORDS + w] = bits
