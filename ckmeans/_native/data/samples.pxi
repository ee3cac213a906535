# Samples of rows, on which decisions about speed are based.
#
# Rows are drawn at pseudorandom places, the same ones for the same n: rows at even distances would
# all be of one kind if kinds alternate, as interleaved channels do. Only speed depends on the
# sample.

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
    """Places (count,) int64 of rows drawn from n, perhaps with repetitions, after skipping `skip`
    draws.
    """
    cdef cnp.ndarray out = np.empty(count, dtype=np.int64)
    cdef int64_t *place = <int64_t *>cnp.PyArray_DATA(out)
    cdef Py_ssize_t i
    for i in range(count):
        place[i] = drawn_place(skip + i, n)
    return out


@cython.final
cdef class Middle:
    """A point amid vectors (d,): for each feature, medians of three of medians of three, and so on
    (the remedian of Rousseeuw & Bassett, J. Am. Stat. Assoc. 85, 1990).

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
        """The place for the next of MIDDLE_ROWS vectors; write it, then call `add`."""
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


cdef int dense_middle(View view, Memory memory, Packed *packed, double *origin) except -1:
    """An origin (d,) amid CSR rows: other than 0 in some columns that most rows have a value in,
    where that makes rows much shorter.

    packed  OUT  those columns
    """
    cdef const Rows *rows = &view.rows
    cdef Py_ssize_t d = rows.d, n = rows.n, count = 0, f, i, e, row, c
    cdef Memory scratch = Memory()
    cdef Middle middle
    cdef int32_t *place                      # (d,) drawn rows with a value in each column; then
                                             # where in `columns` it is, from 1 on; 0: nowhere
    cdef double *drawn
    cdef double value, least
    packed.dense = <int32_t *>memory.take(MOST_DENSE, sizeof(int32_t))
    if n == 0:
        return 0
    place = <int32_t *>scratch.take(d, sizeof(int32_t))
    columns = []
    for i in range(MIDDLE_ROWS):
        row = drawn_place(i, n)
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            f = ckm_column(rows.indices, e, d)
            place[f] += 1
            if place[f] == MIDDLE_ROWS // 2 + 1:
                columns.append(f)
    if not columns:
        return 0
    columns.sort()
    memset(place, 0, d * sizeof(int32_t))
    count = len(columns)
    for c in range(count):
        place[<Py_ssize_t>columns[c]] = <int32_t>(c + 1)
    drawn = <double *>scratch.take(MIDDLE_ROWS * count, sizeof(double))
    squares = np.zeros(MIDDLE_ROWS)          # of drawn rows about the middle of these columns
    middle = Middle(count)
    for i in range(MIDDLE_ROWS):
        row = drawn_place(i, n)
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            value = ((<const float *>rows.data)[e] if rows.kind == KIND_F32
                     else (<const double *>rows.data)[e])
            c = place[ckm_column(rows.indices, e, d)]
            if c > 0:
                drawn[i * count + c - 1] = value
            else:
                squares[i] += value * value
        memcpy(middle.next_(), drawn + i * count, count * sizeof(double))
        middle.add()
    for i in range(MIDDLE_ROWS):
        for c in range(count):
            value = drawn[i * count + c] - middle.found()[c]
            squares[i] += value * value
    least = float(np.median(squares)) / 64
    for c in range(count):
        value = middle.found()[c]
        if value * value > least and packed.n_dense < MOST_DENSE:
            origin[<Py_ssize_t>columns[c]] = value
            packed.dense[packed.n_dense] = <int32_t>columns[c]
            packed.n_dense += 1
    return 0
