# Out-of-core fits: blocks are read one after the other in every pass, in one process, for rows that
# do not fit into memory.
#
# Between passes only labels are kept and, as far as there is room, bounds and the packed rows of
# the first blocks. As in `Run`, only rows whose label changes are added to sums and subtracted, and
# rows whose bounds prove that they keep their label are not even read.

cdef enum:
    SAMPLE_ROWS = 500            # whose bounds are tried before all rows have some


cdef class StreamRun:
    """The state of one run between two passes, and its results in this one."""
    cdef Memory memory
    cdef object label_array
    cdef int32_t *label              # (places,)
    cdef double *center              # (k, d) of this pass
    cdef Tally change                # of the rows whose label changed in this pass
    cdef object sums, weights, counts
    cdef bint checked, measured
    cdef Split split                 # what cuts squared distances, if they are summed up
    cdef Wide squares
    cdef int64_t changed
    cdef uint64_t[2] check
    cdef GroupSearch groups          # None where the algorithm has no bounds
    cdef bint bounding               # this pass goes by them
    cdef int n_passes
    cdef int64_t pairs               # row-center pairs that bounds left over in this pass


cdef class Stream:
    """Runs that advance together over the same blocks.

    Parameters
    ----------
    whole : tuple
        As in `assign_block`.
    dtype : dtype
        Of the rows of all blocks, as they come to `block`.
    weighted : bool
    starts : ndarray of shape (blocks + 1,), int64
        Position of each block's first row.
    k, n_threads, n_runs : int
    algorithm : str
        A row of ALGORITHMS. Blocks support two searches, bounds on groups and the comparison with
        all centers; if a row requires anything else, "auto" is used.
    room : int
        Bytes that bounds and packed rows may take, together.
    keep : bool
        Whether to keep packed rows.
    """
    cdef Threads threads
    cdef Cuts cuts                   # how sums over all blocks are cut
    cdef Memory memory
    cdef CenterForms forms
    cdef StreamRun prepared          # what `forms` are of
    cdef StreamRun sampling          # the run whose first pass takes the sample
    cdef Py_ssize_t k, d, n_blocks, n_rows, sample_step
    cdef Py_ssize_t *start           # (blocks + 1,)
    cdef Py_ssize_t *place           # (blocks + 1,) of each block's first row, among tiles
    cdef list packings               # Floats of each block
    cdef Py_ssize_t bounded          # blocks that bounds are kept of: so many of the first ones
    cdef Py_ssize_t kept             # and those whose packed rows are
    cdef Floats sample               # some of the rows, one after the other
    cdef Py_ssize_t n_sampled
    cdef uint64_t *checks            # scratch (threads, 8)
    cdef Sum *totals                 # scratch (threads,)
    cdef Wide *rests                 # scratch (threads,)
    cdef bint settled
    cdef list runs

    def __cinit__(self, tuple whole not None, dtype, bint weighted, cnp.ndarray starts not None,
                  Py_ssize_t k, int n_threads, int n_runs,
                  str algorithm, Py_ssize_t room, bint keep):
        cdef Py_ssize_t d = len(whole[1]), b, size, each
        cdef int weight_parts, i
        cdef Worker *worker
        cdef double *sums
        cdef double *weights
        cdef int64_t *counts
        cdef uint8_t *touched
        cdef float *packed
        cdef const int64_t *at = <const int64_t *>values_of(starts, cnp.NPY_INT64, "starts", 1, -1)
        cdef StreamRun run
        for b in range(starts.shape[0] - 1):
            if not 0 <= at[b] <= at[b + 1]:
                raise ValueError("the starts of blocks must ascend.")
        check_index(k - 1, <Py_ssize_t>1 << 31, "center")
        check_index(starts.shape[0] - 1, starts.shape[0], "block")
        self.threads = Threads(n_threads)
        n_threads = self.threads.n               # as many as there may be
        self.threads.room_for_rows(d, False)
        self.cuts = cuts_of(whole, d, kind_of(dtype), weighted)
        self.cuts.cut()
        self.memory = Memory()
        self.k = k
        self.d = d
        self.n_blocks = starts.shape[0] - 1
        self.n_rows = at[self.n_blocks]
        row = ALGORITHMS[algorithm]
        if row.prefers not in (None, GroupSearch):
            row = ALGORITHMS["auto"]
        self.forms = CenterForms(k, d)
        self.start = <Py_ssize_t *>self.memory.take(self.n_blocks + 1, sizeof(Py_ssize_t))
        self.place = <Py_ssize_t *>self.memory.take(self.n_blocks + 1, sizeof(Py_ssize_t))
        self.packings = []
        for b in range(self.n_blocks):
            self.start[b + 1] = at[b + 1]
            self.place[b + 1] = self.place[b] + (at[b + 1] - at[b] + TILE - 1) // TILE * TILE
        # Bounds come first: they save more of a pass than packed rows do.
        each = 4 * (1 + (k + WIDTH - 1) // WIDTH) * n_runs
        while (GroupSearch in row.searches and self.bounded < self.n_blocks
               and each * self.place[self.bounded + 1] <= room):
            self.bounded += 1
        room -= each * self.place[self.bounded]
        while (keep and n_runs == 1 and self.kept < self.n_blocks
               and 4 * (d + 1) * self.place[self.kept + 1] <= room):
            self.kept += 1
        self.sample_step = (self.n_rows + SAMPLE_ROWS - 1) // SAMPLE_ROWS
        size = k * self.cuts.sums.parts * d
        weight_parts = self.cuts.sums.weight_parts
        sums = <double *>self.memory.take(n_threads * size, sizeof(double))
        weights = <double *>self.memory.take(n_threads * k * weight_parts, sizeof(double))
        counts = <int64_t *>self.memory.take(n_threads * k, sizeof(int64_t))
        # apart, as what threads write should be
        touched = <uint8_t *>self.memory.take(n_threads * (k + 64), 1)
        packed = <float *>self.memory.take(n_threads * TILE * (d + 1),
                                           sizeof(float)) if self.bounded else NULL
        self.checks = <uint64_t *>self.memory.take(8 * n_threads, sizeof(uint64_t))
        self.totals = <Sum *>self.memory.take(n_threads, sizeof(Sum))
        self.rests = <Wide *>self.memory.take(n_threads, sizeof(Wide))
        for i in range(n_threads):
            worker = &self.threads.workers[i]
            worker.tally.sums = sums + i * size
            worker.tally.weights = weights + i * k * weight_parts
            worker.tally.counts = counts + i * k
            worker.tally.touched = touched + i * (k + 64)
            worker.tile.packed = packed + i * TILE * (d + 1)
            worker.tile.norms = worker.tile.packed + TILE * d
        self.runs = []
        for i in range(n_runs):
            run = StreamRun()
            run.label_array = np.full(self.place[self.n_blocks], -1, dtype=np.int32)
            run.label = <int32_t *>cnp.PyArray_DATA(<cnp.ndarray>run.label_array)
            run.memory = Memory()
            run.center = <double *>run.memory.take(k * d, sizeof(double))
            run.change.touched = <uint8_t *>run.memory.take(k, 1)
            if self.bounded:
                run.groups = GroupSearch()
                run.groups.preferred = row.prefers is GroupSearch
                run.groups.insisted = run.groups.preferred and insisting
            self.runs.append(run)

    def labels(self, Py_ssize_t run, Py_ssize_t block):
        """Those of a block as they are, (rows,) int32; may be written to, as long as no bounds are
        on them.
        """
        check_index(block, self.n_blocks, "block")
        return (<StreamRun?>self.runs[run]).label_array[self.place[block] : self.place[block]
                                                        + self.start[block + 1] - self.start[block]]

    def begin(self, Py_ssize_t run_, cnp.ndarray centers not None, double bound, bint checked,
              bint settled):
        """A pass of a run begins: with these centers (k, d), float64, C-contiguous; bound, checked:
        as in `assign_block`.

        settled : whether all draws are done, so that bounds and packed rows may take their memory
        """
        cdef StreamRun run = self.runs[run_]
        cdef Py_ssize_t parts = self.cuts.sums.parts
        memcpy(run.center, rows_of(centers, "centers", self.d, self.k),
               self.k * self.d * sizeof(double))
        if self.sample is None:
            self.open_packings(run.center)
            self.sampling = run
        run.sums = np.zeros((self.k, parts, self.d))
        run.weights = np.zeros((self.k, self.cuts.sums.weight_parts))
        run.counts = np.zeros(self.k, dtype=np.int64)
        run.change.sums = <double *>cnp.PyArray_DATA(<cnp.ndarray>run.sums)
        run.change.weights = <double *>cnp.PyArray_DATA(<cnp.ndarray>run.weights)
        run.change.counts = <int64_t *>cnp.PyArray_DATA(<cnp.ndarray>run.counts)
        run.checked, run.measured, run.changed = checked, bound >= 0, 0
        run.check[0] = run.check[1] = 0
        memset(&run.squares, 0, sizeof(Wide))
        if run.measured:
            split_constants(bound, self.cuts.terms, run.split.big, 1)
        self.settled = settled
        self.prepare(run)
        self.choose(run)

    cdef void prepare(self, StreamRun run) noexcept:
        self.forms.prepare(run.center, &self.sample.packed, self.sample.filter, False)
        self.prepared = run

    cdef int open_packings(self, const double *centers) except -1:
        """Choose an origin and a scale for all blocks and passes. Any give the same results; with
        an origin amid the centers the filter's errors are small.
        """
        cdef Floats packing, sample = Floats()
        cdef Py_ssize_t i
        sample.open_amid(self.cuts, centers, self.k)
        sample.keep_rows(SAMPLE_ROWS, self.d)
        for i in range(self.n_blocks):
            packing = Floats()
            packing.open_around(self.cuts, sample.packed.origin)
            self.packings.append(packing)
        self.sample = sample
        return 0

    cdef int choose(self, StreamRun run) except -1:
        """Whether this pass uses bounds."""
        run.n_passes += 1
        run.pairs = 0
        run.bounding = run.groups is not None and self.wants_bounds(run)
        if run.bounding:
            run.groups.begin(run.center, self.forms)
        elif run.groups is not None:
            run.groups.lost()
        return 0

    cdef bint wants_bounds(self, StreamRun run) except -1:
        """As in a run over rows that are kept, but rows without kept panels have to be packed, too.
        """
        cdef GroupSearch groups = run.groups
        cdef double pack = ((0.5 if self.cuts.narrow else 0.8) * self.d
                            * (1 - <double>self.start[self.kept] / self.n_rows))
        cdef double gather = 1.5 * pack      # of rows here and there
        cdef double brute = brute_cost(self.forms.c.m, self.d) + pack
        if (not self.forms.c.filter or not (groups.insisted or self.settled
                                            and self.n_rows * brute >= WORTH_A_PILOT)):
            groups.settled = False
            return False
        if groups.bounds is None:
            groups.open(self.threads, &self.sample.packed, self.place[self.bounded], run.center,
                        self.k, self.d)
            groups.pilot_at = 2              # how far centers move is known then
        # (Bounds loosen from pass to pass, and not all are renewed: twice the pilot's estimate.)
        return groups.insisted or groups.pays(run.center, self.forms, self.n_sampled, run.n_passes,
                                              brute, gather, gather, 2, True)

    def block(self, Py_ssize_t run_, Py_ssize_t index, cnp.ndarray array not None, weights):
        """Assign the rows of a block; `array` and `weights` as for `Data`. Each block once, in any
        order. False where sums are not finite.
        """
        cdef StreamRun run = self.runs[run_]
        cdef View view = View()
        cdef Floats packing
        cdef Py_ssize_t place, i, e
        check_index(index, self.n_blocks, "block")
        if run.sums is None:
            raise ValueError("a pass has to begin before its first block.")
        place = self.place[index]
        cdef Bounds bounds
        cdef BlockPass job
        cdef Worker *worker
        cdef bint bounding = run.bounding and index < self.bounded
        cdef double cost
        if array.shape[0] == 0:
            return True
        if self.prepared is not run:
            self.prepare(run)
        packing = self.packings[index]
        self.open_block(view, array, weights, self.start[index + 1] - self.start[index])
        if run.n_passes == 1 and self.sampling is run:
            self.take_sample(view, index)
        if index < self.kept and self.settled and self.forms.c.filter:
            packing.keep(view)
        assign_job(view, &job.assign, self.forms, run.label + place)
        job.assign.packing = &packing.packed
        job.assign.sums = &self.cuts.sums
        job.exact = view.exact
        job.start = self.start[index]
        job.checks = self.checks
        job.checked, job.measured = run.checked, run.measured
        job.measure.rows = &view.rows
        job.measure.weights = view.weight
        job.measure.centers = run.center
        job.measure.labels = job.assign.labels
        job.measure.sq_distances = NULL
        job.measure.workers = view.workers
        job.measure.totals = self.totals
        job.measure.rests = self.rests
        job.measure.split = run.split
        memset(self.checks, 0, 8 * view.n_threads * sizeof(uint64_t))
        memset(self.totals, 0, view.n_threads * sizeof(Sum))
        memset(self.rests, 0, view.n_threads * sizeof(Wide))
        view.threads.begin()
        for i in range(view.n_threads):
            view.workers[i].counters.filtered = 0
        if bounding:
            job.way = view.exact.assign_groups
            bounds = run.groups.bounds.b
            bounds.upper += place
            bounds.lower += place * bounds.groups
            job.assign.bounds = &bounds
            cost = run.groups.bounds.cost(self.forms.c.m if bounds.blank
                                          else run.groups.pairs_per_row)
            cost += 0.7 * self.d if bounds.blank else 0.2
        else:
            job.way = view.exact.assign
            cost = assign_cost(self.forms.c.m, self.d) + 0.7 * self.d
        if run.measured:
            cost += 0.7 * self.d
        with nogil:
            packing.lay(view, bounding)
            view.each_chunk(block_pass, &job, cost,
                            run.groups.chunk_rows(cost) if bounding else 0)
        if self.forms.c.filter:
            packing.was_read()
        for i in range(view.n_threads):
            worker = &view.workers[i]
            if worker.changed:
                run.changed += worker.changed
                merge_tally(&run.change, &worker.tally, self.k, &self.cuts.sums, self.d)
            run.check[0] += self.checks[8 * i]
            run.check[1] += self.checks[8 * i + 1]
            if bounding:
                run.pairs += worker.counters.filtered
            if CKM_DEBUG_BOUNDS and worker.counters.broken:
                raise AssertionError(f"pass {run.n_passes}: {worker.counters.broken} bounds do not "
                                     "hold")
        gather(&job.measure, view.n_threads)
        add_wide(&run.squares, self.rests)
        return self.finite(run)

    cdef int open_block(self, View view, cnp.ndarray array, weights, Py_ssize_t n) except -1:
        """Open n rows of a block, which must have the type and the number of features of all
        blocks.
        """
        view.open(array, weights, self.threads)
        if (view.rows.n != n or view.rows.d != self.d or view.narrow != self.cuts.narrow
            or (weights is not None) != self.cuts.weighted):
            raise ValueError(f"a block of {n} rows of {self.d} features was expected, got "
                             f"{array.dtype} of shape {(<object>array).shape}.")
        return 0

    cdef bint finite(self, StreamRun run) noexcept:
        cdef double odd = 0
        cdef Py_ssize_t e
        for e in range(self.k * self.cuts.sums.parts * self.d):
            odd += run.change.sums[e] - run.change.sums[e]
        return odd == 0

    cdef int take_sample(self, View view, Py_ssize_t index) except -1:
        """Every so-many-th row of the whole, however it is divided into blocks."""
        cdef double *row = <double *>view.workers[0].block
        cdef Py_ssize_t first = self.start[index]
        cdef Py_ssize_t i = (self.sample_step - first % self.sample_step) % self.sample_step
        while i < view.rows.n and self.n_sampled < SAMPLE_ROWS:
            view.exact.read(&view.rows, i, row)
            self.sample.put(row, self.d, self.n_sampled)
            self.n_sampled += 1
            i += self.sample_step
        return 0

    def state(self, Py_ssize_t run_):
        """For tests: whether the last pass used bounds, the pairs that they left for each row, and
        the numbers of blocks with bounds and with packed rows.
        """
        cdef StreamRun run = self.runs[run_]
        return {"bounding": run.bounding,
                "pairs_per_row": 0.0 if run.groups is None else run.groups.pairs_per_row,
                "bounded": self.bounded, "kept": self.kept}

    def end(self, Py_ssize_t run_):
        """End the pass; returns what `assign_block` returns, without moments."""
        cdef StreamRun run = self.runs[run_]
        cdef cnp.ndarray check = np.empty(2, dtype=np.uint64)
        memcpy(cnp.PyArray_DATA(check), run.check, sizeof(run.check))
        if run.bounding:
            run.groups.end(<double>run.pairs / self.start[self.bounded])
        return run.sums, run.weights, run.counts, run.changed, check, None, limbs_of(&run.squares)
