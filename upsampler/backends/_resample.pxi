# Interpolation with arithmetic: tables applied to rows.
#
# For one tile of columns and a block of output rows:
#
#     input row --along W--> ring of resampled rows --along H, D--> out
#
# Every input row is resampled along W once per block, alone or with the next, and kept in a ring
# for the filter along H; output rows are blends of ring rows.  A tile is narrow enough for its ring
# to stay in the nearest caches.

# --- between memory and rows -----------------------------------------------------------------


cdef inline void pad_row(real* row, Py_ssize_t n, const Job* job) noexcept nogil:
    """One pixel more, a copy of the last, so that linear finds a right neighbour.

    Typed loops compute with what lies behind it, too, and take long where that is subnormal.
    """
    if job.inner == 1:
        row[n] = row[n - 1]
    else:
        memcpy(row + n, row + n - job.inner, job.inner * sizeof(real))
    if not job.w.quick:
        memset(row + n + job.inner, 0, SLACK * sizeof(real))


cdef bint fetch_row(
    real* to, const char* row, const Job* job, const Tile* tile, char* items
) noexcept nogil:
    """Load a tile's input columns of one row; True where values are large or not finite.

    Where they are resampled by registers it may be False: that is seen there.
    """
    cdef Py_ssize_t n = tile.in_n * job.inner
    cdef bint odd = False, done = False
    if tile.columns < 0 and job.x.dense:
        row += tile.in_at * job.inner * job.size
    else:
        read_pixels(
            items, &job.x, row, tile.in_at, tile.in_n,
            NULL if tile.columns < 0 else job.w.columns + tile.columns, job.inner, job.size,
        )
        row = items
    if real is float:
        done = job.w.quick and row_load(to, row, n, job.code)
    if not done:
        odd = job.codec.load(to, row, n, NULL, NULL)
    pad_row(to, n, job)
    return odd


cdef inline void end_row(
    const Job* job, const Tile* tile, char* row, char* items
) noexcept nogil:
    """Items to the places of an output row."""
    if not job.out.dense:
        write_pixels(items, &job.out, row, tile.out_at, tile.out_n, job.inner, job.size)
    else:
        stream_copy(
            row + tile.out_at * job.inner * job.size, items, tile.out_n * job.inner * job.size
        )


# --- along H and D ---------------------------------------------------------------------------


cdef void blend(
    char** to, int count, const Codec* codec, const Table* table, Py_ssize_t row, void** rows,
    Py_ssize_t n, bint odd, carry_t* carry, real* careful,
) noexcept nogil:
    """`count` rows of a table from `row` on, which list the same input rows, rounded to items."""
    cdef const real* weight
    cdef const real* a
    cdef const real* b
    cdef Py_ssize_t k, t
    cdef int r
    cdef real total, one = 1
    cdef bint empty, linear = table.kind == LINEAR
    if not odd:
        if table.kind == IDENTITY:
            codec.blend(to, 1, rows, &one, 1, False, n, carry, NULL, NULL)
        else:
            weight = <const real*> table.weights + row * (1 if linear else table.taps)
            codec.blend(to, count, rows, weight, table.taps, linear, n, carry, NULL, NULL)
        return
    for r in range(count):
        if table.kind == IDENTITY:
            codec.store(to[r], rows[0], n, NULL, NULL)
            continue
        weight = <const real*> table.weights + (row + r) * (1 if linear else table.taps)
        if linear:
            a = <const real*> rows[0]
            b = <const real*> rows[1]
            for k in range(n):
                careful[k] = careful_linear(a[k], b[k], weight[0])
        else:
            for k in range(n):
                total = 0
                empty = True
                for t in range(table.taps):
                    a = <const real*> rows[t]
                    if counts(weight[t], a[k]):
                        total = weight[t] * a[k] if empty else total + weight[t] * a[k]
                        empty = False
                careful[k] = total
        codec.store(to[r], careful, n, NULL, NULL)


cdef inline Py_ssize_t input_of(const Table* table, Py_ssize_t row, Py_ssize_t tap) noexcept nogil:
    """The input row that a tap of an output row reads."""
    if table.kind == IDENTITY:
        return table.start[row]
    return min(table.start[row] + tap, table.n - 1)


cdef inline Py_ssize_t ring_place(const Table* table, Py_ssize_t row) noexcept nogil:
    """Where the ring keeps an input row: short rows take no longer than a division."""
    return row & table.mask if table.mask >= 0 else row % table.places


cdef struct Places:
    # A unit's share of the scratch memory.
    char* items
    char* loaded
    char* careful
    char* ring  # d.places * h.places rows resampled along W
    char* joined  # or all rows of a small plane,
    char* plane  # that plane as numbers, where it has other items,
    char* blended  # and what becomes of it, before it is stored
    char* middle  # d.taps rows blended along H
    float* weights  # of rows of gradients
    int64_t* tags  # which input row a ring row holds
    void** rows  # pointers handed to blend, h.taps and d.taps, or twice h.taps backward
    bint* odd
    Py_ssize_t until  # the input rows of a plane that are read lie before this one


cdef size_t lay_out(Places* at, char* scratch, const Job* job) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed (with NULL, only those)."""
    cdef size_t number = sizeof(double) if job.wide else sizeof(float)
    cdef Py_ssize_t long_row = job.long_row
    cdef size_t offset = 0
    at.items = scratch + offset
    offset += 64 + long_row * job.size
    offset -= offset % 64
    at.loaded = scratch + offset
    offset += 64 + job.ahead * long_row * number
    offset -= offset % 64
    at.careful = scratch + offset
    offset += 64 + long_row * number
    offset -= offset % 64
    at.ring = scratch + offset
    offset += 64 + job.slots * long_row * number
    offset -= offset % 64
    at.middle = scratch + offset
    offset += 64 + (job.d.taps + 1) * long_row * number
    offset -= offset % 64
    at.joined = scratch + offset
    if job.joined.rows > 0:
        offset += 64 + (job.joined.columns.out_n + SLACK) * number
        offset -= offset % 64
    at.plane = scratch + offset
    if job.joined.rows > 0 and job.code != F32:
        offset += 64 + (job.joined.rows * job.joined.n + SLACK) * number
        offset -= offset % 64
    at.blended = scratch + offset
    if job.joined.rows > 0 and job.code != F32:
        offset += 64 + (job.h.rows * job.w.tile.out_n + SLACK) * number
        offset -= offset % 64
    at.tags = <int64_t*> (scratch + offset)
    offset += job.slots * sizeof(int64_t)
    at.rows = <void**> (scratch + offset)
    offset += (2 * job.h.taps + job.d.taps) * sizeof(void*)
    at.weights = <float*> (scratch + offset)
    offset += 2 * job.h.taps * sizeof(double)
    at.odd = <bint*> (scratch + offset)
    offset += job.slots * sizeof(bint)
    return offset


cdef bint resampled_row(
    real* o, const char* row, const Job* job, const Tile* tile, const columns_t* columns,
    const Places* at,
) noexcept nogil:
    """A row of the input resampled along W; True where blending it has to be careful."""
    cdef real* loaded
    cdef bint odd
    if job.w.kind == IDENTITY:
        return fetch_row(o, row, job, tile, at.items)
    loaded = <real*> at.loaded
    if real is float:
        # Rows are read where they lie: to copy and to look at them first took a third of the time
        # of doubling.
        if job.plain and job.w.quick and tile.columns < 0 and not resample_columns(
            o, <const float*> row + tile.in_at * job.inner, columns
        ):
            return False
    odd = fetch_row(loaded, row, job, tile, at.items)
    return along_w(o, loaded, job, tile, columns, odd)


cdef void rows_ahead(
    const Job* job, const Tile* tile, const columns_t* columns, const char* plane, Py_ssize_t din,
    Py_ssize_t d_place, Py_ssize_t hin, Places* at, real* number,
) noexcept nogil:
    """Row `hin` of the input resampled along W and kept in the ring, and those made with it."""
    cdef Py_ssize_t n = job.long_row * sizeof(real), count = min(job.ahead, at.until - hin), k
    cdef Py_ssize_t slots[AHEAD]
    cdef float* to[AHEAD]
    cdef const float* rows[AHEAD]
    cdef bint odd = count < AHEAD
    cdef int again = -1
    for k in range(count):
        slots[k] = d_place * job.h.places + ring_place(&job.h, hin + k)
        at.tags[slots[k]] = din * job.h.n + hin + k
        to[k] = <float*> (at.ring + slots[k] * n)
    plane += hin * job.x.h
    if real is float:
        if not odd:
            for k in range(AHEAD):
                rows[k] = <const float*> (plane + k * job.x.h) + tile.in_at * job.inner
                if not (job.plain and tile.columns < 0):
                    rows[k] = <const float*> at.loaded + k * job.long_row
                    odd |= fetch_row(
                        <float*> rows[k], plane + k * job.x.h, job, tile, at.items
                    )
            if not odd:
                again = resample_ahead(to, rows, columns)
    for k in range(count):
        at.odd[slots[k]] = again >> k & 1 and resampled_row(
            <real*> to[k], plane + k * job.x.h, job, tile, columns, at
        )


cdef bint collect_rows(
    const Job* job, const Tile* tile, const columns_t* columns, const char* plane, Py_ssize_t din,
    Py_ssize_t d_place, Py_ssize_t h, Places* at, real* number,
) noexcept nogil:
    """Collect in `at.rows` the resampled rows that output row `h` reads; True where one is odd.

    `plane` points to input plane `din`, whose rows the ring keeps at `d_place`.
    """
    cdef Py_ssize_t t, hin, slot
    cdef bint odd = False
    for t in range(job.h.taps):
        hin = input_of(&job.h, h, t)
        slot = d_place * job.h.places + ring_place(&job.h, hin)
        if at.tags[slot] != din * job.h.n + hin:
            rows_ahead(job, tile, columns, plane, din, d_place, hin, at, number)
        odd |= at.odd[slot]
        at.rows[t] = at.ring + slot * job.long_row * sizeof(real)
    return odd


cdef inline Py_ssize_t alike(const Job* job, Py_ssize_t h, Py_ssize_t most) noexcept nogil:
    """How many output rows from `h` on read the same input rows, of at most so many."""
    cdef Py_ssize_t count = 1
    if job.d.kind != IDENTITY or job.h.kind == IDENTITY:
        return 1
    most = min(most, job.h.rows - h)
    while count < most and job.h.start[h + count] == job.h.start[h]:
        count += 1
    return count


cdef void forward_block(
    const Job* job, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """A block of output rows of one tile of one plane."""
    cdef Py_ssize_t block = unit % job.blocks
    cdef const Tile* tile = job.w.tile + unit // job.blocks % job.w.tiles
    cdef Py_ssize_t outer = unit // job.blocks // job.w.tiles
    cdef Py_ssize_t o0 = outer // job.outer1, o1 = outer % job.outer1
    cdef Py_ssize_t r = block * job.block
    cdef Py_ssize_t stop = min(r + job.block, job.d.rows * job.h.rows)
    cdef Py_ssize_t n = tile.out_n * job.inner
    cdef Py_ssize_t s, din, d = r // job.h.rows, h = r % job.h.rows, run, at_row
    cdef const Table* last = &job.h if job.d.kind == IDENTITY else &job.d
    # Rows of types that do not stream themselves go by way of `items`.
    cdef bint direct = job.out.dense and (not job.stream or job.streams)
    cdef columns_t columns = columns_of(job, tile)
    cdef Places at
    cdef void** rows
    cdef char* to[MORE]
    cdef bint odd, all_odd
    cdef int count
    cdef char* plane
    cdef char* row
    cdef carry_t carry
    carry.at = NULL
    carry.follow = job.out.h == n * job.size
    lay_out(&at, scratch, job)
    at.until = 1 + input_of(&job.h, min(h + stop - r, job.h.rows) - 1, job.h.taps - 1)
    for s in range(job.slots):
        at.tags[s] = -1
    while r < stop:
        run = alike(job, h, stop - r)
        all_odd = False
        rows = at.rows
        for s in range(job.d.taps):
            din = input_of(&job.d, d, s)
            plane = row_of(&job.x, o0, o1, din, 0)
            odd = collect_rows(
                job, tile, &columns, plane, din, ring_place(&job.d, din), h, &at, number
            )
            all_odd |= odd
            if job.d.kind != IDENTITY:
                rows = at.rows + job.h.taps
                rows[s] = at.middle + s * job.long_row * sizeof(real)
                blend(
                    <char**> &rows[s], 1, &job.middle, &job.h, h, at.rows, n, odd, NULL,
                    <real*> at.careful,
                )
        row = row_of(&job.out, o0, o1, d, h)
        at_row = d if last == &job.d else h
        r += run
        h += run
        while run > 0:
            count = 1
            to[0] = at.items
            if direct:
                to[0] = row + tile.out_at * job.inner * job.size
                to[1] = to[0] + job.out.h
                count = <int> min(run, <Py_ssize_t> MORE)
            blend(
                to, count, &job.codec, last, at_row, rows, n, all_odd,
                &carry if job.stream else NULL, <real*> at.careful,
            )
            if not direct:
                end_row(job, tile, row, at.items)
            row += count * job.out.h
            at_row += count
            run -= count
        if h == job.h.rows:
            h = 0
            d += 1
    if job.stream:
        end_carry(&carry)
        stream_fence()


cdef void exact_row(
    uint16_t* o, const char* row, const Job* job, const Tile* tile, char* items
) noexcept nogil:
    """A row of bytes made of whole numbers along W: pairs of pixels, the outermost repeated."""
    cdef Py_ssize_t inner = job.inner
    cdef Py_ssize_t pairs = (tile.skip + tile.out_n * inner + job.w.factor * inner - 1) // (
        job.w.factor * inner
    )
    cdef Py_ssize_t begin = max(tile.pair, <Py_ssize_t> 0)
    cdef Py_ssize_t end = min(tile.pair + pairs + 1, job.w.n)
    cdef Py_ssize_t k
    cdef char* to = items + (begin - tile.pair) * inner
    if job.x.dense:
        memcpy(to, row + begin * inner, (end - begin) * inner)
    else:
        read_pixels(to, &job.x, row, begin, end - begin, NULL, inner, 1)
    if begin > tile.pair:
        memcpy(items, to, inner)
    for k in range(end, tile.pair + pairs + 1):
        memcpy(items + (k - tile.pair) * inner, items + (end - 1 - tile.pair) * inner, inner)
    phases_of_bytes(
        o, <const uint8_t*> items, &job.w.phases,
        (pairs * inner + job.w.phases.advance - 1) // job.w.phases.advance,
    )


cdef void bytes_block(const void* data, Py_ssize_t unit, char* scratch) noexcept nogil:
    """As forward_block, in 16 bits: see row_blend_exact."""
    cdef const Job* job = <const Job*> data
    cdef Py_ssize_t block = unit % job.blocks
    cdef const Tile* tile = job.w.tile + unit // job.blocks % job.w.tiles
    cdef Py_ssize_t outer = unit // job.blocks // job.w.tiles
    cdef Py_ssize_t o0 = outer // job.outer1, o1 = outer % job.outer1
    cdef Py_ssize_t r = block * job.block
    cdef Py_ssize_t stop = min(r + job.block, job.d.rows * job.h.rows)
    cdef Py_ssize_t n = tile.out_n * job.inner
    cdef Py_ssize_t d = r // job.h.rows, h = r % job.h.rows
    cdef Py_ssize_t t, hin, din
    cdef uint16_t* rows[2]
    cdef char* to[MORE]
    cdef exact_t of
    cdef char* row
    cdef Py_ssize_t run
    cdef int count
    cdef Places at
    cdef carry_t carry
    carry.at = NULL
    carry.follow = job.out.h == n
    lay_out(&at, scratch, job)
    at.tags[0] = at.tags[1] = -1
    of.shift_h = job.w.shift_h
    of.shift = job.w.shift_h + job.w.phases.shift
    while r < stop:
        run = alike(job, h, stop - r)
        din = input_of(&job.d, d, 0)
        for t in range(2):
            hin = input_of(&job.h, h, t)
            rows[t] = <uint16_t*> (at.ring + (hin & 1) * job.long_row * sizeof(float))
            if at.tags[hin & 1] != din * job.h.n + hin:
                at.tags[hin & 1] = din * job.h.n + hin
                exact_row(rows[t], row_of(&job.x, o0, o1, din, hin), job, tile, at.items)
        of.first = rows[0] + tile.skip
        of.second = rows[1] + tile.skip
        of.w = job.w.exact_weights + h
        row = row_of(&job.out, o0, o1, d, h)
        r += run
        h += run
        while run > 0:
            count = 1
            to[0] = at.items
            if job.out.dense:
                to[0] = row + tile.out_at * job.inner
                to[1] = to[0] + job.out.h
                count = <int> min(run, <Py_ssize_t> MORE)
            row_blend_exact(to, count, &of, n, &carry if job.stream else NULL)
            if not job.out.dense:
                end_row(job, tile, row, at.items)
            row += count * job.out.h
            of.w += count
            run -= count
        if h == job.h.rows:
            h = 0
            d += 1
    if job.stream:
        end_carry(&carry)
        stream_fence()


cdef void forward_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    forward_block(<const Job*> job, unit, scratch, <float*> NULL)


cdef void forward_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    forward_block(<const Job*> job, unit, scratch, <double*> NULL)


cdef void joined_float(const void* data, Py_ssize_t unit, char* scratch) noexcept nogil:
    """A small plane: its rows resampled as one, then blended."""
    cdef const Job* job = <const Job*> data
    cdef Py_ssize_t o0 = unit // job.outer1, o1 = unit - o0 * job.outer1
    cdef Py_ssize_t n = job.w.tile.out_n, samples = job.joined.rows * job.joined.n
    cdef char* row = row_of(&job.x, o0, o1, 0, job.joined.first)
    cdef char* to = row_of(&job.out, o0, o1, 0, 0)
    cdef const float* made
    cdef float one = 1
    cdef short_rows_t of
    cdef Places at
    cdef carry_t carry
    lay_out(&at, scratch, job)
    if job.code != F32:
        if not row_load(<float*> at.plane, row, samples, job.code):
            forward_float(data, unit, scratch)
            return
        row = at.plane
    if not along_rows(<float*> at.joined, <const float*> row, &job.joined):
        forward_float(data, unit, scratch)
        return
    made = <const float*> at.joined - job.joined.first * n
    of.start = job.h.start
    of.w = <const float*> job.h.weights
    of.rows, of.taps, of.last = job.h.rows, job.h.taps, job.h.n - 1
    of.linear = job.h.kind == LINEAR
    if job.code == F32:
        blend_short_rows(<float*> to, made, n, &of)
        return
    blend_short_rows(<float*> at.blended, made, n, &of)
    row = at.blended
    carry.at = NULL
    carry.follow = True
    job.codec.blend(
        &to, 1, <void**> &row, &one, 1, False, job.h.rows * n, &carry if job.stream else NULL,
        NULL, NULL,
    )
    if job.stream:
        end_carry(&carry)
        stream_fence()
