# Moves rows between clusters at the least cost until all sizes are within their bounds: successive
# shortest paths (Ahuja, Magnanti & Orlin, Network Flows, 1993, section 9.7) in a graph of the
# clusters and a sink, which is small, since k is small compared with the number of rows.
#
# Costs and prices are whole numbers, so nothing is rounded. At any time each row is in a cluster of
# least cost + price (it may be divided among several). A cluster whose price is above that of the
# sink sends as much to the sink as its upper bound allows, one whose price is below sends its lower
# bound. So by complementary slackness no other flow with the same sizes costs less. It remains to
# send the excess of some nodes to those with a deficit, along paths of least reduced cost. The cost
# of the arc from one cluster to another is that of the row of the first that is cheapest to move.
#
# Most rows are never on such a path. So only the moves that cost less than a limit are listed, a
# heap for each arc, of the rows whose bounds say that they may have any; of other moves a lower
# bound is known. When the search for a path reaches a node by such a bound, the limit is raised, or
# where this would list too many rows, more moves of this arc alone are listed.
#
# Bounds depend on how pricing has found them, and the limit on them, so paths must not: among paths
# of equal length the choice is fixed (`reach`), and no bound is part of a path.

cdef struct Move:        # a row that may leave one cluster for another
    int64_t key          # the cost of this move, without prices
    int64_t rank         # of the row in the order of hashes, which decides between equal keys
    int64_t at           # place of the row, see `Pricing`


cdef struct Heap:        # the rows of one cluster that are cheapest to move to another. Rows that
                         # have left the cluster since are dropped when they come to the top
    Move *moves
    Py_ssize_t count, room
    int64_t unlisted     # rows that are not listed have this key or a larger one
    Py_ssize_t wanted    # how many rows are listed next time for this arc alone
    int64_t listed       # scratch: `unlisted` before more are listed


cdef enum:
    NOWHERE = -1
    WANTED = 64          # at first as many rows are listed for each cluster, at least
    FIRST_LISTED = 32    # and for a single arc
    MANY_LISTED = 4      # the limit is not raised if that lists more than one in MANY_LISTED rows
    SLACKS = 1 << 14     # rows in a sample of slacks


cdef inline bint sooner(const Move *a, const Move *b) noexcept nogil:
    return a.key < b.key or (a.key == b.key and a.rank < b.rank)


cdef int append_move(Heap *heap, int64_t key, int64_t rank, int64_t at) except -1 nogil:
    """Append a row without restoring the order of a heap."""
    cdef Py_ssize_t room
    cdef Move *moves
    if heap.count == heap.room:
        room = 2 * heap.room + 8
        moves = <Move *>realloc(heap.moves, room * sizeof(Move))
        if moves == NULL:
            with gil:
                raise MemoryError()
        heap.moves, heap.room = moves, room
    heap.moves[heap.count].key = key
    heap.moves[heap.count].rank = rank
    heap.moves[heap.count].at = at
    heap.count += 1
    return 0


cdef int push_move(Heap *heap, int64_t key, int64_t rank, int64_t at) except -1 nogil:
    cdef Py_ssize_t i
    cdef Move move
    append_move(heap, key, rank, at)
    i = heap.count - 1
    move = heap.moves[i]
    while i > 0 and sooner(&move, heap.moves + (i - 1) // 2):
        heap.moves[i] = heap.moves[(i - 1) // 2]
        i = (i - 1) // 2
    heap.moves[i] = move
    return 0


cdef void pop_move(Heap *heap) noexcept nogil:
    cdef Py_ssize_t i = 0, child
    cdef Move move
    heap.count -= 1
    move = heap.moves[heap.count]
    while 2 * i + 1 < heap.count:
        child = 2 * i + 1
        if child + 1 < heap.count and sooner(heap.moves + child + 1, heap.moves + child):
            child += 1
        if not sooner(heap.moves + child, &move):
            break
        heap.moves[i] = heap.moves[child]
        i = child
    heap.moves[i] = move


cdef class Flow:
    """The flow of rows into clusters and on to the sink.

    Nodes 0 to k - 1 are the clusters, k is the sink. The excess of a node is what flows in and not
    out; below 0 it is a deficit.
    """
    cdef Memory memory
    cdef Py_ssize_t k
    cdef int64_t *price          # (k + 1,)
    cdef int64_t *sent           # (k,) flow from each cluster to the sink
    cdef int64_t *excess         # (k + 1,)
    cdef const int64_t *least    # (k,)
    cdef const int64_t *most     # (k,)
    # rows
    cdef Pricing *job            # computes costs; its `label` says which cluster a row is in
    cdef const int64_t *unit     # (places,) their weights; NULL: 1
    cdef Py_ssize_t count        # places
    cdef double slip             # see `open_lists`
    cdef double listed_to        # all moves are listed that cost less than this squared distance
    cdef object slacks           # (some,) float64: a sample of slacks, ascending
    # for arcs of which more is listed alone; NULL until there are any
    cdef int64_t *member         # (places,) the rows of each cluster when these lists were made,
    cdef Py_ssize_t *member_start        # (k + 1,) and where each cluster begins in `member`
    cdef Heap *came              # (k,) the rows that have joined it since, in no order
    cdef Heap found              # scratch: rows in no order
    cdef double *both            # (2, d) scratch: two centers,
    cdef double *pair_blocks     # (d, BLOCK) the same side by side,
    cdef double *pair_squares    # (SOME, BLOCK) and distances to them
    cdef Memory lists            # keeps `member`
    cdef int64_t *price_then     # (k,) prices when lists were opened: costs of moves include them
    cdef Heap *heaps             # (k, k)
    cdef int64_t *top_key        # (k, k) key of the row of one cluster that is cheapest to move to
                                 # another, or a lower bound of it,
    cdef int64_t *top_at         # (k, k) and the row's place; NOWHERE for a bound
    cdef int64_t *cost           # (k,) scratch: of one row
    # the search for a path
    cdef int64_t *distance       # (k + 1,)
    cdef Py_ssize_t *hops        # (k + 1,) the number of arcs on the path of this length
    cdef uint8_t *settled        # (k + 1,) whether the distance is final
    cdef Py_ssize_t *came_from   # (k + 1,) the node before this one on the path, or NOWHERE
    cdef int64_t *via            # (k + 1,) the row that the last arc moves; NOWHERE: none
    cdef uint8_t *guessed        # (k + 1,) whether the last arc's cost is only a bound
    # divided rows: their shares in clusters other than that of their `label`
    cdef Py_ssize_t n_parted, parted_room
    cdef int64_t *parted_at      # places,
    cdef int32_t *parted_in      # clusters,
    cdef int64_t *parted_amount  # the units of the row in this cluster,
    cdef int64_t *parted_cost    # (.., k) and the rows' costs

    def __cinit__(self, Py_ssize_t k, Py_ssize_t d):
        self.k = k
        self.memory = Memory()
        self.price = <int64_t *>self.memory.take(k + 1, sizeof(int64_t))
        self.sent = <int64_t *>self.memory.take(k + 1, sizeof(int64_t))
        self.excess = <int64_t *>self.memory.take(k + 1, sizeof(int64_t))
        self.distance = <int64_t *>self.memory.take(k + 1, sizeof(int64_t))
        self.hops = <Py_ssize_t *>self.memory.take(k + 1, sizeof(Py_ssize_t))
        self.settled = <uint8_t *>self.memory.take(k + 1, 1)
        self.guessed = <uint8_t *>self.memory.take(k + 1, 1)
        self.came_from = <Py_ssize_t *>self.memory.take(k + 1, sizeof(Py_ssize_t))
        self.via = <int64_t *>self.memory.take(k + 1, sizeof(int64_t))
        self.heaps = <Heap *>self.memory.take(k * k, sizeof(Heap))
        self.top_key = <int64_t *>self.memory.take(k * k, sizeof(int64_t))
        self.top_at = <int64_t *>self.memory.take(k * k, sizeof(int64_t))
        self.price_then = <int64_t *>self.memory.take(k, sizeof(int64_t))
        self.cost = <int64_t *>self.memory.take(k, sizeof(int64_t))
        self.came = <Heap *>self.memory.take(k, sizeof(Heap))
        self.member_start = <Py_ssize_t *>self.memory.take(k + 1, sizeof(Py_ssize_t))
        self.both = <double *>self.memory.take(2 * d, sizeof(double))
        self.pair_blocks = <double *>self.memory.take(BLOCK * d, sizeof(double))
        self.pair_squares = <double *>self.memory.take(SOME * BLOCK, sizeof(double))

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.k if self.came != NULL else 0):
            free(self.came[i].moves)
        free(self.found.moves)
        for i in range(self.k * self.k if self.heaps != NULL else 0):
            free(self.heaps[i].moves)
        free(self.parted_at)
        free(self.parted_in)
        free(self.parted_amount)
        free(self.parted_cost)

    cdef void begin(self, Pricing *job, const int64_t *unit, const int64_t *size,
                    const int64_t *least, const int64_t *most, int64_t total) noexcept nogil:
        """Find the excess of all nodes when each row is in its cheapest cluster.

        size   IN  (k,) the resulting sizes
        total  their sum
        """
        cdef Py_ssize_t j
        self.job, self.unit, self.least, self.most = job, unit, least, most
        self.excess[self.k] = -total
        for j in range(self.k):
            if self.price[j] > self.price[self.k]:
                self.sent[j] = most[j]
            elif self.price[j] < self.price[self.k]:
                self.sent[j] = least[j]
            else:
                self.sent[j] = min(max(size[j], least[j]), most[j])
            self.excess[j] = size[j] - self.sent[j]
            self.excess[self.k] += self.sent[j]
        self.n_parted = 0

    cdef int64_t surplus(self) noexcept nogil:
        """The excess of all nodes that have any, which is still to be moved."""
        cdef int64_t total = 0
        cdef Py_ssize_t j
        for j in range(self.k + 1):
            total += max(self.excess[j], <int64_t>0)
        return total

    # -- rows --------------------------------------------------------------------------------------

    cdef int open_lists(self, Py_ssize_t count, double slip) except -1:
        """Start with empty heaps, for the rows at the first `count` places.

        slip  by how much the cost of a row may be off from what its bounds say
        """
        cdef Py_ssize_t k = self.k, some = min(count, <Py_ssize_t>SLACKS), i, a, b, rank
        cdef cnp.ndarray slacks = np.empty(some)
        cdef double *slack = <double *>cnp.PyArray_DATA(slacks)
        cdef int64_t surplus = min(self.surplus(), <int64_t>count)
        self.count, self.slip = count, slip
        self.lists, self.member = None, NULL
        memcpy(self.price_then, self.price, k * sizeof(int64_t))
        for a in range(k):
            for b in range(k):
                self.heaps[a * k + b].count = 0
                self.heaps[a * k + b].wanted = max(<int64_t>FIRST_LISTED, surplus // k)
                self.heaps[a * k + b].unlisted = self.least_key(a, b)
        for i in range(some):
            slack[i] = self.job.slack[i * count // some]
        slacks.sort()
        self.slacks = slacks
        rank = min(4 * surplus + WANTED * k, count // MANY_LISTED) * some // count
        self.listed_to = max(slack[rank], 64 / self.job.scale)
        return self.list_all()

    cdef bint few_more(self) except -1:
        """Whether twice the limit would list few rows."""
        return (np.searchsorted(self.slacks, 2 * self.listed_to) * MANY_LISTED
                <= len(self.slacks))

    cdef int list_more(self, Py_ssize_t a, Py_ssize_t b) except -1:
        """List more moves, those from cluster a to b among them."""
        if self.few_more():
            self.listed_to *= 2
            return self.list_all()
        if self.member == NULL:
            self.open_members()
        return self.list_arc(a, b)

    cdef int64_t least_key(self, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        """A lower bound of the key for moving any of cluster a's original rows to cluster b."""
        cdef double saving = self.job.saving[a * self.job.padded + b], key
        if saving == INFINITY:               # the cluster has no rows
            return UNREACHED
        # Minus 4, since this number and keys are rounded three times each. The other bound holds
        # because each row is in its cheapest cluster.
        key = floor(saving * self.job.scale)
        if not -4e18 < key < 4e18:           # it does not fit into an int64_t
            return self.price[a] - self.price[b]
        return max(<int64_t>key - 4, self.price[a] - self.price[b])

    cdef inline int64_t weight(self, int64_t at) noexcept nogil:
        return 1 if self.unit == NULL else self.unit[at]

    cdef int list_all(self) except -1:
        """List all moves that cost less than `listed_to`, and the slip."""
        cdef Py_ssize_t k = self.k, i, a, b, waiting = 0
        cdef const int32_t *label = self.job.label
        cdef int64_t ids[SOME]
        cdef int64_t places[SOME]
        cdef double limit = self.listed_to + self.slip
        cdef int64_t least
        cdef Heap *heap
        # Slacks are squared distances; costs are rounded a few times.
        least = UNREACHED
        if self.listed_to * self.job.scale < 4.0 * self.job.most:
            least = <int64_t>floor(self.listed_to * self.job.scale) - 8
        with nogil:
            for a in range(k):
                for b in range(k):
                    heap = self.heaps + a * k + b
                    heap.listed = heap.unlisted
                    if least == UNREACHED:
                        heap.unlisted = UNREACHED
                    else:
                        heap.unlisted = max(heap.unlisted, least + self.price_then[a]
                                            - self.price_then[b])
            for i in range(self.count):
                if (self.job.slack[i] < limit or least == UNREACHED) and self.weight(i) > 0:
                    places[waiting] = i
                    ids[waiting] = i if self.job.ids == NULL else self.job.ids[i]
                    waiting += 1
                if waiting == SOME or (waiting > 0 and i == self.count - 1):
                    self.job.exact.squares(self.job.rows, ids, waiting, self.job.centers,
                                           self.job.blocks, k, self.job.workers,
                                           self.job.squares)
                    for b in range(waiting):
                        self.list_row(places[b], label[places[b]],
                                      self.job.squares + b * self.job.padded)
                    waiting = 0
            for a in range(k):
                for b in range(k):
                    self.look(a, b)
        return 0

    cdef int list_row(self, int64_t at, Py_ssize_t a, const double *sq) except -1 nogil:
        """List the moves of a row in cluster a that were not listed so far and are to be.

        sq  IN  (k,) its squared distances
        """
        cdef Py_ssize_t b
        cdef int64_t key
        cdef Heap *heap
        self.costs_from(sq, self.cost)
        for b in range(self.k):
            heap = self.heaps + a * self.k + b
            key = self.cost[b] - self.cost[a]
            if heap.listed <= key < heap.unlisted and b != a:
                push_move(heap, key, self.rank(at), at)
        return 0

    cdef int open_members(self) except -1:
        """List the rows of each cluster."""
        cdef Py_ssize_t k = self.k, i, j
        cdef const int32_t *label = self.job.label
        self.lists = Memory()
        self.member = <int64_t *>self.lists.take(self.count, sizeof(int64_t), True)
        memset(self.member_start, 0, (k + 1) * sizeof(Py_ssize_t))
        for i in range(self.count):
            self.member_start[label[i] + 1] += 1
        for j in range(k):
            self.member_start[j + 1] += self.member_start[j]
            self.came[j].count = 0
        for i in range(self.count):
            self.member[self.member_start[label[i]]] = i
            self.member_start[label[i]] += 1
        for j in range(k, 0, -1):
            self.member_start[j] = self.member_start[j - 1]
        self.member_start[0] = 0
        return 0

    cdef int list_arc(self, Py_ssize_t a, Py_ssize_t b) except -1:
        """List more of the rows of cluster a that are cheapest to move to b.

        The difference of two costs is at first taken from squared distances to two centers, which
        is exact up to the rounding of costs, less than 4 units.
        """
        cdef Heap *heap = self.heaps + a * self.k + b
        cdef Heap *came = self.came + a
        cdef Py_ssize_t d = self.job.rows.d, start = self.member_start[a], waiting = 0
        cdef Py_ssize_t members = self.member_start[a + 1] - start, i, r
        cdef int64_t at, key, cut = UNREACHED
        cdef double difference
        cdef int64_t ids[SOME]
        cdef int64_t places[SOME]
        memcpy(self.both, self.job.centers + a * d, d * sizeof(double))
        memcpy(self.both + d, self.job.centers + b * d, d * sizeof(double))
        side_by_side(self.both, NULL, 2, d, self.pair_blocks)
        self.found.count = 0
        with nogil:
            for i in range(members + came.count):
                at = self.member[start + i] if i < members else came.moves[i - members].at
                if self.job.label[at] == a and self.weight(at) > 0:
                    places[waiting] = at
                    ids[waiting] = at if self.job.ids == NULL else self.job.ids[at]
                    waiting += 1
                if waiting == SOME or (waiting and i == members + came.count - 1):
                    self.job.exact.squares(self.job.rows, ids, waiting, self.both,
                                           self.pair_blocks, 2, self.job.workers,
                                           self.pair_squares)
                    for r in range(waiting):
                        difference = (self.pair_squares[r * BLOCK + 1]
                                      - self.pair_squares[r * BLOCK]) * self.job.scale
                        if not difference < self.job.most:
                            difference = <double>self.job.most
                        key = <int64_t>floor(max(difference, -<double>self.job.most))
                        if key >= heap.unlisted - 4:
                            append_move(&self.found, key, 0, places[r])
                    waiting = 0
        if self.found.count > heap.wanted:
            cut = self.above(heap.wanted, heap.unlisted + 4)
        heap.listed = heap.unlisted
        heap.unlisted = cut if cut == UNREACHED else cut - 4
        heap.wanted *= 2
        with nogil:
            for i in range(self.found.count):
                at = self.found.moves[i].at
                if self.found.moves[i].key < cut:
                    self.costs_of(at, self.cost)
                    key = self.cost[b] - self.cost[a]
                    if heap.listed <= key < heap.unlisted:
                        push_move(heap, key, self.rank(at), at)
            self.look(a, b)
        return 0

    cdef int64_t above(self, Py_ssize_t wanted, int64_t least) except? -1:
        """A key that is above about `wanted` of those found, and above `least`."""
        cdef int64_t cut = UNREACHED
        cdef Py_ssize_t i
        cdef cnp.ndarray keys = np.empty(self.found.count, dtype=np.int64)
        for i in range(self.found.count):
            (<int64_t *>cnp.PyArray_DATA(keys))[i] = self.found.moves[i].key
        cut = np.partition(keys, wanted)[wanted]
        if cut > least:
            return cut
        cut = UNREACHED
        for i in range(self.found.count):
            if self.found.moves[i].key > least:
                cut = min(cut, self.found.moves[i].key)
        return cut

    cdef inline void look(self, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        """Update the cheapest row of one cluster to move to another from the top of its heap."""
        cdef Heap *heap = self.heaps + a * self.k + b
        while heap.count > 0 and self.job.label[heap.moves[0].at] != a:
            pop_move(heap)
        self.top_key[a * self.k + b] = heap.unlisted
        self.top_at[a * self.k + b] = NOWHERE
        if heap.count > 0 and heap.moves[0].key < heap.unlisted:
            self.top_key[a * self.k + b] = heap.moves[0].key
            self.top_at[a * self.k + b] = heap.moves[0].at

    cdef inline int64_t rank(self, int64_t at) noexcept nogil:
        return at if self.job.ids != NULL else self.job.rank[at]

    cdef void costs_of(self, int64_t at, int64_t *cost) noexcept nogil:
        """The costs (k,) of a row."""
        cdef int64_t row = at if self.job.ids == NULL else self.job.ids[at]
        self.job.exact.squares(self.job.rows, &row, 1, self.job.centers, self.job.blocks, self.k,
                               self.job.workers, self.job.squares)
        self.costs_from(self.job.squares, cost)

    cdef void costs_from(self, const double *sq, int64_t *cost) noexcept nogil:
        """The costs (k,) of a row with these squared distances."""
        cdef double nearest = sq[0]
        cdef Py_ssize_t j
        for j in range(1, self.k):
            nearest = min(nearest, sq[j])
        for j in range(self.k):
            cost[j] = cost_of(self.job, sq[j], nearest)

    cdef int arrive(self, int64_t at, Py_ssize_t a) except -1 nogil:
        """Move a row to cluster a as a whole."""
        cdef Py_ssize_t before = self.job.label[at], j
        cdef Heap *heap
        cdef int64_t key
        self.job.label[at] = <int32_t>a
        for j in range(self.k):
            if self.top_at[before * self.k + j] == at:
                self.look(before, j)
        if self.member != NULL:
            append_move(self.came + a, 0, 0, at)
        self.costs_of(at, self.cost)
        for j in range(self.k):
            key = self.cost[j] - self.cost[a]
            heap = self.heaps + a * self.k + j
            if j != a and key < heap.unlisted:
                push_move(heap, key, self.rank(at), at)
                self.look(a, j)
        return 0

    cdef int64_t at_home(self, int64_t at) noexcept nogil:
        """The units of a row in the cluster of its label."""
        cdef int64_t amount = self.weight(at)
        cdef Py_ssize_t i
        for i in range(self.n_parted):
            if self.parted_at[i] == at:
                amount -= self.parted_amount[i]
        return amount

    cdef Py_ssize_t part_of(self, int64_t at, Py_ssize_t j) noexcept nogil:
        """Index of a row's share in a cluster other than its label's; NOWHERE if it has none."""
        cdef Py_ssize_t i
        for i in range(self.n_parted):
            if self.parted_at[i] == at and self.parted_in[i] == j:
                return i
        return NOWHERE

    cdef int64_t amount_at(self, int64_t at, Py_ssize_t j) noexcept nogil:
        """The units of a row in a cluster."""
        cdef Py_ssize_t i
        if self.job.label[at] == j:
            return self.at_home(at)
        i = self.part_of(at, j)
        return 0 if i == NOWHERE else self.parted_amount[i]

    cdef int put_apart(self, int64_t at, Py_ssize_t j, int64_t amount) except -1 nogil:
        """Add units to a row's share in a cluster other than that of its label."""
        cdef Py_ssize_t i = self.part_of(at, j)
        if i == NOWHERE:
            i = self.n_parted
            if i == self.parted_room:
                self.more_parts()
            self.parted_at[i] = at
            self.parted_in[i] = <int32_t>j
            self.parted_amount[i] = 0
            self.costs_of(at, self.parted_cost + i * self.k)
            self.n_parted += 1
        self.parted_amount[i] += amount
        if self.parted_amount[i] == 0:
            self.forget_part(i)
        return 0

    cdef void forget_part(self, Py_ssize_t i) noexcept nogil:
        """Remove a share; the last one takes its place."""
        cdef Py_ssize_t last = self.n_parted - 1
        self.parted_at[i] = self.parted_at[last]
        self.parted_in[i] = self.parted_in[last]
        self.parted_amount[i] = self.parted_amount[last]
        memcpy(self.parted_cost + i * self.k, self.parted_cost + last * self.k,
               self.k * sizeof(int64_t) if i < last else 0)
        self.n_parted = last

    cdef int more_parts(self) except -1 nogil:
        cdef Py_ssize_t room = 2 * self.parted_room + 16
        cdef void *block
        cdef int done = 0
        block = realloc(self.parted_at, room * sizeof(int64_t))
        if block != NULL:
            self.parted_at = <int64_t *>block
            done += 1
        block = realloc(self.parted_in, room * sizeof(int32_t))
        if block != NULL:
            self.parted_in = <int32_t *>block
            done += 1
        block = realloc(self.parted_amount, room * sizeof(int64_t))
        if block != NULL:
            self.parted_amount = <int64_t *>block
            done += 1
        block = realloc(self.parted_cost, room * self.k * sizeof(int64_t))
        if block != NULL:
            self.parted_cost = <int64_t *>block
            done += 1
        if done < 4:
            with gil:
                raise MemoryError()
        self.parted_room = room
        return 0

    cdef int shift(self, int64_t at, Py_ssize_t a, Py_ssize_t b, int64_t amount) except -1 nogil:
        """Move some units of a row from one cluster to another."""
        cdef Py_ssize_t home = self.job.label[at], i
        if a != home:
            self.put_apart(at, a, -amount)
        elif amount == self.at_home(at):     # all that is in the cluster of its label
            i = self.part_of(at, b)
            if i != NOWHERE:
                self.forget_part(i)
            self.arrive(at, b)
            return 0
        if b != home:
            self.put_apart(at, b, amount)
        return 0

    # -- paths -------------------------------------------------------------------------------------

    cdef inline void reach(self, Py_ssize_t a, Py_ssize_t b, int64_t cost, int64_t via,
                           bint guessed) noexcept nogil:
        """Look at the arc from a, which is settled, to b, whose best path may lead by this arc.

        Of paths of equal length the one with the fewest arcs is taken (Edmonds & Karp 1972). With
        other paths, tiny parts of rows of equal costs could be passed to and fro almost for ever.
        Then come arcs whose cost is only a bound, so that moves are listed before a path is chosen,
        then those from the node with the lowest index.
        """
        cdef int64_t length = self.distance[a] + cost + self.price[b] - self.price[a]
        cdef Py_ssize_t hops = self.hops[a] + 1
        cdef bint better = length < self.distance[b]
        if length == self.distance[b] and length < UNREACHED:
            better = hops < self.hops[b]
            if hops == self.hops[b]:
                better = guessed > self.guessed[b] or (guessed == self.guessed[b]
                                                       and a < self.came_from[b])
        if better:
            self.distance[b] = length
            self.hops[b] = hops
            self.came_from[b] = a
            self.via[b] = via
            self.guessed[b] = guessed

    cdef void scan(self, Py_ssize_t a) noexcept nogil:
        """Look at the arcs from a node to those that are not settled."""
        cdef Py_ssize_t b, i
        cdef const int64_t *key = self.top_key + a * self.k
        cdef const int64_t *at = self.top_at + a * self.k
        if a == self.k:
            for b in range(self.k):
                if not self.settled[b] and self.sent[b] > self.least[b]:
                    self.reach(a, b, 0, NOWHERE, False)
            return
        for b in range(self.k):
            if key[b] < UNREACHED and not self.settled[b]:
                self.reach(a, b, key[b], at[b], at[b] == NOWHERE)
        if not self.settled[self.k] and self.sent[a] < self.most[a]:
            self.reach(a, self.k, 0, NOWHERE, False)
        for i in range(self.n_parted):
            if self.parted_in[i] != a:
                continue
            for b in range(self.k):
                if not self.settled[b]:
                    self.reach(a, b, self.parted_cost[i * self.k + b]
                               - self.parted_cost[i * self.k + a], self.parted_at[i], False)

    cdef Py_ssize_t search(self, Py_ssize_t source) except? -2 nogil:
        """The node with a deficit that is nearest to the source (Dijkstra 1959), or NOWHERE. Raises
        prices so that the reduced cost of the path to this node is 0.
        """
        cdef Py_ssize_t v, j, u
        cdef int64_t nearest
        for j in range(self.k + 1):
            self.distance[j] = UNREACHED
            self.settled[j] = 0
            self.guessed[j] = 0
        self.distance[source] = self.hops[source] = 0
        self.came_from[source] = NOWHERE
        while True:
            v = NOWHERE
            nearest = UNREACHED
            for j in range(self.k + 1):
                if not self.settled[j] and (
                        self.distance[j] < nearest
                        or (v != NOWHERE and self.distance[j] == nearest
                            and self.hops[j] < self.hops[v])):
                    nearest = self.distance[j]
                    v = j
            if v == NOWHERE:
                return NOWHERE
            if self.guessed[v]:              # list rows, and go on with what they cost
                with gil:
                    self.list_more(self.came_from[v], v)
                for u in range(self.k + 1):
                    if not self.settled[u]:
                        self.distance[u] = UNREACHED
                        self.guessed[u] = 0
                for u in range(self.k + 1):
                    if self.settled[u]:
                        self.scan(u)
                continue
            if self.excess[v] < 0:
                break
            self.settled[v] = 1
            self.scan(v)
        for j in range(self.k + 1):
            if self.settled[j]:
                self.price[j] += nearest - self.distance[j]
        return v

    cdef int push(self, Py_ssize_t source, Py_ssize_t to) except -1 nogil:
        """Send as much of the source's excess along the path as its arcs and the deficit allow."""
        cdef int64_t amount = min(self.excess[source], -self.excess[to])
        cdef Py_ssize_t v = to, a
        while v != source:
            a = self.came_from[v]
            if self.via[v] != NOWHERE:
                amount = min(amount, self.amount_at(self.via[v], a))
            elif a == self.k:
                amount = min(amount, self.sent[v] - self.least[v])
            else:
                amount = min(amount, self.most[a] - self.sent[a])
            v = a
        v = to
        while v != source:
            a = self.came_from[v]
            if self.via[v] != NOWHERE:
                self.shift(self.via[v], a, v, amount)
            elif a == self.k:
                self.sent[v] -= amount
            else:
                self.sent[a] += amount
            v = a
        self.excess[source] -= amount
        self.excess[to] += amount
        return 0

    cdef int run(self) except -1 nogil:
        """Send all excess to nodes with a deficit; False if that is not possible."""
        cdef Py_ssize_t source = 0, found, steps = 0
        while True:
            while source <= self.k and self.excess[source] <= 0:
                source += 1
            if source > self.k:
                return True
            found = self.search(source)
            if found == NOWHERE:
                return False
            self.push(source, found)
            steps += 1
            if steps % 256 == 0:
                with gil:
                    if PyErr_CheckSignals():
                        return -1
