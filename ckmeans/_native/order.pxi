# A spatial order of the rows, so that rows that lie together make up panels with small boxes.
#
# Rows are sorted along a Hilbert curve (Skilling, AIP Conf. Proc. 707, 2004) through their leading principal coordinates, each cut
# at quantiles. Sums do not depend on the order of the rows, so nothing but speed depends on how good it is.

cdef enum:
    AXES = 8                     # most coordinates of the curve
    CUTS = 255                   # most cuts of a coordinate
    PILOT_STRIDE = 8             # a pilot looks at every so many rows,
    PILOT_ROWS = 12              # so that so many in a row span about what a panel will
    PILOT_BOXES = 32             # a multiple of SUPER
    SAMPLE = 1024                # rows that coordinates and cuts are worked out from


cdef struct Keys:
    const Rows *rows
    ExactTable *exact
    const double *projection     # (axes, d), or NULL: the columns themselves
    const double *cuts           # (axes, CUTS) ascending
    int axes, bits
    Py_ssize_t stride            # every so many rows only
    uint64_t *keys               # OUT (ceil(n / stride),) place on the curve, then row
    Worker *workers


cdef int find_keys(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk, int worker) noexcept nogil:
    cdef Keys *job = <Keys *>job_
    cdef Py_ssize_t d = job.rows.d, row, i, f, low, step
    cdef double *x = <double *>job.workers[worker].block
    cdef const double *cut
    cdef uint32_t[AXES] at
    cdef double value
    cdef int a
    for i in range((start + job.stride - 1) // job.stride, (stop + job.stride - 1) // job.stride):
        row = i * job.stride
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
    """Where on the Hilbert curve a cell lies (Skilling's transform, then its bits interleaved)."""
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


cdef void sort_keys(uint64_t *keys, uint64_t *other, Py_ssize_t n, int bits, int32_t *order) noexcept nogil:
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
        keep = min(max(int((values >= values.max() / 16).sum()), 2), AXES)
        axes = np.ascontiguousarray(np.fliplr(vectors)[:, :keep].T)
        sample = product(sample, axes.T)
    count = sample.shape[1]
    bits = min(8, 32 // count)
    cuts = np.full((count, CUTS), np.inf)
    edges = np.arange(1, 1 << bits)
    cuts[:, :len(edges)] = np.sort(sample, axis=0)[edges * len(sample) >> bits].T
    return axes, cuts, bits
