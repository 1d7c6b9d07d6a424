"""Transposed convolutions in one, two and three dimensions, forward and backward."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from .conv_calls import Gradients, backward, forward
from .conv_spec import conv_spec

Ints = int | Sequence[int]


def _forward(rank: int, *arguments: Any) -> np.ndarray:
    return forward("conv_transpose", partial(conv_spec, rank), *arguments)


def _backward(rank: int, *arguments: Any) -> Gradients:
    return backward("conv_transpose", partial(conv_spec, rank), *arguments)


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    output_size: Ints | None = None,
    layout: str | None = None,
    window: Sequence[tuple[int, int]] | None = None,
    out: np.ndarray | None = None,
    num_threads: int | None = None,
) -> np.ndarray:
    return _forward(
        1, x, weight, bias, out, num_threads, stride, padding, output_padding, groups,
        dilation, output_size, layout, window,
    )  # fmt: skip


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    output_size: Ints | None = None,
    layout: str | None = None,
    window: Sequence[tuple[int, int]] | None = None,
    out: np.ndarray | None = None,
    num_threads: int | None = None,
) -> np.ndarray:
    return _forward(
        2, x, weight, bias, out, num_threads, stride, padding, output_padding, groups,
        dilation, output_size, layout, window,
    )  # fmt: skip


def conv_transpose3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    output_size: Ints | None = None,
    layout: str | None = None,
    window: Sequence[tuple[int, int]] | None = None,
    out: np.ndarray | None = None,
    num_threads: int | None = None,
) -> np.ndarray:
    return _forward(
        3, x, weight, bias, out, num_threads, stride, padding, output_padding, groups,
        dilation, output_size, layout, window,
    )  # fmt: skip


def conv_transpose1d_backward(
    grad: Any,
    x: Any,
    weight: Any,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    output_size: Ints | None = None,
    layout: str | None = None,
    window: Sequence[tuple[int, int]] | None = None,
    num_threads: int | None = None,
) -> Gradients:
    return _backward(
        1, grad, x, weight, num_threads, stride, padding, output_padding, groups,
        dilation, output_size, layout, window,
    )  # fmt: skip


def conv_transpose2d_backward(
    grad: Any,
    x: Any,
    weight: Any,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    output_size: Ints | None = None,
    layout: str | None = None,
    window: Sequence[tuple[int, int]] | None = None,
    num_threads: int | None = None,
) -> Gradients:
    return _backward(
        2, grad, x, weight, num_threads, stride, padding, output_padding, groups,
        dilation, output_size, layout, window,
    )  # fmt: skip


def conv_transpose3d_backward(
    grad: Any,
    x: Any,
    weight: Any,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    output_size: Ints | None = None,
    layout: str | None = None,
    window: Sequence[tuple[int, int]] | None = None,
    num_threads: int | None = None,
) -> Gradients:
    return _backward(
        3, grad, x, weight, num_threads, stride, padding, output_padding, groups,
        dilation, output_size, layout, window,
    )  # fmt: skip


_FORWARD_DOC = """Transposed convolution over {axes}: inputs spread their kernels over the output.

    ``out[i * stride - padding + t * dilation] += x[i] * weight[t]`` along each axis, computed
    by output phase, without zero-stuffing.  Kernel and stride that overlap unevenly leave a
    checkerboard.

    Parameters
    ----------
    x : array_like
        Layout {layout} by default; float16, bfloat16, float32 or float64.
    weight : array_like
        Shape (C_in, C_out / groups, {kernel}), the dtype of `x`.
    bias : array_like, optional
        Shape (C_out,), the dtype of `x`.
    stride, padding, output_padding, dilation : int or sequence of int
        One value, or one for each spatial axis.  `output_padding` adds outputs at the end and
        is less than the stride or the dilation.
    groups : int
        Input and output channels are split into so many independent groups.
    output_size : int or sequence of int, optional
        The spatial size of the output (or its full shape) instead of `output_padding`: within
        ``stride - 1`` of the smallest.
    layout : str, optional
        A letter for each axis; with C, and N or not.
    window : sequence of (start, stop), optional
        In output samples, one pair for each spatial axis: compute only this part.
    out : ndarray, optional
        Where to write; it is returned.
    num_threads : int, optional
        By default `get_num_threads`.

    Returns
    -------
    ndarray
        Spatial sizes ``(n - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding +
        1``; the dtype of `x`.  Half types are accumulated in float32.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is of a wrong type, a shape or a value not allowed, or the result too
        large.

    Notes
    -----
    The same bits for any number of threads and any window on one machine; between instruction
    sets, layouts and devices the last bits differ.  V. Dumoulin and F. Visin, "A guide to
    convolution arithmetic for deep learning", arXiv:1603.07285, 2016.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> x, weight = np.array({x}), np.array({weight})
    >>> upsampler.conv_transpose{rank}d(x, weight, stride=2).ravel()
    array([1., 1., 2., 2.])
    """

_BACKWARD_DOC = """Gradients of `conv_transpose{rank}d` with respect to input, weight and bias.

    Parameters
    ----------
    grad : array_like
        Gradient of the output, of its shape (of the window's with `window`) and dtype.
    x, weight : array_like
        As given to `conv_transpose{rank}d`.
    stride, padding, output_padding, groups, dilation, output_size, layout, window, num_threads
        As given to `conv_transpose{rank}d`.

    Returns
    -------
    grad_x, grad_weight, grad_bias : ndarray
        Of the shapes of `x`, of `weight`, and (C_out,); the dtype of `x`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `conv_transpose{rank}d`.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> x, weight = np.array({x}), np.array({weight})
    >>> grad = np.ones_like(upsampler.conv_transpose{rank}d(x, weight, stride=2))
    >>> [g.ravel() for g in upsampler.conv_transpose{rank}d_backward(grad, x, weight, stride=2)]
    [array([2., 2.]), array([3., 3.]), array([4.])]
    """


def _document() -> None:
    words = {1: ("one axis", "NCW", "kW"), 2: ("two axes", "NCHW", "kH, kW"),
             3: ("three axes", "NCDHW", "kD, kH, kW")}  # fmt: skip
    for rank, (axes, layout, kernel) in words.items():
        outer = rank + 1
        values = {
            "rank": rank,
            "axes": axes,
            "layout": layout,
            "kernel": kernel,
            "x": "[" * outer + "[1.0, 2.0]" + "]" * outer,
            "weight": "[" * outer + "[1.0, 1.0]" + "]" * outer,
        }
        globals()[f"conv_transpose{rank}d"].__doc__ = _FORWARD_DOC.format(**values)
        globals()[f"conv_transpose{rank}d_backward"].__doc__ = _BACKWARD_DOC.format(**values)


_document()
