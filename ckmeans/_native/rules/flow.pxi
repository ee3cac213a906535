# The least costly way to give every cluster its size: successive shortest paths (Ahuja, Magnanti &
# Orlin, Network Flows, 1993, section 9.7) in a graph of the clusters and a sink, as k is small
# beside the number of rows.
#
# Costs and prices are whole numbers, so that nothing rounds. At any time every row is in a cluster
# of least cost + price (it may be divided among several), and a cluster whose price is above that
# of the sink sends all it may there, one below it as little as it must: by complementary slackness
# no other way to reach the same sizes costs less. What is left to do is to bring the excess of some
# nodes to those that lack something, along paths of least reduced cost. An arc between two clusters
# is the row in the first that is cheapest to move to the second: the top of a heap.

cdef struct Listed:      # rows that may have to move, in order of content, and the clusters that
                         # they may move to
    Py_ssize_t count
    int64_t *at          # (count,) places of the rows, see `Sizes`
    Py_ssize_t *start    # (count + 1,) where the entries of each row begin
    int32_t *center      # entries: a cluster,
    int64_t *cost        # and the row's cost there


cdef enum:
    NOWHERE = -1

cdef int64_t UNREACHED = <int64_t>1 << 62     # above all costs of paths


cdef class Flow:
    """Rows that may move among clusters of given sizes, and what they have in excess.

    Nodes 0 to k - 1 are the clusters, k is the sink.
    """
    cdef Memory memory, list_memory
    cdef Py_ssize_t k
    cdef int64_t *price          # (k + 1,)
    cdef int64_t *sent           # (k,) from each cluster to the sink
    cdef int64_t *excess         # (k + 1,)
    cdef const int64_t *least    # (k,)
    cdef const int64_t *most     # (k,)
    # the search for a path
    cdef int64_t *distance       # (k + 1,)
    cdef uint8_t *settled        # (k + 1,)
    cdef Py_ssize_t *came_from   # (k + 1,) node; NOWHERE
    cdef Py_ssize_t *via         # (k + 1,) the entry by which a row would arrive; NOWHERE: no row
    cdef Py_ssize_t *leaving     # (k + 1,) the entry that the row would leave
    # rows, and the heaps of their entries
    cdef Listed rows
    cdef Py_ssize_t *row_of      # entries: their row
    cdef Py_ssize_t *home        # (count,) entry of the cluster that a row is in
    cdef int64_t *at_home        # (count,) how much of it, of its weight
    cdef int64_t *key            # entries: what it costs the row to go there from its home
    cdef Py_ssize_t *child       # entries: pairing heaps
    cdef Py_ssize_t *after
    cdef Py_ssize_t *before
    cdef Py_ssize_t *top         # (k, k) heaps of the entries of one cluster of rows with one home
    # rows that are divided: entries apart from their homes, and how much of the row is there
    cdef Memory parted_memory
    cdef Py_ssize_t n_parted, parted_room
    cdef Py_ssize_t *parted_entry
    cdef int64_t *parted_amount

    def __cinit__(self, Py_ssize_t k):
        self.k = k
        self.memory = Memory()
        self.price = <int64_t *>self.memory.take(k + 1, sizeof(int64_t))
        self.sent = <int64_t *>self.memory.take(k + 1, sizeof(int64_t))
        self.excess = <int64_t *>self.memory.take(k + 1, sizeof(int64_t))
        self.distance = <int64_t *>self.memory.take(k + 1, sizeof(int64_t))
        self.settled = <uint8_t *>self.memory.take(k + 1, 1)
        self.came_from = <Py_ssize_t *>self.memory.take(k + 1, sizeof(Py_ssize_t))
        self.via = <Py_ssize_t *>self.memory.take(k + 1, sizeof(Py_ssize_t))
        self.leaving = <Py_ssize_t *>self.memory.take(k + 1, sizeof(Py_ssize_t))
        self.top = <Py_ssize_t *>self.memory.take(k * k, sizeof(Py_ssize_t))

    cdef void begin(self, const int64_t *size, const int64_t *least, const int64_t *most,
                    int64_t total) noexcept nogil:
        """Clusters have these sizes (k,), of this total: what do they have in excess?"""
        cdef Py_ssize_t j
        self.least, self.most = least, most
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
        """What is still to be brought elsewhere."""
        cdef int64_t total = 0
        cdef Py_ssize_t j
        for j in range(self.k + 1):
            total += max(self.excess[j], <int64_t>0)
        return total

    # -- rows --------------------------------------------------------------------------------------

    cdef int take(self, Memory memory, const Listed *rows, const int32_t *label,
                  const int64_t *units) except -1:
        """Let these rows be the ones that may move. They are in the clusters of `label`, by place,
        with all of their weight; `part` divides some.

        memory  of `rows`; kept as long as they are
        units   (places,) weights; NULL: all are 1
        """
        cdef Py_ssize_t r, e, entries = rows.start[rows.count]
        self.list_memory = memory
        self.rows = rows[0]
        self.row_of = <Py_ssize_t *>memory.take(entries, sizeof(Py_ssize_t), True)
        self.home = <Py_ssize_t *>memory.take(rows.count, sizeof(Py_ssize_t), True)
        self.at_home = <int64_t *>memory.take(rows.count, sizeof(int64_t), True)
        self.key = <int64_t *>memory.take(entries, sizeof(int64_t), True)
        self.child = <Py_ssize_t *>memory.take(entries, sizeof(Py_ssize_t), True)
        self.after = <Py_ssize_t *>memory.take(entries, sizeof(Py_ssize_t), True)
        self.before = <Py_ssize_t *>memory.take(entries, sizeof(Py_ssize_t), True)
        self.n_parted = 0
        with nogil:
            for e in range(self.k * self.k):
                self.top[e] = NOWHERE
            for r in range(rows.count):
                self.at_home[r] = 1 if units == NULL else units[rows.at[r]]
                for e in range(rows.start[r], rows.start[r + 1]):
                    self.row_of[e] = r
                    if rows.center[e] == label[rows.at[r]]:
                        self.home[r] = e
                self.enter(r)
        return 0

    cdef int part(self, Py_ssize_t r, int32_t center, int64_t amount) except -1:
        """So much of a listed row is in another cluster than its home."""
        cdef Py_ssize_t e
        for e in range(self.rows.start[r], self.rows.start[r + 1]):
            if self.rows.center[e] == center:
                self.at_home[r] -= amount
                self.put_apart(e, amount)
        return 0

    cdef int put_apart(self, Py_ssize_t e, int64_t amount) except -1 nogil:
        """Add to what a row has in the cluster of this entry, not its home."""
        cdef Py_ssize_t i
        for i in range(self.n_parted):
            if self.parted_entry[i] == e:
                self.parted_amount[i] += amount
                if self.parted_amount[i] == 0:
                    self.drop(i)
                return 0
        if self.n_parted == self.parted_room:
            with gil:
                self.more_room()
        self.parted_entry[self.n_parted] = e
        self.parted_amount[self.n_parted] = amount
        self.n_parted += 1
        return 0

    cdef int more_room(self) except -1:
        cdef Py_ssize_t room = 2 * self.parted_room + 16
        cdef Memory memory = Memory()
        cdef Py_ssize_t *entry = <Py_ssize_t *>memory.take(room, sizeof(Py_ssize_t))
        cdef int64_t *amount = <int64_t *>memory.take(room, sizeof(int64_t))
        if self.n_parted:
            memcpy(entry, self.parted_entry, self.n_parted * sizeof(Py_ssize_t))
            memcpy(amount, self.parted_amount, self.n_parted * sizeof(int64_t))
        self.parted_entry, self.parted_amount = entry, amount
        self.parted_memory, self.parted_room = memory, room
        return 0

    cdef void drop(self, Py_ssize_t i) noexcept nogil:
        """Forget a part; the others keep their order."""
        cdef Py_ssize_t j
        self.n_parted -= 1
        for j in range(i, self.n_parted):
            self.parted_entry[j] = self.parted_entry[j + 1]
            self.parted_amount[j] = self.parted_amount[j + 1]

    cdef int64_t amount_at(self, Py_ssize_t e) noexcept nogil:
        """How much of its row is in the cluster of an entry."""
        cdef Py_ssize_t i
        if self.home[self.row_of[e]] == e:
            return self.at_home[self.row_of[e]]
        for i in range(self.n_parted):
            if self.parted_entry[i] == e:
                return self.parted_amount[i]
        return 0

    cdef int shift(self, Py_ssize_t e, Py_ssize_t to, int64_t amount) except -1 nogil:
        """Move so much of a row from the cluster of one entry to that of another."""
        cdef Py_ssize_t r = self.row_of[e], i
        if to == self.home[r]:
            self.at_home[r] += amount
        elif e == self.home[r] and amount == self.at_home[r]:
            self.leave(r)                    # it moves as a whole, or what is left of it at home
            self.home[r] = to
            for i in range(self.n_parted):
                if self.parted_entry[i] == to:
                    self.at_home[r] += self.parted_amount[i]
                    self.drop(i)
                    break
            self.enter(r)
            return 0
        else:
            self.put_apart(to, amount)
        if e == self.home[r]:
            self.at_home[r] -= amount
        else:
            self.put_apart(e, -amount)
        return 0

    cdef list parts(self):
        """Rows that are divided: (place, cluster that is not the home, how much)."""
        cdef Py_ssize_t i, e
        found = []
        for i in range(self.n_parted):
            e = self.parted_entry[i]
            found.append((self.rows.at[self.row_of[e]], self.rows.center[e],
                          self.parted_amount[i]))
        return found

    cdef int64_t drift(self, const int64_t *known) noexcept nogil:
        """By how much reduced costs may have fallen since prices were these (k + 1,)."""
        cdef int64_t low = self.price[0] - known[0], high = low
        cdef Py_ssize_t j
        for j in range(self.k + 1):
            low = min(low, self.price[j] - known[j])
            high = max(high, self.price[j] - known[j])
        return high - low

    # -- heaps -------------------------------------------------------------------------------------

    cdef inline bint less(self, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        return self.key[a] < self.key[b] or (self.key[a] == self.key[b] and a < b)

    cdef inline Py_ssize_t meld(self, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        """Two heaps, neither of them empty, as one; returns its top."""
        if self.less(b, a):
            a, b = b, a
        self.after[b] = self.child[a]
        if self.child[a] != NOWHERE:
            self.before[self.child[a]] = b
        self.before[b] = a
        self.child[a] = b
        return a

    cdef Py_ssize_t meld_all(self, Py_ssize_t e) noexcept nogil:
        """The children of a node that is taken away as one heap: in pairs, then those from the last
        to the first.
        """
        cdef Py_ssize_t pairs = NOWHERE, other, rest
        while e != NOWHERE:
            other = self.after[e]
            rest = NOWHERE
            if other != NOWHERE:
                rest = self.after[other]
                e = self.meld(e, other)
            self.before[e] = pairs           # (a list of pairs, for now)
            pairs = e
            e = rest
        e = pairs
        if e == NOWHERE:
            return NOWHERE
        pairs = self.before[e]
        while pairs != NOWHERE:
            other = pairs
            pairs = self.before[other]
            e = self.meld(e, other)
        return e

    cdef void enter(self, Py_ssize_t r) noexcept nogil:
        """Put the entries of a row into the heaps of its home."""
        cdef Py_ssize_t home = self.home[r], e
        cdef Py_ssize_t *top = self.top + self.rows.center[home] * self.k
        for e in range(self.rows.start[r], self.rows.start[r + 1]):
            if e == home:
                continue
            self.key[e] = self.rows.cost[e] - self.rows.cost[home]
            self.child[e] = self.after[e] = self.before[e] = NOWHERE
            if top[self.rows.center[e]] == NOWHERE:
                top[self.rows.center[e]] = e
            else:
                top[self.rows.center[e]] = self.meld(top[self.rows.center[e]], e)
                self.after[top[self.rows.center[e]]] = NOWHERE
                self.before[top[self.rows.center[e]]] = NOWHERE

    cdef void leave(self, Py_ssize_t r) noexcept nogil:
        """Take the entries of a row out of the heaps of its home."""
        cdef Py_ssize_t home = self.home[r], e, rest, parent
        cdef Py_ssize_t *top
        for e in range(self.rows.start[r], self.rows.start[r + 1]):
            if e == home:
                continue
            top = self.top + self.rows.center[home] * self.k + self.rows.center[e]
            if top[0] != e:
                parent = self.before[e]
                if self.child[parent] == e:
                    self.child[parent] = self.after[e]
                else:
                    self.after[parent] = self.after[e]
                if self.after[e] != NOWHERE:
                    self.before[self.after[e]] = parent
                rest = self.meld_all(self.child[e])
                if rest != NOWHERE:
                    top[0] = self.meld(top[0], rest)
            else:
                top[0] = self.meld_all(self.child[e])
            if top[0] != NOWHERE:
                self.after[top[0]] = self.before[top[0]] = NOWHERE

    # -- paths -------------------------------------------------------------------------------------

    cdef inline void reach(self, Py_ssize_t a, Py_ssize_t b, int64_t cost, Py_ssize_t leaving,
                           Py_ssize_t via) noexcept nogil:
        """An arc from a, which is settled, to b."""
        cdef int64_t length = self.distance[a] + cost + self.price[b] - self.price[a]
        if not self.settled[b] and length < self.distance[b]:
            self.distance[b] = length
            self.came_from[b] = a
            self.leaving[b] = leaving
            self.via[b] = via

    cdef void scan(self, Py_ssize_t a) noexcept nogil:
        """All arcs from a node."""
        cdef Py_ssize_t b, e, f, i, r
        if a == self.k:
            for b in range(self.k):
                if self.sent[b] > self.least[b]:
                    self.reach(a, b, 0, NOWHERE, NOWHERE)
            return
        if self.sent[a] < self.most[a]:
            self.reach(a, self.k, 0, NOWHERE, NOWHERE)
        for b in range(self.k):
            e = self.top[a * self.k + b]
            if e != NOWHERE:
                self.reach(a, b, self.key[e], self.home[self.row_of[e]], e)
        for i in range(self.n_parted):
            f = self.parted_entry[i]
            if self.rows.center[f] != a:
                continue
            r = self.row_of[f]
            for e in range(self.rows.start[r], self.rows.start[r + 1]):
                if e != f:
                    self.reach(a, self.rows.center[e], self.rows.cost[e] - self.rows.cost[f], f, e)

    cdef Py_ssize_t search(self, Py_ssize_t source, int64_t limit) noexcept nogil:
        """The node nearest to the source that lacks something (Dijkstra 1959), once prices have
        been raised so that the path costs nothing; NOWHERE where none is within the limit.
        """
        cdef Py_ssize_t v, j, found = NOWHERE
        cdef int64_t nearest
        for j in range(self.k + 1):
            self.distance[j] = UNREACHED
            self.settled[j] = 0
        self.distance[source] = 0
        self.came_from[source] = NOWHERE
        while found == NOWHERE:
            v = NOWHERE
            nearest = UNREACHED
            for j in range(self.k + 1):
                if not self.settled[j] and self.distance[j] < nearest:
                    nearest = self.distance[j]
                    v = j
            if v == NOWHERE or nearest > limit:
                break
            if self.excess[v] < 0:
                found = v
                limit = nearest
                break
            self.settled[v] = 1
            self.scan(v)
        if limit < UNREACHED:
            for j in range(self.k + 1):
                if self.settled[j] and self.distance[j] < limit:
                    self.price[j] += limit - self.distance[j]
        return found

    cdef int push(self, Py_ssize_t source, Py_ssize_t to) except -1 nogil:
        """Bring as much of the source's excess along the path that was found as can be."""
        cdef int64_t amount = min(self.excess[source], -self.excess[to])
        cdef Py_ssize_t v = to, a
        while v != source:
            a = self.came_from[v]
            if self.via[v] != NOWHERE:
                amount = min(amount, self.amount_at(self.leaving[v]))
            elif a == self.k:
                amount = min(amount, self.sent[v] - self.least[v])
            else:
                amount = min(amount, self.most[a] - self.sent[a])
            v = a
        v = to
        while v != source:
            a = self.came_from[v]
            if self.via[v] != NOWHERE:
                self.shift(self.leaving[v], self.via[v], amount)
            elif a == self.k:
                self.sent[v] -= amount
            else:
                self.sent[a] += amount
            v = a
        self.excess[source] -= amount
        self.excess[to] += amount
        return 0

    cdef int run(self, int64_t radius, int64_t *known) except -1 nogil:
        """Bring all excess where something is lacking; False where that may take rows that are not
        listed: prices are part of the way there.

        radius  arcs that are not listed have at least this reduced cost; UNREACHED: there are none
        known   scratch (k + 1,)
        """
        cdef Py_ssize_t source, found, steps = 0
        cdef int64_t left
        memcpy(known, self.price, (self.k + 1) * sizeof(int64_t))
        while True:
            source = 0
            while source <= self.k and self.excess[source] <= 0:
                source += 1
            if source > self.k:
                return True
            left = radius - (0 if radius == UNREACHED else self.drift(known))
            if left < 0:
                return False
            found = self.search(source, left)
            if found == NOWHERE:
                return False
            self.push(source, found)
            steps += 1
            if steps % 256 == 0:
                with gil:
                    if PyErr_CheckSignals():
                        return -1
