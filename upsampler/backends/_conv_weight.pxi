# The gradient of the weight where both sides have few channels; for others see _conv_outer.pxi:
#
#     grad_w[t]  =  sum over i  of  x[i] * g[phase[t]][i - e[t]]
#
# A pair is a channel of g and a tap: a row of a plane of g, from some offset on.  Positions lie in
# the lanes.
#
# Scratch memory of a thread: planes of g, at most 1 << 18 numbers or those of the channels of a
# unit over 64 positions, planes of x, and sums, at most 1 << 18 numbers.

cdef extern from "_gemm.h" nogil:
    enum:
        DOTS_DOWN
    void dots_float_4_4(float*, const float*, Py_ssize_t, const float* const*, Py_ssize_t)
    void dots_float_1_4(float*, const float*, Py_ssize_t, const float* const*, Py_ssize_t)
    void dots_double_4_4(double*, const double*, Py_ssize_t, const double* const*, Py_ssize_t)
    void dots_double_1_4(double*, const double*, Py_ssize_t, const double* const*, Py_ssize_t)
    float total_float(const float*)
    double total_double(const double*)

cdef struct WeightJob:
    ConvJob conv  # its source is g; `rows` are the channels of x, `inner` those of g, of a group
    Source x
    Py_ssize_t part, parts  # channels of x of a unit
    Py_ssize_t pairs, pair_part, pair_parts  # and pairs
    Py_ssize_t outers  # channels of g that a unit's pairs touch, at most
    Py_ssize_t together  # groups of a unit; more than one only without parts
    char* target
    Py_ssize_t size
    bint direct

cdef struct WeightPlaces:
    char* planes
    char* others
    char* sums
    Stage stage

cdef struct WeightUnit:
    Py_ssize_t group, groups, first, rows, pair, pairs


cdef size_t weight_places(
    WeightPlaces* at, char* scratch, const WeightJob* job, bint wide
) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed."""
    cdef size_t number = sizeof(double) if wide else sizeof(float)
    cdef const ConvJob* conv = &job.conv
    cdef Py_ssize_t channels = job.together * job.part, most
    cdef char* end = scratch
    most = max(channels, job.together * job.outers)
    at.stage.numbers = take(&end, max(conv.source.extent[3], PIXELS * most) * number)
    at.stage.items = take(&end, (conv.source.extent[3] + RUN_SLACK) * 8)
    at.stage.rows = <void**> take(&end, PIXELS * sizeof(void*))
    at.planes = take(
        &end,
        (job.together * job.outers * conv.source.phases * conv.source.plane + RUN_SLACK) * number,
    )
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
    return channel * job.conv.source.phases * job.conv.source.plane + job.conv.offset[tap]


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
    memset(others, 0, (up_to(channels, 4) + 4) * job.x.plane * sizeof(real))
    of_group = up_to(unit.rows, 4) * up_to(unit.pairs, DOTS_DOWN) * lanes
    memset(sums, 0, unit.groups * of_group * sizeof(real))
    memset(planes + unit.groups * job.outers * stride, 0, RUN_SLACK * sizeof(real))
    for tile in range(tiles_of(conv.tiles)):
        tile_of(conv.count, conv.tile, conv.tiles, tile, u, count)
        load_planes(
            others, &job.x, unit.group * conv.rows + unit.first, channels, u, count, &conv.codec,
            &at.stage,
        )
        load_planes(
            planes, &conv.source, unit.group * conv.inner + outer_first, unit.groups * outers, u,
            count, &conv.codec, &at.stage,
        )
        for g in range(unit.groups):
            add_dots(
                job, &unit, sums + g * of_group, planes + g * outers * stride,
                others + g * unit.rows * job.x.plane,
            )
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
        conv.groups > 1 and conv.source.grid.channel == conv.source.grid.size
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


def weight_gradient(
    tables, grad, x, grad_weight, groups, Py_ssize_t part, Py_ssize_t outers, int code, bint wide,
    int threads,
):
    """The gradient of the weight, contiguous, (C_in, C_out of a group, taps).

    A unit does `part` channels of x by all taps of `outers` channels of the gradient, or less.
    """
    cdef WeightJob job
    cdef WeightPlaces unused
    cdef size_t scratch
    cdef Py_ssize_t units
    cdef int failed
    memset(&job, 0, sizeof(WeightJob))
    fill_conv(&job.conv, tables, grad, x, code, wide, groups)
    zeros = np.zeros((1, 4), np.intp)
    fill_source(&job.x, tables, x, tables.target_stride, zeros, code, wide)
    job.x.lead = job.x.reach = indices(zeros)
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
