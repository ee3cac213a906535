# One k-means run: the iteration, the stopping rule, and what becomes of empty clusters. Every
# algorithm runs under this loop.

cdef enum Stop:
    GOING, LABELS, TOL, MAX_ITER, MAX_TIME, CALLBACK

STOP_REASONS = (None, "labels", "tol", "max_iter", "max_time", "callback")


cdef void merge_tally(Tally *total, Tally *tally, Py_ssize_t k, const Sums *how,
                      Py_ssize_t d) noexcept nogil:
    """Add one thread's tally to the total and clear it."""
    cdef Py_ssize_t size = how.parts * d, j, e
    for j in range(k):
        total.counts[j] += tally.counts[j]
        tally.counts[j] = 0
        if not tally.touched[j]:
            continue
        tally.touched[j] = 0
        total.touched[j] = 1
        for e in range(j * how.weight_parts, (j + 1) * how.weight_parts):
            total.weights[e] += tally.weights[e]
            tally.weights[e] = 0
        for e in range(j * size, (j + 1) * size):
            total.sums[e] += tally.sums[e]
            tally.sums[e] = 0


cdef class Run:
    """Lloyd iterations from given centers.

    Parameters
    ----------
    data : Data
    centers : ndarray of shape (k, d), float64, C-contiguous
        Already rounded to the type of the results (float32 values for float32 rows).
    algorithm : str
        A row of ALGORITHMS.
    max_iter : int
    tol : float
        The run stops once the centers' total squared shift is at most this times the mean variance
        of the columns.
    """
    cdef readonly Data data
    cdef Cuts cuts                   # how sums are cut
    cdef Memory memory
    cdef CenterForms forms
    cdef Py_ssize_t k
    cdef int max_iter
    cdef double tol
    cdef double shift_limit          # 0 until the first assignment
    cdef Survey survey
    cdef double *center              # (k, d) as they are used
    cdef double *shown               # (k, d) as results have them: the same, unless rows are taken
                                     # at unit length
    cdef double *fresh               # (k, d) the next centers, where they differ
    cdef object label_array
    cdef int32_t *label              # (n,)
    cdef Tally total                 # sums of the current labels; `touched`: not yet in `center`
    cdef Tally *tallies              # (threads,) what each thread adds to them; zeros between
                                     # passes. NULL: CSR
    cdef int32_t *before             # CSR: (n,) labels before the last assignment; else NULL
    cdef int32_t *place_label        # (n,) labels in the order of the boxes, once that is in use
    cdef list packings               # of its row of ALGORITHMS, the last of which always fits
    cdef void **packing_at           # the same, borrowed; NULL: given up
    cdef int n_packings
    cdef Packing packing             # the one in use
    cdef void *insisted_packing      # that the algorithm insists on, or NULL
    cdef list searches               # of its row of ALGORITHMS, the last of which always fits
    cdef void **search_at            # the same, borrowed; NULL: given up
    cdef int n_searches
    cdef void *search                # the one in use
    cdef Assign job
    cdef readonly int n_iter
    cdef readonly double shift       # total squared movement of the centers in the last update
    cdef readonly int64_t n_changed  # labels changed by the last assignment
    cdef int64_t *moved              # rows that empty clusters took in this update
    cdef Py_ssize_t n_moved
    cdef Stop stop

    def __cinit__(self, Data data not None, cnp.ndarray centers not None, int max_iter, double tol,
                  str algorithm="auto"):
        cdef const double *given = rows_of(centers, "centers", data.rows.d)
        cdef Py_ssize_t k = centers.shape[0], d = data.rows.d
        cdef int i
        self.data = data
        self.k = k
        self.max_iter = max_iter
        self.tol = tol
        self.cuts = data.need_cuts()
        self.cuts.cut()
        self.memory = Memory()
        self.open_ways(ALGORITHMS[algorithm])
        self.forms = CenterForms(k, d, True, data.most_values)
        data.threads.room_for_scores(self.forms.c.groups * self.forms.c.width)
        self.center = <double *>self.memory.take(k * d, sizeof(double))
        self.fresh = <double *>self.memory.take(k * d, sizeof(double))
        self.shown = <double *>self.memory.take(k * d, sizeof(double)) if data.unit else self.center
        memcpy(self.shown, given, k * d * sizeof(double))
        if data.unit:
            for i in range(k):
                data.turn(self.shown + i * d, self.center + i * d)
        self.label_array = np.empty(data.rows.n, dtype=np.int32)
        self.label_array.fill(-1)
        self.label = <int32_t *>cnp.PyArray_DATA(<cnp.ndarray>self.label_array)
        self.new_tallies(&self.total, 1)
        for i in range(data.n_threads):
            data.workers[i].changed = 0
            memset(&data.workers[i].counters, 0, sizeof(Counters))
        assign_job(data, &self.job, self.forms, self.label)
        self.job.sums = &self.cuts.sums
        if data.rows.indptr == NULL:
            self.tallies = <Tally *>self.memory.take(data.n_threads, sizeof(Tally))
            self.new_tallies(self.tallies, data.n_threads)
        else:
            self.begin_csr()

    cdef int open_ways(self, algorithm) except -1:
        """The packings and searches that there are to choose from."""
        cdef tuple packings, searches
        cdef Py_ssize_t i
        cdef bint reads_panels = False
        cdef Packing packing = None
        cdef Search search = None
        packings, searches, insists_on = algorithm
        self.packing_at = <void **>self.memory.take(len(packings) + len(searches), sizeof(void *))
        self.search_at = self.packing_at + len(packings)
        self.packings, self.searches = [], []
        for i in range(len(packings)):
            packing = self.data.packing(packings[i])
            if packings[i] is insists_on:
                self.insisted_packing = <void *>packing
            if packing.possible(self):
                self.packing_at[self.n_packings] = <void *>packing
                self.packings.append(packing)
                self.n_packings += 1
        for i in range(len(searches)):
            search = searches[i]()
            search.insisted = searches[i] is insists_on
            if search.possible(self):
                self.search_at[self.n_searches] = <void *>search
                self.searches.append(search)
                self.n_searches += 1
                reads_panels = reads_panels or search.reads_panels()
        if (packing is None or packing is not self.data.floats or search is None
            or not search.always_fits()):
            raise ValueError("the last packing of an algorithm must be Floats, and its last "
                             f"search one that always fits: {algorithm}.")
        self.packing = packing
        if self.data.packed and (reads_panels or (<Packing>self.packing_at[0]).needs_panels()):
            self.data.floats.keep(self.data)
        return 0

    cdef int new_tallies(self, Tally *tallies, int count) except -1:
        cdef Py_ssize_t k = self.k, size = k * self.cuts.sums.parts * self.data.rows.d
        cdef double *sums = <double *>self.memory.take(count * size, sizeof(double))
        cdef int weight_parts = self.cuts.sums.weight_parts
        cdef double *weights = <double *>self.memory.take(count * k * weight_parts, sizeof(double))
        cdef int64_t *counts = <int64_t *>self.memory.take(count * k, sizeof(int64_t))
        cdef uint8_t *touched = <uint8_t *>self.memory.take(count * k, 1)
        cdef int i
        for i in range(count):
            tallies[i].sums = sums + i * size
            tallies[i].weights = weights + i * k * weight_parts
            tallies[i].counts = counts + i * k
            tallies[i].touched = touched + i * k
        return 0

    cdef void take_tallies(self) noexcept nogil:
        """Have the threads add to this run's tallies."""
        cdef int i
        for i in range(self.data.n_threads):
            self.data.workers[i].tally = self.tallies[i]

    # -- the loop ----------------------------------------------------------------------------------

    cdef int assign(self) except -1 nogil:
        """Label all rows and bring the sums up to date."""
        self.choose()
        return self.label_rows()

    cdef int choose(self) except -1 nogil:
        """How rows are packed and which centers they are compared with in the pass that is about to
        begin.
        """
        self.choose_packing()
        self.forms.prepare(self.center, self.packing.panels(), self.packing.filter, False)
        self.job.centers = &self.forms.c
        return self.choose_search()

    cdef int label_rows(self) except -1 nogil:
        cdef int i
        self.data.threads.begin()
        if self.tallies != NULL:
            self.take_tallies()
        if self.before != NULL:
            memcpy(self.before, self.label, self.data.rows.n * sizeof(int32_t))
        (<Search>self.search).assign(self)
        self.n_changed = self.data.threads.changed()
        for i in range(self.data.n_threads):
            if self.data.workers[i].changed and self.before == NULL:
                self.merge(&self.data.workers[i].tally)
        if self.before != NULL:
            self.merge_csr()
        return 0

    cdef int first_assign(self) except -1 nogil:
        """The first assignment reads all rows, mostly: the survey for the stopping rule is done on
        the way.
        """
        self.choose()
        if not (self.tol > 0 and self.data.variance_ < 0):
            self.label_rows()
        elif (<Search>self.search).reads_all_rows():
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

    # -- how rows are packed -----------------------------------------------------------------------

    cdef int choose_packing(self) except -1 nogil:
        """Go over to the first packing that fits and is wanted."""
        cdef int i, chosen = self.n_packings - 1
        for i in range(chosen):
            if (self.packing_at[i] != NULL and (<Packing>self.packing_at[i]).fits(self)
                and (<Packing>self.packing_at[i]).wants(self)):
                chosen = i
                break
        if self.packing_at[chosen] != <void *>self.packing:
            with gil:
                self.go_over(self.packings[chosen])
        return self.packing.follow(self)

    cdef int go_over(self, Packing packing) except -1:
        self.packing.leave(self)
        self.packing = packing
        packing.enter(self)
        return 0

    cdef int give_up(self, Packing packing) except -1:
        """Do without a packing from now on."""
        cdef int i
        for i in range(self.n_packings):
            if self.packing_at[i] == <void *>packing:
                self.packing_at[i] = NULL
        if self.packing is packing:
            self.go_over(self.packings[self.n_packings - 1])
        return 0

    cdef bint insists_on(self, Packing packing) noexcept nogil:
        return self.insisted_packing == <void *>packing

    cdef double cost_without(self, Packing packing, Py_ssize_t m) noexcept nogil:
        """Nanoseconds that it takes to compare a row with m centers if the rows are packed in
        another way, roughly.
        """
        cdef int i
        for i in range(self.n_packings):
            if (self.packing_at[i] != NULL and self.packing_at[i] != <void *>packing
                and (<Packing>self.packing_at[i]).fits(self)):
                return (<Packing>self.packing_at[i]).row_cost(m, self.data.rows.d)
        return INFINITY

    cdef double to_come(self, double cost) noexcept nogil:
        """Nanoseconds of the next few assignments, if all rows are compared with all centers, which
        costs a row so many.
        """
        return min(4, self.max_iter - self.n_iter) * self.data.rows.n * cost

    cdef int measure_anew(self) except -1:
        """Distances are others from now on: rows are packed in other features."""
        cdef Search search
        for search in self.searches:
            search.measure_anew(self)
        return 0

    # -- which centers rows are compared with ------------------------------------------------------

    cdef int choose_search(self) except -1 nogil:
        """Take the first search that fits and is wanted."""
        cdef int i, chosen = self.n_searches - 1
        for i in range(self.n_searches - 1):
            if self.search_at[i] != NULL and (<Search>self.search_at[i]).settled:
                break
        else:
            i = 0
        while i < self.n_searches - 1:
            if self.search_at[i] != NULL:
                if ((<Search>self.search_at[i]).fits(self)
                    and (<Search>self.search_at[i]).wants(self)):
                    chosen = i
                    break
                if self.search_at[i] != NULL and (<Search>self.search_at[i]).holds_back(self):
                    break
            i += 1
        for i in range(self.n_searches):
            if i != chosen and self.search_at[i] != NULL:
                (<Search>self.search_at[i]).lost()
        self.search = self.search_at[chosen]
        return 0

    cdef int give_up_search(self, Search search) except -1:
        """Do without a search from now on."""
        cdef int i
        for i in range(self.n_searches):
            if self.search_at[i] == <void *>search:
                self.search_at[i] = NULL
        return 0

    cdef int go_by_place(self, const Boxes *boxes) except -1:
        """From now on labels are in the order of these boxes."""
        cdef Py_ssize_t n = self.data.rows.n, i
        cdef Search search
        for search in self.searches:         # what they know of rows is by place
            search.lost()
        self.place_label = <int32_t *>self.memory.take(n, sizeof(int32_t))
        for i in range(n):
            self.place_label[i] = self.label[boxes.order[i]]
        self.job.labels = self.place_label
        self.job.boxes = boxes
        return 0

    cdef void sync_labels(self) noexcept nogil:
        """Bring `label` up to date with the labels by place."""
        cdef Py_ssize_t i
        if self.place_label != NULL:
            for i in range(self.data.rows.n):
                self.label[self.job.boxes.order[i]] = self.place_label[i]

    cdef int relabel(self, cnp.ndarray labels) except -1:
        """Take these labels, in the rows' own order, and bring the sums up to date."""
        cdef const int32_t *fresh = <const int32_t *>cnp.PyArray_DATA(labels)
        cdef Py_ssize_t n = self.data.rows.n, i
        cdef int64_t changed = 0
        self.sync_labels()
        for i in range(n):
            if self.label[i] == fresh[i]:
                continue
            if self.label[i] >= 0:
                self.move(i, -1)
            self.label[i] = fresh[i]
            self.move(i, 1)
            changed += 1
        for i in range(n if self.place_label != NULL else 0):
            self.place_label[i] = self.label[self.job.boxes.order[i]]
        if self.before != NULL:
            memcpy(self.before, self.label, n * sizeof(int32_t))
        self.data.workers[0].changed = changed
        return 0

    cdef void merge(self, Tally *tally) noexcept nogil:
        merge_tally(&self.total, tally, self.k, &self.cuts.sums, self.data.rows.d)

    cdef int update(self) except -1 nogil:
        """Move every center to the mean of its rows, empty clusters to far rows, and measure the
        shift.
        """
        cdef Py_ssize_t j, f, d = self.data.rows.d
        cdef double weight, step
        cdef bint empty = False
        for j in range(self.k):
            empty = empty or self.cuts.weight_of(&self.total, j) == 0
        self.n_moved = 0
        if empty:
            with gil:
                self.fill_empty()
        self.shift = 0
        for j in range(self.k):
            if not self.total.touched[j]:
                continue
            self.total.touched[j] = 0
            weight = self.cuts.weight_of(&self.total, j)
            if self.before != NULL:
                self.update_csr(j, weight)
                continue
            if weight > 0:                    # else `fresh` holds the row that the empty cluster
                                              # takes
                for f in range(d):
                    self.fresh[j * d + f] = self.cuts.mean_of(&self.total, j, f, weight)
            if self.data.unit:
                self.turn(j)
            for f in range(d):
                step = self.fresh[j * d + f] - self.center[j * d + f]
                self.shift += step * step
                self.center[j * d + f] = self.fresh[j * d + f]
        for j in range(self.n_moved):
            self.move(self.moved[j], 1)
        return 0

    cdef void turn(self, Py_ssize_t j) noexcept nogil:
        """Bring a fresh center to unit length; where it is zero, the center stays.

        What is shown may be rounded to float32 then, which leaves it a little off unit length; what
        is used is not.
        """
        cdef Py_ssize_t d = self.data.rows.d, f
        cdef double *fresh = self.fresh + j * d
        cdef double *shown = self.shown + j * d
        if self.data.turn(fresh, fresh):
            for f in range(d):
                shown[f] = <float>fresh[f] if self.data.single else fresh[f]
            self.data.turn(shown, fresh)
        else:
            memcpy(fresh, self.center + j * d, d * sizeof(double))

    cdef Stop stopping(self) noexcept nogil:
        """The stopping rule: asked after an assignment (n_changed) and again after an update
        (shift).
        """
        if self.n_changed == 0:
            return LABELS
        if self.shift <= self.shift_limit:
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
        self.shift = 0
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

    # -- CSR rows ----------------------------------------------------------------------------------
    #
    # Centers of sparse rows are sparse, too, unless clusters are large. `support` says in which
    # columns a cluster's sums or its center may not be zero; no others are looked at. Sums are
    # brought up to date after the pass, not by its threads: there is no room for more than one copy
    # of them, and few rows change their labels.

    cdef int begin_csr(self) except -1:
        cdef Py_ssize_t d = self.data.rows.d, words = (d + 63) // 64, j
        self.before = <int32_t *>self.memory.take(self.data.rows.n, sizeof(int32_t))
        self.total.support = <uint64_t *>self.memory.take(self.k * words, sizeof(uint64_t))
        self.forms.support = self.total.support
        for j in range(self.k):
            note_support(self.total.support + j * words, self.center + j * d, d)
        return 0

    cdef void merge_csr(self) noexcept nogil:
        """Move rows whose labels changed from their old cluster's sums to the new one's."""
        cdef Py_ssize_t i
        cdef double w = 1
        for i in range(self.data.rows.n if self.n_changed else 0):
            if self.before[i] == self.label[i]:
                continue
            if self.data.weight != NULL:
                w = self.data.weight[i]
            if w == 0:
                if self.before[i] >= 0:
                    self.total.counts[self.before[i]] -= 1
                self.total.counts[self.label[i]] += 1
                continue
            if self.before[i] >= 0:
                self.data.exact.move(&self.data.rows, i, w, self.before[i], -1, &self.total,
                                     &self.cuts.sums, NULL)
            self.data.exact.move(&self.data.rows, i, w, self.label[i], 1, &self.total,
                                 &self.cuts.sums, NULL)

    cdef void update_csr(self, Py_ssize_t j, double weight) noexcept nogil:
        """Move one center; see `update`."""
        cdef Py_ssize_t d = self.data.rows.d, words = (d + 63) // 64, w, f
        cdef uint64_t *support = self.total.support + j * words
        cdef const double *sums = self.total.sums + j * self.cuts.sums.parts * d
        cdef double *center = self.center + j * d
        cdef double *fresh = self.fresh + j * d
        cdef double step, shift = self.shift
        cdef uint64_t bits
        cdef int p
        cdef bint zero
        self.forms.stale[j] = True
        for w in range(words if weight > 0 else 0):
            bits = support[w]
            while bits:
                f = 64 * w + CKM_CTZ64(bits)
                bits &= bits - 1
                fresh[f] = self.cuts.mean_of(&self.total, j, f, weight)
        if self.data.unit:
            self.turn_csr(j)
        for w in range(words):
            bits = support[w]
            while bits:
                f = 64 * w + CKM_CTZ64(bits)
                bits &= bits - 1
                step = fresh[f] - center[f]
                shift += step * step
                # the old one too: its form is still there
                zero = center[f] == 0 and fresh[f] == 0
                center[f] = fresh[f]
                for p in range(self.cuts.sums.parts):
                    zero = zero and sums[p * d + f] == 0
                if zero:
                    support[w] &= ~(<uint64_t>1 << (f & 63))
        self.shift = shift

    cdef void turn_csr(self, Py_ssize_t j) noexcept nogil:
        """`turn`, in the columns where the center may not be zero."""
        cdef Py_ssize_t d = self.data.rows.d, words = (d + 63) // 64, count = 0, w, f, i
        cdef const uint64_t *support = self.total.support + j * words
        cdef double *fresh = self.fresh + j * d
        cdef double *shown = self.shown + j * d
        cdef double *values = <double *>self.data.workers[0].block
        cdef int32_t *columns = self.data.workers[0].csr.features
        cdef uint64_t bits
        cdef double factor
        for w in range(words):
            bits = support[w]
            while bits:
                f = 64 * w + CKM_CTZ64(bits)
                bits &= bits - 1
                columns[count] = <int32_t>f
                values[count] = fresh[f]
                count += 1
        factor = self.data.exact.unit_factor(values, columns, count)
        if factor == 0:
            for i in range(count):
                fresh[columns[i]] = self.center[j * d + columns[i]]
            return
        for i in range(count):
            values[i] *= factor
            if self.data.single:
                values[i] = <float>values[i]
            shown[columns[i]] = values[i]
        factor = self.data.exact.unit_factor(values, columns, count)
        for i in range(count):
            fresh[columns[i]] = values[i] * factor

    # -- empty clusters ----------------------------------------------------------------------------

    cdef void move(self, int64_t row, int sign) noexcept nogil:
        """Take a row out of its cluster's sums (-1) or put it back (1)."""
        cdef double w = 1 if self.data.weight == NULL else self.data.weight[row]
        self.data.exact.move(&self.data.rows, row, w, self.label[row], sign, &self.total,
                             &self.cuts.sums,
                             self.data.workers[0].block)

    cdef int fill_empty(self) except -1:
        """Give each empty cluster, in order, the row farthest from its own center (the lowest of
        equals).

        It must have weight, be off its center, leave other rows behind, and differ from rows given
        before. It counts as the new cluster's only member, and no more as a member of its old one,
        for this update only: `moved` says what to put back. Where no such row is left, the center
        stays.
        """
        cdef Data data = self.data
        cdef Py_ssize_t n = data.rows.n, d = data.rows.d, i, j, t, count = 0
        cdef Memory memory = Memory()
        cdef double *far = <double *>memory.take(n, sizeof(double))
        cdef int64_t *heap = <int64_t *>memory.take(n, sizeof(int64_t))
        cdef int64_t *takers = <int64_t *>memory.take(self.k, sizeof(int64_t))
        self.sync_labels()
        if self.moved == NULL:
            self.moved = <int64_t *>self.memory.take(self.k, sizeof(int64_t))
        data.measure(self.center, self.k, self.label, far)
        for i in range(n):
            if far[i] > 0 and (data.weight == NULL or data.weight[i] > 0):
                heap[count] = i
                count += 1
        for i in range(count // 2 - 1, -1, -1):
            sink(heap, count, i, far)
        for j in range(self.k):
            if self.cuts.weight_of(&self.total, j) > 0:
                continue
            self.total.touched[j] = 0
            while count > 0 and not self.total.touched[j]:
                i = heap[0]
                count -= 1
                heap[0] = heap[count]
                sink(heap, count, 0, far)
                data.exact.read(&data.rows, i, <double *>data.workers[0].block)
                memcpy(self.fresh + j * d, data.workers[0].block, d * sizeof(double))
                if self.before != NULL:
                    note_support(self.total.support + j * ((d + 63) // 64), self.fresh + j * d, d)
                self.move(i, -1)
                for t in range(self.n_moved):
                    if same_row(self.fresh + takers[t] * d, self.fresh + j * d, d):
                        break
                else:
                    if self.cuts.weight_of(&self.total, self.label[i]) > 0:
                        takers[self.n_moved] = j
                        self.moved[self.n_moved] = i
                        self.n_moved += 1
                        self.total.touched[j] = 1
                        continue
                self.move(i, 1)
        return 0

    # -- what callers ask --------------------------------------------------------------------------

    @property
    def along_axes(self):
        """Whether rows were packed along axes in the last assignment."""
        return self.packing.packed.axes != NULL

    @property
    def stop_reason(self):
        return STOP_REASONS[self.stop]

    def result_centers(self):
        """Copy of the centers, in the type of the results."""
        out = self.centers()
        return out.astype(np.float32) if self.data.single else out

    def centers(self):
        """Copy of the centers as float64."""
        return as_array(self.shown, self.k, self.data.rows.d)

    def labels(self):
        """The labels themselves; they change with the next iteration."""
        self.sync_labels()
        return self.label_array

    def counts(self):
        """Rows in each cluster."""
        cdef cnp.ndarray out = np.empty(self.k, dtype=np.int64)
        memcpy(cnp.PyArray_DATA(out), self.total.counts, self.k * sizeof(int64_t))
        return out

    def inertia(self):
        """Of the labels, to the centers as they are now."""
        self.sync_labels()
        return self.data.measure(self.center, self.k, self.label, NULL)

    def counters(self):
        """What the kernels did so far.

        Row-center pairs filtered and decided exactly, rows that the filter left undecided,
        box-center pairs tested.
        """
        cdef Counters counted = self.data.threads.counters()
        return {"filtered": counted.filtered, "exact": counted.exact, "decided": counted.decided,
                "boxed": counted.boxed}


cdef void note_support(uint64_t *support, const double *row, Py_ssize_t d) noexcept nogil:
    """Set the bits of the columns where a row is not zero."""
    cdef Py_ssize_t first, f
    cdef uint64_t bits
    for first from 0 <= first < d by 64:
        bits = 0
        for f in range(min(<Py_ssize_t>64, d - first)):
            bits |= <uint64_t>(row[first + f] != 0) << f
        support[first >> 6] |= bits


cdef bint same_row(const double *a, const double *b, Py_ssize_t d) noexcept nogil:
    cdef Py_ssize_t f
    for f in range(d):
        if a[f] != b[f]:
            return False
    return True


cdef void sink(int64_t *heap, Py_ssize_t count, Py_ssize_t i, const double *far) noexcept nogil:
    """Restore the heap below i: the farthest row first, of equally far ones the lowest."""
    cdef Py_ssize_t child
    cdef int64_t row
    while 2 * i + 1 < count:
        child = 2 * i + 1
        if child + 1 < count and before(heap[child + 1], heap[child], far):
            child += 1
        if not before(heap[child], heap[i], far):
            break
        row = heap[i]
        heap[i] = heap[child]
        heap[child] = row
        i = child


cdef bint before(int64_t a, int64_t b, const double *far) noexcept nogil:
    return far[a] > far[b] or (far[a] == far[b] and a < b)
