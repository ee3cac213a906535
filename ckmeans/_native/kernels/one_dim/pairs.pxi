# Numbers of twice the digits of float64: pairs, high and low. Included by one_dim.pxi.

cdef struct Pair:                    # high + low, unevaluated; |low| is at most half a unit in the
                                     # last place of high
    double high, low


cdef inline Pair pair(double high, double low) noexcept nogil:
    """The exact sum of two numbers, |high| >= |low| (Dekker 1971)."""
    cdef Pair p
    p.high = high + low
    p.low = low - (p.high - high)
    return p


cdef inline Pair two_sum(double a, double b) noexcept nogil:
    """The exact sum of any two numbers (Knuth)."""
    cdef Pair p
    cdef double t
    p.high = a + b
    t = p.high - a
    p.low = (a - (p.high - t)) + (b - t)
    return p


cdef inline Pair two_product(double a, double b) noexcept nogil:
    """The exact product (Dekker 1971, Veltkamp's splitting)."""
    cdef Pair p
    cdef double t, ah, al, bh, bl
    p.high = a * b
    t = 134217729.0 * a
    ah = t - (t - a)
    al = a - ah
    t = 134217729.0 * b
    bh = t - (t - b)
    bl = b - bh
    p.low = ((ah * bh - p.high) + ah * bl + al * bh) + al * bl
    return p


cdef inline Pair plus(Pair a, Pair b) noexcept nogil:
    """The sum, with an error of 2^-104 of the operands, not of the sum: that is enough if the
    operands are sums of many terms.
    """
    cdef Pair s = two_sum(a.high, b.high)
    return pair(s.high, s.low + (a.low + b.low))


cdef inline Pair minus(Pair a, Pair b) noexcept nogil:
    b.high = -b.high
    b.low = -b.low
    return plus(a, b)


cdef inline Pair times(Pair a, double b) noexcept nogil:
    cdef Pair p = two_product(a.high, b)
    return pair(p.high, p.low + a.low * b)


cdef inline bint less(Pair a, Pair b) noexcept nogil:
    return a.high < b.high or (a.high == b.high and a.low < b.low)
