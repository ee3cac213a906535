# The largest magnitude and the smallest bit of the terms of sums over the rows, and therefore how
# these sums are cut; see data/sums.pxi.

cdef class Cuts:
    """How sums over rows are cut, by the ranges of one data set, or of the whole that a block is a
    part of: then the sums of blocks can be added.

    Attributes
    ----------
    low, high : ndarray of shape (d,)
        Smallest and largest value of each column; read only.
    """
    cdef Memory memory
    cdef readonly cnp.ndarray low, high
    cdef double *low_                    # (d,) the values of `low` and `high`
    cdef double *high_
    cdef double *tiny                    # (d,) smallest magnitude but zero in each column
    cdef Py_ssize_t d
    cdef double terms                    # rows
    cdef double heaviest                 # the largest weight,
    cdef double lightest                 # and the smallest positive one, at most 1
    cdef bint weighted
    cdef bint narrow                     # values are float32,
    cdef bint integers                   # or whole numbers
    cdef bint directionless              # some rows have no direction, which counts as orthogonal
                                         # to all centers
    cdef Sums sums                       # how cluster sums are cut, once `cut` was called
    cdef Cuts before                     # keeps what `sums` points to, where it is another's

    def __cinit__(self, Py_ssize_t d):
        self.d = d
        self.memory = Memory()
        self.low = new_vector(d, cnp.NPY_FLOAT64)
        self.high = new_vector(d, cnp.NPY_FLOAT64)
        self.low_ = <double *>cnp.PyArray_DATA(self.low)
        self.high_ = <double *>cnp.PyArray_DATA(self.high)
        cnp.PyArray_CLEARFLAGS(self.low, cnp.NPY_ARRAY_WRITEABLE)
        cnp.PyArray_CLEARFLAGS(self.high, cnp.NPY_ARRAY_WRITEABLE)
        self.tiny = <double *>self.memory.take(d, sizeof(double))
        self.heaviest = self.lightest = 1

    cdef void weigh(self, const double *weight, Py_ssize_t n, double heaviest) noexcept:
        """Take in the weights (n,) of the rows, or NULL."""
        cdef Py_ssize_t i
        self.terms = n
        self.weighted = weight != NULL
        self.heaviest = heaviest
        for i in range(n if weight != NULL else 0):
            if weight[i] > 0:
                self.lightest = min(self.lightest, weight[i])

    cdef void share(self, Cuts other) noexcept:
        """Cut sums as for another data set that contains these rows."""
        self.terms, self.heaviest, self.lightest = other.terms, other.heaviest, other.lightest
        self.weighted, self.sums, self.before = other.weighted, other.sums, other

    cdef Cuts of(self, Py_ssize_t n):
        """The same for n of the rows, perhaps with repetitions."""
        cdef Cuts out
        if n <= self.terms:
            return self
        out = Cuts(self.d)
        memcpy(out.low_, self.low_, self.d * sizeof(double))
        memcpy(out.high_, self.high_, self.d * sizeof(double))
        memcpy(out.tiny, self.tiny, self.d * sizeof(double))
        out.narrow, out.integers, out.directionless = self.narrow, self.integers, self.directionless
        out.share(self)
        out.terms = n
        return out

    cdef int cut(self) except -1:
        """How cluster sums are cut: into as many parts as are needed to lose nothing, given the
        smallest bit of any term.
        """
        cdef Py_ssize_t d = self.d, f
        cdef int bit
        cdef double *big
        cdef double *weight_big
        if self.sums.big != NULL:
            return 0
        self.sums.parts = 1
        for f in range(d):
            if self.tiny[f] == INFINITY:             # nothing but zeros
                continue
            if self.integers and not self.weighted:
                bit = 0
            else:
                bit = last_bit(self.tiny[f] * self.lightest,
                               24 if self.narrow and not self.weighted else 53)
            self.sums.parts = max(self.sums.parts, parts_for(self.largest_term(f), self.terms, bit))
        self.sums.weight_parts = 1
        if self.weighted:
            self.sums.weight_parts = parts_for(self.heaviest, self.terms,
                                               last_bit(self.lightest, 53))
        big = <double *>self.memory.take(self.sums.parts * d + self.sums.weight_parts,
                                         sizeof(double))
        weight_big = big + self.sums.parts * d
        for f in range(d):
            split_constants(self.largest_term(f), self.terms, big + f, d, self.sums.parts)
        split_constants(self.heaviest, self.terms, weight_big, 1, self.sums.weight_parts)
        self.sums.weighted = self.weighted
        self.sums.weight_big = weight_big
        self.sums.big = big
        return 0

    cdef double largest_term(self, Py_ssize_t f) noexcept nogil:
        """The largest magnitude of the product of a weight and a value of this column."""
        return self.heaviest * max(fabs(self.low_[f]), fabs(self.high_[f]))

    cdef double lost_of_squares(self):
        """Twice an upper bound of the remainders of the second moments of a survey, all columns
        together.
        """
        cdef Py_ssize_t f
        cdef double span, lost = 0
        cdef double[2] cut
        for f in range(self.d):
            span = self.high_[f] - self.low_[f]
            split_constants(self.heaviest * span * span, self.terms, cut, 1, 2)
            if cut[1] > ldexp(1.5, -1022):    # else its grid is that of all float64 numbers
                lost += self.terms * cut[1] * ldexp(1, -52)
        return lost

    cdef double reach(self, const double *origin) noexcept nogil:
        """The largest distance of any value from this origin (d,), feature by feature."""
        cdef double largest = 0
        cdef Py_ssize_t f
        for f in range(self.d):
            largest = max(largest, max(self.high_[f] - origin[f], origin[f] - self.low_[f]))
        return largest

    cdef double largest_value(self) noexcept nogil:
        """The largest magnitude of any value."""
        cdef Py_ssize_t f
        cdef double largest = 0
        for f in range(self.d):
            largest = max(largest, max(self.high_[f], -self.low_[f]))
        return largest

    cdef double widest_range(self) noexcept nogil:
        """The largest difference of two values of a column; -inf where no column has any."""
        cdef Py_ssize_t f
        cdef double widest = -INFINITY
        for f in range(self.d):
            widest = max(widest, self.high_[f] - self.low_[f])
        return widest

    cdef double farthest(self, const double *centers, Py_ssize_t k,
                         Metric metric=EUCLIDEAN) except -1:
        """No row is farther from any of these centers than this: a bound for weighted squared
        distances, or for weighted Manhattan distances.
        """
        cdef Py_ssize_t d = self.d, f, j
        cdef Memory memory = Memory()
        cdef double *low = <double *>memory.take(2 * d, sizeof(double))
        cdef double *high = low + d
        cdef double span, bound = 0
        memcpy(low, self.low_, d * sizeof(double))
        memcpy(high, self.high_, d * sizeof(double))
        for j in range(k):
            for f in range(d):
                low[f] = min(low[f], centers[j * d + f])
                high[f] = max(high[f], centers[j * d + f])
        for f in range(d):
            span = high[f] - low[f]
            bound += span if metric == MANHATTAN else span * span
        if self.directionless:          # these count as orthogonal to all centers
            bound = max(bound, 2.0)
        return bound * (1.01 * self.heaviest)

    cdef double weight_of(self, const Tally *tally, Py_ssize_t j) noexcept nogil:
        """Total weight of cluster j."""
        return sum_value(tally.weights + j * self.sums.weight_parts, 1,
                         self.sums.weight_parts) if self.sums.weighted else <double>tally.counts[j]

    cdef double mean_of(self, const Tally *tally, Py_ssize_t j, Py_ssize_t f,
                        double weight) noexcept nogil:
        """Mean of feature f in cluster j, rounded to the type of results; NaN where it is in none
        of the rows.
        """
        cdef Py_ssize_t d = self.d
        cdef double mean
        if tally.present != NULL:
            weight = sum_value(tally.present + j * self.sums.weight_parts * d + f, d,
                               self.sums.weight_parts)
        mean = sum_value(tally.sums + j * self.sums.parts * d + f, d, self.sums.parts) / weight
        return <float>mean if self.narrow else mean
