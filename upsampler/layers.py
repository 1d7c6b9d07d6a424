"""Layers: the functions of this package with their arguments and parameters in one object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import as_array
from .functional import Scale, Size, interpolate, interpolate_backward
from .module_base import Module, Named
from .pooling import max_unpool2d, max_unpool2d_backward
from .shuffle import pixel_shuffle, pixel_shuffle_backward
from .spec import bad_type, bad_value, integer, integers, items, per_axis

Pair = int | Sequence[int]


def _tuple(value: Any) -> Any:
    many = items(value.tolist() if isinstance(value, np.ndarray) else value)
    return value if many is None else tuple(many)


class Upsample(Module):
    """`interpolate` as a module.

    Parameters
    ----------
    size, scale_factor, mode, align_corners, recompute_scale_factor, antialias, layout
        As for `interpolate`, which checks them with the first input.

    Notes
    -----
    Without parameters of its own.  Arguments and their order are those of torch.nn.Upsample.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> module = upsampler.Upsample(scale_factor=2, mode="bilinear")
    >>> module(np.ones((1, 3, 4, 5))).shape
    (1, 3, 8, 10)
    >>> module.backward(np.ones((1, 3, 8, 10))).shape
    (1, 3, 4, 5)
    """

    def __init__(
        self,
        size: Size = None,
        scale_factor: Scale = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
        *,
        antialias: bool = False,
        layout: str | None = None,
    ) -> None:
        super().__init__()
        self.size = _tuple(size)
        self.scale_factor = _tuple(scale_factor)
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor
        self.antialias = antialias
        self.layout = layout

    def forward(self, x: Any) -> np.ndarray:
        x = as_array("x", x)
        out = interpolate(x, **self._arguments())
        self._kept = x.shape
        return out

    def backward(self, grad: Any) -> np.ndarray:
        return interpolate_backward(grad, self._recall(), **self._arguments())

    def _arguments(self) -> dict[str, Any]:
        names = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor",
                 "antialias", "layout")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        name = "size" if self.size is not None else "scale_factor"
        return f"Upsample({name}={getattr(self, name)!r}, mode={self.mode!r})"


class PixelShuffle(Module):
    """`pixel_shuffle` as a module.

    Parameters
    ----------
    upscale_factor : int
        At least 1.
    layout : str, optional
        As for `pixel_shuffle`.

    Raises
    ------
    TypeError, ValueError
        If `upscale_factor` is no such number.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> upsampler.PixelShuffle(2)(np.ones((1, 8, 3, 5))).shape
    (1, 2, 6, 10)
    """

    def __init__(self, upscale_factor: int, *, layout: str | None = None) -> None:
        super().__init__()
        self.upscale_factor = integer("upscale_factor", upscale_factor)
        if self.upscale_factor < 1:
            raise bad_value("upscale_factor", self.upscale_factor, "at least 1")
        self.layout = layout

    def forward(self, x: Any) -> np.ndarray:
        out = pixel_shuffle(x, self.upscale_factor, layout=self.layout)
        self._kept = out.shape
        return out

    def backward(self, grad: Any) -> np.ndarray:
        shape, grad = self._recall(), as_array("grad", grad)
        if grad.shape != shape:
            raise ValueError(
                f"grad: got shape {grad.shape}; allowed: {shape}, the shape of the output"
            )
        return pixel_shuffle_backward(grad, self.upscale_factor, layout=self.layout)

    def _arguments(self) -> dict[str, Any]:
        return {"upscale_factor": self.upscale_factor, "layout": self.layout}

    def __repr__(self) -> str:
        return f"PixelShuffle(upscale_factor={self.upscale_factor})"


class MaxUnpool2d(Module):
    """`max_unpool2d` as a module, called as ``(x, indices, output_size=None)``.

    Parameters
    ----------
    kernel_size : int or pair of int
        As given to `max_pool2d`, with the two that follow.
    stride : int or pair of int, optional
        By default `kernel_size`.
    padding : int or pair of int
        At most half of the kernel.
    layout : str, optional
        As for `max_unpool2d`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type or number.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> x = np.array([[[[1.0, 3.0], [7.0, 5.0]]]])
    >>> values, indices = upsampler.max_pool2d(x, 2, return_indices=True)
    >>> upsampler.MaxUnpool2d(2)(values, indices)[0, 0]
    array([[0., 0.],
           [7., 0.]])
    """

    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Pair = 0,
        *,
        layout: str | None = None,
    ) -> None:
        super().__init__()
        given = {
            "kernel_size": kernel_size,
            "stride": kernel_size if stride is None else stride,
            "padding": padding,
        }
        allowed = "an integer, or one for each of H and W"
        typed = {name: integers(name, value, allowed) for name, value in given.items()}
        pairs = {name: per_axis(name, value, 2) for name, value in typed.items()}
        self.kernel_size, self.stride, self.padding = pairs.values()
        self.layout = layout

    def forward(self, x: Any, indices: Any, output_size: Sequence[int] | None = None) -> np.ndarray:
        out = max_unpool2d(x, indices, output_size=output_size, **self._arguments())
        self._kept = as_array("indices", indices), out.shape
        return out

    def backward(self, grad: Any) -> np.ndarray:
        (indices, shape), grad = self._recall(), as_array("grad", grad)
        if grad.shape != shape:
            raise ValueError(
                f"grad: got shape {grad.shape}; allowed: {shape}, the shape of the output"
            )
        return max_unpool2d_backward(grad, indices, layout=self.layout)

    def _arguments(self) -> dict[str, Any]:
        names = ("kernel_size", "stride", "padding", "layout")
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        names = ("kernel_size", "stride", "padding")
        return f"MaxUnpool2d({', '.join(f'{n}={getattr(self, n)}' for n in names)})"


class Sequential(Module):
    """Modules one after another; parameters are named as in torch.nn: "0.weight", "2.bias".

    Parameters
    ----------
    *modules : Module
        Each takes the result of the one before, and occurs once.

    Raises
    ------
    TypeError, ValueError
        If one is no module, or there twice.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> decoder = upsampler.Sequential(
    ...     upsampler.ConvTranspose2d(8, 4, 4, stride=2, padding=1, seed=0),
    ...     upsampler.Upsample(scale_factor=2, mode="bilinear"),
    ... )
    >>> decoder(np.ones((1, 8, 3, 5), np.float32)).shape
    (1, 4, 12, 20)
    >>> [name for name, array in decoder.named_parameters()]
    ['0.weight', '0.bias']
    """

    def __init__(self, *modules: Module) -> None:
        super().__init__()
        for module in modules:
            if not isinstance(module, Module):
                raise bad_type("modules", module, "modules of this package")
        if len({id(module) for module in modules}) != len(modules):
            # Its second call would overwrite what its first one has to remember.
            raise ValueError("modules: got one of them twice; allowed: each module once")
        self.modules = modules

    def __len__(self) -> int:
        return len(self.modules)

    def __getitem__(self, index: int) -> Module:
        return self.modules[index]

    def forward(self, x: Any) -> Any:
        for module in self.modules:
            x = module(x)
        return x

    def backward(self, grad: Any) -> Any:
        for module in reversed(self.modules):
            grad = module.backward(grad)
        return grad

    def _move(self, place: int | None) -> None:
        for module in self.modules:
            module._move(place)

    def named_parameters(self) -> Named:
        return [
            (f"{index}.{name}", array)
            for index, module in enumerate(self.modules)
            for name, array in module.named_parameters()
        ]

    def named_gradients(self) -> Named:
        return [
            (f"{index}.{name}", array)
            for index, module in enumerate(self.modules)
            for name, array in module.named_gradients()
        ]

    def _describe(self) -> dict[str, Any]:
        return {"class": "Sequential", "modules": [m._describe() for m in self.modules]}

    def __repr__(self) -> str:
        if not self.modules:
            return "Sequential()"
        rows = [f"({index}): {module!r}" for index, module in enumerate(self.modules)]
        inner = "\n".join(rows).replace("\n", "\n  ")
        return f"Sequential(\n  {inner}\n)"
