# Blocks: one pass over some rows of a larger whole. Sums are cut as for the whole, so the sums of
# all blocks, added in any order, have the bits of one pass over the whole.

SPARE_RANGE = SPARE


cdef struct BlockPass:           # IN unless marked
    Assign assign
    Measure measure              # done while the rows are at hand; its `labels` are those of
                                 # `assign`
    bint measured
    bint checked
    ChunkFn way                  # how rows are assigned
    ExactTable *exact
    uint64_t start               # of the block's first row, among all rows
    uint64_t *checks             # INOUT (threads, 8) a checksum of (row, label), its two words
                                 # first


cdef inline void add_check(uint64_t *check, uint64_t row, int32_t label) noexcept nogil:
    """Add a row's label to a checksum: two rounds of a multiplicative mix; sums of such codes do
    not depend on the order of the rows.
    """
    cdef uint64_t code = (row + 1) * 0x9E3779B97F4A7C15ULL + <uint64_t>label
    code = (code ^ (code >> 32)) * 0xD6E8FEB86659FD93ULL
    code = (code ^ (code >> 29)) * 0xBF58476D1CE4E5B9ULL
    check[0] += code ^ (code >> 32)
    check[1] += (code ^ (code >> 31)) * 0x94D049BB133111EBULL


cdef int block_pass(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                    int worker) noexcept nogil:
    """Assign rows, and take the checksum of their labels and their distances."""
    cdef BlockPass *job = <BlockPass *>job_
    cdef const int32_t *labels = job.assign.labels
    cdef uint64_t *check = job.checks + 8 * worker
    cdef Py_ssize_t i
    job.way(&job.assign, start, stop, chunk, worker)
    for i in range(start, stop if job.checked else start):
        add_check(check, job.start + <uint64_t>i, labels[i])
    if job.measured:
        job.exact.measure(&job.measure, start, stop, chunk, worker)
    return 0


def scan_block(Data data not None):
    """Range and smallest magnitude but zero of each column, and whether all values are finite:
    (low, high, tiny, finite).
    """
    cdef cnp.ndarray tiny = np.empty(data.rows.d)
    memcpy(cnp.PyArray_DATA(tiny), data.need_cuts().tiny, data.rows.d * sizeof(double))
    return data.low, data.high, tiny, data.finite


cdef Cuts cuts_of(tuple whole, Py_ssize_t d, Kind kind, bint weighted):
    """The cuts of sums over a whole of d columns; whole: rows, low, high, tiny (d,), largest and
    smallest positive weight.
    """
    cdef Cuts cuts = Cuts(d)
    cdef cnp.ndarray low, high, tiny
    rows, low, high, tiny, heaviest, lightest = whole
    memcpy(cuts.low_, values_of(low, cnp.NPY_FLOAT64, "low", 1, d), d * sizeof(double))
    memcpy(cuts.high_, values_of(high, cnp.NPY_FLOAT64, "high", 1, d), d * sizeof(double))
    memcpy(cuts.tiny, values_of(tiny, cnp.NPY_FLOAT64, "tiny", 1, d), d * sizeof(double))
    cuts.terms, cuts.heaviest, cuts.lightest, cuts.weighted = rows, heaviest, lightest, weighted
    cuts.narrow, cuts.integers = kind == KIND_F32, kind >= KIND_I8
    return cuts


cdef Cuts cuts_for(View view, tuple whole):
    """The same, for a block of the whole."""
    return cuts_of(whole, view.rows.d, view.rows.kind, view.weight != NULL)


def block_cut(tuple whole not None, dtype, bint weighted):
    """How sums over a whole of this type are cut: constants for the columns (parts, d) and for the
    weights (weight_parts,).
    """
    cdef Cuts cuts = cuts_of(whole, len(whole[1]), kind_of(dtype), weighted)
    cdef cnp.ndarray big, weight_big
    cuts.cut()
    big = np.empty((cuts.sums.parts, cuts.d))
    weight_big = np.empty(cuts.sums.weight_parts)
    memcpy(cnp.PyArray_DATA(big), cuts.sums.big, big.nbytes)
    memcpy(cnp.PyArray_DATA(weight_big), cuts.sums.weight_big, weight_big.nbytes)
    return big, weight_big


def block_lost(tuple whole not None):
    """`Cuts.lost_of_squares` of the whole."""
    return cuts_of(whole, len(whole[1]), KIND_F64, False).lost_of_squares()


def block_bound(tuple whole not None, cnp.ndarray centers not None):
    """An upper bound of all weighted squared distances in the whole."""
    cdef Cuts cuts = cuts_of(whole, len(whole[1]), KIND_F64, False)
    return cuts.farthest(rows_of(centers, "centers", cuts.d), centers.shape[0])


def block_squares(Data data not None, tuple whole not None, cnp.ndarray centers not None,
                  cnp.ndarray labels not None):
    """`Data.squares` of a block."""
    return squares_of(data, cuts_for(data, whole), centers, labels) if data.rows.n else np.empty(0)


def assign_block(Data data not None, tuple whole not None, cnp.ndarray centers not None,
                 cnp.ndarray labels not None, uint64_t start,
                 middle, double bound, bint checked=True):
    """Assign the rows of a block, and sum them up, all in one pass.

    Parameters
    ----------
    data : Data
        The block's rows; need not have been scanned.
    whole : tuple
        Rows, low, high, tiny (d,), largest and smallest positive weight of the whole.
    centers : ndarray of shape (k, d), float64, C-contiguous
    labels : ndarray of shape (n,), int32
        INOUT: the labels that the rows had, -1 for none.
    start : int
        Position of the block's first row in the whole.
    middle : ndarray of shape (d,) or None
        The point about which moments of the columns are taken, if they are.
    bound : float
        Upper bound of the weighted squared distances; below 0: they are not summed.

    Returns
    -------
    sums (k, parts, d), weights (k, weight_parts), counts (k,) : of the rows whose label changed,
    added to the new and taken from the old changed : int check : (2,) uint64, of all labels; zero
    unless `checked` moments : (SEEN, d) or None inertia : (LIMBS,) int64, see `limbs_value`
    """
    cdef Memory memory = Memory()
    cdef Py_ssize_t k = centers.shape[0], d = data.rows.d, parts, f, j, e, size
    cdef int threads = data.n_threads, i, p
    cdef Cuts cuts = cuts_for(data, whole)
    cdef CenterForms forms = CenterForms(k, d)
    cdef const double *rows = rows_of(centers, "centers", d)
    cdef int32_t *label = labels_of(labels, data.rows.n, k, memory, -1)
    cdef const double *about = NULL
    cdef double *to
    cdef double *more_sums
    cdef double *more_weights
    cdef int64_t *more_counts
    cdef uint8_t *touched
    cdef int weight_parts
    cdef Floats packing = Floats()
    cdef BlockPass job
    cdef Survey survey
    cdef Tally *tally
    cdef cnp.ndarray sums, weights, counts, check, moments = None
    if not cnp.PyArray_ISWRITEABLE(labels):
        raise ValueError("labels are written to, and these are read-only.")
    if data.rows.indptr != NULL:
        raise ValueError("blocks are of dense rows.")
    cuts.cut()
    parts = cuts.sums.parts
    weight_parts = cuts.sums.weight_parts
    size = parts * d
    packing.open_amid(cuts, rows, k)
    forms.prepare(rows, &packing.packed, packing.filter, False)
    assign_job(data, &job.assign, forms, label)
    job.assign.packing = &packing.packed
    job.assign.sums = &cuts.sums
    if middle is not None:
        about = <const double *>values_of(<cnp.ndarray?>middle, cnp.NPY_FLOAT64, "middle", 1, d)
        new_survey(data, cuts, memory, &survey)
        to = <double *>survey.how
        for e in range(survey.strung * d):
            to[e] = about[e % d]
        job.assign.survey = &survey
    job.exact = data.exact
    job.way = data.exact.assign
    job.start = start
    job.checks = <uint64_t *>memory.take(8 * threads, sizeof(uint64_t))
    job.measured = bound >= 0
    job.checked = checked
    job.measure.rows = &data.rows
    job.measure.weights = data.weight
    job.measure.centers = rows
    job.measure.labels = job.assign.labels
    job.measure.sq_distances = NULL
    job.measure.workers = data.workers
    job.measure.totals = <Sum *>memory.take(threads, sizeof(Sum))
    job.measure.rests = <Wide *>memory.take(threads, sizeof(Wide))
    if job.measured:
        split_constants(bound, cuts.terms, job.measure.split.big, 1)
    sums = np.zeros((k, parts, d))
    weights = np.zeros((k, weight_parts))
    counts = np.zeros(k, dtype=np.int64)
    check = np.zeros(2, dtype=np.uint64)
    more_sums = <double *>memory.take((threads - 1) * k * size, sizeof(double))
    more_weights = <double *>memory.take((threads - 1) * k * weight_parts, sizeof(double))
    more_counts = <int64_t *>memory.take((threads - 1) * k, sizeof(int64_t))
    # apart, or threads would write to the same cache line
    touched = <uint8_t *>memory.take(threads * (k + 64), 1)
    for i in range(threads):                 # the calling thread adds to the results themselves
        tally = &data.workers[i].tally
        tally.sums = <double *>cnp.PyArray_DATA(sums) if i == 0 else more_sums + (i - 1) * k * size
        tally.weights = (<double *>cnp.PyArray_DATA(weights) if i == 0
                         else more_weights + (i - 1) * k * weight_parts)
        tally.counts = <int64_t *>cnp.PyArray_DATA(counts) if i == 0 else more_counts + (i - 1) * k
        tally.touched = touched + i * (k + 64)
        data.workers[i].changed = 0
    with nogil:
        data.each_chunk(block_pass, &job, assign_cost(k, d) + 0.7 * d)
    memcpy(cnp.PyArray_DATA(labels), label, data.rows.n * sizeof(int32_t))
    changed = data.workers[0].changed
    for i in range(1, threads):
        tally = &data.workers[i].tally
        changed += data.workers[i].changed
        add_into(<double *>cnp.PyArray_DATA(sums), tally.sums, k * size)
        add_into(<double *>cnp.PyArray_DATA(weights), tally.weights, k * weight_parts)
        for j in range(k):
            (<int64_t *>cnp.PyArray_DATA(counts))[j] += tally.counts[j]
    for i in range(threads):
        for p in range(2):
            (<uint64_t *>cnp.PyArray_DATA(check))[p] += job.checks[8 * i + p]
    if middle is not None:
        moments = np.zeros((SEEN, d))
        to = <double *>cnp.PyArray_DATA(moments)
        for i in range(threads):
            for p in range(SEEN):
                for e in range(survey.strung * d):
                    to[p * d + e % d] += survey.seen[(i * SEEN + p) * survey.width + e]
    gather(&job.measure, threads)
    return sums, weights, counts, changed, check, moments, limbs_of(job.measure.rests)


cdef void add_into(double *to, const double *terms, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        to[i] += terms[i]


# -- draws -----------------------------------------------------------------------------------------

cdef struct Codes:
    const Rows *rows
    ExactTable *exact
    Worker *workers
    uint64_t *code               # OUT (n,)


cdef int code_rows(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                   int worker) noexcept nogil:
    cdef Codes *job = <Codes *>job_
    cdef Py_ssize_t i
    for i in range(start, stop):
        job.code[i] = job.exact.hash_row(job.rows, i, job.workers[worker].block)
    return 0


def block_codes(Data data not None):
    """The hash of each row, in whose order rows are drawn: (n,) uint64."""
    cdef cnp.ndarray out = np.empty(data.rows.n, dtype=np.uint64)
    cdef Codes job
    job.rows = &data.rows
    job.exact = data.exact
    job.workers = data.workers
    job.code = <uint64_t *>cnp.PyArray_DATA(out)
    with nogil:
        data.each_chunk(code_rows, &job, 2.0 * data.rows.d + 5)
    return out


cdef struct SeedBlock:           # two steps of k-means++, while the rows are at hand
    Seeding take                 # the new center
    Seeding trial                # the next candidates
    bint taking, weigh_taken, weigh_trial
    ExactTable *exact


cdef int seed_block(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                    int worker) noexcept nogil:
    cdef SeedBlock *job = <SeedBlock *>job_
    if job.weigh_taken:
        job.exact.weigh(&job.take, start, stop, chunk, worker)
    if job.taking:
        job.exact.seed(&job.take, start, stop, chunk, worker)
    if job.weigh_trial:
        job.exact.weigh(&job.trial, start, stop, chunk, worker)
    return job.exact.seed(&job.trial, start, stop, chunk, worker)


cdef int seed_candidates(View view, Seeding *job, CenterForms forms, const Packed *packing,
                         cnp.ndarray near, const double *rows, bint filter,
                         Memory memory) except -1:
    """A step over all rows, or over those that the filter leaves."""
    cdef Py_ssize_t m = forms.c.k, j
    cdef Py_ssize_t *column
    forms.prepare(rows, packing, filter, True)
    seeding_job(view, job, packing, <double *>cnp.PyArray_DATA(near), NULL, 0)
    job.candidates = &forms.c
    job.totals = <Sum *>memory.take(view.n_threads * m, sizeof(Sum))
    if forms.c.filter:
        job.gains = <double *>memory.take(view.n_threads * m * GAIN, sizeof(double))
        column = <Py_ssize_t *>memory.take(m, sizeof(Py_ssize_t))
        for j in range(m):
            column[j] = j
        job.column = column
        job.width = m
    return 0


def block_potentials(Data data not None, tuple whole not None, cnp.ndarray near not None,
                     cnp.ndarray new not None,
                     cnp.ndarray candidates not None, cnp.ndarray closer not None,
                     Py_ssize_t column, bucket, Py_ssize_t buckets,
                     double bound):
    """Take a new center, and compute by how much each of the next candidates would change the
    potential, bucket by bucket.

    near        INOUT (n,) squared distance of each row to the nearest center so far, infinite
                before the first
    new         (0 or 1, d)
    candidates  (m, d)
    closer      INOUT (panels, m) uint64: rows to which the last candidates may be closer, then
                the same for these
    column      of the new center among the last candidates; -1: it is not in `closer`
    bucket      (n,) uint16
    bound       upper bound of the potential's terms

    Returns
    -------
    changes (m, buckets, SUM_PARTS) : exact sums
    noted : bool
        Whether `closer` holds anything.
    """
    cdef Memory memory = Memory()
    cdef Py_ssize_t m = candidates.shape[0], d = data.rows.d, f
    cdef double *origin = <double *>memory.take(d, sizeof(double))
    cdef CenterForms forms = CenterForms(m, d), new_forms = CenterForms(1, d)
    cdef cnp.ndarray out = np.zeros((m, buckets, SUM_PARTS))
    cdef Cuts cuts = cuts_for(data, whole)
    cdef bint filter
    cdef Floats packing = Floats()
    cdef SeedBlock job
    cdef Py_ssize_t panels = (data.rows.n + PANEL - 1) // PANEL
    cdef const uint16_t *at
    cdef int i
    if data.rows.n == 0:
        return out, False
    values_of(near, cnp.NPY_FLOAT64, "near", 1, data.rows.n)
    values_of(new, cnp.NPY_FLOAT64, "new", 2, -1, d)
    values_of(candidates, cnp.NPY_FLOAT64, "candidates", 2, m, d)
    values_of(closer, cnp.NPY_UINT64, "closer", 2, panels, m if m else -1)
    check_index(column + 1, m + 1, "candidate")          # -1 is one
    if (not (cnp.PyArray_ISWRITEABLE(near) and cnp.PyArray_ISWRITEABLE(closer))
        or data.rows.indptr != NULL):
        raise ValueError("near and closer are written to, of dense rows.")
    at = <const uint16_t *>values_of(<cnp.ndarray?>bucket, cnp.NPY_UINT16, "bucket", 1, data.rows.n)
    for f in range(data.rows.n):
        check_index(at[f], buckets, "bucket")
    memset(&job, 0, sizeof(SeedBlock))
    for f in range(d):
        origin[f] = 0.5 * cuts.low_[f] + 0.5 * cuts.high_[f]
    packing.open_around(cuts, origin)
    # (Infinite limits rule out nothing.)
    filter = packing.filter and (<const double *>cnp.PyArray_DATA(near))[0] != INFINITY
    job.exact = data.exact
    job.taking = new.shape[0] > 0
    if job.taking:
        seed_candidates(data, &job.take, new_forms, &packing.packed, near,
                        <const double *>cnp.PyArray_DATA(new), filter, memory)
        job.take.keep = True
        split_constants(bound, cuts.terms, job.take.split.big, 1)
        if column >= 0:
            job.take.closer = <uint64_t *>cnp.PyArray_DATA(closer)
            job.take.width = m
            job.take.column = &column
        elif new_forms.c.filter:
            job.weigh_taken = True
            job.take.closer = <uint64_t *>memory.take((data.rows.n + PANEL - 1) // PANEL,
                                                      sizeof(uint64_t))
    seed_candidates(data, &job.trial, forms, &packing.packed, near,
                    <const double *>cnp.PyArray_DATA(candidates), filter, memory)
    job.trial.bucket = at
    job.trial.buckets = buckets
    job.trial.binned = True
    job.trial.bucket_totals = <Sum *>memory.take(data.n_threads * m * buckets, sizeof(Sum))
    job.trial.closer = <uint64_t *>cnp.PyArray_DATA(closer)
    job.weigh_trial = forms.c.filter
    split_constants(bound, cuts.terms, job.trial.split.big, 1)
    with nogil:
        data.each_chunk(seed_block, &job, 2 + 1.5 * d + assign_cost(m, d))
    for i in range(data.n_threads):
        add_into(<double *>cnp.PyArray_DATA(out),
                 <double *>(job.trial.bucket_totals + i * m * buckets), m * buckets * SUM_PARTS)
    return out, bool(forms.c.filter)
