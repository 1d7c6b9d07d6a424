"""Resize-convolution, part by part; see resize_conv_parts.py for what the parts are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conv_spec import ConvSpec
from ..layout import empty_like_order
from ..plan import plan_for
from ..resize_conv_spec import ResizeConvSpec
from .product_tables import product_tables
from .resize_conv_parts import (
    NO_BORDERS,
    Matrix,
    folding,
    numbers_of,
    parts,
    point_wise,
    shared_axes,
    shared_borders,
    shared_origin,
)
from .resize_conv_strips import convolve_strips
from .resize_conv_views import cropped, inside


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
    weight = weight.astype(numbers_of(spec), copy=False)
    done = parts(spec, whole=shared_borders(spec) is not None)
    if done.inner is not None:
        target = inside(out, spec, done.inner.window)
        _convolve_folded(backend, spec, done.inner, x, weight, bias, target, threads)
    for strips in done.strips:
        convolve_strips(backend, spec, strips, x, weight, bias, out, threads)


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
    axes = shared_axes(spec)
    if axes is None:
        tables = backend.conv_tables(conv, x, out, True)
        matrices = [m for m, _ in foldings(spec)]
    else:
        ends = shared_borders(spec) or NO_BORDERS
        tables = product_tables(conv, axes, shared_origin(spec), ends)
        matrices = [Matrix.of(axis.weights) for axis in axes]
    kernel = folded(backend, spec, matrices, weight, threads)
    backend.convolve(tables, conv, x, kernel, bias, out, threads, by_output=True)


def folded(
    backend: Any, spec: ResizeConvSpec, matrices: list[Matrix], weight: np.ndarray, threads: int
) -> np.ndarray:
    """The weight with its kernels multiplied by a matrix from either side."""
    sizes = [m.start.size - 1 for m in matrices]
    kernel = np.empty((*weight.shape[:2], *sizes), weight.dtype)
    backend.fold(grouped(spec, weight), grouped(spec, kernel), *matrices, threads)
    return kernel


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
