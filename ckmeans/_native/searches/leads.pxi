# One bound for each row proves that most rows keep their label; for metrics other than the
# Euclidean. See kernels/exact/leads.pxi.

cdef class Leads(Search):
    """Begins with the second pass, since the first one packs the rows."""
    cdef Memory memory
    cdef float *lead             # (n,)
    cdef float *fall             # (k,)
    cdef double *then            # (k, d) the centers for which leads were found or lowered last
    cdef bint known              # whether leads are up to date

    cdef bint possible(self, Run run) noexcept:
        return (run.data.packed and run.data.metric != EUCLIDEAN
                and run.data.rows.n < (1 << 31) - PANEL)

    cdef bint fits(self, Run run) noexcept nogil:
        cdef const Packed *packing = run.choice.packing.panels()
        return run.forms.c.filter and packing.panels != NULL and not packing.filling

    cdef bint wants(self, Run run) except -1 nogil:
        cdef Py_ssize_t n = run.data.rows.n, d = run.data.rows.d
        if run.n_iter == 0 or run.forms.c.m < 2:
            return False
        if self.memory is None:
            with gil:
                try:
                    memory = Memory()
                    self.lead = <float *>(<Memory>memory).take(n, sizeof(float))
                    self.fall = <float *>(<Memory>memory).take(run.k, sizeof(float))
                    self.then = <double *>(<Memory>memory).take(run.k * d, sizeof(double))
                    self.memory = memory
                except MemoryError:          # go on as before
                    run.choice.give_up_search(self)
                    return False
        return True

    cdef bint reads_all_rows(self) noexcept nogil:
        return False

    cdef void lost(self) noexcept nogil:
        self.known = False

    cdef void lower(self, Run run) noexcept nogil:
        """Find by how much the centers' movements have lowered leads."""
        cdef Py_ssize_t k = run.k, d = run.data.rows.d, j, f
        cdef double scale = run.job.packing.scale * (1 + 1e-6), moved, step
        cdef double most = 0, second = 0
        cdef Py_ssize_t farthest = 0
        cdef const double *center = run.clusters.center
        for j in range(k):
            moved = 0
            for f in range(d):
                step = fabs(center[j * d + f] - self.then[j * d + f])
                moved += step if run.data.metric == MANHATTAN else step * step
            moved = scale * (moved if run.data.metric == MANHATTAN else sqrt(moved))
            self.fall[j] = <float>moved
            if moved > most:
                second = most
                most = moved
                farthest = j
            elif moved > second:
                second = moved
        for j in range(k):
            self.fall[j] = <float>((self.fall[j] + (second if j == farthest else most))
                                   * (1 + 1e-6))

    cdef int assign(self, Run run) except -1 nogil:
        cdef Py_ssize_t k = run.k, d = run.data.rows.d
        cdef double cost
        run.job.packing = run.choice.packing.panels_for(run, BY_FEATURE)
        cost = run.choice.packing.pass_cost(run)
        if self.known:
            self.lower(run)
        run.job.lead = self.lead
        run.job.fall = self.fall
        run.job.least_lead = <float>(0.25 * d * (d + 3))
        run.job.leads_known = self.known
        self.known = False                   # until it is done: an interrupt leaves some lowered
        run.data.each_chunk(run.data.exact.assign_leads, &run.job, cost if not run.job.leads_known
                            else 5 + cost / 4)
        memcpy(self.then, run.clusters.center, k * d * sizeof(double))
        # Of equal centers only the first was compared: a lead over the others is not known.
        self.known = run.forms.c.m == k
        run.choice.packing.was_read()
        return 0
