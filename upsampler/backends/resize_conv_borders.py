"""Gradients with the input continued by its border, where the convolution sees zeros instead.

Bilinear interpolation of the continued input is the border itself all the way outside.  So what a
tap sees beyond an end of an axis is one line of `x`, upsampled along the other axis, and what that
adds to the gradients is taken back as a product of matrices with as many columns as a line has
outputs.  Of an output at a corner that is all that its taps see beyond the ends of H, and of those
left what they see beyond the ends of W.

Outputs beside the border by themselves, as forward has them, took three times as long: all of their
taps see something, but few see anything outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..layout import Layout, by_letters
from ..plan import plan_for
from ..resize_conv_spec import ResizeConvSpec
from ..spec import ResampleSpec, resample_spec
from .matrix_products import matrix_product, matrix_product_backward
from .resize_conv_parts import numbers_of
from .resize_conv_strips import Adjoint


@dataclass(frozen=True)
class Line:
    """What a tap sees beyond an end of an axis."""

    border: int  # the sample of x there
    tap: int
    outputs: slice  # of the window, whose tap is outside


def take_back(of: Adjoint) -> None:
    """Subtract what outputs have seen outside; the gradient of the bias knows nothing of it."""
    layout, into = of.spec.layout, of.into
    for axis, letters in enumerate(("NCHW", "NCWH")):
        views = [by_letters(a, layout, letters) for a in (of.grad, of.x, into.x)]
        kernels = [by_letters(a, Layout("NCHW"), letters) for a in (of.weight, into.weight)]
        _beyond(of.backend, of.spec, axis, (*views, *kernels), of.threads)


def _beyond(
    backend: Any, spec: ResizeConvSpec, axis: int, arrays: tuple[np.ndarray, ...], threads: int
) -> None:
    """Beyond the ends of an axis, which is the first spatial one of all arrays."""
    grad, x, into_x, weight, into_weight = arrays
    lines = list(_lines(spec, axis))
    if not lines:
        return
    sums = np.stack([grad[:, :, line.outputs].sum(axis=2) for line in lines], axis=1)
    rows = np.stack([x[:, :, line.border] for line in lines], axis=1)
    kernel = np.stack([weight[:, :, line.tap] for line in lines])
    columns = _columns(backend, spec, axis, rows, threads)
    inner, groups = columns[0, ..., 0].size, len(lines) * spec.groups
    conv = matrix_product(spec, inner, sums[0, ..., 0].size, groups, sums.shape[3])
    of_weight = matrix_product_backward(
        backend,
        conv,
        sums.reshape(conv.out_shape),
        columns.reshape(conv.in_shape),
        kernel,
        threads,
    )
    of_rows = _seen_by(backend, spec, axis, columns, rows, threads)
    for k, line in enumerate(lines):
        into_weight[:, :, line.tap] -= of_weight[k]
        into_x[:, :, line.border] -= of_rows[:, k]


def _lines(spec: ResizeConvSpec, axis: int) -> Iterator[Line]:
    lo, hi = spec.window[axis]
    padding, end = spec.padding[axis][0], spec.up[axis]
    for tap in range(spec.kernel[axis]):
        first = padding - tap * spec.dilation[axis]  # the output that sees the first sample
        before, after = min(hi, first), max(lo, end + first)
        if lo < before:
            yield Line(0, tap, slice(0, before - lo))
        if after < hi:
            yield Line(-1, tap, slice(after - lo, hi - lo))


def _columns(
    backend: Any, spec: ResizeConvSpec, axis: int, rows: np.ndarray, threads: int
) -> np.ndarray:
    """What the taps along the other axis see of upsampled rows: (N, lines, C, k, outputs).

    Beyond their ends that is the border once more, but nothing for the second axis.
    """
    resize = _upsampling(spec, axis, rows.shape[1])
    up = np.empty(resize.out_shape, rows.dtype)
    flat = np.ascontiguousarray(rows).reshape(resize.shape)
    backend.resample(plan_for(resize), flat, up, threads, True)
    around, taps = _seen(spec, axis)
    padded = np.pad(up, [(0, 0), (0, 0), around], mode="edge" if axis == 0 else "constant")
    columns = np.stack([padded[:, :, tap] for tap in taps], axis=2)
    return columns.reshape(*rows.shape[:3], *columns.shape[2:])


def _seen_by(
    backend: Any,
    spec: ResizeConvSpec,
    axis: int,
    columns: np.ndarray,
    rows: np.ndarray,
    threads: int,
) -> np.ndarray:
    """What the taps hand back to the rows: the adjoint of `_columns`."""
    resize = _upsampling(spec, axis, rows.shape[1])
    (before, after), taps = _seen(spec, axis)
    n = resize.out_shape[2]
    padded = np.zeros((*resize.out_shape[:2], before + n + after), rows.dtype)
    for tap, values in zip(taps, np.moveaxis(columns, 3, 0), strict=True):
        seen = padded[:, :, tap]
        seen += values.reshape(seen.shape)
    up = np.ascontiguousarray(padded[:, :, before : before + n])
    if axis == 0:
        up[:, :, 0] += padded[:, :, :before].sum(axis=2)
        up[:, :, -1] += padded[:, :, before + n :].sum(axis=2)
    made = np.empty(resize.shape, rows.dtype)
    backend.resample(plan_for(resize, True), up, made, threads, True)
    return made.reshape(rows.shape)


@lru_cache(maxsize=256)
def _upsampling(spec: ResizeConvSpec, axis: int, lines: int) -> ResampleSpec:
    """That of rows (N, lines, C, places) along the other axis."""
    shape = (spec.batch, lines * spec.channels_in, spec.small[1 - axis])
    return resample_spec(
        shape, numbers_of(spec), None, spec.factor[1 - axis], "linear", layout="NCW"
    )


def _seen(spec: ResizeConvSpec, axis: int) -> tuple[tuple[int, int], list[slice]]:
    """How far taps along the other axis reach beyond its ends, and what each sees from there."""
    other = 1 - axis
    (lo, hi), dilation = spec.window[other], spec.dilation[other]
    first = lo - spec.padding[other][0]  # what the first tap of the first output sees
    before = max(0, -first)
    after = max(0, first + hi - lo + spec.reach[other] - spec.up[other])
    at = [before + first + t * dilation for t in range(spec.kernel[other])]
    return (before, after), [slice(a, a + hi - lo) for a in at]
