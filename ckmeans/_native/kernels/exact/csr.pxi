# Kernels for rows in CSR form: the passes of kernels/exact/exact.pxi with the same bits, at the
# cost of the stored values.
#
# A stored zero counts like any other. Values that are not stored add nothing to sums over rows.
# To a squared distance they add the center's own squares, in the order of the features like all
# other terms. This takes time, so distances are computed for several rows with the same center at a
# time.

cdef double WHOLE = 6755399441055744.0       # 1.5 * 2**52: adding it rounds to whole numbers

cdef enum:
    LANES = 4 * VDL      # rows whose distances to one center are computed together


cdef inline double csr_value(const Rows *rows, Py_ssize_t e) noexcept nogil:
    return (<const real *>rows.data)[e]


cdef int csr_scan(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                  int worker) noexcept nogil:
    """`scan` for the stored values, which are counted; other values are zero."""
    cdef Scan *job = <Scan *>job_
    cdef Py_ssize_t d = job.rows.d, e, f
    cdef double *low = job.low + worker * d
    cdef double *high = job.high + worker * d
    cdef double *tiny = job.tiny + worker * d
    cdef double *bad = job.bad + worker * d
    cdef int64_t *stored = job.stored + worker * d
    cdef double v, size, away = 0
    for e in range(job.rows.indptr[start], job.rows.indptr[stop]):
        v = csr_value(job.rows, e)
        f = ckm_column(job.rows.indices, e, d)
        stored[f] += 1
        low[f] = v if v < low[f] else low[f]
        high[f] = v if v > high[f] else high[f]
        size = fabs(v)
        away += fabs(v - ((v + WHOLE) - WHOLE)) if size < 1e15 else 0
        size = size if size > 0 else 1e999
        tiny[f] = size if size < tiny[f] else tiny[f]
        bad[f] += v - v
    if not away == 0:
        job.fractions[worker] = 1
    return 0


cdef int csr_survey(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                    int worker) noexcept nogil:
    """`survey` for the stored values. The engine adds the terms of the zeros, which are all equal;
    with weights they are not.
    """
    cdef Survey *job = <Survey *>job_
    cdef Py_ssize_t e, f
    if job.weights != NULL:
        return survey(job_, start, stop, chunk, worker)
    for e in range(job.rows.indptr[start], job.rows.indptr[stop]):
        f = ckm_column(job.rows.indices, e, job.rows.d)
        survey_one(csr_value(job.rows, e), 1, job.how + f * COLUMN,
                   job.seen + worker * job.room + f * COLUMN, job.part)
    return 0


cdef void csr_move(const Rows *rows, Py_ssize_t row, double w, int32_t label, int sign,
                   Tally *tally, const Sums *how,
                   char *block) noexcept nogil:
    """`move`; the row's columns are noted in the tally's support."""
    cdef double *sums = tally.sums + label * how.parts * rows.d
    cdef const double *big = how.big
    cdef uint64_t *support
    cdef Py_ssize_t e, f, d = rows.d
    cdef double term, high
    cdef int p
    tally.touched[label] = 1
    tally.counts[label] += sign
    if how.weighted:
        add_weight(tally.weights + label * how.weight_parts, how, sign * w)
    w *= sign
    if tally.support != NULL:                 # rows that leave, too: what they cancelled comes to
                                              # light
        support = tally.support + label * ((d + 63) // 64)
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            f = ckm_column(rows.indices, e, d)
            support[f >> 6] |= <uint64_t>1 << (f & 63)
    if how.parts == 1:
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            sums[ckm_column(rows.indices, e, d)] += w * csr_value(rows, e)
        return
    for e in range(rows.indptr[row], rows.indptr[row + 1]):
        f = ckm_column(rows.indices, e, d)
        term = w * csr_value(rows, e)
        for p in range(how.parts - 1):
            high = (term + big[p * d + f]) - big[p * d + f]
            sums[p * d + f] += high
            term = term - high
            if term == 0:
                break
        sums[(how.parts - 1) * d + f] += term


# ---- squared distances ---------------------------------------------------------------------------

cdef Py_ssize_t csr_pack(const Rows *rows, const int64_t *order, Py_ssize_t first, Py_ssize_t count,
                         CsrScratch *scratch) noexcept nogil:
    """Put up to LANES rows side by side, column by column as they come; returns the number of
    columns.

    order  IN  rows by place
    """
    cdef Py_ssize_t i, e, row, column, at, columns = 0
    for i in range(count):
        row = order[first + i]
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            column = ckm_column(rows.indices, e, rows.d)
            at = scratch.rank[column]
            if at == 0:
                columns += 1
                at = columns
                scratch.rank[column] = <int32_t>at
                scratch.columns[at] = <int32_t>column
                memset(scratch.lanes + at * LANES, 0, LANES * sizeof(double))
            scratch.lanes[at * LANES + i] = csr_value(rows, e)
    return columns


cdef void csr_unpack(CsrScratch *scratch, Py_ssize_t columns) noexcept nogil:
    cdef Py_ssize_t t
    for t in range(1, columns + 1):
        scratch.rank[scratch.columns[t]] = 0


cdef void csr_distances(const CsrScratch *scratch, const double *center, Py_ssize_t d,
                        double *out) noexcept nogil:
    """Squared distances of the packed rows to a center (d,): feature after feature, without those
    where all are zero.

    out  OUT  (LANES,)
    """
    cdef vd s0 = VD_SPLAT(0), s1 = s0, s2 = s0, s3 = s0, c, t0, t1, t2, t3
    cdef const int32_t *rank = scratch.rank
    cdef int32_t *features = scratch.features
    cdef const double *x
    cdef Py_ssize_t f, i, count = 0
    for f in range(d):
        features[count] = <int32_t>f
        count += (rank[f] != 0) | (center[f] != 0)
    for i in range(count):
        f = features[i]
        x = scratch.lanes + <Py_ssize_t>rank[f] * LANES        # the first row of the lanes is zeros
        c = VD_SPLAT(center[f])
        t0 = VD_LOAD(x) - c
        t1 = VD_LOAD(x + VDL) - c
        t2 = VD_LOAD(x + 2 * VDL) - c
        t3 = VD_LOAD(x + 3 * VDL) - c
        s0 = s0 + t0 * t0
        s1 = s1 + t1 * t1
        s2 = s2 + t2 * t2
        s3 = s3 + t3 * t3
    VD_STORE(out, s0)
    VD_STORE(out + VDL, s1)
    VD_STORE(out + 2 * VDL, s2)
    VD_STORE(out + 3 * VDL, s3)


cdef int32_t csr_decide(const Rows *rows, Py_ssize_t row, Worker *me, const Centers *centers,
                        const float *scores, float lowest,
                        float margin) noexcept nogil:
    """The label of a row by definition, among the centers whose scores are within a margin of the
    lowest; of all, without scores.
    """
    cdef const real *x = fetch(rows, row, 1, me.block)
    cdef const real *group[GROUP]
    cdef const double *c[GROUP]
    cdef int32_t ids[GROUP]
    cdef double out[GROUP]
    cdef double nearest = 1e999
    cdef int32_t label = 0
    cdef Py_ssize_t j, d = rows.d
    cdef int g = 0, r
    for r in range(GROUP):
        group[r] = x
    for j in range(centers.m):
        if scores == NULL or not scores[j] - lowest > margin:
            c[g] = centers.rows + j * d
            ids[g] = <int32_t>j
            g += 1
        if g == GROUP or (j == centers.m - 1 and g > 0):
            for r in range(g, GROUP):
                c[r] = c[0]
            pair_distances(group, c, d, out)
            me.counters.exact += g
            for r in range(g):
                if out[r] < nearest:
                    nearest = out[r]
                    label = ids[r]
            g = 0
    me.counters.decided += 1
    return label


include "kernels/exact/csr_inertia.pxi"
cdef void csr_all_squares(const Rows *rows, const int64_t *ids, Py_ssize_t count,
                          const double *centers, const double *blocks, Py_ssize_t k, Worker *me,
                          double *out) noexcept nogil:
    """`squares` of rows in CSR form."""
    cdef Py_ssize_t d = rows.d, padded = (k + BLOCK - 1) // BLOCK * BLOCK, some, columns, i, j, r
    cdef double lanes[LANES]
    for i from 0 <= i < count by LANES:
        some = min(<Py_ssize_t>LANES, count - i)
        columns = csr_pack(rows, ids, i, some, &me.csr)
        for j in range(k):
            csr_distances(&me.csr, centers + j * d, d, lanes)
            for r in range(some):
                out[(i + r) * padded + j] = lanes[r]
        csr_unpack(&me.csr, columns)
    orthogonal_rows(rows, ids, count, padded, out)


# ---- passes over the rows ------------------------------------------------------------------------

cdef inline void own_columns(const Rows *rows, Py_ssize_t row, int32_t *columns) noexcept nogil:
    """The columns of a row, copied before they are looked at."""
    cdef Py_ssize_t e, count = rows.indptr[row + 1] - rows.indptr[row]
    cdef uint32_t d = <uint32_t>rows.d
    memcpy(columns, rows.indices + rows.indptr[row], count * sizeof(int32_t))
    for e in range(count):
        columns[e] = columns[e] if <uint32_t>columns[e] < d else 0


cdef inline Py_ssize_t csr_row(const Rows *rows, Py_ssize_t row, const Packed *packing, float *x,
                               int32_t *columns, float *sq_norms,
                               float *sq_norm) noexcept nogil:
    """The values of a row about the origin, scaled, float32, and their columns; returns how many.

    Where the origin is not 0 but the row has no value, it has one now: after all others.

    x, columns  OUT  room for the values and MOST_DENSE more
    sq_norms  INOUT  (n,) squared norms: read, or written when they are being filled in; or NULL
    sq_norm     OUT  the squared norm, rounded up
    """
    cdef const real *values = <const real *>rows.data + rows.indptr[row]
    cdef Py_ssize_t e, b, i, count = rows.indptr[row + 1] - rows.indptr[row], stored = count
    cdef Py_ssize_t whole
    cdef double scale = packing.scale
    cdef double norms[8]
    own_columns(rows, row, columns)
    for e in range(count):
        x[e] = <float>(values[e] * scale)
    e = 0
    for i in range(packing.n_dense):
        while e < stored and columns[e] < packing.dense[i]:
            e += 1
        if e < stored and columns[e] == packing.dense[i]:
            x[e] = <float>((values[e] - packing.origin[columns[e]]) * scale)
        else:
            x[count] = <float>(-packing.origin[packing.dense[i]] * scale)
            columns[count] = packing.dense[i]
            count += 1
    if sq_norms != NULL and not packing.filling:
        sq_norm[0] = sq_norms[row]
        return count
    for b in range(8):
        norms[b] = 0
    whole = count // 8 * 8
    for e from 0 <= e < whole by 8:
        for b in range(8):
            norms[b] += <double>x[e + b] * <double>x[e + b]
    for e in range(whole, count):
        norms[0] += <double>x[e] * <double>x[e]
    for b in range(1, 8):
        norms[0] += norms[b]
    sq_norm[0] = <float>(norms[0] * (1 + 3e-7))
    if sq_norms != NULL:
        sq_norms[row] = sq_norm[0]
    return count


cdef bint csr_tell(const Rows *rows, Py_ssize_t row, const Packed *packing, Worker *me,
                   Py_ssize_t count, double sq_norm, const Centers *centers, float lowest,
                   float margin, int32_t *label) noexcept nogil:
    """Whether float64 scores tell which of the centers whose scores are within a margin of the
    lowest is the nearest; True is proof.

    With a and b the row and the center about the origin, A = |a|^2 and N = |b|^2, a score N - 2ab
    of `count` values is off by at most (d + 3 + count + 6) u (N + A), u = 2^-53, and the squared
    distance that counts by (d + 3) u 2 (N + A). Where everything is whole numbers, neither rounds.

    count  values of the row in the worker's scratch, `csr_row` has put them there
    """
    cdef const real *values = <const real *>rows.data + rows.indptr[row]
    cdef const int32_t *columns = me.csr.own
    cdef const double *c
    cdef Py_ssize_t stored = rows.indptr[row + 1] - rows.indptr[row], d = rows.d, j, e, f
    cdef double scale = packing.scale, least = 1e999, second = 1e999, score, a, o
    cdef double share = (4.0 * d + 2.0 * count + 40) * ldexp(1, -53)
    cdef double largest = 0, away = 0
    cdef bint whole = True
    for e in range(count):
        a = values[e] if e < stored else 0
        o = packing.origin[columns[e]]
        away += fabs(a - ((a + WHOLE) - WHOLE)) + fabs(o - ((o + WHOLE) - WHOLE))
        away += fabs(a) > 1e15 or fabs(o) > 1e15
    for j in range(centers.m):
        if me.csr.scores[j] - lowest > margin:
            continue
        c = centers.rows + j * d
        score = 0
        if packing.n_dense:
            for e in range(count):
                f = columns[e]
                o = packing.origin[f]
                a = (values[e] if e < stored else 0) - o
                score += a * (c[f] - o)
        else:
            for e in range(count):
                score += <double>values[e] * c[columns[e]]
        score = centers.norms[j] - 2 * score * scale * scale
        me.counters.exact += 1
        whole = whole and centers.whole[j]
        if score < least:
            second = least
            least = score
            label[0] = <int32_t>j
        elif score < second:
            second = score
        largest = max(largest, centers.norms[j])
    largest += sq_norm
    # (In whole numbers below 2^50 equal scores are equal distances: the first one wins.)
    if away == 0 and whole and 4 * largest < ldexp(scale, 24) * ldexp(scale, 24):
        return True
    return second - least > 2 * share * largest + centers.guard_floor


cdef int csr_assign(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                    int worker) noexcept nogil:
    """Labels of rows [start, stop). The sums are left to the caller."""
    cdef Assign *job = <Assign *>job_
    cdef Worker *me = job.workers + worker
    cdef const Centers *centers = job.centers
    cdef const Rows *rows = job.rows
    cdef Py_ssize_t row, count
    cdef float norm, lowest, second, margin
    cdef float *x = me.csr.values
    cdef float *scores = me.csr.scores
    cdef int32_t best
    if job.survey != NULL:
        csr_survey(job.survey, start, stop, chunk, worker)
    for row in range(start, stop):
        if centers.filter:
            count = csr_row(rows, row, job.packing, x, me.csr.own, job.packing.sq_norms, &norm)
            me.overflow = me.overflow or not norm < 3e38
            job.filter.csr(x, me.csr.own, count, rows.d, centers, scores, &lowest, &second, &best)
            margin = centers.guard_norm * norm + centers.guard_score * lowest + centers.guard_floor
            if (not second - lowest > margin
                and not csr_tell(rows, row, job.packing, me, count, norm, centers, lowest, margin,
                                 &best)):
                best = csr_decide(rows, row, me, centers, scores, lowest, margin)
        else:
            best = csr_decide(rows, row, me, centers, NULL, 0, 0)
        if rows.directionless and rows.factor[row] == 0:
            best = 0                          # equally far from all centers
        if best != job.labels[row]:
            job.labels[row] = best
            me.changed += 1
    if centers.filter:
        me.counters.filtered += (stop - start) * centers.m
    return 0


cdef int csr_measure(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                     int worker) noexcept nogil:
    """`measure` for places [start, stop) of an order in which rows of one label follow each
    other.
    """
    cdef Measure *job = <Measure *>job_
    cdef CsrScratch *scratch = &job.workers[worker].csr
    cdef Py_ssize_t d = job.rows.d, first = start, count, columns, i, row
    cdef double out[LANES]
    cdef Sum *total = job.totals + worker
    cdef Wide *rest = job.rests + worker
    cdef double term, left
    cdef int64_t size
    cdef int32_t label
    while first < stop:
        label = job.labels[job.order[first]]
        count = 1
        while (count < LANES and first + count < stop and job.labels[job.order[first + count]]
               == label):
            count += 1
        size = job.ends[label] - (job.ends[label - 1] if label > 0 else 0)
        if job.walks and size >= WALK_ROWS and scratch.walk.label != label:
            walk_from(&scratch.walk, job.centers + label * d, d, label)
        if job.walks and size >= WALK_ROWS and size * WALK_ROWS >= scratch.walk.m:
            for i in range(count):
                out[i] = walk_row(job.rows, job.order[first + i], &scratch.walk)
        else:
            columns = csr_pack(job.rows, job.order, first, count, scratch)
            csr_distances(scratch, job.centers + label * d, d, out)
            csr_unpack(scratch, columns)
        for i in range(count):
            row = job.order[first + i]
            if job.rows.directionless and job.rows.factor[row] == 0:
                out[i] = 2                    # orthogonal to every center
            term = out[i] if job.weights == NULL else job.weights[row] * out[i]
            left = add_term(total, &job.split, term)
            if left != 0:
                wide_add(rest, left)
            if job.sq_distances != NULL:
                job.sq_distances[row] = out[i]
        first += count
    return 0


cdef bint csr_show(const Transform *job, Worker *me, Py_ssize_t row, double *values,
                   int32_t *columns) noexcept nogil:
    """Distances of one row, if they need no walk along all features; False if they do.

    values, columns  OUT  room for those of the row
    """
    cdef const Rows *rows = job.rows
    cdef const double *x = <const double *>rows.data + rows.indptr[row]
    cdef const int32_t *places = me.csr.own
    cdef Py_ssize_t count = rows.indptr[row + 1] - rows.indptr[row], zeros = 0, j, used, e
    cdef double[8] norms
    cdef uint64_t unsure
    if sizeof(real) == 8 and job.thin != NULL:
        own_columns(rows, row, me.csr.own)
        for e in range(count):
            zeros += x[e] == 0
        if (count - zeros) * THIN > rows.d:
            return False
        if zeros:
            count = without_zeros(x, places, count, values, columns)
            x, places = values, columns
        show_thin(job, me, row, x, places, count, NULL)
        return True
    if sizeof(real) == 8 or job.shifted == NULL:
        return False
    own_columns(rows, row, me.csr.own)
    memset(norms, 0, sizeof(norms))
    for e in range(count):
        values[e] = csr_value(rows, rows.indptr[row] + e)
    for e in range(count):
        norms[e & 7] += values[e] * values[e]
    for e in range(1, 8):
        norms[0] += norms[e]
    me.overflow = me.overflow or not norms[0] < CKM_LARGEST
    for j from 0 <= j < job.centers.k by BLOCK:
        used = min(<Py_ssize_t>BLOCK, job.centers.k - j)
        job.filter.csr_roots(values, places, count, norms[0], rows.d, job.shifted, j, used,
                             <float *>job.out + row * job.centers.k + j,
                             &unsure)
        if unsure:
            work_out(job, row, fetch(rows, row, 1, me.block), j, unsure)
    return True


cdef int csr_transform(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                       int worker) noexcept nogil:
    """Distances of each row to all centers."""
    cdef Transform *job = <Transform *>job_
    cdef Worker *me = job.workers + worker
    cdef Py_ssize_t d = job.rows.d, k = job.centers.k, row, count = 0, columns, i, j
    cdef int64_t left[LANES]                  # rows that are walked along all features together
    cdef double out[LANES]
    for row in range(start, stop):
        if not csr_show(job, me, row, job.moved + worker * job.moved_size,
                        job.columns + worker * job.moved_size):
            left[count] = row
            count += 1
        if count == LANES or (row == stop - 1 and count):
            columns = csr_pack(job.rows, left, 0, count, &me.csr)
            for j in range(k):
                csr_distances(&me.csr, job.centers.rows + j * d, d, out)
                for i in range(count):
                    me.overflow = me.overflow or not out[i] < CKM_LARGEST
                    put_distance(job, left[i], j, out[i])
            csr_unpack(&me.csr, columns)
            count = 0
    return 0


# ---- k-means++ -----------------------------------------------------------------------------------

cdef double csr_apart(const Rows *rows, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """Squared distance of two rows: feature after feature, those left out where both are zero.

    No branch prediction could guess which row has the next column, so there is no branch: masks are
    all ones, or zero.
    """
    cdef const int32_t *columns = rows.indices
    cdef Py_ssize_t i = rows.indptr[a], j = rows.indptr[b], i_stop = rows.indptr[a + 1]
    cdef Py_ssize_t j_stop = rows.indptr[b + 1]
    cdef int64_t ahead, mine, its
    cdef double x, y, t, s = 0
    while i < i_stop and j < j_stop:
        ahead = <int64_t>columns[i] - columns[j]
        mine = (ahead - 1) >> 63
        its = (-ahead - 1) >> 63
        x = csr_value(rows, i)
        y = csr_value(rows, j)
        (<int64_t *>&x)[0] &= mine
        (<int64_t *>&y)[0] &= its
        t = x - y
        s += t * t
        i -= mine
        j -= its
    while i < i_stop:
        t = csr_value(rows, i)
        s += t * t
        i += 1
    while j < j_stop:
        t = csr_value(rows, j)
        s += t * t
        j += 1
    return s


cdef int csr_weigh(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                   int worker) noexcept nogil:
    """`weigh`."""
    cdef Seeding *job = <Seeding *>job_
    cdef const Centers *candidates = job.candidates
    cdef Worker *me = job.workers + worker
    cdef const Rows *rows = job.rows
    cdef Py_ssize_t m = candidates.m, row, j, count
    cdef double *gains = job.gains + worker * m * GAIN
    cdef float *scores = me.csr.scores
    cdef float norm, lowest, second, low, high
    cdef int32_t best
    cdef uint64_t *closer
    for row in range(start, stop):
        closer = job.closer + row // PANEL * m
        if row % PANEL == 0:
            for j in range(m):
                closer[j] = 0
        count = csr_row(rows, row, job.packing, me.csr.values, me.csr.own, job.packing.sq_norms,
                        &norm)
        job.filter.csr(me.csr.values, me.csr.own, count, rows.d, candidates, scores, &lowest,
                       &second, &best)
        limits_of(job, row, norm, norm, &low, &high)
        for j in range(m):
            if scores[j] > high:
                continue
            closer[j] |= <uint64_t>1 << row % PANEL
            gains[j * GAIN] += max(<double>low - 4.1 * candidates.gamma * candidates.sq_norms[j]
                                   - scores[j], 0.0)
            gains[j * GAIN + GAIN_LANES] += <double>high - scores[j]
    return 0


cdef int csr_seed(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                  int worker) noexcept nogil:
    """`seed`, whose candidates are rows."""
    cdef Seeding *job = <Seeding *>job_
    cdef Py_ssize_t m = job.candidates.m, first, row, j
    cdef uint64_t todo
    cdef double w = 1, out, nearest
    cdef Sum *total
    for first from start <= first < stop by PANEL:
        for j in range(m):
            todo = rows_for(job, j, first, stop)
            while todo:
                row = first + CKM_CTZ64(todo)
                todo &= todo - 1
                out = csr_apart(job.rows, row, job.drawn[j])
                nearest = job.sq_nearest[row]
                if out < nearest:
                    if job.weights != NULL:
                        w = job.weights[row]
                    total = job.totals + worker * m + j
                    if job.keep:
                        total = job.bucket_totals + worker * job.buckets + job.bucket[row]
                        job.sq_nearest[row] = out
                    if nearest < 1e999:           # infinite before the first center is taken
                        add_term(total, &job.split, -(w * nearest))
                    add_term(total, &job.split, w * out)
    return 0


cdef int csr_unit_factors(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                          int worker) noexcept nogil:
    """`unit_factors`, and the values of unit rows: 8 bytes each, so that no other kernel need know
    of factors.
    """
    cdef Units *job = <Units *>job_
    cdef const Rows *rows = job.rows
    cdef Py_ssize_t row, e
    for row in range(start, stop):
        job.factor[row] = unit_factor(<const real *>rows.data + rows.indptr[row],
                                      rows.indices + rows.indptr[row],
                                      rows.indptr[row + 1] - rows.indptr[row])
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            job.values[e] = csr_value(rows, e) * job.factor[row]
    return 0
