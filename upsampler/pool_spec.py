"""Checked descriptions of pooling and unpooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import layout as layouts
from .layout import Layout
from .spec import (
    FLOATS,
    NUMBERS,
    accumulator,
    bad_value,
    check_full_shape,
    check_not_negative,
    check_number,
    dtype_name,
    integers,
    per_axis,
)

LARGEST_CELL = 2**31 - 1  # of a pooling


@dataclass(frozen=True)
class PoolSpec:
    """A pooling or unpooling of two spatial axes.

    `large` is the spatial size of the pooling's input (the unpooling's output), `small` that
    of its output.  Kernel, stride and padding are zeros where only indices matter.
    """

    layout: Layout
    dtype: str
    large: tuple[int, int]
    small: tuple[int, int]
    kernel: tuple[int, int] = (0, 0)
    stride: tuple[int, int] = (0, 0)
    padding: tuple[int, int] = (0, 0)

    @property
    def arithmetic(self) -> str:
        return accumulator(self.dtype, self.kernel[0] * self.kernel[1])


def _pool_layout(layout: str | None, ndim: int) -> Layout:
    where = layouts.parse(layout, ndim)
    if where.rank != 2:
        raise ValueError(
            f"layout: got {where.text!r} with {where.rank} spatial axes; allowed: two (H and W)"
        )
    return where


def _pair(name: str, value: Any) -> tuple[int, int]:
    if isinstance(value, list) and len(value) != 2:
        raise ValueError(f"{name}: got {len(value)} values {tuple(value)}; allowed: one or two")
    return per_axis(name, value, 2)


def _geometry_types(kernel_size: Any, stride: Any, padding: Any) -> dict[str, list[int] | int]:
    """Kernel, stride (by default the kernel) and padding, checked for their types."""
    if stride is None:
        stride = kernel_size
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    allowed = "an integer, or one for each of H and W"
    return {name: integers(name, value, allowed) for name, value in given.items()}


def _geometry_values(pairs: dict[str, tuple[int, int]]) -> None:
    for (name, pair), least in zip(pairs.items(), (1, 1, 0), strict=True):
        if min(pair) < least or max(pair) > LARGEST_CELL:
            raise bad_value(name, pair, f"at least {least} and at most {LARGEST_CELL}")
    kernel, pad = pairs["kernel_size"], pairs["padding"]
    if any(2 * p > k for p, k in zip(pad, kernel, strict=True)):
        raise bad_value("padding", pad, f"at most half of the kernel {kernel}")


def pool_spec(
    shape: tuple[int, ...],
    dtype: np.dtype,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    layout: Any = None,
    dtypes: tuple[str, ...] = NUMBERS,
    what: str = "pooling",
) -> PoolSpec:
    """Check the arguments of a pooling of an input of `shape`."""
    check_number(dtype, what, dtypes)
    typed = _geometry_types(kernel_size, stride, padding)
    layout = layouts.check_type(layout)
    where = _pool_layout(layout, len(shape))
    pairs = {name: _pair(name, value) for name, value in typed.items()}
    check_not_negative("input_size", shape)
    _geometry_values(pairs)
    kernel, step, pad = pairs.values()
    large = shape[where.spatial]
    small = tuple(
        (n + 2 * p - k) // s + 1 for n, k, s, p in zip(large, kernel, step, pad, strict=True)
    )
    if min(large) < 1 or min(small) < 1:
        raise ValueError(
            f"kernel_size: got {kernel} with padding {pad}, which leaves nothing of {large}; "
            "allowed: kernels that fit into the padded input at least once"
        )
    return PoolSpec(where, dtype_name(dtype), large, small, kernel, step, pad)  # type: ignore[arg-type]


def unpool_spec(
    shape: tuple[int, ...],
    dtype: np.dtype,
    indices: np.ndarray,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
    layout: Any,
) -> PoolSpec:
    """Check the arguments of an unpooling of pooled values of `shape`."""
    check_number(dtype, "max_unpool2d", NUMBERS)
    check_index_type(indices)
    typed = _geometry_types(kernel_size, stride, padding)
    given = None if output_size is None else check_full_shape("output_size", output_size)
    layout = layouts.check_type(layout)
    where = _pool_layout(layout, len(shape))
    pairs = {name: _pair(name, value) for name, value in typed.items()}
    _geometry_values(pairs)
    kernel, step, pad = pairs.values()
    small = shape[where.spatial]
    usual = tuple(
        (n - 1) * s - 2 * p + k for n, k, s, p in zip(small, kernel, step, pad, strict=True)
    )
    large = usual
    if given is not None:
        if len(given) == len(shape):
            if where.with_spatial(shape, given[where.spatial]) != given:
                raise bad_value("output_size", given, f"the axes besides H and W as in {shape}")
            given = given[where.spatial]
        if len(given) != 2 or any(
            not u - s < g < u + s for g, u, s in zip(given, usual, step, strict=True)
        ):
            raise bad_value(
                "output_size", given, f"H and W each less than the stride {step} away from {usual}"
            )
        large = given
    if min(large) < 1 or min(small) < 1:
        raise bad_value("x", shape, "an input whose unpooled result has at least one pixel")
    return PoolSpec(where, dtype_name(dtype), large, small, kernel, step, pad)  # type: ignore[arg-type]


def index_spec(
    shape: tuple[int, ...],
    dtype: np.dtype,
    indices: np.ndarray,
    full: tuple[int, ...],
    layout: Any,
    name: str,
) -> PoolSpec:
    """Check a gradient of shape `shape` against the full shape `full` its indices point into."""
    if dtype_name(dtype) not in FLOATS:
        raise TypeError(f"{name}: got dtype {dtype}; allowed: {', '.join(FLOATS)}")
    check_index_type(indices)
    layout = layouts.check_type(layout)
    where = _pool_layout(layout, len(shape))
    check_not_negative("input_size", full)
    if len(full) != len(shape) or where.with_spatial(full, shape[where.spatial]) != shape:
        raise ValueError(
            f"{name}: got shape {shape} for {full}; allowed: shapes alike but for H and W"
        )
    return PoolSpec(where, dtype_name(dtype), full[where.spatial], shape[where.spatial])  # type: ignore[arg-type]


def check_index_type(indices: np.ndarray) -> None:
    if indices.dtype.kind not in "iu":
        raise TypeError(f"indices: got dtype {indices.dtype}; allowed: integers")


def check_indices(indices: np.ndarray, shape: tuple[int, ...], plane: int) -> None:
    """`indices` must be of `shape`, each a flat place h * W + w inside the plane."""
    if indices.shape != shape:
        raise ValueError(f"indices: got shape {indices.shape}; allowed: {shape}")
    if indices.size and not 0 <= int(indices.min()) <= int(indices.max()) < plane:
        low, high = int(indices.min()), int(indices.max())
        raise ValueError(
            f"indices: got values from {low} to {high}; allowed: 0 to {plane - 1}, the flat places "
            "h * W + w of a plane"
        )
