# A few axes along which rows vary most, so that the filter may read coordinates instead of all features; see exact_axes.pxi.

cdef enum:
    WIDE = 24                    # features from which on axes are thought of
    AXES_SAMPLE = 32             # rows from which first axes are found
    AXES_TRIED = 128             # rows on which axes are tried
    AXES_ROWS = 512              # rows that they are then turned towards


cdef double axes_error(const Packing *packing, Py_ssize_t d) noexcept nogil:
    """What a packed row is off by along the axes and beyond them, as a share of its length; see exact_axes.pxi.

    `principal_axes` makes sure that axes are orthonormal to within 2 s.
    """
    cdef double s = (FLUSH + d // FLUSH + 8) * ldexp(1, -53)
    return 0 if packing.axes == NULL else sqrt((4 * sqrt(<double>packing.n_axes) + 8) * s)


def product(a, b):
    """Matrix product in pieces so small that BLAS does them on this thread: threads of its own would go on spinning beside the crew."""
    out = np.empty((len(a), b.shape[1]))
    work = 200_000 // a.shape[1]
    if len(a) >= b.shape[1]:
        step = max(1, work // b.shape[1])
        for i in range(0, len(a), step):
            np.matmul(a[i:i + step], b, out=out[i:i + step])
    else:
        step = max(1, work // len(a))
        for i in range(0, b.shape[1], step):
            out[:, i:i + step] = a @ b[:, i:i + step]
    return out


def eigen(symmetric):
    """Eigenvalues (n,), ascending, and eigenvectors (n, n), in columns, of a small symmetric matrix, by Jacobi's rotations.

    Good to about 1e-10. LAPACK would wake the threads of BLAS from n = 26 on, and take a hundred times as long where a core is busy.
    """
    cdef cnp.ndarray a_ = np.array(symmetric, dtype=np.float64, order="C"), v_ = np.eye(len(symmetric))
    cdef Py_ssize_t n = a_.shape[0], p, q, i
    cdef double *a = <double *>cnp.PyArray_DATA(a_)
    cdef double *v = <double *>cnp.PyArray_DATA(v_)       # vectors in rows
    cdef double largest = 0, far = INFINITY, near, angle, t, c, s
    cdef int sweep = 0
    for i in range(n):
        largest = max(largest, fabs(a[i * n + i]))
    while far > 1e-10 * largest and sweep < 30:
        far = 0
        sweep += 1
        for p in range(n):
            for q in range(p + 1, n):
                near = a[p * n + q]
                far = max(far, fabs(near))
                if fabs(near) <= 1e-12 * largest:
                    continue
                angle = (a[q * n + q] - a[p * n + p]) / (2 * near)
                t = (1 if angle >= 0 else -1) / (fabs(angle) + sqrt(angle * angle + 1))
                c = 1 / sqrt(t * t + 1)
                s = t * c
                turn_pair(a + p * n, a + q * n, n, 1, c, s)
                turn_pair(a + p, a + q, n, n, c, s)
                turn_pair(v + p * n, v + q * n, n, 1, c, s)
    values = a_.diagonal().copy()
    order = np.argsort(values)
    return values[order], v_[order].T


cdef inline void turn_pair(double *x, double *y, Py_ssize_t n, Py_ssize_t stride, double c, double s) noexcept nogil:
    cdef Py_ssize_t i
    cdef double old
    for i in range(n):
        old = x[i * stride]
        x[i * stride] = c * old - s * y[i * stride]
        y[i * stride] = s * old + c * y[i * stride]


@cython.wraparound(True)
def orthonormal(rows, most):
    """The directions (<= most, d) in which these rows (n, d) reach farthest, orthonormal, the farthest first."""
    values, vectors = eigen(product(rows, rows.T))
    keep = slice(-1, -1 - min(most, int((values > 1e-7 * values[-1]).sum())), -1)
    rows = product((vectors[:, keep] / np.sqrt(values[keep])).T, rows)
    for _ in range(8):                        # rounding has left the shortest a little off; each step squares that
        gap = product(rows, rows.T) - np.eye(len(rows))
        rows = rows - product(0.5 * gap, rows)
        if np.abs(gap).sum(axis=1).max() < 1e-9:
            break
    return rows


def principal_axes(rows, most):
    """Orthonormal axes (<= most, d) along which these rows (n, d) vary most, or None.

    They are found from AXES_SAMPLE of the rows, and turned towards those of all of them by one step of subspace iteration.
    """
    few = rows[::max(1, len(rows) // AXES_SAMPLE)][:AXES_SAMPLE]
    if not few.any() or not np.isfinite(rows).all():      # (rows may have changed since they were checked)
        return None
    axes = orthonormal(few, most)
    if len(rows) > len(few):
        axes = orthonormal(product(product(rows, axes.T).T, rows), most)
    gap = np.linalg.norm(product(axes, axes.T) - np.eye(len(axes)))
    return np.ascontiguousarray(axes) if gap <= 2 * FLUSH * 2.0**-53 else None


class Trial:
    """How well axes (n_axes, d) tell which of some centers (m, d) is nearest to each of some rows (n, d)."""

    def __init__(self, rows, centers, axes):
        self.along, self.to = product(rows, axes.T), product(centers, axes.T)
        self.sq_norms = np.einsum("ij,ij->i", rows, rows)
        self.center_sq_norms = np.einsum("ij,ij->i", centers, centers)

    def leaves(self, count):
        """What the first `count` axes leave over.

        Returns
        -------
        unsure : float
            Share of the rows for which more than one center is.
        left : float
            How many are, in the mean over those.
        """
        along, to = self.along[:, :count], self.to[:, :count]
        told = np.einsum("ij,ij->i", to, to)
        rest = np.sqrt(np.maximum(self.sq_norms - np.einsum("ij,ij->i", along, along), 0))
        beyond = np.sqrt(np.maximum(self.center_sq_norms - told, 0))
        least = told + beyond * beyond - 2 * (product(along, to.T) + rest[:, None] * beyond)
        most = least + 4 * rest[:, None] * beyond
        left = (least <= most.min(axis=1)[:, None]).sum(axis=1)
        unsure = left > 1
        return unsure.mean(), left[unsure].mean() if unsure.any() else 0.0


cdef double sift_cost(Py_ssize_t m, Py_ssize_t width, Py_ssize_t d, double left) noexcept nogil:
    """Nanoseconds that a row takes whose coordinates leave so many centers over, roughly."""
    return 100 + 0.2 * d + m * width / 40.0 + left * (20 + 0.1 * d)


cdef class Axes:
    """Rows of one data set packed along axes.

    Parameters
    ----------
    data : Data
    axes : ndarray of shape (n_axes, d), float64
    """
    cdef Memory memory
    cdef Packing packing

    def __cinit__(self, Data data, cnp.ndarray axes):
        cdef Py_ssize_t n = (data.rows.n + PANEL - 1) // PANEL * PANEL, d = data.rows.d, count = axes.shape[0], lanes, f, a
        cdef const double *from_ = <const double *>cnp.PyArray_DATA(axes)
        cdef double *to
        lanes = (count + GAIN_LANES - 1) // GAIN_LANES * GAIN_LANES
        self.memory = Memory()
        self.packing = data.packing
        to = <double *>self.memory.take(d * lanes, sizeof(double))
        for a in range(count):
            for f in range(d):
                to[f * lanes + a] = from_[a * d + f]
        self.packing.quanta = NULL
        self.packing.quantising = False
        self.packing.axes = to
        self.packing.n_axes = count
        self.packing.lanes = lanes
        self.packing.panels = <float *>self.memory.take(n * (count + 1), sizeof(float))
        self.packing.sq_norms = <float *>self.memory.take(n, sizeof(float))
        self.packing.filling = True
        self.packing.by_row = False


cdef double axes_cost(Py_ssize_t m, Py_ssize_t d) noexcept nogil:
    """Nanoseconds that it takes to see whether axes promise anything, roughly."""
    return 1.5e6 + 0.08 * AXES_SAMPLE * d * (AXES_SAMPLE + AXES_TRIED + m) + 0.1 * AXES_SAMPLE * AXES_TRIED * m


cdef Axes find_axes(Data data, cnp.ndarray centers, double most):
    """Axes that make an assignment to these centers (m, d) cost at most so many nanoseconds a row, or None; the best if it is infinite."""
    cdef Py_ssize_t n = data.rows.n, d = data.rows.d, m = centers.shape[0], count, chosen = 0
    cdef double best = most, cost, unsure, left
    cdef cnp.ndarray origin = np.empty(d)
    memcpy(cnp.PyArray_DATA(origin), data.packing.origin, d * sizeof(double))

    def moved(rows):
        return (rows - origin) * data.packing.scale

    # Axes are tried on other rows than those that they are found from.
    tried = moved(data.take((2 * AXES_ROWS // AXES_TRIED * np.arange(AXES_TRIED) + 1) * n // (2 * AXES_ROWS)))
    centers = moved(centers)
    if most < INFINITY:
        axes = principal_axes(moved(data.take(np.arange(AXES_SAMPLE) * n // AXES_SAMPLE)), min(AXES_SAMPLE - 4, d // 2))
        if axes is None or Trial(tried, centers, axes).leaves(len(axes))[0] > 0.7:
            return None
    axes = principal_axes(moved(data.take(np.arange(AXES_ROWS) * n // AXES_ROWS)), MOST_AXES)
    if axes is None:
        return None
    trial = Trial(tried, centers, axes)
    for count in {4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, min(len(axes), d // 2)}:
        if count <= min(len(axes), d // 2):
            unsure, left = trial.leaves(count)
            cost = brute_cost(m, count + 1) + unsure * sift_cost(m, count + 1, d, left)
            if cost < best:
                best, chosen = cost, count
    return Axes(data, axes[:chosen]) if chosen else None
