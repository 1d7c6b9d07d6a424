# Convolutions whose output channels fill registers: they lie in the lanes.
#
# The sums are those of _conv.pxi, in the same order; but pixels are broadcast (_gemm_pixels.h),
# and read where they lie if their channels lie side by side, or from a tile in which they do
# (_pixel_tiles.pxi).  Where every channel is a group of its own, the lanes take neighbours.
#
# Positions of a tile are listed by phase, and for each phase by the taps that find a sample: a
# pattern.  So there is no halo, and what would be multiplied by its zeros is left out, a part of
# 1 / 16 with 16 by 16 positions and kernels of twice the stride.
#
# A unit takes a tile with all panels of weights or some; what it reads of the input should stay in
# the second cache with a panel.  Outputs whose channels do not lie side by side are first put
# into rows of pixels, all phases along W, and turned from there.

cdef extern from "_gemm_pixels.h" nogil:
    Py_ssize_t low_block(Py_ssize_t, Py_ssize_t)
    void sum_pixels_float(
        Py_ssize_t, Py_ssize_t, bint, float**, Py_ssize_t, const float**, Py_ssize_t,
        const float*, const Py_ssize_t*, const Py_ssize_t*, const float*, const Py_ssize_t*,
        Py_ssize_t, Py_ssize_t,
    )
    void sum_pixels_double(
        Py_ssize_t, Py_ssize_t, bint, double**, Py_ssize_t, const double**, Py_ssize_t,
        const double*, const Py_ssize_t*, const Py_ssize_t*, const double*, const Py_ssize_t*,
        Py_ssize_t, Py_ssize_t,
    )

cdef struct Segment:
    # Positions along an axis with the same taps.
    Py_ssize_t start, stop, low, high
    Py_ssize_t ahead  # where they read, counted from their own

cdef struct Pattern:
    # Positions with the same taps along all axes, some of those listed.
    Py_ssize_t first, number
    Py_ssize_t[3] low
    Py_ssize_t[3] high

cdef struct PixelJob:
    Reading source
    Grid target
    Codec codec
    Panels panels
    const void* packed
    const Py_ssize_t* count  # positions, of a tile, tiles: by axis
    const Py_ssize_t* tile
    const Py_ssize_t* tiles
    const Py_ssize_t* first  # the tables; see pixel_tables.py
    const Py_ssize_t* begin
    const Py_ssize_t* shift
    const Py_ssize_t* base  # position u of a phase is the output u * stride + phase - base
    const Py_ssize_t* pace  # places read from position to position,
    Py_ssize_t[4] step  # and numbers from place to place
    const Sharing* sharing  # NULL but for resize-convolutions; see _products.pxi
    Py_ssize_t groups
    bint apart  # every channel is a group of its own; then there is one group of all, inner 1
    bint joined  # what neighbouring taps along W read lies side by side
    bint direct  # outputs are numbers of the arithmetic, channels side by side
    bint turned  # outputs go through rows of pixels
    Py_ssize_t part, parts  # panels of a unit; into how many units a tile is cut

cdef struct PixelList:
    # The positions of a phase.
    Py_ssize_t* place  # what shift 0 reads,
    char** to  # and the output
    Pattern* patterns
    Py_ssize_t number  # of patterns

cdef struct PixelPlaces:
    # A unit's share of the scratch memory.
    char* tile
    ReadingStage stage
    char* middle  # a row of pixels,
    char* derived  # what is made of the tile,
    char* shared  # and what phases share of outputs
    PixelList all  # of that: all positions
    PixelList* lists  # by phase along W
    Segment* segments[3]
    Py_ssize_t* tap  # of a pattern: where its weights begin,
    Py_ssize_t* offset  # and where it reads
    char* o  # outputs on their way
    void** rows
    char* numbers
    char* items


cdef void take_list(PixelList* list, char** end, Py_ssize_t positions) noexcept nogil:
    list.place = <Py_ssize_t*> take(end, positions * sizeof(Py_ssize_t))
    list.to = <char**> take(end, positions * sizeof(char*))
    list.patterns = <Pattern*> take(end, positions * sizeof(Pattern))


cdef size_t pixel_places(
    PixelPlaces* at, char* scratch, const PixelJob* job, bint wide
) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed."""
    cdef size_t number = sizeof(double) if wide else sizeof(float)
    cdef const Py_ssize_t* tile = job.tile
    cdef Py_ssize_t positions = tile[0] * tile[1] * tile[2] * tile[3], a
    cdef Py_ssize_t phases = job.target.stride[3], row = tile[3] * phases
    cdef Py_ssize_t lanes = MOST_VECS * job.panels.register
    cdef PixelList unused
    cdef char* end = scratch
    # Whole registers are read of few channels.
    at.tile = take(&end, (reading_numbers(&job.source) + job.panels.register) * number)
    take_stage(&at.stage, &end, job.source.extent[3] if job.source.kind == TURNED else 0, number)
    if job.sharing != NULL:
        a = (tile[3] + 2) * job.sharing.across.lines * job.source.step[3] + RUN_SLACK
        at.middle = take(&end, a * number)
        a = job.sharing.down.number * job.sharing.across.number * job.sharing.plane
        at.derived = take(&end, a * number)
        a = job.sharing.shares * job.sharing.positions * lanes
        at.shared = take(&end, a * number)
        take_list(&at.all, &end, job.sharing.positions)
    at.lists = <PixelList*> take(&end, phases * sizeof(PixelList))
    for a in range(phases):
        # The lists themselves are cut when there is memory.
        take_list(at.lists + a if scratch != NULL else &unused, &end, positions)
    for a in range(3):
        at.segments[a] = <Segment*> take(&end, (tile[1 + a] + 2) * sizeof(Segment))
    at.tap = <Py_ssize_t*> take(&end, job.panels.taps * sizeof(Py_ssize_t))
    at.offset = <Py_ssize_t*> take(&end, job.panels.taps * sizeof(Py_ssize_t))
    a = positions * phases if job.turned else MOST_LOW
    at.o = take(&end, a * lanes * number)
    a = row if job.turned else 0
    at.rows = <void**> take(&end, a * sizeof(void*))
    at.numbers = take(&end, a * lanes * number)
    at.items = take(&end, a * 8)
    return end - scratch


# --- positions -------------------------------------------------------------------------------


cdef inline Py_ssize_t taps_of(
    const PixelJob* job, int axis, Py_ssize_t phase, const Py_ssize_t** shift
) noexcept nogil:
    """How many taps a phase of an axis has, and where they read."""
    cdef const Py_ssize_t* begin = job.begin + job.first[axis] + phase
    shift[0] = job.shift + begin[0]
    return begin[1] - begin[0]


cdef inline void phase_of(
    Py_ssize_t number, const Py_ssize_t* stride, Py_ssize_t* phase
) noexcept nogil:
    """The phases along D, H and W of a phase."""
    phase[0] = number // (stride[2] * stride[3])
    phase[1] = number // stride[3] % stride[2]
    phase[2] = number % stride[3]


cdef inline Py_ssize_t divided_up(Py_ssize_t n, Py_ssize_t by) noexcept nogil:
    """n / by, rounded towards infinity."""
    return (n + by - 1) // by if n > 0 else -(-n // by)


cdef Py_ssize_t cut_axis(
    Segment* to, const PixelJob* job, int axis, Py_ssize_t phase, Py_ssize_t u, Py_ssize_t count
) noexcept nogil:
    """Positions of a tile that have an output of this phase, by what taps find a sample."""
    cdef const Grid* target = &job.target
    cdef Py_ssize_t length = job.source.grid.length[axis], pace = job.pace[axis]
    cdef Py_ssize_t stride = target.stride[axis], number = 0, k, at, low, high, taps
    cdef Py_ssize_t whole = 0, end = count  # where all taps find one
    cdef const Py_ssize_t* shift
    taps = taps_of(job, axis, phase, &shift)
    phase -= job.base[axis]
    count = min(count, (target.length[axis] - phase + stride - 1) // stride - u)
    if taps > 0 and not job.source.edge and job.sharing == NULL:
        whole = divided_up(-shift[0], pace) - u
        end = divided_up(length - shift[taps - 1], pace) - u
    k = 1 if u == 0 and phase < 0 else 0
    while k < count:
        at = (u + k) * pace
        low, high = 0, taps
        if not whole <= k < end:
            while low < taps and not 0 <= at + shift[low] < length:
                low += 1
            high = low
            while high < taps and 0 <= at + shift[high] < length:
                high += 1
        if number == 0 or to[number - 1].low != low or to[number - 1].high != high:
            to[number].start = k
            to[number].low = low
            to[number].high = high
            to[number].ahead = 0
            number += 1
        k = min(end, count) if whole <= k < end else k + 1
        to[number - 1].stop = k
    return number


cdef Py_ssize_t cut_ends(
    Segment* to, Py_ssize_t number, const PixelJob* job, int axis, Py_ssize_t phase,
    Py_ssize_t u, Py_ssize_t count,
) noexcept nogil:
    """Outputs beside the border read a position behind it, if it is there for their phase."""
    cdef const Derived* derived = &job.sharing.across if axis == 3 else &job.sharing.down
    if number > 0 and is_first(derived, u) and phase == derived.start and to[0].start == 0:
        if to[0].stop > 1:
            to[1] = to[0]
            to[1].start = 1
            to[0].stop = 1
            number += 1
        to[0].ahead = -1
    if (
        number > 0 and is_last(derived, u, count, job.count[axis]) and phase == derived.stop
        and to[number - 1].stop == count
    ):
        if to[number - 1].start < count - 1:
            to[number] = to[number - 1]
            to[number - 1].stop = to[number].start = count - 1
            number += 1
        to[number - 1].ahead = 1
    return number


cdef struct Targets:
    # Where outputs go: position by position, phase by phase.
    char* data
    Py_ssize_t[4] step  # bytes from position to position
    Py_ssize_t[4] phase  # and from phase to phase


cdef void choose_targets(
    Targets* to, const PixelPlaces* at, const PixelJob* job, Py_ssize_t group,
    const Py_ssize_t* u, const Py_ssize_t* count, size_t number,
) noexcept nogil:
    """Of the channels of a group, or of rows of pixels in scratch memory."""
    cdef const Grid* grid = &job.target
    cdef Py_ssize_t lanes = MOST_VECS * job.panels.register * number
    cdef int a
    if job.turned:
        to.data = at.o
        to.phase[3] = lanes
        to.step[3] = lanes * grid.stride[3]
        to.step[2] = to.step[3] * count[3]
        to.step[1] = to.step[2] * count[2]
        to.step[0] = to.step[1] * count[1]
        to.phase[0] = to.phase[1] = to.phase[2] = 0
        return
    to.data = grid.data + group * job.panels.rows * grid.channel
    for a in range(4):
        to.phase[a] = grid.step[a]
        to.step[a] = grid.step[a] * grid.stride[a]
        to.data += u[a] * to.step[a] - job.base[a] * grid.step[a]


cdef Py_ssize_t list_pixels(
    const PixelList* list, const PixelJob* job, const Segment** segment, Py_ssize_t first,
    char* target, const Targets* to, const Py_ssize_t* u, const Py_ssize_t* count,
    const Py_ssize_t* origin,
) noexcept nogil:
    """Append the positions of a segment of each axis; their number."""
    # Compilers load again what might be written by the stores to the list.
    cdef Py_ssize_t step = job.pace[3] * job.step[3], to_step = to.step[3]
    cdef Py_ssize_t width = segment[2].stop - segment[2].start
    cdef Py_ssize_t n, d, h, w = segment[2].start, read, number = first
    cdef Py_ssize_t* place
    cdef char** out
    cdef char* row
    for n in range(count[0]):
        for d in range(segment[0].start, segment[0].stop):
            for h in range(segment[1].start, segment[1].stop):
                w = segment[2].start
                row = target + n * to.step[0] + d * to.step[1] + h * to.step[2] + w * to_step
                read = (u[0] + n - origin[0]) * job.step[0]
                read += ((u[1] + d) * job.pace[1] - origin[1]) * job.step[1]
                read += ((u[2] + h) * job.pace[2] - origin[2] + segment[1].ahead) * job.step[2]
                read += ((u[3] + w) * job.pace[3] - origin[3] + segment[2].ahead) * job.step[3]
                place = list.place + number
                out = list.to + number
                for w in range(width):
                    place[w] = read + w * step
                    out[w] = row + w * to_step
                number += width
    return number - first


cdef void list_patterns(
    PixelList* list, const PixelPlaces* at, const PixelJob* job, const Py_ssize_t* phase,
    const Targets* to, const Py_ssize_t* u, const Py_ssize_t* count, const Py_ssize_t* origin,
) noexcept nogil:
    """The positions of a tile that have an output of this phase, pattern by pattern."""
    cdef Py_ssize_t[3] segments
    cdef const Segment* segment[3]
    cdef Py_ssize_t first = 0, i, j, k
    cdef Pattern* pattern
    cdef char* target = to.data
    cdef int a
    for a in range(3):
        segments[a] = cut_axis(at.segments[a], job, 1 + a, phase[a], u[1 + a], count[1 + a])
        if job.sharing != NULL and a > 0:
            segments[a] = cut_ends(
                at.segments[a], segments[a], job, 1 + a, phase[a], u[1 + a], count[1 + a]
            )
        target += phase[a] * to.phase[1 + a]
    list.number = 0
    for i in range(segments[0]):
        segment[0] = at.segments[0] + i
        for j in range(segments[1]):
            segment[1] = at.segments[1] + j
            for k in range(segments[2]):
                segment[2] = at.segments[2] + k
                pattern = list.patterns + list.number
                pattern.first = first
                pattern.number = list_pixels(
                    list, job, segment, first, target, to, u, count, origin
                )
                for a in range(3):
                    pattern.low[a] = segment[a].low
                    pattern.high[a] = segment[a].high
                first += pattern.number
                list.number += 1


cdef void list_phases(
    const PixelPlaces* at, const PixelJob* job, Py_ssize_t* phase, const Targets* to,
    const Py_ssize_t* u, const Py_ssize_t* count, const Py_ssize_t* origin,
) noexcept nogil:
    """The positions of all phases along W."""
    cdef Py_ssize_t p
    for p in range(job.target.stride[3]):
        phase[2] = p
        list_patterns(at.lists + p, at, job, phase, to, u, count, origin)


cdef struct Taps:
    # What is summed up in one go, so many times.
    Py_ssize_t number, channels


cdef Taps list_products(
    const PixelPlaces* at, const PixelJob* job, Py_ssize_t k, Py_ssize_t lanes
) noexcept nogil:
    """The taps of a class, which read derived planes."""
    cdef Py_ssize_t first = job.panels.before[k], t
    cdef Taps found
    found.number = job.panels.before[k + 1] - first
    found.channels = job.panels.inner
    for t in range(found.number):
        at.tap[t] = t * job.panels.inner * lanes
        at.offset[t] = job.sharing.reads[first + t] * job.sharing.plane
    return found


cdef Taps list_taps(
    const PixelPlaces* at, const PixelJob* job, const Py_ssize_t* phase, const Pattern* pattern,
    Py_ssize_t lanes,
) noexcept nogil:
    """The taps of a pattern, in their order; neighbours that read side by side are one."""
    cdef const Py_ssize_t* shift[3]
    cdef const Py_ssize_t* step = job.step
    cdef Py_ssize_t[3] taps
    cdef Py_ssize_t d, h, w, last = pattern.high[2]
    cdef Taps found
    cdef int a
    found.number = 0
    found.channels = job.panels.inner
    for a in range(3):
        taps[a] = taps_of(job, 1 + a, phase[a], &shift[a])
    if job.joined and pattern.high[2] > pattern.low[2]:
        found.channels *= pattern.high[2] - pattern.low[2]
        last = pattern.low[2] + 1
    for d in range(pattern.low[0], pattern.high[0]):
        for h in range(pattern.low[1], pattern.high[1]):
            for w in range(pattern.low[2], last):
                at.tap[found.number] = (
                    ((d * taps[1] + h) * taps[2] + w) * job.panels.inner * lanes
                )
                at.offset[found.number] = (
                    shift[0][d] * step[1] + shift[1][h] * step[2] + shift[2][w] * step[3]
                )
                found.number += 1
    return found


# --- sums ------------------------------------------------------------------------------------


cdef inline void sum_block(
    Py_ssize_t pixels, Py_ssize_t vecs, bint apart, real** to, Py_ssize_t last, const real** from_,
    Py_ssize_t froms, const real* x, const Py_ssize_t* place, const Py_ssize_t* offset,
    const real* w, const Py_ssize_t* weight, Py_ssize_t taps, Py_ssize_t channels,
) noexcept nogil:
    if real is float:
        sum_pixels_float(
            pixels, vecs, apart, to, last, from_, froms, x, place, offset, w, weight, taps,
            channels,
        )
    else:
        sum_pixels_double(
            pixels, vecs, apart, to, last, from_, froms, x, place, offset, w, weight, taps,
            channels,
        )


cdef struct Begin:
    # What sums begin with besides the bias: shared classes, all positions of each.
    Py_ssize_t number
    const void* shared[3]


cdef void sum_pattern(
    const PixelPlaces* at, const PixelJob* job, const Panel* panel, const PixelList* list,
    const Begin* begin, const real* x, const real* w, const Taps* taps, const Pattern* pattern,
) noexcept nogil:
    """The outputs of a panel for the positions of a pattern, whose taps are listed."""
    cdef Py_ssize_t lanes = MOST_VECS * job.panels.register
    cdef Py_ssize_t last = panel.lanes - job.panels.register
    cdef Py_ssize_t q = pattern.first, stop = q + pattern.number, m, n, k, skip = 0
    cdef bint in_place = job.turned or (
        job.direct and panel.channels >= job.panels.register
    )
    cdef real* o = <real*> at.o
    cdef real* to[8]  # MOST_LOW at most
    cdef const real* from_[32]
    cdef Run[2] run
    cdef int i, runs = runs_of_panel(run, panel)
    if not job.turned:
        skip = panel.start * job.target.size
        last = panel.last if in_place else last
    for m in range(MOST_LOW):
        to[m] = o + m * panel.lanes
        from_[m] = w
    while q < stop:
        n = low_block(stop - q, panel.vecs)
        if in_place:
            for m in range(n):
                to[m] = <real*> (list.to[q + m] + skip)
        for k in range(begin.number):
            for m in range(n):
                from_[(k + 1) * MOST_LOW + m] = (
                    <const real*> begin.shared[k] + list.place[q + m] // job.step[3] * lanes
                )
        sum_block(
            n, panel.vecs, job.apart, to, last, from_, 1 + begin.number, x, list.place + q,
            at.offset, w + panel.lanes, at.tap, taps.number,
            panel.last if job.apart else taps.channels,
        )
        if not in_place:
            for m in range(n):
                for i in range(runs):
                    job.codec.store(
                        list.to[q + m] + skip + run[i].channel * job.target.size,
                        o + m * panel.lanes + run[i].lane, run[i].number, NULL, NULL,
                    )
        q += n


cdef void list_all(
    PixelList* list, const PixelJob* job, const Py_ssize_t* u, const Py_ssize_t* count
) noexcept nogil:
    """All positions of a tile of derived planes; where they go depends on the class."""
    cdef const Derived* down = &job.sharing.down
    cdef const Derived* across = &job.sharing.across
    cdef Py_ssize_t top = down.ends - is_first(down, u[2])
    cdef Py_ssize_t bottom = down.ends + count[2] + is_last(down, u[2], count[2], job.count[2])
    cdef Py_ssize_t left = across.ends - is_first(across, u[3])
    cdef Py_ssize_t right = across.ends + count[3] + is_last(
        across, u[3], count[3], job.count[3]
    )
    cdef Pattern* pattern = list.patterns
    cdef Py_ssize_t n, h, w
    pattern.first = pattern.number = 0
    for n in range(count[0]):
        for h in range(top, bottom):
            for w in range(left, right):
                list.place[pattern.number] = (
                    n * job.step[0] + h * job.step[2] + w * job.step[3]
                )
                pattern.number += 1


cdef void sum_shared(
    const PixelPlaces* at, const PixelJob* job, const Panel* panel, const real* x,
    const real* packed,
) noexcept nogil:
    """What phases share of the outputs of a panel."""
    cdef const Sharing* sharing = job.sharing
    cdef Py_ssize_t lanes = MOST_VECS * job.panels.register, k, q, m, n
    cdef const Pattern* pattern = at.all.patterns
    cdef real* o
    cdef real* to[8]
    cdef const real* from_[8]
    cdef const real* w
    cdef Taps taps
    for k in range(sharing.shares):
        taps = list_products(at, job, sharing.phases + k, panel.lanes)
        w = packed + panel_at(&job.panels, sharing.phases + k, panel)
        o = <real*> at.shared + k * sharing.positions * lanes
        for m in range(MOST_LOW):
            from_[m] = w
        q = 0
        while q < pattern.number:
            n = low_block(pattern.number - q, panel.vecs)
            for m in range(n):
                to[m] = o + at.all.place[q + m] // job.step[3] * lanes
            sum_block(
                n, panel.vecs, False, to, panel.lanes - job.panels.register, from_, 1, x,
                at.all.place + q, at.offset, w + panel.lanes, at.tap, taps.number,
                taps.channels,
            )
            q += n


cdef void choose_begin(
    Begin* begin, const PixelPlaces* at, const PixelJob* job, Py_ssize_t phase, real* number
) noexcept nogil:
    """The shared classes of a phase."""
    cdef const Sharing* sharing = job.sharing
    cdef Py_ssize_t each, k
    begin.number = 0
    if sharing != NULL:
        each = MOST_VECS * job.panels.register * sharing.positions
        for k in range(sharing.first[phase], sharing.first[phase + 1]):
            begin.shared[begin.number] = (
                <const real*> at.shared + (sharing.shared[k] - sharing.phases) * each
            )
            begin.number += 1


cdef void store_turned(
    char* to, const PixelPlaces* at, const PixelJob* job, Py_ssize_t n, Py_ssize_t channels,
    real* number,
) noexcept nogil:
    """A row of `n` outputs of some channels, of which the pixels are listed in ``at.rows``."""
    cdef const Grid* grid = &job.target
    cdef const real** rows = <const real**> at.rows
    cdef real* numbers = <real*> at.numbers
    cdef Py_ssize_t size = grid.size, c
    if grid.direct and grid.step[3] == size and grid.channel % size == 0:
        transpose(<real*> to, grid.channel // size, rows, n, channels)
        return
    transpose(numbers, n, rows, n, channels)
    for c in range(channels):
        if grid.step[3] == size:
            job.codec.store(to, numbers + c * n, n, NULL, NULL)
        else:
            job.codec.store(at.items, numbers + c * n, n, NULL, NULL)
            scatter_items(to, at.items, n, grid.step[3], size)
        to += grid.channel


cdef void turn_outputs(
    const PixelPlaces* at, const PixelJob* job, const Panel* panel, Py_ssize_t group,
    const Py_ssize_t* phase, const Py_ssize_t* u, const Py_ssize_t* count, real* number,
) noexcept nogil:
    """Rows of pixels of a panel, all phases along W, to where they belong.

    To ask for their lines while sums go on gained nothing: -5 to 5 %.
    """
    cdef const Grid* grid = &job.target
    cdef Py_ssize_t lanes = MOST_VECS * job.panels.register
    cdef Py_ssize_t row = count[3] * grid.stride[3], x = u[3] * grid.stride[3] - job.base[3]
    cdef Py_ssize_t skip = max(<Py_ssize_t> 0, -x)
    cdef Py_ssize_t width = min(row, grid.length[3] - x) - skip, n, d, h, z, y, i
    cdef const real** rows = <const real**> at.rows
    cdef const real* o
    cdef char* to
    cdef Run[2] run
    cdef int k
    for k in range(runs_of_panel(run, panel)):
        for n in range(count[0]):
            for d in range(count[1]):
                z = (u[1] + d) * grid.stride[1] + phase[0] - job.base[1]
                for h in range(count[2]):
                    y = (u[2] + h) * grid.stride[2] + phase[1] - job.base[2]
                    if not (0 <= z < grid.length[1] and 0 <= y < grid.length[2]):
                        continue
                    o = <const real*> at.o + run[k].lane
                    o += (((n * count[1] + d) * count[2] + h) * row + skip) * lanes
                    for i in range(width):
                        rows[i] = o + i * lanes
                    i = group * job.panels.rows + panel.start + run[k].channel
                    to = grid.data + i * grid.channel + (x + skip) * grid.step[3]
                    to += (u[0] + n) * grid.step[0] + z * grid.step[1] + y * grid.step[2]
                    store_turned(to, at, job, width, run[k].number, number)


cdef inline void derived_origin(
    Py_ssize_t* origin, const Sharing* sharing, const Py_ssize_t* u
) noexcept nogil:
    """The position that lies first in the planes derived from a tile."""
    memcpy(origin, u, 4 * sizeof(Py_ssize_t))
    origin[2] -= sharing.down.ends
    origin[3] -= sharing.across.ends


cdef void sum_panel(
    const PixelPlaces* at, const PixelJob* job, const Panel* panel, Py_ssize_t* phase,
    const real* x, const real* packed,
) noexcept nogil:
    """The outputs of a panel of all phases along W, whose positions are listed."""
    cdef const Py_ssize_t* stride = job.target.stride
    cdef Py_ssize_t number = (phase[0] * stride[2] + phase[1]) * stride[3], p, k
    cdef const Pattern* pattern
    cdef const real* w
    cdef Begin begin
    cdef Taps taps
    if job.apart:
        x += panel.start
    for p in range(stride[3]):
        phase[2] = p
        choose_begin(&begin, at, job, number + p, <real*> NULL)
        w = packed + panel_at(&job.panels, number + p, panel)
        for k in range(at.lists[p].number):
            pattern = at.lists[p].patterns + k
            if job.sharing != NULL:
                taps = list_products(at, job, number + p, panel.lanes)
            else:
                taps = list_taps(at, job, phase, pattern, panel.lanes)
            sum_pattern(at, job, panel, at.lists + p, &begin, x, w, &taps, pattern)


cdef void conv_pixels(
    const PixelJob* job, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """Outputs of a tile: those of some panels of a group."""
    cdef const Panels* panels = &job.panels
    cdef Py_ssize_t phases = job.target.stride[1] * job.target.stride[2]  # along D and H
    cdef PixelPlaces at
    cdef Panel panel
    cdef Targets to
    cdef Py_ssize_t[4] u
    cdef Py_ssize_t[4] count
    cdef Py_ssize_t[4] origin
    cdef Py_ssize_t[3] phase
    cdef Py_ssize_t tiles = tiles_of(job.tiles), first = unit % job.parts * job.part
    cdef Py_ssize_t group = unit // job.parts // tiles
    cdef Py_ssize_t k, p, block, last_p = -1, last_block = -1
    cdef const real* packed = <const real*> job.packed + group * numbers_of_panels(panels)
    cdef const real* x
    pixel_places(&at, scratch, job, real is double)
    tile_of(job.count, job.tile, job.tiles, unit // job.parts % tiles, u, count)
    x = read_tile(
        <real*> at.tile, &job.source, group * job.source.channels, u, count, &at.stage, origin
    )
    if job.sharing != NULL:
        derive_tile(
            <real*> at.derived, <real*> at.middle, x, &job.source, job.sharing, job.count, u,
            count,
        )
        x = <const real*> at.derived
        derived_origin(origin, job.sharing, u)
        list_all(&at.all, job, u, count)
    choose_targets(&to, &at, job, group, u, count, sizeof(real))
    for k in range(first, min(first + job.part, phases * panels.blocks)):
        # What is listed or shared is used as often as possible.
        if job.sharing != NULL:
            p, block = k % phases, k // phases
        else:
            p, block = k // panels.blocks, k % panels.blocks
        phase[0] = p // job.target.stride[2]
        phase[1] = p % job.target.stride[2]
        if p != last_p:
            list_phases(&at, job, phase, &to, u, count, origin)
            last_p = p
        if block != last_block:
            choose_panel(&panel, panels, block)
            if job.sharing != NULL:
                sum_shared(&at, job, &panel, x, packed)
            last_block = block
        sum_panel(&at, job, &panel, phase, x, packed)
        if job.turned:
            turn_outputs(&at, job, &panel, group, phase, u, count, number)


cdef void conv_pixels_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    conv_pixels(<const PixelJob*> job, unit, scratch, <float*> NULL)


cdef void conv_pixels_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    conv_pixels(<const PixelJob*> job, unit, scratch, <double*> NULL)


# --- the door to Python ----------------------------------------------------------------------

# Bytes of a register.
REGISTER = LANES_float * sizeof(float)


cdef void fill_pixel_job(
    PixelJob* job, Sharing* sharing, tables, source, target, groups, bint edge, int code,
    bint wide, list kept
):
    """Arrays and tables; what has to stay alive with the job goes to `kept`."""
    cdef Panels* panels = &job.panels
    cdef int a
    memset(job, 0, sizeof(PixelJob))
    if wide:
        choose_codec(&job.codec, code, <double*> NULL)
    else:
        choose_codec(&job.codec, code, <float*> NULL)
    fill_grid(&job.source.grid, source, tables.pace, code, wide)
    fill_grid(&job.target, target, tables.stride, code, wide)
    job.source.codec = job.codec
    job.source.edge = edge
    job.source.positions = job.tile = indices(tables.tile)
    job.source.pace = job.pace = indices(tables.pace)
    job.source.lead = indices(tables.lead)
    job.source.extent = indices(tables.extent)
    job.count = indices(tables.count)
    job.tiles = indices(tables.tiles)
    job.first = indices(tables.first)
    job.begin = indices(tables.begin)
    job.shift = indices(tables.shift)
    job.base = indices(tables.base)
    job.groups = groups
    panels.before = indices(tables.before)
    panels.order = indices(tables.order)
    panels.phases = panels.biased = len(tables.before) - 1
    panels.taps = len(tables.order)
    panels.inner = job.source.channels = source.shape[1] // groups
    panels.rows = target.shape[1] // groups
    job.apart = panels.inner == 1 and panels.rows == 1
    if job.apart:
        panels.rows = job.source.channels = groups
        job.groups = 1
    choose_panels(panels, LANES_double if wide else LANES_float)
    # Whole registers are read of few channels.
    job.source.copied = edge or (job.apart and panels.rows < panels.register)
    job.direct = job.target.direct and job.target.channel == job.target.size
    job.turned = job.target.channel != job.target.size
    choose_steps(job, sharing, tables, sizeof(double) if wide else sizeof(float), kept)


cdef void choose_steps(
    PixelJob* job, Sharing* sharing, tables, Py_ssize_t number, list kept
):
    """How far apart are what positions read: pixels of the source, or of what is derived."""
    cdef int a
    shared = hasattr(tables, "down")
    if shared:
        job.source.copied = True
        job.source.zeros = not job.source.edge
    choose_reading(&job.source, number)
    for a in range(4):
        job.step[a] = job.source.step[a]
    job.joined = not job.apart and tables.apart * job.step[3] == job.panels.inner
    if shared:
        fill_sharing(sharing, tables, &job.source, kept)
        job.sharing = sharing
        job.panels.biased = sharing.phases
        job.pace = indices(tables.still)
        job.step[2] = job.step[3] * sharing.width
        job.step[0] = job.step[1] = job.step[2] * sharing.height


cdef void split_panels(PixelJob* job, Py_ssize_t units, int threads) noexcept:
    """Cut the panels of a tile into parts, so that all threads find work."""
    cdef Py_ssize_t phases = job.target.stride[1] * job.target.stride[2]
    cdef Py_ssize_t panels = phases * job.panels.blocks
    cdef Py_ssize_t wanted = (4 * threads + units - 1) // max(<Py_ssize_t> 1, units)
    wanted = min(panels, wanted if threads > 1 else 1)
    job.part = (panels + wanted - 1) // wanted
    if job.sharing != NULL:  # by all phases
        job.part = up_to(job.part, phases)
    job.parts = (panels + job.part - 1) // job.part


cdef void fill_packing(
    PanelJob* pack, const Panels* panels, weight, bias, packed, bint by_input
):
    pack.panels = panels
    pack.weight = address(weight)
    pack.bias = NULL if bias is None else address(bias)
    pack.packed = <void*> address(packed)
    pack.by_row = panels.inner * panels.taps if by_input else panels.taps
    pack.by_inner = panels.taps if by_input else panels.rows * panels.taps
    pack.chunk = max(1, 64 // panels.taps) if pack.by_inner == panels.taps else 1
    # Some 32,000 weights.
    pack.slice = max(1, (1 << 15) // (max(1, panels.rows * panels.taps) * pack.chunk))
    pack.slice *= pack.chunk
    pack.slices = max(<Py_ssize_t> 1, (panels.inner + pack.slice - 1) // pack.slice)


def convolve_pixels(
    tables, source, target, weight, bias, groups, bint by_input, bint edge, int code, bint wide,
    int threads,
):
    """As `convolve`, output channels in the lanes; `tables` are `PixelTables`."""
    cdef PixelJob job
    cdef Sharing sharing
    cdef PanelJob pack
    cdef PixelPlaces unused
    cdef PanelPlaces unused_too
    cdef Panels* panels = &job.panels
    cdef Py_ssize_t units, numbers
    cdef size_t scratch, pack_scratch
    cdef int failed
    kept = []
    fill_pixel_job(&job, &sharing, tables, source, target, groups, edge, code, wide, kept)
    threads = threads_of(target.size, panels.inner * panels.taps // panels.phases, threads)
    units = job.groups * tiles_of(job.tiles)
    split_panels(&job, units, threads)
    numbers = job.groups * numbers_of_panels(panels)
    packed = new_workspace((numbers,), weight.dtype)
    fill_packing(&pack, panels, weight, bias, packed, by_input)
    job.packed = pack.packed
    scratch = pixel_places(&unused, NULL, &job, wide)
    pack_scratch = panel_places(
        &unused_too, NULL, &pack, sizeof(double) if wide else sizeof(float)
    )
    with nogil:
        failed = run_units(
            pack_panels_double if wide else pack_panels_float, &pack,
            job.groups * pack.slices, threads if numbers > 1 << 15 else 1,
            pack_scratch,
        )
        if not failed:
            failed = run_units(
                conv_pixels_double if wide else conv_pixels_float, &job, units * job.parts,
                threads, scratch,
            )
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")
