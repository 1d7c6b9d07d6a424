"""Cases of `conv_transpose2d` and its gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, ClassVar

import numpy as np

import upsampler

from . import bars
from .case import Case, Entry, Inputs, Results, arranged, sizes

FEW = 4  # channels of a picture: up to so many there is no matrix product to speak of


@dataclass(frozen=True)
class ConvTranspose(Case):
    """A transposed convolution of an input of lengths `nchw`, with bias."""

    model: str  # where it comes from
    nchw: tuple[int, int, int, int]
    channels_out: int
    kernel: int
    stride: int
    padding: int = 0
    output_padding: int = 0
    groups: int = 1
    layout: str = "NCHW"

    section = "Transposed convolution"

    @property
    def name(self) -> str:
        shape = sizes(arranged(self.nchw, self.layout))
        text = f"conv_transpose2d {self.model} f32 {self.layout} {shape} -> {self.channels_out}"
        text += f" k{self.kernel}s{self.stride}"
        text += f"p{self.padding}" if self.padding else ""
        text += f"op{self.output_padding}" if self.output_padding else ""
        return text + (" depthwise" if self.groups > 1 else "")

    @property
    def bar(self) -> bars.Bar:
        width = min(self.nchw[1], self.channels_out) // self.groups
        return bars.FEW_CHANNELS if width <= FEW else bars.MANY_CHANNELS

    @property
    def flops(self) -> int:
        """Two for each input sample, tap and output channel, those the padding crops, too."""
        return 2 * prod(self.nchw) * (self.channels_out // self.groups) * self.kernel**2

    @property
    def result_shape(self) -> tuple[int, ...]:
        n, _, *lengths = self.nchw
        more = self.kernel - 2 * self.padding + self.output_padding
        h, w = ((length - 1) * self.stride + more for length in lengths)
        return arranged((n, self.channels_out, h, w), self.layout)

    @property
    def out_shape(self) -> tuple[int, ...] | None:
        return self.result_shape

    @property
    def in_shapes(self) -> tuple[tuple[int, ...], ...]:
        return (
            arranged(self.nchw, self.layout),
            (self.nchw[1], self.channels_out // self.groups, self.kernel, self.kernel),
            (self.channels_out,),
        )

    def inputs(self) -> Inputs:
        """x, weight and bias; of the backward pass the gradient of the result besides."""
        rng = np.random.default_rng(0)
        return tuple(rng.uniform(-1, 1, shape).astype(np.float32) for shape in self.in_shapes)

    @property
    def arguments(self) -> dict[str, int]:
        """By the names that PyTorch and this package share."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "output_padding": self.output_padding,
            "groups": self.groups,
        }

    def ours(self, inputs: Inputs, threads: int, **more: Any) -> Callable[[], Results]:
        how = {**self.arguments, "layout": self.layout, "num_threads": threads, **more}
        return partial(upsampler.conv_transpose2d, *inputs, **how)

    def in_torch(self, inputs: Inputs, threads: int) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """The function and its arguments x, weight and bias."""
        import torch

        from . import torch_ways

        torch.set_num_threads(threads)
        x, weight, bias = inputs[:3]
        return partial(torch.nn.functional.conv_transpose2d, **self.arguments), (
            torch_ways.tensor(x, self.layout),
            torch_ways.kernel(weight, self.layout),
            torch.from_numpy(bias),
        )

    def by_torch(self, inputs: Inputs, threads: int) -> list[Entry]:
        from . import torch_ways

        run, tensors = self.in_torch(inputs, threads)
        return torch_ways.forward(partial(run, *tensors), self.layout)

    ways: ClassVar = {"torch": by_torch}

    def tolerance(self, ours: np.ndarray) -> float:
        """Relative to the largest value: sums of up to 4096 terms, in anyone's order."""
        return 1e-5 * float(np.abs(ours).max())


@dataclass(frozen=True)
class ConvTransposeBackward(ConvTranspose):
    """The gradients of input, weight and bias."""

    section = "Gradients of transposed convolution"
    out_shape = None

    @property
    def name(self) -> str:
        return f"{super().name} backward"

    @property
    def bar(self) -> bars.Bar:
        return bars.BACKWARD

    @property
    def flops(self) -> int:
        """Input and weight take as many each as the result; the bias is not counted."""
        return 2 * super().flops

    @property
    def in_shapes(self) -> tuple[tuple[int, ...], ...]:
        return (*super().in_shapes, self.result_shape)

    def ours(self, inputs: Inputs, threads: int, **more: Any) -> Callable[[], Results]:
        x, weight, _, grad = inputs
        how = {**self.arguments, "layout": self.layout, "num_threads": threads, **more}
        return partial(upsampler.conv_transpose2d_backward, grad, x, weight, **how)

    def by_torch(self, inputs: Inputs, threads: int) -> list[Entry]:
        from . import torch_ways

        run, tensors = self.in_torch(inputs, threads)
        return torch_ways.backward(run, tensors, inputs[-1], self.layout)

    ways: ClassVar = {"torch": by_torch}

    def tolerance(self, ours: np.ndarray) -> float:
        """PyTorch sums a million terms of the bias in float32."""
        return 1e-4 * float(np.abs(ours).max())


SHAPES = (
    ("U-Net", (1, 128, 64, 64), 64, 2, 2),
    ("U-Net", (1, 1024, 16, 16), 512, 2, 2),
    ("DCGAN", (16, 256, 16, 16), 128, 4, 2, 1),
    ("decoder", (1, 64, 64, 64), 64, 3, 2, 1, 1),
    ("FSRCNN", (1, 56, 180, 320), 1, 9, 4, 4, 3),
    ("FCN-8s", (1, 21, 64, 64), 21, 16, 8, 4, 0, 21),
    ("RGB", (1, 3, 512, 512), 3, 4, 2, 1, 0, 3),
)
CASES = tuple(
    kind(*shape, layout=layout)
    for kind in (ConvTranspose, ConvTransposeBackward)
    for shape in SHAPES
    for layout in ("NCHW", "NHWC")
)
