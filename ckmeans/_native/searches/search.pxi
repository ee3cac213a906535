# Which centers rows are compared with: the base of the classes in this folder, which has one file
# for each way.
#
# A search belongs to one run. Before each pass the run takes the first search in its row of
# ALGORITHMS that fits and is wanted; the last one always is. All give the same labels, those of the
# definition: the lowest index among the nearest centers.

cdef class Search:
    """One way to find each row's nearest center."""
    cdef bint preferred          # the run's algorithm is named after it: it is used unless that is
                                 # slower
    cdef bint insisted           # it is used wherever it fits: in tests only
    cdef bint settled            # found to pay, and not yet to pay no more: searches before it are
                                 # not asked

    cdef bint possible(self, Run run) noexcept:
        """Whether it can ever be of use in a run that is about to begin."""
        return False

    cdef bint fits(self, Run run) noexcept nogil:
        """Whether it can be used in the pass that is about to begin; centers are prepared."""
        return True

    cdef bint always_fits(self) noexcept nogil:
        """Whether it can be the last resort of a row of ALGORITHMS."""
        return False

    cdef bint wants(self, Run run) except -1 nogil:
        """Whether that pays; decided by work counted and modelled, never by a clock."""
        return True

    cdef bint holds_back(self, Run run) noexcept nogil:
        """Whether it is still to be tried, so that searches after it but for the last one have to
        wait.
        """
        return False

    cdef int assign(self, Run run) except -1 nogil:
        """Label all rows, and have the threads note what that changes of the clusters' sums."""
        return 0

    cdef bint reads_all_rows(self) noexcept nogil:
        """Whether the first pass reads every row, so that their variance can be found on the
        way.
        """
        return True

    cdef void lost(self) noexcept nogil:
        """Rows are about to be labelled by another search, or are in another order: what is known
        of them is out of date.
        """

    cdef void measure_anew(self, Run run) noexcept:
        """Rows are packed in other features, and distances are others."""
        self.lost()
