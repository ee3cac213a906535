# Squared distances of sparse rows to one center, in the order of the features, without a step for
# each of them.
#
# Between two values of a row the squares of the center are added to s, each rounded to the grid of
# s: the spacing of float64 in the binade [2^e, 2^(e + 1)) that s is in. As long as s stays there,
# each square adds a fixed number of steps of the grid, whatever s is, and the sum of these is the
# difference of two numbers in a table of running sums, one table for each binade. No floating-point
# arithmetic is needed: the bits of a float64, read as a whole number, count the steps of the grid.
# If s would leave its binade, the last feature before that is looked up in the table, and the
# square there is added in float64. So are squares halfway between two points of the grid, since
# their rounding depends on s, and large ones: their entries in the table lead out of the binade.

cdef enum:
    WALK_SLOTS = 16      # binades that there is room for
    WALK_ROWS = 32       # rows from which on a center is worth its tables; and columns of its that
                         # are worth a row

cdef int64_t BINADE = <int64_t>1 << 52       # places in a binade
cdef double STEPS = 4503599627370496.0       # 2**52: adding it rounds to whole numbers


cdef inline int64_t bits_of(double x) noexcept nogil:
    """The bits of a number that is not negative. NaN may have a sign, which is removed: bits must
    be valid as an index of a table.
    """
    return (<int64_t *>&x)[0] & ((<int64_t>1 << 62) | ((<int64_t>1 << 62) - 1))


cdef inline double of_bits(int64_t bits) noexcept nogil:
    return (<double *>&bits)[0]


cdef void walk_from(Walk *walk, const double *center, Py_ssize_t d, int32_t label) noexcept nogil:
    """Prepare for distances to this center (d,)."""
    cdef Py_ssize_t f, m = 0
    cdef double sum_ = 0
    for f in range(d):
        walk.rank[f] = <int32_t>m
        walk.values[m] = center[f]
        walk.sums[m] = sum_
        sum_ += center[f] * center[f]
        m += center[f] != 0
    walk.rank[d] = <int32_t>m
    walk.values[m] = 0
    walk.sums[m] = sum_
    walk.m = m
    walk.label = label
    walk.slots = 0
    memset(walk.slot_of, -1, sizeof(walk.slot_of))


cdef const int64_t *steps_in(Walk *walk, int64_t binade) noexcept nogil:
    """Running sums of the steps that the center's squares add in this binade (given by its exponent
    bits), (m + 1,); NULL: there are none.
    """
    cdef Py_ssize_t p, m = walk.m
    cdef double scale, u, rounded
    cdef int64_t total = 0, step
    cdef int64_t *steps
    if walk.slot_of[binade] == -1:
        walk.slot_of[binade] = -2
        # With m squares of a binade's length at most, sums do not overflow; nor do squares in
        # steps, if the binade is no extreme one.
        if walk.slots < WALK_SLOTS and 100 < binade < 1900:
            scale = ldexp(1, <int>(1075 - binade))
            steps = walk.steps + walk.slots * walk.room
            for p in range(m):
                u = walk.values[p] * walk.values[p] * scale
                rounded = u + STEPS
                step = bits_of(rounded) - bits_of(STEPS)
                rounded = fabs(u - (rounded - STEPS))
                steps[p] = step if rounded < 0.5 and u < STEPS / 2 else BINADE
            for p in range(m):
                step = steps[p]
                steps[p] = total
                total += step
                if total > <int64_t>1 << 62:
                    return NULL
            steps[m] = total
            walk.slot_of[binade] = <int8_t>walk.slots
            walk.slots += 1
    return NULL if walk.slot_of[binade] < 0 else walk.steps + walk.slot_of[binade] * walk.room


cdef int64_t walk_gap(Walk *walk, int64_t bits, Py_ssize_t p, Py_ssize_t stop) noexcept nogil:
    """The bits of s at the center's value `stop`, from those at value p."""
    cdef const int64_t *steps
    cdef int64_t base, room
    cdef Py_ssize_t high, middle
    while p < stop:
        steps = steps_in(walk, bits >> 52)
        if steps != NULL:
            base = bits - steps[p]
            room = (((bits >> 52) + 1) << 52) - base      # compared with steps: base + steps could
                                                          # overflow
            if steps[stop] < room:
                return base + steps[stop]
            high = stop
            while high - p > 1:
                middle = (p + high) // 2
                if steps[middle] < room:
                    p = middle
                else:
                    high = middle
            bits = base + steps[p]
        bits = bits_of(of_bits(bits) + walk.values[p] * walk.values[p])
        p += 1
    return bits


cdef double walk_row(const Rows *rows, Py_ssize_t row, Walk *walk) noexcept nogil:
    """Squared distance of a row to the center."""
    cdef const int32_t *rank = walk.rank
    cdef const int64_t *steps = NULL
    cdef Py_ssize_t e = rows.indptr[row], last = rows.indptr[row + 1], p, column, at, after
    cdef int64_t bits, base = 0, top = 0      # of s; of s less `steps`; where the binade ends: 0
                                              # without a table
    cdef double t, c
    p = rank[ckm_column(rows.indices, e, rows.d)] if e < last else walk.m
    bits = bits_of(walk.sums[p])
    while e < last:
        column = ckm_column(rows.indices, e, rows.d)
        at = rank[column]
        after = rank[column + 1]
        if steps == NULL:
            bits = walk_gap(walk, bits, p, at)
        else:
            bits = base + steps[at] if steps[at] < top - base else walk_gap(walk, base + steps[p],
                                                                            p, at)
        c = walk.values[at] if after > at else 0
        t = csr_value(rows, e) - c
        bits = bits_of(of_bits(bits) + t * t)
        if bits >= top:
            steps = steps_in(walk, bits >> 52)
            top = 0 if steps == NULL else ((bits >> 52) + 1) << 52
        if steps != NULL:
            base = bits - steps[after]
        p = after
        e += 1
    return of_bits(walk_gap(walk, bits, p, walk.m))
