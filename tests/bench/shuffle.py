"""Cases of `pixel_shuffle`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

import upsampler

from . import bars
from .case import Case, Entry, Inputs, Results, arranged, sizes


@dataclass(frozen=True)
class Shuffle(Case):
    """A pixel shuffle of (N, C, H, W) lengths `nchw` by `factor`."""

    nchw: tuple[int, int, int, int]
    factor: int
    layout: str = "NCHW"

    section = "Pixel shuffle"

    @property
    def name(self) -> str:
        shape = sizes(arranged(self.nchw, self.layout))
        return f"pixel_shuffle f32 {self.layout} {shape} r{self.factor}"

    @property
    def bar(self) -> bars.Bar:
        return bars.MOVES

    @property
    def out_shape(self) -> tuple[int, ...]:
        n, c, h, w = self.nchw
        r = self.factor
        return arranged((n, c // r**2, h * r, w * r), self.layout)

    def inputs(self) -> Inputs:
        shape = arranged(self.nchw, self.layout)
        return (np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32),)

    def ours(self, inputs: Inputs, threads: int, **more: Any) -> Callable[[], Results]:
        # One thread: it moves items through NumPy.
        return partial(upsampler.pixel_shuffle, *inputs, self.factor, layout=self.layout, **more)

    def by_torch(self, inputs: Inputs, threads: int) -> list[Entry]:
        import torch

        from . import torch_ways

        torch.set_num_threads(threads)
        x = torch_ways.tensor(*inputs, self.layout)
        run = partial(torch.nn.functional.pixel_shuffle, x, self.factor)
        return torch_ways.forward(run, self.layout)

    ways: ClassVar = {"torch": by_torch}

    def tolerance(self, ours: np.ndarray) -> float:
        return 0.0


SHAPES = (
    ((1, 256, 128, 128), 2),  # EDSR's features, x2
    ((1, 27, 360, 640), 3),  # ESPCN: pictures in colour, x3
)
CASES = tuple(Shuffle(*shape, layout=layout) for shape in SHAPES for layout in ("NCHW", "NHWC"))
