# Rows in an order that depends on their values, not on their positions: that of a 64-bit hash of
# their values (kernels/exact/hash.pxi).
#
# Inits draw rows by running sums in this order. So a seed draws the same rows however the data is
# sorted, and a row of weight 2 is drawn by the same random numbers as two equal rows. (Except for
# different rows of the same hash, which occur in one of 10**7 data sets of a million rows.) The
# upper half of the hash is that of the values rounded to float32, so a seed draws the same rows
# whatever their type; the lower half is that of all bits, and orders rows that are equal in
# float32. Zeros do not change the hash, so that of sparse rows needs the stored values only. Only
# the few buckets that draws fall into are sorted.

cdef struct Hashing:
    const Rows *rows
    ExactTable *exact
    Worker *workers
    uint16_t *bucket             # OUT (n,)
    int bits


cdef enum:
    SHELF = 16                   # buckets whose totals are added up side by side; divides their
                                 # number


cdef void add_shelf(Sum *total, const Sum *buckets) noexcept nogil:
    """Add the totals of SHELF buckets. (The sums are exact, so any order is right; this one uses
    whole vectors.)
    """
    cdef const double *part = <const double *>buckets
    cdef double[4 * SUM_PARTS] lanes
    cdef Py_ssize_t i
    cdef int e
    for e in range(4 * SUM_PARTS):
        lanes[e] = part[e]
    for i from 4 * SUM_PARTS <= i < SHELF * SUM_PARTS by 4 * SUM_PARTS:
        for e in range(4 * SUM_PARTS):
            lanes[e] += part[i + e]
    for e in range(4 * SUM_PARTS):
        total.part[e % SUM_PARTS] += lanes[e]


cdef int hash_rows(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                   int worker) noexcept nogil:
    """The bucket of each row: the upper bits of its hash."""
    cdef Hashing *job = <Hashing *>job_
    job.exact.hash_rows(job.rows, start, stop, job.bits, job.workers[worker].block, job.bucket)
    return 0


cdef inline double share_of(const double *weight, const double *sq_nearest,
                            Py_ssize_t row) noexcept nogil:
    """A row's share in draws: its weight, times its squared distance if there is one."""
    cdef double term = 1 if weight == NULL else weight[row]
    return (term if sq_nearest == NULL else sq_nearest[row] if weight == NULL
            else term * sq_nearest[row])


cdef class DrawOrder:
    """Rows of a data set by hash, bucket by bucket."""
    cdef Memory memory
    cdef Py_ssize_t n, buckets
    cdef int bits
    cdef uint16_t *bucket        # (n,)
    cdef int64_t *start          # (buckets + 1,) where each begins in `order`
    cdef int64_t *order          # (n,) rows, bucket by bucket
    cdef uint8_t *sorted_        # (buckets,)
    cdef uint64_t *code          # scratch: hashes of one bucket

    def __cinit__(self, Py_ssize_t n):
        self.n = n
        self.bits = 4
        # a draw reads the totals of all buckets, and sorts one
        while self.bits < 16 and <Py_ssize_t>1 << 2 * self.bits < 16 * n:
            self.bits += 1
        self.buckets = 1 << self.bits
        self.memory = Memory()
        self.bucket = <uint16_t *>self.memory.take(n, sizeof(uint16_t))
        self.start = <int64_t *>self.memory.take(self.buckets + 1, sizeof(int64_t))
        self.order = <int64_t *>self.memory.take(n, sizeof(int64_t))
        self.sorted_ = <uint8_t *>self.memory.take(self.buckets, 1)

    cdef int open(self, View view) except -1:
        """Find the bucket of each row."""
        cdef Hashing job
        job.rows = &view.rows
        job.exact = view.exact
        job.workers = view.workers
        job.bucket = self.bucket
        job.bits = self.bits
        with nogil:
            view.each_chunk(hash_rows, &job, 1.0 * view.rows.d + 5)
        return self.deal()

    cdef int deal(self) except -1:
        """Put the rows into their buckets, in the order of their positions."""
        cdef Memory memory = Memory()
        cdef int64_t *next_ = <int64_t *>memory.take(self.buckets, sizeof(int64_t))
        cdef Py_ssize_t i, b
        cdef int64_t largest = 0
        for i in range(self.n):
            self.start[self.bucket[i] + 1] += 1
        for b in range(self.buckets):
            largest = max(largest, self.start[b + 1])
            self.start[b + 1] += self.start[b]
            next_[b] = self.start[b]
        for i in range(self.n):
            b = self.bucket[i]
            self.order[next_[b]] = i
            next_[b] += 1
        self.code = <uint64_t *>self.memory.take(largest, sizeof(uint64_t))
        return 0

    cdef void sort(self, View view, Py_ssize_t b) noexcept nogil:
        """Sort one bucket by hash, equal rows by position."""
        cdef int64_t *row = self.order + self.start[b]
        cdef uint64_t *code = self.code
        cdef Py_ssize_t count = self.start[b + 1] - self.start[b], i
        cdef bint ready = True
        if self.sorted_[b]:
            return
        self.sorted_[b] = 1
        for i in range(count):
            code[i] = view.exact.hash_row(&view.rows, row[i], view.workers[0].block)
            ready = ready and (i == 0 or code[i - 1] <= code[i])
        if ready:
            return
        for i in range(count // 2 - 1, -1, -1):
            sift(code, row, i, count)
        for i in range(count - 1, 0, -1):
            code[0], code[i] = code[i], code[0]
            row[0], row[i] = row[i], row[0]
            sift(code, row, 0, i)

    cdef ranked(self, View view, uint64_t code, Py_ssize_t count):
        """`Data.ranked`."""
        cdef cnp.ndarray out = np.empty(count, dtype=np.int64)
        cdef cnp.ndarray codes = np.zeros(count, dtype=np.uint64)
        cdef int64_t *row = <int64_t *>cnp.PyArray_DATA(out)
        cdef uint64_t *to = <uint64_t *>cnp.PyArray_DATA(codes)
        cdef char *block = view.workers[0].block
        cdef Py_ssize_t b = code >> (64 - self.bits), first = self.start[b], i
        self.sort(view, b)
        while (first < self.start[b + 1]
               and view.exact.hash_row(&view.rows, self.order[first], block) < code):
            first += 1
        for i in range(count):
            if first == self.n:
                first = 0
            self.sort(view, self.bucket[self.order[first]])
            row[i] = self.order[first]
            if view.weight != NULL:
                to[i] = view.exact.hash_row(&view.rows, row[i], block)
            first += 1
        return out, codes

    cdef cnp.ndarray draw(self, View view, cnp.ndarray u):
        """`Data.draw`."""
        cdef cnp.ndarray out = np.empty(u.shape[0], dtype=np.int64)
        cdef const double *number = <const double *>cnp.PyArray_DATA(u)
        cdef int64_t *row = <int64_t *>cnp.PyArray_DATA(out)
        cdef Memory memory = Memory()
        cdef Sum *totals
        cdef Split split
        cdef double total
        cdef Py_ssize_t i, e, b
        if view.weight == NULL:
            for i in range(u.shape[0]):
                e = min(<Py_ssize_t>(number[i] * view.rows.n),
                        view.rows.n - 1) if number[i] > 0 else 0
                b = self.bucket[self.order[e]]
                self.sort(view, b)
                row[i] = self.order[e]
            return out
        totals = <Sum *>memory.take(self.buckets, sizeof(Sum))
        split_constants(view.heaviest, view.rows.n, split.big, 1)
        for i in range(view.rows.n):
            add_term(totals + self.bucket[i], &split, view.weight[i])
        total = view.total_weight()
        for i in range(u.shape[0]):
            row[i] = self.draw_by(view, NULL, totals, &split, number[i] * total)
        return out

    cdef int64_t draw_by(self, View view, const double *sq_nearest, const Sum *totals,
                         const Split *split, double target) noexcept nogil:
        """The first row, in this order, at which the running sum of shares exceeds the target; if
        there is none, the last row with a share.

        totals : of each bucket
        """
        cdef double n = view.rows.n
        cdef Sum running, before
        cdef Py_ssize_t b = 0, e
        cdef int64_t i
        cdef int p, above
        memset(&running, 0, sizeof(Sum))
        while b < self.buckets:
            before = running
            if b % SHELF == 0:
                add_shelf(&running, totals + b)
                above = exceeds(&running, split, n, target)
                if above == 0:
                    b += SHELF
                    continue
                running = before
            for p in range(SUM_PARTS):
                running.part[p] += totals[b].part[p]
            above = exceeds(&running, split, n, target)
            if above > 0:
                running = before
                self.sort(view, b)
                for e in range(self.start[b], self.start[b + 1]):
                    i = self.order[e]
                    add_term(&running, split, share_of(view.weight, sq_nearest, i))
                    above = exceeds(&running, split, n, target)
                    if above > 0:
                        return i
                    if above < 0:
                        break
            if above < 0:
                return self.draw_exactly(view, sq_nearest, target)
            b += 1
        return self.last_share(view, sq_nearest)

    cdef int64_t draw_exactly(self, View view, const double *sq_nearest,
                              double target) noexcept nogil:
        """`draw_by`, if the target is so near to a running sum that the remainder beyond three
        parts decides.
        """
        cdef Wide running, before
        cdef double about = 0, start
        cdef Py_ssize_t b, e
        cdef int64_t i
        memset(&running, 0, sizeof(Wide))
        for b in range(self.buckets):
            before = running
            start = about
            for e in range(self.start[b], self.start[b + 1]):
                i = self.order[e]
                about += share_of(view.weight, sq_nearest, i)
                wide_add(&running, share_of(view.weight, sq_nearest, i))
            if about < target * (1 - 1e-6):          # far less than so many additions can be off by
                continue
            running = before
            about = start
            self.sort(view, b)
            for e in range(self.start[b], self.start[b + 1]):
                i = self.order[e]
                about += share_of(view.weight, sq_nearest, i)
                wide_add(&running, share_of(view.weight, sq_nearest, i))
                if not about < target * (1 - 1e-6) and wide_value(&running) > target:
                    return i
        return self.last_share(view, sq_nearest)

    cdef int64_t last_share(self, View view, const double *sq_nearest) noexcept nogil:
        """The last row in this order that has a share; 0 if there is none."""
        cdef Py_ssize_t b, e
        for b in range(self.buckets - 1, -1, -1):
            self.sort(view, b)
            for e in range(self.start[b + 1] - 1, self.start[b] - 1, -1):
                if share_of(view.weight, sq_nearest, self.order[e]) > 0:
                    return self.order[e]
        return 0


cdef void sift(uint64_t *code, int64_t *row, Py_ssize_t i, Py_ssize_t count) noexcept nogil:
    """Restore the heap below i: the largest (hash, row) on top."""
    cdef Py_ssize_t child
    while 2 * i + 1 < count:
        child = 2 * i + 1
        if (child + 1 < count and (code[child + 1] > code[child]
                                   or (code[child + 1] == code[child]
                                       and row[child + 1] > row[child]))):
            child += 1
        if code[child] < code[i] or (code[child] == code[i] and row[child] < row[i]):
            return
        code[i], code[child] = code[child], code[i]
        row[i], row[child] = row[child], row[i]
        i = child
