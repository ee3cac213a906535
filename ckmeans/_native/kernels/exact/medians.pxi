# The pass that looks for medians near the last ones; for rules/medians.pxi. Included by
# kernels/exact/exact.pxi.

cdef int look_between(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                      int worker) noexcept nogil:
    """Count the values of rows [start, stop) that are below `low`, and list those from `low` to
    `high`.
    """
    cdef Bracketing *job = <Bracketing *>job_
    cdef const real *x
    cdef int64_t *below = job.below + worker * job.k * job.rows.d
    cdef Candidate *found = job.found + worker * job.room
    cdef int64_t used = job.used[worker], at
    cdef const double *low
    cdef const double *high
    cdef double value
    cdef uint8_t near_[PANEL]
    cdef uint64_t flags
    cdef Py_ssize_t d = job.rows.d, i, f, first, stop_f, lane
    for i in range(start, stop):
        if not job.active[job.label[i]]:
            continue
        if used + d > job.room:
            used = job.room                   # too many: the medians are found without brackets
            break
        x = fetch(job.rows, i, 1, job.workers[worker].block)
        at = job.label[i] * d
        low = job.low + at
        high = job.high + at
        for f in range(d):
            below[at + f] += x[f] < low[f]
        for first from 0 <= first < d by PANEL:
            stop_f = min(<Py_ssize_t>PANEL, d - first)
            for f in range(stop_f):
                near_[f] = (x[first + f] >= low[first + f]) & (x[first + f] <= high[first + f])
            for f in range(stop_f, (stop_f + 7) // 8 * 8):
                near_[f] = 0
            for f from 0 <= f < stop_f by 8:
                memcpy(&flags, near_ + f, 8)
                if flags == 0:                # few values are near the median
                    continue
                for lane in range(f, min(f + 8, stop_f)):
                    value = x[first + lane]
                    found[used].place = at + first + lane
                    found[used].value = value
                    used += near_[lane]
    job.used[worker] = used
    return 0
