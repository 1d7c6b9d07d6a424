# The gradient of the weight where one side has enough channels to fill registers:
#
#     grad_w[t]  =  sum over positions u of  lanes[u * stride + phase] * other[u * pace + shift[t]]
#
# They lie in the lanes; the channels of the other side are broadcast, for each tap those that find
# a sample.  Either side is x or g: for the tables this is the convolution whose output `lanes`
# would be (pixel_tables.py).  Both are read where they lie if that is pixel by pixel.
#
# Where the other side has few channels, blocks of sums take several taps, and its tiles have a halo
# of zeros.  A unit passes over the whole batch, tile by tile, in one order: sums of a tile by
# themselves, then added up.

cdef extern from "_gemm.h" nogil:
    void outer_float(
        Py_ssize_t, Py_ssize_t, float*, Py_ssize_t, bint, const float**, Py_ssize_t, const float*,
        Py_ssize_t, Py_ssize_t, const Py_ssize_t*, const Py_ssize_t*, Py_ssize_t, Py_ssize_t,
    )
    void outer_double(
        Py_ssize_t, Py_ssize_t, double*, Py_ssize_t, bint, const double**, Py_ssize_t,
        const double*, Py_ssize_t, Py_ssize_t, const Py_ssize_t*, const Py_ssize_t*, Py_ssize_t,
        Py_ssize_t,
    )

cdef enum:
    FEW = 3  # channels of the other side
    OUTER_LANES = 256  # of a unit
    OUTER_SUMS = 1 << 17  # of a unit,
    OUTER_DERIVED = 1 << 17  # and numbers that it derives of a tile

cdef struct OuterJob:
    PixelJob pixels  # its source is the other side
    Reading lanes
    bint mirrored  # the lanes are g
    bint few
    Py_ssize_t part, parts  # panels of a unit,
    Py_ssize_t held, helds  # and channels of the other side
    char* target
    Py_ssize_t size
    bint direct

cdef struct OuterPlaces:
    # A unit's share of the scratch memory.
    char* lanes
    char* other
    char* middle  # a row of pixels,
    char* derived  # and what is made of the other side
    ReadingStage stage
    char* sums
    Py_ssize_t* begun  # by tap: the first tile that has something for it
    Py_ssize_t* lanes_at  # where the rows of a tile begin
    Py_ssize_t* other_at
    Py_ssize_t* offset  # by tap: where it reads
    void** rows
    char* numbers

cdef struct OuterUnit:
    Py_ssize_t group
    Py_ssize_t first, last  # panels
    Py_ssize_t start  # of the panels,
    Py_ssize_t width  # in whole registers
    Py_ssize_t channel, channels  # that are read, the first and how many
    Py_ssize_t held, number  # of the other side


cdef size_t outer_places(
    OuterPlaces* at, char* scratch, const OuterJob* job, bint wide
) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed."""
    cdef size_t number = sizeof(double) if wide else sizeof(float)
    cdef const Panels* panels = &job.pixels.panels
    cdef const Sharing* sharing = job.pixels.sharing
    cdef const Py_ssize_t* tile = job.pixels.tile
    cdef Py_ssize_t width = min(panels.vecs, job.part * MOST_VECS) * panels.register
    cdef Py_ssize_t rows = tile[0] * tile[1] * tile[2], pairs = panels.taps * job.held
    cdef char* end = scratch
    at.lanes = take(&end, (reading_numbers(&job.lanes) + panels.register) * number)
    at.other = take(
        &end, (reading_numbers(&job.pixels.source) + panels.register) * number
    )
    if sharing != NULL:
        rows = (tile[3] + 2) * sharing.across.lines * job.pixels.source.step[3] + RUN_SLACK
        at.middle = take(&end, rows * number)
        rows = sharing.down.number * sharing.across.number * sharing.plane
        at.derived = take(&end, rows * number)
        rows = tile[0] * tile[1] * tile[2]
    take_stage(&at.stage, &end, max(job.lanes.extent[3], job.pixels.source.extent[3]), number)
    at.sums = take(&end, pairs * width * number)
    at.begun = <Py_ssize_t*> take(&end, panels.taps * sizeof(Py_ssize_t))
    at.offset = <Py_ssize_t*> take(&end, panels.taps * sizeof(Py_ssize_t))
    at.lanes_at = <Py_ssize_t*> take(&end, rows * sizeof(Py_ssize_t))
    at.other_at = <Py_ssize_t*> take(&end, rows * sizeof(Py_ssize_t))
    rows = panels.taps if job.mirrored else pairs
    at.rows = <void**> take(&end, max(<Py_ssize_t> MOST_LOW, rows) * sizeof(void*))
    at.numbers = take(
        &end, 0 if job.direct else rows * MOST_VECS * panels.register * number
    )
    return end - scratch


cdef void outer_unit(const OuterJob* job, Py_ssize_t index, OuterUnit* unit) noexcept nogil:
    cdef const Panels* panels = &job.pixels.panels
    cdef Panel panel
    unit.held = index % job.helds * job.held
    unit.number = min(job.held, panels.inner - unit.held)
    index = index // job.helds
    unit.first = index % job.parts * job.part
    unit.last = min(unit.first + job.part, panels.blocks) - 1
    unit.group = index // job.parts
    choose_panel(&panel, panels, unit.last)
    unit.channels = panel.start + panel.channels
    unit.width = panel.start + panel.lanes
    # A single register that is not full takes channels from before.
    choose_panel(&panel, panels, unit.first)
    unit.start = panel.start
    unit.channel = panel.start + min(<Py_ssize_t> 0, panel.last)
    unit.channels -= unit.channel
    unit.width -= panel.start


# --- positions -------------------------------------------------------------------------------

cdef struct OuterTile:
    # What is read of a tile.
    Py_ssize_t number
    const void* lanes
    const void* other
    Py_ssize_t[4] u
    Py_ssize_t[4] count
    Py_ssize_t[4] lanes_origin
    Py_ssize_t[4] other_origin

cdef struct Range:
    Py_ssize_t start, stop


cdef Range range_of_tap(
    const OuterJob* job, int axis, Py_ssize_t phase, Py_ssize_t shift, Py_ssize_t u,
    Py_ssize_t count,
) noexcept nogil:
    """The positions of a tile that have an output of this phase, and whose tap finds a sample."""
    cdef const PixelJob* pixels = &job.pixels
    cdef Py_ssize_t stride = pixels.target.stride[axis], pace = pixels.pace[axis]
    cdef Py_ssize_t length = pixels.source.grid.length[axis]
    cdef Range found
    found.start = u
    found.stop = min(u + count, divided_up(pixels.target.length[axis] - phase, stride))
    if not job.few and pixels.sharing == NULL:
        found.start = max(found.start, divided_up(-shift, pace))
        found.stop = min(found.stop, divided_up(length - shift, pace))
    return found


cdef Py_ssize_t list_rows(
    const OuterPlaces* at, const OuterJob* job, const Py_ssize_t* phase, const Range* ranges,
    const OuterTile* tile, Py_ssize_t* width,
) noexcept nogil:
    """Where the rows of positions begin, for shift 0; how many, of `width` positions."""
    cdef const Reading* lanes = &job.lanes
    cdef const Py_ssize_t* pace = job.pixels.pace
    cdef const Py_ssize_t* step = job.pixels.step
    cdef Py_ssize_t number = 0, n, d, h, w = ranges[2].start
    cdef bint whole = True
    width[0] = ranges[2].stop - w
    for n in range(tile.u[0], tile.u[0] + tile.count[0]):
        for d in range(ranges[0].start, ranges[0].stop):
            for h in range(ranges[1].start, ranges[1].stop):
                at.lanes_at[number] = (
                    (n - tile.lanes_origin[0]) * lanes.step[0]
                    + (d * lanes.pace[1] + phase[0] - tile.lanes_origin[1]) * lanes.step[1]
                    + (h * lanes.pace[2] + phase[1] - tile.lanes_origin[2]) * lanes.step[2]
                    + (w * lanes.pace[3] + phase[2] - tile.lanes_origin[3]) * lanes.step[3]
                )
                at.other_at[number] = (
                    (n - tile.other_origin[0]) * step[0]
                    + (d * pace[1] - tile.other_origin[1]) * step[1]
                    + (h * pace[2] - tile.other_origin[2]) * step[2]
                    + (w * pace[3] - tile.other_origin[3]) * step[3]
                )
                if number > 0:
                    whole = (
                        whole
                        and at.lanes_at[number] - at.lanes_at[number - 1]
                        == width[0] * lanes.pace[3] * lanes.step[3]
                        and at.other_at[number] - at.other_at[number - 1]
                        == width[0] * pace[3] * step[3]
                    )
                number += 1
    if whole and number > 1:  # rows that follow one another are one long row
        width[0] *= number
        return 1
    return number


# --- sums ------------------------------------------------------------------------------------

cdef void add_taps(
    const OuterPlaces* at, const OuterJob* job, const OuterUnit* unit, const OuterTile* tile,
    Py_ssize_t tap, Py_ssize_t taps, Py_ssize_t rows, Py_ssize_t width, real* number,
) noexcept nogil:
    """The products of a tile for `taps` taps of a phase, from `tap` on; rows are listed."""
    cdef const Panels* panels = &job.pixels.panels
    cdef Py_ssize_t other_step = job.pixels.pace[3] * job.pixels.step[3]
    cdef Py_ssize_t lanes_step = job.lanes.pace[3] * job.lanes.step[3]
    cdef Py_ssize_t pairs = taps * unit.number, pair, block, i, k
    cdef const real** row = <const real**> at.rows
    cdef const real* lanes
    cdef real* sums
    cdef bint fresh = at.begun[tap] == tile.number
    cdef Panel panel
    for k in range(unit.first, unit.last + 1):
        choose_panel(&panel, panels, k)
        lanes = <const real*> tile.lanes + panel.start - unit.channel
        pair = 0
        while pair < pairs:
            block = low_block(pairs - pair, panel.vecs)
            for i in range(block):
                row[i] = <const real*> tile.other + at.offset[tap + (pair + i) // unit.number]
                row[i] += (pair + i) % unit.number
            sums = <real*> at.sums + (tap * unit.number + pair) * unit.width
            sums += panel.start - unit.start
            if real is float:
                outer_float(
                    block, panel.vecs, sums, unit.width, fresh, row, other_step, lanes,
                    panel.last, lanes_step, at.other_at, at.lanes_at, rows, width,
                )
            else:
                outer_double(
                    block, panel.vecs, sums, unit.width, fresh, row, other_step, lanes,
                    panel.last, lanes_step, at.other_at, at.lanes_at, rows, width,
                )
            pair += block


cdef void list_offsets(const OuterPlaces* at, const PixelJob* pixels) noexcept nogil:
    """By tap, phase by phase: where it reads."""
    cdef const Py_ssize_t* stride = pixels.target.stride
    cdef const Py_ssize_t* step = pixels.step
    cdef const Py_ssize_t* shift[3]
    cdef Py_ssize_t[3] taps
    cdef Py_ssize_t[3] phase
    cdef Py_ssize_t p, d, h, w, t = 0
    cdef int a
    if pixels.sharing != NULL:
        for t in range(pixels.panels.taps):
            at.offset[t] = pixels.sharing.reads[t] * pixels.sharing.plane
        return
    for p in range(pixels.panels.phases):
        phase_of(p, stride, phase)
        for a in range(3):
            taps[a] = taps_of(pixels, 1 + a, phase[a], &shift[a])
        for d in range(taps[0]):
            for h in range(taps[1]):
                for w in range(taps[2]):
                    at.offset[t] = (
                        shift[0][d] * step[1] + shift[1][h] * step[2] + shift[2][w] * step[3]
                    )
                    t += 1


cdef bint ranges_of_tap(
    Range* ranges, const OuterJob* job, const Py_ssize_t* phase, Py_ssize_t tap,
    const OuterTile* tile,
) noexcept nogil:
    """The positions of a tile for a tap of a phase; whether there are any."""
    cdef const Py_ssize_t* shift[3]
    cdef Py_ssize_t t, taps
    cdef bint some = True
    cdef int a
    for a in range(2, -1, -1):
        taps = taps_of(&job.pixels, 1 + a, phase[a], &shift[a])
        t = tap % taps
        tap = tap // taps
        ranges[a] = range_of_tap(
            job, 1 + a, phase[a], shift[a][t], tile.u[1 + a], tile.count[1 + a]
        )
        some = some and ranges[a].start < ranges[a].stop
    return some


cdef void add_phase(
    const OuterPlaces* at, const OuterJob* job, const OuterUnit* unit, const OuterTile* tile,
    Py_ssize_t p, real* number,
) noexcept nogil:
    """The products of a tile for the taps of a phase."""
    cdef const Panels* panels = &job.pixels.panels
    cdef Py_ssize_t first = panels.before[p], taps = panels.before[p + 1] - first, k = 0
    cdef Py_ssize_t rows, width = 0, together = taps if job.few else 1, t
    cdef Py_ssize_t[3] phase
    cdef Range[3] ranges
    phase_of(p, job.pixels.target.stride, phase)
    while k < taps:
        if ranges_of_tap(ranges, job, phase, k, tile):
            if at.begun[first + k] < 0:
                for t in range(first + k, first + k + together):
                    at.begun[t] = tile.number
            rows = list_rows(at, job, phase, ranges, tile, &width)
            add_taps(at, job, unit, tile, first + k, together, rows, width, number)
        k += together


cdef void store_sums(
    const OuterPlaces* at, const OuterJob* job, const OuterUnit* unit, real* number
) noexcept nogil:
    """Sums, by tap, channel of the other side, lane, to the gradient of the weight."""
    cdef const Panels* panels = &job.pixels.panels
    cdef Py_ssize_t taps = panels.taps, pairs = taps * unit.number, c, t, k, first
    cdef const real** rows = <const real**> at.rows
    cdef const real* sums
    cdef Panel panel
    cdef Run[2] run
    cdef int i
    # Weights are (C_in, C_out of a group, taps).
    for k in range(unit.first, unit.last + 1):
        choose_panel(&panel, panels, k)
        for i in range(runs_of_panel(run, &panel)):
            sums = <const real*> at.sums + panel.start - unit.start + run[i].lane
            first = panel.start + run[i].channel
            if job.mirrored:
                for c in range(unit.number):
                    for t in range(taps):
                        rows[panels.order[t]] = sums + (t * unit.number + c) * unit.width
                    store_weights(
                        at, job, (
                            (unit.group * panels.inner + unit.held + c) * panels.rows + first
                        ) * taps, taps, taps, run[i].number, number,
                    )
                continue
            for c in range(unit.number):
                for t in range(taps):
                    rows[c * taps + panels.order[t]] = sums + (t * unit.number + c) * unit.width
            store_weights(
                at, job, (
                    (unit.group * panels.rows + first) * panels.inner + unit.held
                ) * taps, panels.inner * taps, pairs, run[i].number, number,
            )


cdef void store_weights(
    const OuterPlaces* at, const OuterJob* job, Py_ssize_t first, Py_ssize_t stride,
    Py_ssize_t count, Py_ssize_t lanes, real* number,
) noexcept nogil:
    """``weight[first + l * stride + r] = rows[r][l]``"""
    cdef const real** rows = <const real**> at.rows
    cdef char* to = job.target + first * job.size
    cdef real* numbers = <real*> at.numbers
    cdef Py_ssize_t i
    if job.direct:
        transpose(<real*> to, stride, rows, count, lanes)
        return
    transpose(numbers, count, rows, count, lanes)
    for i in range(lanes):
        job.pixels.codec.store(
            to + i * stride * job.size, numbers + i * count, count, NULL, NULL
        )


cdef void outer_part(
    const OuterJob* job, Py_ssize_t index, char* scratch, real* number
) noexcept nogil:
    """The gradient of the weight between some channels of either side."""
    cdef const PixelJob* pixels = &job.pixels
    cdef const Panels* panels = &pixels.panels
    cdef Reading lanes = job.lanes, other = pixels.source
    cdef OuterPlaces at
    cdef OuterUnit unit
    cdef OuterTile tile
    cdef Py_ssize_t p, t
    outer_places(&at, scratch, job, real is double)
    outer_unit(job, index, &unit)
    lanes.channels = unit.channels
    other.channels = unit.number
    list_offsets(&at, pixels)
    for t in range(panels.taps):
        at.begun[t] = -1
    for tile.number in range(tiles_of(pixels.tiles)):
        tile_of(
            pixels.count, pixels.tile, pixels.tiles, tile.number, tile.u, tile.count
        )
        tile.lanes = read_tile(
            <real*> at.lanes, &lanes, unit.group * panels.rows + unit.channel, tile.u, tile.count,
            &at.stage, tile.lanes_origin,
        )
        tile.other = read_tile(
            <real*> at.other, &other, unit.group * panels.inner + unit.held, tile.u, tile.count,
            &at.stage, tile.other_origin,
        )
        if pixels.sharing != NULL:
            derive_tile(
                <real*> at.derived, <real*> at.middle, <const real*> tile.other, &other,
                pixels.sharing, pixels.count, tile.u, tile.count,
            )
            tile.other = at.derived
            derived_origin(tile.other_origin, pixels.sharing, tile.u)
        for p in range(panels.phases):
            add_phase(&at, job, &unit, &tile, p, number)
    for t in range(panels.taps):
        if at.begun[t] < 0:  # nothing was ever read by it
            memset(
                <real*> at.sums + t * unit.number * unit.width, 0,
                unit.number * unit.width * sizeof(real),
            )
    store_sums(&at, job, &unit, number)


cdef void outer_part_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    outer_part(<const OuterJob*> job, unit, scratch, <float*> NULL)


cdef void outer_part_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    outer_part(<const OuterJob*> job, unit, scratch, <double*> NULL)


# --- the door to Python ----------------------------------------------------------------------


cdef void split_outer(OuterJob* job, int threads) noexcept:
    """Cut the channels of both sides into parts: sums that stay in the second cache, and work
    for all threads.
    """
    cdef const Panels* panels = &job.pixels.panels
    cdef const Sharing* sharing = job.pixels.sharing
    cdef Py_ssize_t most = max(<Py_ssize_t> 1, OUTER_LANES // (MOST_VECS * panels.register))
    cdef Py_ssize_t width, units, wanted, groups = job.pixels.groups
    job.parts = (panels.blocks + most - 1) // most
    job.part = (panels.blocks + job.parts - 1) // job.parts
    width = min(panels.vecs, job.part * MOST_VECS) * panels.register
    job.held = max(<Py_ssize_t> 1, min(panels.inner, OUTER_SUMS // (width * panels.taps)))
    if sharing != NULL:
        units = sharing.down.number * sharing.across.number * sharing.positions
        job.held = max(<Py_ssize_t> 1, min(job.held, OUTER_DERIVED // units))
    units = groups * job.parts * ((panels.inner + job.held - 1) // job.held)
    wanted = (2 * threads + units - 1) // units
    if threads > 1 and wanted > 1:
        # Whole blocks of sums, at least two.
        job.held = min(job.held, max(
            <Py_ssize_t> 12, up_to((panels.inner + wanted - 1) // wanted, 6)
        ))
    job.helds = (panels.inner + job.held - 1) // job.held
    units = groups * job.parts * job.helds
    if threads > 1 and units < 2 * threads and job.part > 1:
        job.part = (job.part + 1) // 2
        job.parts = (panels.blocks + job.part - 1) // job.part


def outer_gradient(
    tables, other, lanes, grad_weight, groups, bint mirrored, int code, bint wide, int threads
):
    """The gradient of the weight, contiguous, (C_in, C_out of a group, taps).

    `tables` are `PixelTables` of the convolution from `other` to `lanes`; they are x and g, or if
    `mirrored` g and x.
    """
    cdef OuterJob job
    cdef Sharing sharing
    cdef PixelJob* pixels = &job.pixels
    cdef const Panels* panels = &pixels.panels
    cdef OuterPlaces unused
    cdef size_t number = sizeof(double) if wide else sizeof(float), scratch
    cdef Py_ssize_t units
    cdef int failed
    kept = []
    memset(&job, 0, sizeof(OuterJob))
    fill_pixel_job(pixels, &sharing, tables, other, lanes, groups, False, code, wide, kept)
    zeros = np.zeros(4, np.intp)
    extent = tables.tile * tables.stride
    job.mirrored = mirrored
    job.few = panels.inner <= FEW and pixels.sharing == NULL
    job.lanes.grid = pixels.target
    job.lanes.codec = pixels.codec
    job.lanes.positions = pixels.tile
    job.lanes.pace = pixels.target.stride
    job.lanes.lead = indices(zeros)
    job.lanes.extent = indices(extent)
    # Whole registers are read of few channels.
    job.lanes.copied = panels.rows < panels.register
    job.target = <char*> address(grad_weight)
    job.size = grad_weight.itemsize
    job.direct = code == (F64 if wide else F32)
    threads = threads_of(
        panels.rows * groups * panels.inner * panels.taps,
        other.size // max(1, other.shape[1]), threads,
    )
    split_outer(&job, threads)
    job.lanes.channels = min(
        panels.rows, (job.part * MOST_VECS + 1) * panels.register
    )
    choose_reading(&job.lanes, number)
    pixels.source.channels = job.held
    pixels.source.zeros = pixels.source.copied = job.few
    choose_steps(pixels, &sharing, tables, number, kept)
    units = pixels.groups * job.parts * job.helds
    scratch = outer_places(&unused, NULL, &job, wide)
    with nogil:
        failed = run_units(
            outer_part_double if wide else outer_part_float, &job, units, threads, scratch
        )
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")
