"""Upsampling followed by a convolution, in one step: the cure of the checkerboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .conv_calls import Gradients, backward, forward
from .resize_conv_spec import resize_conv_spec

Ints = int | Sequence[int]


def resize_conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    scale_factor: Ints = 2,
    mode: str = "nearest",
    padding: Ints | str = "same",
    padding_mode: str = "zeros",
    groups: int = 1,
    dilation: Ints = 1,
    *,
    layout: str | None = None,
    window: Sequence[tuple[int, int]] | None = None,
    out: np.ndarray | None = None,
    num_threads: int | None = None,
) -> np.ndarray:
    """Resize-convolution: upsample by whole factors, pad, convolve with stride 1.

    ``out[o] = bias + sum over t of weight[t] * up[o - padding + t * dilation]`` along each axis,
    where `up` is `x` upsampled.  Every output sees as many taps as every other, so there is no
    checkerboard of uneven overlap.  The upsampled array is never made: the upsampling is folded
    into the weights, one small kernel for each output phase.

    Parameters
    ----------
    x : array_like
        Layout NCHW by default; float16, bfloat16, float32 or float64.
    weight : array_like
        Shape (C_out, C_in / groups, kH, kW) as that of an ordinary convolution, the dtype of `x`.
    bias : array_like, optional
        Shape (C_out,), the dtype of `x`.
    scale_factor : int or (int, int)
        At least 1, along H and W.  1 is an ordinary convolution.
    mode : str
        How to upsample: ``"nearest"``, or ``"bilinear"`` with align_corners=False.
    padding : int, (int, int) or str
        What is added around the upsampled array: so many samples on either side of each axis;
        ``"same"``, which keeps its size (a kernel of even reach gets the odd one after); or
        ``"valid"``, none.
    padding_mode : str
        ``"zeros"``, or ``"replicate"``: the border of the upsampled array is repeated.
    groups : int
        Input and output channels are split into so many independent groups.
    dilation : int or (int, int)
        Distance between the taps of the kernel.
    layout : str, optional
        A letter for each axis; with C, and N or not.
    window : sequence of (start, stop), optional
        In output samples, one pair each for H and W: compute only this part.
    out : ndarray, optional
        Where to write; it is returned.
    num_threads : int, optional
        By default `get_num_threads`.

    Returns
    -------
    ndarray
        Spatial sizes ``n * scale_factor + padding - dilation * (k - 1)``, with the padding of
        both sides; the dtype of `x`.  Half types are accumulated in float32.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is of a wrong type, a shape or a value not allowed, or the result too
        large.

    Notes
    -----
    The two steps one after the other give the same, borders included, up to rounding.  With many
    channels a 3 x 3 kernel takes, for each input sample and pair of channels, 9 multiplications
    for nearest of any factor (in two steps: 36 for x2, 144 for x4) and 16 for bilinear x2 (36):
    products that several output phases have in common are made once.  A 1 x 1 kernel is applied
    before the upsampling.  The same bits for any number of threads and any window on one machine.

    A. Odena, V. Dumoulin and C. Olah, "Deconvolution and checkerboard artifacts", Distill, 2016.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> x, weight = np.array([[[[1.0, 3.0]]]]), np.array([[[[1.0, 2.0, 1.0]]]])
    >>> upsampler.resize_conv2d(x, weight, scale_factor=(1, 2)).ravel()
    array([ 3.,  6., 10.,  9.])
    >>> upsampler.resize_conv2d(x, weight, None, (1, 2), padding_mode="replicate").ravel()
    array([ 4.,  6., 10., 12.])
    """
    return forward(
        "resize_conv", resize_conv_spec, x, weight, bias, out, num_threads, scale_factor, mode,
        padding, padding_mode, groups, dilation, layout, window,
    )  # fmt: skip


def resize_conv2d_backward(
    grad: Any,
    x: Any,
    weight: Any,
    scale_factor: Ints = 2,
    mode: str = "nearest",
    padding: Ints | str = "same",
    padding_mode: str = "zeros",
    groups: int = 1,
    dilation: Ints = 1,
    *,
    layout: str | None = None,
    window: Sequence[tuple[int, int]] | None = None,
    num_threads: int | None = None,
) -> Gradients:
    """Gradients of `resize_conv2d` with respect to input, weight and bias.

    Parameters
    ----------
    grad : array_like
        Gradient of the output, of its shape (of the window's with `window`) and dtype.
    x, weight : array_like
        As given to `resize_conv2d`.
    scale_factor, mode, padding, padding_mode, groups, dilation, layout, window, num_threads
        As given to `resize_conv2d`.

    Returns
    -------
    grad_x, grad_weight, grad_bias : ndarray
        Of the shapes of `x`, of `weight`, and (C_out,); the dtype of `x`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `resize_conv2d`.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> x, weight = np.array([[[[1.0, 3.0]]]]), np.array([[[[1.0, 2.0, 1.0]]]])
    >>> grad = np.ones((1, 1, 1, 4))
    >>> [g.ravel() for g in upsampler.resize_conv2d_backward(grad, x, weight, (1, 2))]
    [array([7., 7.]), array([5., 8., 7.]), array([4.])]
    """
    return backward(
        "resize_conv", resize_conv_spec, grad, x, weight, num_threads, scale_factor, mode,
        padding, padding_mode, groups, dilation, layout, window,
    )  # fmt: skip
