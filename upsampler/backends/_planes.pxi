# Planes of a convolution: a tile of positions with its halo, one dense plane for each channel and
# phase of an array of any strides and items.
#
# Arrays are seen as (N, C, D, H, W); positions run over N, D, H and W.  Images of a batch lie in a
# tile like slices in a volume, so small images fill the registers together.

cdef extern from "_transpose.h" nogil:
    void transpose_float(float*, Py_ssize_t, const float* const*, Py_ssize_t, Py_ssize_t)
    void transpose_double(double*, Py_ssize_t, const double* const*, Py_ssize_t, Py_ssize_t)
    void copy_strided_float(float*, const float*, Py_ssize_t, Py_ssize_t)
    void copy_strided_double(double*, const double*, Py_ssize_t, Py_ssize_t)

cdef enum:
    PIXELS = 64  # pixels whose channels are taken at a time
    CHANNELS = 4  # channels whose phases are taken one after the other

cdef struct Grid:
    # Strides in bytes.  Position u of a phase is the place u * stride + phase of an axis.
    char* data
    Py_ssize_t channel, size
    Py_ssize_t[4] step
    Py_ssize_t[4] length
    const Py_ssize_t* stride
    bint direct  # items are numbers of the arithmetic, side by side or a whole number of them apart

cdef struct Source:
    # What is loaded: planes of some phases of a grid.
    Grid grid
    const Py_ssize_t* phase  # (phases, 4)
    Py_ssize_t phases
    const Py_ssize_t* lead  # where a plane begins, in positions from the tile's first
    const Py_ssize_t* reach  # positions that it has more than the tile
    const Py_ssize_t* extent  # of a plane, along each axis
    Py_ssize_t plane  # its elements, with slack
    bint edge  # beyond the border samples of the border repeat; else there are zeros

cdef struct Stage:
    # Scratch memory for a row on its way.
    char* numbers
    char* items
    void** rows


cdef inline void transpose(
    real* to, Py_ssize_t stride, const real* const* rows, Py_ssize_t count, Py_ssize_t n
) noexcept nogil:
    if real is float:
        transpose_float(to, stride, rows, count, n)
    else:
        transpose_double(to, stride, rows, count, n)


cdef void load_run(
    real* to, const char* from_, Py_ssize_t n, Py_ssize_t stride, const Grid* grid,
    const Codec* codec, char* items,
) noexcept nogil:
    """`n` samples, `stride` bytes apart."""
    if grid.direct:
        # Sizes are constants here: a division takes as long as a short row.
        if real is float:
            copy_strided_float(to, <const float*> from_, n, stride // <Py_ssize_t> sizeof(float))
        else:
            copy_strided_double(
                to, <const double*> from_, n, stride // <Py_ssize_t> sizeof(double)
            )
        return
    if stride != grid.size:
        gather_items(items, from_, n, stride, grid.size)
        from_ = items
    codec.load(to, from_, n, NULL, NULL)


cdef void load_pixels(
    real* to, Py_ssize_t plane, Py_ssize_t channels, const char* from_, Py_ssize_t n,
    Py_ssize_t stride, const Grid* grid, const Codec* codec, const Stage* stage,
) noexcept nogil:
    """`n` pixels of `channels` that lie side by side, to as many planes."""
    cdef const real** rows = <const real**> stage.rows
    cdef real* numbers = <real*> stage.numbers
    cdef Py_ssize_t at = 0, k, m
    while at < n:
        m = min(<Py_ssize_t> PIXELS, n - at)
        for k in range(m):
            if grid.direct:
                rows[k] = <const real*> (from_ + (at + k) * stride)
            else:
                rows[k] = numbers + k * channels
                codec.load(
                    numbers + k * channels, from_ + (at + k) * stride, channels, NULL, NULL
                )
        transpose(to + at, plane, rows, m, channels)
        at += m


cdef bint by_pixel(const Grid* grid, Py_ssize_t channels) noexcept nogil:
    """Whether channels lie side by side, and are enough to be worth it."""
    return channels >= 4 and grid.channel == grid.size


cdef inline Py_ssize_t place_of(
    const Source* source, Py_ssize_t place, int axis
) noexcept nogil:
    """The place along an axis that is read for `place`; -1 for none."""
    cdef Py_ssize_t length = source.grid.length[axis]
    if 0 <= place < length:
        return place
    if source.edge and axis > 0:
        return 0 if place < 0 else length - 1
    return -1


cdef void load_phase(
    real* planes, Py_ssize_t stride, const Source* source, Py_ssize_t channel,
    Py_ssize_t channels, const Py_ssize_t* phase, const Py_ssize_t* u, const Py_ssize_t* count,
    const Codec* codec, const Stage* stage,
) noexcept nogil:
    """One phase of some channels; `stride` elements from one channel's plane to the next."""
    cdef const Grid* grid = &source.grid
    cdef const Py_ssize_t* extent = source.extent
    cdef Py_ssize_t[4] at
    cdef Py_ssize_t[4] places
    cdef Py_ssize_t n, d, h, x, y, z, c, k, first, stop, step = grid.stride[3]
    cdef bint pixels = by_pixel(grid, channels)
    # Channels side by side are taken row by row, others one after the other.
    cdef Py_ssize_t many = channels if grid.channel == grid.size else 1
    cdef const char* base
    cdef const char* row
    cdef real* to
    cdef int a
    cdef bint inside = True
    for a in range(4):
        at[a] = (u[a] + source.lead[a]) * grid.stride[a] + phase[a]
        places[a] = count[a] + source.reach[a]
        if (
            at[a] < 0 or at[a] + (places[a] - 1) * grid.stride[a] >= grid.length[a]
            or places[a] < extent[a]
        ):
            inside = False
    # The first and the last place of a row that lie inside.
    first = (-at[3] + step - 1) // step if at[3] < 0 else 0
    stop = (grid.length[3] - at[3] - 1) // step + 1 if at[3] < grid.length[3] else 0
    stop = min(stop, places[3])
    if source.edge:  # a row beyond one end is all border
        first = min(first, places[3])
        stop = max(stop, <Py_ssize_t> 0)
    # Runs compute with what lies behind a plane: no subnormal numbers may, they are slow.
    k = extent[0] * extent[1] * extent[2] * extent[3] if inside else 0
    for c in range(channels):
        memset(planes + c * stride + k, 0, (source.plane - k) * sizeof(real))
    if first >= stop and not source.edge:
        return
    c = 0
    while c < channels:
        base = grid.data + (channel + c) * grid.channel
        for n in range(places[0]):
            x = place_of(source, at[0] + n * grid.stride[0], 0)
            for d in range(places[1]):
                z = place_of(source, at[1] + d * grid.stride[1], 1)
                for h in range(places[2]):
                    y = place_of(source, at[2] + h * grid.stride[2], 2)
                    if x < 0 or y < 0 or z < 0:
                        continue
                    row = base + x * grid.step[0] + z * grid.step[1] + y * grid.step[2]
                    to = planes + c * stride
                    to += ((n * extent[1] + d) * extent[2] + h) * extent[3]
                    if pixels:
                        load_row_of_pixels(
                            to, stride, channels, row, at[3], first, stop, places[3], source,
                            codec, stage,
                        )
                        continue
                    for k in range(many):
                        load_row_of_plane(
                            to + k * stride, row + k * grid.channel, at[3], first, stop,
                            places[3], source, codec, stage.items,
                        )
        c += many


cdef inline void load_row_of_plane(
    real* to, const char* row, Py_ssize_t at, Py_ssize_t first, Py_ssize_t stop,
    Py_ssize_t places, const Source* source, const Codec* codec, char* items,
) noexcept nogil:
    cdef const Grid* grid = &source.grid
    cdef Py_ssize_t step = grid.stride[3]
    if first < stop:
        load_run(
            to + first, row + (at + first * step) * grid.step[3], stop - first,
            step * grid.step[3], grid, codec, items,
        )
    if source.edge:
        repeat_border(to, row, first, stop, places, source, codec)


cdef void load_row_of_pixels(
    real* to, Py_ssize_t stride, Py_ssize_t channels, const char* row, Py_ssize_t at,
    Py_ssize_t first, Py_ssize_t stop, Py_ssize_t places, const Source* source,
    const Codec* codec, const Stage* stage,
) noexcept nogil:
    cdef const Grid* grid = &source.grid
    cdef Py_ssize_t c, step = grid.stride[3]
    if first < stop:
        load_pixels(
            to + first, stride, channels, row + (at + first * step) * grid.step[3], stop - first,
            step * grid.step[3], grid, codec, stage,
        )
    if source.edge:
        for c in range(channels):
            repeat_border(
                to + c * stride, row + c * grid.channel, first, stop, places, source, codec
            )


cdef void repeat_border(
    real* to, const char* row, Py_ssize_t first, Py_ssize_t stop, Py_ssize_t places,
    const Source* source, const Codec* codec,
) noexcept nogil:
    """The ends of a row that lie outside; grids with an edge have stride 1."""
    cdef Py_ssize_t k
    cdef real value
    if first > 0:
        codec.load(&value, row, 1, NULL, NULL)
        for k in range(min(first, places)):
            to[k] = value
    if stop < places:
        codec.load(
            &value, row + (source.grid.length[3] - 1) * source.grid.step[3], 1, NULL, NULL
        )
        for k in range(max(first, stop), places):
            to[k] = value


cdef void load_planes(
    real* planes, const Source* source, Py_ssize_t channel, Py_ssize_t channels,
    const Py_ssize_t* u, const Py_ssize_t* count, const Codec* codec, const Stage* stage,
) noexcept nogil:
    """All phases of some channels: by channel, then by phase.

    Phases take turns in the same lines of the cache: a few channels at a time, for planes that lie
    a power of two apart keep little else there.
    """
    cdef Py_ssize_t stride = source.phases * source.plane, p, c = 0, n
    cdef Py_ssize_t most = channels if by_pixel(&source.grid, channels) else CHANNELS
    while c < channels:
        n = min(most, channels - c)
        for p in range(source.phases):
            load_phase(
                planes + c * stride + p * source.plane, stride, source, channel + c, n,
                source.phase + 4 * p, u, count, codec, stage,
            )
        c += n
