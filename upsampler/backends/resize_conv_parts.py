"""Resize-convolution without the upsampled array: folded kernels on the small input.

Along one axis, let r be what upsampling by f makes of a single sample 1 at 0, from output -c on
(f ones for nearest, a triangle for bilinear).  Then

    out[o] = sum over t of w[t] * up[o - p + t * d],   up[j] = sum over i of x[i] * r[j - i * f + c]

is a transposed convolution of stride f: with T = q + (k - 1 - t) * d it is the sum over all i, T
with i * f - P + T == o of x[i] * K[T], where P = d * (k - 1) - p + c and

    K[T] = sum over t of w[t] * r[T - (k - 1 - t) * d].

`up` ends at the border, though, and x does not.  Beyond it nearest upsampling of zeros is zero,
and of the repeated border the repeated border: both paddings are exact with x continued alike.
Bilinear interpolation repeats the border *within* `up`, so x is continued with its border; that is
exact for replicate padding, while with zeros the outputs whose kernel reaches over the border of
`up` are wrong.  These few (p rows or columns on a side) are computed in two steps, from a strip
of `up`.  A kernel of one tap commutes with upsampling and comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..conv_spec import ConvSpec
from ..resize_conv_spec import ResizeConvSpec
from ..spec import ResampleSpec, resample_spec
from .products import Border, Products, border, products, upsampling

Window = tuple[tuple[int, int], ...]

COLUMNS = 1 << 20  # numbers that the taps beside the border may see at once: 4 megabytes
LEAST_POSITIONS = 64


@dataclass(frozen=True, eq=False)
class Matrix:
    """A sparse matrix by rows: the entries of row i are start[i] to start[i + 1]."""

    start: np.ndarray
    column: np.ndarray
    value: np.ndarray

    @classmethod
    def of(cls, dense: np.ndarray) -> Matrix:
        rows, columns = np.nonzero(dense)
        start = np.searchsorted(rows, np.arange(len(dense) + 1))
        return cls(start.astype(np.intp), columns.astype(np.intp), dense[rows, columns])


def response(mode: str, factor: int) -> tuple[np.ndarray, int]:
    """r and c: what upsampling makes of a single sample, and how far before it that begins."""
    of_one = upsampling(mode, factor, 5)[:, 2]  # far enough from the border
    places = np.flatnonzero(of_one)
    return of_one[places[0] : places[-1] + 1], int(2 * factor - places[0])


@lru_cache(maxsize=256)
def folding(mode: str, factor: int, kernel: int, dilation: int) -> tuple[Matrix, Matrix]:
    """The matrix that makes K of w along an axis, and its transpose."""
    r, _ = response(mode, factor)
    dense = np.zeros((len(r) + dilation * (kernel - 1), kernel))
    for t in range(kernel):
        at = (kernel - 1 - t) * dilation
        dense[at : at + len(r), t] = r
    return Matrix.of(dense), Matrix.of(dense.T)


def numbers_of(spec: ResizeConvSpec) -> np.dtype:
    """Half types are computed in float32."""
    return np.dtype(np.float64 if spec.dtype == "float64" else np.float32)


# --- what is done where -----------------------------------------------------------------------


@dataclass(frozen=True)
class Strip:
    """Outputs in two steps, from a strip of the upsampled input."""

    window: Window  # in outputs
    first: tuple[int, int]  # where in `up` the strip begins that they see
    crop: Window  # of the input, what upsampling the strip needs
    resize: ResampleSpec | None  # of the crop; None where the strip lies in the zeros outside
    around: Window  # how often the border of `up` is repeated on either side
    conv: ConvSpec  # of the strip, with what is repeated

    @property
    def positions(self) -> int:
        return prod(hi - lo for lo, hi in self.window)


@dataclass(frozen=True)
class Parts:
    """A resize-convolution in parts; `inner` is None where nothing is left of it."""

    inner: ConvSpec | None
    strips: tuple[tuple[Strip, ...], ...]  # those that are done together


@lru_cache(maxsize=256)
def parts(spec: ResizeConvSpec, whole: bool = False) -> Parts:
    """Where outputs are computed depends on their place alone, not on the window.

    With `whole` those beside the border need no steps of their own; see `shared_borders`.
    """
    everything: Window = tuple((0, m) for m in spec.large)
    inner, frame = everything, []
    if not whole and _mostly_zeros(spec):
        inner, frame = ((0, 0), (0, 0)), [everything]
    elif not whole and spec.mode == "bilinear" and spec.padding_mode == "zeros":
        inner = tuple(
            (min(p, m), max(min(p, m), m - q))
            for (p, q), m in zip(spec.padding, spec.large, strict=True)
        )
        (top, bottom), (left, right) = inner
        height, width = spec.large
        frame = [
            ((0, top), (0, width)),
            ((top, bottom), (0, left)),
            ((top, bottom), (right, width)),
            ((bottom, height), (0, width)),
        ]
    seen = _overlap(inner, spec.window)
    taps = spec.batch * spec.channels_in * prod(spec.kernel)
    most = max(LEAST_POSITIONS, COLUMNS // max(1, taps))
    pieces = [
        _strip(spec, piece)
        for window in frame
        if (part := _overlap(window, spec.window)) is not None
        for piece in _cut(part, most)
    ]
    return Parts(None if seen is None else _folded(spec, seen), tuple(_together(pieces, most)))


def _mostly_zeros(spec: ResizeConvSpec) -> bool:
    """Whether folded kernels are so sparse, from wide dilations, that two steps take less."""
    folded = 1.0
    for f, reach in zip(spec.factor, spec.reach, strict=True):
        folded *= (len(response(spec.mode, f)[0]) + reach) / f
    return folded > 2 * prod(spec.kernel)


def _cut(window: Window, most: int) -> Iterator[Window]:
    """Pieces of a strip, cut across its longer side into about `most` positions each."""
    long = max((0, 1), key=lambda a: window[a][1] - window[a][0])
    (lo, hi), other = window[long], window[1 - long]
    step = max(1, most // (other[1] - other[0]))
    for at in range(lo, hi, step):
        piece = (at, min(hi, at + step))
        yield (piece, other) if long == 0 else (other, piece)


def _together(strips: list[Strip], most: int) -> Iterator[tuple[Strip, ...]]:
    """Neighbours in the list as long as they have about `most` positions in all."""
    group: list[Strip] = []
    for strip in strips:
        if group and sum(s.positions for s in group) + strip.positions > most:
            yield tuple(group)
            group = []
        group.append(strip)
    if group:
        yield tuple(group)


def _overlap(a: Window, b: Window) -> Window | None:
    both = tuple((max(p, q), min(r, s)) for (p, r), (q, s) in zip(a, b, strict=True))
    return both if all(lo < hi for lo, hi in both) else None


def _folded(spec: ResizeConvSpec, window: Window) -> ConvSpec:
    """The convolution of the small input by folded kernels, which gives outputs of `window`."""
    responses = [response(spec.mode, f) for f in spec.factor]
    each = zip(spec.reach, spec.padding, responses, strict=True)
    return _conv(
        spec,
        small=spec.small,
        large=spec.large,
        kernel=tuple(len(r) + reach for reach, (r, _) in zip(spec.reach, responses, strict=True)),
        stride=spec.factor,
        padding=tuple(reach - p + c for reach, (p, _), (_, c) in each),
        window=window,
        edge=spec.mode == "bilinear" or spec.padding_mode == "replicate",
    )


def _plain(
    spec: ResizeConvSpec,
    large: tuple[int, ...],
    first: tuple[int, ...],
    window: Window,
    small: tuple[int, ...],
) -> ConvSpec:
    """The convolution by itself, of `small` samples from place `first` of `up` on."""
    each = zip(spec.reach, spec.padding, first, strict=True)
    return _conv(
        spec,
        small=small,
        large=large,
        kernel=spec.kernel,
        stride=(1, 1),
        dilation=spec.dilation,
        padding=tuple(reach - p - at for reach, (p, _), at in each),
        window=window,
    )


def _conv(spec: ResizeConvSpec, **sizes: Any) -> ConvSpec:
    return ConvSpec(
        layout=spec.layout,
        dtype=spec.dtype,
        batch=spec.batch,
        channels_in=spec.channels_in,
        channels_out=spec.channels_out,
        groups=spec.groups,
        **{"dilation": (1, 1), **sizes},
    )


def _strip(spec: ResizeConvSpec, window: Window) -> Strip:
    """Two steps for the outputs of `window`."""
    ends, around = [], []
    for (lo, hi), (p, _), m, reach in zip(window, spec.padding, spec.up, spec.reach, strict=True):
        seen = lo - p, hi - p + reach
        a, b = max(0, seen[0]), min(m, seen[1])
        if spec.padding_mode == "zeros":
            around.append((0, 0))
        else:  # at least the border itself
            a, b = min(a, m - 1), max(b, min(a, m - 1) + 1)
            around.append((max(0, a - seen[0]), max(0, seen[1] - b)))
        ends.append((a, b))
    first = tuple(a - before for (a, _), (before, _) in zip(ends, around, strict=True))
    sizes = [max(0, b - a) for a, b in ends]
    small = tuple(n + sum(repeated) for n, repeated in zip(sizes, around, strict=True))
    conv = _plain(spec, spec.large, first, window, small)
    crop: Window = ((0, 0), (0, 0))
    resize = None
    if 0 not in small:
        crop, resize = _cropped(spec, spec.channels_in, tuple(ends))
    return Strip(window, (first[0], first[1]), crop, resize, tuple(around), conv)


def _cropped(spec: ResizeConvSpec, channels: int, ends: Window) -> tuple[Window, ResampleSpec]:
    """What part of the input a part of `up` needs, and how it is made of that.

    A crop has a sample more than is read wherever the input goes on, so its ends are not taken
    for the border.
    """
    each = list(zip(ends, spec.factor, spec.small, strict=True))
    crop = tuple((max(0, lo // f - 1), min(n, (hi - 1) // f + 2)) for (lo, hi), f, n in each)
    resize = resample_spec(
        spec.shape(channels, tuple(b - a for a, b in crop)),
        numbers_of(spec),
        None,
        list(spec.factor),
        spec.mode,
        layout=spec.layout.text,
        window=[
            (lo - a * f, hi - a * f)
            for (lo, hi), (a, _), f in zip(ends, crop, spec.factor, strict=True)
        ],
    )
    return crop, resize


@dataclass(frozen=True)
class PointWise:
    """A kernel of one tap: convolve a crop of the input, then upsample."""

    crop: Window
    conv: ConvSpec
    resize: ResampleSpec


@lru_cache(maxsize=256)
def point_wise(spec: ResizeConvSpec) -> PointWise | None:
    """None where that is not it; half types would be rounded in between."""
    half = spec.dtype not in ("float32", "float64")
    if half or max(spec.kernel) > 1 or any(map(any, spec.padding)) or max(spec.factor) == 1:
        return None
    crop, resize = _cropped(spec, spec.channels_out, spec.window)
    small_crop = tuple(b - a for a, b in crop)
    whole: Window = tuple((0, n) for n in small_crop)
    return PointWise(crop, _plain(spec, small_crop, (0, 0), whole, small_crop), resize)


# Channels of a group from which sharing products pays; with fewer, making them costs more.
LEAST_IN, LEAST_OUT = 8, 16


@lru_cache(maxsize=256)
def shared_axes(spec: ResizeConvSpec) -> tuple[Products, Products] | None:
    """The products of both axes where they save multiplications, else None."""
    inner, rows = spec.channels_in // spec.groups, spec.channels_out // spec.groups
    if max(spec.factor) == 1 or inner < LEAST_IN or rows < LEAST_OUT:
        return None
    height, width = (
        products(spec.mode, f, k, d)
        for f, k, d in zip(spec.factor, spec.kernel, spec.dilation, strict=True)
    )
    return None if height is None or width is None else (height, width)


def shared_origin(spec: ResizeConvSpec) -> tuple[int, ...]:
    """Output o has the phase (o + origin) % factor, around the input (o + origin) // factor."""
    return tuple(reach // 2 - p for reach, (p, _) in zip(spec.reach, spec.padding, strict=True))


Ends = tuple[Border | None, Border | None]
NO_BORDERS: tuple[Ends, Ends] = ((None, None), (None, None))


@lru_cache(maxsize=256)
def shared_borders(spec: ResizeConvSpec) -> tuple[Ends, Ends] | None:
    """What both ends of both axes need; None where outputs beside the border need two steps."""
    if shared_axes(spec) is None:
        return None
    if spec.mode != "bilinear" or spec.padding_mode != "zeros":
        return NO_BORDERS
    down, across = (_ends(spec, axis) for axis in range(2))
    return None if down is None or across is None else (down, across)


def _ends(spec: ResizeConvSpec, axis: int) -> Ends | None:
    """One output at most may reach beyond an end, and it must lie at the last position."""
    f, k, d = spec.factor[axis], spec.kernel[axis], spec.dilation[axis]
    paddings, last = spec.padding[axis], spec.large[axis] - 1
    if max(paddings) > 1 or (any(paddings) and last == 0):
        return None
    lo, hi = spec.window[axis]
    ends: list[Border | None] = []
    for padding, output, position in zip(
        paddings, (0, last), (0, spec.small[axis] - 1), strict=True
    ):
        end = None
        if padding:
            place, phase = divmod(output + shared_origin(spec)[axis], f)
            seen = output - paddings[0] + d * np.arange(k)
            end = border(spec.mode, f, k, d, phase, (seen >= 0) & (seen < spec.up[axis]))
            if place != position or end is None:
                return None
        ends.append(end if lo <= output < hi else None)
    return ends[0], ends[1]


def shared_back(spec: ResizeConvSpec) -> ConvSpec | None:
    """The folded convolution of all outputs where their gradients share products, else None."""
    inner, rows = spec.channels_out // spec.groups, spec.channels_in // spec.groups
    if shared_axes(spec) is None or inner < LEAST_IN or rows < LEAST_OUT:
        return None
    conv = _folded(spec, spec.window)
    # Beyond the border all of x is the border: one sample of that is taken care of.
    each = zip(conv.window, shared_origin(spec), conv.stride, conv.small, strict=True)
    near = all(lo + at >= 0 and hi - 1 + at < f * n for (lo, hi), at, f, n in each)
    return conv if near or not conv.edge else None
