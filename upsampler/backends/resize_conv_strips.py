"""Outputs of a resize-convolution beside the border: one product of matrices.

What the taps see are its columns.  Each strip by itself would spend most of its time on packing
the weights.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..conv_spec import ConvSpec
from ..layout import by_letters
from ..plan import plan_for
from ..resize_conv_spec import ResizeConvSpec
from .matrix_products import matrix_product, matrix_product_backward
from .resize_conv_parts import Strip, numbers_of
from .resize_conv_views import border_added, continued, cropped, inside


class Gradients(NamedTuple):
    """Where gradients are added up."""

    x: np.ndarray
    weight: np.ndarray
    bias: np.ndarray


class Adjoint(NamedTuple):
    """One computation of gradients: what they are made from, and where they go."""

    backend: Any
    spec: ResizeConvSpec
    grad: np.ndarray
    x: np.ndarray
    weight: np.ndarray
    into: Gradients
    threads: int


def convolve_strips(
    backend: Any,
    spec: ResizeConvSpec,
    strips: tuple[Strip, ...],
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    out: np.ndarray,
    threads: int,
) -> None:
    conv = _product(spec, strips)
    made = np.empty(conv.out_shape, conv.dtype)
    columns = _columns(backend, spec, strips, x, threads).reshape(conv.in_shape)
    backend.convolve(
        backend.conv_tables(conv, columns, made, True),
        conv,
        columns,
        weight,
        None if bias is None else bias.astype(conv.dtype, copy=False),
        made,
        threads,
        by_output=True,
    )
    for strip, values in _of_each(strips, made):
        target = by_letters(inside(out, spec, strip.window), spec.layout, "NCHW")
        with np.errstate(over="ignore"):  # half types overflow to infinity, as in the loops
            target[...] = values.reshape(target.shape)


def add_strips(of: Adjoint, strips: tuple[Strip, ...]) -> None:
    """Add the gradients of `convolve_strips`; all arrays are in arithmetic."""
    backend, spec, grad, x, weight, into, threads = of
    conv = _product(spec, strips)
    grads = np.empty(conv.out_shape, conv.dtype)
    for strip, values in _of_each(strips, grads):
        part = by_letters(inside(grad, spec, strip.window), spec.layout, "NCHW")
        values[...] = part.reshape(values.shape)
    into.bias[...] += grads.sum(axis=2).sum(axis=0)
    columns = _columns(backend, spec, strips, x, threads)
    seen = columns.reshape(conv.in_shape)
    into.weight[...] += matrix_product_backward(backend, conv, grads, seen, weight, threads)
    for strip, values in _of_each(strips, columns):
        if strip.resize is not None and x.size:
            target = cropped(into.x, spec.layout, strip.crop)
            grad_crop = np.empty(target.shape, conv.dtype)
            grad_up = border_added(_seen_by(values, spec, strip), spec.layout, strip.around)
            backend.resample(plan_for(strip.resize, True), grad_up, grad_crop, threads, True)
            target += grad_crop


def _product(spec: ResizeConvSpec, strips: tuple[Strip, ...]) -> ConvSpec:
    total = sum(strip.positions for strip in strips)
    inner = spec.channels_in * spec.kernel[0] * spec.kernel[1]
    return matrix_product(spec, inner, spec.channels_out, spec.groups, total)


def _of_each(strips: tuple[Strip, ...], x: np.ndarray) -> list[tuple[Strip, np.ndarray]]:
    """The positions of each strip, last axis."""
    ends = np.cumsum([strip.positions for strip in strips])[:-1]
    return list(zip(strips, np.split(x, ends, axis=-1), strict=True))


def _columns(
    backend: Any, spec: ResizeConvSpec, strips: tuple[Strip, ...], x: np.ndarray, threads: int
) -> np.ndarray:
    """What every tap sees, for the outputs of all strips: (N, C, kH, kW, positions)."""
    total = sum(strip.positions for strip in strips)
    columns = np.empty((spec.batch, spec.channels_in, *spec.kernel, total), numbers_of(spec))
    for strip, values in _of_each(strips, columns):
        canvas, places = _canvas(spec, strip, columns.dtype)
        canvas[places] = by_letters(
            upsampled(backend, spec, strip, x, threads), spec.layout, "NCHW"
        )
        for tap in np.ndindex(spec.kernel):
            seen = canvas[_seen(spec, strip, tap)]
            values[:, :, *tap] = seen.reshape(values[:, :, *tap].shape)
    return columns


def _seen_by(values: np.ndarray, spec: ResizeConvSpec, strip: Strip) -> np.ndarray:
    """What the taps hand back to the strip of `up`, in the layout: the adjoint of `_columns`."""
    canvas, places = _canvas(spec, strip, values.dtype)
    for tap in np.ndindex(spec.kernel):
        seen = canvas[_seen(spec, strip, tap)]
        seen += values[:, :, *tap].reshape(seen.shape)
    made = np.empty(spec.shape(spec.channels_in, strip.conv.small), values.dtype)
    by_letters(made, spec.layout, "NCHW")[...] = canvas[places]
    return made


Places = tuple[slice, ...]


def _canvas(spec: ResizeConvSpec, strip: Strip, dtype: np.dtype) -> tuple[np.ndarray, Places]:
    """Zeros around a strip of `up`, as far as its outputs see, and the strip among them."""
    starts, places, sizes = _starts(spec, strip), [], []
    ends = (
        hi - p + reach
        for (_, hi), (p, _), reach in zip(strip.window, spec.padding, spec.reach, strict=True)
    )
    for start, end, at, n in zip(starts, ends, strip.first, strip.conv.small, strict=True):
        places.append(slice(at - start, at - start + n))
        sizes.append(max(end, at + n) - start)
    canvas = np.zeros((spec.batch, spec.channels_in, *sizes), dtype)
    return canvas, (slice(None), slice(None), *places)


def _starts(spec: ResizeConvSpec, strip: Strip) -> list[int]:
    """Where the canvas begins: outputs behind the border see nothing of `up` but its repetition."""
    each = zip(strip.first, strip.window, spec.padding, strict=True)
    return [min(at, lo - p) for at, (lo, _), (p, _) in each]


def _seen(spec: ResizeConvSpec, strip: Strip, tap: tuple[int, ...]) -> Places:
    """The part of the canvas that a tap sees, in the order of the outputs."""
    places = []
    each = zip(_starts(spec, strip), strip.window, spec.padding, tap, spec.dilation, strict=True)
    for start, (lo, hi), (p, _), t, d in each:
        first = lo - p - start + t * d
        places.append(slice(first, first + hi - lo))
    return (slice(None), slice(None), *places)


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
