# Kernels folded with a resizing matrix on either side:
#
#     out[g, a, b] = first @ w[g, a, b] @ second.T
#
# The matrices are bands with few entries (see resize_conv.py), so only those are visited.  Sums
# are float64 and rounded once: folding adds no more to the error of a convolution than its
# weights have already.

cdef extern from *:
    """
    #define FOLDED 16
    static inline void sum_lanes(double *to, const double *from, ptrdiff_t step,
                                 const ptrdiff_t *at, const double *factor, ptrdiff_t terms)
    {
        double sum[FOLDED] = {0};
        for (ptrdiff_t k = 0; k < terms; k++)
            for (int l = 0; l < FOLDED; l++)
                sum[l] += factor[k] * from[at[k] * step + l];
        for (int l = 0; l < FOLDED; l++)
            to[l] = sum[l];
    }
    """
    enum:
        FOLDED  # kernels at a time: one by one they took ten times as long
    void sum_lanes(
        double*, const double*, Py_ssize_t, const Py_ssize_t*, const double*, Py_ssize_t
    ) nogil

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
    Py_ssize_t height, width  # of the source's kernels


cdef inline void multiply(
    double* to, const Band* band, Py_ssize_t outer, Py_ssize_t inner, Py_ssize_t columns,
    const double* from_,
) noexcept nogil:
    """``to[o, i, x] = sum over j of band[i, j] * from[o, j, x]``, all of them lanes."""
    cdef Py_ssize_t o, i, k, x
    for o in range(outer):
        for i in range(band.rows):
            k = band.start[i]
            for x in range(inner):
                sum_lanes(
                    to + ((o * band.rows + i) * inner + x) * FOLDED,
                    from_ + (o * columns * inner + x) * FOLDED, inner * FOLDED,
                    band.column + k, band.value + k, band.start[i + 1] - k,
                )


cdef void fold_unit(
    const void* data, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """The kernels of one `a`."""
    cdef const FoldJob* job = <const FoldJob*> data
    cdef double* loaded = <double*> scratch
    cdef double* middle = loaded + job.height * job.width * FOLDED
    cdef double* made = middle + job.first.rows * job.width * FOLDED
    cdef Py_ssize_t g = unit // job.outer, a = unit % job.outer, b = 0, n, lane, y, x
    cdef char* w = job.source + g * job.source_step[0] + a * job.source_step[1]
    cdef char* to = job.target + g * job.target_step[0] + a * job.target_step[1]
    cdef char* at
    memset(loaded, 0, job.height * job.width * FOLDED * sizeof(double))
    while b < job.inner:
        n = min(<Py_ssize_t> FOLDED, job.inner - b)
        for lane in range(n):
            for y in range(job.height):
                at = w + (b + lane) * job.source_step[2] + y * job.source_step[3]
                for x in range(job.width):
                    loaded[(y * job.width + x) * FOLDED + lane] = (<const real*> at)[0]
                    at += job.source_step[4]
        multiply(middle, &job.first, 1, job.width, job.height, loaded)
        multiply(made, &job.second, job.first.rows, 1, job.width, middle)
        for lane in range(n):
            for y in range(job.first.rows):
                at = to + (b + lane) * job.target_step[2] + y * job.target_step[3]
                for x in range(job.second.rows):
                    (<real*> at)[0] = <real> made[(y * job.second.rows + x) * FOLDED + lane]
                    at += job.target_step[4]
        b += n


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
    job.height = source.shape[3]
    job.width = source.shape[4]
    scratch = job.height * job.width + job.first.rows * (job.width + job.second.rows)
    scratch *= FOLDED * sizeof(double)
    with nogil:
        failed = run_units(
            fold_double if wide else fold_float, &job, units,
            threads if job.inner > 64 else 1, scratch,
        )
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")
