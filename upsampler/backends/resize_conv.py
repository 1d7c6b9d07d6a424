"""Resize-convolution, part by part; see resize_conv_parts.py for what the parts are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conv_spec import ConvSpec
from ..layout import Layout, by_letters, empty_like_order
from ..plan import plan_for
from ..resize_conv_spec import ResizeConvSpec
from .conv_tables import forward_tables
from .product_tables import product_tables
from .products import Products
from .resize_conv_parts import (
    Matrix,
    Strip,
    Window,
    folding,
    numbers_of,
    parts,
    point_wise,
    shared_axes,
    shared_origin,
)


def forward(
    backend: Any,
    spec: ResizeConvSpec,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    out: np.ndarray,
    threads: int,
) -> None:
    """`backend` gives `resample`, `convolve`, `conv_transpose` and `fold`."""
    first = point_wise(spec)
    if first is not None and x.size:
        crop = cropped(x, spec.layout, first.crop)
        y = empty_like_order(x, first.conv.out_shape, out.dtype)
        backend.conv_transpose(first.conv, crop, flipped(spec, weight), bias, y, threads)
        backend.resample(plan_for(first.resize), y, out, threads, False)
        return
    done = parts(spec)
    weight = weight.astype(numbers_of(spec), copy=False)
    if done.inner is not None:
        target = inside(out, spec, done.inner.window)
        _convolve_folded(backend, spec, done.inner, x, weight, bias, target, threads)
    for strips in done.strips:
        _convolve_strips(backend, spec, strips, x, weight, bias, out, threads)


def _convolve_folded(
    backend: Any,
    spec: ResizeConvSpec,
    conv: ConvSpec,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    out: np.ndarray,
    threads: int,
) -> None:
    """All outputs that folded kernels give, by the products that their phases share or without."""
    slack = backend.loops.CONV_SLACK
    axes = shared_axes(spec)
    if axes is None:
        tables = forward_tables(conv, slack)
        matrices = [m for m, _ in foldings(spec)]
    else:
        tables = product_tables(conv, axes, shared_origin(spec), slack)
        matrices = [Matrix.of(axis.weights) for axis in axes]
    kernel = _folded(backend, spec, matrices, weight, threads)
    backend.convolve(tables, conv, x, kernel, bias, out, threads, by_output=True)


def shared_kernel(
    backend: Any,
    spec: ResizeConvSpec,
    axes: tuple[Products, Products],
    weight: np.ndarray,
    threads: int,
) -> np.ndarray:
    """By which combination of the weights each product multiplies."""
    return _folded(backend, spec, [Matrix.of(axis.weights) for axis in axes], weight, threads)


def _folded(
    backend: Any, spec: ResizeConvSpec, matrices: list[Matrix], weight: np.ndarray, threads: int
) -> np.ndarray:
    sizes = [m.start.size - 1 for m in matrices]
    kernel = np.empty((*weight.shape[:2], *sizes), weight.dtype)
    backend.fold(grouped(spec, weight), grouped(spec, kernel), *matrices, threads)
    return kernel


def _convolve_strips(
    backend: Any,
    spec: ResizeConvSpec,
    strips: tuple[Strip, ...],
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    out: np.ndarray,
    threads: int,
) -> None:
    """Outputs beside the border as one product of matrices: what the taps see are its columns.

    Each strip by itself would spend most of its time on packing the weights.
    """
    numbers = numbers_of(spec)
    taps = spec.kernel[0] * spec.kernel[1]
    total = sum(strip.positions for strip in strips)
    columns = np.empty((spec.batch, spec.channels_in, *spec.kernel, total), numbers)
    at = 0
    for strip in strips:
        stop = at + strip.positions
        _fill_columns(
            columns[..., at:stop], spec, strip, upsampled(backend, spec, strip, x, threads)
        )
        at = stop
    conv = ConvSpec(
        layout=Layout("NCW"),
        dtype=numbers.name,
        batch=spec.batch,
        channels_in=spec.channels_in * taps,
        channels_out=spec.channels_out,
        groups=spec.groups,
        small=(total,),
        large=(total,),
        kernel=(1,),
        stride=(1,),
        padding=(0,),
        dilation=(1,),
        window=((0, total),),
    )
    made = np.empty(conv.out_shape, numbers)
    backend.convolve(
        forward_tables(conv, backend.loops.CONV_SLACK),
        conv,
        columns.reshape(conv.in_shape),
        weight,
        None if bias is None else bias.astype(numbers, copy=False),
        made,
        threads,
        by_output=True,
    )
    at = 0
    for strip in strips:
        target = by_letters(inside(out, spec, strip.window), spec.layout, "NCHW")
        with np.errstate(over="ignore"):  # half types overflow to infinity, as in the loops
            target[...] = made[..., at : at + strip.positions].reshape(target.shape)
        at += strip.positions


def _fill_columns(columns: np.ndarray, spec: ResizeConvSpec, strip: Strip, up: np.ndarray) -> None:
    """What every tap sees, for the outputs of a strip: (N, C, kH, kW, positions)."""
    sizes = [hi - lo for lo, hi in strip.window]
    # The strip of `up` among the zeros around it.
    canvas = np.zeros(
        (*columns.shape[:2], *(n + reach for n, reach in zip(sizes, spec.reach, strict=True))),
        columns.dtype,
    )
    each = zip(strip.first, strip.window, spec.padding, strip.conv.small, strict=True)
    places = [slice(at - lo + p, at - lo + p + n) for at, (lo, _), (p, _), n in each]
    canvas[:, :, *places] = by_letters(up, spec.layout, "NCHW")
    for tap in np.ndindex(spec.kernel):
        steps = zip(tap, spec.dilation, sizes, strict=True)
        seen = canvas[:, :, *(slice(t * d, t * d + n) for t, d, n in steps)]
        columns[:, :, *tap] = seen.reshape(columns[:, :, *tap].shape)


def upsampled(
    backend: Any, spec: ResizeConvSpec, strip: Strip, x: np.ndarray, threads: int
) -> np.ndarray:
    """The strip of `up` with what is repeated of its border, in arithmetic."""
    numbers = numbers_of(spec)
    if strip.resize is None or not x.size:
        return np.zeros(spec.shape(spec.channels_in, strip.conv.small), numbers)
    up = np.empty(strip.resize.out_shape, numbers)
    crop = cropped(x, spec.layout, strip.crop).astype(numbers, copy=False)
    backend.resample(plan_for(strip.resize), crop, up, threads, True)
    return continued(up, spec.layout, strip.around)


def continued(x: np.ndarray, layout: Layout, around: Window) -> np.ndarray:
    """`x` with its border repeated along H and W."""
    if not any(map(any, around)):
        return x
    letters = dict(zip("HW", around, strict=True))
    return np.pad(x, [letters.get(c, (0, 0)) for c in layout.text], mode="edge")


def foldings(spec: ResizeConvSpec) -> list[tuple[Matrix, Matrix]]:
    """For each axis the matrix that folds kernels, and its transpose."""
    each = zip(spec.factor, spec.kernel, spec.dilation, strict=True)
    return [folding(spec.mode, *sizes) for sizes in each]


def grouped(spec: ResizeConvSpec, weight: np.ndarray) -> np.ndarray:
    """With an axis for the groups: (groups, channels of one, channels, kH, kW)."""
    return weight.reshape(spec.groups, weight.shape[0] // spec.groups, *weight.shape[1:])


def flipped(spec: ResizeConvSpec, weight: np.ndarray) -> np.ndarray:
    """The weight of a convolution as that of a transposed convolution of stride 1."""
    inner, outer = spec.channels_in // spec.groups, spec.channels_out // spec.groups
    grouped = weight.reshape(spec.groups, outer, inner, *spec.kernel)[..., ::-1, ::-1]
    shape = (spec.channels_in, outer, *spec.kernel)
    return np.ascontiguousarray(grouped.swapaxes(1, 2)).reshape(shape)


def cropped(x: np.ndarray, layout: Layout, window: Window) -> np.ndarray:
    """A view of a part of `x`."""
    return x[(slice(None),) * layout.first + tuple(slice(lo, hi) for lo, hi in window)]


def inside(out: np.ndarray, spec: ResizeConvSpec, window: Window) -> np.ndarray:
    """The part of an array of the spec's window that holds another window."""
    moved = zip(window, spec.window, strict=True)
    return cropped(out, spec.layout, tuple((lo - a, hi - a) for (lo, hi), (a, _) in moved))
