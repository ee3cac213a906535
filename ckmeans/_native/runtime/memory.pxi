# Memory that is freed with its owner; new arrays.

cdef enum:
    SLAB = 2048          # bytes that small blocks are cut from
    SMALL = 512          # bytes of the largest small block


cdef class Memory:
    """Cache-line aligned blocks that live as long as this object."""
    cdef void *blocks[32]
    cdef int used
    cdef char *slab              # the rest of the last block that small ones are cut from
    cdef size_t left             # its bytes

    def __dealloc__(self):
        cdef int i
        for i in range(self.used):
            free(self.blocks[i])

    cdef void *take(self, size_t count, size_t size, bint raw=False) except NULL:
        """Allocate `count` items of this size, zeroed unless `raw`."""
        cdef size_t room
        cdef char *block
        if (size and count > (<size_t>-1 - 64) // size):
            raise MemoryError()
        room = count * size
        if room > SMALL or CKM_SANITIZED:     # (sanitizers look at the ends of blocks)
            return self.own_block(room, raw)
        room = (max(room, 1) + 63) & ~<size_t>63
        if room > self.left:
            self.left = 0
            self.slab = <char *>self.own_block(SLAB, True)
            self.left = SLAB
        block = self.slab
        self.slab += room
        self.left -= room
        if not raw:
            memset(block, 0, room)
        return block

    cdef void *own_block(self, size_t size, bint raw) except NULL:
        """Allocate a block of so many bytes."""
        cdef char *block
        if self.used == 32:
            raise RuntimeError("too many blocks of memory for one owner")
        block = <char *>malloc(size + 64) if raw else <char *>calloc(1, size + 64)
        if block == NULL:
            raise MemoryError(f"could not allocate {size} bytes")
        self.blocks[self.used] = block
        self.used += 1
        ckm_want_huge_pages(block, size + 64)
        return block + 64 - (<size_t>block) % 64


cdef cnp.ndarray new_vector(Py_ssize_t n, int type_):
    """An array (n,) of this NumPy type, not filled: `numpy.empty`, in a fifth of the time."""
    cdef cnp.npy_intp shape = n
    return cnp.PyArray_SimpleNew(1, &shape, type_)


cdef cnp.ndarray new_matrix(Py_ssize_t n, Py_ssize_t d):
    """An array (n, d) of float64, not filled."""
    cdef cnp.npy_intp[2] shape
    shape[0], shape[1] = n, d
    return cnp.PyArray_SimpleNew(2, shape, cnp.NPY_FLOAT64)
