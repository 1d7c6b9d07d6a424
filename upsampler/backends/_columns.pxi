# Tables in the form of the loops, and the axis along rows: one row of numbers resampled.

cdef enum:
    IDENTITY, LINEAR, SUM  # kinds of tables; nearest has loops of its own
    SLACK = 64  # elements behind a row that vector loops may read or write
    MORE = 2  # output rows that are blended at once, where they read the same rows
    NUMBERS = 128  # that a step of phases_of_bytes may store too many

cdef struct Table:
    # One of the axes D and H.
    int kind
    Py_ssize_t n, rows, taps
    Py_ssize_t places  # of the ring that keeps input rows
    Py_ssize_t mask  # places - 1 where that is a mask, else -1
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

cdef struct Joined:
    # Rows of a small plane that follow one another in memory, as one row; see shuffles.py.
    Py_ssize_t first, rows, n, tail
    columns_t columns

cdef struct Job:
    Side x
    Side out
    Codec codec  # data to arithmetic and back
    Codec middle  # arithmetic to itself
    Table d
    Table h
    Columns w
    Joined joined  # none where it has no rows
    Py_ssize_t outer1, inner, size, block, blocks
    Py_ssize_t slots  # rows in the ring
    Py_ssize_t ahead  # rows that are resampled at once: AHEAD or 1
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


cdef bint along_rows(float* o, const float* x, const Joined* joined) noexcept nogil:
    """All rows of a small plane resampled along W; False where some have to be done carefully.

    Row by row, 16 samples made 32 spent more on the calls than on the numbers.
    """
    cdef Py_ssize_t width = joined.columns.out_n // joined.rows, r, k
    cdef float last
    if resample_columns(o, x, &joined.columns):
        return False
    # To the right of a row's last sample lay the next row's first; it is its own neighbour.
    for r in range(joined.rows):
        last = x[joined.n - 1]
        for k in range(width - joined.tail, width):
            o[k] = last + <float> 0
        x += joined.n
        o += width
    return True
