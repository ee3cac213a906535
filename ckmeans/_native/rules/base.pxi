# What a run does otherwise than plain k-means: the base of the classes in this folder, which has
# one file for each rule.
#
# A rule belongs to one run. The loop, its stopping rule and all that is asked of a run are the same
# with a rule as without. A rule may
# - amend labels: after each assignment it is given the nearest centers and leaves the labels that
#   count; -1 for rows that take no part. Any algorithm finds the nearest centers;
# - bring a search of its own (`algorithm`), where rows do not go to the nearest center by squared
#   distance;
# - bring clusters of its own (`clusters`), where centers are not the means of their rows.

cdef class Rule:
    """A rule that changes nothing."""
    cdef bint amends             # whether it has a say in labels; set when it is made
    cdef bint searches           # whether it finds labels itself, without a search before
    cdef bint taken              # whether a run has it

    cdef int open(self, Run run) except -1:
        """A run is about to begin, whose data and centers are there."""
        return 0

    def algorithm(self):
        """A row for ALGORITHMS to be used instead of the one that was asked for; or None."""
        return None

    cdef Clusters clusters(self, Run run):
        """Clusters that have not been opened."""
        return Clusters() if run.data.rows.indptr == NULL else SparseClusters()

    cdef int amend(self, Run run, int32_t *label) except -1 nogil:
        """Turn nearest centers into the labels that count.

        label  INOUT  (n,) in the rows' own order; -1: takes no part
        """
        return 0

    cdef double measure(self, Run run, const double *centers, const int32_t *label,
                        double *sq_distances) except -1:
        """What the run minimizes, for these labels (n,) and centers (k, d), and each row's squared
        distance where there is room for it: 0 for rows that take no part.
        """
        return measure_some(run.data, centers, run.k, label, sq_distances)


cdef double measure_some(Data data, const double *centers, Py_ssize_t k, const int32_t *label,
                         double *sq_distances) except -1:
    """The inertia of the rows whose label is not -1; exact, and rounded once."""
    cdef Memory memory = Memory()
    cdef Py_ssize_t n = data.rows.n, i
    cdef int32_t *own
    cdef double w = 1
    cdef bint all_of_them = True
    cdef Wide total
    for i in range(n):
        all_of_them = all_of_them and label[i] >= 0
    if all_of_them:
        return data.measure(centers, k, label, sq_distances)
    own = <int32_t *>memory.take(n, sizeof(int32_t))
    if sq_distances == NULL:
        sq_distances = <double *>memory.take(n, sizeof(double))
    for i in range(n):
        own[i] = max(label[i], 0)
    data.measure(centers, k, own, sq_distances)
    memset(&total, 0, sizeof(Wide))
    with nogil:
        for i in range(n):
            if label[i] < 0:
                sq_distances[i] = 0
                continue
            if data.given_weight != NULL:
                w = data.given_weight[i]
            wide_add(&total, w * sq_distances[i])
    return (0.5 if data.unit else 1) * wide_value(&total)
