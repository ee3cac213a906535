# Searches written in Python, to try an idea before it is compiled.

cdef class SearchInPython(Search):
    """A search whose only part is a Python method that gives the nearest center of each row; slow.

    A subclass defines ``nearest(data, centers, labels)``, which returns the label of each row, (n,)
    int. `data` is the run's `Data`, `centers` (k, d) float64 are at unit length where rows are, and
    `labels` (n,) int32 are those of the pass before, -1 in the first.

    Examples
    --------
    >>> import numpy as np
    >>> from ckmeans._native import engine
    >>> class ByDefinition(engine.SearchInPython):
    ...     def nearest(self, data, centers, labels):
    ...         return data.distances(centers).argmin(axis=1)
    >>> engine.ALGORITHMS["by definition"] = engine.Algorithm((engine.Floats,), (ByDefinition,))
    >>> data = engine.Data(np.array([[0.0], [1.0], [8.0], [9.0]]), None, 1, True)
    >>> run = engine.Run(data, np.array([[0.0], [1.0]]), 10, 0.0, "by definition")
    >>> run.finish()
    >>> run.centers().ravel(), run.n_iter
    (array([0.5, 8.5]), 3)
    >>> del engine.ALGORITHMS["by definition"]
    """

    cdef bint possible(self, Run run) noexcept:
        return True

    cdef bint always_fits(self) noexcept nogil:
        return True

    cdef bint reads_all_rows(self) noexcept nogil:
        return False

    cdef int assign(self, Run run) except -1 nogil:
        with gil:
            centers = as_array(run.clusters.center, run.k, run.data.rows.d)
            labels = np.array(self.nearest(run.data, centers, run.labels().copy()),
                              dtype=np.int32, order="C")
            if (labels.shape != (run.data.rows.n,) or labels.size
                and not 0 <= labels.min() <= labels.max() < run.k):
                raise ValueError(f"{type(self).__name__}.nearest must give {run.data.rows.n} "
                                 f"labels from 0 to {run.k - 1}, got {labels!r}.")
            run.relabel(labels)
        return 0
