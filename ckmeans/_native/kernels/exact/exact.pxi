# Exact kernels: all arithmetic that decides a label, adds to a sum or is shown to a user.
#
# Included by one module per element type `real` and instruction set, compiled without fused
# multiply-adds: the squared distance of a row and a center is float64, features in order, t = x[f]
# - c[f]; s += t * t. Wide instruction sets work on several rows or centers at a time, never on
# several features of one sum, so that they give the same bits. They are also compiled for other
# metrics. Then the term of a feature is not a squared difference (kernels/exact/terms.h), and
# "squared distance" means the sum of those terms.

cimport cython
from libc.math cimport fabs, frexp, ldexp, pow, sqrt, sqrtf
from libc.string cimport memcpy, memset
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from cpython.pycapsule cimport PyCapsule_New
from ckmeans._native.kernel_tables cimport *

cdef extern from "runtime/simd.h" nogil:
    ctypedef double vd
    enum: VDL, BLOCK_V, CKM_DEBUG_BOUNDS
    vd VD_LOAD(const double *)
    void VD_STORE(double *, vd)
    vd VD_SPLAT(double)
    vd VD_EVERYWHERE(const double *)
    vd VD_EVERYWHERE_FLOAT(const float *)
    vd VD_ONE()
    vd VD_MULTIPLIED_LESS(vd, vd, vd)
    vd VD_FROM_FLOATS(const float *)
    vd VD_MAX(vd, vd)
    vd VD_ABS(vd)
    void ckm_transpose(const float *, Py_ssize_t, float *, Py_ssize_t)
    int CKM_CTZ64(uint64_t)
    Py_ssize_t ckm_column(const int32_t *, Py_ssize_t, Py_ssize_t)
    void CKM_PREFETCH(const void *)
    void CKM_PREFETCH_L2(const void *)

cdef extern from "kernels/exact/terms.h" nogil:
    enum: CKM_EUCLIDEAN, CKM_MANHATTAN, CKM_GAPS
    double CKM_LARGEST
    vd VD_TERM(vd)
    vd VD_PRODUCT(vd, vd)
    double ckm_term(double)
    double ckm_shown(double)
    double ckm_product(double, double)
    double ckm_left(double)

cdef extern from "kernels/exact/short_floats.h" nogil:
    double ckm_float16(uint16_t)
    double ckm_bfloat16(uint16_t)

cdef enum:
    GROUP = 4            # rows that the exact kernel takes together
    SPAN = 128           # elements that narrow rows are strung together to
    ROUND = 64           # features whose terms are cut together where sums have many parts
    CSR_ROWS = 4         # CSR: rows that the block of a worker has room for


include "kernels/exact/reading.pxi"
include "kernels/exact/hash.pxi"
include "kernels/exact/cosine.pxi"
include "kernels/exact/cluster_sums.pxi"
include "kernels/exact/gaps.pxi"
include "kernels/exact/distances.pxi"
include "kernels/exact/moments.pxi"
include "kernels/exact/axes.pxi"
include "kernels/exact/pack.pxi"
include "kernels/exact/labels.pxi"
include "kernels/exact/groups.pxi"
include "kernels/exact/leads.pxi"
include "kernels/exact/medians.pxi"
include "kernels/exact/heads.pxi"
include "kernels/exact/bytes.pxi"
include "kernels/exact/shown.pxi"
include "kernels/exact/seeding.pxi"
include "kernels/exact/squares.pxi"
include "kernels/exact/fuzzy.pxi"
include "kernels/exact/csr.pxi"


cdef ExactTable _table
_table.scan = scan
_table.read = read
_table.hash_row = hash_row
_table.hash_rows = hash_rows
_table.project = project
_table.move = move
_table.survey = survey
_table.arrange = arrange
_table.turn = turn
_table.assign_boxes = assign_boxes
_table.assign_groups = assign_groups
_table.assign = assign
_table.measure = measure
_table.transform = transform
_table.thin_rows = thin_rows
_table.norms = thin_norms
_table.squares = squares
_table.seed = seed
_table.weigh = weigh
_table.weigh_left = weigh_left
_table.memberships = memberships
_table.unit_factor = unit_factor_of
_table.unit_factors = unit_factors
_table.present = present_in
table = PyCapsule_New(&_table, "ckmeans.exact", NULL)

if not CKM_EUCLIDEAN:        # squared distances have searches that are faster
    _table.assign_leads = assign_leads
if CKM_MANHATTAN:
    _table.look_between = look_between

cdef ExactTable _csr
if CKM_EUCLIDEAN:            # other metrics have no rows in CSR form, and none in bytes
    _table.assign_bytes = assign_bytes
    _table.weigh_bytes = weigh_bytes
    _csr.scan = csr_scan
    _csr.read = read
    _csr.hash_row = hash_row
    _csr.hash_rows = hash_rows
    _csr.move = csr_move
    _csr.survey = csr_survey
    _csr.assign = csr_assign
    _csr.measure = csr_measure
    _csr.transform = csr_transform
    _csr.norms = thin_norms
    _csr.seed = csr_seed
    _csr.weigh = csr_weigh
    _csr.unit_factor = unit_factor_of
    _csr.unit_factors = csr_unit_factors
    _csr.squares = csr_all_squares
    _csr.walk_slots = WALK_SLOTS
    _csr.lanes = LANES
    _csr.block_rows = CSR_ROWS
    csr_table = PyCapsule_New(&_csr, "ckmeans.exact", NULL)
