# k-medians: a row belongs to the center at the smallest Manhattan distance, and each feature of a
# center is the median of that feature over the rows of the cluster.
#
# Minimizes sum_i w_i sum_f |x_if - c_jf|, where row i has label j. The median is the lower one: the
# smallest value such that rows with at least half of the cluster's weight have this value or a
# smaller one. Sums of weights are exact, so that they do not depend on the order of the rows.

cdef enum:
    MEDIAN_FEATURES = 8          # features whose values are gathered together
    FEW_VALUES = 600             # fewer values than this are ordered without a sample
    MEDIAN_SAMPLE = 256          # values in the sample that brackets the median


cdef struct Medians:             # IN unless marked
    const Rows *rows             # as they are, but for `d`, which is that of a gathered part
    const double *weights        # (n,) or NULL
    ExactTable *exact
    const int64_t *order         # rows, cluster by cluster
    const int64_t *start         # (count + 1,) where each cluster begins
    const int32_t *cluster       # (count,)
    Py_ssize_t d, parts          # parts: of MEDIAN_FEATURES features
    Py_ssize_t room              # the most rows of a cluster
    double *values               # scratch (threads, MEDIAN_FEATURES, room)
    double *weight               # scratch (threads, 2, room), with weights
    double *weight_sums          # scratch (threads, 4, weight_parts)
    double *kept                 # scratch (threads, room)
    const Sums *how              # how sums of weights are cut
    const int64_t *items         # the parts of clusters to work on: cluster * parts + part
    const uint8_t *wanted        # bit f: the median of its feature f
    double *reach                # OUT (k, d) how far from the new center to look for the next one
    double *out                  # OUT (k, d)


cdef inline const double *row_at(const Rows *rows, ExactTable *exact, Py_ssize_t i,
                                 double *room) noexcept nogil:
    """A row (d,): a pointer to it in place if it can be read there, else to a copy in `room`."""
    if rows.direct and rows.kind == KIND_F64:
        return <const double *>(rows.data + i * rows.row_stride)
    exact.read(rows, i, room)
    return room


cdef inline double middle_of_three(double a, double b, double c) noexcept nogil:
    return max(min(a, b), min(max(a, b), c))


cdef void sort_few(double *x, Py_ssize_t n) noexcept nogil:
    """Sort values by Shell's method."""
    cdef Py_ssize_t gap = 1, i, j
    cdef double value
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            value = x[i]
            j = i
            while j >= gap and x[j - gap] > value:
                x[j] = x[j - gap]
                j -= gap
            x[j] = value
        gap //= 3


cdef double pivot_of(const double *x, Py_ssize_t n) noexcept nogil:
    """A value that is probably near the median: the median of three medians of three values."""
    cdef Py_ssize_t step = n // 9
    if n < 9:
        return x[n // 2]
    return middle_of_three(
        middle_of_three(x[0], x[step], x[2 * step]),
        middle_of_three(x[3 * step], x[4 * step], x[5 * step]),
        middle_of_three(x[6 * step], x[7 * step], x[n - 1]))


cdef double select_in(double *x, Py_ssize_t n, Py_ssize_t rank) noexcept nogil:
    """The value at position `rank` in ascending order; reorders `x`.

    Quickselect. After 100 rounds, which only adversarial values take, the rest is sorted.
    """
    cdef Py_ssize_t low = 0, high = n, below, equal, i, rounds = 0
    cdef double pivot, value
    while high - low > 16 and rounds < 100:
        pivot = pivot_of(x + low, high - low)
        below = low                           # [low, below) is less than the pivot
        for i in range(low, high):
            value = x[i]
            x[i] = x[below]
            x[below] = value
            below += value < pivot
        if rank < below:
            high = below
        else:
            equal = below                     # [below, equal) is equal
            for i in range(below, high):
                value = x[i]
                x[i] = x[equal]
                x[equal] = value
                equal += value <= pivot
            if rank < equal:
                return pivot
            low = equal
        rounds += 1
    sort_few(x + low, high - low)
    return x[rank]


cdef double lower_median(double *x, Py_ssize_t n, double *kept) noexcept nogil:
    """The lower median of n values.

    kept  scratch (n,)
    """
    cdef Py_ssize_t rank = (n - 1) // 2, below = 0, count = 0, step, i
    cdef double sample[MEDIAN_SAMPLE]
    cdef double low, high, value
    if n < FEW_VALUES:
        return select_in(x, n, rank)
    # Nearly always the median lies between the two values of the sorted sample that are 20 places,
    # or 2.5 standard deviations, from its middle. Then only the values between them are searched.
    step = n // MEDIAN_SAMPLE
    for i in range(MEDIAN_SAMPLE):
        sample[i] = x[i * step + (i * 7919) % step]
    sort_few(sample, MEDIAN_SAMPLE)
    low = sample[MEDIAN_SAMPLE // 2 - 20]
    high = sample[MEDIAN_SAMPLE // 2 + 20]
    for i in range(n):
        value = x[i]
        kept[count] = value
        below += value < low
        count += (value >= low) & (value <= high)
    if below <= rank < below + count:
        return select_in(kept, count, rank - below)
    return select_in(x, n, rank)


cdef inline void cut_weight(double *total, const Sums *how, double w) noexcept nogil:
    """Add a weight to an exact sum."""
    cdef double high
    cdef int p
    for p in range(how.weight_parts - 1):
        high = (w + how.weight_big[p]) - how.weight_big[p]
        total[p] += high
        w -= high
    total[how.weight_parts - 1] += w


cdef bint reaches_half(const double *some, const double *more, const double *total,
                       double *scratch, int parts) noexcept nogil:
    """Whether the sum of the exact sums `some` and `more` is at least half of `total`."""
    cdef int p
    for p in range(parts):
        scratch[p] = 2 * (some[p] + more[p]) - total[p]
    return sum_value(scratch, 1, parts) >= 0


cdef double weighted_median(double *x, double *w, Py_ssize_t n, const Sums *how,
                            double *sums) noexcept nogil:
    """The lower median of n values with positive weights; reorders both.

    sums  scratch (4, weight_parts)
    """
    cdef int parts = how.weight_parts, p
    cdef double *total = sums
    cdef double *before = sums + parts        # of the values known to be below the median
    cdef double *less = sums + 2 * parts
    cdef double *scratch = sums + 3 * parts
    cdef Py_ssize_t low = 0, high = n, below, equal, i
    cdef double pivot, value, weight
    memset(sums, 0, 4 * parts * sizeof(double))
    for i in range(n):
        cut_weight(total, how, w[i])
    while high - low > 1:
        pivot = pivot_of(x + low, high - low)
        below = low
        memset(less, 0, parts * sizeof(double))
        for i in range(low, high):
            value = x[i]
            weight = w[i]
            x[i] = x[below]
            w[i] = w[below]
            x[below] = value
            w[below] = weight
            if value < pivot:
                below += 1
                cut_weight(less, how, weight)
        if below > low and reaches_half(before, less, total, scratch, parts):
            high = below
            continue
        equal = below
        for i in range(below, high):
            value = x[i]
            weight = w[i]
            x[i] = x[equal]
            w[i] = w[equal]
            x[equal] = value
            w[equal] = weight
            equal += value <= pivot
        for i in range(below, equal):
            cut_weight(less, how, w[i])
        # equal == low: another thread has changed values to NaN.
        if equal == high or equal == low or reaches_half(before, less, total, scratch, parts):
            return pivot
        for p in range(parts):
            before[p] += less[p]
        low = equal
    return x[low]


cdef inline double share_of_candidates(double count) noexcept nogil:
    """The share of so many values among which the next median is looked for: of few, more, since
    their median moves farther.
    """
    return min(0.25, 1 / 16.0 + 2 / sqrt(count))


cdef int find_medians(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                      int worker) noexcept nogil:
    """Find the medians of some clusters in some features. PANEL numbers of the range [start, stop)
    stand for one item of `job.items`.
    """
    cdef Medians *job = <Medians *>job_
    cdef Rows part = job.rows[0]
    cdef double *values = job.values + worker * MEDIAN_FEATURES * job.room
    cdef double *own = job.weight + worker * 2 * job.room
    cdef double *weights = own + job.room
    cdef double *kept = job.kept + worker * job.room
    cdef double row[MEDIAN_FEATURES]
    cdef const double *x
    cdef double spread
    cdef bint in_place
    cdef const int64_t *order
    cdef Py_ssize_t item, c, first, n, i, f
    for item in range(start // PANEL, (stop + PANEL - 1) // PANEL):
        c = job.items[item] // job.parts
        first = job.items[item] % job.parts * MEDIAN_FEATURES
        part.d = min(<Py_ssize_t>MEDIAN_FEATURES, job.d - first)
        part.data = job.rows.data + first * job.rows.col_stride
        part.direct = False
        order = job.order + job.start[c]
        n = job.start[c + 1] - job.start[c]
        in_place = job.rows.direct and job.rows.kind == KIND_F64
        for i in range(n):
            x = row
            if in_place:
                x = <const double *>(part.data + order[i] * part.row_stride)
            else:
                job.exact.read(&part, order[i], row)
            for f in range(part.d):
                values[f * job.room + i] = x[f] + 0.0         # not -0.0
        if job.weights != NULL:
            for i in range(n):
                own[i] = job.weights[order[i]]
        for f in range(part.d):
            if not job.wanted[item] >> f & 1:
                continue
            if job.weights == NULL:
                row[0] = lower_median(values + f * job.room, n, kept)
            else:
                memcpy(weights, own, n * sizeof(double))
                row[0] = weighted_median(values + f * job.room, weights, n, job.how,
                                         job.weight_sums + worker * 4 * job.how.weight_parts)
            job.out[job.cluster[c] * job.d + first + f] = row[0]
            if job.weights == NULL:
                spread = 0
                for i in range(n):
                    spread += fabs(values[f * job.room + i] - row[0])
                # Of many distributions, about this share of values is that near to the median.
                job.reach[job.cluster[c] * job.d + first + f] = (1.5 * share_of_candidates(n)
                                                                 * spread / n)
    return 0


cdef class MedianClusters(Clusters):
    """Centers that are the medians of their rows.

    For a cluster that few rows join or leave, the values near its medians are stored in order, and
    updated for each such row. For the other clusters whose rows have changed, one pass over the
    rows looks for the medians near the last ones. Medians that are not found there are found
    cluster by cluster from all values.
    """
    cdef int64_t *moved          # (k,) rows that joined or left a cluster in the last pass
    cdef uint8_t *known          # (k,) whether values are stored. They are those of the labels
                                 # before a pass; once it is collected, those of the new labels
    cdef double **near_          # (k,) the stored values, from `from_` to `to`, in order: (d, room)
    cdef Py_ssize_t *room        # (k,)
    cdef int64_t *length         # (k, d) the number of stored values
    cdef int64_t *under          # (k, d) the number of values below `from_`
    cdef double *from_           # (k, d)
    cdef double *to              # (k, d)
    cdef double *reach           # (k, d) the next median is looked for within this distance of the
                                 # last; below 0 where that is not known
    cdef int32_t *before         # (n,) labels before the pass
    cdef const int32_t *label    # (n,) after it
    cdef int64_t *left_out       # (k,) rows that are left out of the next update
    cdef Py_ssize_t n_left_out

    cdef int new_tallies(self, Tally *tallies, int count) except -1:
        """Allocate weights and counts only."""
        tallies.weights = <double *>self.memory.take(self.k * self.cuts.sums.weight_parts,
                                                     sizeof(double))
        tallies.counts = <int64_t *>self.memory.take(self.k, sizeof(int64_t))
        tallies.touched = <uint8_t *>self.memory.take(self.k, 1)
        return 0

    cdef int open_tallies(self) except -1:
        cdef Py_ssize_t e
        self.before = <int32_t *>self.memory.take(self.view.rows.n, sizeof(int32_t))
        self.reach = <double *>self.memory.take(self.k * self.d, sizeof(double))
        for e in range(self.k * self.d):
            self.reach[e] = -1
        self.moved = <int64_t *>self.memory.take(self.k, sizeof(int64_t))
        self.known = <uint8_t *>self.memory.take(self.k, 1)
        self.room = <Py_ssize_t *>self.memory.take(self.k, sizeof(Py_ssize_t))
        self.length = <int64_t *>self.memory.take(2 * self.k * self.d, sizeof(int64_t))
        self.under = self.length + self.k * self.d
        self.from_ = <double *>self.memory.take(2 * self.k * self.d, sizeof(double))
        self.to = self.from_ + self.k * self.d
        self.near_ = <double **>self.memory.take(self.k, sizeof(double *))
        self.left_out = <int64_t *>self.memory.take(self.k + 1, sizeof(int64_t))
        return 0

    def __dealloc__(self):
        cdef Py_ssize_t j
        for j in range(self.k if self.near_ != NULL else 0):
            free(self.near_[j])

    cdef void lend(self, const int32_t *label) noexcept nogil:
        memcpy(self.before, label, self.view.rows.n * sizeof(int32_t))

    cdef void collect(self, const int32_t *label) noexcept nogil:
        cdef double *room = <double *>self.view.workers[0].block
        cdef const double *row
        cdef Py_ssize_t i, j
        cdef int32_t old
        cdef bint any_known = False
        self.label = label
        memset(self.moved, 0, self.k * sizeof(int64_t))
        if not self.view.threads.changed():
            return
        for i in range(self.view.rows.n):
            if self.before[i] != label[i]:
                if self.before[i] >= 0:
                    self.change(i, self.before[i], -1)
                    self.moved[self.before[i]] += 1
                self.change(i, label[i], 1)
                self.moved[label[i]] += 1
        for j in range(self.k):
            self.known[j] = self.known[j] and self.few_moved(j)
            any_known = any_known or self.known[j]
        for i in range(self.view.rows.n if any_known else 0):
            old = self.before[i]
            if old != label[i] and (self.known[label[i]] or old >= 0 and self.known[old]):
                row = row_at(&self.view.rows, self.view.exact, i, room)
                if old >= 0 and self.known[old]:
                    self.take_out(old, row)
                if self.known[label[i]]:
                    self.put_in(label[i], row)

    cdef bint few_moved(self, Py_ssize_t j) noexcept nogil:
        """Whether so few rows have moved that it pays to update the stored values row by row."""
        return 32 * self.moved[j] <= self.total.counts[j]

    cdef int64_t place_of(self, Py_ssize_t e, const double *values, double value) noexcept nogil:
        """The number of stored values that are less than this one."""
        cdef int64_t low = 0, high = self.length[e], middle
        while low < high:
            middle = (low + high) // 2
            if values[middle] < value:
                low = middle + 1
            else:
                high = middle
        return low

    cdef void take_out(self, Py_ssize_t j, const double *row) noexcept nogil:
        """Update the stored values of a cluster that a row has left."""
        cdef Py_ssize_t f, e
        cdef double *values
        cdef int64_t at
        for f in range(self.d):
            e = j * self.d + f
            if row[f] < self.from_[e]:
                self.under[e] -= 1
            elif row[f] <= self.to[e]:
                values = self.near_[j] + f * self.room[j]
                at = self.place_of(e, values, row[f])
                if at == self.length[e] or values[at] != row[f]:
                    self.known[j] = False    # the row has been changed by another thread
                    return
                self.length[e] -= 1
                memmove(values + at, values + at + 1, (self.length[e] - at) * sizeof(double))

    cdef void put_in(self, Py_ssize_t j, const double *row) noexcept nogil:
        """Update the stored values of a cluster that a row has joined."""
        cdef Py_ssize_t f, e
        cdef double *values
        cdef int64_t at
        for f in range(self.d):
            e = j * self.d + f
            if row[f] < self.from_[e]:
                self.under[e] += 1
            elif row[f] <= self.to[e]:
                if self.length[e] == self.room[j]:
                    self.known[j] = False
                    return
                values = self.near_[j] + f * self.room[j]
                at = self.place_of(e, values, row[f])
                memmove(values + at + 1, values + at, (self.length[e] - at) * sizeof(double))
                values[at] = row[f] + 0.0
                self.length[e] += 1

    cdef bint find_known(self, Py_ssize_t j) noexcept nogil:
        """Take the medians from the stored values; False where one is not among them."""
        cdef int64_t rank = (self.total.counts[j] - 1) // 2
        cdef Py_ssize_t f, e
        for f in range(self.d):
            e = j * self.d + f
            if not self.under[e] <= rank < self.under[e] + self.length[e]:
                self.known[j] = False
                return False
            self.fresh[e] = self.near_[j][f * self.room[j] + rank - self.under[e]]
        return True

    cdef int know(self, Py_ssize_t j, const double *values, const int64_t *start,
                  const int64_t *below, const double *low, const double *high) except -1:
        """Store the values of a cluster that are near its medians; see `find_near`.

        values  IN  those of place e lie from start[e - 1] to start[e]
        """
        cdef Py_ssize_t d = self.d, f, e, room = 16
        cdef int64_t first, count
        cdef double *kept
        cdef int64_t i
        for f in range(d):
            e = j * d + f
            first = start[e - 1] if e > 0 else 0
            room = max(room, <Py_ssize_t>(start[e] - first) * 5 // 4 + 16)
        kept = <double *>realloc(self.near_[j], d * room * sizeof(double))
        if kept == NULL:
            raise MemoryError()
        self.near_[j] = kept
        self.room[j] = room
        for f in range(d):
            e = j * d + f
            first = start[e - 1] if e > 0 else 0
            count = start[e] - first
            for i in range(count):
                kept[f * room + i] = values[first + i] + 0.0
            sort_few(kept + f * room, count)
            self.length[e] = count
            self.under[e] = below[e]
            self.from_[e] = low[e]
            self.to[e] = high[e]
        self.known[j] = True
        return 0

    cdef void change(self, Py_ssize_t row, int32_t label, int sign) noexcept nogil:
        cdef double w = 1 if self.view.weight == NULL else self.view.weight[row]
        self.total.counts[label] += sign
        if w > 0:
            self.total.touched[label] = 1
            if self.cuts.sums.weighted:
                cut_weight(self.total.weights + label * self.cuts.sums.weight_parts,
                           &self.cuts.sums, sign * w)

    cdef void move(self, Py_ssize_t row, int32_t label, int sign) noexcept nogil:
        """Leave a row out of the next update (-1), or include it again (1)."""
        cdef Py_ssize_t i
        self.change(row, label, sign)
        if sign < 0:
            self.left_out[self.n_left_out] = row
            self.n_left_out += 1
            return
        for i in range(self.n_left_out):
            if self.left_out[i] == row:
                self.n_left_out -= 1
                self.left_out[i] = self.left_out[self.n_left_out]
                return

    cdef bint is_left_out(self, Py_ssize_t row) noexcept nogil:
        cdef Py_ssize_t i
        for i in range(self.n_left_out):
            if self.left_out[i] == row:
                return True
        return False

    cdef int find_all(self) except -1 nogil:
        """Find the medians of the clusters whose rows have changed, as their next centers."""
        with gil:
            return self.find_with_gil()

    cdef int find_with_gil(self) except -1:
        cdef Memory memory = Memory()
        cdef Py_ssize_t d = self.d, parts = (d + MEDIAN_FEATURES - 1) // MEDIAN_FEATURES, j, f
        cdef uint8_t *active = <uint8_t *>memory.take(self.k, 1)
        cdef uint8_t *left = <uint8_t *>memory.take(self.k * parts, 1)
        for j in range(self.k):
            active[j] = self.total.touched[j] and self.cuts.weight_of(&self.total, j) > 0
            if active[j] and self.known[j] and self.n_left_out == 0 and self.find_known(j):
                active[j] = False
            memset(left + j * parts, 0xff if active[j] else 0, parts)
        if self.view.weight == NULL and self.n_left_out == 0:
            self.find_near(active, left, parts)
        return self.find_left(left, parts)

    cdef int find_near(self, uint8_t *active, uint8_t *left, Py_ssize_t parts) except -1:
        """Look for medians near the centers.

        active  INOUT  (k,) whether the medians of a cluster are looked for; set to False where it
                       is not known how far to look
        left    INOUT  (k, parts) the medians that are still to be found in a part of the features:
                       bit f is that of its feature f
        """
        cdef Memory memory = Memory()
        cdef Py_ssize_t n = self.view.rows.n, k = self.k, d = self.d, size = k * d, e, i, j, f, rank
        cdef int threads = self.view.n_threads, worker
        cdef int64_t rows = 0, total, at
        cdef double *low = <double *>memory.take(size, sizeof(double))
        cdef double *high = <double *>memory.take(size, sizeof(double))
        cdef int64_t *start
        cdef double *value
        cdef bint crowded = False, whole
        cdef Bracketing job
        for j in range(k):
            for f in range(d):
                active[j] = active[j] and self.reach[j * d + f] >= 0
                low[j * d + f] = self.center[j * d + f] - self.reach[j * d + f]
                high[j * d + f] = self.center[j * d + f] + self.reach[j * d + f]
            rows += self.total.counts[j] if active[j] else 0
        if rows == 0:
            return 0
        job.rows = &self.view.rows
        job.workers = self.view.workers
        job.label = self.label
        job.active = active
        job.k = k
        job.low = low
        job.high = high
        job.below = <int64_t *>memory.take(threads * size, sizeof(int64_t))
        # Room for twice the even share of a thread if a quarter of the values are candidates.
        job.room = rows * d // (2 * threads) + 1024 * d
        job.found = <Candidate *>memory.take(threads * job.room, sizeof(Candidate), True)
        job.used = <int64_t *>memory.take(threads, sizeof(int64_t))
        with nogil:
            self.view.each_chunk(self.view.exact.look_between, &job, 0.5 * d + 5)
        start = <int64_t *>memory.take(size + 1, sizeof(int64_t))
        for worker in range(threads):
            crowded = crowded or job.used[worker] == job.room
            for i in range(job.used[worker]):
                start[job.found[worker * job.room + i].place + 1] += 1
            for e in range(size if worker > 0 else 0):
                job.below[e] += job.below[worker * size + e]
        for e in range(size):
            start[e + 1] += start[e]
        value = <double *>memory.take(max(start[size], <int64_t>1), sizeof(double), True)
        for worker in range(threads):
            for i in range(job.used[worker]):
                e = job.found[worker * job.room + i].place
                value[start[e]] = job.found[worker * job.room + i].value
                start[e] += 1                # from the beginning of each place to its end
        for j in range(k):
            if not active[j]:
                continue
            memset(left + j * parts, 0xff if crowded else 0, parts)
            whole = not crowded and self.few_moved(j)
            rank = (self.total.counts[j] - 1) // 2
            for f in range(d):
                e = j * d + f
                at = start[e - 1] if e > 0 else 0
                total = start[e] - at
                if job.below[e] <= rank < job.below[e] + total:
                    self.fresh[e] = select_in(value + at, total, rank - job.below[e]) + 0.0
                else:
                    left[j * parts + f // MEDIAN_FEATURES] |= 1 << f % MEDIAN_FEATURES
                    whole = False
                self.reach[e] *= min(2.0, max(0.5, share_of_candidates(self.total.counts[j])
                                              * self.total.counts[j] / (total + 1)))
            if whole:
                self.know(j, value, start, job.below, low, high)
        return 0

    cdef int find_left(self, const uint8_t *left, Py_ssize_t parts) except -1:
        """Find the medians of some clusters in some of their features, see `find_near`."""
        cdef Memory memory = Memory()
        cdef Py_ssize_t n = self.view.rows.n, k = self.k, j, i, c, count = 0, total = 0, most = 1
        cdef Py_ssize_t n_items = 0, p
        cdef int threads = self.view.n_threads
        cdef int64_t *order
        cdef int64_t *items = <int64_t *>memory.take(k * parts, sizeof(int64_t))
        cdef uint8_t *wanted = <uint8_t *>memory.take(k * parts, 1)
        cdef int64_t *start = <int64_t *>memory.take(k + 1, sizeof(int64_t))
        cdef int64_t *at = <int64_t *>memory.take(k + 1, sizeof(int64_t))
        cdef int32_t *cluster = <int32_t *>memory.take(k, sizeof(int32_t))
        cdef int64_t *place = <int64_t *>memory.take(k, sizeof(int64_t))
        cdef const double *weight = self.view.weight
        cdef const int32_t *label = self.label
        cdef Medians job
        for j in range(k):
            place[j] = -1
            for p in range(parts):
                if left[j * parts + p]:
                    place[j] = count
                    items[n_items] = count * parts + p
                    wanted[n_items] = left[j * parts + p]
                    n_items += 1
            if place[j] >= 0:
                cluster[count] = <int32_t>j
                count += 1
        if count == 0:
            return 0
        for i in range(n):
            if place[label[i]] >= 0 and (weight == NULL or weight[i] > 0):
                start[place[label[i]] + 1] += 1
        for c in range(count):
            most = max(most, <Py_ssize_t>start[c + 1])
            start[c + 1] += start[c]
            at[c] = start[c]
        order = <int64_t *>memory.take(max(<Py_ssize_t>start[count], <Py_ssize_t>1),
                                       sizeof(int64_t))
        for i in range(n):
            c = place[label[i]]
            # Another thread may have changed weights since rows were counted.
            if c >= 0 and (weight == NULL or weight[i] > 0) and at[c] < start[c + 1]:
                order[at[c]] = i
                at[c] += 1
        if self.n_left_out:
            for c in range(count):
                i = start[c]
                start[c] = total
                while i < at[c]:
                    if not self.is_left_out(order[i]):
                        order[total] = order[i]
                        total += 1
                    i += 1
            start[count] = total
        job.rows = &self.view.rows
        job.weights = weight
        job.exact = self.view.exact
        job.order, job.start, job.cluster, job.items = order, start, cluster, items
        job.wanted = wanted
        job.d = self.d
        job.parts = parts
        job.room = most + 1
        job.values = <double *>memory.take(threads * MEDIAN_FEATURES * job.room, sizeof(double),
                                           True)
        job.kept = <double *>memory.take(threads * job.room, sizeof(double), True)
        job.weight = <double *>memory.take(threads * 2 * job.room if weight != NULL else 1,
                                           sizeof(double), True)
        job.weight_sums = <double *>memory.take(threads * 4 * self.cuts.sums.weight_parts,
                                                sizeof(double))
        job.how = &self.cuts.sums
        job.reach = self.reach
        job.out = self.fresh
        with nogil:
            self.view.threads.each_chunk(find_medians, &job, n_items * PANEL,
                                         4.0 * MEDIAN_FEATURES * n / count / PANEL + 1, PANEL)
        return 0

    cdef void update(self, Py_ssize_t j) noexcept nogil:
        cdef Py_ssize_t d = self.d, f
        cdef double step
        for f in range(d):
            step = self.fresh[j * d + f] - self.center[j * d + f]
            self.shift += step * step
            self.center[j * d + f] = self.fresh[j * d + f]


cdef class MedianRule(Rule):
    """Centers that are medians, for data with the Manhattan metric."""

    cdef int open(self, Run run) except -1:
        run.job.sums = NULL                  # no means are needed
        return 0

    def algorithm(self):
        return Algorithm((Floats,), (Leads, AllCenters))

    cdef Clusters clusters(self, Run run):
        return MedianClusters()
