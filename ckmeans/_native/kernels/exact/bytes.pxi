# Assignment of rows in bytes. Included by kernels/exact/exact.pxi; the filter and its bounds are in
# kernels/filter/bytes.pxi.

cdef enum:
    BYTE_SPAN = 131072   # bytes of centers that several panels are compared with in turn


cdef inline double score_of(double sq_distance, double sq_norm,
                            const Packed *packing) noexcept nogil:
    """An upper bound of the score of a center at this squared distance."""
    # (Rounded up in float32, the norm is up to 1.3e-6 of it too large.)
    return (sq_distance * packing.scale * packing.scale * (1 + 1e-9)
            - sq_norm * (1 - 1.5e-6))


cdef inline float least_score(double sq_distance, double sq_norm, double step,
                              const Packed *packing) noexcept nogil:
    """A lower bound of the score of a center at this squared distance, in steps of the row."""
    cdef double score = (sq_distance * packing.scale * packing.scale * (1 - 1e-9)
                         - sq_norm * (1 + 1e-9)) / step
    return <float>(score - 3e-7 * (score if score > 0 else -score))


cdef inline void ask_for(const double *center, Py_ssize_t d) noexcept nogil:
    """Prefetch a center: centers are read in no order that the hardware could predict."""
    cdef Py_ssize_t f
    for f from 0 <= f < d by 8:
        CKM_PREFETCH(center + f)


cdef void leave_out(const Bytes *packing, Py_ssize_t d, float *panel,
                    float *sq_norms) noexcept nogil:
    """Set features of a packed panel (d, PANEL) to 0, and find the norms (PANEL,) that are left."""
    cdef double norms[PANEL]
    cdef Py_ssize_t f, i
    for f in range(packing.n_muted):
        memset(panel + packing.muted[f] * PANEL, 0, PANEL * sizeof(float))
    memset(norms, 0, sizeof(norms))
    for f in range(d):
        for i in range(PANEL):
            norms[i] += <double>panel[f * PANEL + i] * panel[f * PANEL + i]
    for i in range(PANEL):
        sq_norms[i] = <float>(norms[i] * (1 + 6e-7))        # as in `pack_panel`


cdef void pack_bytes(const Rows *rows, const Packed *floats, const Bytes *packing,
                     const FilterTable *filter, Worker *me, Py_ssize_t first, Py_ssize_t place,
                     Py_ssize_t count) noexcept nogil:
    """Put up to 64 rows in bytes, from this place on."""
    cdef Py_ssize_t at = place // PANEL
    pack_panel(fetch(rows, first, count, me.block), count, rows.d, me, floats, me.panel,
               packing.sq_norms + place)
    if packing.n_muted or floats.clamped:
        leave_out(packing, rows.d, me.panel, packing.sq_norms + place)
    filter.pack_bytes(me.panel, rows.d, packing,
                      packing.words + place * packing.parts * packing.depth,
                      packing.steps + place, packing.rough + at, packing.reach + at)


cdef inline float limit_of(const Assign *job, const BytePanel *panel, Py_ssize_t row,
                           double sq_distance, double sq_norm) noexcept nogil:
    """The limit that this squared distance to some center gives."""
    return byte_limit(job.byte_centers, panel.guard[row],
                      score_of(sq_distance, sq_norm, job.packing) / panel.step[row])


cdef inline bint keeps_distance(const Assign *job, Py_ssize_t row, int32_t own) noexcept nogil:
    """Whether the distance to a row's center is known from the last pass."""
    return job.sq_own != NULL and job.still[own] and job.sq_own[row] >= 0


cdef void begin_bytes(const Assign *job, Worker *me, Py_ssize_t first, Py_ssize_t place,
                      Py_ssize_t count, BytePanel *panel, int worker) noexcept nogil:
    """Prepare up to 64 rows: put them in bytes if they are not yet, and find their limits."""
    cdef const Bytes *packing = job.bytes
    cdef const ByteCenters *centers = job.byte_centers
    cdef Py_ssize_t d = job.rows.d, at = place // PANEL, i
    cdef const real *x
    cdef const float *norms = packing.sq_norms + place
    if packing.filling:
        pack_bytes(job.rows, job.packing, packing, job.filter, me, first, place, count)
    panel.words = packing.words + place * packing.parts * packing.depth
    panel.rough = packing.rough[at]
    panel.reach = packing.reach[at]
    if job.heads != NULL:
        if job.heads.bytes.filling:
            make_heads(job.rows, job.packing, job.filter, job.heads, packing, me, first, count,
                       worker)
        panel.head_words = (job.heads.bytes.words
                            + first * job.heads.bytes.parts * job.heads.bytes.depth)
        panel.head_rough = job.heads.bytes.rough[at]
        panel.head_reach = job.heads.bytes.reach[at]
        memcpy(panel.head_step, job.heads.bytes.steps + first, sizeof(panel.head_step))
    panel.full = False
    panel.count = 0
    panel.here = all_rows(count)
    panel.whole = panel.here
    panel.seeking = False
    for i in range(PANEL):
        panel.own[i] = job.labels[first + i] if i < count else -1
        panel.step[i] = packing.steps[place + i]
        panel.inverse[i] = 1 / panel.step[i]
        panel.guard[i] = byte_guard(centers, norms[i], panel.step[i])
        panel.limit[i] = <float>3e38
        panel.others[i] = <float>3e38
        panel.sq_own[i] = 1e999
        if i < count and panel.own[i] < 0:
            panel.seeking = True
    if panel.seeking:
        for i in range(PANEL):
            panel.own[i] = -1
        panel.full = centers.loose > 0       # there is no limit: another filter is to decide
        return
    for i in range(count):
        if i + 1 < count and not keeps_distance(job, first + i + 1, panel.own[i + 1]):
            ask_for(job.centers.rows + panel.own[i + 1] * d, d)
        if keeps_distance(job, first + i, panel.own[i]):
            panel.sq_own[i] = job.sq_own[first + i]
        else:
            x = fetch(job.rows, first + i, 1, me.block)
            panel.sq_own[i] = sq_distance(x, job.centers.rows + panel.own[i] * d, d)
            me.counters.exact += 1
        panel.limit[i] = limit_of(job, panel, i, panel.sq_own[i], norms[i])


cdef void choose_bytes(const Assign *job, Worker *me, Py_ssize_t first, Py_ssize_t place,
                       BytePanel *panel, int32_t *best) noexcept nogil:
    """The labels of the rows for which the filter has left centers.

    best  INOUT  (PANEL,) labels so far
    """
    cdef const Centers *centers = job.centers
    cdef const int32_t *ids = job.byte_centers.ids
    cdef const float *norms = job.bytes.sq_norms + place
    cdef Centers listed = centers[0]
    cdef Py_ssize_t d = job.rows.d, i, b
    cdef Py_ssize_t start[PANEL + 1]
    cdef Py_ssize_t left[PANEL]
    cdef Py_ssize_t end[PANEL]
    cdef int32_t order[BYTE_ROOM]
    cdef const real *group[GROUP]
    cdef const real *x
    cdef double least, second, sq
    cdef float others
    cdef int32_t label, id_, at
    memset(start, 0, sizeof(start))
    for i in range(panel.count):
        start[panel.row[i] + 1] += 1
    for b in range(PANEL):
        start[b + 1] += start[b]
        end[b] = start[b]
    for i in range(panel.count):              # row by row, and of each in ascending order
        order[end[panel.row[i]]] = <int32_t>i
        end[panel.row[i]] += 1
    for b in range(PANEL):
        left[b] = 0
        for i in range(start[b], start[b + 1]):
            # (a NaN proves nothing)
            at = order[i]
            if panel.score[at] > panel.limit[b]:
                panel.others[b] = min(panel.others[b], panel.score[at])
                continue
            order[start[b] + left[b]] = at
            if panel.score[at] < panel.score[order[start[b]]]:
                order[start[b] + left[b]] = order[start[b]]
                order[start[b]] = at
            left[b] += 1
        if left[b] == 1 and panel.own[b] < 0:          # the only one
            best[b] = ids[panel.place[order[start[b]]]]
            left[b] = 0
        if panel.own[b] < 0:
            panel.sq_own[b] = -1 if left[b] == 0 else <double>1e999
        for i in range(start[b], start[b] + left[b]):
            ask_for(centers.rows + ids[panel.place[order[i]]] * d, d)
    for b in range(PANEL):
        if left[b] == 0:
            continue
        least = panel.sq_own[b]
        label = panel.own[b]
        second = 1e999
        others = panel.others[b]
        listed.m = 0
        x = fetch(job.rows, first + b, 1, me.block)
        # The lowest score comes first: that center's distance may rule out the others.
        for i in range(start[b], start[b] + left[b]):
            if panel.score[order[i]] > panel.limit[b]:
                others = min(others, panel.score[order[i]])
                continue
            id_ = ids[panel.place[order[i]]]
            insert_id(me.sieve.ids, &listed.m, id_)
            sq = sq_distance(x, centers.rows + id_ * d, d)
            me.counters.exact += 1
            if sq < least:
                second = least
                least = sq
                label = id_
                panel.limit[b] = min(panel.limit[b], limit_of(job, panel, b, sq, norms[b]))
            elif sq < second:
                second = sq
        me.counters.decided += 1
        if second < 1e999:
            others = min(others, least_score(second, norms[b], panel.step[b], job.packing))
        panel.others[b] = others
        panel.sq_own[b] = least
        if second < 1e999 and not apart(least, second, d):
            panel.sq_own[b] = -1
            panel.others[b] = <float>-3e38    # which of them is the other one is not told
            if panel.own[b] >= 0:
                insert_id(me.sieve.ids, &listed.m, panel.own[b])
            listed.ids = me.sieve.ids
            listed.blocks = NULL
            group[0] = x
            decide(group, 1, &listed, d, &label)
            me.counters.exact += listed.m
        best[b] = label


cdef inline void insert_id(int32_t *ids, Py_ssize_t *count, int32_t id_) noexcept nogil:
    """Sort into ascending order."""
    cdef Py_ssize_t at = count[0]
    while at > 0 and ids[at - 1] > id_:
        ids[at] = ids[at - 1]
        at -= 1
    ids[at] = id_
    count[0] += 1


cdef inline Py_ssize_t place_in_bytes(const Bytes *packing, int worker, Py_ssize_t p,
                                      Py_ssize_t first) noexcept nogil:
    """Where the rows of a thread's p-th panel, from `first` on, are kept."""
    return (worker * BYTE_PANELS + p) * PANEL if packing.passing else first


cdef struct Strays:      # rows of some panels, put together in one
    Py_ssize_t count
    int32_t panel[PANEL] # where each is from
    int32_t row[PANEL]


cdef void compare_bytes(const Assign *job, Worker *me, Py_ssize_t first, Py_ssize_t stop,
                        BytePanel *panel) noexcept nogil:
    """Compare rows with groups [first, stop) of centers, by heads first if there are any. (Heads
    would leave all centers to rows that have no limit yet.)
    """
    if job.heads == NULL or panel.seeking:
        job.filter.bytes(job.byte_centers, job.bytes, first, stop, panel, me.products)
    else:
        me.counters.closer += job.filter.heads(job.byte_centers, job.bytes, job.heads, first, stop,
                                               panel, me.products, me.row_words)


cdef void compare_rest(const Assign *job, Worker *me, Py_ssize_t base, Py_ssize_t panels,
                       Py_ssize_t first, Py_ssize_t groups) noexcept nogil:
    """Compare rows from `base` on with groups [first, groups) of centers, which have not moved,
    unless it is proved that these are farther than their limits.
    """
    cdef BytePanel *panel
    cdef Strays strays
    cdef uint64_t bits
    cdef Py_ssize_t p, i, many
    strays.count = 0
    for p in range(panels):
        panel = me.byte_panels + p
        panel.whole = 0
        if panel.full:
            continue
        many = 0
        for i in range(PANEL):
            if panel.here >> i & 1 and not panel.limit[i] < job.others[base + p * PANEL + i]:
                panel.whole |= <uint64_t>1 << i
                many += 1
        if many > PANEL // 2:
            panel.whole = panel.here
            compare_bytes(job, me, first, groups, panel)
            continue
        bits = panel.whole
        while bits:
            strays.panel[strays.count] = <int32_t>p
            strays.row[strays.count] = <int32_t>CKM_CTZ64(bits)
            bits &= bits - 1
            strays.count += 1
            if strays.count == PANEL:
                compare_strays(job, me, &strays, first, groups)
    if strays.count:
        compare_strays(job, me, &strays, first, groups)


cdef inline void move_row(const int32_t *panel, Py_ssize_t size, Py_ssize_t row, int32_t *to,
                          Py_ssize_t place) noexcept nogil:
    """Copy a row of a panel in bytes to a place in another one."""
    cdef const int32_t *from_ = panel + row // BYTE_LANES * size * BYTE_LANES + row % BYTE_LANES
    cdef Py_ssize_t w
    to += place // BYTE_LANES * size * BYTE_LANES + place % BYTE_LANES
    for w in range(size):
        to[w * BYTE_LANES] = from_[w * BYTE_LANES]


cdef void compare_strays(const Assign *job, Worker *me, Strays *strays, Py_ssize_t first,
                         Py_ssize_t groups) noexcept nogil:
    """The same for rows that are put together in a panel of their own."""
    cdef BytePanel *together = me.byte_panels + BYTE_PANELS
    cdef BytePanel *panel
    cdef Py_ssize_t size = job.bytes.parts * job.bytes.depth, i, r
    cdef Py_ssize_t head_size = job.heads.bytes.parts * job.heads.bytes.depth if job.heads else 0
    together.words, together.head_words = me.stray_words, me.stray_heads
    together.rough = together.reach = together.head_rough = together.head_reach = 0
    together.count = 0
    together.seeking = together.full = False
    together.here = all_rows(strays.count)
    for i in range(PANEL):
        together.limit[i] = <float>-3e38
    for i in range(strays.count):
        panel = me.byte_panels + strays.panel[i]
        r = strays.row[i]
        move_row(panel.words, size, r, me.stray_words, i)
        if job.heads != NULL:
            move_row(panel.head_words, head_size, r, me.stray_heads, i)
            together.head_rough = max(together.head_rough, panel.head_rough)
            together.head_reach = max(together.head_reach, panel.head_reach)
            together.head_step[i] = panel.head_step[r]
        together.rough = max(together.rough, panel.rough)
        together.reach = max(together.reach, panel.reach)
        together.own[i] = panel.own[r]
        together.step[i] = panel.step[r]
        together.inverse[i] = panel.inverse[r]
        together.guard[i] = panel.guard[r]
        together.limit[i] = panel.limit[r]
        together.others[i] = panel.others[r]
    compare_bytes(job, me, first, groups, together)
    for i in range(strays.count):
        panel = me.byte_panels + strays.panel[i]
        panel.limit[strays.row[i]] = together.limit[i]
        panel.others[strays.row[i]] = together.others[i]
        panel.full = panel.full or together.full
    for i in range(together.count):
        r = together.row[i]
        panel = me.byte_panels + strays.panel[r]
        if panel.count == BYTE_ROOM:
            panel.full = True
            continue
        panel.place[panel.count] = together.place[i]
        panel.row[panel.count] = strays.row[r]
        panel.score[panel.count] = together.score[i]
        panel.count += 1
    strays.count = 0


cdef int assign_bytes(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk,
                      int worker) noexcept nogil:
    """Labels of rows [start, stop), by the filter in bytes."""
    cdef Assign *job = <Assign *>job_
    cdef Worker *me = job.workers + worker
    cdef const Centers *centers = job.centers
    cdef const ByteCenters *in_bytes = job.byte_centers
    cdef Py_ssize_t groups = (in_bytes.m + BYTE_GROUP - 1) // BYTE_GROUP, base, first, count, g, i
    cdef Py_ssize_t moved = (in_bytes.moved + BYTE_GROUP - 1) // BYTE_GROUP
    cdef const Bytes *packing = job.bytes if job.heads == NULL else &job.heads.bytes
    cdef Py_ssize_t span = max(<Py_ssize_t>1, BYTE_SPAN // (4 * BYTE_GROUP * packing.parts
                                                            * packing.depth))
    # If the centers do not fit into the fastest caches, more rows are compared at each reading of
    # them.
    cdef Py_ssize_t panels = min(<Py_ssize_t>BYTE_PANELS, 1 + groups // span), p
    cdef BytePanel *panel
    cdef int32_t old[PANEL]
    cdef int32_t best[PANEL]
    cdef uint64_t changed, unsure, whole
    if moved < groups:           # rows of many panels are put together
        panels = BYTE_PANELS
    for base from start <= base < stop by panels * PANEL:
        for p in range(panels):
            first = base + p * PANEL
            if first < stop:
                count = min(<Py_ssize_t>PANEL, stop - first)
                if job.survey != NULL:
                    survey(job.survey, first, first + count, chunk, worker)
                begin_bytes(job, me, first, place_in_bytes(job.bytes, worker, p, first), count,
                            me.byte_panels + p, worker)
        for g from 0 <= g < moved by span:
            for p in range(panels):
                if base + p * PANEL < stop:
                    compare_bytes(job, me, g, min(g + span, moved), me.byte_panels + p)
        if moved < groups:
            compare_rest(job, me, base, min(panels, (stop - base + PANEL - 1) // PANEL), moved,
                         groups)
        for p in range(panels):
            first = base + p * PANEL
            if first >= stop:
                break
            panel = me.byte_panels + p
            count = min(<Py_ssize_t>PANEL, stop - first)
            labels_at(job, first, count, old)
            memcpy(best, old, sizeof(best))
            me.counters.filtered += count * in_bytes.moved
            whole = panel.whole & all_rows(count) if moved < groups else 0
            while whole:
                whole &= whole - 1
                me.counters.filtered += in_bytes.m - in_bytes.moved
            unsure = 0
            if panel.full:
                for i in range(PANEL):
                    panel.others[i] = <float>-3e38
                    panel.sq_own[i] = -1
                # Another filter may discard more.
                pack_panel(fetch(job.rows, first, count, me.block), count, job.rows.d, me,
                           job.packing, me.panel, me.panel_norms)
                job.filter.panel(me.panel, me.panel_norms, job.rows.d, centers, old, best,
                                 &unsure, &changed)
                me.counters.filtered += count * centers.m
                me.counters.again += count * centers.m
                unsure &= all_rows(count)
            else:
                choose_bytes(job, me, first, place_in_bytes(job.bytes, worker, p, first), panel,
                             best)
            changed = 0
            for i in range(count):
                changed |= <uint64_t>(best[i] != old[i]) << i
            if job.others != NULL:
                for i in range(count):
                    job.others[first + i] = (panel.others[i] if panel.whole >> i & 1
                                             else min(panel.others[i], job.others[first + i]))
                    job.sq_own[first + i] = panel.sq_own[i]
            if job.rows.directionless:
                without_direction(job.rows, NULL, first, count, old, best, &unsure, &changed)
            if unsure | changed:
                settle(job, me, centers, first, count, old, best, unsure, changed)
    return 0
