# Exact kernels: everything that decides a label, adds to a sum or is shown to a user.
#
# Included by one module per element type `real` and instruction set, compiled without fused
# multiply-adds: the squared distance of a row and a center is float64, features in order, t = x[f]
# - c[f]; s += t * t. Wide instruction sets work on several rows or centers at a time, never on
# several features of one sum, so that they give the same bits.

cimport cython
from libc.math cimport fabs, frexp, ldexp, sqrt, sqrtf
from libc.string cimport memcpy, memset
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from cpython.pycapsule cimport PyCapsule_New
from ckmeans._native.kernel_tables cimport *

cdef extern from "runtime/simd.h" nogil:
    ctypedef double vd
    enum: VDL, BLOCK_V, CKM_DEBUG_BOUNDS
    vd VD_LOAD(const double *)
    void VD_STORE(double *, vd)
    vd VD_SPLAT(double)
    vd VD_FROM_FLOATS(const float *)
    vd VD_MAX(vd, vd)
    vd VD_ABS(vd)
    void ckm_transpose(const float *, Py_ssize_t, float *, Py_ssize_t)
    int CKM_CTZ64(uint64_t)
    Py_ssize_t ckm_column(const int32_t *, Py_ssize_t, Py_ssize_t)
    void CKM_PREFETCH(const void *)

cdef enum:
    GROUP = 4            # rows that the exact kernel takes together
    SPAN = 128           # elements that narrow rows are strung together to
    ROUND = 64           # features whose terms are cut together where sums have many parts

cdef double LARGEST_NORM = 1e270     # of a row that need not be looked at again: values above 1e140
                                     # are refused


# ---- reading rows --------------------------------------------------------------------------------

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
    """Rows [start, start + count) one after the other: where they lie, or converted into `block`
    (room for PANEL rows).
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


include "kernels/exact/cosine.pxi"


# ---- exact sums ----------------------------------------------------------------------------------

cdef inline void add_row(double *sums, const Sums *how, const real *x, double w,
                         Py_ssize_t d) noexcept nogil:
    """Add w * x to one cluster's sums; with -w it is taken away again, to the bit."""
    cdef const double *big = how.big
    cdef double terms[ROUND]
    cdef double term, high
    cdef Py_ssize_t f, p, first, count
    cdef int left
    if how.parts == 1:                        # every term is on the first grid: adding is exact as
                                              # it is
        for f in range(d):
            sums[f] += w * x[f]
    elif how.parts == 2:                      # what the first part leaves is on the second grid
        for f in range(d):
            term = w * x[f]
            high = (term + big[f]) - big[f]
            sums[f] += high
            sums[d + f] += term - high
    elif how.parts == 3:
        for f in range(d):
            term = w * x[f]
            high = (term + big[f]) - big[f]
            sums[f] += high
            term = term - high
            high = (term + big[d + f]) - big[d + f]
            sums[d + f] += high
            sums[2 * d + f] += term - high
    else:                                     # a term fills few of the parts: as soon as nothing is
                                              # left of any, the others are skipped
        for first from 0 <= first < d by ROUND:
            count = min(<Py_ssize_t>ROUND, d - first)
            for f in range(count):
                terms[f] = w * x[first + f]
            for p in range(how.parts - 1):
                left = 0
                for f in range(count):
                    high = (terms[f] + big[p * d + first + f]) - big[p * d + first + f]
                    sums[p * d + first + f] += high
                    terms[f] = terms[f] - high
                    left |= terms[f] != 0
                if left == 0:
                    break
            else:
                for f in range(count):
                    sums[(how.parts - 1) * d + first + f] += terms[f]


cdef inline void add_weight(double *total, const Sums *how, double w) noexcept nogil:
    cdef double high
    cdef int p
    for p in range(how.weight_parts - 1):
        high = (w + how.weight_big[p]) - how.weight_big[p]
        total[p] += high
        w -= high
        if w == 0:
            return
    total[how.weight_parts - 1] += w


cdef inline void tally_row(Tally *tally, const Sums *how, int32_t label, const real *x, double w,
                           Py_ssize_t d,
                           int sign) noexcept nogil:
    tally.touched[label] = 1
    tally.counts[label] += sign
    if how.weighted:
        add_weight(tally.weights + label * how.weight_parts, how, sign * w)
    add_row(tally.sums + label * how.parts * d, how, x, sign * w, d)


cdef void move(const Rows *rows, Py_ssize_t row, double w, int32_t label, int sign, Tally *tally,
               const Sums *how,
               char *block) noexcept nogil:
    """Add one row to a cluster's sums (sign 1) or take it away (-1)."""
    tally_row(tally, how, label, fetch(rows, row, 1, block), w, rows.d, sign)


# ---- squared distances ---------------------------------------------------------------------------

cdef void distance_tile(const real **x, const double *block, Py_ssize_t d,
                        double *out) noexcept nogil:
    """Squared distances of GROUP rows to BLOCK centers.

    x      IN   (GROUP,) pointers to rows of d features
    block  IN   (d, BLOCK)
    out    OUT  (GROUP, BLOCK)
    """
    cdef vd acc[GROUP][2]
    cdef vd c0, c1, t, row
    cdef Py_ssize_t f, lane
    cdef int r
    for lane from 0 <= lane < BLOCK by 2 * VDL:
        for r in range(GROUP):
            acc[r][0] = VD_SPLAT(0)
            acc[r][1] = VD_SPLAT(0)
        for f in range(d):
            c0 = VD_LOAD(block + f * BLOCK + lane)
            c1 = VD_LOAD(block + f * BLOCK + lane + VDL)
            for r in range(GROUP):
                row = VD_SPLAT(<double>x[r][f])
                t = row - c0
                acc[r][0] = acc[r][0] + t * t
                t = row - c1
                acc[r][1] = acc[r][1] + t * t
        for r in range(GROUP):
            VD_STORE(out + r * BLOCK + lane, acc[r][0])
            VD_STORE(out + r * BLOCK + lane + VDL, acc[r][1])


cdef void distance_row(const real *x, const double *block, Py_ssize_t d,
                       double *out) noexcept nogil:
    """Squared distances of one row to BLOCK centers; see `distance_tile`."""
    cdef vd acc[BLOCK_V]
    cdef vd t, row
    cdef Py_ssize_t f
    cdef int v
    for v in range(BLOCK_V):
        acc[v] = VD_SPLAT(0)
    for f in range(d):
        row = VD_SPLAT(<double>x[f])
        for v in range(BLOCK_V):
            t = row - VD_LOAD(block + f * BLOCK + v * VDL)
            acc[v] = acc[v] + t * t
    for v in range(BLOCK_V):
        VD_STORE(out + v * VDL, acc[v])


cdef void pair_distances(const real **x, const double **c, Py_ssize_t d,
                         double *out) noexcept nogil:
    """Squared distances of GROUP rows, each to a center of its own: four sums that do not wait for
    each other.
    """
    cdef double s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0, t1, t2, t3
    cdef const real *x0 = x[0]
    cdef const real *x1 = x[1]
    cdef const real *x2 = x[2]
    cdef const real *x3 = x[3]
    cdef const double *c0 = c[0]
    cdef const double *c1 = c[1]
    cdef const double *c2 = c[2]
    cdef const double *c3 = c[3]
    cdef Py_ssize_t f
    for f in range(d):
        t0 = x0[f] - c0[f]
        t1 = x1[f] - c1[f]
        t2 = x2[f] - c2[f]
        t3 = x3[f] - c3[f]
        s0 += t0 * t0
        s1 += t1 * t1
        s2 += t2 * t2
        s3 += t3 * t3
    out[0] = s0
    out[1] = s1
    out[2] = s2
    out[3] = s3


# ---- passes over the rows ------------------------------------------------------------------------

cdef void scan_span(const real *x, Py_ssize_t length, double *low, double *high, double *tiny,
                    double *bad) noexcept nogil:
    cdef Py_ssize_t e
    cdef double v, size
    for e in range(length):
        v = x[e]
        low[e] = v if v < low[e] else low[e]
        high[e] = v if v > high[e] else high[e]
        size = fabs(v)
        size = size if size > 0 else 1e999
        tiny[e] = size if size < tiny[e] else tiny[e]
        bad[e] += v - v                       # NaN for what is not finite


cdef int scan(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
              int worker) noexcept nogil:
    """Smallest and largest value of each column, the smallest magnitude, and whether all are
    finite.
    """
    cdef Scan *job = <Scan *>job_
    cdef Py_ssize_t d = job.rows.d, i, e, count, strung = SPAN // d
    cdef double *low = job.low + worker * d
    cdef double *high = job.high + worker * d
    cdef double *tiny = job.tiny + worker * d
    cdef double *bad = job.bad + worker * d
    cdef double lows[SPAN]
    cdef double highs[SPAN]
    cdef double tinys[SPAN]
    cdef double bads[SPAN]
    cdef const real *x
    # Narrow rows are strung together, so that the loop over features is long enough for wide
    # vectors.
    for e in range(strung * d):
        lows[e] = low[e % d]
        highs[e] = high[e % d]
        tinys[e] = tiny[e % d]
        bads[e] = bad[e % d]
    while start < stop:
        count = min(<Py_ssize_t>PANEL, stop - start)
        x = fetch(job.rows, start, count, job.workers[worker].block)
        i = 0
        while strung > 1 and i + strung <= count:
            scan_span(x + i * d, strung * d, lows, highs, tinys, bads)
            i += strung
        while i < count:
            scan_span(x + i * d, d, low, high, tiny, bad)
            i += 1
        start += count
    for e in range(strung * d):
        low[e % d] = min(low[e % d], lows[e])
        high[e % d] = max(high[e % d], highs[e])
        tiny[e % d] = min(tiny[e % d], tinys[e])
        bad[e % d] += bads[e]
    return 0


cdef inline vd load(const real *x) noexcept nogil:
    if sizeof(real) == 4:
        return VD_FROM_FLOATS(<const float *>x)
    return VD_LOAD(<const double *>x)


cdef void survey_lanes(const real *x, Py_ssize_t rows, Py_ssize_t stride, const double *w,
                       const double *how, double *seen,
                       Py_ssize_t width) noexcept nogil:
    """`survey` for one vector of columns, everything in registers.

    how   IN     (HOW, width) see Survey, from the first lane
    seen  INOUT  (SEEN, width)
    """
    cdef vd middle = VD_LOAD(how)
    cdef vd cut0 = VD_LOAD(how + width), cut1 = VD_LOAD(how + 2 * width)
    cdef vd cut2 = VD_LOAD(how + 3 * width), cut3 = VD_LOAD(how + 4 * width)
    cdef vd first0 = VD_LOAD(seen), first1 = VD_LOAD(seen + width)
    cdef vd second0 = VD_LOAD(seen + 2 * width), second1 = VD_LOAD(seen + 3 * width)
    cdef vd value, term, high
    cdef Py_ssize_t i
    for i in range(rows):
        value = load(x + i * stride) - middle
        term = value
        if w != NULL:
            term = VD_SPLAT(w[i]) * value
        high = (term + cut0) - cut0
        first0 = first0 + high
        first1 = first1 + (((term - high) + cut1) - cut1)
        term = term * value
        high = (term + cut2) - cut2
        second0 = second0 + high
        second1 = second1 + (((term - high) + cut3) - cut3)
    VD_STORE(seen, first0)
    VD_STORE(seen + width, first1)
    VD_STORE(seen + 2 * width, second0)
    VD_STORE(seen + 3 * width, second1)


cdef void survey_one(double value, double w, const double *how, double *seen,
                     Py_ssize_t width) noexcept nogil:
    """`survey_lanes` for one value of one column."""
    cdef double term, high
    cdef int p
    value = value - how[0]
    term = w * value
    for p in range(1, HOW, 2):
        high = (term + how[p * width]) - how[p * width]
        seen[(p - 1) * width] += high
        seen[p * width] += ((term - high) + how[(p + 1) * width]) - how[(p + 1) * width]
        term = term * value


cdef int survey(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                int worker) noexcept nogil:
    """First and second moments of the columns."""
    cdef Survey *job = <Survey *>job_
    cdef Py_ssize_t d = job.rows.d, length = job.strung * d, width = job.width, count, strings, i, e
    cdef Py_ssize_t b
    cdef double *seen = job.seen + worker * SEEN * width
    cdef const real *x
    cdef const double *w = NULL
    cdef real tail[PANEL * VDL]
    while start < stop:
        # Few wide rows, which must stay in L1; of sparse ones no more than the block has room for.
        count = min(<Py_ssize_t>(PANEL if job.strung > 1 else 16 if job.rows.indptr == NULL
                                 else CSR_ROWS), stop - start)
        x = fetch(job.rows, start, count, job.workers[worker].block)
        if job.weights != NULL:
            w = job.weights + start
        strings = count // job.strung
        for e from 0 <= e < length by VDL:
            if e + VDL <= length:
                survey_lanes(x + e, strings, length, w, job.how + e, seen + e, width)
            else:                             # columns that do not fill a vector; the lanes past
                                              # them fall into the padding
                for i in range(strings):
                    for b in range(VDL):
                        tail[i * VDL + b] = x[i * length + e + b] if e + b < length else 0
                survey_lanes(tail, strings, VDL, w, job.how + e, seen + e, width)
        for i in range(strings * job.strung, count):
            for e in range(d):
                survey_one(x[i * d + e], 1 if w == NULL else w[i], job.how + e, seen + e, width)
        start += count
    return 0


include "kernels/exact/axes.pxi"
include "kernels/exact/pack.pxi"


cdef void distance_few(const real **x, int count, const Centers *centers, Py_ssize_t first,
                       Py_ssize_t d, double *out) noexcept nogil:
    """`distance_tile` for `count` rows and the centers from `first`, from rows as they are."""
    cdef const real *group[GROUP]
    cdef const double *c[GROUP]
    cdef Py_ssize_t b
    cdef int r, g
    for r in range(count):
        for g in range(GROUP):
            group[g] = x[r]
        for b from 0 <= b < BLOCK by GROUP:
            if first + b < centers.m:
                for g in range(GROUP):
                    c[g] = centers.rows + centers.ids[min(first + b + g, centers.m - 1)] * d
                pair_distances(group, c, d, out + r * BLOCK + b)


cdef inline uint64_t all_rows(Py_ssize_t count) noexcept nogil:
    return ~<uint64_t>0 if count == PANEL else (<uint64_t>1 << count) - 1


cdef inline void panel_at(const Rows *rows, const Packed *packing, Worker *me, Py_ssize_t first,
                          Py_ssize_t count, float **panel,
                          float **norms) noexcept nogil:
    """The packed rows [first, first + count): kept ones, or packed into the worker's scratch."""
    panel[0] = me.panel
    norms[0] = me.panel_norms
    if packing.panels != NULL:
        panel[0] = packing.panels + first * packed_width(packing, rows.d)
        norms[0] = packing.sq_norms + first
    if packing.panels == NULL or packing.filling:
        pack_panel(fetch(rows, first, count, me.block), count, rows.d, me, packing, panel[0],
                   norms[0])


cdef double rough_distance(const real *x, const double *c, Py_ssize_t d) noexcept nogil:
    """A squared distance, vectors of features at a time."""
    cdef vd a = VD_SPLAT(0), b = VD_SPLAT(0), t
    cdef double lanes[VDL]
    cdef double one
    cdef Py_ssize_t f = 0
    cdef int v
    while f + 2 * VDL <= d:
        t = load(x + f) - VD_LOAD(c + f)
        a = a + t * t
        t = load(x + f + VDL) - VD_LOAD(c + f + VDL)
        b = b + t * t
        f += 2 * VDL
    VD_STORE(lanes, a + b)
    for v in range(1, VDL):
        lanes[0] += lanes[v]
    while f < d:
        one = x[f] - c[f]
        lanes[0] += one * one
        f += 1
    return lanes[0]


cdef bint nearest_by_far(const real *x, const Centers *centers, Py_ssize_t d,
                         int32_t *label) noexcept nogil:
    """Whether one center is so much nearer than all others that the order of the sums is no matter.

    A sum of d squares of differences is off by (d + 2) u of it in any order, u = 2^-53, and this
    one from that which decides by twice as much; so is the other. What underflows is far below
    2^-1000.
    """
    cdef double least = 1e999, second = 1e999, distance
    cdef Py_ssize_t j
    for j in range(centers.m):
        distance = rough_distance(x, centers.rows + centers.ids[j] * d, d)
        if distance < least:
            second = least
            least = distance
            label[0] = centers.ids[j]
        elif not distance >= second:         # (a NaN is never taken for proof)
            second = distance
    return second > least * (1 + 5.0 * (d + 3) * 2.0 ** -53) + 2.0 ** -1000 and second < 1e999


cdef void decide(const real **x, int count, const Centers *centers, Py_ssize_t d,
                 int32_t *labels) noexcept nogil:
    """The label of up to GROUP rows by definition: the lowest index at the smallest squared
    distance.
    """
    cdef double out[GROUP * BLOCK]
    cdef double nearest[GROUP]
    cdef Py_ssize_t j, b, stop
    cdef int r
    if centers.blocks == NULL and count == 1 and nearest_by_far(x[0], centers, d, labels):
        return
    for r in range(count):
        nearest[r] = 1e999
        labels[r] = centers.ids[0]
    for r in range(count, GROUP):
        x[r] = x[0]
    for j from 0 <= j < centers.m by BLOCK:
        if centers.blocks == NULL:
            distance_few(x, count, centers, j, d, out)
        elif count == 1:
            distance_row(x[0], centers.blocks + j * d, d, out)
        else:
            distance_tile(x, centers.blocks + j * d, d, out)
        stop = min(<Py_ssize_t>BLOCK, centers.m - j)
        for r in range(count):
            for b in range(stop):
                if out[r * BLOCK + b] < nearest[r]:
                    nearest[r] = out[r * BLOCK + b]
                    labels[r] = centers.ids[j + b]


cdef int arrange(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                 int worker) noexcept nogil:
    """Pack places [start, stop) in the order of the boxes, and find the boxes."""
    cdef Arrange *job = <Arrange *>job_
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t d = job.rows.d, first, count, i, f, at
    cdef real *block = <real *>me.block
    cdef const real *row
    cdef const float *lanes
    cdef float lo, hi
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        for i in range(count):
            row = fetch(job.rows, job.boxes.order[first + i], 1, <char *>(block + i * d))
            if row != block + i * d:
                for f in range(d):
                    block[i * d + f] = row[f]
        pack_panel(block, count, d, me, job.packing, job.packing.panels + first * d,
                   job.packing.sq_norms + first)
        at = (first // (SUPER * PANEL)) * SUPER * d + (first // PANEL) % SUPER
        for f in range(d):
            lanes = job.packing.panels + first * d + f * PANEL
            lo = lanes[0]
            hi = lanes[0]
            for i in range(1, count):
                lo = lanes[i] if lanes[i] < lo else lo
                hi = lanes[i] if lanes[i] > hi else hi
            job.boxes.low[at + f * SUPER] = lo
            job.boxes.high[at + f * SUPER] = hi
    return 0


cdef double sq_distance(const real *x, const double *c, Py_ssize_t d) noexcept nogil:
    """Off by at most (d + 3) 2^-53 of itself, as the squared distance that counts is; but its terms
    are added in another order.
    """
    cdef vd acc[2]
    cdef vd t
    cdef double out[2 * VDL]
    cdef double total = 0, step
    cdef Py_ssize_t f, whole = d // (2 * VDL) * (2 * VDL)
    cdef int v
    acc[0] = acc[1] = VD_SPLAT(0)
    for f from 0 <= f < whole by 2 * VDL:
        for v in range(2):
            t = load(x + f + v * VDL) - VD_LOAD(c + f + v * VDL)
            acc[v] = acc[v] + t * t
    for v in range(2):
        VD_STORE(out + v * VDL, acc[v])
    for v in range(2 * VDL):
        total += out[v]
    for f in range(whole, d):
        step = x[f] - c[f]
        total += step * step
    return total


cdef inline void fetch_ahead(const Rows *from_, Py_ssize_t first, uint64_t rows) noexcept nogil:
    """Ask for rows that will be read soon: they are too few and far between for the hardware to
    guess.
    """
    cdef const char *x
    cdef Py_ssize_t i, line
    while rows:
        i = CKM_CTZ64(rows)
        rows &= rows - 1
        x = from_.data + (first + i) * from_.row_stride
        for line from 0 <= line < min(from_.row_stride, <Py_ssize_t>512) by 64:
            CKM_PREFETCH(x + line)


cdef inline bint apart(double least, double second, Py_ssize_t d) noexcept nogil:
    """Whether the order of two sums of d squares, each as good as `sq_distance`, is that of those
    that count.
    """
    # Each is off, and so is what counts; what underflows in either is less than that beside 1e-280.
    return second * (1 - 4.0 * (d + 4) * ldexp(1, -53)) > least and second > 1e-280


cdef void sift(const Assign *job, Worker *me, Py_ssize_t place, const real *x,
               int32_t *label) noexcept nogil:
    """The label of a row that its packed coordinates do not tell."""
    cdef const Packed *packing = job.packing
    cdef const Centers *centers = job.centers
    cdef Centers listed = centers[0]
    cdef Py_ssize_t d = job.rows.d, width = packing.n_axes + 1, f, j
    cdef const float *panel = me.panel
    cdef const float *norms = me.panel_norms
    cdef const real *group[GROUP]
    cdef float few[MOST_AXES + 1]
    cdef double sq, least = 1e999, second = 1e999
    if packing.panels != NULL:
        panel = packing.panels + place // PANEL * PANEL * width
        norms = packing.sq_norms + place // PANEL * PANEL
    place %= PANEL
    for f in range(width):
        few[f] = panel[place * width + f] if packing.by_row else panel[f * PANEL + place]
    listed.m = job.filter.sift(few, norms[place], width, centers, me.sieve.scores, me.sieve.ids)
    for j in range(listed.m):
        sq = sq_distance(x, centers.rows + me.sieve.ids[j] * d, d)
        if sq < least:
            second = least
            least = sq
            label[0] = me.sieve.ids[j]
        elif sq < second:
            second = sq
    me.counters.filtered += listed.m
    if not apart(least, second, d):
        listed.ids = me.sieve.ids
        listed.blocks = NULL
        group[0] = x
        decide(group, 1, &listed, d, label)
        me.counters.exact += listed.m


cdef void choose(const Assign *job, Worker *me, Py_ssize_t first, uint64_t unsure,
                 int32_t *best) noexcept nogil:
    """The labels of rows that their whole numbers do not tell, among the centers listed in
    `closer`.
    """
    cdef const Centers *centers = job.centers
    cdef Centers listed = centers[0]
    cdef Py_ssize_t d = job.rows.d, j, b, m = centers.m
    cdef const real *x[PANEL]
    cdef const real *group[GROUP]
    cdef double least[PANEL]
    cdef double second[PANEL]
    cdef double sq
    cdef uint64_t todo = unsure
    while todo:
        b = CKM_CTZ64(todo)
        todo &= todo - 1
        x[b] = fetch(job.rows, first + b, 1, <char *>(<real *>me.block + b * d))
        least[b] = second[b] = 1e999
        me.counters.decided += 1
    for j in range(m):
        todo = me.sieve.closer[j] & unsure     # (rows without a direction are settled already)
        while todo:
            b = CKM_CTZ64(todo)
            todo &= todo - 1
            sq = sq_distance(x[b], centers.rows + centers.ids[j] * d, d)
            me.counters.exact += 1
            if sq < least[b]:
                second[b] = least[b]
                least[b] = sq
                best[b] = centers.ids[j]
            elif sq < second[b]:
                second[b] = sq
    todo = unsure
    while todo:
        b = CKM_CTZ64(todo)
        todo &= todo - 1
        if not apart(least[b], second[b], d):
            listed.m = 0
            for j in range(m):
                if me.sieve.closer[j] >> b & 1:
                    me.sieve.ids[listed.m] = centers.ids[j]
                    listed.m += 1
            listed.ids = me.sieve.ids
            listed.blocks = NULL
            group[0] = x[b]
            decide(group, 1, &listed, d, best + b)
            me.counters.exact += listed.m


cdef void settle(const Assign *job, Worker *me, const Centers *centers, Py_ssize_t first,
                 Py_ssize_t count, const int32_t *old,
                 int32_t *best, uint64_t unsure, uint64_t changed) noexcept nogil:
    """Decide what the filter left undecided, and move changed rows from their old cluster's sums to
    the new one's.

    centers  IN  at least all that can win among these rows
    best     INOUT  (PANEL,)
    """
    cdef Py_ssize_t d = job.rows.d, row, i
    cdef const int32_t *order = NULL if job.boxes == NULL else job.boxes.order
    cdef const real *x = NULL
    cdef const real *group[GROUP]
    cdef int32_t lanes[GROUP]
    cdef int32_t decided[GROUP]
    cdef double w = 1
    cdef int g, r
    if order == NULL and job.rows.factor == NULL:      # rows that are worked out one by one are
                                                       # fetched one by one
        x = fetch(job.rows, first, count, me.block)
    if job.rows.direct and order == NULL:
        fetch_ahead(job.rows, first, unsure | changed)
    if centers.quanta != NULL and unsure:
        choose(job, me, first, unsure, best)
        while unsure:
            i = CKM_CTZ64(unsure)
            unsure &= unsure - 1
            changed &= ~(<uint64_t>1 << i)
            changed |= <uint64_t>(best[i] != old[i]) << i
    while unsure:
        g = 0
        while unsure and g < GROUP:
            lanes[g] = CKM_CTZ64(unsure)
            unsure &= unsure - 1
            if x != NULL:
                group[g] = x + lanes[g] * d
            else:
                row = first + lanes[g] if order == NULL else order[first + lanes[g]]
                group[g] = fetch(job.rows, row, 1, <char *>(<real *>me.block + g * d))
            g += 1
        if centers.slack != NULL and centers.filter:
            for r in range(g):
                sift(job, me, first + lanes[r], group[r], decided + r)
        else:
            decide(group, g, centers, d, decided)
            me.counters.exact += g * centers.m
        me.counters.decided += g
        for r in range(g):
            best[lanes[r]] = decided[r]
            changed &= ~(<uint64_t>1 << lanes[r])
            if decided[r] != old[lanes[r]]:
                changed |= <uint64_t>1 << lanes[r]
    while changed:
        i = CKM_CTZ64(changed)
        changed &= changed - 1
        me.changed += 1
        job.labels[first + i] = best[i]
        if job.sums != NULL:
            row = first + i if order == NULL else order[first + i]
            if job.weights != NULL:
                w = job.weights[row]
                if w == 0:
                    if old[i] >= 0:
                        me.tally.counts[old[i]] -= 1
                    me.tally.counts[best[i]] += 1
                    continue
            group[0] = x + i * d if x != NULL else fetch(job.rows, row, 1, me.block)
            if old[i] >= 0:
                tally_row(&me.tally, job.sums, old[i], group[0], w, d, -1)
            tally_row(&me.tally, job.sums, best[i], group[0], w, d, 1)


cdef inline void labels_at(const Assign *job, Py_ssize_t first, Py_ssize_t count,
                           int32_t *old) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        old[i] = job.labels[first + i]
    for i in range(count, PANEL):
        old[i] = 0


cdef int assign(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                int worker) noexcept nogil:
    """Labels of rows [start, stop): every row against every center."""
    cdef Assign *job = <Assign *>job_
    cdef Worker *me = job.workers + worker
    cdef const Centers *centers = job.centers
    cdef Py_ssize_t first, count, words = quanta_words(job.rows.d)
    cdef int32_t best[PANEL]
    cdef int32_t old[PANEL]
    cdef uint64_t unsure, changed, rows_here
    cdef float *panel
    cdef float *norms
    cdef float *steps
    cdef float steps_here[PANEL]
    cdef int32_t *quanta
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        rows_here = all_rows(count)
        labels_at(job, first, count, old)
        if job.survey != NULL:
            survey(job.survey, first, first + count, chunk, worker)
        if centers.quanta != NULL:
            quanta = job.packing.quanta + first * words
            norms = job.packing.quanta_norms + first
            steps = job.packing.steps + first
            if job.packing.quanta == NULL:    # none are kept
                panel_at(job.rows, job.packing, me, first, count, &panel, &norms)
                quanta = <int32_t *>me.scaled
                steps = steps_here
                job.filter.quantise(panel, norms, job.rows.d, quanta, steps, me.worst)
            job.filter.quanta(quanta, norms, steps, words, centers, old, rows_here, me.sieve.scores,
                              best, &unsure, &changed,
                              me.sieve.closer)
            me.counters.filtered += count * centers.m
        elif centers.filter:
            panel_at(job.rows, job.packing, me, first, count, &panel, &norms)
            if job.packing.quantising:
                memcpy(job.packing.quanta_norms + first, norms, PANEL * sizeof(float))
                job.filter.quantise(panel, norms, job.rows.d, job.packing.quanta + first * words,
                                    job.packing.steps + first, me.worst)
            job.filter.panel(panel, norms, packed_width(job.packing, job.rows.d), centers, old,
                             best, &unsure, &changed)
            me.counters.filtered += count * centers.m
            unsure &= rows_here
            changed &= rows_here
        else:
            unsure = rows_here
            changed = 0
        if job.rows.directionless:
            without_direction(job.rows, NULL, first, count, old, best, &unsure, &changed)
        if unsure | changed:
            settle(job, me, centers, first, count, old, best, unsure, changed)
    return 0


cdef int assign_boxes(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                      int worker) noexcept nogil:
    """Labels of places [start, stop): every panel against the centers that can win in its box.

    start is a multiple of SUPER * PANEL.
    """
    cdef Assign *job = <Assign *>job_
    cdef Worker *me = job.workers + worker
    cdef Lists *scratch = &me.lists
    cdef const Centers *centers = job.centers
    cdef Centers listed = centers[0]
    cdef Py_ssize_t d = job.rows.d, m = centers.m, base, first, count, n_near, i, j
    cdef Py_ssize_t lengths[SUPER]
    cdef int32_t best[PANEL]
    cdef int32_t old[PANEL]
    cdef uint64_t unsure, changed, rows_here
    cdef const float *low
    cdef const float *high
    cdef int p
    listed.ids = scratch.ids
    listed.scaled = scratch.scaled
    listed.sq_norms = scratch.sq_norms
    listed.blocks = NULL
    for base from start <= base < stop by SUPER * PANEL:
        low = job.boxes.low + base // PANEL * d
        high = job.boxes.high + base // PANEL * d
        n_near = job.filter.nearby(low, high, d, centers, scratch.nearby)
        job.filter.lists(low, high, d, centers, scratch.nearby, n_near, scratch.z, scratch.lists,
                         lengths)
        me.counters.boxed += m + n_near * SUPER
        for p in range(SUPER):
            first = base + p * PANEL
            if first >= stop:
                break
            count = min(<Py_ssize_t>PANEL, stop - first)
            rows_here = all_rows(count)
            labels_at(job, first, count, old)
            unsure = 0
            changed = 0
            listed.m = lengths[p]
            if listed.m == 1:
                j = centers.ids[scratch.lists[p * m]]
                for i in range(PANEL):
                    best[i] = <int32_t>j
                    changed |= <uint64_t>(old[i] != j) << i
            else:
                for i in range(listed.m):
                    j = scratch.lists[p * m + i]
                    scratch.ids[i] = centers.ids[j]
                    scratch.sq_norms[i] = centers.sq_norms[j]
                    memcpy(scratch.scaled + i * d, centers.scaled + j * d, d * sizeof(float))
                job.filter.panel(job.packing.panels + first * d, job.packing.sq_norms + first, d,
                                 &listed, old, best, &unsure,
                                 &changed)
                me.counters.filtered += count * listed.m
            unsure &= rows_here
            changed &= rows_here
            if job.rows.directionless:
                without_direction(job.rows, job.boxes.order, first, count, old, best, &unsure,
                                  &changed)
            if unsure | changed:
                settle(job, me, &listed, first, count, old, best, unsure, changed)
    return 0


include "kernels/exact/groups.pxi"


cdef int measure(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                 int worker) noexcept nogil:
    """Squared distance of each row to the center of its label, and the weighted total."""
    cdef Measure *job = <Measure *>job_
    cdef Py_ssize_t d = job.rows.d, first, count, i, r, row
    cdef const real *x
    cdef const real *group[GROUP]
    cdef const double *c[GROUP]
    cdef double out[PANEL]
    cdef Sum *total = job.totals + worker
    cdef Wide *rest = job.rests + worker
    cdef double term, left
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        x = fetch(job.rows, first, count, job.workers[worker].block)
        for i from 0 <= i < count by GROUP:
            for r in range(GROUP):
                row = min(i + r, count - 1)
                group[r] = x + row * d
                c[r] = job.centers + job.labels[first + row] * d
            pair_distances(group, c, d, out + i)
        if job.rows.directionless:
            for i in range(count):
                if job.rows.factor[first + i] == 0:
                    out[i] = 2                # orthogonal to every center
        for i in range(count):
            term = out[i] if job.weights == NULL else job.weights[first + i] * out[i]
            left = add_term(total, &job.split, term)
            if left != 0:
                wide_add(rest, left)
        if job.sq_distances != NULL:
            for i in range(count):
                job.sq_distances[first + i] = out[i]
    return 0


cdef inline double shown(const Transform *job, Py_ssize_t row, double sq_distance) noexcept nogil:
    """What `transform` says of a row and a center: the distance; of unit rows, the cosine
    distance.
    """
    if job.rows.factor == NULL:
        return sqrt(sq_distance)
    return 1 if job.rows.factor[row] == 0 else 0.5 * sq_distance


cdef inline void put_distance(const Transform *job, Py_ssize_t row, Py_ssize_t j,
                              double sq_distance) noexcept nogil:
    """Write down what `transform` says of a row and a center."""
    cdef double value = shown(job, row, sq_distance)
    if job.narrow:
        (<float *>job.out)[row * job.centers.k + j] = <float>value
    else:
        (<double *>job.out)[row * job.centers.k + j] = value


cdef inline void put_block(const Transform *job, Py_ssize_t row, Py_ssize_t first, Py_ssize_t used,
                           const double *sq_distances) noexcept nogil:
    """`put_distance` for a block of centers."""
    cdef double *out = <double *>job.out + row * job.centers.k + first
    cdef Py_ssize_t b
    if job.narrow or job.rows.factor != NULL:
        for b in range(used):
            put_distance(job, row, first + b, sq_distances[b])
    else:
        for b in range(used):
            out[b] = sqrt(sq_distances[b])


cdef void work_out(const Transform *job, Py_ssize_t row, const real *x, Py_ssize_t first,
                   uint64_t unsure) noexcept nogil:
    """Distances of a row to those centers of a block that are in doubt (bit i, center first + i),
    feature after feature.
    """
    cdef Py_ssize_t d = job.rows.d
    cdef double exact[GROUP]
    cdef const real *group[GROUP]
    cdef const double *c[GROUP]
    cdef int lanes[GROUP]
    cdef int g, r
    while unsure:
        g = 0
        while unsure and g < GROUP:
            lanes[g] = CKM_CTZ64(unsure)
            unsure &= unsure - 1
            g += 1
        for r in range(GROUP):
            group[r] = x
            c[r] = job.centers.rows + (first + lanes[r if r < g else 0]) * d
        pair_distances(group, c, d, exact)
        for r in range(g):
            put_distance(job, row, first + lanes[r], exact[r])


include "kernels/exact/mostly_zero.pxi"


cdef int transform(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                   int worker) noexcept nogil:
    """Distances of each row to all centers; of unit rows, cosine distances."""
    cdef Transform *job = <Transform *>job_
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t d = job.rows.d, k = job.centers.k, first, count, i, j, b, block_stop
    cdef const real *x
    cdef const real *group[GROUP]
    cdef double tile[GROUP * BLOCK]
    cdef double *moved = job.moved + worker * job.moved_size
    cdef double sq_norms[PANEL]
    cdef uint64_t unsure[PANEL]
    cdef uint64_t thin = 0
    cdef int r
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        x = fetch(job.rows, first, count, me.block)
        if job.left != NULL:
            thin = thin_among(<const double *>x, count, d, job.left + first)
        if sizeof(real) == 4 and job.shifted != NULL:
            job.filter.shift(<const float *>x, count, d, job.shifted.origin, moved, sq_norms)
            for j from 0 <= j < k by BLOCK:
                job.filter.roots(moved, sq_norms, count, d, job.shifted, j,
                                 min(<Py_ssize_t>BLOCK, k - j),
                                 <float *>job.out + first * k + j, k, unsure)
                for i in range(count):
                    if unsure[i]:
                        work_out(job, first + i, x + i * d, j, unsure[i])
            for i in range(count):
                me.overflow = me.overflow or not sq_norms[i] < LARGEST_NORM
            continue
        for i from 0 <= i < count by GROUP:
            if (thin and thin >> i & all_rows(min(<Py_ssize_t>GROUP, count - i))
                == all_rows(min(<Py_ssize_t>GROUP, count - i))):
                continue
            for r in range(GROUP):
                group[r] = x + min(i + r, count - 1) * d
            for j from 0 <= j < k by BLOCK:
                if job.centers.blocks == NULL:
                    memset(tile, 0, sizeof(tile))             # it leaves out what is not there
                    distance_few(group, <int>min(<Py_ssize_t>GROUP, count - i), job.centers, j, d,
                                 tile)
                else:
                    distance_tile(group, job.centers.blocks + j * d, d, tile)
                block_stop = min(<Py_ssize_t>BLOCK, k - j)
                for r in range(GROUP):
                    me.overflow = me.overflow or not tile[r * BLOCK] < LARGEST_NORM
                if job.rows.factor != NULL:
                    for r in range(GROUP):
                        for b in range(r * BLOCK, (r + 1) * BLOCK):
                            tile[b] = shown(job, first + min(i + r, count - 1), tile[b])
                else:
                    for b in range(GROUP * BLOCK):
                        tile[b] = sqrt(tile[b])
                for r in range(min(<Py_ssize_t>GROUP, count - i)):
                    if job.narrow:
                        for b in range(block_stop):
                            (<float *>job.out)[(first + i + r) * k + j + b] = <float>tile[r * BLOCK
                                                                                          + b]
                    else:
                        for b in range(block_stop):
                            (<double *>job.out)[(first + i + r) * k + j + b] = tile[r * BLOCK + b]
    return 0


cdef inline void limits_of(const Seeding *job, Py_ssize_t row, float norm, float *low,
                           float *high) noexcept nogil:
    """The score at which a candidate is as far from a row as the nearest center: not above it, and
    not below it.

    The scaled squared distance is at least A + score - gamma A (see kernels/filter/filter.pxi), and
    A is known to 1e-6.
    """
    cdef double share = job.sq_nearest[row] * job.packing.scale * job.packing.scale
    cdef double error = (share * 1e-6 + norm * (job.candidates.gamma + 2e-6)
                         + job.candidates.guard_floor)
    low[0] = <float>(share - norm - error)
    high[0] = <float>(share - norm + error)


cdef int weigh(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
               int worker) noexcept nogil:
    """Which rows candidates may be closer to than their nearest center, and about what each would
    gain: by the filter alone.
    """
    cdef Seeding *job = <Seeding *>job_
    cdef const Centers *candidates = job.candidates
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t d = job.rows.d, m = candidates.m, first, count, i, j
    cdef float low[PANEL]
    cdef float high[PANEL]
    cdef float *panel
    cdef float *norms
    cdef uint64_t *closer
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        panel_at(job.rows, job.packing, me, first, count, &panel, &norms)
        for i in range(count):
            limits_of(job, first + i, norms[i], low + i, high + i)
        for i in range(count, PANEL):
            low[i] = high[i] = -3e38
        closer = job.closer + first // PANEL * m
        job.filter.gains(panel, low, high, d, candidates, closer, job.gains + worker * m * GAIN)
        for j in range(m):
            closer[j] &= all_rows(count)
    return 0


cdef inline uint64_t rows_for(const Seeding *job, Py_ssize_t j, Py_ssize_t first,
                              Py_ssize_t stop) noexcept nogil:
    """Which rows of a panel are to be compared with a candidate."""
    if job.column == NULL:
        return all_rows(min(<Py_ssize_t>PANEL, stop - first))
    return job.closer[first // PANEL * job.width + job.column[j]]


cdef int seed(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
              int worker) noexcept nogil:
    """One k-means++ step: what each candidate would change of the potential, or the one candidate
    taken.

    Only rows that a candidate may be closer to are looked at: all others keep their share of the
    potential.
    """
    cdef Seeding *job = <Seeding *>job_
    cdef const Centers *candidates = job.candidates
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t d = job.rows.d, m = candidates.m, first, row, j
    cdef const real *x
    cdef const real *group[GROUP]
    cdef const double *c[GROUP]
    cdef double out[GROUP]
    cdef int lanes[GROUP]
    cdef double w = 1, nearest
    cdef Sum *total
    cdef int g, r
    cdef uint64_t todo
    for first from start <= first < stop by PANEL:
        x = NULL
        for j in range(m):
            todo = rows_for(job, j, first, stop)
            if job.rows.direct and job.column != NULL and first + PANEL < stop:
                fetch_ahead(job.rows, first + PANEL, rows_for(job, j, first + PANEL, stop))
            if todo and x == NULL:
                x = fetch(job.rows, first, min(<Py_ssize_t>PANEL, stop - first), me.block)
            total = job.totals + worker * m + j
            for r in range(GROUP):
                c[r] = candidates.rows + j * d
            while todo:
                g = 0
                while todo and g < GROUP:
                    lanes[g] = CKM_CTZ64(todo)
                    todo &= todo - 1
                    group[g] = x + lanes[g] * d
                    g += 1
                for r in range(g, GROUP):
                    group[r] = group[0]
                pair_distances(group, c, d, out)
                for r in range(g):
                    row = first + lanes[r]
                    nearest = job.sq_nearest[row]
                    if out[r] < nearest:
                        if job.weights != NULL:
                            w = job.weights[row]
                        if job.binned:
                            total = (job.bucket_totals + (worker * m + j) * job.buckets
                                     + job.bucket[row])
                        if nearest < 1e999:           # infinite before the first center is taken
                            add_term(total, &job.split, -(w * nearest))
                        add_term(total, &job.split, w * out[r])
                        if job.keep:
                            job.sq_nearest[row] = out[r]
    return 0


cdef ExactTable _table
_table.scan = scan
_table.read = read
_table.project = project
_table.move = move
_table.survey = survey
_table.arrange = arrange
_table.turn = turn
_table.assign_boxes = assign_boxes
_table.assign_groups = assign_groups
_table.assign = assign
_table.measure = measure
_table.transform = transform
_table.thin_rows = thin_rows
_table.norms = thin_norms
_table.seed = seed
_table.weigh = weigh
_table.unit_factor = unit_factor_of
_table.unit_factors = unit_factors
table = PyCapsule_New(&_table, "ckmeans.exact", NULL)

include "kernels/exact/csr.pxi"
