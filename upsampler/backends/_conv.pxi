# Transposed convolution: the output, the gradient of the input, the gradient of the weight.
#
# Along one axis output o gets x[i] * w[t] where o + padding == i * stride + t * dilation.  With
# o + padding = stride * u + phase and t * dilation = stride * shift[t] + phase[t], tap t belongs
# to the outputs of its own phase and reads i = u - shift[t]:
#
#     out[u, phase]  =  sum over t of that phase and c  of  w[t][c] * x[c][u - shift[t]]
#     grad_x[i]      =  sum over all t and c            of  w[t][c] * g[c][phase[t]][i + shift[t]]
#     grad_w[t]      =  sum over i                      of  x[i] * g[phase[t]][i + shift[t]]
#
# So nothing is ever stuffed with zeros.  A tile of positions u (in all three axes) is loaded with
# its halo into dense planes, one for each channel and phase of the source.  A shift along any
# axis then is a constant offset into the flat plane, and one run of positions passes over the
# ends of rows; what it computes in the halo is not stored.  The sums are those of _gemm.h.  The
# tables (which taps make a phase, at which offsets) come from conv_tables.py.

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
    void dots_float(float*, const float*, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t)
    void dots_double(double*, const double*, Py_ssize_t, const double*, Py_ssize_t, Py_ssize_t)
    float total_float(const float*)
    double total_double(const double*)

cdef struct Grid:
    # An array of (N, C, D, H, W): strides in bytes.  Position u of a phase is the place
    # u * stride + phase - origin of an axis.
    char* data
    Py_ssize_t batch, channel, size
    Py_ssize_t[3] step
    Py_ssize_t[3] length
    const Py_ssize_t* stride
    const Py_ssize_t* origin

cdef struct Source:
    # What is loaded: planes of some phases of a grid.
    Grid grid
    const Py_ssize_t* phase  # (phases, 3)
    Py_ssize_t phases
    const Py_ssize_t* back  # positions that the halo reaches back, along each axis
    const Py_ssize_t* ahead  # and ahead
    bint edge  # places outside repeat the border sample (strides of 1 only); else they are zero

cdef struct ConvJob:
    Source source
    Source other  # the second factor, for the gradient of the weight
    Grid target
    Codec codec
    const Py_ssize_t* first  # by axis: the first position, how many, how many of a tile, tiles
    const Py_ssize_t* count
    const Py_ssize_t* tile
    const Py_ssize_t* tiles
    const Py_ssize_t* extent  # of a plane, along each axis
    Py_ssize_t plane  # elements of a plane, with slack
    Py_ssize_t run  # positions of a run
    Py_ssize_t batch, groups, inner, rows  # channels of a group: summed over, computed
    Py_ssize_t part, parts  # rows are cut into parts, so that all threads find work
    Py_ssize_t taps
    const Py_ssize_t* phase_start  # by phase of the target: its first tap, in the packed order
    const Py_ssize_t* offset  # by tap, in that order: where in the planes it reads
    const void* packed
    const void* bias  # by channel, in arithmetic; or NULL
    # For the gradient of the weight `inner` is a part of the other side's channels.
    Py_ssize_t outer_channels, outer_parts
    char* weight_grad


cdef inline void run_block(
    Py_ssize_t rows, real* o, Py_ssize_t o_stride, const real* x, Py_ssize_t plane,
    const Py_ssize_t* offset, Py_ssize_t taps, Py_ssize_t channels, const real* w, Py_ssize_t n,
) noexcept nogil:
    if real is float:
        run_float(rows, o, o_stride, x, plane, offset, taps, channels, w, n)
    else:
        run_double(rows, o, o_stride, x, plane, offset, taps, channels, w, n)


cdef inline void add_dots(
    real* sums, const real* a, Py_ssize_t a_stride, const real* b, Py_ssize_t b_stride,
    Py_ssize_t n,
) noexcept nogil:
    if real is float:
        dots_float(sums, a, a_stride, b, b_stride, n)
    else:
        dots_double(sums, a, a_stride, b, b_stride, n)


# --- tiles -----------------------------------------------------------------------------------


cdef inline void tile_of(
    const ConvJob* job, Py_ssize_t index, Py_ssize_t* u, Py_ssize_t* count
) noexcept nogil:
    """First position and number of positions of a tile."""
    cdef Py_ssize_t k
    cdef int a
    for a in range(2, -1, -1):
        k = index % job.tiles[a]
        index = index // job.tiles[a]
        u[a] = job.first[a] + k * job.tile[a]
        count[a] = min(job.tile[a], job.count[a] - k * job.tile[a])


cdef void load_plane(
    real* plane, const ConvJob* job, const Source* source, Py_ssize_t n, Py_ssize_t channel,
    const Py_ssize_t* phase, const Py_ssize_t* u, const Py_ssize_t* count, char* items,
) noexcept nogil:
    """A tile with its halo, of one channel and phase; zeros or the border where no sample is."""
    cdef const Grid* grid = &source.grid
    cdef Py_ssize_t[3] at
    cdef Py_ssize_t[3] n_places
    cdef Py_ssize_t d, h, x, y, z, first, stop, step
    cdef real* to
    cdef const char* base = grid.data + n * grid.batch + channel * grid.channel
    cdef const char* row
    cdef int a
    memset(plane, 0, job.plane * sizeof(real))
    for a in range(3):
        at[a] = (u[a] - source.back[a]) * grid.stride[a] + phase[a] - grid.origin[a]
        n_places[a] = count[a] + source.back[a] + source.ahead[a]
    # The first and the last place of a row that lie inside.
    step = grid.stride[2]
    first = (-at[2] + step - 1) // step if at[2] < 0 else 0
    stop = (grid.length[2] - at[2] - 1) // step + 1 if at[2] < grid.length[2] else 0
    stop = min(stop, n_places[2])
    if source.edge:
        # At least one sample, from which the places on either side are filled.
        first = min(first, n_places[2] - 1)
        stop = max(stop, first + 1)
    elif first >= stop:
        return
    for d in range(n_places[0]):
        z = at[0] + d * grid.stride[0]
        if source.edge:
            z = max(<Py_ssize_t> 0, min(z, grid.length[0] - 1))
        elif z < 0 or z >= grid.length[0]:
            continue
        for h in range(n_places[1]):
            y = at[1] + h * grid.stride[1]
            if source.edge:
                y = max(<Py_ssize_t> 0, min(y, grid.length[1] - 1))
            elif y < 0 or y >= grid.length[1]:
                continue
            x = at[2] + first * step
            if source.edge:
                x = max(<Py_ssize_t> 0, min(x, grid.length[2] - 1))
            row = base + z * grid.step[0] + y * grid.step[1] + x * grid.step[2]
            if grid.step[2] * step != grid.size:
                gather_items(items, row, stop - first, step * grid.step[2], grid.size)
                row = items
            to = plane + (d * job.extent[1] + h) * job.extent[2]
            job.codec.load(to + first, row, stop - first, NULL, NULL)
            if source.edge:
                for x in range(first):
                    to[x] = to[first]
                for x in range(stop, n_places[2]):
                    to[x] = to[stop - 1]


cdef void interleave(
    real* to, const real* o, Py_ssize_t o_stride, Py_ssize_t phases, Py_ssize_t n, real bias
) noexcept nogil:
    """``to[k * phases + p] = o[p * o_stride + k] + bias``"""
    cdef Py_ssize_t k, p
    cdef const real* a = o
    cdef const real* b = o + o_stride
    cdef const real* c = b + o_stride
    cdef const real* d = c + o_stride
    if phases == 1:
        for k in range(n):
            to[k] = a[k] + bias
    elif phases == 2:
        for k in range(n):
            to[2 * k] = a[k] + bias
            to[2 * k + 1] = b[k] + bias
    elif phases == 4:
        for k in range(n):
            to[4 * k] = a[k] + bias
            to[4 * k + 1] = b[k] + bias
            to[4 * k + 2] = c[k] + bias
            to[4 * k + 3] = d[k] + bias
    else:
        for p in range(phases):
            a = o + p * o_stride
            for k in range(n):
                to[k * phases + p] = a[k] + bias


cdef void store_rows(
    const real* o, Py_ssize_t o_row, const ConvJob* job, Py_ssize_t n, Py_ssize_t channel,
    Py_ssize_t phase_d, Py_ssize_t phase_h, const Py_ssize_t* u, const Py_ssize_t* count,
    real* buffer, char* items,
) noexcept nogil:
    """The rows of one output channel: phases along W interleaved, bias added, rounded."""
    cdef const Grid* grid = &job.target
    cdef Py_ssize_t phases = grid.stride[2]
    cdef Py_ssize_t d, h, z, y, first, stop, at
    cdef real bias = 0
    cdef char* row
    if job.bias != NULL:
        bias = (<const real*> job.bias)[channel]
    at = u[2] * phases - grid.origin[2]  # the place of the buffer's first element
    first = max(<Py_ssize_t> 0, -at)
    stop = min(count[2] * phases, grid.length[2] - at)
    if first >= stop:
        return
    for d in range(count[0]):
        z = (u[0] + d) * grid.stride[0] + phase_d - grid.origin[0]
        if z < 0 or z >= grid.length[0]:
            continue
        for h in range(count[1]):
            y = (u[1] + h) * grid.stride[1] + phase_h - grid.origin[1]
            if y < 0 or y >= grid.length[1]:
                continue
            interleave(
                buffer, o + (d * job.extent[1] + h) * job.extent[2], o_row * MOST_ROWS, phases,
                count[2], bias,
            )
            row = grid.data + n * grid.batch + channel * grid.channel
            row += z * grid.step[0] + y * grid.step[1] + (at + first) * grid.step[2]
            if grid.step[2] == grid.size:
                job.codec.store(row, buffer + first, stop - first, NULL, NULL)
            else:
                job.codec.store(items, buffer + first, stop - first, NULL, NULL)
                scatter_items(row, items, stop - first, grid.step[2], grid.size)


# --- units -----------------------------------------------------------------------------------

cdef struct ConvPlaces:
    # A unit's share of the scratch memory.
    char* planes
    char* others
    char* o
    char* buffer
    char* items
    Py_ssize_t o_row


cdef size_t conv_places(
    ConvPlaces* at, char* scratch, const ConvJob* job, bint wide, bint weights
) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed (with NULL, only those)."""
    cdef size_t number = sizeof(double) if wide else sizeof(float)
    cdef Py_ssize_t row = job.extent[2] + job.tile[2] * job.target.stride[2] + RUN_SLACK
    cdef size_t offset = 0
    at.o_row = (job.run + RUN_SLACK + 15) // 16 * 16
    at.planes = scratch
    # One plane more than there are: runs read beyond the end of the last.
    offset += ((job.inner + 3) // 4 * 4 * job.source.phases + 1) * job.plane * number
    at.buffer = scratch + offset
    offset += (row * number + 63) // 64 * 64
    at.items = scratch + offset
    offset += (row * 8 + 63) // 64 * 64
    at.o = scratch + offset
    if weights:
        # Sums of four by four channels for every tap, lane by lane: 64 bytes each.
        offset += (job.part + 3) // 4 * ((job.inner + 3) // 4) * job.taps * 16 * 64
    else:
        offset += job.target.stride[2] * MOST_ROWS * at.o_row * number
    at.others = scratch + (offset + 63) // 64 * 64
    if weights:
        offset += 64 + ((job.part + 3) // 4 * 4 + 1) * job.plane * number
    return offset


cdef void conv_tile(
    const ConvJob* job, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """All outputs of a tile for one part of the channels of one group and item of the batch."""
    cdef ConvPlaces at
    cdef Py_ssize_t[3] u
    cdef Py_ssize_t[3] count
    cdef Py_ssize_t index = unit, part, n, g, c, p, m, row, rows, phase, start
    cdef Py_ssize_t phase_d, phase_h, phase_w
    cdef real* planes
    cdef real* o
    cdef const real* packed
    conv_places(&at, scratch, job, real is double, False)
    planes = <real*> at.planes
    o = <real*> at.o
    part = index % job.parts
    index = index // job.parts
    tile_of(job, index % (job.tiles[0] * job.tiles[1] * job.tiles[2]), u, count)
    index = index // (job.tiles[0] * job.tiles[1] * job.tiles[2])
    g = index % job.groups
    n = index // job.groups
    for c in range(job.inner):
        for p in range(job.source.phases):
            load_plane(
                planes + (c * job.source.phases + p) * job.plane, job, &job.source, n,
                g * job.inner + c, job.source.phase + 3 * p, u, count, at.items,
            )
    for phase_d in range(job.target.stride[0]):
        for phase_h in range(job.target.stride[1]):
            m = part * job.part
            while m < min(job.rows, (part + 1) * job.part):
                rows = rows_of_block(min(job.rows, (part + 1) * job.part) - m)
                packed = <const real*> job.packed + (g * job.rows + m) * job.inner * job.taps
                for phase_w in range(job.target.stride[2]):
                    phase = phase_d * job.target.stride[1] + phase_h
                    phase = phase * job.target.stride[2] + phase_w
                    start = job.phase_start[phase]
                    run_block(
                        rows, o + phase_w * MOST_ROWS * at.o_row, at.o_row, planes,
                        job.plane * job.source.phases, job.offset + start,
                        job.phase_start[phase + 1] - start, job.inner,
                        packed + start * job.inner * rows, job.run,
                    )
                for row in range(rows):
                    store_rows(
                        o + row * at.o_row, at.o_row, job, n, g * job.rows + m + row, phase_d,
                        phase_h, u, count, <real*> at.buffer, at.items,
                    )
                m += rows


cdef void weight_part(
    const ConvJob* job, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """The gradient of the weight between a part of the input and of the output channels.

    A unit passes over the whole batch, tile by tile, in one order.
    """
    cdef ConvPlaces at
    cdef Py_ssize_t[3] u
    cdef Py_ssize_t[3] count
    cdef Py_ssize_t outer_part = unit % job.outer_parts
    cdef Py_ssize_t g = unit // job.outer_parts // job.parts
    cdef Py_ssize_t first = unit // job.outer_parts % job.parts * job.part
    cdef Py_ssize_t rows = min(job.part, job.rows - first)
    cdef Py_ssize_t outer_first = outer_part * job.inner
    cdef Py_ssize_t outers = min(job.inner, job.outer_channels - outer_first)
    cdef Py_ssize_t quads = (outers + 3) // 4
    cdef Py_ssize_t tiles = job.tiles[0] * job.tiles[1] * job.tiles[2]
    cdef Py_ssize_t stride = job.source.phases * job.plane
    cdef Py_ssize_t lanes = LANES_float if real is float else LANES_double
    cdef Py_ssize_t n, tile, c, p, t, i, j, place
    cdef Py_ssize_t run = (job.run + lanes - 1) // lanes * lanes
    cdef real* planes
    cdef real* others
    cdef real* sums
    cdef real value
    conv_places(&at, scratch, job, real is double, True)
    planes = <real*> at.planes
    others = <real*> at.others
    sums = <real*> at.o
    memset(sums, 0, (rows + 3) // 4 * quads * job.taps * 16 * lanes * sizeof(real))
    # Channels are taken by four.  What the last of them give beyond their number is not used.
    memset(others, 0, ((rows + 3) // 4 * 4) * job.plane * sizeof(real))
    memset(planes, 0, 4 * quads * stride * sizeof(real))
    for n in range(job.batch):
        for tile in range(tiles):
            tile_of(job, tile, u, count)
            for c in range(outers):
                for p in range(job.source.phases):
                    load_plane(
                        planes + c * stride + p * job.plane, job, &job.source, n,
                        g * job.outer_channels + outer_first + c, job.source.phase + 3 * p, u,
                        count, at.items,
                    )
            for c in range(rows):
                load_plane(
                    others + c * job.plane, job, &job.other, n, g * job.rows + first + c,
                    job.other.phase, u, count, at.items,
                )
            for i in range((rows + 3) // 4):
                for j in range(quads):
                    for t in range(job.taps):
                        add_dots(
                            sums + ((i * quads + j) * job.taps + t) * 16 * lanes,
                            others + 4 * i * job.plane, job.plane,
                            planes + 4 * j * stride + job.offset[t], stride, run,
                        )
    for i in range(rows):
        for j in range(outers):
            for t in range(job.taps):
                place = ((i // 4 * quads + j // 4) * job.taps + t) * 16 + i % 4 * 4 + j % 4
                if real is float:
                    value = total_float(sums + place * lanes)
                else:
                    value = total_double(sums + place * lanes)
                place = (g * job.rows + first + i) * job.outer_channels + outer_first + j
                job.codec.store(
                    job.weight_grad + (place * job.taps + t) * job.target.size, &value, 1,
                    NULL, NULL,
                )


cdef void conv_tile_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    conv_tile(<const ConvJob*> job, unit, scratch, <float*> NULL)


cdef void conv_tile_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    conv_tile(<const ConvJob*> job, unit, scratch, <double*> NULL)


cdef void weight_part_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    weight_part(<const ConvJob*> job, unit, scratch, <float*> NULL)


cdef void weight_part_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    weight_part(<const ConvJob*> job, unit, scratch, <double*> NULL)


# --- packing ---------------------------------------------------------------------------------

cdef struct PackJob:
    const void* weight  # in arithmetic, (groups, C_in, C_out, taps)
    void* packed
    const Py_ssize_t* order
    Py_ssize_t rows, inner, taps, by_row, by_inner, group, part, parts


cdef void pack_part(const void* data, Py_ssize_t unit, real* number) noexcept nogil:
    """Weights as the sums read them: by block of rows, tap, channel summed over, row."""
    cdef const PackJob* job = <const PackJob*> data
    cdef Py_ssize_t g = unit // job.parts, m = unit % job.parts * job.part
    cdef Py_ssize_t stop = min(job.rows, m + job.part)
    cdef Py_ssize_t rows, c, k, row
    cdef const real* w
    cdef real* to
    while m < stop:
        rows = rows_of_block(stop - m)
        to = <real*> job.packed + g * job.group + m * job.inner * job.taps
        for c in range(job.inner):
            w = <const real*> job.weight + g * job.group + m * job.by_row + c * job.by_inner
            for k in range(job.taps):
                for row in range(rows):
                    to[(k * job.inner + c) * rows + row] = w[row * job.by_row + job.order[k]]
        m += rows


cdef void pack_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    pack_part(job, unit, <float*> NULL)


cdef void pack_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    pack_part(job, unit, <double*> NULL)


# --- doors to Python -------------------------------------------------------------------------

# Elements behind a plane that runs may read.
CONV_SLACK = RUN_SLACK


cdef const Py_ssize_t* indices(array):
    return <const Py_ssize_t*> address(array)


cdef void fill_grid(Grid* grid, x, stride, origin):
    """Data and strides of a five-dimensional view (N, C, D, H, W)."""
    cdef cnp.npy_intp* strides = cnp.PyArray_STRIDES(<cnp.ndarray> x)
    cdef cnp.npy_intp* shape = cnp.PyArray_DIMS(<cnp.ndarray> x)
    cdef int a
    grid.data = <char*> cnp.PyArray_DATA(<cnp.ndarray> x)
    grid.size = cnp.PyArray_ITEMSIZE(<cnp.ndarray> x)
    grid.batch = strides[0]
    grid.channel = strides[1]
    for a in range(3):
        grid.step[a] = strides[2 + a]
        grid.length[a] = shape[2 + a]
    grid.stride = indices(stride)
    grid.origin = indices(origin)


cdef void fill_conv(ConvJob* job, tables, source, target, int code, bint wide, groups):
    memset(job, 0, sizeof(ConvJob))
    if wide:
        choose_codec(&job.codec, code, <double*> NULL)
    else:
        choose_codec(&job.codec, code, <float*> NULL)
    fill_grid(&job.source.grid, source, tables.source_stride, tables.source_origin)
    job.source.phase = indices(tables.source_phase)
    job.source.phases = len(tables.source_phase)
    job.source.back = indices(tables.back)
    job.source.ahead = indices(tables.ahead)
    fill_grid(&job.target, target, tables.target_stride, tables.target_origin)
    job.first = indices(tables.first)
    job.count = indices(tables.count)
    job.tile = indices(tables.tile)
    job.tiles = indices(tables.tiles)
    job.extent = indices(tables.extent)
    job.plane = tables.plane
    job.run = tables.run
    job.batch = source.shape[0]
    job.groups = groups
    job.inner = source.shape[1] // groups
    job.rows = target.shape[1] // groups
    job.taps = len(tables.order)
    job.phase_start = indices(tables.phase_start)
    job.offset = indices(tables.offset)


cdef void split_rows(ConvJob* job, Py_ssize_t others, int threads, Py_ssize_t whole) noexcept:
    """Cut rows into parts, in blocks of `whole`, where there are few other units."""
    cdef Py_ssize_t blocks = (job.rows + whole - 1) // whole
    cdef Py_ssize_t wanted = (4 * threads + others - 1) // others if threads > 1 else 1
    wanted = max(<Py_ssize_t> 1, min(wanted, blocks))
    job.part = (blocks + wanted - 1) // wanted * whole
    job.parts = (job.rows + job.part - 1) // job.part


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
    units = job.batch * job.groups * job.tiles[0] * job.tiles[1] * job.tiles[2]
    # Worth a thread from about 50 us of sums on.
    threads = <int> max(1, min(
        <Py_ssize_t> threads, target.size * job.inner * job.taps // (
            tables.phase_start.size - 1
        ) >> 20,
    ))
    split_rows(&job, units, threads, MOST_ROWS)
    units *= job.parts
    packed = np.empty(weight.size, weight.dtype)
    pack.weight = address(weight)
    pack.packed = <void*> address(packed)
    pack.order = indices(tables.order)
    pack.rows = job.rows
    pack.inner = job.inner
    pack.taps = job.taps
    pack.group = job.rows * job.inner * job.taps
    pack.by_row = job.inner * job.taps if by_input else job.taps
    pack.by_inner = job.taps if by_input else job.rows * job.taps
    pack.part = job.part
    pack.parts = job.parts
    job.packed = pack.packed
    job.bias = NULL if bias is None else address(bias)
    scratch = conv_places(&unused, NULL, &job, wide, False)
    with nogil:
        failed = run_units(
            pack_double if wide else pack_float, &pack, job.groups * job.parts,
            threads if pack.group * job.groups > 1 << 15 else 1, 0,
        )
        if not failed:
            failed = run_units(
                conv_tile_double if wide else conv_tile_float, &job, units, threads, scratch
            )
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")


def weight_gradient(
    tables, grad, x, grad_weight, groups, Py_ssize_t part, int code, bint wide, int threads
):
    """The gradient of the weight, contiguous, (C_in, C_out of a group, taps).

    A unit does `part` by `part` channels.
    """
    cdef ConvJob job
    cdef ConvPlaces unused
    cdef size_t scratch
    cdef int failed
    fill_conv(&job, tables, grad, x, code, wide, groups)
    fill_grid(&job.other.grid, x, tables.target_stride, tables.target_origin)
    zeros = np.zeros(3, np.intp)
    job.other.phase = job.other.back = job.other.ahead = indices(zeros)
    job.other.phases = 1
    job.weight_grad = <char*> address(grad_weight)
    job.outer_channels = job.inner
    job.inner = min(job.inner, part)
    job.outer_parts = (job.outer_channels + job.inner - 1) // job.inner
    job.part = min(job.rows, part)
    job.parts = (job.rows + job.part - 1) // job.part
    scratch = conv_places(&unused, NULL, &job, wide, True)
    with nogil:
        failed = run_units(
            weight_part_double if wide else weight_part_float, &job,
            job.groups * job.parts * job.outer_parts, threads, scratch,
        )
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")
