# Two rules that amend labels.

cdef class Both(Rule):
    """One rule after the other: where both set a label, that of the second counts.

    Parameters
    ----------
    first, second : Rule
        One of them may have a search of its own; none has clusters of its own.
    """
    cdef Rule first
    cdef Rule second

    def __cinit__(self, Rule first not None, Rule second not None):
        if first.taken or second.taken or first is second:
            raise ValueError("a rule belongs to one run, and this one has a run already.")
        first.taken = second.taken = self.amends = True
        self.first, self.second = first, second
        self.searches = first.searches or second.searches

    cdef int open(self, Run run) except -1:
        self.first.open(run)
        return self.second.open(run)

    def algorithm(self):
        return self.first.algorithm() or self.second.algorithm()

    cdef int amend(self, Run run, int32_t *label) except -1 nogil:
        self.first.amend(run, label)
        return self.second.amend(run, label)
