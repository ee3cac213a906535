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
    if col_stride == sizeof(element):
        for i in range(count):
            x = <const element *>(data + i * row_stride)
            for f in range(d):
                out[i * d + f] = <real>x[f]
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


cdef void convert_short(const Rows *rows, Py_ssize_t start, Py_ssize_t count,
                        real *out) noexcept nogil:
    """The same of float16 and bfloat16."""
    cdef Py_ssize_t i, f, d = rows.d, col_stride = rows.col_stride
    cdef const char *at
    for i in range(count):
        at = rows.data + (start + i) * rows.row_stride
        if rows.kind == KIND_BF16:
            for f in range(d):
                out[i * d + f] = <real>ckm_bfloat16((<const uint16_t *>(at + f * col_stride))[0])
        elif col_stride == sizeof(uint16_t):
            for f in range(d):
                out[i * d + f] = <real>ckm_float16((<const uint16_t *>at)[f])
        else:
            for f in range(d):
                out[i * d + f] = <real>ckm_float16((<const uint16_t *>(at + f * col_stride))[0])


cdef void convert_rows(const Rows *rows, Py_ssize_t start, Py_ssize_t count,
                       real *out) noexcept nogil:
    """Rows of any type and strides."""
    cdef Kind kind = rows.kind
    cdef const void *x = rows.data
    if sizeof(real) == 4:                # these kernels read nothing but float32
        convert(rows, start, count, <const float *>x, out)
    elif kind == KIND_F64: convert(rows, start, count, <const double *>x, out)
    elif kind == KIND_F32: convert(rows, start, count, <const float *>x, out)
    elif kind in (KIND_F16, KIND_BF16): convert_short(rows, start, count, out)
    elif kind == KIND_I8: convert(rows, start, count, <const int8_t *>x, out)
    elif kind == KIND_I16: convert(rows, start, count, <const int16_t *>x, out)
    elif kind == KIND_U16: convert(rows, start, count, <const uint16_t *>x, out)
    elif kind == KIND_I32: convert(rows, start, count, <const int32_t *>x, out)
    elif kind == KIND_U32: convert(rows, start, count, <const uint32_t *>x, out)
    elif kind == KIND_I64: convert(rows, start, count, <const int64_t *>x, out)
    elif kind == KIND_U64: convert(rows, start, count, <const uint64_t *>x, out)
    else: convert(rows, start, count, <const uint8_t *>x, out)             # KIND_U8, KIND_BOOL


cdef void scale_to_units(const double *factor, Py_ssize_t count, Py_ssize_t d,
                         real *x) noexcept nogil:
    """Rows (count, d) times their factors."""
    cdef Py_ssize_t i, f
    for i in range(count):
        for f in range(d):
            x[i * d + f] = <real>(x[i * d + f] * factor[i])


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
    convert_rows(rows, start, count, out)
    if rows.factor != NULL:
        scale_to_units(rows.factor + start, count, rows.d, out)
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


cdef inline vd load(const real *x) noexcept nogil:
    if sizeof(real) == 4:
        return VD_FROM_FLOATS(<const float *>x)
    return VD_LOAD(<const double *>x)
