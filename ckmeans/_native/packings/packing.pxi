# How rows are packed for the filter: the base of the classes in this folder, which has one file for
# each way.
#
# A packing belongs to a data set, and all runs over that data share it. Only the packing itself
# changes its memory and the record of what is packed. Before each pass a run takes the first
# packing in its row of ALGORITHMS that fits and is wanted.

cdef enum PanelLayout:
    BY_FEATURE                   # panels as they are made, (width, PANEL)
    BY_ROW                       # panels of rows one after the other, (PANEL, width): what bounds
                                 # read
    FASTEST                      # in whatever form rows are compared fastest with all centers


cdef class Counted:
    """The cost of comparing all rows with all centers, from counted work."""
    cdef Py_ssize_t k            # centers that this was with; 0: not yet
    cdef double row              # nanoseconds

    cdef int note(self, Run run, double row) noexcept nogil:
        self.k, self.row = run.k, row
        return 0

    cdef double cost(self, Run run, double expected) noexcept nogil:
        """The last recorded cost with as many centers; otherwise the expected one."""
        return self.row if self.k == run.k else expected


cdef class Packing:
    """One way to pack the rows of a data set."""
    cdef Memory memory
    cdef Packed packed           # what kernels read
    cdef bint filter             # whether the range of the rows allows the filter; if not,
                                 # every row is decided exactly

    cdef int open(self, Data data) except -1:
        """Initialize, after the data has been scanned; nothing is packed yet."""
        return 0

    cdef bint possible(self, Run run) noexcept:
        """Whether it can ever be of use in a run that is about to begin."""
        return False

    cdef bint fits(self, Run run) noexcept nogil:
        """Whether the rows can be packed so in the pass that is about to begin."""
        return True

    cdef bint wants(self, Run run) except -1 nogil:
        """Whether that pays; decided by work counted and modelled, never by a clock."""
        return True

    cdef int enter(self, Run run) except -1:
        """Called when a run changes to this packing."""
        return 0

    cdef int leave(self, Run run) except -1:
        """Called when a run changes from this packing to another."""
        return 0

    cdef int follow(self, Run run) except -1 nogil:
        """Called before each pass of a run that has entered: other runs may have packed the rows
        anew.
        """
        return 0

    cdef bint usable(self) noexcept nogil:
        """Whether there is a filter at least for comparisons with all centers."""
        return self.filter or self.packed.clamped

    cdef bint can_be_first(self) noexcept:
        """Whether a run can begin with it, without a pass that finds out whether it pays."""
        return True

    cdef bint needs_panels(self) noexcept:
        """Whether a run that begins with it and compares all rows with all centers reads panels of
        floats in every pass: then they are kept. (Searches have them kept when they begin.)
        """
        return False

    cdef Packed *panels(self) noexcept nogil:
        """The panels that boxes and bounds read."""
        return &self.packed

    cdef Packed *panels_for(self, Run run, PanelLayout layout) except NULL nogil:
        """The packed rows, for a pass that reads them in this layout; FASTEST may choose other
        forms of the centers, too.
        """
        self.lay(run.data, layout == BY_ROW)
        return &self.packed

    cdef ChunkFn all_centers(self, Run run) noexcept nogil:
        """The kernel that compares the rows of `panels_for` with all centers."""
        return run.data.exact.assign

    cdef Py_ssize_t chunk_rows(self, Run run, double cost) noexcept nogil:
        """The number of rows in a chunk of such a pass, of `cost` nanoseconds each; 0: as usual."""
        return 0

    cdef void was_read(self) noexcept nogil:
        """Called after a pass that has read, and so packed, the panels of all rows."""
        self.packed.filling = False

    cdef int was_compared(self, Run run, double doubtful, double pairs) except -1 nogil:
        """Called after a pass that has compared all rows with all centers.

        doubtful  the share of the rows that it left undecided
        pairs     the centers that were compared once more for a row, on average over all rows
        """
        if run.forms.c.filter:
            self.was_read()
        return 0

    cdef int was_searched(self, Run run, double cost, double doubtful,
                          double pairs) except -1 nogil:
        """The same for a pass that used bounds, which took `cost` more nanoseconds per row."""
        return 0

    cdef double row_cost(self, Py_ssize_t m, Py_ssize_t d) noexcept nogil:
        """About how many nanoseconds it takes to compare a packed row with m centers."""
        return brute_cost(m, d)

    cdef double known_cost(self, Run run, Py_ssize_t m) noexcept nogil:
        """The same, with what the last pass has left to be decided."""
        return self.row_cost(m, run.data.rows.d)

    cdef double later_cost(self, Py_ssize_t m, Py_ssize_t d) noexcept nogil:
        """About the mean of that over the passes to come, which what is begun now is to save."""
        return self.row_cost(m, d)

    cdef double pass_cost(self, Run run) noexcept nogil:
        """Nanoseconds that a row takes in the next pass, without those for packing."""
        return run.data.assign_cost(run.forms.c.m)

    cdef void forget(self) noexcept:
        """Free memory, as another packing takes the place of this one."""

    cdef int lay(self, View view, bint by_row) except -1 nogil:
        """Rearrange kept panels: rows one after the other, or lanes of features as they are made.
        """
        cdef Assign job
        if self.packed.panels == NULL or self.packed.by_row == by_row:
            return 0
        if not self.packed.filling:
            job.rows = &view.rows
            job.packing = &self.packed
            job.workers = view.workers
            self.packed.filling = True       # until it is done: an interrupt leaves panels that
                                             # must not be read
            view.each_chunk(view.exact.turn, &job, 0.5 * packed_width(&self.packed, view.rows.d))
            self.packed.filling = False
        self.packed.by_row = by_row
        return 0
