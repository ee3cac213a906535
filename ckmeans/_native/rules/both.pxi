# Two rules that amend labels.

cdef class Both(Rule):
    """One rule after the other: the second has the last word.

    Parameters
    ----------
    first, second : Rule
        Of them one may bring a search of its own; neither brings clusters.
    """
    cdef Rule first
    cdef Rule second

    def __cinit__(self, Rule first not None, Rule second not None):
        self.amends = True
        self.first, self.second = first, second

    cdef int open(self, Run run) except -1:
        self.first.open(run)
        return self.second.open(run)

    def algorithm(self):
        return self.first.algorithm() or self.second.algorithm()

    cdef int amend(self, Run run, int32_t *label) except -1 nogil:
        self.first.amend(run, label)
        return self.second.amend(run, label)
