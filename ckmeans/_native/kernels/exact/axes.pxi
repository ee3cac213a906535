# Projection of rows on a few axes. Included by kernels/exact/exact.pxi.
#
# With P the projection on orthonormal axes and r(x) = sqrt(|x|^2 - |P x|^2) the length of the
# remainder, the vectors (P x, r(x)) are packed. By Cauchy and Schwarz the squared distance of two
# such vectors is at most that of the rows and centers themselves, and falls short of it by at most
# 4 r(x) r(c). (Compare Bottesch, Buehler and Kaechele, "Speeding up k-means by approximating
# Euclidean distances via block vectors", ICML 2016.) So the filter may discard centers by a few
# coordinates instead of many features, and the rows themselves decide what it leaves undecided.
# Axes along which rows vary most have small remainders; other axes would only be slower.
#
# Everything here is float64. Sums are restarted every FLUSH features, so that with s = (FLUSH + d /
# FLUSH + 8) 2^-53 a coordinate is off by at most s |x|, all of them by sqrt(n_axes) s |x|, and
# r(x)^2 by (2 sqrt(n_axes) + 3) s |x|^2: r(x) itself by the square root of that, which is the
# largest of these errors; the filter's bounds allow for it by `axes_error` in axes.pxi.

cdef void project_tile(const real **x, int count, Py_ssize_t d, const Packed *packing,
                       double *coordinates, double *sq_norms) noexcept nogil:
    """Coordinates of GROUP rows, and squared norms.

    x            IN   (GROUP,) pointers to rows of d features; of these the first `count` are wanted
    coordinates  OUT  (GROUP, lanes)
    sq_norms     OUT  (GROUP,)
    """
    cdef double moved[GROUP * FLUSH]
    cdef double part[8]
    cdef vd acc[GROUP][2]
    cdef vd a0, a1, row
    cdef const double *axes
    cdef double value
    cdef Py_ssize_t lanes = packing.lanes, first, length, whole, f, lane
    cdef int r, e
    memset(coordinates, 0, GROUP * lanes * sizeof(double))
    memset(sq_norms, 0, GROUP * sizeof(double))
    for first from 0 <= first < d by FLUSH:
        length = min(<Py_ssize_t>FLUSH, d - first)
        whole = length // 8 * 8
        for r in range(GROUP):
            for f in range(length):
                moved[r * FLUSH + f] = (x[r][first + f] - packing.origin[first + f]) * packing.scale
        for r in range(count):
            for e in range(8):
                part[e] = 0
            for f from 0 <= f < whole by 8:
                for e in range(8):
                    value = moved[r * FLUSH + f + e]
                    part[e] += value * value
            for f in range(whole, length):
                value = moved[r * FLUSH + f]
                part[0] += value * value
            sq_norms[r] += (((part[0] + part[1]) + (part[2] + part[3]))
                            + ((part[4] + part[5]) + (part[6] + part[7])))
        for lane from 0 <= lane < lanes by 2 * VDL:
            for r in range(GROUP):
                acc[r][0] = VD_SPLAT(0)
                acc[r][1] = VD_SPLAT(0)
            axes = packing.axes + first * lanes + lane
            for f in range(length):
                a0 = VD_LOAD(axes + f * lanes)
                a1 = VD_LOAD(axes + f * lanes + VDL)
                for r in range(GROUP):
                    row = VD_SPLAT(moved[r * FLUSH + f])
                    acc[r][0] = acc[r][0] + row * a0
                    acc[r][1] = acc[r][1] + row * a1
            for r in range(GROUP):
                VD_STORE(coordinates + r * lanes + lane,
                         VD_LOAD(coordinates + r * lanes + lane) + acc[r][0])
                VD_STORE(coordinates + r * lanes + lane + VDL,
                         VD_LOAD(coordinates + r * lanes + lane + VDL) + acc[r][1])


cdef void project(const void *x_, Py_ssize_t count, Py_ssize_t d, const Packed *packing,
                  double *out) noexcept nogil:
    """Coordinates of rows, moved to the origin and scaled, along the axes, and the lengths of the
    remainders.

    x    IN   (count, d)
    out  OUT  (count, n_axes + 1)
    """
    cdef const real *x = <const real *>x_
    cdef const real *group[GROUP]
    cdef double coordinates[GROUP * (MOST_AXES + 1)]
    cdef double sq_norms[GROUP]
    cdef double left
    cdef Py_ssize_t n_axes = packing.n_axes, first, a
    cdef int r, here
    for first from 0 <= first < count by GROUP:
        here = <int>min(<Py_ssize_t>GROUP, count - first)
        for r in range(GROUP):
            group[r] = x + min(first + r, count - 1) * d
        project_tile(group, here, d, packing, coordinates, sq_norms)
        for r in range(here):
            left = sq_norms[r]
            for a in range(n_axes):
                out[(first + r) * (n_axes + 1) + a] = coordinates[r * packing.lanes + a]
                left -= coordinates[r * packing.lanes + a] * coordinates[r * packing.lanes + a]
            out[(first + r) * (n_axes + 1) + n_axes] = sqrt(left) if left > 0 else 0


cdef void project_rows(const real *x, Py_ssize_t count, Py_ssize_t d, const Packed *packing,
                       float *out) noexcept nogil:
    """`project` to float32."""
    cdef double few[GROUP * (MOST_AXES + 1)]
    cdef Py_ssize_t width = packing.n_axes + 1, i, f, here
    for i from 0 <= i < count by GROUP:
        here = min(<Py_ssize_t>GROUP, count - i)
        project(x + i * d, here, d, packing, few)
        for f in range(here * width):
            out[i * width + f] = <float>few[f]
