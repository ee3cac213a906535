# Mini-batch k-means: each center is the running mean of the rows that were assigned to it in their
# batches.

cdef enum:
    LANE = 8                     # sums over columns are kept apart by so many: the same bits from
                                 # dense rows and from CSR rows

cdef double DIGITS_LEFT = 1e-6   # share of the rows' squares below which an inertia that is made of
                                 # them has lost too many digits


cdef class Running:
    """Centers, and the total weight of the rows that each is the mean of.

    Parameters
    ----------
    data : Data
        The data from which batches are taken by `Data.batch`; or the only batch.
    centers : ndarray of shape (k, d), float64
    seen : ndarray of shape (k,), float64

    Attributes
    ----------
    centers, seen : ndarray
        Copies, which `learn` changes in place.
    """
    cdef Memory memory
    cdef Cuts cuts                       # how sums are cut
    cdef Data data                       # keeps what batches share with it
    cdef CenterForms forms
    cdef Tally tally                     # of the batch under way: zeros in between. `support` is of
                                         # the centers, too
    cdef readonly cnp.ndarray centers, seen
    cdef double *center                  # (k, d) what `centers` holds
    cdef double *fresh                   # (d,)
    cdef Py_ssize_t k

    def __cinit__(self, Data data not None, centers, seen):
        cdef Py_ssize_t k = len(centers), d = data.rows.d, words = (d + 63) // 64
        self.cuts = data.need_cuts()
        self.cuts.cut()
        self.data = data
        self.k = k
        self.centers = np.array(centers, dtype=np.float64, order="C")
        self.seen = np.array(seen, dtype=np.float64)
        self.center = <double *>rows_of(self.centers, "centers", d)
        values_of(self.seen, cnp.NPY_FLOAT64, "seen", 1, k)
        self.memory = Memory()
        self.forms = CenterForms(k, d, True, data.most_values)
        self.fresh = <double *>self.memory.take(d, sizeof(double))
        self.tally.sums = <double *>self.memory.take(k * self.cuts.sums.parts * d, sizeof(double))
        self.tally.weights = <double *>self.memory.take(k * self.cuts.sums.weight_parts,
                                                        sizeof(double))
        self.tally.counts = <int64_t *>self.memory.take(k, sizeof(int64_t))
        self.tally.touched = <uint8_t *>self.memory.take(k, 1)
        self.tally.support = <uint64_t *>self.memory.take(k * words, sizeof(uint64_t))
        if data.rows.indptr == NULL:
            memset(self.tally.support, 0xff, k * words * sizeof(uint64_t))
        else:
            self.forms.reach = max(data.cuts.largest_value(),
                                   farthest_value(self.center, k, d, self.fresh))
            self.forms.support = NULL if data.unit else self.tally.support
        self.note_all()

    cdef void note_all(self) noexcept nogil:
        cdef Py_ssize_t j
        for j in range(self.k):
            self.note(j)

    cdef void note(self, Py_ssize_t j) noexcept nogil:
        """A center has been replaced."""
        cdef Py_ssize_t d = self.data.rows.d
        note_support(self.tally.support + j * ((d + 63) // 64), self.center + j * d, d)
        if self.forms.stale != NULL:
            self.forms.stale[j] = True

    def rearrange(self, order):
        """Renumber the centers: center ``order[j]`` becomes j."""
        self.centers[:], self.seen[:] = self.centers[order], self.seen[order]
        self.note_all()

    cdef int check_batch(self, Data batch) except -1:
        """Raise unless this is the data, or a batch of it."""
        if batch is not self.data and batch.whole_data is not self.data:
            raise ValueError("this is not a batch of the data of these centers.")
        return 0

    def put(self, which, Data batch not None, rows):
        """Move these centers to rows of a batch; returns their total squared shift."""
        cdef const int64_t[::1] centers = np.array(which, dtype=np.int64)
        cdef const int64_t[::1] indices = np.array(rows, dtype=np.int64)
        cdef Py_ssize_t d = self.data.rows.d, f, i
        self.check_batch(batch)
        if centers.shape[0] != indices.shape[0]:
            raise ValueError(f"{centers.shape[0]} centers cannot move to {indices.shape[0]} rows.")
        for i in range(centers.shape[0]):
            check_index(centers[i], self.k, "center")
            check_index(indices[i], batch.rows.n, "row")
        cdef double *center
        cdef double shift = 0
        cdef double[LANE] found
        memset(found, 0, sizeof(found))
        for i in range(centers.shape[0]):
            center = self.center + centers[i] * d
            batch.exact.read(&batch.rows, indices[i], self.fresh)
            for f in range(d):
                found[f % LANE] += (self.fresh[f] - center[f]) * (self.fresh[f] - center[f])
            memcpy(center, self.fresh, d * sizeof(double))
            self.note(centers[i])
        for f in range(LANE):
            shift += found[f]
        return shift

    def learn(self, Data batch not None):
        """Learn from a batch: each center moves to the mean of all rows that it has seen.

        Returns
        -------
        labels : ndarray of shape (n,), int32
        inertia : float
            Of these labels, to the centers as they were.
        shift : float
            Total squared movement of the centers.
        """
        self.check_batch(batch)
        cdef Memory memory = Memory()
        cdef cnp.ndarray labels = np.empty(batch.rows.n, dtype=np.int32)
        cdef int32_t *label = <int32_t *>cnp.PyArray_DATA(labels)
        cdef const double *used = batch.used(self.center, self.k, memory)
        cdef double w = 1, shift = 0, inertia = 0, squares
        cdef Py_ssize_t i, j
        label_rows(batch, used, self.forms, label, not batch.packed)
        for i in range(batch.rows.n):
            if batch.weight != NULL:
                w = batch.weight[i]
            if w > 0:
                batch.exact.move(&batch.rows, i, w, label[i], 1, &self.tally, &batch.cuts.sums,
                                 batch.workers[0].block)
        if not batch.unit:
            squares = inertia = total_squares(batch, batch.need_cuts())
            for j in range(self.k):
                inertia += self.beyond_squares(j)
        if batch.unit or not inertia > DIGITS_LEFT * squares:
            inertia = batch.measure(used, self.k, label, NULL)
        for j in range(self.k):
            shift += self.move(j)
        return labels, inertia, shift

    cdef double beyond_squares(self, Py_ssize_t j) noexcept nogil:
        """A cluster's inertia minus the sum of its rows' squares: w |c|^2 - 2 c s, from its weight
        and sums.
        """
        cdef Py_ssize_t d = self.data.rows.d, words = (d + 63) // 64, parts = self.cuts.sums.parts
        cdef Py_ssize_t word, f, i
        cdef const uint64_t *support = self.tally.support + j * words
        cdef const double *center = self.center + j * d
        cdef const double *sums = self.tally.sums + j * parts * d
        cdef double weight = self.cuts.weight_of(&self.tally, j), total = 0
        cdef double[LANE] found
        if not weight > 0:
            return 0
        memset(found, 0, sizeof(found))
        for word in range(words):
            if support[word] == 0:
                continue
            if parts == 1 and 64 * word + 64 <= d:          # the same, for the compiler to see
                                                            # through
                for f from 64 * word <= f < 64 * word + 64 by LANE:
                    for i in range(LANE):
                        found[i] += center[f + i] * (weight * center[f + i] - 2 * sums[f + i])
                continue
            for f from 64 * word <= f < min(64 * word + 64, d) by LANE:
                for i in range(min(<Py_ssize_t>LANE, d - f)):
                    found[i] += (center[f + i] * (weight * center[f + i] - 2
                                                  * self.sum_of(sums, f + i, parts)))
        for i in range(LANE):
            total += found[i]
        return total

    cdef inline double sum_of(self, const double *sums, Py_ssize_t f,
                              Py_ssize_t parts) noexcept nogil:
        return sums[f] if parts == 1 else sum_value(sums + f, self.data.rows.d, <int>parts)

    cdef double move(self, Py_ssize_t j) noexcept nogil:
        """Move a center by its cluster's sums, which are cleared; returns its squared shift."""
        cdef Py_ssize_t d = self.data.rows.d, words = (d + 63) // 64, parts = self.cuts.sums.parts
        cdef Py_ssize_t word, start, stop, f, i, p
        cdef const uint64_t *support = self.tally.support + j * words
        cdef double *center = self.center + j * d
        cdef double *fresh = self.fresh
        cdef double *sums = self.tally.sums + j * parts * d
        cdef double *seen = <double *>cnp.PyArray_DATA(self.seen)
        cdef double weight = self.cuts.weight_of(&self.tally, j), share, mean, total = 0
        cdef double[LANE] found
        if not weight > 0:
            return 0
        if self.forms.stale != NULL:
            self.forms.stale[j] = True
        seen[j] += weight
        share = weight / seen[j]
        memset(self.tally.weights + j * self.cuts.sums.weight_parts, 0,
               self.cuts.sums.weight_parts * sizeof(double))
        self.tally.counts[j] = 0
        if self.data.unit:
            memset(fresh, 0, d * sizeof(double))
        for word in range(words):
            if support[word] == 0:
                continue
            if parts == 1 and not self.data.narrow and 64 * word + 64 <= d:
                for f from 64 * word <= f < 64 * word + 64 by LANE:
                    for i in range(LANE):
                        fresh[f + i] = (center[f + i] + share
                                        * (sums[f + i] / weight - center[f + i]))
                continue
            for f in range(64 * word, min(64 * word + 64, d)):
                mean = self.sum_of(sums, f, parts) / weight
                if self.data.narrow:
                    mean = <float>mean
                fresh[f] = center[f] + share * (mean - center[f])
        if self.data.unit and not self.data.turn(fresh, fresh):
            memcpy(fresh, center, d * sizeof(double))           # (rows cancel out)
        memset(found, 0, sizeof(found))
        for word in range(words):
            if support[word] == 0:
                continue
            start, stop = 64 * word, min(64 * word + 64, d)
            for f from start <= f < stop by LANE:
                for i in range(min(<Py_ssize_t>LANE, stop - f)):
                    found[i] += (fresh[f + i] - center[f + i]) * (fresh[f + i] - center[f + i])
            memcpy(center + start, fresh + start, (stop - start) * sizeof(double))
            for p in range(parts):
                memset(sums + p * d + start, 0, (stop - start) * sizeof(double))
        for f in range(LANE):
            total += found[f]
        return total
