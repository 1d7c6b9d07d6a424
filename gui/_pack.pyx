"""Values to screen pixels: the last step before QImage, in one pass over the target.

NumPy takes 20 ms to make 32-bit pixels of a full-HD frame, these loops 1 to 3 ms.  Both functions
take any strides and read-only input, check every index before the first write, and release the
GIL, so that worker threads can use them while the window goes on painting.
"""

import numpy as np

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

ctypedef fused item:
    uint8_t
    uint16_t
    float
    double

ctypedef fused real:
    float
    double

cdef enum:
    OPAQUE = 0xFF000000
    NAN_PIXEL = 0xFFFF00FF  # magenta: no grayscale picture and few photographs contain it
    SHIFT = 3               # the checkerboard behind transparency has squares of 8 device pixels

cdef double LIGHT = 0.42, DARK = 0.30


cdef struct Tone:
    # Floats are moved by `low` and multiplied by `scale` before they are clipped to 0..1.
    double low
    double scale
    # Levels: by value for integers, by 0..last for 0..1 of floats.  NULL: in proportion.
    const uint8_t* table
    uint32_t last


cdef inline uint32_t level(item v, const Tone* tone) noexcept nogil:
    """0..255, rounded to nearest."""
    cdef double x
    if item is uint8_t:
        return v if tone.table == NULL else tone.table[v]
    elif item is uint16_t:
        return (<uint32_t>v + 128) // 257 if tone.table == NULL else tone.table[v]
    else:
        x = (v - tone.low) * tone.scale
        if not x > 0:
            x = 0
        elif x > 1:
            x = 1
        if tone.table == NULL:
            return <uint32_t>(x * 255.0 + 0.5)
        return tone.table[<uint32_t>(x * tone.last + 0.5)]


cdef inline double unit(item v) noexcept nogil:
    """0..1"""
    if item is uint8_t:
        return v / 255.0
    elif item is uint16_t:
        return v / 65535.0
    else:
        return v


cdef inline bint isnan(item v) noexcept nogil:
    if item is float or item is double:
        return v != v
    else:
        return False


cdef inline uint32_t opaque(
    const char* pixel, Py_ssize_t step, Py_ssize_t channels, const Tone* tone, const item like
) noexcept nogil:
    cdef item red = (<const item*>pixel)[0], green, blue
    if channels < 3:
        if isnan(red):
            return NAN_PIXEL
        return OPAQUE | level(red, tone) * 0x010101
    green = (<const item*>(pixel + step))[0]
    blue = (<const item*>(pixel + 2 * step))[0]
    if isnan(red) or isnan(green) or isnan(blue):
        return NAN_PIXEL
    return OPAQUE | level(red, tone) << 16 | level(green, tone) << 8 | level(blue, tone)


cdef inline uint32_t over(
    const item[:, :, :] src, int64_t r, int64_t c, double ground, const Tone* tone
) noexcept nogil:
    """A premultiplied pixel, its alpha in the last channel, over a gray `ground`."""
    cdef Py_ssize_t last = src.shape[2] - 1, channel
    cdef double rest = (1 - unit(src[r, c, last])) * ground
    cdef double colour
    cdef uint32_t pixel = 0
    if isnan(src[r, c, last]):
        return NAN_PIXEL
    for channel in range(3):
        colour = unit(src[r, c, channel if last >= 3 else 0]) + rest
        if colour != colour:
            return NAN_PIXEL
        pixel = pixel << 8 | level(colour, tone)
    return OPAQUE | pixel


cdef void blend(
    const item[:, :, :] src, const int64_t[::1] rows, const int64_t[::1] cols,
    uint32_t[:, ::1] out, uint32_t outside, const Tone* tone,
) noexcept nogil:
    cdef Py_ssize_t i, j, width = out.shape[1]
    cdef int64_t r, c, last
    cdef uint32_t light = 0, dark = 0
    for i in range(out.shape[0]):
        r = rows[i]
        # A magnified row repeats: copy it, except where the checkerboard behind it changes.
        if i and r == rows[i - 1] and i & ((1 << SHIFT) - 1):
            memcpy(&out[i, 0], &out[i - 1, 0], width * sizeof(uint32_t))
            continue
        last = -1
        for j in range(width):
            c = cols[j]
            if r < 0 or c < 0:
                out[i, j] = outside
                last = -1
                continue
            if c != last:
                last = c
                light = over(src, r, c, LIGHT, tone)
                dark = over(src, r, c, DARK, tone)
            out[i, j] = light if ((i >> SHIFT) + (j >> SHIFT)) & 1 else dark


cdef void fill(
    const item[:, :, :] src, const int64_t[::1] rows, const int64_t[::1] cols,
    uint32_t[:, ::1] out, uint32_t outside, const Tone* tone,
) noexcept nogil:
    # Pointers: with indices the compiler multiplied by three strides for every sample.
    cdef Py_ssize_t i, j, width = out.shape[1], channels = src.shape[2]
    cdef Py_ssize_t step = src.strides[2], across = src.strides[1]
    cdef int64_t r, c, last
    cdef uint32_t colour = outside
    cdef uint32_t* to
    cdef const char* row
    for i in range(out.shape[0]):
        r = rows[i]
        to = &out[i, 0]
        if i and r == rows[i - 1]:  # a magnified row repeats
            memcpy(to, &out[i - 1, 0], width * sizeof(uint32_t))
            continue
        if r < 0:
            for j in range(width):
                to[j] = outside
            continue
        row = <const char*>&src[0, 0, 0] + r * src.strides[0]
        last = -1
        colour = outside
        for j in range(width):
            c = cols[j]
            if c != last:
                last = c
                colour = (
                    outside if c < 0
                    else opaque[item](row + c * across, step, channels, tone, 0)
                )
            to[j] = colour


cdef int check(const int64_t[::1] index, Py_ssize_t bound) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(index.shape[0]):
        if index[i] < -1 or index[i] >= bound:
            return 0
    return 1


def pack(
    const item[:, :, :] src,
    const int64_t[::1] rows,
    const int64_t[::1] cols,
    uint32_t[:, ::1] out,
    uint32_t outside,
    bint alpha,
    double low=0,
    double scale=1,
    const uint8_t[::1] table=None,
):
    """Write ``src[rows[i], cols[j]]`` as 0xFFRRGGBB into ``out[i, j]``.

    Magnification is repeated indices, so a pixel that covers 8 x 8 device pixels is converted
    once and copied: a zoomed view costs the target it fills, whatever lies around it.

    Parameters
    ----------
    src : (H, W, C) uint8, uint16, float32 or float64
        Up to two colours are shown as gray, the first of them; of more the first three as RGB.
        A pixel with a NaN is magenta.
    rows, cols : (h,), (w,) int64
        -1 stands for a place outside of the picture.
    out : (h, w) uint32
    outside : int
        Colour of what lies outside.
    alpha : bool
        Whether the last channel is opacity, by which the colours are premultiplied: they are
        shown over a checkerboard that stands still on the screen.
    low, scale : float
        Of float `src`: ``(src - low) * scale`` is clipped to 0 (black) .. 1 (white).
    table : (N,) uint8, optional
        The level of each value: N is 256 or 65536 for integer `src`, and any for floats, whose
        0..1 are spread over it.
    """
    cdef bint good
    cdef Tone tone
    cdef Py_ssize_t entries = 2
    if item is uint8_t:
        entries = 1 << 8
    elif item is uint16_t:
        entries = 1 << 16
    tone.low, tone.scale, tone.table, tone.last = low, scale, NULL, 0
    if table is not None:
        if alpha:
            entries = 2
        if table.shape[0] < entries or table.shape[0] > 1 << 24:
            raise ValueError(
                f"table: got {table.shape[0]} entries; allowed: at least {entries}"
            )
        tone.table, tone.last = &table[0], <uint32_t>(table.shape[0] - 1)
    if src.shape[2] < 1 + alpha:
        raise ValueError(f"src: got {src.shape[2]} channels; allowed: {1 + alpha} and more")
    if rows.shape[0] != out.shape[0] or cols.shape[0] != out.shape[1]:
        raise ValueError(
            f"out: got shape {(out.shape[0], out.shape[1])}; "
            f"allowed: {(rows.shape[0], cols.shape[0])}, the lengths of rows and cols"
        )
    with nogil:
        good = check(rows, src.shape[0]) and check(cols, src.shape[1])
        if good and out.shape[1]:
            if alpha:
                blend(src, rows, cols, out, outside, &tone)
            else:
                fill(src, rows, cols, out, outside, &tone)
    if not good:
        raise ValueError(
            f"rows, cols: got an index beyond src of shape {(src.shape[0], src.shape[1])}; "
            "allowed: -1 up to the length less one"
        )


def paint(
    const real[:, :] src,
    const uint32_t[::1] colours,
    double low,
    double high,
    const int64_t[::1] rows,
    const int64_t[::1] cols,
    uint32_t[:, ::1] out,
    uint32_t outside,
):
    """Write ``src[rows[i], cols[j]]`` by a table of colours into ``out[i, j]``.

    Parameters
    ----------
    src : (H, W) float32 or float64
        A NaN is magenta.
    colours : (N,) uint32
        From that of `low` and everything below to that of `high` and everything above.
    low, high : float
        ``low < high``.
    rows, cols, out, outside
        As for `pack`.
    """
    cdef Py_ssize_t i, j, width = out.shape[1]
    cdef int64_t r, c
    cdef double x, last = colours.shape[0] - 1, scale
    cdef bint good
    if colours.shape[0] < 2 or not low < high:
        raise ValueError(
            f"colours, low, high: got {colours.shape[0]}, {low} and {high}; "
            "allowed: two colours and more, low below high"
        )
    if rows.shape[0] != out.shape[0] or cols.shape[0] != out.shape[1]:
        raise ValueError(
            f"out: got shape {(out.shape[0], out.shape[1])}; "
            f"allowed: {(rows.shape[0], cols.shape[0])}, the lengths of rows and cols"
        )
    with nogil:
        good = check(rows, src.shape[0]) and check(cols, src.shape[1])
        if good and width:
            scale = last / (high - low)
            for i in range(out.shape[0]):
                r = rows[i]
                if i and r == rows[i - 1]:
                    memcpy(&out[i, 0], &out[i - 1, 0], width * sizeof(uint32_t))
                    continue
                for j in range(width):
                    c = cols[j]
                    if r < 0 or c < 0:
                        out[i, j] = outside
                        continue
                    x = src[r, c]
                    if x != x:
                        out[i, j] = NAN_PIXEL
                        continue
                    x = (x - low) * scale
                    x = 0 if not x > 0 else last if x > last else x
                    out[i, j] = colours[<Py_ssize_t>(x + 0.5)]
    if not good:
        raise ValueError(
            f"rows, cols: got an index beyond src of shape {(src.shape[0], src.shape[1])}; "
            "allowed: -1 up to the length less one"
        )


cdef void mean(
    const item[:, :, :] src, const int64_t[::1] rows, const int64_t[::1] cols,
    item[:, :, ::1] out, double[:, ::1] total,
) noexcept nogil:
    cdef Py_ssize_t i, j, r, c, channel, channels = src.shape[2]
    cdef double sum_, area
    for i in range(out.shape[0]):
        total[:, :] = 0
        for r in range(rows[i], rows[i + 1]):
            for j in range(out.shape[1]):
                for channel in range(channels):
                    sum_ = 0
                    for c in range(cols[j], cols[j + 1]):
                        sum_ += src[r, c, channel]
                    total[j, channel] += sum_
        for j in range(out.shape[1]):
            area = <double>(rows[i + 1] - rows[i]) * (cols[j + 1] - cols[j])
            for channel in range(channels):
                sum_ = total[j, channel] / area
                if item is uint8_t or item is uint16_t:
                    sum_ += 0.5
                out[i, j, channel] = <item>sum_


cdef int increasing(const int64_t[::1] edges, Py_ssize_t bound) noexcept nogil:
    cdef Py_ssize_t i
    if edges.shape[0] == 0 or edges[0] < 0 or edges[edges.shape[0] - 1] > bound:
        return 0
    for i in range(edges.shape[0] - 1):
        if edges[i] >= edges[i + 1]:
            return 0
    return 1


def average(
    const item[:, :, :] src,
    const int64_t[::1] rows,
    const int64_t[::1] cols,
    item[:, :, ::1] out,
):
    """Plain mean of ``src[rows[i]:rows[i + 1], cols[j]:cols[j + 1]]`` into ``out[i, j]``.

    Parameters
    ----------
    src : (H, W, C) uint8, uint16, float32 or float64
    rows, cols : (h + 1,), (w + 1,) int64
        Strictly increasing edges of the boxes.
    out : (h, w, C), the dtype of `src`
        Integers are rounded to nearest.
    """
    cdef bint good
    cdef double[:, ::1] total = np.empty((out.shape[1], out.shape[2]))
    wanted = (rows.shape[0] - 1, cols.shape[0] - 1, src.shape[2])
    if (out.shape[0], out.shape[1], out.shape[2]) != wanted:
        raise ValueError(
            f"out: got shape {(out.shape[0], out.shape[1], out.shape[2])}; allowed: {wanted}"
        )
    with nogil:
        good = increasing(rows, src.shape[0]) and increasing(cols, src.shape[1])
        if good:
            mean(src, rows, cols, out, total)
    if not good:
        raise ValueError(
            f"rows, cols: got edges that do not increase within src of shape "
            f"{(src.shape[0], src.shape[1])}; allowed: strictly increasing, 0 up to the length"
        )
