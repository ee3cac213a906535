# Exact sums: how terms are cut, and the value of what was added.

cdef int split_constants(double bound, double terms, double *big, Py_ssize_t stride, int parts=SUM_PARTS) except -1 nogil:
    """Constants that cut terms of magnitude <= bound so that no sum of `terms` of them, added and taken away, rounds.

    (t + big) - big rounds t to the grid of big's last bit. With big = 1.5 * 2**m and 2**m >= 4 * terms * bound every partial sum of
    such values fits into 53 bits of that grid; what is left of t is at most half a grid step, and is cut the same way.
    (Rump, Ogita & Oishi, SIAM J. Sci. Comput. 31, 2008; Demmel & Nguyen, ARITH 2013.)
    """
    cdef int exponent, growth, part
    frexp(bound, &exponent)
    frexp(4 * terms, &growth)
    if bound == 0:
        exponent = -1022
    if exponent + growth > 1020:
        with gil:
            raise OverflowError("sums over the rows exceed the range of float64: rescale X or sample_weight")
    for part in range(parts):
        big[part * stride] = ldexp(1.5, max(exponent + growth, -1022))     # whose grid is the smallest float64
        exponent = exponent + growth - 53
    return 0


cdef double sum_value(const double *part, Py_ssize_t stride, int parts) noexcept nogil:
    """The value of an exact sum, rounded once: added from the smallest part up, with what each addition rounds away."""
    cdef double total = part[(parts - 1) * stride], away = 0, a, t
    cdef int p
    for p in range(parts - 2, -1, -1):
        a = part[p * stride]
        t = a + total
        away += (a - (t - (t - a))) + (total - (t - a))
        total = t
    return total + away


cdef double total_value(const Sum *sums, int count, Py_ssize_t stride) noexcept nogil:
    """The value of `count` exact sums together."""
    cdef Sum total
    cdef int i, p
    for p in range(SUM_PARTS):
        total.part[p] = 0
        for i in range(count):
            total.part[p] += sums[i * stride].part[p]
    return sum_value(total.part, 1, SUM_PARTS)


cdef inline bint exceeds(const Sum *total, double target) noexcept nogil:
    """Whether the value of a sum is above the target; worked out only where a glance does not tell."""
    cdef double about = total.part[0] + total.part[1]
    if fabs(about - target) > 1e-12 * (fabs(about) + fabs(target)):
        return about > target
    return total_value(total, 1, 1) > target
