# Rows with gaps: distances use the features that a row has, and centers are the means of the values
# that are present (compare k-POD: Chi, Chi & Baraniuk, The American Statistician 70, 2016).
#
# Minimizes sum_i w_i (d / d_i) sum_f (x_if - c_jf)^2, where row i has label j, the inner sum is
# over the features f that are present in row i, and d_i is their number. An assignment takes the
# nearest center of each row, since the factor d / d_i is the same for all centers. An update sets
# c_jf to the mean over the rows of the cluster in which f is present, with weights w_i d / d_i:
# this minimizes the sum, which is a quadratic function of c_jf. So neither step raises the sum, and
# it decreases until no label changes. The weights of `Data` include the factor d / d_i.

cdef class GapClusters(Clusters):
    """Centers that are the means of the values that are present."""

    cdef int new_tallies(self, Tally *tallies, int count) except -1:
        cdef Py_ssize_t size = self.k * self.cuts.sums.weight_parts * self.d
        cdef double *present = <double *>self.memory.take(count * size, sizeof(double))
        cdef int i
        Clusters.new_tallies(self, tallies, count)
        for i in range(count):
            tallies[i].present = present + i * size
        return 0

    cdef void read_center(self, Py_ssize_t row, double *out) noexcept nogil:
        (<Data>self.view).read_center(row, out)

    cdef void update(self, Py_ssize_t j) noexcept nogil:
        """The same; a feature that is present in none of the rows stays as it is."""
        cdef Py_ssize_t d = self.d, f
        cdef double step, mean
        cdef bint any_rows = self.cuts.weight_of(&self.total, j) > 0
        for f in range(d):
            if any_rows:
                mean = self.cuts.mean_of(&self.total, j, f, 1)
                self.fresh[j * d + f] = mean if mean == mean else self.center[j * d + f]
            step = self.fresh[j * d + f] - self.center[j * d + f]
            self.shift += step * step
            self.center[j * d + f] = self.fresh[j * d + f]


cdef class Gaps(Rule):
    """Centers of rows with gaps, for data whose metric is "gaps"."""

    def algorithm(self):
        return Algorithm((Floats,), (Leads, AllCenters))

    cdef Clusters clusters(self, Run run):
        return GapClusters()

    cdef double measure(self, Run run, const double *centers, const int32_t *label,
                        double *sq_distances) except -1:
        cdef Data data = run.data
        cdef const double[::1] present = data.present
        cdef Py_ssize_t i
        cdef double inertia = measure_some(data, centers, run.k, label, sq_distances)
        for i in range(data.rows.n if sq_distances != NULL else 0):
            sq_distances[i] *= data.rows.d / present[i]
        return inertia
