# Panels of neighboring rows, each compared with the centers that can win anywhere in its box
# (Kanungo et al. 2002; Pelleg & Moore 1999).

cdef enum:
    WORTH_AN_ORDER = 20000000    # nanoseconds of brute assignments beside which a pilot of boxes is
                                 # small, but for what grows with the data
    WORTHWHILE = 150             # centers * (features + 5) from which on a row's comparisons cost
                                 # more than its share of a box

cdef double PROMISING = 0.15     # share of the centers that a pilot of boxes may leave over: they
                                 # are to beat bounds, too
cdef double HOPEFUL = 0.3        # the same where boxes are preferred: they are to beat all centers


cdef class BoxSearch(Search):
    """Rows are first packed in a spatial order, which from then on is shared by all runs over the
    data.
    """
    cdef int paused              # passes for which boxes are left alone, because their lists were
                                 # long

    cdef bint possible(self, Run run) noexcept:
        if not can_order(run.data):
            return False
        run.data.floats.need_order()
        return True

    cdef bint fits(self, Run run) noexcept nogil:
        return run.forms.c.filter and run.choice.packing.packed.axes == NULL

    cdef bint wants(self, Run run) except -1 nogil:
        """The order is considered once brute-force assignments have cost a good part of its cost. A
        pilot estimates how short the lists of centers would be; if they are too long, the order is
        considered again when four times as much has been spent. If lists turn out long
        nevertheless, boxes are not used for some passes: when centers have settled, lists may be
        shorter.
        """
        if not self.insisted and run.forms.c.m * (run.data.rows.d + 5) < WORTHWHILE:
            return False
        if run.place_label == NULL:
            if not self.insisted and (run.n_iter == 0 or not self.may_pay(run)):
                return False
            with gil:
                if not self.insisted and (run.data.floats.order.pilot(run.data, run.forms)
                                          > (HOPEFUL if self.preferred else PROMISING)):
                    run.data.floats.order.patience = 4 * run.data.spent
                    return False
                run.data.floats.arrange(run.data)
            run.data.floats.follow(run)
        if self.paused > 0:
            self.paused -= 1
            return False
        return True

    cdef bint may_pay(self, Run run) noexcept nogil:
        """Whether future assignments will cost more than an order, and past ones have cost so much
        that it should be considered.
        """
        cdef double order = run.data.floats.order.cost(run.data), from_ = 0
        cdef Py_ssize_t d = run.data.rows.d
        cdef double row = run.choice.packing.row_cost(run.forms.c.m, d)
        if run.data.rows.n * row * run.left() < 1.5 * order:
            return False
        if self.preferred:
            from_ = order / 2
        elif d > 3:
            from_ = order + 160.0 * d**3 + WORTH_AN_ORDER
        else:
            from_ = order - run.to_come(row)
        return run.data.spent >= max(from_, run.data.floats.order.patience)

    cdef bint holds_back(self, Run run) noexcept nogil:
        """In up to 3 features boxes come first."""
        return run.data.rows.d <= 3 and run.data.floats.order.patience == 0

    cdef bint reads_all_rows(self) noexcept nogil:
        return False

    cdef int assign(self, Run run) except -1 nogil:
        cdef Py_ssize_t n = run.data.rows.n, d = run.data.rows.d, m = run.forms.c.m
        cdef int64_t before = run.data.threads.counters().filtered
        cdef double cost = assign_cost(m // 4 + 1, d), here = SUPER * PANEL * cost, share
        run.data.threads.room_for_lists(run.k, d)
        run.job.packing = run.choice.packing.panels_for(run, BY_FEATURE)
        run.data.each_chunk(run.data.exact.assign_boxes, &run.job, cost,
                            SUPER * PANEL * max(<Py_ssize_t>1, <Py_ssize_t>(CHUNK_COST / here)))
        run.choice.packing.was_read()
        share = <double>(run.data.threads.counters().filtered - before) / n / m
        if not self.insisted and share > 0.5:
            self.paused = 10
        return 0
