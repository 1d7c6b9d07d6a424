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
    Py_ssize_t start  # of its registers, in rows
    Py_ssize_t row  # the first channel that is computed: whole registers of channels that exist
    Py_ssize_t first, stored  # the channels that are stored


cdef void choose_panels(Panels* panels, Py_ssize_t register) noexcept nogil:
    panels.register = register
    panels.vecs = (panels.rows + register - 1) // register
    panels.blocks = (panels.vecs + MOST_VECS - 1) // MOST_VECS


cdef void choose_panel(
    Panel* panel, const Panels* panels, Py_ssize_t block, bint repeats
) noexcept nogil:
    """Panels of about equal width; the last begins early enough to compute whole registers.

    It `repeats` what the panel before has stored where that is this unit's, too.
    """
    cdef Py_ssize_t each = panels.vecs // panels.blocks, more = panels.vecs % panels.blocks
    cdef Py_ssize_t end
    panel.vecs = each + (block < more)
    panel.lanes = panel.vecs * panels.register
    panel.start = (each * block + min(block, more)) * panels.register
    panel.row = max(<Py_ssize_t> 0, min(panel.start, panels.rows - panel.lanes))
    end = min(panel.row + panel.lanes, panels.rows)
    panel.first = panel.row if repeats else panel.start
    panel.stored = end - panel.first


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
    void** to  # by tap
    char* numbers


cdef size_t panel_places(
    PanelPlaces* at, char* scratch, const PanelJob* pack, size_t number
) noexcept nogil:
    """Cut scratch memory into its parts; the bytes needed."""
    cdef Py_ssize_t lanes = MOST_VECS * pack.panels.register, taps = pack.panels.taps
    cdef char* end = scratch
    at.rows = <void**> take(&end, lanes * sizeof(void*))
    at.to = <void**> take(&end, taps * sizeof(void*))
    at.numbers = take(&end, lanes * pack.chunk * taps * number)
    return end - scratch


cdef void begin_panels(
    const PanelPlaces* at, const Panels* panels, real* packed, const real* bias,
    const Panel* panel, bint first,
) noexcept nogil:
    """What the sums of a block begin with, and by tap where its weights go."""
    cdef Py_ssize_t phase, t, i
    cdef real* to
    for phase in range(panels.phases):
        to = packed + panel_at(panels, phase, panel)
        if first:
            for i in range(panel.lanes):
                to[i] = 0
                if bias != NULL and phase < panels.biased and panel.row + i < panels.rows:
                    to[i] = bias[panel.row + i]
        to += panel.lanes
        for t in range(panels.before[phase], panels.before[phase + 1]):
            at.to[panels.order[t]] = to
            to += panel.lanes * panels.inner


cdef void pack_panels(
    const void* data, Py_ssize_t unit, char* scratch, real* number
) noexcept nogil:
    """A slice of the panels of a block of channels, of all phases."""
    cdef const PanelJob* pack = <const PanelJob*> data
    cdef const Panels* panels = pack.panels
    cdef Py_ssize_t c = unit % pack.slices * pack.slice, block = unit // pack.slices
    cdef Py_ssize_t group = block // panels.blocks
    cdef const real* weight = <const real*> pack.weight
    cdef const real* bias = <const real*> pack.bias
    cdef Py_ssize_t stop = min(panels.inner, c + pack.slice), n, i, t, rows
    cdef PanelPlaces at
    cdef Panel panel
    cdef real* numbers
    panel_places(&at, scratch, pack, sizeof(real))
    choose_panel(&panel, panels, block % panels.blocks, False)
    weight += group * panels.rows * panels.inner * panels.taps + panel.row * pack.by_row
    begin_panels(
        &at, panels, <real*> pack.packed + group * numbers_of_panels(panels),
        NULL if bias == NULL else bias + group * panels.rows, &panel, c == 0,
    )
    numbers = <real*> at.numbers
    rows = min(panel.lanes, panels.rows - panel.row)
    if rows < panel.lanes:
        memset(numbers, 0, panel.lanes * pack.chunk * panels.taps * sizeof(real))
    while c < stop:
        n = min(pack.chunk, stop - c)
        for i in range(rows):
            at.rows[i] = <void*> (weight + c * pack.by_inner + i * pack.by_row)
        transpose(numbers, panel.lanes, <const real**> at.rows, rows, n * panels.taps)
        for i in range(n):
            for t in range(panels.taps):
                copy_lanes(
                    <real*> at.to[t] + (c + i) * panel.lanes,
                    numbers + (i * panels.taps + t) * panel.lanes, panel.lanes,
                )
        c += n


cdef void pack_panels_float(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    pack_panels(job, unit, scratch, <float*> NULL)


cdef void pack_panels_double(const void* job, Py_ssize_t unit, char* scratch) noexcept nogil:
    pack_panels(job, unit, scratch, <double*> NULL)
