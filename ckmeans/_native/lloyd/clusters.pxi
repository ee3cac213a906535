# The clusters of one run: their centers, and the exact sums of their rows, updated by the rows
# whose label changed.

cdef void merge_tally(Tally *total, Tally *tally, Py_ssize_t k, const Sums *how,
                      Py_ssize_t d) noexcept nogil:
    """Add one thread's tally to the total and clear it."""
    cdef Py_ssize_t size = how.parts * d, j, e
    for j in range(k):
        total.counts[j] += tally.counts[j]
        tally.counts[j] = 0
        if not tally.touched[j]:
            continue
        tally.touched[j] = 0
        total.touched[j] = 1
        for e in range(j * how.weight_parts, (j + 1) * how.weight_parts):
            total.weights[e] += tally.weights[e]
            tally.weights[e] = 0
        for e in range(j * size, (j + 1) * size):
            total.sums[e] += tally.sums[e]
            tally.sums[e] = 0
        if tally.present == NULL:
            continue
        for e in range(j * how.weight_parts * d, (j + 1) * how.weight_parts * d):
            total.present[e] += tally.present[e]
            tally.present[e] = 0


cdef void note_support(uint64_t *support, const double *row, Py_ssize_t d) noexcept nogil:
    """Set the bits of the columns where a row is not zero."""
    cdef Py_ssize_t first, f
    cdef uint64_t bits
    for first from 0 <= first < d by 64:
        bits = 0
        for f in range(min(<Py_ssize_t>64, d - first)):
            bits |= <uint64_t>(row[first + f] != 0) << f
        support[first >> 6] |= bits


cdef class Clusters:
    """Centers that are the means of their rows, for dense rows.

    A run labels rows. Each thread adds the changes of the sums to its own tally, and `collect` adds
    these to the total.
    """
    cdef View view
    cdef Cuts cuts               # how sums are cut
    cdef CenterForms forms
    cdef Memory memory
    cdef Py_ssize_t k, d
    cdef double *center          # (k, d) as they are used
    cdef double *shown           # (k, d) as results have them: the same, unless rows are taken at
                                 # unit length
    cdef double *fresh           # (k, d) the next centers, where they differ
    cdef Tally total             # sums of the current labels; `touched`: not yet in `center`
    cdef Tally *tallies          # (threads,) what each thread adds to them; zeros between passes
    cdef double shift            # total squared movement of the centers in the last update

    cdef int open(self, View view, Cuts cuts, CenterForms forms, const double *given) except -1:
        """Clusters around these centers (k, d), without rows."""
        cdef Py_ssize_t k = forms.c.k, d = view.rows.d, j
        self.view, self.cuts, self.forms, self.k, self.d = view, cuts, forms, k, d
        self.memory = Memory()
        self.center = <double *>self.memory.take(k * d, sizeof(double))
        self.fresh = <double *>self.memory.take(k * d, sizeof(double))
        self.shown = <double *>self.memory.take(k * d, sizeof(double)) if view.unit else self.center
        memcpy(self.shown, given, k * d * sizeof(double))
        if view.unit:
            for j in range(k):
                view.turn(self.shown + j * d, self.center + j * d)
        self.new_tallies(&self.total, 1)
        return self.open_tallies()

    cdef int open_tallies(self) except -1:
        """Allocate the tallies of a pass."""
        self.tallies = <Tally *>self.memory.take(self.view.n_threads, sizeof(Tally))
        return self.new_tallies(self.tallies, self.view.n_threads)

    cdef int new_tallies(self, Tally *tallies, int count) except -1:
        cdef Py_ssize_t k = self.k, size = k * self.cuts.sums.parts * self.d
        cdef int weight_parts = self.cuts.sums.weight_parts, i
        cdef double *sums = <double *>self.memory.take(count * size, sizeof(double))
        cdef double *weights = <double *>self.memory.take(count * k * weight_parts, sizeof(double))
        cdef int64_t *counts = <int64_t *>self.memory.take(count * k, sizeof(int64_t))
        cdef uint8_t *touched = <uint8_t *>self.memory.take(count * k, 1)
        for i in range(count):
            tallies[i].sums = sums + i * size
            tallies[i].weights = weights + i * k * weight_parts
            tallies[i].counts = counts + i * k
            tallies[i].touched = touched + i * k
        return 0

    cdef void lend(self, const int32_t *label) noexcept nogil:
        """Before a pass over rows with these labels: have the threads add to the tallies."""
        cdef int i
        for i in range(self.view.n_threads):
            self.view.workers[i].tally = self.tallies[i]

    cdef void collect(self, const int32_t *label) noexcept nogil:
        """After a pass that gave the rows these labels: update the sums."""
        cdef int i
        for i in range(self.view.n_threads):
            if self.view.workers[i].changed:
                merge_tally(&self.total, &self.view.workers[i].tally, self.k, &self.cuts.sums,
                            self.d)

    cdef void move(self, Py_ssize_t row, int32_t label, int sign) noexcept nogil:
        """Take a row out of a cluster's sums (-1) or add it to them (1)."""
        cdef double w = 1 if self.view.weight == NULL else self.view.weight[row]
        self.view.exact.move(&self.view.rows, row, w, label, sign, &self.total, &self.cuts.sums,
                             self.view.workers[0].block)

    cdef bint any_empty(self) noexcept nogil:
        """Whether a cluster has no weight."""
        cdef Py_ssize_t j
        cdef bint empty = False
        for j in range(self.k):
            empty = empty or self.cuts.weight_of(&self.total, j) == 0
        return empty

    cdef void put(self, Py_ssize_t j, Py_ssize_t row) noexcept nogil:
        """Make a row the next center of an empty cluster."""
        self.read_center(row, <double *>self.view.workers[0].block)
        memcpy(self.fresh + j * self.d, self.view.workers[0].block, self.d * sizeof(double))

    cdef void read_center(self, Py_ssize_t row, double *out) noexcept nogil:
        """A row (d,) as a center."""
        self.view.exact.read(&self.view.rows, row, out)

    cdef int find_all(self) except -1 nogil:
        """The work that can fail, called before `update_all`, which cannot."""
        return 0

    cdef void update_all(self) noexcept nogil:
        """Move all centers whose sums have changed, or that were `put`, and measure by how much."""
        cdef Py_ssize_t j
        self.shift = 0
        for j in range(self.k):
            if self.total.touched[j]:
                self.total.touched[j] = 0
                self.update(j)

    cdef void update(self, Py_ssize_t j) noexcept nogil:
        """Move one center to the mean of its rows; without any, to the row that was put there."""
        cdef Py_ssize_t d = self.d, f
        cdef double weight = self.cuts.weight_of(&self.total, j), step
        if weight > 0:
            for f in range(d):
                self.fresh[j * d + f] = self.cuts.mean_of(&self.total, j, f, weight)
        if self.view.unit:
            self.turn(j)
        for f in range(d):
            step = self.fresh[j * d + f] - self.center[j * d + f]
            self.shift += step * step
            self.center[j * d + f] = self.fresh[j * d + f]

    cdef void turn(self, Py_ssize_t j) noexcept nogil:
        """Scale a fresh center to unit length; if it is zero, the center stays.

        The center in results may then be rounded to float32, which changes its length slightly; the
        center that is used is not rounded.
        """
        cdef Py_ssize_t d = self.view.rows.d, f
        cdef double *fresh = self.fresh + j * d
        cdef double *shown = self.shown + j * d
        if self.view.turn(fresh, fresh):
            for f in range(d):
                shown[f] = <float>fresh[f] if self.view.single else fresh[f]
            self.view.turn(shown, fresh)
        else:
            memcpy(fresh, self.center + j * d, d * sizeof(double))


cdef class SparseClusters(Clusters):
    """The same for CSR rows, whose centers are sparse, too, unless clusters are large.

    `support` says in which columns a cluster's sums or its center may not be zero; no others are
    looked at. Sums are updated after the pass, not by its threads: more than one copy of them would
    take too much memory, and few rows change their labels.
    """
    cdef int32_t *before         # (n,) labels before the pass

    cdef int open_tallies(self) except -1:
        cdef Py_ssize_t words = (self.d + 63) // 64, j
        self.before = <int32_t *>self.memory.take(self.view.rows.n, sizeof(int32_t))
        self.total.support = <uint64_t *>self.memory.take(self.k * words, sizeof(uint64_t))
        self.forms.support = self.total.support
        for j in range(self.k):
            note_support(self.total.support + j * words, self.center + j * self.d, self.d)
        return 0

    cdef void lend(self, const int32_t *label) noexcept nogil:
        memcpy(self.before, label, self.view.rows.n * sizeof(int32_t))

    cdef void collect(self, const int32_t *label) noexcept nogil:
        """Move rows whose labels changed from their old cluster's sums to the new one's."""
        cdef Py_ssize_t i
        cdef double w = 1
        for i in range(self.view.rows.n if self.view.threads.changed() else 0):
            if self.before[i] == label[i]:
                continue
            if self.view.weight != NULL:
                w = self.view.weight[i]
            if w == 0:
                if self.before[i] >= 0:
                    self.total.counts[self.before[i]] -= 1
                self.total.counts[label[i]] += 1
                continue
            if self.before[i] >= 0:
                self.view.exact.move(&self.view.rows, i, w, self.before[i], -1, &self.total,
                                     &self.cuts.sums, NULL)
            self.view.exact.move(&self.view.rows, i, w, label[i], 1, &self.total, &self.cuts.sums,
                                 NULL)

    cdef void put(self, Py_ssize_t j, Py_ssize_t row) noexcept nogil:
        Clusters.put(self, j, row)
        note_support(self.total.support + j * ((self.d + 63) // 64), self.fresh + j * self.d,
                     self.d)

    cdef void update(self, Py_ssize_t j) noexcept nogil:
        """The same, in the columns where the cluster's sums or its center may not be zero."""
        cdef Py_ssize_t d = self.view.rows.d, words = (d + 63) // 64, w, f
        cdef uint64_t *support = self.total.support + j * words
        cdef const double *sums = self.total.sums + j * self.cuts.sums.parts * d
        cdef double *center = self.center + j * d
        cdef double *fresh = self.fresh + j * d
        cdef double weight = self.cuts.weight_of(&self.total, j), step, shift = self.shift
        cdef uint64_t bits
        cdef int p
        cdef bint zero
        self.forms.stale[j] = True
        for w in range(words if weight > 0 else 0):
            bits = support[w]
            while bits:
                f = 64 * w + CKM_CTZ64(bits)
                bits &= bits - 1
                fresh[f] = self.cuts.mean_of(&self.total, j, f, weight)
        if self.view.unit:
            self.turn(j)
        for w in range(words):
            bits = support[w]
            while bits:
                f = 64 * w + CKM_CTZ64(bits)
                bits &= bits - 1
                step = fresh[f] - center[f]
                shift += step * step
                # the old center, too: its form is still stored
                zero = center[f] == 0 and fresh[f] == 0
                center[f] = fresh[f]
                for p in range(self.cuts.sums.parts):
                    zero = zero and sums[p * d + f] == 0
                if zero:
                    support[w] &= ~(<uint64_t>1 << (f & 63))
        self.shift = shift

    cdef void turn(self, Py_ssize_t j) noexcept nogil:
        """The same, in the columns where the center may not be zero."""
        cdef Py_ssize_t d = self.view.rows.d, words = (d + 63) // 64, count = 0, w, f, i
        cdef const uint64_t *support = self.total.support + j * words
        cdef double *fresh = self.fresh + j * d
        cdef double *shown = self.shown + j * d
        cdef double *values = <double *>self.view.workers[0].block
        cdef int32_t *columns = self.view.workers[0].csr.features
        cdef uint64_t bits
        cdef double factor
        for w in range(words):
            bits = support[w]
            while bits:
                f = 64 * w + CKM_CTZ64(bits)
                bits &= bits - 1
                columns[count] = <int32_t>f
                values[count] = fresh[f]
                count += 1
        factor = self.view.exact.unit_factor(values, columns, count)
        if factor == 0:
            for i in range(count):
                fresh[columns[i]] = self.center[j * d + columns[i]]
            return
        for i in range(count):
            values[i] *= factor
            if self.view.single:
                values[i] = <float>values[i]
            shown[columns[i]] = values[i]
        factor = self.view.exact.unit_factor(values, columns, count)
        for i in range(count):
            fresh[columns[i]] = values[i] * factor
