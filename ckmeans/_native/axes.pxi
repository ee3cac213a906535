# A few axes along which rows vary most, so that the filter may read coordinates instead of all features; see exact_axes.pxi.

cdef enum:
    WIDE = 40                    # features from which on axes are thought of
    AXES_SAMPLE = 64             # rows from which first axes are found
    AXES_TRIED = 128             # rows on which axes are tried
    AXES_ROWS = 512              # rows that they are then turned towards


cdef double axes_error(const Packing *packing, Py_ssize_t d) noexcept nogil:
    """What a packed row is off by along the axes and beyond them, as a share of its length; see exact_axes.pxi.

    `principal_axes` makes sure that axes are orthonormal to within 2 s.
    """
    cdef double s = (FLUSH + d // FLUSH + 8) * ldexp(1, -53)
    return 0 if packing.axes == NULL else sqrt((4 * sqrt(<double>packing.n_axes) + 8) * s)


@cython.wraparound(True)
def orthonormal(rows, most):
    """The directions (<= most, d) in which these rows (n, d) reach farthest, orthonormal, the farthest first."""
    values, vectors = np.linalg.eigh(rows @ rows.T)
    keep = slice(-1, -1 - min(most, int((values > 1e-10 * values[-1]).sum())), -1)
    rows = (vectors[:, keep] / np.sqrt(values[keep])).T @ rows
    for _ in range(2):                        # rounding has left them a little off
        rows = 1.5 * rows - 0.5 * (rows @ rows.T) @ rows
    return rows


def principal_axes(rows, most):
    """Orthonormal axes (<= most, d) along which these rows (n, d) vary most, or None.

    They are found from the first few rows, and turned towards those of all of them by one step of subspace iteration.
    """
    if not rows[:AXES_SAMPLE].any():
        return None
    axes = orthonormal(rows[:AXES_SAMPLE], most)
    if len(rows) > AXES_SAMPLE:
        axes = orthonormal((rows @ axes.T).T @ rows, most)
    gap = np.linalg.norm(axes @ axes.T - np.eye(len(axes)))
    return np.ascontiguousarray(axes) if gap <= 2 * FLUSH * 2.0**-53 else None


def tell_apart(rows, centers, axes, int count):
    """How well the first `count` axes tell which of the centers (m, d) is nearest to each row (n, d).

    Returns
    -------
    unsure : float
        Share of the rows for which more than one is left over.
    left : float
        How many are, in the mean over those.
    """
    axes = axes[:count]
    along, to = rows @ axes.T, centers @ axes.T
    rest = np.sqrt(np.maximum(np.einsum("ij,ij->i", rows, rows) - np.einsum("ij,ij->i", along, along), 0))
    beyond = np.sqrt(np.maximum(np.einsum("ij,ij->i", centers, centers) - np.einsum("ij,ij->i", to, to), 0))
    least = np.einsum("ij,ij->i", to, to) + beyond * beyond - 2 * (along @ to.T + rest[:, None] * beyond)
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
        self.packing.axes = to
        self.packing.n_axes = count
        self.packing.lanes = lanes
        self.packing.panels = <float *>self.memory.take(n * (count + 1), sizeof(float))
        self.packing.sq_norms = <float *>self.memory.take(n, sizeof(float))
        self.packing.filling = True
        self.packing.by_row = False


cdef double axes_cost(Py_ssize_t m, Py_ssize_t d) noexcept nogil:
    """Nanoseconds that it takes to see whether axes promise anything, roughly."""
    return 8e5 + 0.15 * d * (AXES_SAMPLE * AXES_SAMPLE + AXES_TRIED * m)


cdef Axes find_axes(Data data, cnp.ndarray centers, bint anyway):
    """Axes that make an assignment to these centers (m, d) cost much less, or None; with `anyway` the best that can be had."""
    cdef Py_ssize_t n = data.rows.n, d = data.rows.d, m = centers.shape[0], count
    cdef double best = INFINITY if anyway else 0.6 * brute_cost(m, d), cost, unsure, left
    cdef cnp.ndarray origin = np.empty(d)
    cdef Py_ssize_t chosen = 0
    memcpy(cnp.PyArray_DATA(origin), data.packing.origin, d * sizeof(double))

    def moved(rows):
        return (rows - origin) * data.packing.scale

    # Axes are tried on other rows than those that they are found from.
    tried = moved(data.take((2 * AXES_ROWS // AXES_TRIED * np.arange(AXES_TRIED) + 1) * n // (2 * AXES_ROWS)))
    centers = moved(centers)
    if not anyway:
        axes = principal_axes(moved(data.take(np.arange(AXES_SAMPLE) * n // AXES_SAMPLE)), AXES_SAMPLE // 2)
        if axes is None or tell_apart(tried, centers, axes, AXES_SAMPLE // 2)[0] > 0.5:
            return None
    more = moved(data.take(np.arange(AXES_ROWS) * n // AXES_ROWS))
    axes = principal_axes(more, MOST_AXES)
    if axes is None:
        return None
    for count in {4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, min(len(axes), d // 2)}:
        if count <= min(len(axes), d // 2):
            unsure, left = tell_apart(tried, centers, axes, count)
            cost = brute_cost(m, count + 1) + unsure * sift_cost(m, count + 1, d, left)
            if cost < best:
                best, chosen = cost, count
    return Axes(data, axes[:chosen]) if chosen else None
