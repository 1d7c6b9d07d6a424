"""The gradients of resize-convolution: the adjoint of its parts, added up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..conv_spec import ConvSpec
from ..layout import by_letters
from ..plan import plan_for
from ..resize_conv_spec import ResizeConvSpec
from .product_tables import adjoint_tables
from .resize_conv import flipped, folded, foldings, grouped
from .resize_conv_borders import take_back
from .resize_conv_parts import (
    NO_BORDERS,
    Matrix,
    PointWise,
    Window,
    numbers_of,
    parts,
    point_wise,
    shared_axes,
    shared_back,
    shared_borders,
    shared_origin,
)
from .resize_conv_strips import Adjoint, Gradients, add_strips
from .resize_conv_views import border_added, continued, cropped, inside


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
    of = Adjoint(backend, spec, grad, x, weight, into, threads)
    numbers = numbers_of(spec)
    if grad.dtype != numbers:
        wide = grad.astype(numbers), x.astype(numbers), weight.astype(numbers)
        made = Gradients(*(np.empty(a.shape, numbers) for a in into))
        backward(backend, replace(spec, dtype=numbers.name), *wide, made, threads)
        with np.errstate(over="ignore"):  # to infinity, as in the loops
            for target, values in zip(into, made, strict=True):
                target[...] = values
        return
    if not grad.size or not x.size:
        _without_input(spec, grad, into)
        return
    first, shared = point_wise(spec), shared_back(spec)
    if first is not None:
        _point_wise(of, first)
    elif shared is not None:
        _shared(of, shared)
        if shared_borders(spec) is None:
            take_back(of)
    else:
        _in_parts(of)


def _without_input(spec: ResizeConvSpec, grad: np.ndarray, into: Gradients) -> None:
    into.x[...] = into.weight[...] = 0
    into.bias[...] = _bias(spec, grad)


def _bias(spec: ResizeConvSpec, grad: np.ndarray) -> np.ndarray:
    """Rows first: that is fast whether channels or columns lie side by side."""
    sums: np.ndarray = by_letters(grad, spec.layout, "NCHW").sum(axis=(0, 2)).sum(axis=1)
    return sums


def _in_parts(of: Adjoint) -> None:
    """What folded kernels give, and what is done in two steps."""
    done = parts(of.spec)
    if done.inner is None:
        for target in of.into:
            target[...] = 0
    else:
        _folded(of._replace(grad=inside(of.grad, of.spec, done.inner.window)), done.inner)
    for strips in done.strips:
        add_strips(of, strips)


def _point_wise(of: Adjoint, first: PointWise) -> None:
    """The gradients of a convolution before upsampling."""
    backend, spec, grad, x, weight, into, threads = of
    small = np.empty(first.conv.out_shape, x.dtype)
    backend.resample(plan_for(first.resize, True), grad, small, threads, True)
    into.x[...] = 0
    part, grad_part = (cropped(a, spec.layout, first.crop) for a in (x, into.x))
    made = np.empty(first.conv.weight_shape, x.dtype)
    backend.conv_transpose_backward(
        first.conv, small, part, flipped(spec, weight), grad_part, made, into.bias, threads
    )
    into.weight[...] = grouped(spec, made).swapaxes(1, 2).reshape(spec.weight_shape)


def _folded(of: Adjoint, conv: ConvSpec) -> None:
    """The gradients of the folded convolution.

    Where the input goes on with its border, it is continued in memory for once: the gradients of
    what lies outside are then had by themselves, and added to those of the border.
    """
    backend, spec, grad, x, weight, into, threads = of
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
    grad_x = np.empty_like(padded) if any(map(any, around)) else into.x
    grad_kernel = np.empty_like(kernel)
    backend.conv_transpose_backward(
        conv, grad, padded, kernel, grad_x, grad_kernel, into.bias, threads
    )
    if grad_x is not into.x:
        into.x[...] = border_added(grad_x, spec.layout, around)
    _unfold(backend, spec, grad_kernel, [m for _, m in foldings(spec)], into.weight, threads)


def _shared(of: Adjoint, conv: ConvSpec) -> None:
    """The same gradients by the products that the phases share."""
    backend, spec, grad, x, weight, into, threads = of
    axes, origin = shared_axes(spec), shared_origin(spec)
    assert axes is not None
    kernel = folded(backend, spec, [Matrix.of(axis.weights) for axis in axes], weight, threads)
    plain = replace(conv, edge=False)
    ends = shared_borders(spec) or NO_BORDERS
    tables = adjoint_tables(conv, axes, origin, ends)
    backend.convolve(tables, plain, grad, kernel, None, into.x, threads)
    shape = (spec.channels_in, spec.channels_out // spec.groups, *kernel.shape[2:])
    grad_kernel = np.empty(shape, x.dtype)
    tables = adjoint_tables(conv, axes, origin, ends, weight=True)
    backend.outer_gradient(tables, plain, grad, x, grad_kernel, False, threads)
    back = [Matrix.of(axis.weights.T) for axis in axes]
    _unfold(backend, spec, grad_kernel, back, into.weight, threads)
    into.bias[...] = _bias(spec, grad)


def _unfold(
    backend: Any,
    spec: ResizeConvSpec,
    grad_kernel: np.ndarray,
    matrices: list[Matrix],
    grad_weight: np.ndarray,
    threads: int,
) -> None:
    """The gradient of the weight from that of a kernel made of it, (C_in, C_out / groups, ...)."""
    target = grouped(spec, grad_weight).swapaxes(1, 2)
    backend.fold(grouped(spec, grad_kernel), target, *matrices, threads)


def _around(conv: ConvSpec) -> Window:
    """How far before and after the input the outputs of the window read."""
    ends = zip(conv.window, conv.padding, conv.kernel, conv.stride, conv.small, strict=True)
    return tuple(
        (max(0, (k - 1 - lo - p) // f), max(0, (hi - 1 + p) // f - (n - 1)))
        for (lo, hi), p, k, f, n in ends
    )
