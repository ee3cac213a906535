# One k-means run: the loop of Lloyd's algorithm and its stopping rule, the same for every
# algorithm.

cdef enum Stop:
    GOING, LABELS, TOL, MAX_ITER, MAX_TIME, CALLBACK

STOP_REASONS = (None, "labels", "tol", "max_iter", "max_time", "callback")


cdef class Run:
    """Lloyd iterations from given centers.

    Parameters
    ----------
    data : Data
    centers : ndarray of shape (k, d), float64, C-contiguous
        Already rounded to the type of the results (float32 values for float32 rows).
    max_iter : int
    tol : float
        The run stops once the centers' total squared shift is at most this times the mean variance
        of the columns.
    algorithm : str or Algorithm
        The name of a row of ALGORITHMS, or one that is not in it.
    rule : Rule or None
        Used by this run only.
    """
    cdef readonly Data data
    cdef Memory memory
    cdef Py_ssize_t k
    cdef Clusters clusters           # centers, and the sums of their rows
    cdef CenterForms forms           # of the centers, as kernels read them
    cdef Choice choice               # of packings and searches
    cdef Rule rule                   # or None
    cdef object label_array
    cdef int32_t *label              # (n,) as the search has found them
    cdef object amended_array
    cdef int32_t *amended            # (n,) the labels after the rule, in the rows' own order, to
                                     # which the clusters' sums belong. NULL: no rule amends labels,
                                     # and sums belong to `label`
    cdef int32_t *fresh              # (n,) the same in this pass
    cdef int32_t *place_label        # (n,) labels in the order of the boxes, once that is in use
    cdef Assign job
    cdef Survey survey
    cdef int max_iter
    cdef double tol
    cdef double shift_limit          # 0 until the first assignment
    cdef readonly int n_iter
    cdef readonly int64_t n_changed  # labels changed by the last assignment
    cdef int64_t *moved              # rows that empty clusters took in this update
    cdef Py_ssize_t n_moved
    cdef Stop stop

    def __cinit__(self, Data data not None, cnp.ndarray centers not None, int max_iter, double tol,
                  algorithm="auto", Rule rule=None):
        cdef const double *given = rows_of(centers, "centers", data.rows.d)
        cdef Cuts cuts = data.need_cuts()
        cdef int i
        self.data = data
        self.k = centers.shape[0]
        self.max_iter = max_iter
        self.tol = tol
        cuts.cut()
        self.memory = Memory()
        if rule is not None:
            if rule.taken:
                raise ValueError("a rule belongs to one run, and this one has a run already.")
            rule.taken = True
        self.rule = rule
        self.choice = Choice()
        self.choice.open(self, (None if rule is None else rule.algorithm())
                         or (ALGORITHMS[algorithm] if isinstance(algorithm, str) else algorithm))
        self.forms = CenterForms(self.k, data.rows.d, True, data.most_values, data.metric)
        data.threads.room_for_scores(self.forms.c.groups * self.forms.c.width)
        self.clusters = (Rule() if rule is None else rule).clusters(self)
        self.clusters.open(data, cuts, self.forms, given)
        self.label_array = new_vector(data.rows.n, cnp.NPY_INT32)
        self.label = <int32_t *>cnp.PyArray_DATA(<cnp.ndarray>self.label_array)
        memset(self.label, 0xff, data.rows.n * sizeof(int32_t))
        for i in range(data.n_threads):
            memset(&data.workers[i].counters, 0, sizeof(Counters))
        assign_job(data, &self.job, self.forms, self.label)
        self.job.sums = &cuts.sums
        if rule is not None and rule.amends:
            self.job.sums = NULL             # the sums are updated once labels are amended
            self.amended_array = np.full(data.rows.n, -1, dtype=np.int32)
            self.amended = <int32_t *>cnp.PyArray_DATA(<cnp.ndarray>self.amended_array)
            self.fresh = <int32_t *>self.memory.take(data.rows.n, sizeof(int32_t))
        if rule is not None:
            rule.open(self)

    # -- the loop ----------------------------------------------------------------------------------

    cdef int assign(self) except -1 nogil:
        """Label all rows and update the sums."""
        self.choose()
        return self.label_rows()

    cdef int choose(self) except -1 nogil:
        """Choose how rows are packed and which centers they are compared with in the next pass."""
        self.choice.choose_packing(self)
        self.forms.prepare(self.clusters.center, self.choice.packing.panels(),
                           self.choice.packing.usable(), False)
        self.job.centers = &self.forms.c
        return self.choice.choose_search(self)

    cdef int label_rows(self) except -1 nogil:
        self.data.threads.begin()
        self.clusters.lend(self.label)
        (<Search>self.choice.search).assign(self)
        if self.amended != NULL:
            return self.amend()
        self.n_changed = self.data.threads.changed()
        self.clusters.collect(self.label)
        return 0

    cdef int amend(self) except -1 nogil:
        """Have the rule amend the labels, and update the sums."""
        self.sync_labels()
        memcpy(self.fresh, self.label, self.data.rows.n * sizeof(int32_t))
        self.rule.amend(self, self.fresh)
        self.n_changed = self.take_labels(self.amended, self.fresh)
        return 0

    cdef int64_t take_labels(self, int32_t *label, const int32_t *fresh) noexcept nogil:
        """Replace labels (n,), to which the sums belong, and update the sums; returns how many
        changed.
        """
        cdef int64_t changed = 0
        cdef Py_ssize_t i
        for i in range(self.data.rows.n):
            if label[i] == fresh[i]:
                continue
            if label[i] >= 0:
                self.clusters.move(i, label[i], -1)
            label[i] = fresh[i]
            if fresh[i] >= 0:
                self.clusters.move(i, fresh[i], 1)
            changed += 1
        return changed

    cdef int first_assign(self) except -1 nogil:
        """The first assignment mostly reads all rows: then it also does the survey for the stopping
        rule.
        """
        self.choose()
        if self.tol > 0 and self.data.metric == GAPS:
            with gil:
                self.data.variance()
        if not (self.tol > 0 and self.data.variance_ < 0):
            self.label_rows()
        elif (<Search>self.choice.search).reads_all_rows():
            self.job.survey = &self.survey
            with gil:
                self.data.begin_survey(self.memory, &self.survey)
            self.label_rows()
            self.job.survey = NULL
            with gil:
                finish_survey(self.data, &self.survey)
        else:
            with gil:
                self.data.variance()
            self.label_rows()
        if self.tol > 0:
            self.shift_limit = self.tol * self.data.variance_
        return 0

    cdef double to_come(self, double cost) noexcept nogil:
        """Nanoseconds of the next few assignments, if all rows are compared with all centers, at so
        many nanoseconds for each row.
        """
        return min(4, self.max_iter - self.n_iter) * self.data.rows.n * cost

    cdef Py_ssize_t left(self) noexcept nogil:
        """The largest number of assignments that may follow this one."""
        return max(0, self.max_iter - self.n_iter)

    cdef int go_by_place(self, const Boxes *boxes) except -1:
        """From now on labels are in the order of these boxes."""
        cdef Py_ssize_t n = self.data.rows.n, i
        self.choice.lost()
        self.place_label = <int32_t *>self.memory.take(n, sizeof(int32_t))
        for i in range(n):
            self.place_label[i] = self.label[boxes.order[i]]
        self.job.labels = self.place_label
        self.job.boxes = boxes
        return 0

    cdef void sync_labels(self) noexcept nogil:
        """Update `label` from the labels by place."""
        cdef Py_ssize_t i
        if self.place_label != NULL:
            for i in range(self.data.rows.n):
                self.label[self.job.boxes.order[i]] = self.place_label[i]

    cdef int relabel(self, cnp.ndarray labels) except -1:
        """Take these labels, in the rows' own order, and update the sums."""
        cdef const int32_t *fresh = <const int32_t *>cnp.PyArray_DATA(labels)
        cdef Py_ssize_t n = self.data.rows.n, i
        cdef int64_t changed = 0
        self.sync_labels()
        self.forms.others_known = False
        if self.amended == NULL:
            changed = self.take_labels(self.label, fresh)
        else:
            memcpy(self.label, fresh, n * sizeof(int32_t))
        for i in range(n if self.place_label != NULL else 0):
            self.place_label[i] = self.label[self.job.boxes.order[i]]
        self.clusters.lend(self.label)       # the old labels: changes of the sums that are not yet
                                             # collected belong to them
        self.data.workers[0].changed = changed
        return 0

    cdef int update(self) except -1 nogil:
        """Move every center to the mean of its rows, empty clusters to far rows, and measure the
        shift.
        """
        cdef Py_ssize_t i
        self.n_moved = 0
        if self.clusters.any_empty():
            with gil:
                if self.moved == NULL:
                    self.moved = <int64_t *>self.memory.take(self.k, sizeof(int64_t))
                fill_empty(self, self.moved, &self.n_moved)
        self.clusters.find_all()
        self.clusters.update_all()
        for i in range(self.n_moved):
            self.clusters.move(self.moved[i], self.counting_labels()[self.moved[i]], 1)
        return 0

    cdef const int32_t *counting_labels(self) noexcept nogil:
        """The labels to which the sums belong, in the rows' own order."""
        self.sync_labels()
        return self.label if self.amended == NULL else self.amended

    cdef double measure(self, const double *centers, double *sq_distances) except -1:
        """The inertia of the labels, to centers as they are used, and each row's squared distance
        where there is room for it.
        """
        if self.rule is None:
            return self.data.measure(centers, self.k, self.counting_labels(), sq_distances)
        return self.rule.measure(self, centers, self.counting_labels(), sq_distances)

    cdef Stop stopping(self) noexcept nogil:
        """The stopping rule: asked after an assignment (n_changed) and again after an update
        (shift).
        """
        if self.n_changed == 0:
            return LABELS
        if self.clusters.shift <= self.shift_limit:
            return TOL
        if self.n_iter >= self.max_iter:
            return MAX_ITER
        return GOING

    cdef int step(self) except -1 nogil:
        """One iteration: assign, and update unless no label changed."""
        if self.n_iter == 0:
            self.first_assign()
        else:
            self.assign()
        self.n_iter += 1
        self.clusters.shift = 0
        if self.n_changed:
            self.update()
        self.stop = self.stopping()
        return 0

    def iterate(self):
        """One iteration; returns whether more may follow."""
        with nogil:
            self.step()
        return self.stop == GOING

    def halt(self, reason):
        """No more iterations, for this one of STOP_REASONS; `finish` is still to be called."""
        self.stop = STOP_REASONS.index(reason)

    def finish(self):
        """Iterate until the run stops, and end on an assignment to the final centers."""
        with nogil:
            while self.stop == GOING:
                self.step()
            if self.stop != LABELS:
                self.assign_only()

    cdef int assign_only(self) except -1 nogil:
        cdef int64_t changed = self.n_changed
        self.assign()
        self.n_changed = changed
        return 0

    # -- what callers ask --------------------------------------------------------------------------

    @property
    def along_axes(self):
        """Whether rows were packed along axes in the last assignment."""
        return self.choice.packing.packed.axes != NULL

    @property
    def shift(self):
        """Total squared movement of the centers in the last update."""
        return self.clusters.shift

    @property
    def stop_reason(self):
        return STOP_REASONS[self.stop]

    def result_centers(self):
        """Copy of the centers, in the type of the results."""
        out = as_array(self.clusters.shown, self.k, self.data.rows.d)
        return out.astype(np.float32) if self.data.single else out

    def centers(self):
        """Copy of the centers as float64."""
        return as_array(self.clusters.shown, self.k, self.data.rows.d)

    def labels(self):
        """The labels themselves; they change with the next iteration."""
        self.sync_labels()
        return self.label_array if self.amended == NULL else self.amended_array

    def counts(self):
        """Rows in each cluster."""
        cdef cnp.ndarray out = new_vector(self.k, cnp.NPY_INT64)
        memcpy(cnp.PyArray_DATA(out), self.clusters.total.counts, self.k * sizeof(int64_t))
        return out

    def inertia(self):
        """Of the labels, to the centers as they are now."""
        return self.measure(self.clusters.center, NULL)

    def inertia_to(self, cnp.ndarray centers not None):
        """Of the labels, to these centers (k, d) float64."""
        cdef Memory memory = Memory()
        cdef const double *rows = rows_of(centers, "centers", self.data.rows.d)
        if centers.shape[0] != self.k:
            raise ValueError(f"there are {self.k} centers, got {centers.shape[0]}.")
        return self.measure(self.data.used(rows, self.k, memory), NULL)

    @property
    def left_by_heads(self):
        """Of the pairs that were compared by heads of rows, those compared by all features, too."""
        return self.data.threads.counters().closer

    def counters(self):
        """Counts of the work of the kernels so far.

        Row-center pairs filtered and decided exactly, rows that the filter left undecided,
        box-center pairs tested.
        """
        cdef Counters counted = self.data.threads.counters()
        return {"filtered": counted.filtered, "exact": counted.exact, "decided": counted.decided,
                "boxed": counted.boxed}
