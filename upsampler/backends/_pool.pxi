# Pooling: means and maxima of cells, and moving values by the indices of maxima.
#
# A unit is a block of rows of one plane (of one channel where pixels have several items).

ctypedef void (*pool_fn)(const void*, Py_ssize_t, char*, void*, void*) noexcept nogil

cdef struct PoolJob:
    Side large
    Side small
    Side index
    Py_ssize_t outer1, inner
    Py_ssize_t large_h, large_w, small_h, small_w
    Py_ssize_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w
    Py_ssize_t block, blocks
    pool_fn fn


cdef struct Part:
    # What a unit is: a plane, a channel, a range of rows.
    Py_ssize_t o0, o1, c, first, stop


cdef inline Part part_of(const PoolJob* job, Py_ssize_t unit, Py_ssize_t rows) noexcept nogil:
    cdef Part part
    cdef Py_ssize_t plane = unit // job.blocks
    part.c = plane % job.inner
    plane = plane // job.inner
    part.o0 = plane // job.outer1
    part.o1 = plane % job.outer1
    part.first = unit % job.blocks * job.block
    part.stop = min(part.first + job.block, rows)
    return part


cdef inline char* plane_row(const Side* side, const Part* part, Py_ssize_t h) noexcept nogil:
    """Where a row of the part's plane and channel begins."""
    return row_of(side, part.o0, part.o1, 0, h) + part.c * side.inner


cdef void avg_rows(
    const PoolJob* job, Py_ssize_t unit, char* scratch, item* typed, real* number
) noexcept nogil:
    """Means: the sum of a cell row by row, then one division; padding adds zeros."""
    cdef Part part = part_of(job, unit, job.small_h)
    cdef Py_ssize_t h, w, i, j, y, x
    cdef real total, count = <real> (job.kernel_h * job.kernel_w)
    cdef const char* src
    cdef char* dst
    for h in range(part.first, part.stop):
        y = h * job.stride_h - job.pad_h
        dst = plane_row(&job.small, &part, h)
        for w in range(job.small_w):
            x = w * job.stride_w - job.pad_w
            total = 0
            for i in range(max(<Py_ssize_t> 0, -y), min(job.kernel_h, job.large_h - y)):
                src = plane_row(&job.large, &part, y + i)
                for j in range(max(<Py_ssize_t> 0, -x), min(job.kernel_w, job.large_w - x)):
                    total = total + to_real(
                        (<const item*> (src + (x + j) * job.large.w))[0], number
                    )
            (<item*> (dst + w * job.small.w))[0] = to_item(total / count, typed)


cdef inline Py_ssize_t first_cell(
    Py_ssize_t at, Py_ssize_t kernel, Py_ssize_t stride
) noexcept nogil:
    """The first cell that reaches the padded place `at`: h * stride + kernel > at."""
    return (at - kernel) // stride + 1 if at >= kernel else 0


cdef void avg_backward_rows(
    const PoolJob* job, Py_ssize_t unit, char* scratch, item* typed, real* number
) noexcept nogil:
    """For every input the sum of its shares in the cells that it lies in, cell by cell."""
    cdef Part part = part_of(job, unit, job.large_h)
    cdef Py_ssize_t y, x, h, w, h0, h1, w0, w1
    cdef real total, count = <real> (job.kernel_h * job.kernel_w)
    cdef const char* src
    cdef char* dst
    for y in range(part.first, part.stop):
        h0 = first_cell(y + job.pad_h, job.kernel_h, job.stride_h)
        h1 = min(job.small_h, (y + job.pad_h) // job.stride_h + 1)
        dst = plane_row(&job.large, &part, y)
        for x in range(job.large_w):
            w0 = first_cell(x + job.pad_w, job.kernel_w, job.stride_w)
            w1 = min(job.small_w, (x + job.pad_w) // job.stride_w + 1)
            total = 0
            for h in range(h0, h1):
                src = plane_row(&job.small, &part, h)
                for w in range(w0, w1):
                    total = total + to_real(
                        (<const item*> (src + w * job.small.w))[0], number
                    ) / count
            (<item*> (dst + x * job.large.w))[0] = to_item(total, typed)


cdef inline bint exceeds(item v, item best) noexcept nogil:
    """Whether v replaces the maximum so far: numbers that are larger do, and every NaN."""
    cdef float a, b
    if item is f16_t or item is bf16_t:
        a = to_real(v, <float*> NULL)
        b = to_real(best, <float*> NULL)
        return a > b or a != a
    else:
        return v > best or v != v


cdef void max_rows(
    const PoolJob* job, Py_ssize_t unit, char* scratch, item* typed, real* number
) noexcept nogil:
    """Maxima: the first of equals; a NaN wins over numbers, and a later NaN over a NaN."""
    cdef Part part = part_of(job, unit, job.small_h)
    cdef Py_ssize_t h, w, i, j, y, x, place
    cdef item best, v
    cdef const char* src
    cdef char* dst
    for h in range(part.first, part.stop):
        y = h * job.stride_h - job.pad_h
        dst = plane_row(&job.small, &part, h)
        for w in range(job.small_w):
            x = w * job.stride_w - job.pad_w
            place = -1
            for i in range(max(<Py_ssize_t> 0, -y), min(job.kernel_h, job.large_h - y)):
                src = plane_row(&job.large, &part, y + i)
                for j in range(max(<Py_ssize_t> 0, -x), min(job.kernel_w, job.large_w - x)):
                    v = (<const item*> (src + (x + j) * job.large.w))[0]
                    if place < 0 or exceeds(v, best):
                        best = v
                        place = (y + i) * job.large_w + x + j
            (<item*> (dst + w * job.small.w))[0] = best
            if job.index.data != NULL:
                (<int64_t*> (plane_row(&job.index, &part, h) + w * job.index.w))[0] = place


cdef inline item* indexed(
    const PoolJob* job, const Part* part, Py_ssize_t h, Py_ssize_t w, item* typed
) noexcept nogil:
    """The item of the large plane that the index of a small one points to."""
    cdef int64_t place = (<int64_t*> (plane_row(&job.index, part, h) + w * job.index.w))[0]
    return <item*> (
        plane_row(&job.large, part, place // job.large_w) + place % job.large_w * job.large.w
    )


cdef void unpool_plane(
    const PoolJob* job, Py_ssize_t unit, char* scratch, item* typed, real* number
) noexcept nogil:
    """A plane of zeros with the values at their places; of several the last one stays."""
    cdef Part part = part_of(job, unit, job.small_h)
    cdef Py_ssize_t h, w
    cdef char* row
    for h in range(job.large_h):
        row = plane_row(&job.large, &part, h)
        for w in range(job.large_w):
            memset(row + w * job.large.w, 0, sizeof(item))
    for h in range(job.small_h):
        row = plane_row(&job.small, &part, h)
        for w in range(job.small_w):
            indexed(job, &part, h, w, typed)[0] = (<item*> (row + w * job.small.w))[0]


cdef void add_plane(
    const PoolJob* job, Py_ssize_t unit, char* scratch, item* typed, real* number
) noexcept nogil:
    """The sum of all values at their places, added up in the order of the cells."""
    cdef Part part = part_of(job, unit, job.small_h)
    cdef Py_ssize_t h, w
    cdef int64_t place
    cdef char* row
    cdef real* sums = <real*> scratch
    memset(sums, 0, job.large_h * job.large_w * sizeof(real))
    for h in range(job.small_h):
        row = plane_row(&job.small, &part, h)
        for w in range(job.small_w):
            place = (<int64_t*> (plane_row(&job.index, &part, h) + w * job.index.w))[0]
            sums[place] = sums[place] + to_real((<item*> (row + w * job.small.w))[0], number)
    for h in range(job.large_h):
        row = plane_row(&job.large, &part, h)
        for w in range(job.large_w):
            (<item*> (row + w * job.large.w))[0] = to_item(sums[h * job.large_w + w], typed)


cdef void pick_rows(
    const PoolJob* job, Py_ssize_t unit, char* scratch, item* typed, real* number
) noexcept nogil:
    """The values at the places: the gradient of unpooling."""
    cdef Part part = part_of(job, unit, job.small_h)
    cdef Py_ssize_t h, w
    cdef char* row
    for h in range(part.first, part.stop):
        row = plane_row(&job.small, &part, h)
        for w in range(job.small_w):
            (<item*> (row + w * job.small.w))[0] = indexed(job, &part, h, w, typed)[0]


cdef enum PoolOperation:
    AVG, AVG_BACKWARD, MAX, UNPOOL, ADD, PICK

# Names of the operations, in the order of their codes.
POOL_OPERATIONS = ("avg", "avg_backward", "max", "unpool", "add", "pick")


cdef pool_fn choose_operation(int operation, item* typed, real* number) noexcept:
    if operation == AVG:
        return <pool_fn> avg_rows[item, real]
    if operation == AVG_BACKWARD:
        return <pool_fn> avg_backward_rows[item, real]
    if operation == ADD:
        return <pool_fn> add_plane[item, real]
    # The others do no arithmetic.
    if operation == MAX:
        return <pool_fn> max_rows[item, float]
    if operation == UNPOOL:
        return <pool_fn> unpool_plane[item, float]
    return <pool_fn> pick_rows[item, float]


cdef pool_fn choose_pool(int operation, int code, real* number) noexcept:
    if code == U8:
        return choose_operation(operation, <uint8_t*> NULL, number)
    if code == I8:
        return choose_operation(operation, <int8_t*> NULL, number)
    if code == U16:
        return choose_operation(operation, <uint16_t*> NULL, number)
    if code == I16:
        return choose_operation(operation, <int16_t*> NULL, number)
    if code == U32:
        return choose_operation(operation, <uint32_t*> NULL, number)
    if code == I32:
        return choose_operation(operation, <int32_t*> NULL, number)
    if code == U64:
        return choose_operation(operation, <uint64_t*> NULL, number)
    if code == I64:
        return choose_operation(operation, <int64_t*> NULL, number)
    if code == F16:
        return choose_operation(operation, <f16_t*> NULL, number)
    if code == BF16:
        return choose_operation(operation, <bf16_t*> NULL, number)
    if code == F32:
        return choose_operation(operation, <float*> NULL, number)
    return choose_operation(operation, <double*> NULL, number)


cdef void pool_unit(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    (<const PoolJob*> job).fn(job, unit, scratch, NULL, NULL)


def pool(
    int operation, int code, bint wide, large, small, index, kernel, stride, padding, int threads
):
    """One of POOL_OPERATIONS between six-dimensional views of the large and the small array."""
    cdef PoolJob job
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(<cnp.ndarray> large)
    cdef Py_ssize_t rows, planes, scratch = 0
    cdef bint whole = operation == UNPOOL or operation == ADD
    cdef int failed
    memset(&job, 0, sizeof(PoolJob))
    if wide:
        job.fn = choose_pool(operation, code, <double*> NULL)
    else:
        job.fn = choose_pool(operation, code, <float*> NULL)
    fill_side(&job.large, large, size)
    fill_side(&job.small, small, size)
    if index is not None:
        fill_side(&job.index, index, sizeof(int64_t))
    job.outer1 = large.shape[1]
    _, _, _, job.large_h, job.large_w, job.inner = large.shape
    _, _, _, job.small_h, job.small_w, _ = small.shape
    job.kernel_h, job.kernel_w = kernel
    job.stride_h, job.stride_w = stride
    job.pad_h, job.pad_w = padding
    planes = large.shape[0] * job.outer1 * job.inner
    rows = job.large_h if operation == AVG_BACKWARD else job.small_h
    threads = helpful_threads(threads, large.size)
    # A whole plane is one unit, also where there is nothing to put into it.
    job.block = max(<Py_ssize_t> 1, rows)
    job.blocks = 1
    if not whole:
        job.block = rows_per_unit(rows, job.large_w, planes, threads, 1)
        job.blocks = (rows + job.block - 1) // job.block
    if operation == ADD:
        scratch = job.large_h * job.large_w * sizeof(double)
    with nogil:
        failed = run_units(pool_unit, &job, planes * job.blocks, threads, scratch)
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")
