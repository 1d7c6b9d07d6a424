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


cdef enum:
    REPEATED = 8  # rows that are written at once
    LONG_ROW = 1 << 13  # bytes
    COPY_TILE = 1 << 14  # bytes of a row that are moved at once
    WIDE_PIXEL = 64  # bytes of pixels that are moved by registers of their own

cdef struct CopyJob:
    Side x
    Side out
    const int64_t* d_index
    const int64_t* h_index
    const int64_t* w_index
    picks_t picks  # `base` is NULL where rows are not put together by shuffles
    picks_t joined  # the same for the rows of a small plane, as one long row
    Py_ssize_t joined_first, joined_rows
    Py_ssize_t outer1, rows_d, rows_h, width, inner, size, period
    Py_ssize_t tile, tiles, block, blocks
    bint stream, dense  # `dense`: both sides are


cdef void copy_rows(
    const CopyJob* job, char** to, int count, const char* row, Py_ssize_t tile, Py_ssize_t n,
    char* made, carry_t* carry,
) noexcept nogil:
    """A tile of one input row, of `n` pixels, to `count` output rows of dense pixels."""
    cdef Py_ssize_t pixel = job.inner * job.size, bytes = n * pixel
    cdef Py_ssize_t at = tile * job.tile
    cdef const int64_t* index = job.w_index + at
    cdef uintptr_t places = 0
    cdef bint wide, stream
    cdef int k
    for k in range(count):
        places |= <uintptr_t> to[k]
    wide = UPSAMPLER_LANES > 0 and pixel >= WIDE_PIXEL
    stream = job.stream and (
        (places | <uintptr_t> bytes) % 64 == 0 or bytes >= (64 if carry.follow else LONG_ROW)
    )
    if job.picks.base != NULL and places % 64 == 0:
        copy_picked(
            to, count, row, &job.picks, at * pixel // pick_width(job.picks.words), bytes, stream
        )
        return
    if wide and not stream:
        spread_pixels(to, count, row, index, n, pixel)
        return
    # By way of a row that is put together first: streamed lines are not to be read again, and
    # registers that cross from one line into the next took twice as long.
    if job.picks.base != NULL:
        copy_picked(
            &made, 1, row, &job.picks, at * pixel // pick_width(job.picks.words), bytes, False
        )
    elif wide:
        spread_pixels(&made, 1, row, index, n, pixel)
    else:
        if not stream:
            made = to[0]
        pick_pixels(made, row, index, n, job.period, pixel)
    for k in range(count):
        if stream:
            stream_row(to[k], made, bytes, carry)
        elif to[k] != made:
            memcpy(to[k], made, bytes)


cdef void copy_unit(const void* data, Py_ssize_t unit, char* scratch) noexcept nogil:
    """A block of rows of one tile of columns of one plane, moved by index.

    Rows repeat when growing: those that do are written together.
    """
    cdef const CopyJob* job = <const CopyJob*> data
    cdef Py_ssize_t block = unit % job.blocks
    cdef Py_ssize_t tile = unit // job.blocks % job.tiles
    cdef Py_ssize_t outer = unit // job.blocks // job.tiles
    cdef Py_ssize_t o0 = outer // job.outer1, o1 = outer % job.outer1
    cdef Py_ssize_t at = tile * job.tile
    cdef Py_ssize_t n = min(job.tile, job.width - at)
    cdef Py_ssize_t r = block * job.block
    cdef Py_ssize_t stop = min(r + job.block, job.rows_d * job.rows_h)
    cdef Py_ssize_t d = r // job.rows_h, h = r % job.rows_h
    cdef const char* src
    cdef char* to[REPEATED]
    cdef int count, k
    cdef carry_t carry
    carry.at = NULL
    carry.follow = job.out.h == n * job.inner * job.size
    while r < stop:
        count = 0
        src = row_of(&job.x, o0, o1, job.d_index[d], job.h_index[h])
        while (
            count < REPEATED and r + count < stop and h + count < job.rows_h
            and job.h_index[h + count] == job.h_index[h]
        ):
            to[count] = row_of(&job.out, o0, o1, d, h + count)
            if job.out.dense:
                to[count] += at * job.inner * job.size
            count += 1
        if job.dense:
            copy_rows(job, to, count, src, tile, n, scratch, &carry)
        else:
            read_pixels(scratch, &job.x, src, at, n, job.w_index + at, job.inner, job.size)
            for k in range(count):
                if job.out.dense:
                    stream_copy(to[k], scratch, n * job.inner * job.size)
                else:
                    write_pixels(scratch, &job.out, to[k], at, n, job.inner, job.size)
        r += count
        h += count
        if h == job.rows_h:
            h = 0
            d += 1
    if job.stream:
        end_carry(&carry)
        stream_fence()


cdef void copy_plane(const void* data, Py_ssize_t unit, char* scratch) noexcept nogil:
    """A small plane: its rows put together as one, then repeated."""
    cdef const CopyJob* job = <const CopyJob*> data
    cdef Py_ssize_t o0 = unit // job.outer1, o1 = unit - o0 * job.outer1
    cdef Py_ssize_t row = job.width * job.inner * job.size
    copy_picked(
        &scratch, 1, row_of(&job.x, o0, o1, job.d_index[0], job.joined_first), &job.joined, 0,
        job.joined_rows * row, False,
    )
    copy_short_rows(
        row_of(&job.out, o0, o1, 0, 0), scratch - job.joined_first * row, row, job.h_index,
        job.rows_h,
    )
