# Passes over the rows with centers that are given: labels, distances, inertia, means.

cdef enum:
    MOST_WALKED = 250000         # features times threads up to which there is room for walks, 150
                                 # bytes each
    FEW = 16                     # rows below which centers are not put in the forms that fast
                                 # kernels read


cdef void assign_job(View view, Assign *job, CenterForms forms, int32_t *labels):
    job.rows = &view.rows
    job.weights = view.weight
    job.packing = NULL
    job.centers = &forms.c
    job.sums = NULL
    job.survey = NULL
    job.boxes = NULL
    job.bounds = NULL
    job.bytes = NULL
    job.heads = NULL
    job.byte_centers = NULL
    job.others = NULL
    job.sq_own, job.still = NULL, NULL
    job.filter = view.filter
    job.labels = labels
    job.workers = view.workers


cdef bint scale_amid(Packed *packing, const double *centers, Py_ssize_t k, Py_ssize_t d,
                     double largest) noexcept:
    """`scale_near` for rows that are like these centers (k, d)."""
    cdef double[MIDDLE_ROWS] sizes
    cdef Py_ssize_t i
    for i in range(MIDDLE_ROWS):
        sizes[i] = farthest_value(centers + drawn_place(i, k) * d, 1, d, packing.origin)
        if none_is_near(sizes, i + 1, largest):
            return False
    return scale_near(packing, median_of(sizes), largest)


cdef bint label_rows(View view, const double *rows, CenterForms forms, int32_t *labels,
                     bint quantise, bint in_bytes=False) except -1:
    """Label rows, which need not have been scanned, by the nearest of these centers (k, d); returns
    whether some rows must be checked.

    rows      IN  (k, d) centers as they are used
    forms     room for them
    quantise  whether rows may be put in bytes or whole numbers on the way
    in_bytes  whether they must be, in bytes
    """
    cdef Py_ssize_t k = forms.c.k, d = view.rows.d
    cdef bint few = view.rows.n < FEW
    cdef Memory memory = Memory()
    cdef double *origin = <double *>memory.take(d, sizeof(double))
    cdef double largest = 0
    cdef bint filter = True
    cdef Packed packing
    cdef Assign job
    memset(labels, 0xff, view.rows.n * sizeof(int32_t))
    memset(&packing, 0, sizeof(Packed))
    packing.origin = origin
    packing.gaps = view.metric == GAPS
    if view.rows.indptr == NULL and not few:
        middle_of(rows, k, d, origin)
    elif not few and forms.reach == 0:       # (otherwise forms are kept between calls)
        dense_middle(view, memory, &packing, origin)
    round_origin(origin, d, view.narrow)
    if not few:
        largest = forms.reach if forms.reach > 0 else 1024 * farthest_value(rows, k, d, origin)
    # Rows may be farther from the origin than centers; if a row overflows float32, exact arithmetic
    # decides. (It needs no removal of equal centers, which would take longer than a few rows.)
    if (few or view.rows.indptr != NULL or view.metric != EUCLIDEAN
        or not scale_amid(&packing, rows, k, d, largest / 1024)):
        filter = choose_scale(&packing, largest) and not few
    forms.prepare(rows, &packing, filter, few)
    assign_job(view, &job, forms, labels)
    job.packing = &packing
    view.threads.room_for_scores(forms.c.groups * forms.c.width)
    if not forms.c.filter or view.rows.indptr != NULL or packing.clamped:
        quantise = in_bytes = False
    quantise = quantise and k >= WORTH_QUANTISING
    if (view.metric == EUCLIDEAN and d <= BYTE_FEATURES
        and (in_bytes or quantise and d >= view.filter.bytes_from
             and passing_cost(k, d) < 0.7 * d + min(quanta_cost(k, d), brute_cost(k, d)))):
        view.threads.begin()
        assign_passing(view, &job, forms)
        return view.threads.overflow()
    if quantise and d >= view.filter.quanta_from:
        worst_of_quanta(&packing, d)
        view.threads.room_for_sieves(k, PANEL)
        forms.use_quanta()
        forms.quantise(&packing)
        job.centers = &forms.quantised
    view.threads.begin()
    with nogil:
        view.each_chunk(view.exact.assign, &job, view.assign_cost(k) + 0.7 * d)
    return ((view.any_odd() if few and view.rows.indptr == NULL else not forms.c.filter)
            or view.threads.overflow())


cdef void gather(Measure *job, int threads) noexcept nogil:
    """Add the sums of all threads to the `rests` of the first one."""
    cdef int i
    for i in range(threads):
        if i > 0:
            add_wide(job.rests, job.rests + i)
        widen(job.rests, job.totals + i, 1)


cdef double gathered(Measure *job, int threads) noexcept nogil:
    """The value of the sums of all threads."""
    cdef Sum total
    cdef int i, p
    for i in range(threads):
        if job.rests[i].room != 0:            # a term had a remainder
            gather(job, threads)
            return wide_value(job.rests)
    memset(&total, 0, sizeof(Sum))
    for i in range(threads):
        for p in range(SUM_PARTS):
            total.part[p] += job.totals[i].part[p]
    return sum_value(total.part, 1, SUM_PARTS)


cdef const int64_t *by_label(const int32_t *labels, Py_ssize_t n, Py_ssize_t k,
                             const int64_t **ends, Memory memory) except NULL:
    """The rows, label by label.

    ends  OUT  (k,) where each label ends
    """
    cdef int64_t *order = <int64_t *>memory.take(n, sizeof(int64_t))
    cdef int64_t *start = <int64_t *>memory.take(k + 1, sizeof(int64_t))
    cdef Py_ssize_t i, j
    for i in range(n):
        start[labels[i] + 1] += 1
    for j in range(k):
        start[j + 1] += start[j]
    for i in range(n):
        order[start[labels[i]]] = i
        start[labels[i]] += 1
    ends[0] = start
    return order


cdef double measure(View view, Cuts cuts, const double *centers, Py_ssize_t k,
                    const int32_t *labels, double *sq_distances) except -1:
    """The inertia of labels, to centers as they are used, and each row's squared distance where
    there is room for it.
    """
    cdef Memory memory = Memory()
    cdef Measure job
    cdef double cost = 0.7 * view.rows.d + 3
    job.rows = &view.rows
    job.weights = view.given_weight
    job.centers = centers
    job.labels = labels
    job.sq_distances = sq_distances
    job.workers = view.workers
    job.totals = <Sum *>memory.take(view.n_threads, sizeof(Sum))
    job.rests = <Wide *>memory.take(view.n_threads, sizeof(Wide))
    split_constants(cuts.farthest(centers, k, view.metric), cuts.terms, job.split.big, 1)
    if view.rows.indptr != NULL:
        job.order = by_label(labels, view.rows.n, k, &job.ends, memory)
        cost = view.csr_cost(1)
        job.walks = (view.rows.n >= 64 and THIN * view.values_of_a_row() <= view.rows.d
                     and view.n_threads * view.rows.d <= MOST_WALKED)
        if job.walks:
            room_for_walks(view, memory)
            cost = 150 + 4 * view.values_of_a_row()
    with nogil:
        view.each_chunk(view.exact.measure, &job, cost)
    return (0.5 if view.unit else 1) * gathered(&job, view.n_threads)


cdef cnp.ndarray squares_of(View view, Cuts cuts, cnp.ndarray centers, cnp.ndarray labels):
    """`Data.squares`."""
    cdef Memory memory = Memory()
    cdef cnp.ndarray out = np.empty(view.rows.n)
    cdef const double *rows = rows_of(centers, "centers", view.rows.d)
    cdef Py_ssize_t k = centers.shape[0]
    measure(view, cuts, rows, k, labels_of(labels, view.rows.n, k, memory),
            <double *>cnp.PyArray_DATA(out))
    return out


cdef int room_for_walks(View view, Memory memory) except -1:
    cdef Py_ssize_t room = view.rows.d + 1
    cdef int slots = view.exact.walk_slots, i
    cdef int32_t *rank = <int32_t *>memory.take(view.n_threads * room, sizeof(int32_t), True)
    cdef double *values = <double *>memory.take(view.n_threads * 2 * room, sizeof(double), True)
    cdef int64_t *steps = <int64_t *>memory.take(view.n_threads * slots * room, sizeof(int64_t),
                                                 True)
    cdef Walk *walk
    for i in range(view.n_threads):
        walk = &view.workers[i].csr.walk
        walk.label = -1
        walk.rank = rank + i * room
        walk.values = values + 2 * i * room
        walk.sums = walk.values + room
        walk.steps = steps + i * slots * room
        walk.room = room
    return 0


cdef double total_squares(View view, Cuts cuts) except -1:
    """Weighted sum of the rows' squared norms, exact and rounded once."""
    cdef Memory memory = Memory()
    cdef Py_ssize_t n = view.rows.n, i
    cdef double w = 1
    cdef Wide total
    if view.rows.indptr == NULL:
        return measure(view, cuts, <double *>memory.take(view.rows.d, sizeof(double)), 1,
                       <int32_t *>memory.take(n, sizeof(int32_t)), NULL)
    view.need_squares()
    memset(&total, 0, sizeof(Wide))
    for i in range(n):
        w = view.weight[i] if view.weight != NULL else 1
        wide_add(&total, w * view.squares_[i])
    return wide_value(&total)


cdef cnp.ndarray all_distances(View view, cnp.ndarray centers, bint in_order):
    """`Data.distances`; `threads.overflow` tells whether some rows must be checked."""
    cdef const double *rows = rows_of(centers, "centers", view.rows.d)
    cdef Py_ssize_t k = centers.shape[0], d = view.rows.d
    cdef Memory memory = Memory()
    cdef bint csr = view.rows.indptr != NULL, filter = view.narrow and worth_roots(view.rows.n, d)
    cdef bint plain = view.metric == EUCLIDEAN
    cdef bint thin = not view.narrow and not in_order and d >= THIN_FROM
    cdef CenterForms forms
    cdef cnp.ndarray out = np.empty((view.rows.n, k),
                                    dtype=np.float32 if view.single else np.float64)
    cdef Transform job
    cdef Shifted shifted
    cdef Thin thins
    cdef Packed unpacked
    cdef double cost = 0.2 * k * (d + 5) if not csr else view.csr_cost(k)
    cdef int i
    filter = filter and plain
    thin = thin and plain
    rows = view.used(rows, k, memory)
    forms = CenterForms(k, d, not filter and view.rows.n > 4, view.most_values)
    memset(&unpacked, 0, sizeof(Packed))
    forms.prepare(rows, &unpacked, False, True)
    memset(&job, 0, sizeof(Transform))
    job.rows = &view.rows
    job.centers = &forms.c
    job.filter = view.filter
    job.narrow = view.single
    job.out = cnp.PyArray_DATA(out)
    job.workers = view.workers
    if filter:
        job.shifted = &shifted
        job.moved_size = PANEL * d if not csr else view.most_values
        shift_centers(&shifted, rows, k, d, memory, view.most_values)
        cost *= 0.5
    elif thin and csr:
        job.thin = &thins
        job.moved_size = view.most_values
        thin_centers(&thins, rows, k, d, NULL, view.exact, memory)
    elif thin:
        job.left = <uint8_t *>memory.take(view.rows.n, 1)
    if csr and (filter or thin):
        cost = 10 + view.values_of_a_row() * (2 + 0.5 * k)
    if job.moved_size:
        job.moved = <double *>memory.take(view.n_threads * job.moved_size, sizeof(double))
        job.columns = <int32_t *>memory.take(view.n_threads * job.moved_size, sizeof(int32_t))
    view.threads.begin()
    with nogil:
        view.each_chunk(view.exact.transform, &job, cost)
    if job.left != NULL and memchr(job.left, 1, view.rows.n) != NULL:
        job.thin = &thins
        job.moved_size = d                   # (rows may have been changed since they were thin)
        job.moved = <double *>memory.take(view.n_threads * job.moved_size, sizeof(double))
        job.columns = <int32_t *>memory.take(view.n_threads * job.moved_size, sizeof(int32_t))
        thin_centers(&thins, rows, k, d, forms.c.blocks, view.exact, memory)
        with nogil:
            view.each_chunk(view.exact.thin_rows, &job, 0.5 * d + 0.1 * k * d)
    return out


cdef cnp.ndarray label_means(View view, Cuts cuts, cnp.ndarray labels, Py_ssize_t k):
    """`Data.means`."""
    cdef Memory memory = Memory()
    cdef Py_ssize_t n = view.rows.n, d = view.rows.d, i, j, f
    cdef const int32_t *label = labels_of(labels, n, k, memory)
    cdef cnp.ndarray out = np.empty((k, d))
    cdef double *mean = <double *>cnp.PyArray_DATA(out)
    cdef double w, value
    cdef Tally tally
    cuts.cut()
    tally.sums = <double *>memory.take(k * cuts.sums.parts * d, sizeof(double))
    tally.weights = <double *>memory.take(k * cuts.sums.weight_parts, sizeof(double))
    tally.counts = <int64_t *>memory.take(k, sizeof(int64_t))
    tally.touched = <uint8_t *>memory.take(k, 1)
    tally.support = NULL
    tally.present = NULL
    if view.metric == GAPS:
        tally.present = <double *>memory.take(k * cuts.sums.weight_parts * d, sizeof(double))
    with nogil:
        for i in range(n):
            w = 1 if view.weight == NULL else view.weight[i]
            view.exact.move(&view.rows, i, w, label[i], 1, &tally, &cuts.sums,
                            view.workers[0].block)
        for j in range(k):
            w = cuts.weight_of(&tally, j)
            for f in range(d):
                if w > 0:
                    mean[j * d + f] = cuts.mean_of(&tally, j, f, w)
                else:
                    mean[j * d + f] = mean[(j - 1) * d + f] if j > 0 else 0
    return out
