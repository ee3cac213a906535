# Changes to plain k-means: the base class of the rules in this folder, which has a file for each.
#
# A rule belongs to one run. The loop, its stopping rule and the methods of a run are the same with
# and without a rule. A rule may
# - amend labels: after each assignment, `amend` replaces the labels of the nearest centers, which
#   any algorithm finds, by those that the rule wants; -1 for rows that are left out;
# - have a search of its own (`algorithm`), if rows do not belong to the nearest center;
# - have clusters of its own (`clusters`), if centers are not the means of their rows.

cdef class Rule:
    """A rule that changes nothing."""
    cdef bint amends             # whether it changes labels; set when it is made
    cdef bint searches           # whether it finds all labels itself, so that no search is needed
    cdef bint taken              # whether it belongs to a run already

    cdef int open(self, Run run) except -1:
        """Called once, before the run's first assignment; its data and centers are set."""
        return 0

    def algorithm(self):
        """An `Algorithm` that replaces the one that the user has chosen, or None."""
        return None

    cdef Clusters clusters(self, Run run):
        """The clusters of the run, not yet opened."""
        return Clusters() if run.data.rows.indptr == NULL else SparseClusters()

    cdef int amend(self, Run run, int32_t *label) except -1 nogil:
        """Replace the labels of the nearest centers by those that the rule wants.

        label  INOUT  (n,) in the rows' own order; -1: left out
        """
        return 0

    cdef double measure(self, Run run, const double *centers, const int32_t *label,
                        double *sq_distances) except -1:
        """The objective that the run minimizes, for these labels (n,) and centers (k, d).

        sq_distances  OUT  (n,) each row's squared distance, 0 for rows that are left out; or NULL
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
