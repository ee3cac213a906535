# A spatial order of the rows, so that panels consist of neighboring rows and have small boxes.
#
# Rows are sorted along a Hilbert curve (Skilling, AIP Conf. Proc. 707, 2004) through their leading
# principal coordinates, each cut at quantiles. Sums do not depend on the order of the rows, so only
# speed depends on the quality of this order.

cdef enum:
    COORDINATES = 8              # most coordinates of the curve
    CUTS = 255                   # most cuts of a coordinate
    PILOT_STRIDE = 8             # a pilot reads one of so many rows,
    PILOT_ROWS = 12              # so that so many in a row span about what a panel will
    PILOT_BOXES = 32             # a multiple of SUPER
    SAMPLE = 1024                # rows from which coordinates and cuts are computed


cdef struct Keys:
    const Rows *rows
    ExactTable *exact
    const double *projection     # (axes, d), or NULL: the columns themselves
    const double *cuts           # (axes, CUTS) ascending
    int axes, bits
    Py_ssize_t stride            # one of so many rows only
    uint64_t *keys               # OUT (ceil(n / stride),) place on the curve, then row
    Worker *workers


cdef inline Py_ssize_t thinned_row(Py_ssize_t i, Py_ssize_t stride, Py_ssize_t n) noexcept nogil:
    """One of `stride` rows from i * stride on."""
    return i * stride + drawn_place(i, min(stride, n - i * stride))


cdef int find_keys(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                   int worker) noexcept nogil:
    cdef Keys *job = <Keys *>job_
    cdef Py_ssize_t d = job.rows.d, row, i, f, low, step
    cdef double *x = <double *>job.workers[worker].block
    cdef const double *cut
    cdef uint32_t[COORDINATES] at
    cdef double value
    cdef int a
    for i in range((start + job.stride - 1) // job.stride, (stop + job.stride - 1) // job.stride):
        row = thinned_row(i, job.stride, job.rows.n)
        job.exact.read(job.rows, row, x)
        for a in range(job.axes):
            value = 0
            if job.projection == NULL:
                value = x[a]
            else:
                for f in range(d):
                    value += job.projection[a * d + f] * x[f]
            cut = job.cuts + a * CUTS
            low = 0
            step = 1 << job.bits
            while step > 1:              # how many cuts lie below
                step >>= 1
                if cut[low + step - 1] < value:
                    low += step
            at[a] = <uint32_t>low
        job.keys[i] = curve_place(at, job.axes, job.bits) << 32 | <uint64_t>i
    return 0


cdef uint64_t curve_place(uint32_t *at, int axes, int bits) noexcept nogil:
    """The position of a cell on the Hilbert curve (Skilling's transform, then its bits
    interleaved).
    """
    cdef uint32_t q = <uint32_t>1 << (bits - 1), t
    cdef uint64_t place = 0
    cdef int i, b
    while q > 1:
        for i in range(axes):
            if at[i] & q:
                at[0] ^= q - 1
            else:
                t = (at[0] ^ at[i]) & (q - 1)
                at[0] ^= t
                at[i] ^= t
        q >>= 1
    for i in range(1, axes):
        at[i] ^= at[i - 1]
    t = 0
    q = <uint32_t>1 << (bits - 1)
    while q > 1:
        if at[axes - 1] & q:
            t ^= q - 1
        q >>= 1
    for i in range(axes):
        at[i] ^= t
    for b in range(bits - 1, -1, -1):
        for i in range(axes):
            place = place << 1 | (at[i] >> b) & 1
    return place


cdef void sort_keys(uint64_t *keys, uint64_t *other, Py_ssize_t n, int bits,
                    int32_t *order) noexcept nogil:
    """Radix sort by the `bits` bits above the row number; the rows go to `order`."""
    cdef Py_ssize_t[256] place
    cdef Py_ssize_t i, before, count
    cdef uint64_t *swap
    cdef int shift, b
    shift = 32
    while shift < 32 + bits:
        memset(place, 0, sizeof(place))
        for i in range(n):
            place[(keys[i] >> shift) & 255] += 1
        before = 0
        for b in range(256):
            count = place[b]
            place[b] = before
            before += count
        for i in range(n):
            b = (keys[i] >> shift) & 255
            other[place[b]] = keys[i]
            place[b] += 1
        shift += 8
        swap = keys
        keys = other
        other = swap
    for i in range(n):
        order[i] = <int32_t><uint32_t>keys[i]


@cython.wraparound(True)
def coordinates(sample):
    """Axes (or None for the columns themselves) and cuts of a sample of rows, for the order."""
    d = sample.shape[1]
    axes = None
    if d > 3:
        centered = sample - sample.mean(axis=0)
        size = np.abs(centered).max() or 1.0
        values, vectors = eigen(product((centered / size).T, centered / size))
        keep = min(max(int((values >= values.max() / 16).sum()), 2), COORDINATES)
        axes = np.ascontiguousarray(np.fliplr(vectors)[:, :keep].T)
        sample = product(sample, axes.T)
    count = sample.shape[1]
    bits = min(8, 32 // count)
    cuts = np.full((count, CUTS), np.inf)
    edges = np.arange(1, 1 << bits)
    cuts[:, :len(edges)] = np.sort(sample, axis=0)[edges * len(sample) >> bits].T
    return axes, cuts, bits


cdef bint can_order(Data data) noexcept:
    """Whether boxes can be tried on this data."""
    return (data.packed and data.floats.filter and data.rows.d <= BOX_FEATURES
            and 4 * SUPER * PANEL <= data.rows.n < <Py_ssize_t>1 << 31
            and data.rows.col_stride * data.rows.col_stride <= 64)


cdef class SpatialOrder:
    """The order of one data set, computed when it is first used."""
    cdef object curve, array
    cdef double patience         # nanoseconds that are to be spent before boxes are thought of
                                 # again

    cdef double cost(self, Data data) noexcept nogil:
        """About how many nanoseconds the order takes."""
        cdef Py_ssize_t d = data.rows.d
        return data.rows.n * (120.0 if d <= 3 else 220.0 + 10.0 * d)

    cdef const int32_t *sort(self, Data data) except NULL:
        """All rows, sorted along the curve: (n,)"""
        self.array = self.sorted_rows(data, 1)
        return <const int32_t *>cnp.PyArray_DATA(<cnp.ndarray>self.array)

    cdef cnp.ndarray sorted_rows(self, Data data, Py_ssize_t stride):
        """One of `stride` rows each, sorted along the curve: places in the thinned order."""
        cdef Py_ssize_t n = data.rows.n, d = data.rows.d, count = (n + stride - 1) // stride
        cdef Memory memory = Memory()
        cdef Keys keys
        cdef uint64_t *other
        cdef int32_t *sorted_rows
        cdef cnp.ndarray order = np.empty(count, dtype=np.int32)
        if self.curve is None:
            self.curve = coordinates(data.take(drawn_places(n, SAMPLE)))
        axes, cuts, bits = self.curve
        keys.rows = &data.rows
        keys.exact = data.exact
        keys.projection = NULL
        if axes is not None:
            keys.projection = <const double *>cnp.PyArray_DATA(axes)
        keys.cuts = <const double *>cnp.PyArray_DATA(cuts)
        keys.axes = cuts.shape[0]
        keys.bits = bits
        keys.stride = stride
        keys.keys = <uint64_t *>memory.take(count, sizeof(uint64_t))
        keys.workers = data.workers
        other = <uint64_t *>memory.take(count, sizeof(uint64_t))
        sorted_rows = <int32_t *>cnp.PyArray_DATA(order)
        with nogil:
            data.each_chunk(find_keys, &keys, (20 + 2.0 * d) / stride)
            sort_keys(keys.keys, other, count, keys.axes * keys.bits, sorted_rows)
        return order

    cdef double pilot(self, Data data, CenterForms forms) except -1:
        """About what share of the centers boxes would leave, from a few boxes of a thinned order.
        """
        cdef Py_ssize_t d = data.rows.d, m = forms.c.m, b, f, group
        cdef Memory memory = Memory()
        cdef int32_t *all_ = <int32_t *>memory.take(m, sizeof(int32_t))
        cdef int32_t *lists = <int32_t *>memory.take(SUPER * m, sizeof(int32_t))
        cdef float *z = <float *>memory.take(d * SUPER, sizeof(float))
        cdef float *low = <float *>memory.take(d * SUPER, sizeof(float))
        cdef float *high = <float *>memory.take(d * SUPER, sizeof(float))
        cdef Py_ssize_t[SUPER] lengths
        cdef double left = 0
        order = self.sorted_rows(data, PILOT_STRIDE)
        starts = np.linspace(0, len(order) - PILOT_ROWS, PILOT_BOXES).astype(np.int64)
        picked = order[starts[:, None] + np.arange(PILOT_ROWS)].ravel()
        rows = data.take([thinned_row(i, PILOT_STRIDE, data.rows.n) for i in picked])
        rows = rows.reshape(PILOT_BOXES, PILOT_ROWS, d)
        for f in range(m):
            all_[f] = <int32_t>f
        for group in range(PILOT_BOXES // SUPER):
            for b in range(SUPER):
                box = rows[group * SUPER + b]
                lows = box.min(axis=0)
                highs = box.max(axis=0)
                for f in range(d):
                    low[f * SUPER + b] = <float>((<double>lows[f] - data.floats.packed.origin[f])
                                                 * data.floats.packed.scale)
                    high[f * SUPER + b] = <float>((<double>highs[f] - data.floats.packed.origin[f])
                                                  * data.floats.packed.scale)
            filter_table.lists(low, high, d, &forms.c, all_, m, z, lists, lengths)
            for b in range(SUPER):
                left += lengths[b]
        return left / (PILOT_BOXES * m)
