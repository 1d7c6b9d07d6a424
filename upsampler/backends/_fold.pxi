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
    bint source_dense, target_dense  # kernels lie one number after the other


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


cdef void load_kernels(
    double* to, const char* from_, const FoldJob* job, Py_ssize_t n, real* numbers,
    const real** rows,
) noexcept nogil:
    """`n` kernels side by side, those beyond are the last once more."""
    cdef Py_ssize_t lane, y, x, size = job.height * job.width
    cdef const char* at
    if job.source_dense:
        for lane in range(FOLDED):
            rows[lane] = <const real*> (from_ + min(lane, n - 1) * job.source_step[2])
        transpose(numbers, FOLDED, rows, FOLDED, size)
        for x in range(size * FOLDED):
            to[x] = numbers[x]
        return
    for lane in range(FOLDED):
        for y in range(job.height):
            at = from_ + min(lane, n - 1) * job.source_step[2] + y * job.source_step[3]
            for x in range(job.width):
                to[(y * job.width + x) * FOLDED + lane] = (<const real*> at)[0]
                at += job.source_step[4]


cdef void store_kernels(
    char* to, const double* made, const FoldJob* job, Py_ssize_t n, real* numbers, real** rows
) noexcept nogil:
    cdef Py_ssize_t lane, y, x, size = job.first.rows * job.second.rows
    cdef char* at
    if job.target_dense:
        for x in range(size * FOLDED):
            numbers[x] = <real> made[x]
        for x in range(size):
            rows[x] = numbers + x * FOLDED
        transpose(
            <real*> to, job.target_step[2] // <Py_ssize_t> sizeof(real), <const real**> rows, size,
            n,
        )
        return
    for lane in range(n):
        for y in range(job.first.rows):
            at = to + lane * job.target_step[2] + y * job.target_step[3]
            for x in range(job.second.rows):
                (<real*> at)[0] = <real> made[(y * job.second.rows + x) * FOLDED + lane]
                at += job.target_step[4]


cdef struct FoldPlaces:
    double* loaded
    double* middle
    double* made
    char* numbers
    void** rows


cdef size_t fold_places(FoldPlaces* at, char* scratch, const FoldJob* job) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed."""
    cdef Py_ssize_t source = job.height * job.width
    cdef Py_ssize_t target = job.first.rows * job.second.rows
    cdef size_t number = FOLDED * sizeof(double)
    cdef char* end = scratch
    at.loaded = <double*> take(&end, source * number)
    at.middle = <double*> take(&end, job.first.rows * job.width * number)
    at.made = <double*> take(&end, target * number)
    at.numbers = take(&end, max(source, target) * number)
    at.rows = <void**> take(&end, max(target, <Py_ssize_t> FOLDED) * sizeof(void*))
    return end - scratch


cdef void fold_unit(
    const void* data, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """The kernels of one `a`."""
    cdef const FoldJob* job = <const FoldJob*> data
    cdef Py_ssize_t g = unit // job.outer, a = unit % job.outer, b = 0, n
    cdef char* w = job.source + g * job.source_step[0] + a * job.source_step[1]
    cdef char* to = job.target + g * job.target_step[0] + a * job.target_step[1]
    cdef FoldPlaces at
    fold_places(&at, scratch, job)
    while b < job.inner:
        n = min(<Py_ssize_t> FOLDED, job.inner - b)
        load_kernels(
            at.loaded, w + b * job.source_step[2], job, n, <real*> at.numbers,
            <const real**> at.rows,
        )
        multiply(at.middle, &job.first, 1, job.width, job.height, at.loaded)
        multiply(at.made, &job.second, job.first.rows, 1, job.width, at.middle)
        store_kernels(
            to + b * job.target_step[2], at.made, job, n, <real*> at.numbers, <real**> at.rows
        )
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


cdef bint dense_kernels(const Py_ssize_t* step, Py_ssize_t width, Py_ssize_t size) noexcept:
    return step[4] == size and step[3] == width * size and step[2] % size == 0


def fold(source, target, first, second, bint wide, int threads):
    """`source` and `target` are views (groups, a, b, kH, kW), float64 if `wide`, else float32."""
    cdef FoldJob job
    cdef FoldPlaces unused
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
    job.source_dense = dense_kernels(job.source_step, job.width, source.itemsize)
    job.target_dense = dense_kernels(job.target_step, job.second.rows, target.itemsize)
    scratch = fold_places(&unused, NULL, &job)
    with nogil:
        failed = run_units(
            fold_double if wide else fold_float, &job, units,
            threads if job.inner > 64 else 1, scratch,
        )
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")
