# Fuzzy c-means: each row belongs to all clusters, in shares that add up to 1 (Bezdek 1981).
#
# Minimizes sum_i w_i sum_j u_ij^m |x_i - c_j|^2. An assignment computes the shares u that minimize
# this sum for the current centers; an update moves the centers to the weighted means that minimize
# it for these shares. So neither step raises the sum. The label of a row is that of its nearest
# center, for which its share is the largest.

cdef class FuzzyPass:
    """Passes over the rows that compute their memberships and the sums over these."""
    cdef Data data
    cdef Memory memory
    cdef CenterForms forms
    cdef Memberships job
    cdef double *big             # (d + 2, SUM_PARTS) what `job.big` points to

    cdef int open(self, Data data, Py_ssize_t k, double fuzziness) except -1:
        cdef Py_ssize_t d = data.rows.d, width = (k + BLOCK - 1) // BLOCK * BLOCK
        if data.rows.indptr != NULL:
            raise ValueError("fuzzy c-means reads dense rows only.")
        if not 1 < fuzziness < INFINITY:
            raise ValueError(f"fuzziness must be above 1, got {fuzziness}.")
        self.data = data
        self.memory = Memory()
        self.forms = CenterForms(k, d, True)
        self.big = <double *>self.memory.take((d + 2) * SUM_PARTS, sizeof(double))
        self.job.rows = &data.rows
        self.job.weights = data.weight
        self.job.centers = &self.forms.c
        self.job.fuzziness = fuzziness
        self.job.width = width
        self.job.scratch = <double *>self.memory.take(data.n_threads * (PANEL + d + 3) * width,
                                                      sizeof(double))
        self.job.big = self.big
        self.job.workers = data.workers
        return 0

    cdef int add_up(self) except -1:
        """From now on passes also compute sums."""
        self.job.totals = <double *>self.memory.take(
            self.data.n_threads * SUM_PARTS * (self.data.rows.d + 2) * self.job.width,
            sizeof(double))
        return 0

    cdef int go(self, const double *centers, int32_t *labels) except -1:
        """A pass with these centers (k, d). Afterwards the first thread's sums are those of all.

        labels  OUT  (n,)
        """
        cdef Py_ssize_t d = self.data.rows.d, size = SUM_PARTS * (d + 2) * self.job.width, f, e
        cdef Cuts cuts = self.data.need_cuts()
        cdef Packed unpacked
        cdef double bound
        cdef int worker
        memset(&unpacked, 0, sizeof(Packed))
        self.forms.prepare(centers, &unpacked, False, True)
        self.job.labels = labels
        if self.job.totals != NULL:
            memset(self.job.totals, 0, self.data.n_threads * size * sizeof(double))
            for f in range(d + 2):
                bound = (cuts.largest_term(f) if f < d else cuts.heaviest if f == d
                         else cuts.farthest(centers, self.forms.c.k))
                split_constants(PANEL * bound, cuts.terms, self.big + f * SUM_PARTS, 1)
        with nogil:
            self.data.each_chunk(self.data.exact.memberships, &self.job,
                                 0.5 * self.forms.c.k * (d + 10))
        for worker in range(1, self.data.n_threads if self.job.totals != NULL else 0):
            for e in range(size):
                self.job.totals[e] += self.job.totals[worker * size + e]
        return 0

    cdef double sum_of(self, Py_ssize_t f, Py_ssize_t j) noexcept nogil:
        """The sum of feature f for center j; d: of the memberships, d + 1: of the objective."""
        return sum_value(self.job.totals + f * self.job.width + j,
                         (self.data.rows.d + 2) * self.job.width, SUM_PARTS)

    cdef double objective(self) noexcept nogil:
        cdef Wide total
        cdef Py_ssize_t j
        memset(&total, 0, sizeof(Wide))
        for j in range(self.forms.c.k):
            wide_add(&total, self.sum_of(self.data.rows.d + 1, j))
        return wide_value(&total)


cdef class FuzzySearch(Search):
    """Computes memberships; labels are those of the nearest centers."""

    cdef bint possible(self, Run run) noexcept:
        return isinstance(run.rule, Fuzzy)

    cdef bint always_fits(self) noexcept nogil:
        return True

    cdef bint reads_all_rows(self) noexcept nogil:
        return False

    cdef bint reads_panels(self) noexcept nogil:
        return False

    cdef int assign(self, Run run) except -1 nogil:
        with gil:
            (<FuzzyClusters>run.clusters).sums.go(run.clusters.center, run.label)
        # Shares change as long as centers move, so only the shift of the centers ends a run.
        run.data.workers[0].changed = run.data.rows.n
        return 0


cdef class FuzzyClusters(Clusters):
    """Centers that are means of all rows, weighted by their memberships."""
    cdef FuzzyPass sums

    cdef int new_tallies(self, Tally *tallies, int count) except -1:
        tallies.counts = <int64_t *>self.memory.take(self.k, sizeof(int64_t))
        return 0

    cdef int open_tallies(self) except -1:
        self.sums.add_up()
        return 0

    cdef void lend(self, const int32_t *label) noexcept nogil:
        pass

    cdef void collect(self, const int32_t *label) noexcept nogil:
        cdef Py_ssize_t i
        memset(self.total.counts, 0, self.k * sizeof(int64_t))
        for i in range(self.view.rows.n):
            self.total.counts[label[i]] += 1

    cdef bint any_empty(self) noexcept nogil:
        return False

    cdef void update_all(self) noexcept nogil:
        cdef Py_ssize_t d = self.d, j, f
        cdef double weight, mean, step
        self.shift = 0
        for j in range(self.k):
            weight = self.sums.sum_of(d, j)
            for f in range(d if weight > 0 else 0):
                mean = self.sums.sum_of(f, j) / weight
                if self.view.narrow:
                    mean = <float>mean
                step = mean - self.center[j * d + f]
                self.shift += step * step
                self.center[j * d + f] = mean


cdef class Fuzzy(Rule):
    """Fuzzy c-means with this fuzziness, above 1."""
    cdef double fuzziness

    def __cinit__(self, double fuzziness):
        self.fuzziness = fuzziness

    def algorithm(self):
        return Algorithm((Floats,), (FuzzySearch,))

    cdef Clusters clusters(self, Run run):
        cdef FuzzyClusters clusters = FuzzyClusters()
        clusters.sums = FuzzyPass()
        clusters.sums.open(run.data, run.k, self.fuzziness)
        return clusters

    cdef double measure(self, Run run, const double *centers, const int32_t *label,
                        double *sq_distances) except -1:
        """The objective, with the memberships that are best for these centers."""
        cdef Memory memory = Memory()
        cdef FuzzyPass sums = FuzzyPass()
        sums.open(run.data, run.k, self.fuzziness)
        sums.add_up()
        sums.go(centers, <int32_t *>memory.take(run.data.rows.n, sizeof(int32_t)))
        return sums.objective()


def fuzzy_shares(Data data not None, cnp.ndarray centers not None, double fuzziness):
    """Memberships (n, k) of the rows at these centers (k, d), float64."""
    cdef const double *rows = rows_of(centers, "centers", data.rows.d)
    cdef Py_ssize_t k = centers.shape[0]
    cdef cnp.ndarray out = np.empty((data.rows.n, k))
    cdef Memory memory = Memory()
    cdef FuzzyPass sums = FuzzyPass()
    sums.open(data, k, fuzziness)
    sums.job.out = <double *>cnp.PyArray_DATA(out)
    sums.go(rows, <int32_t *>memory.take(data.rows.n, sizeof(int32_t)))
    return out


def fuzzy_objective(Data data not None, cnp.ndarray centers not None, double fuzziness):
    """What fuzzy c-means minimizes, at these centers (k, d) and the memberships best for them."""
    cdef const double *rows = rows_of(centers, "centers", data.rows.d)
    cdef Memory memory = Memory()
    cdef FuzzyPass sums = FuzzyPass()
    sums.open(data, centers.shape[0], fuzziness)
    sums.add_up()
    sums.go(rows, <int32_t *>memory.take(data.rows.n, sizeof(int32_t)))
    return sums.objective()
