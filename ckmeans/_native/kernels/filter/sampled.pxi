# Candidates of k-means++ against a sample of rows: see data/sampled_seeding.pxi. Included by
# kernels/filter/filter.pxi.
#
# Everything is in whole numbers but one product, which is rounded in the same way everywhere: so
# results are the same for all instruction sets.


cdef void filter_sample_ratios(const int32_t *x, const int32_t *x_sq_norms, Py_ssize_t words,
                               const int32_t *rows, const int32_t *sq_norms, const float *inverse,
                               const int16_t *left, Py_ssize_t count, Py_ssize_t stride,
                               int16_t *ratios, uint64_t *closer, int32_t *gains) noexcept nogil:
    """Squared distances of `count` rows of the sample to 64 candidates, each times the `inverse` of
    the row, but at most what is `left` of it.

    x           IN     (words, PANEL) candidates
    x_sq_norms  IN     (PANEL,)
    rows        IN     (count, words)
    sq_norms    IN     (count,)
    inverse     IN     (count,)
    left        IN     (count,) the same of the nearest center
    ratios      OUT    (count, stride) the first PANEL of each row
    closer      OUT    (count,) bit b: ratio b is below what is left
    gains       INOUT  (PANEL,) how much lower they are than that, added up over the rows
    """
    cdef int32_t products[TILE_C * PANEL]
    cdef int32_t of_row[PANEL]
    cdef Py_ssize_t s, lane, b
    cdef int i, together
    cdef int32_t sq_norm, most
    cdef float ratio, limit, times
    cdef int16_t *out
    for s from 0 <= s < count by TILE_C:
        together = <int>min(<Py_ssize_t>TILE_C, count - s)
        for lane from 0 <= lane < PANEL by TILE_V * VL:
            products_of[together](x + lane, words, rows + s * words, products + lane)
        for i in range(together):
            sq_norm, most, times = sq_norms[s + i], left[s + i], inverse[s + i]
            limit = <float>most
            out = ratios + (s + i) * stride
            for b in range(PANEL):
                ratio = <float>(sq_norm + x_sq_norms[b] - 2 * products[i * PANEL + b]) * times
                of_row[b] = <int32_t>(ratio if ratio < limit else limit)
            for b in range(PANEL):
                out[b] = <int16_t>of_row[b]
                gains[b] += most - of_row[b]
            closer[s + i] = 0
            for b from 0 <= b < PANEL by VL:
                closer[s + i] |= VI_BITS_NE(VI_LOAD(of_row + b), VI_SPLAT(most)) << b


cdef void filter_take_candidate(int16_t *left, const int16_t *ratios, const uint64_t *closer,
                                Py_ssize_t count, Py_ssize_t stride, Py_ssize_t taken,
                                int32_t *gains) noexcept nogil:
    """Let a candidate be a center for the rows of the sample, and lower what others would gain.

    left    INOUT  (count,)
    ratios  IN     (count, stride)
    closer  IN     (stride / PANEL, count) bits of `filter_sample_ratios`
    gains   INOUT  (stride,)
    """
    cdef Py_ssize_t s, p
    cdef int16_t before, after, ratio
    cdef const int16_t *row
    closer += taken // PANEL * count
    for s in range(count):
        if not closer[s] >> taken % PANEL & 1:
            continue
        row = ratios + s * stride
        before, after = left[s], row[taken]
        if after >= before:
            continue
        left[s] = after
        for p in range(stride):
            ratio = row[p] if row[p] > after else after
            ratio = ratio if ratio < before else before
            gains[p] -= before - ratio
