"""Transposed convolutions as ordinary ones with a pixel shuffle, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .conv_forms import (
    ShuffleConv,
    TransposedConv,
    checked_convolution,
    checked_transposed,
    from_ends,
    swapped,
)
from .conversion_axes import Ends, PhaseTaps, ends, phase_taps, shortened
from .spec import bad_type, bad_value, flag, integer, integers, items, per_axis

Ints = int | Sequence[int]


def conv_transpose_to_shuffle(
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    crop: bool = True,
) -> ShuffleConv:
    """A transposed convolution as an ordinary one followed by a pixel shuffle.

    Each output phase of a transposed convolution is an ordinary convolution with the taps that
    reach it; the phases are the channels that the shuffle takes apart.  Equal everywhere, borders
    included: every weight is one of the given ones or 0.

    Parameters
    ----------
    weight, bias, stride, padding, output_padding, groups, dilation
        As given to `conv_transpose2d`, with the same stride along H and W.
    crop : bool
        True: the smallest kernels, of whose result some rows and columns may have to be cut.
        False: kernels with zeros added so that nothing has to be cut, which wants an output that
        is a multiple of the stride.

    Returns
    -------
    ShuffleConv
        Its `apply` is the transposed convolution.

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type or a value not allowed, or the stride or the output
        size not as said above.

    Notes
    -----
    Gradients go back by `shuffle_to_conv_transpose`: of the gradient of these weights it makes
    one in which that of tap t lies at ``t * dilation + (padding there - padding here)``, between
    those of taps that are not there.

    W. Shi et al., "Is the deconvolution layer the same as a convolutional layer?",
    arXiv:1609.07009, 2016.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> weight = upsampler.init.bilinear(1, 4)
    >>> found = upsampler.convert.conv_transpose_to_shuffle(weight, stride=2, padding=1)
    >>> found.weight.shape, found.padding, found.crop
    ((4, 1, 3, 3), (1, 1), ((0, 0), (0, 0)))
    >>> found.weight[0, 0] * 16
    array([[1., 3., 0.],
           [3., 9., 0.],
           [0., 0., 0.]], dtype=float32)
    """
    wanted = flag("crop", crop)
    weight, bias, spec, extra = checked_transposed(
        weight, bias, stride, padding, output_padding, groups, dilation
    )
    r = spec.stride[0]
    if spec.stride[1] != r:
        raise bad_value("stride", spec.stride, "the same along H and W, as of a pixel shuffle")
    axes = [
        phase_taps(*numbers, wanted)
        for numbers in zip(
            spec.kernel, spec.stride, spec.padding, extra, spec.dilation, strict=True
        )
    ]
    if not wanted and any(axis.crop != (0, 0) for axis in axes):
        raise ValueError(
            f"crop: got False for an output that is no multiple of the stride {r}; allowed: True, "
            "or another padding or output_padding"
        )
    return ShuffleConv(
        _phase_kernels(swapped(weight, spec.groups), r, *axes),
        None if bias is None else np.repeat(bias, r * r),
        r,
        (axes[0].padding, axes[1].padding),
        spec.groups,
        (axes[0].crop, axes[1].crop),
    )


def _phase_kernels(weight: np.ndarray, r: int, rows: PhaseTaps, columns: PhaseTaps) -> np.ndarray:
    """(C_out, C_in / groups, kH, kW) to (C_out * r * r, C_in / groups, rows, columns)."""
    out, into = weight.shape[:2]
    phases = np.zeros((out, r, r, into, rows.length, columns.length), weight.dtype)
    phases[:, rows.phase[:, None], columns.phase, :, rows.place[:, None], columns.place] = (
        weight.transpose(2, 3, 0, 1)
    )
    return phases.reshape(out * r * r, *phases.shape[3:])


def shuffle_to_conv_transpose(
    weight: Any,
    bias: Any = None,
    upscale_factor: int = 2,
    padding: Ints | str = 0,
    groups: int = 1,
    crop: Sequence[Sequence[int]] = ((0, 0), (0, 0)),
    *,
    kernel_size: Ints | None = None,
) -> TransposedConv:
    """An ordinary convolution followed by a pixel shuffle as a transposed convolution.

    Equal everywhere, borders included; the weights are the same in another order.

    Parameters
    ----------
    weight : array_like
        Shape (C_out * r * r, C_in / groups, kH, kW), of a convolution of stride 1.
    bias : array_like, optional
        Shape (C_out * r * r,), the same value r * r times for each output channel.
    upscale_factor : int
        r, of the pixel shuffle.
    padding : int, (int, int) or str
        Of zeros around the input of the convolution, as `resize_conv2d` takes it.
    groups : int
        Of the convolution, each a whole number of channels after the shuffle.
    crop : pair of pairs of int
        What is cut from the result: ``((top, bottom), (left, right))``.
    kernel_size : int or (int, int), optional
        Of the transposed convolution, where the taps beyond it are zeros; by default r times
        that of the convolution.

    Returns
    -------
    TransposedConv
        For ``conv_transpose2d(x, *converted)``.

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type or a value not allowed; if biases of a group differ; if
        there are weights other than 0 beyond `kernel_size`.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> weight = upsampler.init.bilinear(1, 4)
    >>> there = upsampler.convert.conv_transpose_to_shuffle(weight, stride=2, padding=1)
    >>> back = upsampler.convert.shuffle_to_conv_transpose(*there)
    >>> back.weight.shape, back.padding
    ((1, 1, 6, 6), (2, 2))
    >>> back = upsampler.convert.shuffle_to_conv_transpose(*there, kernel_size=4)
    >>> back.padding, bool((back.weight == weight).all())
    ((1, 1), True)
    """
    r = integer("upscale_factor", upscale_factor)
    cut = _crop(crop)
    allowed = "an integer, or one for each spatial axis"
    typed = None if kernel_size is None else integers("kernel_size", kernel_size, allowed)
    weight, bias, spec = checked_convolution(weight, bias, padding, groups)
    if r < 1 or weight.shape[0] % (spec.groups * r * r):
        raise bad_value(
            "upscale_factor",
            r,
            f"numbers whose square divides the {weight.shape[0] // spec.groups} output channels "
            "of a group",
        )
    if bias is not None:
        bias = _one_bias(bias, r)
    # Phase kernels in reverse, interleaved, are the taps of the transposed convolution.
    out, into, height, width = weight.shape
    phases = weight[..., ::-1, ::-1].reshape(out // (r * r), r, r, into, height, width)
    large = phases.transpose(0, 3, 4, 1, 5, 2).reshape(-1, into, height * r, width * r)
    wanted = (None, None) if typed is None else per_axis("kernel_size", typed, 2)
    found = []
    for axis in (0, 1):
        (first, last), (before, behind) = cut[axis], spec.padding[axis]
        begin = (weight.shape[2 + axis] - 1 - before) * r + first
        extra = first - last + (behind - before) * r
        if wanted[axis] is None:
            found.append(ends(begin, extra, r))
        else:
            found.append(_fitting(large, 2 + axis, begin, extra, r, wanted[axis]))
    return from_ends(large, bias, (r, r), found, spec.groups)


def _crop(crop: object) -> list[list[int]]:
    allowed = "((top, bottom), (left, right)), integers of at least 0"
    axes = items(crop)
    pairs = [items(pair) for pair in axes or ()]
    if axes is None or None in pairs:
        raise bad_type("crop", crop, allowed)
    cut = [[integer("crop", v, allowed) for v in pair or ()] for pair in pairs]
    if [len(pair) for pair in cut] != [2, 2] or min(map(min, cut)) < 0:
        raise bad_value("crop", crop, allowed)
    return cut


def _one_bias(bias: np.ndarray, r: int) -> np.ndarray:
    groups = bias.reshape(-1, r * r)
    if (groups != groups[:, :1]).any():
        raise ValueError(
            f"bias: got values that differ between the {r * r} channels which become one; "
            "allowed: the same for each, a transposed convolution has one"
        )
    return groups[:, 0].copy()


def _fitting(
    weight: np.ndarray, axis: int, padding: int, extra: int, stride: int, wanted: int
) -> Ends:
    """The way to a kernel of `wanted` taps on which only zeros are lost."""
    length = weight.shape[axis]
    for way in shortened(length, padding, extra, stride, wanted) if wanted > 0 else ():
        lost = list(range(-way.before)) + list(range(length + way.after, length))
        if not np.take(weight, lost, axis).any():
            return way
    raise bad_value(
        "kernel_size",
        wanted,
        f"sizes from 1 to {length} beyond which every tap is zero, for the same output size",
    )
