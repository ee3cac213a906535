"""Swaps of centers: the state of a local search over all rows, updated for the few centers that
move.

For every row its two nearest centers are stored, and a lower bound of the distances to all others.
The effect of a swap then follows from one distance per row, and after a swap only the distances to
centers that moved are computed again; a row is compared with all centers only if the stored
distances do not determine the two nearest. Of wide rows, whole blocks are skipped if the triangle
inequality proves that they are too far from a center; callers pass rows of the same cluster side by
side. Sums here are plain float64 sums in a fixed order: they only guide the search. One thread.
Loops over neighboring rows, or over the centers, are written without branches, so that compilers
make vectors of them.

Longer than other files: one class, whose methods all keep the same state of the rows.
"""
from libc.limits cimport INT_MAX
from libc.math cimport INFINITY, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy
cimport numpy as cnp
import numpy as np

cnp.import_array()

include "runtime/argument_checks.pxi"

cdef enum:
    BLOCK = 128                      # rows whose distances to one center are computed together
    WIDE = 8                         # features from which on blocks are ruled out by distances
                                     # between centers, where that takes less time
    AWAY = 1 << 22                   # distances between centers that are kept at a time, at most
    TRIALS = 8                       # rows that are weighed together, at most

cdef double ROUNDING = 1e-9          # sums of less weight than this share of what they have lost
                                     # may be rounding
cdef double SURE = 1 - 1e-9          # what is left of a distance between centers once rounding has
                                     # had its share


cdef inline double sq_distance(const double *x, const double *c, Py_ssize_t d) noexcept nogil:
    cdef double s = 0, t
    cdef Py_ssize_t f
    for f in range(d):
        t = x[f] - c[f]
        s += t * t
    return s


cdef struct Nearest:                 # of BLOCK rows at most: squared distances to the two nearest
                                     # centers, which they are (whole numbers,
    double first[BLOCK]              # as wide as the distances, which vectors want), and a bound
                                     # for all others
    double second[BLOCK]
    double rest[BLOCK]
    double first_id[BLOCK]
    double second_id[BLOCK]


cdef inline void offer(Nearest *near, const double *sq, double center,
                       Py_ssize_t count) noexcept nogil:
    """One more center, at these squared distances; of equally near ones the earlier offered
    stays.
    """
    cdef double a, b, c, v
    cdef Py_ssize_t i
    for i in range(count):
        v = sq[i]
        a = near.first[i]
        b = near.second[i]
        c = near.rest[i]
        near.rest[i] = (b if b < c else c) if v < b else (v if v < c else c)
        near.second_id[i] = near.first_id[i] if v < a else (center if v < b else near.second_id[i])
        near.first_id[i] = center if v < a else near.first_id[i]
        near.second[i] = a if v < a else (v if v < b else b)
        near.first[i] = v if v < a else a


cdef struct State:                   # what a swap changes, and a failed one gives back
    double *center                   # (k, d)
    double *sums                     # (k, d) of w * x
    double *weight                   # (k,)
    double *most                     # (k,) the largest weight since these sums were made from rows:
                                     # what rounding in them goes by
    double *sq_first                 # (n,) squared distances to the two nearest centers
    double *sq_second
    double *sq_rest                  # (n,) no other center is nearer than this
    int32_t *first                   # (n,) which the two are
    int32_t *second
    int64_t *count                   # (k,) rows
    double inertia


cdef class Search:
    """Centers, and every row's two nearest of them.

    Parameters
    ----------
    rows : ndarray of shape (n, d), float64, C-contiguous
    weights : ndarray of shape (n,), float64, positive; or None
    centers : ndarray of shape (k, d), float64, C-contiguous; k >= 2
    """
    cdef object arrays
    cdef readonly Py_ssize_t n, d, k
    cdef const double *row
    cdef const double *w
    cdef double *column              # (blocks, d, BLOCK) the rows once more, each block feature by
                                     # feature, filled up with zeros
    cdef State now, kept
    cdef char *room
    cdef int32_t *moved              # (k,) centers that moved last
    cdef Py_ssize_t n_moved
    cdef uint8_t *is_moved           # (k,)
    cdef uint8_t *touched            # (k,)
    cdef uint8_t *passed             # (k,) of the centers in `moved`, those that need no look
    cdef double *gain                # (TRIALS, k)
    cdef double *across              # (d, k) the centers feature by feature, as they were when rows
                                     # were last looked at
    cdef double *reach               # (k,) squared distances of one row
    cdef double *away                # (rows_away, k), at least (TRIALS, k): distances from the
                                     # centers
    cdef Py_ssize_t rows_away
    cdef double *running             # (n,) sums of the potentials of all rows up to each
    cdef public int most_iterations  # of one call of `lloyd`, whatever it asks for
    cdef readonly double work        # distances computed so far; looking whether they are needed
                                     # counts as well

    def __cinit__(self, cnp.ndarray rows not None, weights, cnp.ndarray centers not None):
        cdef const double *row = rows_of(rows, "rows", -1)
        cdef Py_ssize_t i, f, n = rows.shape[0], d = rows.shape[1], k, padded
        cdef char *room
        check_index(0, d, "feature")
        rows_of(centers, "centers", d)
        k = centers.shape[0]
        self.arrays = rows, weights
        self.n, self.d, self.k = n, d, k
        self.row = row
        if weights is not None:
            self.w = <const double *>values_of(<cnp.ndarray?>weights, cnp.NPY_FLOAT64, "weights", 1,
                                               n)
        self.most_iterations = INT_MAX
        self.rows_away = 0
        if d >= WIDE:
            self.rows_away = max(<Py_ssize_t>TRIALS, min(k // 2 + 1, AWAY // k))
        padded = (n + BLOCK - 1) // BLOCK * BLOCK
        self.room = room = <char *>calloc(padded * d * 8 + 2 * ((2 * k * d + 3 * k) * 8 + n * 32)
                                          + (8 * TRIALS + 16) * k + 8 * k * d + 8 * n
                                          + 8 * k * self.rows_away, 1)
        if room == NULL:
            raise MemoryError(f"could not allocate {n * (8 * d + 64)} bytes")
        self.column = <double *>room
        room = self.lay_out(&self.now, room + padded * d * 8)
        room = self.lay_out(&self.kept, room)
        self.gain = <double *>room
        self.reach = self.gain + TRIALS * k
        self.across = self.reach + k
        self.running = self.across + k * d
        self.away = self.running + n
        self.moved = <int32_t *>(self.away + k * self.rows_away)
        self.is_moved = <uint8_t *>(self.moved + k)
        self.touched = self.is_moved + k
        self.passed = self.touched + k
        for i in range(n):
            for f in range(d):
                self.column[(i // BLOCK * d + f) * BLOCK + i % BLOCK] = row[i * d + f]
        self.set_centers(centers)

    def __dealloc__(self):
        free(self.room)

    cdef char *lay_out(self, State *state, char *room) noexcept:
        cdef Py_ssize_t n = self.n, d = self.d, k = self.k
        state.center = <double *>room
        state.sums = state.center + k * d
        state.weight = state.sums + k * d
        state.most = state.weight + k
        state.count = <int64_t *>(state.most + k)
        state.sq_first = state.most + 2 * k
        state.sq_second = state.sq_first + n
        state.sq_rest = state.sq_second + n
        state.first = <int32_t *>(state.sq_rest + n)
        state.second = state.first + n
        return <char *>(state.second + n)

    # -- what callers ask --------------------------------------------------------------------------

    @property
    def inertia(self):
        return self.now.inertia

    def centers(self):
        cdef cnp.ndarray out = np.empty((self.k, self.d))
        memcpy(cnp.PyArray_DATA(out), self.now.center, self.k * self.d * sizeof(double))
        return out

    def means(self, cnp.ndarray rows not None, cnp.ndarray otherwise not None):
        """The weighted means (k, m) of other features (n, m) of the rows, by cluster; of a cluster
        without rows, the row of `otherwise` (k, m).
        """
        cdef const double *x = rows_of(rows, "rows", -1, self.n)
        cdef Py_ssize_t i, j, f, m = rows.shape[1]
        cdef cnp.ndarray out = np.zeros((self.k, m))
        cdef cnp.ndarray total = np.zeros(self.k)
        cdef double *sums = <double *>cnp.PyArray_DATA(out)
        cdef double *weight = <double *>cnp.PyArray_DATA(total)
        cdef const double *other = rows_of(otherwise, "otherwise", m, self.k)
        cdef double w
        with nogil:
            for i in range(self.n):
                j = self.now.first[i]
                w = 1 if self.w == NULL else self.w[i]
                weight[j] += w
                for f in range(m):
                    sums[j * m + f] += w * x[i * m + f]
            for j in range(self.k):
                for f in range(m):
                    sums[j * m + f] = (sums[j * m + f] / weight[j] if weight[j] > 0
                                       else other[j * m + f])
        return out

    def set_centers(self, cnp.ndarray centers not None):
        """Take these centers (k, d) as they are."""
        memcpy(self.now.center, rows_of(centers, "centers", self.d, self.k),
               self.k * self.d * sizeof(double))
        with nogil:
            self.assign_all()
        self.keep()

    def keep(self):
        """Remember this state: `give_back` returns to it."""
        self.store()

    def give_back(self):
        self.restore()

    def potentials(self):
        """Weighted squared distance of each row to its center: (n,)."""
        cdef cnp.ndarray out = np.empty(self.n)
        cdef double *to = <double *>cnp.PyArray_DATA(out)
        cdef Py_ssize_t i
        for i in range(self.n):
            to[i] = self.now.sq_first[i] if self.w == NULL else self.w[i] * self.now.sq_first[i]
        return out

    def removal_costs(self):
        """The increase of the inertia if one center were removed and nothing else moved: (k,)."""
        cdef cnp.ndarray out = np.zeros(self.k)
        cdef double *cost = <double *>cnp.PyArray_DATA(out)
        cdef Py_ssize_t i
        for i in range(self.n):
            cost[self.now.first[i]] += ((1 if self.w == NULL else self.w[i])
                                        * (self.now.sq_second[i] - self.now.sq_first[i]))
        return out

    def best_removal(self, Py_ssize_t candidate):
        """The center to remove when this row becomes a center, and the increase of the inertia
        before anything else moves.
        """
        cdef double change
        cdef Py_ssize_t best
        check_index(candidate, self.n, "row")
        with nogil:
            self.removals(&candidate, 1, &best, &change)
        return best, change

    def plusplus(self, cnp.ndarray uniforms not None):
        """Centers drawn by k-means++, one number in [0, 1) for each: (k, d)."""
        cdef const double *u = <const double *>values_of(uniforms, cnp.NPY_FLOAT64, "uniforms", 1,
                                                         self.k)
        cdef cnp.ndarray out = np.empty((self.k, self.d))
        cdef double *to = <double *>cnp.PyArray_DATA(out)
        cdef double *near = self.now.sq_first       # overwritten: centers must be set after this
        cdef double total, target, w
        cdef double sq[BLOCK]
        cdef Py_ssize_t c, i, start, stop, row
        with nogil:
            for i in range(self.n):
                near[i] = 1
            for c in range(self.k):
                total = 0
                for i in range(self.n):
                    total += near[i] if self.w == NULL else self.w[i] * near[i]
                target = u[c] * total
                total = 0
                row = 0
                for i in range(self.n):
                    w = near[i] if self.w == NULL else self.w[i] * near[i]
                    if w > 0:
                        row = i
                    total += w
                    if total > target:
                        break
                memcpy(to + c * self.d, self.row + row * self.d, self.d * sizeof(double))
                for start from 0 <= start < self.n by BLOCK:
                    stop = min(start + BLOCK, self.n)
                    self.block_distances(to + c * self.d, start, sq)
                    for i in range(start, stop):
                        near[i] = sq[i - start] if c == 0 or sq[i - start] < near[i] else near[i]
        self.work += <double>self.n * self.k
        return out

    def swap(self, Py_ssize_t center, Py_ssize_t row):
        """Put a center on a row."""
        check_index(center, self.k, "center")
        check_index(row, self.n, "row")
        with nogil:
            self.put(center, row)

    def lloyd(self, int max_iter, double target):
        """Lloyd iterations from the present state until no center moves (True), or until `target`
        is out of reach (False).
        """
        cdef bint reached
        with nogil:
            reached = self.settle(min(max_iter, self.most_iterations), target, INFINITY)
        return reached

    def swaps(self, cnp.ndarray uniforms not None, Py_ssize_t failed, Py_ssize_t patience,
              double budget):
        """Try a swap for each row of `uniforms` (m, trials), from the state that was kept last:
        numbers in [0, 1) that draw rows in proportion to their potentials. Of these rows and all
        centers, the pair whose swap is best before anything else moves is tried, and kept if it is
        better once Lloyd's iterations have ended.

        Ends earlier after `patience` failures in a row, of which `failed` have been before, or when
        `work` reaches the budget. Returns the failures in a row so far.
        """
        cdef Py_ssize_t trials = uniforms.shape[1], t, at, row, chosen
        cdef Py_ssize_t[TRIALS] drawn
        cdef Py_ssize_t[TRIALS] centers
        cdef double[TRIALS] changes
        cdef const double *u = rows_of(uniforms, "uniforms", trials)
        cdef double best, total
        cdef bint fresh = True
        check_index(trials - 1, TRIALS, "trial")
        with nogil:
            for at in range(uniforms.shape[0]):
                if failed >= patience or self.work >= budget:
                    break
                best = self.now.inertia
                if fresh:
                    fresh = False
                    total = 0
                    for row in range(self.n):
                        total += (self.now.sq_first[row] if self.w == NULL
                                  else self.w[row] * self.now.sq_first[row])
                        self.running[row] = total
                    if not total > 0:
                        failed = patience
                        break
                for t in range(trials):
                    drawn[t] = self.draw(u[at * trials + t])
                self.removals(drawn, trials, centers, changes)
                chosen = 0
                for t in range(1, trials):
                    if changes[t] < changes[chosen]:
                        chosen = t
                self.put(centers[chosen], drawn[chosen])
                self.settle(100, best, budget)
                if self.now.inertia < best * (1 - 1e-9):
                    failed = 0
                    fresh = True
                    self.store()
                else:
                    failed += 1
                    self.restore()
        return failed

    def hartigan(self, int max_passes, double budget=INFINITY):
        """Move single rows while that lowers the inertia (Hartigan & Wong 1979), until `work`
        reaches the budget: returns the moves made.
        """
        cdef Py_ssize_t moves, j
        with nogil:
            if self.update() > 0:
                self.assign_moved()
            moves = self.move_rows(max_passes, budget)
            self.n_moved = 0
            for j in range(self.k):
                if self.gain[j] > 0:
                    self.moved[self.n_moved] = <int32_t>j
                    self.n_moved += 1
            self.assign_moved()
        return moves

    # -- inside ------------------------------------------------------------------------------------

    cdef void store(self) noexcept nogil:
        cdef char *start = <char *>self.now.center
        memcpy(self.kept.center, start, <char *>(self.now.second + self.n) - start)
        self.kept.inertia = self.now.inertia

    cdef void restore(self) noexcept nogil:
        memcpy(self.now.center, self.kept.center,
               <char *>(self.kept.second + self.n) - <char *>self.kept.center)
        self.now.inertia = self.kept.inertia

    cdef Py_ssize_t draw(self, double u) noexcept nogil:
        """The first row at which the running sum of the potentials exceeds this share of all; never
        one after the last that has any.
        """
        cdef Py_ssize_t low = 0, high = self.n - 1, middle
        cdef double total = self.running[self.n - 1]
        while low < high:
            middle = (low + high) // 2
            if self.running[middle] > u * total or self.running[middle] >= total:
                high = middle
            else:
                low = middle + 1
        return low

    cdef void put(self, Py_ssize_t center, Py_ssize_t row) noexcept nogil:
        """Put a center on a row."""
        memcpy(self.now.center + center * self.d, self.row + row * self.d, self.d * sizeof(double))
        self.moved[0] = <int32_t>center
        self.n_moved = 1
        self.assign_moved()

    cdef bint settle(self, int max_iter, double target, double budget) noexcept nogil:
        """`lloyd`, until `work` reaches the budget."""
        cdef int i
        cdef double before, fall
        for i in range(max_iter):
            before = self.now.inertia
            if self.work >= budget or self.update() == 0:
                break
            self.assign_moved()
            fall = before - self.now.inertia
            # Iterations mostly gain less than the one before: give up if two more like the last
            # would not be enough.
            if i > 1 and self.now.inertia - target > 2 * fall:
                return False
            if fall < 1e-5 * self.now.inertia:
                break
        return True

    cdef void look_away(self, const double *c, double *away) noexcept nogil:
        """Lower bounds of the distances of this point to the centers."""
        cdef Py_ssize_t j
        for j in range(self.k):
            away[j] = SURE * sqrt(sq_distance(c, self.now.center + j * self.d, self.d))

    cdef bint out_of_reach(self, const double *away, const double *limit, Py_ssize_t start,
                           Py_ssize_t stop) noexcept nogil:
        """Whether no row of a block is nearer to a point than its limit, a squared distance; given
        are the distances of the point to the centers.
        """
        cdef Py_ssize_t i, near = 0
        cdef const int32_t *first = self.now.first
        cdef const double *sq = self.now.sq_first
        for i in range(start, stop):
            near += away[first[i]] < sqrt(sq[i]) + sqrt(limit[i])
        return near == 0

    cdef void removals(self, const Py_ssize_t *candidates, Py_ssize_t m, Py_ssize_t *centers,
                       double *changes) noexcept nogil:
        """`best_removal` for each of up to TRIALS candidates."""
        cdef Py_ssize_t i, j, t, start, stop, best
        cdef double w
        cdef double sq[BLOCK]
        cdef double saved[TRIALS]
        cdef double *gain
        cdef bint wide = self.rows_away > 0
        for t in range(m):
            saved[t] = 0
            for j in range(self.k):
                self.gain[t * self.k + j] = 0
            if wide:
                self.look_away(self.row + candidates[t] * self.d, self.away + t * self.k)
                self.work += <double>self.k + <double>self.n / self.d
        for start from 0 <= start < self.n by BLOCK:
            stop = min(start + BLOCK, self.n)
            for t in range(m):
                gain = self.gain + t * self.k
                if wide and self.out_of_reach(self.away + t * self.k, self.now.sq_second, start,
                                              stop):
                    for i in range(start, stop):
                        w = 1 if self.w == NULL else self.w[i]
                        gain[self.now.first[i]] += w * (self.now.sq_second[i]
                                                        - self.now.sq_first[i])
                    continue
                self.block_distances(self.row + candidates[t] * self.d, start, sq)
                self.work += stop - start
                for i in range(start, stop):
                    w = 1 if self.w == NULL else self.w[i]
                    if sq[i - start] < self.now.sq_first[i]:
                        saved[t] += w * (self.now.sq_first[i] - sq[i - start])
                    elif sq[i - start] < self.now.sq_second[i]:
                        gain[self.now.first[i]] += w * (sq[i - start] - self.now.sq_first[i])
                    else:
                        gain[self.now.first[i]] += w * (self.now.sq_second[i]
                                                        - self.now.sq_first[i])
        for t in range(m):
            gain = self.gain + t * self.k
            best = 0
            for j in range(1, self.k):
                if gain[j] < gain[best]:
                    best = j
            centers[t] = best
            changes[t] = gain[best] - saved[t]

    cdef Py_ssize_t move_rows(self, int max_passes, double budget) noexcept nogil:
        """Move rows, as `hartigan` does; the stored distances of rows are not updated.

        self.gain     OUT (k,)  how far each center has moved, at most
        self.running  (n,)      how far each row was, before, from all centers but its own, at least
        """
        cdef Py_ssize_t moves = 0, here, i, j, a, best, d = self.d, k = self.k, looked
        cdef double w, out, into, least, own, others, farthest = 0, lightest = INFINITY, sq
        cdef double *drift = self.gain
        cdef const double *x
        cdef int each
        for j in range(k):
            drift[j] = 0
            lightest = min(lightest, self.now.weight[j])
        for i in range(self.n):
            self.running[i] = SURE * sqrt(self.now.sq_second[i])
        for each in range(max_passes):
            here = looked = 0
            for i in range(self.n):
                if self.work + looked >= budget:
                    break
                a = self.now.first[i]
                w = 1 if self.w == NULL else self.w[i]
                if self.now.count[a] <= 1:
                    continue
                if not self.now.weight[a] - w > ROUNDING * self.now.most[a]:
                    continue                     # the rest's weight is not known
                others = self.running[i] - farthest
                if others > 0:
                    own = sqrt(self.now.sq_first[i]) + drift[a]
                    if (own * own * self.now.weight[a] * (lightest + w)
                            <= SURE * others * others * lightest * (self.now.weight[a] - w)):
                        continue
                x = self.row + i * d
                sq = sq_distance(x, self.now.center + a * d, d)
                out = sq * self.now.weight[a] / (self.now.weight[a] - w)
                looked += 1
                if others > 0 and (out * (lightest + w)
                                   <= SURE * others * others * lightest):
                    continue
                least = out * (1 - 1e-12)
                best = -1
                looked += k
                for j in range(k):
                    if j != a:
                        into = sq_distance(x, self.now.center + j * d,
                                           d) * self.now.weight[j] / (self.now.weight[j] + w)
                        if into < least:
                            least = into
                            best = j
                if best < 0:
                    continue
                here += 1
                # The centers move by w / (weight without it) of its distance, and less.
                drift[a] += 1.001 * sqrt(sq) * w / (self.now.weight[a] - w)
                drift[best] += 1.001 * sqrt(sq_distance(x, self.now.center + best * d, d)) * w / (
                    self.now.weight[best] + w)
                farthest = max(farthest, drift[a], drift[best])
                self.shift(a, x, -w)
                self.shift(best, x, w)
                lightest = min(lightest, self.now.weight[a])
                self.now.count[a] -= 1
                self.now.count[best] += 1
                self.now.first[i] = <int32_t>best
                self.running[i] = 0              # unknown for its new center
            self.work += looked
            moves += here
            if here == 0 or self.work >= budget:
                break
        return moves

    cdef void shift(self, Py_ssize_t j, const double *x, double w) noexcept nogil:
        """Add w times a row to a cluster, and move its center."""
        cdef Py_ssize_t f, d = self.d
        self.now.weight[j] += w
        self.now.most[j] = max(self.now.most[j], self.now.weight[j])
        for f in range(d):
            self.now.sums[j * d + f] += w * x[f]
            self.now.center[j * d + f] = self.now.sums[j * d + f] / self.now.weight[j]

    cdef void block_distances(self, const double *c, Py_ssize_t start,
                              double *out) noexcept nogil:
        """Squared distances (BLOCK,) of the rows of a block to a point."""
        cdef double sq[BLOCK]
        cdef double t, v
        cdef const double *x = self.column + start * self.d
        cdef Py_ssize_t i, f
        v = c[0]
        for i in range(BLOCK):
            t = x[i] - v
            sq[i] = t * t
        for f in range(1, self.d):
            x += BLOCK
            v = c[f]
            for i in range(BLOCK):
                t = x[i] - v
                sq[i] += t * t
        memcpy(out, sq, BLOCK * sizeof(double))

    cdef void lay_across(self) noexcept nogil:
        cdef Py_ssize_t j, f
        for j in range(self.k):
            for f in range(self.d):
                self.across[f * self.k + j] = self.now.center[j * self.d + f]

    cdef void scan_row(self, Py_ssize_t i) noexcept nogil:
        """The two nearest of all centers, the lower index of equally near ones."""
        cdef Py_ssize_t j, f
        cdef double a = INFINITY, b = INFINITY, c = INFINITY, t, v
        cdef int32_t first = 0, second = 0
        cdef const double *x = self.row + i * self.d
        cdef const double *center = self.across
        cdef double *sq = self.reach
        v = x[0]
        for j in range(self.k):
            t = v - center[j]
            sq[j] = t * t
        for f in range(1, self.d):
            v = x[f]
            center += self.k
            for j in range(self.k):
                t = v - center[j]
                sq[j] += t * t
        for j in range(self.k):
            v = sq[j]
            if v >= c:
                continue
            if v < a:
                c = b
                b = a
                second = first
                a = v
                first = <int32_t>j
            elif v < b:
                c = b
                b = v
                second = <int32_t>j
            else:
                c = v
        self.now.sq_first[i] = a
        self.now.sq_second[i] = b
        self.now.sq_rest[i] = c
        self.now.first[i] = first
        self.now.second[i] = second

    cdef void assign_all(self) noexcept nogil:
        """Compute the whole state from the centers."""
        cdef Nearest near
        cdef double sq[BLOCK]
        cdef Py_ssize_t i, j, f, start, count, d = self.d
        cdef double w
        cdef const double *x
        for j in range(self.k):
            self.now.weight[j] = 0
            self.now.count[j] = 0
            self.touched[j] = 1
        for j in range(self.k * d):
            self.now.sums[j] = 0
        self.now.inertia = 0
        for start from 0 <= start < self.n by BLOCK:
            count = min(self.n - start, BLOCK)
            for i in range(count):
                near.first[i] = near.second[i] = near.rest[i] = INFINITY
                near.first_id[i] = near.second_id[i] = 0
            for j in range(self.k):
                self.block_distances(self.now.center + j * d, start, sq)
                offer(&near, sq, <double>j, count)
            for i in range(count):
                self.remember(&near, i, start + i)
                w = 1 if self.w == NULL else self.w[start + i]
                j = self.now.first[start + i]
                self.now.weight[j] += w
                self.now.count[j] += 1
                x = self.row + (start + i) * d
                for f in range(d):
                    self.now.sums[j * d + f] += w * x[f]
                self.now.inertia += w * near.first[i]
        memcpy(self.now.most, self.now.weight, self.k * sizeof(double))
        self.work += <double>self.n * self.k

    cdef inline void remember(self, const Nearest *near, Py_ssize_t at,
                              Py_ssize_t i) noexcept nogil:
        """Store the results at this place for row i."""
        self.now.sq_first[i] = near.first[at]
        self.now.sq_second[i] = near.second[at]
        self.now.sq_rest[i] = near.rest[at]
        self.now.first[i] = <int32_t>near.first_id[at]
        self.now.second[i] = <int32_t>near.second_id[at]

    cdef Py_ssize_t concerned(self, Py_ssize_t start, Py_ssize_t count, double *sq,
                              Py_ssize_t batch, Py_ssize_t *which) noexcept nogil:
        """Of `count` rows from `start` on those that centers in `moved` were, are or may be near
        to: returns how many. Sets `passed` of the centers that are proven to be near none.

        sq     OUT (batch, BLOCK)  squared distances to the first `batch` of those centers that are
        not passed over; with more, the last row is overwritten
        which  OUT (count,)        their places in the block
        """
        cdef double lowest[BLOCK]
        cdef int32_t named[BLOCK]
        cdef const int32_t *first = self.now.first + start
        cdef const int32_t *second = self.now.second + start
        cdef const double *rest = self.now.sq_rest + start
        cdef double *to
        cdef int32_t center, any_named = 0
        cdef Py_ssize_t m, i, found = 0
        for i in range(count):
            lowest[i] = INFINITY
            named[i] = self.is_moved[first[i]] | self.is_moved[second[i]]
            any_named |= named[i]
        for m in range(self.n_moved):
            self.passed[m] = (any_named == 0 and m < self.rows_away
                              and self.out_of_reach(self.away + m * self.k, self.now.sq_rest, start,
                                                    start + count))
            if self.passed[m]:
                continue
            center = self.moved[m]
            to = sq + min(m, batch - 1) * BLOCK
            self.block_distances(self.now.center + center * self.d, start, to)
            self.work += count
            for i in range(count):
                lowest[i] = to[i] if to[i] < lowest[i] else lowest[i]
        for i in range(count):
            which[found] = i
            found += named[i] | (lowest[i] < rest[i])
        return found

    cdef void assign_moved(self) noexcept nogil:
        """Bring every row up to date after the centers in `moved` have moved."""
        cdef Nearest near
        cdef double sq[16 * BLOCK]
        cdef double lane[BLOCK]
        cdef Py_ssize_t which[BLOCK + 1]
        cdef Py_ssize_t i, j, m, f, start, count, found, at, a, d = self.d, rescans = 0
        cdef Py_ssize_t batch = min(self.n_moved, <Py_ssize_t>16)
        cdef double w
        cdef const double *x
        cdef int32_t center
        if 2 * self.n_moved > self.k:
            self.assign_all()
            return
        self.lay_across()
        for m in range(self.n_moved):
            self.is_moved[self.moved[m]] = 1
        for m in range(min(self.n_moved, self.rows_away)):
            self.look_away(self.now.center + self.moved[m] * d, self.away + m * self.k)
            self.work += <double>self.k + <double>self.n / d
        for start from 0 <= start < self.n by BLOCK:
            count = min(self.n - start, BLOCK)
            found = self.concerned(start, count, sq, batch, which)
            for at in range(found):              # side by side in `near`
                i = start + which[at]
                near.first[at] = self.now.sq_first[i]
                near.second[at] = self.now.sq_second[i]
                near.rest[at] = self.now.sq_rest[i]
                near.first_id[at] = self.now.first[i]
                near.second_id[at] = self.now.second[i]
                if self.is_moved[self.now.second[i]]:
                    near.second[at] = INFINITY
                if self.is_moved[self.now.first[i]]:
                    near.first[at] = near.second[at]
                    near.first_id[at] = near.second_id[at]
                    near.second[at] = INFINITY
            for m in range(self.n_moved):
                if self.passed[m]:               # farther than `sq_rest` from all of these
                    continue
                center = self.moved[m]
                for at in range(found):
                    i = which[at]
                    lane[at] = (sq[m * BLOCK + i] if m < batch - 1 or self.n_moved <= batch
                                     else sq_distance(self.row + (start + i) * d,
                                                      self.now.center + center * d, d))
                offer(&near, lane, <double>center, found)
            for at in range(found):
                i = start + which[at]
                a = self.now.first[i]
                w = 1 if self.w == NULL else self.w[i]
                # All that is known of the other centers is that they are not nearer than sq_rest.
                if near.second[at] > self.now.sq_rest[i]:
                    self.scan_row(i)
                    rescans += 1
                else:
                    self.remember(&near, at, i)
                j = self.now.first[i]
                if j != a:
                    self.touched[a] = 1
                    self.touched[j] = 1
                    self.now.count[a] -= 1
                    self.now.count[j] += 1
                    self.now.weight[a] -= w
                    self.now.weight[j] += w
                    self.now.most[j] = max(self.now.most[j], self.now.weight[j])
                    x = self.row + i * d
                    for f in range(d):
                        self.now.sums[a * d + f] -= w * x[f]
                        self.now.sums[j * d + f] += w * x[f]
        self.now.inertia = self.sum_up()
        for m in range(self.n_moved):
            self.is_moved[self.moved[m]] = 0
            self.touched[self.moved[m]] = 1
        self.work += <double>rescans * self.k

    cdef double sum_up(self) noexcept nogil:
        """The inertia, in eight sums side by side."""
        cdef double lanes[8]
        cdef const double *sq = self.now.sq_first
        cdef Py_ssize_t i, lane, even = self.n // 8 * 8
        for lane in range(8):
            lanes[lane] = 0
        if self.w == NULL:
            for i from 0 <= i < even by 8:
                for lane in range(8):
                    lanes[lane] += sq[i + lane]
        else:
            for i from 0 <= i < even by 8:
                for lane in range(8):
                    lanes[lane] += self.w[i + lane] * sq[i + lane]
        for i in range(even, self.n):
            lanes[0] += sq[i] if self.w == NULL else self.w[i] * sq[i]
        return (((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))
                + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7])))

    cdef void add_up(self) noexcept nogil:
        """Compute sums from the rows again if rows that left were so heavy that only rounding
        errors may be left of the others.
        """
        cdef Py_ssize_t i, j, f, d = self.d
        cdef double w
        for j in range(self.k):
            self.now.weight[j] = 0
        for j in range(self.k * d):
            self.now.sums[j] = 0
        for i in range(self.n):
            j = self.now.first[i]
            w = 1 if self.w == NULL else self.w[i]
            self.now.weight[j] += w
            for f in range(d):
                self.now.sums[j * d + f] += w * self.row[i * d + f]
        memcpy(self.now.most, self.now.weight, self.k * sizeof(double))

    cdef Py_ssize_t update(self) noexcept nogil:
        """Move the centers of clusters that changed to their means: returns how many moved."""
        cdef Py_ssize_t j, f, d = self.d
        cdef double mean
        cdef bint moved
        self.n_moved = 0
        for j in range(self.k):
            if (self.touched[j] and self.now.count[j] > 0
                and not self.now.weight[j] > ROUNDING * self.now.most[j]):
                self.add_up()
                break
        for j in range(self.k):
            if not self.touched[j]:
                continue
            self.touched[j] = 0
            if self.now.count[j] == 0:         # stays where it is, free of what rounding left in
                                               # its sums
                self.now.weight[j] = 0
                for f in range(d):
                    self.now.sums[j * d + f] = 0
                continue
            moved = False
            for f in range(d):
                mean = self.now.sums[j * d + f] / self.now.weight[j]
                moved = moved or mean != self.now.center[j * d + f]
                self.now.center[j * d + f] = mean
            if moved:
                self.moved[self.n_moved] = <int32_t>j
                self.n_moved += 1
        return self.n_moved
