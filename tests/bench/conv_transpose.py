"""Cases of `conv_transpose2d` and of its gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

from . import bars
from .convolution import LAYOUTS, Convolution, Gradients

FEW = 4  # channels of a picture: up to so many there is no matrix product to speak of


@dataclass(frozen=True)
class ConvTranspose(Convolution):
    stride: int
    padding: int = 0
    output_padding: int = 0

    section = "Transposed convolution"
    function = "conv_transpose2d"

    @property
    def letters(self) -> str:
        text = f"k{self.kernel}s{self.stride}"
        text += f"p{self.padding}" if self.padding else ""
        return text + (f"op{self.output_padding}" if self.output_padding else "")

    @property
    def bar(self) -> bars.Bar:
        width = min(self.nchw[1], self.channels_out) // self.groups
        return bars.FEW_CHANNELS if width <= FEW else bars.MANY_CHANNELS

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.nchw[1], self.channels_out // self.groups, self.kernel, self.kernel)

    @property
    def flops(self) -> int:
        """Two for each input sample, tap and output channel, those the padding crops, too."""
        return 2 * prod(self.nchw) * prod(self.weight_shape[1:])

    @property
    def result_lengths(self) -> tuple[int, int]:
        more = self.kernel - 2 * self.padding + self.output_padding
        height, width = ((length - 1) * self.stride + more for length in self.nchw[2:])
        return height, width

    @property
    def arguments(self) -> dict[str, Any]:
        return {
            "stride": self.stride,
            "padding": self.padding,
            "output_padding": self.output_padding,
            "groups": self.groups,
        }

    def torch_function(self) -> Callable[..., Any]:
        from torch.nn.functional import conv_transpose2d

        return partial(conv_transpose2d, **self.arguments)


@dataclass(frozen=True)
class ConvTransposeBackward(Gradients, ConvTranspose):
    section = "Gradients of transposed convolution"


SHAPES: tuple[dict[str, Any], ...] = (
    {"model": "U-Net", "nchw": (1, 128, 64, 64), "channels_out": 64, "kernel": 2, "stride": 2},
    {"model": "U-Net", "nchw": (1, 1024, 16, 16), "channels_out": 512, "kernel": 2, "stride": 2},
    {
        "model": "DCGAN", "nchw": (16, 256, 16, 16), "channels_out": 128,
        "kernel": 4, "stride": 2, "padding": 1,
    },
    {
        "model": "decoder", "nchw": (1, 64, 64, 64), "channels_out": 64,
        "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1,
    },
    {
        "model": "FSRCNN", "nchw": (1, 56, 180, 320), "channels_out": 1,
        "kernel": 9, "stride": 4, "padding": 4, "output_padding": 3,
    },
    {
        "model": "FCN-8s", "nchw": (1, 21, 64, 64), "channels_out": 21,
        "kernel": 16, "stride": 8, "padding": 4, "groups": 21,
    },
    {
        "model": "RGB", "nchw": (1, 3, 512, 512), "channels_out": 3,
        "kernel": 4, "stride": 2, "padding": 1, "groups": 3,
    },
)  # fmt: skip
CASES = tuple(
    kind(**shape, layout=layout)
    for kind in (ConvTranspose, ConvTransposeBackward)
    for shape in SHAPES
    for layout in LAYOUTS
)
