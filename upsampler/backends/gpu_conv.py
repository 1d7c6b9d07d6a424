"""Transposed convolutions on a GPU: gathered directly where channels are few, else by products.

Products of all channels of the input with all taps are a product of matrices, whose columns are
gathered; gradients are products with what the taps see.  Matrices of one group have two axes:
CuPy copies the operands of others, and leaves these where they lie, transposed or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ..conv_spec import ConvSpec
from ..layout import by_letters
from .gpu_conv_kernels import Launches, Weight
from .gpu_launch import WORKSPACE, Launcher
from .gpu_strides import Columns, Strided

FEW = 8  # channels of a group up to which nothing is gained by products of matrices
Ranges = tuple[slice, slice]  # samples, and inputs of them


class Conv:
    """A transposed convolution by channels and the axes D, H and W."""

    def __init__(self, launcher: Launcher, spec: ConvSpec) -> None:
        self.launcher, self.spec = launcher, spec
        self.xp = launcher.xp
        self.inner = spec.channels_in // spec.groups
        self.outer = spec.channels_out // spec.groups
        self.taps, self.inputs = prod(spec.kernel), prod(spec.small)
        # Half types are summed up in float32.
        self.real = np.dtype(np.float64 if spec.dtype == "float64" else np.float32)
        self.launches = Launches(launcher, spec, self.real)

    def view(self, array: Any) -> Strided:
        return Strided(by_letters(array, self.spec.layout, "NCDHW"))

    def weight(self, weight: Any) -> Any:
        """As (groups, C_in, C_out, D, H, W), in the type of the arithmetic."""
        kernel = (1,) * (3 - self.spec.rank) + self.spec.kernel
        shape = (self.spec.groups, self.inner, self.outer, *kernel)
        return weight.astype(self.real, copy=False).reshape(shape)

    # --- forward ---

    def forward(self, x: Any, weight: Any, bias: Any, out: Any) -> None:
        taps = self.weight(weight)
        bias = None if bias is None else bias.astype(self.real, copy=False)
        source, target = self.view(x), self.view(out)
        if self.inner <= FEW or not x.size:
            self.launches.meet(source, Weight(taps), target, bias=bias)
            return
        for spec, inputs, outputs in _strips(self.spec, self._column * self.real.itemsize):
            part = Conv(self.launcher, spec)
            part._by_products(
                Strided(source.array[inputs]), taps, bias, Strided(target.array[outputs])
            )

    @property
    def _column(self) -> int:
        """Numbers in matrices for an input: of products or what taps see, and of the channels."""
        return self.spec.channels_out * self.taps + 2 * self.spec.channels_in

    def _by_products(self, x: Strided, taps: Any, bias: Any, out: Strided) -> None:
        """The products of all channels for every tap and input, then what meets of them."""
        count = WORKSPACE // (self._column * self.inputs * self.real.itemsize)
        last = self._is_last(x)
        if last:  # (C_in, taps, C_out)
            matrix = self.xp.ascontiguousarray(self.xp.moveaxis(taps[0], 1, -1))
            matrix = matrix.reshape(self.inner, self.taps * self.outer)
        else:  # (groups, C_out, taps, C_in)
            matrix = self.xp.ascontiguousarray(self.xp.moveaxis(taps, 1, -1))
            matrix = matrix.reshape(self.spec.groups, self.outer * self.taps, self.inner)
        laid = self._laid(x, last)
        for n in _ranges(self.spec.batch, count):
            samples = self._matrix(laid, (n, slice(0, self.inputs)), last)
            made = self._product(samples, matrix) if last else self._product(matrix, samples)
            columns = Columns(made, last, self.spec.channels_out, self.inputs, self.taps)
            self.launches.gather(columns, out.samples(n), bias)

    def _is_last(self, x: Strided) -> bool:
        """Whether matrices hold channels beside each other, as `x` does."""
        return self.spec.groups == 1 and x.is_last

    def _laid(self, x: Strided, last: bool) -> Any:
        """(N, inputs, C) or (N, groups, C / groups, inputs), copied if it does not lie so."""
        batch, channels = x.array.shape[:2]
        values = self.xp.moveaxis(x.array, 1, -1) if last else x.array
        values = self.xp.ascontiguousarray(values)
        if last:
            return values.reshape(batch, x.places, channels)
        return values.reshape(batch, self.spec.groups, -1, x.places)

    def _matrix(self, laid: Any, part: Ranges, last: bool) -> Any:
        """Samples and inputs of `_laid` as (n * inputs, C) or (groups, C / groups, n * inputs)."""
        n, at = part
        values = laid[n, at] if last else self.xp.moveaxis(laid[n, :, :, at], 0, 2)
        if values.dtype != self.real or not values.flags.c_contiguous:
            copy = self.xp.empty(values.shape, self.real)
            copy[...] = values
            values = copy
        if last:
            return values.reshape(-1, values.shape[2])
        return values.reshape(*values.shape[:2], -1)

    def _product(self, a: Any, b: Any) -> Any:
        """Of matrices, or of those of each group."""
        if a.ndim == 3 and len(a) == 1:
            return self.launcher.product(a[0], b[0])[None]
        return self.launcher.product(a, b)

    # --- backward ---

    def backward(
        self, grad: Any, x: Any, weight: Any, grad_x: Any, grad_weight: Any, grad_bias: Any
    ) -> None:
        seen, source, target = map(self.view, (grad, x, grad_x))
        grad_bias[...] = self.launches.total(seen) if grad.size else 0
        if not (grad.size and x.size):
            grad_x[...] = grad_weight[...] = 0
            return
        taps = self.weight(weight)
        if max(self.inner, self.outer) <= FEW:
            self.launches.meet(seen, Weight(taps, adjoint=True), target)
            total = self.launches.sums(source, seen, Weight(taps))
            total = total.reshape(self.taps, self.inner, self.spec.groups, self.outer)
            total = total.transpose(2, 1, 3, 0)
        else:
            total = self._backward_by_products(seen, source, taps, target)
        grad_weight[...] = total.reshape(grad_weight.shape)

    def _backward_by_products(self, grad: Strided, x: Strided, taps: Any, grad_x: Strided) -> Any:
        """The gradient of the input; that of the weight is returned."""
        groups, rows = self.spec.groups, self.taps * self.outer
        last = self._is_last(x)
        own = Weight(taps, adjoint=True)
        if last:  # (taps, C_out) by (C_in)
            matrix = self.xp.ascontiguousarray(self.xp.moveaxis(taps[0], 1, -1))
            matrix = matrix.reshape(self.inner, rows).T
        else:
            matrix = self.xp.ascontiguousarray(taps).reshape(groups, self.inner, rows)
        laid = self._laid(x, last)
        total: Any = None
        for n, at in self._pieces():
            part = grad.samples(n)
            spread = self.launches.spread(part, at, last)
            columns = spread.array.reshape((-1, rows) if last else (groups, rows, -1))
            made = self._product(columns, matrix) if last else self._product(matrix, columns)
            ready = Columns(made, last, self.spec.channels_in, at.stop - at.start)
            self.launches.meet(part, own, grad_x.samples(n), made=ready, at=at)
            samples = self._matrix(laid, (n, at), last)
            if last:
                some = self._product(samples.T, columns)
            elif groups == 1:
                some = self._product(samples[0], columns[0].T)
            else:  # of two that would be copied the smaller one
                some = self._product(columns, samples.swapaxes(1, 2)).swapaxes(1, 2)
            if total is None:
                total = some
            else:
                total += some
        if last:
            return total.reshape(self.inner, self.taps, self.outer).swapaxes(1, 2)
        return total

    def _pieces(self) -> Iterator[Ranges]:
        """Samples and inputs of them whose matrices fit into the workspace."""
        count = max(1, WORKSPACE // (self._column * self.real.itemsize))
        if count >= self.inputs:
            for n in _ranges(self.spec.batch, count // self.inputs):
                yield n, slice(0, self.inputs)
            return
        for n in _ranges(self.spec.batch, 1):
            for at in _ranges(self.inputs, count):
                yield n, at


def _ranges(count: int, step: int) -> Iterator[slice]:
    step = max(1, step)
    return (slice(a, min(a + step, count)) for a in range(0, count, step))


def _strips(
    spec: ConvSpec, size: int, inputs: tuple[slice, ...] = (), outputs: tuple[slice, ...] = ()
) -> Iterator[tuple[ConvSpec, tuple[slice, ...], tuple[slice, ...]]]:
    """Parts of the output whose inputs, of `size` bytes each, fit into the workspace.

    Each is a convolution of its own: with where its inputs lie in (N, C, D, H, W), and its outputs.
    """
    every = (slice(None),) * 5
    inputs, outputs = inputs or every, outputs or every
    lengths = [hi - lo for lo, hi in spec.window]
    axis = lengths.index(max(lengths))
    place = 5 - spec.rank + axis
    lo, hi = spec.window[axis]
    halves = [(a, b, *_reached(spec, axis, a, b)) for a, b in _halves(lo, hi)]
    needed = max((last - first for *_, first, last in halves), default=spec.small[axis])
    if prod(spec.small) * size <= WORKSPACE or needed == spec.small[axis]:
        yield spec, inputs, outputs
        return
    for begin, end, first, last in halves:
        part = replace(
            spec,
            small=_with(spec.small, axis, last - first),
            padding=_with(spec.padding, axis, spec.padding[axis] - first * spec.stride[axis]),
            window=_with(spec.window, axis, (begin, end)),
        )
        yield from _strips(
            part,
            size,
            _with(inputs, place, _within(inputs[place], first, last)),
            _with(outputs, place, _within(outputs[place], begin - lo, end - lo)),
        )


def _halves(lo: int, hi: int) -> list[tuple[int, int]]:
    middle = (lo + hi) // 2
    return [(lo, middle), (middle, hi)] if lo < middle else []


def _reached(spec: ConvSpec, axis: int, begin: int, end: int) -> tuple[int, int]:
    """The inputs that these outputs read along an axis, at least one."""
    n, stride, padding = spec.small[axis], spec.stride[axis], spec.padding[axis]
    reach = spec.dilation[axis] * (spec.kernel[axis] - 1)
    first = -(-(begin + padding - reach) // stride)
    last = (end - 1 + padding) // stride
    first, last = (min(max(place, 0), n - 1) for place in (first, last))
    return min(first, last), max(first, last) + 1


def _with(values: tuple[Any, ...], place: int, value: Any) -> tuple[Any, ...]:
    return (*values[:place], value, *values[place + 1 :])


def _within(outer: slice, begin: int, end: int) -> slice:
    """A part of what a slice takes."""
    start = outer.start or 0
    return slice(start + begin, start + end)
