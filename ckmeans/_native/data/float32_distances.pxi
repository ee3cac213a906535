# Centers for the filter of distances that are returned as float32, and its error bounds; see
# kernels/filter/float32_distances.pxi.

cdef bint worth_roots(Py_ssize_t n, Py_ssize_t d) noexcept nogil:
    """Whether the filter is faster than computing each distance exactly: if sums are long, and
    there are enough rows to pay for moving the centers.
    """
    return d >= 8 and n >= 16


cdef int shift_centers(Shifted *centers, const double *rows, Py_ssize_t k, Py_ssize_t d,
                       Memory memory, Py_ssize_t terms=0) except -1:
    """Fill in the form of these centers (k, d). Any origin gives the same results; their mean keeps
    errors small.

    terms  CSR: the largest number of values in a row; then the origin is 0. 0 for dense rows
    """
    cdef Py_ssize_t blocks = (k + BLOCK - 1) // BLOCK, first, j, f, b
    cdef double *origin = <double *>memory.take(d, sizeof(double))
    cdef double *block = <double *>memory.take(blocks * BLOCK * d, sizeof(double), True)
    cdef double *sq_norms = <double *>memory.take(blocks * BLOCK, sizeof(double))
    cdef double share = 1.0 / k if terms == 0 else 0, value
    cdef Py_ssize_t support, most = 0
    cdef const double *row[BLOCK]
    cdef double norm[BLOCK]
    for j in range(k):
        for f in range(d):
            origin[f] += rows[j * d + f] * share
    for first from 0 <= first < k by BLOCK:
        for b in range(BLOCK):               # (past the last center, any one is read)
            row[b] = rows + min(first + b, k - 1) * d
            norm[b] = 0
        for f in range(d):
            for b in range(BLOCK):
                value = row[b][f] - origin[f]
                norm[b] += value * value
                block[(first // BLOCK * d + f) * BLOCK + b] = -2 * value
        for b in range(BLOCK):
            sq_norms[first + b] = norm[b]
    centers.origin = origin
    centers.blocks = block
    centers.sq_norms = sq_norms
    for j in range(k if terms else 0):       # sums are no longer than there are features in which
                                             # the row or the center is not zero
        support = 0
        for f in range(d):
            support += rows[j * d + f] != 0
        most = max(most, support)
    root_constants(centers, d if terms == 0 else min(d, terms + most))
    return 0


cdef int thin_centers(Thin *thin, const double *rows, Py_ssize_t k, Py_ssize_t d,
                      const double *blocks, ExactTable *exact, Memory memory) except -1:
    """Fill in the form of these centers (k, d) for thin rows.

    blocks  IN  as in Centers; or NULL: they are made
    """
    cdef Py_ssize_t count = (k + BLOCK - 1) // BLOCK
    cdef double *made
    thin.sq_norms = <double *>memory.take(count * 2 * BLOCK, sizeof(double))
    exact.norms(rows, k, d, <double *>thin.sq_norms)
    thin.blocks = blocks
    if blocks == NULL:
        made = <double *>memory.take(count * BLOCK * d, sizeof(double), True)
        side_by_side(rows, NULL, k, d, made)
        thin.blocks = made
    return 0


cdef void root_constants(Shifted *centers, Py_ssize_t d) noexcept nogil:
    """`error` is 2 (4 d + 11) u + 4 u * 2, with 1 % for what is of second order; `floor` covers
    underflow, and is not a subnormal number, which takes a CPU a hundred times as long to add.
    """
    centers.error = 1.01 * (8 * d + 30) * ldexp(1, -53) * guard_factor
    centers.floor = 2.02 * (d + 8) * ldexp(1, -1000) * guard_factor
