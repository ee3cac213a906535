# Heads of rows: coordinates along some axes, in bytes, which are less than half of all features.
# Centers are compared with them first, and most need no more. Included by kernels/exact/exact.pxi.
#
# With P the projection on orthonormal axes and r(x) = |x - P x|, the product ab' of a row and a
# center is at least Pa Pb' - r(a) r(b') (Cauchy and Schwarz; compare kernels/exact/axes.pxi). So
# a head is the vector (Pa, r(a)), and the center's is (Pb', -r(b')): the product of the heads
# takes the place of ab' in the score, whose other terms stay what they are. That the remainder is
# one large number would make steps large; so it is shared out among several equal ones.
#
# Coordinates are computed in float32 and along axes that are not quite orthonormal: they are off by
# e |a| and e |b'|, e = `heads.error`. Remainders are computed too large, from
#     r(a)^2 <= |a|^2 (1 + 2 e) - |Pa|^2,    with Pa as computed.
# So heads are not shorter than a and b', and their product is off by at most 2 e times both
# lengths. Of what is in bytes, |head| <= s (reach + rough), so `rough` is raised by 2 e (reach +
# rough).
#
# So a score by heads is a lower bound as that by all features is (kernels/filter/bytes.pxi), in
# steps of the head: a limit or a bound in steps of the row is brought to these.

cdef void make_heads(const Rows *rows, const Packed *packing, const FilterTable *filter,
                     Heads *heads, const Bytes *full, Worker *me, Py_ssize_t first,
                     Py_ssize_t count, int worker) noexcept nogil:
    """Of up to 64 rows, which are in bytes already."""
    cdef Bytes *bytes = &heads.bytes
    cdef float *head = heads.room + worker * heads.width * PANEL
    cdef float norms[PANEL]
    cdef double length
    cdef double squares[PANEL]
    cdef Py_ssize_t size = full.parts * full.depth, tails = heads.width - heads.n_axes
    cdef Py_ssize_t at = first // PANEL, i, a
    cdef float more
    pack_panel(fetch(rows, first, count, me.block), count, rows.d, me, packing, me.panel, norms)
    filter.turn(me.panel, rows.d, heads.axes, heads.n_axes, head)
    for i in range(PANEL):
        squares[i] = 0
    for a in range(heads.n_axes):
        for i in range(PANEL):
            squares[i] += <double>head[a * PANEL + i] * head[a * PANEL + i]
    for i in range(PANEL):
        length = sqrt(max(<double>norms[i] * (1 + 2 * heads.error) - squares[i], <double>0))
        head[heads.n_axes * PANEL + i] = <float>(length / sqrt(<double>tails) * (1 + 1e-6))
    for a in range(heads.n_axes + 1, heads.width):
        memcpy(head + a * PANEL, head + heads.n_axes * PANEL, PANEL * sizeof(float))
    filter.pack_bytes(head, heads.width, bytes, bytes.words + first * bytes.parts * bytes.depth,
                      bytes.steps + first, bytes.rough + at, bytes.reach + at)
    more = <float>(2 * heads.error)
    bytes.rough[at] += more * (bytes.reach[at] + bytes.rough[at]) * <float>(1 + 1e-5)
    if heads.by_row != NULL:
        for i in range(PANEL):
            row_of_bytes(full.words + first * size, size, i,
                         heads.by_row + (first + i) * heads.row_words)
