# What output phases have in common, computed once (see products.py for the mathematics).
#
# The columns of the sums then are not shifted copies of the planes but small combinations of
# neighbours, and a phase is the sum of the outputs of several classes: its own and shared ones.

cdef void mix_run(
    real* to, const real* from_, const Mix* mix, Py_ssize_t stride, Py_ssize_t n
) noexcept nogil:
    """``to[k] = sum of factor * from[k + at * stride]``; what has no factor is not touched."""
    cdef Py_ssize_t k
    cdef const real* a = from_ + mix.at[0] * stride
    cdef const real* b = from_ + mix.at[1] * stride
    cdef const real* c = from_ + mix.at[2] * stride
    cdef real f = <real> mix.factor[0], g = <real> mix.factor[1], h = <real> mix.factor[2]
    if mix.terms == 1:
        for k in range(n):
            to[k] = f * a[k]
    elif mix.terms == 2:
        for k in range(n):
            to[k] = f * a[k] + g * b[k]
    else:
        for k in range(n):
            to[k] = f * a[k] + g * b[k] + h * c[k]


cdef void derive_columns(
    real* columns, const real* planes, real* middle, real* dense, const ConvJob* job,
    const Py_ssize_t* count,
) noexcept nogil:
    """Columns as `fill_columns` makes them, of derived planes instead of shifted ones.

    `middle` takes a plane, `dense` the positions of a tile in whole panels.
    """
    cdef const Sharing* sharing = job.sharing
    cdef const Py_ssize_t* extent = job.source.extent
    cdef Py_ssize_t width = panel_of(columns), total = count[0] * count[2] * count[3]
    cdef Py_ssize_t across = count[3] + 2, c, i, j, n, h, q, row
    cdef const real* plane
    cdef real* to
    memset(dense, 0, job.panels * width * sizeof(real))
    for c in range(job.inner):
        plane = planes + c * job.source.plane
        for i in range(sharing.planes_h):
            for n in range(count[0]):
                for h in range(count[2]):
                    row = n * extent[2] + h
                    mix_run(
                        middle + row * extent[3], plane + row * extent[3], &sharing.mix_h[i],
                        extent[3], across,
                    )
            for j in range(sharing.planes_w):
                to = dense
                for n in range(count[0]):
                    for h in range(count[2]):
                        mix_run(
                            to, middle + (n * extent[2] + h) * extent[3], &sharing.mix_w[j], 1,
                            count[3],
                        )
                        to += count[3]
                to = columns + ((i * sharing.planes_w + j) * job.inner + c) * width
                q = 0
                while q < total:
                    memcpy(to, dense + q, width * sizeof(real))
                    to += job.shifts * job.inner * width
                    q += width


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


cdef void fill_mixes(Mix* mixes, dense):
    """From a matrix (planes, 3)."""
    cdef Py_ssize_t i, k
    for i in range(dense.shape[0]):
        mixes[i].terms = 0
        mixes[i].at[0] = mixes[i].at[1] = mixes[i].at[2] = 0
        for k in range(3):
            if dense[i, k]:
                mixes[i].at[mixes[i].terms] = k
                mixes[i].factor[mixes[i].terms] = dense[i, k]
                mixes[i].terms += 1


cdef void fill_sharing(Sharing* sharing, tables):
    sharing.planes_h, sharing.planes_w = len(tables.mix_h), len(tables.mix_w)
    fill_mixes(sharing.mix_h, tables.mix_h)
    fill_mixes(sharing.mix_w, tables.mix_w)
    sharing.phases = len(tables.shared_first) - 1
    sharing.first = indices(tables.shared_first)
    sharing.shared = indices(tables.shared)
