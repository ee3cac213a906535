# Adding rows to the exact sums of their clusters, and subtracting them. Included by
# kernels/exact/exact.pxi.

cdef extern from *:
    """
    static CKM_NOINLINE Py_ssize_t ckm_add_vectors(double *sums, const double *big, int parts, const
    void *x, double w, Py_ssize_t d); /* else `add_row` is too long to be compiled into loops */
    """


cdef Py_ssize_t add_vectors "ckm_add_vectors"(double *sums, const double *big, int parts,
                                              const void *x_, double w,
                                              Py_ssize_t d) noexcept nogil:
    """`add_row` for whole vectors, of up to three parts; returns how many features they are.

    Compilers cannot know that the arrays do not overlap.
    """
    cdef const real *x = <const real *>x_
    cdef vd factor = VD_SPLAT(w), value, upper
    cdef Py_ssize_t whole = d - d % VDL, f
    if parts == 1:
        for f from 0 <= f < whole by VDL:
            VD_STORE(sums + f, VD_LOAD(sums + f) + VD_PRODUCT(factor, load(x + f)))
    elif parts == 2:
        for f from 0 <= f < whole by VDL:
            value = VD_PRODUCT(factor, load(x + f))
            upper = (value + VD_LOAD(big + f)) - VD_LOAD(big + f)
            VD_STORE(sums + f, VD_LOAD(sums + f) + upper)
            VD_STORE(sums + d + f, VD_LOAD(sums + d + f) + (value - upper))
    else:
        for f from 0 <= f < whole by VDL:
            value = VD_PRODUCT(factor, load(x + f))
            upper = (value + VD_LOAD(big + f)) - VD_LOAD(big + f)
            VD_STORE(sums + f, VD_LOAD(sums + f) + upper)
            value = value - upper
            upper = (value + VD_LOAD(big + d + f)) - VD_LOAD(big + d + f)
            VD_STORE(sums + d + f, VD_LOAD(sums + d + f) + upper)
            VD_STORE(sums + 2 * d + f, VD_LOAD(sums + 2 * d + f) + (value - upper))
    return whole


cdef inline void add_row(double *sums, const Sums *how, const real *x, double w,
                         Py_ssize_t d) noexcept nogil:
    """Add w * x to one cluster's sums; with -w it is subtracted again, exactly."""
    cdef const double *big = how.big
    cdef double terms[ROUND]
    cdef double term, high
    cdef Py_ssize_t done = 0, f, p, first, count
    cdef int left
    if d >= VDL and how.parts <= 3:
        done = add_vectors(sums, big, how.parts, x, w, d)
    if how.parts == 1:                        # every term is on the first grid: adding is exact as
                                              # it is
        for f in range(done, d):
            sums[f] += ckm_product(w, x[f])
    elif how.parts == 2:                      # what the first part leaves is on the second grid
        for f in range(done, d):
            term = ckm_product(w, x[f])
            high = (term + big[f]) - big[f]
            sums[f] += high
            sums[d + f] += term - high
    elif how.parts == 3:
        for f in range(done, d):
            term = ckm_product(w, x[f])
            high = (term + big[f]) - big[f]
            sums[f] += high
            term = term - high
            high = (term + big[d + f]) - big[d + f]
            sums[d + f] += high
            sums[2 * d + f] += term - high
    else:                                     # a term fills few of the parts: as soon as nothing is
                                              # left of any, the others are skipped
        for first from 0 <= first < d by ROUND:
            count = min(<Py_ssize_t>ROUND, d - first)
            for f in range(count):
                terms[f] = ckm_product(w, x[first + f])
            for p in range(how.parts - 1):
                left = 0
                for f in range(count):
                    high = (terms[f] + big[p * d + first + f]) - big[p * d + first + f]
                    sums[p * d + first + f] += high
                    terms[f] = terms[f] - high
                    left |= terms[f] != 0
                if left == 0:
                    break
            else:
                for f in range(count):
                    sums[(how.parts - 1) * d + first + f] += terms[f]


cdef inline void add_weight(double *total, const Sums *how, double w) noexcept nogil:
    cdef double high
    cdef int p
    for p in range(how.weight_parts - 1):
        high = (w + how.weight_big[p]) - how.weight_big[p]
        total[p] += high
        w -= high
        if w == 0:
            return
    total[how.weight_parts - 1] += w


cdef inline void add_present(double *present, const Sums *how, const real *x, double w,
                             Py_ssize_t d) noexcept nogil:
    """Add a row's weight to the sums of the features that are not missing.

    present  INOUT  (weight_parts, d)
    """
    cdef double high, part
    cdef Py_ssize_t f
    cdef int p
    for p in range(how.weight_parts):
        part = w
        if p < how.weight_parts - 1:
            high = (w + how.weight_big[p]) - how.weight_big[p]
            part = high
            w -= high
        for f in range(d):
            present[p * d + f] += part if x[f] == x[f] else 0


cdef inline void tally_row(Tally *tally, const Sums *how, int32_t label, const real *x, double w,
                           Py_ssize_t d,
                           int sign) noexcept nogil:
    tally.touched[label] = 1
    tally.counts[label] += sign
    if how.weighted:
        add_weight(tally.weights + label * how.weight_parts, how, sign * w)
    add_row(tally.sums + label * how.parts * d, how, x, sign * w, d)
    if CKM_GAPS:
        add_present(tally.present + label * how.weight_parts * d, how, x, sign * w, d)


cdef void move(const Rows *rows, Py_ssize_t row, double w, int32_t label, int sign, Tally *tally,
               const Sums *how,
               char *block) noexcept nogil:
    """Add one row to a cluster's sums (sign 1) or subtract it (-1)."""
    tally_row(tally, how, label, fetch(rows, row, 1, block), w, rows.d, sign)
