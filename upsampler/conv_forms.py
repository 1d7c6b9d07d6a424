"""The forms of an upsampling convolution, and the checks and pieces that conversions share."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .arrays import as_array
from .conv_layers import probe
from .conv_spec import ConvSpec, conv_layout, conv_spec
from .conversion_axes import Ends
from .resize_conv import resize_conv2d
from .resize_conv_spec import ResizeConvSpec, resize_conv_spec
from .shuffle import pixel_shuffle
from .spec import FLOATS, dtype_name, integer, integers, per_axis

Pair = tuple[int, int]


class TransposedConv(NamedTuple):
    """The arguments of `conv_transpose2d` after the first: ``conv_transpose2d(x, *this)``."""

    weight: np.ndarray
    bias: np.ndarray | None
    stride: Pair
    padding: Pair
    output_padding: Pair
    groups: int
    dilation: Pair


class ResizeConv(NamedTuple):
    """The arguments of `resize_conv2d` after the first: ``resize_conv2d(x, *this)``."""

    weight: np.ndarray
    bias: np.ndarray | None
    scale_factor: Pair
    mode: str
    padding: Pair | str
    padding_mode: str
    groups: int
    dilation: Pair


class ShuffleConv(NamedTuple):
    """An ordinary convolution, a pixel shuffle, and what to cut from its result.

    `weight` (C_out * r * r, C_in / groups, kH, kW) and `bias` are those of a convolution of
    stride 1 with so much zero `padding` along H and W; r is `upscale_factor`; `crop` says how many
    rows to take off at the top and the bottom, how many columns at the left and the right.
    """

    weight: np.ndarray
    bias: np.ndarray | None
    upscale_factor: int
    padding: Pair
    groups: int
    crop: tuple[Pair, Pair]

    def apply(self, x: Any, layout: str | None = None) -> np.ndarray:
        """The three steps one after the other; `layout` as for `resize_conv2d`."""
        wide = resize_conv2d(
            x, self.weight, self.bias, 1, padding=self.padding, groups=self.groups, layout=layout
        )
        large = pixel_shuffle(wide, self.upscale_factor, layout=layout)
        where = conv_layout(layout, large.ndim, 2)
        index = [slice(None)] * large.ndim
        for axis, (first, last) in zip(where.axes, self.crop, strict=True):
            index[axis] = slice(first, large.shape[axis] - last)
        return large[tuple(index)]


def checked_transposed(
    weight: Any, bias: Any, *arguments: Any
) -> tuple[np.ndarray, np.ndarray | None, ConvSpec, tuple[int, ...]]:
    """Arguments of a transposed convolution, checked, and its output_padding."""
    weight, bias = _arrays(weight, bias)
    channels = weight.shape[0] if weight.ndim else 1
    spec = conv_spec(2, probe(channels, weight.dtype), weight, bias, *arguments)
    extra = integers("output_padding", arguments[2], "an integer, or one for each spatial axis")
    return weight, bias, spec, per_axis("output_padding", extra, 2)


def checked_convolution(
    weight: Any,
    bias: Any,
    padding: Any,
    groups: Any,
    scale_factor: Any = 1,
    mode: Any = "nearest",
    padding_mode: Any = "zeros",
    dilation: Any = 1,
) -> tuple[np.ndarray, np.ndarray | None, ResizeConvSpec]:
    """Arguments of a resize-convolution, checked."""
    weight, bias = _arrays(weight, bias)
    channels = weight.shape[1] * max(1, integer("groups", groups)) if weight.ndim > 1 else 1
    x = probe(channels, weight.dtype)
    spec = resize_conv_spec(
        x, weight, bias, scale_factor, mode, padding, padding_mode, groups, dilation
    )
    return weight, bias, spec


def _arrays(weight: Any, bias: Any) -> tuple[np.ndarray, np.ndarray | None]:
    weight = as_array("weight", weight)
    if dtype_name(weight.dtype) not in FLOATS:
        raise TypeError(f"weight: got dtype {weight.dtype}; allowed: {', '.join(FLOATS)}")
    return weight, None if bias is None else as_array("bias", bias)


def swapped(weight: np.ndarray, groups: int) -> np.ndarray:
    """(C_in, C_out / groups, ...) to (C_out, C_in / groups, ...), and back."""
    first, second, *kernel = weight.shape
    split = weight.reshape(groups, first // groups, second, *kernel)
    return split.swapaxes(1, 2).reshape(groups * second, first // groups, *kernel)


def from_ends(
    weight: np.ndarray, bias: np.ndarray | None, stride: Any, found: list[Ends], groups: int
) -> TransposedConv:
    """A transposed convolution of (C_out, C_in / groups, ...) whose ends are still to be cut."""
    zeros = [(0, 0)] * 2 + [(max(0, e.before), max(0, e.after)) for e in found]
    kept = [slice(None)] * 2 + [
        slice(max(0, -e.before), n + min(0, e.after))
        for e, n in zip(found, weight.shape[2:], strict=True)
    ]
    rows, columns = found
    return TransposedConv(
        swapped(np.pad(weight[tuple(kept)], zeros), groups),
        bias,
        (stride[0], stride[1]),
        (rows.padding, columns.padding),
        (rows.output_padding, columns.output_padding),
        groups,
        (1, 1),
    )
