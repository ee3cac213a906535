# Rows in CSR form.

ctypedef fused index_type:
    int32_t
    int64_t


def rows_in_order(const int64_t[::1] indptr, const index_type[::1] indices, Py_ssize_t d):
    """1 when the columns of each row ascend and are distinct, 0 when not, -1 when these are no CSR rows of d columns."""
    cdef Py_ssize_t n = indptr.shape[0] - 1, i, e
    cdef int64_t before
    cdef bint valid = n >= 0 and indptr[0] >= 0 and indptr[n] <= indices.shape[0], ordered = True
    if not valid:
        return -1
    with nogil:
        for i in range(n):
            valid = valid and indptr[i] <= indptr[i + 1]
        if valid:
            for i in range(n):
                before = -1
                for e in range(indptr[i], indptr[i + 1]):
                    valid = valid and 0 <= indices[e] < d
                    ordered = ordered and before < indices[e]
                    before = indices[e]
    return -1 if not valid else ordered


def take_rows(cnp.ndarray data, const int32_t[::1] indices, const int64_t[::1] indptr, const int64_t[::1] rows):
    """Values, columns and row starts of these rows, in this order."""
    cdef Py_ssize_t n = indptr.shape[0] - 1, m = rows.shape[0], size = cnp.PyArray_ITEMSIZE(data), i
    cdef cnp.ndarray starts = np.zeros(m + 1, dtype=np.int64)
    cdef int64_t *start = <int64_t *>cnp.PyArray_DATA(starts)
    cdef int64_t begin, count
    for i in range(m):
        if not 0 <= rows[i] < n:
            raise IndexError(f"row {rows[i]} of {n}")
        start[i + 1] = start[i] + indptr[rows[i] + 1] - indptr[rows[i]]
    cdef cnp.ndarray values = np.empty(start[m], dtype=data.dtype), columns = np.empty(start[m], dtype=np.int32)
    cdef char *to = <char *>cnp.PyArray_DATA(values)
    cdef int32_t *column = <int32_t *>cnp.PyArray_DATA(columns)
    cdef const char *source = <const char *>cnp.PyArray_DATA(data)
    with nogil:
        for i in range(m):
            begin, count = indptr[rows[i]], start[i + 1] - start[i]
            if count:
                memcpy(to + start[i] * size, source + begin * size, count * size)
                memcpy(column + start[i], &indices[begin], count * sizeof(int32_t))
    return values, columns, starts


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


cdef Py_ssize_t open_csr(Rows *rows, array) except -1:
    """Rows of a SparseRows, which has seen to it that they can be read; returns how many values the longest has, at least 1."""
    cdef Py_ssize_t i, most = 1
    cdef const int64_t[::1] indptr = array.indptr
    cdef const int32_t[::1] indices = array.indices
    cdef cnp.ndarray data = array.data
    memset(rows, 0, sizeof(Rows))
    rows.n, rows.d = array.shape
    rows.data = <const char *>cnp.PyArray_DATA(data)
    rows.indptr = &indptr[0]
    rows.indices = &indices[0] if indices.shape[0] else NULL
    rows.kind = KIND_F32 if cnp.PyArray_TYPE(data) == cnp.NPY_FLOAT32 else KIND_F64
    for i in range(rows.n):
        most = max(most, rows.indptr[i + 1] - rows.indptr[i])
    return most
