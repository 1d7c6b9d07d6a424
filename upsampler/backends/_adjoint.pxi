# Gradients of interpolation: the transposed tables in the reverse order.
#
# For one tile of columns and a block of rows of the gradient of the input: rows of the gradient of
# the output are summed along D and H, the sum is resampled along W.

cdef inline bint add_row(
    real* total, const real* row, real w, Py_ssize_t n, bint first
) noexcept nogil:
    """``total = w * row``, or ``+=``; returns False, which says that more rows follow."""
    cdef Py_ssize_t k
    if first:
        for k in range(n):
            total[k] = w * row[k]
    else:
        for k in range(n):
            total[k] = total[k] + w * row[k]
    return False


cdef inline real weight_of(
    const Table* table, Py_ssize_t row, Py_ssize_t tap, real* number
) noexcept nogil:
    if table.kind == IDENTITY:
        return 1
    return (<const real*> table.weights)[row * table.taps + tap]


cdef inline Py_ssize_t rows_of_sum(
    const Table* table, const char* plane, Py_ssize_t stride, Py_ssize_t h, Py_ssize_t above,
    void** rows, float* weights,
) noexcept nogil:
    """The rows of a plane of gradients that make row `h`, from `above` on; their number."""
    cdef const float* w = <const float*> table.weights + h * table.taps
    cdef Py_ssize_t t, count = 0
    for t in range(max(<Py_ssize_t> 0, above - table.start[h]), table.taps):
        if w[t] != 0:
            rows[count] = <void*> (plane + (table.start[h] + t) * stride)
            weights[count] = w[t]
            count += 1
    return count


cdef bint sum_in_place(
    real* total, const Job* job, const Tile* tile, const char* plane, Py_ssize_t h,
    const Places* at, bint* odd,
) noexcept nogil:
    """Sum the rows of gradients where they lie; False where that is left to the loops.

    A row is looked at once: copied first, checked and then added, rows of float32 took three
    times as long.  The rows that only the next sum reads are asked for.
    """
    cdef Py_ssize_t n = tile.in_n * job.inner, count, ahead = 0
    if real is float:
        if (
            not job.plain or tile.columns >= 0
            or job.h.kind == IDENTITY or job.d.kind != IDENTITY
        ):
            return False
        plane += tile.in_at * job.inner * sizeof(float)
        count = rows_of_sum(&job.h, plane, job.x.h, h, 0, at.rows, at.weights)
        if h + 1 < job.h.rows:
            ahead = rows_of_sum(
                &job.h, plane, job.x.h, h + 1, job.h.start[h] + job.h.taps, at.rows + count,
                at.weights + count,
            )
        if count == 0 or not rows_added(
            total, <const float* const*> at.rows, at.weights, count, ahead, n, odd
        ):
            return False
        pad_row(total, n, job)
        return True
    else:
        return False


cdef void backward_block(
    const Job* job, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """A block of rows of the gradient of the input, for one tile of one plane."""
    cdef Py_ssize_t block = unit % job.blocks
    cdef const Tile* tile = job.w.tile + unit // job.blocks % job.w.tiles
    cdef Py_ssize_t outer = unit // job.blocks // job.w.tiles
    cdef Py_ssize_t o0 = outer // job.outer1, o1 = outer % job.outer1
    cdef Py_ssize_t rows_h = job.h.rows
    cdef Py_ssize_t stop = min((block + 1) * job.block, job.d.rows * rows_h)
    cdef Py_ssize_t n = (tile.in_n + 1) * job.inner + (0 if job.w.quick else SLACK)
    cdef bint direct = job.out.dense and not job.stream
    cdef Py_ssize_t r, d, h, s, t, k
    cdef Places at
    cdef real w, v
    cdef bint odd, first, first_deep
    cdef columns_t columns = columns_of(job, tile)
    cdef real* loaded
    cdef real* deep
    cdef real* total
    cdef const char* plane
    cdef char* row
    cdef char* to
    lay_out(&at, scratch, job)
    loaded = <real*> at.loaded
    deep = <real*> at.ring
    total = <real*> at.middle
    for r in range(block * job.block, stop):
        d = r // rows_h
        h = r % rows_h
        odd = False
        plane = row_of(&job.x, o0, o1, input_of(&job.d, d, 0), 0)
        first = not sum_in_place(total, job, tile, plane, h, &at, &odd)
        for t in range(job.h.taps if first else 0):
            w = weight_of(&job.h, h, t, number)
            if w == 0:
                continue
            first_deep = True
            for s in range(job.d.taps):
                v = weight_of(&job.d, d, s, number)
                if v == 0:
                    continue
                row = row_of(&job.x, o0, o1, input_of(&job.d, d, s), input_of(&job.h, h, t))
                odd |= fetch_row(loaded, row, job, tile, at.items)
                if job.d.kind != IDENTITY:
                    first_deep = add_row(deep, loaded, v, n, first_deep)
                else:
                    first_deep = add_row(total, loaded, w, n, first)
                    first = False
            if job.d.kind != IDENTITY and not first_deep:
                first = add_row(total, deep, w, n, first)
        if first:
            for k in range(n):
                total[k] = 0
        to = <char*> total
        if job.w.kind != IDENTITY:
            to = <char*> deep
            along_w(deep, total, job, tile, &columns, odd)
        row = row_of(&job.out, o0, o1, d, h)
        job.codec.store(
            row + tile.out_at * job.inner * job.size if direct else at.items,
            to, tile.out_n * job.inner, NULL, NULL,
        )
        if not direct:
            end_row(job, tile, row, at.items)
    if job.stream:
        stream_fence()


cdef void backward_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    backward_block(<const Job*> job, unit, scratch, <float*> NULL)


cdef void backward_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    backward_block(<const Job*> job, unit, scratch, <double*> NULL)
