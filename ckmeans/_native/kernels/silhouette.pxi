# The silhouette kernel: for each of some rows its distances to all others, added up cluster by
# cluster. Nothing of size n x n exists.
#
# Included by one module per instruction set, compiled without fused multiply-adds. Distances are
# those of kernels/exact/exact.pxi (float64, feature after feature) and their sums are exact in the
# sense of data/sums.pxi, so the bits do not depend on the order of the rows, threads or vector
# width.
#
# `pair_sums` computes the distance of each pair once and adds it to the sums of both rows, for
# which it needs k x n sums; `silhouettes` computes it twice and needs none. Both give the same
# bits.

from libc.stdint cimport int32_t, int64_t

cdef extern from "kernels/roots.h" nogil:
    ctypedef double vd
    enum: VDL
    vd VD_LOAD(const double *)
    void VD_STORE(double *, vd)
    vd VD_SPLAT(double)
    vd VD_SQRT(vd)

cdef enum:
    TILE_I = 2           # vectors of rows whose silhouettes are wanted ...
    TILE_J = 4           # ... against this many of the others at a time
    LANES = TILE_I * VDL
    PANELS = 8           # panels of LANES rows that `pair_sums` takes together

WIDTH = LANES            # rows taken together: room that `panel` needs, times d
GROUP = PANELS * LANES   # rows that `pair_sums` takes together


cdef inline void tile(const double *panel, const double **other, Py_ssize_t d,
                      vd (*acc)[TILE_I]) noexcept nogil:
    """Distances of LANES rows to TILE_J others.

    panel  IN   (d, LANES)
    other  IN   (TILE_J,) rows of d values
    acc    OUT  (TILE_J, TILE_I)
    """
    cdef const double *y0 = other[0]
    cdef const double *y1 = other[1]
    cdef const double *y2 = other[2]
    cdef const double *y3 = other[3]
    cdef vd s00 = VD_SPLAT(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00
    cdef vd s31 = s00, x0, x1, y, t
    cdef Py_ssize_t f
    for f in range(d):
        x0 = VD_LOAD(panel + f * LANES)
        x1 = VD_LOAD(panel + f * LANES + VDL)
        y = VD_SPLAT(y0[f])
        t = x0 - y
        s00 = s00 + t * t
        t = x1 - y
        s01 = s01 + t * t
        y = VD_SPLAT(y1[f])
        t = x0 - y
        s10 = s10 + t * t
        t = x1 - y
        s11 = s11 + t * t
        y = VD_SPLAT(y2[f])
        t = x0 - y
        s20 = s20 + t * t
        t = x1 - y
        s21 = s21 + t * t
        y = VD_SPLAT(y3[f])
        t = x0 - y
        s30 = s30 + t * t
        t = x1 - y
        s31 = s31 + t * t
    acc[0][0] = VD_SQRT(s00)
    acc[0][1] = VD_SQRT(s01)
    acc[1][0] = VD_SQRT(s10)
    acc[1][1] = VD_SQRT(s11)
    acc[2][0] = VD_SQRT(s20)
    acc[2][1] = VD_SQRT(s21)
    acc[3][0] = VD_SQRT(s30)
    acc[3][1] = VD_SQRT(s31)


cdef void cluster_sums(const double *panel, const double *rows, Py_ssize_t start, Py_ssize_t stop,
                       Py_ssize_t d, double big,
                       double small, double *sums) noexcept nogil:
    """Sums over the rows [start, stop) of their distances to LANES rows, rounded once.

    panel  IN   (d, LANES)
    rows   IN   (n, d)
    sums   OUT  (LANES,)
    """
    cdef vd acc[TILE_J][TILE_I]
    cdef vd high[TILE_I]
    cdef vd low[TILE_I]
    cdef vd part, first = VD_SPLAT(big), second = VD_SPLAT(small)
    cdef const double *other[TILE_J]
    cdef Py_ssize_t j
    cdef int i, v, count
    for v in range(TILE_I):
        high[v] = VD_SPLAT(0)
        low[v] = VD_SPLAT(0)
    for j from start <= j < stop by TILE_J:
        count = <int>min(<Py_ssize_t>TILE_J, stop - j)
        for i in range(TILE_J):
            other[i] = rows + (j + (i if i < count else 0)) * d
        tile(panel, other, d, acc)
        for i in range(count):
            for v in range(TILE_I):
                part = (acc[i][v] + first) - first
                high[v] = high[v] + part
                part = acc[i][v] - part
                low[v] = low[v] + ((part + second) - second)
    for v in range(TILE_I):
        VD_STORE(sums + v * VDL, high[v] + low[v])


cdef inline void both_sides(const double *panels, Py_ssize_t n_panels, const double *mask,
                            const double **other, int count,
                            Py_ssize_t d, double big, double small, double *row_parts,
                            double *col_high,
                            double *col_low) noexcept nogil:
    """Add the distances of some rows and up to TILE_J others to the sums of both.

    panels     IN     (n_panels, d, LANES)
    mask       IN     (n_panels, LANES) 1 for a row, 0 for a lane without one
    other      IN     (TILE_J,) of which `count` are looked at
    row_parts  INOUT  (n_panels, 2, LANES)
    col_high, col_low  INOUT  (count,), or NULL: the others' sums are not wanted
    """
    cdef vd acc[TILE_J][TILE_I]
    cdef vd high[TILE_J]
    cdef vd low[TILE_J]
    cdef vd row_high, row_low, there, t, part, first = VD_SPLAT(big), second = VD_SPLAT(small)
    cdef double lanes[VDL]
    cdef double *parts
    cdef Py_ssize_t p
    cdef int i, v
    for i in range(TILE_J):
        high[i] = VD_SPLAT(0)
        low[i] = VD_SPLAT(0)
    for p in range(n_panels):
        tile(panels + p * d * LANES, other, d, acc)
        parts = row_parts + p * 2 * LANES
        for v in range(TILE_I):
            there = VD_LOAD(mask + p * LANES + v * VDL)
            row_high = VD_LOAD(parts + v * VDL)
            row_low = VD_LOAD(parts + LANES + v * VDL)
            for i in range(count):
                t = acc[i][v] * there
                part = (t + first) - first
                t = ((t - part) + second) - second
                row_high = row_high + part
                row_low = row_low + t
                high[i] = high[i] + part
                low[i] = low[i] + t
            VD_STORE(parts + v * VDL, row_high)
            VD_STORE(parts + LANES + v * VDL, row_low)
    if col_high != NULL:
        for i in range(count):
            VD_STORE(lanes, high[i])
            for v in range(VDL):
                col_high[i] += lanes[v]
            VD_STORE(lanes, low[i])
            for v in range(VDL):
                col_low[i] += lanes[v]


cdef void span(const double *panels, Py_ssize_t n_panels, const double *mask, const double *rows,
               Py_ssize_t start, Py_ssize_t stop,
               Py_ssize_t d, double big, double small, double *row_parts, double *col_high,
               double *col_low) noexcept nogil:
    """`both_sides` for the rows [start, stop)."""
    cdef const double *other[TILE_J]
    cdef double *to_high
    cdef double *to_low
    cdef Py_ssize_t j
    cdef int i, count
    for j from start <= j < stop by TILE_J:
        count = <int>min(<Py_ssize_t>TILE_J, stop - j)
        for i in range(TILE_J):
            other[i] = rows + (j + (i if i < count else 0)) * d
        to_high = NULL if col_high == NULL else col_high + j
        to_low = NULL if col_low == NULL else col_low + j
        if count == TILE_J:          # a constant, so that this one has no inner branches
            both_sides(panels, n_panels, mask, other, TILE_J, d, big, small, row_parts, to_high,
                       to_low)
        else:
            both_sides(panels, n_panels, mask, other, count, d, big, small, row_parts, to_high,
                       to_low)


cdef int check_rows(const double[:, ::1] rows, const int64_t[::1] bounds, Py_ssize_t start,
                    Py_ssize_t stop, const double[:, ::1] panel,
                    Py_ssize_t width) except -1:
    """Raise unless `bounds` cut the rows into clusters, [start, stop) are among them, and there is
    room for `width` of them.
    """
    cdef Py_ssize_t k = bounds.shape[0] - 1, j
    cdef bint fits = (k >= 1 and rows.shape[1] >= 1 and bounds[0] == 0
                      and bounds[k] == rows.shape[0] and 0 <= start < stop <= rows.shape[0]
                      and panel.shape[0] == rows.shape[1] and panel.shape[1] >= width)
    for j in range(k if fits else 0):
        fits = fits and bounds[j] <= bounds[j + 1]
    if not fits:
        raise ValueError("rows, bounds and room do not go together.")
    return 0


def pair_sums(const double[:, ::1] rows, const int64_t[::1] bounds, Py_ssize_t cluster,
              Py_ssize_t start, Py_ssize_t stop, double big,
              double small, double[:, ::1] panels, double[:, :, ::1] sums):
    """Add the distances of the rows [start, stop), all of one cluster, to all rows from `start` on
    to the sums of both.

    rows, bounds, big, small   as in `silhouettes`; at most GROUP rows
    panels           (d, GROUP) scratch
    sums      INOUT  (2, k, n) the parts of the sums of each row's distances to each cluster
    """
    cdef Py_ssize_t d = rows.shape[1], k = bounds.shape[0] - 1
    cdef Py_ssize_t n_panels = (stop - start + LANES - 1) // LANES, p, lane, i, f, j, first
    cdef double row_parts[PANELS * 2 * LANES]
    cdef double mask[PANELS * LANES]
    cdef double *panel
    check_rows(rows, bounds, start, stop, panels, GROUP)
    if (not 0 <= cluster < k or start < bounds[cluster] or stop > bounds[cluster + 1]
        or stop - start > GROUP
            or sums.shape[0] != 2 or sums.shape[1] != k or sums.shape[2] != rows.shape[0]):
        raise ValueError("these are no rows of one cluster, or there is no room for their sums.")
    panel = &panels[0, 0]
    with nogil:
        for p in range(n_panels):
            for lane in range(LANES):
                i = start + p * LANES + lane
                mask[p * LANES + lane] = i < stop
                i = min(i, stop - 1)
                for f in range(d):
                    panel[(p * d + f) * LANES + lane] = rows[i, f]
        for j in range(cluster, k):
            for i in range(n_panels * 2 * LANES):
                row_parts[i] = 0
            first = bounds[j]
            if j == cluster:         # among themselves, each pair from both sides
                span(panel, n_panels, mask, &rows[0, 0], start, stop, d, big, small, row_parts,
                     NULL, NULL)
                first = stop
            span(panel, n_panels, mask, &rows[0, 0], first, bounds[j + 1], d, big, small, row_parts,
                 &sums[0, cluster, 0],
                 &sums[1, cluster, 0])
            for i in range(stop - start):
                p = i // LANES
                lane = i % LANES
                sums[0, j, start + i] += row_parts[p * 2 * LANES + lane]
                sums[1, j, start + i] += row_parts[p * 2 * LANES + LANES + lane]


def silhouettes(const double[:, ::1] rows, const int64_t[::1] bounds, Py_ssize_t start,
                Py_ssize_t stop, double big, double small,
                double[:, ::1] panel, double[::1] out):
    """Silhouettes of the rows [start, stop).

    rows    IN   (n, d) sorted by cluster, scaled so that no two are farther apart than 1
    bounds  IN   (k + 1,) cluster j has the rows from bounds[j] to bounds[j + 1]; none is empty
    big, small   what cuts distances into the two parts of an exact sum
    panel        (d, WIDTH) scratch
    out     OUT  (n,) of which [start, stop) is written
    """
    cdef Py_ssize_t d = rows.shape[1], k = bounds.shape[0] - 1, first, i, f, j, own
    cdef double sums[LANES]
    cdef double inner[LANES]
    cdef double nearest[LANES]
    cdef Py_ssize_t home[LANES]
    cdef double mean
    check_rows(rows, bounds, start, stop, panel, LANES)
    if out.shape[0] != rows.shape[0]:
        raise ValueError("there is no room for the silhouettes.")
    with nogil:
        own = 0
        for first from start <= first < stop by LANES:
            for i in range(LANES):
                for f in range(d):
                    panel[f, i] = rows[min(first + i, stop - 1), f]
                while bounds[own + 1] <= min(first + i, stop - 1):
                    own += 1
                home[i] = own
                nearest[i] = 1e300
                inner[i] = 0
            for j in range(k):
                cluster_sums(&panel[0, 0], &rows[0, 0], bounds[j], bounds[j + 1], d, big, small,
                             sums)
                for i in range(LANES):
                    if j == home[i]:
                        inner[i] = sums[i]
                    else:
                        mean = sums[i] / (bounds[j + 1] - bounds[j])
                        nearest[i] = min(nearest[i], mean)
            for i in range(min(<Py_ssize_t>LANES, stop - first)):
                j = bounds[home[i] + 1] - bounds[home[i]]
                out[first + i] = 0
                if j > 1:
                    mean = inner[i] / (j - 1)
                    if max(mean, nearest[i]) > 0:
                        out[first + i] = (nearest[i] - mean) / max(mean, nearest[i])
