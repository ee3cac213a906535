# Rows kept in bytes, for the filter of kernels/filter/bytes.pxi: where features and centers are
# many, the fastest to compare with all centers.

cdef enum:
    BYTE_CENTERS = 64            # centers from which on bytes pay: some work is the same for any


cdef double bytes_cost(Py_ssize_t m, Py_ssize_t d) noexcept nogil:
    """Nanoseconds that it takes to compare a row in bytes with m centers, roughly."""
    return (60 + 0.3 * d + m * (0.1 + filter_table.byte_cost * ((d + 63) // 64)))


cdef double left_cost(Py_ssize_t d) noexcept nogil:
    """Nanoseconds that it takes to work out a distance that bytes leave over, roughly."""
    return 30 + 0.3 * d


cdef class InBytes(Packing):
    """Rows in bytes, and nothing else.

    The first pass that compares all rows with all centers puts them in bytes on the way.
    """
    cdef Floats floats
    cdef Bytes bytes

    cdef int open(self, Data data) except -1:
        self.floats = data.floats
        self.filter = self.floats.filter
        self.forget()
        return 0

    cdef bint possible(self, Run run) noexcept:
        cdef Py_ssize_t d = run.data.rows.d
        if not self.filter or not run.data.packed or d > BYTE_FEATURES:
            return False
        return run.choice.insists_on(self) or (d >= filter_table.bytes_from
                                               and run.k >= BYTE_CENTERS)

    cdef bint fits(self, Run run) noexcept nogil:
        return self.floats.boxes.order == NULL

    cdef bint needs_panels(self) noexcept:
        return self.floats.boxes.order != NULL

    cdef Packed *panels(self) noexcept nogil:
        return &self.floats.packed

    cdef ChunkFn all_centers(self, Run run) noexcept nogil:
        return run.data.exact.assign if run.job.bytes == NULL else run.data.exact.assign_bytes

    cdef Packed *panels_for(self, Run run, PanelLayout layout) except NULL nogil:
        if layout != FASTEST or not run.forms.c.filter or not self.ready(run):
            run.job.bytes = NULL
            return self.floats.panels_for(run, layout)
        run.forms.put_in_bytes(&self.bytes, &self.packed)
        run.job.bytes = &self.bytes
        run.job.byte_centers = &run.forms.in_bytes
        return &self.packed

    cdef bint ready(self, Run run) except -1 nogil:
        """Whether there is room for what this pass fills or reads."""
        if self.bytes.words != NULL and run.forms.byte_memory is not None:
            return True
        with gil:
            try:
                if self.bytes.words == NULL:
                    self.make_room(run.data)
                run.data.threads.room_for_bytes()
                run.data.threads.room_for_sieves(run.k, 1)
                run.forms.use_bytes(&self.bytes)
            except MemoryError:
                self.give_up(run)
                return False
        return True

    cdef int make_room(self, Data data) except -1:
        cdef Py_ssize_t n = (data.rows.n + PANEL - 1) // PANEL * PANEL, words = (data.rows.d + 3) // 4
        cdef Memory memory = Memory()
        cdef Bytes bytes
        bytes.parts = (words + 15) // 16
        bytes.depth = (words + bytes.parts - 1) // bytes.parts
        bytes.words = <int32_t *>memory.take(n * bytes.parts * bytes.depth, sizeof(int32_t))
        bytes.steps = <float *>memory.take(n, sizeof(float))
        bytes.sq_norms = <float *>memory.take(n, sizeof(float))
        bytes.rough = <float *>memory.take(n // PANEL, sizeof(float))
        bytes.reach = <float *>memory.take(n // PANEL, sizeof(float))
        bytes.filling = True
        self.packed = self.floats.packed
        self.packed.panels = NULL
        self.memory, self.bytes = memory, bytes
        return 0

    cdef int was_compared(self, Run run, double doubtful) except -1 nogil:
        """Go on without bytes if they leave over so much that other ways are faster."""
        cdef Py_ssize_t d = run.data.rows.d, m = run.forms.c.m
        if run.job.bytes == NULL:
            if run.forms.c.filter:
                self.floats.was_read()
            return 0
        self.bytes.filling = False
        return 0

    cdef void was_read(self) noexcept nogil:
        self.floats.was_read()

    cdef int leave(self, Run run) except -1:
        run.job.bytes = NULL
        return 0

    cdef int give_up(self, Run run) except -1:
        run.choice.give_up(run, self)
        if run.data.packed and run.choice.packing.needs_panels():
            self.floats.keep(run.data)
        return 0

    cdef void forget(self) noexcept:
        self.bytes.words = NULL
        self.packed = self.floats.packed
        self.memory = None

    cdef double row_cost(self, Py_ssize_t m, Py_ssize_t d) noexcept nogil:
        return bytes_cost(m, d)

    cdef double pass_cost(self, Run run) noexcept nogil:
        if run.job.bytes != NULL:
            return bytes_cost(run.forms.c.m, run.data.rows.d)
        return Packing.pass_cost(self, run)
