# Rows packed in bytes, for the filter of kernels/filter/bytes.pxi: the fastest form for comparisons
# with all centers if there are many features and centers.

cdef double distance_cost(Py_ssize_t d) noexcept nogil:
    """About how many nanoseconds it takes to compute a distance that bytes leave undecided."""
    return 30 + 0.4 * d


cdef double center_cost(Py_ssize_t d) noexcept nogil:
    """About how many nanoseconds it takes to compare a row in bytes with one of many centers."""
    return 0.1 + filter_table.byte_cost * ((d + 63) // 64)


cdef double head_cost(Py_ssize_t width) noexcept nogil:
    """The same by heads, without the pairs that they leave."""
    return 0.15 + filter_table.byte_cost * width / 64.0


cdef double without_heads(Py_ssize_t d) noexcept nogil:
    """The same by all features at once, as measured beside `head_cost`."""
    return center_cost(d) + 0.05


cdef double closer_cost(Py_ssize_t d) noexcept nogil:
    """Nanoseconds of a pair that heads leave."""
    return 10 + 0.03 * d


cdef Py_ssize_t most_head(Py_ssize_t d) noexcept nogil:
    """The most numbers of a head: with more, little would be saved."""
    return min(<Py_ssize_t>MOST_HEAD, d // 4 + 16)


cdef double head_making_cost(Py_ssize_t width, Py_ssize_t d) noexcept nogil:
    """Nanoseconds to make the head of a row."""
    return 60 + d * (0.015 * width + 0.5)


cdef double bytes_cost(Py_ssize_t m, Py_ssize_t d) noexcept nogil:
    """About how many nanoseconds it takes to compare a row in bytes with m centers, including the
    distance to its own, which is computed first.
    """
    return 30 + distance_cost(d) + m * center_cost(d)


cdef double bytes_or(Py_ssize_t m, Py_ssize_t d) noexcept nogil:
    """The same if one center is left over beside its own."""
    return bytes_cost(m, d) + distance_cost(d)


cdef bint fits_bytes(Py_ssize_t m, Py_ssize_t d) noexcept nogil:
    """Whether bytes ought to be the fastest way to compare rows with m centers."""
    return (d >= filter_table.bytes_from
            and bytes_or(m, d) < min(quanta_cost(m, d), brute_cost(m, d)))


cdef Py_ssize_t byte_chunk(View view, double cost) noexcept nogil:
    """The number of rows in a chunk, of `cost` nanoseconds each: a multiple of the rows that share
    one reading of the centers, but few enough that there are chunks for all threads.
    """
    cdef Py_ssize_t rows = BYTE_PANELS * PANEL
    cdef Py_ssize_t most = view.rows.n // (4 * view.n_threads) // PANEL * PANEL
    rows = rows * max(<Py_ssize_t>1, <Py_ssize_t>(CHUNK_COST / (rows * cost)))
    return max(<Py_ssize_t>PANEL, min(rows, most))


cdef int make_byte_room(Bytes *bytes, Memory memory, Py_ssize_t n, Py_ssize_t d) except -1:
    """For n rows, a multiple of PANEL, that the next pass puts in bytes."""
    cdef Py_ssize_t words = (d + 3) // 4
    memset(bytes, 0, sizeof(Bytes))
    bytes.parts = (words + 15) // 16
    bytes.depth = (words + bytes.parts - 1) // bytes.parts
    bytes.words = <int32_t *>memory.take(n * bytes.parts * bytes.depth, sizeof(int32_t))
    bytes.steps = <float *>memory.take(n, sizeof(float))
    bytes.sq_norms = <float *>memory.take(n, sizeof(float))
    bytes.rough = <float *>memory.take(n // PANEL, sizeof(float))
    bytes.reach = <float *>memory.take(n // PANEL, sizeof(float))
    bytes.filling = True
    return 0


cdef double passing_cost(Py_ssize_t m, Py_ssize_t d) noexcept nogil:
    """The same for a row that is put in bytes on the way and has no center yet."""
    return bytes_or(m, d) + 1.8 * d


cdef int assign_passing(View view, Assign *job, CenterForms forms) except -1:
    """Label rows by way of bytes that are not kept; the forms of the centers have been
    prepared.
    """
    cdef Py_ssize_t d = view.rows.d, k = forms.c.k
    cdef double cost = passing_cost(k, d)
    cdef Memory memory = Memory()
    cdef Bytes bytes
    make_byte_room(&bytes, memory, view.n_threads * BYTE_PANELS * PANEL, d)
    bytes.passing = True
    view.threads.room_for_bytes()
    view.threads.room_for_sieves(k, 1)
    forms.use_bytes(&bytes)
    forms.put_in_bytes(&bytes, job.packing)
    job.bytes, job.byte_centers = &bytes, &forms.in_bytes
    with nogil:
        view.each_chunk(view.exact.assign_bytes, job, cost, byte_chunk(view, cost))
    return 0


cdef int heads_insisted = -1


def insist_on_heads(int always):
    """For tests: whether rows that are kept in bytes are compared by heads first wherever that is
    possible (1) or never (0), however slow, or where it is predicted to pay (-1); returns what held
    before.
    """
    global heads_insisted
    before = heads_insisted
    heads_insisted = always
    return before


cdef class InBytes(Packing):
    """Rows in bytes, and nothing else.

    The first pass that compares all rows with all centers also packs them. If it leaves many
    centers because a few features are far larger than the others, the next pass packs rows anew
    without these features.
    """
    cdef Floats floats
    cdef Bytes bytes
    cdef Counted counted         # what they cost in the last pass that compared them
    cdef Py_ssize_t counted_m    # with so many different centers
    cdef Counters before         # the pass that is under way
    cdef int version             # of what is packed: with or without some features
    cdef Memory loud_memory      # of features that may be left out, once they have been looked for
    cdef int32_t *loud           # (n_loud,)
    cdef Py_ssize_t n_loud
    cdef bint looked             # whether they have been
    cdef bint muting             # whether they are left out in passes over rows that have labels
    cdef double with_loud        # what rows cost without that, in bytes or otherwise
    cdef bint missed             # leaving them out costs no less
    cdef bint likely             # whether bytes are expected to be the fastest form in a run
    cdef RowHeads heads          # None: all features are compared at once
    cdef Py_ssize_t heads_k      # with so many centers,
    cdef int heads_at            # the iteration from which on heads are considered (again)

    cdef int open(self, Data data) except -1:
        self.floats = data.floats
        self.filter = self.floats.filter
        self.counted = Counted()
        self.forget()
        return 0

    cdef bint possible(self, Run run) noexcept:
        cdef Py_ssize_t d = run.data.rows.d, k = run.k
        if (not self.usable() or not run.data.packed or d > BYTE_FEATURES
            or run.data.metric != EUCLIDEAN):
            return False
        self.likely = (run.choice.insists_on(self) or d >= filter_table.bytes_from
                       and (self.counted.cost(run, bytes_or(k, d))
                            < min(quanta_cost(k, d), brute_cost(k, d))))
        return self.likely or d >= filter_table.bytes_from and k >= 16 and not self.missed

    cdef bint can_be_first(self) noexcept:
        return self.likely and not self.packed.clamped

    cdef bint fits(self, Run run) noexcept nogil:
        return self.floats.boxes.order == NULL

    cdef bint wants(self, Run run) except -1 nogil:
        """Not if other packings are predicted to be faster, given how many centers bytes left."""
        cdef Py_ssize_t m = run.forms.c.k, d = run.data.rows.d
        cdef double known
        if run.choice.insists_on(self):
            return True
        if run.n_iter == 0 and (self.muting or self.packed.clamped):
            return False                     # rows have no limits yet
        if self.likely and (self.counted.cost(run, bytes_or(m, d))
                            < run.choice.cost_without(run, self, m)):
            return True
        if self.missed or run.n_iter == 0 or self.counted.k > 0 and not self.muting:
            return False
        # Others may leave many centers because of a few features.
        known = run.choice.known_without(run, self, m)
        if self.muting:
            return self.counted.cost(run, bytes_or(m, d)) < max(known, self.with_loud)
        known = max(known, run.choice.cost_without(run, self, m) + 0.1 * run.choice.pairs * d)
        return 1.25 * bytes_or(m, d) < known and self.mute(run, known)

    cdef bint needs_panels(self) noexcept:
        return self.floats.boxes.order != NULL

    cdef Packed *panels(self) noexcept nogil:
        return &self.floats.packed

    cdef ChunkFn all_centers(self, Run run) noexcept nogil:
        return run.data.exact.assign if run.job.bytes == NULL else run.data.exact.assign_bytes

    cdef Py_ssize_t chunk_rows(self, Run run, double cost) noexcept nogil:
        return 0 if run.job.bytes == NULL else byte_chunk(run.data, cost)

    cdef Packed *panels_for(self, Run run, PanelLayout layout) except NULL nogil:
        cdef bint going_on = not run.data.rows.directionless
        if layout != FASTEST or not run.forms.c.filter or not self.ready(run):
            run.job.bytes = NULL
            run.forms.others_known = False
            return self.floats.panels_for(run, layout)
        # (In the first pass rows have no labels yet.)
        self.leave_out(self.n_loud if self.muting and run.n_iter > 0 else 0)
        if self.bytes.n_muted and self.heads is not None:
            with gil:
                self.heads = None            # they are of all features
        if run.forms.others_of != self.version:
            run.forms.others_known = False
            run.forms.others_of = self.version
        if self.may_look_for_heads(run):
            with gil:
                try:
                    self.look_for_heads(run)
                except MemoryError:           # bytes of all features will do
                    self.heads = None
        self.before = run.data.threads.counters()
        run.forms.put_in_bytes(&self.bytes, &self.packed, going_on)
        run.forms.others_known = False        # until the pass is complete
        run.job.bytes = &self.bytes
        run.job.byte_centers = &run.forms.in_bytes
        run.job.others = run.forms.others if going_on else NULL
        run.job.sq_own = run.forms.sq_own if going_on else NULL
        run.job.still = run.forms.still
        run.job.heads = NULL
        if self.heads is not None and run.n_iter:
            run.job.heads = &self.heads.c
            self.heads.put(run.forms, &self.bytes, run.forms.byte_order if going_on else NULL)
        return &self.packed

    cdef bint ready(self, Run run) except -1 nogil:
        """Whether there is room for what this pass fills or reads."""
        if (self.bytes.words != NULL and run.forms.others_memory is not None
                and run.data.threads.has_sieves(run.k, 1)
                and (self.heads is None or self.heads.forms.c.k >= run.k)):
            return True
        with gil:
            try:
                if self.bytes.words == NULL:
                    self.make_room(run.data)
                run.data.threads.room_for_bytes(self.bytes.parts * self.bytes.depth)
                run.data.threads.room_for_sieves(run.k, 1)
                run.forms.use_bytes(&self.bytes)
                run.forms.keep_others(run.data.rows.n)
                if self.heads is not None:
                    self.heads.room_for_centers(run.k)
            except MemoryError:
                self.give_up(run)
                return False
        return True

    cdef int make_room(self, Data data) except -1:
        cdef Memory memory = Memory()
        cdef Bytes bytes
        self.leave_out(0)                    # (until it is decided anew)
        self.heads = None
        make_byte_room(&bytes, memory, (data.rows.n + PANEL - 1) // PANEL * PANEL, data.rows.d)
        self.packed = self.floats.packed
        self.packed.panels = NULL
        self.memory, self.bytes = memory, bytes
        return 0

    cdef int was_compared(self, Run run, double doubtful, double pairs) except -1 nogil:
        cdef Py_ssize_t d = run.data.rows.d
        cdef double n = run.data.rows.n
        cdef Counters after
        cdef double again, compared          # centers, by this filter and by another one
        cdef double closer                   # and by all features, if by heads first
        if run.job.bytes == NULL:
            return self.floats.was_compared(run, doubtful, pairs)
        self.bytes.filling = False
        run.forms.others_known = run.job.others != NULL
        if self.muting and self.bytes.n_muted == 0:    # the first pass of a later run
            return 0
        after = run.data.threads.counters()
        again = (after.again - self.before.again) / n
        compared = (after.filtered - self.before.filtered) / n - again
        closer = (after.closer - self.before.closer) / n
        self.counted.note(run, bytes_cost(1, d) + self.compared_cost(run, compared, closer)
                          + max(pairs - 1, 0.0) * distance_cost(d) + again * brute_cost(1, d))
        self.counted_m = run.forms.c.m
        if run.job.heads != NULL:
            self.heads.c.bytes.filling = False
            if (heads_insisted < 0 and self.compared_cost(run, compared, closer)
                    > compared * without_heads(d)):
                with gil:
                    self.leave_heads(run)
        if run.choice.insists_on(self):
            self.mute(run, INFINITY)
        elif not self.muting and self.counted.row > 2 * bytes_or(self.counted_m, d):
            self.mute(run, self.counted.row)
        elif self.muting and self.counted.row >= self.with_loud:
            self.muting, self.missed = False, True
            self.counted.note(run, self.with_loud)
        return 0

    cdef bint mute(self, Run run, double cost) except -1 nogil:
        """From the next pass on leave out features that are far larger than the others, if there
        are any; cost: of a row with them.
        """
        if not self.looked:
            with gil:
                self.find_loud(run.data)
        self.missed = self.missed or self.n_loud == 0
        if self.missed or self.muting:
            return self.muting
        self.muting, self.with_loud = True, cost
        self.counted.k = self.counted_m = 0
        return True

    cdef void leave_out(self, Py_ssize_t count) noexcept nogil:
        """Have rows packed anew if another number of features is to be left out."""
        if count != self.bytes.n_muted:
            self.bytes.muted, self.bytes.n_muted = self.loud, count
            self.bytes.filling = True
            self.version += 1

    cdef int find_loud(self, Data data) except -1:
        """Find a few features whose squares make up most of those of drawn rows, and are far larger
        than those of the other features.
        """
        cdef Py_ssize_t d = data.rows.d, i, f
        cdef const double *origin = self.floats.packed.origin
        cdef Memory memory = Memory(), scratch = Memory()
        cdef double *row = <double *>scratch.take(d, sizeof(double))
        cdef double *squares = <double *>scratch.take(d, sizeof(double))
        cdef double total = 0, loud = 0, limit
        self.loud = <int32_t *>memory.take(MOST_MUTED, sizeof(int32_t))
        self.loud_memory, self.looked = memory, True
        memset(squares, 0, d * sizeof(double))
        for i in range(MIDDLE_ROWS):
            read_whole(data, drawn_place(i, data.rows.n), row)
            for f in range(d):
                squares[f] += (row[f] - origin[f]) * (row[f] - origin[f])
        limit = 64 * float(np.median([squares[f] for f in range(d)]))
        for f in range(d):
            total += squares[f]
            if squares[f] > limit:
                if self.n_loud == min(<Py_ssize_t>MOST_MUTED, d // 8):
                    self.n_loud = 0
                    return 0
                loud += squares[f]
                self.loud[self.n_loud] = <int32_t>f
                self.n_loud += 1
        if loud < 0.9 * total:
            self.n_loud = 0
        return 0

    cdef double compared_cost(self, Run run, double compared, double closer) noexcept nogil:
        """Nanoseconds of a row that is compared with so many centers, of which so many heads leave.
        """
        cdef Py_ssize_t d = run.data.rows.d
        if run.job.heads == NULL:
            return compared * center_cost(d)
        return compared * head_cost(self.heads.c.width) + closer * closer_cost(d)

    # -- heads -------------------------------------------------------------------------------------

    cdef bint may_look_for_heads(self, Run run) noexcept nogil:
        """Whether to find out now if heads would pay: it must be cheap beside the next passes."""
        cdef Py_ssize_t d = run.data.rows.d, n = run.data.rows.n, most = most_head(d)
        if self.heads_k != run.k:
            self.heads_k, self.heads_at = run.k, 1
        if (self.heads is not None or self.bytes.filling or heads_insisted == 0
                or self.bytes.n_muted or self.packed.clamped or run.n_iter < self.heads_at):
            return False
        if heads_insisted > 0:
            return True
        return (most >= 16 and n >= 2 * HEAD_ROWS
                and self.passes_to_come(run) * n * self.to_compare(run) * center_cost(d)
                > 16 * (leading_cost(6 * most, most, d) + 1e6))

    cdef double passes_to_come(self, Run run) noexcept nogil:
        """For which heads that are made now are to pay."""
        return min(max(8, 2 * run.n_iter), run.left() + 1)

    cdef double to_compare(self, Run run) noexcept nogil:
        """With how many centers a row will be compared in the next pass."""
        cdef Py_ssize_t m = run.forms.c.m, d = run.data.rows.d
        cdef double cost = self.row_cost(m, d) - bytes_cost(0, d)
        return min(max(cost / center_cost(d), 0.0), <double>m)

    cdef int look_for_heads(self, Run run) except -1:
        """From now on compare heads first, if a sample of the rows predicts that this pays."""
        cdef Data data = run.data
        cdef Py_ssize_t n = data.rows.n, d = data.rows.d, k = run.k, most = most_head(d), i
        cdef double scale = self.packed.scale, m = self.to_compare(run), cost, best
        cdef double passes = self.passes_to_come(run)
        cdef RowHeads heads
        cdef cnp.ndarray origin, own
        self.heads_at = 2 * run.n_iter + 2
        if heads_insisted > 0:
            most = max(most, <Py_ssize_t>3)
        origin = np.empty(d)
        memcpy(cnp.PyArray_DATA(origin), self.packed.origin, d * sizeof(double))

        def moved_rows(count):
            return (data.take(drawn_places(n, min(n, count))) - origin) * scale

        if heads_insisted < 0 and spread(moved_rows(SPREAD_ROWS)) > MOST_SPREAD * d:
            self.heads_at = 2 ** 31 - 1      # never, whatever the centers are
            return 0
        axes = leading_axes(moved_rows(6 * most), most - tails_of(most))
        if len(axes) == 0:
            return 0
        # They are tried on other rows than those, and on some of the centers.
        sample = drawn_places(n, HEAD_TRIED // 2, HEAD_ROWS)
        own = np.empty(len(sample), dtype=np.int64)
        for i in range(len(sample)):
            own[i] = max(run.job.labels[<Py_ssize_t>sample[i]], 0)
        centers = (as_array(run.clusters.center, k, d) - origin) * scale
        rows = (data.take(sample) - origin) * scale
        shares = ((rows - centers[own]) ** 2).sum(axis=1)
        if k > HEAD_CENTERS:
            centers = centers[drawn_places(k, HEAD_CENTERS)]
        trial = Trial(rows, centers, axes)
        # Limits fall as nearer centers are found. The second term estimates the error of bytes.
        near = (trial.center_sq_norms - 2 * product(rows, centers.T)).min(axis=1) + trial.sq_norms
        shares = np.minimum(shares, np.maximum(near, 0))
        limits = ((shares - trial.sq_norms)[:, None]
                  + 0.03 * np.sqrt(np.outer(trial.sq_norms, trial.center_sq_norms)))
        best = INFINITY if heads_insisted > 0 else 0.9 * m * without_heads(d)
        chosen = 0
        for width in [most] if heads_insisted > 0 else [16, 24, 32, 48, 64, 96, 128, 192, 256]:
            if width > most:
                break
            left = m * (trial.limits(min(width - tails_of(width), len(axes)))[0] < limits).mean()
            cost = (m * head_cost(width) + left * closer_cost(d)
                    + head_making_cost(width, d) / passes)
            if cost < best:
                chosen, best = width, cost
        if chosen:
            heads = RowHeads()
            if heads.make(data, &self.bytes, k, axes[:chosen - tails_of(chosen)], chosen, False):
                data.threads.room_for_heads(heads.c.bytes.parts * heads.c.bytes.depth,
                                            heads.c.row_words)
                self.heads = heads
        return 0

    cdef int leave_heads(self, Run run) except -1:
        self.heads = None
        self.heads_at = 2 * run.n_iter + 2
        run.job.heads = NULL
        return 0

    cdef void was_read(self) noexcept nogil:
        self.floats.was_read()

    cdef int leave(self, Run run) except -1:
        run.job.bytes = NULL
        run.job.heads = NULL
        run.forms.others_known = False
        self.forget()                        # (other runs pack again what they need)
        return 0

    cdef int give_up(self, Run run) except -1:
        return run.choice.give_up(run, self)

    cdef void forget(self) noexcept:
        self.bytes.words = NULL
        self.heads = None
        self.packed = self.floats.packed
        self.memory = None

    cdef double row_cost(self, Py_ssize_t m, Py_ssize_t d) noexcept nogil:
        """In the pass that was the last one, if it was with as many centers: later ones are not
        slower, since fewer centers move.
        """
        return self.counted.row if self.counted_m == m else bytes_cost(m, d)

    cdef double later_cost(self, Py_ssize_t m, Py_ssize_t d) noexcept nogil:
        # Fewer and fewer centers move: over tens of passes to the end, about half of them.
        return 0.5 * self.row_cost(m, d)

    cdef double pass_cost(self, Run run) noexcept nogil:
        if run.job.bytes != NULL:
            return bytes_cost(run.forms.in_bytes.moved, run.data.rows.d)
        return Packing.pass_cost(self, run)
