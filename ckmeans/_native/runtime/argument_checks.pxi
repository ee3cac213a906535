# The last check of arguments from Python before they are used as addresses and lengths.
#
# Callers have checked them already, with messages for users; but Python code may change an object
# at any time, so that only a check here is safe.

cdef void *values_of(cnp.ndarray array, int type_, str name, int ndim, Py_ssize_t rows,
                     Py_ssize_t columns=-1) except NULL:
    """The values of an array of this NumPy type and shape, one after the other; rows, columns: -1
    for any number.
    """
    if (array is None or cnp.PyArray_NDIM(array) != ndim or not cnp.PyArray_ISCARRAY_RO(array)
            or not (cnp.PyArray_TYPE(array) == type_
                    or cnp.PyArray_EquivTypenums(cnp.PyArray_TYPE(array), type_))
            or rows >= 0 and cnp.PyArray_DIM(array, 0) != rows
            or columns >= 0 and cnp.PyArray_DIM(array, 1) != columns):
        wanted = ", ".join("any" if size < 0 else str(size) for size in (rows, columns)[:ndim])
        got = "None" if array is None else f"{array.dtype} of shape {(<object>array).shape}"
        raise ValueError(f"{name} must be a contiguous array of {cnp.PyArray_DescrFromType(type_)} "
                         f"of shape ({wanted}), got {got}.")
    return cnp.PyArray_DATA(array)


cdef const double *rows_of(cnp.ndarray array, str name, Py_ssize_t d, Py_ssize_t k=-1) except NULL:
    """Vectors of d features, such as centers, at least one: `k` of them, or any number."""
    cdef const double *values = <const double *>values_of(array, cnp.NPY_FLOAT64, name, 2, k, d)
    if not 1 <= cnp.PyArray_DIM(array, 0) < <Py_ssize_t>1 << 31:
        raise ValueError(f"{name} has {cnp.PyArray_DIM(array, 0)} rows, and must have from 1 to "
                         f"{2**31 - 1}.")
    return values


cdef int check_index(Py_ssize_t index, Py_ssize_t count, str name) except -1:
    if not 0 <= index < count:
        raise IndexError(f"{name} {index} of {count}")
    return 0
