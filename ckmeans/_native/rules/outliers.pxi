# The rows farthest from their centers are left out and do not affect the centers: k-means-- (Chawla
# & Gionis, SIAM Data Mining 2013).
#
# For given centers, the inertia is lowest if the rows of the largest weight times squared distance
# are left out. So neither half of an iteration raises the inertia, and the iterations end. Upper
# bounds tell which rows may be among the farthest: the distance of a row to its nearest center
# grows by at most the distance that this center has moved. The rows that were left out in the last
# iteration are measured first. Of the others, only those are measured whose upper bound is not
# below all of these distances.

cdef struct Far:         # rows that are measured; IN unless marked
    const Rows *rows
    ExactTable *exact
    Worker *workers
    const int64_t *ids           # (count,)
    const int32_t *label         # (n,)
    const double *centers        # (k, d)
    double *squares              # OUT (count,)


cdef int measure_far(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                     int worker) noexcept nogil:
    """Squared distances of listed rows [start, stop) to their centers."""
    cdef Far *job = <Far *>job_
    cdef double *x = <double *>job.workers[worker].block
    cdef const double *c
    cdef Py_ssize_t i, f
    cdef double t, s
    for i in range(start, stop):
        job.exact.read(job.rows, job.ids[i], x)
        c = job.centers + job.label[job.ids[i]] * job.rows.d
        s = 0
        for f in range(job.rows.d):
            t = x[f] - c[f]
            s += t * t
        job.squares[i] = s
    return 0


cdef class Outliers(Rule):
    """Leaves out a number of rows, those of the largest weight times squared distance.

    Parameters
    ----------
    count : int
        Less than the number of rows.
    kept : ndarray of shape (n,), int32, or None
        Labels of rows that are never left out; -1: those that may be.
    """
    cdef Py_ssize_t count
    cdef object given
    cdef const int32_t *kept     # (n,) or NULL
    cdef Memory memory
    cdef double *upper           # (n,) bounds of the distance to the nearest center
    cdef int32_t *nearest        # (n,) that center, when the bound held
    cdef double *before          # (k, d) centers at that time
    cdef double *moved           # (k,) scratch
    cdef int64_t *ids            # (n,) scratch: rows that are measured,
    cdef double *squares         # (n,) and how far they are; then, times their weight
    cdef int64_t *out            # (count,) rows that are left out
    cdef bint measured           # whether bounds are known

    def __cinit__(self, Py_ssize_t count, kept=None):
        if count < 0:
            raise ValueError(f"there cannot be {count} outliers.")
        self.amends = True
        self.count = count
        self.given = kept

    cdef int open(self, Run run) except -1:
        cdef Py_ssize_t n = run.data.rows.n, k = run.k, d = run.data.rows.d
        if self.count >= n:
            raise ValueError(f"there cannot be {self.count} outliers among {n} rows.")
        self.memory = Memory()
        if self.given is not None:
            self.kept = labels_of(self.given, n, k, self.memory, -1)
        self.upper = <double *>self.memory.take(n, sizeof(double))
        self.nearest = <int32_t *>self.memory.take(n, sizeof(int32_t))
        self.before = <double *>self.memory.take(k * d, sizeof(double))
        self.moved = <double *>self.memory.take(k, sizeof(double))
        self.ids = <int64_t *>self.memory.take(n, sizeof(int64_t), True)
        self.squares = <double *>self.memory.take(n, sizeof(double), True)
        self.out = <int64_t *>self.memory.take(self.count, sizeof(int64_t))
        return 0

    cdef int amend(self, Run run, int32_t *label) except -1 nogil:
        cdef Py_ssize_t n = run.data.rows.n, found = 0, i
        cdef double w
        if self.count == 0:
            return 0
        if self.measured:
            found = self.near_the_limit(run, label)
        else:
            with gil:
                run.data.measure(run.clusters.center, run.k, label, self.squares)
            for i in range(n):
                self.ids[i] = i
                self.upper[i] = sqrt(self.squares[i]) * (1 + 1e-12)
            found = n
        memcpy(self.before, run.clusters.center, run.k * run.data.rows.d * sizeof(double))
        memcpy(self.nearest, label, n * sizeof(int32_t))
        for i in range(found):
            w = self.weight_of(run, self.ids[i])
            # Rows without weight are not left out: they come after all others.
            self.squares[i] = w * self.squares[i] if w > 0 else -1
        with gil:
            self.take_farthest(run, found)
        self.measured = True
        for i in range(self.count):
            if self.out[i] >= 0:
                label[self.out[i]] = -1
        return 0

    cdef inline double weight_of(self, Run run, Py_ssize_t row) noexcept nogil:
        """A row's weight; 0 for those that are not left out."""
        if self.kept != NULL and self.kept[row] >= 0:
            return 0
        return 1 if run.data.weight == NULL else run.data.weight[row]

    cdef Py_ssize_t near_the_limit(self, Run run, const int32_t *label) except -1 nogil:
        """Measure the rows that may be among the farthest; returns their number."""
        cdef Py_ssize_t n = run.data.rows.n, d = run.data.rows.d, found = 0, i, j, f
        cdef double limit = INFINITY, t, s
        for j in range(run.k):
            s = 0
            for f in range(d):
                t = run.clusters.center[j * d + f] - self.before[j * d + f]
                s += t * t
            self.moved[j] = sqrt(s) * (1 + 1e-12 * d)
        for i in range(self.count):
            if self.out[i] >= 0:
                self.ids[found] = self.out[i]
                found += 1
        self.measure_listed(run, label, found)
        for i in range(found):
            limit = min(limit, self.weight_of(run, self.ids[i]) * self.squares[i])
        if found < self.count:               # there are no more rows with weight
            limit = 0
        limit *= 1 - 1e-12
        found = 0
        for i in range(n):
            self.upper[i] = (self.upper[i] + self.moved[self.nearest[i]]) * (1 + 1e-15)
            if self.weight_of(run, i) * (self.upper[i] * self.upper[i]) >= limit:
                self.ids[found] = i
                found += 1
        self.measure_listed(run, label, found)
        for i in range(found):
            self.upper[self.ids[i]] = sqrt(self.squares[i]) * (1 + 1e-12)
        return found

    cdef int measure_listed(self, Run run, const int32_t *label, Py_ssize_t count) except -1 nogil:
        cdef Far job
        job.rows = &run.data.rows
        job.exact = run.data.exact
        job.workers = run.data.workers
        job.ids = self.ids
        job.label = label
        job.centers = run.clusters.center
        job.squares = self.squares
        return run.data.threads.each_chunk(measure_far, &job, count, 2.0 * run.data.rows.d + 5)

    cdef int take_farthest(self, Run run, Py_ssize_t found) except -1:
        """Choose the rows that are left out: those with the largest scores among the listed rows;
        of equal scores the rows that come first in the order of their hashes.
        """
        cdef cnp.ndarray scores = np.empty(found)
        cdef double *score = <double *>cnp.PyArray_DATA(scores)
        cdef Py_ssize_t count = min(self.count, found), taken = 0, level = 0, i
        cdef double limit = 0
        memcpy(score, self.squares, found * sizeof(double))
        if count:
            limit = np.partition(scores, found - count)[found - count]
        for i in range(self.count):
            self.out[i] = -1
        for i in range(found):
            if self.squares[i] > limit:
                self.out[taken] = self.ids[i]
                taken += 1
            level += self.squares[i] == limit
        if limit < 0:                        # rows without weight
            return 0
        if taken + level == count:
            for i in range(found):
                if self.squares[i] == limit:
                    self.out[taken] = self.ids[i]
                    taken += 1
            return 0
        return self.take_level(run, found, limit, taken, count)

    cdef int take_level(self, Run run, Py_ssize_t found, double limit, Py_ssize_t taken,
                        Py_ssize_t count) except -1:
        """Fill up with rows of one score, in the order of their hashes."""
        cdef Memory memory = Memory()
        cdef uint8_t *equal = <uint8_t *>memory.take(run.data.rows.n, 1)
        cdef DrawOrder order = run.data.need_draw_order()
        cdef Py_ssize_t b, e
        for e in range(found):
            if self.squares[e] == limit:
                equal[self.ids[e]] = 1
        for b in range(order.buckets):
            order.sort(run.data, b)
            for e in range(order.start[b], order.start[b + 1]):
                if equal[order.order[e]] and taken < count:
                    self.out[taken] = order.order[e]
                    taken += 1
        return 0
