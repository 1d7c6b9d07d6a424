"""Pooling and unpooling on a GPU."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..pool_spec import PoolSpec
from .gpu_launch import Launcher, aligned, index_of, integers
from .kernels import ITEMS, PLANES, VECTOR, packed, places, pool

RUN = 16  # cells of a row that a thread goes over, as in places.cu, and rows of them
BOX = 4  # numbers


class Planes:
    """An operation on contiguous arrays (outer, outer, 1, H, W, inner)."""

    def __init__(self, launcher: Launcher, spec: PoolSpec, shape: tuple[int, ...]) -> None:
        self.launcher, self.spec = launcher, spec
        self.planes, self.inner = prod(shape[:3]), shape[5]
        self.large, self.small = (prod(side) * self.inner for side in (spec.large, spec.small))
        self.items = ITEMS[spec.dtype], ITEMS[spec.arithmetic]
        # Distances of cells and places may be twice as long as a side, and are added.
        distance = 4 * max(*spec.large, *spec.small)
        self.index = index_of(self.planes, self.large, self.small, distance)

    def packed(self, file: str, name: str, **pairs: Any) -> np.ndarray:
        """Sizes, and pairs for H and W, as a structure of a source."""
        pairs |= {"large": self.spec.large, "small": self.spec.small}
        sizes = {f"{name}_{axis}": n for name, pair in pairs.items()
                 for axis, n in zip("hw", pair, strict=True)}  # fmt: skip
        sizes |= {"planes": self.planes, "inner": self.inner}
        return packed(file, name, self.index, sizes)


class Pool(Planes):
    """Means and maxima."""

    def average(self, x: Any, out: Any) -> None:
        self._launch("average", self.small, x, out)

    def average_backward(self, grad: Any, out: Any) -> None:
        self._launch("average_backward", self.large, grad, out)

    def maximum(self, x: Any, out: Any, indices: Any = None) -> None:
        self._launch("maximum", self.small, x, out, indices)

    def _launch(self, name: str, items: int, *arrays: Any) -> None:
        """A thread makes several items: neighbours in a pixel, or the same of several planes."""
        spec, many = self.spec, VECTOR // arrays[0].itemsize
        there = [array for array in arrays if array is not None]
        vector = many > 1 and self.inner % many == 0 and all(aligned(a, VECTOR) for a in there)
        several = self.inner == 1 and self.planes >= PLANES - 1
        lanes = many if vector else PLANES if several else 1
        shape = self.packed(
            "pool.cu", "Shape", kernel=spec.kernel, stride=spec.stride, pad=spec.padding
        )
        self.launcher.rows(
            pool(name, *self.items, lanes, vector, self.index),
            self.planes if vector else -(-self.planes // lanes),
            items // lanes if vector else items, *arrays, shape,
        )  # fmt: skip


class Places(Planes):
    """Values by the indices of maxima."""

    def __init__(self, launcher: Launcher, spec: PoolSpec, shape: tuple[int, ...]) -> None:
        super().__init__(launcher, spec, shape)
        # Any step would do: with that of the pooling cells point near to where they lie.
        sides = zip(spec.stride, spec.large, spec.small, strict=True)
        steps = [min(s or max(1, round(m / max(1, n))), m) for s, m, n in sides]
        self.sides = self.packed("places.cu", "Sides", step=steps)

    def _launch(self, name: str, threads: int, *arguments: Any) -> None:
        self.launcher.rows(places(name, *self.items, self.index), self.planes, threads, *arguments)

    def pick(self, x: Any, indices: Any, out: Any) -> None:
        self._launch("pick", self.small, x, indices, out, self.sides)

    def collect(self, x: Any, indices: Any, out: Any, add: bool) -> None:
        height, width = self.spec.small
        if not self.small:
            out.fill(0)
            return
        runs = -(-width // RUN)
        boxes = self._boxes(height * runs)
        self._launch("bounds", height * runs * self.inner, indices, boxes, self.sides)
        rows = self._joined(boxes, runs)
        every = self._joined(self._joined(rows, RUN), height)
        self._launch("collect", self.large, x, indices, rows, every, out, self.sides, np.int32(add))

    def _boxes(self, count: int) -> Any:
        shape = (self.planes, count, self.inner, BOX)
        return self.launcher.xp.empty(shape, integers(self.index))

    def _joined(self, boxes: Any, many: int) -> Any:
        """A box around each `many` of them."""
        number, count = integers(self.index), boxes.shape[1]
        joined = self._boxes(-(-count // many))
        self._launch(
            "join", joined.shape[1] * self.inner, boxes, joined, number(self.planes),
            number(count), np.int32(self.inner), np.int32(many),
        )  # fmt: skip
        return joined
