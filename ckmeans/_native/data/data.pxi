# One data set: the view of its rows, and everything computed from them that is kept.

METRIC_NUMBERS = {"manhattan": MANHATTAN, "gaps": GAPS}
METRIC_NAMES = {EUCLIDEAN: "euclidean", MANHATTAN: "manhattan", GAPS: "gaps"}


cdef class Data(View):
    """Rows of one data set, scanned and packed once; all passes over it.

    Parameters
    ----------
    array : ndarray of shape (n, d), or SparseRows
        Aligned, of a native type in KINDS, any strides. Read in place and never written to.
    weights : ndarray of shape (n,), float64, C-contiguous, or None
    n_threads : int
        At least 1; more than MOST_THREADS count as MOST_THREADS.
    packed : bool
        Whether runs keep a packed copy of the rows (4 n d bytes; in whole numbers 2 n d), or pack
        them anew in every pass.
    scan : bool
        Whether to scan the rows at once; without, only `assign` may be used until `scan` has been
        called.
    metric : {"euclidean", "manhattan", "gaps"}
        The distance of a row and a center. "Squared distance" then means the sum of absolute
        differences, or the sum of squared differences over the features that are not NaN in the
        row. With "gaps" the weight of a row is multiplied by d / (its features that are not NaN).
    unit : bool
        Whether rows are scaled to unit length wherever they are read, and so are given centers:
        cosine k-means. `weights` are then 0 for rows without a direction; `inertia` is the sum of
        cosine distances, and `distances` gives those.
    threads : Threads or None
        Those of other data that is no longer used, instead of new ones; n_threads is then ignored.

    Attributes
    ----------
    finite : bool
        Whether all values are finite; nothing else may be used otherwise.
    low, high : ndarray of shape (d,)
        Smallest and largest value of each column.
    weights : ndarray or None
    """
    cdef Cuts cuts                       # None until the rows were scanned
    cdef readonly bint finite
    cdef int64_t *stored                 # CSR: (d,) values in each column
    cdef bint packed
    cdef dict packings                   # type -> Packing, of those that were asked for
    cdef Floats floats                   # the first of them
    cdef double spent                    # nanoseconds of comparing all rows with all centers so
                                         # far, by the model
    cdef DrawOrder draw_order            # None until rows are drawn
    cdef double variance_                # mean weighted variance of the columns; -1 until it is
                                         # known
    cdef readonly bint overflow          # the last `assign` or `distances` read rows that must be
                                         # checked: too large, or not finite
    cdef readonly bint far               # the last `distances` may be above the largest float32
    cdef double *fill                    # GAPS: (d,) means of the columns, once rows are scanned
    cdef readonly object present         # GAPS: (n,) features that are there in each row
    cdef readonly object plain_weights   # GAPS: weights as they were given, or None
    cdef Data whole_data                 # the data that this is a batch of; or None

    def __cinit__(self, array, weights, int n_threads, bint packed, bint scan=True,
                  bint unit=False, str metric="euclidean", Threads threads=None):
        self.open(array, weights, Threads(n_threads) if threads is None else threads)
        if metric != "euclidean":
            self.use_metric(METRIC_NUMBERS[metric])
        if self.rows.indptr == NULL:         # (for few rows, zeroing would take as long as the
                                             # rest)
            self.threads.room_for_rows(self.width(), not scan and self.rows.n < FEW)
        else:
            self.threads.room_for_csr_rows(self.rows.d, self.most_values, self.exact)
        self.packed = packed and self.rows.indptr == NULL
        self.packings = {}
        self.variance_ = -1
        if unit:
            self.take_units()
        if self.metric == GAPS:
            self.count_present()
        if scan:
            self.scan_rows()

    @property
    def shape(self):
        return self.rows.n, self.rows.d

    @property
    def low(self):
        return None if self.cuts is None else self.cuts.low

    @property
    def high(self):
        return None if self.cuts is None else self.cuts.high

    @property
    def largest(self):
        """The largest magnitude of any value."""
        return self.need_cuts().largest_value()

    @property
    def span(self):
        """The range of the widest column; -inf where no column has a value."""
        return self.need_cuts().widest_range()

    def scan(self):
        """Find the range of each column, and whether all values are finite."""
        self.scan_rows()

    cdef int scan_rows(self) except -1:
        cdef Py_ssize_t d = self.rows.d, f
        cdef int i
        cdef Memory memory = Memory()
        cdef Scan job
        cdef Cuts cuts = Cuts(d)
        job.rows = &self.rows
        job.workers = self.workers
        job.low = <double *>memory.take(self.n_threads * d, sizeof(double))
        job.high = <double *>memory.take(self.n_threads * d, sizeof(double))
        job.tiny = <double *>memory.take(self.n_threads * d, sizeof(double))
        job.bad = <double *>memory.take(self.n_threads * d, sizeof(double))
        if self.rows.indptr != NULL:
            self.stored = job.stored = <int64_t *>self.memory.take(self.n_threads * d,
                                                                   sizeof(int64_t))
            job.fractions = <uint8_t *>memory.take(self.n_threads, 1)
        for f in range(self.n_threads * d):
            job.low[f] = job.tiny[f] = INFINITY
            job.high[f] = -INFINITY
        with nogil:
            self.each_chunk(self.exact.scan, &job,
                            0.3 * d + 1 if self.rows.indptr == NULL else 2 + 2
                            * self.values_of_a_row())
        self.finite = True
        cuts.narrow = self.narrow
        cuts.integers = self.rows.kind >= KIND_I8 and not self.unit
        cuts.directionless = self.rows.directionless
        for f in range(d):
            cuts.low_[f] = job.low[f]
            cuts.high_[f] = job.high[f]
            cuts.tiny[f] = job.tiny[f]
            for i in range(self.n_threads):
                cuts.low_[f] = min(cuts.low_[f], job.low[i * d + f])
                cuts.high_[f] = max(cuts.high_[f], job.high[i * d + f])
                cuts.tiny[f] = min(cuts.tiny[f], job.tiny[i * d + f])
                self.finite = self.finite and job.bad[i * d + f] == 0
        if self.rows.indptr != NULL:
            for i in range(1, self.n_threads):
                job.fractions[0] |= job.fractions[i]
                for f in range(d):
                    self.stored[f] += self.stored[i * d + f]
            cuts.integers = not job.fractions[0]
            for f in range(d):
                if self.stored[f] < self.rows.n:     # the others are zero
                    cuts.low_[f] = min(cuts.low_[f], 0.0)
                    cuts.high_[f] = max(cuts.high_[f], 0.0)
        if self.cuts is None:
            cuts.weigh(self.weight, self.rows.n, self.heaviest)
        else:                                # a batch has the ranges of the whole, but no counts
            cuts.share(self.cuts)
        self.cuts = cuts
        if self.metric == GAPS and self.finite:
            self.find_fill()
        return 0

    cdef int count_present(self) except -1:
        """Count the features of each row that are not missing, and weight rows accordingly."""
        cdef Units job
        cdef Py_ssize_t n = self.rows.n, d = self.rows.d, i
        cdef double[::1] there = np.empty(n)
        cdef double[::1] weights = np.ones(n) if self.weights is None else self.weights.copy()
        job.rows = &self.rows
        job.factor = &there[0] if n else NULL
        job.values = NULL
        job.workers = self.workers
        with nogil:
            self.each_chunk(self.exact.present, &job, 0.3 * d + 2)
        self.present = np.asarray(there)
        self.plain_weights = self.weights
        for i in range(n):
            if there[i] > 0:
                weights[i] = weights[i] * (d / there[i])
        self.weights = self.given_weights = np.asarray(weights)
        self.weight = self.given_weight = &weights[0] if n else NULL
        self.heaviest = self.weights.max(initial=0.0)
        return 0

    cdef int find_fill(self) except -1:
        """Compute the means of the columns, without missing values."""
        cdef cnp.ndarray labels = np.zeros(self.rows.n, dtype=np.int32)
        cdef cnp.ndarray means
        cdef Py_ssize_t d = self.rows.d, f
        cdef double *fill = <double *>self.memory.take(d, sizeof(double))
        for f in range(d):
            if self.cuts.low_[f] > self.cuts.high_[f]:      # no value: Python code raises the error
                return 0
        means = label_means(self, self.cuts, labels, 1)
        memcpy(fill, cnp.PyArray_DATA(means), d * sizeof(double))
        for f in range(d):
            if fill[f] != fill[f]:           # only in rows without weight
                fill[f] = 0.5 * (self.cuts.low_[f] + self.cuts.high_[f])
        self.fill = fill
        return 0

    cdef Cuts need_cuts(self):
        """The cuts of sums, for data that was opened without them."""
        if self.cuts is None:
            self.scan_rows()
        return self.cuts

    def variance(self):
        """Mean over the columns of their weighted variance."""
        cdef Memory memory = Memory()
        cdef Survey job
        if self.metric == GAPS:
            return self.gap_variance()
        if self.variance_ < 0:
            self.begin_survey(memory, &job)
            with nogil:
                self.each_chunk(self.exact.survey, &job, 0.5 * self.rows.d + 2)
            finish_survey(self, &job)
        return self.variance_

    cdef double gap_variance(self) except -1:
        """The same without missing values, each row weighted by the share of its features."""
        cdef Memory memory = Memory()
        self.need_cuts()
        if self.variance_ < 0:
            self.variance_ = (self.measure(self.fill, 1,
                                           <int32_t *>memory.take(self.rows.n, sizeof(int32_t)),
                                           NULL)
                              / self.rows.d / (self.rows.n if self.plain_weights is None
                                               else exact_sum(self.plain_weights)))
        return self.variance_

    cdef int begin_survey(self, Memory memory, Survey *job) except -1:
        """Prepare a survey; `finish_survey` evaluates it."""
        self.need_cuts()
        if self.rows.indptr != NULL and self.stored == NULL:
            self.scan_rows()
        return new_survey(self, self.cuts, memory, job)

    cdef Packing packing(self, type way):
        """The rows packed in one way; all runs share it."""
        cdef Packing packing = self.packings.get(way)
        if packing is None:
            self.need_cuts()
            if way is not Floats:
                self.packing(Floats)
            packing = way()
            packing.open(self)
            self.packings[way] = packing
            if way is Floats:
                self.floats = packing
        return packing

    cdef int forget_packings(self, Packing but) except -1:
        """Free the memory of the packings that this one replaces."""
        cdef Packing packing
        for packing in self.packings.values():
            if packing is not but:
                packing.forget()
        return 0

    def batch(self, picked, bint packed=False):
        """Some of the rows (int64 indices, perhaps with repetitions) as data, with the ranges of
        all rows, so that no scan is needed.
        """
        picked = np.array(picked, dtype=np.int64, order="C")      # a copy: they become addresses
        cdef const int64_t *index = <const int64_t *>values_of(picked, cnp.NPY_INT64, "rows", 1, -1)
        for i in range(len(picked)):
            check_index(index[i], self.rows.n, "row")
        cdef Data out = Data(self.array.take(picked, axis=0),
                             None if self.weights is None else self.weights[picked], self.n_threads,
                             packed, False, self.unit, METRIC_NAMES[self.metric])
        self.need_cuts().cut()
        out.whole_data = self
        out.finite = self.finite
        out.cuts = self.cuts.of(out.rows.n)
        if self.rows.indptr != NULL and not self.unit:
            self.need_squares()
            out.squares_ = <double *>out.memory.take(out.rows.n, sizeof(double))
            for i in range(out.rows.n):
                out.squares_[i] = self.squares_[index[i]]
        return out

    def factors(self):
        """The factors that scale rows to unit length, (n,); ones if rows are not scaled."""
        cdef cnp.ndarray out = np.ones(self.rows.n)
        if self.unit:
            memcpy(cnp.PyArray_DATA(out), self.rows.factor, self.rows.n * sizeof(double))
        return out

    def take(self, indices):
        """Rows as float64."""
        cdef cnp.ndarray picked = np.ascontiguousarray(indices, dtype=np.int64)
        cdef cnp.ndarray out = np.empty((picked.shape[0], self.rows.d))
        cdef const int64_t *index = <const int64_t *>cnp.PyArray_DATA(picked)
        cdef double *to = <double *>cnp.PyArray_DATA(out)
        cdef Py_ssize_t i
        for i in range(picked.shape[0]):
            if not 0 <= index[i] < self.rows.n:
                raise IndexError(f"row {index[i]} of {self.rows.n}")
            self.read_center(index[i], to + i * self.rows.d)
        return out

    cdef void read_center(self, Py_ssize_t row, double *out) noexcept nogil:
        """A row (d,) as a center: with the means of the columns in place of missing values."""
        cdef Py_ssize_t f
        self.exact.read(&self.rows, row, out)
        for f in range(self.rows.d if self.fill != NULL else 0):
            if out[f] != out[f]:
                out[f] = self.fill[f]

    def keys(self, indices):
        """For each of these rows bytes that identify it among different rows: its values, or its
        nonzero values and their columns.
        """
        cdef const int64_t[::1] index = np.ascontiguousarray(indices, dtype=np.int64)
        cdef cnp.ndarray room = np.empty(max(self.rows.d, 2 * self.most_values))
        cdef double *value = <double *>cnp.PyArray_DATA(room)
        cdef double v
        cdef Py_ssize_t i, e, count
        found = []
        for i in range(index.shape[0]):
            if not 0 <= index[i] < self.rows.n:
                raise IndexError(f"row {index[i]} of {self.rows.n}")
            count = 0
            if self.rows.indptr == NULL:
                self.exact.read(&self.rows, index[i], value)
                for count in range(self.rows.d):
                    value[count] += 0.0               # -0.0 equals 0.0
                count = self.rows.d
            else:
                for e in range(self.rows.indptr[index[i]], self.rows.indptr[index[i] + 1]):
                    v = ((<const float *>self.rows.data)[e] if self.rows.kind == KIND_F32
                         else (<const double *>self.rows.data)[e])
                    if v != 0:
                        value[count] = v
                        value[count + 1] = self.rows.indices[e]
                        count += 2
            found.append((<const char *>value)[: count * sizeof(double)])
        return found

    cdef DrawOrder need_draw_order(self):
        """The order in which rows are drawn."""
        cdef DrawOrder order
        if self.draw_order is None:
            order = DrawOrder(self.rows.n)
            order.open(self)
            self.draw_order = order          # only now: an interrupt leaves none, not half of one
        return self.draw_order

    def draw(self, uniforms):
        """For each number in [0, 1) a row, drawn in proportion to the weights.

        It is the first, in the order of the rows' hashes, at which the running sum of the weights
        exceeds this share of the total.
        """
        return self.need_draw_order().draw(self, np.ascontiguousarray(uniforms, dtype=np.float64))

    def ranked(self, code, Py_ssize_t count):
        """`count` rows in the order of their hashes, from this hash on and then from 0 on: an order
        that looks random, but is the same for the same rows. And these hashes, if there are
        weights.
        """
        if not 0 <= count <= self.rows.n:
            raise IndexError(f"{count} of {self.rows.n} rows")
        return self.need_draw_order().ranked(self, code, count)

    def kmeans_plusplus(self, Py_ssize_t k, Py_ssize_t trials, cnp.ndarray uniforms not None):
        """Rows drawn as initial centers, see `PlusPlus`, by the random numbers uniforms (1 + (k -
        1) * trials,) in [0, 1).
        """
        return PlusPlus(self, k, trials).draw(uniforms)

    def sampled_kmeans_plusplus(self, Py_ssize_t k, Py_ssize_t trials,
                                cnp.ndarray uniforms not None):
        """Rows drawn as initial centers, see `SampledPlusPlus`, by the random numbers uniforms (1 +
        (k - 1) * max(2, trials),) in [0, 1).
        """
        return SampledPlusPlus(self, k, max(<Py_ssize_t>BATCH, trials)).draw_in_batches(uniforms,
                                                                                        trials)

    def assign(self, cnp.ndarray centers not None, bint in_bytes=False):
        """Label of each row: the nearest of these centers (k, d). Rows need not have been scanned:
        see `overflow`.

        in_bytes : whether to put them in bytes on the way even if that does not pay
        """
        cdef const double *rows = rows_of(centers, "centers", self.rows.d)
        cdef Py_ssize_t k = centers.shape[0]
        cdef Memory memory = Memory()
        cdef cnp.ndarray labels = new_vector(self.rows.n, cnp.NPY_INT32)
        rows = self.used(rows, k, memory)
        self.overflow = label_rows(self, rows,
                                   CenterForms(k, self.rows.d, self.rows.n >= FEW,
                                               self.most_values, self.metric),
                                   <int32_t *>cnp.PyArray_DATA(labels), True, in_bytes)
        return labels

    def inertia(self, cnp.ndarray centers not None, cnp.ndarray labels not None):
        """Weighted sum of squared distances of the rows to the centers of their labels (int32); of
        cosine distances where unit.
        """
        cdef Memory memory = Memory()
        cdef const double *rows = rows_of(centers, "centers", self.rows.d)
        return self.measure(self.used(rows, centers.shape[0], memory), centers.shape[0],
                            labels_of(labels, self.rows.n, centers.shape[0], memory), NULL)

    def squares(self, cnp.ndarray centers not None, cnp.ndarray labels not None):
        """Squared distance of each row to the center of its label (int32)."""
        return squares_of(self, self.need_cuts(), centers, labels)

    cdef double measure(self, const double *centers, Py_ssize_t k, const int32_t *labels,
                        double *sq_distances) except -1:
        """The inertia of labels, to centers as they are used, and each row's squared distance where
        there is room for it.
        """
        return measure(self, self.need_cuts(), centers, k, labels, sq_distances)

    def distances(self, cnp.ndarray centers not None, bint in_order=False):
        """Euclidean distances (n, k) of the rows to these centers (k, d); cosine distances where
        unit.

        Rows need not have been scanned: see `overflow`. `in_order`: all are sums in the order of
        the features, also those of thin rows.
        """
        cdef const double *rows = rows_of(centers, "centers", self.rows.d)
        cdef double length = sqrt(self.rows.d) * magnitude_of(rows, centers.shape[0] * self.rows.d)
        out = all_distances(self, centers, in_order)
        self.overflow = self.threads.overflow()
        # (A distance is at most the length of the row plus that of the center.)
        self.far = (not self.single or self.rows.indptr != NULL or self.metric == GAPS
                    or self.threads.far() or not length < 1e37)
        return out

    def means(self, cnp.ndarray labels not None, Py_ssize_t k):
        """Weighted means (k, d) of the rows with each label (int32), rounded to the type of
        results.

        A label without weight repeats the mean before it; if it is the first, its mean is zero.
        """
        cdef cnp.ndarray means = label_means(self, self.need_cuts(), labels, k)
        cdef double *mean = <double *>cnp.PyArray_DATA(means)
        cdef Py_ssize_t i
        for i in range(means.size if self.fill != NULL else 0):
            if mean[i] != mean[i]:
                mean[i] = self.fill[i % self.rows.d]
        return means
