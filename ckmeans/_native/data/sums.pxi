# Exact sums: how terms are cut into parts, and the value of a sum.
#
# The terms of sums that every pass computes are cut into float64 parts: those of cluster sums into
# as many as the smallest bit of any term needs, so that there is no remainder; those of a `Sum`
# into three, whose remainder is tiny beside the largest term. The remainders are added to a `Wide`.
# Or they are dropped: then only a range that contains the value is known (`value_range`), and if it
# holds more than one float64, all terms are added to a `Wide`, which is exact for any terms, but
# slower.

cdef int growth_of(double terms) noexcept nogil:
    """By how many bits a sum of so many terms is longer than its terms, plus two."""
    cdef int growth
    frexp(4 * terms, &growth)
    return growth


cdef int split_constants(double bound, double terms, double *big, Py_ssize_t stride,
                         int parts=SUM_PARTS) except -1 nogil:
    """Constants that cut terms of magnitude <= bound so that no sum of `terms` of them, added and
    taken away, rounds.

    (t + big) - big rounds t to the grid of big's last bit. With big = 1.5 * 2**m and 2**m >= 4 *
    terms * bound every partial sum of such values fits into 53 bits of that grid; what is left of t
    is at most half a grid step, and is cut the same way. (Rump, Ogita & Oishi, SIAM J. Sci. Comput.
    31, 2008; Demmel & Nguyen, ARITH 2013.)
    """
    cdef int exponent, growth = growth_of(terms), part
    frexp(bound, &exponent)
    if bound == 0:
        exponent = -1022
    if exponent + growth > 1020:
        with gil:
            raise OverflowError("sums over the rows exceed the range of float64: rescale X or "
                                "sample_weight")
    for part in range(parts):
        # whose grid is the smallest float64
        big[part * stride] = ldexp(1.5, max(exponent + growth, -1022))
        exponent = exponent + growth - 53
    return 0


cdef int parts_for(double bound, double terms, int bit) except -1:
    """Parts of a sum of multiples of 2**bit that are not above the bound.

    So many that the last part's grid is as fine as that.
    """
    cdef int exponent, growth = growth_of(terms), parts = 1
    if growth > 50:
        raise OverflowError("too many rows for exact sums")
    frexp(bound, &exponent)
    while exponent + growth - 52 > max(bit, -1074):
        exponent += growth - 53
        parts += 1
    return parts


cdef int last_bit(double value, int digits) noexcept nogil:
    """The power of 2 of which floats with so many digits, of this magnitude or above, are
    multiples.
    """
    cdef int exponent
    frexp(value, &exponent)
    return max(exponent - digits, -1074) if value > 0 else -1074


cdef struct Range:       # that holds the value of a sum: nearly always a single number
    double low
    double high


cdef inline Range rounded_sum(double total, double away, double largest,
                              Py_ssize_t n) noexcept nogil:
    """The range of a sum of n terms, rounded, from the rounded sum and the errors of its additions,
    added up.

    Each error is at most 2**-53 of the largest partial sum, and each of so many additions rounds to
    2**-53 of their sum. (Below 2**-968 no addition rounds.)
    """
    cdef Range out
    cdef double slack = largest * (4.0 * n * n) * 2.0 ** -106
    out.low = total + (away - slack)
    out.high = total + (away + slack)
    return out


cdef double sum_value(const double *part, Py_ssize_t stride, int parts) noexcept nogil:
    """The value of an exact sum, rounded once, half to even.

    Parts are added from the smallest up, and so are the rounding errors of these additions. The sum
    of the errors is itself rounded, but this hardly ever affects the result; where it could,
    `wide_value` computes it.
    """
    cdef double total = part[(parts - 1) * stride], away = 0, largest, a, t
    cdef Range found
    cdef Wide exact
    cdef int p
    if parts == 1:
        return total
    if parts == 2:                            # this addition is the only rounding
        return part[0] + total
    largest = fabs(total)
    for p in range(parts - 2, -1, -1):
        a = part[p * stride]
        t = a + total
        away += (a - (t - (t - a))) + (total - (t - a))
        total = t
        largest = max(largest, fabs(t))
    if not fabs(total) < INFINITY:            # rows are not finite: `wide_add` cannot take them
        return total
    found = rounded_sum(total, away, largest, parts)
    if found.low == found.high:
        return found.low
    memset(&exact, 0, sizeof(Wide))
    for p in range(parts):
        wide_add(&exact, part[p * stride])
    return wide_value(&exact)


cdef double wide_value(Wide *total) noexcept nogil:
    """The value of an exact sum, rounded once, half to even."""
    cdef double sign = 1
    cdef uint64_t digits
    cdef uint64_t below = 0
    cdef int top = LIMBS - 1, place, i, shift
    wide_carry(total)
    if total.limb[LIMBS - 1] < 0:
        sign = -1
        for i in range(LIMBS):
            total.limb[i] = -total.limb[i]
        wide_carry(total)
    while top > 0 and total.limb[top] == 0:
        top -= 1
    if total.limb[top] == 0:
        return 0
    place = 32 * top
    while total.limb[top] >> (place - 32 * top) > 1:
        place += 1                            # of the first digit that is not zero, in base 2
    place = max(place - 52, WIDE_POINT - 1074)        # and of the last one that is kept
    i = place >> 5
    shift = place & 31
    digits = <uint64_t>total.limb[i] >> shift | <uint64_t>total.limb[i + 1] << (32 - shift)
    if shift > 0:
        digits |= <uint64_t>total.limb[i + 2] << (64 - shift)
    # What is below, as a number of halves of a step; 1 more or 3 for what lies between.
    place -= 1
    i = place >> 5
    below = 2 * (<uint64_t>total.limb[i] >> (place & 31) & 1)
    if <uint64_t>total.limb[i] & ((<uint64_t>1 << (place & 31)) - 1):
        below |= 1
    while i > 0 and not below & 1:
        i -= 1
        below |= total.limb[i] != 0
    if below == 3 or below == 2 and digits & 1 == 1:
        digits += 1
    if sign < 0:                              # as it was
        for i in range(LIMBS):
            total.limb[i] = -total.limb[i]
        wide_carry(total)
    return sign * ldexp(<double>digits, place + 1 - WIDE_POINT)


cdef void add_wide(Wide *total, const Wide *other) noexcept nogil:
    cdef Wide more = other[0]
    cdef int i
    wide_carry(&more)
    wide_carry(total)
    for i in range(LIMBS):
        total.limb[i] += more.limb[i]
    wide_carry(total)


cdef void widen(Wide *total, const Sum *sums, Py_ssize_t count) noexcept nogil:
    """Add `count` sums of three parts."""
    cdef Py_ssize_t i
    cdef int p
    for i in range(count):
        for p in range(SUM_PARTS):
            wide_add(total, sums[i].part[p])


cdef inline double lost_by(const Split *split, double terms) noexcept nogil:
    """Twice an upper bound of the remainder of a sum of so many terms: half a step of the last grid
    each.
    """
    if split.big[2] == ldexp(1.5, -1022):     # its grid is that of all float64 numbers
        return 0
    return terms * split.big[2] * 2.0 ** -52


cdef Range value_range(const Sum *total, const Split *split, double terms) noexcept nogil:
    """The range of a sum of so many terms, rounded: nearly always a single value."""
    cdef double[SUM_PARTS + 1] part
    cdef Range out
    cdef double lost = lost_by(split, terms)
    memcpy(part, total.part, sizeof(total.part))
    part[SUM_PARTS] = -lost
    out.low = sum_value(part, 1, SUM_PARTS + 1)
    part[SUM_PARTS] = lost
    out.high = sum_value(part, 1, SUM_PARTS + 1)
    return out


cdef inline int exceeds(const Sum *total, const Split *split, double terms,
                        double target) noexcept nogil:
    """Whether the value of a sum is above the target; the exact value is computed only if needed.

    -1: the remainder beyond the parts decides.
    """
    cdef double about = total.part[0] + total.part[1] + total.part[2]
    cdef double size = (fabs(total.part[0]) + fabs(total.part[1]) + fabs(total.part[2])
                        + fabs(target))
    cdef Range found
    if fabs(about - target) > 1e-12 * size + lost_by(split, terms):
        return about > target
    found = value_range(total, split, terms)
    if (found.low > target) == (found.high > target):
        return found.low > target
    return -1


def split_of(double bound, double terms):
    """What cuts terms of magnitude <= bound into as many parts as any may take: (parts,)."""
    cdef int parts = parts_for(bound, terms, -1074)
    cdef cnp.ndarray out = np.empty(max(parts, SUM_PARTS))
    split_constants(bound, terms, <double *>cnp.PyArray_DATA(out), 1, <int>out.shape[0])
    return out


def left_over(double bound, double terms):
    """Twice an upper bound of the remainder beyond the three parts of a sum of so many terms, none
    above the bound.
    """
    cdef Split split
    split_constants(bound, terms, split.big, 1)
    return lost_by(&split, terms)


def sum_values(parts):
    """The values of exact sums given by their parts (parts, ...), each rounded once, half to even.

    Parts need not be in order.
    """
    cdef cnp.ndarray given = np.ascontiguousarray(parts, dtype=np.float64)
    cdef cnp.ndarray out = np.zeros(np.shape(parts)[1:])
    cdef const double *part = <const double *>cnp.PyArray_DATA(given)
    cdef double *to = <double *>cnp.PyArray_DATA(out)
    cdef Py_ssize_t stride = out.size, i
    cdef int count = len(parts)
    for i in range(stride if count else 0):
        to[i] = sum_value(part + i, stride, count)
    return out if out.ndim else float(out)


def exact_sum(terms):
    """The sum of finite float64 terms, rounded once, half to even."""
    cdef Wide total
    add_terms(&total, terms)
    return wide_value(&total)


def exact_limbs(terms):
    """The sum of finite float64 terms, for `limbs_value`: an array (LIMBS,) int64.

    Up to 2**30 of those may be added.
    """
    cdef Wide total
    add_terms(&total, terms)
    return limbs_of(&total)


cdef int add_terms(Wide *total, terms) except -1:
    cdef const double[::1] term = np.ascontiguousarray(terms, dtype=np.float64).reshape(-1)
    cdef Py_ssize_t i
    memset(total, 0, sizeof(Wide))
    with nogil:
        for i in range(term.shape[0]):
            wide_add(total, term[i])
    return 0


cdef cnp.ndarray limbs_of(Wide *total):
    cdef cnp.ndarray out = np.empty(LIMBS, dtype=np.int64)
    wide_carry(total)
    memcpy(cnp.PyArray_DATA(out), total.limb, sizeof(total.limb))
    return out


def no_limbs():
    """An empty sum, for `limbs_value`."""
    return np.zeros(LIMBS, dtype=np.int64)


def limbs_value(limbs):
    """The value of the sum of `limbs_of` arrays."""
    cdef const int64_t[::1] digits = np.ascontiguousarray(limbs, dtype=np.int64)
    cdef Wide total
    cdef int i
    if digits.shape[0] != LIMBS:
        raise ValueError(f"an exact sum has {LIMBS} digits, got {digits.shape[0]}.")
    for i in range(LIMBS):
        total.limb[i] = digits[i]
    return wide_value(&total)
