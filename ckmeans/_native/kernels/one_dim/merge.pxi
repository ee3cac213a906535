# Costs of one dimension that keep their relative accuracy whatever the weights and the values.
#
# A difference of prefix sums has an error of 2^-100 of the whole. That is not accurate enough if
# the best clusters cost less than 2^-50 of the whole, as with weights over many decades or one
# value far away. Here the cost of a range of values is computed from those of its parts (Chan,
# Golub & LeVeque 1983), by terms that are not negative: the mean is stored as its distances to the
# first and the last value, so nothing cancels, and every cost is accurate to a few units in its
# last place.
#
# The dynamic program compares sums of costs, and its divide and conquer applies the decision of a
# row far to the right to rows left of it, whose sums may be far smaller. So it works below a limit,
# the cost of a known split: rows that cost more are ignored. The cost of the split that it finds is
# the next limit, until there is no more to gain.
#
# Most often prefix sums are accurate enough to tell which values a cluster can begin at: then the
# tree is one of the ranges between these.

cdef struct Range:                   # of neighboring values
    double weight
    double left, right               # from the first value to the mean, from it to the last value
    double cost                      # times the square of the tree's unit


cdef struct Tree:
    Py_ssize_t leaves                # a power of two, at least m
    const double *x                  # (m,) the distinct values
    const double *w                  # (m,) their weights
    const double *last               # (m,) where each is a range of values: the last of each, and
    const Range *range               # (m,) what it is; else NULL
    Range *node                      # (leaves,) node v is made of nodes 2 v and 2 v + 1; from
                                     # `leaves` on they would be single values
    double unit                      # a power of two that distances are multiplied by in costs, so
                                     # that the limit is near 1


cdef double SLIGHTLY = 1 - 2.0 ** -40    # less: rounding may turn the order of nearly equal costs


cdef inline Range single(const Tree *tree, Py_ssize_t i) noexcept nogil:
    cdef Range r
    if tree.range != NULL:
        return tree.range[i]
    r.weight = tree.w[i]
    r.left = r.right = r.cost = 0
    return r


cdef inline double gap_before(const Tree *tree, Py_ssize_t i) noexcept nogil:
    return tree.x[i] - (tree.x[i - 1] if tree.last == NULL else tree.last[i - 1])


cdef inline Range merged(const Tree *tree, Range a, Range b, double gap) noexcept nogil:
    """Two ranges side by side, `gap` from the last value of a to the first of b."""
    cdef Range r
    cdef double apart, share_a, share_b, moved, less_weight
    r.weight = a.weight + b.weight
    share_a = a.weight / r.weight
    share_b = b.weight / r.weight
    apart = a.right + gap + b.left
    r.left = a.left + apart * share_b
    r.right = b.right + apart * share_a
    # The lighter weight times the larger share, and one distance at a time: no factor underflows
    # unless the product does.
    less_weight = a.weight * share_b if a.weight < b.weight else b.weight * share_a
    moved = apart * tree.unit
    r.cost = a.cost + b.cost + moved * less_weight * moved
    return r


cdef void fill_tree(Tree *tree, Py_ssize_t m) noexcept nogil:
    """Compute all nodes that hold values; those to the right of all values are never looked at."""
    cdef Py_ssize_t v, first, last, half
    cdef Range a, b
    half = 1                         # values below each child of node v
    last = tree.leaves               # nodes `last // 2` to `last - 1` have children of this size
    while last > 1:
        for v in range(last // 2, last):
            first = (v - last // 2) * 2 * half
            if first >= m:
                break
            a = single(tree, first) if half == 1 else tree.node[2 * v]
            if first + half < m:
                b = single(tree, first + half) if half == 1 else tree.node[2 * v + 1]
                a = merged(tree, a, b, gap_before(tree, first + half))
            tree.node[v] = a
        half *= 2
        last //= 2


cdef Range range_of(const Tree *tree, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """The values [i, j), i < j."""
    cdef Range here, left = single(tree, i), right = left
    cdef Py_ssize_t v = i + tree.leaves, stop = j + tree.leaves, size = 1
    cdef Py_ssize_t left_end = i, right_start = j
    while v < stop:
        if v & 1:
            here = single(tree, left_end) if size == 1 else tree.node[v]
            if left_end > i:
                here = merged(tree, left, here, gap_before(tree, left_end))
            left = here
            left_end += size
            v += 1
        if stop & 1:
            stop -= 1
            right_start -= size
            here = single(tree, right_start) if size == 1 else tree.node[stop]
            if right_start + size < j:
                here = merged(tree, here, right, gap_before(tree, right_start + size))
            right = here
        v //= 2
        stop //= 2
        size *= 2
    if left_end == i:
        return right
    if right_start == j:
        return left
    return merged(tree, left, right, gap_before(tree, left_end))


cdef Py_ssize_t walk_left(const Tree *tree, const double *d, Py_ssize_t low, Py_ssize_t i, Range r,
                          double *limit) noexcept nogil:
    """The candidate in [low, i] of least cost, the first of equal ones.

    NOWHERE if all cost more than `limit`.

    r      IN     the values from i to the row
    limit  INOUT  becomes the cost of the candidate
    """
    cdef Py_ssize_t chosen = NOWHERE
    while True:
        if d[i] + r.cost <= limit[0]:
            limit[0] = d[i] + r.cost
            chosen = i
        if i == low or r.cost * SLIGHTLY > limit[0]:
            return chosen
        i -= 1
        r = merged(tree, single(tree, i), r, gap_before(tree, i + 1))


cdef Py_ssize_t best_below(const Tree *tree, const double *d, Py_ssize_t low, Py_ssize_t stop,
                           Py_ssize_t j, double *limit) noexcept nogil:
    """The same for row j and candidates in [low, stop).

    D never falls as i grows and the cost never rises, but for rounding.
    """
    cdef Range r
    cdef Py_ssize_t start, found, chosen = NOWHERE
    while stop > low:
        start = max(low, stop - SHORT)
        r = range_of(tree, stop - 1, j)
        if r.cost * SLIGHTLY > limit[0]:
            break
        if (d[start] + r.cost) * SLIGHTLY <= limit[0]:
            found = walk_left(tree, d, start, stop - 1, r, limit)
            chosen = chosen if found == NOWHERE else found
        stop = start
    return chosen
