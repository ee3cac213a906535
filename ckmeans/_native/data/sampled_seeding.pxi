# k-means++ with candidates that are compared with a sample of the rows: see `SampledPlusPlus`.

cdef enum:
    BATCH = 64                   # centers that are chosen together, at most,
    BATCH_SHARE = 8              # and at most one for so many that there are
    POOL = 10                    # candidates for each of them
    SAMPLED_ROWS = 6             # of the sample for each center of the result,
    LEAST_SAMPLE = 4096          # at least,
    MOST_SAMPLE = 131071         # and at most: times SHARE, it fits into an int32_t
    RATIOS = 1 << 24             # ratios that are kept, at most
    NUMBERS = 2                  # random numbers for a batch

cdef double REDRAWN = 0.9        # the part of the potential below which the sample is drawn anew

cdef double TRIED_AGAIN = 0.5    # the same where 16 bits did not tell distances

cdef double FINE = 0.25          # how coarse whole numbers may be: the mean over the sample of the
                                 # square of a unit, times the number of features, over the squared
                                 # distance to the nearest center


cdef struct Sampling:
    const Rows *rows
    ExactTable *exact
    const int64_t *row           # (count,) the sample
    const double *sq_nearest     # (n,) of all rows
    const double *origin         # (d,) of whole numbers,
    double scale                 # what values are multiplied by,
    double most                  # and the largest one
    Py_ssize_t words             # of a row in whole numbers
    int32_t *panels              # (stride / PANEL, words, PANEL) candidates,
    int32_t *sq_norms            # (stride,) and their squared norms
    Py_ssize_t stride            # candidates, rounded up to PANEL
    int32_t *rows_of             # (count, words) the sample,
    int32_t *sq_norms_of         # (count,) its squared norms,
    float *inverse               # (count,) SHARE / squared distance to the nearest center when it
                                 # was drawn,
    int16_t *left                # (count,) and that distance now, times `inverse`
    char *rooms                  # (threads, room)
    Py_ssize_t room
    int16_t *ratios              # OUT (count, stride) see kernels/filter/sampled.pxi
    uint64_t *closer             # OUT (stride / PANEL, count) see kernels/filter/sampled.pxi
    int32_t *gains               # INOUT (threads, stride)
    Py_ssize_t count             # rows of the sample; 0: all is done by `PlusPlus`


cdef int32_t in_whole_numbers(const Sampling *job, Py_ssize_t row, double *values, int16_t *to,
                              Py_ssize_t step) noexcept nogil:
    """Put a row in whole numbers, in pairs that are `step` pairs apart; returns its squared norm.

    Values count as float32, so that results do not depend on the type of the rows.
    """
    cdef Py_ssize_t d = job.rows.d, f
    cdef double value
    cdef int32_t number, sq_norm = 0
    job.exact.read(job.rows, row, values)
    for f in range(d):
        value = (<double><float>values[f] - job.origin[f]) * job.scale
        value = value if value < job.most else job.most      # (if the array is changed meanwhile,
        value = value if value > -job.most else -job.most    # NaN, too, are within the limits)
        number = <int32_t>(value + 32768.5) - 32768          # the nearest
        to[f // 2 * 2 * step + f % 2] = <int16_t>number
        sq_norm += number * number
    return sq_norm


cdef int open_sample(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                     int worker) noexcept nogil:
    """Rows [start, stop) of the sample, which was drawn anew, in whole numbers."""
    cdef Sampling *job = <Sampling *>job_
    cdef double *values = <double *>(job.rooms + worker * job.room)
    cdef double sq_scale = job.scale * job.scale
    cdef Py_ssize_t s
    for s in range(start, stop):
        job.rows_of[(s + 1) * job.words - 1] = 0             # if the number of features is odd
        job.sq_norms_of[s] = in_whole_numbers(job, job.row[s], values,
                                              <int16_t *>(job.rows_of + s * job.words), 1)
        job.inverse[s] = <float>(SHARE / (job.sq_nearest[job.row[s]] * sq_scale))
    return 0


cdef int compare_sample(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                        int worker) noexcept nogil:
    """Ratios of rows [start, stop) of the sample and all candidates."""
    cdef Sampling *job = <Sampling *>job_
    cdef double sq_scale = job.scale * job.scale
    cdef Py_ssize_t words = job.words, first, count, s, p
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        for s in range(first, first + count):
            job.left[s] = <int16_t>min(job.sq_nearest[job.row[s]] * sq_scale * job.inverse[s],
                                       <double>SHARE)
        for p from 0 <= p < job.stride by PANEL:
            filter_table.sample_ratios(job.panels + p * words, job.sq_norms + p, words,
                                       job.rows_of + first * words, job.sq_norms_of + first,
                                       job.inverse + first, job.left + first, count, job.stride,
                                       job.ratios + first * job.stride + p,
                                       job.closer + p // PANEL * job.count + first,
                                       job.gains + worker * job.stride + p)
    return 0


cdef class SampledPlusPlus(PlusPlus):
    """Rows drawn as initial centers by k-means++ in batches, whose candidates are compared with a
    sample of the rows.

    The first row is drawn by weight. For each batch, a pool of candidates and a sample of all rows
    are drawn by weight times squared distance to the nearest center so far. The mean over the
    sample of how much a candidate would lower a row's distance, relative to that distance, then
    estimates how much it would lower the potential (importance sampling). The best candidate is
    taken, then the one that is the best beside it, and so on. Only those that were taken are
    compared with all rows, all of the batch at a time. The sample is kept, with what is left of its
    distances, while that is most of them.

    Pool and sample are drawn systematically (Madow, Annals of Mathematical Statistics 20, 1949), in
    the order of data/draw_order.pxi. Distances of candidates to the sample are those of rows in
    whole numbers, of one scale for all. Where and while these are too coarse, rows are drawn as by
    `PlusPlus`.
    """
    cdef Py_ssize_t most_batch   # centers
    cdef Sampling sampling
    cdef int64_t *pool           # (most_batch * POOL,) rows
    cdef int64_t *sample         # (sampling.count,) rows
    cdef double *origin          # (d,)
    cdef double *low             # (d,) scratch,
    cdef double *high            # (d,)
    cdef double *values          # (d,) and a row
    cdef double drawn_at         # the potential when the sample was drawn; infinite before
    cdef bint fine               # whole numbers are not too coarse
    cdef readonly Py_ssize_t batches

    def __cinit__(self, Data data not None, Py_ssize_t k, Py_ssize_t trials, insisted=None):
        cdef Py_ssize_t d = data.rows.d, words = quanta_words(d), most
        cdef Sampling *job = &self.sampling
        # |a - b|^2 <= d (2 most)^2 < 2^31
        job.most = min(floor(sqrt((ldexp(1, 29) - 1) / d)), <double>32767)
        if data.metric != EUCLIDEAN or data.rows.indptr != NULL or job.most < 1:
            return
        job.count = min(data.rows.n, min(max(SAMPLED_ROWS * k, <Py_ssize_t>LEAST_SAMPLE),
                                         <Py_ssize_t>MOST_SAMPLE))
        most = max(<Py_ssize_t>PANEL, min(in_panels(POOL * trials),
                                          RATIOS // job.count // PANEL * PANEL))
        self.most_batch = min(trials, most // POOL)
        self.pool = <int64_t *>self.memory.take(most, sizeof(int64_t))
        self.sample = <int64_t *>self.memory.take(job.count, sizeof(int64_t))
        self.origin = <double *>self.memory.take(4 * d, sizeof(double))
        self.low, self.high, self.values = self.origin + d, self.origin + 2 * d, self.origin + 3 * d
        job.origin = self.origin
        self.cover(data.cuts.low_, data.cuts.high_)
        job.rows, job.exact = &data.rows, data.exact
        job.row, job.sq_nearest = self.sample, self.job.sq_nearest
        job.words = words
        job.panels = <int32_t *>self.memory.take(most * words, sizeof(int32_t))
        job.sq_norms = <int32_t *>self.memory.take(most, sizeof(int32_t))
        job.rows_of = <int32_t *>self.memory.take(job.count * words, sizeof(int32_t), True)
        job.sq_norms_of = <int32_t *>self.memory.take(job.count, sizeof(int32_t))
        job.inverse = <float *>self.memory.take(job.count, sizeof(float))
        job.left = <int16_t *>self.memory.take(job.count, sizeof(int16_t))
        job.room = (d * sizeof(double) + 63) // 64 * 64
        job.rooms = <char *>self.memory.take(data.n_threads, job.room)
        job.ratios = <int16_t *>self.memory.take(job.count * most, sizeof(int16_t), True)
        job.gains = <int32_t *>self.memory.take(data.n_threads * most, sizeof(int32_t))
        job.closer = <uint64_t *>self.memory.take(job.count * (most // PANEL),
                                                  sizeof(uint64_t), True)
        self.drawn_at = INFINITY

    cdef int cover(self, const double *low, const double *high) except -1 nogil:
        """Put rows in whole numbers so that values between these limits (d,) are told apart as well
        as possible.
        """
        cdef double half = 0
        cdef Py_ssize_t f
        for f in range(self.data.rows.d):
            self.origin[f] = 0.5 * <float>low[f] + 0.5 * <float>high[f]
            half = max(half, 0.5 * <float>high[f] - 0.5 * <float>low[f])
        # (a float32 product of a number and `inverse` is finite)
        self.sampling.scale = (self.sampling.most / half if ldexp(1, -100) < half < ldexp(1, 100)
                               else 0)
        return 0

    cdef int cover_sample(self) except -1 nogil:
        """The same between the limits of the sample: without rows that are far from all others,
        once these are centers.
        """
        cdef Py_ssize_t d = self.data.rows.d, s, f
        for f in range(d):
            self.low[f], self.high[f] = INFINITY, -INFINITY
        for s in range(self.sampling.count):
            if s and self.sample[s] == self.sample[s - 1]:
                continue
            self.data.read_center(self.sample[s], self.values)
            for f in range(d):
                self.low[f] = min(self.low[f], self.values[f])
                self.high[f] = max(self.high[f], self.values[f])
        return self.cover(self.low, self.high)

    def draw_in_batches(self, cnp.ndarray uniforms, Py_ssize_t tried):
        """The rows (k,) that these numbers (1 + (k - 1) * max(NUMBERS, tried),) in [0, 1) decide
        for.

        tried : candidates for each center where whole numbers are too coarse
        """
        cdef Py_ssize_t k = self.k, count = 1, c = 0, i
        cdef const double *number = <const double *>values_of(
            uniforms, cnp.NPY_FLOAT64, "uniforms", 1, 1 + (k - 1) * max(<Py_ssize_t>NUMBERS, tried))
        cdef cnp.ndarray out = np.empty(k, dtype=np.int64)
        cdef int64_t *taken = <int64_t *>cnp.PyArray_DATA(out)
        cdef double potential
        if not 1 <= tried <= self.trials:
            raise ValueError(f"There is room for 1 to {self.trials} candidates, not for {tried}.")
        self.drawn[0] = self.order.draw(self.data, uniforms[:1])[0]
        self.data.read_center(self.drawn[0], self.candidate)
        number += 1
        with nogil:
            while True:
                for i in range(count):
                    taken[c] = self.drawn[i]
                    c += 1
                    self.centers = c
                    if self.job.column != NULL:
                        self.job.column = self.column + i
                    self.take(i)
                if c == k:
                    break
                potential = self.potential()
                if potential == 0:
                    with gil:
                        self.take_rest(taken, c, k)
                    break
                count = self.choose_batch(number[0], number[1], potential,
                                          min(self.most_batch, min(1 + c // BATCH_SHARE, k - c)))
                if count:
                    number += NUMBERS
                    continue
                self.set_width(tried)
                self.choose(number, potential)
                number += tried
                count = 1
        self.finish()
        return out

    cdef void set_width(self, Py_ssize_t count) noexcept nogil:
        """The number of candidates that are compared with all rows at a time."""
        self.trials = self.job.width = self.all.c.k = self.all.c.m = count

    cdef Py_ssize_t choose_batch(self, double u, double v, double potential,
                                 Py_ssize_t most) except -1 nogil:
        """Choose up to so many candidates, and find the rows that they may be closer to than these'
        nearest center; 0 if whole numbers are too coarse.
        """
        cdef Sampling *job = &self.sampling
        cdef Py_ssize_t d = self.data.rows.d, pool = in_panels(POOL * most)
        cdef Py_ssize_t count = 0, best, i
        cdef int worker
        if job.count == 0:
            return 0
        if potential < (REDRAWN if self.fine else TRIED_AGAIN) * self.drawn_at:
            self.draw_sample(v, potential)
        if not self.fine:
            return 0
        self.spread(u, pool, self.pool, potential)
        job.stride = pool
        for i in range(pool):
            job.sq_norms[i] = in_whole_numbers(
                job, self.pool[i], self.values,
                <int16_t *>(job.panels + i // PANEL * PANEL * job.words + i % PANEL), PANEL)
        memset(job.gains, 0, self.data.n_threads * job.stride * sizeof(int32_t))
        self.data.threads.each_chunk(compare_sample, job, job.count,
                                     2.0 * d + job.stride * (1 + 0.02 * d))
        for worker in range(1, self.data.n_threads):
            for i in range(pool):
                job.gains[i] += job.gains[worker * job.stride + i]
        while count < most:
            best = 0
            for i in range(pool):
                if job.gains[i] > job.gains[best]:
                    best = i
            if count and job.gains[best] <= 0:
                break
            self.drawn[count] = self.pool[best]
            self.data.read_center(self.drawn[count], self.candidate + count * d)
            count += 1
            filter_table.take_candidate(job.left, job.ratios, job.closer, job.count,
                                        job.stride, best, job.gains)
        self.batches += 1
        self.compare_all(count)
        return count

    cdef int draw_sample(self, double v, double potential) except -1 nogil:
        """Draw the sample anew, and put it in whole numbers if these are not too coarse."""
        self.spread(v, self.sampling.count, self.sample, potential)
        self.drawn_at = potential
        self.fine = self.fine_enough()
        if not self.fine:
            self.cover_sample()
            self.fine = self.fine_enough()
        if self.fine:
            self.data.threads.each_chunk(open_sample, &self.sampling, self.sampling.count,
                                         4.0 * self.data.rows.d)
        return 0

    cdef void spread(self, double u, Py_ssize_t count, int64_t *out,
                     double potential) noexcept nogil:
        """Draw rows at equal distances along the running sum of shares, from u of one on."""
        cdef double running = 0, share, step = potential / count, next_ = u * step
        cdef Py_ssize_t i = 0, b, e
        cdef int64_t row, last = 0
        for b in range(self.order.buckets):
            self.order.sort(self.data, b)
            for e in range(self.order.start[b], self.order.start[b + 1]):
                row = self.order.order[e]
                share = share_of(self.data.weight, self.job.sq_nearest, row)
                if share == 0:
                    continue
                last = row
                running += share
                while next_ < running and i < count:
                    out[i] = row
                    i += 1
                    next_ = (i + u) * step
        for i in range(i, count):                 # rounded
            out[i] = last

    cdef bint fine_enough(self) noexcept nogil:
        """Whether whole numbers tell the distances of the sample."""
        cdef double sq_scale = self.sampling.scale * self.sampling.scale, total = 0
        cdef Py_ssize_t s
        for s in range(self.sampling.count):
            total += 1 / (self.job.sq_nearest[self.sample[s]] * sq_scale)
        return total * self.data.rows.d <= FINE * self.sampling.count

    cdef int compare_all(self, Py_ssize_t count) except -1 nogil:
        """Which rows the first candidates may be closer to than their nearest center."""
        cdef Py_ssize_t i
        cdef double *gains
        self.set_width(count)
        self.all.c.filter = False
        self.job.column = NULL
        if self.floats.filter:
            with gil:
                self.leave_heads()           # `choose` may have made them, for its candidates
                if self.in_bytes is None and self.axes is None and self.centers >= BYTES_FROM:
                    if self.bytes_pay():
                        self.use_bytes()
            self.all.prepare(self.candidate, self.job.packing, True, True)
        if self.all.c.filter:
            for i in range(count):
                self.column[i] = i
            self.job.candidates = &self.all.c
            self.job.column = self.column
            gains, self.job.gains = self.job.gains, NULL
            self.weigh(count)
            self.job.gains = gains
            if self.in_bytes is not None and self.left_over() > self.worth_leaving(count):
                with gil:
                    self.leave_bytes()
                    self.insisted = "floats"
        return 0

    cdef double left_over(self) noexcept nogil:
        """Candidates that a row may be closer to, on average."""
        cdef Py_ssize_t i, total = 0
        cdef uint64_t bits
        for i in range((self.data.rows.n + PANEL - 1) // PANEL * self.job.width):
            bits = self.job.closer[i]
            while bits:
                bits &= bits - 1
                total += 1
        return <double>total / self.data.rows.n

    cdef double worth_leaving(self, Py_ssize_t count) noexcept nogil:
        """How many of them are too many: floats, which leave hardly more than there must be, would
        be faster than bytes.
        """
        return (4.0 * count / self.centers
                + 1.5 * max(self.plain_cost() - self.all_bytes_cost(), 0.0) / self.left_cost())


cdef inline Py_ssize_t in_panels(Py_ssize_t count) noexcept nogil:
    """Rounded up to whole panels."""
    return (count + PANEL - 1) // PANEL * PANEL
