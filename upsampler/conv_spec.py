"""Checked descriptions of transposed convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from . import layout as layouts
from .layout import Layout
from .spec import (
    FLOATS,
    bad_value,
    check_window,
    dtype_name,
    integer,
    integers,
    per_axis,
    window_pairs,
)

Sizes = tuple[int, ...]
ENTRY = 200  # bytes that the tables of the loops take for a phase or a tap while they are made


@dataclass(frozen=True)
class ConvSpec:
    """A transposed convolution: ``out[i * stride - padding + t * dilation] += x[i] * weight[t]``.

    Sizes have one entry for each spatial axis; `small` is the input of the transposed
    convolution, `large` its whole output.  A padding below 0 adds outputs at the begin, and with
    `edge` samples outside of the input are those of its border instead of 0: both serve
    resize-convolutions and cannot be asked for by themselves.
    """

    layout: Layout
    dtype: str
    batch: int
    channels_in: int
    channels_out: int
    groups: int
    small: Sizes
    large: Sizes
    kernel: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes
    window: tuple[tuple[int, int], ...]
    edge: bool = False

    @property
    def rank(self) -> int:
        return len(self.small)

    @property
    def weight_shape(self) -> Sizes:
        return (self.channels_in, self.channels_out // self.groups, *self.kernel)

    def shape(self, channels: int, spatial: Sizes) -> Sizes:
        """The shape of an array of this layout with so many channels."""
        sizes = {"N": self.batch, "C": channels}
        sizes.update(zip("DHW"[3 - self.rank :], spatial, strict=True))
        return tuple(sizes[letter] for letter in self.layout.text)

    @cached_property
    def workspace(self) -> int:
        """Bytes that the tables, and a plane of one position with its halo, take at least."""
        each = zip(self.stride, self.dilation, self.kernel, strict=True)
        halo = prod(d * (k - 1) // s + 1 for s, d, k in each)
        return ENTRY * (prod(self.stride) + prod(self.kernel)) + 4 * halo

    @cached_property
    def in_shape(self) -> Sizes:
        return self.shape(self.channels_in, self.small)

    @cached_property
    def out_shape(self) -> Sizes:
        return self.shape(self.channels_out, tuple(hi - lo for lo, hi in self.window))


class Described(NamedTuple):
    """What is asked of an array when arguments are checked."""

    shape: Sizes
    dtype: np.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)


def conv_spec(
    rank: int,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: Any = 1,
    dilation: Any = 1,
    output_size: Any = None,
    layout: Any = None,
    window: Any = None,
) -> ConvSpec:
    """Check the arguments of a transposed convolution with `rank` spatial axes.

    Checking takes as long as the loops of a small call, so what was found right is remembered.
    """
    arguments = stride, padding, output_padding, groups, dilation, output_size, layout, window
    described = (
        Described(x.shape, x.dtype),
        Described(weight.shape, weight.dtype),
        None if bias is None else Described(bias.shape, bias.dtype),
    )
    known = all(map(_compares_by_type, arguments))
    return (_remembered if known else _checked)(rank, *described, *arguments)


def _compares_by_type(value: object) -> bool:
    """Whether nothing of another type equals `value`, as True and 1.0 equal 1."""
    if type(value) is tuple:
        return {*map(type, value)} <= {int}
    return value is None or type(value) is int or type(value) is str


def _checked(
    rank: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
    output_size: Any,
    layout: Any,
    window: Any,
) -> ConvSpec:
    # Types.
    check_dtypes(x, weight=weight, bias=bias)
    allowed = "an integer, or one for each spatial axis"
    given = {
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "dilation": dilation,
    }
    typed = {name: integers(name, value, allowed) for name, value in given.items()}
    groups = integer("groups", groups)
    wanted = None if output_size is None else integers("output_size", output_size, allowed)
    pairs = window_pairs(window)
    layout = layouts.check_type(layout)
    # Shapes.
    where = conv_layout(layout, x.ndim, rank)
    if weight.ndim != rank + 2:
        raise ValueError(
            f"weight: got shape {weight.shape}; allowed: {rank + 2} axes (channels_in, "
            f"channels_out / groups, kernel of {rank})"
        )
    sizes = {name: per_axis(name, value, rank) for name, value in typed.items()}
    lengths = dict(zip(where.text, x.shape, strict=True))
    small = x.shape[where.spatial]
    kernel = weight.shape[2:]
    channels_in, channels_out = weight.shape[0], weight.shape[1] * max(1, groups)
    # Values.
    for name, lowest in (("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1)):
        if min(sizes[name]) < lowest:
            raise bad_value(name, sizes[name], f"at least {lowest}")
    if groups < 1 or channels_in % groups:
        raise bad_value(
            "groups", groups, f"a divisor of the {channels_in} input channels of the weight"
        )
    if lengths["C"] != channels_in:
        raise ValueError(
            f"x: got {lengths['C']} channels (layout {where.text!r}) for a weight of shape "
            f"{weight.shape}; allowed: {channels_in}"
        )
    check_bias(bias, channels_out)
    if 0 in small or 0 in kernel:
        name, array = ("x", x) if 0 in small else ("weight", weight)
        raise ValueError(
            f"{name}: got shape {array.shape} with an empty spatial axis; allowed: at least 1"
        )
    for extra, step, spread in zip(
        sizes["output_padding"], sizes["stride"], sizes["dilation"], strict=True
    ):
        if extra >= max(step, spread):
            raise bad_value(
                "output_padding",
                sizes["output_padding"],
                f"less than stride {sizes['stride']} or dilation {sizes['dilation']}",
            )
    least = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + 1
        for n, s, p, d, k in zip(
            small, sizes["stride"], sizes["padding"], sizes["dilation"], kernel, strict=True
        )
    )
    if wanted is None:
        large = tuple(a + b for a, b in zip(least, sizes["output_padding"], strict=True))
    else:
        large = _requested(wanted, least, sizes["stride"], where, x.shape)
    if min(large) < 1:
        raise bad_value(
            "padding", sizes["padding"], f"paddings that leave some of the output, not {large}"
        )
    return ConvSpec(
        layout=where,
        dtype=dtype_name(x.dtype),
        batch=lengths.get("N", 1),
        channels_in=channels_in,
        channels_out=channels_out,
        groups=groups,
        small=small,
        large=large,
        kernel=kernel,
        stride=sizes["stride"],
        padding=sizes["padding"],
        dilation=sizes["dilation"],
        window=check_window(pairs, large, where),
    )


_remembered = lru_cache(maxsize=256)(_checked)


def check_dtypes(x: np.ndarray, **others: np.ndarray | None) -> None:
    """Convolutions take floats, all of one type."""
    if dtype_name(x.dtype) not in FLOATS:
        raise TypeError(f"x: got dtype {x.dtype}; allowed: {', '.join(FLOATS)}")
    for name, array in others.items():
        if array is not None and dtype_name(array.dtype) != dtype_name(x.dtype):
            raise TypeError(f"{name}: got dtype {array.dtype}; allowed: {x.dtype}, the dtype of x")


def check_bias(bias: np.ndarray | None, channels_out: int) -> None:
    if bias is not None and bias.shape != (channels_out,):
        raise ValueError(f"bias: got shape {bias.shape}; allowed: ({channels_out},)")


def conv_layout(layout: Any, ndim: int, rank: int) -> Layout:
    """The layout of a convolution of `rank` axes; by default NCW, NCHW or NCDHW."""
    default = "NC" + "DHW"[3 - rank :]
    if layout is None and ndim != rank + 2:
        raise ValueError(
            f"x: got {ndim} axes without a layout; allowed: {rank + 2}, which are {default!r}, or "
            "`layout` with a letter for each axis"
        )
    where = layouts.parse(layout, ndim, default)
    if where.rank != rank or "C" not in where.text:
        raise ValueError(
            f"layout: got {where.text!r}; allowed: layouts with C and the {rank} spatial "
            f"{'axis' if rank == 1 else 'axes'} {'DHW'[3 - rank :]}"
        )
    return where


def _requested(wanted: Any, least: Sizes, stride: Sizes, where: Layout, shape: Sizes) -> Sizes:
    """`output_size`, as spatial sizes or as a full shape, within stride - 1 of the smallest."""
    if isinstance(wanted, list) and len(wanted) == len(shape) != len(least):
        wanted = wanted[where.spatial]
    large = per_axis("output_size", wanted, len(least))
    if any(not a <= w < a + s for w, a, s in zip(large, least, stride, strict=True)):
        most = tuple(a + s - 1 for a, s in zip(least, stride, strict=True))
        raise bad_value("output_size", large, f"from {least} to {most}")
    return large
