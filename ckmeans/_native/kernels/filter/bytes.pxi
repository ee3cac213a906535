# Rows and centers in bytes. Included by kernels/filter/filter.pxi.
#
# A packed row a is kept as whole numbers q of at most 127 and a step s of its own, a center
# b' = -2b as p with a step t: a is about s q, b' about t p. With rough >= |a / s - q| and
# reach >= |q|, the same for the rows of a panel, and off >= |b' - t p|,
#     |ab' - s t qp| <= |a - s q| |b'| + |s q| |b' - t p| <= s w,    w = rough |b'| + reach off.
# The product qp is a whole number, computed without rounding: rows are stored as q + 128, so that
# they are unsigned, and 128 sum(p), which is called the `lift` once multiplied by t, is subtracted.
#
# Scores are compared in steps of the row, against a limit that is known before, so that nothing is
# stored for centers that are discarded:
#     V = |b|^2 / s + (t (q + 128)p - (lift + w + rounding))
# is never above the true score / s, apart from the errors that the bounds of
# kernels/filter/filter.pxi allow for with d = 1: the norm is lowered by 2 gamma |b|^2, which covers
# its own roundings (four here) and the center's share of those of a and b'; the row's share is in
# the limit. The rest of V is a sum of t (q + 128)p, at most T = 255 t sum|p|, which is rounded
# three times, and of the subtracted terms, at most T / 2 + w, rounded four times: with u = 2^-24
# the error is less than 5 u T + 5 u w, and `rounding` is 6 u T, and w is raised by 2e-6 of itself.
#
# The limit comes from the row's center of the pass before: the exact kernels compute the distance
# D^2 to it, D^2 - |a|^2 is its score, and the guard of kernels/filter/filter.pxi is added. If the
# upper bound V + 2 (w + rounding) of a listed center, plus that guard, is lower, it becomes the
# limit. Rows without a label begin with the lowest such bound among the first group of centers.
#
# Features may be left out, of rows, centers and norms: what is left of a squared distance is a
# lower bound of it, and so is V of the score, with the |a|^2 that is left. The limit holds, since
# D^2 is computed from all features; the upper bound V + 2 (w + rounding) does not, and is not used.
# This is for a few features that are far larger than the others, whose steps would be too large. It
# is the same if values are clamped, of rows and of centers: that brings them no farther from each
# other.
#
# What a pass proves holds for as long as centers stay where they are. So each row keeps the least V
# of all centers but its own; of one whose distance was computed, a lower bound of its score takes
# the place of V. In the next pass only rows whose limit is not below that are compared with centers
# that have not moved.
#
# Heads (kernels/exact/heads.pxi) give a lower bound of the score from a part of the products. Where
# rows have them, V is computed for those pairs only that this does not rule out, and the bound
# takes the place of V for the others.

cdef extern from "kernels/filter/bytes.h" nogil:
    enum: CKM_TOP_BYTE, CKM_BYTES_FROM, BYTE_VECTORS
    double CKM_BYTE_COST
    void ckm_byte_begin(Py_ssize_t depth)
    void ckm_byte_end()
    void ckm_byte_products(const int32_t *x, const int32_t *c, Py_ssize_t parts, Py_ssize_t depth,
                           int32_t *out, Py_ssize_t used, Py_ssize_t ahead)
    int32_t ckm_byte_pair(const int32_t *x, const int32_t *c, Py_ssize_t words)

cdef enum:
    BYTES_AHEAD = 4096           # words

cdef float BYTE_ROUNDED = 1e-4   # more than what multiplying a feature by the inverse of the step
                                 # is off by


cdef struct HeadPanel:   # what `filter_heads` knows of a panel
    float inverse[PANEL] # of the steps of heads
    float ratio[PANEL]   # of the rows' own steps to those
    float limit[PANEL]   # as in BytePanel, in steps of heads
    float others[PANEL]
    uint64_t taken       # bit i: row i is among
    int32_t *rows        # (PANEL, words) all features of rows, row after row
    Py_ssize_t looked


cdef void filter_pack_bytes(const float *x, Py_ssize_t d, const Bytes *packing, int32_t *words,
                            float *steps, float *rough, float *reach) noexcept nogil:
    """Put 64 packed rows in bytes.

    x      IN   (d, PANEL)
    words  OUT  (PANEL / BYTE_LANES, parts * depth, BYTE_LANES)
    steps  OUT  (PANEL,)
    rough, reach  OUT  see Bytes
    """
    cdef Py_ssize_t size = packing.parts * packing.depth, lane, w, f, i
    cdef vf largest, value, inverse, off, length, total
    cdef vi near, word
    cdef float row[VL]
    cdef float other[VL]
    cdef float slack = BYTE_ROUNDED * sqrtf(<float>d)
    cdef int32_t *to
    cdef int b
    rough[0] = reach[0] = 0
    for lane from 0 <= lane < PANEL by VL:
        largest = VF_SPLAT(0)
        for f in range(d):
            value = VF_LOAD(x + f * PANEL + lane)
            largest = VF_MAX(largest, VF_MAX(value, VF_SPLAT(0) - value))
        VF_STORE(row, largest)
        for b in range(VL):
            # Packed values reach up to 2^44: a row that lies nearer to the origin than this step is
            # there.
            steps[lane + b] = max(row[b] * <float>(1.000002 / 127), <float>1e-9)
            row[b] = 1 / steps[lane + b]
        inverse = VF_LOAD(row)
        total = VF_SPLAT(0)
        length = VF_SPLAT(0)
        to = words + lane // BYTE_LANES * size * BYTE_LANES + lane % BYTE_LANES
        for w in range(size):
            word = VI_SPLAT(0)
            for i in range(4):
                f = 4 * w + i
                near = VI_SPLAT(128)
                if f < d:
                    value = VF_LOAD(x + f * PANEL + lane) * inverse
                    near = VI_NEAREST(value)
                    off = value - VF_FROM_INTS(near)
                    total = total + off * off
                    length = length + VF_FROM_INTS(near) * VF_FROM_INTS(near)
                    near = near + VI_SPLAT(128)
                word = word | near << (8 * i)
            VI_STORE(to + w * BYTE_LANES, word)
        VF_STORE(row, total)
        VF_STORE(other, length)
        for b in range(VL):
            rough[0] = max(rough[0], root(row[b], d) + slack)
            reach[0] = max(reach[0], root(other[b], d))


cdef void filter_pack_center(const float *scaled, Py_ssize_t d, const Bytes *packing,
                             Py_ssize_t place, ByteCenters *centers) noexcept nogil:
    """Put a center in bytes.

    scaled   IN   (d,)
    centers  OUT  at the place
    """
    cdef int8_t numbers[BYTE_FEATURES]
    cdef Py_ssize_t whole = d // VL * VL if VL > 1 else 0, line = 4 * packing.depth, f, p
    cdef vf largest = VF_SPLAT(0), squares = VF_SPLAT(0), total = VF_SPLAT(0), value
    cdef vi near, sums = VI_SPLAT(0), sizes = VI_SPLAT(0)
    cdef float lanes[VL]
    cdef int32_t ints[VL]
    cdef float most = 0, square = 0, left = 0, inverse, step, one
    cdef int32_t sum_ = 0, size = 0
    cdef int8_t *to = <int8_t *>(centers.words + place // BYTE_LANES * packing.parts * BYTE_LANES
                                 * packing.depth) + place % BYTE_LANES * line
    cdef int b
    for f from 0 <= f < whole by VL:
        value = VF_LOAD(scaled + f)
        largest = VF_MAX(largest, VF_MAX(value, VF_SPLAT(0) - value))
        squares = squares + value * value
    VF_STORE(lanes, largest)
    for b in range(VL):
        most = max(most, lanes[b])
    VF_STORE(lanes, squares)
    for b in range(VL):
        square += lanes[b]
    for f in range(whole, d):
        one = scaled[f]
        most = max(most, max(one, -one))
        square += one * one
    step = max(most * <float>(1.000002 / CKM_TOP_BYTE), <float>1e-20)
    inverse = 1 / step
    for f from 0 <= f < whole by VL:
        value = VF_LOAD(scaled + f) * VF_SPLAT(inverse)
        near = VI_NEAREST(value)
        value = value - VF_FROM_INTS(near)
        total = total + value * value
        VI_STORE(ints, near)
        for b in range(VL):
            numbers[f + b] = <int8_t>ints[b]
    VF_STORE(lanes, total)
    for b in range(VL):
        left += lanes[b]
    for f in range(whole, d):
        # One feature at a time, rounded in the same way.
        VF_STORE(lanes, VF_SPLAT(scaled[f] * inverse))
        VI_STORE(ints, VI_NEAREST(VF_LOAD(lanes)))
        one = lanes[0] - ints[0]
        left += one * one
        numbers[f] = <int8_t>ints[0]
    for f in range(d):
        sum_ += numbers[f]
        size += numbers[f] if numbers[f] > 0 else -numbers[f]
    for f in range(d, packing.parts * line):
        numbers[f] = 0
    for p in range(packing.parts):
        memcpy(to + p * BYTE_LANES * line, numbers + p * line, line)
    (<float *>centers.steps)[place] = step
    (<float *>centers.lengths)[place] = root(square, d)
    (<float *>centers.off)[place] = <float>(1.000002 * step * (root(left, d)
                                                              + BYTE_ROUNDED * sqrtf(<float>d)))
    (<float *>centers.lift)[place] = 128 * step * sum_
    (<float *>centers.rounding)[place] = <float>(255 * 6 * 6e-8) * step * size


cdef void filter_bytes(const ByteCenters *centers, const Bytes *packing, Py_ssize_t first,
                       Py_ssize_t stop, BytePanel *panel, int32_t *products) noexcept nogil:
    """List the centers of groups [first, stop) that cannot be discarded for 64 rows.

    panel     INOUT
    products  scratch  (BYTE_GROUP, BYTE_ROWS)
    """
    cdef Py_ssize_t lane, g
    ckm_byte_begin(packing.depth)
    # A part of the rows at a time, which stays in the fastest cache.
    for lane from 0 <= lane < PANEL by BYTE_ROWS:
        if not <uint32_t>(panel.here >> lane):
            continue
        for g in range(first, stop):
            if panel.full:
                break
            filter_group(centers, packing, g, panel, lane, products)
            if panel.count > BYTE_ROOM - BYTE_GROUP * BYTE_ROWS:
                drop_ruled_out(panel)
                panel.full = panel.count > BYTE_ROOM - BYTE_GROUP * BYTE_ROWS
    ckm_byte_end()


cdef void filter_group(const ByteCenters *centers, const Bytes *packing, Py_ssize_t group,
                       BytePanel *panel, Py_ssize_t lane, int32_t *products) noexcept nogil:
    """The same for one group and the rows from `lane` on."""
    cdef float wide[BYTE_GROUP]
    cdef float less[BYTE_GROUP]
    cdef vf lowest[BYTE_VECTORS]
    cdef vf inverse[BYTE_VECTORS]
    cdef vf least[BYTE_VECTORS]
    cdef vf values[BYTE_VECTORS]
    cdef float one[BYTE_ROWS]
    cdef vf step, norm, take, value
    cdef Py_ssize_t size = packing.parts * packing.depth, j = group * BYTE_GROUP, i, v
    cdef Py_ssize_t used = min(<Py_ssize_t>BYTE_GROUP, centers.m - j)
    cdef float *limit = panel.limit + lane
    cdef const int32_t *out
    cdef uint64_t left
    ckm_byte_products(panel.words + lane * size, centers.words + j * size, packing.parts,
                      packing.depth, products, used, 0)
    byte_bounds(centers, j, panel.rough, panel.reach, wide, less)
    for v in range(BYTE_VECTORS):
        inverse[v] = VF_LOAD(panel.inverse + lane + v * VL)
    if panel.seeking and group == 0:
        for v in range(BYTE_VECTORS):
            lowest[v] = VF_SPLAT(3e38)
        for i in range(used):
            step = VF_SPLAT(centers.steps[j + i])
            norm = VF_SPLAT(centers.sq_norms[j + i])
            take = VF_SPLAT(less[i] - <float>2.00001 * wide[i])
            out = products + i * BYTE_ROWS
            for v in range(BYTE_VECTORS):
                value = VF_FROM_INTS(VI_LOAD(out + v * VL)) * step + (norm * inverse[v] - take)
                lowest[v] = VF_MIN(lowest[v], value)
        for v in range(BYTE_VECTORS):
            VF_STORE(limit + v * VL, lowest[v])
        for i in range(BYTE_ROWS):
            limit[i] = byte_limit(centers, panel.guard[lane + i], limit[i])
    for v in range(BYTE_VECTORS):
        least[v] = VF_LOAD(panel.others + lane + v * VL)
    for i in range(used):
        out = products + i * BYTE_ROWS
        left = byte_rows_left(centers, j + i, out, less[i], inverse, limit, values)
        if left:
            note_left(centers, panel, j + i, lane, out, less[i], wide[i], left)
            for v in range(BYTE_VECTORS):
                VF_STORE(one + v * VL, values[v])
            while left:
                one[CKM_CTZ64(left)] = <float>3e38
                left &= left - 1
            for v in range(BYTE_VECTORS):
                values[v] = VF_LOAD(one + v * VL)
        for v in range(BYTE_VECTORS):
            least[v] = VF_MIN(least[v], values[v])
    for v in range(BYTE_VECTORS):
        VF_STORE(panel.others + lane + v * VL, least[v])


cdef Py_ssize_t filter_heads(const ByteCenters *centers, const Bytes *packing, const Heads *heads,
                             Py_ssize_t first, Py_ssize_t stop, BytePanel *panel,
                             int32_t *products, int32_t *rows) noexcept nogil:
    """`filter_bytes` by heads first: all features only of the pairs that these leave; how many
    those were.

    rows  scratch  (PANEL, heads.row_words)
    """
    cdef HeadPanel by_head
    cdef Py_ssize_t lane, g, i
    cdef float ratio
    by_head.taken = 0
    by_head.looked = 0
    by_head.rows = rows
    for i in range(PANEL):
        by_head.inverse[i] = 1 / panel.head_step[i]
        ratio = panel.step[i] * by_head.inverse[i]
        by_head.ratio[i] = ratio
        by_head.limit[i] = in_other_steps(panel.limit[i], ratio)
        by_head.others[i] = <float>3e38
    ckm_byte_begin(heads.bytes.depth)
    for lane from 0 <= lane < PANEL by BYTE_ROWS:
        if not <uint32_t>(panel.here >> lane):
            continue
        for g in range(first, stop):
            if panel.full:
                break
            filter_head_group(centers, packing, heads, g, panel, &by_head, lane, products)
            if panel.count > BYTE_ROOM - BYTE_GROUP * BYTE_ROWS:
                drop_ruled_out(panel)
                panel.full = panel.count > BYTE_ROOM - BYTE_GROUP * BYTE_ROWS
    ckm_byte_end()
    for i in range(PANEL):
        if by_head.others[i] < <float>3e38:
            panel.others[i] = min(panel.others[i], -in_other_steps(-by_head.others[i],
                                                                   1 / by_head.ratio[i]))
    return by_head.looked


cdef inline float in_other_steps(float value, float ratio) noexcept nogil:
    """A value times the ratio of two steps, rounded up."""
    cdef float other = value * ratio
    return other + <float>1e-6 * (other if other > 0 else -other)


cdef void filter_head_group(const ByteCenters *centers, const Bytes *packing, const Heads *heads,
                            Py_ssize_t group, BytePanel *panel, HeadPanel *by_head,
                            Py_ssize_t lane, int32_t *products) noexcept nogil:
    """The same for one group and the rows from `lane` on."""
    cdef float wide[BYTE_GROUP]
    cdef float less[BYTE_GROUP]
    cdef vf inverse[BYTE_VECTORS]
    cdef vf least[BYTE_VECTORS]
    cdef vf values[BYTE_VECTORS]
    cdef vf limit
    cdef uint32_t left[BYTE_GROUP]
    cdef const ByteCenters *those = heads.centers
    cdef Py_ssize_t size = heads.bytes.parts * heads.bytes.depth, j = group * BYTE_GROUP, i, v
    cdef Py_ssize_t used = min(<Py_ssize_t>BYTE_GROUP, centers.m - j)
    cdef uint32_t any_ = 0, here = <uint32_t>(panel.here >> lane)
    ckm_byte_products(panel.head_words + lane * size, those.words + j * size, heads.bytes.parts,
                      heads.bytes.depth, products, used, 0)
    byte_bounds(those, j, panel.head_rough, panel.head_reach, wide, less)
    for v in range(BYTE_VECTORS):
        inverse[v] = VF_LOAD(by_head.inverse + lane + v * VL)
        least[v] = VF_LOAD(by_head.others + lane + v * VL)
    for i in range(used):                     # without a branch, which could not be predicted
        left[i] = here & <uint32_t>byte_rows_left(those, j + i, products + i * BYTE_ROWS, less[i],
                                                  inverse, by_head.limit + lane, values)
        any_ |= <uint32_t>(left[i] != 0) << i
        for v in range(BYTE_VECTORS):
            limit = VF_LOAD(by_head.limit + lane + v * VL)
            least[v] = VF_MIN(least[v], VF_PICK_LT(limit, values[v], values[v], VF_SPLAT(3e38)))
    for v in range(BYTE_VECTORS):
        VF_STORE(by_head.others + lane + v * VL, least[v])
    if any_:
        look_closer(centers, packing, heads, panel, by_head, j, lane, left, any_)


cdef void look_closer(const ByteCenters *centers, const Bytes *packing, const Heads *heads,
                      BytePanel *panel, HeadPanel *by_head, Py_ssize_t first, Py_ssize_t lane,
                      uint32_t *left, uint32_t any_) noexcept nogil:
    """Compare all features of the pairs of a group of centers and rows from `lane` on that heads
    have left; list those that this leaves, too.

    left  INOUT  (BYTE_GROUP,) bit b: the pair with row lane + b
    any_  IN     which of these are not 0
    """
    cdef float wide[BYTE_GROUP]
    cdef float less[BYTE_GROUP]
    cdef Py_ssize_t words = heads.row_words, row, place
    cdef int32_t at
    cdef int i
    cdef float value
    byte_bounds(centers, first, panel.rough, panel.reach, wide, less)
    while any_:
        i = CKM_CTZ64(any_)
        place = first + i
        row = lane + CKM_CTZ64(left[i])
        left[i] &= left[i] - 1
        any_ ^= <uint32_t>(left[i] == 0) << i
        if panel.own[row] == centers.ids[place]:
            continue
        if not by_head.taken >> row & 1:
            by_head.taken |= <uint64_t>1 << row
            row_of_bytes(panel.words, packing.parts * packing.depth, row,
                         by_head.rows + row * words)
        value = (<float>ckm_byte_pair(by_head.rows + row * words,
                                      heads.by_center + place * words, words)
                 * centers.steps[place]
                 + (centers.sq_norms[place] * panel.inverse[row] - less[i]))
        by_head.looked += 1
        if value > panel.limit[row]:          # (a NaN proves nothing)
            panel.others[row] = min(panel.others[row], value)
            continue
        at = <int32_t>panel.count
        panel.place[at] = <int32_t>place
        panel.row[at] = <int32_t>row
        panel.score[at] = value
        panel.count += 1
        panel.limit[row] = min(panel.limit[row],
                               byte_limit(centers, panel.guard[row],
                                          value + <float>2.00001 * wide[i]))
        by_head.limit[row] = in_other_steps(panel.limit[row], by_head.ratio[row])


cdef inline void byte_bounds(const ByteCenters *centers, Py_ssize_t first, float rough, float reach,
                             float *wide, float *less) noexcept nogil:
    """Of a group of centers, from `first` on, and the rows of a panel: what products may be off by,
    rounding included, and what is taken off them.

    wide, less  OUT  (BYTE_GROUP,)
    """
    cdef vf value
    cdef Py_ssize_t i
    for i from 0 <= i < BYTE_GROUP by VL:
        value = ((VF_SPLAT(rough) * VF_LOAD(centers.lengths + first + i)
                  + VF_SPLAT(reach) * VF_LOAD(centers.off + first + i)) * VF_SPLAT(<float>1.000002)
                 + VF_LOAD(centers.rounding + first + i))
        VF_STORE(wide + i, value)
        VF_STORE(less + i, value + VF_LOAD(centers.lift + first + i))


cdef inline uint64_t byte_rows_left(const ByteCenters *centers, Py_ssize_t place,
                                    const int32_t *products, float less, const vf *inverse,
                                    const float *limit, vf *values) noexcept nogil:
    """For which rows a center is not above the limit.

    products, inverse, limit  IN   (BYTE_ROWS,)
    values                    OUT  (BYTE_ROWS,) V of the center
    """
    cdef vf step = VF_SPLAT(centers.steps[place]), norm = VF_SPLAT(centers.sq_norms[place])
    cdef vf take = VF_SPLAT(less)
    cdef uint64_t left = 0
    cdef Py_ssize_t v
    for v in range(BYTE_VECTORS):
        values[v] = VF_FROM_INTS(VI_LOAD(products + v * VL)) * step + (norm * inverse[v] - take)
        left |= VF_BITS_LE(values[v], VF_LOAD(limit + v * VL)) << (v * VL)
    return left


cdef void filter_byte_gains(const ByteCenters *centers, const Bytes *packing, Py_ssize_t start,
                            Py_ssize_t stop, const float *limits, const float *worth,
                            uint64_t *closer, double *gains, int32_t *products) noexcept nogil:
    """Which of rows [start, stop) centers may be closer to than their nearest one so far, and
    between what bounds each would lower the potential.

    A limit is up to its guard and what it is rounded by above the score that it is about, and so
    much may a true score be below or above what V tells; a little more is allowed for here, and for
    gains that underflow.

    limits, worth  IN       (n, rounded up to PANEL) see Seeding
    closer         OUT      (panels of these rows, m) bit i: row i of the panel
    gains          INOUT    (m, GAIN) added to; or NULL
    products       scratch  (BYTE_GROUP, BYTE_ROWS)
    """
    cdef float wide[BYTE_GROUP]
    cdef float less[BYTE_GROUP]
    cdef vf inverse[BYTE_VECTORS]
    cdef vf values[BYTE_VECTORS]
    cdef Py_ssize_t size = packing.parts * packing.depth, m = centers.m, first, j, lane, used, i, v
    cdef const int32_t *out
    cdef uint64_t left
    if gains != NULL:
        for j in range(m):
            gains[j * GAIN + GAIN_LANES] += 1e-30
    ckm_byte_begin(packing.depth)
    for first from start <= first < stop by PANEL:
        for j in range(m):
            closer[j] = 0
        for j from 0 <= j < m by BYTE_GROUP:
            used = min(<Py_ssize_t>BYTE_GROUP, m - j)
            byte_bounds(centers, j, packing.rough[first // PANEL], packing.reach[first // PANEL],
                        wide, less)
            for lane from first <= lane < first + PANEL by BYTE_ROWS:
                ckm_byte_products(packing.words + lane * size, centers.words + j * size,
                                  packing.parts, packing.depth, products, used, BYTES_AHEAD)
                for v in range(BYTE_VECTORS):
                    inverse[v] = VF_SPLAT(1) / VF_LOAD(packing.steps + lane + v * VL)
                for i in range(used):
                    out = products + i * BYTE_ROWS
                    left = byte_rows_left(centers, j + i, out, less[i], inverse, limits + lane,
                                          values)
                    if left:                  # as with few centers, once there are many
                        closer[j + i] |= left << (lane - first)
                        if gains != NULL:
                            byte_gain(centers, j + i, out, less[i], wide[i], inverse,
                                      packing.sq_norms + lane, limits + lane, worth + lane,
                                      gains + (j + i) * GAIN)
        closer += m
    ckm_byte_end()


cdef Py_ssize_t filter_byte_pairs(const ByteCenters *centers, const Bytes *packing,
                                  const Heads *heads, Py_ssize_t start, Py_ssize_t stop,
                                  const float *limits, const float *worth, uint64_t *closer,
                                  double *gains) noexcept nogil:
    """The same for pairs that have been found before: how many those were.

    closer  INOUT  (panels of these rows, m) the pairs that are looked at, and those that are left
    """
    cdef float wide[BYTE_GROUP]
    cdef float less[BYTE_GROUP]
    cdef Py_ssize_t m = centers.m, words = heads.row_words, first, j, i, row, looked = 0
    cdef float inverse, value
    cdef uint64_t todo, left, ahead
    for j in range(m):
        gains[j * GAIN + GAIN_LANES] += 1e-30
    for first from start <= first < stop by PANEL:
        if first + PANEL < stop:
            ahead = 0
            for j in range(m):
                ahead |= closer[m + j]
            while ahead:
                row = first + PANEL + CKM_CTZ64(ahead)
                ahead &= ahead - 1
                for i from 0 <= i < min(words, <Py_ssize_t>128) by 16:
                    CKM_PREFETCH(heads.by_row + row * words + i)
        for j in range(m):
            if j % BYTE_GROUP == 0:
                byte_bounds(centers, j, packing.rough[first // PANEL],
                            packing.reach[first // PANEL], wide, less)
            todo = closer[j]
            left = 0
            i = j % BYTE_GROUP
            while todo:
                row = first + CKM_CTZ64(todo)
                inverse = 1 / packing.steps[row]
                value = (<float>ckm_byte_pair(heads.by_row + row * words,
                                              heads.by_center + j * words, words) * centers.steps[j]
                         + (centers.sq_norms[j] * inverse - less[i]))
                looked += 1
                if not value > limits[row]:
                    left |= todo & (~todo + 1)
                    pair_gain(centers, value, wide[i], inverse, packing.sq_norms[row], limits[row],
                              worth[row], gains + j * GAIN)
                todo &= todo - 1
            closer[j] = left
        closer += m
    return looked


cdef inline void pair_gain(const ByteCenters *centers, float value, float wide, float inverse,
                           float sq_norm, float limit, float worth, double *gains) noexcept nogil:
    """`byte_gain` of one row."""
    cdef double slack = ((sq_norm * (3.001 * centers.guard_norm + 4e-6)
                          + 3.001 * centers.guard_floor) * inverse
                         + (2 * centers.guard_score + 2e-6) * (limit if limit > 0 else -limit))
    cdef double most = limit + slack - value, least = limit - slack - 2.00001 * wide - value
    if most > 0:
        gains[GAIN_LANES] += worth * most
    if least > 0:
        gains[0] += worth * least


cdef void filter_turn(const float *x, Py_ssize_t d, const float *axes, Py_ssize_t count,
                      float *out) noexcept nogil:
    """Coordinates of 64 packed rows along axes.

    x     IN   (d, PANEL)
    axes  IN   (count, d)
    out   OUT  (count, PANEL)
    """
    cdef float few[TILE_C * TILE_V * VL]
    cdef Py_ssize_t lane, j
    cdef int i, here
    for lane from 0 <= lane < PANEL by TILE_V * VL:
        for j from 0 <= j < count by TILE_C:
            here = <int>min(<Py_ssize_t>TILE_C, count - j)
            dots_of[here](x + lane, d, axes + j * d, few)
            for i in range(here):
                memcpy(out + (j + i) * PANEL + lane, few + i * TILE_V * VL,
                       TILE_V * VL * sizeof(float))


cdef void filter_turn_center(const float *scaled, Py_ssize_t d, const float *axes,
                             Py_ssize_t count, float *out) noexcept nogil:
    """Coordinates (count,) of one center along axes (count, d)."""
    cdef vf a, b
    cdef float lanes[VL]
    cdef const float *axis = axes
    cdef Py_ssize_t j, f
    cdef int v
    for j in range(count):
        a = VF_SPLAT(0)
        b = VF_SPLAT(0)
        f = 0
        while f + 2 * VL <= d:
            a = a + VF_LOAD(scaled + f) * VF_LOAD(axis + f)
            b = b + VF_LOAD(scaled + f + VL) * VF_LOAD(axis + f + VL)
            f += 2 * VL
        VF_STORE(lanes, a + b)
        for v in range(1, VL):
            lanes[0] += lanes[v]
        while f < d:
            lanes[0] += scaled[f] * axis[f]
            f += 1
        out[j] = lanes[0]
        axis += d


cdef inline void byte_gain(const ByteCenters *centers, Py_ssize_t place, const int32_t *products,
                           float less, float wide, const vf *inverse, const float *sq_norms,
                           const float *limits, const float *worth, double *gains) noexcept nogil:
    """Add between what bounds a center would lower the potential of some rows.

    products, inverse, sq_norms, limits, worth  IN  (BYTE_ROWS,)
    gains  INOUT  (GAIN,)
    """
    cdef vf of_norm = VF_SPLAT(<float>(3.001 * centers.guard_norm + 4e-6))
    cdef vf of_limit = VF_SPLAT(<float>(2 * centers.guard_score + 2e-6)), slack, limit
    cdef vf floor = VF_SPLAT(<float>(3.001 * centers.guard_floor))
    cdef vf step = VF_SPLAT(centers.steps[place]), norm = VF_SPLAT(centers.sq_norms[place])
    cdef vf take = VF_SPLAT(less), twice = VF_SPLAT(<float>2.00001 * wide), value, weight
    cdef vf least = VF_SPLAT(0), most = VF_SPLAT(0)
    cdef float lanes[2 * VL]
    cdef Py_ssize_t v
    for v in range(BYTE_VECTORS):
        value = VF_FROM_INTS(VI_LOAD(products + v * VL)) * step + (norm * inverse[v] - take)
        weight = VF_LOAD(worth + v * VL)
        limit = VF_LOAD(limits + v * VL)
        slack = ((VF_LOAD(sq_norms + v * VL) * of_norm + floor) * inverse[v]
                 + of_limit * VF_MAX(limit, VF_SPLAT(0) - limit))
        most = most + weight * VF_MAX(limit + slack - value, VF_SPLAT(0))
        least = least + weight * VF_MAX(limit - slack - twice - value, VF_SPLAT(0))
    VF_STORE(lanes, least)
    VF_STORE(lanes + VL, most)
    for v in range(VL):
        gains[v] += lanes[v]
    for v in range(VL):
        gains[GAIN_LANES + v] += lanes[VL + v]


cdef void note_left(const ByteCenters *centers, BytePanel *panel, Py_ssize_t place,
                    Py_ssize_t first, const int32_t *products, float less, float wide,
                    uint64_t left) noexcept nogil:
    """List a center for those rows from `first` on for which it cannot be discarded, and lower
    their limits by it.

    products  IN  (BYTE_ROWS,)
    """
    cdef int32_t at
    cdef Py_ssize_t lane
    cdef float value
    left &= panel.here >> first
    while left:
        lane = first + CKM_CTZ64(left)
        left &= left - 1
        if panel.own[lane] == centers.ids[place]:
            continue
        value = (<float>products[lane - first] * centers.steps[place]
                 + (centers.sq_norms[place] * panel.inverse[lane] - less))
        at = <int32_t>panel.count
        panel.place[at] = <int32_t>place
        panel.row[at] = <int32_t>lane
        panel.score[at] = value
        panel.count += 1
        panel.limit[lane] = min(panel.limit[lane],
                                byte_limit(centers, panel.guard[lane],
                                           value + <float>2.00001 * wide + centers.loose))


cdef void drop_ruled_out(BytePanel *panel) noexcept nogil:
    """Remove centers from the list that are above the present limits."""
    cdef Py_ssize_t i, count = 0
    for i in range(panel.count):
        # (a NaN proves nothing)
        if panel.score[i] > panel.limit[panel.row[i]]:
            panel.others[panel.row[i]] = min(panel.others[panel.row[i]], panel.score[i])
            continue
        panel.place[count] = panel.place[i]
        panel.row[count] = panel.row[i]
        panel.score[count] = panel.score[i]
        count += 1
    panel.count = count
