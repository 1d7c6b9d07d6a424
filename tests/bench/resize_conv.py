"""Cases of `resize_conv2d` and of its gradients, beside interpolation and convolution in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

from . import bars
from .convolution import LAYOUTS, Convolution, Gradients


@dataclass(frozen=True)
class ResizeConv(Convolution):
    factor: int
    mode: str

    section = "Resize-convolution"
    function = "resize_conv2d"

    @property
    def letters(self) -> str:
        return f"k{self.kernel} x{self.factor} {self.mode}"

    @property
    def bar(self) -> bars.Bar:
        return bars.RESIZE_CONV[self.mode]

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.channels_out, self.nchw[1] // self.groups, self.kernel, self.kernel)

    @property
    def flops(self) -> int:
        """Those of the convolution after the upsampling, zeros around it included.

        Where the upsampling is folded into the kernel, fewer are done: the rate may exceed
        that of the matrix product.
        """
        return 2 * prod(self.result_shape) * prod(self.weight_shape[1:])

    @property
    def result_lengths(self) -> tuple[int, int]:
        height, width = (length * self.factor for length in self.nchw[2:])
        return height, width

    @property
    def arguments(self) -> dict[str, Any]:
        return {"scale_factor": self.factor, "mode": self.mode, "groups": self.groups}

    def torch_function(self) -> Callable[..., Any]:
        from torch.nn.functional import conv2d, interpolate

        align = None if self.mode == "nearest" else False
        upsample = partial(
            interpolate, scale_factor=self.factor, mode=self.mode, align_corners=align
        )
        convolve = partial(conv2d, padding="same", groups=self.groups)
        return lambda x, weight, bias: convolve(upsample(x), weight, bias)


@dataclass(frozen=True)
class ResizeConvBackward(Gradients, ResizeConv):
    section = "Gradients of resize-convolution"


SHAPES: tuple[dict[str, Any], ...] = (
    {"model": "decoder", "nchw": (1, 64, 64, 64), "channels_out": 64},
    {"model": "decoder", "nchw": (1, 256, 32, 32), "channels_out": 128},
    {"model": "first", "nchw": (1, 3, 256, 256), "channels_out": 32},
    {"model": "RGB", "nchw": (1, 3, 512, 512), "channels_out": 3, "groups": 3},
)
CASES = tuple(
    kind(**shape, kernel=3, factor=2, mode=mode, layout=layout)
    for kind in (ResizeConv, ResizeConvBackward)
    for mode in ("nearest", "bilinear")
    for shape in SHAPES
    for layout in LAYOUTS
)
