# Rows go to the cluster where cost + price is least: one pass over the rows, for rules/sizes.pxi.

cdef enum:
    SOME = 64            # rows that a thread looks at together
    BIDS = 8             # clusters that are compared at a time: BLOCK is a multiple of it

cdef int64_t UNREACHED = <int64_t>1 << 62     # above all costs, and those of paths


cdef struct Pricing:     # rows, compared with all centers at their prices; IN unless marked
    const Rows *rows
    ExactTable *exact
    Worker *workers
    const int64_t *ids           # (places,) rows by place; NULL: each row is at its own place
    const int64_t *rank          # (n,) of each row by content
    const double *centers        # (k, d)
    const double *blocks         # the same, side by side
    Py_ssize_t k, padded         # padded: k up to a multiple of BLOCK
    double scale                 # of costs
    const int64_t *price         # (k,)
    double *bid                  # (padded,) prices in units of squared distances; infinite from k on
    double largest_bid           # the largest magnitude of them
    double *squares              # scratch (threads, SOME, padded)
    int32_t *label               # INOUT by place: the cheapest cluster; the one that was there
                                 # before, or else the first, of equally cheap ones
    double *nearest              # OUT by place: squared distance to the nearest center
    double *saving               # INOUT (threads, k, padded) the least difference of squared
                                 # distances of a row of one cluster to another and to its own


cdef inline int64_t cost_of(const Pricing *job, double sq_distance, double nearest) noexcept nogil:
    """Squared distance less the row's smallest, as a whole number."""
    return <int64_t>((sq_distance - nearest) * job.scale + 0.5)


cdef inline int32_t cheapest_of(const Pricing *job, const double *sq, int32_t before,
                                double *nearest) noexcept nogil:
    """The cluster where cost + price is least of a row, whose squared distances (padded,) these
    are; the one before, or else the first, of equally cheap ones.

    Floating-point sums leave hardly ever more than one to be compared as whole numbers. They are
    off by less than 2 units in the last place of any of their terms, whole numbers by less than 2.
    """
    cdef double low[BIDS]
    cdef double least[BIDS]
    cdef double value, limit
    cdef Py_ssize_t j
    cdef int64_t cost, best = UNREACHED
    cdef int32_t label = 0
    cdef int b, any_of_them
    for b in range(BIDS):
        low[b] = sq[b]
        least[b] = sq[b] + job.bid[b]
    for j from BIDS <= j < job.padded by BIDS:
        for b in range(BIDS):
            value = sq[j + b]
            low[b] = value if value < low[b] else low[b]
            value = value + job.bid[j + b]
            least[b] = value if value < least[b] else least[b]
    for b in range(1, BIDS):
        low[0] = low[b] if low[b] < low[0] else low[0]
        least[0] = least[b] if least[b] < least[0] else least[0]
    nearest[0] = low[0]
    limit = (least[0] + 4 / job.scale
             + 2e-15 * (fabs(least[0]) + 2 * job.largest_bid + low[0]))
    for j from 0 <= j < job.padded by BIDS:
        any_of_them = 0
        for b in range(BIDS):
            any_of_them |= sq[j + b] + job.bid[j + b] <= limit
        for b in range(BIDS if any_of_them else 0):
            if sq[j + b] + job.bid[j + b] <= limit:
                cost = cost_of(job, sq[j + b], low[0]) + job.price[j + b]
                if cost < best or (cost == best and j + b == before):
                    best = cost
                    label = <int32_t>(j + b)
    return label


cdef int price_rows(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                    int worker) noexcept nogil:
    """The cheapest cluster of the rows at places [start, stop)."""
    cdef Pricing *job = <Pricing *>job_
    cdef Py_ssize_t first, count, i, j
    cdef double *sq
    cdef double *saving
    cdef double value
    cdef int64_t ids[SOME]
    cdef int32_t label
    cdef int b
    for first from start <= first < stop by SOME:
        count = min(<Py_ssize_t>SOME, stop - first)
        for i in range(count):
            ids[i] = first + i if job.ids == NULL else job.ids[first + i]
        sq = job.squares + worker * SOME * job.padded
        job.exact.squares(job.rows, ids, count, job.centers, job.blocks, job.k,
                          job.workers + worker, sq)
        for i in range(count):
            for j in range(job.k, job.padded):
                sq[j] = sq[job.k - 1]
            label = cheapest_of(job, sq, job.label[first + i], job.nearest + first + i)
            job.label[first + i] = label
            saving = job.saving + (worker * job.k + label) * job.padded
            for j from 0 <= j < job.padded by BIDS:
                for b in range(BIDS):
                    value = sq[j + b] - sq[label]
                    saving[j + b] = value if value < saving[j + b] else saving[j + b]
            sq += job.padded
    return 0
