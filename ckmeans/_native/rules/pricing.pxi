# Rows go to the cluster where cost + price is least: one pass over the rows, for rules/sizes.pxi.

cdef enum:
    SOME = 64            # rows that a thread looks at together

cdef int64_t UNREACHED = <int64_t>1 << 62     # above all costs, and those of paths


cdef struct Pricing:     # rows, compared with all centers at their prices; IN unless marked
    const Rows *rows
    ExactTable *exact
    Worker *workers
    const int64_t *ids           # (places,) rows by place; NULL: each row is at its own place
    const int64_t *rank          # (n,) of each row by content
    const double *centers        # (k, d)
    const double *blocks         # the same, side by side
    Py_ssize_t k, padded
    double scale                 # of costs
    const int64_t *price         # (k,)
    double *squares              # scratch (threads, SOME, padded)
    int64_t *costs               # scratch (threads, padded)
    int32_t *label               # INOUT by place: the cheapest cluster; the one that was there
                                 # before, or else the first, of equally cheap ones
    double *nearest              # OUT by place: squared distance to the nearest center
    int64_t *cheapest            # INOUT (threads, k, k) what it costs, apart from prices, to move
                                 # the cheapest row of one cluster to another


cdef inline int64_t cost_of(const Pricing *job, double sq_distance, double nearest) noexcept nogil:
    """Squared distance less the row's smallest, as a whole number."""
    return <int64_t>((sq_distance - nearest) * job.scale + 0.5)


cdef int price_rows(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                    int worker) noexcept nogil:
    """The cheapest cluster of the rows at places [start, stop)."""
    cdef Pricing *job = <Pricing *>job_
    cdef Py_ssize_t k = job.k, first, count, i, j
    cdef double *sq
    cdef int64_t *cost = job.costs + worker * job.padded
    cdef int64_t *cheapest
    cdef int64_t ids[SOME]
    cdef int64_t value, best
    cdef int32_t label
    cdef double nearest
    for first from start <= first < stop by SOME:
        count = min(<Py_ssize_t>SOME, stop - first)
        for i in range(count):
            ids[i] = first + i if job.ids == NULL else job.ids[first + i]
        sq = job.squares + worker * SOME * job.padded
        job.exact.squares(job.rows, ids, count, job.centers, job.blocks, k, job.workers + worker,
                          sq)
        for i in range(count):
            nearest = sq[0]
            for j in range(1, k):
                nearest = sq[j] if sq[j] < nearest else nearest
            job.nearest[first + i] = nearest
            for j in range(k):
                cost[j] = cost_of(job, sq[j], nearest)
            best = UNREACHED
            label = 0
            for j in range(k):
                value = cost[j] + job.price[j]
                if value < best:
                    best = value
                    label = <int32_t>j
            j = job.label[first + i]
            if j >= 0 and cost[j] + job.price[j] == best:
                label = <int32_t>j
            job.label[first + i] = label
            cheapest = job.cheapest + (worker * k + label) * k
            for j in range(k):
                value = cost[j] - cost[label]
                cheapest[j] = value if value < cheapest[j] else cheapest[j]
            sq += job.padded
    return 0
