# One k-means run: the iteration, the stopping rule, and what becomes of empty clusters. Every algorithm runs under this loop.

cdef enum Stop:
    GOING, LABELS, TOL, MAX_ITER, MAX_TIME, CALLBACK

cdef enum:
    WORTH_A_PILOT = 1000000      # nanoseconds of a brute assignment from which on bounds are thought of
    WORTH_AN_ORDER = 20000000    # nanoseconds of brute assignments beside which a pilot of boxes is small, but for what grows with the data
    WORTHWHILE = 150             # centers * (features + 5) from which on a row's comparisons cost more than its share of a box

cdef double PROMISING = 0.15     # share of the centers that a pilot of boxes may leave over: they are to beat bounds, too

cdef enum Algorithm:
    AUTO, LLOYD, BOXES, YINYANG, PROJECTED

ALGORITHMS = {"auto": AUTO, "lloyd": LLOYD, "boxes": BOXES, "yinyang": YINYANG, "projected": PROJECTED}

STOP_REASONS = (None, "labels", "tol", "max_iter", "max_time", "callback")


cdef void merge_tally(Tally *total, Tally *tally, Py_ssize_t k, const Sums *how, Py_ssize_t d) noexcept nogil:
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
        One of ALGORITHMS: how rows are assigned; all give the same bits.
    max_iter : int
    tol : float
        The run stops once the centers' total squared shift is at most this times the mean variance of the columns.
    """
    cdef Data data
    cdef Memory memory, list_memory
    cdef CenterForms forms
    cdef Py_ssize_t k
    cdef int max_iter
    cdef double tol
    cdef double shift_limit          # 0 until the first assignment
    cdef Survey survey
    cdef double *center              # (k, d) as they are used
    cdef double *shown               # (k, d) as results have them: the same, unless rows are taken at unit length
    cdef double *fresh               # (k, d) the next centers, where they differ
    cdef object label_array
    cdef int32_t *label              # (n,)
    cdef Tally total                 # sums of the current labels; `touched`: not yet in `center`
    cdef int32_t *before             # CSR: (n,) labels before the last assignment; else NULL
    cdef int32_t *place_label        # (n,) labels in the order of the boxes, once that is in use
    cdef Algorithm algorithm
    cdef int brute_for               # assignments for which boxes are left alone, because they did not help
    cdef Packing *packing            # the rows as they are packed: `data.packing`, or along axes
    cdef Memory sieve_memory
    cdef Py_ssize_t sieve_rows       # there is scratch for the scores of so many rows at a time
    cdef bint no_quanta              # whole numbers leave too many rows in doubt, or there is no memory for them
    cdef bint no_axes                # this run has tried them, and does better without
    cdef GroupBounds bounds          # None until bounds are thought of
    cdef bint no_bounds              # there is no memory for them
    cdef bint bounding               # "auto" has chosen bounds
    cdef int pilot_at                # the iteration before which bounds are thought of again
    cdef double pairs_per_row        # row-center pairs that bounds left over in the last assignment
    cdef Assign job
    cdef readonly int n_iter
    cdef readonly double shift       # total squared movement of the centers in the last update
    cdef readonly int64_t n_changed  # labels changed by the last assignment
    cdef int64_t *moved              # rows that empty clusters took in this update
    cdef Py_ssize_t n_moved
    cdef Stop stop

    def __cinit__(self, Data data not None, cnp.ndarray centers not None, int max_iter, double tol, str algorithm="auto"):
        cdef const double *given = rows_of(centers, "centers", data.rows.d)
        cdef Py_ssize_t k = centers.shape[0], d = data.rows.d
        cdef int i
        self.data = data
        self.k = k
        self.max_iter = max_iter
        self.tol = tol
        data.cut_sums()
        self.algorithm = ALGORITHMS[algorithm]
        data.need_packing(False)
        data.need_packing(data.packed and not (self.algorithm == LLOYD and self.may_quantise()))
        self.memory = Memory()
        self.list_memory = Memory()
        self.forms = CenterForms(k, d, True, data.most_values)
        data.use_forms(self.forms)
        self.packing = &data.packing
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
        data.assign_job(&self.job, self.forms, self.label)
        self.job.sums = &data.sums
        if data.rows.indptr == NULL:
            self.give_tallies()
        else:
            self.begin_csr()
        if data.boxes.order != NULL:
            self.use_order()

    cdef int new_tallies(self, Tally *tallies, int count) except -1:
        cdef Py_ssize_t k = self.k, size = k * self.data.sums.parts * self.data.rows.d
        cdef double *sums = <double *>self.memory.take(count * size, sizeof(double))
        cdef int weight_parts = self.data.sums.weight_parts
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

    cdef int give_tallies(self) except -1:
        cdef int i, count = self.data.n_threads
        cdef Memory memory = Memory()
        cdef Tally *tallies = <Tally *>memory.take(count, sizeof(Tally))
        self.new_tallies(tallies, count)
        for i in range(count):
            self.data.workers[i].tally = tallies[i]
        return 0

    # -- the loop ------------------------------------------------------------------------------------------------------------------

    cdef int assign(self) except -1 nogil:
        """Label all rows and bring the sums up to date."""
        cdef Packing *packing
        cdef bint filled = True           # all floats of packed rows have been read
        cdef int i
        if self.place_label == NULL and self.data.boxes.order != NULL:
            with gil:                     # another run over the same data has put the packed rows in order
                self.leave_axes()
                self.use_order()
        if self.packing.axes == NULL and self.want_axes():
            with gil:
                self.use_axes()
        packing = self.packing
        self.forms.prepare(self.center, packing, self.data.filter, False)
        self.job.centers = &self.forms.c
        for i in range(self.data.n_threads):
            self.data.workers[i].changed = 0
        if self.want_boxes():
            self.lose_bounds()
            self.assign_boxes()
        elif self.want_bounds():
            self.assign_groups()
        else:
            self.lose_bounds()
            filled = self.assign_all()
        packing.filling = packing.filling and not (filled and self.forms.c.filter)
        self.n_changed = 0
        for i in range(self.data.n_threads):
            self.n_changed += self.data.workers[i].changed
            if self.data.workers[i].changed and self.before == NULL:
                self.merge(&self.data.workers[i].tally)
        if self.before != NULL:
            self.merge_csr()
        return 0

    cdef bint assign_all(self) except -1 nogil:
        """Compare every row with every center; False where that was done in whole numbers."""
        cdef Py_ssize_t n = self.data.rows.n, d = self.data.rows.d, width = packed_width(self.packing, d), m = self.forms.c.m
        cdef int64_t before = self.decided()
        cdef bint whole_numbers = self.want_quanta()
        cdef double cost = self.data.assign_cost(m) if width == d else assign_cost(m, width)
        if whole_numbers:
            cost = quanta_cost(m, d)
            self.forms.quantise(self.packing)
            self.job.centers = &self.forms.quantised
        else:
            self.data.turn_panels(self.packing, False)
        if self.before != NULL:
            memcpy(self.before, self.label, n * sizeof(int32_t))
        self.data.each_chunk(self.data.exact.assign, &self.job, cost)
        self.data.spent += n * cost
        if whole_numbers:
            self.weigh_quanta(<double>(self.decided() - before) / n)
        elif self.packing.quantising and self.forms.c.filter:
            self.data.end_quantising()
        if self.packing.axes != NULL and (brute_cost(m, width) + <double>(self.decided() - before) / n * sift_cost(m, width, d, 4)
                                          > self.cost_without_axes(m)):
            with gil:
                self.no_axes = True
                self.leave_axes()
        return not whole_numbers

    cdef int first_assign(self) except -1 nogil:
        """The first assignment reads all rows: the survey for the stopping rule is done on the way."""
        if self.tol > 0 and self.data.variance_ < 0 and self.algorithm == BOXES:
            with gil:
                self.data.variance()          # boxes do not read all rows
            self.assign()
        elif self.tol > 0 and self.data.variance_ < 0:
            self.job.survey = &self.survey
            with gil:
                self.data.new_survey(self.memory, &self.survey)
            self.assign()
            self.job.survey = NULL
            with gil:
                self.data.finish_survey(&self.survey)
        else:
            self.assign()
        if self.tol > 0:
            self.shift_limit = self.tol * self.data.variance_
        return 0

    # -- how rows are packed -------------------------------------------------------------------------------------------------------

    cdef bint want_axes(self) except -1 nogil:
        """Whether rows are to be packed along a few axes from now on; decided by work counted and modelled, never by a clock.

        Axes are thought of once assignments, a few that are still to come included, have cost several times what looking for them does, and
        where they promise nothing, again when eight times as much has been spent.
        """
        cdef Py_ssize_t d = self.data.rows.d, m = self.forms.c.k
        cdef bint forced = self.algorithm == PROJECTED
        cdef double to_come
        if not (forced or self.algorithm == AUTO) or self.no_axes or not self.data.filter or self.data.packing.panels == NULL:
            return False
        if self.data.boxes.order != NULL or d < (8 if forced else WIDE):
            return False
        if self.data.axes is None:
            to_come = self.to_come(m)
            if not forced and (self.data.spent + to_come < 8 * axes_cost(m, d) or self.data.spent < self.data.axes_patience):
                return False
            with gil:
                try:
                    self.data.axes = find_axes(self.data, as_array(self.center, self.k, d), INFINITY if forced else 0.75 * self.cost_without_axes(m))
                except MemoryError:           # what was there before will do
                    self.no_axes = True
                self.data.axes_patience = max(8 * self.data.spent, 4 * to_come)
        return self.data.axes is not None

    cdef double cost_without_axes(self, Py_ssize_t m) noexcept nogil:
        """Nanoseconds that it takes to compare a row with m centers, roughly."""
        return (quanta_cost if self.may_quantise() else brute_cost)(m, self.data.rows.d)

    cdef double to_come(self, Py_ssize_t m) noexcept nogil:
        """Nanoseconds of the next few assignments to m centers, if all rows are compared with all of them."""
        return min(4, self.max_iter - self.n_iter) * self.data.rows.n * self.cost_without_axes(m)

    cdef int need_sieves(self, Py_ssize_t rows) except -1:
        cdef Memory memory
        if self.sieve_rows < rows:
            memory = Memory()
            self.data.give_sieves(memory, self.k, rows)
            self.sieve_memory = memory
            self.sieve_rows = rows
        return 0

    cdef bint may_quantise(self) noexcept nogil:
        """Whether rows can be kept in whole numbers, and are to be where they are compared with all centers."""
        return (self.data.packed and self.data.filter and self.algorithm in (AUTO, LLOYD) and self.data.boxes.order == NULL
                and self.data.rows.d >= filter_table.quanta_from * (1 if self.k >= 16 else 1.5) and not self.no_quanta)

    cdef bint want_quanta(self) except -1 nogil:
        """Whether rows are compared in whole numbers now. If only they have not been put in those yet, this assignment does it."""
        if self.packing != &self.data.packing or not self.forms.c.filter or not self.may_quantise():
            return False
        if self.data.quanta is None:
            with gil:
                try:
                    self.data.quanta = Quanta(self.data)
                except MemoryError:
                    self.lose_quanta()
            return False
        if self.packing.quantising:
            return False
        if self.forms.quantised.quanta == NULL or self.sieve_rows < PANEL:
            with gil:
                try:
                    self.need_sieves(PANEL)
                    self.forms.use_quanta()
                except MemoryError:
                    self.lose_quanta()
                    return False
        return True

    cdef int lose_quanta(self) except -1:
        self.no_quanta = True
        self.data.need_packing(self.data.packed)
        return 0

    cdef int weigh_quanta(self, double doubtful) except -1 nogil:
        """Go on without whole numbers if they leave so many rows in doubt that floats are faster."""
        cdef Py_ssize_t d = self.data.rows.d, m = self.forms.c.m
        if quanta_cost(m, d) + doubtful * choice_cost(d) > brute_cost(m, d):
            with gil:
                self.lose_quanta()
        return 0

    cdef int use_axes(self) except -1:
        self.need_sieves(1)
        self.data.drop_quanta()
        self.forms.use_axes(&self.data.axes.packing)
        self.pack_as(&self.data.axes.packing)
        return 0

    cdef int leave_axes(self) except -1:
        if self.packing.axes != NULL:
            self.forms.leave_axes()
            self.pack_as(&self.data.packing)
        return 0

    cdef int pack_as(self, Packing *packing) except -1:
        self.job.packing = self.packing = packing
        self.bounds = None                   # they are on other distances
        self.job.bounds = NULL
        self.bounding = False
        self.pilot_at = self.n_iter + 2      # the next assignment may be the first that packs
        return 0

    # -- which centers rows are compared with ---------------------------------------------------------------------------------------

    cdef bint want_boxes(self) except -1 nogil:
        """Whether this assignment goes by boxes; decided by work counted and modelled, never by a clock.

        The order is thought of once brute assignments have cost a good part of what it will; a pilot tells whether it promises
        short lists, and if not, it is thought of again when four times as much has been spent. Where lists turn out long all the
        same, boxes are left alone for a while: centers that have settled may have shorter ones.
        """
        if self.algorithm not in (AUTO, BOXES) or not self.forms.c.filter or self.packing.axes != NULL or not self.data.may_order():
            return False
        if self.algorithm == AUTO and (self.bounding or self.forms.c.m * (self.data.rows.d + 5) < WORTHWHILE):
            return False
        if self.place_label == NULL:
            if self.algorithm == AUTO and (self.n_iter == 0 or self.data.spent < max(self.boxes_from(), self.data.patience)):
                return False
            with gil:
                if self.algorithm == AUTO and self.data.pilot(self.forms) > PROMISING:
                    self.data.patience = 4 * self.data.spent
                    return False
                self.data.arrange()
                self.use_order()
        if self.brute_for > 0:
            self.brute_for -= 1
            return False
        return True

    cdef double boxes_from(self) noexcept nogil:
        """How much assignments must have cost before boxes are thought of; where features are few, those that are to come count, too."""
        if self.data.rows.d > 3:
            return 2.5 * self.data.order_cost() + 160.0 * self.data.rows.d**3 + WORTH_AN_ORDER
        return self.data.order_cost() / 2 - self.to_come(self.forms.c.m)

    cdef bint want_bounds(self) except -1 nogil:
        """Whether this assignment goes by bounds; decided by work counted and modelled, never by a clock.

        A pilot of a few rows tells how many centers bounds would leave over if centers went on to move as they did last. Bounds are
        begun where that pays for itself within half as many iterations as there have been, and given up once they leave over too much.
        """
        cdef Py_ssize_t n = self.data.rows.n, d = packed_width(self.packing, self.data.rows.d), m = self.forms.c.m
        cdef double brute = brute_cost(m, d) if self.packing.axes != NULL else self.cost_without_axes(m), pairs
        if self.algorithm in (LLOYD, BOXES) or self.no_bounds or not self.forms.c.filter or self.packing.panels == NULL:
            return False
        if self.data.rows.directionless:     # the label of such a row does not follow from distances
            return False
        if self.algorithm != YINYANG and n * brute < WORTH_A_PILOT:
            return False
        if self.algorithm == AUTO and d <= 3 and self.data.may_order() and self.data.patience == 0:
            return False                  # boxes come first
        if self.bounds is None:
            with gil:
                try:
                    self.new_bounds()
                except MemoryError:
                    if self.algorithm == YINYANG:
                        raise
                    self.no_bounds = True     # what was there before will do
                    return False
        if self.algorithm == YINYANG:
            return True
        if self.bounding:
            if self.bounds.cost(self.pairs_per_row) <= brute:
                return True
            self.bounding = False
            self.pilot_at = 2 * self.n_iter
        if self.packing.filling:
            return False
        if self.n_iter + 1 >= self.pilot_at:
            self.bounds.prepare(self.center, self.forms)       # from here on it is known how far centers move
        if self.n_iter < self.pilot_at:
            return False
        with gil:
            pairs = self.bounds.pilot()
        if (brute - self.bounds.cost(pairs)) * self.n_iter / 2 > self.bounds.cost(m) - brute + (0 if self.packing.by_row else 0.5 * d):
            self.bounding = True
            return True
        self.pilot_at = self.n_iter + 1 + self.n_iter // 2
        return False

    cdef int new_bounds(self) except -1:
        cdef GroupBounds bounds = GroupBounds(self.data, self.k)
        bounds.open(self.packing)
        bounds.regroup(self.center)
        self.bounds = bounds
        self.job.bounds = &bounds.b
        self.pilot_at = max(self.pilot_at, 1)
        return 0

    cdef int assign_groups(self) except -1 nogil:
        cdef double cost = self.bounds.cost(self.pairs_per_row if self.bounding else self.forms.c.m // 4 + 1)
        cdef int64_t before = self.pairs()
        if self.bounds.b.blank:
            with gil:
                self.bounds.regroup(self.center)
        self.bounds.prepare(self.center, self.forms)
        self.data.turn_panels(self.packing, True)
        self.data.each_chunk(self.data.exact.assign_groups, &self.job, cost,
                             TILE * max(<Py_ssize_t>1, <Py_ssize_t>(CHUNK_COST / (TILE * cost))))
        if CKM_DEBUG_BOUNDS:
            self.assert_bounds()
        # All pairs of a blank pass say nothing of the next one.
        self.pairs_per_row = 0 if self.bounds.b.blank else <double>(self.pairs() - before) / self.data.rows.n
        self.bounds.b.blank = False
        return 0

    cdef int assert_bounds(self) except -1 nogil:
        cdef int i
        for i in range(self.data.n_threads):
            if self.data.workers[i].counters.broken:
                with gil:
                    raise AssertionError(f"iteration {self.n_iter + 1}: {self.data.workers[i].counters.broken} bounds do not hold")
        return 0

    cdef void lose_bounds(self) noexcept nogil:
        """Rows are about to be assigned in another way."""
        if self.bounds is not None:
            self.bounds.b.blank = True

    cdef int use_order(self) except -1:
        cdef Data data = self.data
        cdef Py_ssize_t n = data.rows.n, d = data.rows.d, k = self.k, i
        cdef Lists *lists
        cdef int threads = data.n_threads
        cdef int32_t *near = <int32_t *>self.list_memory.take(threads * k, sizeof(int32_t))
        cdef int32_t *listed = <int32_t *>self.list_memory.take(threads * SUPER * k, sizeof(int32_t))
        cdef float *z = <float *>self.list_memory.take(threads * d * SUPER, sizeof(float))
        cdef float *scaled = <float *>self.list_memory.take(threads * k * d, sizeof(float))
        cdef float *sq_norms = <float *>self.list_memory.take(threads * k, sizeof(float))
        cdef int32_t *ids = <int32_t *>self.list_memory.take(threads * k, sizeof(int32_t))
        self.lose_bounds()                   # they are by place
        self.place_label = <int32_t *>self.memory.take(n, sizeof(int32_t))
        for i in range(n):
            self.place_label[i] = self.label[data.boxes.order[i]]
        self.job.labels = self.place_label
        self.job.boxes = &data.boxes
        for i in range(data.n_threads):
            lists = &data.workers[i].lists
            lists.nearby = near + i * k
            lists.lists = listed + i * SUPER * k
            lists.z = z + i * d * SUPER
            lists.scaled = scaled + i * k * d
            lists.sq_norms = sq_norms + i * k
            lists.ids = ids + i * k
        return 0

    cdef int assign_boxes(self) except -1 nogil:
        cdef int64_t before = self.pairs()
        cdef double share, here = SUPER * PANEL * assign_cost(self.forms.c.m // 4 + 1, self.data.rows.d)
        self.data.turn_panels(self.packing, False)         # bounds may have come in between
        self.data.each_chunk(self.data.exact.assign_boxes, &self.job, assign_cost(self.forms.c.m // 4 + 1, self.data.rows.d),
                             SUPER * PANEL * max(<Py_ssize_t>1, <Py_ssize_t>(CHUNK_COST / here)))
        share = <double>(self.pairs() - before) / self.data.rows.n / self.forms.c.m
        if self.algorithm == AUTO and share > 0.5:
            self.brute_for = 10
        return 0

    cdef int64_t pairs(self) noexcept nogil:
        cdef int64_t total = 0
        cdef int i
        for i in range(self.data.n_threads):
            total += self.data.workers[i].counters.filtered
        return total

    cdef int64_t decided(self) noexcept nogil:
        cdef int64_t total = 0
        cdef int i
        for i in range(self.data.n_threads):
            total += self.data.workers[i].counters.decided
        return total

    cdef void sync_labels(self) noexcept nogil:
        """Bring `label` up to date with the labels by place."""
        cdef Py_ssize_t i
        if self.place_label != NULL:
            for i in range(self.data.rows.n):
                self.label[self.data.boxes.order[i]] = self.place_label[i]

    cdef void merge(self, Tally *tally) noexcept nogil:
        merge_tally(&self.total, tally, self.k, &self.data.sums, self.data.rows.d)

    cdef int update(self) except -1 nogil:
        """Move every center to the mean of its rows, empty clusters to far rows, and measure the shift."""
        cdef Py_ssize_t j, f, d = self.data.rows.d
        cdef double weight, step
        cdef bint empty = False
        for j in range(self.k):
            empty = empty or self.data.weight_of(&self.total, j) == 0
        self.n_moved = 0
        if empty:
            with gil:
                self.fill_empty()
        self.shift = 0
        for j in range(self.k):
            if not self.total.touched[j]:
                continue
            self.total.touched[j] = 0
            weight = self.data.weight_of(&self.total, j)
            if self.before != NULL:
                self.update_csr(j, weight)
                continue
            if weight > 0:                    # else `fresh` holds the row that the empty cluster takes
                for f in range(d):
                    self.fresh[j * d + f] = self.data.mean_of(&self.total, j, f, weight)
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

        What is shown may be rounded to float32 then, which leaves it a little off unit length; what is used is not.
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
        """The stopping rule: asked after an assignment (n_changed) and again after an update (shift)."""
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

    # -- CSR rows ------------------------------------------------------------------------------------------------------------------
    #
    # Centers of sparse rows are sparse, too, unless clusters are large. `support` says in which columns a cluster's sums or its center
    # may not be zero; no others are looked at. Sums are brought up to date after the pass, not by its threads: there is no room for more
    # than one copy of them, and few rows change their labels.

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
                self.data.exact.move(&self.data.rows, i, w, self.before[i], -1, &self.total, &self.data.sums, NULL)
            self.data.exact.move(&self.data.rows, i, w, self.label[i], 1, &self.total, &self.data.sums, NULL)

    cdef void update_csr(self, Py_ssize_t j, double weight) noexcept nogil:
        """Move one center; see `update`."""
        cdef Py_ssize_t d = self.data.rows.d, words = (d + 63) // 64, w, f
        cdef uint64_t *support = self.total.support + j * words
        cdef const double *sums = self.total.sums + j * self.data.sums.parts * d
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
                fresh[f] = self.data.mean_of(&self.total, j, f, weight)
        if self.data.unit:
            self.turn_csr(j)
        for w in range(words):
            bits = support[w]
            while bits:
                f = 64 * w + CKM_CTZ64(bits)
                bits &= bits - 1
                step = fresh[f] - center[f]
                shift += step * step
                zero = center[f] == 0 and fresh[f] == 0          # the old one too: its form is still there
                center[f] = fresh[f]
                for p in range(self.data.sums.parts):
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

    # -- empty clusters ------------------------------------------------------------------------------------------------------------

    cdef void move(self, int64_t row, int sign) noexcept nogil:
        """Take a row out of its cluster's sums (-1) or put it back (1)."""
        cdef double w = 1 if self.data.weight == NULL else self.data.weight[row]
        self.data.exact.move(&self.data.rows, row, w, self.label[row], sign, &self.total, &self.data.sums,
                             self.data.workers[0].block)

    cdef int fill_empty(self) except -1:
        """Give each empty cluster, in order, the row farthest from its own center (the lowest of equals).

        It must have weight, be off its center, leave other rows behind, and differ from rows given before. It counts as the new
        cluster's only member, and no more as a member of its old one, for this update only: `moved` says what to put back.
        Where no such row is left, the center stays.
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
            if self.data.weight_of(&self.total, j) > 0:
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
                    if data.weight_of(&self.total, self.label[i]) > 0:
                        takers[self.n_moved] = j
                        self.moved[self.n_moved] = i
                        self.n_moved += 1
                        self.total.touched[j] = 1
                        continue
                self.move(i, 1)
        return 0

    # -- what callers ask ----------------------------------------------------------------------------------------------------------

    @property
    def along_axes(self):
        """Whether rows were packed along axes in the last assignment."""
        return self.packing.axes != NULL

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

        Row-center pairs filtered and decided exactly, rows that the filter left undecided, box-center pairs tested.
        """
        cdef int64_t filtered = 0, exact = 0, decided = 0, boxed = 0
        cdef int i
        for i in range(self.data.n_threads):
            filtered += self.data.workers[i].counters.filtered
            exact += self.data.workers[i].counters.exact
            decided += self.data.workers[i].counters.decided
            boxed += self.data.workers[i].counters.boxed
        return {"filtered": filtered, "exact": exact, "decided": decided, "boxed": boxed}


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
