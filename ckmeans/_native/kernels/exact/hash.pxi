# Hashes of rows, in whose order they are drawn; see data/draw_order.pxi. Included by
# kernels/exact/exact.pxi.

cdef inline uint64_t hash_value(Py_ssize_t f, double value) noexcept nogil:
    """The contribution of a value in column f to the hash of its row: 0 for zero of either sign."""
    cdef uint64_t code
    memcpy(&code, &value, 8)
    code = (code ^ (<uint64_t>f + 1) * 0x9E3779B97F4A7C15ULL) * 0xBF58476D1CE4E5B9ULL
    code = (code ^ (code >> 32)) * 0x94D049BB133111EBULL
    return (code ^ (code >> 29)) * <uint64_t>(value != 0)


cdef inline uint64_t mixed(uint64_t code) noexcept nogil:
    """Mix, so that the upper bits, which choose the bucket, depend on all bits."""
    code = (code ^ (code >> 32)) * 0xD6E8FEB86659FD93ULL
    return code ^ (code >> 32)


cdef inline uint64_t rounded_hash(const Rows *rows, Py_ssize_t row, const real *x) noexcept nogil:
    """Of the values rounded to float32. x: the row, unless it is in CSR form"""
    cdef uint64_t code = 0x2545F4914F6CDD1DULL
    cdef Py_ssize_t f, e
    if rows.indptr == NULL:
        for f in range(rows.d):
            code += hash_value(f, <float>x[f])
    else:
        x = <const real *>rows.data
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            code += hash_value(rows.indices[e], <float>x[e])
    return mixed(code)


cdef inline uint64_t full_hash(const Rows *rows, Py_ssize_t row, const real *x) noexcept nogil:
    """Of all bits of the values."""
    cdef uint64_t code = 0x2545F4914F6CDD1DULL
    cdef Py_ssize_t f, e
    if rows.indptr == NULL:
        for f in range(rows.d):
            code += hash_value(f, x[f])
    else:
        x = <const real *>rows.data
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            code += hash_value(rows.indices[e], x[e])
    return mixed(code)


cdef uint64_t hash_row(const Rows *rows, Py_ssize_t row, char *block) noexcept nogil:
    """block: scratch for a row"""
    cdef const real *x = NULL
    cdef uint64_t rounded, full
    if rows.indptr == NULL:
        x = fetch(rows, row, 1, block)
    full = rounded = rounded_hash(rows, row, x)
    if sizeof(real) == 8:                     # else nothing was lost
        full = full_hash(rows, row, x)
    return (rounded & 0xFFFFFFFF00000000ULL) | (full & 0xFFFFFFFFULL)


cdef void hash_rows(const Rows *rows, Py_ssize_t start, Py_ssize_t stop, int bits, char *block,
                    uint16_t *bucket) noexcept nogil:
    """The upper `bits` bits, at most 16, of the hashes of rows [start, stop).

    bucket  OUT  (n,)
    """
    cdef const real *x = NULL
    cdef Py_ssize_t row
    for row in range(start, stop):
        if rows.indptr == NULL:
            x = fetch(rows, row, 1, block)
        bucket[row] = <uint16_t>(rounded_hash(rows, row, x) >> (64 - bits))
