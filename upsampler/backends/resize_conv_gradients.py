"""The gradients of resize-convolution: the adjoint of its parts, added up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..conv_spec import ConvSpec
from ..layout import Layout, by_letters
from ..plan import plan_for
from ..resize_conv_spec import ResizeConvSpec
from .product_tables import adjoint_tables, shared_weight_parts
from .resize_conv import (
    continued,
    cropped,
    flipped,
    foldings,
    grouped,
    inside,
    shared_kernel,
    upsampled,
)
from .resize_conv_parts import (
    Matrix,
    Strip,
    Window,
    numbers_of,
    parts,
    point_wise,
    shared_axes,
    shared_origin,
    shares_back,
)


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
    numbers = numbers_of(spec)
    if grad.dtype != numbers:
        wide = grad.astype(numbers), x.astype(numbers), weight.astype(numbers)
        made = Gradients(*(np.empty(a.shape, numbers) for a in into))
        backward(backend, replace(spec, dtype=numbers.name), *wide, made, threads)
        with np.errstate(over="ignore"):  # to infinity, as in the loops
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
        part, part_grad = (cropped(a, spec.layout, first.crop) for a in (x, into.x))
        crop_into = Gradients(part_grad, into.weight, into.bias)
        _add_plain(backend, spec, first.conv, small, part, weight, crop_into, threads)
        return
    done = parts(spec)
    if done.inner is not None:
        part = inside(grad, spec, done.inner.window)
        add = _add_shared if shares_back(spec, done.inner) else _add_folded
        add(backend, spec, done.inner, part, x, weight, into, threads)
    for strips in done.strips:
        for strip in strips:
            part = inside(grad, spec, strip.window)
            _add_strip(backend, spec, strip, part, x, weight, into, threads)


def _add_strip(
    backend: Any,
    spec: ResizeConvSpec,
    strip: Strip,
    grad: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    into: Gradients,
    threads: int,
) -> None:
    """Add the gradients of two steps, for a strip of outputs beside the border."""
    up = upsampled(backend, spec, strip, x, threads)
    up_into = Gradients(np.zeros_like(up), into.weight, into.bias)
    _add_plain(backend, spec, strip.conv, grad, up, weight, up_into, threads)
    if strip.resize is not None and x.size:
        target = cropped(into.x, spec.layout, strip.crop)
        crop_grad = np.empty(target.shape, x.dtype)
        grad_up = _border_added(up_into.x, spec.layout, strip.around)
        backend.resample(plan_for(strip.resize, True), grad_up, crop_grad, threads, True)
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
    backend.conv_transpose_backward(conv, grad, x, flipped(spec, weight), *made, threads)
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
    padded = continued(x, spec.layout, around)
    each = list(zip(conv.small, conv.padding, conv.stride, around, strict=True))
    conv = replace(
        conv,
        small=tuple(n + a + b for n, _, _, (a, b) in each),
        padding=tuple(p + a * f for _, p, f, (a, _) in each),
        edge=False,
    )
    kernel = np.empty(conv.weight_shape, x.dtype)
    there = [m for m, _ in foldings(spec)]
    backend.fold(grouped(spec, weight), grouped(spec, kernel).swapaxes(1, 2), *there, threads)
    made = Gradients(np.empty_like(padded), np.empty_like(kernel), into.bias.copy())
    backend.conv_transpose_backward(conv, grad, padded, kernel, *made, threads)
    grad_x = _border_added(made.x, spec.layout, around)
    grad_weight = np.empty(spec.weight_shape, x.dtype)
    back = [m for _, m in foldings(spec)]
    source = grouped(spec, made.weight)
    backend.fold(source, grouped(spec, grad_weight).swapaxes(1, 2), *back, threads)
    for target, values in zip(into, (grad_x, grad_weight, made.bias), strict=True):
        target += values


def _add_shared(
    backend: Any,
    spec: ResizeConvSpec,
    conv: ConvSpec,
    grad: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    into: Gradients,
    threads: int,
) -> None:
    """Add the same gradients, by the products that the phases share."""
    axes, origin = shared_axes(spec), shared_origin(spec)
    assert axes is not None
    slack = backend.loops.CONV_SLACK
    kernel = shared_kernel(backend, spec, axes, weight, threads)
    plain = replace(conv, edge=False)
    grad_x = np.empty_like(x)
    tables = adjoint_tables(conv, axes, origin, slack)
    backend.convolve(tables, plain, grad, kernel, None, grad_x, threads)
    grad_kernel = np.empty(
        (spec.channels_in, spec.channels_out // spec.groups, *kernel.shape[2:]), x.dtype
    )
    parts = shared_weight_parts(conv, axes)
    tables = adjoint_tables(conv, axes, origin, slack, parts[1])
    backend.weight_gradient(tables, plain, grad, x, grad_kernel, parts, threads)
    grad_weight = np.empty(spec.weight_shape, x.dtype)
    back = [Matrix.of(axis.weights.T) for axis in axes]
    source = grouped(spec, grad_kernel)
    backend.fold(source, grouped(spec, grad_weight).swapaxes(1, 2), *back, threads)
    grad_bias = by_letters(grad, spec.layout, "NCHW").sum(axis=(0, 2)).sum(axis=1)
    for target, values in zip(into, (grad_x, grad_weight, grad_bias), strict=True):
        target += values


def _around(conv: ConvSpec) -> Window:
    """How far before and after the input the outputs of the window read."""
    ends = zip(conv.window, conv.padding, conv.kernel, conv.stride, conv.small, strict=True)
    return tuple(
        (max(0, (k - 1 - lo - p) // f), max(0, (hi - 1 + p) // f - (n - 1)))
        for (lo, hi), p, k, f, n in ends
    )


def _border_added(g: np.ndarray, layout: Layout, around: Window) -> np.ndarray:
    """The adjoint of `continued`: what lies outside is added to the border."""
    for axis, (before, after) in zip(layout.axes, around, strict=True):
        g = np.moveaxis(g, axis, 0)
        n = len(g) - after
        if before:
            g[before] += g[:before].sum(axis=0)
        if after:
            g[n - 1] += g[n:].sum(axis=0)
        g = np.moveaxis(g[before:n], 0, axis)
    return g


def _flipped_back(spec: ResizeConvSpec, weight: np.ndarray) -> np.ndarray:
    """The other way round."""
    inner, outer = spec.channels_in // spec.groups, spec.channels_out // spec.groups
    grouped = weight.reshape(spec.groups, inner, outer, *spec.kernel)[..., ::-1, ::-1]
    return grouped.swapaxes(1, 2).reshape(spec.weight_shape)
