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


cdef uint64_t hash_row(const Rows *rows, Py_ssize_t row, char *block) noexcept nogil:
    """block: scratch for a row"""
    cdef uint64_t rounded = 0x2545F4914F6CDD1DULL, full = 0x2545F4914F6CDD1DULL
    cdef const real *x = <const real *>rows.data
    cdef Py_ssize_t f, e
    if rows.indptr == NULL:
        x = fetch(rows, row, 1, block)
        for f in range(rows.d):
            rounded += hash_value(f, <float>x[f])
        if sizeof(real) == 8:
            for f in range(rows.d):
                full += hash_value(f, x[f])
    else:
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            rounded += hash_value(rows.indices[e], <float>x[e])
            full += hash_value(rows.indices[e], x[e])
    if sizeof(real) == 4:
        full = rounded                        # nothing was lost
    return (mixed(rounded) & 0xFFFFFFFF00000000ULL) | (mixed(full) & 0xFFFFFFFFULL)
