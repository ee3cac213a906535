# Many clusters of one dimension: the shortest path with a price for each cluster instead of their
# number.
#
# D[k] falls ever more slowly as k grows, so there is a price at which the cheapest path has k
# clusters. Each price that is tried takes one pass over the values (Aggarwal, Schieber & Tokuyama,
# Discrete Comput. Geom. 12, 1994; Groenlund et al. 2017), instead of one pass for each cluster. The
# costs reduced by that path then show which other ends an optimal split can have: there are few,
# and the dynamic program over these decides.

cdef struct Path:
    double *value                    # (m + 1,) the least cost of the first j values and of the
                                     # clusters' price; pairs
    double *value_low
    Py_ssize_t *cut                  # (m + 1,) where the last cluster of that path begins
    Py_ssize_t *queue                # (m + 1,) candidates that are the best from some row on, and
                                     # that row
    Py_ssize_t *row                  # (m + 1,)


cdef inline bint beats(const Problem *p, const Path *path, Py_ssize_t later, Py_ssize_t earlier,
                       Py_ssize_t j) noexcept nogil:
    """Whether the later candidate costs row j less; if it does, it does for all rows after."""
    cdef double a = path.value[earlier] + rough(p, earlier, j)
    cdef double b = path.value[later] + rough(p, later, j)
    if fabs(a - b) > p.slack:
        return b < a
    return less(plus(entry(path.value, path.value_low, later), cost(p, later, j)),
                plus(entry(path.value, path.value_low, earlier), cost(p, earlier, j)))


cdef Py_ssize_t cheapest_path(const Problem *p, const Path *path, double price) noexcept nogil:
    """Fill in a path's values and cuts for this price; returns how many clusters it has (Galil &
    Park 1992).
    """
    cdef Py_ssize_t m = p.m, j, head = 0, tail = 1, low, high, step, back, middle
    cdef Pair value
    path.value[0] = path.value_low[0] = 0
    path.queue[0] = 0
    path.row[0] = 1
    for j in range(1, m + 1):
        while head + 1 < tail and path.row[head + 1] <= j:
            head += 1
        path.cut[j] = path.queue[head]
        value = plus(entry(path.value, path.value_low, path.cut[j]), cost(p, path.cut[j], j))
        value = plus(value, pair(price, 0))
        path.value[j] = value.high
        path.value_low[j] = value.low
        if j == m:
            break
        low = j + 1
        while tail > head:
            back = path.queue[tail - 1]
            low = max(path.row[tail - 1], j + 1)
            if not beats(p, path, j, back, low):
                break
            tail -= 1
        if tail == head:             # the best of all rows to come
            path.queue[tail] = j
            path.row[tail] = j + 1
            tail += 1
            continue
        step = 1                     # not yet at `low`: gallop, then halve
        high = low + 1
        while high <= m and not beats(p, path, j, back, high):
            low = high
            step *= 2
            high = low + step
        if high > m:
            if low == m or not beats(p, path, j, back, m):
                continue
            high = m
        while high - low > 1:
            middle = low + (high - low) // 2
            if beats(p, path, j, back, middle):
                high = middle
            else:
                low = middle
        path.queue[tail] = j
        path.row[tail] = high
        tail += 1
    j = m
    high = 0
    while j > 0:
        j = path.cut[j]
        high += 1
    return high


cdef inline bint split_pays(const Problem *p, Py_ssize_t i, Py_ssize_t j,
                            double price) noexcept nogil:
    """Whether two clusters of the values [i, j) certainly cost less, by more than this price, than
    one; then this is true for all ranges that begin earlier.
    """
    cdef Py_ssize_t t = i + (j - i) // 2
    cdef double w, v, a, b, apart
    if t == i:
        return False
    w = (p.w[t] - p.w[i]) + (p.w_low[t] - p.w_low[i])
    v = (p.w[j] - p.w[t]) + (p.w_low[j] - p.w_low[t])
    a = ((p.s[t] - p.s[i]) + (p.s_low[t] - p.s_low[i])) / w
    b = ((p.s[j] - p.s[t]) + (p.s_low[j] - p.s_low[t])) / v
    apart = b - a
    # (Means are off by far less than this, and the saving by less than a factor of 2.)
    return (apart > ldexp(1, -30) * (fabs(a) + fabs(b))
            and w / (w + v) * v * apart * apart > 2 * price)


cdef Py_ssize_t possible_ends(const Problem *p, const Path *path, double price, double excess,
                              Py_ssize_t most,
                              Py_ssize_t *ends) noexcept nogil:
    """Ends of clusters in paths to m none of whose steps costs more than `excess` above the best
    way to where it ends: from m to 0.

    Returns how many there are, or -1: more than `most`.  ends  OUT (most,)

    The path's arrays are used up: for each end, `cut` has the fewest and `row` the most clusters
    that follow in such paths.
    """
    cdef Py_ssize_t m = p.m, at, i, j, start, stop, count = 1
    cdef Py_ssize_t *marked = path.queue
    cdef Py_ssize_t *fewest = path.cut
    cdef Py_ssize_t *utmost = path.row
    cdef double rough_limit, least
    cdef bint strict = price + excess < 64 * p.slack
    cdef Pair limit
    for i in range(m):
        marked[i] = 0
        fewest[i] = m
        utmost[i] = 0
    marked[m] = 1
    fewest[m] = utmost[m] = 0
    count = 0
    for j in range(m, -1, -1):
        if not marked[j]:
            continue
        if count == most:
            return -1
        ends[count] = j
        count += 1
        limit = plus(plus(entry(path.value, path.value_low, j), pair(-price, 0)), pair(excess, 0))
        rough_limit = limit.high + p.slack
        stop = j
        while stop > 0:                              # values rise with i, costs fall: most steps
                                                     # are out by their ends
            start = max(stop - STEP, 0)
            at, stop = stop, start
            if split_pays(p, at - 1, j, price + excess):
                break
            if path.value[start] + rough(p, at - 1, j) > rough_limit:
                continue
            if strict:                               # those can be much too small for `rough`
                least = cost(p, at - 1, j).high - ldexp(p.slack, -30)
                if least > limit.high:
                    break
                if path.value[start] + least > limit.high:
                    continue
            for i in range(start, at):
                if (path.value[i] + rough(p, i, j) <= rough_limit
                        and not less(limit,
                                     plus(entry(path.value, path.value_low, i), cost(p, i, j)))):
                    marked[i] = 1
                    fewest[i] = min(fewest[i], fewest[j] + 1)
                    utmost[i] = max(utmost[i], utmost[j] + 1)
    return count
