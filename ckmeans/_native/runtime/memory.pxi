# Memory that is freed with its owner.

cdef class Memory:
    """Cache-line aligned blocks that live as long as this object."""
    cdef void *blocks[32]
    cdef int used

    def __dealloc__(self):
        cdef int i
        for i in range(self.used):
            free(self.blocks[i])

    cdef void *take(self, size_t count, size_t size, bint raw=False) except NULL:
        """Allocate `count` items of this size, zeroed unless `raw`."""
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
