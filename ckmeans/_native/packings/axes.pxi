# A few axes along which rows vary most, so that the filter may read coordinates instead of all
# features; see kernels/exact/axes.pxi. Packed distances are then those of the coordinates, which
# are not larger than those of the rows: see `GroupBounds`.

cdef enum:
    WIDE = 24                    # features from which on axes are considered
    AXES_SAMPLE = 32             # rows from which first axes are found
    AXES_TRIED = 128             # rows on which axes are tried
    AXES_ROWS = 512              # rows to which they are then fitted


cdef double axes_error(const Packed *packing, Py_ssize_t d) noexcept nogil:
    """The error of a packed row along the axes and in its remainder, relative to its length; see
    kernels/exact/axes.pxi.

    `principal_axes` makes sure that axes are orthonormal to within 2 s.
    """
    cdef double s = (FLUSH + d // FLUSH + 8) * ldexp(1, -53)
    return 0 if packing.axes == NULL else sqrt((4 * sqrt(<double>packing.n_axes) + 8) * s)


@cython.wraparound(True)
def orthonormal(rows, most):
    """The directions (<= most, d) in which these rows (n, d) extend farthest, orthonormal, the
    farthest first.
    """
    values, vectors = eigen(product(rows, rows.T))
    keep = slice(-1, -1 - min(most, int((values > 1e-7 * values[-1]).sum())), -1)
    rows = product((vectors[:, keep] / np.sqrt(values[keep])).T, rows)
    for _ in range(8):                        # the shortest are not quite orthonormal, by rounding;
                                              # each step squares that error
        gap = product(rows, rows.T) - np.eye(len(rows))
        rows = rows - product(0.5 * gap, rows)
        if np.abs(gap).sum(axis=1).max() < 1e-9:
            break
    return rows


def principal_axes(rows, most, sample=AXES_SAMPLE):
    """Orthonormal axes (<= most, d) along which these rows (n, d) vary most, or None.

    They are computed from `sample` of the rows, and then improved by one step of subspace
    iteration with all of them.
    """
    few = rows[:sample]
    if not few.any() or not np.isfinite(rows).all():      # (rows may have changed since they were
                                                          # checked)
        return None
    axes = orthonormal(few, most)
    if len(rows) > len(few):
        axes = orthonormal(product(product(rows, axes.T).T, rows), most)
    gap = np.linalg.norm(product(axes, axes.T) - np.eye(len(axes)))
    return np.ascontiguousarray(axes) if gap <= 2 * FLUSH * 2.0**-53 else None


class Trial:
    """How well axes (n_axes, d) determine which of some centers (m, d) is nearest to each of some
    rows (n, d).
    """

    def __init__(self, rows, centers, axes):
        self.along, self.to = product(rows, axes.T), product(centers, axes.T)
        self.sq_norms = np.einsum("ij,ij->i", rows, rows)
        self.center_sq_norms = np.einsum("ij,ij->i", centers, centers)

    def limits(self, count):
        """Between what the first `count` axes say that squared distances (n, m) lie, less the rows'
        squared norms.
        """
        along, to = self.along[:, :count], self.to[:, :count]
        told = np.einsum("ij,ij->i", to, to)
        rest = np.sqrt(np.maximum(self.sq_norms - np.einsum("ij,ij->i", along, along), 0))
        beyond = np.sqrt(np.maximum(self.center_sq_norms - told, 0))
        least = told + beyond * beyond - 2 * (product(along, to.T) + rest[:, None] * beyond)
        return least, least + 4 * rest[:, None] * beyond

    def leaves(self, count):
        """What the first `count` axes leave undecided.

        Returns
        -------
        unsure : float
            Share of the rows for which more than one center is left.
        left : float
            Mean number of centers that are left for those rows.
        """
        least, most = self.limits(count)
        left = (least <= most.min(axis=1)[:, None]).sum(axis=1)
        unsure = left > 1
        return unsure.mean(), left[unsure].mean() if unsure.any() else 0.0


cdef double sift_cost(Py_ssize_t m, Py_ssize_t width, Py_ssize_t d, double doubtful,
                      double pairs) noexcept nogil:
    """Roughly, the nanoseconds of deciding a row, on average over all rows.

    doubtful  the share of the rows that packed features leave undecided
    pairs     the centers that are left for a row, on average over all rows
    """
    return doubtful * (100 + 0.2 * d + m * width / 40.0) + pairs * (20 + 0.1 * d)


cdef double axes_cost(Py_ssize_t m, Py_ssize_t d) noexcept nogil:
    """About how many nanoseconds it takes to find out whether axes would pay."""
    return (1.5e6 + 0.08 * AXES_SAMPLE * d * (AXES_SAMPLE + AXES_TRIED + m) + 0.1 * AXES_SAMPLE
            * AXES_TRIED * m)


cdef class Axes(Packing):
    """Rows packed along axes, once axes have been found that separate the centers."""
    cdef Floats floats
    cdef double patience         # nanoseconds that are to be spent before axes are looked for again

    cdef int open(self, Data data) except -1:
        self.floats = data.floats
        self.filter = self.floats.filter
        return 0

    cdef bint possible(self, Run run) noexcept:
        return (run.data.rows.d >= (8 if run.choice.prefers(self) else WIDE) and self.filter
                and run.data.packed)

    cdef bint can_be_first(self) noexcept:
        return False

    cdef bint fits(self, Run run) noexcept nogil:
        return self.floats.boxes.order == NULL

    cdef bint wants(self, Run run) except -1 nogil:
        """Axes are searched for once the assignments, including a few future ones, have cost
        several times as much as the search; if axes would not pay, again when eight times as much
        has been spent.
        """
        cdef Py_ssize_t m = run.forms.c.k
        cdef double without = run.choice.cost_without(run, self, m), to_come = run.to_come(without)
        cdef double spent = run.data.spent
        cdef bint insisted = run.choice.insists_on(self), preferred = run.choice.prefers(self)
        if self.packed.axes != NULL:
            return True
        if (not insisted and (spent + to_come < (2 if preferred else 8) * axes_cost(m,
                                                                                 run.data.rows.d)
                              or spent < self.patience)):
            return False
        with gil:
            try:
                self.pack_along(run.data,
                                find_axes(run.data,
                                          as_array(run.clusters.center, run.k, run.data.rows.d),
                                          INFINITY if insisted
                                          else (1.0 if preferred else 0.75) * without))
            except MemoryError:               # go on as before
                run.choice.give_up(run, self)
            self.patience = max(8 * spent, 4 * to_come)
        return self.packed.axes != NULL

    cdef int pack_along(self, Data data, axes) except -1:
        """Allocate the rows along these axes (n_axes, d), if there are any; the next pass fills
        them.
        """
        cdef Py_ssize_t n = (data.rows.n + PANEL - 1) // PANEL * PANEL, d = data.rows.d, count
        cdef Py_ssize_t lanes, f, a
        cdef const double *from_
        cdef double *to
        cdef Memory memory
        cdef Packed packed = self.floats.packed
        if axes is None:
            return 0
        count = len(axes)
        lanes = (count + GAIN_LANES - 1) // GAIN_LANES * GAIN_LANES
        from_ = <const double *>cnp.PyArray_DATA(<cnp.ndarray?>axes)
        memory = Memory()
        to = <double *>memory.take(d * lanes, sizeof(double))
        for a in range(count):
            for f in range(d):
                to[f * lanes + a] = from_[a * d + f]
        packed.axes = to
        packed.n_axes = count
        packed.lanes = lanes
        packed.panels = <float *>memory.take(n * (count + 1), sizeof(float))
        packed.sq_norms = <float *>memory.take(n, sizeof(float))
        packed.filling = True
        packed.by_row = False
        self.memory, self.packed = memory, packed
        return 0

    cdef int enter(self, Run run) except -1:
        run.data.forget_packings(self)
        run.forms.use_axes(&self.packed)
        run.choice.measure_anew(run)
        return 0

    cdef int leave(self, Run run) except -1:
        run.forms.leave_axes()
        run.choice.measure_anew(run)
        return 0

    cdef Packed *panels_for(self, Run run, PanelLayout layout) except NULL nogil:
        run.data.threads.room_for_sieves(run.k, 1)
        return Packing.panels_for(self, run, layout)

    cdef int was_compared(self, Run run, double doubtful, double pairs) except -1 nogil:
        Packing.was_compared(self, run, doubtful, pairs)
        return self.was_searched(run, self.row_cost(run.forms.c.m, run.data.rows.d), doubtful,
                                 pairs)

    cdef int was_searched(self, Run run, double cost, double doubtful,
                          double pairs) except -1 nogil:
        """Give up axes if they leave so much undecided that all features are faster."""
        cdef Py_ssize_t m = run.forms.c.m, d = run.data.rows.d
        if (cost + sift_cost(m, self.packed.n_axes + 1, d, doubtful, pairs)
                > run.choice.cost_without(run, self, m)):
            with gil:
                run.choice.give_up(run, self)
        return 0

    cdef double row_cost(self, Py_ssize_t m, Py_ssize_t d) noexcept nogil:
        return brute_cost(m, self.packed.n_axes + 1)

    cdef double pass_cost(self, Run run) noexcept nogil:
        return assign_cost(run.forms.c.m, self.packed.n_axes + 1)


cdef object find_axes(Data data, cnp.ndarray centers, double most):
    """Axes with which an assignment to these centers (m, d) costs at most `most` nanoseconds per
    row, or None; the best axes if `most` is infinite.
    """
    cdef Py_ssize_t n = data.rows.n, d = data.rows.d, m = centers.shape[0], count, chosen = 0
    cdef double best = most, cost, unsure, left
    cdef cnp.ndarray origin = np.empty(d)
    memcpy(cnp.PyArray_DATA(origin), data.floats.packed.origin, d * sizeof(double))

    def moved(rows):
        return (rows - origin) * data.floats.packed.scale

    # Axes are tried on other rows than those that they are found from.
    tried = moved(data.take(drawn_places(n, AXES_TRIED, AXES_ROWS)))
    centers = moved(centers)
    if most < INFINITY:
        axes = principal_axes(moved(data.take(drawn_places(n, AXES_SAMPLE))),
                              min(AXES_SAMPLE - 4, d // 2))
        if axes is None or Trial(tried, centers, axes).leaves(len(axes))[0] > 0.7:
            return None
    axes = principal_axes(moved(data.take(drawn_places(n, AXES_ROWS))), MOST_AXES)
    if axes is None:
        return None
    trial = Trial(tried, centers, axes)
    for count in {4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, min(len(axes), d // 2)}:
        if count <= min(len(axes), d // 2):
            unsure, left = trial.leaves(count)
            cost = brute_cost(m, count + 1) + sift_cost(m, count + 1, d, unsure, unsure * left)
            if cost < best:
                best, chosen = cost, count
    return axes[:chosen] if chosen else None
