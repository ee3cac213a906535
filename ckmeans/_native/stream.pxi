# Blocks that come one after the other, pass after pass: fits in one process over rows that memory does not hold.
#
# From pass to pass only labels stay and, as far as there is room, bounds and the packed rows of the first blocks. As in `Run`, only
# rows whose label changes are added and taken away, and rows that bounds prove to keep theirs are not even read.

cdef enum:
    SAMPLE_ROWS = 500            # whose bounds are tried before all rows have some


cdef class StreamRun:
    """Where one run is between two passes, and what it has found in this one."""
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
    cdef GroupBounds bounds          # None until they are thought of
    cdef bint bounding, no_bounds
    cdef int n_passes
    cdef int pilot_at                # the pass before which bounds are thought of again
    cdef int64_t pairs               # row-center pairs that bounds left over in this pass
    cdef double pairs_per_row        # in the last pass


cdef class Stream:
    """Runs in step over the same blocks.

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
        "lloyd": no bounds; "yinyang": always; any other: where they pay.
    room : int
        Bytes that bounds and packed rows may take, together.
    keep : bool
        Whether to keep packed rows.
    """
    cdef Data data                   # aimed at one block after the other
    cdef Memory memory
    cdef CenterForms forms
    cdef StreamRun prepared          # what `forms` are of
    cdef StreamRun sampling          # the run whose first pass takes the sample
    cdef Py_ssize_t k, d, n_blocks, n_rows, sample_step
    cdef Py_ssize_t *start           # (blocks + 1,)
    cdef Py_ssize_t *place           # (blocks + 1,) of each block's first row, among tiles
    cdef Packing *packing            # (blocks,)
    cdef Py_ssize_t bounded          # blocks that bounds are kept of: so many of the first ones
    cdef Py_ssize_t kept             # and those whose packed rows are
    cdef list panels                 # Memory of those
    cdef double *origin
    cdef Packing sample              # some of the rows, one after the other
    cdef Py_ssize_t n_sampled
    cdef uint64_t *checks            # scratch (threads, 8)
    cdef Sum *totals                 # scratch (threads,)
    cdef Wide *rests                 # scratch (threads,)
    cdef Algorithm algorithm
    cdef bint open                   # the packing is settled
    cdef bint settled
    cdef bint filter
    cdef list runs

    def __cinit__(self, tuple whole not None, dtype, bint weighted, cnp.ndarray starts not None, Py_ssize_t k, int n_threads, int n_runs,
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
        self.data = Data(np.zeros((1, d), dtype), np.ones(1) if weighted else None, n_threads, False, False)
        n_threads = self.data.n_threads          # as many as there may be
        adopt(self.data, whole)
        self.data.cut_sums()
        self.memory = Memory()
        self.k = k
        self.d = d
        self.n_blocks = starts.shape[0] - 1
        self.n_rows = at[self.n_blocks]
        self.algorithm = ALGORITHMS[algorithm]
        self.forms = CenterForms(k, d)
        self.start = <Py_ssize_t *>self.memory.take(self.n_blocks + 1, sizeof(Py_ssize_t))
        self.place = <Py_ssize_t *>self.memory.take(self.n_blocks + 1, sizeof(Py_ssize_t))
        self.packing = <Packing *>self.memory.take(self.n_blocks, sizeof(Packing))
        for b in range(self.n_blocks):
            self.start[b + 1] = at[b + 1]
            self.place[b + 1] = self.place[b] + (at[b + 1] - at[b] + TILE - 1) // TILE * TILE
        # Bounds come first: they spare more of a pass than packed rows do.
        each = 4 * (1 + (k + WIDTH - 1) // WIDTH) * n_runs
        while self.algorithm != LLOYD and self.bounded < self.n_blocks and each * self.place[self.bounded + 1] <= room:
            self.bounded += 1
        room -= each * self.place[self.bounded]
        while keep and n_runs == 1 and self.kept < self.n_blocks and 4 * (d + 1) * self.place[self.kept + 1] <= room:
            self.kept += 1
        self.panels = [None] * self.kept
        self.origin = <double *>self.memory.take(d, sizeof(double))
        self.sample_step = (self.n_rows + SAMPLE_ROWS - 1) // SAMPLE_ROWS
        self.sample.panels = <float *>self.memory.take(SAMPLE_ROWS * d, sizeof(float))
        self.sample.by_row = True
        size = k * self.data.sums.parts * d
        weight_parts = self.data.sums.weight_parts
        sums = <double *>self.memory.take(n_threads * size, sizeof(double))
        weights = <double *>self.memory.take(n_threads * k * weight_parts, sizeof(double))
        counts = <int64_t *>self.memory.take(n_threads * k, sizeof(int64_t))
        touched = <uint8_t *>self.memory.take(n_threads * (k + 64), 1)       # apart, as what threads write should be
        packed = <float *>self.memory.take(n_threads * TILE * (d + 1), sizeof(float)) if self.bounded else NULL
        self.checks = <uint64_t *>self.memory.take(8 * n_threads, sizeof(uint64_t))
        self.totals = <Sum *>self.memory.take(n_threads, sizeof(Sum))
        self.rests = <Wide *>self.memory.take(n_threads, sizeof(Wide))
        for i in range(n_threads):
            worker = &self.data.workers[i]
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
            self.runs.append(run)

    def labels(self, Py_ssize_t run, Py_ssize_t block):
        """Those of a block as they are, (rows,) int32; may be written to, as long as no bounds are on them."""
        check_index(block, self.n_blocks, "block")
        return (<StreamRun?>self.runs[run]).label_array[self.place[block] : self.place[block] + self.start[block + 1] - self.start[block]]

    def begin(self, Py_ssize_t run_, cnp.ndarray centers not None, double bound, bint checked, bint settled):
        """A pass of a run begins: with these centers (k, d), float64, C-contiguous; bound, checked: as in `assign_block`.

        settled : whether all draws are done, whose memory bounds and packed rows may take now
        """
        cdef StreamRun run = self.runs[run_]
        cdef Py_ssize_t parts = self.data.sums.parts
        memcpy(run.center, rows_of(centers, "centers", self.d, self.k), self.k * self.d * sizeof(double))
        if not self.open:
            self.open_packing(run.center)
            self.sampling = run
        run.sums = np.zeros((self.k, parts, self.d))
        run.weights = np.zeros((self.k, self.data.sums.weight_parts))
        run.counts = np.zeros(self.k, dtype=np.int64)
        run.change.sums = <double *>cnp.PyArray_DATA(<cnp.ndarray>run.sums)
        run.change.weights = <double *>cnp.PyArray_DATA(<cnp.ndarray>run.weights)
        run.change.counts = <int64_t *>cnp.PyArray_DATA(<cnp.ndarray>run.counts)
        run.checked, run.measured, run.changed = checked, bound >= 0, 0
        run.check[0] = run.check[1] = 0
        memset(&run.squares, 0, sizeof(Wide))
        if run.measured:
            split_constants(bound, self.data.terms, run.split.big, 1)
        self.settled = settled
        self.prepare(run)
        self.choose(run)

    cdef void prepare(self, StreamRun run) noexcept:
        self.forms.prepare(run.center, &self.sample, self.filter, False)
        self.prepared = run

    cdef int open_packing(self, const double *centers) except -1:
        """An origin and a scale for all passes: any give the same results, and amid the centers the filter's errors are small."""
        cdef Data data = self.data
        cdef double reach = 0
        cdef Py_ssize_t f, j
        for j in range(self.k):
            for f in range(self.d):
                self.origin[f] += centers[j * self.d + f] / self.k
        data.round_origin(self.origin)
        for f in range(self.d):
            reach = max(reach, max(data.high_[f] - self.origin[f], self.origin[f] - data.low_[f]))
        self.sample.origin = self.origin
        self.filter = choose_scale(&self.sample, reach)
        for j in range(self.n_blocks):
            self.packing[j].origin = self.origin
            self.packing[j].scale = self.sample.scale
        self.open = True
        return 0

    cdef int choose(self, StreamRun run) except -1:
        """Whether this pass goes by bounds: as `Run.want_bounds`, but that rows whose panels are not kept have to be packed, too."""
        cdef Data data = self.data
        cdef Py_ssize_t m = self.forms.c.m
        cdef double brute, pairs, pack, gather
        cdef bint forced = self.algorithm == YINYANG, before = run.bounding
        run.n_passes += 1
        run.bounding = False
        if not self.forms.c.filter or not self.bounded or not (self.settled or forced):
            return 0
        pack = (0.5 if data.narrow else 0.8) * self.d * (1 - <double>self.start[self.kept] / self.n_rows)
        gather = 1.5 * pack                  # of rows here and there
        brute = brute_cost(m, self.d) + pack
        if not forced and self.n_rows * brute < WORTH_A_PILOT:
            return 0
        if run.bounds is None:
            data.rows.n = self.place[self.bounded]
            run.bounds = GroupBounds(data, self.k)
            run.bounds.open(&self.sample)
            run.bounds.regroup(run.center)
            run.pilot_at = 2                 # how far centers move is known then
        if forced:
            run.bounding = True
        elif before:
            pairs = run.pairs_per_row
            run.bounding = run.bounds.cost(pairs) + gather <= brute
            if not run.bounding:
                run.pilot_at = 2 * run.n_passes
        if not run.bounding and run.n_passes + 1 >= run.pilot_at:
            run.bounds.prepare(run.center, self.forms)
            if run.n_passes >= run.pilot_at and self.n_sampled:
                data.rows.n = self.n_sampled
                pairs = 2 * run.bounds.pilot()         # bounds loosen from pass to pass, and are not all renewed
                run.bounding = (brute - run.bounds.cost(pairs) - gather) * run.n_passes / 2 > run.bounds.cost(m) + gather - brute
                run.pilot_at = run.n_passes + 1 + run.n_passes // 2
        if not run.bounding:
            run.bounds.b.blank = True
        else:
            if run.bounds.b.blank:
                run.bounds.regroup(run.center)
            run.bounds.prepare(run.center, self.forms)
        run.pairs = 0
        return 0

    def block(self, Py_ssize_t run_, Py_ssize_t index, cnp.ndarray array not None, weights):
        """Assign the rows of a block; `array` and `weights` as for `Data`. Each block once, in any order. False where sums are not finite."""
        cdef StreamRun run = self.runs[run_]
        cdef Data data = self.data
        cdef Packing *packing
        cdef Py_ssize_t place, i, e
        check_index(index, self.n_blocks, "block")
        packing = &self.packing[index]
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
        self.open_block(array, weights, self.start[index + 1] - self.start[index])
        if run.n_passes == 1 and self.sampling is run:
            self.take_sample(index)
        if index < self.kept and self.settled and packing.panels == NULL and self.forms.c.filter:
            self.keep(index)
        data.assign_job(&job.assign, self.forms, run.label + place)
        job.assign.packing = packing
        job.assign.sums = &data.sums
        job.exact = data.exact
        job.start = self.start[index]
        job.checks = self.checks
        job.checked, job.measured = run.checked, run.measured
        job.measure.rows = &data.rows
        job.measure.weights = data.weight
        job.measure.centers = run.center
        job.measure.labels = job.assign.labels
        job.measure.sq_distances = NULL
        job.measure.workers = data.workers
        job.measure.totals = self.totals
        job.measure.rests = self.rests
        job.measure.split = run.split
        memset(self.checks, 0, 8 * data.n_threads * sizeof(uint64_t))
        memset(self.totals, 0, data.n_threads * sizeof(Sum))
        memset(self.rests, 0, data.n_threads * sizeof(Wide))
        for i in range(data.n_threads):
            data.workers[i].changed = 0
            data.workers[i].counters.filtered = 0
        if bounding:
            job.way = data.exact.assign_groups
            bounds = run.bounds.b
            bounds.upper += place
            bounds.lower += place * bounds.groups
            job.assign.bounds = &bounds
            cost = run.bounds.cost(self.forms.c.m if bounds.blank else run.pairs_per_row) + (0.7 * self.d if bounds.blank else 0.2)
        else:
            job.way = data.exact.assign
            cost = assign_cost(self.forms.c.m, self.d) + 0.7 * self.d
        if run.measured:
            cost += 0.7 * self.d
        with nogil:
            data.turn_panels(packing, bounding)
            data.each_chunk(block_pass, &job, cost,
                            TILE * max(<Py_ssize_t>1, <Py_ssize_t>(CHUNK_COST / (TILE * cost))) if bounding else 0)
        packing.filling = packing.filling and not self.forms.c.filter
        for i in range(data.n_threads):
            worker = &data.workers[i]
            if worker.changed:
                run.changed += worker.changed
                merge_tally(&run.change, &worker.tally, self.k, &data.sums, self.d)
            run.check[0] += self.checks[8 * i]
            run.check[1] += self.checks[8 * i + 1]
            if bounding:
                run.pairs += worker.counters.filtered
            if CKM_DEBUG_BOUNDS and worker.counters.broken:
                raise AssertionError(f"pass {run.n_passes}: {worker.counters.broken} bounds do not hold")
        gather(&job.measure, data.n_threads)
        add_wide(&run.squares, self.rests)
        return self.finite(run)

    cdef int open_block(self, cnp.ndarray array, weights, Py_ssize_t n) except -1:
        """Aim `data` at other rows, of the same type and number of features."""
        cdef Rows rows
        cdef Data data = self.data
        open_rows(&rows, array)
        if rows.n != n or rows.d != self.d or (rows.kind == KIND_F32) != (data.exact == exact_tables[0]):
            raise ValueError(f"a block of {n} rows of {self.d} features was expected, got {array.dtype} of shape {(<object>array).shape}.")
        data.weight = NULL if weights is None else <const double *>values_of(<cnp.ndarray?>weights, cnp.NPY_FLOAT64, "weights", 1, n)
        data.rows = rows
        return 0

    cdef bint finite(self, StreamRun run) noexcept:
        cdef double odd = 0
        cdef Py_ssize_t e
        for e in range(self.k * self.data.sums.parts * self.d):
            odd += run.change.sums[e] - run.change.sums[e]
        return odd == 0

    cdef int keep(self, Py_ssize_t index) except -1:
        """Room for the packed rows of a block."""
        cdef Py_ssize_t n = (self.data.rows.n + PANEL - 1) // PANEL * PANEL
        cdef Memory memory = Memory()
        self.packing[index].sq_norms = <float *>memory.take(n, sizeof(float), True)
        self.packing[index].panels = <float *>memory.take(n * self.d, sizeof(float), True)
        self.packing[index].filling = True
        self.panels[index] = memory
        return 0

    cdef int take_sample(self, Py_ssize_t index) except -1:
        """Every so many rows of the whole, however that is cut into blocks."""
        cdef Data data = self.data
        cdef double *row = <double *>data.workers[0].block
        cdef Py_ssize_t first = self.start[index], i = (self.sample_step - first % self.sample_step) % self.sample_step, f
        while i < data.rows.n and self.n_sampled < SAMPLE_ROWS:
            data.exact.read(&data.rows, i, row)
            for f in range(self.d):
                self.sample.panels[self.n_sampled * self.d + f] = <float>((row[f] - self.origin[f]) * self.sample.scale)
            self.n_sampled += 1
            i += self.sample_step
        return 0

    def state(self, Py_ssize_t run_):
        """For tests: whether the last pass went by bounds, pairs that they left over for each row, blocks with bounds and with packed rows."""
        cdef StreamRun run = self.runs[run_]
        return {"bounding": run.bounding, "pairs_per_row": run.pairs_per_row, "bounded": self.bounded, "kept": self.kept}

    def end(self, Py_ssize_t run_):
        """The pass is over: what `assign_block` returns, but for moments."""
        cdef StreamRun run = self.runs[run_]
        cdef cnp.ndarray check = np.empty(2, dtype=np.uint64)
        memcpy(cnp.PyArray_DATA(check), run.check, sizeof(run.check))
        if run.bounding:
            # All pairs of a blank pass say nothing of the next one.
            run.pairs_per_row = 0 if run.bounds.b.blank else <double>run.pairs / self.start[self.bounded]
            run.bounds.b.blank = False
        return run.sums, run.weights, run.counts, run.changed, check, None, limbs_of(&run.squares)
