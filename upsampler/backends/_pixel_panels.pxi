# Weights as the sums over pixels read them.
#
# A panel has the weights of one phase for as many output channels as fill some registers: what the
# sums begin with (the bias), then by tap, by channel summed over, a number for each output channel.

cdef extern from "_gemm_pixels.h" nogil:
    enum:
        MOST_LOW
        MOST_VECS

cdef struct Panels:
    Py_ssize_t inner, rows  # channels of a group: summed over, computed
    Py_ssize_t register  # numbers of a register
    Py_ssize_t vecs  # registers that the rows take
    Py_ssize_t blocks  # panels of a phase
    Py_ssize_t phases, taps  # of all phases
    Py_ssize_t biased  # phases that begin with the bias: all that are not shared (_products.pxi)
    const Py_ssize_t* before  # taps of the phases before each
    const Py_ssize_t* order  # taps of the weight, phase by phase

cdef struct Panel:
    Py_ssize_t vecs, lanes
    Py_ssize_t start, channels  # the first channel and how many
    Py_ssize_t last  # where the last register lies, counted from there: early, if it is not full


cdef void choose_panels(Panels* panels, Py_ssize_t register) noexcept nogil:
    panels.register = register
    panels.vecs = (panels.rows + register - 1) // register
    panels.blocks = (panels.vecs + MOST_VECS - 1) // MOST_VECS


cdef void choose_panel(Panel* panel, const Panels* panels, Py_ssize_t block) noexcept nogil:
    """Panels of about equal width."""
    cdef Py_ssize_t each = panels.vecs // panels.blocks, more = panels.vecs % panels.blocks
    panel.vecs = each + (block < more)
    panel.lanes = panel.vecs * panels.register
    panel.start = (each * block + min(block, more)) * panels.register
    panel.channels = min(panel.lanes, panels.rows - panel.start)
    # With fewer channels than a register has numbers, those behind them are not used.
    panel.last = max(panel.channels - panels.register, -panel.start)


cdef inline Py_ssize_t channel_of_lane(const Panel* panel, Py_ssize_t lane) noexcept nogil:
    """The channel of a panel that a lane has; some channels are in two."""
    cdef Py_ssize_t last = panel.lanes - panel.lanes // panel.vecs
    return lane if lane < last else lane - last + panel.last


cdef struct Run:
    # Channels of a panel that follow one another, and the first of their lanes.
    Py_ssize_t channel, lane, number


cdef inline int runs_of_panel(Run* run, const Panel* panel) noexcept nogil:
    """All channels, each once, in one run or two; how many runs."""
    cdef Py_ssize_t before = panel.lanes - panel.lanes // panel.vecs
    run[0].channel = run[0].lane = 0
    run[0].number = panel.channels
    if panel.last == before:
        return 1
    if before == 0:
        run[0].lane = -panel.last
        return 1
    run[0].number = before
    run[1].channel = before
    run[1].number = panel.channels - before
    run[1].lane = panel.lanes - run[1].number
    return 2


cdef inline Py_ssize_t numbers_of_panels(const Panels* panels) noexcept nogil:
    """What the panels of a group take."""
    return panels.vecs * panels.register * (panels.phases + panels.taps * panels.inner)


cdef inline Py_ssize_t panel_at(
    const Panels* panels, Py_ssize_t phase, const Panel* panel
) noexcept nogil:
    """Where a panel of a phase lies among those of its group."""
    cdef Py_ssize_t taps = panels.before[phase + 1] - panels.before[phase]
    cdef Py_ssize_t before = phase + panels.before[phase] * panels.inner
    return panels.vecs * panels.register * before + panel.start * (1 + taps * panels.inner)


# --- packing ---------------------------------------------------------------------------------

cdef struct PanelJob:
    const Panels* panels
    const void* weight  # in arithmetic, (groups, C_in, C_out, taps) or the other way round
    const void* bias  # by channel, in arithmetic; or NULL
    void* packed
    Py_ssize_t by_row, by_inner  # numbers from channel to channel
    Py_ssize_t chunk  # channels summed over that are taken at a time,
    Py_ssize_t slice, slices  # and by a unit

cdef struct PanelPlaces:
    void** rows
    char* numbers


cdef size_t panel_places(
    PanelPlaces* at, char* scratch, const PanelJob* pack, size_t number
) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed."""
    cdef Py_ssize_t lanes = MOST_VECS * pack.panels.register
    cdef char* end = scratch
    at.rows = <void**> take(&end, lanes * sizeof(void*))
    at.numbers = take(&end, lanes * pack.chunk * pack.panels.taps * number)
    return end - scratch


cdef void begin_panels(
    const Panels* panels, real* packed, const real* bias, const Panel* panel
) noexcept nogil:
    """What the sums of a block of channels begin with."""
    cdef Py_ssize_t phase, i, c
    cdef real* to
    for phase in range(panels.phases):
        to = packed + panel_at(panels, phase, panel)
        for i in range(panel.lanes):
            c = panel.start + channel_of_lane(panel, i)
            to[i] = 0
            if bias != NULL and phase < panels.biased and c < panels.rows:
                to[i] = bias[c]


cdef void pack_chunk(
    const PanelPlaces* at, const PanelJob* pack, real* packed, const real* weight,
    const Panel* panel, Py_ssize_t c, Py_ssize_t channels,
) noexcept nogil:
    """Some channels summed over, from `c` on, of a block of those computed."""
    cdef const Panels* panels = pack.panels
    cdef Py_ssize_t lanes = panel.lanes
    cdef Py_ssize_t rows = panel.channels if panels.rows < panels.register else lanes
    cdef Py_ssize_t i, t, phase
    cdef real* numbers = <real*> at.numbers
    cdef real* to
    if rows < lanes:
        memset(numbers, 0, lanes * channels * panels.taps * sizeof(real))
    weight += c * pack.by_inner + panel.start * pack.by_row
    for i in range(rows):
        at.rows[i] = <void*> (weight + channel_of_lane(panel, i) * pack.by_row)
    transpose(numbers, lanes, <const real**> at.rows, rows, channels * panels.taps)
    for phase in range(panels.phases):
        to = packed + panel_at(panels, phase, panel) + lanes * (1 + c)
        for t in range(panels.before[phase], panels.before[phase + 1]):
            for i in range(channels):
                copy_lanes(
                    to + i * lanes, numbers + (i * panels.taps + panels.order[t]) * lanes, lanes
                )
            to += lanes * panels.inner


cdef void pack_panels(
    const void* data, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """The panels of a group, a slice of the channels summed over: weights are read as they lie."""
    cdef const PanelJob* pack = <const PanelJob*> data
    cdef const Panels* panels = pack.panels
    cdef Py_ssize_t group = unit // pack.slices, first = unit % pack.slices * pack.slice
    cdef Py_ssize_t stop = min(panels.inner, first + pack.slice)
    cdef Py_ssize_t chunks = (stop - first + pack.chunk - 1) // pack.chunk
    cdef const real* weight = <const real*> pack.weight
    cdef const real* bias = <const real*> pack.bias
    cdef real* packed = <real*> pack.packed + group * numbers_of_panels(panels)
    cdef Py_ssize_t k, c, block
    cdef PanelPlaces at
    cdef Panel panel
    panel_places(&at, scratch, pack, sizeof(real))
    weight += group * panels.rows * panels.inner * panels.taps
    for k in range(chunks * panels.blocks):
        if pack.by_inner > pack.by_row:
            block, c = k % panels.blocks, first + k // panels.blocks * pack.chunk
        else:
            block, c = k // chunks, first + k % chunks * pack.chunk
        choose_panel(&panel, panels, block)
        if c == 0:
            begin_panels(
                panels, packed, NULL if bias == NULL else bias + group * panels.rows, &panel
            )
        pack_chunk(&at, pack, packed, weight, &panel, c, min(pack.chunk, stop - c))


cdef void pack_panels_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    pack_panels(job, unit, scratch, <float*> NULL)


cdef void pack_panels_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    pack_panels(job, unit, scratch, <double*> NULL)
