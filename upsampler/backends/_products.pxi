# What output phases have in common, computed once (see products.py for the mathematics).
#
# Taps then do not read the pixels of a tile at some shift, but planes derived from it, small
# combinations of neighbours: forward of three samples of the input, and a phase is the sum of
# several classes of products, its own and shared ones; backward of the outputs that a product went
# to.  Channels lie side by side, so a row of pixels is a row of numbers to combine.

cdef extern from "_mix.h" nogil:
    void mix_float(
        float*, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const Py_ssize_t*,
        const double*, Py_ssize_t,
    )
    void mix_double(
        double*, Py_ssize_t, const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const Py_ssize_t*,
        const double*, Py_ssize_t,
    )
    void add_mix_float(
        float*, const float*, Py_ssize_t, const Py_ssize_t*, const double*, Py_ssize_t
    )
    void add_mix_double(
        double*, const double*, Py_ssize_t, const Py_ssize_t*, const double*, Py_ssize_t
    )

cdef struct Mixes:
    # What derived lines are: terms factor * x[at], from first[line] on.
    const Py_ssize_t* first
    const Py_ssize_t* at
    const double* factor

cdef struct Derived:
    Py_ssize_t number  # of planes along an axis,
    Py_ssize_t lines  # made of so many lines for each position
    Mixes inside
    int befores, afters
    Mixes[2] before  # what is added to the first positions,
    Mixes[2] after  # and to the last ones
    bint ends  # there is a position more behind either end; an output of phase
    Py_ssize_t start, stop  # so and so, -1 for none, is read there,
    Mixes at_start, at_stop  # and what it is made of

cdef struct Sharing:
    Derived down  # along H
    Derived across  # along W
    Py_ssize_t phases  # outputs proper; the classes behind them are shared
    Py_ssize_t shares  # how many of those there are
    const Py_ssize_t* first  # by phase: where its shared classes begin among
    const Py_ssize_t* shared
    const Py_ssize_t* reads  # by tap: which plane
    Py_ssize_t height, width  # of a derived plane, in positions
    Py_ssize_t positions  # of all its images
    Py_ssize_t plane  # and its numbers


cdef void mix(
    real* to, Py_ssize_t to_step, const real* from_, Py_ssize_t from_step, Py_ssize_t rows,
    Py_ssize_t n, const Mixes* mixes, Py_ssize_t which,
) noexcept nogil:
    """Rows of `n` numbers; up to a register more is written behind each."""
    cdef Py_ssize_t first = mixes.first[which], terms = mixes.first[which + 1] - first
    cdef const Py_ssize_t* at = mixes.at + first
    cdef const double* factor = mixes.factor + first
    if real is float:
        mix_float(to, to_step, from_, from_step, rows, n, at, factor, terms)
    else:
        mix_double(to, to_step, from_, from_step, rows, n, at, factor, terms)


cdef void add_mix(
    real* to, const real* from_, Py_ssize_t n, const Mixes* mixes, Py_ssize_t which
) noexcept nogil:
    """What is added to a row beside a border."""
    cdef Py_ssize_t first = mixes.first[which], terms = mixes.first[which + 1] - first
    cdef const Py_ssize_t* at = mixes.at + first
    cdef const double* factor = mixes.factor + first
    if real is float:
        add_mix_float(to, from_, n, at, factor, terms)
    else:
        add_mix_double(to, from_, n, at, factor, terms)


cdef inline bint is_first(const Derived* axis, Py_ssize_t u) noexcept nogil:
    """Whether there is something behind the start, and the tile begins there."""
    return axis.start >= 0 and u == 0


cdef inline bint is_last(
    const Derived* axis, Py_ssize_t u, Py_ssize_t count, Py_ssize_t whole
) noexcept nogil:
    return axis.stop >= 0 and u + count == whole


cdef void add_borders(
    real* to, const real* from_, Py_ssize_t n, const Derived* axis, Py_ssize_t which,
    Py_ssize_t u, Py_ssize_t whole,
) noexcept nogil:
    """What is added to position `u` beside a border."""
    if u < axis.befores:
        add_mix(to, from_, n, &axis.before[u], which)
    if whole - 1 - u < axis.afters:
        add_mix(to, from_, n, &axis.after[whole - 1 - u], which)


cdef void derive_across(
    real* to, const real* middle, const Sharing* sharing, Py_ssize_t pixel, Py_ssize_t u,
    Py_ssize_t count, Py_ssize_t whole,
) noexcept nogil:
    """A row of all planes along W from a row of pixels: positions from `u` on."""
    cdef const Derived* across = &sharing.across
    cdef Py_ssize_t j, k, step = across.lines * pixel
    cdef bint first = is_first(across, u), last = is_last(across, u, count, whole)
    if across.ends:
        to += pixel
    for j in range(across.number):
        if first:
            mix(to - pixel, 0, middle, 0, 1, pixel, &across.at_start, j)
        if across.lines == 1:  # pixels that follow one another are one long row
            mix(to, 0, middle, 0, 1, count * pixel, &across.inside, j)
        else:
            mix(to, pixel, middle, step, count, pixel, &across.inside, j)
        if last:
            mix(
                to + count * pixel, 0, middle + (count - 1) * step, 0, 1, pixel,
                &across.at_stop, j,
            )
        if across.befores + across.afters > 0:
            for k in range(count):
                add_borders(to + k * pixel, middle + k * step, pixel, across, j, u + k, whole)
        to += sharing.plane


cdef void derive_tile(
    real* to, real* middle, const real* x, const Reading* source, const Sharing* sharing,
    const Py_ssize_t* whole, const Py_ssize_t* u, const Py_ssize_t* count,
) noexcept nogil:
    """All derived planes of a tile, of `whole` positions in all; `middle` takes a row of pixels."""
    cdef const Derived* down = &sharing.down
    cdef Py_ssize_t pixel = source.step[3], n, h, i, row
    cdef Py_ssize_t width = (count[3] + 2) * sharing.across.lines * pixel
    cdef Py_ssize_t first = -1 if is_first(down, u[2]) else 0
    cdef Py_ssize_t stop = count[2] + is_last(down, u[2], count[2], whole[2])
    cdef const Mixes* mixes
    cdef const real* from_
    cdef real* line
    for n in range(count[0]):
        for h in range(first, stop):
            row = min(max(h, <Py_ssize_t> 0), count[2] - 1)
            from_ = x + n * source.step[0] + row * down.lines * source.step[2]
            line = to + (n * sharing.height + h + down.ends) * sharing.width * pixel
            mixes = &down.at_start if h < 0 else &down.inside
            if h == count[2]:
                mixes = &down.at_stop
            for i in range(down.number):
                mix(middle, 0, from_, 0, 1, width, mixes, i)
                if 0 <= h < count[2]:
                    add_borders(middle, from_, width, down, i, u[2] + h, whole[2])
                derive_across(line, middle, sharing, pixel, u[3], count[3], whole[3])
                line += sharing.across.number * sharing.plane


# --- filling ---------------------------------------------------------------------------------


cdef void fill_mixes(Mixes* mixes, tables, Py_ssize_t line, Py_ssize_t place, list kept):
    """`line` and `place` are numbers from line to line of a position, and to the next position."""
    kept.append(tables.line * line + tables.place * place)
    mixes.first = indices(tables.first)
    mixes.at = indices(kept[len(kept) - 1])
    mixes.factor = <const double*> address(tables.factor)


cdef void fill_derived(Derived* axis, tables, Py_ssize_t step, list kept):
    """`step` is from line to line; what has to stay alive goes to `kept`."""
    cdef Py_ssize_t place = tables.lines * step
    cdef int k
    axis.number = len(tables.inside.first) - 1
    axis.lines = tables.lines
    fill_mixes(&axis.inside, tables.inside, step, place, kept)
    axis.befores = len(tables.before)
    axis.afters = len(tables.after)
    for k in range(axis.befores):
        fill_mixes(&axis.before[k], tables.before[k], step, place, kept)
    for k in range(axis.afters):
        fill_mixes(&axis.after[k], tables.after[k], step, place, kept)
    axis.start = axis.stop = -1
    axis.ends = tables.start is not None or tables.stop is not None
    if tables.start is not None:
        axis.start = tables.start[0]
        fill_mixes(&axis.at_start, tables.start[1], step, place, kept)
    if tables.stop is not None:
        axis.stop = tables.stop[0]
        fill_mixes(&axis.at_stop, tables.stop[1], step, place, kept)


cdef void fill_sharing(Sharing* sharing, tables, const Reading* source, list kept):
    cdef const Py_ssize_t* tile = source.positions
    fill_derived(&sharing.down, tables.down, source.step[2], kept)
    fill_derived(&sharing.across, tables.across, source.step[3], kept)
    sharing.phases = len(tables.shared_first) - 1
    sharing.shares = len(tables.before) - 1 - sharing.phases
    sharing.first = indices(tables.shared_first)
    sharing.shared = indices(tables.shared)
    sharing.reads = indices(tables.reads)
    sharing.height = tile[2] + 2 * sharing.down.ends
    sharing.width = tile[3] + 2 * sharing.across.ends
    sharing.positions = tile[0] * sharing.height * sharing.width
    sharing.plane = up_to(sharing.positions * source.step[3] + RUN_SLACK, 16)
