# Rows packed in whole numbers, for the filter of kernels/filter/whole_numbers.pxi: fast comparisons
# with all centers if there are many features.

cdef enum:
    WORTH_QUANTISING = 32        # centers from which on it pays for rows that are read once


cdef void worst_of_quanta(Packed *packing, Py_ssize_t d) noexcept nogil:
    """For rows that are put in whole numbers only when they are compared: bounds for all rows,
    known before.
    """
    packing.rough = 0.52 * sqrt(<double>d)
    packing.reach = QUANTA_TOTAL * (1 + 1e-5) + packing.rough


cdef double quanta_cost(Py_ssize_t m, Py_ssize_t d) noexcept nogil:
    """About how many nanoseconds it takes to compare a row in whole numbers with m centers."""
    return 0.5 + m * (0.55 * d + 8) / 54


cdef double choice_cost(Py_ssize_t d, double doubtful, double pairs) noexcept nogil:
    """Roughly, the nanoseconds of deciding a row, on average over all rows.

    doubtful  the share of the rows that whole numbers leave undecided
    pairs     the centers that are left for a row, on average over all rows
    """
    return doubtful * (60 + 0.1 * d) + pairs * (10 + 0.1 * d)


cdef class WholeNumbers(Packing):
    """Rows in whole numbers, in addition to the floats that they are made from, which boxes and
    bounds still read.

    The first pass that compares all rows with all centers also puts the rows in whole numbers.
    """
    cdef Floats floats
    cdef Counted counted         # what they cost in the last pass that compared them

    cdef int open(self, Data data) except -1:
        self.floats = data.floats
        self.filter = self.floats.filter
        self.counted = Counted()
        self.forget()
        return 0

    cdef bint possible(self, Run run) noexcept:
        return (run.data.rows.d >= filter_table.quanta_from * (1 if run.k >= 16 else 1.5)
                and self.usable() and run.data.packed)

    cdef bint fits(self, Run run) noexcept nogil:
        return self.floats.boxes.order == NULL

    cdef bint wants(self, Run run) except -1 nogil:
        """Not if floats were faster, or are predicted to be, because whole numbers leave so much
        undecided.
        """
        cdef Py_ssize_t m = run.forms.c.m, d = run.data.rows.d
        return (self.counted.cost(run, self.row_cost(m, d))
                <= self.floats.counted.cost(run, self.floats.row_cost(m, d)))

    cdef bint needs_panels(self) noexcept:
        return self.floats.boxes.order != NULL

    cdef Packed *panels(self) noexcept nogil:
        return &self.floats.packed

    cdef Packed *panels_for(self, Run run, PanelLayout layout) except NULL nogil:
        if layout != FASTEST or not run.forms.c.filter or not self.ready(run):
            return self.floats.panels_for(run, layout)
        if self.packed.quantising:
            self.floats.lay(run.data, False)
            self.packed.panels = self.floats.packed.panels
            self.packed.sq_norms = self.floats.packed.sq_norms
            self.packed.filling = self.floats.packed.filling
            worst_of_quanta(&self.packed, run.data.rows.d)
        run.forms.quantise(&self.packed)
        run.job.centers = &run.forms.quantised
        return &self.packed

    cdef bint ready(self, Run run) except -1 nogil:
        """Whether there is room for what this pass fills and reads."""
        if (self.packed.quanta != NULL and run.forms.quantised.quanta != NULL
            and run.data.threads.has_sieves(run.k, PANEL)):
            return True
        with gil:
            try:
                run.data.threads.room_for_sieves(run.k, PANEL)
                run.forms.use_quanta()
                if self.packed.quanta == NULL:
                    self.make_room(run.data)
            except MemoryError:
                self.give_up(run)
                return False
        return True

    cdef int make_room(self, Data data) except -1:
        cdef Py_ssize_t n = (data.rows.n + PANEL - 1) // PANEL * PANEL
        cdef Memory memory = Memory()
        cdef float *norms = <float *>memory.take(n, sizeof(float))
        cdef float *steps = <float *>memory.take(n, sizeof(float))
        self.packed.quanta = <int32_t *>memory.take(n * quanta_words(data.rows.d), sizeof(int32_t))
        self.packed.quanta_norms, self.packed.steps = norms, steps
        self.packed.quantising = True
        self.memory = memory
        return 0

    cdef int was_compared(self, Run run, double doubtful, double pairs) except -1 nogil:
        cdef Py_ssize_t d = run.data.rows.d, m = run.forms.c.m
        cdef int i
        if run.job.centers != &run.forms.quantised:
            return self.floats.was_compared(run, doubtful, pairs)
        if not self.packed.quantising:
            self.counted.note(run, self.row_cost(m, d) + choice_cost(d, doubtful, pairs))
        else:
            self.floats.was_read()
            # (What workers noted earlier is of the same rows, and bounds them, too.)
            self.packed.rough = self.packed.reach = 0
            for i in range(run.data.n_threads):
                self.packed.rough = max(self.packed.rough, run.data.workers[i].worst[0])
                self.packed.reach = max(self.packed.reach, run.data.workers[i].worst[1])
            self.packed.quantising = False
        return 0

    cdef void was_read(self) noexcept nogil:
        self.floats.was_read()

    cdef int give_up(self, Run run) except -1:
        run.choice.give_up(run, self)
        return 0

    cdef void forget(self) noexcept:
        self.packed = self.floats.packed     # what they are made from
        self.packed.quanta = NULL
        self.memory = None

    cdef double row_cost(self, Py_ssize_t m, Py_ssize_t d) noexcept nogil:
        return quanta_cost(m, d)

    cdef double known_cost(self, Run run, Py_ssize_t m) noexcept nogil:
        return self.counted.cost(run, self.row_cost(m, run.data.rows.d))

    cdef double pass_cost(self, Run run) noexcept nogil:
        if run.job.centers == &run.forms.quantised:
            return quanta_cost(run.forms.c.m, run.data.rows.d)
        return Packing.pass_cost(self, run)
