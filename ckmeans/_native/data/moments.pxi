# First and second moments of the columns, for the stopping rule: fast, by a survey within another
# pass, or exact.

cdef double MOST_LOST = 1e-6          # share of a variance that its moments may leave over; else
                                      # these are made anew, without loss
LOST = MOST_LOST


cdef int new_survey(View view, Cuts cuts, Memory memory, Survey *job) except -1:
    """Prepare a survey about the middle of each column; `finish_survey` evaluates it."""
    cdef Py_ssize_t d = view.rows.d, strung = 1, width, f, e
    cdef double *how
    cdef double[4] cut                   # constants of the first moments, then of the second
    cdef double span
    cdef int j
    while view.weight == NULL and view.rows.indptr == NULL and strung < PANEL and strung * d < 32:
        strung *= 2
    width = (strung * d + 7) // 8 * 8
    job.part, job.step, job.room = width, 1, SEEN * width
    if view.rows.indptr != NULL and view.weight == NULL:
        job.part, job.step, job.room = 1, COLUMN, COLUMN * width
    how = <double *>memory.take(COLUMN * width, sizeof(double))
    for f in range(d):
        span = cuts.high_[f] - cuts.low_[f]
        split_constants(cuts.heaviest * span, cuts.terms, cut, 1, 2)
        split_constants(cuts.heaviest * span * span, cuts.terms, cut + 2, 1, 2)
        for e from f <= e < strung * d by d:
            how[e * job.step] = 0.5 * cuts.low_[f] + 0.5 * cuts.high_[f]
            for j in range(4):
                how[(1 + j) * job.part + e * job.step] = cut[j]
    job.rows = &view.rows
    job.weights = view.weight
    job.strung = strung
    job.width = width
    job.how = how
    job.seen = <double *>memory.take(view.n_threads * job.room, sizeof(double))
    job.workers = view.workers
    return 0


cdef int finish_survey(Data data, Survey *job) except -1:
    """Take the variance from a survey that is done; if its middles are far from the means, do it
    again about the means.
    """
    cdef int left = 2
    while evaluate(data, job, <double *>job.how):
        if left == 0:
            data.variance_ = -1
            break
        left -= 1
        memset(job.seen, 0, data.n_threads * job.room * sizeof(double))
        with nogil:
            data.each_chunk(data.exact.survey, job, 0.5 * data.rows.d + 2)
    if not (data.cuts.lost_of_squares()
            <= MOST_LOST * data.variance_ * data.rows.d * data.total_weight()):
        data.variance_ = exact_variance(exact_moments(data))
    return 0


cdef bint evaluate(Data data, const Survey *job, double *how) except -1:
    """Compute the variance from a survey, and move its middle to the mean; returns whether that was
    far away.
    """
    cdef Py_ssize_t d = data.rows.d, part = job.part, step = job.step, f, e
    cdef double *seen = job.seen
    cdef double mean, square, total = data.total_weight(), variance = 0
    cdef bint far = False
    cdef int i, j
    if data.rows.indptr != NULL and data.weight == NULL:
        survey_zeros(data, job)
    for f in range(d):
        # The sums of threads, and of rows that are treated as one, are added to the first.
        for i in range(data.n_threads):
            for e from f <= e < job.strung * d by d:
                if i > 0 or e != f:
                    for j in range(SEEN):
                        seen[j * part + f * step] += seen[i * job.room + j * part + e * step]
        mean = (seen[f * step] + seen[part + f * step]) / total
        square = (seen[2 * part + f * step] + seen[3 * part + f * step]) / total
        variance += max(square - mean * mean, 0.0)
        far = far or mean * mean > 1000 * (square - mean * mean)
        for e from f <= e < job.strung * d by d:
            how[e * step] += mean
    data.variance_ = variance / d
    return far


cdef int survey_zeros(Data data, const Survey *job) noexcept:
    """Add the moments of the zeros that are not stored: many times the same exact terms."""
    cdef Py_ssize_t d = data.rows.d, part = job.part, f
    cdef const double *how = job.how
    cdef double *seen = job.seen
    cdef double term, high, zeros
    cdef int p
    for f in range(d):
        zeros = data.rows.n - data.stored[f]
        term = -how[0]
        for p in range(1, HOW, 2):
            high = (term + how[p * part]) - how[p * part]
            seen[(p - 1) * part] += zeros * high
            seen[p * part] += zeros * (((term - high) + how[(p + 1) * part]) - how[(p + 1) * part])
            term = term * -how[0]
        how += job.step
        seen += job.step
    return 0


cdef struct Moments:
    const Rows *rows
    const double *weights
    ExactTable *exact
    Worker *workers
    Wide *sums                   # INOUT (threads, 2 d + 1) of w, and for each column of w x and of
                                 # w x x


cdef void add_product(Wide *total, double a, double b, Wide *squares) noexcept nogil:
    """Add a * b, and a * b * b to the squares, without rounding."""
    cdef double high = a * b, low = fma(a, b, -high), part
    wide_add(total, high)
    wide_add(total, low)
    part = high * b
    wide_add(squares, part)
    wide_add(squares, fma(high, b, -part))
    part = low * b
    wide_add(squares, part)
    wide_add(squares, fma(low, b, -part))


cdef int moments_pass(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                      int worker) noexcept nogil:
    cdef Moments *job = <Moments *>job_
    cdef const Rows *rows = job.rows
    cdef Py_ssize_t d = rows.d, i, e, f
    cdef Wide *sums = job.sums + worker * (2 * d + 1)
    cdef double *x = <double *>job.workers[worker].block
    cdef double w = 1
    for i in range(start, stop):
        if job.weights != NULL:
            w = job.weights[i]
        if w == 0:
            continue
        wide_add(sums, w)
        if rows.indptr == NULL:
            job.exact.read(rows, i, x)
            for f in range(d):
                add_product(sums + 1 + 2 * f, w, x[f], sums + 2 + 2 * f)
            continue
        for e in range(rows.indptr[i], rows.indptr[i + 1]):
            f = ckm_column(rows.indices, e, d)
            add_product(sums + 1 + 2 * f, w,
                        (<const float *>rows.data)[e] if rows.kind == KIND_F32
                        else (<const double *>rows.data)[e], sums + 2 + 2 * f)
    return 0


def exact_moments(View view not None):
    """Sums of w, and for each column of w x and w x x, not rounded: (2 d + 1, LIMBS) int64; those
    of blocks may be added.
    """
    cdef Memory memory = Memory()
    cdef Py_ssize_t size = 2 * view.rows.d + 1, i
    cdef Moments job
    cdef int worker
    job.rows = &view.rows
    job.weights = view.weight
    job.exact = view.exact
    job.workers = view.workers
    job.sums = <Wide *>memory.take(view.n_threads * size, sizeof(Wide))
    with nogil:
        view.each_chunk(moments_pass, &job,
                        20.0 * (view.rows.d if view.rows.indptr == NULL
                                else view.values_of_a_row()) + 5)
    for i in range(size):
        for worker in range(1, view.n_threads):
            add_wide(job.sums + i, job.sums + worker * size + i)
    return np.array([limbs_of(job.sums + i) for i in range(size)])


def exact_variance(moments):
    """Mean over the columns of their variance, from `exact_moments`, rounded once."""
    weight, *sums = (sum(int(limb) << 32 * i for i, limb in enumerate(limbs)) for limbs in moments)
    above = sum(weight * square - first * first for first, square in zip(sums[::2], sums[1::2]))
    return float(Fraction(above, weight * weight * (len(sums) // 2)))
