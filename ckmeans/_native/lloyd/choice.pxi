# The choice of a packing and a search before each pass of a run; see lloyd/algorithms.pxi.

cdef class Choice:
    """How a run packs rows, and which centers it compares them with: of the packings and searches
    that its algorithm allows, the first that fits and is wanted.
    """
    cdef Memory memory
    cdef list packings               # those that can be of use, in the order in which they are
                                     # asked; the last one always fits
    cdef void **packing_at           # the same, borrowed; NULL: given up
    cdef int n_packings
    cdef Packing packing             # the one in use
    cdef void *preferred_packing     # that the algorithm prefers, or NULL
    cdef double pairs                # centers that the last pass over all of them left for a row
    cdef list searches               # likewise
    cdef void **search_at
    cdef int n_searches
    cdef void *search

    cdef int open(self, Run run, algorithm) except -1:
        """The packings and searches that there are to choose from."""
        cdef tuple packings, searches
        cdef Py_ssize_t i
        cdef Packing packing = None
        cdef Search search = None
        cdef bint possible = False
        packings, searches, prefers = algorithm
        if not packings or not searches:
            raise ValueError(f"an algorithm needs packings and searches: {algorithm}.")
        self.memory = Memory()
        self.packing_at = <void **>self.memory.take(len(packings) + len(searches), sizeof(void *))
        self.search_at = self.packing_at + len(packings)
        self.packings, self.searches = [], []
        for i in range(len(packings)):
            packing = run.data.packing(packings[i])
            if packings[i] is prefers:
                self.preferred_packing = <void *>packing
            if packing.possible(run):
                self.packing_at[self.n_packings] = <void *>packing
                self.packings.append(packing)
                self.n_packings += 1
        for i in range(len(searches)):
            search = searches[i]()
            search.preferred = searches[i] is prefers
            search.insisted = search.preferred and insisting
            possible = search.possible(run)
            if possible:
                self.search_at[self.n_searches] = <void *>search
                self.searches.append(search)
                self.n_searches += 1
        if packing is not run.data.floats or not possible or not search.always_fits():
            raise ValueError("the last packing of an algorithm must be Floats, and its last "
                             f"search one that always fits: {algorithm}.")
        self.packing = packing
        for packing in self.packings:        # the one that a run begins with
            if run.data.packed and packing.needs_panels():
                run.data.floats.keep(run.data)
            if packing.can_be_first():
                break
        return 0

    cdef int choose_packing(self, Run run) except -1 nogil:
        """Change to the first packing that fits and is wanted."""
        cdef int i, chosen = self.n_packings - 1
        for i in range(chosen):
            if (self.packing_at[i] != NULL and (<Packing>self.packing_at[i]).fits(run)
                and (<Packing>self.packing_at[i]).wants(run)):
                chosen = i
                break
        if self.packing_at[chosen] != <void *>self.packing:
            with gil:
                self.go_over(run, self.packings[chosen])
        return self.packing.follow(run)

    cdef int go_over(self, Run run, Packing packing) except -1:
        self.packing.leave(run)
        self.packing = packing
        packing.enter(run)
        return 0

    cdef int give_up(self, Run run, Packing packing) except -1:
        """Do not use this packing any more."""
        cdef int i
        for i in range(self.n_packings):
            if self.packing_at[i] == <void *>packing:
                self.packing_at[i] = NULL
        if self.packing is packing:
            self.go_over(run, self.packings[self.n_packings - 1])
        return 0

    cdef bint prefers(self, Packing packing) noexcept nogil:
        return self.preferred_packing == <void *>packing

    cdef bint insists_on(self, Packing packing) noexcept nogil:
        return insisting and self.prefers(packing)

    cdef double cost_without(self, Run run, Packing packing, Py_ssize_t m) noexcept nogil:
        """About how many nanoseconds it takes to compare a row with m centers in the best of the
        packings that are asked after this one.
        """
        cdef int i
        cdef bint after = False
        cdef double least = INFINITY
        for i in range(self.n_packings):
            if after and self.packing_at[i] != NULL and (<Packing>self.packing_at[i]).fits(run):
                least = min(least, (<Packing>self.packing_at[i]).row_cost(m, run.data.rows.d))
            after = after or self.packing_at[i] == <void *>packing
        return least

    cdef double known_without(self, Run run, Packing packing, Py_ssize_t m) noexcept nogil:
        """The same, with what is known of the centers that these packings leave."""
        cdef int i
        cdef bint after = False
        cdef double least = INFINITY
        for i in range(self.n_packings):
            if after and self.packing_at[i] != NULL and (<Packing>self.packing_at[i]).fits(run):
                least = min(least, (<Packing>self.packing_at[i]).known_cost(run, m))
            after = after or self.packing_at[i] == <void *>packing
        return least

    cdef int choose_search(self, Run run) except -1 nogil:
        """Take the first search that fits and is wanted."""
        cdef int i, chosen = self.n_searches - 1
        for i in range(self.n_searches - 1):
            if self.search_at[i] != NULL and (<Search>self.search_at[i]).settled:
                break
        else:
            i = 0
        while i < self.n_searches - 1:
            if self.search_at[i] != NULL:
                if (<Search>self.search_at[i]).fits(run) and (<Search>self.search_at[i]).wants(run):
                    chosen = i
                    break
                if self.search_at[i] != NULL and (<Search>self.search_at[i]).holds_back(run):
                    break
            i += 1
        for i in range(self.n_searches):
            if i != chosen and self.search_at[i] != NULL:
                (<Search>self.search_at[i]).lost()
        self.search = self.search_at[chosen]
        return 0

    cdef int give_up_search(self, Search search) except -1:
        """Do not use this search any more."""
        cdef int i
        for i in range(self.n_searches):
            if self.search_at[i] == <void *>search:
                self.search_at[i] = NULL
        return 0

    cdef int measure_anew(self, Run run) except -1:
        """Note that rows are packed by other features, so that packed distances change."""
        cdef Search search
        for search in self.searches:
            search.measure_anew(run)
        return 0

    cdef int lost(self) except -1:
        """Note that rows are in another order, so that the data of searches is out of date."""
        cdef Search search
        for search in self.searches:
            search.lost()
        return 0
