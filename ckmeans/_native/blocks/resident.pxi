# Resident blocks: a run over some rows of a larger whole, which is given centers and returns sums.
#
# As in `Run`, only rows whose label changes are added to sums and subtracted, the rows stay packed,
# and fewer centers are compared where that pays. The result depends on the present centers only,
# not on earlier ones.


def held_run(Data data not None, tuple whole not None, cnp.ndarray centers not None):
    """A run for `held_assign`, over data that need not have been scanned: sums are cut by the
    whole, see `cuts_of`.

    Runs over the same data may take turns.
    """
    if data.cuts is None:
        data.cuts = cuts_for(data, whole)
    return Run(data, centers, INT_MAX, 0.0)     # nobody knows how many are to come: as in a fit
                                                # without a limit


def held_assign(Run run not None, cnp.ndarray centers not None):
    """Assign the rows to these centers (k, d), float64, C-contiguous.

    Returns
    -------
    sums (k, parts, d), weights (k, weight_parts), counts (k,) : of the rows of each cluster
    changed : int
        Labels that differ from those of the call before.
    """
    cdef Py_ssize_t k = run.k, d = run.data.rows.d, parts = run.clusters.cuts.sums.parts
    cdef cnp.ndarray sums = np.empty((k, parts, d))
    cdef cnp.ndarray weights = np.empty((k, run.clusters.cuts.sums.weight_parts))
    memcpy(run.clusters.center, rows_of(centers, "centers", d, k), k * d * sizeof(double))
    with nogil:
        run.assign()
    run.n_iter += 1                          # boxes are not thought of before the second
    memcpy(cnp.PyArray_DATA(sums), run.clusters.total.sums, k * parts * d * sizeof(double))
    memcpy(cnp.PyArray_DATA(weights), run.clusters.total.weights, weights.nbytes)
    return sums, weights, run.counts(), run.n_changed


def held_check(Run run not None, uint64_t start):
    """The checksum (2,) of the labels that `assign_block` gives; `start` is the position of the
    first row in the whole.
    """
    cdef cnp.ndarray check = np.zeros(2, dtype=np.uint64)
    cdef uint64_t *to = <uint64_t *>cnp.PyArray_DATA(check)
    cdef const int32_t *order = run.job.boxes.order if run.place_label != NULL else NULL
    cdef const int32_t *label = run.label if order == NULL else run.place_label
    cdef Py_ssize_t i
    with nogil:
        for i in range(run.data.rows.n):
            add_check(to, start + <uint64_t>(i if order == NULL else order[i]), label[i])
    return check
