# Bounds on the distances to groups of centers prove most rows to keep their label (Ding et al.,
# "Yinyang K-Means", ICML 2015).

cdef enum:
    WORTH_A_PILOT = 1000000      # nanoseconds of a brute assignment from which on bounds are
                                 # thought of


cdef class GroupSearch(Search):
    """Whether and when to use `GroupBounds`.

    A pilot of a few rows estimates how many centers bounds would leave if centers moved again as
    they did last. Bounds are begun if they pay for themselves within half as many passes as there
    have been, and given up once they leave too much.
    """
    cdef GroupBounds bounds      # None until bounds are considered
    cdef int pilot_at            # the pass before which they are considered again
    cdef double pairs_per_row    # row-center pairs that bounds left over in the last pass
    cdef double passes_left      # the largest number of passes that may follow

    def __cinit__(self):
        self.passes_left = INFINITY

    cdef bint possible(self, Run run) noexcept:
        if run.data.rows.directionless:      # the label of such a row does not follow from
                                             # distances
            return False
        if run.data.floats.packed.clamped:   # far rows have other distances when packed
            return False
        return (run.data.packed and (self.insisted or run.data.rows.n
                                     * brute_cost(run.k, run.data.rows.d) >= WORTH_A_PILOT))

    cdef bint fits(self, Run run) noexcept nogil:
        return run.forms.c.filter

    cdef bint wants(self, Run run) except -1 nogil:
        cdef const Packed *packing = run.choice.packing.panels()
        cdef Py_ssize_t d = run.data.rows.d
        cdef Py_ssize_t m = run.forms.c.m
        cdef double brute = (run.choice.packing.row_cost(m, d) if self.settled
                             else run.choice.packing.later_cost(m, d)), begin
        if not self.insisted and run.data.rows.n * brute < WORTH_A_PILOT:
            return False
        if self.bounds is None and not self.insisted and not self.can_pay(run, brute):
            return False
        if self.bounds is None:
            with gil:
                try:
                    self.open(run.data.threads, packing, run.data.rows.n, run.clusters.center,
                              run.k, d)
                except MemoryError:
                    if self.insisted:
                        raise
                    run.choice.give_up_search(self)     # go on as before
                    return False
                self.pilot_at = max(self.pilot_at, run.n_iter + 1)
        begin = 0 if packing.by_row else 0.5 * packed_width(packing, d)
        begin = begin if packing.panels != NULL else 1.0 * d
        self.passes_left = run.left()
        if not self.insisted and not self.pays(run.clusters.center, run.forms, run.data.rows.n,
                                               run.n_iter, brute, 0, begin, 1, not packing.filling,
                                               run.data):
            return False
        if packing.panels != NULL:
            return True
        with gil:
            try:
                run.data.floats.keep(run.data)
                return True
            except MemoryError:
                if self.insisted:
                    raise
                run.choice.give_up_search(self)
        return False

    cdef bint can_pay(self, Run run, double brute) noexcept nogil:
        """Whether bounds would pay in the next pass if they left nothing: opening them may cost
        more than a fast comparison with all centers.
        """
        cdef Py_ssize_t m = run.forms.c.m, d = run.data.rows.d
        cdef double least = 2 + 0.15 * ((run.k + WIDTH - 1) // WIDTH)
        cdef double gains = max((run.n_iter + 2) / 2.0, 8.0 if self.preferred else 0.0)
        return (brute - least) * min(gains, <double>run.left()) > m * (d / 44.0) - brute

    cdef int open(self, Threads threads, const Packed *packing, Py_ssize_t n, const double *centers,
                  Py_ssize_t k, Py_ssize_t d) except -1:
        """Allocate bounds on n rows."""
        cdef GroupBounds bounds = GroupBounds(threads, k, d)
        bounds.open(packing, n)
        bounds.regroup(centers)
        self.bounds = bounds
        return 0

    cdef bint pays(self, const double *centers, CenterForms forms, Py_ssize_t n, int n_passes,
                   double brute, double upkeep, double begin,
                   double looser, bint ready, View view=None) except -1 nogil:
        """Whether bounds pay in this pass.

        n         rows that a pilot may read: those of the packed rows with which `bounds` was
                  opened
        n_passes  so far
        brute     nanoseconds of a row that is compared with all centers
        upkeep    nanoseconds that bounds take for each row, its pairs not included
        begin     nanoseconds for each row in addition in the pass that begins with bounds
        looser    factor of the pilot's estimate, since bounds become looser over time
        ready     whether a pilot is possible
        view      the rows themselves, for a pilot if none are packed
        """
        cdef double pairs, gains              # passes that are to gain what a beginning costs
        if self.settled:
            if self.bounds.cost(self.pairs_per_row) + upkeep <= brute:
                return True
            self.settled = False
            self.pilot_at = 2 * n_passes
        if not ready:
            return False
        if n_passes + 1 >= self.pilot_at:
            self.bounds.prepare(centers, forms)       # from here on it is known how far centers
                                                      # move
        if n_passes < self.pilot_at:
            return False
        with gil:
            pairs = looser * self.bounds.pilot(n, view)
        self.pilot_at = n_passes + 1 + n_passes // 2
        gains = max(n_passes / 2.0, 8.0) if self.preferred else n_passes / 2.0
        self.settled = ((brute - self.bounds.cost(pairs) - upkeep) * min(gains, self.passes_left)
                        > self.bounds.cost(forms.c.m) + begin - brute)
        return self.settled

    cdef int assign(self, Run run) except -1 nogil:
        cdef double cost = self.bounds.cost(self.pairs_per_row if self.settled
                                            else run.forms.c.m // 4 + 1)
        cdef Counters before = run.data.threads.counters(), after
        cdef Py_ssize_t n = run.data.rows.n
        self.begin(run.clusters.center, run.forms)
        run.data.threads.room_for_tiles(self.bounds.b.groups)
        run.job.packing = run.choice.packing.panels_for(run, BY_ROW)
        run.job.bounds = &self.bounds.b
        run.data.each_chunk(run.data.exact.assign_groups, &run.job, cost, self.chunk_rows(cost))
        run.choice.packing.was_read()
        if CKM_DEBUG_BOUNDS:
            assert_bounds(run.data.threads, run.n_iter + 1)
        after = run.data.threads.counters()
        self.end(<double>(after.filtered - before.filtered) / n)
        return run.choice.packing.was_searched(run, self.bounds.cost(self.pairs_per_row),
                                               <double>(after.decided - before.decided) / n,
                                               <double>(after.exact - before.exact) / n)

    cdef int begin(self, const double *centers, CenterForms forms) except -1 nogil:
        """Update bounds for the centers of a pass that uses them."""
        if self.bounds.b.blank:
            with gil:
                self.bounds.regroup(centers)
        self.bounds.prepare(centers, forms)
        return 0

    cdef Py_ssize_t chunk_rows(self, double cost) noexcept nogil:
        return TILE * max(<Py_ssize_t>1, <Py_ssize_t>(CHUNK_COST / (TILE * cost)))

    cdef void end(self, double pairs_per_row) noexcept nogil:
        """Called after a pass for which bounds left `pairs_per_row` centers for each row. A first
        pass compares all pairs, which tells nothing about the next one.
        """
        self.pairs_per_row = 0 if self.bounds.b.blank else pairs_per_row
        self.bounds.b.blank = False

    cdef void lost(self) noexcept nogil:
        if self.bounds is not None:
            self.bounds.b.blank = True

    cdef void measure_anew(self, Run run) noexcept:
        self.bounds = None
        self.settled = False
        self.pilot_at = run.n_iter + 2       # the next pass may be the first that packs


cdef int assert_bounds(Threads threads, int n_passes) except -1 nogil:
    cdef int64_t broken = threads.counters().broken
    if broken:
        with gil:
            raise AssertionError(f"iteration {n_passes}: {broken} bounds do not hold")
    return 0
