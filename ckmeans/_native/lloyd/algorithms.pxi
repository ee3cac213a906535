# The table of algorithms. All give the same bits: they differ in how rows are packed and which
# centers they are compared with.
#
# A new algorithm is a file in packings/ or searches/, the line here that includes it, and a row of
# ALGORITHMS. The tests go over all rows of the table and check that all give the same bits.

include "packings/packing.pxi"
include "packings/floats.pxi"
include "packings/axes.pxi"
include "packings/whole_numbers.pxi"
include "packings/bytes.pxi"

include "searches/search.pxi"
include "searches/all_centers.pxi"
include "searches/boxes.pxi"
include "searches/groups.pxi"
include "searches/leads.pxi"
include "searches/in_python.pxi"


#: packings, searches : types in the order in which a run asks them before each pass; the last of
#: each always fits and is wanted. prefers : one of them, which is used unless it is predicted to be
#: slower; the others are used only if they are predicted to be much faster.
Algorithm = namedtuple("Algorithm", ["packings", "searches", "prefers"], defaults=[None])

ALGORITHMS = {
    "auto":      Algorithm((Axes, InBytes, WholeNumbers, Floats),
                           (BoxSearch, GroupSearch, AllCenters)),
    "lloyd":     Algorithm((InBytes, WholeNumbers, Floats), (AllCenters,)),
    "bytes":     Algorithm((InBytes, WholeNumbers, Floats), (AllCenters,),
                           prefers=InBytes),
    "boxes":     Algorithm((InBytes, WholeNumbers, Floats), (BoxSearch, AllCenters),
                           prefers=BoxSearch),
    "yinyang":   Algorithm((InBytes, WholeNumbers, Floats), (GroupSearch, AllCenters),
                           prefers=GroupSearch),
    "projected": Algorithm((Axes, InBytes, WholeNumbers, Floats), (GroupSearch, AllCenters),
                           prefers=Axes),
}

cdef bint insisting = False


def insist(bint always):
    """For tests: whether the preferred packing or search is used wherever it fits, however slow;
    returns what held before.
    """
    global insisting
    before = insisting
    insisting = always
    return before
