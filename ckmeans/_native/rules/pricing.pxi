# Assigns each row to the cluster of least cost + price, in one pass over the rows; for
# rules/sizes.pxi.
#
# In later passes, centers and prices change little. So for each row a lower bound is stored of how
# much more any other cluster would cost it (compare Hamerly, SDM 2010). Let x be a row in cluster
# a, at distance r or less from its center; D the distance between the centers of a and j; m_a, m_j
# the distances that these centers have moved since the last pass; and b, b' the prices then and
# now. Since |x - c_j| <= r + D, the amount by which x costs more in j than in a has fallen by at
# most
#     2 r (m_j + m_a) + 2 D m_j + m_a^2 - (b_j' - b_j) + (b_a' - b_a).
# Rows whose bound stays above 0 stay in their cluster and are not compared. If `saving` shows that
# cluster j costs every row of a clearly more, j is left out of this formula; instead, what it costs
# more is an upper limit of the new bounds (`cap`).

cdef enum:
    SOME = 64            # rows that a thread processes together
    BIDS = 8             # clusters that are compared together; BLOCK is a multiple of it

cdef int64_t UNREACHED = <int64_t>1 << 62     # above the costs of all rows and paths


cdef struct Pricing:     # rows, compared with all centers at their prices; IN unless marked
    const Rows *rows
    ExactTable *exact
    Worker *workers
    const int64_t *ids           # (places,) the row at each place; NULL: place i is row i
    const int64_t *rank          # (n,) of each row in the order of their hashes
    const double *centers        # (k, d)
    const double *blocks         # the same, side by side
    Py_ssize_t k, padded         # padded: k up to a multiple of BLOCK
    double scale                 # of costs
    int64_t most                 # larger costs are set to this, in case another thread changes rows
    const int64_t *price         # (k,)
    double *bid                  # (padded,) prices in units of squared distances; infinite from k
                                 # on
    double largest_bid           # their largest magnitude
    double *squares              # scratch (threads, SOME, padded)
    # the filter in float32; `packed` is NULL where there is none
    const Packed *packed         # rows, one after the other
    const FilterTable *filter
    const float *lanes           # centers, as in Centers
    float *norms                 # (padded,) with prices, lowered by their error bounds
    double *added                # (k,) these prices, of which the lowest is 0
    double guard_norm, guard_score, guard_floor      # as in Centers
    float *scores                # scratch (threads, PRICED_ROWS, padded)
    float *saved                 # INOUT (threads, k, padded) as `saving`: of scores
    int32_t *label               # INOUT by place: the cheapest cluster; of equally cheap ones the
                                 # label before if it is one of them, else the first
    # bounds of rows from the last pass; `slack` is NULL where none are stored
    double *slack                # INOUT by place: any other cluster costs at least this much more,
    double *reach                # INOUT and the row's center is at most this far,
    int32_t *priced              # INOUT as long as the row is in this cluster
    bint all_rows                # whether all rows are compared, whatever their bounds
    const double *moved          # (k,) how far centers have moved since that pass
    const double *loss           # (k,) by how much `slack` has fallen since: this,
    const double *loss_by_reach  # (k,) plus this times the row's reach
    const double *cap            # (k,) an upper limit of `slack`
    double span                  # the largest distance between two centers
    double slip                  # a bound of rounding errors: this,
    double slip_by_square        # plus this times the largest squared distance of the row
    double *farthest             # INOUT (threads, k) the largest reach
    int64_t *compared            # OUT (threads,) how many rows would be compared
    double *saving               # INOUT (threads, k, padded) the squared distance to another
                                 # center minus that to the own one: the minimum over the rows of a
                                 # cluster


cdef inline int64_t cost_of(const Pricing *job, double sq_distance, double nearest) noexcept nogil:
    """A squared distance minus the row's smallest one, scaled, as a whole number."""
    cdef double cost = (sq_distance - nearest) * job.scale + 0.5
    if cost < job.most:
        return <int64_t>cost if cost > 0 else 0
    return job.most


cdef inline int32_t cheapest_of(const Pricing *job, const double *sq,
                                int32_t before) noexcept nogil:
    """The cluster of least cost + price of a row; of equally cheap ones `before` if it is one of
    them, else the first.

    First in floating point, which nearly always rules out all clusters but one; those that are left
    are compared as whole numbers. The error of a floating-point sum is less than 2 units in the
    last place of its largest term, that of a whole number is less than 2.

    sq  IN  (padded,) the row's squared distances
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
    limit = (least[0] + 4 / job.scale
             + 2e-15 * (fabs(least[0]) + 2 * job.largest_bid + low[0]))
    for j from 0 <= j < job.padded by BIDS:
        any_of_them = 0
        for b in range(BIDS):
            any_of_them |= sq[j + b] + job.bid[j + b] <= limit
        for b in range(BIDS if any_of_them else 0):
            # A row that another thread has changed may have infinite distances to all centers.
            if j + b < job.k and sq[j + b] + job.bid[j + b] <= limit:
                cost = cost_of(job, sq[j + b], low[0]) + job.price[j + b]
                if cost < best or (cost == best and j + b == before):
                    best = cost
                    label = <int32_t>(j + b)
    return label


cdef inline bint would_stay(const Pricing *job, Py_ssize_t place, double *slack,
                            double *reach) noexcept nogil:
    """Whether the bounds prove that a row's cluster is still the cheapest one.

    slack, reach  OUT  its bounds now, if so
    """
    cdef Py_ssize_t a = job.label[place]
    cdef double span
    if a < 0 or a != job.priced[place]:
        return False
    slack[0] = min(job.cap[a],
                   job.slack[place] - (job.reach[place] * job.loss_by_reach[a] + job.loss[a]))
    reach[0] = (job.reach[place] + job.moved[a]) * (1 + 1e-15)
    span = reach[0] + job.span
    return slack[0] > job.slip + job.slip_by_square * (span * span)


cdef int count_doubtful(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                        int worker) noexcept nogil:
    """Count the rows [start, stop) that would be compared."""
    cdef Pricing *job = <Pricing *>job_
    cdef Py_ssize_t i
    cdef double slack, reach
    for i in range(start, stop):
        job.compared[worker] += not would_stay(job, i, &slack, &reach)
    return 0


cdef inline bint stays(Pricing *job, Py_ssize_t place, int worker) noexcept nogil:
    """The same, and updates the row's bounds if so."""
    cdef Py_ssize_t a
    cdef double slack, reach
    if not would_stay(job, place, &slack, &reach):
        return False
    job.slack[place] = slack
    job.reach[place] = reach
    a = worker * job.k + job.priced[place]
    job.farthest[a] = max(job.farthest[a], reach)
    return True


cdef void compare_exactly(Pricing *job, const int64_t *places, Py_ssize_t count,
                          int worker) noexcept nogil:
    """Find the cheapest clusters of the rows at some places, SOME of them at most."""
    cdef Py_ssize_t i, j, at
    cdef double *sq = job.squares + worker * SOME * job.padded
    cdef double *saving
    cdef double value, own
    cdef double least[BIDS]
    cdef int64_t ids[SOME]
    cdef int32_t label
    cdef int b
    for i in range(count):
        ids[i] = places[i] if job.ids == NULL else job.ids[places[i]]
    job.exact.squares(job.rows, ids, count, job.centers, job.blocks, job.k, job.workers + worker,
                      sq)
    for i in range(count):
        at = places[i]
        for j in range(job.k, job.padded):
            sq[j] = sq[job.k - 1]
        label = cheapest_of(job, sq, job.label[at])
        job.label[at] = label
        own = sq[label]
        sq[label] = INFINITY
        saving = job.saving + (worker * job.k + label) * job.padded
        for b in range(BIDS):
            least[b] = INFINITY
        for j from 0 <= j < job.padded by BIDS:
            for b in range(BIDS):
                value = sq[j + b] - own
                saving[j + b] = value if value < saving[j + b] else saving[j + b]
                value = value + job.bid[j + b]
                least[b] = value if value < least[b] else least[b]
        if job.slack != NULL:
            for b in range(1, BIDS):
                least[0] = min(least[0], least[b])
            keep_bounds(job, at, label, least[0] - job.bid[label],
                        sqrt(own) * (1 + 1e-15 * (job.rows.d + 8)), worker)
        sq += job.padded


cdef inline void keep_bounds(Pricing *job, Py_ssize_t at, int32_t label, double slack,
                             double reach, int worker) noexcept nogil:
    cdef Py_ssize_t a = worker * job.k + label
    job.slack[at] = slack
    job.reach[at] = reach
    job.priced[at] = label
    job.farthest[a] = max(job.farthest[a], reach)


cdef void compare(Pricing *job, const int64_t *places, Py_ssize_t count,
                  int worker) noexcept nogil:
    """The same, with the filter first.

    As in kernels/filter/filter.pxi, differences of true scores are not below those of scores by
    more than the margin by which a winner is proved, so that minus this margin they are bounds.
    """
    cdef Py_ssize_t d = job.rows.d, padded = job.padded, i, at, left = 0
    cdef float *scores = job.scores + worker * PRICED_ROWS * padded
    cdef const float *x[PRICED_ROWS]
    cdef float lowest[PRICED_ROWS]
    cdef float second[PRICED_ROWS]
    cdef int32_t winner[PRICED_ROWS]
    cdef int64_t row[PRICED_ROWS]
    cdef int64_t places_left[SOME]
    cdef double norm, margin, own, unit
    cdef int32_t label
    cdef int r
    if job.packed == NULL:
        compare_exactly(job, places, count, worker)
        return
    unit = 1 / (job.packed.scale * job.packed.scale)
    for i from 0 <= i < count by PRICED_ROWS:
        for r in range(PRICED_ROWS):
            at = places[min(i + r, count - 1)]
            row[r] = at if job.ids == NULL else job.ids[at]
            x[r] = job.packed.panels + row[r] * d
        job.filter.priced(x, d, job.lanes, job.norms, padded, scores, lowest, second, winner)
        for r in range(<int>min(<Py_ssize_t>PRICED_ROWS, count - i)):
            at = places[i + r]
            label = winner[r]
            norm = job.packed.sq_norms[row[r]]
            margin = (job.guard_norm * norm + job.guard_score * lowest[r] + job.guard_floor
                      + 1e-6 * (norm + fabs(lowest[r])))
            if not second[r] - lowest[r] > margin or label >= job.k:
                places_left[left] = at
                left += 1
                continue
            job.label[at] = label
            own = lowest[r] + margin
            job.filter.note_savings(scores + r * padded, <float>own, padded,
                                    job.saved + (worker * job.k + label) * padded)
            if job.slack != NULL:
                keep_bounds(job, at, label, (second[r] - own) * unit,
                            sqrt(max(norm + own - job.added[label], 0.0) * (1 + 1e-6) * unit),
                            worker)
    if left:
        compare_exactly(job, places_left, left, worker)


cdef int price_rows(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                    int worker) noexcept nogil:
    """Find the cheapest clusters of the rows at places [start, stop)."""
    cdef Pricing *job = <Pricing *>job_
    cdef bint all_rows = job.slack == NULL or job.all_rows
    cdef Py_ssize_t i, count = 0
    cdef int64_t places[SOME]
    for i in range(start, stop):
        if all_rows or not stays(job, i, worker):
            places[count] = i
            count += 1
        if count == SOME:
            compare(job, places, count, worker)
            count = 0
    if count:
        compare(job, places, count, worker)
    return 0
