"""Transposed convolutions on a GPU: tables for the kernels, and products of matrices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ..conv_spec import ConvSpec
from ..layout import by_letters
from .gpu_launch import WORKSPACE, Launcher, index_of, integers
from .kernels import ITEMS, conv

FEW = 8  # input channels of a group up to which outputs are summed up one by one


@dataclass(frozen=True)
class Form:
    """A convolution by channels and axes (D, H, W); axes that are not there have one sample."""

    launcher: Launcher
    spec: ConvSpec

    @property
    def real(self) -> np.dtype:
        """Half types are summed up in float32."""
        return np.dtype(np.float64 if self.spec.dtype == "float64" else np.float32)

    @property
    def inner(self) -> int:
        return self.spec.channels_in // self.spec.groups

    @property
    def outer(self) -> int:
        return self.spec.channels_out // self.spec.groups

    @property
    def taps(self) -> int:
        return prod(self.spec.kernel)

    @property
    def inputs(self) -> int:
        return prod(self.spec.small)

    @property
    def outputs(self) -> int:
        return prod(hi - lo for lo, hi in self.spec.window)

    @property
    def index(self) -> str:
        return index_of(self.inputs, self.outputs)

    def planes(self, x: Any) -> Any:
        """`x` as a contiguous (N, C, D, H, W)."""
        return self.launcher.xp.ascontiguousarray(by_letters(x, self.spec.layout, "NCDHW"))

    def forward(self, x: Any, weight: Any, bias: Any, out: Any) -> None:
        xp, spec = self.launcher.xp, self.spec
        x, weight = self.planes(x), xp.ascontiguousarray(weight.astype(self.real, copy=False))
        bias = None if bias is None else bias.astype(self.real, copy=False)
        target = by_letters(out, spec.layout, "NCDHW")
        made = target if target.flags.c_contiguous else xp.empty(target.shape, out.dtype)
        if self.inner <= FEW or not x.size:
            self._direct(x, weight, bias, made)
        else:
            self._by_products(x, weight, bias, made)
        if made is not target:
            target[...] = made

    def _kernel(self, name: str, source: Any, target: Any) -> Any:
        items = [ITEMS[a.dtype.name] for a in (source, target)]
        return conv(name, items[0], items[1], ITEMS[self.real.name], self.index)

    def _direct(self, x: Any, weight: Any, bias: Any, out: Any) -> None:
        planes = self.spec.batch * self.spec.channels_out
        self.launcher.rows(
            self._kernel("direct", x, out), planes, self.outputs, x, weight, bias, out,
            np.int64(planes), *map(np.int32, (self.spec.groups, self.inner, self.outer)),
            *self._meetings(),
        )  # fmt: skip

    def _by_products(self, x: Any, weight: Any, bias: Any, out: Any) -> None:
        """The products of all channels for every tap and input, then what meets of them."""
        xp, groups = self.launcher.xp, self.spec.groups
        samples = x.reshape(self.spec.batch, groups, self.inner, self.inputs)
        matrix = weight.reshape(groups, self.inner, self.outer, self.taps)
        results = out.reshape(self.spec.batch, groups, self.outer, self.outputs)
        for part in self._parts():
            n, g, c = part
            some = matrix[g, :, c]
            rows = xp.ascontiguousarray(some.reshape(some.shape[0], self.inner, -1).swapaxes(1, 2))
            columns = xp.matmul(rows, samples[n, g].astype(self.real, copy=False))
            planes = results[part]
            own = None
            if bias is not None:
                own = xp.ascontiguousarray(bias.reshape(groups, self.outer)[g, c])
            count = prod(planes.shape[:3])
            self.launcher.rows(
                self._kernel("from_columns", columns, out), count, self.outputs, columns, own,
                planes, np.int64(count), np.int32(prod(planes.shape[1:3])), *self._meetings(),
            )  # fmt: skip

    def _parts(self) -> Iterator[tuple[slice, slice, slice]]:
        """Samples, groups, output channels of each, whose products fit into the workspace.

        Each is one piece of the memory of the output.
        """
        spec = self.spec
        plane = self.taps * self.inputs * self.real.itemsize
        count = WORKSPACE // max(1, plane)  # planes at a time
        whole = slice(None)
        if count >= spec.channels_out:
            for n in _ranges(spec.batch, count // spec.channels_out):
                yield n, whole, whole
            return
        for n in _ranges(spec.batch, 1):
            if count >= self.outer:
                for g in _ranges(spec.groups, count // self.outer):
                    yield n, g, whole
                continue
            for g in _ranges(spec.groups, 1):
                for c in _ranges(self.outer, count):
                    yield n, g, c

    def backward(
        self, grad: Any, x: Any, weight: Any, grad_x: Any, grad_weight: Any, grad_bias: Any
    ) -> None:
        xp, spec = self.launcher.xp, self.spec
        grad, samples = self.planes(grad), self.planes(x)
        grad_bias[...] = grad.astype(self.real, copy=False).sum(axis=(0, 2, 3, 4))
        groups, rows = spec.groups, self.outer * self.taps
        samples = samples.reshape(spec.batch, groups, self.inner, self.inputs)
        matrix = weight.astype(self.real, copy=False).reshape(groups, self.inner, rows)
        made = xp.zeros((spec.batch, groups, self.inner, self.inputs), self.real)
        total = xp.zeros((groups, self.inner, rows), self.real)
        for n, at in self._pieces() if x.size and grad.size else ():
            columns = self._columns(grad[n], at)
            made[n, :, :, at] = xp.matmul(matrix, columns)
            some = samples[n, :, :, at].astype(self.real, copy=False)
            total += xp.matmul(some, columns.swapaxes(2, 3)).sum(axis=0)
        grad_weight[...] = total.reshape(grad_weight.shape)
        target = by_letters(grad_x, spec.layout, "NCDHW")
        target[...] = made.reshape(target.shape)

    def _pieces(self) -> Iterator[tuple[slice, slice]]:
        """Samples and inputs of them whose columns fit into the workspace."""
        position = self.spec.channels_out * self.taps * self.real.itemsize
        count = max(1, WORKSPACE // max(1, position))
        if count >= self.inputs:
            for n in _ranges(self.spec.batch, count // self.inputs):
                yield n, slice(0, self.inputs)
            return
        for n in _ranges(self.spec.batch, 1):
            for at in _ranges(self.inputs, count):
                yield n, at

    def _columns(self, grad: Any, at: slice) -> Any:
        """What the taps see of some samples of a gradient: (N, groups, C * taps, inputs)."""
        count = at.stop - at.start
        planes = prod(grad.shape[:2])
        shape = (grad.shape[0], self.spec.groups, self.outer * self.taps, count)
        columns = self.launcher.xp.empty(shape, self.real)
        number = integers(self.index)
        lengths = [hi - lo for lo, hi in self.spec.window]
        self.launcher.rows(
            self._kernel("to_columns", grad, columns), planes, count, grad, columns,
            np.int64(planes), np.int64(at.start), np.int64(count), *self._views(),
            *map(np.int32, self._three(self.spec.kernel)),
            *map(number, self._three(self.spec.small)), *map(number, self._three(lengths)),
        )  # fmt: skip
        return columns

    def _three(self, sizes: Any) -> tuple[int, ...]:
        """With a 1 for each axis that is not there."""
        return (1,) * (3 - self.spec.rank) + tuple(sizes)

    def _meetings(self) -> list[Any]:
        """The arguments of AXIS in conv.cu, for D, H and W."""
        number = integers(self.index)
        found: list[Any] = []
        for axis in self._axes():
            found += self.launcher.remembered(
                ("meetings", _geometry(self.spec, axis)), partial(meetings, self.spec, axis)
            )
            kernel, small, (lo, hi) = 1, 1, (0, 1)
            if axis is not None:
                kernel, small = self.spec.kernel[axis], self.spec.small[axis]
                lo, hi = self.spec.window[axis]
            found += [np.int32(kernel), number(small), number(hi - lo)]
        return found

    def _views(self) -> list[Any]:
        found: list[Any] = []
        for axis in self._axes():
            found += self.launcher.remembered(
                ("views", _geometry(self.spec, axis)), partial(views, self.spec, axis)
            )
        return found

    def _axes(self) -> list[int | None]:
        """D, H and W among the axes of the spec, None where it has no such axis."""
        return [None] * (3 - self.spec.rank) + list(range(self.spec.rank))


def _ranges(count: int, step: int) -> Iterator[slice]:
    step = max(1, step)
    return (slice(a, min(a + step, count)) for a in range(0, count, step))


def _geometry(spec: ConvSpec, axis: int | None) -> tuple[Any, ...]:
    if axis is None:
        return ()
    names = ("small", "kernel", "stride", "padding", "dilation", "window")
    return (spec.edge, *(getattr(spec, name)[axis] for name in names))


def meetings(spec: ConvSpec, axis: int | None) -> tuple[np.ndarray, ...]:
    """For every output of the window the taps and inputs that meet there: first, tap, input."""
    if axis is None:
        return tuple(np.array(v, np.int32) for v in ([0, 1], [0], [0]))
    lo, hi = spec.window[axis]
    n, stride = spec.small[axis], spec.stride[axis]
    taps = np.arange(spec.kernel[axis])
    reach = np.arange(lo, hi)[:, None] + spec.padding[axis] - taps * spec.dilation[axis]
    inputs = reach // stride
    there = reach % stride == 0
    if spec.edge:
        inputs = np.clip(inputs, 0, n - 1)
    else:
        there &= (inputs >= 0) & (inputs < n)
    first = np.concatenate([[0], there.sum(axis=1).cumsum()])
    tap = np.broadcast_to(taps, there.shape)[there]
    # One entry more, so that no table is empty.
    tables = first, np.append(tap, 0), np.append(inputs[there], 0)
    return tuple(table.astype(np.int32) for table in tables)


def views(spec: ConvSpec, axis: int | None) -> tuple[np.ndarray, ...]:
    """For every tap and input the output of the window where they meet, or -1: [tap][input]."""
    if axis is None:
        return (np.zeros(1, np.int32),)
    lo, hi = spec.window[axis]
    taps = np.arange(spec.kernel[axis])[:, None] * spec.dilation[axis]
    at = np.arange(spec.small[axis]) * spec.stride[axis] - spec.padding[axis] + taps - lo
    return (np.where((at >= 0) & (at < hi - lo), at, -1).astype(np.int32),)
