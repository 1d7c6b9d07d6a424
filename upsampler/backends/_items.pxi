# Moving items of any size: strided rows in and out, and nearest, which computes with nothing.

cdef void gather_items(
    char* dst, const char* src, Py_ssize_t n, Py_ssize_t stride, Py_ssize_t size
) noexcept nogil:
    """`n` items, `stride` bytes apart, into a dense row."""
    cdef Py_ssize_t k
    # memcpy of a constant size is one load and one store, whatever the alignment.
    if size == 1:
        for k in range(n):
            dst[k] = src[k * stride]
    elif size == 2:
        for k in range(n):
            memcpy(dst + 2 * k, src + k * stride, 2)
    elif size == 4:
        for k in range(n):
            memcpy(dst + 4 * k, src + k * stride, 4)
    elif size == 8:
        for k in range(n):
            memcpy(dst + 8 * k, src + k * stride, 8)
    else:
        for k in range(n):
            memcpy(dst + size * k, src + k * stride, size)


cdef void scatter_items(
    char* dst, const char* src, Py_ssize_t n, Py_ssize_t stride, Py_ssize_t size
) noexcept nogil:
    """A dense row to `n` items, `stride` bytes apart."""
    cdef Py_ssize_t k
    if size == 1:
        for k in range(n):
            dst[k * stride] = src[k]
    elif size == 2:
        for k in range(n):
            memcpy(dst + k * stride, src + 2 * k, 2)
    elif size == 4:
        for k in range(n):
            memcpy(dst + k * stride, src + 4 * k, 4)
    elif size == 8:
        for k in range(n):
            memcpy(dst + k * stride, src + 8 * k, 8)
    else:
        for k in range(n):
            memcpy(dst + k * stride, src + size * k, size)


cdef struct Side:
    # One array of a call, seen as (outer, outer, D, H, W, inner): strides in bytes.
    char* data
    Py_ssize_t outer0, outer1, d, h, w, inner
    bint dense  # the items of a pixel, and the pixels of a row, lie next to each other


cdef inline char* row_of(
    const Side* side, Py_ssize_t o0, Py_ssize_t o1, Py_ssize_t d, Py_ssize_t h
) noexcept nogil:
    return side.data + o0 * side.outer0 + o1 * side.outer1 + d * side.d + h * side.h


cdef void read_pixels(
    char* dst, const Side* side, const char* row, Py_ssize_t at, Py_ssize_t n,
    const int64_t* columns, Py_ssize_t inner, Py_ssize_t size,
) noexcept nogil:
    """Pixels ``at + k``, or ``columns[k]``, of a row of any strides, into a dense row."""
    cdef Py_ssize_t k
    cdef const char* pixel
    if columns == NULL and inner == 1:
        gather_items(dst, row + at * side.w, n, side.w, size)
        return
    for k in range(n):
        pixel = row + (at + k if columns == NULL else columns[k]) * side.w
        if side.inner == size:
            memcpy(dst + k * inner * size, pixel, inner * size)
        else:
            gather_items(dst + k * inner * size, pixel, inner, side.inner, size)


cdef void write_pixels(
    const char* src, const Side* side, char* row, Py_ssize_t at, Py_ssize_t n,
    Py_ssize_t inner, Py_ssize_t size,
) noexcept nogil:
    """A dense row of pixels to the places ``at + k`` of a row of any strides."""
    cdef Py_ssize_t k
    cdef char* pixel
    if inner == 1:
        scatter_items(row + at * side.w, src, n, side.w, size)
        return
    for k in range(n):
        pixel = row + (at + k) * side.w
        if side.inner == size:
            memcpy(pixel, src + k * inner * size, inner * size)
        else:
            scatter_items(pixel, src + k * inner * size, inner, side.inner, size)


# --- nearest ---------------------------------------------------------------------------------

ctypedef fused word:
    uint8_t
    uint16_t
    uint32_t
    uint64_t


cdef void pick_words(
    word* dst, const word* src, const int64_t* index, Py_ssize_t n, Py_ssize_t period
) noexcept nogil:
    """``dst[k] = src[index[k]]``; `period` says that runs of so many indices are the same."""
    cdef Py_ssize_t k
    if period == 2 and n % 2 == 0:
        src += index[0]
        for k in range(n // 2):
            dst[2 * k] = src[k]
            dst[2 * k + 1] = src[k]
    elif period == 4 and n % 4 == 0:
        src += index[0]
        for k in range(n // 4):
            dst[4 * k] = src[k]
            dst[4 * k + 1] = src[k]
            dst[4 * k + 2] = src[k]
            dst[4 * k + 3] = src[k]
    else:
        for k in range(n):
            dst[k] = src[index[k]]


cdef void pick_pixels(
    char* dst, const char* src, const int64_t* index, Py_ssize_t n, Py_ssize_t period,
    Py_ssize_t size,
) noexcept nogil:
    """The same for dense pixels of any size in bytes."""
    cdef Py_ssize_t k
    cdef uintptr_t places = (<uintptr_t> dst) | (<uintptr_t> src)
    if size == 1:
        pick_words(<uint8_t*> dst, <const uint8_t*> src, index, n, period)
    elif size == 2 and places % 2 == 0:
        pick_words(<uint16_t*> dst, <const uint16_t*> src, index, n, period)
    elif size == 4 and places % 4 == 0:
        pick_words(<uint32_t*> dst, <const uint32_t*> src, index, n, period)
    elif size == 8 and places % 8 == 0:
        pick_words(<uint64_t*> dst, <const uint64_t*> src, index, n, period)
    elif size == 3:
        for k in range(n):
            memcpy(dst + 3 * k, src + 3 * index[k], 3)
    elif size == 12:
        for k in range(n):
            memcpy(dst + 12 * k, src + 12 * index[k], 12)
    elif size == 16:
        for k in range(n):
            memcpy(dst + 16 * k, src + 16 * index[k], 16)
    else:
        for k in range(n):
            memcpy(dst + size * k, src + size * index[k], size)


cdef struct CopyJob:
    Side x
    Side out
    const int64_t* d_index
    const int64_t* h_index
    const int64_t* w_index
    const int32_t* base  # of groups of 32 bytes of a row, see pick_bytes; NULL where there are none
    const uint8_t* order
    Py_ssize_t outer1, rows_d, rows_h, width, inner, size, period
    Py_ssize_t tile, tiles, block, blocks
    bint stream


cdef void copy_unit(const void* data, Py_ssize_t unit, char* scratch) noexcept nogil:
    """A block of rows of one tile of columns of one plane, moved by index."""
    cdef const CopyJob* job = <const CopyJob*> data
    cdef Py_ssize_t block = unit % job.blocks
    cdef Py_ssize_t tile = unit // job.blocks % job.tiles
    cdef Py_ssize_t outer = unit // job.blocks // job.tiles
    cdef Py_ssize_t o0 = outer // job.outer1, o1 = outer % job.outer1
    cdef Py_ssize_t at = tile * job.tile
    cdef Py_ssize_t n = min(job.tile, job.width - at)
    cdef Py_ssize_t bytes = n * job.inner * job.size
    cdef Py_ssize_t r, d, h, last_d = -1, last_h = -1
    cdef const int64_t* index = job.w_index + at
    # Where rows are to lie side by side they are put together in place; groups of bytes may write
    # too much, and streamed lines are not to be read again.
    cdef bint direct = job.out.dense and not job.stream and job.base == NULL
    cdef char* made = scratch  # the row that was put together last
    cdef const char* src
    cdef char* dst
    for r in range(
        block * job.block, min((block + 1) * job.block, job.rows_d * job.rows_h)
    ):
        d = r // job.rows_h
        h = r % job.rows_h
        src = row_of(&job.x, o0, o1, job.d_index[d], job.h_index[h])
        dst = row_of(&job.out, o0, o1, d, h)
        if job.out.dense:
            dst += at * job.inner * job.size
        # Rows repeat when growing: each is put together once.
        if job.d_index[d] != last_d or job.h_index[h] != last_h:
            last_d = job.d_index[d]
            last_h = job.h_index[h]
            if direct:
                made = dst
            if job.x.dense and job.base != NULL:
                pick_bytes(
                    made, src, job.base + at * job.inner * job.size // 16,
                    job.order + at * job.inner * job.size, (bytes + 31) // 32,
                )
            elif job.x.dense:
                pick_pixels(made, src, index, n, job.period, job.inner * job.size)
            else:
                read_pixels(made, &job.x, src, 0, n, index, job.inner, job.size)
        if not job.out.dense:
            write_pixels(made, &job.out, dst, at, n, job.inner, job.size)
        elif job.stream:
            stream_copy(dst, made, bytes)
        elif made != dst:
            memcpy(dst, made, bytes)
    if job.stream:
        stream_fence()
