# Heads of rows in bytes, by which centers are compared first; what they are, and why they prove
# something: kernels/exact/heads.pxi.

cdef enum:
    HEAD_ROWS = 2048             # rows that the axes of heads are fitted to,
    HEAD_TRIED = 256             # and others on which they are tried,
    HEAD_CENTERS = 512           # with so many centers at the most
    MOST_HEAD = 256              # most numbers of a head
    SPREAD_ROWS = 128            # rows from which `spread` is estimated

cdef double MOST_SPREAD = 0.6    # of the features: beyond, axes would leave too much

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


def spread(rows):
    """About along how many directions these rows (n, d) vary: (sum e)^2 / sum e^2, with e the
    eigenvalues of their covariance matrix. It is d if all are equal, and 1 if only one is not 0.

    Products of different rows tell the second sum, without eigenvalues.
    """
    rows = rows - rows.mean(axis=0)
    products = product(rows, rows.T)
    squares = np.square(products)
    others = squares.sum() - np.square(np.diag(products)).sum()
    n = len(rows)
    return np.square(np.trace(products) / n) * n * (n - 1) / others if others > 0 else INFINITY


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
        if len(axes) == 0:                    # all rows lie at the origin
            return axes
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
    """Heads of all rows, which the next pass makes, and those of centers or candidates."""
    cdef Memory memory
    cdef Memory center_memory
    cdef Heads c
    cdef CenterForms forms       # its `in_bytes` are the heads of centers
    cdef float *few              # scratch (PANEL, d) centers, side by side
    cdef float *turned           # scratch (width, PANEL)
    cdef float *center           # scratch (width,)

    cdef bint make(self, Data data, const Bytes *rows, Py_ssize_t centers, axes, Py_ssize_t width,
                   bint seeding) except -1:
        """Allocate heads of that many numbers along these axes; False, and nothing is done, if axes
        are not good enough.
        """
        cdef Py_ssize_t n = (data.rows.n + PANEL - 1) // PANEL * PANEL, d = data.rows.d, count
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
        self.c.row_words = (rows.parts * rows.depth + 15) // 16 * 16
        self.c.room = <float *>self.memory.take(data.n_threads * width * PANEL, sizeof(float))
        self.few = <float *>self.memory.take(PANEL * d, sizeof(float))
        self.turned = <float *>self.memory.take(PANEL * width, sizeof(float))
        self.center = <float *>self.memory.take(width, sizeof(float))
        if seeding:
            self.c.limits = <float *>self.memory.take(n, sizeof(float))
            self.c.by_row = <int32_t *>self.memory.take(n * self.c.row_words, sizeof(int32_t))
            self.c.looked = <double *>self.memory.take(data.n_threads, sizeof(double))
        self.room_for_centers(centers)
        return True

    cdef int room_for_centers(self, Py_ssize_t k) except -1:
        """For the heads of at least k centers."""
        cdef Memory memory
        cdef CenterForms forms
        if self.forms is not None and self.forms.c.k >= k:
            return 0
        memory, forms = Memory(), CenterForms(k, self.c.width, False)
        self.c.by_center = <int32_t *>memory.take(k * self.c.row_words, sizeof(int32_t))
        forms.use_bytes(&self.c.bytes)
        self.c.centers = &forms.in_bytes
        self.center_memory, self.forms = memory, forms
        return 0

    cdef void put(self, CenterForms all_, const Bytes *rows,
                  const int32_t *order=NULL) noexcept nogil:
        """Make the heads of centers, which have been put in bytes already, in this order."""
        cdef ByteCenters *to = &self.forms.in_bytes
        cdef const ByteCenters *given = &all_.in_bytes
        cdef Py_ssize_t d = all_.d, m = given.m, line = BYTE_LANES * rows.depth, j, p, a, f
        cdef const float *scaled
        cdef double length
        cdef bint many = m >= GAIN_LANES     # several are turned together
        to[0].m, to.ids = m, given.ids
        to.guard_norm, to.guard_score = given.guard_norm, given.guard_score
        to.guard_floor = given.guard_floor
        for j in range(m):
            scaled = all_.c.scaled + (j if order == NULL else <Py_ssize_t>order[j]) * d
            if many and j % PANEL == 0:
                self.turn(all_, order, j, min(m - j, <Py_ssize_t>PANEL))
            if many:
                for a in range(self.c.n_axes):
                    self.center[a] = self.turned[a * PANEL + j % PANEL]
            else:
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
                memcpy(<int32_t *>self.c.by_center + j * self.c.row_words + p * rows.depth,
                       given.words + (j // BYTE_LANES * rows.parts + p) * line
                       + j % BYTE_LANES * rows.depth, rows.depth * sizeof(int32_t))

    cdef void turn(self, CenterForms all_, const int32_t *order, Py_ssize_t first,
                   Py_ssize_t count) noexcept nogil:
        """Coordinates of `count` centers from the first one on, into `turned`."""
        cdef Py_ssize_t d = all_.d, i, f
        cdef const float *scaled
        for i in range(count):
            scaled = all_.c.scaled + (first + i if order == NULL
                                      else <Py_ssize_t>order[first + i]) * d
            for f in range(d):
                self.few[f * PANEL + i] = scaled[f]
        filter_table.turn(self.few, d, self.c.axes, self.c.n_axes, self.turned)
