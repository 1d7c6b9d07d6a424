# Kernels folded with a resizing matrix on either side:
#
#     out[g, a, b] = first @ w[g, a, b] @ second.T
#
# The matrices are bands with few entries (see resize_conv.py), so only those are visited.  Sums
# are float64 and rounded once: folding adds no more to the error of a convolution than its
# weights have already.

cdef struct Band:
    # A sparse matrix: the entries of row i are start[i] to start[i + 1].
    Py_ssize_t rows
    const Py_ssize_t* start
    const Py_ssize_t* column
    const double* value

cdef struct FoldJob:
    Band first
    Band second
    char* source
    char* target
    Py_ssize_t[5] source_step  # in bytes: groups, a, b, and the kernel's axes
    Py_ssize_t[5] target_step
    Py_ssize_t outer, inner  # a, b
    Py_ssize_t width  # columns of the source's kernels


cdef void fold_unit(
    const void* data, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """The kernels of one `a`.  After `first` they lie in scratch memory."""
    cdef const FoldJob* job = <const FoldJob*> data
    cdef double* middle = <double*> scratch
    cdef double* row
    cdef double total
    cdef Py_ssize_t g = unit // job.outer, a = unit % job.outer, b, i, j, k, x
    cdef const char* w
    cdef const char* p
    cdef char* to
    for b in range(job.inner):
        w = job.source + g * job.source_step[0] + a * job.source_step[1] + b * job.source_step[2]
        for i in range(job.first.rows):
            row = middle + i * job.width
            for x in range(job.width):
                row[x] = 0
            for k in range(job.first.start[i], job.first.start[i + 1]):
                p = w + job.first.column[k] * job.source_step[3]
                for x in range(job.width):
                    row[x] += job.first.value[k] * (<const real*> (p + x * job.source_step[4]))[0]
        to = job.target + g * job.target_step[0] + a * job.target_step[1] + b * job.target_step[2]
        for i in range(job.first.rows):
            row = middle + i * job.width
            for j in range(job.second.rows):
                total = 0
                for k in range(job.second.start[j], job.second.start[j + 1]):
                    total += job.second.value[k] * row[job.second.column[k]]
                (<real*> (to + i * job.target_step[3] + j * job.target_step[4]))[0] = <real> total


cdef void fold_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    fold_unit(job, unit, scratch, <float*> NULL)


cdef void fold_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    fold_unit(job, unit, scratch, <double*> NULL)


cdef void fill_band(Band* band, matrix):
    band.rows = matrix.start.size - 1
    band.start = indices(matrix.start)
    band.column = indices(matrix.column)
    band.value = <const double*> address(matrix.value)


def fold(source, target, first, second, bint wide, int threads):
    """`source` and `target` are views (groups, a, b, kH, kW), float64 if `wide`, else float32."""
    cdef FoldJob job
    cdef size_t scratch
    cdef int axis, failed
    cdef Py_ssize_t units = source.shape[0] * source.shape[1]
    fill_band(&job.first, first)
    fill_band(&job.second, second)
    job.source = <char*> cnp.PyArray_DATA(<cnp.ndarray> source)
    job.target = <char*> cnp.PyArray_DATA(<cnp.ndarray> target)
    for axis in range(5):
        job.source_step[axis] = cnp.PyArray_STRIDES(<cnp.ndarray> source)[axis]
        job.target_step[axis] = cnp.PyArray_STRIDES(<cnp.ndarray> target)[axis]
    job.outer = source.shape[1]
    job.inner = source.shape[2]
    job.width = source.shape[4]
    scratch = job.first.rows * job.width * sizeof(double)
    with nogil:
        failed = run_units(
            fold_double if wide else fold_float, &job, units,
            threads if job.inner > 64 else 1, scratch,
        )
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")
