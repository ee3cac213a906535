# Squared distances by definition, several rows or centers at a time. Included by
# kernels/exact/exact.pxi.

cdef inline vd everywhere(const real *value) noexcept nogil:
    """This value in every lane."""
    if sizeof(real) == 8:
        return VD_EVERYWHERE(<const double *>value)
    return VD_EVERYWHERE_FLOAT(<const float *>value)


cdef enum:
    PART = 64            # features whose rows and centers stay in the fastest cache: distances of
                         # longer rows are summed part by part, in the same order


cdef inline void half_part(const real **x, const double *block, Py_ssize_t d, double *sums,
                           bint first) noexcept nogil:
    """`distance_part` of a single vector of centers."""
    cdef vd acc[GROUP]
    cdef vd c, one = VD_ONE()
    cdef Py_ssize_t f
    cdef int r
    for r in range(GROUP):
        acc[r] = VD_SPLAT(0) if first else VD_LOAD(sums + r * BLOCK)
    for f in range(d):
        c = VD_LOAD(block + f * BLOCK)
        for r in range(GROUP):
            if r % 4 > 1:
                acc[r] = acc[r] + VD_TERM(VD_MULTIPLIED_LESS(everywhere(x[r] + f), one, c))
            else:
                acc[r] = acc[r] + VD_TERM(everywhere(x[r] + f) - c)
    for r in range(GROUP):
        VD_STORE(sums + r * BLOCK, acc[r])


cdef inline void distance_part(const real **x, const double *block, Py_ssize_t d,
                               Py_ssize_t used, double *sums, bint first) noexcept nogil:
    """Squared distances of GROUP rows to the first `used` centers of a block, of d features that
    follow those whose terms are in `sums`.

    Differences and sums are formed by a CPU's adders. They would wait, and its multipliers idle,
    were not every second difference one that multipliers form: x * 1 - c, rounded once, has the
    same bits.

    x      IN     (GROUP,) pointers to d features
    block  IN     (d, BLOCK)
    sums   INOUT  (GROUP, BLOCK)
    first         start from 0
    """
    cdef vd acc[GROUP][2]
    cdef vd c0, c1, row, one = VD_ONE()
    cdef Py_ssize_t f, lane
    cdef int r
    for lane from 0 <= lane < used by 2 * VDL:
        if used - lane <= VDL:
            half_part(x, block + lane, d, sums + lane, first)
            return
        for r in range(GROUP):
            acc[r][0] = VD_SPLAT(0) if first else VD_LOAD(sums + r * BLOCK + lane)
            acc[r][1] = VD_SPLAT(0) if first else VD_LOAD(sums + r * BLOCK + lane + VDL)
        for f in range(d):
            c0 = VD_LOAD(block + f * BLOCK + lane)
            c1 = VD_LOAD(block + f * BLOCK + lane + VDL)
            for r in range(GROUP):
                row = everywhere(x[r] + f)
                if r % 2:
                    acc[r][0] = acc[r][0] + VD_TERM(VD_MULTIPLIED_LESS(row, one, c0))
                    acc[r][1] = acc[r][1] + VD_TERM(VD_MULTIPLIED_LESS(row, one, c1))
                else:
                    acc[r][0] = acc[r][0] + VD_TERM(row - c0)
                    acc[r][1] = acc[r][1] + VD_TERM(row - c1)
        for r in range(GROUP):
            VD_STORE(sums + r * BLOCK + lane, acc[r][0])
            VD_STORE(sums + r * BLOCK + lane + VDL, acc[r][1])


cdef void distance_tile(const real **x, const double *block, Py_ssize_t d, Py_ssize_t used,
                        double *out) noexcept nogil:
    """Squared distances of GROUP rows to the first `used` centers of a block, at least; lanes
    beyond may be left as they are.

    x      IN   (GROUP,) pointers to rows of d features
    block  IN   (d, BLOCK)
    out    OUT  (GROUP, BLOCK)
    """
    distance_part(x, block, d, used, out, True)


cdef void more_distance(const real **x, const double *block, Py_ssize_t d, Py_ssize_t used,
                        double *sums) noexcept nogil:
    """`distance_part` of all parts but the first."""
    distance_part(x, block, d, used, sums, False)


cdef void distance_row(const real *x, const double *block, Py_ssize_t d,
                       double *out) noexcept nogil:
    """Squared distances of one row to BLOCK centers; see `distance_tile`."""
    cdef vd acc[BLOCK_V]
    cdef vd t, row
    cdef Py_ssize_t f
    cdef int v
    for v in range(BLOCK_V):
        acc[v] = VD_SPLAT(0)
    for f in range(d):
        row = everywhere(x + f)
        for v in range(BLOCK_V):
            t = row - VD_LOAD(block + f * BLOCK + v * VDL)
            acc[v] = acc[v] + VD_TERM(t)
    for v in range(BLOCK_V):
        VD_STORE(out + v * VDL, acc[v])


cdef double one_distance(const real *x, const double *c, Py_ssize_t d) noexcept nogil:
    """Squared distance of a row and a center."""
    cdef double sum = 0, t
    cdef Py_ssize_t f
    for f in range(d):
        t = x[f] - c[f]
        sum += ckm_term(t)
    return sum


cdef void pair_distances(const real **x, const double **c, Py_ssize_t d,
                         double *out) noexcept nogil:
    """Squared distances of GROUP rows, each to its own center: four independent sums, so that the
    CPU can overlap them.
    """
    cdef double s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0, t1, t2, t3
    cdef const real *x0 = x[0]
    cdef const real *x1 = x[1]
    cdef const real *x2 = x[2]
    cdef const real *x3 = x[3]
    cdef const double *c0 = c[0]
    cdef const double *c1 = c[1]
    cdef const double *c2 = c[2]
    cdef const double *c3 = c[3]
    cdef Py_ssize_t f
    for f in range(d):
        t0 = x0[f] - c0[f]
        t1 = x1[f] - c1[f]
        t2 = x2[f] - c2[f]
        t3 = x3[f] - c3[f]
        s0 += ckm_term(t0)
        s1 += ckm_term(t1)
        s2 += ckm_term(t2)
        s3 += ckm_term(t3)
    out[0] = s0
    out[1] = s1
    out[2] = s2
    out[3] = s3
