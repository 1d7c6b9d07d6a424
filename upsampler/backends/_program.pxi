# The doors to Python: tables kept in C form, and calls that hand over arrays.

import numpy as np

cimport numpy as cnp

cnp.import_array()

cdef enum:
    # Elements of output that one unit of work should have: large enough for the unit's start
    # (a ring to fill) to vanish, small enough for late threads to find work.
    UNIT = 1 << 17
    # Output elements for which it pays to wake another thread (about 50 us of work).
    THREAD = 1 << 16


# Numbers of float32 in the registers of these loops, 0 where rows are left to the compiler.
LANES = UPSAMPLER_LANES


cdef const void* address(array):
    return cnp.PyArray_DATA(<cnp.ndarray> array)


cdef void fill_side(Side* side, x, Py_ssize_t size):
    """Data and strides of a six-dimensional view (outer, outer, D, H, W, inner)."""
    cdef cnp.ndarray array = x
    cdef cnp.npy_intp* strides = cnp.PyArray_STRIDES(array)
    cdef cnp.npy_intp* shape = cnp.PyArray_DIMS(array)
    side.data = <char*> cnp.PyArray_DATA(array)
    side.outer0 = strides[0]
    side.outer1 = strides[1]
    side.d = strides[2]
    side.h = strides[3]
    side.w = strides[4]
    side.inner = strides[5] if shape[5] > 1 else size
    # A row of one pixel is dense whatever its stride says.
    side.dense = side.inner == size and (side.w == shape[5] * size or shape[4] == 1)


cdef Py_ssize_t spread_rows(Py_ssize_t elements) noexcept:
    """A distance of rows by which all begin aligned and no two in the same sets of a cache."""
    elements = (elements + 15) // 16 * 16
    return elements + 16 if elements % 64 == 0 else elements


cdef Py_ssize_t places_of(Py_ssize_t taps, Py_ssize_t ahead) noexcept:
    """Of a ring whose rows are made several at once: a power of two, see ring_place."""
    cdef Py_ssize_t places = 1
    if ahead == 1:
        return taps
    while places < taps + ahead - 1:
        places *= 2
    return places


cdef int helpful_threads(int threads, Py_ssize_t elements) noexcept:
    return <int> max(1, min(<Py_ssize_t> threads, elements // THREAD))


cdef Py_ssize_t rows_per_unit(
    Py_ssize_t rows, Py_ssize_t width, Py_ssize_t others, int threads, Py_ssize_t least
) noexcept:
    """Rows of a unit, where `others` tiles and planes multiply the units."""
    cdef Py_ssize_t block = max(least, UNIT // max(1, width))
    if threads > 1 and others * (rows // block + 1) < 8 * threads:
        block = max(least, rows * others // (8 * threads))
    return max(1, min(block, rows))


cdef class Resampler:
    """A plan in the form of the loops, for one number of items a pixel.

    Built by ``cpu.py`` from the plan's tables; `tables` is (D, H) and `columns` the tiles of W,
    all arrays contiguous and of the types that the structs want.
    """

    cdef Job job
    cdef bint adjoint
    cdef object kept  # owners of the memory that `job` points to

    def __init__(
        self, int code, bint wide, bint adjoint, Py_ssize_t inner, tables, columns, joined
    ):
        cdef Job* job = &self.job
        memset(job, 0, sizeof(Job))
        self.adjoint = adjoint
        job.code = code
        self.kept = (tables, columns, joined)
        job.wide = wide
        job.inner = inner
        if wide:
            choose_codec(&job.codec, code, <double*> NULL)
            choose_codec(&job.middle, F64, <double*> NULL)
        else:
            choose_codec(&job.codec, code, <float*> NULL)
            choose_codec(&job.middle, F32, <float*> NULL)
        job.ahead = AHEAD if columns.by_groups and tables[1].steady and not adjoint else 1
        self.fill_table(&job.d, tables[0], tables[0].taps)
        self.fill_table(&job.h, tables[1], places_of(tables[1].taps, job.ahead))
        job.slots = 1 if adjoint else job.d.places * job.h.places
        self.fill_columns(&job.w, columns, tables[1])
        if joined is not None:
            self.fill_joined(&job.joined, joined)
        job.in_row = columns.in_row * inner + SLACK
        job.out_row = columns.out_row * inner + SLACK + (0 if columns.phases is None else NUMBERS)
        job.long_row = spread_rows(max(job.in_row, job.out_row))
        job.streams = UPSAMPLER_LANES > 0 and not wide and code in (U8, U16, F16, F32)

    cdef fill_columns(self, Columns* to, columns, rows):
        cdef columns_t* of
        to.kind = columns.kind
        to.n = columns.n
        to.taps = columns.taps
        to.period = columns.period
        to.tiles = len(columns.tiles)
        to.tile = <const Tile*> address(columns.tiles)
        to.start = <const int32_t*> address(columns.start)
        to.columns = <const int64_t*> address(columns.columns)
        to.weights = address(columns.weights)
        to.quick = columns.quick
        of = &to.by_registers
        of.start = to.start
        of.w = <const float*> to.weights
        of.inner = self.job.inner
        of.taps = columns.taps
        of.linear = columns.kind == LINEAR
        if columns.twice is not None:
            of.twice.w = <const float*> address(columns.twice.weights)
            of.twice.order = <const int32_t*> address(columns.twice.order)
        if columns.groups is not None:
            self.fill_groups(&of.groups, columns.groups)
        if columns.phases is not None:
            weights, to.shift_h = rows.whole
            self.kept += (weights,)
            to.exact_weights = <const int32_t*> address(weights)
            to.factor = columns.phases.factor
            to.phases.order = <const uint8_t*> address(columns.phases.order)
            to.phases.weights = <const uint16_t*> address(columns.phases.weights)
            to.phases.inner = self.job.inner
            to.phases.advance = columns.phases.advance
            to.phases.outputs = columns.phases.outputs
            to.phases.vectors = len(columns.phases.order)
            to.phases.shift = columns.phases.shift

    cdef fill_groups(self, groups_t* to, groups):
        to.base = <const int32_t*> address(groups.base)
        to.pattern = <const int32_t*> address(groups.pattern)
        to.order = <const uint8_t*> address(groups.order)
        to.weights = <const float*> address(groups.weights)
        to.wide = groups.wide

    cdef fill_joined(self, Joined* to, joined):
        """From the columns that are filled."""
        cdef columns_t* of = &to.columns
        to.first = joined.first
        to.rows = joined.rows
        to.n = joined.n
        to.tail = joined.tail
        memset(of, 0, sizeof(columns_t))
        of.inner = 1
        of.taps = self.job.w.taps
        of.linear = self.job.w.kind == LINEAR
        of.in_n = joined.rows * joined.n
        of.out_n = joined.rows * self.job.w.tile.out_n
        self.fill_groups(&of.groups, joined.groups)

    cdef fill_table(self, Table* to, table, Py_ssize_t places):
        to.kind = table.kind
        to.n = table.n
        to.rows = table.rows
        to.taps = table.taps
        to.places = places
        to.mask = places - 1 if places & (places - 1) == 0 else -1
        to.start = <const int64_t*> address(table.start)
        to.weights = address(table.weights)

    def run(self, x, out, int threads, bint stream):
        """Compute `out` from `x`, both six-dimensional views."""
        cdef Job job = self.job
        cdef Places unused
        cdef Py_ssize_t planes = out.shape[0] * out.shape[1]
        cdef Py_ssize_t rows = job.d.rows * job.h.rows
        cdef Py_ssize_t elements = max(<Py_ssize_t> out.size, <Py_ssize_t> x.size)
        cdef Py_ssize_t width = job.out_row
        cdef Py_ssize_t units
        cdef size_t scratch
        cdef bint joined
        cdef int failed
        job.size = cnp.PyArray_ITEMSIZE(<cnp.ndarray> out)
        job.outer1 = out.shape[1]
        job.stream = stream
        fill_side(&job.x, x, job.size)
        fill_side(&job.out, out, job.size)
        job.plain = job.code == F32 and not job.wide and job.x.dense
        threads = helpful_threads(threads, elements)
        job.block = rows_per_unit(
            rows, width, planes * job.w.tiles, threads, 1 if self.adjoint else 16
        )
        job.blocks = (rows + job.block - 1) // job.block
        units = planes * job.w.tiles * job.blocks
        joined = (
            job.joined.rows > 0 and job.x.dense and job.x.h == job.joined.n * job.size
            and job.out.dense and job.out.h == job.w.tile.out_n * job.size
            and job.w.tiles == job.blocks == 1
        )
        if not joined:
            job.joined.rows = 0
        scratch = lay_out(&unused, NULL, &job)
        with nogil:
            if self.adjoint:
                failed = run_units(
                    backward_double if job.wide else backward_float, &job, units, threads, scratch
                )
            elif joined:
                failed = run_units(joined_float, &job, units, threads, scratch)
            elif job.w.phases.order != NULL:
                failed = run_units(bytes_block, &job, units, threads, scratch)
            else:
                failed = run_units(
                    forward_double if job.wide else forward_float, &job, units, threads, scratch
                )
        if failed:
            raise MemoryError(f"no memory for a workspace of {scratch} bytes")


cdef fill_picks(picks_t* to, picks):
    to.base = <const int32_t*> address(picks.base)
    to.pattern = <const int32_t*> address(picks.pattern)
    to.order = <const uint8_t*> address(picks.order)
    to.words = picks.words


def copy_pixels(
    x, out, d_index, h_index, w_index, Py_ssize_t period, picks, joined, int threads, bint stream
):
    """Nearest: ``out[.., d, h, w, :] = x[.., d_index[d], h_index[h], w_index[w], :]``."""
    cdef CopyJob job
    cdef Py_ssize_t planes = out.shape[0] * out.shape[1], units, rows, pixel, scratch
    cdef unit_fn run
    cdef int failed
    job.size = cnp.PyArray_ITEMSIZE(<cnp.ndarray> out)
    fill_side(&job.x, x, job.size)
    fill_side(&job.out, out, job.size)
    job.d_index = <const int64_t*> address(d_index)
    job.h_index = <const int64_t*> address(h_index)
    job.w_index = <const int64_t*> address(w_index)
    job.outer1 = out.shape[1]
    job.rows_d, job.rows_h, job.width, job.inner = out.shape[2:]
    job.period = period
    job.stream = stream
    job.dense = job.x.dense and job.out.dense
    pixel = job.inner * job.size
    job.picks.base = NULL
    if picks is not None:
        fill_picks(&job.picks, picks)
    # Rows are cut only if they are long: 181 pixels in tiles of 128 and 53, which two threads wrote
    # to the same rows at once, took two to three times as long.  Tiles begin with a group, and with
    # a line where they are streamed: 64 pixels do both.
    job.tile = max(<Py_ssize_t> 1, job.width)
    if job.width * pixel > COPY_TILE:
        job.tile = max(<Py_ssize_t> 64, COPY_TILE // pixel // 64 * 64)
    job.tiles = (job.width + job.tile - 1) // job.tile
    rows = job.rows_d * job.rows_h
    threads = helpful_threads(threads, out.size * job.size // 4)
    job.block = rows_per_unit(rows, job.tile * pixel // 4 + 1, planes * job.tiles, threads, 4)
    job.blocks = (rows + job.block - 1) // job.block
    units = planes * job.tiles * job.blocks
    scratch = job.tile * pixel + 64
    run = copy_unit
    if (
        joined is not None and job.dense and job.tiles == job.blocks == 1
        and job.x.h == x.shape[4] * pixel and job.out.h == job.width * pixel
    ):
        fill_picks(&job.joined, joined.picks)
        job.joined_first, job.joined_rows = joined.first, joined.rows
        scratch = job.joined_rows * job.width * pixel + 64
        run = copy_plane
    with nogil:
        failed = run_units(run, &job, units, threads, scratch)
    if failed:
        raise MemoryError(f"no memory for a workspace of {scratch} bytes")
