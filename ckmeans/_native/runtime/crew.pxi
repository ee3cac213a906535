# The crew: threads that share out the chunks of one pass after another. Nothing else knows that
# threads exist.
#
# Chunks are dealt by a ticket, `epoch << 32 | chunks left`: the thread that lowers it owns a chunk,
# so a suspended thread delays a pass only by the chunk that it holds. The calling thread works,
# too. Helpers spin for a moment, then sleep, each on its own lock. Threads use only the
# interpreter's portable locks and never touch a Python object; a child process after fork has no
# helpers. Threads are never joined: the last one to leave frees the crew.

cdef extern from "runtime/platform.h" nogil:
    ctypedef long long ckm_atomic
    long long ckm_load(ckm_atomic *)
    void ckm_store(ckm_atomic *, long long)
    long long ckm_exchange(ckm_atomic *, long long)
    long long ckm_add(ckm_atomic *, long long)
    int ckm_cas(ckm_atomic *, long long, long long)
    void ckm_pause()
    long long ckm_milliseconds()
    void ckm_want_huge_pages(void *, size_t)
    enum: CKM_SANITIZED

cdef extern from "pythread.h" nogil:
    ctypedef void *PyThread_type_lock
    unsigned long PyThread_start_new_thread(void (*)(void *) noexcept nogil, void *)
    PyThread_type_lock PyThread_allocate_lock()
    void PyThread_free_lock(PyThread_type_lock)
    int PyThread_acquire_lock(PyThread_type_lock, int)
    void PyThread_release_lock(PyThread_type_lock)

cdef extern from "Python.h":
    int PyErr_CheckSignals() noexcept        # its -1 is passed on by hand, through code that must
                                             # not stop in the middle

cdef enum:
    SPINS = 4000                 # about 50 us of spinning before sleeping
    SIGNALS_EVERY = 50           # milliseconds

cdef long long LEFT = 0xffffffff # the ticket's lower half


cdef struct Seat:
    Crew *crew
    int worker                   # 1, 2, ...: the caller is worker 0
    ckm_atomic asleep            # 1 while the helper waits for `bell` and no thread has rung it
    PyThread_type_lock bell


cdef struct Crew:
    int helpers
    Seat *seats
    ckm_atomic ticket, done, members, closing
    ckm_atomic caller_asleep
    PyThread_type_lock caller_bell
    # The pass under way. Written before the ticket, read only by threads that hold a chunk of it.
    ChunkFn fn
    void *job
    Py_ssize_t rows, chunk_rows, chunks
    long long epoch


cdef void free_crew(Crew *crew) noexcept nogil:
    cdef int i
    if crew.seats != NULL:
        for i in range(crew.helpers):
            if crew.seats[i].bell != NULL:
                PyThread_free_lock(crew.seats[i].bell)
    if crew.caller_bell != NULL:
        PyThread_free_lock(crew.caller_bell)
    free(crew.seats)
    free(crew)


cdef void leave_crew(Crew *crew) noexcept nogil:
    if ckm_add(&crew.members, -1) == 0:
        free_crew(crew)


cdef bint work_one(Crew *crew, int worker) noexcept nogil:
    """Take a chunk and do it; False when none is left."""
    cdef long long ticket = ckm_load(&crew.ticket)
    cdef Py_ssize_t chunk, chunks, start, stop
    while True:
        if ticket & LEFT == 0:
            return False
        if ckm_cas(&crew.ticket, ticket, ticket - 1):
            break
        ticket = ckm_load(&crew.ticket)
    chunks = crew.chunks
    chunk = chunks - <Py_ssize_t>(ticket & LEFT)
    start = chunk * crew.chunk_rows
    stop = min(start + crew.chunk_rows, crew.rows)
    crew.fn(crew.job, start, stop, chunk, worker)
    if ckm_add(&crew.done, 1) == chunks and ckm_exchange(&crew.caller_asleep, 0) == 1:
        PyThread_release_lock(crew.caller_bell)
    return True


cdef void helper_main(void *seat_) noexcept nogil:
    cdef Seat *seat = <Seat *>seat_
    cdef Crew *crew = seat.crew
    cdef int spins = 0
    while ckm_load(&crew.closing) == 0:
        if work_one(crew, seat.worker):
            spins = 0
        elif spins < SPINS:
            spins += 1
            ckm_pause()
        else:
            ckm_store(&seat.asleep, 1)
            # A thread that posts work after this line sees `asleep` and rings; work posted before
            # is seen here.
            if ((ckm_load(&crew.ticket) & LEFT) == 0 and ckm_load(&crew.closing) == 0
                    or ckm_exchange(&seat.asleep, 0) == 0):      # rung in between: take the ring
                PyThread_acquire_lock(seat.bell, 1)
            spins = 0
    leave_crew(crew)


cdef Crew *new_crew(int helpers) noexcept:
    """Start `helpers` threads, or as many as the system gives; NULL when there is no memory."""
    cdef Crew *crew = <Crew *>calloc(1, sizeof(Crew))
    cdef int i
    if crew == NULL:
        return NULL
    crew.seats = <Seat *>calloc(helpers, sizeof(Seat))
    crew.caller_bell = PyThread_allocate_lock()
    if crew.seats == NULL or crew.caller_bell == NULL:
        free_crew(crew)
        return NULL
    PyThread_acquire_lock(crew.caller_bell, 1)
    crew.members = 1
    for i in range(helpers):
        crew.seats[i].crew = crew
        crew.seats[i].worker = i + 1
        crew.seats[i].bell = PyThread_allocate_lock()
        if crew.seats[i].bell == NULL:
            break
        PyThread_acquire_lock(crew.seats[i].bell, 1)
        crew.helpers += 1
        ckm_add(&crew.members, 1)
        if PyThread_start_new_thread(helper_main, &crew.seats[i]) == <unsigned long>-1:
            ckm_add(&crew.members, -1)
            break
    return crew


cdef void ring(Crew *crew) noexcept nogil:
    cdef int i
    for i in range(crew.helpers):
        if ckm_exchange(&crew.seats[i].asleep, 0) == 1:
            PyThread_release_lock(crew.seats[i].bell)


cdef void close_crew(Crew *crew) noexcept nogil:
    ckm_store(&crew.closing, 1)
    ring(crew)
    leave_crew(crew)


cdef int look_for_signals(long long *looked) noexcept nogil:
    """Every SIGNALS_EVERY ms: -1, with the exception set, when a signal's handler raised one
    (Ctrl-C).

    looked  INOUT  when this was last done; outlives a pass, for passes can be short
    """
    cdef long long now = ckm_milliseconds()
    if now - looked[0] < SIGNALS_EVERY:
        return 0
    looked[0] = now
    with gil:
        return PyErr_CheckSignals()


cdef int crew_pass(Crew *crew, ChunkFn fn, void *job, Py_ssize_t rows, Py_ssize_t chunk_rows,
                   long long *looked) except -1 nogil:
    """Apply fn to all rows, chunk by chunk. The exception of a signal is raised once no thread
    works any more.
    """
    cdef long long ticket
    cdef int spins = 0, result = 0
    crew.fn = fn
    crew.job = job
    crew.rows = rows
    crew.chunk_rows = chunk_rows
    crew.chunks = (rows + chunk_rows - 1) // chunk_rows
    crew.epoch += 1
    ckm_store(&crew.done, 0)
    ckm_store(&crew.ticket, (crew.epoch << 32) | crew.chunks)
    ring(crew)
    while result == 0 and work_one(crew, 0):
        result = look_for_signals(looked)
    if result != 0:                # take back chunks that are not begun
        ticket = ckm_load(&crew.ticket)
        while not ckm_cas(&crew.ticket, ticket, ticket & ~LEFT):
            ticket = ckm_load(&crew.ticket)
        ckm_add(&crew.done, ticket & LEFT)
    while ckm_load(&crew.done) < crew.chunks:
        if spins < SPINS:
            spins += 1
            ckm_pause()
            continue
        ckm_store(&crew.caller_asleep, 1)
        if ckm_load(&crew.done) < crew.chunks or ckm_exchange(&crew.caller_asleep, 0) == 0:
            PyThread_acquire_lock(crew.caller_bell, 1)
    return result


cdef int lone_pass(ChunkFn fn, void *job, Py_ssize_t rows, Py_ssize_t chunk_rows,
                   long long *looked) except -1 nogil:
    """The same on the calling thread alone."""
    cdef Py_ssize_t start = 0, chunk = 0
    while start < rows:
        fn(job, start, min(start + chunk_rows, rows), chunk, 0)
        start += chunk_rows
        chunk += 1
        if look_for_signals(looked) != 0:
            return -1
    return 0
