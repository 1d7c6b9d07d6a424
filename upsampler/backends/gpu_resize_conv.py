"""Resize-convolution on a GPU, part by part; see resize_conv_parts.py for what the parts are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..conv_spec import ConvSpec
from ..plan import plan_for
from ..resize_conv_spec import ResizeConvSpec
from .resize_conv_parts import Matrix, Strip, Window, folding, numbers_of, parts, point_wise


@dataclass(frozen=True)
class Form:
    """A resize-convolution, done by the other operations of `backend`."""

    backend: Any
    spec: ResizeConvSpec

    @property
    def xp(self) -> Any:
        return self.backend.xp

    @property
    def real(self) -> np.dtype:
        return numbers_of(self.spec)

    def forward(self, x: Any, weight: Any, bias: Any, out: Any) -> None:
        spec = self.spec
        first = point_wise(spec)
        if first is not None and x.size:
            y = self.xp.empty(first.conv.out_shape, out.dtype)
            crop = self.cropped(x, first.crop)
            self.backend.conv_transpose(first.conv, crop, self.flipped(weight), bias, y, 1)
            self.backend.resample(plan_for(first.resize), y, out, 1, True)
            return
        done = parts(spec)
        weight = weight.astype(self.real, copy=False)
        if done.inner is not None:
            target = self.inside(out, done.inner.window)
            kernel = self.folded(weight)
            self.backend.conv_transpose(done.inner, x, kernel, bias, target, 1)
        for strip in (s for strips in done.strips for s in strips):
            target = self.inside(out, strip.window)
            up = self.upsampled(strip, x)
            self.backend.conv_transpose(strip.conv, up, self.flipped(weight), bias, target, 1)

    def backward(
        self, grad: Any, x: Any, weight: Any, grad_x: Any, grad_weight: Any, grad_bias: Any
    ) -> None:
        """Gradients are added up in the type of the arithmetic, part by part."""
        spec = self.spec
        totals = [self.xp.zeros(a.shape, self.real) for a in (grad_x, grad_weight, grad_bias)]
        grad, x, weight = (a.astype(self.real, copy=False) for a in (grad, x, weight))
        done = parts(spec)
        if grad.size:
            if done.inner is not None:
                part = self.inside(grad, done.inner.window)
                self._add_folded(done.inner, part, x, weight, *totals)
            for strip in (s for strips in done.strips for s in strips):
                part = self.inside(grad, strip.window)
                self._add_strip(strip, part, x, weight, *totals)
        for target, values in zip((grad_x, grad_weight, grad_bias), totals, strict=True):
            target[...] = values

    def _add_folded(
        self, conv: ConvSpec, grad: Any, x: Any, weight: Any, grad_x: Any, grad_weight: Any,
        grad_bias: Any,
    ) -> None:  # fmt: skip
        """Where the input goes on with its border it is continued in memory."""
        around = _around(conv) if conv.edge else ((0, 0), (0, 0))
        padded = self.continued(x, around)
        each = list(zip(conv.small, conv.padding, conv.stride, around, strict=True))
        plain = replace(
            conv,
            dtype=self.real.name,
            small=tuple(n + a + b for n, _, _, (a, b) in each),
            padding=tuple(p + a * f for _, p, f, (a, _) in each),
            edge=False,
        )
        kernel = self.folded(weight)
        made = self._gradients(plain, grad, padded, kernel)
        grad_x += self.border_added(made[0], around)
        grad_weight += self.unfolded(made[1])
        grad_bias += made[2]

    def _add_strip(
        self, strip: Strip, grad: Any, x: Any, weight: Any, grad_x: Any, grad_weight: Any,
        grad_bias: Any,
    ) -> None:  # fmt: skip
        up = self.upsampled(strip, x)
        conv = replace(strip.conv, dtype=self.real.name)
        made = self._gradients(conv, grad, up, self.flipped(weight))
        grad_weight += self.flipped_back(made[1])
        grad_bias += made[2]
        if strip.resize is not None and x.size:
            target = self.cropped(grad_x, strip.crop)
            crop = self.xp.empty(target.shape, self.real)
            grad_up = self.border_added(made[0], strip.around)
            self.backend.resample(plan_for(strip.resize, True), grad_up, crop, 1, True)
            target += crop

    def _gradients(self, conv: ConvSpec, grad: Any, x: Any, weight: Any) -> list[Any]:
        shapes = (x.shape, conv.weight_shape, (conv.channels_out,))
        made = [self.xp.empty(shape, self.real) for shape in shapes]
        self.backend.conv_transpose_backward(conv, grad, x, weight, *made, 1)
        return made

    # --- the input and the output ---

    def cropped(self, x: Any, window: Window) -> Any:
        first = self.spec.layout.first
        return x[(slice(None),) * first + tuple(slice(lo, hi) for lo, hi in window)]

    def inside(self, out: Any, window: Window) -> Any:
        """The part of an array of the spec's window that holds another window."""
        moved = zip(window, self.spec.window, strict=True)
        return self.cropped(out, tuple((lo - a, hi - a) for (lo, hi), (a, _) in moved))

    def upsampled(self, strip: Strip, x: Any) -> Any:
        """The strip of the upsampled input with what is repeated of its border."""
        spec = self.spec
        if strip.resize is None or not x.size:
            return self.xp.zeros(spec.shape(spec.channels_in, strip.conv.small), self.real)
        up = self.xp.empty(strip.resize.out_shape, self.real)
        crop = self.cropped(x, strip.crop).astype(self.real, copy=False)
        self.backend.resample(plan_for(strip.resize), crop, up, 1, True)
        return self.continued(up, strip.around)

    def continued(self, x: Any, around: Window) -> Any:
        """`x` with its border repeated along H and W."""
        if not any(map(any, around)):
            return x
        for axis, (before, after) in zip(self.spec.layout.axes, around, strict=True):
            n = x.shape[axis]
            places = self.xp.clip(self.xp.arange(-before, n + after), 0, n - 1)
            x = self.xp.take(x, places, axis)
        return x

    def border_added(self, g: Any, around: Window) -> Any:
        """The adjoint of `continued`: what lies outside is added to the border."""
        for axis, (before, after) in zip(self.spec.layout.axes, around, strict=True):
            g = self.xp.moveaxis(g, axis, 0)
            n = g.shape[0] - after
            if before:
                g[before] += g[:before].sum(axis=0)
            if after:
                g[n - 1] += g[n:].sum(axis=0)
            g = self.xp.moveaxis(g[before:n], 0, axis)
        return g

    # --- the weight ---

    def flipped(self, weight: Any) -> Any:
        """The weight of a convolution as that of a transposed convolution of stride 1."""
        return self._turned(weight, self.spec.channels_out)[..., ::-1, ::-1]

    def flipped_back(self, weight: Any) -> Any:
        return self._turned(weight, self.spec.channels_in)[..., ::-1, ::-1]

    def _turned(self, weight: Any, channels: int) -> Any:
        """The other of (C_out, C_in / groups, ...) and (C_in, C_out / groups, ...)."""
        groups = self.spec.groups
        by_group = weight.reshape(groups, channels // groups, *weight.shape[1:]).swapaxes(1, 2)
        return by_group.reshape(groups * weight.shape[1], channels // groups, *weight.shape[2:])

    def folded(self, weight: Any) -> Any:
        """The kernel that upsamples and convolves at once, for a transposed convolution."""
        matrix, kernel = self._folding()
        flat = weight.reshape(-1, matrix.shape[0])
        made = self.backend.launcher.product(flat, matrix)
        return self._turned(made.reshape(*weight.shape[:2], *kernel), self.spec.channels_out)

    def unfolded(self, gradient: Any) -> Any:
        """The adjoint of `folded`."""
        matrix, _ = self._folding()
        turned = self._turned(gradient, self.spec.channels_in)
        made = self.backend.launcher.product(turned.reshape(-1, matrix.shape[1]), matrix.T)
        return made.reshape(*turned.shape[:2], *self.spec.kernel)

    def _folding(self) -> tuple[Any, tuple[int, int]]:
        """What makes all taps of the folded kernel of all taps, and the size of that kernel."""
        spec = self.spec
        each = list(zip(spec.factor, spec.kernel, spec.dilation, strict=True))
        rows, columns = (folding(spec.mode, *sizes)[0] for sizes in each)
        kernel = len(rows.start) - 1, len(columns.start) - 1
        (matrix,) = self.backend.launcher.remembered(
            ("folding", spec.mode, self.real.name, *each),
            lambda: (
                np.kron(_dense(rows, spec.kernel[0]), _dense(columns, spec.kernel[1]))
                .T.astype(self.real, order="C"),
            ),
        )  # fmt: skip
        return matrix, kernel


def _dense(matrix: Matrix, columns: int) -> np.ndarray:
    rows = np.repeat(np.arange(len(matrix.start) - 1), np.diff(matrix.start))
    dense = np.zeros((len(matrix.start) - 1, columns))
    dense[rows, matrix.column] = matrix.value
    return dense


def _around(conv: ConvSpec) -> Window:
    """How far before and after the input the outputs of the window read."""
    ends = zip(conv.window, conv.padding, conv.kernel, conv.stride, conv.small, strict=True)
    return tuple(
        (max(0, (k - 1 - lo - p) // f), max(0, (hi - 1 + p) // f - (n - 1)))
        for (lo, hi), p, k, f, n in ends
    )
