# Mixtures of normal distributions, for the criterion that chooses k. Included by one_dim.pxi.

cdef struct Mixture:
    const double *x                  # (n,) ascending
    Py_ssize_t k
    const double *constant           # (k,)
    const double *mean
    const double *rest               # (k,) what rounding took from the mean: far from 0 that may be
                                     # more than the spread
    const double *half               # (k,) half of the reciprocal variance
    double *totals                   # (chunks of MIXED rows,) OUT


cdef inline void exp_all(double *x, Py_ssize_t count) noexcept nogil:
    """e^x in place, for x from -700 to 0, to 1e-14 of itself. No branches and no calls, so that
    compilers make vectors of it.
    """
    cdef double scaled[ABREAST]
    cdef uint64_t *bits = <uint64_t *>scaled
    cdef double t, n
    cdef Py_ssize_t i
    for i in range(count):
        # The magic number leaves the integer nearest to x / log 2 in the last bits.
        t = x[i] * 1.4426950408889634 + 6755399441055744.0
        scaled[i] = t
        n = t - 6755399441055744.0
        t = (x[i] - n * 0.6931471803691238) - n * 1.9082149292705877e-10
        x[i] = 1 + t * (1 + t * (1 / 2. + t * (1 / 6. + t
                                               * (1 / 24. + t
                                                  * (1 / 120. + t
                                                     * (1 / 720. + t * (1 / 5040. + t * (
            1 / 40320. + t * (1 / 362880. + t * (1 / 3628800. + t / 39916800.))))))))))
    for i in range(count):
        bits[i] = (bits[i] + 1023) << 52
    for i in range(count):
        x[i] *= scaled[i]


cdef inline double term(const Mixture *mixture, Py_ssize_t q, double x) noexcept nogil:
    x = (x - mixture.mean[q]) - mixture.rest[q]
    return mixture.constant[q] - x * x * mixture.half[q]


cdef int add_likelihoods(void *mixture_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                         int worker) noexcept nogil:
    """Their sum over these rows. A few rows at once: from their two ends it is known that most
    distributions do not matter for them.
    """
    cdef Mixture *mixture = <Mixture *>mixture_
    cdef double x[ABREAST]
    cdef double top[ABREAST]
    cdef double sum[ABREAST]
    cdef double one[ABREAST]
    cdef double product[8]
    cdef double least, mean, rest, half, constant, t, total = 0
    cdef Py_ssize_t i, q, count, padded, relevant
    for start from start <= start < stop by ABREAST:
        count = min(stop - start, ABREAST)
        padded = (count + 7) // 8 * 8
        memcpy(x, mixture.x + start, count * sizeof(double))
        for i in range(count, padded):
            x[i] = x[count - 1]
        least = -INFINITY
        for q in range(mixture.k):           # between two ends a parabola is at least what it is at
                                             # the lower one
            least = max(least, min(term(mixture, q, x[0]), term(mixture, q, x[count - 1])))
        for i in range(padded):
            top[i] = -INFINITY
            sum[i] = 0
        relevant = 0
        for q in range(mixture.k):
            mean, rest = mixture.mean[q], mixture.rest[q]
            half, constant = mixture.half[q], mixture.constant[q]
            if term(mixture, q, min(max(mean, x[0]), x[count - 1])) >= least - 40:
                relevant += 1
                for i in range(padded):
                    t = (x[i] - mean) - rest
                    t = constant - t * t * half
                    top[i] = t if t > top[i] else top[i]
        for i in range(count):
            total += top[i]
        if relevant == 1:
            continue
        for q in range(mixture.k):
            mean, rest = mixture.mean[q], mixture.rest[q]
            half, constant = mixture.half[q], mixture.constant[q]
            if term(mixture, q, min(max(mean, x[0]), x[count - 1])) >= least - 40:
                for i in range(padded):
                    t = (x[i] - mean) - rest
                    t = constant - t * t * half - top[i]
                    one[i] = t if t > -60 else -60
                exp_all(one, padded)
                for i in range(padded):
                    sum[i] += one[i]
        for i in range(count, padded):
            sum[i] = 1
        # One logarithm for a product of many: ABREAST / 8 factors, none above k.
        for i in range(8):
            product[i] = 1
        for q from 0 <= q < padded by 8:
            for i in range(8):
                product[i] *= sum[q + i]
        for i in range(8):
            total += log(product[i])
    mixture.totals[chunk] = total
    return 0
