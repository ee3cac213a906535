"""The interface of the compiled kernels and the engine: structures of arguments, and the tables of
kernels.

The kernels are compiled once per instruction set (and element type) and found through the tables at
the end of this file. They take a range of rows, allocate nothing, start no threads and know nothing
of Python.
"""
from libc.string cimport memcpy, memset
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    PANEL = 64           # rows that are packed and filtered together: the lanes of the fast kernel
    BOX_FEATURES = 64    # most features for which boxes are of use
    SCALED_EXPONENT = 44 # packed values stay below 2**44, so that float32 sums of squares cannot
                         # overflow
    NEAR_EXPONENT = 30   # values are below 2**30 in rows and centers near the origin; see `Packed`
    SUPER = 16           # panels whose boxes are tested together
    TILE_WORDS = 8       # of 64 rows
    TILE = 512           # 64 * TILE_WORDS rows, whose bounds are kept together
    WIDTH = 32           # centers side by side in the panels of groups
    BLOCK = 16           # centers side by side in the exact kernel's layout
    THIN = 8             # rows with at most one nonzero feature in so many are thin;
                         # see kernels/exact/mostly_zero.pxi
    THIN_FROM = 64       # features from which on rows can be thin
    MOST_AXES = 63       # fewer than FLUSH
    FLUSH = 64           # features after which the fast kernel restarts its accumulators (bounds
                         # the rounding error)
    SUM_PARTS = 3        # parts of a `Sum`
    LIMBS = 70           # digits of a `Wide`: the range of float64, and 2**64 terms above it
    WIDE_POINT = 1088    # bits of it below 1
    HOW = 5              # rows of the tables of a survey
    SEEN = 4
    COLUMN = 8           # room for either
    QUANTA_TOTAL = 40000 # about the length of a row in whole numbers, unless one feature makes up
                         # most of it
    SHARE = 1 << 14      # a row's share of the potential in sampled k-means++, in units
    BYTE_LANES = 16      # rows in bytes, and centers, that lie side by side
    BYTE_GROUP = 32      # centers whose products
    BYTE_ROWS = 32       # with so many rows are computed together
    BYTE_PANELS = 8      # panels in bytes that are taken together, at the most
    BYTE_ROOM = 4096     # centers that may be left for the rows of a panel; at least two groups
    BYTE_FEATURES = 16384     # most features of rows in bytes: products fit into 32 bits
    PRICED_ROWS = 4      # rows that are compared together with all centers at their prices
    MOST_MUTED = 64      # most features that bytes leave out
    MOST_DENSE = 32      # most columns in which the origin of CSR rows may differ from 0
    GAIN_LANES = 16           # most float lanes of a vector
    GAIN = 2 * GAIN_LANES     # sums by lane: lower bounds, then upper bounds


cdef enum Kind:          # element types that kernels read in place
    KIND_F64, KIND_F32, KIND_F16, KIND_BF16                       # floats first, then whole numbers
    KIND_I8, KIND_U8, KIND_I16, KIND_U16, KIND_I32, KIND_U32, KIND_I64, KIND_U64, KIND_BOOL


cdef struct Rows:        # a 2-D array somewhere in memory, or rows in CSR form; never written to
    const char *data                      # CSR: the values, of type double or float
    const int64_t *indptr                 # CSR: (n + 1,) where each row begins; else NULL
    const int32_t *indices                # CSR: the column of each value, ascending and distinct in
                                          # each row
    Py_ssize_t n, d
    Py_ssize_t row_stride, col_stride     # bytes
    Kind kind
    bint direct                           # C-contiguous and of the kernels' own type: rows are read
                                          # where they lie
    const double *factor                  # (n,) the factors that scale rows to unit length,
                                          # or NULL; see kernels/exact/cosine.pxi
    bint directionless                    # some factors are 0


cdef struct Split:       # how terms of an exact sum are cut into parts; see data/sums.pxi
    double big[SUM_PARTS]


cdef struct Sum:         # a sum of float64 terms: the parts never round, so their order does not
                         # matter
    double part[SUM_PARTS]


cdef inline double add_term(Sum *total, const Split *split, double term) noexcept nogil:
    """Returns the remainder of the term below the last part, at most half a step of that; it is not
    added.
    """
    cdef double high = (term + split.big[0]) - split.big[0]
    cdef double rest = term - high
    cdef double middle = (rest + split.big[1]) - split.big[1]
    cdef double low = ((rest - middle) + split.big[2]) - split.big[2]
    total.part[0] += high
    total.part[1] += middle
    total.part[2] += low
    return (rest - middle) - low


cdef inline void replace_term(Sum *total, const Split *split, double before,
                              double after) noexcept nogil:
    """`add_term` of one term, less another: differences of parts do not round."""
    cdef double big = split.big[0]
    cdef double high = (after + big) - big, taken = (before + big) - big
    after, before = after - high, before - taken
    total.part[0] += high - taken
    big = split.big[1]
    high, taken = (after + big) - big, (before + big) - big
    after, before = after - high, before - taken
    total.part[1] += high - taken
    big = split.big[2]
    total.part[2] += ((after + big) - big) - ((before + big) - big)


cdef struct Wide:        # an exact sum of any float64 terms, as one long integer of digits in base
                         # 2**32; see data/sums.pxi
    int64_t limb[LIMBS]  # digit i counts 2**(32 i - WIDE_POINT); not yet carried: each addition
                         # adds less than 2**32
    int64_t room         # additions until carries are due


cdef inline void wide_carry(Wide *total) noexcept nogil:
    """Bring all digits but the last, which has the sign, into [0, 2**32): the same value."""
    cdef int64_t carry
    cdef int i
    for i in range(LIMBS - 1):
        carry = total.limb[i] >> 32          # rounded down, also below zero
        total.limb[i] -= carry * (<int64_t>1 << 32)
        total.limb[i + 1] += carry
    total.room = <int64_t>1 << 30


cdef inline void wide_add(Wide *total, double term) noexcept nogil:
    cdef uint64_t bits, mantissa, low, high
    cdef int64_t sign
    cdef int place
    memcpy(&bits, &term, 8)
    place = <int>(bits << 1 >> 53)
    mantissa = bits << 12 >> 12
    if place > 0:
        mantissa |= <uint64_t>1 << 52
    else:
        place = 1                            # subnormal
    place += WIDE_POINT - 1075
    sign = 1 - 2 * <int64_t>(bits >> 63)
    low = <uint64_t><uint32_t>mantissa << (place & 31)
    high = ((mantissa >> 32) << (place & 31)) + (low >> 32)
    total.limb[place >> 5] += sign * <int64_t><uint32_t>low
    total.limb[(place >> 5) + 1] += sign * <int64_t><uint32_t>high
    total.limb[(place >> 5) + 2] += sign * <int64_t>(high >> 32)
    total.room -= 1
    if total.room <= 0:
        wide_carry(total)


cdef struct Packed:      # rows as the filter reads them: float32, (x - origin) * scale
    float *panels        # (ceil(n / PANEL), d, PANEL) packed rows, or NULL: packed anew, into
                         # scratch, whenever they are read
    float *sq_norms      # (ceil(n / PANEL), PANEL) squared norms of packed rows, rounded up; NULL
                         # when panels is
    bint filling         # this pass is the first over `panels` and fills them
    bint by_row          # each panel is (PANEL, d) instead: what group bounds read
    const double *origin # (d,)
    double scale         # a power of two
    bint clamped         # packed values are at most 2**44, whatever the rows': see `pack_panel`
    int32_t *dense       # CSR: (MOST_DENSE,) columns, ascending, in which the origin may be other
    Py_ssize_t n_dense   # than 0: so many
    const double *axes   # (d, lanes) orthonormal: only coordinates along these are packed, and
                         # the length of the remainder; see
                         # kernels/exact/axes.pxi. NULL: all features are packed
    Py_ssize_t n_axes    # at most MOST_AXES
    Py_ssize_t lanes     # n_axes and zeros
    int32_t *quanta      # (ceil(n / PANEL), words, PANEL) the same rows in whole numbers; NULL:
                         # there are none. See kernels/filter/whole_numbers.pxi
    float *quanta_norms  # (ceil(n / PANEL), PANEL) as `sq_norms`
    float *steps         # (ceil(n / PANEL), PANEL) factors of the whole numbers of each row
    bint quantising      # this pass fills all three
    bint gaps            # rows are packed twice as wide: see `split_gaps`
    double rough         # rows differ from their whole numbers by at most so many of their steps
    double reach         # and from the origin by at most so many


cdef inline Py_ssize_t packed_width(const Packed *packing, Py_ssize_t d) noexcept nogil:
    """Features of a packed row."""
    return (2 * d if packing.gaps else d) if packing.axes == NULL else packing.n_axes + 1


cdef inline Py_ssize_t quanta_words(Py_ssize_t d) noexcept nogil:
    """Words that a row in whole numbers takes: two features each."""
    return (d + 1) // 2


cdef struct Bytes:       # the same rows in bytes; see kernels/filter/bytes.pxi
    int32_t *words       # (ceil(n / PANEL), PANEL / BYTE_LANES, parts * depth, BYTE_LANES) four
                         # features each, those past the last one 0
    float *steps         # (ceil(n / PANEL), PANEL) factors of the numbers of each row
    float *sq_norms      # (ceil(n / PANEL), PANEL) as in Packed
    float *rough         # (ceil(n / PANEL),) rows of the panel differ from their numbers by at
                         # most so many of their steps,
    float *reach         # and from the origin by at most so many
    Py_ssize_t parts, depth      # words of a row
    bint filling         # this pass fills all of them
    bint passing         # and keeps none: each thread has room for BYTE_PANELS panels
    const int32_t *muted # (n_muted,) ascending, features that are left out, of norms, too
    Py_ssize_t n_muted


cdef inline void row_of_bytes(const int32_t *panel, Py_ssize_t size, Py_ssize_t i,
                              int32_t *out) noexcept nogil:
    """Copy the words (size,) of row i of a panel in bytes."""
    cdef const int32_t *from_ = panel + i // BYTE_LANES * size * BYTE_LANES + i % BYTE_LANES
    cdef Py_ssize_t w
    for w in range(size):
        out[w] = from_[w * BYTE_LANES]


cdef struct ByteCenters: # centers for rows in bytes
    Py_ssize_t m
    Py_ssize_t moved     # the first of them, with which all rows are compared; the others are where
                         # they were in the last pass. A multiple of BYTE_GROUP, or m
    const int32_t *ids   # (m,) indices of the centers
    const int32_t *words # (ceil(m / BYTE_LANES), parts, BYTE_LANES, depth)
    const float *steps   # (m rounded up to BYTE_GROUP,) factors of those
    const float *lengths # (the same,) of -2 * (c - origin) * scale, rounded up,
    const float *off     # and how far the numbers differ from those, rounded up
    const float *lift    # (the same,) the excess of products because 128 is added to the numbers
                         # of rows,
    const float *rounding        # and a bound of their error as floats, in steps of the row
    const float *sq_norms        # (m,) as in Centers
    float guard_norm, guard_score, guard_floor
    float loose          # added to upper bounds: infinite, as there are none, if features are left
                         # out or clamped; else 0


cdef struct Heads:       # what rows in bytes are compared by first: coordinates along some axes, in
                         # bytes, too; see kernels/exact/heads.pxi
    const float *axes    # (n_axes, d) orthonormal, but for `error`
    Py_ssize_t n_axes, width     # width - n_axes more coordinates share the length of the remainder
    double error         # of coordinates, relative to the length of the row
    Bytes bytes          # of the coordinates
    const ByteCenters *centers   # their heads
    float *limits        # (n, rounded up to PANEL) as those of Seeding, in steps of these bytes;
                         # NULL: for an assignment
    int32_t *by_row      # (the same, row_words) all features of rows in bytes, row after row, for
                         # k-means++,
    const int32_t *by_center     # (m, row_words) and of centers; words past the last feature: 0
    Py_ssize_t row_words
    float *room          # scratch (threads, width, PANEL)
    double *looked       # INOUT (threads,) pairs of a row and a candidate that heads left over


cdef struct BytePanel:   # up to PANEL rows on their way through the filter in bytes
    const int32_t *words
    float rough, reach
    const int32_t *head_words    # of heads, if there are any
    float head_rough, head_reach
    float head_step[PANEL]
    bint seeking         # no row has a limit yet
    bint full            # more centers are left than there is room for
    Py_ssize_t count     # how many are left
    uint64_t here        # bit i: there is a row i, whose label is not yet decided
    uint64_t whole       # bit i: it is compared with all centers
    int32_t own[PANEL]   # labels; their centers are not listed
    double sq_own[PANEL] # INOUT squared distances to the rows' centers, as `sq_distance` has them;
                         # OUT -1 if the last one was not computed
    float step[PANEL]
    float inverse[PANEL] # of `step`
    float guard[PANEL]   # how much a row's limit is above the score that gave it: `byte_guard`
    float limit[PANEL]   # INOUT no score above, in steps of the row, can be that of its center
    float others[PANEL]  # INOUT the least score, in steps of the row, that any center but its own
                         # can have
    int32_t place[BYTE_ROOM]     # OUT the centers that are left, as positions among m,
                                 # ascending,
    int32_t row[BYTE_ROOM]       # the row of each,
    float score[BYTE_ROOM]       # and a lower bound of its score, in steps of the row


cdef inline float byte_guard(const ByteCenters *centers, double sq_norm,
                             double step) noexcept nogil:
    """What a row's limit is above the score that it is about, in its steps."""
    return <float>((centers.guard_norm * sq_norm + centers.guard_floor) / step * (1 + 1e-6))


cdef inline float byte_limit(const ByteCenters *centers, float guard, double score) noexcept nogil:
    """What no score of a row's center can be above, if some center has a score of at most this;
    both in steps of the row.
    """
    cdef double limit = score * (1 + <double>centers.guard_score) + guard
    return <float>(limit + 3e-7 * (limit if limit > 0 else -limit))


cdef struct Boxes:       # rows in a spatial order, and the boxes that their panels fill; see
                         # order.pxi
    const int32_t *order # (n,) row at each place: places, not rows, make up panels
    float *low           # (ceil(n / (SUPER * PANEL)), d, SUPER) of packed values
    float *high


cdef struct Centers:     # one set of centers in the forms that the kernels read
    Py_ssize_t k         # all centers
    Py_ssize_t m         # centers that can win: of equal ones only the first
    const double *rows   # (k, d) what counts
    const int32_t *ids   # (m,) ascending: the centers that can win
    const float *scaled  # (m, d) -2 * (c - origin) * scale for the filter
    const float *sq_norms  # (m,) squared norm of (c - origin) * scale, less twice its error bound
    const float *columns # CSR: (groups, d, width) `scaled` feature by feature, `width` centers side
                         # by side; `sq_norms` is as long
    Py_ssize_t groups, width
    const double *blocks # (ceil(m / BLOCK), d, BLOCK) for the exact kernel; NULL if few rows are
                         # compared: then `rows` is read
    bint filter          # the filter's bounds hold for these centers; else every row is decided
                         # exactly
    float guard_norm, guard_score, guard_floor   # see `guard_constants`
    double gamma         # relative rounding error of a score
    const float *lift    # (m,) what a score may be below the true one, the row's share apart
    const double *norms  # CSR: (k,) squared norms, scaled, in float64
    const uint8_t *whole # CSR: (k,) whether all values are whole numbers
    float box_norm       # relative slack of the box test; see `box_bounds`
    const float *slack   # (k,) 4 times the length of the remainder, rounded up; NULL
                         # without axes
    const float *lanes   # (ceil(m / GAIN_LANES), width, GAIN_LANES) `scaled` feature by feature:
                         # for sifting undecided rows; NULL: all centers are compared exactly
    const int32_t *quanta  # (m, words) `scaled` in whole numbers; NULL: rows are compared as
                           # floats. See kernels/filter/whole_numbers.pxi
    const float *steps   # (m,) factors of those
    const float *off     # (m,) minus a bound of the error of a row's product with the center, in
                         # steps of the row
    float *seen          # OUT (2, PANEL) lowest and second lowest scores of the rows of a panel;
                         # NULL: not wanted


cdef struct Panel:       # up to WIDTH centers, lanes of the filter for single rows
    const float *scaled  # (d, WIDTH) -2 * (c - origin) * scale; zeros in lanes without a center
    const float *sq_norms  # (WIDTH,) as in Centers; 3e38 in lanes without one, and where the center
                           # is a duplicate
    const int32_t *ids   # (WIDTH,)
    Py_ssize_t used      # lanes with a center


cdef struct Bounds:      # upper and lower bounds of scaled distances; see
                         # lloyd/bounds.pxi
    Py_ssize_t groups    # number of groups of centers
    const Panel *panels  # (groups,)
    const int32_t *group # (k,) of each center
    const int64_t *size  # (groups,) centers that can win
    const float *scaled  # (k, d) the centers themselves, -2 * (c - origin) * scale
    const float *shifts  # (k,) how far each center moved since the last assignment, rounded up
    const float *most    # (groups,) the largest of a group
    float *upper         # (ceil(n / TILE), TILE) INOUT of the distance to the row's own center
    float *lower         # (ceil(n / TILE), groups, TILE) INOUT of the distances to all other
                         # centers of a group
    bint blank           # nothing is known yet
    float gamma, floor   # see `of_score`; by how much an upper bound must at least be below a lower
                         # one
    float rounding       # relative error of a packed row
    const float *slack   # as in Centers


cdef struct Tally:       # what one thread adds to cluster statistics
    double *sums         # (k, parts, d) parts of exact sums of w * x
    double *weights      # (k, weight_parts) exact sums of w
    double *present      # (k, weight_parts, d) exact sums of w over the rows in which a feature is
                         # there; NULL: all are
    int64_t *counts      # (k,) rows
    uint8_t *touched     # (k,) whether anything was added
    uint64_t *support    # CSR: (k, ceil(d / 64)) bits of the columns in which rows that came or
                         # went have values; or NULL


cdef struct Lists:       # scratch for the centers that can win in a box, as positions among the m
                         # that can win at all
    int32_t *nearby      # (m,) for SUPER panels together (windows.h has a macro `near`)
    int32_t *lists       # (SUPER, m)
    float *z             # (d, SUPER) a center near the middle of each box
    float *scaled        # (m, d) the listed centers side by side
    float *sq_norms      # (m,)
    int32_t *ids         # (m,)


cdef struct Sieve:       # scratch for rows that the filter leaves several centers for
    float *scores        # (m,) and room for a vector; of rows in whole numbers (m, PANEL)
    int32_t *ids         # (m,)
    uint64_t *closer     # (m,) bit i: the center may be the nearest one of row i


cdef struct Tile:        # scratch for the bounds of TILE rows
    uint64_t *fails      # (groups, TILE_WORDS)
    float *scores        # (2, TILE)
    int32_t *winners     # (TILE,)
    int32_t *rows        # (TILE,)
    float *packed        # (TILE, d) where panels are not kept: the rows that are compared
    float *norms         # (TILE,)


cdef struct Counters:    # what the kernels did
    int64_t filtered     # row-center pairs compared by the filter
    int64_t again        # those of them that bytes had left, in too large a number
    int64_t closer       # those that heads had left
    int64_t exact        # row-center pairs decided by exact arithmetic
    int64_t decided      # rows that the filter left to exact arithmetic
    int64_t boxed        # box-center pairs tested
    int64_t broken       # bounds that did not hold, in a debug build


cdef struct Walk:        # one center, as sparse rows walk along it; see
                         # kernels/exact/csr_inertia.pxi
    int32_t label        # whose; -1: nobody's yet
    Py_ssize_t m         # values that are not zero
    int32_t *rank        # (d + 1,) so many of them come before each column
    double *values       # (d + 1,) of them m
    double *sums         # (d + 1,) their squares, added up in their order
    int64_t *steps       # (WALK_SLOTS, room) the same, rounded to the grids of binades; see
                         # `steps_in`
    Py_ssize_t room      # d + 1
    int slots            # in use
    int8_t slot_of[2048] # by exponent: -1: not yet made, -2: there is none


cdef struct CsrScratch:  # of CSR rows
    float *values        # (most values in a row + MOST_DENSE,) a row on its way through the filter
    int32_t *own         # (the same,) and its columns, which nobody else can change
    float *scores        # (groups * width,)
    int32_t *rank        # (d,) place of each column in `lanes`; 0: none
    int32_t *columns     # (as many as GAIN_LANES rows can have + 1,) which column is at each place
    double *lanes        # (the same, GAIN_LANES) rows side by side; at place 0 zeros
    int32_t *features    # (d + 1,)
    Walk walk


cdef struct Worker:      # what belongs to one thread
    char *block          # (PANEL, d) rows converted to the kernels' type
    float *scaled        # (PANEL, d) rows on their way into a panel
    float *panel         # (d, PANEL)
    float *panel_norms   # (PANEL,)
    Lists lists
    Sieve sieve
    CsrScratch csr
    Tile tile
    BytePanel *byte_panels       # (BYTE_PANELS + 1,)
    int32_t *stray_words         # (PANEL / BYTE_LANES, words of a row, BYTE_LANES) of the last one
    int32_t *stray_heads         # the same of its heads
    int32_t *row_words           # (PANEL, words of a row) of a panel, row after row
    int32_t *products            # (BYTE_GROUP, BYTE_ROWS)
    Tally tally
    Counters counters
    int64_t changed
    bint overflow        # a packed row was not finite in float32
    bint far             # a distance of float32 rows may be above the largest float32
    float worst[2]       # `rough` and `reach` of the rows that the thread has put in whole numbers
    char apart[128]      # keeps what threads write in cache lines of their own


cdef struct Sums:        # how cluster sums are cut: the same for every thread
    int parts            # enough that the last one holds whatever the others leave of any term
    bint weighted        # else sums of weights are the counts
    const double *big    # (parts, d)
    int weight_parts     # likewise, of weights
    const double *weight_big     # (weight_parts,)


cdef struct Shifted:     # what the float64 filter of `transform` reads of the centers; see
                         # kernels/filter/float32_distances.pxi
    const double *blocks         # (ceil(k / BLOCK), d, BLOCK) -2 * (c - origin)
    const double *sq_norms       # (ceil(k / BLOCK), BLOCK) of c - origin
    const double *origin         # (d,)
    double error, floor          # how near the end of its rounding interval a root may be; see
                                 # `root_constants`


cdef struct Thin:        # centers as rows that are mostly zero are compared with them; see
                         # kernels/exact/mostly_zero.pxi
    const double *blocks         # (ceil(k / BLOCK), d, BLOCK)
    const double *sq_norms       # (ceil(k / BLOCK), 2, BLOCK) in two parts


cdef struct FilterTable:
    void (*panel)(const float *x, const float *x_sq_norms, Py_ssize_t d, const Centers *centers,
                  const int32_t *labels,
                  int32_t *best, uint64_t *unsure, uint64_t *changed) noexcept nogil
    Py_ssize_t (*nearby)(const float *low, const float *high, Py_ssize_t d, const Centers *centers,
                         int32_t *near) noexcept nogil
    void (*lists)(const float *low, const float *high, Py_ssize_t d, const Centers *centers,
                  const int32_t *near,
                  Py_ssize_t n_near, float *z, int32_t *lists, Py_ssize_t *lengths) noexcept nogil
    void (*gains)(const float *x, const float *low, const float *high, Py_ssize_t d,
                  const Centers *centers, uint64_t *closer,
                  double *gains) noexcept nogil
    void (*csr)(const float *x, const int32_t *columns, Py_ssize_t count, Py_ssize_t d,
                const Centers *centers, float *scores,
                float *lowest, float *second, int32_t *best) noexcept nogil
    int csr_lanes, csr_vectors           # lanes of a vector, most vectors in a group
    Py_ssize_t (*sift)(const float *x, float sq_norm, Py_ssize_t width, const Centers *centers,
                       float *scores,
                       int32_t *ids) noexcept nogil
    void (*quantise)(const float *x, const float *sq_norms, Py_ssize_t d, int32_t *quanta,
                     float *steps, float *worst) noexcept nogil
    void (*quantise_center)(const float *scaled, Py_ssize_t d, double rough, double reach,
                            int32_t *quanta, float *step,
                            float *off) noexcept nogil
    void (*quanta)(const int32_t *x, const float *x_sq_norms, const float *steps, Py_ssize_t words,
                   const Centers *centers,
                   const int32_t *labels, uint64_t rows, float *scores, int32_t *best,
                   uint64_t *unsure, uint64_t *changed,
                   uint64_t *closer) noexcept nogil
    Py_ssize_t quanta_from               # features from which on whole numbers are faster than
                                         # float32
    # see kernels/filter/sampled.pxi
    void (*sample_ratios)(const int32_t *x, const int32_t *x_sq_norms, Py_ssize_t words,
                          const int32_t *rows, const int32_t *sq_norms, const float *inverse,
                          const int16_t *left, Py_ssize_t count, Py_ssize_t stride,
                          int16_t *ratios, uint64_t *closer, int32_t *gains) noexcept nogil
    void (*take_candidate)(int16_t *left, const int16_t *ratios, const uint64_t *closer,
                           Py_ssize_t count, Py_ssize_t stride, Py_ssize_t taken,
                           int32_t *gains) noexcept nogil
    void (*pack_bytes)(const float *x, Py_ssize_t d, const Bytes *packing, int32_t *words,
                       float *steps, float *rough, float *reach) noexcept nogil
    void (*pack_center)(const float *scaled, Py_ssize_t d, const Bytes *packing, Py_ssize_t place,
                        ByteCenters *centers) noexcept nogil
    void (*bytes)(const ByteCenters *centers, const Bytes *packing, Py_ssize_t first,
                  Py_ssize_t stop, BytePanel *panel, int32_t *products) noexcept nogil
    Py_ssize_t (*heads)(const ByteCenters *centers, const Bytes *packing, const Heads *heads,
                        Py_ssize_t first, Py_ssize_t stop, BytePanel *panel, int32_t *products,
                        int32_t *rows) noexcept nogil
    void (*byte_gains)(const ByteCenters *centers, const Bytes *packing, Py_ssize_t start,
                       Py_ssize_t stop, const float *limits, const float *worth,
                       uint64_t *closer, double *gains, int32_t *products) noexcept nogil
    Py_ssize_t (*byte_pairs)(const ByteCenters *centers, const Bytes *packing, const Heads *heads,
                             Py_ssize_t start, Py_ssize_t stop, const float *limits,
                             const float *worth, uint64_t *closer, double *gains) noexcept nogil
    void (*turn)(const float *x, Py_ssize_t d, const float *axes, Py_ssize_t count,
                 float *out) noexcept nogil
    void (*turn_center)(const float *scaled, Py_ssize_t d, const float *axes, Py_ssize_t count,
                        float *out) noexcept nogil
    Py_ssize_t bytes_from                # features from which on bytes are faster than whole
                                         # numbers
    double byte_cost                     # nanoseconds of a product of 64 features, roughly
    # see kernels/filter/priced.pxi
    void (*priced)(const float *const *x, Py_ssize_t d, const float *lanes, const float *norms,
                   Py_ssize_t padded, float *scores, float *lowest, float *second,
                   int32_t *winner) noexcept nogil
    void (*note_savings)(const float *scores, float own, Py_ssize_t padded,
                         float *saving) noexcept nogil
    # `panel` and `gains` of Manhattan distances
    void (*manhattan_panel)(const float *x, const float *x_norms, Py_ssize_t d,
                            const Centers *centers, const int32_t *labels,
                            int32_t *best, uint64_t *unsure, uint64_t *changed) noexcept nogil
    void (*manhattan_gains)(const float *x, const float *low, const float *high, Py_ssize_t d,
                            const Centers *centers, uint64_t *closer,
                            double *gains) noexcept nogil
    void (*rows)(const float *x, Py_ssize_t d, const int32_t *list, Py_ssize_t count,
                 const Panel *panel, float *lowest, float *second,
                 int32_t *winner) noexcept nogil
    void (*own)(const float *x, Py_ssize_t d, const int32_t *list, Py_ssize_t count,
                const float *centers, const int32_t *labels,
                float *sq_distances) noexcept nogil
    void (*failing)(const float *upper, float *lower, Py_ssize_t groups, const float *shifts,
                    float floor,
                    uint64_t *fails) noexcept nogil
    void (*shift)(const float *x, Py_ssize_t count, Py_ssize_t d, const double *origin,
                  double *moved, double *sq_norms) noexcept nogil
    void (*roots)(const double *moved, const double *x_sq_norms, Py_ssize_t count, Py_ssize_t d,
                  const Shifted *centers, Py_ssize_t first,
                  Py_ssize_t used, float *out, Py_ssize_t stride, uint64_t *unsure) noexcept nogil
    void (*csr_roots)(const double *x, const int32_t *columns, Py_ssize_t count, double x_sq_norm,
                      Py_ssize_t d, const Shifted *centers,
                      Py_ssize_t first, Py_ssize_t used, float *out,
                      uint64_t *unsure) noexcept nogil


cdef struct Survey:      # first and second moments of the columns, for the stopping rule
    const Rows *rows
    const double *weights
    Py_ssize_t strung            # rows taken as one: narrow rows are strung together to fill
                                 # vectors (1 with weights)
    Py_ssize_t width             # strung * d, padded
    const double *how            # (HOW, width) middle; two constants that cut w * (x - middle), two
                                 # that cut its square
    double *seen                 # INOUT (threads, SEEN, width) two parts of the first moment, two
                                 # of the second
    # Both are (width, COLUMN) instead for CSR rows without weights, whose columns come in any
    # order.
    Py_ssize_t part, step, room  # from one to the next: of HOW or SEEN, of width, of threads (in
                                 # `seen`)
    Worker *workers


cdef struct Assign:      # one assignment pass; IN unless marked
    const Rows *rows
    const double *weights        # (n,) or NULL
    const Packed *packing
    const Centers *centers
    const Sums *sums             # NULL: labels only
    Survey *survey               # done on the way, while the rows are at hand; or NULL
    const FilterTable *filter
    const Boxes *boxes           # NULL: rows are in their own order
    Bounds *bounds               # INOUT
    const Bytes *bytes
    const ByteCenters *byte_centers
    Heads *heads                 # by which rows in bytes are compared first; or NULL
    float *others                # INOUT (n,) as in BytePanel, of the last pass; or NULL
    double *sq_own               # INOUT (n,) likewise the squared distance to the row's center; -1:
                                 # not known
    const uint8_t *still         # (k,) whether centers are where they were in that pass
    int32_t *labels              # INOUT (n,) in the order of the places; -1 = none yet
    Worker *workers              # INOUT
    # see kernels/exact/leads.pxi
    float *lead                  # INOUT (n,) every other center is farther from the row than its
                                 # own, by at least so much (packed distances, not squared)
    const float *fall            # (k,) by how much the leads of rows of each cluster have fallen
                                 # since the last pass, rounded up
    float least_lead             # leads above this one prove that a row keeps its label
    bint leads_known             # else all rows are compared


cdef struct Measure:     # squared distances of rows to centers of their own; IN unless marked
    const Rows *rows
    const double *weights
    const double *centers        # (k, d)
    const int32_t *labels        # (n,)
    const int64_t *order         # CSR: (n,) rows, label by label
    const int64_t *ends          # CSR: (k,) places where labels end
    bint walks                   # CSR: there is room for walks, and rows are so sparse that they
                                 # pay
    Split split
    Sum *totals                  # INOUT (threads,)
    Wide *rests                  # INOUT (threads,) what those leave of their terms
    double *sq_distances         # OUT (n,) or NULL
    Worker *workers


cdef struct Transform:   # distances of rows to all centers
    const Rows *rows
    const Centers *centers
    const Shifted *shifted       # NULL: every distance is computed exactly
    const Thin *thin             # NULL: no row is thin
    uint8_t *left                # OUT (n,) whether a row is thin and was skipped; NULL: rows are
                                 # not checked
    const FilterTable *filter
    bint narrow                  # `out` is float32
    void *out                    # OUT (n, k)
    double *moved                # scratch (threads, moved_size) rows at the origin, or values of
                                 # thin rows
    int32_t *columns             # scratch (threads, moved_size) their columns
    Py_ssize_t moved_size
    Worker *workers


cdef struct Scan:        # per column, the range of values
    const Rows *rows
    double *low                  # INOUT (threads, d)
    double *high                 # INOUT (threads, d)
    double *tiny                 # INOUT (threads, d) smallest magnitude but zero
    double *bad                  # INOUT (threads, d) NaN once something is not finite
    int64_t *stored              # CSR: INOUT (threads, d) values
    uint8_t *fractions           # CSR: INOUT (threads,) whether some are no whole numbers
    Worker *workers


cdef struct Units:       # what brings rows to unit length
    const Rows *rows             # as they are
    double *factor               # OUT (n,)
    double *values               # CSR: OUT values of the rows at unit length, at the places of
                                 # `rows.data`
    Worker *workers


cdef struct Arrange:     # packs rows in a new order
    const Rows *rows
    const Packed *packing
    const Boxes *boxes
    Worker *workers


cdef struct Seeding:     # one step of k-means++: candidates against all rows
    const Rows *rows
    const double *weights
    const Packed *packing
    const FilterTable *filter
    const Centers *candidates
    const int64_t *drawn         # (m,) the rows that they are
    bint keep                    # take the one candidate; else they are only tried
    double *sq_nearest           # INOUT (n,) squared distance to the nearest center so far
    Split split
    Sum *totals                  # INOUT (threads, m) what each candidate would change of the
                                 # potential
    const uint16_t *bucket       # (n,) see data/draw_order.pxi
    Py_ssize_t buckets
    bint binned                  # terms go to the candidates' buckets
    Sum *bucket_totals           # INOUT (threads, m, buckets) potential of each bucket, when binned
    Sum potential                # of all
    uint64_t *closer             # INOUT (ceil(n / PANEL), width) bit i: a drawn row may be closer
                                 # to row i than its nearest center
    Py_ssize_t width             # drawn rows
    const Py_ssize_t *column     # (m,) of each candidate in `closer`; NULL: all rows are compared
    double *gains                # INOUT (threads, width, GAIN) between what each would lower the
                                 # potential, which may be scaled; NULL: not wanted
    const Bytes *bytes           # what candidates are compared with; NULL: `packing`
    const ByteCenters *byte_candidates
    Heads *heads                 # NULL: all features are compared at once
    float *limits                # INOUT (n, rounded up to PANEL) with bytes: scores, in steps of
                                 # the row, above which no candidate is closer than the nearest
                                 # center,
    float *worth                 # (the same,) and what those are to be multiplied by to be shares
                                 # of the potential, which is scaled
    double heaviest              # the largest weight
    bint limits_known            # both are up to date; else the next pass with bytes finds all
    double *left                 # INOUT (threads,) pairs of a row and a candidate whose features
                                 # were all looked at
    Worker *workers


cdef struct Memberships: # one pass of fuzzy c-means; see kernels/exact/fuzzy.pxi. IN unless marked
    const Rows *rows
    const double *weights        # (n,) or NULL
    const Centers *centers       # all k, in blocks
    double fuzziness             # above 1
    Py_ssize_t width             # k, rounded up to whole blocks
    int32_t *labels              # OUT (n,) the nearest center
    double *out                  # OUT (n, k) memberships, or NULL
    double *scratch              # (threads, PANEL + d + 3, width)
    const double *big            # (d + 2, SUM_PARTS) what cuts the sums of a panel
    double *totals               # INOUT (threads, SUM_PARTS, d + 2, width) parts of the sums of
                                 # w u^m x, feature by feature, of w u^m and of w u^m times the
                                 # squared distance; NULL: none are wanted
    Worker *workers


cdef struct Candidate:   # a value that may be a median
    int64_t place                # cluster * d + feature
    double value


cdef struct Bracketing:  # a pass that looks for medians; see kernels/exact/medians.pxi. IN unless
                         # marked
    const Rows *rows
    Worker *workers
    const int32_t *label         # (n,)
    const uint8_t *active        # (k,) whether the medians of a cluster are looked for
    Py_ssize_t k
    const double *low            # (k, d) medians are expected to be at least this,
    const double *high           # (k, d) and at most this
    int64_t *below               # INOUT (threads, k, d) values that are less than `low`
    Candidate *found             # OUT (threads, room) values from `low` to `high`
    int64_t *used                # INOUT (threads,) the number of these values
    Py_ssize_t room


ctypedef int (*ChunkFn)(void *job, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                        int worker) noexcept nogil


cdef struct ExactTable:
    void (*read)(const Rows *rows, Py_ssize_t row, double *out) noexcept nogil
    uint64_t (*hash_row)(const Rows *rows, Py_ssize_t row, char *block) noexcept nogil
    void (*hash_rows)(const Rows *rows, Py_ssize_t start, Py_ssize_t stop, int bits, char *block,
                      uint16_t *bucket) noexcept nogil
    void (*move)(const Rows *rows, Py_ssize_t row, double w, int32_t label, int sign, Tally *tally,
                 const Sums *how,
                 char *block) noexcept nogil
    void (*project)(const void *x, Py_ssize_t count, Py_ssize_t d, const Packed *packing,
                    double *out) noexcept nogil
    # see kernels/exact/mostly_zero.pxi
    void (*norms)(const double *centers, Py_ssize_t k, Py_ssize_t d,
                  double *sq_norms) noexcept nogil
    # see kernels/exact/cosine.pxi
    double (*unit_factor)(const void *x, const int32_t *columns, Py_ssize_t d) noexcept nogil
    # see kernels/exact/squares.pxi
    void (*squares)(const Rows *rows, const int64_t *ids, Py_ssize_t count, const double *centers,
                    const double *blocks, Py_ssize_t k, Worker *me, double *out) noexcept nogil
    ChunkFn scan, survey, arrange, turn, assign, assign_boxes, assign_groups, assign_bytes, measure
    ChunkFn transform, thin_rows, seed, weigh, weigh_bytes, weigh_left, unit_factors
    ChunkFn memberships, present
    ChunkFn assign_leads, look_between
    int walk_slots                       # CSR: tables that a walk has room for
    int lanes, block_rows                # CSR: rows taken side by side, and rows that a worker's
                                         # block has room for
