"""Optimal k-means of one dimension: a dynamic program over the sorted values.

In one dimension clusters are intervals, so k-means is a shortest path problem: D[q][j] = min over i
of D[q - 1][i] + cost(i, j), the least cost of the first j values in q clusters (Wang & Song, The R
Journal 3, 2011). The best i never falls as j grows, so one layer takes O(n log n) by divide and
conquer (Groenlund, Larsen, Mathiasen, Nielsen, Schneider & Song, arXiv:1701.07204, 2017). Many
clusters take a few such passes in all: see kernels/one_dim/priced_path.pxi.

Fast arithmetic filters, exact arithmetic decides. Prefix sums are pairs of float64, about 106 bits,
of values moved to their mean, so that neither a large offset nor a wide range loses digits. A scan
of the candidates in float64 discards all that its error bound allows; if more than one is left,
pairs decide, and of equal ones the first is taken. If the best clusters cost so little of the whole
that pairs are not accurate enough, kernels/one_dim/merge.pxi decides.
"""
from libc.math cimport fabs, frexp, ldexp, log, INFINITY
from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy
cimport numpy as cnp
import numpy as np
from ckmeans._native.kernel_tables cimport ChunkFn

cnp.import_array()

cdef enum:
    STEP = 256                       # candidates that are scanned together
    KEPT_CUTS = 1 << 24              # entries of the table of cuts; larger problems are halved,
                                     # which takes no table and twice the time
    FEW_ROWS = 24
    FEW_CANDIDATES = 64
    SHORT = 64                       # candidates whose costs are made from one another
    NOWHERE = -1                     # instead of a candidate: there is none
    DEPTH = 7
    PIECES = 1 << DEPTH              # that a layer is cut into for threads
    MANY = 96                        # clusters from which on they are priced, where windows are
                                     # sought
    SOME = 16                        # the same for smaller problems
    PRICES = 40                      # that are tried
    WINDOWED = 1 << 16               # distinct values above which windows are sought
    COARSE = 1 << 22                 # entries of a coarse problem's layers
    ALONE = 20000                    # rows of a layer below which one thread takes them all
    ABREAST = 128                    # rows whose likelihoods are computed together
    MIXED = 4096                     # rows whose likelihoods one thread adds up

cdef double MOST_MERGED = 1e10       # clusters times distinct values above which what prefix sums
                                     # cannot tell stays as they have it

cdef extern from "runtime/simd.h" nogil:
    enum: CKM_DEBUG_BOUNDS

include "runtime/crew.pxi"
include "kernels/one_dim/pairs.pxi"
include "kernels/one_dim/merge.pxi"
include "kernels/one_dim/dynamic_program.pxi"
include "kernels/one_dim/priced_path.pxi"
include "kernels/one_dim/mixture.pxi"
include "kernels/one_dim/sorted.pxi"
