"""Cases of `interpolate` and of its gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

import upsampler

from . import bars
from . import interpolation_peers as peers
from .case import SHORT, Case, Inputs, Results, sizes

# float32: PyTorch computes coordinates in float32, 6e-5 off at the 1700th pixel.  Integers: others
# truncate their fixed-point weights, so one level.
TOLERANCE = {"float32": 1e-4, "float16": 1e-3, "uint8": 1.0, "uint16": 1.0}


@dataclass(frozen=True)
class Interpolation(Case):
    """One interpolation of an array of `shape` to `size`, the lengths of H and W."""

    mode: str
    dtype: str
    layout: str
    shape: tuple[int, ...]
    size: tuple[int, int]

    section = "Interpolation"
    ways: ClassVar = {
        "torch": peers.by_torch,
        "opencv": peers.by_opencv,
        "pillow": peers.by_pillow,
        "scikit-image": peers.by_skimage,
    }

    @property
    def name(self) -> str:
        text = f"{self.mode} {SHORT[self.dtype]} {self.layout} {sizes(self.shape)}"
        return f"{text} -> {sizes(self.size)}"

    @property
    def bar(self) -> bars.Bar:
        return bars.interpolation(self.dtype, self.mode, self.layout, self.result_shape)

    @property
    def compute_bound(self) -> bool:
        return self.mode == "bicubic"

    @property
    def result_shape(self) -> tuple[int, ...]:
        first = self.layout.index("H")
        return self.shape[:first] + self.size + self.shape[first + 2 :]

    @property
    def out_shape(self) -> tuple[int, ...] | None:
        return self.result_shape

    def inputs(self) -> Inputs:
        """Noise in the middle half of the value range.

        The cubic filters overshoot by up to 1.9 times the amplitude in two dimensions, and
        Pillow clips 8-bit data between its two passes: here nobody has to clip, so that all
        methods can be held to one result.
        """
        rng = np.random.default_rng(0)
        if self.dtype.startswith("uint"):
            most = np.iinfo(self.dtype).max
            return (rng.integers(most // 4, most // 4 * 3, self.shape, dtype=self.dtype),)
        return (rng.uniform(0.25, 0.75, self.shape).astype(self.dtype),)

    def arguments(self, threads: int) -> dict[str, Any]:
        return {
            "size": self.size, "mode": self.mode, "layout": self.layout, "num_threads": threads,
        }  # fmt: skip

    def ours(self, inputs: Inputs, threads: int, **more: Any) -> Callable[[], Results]:
        return partial(upsampler.interpolate, *inputs, **self.arguments(threads), **more)

    def tolerance(self, ours: np.ndarray) -> float:
        return 0.0 if self.mode == "nearest" else TOLERANCE[self.dtype]


@dataclass(frozen=True)
class InterpolationBackward(Interpolation):
    """The gradient of one."""

    section = "Gradients of interpolation"
    ways: ClassVar = {"torch": peers.by_torch_backward}
    out_shape = None

    @property
    def name(self) -> str:
        return f"{super().name} backward"

    @property
    def bar(self) -> bars.Bar:
        return bars.BACKWARD

    def inputs(self) -> Inputs:
        """The input, and the gradient of the result."""
        rng = np.random.default_rng(0)
        shapes = (self.shape, self.result_shape)
        return tuple(rng.uniform(-1, 1, shape).astype(self.dtype) for shape in shapes)

    def ours(self, inputs: Inputs, threads: int, **more: Any) -> Callable[[], Results]:
        x, grad = inputs
        arguments = self.arguments(threads) | more
        return partial(upsampler.interpolate_backward, grad, x.shape, **arguments)

    def tolerance(self, ours: np.ndarray) -> float:
        """As for the values, and nearest sums now: relative to the largest."""
        return TOLERANCE[self.dtype] * float(np.abs(ours).max())


FEATURES = (  # (N, C, H, W) -> (H, W)
    ((1, 21, 128, 128), (512, 512)),  # class scores of a segmentation network
    ((1, 19, 128, 256), (1024, 2048)),  # the same for street scenes
    ((8, 64, 64, 64), (128, 128)),  # a decoder stage
    ((1, 3, 1080, 1920), (2160, 3840)),  # a picture
)
PICTURES = (  # of 8 bits: mode, layout, shape -> (H, W)
    ("bilinear", "HWC", (1080, 1920, 3), (2160, 3840)),
    ("bilinear", "HWC", (1000, 1500, 3), (1700, 2550)),
    ("bilinear", "HW", (1080, 1920), (2160, 3840)),
    ("nearest", "HWC", (1080, 1920, 3), (2160, 3840)),
    ("bicubic", "HWC", (1080, 1920, 3), (2160, 3840)),
)
OTHERS = (  # what the tables above do not have: odd sizes and factors, other types and layouts
    ("bilinear", "float32", "NCHW", (2, 7, 101, 67), (233, 181)),
    ("bilinear", "float32", "NCHW", (1, 64, 96, 320), (144, 480)),
    ("nearest", "float32", "NCHW", (2, 7, 101, 67), (233, 181)),
    ("bicubic", "float32", "NCHW", (2, 7, 101, 67), (233, 181)),
    ("bilinear", "float32", "NHWC", (8, 64, 64, 64), (128, 128)),
    ("nearest", "float32", "NHWC", (8, 64, 64, 64), (128, 128)),
    ("bicubic", "float32", "NHWC", (8, 64, 64, 64), (128, 128)),
    ("bilinear", "float32", "HWC", (1000, 1500, 3), (1700, 2550)),
    ("bilinear", "float32", "HW", (1080, 1920), (540, 960)),
    ("bilinear", "float16", "NCHW", (8, 64, 64, 64), (128, 128)),
    ("bilinear", "uint16", "HW", (1080, 1920), (2160, 3840)),
    ("bilinear", "uint16", "HWC", (600, 801, 3), (1500, 2003)),
    ("bilinear", "uint8", "HWC", (777, 1001, 4), (1943, 2503)),
    ("nearest", "uint8", "HWC", (777, 1001, 4), (1554, 2002)),
    ("bicubic", "uint8", "HW", (1080, 1920), (2160, 3840)),
    ("nearest", "uint8", "HW", (777, 1001), (2331, 3003)),
    ("bilinear", "float32", "NCHW", (1, 3, 16, 16), (32, 32)),  # a tiny call
    ("bilinear", "uint8", "HWC", (16, 16, 3), (32, 32)),
)
MODES = ("bilinear", "nearest", "bicubic")
CASES = (
    *(Interpolation(mode, "float32", "NCHW", *shapes) for mode in MODES for shapes in FEATURES),
    *(Interpolation(mode, "uint8", *shapes) for mode, *shapes in PICTURES),
    *(Interpolation(*row) for row in OTHERS),
    *(InterpolationBackward(mode, "float32", "NCHW", *FEATURES[2]) for mode in MODES),
    *(InterpolationBackward("bilinear", *row[1:]) for row in OTHERS[:2]),
    InterpolationBackward("bilinear", "float32", "NHWC", *FEATURES[2]),
    InterpolationBackward("bilinear", "float32", "NCHW", *FEATURES[1]),
)
