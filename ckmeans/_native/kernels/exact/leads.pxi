# Assignment by one bound for each row: its lead, by which any other center is farther away than its
# own. Included by kernels/exact/exact.pxi.
#
# When centers move, by m_j each, a lead falls by at most m_a + max m_j over j != a, for rows with
# center a (Hamerly, SDM 2010): the triangle inequality holds for Manhattan distances, and
# for Euclidean distances over the features that a row has, which do not exceed those over all. A
# row whose lead stays above 0 keeps its label. The others are gathered into a panel for the filter,
# and what that leaves undecided is decided by exact arithmetic, as everywhere.
#
# Leads are float32, in the scale of packed rows, and rounded down at every step. `least_lead`
# covers the rounding of the exact distances, which decide: both are less than d 2**48 in that
# scale (SCALED_EXPONENT), and off by less than (d + 3) 2**-52 of that.

cdef inline void weaken(const Assign *job, Py_ssize_t first, Py_ssize_t count) noexcept nogil:
    """Lower the leads of rows for the centers as they are now."""
    cdef Py_ssize_t i
    for i in range(count):
        job.lead[first + i] = (job.lead[first + i] * (<float>1 - <float>3e-7)
                               - job.fall[job.labels[first + i]])


cdef inline void find_leads(const float *seen, const float *norms, uint64_t unsure,
                            const Centers *centers, Py_ssize_t d, float *lead) noexcept nogil:
    """The leads (PANEL,) of rows that the filter has just compared with all centers.

    Scores differ by as much as distances, up to the margin by which a winner is proved (`judge` in
    kernels/filter/filter.pxi); squared ones are that plus the squared norm. That of rows with
    missing values includes 1 for each value.
    """
    cdef Py_ssize_t i
    cdef float margin, low, high
    for i in range(PANEL):
        margin = (centers.guard_norm * norms[i] + centers.guard_score * seen[i]
                  + centers.guard_floor)
        if CKM_MANHATTAN:
            lead[i] = (seen[PANEL + i] - seen[i]) * (<float>1 - <float>3e-7) - margin
        else:
            margin = margin + <float>4e-6 * norms[i] + <float>2 * <float>d
            high = seen[PANEL + i] + norms[i] - margin
            low = seen[i] + norms[i] + margin
            high = high if high > 0 else <float>0
            low = low if low > 0 else <float>0
            lead[i] = (sqrtf(high) * (<float>1 - <float>1e-6)
                       - sqrtf(low) * (<float>1 + <float>1e-6))
    while unsure:
        lead[CKM_CTZ64(unsure)] = -1
        unsure &= unsure - 1


cdef void compare_listed(const Assign *job, Worker *me, const Centers *centers,
                         const int32_t *rows, Py_ssize_t count) noexcept nogil:
    """Compare up to PANEL rows with all centers.

    rows  IN  (PANEL,), padded with any of them
    """
    cdef Py_ssize_t width = packed_width(job.packing, job.rows.d), i, f
    cdef Assign listed = job[0]
    cdef Boxes places
    cdef const float *from_
    cdef float norms[PANEL]
    cdef float lead[PANEL]
    cdef int32_t old[PANEL]
    cdef int32_t label[PANEL]
    cdef int32_t best[PANEL]
    cdef uint64_t unsure, changed, rows_here = all_rows(count)
    for i in range(PANEL):
        from_ = (job.packing.panels + rows[i] // PANEL * PANEL * width + rows[i] % PANEL)
        for f in range(width):
            me.panel[f * PANEL + i] = from_[f * PANEL]
        norms[i] = job.packing.sq_norms[rows[i]]
        old[i] = label[i] = job.labels[rows[i]]
    job.filter.panel(me.panel, norms, width, centers, old, best, &unsure, &changed)
    find_leads(centers.seen, norms, unsure, centers, job.rows.d, lead)
    for i in range(count):
        job.lead[rows[i]] = lead[i]
    unsure &= rows_here
    changed &= rows_here
    if unsure | changed:
        places.order = rows
        listed.boxes = &places
        listed.labels = label
        settle(&listed, me, centers, 0, count, old, best, unsure, changed)
        for i in range(count):
            job.labels[rows[i]] = label[i]


cdef int assign_leads(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                      int worker) noexcept nogil:
    """Labels of rows [start, stop): those whose leads are used up against every center. Their
    panels are kept.
    """
    cdef Assign *job = <Assign *>job_
    cdef Worker *me = job.workers + worker
    cdef Centers centers = job.centers[0]
    cdef Py_ssize_t width = packed_width(job.packing, job.rows.d), first, count, waiting = 0, i
    cdef float seen[2 * PANEL]
    cdef float lead[PANEL]
    cdef int32_t rows[2 * PANEL]
    cdef int32_t old[PANEL]
    cdef int32_t best[PANEL]
    cdef uint64_t unsure, changed, rows_here
    cdef Py_ssize_t before
    cdef float *norms
    centers.seen = seen
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        before = waiting
        if job.leads_known:
            weaken(job, first, count)
            for i in range(count):
                rows[waiting] = <int32_t>(first + i)
                waiting += not job.lead[first + i] > job.least_lead
        if not job.leads_known or 2 * (waiting - before) > count:
            waiting = before                  # so many that the panel is compared as it is
            rows_here = all_rows(count)
            labels_at(job, first, count, old)
            norms = job.packing.sq_norms + first
            job.filter.panel(job.packing.panels + first * width, norms, width, &centers, old, best,
                             &unsure, &changed)
            find_leads(seen, norms, unsure, &centers, job.rows.d, lead)
            memcpy(job.lead + first, lead, count * sizeof(float))
            unsure &= rows_here
            changed &= rows_here
            me.counters.filtered += count * centers.m
            if unsure | changed:
                settle(job, me, &centers, first, count, old, best, unsure, changed)
        elif waiting >= PANEL:
            compare_listed(job, me, &centers, rows, PANEL)
            me.counters.filtered += PANEL * centers.m
            waiting -= PANEL
            memcpy(rows, rows + PANEL, waiting * sizeof(int32_t))
    if waiting > 0:
        for i in range(waiting, PANEL):
            rows[i] = rows[0]
        compare_listed(job, me, &centers, rows, waiting)
        me.counters.filtered += waiting * centers.m
    return 0
