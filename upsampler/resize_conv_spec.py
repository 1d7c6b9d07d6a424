"""Checked descriptions of resize-convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from . import layout as layouts
from .conv_spec import ENTRY, Sizes, check_bias, check_dtypes, conv_layout
from .layout import Layout
from .spec import (
    bad_type,
    bad_value,
    check_window,
    dtype_name,
    integer,
    integers,
    per_axis,
    window_pairs,
)

MODES = ("nearest", "bilinear")
PADDINGS = ("same", "valid")
PADDING_MODES = ("zeros", "replicate")


@dataclass(frozen=True)
class ResizeConvSpec:
    """Upsampling by whole factors, then padding, then a convolution of stride 1.

    ``out[o] = sum over t of weight[t] * up[o - padding + t * dilation]`` along H and W; `small`
    is the size of the input, `padding` what is added before and after each axis of `up`.
    """

    layout: Layout
    dtype: str
    batch: int
    channels_in: int
    channels_out: int
    groups: int
    small: Sizes
    kernel: Sizes
    factor: Sizes
    mode: str
    dilation: Sizes
    padding: tuple[tuple[int, int], ...]
    padding_mode: str
    window: tuple[tuple[int, int], ...]

    @property
    def weight_shape(self) -> Sizes:
        return (self.channels_out, self.channels_in // self.groups, *self.kernel)

    @property
    def up(self) -> Sizes:
        """The size after upsampling."""
        return tuple(n * f for n, f in zip(self.small, self.factor, strict=True))

    @property
    def reach(self) -> Sizes:
        """How far the kernel reaches along each axis, less one."""
        return tuple(d * (k - 1) for d, k in zip(self.dilation, self.kernel, strict=True))

    @property
    def large(self) -> Sizes:
        """The size of the whole output."""
        return _output(self.up, self.padding, self.reach)

    def shape(self, channels: int, spatial: Sizes) -> Sizes:
        """The shape of an array of this layout with so many channels."""
        sizes = {"N": self.batch, "C": channels, "H": spatial[0], "W": spatial[1]}
        return tuple(sizes[letter] for letter in self.layout.text)

    @property
    def workspace(self) -> int:
        """Bytes that folded kernels and their tables take at least."""
        if max(self.kernel) == 1:
            return 0
        folded = prod(r + f for r, f in zip(self.reach, self.factor, strict=True))
        return ENTRY * folded

    @property
    def in_shape(self) -> Sizes:
        return self.shape(self.channels_in, self.small)

    @property
    def out_shape(self) -> Sizes:
        return self.shape(self.channels_out, tuple(hi - lo for lo, hi in self.window))


def _output(up: Sizes, padding: tuple[tuple[int, int], ...], reach: Sizes) -> Sizes:
    return tuple(n + sum(p) - r for n, p, r in zip(up, padding, reach, strict=True))


def resize_conv_spec(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    scale_factor: Any = 2,
    mode: Any = "nearest",
    padding: Any = "same",
    padding_mode: Any = "zeros",
    groups: Any = 1,
    dilation: Any = 1,
    layout: Any = None,
    window: Any = None,
) -> ResizeConvSpec:
    """Check the arguments of `resize_conv2d`."""
    # Types.
    check_dtypes(x, weight=weight, bias=bias)
    allowed = "an integer, or one for each spatial axis"
    factor = integers("scale_factor", scale_factor, allowed)
    for name, value in (("mode", mode), ("padding_mode", padding_mode)):
        if not isinstance(value, str):
            raise bad_type(
                name, value, f"one of {_names(MODES if name == 'mode' else PADDING_MODES)}"
            )
    if not isinstance(padding, str):
        padding = integers("padding", padding, f"{allowed}, or one of {_names(PADDINGS)}")
    groups = integer("groups", groups)
    spread = integers("dilation", dilation, allowed)
    pairs = window_pairs(window)
    layout = layouts.check_type(layout)
    # Shapes.
    where = conv_layout(layout, x.ndim, 2)
    if weight.ndim != 4:
        raise ValueError(
            f"weight: got shape {weight.shape}; allowed: 4 axes (channels_out, channels_in / "
            "groups, kernel of 2)"
        )
    factors, dilations = per_axis("scale_factor", factor, 2), per_axis("dilation", spread, 2)
    if not isinstance(padding, str):
        padding = per_axis("padding", padding, 2)
    # Values.
    for name, value, known in (
        ("mode", mode, MODES),
        ("padding_mode", padding_mode, PADDING_MODES),
    ):
        if value not in known:
            raise bad_value(name, value, f"one of {_names(known)}")
    for name, sizes in (("scale_factor", factors), ("dilation", dilations)):
        if min(sizes) < 1:
            raise bad_value(name, sizes, "at least 1")
    channels_out, channels_in, *kernel = weight.shape
    if groups < 1 or channels_out % groups:
        raise bad_value(
            "groups", groups, f"a divisor of the {channels_out} output channels of the weight"
        )
    lengths = dict(zip(where.text, x.shape, strict=True))
    if lengths["C"] != channels_in * groups:
        raise ValueError(
            f"x: got {lengths['C']} channels (layout {where.text!r}) for a weight of shape "
            f"{weight.shape} and {groups} groups; allowed: {channels_in * groups}"
        )
    check_bias(bias, channels_out)
    small = x.shape[where.spatial]
    if 0 in small or 0 in kernel:
        name, array = ("x", x) if 0 in small else ("weight", weight)
        raise ValueError(
            f"{name}: got shape {array.shape} with an empty spatial axis; allowed: at least 1"
        )
    reach = tuple(d * (k - 1) for d, k in zip(dilations, kernel, strict=True))
    up = tuple(n * f for n, f in zip(small, factors, strict=True))
    around = _around(padding, reach)
    large = _output(up, around, reach)
    if min(large) < 1:
        raise bad_value("padding", padding, f"paddings that leave some of the output, not {large}")
    return ResizeConvSpec(
        layout=where,
        dtype=dtype_name(x.dtype),
        batch=lengths.get("N", 1),
        channels_in=lengths["C"],
        channels_out=channels_out,
        groups=groups,
        small=small,
        kernel=tuple(kernel),
        factor=factors,
        # Without enlargement there is nothing to interpolate.
        mode=mode if max(factors) > 1 else "nearest",
        dilation=dilations,
        padding=around,
        padding_mode=padding_mode,
        window=check_window(pairs, large, where),
    )


def _names(values: tuple[str, ...]) -> str:
    return ", ".join(repr(v) for v in values)


def _around(padding: Any, reach: Sizes) -> tuple[tuple[int, int], ...]:
    """What is added before and after each axis; PyTorch's 'same' adds the odd one after."""
    if padding == "valid":
        return ((0, 0), (0, 0))
    if padding == "same":
        return tuple((r // 2, r - r // 2) for r in reach)
    if isinstance(padding, str):
        raise bad_value("padding", padding, f"integers, or one of {_names(PADDINGS)}")
    if min(padding) < 0:
        raise bad_value("padding", padding, "at least 0")
    return tuple((p, p) for p in padding)
