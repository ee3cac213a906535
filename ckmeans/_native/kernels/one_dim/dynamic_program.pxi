# The dynamic program: from the best clusterings of the first rows into q - 1 clusters to those into
# q. Included by one_dim.pxi.

cdef struct Problem:
    Py_ssize_t m                     # distinct values
    const double *w                  # (m + 1,) prefix sums: high parts and low parts of weights,
                                     # values and squares
    const double *w_low
    const double *s
    const double *s_low
    const double *ss
    const double *ss_low
    bint thinned                     # whether neighbours may be several distinct values apart
    double slack                     # twice the largest error of a candidate in the scan
    const Tree *tree                 # where costs come from instead, or NULL; D has no low parts
                                     # then
    double limit                     # with a tree: no split that costs more is wanted


cdef inline Pair entry(const double *high, const double *low, Py_ssize_t i) noexcept nogil:
    cdef Pair p
    p.high = high[i]
    p.low = low[i]
    return p


cdef inline Pair cost(const Problem *p, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """Sum of squared distances of values [i, j) to their mean, from prefix sums."""
    cdef Pair w, s, ss, product, square
    cdef double mean, rest
    w = two_sum(p.w[j], -p.w[i])
    s = two_sum(p.s[j], -p.s[i])
    ss = two_sum(p.ss[j], -p.ss[i])
    w.low += p.w_low[j] - p.w_low[i]
    s.low += p.s_low[j] - p.s_low[i]
    ss.low += p.ss_low[j] - p.ss_low[i]
    if fabs(w.low) > 1e-12 * w.high:     # of little weight: the high parts nearly cancel
        w = two_sum(w.high, w.low)
        s = two_sum(s.high, s.low)
        ss = two_sum(ss.high, ss.low)
    # With s = mean * w + rest, s^2 / w = mean * s + mean * rest + rest^2 / w, where the mean may be
    # rounded.
    mean = s.high / w.high
    product = two_product(w.high, mean)
    rest = ((s.high - product.high) - product.low) + (s.low - w.low * mean)
    square = two_product(s.high, mean)
    product = two_sum(ss.high, -square.high)
    product = pair(product.high, product.low + (((ss.low - square.low) - (s.low + rest) * mean)
                                                - rest * rest / w.high))
    if product.high < 0 or (j - i == 1 and not p.thinned):
        product.high = product.low = 0
    return product


cdef inline double rough(const Problem *p, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """The same in float64, off by less than the slack."""
    cdef double s = (p.s[j] - p.s[i]) + (p.s_low[j] - p.s_low[i])
    return (((p.ss[j] - p.ss[i]) + (p.ss_low[j] - p.ss_low[i])) - s * s
            / ((p.w[j] - p.w[i]) + (p.w_low[j] - p.w_low[i])))


cdef double scan(const Problem *p, const double *d, Py_ssize_t start, Py_ssize_t count,
                 Py_ssize_t j,
                 Py_ssize_t *winner) noexcept nogil:
    """The approximate least cost of row j among `count` candidates from `start` on.

    winner  OUT  the only candidate that can be the best; or NOWHERE: there are several
    """
    cdef double out[STEP]
    cdef const double *w = p.w + start
    cdef const double *w_low = p.w_low + start
    cdef const double *s = p.s + start
    cdef const double *s_low = p.s_low + start
    cdef const double *ss = p.ss + start
    cdef const double *ss_low = p.ss_low + start
    cdef double wj = p.w[j], wj_low = p.w_low[j], sj = p.s[j], sj_low = p.s_low[j], ssj = p.ss[j]
    cdef double ssj_low = p.ss_low[j], t
    cdef double a = INFINITY, b = INFINITY, c = INFINITY, e = INFINITY
    cdef Py_ssize_t x, hits = 0, at = 0
    d += start
    for x in range(count):
        t = (sj - s[x]) + (sj_low - s_low[x])
        out[x] = (d[x] + (((ssj - ss[x]) + (ssj_low - ss_low[x])) - t * t
                          / ((wj - w[x]) + (wj_low - w_low[x]))))
    x = 0
    while x + 4 <= count:            # four independent minima
        a = out[x] if out[x] < a else a
        b = out[x + 1] if out[x + 1] < b else b
        c = out[x + 2] if out[x + 2] < c else c
        e = out[x + 3] if out[x + 3] < e else e
        x += 4
    while x < count:
        a = out[x] if out[x] < a else a
        x += 1
    a = b if b < a else a
    c = e if e < c else c
    a = c if c < a else a
    b = a + p.slack
    for x in range(count):
        hits += out[x] <= b
    if hits != 1:
        winner[0] = NOWHERE
        return a
    while out[at] > b:
        at += 1
    winner[0] = start + at
    return a


cdef Py_ssize_t decide(const Problem *p, const double *d, const double *d_low, Py_ssize_t low,
                       Py_ssize_t stop, Py_ssize_t j,
                       double limit, Pair *value) noexcept nogil:
    """The best by pairs of the candidates in [low, stop) that the scan leaves, or NOWHERE: none
    beats `value`. INOUT value
    """
    cdef Py_ssize_t i, chosen = NOWHERE
    cdef Pair trial
    for i in range(low, stop):
        if d[i] + rough(p, i, j) <= limit:
            trial = plus(entry(d, d_low, i), cost(p, i, j))
            if less(trial, value[0]):
                value[0] = trial
                chosen = i
    return chosen


cdef Py_ssize_t decide_all(const Problem *p, const double *d, const double *d_low, Py_ssize_t low,
                           Py_ssize_t stop,
                           Py_ssize_t j) noexcept nogil:
    """The best by pairs of all candidates in [low, stop), one of these whatever the numbers are."""
    cdef Pair value
    cdef Py_ssize_t chosen
    value.high = INFINITY
    value.low = 0
    chosen = decide(p, d, d_low, low, stop, j, INFINITY, &value)
    return low if chosen == NOWHERE else chosen


cdef inline Py_ssize_t best(const Problem *p, const double *d, const double *d_low, Py_ssize_t low,
                            Py_ssize_t stop,
                            Py_ssize_t j) noexcept nogil:
    """The candidate in [low, stop) of least cost for row j, the first of equal ones."""
    cdef Py_ssize_t winner
    cdef double a, b
    if stop - low == 1:
        return low
    if stop - low == 2:
        a = d[low] + rough(p, low, j)
        b = d[low + 1] + rough(p, low + 1, j)
        if fabs(a - b) > p.slack:
            return low if a < b else low + 1
    elif stop - low <= STEP:
        a = scan(p, d, low, stop - low, j, &winner)
        if winner != NOWHERE:
            return winner
    else:
        return best_of_many(p, d, d_low, low, stop, j)
    return decide_all(p, d, d_low, low, stop, j)


cdef Py_ssize_t best_of_many(const Problem *p, const double *d, const double *d_low, Py_ssize_t low,
                             Py_ssize_t stop,
                             Py_ssize_t j) noexcept nogil:
    """The same for long ranges. D never falls as i grows and the cost never rises, so many steps
    are discarded by their ends.
    """
    cdef Py_ssize_t i, last, winner, chosen = NOWHERE
    cdef double least = INFINITY, first = INFINITY, second = INFINITY, here
    cdef Pair value
    for i from low <= i < stop by STEP:
        here = d[i] + rough(p, i, j)
        least = here if here < least else least
    for i from low <= i < stop by STEP:
        last = min(i + STEP, stop)
        if d[i] + rough(p, last - 1, j) <= least + p.slack:
            here = scan(p, d, i, last - i, j, &winner)
            least = here if here < least else least
            if here < first:
                second = first
                first = here
                chosen = winner
            elif here < second:
                second = here
    if chosen != NOWHERE and second > first + p.slack:
        return chosen
    chosen = NOWHERE
    value.high = INFINITY
    value.low = 0
    for i from low <= i < stop by STEP:
        last = min(i + STEP, stop)
        if d[i] + rough(p, last - 1, j) <= least + p.slack:
            winner = decide(p, d, d_low, i, last, j, least + p.slack, &value)
            chosen = chosen if winner == NOWHERE else winner
    return decide_all(p, d, d_low, low, stop, j) if chosen == NOWHERE else chosen


cdef struct Piece:                   # rows [start, stop), whose best candidates are known to lie in
                                     # [low, high]
    Py_ssize_t start, stop, low, high


cdef struct Layer:                   # from D[q - 1] to D[q]
    const Problem *problem
    const double *d                  # (m + 1,) D[q - 1]
    const double *d_low
    double *next                     # (m + 1,) D[q]
    double *next_low
    Py_ssize_t *cut                  # (m + 1,) the best candidate of each row
    Piece *pieces                    # (PIECES,) what is left once the middle rows are solved
    Py_ssize_t count
    Py_ssize_t first_row


cdef void sweep(const Layer *layer, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t low,
                Py_ssize_t high) noexcept nogil:
    """The same for few rows and candidates: one row after the other."""
    cdef const Problem *p = layer.problem
    cdef Py_ssize_t j, i, chosen
    cdef double least, second, here
    cdef Pair value
    for j in range(start, stop):
        least = second = INFINITY
        chosen = low
        for i in range(low, min(high + 1, j)):
            here = layer.d[i] + rough(p, i, j)
            if here < least:
                second = least
                least = here
                chosen = i
            elif here < second:
                second = here
        if second <= least + p.slack:
            value.high = INFINITY
            value.low = 0
            i = decide(p, layer.d, layer.d_low, low, min(high + 1, j), j, least + p.slack, &value)
            chosen = chosen if i == NOWHERE else i
        layer.cut[j] = chosen
        low = chosen


cdef void give_up(const Layer *layer, Py_ssize_t start, Py_ssize_t stop,
                  Py_ssize_t low) noexcept nogil:
    """Rows that cost more than the limit, whatever their candidate."""
    cdef Py_ssize_t j
    for j in range(start, stop):
        layer.cut[j] = low
        layer.next[j] = INFINITY


cdef void sweep_below(const Layer *layer, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t low,
                      Py_ssize_t high) noexcept nogil:
    """`sweep` with a tree: the values from the last candidate on are merged from row to row."""
    cdef const Tree *tree = layer.problem.tree
    cdef Py_ssize_t j, chosen
    cdef Range r
    cdef double limit
    for j in range(start, stop):
        limit = layer.problem.limit
        if j <= high:
            chosen = walk_left(tree, layer.d, low, j - 1, single(tree, j - 1), &limit)
        else:
            # long chains would gather rounding
            if j == start or j == high + 1 or (j - start) % FEW_ROWS == 0:
                r = range_of(tree, high, j)
            else:
                r = merged(tree, r, single(tree, j - 1), gap_before(tree, j - 1))
            chosen = walk_left(tree, layer.d, low, high, r, &limit)
        if chosen == NOWHERE:
            give_up(layer, j, stop, low)
            return
        layer.cut[j] = chosen
        layer.next[j] = limit
        low = chosen


cdef Py_ssize_t solve_row(const Layer *layer, Py_ssize_t low, Py_ssize_t high,
                          Py_ssize_t j) noexcept nogil:
    """The best candidate of row j in [low, high], or NOWHERE: all cost more than the limit, as do
    those of all rows after it.
    """
    cdef const Problem *p = layer.problem
    cdef Py_ssize_t i
    cdef double limit = p.limit
    if p.tree == NULL:
        i = best(p, layer.d, layer.d_low, low, min(high + 1, j), j)
    else:
        i = best_below(p.tree, layer.d, low, min(high + 1, j), j, &limit)
        layer.next[j] = limit
    if i != NOWHERE:
        layer.cut[j] = i
    return i


cdef void solve_rows(const Layer *layer, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t low,
                     Py_ssize_t high) noexcept nogil:
    """The best candidates of rows [start, stop), which are known to lie in [low, high]."""
    cdef Py_ssize_t j, i
    while start < stop:
        if low == high or (stop - start <= FEW_ROWS and high - low <= FEW_CANDIDATES):
            if layer.problem.tree != NULL:
                sweep_below(layer, start, stop, low, high)
            elif low == high:
                for j in range(start, stop):
                    layer.cut[j] = low
            else:
                sweep(layer, start, stop, low, high)
            return
        j = start + (stop - start) // 2
        i = solve_row(layer, low, high, j)
        if i == NOWHERE:
            give_up(layer, j, stop, low)
            stop = j
            continue
        solve_rows(layer, start, j, low, i)
        start = j + 1
        low = i


cdef void divide(Layer *layer, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t low, Py_ssize_t high,
                 int depth) noexcept nogil:
    """Solve the middle rows only, down to pieces that threads can take."""
    cdef Py_ssize_t j, i
    cdef Piece *piece
    if start >= stop:
        return
    if depth == 0:
        piece = layer.pieces + layer.count
        piece.start, piece.stop, piece.low, piece.high = start, stop, low, high
        layer.count += 1
        return
    j = start + (stop - start) // 2
    i = solve_row(layer, low, high, j)
    if i == NOWHERE:
        give_up(layer, j, stop, low)
        divide(layer, start, j, low, high, depth - 1)
        return
    divide(layer, start, j, low, i, depth - 1)
    divide(layer, j + 1, stop, i, high, depth - 1)


cdef int solve_pieces(void *layer_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                      int worker) noexcept nogil:
    cdef Layer *layer = <Layer *>layer_
    cdef Piece *piece
    for chunk in range(start, stop):
        piece = layer.pieces + chunk
        solve_rows(layer, piece.start, piece.stop, piece.low, piece.high)
    return 0


cdef int give_values(void *layer_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                     int worker) noexcept nogil:
    """The costs of the best candidates: apart from the search for them, since several of these long
    sums can be computed side by side.
    """
    cdef Layer *layer = <Layer *>layer_
    cdef Pair value
    cdef Py_ssize_t j
    for j in range(layer.first_row + start, layer.first_row + stop):
        value = plus(entry(layer.d, layer.d_low, layer.cut[j]),
                     cost(layer.problem, layer.cut[j], j))
        layer.next[j] = value.high
        layer.next_low[j] = value.low
    return 0


cdef bint within(const Py_ssize_t *cut, Py_ssize_t low, Py_ssize_t high, Py_ssize_t from_low,
                 Py_ssize_t from_high) noexcept nogil:
    """Whether rows low to high were all given candidates that there are."""
    cdef Py_ssize_t j
    for j in range(low, high + 1):
        if not from_low <= cut[j] <= min(from_high, j - 1):
            return False
    return True
