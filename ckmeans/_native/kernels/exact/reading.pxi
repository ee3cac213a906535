# Rows of any type and any strides as the kernels' own type. Included by kernels/exact/exact.pxi.

ctypedef fused element:
    double
    float
    int8_t
    uint8_t
    int16_t
    uint16_t
    int32_t
    uint32_t
    int64_t
    uint64_t


cdef void convert(const Rows *rows, Py_ssize_t start, Py_ssize_t count, const element *first,
                  real *out) noexcept nogil:
    cdef const char *data = <const char *>first + start * rows.row_stride
    cdef Py_ssize_t i, f, d = rows.d, row_stride = rows.row_stride, col_stride = rows.col_stride
    cdef const element *x
    cdef double factor
    if rows.factor != NULL and col_stride == sizeof(element):
        for i in range(count):
            x = <const element *>(data + i * row_stride)
            factor = rows.factor[start + i]
            for f in range(d):
                out[i * d + f] = <real>(x[f] * factor)
    elif rows.factor != NULL:
        for i in range(count):
            factor = rows.factor[start + i]
            for f in range(d):
                out[i * d + f] = <real>((<const element *>(data + i * row_stride + f
                                                           * col_stride))[0] * factor)
    elif col_stride * col_stride <= row_stride * row_stride:
        for i in range(count):
            for f in range(d):
                out[i * d + f] = <real>(<const element *>(data + i * row_stride + f
                                                          * col_stride))[0]
    else:
        for f in range(d):
            for i in range(count):
                out[i * d + f] = <real>(<const element *>(data + i * row_stride + f
                                                          * col_stride))[0]


cdef double half(uint16_t bits) noexcept nogil:
    """The value of an IEEE half."""
    cdef int exponent = (bits >> 10) & 31
    cdef double fraction = bits & 1023, value
    if exponent == 31:
        value = 1e999 if fraction == 0 else 1e999 - 1e999
    elif exponent == 0:
        value = ldexp(fraction, -24)
    else:
        value = ldexp(1024 + fraction, exponent - 25)
    return -value if bits >> 15 else value


cdef void convert_half(const Rows *rows, Py_ssize_t start, Py_ssize_t count,
                       real *out) noexcept nogil:
    cdef Py_ssize_t i, f
    cdef const char *at
    cdef double factor = 1
    for i in range(count):
        if rows.factor != NULL:
            factor = rows.factor[start + i]
        for f in range(rows.d):
            at = rows.data + (start + i) * rows.row_stride + f * rows.col_stride
            out[i * rows.d + f] = <real>(factor * half((<const uint16_t *>at)[0]))


cdef void scatter(const Rows *rows, Py_ssize_t start, Py_ssize_t count, real *out) noexcept nogil:
    cdef const real *values = <const real *>rows.data
    cdef Py_ssize_t i, e, d = rows.d
    memset(out, 0, count * d * sizeof(real))
    for i in range(count):
        for e in range(rows.indptr[start + i], rows.indptr[start + i + 1]):
            # -0.0 becomes 0.0, as in SciPy's toarray
            out[i * d + ckm_column(rows.indices, e, d)] = values[e] + <real>0


cdef const real *fetch(const Rows *rows, Py_ssize_t start, Py_ssize_t count,
                       char *block) noexcept nogil:
    """Rows [start, start + count) one after the other: in place, or converted into `block` (room
    for PANEL rows).
    """
    cdef real *out = <real *>block
    if rows.direct:
        return <const real *>(rows.data + start * rows.row_stride)
    if rows.indptr != NULL:
        scatter(rows, start, count, out)
        return out
    if rows.kind == KIND_F64: convert[double](rows, start, count, <const double *>rows.data, out)
    elif rows.kind == KIND_F32: convert[float](rows, start, count, <const float *>rows.data, out)
    elif rows.kind == KIND_F16: convert_half(rows, start, count, out)
    elif rows.kind == KIND_I8: convert[int8_t](rows, start, count, <const int8_t *>rows.data, out)
    elif rows.kind == KIND_I16: convert[int16_t](rows, start, count, <const int16_t *>rows.data,
                                                 out)
    elif rows.kind == KIND_U16: convert[uint16_t](rows, start, count, <const uint16_t *>rows.data,
                                                  out)
    elif rows.kind == KIND_I32: convert[int32_t](rows, start, count, <const int32_t *>rows.data,
                                                 out)
    elif rows.kind == KIND_U32: convert[uint32_t](rows, start, count, <const uint32_t *>rows.data,
                                                  out)
    elif rows.kind == KIND_I64: convert[int64_t](rows, start, count, <const int64_t *>rows.data,
                                                 out)
    elif rows.kind == KIND_U64: convert[uint64_t](rows, start, count, <const uint64_t *>rows.data,
                                                  out)
    # KIND_U8, KIND_BOOL
    else: convert[uint8_t](rows, start, count, <const uint8_t *>rows.data, out)
    return out


cdef void read(const Rows *rows, Py_ssize_t row, double *out) noexcept nogil:
    """One row as float64. It is converted in place when there is room for it, so `out` is the block
    as well.
    """
    cdef const real *x = fetch(rows, row, 1, <char *>out)
    cdef Py_ssize_t f
    for f in range(rows.d - 1, -1, -1):       # backwards: float32 values are widened where they
                                              # stand
        out[f] = x[f]
