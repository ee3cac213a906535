# The threads of one data set, and the scratch memory of each; runtime/crew.pxi starts them and
# deals out their chunks.

cdef enum:
    CHUNK_COST = 40000           # nanoseconds of work in a chunk
    CREW_COST = 150000           # nanoseconds below which a pass stays on the calling thread


cdef class Threads:
    """The threads that pass over one data set, and the scratch memory of each.

    Scratch memory only grows, and is requested before each pass that needs it, so runs over the
    same data may take turns in any order.
    """
    cdef readonly int n
    cdef Worker *workers         # (n,)
    cdef Crew *crew              # NULL until a pass is long enough
    cdef int helpers             # threads that were asked for
    cdef long long looked        # for signals, in milliseconds
    cdef Memory memory           # of `workers` and of their rooms for rows
    cdef Memory score_memory, sieve_memory, list_memory, tile_memory, byte_memory, stray_memory
    cdef Memory head_memory
    cdef Py_ssize_t stray_words, head_words, row_words
    # what there is room for: the number of
    cdef Py_ssize_t features     # features of a row
    cdef Py_ssize_t scores       # CSR: scores of a row
    cdef Py_ssize_t sieve_rows, sieve_centers            # rows and centers of a sieve
    cdef Py_ssize_t listed       # centers of a list
    cdef Py_ssize_t groups       # groups of bounds of a tile

    def __cinit__(self, int n):
        if n < 1:
            raise ValueError(f"n_threads must be at least 1, got {n}.")
        self.n = min(n, most_threads)
        self.looked = ckm_milliseconds()
        self.memory = Memory()
        self.workers = <Worker *>self.memory.take(self.n, sizeof(Worker))

    def __dealloc__(self):
        if self.crew != NULL:
            close_crew(self.crew)

    cdef int each_chunk(self, ChunkFn fn, void *job, Py_ssize_t n, double row_cost,
                        Py_ssize_t chunk_rows=0) except -1 nogil:
        """Do fn over n rows. row_cost is in nanoseconds, roughly; chunks are a multiple of PANEL
        rows.
        """
        cdef int helpers
        if chunk_rows == 0:
            chunk_rows = PANEL * max(<Py_ssize_t>1,
                                     <Py_ssize_t>min(CHUNK_COST / row_cost / PANEL, 1e9))
        if self.n > 1 and row_cost * n > CREW_COST and n > chunk_rows:
            # no more than chunks
            helpers = <int>min(<Py_ssize_t>self.n, (n + PANEL - 1) // PANEL) - 1
            if helpers > self.helpers:        # none yet, or fewer than this pass has work for
                with gil:
                    if self.crew != NULL:
                        close_crew(self.crew)
                    self.crew = new_crew(helpers)
                    self.helpers = helpers
            if self.crew != NULL:
                return crew_pass(self.crew, fn, job, n, chunk_rows, &self.looked)
        return lone_pass(fn, job, n, chunk_rows, &self.looked)

    # -- scratch -----------------------------------------------------------------------------------

    cdef int room_for_rows(self, Py_ssize_t d, bint raw) except -1:
        """For panels of dense rows on their way to the kernels."""
        cdef char *blocks
        cdef float *panels
        cdef int i
        if d <= self.features:
            return 0
        blocks = <char *>self.memory.take(self.n * PANEL * d, sizeof(double), raw)
        panels = <float *>self.memory.take(self.n * PANEL * (2 * d + 1), sizeof(float), raw)
        self.features = d
        for i in range(self.n):
            self.workers[i].block = blocks + i * PANEL * d * sizeof(double)
            self.workers[i].panel = panels + i * PANEL * (2 * d + 1)
            self.workers[i].scaled = self.workers[i].panel + PANEL * d
            self.workers[i].panel_norms = self.workers[i].scaled + PANEL * d
        return 0

    cdef int room_for_csr_rows(self, Py_ssize_t d, Py_ssize_t most_values,
                               const ExactTable *exact) except -1:
        """For CSR rows of at most `most_values` values."""
        cdef Py_ssize_t lanes = exact.lanes, i
        cdef Py_ssize_t most = min(d, lanes * most_values) + 1
        cdef char *blocks = <char *>self.memory.take(self.n * exact.block_rows * d, sizeof(double),
                                                     True)
        cdef Py_ssize_t room = most_values + MOST_DENSE
        cdef float *values = <float *>self.memory.take(self.n * room, sizeof(float), True)
        cdef int32_t *places = <int32_t *>self.memory.take(self.n * (2 * d + 1 + most),
                                                           sizeof(int32_t))
        cdef int32_t *own = <int32_t *>self.memory.take(self.n * room, sizeof(int32_t), True)
        cdef double *packed = <double *>self.memory.take(self.n * most * lanes, sizeof(double),
                                                         True)
        cdef CsrScratch *scratch
        for i in range(self.n):
            scratch = &self.workers[i].csr
            self.workers[i].block = blocks + i * exact.block_rows * d * sizeof(double)
            scratch.values = values + i * room
            scratch.own = own + i * room
            scratch.rank = places + i * (2 * d + 1 + most)
            scratch.features = scratch.rank + d
            scratch.columns = scratch.features + d + 1
            scratch.lanes = packed + i * most * lanes
            memset(scratch.lanes, 0, lanes * sizeof(double))
        return 0

    cdef int room_for_scores(self, Py_ssize_t size) except -1:
        """For the scores of a CSR row."""
        cdef Memory memory
        cdef float *scores
        cdef int i
        if size > self.scores:
            memory = Memory()
            scores = <float *>memory.take(self.n * size, sizeof(float))
            for i in range(self.n):
                self.workers[i].csr.scores = scores + i * size
            self.score_memory, self.scores = memory, size
        return 0

    cdef bint has_sieves(self, Py_ssize_t k, Py_ssize_t rows) noexcept nogil:
        return k <= self.sieve_centers and rows <= self.sieve_rows

    cdef int room_for_sieves(self, Py_ssize_t k, Py_ssize_t rows) except -1 nogil:
        """For the scores of `rows` rows at a time, to k centers."""
        if not self.has_sieves(k, rows):
            with gil:
                self.grow_sieves(max(k, self.sieve_centers), max(rows, self.sieve_rows))
        return 0

    cdef int grow_sieves(self, Py_ssize_t k, Py_ssize_t rows) except -1:
        cdef Memory memory = Memory()
        cdef Py_ssize_t room = k * rows + GAIN_LANES
        cdef float *scores = <float *>memory.take(self.n * room, sizeof(float))
        cdef int32_t *ids = <int32_t *>memory.take(self.n * k, sizeof(int32_t))
        cdef uint64_t *closer = <uint64_t *>memory.take(self.n * k, sizeof(uint64_t))
        cdef int i
        for i in range(self.n):
            self.workers[i].sieve.scores = scores + i * room
            self.workers[i].sieve.ids = ids + i * k
            self.workers[i].sieve.closer = closer + i * k
        self.sieve_memory, self.sieve_centers, self.sieve_rows = memory, k, rows
        return 0

    cdef int room_for_lists(self, Py_ssize_t k, Py_ssize_t d) except -1 nogil:
        """For the centers that can win in a box, of k."""
        if k > self.listed:
            with gil:
                self.grow_lists(k, d)
        return 0

    cdef int grow_lists(self, Py_ssize_t k, Py_ssize_t d) except -1:
        cdef Memory memory = Memory()
        cdef int32_t *near = <int32_t *>memory.take(self.n * k, sizeof(int32_t))
        cdef int32_t *listed = <int32_t *>memory.take(self.n * SUPER * k, sizeof(int32_t))
        cdef float *z = <float *>memory.take(self.n * d * SUPER, sizeof(float))
        cdef float *scaled = <float *>memory.take(self.n * k * d, sizeof(float))
        cdef float *sq_norms = <float *>memory.take(self.n * k, sizeof(float))
        cdef int32_t *ids = <int32_t *>memory.take(self.n * k, sizeof(int32_t))
        cdef Lists *lists
        cdef int i
        for i in range(self.n):
            lists = &self.workers[i].lists
            lists.nearby = near + i * k
            lists.lists = listed + i * SUPER * k
            lists.z = z + i * d * SUPER
            lists.scaled = scaled + i * k * d
            lists.sq_norms = sq_norms + i * k
            lists.ids = ids + i * k
        self.list_memory, self.listed = memory, k
        return 0

    cdef int room_for_bytes(self, Py_ssize_t words=0) except -1:
        """For panels of rows in bytes; `words` of each, if rows of several panels are put
        together.
        """
        cdef Memory memory
        cdef BytePanel *panels
        cdef int32_t *products
        cdef int i
        if self.byte_memory is None:
            memory = Memory()
            panels = <BytePanel *>memory.take(self.n * (BYTE_PANELS + 1), sizeof(BytePanel))
            products = <int32_t *>memory.take(self.n * BYTE_GROUP * BYTE_ROWS, sizeof(int32_t))
            for i in range(self.n):
                self.workers[i].byte_panels = panels + i * (BYTE_PANELS + 1)
                self.workers[i].products = products + i * BYTE_GROUP * BYTE_ROWS
            self.byte_memory = memory
        if words > self.stray_words:
            memory = Memory()
            products = <int32_t *>memory.take(self.n * PANEL * words, sizeof(int32_t))
            for i in range(self.n):
                self.workers[i].stray_words = products + i * PANEL * words
            self.stray_words, self.stray_memory = words, memory
        return 0

    cdef int room_for_heads(self, Py_ssize_t words, Py_ssize_t row_words) except -1:
        """For panels of heads of so many words, beside rows of `row_words`."""
        cdef Memory memory
        cdef int32_t *heads
        cdef int32_t *rows
        cdef int i
        words, row_words = max(words, self.head_words), max(row_words, self.row_words)
        if words > self.head_words or row_words > self.row_words:
            memory = Memory()
            heads = <int32_t *>memory.take(self.n * PANEL * words, sizeof(int32_t))
            rows = <int32_t *>memory.take(self.n * PANEL * row_words, sizeof(int32_t))
            for i in range(self.n):
                self.workers[i].stray_heads = heads + i * PANEL * words
                self.workers[i].row_words = rows + i * PANEL * row_words
            self.head_words, self.row_words, self.head_memory = words, row_words, memory
        return 0

    cdef int room_for_tiles(self, Py_ssize_t groups) except -1 nogil:
        """For the bounds of a tile on a number of groups."""
        if groups > self.groups:
            with gil:
                self.grow_tiles(groups)
        return 0

    cdef int grow_tiles(self, Py_ssize_t groups) except -1:
        cdef Memory memory = Memory()
        cdef uint64_t *fails = <uint64_t *>memory.take(self.n * groups * TILE_WORDS,
                                                       sizeof(uint64_t))
        cdef float *scores = <float *>memory.take(self.n * 2 * TILE, sizeof(float))
        cdef int32_t *winners = <int32_t *>memory.take(self.n * 2 * TILE, sizeof(int32_t))
        cdef int i
        for i in range(self.n):
            self.workers[i].tile.fails = fails + i * groups * TILE_WORDS
            self.workers[i].tile.scores = scores + i * 2 * TILE
            self.workers[i].tile.winners = winners + i * 2 * TILE
            self.workers[i].tile.rows = winners + (2 * i + 1) * TILE
        self.tile_memory, self.groups = memory, groups
        return 0

    # -- what a pass has left ----------------------------------------------------------------------

    cdef void begin(self) noexcept nogil:
        """Before a pass that labels rows."""
        cdef int i
        for i in range(self.n):
            self.workers[i].changed = 0
            self.workers[i].overflow = self.workers[i].far = False

    cdef int64_t changed(self) noexcept nogil:
        """Labels that the last pass changed."""
        cdef int64_t total = 0
        cdef int i
        for i in range(self.n):
            total += self.workers[i].changed
        return total

    cdef bint overflow(self) noexcept nogil:
        """Whether the last pass read rows that overflow float32."""
        cdef int i
        for i in range(self.n):
            if self.workers[i].overflow:
                return True
        return False

    cdef bint far(self) noexcept nogil:
        """Whether the last pass may have written distances above the largest float32."""
        cdef int i
        for i in range(self.n):
            if self.workers[i].far:
                return True
        return False

    cdef Counters counters(self) noexcept nogil:
        """Of all threads together."""
        cdef Counters total
        cdef Counters *each
        cdef int i
        memset(&total, 0, sizeof(Counters))
        for i in range(self.n):
            each = &self.workers[i].counters
            total.filtered += each.filtered
            total.exact += each.exact
            total.decided += each.decided
            total.boxed += each.boxed
            total.broken += each.broken
            total.again += each.again
            total.closer += each.closer
        return total
