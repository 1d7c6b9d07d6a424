# What output phases have in common, computed once (see products.py for the mathematics).
#
# The columns of the sums then are not shifted copies of the planes but small combinations of
# neighbours: forward of three samples of the input, and a phase is the sum of the outputs of
# several classes, its own and shared ones; backward of the outputs that a product went to.

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
        float*, Py_ssize_t, const float*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const Py_ssize_t*,
        const double*, Py_ssize_t,
    )
    void add_mix_double(
        double*, Py_ssize_t, const double*, Py_ssize_t, Py_ssize_t, Py_ssize_t, const Py_ssize_t*,
        const double*, Py_ssize_t,
    )


cdef void mix(
    real* to, Py_ssize_t to_step, const real* from_, Py_ssize_t from_step, Py_ssize_t rows,
    Py_ssize_t n, const Mixes* mixes, Py_ssize_t which,
) noexcept nogil:
    """Rows of a derived plane."""
    cdef Py_ssize_t first = mixes.first[which], terms = mixes.first[which + 1] - first
    cdef const Py_ssize_t* at = mixes.at + first
    cdef const double* factor = mixes.factor + first
    if real is float:
        mix_float(to, to_step, from_, from_step, rows, n, at, factor, terms)
    else:
        mix_double(to, to_step, from_, from_step, rows, n, at, factor, terms)


cdef void add_mix(
    real* to, Py_ssize_t to_step, const real* from_, Py_ssize_t from_step, Py_ssize_t rows,
    Py_ssize_t n, const Mixes* mixes, Py_ssize_t which,
) noexcept nogil:
    """What is added to them beside a border."""
    cdef Py_ssize_t first = mixes.first[which], terms = mixes.first[which + 1] - first
    cdef const Py_ssize_t* at = mixes.at + first
    cdef const double* factor = mixes.factor + first
    if real is float:
        add_mix_float(to, to_step, from_, from_step, rows, n, at, factor, terms)
    else:
        add_mix_double(to, to_step, from_, from_step, rows, n, at, factor, terms)


cdef void derive_down(
    real* middle, const real* planes, const ConvJob* job, Py_ssize_t which, const Py_ssize_t* u,
    const Py_ssize_t* count,
) noexcept nogil:
    """Combinations along H of the planes of a channel, one for every phase along W."""
    cdef const Derived* axis = &job.sharing.down
    cdef Py_ssize_t across = job.source.extent[3], image = job.source.extent[2] * across
    cdef Py_ssize_t s, n, last = count[2] - 1
    cdef const real* from_
    cdef real* to
    for s in range(job.sharing.across.lines):
        for n in range(count[0]):
            from_ = planes + s * job.source.plane + n * image
            to = middle + s * job.source.plane + n * image
            # Rows that follow one another are one long row.
            mix(to, 0, from_, 0, 1, count[2] * across, &axis.inside, which)
            if axis.folds and u[2] == 0:
                add_mix(to, 0, from_, 0, 1, across, &axis.before, which)
            if axis.folds and u[2] + count[2] == job.count[2]:
                add_mix(
                    to + last * across, 0, from_ + last * across, 0, 1, across, &axis.after, which
                )


cdef void derive_across(
    real* to, const Py_ssize_t* layout, const real* middle, const ConvJob* job, Py_ssize_t which,
    const Py_ssize_t* u, const Py_ssize_t* count,
) noexcept nogil:
    """Combinations of these along W: a derived plane, without halo, in rows of `layout`."""
    cdef const Derived* axis = &job.sharing.across
    cdef Py_ssize_t across = job.source.extent[3], n, last = count[3] - 1
    for n in range(count[0]):
        mix(to, layout[3], middle, across, count[2], count[3], &axis.inside, which)
        if axis.folds and u[3] == 0:
            add_mix(to, layout[3], middle, across, count[2], 1, &axis.before, which)
        if axis.folds and u[3] + count[3] == job.count[3]:
            add_mix(
                to + last, layout[3], middle + last, across, count[2], 1, &axis.after, which
            )
        to += layout[2] * layout[3]
        middle += job.source.extent[2] * across


cdef void derive_columns(
    real* columns, const real* planes, real* middle, real* dense, const ConvJob* job,
    const Py_ssize_t* u, const Py_ssize_t* count,
) noexcept nogil:
    """Columns as `fill_columns` makes them, of derived planes instead of shifted ones.

    `middle` takes planes of the phases along W, `dense` the positions of a tile in whole panels.
    """
    cdef const Sharing* sharing = job.sharing
    cdef Py_ssize_t width = panel_of(columns), total = count[0] * count[2] * count[3]
    cdef Py_ssize_t stride = job.source.phases * job.source.plane, c, i, j, q
    cdef real* to
    memset(dense, 0, job.panels * width * sizeof(real))
    for c in range(job.inner):
        for i in range(sharing.down.number):
            derive_down(middle, planes + c * stride, job, i, u, count)
            for j in range(sharing.across.number):
                derive_across(dense, count, middle, job, j, u, count)
                to = columns + ((i * sharing.across.number + j) * job.inner + c) * width
                q = 0
                while q < total:
                    if real is float:
                        copy_lanes_float(to, dense + q, width)
                    else:
                        copy_lanes_double(to, dense + q, width)
                    to += job.shifts * job.inner * width
                    q += width


cdef void derive_planes(
    real* to, Py_ssize_t plane, const real* planes, Py_ssize_t channels, real* middle,
    const ConvJob* job, const Py_ssize_t* u, const Py_ssize_t* count,
) noexcept nogil:
    """By channel, all derived planes, as they lie in a whole tile, `plane` elements each."""
    cdef Py_ssize_t stride = job.source.phases * job.source.plane, c, i, j
    for c in range(channels):
        for i in range(job.sharing.down.number):
            derive_down(middle, planes + c * stride, job, i, u, count)
            for j in range(job.sharing.across.number):
                derive_across(to, job.tile, middle, job, j, u, count)
                to += plane


cdef void add_shared(
    real* o, Py_ssize_t o_row, const Sharing* sharing, Py_ssize_t channels, Py_ssize_t n
) noexcept nogil:
    """Add shared classes to the outputs of each phase: of `channels`, `n` positions."""
    cdef Py_ssize_t p, m, k, i
    cdef real* to
    cdef const real* from_
    for p in range(sharing.phases):
        for m in range(channels):
            to = o + (p * channels + m) * o_row
            for k in range(sharing.first[p], sharing.first[p + 1]):
                from_ = o + (sharing.shared[k] * channels + m) * o_row
                for i in range(n):
                    to[i] += from_[i]


cdef void fill_mixes(Mixes* mixes, tables):
    mixes.first = indices(tables.first)
    mixes.at = indices(tables.at)
    mixes.factor = <const double*> address(tables.factor)


cdef void fill_derived(Derived* axis, tables):
    axis.number = len(tables.inside.first) - 1
    axis.lines = tables.lines
    axis.folds = tables.before is not None
    fill_mixes(&axis.inside, tables.inside)
    if axis.folds:
        fill_mixes(&axis.before, tables.before)
        fill_mixes(&axis.after, tables.after)


cdef void fill_sharing(Sharing* sharing, tables):
    fill_derived(&sharing.down, tables.down)
    fill_derived(&sharing.across, tables.across)
    sharing.phases = len(tables.shared_first) - 1
    sharing.first = indices(tables.shared_first)
    sharing.shared = indices(tables.shared)
