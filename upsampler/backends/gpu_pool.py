"""Pooling and unpooling on a GPU."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..pool_spec import PoolSpec
from .gpu_launch import Launcher
from .kernels import ITEMS, pool

RUN = 32  # cells that share bounds of their indices, as in pool.cu
SHAPE = np.dtype([("planes", "i8"), *((name, "i4") for name in (
    "large_h", "large_w", "small_h", "small_w", "inner", "kernel_h", "kernel_w", "stride_h",
    "stride_w", "pad_h", "pad_w",
)), ("unused", "i4")])  # fmt: skip


class Pool:
    """One operation; arrays are contiguous, (outer, outer, 1, H, W, inner)."""

    def __init__(self, launcher: Launcher, spec: PoolSpec, shape: tuple[int, ...]) -> None:
        self.launcher, self.spec = launcher, spec
        self.planes, self.inner = prod(shape[:3]), shape[5]
        sizes = (
            *spec.large, *spec.small, self.inner, *spec.kernel, *spec.stride, *spec.padding,
        )  # fmt: skip
        self.shape = np.array((self.planes, *sizes, 0), SHAPE)

    @property
    def large(self) -> int:
        return prod(self.spec.large) * self.inner

    @property
    def small(self) -> int:
        return prod(self.spec.small) * self.inner

    def _launch(self, name: str, threads: int, *arguments: Any) -> None:
        kernel = pool(name, ITEMS[self.spec.dtype], ITEMS[self.spec.arithmetic])
        self.launcher.rows(kernel, self.planes, threads, *arguments)

    def average(self, x: Any, out: Any) -> None:
        self._launch("average", self.small, x, out, self.shape)

    def average_backward(self, grad: Any, out: Any) -> None:
        self._launch("average_backward", self.large, grad, out, self.shape)

    def maximum(self, x: Any, out: Any, indices: Any = None) -> None:
        self._launch("maximum", self.small, x, out, indices, self.shape)

    def pick(self, x: Any, indices: Any, out: Any) -> None:
        self._launch("pick", self.small, x, indices, out, self.shape)

    def collect(self, x: Any, indices: Any, out: Any, add: bool) -> None:
        runs = -(-prod(self.spec.small) // RUN) * self.inner
        least, greatest = (self.launcher.xp.empty((self.planes, runs), np.int64) for _ in "01")
        self._launch("bounds", runs, indices, least, greatest, self.shape)
        self._launch(
            "collect", self.large, x, indices, least, greatest, out, self.shape, np.int32(add)
        )
