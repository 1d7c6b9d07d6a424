"""Launches of the kernels of conv.cu: strides, tables of offsets, and which thread makes what."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..conv_spec import ConvSpec
from .gpu_conv_tables import geometry, meeting_offsets, own_offsets, seen_offsets
from .gpu_launch import BUSY, Launcher, index_of, integers
from .gpu_strides import Columns, Strided
from .kernels import ITEMS, PLANES, VECTOR, Way, conv, packed

FILE = "conv.cu"
LEAST_PARTS = 128  # of a sum over all places: neighbouring threads read neighbouring places
SUMMING = BUSY // 4  # threads: those that take many places each spend less on finding the first
Three = tuple[int, ...]  # along D, H and W


class Weight:
    """A weight (groups, C_in, C_out, D, H, W), for an adjoint with the two sides exchanged."""

    def __init__(self, taps: Any, adjoint: bool = False) -> None:
        self.taps, self.adjoint = taps.swapaxes(1, 2) if adjoint else taps, adjoint
        self.groups, self.inner, self.outer = self.taps.shape[:3]

    @property
    def own(self) -> bool:
        """Whether every channel is made of one of its own: a depthwise convolution."""
        return self.groups > 1 and self.inner == self.outer == 1

    @property
    def group(self) -> int:
        """How many channels are made alike."""
        return self.groups if self.own else self.outer

    def beside(self, xp: Any) -> Any:
        """The array with these channels beside each other."""
        axis = 0 if self.own else 2
        return xp.moveaxis(xp.ascontiguousarray(xp.moveaxis(self.taps, axis, -1)), -1, axis)


class Read(NamedTuple):
    """What `meet` reads: its places, and strides of samples, channels, places and taps."""

    array: Any
    sizes: Three
    sample: int
    channel: int
    places: Three
    taps: Three = (0, 0, 0)


class Blocks(NamedTuple):
    """Channels in blocks, as many as a thread has lanes, that lie beside or behind each other."""

    across: int
    down: int

    @classmethod
    def of(cls, way: Way, channels: int, group: int, beside: bool) -> Blocks:
        count = -(-group // way.lanes) * (channels // group)
        return cls(count, 1) if beside else cls(1, count)


class Launches:
    """The kernels for one convolution."""

    def __init__(self, launcher: Launcher, spec: ConvSpec, real: np.dtype) -> None:
        self.launcher, self.real = launcher, real
        missing = 3 - spec.rank
        axes: list[int | None] = [None] * missing + list(range(spec.rank))
        self.geometry = [geometry(spec, axis) for axis in axes]
        self.kernel = (1,) * missing + spec.kernel
        self.small = (1,) * missing + spec.small
        self.taps, self.inputs = prod(spec.kernel), prod(spec.small)

    # --- sums of what meets ---

    def meet(
        self, x: Strided, weight: Weight, y: Strided, bias: Any = None,
        made: Columns | None = None, at: slice | None = None,
    ) -> None:  # fmt: skip
        """`y` from `x` by the weight, or some places `at` of it.

        `made` has the same sums from a product of matrices: they hold where they are finite.
        """
        taps = weight.beside(self.launcher.xp) if y.is_last else weight.taps
        group, inner, channel, *tap_steps = (step // taps.itemsize for step in taps.strides)
        own = weight.own
        vectors: list[Strided | Columns] = [y, *([x] if own else [])]
        if made:
            vectors.append(made)
        self._meet(
            _way(own, weight.group, vectors, y.is_last),
            Read(x.array, x.sizes, x.sample, x.channel, x.axes),
            y, bias, made, at, y.is_last, weight.adjoint, weight.group, taps, tuple(tap_steps),
            {
                "weight_group": group, "weight_inner": inner,
                "weight_channel": group if own else channel, "inner": weight.inner,
            },
        )  # fmt: skip

    def gather(self, columns: Columns, y: Strided, bias: Any) -> None:
        """`y` from the products of all channels with all taps."""
        way = _way(True, y.channels, [y, columns], columns.last)._replace(weighted=False)
        x = Read(
            columns.array, self.small, columns.sample, columns.channel,
            _steps(self.small, columns.place), _steps(self.kernel, columns.tap),
        )  # fmt: skip
        nothing = {"weight_group": 0, "weight_inner": 0, "weight_channel": 0, "inner": 1}
        self._meet(
            way, x, y, bias, None, None, columns.last, False, y.channels, None, (0, 0, 0), nothing
        )

    def _meet(
        self, way: Way, x: Read, y: Strided, bias: Any, made: Columns | None, at: slice | None,
        beside: bool, adjoint: bool, group: int, taps: Any, tap_steps: Three,
        strides: dict[str, int],
    ) -> None:  # fmt: skip
        at = at or slice(0, y.places)
        places = at.stop - at.start
        blocks = Blocks.of(way, y.channels, group, beside)
        work = len(y.array) * blocks.down
        index = index_of(
            _span(x.sizes, x.places) + _span(self.kernel, x.taps), _span(self.kernel, tap_steps),
            _span(y.sizes, y.axes), y.places, places * blocks.across, work,
        )  # fmt: skip
        tables: list[Any] = []
        for axis in range(3):
            key = self.geometry[axis], adjoint, x.places[axis], x.taps[axis], tap_steps[axis]
            tables += self._table(meeting_offsets, key, index)
        values = strides | {
            "x_sample": x.sample, "x_channel": x.channel,
            "y_sample": y.sample, "y_channel": y.channel,
            "made_sample": made.sample if made else 0,
            "made_channel": made.channel if made else 0,
            "made_place": made.place if made else 0,
            "y_d": y.axes[0], "y_h": y.axes[1], "y_w": y.axes[2],
            "begin": at.start, "places": places, "height": y.sizes[1], "width": y.sizes[2],
            "work": work, "across": blocks.across, "down": blocks.down,
            "channels": y.channels, "group_size": group,
        }  # fmt: skip
        self.launcher.rows(
            self._kernel("meet", x.array, y.array, way, index), work, places * blocks.across,
            x.array, taps, bias, made.array if made else None, y.array, *tables,
            packed(FILE, "Meeting", index, values),
        )  # fmt: skip

    # --- what taps see ---

    def spread(self, grad: Strided, at: slice, last: bool) -> Columns:
        """What every tap sees of a gradient of the output, of places `at` of every sample."""
        places = at.stop - at.start
        size = len(grad.array) * places * self.taps * grad.channels
        array = self.launcher.xp.empty(size, self.real)
        columns = Columns(array, last, grad.channels, places, self.taps)
        way = _way(True, grad.channels, [grad, columns], last)
        blocks = Blocks.of(way, grad.channels, grad.channels, last)
        index = index_of(
            _span(grad.sizes, grad.axes), len(grad.array) * self.inputs,
            columns.count * blocks.across,
        )  # fmt: skip
        values = {
            "grad_sample": grad.sample, "grad_channel": grad.channel,
            "to_channel": columns.channel, "to_tap": columns.tap, "to_place": columns.place,
            "begin": at.start, "count": columns.count, "places": self.inputs,
            "depth": self.small[0], "height": self.small[1], "width": self.small[2],
            "d_taps": self.kernel[0], "h_taps": self.kernel[1], "w_taps": self.kernel[2],
            "across": blocks.across, "down": blocks.down, "channels": grad.channels,
        }  # fmt: skip
        self.launcher.rows(
            self._kernel("spread", grad.array, array, way, index),
            blocks.down, columns.count * blocks.across, grad.array, array,
            *self._seen(grad, index), packed(FILE, "Spread", index, values),
        )  # fmt: skip
        return columns

    def _seen(self, grad: Strided, index: str) -> list[Any]:
        tables: list[Any] = []
        for key in zip(self.geometry, grad.axes, strict=True):
            tables += self._table(seen_offsets, key, index)
        return tables

    # --- sums over all places ---

    def sums(self, x: Strided, grad: Strided, weight: Weight) -> Any:
        """The gradient of the weight: (taps, channels of the input of a group, of the output)."""
        own = weight.own
        way = _way(own, weight.group, [grad, *([x] if own else [])], grad.is_last)
        return self._sums(way, x, grad, self.small, self.kernel, weight.group, weight.inner)

    def total(self, grad: Strided) -> Any:
        """The sum over samples and places of each channel."""
        way = _way(True, grad.channels, [grad], grad.is_last)
        return self._sums(way, None, grad, grad.sizes, (1, 1, 1), grad.channels, 1).ravel()

    def _sums(
        self, way: Way, x: Strided | None, grad: Strided, sizes: Three, kernel: Three, group: int,
        inner: int,
    ) -> Any:  # fmt: skip
        samples, taps, beside = len(grad.array), prod(kernel), grad.is_last
        blocks = Blocks.of(way, grad.channels, group, beside)
        threads = taps * inner * blocks.down * blocks.across
        parts = min(samples * prod(sizes), max(LEAST_PARTS, SUMMING // threads))
        items = taps, inner, grad.channels
        to = self.launcher.xp.empty((parts, *items) if beside else (*items, parts), self.real)
        steps = dict(zip(("part", "tap", "inner", "channel"), _positions(to, beside), strict=True))
        index = index_of(
            _span(grad.sizes, grad.axes), samples * prod(sizes), parts * blocks.across,
            taps * inner * blocks.down,
        )  # fmt: skip
        if x is None:
            tables = [
                one
                for key in zip(sizes, grad.axes, strict=True)
                for one in self._table(own_offsets, key, index)
            ]
        else:
            tables = self._seen(grad, index)
        further = _taken_apart(parts, sizes)
        x_axes = (0, 0, 0) if x is None else x.axes
        values = {
            "x_sample": x.sample if x else 0, "x_channel": x.channel if x else 0,
            "grad_sample": grad.sample, "grad_channel": grad.channel,
            **{f"to_{name}": step for name, step in steps.items()},
            **dict(zip(("x_d", "x_h", "x_w"), x_axes, strict=True)),
            **dict(zip(("depth", "height", "width"), sizes, strict=True)),
            **dict(zip(("step_n", "step_d", "step_h", "step_w"), further, strict=True)),
            **dict(zip(("d_taps", "h_taps", "w_taps"), kernel, strict=True)),
            "samples": samples, "parts": parts, "across": blocks.across, "down": blocks.down,
            "channels": grad.channels, "group_size": group, "inner": inner,
        }  # fmt: skip
        self.launcher.rows(
            self._kernel("sums", grad.array, to, way, index), taps * inner * blocks.down,
            parts * blocks.across, x.array if x else None, grad.array, to, *tables,
            packed(FILE, "Sums", index, values),
        )  # fmt: skip
        return to.sum(axis=0 if beside else -1)

    # --- what launches share ---

    def _kernel(self, name: str, source: Any, target: Any, way: Way, index: str) -> Any:
        item, to, real = (ITEMS[kind.name] for kind in (source.dtype, target.dtype, self.real))
        return conv(name, item, to, real, way, index)

    def _table(self, make: Any, key: tuple[Any, ...], index: str) -> Any:
        return self.launcher.remembered(
            (make.__name__, *key, index), partial(make, *key, integers(index))
        )


def _way(own: bool, group: int, arrays: list[Strided | Columns], beside: bool) -> Way:
    """How to go over channels; `beside`: neighbouring threads have neighbouring channels.

    The first of the arrays says how many of its items make a vector.  A thread that has several
    channels but no vectors saves what it takes to find places; beside each other that is worth it
    only where it has all of a group, as of RGB.
    """
    many = VECTOR // arrays[0].array.itemsize
    if beside and group % many == 0 and all(array.holds_vectors(many) for array in arrays):
        return Way(many, True, own)
    several = PLANES - 1 <= group <= PLANES if beside else group >= PLANES - 1
    return Way(PLANES if several else 1, False, own)


def _span(sizes: Three, steps: Three) -> int:
    """The farthest that an offset can be."""
    return sum((n - 1) * abs(step) for n, step in zip(sizes, steps, strict=True))


def _steps(sizes: Three, step: int) -> Three:
    """Strides of contiguous axes whose last one has `step`."""
    return tuple(step * prod(sizes[axis + 1 :]) for axis in range(3))


def _positions(to: Any, beside: bool) -> list[int]:
    """Strides of (parts, taps, inner, channels), of which parts may come last."""
    steps = [step // to.itemsize for step in to.strides]
    return steps if beside else [steps[3], *steps[:3]]


def _taken_apart(number: int, sizes: Three) -> Three:
    """So many places further: in samples and along the three axes."""
    parts: list[int] = []
    for size in reversed(sizes):
        number, rest = divmod(number, size)
        parts.insert(0, rest)
    return (number, *parts)
