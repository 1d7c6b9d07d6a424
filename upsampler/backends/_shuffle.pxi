# Pixel shuffle and its inverse: items of 1, 2, 4 or 8 bytes, moved in rows.
#
# Channels first, a row of pixels is made of r rows of planes, item by item; channels last, the
# r * r runs of channels that a pixel becomes are the rows of a small matrix, transposed.

cdef struct ShuffleJob:
    # Strides in bytes.  The small side is (N, C * r * r, H, W), the large one (N, C, H * r, W * r).
    char* small
    char* large
    Py_ssize_t[4] small_step
    Py_ssize_t[4] large_step
    Py_ssize_t channels, height, width, r, size
    Py_ssize_t block, blocks  # rows of the small side in a unit
    bint up


cdef void interleave_words(
    word* to, Py_ssize_t stride, const word* const* rows, Py_ssize_t count, Py_ssize_t n
) noexcept nogil:
    """``to[k * stride + j] = rows[j][k]``."""
    cdef Py_ssize_t j, k
    cdef const word* a = rows[0]
    cdef const word* b
    if count == 2 and stride == 2:
        b = rows[1]
        for k in range(n):
            to[2 * k] = a[k]
            to[2 * k + 1] = b[k]
        return
    for j in range(count):
        a = rows[j]
        for k in range(n):
            to[k * stride + j] = a[k]


cdef void interleave(
    char* to, Py_ssize_t stride, void** rows, Py_ssize_t count, Py_ssize_t n, Py_ssize_t size
) noexcept nogil:
    """Items only pass through registers: floats are any items of 4 bytes."""
    if size == 4:
        transpose_float(<float*> to, stride, <const float* const*> rows, count, n)
    elif size == 8:
        transpose_double(<double*> to, stride, <const double* const*> rows, count, n)
    elif size == 2:
        interleave_words(<uint16_t*> to, stride, <const uint16_t* const*> rows, count, n)
    else:
        interleave_words(<uint8_t*> to, stride, <const uint8_t* const*> rows, count, n)


cdef void take_every(
    char* to, const char* from_, Py_ssize_t n, Py_ssize_t step, Py_ssize_t size
) noexcept nogil:
    """Every `step`-th item of a row."""
    if size == 4:
        copy_strided_float(<float*> to, <const float*> from_, n, step)
    elif size == 8:
        copy_strided_double(<double*> to, <const double*> from_, n, step)
    else:
        gather_items(to, from_, n, step * size, size)


cdef void shuffle_planes(
    const ShuffleJob* job, Py_ssize_t n, Py_ssize_t h, void** rows
) noexcept nogil:
    """Row `h` of all channels of an image, channels first."""
    cdef Py_ssize_t c, i, j, r = job.r
    cdef char* small
    cdef char* large
    for c in range(job.channels):
        for i in range(r):
            small = job.small + n * job.small_step[0] + h * job.small_step[2]
            small += (c * r + i) * r * job.small_step[1]
            large = job.large + n * job.large_step[0] + c * job.large_step[1]
            large += (h * r + i) * job.large_step[2]
            for j in range(r):
                rows[j] = small + j * job.small_step[1]
                if not job.up:
                    take_every(
                        <char*> rows[j], large + j * job.size, job.width, r, job.size
                    )
            if job.up:
                interleave(large, r, rows, r, job.width, job.size)


cdef void shuffle_pixels(
    const ShuffleJob* job, Py_ssize_t n, Py_ssize_t h, void** rows, char* pixel
) noexcept nogil:
    """Row `h` of an image, channels last: `pixel` has room for one of the small side."""
    cdef Py_ssize_t w, c, i, j, r = job.r
    cdef Py_ssize_t run = r * job.channels * job.size
    cdef char* small = job.small + n * job.small_step[0] + h * job.small_step[2]
    cdef char* large = job.large + n * job.large_step[0] + h * r * job.large_step[2]
    for w in range(job.width):
        if job.up:
            for c in range(job.channels):
                rows[c] = small + c * r * r * job.size
            interleave(pixel, job.channels, rows, job.channels, r * r, job.size)
            for i in range(r):
                memcpy(large + i * job.large_step[2], pixel + i * run, run)
        else:
            for i in range(r):
                for j in range(r):
                    rows[i * r + j] = (
                        large + i * job.large_step[2] + j * job.channels * job.size
                    )
            interleave(small, r * r, rows, r * r, job.channels, job.size)
        small += job.small_step[3]
        large += run


cdef void shuffle_unit(const void* data, Py_ssize_t unit, char* scratch) noexcept nogil:
    """Some rows of one image."""
    cdef const ShuffleJob* job = <const ShuffleJob*> data
    cdef Py_ssize_t n = unit // job.blocks, h = unit % job.blocks * job.block, k
    cdef char* pixel = scratch + max(job.channels, job.r * job.r) * sizeof(void*)
    for k in range(h, min(h + job.block, job.height)):
        if job.small_step[3] == job.size:
            shuffle_planes(job, n, k, <void**> scratch)
        else:
            shuffle_pixels(job, n, k, <void**> scratch, pixel)


def shuffle_pixels_of(small, large, Py_ssize_t r, bint up, int threads):
    """Pixel shuffle of (N, C, H, W) views; False where their strides allow no such loops."""
    cdef ShuffleJob job
    cdef cnp.npy_intp* small_step = cnp.PyArray_STRIDES(<cnp.ndarray> small)
    cdef cnp.npy_intp* large_step = cnp.PyArray_STRIDES(<cnp.ndarray> large)
    cdef Py_ssize_t images = small.shape[0], elements = small.size, k, units
    cdef size_t scratch
    cdef int failed
    job.size = cnp.PyArray_ITEMSIZE(<cnp.ndarray> small)
    job.channels = large.shape[1]
    job.height, job.width = small.shape[2:]
    job.r = r
    job.up = up
    job.small = <char*> cnp.PyArray_DATA(<cnp.ndarray> small)
    job.large = <char*> cnp.PyArray_DATA(<cnp.ndarray> large)
    for k in range(4):
        job.small_step[k] = small_step[k]
        job.large_step[k] = large_step[k]
    if job.size not in (1, 2, 4, 8) or not shufflable(&job):
        return False
    threads = helpful_threads(threads, elements)
    job.block = rows_per_unit(
        job.height, job.channels * r * r * job.width, images, threads, 1
    )
    job.blocks = (job.height + job.block - 1) // job.block
    units = images * job.blocks
    scratch = max(job.channels, r * r) * sizeof(void*) + job.channels * r * r * job.size
    with nogil:
        failed = run_units(shuffle_unit, &job, units, threads, scratch)
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")
    return True


cdef bint shufflable(const ShuffleJob* job) noexcept:
    """Whether both sides have dense rows of planes, or both dense rows of pixels."""
    cdef Py_ssize_t size = job.size, inner = job.channels * job.r * job.r, k
    if <uintptr_t> job.small % size or <uintptr_t> job.large % size:
        return False
    for k in range(4):
        if job.small_step[k] % size or job.large_step[k] % size:
            return False
    if job.small_step[3] == size and job.large_step[3] == size:
        return True
    return (
        job.small_step[1] == size
        and job.small_step[3] == inner * size
        and job.large_step[1] == size
        and job.large_step[3] == job.channels * size
    )
