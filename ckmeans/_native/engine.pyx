"""The engine: data that is prepared once, Lloyd's iterations over it, seeding, and all other passes
over the rows.

`Data` holds one data set and every pass over it; `Run` is one k-means run from given centers, with
the iteration loop and the stopping rule. Kernels come from the tables of the instruction set in
use; threads from the crew.
"""
cimport cython
from cpython.exc cimport PyErr_CheckSignals as check_signals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.limits cimport INT_MAX
from libc.math cimport fabs, floor, fma, frexp, ldexp, sqrt, INFINITY, NAN
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memchr, memcpy, memmove, memset
cimport numpy as cnp
from collections import namedtuple
from fractions import Fraction
import os

import numpy as np
from ckmeans._native.kernel_tables cimport *

cnp.import_array()

cdef extern from "runtime/simd.h" nogil:
    int CKM_CTZ64(uint64_t)
    Py_ssize_t ckm_column(const int32_t *, Py_ssize_t, Py_ssize_t)

cdef extern from "runtime/cpu.h":
    int ckm_has_avx2()
    int ckm_has_avx512()
    int ckm_has_avx512vnni()
    int ckm_has_amx()
    const char *CKM_COMPILER

cdef extern from "runtime/simd.h":
    enum: CKM_DEBUG_BOUNDS

cdef extern from "build_info.h":
    const char *CKM_INSTRUCTION_SETS
    const char *CKM_FLAGS

cdef double SPARE = ldexp(1, -30)     # of its range that a sum of three parts can spare: its value
                                      # is hardly ever in doubt

#: Most threads of a pass: beyond so many for each CPU, more threads only cost time and memory.
MOST_THREADS = max(64, 4 * (os.cpu_count() or 1))
cdef int most_threads = MOST_THREADS

cdef extern from "Python.h":
    enum: PY_SSIZE_T_MAX

cdef enum Metric:                     # what the distance of a row and a center is
    EUCLIDEAN                         # squared, and of rows of unit length as well
    MANHATTAN                         # the sum of absolute differences
    GAPS                              # squared, over the features that are not NaN in the row

cdef FilterTable *filter_table
cdef ExactTable *exact_tables[2]      # float32, float64
cdef ExactTable *csr_tables[2]        # the same, of rows in CSR form
cdef ExactTable *metric_tables[3][2]  # the same, of dense rows, by metric; NULL until they are used
cdef FilterTable metric_filters[3]    # and their filters


#: Instruction sets that the kernels were built for, from the narrowest to the widest; the flags
#: that all were built with, and by what.
BUILT = tuple(CKM_INSTRUCTION_SETS.decode().split())
FLAGS = CKM_FLAGS.decode()
COMPILER = CKM_COMPILER.decode()

#: Whether this is a debug build, in which a bound that true distances do not keep raises
#: AssertionError.
DEBUG_BOUNDS = bool(CKM_DEBUG_BOUNDS)


def cpu_features():
    """Names of the wide instruction sets that this CPU has."""
    return [name for name, there in (("avx2", ckm_has_avx2()), ("avx512", ckm_has_avx512()),
                                     ("avx512vnni", ckm_has_avx512vnni()), ("amx", ckm_has_amx()))
            if there]


def use_tables(filter_, exact_f32, exact_f64):
    """Take the kernels in the modules of one instruction set, at import; see `instruction_sets`."""
    global filter_table
    filter_table = <FilterTable *>PyCapsule_GetPointer(filter_.table, "ckmeans.filter")
    for i, exact in enumerate((exact_f32, exact_f64)):
        exact_tables[i] = <ExactTable *>PyCapsule_GetPointer(exact.table, "ckmeans.exact")
        csr_tables[i] = <ExactTable *>PyCapsule_GetPointer(exact.csr_table, "ckmeans.exact")
    memset(metric_tables, 0, sizeof(metric_tables))


#: Set at import: takes the name of a metric, and gives the modules of its exact kernels.
metric_kernels = None


cdef int need_metric(Metric metric) except -1:
    """Have the tables of a metric filled in."""
    if metric_tables[<int>metric][1] != NULL:
        return 0
    metric_filters[<int>metric] = filter_table[0]
    # Rows in whole numbers are compared by squared distances, with all features there.
    metric_filters[<int>metric].quanta_from = PY_SSIZE_T_MAX
    if metric == MANHATTAN:
        metric_filters[<int>metric].panel = filter_table.manhattan_panel
        metric_filters[<int>metric].gains = filter_table.manhattan_gains
    f32, f64 = metric_kernels("manhattan" if metric == MANHATTAN else "gaps")
    metric_tables[<int>metric][0] = <ExactTable *>PyCapsule_GetPointer(f32.table, "ckmeans.exact")
    metric_tables[<int>metric][1] = <ExactTable *>PyCapsule_GetPointer(f64.table, "ckmeans.exact")
    return 0


include "runtime/memory.pxi"
include "runtime/argument_checks.pxi"

def largest_magnitude(cnp.ndarray rows not None):
    """The largest magnitude of any value of rows (k, d), float64; NaN where one is not finite."""
    return magnitude_of(rows_of(rows, "rows", -1), rows.shape[0] * rows.shape[1])


cdef double magnitude_of(const double *value, Py_ssize_t count) noexcept nogil:
    cdef double[4] largest               # four searches, so that the CPU can overlap them
    cdef double[4] odd                   # 0, or NaN
    cdef Py_ssize_t whole = count // 4 * 4, i, j
    memset(largest, 0, sizeof(largest))
    memset(odd, 0, sizeof(odd))
    for i from 0 <= i < whole by 4:
        for j in range(4):
            largest[j] = max(largest[j], fabs(value[i + j]))
            odd[j] += value[i + j] - value[i + j]
    for i in range(whole, count):
        largest[0] = max(largest[0], fabs(value[i]))
        odd[0] += value[i] - value[i]
    if not odd[0] + odd[1] + odd[2] + odd[3] == 0:
        return NAN
    return max(max(largest[0], largest[1]), max(largest[2], largest[3]))


include "runtime/crew.pxi"
include "runtime/threads.pxi"
include "data/sums.pxi"
include "lloyd/centers.pxi"
include "data/float32_distances.pxi"
include "data/linear_algebra.pxi"
include "data/samples.pxi"
include "data/spatial_order.pxi"
include "data/draw_order.pxi"
include "data/csr.pxi"
include "data/rows.pxi"
include "data/cuts.pxi"
include "data/moments.pxi"
include "data/measures.pxi"
include "data/few_labels.pxi"
include "data/data.pxi"
include "data/heads.pxi"
include "data/seeding.pxi"
include "data/sampled_seeding.pxi"
include "lloyd/bounds.pxi"
include "lloyd/algorithms.pxi"
include "lloyd/choice.pxi"
include "lloyd/clusters.pxi"
include "lloyd/empty_clusters.pxi"
include "rules/base.pxi"
include "rules/pricing.pxi"
include "rules/medians.pxi"
include "rules/gaps.pxi"
include "rules/fuzzy.pxi"
include "rules/flow.pxi"
include "rules/sizes.pxi"
include "rules/outliers.pxi"
include "rules/known_labels.pxi"
include "rules/both.pxi"
include "lloyd/lloyd.pxi"
include "lloyd/few_rows.pxi"
include "lloyd/many.pxi"
include "blocks/one_pass.pxi"
include "blocks/resident.pxi"
include "blocks/out_of_core.pxi"
include "lloyd/minibatch.pxi"
