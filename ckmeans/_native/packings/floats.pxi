# All features as float32, (x - origin) * scale: the packing from which all others are made.

cdef void read_whole(Data data, Py_ssize_t row, double *out) noexcept nogil:
    """A row (d,), with the middle of the column in place of each missing value."""
    cdef Py_ssize_t f
    if data.rows.direct and data.rows.kind == KIND_F64:
        memcpy(out, data.rows.data + row * data.rows.row_stride, data.rows.d * sizeof(double))
    else:
        data.exact.read(&data.rows, row, out)
    for f in range(data.rows.d if data.metric == GAPS else 0):
        if out[f] != out[f]:
            out[f] = 0.5 * (data.cuts.low_[f] + data.cuts.high_[f])


cdef class Floats(Packing):
    """Rows packed with all their features, in their own order or in that of boxes.

    To save memory, the packed rows may not be kept: then each pass packs rows anew, and only origin
    and scale are stored.
    """
    cdef Boxes boxes             # `order` is NULL while rows are packed in their own order
    cdef SpatialOrder order      # None until a run considers boxes
    cdef Counted counted         # what they cost in the last pass that compared them
    cdef bint sifting            # whether undecided rows are sifted, since they are many
    cdef bint sifted             # whether that has been tried
    cdef Packed unkept           # the same rows, for passes that want them in their own order while
                                 # they are kept in another

    cdef int open(self, Data data) except -1:
        cdef Py_ssize_t d = data.rows.d, n = data.rows.n, i
        cdef double *origin = self.new_origin(d)
        cdef Middle middle
        self.packed.gaps = data.metric == GAPS
        self.counted = Counted()
        if data.rows.indptr != NULL:         # most zeros must stay zeros; only norms are kept
            self.packed.sq_norms = <float *>self.memory.take(n, sizeof(float))
            self.packed.filling = True
            dense_middle(data, self.memory, &self.packed, origin)
        elif n:
            middle = Middle(d)
            for i in range(MIDDLE_ROWS):
                read_whole(data, drawn_place(i, n), middle.next_())
                middle.add()
            memcpy(origin, middle.found(), d * sizeof(double))
        self.scale_around(origin, data.cuts)
        if n and data.rows.indptr == NULL and data.metric == EUCLIDEAN and data.rows.factor == NULL:
            self.look_for_far_rows(data, middle.next_())
        return 0

    cdef void look_for_far_rows(self, Data data, double *row) noexcept:
        """Have values clamped if some rows are too far away for the others.

        row  scratch (d,)
        """
        cdef double[MIDDLE_ROWS] sizes
        cdef double largest = data.cuts.reach(self.packed.origin)
        cdef Py_ssize_t i
        for i in range(MIDDLE_ROWS):
            read_whole(data, drawn_place(i, data.rows.n), row)
            sizes[i] = farthest_value(row, 1, data.rows.d, self.packed.origin)
            if none_is_near(sizes, i + 1, largest):
                return
        # Only a comparison with all centers reads such rows: all else does without a filter.
        if scale_near(&self.packed, median_of(sizes), largest):
            self.filter = False

    cdef int open_amid(self, Cuts cuts, const double *centers, Py_ssize_t k) except -1:
        """Open with an origin amid these centers (k, d), for rows of which only the ranges are
        known.
        """
        cdef double *origin = self.new_origin(cuts.d)
        middle_of(centers, k, cuts.d, origin)
        self.scale_around(origin, cuts)
        return 0

    cdef int open_around(self, Cuts cuts, const double *origin) except -1:
        """Open with this origin (d,)."""
        cdef double *own = self.new_origin(cuts.d)
        memcpy(own, origin, cuts.d * sizeof(double))
        self.scale_around(own, cuts)
        return 0

    cdef double *new_origin(self, Py_ssize_t d) except NULL:
        self.memory = Memory()
        return <double *>self.memory.take(d, sizeof(double))

    cdef void scale_around(self, double *origin, Cuts cuts) noexcept:
        """Choose the origin (d,): any gives the same results, but the filter's error is small with
        one amid the rows.
        """
        round_origin(origin, cuts.d, cuts.narrow)
        self.packed.origin = origin
        self.filter = choose_scale(&self.packed, cuts.reach(origin))

    cdef bint needs_panels(self) noexcept:
        return True

    cdef int enter(self, Run run) except -1:
        if run.data.packed:
            self.keep(run.data)
        return 0

    cdef int keep(self, View view) except -1:
        """From now on keep the packed rows: the next pass fills the panels."""
        cdef Py_ssize_t n = (view.rows.n + PANEL - 1) // PANEL * PANEL, d = view.width()
        cdef float *sq_norms
        if self.usable() and self.packed.panels == NULL:
            sq_norms = <float *>self.memory.take(n, sizeof(float))
            self.packed.panels = <float *>self.memory.take(n * d, sizeof(float))
            self.packed.sq_norms = sq_norms
            self.packed.filling = True
        return 0

    cdef bint possible(self, Run run) noexcept:
        return True

    cdef int keep_rows(self, Py_ssize_t n, Py_ssize_t d) except -1:
        """Allocate n rows, one after the other, for `put`."""
        self.packed.panels = <float *>self.memory.take(n * d, sizeof(float))
        self.packed.by_row = True
        return 0

    cdef void put(self, const double *row, Py_ssize_t d, Py_ssize_t place) noexcept nogil:
        cdef Py_ssize_t f
        for f in range(d):
            self.packed.panels[place * d + f] = <float>((row[f] - self.packed.origin[f])
                                                        * self.packed.scale)

    cdef int was_compared(self, Run run, double doubtful, double pairs) except -1 nogil:
        """If undecided rows are often compared exactly with all centers, from now on sift these
        rows first, unless that leaves most centers.
        """
        cdef Py_ssize_t m = run.forms.c.m, d = run.data.rows.d
        cdef double row = self.row_cost(m, d), doubt = 0.1 * pairs * d
        if run.data.rows.indptr != NULL or not run.forms.c.filter:
            return Packing.was_compared(self, run, doubtful, pairs)
        if run.forms.c.lanes != NULL:
            doubt = sift_cost(m, d, d, doubtful, pairs)
            self.sifting = doubt < 0.1 * doubtful * m * d
        elif (doubt > 0.05 * row and m >= 8 and not self.sifted
              and not self.packed.clamped):   # (for most of those rows, no center can be discarded)
            self.sifting = self.sifted = True
        self.counted.note(run, row + doubt)
        return Packing.was_compared(self, run, doubtful, pairs)

    cdef double known_cost(self, Run run, Py_ssize_t m) noexcept nogil:
        return self.counted.cost(run, self.row_cost(m, run.data.rows.d))

    cdef int follow(self, Run run) except -1 nogil:
        run.forms.sifting = self.sifting
        if self.sifting:
            run.data.threads.room_for_sieves(run.k, 1)
            if not run.forms.can_sift():
                with gil:
                    run.forms.use_lanes()
        if self.boxes.order != NULL and run.place_label == NULL:
            with gil:
                run.go_by_place(&self.boxes)
        return 0

    cdef SpatialOrder need_order(self):
        """The spatial order of the rows, which is sorted when it is first used."""
        if self.order is None:
            self.order = SpatialOrder()
        return self.order

    cdef int arrange(self, Data data) except -1:
        """Sort the rows in space and pack them in that order."""
        cdef Py_ssize_t n = data.rows.n, d = data.rows.d
        cdef Py_ssize_t supers = (n + SUPER * PANEL - 1) // (SUPER * PANEL)
        cdef Arrange job
        cdef Boxes boxes
        if self.boxes.order != NULL:
            return 0
        self.keep(data)
        data.draw_order = None                # what is drawn is drawn, mostly: both orders at once
                                              # would take more memory
        boxes.order = self.need_order().sort(data)
        boxes.low = <float *>self.memory.take(supers * d * SUPER, sizeof(float))
        boxes.high = <float *>self.memory.take(supers * d * SUPER, sizeof(float))
        job.rows = &data.rows
        job.packing = &self.packed
        job.boxes = &boxes
        job.workers = data.workers
        self.packed.filling = True           # until it is done: an interrupt leaves panels that
                                             # must not be read
        with nogil:
            data.each_chunk(data.exact.arrange, &job, 10 + 2.0 * d)
        self.packed.filling = self.packed.by_row = False
        self.boxes = boxes
        return 0

    cdef Packed *panels_in_order(self, View view) except NULL:
        """The packed rows, by feature and in their own order; packed anew in each pass where they
        are kept in another one.
        """
        self.lay(view, False)
        if self.boxes.order == NULL:
            return &self.packed
        self.unkept = self.packed
        self.unkept.panels = NULL
        self.unkept.filling = False
        return &self.unkept
