# Centers in the forms that kernels read, and the error bounds of the filter.

cdef cnp.ndarray as_array(const double *rows, Py_ssize_t k, Py_ssize_t d):
    """Copy of rows (k, d)."""
    cdef cnp.ndarray out = new_matrix(k, d)
    memcpy(cnp.PyArray_DATA(out), rows, k * d * sizeof(double))
    return out


cdef enum:
    STRIP = 4            # CSR: centers whose forms are made together
    MOST_BINADES = 68    # between typical and far rows at one scale: steps of bytes are at least
                         # 1e-9


cdef class CenterForms:
    """Room for k centers in every form that kernels read, filled by `prepare`."""
    cdef Memory memory
    cdef Centers c
    cdef int32_t *ids
    cdef float *scaled
    cdef float *sq_norms
    cdef double *blocks
    cdef int32_t *table          # open addressing, to find equal centers
    cdef Py_ssize_t slots
    cdef Py_ssize_t d
    cdef Py_ssize_t room         # centers that there is room for: `c.k` may be lowered to fewer
    cdef Metric metric
    cdef float *lift
    cdef bint any_near           # of the centers that are being prepared, where values are clamped
    cdef Py_ssize_t terms        # of a row's score: the most values that a CSR row has; 0 for other
                                 # rows
    cdef float *columns          # CSR: see Centers
    cdef double *norms           # (m,) squared norms, as they are before they are lowered; CSR:
                                 # (k,)
    cdef uint8_t *stale          # CSR: (k,) whether the forms of a center are to be made anew
    cdef uint8_t *whole          # CSR: see Centers
    cdef double scale            # CSR: that forms were made with
    cdef double reach            # CSR: no value of a row or a center will be larger; 0: not known
    cdef const uint64_t *support # CSR: (k, ceil(d / 64)) bits of the columns where centers are not
                                 # zero, or were; NULL: all
    cdef Memory axes_memory      # with axes: see `use_axes`
    cdef double *known           # (k, d) the centers that `coordinates` are of, from their first
                                 # preparation on
    cdef bint any_known
    cdef double *coordinates     # (k, width) along the axes, moved and scaled
    cdef float *slack
    cdef float *lanes
    cdef float *all_lanes        # the same of all features, once `use_lanes` was called
    cdef bint sifting            # whether `prepare` fills them
    cdef Memory quanta_memory    # in whole numbers: see `use_quanta`
    cdef Centers quantised       # the same centers as `c`, for rows in whole numbers
    cdef Memory byte_memory      # in bytes: see `use_bytes`
    cdef ByteCenters in_bytes    # the same centers as `c`, for rows in bytes
    cdef Memory others_memory    # for passes that go on from the last one: see `keep_others`
    cdef float *others           # (n,) see Assign
    cdef double *sq_own          # (n,)
    cdef uint8_t *still          # (k,)
    cdef bint others_known       # they are those of the labels, and of centers as in
    cdef double *at_others       # (k, d)
    cdef int others_of           # the `version` of the bytes that they are of
    cdef uint8_t *compared       # (k,) whether they are about a center, too
    cdef int32_t *byte_ids       # (k,) centers in the order in which they are in bytes,
    cdef int32_t *byte_order     # (k,) as positions in `ids`

    def __cinit__(self, Py_ssize_t k, Py_ssize_t d, bint blocks=True, Py_ssize_t terms=0,
                  Metric metric=EUCLIDEAN):
        self.memory = Memory()
        self.metric = metric
        self.d = d
        self.terms = terms
        self.c.k = self.room = k
        if terms:
            self.make_csr_room()
            return
        self.slots = 4
        while self.slots < 2 * k:
            self.slots *= 2
        self.ids = <int32_t *>self.memory.take(k, sizeof(int32_t))
        self.scaled = <float *>self.memory.take(k * (2 * d if metric == GAPS else d), sizeof(float))
        self.sq_norms = <float *>self.memory.take(k, sizeof(float))
        self.lift = <float *>self.memory.take(k, sizeof(float))
        self.norms = <double *>self.memory.take(k, sizeof(double))
        if blocks:
            self.blocks = <double *>self.memory.take((k + BLOCK - 1) // BLOCK * BLOCK * d,
                                                     sizeof(double))
        self.table = <int32_t *>self.memory.take(self.slots, sizeof(int32_t))
        self.c.ids = self.ids
        self.c.scaled = self.scaled
        self.c.sq_norms = self.sq_norms
        self.c.lift = self.lift
        self.c.blocks = self.blocks

    cdef int use_axes(self, const Packed *packing) except -1:
        """From now on `prepare` is for rows that are packed along these axes."""
        cdef Py_ssize_t k = self.room, width = packed_width(packing, self.d), i
        self.axes_memory = Memory()
        self.known = <double *>self.axes_memory.take(k * self.d, sizeof(double), True)
        for i in range(k * self.d):
            self.known[i] = NAN              # as no center is
        self.coordinates = <double *>self.axes_memory.take(k * width, sizeof(double))
        self.slack = <float *>self.axes_memory.take(k, sizeof(float))
        self.lanes = <float *>self.axes_memory.take((k + GAIN_LANES - 1) // GAIN_LANES * GAIN_LANES
                                                    * width, sizeof(float))
        self.any_known = False
        self.c.slack = self.slack
        self.c.lanes = self.lanes
        return 0

    cdef void leave_axes(self) noexcept:
        self.c.slack = NULL
        self.c.lanes = NULL
        self.axes_memory = None

    cdef bint can_sift(self) noexcept nogil:
        return self.all_lanes != NULL

    cdef int use_lanes(self) except -1:
        """Allocate the form by which undecided rows are sifted, with or without axes."""
        self.all_lanes = <float *>self.memory.take((self.room + GAIN_LANES - 1) // GAIN_LANES
                                                   * GAIN_LANES * self.d, sizeof(float))
        return 0

    cdef int use_quanta(self) except -1:
        """Allocate `quantised`."""
        cdef Py_ssize_t k = self.room
        if self.quanta_memory is None:
            self.quanta_memory = Memory()
            self.quantised.quanta = <int32_t *>self.quanta_memory.take(k * quanta_words(self.d),
                                                                       sizeof(int32_t))
            self.quantised.steps = <float *>self.quanta_memory.take(k, sizeof(float))
            self.quantised.off = <float *>self.quanta_memory.take(k, sizeof(float))
            self.quantised.sq_norms = <float *>self.quanta_memory.take(k, sizeof(float))
        return 0

    cdef void quantise(self, const Packed *packing) noexcept nogil:
        """Fill in `quantised`, after `prepare`, for rows that are packed in whole numbers."""
        cdef Centers *to = &self.quantised
        cdef const int32_t *quanta = to.quanta
        cdef const float *steps = to.steps
        cdef const float *off = to.off
        cdef const float *sq_norms = to.sq_norms
        cdef Py_ssize_t d = self.d, j
        cdef double gamma = filter_gamma(1)
        to[0] = self.c
        to.quanta = quanta
        to.steps = steps
        to.off = off
        to.sq_norms = sq_norms
        for j in range(to.m):
            filter_table.quantise_center(to.scaled + j * d, d, packing.rough * guard_factor,
                                         packing.reach * guard_factor,
                                         <int32_t *>quanta + j * quanta_words(d),
                                         <float *>steps + j, <float *>off + j)
            (<float *>sq_norms)[j] = <float>(self.norms[j] * (1 - 2 * gamma - 2e-7))
        guard_constants(to, packing, d, gamma)

    cdef int use_bytes(self, const Bytes *packing) except -1:
        """Allocate `in_bytes`."""
        cdef Py_ssize_t room = (self.room + BYTE_GROUP - 1) // BYTE_GROUP * BYTE_GROUP
        cdef Memory memory
        cdef ByteCenters *to = &self.in_bytes
        if self.byte_memory is None:
            memory = Memory()
            to.words = <int32_t *>memory.take(room * packing.parts * packing.depth,
                                              sizeof(int32_t))
            to.steps = <float *>memory.take(room, sizeof(float))
            to.lengths = <float *>memory.take(room, sizeof(float))
            to.off = <float *>memory.take(room, sizeof(float))
            to.lift = <float *>memory.take(room, sizeof(float))
            to.rounding = <float *>memory.take(room, sizeof(float))
            to.sq_norms = <float *>memory.take(room, sizeof(float))
            self.byte_memory = memory
        return 0

    cdef int keep_others(self, Py_ssize_t n) except -1:
        """From now on `put_in_bytes` may put centers that have moved first."""
        cdef Memory memory
        if self.others_memory is None:
            memory = Memory()
            self.others = <float *>memory.take(n, sizeof(float))
            self.at_others = <double *>memory.take(self.room * self.d, sizeof(double))
            self.compared = <uint8_t *>memory.take(self.room, 1)
            self.sq_own = <double *>memory.take(n, sizeof(double), True)
            self.still = <uint8_t *>memory.take(self.room, 1)
            self.byte_ids = <int32_t *>memory.take(self.room, sizeof(int32_t))
            self.byte_order = <int32_t *>memory.take(self.room, sizeof(int32_t))
            self.others_memory = memory
        return 0

    cdef void moved_first(self) noexcept nogil:
        """Find the order in which centers are put in bytes."""
        cdef ByteCenters *to = &self.in_bytes
        cdef Py_ssize_t m = self.c.m, d = self.d, moved = 0, still = m, j, id_
        memset(self.still, 0, self.c.k)
        for j in range(m):
            id_ = self.ids[j]
            if (self.others_known and self.compared[id_]
                and (bounds_factor == 0
                     or same_row(self.at_others + id_ * d, self.c.rows + id_ * d, d))):
                still -= 1
                self.still[id_] = True
                self.byte_order[still] = <int32_t>j
            else:
                self.byte_order[moved] = <int32_t>j
                moved += 1
        memset(self.compared, 0, self.c.k)
        for j in range(m):
            id_ = self.ids[self.byte_order[j]]
            self.byte_ids[j] = <int32_t>id_
            self.compared[id_] = True
        memcpy(self.at_others, self.c.rows, self.c.k * d * sizeof(double))
        to.moved = min(m, (moved + BYTE_GROUP - 1) // BYTE_GROUP * BYTE_GROUP)
        to.ids = self.byte_ids

    cdef void put_in_bytes(self, const Bytes *packing, const Packed *floats,
                           bint going_on=False) noexcept nogil:
        """Fill in `in_bytes`, after `prepare`; if the pass may go on from the last one, in the
        order of `moved_first`.
        """
        cdef ByteCenters *to = &self.in_bytes
        cdef Centers guarded = self.c
        cdef double gamma = filter_gamma(1), norm
        cdef Py_ssize_t j, at, i
        cdef float muted[MOST_MUTED]
        cdef float *scaled
        to.m = to.moved = self.c.m
        to.loose = <float>INFINITY if packing.n_muted or floats.clamped else 0
        to.ids = self.c.ids
        if going_on:
            self.moved_first()
        for j in range(to.m):
            at = self.byte_order[j] if going_on else j
            scaled = self.scaled + at * self.d
            norm = self.norms[at]
            for i in range(packing.n_muted):
                muted[i] = scaled[packing.muted[i]]
                scaled[packing.muted[i]] = 0
            filter_table.pack_center(scaled, self.d, packing, j, to)
            if packing.n_muted:
                norm = self.norm_without(packing, floats, self.ids[at])
                for i in range(packing.n_muted):
                    scaled[packing.muted[i]] = muted[i]
            (<float *>to.lengths)[j] *= <float>guard_factor
            (<float *>to.off)[j] *= <float>guard_factor
            (<float *>to.sq_norms)[j] = <float>(norm * (1 - 2 * gamma - 2e-7))
        guard_constants(&guarded, floats, self.d, gamma)
        to.guard_norm, to.guard_score = guarded.guard_norm, guarded.guard_score
        to.guard_floor = guarded.guard_floor

    cdef double norm_without(self, const Bytes *packing, const Packed *floats,
                             Py_ssize_t id_) noexcept nogil:
        """The squared norm of a center without the features that bytes leave out."""
        cdef const double *row = self.c.rows + id_ * self.d
        cdef double norm = 0, value, most = ldexp(1, SCALED_EXPONENT)
        cdef Py_ssize_t f, i = 0
        for f in range(self.d):
            if i < packing.n_muted and packing.muted[i] == f:
                i += 1
                continue
            value = (row[f] - floats.origin[f]) * floats.scale
            if floats.clamped:
                value = min(max(value, -most), most)
            norm += value * value
        return norm

    cdef void find_coordinates(self, const Packed *packing) noexcept nogil:
        """Compute the coordinates along the axes of the centers that have changed since the last
        call.
        """
        cdef Py_ssize_t d = self.d, width = packing.n_axes + 1, first = 0, stop, j
        while first < self.c.k:
            stop = first
            while (stop < self.c.k and not (self.any_known
                                            and same_row(self.known + stop * d,
                                                         self.c.rows + stop * d, d))):
                stop += 1
            if stop > first:
                memcpy(self.known + first * d, self.c.rows + first * d,
                       (stop - first) * d * sizeof(double))
                exact_tables[1].project(self.c.rows + first * d, stop - first, d, packing,
                                        self.coordinates + first * width)
            for j in range(first, stop):
                self.slack[j] = <float>(4 * self.coordinates[j * width + width - 1] * (1 + 2e-6)
                                        * guard_factor)
            first = stop + 1
        self.any_known = True

    cdef bint first_of_its_kind(self, Py_ssize_t j) noexcept nogil:
        cdef const double *row = self.c.rows + j * self.d
        cdef const double *other
        cdef uint64_t bits
        cdef uint64_t code = 0
        cdef uint64_t codes[4]                # of every fourth value each: four chains that do not
                                              # wait for each other
        cdef double value
        cdef Py_ssize_t f, slot
        memset(codes, 0, sizeof(codes))
        for f in range(self.d):
            value = row[f] + 0.0              # -0.0 is the same center as 0.0
            memcpy(&bits, &value, 8)
            bits = (codes[f & 3] ^ bits) * 0x9E3779B97F4A7C15ULL
            codes[f & 3] = bits ^ bits >> 29
        for f in range(4):
            code = (code ^ codes[f]) * 0x9E3779B97F4A7C15ULL
            code ^= code >> 29
        slot = <Py_ssize_t>(code & <uint64_t>(self.slots - 1))
        while self.table[slot] >= 0:
            other = self.c.rows + self.table[slot] * self.d
            for f in range(self.d):
                if row[f] != other[f]:
                    break
            else:
                return False
            slot = (slot + 1) & (self.slots - 1)
        self.table[slot] = <int32_t>j
        return True

    cdef void prepare(self, const double *rows, const Packed *packing, bint filter,
                      bint all_of_them) noexcept nogil:
        """Fill in the forms of these centers; equal ones but the first are left out unless
        `all_of_them`.

        The filter's forms are only filled if asked for, the exact kernel's unless there is no room.
        """
        cdef Py_ssize_t j, f, m = 0, d = self.d
        cdef double gamma
        self.c.rows = rows
        if self.terms:
            self.prepare_csr(packing, filter, all_of_them)
            return
        gamma = self.gamma_of(packing)
        memset(self.table, 0xff, self.slots * sizeof(int32_t))
        if packing.axes != NULL:
            self.find_coordinates(packing)
        elif self.metric == EUCLIDEAN:       # other metrics have no scores along lanes
            self.c.lanes = self.all_lanes if self.sifting else NULL
        self.any_near = False
        for j in range(self.c.k):
            if not all_of_them and not self.first_of_its_kind(j):
                continue
            self.ids[m] = <int32_t>j
            if filter:
                filter = (self.scale_plain(j, packing, m, gamma) if self.metric != EUCLIDEAN
                          else self.scale_center(j, packing, m, gamma))
            m += 1
        if self.blocks != NULL:
            side_by_side(self.c.rows, self.ids, m, self.d, self.blocks)
        self.c.m = m
        self.c.filter = filter and (self.any_near or not packing.clamped)
        if self.metric == MANHATTAN:
            manhattan_guard(&self.c, d, gamma)
        else:
            guard_constants(&self.c, packing, d, gamma)

    cdef double gamma_of(self, const Packed *packing) noexcept nogil:
        """Relative error of the scores of rows in this packing."""
        return (filter_gamma(packed_width(packing, self.d))
                + (0 if packing.axes == NULL else 10 * axes_error(packing, self.d)))

    cdef bint scale_center(self, Py_ssize_t j, const Packed *packing, Py_ssize_t m,
                           double gamma) noexcept nogil:
        """Fill in the filter's form of center j as the m-th; False if it is too far from the
        origin.

        Clamped values are not farther from those of a row near the origin than the true ones, so
        the score is a lower bound; such a center cannot win if another one is near the origin.
        """
        cdef Py_ssize_t width = packed_width(packing, self.d)
        cdef float *scaled = self.scaled + m * width
        cdef float *lanes
        cdef const double *row = self.c.rows + j * self.d
        cdef double norms[8]
        cdef double largest[8]
        cdef double value, limit = ldexp(1, SCALED_EXPONENT + 2), most = ldexp(1, SCALED_EXPONENT)
        cdef Py_ssize_t f, i, stop
        if packing.axes != NULL:
            row = self.coordinates + j * width
        memset(norms, 0, sizeof(norms))
        memset(largest, 0, sizeof(largest))
        for f from 0 <= f < width by 8:
            stop = min(<Py_ssize_t>8, width - f)
            for i in range(stop):
                value = (row[f + i] if packing.axes != NULL
                         else (row[f + i] - packing.origin[f + i]) * packing.scale)
                if packing.clamped:
                    value = min(max(value, -most), most)
                norms[i] += value * value
                largest[i] = max(largest[i], fabs(value))
                scaled[f + i] = <float>(-2 * value)
        for i in range(1, 8):
            norms[0] += norms[i]
            largest[0] = max(largest[0], largest[i])
        self.norms[m] = norms[0]
        # Less the rounding error of the norm itself, to float32.
        self.sq_norms[m] = <float>(norms[0] * (1 - 2 * gamma - 2e-7))
        self.lift[m] = <float>(4.1 * gamma) * self.sq_norms[m]
        if self.c.lanes != NULL:
            lanes = <float *>self.c.lanes + m // GAIN_LANES * width * GAIN_LANES + m % GAIN_LANES
            for f in range(width):
                lanes[f * GAIN_LANES] = scaled[f]
        if packing.axes != NULL:
            return norms[0] < ldexp(1, 110)
        self.any_near = self.any_near or largest[0] < ldexp(1, NEAR_EXPONENT)
        return largest[0] < limit

    cdef bint scale_plain(self, Py_ssize_t j, const Packed *packing, Py_ssize_t m,
                          double gamma) noexcept nogil:
        """`scale_center` for other metrics than the Euclidean.

        Manhattan: see kernels/filter/manhattan.pxi; the sum of values takes the norm's place. Gaps:
        rows are packed as values, 0 where missing, and then 1 for each feature that is not missing,
        else 0. The center has -2 b and b^2 in these places, so the product of the two is the sum of
        b^2 - 2ab over the features that are not missing. The allowance for rounding is subtracted
        there, too: gamma is that of twice as many features.
        """
        cdef Py_ssize_t d = self.d, width = packed_width(packing, d), f
        cdef float *scaled = self.scaled + m * width
        cdef const double *row = self.c.rows + j * d
        cdef double value, total = 0, size = 0, largest = 0
        for f in range(d):
            value = (row[f] - packing.origin[f]) * packing.scale
            largest = max(largest, fabs(value))
            total += value
            scaled[f] = <float>(-2 * value)
            if self.metric == GAPS:
                scaled[d + f] = <float>(value * value * (1 - 2 * gamma - 2e-7))
                size += value * value
            else:
                size += fabs(value)
        self.norms[m] = size
        if self.metric == GAPS:
            self.sq_norms[m] = 0
            self.lift[m] = <float>(4.1 * gamma * size * (1 + 1e-6))
        else:
            # Less the rounding of the sum itself, to float32.
            self.sq_norms[m] = <float>(total - size * (3 * gamma + 2e-7))
            self.lift[m] = <float>((6.1 * gamma + 5e-7) * size)
        return largest < ldexp(1, SCALED_EXPONENT + 2)

    cdef int make_csr_room(self) except -1:
        cdef Py_ssize_t k = self.c.k
        cdef Py_ssize_t vectors = (k + filter_table.csr_lanes - 1) // filter_table.csr_lanes, size
        self.c.groups = (vectors + filter_table.csr_vectors - 1) // filter_table.csr_vectors
        self.c.width = (vectors + self.c.groups - 1) // self.c.groups * filter_table.csr_lanes
        size = self.c.groups * self.c.width
        self.columns = <float *>self.memory.take(size * self.d, sizeof(float))
        self.sq_norms = <float *>self.memory.take(size, sizeof(float))
        self.norms = <double *>self.memory.take(k, sizeof(double))
        self.stale = <uint8_t *>self.memory.take(k, 1)
        self.whole = <uint8_t *>self.memory.take(k, 1)
        memset(self.stale, 1, k)
        self.slots = 4
        while self.slots < 2 * k:
            self.slots *= 2
        self.table = <int32_t *>self.memory.take(self.slots, sizeof(int32_t))
        self.c.m = k
        self.c.columns = self.columns
        self.c.sq_norms = self.sq_norms
        self.c.norms = self.norms
        self.c.whole = self.whole
        return 0

    cdef void prepare_csr(self, const Packed *packing, bint filter,
                          bint all_of_them) noexcept nogil:
        """`prepare` for CSR rows, for stale centers only. Of equal centers all but the first get a
        norm that never wins.
        """
        cdef Py_ssize_t j, f, w, i, words = (self.d + 63) // 64
        cdef uint64_t bits
        cdef double gamma = filter_gamma(self.terms + packing.n_dense), scale = packing.scale, norm
        cdef double value
        cdef bint whole
        cdef const double *row
        cdef float *column
        self.c.m = self.c.k
        self.c.filter = filter
        if not filter:
            return
        if self.support == NULL or scale != self.scale:
            memset(self.stale, 1, self.c.k)
        self.scale = scale
        for j from 0 <= j <= self.c.k - STRIP by STRIP:
            if self.worth_a_strip(j):
                self.prepare_strip(j, packing)
        for j in range(self.c.k):
            if not self.stale[j]:
                continue
            self.stale[j] = False
            row = self.c.rows + j * self.d
            column = self.columns + j // self.c.width * self.c.width * self.d + j % self.c.width
            norm = 0
            whole = True
            i = 0
            for w in range(words):
                bits = ~<uint64_t>0 if self.support == NULL else self.support[j * words + w]
                while i < packing.n_dense and packing.dense[i] // 64 == w:
                    bits |= <uint64_t>1 << packing.dense[i] % 64
                    i += 1
                while bits:
                    f = 64 * w + CKM_CTZ64(bits)
                    bits &= bits - 1
                    if f >= self.d:
                        break
                    value = (row[f] - packing.origin[f]) * scale
                    norm += value * value
                    column[f * self.c.width] = <float>(-2 * value)
                    whole = whole and is_whole(row[f])
            self.norms[j] = norm
            self.whole[j] = whole
        memset(self.table, 0xff, self.slots * sizeof(int32_t))
        for j in range(self.c.groups * self.c.width):
            self.sq_norms[j] = 3e38
            if j < self.c.k:
                self.c.filter = self.c.filter and self.norms[j] < ldexp(1, 110)
                if all_of_them or self.first_of_its_norm(j):
                    self.sq_norms[j] = <float>(self.norms[j] * (1 - 2 * gamma - 2e-7))
        guard_constants(&self.c, packing, self.d, gamma)

    cdef bint worth_a_strip(self, Py_ssize_t first) noexcept nogil:
        """Whether most values of STRIP centers from this one on are to be made anew, and lie side
        by side.
        """
        cdef Py_ssize_t words = (self.d + 63) // 64, i
        cdef Py_ssize_t count = 0
        if first // self.c.width != (first + STRIP - 1) // self.c.width:
            return False
        for i in range(STRIP):
            if not self.stale[first + i]:
                return False
        if self.support == NULL:
            return True
        for i in range(STRIP * words):
            count += ones(self.support[first * words + i])
        return 2 * count > STRIP * self.d

    cdef void prepare_strip(self, Py_ssize_t first, const Packed *packing) noexcept nogil:
        """Fill in the forms of STRIP centers at once."""
        cdef Py_ssize_t d = self.d, width = self.c.width, f
        cdef const double *rows = self.c.rows + first * d
        cdef float *column = self.columns + first // width * width * d + first % width
        cdef const double *origin = packing.origin
        cdef double[STRIP] norms
        cdef double[STRIP] away
        cdef double value, scale = packing.scale
        cdef int i
        memset(norms, 0, sizeof(norms))
        memset(away, 0, sizeof(away))
        for f in range(d):
            for i in range(STRIP):
                value = (rows[i * d + f] - origin[f]) * scale
                norms[i] += value * value
                column[f * width + i] = <float>(-2 * value)
                away[i] += not is_whole(rows[i * d + f])
        for i in range(STRIP):
            self.norms[first + i] = norms[i]
            self.whole[first + i] = away[i] == 0
            self.stale[first + i] = False

    cdef bint first_of_its_norm(self, Py_ssize_t j) noexcept nogil:
        """`first_of_its_kind`, found by the known norms."""
        cdef uint64_t bits
        cdef Py_ssize_t slot, other
        memcpy(&bits, &self.norms[j], 8)
        bits *= 0x9E3779B97F4A7C15ULL
        slot = <Py_ssize_t>((bits ^ bits >> 32) & <uint64_t>(self.slots - 1))
        while self.table[slot] >= 0:
            other = self.table[slot]
            if self.norms[other] == self.norms[j] and same_row(self.c.rows + other * self.d,
                                                               self.c.rows + j * self.d, self.d):
                return False
            slot = (slot + 1) & (self.slots - 1)
        self.table[slot] = <int32_t>j
        return True


cdef inline bint is_whole(double x) noexcept nogil:
    """Whether x is a whole number, and not a very large one."""
    return -1e15 < x < 1e15 and x == <double><int64_t>x


cdef inline Py_ssize_t ones(uint64_t bits) noexcept nogil:
    """How many bits are set."""
    bits = bits - ((bits >> 1) & 0x5555555555555555ULL)
    bits = (bits & 0x3333333333333333ULL) + ((bits >> 2) & 0x3333333333333333ULL)
    bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fULL
    return <Py_ssize_t>((bits * 0x0101010101010101ULL) >> 56)


cdef double farthest_value(const double *rows, Py_ssize_t k, Py_ssize_t d,
                           const double *origin) noexcept nogil:
    """The largest magnitude of any value of rows (k, d) less the origin: four independent searches,
    so that the CPU can overlap them.
    """
    cdef double[4] largest
    cdef Py_ssize_t j, f, whole = d // 4 * 4
    cdef int i
    memset(largest, 0, sizeof(largest))
    for j in range(k):
        for f from 0 <= f < whole by 4:
            for i in range(4):
                largest[i] = max(largest[i], fabs(rows[f + i] - origin[f + i]))
        for f in range(whole, d):
            largest[0] = max(largest[0], fabs(rows[f] - origin[f]))
        rows += d
    return max(max(largest[0], largest[1]), max(largest[2], largest[3]))


cdef void side_by_side(const double *rows, const int32_t *ids, Py_ssize_t m, Py_ssize_t d,
                       double *blocks) noexcept nogil:
    """The exact kernel's form of m centers: those of `ids`, or NULL: the first.

    blocks  OUT  (ceil(m / BLOCK), d, BLOCK)
    """
    cdef const double *row[BLOCK]
    cdef double *block
    cdef Py_ssize_t first, f, b, at
    for first from 0 <= first < m by BLOCK:
        for b in range(BLOCK):                # (past the last center, any one is read)
            at = min(first + b, m - 1)
            row[b] = rows + (at if ids == NULL else <Py_ssize_t>ids[at]) * d
        block = blocks + first * d
        for f in range(d):
            for b in range(BLOCK):
                block[f * BLOCK + b] = row[b][f]


cdef double filter_gamma(Py_ssize_t d) noexcept nogil:
    """Relative error of a score; see kernels/filter/filter.pxi."""
    cdef double roundings = (min(d, <Py_ssize_t>FLUSH) + (d + FLUSH - 1) // FLUSH + 5) * ldexp(1,
                                                                                               -24)
    return 1.01 * roundings / (1 - roundings)


cdef double guard_factor = 1


def scale_guard(double factor):
    """For tests of the tests: weaken (below 1) the error bound of the filter. 1 restores it."""
    global guard_factor
    guard_factor = factor


cdef void guard_constants(Centers *centers, const Packed *packing, Py_ssize_t d,
                          double gamma) noexcept nogil:
    """The constants by which a score with such a relative error proves its center; see
    kernels/filter/filter.pxi.

    With A = |a|^2 of the row and N = |b|^2 of the winner, the winner is proved if
        second - best > 2.05 (gamma (2 N + A) + exact (N + A)) + floor,
    where `exact` covers the rounding of the exact distance itself and `floor` what underflows,
    there and in float32. N is not stored: |b| <= |a| + |a - b| and the squared distance is A +
    best, so N <= 1.5 A + 3 (A + best), up to the 1.01.
    """
    cdef double exact = 2.02 * (d + 3) * ldexp(1, -53)
    cdef double of_norm = 2.05 * 1.01 * (2 * gamma + exact), up = 1 + 1e-6
    centers.gamma = gamma
    centers.box_norm = <float>(1.1 * (d + 20) * ldexp(1, -24))
    centers.guard_norm = <float>((4.5 * of_norm + 2.05 * (gamma + exact)) * up * guard_factor)
    centers.guard_score = <float>(3 * of_norm * up * guard_factor)
    centers.guard_floor = <float>((4.0 * (d + 8) * ldexp(1, -126) + (4.0 * d if packing.gaps else 0)
                                   + 8.0 * d
                                   * (ldexp(packing.scale, -537)
                                      * ldexp(packing.scale, -537))) * up)


cdef void manhattan_guard(Centers *centers, Py_ssize_t d, double gamma) noexcept nogil:
    """The same for Manhattan distances; see kernels/filter/manhattan.pxi.

    `exact` covers the rounding of the two exact distances, each at most A + N.
    """
    cdef double exact = 2.02 * (d + 3) * ldexp(1, -53), up = 1 + 1e-6
    centers.gamma = gamma
    centers.guard_norm = <float>((16.6 * gamma + 1.2e-6 + 6 * exact) * up * guard_factor)
    centers.guard_score = <float>((6.3 * gamma + 4e-7 + 2 * exact) * up * guard_factor)
    centers.guard_floor = <float>(4.0 * (d + 8) * ldexp(1, -126) * up)


cdef bint none_is_near(const double *sizes, Py_ssize_t count, double largest) noexcept nogil:
    """Whether `count` sizes are enough to tell that typical ones are not far below the largest."""
    cdef Py_ssize_t i
    for i in range(count):
        if sizes[i] < ldexp(largest, -MOST_BINADES):
            return False
    return count >= 8


cdef double median_of(double *sizes) noexcept nogil:
    """The median of MIDDLE_ROWS sizes, which are sorted."""
    cdef Py_ssize_t i, at
    cdef double size
    for i in range(1, MIDDLE_ROWS):
        size, at = sizes[i], i
        while at > 0 and sizes[at - 1] > size:
            sizes[at] = sizes[at - 1]
            at -= 1
        sizes[at] = size
    return sizes[MIDDLE_ROWS // 2]


cdef bint scale_near(Packed *packing, double typical, double largest) noexcept nogil:
    """A power of two for rows that lie about so far from the origin, if some lie so much farther,
    up to `largest`, that they cannot all be packed at one scale: far values are then clamped.

    False, and nothing is done, if they can.
    """
    cdef int exponent = 0
    if not 0 < typical < INFINITY or largest < ldexp(typical, MOST_BINADES):
        return False
    frexp(typical, &exponent)
    if not -900 < exponent < 900:
        return False
    packing.scale = ldexp(1, NEAR_EXPONENT // 2 - exponent)
    packing.clamped = True
    return True


cdef bint choose_scale(Packed *packing, double largest) noexcept nogil:
    """A power of two that brings distances up to `largest` from the origin to 2**SCALED_EXPONENT;
    False where there is none.
    """
    cdef int exponent = SCALED_EXPONENT
    if largest > 0:
        frexp(largest, &exponent)
    if not -900 < exponent < 900:
        packing.scale = 1
        return False
    packing.scale = ldexp(1, SCALED_EXPONENT - exponent)
    return True
