# A pool of threads that never touch Python: see _threads.pyx.
ctypedef void (*unit_fn)(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil

cdef int run_units(
    unit_fn fn, const void* job, Py_ssize_t units, int threads, size_t scratch
) noexcept nogil
