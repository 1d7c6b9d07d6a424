# Transposed convolution: the output, the gradient of the input, the gradient of the weight.
#
# Along one axis output o gets x[i] * w[t] where o == i * stride + a[t], a[t] = t * dilation -
# padding.  With o = stride * j + phase, tap t belongs to the outputs of one phase[t] and reads
# i = j + e[t]:
#
#     out[j, phase]  =  sum over t of that phase and c  of  w[t][c] * x[c][j + e[t]]
#     grad_x[i]      =  sum over all t and c            of  w[t][c] * g[c][phase[t]][i - e[t]]
#     grad_w[t]      =  sum over i                      of  x[i] * g[phase[t]][i - e[t]]
#
# (The last is in _conv_weight.pxi.)
#
# So nothing is ever stuffed with zeros.  Here are the sums of few output channels; those of many
# are in _conv_pixels.pxi.  A tile of positions is loaded with its halo into dense planes
# (_planes.pxi).  A shift along any axis then is a constant offset into the flat plane, and a run of
# positions passes over the ends of rows: what it computes in the halo is not stored.  The rows of
# the sums (_gemm.h) are output channels times those phases that read at the same places, positions
# lie in the lanes.
#
# The tables (which taps make a phase, at which offsets) come from conv_tables.py.  Scratch memory
# of a thread, in numbers: planes and outputs 1 << 18 each; more only where that is too little for
# 64 positions, with their halo, of all channels read and of eight written.

from upsampler.buffers import empty as new_workspace

cdef extern from "_gemm.h" nogil:
    enum:
        MOST_ROWS
        RUN_SLACK
        LANES_float
        LANES_double
    Py_ssize_t rows_of_block(Py_ssize_t)
    void run_float(
        Py_ssize_t, float*, Py_ssize_t, const float*, Py_ssize_t, const Py_ssize_t*, Py_ssize_t,
        Py_ssize_t, const float*, Py_ssize_t,
    )
    void run_double(
        Py_ssize_t, double*, Py_ssize_t, const double*, Py_ssize_t, const Py_ssize_t*, Py_ssize_t,
        Py_ssize_t, const double*, Py_ssize_t,
    )
    void copy_lanes_float(float*, const float*, Py_ssize_t)
    void copy_lanes_double(double*, const double*, Py_ssize_t)

cdef struct Classes:
    # Phases of the target that read at the same places, by class.
    Py_ssize_t number
    const Py_ssize_t* first  # where the members of a class begin in the list of all
    const Py_ssize_t* taps  # where its taps begin among the offsets
    const Py_ssize_t* start  # where its taps begin in `order`, member by member
    const Py_ssize_t* order  # numbers of taps
    const Py_ssize_t* of_phase  # the class of a phase
    const Py_ssize_t* slot  # its place in the list of all
    Py_ssize_t phases  # how many there are

cdef struct ConvJob:
    Source source
    Grid target
    const Py_ssize_t* base  # position u of the target is the place u * stride + phase - base
    Codec codec
    const Py_ssize_t* count  # positions, of a tile, tiles: by axis
    const Py_ssize_t* tile
    const Py_ssize_t* tiles
    Py_ssize_t run  # positions of a run
    Py_ssize_t groups, inner, rows  # channels of a group: summed over, computed
    Py_ssize_t together  # groups that a unit takes
    Py_ssize_t block  # channels whose outputs are held at once
    Py_ssize_t part, parts  # rows are cut into parts, so that all threads find work
    Py_ssize_t pixel  # channels that are stored side by side with all phases, or 1
    Py_ssize_t taps
    Classes classes
    const Py_ssize_t* offset  # by tap of each class: where it reads
    const void* packed


cdef inline void copy_lanes(real* to, const real* from_, Py_ssize_t n) noexcept nogil:
    """In whole registers."""
    if real is float:
        copy_lanes_float(to, from_, n)
    else:
        copy_lanes_double(to, from_, n)


cdef inline void run_block(
    Py_ssize_t rows, real* o, Py_ssize_t o_stride, const real* x, Py_ssize_t plane,
    const Py_ssize_t* offset, Py_ssize_t taps, Py_ssize_t channels, const real* w, Py_ssize_t n,
) noexcept nogil:
    if real is float:
        run_float(rows, o, o_stride, x, plane, offset, taps, channels, w, n)
    else:
        run_double(rows, o, o_stride, x, plane, offset, taps, channels, w, n)


# --- tiles -----------------------------------------------------------------------------------


cdef inline Py_ssize_t tiles_of(const Py_ssize_t* tiles) noexcept nogil:
    return tiles[0] * tiles[1] * tiles[2] * tiles[3]


cdef inline void tile_of(
    const Py_ssize_t* positions, const Py_ssize_t* tile, const Py_ssize_t* tiles,
    Py_ssize_t index, Py_ssize_t* u, Py_ssize_t* count,
) noexcept nogil:
    """First position and number of positions of a tile."""
    cdef Py_ssize_t k
    cdef int a
    for a in range(3, -1, -1):
        k = index % tiles[a]
        index = index // tiles[a]
        u[a] = k * tile[a]
        count[a] = min(tile[a], positions[a] - u[a])


# --- storing -----------------------------------------------------------------------------------


cdef inline Py_ssize_t row_of_output(
    const Classes* classes, Py_ssize_t phase, Py_ssize_t channel, Py_ssize_t channels
) noexcept nogil:
    """Outputs are held by class, then by channel, then by member of the class."""
    cdef Py_ssize_t k = classes.of_phase[phase]
    cdef Py_ssize_t first = classes.first[k], members = classes.first[k + 1] - first
    return first * channels + channel * members + classes.slot[phase] - first


cdef void store_joined(
    char* to, const real** rows, Py_ssize_t number, Py_ssize_t n, Py_ssize_t skip,
    Py_ssize_t length, const ConvJob* job, const Stage* stage,
) noexcept nogil:
    """Elements ``to[k * number + r] = rows[r][k]``, those from `skip` up to `length` only.

    `to` is where element 0 would be; `job.target.step` is that of a pixel of `job.pixel` elements.
    """
    cdef Py_ssize_t low = (skip + number - 1) // number, high = length // number
    cdef Py_ssize_t size = job.target.size, k, stop
    cdef bint dense = job.target.step[3] == size * job.pixel
    cdef real* numbers = <real*> stage.numbers
    if job.target.direct and dense:
        numbers = <real*> to
        for k in range(skip, min(low * number, length)):
            numbers[k] = rows[k % number][k // number]
        if low < high:
            for k in range(number):
                rows[k] += low
            transpose(numbers + low * number, number, rows, number, high - low)
            for k in range(number):
                rows[k] -= low
        for k in range(max(high * number, skip), length):
            if k >= low * number:
                numbers[k] = rows[k % number][k // number]
        return
    transpose(numbers, number, rows, number, n)
    if dense:
        job.codec.store(to + skip * size, numbers + skip, length - skip, NULL, NULL)
    else:
        job.codec.store(stage.items, numbers + skip, length - skip, NULL, NULL)
        scatter_items(
            to + skip * job.target.step[3], stage.items, length - skip, job.target.step[3], size
        )


cdef void store_pixels(
    char* to, Py_ssize_t step, const real** rows, Py_ssize_t channels, Py_ssize_t n,
    const ConvJob* job, const Stage* stage,
) noexcept nogil:
    """`n` pixels of `channels`, `step` bytes apart."""
    cdef real* numbers = <real*> stage.numbers
    cdef Py_ssize_t at = 0, k, m
    if job.target.direct:
        transpose(<real*> to, step // job.target.size, rows, channels, n)
        return
    while at < n:
        m = min(<Py_ssize_t> PIXELS, n - at)
        transpose(numbers, channels, rows, channels, m)
        for k in range(m):
            job.codec.store(to + (at + k) * step, numbers + k * channels, channels, NULL, NULL)
        for k in range(channels):
            rows[k] += m
        at += m


cdef void store_row_of_target(
    char* row, const real* o, Py_ssize_t o_row, const ConvJob* job, Py_ssize_t channels,
    Py_ssize_t phase, Py_ssize_t first, Py_ssize_t count, const Stage* stage,
) noexcept nogil:
    """One row of outputs: positions from `first` on, phases from `phase` on, all channels.

    `row` is the place of the row's first output, `o` the first position of the row.
    """
    cdef const real** rows = <const real**> stage.rows
    cdef const Grid* grid = &job.target
    cdef Py_ssize_t phases = grid.stride[3], each = job.pixel
    cdef Py_ssize_t at = first * phases - job.base[3]
    cdef Py_ssize_t length = min(count * phases, grid.length[3] - at)
    cdef Py_ssize_t p, c, low, high
    if each > 1 or not by_pixel(grid, channels):
        if max(<Py_ssize_t> 0, -at) >= length:
            return
        c = 0
        while c < channels:
            for p in range(phases * each):
                rows[p] = o + o_row * row_of_output(
                    &job.classes, phase + p // each, c + p % each, channels
                )
            store_joined(
                row + c * grid.channel + at * grid.step[3], rows, phases * each, count,
                max(<Py_ssize_t> 0, -at) * each, length * each, job, stage,
            )
            c += each
        return
    for p in range(phases):
        low = 1 if at + p < 0 else 0  # the base is less than a stride
        high = min(count, (grid.length[3] - at - p + phases - 1) // phases)
        if low >= high:
            continue
        for c in range(channels):
            rows[c] = o + low + o_row * row_of_output(&job.classes, phase + p, c, channels)
        store_pixels(
            row + (at + p + low * phases) * grid.step[3], phases * grid.step[3], rows, channels,
            high - low, job, stage,
        )


cdef void store_outputs(
    const real* o, Py_ssize_t o_row, const ConvJob* job, Py_ssize_t channel, Py_ssize_t channels,
    const Py_ssize_t* u, const Py_ssize_t* count, const Stage* stage,
) noexcept nogil:
    """All outputs of some channels in a tile, rounded, phases interleaved."""
    cdef const Grid* grid = &job.target
    cdef Py_ssize_t n, d, h, z, y, phase_d, phase_h, q
    cdef char* row
    for n in range(count[0]):
        for d in range(count[1]):
            for phase_d in range(grid.stride[1]):
                z = (u[1] + d) * grid.stride[1] + phase_d - job.base[1]
                if z < 0 or z >= grid.length[1]:
                    continue
                for h in range(count[2]):
                    for phase_h in range(grid.stride[2]):
                        y = (u[2] + h) * grid.stride[2] + phase_h - job.base[2]
                        if y < 0 or y >= grid.length[2]:
                            continue
                        q = (n * job.source.extent[1] + d) * job.source.extent[2] + h
                        q *= job.source.extent[3]
                        row = grid.data + (u[0] + n) * grid.step[0] + channel * grid.channel
                        row += z * grid.step[1] + y * grid.step[2]
                        store_row_of_target(
                            row, o + q, o_row, job, channels,
                            (phase_d * grid.stride[2] + phase_h) * grid.stride[3], u[3],
                            count[3], stage,
                        )


# --- units -----------------------------------------------------------------------------------

cdef struct ConvPlaces:
    # A unit's share of the scratch memory.
    char* planes
    char* o
    Stage stage
    Py_ssize_t o_row


cdef inline Py_ssize_t up_to(Py_ssize_t n, Py_ssize_t multiple) noexcept nogil:
    return (n + multiple - 1) // multiple * multiple


cdef inline char* take(char** at, size_t size) noexcept nogil:
    cdef char* place = at[0]
    at[0] += (size + 63) // 64 * 64
    return place


cdef size_t conv_places(
    ConvPlaces* at, char* scratch, const ConvJob* job, bint wide
) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed."""
    cdef size_t number = sizeof(double) if wide else sizeof(float)
    cdef Py_ssize_t channels = job.inner * job.together, lanes = 64 // number
    cdef Py_ssize_t joined = job.target.stride[3] * job.pixel
    cdef Py_ssize_t row = max(job.source.extent[3], job.tile[3] * joined) + RUN_SLACK
    cdef char* end = scratch
    row = max(row, PIXELS * max(channels, job.block))
    at.stage.numbers = take(&end, row * number)
    at.stage.items = take(&end, row * 8)
    at.stage.rows = <void**> take(
        &end, max(max(joined, job.block), <Py_ssize_t> PIXELS) * sizeof(void*)
    )
    # Runs read beyond the end of the last plane.
    at.planes = take(&end, (channels * job.source.phases * job.source.plane + RUN_SLACK) * number)
    at.o_row = job.run + RUN_SLACK
    # An odd number of cache lines: rows spread over the cache.
    at.o_row = ((at.o_row + lanes - 1) // lanes | 1) * lanes
    at.o = take(
        &end, (job.block * job.classes.phases * at.o_row + RUN_SLACK) * number
    )
    return end - scratch


cdef Py_ssize_t sum_group(
    real* o, const ConvPlaces* at, const ConvJob* job, const real* packed, Py_ssize_t first,
    Py_ssize_t rows, Py_ssize_t channels, const real* planes,
) noexcept nogil:
    """Outputs of `rows` channels of a group, the first of them channel `first` of `channels`."""
    cdef const Classes* classes = &job.classes
    cdef Py_ssize_t k, block, left, members, taps, row
    cdef const Py_ssize_t* offset
    cdef const real* w = packed
    for k in range(classes.number):
        members = classes.first[k + 1] - classes.first[k]
        taps = classes.taps[k + 1] - classes.taps[k]
        offset = job.offset + classes.taps[k]
        row = classes.first[k] * channels + first * members
        left = rows * members
        while left > 0:
            block = rows_of_block(left)
            run_block(
                block, o + row * at.o_row, at.o_row, planes,
                job.source.plane * job.source.phases, offset, taps, job.inner, w, job.run,
            )
            w += block * (1 + taps * job.inner)
            row += block
            left -= block
    return w - packed


cdef void conv_tile(
    const ConvJob* job, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """All outputs of a tile: of a part of the channels of a group, or of several groups."""
    cdef ConvPlaces at
    cdef Py_ssize_t[4] u
    cdef Py_ssize_t[4] count
    cdef Py_ssize_t tiles = tiles_of(job.tiles)
    cdef Py_ssize_t part = unit % job.parts
    cdef Py_ssize_t group = unit // job.parts // tiles * job.together
    cdef Py_ssize_t groups = min(job.together, job.groups - group)
    cdef Py_ssize_t plane = job.source.plane * job.source.phases
    cdef Py_ssize_t g, m, rows, stop
    cdef const real* packed = <const real*> job.packed
    cdef real* planes
    conv_places(&at, scratch, job, real is double)
    planes = <real*> at.planes
    tile_of(job.count, job.tile, job.tiles, unit // job.parts % tiles, u, count)
    load_planes(
        planes, &job.source, group * job.inner, groups * job.inner, u, count, &job.codec,
        &at.stage,
    )
    memset(planes + groups * job.inner * plane, 0, RUN_SLACK * sizeof(real))
    m = part * job.part
    stop = min(job.rows, m + job.part)
    packed += (group * job.rows + m) * (job.classes.phases + job.taps * job.inner)
    while m < stop:
        rows = min(job.block, stop - m)
        for g in range(groups):
            packed += sum_group(
                <real*> at.o, &at, job, packed, g * rows, rows, groups * rows,
                planes + g * job.inner * plane,
            )
        store_outputs(
            <real*> at.o, at.o_row, job, group * job.rows + m, groups * rows, u, count, &at.stage
        )
        m += rows


cdef void conv_tile_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    conv_tile(<const ConvJob*> job, unit, scratch, <float*> NULL)


cdef void conv_tile_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    conv_tile(<const ConvJob*> job, unit, scratch, <double*> NULL)


# --- packing ---------------------------------------------------------------------------------

cdef struct PackJob:
    const ConvJob* conv
    const void* weight  # in arithmetic, (groups, C_in, C_out, taps)
    const void* bias  # by channel, in arithmetic; or NULL
    void* packed
    Py_ssize_t by_row, by_inner, blocks


cdef void pack_part(const void* data, Py_ssize_t unit, real* number) noexcept nogil:
    """A block of channels as the sums read it.

    By class, by block of rows: what the sums begin with, then by tap, channel summed over, row.
    """
    cdef const PackJob* pack = <const PackJob*> data
    cdef const ConvJob* job = pack.conv
    cdef Py_ssize_t group = unit // pack.blocks, m = unit % pack.blocks * job.block
    cdef Py_ssize_t channels = min(job.block, job.rows - m)
    cdef const real* weight = <const real*> pack.weight
    cdef const real* bias = <const real*> pack.bias
    cdef real* to = <real*> pack.packed
    cdef Py_ssize_t c = 0
    weight += group * job.rows * job.inner * job.taps + m * pack.by_row
    to += (group * job.rows + m) * (job.classes.phases + job.taps * job.inner)
    if bias != NULL:
        bias += group * job.rows + m
    # Some channels for all rows, then the next: weights are read while they are in the cache.
    while c == 0 or c < job.inner:
        pack_channels(to, weight, bias, pack, channels, c, min(job.inner, c + 16))
        c += 16


cdef void pack_channels(
    real* to, const real* weight, const real* bias, const PackJob* pack, Py_ssize_t channels,
    Py_ssize_t first, Py_ssize_t stop,
) noexcept nogil:
    """What channels from `first` to `stop` of those summed over give to all rows."""
    cdef const ConvJob* job = pack.conv
    cdef const Classes* classes = &job.classes
    cdef Py_ssize_t members, taps, k, c, t, i, left, block, row
    cdef Py_ssize_t[16] channel  # by row of a block, MOST_ROWS at most
    cdef Py_ssize_t[16] begin
    cdef Py_ssize_t[16] place
    cdef const real* from_
    cdef real* at
    for k in range(classes.number):
        members = classes.first[k + 1] - classes.first[k]
        taps = classes.taps[k + 1] - classes.taps[k]
        left = channels * members
        row = 0
        while left > 0:
            block = rows_of_block(left)
            for i in range(block):
                channel[i] = (row + i) // members * pack.by_row
                begin[i] = classes.start[k] + (row + i) % members * taps
                to[i] = 0 if bias == NULL else bias[(row + i) // members]
            for t in range(taps):
                for i in range(block):
                    place[i] = channel[i] + classes.order[begin[i] + t]
                at = to + block * (1 + t * job.inner + first)
                for c in range(first, stop):
                    from_ = weight + c * pack.by_inner
                    for i in range(block):
                        at[i] = from_[place[i]]
                    at += block
            to += block * (1 + taps * job.inner)
            row += block
            left -= block


cdef void pack_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    pack_part(job, unit, <float*> NULL)


cdef void pack_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    pack_part(job, unit, <double*> NULL)


# --- doors to Python -------------------------------------------------------------------------

# Elements behind a plane that runs may read.
CONV_SLACK = RUN_SLACK


cdef const Py_ssize_t* indices(array):
    return <const Py_ssize_t*> address(array)


cdef void fill_grid(Grid* grid, x, stride, int code, bint wide):
    """Data and strides of a five-dimensional view (N, C, D, H, W)."""
    cdef cnp.npy_intp* strides = cnp.PyArray_STRIDES(<cnp.ndarray> x)
    cdef cnp.npy_intp* shape = cnp.PyArray_DIMS(<cnp.ndarray> x)
    cdef int a
    grid.data = <char*> cnp.PyArray_DATA(<cnp.ndarray> x)
    grid.size = cnp.PyArray_ITEMSIZE(<cnp.ndarray> x)
    grid.channel = strides[1]
    for a in range(4):
        grid.step[a] = strides[a + (a > 0)]
        grid.length[a] = shape[a + (a > 0)]
    grid.stride = indices(stride)
    grid.direct = code == (F64 if wide else F32) and grid.step[3] % grid.size == 0


cdef void fill_source(Source* source, tables, x, stride, phase, int code, bint wide):
    fill_grid(&source.grid, x, stride, code, wide)
    source.phase = indices(phase)
    source.phases = len(phase)
    source.lead = indices(tables.lead)
    source.reach = indices(tables.reach)
    source.extent = indices(tables.extent)
    source.plane = tables.plane


cdef void fill_conv(ConvJob* job, tables, source, target, int code, bint wide, groups):
    memset(job, 0, sizeof(ConvJob))
    if wide:
        choose_codec(&job.codec, code, <double*> NULL)
    else:
        choose_codec(&job.codec, code, <float*> NULL)
    fill_source(
        &job.source, tables, source, tables.source_stride, tables.source_phase, code, wide
    )
    fill_grid(&job.target, target, tables.target_stride, code, wide)
    job.base = indices(tables.base)
    job.count = indices(tables.count)
    job.tile = indices(tables.tile)
    job.tiles = indices(tables.tiles)
    job.run = tables.run
    job.groups = groups
    job.inner = source.shape[1] // groups
    job.rows = target.shape[1] // groups
    job.together = job.pixel = 1
    job.taps = len(tables.order)
    job.classes.number = len(tables.class_taps) - 1
    job.classes.first = indices(tables.class_first)
    job.classes.taps = indices(tables.class_taps)
    job.classes.start = indices(tables.class_start)
    job.classes.order = indices(tables.order)
    job.classes.of_phase = indices(tables.class_of)
    job.classes.slot = indices(tables.slot)
    job.classes.phases = len(tables.slot)
    job.offset = indices(tables.offset)


cdef Py_ssize_t groups_at_once(const ConvJob* job, Py_ssize_t each) noexcept:
    """Groups of few channels that lie side by side: some to a line of the cache.

    As many as make 32 channels, as long as their planes and outputs (`each` of a group) stay small.
    """
    cdef Py_ssize_t planes = job.source.plane * job.source.phases
    cdef Py_ssize_t most = min(job.groups, 32 // max(job.inner, job.rows))
    planes *= max(<Py_ssize_t> 1, job.inner)
    return max(<Py_ssize_t> 1, min(most, (1 << 18) // max(planes, each)))


cdef void group_channels(ConvJob* job, Py_ssize_t block) noexcept:
    """How many channels, of how many groups, are computed before they are stored."""
    job.block = min(block, job.rows)
    if job.target.channel == job.target.size and job.groups > 1 and job.rows < 16:
        job.together = groups_at_once(job, job.rows * job.classes.phases * job.run)
        job.block = job.together * job.rows


cdef void join_phases(ConvJob* job) noexcept:
    """Where pixels are few channels, all phases along W are stored together."""
    if (
        1 < job.block < 16 and job.block == job.groups * job.rows
        and job.target.channel == job.target.size
        and job.target.step[3] == job.block * job.target.size
    ):
        job.pixel = job.block


cdef void split_rows(ConvJob* job, Py_ssize_t others, int threads) noexcept:
    """Cut rows into parts, in whole blocks, where there are few other units."""
    cdef Py_ssize_t wanted = (4 * threads + others - 1) // others if threads > 1 else 1
    cdef Py_ssize_t blocks
    if job.together > 1:
        job.part = job.rows
    else:
        if wanted > 1:
            job.block = min(job.block, max(
                <Py_ssize_t> min(job.rows, MOST_ROWS), (job.rows + wanted - 1) // wanted
            ))
        blocks = (job.rows + job.block - 1) // job.block
        wanted = max(<Py_ssize_t> 1, min(wanted, blocks))
        job.part = (blocks + wanted - 1) // wanted * job.block
    job.parts = (job.rows + job.part - 1) // job.part


cdef int threads_of(Py_ssize_t outputs, Py_ssize_t terms, int threads) noexcept:
    """Worth a thread from about 50 us of sums on, each of so many terms."""
    return <int> max(<Py_ssize_t> 1, min(<Py_ssize_t> threads, outputs * terms >> 20))


def convolve(
    tables, source, target, weight, bias, groups, bint by_input, bint edge, int code, bint wide,
    int threads,
):
    """Sums over taps and channels: the output, or (`by_input`) the gradient of the input.

    `source` and `target` are views (N, C, D, H, W); `weight` is contiguous, (C_in, C_out of a
    group, taps), `bias` None or contiguous, both in arithmetic.
    """
    cdef ConvJob job
    cdef PackJob pack
    cdef ConvPlaces unused
    cdef Py_ssize_t units
    cdef size_t scratch
    cdef int failed
    fill_conv(&job, tables, source, target, code, wide, groups)
    job.source.edge = edge
    threads = threads_of(target.size, job.inner * job.taps // job.classes.phases, threads)
    group_channels(&job, tables.block)
    units = (job.groups + job.together - 1) // job.together * tiles_of(job.tiles)
    split_rows(&job, units, threads)
    join_phases(&job)
    units *= job.parts
    packed = new_workspace(
        (weight.size + job.groups * job.rows * job.classes.phases,), weight.dtype
    )
    pack.conv = &job
    pack.weight = address(weight)
    pack.bias = NULL if bias is None else address(bias)
    pack.packed = <void*> address(packed)
    pack.by_row = job.inner * job.taps if by_input else job.taps
    pack.by_inner = job.taps if by_input else job.rows * job.taps
    job.packed = pack.packed
    pack.blocks = (job.rows + job.block - 1) // job.block
    scratch = conv_places(&unused, NULL, &job, wide)
    with nogil:
        failed = run_units(
            pack_double if wide else pack_float, &pack, job.groups * pack.blocks,
            threads if job.taps * job.inner * job.rows * job.groups > 1 << 15 else 1, 0,
        )
        if not failed:
            failed = run_units(
                conv_tile_double if wide else conv_tile_float, &job, units, threads, scratch
            )
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")
