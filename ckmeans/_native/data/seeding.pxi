# Greedy k-means++: see `PlusPlus`. Over blocks of rows it is done by blocks/one_pass.pxi, with the
# same kernels.

cdef double weigh_cost(Py_ssize_t m, Py_ssize_t width) noexcept nogil:
    """Nanoseconds that it takes to compare a packed row of so many values with m candidates: most
    of it is the reading of the row.
    """
    return brute_cost(m, width) + 0.25 * width


cdef void seeding_job(View view, Seeding *job, const Packed *packing, double *sq_nearest,
                      const uint16_t *bucket, Py_ssize_t buckets) noexcept:
    """A step of k-means++, without its candidates and totals; all rows are looked at."""
    memset(job, 0, sizeof(Seeding))
    job.rows = &view.rows
    job.weights = view.weight
    job.packing = packing
    job.filter = view.filter
    job.workers = view.workers
    job.sq_nearest = sq_nearest
    job.bucket = bucket
    job.buckets = buckets
    job.heaviest = view.heaviest
    job.bytes = NULL
    job.limits_known = False


cdef enum:
    BYTES_FROM = 4               # centers from which on bytes,
    AXES_FROM = 16               # axes,
    HEADS_FROM = 32              # and heads are considered, each time the number of centers has
                                 # doubled; before that, candidates are near to many rows

cdef double MOST_WEIGHTS = 1e10  # between the lightest row and the heaviest: gains fit into float32

cdef double MANY_AXES = 1e9      # nanoseconds that comparing all features will still take, above
                                 # which finding many axes adds only a few percent


cdef class PlusPlus:
    """Rows drawn as initial centers by greedy k-means++ (Arthur & Vassilvitskii, SODA 2007).

    The first row is drawn by weight; then, k - 1 times, `trials` rows are drawn by weight times
    squared distance to the nearest center so far, and the one that leaves the least potential is
    taken (the earlier of equal ones). Potentials are exact sums, so the numbers that decide alone
    say which rows are drawn. When all rows coincide with centers, the first rows by content that
    are not yet taken follow.

    The filter compares all candidates with all rows, and leaves few rows to each candidate. With
    many centers, reading the rows takes most of the time. So rows are compared in bytes
    (`packings/bytes.pxi`) or, where a sample predicts that this is faster, along a few axes
    (`packings/axes.pxi`). The resulting bounds may rule a candidate out; if not, all features are
    compared, but only of the rows that the bounds leave over. The triangle inequality (Raff, IJCAI
    2021) leaves more rows than that, since rows lie too far from their centers.
    """
    cdef Data data
    cdef Memory memory
    cdef DrawOrder order
    cdef Floats floats
    cdef const Packed *packing
    cdef InBytes in_bytes        # None: no bytes are compared
    cdef Axes axes               # None: all features are compared
    cdef RowHeads heads          # None: bytes are those of all features
    cdef object found            # axes among whose first ones a choice is made; None: not yet known
    cdef object leading          # the same for heads
    cdef Py_ssize_t centers      # that have been chosen
    cdef Py_ssize_t due          # centers from which on another way is looked for (again)
    cdef object insisted         # "floats", "bytes", "heads", "axes": the only way to be taken;
                                 # None: any
    cdef readonly Py_ssize_t along_axes   # steps whose candidates were compared along axes,
    cdef readonly Py_ssize_t by_bytes     # in bytes,
    cdef readonly Py_ssize_t by_heads     # and of those by heads first
    cdef double without          # nanoseconds a row of a step in the next best way
    cdef double wasted           # what this way has cost so far beyond the next best one
    cdef Py_ssize_t k, trials
    cdef CenterForms one         # of the row that was taken last,
    cdef CenterForms all         # and of those that are tried
    cdef double *candidate       # (trials, d) those that are tried; the first is taken in between
    cdef int64_t *drawn          # (trials,) which rows they are
    cdef Py_ssize_t *column      # (trials,) their columns in `job.closer`,
    cdef double *least           # (trials,) and between what bounds each would lower the potential:
    cdef double *most            # all in the same unit
    cdef uint8_t *looked         # (trials,) whether those come from all features
    cdef Seeding job
    cdef double bound            # what no term of the potential exceeds

    def __cinit__(self, Data data not None, Py_ssize_t k, Py_ssize_t trials, insisted=None):
        cdef Py_ssize_t n = data.rows.n, d = data.rows.d, threads = data.n_threads, i
        cdef double span
        if k < 1 or trials < 1 or n < 1:
            raise ValueError(f"there is nothing to draw: k={k}, trials={trials}, {n} rows.")
        self.data = data
        self.memory = Memory()
        self.k = k
        self.trials = trials
        self.drawn = <int64_t *>self.memory.take(trials, sizeof(int64_t))
        self.candidate = <double *>self.memory.take(trials * d, sizeof(double))
        self.column = <Py_ssize_t *>self.memory.take(trials, sizeof(Py_ssize_t))
        self.least = <double *>self.memory.take(trials, sizeof(double))
        self.most = <double *>self.memory.take(trials, sizeof(double))
        self.looked = <uint8_t *>self.memory.take(trials, 1)
        self.due = BYTES_FROM if insisted is None else 2
        self.insisted = insisted
        self.one = CenterForms(1, d, False, 0, data.metric)
        self.all = CenterForms(trials, d, False, data.most_values, data.metric)
        self.floats = data.packing(Floats)
        if data.packed:
            self.floats.keep(data)
        data.threads.room_for_scores(self.all.c.groups * self.all.c.width)
        self.packing = self.floats.panels_in_order(data)
        self.order = data.need_draw_order()
        seeding_job(data, &self.job, self.packing, <double *>self.memory.take(n, sizeof(double)),
                    self.order.bucket, self.order.buckets)
        self.job.closer = <uint64_t *>self.memory.take((n + PANEL - 1) // PANEL * trials,
                                                       sizeof(uint64_t))
        self.job.gains = <double *>self.memory.take(threads * trials * GAIN, sizeof(double))
        self.job.left = <double *>self.memory.take(threads, sizeof(double))
        self.job.width = trials
        self.job.drawn = self.drawn
        self.job.totals = <Sum *>self.memory.take(threads * trials, sizeof(Sum))
        self.job.bucket_totals = <Sum *>self.memory.take(threads * self.job.buckets, sizeof(Sum))
        for i in range(n):
            self.job.sq_nearest[i] = INFINITY
        for i in range(d):
            span = data.cuts.high_[i] - data.cuts.low_[i]
            self.bound += span if data.metric == MANHATTAN else span * span
        self.bound *= 1.01 * data.heaviest
        split_constants(self.bound, n, self.job.split.big, 1)

    def draw(self, cnp.ndarray uniforms):
        """The rows (k,) that these numbers (1 + (k - 1) * trials,) in [0, 1) decide for."""
        cdef Py_ssize_t k = self.k, trials = self.trials, c
        cdef const double *number = <const double *>values_of(uniforms, cnp.NPY_FLOAT64, "uniforms",
                                                              1, 1 + (k - 1) * trials)
        cdef cnp.ndarray out = np.empty(k, dtype=np.int64)
        cdef int64_t *taken = <int64_t *>cnp.PyArray_DATA(out)
        cdef double potential
        self.drawn[0] = self.order.draw(self.data, uniforms[:1])[0]
        self.data.read_center(self.drawn[0], self.candidate)
        with nogil:
            for c in range(k):
                taken[c] = self.drawn[0]
                self.centers = c + 1
                self.take(0)
                if c == k - 1:
                    break
                potential = self.potential()
                if potential == 0:
                    with gil:
                        self.take_rest(taken, c + 1, k)
                    break
                self.choose(number + 1 + c * trials, potential)
        self.finish()
        return out

    cdef int finish(self) except -1:
        """Leave behind only what runs will use."""
        if self.in_bytes is not None and not fits_bytes(self.k, self.data.rows.d):
            self.leave_bytes()
        return 0

    cdef int take(self, Py_ssize_t i) except -1 nogil:
        """Let candidate i be a center."""
        self.one.c.rows = self.candidate + i * self.data.rows.d
        self.one.c.m = 1
        self.job.candidates = &self.one.c
        self.job.keep = self.job.binned = True
        return self.data.each_chunk(self.data.exact.seed, &self.job, 1 + 0.1 * self.data.rows.d)

    cdef int choose(self, const double *number, double potential) except -1 nogil:
        """Draw candidates, and move the one that would leave the least potential to the front."""
        cdef Py_ssize_t d = self.data.rows.d, count = self.trials, best = 0, i
        cdef double least = INFINITY, value
        for i in range(count):
            self.drawn[i] = self.order.draw_by(self.data, self.job.sq_nearest,
                                               self.job.bucket_totals, &self.job.split,
                                               number[i] * potential)
            self.data.read_center(self.drawn[i], self.candidate + i * d)
            self.column[i] = i
        self.all.c.k = self.all.c.m = count
        self.all.c.filter = False
        if self.floats.filter:
            if self.centers >= self.due:
                with gil:
                    self.look_for_ways()
            self.all.prepare(self.candidate, self.job.packing, True, True)
        self.job.candidates = &self.all.c
        self.job.column = NULL
        if self.all.c.filter:
            self.job.column = self.column
            count = self.rule_out(count)
        if count > 1:
            self.all.c.k = self.all.c.m = count
            self.all.c.rows = self.candidate
            self.job.keep = self.job.binned = False
            memset(self.job.totals, 0, self.data.n_threads * count * sizeof(Sum))
            self.data.each_chunk(self.data.exact.seed, &self.job, 1 + 0.1 * d)
            for i in range(count):
                value = self.left_by(i)
                if value < least:
                    least = value
                    best = i
        self.drawn[0] = self.drawn[best]
        self.column[0] = self.column[best]
        memcpy(self.candidate, self.candidate + best * d, d * sizeof(double))
        return 0

    cdef Py_ssize_t rule_out(self, Py_ssize_t count) except -1 nogil:
        """Rule out candidates that cannot leave the least potential; the others are moved to the
        front.
        """
        cdef Py_ssize_t i
        self.weigh(count)
        if self.in_bytes is not None:
            count = self.contenders(self.add_gains(count))
            self.rescale(count)
        elif self.axes is None:
            if self.data.weight != NULL:
                return count
            return self.contenders(self.add_gains(count))
        else:
            for i in range(count):
                self.least[i], self.most[i] = 0, INFINITY
        count = self.look(count)
        self.account()
        return count

    cdef int weigh(self, Py_ssize_t count) except -1 nogil:
        """Find the rows that the first candidates may be closer to than these' nearest center, and
        about how much they would lower the potential.
        """
        memset(self.job.left, 0, self.data.n_threads * sizeof(double))
        memset(self.looked, 0, count)
        if self.job.gains != NULL:
            memset(self.job.gains, 0, self.data.n_threads * self.trials * GAIN * sizeof(double))
        if self.in_bytes is None:
            self.data.each_chunk(self.data.exact.weigh, &self.job, 1 + self.data.assign_cost(count))
            if self.axes is None:
                self.floats.was_read()
            else:
                self.axes.was_read()
                self.along_axes += 1
            return 0
        self.all.put_in_bytes(&self.in_bytes.bytes, self.packing)
        if self.heads is not None:
            self.heads.put(self.all, &self.in_bytes.bytes)
            memset(self.heads.c.looked, 0, self.data.n_threads * sizeof(double))
            self.by_heads += 1
        self.data.each_chunk(self.data.exact.weigh_bytes, &self.job, self.byte_cost())
        self.in_bytes.bytes.filling = False
        if self.heads is not None:
            self.heads.c.bytes.filling = False
        self.job.limits_known = True
        self.by_bytes += 1
        return 0

    cdef Py_ssize_t look(self, Py_ssize_t count) except -1 nogil:
        """Look at all features of the rows that are left for a candidate, one after the other: the
        one that may gain most first, for only that can be sure not to be in vain.
        """
        cdef Py_ssize_t i, next_
        while count > 1:
            next_ = -1
            for i in range(count):
                if not self.looked[i] and (next_ < 0 or self.most[i] > self.most[next_]):
                    next_ = i
            if next_ < 0:
                break
            for i in range(self.data.n_threads):
                memset(self.job.gains + i * self.trials * GAIN, 0, GAIN * sizeof(double))
            self.one.c.rows = self.candidate + next_ * self.data.rows.d
            self.one.c.m = 1
            self.job.candidates = &self.one.c
            self.job.column = self.column + next_
            self.data.each_chunk(self.data.exact.weigh_left, &self.job,
                                 1 + 0.1 * self.data.rows.d)
            self.job.candidates = &self.all.c
            self.job.column = self.column
            self.add_gain(0, next_)
            self.looked[next_] = True
            count = self.contenders(count)
        return count

    cdef Py_ssize_t add_gains(self, Py_ssize_t m) noexcept nogil:
        """The bounds of m candidates, from what all threads have found."""
        cdef Py_ssize_t i
        for i in range(m):
            self.add_gain(i, i)
        return m

    cdef void add_gain(self, Py_ssize_t place, Py_ssize_t i) noexcept nogil:
        cdef const double *gain = self.job.gains + place * GAIN
        cdef double least = 0, most = 0
        cdef int worker, lane
        for worker in range(self.data.n_threads):
            for lane in range(GAIN_LANES):
                least += gain[lane]
                most += gain[GAIN_LANES + lane]
            gain += self.trials * GAIN
        self.least[i], self.most[i] = least, most

    cdef void rescale(self, Py_ssize_t m) noexcept nogil:
        """Bring the bounds that bytes have given to the unit of the potential; they are given up
        where it could be rounded to zero, or to infinity.
        """
        cdef double scale = self.packing.scale, unit
        cdef bint fine = ldexp(1, -400) < scale < ldexp(1, 400)
        cdef Py_ssize_t i
        for i in range(m):
            unit = (1 if self.data.weight == NULL else self.data.heaviest) / (scale * scale)
            self.least[i] = self.least[i] * unit if fine else 0
            self.most[i] = self.most[i] * unit if fine else INFINITY

    cdef double plain_cost(self) noexcept nogil:
        """Nanoseconds that it takes to compare all features of a row with the candidates."""
        return weigh_cost(self.trials, self.data.rows.d)

    cdef double left_cost(self) noexcept nogil:
        """Nanoseconds to compare all features of a row that is left over with one candidate."""
        return 15 + (0.45 if self.data.rows.direct else 2.0) * self.data.rows.d

    cdef double byte_cost(self) noexcept nogil:
        """Nanoseconds of a row in bytes, without the rows left over."""
        return (self.head_cost(self.heads.c.width) if self.heads is not None
                else self.all_bytes_cost())

    cdef double all_bytes_cost(self) noexcept nogil:
        """Nanoseconds of a row in bytes of all features, without the rows left over."""
        cdef Py_ssize_t d = self.data.rows.d
        return 1 + 0.01 * d + max(0.03 * d, self.trials * (0.1 + filter_table.byte_cost * d / 64.0))

    cdef double head_cost(self, Py_ssize_t width) noexcept nogil:
        """Nanoseconds of a row by its head, without the pairs left over."""
        return 1.5 + 0.01 * width + max(0.03 * width, self.trials * (0.15 + filter_table.byte_cost
                                                                    * width / 64.0))

    cdef double pair_cost(self) noexcept nogil:
        """Nanoseconds of a pair of a row and a candidate that heads leave over."""
        return 12 + 0.04 * self.data.rows.d

    cdef double making_cost(self, Py_ssize_t width) noexcept nogil:
        """Nanoseconds to make the head of a row."""
        return 100 + self.data.rows.d * (0.02 * width + 1)

    cdef double whole_byte_cost(self) noexcept nogil:
        """Nanoseconds of a row in bytes of all features, with the rows left over: about as many as
        a center has rows, since most candidates are ruled out before.
        """
        return (self.all_bytes_cost()
                + 1.3 * self.trials / self.centers * (4 + 0.2 * self.left_cost()))

    cdef double axes_cost(self, Py_ssize_t count, double left, Py_ssize_t steps) noexcept nogil:
        """Nanoseconds of a row along `count` axes, which leave it over with `left` candidates, on
        average. The time of packing is divided by the number of steps.
        """
        return (weigh_cost(self.trials, count + 1) + left * self.left_cost()
                + 0.2 * self.data.rows.d * count / steps)

    cdef bint bytes_pay(self) except -1:
        """Whether bytes are faster than floats."""
        if (self.data.metric != EUCLIDEAN or not self.data.packed or self.data.rows.indptr != NULL
                or self.data.rows.d > BYTE_FEATURES or self.insisted not in (None, "bytes", "heads")
                or self.data.cuts.heaviest > MOST_WEIGHTS * self.data.cuts.lightest):
            return False
        return self.insisted or self.whole_byte_cost() < 0.75 * self.plain_cost()

    cdef int look_for_ways(self) except -1:
        """From now on compare rows in another way, if that pays for the centers to come."""
        while self.due <= self.centers:
            self.due *= 2
        if self.axes is None and self.bytes_pay():
            self.use_bytes()
        if (self.in_bytes is not None
                and (self.insisted == "heads"
                     or self.insisted is None and self.centers >= HEADS_FROM)):
            self.look_for_heads()
        if (self.insisted == "axes" or self.insisted is None and self.centers >= AXES_FROM
                and self.heads is None):
            self.look_for_axes()
        return 0

    cdef int look_for_heads(self) except -1:
        """From now on compare heads first, or heads of another length, if that pays for the centers
        to come.
        """
        cdef Py_ssize_t n = self.data.rows.n, d = self.data.rows.d, m = self.trials, width
        cdef Py_ssize_t to_come = self.k - self.centers, most = min(MOST_HEAD, d // 2), rows
        cdef double scale = self.packing.scale, best = self.all_bytes_cost(), cost, left
        cdef RowHeads heads
        cdef cnp.ndarray origin, shares
        rows = min(n, <Py_ssize_t>HEAD_ROWS)
        if (most < 32 or self.in_bytes.bytes.filling
                or (self.insisted is None
                    and (n < 2 * HEAD_ROWS
                         or to_come * n * best < 8 * leading_cost(rows, most, d)))):
            return 0
        origin = np.empty(d)
        memcpy(cnp.PyArray_DATA(origin), self.packing.origin, d * sizeof(double))
        if self.leading is None:
            sample = drawn_places(n, rows)
            self.leading = leading_axes((self.data.take(sample) - origin) * scale,
                                        most - tails_of(most))
        sample = drawn_places(n, HEAD_TRIED, HEAD_ROWS)      # other rows than those
        trial = Trial((self.data.take(sample) - origin) * scale,
                      (as_array(self.candidate, m, d) - origin) * scale, self.leading)
        shares = np.empty(len(sample))
        for i in range(len(sample)):
            shares[i] = self.job.sq_nearest[<Py_ssize_t>sample[i]] * scale * scale
        # The second term estimates the error of bytes, which matters little here.
        limits = ((shares - trial.sq_norms)[:, None]
                  + 0.016 * np.sqrt(np.outer(trial.sq_norms, trial.center_sq_norms)))
        if self.heads is not None:
            best = self.head_cost(self.heads.c.width) + self.pair_cost() * m * (
                trial.limits(self.heads.c.n_axes)[0] < limits).mean()
        best = INFINITY if self.insisted == "heads" else 0.8 * best
        chosen = 0
        for width in (32, 48, 64, 96, 128, 160, 192, 256):
            if width > most or len(self.leading) == 0:
                break
            left = m * (trial.limits(width - tails_of(width))[0] < limits).mean()
            cost = (self.head_cost(width) + self.pair_cost() * left
                    + self.making_cost(width) / to_come)
            if cost < best:
                chosen, best = width, cost
        if chosen:
            heads = RowHeads()
            try:
                if heads.make(self.data, &self.in_bytes.bytes, self.all.room,
                              self.leading[:chosen - tails_of(chosen)], chosen, True):
                    self.heads, self.job.heads, self.job.limits_known = heads, &heads.c, False
                    self.wasted = 0
            except MemoryError:               # bytes of all features will do
                pass
        return 0

    cdef int leave_heads(self) except -1:
        self.job.heads = NULL
        self.heads = None
        return 0

    cdef int use_bytes(self) except -1:
        cdef InBytes in_bytes = self.data.packing(InBytes)
        cdef Py_ssize_t panels = (self.data.rows.n + PANEL - 1) // PANEL
        if self.in_bytes is not None:
            return 0
        try:
            if in_bytes.bytes.words == NULL:
                in_bytes.make_room(self.data)
            in_bytes.leave_out(0)
            self.data.threads.room_for_bytes()
            self.all.use_bytes(&in_bytes.bytes)
            if self.job.limits == NULL:
                self.job.worth = <float *>self.memory.take(panels * PANEL, sizeof(float))
                self.job.limits = <float *>self.memory.take(panels * PANEL, sizeof(float))
        except MemoryError:                  # floats will do
            in_bytes.forget()
            return 0
        self.in_bytes, self.without, self.wasted = in_bytes, self.plain_cost(), 0
        self.job.bytes = &in_bytes.bytes
        self.job.byte_candidates = &self.all.in_bytes
        return 0

    cdef int leave_bytes(self) except -1:
        if self.in_bytes is not None:
            self.leave_heads()
            self.in_bytes.forget()
            self.in_bytes = None
            self.job.limits_known = False
        return 0

    cdef int look_for_axes(self) except -1:
        """From now on compare rows along (other) axes, if some pay for the centers to come."""
        cdef Py_ssize_t n = self.data.rows.n, d = self.data.rows.d, m = self.trials, count
        cdef Py_ssize_t to_come = self.k - self.centers
        cdef double ahead = to_come * n * self.plain_cost(), scale = self.packing.scale, best, cost
        cdef Axes axes
        cdef cnp.ndarray origin, shares
        if (d < WIDE or self.data.metric != EUCLIDEAN or not self.data.packed or n < AXES_ROWS
                or ahead < 8 * axes_cost(m, d)):
            return 0
        origin = np.empty(d)
        memcpy(cnp.PyArray_DATA(origin), self.packing.origin, d * sizeof(double))
        if self.found is None:
            sample = drawn_places(n, AXES_ROWS)
            self.found = principal_axes((self.data.take(sample) - origin) * scale,
                                        min(MOST_AXES, d // 2),
                                        AXES_SAMPLE if ahead < MANY_AXES else 3 * AXES_SAMPLE)
            if self.found is None:
                self.found = ()
        if len(self.found) == 0:
            return 0
        sample = drawn_places(n, AXES_TRIED, AXES_ROWS)      # other rows than those
        trial = Trial((self.data.take(sample) - origin) * scale,
                      (as_array(self.candidate, m, d) - origin) * scale, self.found)
        shares = np.empty(len(sample))
        for i in range(len(sample)):
            shares[i] = self.job.sq_nearest[<Py_ssize_t>sample[i]] * scale * scale
        shares -= trial.sq_norms

        def left(count):
            return (trial.limits(count)[0] < shares[:, None]).mean() * m

        without = best = self.whole_byte_cost() if self.bytes_pay() else self.plain_cost()
        if self.axes is not None:
            count = self.axes.packed.n_axes
            best = min(best, self.axes_cost(count, left(count), self.data.rows.n))
        best *= 0.75
        chosen = 0
        for count in {2, *range(4, len(self.found), 4), len(self.found)}:
            if count > len(self.found):
                continue
            cost = self.axes_cost(count, left(count), to_come)
            if cost < best:
                chosen, best = count, cost
        if chosen:
            self.leave_bytes()
            axes = Axes()
            axes.open(self.data)
            try:
                axes.pack_along(self.data, self.found[:chosen])
                self.all.use_axes(&axes.packed)
            except MemoryError:               # all features will do
                self.leave_axes()
                return 0
            self.axes, self.without, self.wasted = axes, without, 0
            self.job.packing = &axes.packed
        return 0

    cdef int leave_axes(self) except -1:
        self.all.leave_axes()
        self.axes = None
        self.job.packing = self.packing
        return 0

    cdef int account(self) except -1 nogil:
        """Go back to the next best way when so many rows were left over that it was faster."""
        cdef double left = 0, looked = 0, without = self.without, cost
        cdef int worker
        for worker in range(self.data.n_threads):
            left += self.job.left[worker]
        if self.heads is not None:
            for worker in range(self.data.n_threads):
                looked += self.heads.c.looked[worker]
            looked *= self.pair_cost() / self.data.rows.n
            if self.byte_cost() + looked > self.all_bytes_cost() and self.insisted is None:
                with gil:
                    self.leave_heads()
        cost = (self.byte_cost() + looked if self.axes is None
                else weigh_cost(self.trials, self.axes.packed.n_axes + 1))
        self.wasted += cost + left / self.data.rows.n * self.left_cost() - without
        self.wasted = max(self.wasted, -8 * without)
        if self.wasted > 4 * without:
            with gil:
                if self.axes is not None:
                    self.leave_axes()
                    if self.bytes_pay():
                        self.use_bytes()
                elif self.insisted is None:
                    self.leave_bytes()
        return 0

    cdef Py_ssize_t contenders(self, Py_ssize_t m) noexcept nogil:
        """How many of m candidates may leave the least potential; they are moved to the front, in
        their order.
        """
        cdef Py_ssize_t d = self.data.rows.d, i, left = 0
        cdef double surest = 0
        for i in range(m):
            surest = max(surest, self.least[i] * (1 - 1e-6))
        for i in range(m):
            if not self.most[i] * (1 + 1e-6) >= surest:
                continue
            if left < i:
                self.drawn[left], self.column[left] = self.drawn[i], self.column[i]
                self.least[left], self.most[left] = self.least[i], self.most[i]
                self.looked[left] = self.looked[i]
                memcpy(self.candidate + left * d, self.candidate + i * d, d * sizeof(double))
            left += 1
        return left

    cdef double potential(self) except -1 nogil:
        """The potential, once all threads' totals are added to the first one's; cut anew when all
        terms are tiny beside their bound.
        """
        cdef Py_ssize_t i
        cdef int worker
        cdef double largest = 0, total
        cdef Range found
        cdef Wide exact
        cdef double *part = <double *>self.job.bucket_totals
        cdef double *more
        for worker in range(1, self.data.n_threads):
            more = <double *>(self.job.bucket_totals + worker * self.job.buckets)
            for i in range(SUM_PARTS * self.job.buckets):
                part[i] += more[i]
                more[i] = 0
        total = self.add_buckets()
        if not total >= self.bound * SPARE:
            for i in range(self.data.rows.n):
                largest = max(largest, share_of(self.data.weight, self.job.sq_nearest, i))
            if largest == 0:
                return 0
            self.bound = largest
            split_constants(largest, self.data.rows.n, self.job.split.big, 1)
            memset(self.job.bucket_totals, 0, self.job.buckets * sizeof(Sum))
            for i in range(self.data.rows.n):
                add_term(self.job.bucket_totals + self.job.bucket[i], &self.job.split,
                         share_of(self.data.weight, self.job.sq_nearest, i))
            self.add_buckets()
        found = value_range(&self.job.potential, &self.job.split, self.data.rows.n)
        if found.low == found.high:
            return found.low
        memset(&exact, 0, sizeof(Wide))
        for i in range(self.data.rows.n):
            wide_add(&exact, share_of(self.data.weight, self.job.sq_nearest, i))
        return wide_value(&exact)

    cdef double add_buckets(self) noexcept nogil:
        """The potential from those of the buckets, about."""
        cdef Py_ssize_t b
        memset(&self.job.potential, 0, sizeof(Sum))
        for b from 0 <= b < self.job.buckets by SHELF:
            add_shelf(&self.job.potential, self.job.bucket_totals + b)
        return sum_value(self.job.potential.part, 1, SUM_PARTS)

    cdef double left_by(self, Py_ssize_t candidate) except -1 nogil:
        """The potential that a candidate would leave. Sums are exact, so a difference of two is as
        good as a sum of its own.
        """
        cdef Sum total = self.job.potential
        cdef Range found
        cdef int p, worker
        for p in range(SUM_PARTS):
            for worker in range(self.data.n_threads):
                total.part[p] += self.job.totals[worker * self.job.candidates.m + candidate].part[p]
        found = value_range(&total, &self.job.split, self.data.rows.n)
        if found.low == found.high:
            return found.low
        with gil:
            return self.left_exactly(self.candidate + candidate * self.data.rows.d)

    cdef double left_exactly(self, const double *row) except -1:
        """`left_by`, where what three parts leave over decides how it is rounded."""
        cdef Memory memory = Memory()
        cdef Py_ssize_t n = self.data.rows.n, i
        cdef double *sq = <double *>memory.take(n, sizeof(double))
        cdef Wide total
        self.data.measure(row, 1, <int32_t *>memory.take(n, sizeof(int32_t)), sq)
        memset(&total, 0, sizeof(Wide))
        for i in range(n):
            sq[i] = min(sq[i], self.job.sq_nearest[i])
            wide_add(&total, share_of(self.data.weight, sq, i))
        return wide_value(&total)

    cdef int take_rest(self, int64_t *taken, Py_ssize_t count, Py_ssize_t k) except -1:
        """Fill up with the first rows of positive weight, by content, that are not taken yet; with
        the first of all when none is left.
        """
        cdef Memory memory = Memory()
        cdef uint8_t *used = <uint8_t *>memory.take(self.data.rows.n, 1)
        cdef Py_ssize_t e, i, first = -1
        for i in range(count):
            used[taken[i]] = 1
        for e in range(self.data.rows.n):
            if count == k:
                return 0
            self.order.sort(self.data, self.order.bucket[self.order.order[e]])
            i = self.order.order[e]
            if self.data.weight != NULL and self.data.weight[i] == 0:
                continue
            if first < 0:
                first = i
            if not used[i]:
                taken[count] = i
                count += 1
        while count < k:
            taken[count] = first
            count += 1
        return 0
