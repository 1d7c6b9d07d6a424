"""What the kinds of convolutions have in common, forward and backward."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np

import upsampler

from . import bars
from .case import Case, Entry, Inputs, Results, arranged, sizes

LAYOUTS = ("NCHW", "NHWC")


@dataclass(frozen=True)
class Convolution(Case):
    """A convolution of an input of lengths `nchw`, with bias and a square kernel."""

    model: str  # where it comes from
    nchw: tuple[int, int, int, int]
    channels_out: int
    kernel: int
    groups: int = field(default=1, kw_only=True)
    layout: str = field(default="NCHW", kw_only=True)

    function: ClassVar[str]  # of this package

    @property
    @abstractmethod
    def letters(self) -> str:
        """The arguments as the end of the name."""

    @property
    @abstractmethod
    def weight_shape(self) -> tuple[int, ...]: ...

    @property
    @abstractmethod
    def result_lengths(self) -> tuple[int, int]:
        """H and W of the result."""

    @property
    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Keywords of `function`, but for the layout."""

    @abstractmethod
    def torch_function(self) -> Callable[..., Any]:
        """The same function of x, weight and bias in PyTorch."""

    @property
    def name(self) -> str:
        shape = sizes(arranged(self.nchw, self.layout))
        text = f"{self.function} {self.model} f32 {self.layout} {shape} -> {self.channels_out}"
        return f"{text} {self.letters}" + (" depthwise" if self.groups > 1 else "")

    @property
    def result_shape(self) -> tuple[int, ...]:
        return arranged((self.nchw[0], self.channels_out, *self.result_lengths), self.layout)

    @property
    def out_shape(self) -> tuple[int, ...] | None:
        return self.result_shape

    @property
    def in_shapes(self) -> tuple[tuple[int, ...], ...]:
        return (arranged(self.nchw, self.layout), self.weight_shape, (self.channels_out,))

    def inputs(self) -> Inputs:
        """x, weight and bias."""
        rng = np.random.default_rng(0)
        return tuple(rng.uniform(-1, 1, shape).astype(np.float32) for shape in self.in_shapes)

    def keywords(self, threads: int) -> dict[str, Any]:
        return {**self.arguments, "layout": self.layout, "num_threads": threads}

    def ours(self, inputs: Inputs, threads: int, **more: Any) -> Callable[[], Results]:
        function = getattr(upsampler, self.function)
        return partial(function, *inputs, **self.keywords(threads), **more)

    def torch_inputs(self, inputs: Inputs, threads: int) -> tuple[Any, ...]:
        import torch

        from . import torch_ways

        torch.set_num_threads(threads)
        x, weight, bias = inputs[:3]
        return (
            torch_ways.tensor(x, self.layout),
            torch_ways.kernel(weight, self.layout),
            torch.from_numpy(bias),
        )

    def by_torch(self, inputs: Inputs, threads: int) -> list[Entry]:
        from . import torch_ways

        run = partial(self.torch_function(), *self.torch_inputs(inputs, threads))
        return torch_ways.forward(run, self.layout)

    ways: ClassVar = {"torch": by_torch}

    def tolerance(self, ours: np.ndarray) -> float:
        """Relative to the largest value: sums of up to 4096 terms, in anyone's order."""
        return 1e-5 * float(np.abs(ours).max())


class Gradients(Convolution):
    """Mixed into a kind of convolution: the gradients of its input, weight and bias instead."""

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
        """Of x, weight, bias and the gradient of the result."""
        return (*super().in_shapes, self.result_shape)

    def ours(self, inputs: Inputs, threads: int, **more: Any) -> Callable[[], Results]:
        x, weight, _, grad = inputs
        function = getattr(upsampler, f"{self.function}_backward")
        return partial(function, grad, x, weight, **self.keywords(threads), **more)

    def by_torch(self, inputs: Inputs, threads: int) -> list[Entry]:
        from . import torch_ways

        tensors = self.torch_inputs(inputs, threads)
        return torch_ways.backward(self.torch_function(), tensors, inputs[-1], self.layout)

    ways: ClassVar = {"torch": by_torch}

    def tolerance(self, ours: np.ndarray) -> float:
        """PyTorch sums a million terms of the bias in float32."""
        return 1e-4 * float(np.abs(ours).max())
