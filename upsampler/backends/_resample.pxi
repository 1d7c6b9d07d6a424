# Interpolation with arithmetic: tables applied to rows, forward and backward.
#
# Forward, for one tile of columns and a block of output rows:
#
#     input row --load--> arithmetic row --along W--> ring of resampled rows --along H, D--> out
#
# Every input row is resampled along W once per block and kept in a ring that is as long as the
# filter along H; output rows are blends of ring rows.  Backward runs the transposed tables in
# the reverse order: rows of the gradient are summed along D and H, the sum is resampled along W.
# A tile is narrow enough for its ring to stay in the nearest caches.

cdef enum:
    IDENTITY, LINEAR, SUM  # kinds of tables; nearest has loops of its own
    SLACK = 64  # elements behind a row that vector loops may read or write
    MORE = 2  # output rows that are blended at once, where they read the same rows
    NUMBERS = 128  # that a step of phases_of_bytes may store too many

cdef struct Table:
    # One of the axes D and H.
    int kind
    Py_ssize_t n, rows, taps
    Py_ssize_t mask  # taps - 1 where that is a mask, else -1
    const int64_t* start
    const void* weights  # [rows][taps]; [rows][1] where linear

cdef struct Tile:
    # A run of output columns with the input columns that they read.
    Py_ssize_t out_at, out_n
    Py_ssize_t in_at, in_n
    Py_ssize_t columns  # where in Columns.columns its input columns are listed; -1: all of them
    Py_ssize_t periodic, cycles  # the run of `cycles` whole periods, from `periodic` on
    Py_ssize_t group  # its first
    Py_ssize_t pair, skip  # its first pair of pixels, and of whose numbers it leaves out how many

cdef struct Columns:
    # The axis W, cut into tiles.
    int kind
    Py_ssize_t n, taps, period, tiles
    const Tile* tile
    const int32_t* start  # by output column: place in the tile's loaded row
    const int64_t* columns
    # By tile: [rows][taps] where pixels have several items, else [taps][rows], so that the loop
    # over neighbouring outputs reads neighbouring weights.
    const void* weights
    bint quick  # whether rows of float32 are resampled by registers, and how:
    columns_t by_registers
    # 8-bit images whose rows are made of whole numbers, see phases_of_bytes and row_blend_exact.
    phases_t phases
    Py_ssize_t factor
    const int32_t* exact_weights  # of rows
    int shift_h

cdef struct Job:
    Side x
    Side out
    Codec codec  # data to arithmetic and back
    Codec middle  # arithmetic to itself
    Table d
    Table h
    Columns w
    Py_ssize_t outer1, inner, size, block, blocks
    Py_ssize_t slots  # rows in the ring
    Py_ssize_t in_row, out_row  # elements of the longest loaded and resampled row, with slack
    Py_ssize_t long_row  # elements from one row of the ring to the next
    bint wide, stream
    bint plain  # dense rows of float32 that arithmetic can read where they lie
    int code  # of the items
    bint streams  # whether the codec itself stores past the caches


# --- along W ---------------------------------------------------------------------------------


cdef void linear_single(
    real* o, const real* row, const Columns* w, const Tile* tile
) noexcept nogil:
    """Linear along W, one item a pixel."""
    cdef const int32_t* start = w.start + tile.out_at
    cdef const real* weight = <const real*> w.weights + tile.out_at
    cdef Py_ssize_t j, k, first = tile.periodic, stop = first + w.period * tile.cycles
    cdef const real* a
    cdef const real* b
    cdef const real* c
    cdef const real* d
    cdef real wa, wb, wc, wd
    cdef real* p = o + first
    for j in range(first):
        o[j] = row[start[j]] + weight[j] * (row[start[j] + 1] - row[start[j]])
    for j in range(stop, tile.out_n):
        o[j] = row[start[j]] + weight[j] * (row[start[j] + 1] - row[start[j]])
    if tile.cycles == 0:
        return
    # Integer factors: contiguous loads, interleaved stores, no index and no weight to fetch.
    a = row + start[first]
    b = row + start[first + 1]
    wa, wb = weight[first], weight[first + 1]
    if w.period == 2:
        for k in range(tile.cycles):
            p[2 * k] = a[k] + wa * (a[k + 1] - a[k])
            p[2 * k + 1] = b[k] + wb * (b[k + 1] - b[k])
    else:
        c = row + start[first + 2]
        d = row + start[first + 3]
        wc, wd = weight[first + 2], weight[first + 3]
        for k in range(tile.cycles):
            p[4 * k] = a[k] + wa * (a[k + 1] - a[k])
            p[4 * k + 1] = b[k] + wb * (b[k + 1] - b[k])
            p[4 * k + 2] = c[k] + wc * (c[k + 1] - c[k])
            p[4 * k + 3] = d[k] + wd * (d[k + 1] - d[k])


cdef void linear_pixels(
    real* o, const real* row, const Columns* w, const Tile* tile, Py_ssize_t inner
) noexcept nogil:
    """Linear along W, several items a pixel.

    Four items at a time: the last step of a pixel may write into the next one, which is
    written after it, or into the slack.  For 3 channels that is one 16-byte store a pixel,
    where a loop over 3 items does not vectorise at all.
    """
    cdef const int32_t* start = w.start + tile.out_at
    cdef const real* weight = <const real*> w.weights + tile.out_at
    cdef Py_ssize_t j, c
    cdef const real* a
    cdef const real* b
    cdef real* p
    cdef real v, r0, r1, r2, r3
    for j in range(tile.out_n):
        a = row + start[j] * inner
        b = a + inner
        p = o + j * inner
        v = weight[j]
        c = 0
        while c < inner:
            r0 = a[c] + v * (b[c] - a[c])
            r1 = a[c + 1] + v * (b[c + 1] - a[c + 1])
            r2 = a[c + 2] + v * (b[c + 2] - a[c + 2])
            r3 = a[c + 3] + v * (b[c + 3] - a[c + 3])
            p[c] = r0
            p[c + 1] = r1
            p[c + 2] = r2
            p[c + 3] = r3
            c += 4


cdef void sum_single(
    real* o, const real* row, const Columns* w, const Tile* tile
) noexcept nogil:
    """A weighted sum along W, one item a pixel; tap by tap over all outputs."""
    cdef const int32_t* start = w.start + tile.out_at
    cdef const real* weight = <const real*> w.weights + tile.out_at * w.taps
    cdef Py_ssize_t j, t, n = tile.out_n
    cdef const real* wb = weight + n
    cdef const real* wc = wb + n
    cdef const real* wd = wc + n
    if w.taps >= 4:
        for j in range(n):
            o[j] = (
                (weight[j] * row[start[j]] + wb[j] * row[start[j] + 1])
                + wc[j] * row[start[j] + 2]
            ) + wd[j] * row[start[j] + 3]
        t = 4
    else:
        for j in range(n):
            o[j] = weight[j] * row[start[j]]
        t = 1
    while t < w.taps:
        wb = weight + t * n
        for j in range(n):
            o[j] = o[j] + wb[j] * row[start[j] + t]
        t += 1


cdef void sum_pixels(
    real* o, const real* row, const Columns* w, const Tile* tile, Py_ssize_t inner
) noexcept nogil:
    """A weighted sum along W, several items a pixel, four at a time as in linear_pixels."""
    cdef const int32_t* start = w.start + tile.out_at
    cdef const real* weight = <const real*> w.weights + tile.out_at * w.taps
    cdef Py_ssize_t j, c, t
    cdef const real* a
    cdef real* p
    cdef real v, r0, r1, r2, r3
    for j in range(tile.out_n):
        p = o + j * inner
        c = 0
        while c < inner:
            a = row + start[j] * inner + c
            v = weight[0]
            r0 = v * a[0]
            r1 = v * a[1]
            r2 = v * a[2]
            r3 = v * a[3]
            for t in range(1, w.taps):
                a += inner
                v = weight[t]
                r0 = r0 + v * a[0]
                r1 = r1 + v * a[1]
                r2 = r2 + v * a[2]
                r3 = r3 + v * a[3]
            p[c] = r0
            p[c + 1] = r1
            p[c + 2] = r2
            p[c + 3] = r3
            c += 4
        weight += w.taps


cdef inline real careful_linear(real a, real b, real w) noexcept nogil:
    """``a + w * (b - a)``; where that is not finite, the sum without zero-weight terms."""
    cdef real v = a + w * (b - a)
    if isfinite(v):
        return v
    return (<real> 1 - w) * a + w * b if w != 0 else a


cdef inline bint counts(real w, real x) noexcept nogil:
    """Whether a term belongs to a careful sum: a weight of 0 silences what is not finite.

    (A term 0 * x of a finite x stays: it can turn -0 into 0, as it does in the fast loops.)
    """
    return w != 0 or isfinite(x)


cdef void careful_columns(
    real* o, const real* row, const Columns* w, const Tile* tile, Py_ssize_t inner
) noexcept nogil:
    """Along W for rows with values that are large or not finite, element by element."""
    cdef const int32_t* start = w.start + tile.out_at
    cdef const real* weight = <const real*> w.weights + tile.out_at * w.taps
    cdef Py_ssize_t by_row = w.taps if inner > 1 else 1
    cdef Py_ssize_t by_tap = 1 if inner > 1 else tile.out_n
    cdef Py_ssize_t j, c, t
    cdef const real* a
    cdef real v, total
    cdef bint empty
    for j in range(tile.out_n):
        for c in range(inner):
            a = row + start[j] * inner + c
            if w.kind == LINEAR:
                weight = <const real*> w.weights + tile.out_at
                o[j * inner + c] = careful_linear(a[0], a[inner], weight[j])
            else:
                total = 0
                empty = True
                for t in range(w.taps):
                    v = weight[j * by_row + t * by_tap]
                    if counts(v, a[t * inner]):
                        total = v * a[t * inner] if empty else total + v * a[t * inner]
                        empty = False
                o[j * inner + c] = total


cdef inline columns_t columns_of(const Job* job, const Tile* tile) noexcept nogil:
    """A tile as resample_columns wants it."""
    cdef columns_t of = job.w.by_registers
    of.groups.base += tile.group * (1 if of.groups.wide else UPSAMPLER_LANES)
    of.groups.pattern += tile.group
    of.start += tile.out_at
    of.w += tile.out_at * (1 if of.linear else of.taps)
    of.in_n = tile.in_n
    of.out_n = tile.out_n
    of.periodic = tile.periodic
    of.cycles = tile.cycles
    return of


cdef bint along_w(
    real* o, const real* row, const Job* job, const Tile* tile, const columns_t* columns, bint odd
) noexcept nogil:
    """A loaded row resampled; True where blending it has to be careful."""
    cdef bint again = False
    if real is float:
        if job.w.quick and not odd:
            again = resample_columns(o, row, columns)
            if not again:
                return False
    if odd or again:
        careful_columns(o, row, &job.w, tile, job.inner)
        return True
    if job.w.kind == LINEAR:
        if job.inner == 1:
            linear_single(o, row, &job.w, tile)
        else:
            linear_pixels(o, row, &job.w, tile, job.inner)
    elif job.inner == 1:
        sum_single(o, row, &job.w, tile)
    else:
        sum_pixels(o, row, &job.w, tile, job.inner)
    return False


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
    return row & table.mask if table.mask >= 0 else row % table.taps


cdef struct Places:
    # A unit's share of the scratch memory.
    char* items
    char* loaded
    char* careful
    char* ring  # d.taps * h.taps rows resampled along W
    char* middle  # d.taps rows blended along H
    float* weights  # of rows of gradients
    int64_t* tags  # which input row a ring row holds
    void** rows  # pointers handed to blend, h.taps and d.taps, or twice h.taps backward
    bint* odd


cdef size_t lay_out(Places* at, char* scratch, const Job* job) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed (with NULL, only those)."""
    cdef size_t number = sizeof(double) if job.wide else sizeof(float)
    cdef Py_ssize_t long_row = job.long_row
    cdef size_t offset = 0
    at.items = scratch + offset
    offset += 64 + long_row * job.size
    offset -= offset % 64
    at.loaded = scratch + offset
    offset += 64 + long_row * number
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


cdef bint collect_rows(
    const Job* job, const Tile* tile, const columns_t* columns, const char* plane, Py_ssize_t din,
    Py_ssize_t d_place, Py_ssize_t h, Places* at, real* number,
) noexcept nogil:
    """Collect in `at.rows` the resampled rows that output row `h` reads; True where one is odd.

    `plane` points to input plane `din`, whose rows the ring keeps at `d_place`.
    """
    cdef Py_ssize_t n = job.long_row * sizeof(real)
    cdef Py_ssize_t t, hin, slot
    cdef bint odd = False
    cdef char* row
    for t in range(job.h.taps):
        hin = input_of(&job.h, h, t)
        slot = d_place * job.h.taps + ring_place(&job.h, hin)
        row = at.ring + slot * n
        if at.tags[slot] != din * job.h.n + hin:
            at.tags[slot] = din * job.h.n + hin
            at.odd[slot] = resampled_row(
                <real*> row, plane + hin * job.x.h, job, tile, columns, at
            )
        odd |= at.odd[slot]
        at.rows[t] = row
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


cdef void forward_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    forward_block(<const Job*> job, unit, scratch, <float*> NULL)


cdef void forward_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    forward_block(<const Job*> job, unit, scratch, <double*> NULL)


cdef void backward_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    backward_block(<const Job*> job, unit, scratch, <float*> NULL)


cdef void backward_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    backward_block(<const Job*> job, unit, scratch, <double*> NULL)
