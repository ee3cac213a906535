# Which centers rows are compared with: the base of the classes in this folder, which has one file
# for each way.
#
# A search belongs to one run. Before each pass the run takes the first search in its row of
# ALGORITHMS that fits and is wanted; the last one always fits and is wanted. All give the same
# labels, by definition: the lowest index among the nearest centers.

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
        """Whether it can be the last search of a row of ALGORITHMS."""
        return False

    cdef bint wants(self, Run run) except -1 nogil:
        """Whether that pays; decided by work counted and modelled, never by a clock."""
        return True

    cdef bint holds_back(self, Run run) noexcept nogil:
        """Whether it has yet to be tried; until then, of the searches after it only the last one is
        used.
        """
        return False

    cdef int assign(self, Run run) except -1 nogil:
        """Label all rows, and have the threads record the changes of the clusters' sums."""
        return 0

    cdef bint reads_all_rows(self) noexcept nogil:
        """Whether the first pass reads every row, so that it can also compute their variance."""
        return True

    cdef void lost(self) noexcept nogil:
        """Called when another search labels the rows next, or they are in another order: stored
        data about them is out of date.
        """

    cdef void measure_anew(self, Run run) noexcept:
        """Called when rows are packed by other features, so that packed distances change."""
        self.lost()
