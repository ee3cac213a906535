# Many fits in one call: a k-means of each of many groups of rows. For a few rows the engine takes
# some microseconds, so the loop over groups is here, and next to nothing is done around a fit.

cdef enum:
    GROUPS_AT_ONCE = 32      # between two looks for signals, if groups are small

#: Rows times clusters times features below which an algorithm is not worth its choices: all of them
#: give the same bits.
cdef Py_ssize_t FEW_TERMS = 1 << 14
PLAIN = Algorithm((Floats,), (AllCenters,))

#: Values beyond these need a look by Python, which knows what to say.
cdef double ODD_VALUE = 1e100, ODD_SPAN = 1e-100, ODD_WEIGHT = 1e50


cdef class Groups:
    """Rows in groups, and what is found of each of them.

    Parameters
    ----------
    array : ndarray of shape (n, d) or (g, m, d)
        The rows, of a type in KINDS: one group after the other, or a group in each entry.
    starts : ndarray of shape (g + 1,), int64, C-contiguous, or None
        Of (n, d): where each group begins, and where the last one ends.
    weights : ndarray of shape (n,), float64, C-contiguous, or None
        Of (n, d) alone.
    centers : ndarray of shape (g, k, d), float64, C-contiguous
    check : callable
        Called with (rows, weights, index of the group) where a value may be refused.

    Attributes
    ----------
    centers, labels, inertia, n_iter, counts : ndarray
        (g, k, d); as the rows, int32; (g,); (g,) int64; (g, k) int64. What `fit` finds; `assign`
        writes the labels.
    """
    cdef readonly object array
    cdef object starts, weights, check
    cdef readonly cnp.ndarray centers, labels, inertia, n_iter, counts
    cdef const int64_t *start        # (g + 1,) or NULL
    cdef Py_ssize_t g, k, d, m       # m: rows in each group of (g, m, d)
    cdef Py_ssize_t stride           # bytes from a group of (g, m, d) to the next
    cdef bint stopped

    def __cinit__(self, cnp.ndarray array not None, starts, weights, cnp.ndarray centers not None,
                  check):
        cdef Py_ssize_t i, before = 0
        self.array, self.weights, self.check = array, weights, check
        if array.ndim != (3 if starts is None else 2) or (starts is None and weights is not None):
            raise ValueError("rows are (n, d), with where groups begin, or (g, m, d), alone.")
        self.d = cnp.PyArray_DIM(array, cnp.PyArray_NDIM(array) - 1)
        if starts is None:
            self.g = cnp.PyArray_DIM(array, 0)
            self.m = cnp.PyArray_DIM(array, cnp.PyArray_NDIM(array) - 2)
            self.stride = cnp.PyArray_STRIDE(array, 0)
        else:
            self.starts = starts = starts.copy()     # its own: they become addresses
            self.g = len(starts) - 1
            self.start = <const int64_t *>values_of(<cnp.ndarray?>starts, cnp.NPY_INT64, "starts",
                                                    1, -1)
            for i in range(self.g + 1):
                if not before <= self.start[i] <= array.shape[0]:
                    raise ValueError("groups must begin one after the other.")
                before = self.start[i]
        if (not centers.flags.c_contiguous or centers.dtype != np.float64 or centers.ndim != 3
                or centers.shape[0] != self.g or centers.shape[2] != self.d
                or not centers.flags.aligned):
            raise ValueError("centers must be (g, k, d), float64, C-contiguous.")
        self.centers = centers
        self.k = centers.shape[1]
        shape = (<object>array).shape
        self.labels = np.full(shape[:cnp.PyArray_NDIM(array) - 1], -1, dtype=np.int32)
        self.inertia = np.full(self.g, np.nan)
        self.n_iter = np.zeros(self.g, dtype=np.int64)
        self.counts = np.zeros((self.g, self.k), dtype=np.int64)

    def stop(self):
        """Have calls in other threads return soon, where they are."""
        self.stopped = True

    cdef object rows(self, Py_ssize_t g):
        return self.array[g] if self.start == NULL else self.array[self.start[g]:self.start[g + 1]]

    cdef int keep_labels(self, Py_ssize_t g, const int32_t *labels, Data data) except -1:
        cdef Py_ssize_t at = g * self.m if self.start == NULL else self.start[g]
        cdef Py_ssize_t n = self.m if self.start == NULL else self.start[g + 1] - at
        if data.rows.n != n:
            raise RuntimeError("the array of the rows has another shape than before.")
        memcpy(<int32_t *>cnp.PyArray_DATA(self.labels) + at, labels, n * sizeof(int32_t))
        return 0

    cdef int look_around(self, Py_ssize_t done) except -1:
        """Raise what a signal raises; only the main thread is asked."""
        if done % GROUPS_AT_ONCE == 0:
            check_signals()
        return 0

    def fit(self, Py_ssize_t first, Py_ssize_t last, cnp.ndarray uniforms not None,
            Py_ssize_t trials, int max_iter, double tol, int n_threads):
        """Fit the groups [first, last) that have k rows at least; the others are left alone.

        Parameters
        ----------
        uniforms : ndarray of shape (n_init, 1 + (k - 1) * trials), float64
            What the initial centers of each restart are drawn by, in every group.
        """
        cdef Threads threads = Threads(n_threads)
        cdef list numbers = list(uniforms)
        cdef cnp.ndarray drawn = np.ascontiguousarray(uniforms)
        cdef const double *number = <const double *>values_of(drawn, cnp.NPY_FLOAT64, "uniforms", 2,
                                                              -1, 1 + (self.k - 1) * trials)
        cdef Py_ssize_t restarts = drawn.shape[0], g, stop
        cdef FewRows few = None
        cdef Rows rows
        cdef cnp.ndarray held = self.array[...]      # whose shape nobody changes
        first, last = max(first, 0), min(last, self.g)
        if self.weights is None and self.k * self.d < FEW_TERMS and first < last:
            few = FewRows(self.most_rows(first, last), self.d, self.k, trials)
            self.open_rows(&rows, held)
        g = first
        while g < last:
            check_signals()                          # only the main thread is asked
            stop = min(last, g + GROUPS_AT_ONCE)
            while g < stop and not self.stopped:
                if few is not None:
                    with nogil:
                        g = self.fit_few(few, &rows, <const char *>cnp.PyArray_DATA(held), g, stop,
                                         number, restarts, max_iter, tol)
                if g < stop and not self.stopped:
                    self.fit_group(g, numbers, trials, max_iter, tol, threads)
                    g += 1
            if self.stopped:
                return

    cdef Py_ssize_t rows_of_group(self, Py_ssize_t g) noexcept nogil:
        return self.m if self.start == NULL else self.start[g + 1] - self.start[g]

    cdef bint are_few(self, Py_ssize_t n) noexcept nogil:
        """Whether so many rows are fitted by `FewRows`."""
        return n >= self.k and n * self.k * self.d < FEW_TERMS

    cdef Py_ssize_t most_rows(self, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
        """The most rows of a group among those that have few."""
        cdef Py_ssize_t g, most = 1
        for g in range(first, last):
            if self.are_few(self.rows_of_group(g)):
                most = max(most, self.rows_of_group(g))
        return most

    cdef int open_rows(self, Rows *rows, cnp.ndarray held) except -1:
        """The view of the rows; that of a group begins elsewhere."""
        shape = (<object>held).shape
        if (shape != (self.g, self.m, self.d) if self.start == NULL
                else len(shape) != 2 or shape[0] < self.start[self.g] or shape[1] != self.d):
            raise RuntimeError("the array of the rows has another shape than before.")
        return open_rows(rows, held if self.start != NULL else held[0])

    cdef Py_ssize_t fit_few(self, FewRows few, Rows *rows, const char *data, Py_ssize_t g,
                            Py_ssize_t stop, const double *number, Py_ssize_t restarts,
                            int max_iter, double tol) except -1 nogil:
        """Fit groups of few rows from g on; returns the first that is left, at the most `stop`."""
        cdef Py_ssize_t width = 1 + (self.k - 1) * few.trials, n, restart, stride
        cdef ExactTable *exact = exact_tables[rows.kind != KIND_F32]
        cdef double limit, inertia, best
        stride = rows.row_stride if self.start != NULL else self.stride
        while g < stop and not self.stopped:
            n = rows.n = self.rows_of_group(g)
            if n < self.k:                           # left out
                g += 1
                continue
            rows.data = data + (g if self.start == NULL else self.start[g]) * stride
            if not self.are_few(n) or not few.take(rows, exact):
                return g
            limit = tol * few.variance() if tol > 0 else 0
            if limit != limit:
                return g
            best = INFINITY
            for restart in range(restarts):
                if (not few.draw(number + restart * width)
                        or not few.run(max_iter, limit, rows.kind == KIND_F32)):
                    return g
                inertia = exact_total(few.least, n)
                if restart == 0 or inertia < best:
                    best = inertia
                    self.keep_few(g, few, inertia)
            g += 1
        return g

    cdef void keep_few(self, Py_ssize_t g, FewRows few, double inertia) noexcept nogil:
        cdef Py_ssize_t at = g * self.m if self.start == NULL else self.start[g], i
        cdef int32_t *label = <int32_t *>cnp.PyArray_DATA(self.labels) + at
        for i in range(few.n):
            label[i] = <int32_t>few.label[i]
        self.keep_found(g, few.center, few.counts, inertia, few.n_iter)

    cdef void keep_found(self, Py_ssize_t g, const double *centers, const int64_t *counts,
                         double inertia, int n_iter) noexcept nogil:
        cdef Py_ssize_t size = self.k * self.d
        memcpy(<double *>cnp.PyArray_DATA(self.centers) + g * size, centers, size * sizeof(double))
        memcpy(<int64_t *>cnp.PyArray_DATA(self.counts) + g * self.k, counts,
               self.k * sizeof(int64_t))
        (<double *>cnp.PyArray_DATA(self.inertia))[g] = inertia
        (<int64_t *>cnp.PyArray_DATA(self.n_iter))[g] = n_iter

    cdef int fit_group(self, Py_ssize_t g, list uniforms, Py_ssize_t trials, int max_iter,
                       double tol, Threads threads) except -1:
        cdef object rows = self.rows(g)
        cdef object weights = (None if self.weights is None
                               else self.weights[self.start[g]:self.start[g + 1]])
        cdef Data data
        cdef Run run
        cdef cnp.ndarray picked, starts = np.empty((self.k, self.d))
        cdef Py_ssize_t j
        cdef bint first = True
        cdef double inertia, best = INFINITY
        cdef object algorithm
        if len(rows) < self.k:
            return 0
        # Rows that lie apart, as those of a block of columns do, are read in many passes.
        rows = np.ascontiguousarray(rows)
        data = Data(rows, weights, 1, True, threads=threads)
        if data.rows.d != self.d:
            raise RuntimeError("the array of the rows has another shape than before.")
        if self.is_odd(data):
            self.check(rows, weights, g)
        algorithm = PLAIN if data.rows.n * self.k * self.d < FEW_TERMS else "auto"
        for numbers in uniforms:
            picked = PlusPlus(data, self.k, trials).draw(numbers)
            for j in range(self.k):
                data.read_center((<int64_t *>cnp.PyArray_DATA(picked))[j],
                                 <double *>cnp.PyArray_DATA(starts) + j * self.d)
            run = Run(data, starts, max_iter, tol, algorithm)
            while run.stop == GOING:
                with nogil:
                    run.step()
                if self.stopped:
                    return 0
            run.finish()
            inertia = run.inertia()
            if first or inertia < best:
                first, best = False, inertia
                self.keep(g, run, inertia)
        return 0

    cdef bint is_odd(self, Data data) noexcept:
        """Whether a value of these rows, or their range, may be refused."""
        cdef double largest = 0, span = 0
        cdef Py_ssize_t f
        for f in range(self.d):
            largest = max(largest, max(fabs(data.cuts.low_[f]), fabs(data.cuts.high_[f])))
            span = max(span, data.cuts.high_[f] - data.cuts.low_[f])
        return (not data.finite or not largest < ODD_VALUE or 0 < span < ODD_SPAN
                or (data.weight != NULL and not 1 / ODD_WEIGHT < data.heaviest < ODD_WEIGHT))

    cdef int keep(self, Py_ssize_t g, Run run, double inertia) except -1:
        run.sync_labels()
        self.keep_labels(g, run.label, run.data)
        self.keep_found(g, run.clusters.shown, run.clusters.total.counts, inertia, run.n_iter)
        return 0

    def assign(self, Py_ssize_t first, Py_ssize_t last, int n_threads):
        """Label the rows of the groups [first, last) by the nearest of their group's centers."""
        cdef Py_ssize_t g
        cdef Data data
        cdef cnp.ndarray found
        first, last = max(first, 0), min(last, self.g)
        for g in range(first, last):
            self.look_around(g - first)
            if self.stopped:
                return
            rows = self.rows(g)
            if len(rows) == 0:
                continue
            data = Data(rows, None, n_threads, False, False)
            found = data.assign(self.centers[g])
            if data.overflow:
                self.check(rows, None, g)
            self.keep_labels(g, <const int32_t *>cnp.PyArray_DATA(found), data)
