# Every row is compared with every center, in the fastest form of the rows (Lloyd 1982).

cdef class AllCenters(Search):
    """The search that always fits, to whose cost that of other searches is compared."""

    cdef bint possible(self, Run run) noexcept:
        return True

    cdef bint always_fits(self) noexcept nogil:
        return True

    cdef int assign(self, Run run) except -1 nogil:
        cdef Py_ssize_t n = run.data.rows.n
        cdef Counters before = run.data.threads.counters(), after
        cdef double cost
        run.job.packing = run.choice.packing.panels_for(run, FASTEST)
        cost = run.choice.packing.pass_cost(run)
        run.data.each_chunk(run.choice.packing.all_centers(run), &run.job, cost,
                            run.choice.packing.chunk_rows(run, cost))
        run.data.spent += n * cost
        after = run.data.threads.counters()
        run.choice.pairs = <double>(after.exact - before.exact) / n
        return run.choice.packing.was_compared(run, <double>(after.decided - before.decided) / n,
                                               run.choice.pairs)
