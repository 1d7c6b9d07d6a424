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

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..conv_spec import ConvSpec
from ..layout import Layout, empty_like_order
from ..plan import plan_for
from ..resize_conv_spec import ResizeConvSpec
from ..spec import ResampleSpec, resample_spec

Window = tuple[tuple[int, int], ...]


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
    if mode == "nearest":
        return np.ones(factor), 0
    size = 2 * factor - factor % 2
    distance = np.abs(np.arange(size) - (size - 1) / 2)
    return 1 - distance / factor, factor // 2


@lru_cache(maxsize=256)
def folding(mode: str, factor: int, kernel: int, dilation: int) -> tuple[Matrix, Matrix]:
    """The matrix that makes K of w along an axis, and its transpose."""
    r, _ = response(mode, factor)
    dense = np.zeros((len(r) + dilation * (kernel - 1), kernel))
    for t in range(kernel):
        at = (kernel - 1 - t) * dilation
        dense[at : at + len(r), t] = r
    return Matrix.of(dense), Matrix.of(dense.T)


def _numbers(spec: ResizeConvSpec) -> np.dtype:
    """Half types are computed in float32."""
    return np.dtype(np.float64 if spec.dtype == "float64" else np.float32)


# --- what is done where -----------------------------------------------------------------------


@dataclass(frozen=True)
class Strip:
    """Outputs near the border, from a strip of the upsampled input."""

    window: Window  # in outputs
    crop: Window  # of the input, what upsampling the strip needs
    resize: ResampleSpec | None  # of the crop; None where the strip lies in the zeros outside
    conv: ConvSpec  # of the upsampled strip


@dataclass(frozen=True)
class Parts:
    """A resize-convolution in parts; `inner` is None where nothing is left of it."""

    inner: ConvSpec | None
    strips: tuple[Strip, ...]


@lru_cache(maxsize=256)
def parts(spec: ResizeConvSpec) -> Parts:
    """Where outputs are computed depends on their place alone, not on the window."""
    inner: Window = tuple((0, m) for m in spec.large)
    frame: list[Window] = []
    if spec.mode == "bilinear" and spec.padding_mode == "zeros":
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
    strips = [_strip(spec, part) for w in frame if (part := _overlap(w, spec.window)) is not None]
    return Parts(None if seen is None else _folded(spec, seen), tuple(strips))


def _overlap(a: Window, b: Window) -> Window | None:
    both = tuple((max(p, q), min(r, s)) for (p, r), (q, s) in zip(a, b, strict=True))
    return both if all(lo < hi for lo, hi in both) else None


def _folded(spec: ResizeConvSpec, window: Window) -> ConvSpec:
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
    ends = [
        (max(0, lo - p), min(m, hi - p + reach))
        for (lo, hi), (p, _), m, reach in zip(
            window, spec.padding, spec.up, spec.reach, strict=True
        )
    ]
    first = tuple(lo for lo, _ in ends)
    small = tuple(max(0, hi - lo) for lo, hi in ends)
    conv = _plain(spec, spec.large, first, window, small)
    if 0 in small:
        return Strip(window, ((0, 0), (0, 0)), None, conv)
    crop, resize = _cropped(spec, spec.channels_in, tuple(ends))
    return Strip(window, crop, resize, conv)


def _cropped(spec: ResizeConvSpec, channels: int, ends: Window) -> tuple[Window, ResampleSpec]:
    """What part of the input a part of `up` needs, and how it is made of that.

    A crop has a sample more than is read wherever the input goes on, so its ends are not taken
    for the border.
    """
    each = list(zip(ends, spec.factor, spec.small, strict=True))
    crop = tuple((max(0, lo // f - 1), min(n, (hi - 1) // f + 2)) for (lo, hi), f, n in each)
    resize = resample_spec(
        spec.shape(channels, tuple(b - a for a, b in crop)),
        _numbers(spec),
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


# --- doing it ----------------------------------------------------------------------------------


def forward(
    backend: Any,
    spec: ResizeConvSpec,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    out: np.ndarray,
    threads: int,
) -> None:
    """`backend` gives `resample`, `conv_transpose` and `fold`."""
    first = point_wise(spec)
    if first is not None and x.size:
        crop = _at(x, spec.layout, first.crop)
        y = empty_like_order(x, first.conv.out_shape, out.dtype)
        backend.conv_transpose(first.conv, crop, _flipped(spec, weight), bias, y, threads)
        backend.resample(plan_for(first.resize), y, out, threads, False)
        return
    done, numbers = parts(spec), _numbers(spec)
    wide = weight.astype(numbers, copy=False)
    if done.inner is not None:
        kernel = np.empty(done.inner.weight_shape, numbers)
        _fold(backend, spec, wide, kernel, threads)
        target = _inside(out, spec, done.inner.window)
        backend.conv_transpose(done.inner, x, kernel, bias, target, threads)
    if not done.strips:
        return
    kernel = _flipped(spec, wide)
    bias = None if bias is None else bias.astype(numbers, copy=False)
    for strip in done.strips:
        up = _upsampled(backend, spec, strip, x, threads)
        target = _inside(out, spec, strip.window)
        made = target if out.dtype == numbers else np.empty(target.shape, numbers)
        conv = replace(strip.conv, dtype=numbers.name)
        backend.conv_transpose(conv, up, kernel, bias, made, threads)
        if made is not target:
            target[...] = made


class Gradients(NamedTuple):
    """Where gradients are added up."""

    x: np.ndarray
    weight: np.ndarray
    bias: np.ndarray


def backward(
    backend: Any,
    spec: ResizeConvSpec,
    grad: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    into: Gradients,
    threads: int,
) -> None:
    """All three gradients; those of half types are added up in float32."""
    numbers = _numbers(spec)
    if grad.dtype != numbers:
        wide = grad.astype(numbers), x.astype(numbers), weight.astype(numbers)
        made = Gradients(*(np.empty(a.shape, numbers) for a in into))
        backward(backend, replace(spec, dtype=numbers.name), *wide, made, threads)
        for target, values in zip(into, made, strict=True):
            target[...] = values
        return
    for target in into:
        target[...] = 0
    if not grad.size:
        return
    first = point_wise(spec)
    if first is not None and x.size:
        small = np.empty(first.conv.out_shape, numbers)
        backend.resample(plan_for(first.resize, True), grad, small, threads, True)
        part, part_grad = (_at(a, spec.layout, first.crop) for a in (x, into.x))
        crop_into = Gradients(part_grad, into.weight, into.bias)
        _add_plain(backend, spec, first.conv, small, part, weight, crop_into, threads)
        return
    done = parts(spec)
    if done.inner is not None:
        part = _inside(grad, spec, done.inner.window)
        _add_folded(backend, spec, done.inner, part, x, weight, into, threads)
    for strip in done.strips:
        part = _inside(grad, spec, strip.window)
        up = _upsampled(backend, spec, strip, x, threads)
        up_into = Gradients(np.zeros_like(up), into.weight, into.bias)
        _add_plain(backend, spec, strip.conv, part, up, weight, up_into, threads)
        if strip.resize is not None and x.size:
            target = _at(into.x, spec.layout, strip.crop)
            crop_grad = np.empty(target.shape, numbers)
            backend.resample(plan_for(strip.resize, True), up_into.x, crop_grad, threads, True)
            target += crop_grad


def _add_plain(
    backend: Any,
    spec: ResizeConvSpec,
    conv: ConvSpec,
    grad: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    into: Gradients,
    threads: int,
) -> None:
    """Add the gradients of a convolution of stride 1."""
    made = Gradients(np.empty_like(x), np.empty(conv.weight_shape, x.dtype), into.bias.copy())
    backend.conv_transpose_backward(conv, grad, x, _flipped(spec, weight), *made, threads)
    for target, values in zip(
        into, (made.x, _flipped_back(spec, made.weight), made.bias), strict=True
    ):
        target += values


def _add_folded(
    backend: Any,
    spec: ResizeConvSpec,
    conv: ConvSpec,
    grad: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    into: Gradients,
    threads: int,
) -> None:
    """Add the gradients of the folded convolution.

    Where the input goes on with its border, it is continued in memory for once: the gradients of
    what lies outside are then had by themselves, and added to those of the border.
    """
    around = _around(conv) if conv.edge else ((0, 0), (0, 0))
    padded = x
    if any(map(any, around)):
        letters = dict(zip("HW", around, strict=True))
        padded = np.pad(x, [letters.get(c, (0, 0)) for c in spec.layout.text], mode="edge")
    each = list(zip(conv.small, conv.padding, conv.stride, around, strict=True))
    conv = replace(
        conv,
        small=tuple(n + a + b for n, _, _, (a, b) in each),
        padding=tuple(p + a * f for _, p, f, (a, _) in each),
        edge=False,
    )
    kernel = np.empty(conv.weight_shape, x.dtype)
    _fold(backend, spec, weight, kernel, threads)
    made = Gradients(np.empty_like(padded), np.empty_like(kernel), into.bias.copy())
    backend.conv_transpose_backward(conv, grad, padded, kernel, *made, threads)
    grad_x = made.x
    for axis, (before, after) in zip(spec.layout.axes, around, strict=True):
        grad_x = _border_added(grad_x, axis, before, after)
    grad_weight = np.empty(spec.weight_shape, x.dtype)
    _fold(backend, spec, made.weight, grad_weight, threads, back=True)
    for target, values in zip(into, (grad_x, grad_weight, made.bias), strict=True):
        target += values


def _around(conv: ConvSpec) -> Window:
    """How far before and after the input the outputs of the window read."""
    ends = zip(conv.window, conv.padding, conv.kernel, conv.stride, conv.small, strict=True)
    return tuple(
        (max(0, (k - 1 - lo - p) // f), max(0, (hi - 1 + p) // f - (n - 1)))
        for (lo, hi), p, k, f, n in ends
    )


def _border_added(g: np.ndarray, axis: int, before: int, after: int) -> np.ndarray:
    """The adjoint of repeating the border: what lies outside is added to it."""
    g = np.moveaxis(g, axis, 0)
    n = len(g) - after
    if before:
        g[before] += g[:before].sum(axis=0)
    if after:
        g[n - 1] += g[n:].sum(axis=0)
    return np.moveaxis(g[before:n], 0, axis)


def _upsampled(
    backend: Any, spec: ResizeConvSpec, strip: Strip, x: np.ndarray, threads: int
) -> np.ndarray:
    """The strip of `up`, in arithmetic."""
    numbers = _numbers(spec)
    shape = spec.shape(spec.channels_in, strip.conv.small)
    if strip.resize is None or not x.size:
        return np.zeros(shape, numbers)
    up = np.empty(shape, numbers)
    crop = _at(x, spec.layout, strip.crop).astype(numbers, copy=False)
    backend.resample(plan_for(strip.resize), crop, up, threads, True)
    return up


def _fold(
    backend: Any,
    spec: ResizeConvSpec,
    source: np.ndarray,
    target: np.ndarray,
    threads: int,
    back: bool = False,
) -> None:
    """Weights of the convolution to those of the transposed one, or gradients `back`."""
    bands = [
        folding(spec.mode, *sizes)[back]
        for sizes in zip(spec.factor, spec.kernel, spec.dilation, strict=True)
    ]
    # Groups, then the axes of the source in its own order, so that it is read as it lies.
    source, target = (
        a.reshape(spec.groups, a.shape[0] // spec.groups, *a.shape[1:]) for a in (source, target)
    )
    backend.fold(source, target.swapaxes(1, 2), *bands, threads)


def _flipped(spec: ResizeConvSpec, weight: np.ndarray) -> np.ndarray:
    """The weight of a convolution as that of a transposed convolution of stride 1."""
    inner, outer = spec.channels_in // spec.groups, spec.channels_out // spec.groups
    grouped = weight.reshape(spec.groups, outer, inner, *spec.kernel)[..., ::-1, ::-1]
    shape = (spec.channels_in, outer, *spec.kernel)
    return np.ascontiguousarray(grouped.swapaxes(1, 2)).reshape(shape)


def _flipped_back(spec: ResizeConvSpec, weight: np.ndarray) -> np.ndarray:
    """The other way round."""
    inner, outer = spec.channels_in // spec.groups, spec.channels_out // spec.groups
    grouped = weight.reshape(spec.groups, inner, outer, *spec.kernel)[..., ::-1, ::-1]
    return grouped.swapaxes(1, 2).reshape(spec.weight_shape)


def _at(x: np.ndarray, layout: Layout, window: Window) -> np.ndarray:
    """A view of a part of `x`."""
    return x[(slice(None),) * layout.first + tuple(slice(lo, hi) for lo, hi in window)]


def _inside(out: np.ndarray, spec: ResizeConvSpec, window: Window) -> np.ndarray:
    """The part of an array of the spec's window that holds another window."""
    moved = zip(window, spec.window, strict=True)
    return _at(out, spec.layout, tuple((lo - a, hi - a) for (lo, hi), (a, _) in moved))
