# What group bounds need beside the rows: centers in groups of similar ones, and how far each has
# moved.

cdef double bounds_factor = 1


def scale_bounds(double factor):
    """For tests of the tests: multiply the distances that centers are taken to have moved by this
    factor. 1 restores them.
    """
    global bounds_factor
    bounds_factor = factor


cdef class GroupBounds:
    """Bounds of one run on the distances of n rows to groups of centers; the pass itself is
    `assign_groups` in kernels/exact/groups.pxi.

    Where rows are packed along axes, upper bounds are on the distances themselves, lower ones on
    those of packed rows, which are no larger.
    """
    cdef Memory memory
    cdef Bounds b
    cdef Threads threads
    cdef const Packed *packing
    cdef Py_ssize_t k, d, width
    cdef Panel *panels
    cdef int32_t *lane               # (k,) where in the panels each center is
    cdef double *seen                # (k, d) the centers that bounds are about
    cdef double *seen_along          # (k, width) the same along the axes, if there are any
    cdef uint8_t *dropped            # (k,) duplicates of others at the last assignment: no bound is
                                     # about them
    cdef float *scaled
    cdef float *shifts
    cdef float *most
    cdef int64_t *size

    def __cinit__(self, Threads threads not None, Py_ssize_t k, Py_ssize_t d):
        self.threads = threads
        self.k = k
        self.d = d

    cdef int open(self, const Packed *packing, Py_ssize_t n) except -1:
        cdef Py_ssize_t k = self.k, d = packed_width(packing, self.d)
        cdef Py_ssize_t tiles = (n + TILE - 1) // TILE, groups = (k + WIDTH - 1) // WIDTH, p
        cdef float *lanes
        cdef float *sq_norms
        cdef int32_t *ids
        self.memory = Memory()
        self.packing = packing
        self.width = d
        self.b.groups = groups
        self.panels = <Panel *>self.memory.take(groups, sizeof(Panel))
        lanes = <float *>self.memory.take(groups * d * WIDTH, sizeof(float))
        sq_norms = <float *>self.memory.take(groups * WIDTH, sizeof(float))
        ids = <int32_t *>self.memory.take(groups * WIDTH, sizeof(int32_t))
        for p in range(groups):
            self.panels[p].scaled = lanes + p * d * WIDTH
            self.panels[p].sq_norms = sq_norms + p * WIDTH
            self.panels[p].ids = ids + p * WIDTH
            self.panels[p].used = min(<Py_ssize_t>WIDTH, k - p * WIDTH)
        for p in range(groups * WIDTH):
            sq_norms[p] = 3e38
        self.lane = <int32_t *>self.memory.take(k, sizeof(int32_t))
        self.seen = <double *>self.memory.take(k * self.d, sizeof(double))
        self.seen_along = NULL
        if packing.axes != NULL:
            self.seen_along = <double *>self.memory.take(k * d, sizeof(double))
        self.dropped = <uint8_t *>self.memory.take(k, 1)
        self.scaled = <float *>self.memory.take(k * d, sizeof(float))
        self.shifts = <float *>self.memory.take(k, sizeof(float))
        self.most = <float *>self.memory.take(groups, sizeof(float))
        self.size = <int64_t *>self.memory.take(groups, sizeof(int64_t))
        self.b.panels = self.panels
        self.b.group = <int32_t *>self.memory.take(k, sizeof(int32_t))
        self.b.size = self.size
        self.b.scaled = self.scaled
        self.b.shifts = self.shifts
        self.b.most = self.most
        self.b.upper = <float *>self.memory.take(tiles * TILE, sizeof(float))
        self.b.lower = <float *>self.memory.take(tiles * TILE * groups, sizeof(float))
        self.b.blank = True
        self.threads.room_for_tiles(groups)
        return 0

    cdef int regroup(self, const double *centers) except -1:
        """Put similar centers side by side. All bounds become invalid."""
        cdef cnp.ndarray order
        cdef const int32_t *at
        cdef int32_t *group = <int32_t *>self.b.group
        cdef Py_ssize_t i
        order = similar(as_array(centers, self.k, self.d) * self.packing.scale).astype(np.int32)
        at = <const int32_t *>cnp.PyArray_DATA(order)
        for i in range(self.k):
            self.lane[at[i]] = <int32_t>i
            group[at[i]] = <int32_t>(i // WIDTH)
            (<int32_t *>self.panels[i // WIDTH].ids)[i % WIDTH] = at[i]
        self.b.blank = True
        return 0

    cdef void prepare(self, const double *centers, CenterForms forms) noexcept nogil:
        """Bring everything up to date with these centers, of which `forms` knows the duplicates."""
        cdef const Packed *packing = self.packing
        cdef Py_ssize_t d = self.d, width = self.width, j, f, next_ = 0, p, g
        cdef const double *along = NULL      # one center, where rows are packed along axes
        cdef double move, drift, step, error = axes_error(packing, d)
        cdef float *lanes
        cdef bint dropped, moved
        for g in range(self.b.groups):
            self.most[g] = 0
            self.size[g] = 0
        for j in range(self.k):
            moved = self.b.blank
            move = 0
            for f in range(d):
                step = (centers[j * d + f] - self.seen[j * d + f]) * packing.scale
                moved = moved or step != 0
                move += step * step
            p = self.lane[j] // WIDTH
            drift = 0
            if moved:
                # Underflow is negligible beside the scale of packed rows.
                drift = move = (sqrt(move) * (1 + 1e-6) + 1e-25) * bounds_factor
                memcpy(self.seen + j * d, centers + j * d, d * sizeof(double))
                lanes = <float *>self.panels[p].scaled + self.lane[j] % WIDTH
                if packing.axes != NULL:
                    along = forms.coordinates + j * width
                    drift = min(drift, self.drift_along(along, self.seen_along + j * width, error))
                    memcpy(self.seen_along + j * width, along, width * sizeof(double))
                for f in range(width):
                    step = ((centers[j * d + f] - packing.origin[f]) * packing.scale
                            if packing.axes == NULL else along[f])
                    self.scaled[j * width + f] = <float>(-2 * step)
                    lanes[f * WIDTH] = self.scaled[j * width + f]
            g = self.b.group[j]
            self.shifts[j] = <float>move
            self.most[g] = max(self.most[g], <float>drift)
            dropped = next_ >= forms.c.m or forms.c.ids[next_] != j
            (<float *>self.panels[p].sq_norms)[self.lane[j] % WIDTH] = (
                <float>3e38 if dropped else forms.c.sq_norms[next_])
            if not dropped:
                next_ += 1
                self.size[g] += 1
                if self.dropped[j]:           # it is not in the bounds
                    self.most[g] = INFINITY
            self.dropped[j] = dropped
        self.b.gamma = <float>(forms.c.gamma * (1 + 1e-6))
        self.b.floor = <float>(sqrt(forms.c.guard_floor) * 1.01)
        self.b.slack = forms.c.slack
        self.b.rounding = <float>(1.3e-7 + 2.2 * error)

    cdef double drift_along(self, const double *along, const double *before,
                            double error) noexcept nogil:
        """An upper bound of how far a center has moved in the space of packed rows, including the
        errors of its coordinates.
        """
        cdef double move = 0, norms = 0, step
        cdef Py_ssize_t f
        for f in range(self.width):
            step = along[f] - before[f]
            move += step * step
            norms += along[f] * along[f] + before[f] * before[f]
        return (sqrt(move) * (1 + 1e-6) + 1.5 * error * sqrt(norms) + 1e-25) * bounds_factor

    cdef double cost(self, double pairs) noexcept nogil:
        """Roughly, the nanoseconds of assigning a row for which bounds leave `pairs` centers."""
        return 2 + 0.15 * self.b.groups + min(3.5,
                                              0.6 * pairs) + pairs * ((self.width + 12) / 44.0
                                                                      + 0.1)

    cdef double pilot(self, Py_ssize_t n, View view) except -1:
        """About how many centers one of n packed rows would be compared with, if centers moved
        again as they did before this assignment. Rows without kept panels are read from the view.
        """
        cdef Py_ssize_t d = self.width, i, g, f
        cdef Py_ssize_t count = min(<Py_ssize_t>TILE,
                                    max(<Py_ssize_t>64, n // 64)) // 8 * 8 if n >= 8 * PANEL else n
        cdef Memory memory = Memory()
        cdef float *rows = <float *>memory.take(count * d, sizeof(float))
        cdef float *lowest = <float *>memory.take(count * self.b.groups + PANEL, sizeof(float))
        cdef float *second = <float *>memory.take(count * self.b.groups + PANEL, sizeof(float))
        cdef int32_t *winner = <int32_t *>memory.take(count * self.b.groups + PANEL,
                                                      sizeof(int32_t))
        cdef int32_t *list_ = <int32_t *>memory.take(count, sizeof(int32_t))
        cdef double norm, nearest, pairs = 0
        cdef double *x
        cdef Py_ssize_t best
        cdef bint all_away
        for i in range(count):
            list_[i] = <int32_t>i
            # Eight of a panel, which share cache lines.
            best = 8 * drawn_place(i // 8, n // 8) + i % 8 if n >= 8 * PANEL else i
            if self.packing.panels != NULL:
                packed_row(self.packing, d, best, rows + i * d)
                continue
            x = <double *>view.workers[0].block
            view.exact.read(&view.rows, best, x)
            for f in range(d):
                rows[i * d + f] = <float>((x[f] - self.packing.origin[f]) * self.packing.scale)
        for g in range(self.b.groups):
            filter_table.rows(rows, d, list_, count, self.panels + g, lowest + g * count,
                              second + g * count, winner + g * count)
        for i in range(count):
            norm = 0
            for f in range(d):
                norm += <double>rows[i * d + f] * rows[i * d + f]
            best = 0
            for g in range(self.b.groups):
                if lowest[g * count + i] < lowest[best * count + i]:
                    best = g
            nearest = (sqrt(max(norm + lowest[best * count + i], 0.0))
                       + self.shifts[winner[best * count + i]])
            all_away = True
            for g in range(self.b.groups):
                if (not nearest < sqrt(max(norm + (second if g == best else lowest)[g * count + i],
                                           0.0)) - self.most[g]):
                    all_away = False
                    if g != best:
                        pairs += self.size[g]
            if not all_away:
                pairs += 1 + self.size[best]
        return pairs / count


cdef void packed_row(const Packed *packing, Py_ssize_t width, Py_ssize_t place,
                     float *out) noexcept nogil:
    """Copy one row of kept panels."""
    cdef const float *panel = packing.panels + place // PANEL * PANEL * width
    cdef Py_ssize_t at = place % PANEL, f
    for f in range(width):
        out[f] = panel[at * width + f] if packing.by_row else panel[f * PANEL + at]


cdef double brute_cost(Py_ssize_t m, Py_ssize_t d) noexcept nogil:
    """The same when every row is compared with all of m centers, in panels of rows."""
    return 0.5 + m * (d + 2.7) / 54


@cython.wraparound(True)
def similar(centers):
    """An order of the centers in which every WIDTH in a row are near each other: halved across the
    widest direction, again and again.
    """
    order = np.arange(len(centers))
    parts = [(0, len(centers))]
    while parts:
        start, stop = parts.pop()
        if stop - start <= WIDTH:
            continue
        rows = centers[order[start:stop]]
        rows = rows - rows.mean(axis=0)
        along = rows[np.einsum("ij,ij->i", rows, rows).argmax()]
        for _ in range(4):                    # the power method: accurate enough
            size = np.linalg.norm(along)
            if not size > 0:
                break
            along = np.einsum("ij,i->j", rows, np.einsum("ij,j->i", rows, along / size))
        order[start:stop] = order[start:stop][np.argsort(np.einsum("ij,j->i", rows, along),
                                                         kind="stable")]
        middle = start + ((stop - start + WIDTH - 1) // WIDTH + 1) // 2 * WIDTH
        parts += [(start, middle), (middle, stop)]
    return order
