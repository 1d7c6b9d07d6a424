# Pixels of a tile: arrays of any strides and items read pixel by pixel, channels side by side.
#
# Where an array already is numbers with channels side by side, it is read where it lies.  Else a
# tile of it is copied to scratch memory first: pixel by pixel, or, from planes, row by row through
# square transpositions.  Arrays are seen as (N, C, D, H, W); positions run over N, D, H and W.

cdef enum:
    CHUNK = 16  # channels whose rows are transposed at a time

cdef enum ReadingKind:
    IN_PLACE
    COPIED
    TURNED

cdef struct Reading:
    Grid grid
    Codec codec
    ReadingKind kind
    bint edge  # beyond the border samples of the border repeat
    bint zeros  # beyond the border there are zeros; else it is left as it is, and not read
    bint copied  # never read where it lies
    Py_ssize_t channels  # of a pixel
    const Py_ssize_t* positions  # of a tile, by axis
    const Py_ssize_t* pace  # places from position to position
    const Py_ssize_t* lead  # where a tile begins, from the place of its first position
    const Py_ssize_t* extent  # places of a tile
    Py_ssize_t[4] step  # numbers from place to place in what is read

cdef struct ReadingStage:
    # Scratch memory for rows on their way, besides the tile's own.
    char* numbers
    char* items
    void** rows


cdef void choose_reading(Reading* tile, Py_ssize_t number) noexcept nogil:
    """Whether pixels can be read where they lie, and how far apart; numbers have `number` bytes.

    Neighbouring pixels whose distance is a power of two fall into the same lines of the cache.
    """
    cdef const Grid* grid = &tile.grid
    cdef Py_ssize_t a, apart = grid.step[3] * tile.pace[3]
    cdef bint side_by_side = grid.channel == grid.size
    tile.kind = COPIED if side_by_side else TURNED
    if side_by_side and grid.direct and not tile.copied and apart % 4096:
        tile.kind = IN_PLACE
        for a in range(4):
            tile.step[a] = grid.step[a] // number
            if grid.step[a] % number:
                tile.kind = COPIED
    if tile.kind != IN_PLACE:
        tile.step[3] = tile.channels + (16 if tile.channels % 128 == 0 else 0)
        for a in range(2, -1, -1):
            tile.step[a] = tile.step[a + 1] * tile.extent[a + 1]


cdef Py_ssize_t reading_numbers(const Reading* tile) noexcept nogil:
    """Numbers of a copy of a tile; 0 where there is none."""
    return 0 if tile.kind == IN_PLACE else tile.extent[0] * tile.step[0]


cdef void take_stage(
    ReadingStage* at, char** end, Py_ssize_t row, size_t number
) noexcept nogil:
    """Cut what reading rows of so many places wants from scratch memory."""
    row += RUN_SLACK
    at.numbers = take(end, 2 * CHUNK * row * number)
    at.items = take(end, row * 8)
    at.rows = <void**> take(end, 2 * CHUNK * sizeof(void*))


cdef void turn_row(
    real* to, const Reading* tile, const char* row, Py_ssize_t n, const ReadingStage* at
) noexcept nogil:
    """`n` neighbouring pixels of planes, channels side by side."""
    cdef const Grid* grid = &tile.grid
    cdef const real** rows = <const real**> at.rows
    cdef Py_ssize_t c = 0, m, k, left
    cdef real* numbers = <real*> at.numbers
    while c < tile.channels:
        left = tile.channels - c
        m = left if left < 2 * CHUNK else CHUNK
        for k in range(m):
            if grid.direct and grid.step[3] == grid.size:
                rows[k] = <const real*> (row + k * grid.channel)
            else:
                rows[k] = numbers + k * (n + RUN_SLACK)
                load_run(
                    numbers + k * (n + RUN_SLACK), row + k * grid.channel, n, grid.step[3], grid,
                    &tile.codec, at.items,
                )
        transpose(to + c, tile.step[3], rows, m, n)
        row += m * grid.channel
        c += m


cdef void copy_row(real* to, const Reading* tile, const char* row, Py_ssize_t n) noexcept nogil:
    """`n` neighbouring pixels whose channels lie side by side."""
    cdef Py_ssize_t channels = tile.channels, k
    if tile.step[3] == channels and tile.grid.step[3] == channels * tile.grid.size:
        channels *= n  # as one
        n = 1
    for k in range(n):
        if tile.grid.direct:
            memcpy(to, row, channels * sizeof(real))
        else:
            tile.codec.load(to, row, channels, NULL, NULL)
        to += tile.step[3]
        row += tile.grid.step[3]


cdef inline Py_ssize_t place_in(const Reading* tile, Py_ssize_t place, int axis) noexcept nogil:
    """The place along an axis that is read for `place`; -1 for none."""
    cdef Py_ssize_t length = tile.grid.length[axis]
    if 0 <= place < length:
        return place
    if tile.edge and axis > 0:
        return 0 if place < 0 else length - 1
    return -1


cdef void read_row(
    real* to, const Reading* tile, const char* row, Py_ssize_t first, Py_ssize_t n,
    const ReadingStage* at,
) noexcept nogil:
    """Places `first` to ``first + n`` along W."""
    cdef Py_ssize_t length = tile.grid.length[3], step = tile.step[3], k
    cdef Py_ssize_t low = min(max(<Py_ssize_t> 0, -first), n)
    cdef Py_ssize_t high = max(low, min(n, length - first))
    if low < high:
        row += (first + low) * tile.grid.step[3]
        if tile.kind == TURNED:
            turn_row(to + low * step, tile, row, high - low, at)
        else:
            copy_row(to + low * step, tile, row, high - low)
    elif tile.edge:  # all of it is the border
        row += 0 if first < 0 else (length - 1) * tile.grid.step[3]
        if tile.kind == TURNED:
            turn_row(to, tile, row, 1, at)
        else:
            copy_row(to, tile, row, 1)
        low, high = 0, 1
    if tile.zeros:
        memset(to, 0, low * step * sizeof(real))
        memset(to + high * step, 0, (n - high) * step * sizeof(real))
    elif tile.edge:
        for k in range(low):
            memcpy(to + k * step, to + low * step, tile.channels * sizeof(real))
        for k in range(high, n):
            memcpy(to + k * step, to + (high - 1) * step, tile.channels * sizeof(real))


cdef const real* read_tile(
    real* to, const Reading* tile, Py_ssize_t channel, const Py_ssize_t* u, const Py_ssize_t* count,
    const ReadingStage* at, Py_ssize_t* origin,
) noexcept nogil:
    """Where the pixels of a tile are read, from `channel` on; `origin` is the place read there."""
    cdef const Grid* grid = &tile.grid
    cdef const char* base = grid.data + channel * grid.channel
    cdef const char* row
    cdef Py_ssize_t[4] places
    cdef Py_ssize_t n, d, h, i, z, y
    cdef real* line
    cdef int a
    if tile.kind == IN_PLACE:
        for a in range(4):
            origin[a] = 0
        return <const real*> base
    for a in range(4):
        origin[a] = u[a] * tile.pace[a] + tile.lead[a]
        places[a] = tile.extent[a] - (tile.positions[a] - count[a]) * tile.pace[a]
    for n in range(places[0]):
        i = place_in(tile, origin[0] + n, 0)
        for d in range(places[1]):
            z = place_in(tile, origin[1] + d, 1)
            for h in range(places[2]):
                y = place_in(tile, origin[2] + h, 2)
                line = to + n * tile.step[0] + d * tile.step[1] + h * tile.step[2]
                if i >= 0 and z >= 0 and y >= 0:
                    row = base + i * grid.step[0] + z * grid.step[1] + y * grid.step[2]
                    read_row(line, tile, row, origin[3], places[3], at)
                elif tile.zeros:
                    memset(line, 0, places[3] * tile.step[3] * sizeof(real))
    return to
