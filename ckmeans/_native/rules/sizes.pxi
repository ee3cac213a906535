# Clusters whose sizes are bounded: each assignment is the one of least cost that keeps the bounds
# (Bradley, Bennett & Demiriz, Microsoft Research TR-2000-65), a min-cost flow; see rules/flow.pxi.
#
# Each cluster has a price, and one pass assigns each row to the cluster of least cost + price. The
# prices for which clusters have the required sizes are close to those of the last iteration; where
# they are not, they are first corrected on random samples of the rows. So only few rows are left
# that the flow has to move.
#
# The cost of a row in a cluster is its squared distance minus its smallest squared distance, as a
# whole number of units. The unit is 2**-52 times an upper bound of all costs, or more for very many
# clusters. The assignment is exactly optimal for these costs.

cdef enum:
    SMALLER = 8          # each sample is a SMALLER-th of the next one; the last one, of all rows,
    SAMPLED = 16         # and has at least SAMPLED rows for each cluster
    FEW_DOUBTFUL = 8     # all rows are compared if bounds leave more than one in FEW_DOUBTFUL,
    MOST_AGED = 12       # and after MOST_AGED passes, since bounds get weaker with each
    PRICED_FEATURES = 2048   # most features of rows whose priced distances go through the filter


cdef double HIGHEST = <double>UNREACHED / 8      # of prices before an assignment: the flow then
                                                 # cannot raise them to UNREACHED


cdef class Nothing(Search):
    """Does nothing: the rule finds the labels itself."""

    cdef bint possible(self, Run run) noexcept:
        return run.rule is not None and run.rule.searches

    cdef bint always_fits(self) noexcept nogil:
        return True

    cdef bint reads_all_rows(self) noexcept nogil:
        return False

    cdef bint reads_panels(self) noexcept nogil:
        return False


cdef double distance_up(const double *a, const double *b, Py_ssize_t d) noexcept nogil:
    """The distance of two points (d,), rounded up."""
    cdef double total = 0, step
    cdef Py_ssize_t f
    for f in range(d):
        step = a[f] - b[f]
        total += step * step
    return sqrt(total) * (1 + 1e-15 * (d + 8))


cdef class Sizes(Rule):
    """Keeps the size of each cluster between bounds, at the least total squared distance.

    Parameters
    ----------
    least, most : ndarray of shape (k,), int64
        Bounds, in units.
    units : ndarray of shape (n,), int64, or None
        The units of each row, at least 0, below 2**52 in total; None: 1 each.
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
    cdef double *slack           # (n,) bounds of rows, see rules/pricing.pxi
    cdef double *reach           # (n,)
    cdef int32_t *priced_in      # (n,)
    cdef double *center_then     # (k, d) the centers,
    cdef double *bid_then        # (k,) the prices
    cdef double *farthest        # (k,) and the largest reach, when bounds were updated last
    cdef double *moved           # (k,) scratch
    cdef double *loss            # (k,) scratch
    cdef double *loss_by_reach   # (k,) scratch
    cdef double *cap             # (k,) scratch
    cdef int age                 # passes since all rows were compared; -1: there are no bounds
    cdef CenterForms forms       # for the filter; None: there is none
    cdef double *sample_bounds   # (2, sampled) `slack` and `reach` of a sample's rows
    cdef int32_t *sample_priced  # (sampled,)
    cdef Py_ssize_t sampled
    cdef bint priced             # whether there are prices of an earlier assignment
    cdef const int64_t *order    # (n,) all rows, in the order of their hashes
    cdef object at_last          # rows of 0 units, which are assigned last

    def __cinit__(self, cnp.ndarray least not None, cnp.ndarray most not None, units=None):
        self.amends = self.searches = True
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
        if (self.bounds[0] < 0).any() or (self.bounds[0] > self.bounds[1]).any():
            raise ValueError("bounds must be at least 0, and no least above its most.")
        self.n, self.total = n, n
        if self.held is not None:
            self.unit = <const int64_t *>values_of(self.held, cnp.NPY_INT64, "units", 1, n)
            if (self.held < 0).any() or self.held.sum(dtype=np.float64) >= 1 << 52:
                raise ValueError("units must be at least 0, and below 2**52 in total.")
            self.total = self.held.sum()
            self.at_last = np.flatnonzero(self.held == 0)
        if (self.bounds[0].sum() > self.total
            or np.minimum(self.bounds[1], self.total).sum() < self.total):
            raise ValueError("no assignment keeps these bounds.")
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
        self.job.saving = <double *>self.memory.take(run.data.n_threads * k * self.job.padded,
                                                     sizeof(double), True)
        self.job.farthest = <double *>self.memory.take(run.data.n_threads * k, sizeof(double))
        self.job.compared = <int64_t *>self.memory.take(run.data.n_threads, sizeof(int64_t))
        self.slack = <double *>self.memory.take(n, sizeof(double), True)
        self.reach = <double *>self.memory.take(n, sizeof(double), True)
        self.priced_in = <int32_t *>self.memory.take(n, sizeof(int32_t), True)
        self.center_then = <double *>self.memory.take(k * d, sizeof(double))
        self.bid_then = <double *>self.memory.take(6 * k, sizeof(double))
        self.farthest = self.bid_then + k
        self.job.moved = self.moved = self.bid_then + 2 * k
        self.job.loss = self.loss = self.bid_then + 3 * k
        self.job.loss_by_reach = self.loss_by_reach = self.bid_then + 4 * k
        self.job.cap = self.cap = self.bid_then + 5 * k
        self.age = -1
        self.open_filter(run)
        self.job.rank = rank = <int64_t *>self.memory.take(n, sizeof(int64_t), True)
        for i in range(n):
            rank[order.order[i]] = i
        return 0

    cdef int open_filter(self, Run run) except -1:
        """Allocate what the filter in float32 reads, if rows and memory allow it."""
        cdef Py_ssize_t k = self.k, d = run.data.rows.d, padded = self.job.padded
        cdef Packed *packed = run.choice.packing.panels()
        if (not run.choice.packing.filter or packed.panels == NULL or run.data.rows.directionless
                or not 2.0 ** -400 < packed.scale < 2.0 ** 400):
            return 0
        self.forms = CenterForms(k, d, False)
        self.forms.use_lanes()
        self.forms.sifting = True
        self.job.filter = run.data.filter
        self.job.norms = <float *>self.memory.take(padded, sizeof(float))
        self.job.added = <double *>self.memory.take(k, sizeof(double))
        self.job.scores = <float *>self.memory.take(run.data.n_threads * PRICED_ROWS * padded,
                                                    sizeof(float), True)
        self.job.saved = <float *>self.memory.take(run.data.n_threads * k * padded,
                                                   sizeof(float), True)
        return 0

    cdef int prepare_filter(self, Run run) except -1:
        """The forms of the centers, and rows that are packed one after the other."""
        cdef Data data = run.data
        cdef Packing packing = run.choice.packing
        self.job.packed = NULL
        if self.forms is None or not run.forms.c.filter or data.floats.boxes.order != NULL:
            return 0
        if packing.panels().filling:         # a pass whose labels nobody reads packs them
            run.job.packing = packing.panels_for(run, BY_FEATURE)
            with nogil:
                data.each_chunk(data.exact.assign, &run.job, packing.pass_cost(run))
            packing.was_read()
        self.job.packed = packing.panels_for(run, BY_ROW)
        self.forms.prepare(run.clusters.center, self.job.packed, True, True)
        self.job.lanes = self.forms.c.lanes
        if not self.forms.c.filter:
            self.job.packed = NULL
        return 0

    cdef void price_filter(self) noexcept:
        """Add prices to the norms that the filter reads. Of a price, rounding loses less than 4e-7
        times it where it is added, and less than 6e-8 times it in each of the d / 64 sums of a
        product: up to PRICED_FEATURES, together less than the guards below.
        """
        cdef double scale, least = INFINITY, most = 0, norm
        cdef Centers *c
        cdef Py_ssize_t j
        if self.job.packed == NULL:
            return
        c = &self.forms.c
        scale = self.job.packed.scale * self.job.packed.scale
        for j in range(self.k):
            least = min(least, self.job.bid[j])
        for j in range(self.k):
            self.job.added[j] = (self.job.bid[j] - least) * scale
            most = max(most, self.job.added[j])
            norm = self.forms.norms[j] * (1 - 2 * c.gamma - 5e-7)
            self.job.norms[j] = <float>(norm + self.job.added[j] * (1 - 4e-7))
        for j in range(self.k, self.job.padded):
            self.job.norms[j] = <float>3e38
        if not most < ldexp(1, 110) or self.run_.data.rows.d > PRICED_FEATURES:
            self.job.packed = NULL
        self.job.guard_norm = c.guard_norm + 3e-6
        self.job.guard_score = c.guard_score + 2e-6
        self.job.guard_floor = (c.guard_floor + 2e-6 * most
                                + scale * (16 / self.job.scale + 1e-14 * self.job.largest_bid))

    cdef int amend(self, Run run, int32_t *label) except -1 nogil:
        memcpy(label, run.amended, self.n * sizeof(int32_t))
        with gil:
            self.assign(run, label)
        return 0

    cdef int assign(self, Run run, int32_t *label) except -1:
        """Find the labels (n,) of least cost; a row keeps its label where others cost the same."""
        cdef Py_ssize_t count = self.n, j
        cdef double off
        samples: list = []                   # numbers of rows, from the largest on
        self.run_ = run
        self.job.centers = run.clusters.center
        side_by_side(run.clusters.center, NULL, self.k, run.data.rows.d, self.blocks)
        self.rescale()
        self.prepare_filter(run)
        if self.priced:
            self.price(self.n, label, self.least, self.most, self.unit, self.total)
        # With the prices of a sample, sizes are off by a share of about sqrt(k / sample size). So
        # a sample pays where they are off by more than that now.
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
        """Choose the scale of costs, and convert prices to it. If they are too high for it, since
        centers were much farther from the rows before, start with prices of 0.
        """
        cdef Run run = self.run_
        cdef Cuts cuts = run.data.cuts
        cdef Py_ssize_t d = run.data.rows.d, f, j
        cdef double largest = 0, low, high, value
        cdef int exponent, digits = 1, finest
        for f in range(d):
            low = high = run.clusters.center[f]
            for j in range(1, self.k):
                low = min(low, run.clusters.center[j * d + f])
                high = max(high, run.clusters.center[j * d + f])
            # |x - a|^2 - |x - b|^2 = (b - a)(2x - a - b)
            largest += (high - low) * 2 * max(max(cuts.high_[f] - low, high - cuts.low_[f]), 0.0)
        while 1 << digits < 2 * (self.k + 2):
            digits += 1
        finest = min(52, 61 - digits)
        frexp(largest, &exponent)
        exponent = finest - exponent if largest > 0 else 0
        exponent = max(min(exponent, 1000), -1000)
        self.job.most = <int64_t>2 << finest
        for j in range(self.k + 1 if exponent != self.exponent else 0):
            value = ldexp(<double>self.flow.price[j], exponent - self.exponent)
            if fabs(value) > HIGHEST:
                memset(self.flow.price, 0, (self.k + 1) * sizeof(int64_t))
                self.priced = False
                break
            self.flow.price[j] = <int64_t>value
        self.exponent = exponent
        self.job.scale = ldexp(1, exponent)
        return 0

    cdef int sample(self, Py_ssize_t count) except -1:
        """Find prices for a random sample: the first `count` rows in the order of their hashes."""
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
        self.sampled = count
        self.sample_bounds = <double *>memory.take(2 * count, sizeof(double), True)
        self.sample_priced = <int32_t *>memory.take(count, sizeof(int32_t), True)
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
        """Assign the rows at the first `count` places to their cheapest clusters, and find the
        excess of each cluster.
        """
        cdef Data data = self.run_.data
        cdef Memory memory = Memory()
        cdef int64_t *size = <int64_t *>memory.take(self.k, sizeof(int64_t))
        cdef double cost = self.cost()
        cdef Py_ssize_t pairs = self.k * self.job.padded, i
        self.job.label = label
        self.set_bids()
        self.begin_tracking()
        with nogil:
            # The first thread continues with the savings of the last pass, if they are used.
            for i in range(0 if self.job.all_rows else pairs, data.n_threads * pairs):
                self.job.saving[i] = INFINITY
            for i in range(data.n_threads * pairs if self.job.packed != NULL else 0):
                self.job.saved[i] = <float>3e38
            data.threads.each_chunk(price_rows, &self.job, count, cost)
            for i in range(pairs, data.n_threads * pairs):
                self.job.saving[i % pairs] = min(self.job.saving[i % pairs], self.job.saving[i])
            self.take_saved()
        self.end_tracking()
        with nogil:
            for i in range(count):
                size[label[i]] += 1 if unit == NULL else unit[i]
            self.flow.begin(&self.job, unit, size, least, most, total)
        return 0

    cdef void take_saved(self) noexcept nogil:
        """Lower `saving` to what the filter has found, without prices."""
        cdef Py_ssize_t pairs = self.k * self.job.padded, i, a, j
        cdef double unit, value
        if self.job.packed == NULL:
            return
        unit = 1 / (self.job.packed.scale * self.job.packed.scale)
        for i in range(self.run_.data.n_threads * pairs):
            if self.job.saved[i] > 1e38:      # no row
                continue
            a, j = i % pairs // self.job.padded, i % self.job.padded
            if j < self.k:
                value = self.job.saved[i] - 1e-6 * fabs(self.job.saved[i])
                value = (value - self.job.added[j] + self.job.added[a]) * unit
                self.job.saving[i % pairs] = min(self.job.saving[i % pairs], value)

    cdef void set_bids(self) noexcept:
        """Set `bid`: the prices in units of squared distances."""
        cdef Py_ssize_t j
        self.job.largest_bid = 0
        for j in range(self.job.padded):
            self.job.bid[j] = INFINITY
            if j < self.k:
                self.job.bid[j] = self.flow.price[j] / self.job.scale
                self.job.largest_bid = max(self.job.largest_bid, fabs(self.job.bid[j]))
        self.price_filter()

    cdef int begin_tracking(self) except -1:
        """Before a pass: find by how much the bounds of rows have changed since the last one, and
        whether all rows are compared, since the bounds are too weak.
        """
        cdef Data data = self.run_.data
        cdef Py_ssize_t k = self.k, d = data.rows.d, padded = self.job.padded, a, j
        cdef const double *center = self.run_.clusters.center
        cdef double apart, step, fall, least, reach, most_moved = 0, largest = self.job.largest_bid
        cdef int64_t doubtful = 0
        cdef int worker
        memset(self.job.farthest, 0, data.n_threads * k * sizeof(double))
        self.job.slack, self.job.reach, self.job.priced = self.slack, self.reach, self.priced_in
        if self.job.ids != NULL:
            self.job.slack, self.job.reach = self.sample_bounds, self.sample_bounds + self.sampled
            self.job.priced = self.sample_priced
        self.job.all_rows = self.job.ids != NULL or not 0 <= self.age < MOST_AGED
        self.job.slip_by_square = 1e-14 + 1e-15 * d
        self.job.span = 0
        for a in range(k if self.job.all_rows else 0):
            for j in range(a):
                apart = distance_up(center + a * d, center + j * d, d)
                self.job.span = max(self.job.span, apart)
        self.job.slip = 16 / self.job.scale + self.job.slip_by_square * largest
        if self.job.all_rows:
            return 0
        for j in range(k):
            self.moved[j] = distance_up(center + j * d, self.center_then + j * d, d)
            most_moved = max(most_moved, self.moved[j])
            largest = max(largest, fabs(self.bid_then[j]))
        for a in range(k):
            for j in range(k):
                apart = distance_up(self.center_then + a * d, self.center_then + j * d, d)
                self.job.span = max(self.job.span, apart + 2 * most_moved)
        self.job.slip = 16 / self.job.scale + self.job.slip_by_square * largest
        for a in range(k):
            reach = self.farthest[a] + self.job.span
            most_moved = 0
            self.loss[a], self.cap[a] = -INFINITY, INFINITY
            for j in range(k):
                if j == a:
                    continue
                step = 2 * self.moved[j] * distance_up(self.center_then + a * d,
                                                       self.center_then + j * d, d)
                fall = (step + 2 * self.farthest[a] * (self.moved[j] + self.moved[a])
                        + self.moved[a] * self.moved[a] + self.job.slip
                        + self.job.slip_by_square * (reach * reach))
                self.job.saving[a * padded + j] -= fall
                # Mostly all rows of cluster a cost clearly more in j: then j only limits bounds.
                least = self.job.saving[a * padded + j] + self.job.bid[j] - self.job.bid[a]
                if least > 4 * fall:
                    self.cap[a] = min(self.cap[a], least)
                    continue
                self.loss[a] = max(self.loss[a], step - (self.job.bid[j] - self.bid_then[j]))
                most_moved = max(most_moved, self.moved[j])
            self.loss[a] += (self.moved[a] * self.moved[a]
                             + (self.job.bid[a] - self.bid_then[a]))
            self.loss_by_reach[a] = 2 * (most_moved + self.moved[a])
        memset(self.job.compared, 0, data.n_threads * sizeof(int64_t))
        with nogil:
            data.threads.each_chunk(count_doubtful, &self.job, self.n, 5)
        for worker in range(data.n_threads):
            doubtful += self.job.compared[worker]
        self.job.all_rows = FEW_DOUBTFUL * doubtful > self.n
        return 0

    cdef void end_tracking(self) noexcept:
        """After a pass: note for which centers and prices the bounds hold."""
        cdef Data data = self.run_.data
        cdef Py_ssize_t k = self.k, j
        cdef int worker
        memset(self.farthest, 0, k * sizeof(double))
        for worker in range(data.n_threads):
            for j in range(k):
                self.farthest[j] = max(self.farthest[j], self.job.farthest[worker * k + j])
        if self.job.ids != NULL:             # the savings of all rows were overwritten
            self.age = -1
            return
        memcpy(self.center_then, self.run_.clusters.center, k * data.rows.d * sizeof(double))
        memcpy(self.bid_then, self.job.bid, k * sizeof(double))
        self.age = 0 if self.job.all_rows else self.age + 1

    cdef double cost(self) noexcept:
        """Roughly, the nanoseconds of comparing a row with all centers."""
        cdef Data data = self.run_.data
        return (4 * data.assign_cost(self.k) if data.rows.indptr == NULL
                else data.csr_cost(self.k))

    cdef double most_slip(self) noexcept:
        """By how much the cost of a row may be off from what its bounds say."""
        cdef double span = 0
        cdef Py_ssize_t j
        for j in range(self.k):
            span = max(span, self.farthest[j])
        span += self.job.span
        return self.job.slip + self.job.slip_by_square * (self.job.largest_bid + span * span)

    cdef int solve(self, Py_ssize_t count) except -1:
        """Move rows until no cluster has an excess; this also updates the prices."""
        cdef int done
        if self.flow.surplus() == 0:
            return 0
        self.flow.open_lists(count, self.most_slip())
        with nogil:
            done = self.flow.run()
        if not done:                         # which `open` has ruled out for unchanged rows
            raise ValueError("X was changed while it was read: pass a copy.")
        self.round()
        return 0

    cdef int round(self) except -1:
        """Assign each divided row to one of its clusters, which all cost it the same.

        The graph that connects divided rows with their clusters is a forest, except for ties. In
        each tree, from the root down, a cluster takes its rows as long as it has not gained units
        so far, else it leaves them to another of their clusters. So the size of a cluster changes
        by less than the units of the heaviest row.
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
            for j in waiting:                # a list that grows meanwhile
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
        """Assign rows of 0 units to their cheapest clusters."""
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
        self.job.slack = NULL
        self.age = -1                        # this pass overwrites the bounds of other rows
        self.set_bids()                      # the flow has changed prices
        with nogil:
            run.data.threads.each_chunk(price_rows, &self.job, count, cost)
        self.job.ids = NULL
        for i in range(count):
            label[row[i]] = own[i]
        return 0
