# Rows of unit length, for the cosine metric: u = x * factor with factor = 1 / sqrt(S) in float64,
# whatever the type of x.
#
# S is a sum of squares in eight interleaved sums, each with its features in order: s[f % 8] +=
# x[f] * x[f]; they are added in pairs, ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)). So its
# bits do not depend on the vector width. If S is outside the safe range, x is scaled by the power
# of two that brings its largest magnitude into [0.5, 1), which changes no bit of u. For unit u and
# c the squared distance is 2 (1 - cos), so all else is as with the Euclidean metric, applied to u.

cdef enum:
    UNIT_LANES = 8

cdef double LEAST_UNIT = 1e-300      # rows without any magnitude above have no direction
cdef double MOST_UNIT = 1e300        # and rows with one above are refused


cdef double sq_norm(const real *x, const int32_t *columns, Py_ssize_t d,
                    double scale) noexcept nogil:
    """S, of x * scale; of d values in these columns, ascending, where they are not all columns
    (NULL).
    """
    cdef double[UNIT_LANES] s
    cdef double t
    cdef Py_ssize_t f, whole = d // UNIT_LANES * UNIT_LANES
    cdef int j
    for j in range(UNIT_LANES):
        s[j] = 0
    if columns != NULL:
        for f in range(d):
            t = x[f] * scale
            s[columns[f] & (UNIT_LANES - 1)] += t * t
    else:
        for f from 0 <= f < whole by UNIT_LANES:
            for j in range(UNIT_LANES):
                t = x[f + j] * scale
                s[j] += t * t
        for f in range(whole, d):
            t = x[f] * scale
            s[f - whole] += t * t
    for j in range(4):
        s[j] += s[j + 4]
    return (s[0] + s[2]) + (s[1] + s[3])


cdef inline bint is_safe(double square) noexcept nogil:
    """Whether no term that counts in a sum of squares has underflowed, and none has overflowed."""
    return 1e-200 < square < 1e200


cdef double unit_factor(const real *x, const int32_t *columns, Py_ssize_t d) noexcept nogil:
    """The factor that scales a row to unit length: 0 if it has no direction, NaN if it is not
    finite or too large.
    """
    cdef double square = sq_norm(x, columns, d, 1), largest = 0, scale
    cdef Py_ssize_t f
    cdef int exponent
    if is_safe(square):
        return 1 / sqrt(square)
    for f in range(d):
        largest = max(largest, fabs(<double>x[f]))
    if square != square or largest > MOST_UNIT:
        return 1e999 - 1e999
    if largest <= LEAST_UNIT:
        return 0
    frexp(largest, &exponent)
    scale = ldexp(1, -exponent)
    return scale * (1 / sqrt(sq_norm(x, columns, d, scale)))


cdef double unit_factor_of(const void *x, const int32_t *columns, Py_ssize_t d) noexcept nogil:
    return unit_factor(<const real *>x, columns, d)


cdef int unit_factors(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                      int worker) noexcept nogil:
    """The factor of each row."""
    cdef Units *job = <Units *>job_
    cdef Py_ssize_t d = job.rows.d, first, count, i
    cdef const real *x
    cdef double squares[PANEL]
    cdef double *factor
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        x = fetch(job.rows, first, count, job.workers[worker].block)
        factor = job.factor + first
        for i in range(count):
            squares[i] = sq_norm(x + i * d, NULL, d, 1)
        for i in range(count):                # apart from the rest, for roots and quotients of
                                              # several rows at a time
            factor[i] = 1 / sqrt(squares[i])
        for i in range(count):
            if not is_safe(squares[i]):
                factor[i] = unit_factor(x + i * d, NULL, d)
    return 0


cdef void without_direction(const Rows *rows, const int32_t *order, Py_ssize_t first,
                            Py_ssize_t count, const int32_t *old,
                            int32_t *best, uint64_t *unsure, uint64_t *changed) noexcept nogil:
    """Put those of these rows that are equally far from all centers into the first cluster; see
    `filter_panel`.
    """
    cdef Py_ssize_t i
    cdef uint64_t bit
    for i in range(count):
        if rows.factor[first + i if order == NULL else order[first + i]] == 0:
            bit = <uint64_t>1 << i
            best[i] = 0
            unsure[0] &= ~bit
            changed[0] = changed[0] & ~bit if old[i] == 0 else changed[0] | bit
