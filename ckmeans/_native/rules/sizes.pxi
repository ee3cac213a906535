# Clusters whose sizes are bounded: each assignment is the least costly one that keeps the bounds
# (Bradley, Bennett & Demiriz, Microsoft Research TR-2000-65), a min-cost flow; see rules/flow.pxi.
#
# Every cluster has a price, and a row goes where distance + price is least: one pass over the rows.
# Prices that give clusters the sizes that are asked for are near those of the iteration before, and
# are corrected first on a random sample of the rows where they are off. So few rows are left to be
# moved by the flow.
#
# Costs are squared distances less the row's smallest, as whole numbers: multiples of 2**-52 of what
# they may be at the most, or coarser for very many clusters. The assignment is optimal to the last
# digit of these.

cdef enum:
    SMALLER = 8          # each sample is so many times smaller than the next one, or all rows,
    SAMPLED = 16         # and has so many rows for each cluster, at least


cdef class Nothing(Search):
    """No search at all, for rules that find labels by themselves."""

    cdef bint possible(self, Run run) noexcept:
        return True

    cdef bint always_fits(self) noexcept nogil:
        return True

    cdef bint reads_all_rows(self) noexcept nogil:
        return False

    cdef bint reads_panels(self) noexcept nogil:
        return False


cdef class Sizes(Rule):
    """Every cluster keeps its size between bounds, at the least total squared distance.

    Parameters
    ----------
    least, most : ndarray of shape (k,), int64
        Bounds, in units.
    units : ndarray of shape (n,), int64, or None
        What each row counts, at least 0, below 2**52 in total; None: 1.
    """
    cdef object held             # keeps what `unit` points to
    cdef const int64_t *unit     # (n,) or NULL
    cdef object bounds           # keeps what the next two point to
    cdef const int64_t *least    # (k,)
    cdef const int64_t *most     # (k,)
    cdef Py_ssize_t k, n
    cdef int64_t total           # units of all rows
    cdef Memory memory
    cdef Run run_                # while labels are being found
    cdef Flow flow
    cdef Pricing job
    cdef double *blocks
    cdef int exponent            # of the scale of costs and prices
    cdef bint priced             # whether prices are known from an earlier assignment
    cdef const int64_t *order    # (n,) all rows, by content
    cdef object at_last          # rows that count nothing

    def __cinit__(self, cnp.ndarray least not None, cnp.ndarray most not None, units=None):
        self.amends = True
        self.bounds = np.array(least, dtype=np.int64), np.array(most, dtype=np.int64)
        self.k = len(least)
        self.least = <const int64_t *>values_of(self.bounds[0], cnp.NPY_INT64, "least", 1, self.k)
        self.most = <const int64_t *>values_of(self.bounds[1], cnp.NPY_INT64, "most", 1, self.k)
        self.held = None if units is None else np.array(units, dtype=np.int64)

    def algorithm(self):
        return Algorithm((Floats,), (Nothing,))

    cdef int open(self, Run run) except -1:
        cdef Py_ssize_t k = self.k, d = run.data.rows.d, n = run.data.rows.n, i
        cdef DrawOrder order = run.data.need_draw_order()
        cdef int64_t *rank
        if run.k != k:
            raise ValueError(f"there are {run.k} clusters, and bounds for {k}.")
        self.n, self.total = n, n
        if self.held is not None:
            self.unit = <const int64_t *>values_of(self.held, cnp.NPY_INT64, "units", 1, n)
            self.total = self.held.sum()
            self.at_last = np.flatnonzero(self.held == 0)
        self.memory = Memory()
        for i in range(order.buckets):
            order.sort(run.data, i)
        self.order = order.order
        self.flow = Flow(k, d)
        self.job.rows = &run.data.rows
        self.job.exact = run.data.exact
        self.job.workers = run.data.workers
        self.job.k = k
        self.job.padded = (k + BLOCK - 1) // BLOCK * BLOCK
        self.job.squares = <double *>self.memory.take(run.data.n_threads * SOME * self.job.padded,
                                                      sizeof(double), True)
        self.job.blocks = self.blocks = <double *>self.memory.take(self.job.padded * d,
                                                                   sizeof(double))
        self.job.price = self.flow.price
        self.job.bid = <double *>self.memory.take(self.job.padded, sizeof(double))
        self.job.nearest = <double *>self.memory.take(n, sizeof(double), True)
        self.job.saving = <double *>self.memory.take(run.data.n_threads * k * self.job.padded,
                                                     sizeof(double), True)
        self.job.rank = rank = <int64_t *>self.memory.take(n, sizeof(int64_t), True)
        for i in range(n):
            rank[order.order[i]] = i
        return 0

    cdef int amend(self, Run run, int32_t *label) except -1 nogil:
        memcpy(label, run.amended, self.n * sizeof(int32_t))
        with gil:
            self.assign(run, label)
        return 0

    cdef int assign(self, Run run, int32_t *label) except -1:
        """The least costly labels (n,); those of before are kept where others are no cheaper."""
        cdef Py_ssize_t count = self.n, j
        cdef double off
        samples: list = []                   # numbers of rows, from the largest on
        self.run_ = run
        self.job.centers = run.clusters.center
        side_by_side(run.clusters.center, NULL, self.k, run.data.rows.d, self.blocks)
        self.rescale()
        if self.priced:
            self.price(self.n, label, self.least, self.most, self.unit, self.total)
        # A sample is off by about the root of what it stands for: it is worth its while where
        # more is off now.
        while count // SMALLER >= self.k * SAMPLED and self.total > 0:
            off = <double>self.flow.surplus() / self.total
            if self.priced and off * off * count <= SMALLER * self.k:
                break
            count //= SMALLER
            samples.append(count)
        for count in reversed(samples):
            self.sample(count)
        if samples or not self.priced:
            self.price(self.n, label, self.least, self.most, self.unit, self.total)
        self.priced = True
        self.solve(self.n)
        self.label_weightless(label)
        for j in range(self.k + 1):
            self.flow.price[j] -= self.flow.price[self.k]
        self.run_ = None
        return 0

    cdef int rescale(self) except -1:
        """Choose the scale of costs, and bring prices to it."""
        cdef Run run = self.run_
        cdef Cuts cuts = run.data.cuts
        cdef Py_ssize_t d = run.data.rows.d, f, j
        cdef double largest = 0, low, high
        cdef int exponent, digits = 1
        for f in range(d):
            low = high = run.clusters.center[f]
            for j in range(1, self.k):
                low = min(low, run.clusters.center[j * d + f])
                high = max(high, run.clusters.center[j * d + f])
            # |x - a|^2 - |x - b|^2 = (b - a)(2x - a - b)
            largest += (high - low) * 2 * max(max(cuts.high_[f] - low, high - cuts.low_[f]), 0.0)
        while 1 << digits < 2 * (self.k + 2):
            digits += 1
        frexp(largest, &exponent)
        exponent = min(52, 61 - digits) - exponent if largest > 0 else 0
        exponent = max(min(exponent, 1000), -1000)
        for j in range(self.k + 1 if exponent != self.exponent else 0):
            self.flow.price[j] = <int64_t>ldexp(<double>self.flow.price[j],
                                                exponent - self.exponent)
        self.exponent = exponent
        self.job.scale = ldexp(1, exponent)
        return 0

    cdef int sample(self, Py_ssize_t count) except -1:
        """Find prices for the first rows by content, which are random ones."""
        cdef Memory memory = Memory()
        cdef int32_t *label = <int32_t *>memory.take(count, sizeof(int32_t), True)
        cdef int64_t *least = <int64_t *>memory.take(self.k, sizeof(int64_t))
        cdef int64_t *most = <int64_t *>memory.take(self.k, sizeof(int64_t))
        cdef int64_t *unit = NULL
        cdef int64_t total = count
        cdef Py_ssize_t i, j
        if self.unit != NULL:
            unit = <int64_t *>memory.take(count, sizeof(int64_t), True)
            total = 0
            for i in range(count):
                unit[i] = self.unit[self.order[i]]
                total += unit[i]
        memset(label, 0xff, count * sizeof(int32_t))
        for j in range(self.k):
            share = int(total)
            least[j] = int(self.least[j]) * share // int(self.total)
            most[j] = -(-int(self.most[j]) * share // int(self.total))
        self.job.ids = self.order
        self.price(count, label, least, most, unit, total)
        self.solve(count)
        self.job.ids = NULL
        return 0

    cdef int price(self, Py_ssize_t count, int32_t *label, const int64_t *least,
                   const int64_t *most, const int64_t *unit, int64_t total) except -1:
        """Have the rows at the first `count` places go where it is cheapest, and see what clusters
        have in excess.
        """
        cdef Data data = self.run_.data
        cdef Memory memory = Memory()
        cdef int64_t *size = <int64_t *>memory.take(self.k, sizeof(int64_t))
        cdef double cost = self.cost()
        cdef Py_ssize_t pairs = self.k * self.job.padded, i
        self.job.label = label
        self.set_bids()
        with nogil:
            for i in range(data.n_threads * pairs):
                self.job.saving[i] = INFINITY
            data.threads.each_chunk(price_rows, &self.job, count, cost)
            for i in range(pairs, data.n_threads * pairs):
                self.job.saving[i % pairs] = min(self.job.saving[i % pairs], self.job.saving[i])
            for i in range(count):
                size[label[i]] += 1 if unit == NULL else unit[i]
            self.flow.begin(&self.job, unit, size, least, most, total)
        return 0

    cdef void set_bids(self) noexcept:
        """Prices in units of squared distances."""
        cdef Py_ssize_t j
        self.job.largest_bid = 0
        for j in range(self.job.padded):
            self.job.bid[j] = INFINITY
            if j < self.k:
                self.job.bid[j] = self.flow.price[j] / self.job.scale
                self.job.largest_bid = max(self.job.largest_bid, fabs(self.job.bid[j]))

    cdef double cost(self) noexcept:
        """Nanoseconds that it takes to compare a row with all centers, roughly."""
        cdef Data data = self.run_.data
        return (4 * data.assign_cost(self.k) if data.rows.indptr == NULL
                else data.csr_cost(self.k))

    cdef int solve(self, Py_ssize_t count) except -1:
        """Move rows until no cluster has anything in excess, and bring prices up to date."""
        cdef Memory memory = Memory()
        cdef int done
        if self.flow.surplus() == 0:
            return 0
        self.flow.open_lists(count, memory)
        with nogil:
            done = self.flow.run()
        if not done:
            raise ValueError("no assignment keeps these bounds.")
        self.round()
        return 0

    cdef int round(self) except -1:
        """Give rows that are divided to one of their clusters as a whole.

        All of these cost them the same. Divided rows and their clusters make up a forest (but for
        ties); going down each tree, a cluster takes its rows while it has lost weight so far, and
        gives them on while it has gained some. So it ends up off by less than the heaviest row.
        """
        cdef Flow flow = self.flow
        cdef Py_ssize_t i
        cdef int64_t r
        shares = {}                          # place -> {cluster: amount}
        for i in range(flow.n_parted):
            r = flow.parted_at[i]
            if r not in shares:
                shares[r] = {self.job.label[r]: flow.at_home(r)}
            shares[r][flow.parted_in[i]] = flow.parted_amount[i]
        flow.n_parted = 0
        ranks = {r: flow.rank(r) for r in shares}
        rows_of_cluster = {}
        for r in sorted(shares, key=ranks.get):
            for j in sorted(shares[r]):
                rows_of_cluster.setdefault(j, []).append(r)
        off = dict.fromkeys(rows_of_cluster, 0)
        seen = set()
        for root in sorted(rows_of_cluster):
            waiting = [root] if root not in seen else []
            seen.add(root)
            for j in waiting:                # (it grows)
                for r in rows_of_cluster[j]:
                    share = shares.pop(r, None)
                    if share is None:
                        continue
                    others = sorted(set(share) - {j}, key=lambda other: (-share[other], other))
                    taker = j if off[j] <= 0 else min(others, key=lambda other: other in seen)
                    for other, amount in share.items():
                        off[other] -= amount
                    off[taker] += sum(share.values())
                    self.job.label[r] = taker
                    waiting += [other for other in others if other not in seen]
                    seen.update(others)
        return 0

    cdef int label_weightless(self, int32_t *label) except -1:
        """Rows that count nothing go where it is cheapest."""
        cdef Run run = self.run_
        cdef Memory memory = Memory()
        cdef Py_ssize_t count = 0 if self.at_last is None else len(self.at_last), i
        cdef double cost = self.cost()
        cdef const int64_t *row
        cdef int32_t *own
        if count == 0:
            return 0
        row = <const int64_t *>values_of(self.at_last, cnp.NPY_INT64, "rows", 1, count)
        own = <int32_t *>memory.take(count, sizeof(int32_t), True)
        for i in range(count):
            own[i] = label[row[i]]
        self.job.ids = row
        self.job.label = own
        self.set_bids()                      # (the flow has moved prices)
        with nogil:
            run.data.threads.each_chunk(price_rows, &self.job, count, cost)
        self.job.ids = NULL
        for i in range(count):
            label[row[i]] = own[i]
        return 0
