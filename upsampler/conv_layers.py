"""Layers with weights: transposed convolution and resize-convolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import init as initial
from . import layout as layouts
from .arrays import as_array
from .conv import conv_transpose2d, conv_transpose2d_backward
from .conv_spec import conv_layout, conv_spec
from .init import Seed, float_dtype, generator, positive
from .module_base import Module
from .resize_conv import resize_conv2d, resize_conv2d_backward
from .resize_conv_spec import resize_conv_spec
from .spec import bad_type, bad_value, flag, integer, integers, per_axis

Pair = int | Sequence[int]
PROBE = 1 << 16  # its height and width; paddings that use it up are refused
INITS = ("kaiming", "bilinear", "icnr")


def probe(channels: int, dtype: np.dtype) -> np.ndarray:
    """An input without memory that stands for all inputs to come."""
    return np.broadcast_to(np.zeros((), dtype), (1, channels, PROBE, PROBE))


class _Conv2d(Module):
    """A weight of two kernel axes, perhaps a bias, and what both kinds of convolution share."""

    _weight_shape: Callable[[], tuple[int, ...]]

    def __init__(
        self,
        channels: tuple[Any, Any],
        kernel_size: Any,
        groups: Any,
        bias: Any,
        dtype: Any,
        layout: Any,
    ) -> None:
        super().__init__()
        kernel = integers("kernel_size", kernel_size, "an integer, or one for each spatial axis")
        self.groups = integer("groups", groups)
        self.dtype = float_dtype(dtype)
        self.layout = layouts.check_type(layout)
        self._biased = flag("bias", bias)
        self.in_channels = positive("in_channels", channels[0])
        self.out_channels = positive("out_channels", channels[1])
        if self.layout is not None:
            conv_layout(self.layout, len(self.layout), 2)
        self.kernel_size = per_axis("kernel_size", kernel, 2)
        if min(self.kernel_size) < 1:
            raise bad_value("kernel_size", self.kernel_size, "at least 1")
        if self.groups < 1 or self.in_channels % self.groups or self.out_channels % self.groups:
            raise bad_value(
                "groups",
                self.groups,
                f"a divisor of {self.in_channels} input and {self.out_channels} output channels",
            )

    def _fill(
        self, weight: Callable[[np.random.Generator], np.ndarray], seed: Seed, even: bool
    ) -> None:
        """Draw the weight, then the bias: zeros with a weight that upsamples evenly."""
        draw = generator(seed)
        self._parameters["weight"] = weight(draw)
        if not self._biased:
            return
        shape = self.weight.shape
        self._parameters["bias"] = (
            np.zeros(self.out_channels, self.dtype)
            if even
            else initial.kaiming_bias(self.out_channels, shape, seed=draw, dtype=self.dtype)
        )

    @property
    def weight(self) -> np.ndarray:
        """The array itself; writing into it changes the module."""
        return self._parameters["weight"]

    @property
    def bias(self) -> np.ndarray | None:
        """The array itself, or None."""
        return self._parameters.get("bias")

    def _keep(self, *gradients: np.ndarray) -> None:
        names = ("weight", "bias") if self._biased else ("weight",)
        self._gradients = dict(zip(names, gradients, strict=False))

    def _probe(self) -> tuple[np.ndarray, np.ndarray]:
        """An input and a weight, without memory, to check the other arguments with."""
        weight = np.broadcast_to(np.zeros((), self.dtype), self._weight_shape())
        return probe(self.in_channels, self.dtype), weight

    def _arguments(self) -> dict[str, Any]:
        return {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "kernel_size": self.kernel_size,
            "groups": self.groups,
            "bias": self._biased,
            "dtype": self.dtype.name,
            "layout": self.layout,
        }

    def _text(self, *always: str, **usual: Any) -> str:
        """The arguments that are always shown, and those that are not the usual ones."""
        values = self._arguments()
        shown = [str(self.in_channels), str(self.out_channels)]
        shown += [f"{name}={values[name]!r}" for name in always]
        shown += [
            f"{name}={values[name]!r}"
            for name, value in usual.items()
            if values[name] not in (value, (value, value))
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


class ConvTranspose2d(_Conv2d):
    """`conv_transpose2d` with a weight and a bias of its own, called as ``(x, output_size=None)``.

    Parameters
    ----------
    in_channels, out_channels : int
        C_in and C_out.
    kernel_size, stride, padding, output_padding, dilation : int or pair of int
        As for `conv_transpose2d`.
    groups : int
        A divisor of both numbers of channels.
    bias : bool
        Whether there is one.
    init : str
        ``"kaiming"``: as PyTorch's layer.  ``"bilinear"``: linear interpolation of every channel
        where the kernel fits the stride, see `init.bilinear`; as many outputs as inputs.
        ``"icnr"``: every output phase begins with the same kernel, see `init.icnr`; kernels that
        are multiples of the stride.  The latter two begin with a bias of zeros.
    dtype : dtype
        Of the parameters and so of the input: float16, bfloat16, float32 or float64.
    seed : int or numpy.random.Generator, optional
        The same seed makes the same module.
    layout : str, optional
        As for `conv_transpose2d`.

    Attributes
    ----------
    weight : ndarray
        Shape (C_in, C_out / groups, kH, kW).
    bias : ndarray or None
        Shape (C_out,).

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type or a value not allowed.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> module = upsampler.ConvTranspose2d(3, 3, 4, stride=2, padding=1, init="bilinear")
    >>> module
    ConvTranspose2d(3, 3, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1))
    >>> y = module(np.ones((1, 3, 5, 7), np.float32))
    >>> y.shape, float(y[0, 0, 4, 6])
    ((1, 3, 10, 14), 1.0)
    >>> module.backward(y).shape, [g.shape for g in module.gradients()]
    ((1, 3, 5, 7), [(3, 3, 4, 4), (3,)])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        output_padding: Pair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Pair = 1,
        *,
        init: str = "kaiming",
        dtype: Any = np.float32,
        seed: Seed = None,
        layout: str | None = None,
    ) -> None:
        _check_init(init)
        super().__init__((in_channels, out_channels), kernel_size, groups, bias, dtype, layout)
        spec = conv_spec(
            2, *self._probe(), None, stride, padding, output_padding, self.groups, dilation
        )
        self.stride, self.padding, self.dilation = spec.stride, spec.padding, spec.dilation
        typed = integers("output_padding", output_padding, "an integer")
        self.output_padding = per_axis("output_padding", typed, 2)
        self._fill(lambda draw: self._initial(init, draw), seed, even=init != "kaiming")

    def _initial(self, init: str, draw: np.random.Generator) -> np.ndarray:
        if init == "kaiming":
            return initial.kaiming(self._weight_shape(), seed=draw, dtype=self.dtype)
        if init == "icnr":
            return initial.icnr(
                self._weight_shape(), self.stride, transposed=True, seed=draw, dtype=self.dtype
            )
        if self.in_channels != self.out_channels:
            raise ValueError(
                f"init: got 'bilinear' for {self.in_channels} input and {self.out_channels} output "
                "channels; allowed: with as many outputs as inputs"
            )
        return initial.bilinear(self.in_channels, self.kernel_size, self.groups, dtype=self.dtype)

    def _weight_shape(self) -> tuple[int, ...]:
        return (self.in_channels, self.out_channels // self.groups, *self.kernel_size)

    def _geometry(self) -> dict[str, Any]:
        names = ("stride", "padding", "output_padding", "groups", "dilation", "layout")
        return {name: getattr(self, name) for name in names}

    def forward(self, x: Any, output_size: Pair | None = None) -> np.ndarray:
        x = as_array("x", x)
        geometry = self._geometry() | {"output_size": output_size}
        out = conv_transpose2d(x, self.weight, self.bias, **geometry)
        self._kept = x, geometry
        return out

    def backward(self, grad: Any) -> np.ndarray:
        x, geometry = self._recall()
        grad_x, *others = conv_transpose2d_backward(grad, x, self.weight, **geometry)
        self._keep(*others)
        return grad_x

    def _arguments(self) -> dict[str, Any]:
        return super()._arguments() | self._geometry()

    def __repr__(self) -> str:
        # The order of PyTorch's layer.
        return self._text(
            "kernel_size", "stride", padding=0, dilation=1, output_padding=0, groups=1, bias=True
        )


class ResizeConv2d(_Conv2d):
    """`resize_conv2d` with a weight and a bias of its own: upsampling, then a convolution.

    Parameters
    ----------
    in_channels, out_channels : int
        C_in and C_out.
    kernel_size : int or pair of int
        Of the convolution.
    scale_factor, mode, padding, padding_mode, dilation
        As for `resize_conv2d`.
    groups : int
        A divisor of both numbers of channels.
    bias : bool
        Whether there is one.
    dtype : dtype
        Of the parameters and so of the input: float16, bfloat16, float32 or float64.
    seed : int or numpy.random.Generator, optional
        The same seed makes the same module; weights and biases are drawn as PyTorch's.
    layout : str, optional
        As for `resize_conv2d`.

    Attributes
    ----------
    weight : ndarray
        Shape (C_out, C_in / groups, kH, kW), that of torch.nn.Conv2d.
    bias : ndarray or None
        Shape (C_out,).

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type or a value not allowed.

    Notes
    -----
    With a `scale_factor` of 1 it is an ordinary convolution of stride 1.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> module = upsampler.ResizeConv2d(3, 4, 3, scale_factor=2, mode="bilinear", seed=0)
    >>> module
    ResizeConv2d(3, 4, kernel_size=(3, 3), scale_factor=(2, 2), mode='bilinear')
    >>> y = module(np.ones((1, 3, 5, 7), np.float32))
    >>> y.shape, module.backward(y).shape, [g.shape for g in module.gradients()]
    ((1, 4, 10, 14), (1, 3, 5, 7), [(4, 3, 3, 3), (4,)])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        scale_factor: Pair = 2,
        mode: str = "nearest",
        padding: Pair | str = "same",
        padding_mode: str = "zeros",
        groups: int = 1,
        bias: bool = True,
        dilation: Pair = 1,
        *,
        dtype: Any = np.float32,
        seed: Seed = None,
        layout: str | None = None,
    ) -> None:
        super().__init__((in_channels, out_channels), kernel_size, groups, bias, dtype, layout)
        spec = resize_conv_spec(
            *self._probe(), None, scale_factor, mode, padding, padding_mode, self.groups, dilation
        )
        self.scale_factor, self.dilation = spec.factor, spec.dilation
        self.mode, self.padding_mode = mode, padding_mode
        self.padding = (
            padding
            if isinstance(padding, str)
            else per_axis("padding", integers("padding", padding, "an integer"), 2)
        )
        self._fill(
            lambda draw: initial.kaiming(self._weight_shape(), seed=draw, dtype=self.dtype),
            seed,
            even=False,
        )

    def _weight_shape(self) -> tuple[int, ...]:
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    def _geometry(self) -> dict[str, Any]:
        names = ("scale_factor", "mode", "padding", "padding_mode", "groups", "dilation", "layout")
        return {name: getattr(self, name) for name in names}

    def forward(self, x: Any) -> np.ndarray:
        x = as_array("x", x)
        out = resize_conv2d(x, self.weight, self.bias, **self._geometry())
        self._kept = x
        return out

    def backward(self, grad: Any) -> np.ndarray:
        grad_x, *others = resize_conv2d_backward(
            grad, self._recall(), self.weight, **self._geometry()
        )
        self._keep(*others)
        return grad_x

    def _arguments(self) -> dict[str, Any]:
        return super()._arguments() | self._geometry()

    def __repr__(self) -> str:
        return self._text(
            "kernel_size", "scale_factor", "mode",
            padding="same", padding_mode="zeros", dilation=1, groups=1, bias=True,
        )  # fmt: skip


def _check_init(init: object) -> None:
    allowed = "one of " + ", ".join(map(repr, INITS))
    if not isinstance(init, str):
        raise bad_type("init", init, allowed)
    if init not in INITS:
        raise bad_value("init", init, allowed)
