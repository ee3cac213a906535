# Labels of a few rows at a time, as in a service that answers request by request: without the
# objects that passes over many rows need, which take longer to make than a row takes to label.

cdef enum:
    MOST_FEW = 65536     # values of all centers: more take long enough for those objects


cdef bint all_finite(const float *value, Py_ssize_t count) noexcept nogil:
    cdef float[8] odd                    # 0, or NaN: independent sums, which the CPU can overlap
    cdef float total = 0
    cdef Py_ssize_t whole = count // 8 * 8, i, j
    memset(odd, 0, sizeof(odd))
    for i from 0 <= i < whole by 8:
        for j in range(8):
            odd[j] += value[i + j] - value[i + j]
    for i in range(whole, count):
        total += value[i] - value[i]
    for j in range(8):
        total += odd[j]
    return total == 0


cdef bint is_plain(object array) noexcept:
    """Whether this is a matrix of float32 or float64 values, one row after the other."""
    cdef cnp.ndarray matrix
    if not cnp.PyArray_CheckExact(array):
        return False
    matrix = <cnp.ndarray>array
    return (cnp.PyArray_NDIM(matrix) == 2 and cnp.PyArray_ISCARRAY_RO(matrix)
            and cnp.PyArray_TYPE(matrix) in (cnp.NPY_FLOAT32, cnp.NPY_FLOAT64)
            and cnp.PyArray_DIM(matrix, 0) > 0 and cnp.PyArray_DIM(matrix, 1) > 0)


def label_few(X, centers, features, double limit):
    """The labels that `Data.assign` gives fewer than FEW plain rows.

    None, without an error, where something is to be looked at again: where X or the centers are not
    plain arrays with so many features, a center is not finite or above the limit, or rows must be
    checked.
    """
    cdef Rows rows
    cdef Centers few
    cdef Assign job
    cdef Worker worker
    cdef cnp.ndarray given, labels
    cdef const float *single
    cdef Py_ssize_t n, k, d, size, i
    cdef bint narrow, fine
    cdef double *converted
    cdef int32_t *ids
    if not (is_plain(X) and is_plain(centers) and type(features) is int):
        return None
    given = <cnp.ndarray>centers
    k, d = cnp.PyArray_DIM(given, 0), cnp.PyArray_DIM(given, 1)
    open_rows(&rows, <cnp.ndarray>X)
    n = rows.n
    if n >= FEW or rows.d != d or features != d or k > MOST_FEW // d:
        return None
    size = k * d
    narrow = cnp.PyArray_TYPE(given) == cnp.NPY_FLOAT32
    labels = new_vector(n, cnp.NPY_INT32)
    converted = <double *>PyMem_Malloc((size if narrow else 0) * sizeof(double)
                                       + k * sizeof(int32_t))
    if converted == NULL:
        raise MemoryError()
    ids = <int32_t *>(converted + (size if narrow else 0))
    memset(&few, 0, sizeof(Centers))
    if narrow:
        single = <const float *>cnp.PyArray_DATA(given)
        for i in range(size):
            converted[i] = single[i]
        few.rows = converted
        fine = all_finite(single, size)
    else:
        few.rows = <const double *>cnp.PyArray_DATA(given)
        fine = magnitude_of(few.rows, size) <= limit
    if rows.kind == KIND_F32:
        fine = fine and all_finite(<const float *>rows.data, n * d)
    else:
        fine = fine and magnitude_of(<const double *>rows.data, n * d) <= MOST_UNSEEN
    if fine:
        for i in range(k):
            ids[i] = <int32_t>i
        few.ids = ids
        few.k = few.m = k
        memset(&job, 0, sizeof(Assign))
        memset(&worker, 0, sizeof(Worker))
        job.rows, job.centers, job.workers = &rows, &few, &worker
        job.filter = filter_table
        job.labels = <int32_t *>cnp.PyArray_DATA(labels)
        memset(job.labels, 0xff, n * sizeof(int32_t))
        exact_tables[rows.kind != KIND_F32].assign(&job, 0, n, 0, 0)
    PyMem_Free(converted)
    return labels if fine else None
