# The view of the rows: dense, in CSR form, or at unit length.

cdef double MOST_UNSEEN = 1e100      # few rows whose values are up to this need not be checked

KINDS = {"f8": KIND_F64, "f4": KIND_F32, "f2": KIND_F16, "i1": KIND_I8, "u1": KIND_U8,
         "i2": KIND_I16, "u2": KIND_U16,
         "i4": KIND_I32, "u4": KIND_U32, "i8": KIND_I64, "u8": KIND_U64, "b1": KIND_BOOL}


cdef Kind kind_of(dtype) except *:
    """How elements of this type are read in place."""
    if not isinstance(dtype, np.dtype):
        raise TypeError(f"rows of {dtype} cannot be read in place.")
    if dtype.isbuiltin == 2 and dtype.type.__name__ == "bfloat16" and dtype.itemsize == 2:
        return KIND_BF16                 # of ml_dtypes, which numpy shows as two bytes of void
    if dtype.str[1:] not in KINDS:
        raise TypeError(f"rows of {dtype} cannot be read in place.")
    return KINDS[dtype.str[1:]]


cdef int open_rows(Rows *rows, cnp.ndarray array) except -1:
    if (cnp.PyArray_NDIM(array) != 2 or not cnp.PyArray_ISALIGNED(array)
        or not cnp.PyArray_ISNOTSWAPPED(array)):
        raise ValueError("rows must be a two-dimensional array, aligned, of native byte order.")
    if cnp.PyArray_DIM(array, 1) < 1:
        raise ValueError("rows must have one feature at least.")
    memset(rows, 0, sizeof(Rows))
    rows.data = <const char *>cnp.PyArray_DATA(array)
    rows.n = cnp.PyArray_DIM(array, 0)
    rows.d = cnp.PyArray_DIM(array, 1)
    rows.row_stride = cnp.PyArray_STRIDE(array, 0)
    rows.col_stride = cnp.PyArray_STRIDE(array, 1)
    if cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT32:
        rows.kind = KIND_F32
    elif cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT64:
        rows.kind = KIND_F64
    else:
        rows.kind = kind_of(array.dtype)
    rows.direct = cnp.PyArray_IS_C_CONTIGUOUS(array) and rows.kind in (KIND_F32, KIND_F64)
    if rows.direct and rows.n == 1:      # NumPy gives the axis of a single row any stride, also 0
        rows.row_stride = rows.d * cnp.PyArray_ITEMSIZE(array)
    return 0


cdef int32_t *labels_of(cnp.ndarray labels, Py_ssize_t n, Py_ssize_t k, Memory memory,
                        int32_t least=0) except NULL:
    """A checked copy of labels (n,) from `least` to k - 1: they become addresses, and the array may
    change at any time.
    """
    cdef const int32_t *given = <const int32_t *>values_of(labels, cnp.NPY_INT32, "labels", 1, n)
    cdef int32_t *out = <int32_t *>memory.take(n, sizeof(int32_t), True)
    cdef int32_t low = least, high = least
    cdef Py_ssize_t i
    memcpy(out, given, n * sizeof(int32_t))
    for i in range(n):
        low = min(low, out[i])
        high = max(high, out[i])
    if low < least or high >= k:
        raise ValueError(f"labels must be from {least} to {k - 1}, got {low} to {high}.")
    return out


cdef void round_origin(double *origin, Py_ssize_t d, bint narrow) noexcept nogil:
    """Round the origin (d,) of float32 rows to float32, so that rows are packed without conversion
    to float64.
    """
    cdef Py_ssize_t f
    for f in range(d if narrow else 0):
        if fabs(origin[f]) < 1e38:
            origin[f] = <float>origin[f]


cdef double assign_cost(Py_ssize_t k, Py_ssize_t d) noexcept nogil:
    """Nanoseconds that a row's assignment takes, roughly."""
    return 2 + k * (d + 5) / 40.0


@cython.internal
cdef class View:
    """Rows, read in place, and the threads that pass over them; Python code must not use it before
    it is opened.

    Attributes
    ----------
    array : what was given
    weights : ndarray or None
        Those of rows that have no direction are 0.
    unit : bool
        Whether rows are at unit length, wherever they are read.
    """
    cdef readonly object array
    cdef object held                     # keeps what `rows` points to
    cdef Memory memory
    cdef Rows rows
    cdef readonly object weights
    cdef const double *weight            # (n,) or NULL
    cdef const double *given_weight      # (n,) or NULL; `weight` is 0 where rows have no direction
    cdef object given_weights            # keeps what `given_weight` points to
    cdef double heaviest                 # the largest weight; 1 without weights
    cdef readonly bint unit
    cdef bint single                     # results are float32
    cdef bint narrow                     # and so are the rows, as they are read
    cdef Metric metric
    cdef ExactTable *exact               # kernels of the metric
    cdef const FilterTable *filter
    cdef Threads threads
    cdef Worker *workers                 # (n_threads,) those of `threads`
    cdef readonly int n_threads
    cdef Py_ssize_t most_values          # CSR: in a row, at least 1; else 0
    cdef double *squares_                # CSR: (n,) squared norm of each row, once it was asked for

    cdef int open(self, array, weights, Threads threads) except -1:
        """Open these rows. The threads must have, or be given, room for them."""
        self.array = self.held = array
        self.weights = self.given_weights = weights
        self.memory = Memory()
        if isinstance(array, np.ndarray):
            open_rows(&self.rows, array)
        else:
            self.held = open_csr(&self.rows, array, &self.most_values)
        self.exact = exact_tables[self.rows.kind != KIND_F32]
        self.filter = filter_table
        if self.rows.indptr != NULL:
            self.exact = csr_tables[self.rows.kind != KIND_F32]
        self.heaviest = 1
        if weights is not None:
            self.weight = <const double *>values_of(<cnp.ndarray?>weights, cnp.NPY_FLOAT64,
                                                    "weights", 1, self.rows.n)
            self.given_weight = self.weight
            self.heaviest = weights.max(initial=0.0)
        self.threads = threads
        self.workers = threads.workers
        self.n_threads = threads.n
        self.single = self.narrow = self.rows.kind == KIND_F32
        return 0

    cdef int each_chunk(self, ChunkFn fn, void *job, double row_cost,
                        Py_ssize_t chunk_rows=0) except -1 nogil:
        """Do fn over all rows. row_cost is in nanoseconds, roughly; chunks are a multiple of PANEL
        rows.
        """
        return self.threads.each_chunk(fn, job, self.rows.n, row_cost, chunk_rows)

    cdef int use_metric(self, Metric metric) except -1:
        """From now on distances are those of another metric than the Euclidean."""
        if self.rows.indptr != NULL:
            raise ValueError("sparse rows have Euclidean or cosine distances only.")
        need_metric(metric)
        self.metric = metric
        self.exact = metric_tables[<int>metric][self.rows.kind != KIND_F32]
        self.filter = &metric_filters[<int>metric]
        return 0

    cdef Py_ssize_t width(self) noexcept nogil:
        """Features of a row that is packed with all its features."""
        return 2 * self.rows.d if self.metric == GAPS else self.rows.d

    # -- rows of unit length -----------------------------------------------------------------------

    cdef int take_units(self) except -1:
        """From now on rows are of unit length, in float64."""
        cdef Py_ssize_t i, n = self.rows.n
        cdef Units job
        cdef double[::1] some
        job.rows = &self.rows
        job.factor = <double *>self.memory.take(n, sizeof(double))
        job.workers = self.workers
        if self.rows.indptr != NULL:
            job.values = <double *>self.memory.take(self.rows.indptr[n] - self.rows.indptr[0],
                                                    sizeof(double)) - self.rows.indptr[0]
        with nogil:
            self.each_chunk(self.exact.unit_factors, &job,
                            0.3 * self.rows.d + 10 if self.rows.indptr == NULL else 10 + 2
                            * self.values_of_a_row())
        self.unit, self.narrow = True, False
        self.rows.factor = job.factor
        self.rows.direct = False
        self.exact = exact_tables[1]
        if self.rows.indptr != NULL:
            self.rows.data = <const char *>job.values
            self.rows.kind = KIND_F64
            self.exact = csr_tables[1]
        for i in range(n):
            self.rows.directionless = self.rows.directionless or job.factor[i] == 0
        if self.rows.directionless:
            self.weights = np.ones(n) if self.weights is None else self.weights.copy()
            some = self.weights
            for i in range(n):
                if job.factor[i] == 0:
                    some[i] = 0
            self.weight = &some[0]
        return 0

    cdef const double *used(self, const double *centers, Py_ssize_t k, Memory memory) except NULL:
        """Centers (k, d) as they are used: at unit length where rows are."""
        cdef Py_ssize_t d = self.rows.d, j
        cdef double *out
        if not self.unit:
            return centers
        out = <double *>memory.take(k * d, sizeof(double))
        for j in range(k):
            self.turn(centers + j * d, out + j * d)
        return out

    cdef bint turn(self, const double *x, double *out) noexcept nogil:
        """Bring one vector to unit length; False for one without a direction, which becomes
        zeros.
        """
        cdef double factor = self.exact.unit_factor(x, NULL, self.rows.d)
        cdef Py_ssize_t f
        for f in range(self.rows.d):
            out[f] = x[f] * factor
        return factor != 0

    cdef int need_squares(self) except -1:
        """The squared norm of each CSR row."""
        if self.squares_ == NULL:
            self.squares_ = <double *>self.memory.take(self.rows.n, sizeof(double))
            csr_squares(&self.rows, self.squares_)
        return 0

    # -- some of the rows, and what they cost ------------------------------------------------------

    cpdef double total_weight(self):
        """Sum of the weights, exact and rounded once."""
        cdef Wide total
        cdef Py_ssize_t i
        if self.weight == NULL:
            return self.rows.n
        memset(&total, 0, sizeof(Wide))
        for i in range(self.rows.n):
            wide_add(&total, self.weight[i])
        return wide_value(&total)

    cdef bint any_odd(self) noexcept nogil:
        """Whether any value is not finite, or so large that the rows must be checked."""
        cdef double *row = <double *>self.workers[0].block
        cdef Py_ssize_t i, f
        cdef bint odd = False
        for i in range(self.rows.n):
            self.exact.read(&self.rows, i, row)
            for f in range(self.rows.d):
                odd = odd or not fabs(row[f]) <= MOST_UNSEEN
        return odd

    cdef double assign_cost(self, Py_ssize_t k) noexcept nogil:
        """Nanoseconds that a row's assignment takes, roughly."""
        if self.rows.indptr == NULL:
            return assign_cost(k, self.rows.d)
        return 40 + self.values_of_a_row() * (1 + k / 40.0)

    cdef double csr_cost(self, Py_ssize_t k) noexcept nogil:
        """Nanoseconds that the exact distances of a CSR row to k centers take, roughly."""
        return 10 + 2 * self.values_of_a_row() + k * (0.1 * self.rows.d + 2)

    cdef double values_of_a_row(self) noexcept nogil:
        return <double>(self.rows.indptr[self.rows.n] - self.rows.indptr[0]) / self.rows.n
