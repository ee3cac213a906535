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

cdef extern from "simd.h":
    enum: CKM_DEBUG_BOUNDS

cdef extern from "build_info.h":
    const char *CKM_INSTRUCTION_SETS
    const char *CKM_FLAGS

cdef enum:
    CHUNK_COST = 40000           # nanoseconds of work in a chunk
    CREW_COST = 150000           # nanoseconds below which a pass stays on the calling thread
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


#: Instruction sets that the kernels were built for, from the narrowest to the widest, and the flags that all were built with.
BUILT = tuple(CKM_INSTRUCTION_SETS.decode().split())
FLAGS = CKM_FLAGS.decode()

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
include "sums.pxi"
include "centers.pxi"
include "roots.pxi"
include "order.pxi"
include "content.pxi"
include "axes.pxi"
include "quanta.pxi"
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
    cdef Worker *workers                 # (n_threads,)
    cdef Crew *crew                      # NULL until a pass is worth it
    cdef int helpers                     # threads that it was to have
    cdef readonly int n_threads
    cdef long long looked                # for signals, in milliseconds
    cdef bint packed
    cdef bint adopted                    # the ranges are copies of those of a whole; see block.pxi
    cdef double *low_
    cdef double *high_
    cdef double largest_weight
    cdef double lightest                 # the smallest positive weight, 1 at the most; -1 until it is known
    cdef double terms                    # rows that exact sums are cut for: n, or more where these rows are a block of a larger whole
    cdef Packing packing
    cdef bint filter                     # the rows can be packed for the filter
    cdef Boxes boxes                     # order NULL: the rows are packed in their own order
    cdef double spent                    # nanoseconds of brute assignments so far, by the model
    cdef double patience                 # how much is to be spent before boxes are thought of again
    cdef object curve, order_array
    cdef Axes axes                       # None until rows are packed along some
    cdef Quanta quanta                   # None until rows are put in whole numbers
    cdef double axes_patience            # how much is to be spent before they are thought of again
    cdef Sums sums
    cdef double variance_                # mean weighted variance of the columns; -1 until it is known
    cdef double *tiny                    # (d,) smallest magnitude but zero in each column
    cdef Py_ssize_t most_values          # CSR: in a row, at least 1; else 0
    cdef Memory score_memory             # CSR: see `use_forms`
    cdef Py_ssize_t score_room
    cdef int64_t *stored                 # CSR: (d,) values in each column
    cdef bint whole                      # CSR: all values are whole numbers
    cdef ContentOrder content            # None until rows are drawn
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
        if n_threads < 1:
            raise ValueError(f"n_threads must be at least 1, got {n_threads}.")
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
        self.n_threads = min(n_threads, most_threads)
        self.looked = ckm_milliseconds()
        self.packed = packed
        self.workers = <Worker *>self.memory.take(self.n_threads, sizeof(Worker))
        if self.rows.indptr == NULL:
            self.new_scratch(not scan and self.rows.n < FEW)     # for few rows, zeroing would take as long as the rest
        else:
            self.new_csr_scratch()
        self.variance_ = -1
        self.single = self.narrow = self.rows.kind == KIND_F32
        if unit:
            self.take_units()
        if scan:
            self.scan()

    cdef int new_scratch(self, bint raw) except -1:
        cdef Py_ssize_t d = self.rows.d, i
        cdef char *blocks = <char *>self.memory.take(self.n_threads * PANEL * d, sizeof(double), raw)
        cdef float *panels = <float *>self.memory.take(self.n_threads * PANEL * (2 * d + 1), sizeof(float), raw)
        for i in range(self.n_threads):
            self.workers[i].block = blocks + i * PANEL * d * sizeof(double)
            self.workers[i].panel = panels + i * PANEL * (2 * d + 1)
            self.workers[i].scaled = self.workers[i].panel + PANEL * d
            self.workers[i].panel_norms = self.workers[i].scaled + PANEL * d
        return 0

    cdef int new_csr_scratch(self) except -1:
        cdef Py_ssize_t d = self.rows.d, lanes = self.exact.lanes, i
        cdef Py_ssize_t most = min(d, lanes * self.most_values) + 1
        cdef int threads = self.n_threads
        cdef char *blocks = <char *>self.memory.take(threads * self.exact.block_rows * d, sizeof(double), True)
        cdef float *values = <float *>self.memory.take(threads * self.most_values, sizeof(float), True)
        cdef int32_t *places = <int32_t *>self.memory.take(threads * (2 * d + 1 + most), sizeof(int32_t))
        cdef int32_t *own = <int32_t *>self.memory.take(threads * self.most_values, sizeof(int32_t), True)
        cdef double *packed = <double *>self.memory.take(threads * most * lanes, sizeof(double), True)
        cdef CsrScratch *scratch
        for i in range(threads):
            scratch = &self.workers[i].csr
            self.workers[i].block = blocks + i * self.exact.block_rows * d * sizeof(double)
            scratch.values = values + i * self.most_values
            scratch.own = own + i * self.most_values
            scratch.rank = places + i * (2 * d + 1 + most)
            scratch.features = scratch.rank + d
            scratch.columns = scratch.features + d + 1
            scratch.lanes = packed + i * most * lanes
            memset(scratch.lanes, 0, lanes * sizeof(double))
        return 0

    cdef int use_forms(self, CenterForms forms) except -1:
        """Room for the scores of these centers; with CSR rows to be called before a pass that filters."""
        cdef Py_ssize_t size = forms.c.groups * forms.c.width, i
        cdef float *scores
        if size > self.score_room:
            self.score_memory = Memory()
            scores = <float *>self.score_memory.take(self.n_threads * size, sizeof(float))
            self.score_room = size
            for i in range(self.n_threads):
                self.workers[i].csr.scores = scores + i * size
        return 0

    def __dealloc__(self):
        if self.crew != NULL:
            close_crew(self.crew)

    # -- passes --------------------------------------------------------------------------------------------------------------------

    cdef int each_chunk(self, ChunkFn fn, void *job, double row_cost, Py_ssize_t chunk_rows=0) except -1 nogil:
        """Do fn over all rows. row_cost is in nanoseconds, roughly; chunks are a multiple of PANEL rows."""
        cdef double cost = row_cost * self.rows.n
        cdef int helpers
        if chunk_rows == 0:
            chunk_rows = PANEL * max(<Py_ssize_t>1, <Py_ssize_t>min(CHUNK_COST / row_cost / PANEL, 1e9))
        if self.n_threads > 1 and cost > CREW_COST and self.rows.n > chunk_rows:
            helpers = <int>min(<Py_ssize_t>self.n_threads, (self.rows.n + PANEL - 1) // PANEL) - 1      # no more than chunks
            if helpers > self.helpers:        # none yet, or fewer than this pass has work for
                with gil:
                    if self.crew != NULL:
                        close_crew(self.crew)
                    self.crew = new_crew(helpers)
                    self.helpers = helpers
            if self.crew != NULL:
                return crew_pass(self.crew, fn, job, self.rows.n, chunk_rows, &self.looked)
        return lone_pass(fn, job, self.rows.n, chunk_rows, &self.looked)

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

    cdef int need_packing(self, bint keep) except -1:
        """An origin and a scale for the filter and, with `keep`, room for the packed rows: the next pass fills it."""
        cdef Py_ssize_t d = self.rows.d, n = self.rows.n, f, i, samples = min(n, <Py_ssize_t>64)
        cdef double *origin
        cdef double *row
        cdef double largest = 0
        self.need_ranges()
        if self.packing.origin == NULL and self.rows.indptr != NULL:
            # Zeros must stay zeros. Norms are found in the first pass that filters.
            self.packing.origin = <double *>self.memory.take(d, sizeof(double))
            self.packing.sq_norms = <float *>self.memory.take(n, sizeof(float))
            self.packing.filling = True
            self.filter = choose_scale(&self.packing, self.largest_value())
        elif self.packing.origin == NULL:
            # Any origin gives the same results; one amid the rows keeps the filter's error small.
            origin = <double *>self.memory.take(d, sizeof(double))
            row = <double *>self.workers[0].block
            for i in range(samples):
                self.exact.read(&self.rows, i * n // samples, row)
                for f in range(d):
                    origin[f] += row[f] / samples
            self.round_origin(origin)
            for f in range(d):
                largest = max(largest, max(self.high_[f] - origin[f], origin[f] - self.low_[f]))
            self.packing.origin = origin
            self.filter = choose_scale(&self.packing, largest)
        if keep and self.filter and self.packing.panels == NULL:
            n = (n + PANEL - 1) // PANEL * PANEL
            self.packing.sq_norms = <float *>self.memory.take(n, sizeof(float))
            self.packing.panels = <float *>self.memory.take(n * d, sizeof(float))
            self.packing.filling = True
        return 0

    cdef double largest_value(self) noexcept nogil:
        """The largest magnitude of any value."""
        cdef Py_ssize_t f
        cdef double largest = 0
        for f in range(self.rows.d):
            largest = max(largest, max(self.high_[f], -self.low_[f]))
        return largest

    cdef int give_sieves(self, Memory memory, Py_ssize_t k, Py_ssize_t rows) except -1:
        """Scratch for the scores of so many rows at a time."""
        cdef Py_ssize_t room = k * rows + GAIN_LANES
        cdef float *scores = <float *>memory.take(self.n_threads * room, sizeof(float))
        cdef int32_t *ids = <int32_t *>memory.take(self.n_threads * k, sizeof(int32_t))
        cdef uint64_t *closer = <uint64_t *>memory.take(self.n_threads * k, sizeof(uint64_t))
        cdef int i
        for i in range(self.n_threads):
            self.workers[i].sieve.scores = scores + i * room
            self.workers[i].sieve.ids = ids + i * k
            self.workers[i].sieve.closer = closer + i * k
        return 0

    cdef void drop_quanta(self) noexcept:
        self.packing.quanta = NULL
        self.packing.quanta_norms = self.packing.steps = NULL
        self.packing.quantising = False
        self.quanta = None

    cdef void end_quantising(self) noexcept nogil:
        """The last pass has put the rows in whole numbers. (What workers noted earlier is of the same rows, and bounds them, too.)"""
        cdef int i
        self.packing.rough = self.packing.reach = 0
        for i in range(self.n_threads):
            self.packing.rough = max(self.packing.rough, self.workers[i].worst[0])
            self.packing.reach = max(self.packing.reach, self.workers[i].worst[1])
        self.packing.quantising = False

    cdef void round_origin(self, double *origin) noexcept nogil:
        """Of float32 rows bring an origin (d,) to float32, so that rows are packed without a detour to float64."""
        cdef Py_ssize_t f
        for f in range(self.rows.d if self.narrow else 0):
            if fabs(origin[f]) < 1e38:
                origin[f] = <float>origin[f]

    cdef int turn_panels(self, Packing *packing, bint by_row) except -1 nogil:
        """Have kept panels hold rows one after the other, or lanes of features as they are made."""
        cdef Assign job
        if packing.panels == NULL or packing.by_row == by_row:
            return 0
        if not packing.filling:
            job.rows = &self.rows
            job.packing = packing
            job.workers = self.workers
            packing.filling = True           # until it is done: an interrupt leaves panels that must not be read
            self.each_chunk(self.exact.turn, &job, 0.5 * packed_width(packing, self.rows.d))
            packing.filling = False
        packing.by_row = by_row
        return 0

    cdef bint may_order(self) noexcept nogil:
        """Whether boxes can be tried on this data."""
        return (self.packed and self.filter and self.rows.d <= BOX_FEATURES
                and 4 * SUPER * PANEL <= self.rows.n < <Py_ssize_t>1 << 31
                and self.rows.col_stride * self.rows.col_stride <= 64)

    cdef double order_cost(self) noexcept nogil:
        """Nanoseconds that the order takes, roughly."""
        cdef Py_ssize_t d = self.rows.d
        return self.rows.n * (60.0 if d <= 3 else 90.0 + 4.0 * d)

    cdef cnp.ndarray spatial_order(self, Py_ssize_t stride):
        """Every stride-th row, sorted along the curve."""
        cdef Py_ssize_t n = self.rows.n, d = self.rows.d, count = (n + stride - 1) // stride
        cdef Memory memory = Memory()
        cdef Keys keys
        cdef uint64_t *other
        cdef int32_t *sorted_rows
        cdef cnp.ndarray order = np.empty(count, dtype=np.int32)
        if self.curve is None:
            self.curve = coordinates(self.take(np.arange(SAMPLE) * n // SAMPLE))
        axes, cuts, bits = self.curve
        keys.rows = &self.rows
        keys.exact = self.exact
        keys.projection = NULL if axes is None else <const double *>cnp.PyArray_DATA(axes)
        keys.cuts = <const double *>cnp.PyArray_DATA(cuts)
        keys.axes = cuts.shape[0]
        keys.bits = bits
        keys.stride = stride
        keys.keys = <uint64_t *>memory.take(count, sizeof(uint64_t))
        keys.workers = self.workers
        other = <uint64_t *>memory.take(count, sizeof(uint64_t))
        sorted_rows = <int32_t *>cnp.PyArray_DATA(order)
        with nogil:
            self.each_chunk(find_keys, &keys, (20 + 2.0 * d) / stride)
            sort_keys(keys.keys, other, count, keys.axes * keys.bits, sorted_rows)
        return order

    cdef double pilot(self, CenterForms forms) except -1:
        """About which share of the centers boxes would leave over, from a few boxes of a thinned order."""
        cdef Py_ssize_t d = self.rows.d, m = forms.c.m, b, f, group
        cdef Memory memory = Memory()
        cdef int32_t *all_ = <int32_t *>memory.take(m, sizeof(int32_t))
        cdef int32_t *lists = <int32_t *>memory.take(SUPER * m, sizeof(int32_t))
        cdef float *z = <float *>memory.take(d * SUPER, sizeof(float))
        cdef float *low = <float *>memory.take(d * SUPER, sizeof(float))
        cdef float *high = <float *>memory.take(d * SUPER, sizeof(float))
        cdef Py_ssize_t[SUPER] lengths
        cdef double left = 0
        order = self.spatial_order(PILOT_STRIDE) * np.int64(PILOT_STRIDE)
        starts = np.linspace(0, len(order) - PILOT_ROWS, PILOT_BOXES).astype(np.int64)
        rows = self.take(order[starts[:, None] + np.arange(PILOT_ROWS)].ravel()).reshape(PILOT_BOXES, PILOT_ROWS, d)
        for f in range(m):
            all_[f] = <int32_t>f
        for group in range(PILOT_BOXES // SUPER):
            for b in range(SUPER):
                box = rows[group * SUPER + b]
                lows = box.min(axis=0)
                highs = box.max(axis=0)
                for f in range(d):
                    low[f * SUPER + b] = <float>((<double>lows[f] - self.packing.origin[f]) * self.packing.scale)
                    high[f * SUPER + b] = <float>((<double>highs[f] - self.packing.origin[f]) * self.packing.scale)
            filter_table.lists(low, high, d, &forms.c, all_, m, z, lists, lengths)
            for b in range(SUPER):
                left += lengths[b]
        return left / (PILOT_BOXES * m)

    cdef int arrange(self) except -1:
        """Sort the rows in space and pack them in that order."""
        cdef Py_ssize_t n = self.rows.n, d = self.rows.d, supers = (n + SUPER * PANEL - 1) // (SUPER * PANEL)
        cdef Arrange job
        cdef Boxes boxes
        if self.boxes.order != NULL:
            return 0
        self.content = None                  # what is drawn is drawn, mostly: both orders at once would take more memory
        self.order_array = self.spatial_order(1)
        boxes.low = <float *>self.memory.take(supers * d * SUPER, sizeof(float))
        boxes.high = <float *>self.memory.take(supers * d * SUPER, sizeof(float))
        boxes.order = <const int32_t *>cnp.PyArray_DATA(<cnp.ndarray>self.order_array)
        job.rows = &self.rows
        job.packing = &self.packing
        job.boxes = &boxes
        job.workers = self.workers
        self.packing.filling = True          # until it is done: an interrupt leaves panels that must not be read
        with nogil:
            self.each_chunk(self.exact.arrange, &job, 10 + 2.0 * d)
        self.packing.filling = self.packing.by_row = False
        self.boxes = boxes
        return 0

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

    cdef int need_content(self) except -1:
        """The order in which rows are drawn."""
        cdef Hashing job
        if self.content is not None:
            return 0
        cdef ContentOrder content = ContentOrder(self.rows.n)
        job.rows = &self.rows
        job.exact = self.exact
        job.workers = self.workers
        job.bucket = content.bucket
        job.bits = content.bits
        with nogil:
            self.each_chunk(hash_rows, &job, 1.0 * self.rows.d + 5)
        content.deal()
        self.content = content               # only now: an interrupt leaves none, not half of one
        return 0

    def draw(self, uniforms):
        """For each number in [0, 1) a row, drawn in proportion to the weights.

        It is the first, in order of content, at which the running sum of the weights exceeds the number's share of the total.
        """
        cdef cnp.ndarray u = np.ascontiguousarray(uniforms, dtype=np.float64)
        cdef cnp.ndarray out = np.empty(u.shape[0], dtype=np.int64)
        cdef const double *number = <const double *>cnp.PyArray_DATA(u)
        cdef int64_t *row = <int64_t *>cnp.PyArray_DATA(out)
        cdef Memory memory = Memory()
        cdef Sum *totals
        cdef Split split
        cdef double total
        cdef Py_ssize_t i, e, b
        self.need_content()
        if self.weight == NULL:
            for i in range(u.shape[0]):
                e = min(<Py_ssize_t>(number[i] * self.rows.n), self.rows.n - 1) if number[i] > 0 else 0
                b = self.content.bucket[self.content.order[e]]
                self.content.sort(b, &self.rows, self.exact, self.workers[0].block)
                row[i] = self.content.order[e]
            return out
        totals = <Sum *>memory.take(self.content.buckets, sizeof(Sum))
        split_constants(self.largest_weight, self.rows.n, split.big, 1)
        for i in range(self.rows.n):
            add_term(totals + self.content.bucket[i], &split, self.weight[i])
        total = self.total_weight()
        for i in range(u.shape[0]):
            row[i] = self.draw_by(NULL, totals, &split, number[i] * total)
        return out

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

    cdef double share(self, const double *sq_nearest, Py_ssize_t row) noexcept nogil:
        """A row's share of what is drawn by: its weight, times its squared distance where there is one."""
        cdef double term = 1 if self.weight == NULL else self.weight[row]
        return term if sq_nearest == NULL else sq_nearest[row] if self.weight == NULL else term * sq_nearest[row]

    cdef int64_t draw_by(self, const double *sq_nearest, const Sum *totals, const Split *split, double target) noexcept nogil:
        """The first row, by content, at which the running sum of shares exceeds the target; the last with any if none does.

        totals : of each bucket
        """
        cdef double n = self.rows.n
        cdef Sum running, before
        cdef Py_ssize_t b = 0, e
        cdef int64_t i
        cdef int p, above
        memset(&running, 0, sizeof(Sum))
        while b < self.content.buckets:
            before = running
            if b % SHELF == 0:
                add_shelf(&running, totals + b)
                above = exceeds(&running, split, n, target)
                if above == 0:
                    b += SHELF
                    continue
                running = before
            for p in range(SUM_PARTS):
                running.part[p] += totals[b].part[p]
            above = exceeds(&running, split, n, target)
            if above > 0:
                running = before
                self.content.sort(b, &self.rows, self.exact, self.workers[0].block)
                for e in range(self.content.start[b], self.content.start[b + 1]):
                    i = self.content.order[e]
                    add_term(&running, split, self.share(sq_nearest, i))
                    above = exceeds(&running, split, n, target)
                    if above > 0:
                        return i
                    if above < 0:
                        break
            if above < 0:
                return self.draw_exactly(sq_nearest, target)
            b += 1
        return self.last_share(sq_nearest)

    cdef int64_t draw_exactly(self, const double *sq_nearest, double target) noexcept nogil:
        """`draw_by`, where the target is so near to a running sum that what three parts leave over decides."""
        cdef Wide running, before
        cdef double about = 0, start
        cdef Py_ssize_t b, e
        cdef int64_t i
        memset(&running, 0, sizeof(Wide))
        for b in range(self.content.buckets):
            before = running
            start = about
            for e in range(self.content.start[b], self.content.start[b + 1]):
                i = self.content.order[e]
                about += self.share(sq_nearest, i)
                wide_add(&running, self.share(sq_nearest, i))
            if about < target * (1 - 1e-6):          # far less than so many additions can be off by
                continue
            running = before
            about = start
            self.content.sort(b, &self.rows, self.exact, self.workers[0].block)
            for e in range(self.content.start[b], self.content.start[b + 1]):
                i = self.content.order[e]
                about += self.share(sq_nearest, i)
                wide_add(&running, self.share(sq_nearest, i))
                if not about < target * (1 - 1e-6) and wide_value(&running) > target:
                    return i
        return self.last_share(sq_nearest)

    cdef int64_t last_share(self, const double *sq_nearest) noexcept nogil:
        """The last row by content that has a share; 0 where none has."""
        cdef Py_ssize_t b, e
        for b in range(self.content.buckets - 1, -1, -1):
            self.content.sort(b, &self.rows, self.exact, self.workers[0].block)
            for e in range(self.content.start[b + 1] - 1, self.content.start[b] - 1, -1):
                if self.share(sq_nearest, self.content.order[e]) > 0:
                    return self.content.order[e]
        return 0

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
        cdef Packing packing
        cdef Assign job
        memset(labels, 0xff, self.rows.n * sizeof(int32_t))
        memset(&packing, 0, sizeof(Packing))
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
            self.give_sieves(memory, k, PANEL)
            forms.use_quanta()
            forms.quantise(&packing)
            job.centers = &forms.quantised
        for i in range(self.n_threads):
            self.workers[i].overflow = False
        with nogil:
            self.each_chunk(self.exact.assign, &job, self.assign_cost(k) + 0.7 * d)
        self.overflow = self.any_odd() if few and self.rows.indptr == NULL else not forms.c.filter
        for i in range(self.n_threads):
            self.overflow = self.overflow or self.workers[i].overflow
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
        job.packing = &self.packing
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
        cdef double cost = 0.2 * k * (d + 5) if not csr else self.csr_cost(k)
        cdef int i
        rows = self.used(rows, k, memory)
        forms.prepare(rows, &self.packing, False, True)
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
        self.overflow = False
        for i in range(self.n_threads):
            self.workers[i].overflow = False
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
        for i in range(self.n_threads):
            self.overflow = self.overflow or self.workers[i].overflow
        return out

    def kmeans_plusplus(self, Py_ssize_t k, Py_ssize_t trials, cnp.ndarray uniforms not None):
        """Rows drawn as initial centers by greedy k-means++ (Arthur & Vassilvitskii, SODA 2007).

        uniforms (1 + (k - 1) * trials,) decide: the first row is drawn by weight; then, k - 1 times, `trials` rows are drawn by
        weight times squared distance to the nearest center so far, and the one that leaves the least potential is taken (the
        earlier of equal ones). Potentials are exact sums, so the numbers alone decide which rows are drawn. When all rows
        coincide with centers, the first rows not yet taken follow.
        """
        if k < 1 or trials < 1 or self.rows.n < 1:
            raise ValueError(f"there is nothing to draw: k={k}, trials={trials}, {self.rows.n} rows.")
        cdef Memory memory = Memory()
        cdef Py_ssize_t n = self.rows.n, d = self.rows.d, c, f, t, i
        cdef cnp.ndarray out = np.empty(k, dtype=np.int64)
        cdef int64_t *taken = <int64_t *>cnp.PyArray_DATA(out)
        cdef const double *u = <const double *>values_of(uniforms, cnp.NPY_FLOAT64, "uniforms", 1, 1 + (k - 1) * trials)
        cdef int64_t *drawn = <int64_t *>memory.take(trials, sizeof(int64_t))
        cdef double *rows = <double *>memory.take(trials * d, sizeof(double))
        cdef CenterForms one = CenterForms(1, d, False), all_ = CenterForms(trials, d, False, self.most_values)
        cdef Py_ssize_t *column = <Py_ssize_t *>memory.take(trials, sizeof(Py_ssize_t))
        cdef double bound = 0, potential, least, value
        cdef Py_ssize_t count
        cdef Packing packing
        cdef Seeding job
        self.need_packing(self.packed)
        self.use_forms(all_)
        self.turn_panels(&self.packing, False)
        packing = self.packing
        if self.boxes.order != NULL:         # the panels follow another order by now
            packing.panels = NULL
            packing.filling = False
        self.need_content()
        self.seeding_job(&job, &packing, <double *>memory.take(n, sizeof(double)), self.content.bucket, self.content.buckets)
        self.seeding_room(&job, trials, memory)
        job.drawn = drawn
        job.totals = <Sum *>memory.take(self.n_threads * trials, sizeof(Sum))
        job.bucket_totals = <Sum *>memory.take(self.n_threads * job.buckets, sizeof(Sum))
        for f in range(d):
            bound += (self.high_[f] - self.low_[f]) * (self.high_[f] - self.low_[f])
        bound *= 1.01 * self.largest_weight
        split_constants(bound, n, job.split.big, 1)
        taken[0] = drawn[0] = self.draw(uniforms[:1])[0]
        self.exact.read(&self.rows, taken[0], rows)
        one.c.rows = rows
        one.c.m = 1
        with nogil:
            for i in range(n):
                job.sq_nearest[i] = INFINITY
            for c in range(1, k + 1):
                # Take the row that was chosen last.
                job.candidates = &one.c
                job.keep = job.binned = True
                self.each_chunk(self.exact.seed, &job, 1 + 0.1 * d)
                if c == k:
                    break
                potential = self.potential(&job, &bound)
                if potential == 0:
                    with gil:
                        self.take_rest(taken, c, k)
                    break
                # Draw, and try each.
                for t in range(trials):
                    drawn[t] = self.draw_by(job.sq_nearest, job.bucket_totals, &job.split,
                                            u[1 + (c - 1) * trials + t] * potential)
                    self.exact.read(&self.rows, drawn[t], rows + t * d)
                t = 0
                count = trials
                all_.c.k = all_.c.m = trials
                all_.c.filter = False
                for i in range(trials):
                    column[i] = i
                if self.filter:
                    all_.prepare(rows, &packing, True, True)
                job.candidates = &all_.c
                job.column = NULL
                if all_.c.filter:
                    job.column = column
                    memset(job.gains, 0, self.n_threads * trials * GAIN * sizeof(double))
                    self.each_chunk(self.exact.weigh, &job, 1 + self.assign_cost(trials))
                    self.packing.filling = packing.filling = False
                    if self.weight == NULL:
                        count = self.contenders(&job, rows, drawn, column)
                if count > 1:
                    all_.c.k = all_.c.m = count
                    all_.c.rows = rows
                    job.keep = job.binned = False
                    memset(job.totals, 0, self.n_threads * count * sizeof(Sum))
                    self.each_chunk(self.exact.seed, &job, 1 + 0.1 * d)
                    least = INFINITY
                    for i in range(count):
                        value = self.left_by(&job, i, rows + i * d)
                        if value < least:
                            least = value
                            t = i
                taken[c] = drawn[0] = drawn[t]
                column[0] = column[t]
                memcpy(rows, rows + t * d, d * sizeof(double))
        return out

    cdef void seeding_job(self, Seeding *job, const Packing *packing, double *sq_nearest, const uint16_t *bucket, Py_ssize_t buckets) noexcept:
        """A step of k-means++ but for its candidates and totals; all rows are looked at."""
        memset(job, 0, sizeof(Seeding))
        job.rows = &self.rows
        job.weights = self.weight
        job.packing = packing
        job.filter = filter_table
        job.workers = self.workers
        job.sq_nearest = sq_nearest
        job.bucket = bucket
        job.buckets = buckets

    cdef int seeding_room(self, Seeding *job, Py_ssize_t width, Memory memory) except -1:
        """Room to note which of so many candidates may be closer to which rows."""
        job.closer = <uint64_t *>memory.take((self.rows.n + PANEL - 1) // PANEL * width, sizeof(uint64_t))
        job.gains = <double *>memory.take(self.n_threads * width * GAIN, sizeof(double))
        job.width = width
        return 0

    cdef Py_ssize_t contenders(self, const Seeding *job, double *rows, int64_t *drawn, Py_ssize_t *column) noexcept nogil:
        """How many candidates may leave the least potential; they are moved to the front, in their order."""
        cdef Py_ssize_t m = job.width, d = self.rows.d, i, left = 0
        cdef double surest = 0
        cdef double *gain
        cdef int worker, lane
        for i in range(m):
            gain = job.gains + i * GAIN
            for worker in range(1, self.n_threads):
                for lane in range(GAIN):
                    gain[lane] += job.gains[(worker * m + i) * GAIN + lane]
            for lane in range(1, GAIN_LANES):
                gain[0] += gain[lane]
                gain[GAIN_LANES] += gain[GAIN_LANES + lane]
            surest = max(surest, gain[0] * (1 - 1e-6))
        for i in range(m):
            if job.gains[i * GAIN + GAIN_LANES] * (1 + 1e-6) >= surest:
                drawn[left] = drawn[i]
                column[left] = column[i]
                memcpy(rows + left * d, rows + i * d, d * sizeof(double))
                left += 1
        return left

    cdef double potential(self, Seeding *job, double *bound) except -1 nogil:
        """The potential, once all threads' totals are added to the first one's; cut anew when all terms are tiny beside `bound`."""
        cdef Py_ssize_t i
        cdef int worker
        cdef double largest = 0, total
        cdef Range found
        cdef Wide exact
        cdef double *part = <double *>job.bucket_totals
        cdef double *more
        for worker in range(1, self.n_threads):
            more = <double *>(job.bucket_totals + worker * job.buckets)
            for i in range(SUM_PARTS * job.buckets):
                part[i] += more[i]
                more[i] = 0
        total = self.add_buckets(job)
        if not total >= bound[0] * SPARE:
            for i in range(self.rows.n):
                largest = max(largest, self.share(job.sq_nearest, i))
            if largest == 0:
                return 0
            bound[0] = largest
            split_constants(largest, self.rows.n, job.split.big, 1)
            memset(job.bucket_totals, 0, job.buckets * sizeof(Sum))
            for i in range(self.rows.n):
                add_term(job.bucket_totals + job.bucket[i], &job.split, self.share(job.sq_nearest, i))
            self.add_buckets(job)
        found = value_range(&job.potential, &job.split, self.rows.n)
        if found.low == found.high:
            return found.low
        memset(&exact, 0, sizeof(Wide))
        for i in range(self.rows.n):
            wide_add(&exact, self.share(job.sq_nearest, i))
        return wide_value(&exact)

    cdef double add_buckets(self, Seeding *job) noexcept nogil:
        """The potential from those of the buckets, about."""
        cdef Py_ssize_t b
        memset(&job.potential, 0, sizeof(Sum))
        for b from 0 <= b < job.buckets by SHELF:
            add_shelf(&job.potential, job.bucket_totals + b)
        return sum_value(job.potential.part, 1, SUM_PARTS)

    cdef double left_by(self, const Seeding *job, Py_ssize_t candidate, const double *row) except -1 nogil:
        """The potential that a candidate (d,) would leave: an exact sum like any other, so it is no matter that it was subtracted."""
        cdef Sum total = job.potential
        cdef Range found
        cdef int p, worker
        for p in range(SUM_PARTS):
            for worker in range(self.n_threads):
                total.part[p] += job.totals[worker * job.candidates.m + candidate].part[p]
        found = value_range(&total, &job.split, self.rows.n)
        if found.low == found.high:
            return found.low
        with gil:
            return self.left_exactly(job, row)

    cdef double left_exactly(self, const Seeding *job, const double *row) except -1:
        """`left_by`, where what three parts leave over decides how it is rounded."""
        cdef Memory memory = Memory()
        cdef Py_ssize_t n = self.rows.n, i
        cdef double *sq = <double *>memory.take(n, sizeof(double))
        cdef Wide total
        self.measure(row, 1, <int32_t *>memory.take(n, sizeof(int32_t)), sq)
        memset(&total, 0, sizeof(Wide))
        for i in range(n):
            sq[i] = min(sq[i], job.sq_nearest[i])
            wide_add(&total, self.share(sq, i))
        return wide_value(&total)

    cdef int take_rest(self, int64_t *taken, Py_ssize_t count, Py_ssize_t k) except -1:
        """Fill up with the first rows of positive weight that are not taken yet; with the first of all when none is left."""
        cdef Memory memory = Memory()
        cdef uint8_t *used = <uint8_t *>memory.take(self.rows.n, 1)
        cdef Py_ssize_t i, first = -1
        for i in range(count):
            used[taken[i]] = 1
        for i in range(self.rows.n):
            if count == k:
                return 0
            if self.weight != NULL and self.weight[i] == 0:
                continue
            if first < 0:
                first = i
            if not used[i]:
                taken[count] = i
                count += 1
        while count < k:
            taken[count] = first
            count += 1
        return 0


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


include "bounds.pxi"
include "run.pxi"
include "block.pxi"
include "held.pxi"
include "stream.pxi"
include "running.pxi"
