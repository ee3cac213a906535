# Squared distances of single rows to all centers, by definition. Included by
# kernels/exact/exact.pxi; of rows in CSR form: `csr_all_squares` in kernels/exact/csr.pxi.

cdef void squares(const Rows *rows, const int64_t *ids, Py_ssize_t count, const double *centers,
                  const double *blocks, Py_ssize_t k, Worker *me, double *out) noexcept nogil:
    """Squared distances of some rows to all centers; 2 for rows without a direction.

    ids      IN   (count,) rows
    centers  IN   (k, d)
    blocks   IN   the same, side by side: (ceil(k / BLOCK), d, BLOCK)
    out      OUT  (count, ceil(k / BLOCK) * BLOCK)
    """
    cdef Py_ssize_t d = rows.d, padded = (k + BLOCK - 1) // BLOCK * BLOCK, i, j
    cdef const real *group[GROUP]
    cdef double tile[GROUP * BLOCK]
    cdef int r
    for i from 0 <= i < count by GROUP:
        for r in range(GROUP):
            group[r] = group[0]
            if i + r < count:
                group[r] = fetch(rows, ids[i + r], 1, <char *>(<real *>me.block + r * d))
        for j from 0 <= j < k by BLOCK:
            distance_tile(group, blocks + j * d, d, BLOCK, tile)
            for r in range(min(<Py_ssize_t>GROUP, count - i)):
                memcpy(out + (i + r) * padded + j, tile + r * BLOCK, BLOCK * sizeof(double))
    orthogonal_rows(rows, ids, count, padded, out)


cdef void orthogonal_rows(const Rows *rows, const int64_t *ids, Py_ssize_t count,
                          Py_ssize_t padded, double *out) noexcept nogil:
    """Set the distances of rows without a direction to all centers to the same value."""
    cdef Py_ssize_t i, j
    for i in range(count if rows.directionless else 0):
        if rows.factor[ids[i]] == 0:
            for j in range(padded):
                out[i * padded + j] = 2
