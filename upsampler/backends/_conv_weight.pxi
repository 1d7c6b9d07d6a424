# The gradient of the weight of a transposed convolution, see _conv.pxi:
#
#     grad_w[t]  =  sum over i  of  x[i] * g[phase[t]][i - e[t]]
#
# A pair is a channel of g and a tap: a row of a plane of g, from some offset on.  Where x has many
# channels, they lie in the lanes and pairs are broadcast; where it has few, positions do.
#
# For a resize-convolution the taps of a pair are the products that its phases share, and the rows
# those of derived planes (_products.pxi), as many for a channel as there are products.
#
# Scratch memory of a thread: planes of g, at most 1 << 18 numbers or those of the channels of a
# unit over 64 positions, planes of x and their transpose, and sums, at most 1 << 18 numbers.

cdef extern from "_gemm.h" nogil:
    enum:
        DOTS_DOWN
    void outer_float(
        Py_ssize_t, float*, Py_ssize_t, const float* const*, const float*, const Py_ssize_t*,
        const Py_ssize_t*, Py_ssize_t, Py_ssize_t,
    )
    void outer_double(
        Py_ssize_t, double*, Py_ssize_t, const double* const*, const double*, const Py_ssize_t*,
        const Py_ssize_t*, Py_ssize_t, Py_ssize_t,
    )
    void dots_float_4_4(float*, const float*, Py_ssize_t, const float* const*, Py_ssize_t)
    void dots_float_1_4(float*, const float*, Py_ssize_t, const float* const*, Py_ssize_t)
    void dots_double_4_4(double*, const double*, Py_ssize_t, const double* const*, Py_ssize_t)
    void dots_double_1_4(double*, const double*, Py_ssize_t, const double* const*, Py_ssize_t)
    float total_float(const float*)
    double total_double(const double*)

cdef struct WeightJob:
    ConvJob conv  # its source is g; `rows` are the channels of x, `inner` those of g, of a group
    Source x
    bint lanes  # channels of x lie in the lanes
    Py_ssize_t part, parts  # channels of x of a unit
    Py_ssize_t pairs, pair_part, pair_parts  # and pairs
    Py_ssize_t outers  # channels of g that a unit's pairs touch, at most
    Py_ssize_t loaded  # and those whose planes are loaded at once
    Py_ssize_t together  # groups of a unit; more than one only without parts
    Py_ssize_t derived  # elements of a derived plane, 0 without
    char* target
    Py_ssize_t size
    bint direct

cdef struct WeightPlaces:
    char* planes
    char* middle
    char* derived
    char* others
    char* turned
    char* sums
    Py_ssize_t* g_at  # where the rows of a tile begin
    Py_ssize_t* x_at
    Stage stage

cdef struct WeightUnit:
    Py_ssize_t group, groups, first, rows, pair, pairs


cdef inline Py_ssize_t up_to(Py_ssize_t n, Py_ssize_t multiple) noexcept nogil:
    return (n + multiple - 1) // multiple * multiple


cdef size_t weight_places(
    WeightPlaces* at, char* scratch, const WeightJob* job, bint wide
) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed."""
    cdef size_t number = sizeof(double) if wide else sizeof(float)
    cdef Py_ssize_t panel = PANEL_double if wide else PANEL_float
    cdef const ConvJob* conv = &job.conv
    cdef Py_ssize_t channels = job.together * job.part
    cdef Py_ssize_t tile_rows = conv.tile[0] * conv.tile[1] * conv.tile[2]
    cdef char* end = scratch
    cdef Py_ssize_t most = max(channels, job.together * job.loaded)
    at.stage.numbers = take(&end, max(conv.source.extent[3], PIXELS * most) * number)
    at.stage.items = take(&end, (conv.source.extent[3] + RUN_SLACK) * 8)
    at.stage.rows = <void**> take(&end, max(<Py_ssize_t> PIXELS, panel) * sizeof(void*))
    at.planes = take(
        &end,
        (job.together * job.loaded * conv.source.phases * conv.source.plane + RUN_SLACK) * number,
    )
    if job.derived:
        at.middle = take(&end, conv.sharing.across.lines * conv.source.plane * number)
        at.derived = take(&end, job.loaded * conv.taps * job.derived * number)
    if job.lanes:
        channels = up_to(job.part, panel)
        at.others = take(&end, channels * job.x.plane * number)
        at.turned = take(&end, channels * tile_rows * conv.tile[3] * number)
        at.sums = take(&end, job.pair_part * channels * number)
        at.g_at = <Py_ssize_t*> take(&end, tile_rows * sizeof(Py_ssize_t))
        at.x_at = <Py_ssize_t*> take(&end, tile_rows * sizeof(Py_ssize_t))
    else:
        at.others = take(&end, (up_to(channels, 4) + 4) * job.x.plane * number)
        # A register for each, of 64 bytes at most.
        at.sums = take(
            &end, job.together * up_to(job.part, 4) * up_to(job.pair_part, DOTS_DOWN) * 64
        )
    return end - scratch


cdef void unit_of(const WeightJob* job, Py_ssize_t index, WeightUnit* unit) noexcept nogil:
    cdef const ConvJob* conv = &job.conv
    unit.pair = index % job.pair_parts * job.pair_part
    index = index // job.pair_parts
    unit.first = index % job.parts * job.part
    unit.group = index // job.parts * job.together
    unit.groups = min(job.together, conv.groups - unit.group)
    unit.rows = min(job.part, conv.rows - unit.first)
    unit.pairs = min(job.pair_part, job.pairs - unit.pair)


cdef inline Py_ssize_t pair_at(
    const WeightJob* job, Py_ssize_t first, Py_ssize_t pair
) noexcept nogil:
    """Where a pair begins in the planes it reads, of which `first` is the first channel."""
    cdef Py_ssize_t channel = pair // job.conv.taps - first, tap = pair % job.conv.taps
    if job.derived:
        return (channel * job.conv.taps + tap) * job.derived
    return channel * job.conv.source.phases * job.conv.source.plane + job.conv.offset[tap]


cdef void turn_others(
    const WeightJob* job, const WeightUnit* unit, const WeightPlaces* at, real* number
) noexcept nogil:
    """Channels of x in the lanes, some to a panel: by panel, by position."""
    cdef const Py_ssize_t* tile = job.conv.tile
    cdef Py_ssize_t panel = panel_of(number), width = up_to(unit.rows, panel)
    cdef Py_ssize_t positions = tile[0] * tile[1] * tile[2] * tile[3], i, c = 0
    cdef const real** row = <const real**> at.stage.rows
    while c < width:
        for i in range(panel):
            row[i] = <const real*> at.others + (c + i) * job.x.plane
        transpose(<real*> at.turned + c * positions, panel, row, panel, positions)
        c += panel


cdef Py_ssize_t rows_of_tile(
    const WeightJob* job, const WeightPlaces* at, const Py_ssize_t* count, real* number
) noexcept nogil:
    """How many rows a tile has; where each begins goes to `at`."""
    cdef const Py_ssize_t* tile = job.conv.tile
    cdef const Py_ssize_t* extent = tile if job.derived else job.conv.source.extent
    cdef Py_ssize_t panel = panel_of(number), n, d, h, rows = 0
    for n in range(count[0]):
        for d in range(count[1]):
            for h in range(count[2]):
                at.g_at[rows] = ((n * extent[1] + d) * extent[2] + h) * extent[3]
                at.x_at[rows] = ((n * tile[1] + d) * tile[2] + h) * tile[3] * panel
                rows += 1
    return rows


cdef void add_outer(
    const WeightJob* job, const WeightUnit* unit, const WeightPlaces* at, Py_ssize_t first,
    Py_ssize_t pair, Py_ssize_t stop, Py_ssize_t rows, Py_ssize_t n, real* number,
) noexcept nogil:
    """The products of `rows` of `n` positions, from `pair` to `stop`; `first` is the channel that
    the planes begin with.
    """
    cdef const real* planes = <const real*> (at.derived if job.derived else at.planes)
    cdef const Py_ssize_t* tile = job.conv.tile
    cdef Py_ssize_t panel = panel_of(number), width = up_to(unit.rows, panel)
    cdef Py_ssize_t positions = tile[0] * tile[1] * tile[2] * tile[3], p, i, c = 0, block
    cdef const real** row = <const real**> at.stage.rows
    cdef const real* b
    cdef real* sums
    while c < width:
        b = <const real*> at.turned + c * positions
        p = pair
        while p < stop:
            block = rows_of_block(stop - p)
            for i in range(block):
                row[i] = planes + pair_at(job, first, p + i)
            sums = <real*> at.sums + (p - unit.pair) * width + c
            if real is float:
                outer_float(block, sums, width, row, b, at.g_at, at.x_at, rows, n)
            else:
                outer_double(block, sums, width, row, b, at.g_at, at.x_at, rows, n)
            p += block
        c += panel


cdef void add_by_channels(
    const WeightJob* job, const WeightUnit* unit, const WeightPlaces* at, const Py_ssize_t* u,
    const Py_ssize_t* count, real* number,
) noexcept nogil:
    """The products of a tile, channels of x in the lanes.

    A few channels of g at a time, so that their planes are read from the nearest cache.
    """
    cdef const ConvJob* conv = &job.conv
    cdef real* planes = <real*> at.planes
    cdef Py_ssize_t pair = unit.pair, last = unit.pair + unit.pairs, first, stop, rows
    turn_others(job, unit, at, number)
    rows = rows_of_tile(job, at, count, number)
    while pair < last:
        first = pair // conv.taps
        stop = min(last, (first + job.loaded) * conv.taps)
        load_planes(
            planes, &conv.source, unit.group * conv.inner + first,
            (stop - 1) // conv.taps + 1 - first, u, count, &conv.codec, &at.stage,
        )
        if job.derived:
            derive_planes(
                <real*> at.derived, job.derived, planes, (stop - 1) // conv.taps + 1 - first,
                <real*> at.middle, conv, u, count,
            )
        add_outer(job, unit, at, first, pair, stop, rows, count[3], number)
        pair = stop


cdef void add_dots(
    const WeightJob* job, const WeightUnit* unit, real* sums, const real* planes,
    const real* others,
) noexcept nogil:
    """The products of a tile and a group, positions in the lanes."""
    cdef const ConvJob* conv = &job.conv
    cdef Py_ssize_t lanes = LANES_float if real is float else LANES_double
    cdef Py_ssize_t run = up_to(conv.run, lanes)
    cdef Py_ssize_t outer_first = unit.pair // conv.taps
    cdef Py_ssize_t pairs = up_to(unit.pairs, DOTS_DOWN)
    cdef Py_ssize_t i, j, pair, x = 0, across
    cdef const real* b[8]
    while x < unit.rows:
        across = 4 if unit.rows - x > 1 else 1
        pair = 0
        while pair < pairs:
            for j in range(DOTS_DOWN):
                i = min(pair + j, unit.pairs - 1)
                b[j] = planes + pair_at(job, outer_first, unit.pair + i)
            if real is float:
                if across == 4:
                    dots_float_4_4(sums, others + x * job.x.plane, job.x.plane, b, run)
                else:
                    dots_float_1_4(sums, others + x * job.x.plane, job.x.plane, b, run)
            else:
                if across == 4:
                    dots_double_4_4(sums, others + x * job.x.plane, job.x.plane, b, run)
                else:
                    dots_double_1_4(sums, others + x * job.x.plane, job.x.plane, b, run)
            sums += across * DOTS_DOWN * lanes
            pair += DOTS_DOWN
        x += across


cdef void store_outer(
    const WeightJob* job, const WeightUnit* unit, const WeightPlaces* at, real* number
) noexcept nogil:
    """Sums, by pair and channel of x, to (channel of x, pair)."""
    cdef Py_ssize_t width = up_to(unit.rows, panel_of(number))
    cdef const real** row = <const real**> at.stage.rows
    cdef real* numbers = <real*> at.stage.numbers
    cdef Py_ssize_t pair = 0, k, m
    cdef char* to
    while pair < unit.pairs:
        m = min(<Py_ssize_t> PIXELS, unit.pairs - pair)
        for k in range(m):
            row[k] = <const real*> at.sums + (pair + k) * width
        to = job.target + place_of_pair(job, unit.group, unit.first, unit.pair + pair) * job.size
        if job.direct:
            transpose(<real*> to, job.pairs, row, m, unit.rows)
        else:
            transpose(numbers, m, row, m, unit.rows)
            for k in range(unit.rows):
                job.conv.codec.store(
                    to + k * job.pairs * job.size, numbers + k * m, m, NULL, NULL
                )
        pair += m


cdef inline Py_ssize_t place_of_pair(
    const WeightJob* job, Py_ssize_t group, Py_ssize_t channel, Py_ssize_t pair
) noexcept nogil:
    return (group * job.conv.rows + channel) * job.pairs + pair


cdef void store_dots(
    const WeightJob* job, const WeightUnit* unit, Py_ssize_t group, const real* sums
) noexcept nogil:
    """Lanes added up, in their order."""
    cdef Py_ssize_t lanes = LANES_float if real is float else LANES_double
    cdef Py_ssize_t pairs = up_to(unit.pairs, DOTS_DOWN)
    cdef Py_ssize_t i, pair, x = 0, across
    cdef const real* at
    cdef real value
    while x < unit.rows:
        across = 4 if unit.rows - x > 1 else 1
        for i in range(min(across, unit.rows - x)):
            for pair in range(unit.pairs):
                at = sums + (pair // DOTS_DOWN * across * DOTS_DOWN + i * DOTS_DOWN
                             + pair % DOTS_DOWN) * lanes
                if real is float:
                    value = total_float(at)
                else:
                    value = total_double(at)
                job.conv.codec.store(
                    job.target + place_of_pair(job, group, unit.first + x + i, unit.pair + pair)
                    * job.size, &value, 1, NULL, NULL,
                )
        sums += across * pairs * lanes
        x += across


cdef void weight_part(
    const WeightJob* job, Py_ssize_t index, char* scratch, real* number
) noexcept nogil:
    """The gradient of the weight between some channels of x and some pairs.

    A unit passes over the whole batch, tile by tile, in one order.
    """
    cdef WeightPlaces at
    cdef WeightUnit unit
    cdef Py_ssize_t[4] u
    cdef Py_ssize_t[4] count
    cdef const ConvJob* conv = &job.conv
    cdef Py_ssize_t lanes = LANES_float if real is float else LANES_double
    cdef Py_ssize_t tile, g, outer_first, outers, of_group, channels
    cdef Py_ssize_t stride = conv.source.phases * conv.source.plane
    cdef real* planes
    cdef real* others
    cdef real* sums
    weight_places(&at, scratch, job, real is double)
    unit_of(job, index, &unit)
    planes = <real*> at.planes
    others = <real*> at.others
    sums = <real*> at.sums
    outer_first = unit.pair // conv.taps
    outers = (unit.pair + unit.pairs - 1) // conv.taps + 1 - outer_first
    channels = unit.groups * unit.rows
    # What channels beyond the last give is not used, but it should not be slow.
    if job.lanes:
        g = up_to(channels, panel_of(number))
        memset(others, 0, g * job.x.plane * sizeof(real))
        memset(sums, 0, unit.pairs * g * sizeof(real))
        of_group = 0
    else:
        memset(others, 0, (up_to(channels, 4) + 4) * job.x.plane * sizeof(real))
        of_group = up_to(unit.rows, 4) * up_to(unit.pairs, DOTS_DOWN) * lanes
        memset(sums, 0, unit.groups * of_group * sizeof(real))
    memset(planes + unit.groups * job.loaded * stride, 0, RUN_SLACK * sizeof(real))
    for tile in range(tiles_of(conv)):
        tile_of(conv, tile, u, count)
        load_planes(
            others, &job.x, unit.group * conv.rows + unit.first, channels, u, count, &conv.codec,
            &at.stage,
        )
        if job.lanes:
            add_by_channels(job, &unit, &at, u, count, number)
            continue
        load_planes(
            planes, &conv.source, unit.group * conv.inner + outer_first, unit.groups * outers, u,
            count, &conv.codec, &at.stage,
        )
        for g in range(unit.groups):
            add_dots(
                job, &unit, sums + g * of_group, planes + g * outers * stride,
                others + g * unit.rows * job.x.plane,
            )
    if job.lanes:
        store_outer(job, &unit, &at, number)
        return
    for g in range(unit.groups):
        store_dots(job, &unit, unit.group + g, sums + g * of_group)


cdef void weight_part_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    weight_part(<const WeightJob*> job, unit, scratch, <float*> NULL)


cdef void weight_part_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    weight_part(<const WeightJob*> job, unit, scratch, <double*> NULL)


cdef void split_weight(WeightJob* job, Py_ssize_t part, Py_ssize_t outers, int threads) noexcept:
    """Cut the channels of x into parts and pairs as well, so that all threads find work."""
    cdef const ConvJob* conv = &job.conv
    cdef Py_ssize_t units, wanted
    job.part = min(part, conv.rows)
    job.parts = (conv.rows + job.part - 1) // job.part
    job.pairs = conv.inner * conv.taps
    job.pair_part = min(outers * conv.taps, job.pairs)
    job.together = 1
    if (
        not job.lanes and conv.groups > 1 and conv.source.grid.channel == conv.source.grid.size
        and job.parts == 1 and job.pair_part == job.pairs
    ):
        job.together = groups_at_once(conv, 1)
    units = (conv.groups + job.together - 1) // job.together * job.parts
    wanted = (2 * threads + units - 1) // units
    if threads > 1 and wanted > 1 and job.together == 1:
        wanted = up_to((job.pairs + wanted - 1) // wanted, 12)
        job.pair_part = max(<Py_ssize_t> 12, min(job.pair_part, wanted))
        job.pair_part = min(job.pair_part, job.pairs)
    job.pair_parts = (job.pairs + job.pair_part - 1) // job.pair_part
    # Pairs from within one channel to within another.
    job.outers = min(conv.inner, (job.pair_part + conv.taps - 2) // conv.taps + 1)
    job.loaded = job.outers
    if job.lanes:
        job.loaded = min(job.outers, max(
            <Py_ssize_t> (32 if conv.source.grid.channel == conv.source.grid.size else 4),
            (48 + conv.taps - 1) // conv.taps,
        ))


def weight_gradient(
    tables, grad, x, grad_weight, groups, Py_ssize_t part, Py_ssize_t outers, int code, bint wide,
    int threads,
):
    """The gradient of the weight, contiguous, (C_in, C_out of a group, taps).

    A unit does `part` channels of x by all taps of `outers` channels of the gradient, or less.
    """
    cdef WeightJob job
    cdef Sharing sharing
    cdef WeightPlaces unused
    cdef size_t scratch
    cdef Py_ssize_t units
    cdef int failed
    memset(&job, 0, sizeof(WeightJob))
    fill_conv(&job.conv, tables, grad, x, code, wide, groups)
    zeros = np.zeros((1, 4), np.intp)
    fill_source(&job.x, tables, x, tables.target_stride, zeros, code, wide)
    job.x.lead = job.x.reach = indices(zeros)
    job.lanes = job.conv.rows >= 16
    if job.lanes:
        # Side by side, without the halo of the other.
        job.x.extent = indices(tables.tile)
        job.x.plane = tables.tile.prod()
    if hasattr(tables, "shared"):
        fill_sharing(&sharing, tables)
        job.conv.sharing = &sharing
        job.derived = up_to(tables.tile.prod() + RUN_SLACK, 16)
    job.target = <char*> address(grad_weight)
    job.size = grad_weight.itemsize
    job.direct = code == (F64 if wide else F32)
    split_weight(&job, part, outers, threads)
    units = (groups + job.together - 1) // job.together * job.parts * job.pair_parts
    scratch = weight_places(&unused, NULL, &job, wide)
    with nogil:
        failed = run_units(
            weight_part_double if wide else weight_part_float, &job, units, threads, scratch
        )
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")
