# Rows packed for the filter. Included by kernels/exact/exact.pxi.

cdef extern from "kernels/exact/pack.h" nogil:
    ctypedef float vf
    enum: VL
    vf ckm_pack_square(const float *, Py_ssize_t, float *, Py_ssize_t)
    void VF_STORE(float *, vf)


cdef void move_rows(const real *x, Py_ssize_t count, Py_ssize_t d, const Packed *packing,
                    float *moved) noexcept nogil:
    """Rows (count, d) moved to the origin and scaled, in float32: rounded once."""
    cdef const double *origin = packing.origin
    cdef double scale = packing.scale
    cdef Py_ssize_t i, f
    for i in range(count):
        for f in range(d):
            moved[i * d + f] = <float>((x[i * d + f] - origin[f]) * scale)


cdef bint move_floats(const float *x, Py_ssize_t count, Py_ssize_t d, const Packed *packing,
                      float *origin, float *moved) noexcept nogil:
    """`move_rows` in float32 instead of float64, if that rounds no more than once: the difference
    is rounded, and the scale is a power of two.

    False, and nothing is done, if the origin is not float32 or differences could overflow.

    origin  scratch (d,)
    """
    cdef float scale = <float>packing.scale
    cdef bint same = ldexp(1, SCALED_EXPONENT - 126) <= packing.scale <= ldexp(1, 126)
    cdef Py_ssize_t i, f
    for f in range(d):
        origin[f] = <float>packing.origin[f]
        same = same and origin[f] == packing.origin[f]
    if not same:
        return False
    for i in range(count):
        for f in range(d):
            moved[i * d + f] = (x[i * d + f] - origin[f]) * scale
    return True


cdef void scale_rows(const real *x, Py_ssize_t count, Py_ssize_t d, const Packed *packing,
                     float *scratch, float *out) noexcept nogil:
    """The packed form of rows (count, d), one after the other: (count, width). scratch: (d,)"""
    if packing.axes != NULL:
        project_rows(x, count, d, packing, out)
    elif sizeof(real) != 4 or not move_floats(<const float *>x, count, d, packing, scratch, out):
        move_rows(x, count, d, packing, out)


cdef void split_gaps(float *rows, Py_ssize_t count, Py_ssize_t d) noexcept nogil:
    """Rows with NaN, in place, as rows of twice the width: their values, 0 where missing; then for
    each feature 1, or 0 where missing.

    rows  INOUT  (count, d), then (count, 2 * d)
    """
    cdef Py_ssize_t i, f
    cdef float value
    for i in range(count - 1, -1, -1):        # from the last one: it moves the farthest
        for f in range(d):
            value = rows[i * d + f]
            rows[2 * i * d + f] = value if value == value else 0
            rows[2 * i * d + d + f] = value == value


cdef uint64_t clamp_rows(float *rows, Py_ssize_t count, Py_ssize_t d) noexcept nogil:
    """Bring values (count, d) to at most 2**SCALED_EXPONENT; which rows are not near the origin."""
    cdef float most = <float>ldexp(1, SCALED_EXPONENT), near = <float>ldexp(1, NEAR_EXPONENT)
    cdef uint64_t far = 0
    cdef Py_ssize_t i, f
    cdef int32_t beyond
    for i in range(count):
        beyond = 0
        for f in range(d):                   # (no branches: compilers make vectors of it)
            beyond += (rows[i * d + f] >= near) + (rows[i * d + f] <= -near)
        if beyond:
            far |= <uint64_t>1 << i
            for f in range(d):
                rows[i * d + f] = min(max(rows[i * d + f], -most), most)
    return far


cdef void pack_panel(const real *x, Py_ssize_t count, Py_ssize_t d, Worker *me,
                     const Packed *packing, float *panel,
                     float *sq_norms) noexcept nogil:
    """Pack up to PANEL rows (count, d): moved to the origin, scaled, float32, feature by feature.
    Lanes without a row are zero. Rows with clamped values have a norm so large that they are always
    left undecided.

    panel     OUT  (width, PANEL)
    sq_norms  OUT  (PANEL,) rounded up; for Manhattan distances, sums of magnitudes
    """
    cdef Py_ssize_t whole, i, f, b
    cdef double norms[PANEL]
    cdef float squares[VL]
    cdef uint64_t far = 0
    scale_rows(x, count, d, packing, panel, me.scaled)         # (the panel is overwritten below)
    if CKM_GAPS:
        split_gaps(me.scaled, count, d)
    if packing.clamped:
        far = clamp_rows(me.scaled, count, d)
    d = packed_width(packing, d)
    whole = d // VL * VL
    memset(me.scaled + count * d, 0, (PANEL - count) * d * sizeof(float))
    for i in range(PANEL):
        norms[i] = 0
    for i from 0 <= i < PANEL by VL:
        for f from 0 <= f < whole by VL:
            VF_STORE(squares, ckm_pack_square(me.scaled + i * d + f, d, panel + f * PANEL + i,
                                              PANEL))
            for b in range(VL):
                norms[i + b] += squares[b]
    for f in range(whole, d):
        for i in range(PANEL):
            panel[f * PANEL + i] = me.scaled[i * d + f]
        for i in range(PANEL):
            norms[i] += ckm_term(<double>panel[f * PANEL + i])
    for i in range(PANEL):
        sq_norms[i] = <float>(norms[i] * (1 + 6e-7))       # of values, of squares and their sums,
                                                           # and this one
        me.overflow = me.overflow or not sq_norms[i] < 3e38
    if far:
        me.overflow = True
        for i in range(count):
            if far >> i & 1:
                sq_norms[i] = <float>2.9e38
