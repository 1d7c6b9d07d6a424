"""Memory of results, recycled: a bounded pool behind NumPy's allocation handlers (NEP 49).

New memory costs more than the arithmetic.  The system clears every page on the first touch, and
malloc gives large blocks back whenever they lie at its top: with three results of 1 MB alive,
writing a fourth took 22 times as long as writing memory that had been written before.

An array made here owns its memory as any other (`OWNDATA`, `resize`, `sys.getsizeof`, tracemalloc
and pickles see no difference) and knows the handler that takes it back, so memory returns when
the last view of it dies, wherever that is.  Rejected: an object with the memory as `base` of the
array, whose results own nothing, cannot be resized and have a stranger as the base of their views.

The handler is NumPy's current one only while a result is allocated.  Its functions run in any
thread, also within garbage collection: they touch no Python object, and the one lock is held for
a few loads and stores, never while waiting for the GIL or for the system.
"""

cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_New
from cpython.ref cimport PyObject
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove, memset, strcpy

import numpy as np

cnp.import_array()

cdef extern from "pythread.h" nogil:
    ctypedef void* PyThread_type_lock
    PyThread_type_lock PyThread_allocate_lock()
    int PyThread_acquire_lock(PyThread_type_lock, int)
    void PyThread_release_lock(PyThread_type_lock)

cdef extern from "_memory.h" nogil:
    const size_t HUGE_PAGE
    char* map_huge(size_t)
    void unmap_huge(char*, size_t)
    void lend_to_system(char*, size_t)
    int around_fork(void (*)() noexcept nogil, void (*)() noexcept nogil)

cdef extern from "numpy/arrayobject.h":
    PyObject* PyDataMem_DefaultHandler
    PyObject* PyArray_HANDLER(cnp.ndarray)

cdef enum:
    MAX_BLOCKS = 1024
    ALIGN = 64
    GRANULE = 8192  # of the smallest blocks
    LEAST_SIZE = 8 * GRANULE

LEAST = LEAST_SIZE

cdef struct Block:  # what stands before the memory of an array
    void* base  # malloc's pointer; NULL where the memory is mapped
    size_t size
    bint recycled

# All of it is guarded by `mutex`; blocks that nobody uses lie oldest first.
cdef PyThread_type_lock mutex = PyThread_allocate_lock()
cdef char* unused[MAX_BLOCKS]
cdef size_t sizes[MAX_BLOCKS]
cdef int count = 0
cdef size_t held = 0
cdef size_t bound = 0
cdef size_t reused = 0, made = 0


cdef inline Block* block_of(char* memory) noexcept nogil:
    return <Block*> (memory - ALIGN)


cdef size_t block_size(size_t n) noexcept nogil:
    """Sizes of which there are eight for each power of two: at most an eighth is unused."""
    cdef size_t granule = GRANULE
    n = max(n, <size_t> LEAST_SIZE)
    while granule << 4 < n:
        granule <<= 1
    return (n + granule - 1) // granule * granule


cdef char* new_block(size_t size) noexcept nogil:
    cdef char* memory = map_huge(size) if size >= HUGE_PAGE else NULL
    cdef char* base = NULL
    if memory == NULL:  # too small to map, or a system where there is no mapping
        base = <char*> malloc(size + 2 * ALIGN)
        if base == NULL:
            return NULL
        memory = base + ALIGN
        memory += (ALIGN - (<uintptr_t> memory) % ALIGN) % ALIGN
    block_of(memory).base = base
    block_of(memory).size = size
    return memory


cdef void end_block(char* memory) noexcept nogil:
    cdef Block* block = block_of(memory)
    if block.base == NULL:
        unmap_huge(memory, block.size)
    else:
        free(block.base)


cdef char* remove(int k) noexcept nogil:
    """Take a block from the list.  The mutex is held."""
    global count, held
    cdef char* memory = unused[k]
    held -= sizes[k]
    count -= 1
    memmove(&unused[k], &unused[k + 1], (count - k) * sizeof(char*))
    memmove(&sizes[k], &sizes[k + 1], (count - k) * sizeof(size_t))
    return memory


cdef int find(size_t size) noexcept nogil:
    """The place of the block of `size` bytes that was used last, or -1.  The mutex is held."""
    cdef int k = count - 1
    while k >= 0 and sizes[k] != size:
        k -= 1
    return k


cdef char* take(size_t n) noexcept nogil:
    """At least `n` bytes of any content, NULL where there is no memory."""
    global reused, made
    cdef char* memory = NULL
    cdef size_t size
    cdef int k
    if n > (<size_t> -1) // 4:
        return NULL
    size = block_size(n)
    PyThread_acquire_lock(mutex, 1)
    k = find(size)
    if k >= 0:
        memory = remove(k)
        reused += 1
    else:
        made += 1
    PyThread_release_lock(mutex)
    if memory != NULL:
        block_of(memory).recycled = True
        return memory
    memory = new_block(size)
    if memory != NULL:
        block_of(memory).recycled = False
    return memory


cdef void give(char* memory) noexcept nogil:
    """Keep a block for later, and let the oldest ones go that are too much then."""
    global count, held
    cdef size_t size = block_of(memory).size
    cdef char* last
    if block_of(memory).base == NULL:
        lend_to_system(memory, size)
    PyThread_acquire_lock(mutex, 1)
    if size <= bound:
        last = remove(0) if count == MAX_BLOCKS else NULL
        unused[count] = memory
        sizes[count] = size
        count += 1
        held += size
    else:
        last = memory
    PyThread_release_lock(mutex)
    if last != NULL:
        end_block(last)
    shrink(<size_t> -1)


cdef size_t shrink(size_t limit) noexcept nogil:
    """Let the oldest blocks go until the bound and `limit` are kept; how many bytes those were."""
    cdef size_t gone = 0
    cdef char* memory
    while True:
        PyThread_acquire_lock(mutex, 1)
        memory = remove(0) if held > min(bound, limit) else NULL
        PyThread_release_lock(mutex)
        if memory == NULL:
            return gone
        gone += block_of(memory).size
        end_block(memory)


# What NumPy calls.  `free` is told a size as well, which is wrong where a length is 0.

cdef void* handler_malloc(void* context, size_t n) noexcept nogil:
    return take(n)


cdef void* handler_calloc(void* context, size_t items, size_t item) noexcept nogil:
    cdef char* memory = NULL
    if item == 0 or items <= (<size_t> -1) // item:
        memory = take(items * item)
    if memory != NULL:
        memset(memory, 0, items * item)
    return memory


cdef void* handler_realloc(void* context, void* old, size_t n) noexcept nogil:
    cdef char* memory
    if old == NULL:
        return take(n)
    if block_size(n) == block_of(<char*> old).size:
        return old
    memory = take(n)
    if memory != NULL:
        memcpy(memory, old, min(n, block_of(<char*> old).size))
        give(<char*> old)
    return memory


cdef void handler_free(void* context, void* memory, size_t n) noexcept nogil:
    if memory != NULL:
        give(<char*> memory)


cdef cnp.PyDataMem_Handler functions
strcpy(functions.name, b"upsampler")
functions.version = 1
functions.allocator.ctx = NULL
functions.allocator.malloc = handler_malloc
functions.allocator.calloc = handler_calloc
functions.allocator.realloc = handler_realloc
functions.allocator.free = handler_free
cdef object handler = PyCapsule_New(&functions, b"mem_handler", NULL)


# A fork waits until no other thread is at the list, for the child inherits it as it is then.

cdef void before_fork() noexcept nogil:
    PyThread_acquire_lock(mutex, 1)


cdef void after_fork() noexcept nogil:
    PyThread_release_lock(mutex)

if around_fork(before_fork, after_fork):
    raise MemoryError("no memory for what a fork has to do")


# For Python.

def empty(shape, dtype):
    """``np.empty`` in memory of the pool, unless a handler has been chosen for all arrays."""
    usual = cnp.PyDataMem_GetHandler()
    if <PyObject*> usual != PyDataMem_DefaultHandler:
        return np.empty(shape, dtype)
    cnp.PyDataMem_SetHandler(handler)
    try:
        return np.empty(shape, dtype)
    finally:
        cnp.PyDataMem_SetHandler(usual)


def is_recycled(x):
    """Whether the memory of the array `x` has been used before, so that its pages are there."""
    cdef cnp.ndarray owner
    while isinstance(x.base, np.ndarray):
        x = x.base
    owner = x
    if PyArray_HANDLER(owner) != <PyObject*> handler:
        return False
    return bool(block_of(<char*> cnp.PyArray_DATA(owner)).recycled)


def holds(size_t n):
    """Whether an array of `n` bytes would get memory that the pool holds."""
    cdef int found
    PyThread_acquire_lock(mutex, 1)
    found = find(block_size(n))
    PyThread_release_lock(mutex)
    return found >= 0


def drop():
    """Give back all that nobody uses; how many bytes that was."""
    return shrink(0)


def set_bound(size_t n):
    """Hold at most `n` bytes from now on."""
    global bound
    PyThread_acquire_lock(mutex, 1)
    bound = n
    PyThread_release_lock(mutex)
    shrink(n)


def state():
    """(bound, bytes held, blocks held, blocks reused, blocks made) at one moment."""
    # No Python object is made under the mutex: that can collect garbage, which comes back here.
    cdef size_t now[5]
    PyThread_acquire_lock(mutex, 1)
    now[0], now[1], now[2], now[3], now[4] = bound, held, <size_t> count, reused, made
    PyThread_release_lock(mutex)
    return now[0], now[1], now[2], now[3], now[4]
