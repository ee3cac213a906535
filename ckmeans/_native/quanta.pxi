# Rows kept in whole numbers, for the filter of filter_quanta.pxi.

cdef enum:
    QUANTA_FEATURES = 8         # features from which on that is faster than float32

cdef class Quanta:
    """Room for the rows of one data set in whole numbers, which the next pass fills."""
    cdef Memory memory

    def __cinit__(self, Data data):
        cdef Py_ssize_t n = (data.rows.n + PANEL - 1) // PANEL * PANEL
        cdef Packing *packing = &data.packing
        self.memory = Memory()
        packing.quanta_norms = <float *>self.memory.take(n, sizeof(float))
        packing.steps = <float *>self.memory.take(n, sizeof(float))
        packing.quanta = <int32_t *>self.memory.take(n * quanta_words(data.rows.d), sizeof(int32_t))
        packing.quantising = True


cdef double quanta_cost(Py_ssize_t m, Py_ssize_t d) noexcept nogil:
    """Nanoseconds that it takes to compare a row in whole numbers with m centers, roughly."""
    return 0.5 + m * (0.55 * d + 8) / 54


cdef double choice_cost(Py_ssize_t d) noexcept nogil:
    """Nanoseconds that a row takes which that leaves in doubt, roughly."""
    return 80 + 0.5 * d
