# Rows kept in whole numbers, for the filter of filter_quanta.pxi.

cdef enum:
    WORTH_QUANTISING = 32        # centers from which on it pays for rows that are looked at once

cdef class Quanta:
    """Room for the rows of one data set in whole numbers, which the next pass fills."""
    cdef Memory memory

    def __cinit__(self, Data data):
        cdef Py_ssize_t n = (data.rows.n + PANEL - 1) // PANEL * PANEL
        cdef Packed *packing = &data.packing
        cdef float *norms
        cdef float *steps
        cdef int32_t *quanta
        self.memory = Memory()
        norms = <float *>self.memory.take(n, sizeof(float))
        steps = <float *>self.memory.take(n, sizeof(float))
        quanta = <int32_t *>self.memory.take(n * quanta_words(data.rows.d), sizeof(int32_t))
        packing.quanta_norms = norms
        packing.steps = steps
        packing.quanta = quanta
        packing.quantising = True


cdef void worst_of_quanta(Packed *packing, Py_ssize_t d) noexcept nogil:
    """For rows that are put in whole numbers only when they are compared: what can be said of all rows before."""
    packing.rough = 0.52 * sqrt(<double>d)
    packing.reach = QUANTA_TOTAL * (1 + 1e-5) + packing.rough


cdef double quanta_cost(Py_ssize_t m, Py_ssize_t d) noexcept nogil:
    """Nanoseconds that it takes to compare a row in whole numbers with m centers, roughly."""
    return 0.5 + m * (0.55 * d + 8) / 54


cdef double choice_cost(Py_ssize_t d) noexcept nogil:
    """Nanoseconds that a row takes which that leaves in doubt, roughly."""
    return 80 + 0.5 * d
