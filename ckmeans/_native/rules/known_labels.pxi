# Rows whose clusters are known keep their labels: constrained k-means (Basu, Banerjee & Mooney,
# ICML 2002).

cdef class KnownLabels(Rule):
    """Some rows keep the labels that they are given.

    Parameters
    ----------
    labels : ndarray of shape (n,), int32
        -1: not known.
    """
    cdef object given
    cdef Memory memory
    cdef const int32_t *known    # (n,)

    def __cinit__(self, cnp.ndarray labels not None):
        self.amends = True
        self.given = labels

    cdef int open(self, Run run) except -1:
        self.memory = Memory()
        self.known = labels_of(self.given, run.data.rows.n, run.k, self.memory, -1)
        return 0

    cdef int amend(self, Run run, int32_t *label) except -1 nogil:
        cdef Py_ssize_t i
        for i in range(run.data.rows.n):
            if self.known[i] >= 0:
                label[i] = self.known[i]
        return 0
