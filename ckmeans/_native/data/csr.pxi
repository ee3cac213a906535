# Rows in CSR form.

ctypedef fused index_type:
    int32_t
    int64_t

cdef enum:
    LOOKED_AT = 4096             # column indices at a time


cdef class Layout:
    """The checked positions of the values of CSR rows: kernels read them only from here.

    Row starts become addresses, so they are a copy that nothing can change. So do column indices,
    but a copy of all would cost a fit of sparse rows a few percent of its time and 4 bytes for each
    value: they are read in place and checked again (`ckm_column`) wherever one becomes an address,
    since another thread may have changed it in the meantime.

    Attributes
    ----------
    indptr : ndarray of shape (n + 1,), int64, read-only
    indices : ndarray of int32
        All were checked to be from 0 to d - 1.
    d : int
        Columns.
    ordered : bool
        Whether the columns of each row ascended and were distinct.
    """
    cdef Memory memory                   # of the row starts
    cdef readonly cnp.ndarray indptr, indices
    cdef readonly Py_ssize_t d
    cdef readonly bint ordered
    cdef Py_ssize_t n
    cdef const int64_t *start            # (n + 1,)

    cdef int show(self) except -1:
        cdef cnp.npy_intp size = self.n + 1
        self.indptr = cnp.PyArray_SimpleNewFromData(1, &size, cnp.NPY_INT64, <void *>self.start)
        cnp.PyArray_CLEARFLAGS(self.indptr, cnp.NPY_ARRAY_WRITEABLE)
        # Not this object, which holds the array: NumPy's arrays take no part in the search for
        # cycles, so that neither would ever be freed.
        cnp.set_array_base(self.indptr, self.memory)
        return 0

    def rows(self, Py_ssize_t start, Py_ssize_t stop):
        """The layout of the rows [start, stop): their values are where they were."""
        cdef Layout out = Layout.__new__(Layout)
        if not 0 <= start <= stop <= self.n or self.start == NULL:
            raise IndexError(f"rows {start} to {stop} of {self.n}")
        out.memory, out.d = self.memory, self.d
        out.ordered, out.indices = self.ordered, self.indices
        out.n, out.start = stop - start, self.start + start
        out.show()
        return out


cdef bint all_below(const index_type *column, Py_ssize_t count, uint64_t d) noexcept nogil:
    """Whether all column indices are from 0 to d - 1."""
    cdef Py_ssize_t e
    cdef uint32_t narrow, largest = 0
    cdef uint64_t wide, widest = 0
    if index_type is int32_t:
        for e in range(count):
            narrow = <uint32_t>column[e]
            largest = narrow if narrow > largest else largest
        return count == 0 or largest < d
    for e in range(count):
        wide = <uint64_t>column[e]
        widest = wide if wide > widest else widest
    return count == 0 or widest < d


cdef int32_t falls_in(const index_type *column, Py_ssize_t count) noexcept nogil:
    """The number of places at which columns do not ascend."""
    cdef int32_t falls = 0
    cdef Py_ssize_t e
    for e in range(1, count):
        falls += column[e] <= column[e - 1]
    return falls


def own_layout(const int64_t[::1] indptr, const index_type[::1] indices, Py_ssize_t d):
    """The Layout of CSR rows of d columns; None if the arrays do not fit together."""
    cdef Layout out = Layout.__new__(Layout)
    cdef Py_ssize_t n = indptr.shape[0] - 1, i, e, first, last
    cdef int64_t falls = 0               # places at which columns do not ascend
    cdef int64_t *start
    cdef const index_type *column
    cdef bint valid = n >= 0 and 0 <= d < <Py_ssize_t>1 << 31
    if not valid:
        return None
    out.memory = Memory()
    out.n, out.d = n, d
    out.start = start = <int64_t *>out.memory.take(n + 1, sizeof(int64_t), True)
    memcpy(start, &indptr[0], (n + 1) * sizeof(int64_t))
    valid = start[0] >= 0 and start[n] <= indices.shape[0]
    for i in range(n):
        valid = valid and start[i] <= start[i + 1]
    if not valid:
        return None
    first, last = start[0], start[n]
    if last > first:
        column = &indices[0]
        with nogil:
            # still in the cache when they are read again
            for e from first <= e < last by LOOKED_AT:
                valid = valid and all_below(column + e, min(<Py_ssize_t>LOOKED_AT, last - e), d)
                falls += falls_in(column + e - (e > first),
                                  min(<Py_ssize_t>LOOKED_AT, last - e) + (e > first))
            for i in range(1, n):        # from one row to the next they may
                e = start[i]
                if e > start[i - 1] and first < e < last:
                    falls -= column[e] <= column[e - 1]
    if not valid:
        return None
    out.ordered = falls == 0
    out.indices = np.asarray(indices).astype(np.int32, copy=False)
    out.show()
    return out


def take_rows(cnp.ndarray data not None, Layout layout not None, const int64_t[::1] rows):
    """Values and layout of these rows, in this order."""
    cdef Layout out = Layout.__new__(Layout)
    cdef Py_ssize_t m = rows.shape[0], size = cnp.PyArray_ITEMSIZE(data), i
    cdef int64_t begin, count, row
    cdef int64_t *start
    check_layout(layout, data)
    out.memory = Memory()
    out.n, out.d, out.ordered = m, layout.d, layout.ordered
    out.start = start = <int64_t *>out.memory.take(m + 1, sizeof(int64_t))
    cdef int64_t *picked = <int64_t *>out.memory.take(m, sizeof(int64_t), True)
    for i in range(m):
        row = picked[i] = rows[i]
        check_index(row, layout.n, "row")
        start[i + 1] = start[i] + layout.start[row + 1] - layout.start[row]
    out.indices = np.empty(start[m], dtype=np.int32)
    cdef cnp.ndarray values = np.empty(start[m], dtype=data.dtype)
    cdef int32_t *column = <int32_t *>cnp.PyArray_DATA(out.indices)
    cdef const int32_t *from_ = <const int32_t *>cnp.PyArray_DATA(layout.indices)
    cdef char *to = <char *>cnp.PyArray_DATA(values)
    cdef const char *source = <const char *>cnp.PyArray_DATA(data)
    with nogil:
        for i in range(m):
            begin, count = layout.start[picked[i]], start[i + 1] - start[i]
            memcpy(to + start[i] * size, source + begin * size, count * size)
            memcpy(column + start[i], from_ + begin, count * sizeof(int32_t))
    out.show()
    return values, out


cdef int check_layout(Layout layout, cnp.ndarray data) except -1:
    """Raise unless these values fit the layout."""
    if (layout.start == NULL or cnp.PyArray_NDIM(data) != 1 or not cnp.PyArray_ISCARRAY_RO(data)
            or min(<Py_ssize_t>cnp.PyArray_DIM(data, 0),
                   len(layout.indices)) < layout.start[layout.n]):
        raise ValueError("values and layout of CSR rows do not go together.")
    return 0


cdef void csr_squares(const Rows *rows, double *out) noexcept nogil:
    """Squared norm of each row: its squared distance to zero, feature after feature."""
    cdef const float *narrow = <const float *>rows.data
    cdef const double *wide = <const double *>rows.data
    cdef Py_ssize_t i, e
    cdef double x, s
    for i in range(rows.n):
        s = 0
        for e in range(rows.indptr[i], rows.indptr[i + 1]):
            x = narrow[e] if rows.kind == KIND_F32 else wide[e]
            s += x * x
        out[i] = s


cdef object open_csr(Rows *rows, array, Py_ssize_t *most_values):
    """Rows of a SparseRows; returns the objects that hold their memory.

    most_values  OUT  how many values the longest has, at least 1
    """
    if not isinstance(getattr(array, "layout", None), Layout) or not isinstance(array.data,
                                                                                np.ndarray):
        raise TypeError(f"rows must be an array or SparseRows, got {type(array).__name__}.")
    cdef Layout layout = array.layout
    cdef cnp.ndarray data = array.data
    cdef Py_ssize_t i, most = 1
    check_layout(layout, data)
    if layout.d < 1 or not layout.ordered or data.dtype not in (np.float32, np.float64):
        raise ValueError("CSR rows are read in place when their columns ascend and their values "
                         "are float32 or float64.")
    memset(rows, 0, sizeof(Rows))
    rows.n, rows.d = layout.n, layout.d
    rows.data = <const char *>cnp.PyArray_DATA(data)
    rows.indptr = layout.start
    rows.indices = <const int32_t *>values_of(layout.indices, cnp.NPY_INT32, "indices", 1, -1)
    rows.kind = KIND_F32 if cnp.PyArray_TYPE(data) == cnp.NPY_FLOAT32 else KIND_F64
    for i in range(rows.n):
        most = max(most, rows.indptr[i + 1] - rows.indptr[i])
    most_values[0] = most
    return data, layout, layout.indices
