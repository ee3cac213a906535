# Samples of rows, on which decisions about speed are based.
#
# Rows are drawn at places that look random, and are always the same ones: rows at even distances
# would all be of one kind where kinds take turns, as interleaved channels do. Any order of the rows
# gives a sample of the same kind, and nothing depends on it but speed.

cdef enum:
    MEDIANS = 4                  # levels of `Middle`: 3**4 rows
    MIDDLE_ROWS = 81


cdef inline Py_ssize_t drawn_place(Py_ssize_t i, Py_ssize_t n) noexcept nogil:
    """The i-th of the places drawn from n, perhaps with repetitions."""
    cdef uint64_t code = (<uint64_t>i + 1) * 0x9E3779B97F4A7C15ULL
    code = (code ^ (code >> 30)) * 0xBF58476D1CE4E5B9ULL
    code = (code ^ (code >> 27)) * 0x94D049BB133111EBULL
    return <Py_ssize_t>((code ^ (code >> 31)) % <uint64_t>n)


def drawn_places(Py_ssize_t n, Py_ssize_t count, Py_ssize_t skip=0):
    """Places (count,) int64 of rows drawn from n, perhaps with repetitions; `skip` so many draws
    for other ones.
    """
    cdef cnp.ndarray out = np.empty(count, dtype=np.int64)
    cdef int64_t *place = <int64_t *>cnp.PyArray_DATA(out)
    cdef Py_ssize_t i
    for i in range(count):
        place[i] = drawn_place(skip + i, n)
    return out


cdef class Middle:
    """A point amid vectors (d,): feature by feature medians of three of medians of three, and so
    on (the remedian of Rousseeuw & Bassett, J. Am. Stat. Assoc. 85, 1990).

    A few vectors that lie far away, or hold other numbers where values are missing, hardly move it.
    """
    cdef Memory memory
    cdef double *room            # (MEDIANS + 1, 3, d) at each level up to three medians of the one
                                 # below; the first level is vectors
    cdef int *filled             # (MEDIANS + 1,)
    cdef Py_ssize_t d

    def __cinit__(self, Py_ssize_t d):
        self.memory = Memory()
        self.d = d
        self.room = <double *>self.memory.take((MEDIANS + 1) * 3 * d, sizeof(double), True)
        self.filled = <int *>self.memory.take(MEDIANS + 1, sizeof(int))

    cdef double *next_(self) noexcept nogil:
        """Room for the next of MIDDLE_ROWS vectors, to be followed by `add`."""
        return self.room + self.filled[0] * self.d

    cdef void add(self) noexcept nogil:
        cdef int level = 0
        self.filled[0] += 1
        while self.filled[level] == 3:
            self.filled[level] = 0
            median_of_three(self.room + level * 3 * self.d, self.d,
                            self.room + ((level + 1) * 3 + self.filled[level + 1]) * self.d)
            level += 1
            self.filled[level] += 1

    cdef const double *found(self) noexcept nogil:
        """The point (d,), once MIDDLE_ROWS vectors have been added."""
        return self.room + MEDIANS * 3 * self.d


cdef void median_of_three(const double *x, Py_ssize_t d, double *out) noexcept nogil:
    cdef double a, b, c, low, high
    cdef Py_ssize_t f
    for f in range(d):
        a = x[f]
        b = x[d + f]
        c = x[2 * d + f]
        low = a if a < b else b
        high = b if a < b else a
        high = high if high < c else c
        out[f] = low if low > high else high


cdef int middle_of(const double *rows, Py_ssize_t n, Py_ssize_t d, double *out) except -1:
    """A point (d,) amid rows (n, d)."""
    cdef Middle middle = Middle(d)
    cdef Py_ssize_t i
    for i in range(MIDDLE_ROWS):
        memcpy(middle.next_(), rows + drawn_place(i, n) * d, d * sizeof(double))
        middle.add()
    memcpy(out, middle.found(), d * sizeof(double))
    return 0


cdef int dense_middle(Data data, Packed *packed, double *origin) except -1:
    """An origin (d,) amid CSR rows: other than 0 in some columns that most rows have a value in,
    where that makes rows much shorter.

    packed  OUT  those columns
    """
    cdef Py_ssize_t d = data.rows.d, n = data.rows.n, count = 0, f, i, e, a, b
    cdef Memory memory
    cdef Middle middle
    cdef double *row
    cdef double *drawn
    cdef int32_t *column
    cdef double share, rest
    for f in range(d):
        count += 2 * data.stored[f] > n
    if count == 0 or n == 0:
        return 0
    memory = Memory()
    column = <int32_t *>memory.take(count, sizeof(int32_t))
    drawn = <double *>memory.take(MIDDLE_ROWS * (count + 1), sizeof(double))
    count = 0
    for f in range(d):
        if 2 * data.stored[f] > n:
            column[count] = <int32_t>f
            count += 1
    middle = Middle(count)
    rests = np.zeros(MIDDLE_ROWS)
    for i in range(MIDDLE_ROWS):
        row = drawn + i * count
        rest = 0
        a = drawn_place(i, n)
        b = 0
        for e in range(data.rows.indptr[a], data.rows.indptr[a + 1]):
            f = ckm_column(data.rows.indices, e, d)
            share = ((<const float *>data.rows.data)[e] if data.rows.kind == KIND_F32
                     else (<const double *>data.rows.data)[e])
            while b < count and column[b] < f:
                b += 1
            if b < count and column[b] == f:
                row[b] = share
            else:
                rest += share * share
        rests[i] = rest
        memcpy(middle.next_(), row, count * sizeof(double))
        middle.add()
    # What a row is like about the middle of all these columns: its squared length.
    for i in range(MIDDLE_ROWS):
        rest = 0
        for b in range(count):
            share = drawn[i * count + b] - middle.found()[b]
            rest += share * share
        rests[i] += rest
    rest = float(np.median(rests)) / 64
    for b in range(count):
        share = middle.found()[b]
        if share * share > rest and packed.n_dense < MOST_DENSE:
            origin[column[b]] = share
            packed.dense[packed.n_dense] = column[b]
            packed.n_dense += 1
    return 0
