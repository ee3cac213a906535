# Empty clusters: a cluster that has lost all its rows takes the row farthest from its own center.

cdef struct Distant:             # how far rows are from their own centers, and what decides between
                                 # equally far ones
    double *sq                   # (n,)
    uint64_t *code               # (n,) hashes of those that were asked for; 0: not yet
    const double *weight
    const Rows *rows
    ExactTable *exact
    char *block


cdef int fill_empty(Run run, int64_t *moved, Py_ssize_t *n_moved) except -1:
    """Give each empty cluster, in order, the row farthest from its own center (of equally far ones
    the first in the order of their hashes).

    The row must have weight, differ from its center, not be the last row of its cluster, and differ
    from rows given before. For this update only, it is the only member of the new cluster and not a
    member of its old one. If there is no such row, the center stays.

    moved, n_moved  OUT  (k,) rows that are to be put back after the update
    """
    cdef Data data = run.data
    cdef Clusters clusters = run.clusters
    cdef const int32_t *label = run.counting_labels()
    cdef Py_ssize_t n = data.rows.n, d = data.rows.d, i, j, t, count = 0
    cdef Memory memory = Memory()
    cdef Distant far
    cdef int64_t *heap = <int64_t *>memory.take(n, sizeof(int64_t))
    cdef int64_t *takers = <int64_t *>memory.take(run.k, sizeof(int64_t))
    far.sq = <double *>memory.take(n, sizeof(double))
    far.code = <uint64_t *>memory.take(n, sizeof(uint64_t))
    far.weight = data.weight
    far.rows = &data.rows
    far.exact = data.exact
    far.block = data.workers[0].block
    run.measure(clusters.center, far.sq)
    for i in range(n):
        if far.sq[i] > 0 and (data.weight == NULL or data.weight[i] > 0):
            heap[count] = i
            count += 1
    for i in range(count // 2 - 1, -1, -1):
        sink(heap, count, i, &far)
    for j in range(run.k):
        if clusters.cuts.weight_of(&clusters.total, j) > 0:
            continue
        clusters.total.touched[j] = 0
        while count > 0 and not clusters.total.touched[j]:
            i = heap[0]
            count -= 1
            heap[0] = heap[count]
            sink(heap, count, 0, &far)
            clusters.put(j, i)
            clusters.move(i, label[i], -1)
            for t in range(n_moved[0]):
                if same_row(clusters.fresh + takers[t] * d, clusters.fresh + j * d, d):
                    break
            else:
                if clusters.cuts.weight_of(&clusters.total, label[i]) > 0:
                    takers[n_moved[0]] = j
                    moved[n_moved[0]] = i
                    n_moved[0] += 1
                    clusters.total.touched[j] = 1
                    continue
            clusters.move(i, label[i], 1)
    return 0


cdef bint same_row(const double *a, const double *b, Py_ssize_t d) noexcept nogil:
    cdef Py_ssize_t f
    for f in range(d):
        if a[f] != b[f]:
            return False
    return True


cdef void sink(int64_t *heap, Py_ssize_t count, Py_ssize_t i, Distant *far) noexcept nogil:
    """Restore the heap below i: the farthest row first."""
    cdef Py_ssize_t child
    cdef int64_t row
    while 2 * i + 1 < count:
        child = 2 * i + 1
        if child + 1 < count and before(heap[child + 1], heap[child], far):
            child += 1
        if not before(heap[child], heap[i], far):
            break
        row = heap[i]
        heap[i] = heap[child]
        heap[child] = row
        i = child


cdef bint before(int64_t a, int64_t b, Distant *far) noexcept nogil:
    """Whether row a is farther; of equally far ones, whether its hash is lower; of equal ones,
    whether it is lighter, and then, whether it comes first.
    """
    if far.sq[a] != far.sq[b]:
        return far.sq[a] > far.sq[b]
    if code_of(far, a) != code_of(far, b):
        return far.code[a] < far.code[b]
    if far.weight != NULL and far.weight[a] != far.weight[b]:
        return far.weight[a] < far.weight[b]
    return a < b


cdef uint64_t code_of(Distant *far, int64_t row) noexcept nogil:
    if far.code[row] == 0:
        far.code[row] = far.exact.hash_row(far.rows, row, far.block)
    return far.code[row]
