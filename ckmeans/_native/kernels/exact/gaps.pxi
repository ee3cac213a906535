# Counts of the values in rows with gaps. Included by kernels/exact/exact.pxi.

cdef int present_in(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                    int worker) noexcept nogil:
    """The number of features of each row that are not NaN, written to the `factor` of the job."""
    cdef Units *job = <Units *>job_
    cdef Py_ssize_t d = job.rows.d, first, count, i, f
    cdef const real *x
    cdef int64_t there
    for first from start <= first < stop by PANEL:
        count = min(<Py_ssize_t>PANEL, stop - first)
        x = fetch(job.rows, first, count, job.workers[worker].block)
        for i in range(count):
            there = 0
            for f in range(d):
                there += x[i * d + f] == x[i * d + f]
            job.factor[first + i] = <double>there
    return 0
