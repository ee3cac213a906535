# Scores of single rows for all centers at their prices; for rules/pricing.pxi. Included by
# kernels/filter/filter.pxi.
#
# A price is added to the norm of its center, so that the lowest score is that of the cheapest
# center. Rows are compared one by one, centers side by side: their scores are wanted for each row.

cdef void filter_priced(const float *const *x, Py_ssize_t d, const float *lanes, const float *norms,
                        Py_ssize_t padded, float *scores, float *lowest, float *second,
                        int32_t *winner) noexcept nogil:
    """Scores of PRICED_ROWS rows for all centers.

    x        IN   (PRICED_ROWS,) packed rows (d,)
    lanes    IN   (padded / GAIN_LANES, d, GAIN_LANES) centers, as in Centers
    norms    IN   (padded,) with prices; 3e38 in lanes without a center
    padded   a multiple of GAIN_LANES
    scores   OUT  (PRICED_ROWS, padded)
    lowest, second  OUT  (PRICED_ROWS,) the lowest and the second lowest score
    winner   OUT  (PRICED_ROWS,) the center with the lowest one
    """
    cdef vf low[PRICED_ROWS]
    cdef vf more[PRICED_ROWS]
    cdef vi best[PRICED_ROWS]
    cdef vf total[PRICED_ROWS]
    cdef vf acc[PRICED_ROWS]
    cdef vf cv
    cdef float lows[VL]
    cdef float mores[VL]
    cdef int32_t bests[VL]
    cdef const float *c
    cdef Py_ssize_t block, lane, f, stop
    cdef int r, v
    for r in range(PRICED_ROWS):
        low[r] = VF_SPLAT(3e38)
        more[r] = VF_SPLAT(3e38)
        best[r] = VI_SPLAT(0)
    for block from 0 <= block < padded by GAIN_LANES:
        for lane from 0 <= lane < GAIN_LANES by VL:
            c = lanes + block * d + lane
            for r in range(PRICED_ROWS):
                total[r] = VF_LOAD(norms + block + lane)
            f = 0
            while f < d:
                stop = min(f + FLUSH, d)
                for r in range(PRICED_ROWS):
                    acc[r] = VF_SPLAT(0)
                while f < stop:
                    cv = VF_LOAD(c + f * GAIN_LANES)
                    for r in range(PRICED_ROWS):
                        acc[r] = acc[r] + VF_SPLAT(x[r][f]) * cv
                    f += 1
                for r in range(PRICED_ROWS):
                    total[r] = total[r] + acc[r]
            for r in range(PRICED_ROWS):
                VF_STORE(scores + r * padded + block + lane, total[r])
                more[r] = VF_MIN(more[r], VF_MAX(low[r], total[r]))
                best[r] = VI_PICK_LT(total[r], low[r], VI_SPLAT(block + lane), best[r])
                low[r] = VF_MIN(low[r], total[r])
    for r in range(PRICED_ROWS):
        VF_STORE(lows, low[r])
        VF_STORE(mores, more[r])
        VI_STORE(bests, best[r])
        lowest[r] = lows[0]
        second[r] = mores[0]
        winner[r] = bests[0]
        for v in range(1, VL):
            if lows[v] < lowest[r]:
                second[r] = min(lowest[r], mores[v])
                lowest[r] = lows[v]
                winner[r] = bests[v] + v
            else:
                second[r] = min(second[r], lows[v])


cdef void note_savings(const float *scores, float own, Py_ssize_t padded,
                       float *saving) noexcept nogil:
    """Lower the smallest differences of scores to that of the own center.

    scores  IN     (padded,) of one row
    saving  INOUT  (padded,)
    """
    cdef vf value = VF_SPLAT(own)
    cdef Py_ssize_t j
    for j from 0 <= j < padded by VL:
        VF_STORE(saving + j, VF_MIN(VF_LOAD(saving + j), VF_LOAD(scores + j) - value))
