# Convolutions of arrays whose channels lie side by side, with as many as fill registers.
#
# The sums are those of _conv.pxi, in the same order; but output channels lie in the lanes and
# pixels are read where they lie (_gemm_pixels.h).  Nothing is transposed on the way in or out:
# with 128 channels that took a seventh of the time.  Where every channel is a group of its own,
# the lanes take neighbouring groups.
#
# Positions of a tile are listed by phase, and for each phase by the taps that find a sample: a
# pattern.  So there is no halo, and what would be multiplied by its zeros is left out, a part of
# 1 / 16 with 16 by 16 positions and kernels of twice the stride.  Items that are no numbers of the
# arithmetic, and images whose border repeats, are first copied to a tile of numbers.
#
# A panel is what a phase has of weights for two registers of output channels.  A unit takes a tile
# with all panels or some; what it reads of the input should stay in the second cache with a panel.

cdef extern from "_gemm_pixels.h" nogil:
    enum:
        MOST_PIXELS
    Py_ssize_t pixels_of_block(Py_ssize_t)
    void sum_pixels_float(
        Py_ssize_t, Py_ssize_t, bint, char**, const float*, const Py_ssize_t*, const Py_ssize_t*,
        const Py_ssize_t*, Py_ssize_t, Py_ssize_t, const float*,
    )
    void sum_pixels_double(
        Py_ssize_t, Py_ssize_t, bint, char**, const double*, const Py_ssize_t*, const Py_ssize_t*,
        const Py_ssize_t*, Py_ssize_t, Py_ssize_t, const double*,
    )

cdef struct Segment:
    # Positions along an axis with the same taps.
    Py_ssize_t start, stop, low, high

cdef struct Pattern:
    # Positions with the same taps along all axes, some of those listed.
    Py_ssize_t first, number
    Py_ssize_t[3] low
    Py_ssize_t[3] high

cdef struct PixelJob:
    ConvJob conv
    const Py_ssize_t* pace  # the tables; see pixel_tables.py
    const Py_ssize_t* first
    const Py_ssize_t* begin
    const Py_ssize_t* shift
    const Py_ssize_t* before
    const Py_ssize_t* order
    const Py_ssize_t* lead
    const Py_ssize_t* extent
    Py_ssize_t phases
    bint apart  # every channel is a group of its own; then conv has one group of all, inner 1
    bint copied  # what is read is a tile of numbers, not the source itself
    Py_ssize_t channels  # of a group, in a pixel of the source
    Py_ssize_t pixel  # numbers from pixel to pixel of a tile
    Py_ssize_t[4] step  # numbers from place to place in what is read
    Py_ssize_t register, lanes  # numbers of a register, of a panel
    Py_ssize_t padded  # rows in whole registers
    Py_ssize_t blocks  # panels of a phase
    Py_ssize_t part, parts  # panels of a unit; into how many units a tile is cut

cdef struct PixelPlaces:
    # A unit's share of the scratch memory.
    char* tile
    Py_ssize_t* place  # of the positions listed: what shift 0 reads,
    char** to  # and the output
    Pattern* patterns
    Segment* segments[3]
    Py_ssize_t* tap  # of a pattern: which of the phase,
    Py_ssize_t* offset  # and where it reads
    char* o  # outputs on their way


cdef size_t pixel_places(
    PixelPlaces* at, char* scratch, const PixelJob* job, bint wide
) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed."""
    cdef size_t number = sizeof(double) if wide else sizeof(float)
    cdef const Py_ssize_t* extent = job.extent
    cdef const Py_ssize_t* tile = job.conv.tile
    cdef Py_ssize_t positions = tile[0] * tile[1] * tile[2] * tile[3], a
    cdef char* end = scratch
    # Whole registers are read of few channels.
    at.tile = take(
        &end, (extent[0] * job.step[0] + job.register) * number if job.copied else 0
    )
    at.place = <Py_ssize_t*> take(&end, positions * sizeof(Py_ssize_t))
    at.to = <char**> take(&end, positions * sizeof(char*))
    at.patterns = <Pattern*> take(&end, positions * sizeof(Pattern))
    for a in range(3):
        at.segments[a] = <Segment*> take(&end, tile[1 + a] * sizeof(Segment))
    at.tap = <Py_ssize_t*> take(&end, job.conv.taps * sizeof(Py_ssize_t))
    at.offset = <Py_ssize_t*> take(&end, job.conv.taps * sizeof(Py_ssize_t))
    at.o = take(&end, MOST_PIXELS * job.lanes * number)
    return end - scratch


# --- reading ---------------------------------------------------------------------------------


cdef void copy_pixel(real* to, const char* from_, const PixelJob* job) noexcept nogil:
    if job.conv.source.grid.direct:
        memcpy(to, from_, job.channels * sizeof(real))
    else:
        job.conv.codec.load(to, from_, job.channels, NULL, NULL)


cdef void copy_tile(
    real* to, const PixelJob* job, Py_ssize_t channel, const Py_ssize_t* u,
    const Py_ssize_t* count,
) noexcept nogil:
    """What a tile reads, as numbers; places without a sample are left as they are."""
    cdef const Source* source = &job.conv.source
    cdef const Grid* grid = &source.grid
    cdef Py_ssize_t[4] at
    cdef Py_ssize_t[4] places
    cdef Py_ssize_t n, d, h, w, i, z, y, x
    cdef const char* row
    cdef real* line
    cdef int a
    for a in range(4):
        at[a] = u[a] * job.pace[a] + job.lead[a]
        places[a] = job.extent[a] - (job.conv.tile[a] - count[a]) * job.pace[a]
    for n in range(places[0]):
        i = place_of(source, at[0] + n, 0)
        for d in range(places[1]):
            z = place_of(source, at[1] + d, 1)
            for h in range(places[2]):
                y = place_of(source, at[2] + h, 2)
                if i < 0 or z < 0 or y < 0:
                    continue
                row = grid.data + channel * grid.channel
                row += i * grid.step[0] + z * grid.step[1] + y * grid.step[2]
                line = to + n * job.step[0] + d * job.step[1] + h * job.step[2]
                for w in range(places[3]):
                    x = place_of(source, at[3] + w, 3)
                    if x >= 0:
                        copy_pixel(line + w * job.step[3], row + x * grid.step[3], job)


# --- positions -------------------------------------------------------------------------------


cdef inline Py_ssize_t taps_of(
    const PixelJob* job, int axis, Py_ssize_t phase, const Py_ssize_t** shift
) noexcept nogil:
    """How many taps a phase of an axis has, and where they read."""
    cdef const Py_ssize_t* begin = job.begin + job.first[axis] + phase
    shift[0] = job.shift + begin[0]
    return begin[1] - begin[0]


cdef Py_ssize_t cut_axis(
    Segment* to, const PixelJob* job, int axis, Py_ssize_t phase, Py_ssize_t u, Py_ssize_t count
) noexcept nogil:
    """Positions of a tile that have an output of this phase, by what taps find a sample."""
    cdef const Grid* target = &job.conv.target
    cdef Py_ssize_t length = job.conv.source.grid.length[axis]
    cdef Py_ssize_t stride = target.stride[axis], number = 0, k, at, low, high, taps
    cdef const Py_ssize_t* shift
    taps = taps_of(job, axis, phase, &shift)
    count = min(count, (target.length[axis] - phase + stride - 1) // stride - u)
    for k in range(count):
        at = (u + k) * job.pace[axis]
        low, high = 0, taps
        if not job.conv.source.edge:
            while low < taps and not 0 <= at + shift[low] < length:
                low += 1
            high = low
            while high < taps and 0 <= at + shift[high] < length:
                high += 1
        if number == 0 or to[number - 1].low != low or to[number - 1].high != high:
            to[number].start = k
            to[number].low = low
            to[number].high = high
            number += 1
        to[number - 1].stop = k + 1
    return number


cdef Py_ssize_t list_pixels(
    const PixelPlaces* at, const PixelJob* job, const Segment** segment, Py_ssize_t first,
    const Py_ssize_t* phase, char* target, const Py_ssize_t* u, const Py_ssize_t* count,
    const Py_ssize_t* origin,
) noexcept nogil:
    """Append the positions of a segment of each axis; their number."""
    cdef const Grid* grid = &job.conv.target
    cdef Py_ssize_t apart = job.pace[3] * job.step[3], wide = grid.stride[3] * grid.step[3]
    cdef Py_ssize_t n, d, h, w, place, number = first
    cdef char* to
    for n in range(u[0], u[0] + count[0]):
        for d in range(u[1] + segment[0].start, u[1] + segment[0].stop):
            for h in range(u[2] + segment[1].start, u[2] + segment[1].stop):
                w = u[3] + segment[2].start
                to = target + n * grid.step[0]
                to += (d * grid.stride[1] + phase[0]) * grid.step[1]
                to += (h * grid.stride[2] + phase[1]) * grid.step[2]
                to += (w * grid.stride[3] + phase[2]) * grid.step[3]
                place = (n - origin[0]) * job.step[0]
                place += (d * job.pace[1] - origin[1]) * job.step[1]
                place += (h * job.pace[2] - origin[2]) * job.step[2]
                place += (w * job.pace[3] - origin[3]) * job.step[3]
                for w in range(segment[2].stop - segment[2].start):
                    at.place[number] = place + w * apart
                    at.to[number] = to + w * wide
                    number += 1
    return number - first


cdef Py_ssize_t list_patterns(
    const PixelPlaces* at, const PixelJob* job, const Py_ssize_t* phase, char* target,
    const Py_ssize_t* u, const Py_ssize_t* count, const Py_ssize_t* origin,
) noexcept nogil:
    """The positions of a tile that have an output of this phase, pattern by pattern."""
    cdef Py_ssize_t[3] segments
    cdef const Segment* segment[3]
    cdef Py_ssize_t number = 0, first = 0, i, j, k
    cdef Pattern* pattern
    cdef int a
    for a in range(3):
        segments[a] = cut_axis(at.segments[a], job, 1 + a, phase[a], u[1 + a], count[1 + a])
    for i in range(segments[0]):
        segment[0] = at.segments[0] + i
        for j in range(segments[1]):
            segment[1] = at.segments[1] + j
            for k in range(segments[2]):
                segment[2] = at.segments[2] + k
                pattern = at.patterns + number
                pattern.first = first
                pattern.number = list_pixels(
                    at, job, segment, first, phase, target, u, count, origin
                )
                for a in range(3):
                    pattern.low[a] = segment[a].low
                    pattern.high[a] = segment[a].high
                first += pattern.number
                number += 1
    return number


cdef Py_ssize_t list_taps(
    const PixelPlaces* at, const PixelJob* job, const Py_ssize_t* phase, const Pattern* pattern
) noexcept nogil:
    """The taps of a pattern, in their order; how many there are."""
    cdef const Py_ssize_t* shift[3]
    cdef Py_ssize_t[3] taps
    cdef Py_ssize_t d, h, w, number = 0
    cdef int a
    for a in range(3):
        taps[a] = taps_of(job, 1 + a, phase[a], &shift[a])
    for d in range(pattern.low[0], pattern.high[0]):
        for h in range(pattern.low[1], pattern.high[1]):
            for w in range(pattern.low[2], pattern.high[2]):
                at.tap[number] = (d * taps[1] + h) * taps[2] + w
                at.offset[number] = (
                    shift[0][d] * job.step[1] + shift[1][h] * job.step[2]
                    + shift[2][w] * job.step[3]
                )
                number += 1
    return number


# --- sums ------------------------------------------------------------------------------------


cdef inline Py_ssize_t panel_at(
    const PixelJob* job, Py_ssize_t phase, Py_ssize_t row
) noexcept nogil:
    """Where the panel of a phase that begins with channel `row` lies among those of its group."""
    cdef Py_ssize_t taps = job.before[phase + 1] - job.before[phase], inner = job.conv.inner
    return job.padded * (phase + job.before[phase] * inner) + row * (1 + taps * inner)


cdef inline Py_ssize_t panels_of_group(const PixelJob* job) noexcept nogil:
    """Numbers that the panels of a group take."""
    return job.padded * (job.phases + job.conv.taps * job.conv.inner)


cdef struct Panel:
    Py_ssize_t lanes, vecs
    Py_ssize_t row  # the first channel that is computed,
    Py_ssize_t first, rows  # and those that are stored
    bint in_place  # outputs are stored as they are, in whole registers


cdef void choose_panel(
    Panel* panel, const PixelJob* job, Py_ssize_t block, bint repeats
) noexcept nogil:
    """The last panel begins early enough to read and compute whole registers.

    It `repeats` what the panel before has stored where that is this unit's, too.
    """
    cdef Py_ssize_t row = block * job.lanes, rows = job.conv.rows
    panel.lanes = min(job.lanes, job.padded - row)
    panel.vecs = panel.lanes // job.register
    panel.row = max(<Py_ssize_t> 0, min(row, rows - panel.lanes))
    panel.first = panel.row if repeats else row
    panel.rows = min(panel.row + panel.lanes, rows) - panel.first
    panel.in_place = job.conv.target.direct and panel.rows == panel.lanes


cdef void sum_pattern(
    const PixelPlaces* at, const PixelJob* job, const Panel* panel, const real* x,
    const real* w, Py_ssize_t taps, const Pattern* pattern,
) noexcept nogil:
    """The outputs of a panel for the positions of a pattern, whose taps are listed."""
    cdef const ConvJob* conv = &job.conv
    cdef Py_ssize_t q = pattern.first, stop = q + pattern.number, m, n
    cdef Py_ssize_t skip = panel.first * conv.target.size
    cdef real* o = <real*> at.o
    cdef char* to[8]  # MOST_PIXELS at most
    for m in range(MOST_PIXELS):
        to[m] = <char*> (o + m * panel.lanes)
    while q < stop:
        n = pixels_of_block(stop - q)
        if panel.in_place:
            for m in range(n):
                to[m] = at.to[q + m] + skip
        if real is float:
            sum_pixels_float(
                n, panel.vecs, job.apart, to, x, at.place + q, at.offset, at.tap, taps,
                conv.inner, w,
            )
        else:
            sum_pixels_double(
                n, panel.vecs, job.apart, to, x, at.place + q, at.offset, at.tap, taps,
                conv.inner, w,
            )
        if not panel.in_place:
            for m in range(n):
                conv.codec.store(
                    at.to[q + m] + skip, o + m * panel.lanes + panel.first - panel.row,
                    panel.rows, NULL, NULL,
                )
        q += n


cdef void conv_pixels(
    const PixelJob* job, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """Outputs of a tile: those of some panels of a group."""
    cdef const ConvJob* conv = &job.conv
    cdef const Py_ssize_t* stride = conv.target.stride
    cdef PixelPlaces at
    cdef Panel panel
    cdef Py_ssize_t[4] u
    cdef Py_ssize_t[4] count
    cdef Py_ssize_t[4] origin
    cdef Py_ssize_t[3] phase
    cdef Py_ssize_t tiles = tiles_of(conv), part = unit % job.parts
    cdef Py_ssize_t group = unit // job.parts // tiles
    cdef Py_ssize_t k, p, listed = -1, patterns = 0, taps
    cdef const real* packed = <const real*> conv.packed + group * panels_of_group(job)
    cdef const real* x = <const real*> (
        conv.source.grid.data + group * job.channels * conv.source.grid.channel
    )
    cdef int a
    pixel_places(&at, scratch, job, real is double)
    tile_of(conv, unit // job.parts % tiles, u, count)
    for a in range(4):
        origin[a] = u[a] * job.pace[a] + job.lead[a] if job.copied else 0
    if job.copied:
        copy_tile(<real*> at.tile, job, group * job.channels, u, count)
        x = <const real*> at.tile
    for k in range(part * job.part, min((part + 1) * job.part, job.phases * job.blocks)):
        p = k // job.blocks
        if p != listed:
            phase[0] = p // (stride[2] * stride[3])
            phase[1] = p // stride[3] % stride[2]
            phase[2] = p % stride[3]
            patterns = list_patterns(
                &at, job, phase,
                conv.target.data + group * conv.rows * conv.target.channel, u, count, origin,
            )
            listed = p
        choose_panel(&panel, job, k % job.blocks, k % job.blocks > 0 and k > part * job.part)
        for a in range(patterns):
            taps = list_taps(&at, job, phase, at.patterns + a)
            sum_pattern(
                &at, job, &panel, x + (panel.row if job.apart else 0),
                packed + panel_at(job, p, k % job.blocks * job.lanes), taps, at.patterns + a,
            )


cdef void conv_pixels_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    conv_pixels(<const PixelJob*> job, unit, scratch, <float*> NULL)


cdef void conv_pixels_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    conv_pixels(<const PixelJob*> job, unit, scratch, <double*> NULL)


# --- packing ---------------------------------------------------------------------------------

cdef struct PanelJob:
    const PixelJob* pixels
    const void* weight  # as for PackJob
    const void* bias
    void* packed
    Py_ssize_t by_row, by_inner
    Py_ssize_t chunk  # channels summed over that are taken at a time

cdef struct PanelPlaces:
    void** rows
    void** to  # by tap
    char* numbers


cdef size_t panel_places(
    PanelPlaces* at, char* scratch, const PanelJob* pack, bint wide
) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed."""
    cdef Py_ssize_t lanes = pack.pixels.lanes, taps = pack.pixels.conv.taps
    cdef char* end = scratch
    at.rows = <void**> take(&end, lanes * sizeof(void*))
    at.to = <void**> take(&end, taps * sizeof(void*))
    at.numbers = take(
        &end, lanes * pack.chunk * taps * (sizeof(double) if wide else sizeof(float))
    )
    return end - scratch


cdef void begin_panels(
    const PanelPlaces* at, const PixelJob* job, real* packed, const real* bias, Py_ssize_t block,
    const Panel* panel,
) noexcept nogil:
    """What the sums of a block begin with, and by tap where its weights go."""
    cdef Py_ssize_t phase, t, i
    cdef real* to
    for phase in range(job.phases):
        to = packed + panel_at(job, phase, block * job.lanes)
        for i in range(panel.lanes):
            to[i] = 0
            if bias != NULL and panel.row + i < job.conv.rows:
                to[i] = bias[panel.row + i]
        to += panel.lanes
        for t in range(job.before[phase], job.before[phase + 1]):
            at.to[job.order[t]] = to
            to += panel.lanes * job.conv.inner


cdef void pack_panels(
    const void* data, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """The panels of a block of channels, of all phases.

    By what the sums begin with, then by tap, channel summed over, lane.
    """
    cdef const PanelJob* pack = <const PanelJob*> data
    cdef const PixelJob* job = pack.pixels
    cdef const ConvJob* conv = &job.conv
    cdef Py_ssize_t group = unit // job.blocks, block = unit % job.blocks
    cdef const real* weight = <const real*> pack.weight
    cdef const real* bias = <const real*> pack.bias
    cdef Py_ssize_t c = 0, n, i, t, rows
    cdef PanelPlaces at
    cdef Panel panel
    cdef real* numbers
    panel_places(&at, scratch, pack, real is double)
    choose_panel(&panel, job, block, False)
    weight += group * conv.rows * conv.inner * conv.taps + panel.row * pack.by_row
    begin_panels(
        &at, job, <real*> pack.packed + group * panels_of_group(job),
        NULL if bias == NULL else bias + group * conv.rows, block, &panel,
    )
    numbers = <real*> at.numbers
    memset(numbers, 0, panel.lanes * pack.chunk * conv.taps * sizeof(real))
    rows = min(panel.lanes, conv.rows - panel.row)
    while c < conv.inner:
        n = min(pack.chunk, conv.inner - c)
        for i in range(rows):
            at.rows[i] = <void*> (weight + c * pack.by_inner + i * pack.by_row)
        transpose(numbers, panel.lanes, <const real**> at.rows, rows, n * conv.taps)
        for i in range(n):
            for t in range(conv.taps):
                copy_lanes(
                    <real*> at.to[t] + (c + i) * panel.lanes,
                    numbers + (i * conv.taps + t) * panel.lanes, panel.lanes,
                )
        c += n


cdef void pack_panels_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    pack_panels(job, unit, scratch, <float*> NULL)


cdef void pack_panels_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    pack_panels(job, unit, scratch, <double*> NULL)


# --- the door to Python ----------------------------------------------------------------------

# Bytes of a register.
REGISTER = LANES_float * sizeof(float)


cdef void fill_pixel_job(
    PixelJob* job, tables, source, target, int code, bint wide, groups, Py_ssize_t taps
):
    """Arrays and tables."""
    cdef ConvJob* conv = &job.conv
    memset(job, 0, sizeof(PixelJob))
    if wide:
        choose_codec(&conv.codec, code, <double*> NULL)
    else:
        choose_codec(&conv.codec, code, <float*> NULL)
    fill_grid(&conv.source.grid, source, tables.pace, code, wide)
    fill_grid(&conv.target, target, tables.stride, code, wide)
    conv.count = indices(tables.count)
    conv.tile = indices(tables.tile)
    conv.tiles = indices(tables.tiles)
    conv.groups = groups
    conv.inner = source.shape[1] // groups
    conv.rows = target.shape[1] // groups
    conv.taps = taps
    job.pace = indices(tables.pace)
    job.first = indices(tables.first)
    job.begin = indices(tables.begin)
    job.shift = indices(tables.shift)
    job.before = indices(tables.before)
    job.order = indices(tables.order)
    job.lead = indices(tables.lead)
    job.extent = indices(tables.extent)
    job.phases = len(tables.before) - 1


cdef void choose_reading(PixelJob* job, Py_ssize_t number) noexcept:
    """Whether pixels can be read where they lie, and how far apart they are."""
    cdef const ConvJob* conv = &job.conv
    cdef const Grid* grid = &conv.source.grid
    cdef Py_ssize_t a, apart = grid.step[3] * job.pace[3]
    job.copied = conv.source.edge or not grid.direct
    if job.apart:
        job.copied = job.copied or conv.rows < job.register
    else:
        # All pixels of a block would fall into the same lines of the first cache.
        job.copied = job.copied or apart % 4096 == 0
    for a in range(4):
        job.copied = job.copied or grid.step[a] % number != 0
        job.step[a] = grid.step[a] // number
    if job.copied:
        job.step[3] = job.channels + (16 if job.channels % 128 == 0 else 0)
        for a in range(2, -1, -1):
            job.step[a] = job.step[a + 1] * job.extent[a + 1]


cdef void choose_panels(PixelJob* job, Py_ssize_t register) noexcept:
    cdef ConvJob* conv = &job.conv
    job.channels = conv.inner
    job.apart = conv.inner == 1 and conv.rows == 1
    if job.apart:
        job.channels = conv.rows = conv.groups
        conv.groups = 1
    job.padded = (conv.rows + register - 1) // register * register
    job.register = register
    job.lanes = 2 * register if conv.rows >= 2 * register else register
    job.blocks = (job.padded + job.lanes - 1) // job.lanes


cdef void split_panels(PixelJob* job, Py_ssize_t units, int threads) noexcept:
    """Cut the panels of a tile into parts, so that all threads find work."""
    cdef Py_ssize_t panels = job.phases * job.blocks
    cdef Py_ssize_t wanted = (4 * threads + units - 1) // max(<Py_ssize_t> 1, units)
    wanted = min(panels, wanted if threads > 1 else 1)
    job.part = (panels + wanted - 1) // wanted
    job.parts = (panels + job.part - 1) // job.part


def convolve_pixels(
    tables, source, target, weight, bias, groups, bint by_input, bint edge, int code, bint wide,
    int threads,
):
    """As `convolve`, for arrays whose channels lie side by side; `tables` are `PixelTables`."""
    cdef PixelJob job
    cdef PanelJob pack
    cdef PixelPlaces unused
    cdef PanelPlaces unused_too
    cdef ConvJob* conv = &job.conv
    cdef Py_ssize_t units, numbers, taps = len(tables.order)
    cdef size_t scratch, pack_scratch
    cdef int failed
    fill_pixel_job(&job, tables, source, target, code, wide, groups, taps)
    conv.source.edge = edge
    threads = threads_of(target.size, conv.inner * taps // job.phases, threads)
    choose_panels(&job, LANES_double if wide else LANES_float)
    choose_reading(&job, sizeof(double) if wide else sizeof(float))
    units = conv.groups * tiles_of(conv)
    split_panels(&job, units, threads)
    numbers = conv.groups * panels_of_group(&job)
    packed = np.empty(numbers, weight.dtype)
    pack.pixels = &job
    pack.weight = address(weight)
    pack.bias = NULL if bias is None else address(bias)
    pack.packed = <void*> address(packed)
    pack.by_row = conv.inner * taps if by_input else taps
    pack.by_inner = taps if by_input else conv.rows * taps
    pack.chunk = max(1, 64 // taps) if pack.by_inner == taps else 1
    conv.packed = pack.packed
    scratch = pixel_places(&unused, NULL, &job, wide)
    pack_scratch = panel_places(&unused_too, NULL, &pack, wide)
    with nogil:
        failed = run_units(
            pack_panels_double if wide else pack_panels_float, &pack, conv.groups * job.blocks,
            threads if numbers > 1 << 15 else 1, pack_scratch,
        )
        if not failed:
            failed = run_units(
                conv_pixels_double if wide else conv_pixels_float, &job, units * job.parts,
                threads, scratch,
            )
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")
