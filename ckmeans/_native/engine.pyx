"""The engine: data prepared once, Lloyd iterations over it, seeding, and everything else that passes over the rows.

`Data` holds one data set and every pass over it; `Run` is one k-means run from given centers, with the iteration loop and the
stopping rule. Kernels come from the tables of the instruction set in use; threads from the crew.
"""
cimport cython
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.limits cimport INT_MAX
from libc.math cimport fabs, fma, frexp, ldexp, sqrt, INFINITY
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memchr, memcpy, memset
cimport numpy as cnp
from collections import namedtuple
from fractions import Fraction
import os

import numpy as np
from ckmeans._native.kernels cimport *

cnp.import_array()

cdef extern from "simd.h" nogil:
    int CKM_CTZ64(uint64_t)

cdef extern from "cpu.h":
    int ckm_has_avx2()
    int ckm_has_avx512()
    int ckm_has_avx512vnni()
    const char *CKM_COMPILER

cdef extern from "simd.h":
    enum: CKM_DEBUG_BOUNDS

cdef extern from "build_info.h":
    const char *CKM_INSTRUCTION_SETS
    const char *CKM_FLAGS

cdef enum:
    MOST_WALKED = 250000         # features times threads up to which there is room for walks, 150 bytes each
    FEW = 16                     # rows below which centers are not put in the forms that fast kernels read

cdef double SPARE = ldexp(1, -30)     # of its range that a sum of three parts can spare: its value is hardly ever in doubt

LOST = 1e-6                           # share of a variance that its moments may leave over; else these are made anew, without loss

#: Threads that a pass is shared out to, at most: more than so many for each CPU only cost time and memory.
MOST_THREADS = max(64, 4 * (os.cpu_count() or 1))
cdef int most_threads = MOST_THREADS

cdef FilterTable *filter_table
cdef ExactTable *exact_tables[2]      # float32, float64
cdef ExactTable *csr_tables[2]        # the same, of rows in CSR form


#: Instruction sets that the kernels were built for, from the narrowest to the widest; the flags that all were built with, and by what.
BUILT = tuple(CKM_INSTRUCTION_SETS.decode().split())
FLAGS = CKM_FLAGS.decode()
COMPILER = CKM_COMPILER.decode()

#: Whether this is a debug build, in which a bound that true distances do not keep raises AssertionError.
DEBUG_BOUNDS = bool(CKM_DEBUG_BOUNDS)


def largest_magnitude(const double[:, ::1] values):
    """The largest magnitude of any value; NaN where one is NaN."""
    cdef double largest = 0, odd = 0
    cdef Py_ssize_t i, f
    for i in range(values.shape[0]):
        for f in range(values.shape[1]):
            largest = max(largest, fabs(values[i, f]))
            odd += 0 if values[i, f] == values[i, f] else 1
    return largest if odd == 0 else float("nan")


def cpu_features():
    """Names of the wide instruction sets that this CPU has."""
    return [name for name, there in (("avx2", ckm_has_avx2()), ("avx512", ckm_has_avx512()), ("avx512vnni", ckm_has_avx512vnni()))
            if there]


def use_tables(filter_, exact_f32, exact_f64):
    """Take the kernels in the modules of one instruction set; called once, at import."""
    global filter_table
    filter_table = <FilterTable *>PyCapsule_GetPointer(filter_.table, "ckmeans.filter")
    for i, exact in enumerate((exact_f32, exact_f64)):
        exact_tables[i] = <ExactTable *>PyCapsule_GetPointer(exact.table, "ckmeans.exact")
        csr_tables[i] = <ExactTable *>PyCapsule_GetPointer(exact.csr_table, "ckmeans.exact")


cdef class Memory:
    """Cache-line aligned blocks that live as long as this object."""
    cdef void *blocks[32]
    cdef int used

    def __dealloc__(self):
        cdef int i
        for i in range(self.used):
            free(self.blocks[i])

    cdef void *take(self, size_t count, size_t size, bint raw=False) except NULL:
        """Room for `count` things of this size; `raw`: as it comes, not zeroed."""
        cdef char *block
        if self.used == 32:
            raise RuntimeError("too many blocks of memory for one owner")
        if (size and count > (<size_t>-1 - 64) // size):
            raise MemoryError()
        block = <char *>malloc(count * size + 64) if raw else <char *>calloc(1, count * size + 64)
        if block == NULL:
            raise MemoryError(f"could not allocate {count * size} bytes")
        self.blocks[self.used] = block
        self.used += 1
        ckm_want_huge_pages(block, count * size + 64)
        return block + 64 - (<size_t>block) % 64


include "entry.pxi"
include "crew.pxi"
include "threads.pxi"
include "sums.pxi"
include "centers.pxi"
include "roots.pxi"
include "linear_algebra.pxi"
include "spatial_order.pxi"
include "draw_order.pxi"
include "csr.pxi"


KINDS = {"f8": KIND_F64, "f4": KIND_F32, "f2": KIND_F16, "i1": KIND_I8, "u1": KIND_U8, "i2": KIND_I16, "u2": KIND_U16,
         "i4": KIND_I32, "u4": KIND_U32, "i8": KIND_I64, "u8": KIND_U64, "b1": KIND_BOOL}


cdef int open_rows(Rows *rows, cnp.ndarray array) except -1:
    if cnp.PyArray_NDIM(array) != 2 or not cnp.PyArray_ISALIGNED(array) or not cnp.PyArray_ISNOTSWAPPED(array):
        raise ValueError("rows must be a two-dimensional array, aligned, of native byte order.")
    if cnp.PyArray_DIM(array, 1) < 1:
        raise ValueError("rows must have one feature at least.")
    memset(rows, 0, sizeof(Rows))
    rows.data = <const char *>cnp.PyArray_DATA(array)
    rows.n = cnp.PyArray_DIM(array, 0)
    rows.d = cnp.PyArray_DIM(array, 1)
    rows.row_stride = cnp.PyArray_STRIDE(array, 0)
    rows.col_stride = cnp.PyArray_STRIDE(array, 1)
    if cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT32:
        rows.kind = KIND_F32
    elif cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT64:
        rows.kind = KIND_F64
    elif array.dtype.str[1:] in KINDS:
        rows.kind = KINDS[array.dtype.str[1:]]
    else:
        raise TypeError(f"rows of {array.dtype} cannot be read in place.")
    rows.direct = cnp.PyArray_IS_C_CONTIGUOUS(array) and rows.kind in (KIND_F32, KIND_F64)
    return 0


cdef int32_t *labels_of(cnp.ndarray labels, Py_ssize_t n, Py_ssize_t k, Memory memory, int32_t least=0) except NULL:
    """A copy of labels (n,) from `least` to k - 1: they become addresses, and the array may change at any time."""
    cdef const int32_t *given = <const int32_t *>values_of(labels, cnp.NPY_INT32, "labels", 1, n)
    cdef int32_t *out = <int32_t *>memory.take(n, sizeof(int32_t), True)
    cdef int32_t low = least, high = least
    cdef Py_ssize_t i
    memcpy(out, given, n * sizeof(int32_t))
    for i in range(n):
        low = min(low, out[i])
        high = max(high, out[i])
    if low < least or high >= k:
        raise ValueError(f"labels must be from {least} to {k - 1}, got {low} to {high}.")
    return out


cdef class Data:
    """Rows of one data set, scanned and packed once; all passes over it.

    Parameters
    ----------
    array : ndarray of shape (n, d), or SparseRows
        Aligned, of a native type in KINDS, any strides. Read in place and never written to.
    weights : ndarray of shape (n,), float64, C-contiguous, or None
    n_threads : int
        At least 1; more than MOST_THREADS are taken for so many.
    packed : bool
        Whether runs keep a packed copy of the rows (4 n d bytes; in whole numbers 2 n d), or pack them anew in every pass.
    scan : bool
        Whether to scan the rows at once; without, only `assign` may be used until `scan` has been called.
    unit : bool
        Whether rows are taken at unit length, wherever they are read, and centers that are passed in, too: cosine k-means. `weights`
        are then without those of rows that have no direction; `inertia` is the sum of cosine distances, `distances` gives those.

    Attributes
    ----------
    finite : bool
        Whether all values are finite; nothing else may be used otherwise.
    low, high : ndarray of shape (d,)
        Smallest and largest value of each column.
    weights : ndarray or None
    """
    cdef readonly object array
    cdef object held                     # keeps what `rows` points to
    cdef Memory memory
    cdef Rows rows
    cdef const double *weight            # (n,) or NULL
    cdef const double *given_weight      # (n,) or NULL; `weight` is 0 where rows have no direction
    cdef object given_weights            # keeps what `given_weight` points to
    cdef readonly bint unit
    cdef bint single                     # results are float32
    cdef bint narrow                     # and so are the rows, as they are read
    cdef ExactTable *exact
    cdef Threads threads
    cdef Worker *workers                 # (n_threads,) those of `threads`
    cdef readonly int n_threads
    cdef bint packed
    cdef bint adopted                    # the ranges are copies of those of a whole; see block.pxi
    cdef double *low_
    cdef double *high_
    cdef double largest_weight
    cdef double lightest                 # the smallest positive weight, 1 at the most; -1 until it is known
    cdef double terms                    # rows that exact sums are cut for: n, or more where these rows are a block of a larger whole
    cdef dict packings                   # type -> Packing, of those that were asked for
    cdef Floats floats                   # the first of them
    cdef double spent                    # nanoseconds of comparing all rows with all centers so far, by the model
    cdef Sums sums
    cdef double variance_                # mean weighted variance of the columns; -1 until it is known
    cdef double *tiny                    # (d,) smallest magnitude but zero in each column
    cdef Py_ssize_t most_values          # CSR: in a row, at least 1; else 0
    cdef int64_t *stored                 # CSR: (d,) values in each column
    cdef bint whole                      # CSR: all values are whole numbers
    cdef DrawOrder draw_order            # None until rows are drawn
    cdef double *squares_                # CSR: (n,) squared norm of each row, once it was asked for
    cdef Data whole_data                 # what this is a batch of, whose ranges it shares; or None
    cdef readonly bint finite
    cdef readonly bint overflow          # the last `assign` or `distances` met rows to look at: too large, or not finite
    cdef readonly object low, high
    cdef readonly object weights

    def __cinit__(self, array, weights, int n_threads, bint packed, bint scan=True, bint unit=False):
        cdef Py_ssize_t i
        self.array = self.held = array
        self.weights = self.given_weights = weights
        self.memory = Memory()
        self.packings = {}
        if isinstance(array, np.ndarray):
            open_rows(&self.rows, array)
        else:
            self.held = open_csr(&self.rows, array, &self.most_values)
            packed = False
        self.exact = exact_tables[self.rows.kind != KIND_F32]
        if self.rows.indptr != NULL:
            self.exact = csr_tables[self.rows.kind != KIND_F32]
        self.largest_weight = 1
        self.lightest = -1
        self.terms = self.rows.n
        if weights is not None:
            self.weight = <const double *>values_of(<cnp.ndarray?>weights, cnp.NPY_FLOAT64, "weights", 1, self.rows.n)
            self.given_weight = self.weight
            self.largest_weight = weights.max(initial=0.0)
        self.threads = Threads(n_threads)
        self.workers = self.threads.workers
        self.n_threads = self.threads.n
        self.packed = packed
        if self.rows.indptr == NULL:         # (for few rows, zeroing would take as long as the rest)
            self.threads.room_for_rows(self.rows.d, not scan and self.rows.n < FEW)
        else:
            self.threads.room_for_csr_rows(self.rows.d, self.most_values, self.exact)
        self.variance_ = -1
        self.single = self.narrow = self.rows.kind == KIND_F32
        if unit:
            self.take_units()
        if scan:
            self.scan()

    cdef int use_forms(self, CenterForms forms) except -1:
        """Room for the scores of these centers; with CSR rows to be called before a pass that filters."""
        return self.threads.room_for_scores(forms.c.groups * forms.c.width)

    # -- passes --------------------------------------------------------------------------------------------------------------------

    cdef int each_chunk(self, ChunkFn fn, void *job, double row_cost, Py_ssize_t chunk_rows=0) except -1 nogil:
        """Do fn over all rows. row_cost is in nanoseconds, roughly; chunks are a multiple of PANEL rows."""
        return self.threads.each_chunk(fn, job, self.rows.n, row_cost, chunk_rows)

    cdef int take_units(self) except -1:
        """From now on rows are of unit length, in float64."""
        cdef Py_ssize_t i, n = self.rows.n
        cdef Units job
        cdef double[::1] some
        job.rows = &self.rows
        job.factor = <double *>self.memory.take(n, sizeof(double))
        job.workers = self.workers
        if self.rows.indptr != NULL:
            job.values = <double *>self.memory.take(self.rows.indptr[n] - self.rows.indptr[0], sizeof(double)) - self.rows.indptr[0]
        with nogil:
            self.each_chunk(self.exact.unit_factors, &job,
                            0.3 * self.rows.d + 10 if self.rows.indptr == NULL else 10 + 2 * self.values_of_a_row())
        self.unit, self.narrow = True, False
        self.rows.factor = job.factor
        self.rows.direct = False
        self.exact = exact_tables[1]
        if self.rows.indptr != NULL:
            self.rows.data = <const char *>job.values
            self.rows.kind = KIND_F64
            self.exact = csr_tables[1]
        for i in range(n):
            self.rows.directionless = self.rows.directionless or job.factor[i] == 0
        if self.rows.directionless:
            self.weights = np.ones(n) if self.weights is None else self.weights.copy()
            some = self.weights
            for i in range(n):
                if job.factor[i] == 0:
                    some[i] = 0
            self.weight = &some[0]
        return 0

    def factors(self):
        """What each row is multiplied by to be of unit length, (n,); ones, where rows are as they are."""
        cdef cnp.ndarray out = np.ones(self.rows.n)
        if self.unit:
            memcpy(cnp.PyArray_DATA(out), self.rows.factor, self.rows.n * sizeof(double))
        return out

    cdef const double *used(self, const double *centers, Py_ssize_t k, Memory memory) except NULL:
        """Centers (k, d) as they are used: at unit length where rows are."""
        cdef Py_ssize_t d = self.rows.d, j
        cdef double *out
        if not self.unit:
            return centers
        out = <double *>memory.take(k * d, sizeof(double))
        for j in range(k):
            self.turn(centers + j * d, out + j * d)
        return out

    cdef bint turn(self, const double *x, double *out) noexcept nogil:
        """Bring one vector to unit length; False for one without a direction, which becomes zeros."""
        cdef double factor = self.exact.unit_factor(x, NULL, self.rows.d)
        cdef Py_ssize_t f
        for f in range(self.rows.d):
            out[f] = x[f] * factor
        return factor != 0

    def scan(self):
        """Find the range of each column, and whether all values are finite."""
        cdef Py_ssize_t d = self.rows.d, f
        cdef int i
        cdef Memory memory = Memory()
        cdef Scan job
        job.rows = &self.rows
        job.workers = self.workers
        job.low = <double *>memory.take(self.n_threads * d, sizeof(double))
        job.high = <double *>memory.take(self.n_threads * d, sizeof(double))
        job.tiny = <double *>memory.take(self.n_threads * d, sizeof(double))
        job.bad = <double *>memory.take(self.n_threads * d, sizeof(double))
        if self.rows.indptr != NULL:
            self.stored = job.stored = <int64_t *>self.memory.take(self.n_threads * d, sizeof(int64_t))
            job.fractions = <uint8_t *>memory.take(self.n_threads, 1)
        for f in range(self.n_threads * d):
            job.low[f] = job.tiny[f] = INFINITY
            job.high[f] = -INFINITY
        with nogil:
            self.each_chunk(self.exact.scan, &job, 0.3 * d + 1 if self.rows.indptr == NULL else 2 + 2 * self.values_of_a_row())
        self.low = np.empty(d)
        self.high = np.empty(d)
        self.low_ = <double *>cnp.PyArray_DATA(<cnp.ndarray>self.low)
        self.high_ = <double *>cnp.PyArray_DATA(<cnp.ndarray>self.high)
        self.tiny = <double *>self.memory.take(d, sizeof(double))
        self.finite = True
        for f in range(d):
            self.low_[f] = job.low[f]
            self.high_[f] = job.high[f]
            self.tiny[f] = job.tiny[f]
            for i in range(self.n_threads):
                self.low_[f] = min(self.low_[f], job.low[i * d + f])
                self.high_[f] = max(self.high_[f], job.high[i * d + f])
                self.tiny[f] = min(self.tiny[f], job.tiny[i * d + f])
                self.finite = self.finite and job.bad[i * d + f] == 0
        if self.rows.indptr != NULL:
            for i in range(1, self.n_threads):
                job.fractions[0] |= job.fractions[i]
                for f in range(d):
                    self.stored[f] += self.stored[i * d + f]
            self.whole = not job.fractions[0]
            for f in range(d):
                if self.stored[f] < self.rows.n:     # the others are zero
                    self.low_[f] = min(self.low_[f], 0.0)
                    self.high_[f] = max(self.high_[f], 0.0)

    cdef int need_ranges(self) except -1:
        """The range of each column, of data that was opened without."""
        if self.low_ == NULL:
            self.scan()
        return 0

    cdef int cut_sums(self) except -1:
        """How sums of the rows are cut: in as many parts as it takes to lose nothing, judged by the smallest bit of any term."""
        cdef Py_ssize_t d = self.rows.d, f
        cdef double lightest = self.lightest
        cdef int bit
        cdef double *big
        cdef double *weight_big
        if self.sums.big != NULL:
            return 0
        self.need_ranges()
        if lightest < 0:
            lightest = 1
            if self.weight != NULL:
                for f in range(self.rows.n):
                    if self.weight[f] > 0:
                        lightest = min(lightest, self.weight[f])
        self.sums.parts = 1
        for f in range(d):
            if self.tiny[f] == INFINITY:             # nothing but zeros
                continue
            if self.weight == NULL and (self.rows.kind >= KIND_I8 and not self.unit or self.whole):
                bit = 0
            else:
                bit = last_bit(self.tiny[f] * lightest, 24 if self.weight == NULL and self.narrow else 53)
            self.sums.parts = max(self.sums.parts, parts_for(self.largest_term(f), self.terms, bit))
        self.sums.weight_parts = 1
        if self.weight != NULL:
            self.sums.weight_parts = parts_for(self.largest_weight, self.terms, last_bit(lightest, 53))
        big = <double *>self.memory.take(self.sums.parts * d + self.sums.weight_parts, sizeof(double))
        weight_big = big + self.sums.parts * d
        for f in range(d):
            split_constants(self.largest_term(f), self.terms, big + f, d, self.sums.parts)
        split_constants(self.largest_weight, self.terms, weight_big, 1, self.sums.weight_parts)
        self.sums.weighted = self.weight != NULL
        self.sums.weight_big = weight_big
        self.sums.big = big
        return 0

    cdef double largest_term(self, Py_ssize_t f) noexcept nogil:
        """The largest magnitude that a weight and a value of this column may have together."""
        return self.largest_weight * max(fabs(self.low_[f]), fabs(self.high_[f]))

    cdef int new_survey(self, Memory memory, Survey *job) except -1:
        """A survey about the middle of each column, ready to be done; `finish_survey` has the rest."""
        cdef Py_ssize_t d = self.rows.d, strung = 1, width, f, e
        cdef double *how
        cdef double[4] cut                   # constants of the first moments, then of the second
        cdef double span
        cdef int j
        self.need_ranges()
        if self.rows.indptr != NULL and self.stored == NULL:
            self.scan()                      # a batch has the ranges of the whole, but no counts
        while self.weight == NULL and self.rows.indptr == NULL and strung < PANEL and strung * d < 32:
            strung *= 2
        width = (strung * d + 7) // 8 * 8
        job.part, job.step, job.room = width, 1, SEEN * width
        if self.rows.indptr != NULL and self.weight == NULL:
            job.part, job.step, job.room = 1, COLUMN, COLUMN * width
        how = <double *>memory.take(COLUMN * width, sizeof(double))
        for f in range(d):
            span = self.high_[f] - self.low_[f]
            split_constants(self.largest_weight * span, self.terms, cut, 1, 2)
            split_constants(self.largest_weight * span * span, self.terms, cut + 2, 1, 2)
            for e from f <= e < strung * d by d:
                how[e * job.step] = 0.5 * self.low_[f] + 0.5 * self.high_[f]
                for j in range(4):
                    how[(1 + j) * job.part + e * job.step] = cut[j]
        job.rows = &self.rows
        job.weights = self.weight
        job.strung = strung
        job.width = width
        job.how = how
        job.seen = <double *>memory.take(self.n_threads * job.room, sizeof(double))
        job.workers = self.workers
        return 0

    cdef int finish_survey(self, Survey *job) except -1:
        """Take the variance from a survey that was done; where its middles lie far from the means, do it again about those."""
        cdef int left = 2
        while self.evaluate(job, <double *>job.how):
            if left == 0:
                self.variance_ = -1
                break
            left -= 1
            memset(job.seen, 0, self.n_threads * job.room * sizeof(double))
            with nogil:
                self.each_chunk(self.exact.survey, job, 0.5 * self.rows.d + 2)
        if not self.lost_of_squares() <= LOST * self.variance_ * self.rows.d * self.total_weight():
            self.variance_ = exact_variance(exact_moments(self))
        return 0

    cpdef double lost_of_squares(self):
        """What the second moments of a survey, all columns together, may have left over, at the most; twice that."""
        cdef Py_ssize_t f
        cdef double span, lost = 0
        cdef double[2] cut
        for f in range(self.rows.d):
            span = self.high_[f] - self.low_[f]
            split_constants(self.largest_weight * span * span, self.terms, cut, 1, 2)
            if cut[1] > ldexp(1.5, -1022):    # else its grid is that of all numbers
                lost += self.terms * cut[1] * ldexp(1, -52)
        return lost

    def variance(self):
        """Mean over the columns of their weighted variance."""
        cdef Memory memory = Memory()
        cdef Survey job
        if self.variance_ < 0:
            self.new_survey(memory, &job)
            with nogil:
                self.each_chunk(self.exact.survey, &job, 0.5 * self.rows.d + 2)
            self.finish_survey(&job)
        return self.variance_

    cdef bint evaluate(self, const Survey *job, double *how) except -1:
        """The variance from a survey, whose middle is moved to the mean; True when that was far away."""
        cdef Py_ssize_t d = self.rows.d, part = job.part, step = job.step, f, e
        cdef double *seen = job.seen
        cdef double mean, square, total = self.total_weight(), variance = 0
        cdef bint far = False
        cdef int i, j
        if self.rows.indptr != NULL and self.weight == NULL:
            self.survey_zeros(job)
        for f in range(d):
            # Threads, and columns of strung rows, are put together in the first.
            for i in range(self.n_threads):
                for e from f <= e < job.strung * d by d:
                    if i > 0 or e != f:
                        for j in range(SEEN):
                            seen[j * part + f * step] += seen[i * job.room + j * part + e * step]
            mean = (seen[f * step] + seen[part + f * step]) / total
            square = (seen[2 * part + f * step] + seen[3 * part + f * step]) / total
            variance += max(square - mean * mean, 0.0)
            far = far or mean * mean > 1000 * (square - mean * mean)
            for e from f <= e < job.strung * d by d:
                how[e * step] += mean
        self.variance_ = variance / d
        return far

    cdef Packing packing(self, type way):
        """The rows packed in one way; all runs share it."""
        cdef Packing packing = self.packings.get(way)
        if packing is None:
            self.need_ranges()
            if way is not Floats:
                self.packing(Floats)
            packing = way()
            packing.open(self)
            self.packings[way] = packing
            if way is Floats:
                self.floats = packing
        return packing

    cdef int forget_packings(self, Packing but) except -1:
        """Give back the memory of what this packing takes the place of."""
        cdef Packing packing
        for packing in self.packings.values():
            if packing is not but:
                packing.forget()
        return 0

    cdef double reach(self, const double *origin) noexcept nogil:
        """The largest distance of any value from this origin (d,), feature by feature."""
        cdef double largest = 0
        cdef Py_ssize_t f
        for f in range(self.rows.d):
            largest = max(largest, max(self.high_[f] - origin[f], origin[f] - self.low_[f]))
        return largest

    cdef double largest_value(self) noexcept nogil:
        """The largest magnitude of any value."""
        cdef Py_ssize_t f
        cdef double largest = 0
        for f in range(self.rows.d):
            largest = max(largest, max(self.high_[f], -self.low_[f]))
        return largest

    cdef void round_origin(self, double *origin) noexcept nogil:
        """Of float32 rows bring an origin (d,) to float32, so that rows are packed without a detour to float64."""
        cdef Py_ssize_t f
        for f in range(self.rows.d if self.narrow else 0):
            if fabs(origin[f]) < 1e38:
                origin[f] = <float>origin[f]

    # -- batches -------------------------------------------------------------------------------------------------------------------

    def batch(self, picked, bint packed=False):
        """Some of the rows (int64 indices, perhaps with repetitions) as data: what is known of all need not be found again."""
        picked = np.array(picked, dtype=np.int64, order="C")      # its own: they become addresses
        cdef const int64_t *index = <const int64_t *>values_of(picked, cnp.NPY_INT64, "rows", 1, -1)
        for i in range(len(picked)):
            check_index(index[i], self.rows.n, "row")
        cdef Data out = Data(self.array.take(picked, axis=0), None if self.weights is None else self.weights[picked], self.n_threads,
                             packed, False, self.unit)
        self.cut_sums()
        out.whole_data = self
        out.low, out.high, out.finite, out.whole = self.low, self.high, self.finite, self.whole
        out.low_, out.high_, out.tiny = self.low_, self.high_, self.tiny
        out.largest_weight, out.lightest, out.sums = self.largest_weight, self.lightest, self.sums
        out.terms = max(self.terms, <double>out.rows.n)
        if self.rows.indptr != NULL and not self.unit:
            self.need_squares()
            out.squares_ = <double *>out.memory.take(out.rows.n, sizeof(double))
            for i in range(out.rows.n):
                out.squares_[i] = self.squares_[index[i]]
        return out

    cdef int need_squares(self) except -1:
        """The squared norm of each CSR row."""
        if self.squares_ == NULL:
            self.squares_ = <double *>self.memory.take(self.rows.n, sizeof(double))
            csr_squares(&self.rows, self.squares_)
        return 0

    cdef double total_squares(self) except -1:
        """Weighted sum of the rows' squared norms, exact and rounded once."""
        cdef Memory memory = Memory()
        cdef Py_ssize_t n = self.rows.n, i
        cdef double w = 1
        cdef Wide total
        if self.rows.indptr == NULL:
            return self.measure(<double *>memory.take(self.rows.d, sizeof(double)), 1, <int32_t *>memory.take(n, sizeof(int32_t)), NULL)
        self.need_squares()
        memset(&total, 0, sizeof(Wide))
        for i in range(n):
            w = self.weight[i] if self.weight != NULL else 1
            wide_add(&total, w * self.squares_[i])
        return wide_value(&total)

    # -- what callers ask ----------------------------------------------------------------------------------------------------------

    @property
    def shape(self):
        return self.rows.n, self.rows.d

    cpdef double total_weight(self):
        """Sum of the weights, exact and rounded once."""
        cdef Wide total
        cdef Py_ssize_t i
        if self.weight == NULL:
            return self.rows.n
        memset(&total, 0, sizeof(Wide))
        for i in range(self.rows.n):
            wide_add(&total, self.weight[i])
        return wide_value(&total)

    def take(self, indices):
        """Rows as float64."""
        cdef cnp.ndarray picked = np.ascontiguousarray(indices, dtype=np.int64)
        cdef cnp.ndarray out = np.empty((picked.shape[0], self.rows.d))
        cdef const int64_t *index = <const int64_t *>cnp.PyArray_DATA(picked)
        cdef double *to = <double *>cnp.PyArray_DATA(out)
        cdef Py_ssize_t i
        for i in range(picked.shape[0]):
            if not 0 <= index[i] < self.rows.n:
                raise IndexError(f"row {index[i]} of {self.rows.n}")
            self.exact.read(&self.rows, index[i], to + i * self.rows.d)
        return out

    def keys(self, indices):
        """For each of these rows bytes that only equal rows have: its values, or those that are not zero and their columns."""
        cdef const int64_t[::1] index = np.ascontiguousarray(indices, dtype=np.int64)
        cdef cnp.ndarray room = np.empty(max(self.rows.d, 2 * self.most_values))
        cdef double *value = <double *>cnp.PyArray_DATA(room)
        cdef double v
        cdef Py_ssize_t i, e, count
        found = []
        for i in range(index.shape[0]):
            if not 0 <= index[i] < self.rows.n:
                raise IndexError(f"row {index[i]} of {self.rows.n}")
            count = 0
            if self.rows.indptr == NULL:
                self.exact.read(&self.rows, index[i], value)
                for count in range(self.rows.d):
                    value[count] += 0.0               # -0.0 equals 0.0
                count = self.rows.d
            else:
                for e in range(self.rows.indptr[index[i]], self.rows.indptr[index[i] + 1]):
                    v = (<const float *>self.rows.data)[e] if self.rows.kind == KIND_F32 else (<const double *>self.rows.data)[e]
                    if v != 0:
                        value[count] = v
                        value[count + 1] = self.rows.indices[e]
                        count += 2
            found.append((<const char *>value)[: count * sizeof(double)])
        return found

    def means(self, cnp.ndarray labels not None, Py_ssize_t k):
        """Weighted means (k, d) of the rows with each label (int32), rounded to the type of results.

        A label without weight repeats the mean before it; the first is zero then.
        """
        cdef Memory memory = Memory()
        cdef Py_ssize_t n = self.rows.n, d = self.rows.d, i, j, f
        cdef const int32_t *label = labels_of(labels, n, k, memory)
        cdef cnp.ndarray out = np.empty((k, d))
        cdef double *mean = <double *>cnp.PyArray_DATA(out)
        cdef double w, value
        cdef Tally tally
        self.cut_sums()
        tally.sums = <double *>memory.take(k * self.sums.parts * d, sizeof(double))
        tally.weights = <double *>memory.take(k * self.sums.weight_parts, sizeof(double))
        tally.counts = <int64_t *>memory.take(k, sizeof(int64_t))
        tally.touched = <uint8_t *>memory.take(k, 1)
        tally.support = NULL
        with nogil:
            for i in range(n):
                w = 1 if self.weight == NULL else self.weight[i]
                self.exact.move(&self.rows, i, w, label[i], 1, &tally, &self.sums, self.workers[0].block)
            for j in range(k):
                w = self.weight_of(&tally, j)
                for f in range(d):
                    if w > 0:
                        mean[j * d + f] = self.mean_of(&tally, j, f, w)
                    else:
                        mean[j * d + f] = mean[(j - 1) * d + f] if j > 0 else 0
        return out

    cdef double weight_of(self, const Tally *tally, Py_ssize_t j) noexcept nogil:
        """Total weight of cluster j."""
        return sum_value(tally.weights + j * self.sums.weight_parts, 1, self.sums.weight_parts) if self.sums.weighted else <double>tally.counts[j]

    cdef double mean_of(self, const Tally *tally, Py_ssize_t j, Py_ssize_t f, double weight) noexcept nogil:
        """Mean of feature f in cluster j, rounded to the type of results."""
        cdef Py_ssize_t d = self.rows.d
        cdef double mean = sum_value(tally.sums + j * self.sums.parts * d + f, d, self.sums.parts) / weight
        return <float>mean if self.narrow else mean

    cdef int survey_zeros(self, const Survey *job) noexcept:
        """Add the moments of the zeros that are not stored: many times the same exact terms."""
        cdef Py_ssize_t d = self.rows.d, part = job.part, f
        cdef const double *how = job.how
        cdef double *seen = job.seen
        cdef double term, high, zeros
        cdef int p
        for f in range(d):
            zeros = self.rows.n - self.stored[f]
            term = -how[0]
            for p in range(1, HOW, 2):
                high = (term + how[p * part]) - how[p * part]
                seen[(p - 1) * part] += zeros * high
                seen[p * part] += zeros * (((term - high) + how[(p + 1) * part]) - how[(p + 1) * part])
                term = term * -how[0]
            how += job.step
            seen += job.step
        return 0

    cdef double assign_cost(self, Py_ssize_t k) noexcept nogil:
        """Nanoseconds that a row's assignment takes, roughly."""
        if self.rows.indptr == NULL:
            return assign_cost(k, self.rows.d)
        return 40 + self.values_of_a_row() * (1 + k / 40.0)

    cdef double csr_cost(self, Py_ssize_t k) noexcept nogil:
        """Nanoseconds that the exact distances of a CSR row to k centers take, roughly."""
        return 10 + 2 * self.values_of_a_row() + k * (0.1 * self.rows.d + 2)

    cdef double values_of_a_row(self) noexcept nogil:
        return <double>(self.rows.indptr[self.rows.n] - self.rows.indptr[0]) / self.rows.n

    cdef DrawOrder need_draw_order(self):
        """The order in which rows are drawn."""
        cdef DrawOrder order
        if self.draw_order is None:
            order = DrawOrder(self.rows.n)
            order.open(self)
            self.draw_order = order          # only now: an interrupt leaves none, not half of one
        return self.draw_order

    def draw(self, uniforms):
        """For each number in [0, 1) a row, drawn in proportion to the weights.

        It is the first, in order of content, at which the running sum of the weights exceeds the number's share of the total.
        """
        return self.need_draw_order().draw(self, np.ascontiguousarray(uniforms, dtype=np.float64))

    def kmeans_plusplus(self, Py_ssize_t k, Py_ssize_t trials, cnp.ndarray uniforms not None):
        """Rows drawn as initial centers, see `PlusPlus`; uniforms (1 + (k - 1) * trials,) in [0, 1) decide."""
        return PlusPlus(self, k, trials).draw(uniforms)

    def assign(self, cnp.ndarray centers not None):
        """Label of each row: the nearest of these centers (k, d). Rows need not have been scanned: see `overflow`."""
        cdef const double *rows = rows_of(centers, "centers", self.rows.d)
        cdef Py_ssize_t k = centers.shape[0]
        cdef Memory memory = Memory()
        cdef cnp.ndarray labels = np.empty(self.rows.n, dtype=np.int32)
        rows = self.used(rows, k, memory)
        self.label_rows(rows, CenterForms(k, self.rows.d, self.rows.n >= FEW, self.most_values), <int32_t *>cnp.PyArray_DATA(labels))
        return labels

    cdef int label_rows(self, const double *rows, CenterForms forms, int32_t *labels) except -1:
        """`assign`, to centers (k, d) as they are used, with room for their forms."""
        cdef Py_ssize_t k = forms.c.k, d = self.rows.d, j, f
        cdef bint few = self.rows.n < FEW
        cdef Memory memory = Memory()
        cdef double *origin = <double *>memory.take(d, sizeof(double))
        cdef double largest = 0, share = 1.0 / k
        cdef Packed packing
        cdef Assign job
        memset(labels, 0xff, self.rows.n * sizeof(int32_t))
        memset(&packing, 0, sizeof(Packed))
        packing.origin = origin
        for j in range(k if self.rows.indptr == NULL and not few else 0):
            for f in range(d):
                origin[f] += rows[j * d + f] * share
        self.round_origin(origin)
        if not few:
            largest = forms.reach if forms.reach > 0 else 1024 * farthest_value(rows, k, d, origin)
        # Rows may lie farther out than centers; where a row overflows float32, exact arithmetic decides. (It needs no equal centers
        # left out, which takes longer than a few rows do.)
        forms.prepare(rows, &packing, choose_scale(&packing, largest) and not few, few)
        self.assign_job(&job, forms, labels)
        job.packing = &packing
        self.use_forms(forms)
        if not self.packed and forms.c.filter and self.rows.indptr == NULL and d >= filter_table.quanta_from and k >= WORTH_QUANTISING:
            worst_of_quanta(&packing, d)
            self.threads.room_for_sieves(k, PANEL)
            forms.use_quanta()
            forms.quantise(&packing)
            job.centers = &forms.quantised
        self.threads.begin()
        with nogil:
            self.each_chunk(self.exact.assign, &job, self.assign_cost(k) + 0.7 * d)
        self.overflow = self.any_odd() if few and self.rows.indptr == NULL else not forms.c.filter
        self.overflow = self.overflow or self.threads.overflow()
        return 0

    cdef bint any_odd(self) noexcept nogil:
        """Whether any value is so large that the rows must be looked at, or not finite."""
        cdef double *row = <double *>self.workers[0].block
        cdef Py_ssize_t i, f
        cdef bint odd = False
        for i in range(self.rows.n):
            self.exact.read(&self.rows, i, row)
            for f in range(self.rows.d):
                odd = odd or not fabs(row[f]) < 1e100
        return odd

    cdef void assign_job(self, Assign *job, CenterForms forms, int32_t *labels):
        job.rows = &self.rows
        job.weights = self.weight
        job.packing = NULL
        job.centers = &forms.c
        job.sums = NULL
        job.survey = NULL
        job.boxes = NULL
        job.bounds = NULL
        job.filter = filter_table
        job.labels = labels
        job.workers = self.workers

    def inertia(self, cnp.ndarray centers not None, cnp.ndarray labels not None):
        """Weighted sum of squared distances of the rows to the centers of their labels (int32); of cosine distances where unit."""
        cdef Memory memory = Memory()
        cdef const double *rows = rows_of(centers, "centers", self.rows.d)
        return self.measure(self.used(rows, centers.shape[0], memory), centers.shape[0],
                            labels_of(labels, self.rows.n, centers.shape[0], memory), NULL)

    def squares(self, cnp.ndarray centers not None, cnp.ndarray labels not None):
        """Squared distance of each row to the center of its label (int32)."""
        cdef Memory memory = Memory()
        cdef cnp.ndarray out = np.empty(self.rows.n)
        cdef const double *rows = rows_of(centers, "centers", self.rows.d)
        self.measure(rows, centers.shape[0], labels_of(labels, self.rows.n, centers.shape[0], memory), <double *>cnp.PyArray_DATA(out))
        return out

    cdef double measure(self, const double *centers, Py_ssize_t k, const int32_t *labels, double *sq_distances) except -1:
        """The inertia of labels, to centers as they are used, and each row's squared distance where there is room for it."""
        cdef Memory memory = Memory()
        cdef Measure job
        cdef double cost = 0.7 * self.rows.d + 3
        job.rows = &self.rows
        job.weights = self.given_weight
        job.centers = centers
        job.labels = labels
        job.sq_distances = sq_distances
        job.workers = self.workers
        job.totals = <Sum *>memory.take(self.n_threads, sizeof(Sum))
        job.rests = <Wide *>memory.take(self.n_threads, sizeof(Wide))
        split_constants(self.farthest(centers, k, memory), self.terms, job.split.big, 1)
        if self.rows.indptr != NULL:
            job.order = by_label(labels, self.rows.n, k, &job.ends, memory)
            cost = self.csr_cost(1)
            job.walks = (self.rows.n >= 64 and THIN * self.values_of_a_row() <= self.rows.d
                         and self.n_threads * self.rows.d <= MOST_WALKED)
            if job.walks:
                self.room_for_walks(memory)
                cost = 150 + 4 * self.values_of_a_row()
        with nogil:
            self.each_chunk(self.exact.measure, &job, cost)
        gather(&job, self.n_threads)
        return (0.5 if self.unit else 1) * wide_value(job.rests)

    cdef int room_for_walks(self, Memory memory) except -1:
        cdef Py_ssize_t room = self.rows.d + 1
        cdef int slots = self.exact.walk_slots, i
        cdef int32_t *rank = <int32_t *>memory.take(self.n_threads * room, sizeof(int32_t), True)
        cdef double *values = <double *>memory.take(self.n_threads * 2 * room, sizeof(double), True)
        cdef int64_t *steps = <int64_t *>memory.take(self.n_threads * slots * room, sizeof(int64_t), True)
        cdef Walk *walk
        for i in range(self.n_threads):
            walk = &self.workers[i].csr.walk
            walk.label = -1
            walk.rank = rank + i * room
            walk.values = values + 2 * i * room
            walk.sums = walk.values + room
            walk.steps = steps + i * slots * room
            walk.room = room
        return 0

    cdef double farthest(self, const double *centers, Py_ssize_t k, Memory memory) except -1:
        """No row is farther from any of these centers than this: a bound for weighted squared distances."""
        cdef Py_ssize_t d = self.rows.d, f, j
        cdef double *low = <double *>memory.take(2 * d, sizeof(double))
        cdef double *high = low + d
        cdef double span, bound = 0
        self.need_ranges()
        memcpy(low, self.low_, d * sizeof(double))
        memcpy(high, self.high_, d * sizeof(double))
        for j in range(k):
            for f in range(d):
                low[f] = min(low[f], centers[j * d + f])
                high[f] = max(high[f], centers[j * d + f])
        for f in range(d):
            span = high[f] - low[f]
            bound += span * span
        if self.rows.directionless:          # these count as orthogonal to all centers
            bound = max(bound, 2.0)
        return bound * (1.01 * self.largest_weight)

    def distances(self, cnp.ndarray centers not None, bint in_order=False):
        """Euclidean distances (n, k) of the rows to these centers (k, d); cosine distances where unit.

        Rows need not have been scanned: see `overflow`. `in_order`: all are sums in the order of the features, those of thin rows, too.
        """
        cdef const double *rows = rows_of(centers, "centers", self.rows.d)
        cdef Py_ssize_t k = centers.shape[0], d = self.rows.d
        cdef Memory memory = Memory()
        cdef bint csr = self.rows.indptr != NULL, filter = self.narrow and worth_roots(self.rows.n, d)
        cdef bint thin = not self.narrow and not in_order and d >= THIN_FROM
        cdef CenterForms forms = CenterForms(k, d, not filter and self.rows.n > 4, self.most_values)
        cdef cnp.ndarray out = np.empty((self.rows.n, k), dtype=np.float32 if self.single else np.float64)
        cdef Transform job
        cdef Shifted shifted
        cdef Thin thins
        cdef Packed unpacked
        cdef double cost = 0.2 * k * (d + 5) if not csr else self.csr_cost(k)
        cdef int i
        rows = self.used(rows, k, memory)
        memset(&unpacked, 0, sizeof(Packed))
        forms.prepare(rows, &unpacked, False, True)
        memset(&job, 0, sizeof(Transform))
        job.rows = &self.rows
        job.centers = &forms.c
        job.filter = filter_table
        job.narrow = self.single
        job.out = cnp.PyArray_DATA(out)
        job.workers = self.workers
        if filter:
            job.shifted = &shifted
            job.moved_size = PANEL * d if not csr else self.most_values
            shift_centers(&shifted, rows, k, d, memory, self.most_values)
            cost *= 0.5
        elif thin and csr:
            job.thin = &thins
            job.moved_size = self.most_values
            thin_centers(&thins, rows, k, d, NULL, self.exact, memory)
        elif thin:
            job.left = <uint8_t *>memory.take(self.rows.n, 1)
        if csr and (filter or thin):
            cost = 10 + self.values_of_a_row() * (2 + 0.5 * k)
        if job.moved_size:
            job.moved = <double *>memory.take(self.n_threads * job.moved_size, sizeof(double))
            job.columns = <int32_t *>memory.take(self.n_threads * job.moved_size, sizeof(int32_t))
        self.threads.begin()
        with nogil:
            self.each_chunk(self.exact.transform, &job, cost)
        if job.left != NULL and memchr(job.left, 1, self.rows.n) != NULL:
            job.thin = &thins
            job.moved_size = d // THIN + 1
            job.moved = <double *>memory.take(self.n_threads * job.moved_size, sizeof(double))
            job.columns = <int32_t *>memory.take(self.n_threads * job.moved_size, sizeof(int32_t))
            thin_centers(&thins, rows, k, d, forms.c.blocks, self.exact, memory)
            with nogil:
                self.each_chunk(self.exact.thin_rows, &job, 0.5 * d + 0.1 * k * d)
        self.overflow = self.threads.overflow()
        return out

cdef struct Moments:
    const Rows *rows
    const double *weights
    ExactTable *exact
    Worker *workers
    Wide *sums                   # INOUT (threads, 2 d + 1) of w, and for each column of w x and of w x x


cdef void add_product(Wide *total, double a, double b, Wide *squares) noexcept nogil:
    """Add a * b, and a * b * b to the squares, without rounding."""
    cdef double high = a * b, low = fma(a, b, -high), part
    wide_add(total, high)
    wide_add(total, low)
    part = high * b
    wide_add(squares, part)
    wide_add(squares, fma(high, b, -part))
    part = low * b
    wide_add(squares, part)
    wide_add(squares, fma(low, b, -part))


cdef int moments_pass(void *job_, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t chunk, int worker) noexcept nogil:
    cdef Moments *job = <Moments *>job_
    cdef const Rows *rows = job.rows
    cdef Py_ssize_t d = rows.d, i, e, f
    cdef Wide *sums = job.sums + worker * (2 * d + 1)
    cdef double *x = <double *>job.workers[worker].block
    cdef double w = 1
    for i in range(start, stop):
        if job.weights != NULL:
            w = job.weights[i]
        if w == 0:
            continue
        wide_add(sums, w)
        if rows.indptr == NULL:
            job.exact.read(rows, i, x)
            for f in range(d):
                add_product(sums + 1 + 2 * f, w, x[f], sums + 2 + 2 * f)
            continue
        for e in range(rows.indptr[i], rows.indptr[i + 1]):
            f = rows.indices[e]
            add_product(sums + 1 + 2 * f, w,
                        (<const float *>rows.data)[e] if rows.kind == KIND_F32 else (<const double *>rows.data)[e], sums + 2 + 2 * f)
    return 0


def exact_moments(Data data):
    """Sums of w, and for each column of w x and w x x, not rounded: (2 d + 1, LIMBS) int64; those of blocks may be added."""
    cdef Memory memory = Memory()
    cdef Py_ssize_t size = 2 * data.rows.d + 1, i
    cdef Moments job
    cdef int worker
    job.rows = &data.rows
    job.weights = data.weight
    job.exact = data.exact
    job.workers = data.workers
    job.sums = <Wide *>memory.take(data.n_threads * size, sizeof(Wide))
    with nogil:
        data.each_chunk(moments_pass, &job, 20.0 * (data.rows.d if data.rows.indptr == NULL else data.values_of_a_row()) + 5)
    for i in range(size):
        for worker in range(1, data.n_threads):
            add_wide(job.sums + i, job.sums + worker * size + i)
    return np.array([limbs_of(job.sums + i) for i in range(size)])


def exact_variance(moments):
    """Mean over the columns of their variance, from `exact_moments`, rounded once."""
    weight, *sums = (sum(int(limb) << 32 * i for i, limb in enumerate(limbs)) for limbs in moments)
    above = sum(weight * square - first * first for first, square in zip(sums[::2], sums[1::2]))
    return float(Fraction(above, weight * weight * (len(sums) // 2)))


cdef void gather(Measure *job, int threads) noexcept nogil:
    """Bring what threads have added up together, in the first one's `rests`."""
    cdef int i
    for i in range(threads):
        if i > 0:
            add_wide(job.rests, job.rests + i)
        widen(job.rests, job.totals + i, 1)


cdef const int64_t *by_label(const int32_t *labels, Py_ssize_t n, Py_ssize_t k, const int64_t **ends, Memory memory) except NULL:
    """The rows, label by label.

    ends  OUT  (k,) where each label ends
    """
    cdef int64_t *order = <int64_t *>memory.take(n, sizeof(int64_t))
    cdef int64_t *start = <int64_t *>memory.take(k + 1, sizeof(int64_t))
    cdef Py_ssize_t i, j
    for i in range(n):
        start[labels[i] + 1] += 1
    for j in range(k):
        start[j + 1] += start[j]
    for i in range(n):
        order[start[labels[i]]] = i
        start[labels[i]] += 1
    ends[0] = start
    return order


cdef double assign_cost(Py_ssize_t k, Py_ssize_t d) noexcept nogil:
    """Nanoseconds that a row's assignment takes, roughly."""
    return 2 + k * (d + 5) / 40.0


include "seeding.pxi"
include "bounds.pxi"
include "algorithms.pxi"
include "run.pxi"
include "block.pxi"
include "held.pxi"
include "stream.pxi"
include "running.pxi"
