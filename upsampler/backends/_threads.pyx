"""Threads for the kernels: a small pool of our own instead of OpenMP.

Why not OpenMP: its teams spin while they wait, which made calls several times slower on a busy
machine; GNU's cannot be used in a child after fork once the parent has used it; and macOS and
Windows toolchains often lack it.  Why not Python threads: they need the GIL to start, which
another thread may hold for milliseconds.  These threads have no Python state at all.

A job is a number of units that participants claim one by one, so a thread that comes late (or
whose core is busy) simply claims fewer.  The caller works too and never waits for a helper that
has not begun.  Over all calls at once there are at most as many running threads as cores, or as
many as a single call asked for: a call that finds no free helper works alone.  On Linux helpers
keep off the core of their caller (why: _affinity.h).

The locks are CPython's own (``PyThread_*``), which need no GIL and exist on every platform.
"""

from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

cdef extern from "pythread.h" nogil:
    ctypedef void* PyThread_type_lock
    PyThread_type_lock PyThread_allocate_lock()
    int PyThread_acquire_lock(PyThread_type_lock, int)
    void PyThread_release_lock(PyThread_type_lock)
    void PyThread_free_lock(PyThread_type_lock)
    unsigned long PyThread_start_new_thread(void (*)(void*) noexcept nogil, void*)
    unsigned long PYTHREAD_INVALID_THREAD_ID

cdef extern from "_native.h" nogil:
    Py_ssize_t fetch_add(Py_ssize_t*, Py_ssize_t)

cdef extern from "_affinity.h" nogil:
    ctypedef struct cores_t:
        pass
    long this_thread()
    void cores_for_helpers(cores_t*)
    void confine(long, cores_t*, const cores_t*)

cdef enum:
    MAX_WORKERS = 255
    MAX_SPARE = 32
    ALIGN = 64

cdef struct Job:
    unit_fn fn
    const void* data
    Py_ssize_t units
    Py_ssize_t next  # claimed with fetch_add
    size_t scratch
    int working  # helpers inside the job, under the mutex
    bint waiting  # whether the caller sleeps until `working` is 0
    PyThread_type_lock done

cdef struct Worker:
    PyThread_type_lock wake
    Job* job  # what to do next; NULL once taken, or taken back
    bint woken  # `wake` has been released and not yet consumed
    long thread  # the system's number of it; 0 before it ran, or where there is none
    cores_t cores  # where it may run

cdef struct Spare:
    char* memory
    size_t size

# All of it is guarded by `mutex`.
cdef PyThread_type_lock mutex = PyThread_allocate_lock()
cdef Worker* idle[MAX_WORKERS]
cdef int idle_count = 0
cdef int worker_count = 0
cdef int running = 0  # callers and helpers at work
cdef Spare spares[MAX_SPARE]
cdef int spare_count = 0
cdef int cores = 1


cdef char* take_scratch(const Job* job) noexcept nogil:
    """A block for a participant, recycled where one fits; NULL where there is no memory.

    Blocks of more than 128 kB fresh from malloc cost a page fault for every 4 kB on each call.
    """
    global spare_count
    cdef size_t size = job.scratch + ALIGN + sizeof(size_t)
    cdef int k, best = -1
    cdef char* memory = NULL
    PyThread_acquire_lock(mutex, 1)
    for k in range(spare_count):
        if spares[k].size >= size and (best < 0 or spares[k].size < spares[best].size):
            best = k
    if best >= 0:
        memory = spares[best].memory
        spare_count -= 1
        spares[best] = spares[spare_count]
    PyThread_release_lock(mutex)
    if memory == NULL:
        memory = <char*> malloc(size + sizeof(size_t))
        if memory != NULL:
            (<size_t*> memory)[0] = size
    return memory


cdef void give_scratch(char* memory) noexcept nogil:
    global spare_count
    cdef size_t size = (<size_t*> memory)[0]
    PyThread_acquire_lock(mutex, 1)
    if spare_count < MAX_SPARE and size <= (4 << 20):
        spares[spare_count].memory = memory
        spares[spare_count].size = size
        spare_count += 1
        memory = NULL
    PyThread_release_lock(mutex)
    free(memory)


cdef void work(Job* job, char* memory) noexcept nogil:
    """Claim units until none is left; without memory do nothing, the others do that share."""
    cdef char* scratch = memory + sizeof(size_t)
    cdef Py_ssize_t unit
    if memory == NULL:
        return
    scratch += (ALIGN - (<uintptr_t> scratch) % ALIGN) % ALIGN
    while True:
        unit = fetch_add(&job.next, 1)
        if unit >= job.units:
            break
        job.fn(job.data, unit, scratch)
    give_scratch(memory)


cdef void worker_main(void* argument) noexcept nogil:
    global idle_count, running
    cdef Worker* self = <Worker*> argument
    cdef Job* job
    PyThread_acquire_lock(mutex, 1)
    self.thread = this_thread()
    PyThread_release_lock(mutex)
    while True:
        PyThread_acquire_lock(self.wake, 1)
        PyThread_acquire_lock(mutex, 1)
        self.woken = False
        job = self.job
        self.job = NULL
        if job != NULL:
            job.working += 1
        PyThread_release_lock(mutex)
        if job == NULL:
            continue  # taken back before this thread woke: it is idle again already
        work(job, take_scratch(job))
        PyThread_acquire_lock(mutex, 1)
        job.working -= 1
        running -= 1
        idle[idle_count] = self
        idle_count += 1
        if job.working == 0 and job.waiting:
            PyThread_release_lock(job.done)
        PyThread_release_lock(mutex)


cdef Worker* new_worker() noexcept nogil:
    """A thread that sleeps, or NULL where the system has none left."""
    cdef Worker* worker = <Worker*> malloc(sizeof(Worker))
    if worker == NULL:
        return NULL
    worker.job = NULL
    worker.woken = False
    worker.thread = 0
    memset(&worker.cores, 0, sizeof(cores_t))
    worker.wake = PyThread_allocate_lock()
    if worker.wake == NULL:
        free(worker)
        return NULL
    PyThread_acquire_lock(worker.wake, 1)
    if PyThread_start_new_thread(worker_main, worker) == PYTHREAD_INVALID_THREAD_ID:
        PyThread_release_lock(worker.wake)
        PyThread_free_lock(worker.wake)
        free(worker)
        return NULL
    return worker


cdef int hire(
    Job* job, int wanted, const cores_t* where, Worker** hired, bint* asleep
) noexcept nogil:
    """Give `job` to as many helpers as are wanted and free.  The mutex is held.

    Those that are `asleep` are to be woken when the mutex is free again: a helper that finds it
    taken, or makes its waker wait for it, wakes that up later, and on its own core.
    """
    global idle_count, worker_count, running
    cdef int count = 0
    cdef int room = max(cores, wanted + 1) - running
    cdef Worker* worker
    while count < min(wanted, room):
        if idle_count > 0:
            idle_count -= 1
            worker = idle[idle_count]
        elif worker_count < MAX_WORKERS:
            worker = new_worker()
            if worker == NULL:
                break
            worker_count += 1
        else:
            break
        worker.job = job
        confine(worker.thread, &worker.cores, where)
        asleep[count] = not worker.woken
        worker.woken = True
        hired[count] = worker
        count += 1
    running += count
    return count


cdef int run_units(
    unit_fn fn, const void* data, Py_ssize_t units, int threads, size_t scratch
) noexcept nogil:
    """``fn(data, k, scratch)`` for k in range(units), in any order; 0, or -1 without memory."""
    global idle_count, running
    cdef Job job
    cdef cores_t where
    cdef Worker* hired[MAX_WORKERS]
    cdef bint asleep[MAX_WORKERS]
    cdef int count = 0, k
    cdef char* memory
    job.fn = fn
    job.data = data
    job.units = units
    job.next = 0
    job.scratch = scratch
    job.working = 0
    job.waiting = False
    job.done = NULL
    memory = take_scratch(&job)
    threads = <int> min(<Py_ssize_t> min(threads, MAX_WORKERS), units)
    if threads > 1:
        job.done = PyThread_allocate_lock()
        cores_for_helpers(&where)
    PyThread_acquire_lock(mutex, 1)
    running += 1
    if job.done != NULL:
        PyThread_acquire_lock(job.done, 1)
        count = hire(&job, threads - 1, &where, hired, asleep)
    PyThread_release_lock(mutex)
    for k in range(count):
        if asleep[k]:
            PyThread_release_lock(hired[k].wake)

    work(&job, memory)

    PyThread_acquire_lock(mutex, 1)
    running -= 1
    for k in range(count):
        if hired[k].job == &job:  # has not begun: take the job back
            hired[k].job = NULL
            running -= 1
            idle[idle_count] = hired[k]
            idle_count += 1
    job.waiting = job.working > 0
    PyThread_release_lock(mutex)
    if job.waiting:
        PyThread_acquire_lock(job.done, 1)
        # The last helper still holds the mutex when it releases `done`; wait until it let go,
        # for it may not touch the job after this function has returned.
        PyThread_acquire_lock(mutex, 1)
        PyThread_release_lock(mutex)
    if job.done != NULL:
        PyThread_release_lock(job.done)
        PyThread_free_lock(job.done)
    return 0 if memory != NULL or job.next >= units else -1


def set_cores(int n):
    """Tell how many cores this process may use."""
    global cores
    cores = max(1, n)


def forget_threads():
    """In a child after fork: its parent's threads do not exist here, nor what they held."""
    global mutex, idle_count, worker_count, running, spare_count
    mutex = PyThread_allocate_lock()
    idle_count = worker_count = running = spare_count = 0


cdef extern from "_native.h" nogil:
    int runs_avx2()
    int runs_avx512()


def has_avx2():
    """Whether this processor runs AVX2, FMA and F16C code."""
    return bool(runs_avx2())


def has_avx512():
    """Whether this processor runs AVX-512 code (F, BW, DQ, VL)."""
    return bool(runs_avx512() and runs_avx2())
