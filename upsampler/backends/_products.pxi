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
    bint folds  # what lies outside is added to the border:
    Mixes before  # to the first position
    Mixes after  # and to the last

cdef struct Sharing:
    Derived down  # along H
    Derived across  # along W
    Py_ssize_t phases  # outputs proper; the classes behind them are shared
    Py_ssize_t shares  # how many of those there are
    const Py_ssize_t* first  # by phase: where its shared classes begin among
    const Py_ssize_t* shared
    const Py_ssize_t* reads  # by tap: which plane
    Py_ssize_t plane  # numbers of a plane


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


cdef void derive_across(
    real* to, const real* middle, const Derived* across, Py_ssize_t plane, Py_ssize_t pixel,
    Py_ssize_t count, bint first, bint last,
) noexcept nogil:
    """A row of all planes along W from a row of pixels; whether it has the first and the last."""
    cdef Py_ssize_t j, step = across.lines * pixel, end = count - 1
    for j in range(across.number):
        if across.lines == 1:  # pixels that follow one another are one long row
            mix(to, 0, middle, 0, 1, count * pixel, &across.inside, j)
        else:
            mix(to, pixel, middle, step, count, pixel, &across.inside, j)
        if across.folds and first:
            add_mix(to, middle, pixel, &across.before, j)
        if across.folds and last:
            add_mix(to + end * pixel, middle + end * step, pixel, &across.after, j)
        to += plane


cdef void derive_tile(
    real* to, real* middle, const real* x, const Reading* source, const Sharing* sharing,
    const Py_ssize_t* whole, const Py_ssize_t* u, const Py_ssize_t* count,
) noexcept nogil:
    """All derived planes of a tile, of `whole` positions in all; `middle` takes a row of pixels."""
    cdef const Derived* down = &sharing.down
    cdef const Derived* across = &sharing.across
    cdef const Py_ssize_t* tile = source.positions
    cdef Py_ssize_t pixel = source.step[3], n, h, i
    cdef Py_ssize_t width = (count[3] + 2) * across.lines * pixel
    cdef const real* from_
    cdef real* row
    for n in range(count[0]):
        for h in range(count[2]):
            from_ = x + n * source.step[0] + h * down.lines * source.step[2]
            row = to + (n * tile[2] + h) * tile[3] * pixel
            for i in range(down.number):
                mix(middle, 0, from_, 0, 1, width, &down.inside, i)
                if down.folds and u[2] + h == 0:
                    add_mix(middle, from_, width, &down.before, i)
                if down.folds and u[2] + h == whole[2] - 1:
                    add_mix(middle, from_, width, &down.after, i)
                derive_across(
                    row, middle, across, sharing.plane, pixel, count[3], u[3] == 0,
                    u[3] + count[3] == whole[3],
                )
                row += across.number * sharing.plane


# --- filling ---------------------------------------------------------------------------------


cdef void fill_mixes(Mixes* mixes, tables, Py_ssize_t line, Py_ssize_t place, list kept):
    """`line` and `place` are numbers from line to line of a position, and to the next position."""
    kept.append(tables.line * line + tables.place * place)
    mixes.first = indices(tables.first)
    mixes.at = indices(kept[len(kept) - 1])
    mixes.factor = <const double*> address(tables.factor)


cdef void fill_derived(Derived* axis, tables, Py_ssize_t step, list kept):
    """`step` is from line to line; what has to stay alive goes to `kept`."""
    axis.number = len(tables.inside.first) - 1
    axis.lines = tables.lines
    axis.folds = tables.before is not None
    fill_mixes(&axis.inside, tables.inside, step, tables.lines * step, kept)
    if axis.folds:
        fill_mixes(&axis.before, tables.before, step, tables.lines * step, kept)
        fill_mixes(&axis.after, tables.after, step, tables.lines * step, kept)


cdef void fill_sharing(Sharing* sharing, tables, const Reading* source, list kept):
    cdef const Py_ssize_t* tile = source.positions
    fill_derived(&sharing.down, tables.down, source.step[2], kept)
    fill_derived(&sharing.across, tables.across, source.step[3], kept)
    sharing.phases = len(tables.shared_first) - 1
    sharing.shares = len(tables.before) - 1 - sharing.phases
    sharing.first = indices(tables.shared_first)
    sharing.shared = indices(tables.shared)
    sharing.reads = indices(tables.reads)
    sharing.plane = up_to(tile[0] * tile[2] * tile[3] * source.step[3] + RUN_SLACK, 16)
