# Heads of rows in bytes, with which k-means++ compares candidates first; what they are, and why
# they prove something: kernels/exact/seeding.pxi.

cdef enum:
    HEAD_ROWS = 2048             # rows that the axes of heads are fitted to,
    HEAD_TRIED = 256             # and others on which they are tried
    MOST_HEAD = 256              # most numbers of a head

cdef double MOST_SKEW = 1e-3     # by which axes may be off from orthonormal ones


cdef inline double dot(const double *x, const double *y, Py_ssize_t d) noexcept nogil:
    cdef double part[8]
    cdef Py_ssize_t f, whole = d // 8 * 8
    cdef int e
    for e in range(8):
        part[e] = 0
    for f from 0 <= f < whole by 8:
        for e in range(8):
            part[e] += x[f + e] * y[f + e]
    for f in range(whole, d):
        part[0] += x[f] * y[f]
    return (((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5])
                                                          + (part[6] + part[7])))


def gram_schmidt(rows, int passes=2):
    """Orthonormal vectors that span the same space as these rows (n, d), in their order; rows that
    earlier ones span are left out. One pass is enough where it is no matter how orthonormal they
    are.
    """
    cdef cnp.ndarray out = np.array(rows, dtype=np.float64, order="C")
    cdef double *first = <double *>cnp.PyArray_DATA(out)
    cdef double *row
    cdef Py_ssize_t n = out.shape[0], d = out.shape[1], i, j, f, kept = 0
    cdef double length, share
    cdef int once
    with nogil:
        for i in range(n):
            row = first + kept * d
            memmove(row, first + i * d, d * sizeof(double))
            length = sqrt(dot(row, row, d))
            for once in range(passes):
                for j in range(kept):
                    share = dot(row, first + j * d, d)
                    for f in range(d):
                        row[f] -= share * first[j * d + f]
            share = sqrt(dot(row, row, d))
            if not share > 1e-6 * length:
                continue
            for f in range(d):
                row[f] /= share
            kept += 1
    return out[:kept]


def leading_axes(rows, most):
    """About orthonormal axes (<= most, d) along which these rows (n, d) vary much, the more so the
    earlier: some of the rows, after two steps of orthogonal iteration.

    The axes of `principal_axes` are better and fewer: eigenvectors take too long for so many.
    """
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    axes = rows[:most]
    if not np.isfinite(rows).all():           # (they may have changed since they were checked)
        return axes[:0]
    for _ in range(2):
        axes = gram_schmidt(longest_first(axes), 1).astype(np.float32)
        axes = product(product(rows, axes.T).T, rows)
    return gram_schmidt(longest_first(axes), 1)


cdef longest_first(rows):
    return rows[np.argsort(-np.einsum("ij,ij->i", rows, rows), kind="stable")]


cdef double leading_cost(Py_ssize_t rows, Py_ssize_t most, Py_ssize_t d) noexcept nogil:
    """About how many nanoseconds `leading_axes` takes."""
    return 0.1 * rows * most * d + 0.8 * most * most * d


cdef Py_ssize_t tails_of(Py_ssize_t width) noexcept nogil:
    """How many numbers of a head share the length of the remainder."""
    return 4 if width >= 64 else 2


cdef class RowHeads:
    """Heads of all rows, which the next pass makes, and those of candidates."""
    cdef Memory memory
    cdef Heads c
    cdef CenterForms forms       # its `in_bytes` are the heads of candidates
    cdef float *center           # (width,) scratch

    cdef bint make(self, Data data, const Bytes *rows, Py_ssize_t trials, axes,
                   Py_ssize_t width) except -1:
        """Allocate heads of that many numbers along these axes; False, and nothing is done, if axes
        are not good enough.
        """
        cdef Py_ssize_t n = (data.rows.n + PANEL - 1) // PANEL * PANEL, d = data.rows.d, count, f
        cdef cnp.ndarray turned
        cdef float *to
        cdef double lanes = 1.01 * (d / 4 + 10) * ldexp(1, -24), skew
        # Numbers of like size leave the steps of bytes small: turned at random, coordinates are.
        count = len(axes)
        mixed = np.random.RandomState(0).standard_normal((count, count))
        turned = gram_schmidt(product(mixed, axes)).astype(np.float32)
        count = len(turned)
        if count == 0:
            return False
        wide = turned.astype(np.float64)
        skew = np.linalg.norm(product(wide, wide.T) - np.eye(count))
        if not skew < MOST_SKEW:
            return False
        width = count + tails_of(width)
        self.memory = Memory()
        self.c.axes = to = <float *>self.memory.take(count * d, sizeof(float))
        memcpy(to, cnp.PyArray_DATA(turned), count * d * sizeof(float))
        self.c.n_axes, self.c.width = count, width
        self.c.error = sqrt(<double>count) * max(filter_gamma(d), lanes) + 1.01 * skew
        make_byte_room(&self.c.bytes, self.memory, n, width)
        self.forms = CenterForms(trials, width, False)
        self.forms.use_bytes(&self.c.bytes)
        self.c.candidates = &self.forms.in_bytes
        self.c.limits = <float *>self.memory.take(n, sizeof(float))
        self.c.row_words = (rows.parts * rows.depth + 15) // 16 * 16
        self.c.by_row = <int32_t *>self.memory.take(n * self.c.row_words, sizeof(int32_t))
        self.c.centers = <int32_t *>self.memory.take(trials * self.c.row_words, sizeof(int32_t))
        self.c.room = <float *>self.memory.take(data.n_threads * width * PANEL, sizeof(float))
        self.c.looked = <double *>self.memory.take(data.n_threads, sizeof(double))
        self.center = <float *>self.memory.take(width, sizeof(float))
        return True

    cdef void put(self, CenterForms all_, const Bytes *rows) noexcept nogil:
        """Make the heads of candidates, which have been put in bytes already."""
        cdef ByteCenters *to = &self.forms.in_bytes
        cdef const ByteCenters *given = &all_.in_bytes
        cdef Py_ssize_t d = all_.d, m = given.m, line = BYTE_LANES * rows.depth, j, p, a, f
        cdef const float *scaled
        cdef double length
        to[0].m, to.ids = m, given.ids
        to.guard_norm, to.guard_score = given.guard_norm, given.guard_score
        to.guard_floor = given.guard_floor
        for j in range(m):
            scaled = all_.c.scaled + j * d
            filter_table.turn_center(scaled, d, self.c.axes, self.c.n_axes, self.center)
            length = 0
            for f in range(d):
                length += <double>scaled[f] * scaled[f]
            length *= 1 + 2 * self.c.error
            for a in range(self.c.n_axes):
                length -= <double>self.center[a] * self.center[a]
            length = sqrt(max(length, 0.0) / (self.c.width - self.c.n_axes)) * (1 + 1e-6)
            for a in range(self.c.n_axes, self.c.width):
                self.center[a] = <float>-length
            filter_table.pack_center(self.center, self.c.width, &self.c.bytes, j, to)
            (<float *>to.lengths)[j] *= <float>guard_factor
            (<float *>to.off)[j] *= <float>guard_factor
            (<float *>to.sq_norms)[j] = given.sq_norms[j]
            for p in range(rows.parts):
                memcpy(<int32_t *>self.c.centers + j * self.c.row_words + p * rows.depth,
                       given.words + (j // BYTE_LANES * rows.parts + p) * line
                       + j % BYTE_LANES * rows.depth, rows.depth * sizeof(int32_t))
