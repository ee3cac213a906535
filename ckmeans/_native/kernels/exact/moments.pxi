# The range of each column, and first and second moments. Included by kernels/exact/exact.pxi.

cdef void scan_span(const real *x, Py_ssize_t length, double *low, double *high, double *tiny,
                    double *bad) noexcept nogil:
    cdef Py_ssize_t e
    cdef double v, size
    for e in range(length):
        v = x[e]
        low[e] = v if v < low[e] else low[e]
        high[e] = v if v > high[e] else high[e]
        size = fabs(v)
        size = size if size > 0 else 1e999
        tiny[e] = size if size < tiny[e] else tiny[e]
        bad[e] += ckm_left(v)                 # NaN for what is not finite


cdef int scan(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
              int worker) noexcept nogil:
    """Smallest and largest value of each column, the smallest magnitude, and whether all are
    finite.
    """
    cdef Scan *job = <Scan *>job_
    cdef Py_ssize_t d = job.rows.d, i, e, count, strung = SPAN // d
    cdef double *low = job.low + worker * d
    cdef double *high = job.high + worker * d
    cdef double *tiny = job.tiny + worker * d
    cdef double *bad = job.bad + worker * d
    cdef double lows[SPAN]
    cdef double highs[SPAN]
    cdef double tinys[SPAN]
    cdef double bads[SPAN]
    cdef const real *x
    # Several narrow rows are treated as one, so that the loop over features is long enough for wide
    # vectors.
    for e in range(strung * d):
        lows[e] = low[e % d]
        highs[e] = high[e % d]
        tinys[e] = tiny[e % d]
        bads[e] = bad[e % d]
    while start < stop:
        count = min(<Py_ssize_t>PANEL, stop - start)
        x = fetch(job.rows, start, count, job.workers[worker].block)
        i = 0
        while strung > 1 and i + strung <= count:
            scan_span(x + i * d, strung * d, lows, highs, tinys, bads)
            i += strung
        while i < count:
            for e from 0 <= e < d by 64 // sizeof(real):
                CKM_PREFETCH_L2(x + (i + 2) * d + e)
            scan_span(x + i * d, d, low, high, tiny, bad)
            i += 1
        start += count
    for e in range(strung * d):
        low[e % d] = min(low[e % d], lows[e])
        high[e % d] = max(high[e % d], highs[e])
        tiny[e % d] = min(tiny[e % d], tinys[e])
        bad[e % d] += bads[e]
    return 0


cdef void survey_lanes(const real *x, Py_ssize_t rows, Py_ssize_t stride, const double *w,
                       const double *how, double *seen,
                       Py_ssize_t width) noexcept nogil:
    """`survey` for one vector of columns, everything in registers.

    how   IN     (HOW, width) see Survey, from the first lane
    seen  INOUT  (SEEN, width)
    """
    cdef vd middle = VD_LOAD(how)
    cdef vd cut0 = VD_LOAD(how + width), cut1 = VD_LOAD(how + 2 * width)
    cdef vd cut2 = VD_LOAD(how + 3 * width), cut3 = VD_LOAD(how + 4 * width)
    cdef vd first0 = VD_LOAD(seen), first1 = VD_LOAD(seen + width)
    cdef vd second0 = VD_LOAD(seen + 2 * width), second1 = VD_LOAD(seen + 3 * width)
    cdef vd value, term, high
    cdef Py_ssize_t i
    for i in range(rows):
        value = load(x + i * stride) - middle
        term = value
        if w != NULL:
            term = VD_SPLAT(w[i]) * value
        high = (term + cut0) - cut0
        first0 = first0 + high
        first1 = first1 + (((term - high) + cut1) - cut1)
        term = term * value
        high = (term + cut2) - cut2
        second0 = second0 + high
        second1 = second1 + (((term - high) + cut3) - cut3)
    VD_STORE(seen, first0)
    VD_STORE(seen + width, first1)
    VD_STORE(seen + 2 * width, second0)
    VD_STORE(seen + 3 * width, second1)


cdef void survey_one(double value, double w, const double *how, double *seen,
                     Py_ssize_t width) noexcept nogil:
    """`survey_lanes` for one value of one column."""
    cdef double term, high
    cdef int p
    value = value - how[0]
    term = w * value
    for p in range(1, HOW, 2):
        high = (term + how[p * width]) - how[p * width]
        seen[(p - 1) * width] += high
        seen[p * width] += ((term - high) + how[(p + 1) * width]) - how[(p + 1) * width]
        term = term * value


cdef int survey(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                int worker) noexcept nogil:
    """First and second moments of the columns."""
    cdef Survey *job = <Survey *>job_
    cdef Py_ssize_t d = job.rows.d, length = job.strung * d, width = job.width, count, strings, i, e
    cdef Py_ssize_t b
    cdef double *seen = job.seen + worker * SEEN * width
    cdef const real *x
    cdef const double *w = NULL
    cdef real tail[PANEL * VDL]
    while start < stop:
        # Few wide rows at a time, which must stay in L1; of sparse rows, as many as the block has
        # room for.
        count = min(<Py_ssize_t>(PANEL if job.strung > 1 else 16 if job.rows.indptr == NULL
                                 else CSR_ROWS), stop - start)
        x = fetch(job.rows, start, count, job.workers[worker].block)
        if job.weights != NULL:
            w = job.weights + start
        strings = count // job.strung
        for e from 0 <= e < length by VDL:
            if e + VDL <= length:
                survey_lanes(x + e, strings, length, w, job.how + e, seen + e, width)
            else:                             # columns that do not fill a vector; the lanes past
                                              # them fall into the padding
                for i in range(strings):
                    for b in range(VDL):
                        tail[i * VDL + b] = x[i * length + e + b] if e + b < length else 0
                survey_lanes(tail, strings, VDL, w, job.how + e, seen + e, width)
        for i in range(strings * job.strung, count):
            for e in range(d):
                survey_one(x[i * d + e], 1 if w == NULL else w[i], job.how + e, seen + e, width)
        start += count
    return 0
