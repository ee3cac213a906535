# The class `Sorted`: sorted values, their optimal splits and statistics. Included by one_dim.pxi.
#
# Longer than other files: its methods all read the same prefix sums, whose invariants are stated
# once.

cdef inline int exponent_of(double x) noexcept nogil:
    """The exponent of the least power of two above x; 0 for 0."""
    cdef int exponent
    frexp(x, &exponent)
    return exponent


cdef inline int exponent_to_one(double largest) noexcept nogil:
    """Of the power of two that brings this magnitude to 0.5 ... 1, as far as one factor can."""
    return min(max(-exponent_of(largest), -1022), 1022)


def windows_by_number(Py_ssize_t k, fewest, most):
    """Where, among some ends, the q-th of k clusters can end: (low, high), each (k + 1,); `fewest`
    and `most` clusters can follow an end.
    """
    m = len(fewest) - 1
    plain_low, plain_high = np.arange(k + 1), np.arange(m - k, m + 1)
    plain_low[k], plain_high[0] = m, 0
    # The first end that so few clusters can follow, and the last one that so many can.
    after = k - np.arange(k + 1)
    low = np.searchsorted(-np.minimum.accumulate(fewest), -after)
    high = m - np.searchsorted(np.maximum.accumulate(most[::-1]), after)
    low, high = np.maximum(plain_low, low), np.minimum(plain_high, high)
    low = np.maximum.accumulate(low - np.arange(k + 1)) + np.arange(k + 1)
    high = (np.minimum.accumulate((high - np.arange(k + 1))[::-1])[::-1] + np.arange(k + 1))
    if (low <= high).all():
        return low, high
    return plain_low, plain_high             # rounding has left none


cdef int make_room(Tree *tree, Py_ssize_t m) except -1:
    """Allocate the nodes of a tree of m values."""
    tree.leaves = 1
    while tree.leaves < m:
        tree.leaves *= 2
    tree.node = <Range *>calloc(tree.leaves, sizeof(Range))
    if tree.node == NULL:
        raise MemoryError(f"could not allocate {tree.leaves * sizeof(Range)} bytes for {m} "
                          "distinct values")
    return 0


cdef class Sorted:
    """Sorted values of one dimension, and optimal partitions of them.

    Parameters
    ----------
    values : ndarray of shape (n,), float64, C-contiguous, ascending, finite, n >= 1
    weights : ndarray of shape (n,), float64, C-contiguous, positive, with a finite sum; or None
    n_threads : int

    Attributes
    ----------
    n_distinct : int
    """
    cdef Problem p
    cdef object arrays                   # keep what the next two point to
    cdef const double *value             # (n,)
    cdef const double *weight            # (n,) or NULL
    cdef double *memory
    cdef Py_ssize_t *first               # (m + 1,) row at which each distinct value begins
    cdef double middle, scale            # a value v is counted as v * scale - middle
    cdef double weight_scale             # a weight w is counted as w * weight_scale
    cdef double least                    # prefix sums count lighter rows as if they had this
                                         # weight, which they can tell from 0 ...
    cdef double raised                   # ... and what that adds to all weights
    cdef double reach                    # the largest magnitude of these
    cdef double *d[2]
    cdef double *d_low[2]
    cdef Py_ssize_t *kept                # the table of cuts, window after window
    cdef Py_ssize_t **layer              # (k + 1,) where the rows of layer q begin in it, were
                                         # there a row 0
    cdef Py_ssize_t priced               # clusters of the cheapest path at this price; 0: none is
    cdef double price                    # known
    cdef int n_threads
    cdef Crew *crew
    cdef long long looked

    def __cinit__(self, cnp.ndarray values, weights, int n_threads=1):
        cdef const double *v = <const double *>cnp.PyArray_DATA(values)
        cdef const double *weight = NULL
        self.arrays = values, weights
        self.value = v
        cdef Py_ssize_t n = cnp.PyArray_DIM(values, 0), m, i
        cdef double mean = 0, total = 0, w, least, heaviest = 1, reach
        cdef double *room
        cdef Pair x, wx, xx, w_sum, s_sum, ss_sum
        if weights is not None:
            self.weight = weight = <const double *>cnp.PyArray_DATA(<cnp.ndarray?>weights)
            heaviest = weights.max()
        # Only ratios of weights matter; products of several of them must not underflow.
        self.weight_scale = 1 if weight == NULL else ldexp(1, exponent_to_one(heaviest))
        m = 1
        for i in range(1, n):
            m += v[i] != v[i - 1]
        self.p.m = m
        self.memory = room = <double *>calloc(10 * (m + 1), sizeof(double))
        self.first = <Py_ssize_t *>calloc(m + 1, sizeof(Py_ssize_t))
        if room == NULL or self.first == NULL:
            raise MemoryError(f"could not allocate {88 * m} bytes for {m} distinct values")
        cdef double *w_high = room
        cdef double *w_low = room + (m + 1)
        cdef double *s_high = room + 2 * (m + 1)
        cdef double *s_low = room + 3 * (m + 1)
        cdef double *ss_high = room + 4 * (m + 1)
        cdef double *ss_low = room + 5 * (m + 1)
        self.p.w, self.p.w_low = w_high, w_low
        self.p.s, self.p.s_low = s_high, s_low
        self.p.ss, self.p.ss_low = ss_high, ss_low
        for i in range(2):
            self.d[i] = room + (6 + i) * (m + 1)
            self.d_low[i] = room + (8 + i) * (m + 1)
        self.n_threads = n_threads if m > ALONE else 1
        # A power of two brings the largest magnitude to about 1, the mean in the middle keeps
        # squares small.
        self.scale = ldexp(1, exponent_to_one(max(fabs(v[0]), fabs(v[n - 1]))))
        with nogil:
            for i in range(n):
                w = 1 if weight == NULL else weight[i] * self.weight_scale
                total += w
                mean += w * (v[i] * self.scale)
            self.middle = mean / total
            self.least = ldexp(total, -96)
            least = total
            w_sum.high = w_sum.low = s_sum.high = s_sum.low = ss_sum.high = ss_sum.low = 0
            m = 0
            for i in range(n):
                w = 1 if weight == NULL else weight[i] * self.weight_scale
                if w < self.least:
                    w = self.least
                    self.raised += w
                least = min(least, w)
                if i > 0 and v[i] != v[i - 1]:
                    m += 1
                    self.first[m] = i
                x = two_sum(v[i] * self.scale, -self.middle)
                wx = two_product(w, x.high)
                wx = pair(wx.high, wx.low + w * x.low)
                w_sum = plus(w_sum, pair(w, 0))
                s_sum = plus(s_sum, wx)
                xx = times(wx, x.high)
                ss_sum = plus(ss_sum, pair(xx.high, xx.low + wx.high * x.low))
                w_high[m + 1] = w_sum.high
                w_low[m + 1] = w_sum.low
                s_high[m + 1] = s_sum.high
                s_low[m + 1] = s_sum.low
                ss_high[m + 1] = ss_sum.high
                ss_low[m + 1] = ss_sum.low
            self.first[m + 1] = n
        # Differences of pairs have a relative error of a few 2^-53, and their operands one of
        # 2^-100 of the whole.
        reach = max(fabs(v[0] * self.scale - self.middle),
                    fabs(v[n - 1] * self.scale - self.middle))
        self.reach = reach
        self.p.slack = (ss_sum.high * ldexp(1, -47)
                        + ldexp(1, -96) * w_sum.high * reach * reach * (1 + ldexp(1, -96)
                                                                        * w_sum.high / least))

    def __dealloc__(self):
        if self.crew != NULL:
            close_crew(self.crew)
        free(self.memory)
        free(self.first)
        free(self.kept)
        free(self.layer)

    @property
    def n_distinct(self):
        return self.p.m

    # -- partitions --------------------------------------------------------------------------------

    def split(self, Py_ssize_t k):
        """Rows at which the k clusters of least cost begin, and n at the end: (k + 1,) intp. k is
        at most `n_distinct`.
        """
        return self.settled(self.split_by_sums(k))

    def split_by_sums(self, Py_ssize_t k):
        """The same, by prefix sums alone."""
        if k >= (MANY if self.p.m >= WINDOWED else SOME) and self.p.m >= 4 * k:
            ends = self.ends(k)
            if ends is not None:
                return self.split_at(k, *ends)
        return self.split_within(k, *self.windows(k, self.blocks(k, k)))

    def settled(self, cnp.ndarray bounds):
        """These clusters, which prefix sums found to be the best; or better ones, if their costs
        are too small for prefix sums to be sure.
        """
        cdef Py_ssize_t k = cnp.PyArray_DIM(bounds, 0) - 1, m = self.p.m
        cdef double total, square = self.reach * self.reach
        if 1 < k < m and <double>k * m <= MOST_MERGED:
            total = self.costs(self.distinct_values(bounds)).sum()
            if not total >= max(ldexp(self.p.ss[m], -50), ldexp(self.p.w[m] * square, -60),
                                ldexp(self.raised * square, 50)):
                return self.improved(bounds)
        return bounds

    def improved(self, cnp.ndarray bounds):
        """The best clusters, starting from any others, by costs that are accurate to a few units in
        their last place; see kernels/one_dim/merge.pxi.
        """
        cdef Py_ssize_t k = cnp.PyArray_DIM(bounds, 0) - 1, m = self.p.m, i, row
        cdef Problem p = self.p
        cdef Tree tree
        cdef double limit, cost, shift, weight_shift
        cdef cnp.ndarray found
        cdef double *x
        cdef double *w
        ends = self.distinct_values(bounds)
        begins = self.sure_ends(k, ends)
        values, weights = np.empty(m), np.zeros(m)
        tree.x = x = <double *>cnp.PyArray_DATA(<cnp.ndarray>values)
        tree.w = w = <double *>cnp.PyArray_DATA(<cnp.ndarray>weights)
        tree.last = NULL
        tree.range = NULL
        # All as large as possible, so that only terms far too small to matter underflow.
        shift = ldexp(1, min(1000 - exponent_of(max(-self.value[0], self.value[self.first[m] - 1])),
                             1023))
        for i in range(m):
            x[i] = self.value[self.first[i]] * shift
            for row in range(self.first[i], self.first[i + 1]):
                w[i] += 1 if self.weight == NULL else self.weight[row]
        weight_shift = ldexp(1, min(1000 - exponent_of(weights.sum()), 1023))
        for i in range(m):
            w[i] = max(w[i] * weight_shift, ldexp(1, -1000))
        make_room(&tree, m)
        try:                                     # the same problem with other costs, for as long as
                                                 # this takes
            self.p.tree = &tree
            while True:
                limit = self.cost_near_one(&tree, ends)
                self.p.limit = limit * (1 + ldexp(1, -30))
                if begins is None:
                    low, high = self.windows(k)
                    found = self.split_below(k, low, high)
                else:
                    found = self.split_between(k, begins)
                cost = self.costs(found).sum()
                if not cost < limit:
                    break
                ends = found
                # Decisions were accurate to 2^-50 of the limit, so the result may be worse by that.
                if cost > limit / 2:
                    break
        finally:
            self.p = p
            free(tree.node)
        return self.rows(ends)

    def sure_ends(self, Py_ssize_t k, cnp.ndarray known not None):
        """`ends`, if prefix sums are sure of them even if they are not of the best split; else
        None.

        known  distinct values at which the clusters of a good split begin
        """
        cdef Py_ssize_t m = self.p.m
        cdef double rounding = self.rounding(k), total = self.costs(known).sum()
        if k < SOME or m < 4 * k or not rounding < total / 1024:
            return None
        return self.ends(k, rounding + ldexp(total, -29))

    cdef double rounding(self, Py_ssize_t k) except -1:
        """Twice what the costs, by prefix sums, of k ranges side by side can be off by in all.

        With x the values about the middle, the prefix sums of w x and w x^2 up to row j are off by
        u = m 2^-100 times the sum of w |x| and of w x^2 up to there. The cost of the range [i, j)
        is then off by u times the latter, and u times the largest |x| in the range times 4 times
        the former. Ends are distinct, so at most the largest k of each add up: few are large where
        tails are heavy.
        """
        cdef Py_ssize_t m = self.p.m, i
        cdef double total = 0
        cdef double *to
        if self.weight != NULL:
            return INFINITY
        sizes = np.empty(m)
        to = <double *>cnp.PyArray_DATA(<cnp.ndarray>sizes)
        for i in range(m):
            to[i] = fabs(self.value[self.first[i]] * self.scale - self.middle)
            total += to[i] * (self.first[i + 1] - self.first[i])
        sizes.partition(m - k)
        # (The largest |x| of a range is at one of its ends.)
        total *= 8 * sizes[m - k:].sum()
        for i in range(m - k + 1, m + 1):
            total += self.p.ss[i]
        return 2 * total * m * ldexp(1, -100)

    cdef cnp.ndarray split_below(self, Py_ssize_t k, cnp.ndarray low, cnp.ndarray high):
        """The values at which the best clusters begin, if they end within these windows and cost
        less than the limit.
        """
        cdef cnp.ndarray found = self.whole(k)
        with nogil:
            self.split_range(0, self.p.m, k, <Py_ssize_t *>cnp.PyArray_DATA(found),
                             <Py_ssize_t *>cnp.PyArray_DATA(low),
                             <Py_ssize_t *>cnp.PyArray_DATA(high))
        return found

    cdef cnp.ndarray split_between(self, Py_ssize_t k, begins):
        """The same, if clusters are known to begin at some distinct values only, as `ends` tells.
        """
        cdef cnp.ndarray ends = begins[0]
        cdef Py_ssize_t m = self.p.m, count = cnp.PyArray_DIM(ends, 0) - 1, i
        cdef const Py_ssize_t *end = <const Py_ssize_t *>cnp.PyArray_DATA(ends)
        cdef const Tree *whole = self.p.tree
        cdef Tree tree
        firsts, lasts = np.empty(count), np.empty(count)
        ranges = np.empty(count * sizeof(Range), dtype=np.uint8)
        cdef double *first = <double *>cnp.PyArray_DATA(<cnp.ndarray>firsts)
        cdef double *last = <double *>cnp.PyArray_DATA(<cnp.ndarray>lasts)
        cdef Range *one = <Range *>cnp.PyArray_DATA(<cnp.ndarray>ranges)
        for i in range(count):
            first[i] = whole.x[end[i]]
            last[i] = whole.x[end[i + 1] - 1]
            one[i] = range_of(whole, end[i], end[i + 1])
        tree.x, tree.last, tree.range = first, last, one
        tree.w = NULL
        tree.unit = whole.unit
        make_room(&tree, count)
        try:
            fill_tree(&tree, count)
            self.p.tree = &tree
            self.p.m = count
            low, high = windows_by_number(k, begins[1], begins[2])
            found = self.split_below(k, low, high)
        finally:
            self.p.tree = whole
            self.p.m = m
            free(tree.node)
        return ends[found]

    cdef double cost_near_one(self, Tree *tree, cnp.ndarray ends) except -1:
        """The total cost of these clusters, with the tree computed in a unit in which it is about
        1, if possible.
        """
        cdef Py_ssize_t m = self.p.m
        cdef int exponent = -1000, wanted, power
        cdef double cost
        while True:
            tree.unit = ldexp(1, exponent)
            with nogil:
                fill_tree(tree, m)
            cost = self.costs(ends).sum()
            if ldexp(1, -200) < cost < ldexp(1, 200):
                return cost
            if cost == 0:
                power = -900
            else:
                power = exponent_of(cost) if cost < INFINITY else 900
            wanted = min(max(exponent - power // 2, -1070), 1023)
            if wanted == exponent:
                return cost
            exponent = wanted

    def ends(self, Py_ssize_t k, double more=0):
        """The distinct values at which clusters can begin in a split that costs at most so much
        more than an optimal one, including 0 and m, ascending, and how few and how many clusters
        can follow each; None if these are not found.

        Looks for a price that makes the cheapest path have k clusters. There is none where D[k -
        1], D[k] and D[k + 1] lie on a line.
        """
        cdef Py_ssize_t m = self.p.m, found = 0, tries, most = min(m // 4, 64 * k), j
        cdef double price, above = 0, below = INFINITY, excess, rounding, ratio
        cdef double slope = 3, before = 0, found_before = 0
        cdef Pair known, value
        cdef Path path
        room = np.empty((4, m + 1))
        ends = np.empty(most, dtype=np.intp)
        cdef double *to = <double *>cnp.PyArray_DATA(<cnp.ndarray>room)
        cdef Py_ssize_t *end = <Py_ssize_t *>cnp.PyArray_DATA(<cnp.ndarray>ends)
        path.value, path.value_low = self.d[0], self.d_low[0]
        path.cut, path.queue, path.row = <Py_ssize_t *>to, <Py_ssize_t *>to + (m
                + 1), <Py_ssize_t *>to + 2 * (m + 1)
        price = (self.price if self.priced == k
                 else 2 * self.p.ss[m] / (<double>k * k * k))
        for tries in range(PRICES):
            with nogil:
                found = cheapest_path(&self.p, &path, price)
                self.look()
            if found == k:
                break
            if found > k:                        # too cheap
                above = price
            else:
                below = price
            # Of n / k values each, evenly spread, the next cluster saves as much as the third power
            # of the clusters there are; of others, as the last two prices tell.
            if before > 0 and found != found_before and price != before:
                slope = min(max(log(before / price) / log(found / found_before), 1.0), 8.0)
            before, found_before = price, found
            ratio = <double>found / k
            price *= ratio ** slope
            if not above < price < below:
                price = (above + below) / 2 if below < INFINITY else 2 * above
            if not above < price < below:
                return None
        if found != k:
            return None
        self.priced, self.price = k, price
        # Rounding may have led to a wrong decision. Comparing all candidates for every row once
        # more shows how much it can cost.
        with nogil:
            self.advance(0, 0, m - 1, 1, m, <Py_ssize_t *>to + 3 * (m + 1))
            excess = 0
            for j in range(1, m + 1):
                value = minus(entry(path.value, path.value_low, j),
                              entry(self.d[1], self.d_low[1], j))
                excess = max(excess, minus(value, pair(price, 0)).high)
            excess = k * excess + more
            rounding = k * ldexp(self.p.slack, -30)
            if rounding > price / 64:
                with gil:
                    rounding = min(rounding, self.rounding(k))
            excess += rounding
            found = possible_ends(&self.p, &path, price, excess, most, end)
        if found <= k:
            return None
        ends = ends[:found][::-1].copy()
        end = <Py_ssize_t *>cnp.PyArray_DATA(<cnp.ndarray>ends)
        after = np.empty((2, found), dtype=np.intp)
        for j in range(found):
            after[0, j], after[1, j] = path.cut[end[j]], path.row[end[j]]
        return ends, after[0], after[1]

    cdef int look(self) except -1 nogil:
        """Raise the exception of a signal's handler."""
        return look_for_signals(&self.looked)

    def split_at(self, Py_ssize_t k, cnp.ndarray ends, fewest, most):
        """`split`, if clusters are known to begin at these distinct values only, followed by so
        many other clusters.
        """
        cdef Problem p = self.p
        cdef cnp.ndarray bounds, low, high
        sums = np.empty((6, len(ends)))
        cdef double *to = <double *>cnp.PyArray_DATA(<cnp.ndarray>sums)
        cdef const Py_ssize_t *end = <const Py_ssize_t *>cnp.PyArray_DATA(ends)
        cdef Py_ssize_t i, m = cnp.PyArray_DIM(ends, 0) - 1
        for i in range(m + 1):
            to[i] = p.w[end[i]]
            to[m + 1 + i] = p.w_low[end[i]]
            to[2 * (m + 1) + i] = p.s[end[i]]
            to[3 * (m + 1) + i] = p.s_low[end[i]]
            to[4 * (m + 1) + i] = p.ss[end[i]]
            to[5 * (m + 1) + i] = p.ss_low[end[i]]
        low, high = windows_by_number(k, fewest, most)
        bounds = np.zeros(k + 1, dtype=np.intp)
        bounds[k] = m
        try:                                     # the same problem with few values to it, for as
                                                 # long as this takes
            self.p.m = m
            self.p.thinned = True
            self.p.w, self.p.w_low, self.p.s, self.p.s_low, self.p.ss, self.p.ss_low = (
                to, to + (m + 1), to + 2 * (m + 1), to + 3 * (m + 1), to + 4 * (m + 1), to + 5 * (m
                        + 1))
            with nogil:
                self.split_range(0, m, k, <Py_ssize_t *>cnp.PyArray_DATA(bounds),
                                 <Py_ssize_t *>cnp.PyArray_DATA(low),
                                 <Py_ssize_t *>cnp.PyArray_DATA(high))
        finally:
            self.p = p
        return self.rows(ends[bounds])

    def splits(self, Py_ssize_t least, Py_ssize_t most):
        """The same for every number of clusters from `least` to `most`: a list of arrays."""
        return [self.settled(bounds) for bounds in self.splits_by_sums(least, most)]

    def splits_by_sums(self, Py_ssize_t least, Py_ssize_t most):
        cdef Py_ssize_t m = self.p.m, k
        cdef cnp.ndarray bounds, low, high
        cdef list found = []
        if m >= WINDOWED or (most - 1) * (m + 1) > KEPT_CUTS:
            blocks = self.blocks(least, most)
            return [self.split_within(k, *self.windows(k, blocks)) for k in range(least, most + 1)]
        low = np.arange(most + 1)
        high = np.full(most + 1, m)
        with nogil:
            self.table(0, most, <Py_ssize_t *>cnp.PyArray_DATA(low),
                       <Py_ssize_t *>cnp.PyArray_DATA(high))
        for k in range(least, most + 1):
            bounds = self.whole(k)
            self.follow(k, <Py_ssize_t *>cnp.PyArray_DATA(bounds))
            found.append(self.rows(bounds))
        return found

    cdef cnp.ndarray whole(self, Py_ssize_t k):
        """Room for bounds of k clusters, with the first and the last filled in."""
        cdef cnp.ndarray bounds = np.zeros(k + 1, dtype=np.intp)
        (<Py_ssize_t *>cnp.PyArray_DATA(bounds))[k] = self.p.m
        return bounds

    cdef cnp.ndarray rows(self, cnp.ndarray bounds):
        """Distinct values to the rows at which they begin, in place."""
        cdef Py_ssize_t *bound = <Py_ssize_t *>cnp.PyArray_DATA(bounds)
        cdef Py_ssize_t i
        for i in range(cnp.PyArray_DIM(bounds, 0)):
            bound[i] = self.first[bound[i]]
        return bounds

    cdef cnp.ndarray distinct_values(self, cnp.ndarray bounds):
        """Rows at which distinct values begin to those values: the other way round."""
        cdef cnp.ndarray ends = np.empty(cnp.PyArray_DIM(bounds, 0), dtype=np.intp)
        cdef const Py_ssize_t *row = <const Py_ssize_t *>cnp.PyArray_DATA(bounds)
        cdef Py_ssize_t *end = <Py_ssize_t *>cnp.PyArray_DATA(ends)
        cdef Py_ssize_t i
        for i in range(cnp.PyArray_DIM(bounds, 0)):
            end[i] = self.distinct(row[i])
        return ends

    def split_within(self, Py_ssize_t k, cnp.ndarray low, cnp.ndarray high):
        """`split`, if clusters are known to end within these windows, which are overwritten."""
        cdef cnp.ndarray bounds = self.whole(k)
        with nogil:
            self.split_range(0, self.p.m, k, <Py_ssize_t *>cnp.PyArray_DATA(bounds),
                             <Py_ssize_t *>cnp.PyArray_DATA(low),
                             <Py_ssize_t *>cnp.PyArray_DATA(high))
        return self.rows(bounds)

    def layers(self, Py_ssize_t k):
        """D[q][j] for q up to k - 1, rounded, in the units of the values: (k, m + 1); row 0 is for
        no clusters.
        """
        cdef Py_ssize_t m = self.p.m, q
        out = np.full((k, m + 1), np.inf)
        out[0, 0] = 0
        cdef double *to = <double *>cnp.PyArray_DATA(<cnp.ndarray>out)
        cdef Py_ssize_t *cut = <Py_ssize_t *>calloc(m + 1, sizeof(Py_ssize_t))
        if cut == NULL:
            raise MemoryError()
        try:
            with nogil:
                self.start(0, 1, m)
                for q in range(1, k):
                    if q > 1:
                        self.advance(q, q - 1, m, q, m, cut)
                    memcpy(to + q * (m + 1) + q, self.d[(q + 1) % 2] + q,
                           (m + 1 - q) * sizeof(double))
        finally:
            free(cut)
        out /= self.scale
        out /= self.scale
        out /= self.weight_scale
        return out

    def blocks(self, Py_ssize_t least, Py_ssize_t most):
        """The input of `windows` for `least` to `most` clusters, from the same problem with blocks
        of neighboring values moved to their means.

        (edges, left, right, splits), or None where the problem is too small to gain. Block b holds
        the distinct values edges[b] to edges[b + 1]; left[q][b] is at most the cost of q clusters
        of all before edges[b], right[q][b] of all from there on; splits[k] are edges that split
        into k clusters, nearly as well as can be. By the triangle inequality in the space of all
        rows, the root of the cost of a part changes by at most the root of the cost of moving its
        values.
        """
        cdef Py_ssize_t m = self.p.m, M, i
        cdef cnp.ndarray edges
        M = min(m // 16, max(4096, 512 * most), COARSE // max(most, 1))
        if m < WINDOWED or most < 3 or M < 64 * most:
            return None
        # Values that move least in all: edges by the cube root of the density (Panter & Dite 1951),
        # half of them by plain rank.
        edges = np.linspace(0, m, 4 * M + 1).astype(np.intp)
        share = np.cbrt(self.costs(edges))
        share = np.append(0, np.cumsum(share + share.mean()))
        if share[4 * M] > 0:
            edges = np.unique(np.rint(np.interp(np.linspace(0, share[4 * M], M + 1), share,
                                                edges)).astype(np.intp))
        M = len(edges) - 1
        w, light, s, small = np.empty(M + 1), np.empty(M + 1), np.empty(M + 1), np.empty(M + 1)
        cdef double *w_ = <double *>cnp.PyArray_DATA(<cnp.ndarray>w)
        cdef double *w_low = <double *>cnp.PyArray_DATA(<cnp.ndarray>light)
        cdef double *s_ = <double *>cnp.PyArray_DATA(<cnp.ndarray>s)
        cdef double *s_low = <double *>cnp.PyArray_DATA(<cnp.ndarray>small)
        cdef const Py_ssize_t *edge = <const Py_ssize_t *>cnp.PyArray_DATA(edges)
        for i in range(M + 1):
            w_[i] = self.p.w[edge[i]]
            s_[i] = self.p.s[edge[i]]
            w_low[i] = self.p.w_low[edge[i]]
            s_low[i] = self.p.s_low[edge[i]]
        w = np.diff(w) + np.diff(light)
        means = (np.diff(s) + np.diff(small)) / w
        if not (np.diff(means) > 0).all():
            return None
        moved = np.append(0, np.cumsum(self.costs(edges)))
        coarse = Sorted(means, w, self.n_threads)
        left = coarse.layers(most)
        right = Sorted(np.ascontiguousarray(-means[::-1]), np.ascontiguousarray(w[::-1]),
                       self.n_threads).layers(most)[:, ::-1]
        left = np.maximum(np.sqrt(left) * (1 - 1e-9) - np.sqrt(moved) * (1 + 1e-9), 0) ** 2
        right = np.maximum(np.sqrt(right) * (1 - 1e-9) - np.sqrt(moved[M] - moved) * (1 + 1e-9),
                           0) ** 2
        left[~np.isfinite(left)] = 0       # fewer blocks than clusters: nothing is known
        right[~np.isfinite(right)] = 0
        return edges, left, right, {len(split) - 1: edges[split]
                                    for split in coarse.splits(least, most)}

    def costs(self, cnp.ndarray edges):
        """Sums of squares about their means of the distinct values between these edges: one
        fewer.
        """
        cdef Py_ssize_t count = cnp.PyArray_DIM(edges, 0) - 1, i
        cdef const Py_ssize_t *edge = <const Py_ssize_t *>cnp.PyArray_DATA(edges)
        out = np.empty(count)
        cdef double *to = <double *>cnp.PyArray_DATA(<cnp.ndarray>out)
        for i in range(count):
            if self.p.tree != NULL:
                to[i] = range_of(self.p.tree, edge[i], edge[i + 1]).cost
            else:
                to[i] = cost(&self.p, edge[i], edge[i + 1]).high
        return out

    def windows(self, Py_ssize_t k, blocks=None):
        """Where the q-th cluster of an optimal split can end: (low, high), each (k + 1,), both ends
        included.

        An end is excluded if the values left of it and right of it cost more than a known split:
        `blocks` bounds both costs from below.
        """
        cdef Py_ssize_t m = self.p.m, q
        low = np.arange(k + 1)
        high = np.arange(m - k, m + 1)
        low[k] = m
        high[0] = 0
        if blocks is None:
            return low, high
        edges, left, right, splits = blocks
        known = self.costs(np.ascontiguousarray(splits[k])).sum() * (1 + 1e-9)
        for q in range(1, k):
            kept = np.flatnonzero(left[q, :-1] + right[k - q, 1:] <= known)
            if not len(kept):                # rounding has left none
                return self.windows(k)
            low[q] = max(low[q], edges[kept[0]])
            high[q] = min(high[q], edges[kept[len(kept) - 1] + 1])
        for q in range(2, k):
            low[q] = max(low[q], low[q - 1] + 1)
        for q in range(k - 2, 0, -1):
            high[q] = min(high[q], high[q + 1] - 1)
        return (low, high) if (low[1:k] <= high[1:k]).all() else self.windows(k)

    cdef void start(self, Py_ssize_t first, Py_ssize_t low, Py_ssize_t high) noexcept nogil:
        """D[1] of rows low to high, for the values from `first` on."""
        cdef Py_ssize_t j
        cdef Pair value
        for j in range(low, high + 1):
            if self.p.tree != NULL:
                self.d[0][j] = range_of(self.p.tree, first, j).cost
                continue
            value = cost(&self.p, first, j)
            self.d[0][j] = value.high
            self.d_low[0][j] = value.low

    cdef int advance(self, Py_ssize_t q, Py_ssize_t from_low, Py_ssize_t from_high, Py_ssize_t low,
                     Py_ssize_t high,
                     Py_ssize_t *cut) except -1 nogil:
        """D[q] of rows low to high from D[q - 1] of rows from_low < low to from_high, and their
        best candidates in `cut`.
        """
        cdef Layer layer
        cdef Piece pieces[PIECES]
        cdef Py_ssize_t rows = high - low + 1
        layer.problem = &self.p
        layer.d = self.d[q % 2]
        layer.d_low = self.d_low[q % 2]
        layer.next = self.d[(q + 1) % 2]
        layer.next_low = self.d_low[(q + 1) % 2]
        layer.cut = cut
        layer.pieces = pieces
        layer.count = 0
        layer.first_row = low
        divide(&layer, low, high + 1, from_low, from_high, DEPTH if rows > ALONE else 0)
        self.each_chunk(solve_pieces, &layer, layer.count, 1, rows <= ALONE)
        if CKM_DEBUG_BOUNDS and not within(cut, low, high, from_low, from_high):
            with gil:
                raise AssertionError(f"a cut of rows {low} to {high} is not in {from_low} to "
                                     f"{from_high}")
        if self.p.tree == NULL:          # with a tree they are known
            self.each_chunk(give_values, &layer, rows, STEP, rows <= ALONE)
        return 0

    cdef int each_chunk(self, ChunkFn fn, void *job, Py_ssize_t rows, Py_ssize_t chunk_rows,
                        bint alone=False) except -1 nogil:
        """Do fn over all rows, chunk by chunk, with the threads there are."""
        if self.n_threads > 1 and not alone:
            if self.crew == NULL:
                with gil:
                    self.crew = new_crew(self.n_threads - 1)
            if self.crew != NULL:
                return crew_pass(self.crew, fn, job, rows, chunk_rows, &self.looked)
        return lone_pass(fn, job, rows, chunk_rows, &self.looked)

    cdef int table(self, Py_ssize_t first, Py_ssize_t k, const Py_ssize_t *low,
                   const Py_ssize_t *high) except -1 nogil:
        """Keep the cuts of layers 2 to k, of rows low[q] to high[q], for the values from `first`
        on.
        """
        cdef Py_ssize_t q, entries = 0
        with gil:
            free(self.kept)
            free(self.layer)
            self.kept = NULL
            self.layer = <Py_ssize_t **>calloc(k + 1, sizeof(Py_ssize_t *))
            for q in range(2, k + 1):
                entries += high[q] - low[q] + 1
            self.kept = <Py_ssize_t *>calloc(entries + 1, sizeof(Py_ssize_t))
            if self.kept == NULL or self.layer == NULL:
                raise MemoryError(f"could not allocate {8 * entries} bytes for a table of cuts")
        entries = 0
        self.start(first, low[1], high[1])
        for q in range(2, k + 1):
            self.layer[q] = self.kept + entries - low[q]
            entries += high[q] - low[q] + 1
            self.advance(q, low[q - 1], high[q - 1], low[q], high[q], self.layer[q])
        return 0

    cdef void follow(self, Py_ssize_t k, Py_ssize_t *bounds) noexcept nogil:
        """Fill in bounds[1 .. k - 1] from the table and bounds[k]."""
        cdef Py_ssize_t q
        for q in range(k, 1, -1):
            bounds[q - 1] = self.layer[q][bounds[q]]

    cdef int split_range(self, Py_ssize_t first, Py_ssize_t last, Py_ssize_t k, Py_ssize_t *bounds,
                         Py_ssize_t *low,
                         Py_ssize_t *high) except -1 nogil:
        """Split the values [first, last) into k clusters: fills in bounds[1 .. k - 1]. low, high:
        the windows, see `windows`.
        """
        cdef Py_ssize_t q, j, half, entries = 0, size = self.p.m + 1
        cdef Py_ssize_t *cut
        cdef Py_ssize_t *middle[2]
        if k <= 1:
            return 0
        for q in range(2, k + 1):
            entries += high[q] - low[q] + 1
        if k == 2 or entries <= KEPT_CUTS:
            self.table(first, k, low, high)
            self.follow(k, bounds)
            return 0
        # Too large for a table: only remember where the clusters of the first half end, and halve
        # (Hirschberg 1975).
        half = k // 2
        cut = <Py_ssize_t *>calloc(3 * size, sizeof(Py_ssize_t))
        if cut == NULL:
            with gil:
                raise MemoryError(f"could not allocate {24 * size} bytes")
        try:
            middle[0] = cut + size
            middle[1] = cut + 2 * size
            self.start(first, low[1], high[1])
            for q in range(2, k + 1):
                self.advance(q, low[q - 1], high[q - 1], low[q], high[q], cut)
                if q > half:
                    for j in range(low[q], high[q] + 1):
                        middle[q % 2][j] = cut[j] if q == half + 1 else middle[(q + 1) % 2][cut[j]]
            bounds[half] = middle[k % 2][last]
        finally:
            free(cut)
        # The middle end is known; the other windows shrink with it.
        j = bounds[half]
        for q in range(1, half):
            high[q] = min(high[q], j - (half - q))
        for q in range(half + 1, k):
            low[q] = max(low[q], j + (q - half))
        low[half] = high[half] = j
        self.split_range(first, j, half, bounds, low, high)
        self.split_range(j, last, k - half, bounds + half, low + half, high + half)
        return 0

    # -- statistics --------------------------------------------------------------------------------

    cdef Py_ssize_t distinct(self, Py_ssize_t row) noexcept nogil:
        """The distinct value that begins at this row."""
        cdef Py_ssize_t low = 0, high = self.p.m, middle
        while low < high:
            middle = (low + high) // 2
            if self.first[middle] < row:
                low = middle + 1
            else:
                high = middle
        return low

    def statistics(self, cnp.ndarray bounds):
        """Means, sums of squares about them, and the rounding errors of the means, of the clusters
        that begin at these rows: each (k,).

        From the prefix sums, or directly from the values if those are not accurate enough.
        """
        cdef const Py_ssize_t *row = <const Py_ssize_t *>cnp.PyArray_DATA(bounds)
        cdef Py_ssize_t k = cnp.PyArray_DIM(bounds, 0) - 1, q, i, first, last
        means, squares, rests = np.empty(k), np.empty(k), np.empty(k)
        cdef double *mean = <double *>cnp.PyArray_DATA(<cnp.ndarray>means)
        cdef double *square = <double *>cnp.PyArray_DATA(<cnp.ndarray>squares)
        cdef double *rest = <double *>cnp.PyArray_DATA(<cnp.ndarray>rests)
        cdef double w, heaviest, scale, weight_scale, whole = self.p.ss[self.p.m]
        cdef double reach = self.reach
        cdef int exponent, weight_exponent
        cdef Pair w_sum, sum, x
        with nogil:
            for q in range(k):
                first = self.distinct(row[q])
                last = self.distinct(row[q + 1])
                x = cost(&self.p, first, last)
                w_sum = minus(entry(self.p.w, self.p.w_low, last),
                              entry(self.p.w, self.p.w_low, first))
                sum = minus(entry(self.p.s, self.p.s_low, last),
                            entry(self.p.s, self.p.s_low, first))
                mean[q] = sum.high / w_sum.high + self.middle
                if x.high > max(ldexp(1, -30) * whole,
                                ldexp(self.raised * reach * reach, 50)) and fabs(mean[q]) > ldexp(1,
                                        -30) * reach:
                    w = sum.high / w_sum.high
                    sum = minus(sum, times(w_sum, w))
                    sum = plus(two_sum(w, sum.high / w_sum.high), pair(self.middle, 0))
                    mean[q] = sum.high / self.scale
                    rest[q] = sum.low / self.scale
                    square[q] = x.high / self.scale / self.scale / self.weight_scale
                    continue
                # In their own units: these values may be far smaller than the rest, and lighter.
                exponent = exponent_to_one(max(fabs(self.value[row[q]]),
                                               fabs(self.value[row[q + 1] - 1])))
                weight_exponent = 0
                if self.weight != NULL:
                    heaviest = 0
                    for i in range(row[q], row[q + 1]):
                        heaviest = max(heaviest, self.weight[i])
                    weight_exponent = exponent_to_one(heaviest)
                scale = ldexp(1, exponent)
                weight_scale = ldexp(1, weight_exponent)
                w_sum.high = w_sum.low = sum.high = sum.low = 0
                for i in range(row[q], row[q + 1]):
                    w = 1 if self.weight == NULL else self.weight[i] * weight_scale
                    w_sum = plus(w_sum, pair(w, 0))
                    sum = plus(sum, two_product(w, self.value[i] * scale))
                # A rounded mean, and its rounding error.
                x.high = sum.high / w_sum.high
                sum = minus(sum, times(w_sum, x.high))
                sum = pair(x.high, sum.high / w_sum.high)
                mean[q] = sum.high / scale
                rest[q] = sum.low / scale
                w_sum.high = w_sum.low = 0
                for i in range(row[q], row[q + 1]):
                    w = 1 if self.weight == NULL else self.weight[i] * weight_scale
                    x = minus(pair(self.value[i] * scale, 0), sum)
                    w_sum = plus(w_sum, two_product(w * x.high, x.high))
                square[q] = ldexp(w_sum.high, -2 * exponent - weight_exponent)
        return means, squares, rests

    def mixture_log_likelihood(self, cnp.ndarray constants, cnp.ndarray means, cnp.ndarray rests,
                               cnp.ndarray variances):
        """Sum over the values x of log sum over q of exp(constants[q] - (x - means[q] - rests[q])^2
        / (2 variances[q])).

        Terms that are 2^-57 of the largest or less may be left out. Weights are ignored.
        """
        cdef Mixture mixture
        cdef Py_ssize_t n = self.first[self.p.m], chunk, chunks = (n + MIXED - 1) // MIXED
        halves, totals = 0.5 / variances, np.empty(chunks)
        cdef double total = 0
        mixture.x = self.value
        mixture.k = cnp.PyArray_DIM(means, 0)
        mixture.constant = <const double *>cnp.PyArray_DATA(constants)
        mixture.mean = <const double *>cnp.PyArray_DATA(means)
        mixture.rest = <const double *>cnp.PyArray_DATA(rests)
        mixture.half = <const double *>cnp.PyArray_DATA(<cnp.ndarray>halves)
        mixture.totals = <double *>cnp.PyArray_DATA(<cnp.ndarray>totals)
        with nogil:
            self.each_chunk(add_likelihoods, &mixture, n, MIXED, n <= ALONE)
            for chunk in range(chunks):          # in an order independent of the threads
                total += mixture.totals[chunk]
        return total
