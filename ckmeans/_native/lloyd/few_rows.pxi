# k-means of few rows: what `PlusPlus` and `Run` do, in plain loops, without an object, a packed row
# or an allocation for each fit, and without Python's lock. A fit takes some microseconds, most of
# which those would take to get ready.
#
# The bits are those of `Run`, since the contract leaves no choice: distances are sums in the order
# of the features, and all other sums are exact and rounded once. What is rare (an empty cluster,
# rows that coincide, a variance that needs another look, odd values) is left to `Run`.

cdef double exact_total(const double *term, Py_ssize_t n) noexcept nogil:
    """The sum of finite terms, rounded once, half to even.

    As `sum_value`: the errors of the additions are added up; where these could decide, all terms
    are added without rounding.
    """
    cdef double total = 0, away = 0, largest = 0, t, added
    cdef Py_ssize_t i
    cdef Range found
    cdef Wide exact
    for i in range(n):
        t = total + term[i]
        added = t - total
        away += (total - (t - added)) + (term[i] - added)
        total = t
        largest = max(largest, fabs(t))
    found = rounded_sum(total, away, largest, n)
    if found.low == found.high:
        return found.low
    memset(&exact, 0, sizeof(Wide))
    for i in range(n):
        wide_add(&exact, term[i])
    return wide_value(&exact)


cdef class FewRows:
    """Fits of up to `room` rows of d features to k clusters, one after the other, in one thread."""
    cdef Memory memory
    cdef Py_ssize_t room, d, k, trials, n
    cdef double *x                # (n, d) the rows,
    cdef double *column           # (d, n) and column by column
    cdef double *low              # (d,) the range of each column
    cdef double *high
    cdef uint64_t *code           # (n,) hashes of rows,
    cdef int64_t *order           # (n,) and rows in the order of these
    cdef double *nearest          # (n,) squared distances to the nearest center drawn,
    cdef double *tried            # (n,) with a candidate,
    cdef double *best             # (n,) and with the best one
    cdef double *sq               # (n,) squared distances to a center
    cdef double *least            # (n,) and to the nearest
    cdef int64_t *label           # (n,)
    cdef int64_t *fresh           # (n,) the same in this iteration
    cdef double *center           # (k, d)
    cdef double *sums             # (3, k, d) sums of the rows, what these leave over, the largest
    cdef int64_t *counts          # (k,)
    cdef int n_iter

    def __cinit__(self, Py_ssize_t room, Py_ssize_t d, Py_ssize_t k, Py_ssize_t trials):
        cdef double *values
        cdef int64_t *whole
        self.room, self.d, self.k, self.trials = room, d, k, trials
        self.memory = Memory()
        values = <double *>self.memory.take(2 * room * d + 2 * d + 5 * room + 4 * k * d,
                                            sizeof(double))
        self.x, self.column = values, values + room * d
        self.low = self.column + room * d
        self.high = self.low + d
        self.nearest = self.high + d
        self.tried, self.best = self.nearest + room, self.nearest + 2 * room
        self.sq, self.least = self.nearest + 3 * room, self.nearest + 4 * room
        self.center = self.nearest + 5 * room
        self.sums = self.center + k * d
        whole = <int64_t *>self.memory.take(4 * room + k, sizeof(int64_t))
        self.code = <uint64_t *>whole
        self.order, self.label, self.fresh = whole + room, whole + 2 * room, whole + 3 * room
        self.counts = whole + 4 * room

    cdef bint take(self, const Rows *rows, ExactTable *exact) noexcept nogil:
        """Take up the rows; False if their values may be refused, or there are none."""
        cdef Py_ssize_t n = rows.n, d = self.d, i, f
        cdef double value, largest = 0, span
        cdef bint odd = False
        if n < 1 or n > self.room:
            return False
        self.n = n
        for f in range(d):
            self.low[f] = INFINITY
            self.high[f] = -INFINITY
        for i in range(n):
            exact.read(rows, i, self.x + i * d)
            for f in range(d):
                value = self.x[i * d + f]
                self.column[f * n + i] = value
                self.low[f] = min(self.low[f], value)
                self.high[f] = max(self.high[f], value)
                odd = odd or not fabs(value) < ODD_VALUE
        for f in range(d):
            span = self.high[f] - self.low[f]
            odd = odd or 0 < span < ODD_SPAN
        if odd:
            return False
        for i in range(n):
            self.code[i] = exact.hash_row(rows, i, <char *>self.sums)
            self.order[i] = i
        for i in range(n // 2 - 1, -1, -1):
            sift(self.code, self.order, i, n)
        for i in range(n - 1, 0, -1):
            self.code[0], self.code[i] = self.code[i], self.code[0]
            self.order[0], self.order[i] = self.order[i], self.order[0]
            sift(self.code, self.order, 0, i)
        return True

    # -- k-means++, as `PlusPlus` ------------------------------------------------------------------

    cdef void distances(self, const double *center) noexcept nogil:
        """Squared distances of all rows to a center (d,), in `sq`."""
        cdef Py_ssize_t n = self.n, i, f
        cdef double *sq = self.sq
        cdef const double *column = self.column
        cdef double t, c = center[0]
        for i in range(n):
            t = column[i] - c
            sq[i] = t * t
        for f in range(1, self.d):
            column += n
            c = center[f]
            for i in range(n):
                t = column[i] - c
                sq[i] += t * t

    cdef bint draw(self, const double *number) noexcept nogil:
        """Draw rows as centers by these numbers (1 + (k - 1) * trials,); False if rows coincide."""
        cdef Py_ssize_t n = self.n, d = self.d, c, trial, i, e = 0
        cdef int64_t row, kept = 0
        cdef double potential, left, value
        cdef double *nearest
        if number[0] > 0:
            e = min(<Py_ssize_t>(number[0] * n), n - 1)
        memcpy(self.center, self.x + self.order[e] * d, d * sizeof(double))
        self.distances(self.center)
        memcpy(self.nearest, self.sq, n * sizeof(double))
        for c in range(1, self.k):
            potential = exact_total(self.nearest, n)
            if potential == 0:
                return False
            left = INFINITY
            for trial in range(self.trials):
                row = self.drawn(number[1 + (c - 1) * self.trials + trial] * potential)
                self.distances(self.x + row * d)
                for i in range(n):
                    self.tried[i] = min(self.nearest[i], self.sq[i])
                value = exact_total(self.tried, n)
                if value < left:
                    left, kept = value, row
                    self.tried, self.best = self.best, self.tried
            memcpy(self.center + c * d, self.x + kept * d, d * sizeof(double))
            nearest = self.nearest
            self.nearest, self.best = self.best, nearest
        return True

    cdef int64_t drawn(self, double target) noexcept nogil:
        """The first row in the order at which the running sum of `nearest` exceeds the target; if
        there is none, the last row that is no center. As `DrawOrder.draw_by`.
        """
        cdef double running = 0, slack = self.n * 2.0 ** -50
        cdef Py_ssize_t e, before
        cdef Wide exact
        for e in range(self.n):
            running += self.nearest[self.order[e]]
            if fabs(running - target) > slack * (running + target):
                if running > target:
                    return self.order[e]
                continue
            memset(&exact, 0, sizeof(Wide))
            for before in range(e + 1):
                wide_add(&exact, self.nearest[self.order[before]])
            if wide_value(&exact) > target:
                return self.order[e]
        for e in range(self.n - 1, -1, -1):
            if self.nearest[self.order[e]] > 0:
                return self.order[e]
        return 0

    # -- Lloyd's iterations, as `Run` --------------------------------------------------------------

    cdef int run(self, int max_iter, double tol, bint narrow) except -1 nogil:
        """Iterate from the centers that were drawn; 0 if the rows are left to `Run`, else 1.

        tol : in squared units of the rows
        """
        cdef double shift
        cdef int64_t changed
        cdef Py_ssize_t i
        for i in range(self.n):
            self.label[i] = -1
        self.n_iter = 0
        while True:
            changed = self.assign()
            self.n_iter += 1
            if changed == 0:
                return 1
            for i in range(self.k):
                if self.counts[i] == 0:
                    return 0
            shift = self.update(narrow)
            if shift <= tol or self.n_iter >= max_iter:
                self.assign()
                return 1

    cdef int64_t assign(self) noexcept nogil:
        """Label the rows and count those of each cluster; returns how many labels changed."""
        cdef Py_ssize_t n = self.n, i, j
        cdef double *sq = self.sq
        cdef double *least = self.least
        cdef int64_t *fresh = self.fresh
        cdef int64_t changed = 0
        cdef bint closer
        self.distances(self.center)
        for i in range(n):
            least[i] = sq[i]
            fresh[i] = 0
        for j in range(1, self.k):
            self.distances(self.center + j * self.d)
            for i in range(n):
                closer = sq[i] < least[i]
                fresh[i] = j if closer else fresh[i]
                least[i] = sq[i] if closer else least[i]
        memset(self.counts, 0, self.k * sizeof(int64_t))
        for i in range(n):
            changed += fresh[i] != self.label[i]
            self.counts[fresh[i]] += 1
        self.label, self.fresh = fresh, self.label
        return changed

    cdef double update(self, bint narrow) noexcept nogil:
        """Move the centers to the means of their rows; returns their squared movement."""
        cdef Py_ssize_t n = self.n, d = self.d, size = self.k * d, i, j, f
        cdef double *total
        cdef double *away
        cdef double *largest
        cdef double t, added, value, step, shift = 0
        cdef Range found
        memset(self.sums, 0, 3 * size * sizeof(double))
        for i in range(n):
            total = self.sums + self.label[i] * d
            away, largest = total + size, total + 2 * size
            for f in range(d):
                value = self.x[i * d + f]
                t = total[f] + value
                added = t - total[f]
                away[f] += (total[f] - (t - added)) + (value - added)
                total[f] = t
                largest[f] = max(largest[f], fabs(t))
        for j in range(self.k):
            for f in range(d):
                i = j * d + f
                found = rounded_sum(self.sums[i], self.sums[size + i], self.sums[2 * size + i], n)
                value = found.low if found.low == found.high else self.exact_sum(j, f)
                value /= self.counts[j]
                if narrow:
                    value = <float>value
                step = value - self.center[i]
                shift += step * step
                self.center[i] = value
        return shift

    cdef double exact_sum(self, int64_t j, Py_ssize_t f) noexcept nogil:
        """The sum of a column over the rows of a cluster."""
        cdef Wide exact
        cdef Py_ssize_t i
        memset(&exact, 0, sizeof(Wide))
        for i in range(self.n):
            if self.label[i] == j:
                wide_add(&exact, self.x[i * self.d + f])
        return wide_value(&exact)

    cdef double variance(self) except -1 nogil:
        """Mean over the columns of their variance, as a survey gives it (data/moments.pxi); NaN if
        that takes another look.
        """
        cdef Py_ssize_t n = self.n, i, f
        cdef double[4] cut, seen
        cdef double middle, span, value, high, term, mean, square, total = 0, lost = 0
        cdef const double *column = self.column
        for f in range(self.d):
            span = self.high[f] - self.low[f]
            middle = 0.5 * self.low[f] + 0.5 * self.high[f]
            split_constants(span, n, cut, 1, 2)
            split_constants(span * span, n, cut + 2, 1, 2)
            memset(seen, 0, sizeof(seen))
            for i in range(n):
                value = column[i] - middle
                high = (value + cut[0]) - cut[0]
                seen[0] += high
                seen[1] += ((value - high) + cut[1]) - cut[1]
                term = value * value
                high = (term + cut[2]) - cut[2]
                seen[2] += high
                seen[3] += ((term - high) + cut[3]) - cut[3]
            column += n
            mean = (seen[0] + seen[1]) / n
            square = (seen[2] + seen[3]) / n
            if mean * mean > 1000 * (square - mean * mean):
                return NAN
            total += max(square - mean * mean, 0.0)
            if cut[3] > ldexp(1.5, -1022):
                lost += n * cut[3] * ldexp(1, -52)
        total /= self.d
        return total if lost <= MOST_LOST * total * self.d * n else NAN
