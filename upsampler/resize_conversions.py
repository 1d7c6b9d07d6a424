"""Resize-convolutions as transposed ones, by folding their kernels, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .conv_forms import (
    Pair,
    ResizeConv,
    ShuffleConv,
    TransposedConv,
    checked_convolution,
    checked_transposed,
    from_ends,
    swapped,
)
from .conv_spec import ConvSpec
from .conversion_axes import ends, fold_matrix, resize_kernel
from .resize_conv_spec import MODES
from .shuffle_conversions import conv_transpose_to_shuffle
from .spec import bad_type, bad_value, dtype_name, flag

Ints = int | Sequence[int]
# Relative distance up to which a kernel counts as folded: some 8 roundings of its dtype, and in
# float64 those of the least squares.
CLOSE = {"float16": 2.0**-7, "bfloat16": 2.0**-4, "float32": 2.0**-20, "float64": 2.0**-40}


def resize_conv_to_conv_transpose(
    weight: Any,
    bias: Any = None,
    scale_factor: Ints = 2,
    mode: str = "nearest",
    padding: Ints | str = "same",
    padding_mode: str = "zeros",
    groups: int = 1,
    dilation: Ints = 1,
) -> TransposedConv:
    """A resize-convolution as one transposed convolution, of the folded kernel.

    ``"nearest"``: equal everywhere; x2 and a 3 x 3 kernel make a kernel of 4, stride 2, padding 1.
    ``"bilinear"``: equal but for the outermost outputs, as many as the padding of that side
    and ``scale_factor // 2`` together, since the interpolation repeats the border where the
    transposed convolution sees zeros.  Where the outermost samples of `x` are zeros it is
    equal everywhere.

    Parameters
    ----------
    weight, bias, scale_factor, mode, padding, padding_mode, groups, dilation
        As given to `resize_conv2d`; `padding_mode` ``"zeros"``, unless nothing is padded.

    Returns
    -------
    TransposedConv
        For ``conv_transpose2d(x, *converted)``; weights computed in float64, rounded once.

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type or a value not allowed, or the padding repeats the
        border, which no transposed convolution does.

    Notes
    -----
    Gradients go back by the transposed map.  A. Odena, V. Dumoulin and C. Olah, "Deconvolution
    and checkerboard artifacts", Distill, 2016, where resize-convolution is so explained.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> weight = np.array([[[[1.0, 10.0, 100.0]]]])
    >>> found = upsampler.convert.resize_conv_to_conv_transpose(weight, scale_factor=(1, 2))
    >>> found.weight.ravel(), found.stride, found.padding
    (array([100., 110.,  11.,   1.]), (1, 2), (0, 1))
    """
    weight, bias, spec = checked_convolution(
        weight, bias, padding, groups, scale_factor, mode, padding_mode, dilation
    )
    if spec.padding_mode == "replicate" and spec.padding != ((0, 0), (0, 0)):
        raise bad_value("padding_mode", padding_mode, "'zeros', which a transposed convolution has")
    found, matrices = [], []
    for n, f, d, (first, last) in zip(
        spec.kernel, spec.factor, spec.dilation, spec.padding, strict=True
    ):
        matrices.append(fold_matrix(n, f, mode, d))
        begin = resize_kernel(f, mode)[1] + d * (n - 1) - first
        found.append(ends(begin, last - first, f))
    folded = (matrices[0] @ weight.astype(np.float64) @ matrices[1].T).astype(weight.dtype)
    return from_ends(folded, bias, spec.factor, found, spec.groups)


def conv_transpose_to_resize_conv(
    weight: Any,
    bias: Any = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    *,
    mode: str = "nearest",
) -> ResizeConv:
    """A transposed convolution as a resize-convolution, where it is one.

    Undoes `resize_conv_to_conv_transpose`, whose docstring says where the two are equal.

    Parameters
    ----------
    weight, bias, stride, padding, output_padding, groups, dilation
        As given to `conv_transpose2d`; the dilation is 1.
    mode : str
        ``"nearest"`` or ``"bilinear"``: what the convolution follows.

    Returns
    -------
    ResizeConv
        For ``resize_conv2d(x, *converted)``.

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type or a value not allowed; if the kernel is none that
        folding makes (the least-squares one misses it by more than rounding); if the padding is
        none that `resize_conv2d` has.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> weight = np.array([[[[100.0, 110.0, 11.0, 1.0]]]])
    >>> found = upsampler.convert.conv_transpose_to_resize_conv(weight, None, (1, 2), (0, 1))
    >>> found.weight.ravel().round(9), found.scale_factor, found.padding
    (array([  1.,  10., 100.]), (1, 2), (0, 1))
    """
    if not isinstance(mode, str):
        raise bad_type("mode", mode, " or ".join(map(repr, MODES)))
    weight, bias, spec, extra = checked_transposed(
        weight, bias, stride, padding, output_padding, groups, dilation
    )
    if mode not in MODES:
        raise bad_value("mode", mode, " or ".join(map(repr, MODES)))
    if spec.dilation != (1, 1):
        raise bad_value("dilation", spec.dilation, "1")
    bases = [resize_kernel(f, mode) for f in spec.stride]
    taps = [k - len(base) + 1 for k, (base, _) in zip(spec.kernel, bases, strict=True)]
    if min(taps) < 1:
        least = tuple(len(base) for base, _ in bases)
        raise ValueError(
            f"weight: got a kernel of {spec.kernel}; allowed: at least {least}, that of the "
            f"{mode} resize alone"
        )
    before = [c + n - 1 - p for (_, c), n, p in zip(bases, taps, spec.padding, strict=True)]
    around = _padding(before, extra, taps, spec)
    matrices = [fold_matrix(n, f, mode) for n, f in zip(taps, spec.stride, strict=True)]
    return ResizeConv(
        _unfolded(swapped(weight, spec.groups), matrices, mode),
        bias, (spec.stride[0], spec.stride[1]), mode, around, "zeros", spec.groups, (1, 1),
    )  # fmt: skip


def _padding(
    before: list[int], extra: tuple[int, ...], taps: list[int], spec: ConvSpec
) -> Pair | str:
    """What `resize_conv2d` calls a padding of `before`, and `extra` more behind."""
    if min(before) < 0:
        raise bad_value(
            "padding",
            spec.padding,
            f"at most {tuple(p + b for p, b in zip(spec.padding, before, strict=True))}, beyond "
            "which outputs of the resize-convolution are cut off",
        )
    if not any(extra):
        return before[0], before[1]
    if all(
        b == (n - 1) // 2 and e == (n - 1) % 2 for b, e, n in zip(before, extra, taps, strict=True)
    ):
        return "same"
    raise bad_value(
        "output_padding", extra, "0, or what makes the output stride times as large as the input"
    )


def _unfolded(weight: np.ndarray, matrices: list[np.ndarray], mode: str) -> np.ndarray:
    """The kernel that the matrices fold into `weight`."""
    exact = weight.astype(np.float64)
    rows, columns = (np.linalg.pinv(matrix) for matrix in matrices)
    kernel = rows @ exact @ columns.T
    missed = float(np.linalg.norm(matrices[0] @ kernel @ matrices[1].T - exact))
    size = float(np.linalg.norm(exact))
    if not missed <= CLOSE[dtype_name(weight.dtype)] * size:
        raise ValueError(
            f"weight: got a kernel that no convolution after a {mode} resize has (the nearest "
            f"one is {missed / size:.2g} of its norm away); allowed: folded kernels"
        )
    return kernel.astype(weight.dtype)


def resize_conv_to_shuffle(
    weight: Any,
    bias: Any = None,
    scale_factor: Ints = 2,
    mode: str = "nearest",
    padding: Ints | str = "same",
    padding_mode: str = "zeros",
    groups: int = 1,
    dilation: Ints = 1,
    *,
    crop: bool = True,
) -> ShuffleConv:
    """A resize-convolution as an ordinary convolution followed by a pixel shuffle.

    Parameters
    ----------
    weight, bias, scale_factor, mode, padding, padding_mode, groups, dilation
        As for `resize_conv_to_conv_transpose`, which also says where the two are equal; the same
        scale along H and W.
    crop : bool
        As for `conv_transpose_to_shuffle`.

    Returns
    -------
    ShuffleConv
        Its `apply` is the resize-convolution.

    Raises
    ------
    TypeError, ValueError
        As the two conversions of which this is made.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> found = upsampler.convert.resize_conv_to_shuffle(np.ones((1, 1, 3, 3)), scale_factor=3)
    >>> found.weight.shape, found.padding, found.crop
    ((9, 1, 3, 3), (1, 1), ((0, 0), (0, 0)))
    """
    wanted = flag("crop", crop)
    folded = resize_conv_to_conv_transpose(
        weight, bias, scale_factor, mode, padding, padding_mode, groups, dilation
    )
    return conv_transpose_to_shuffle(*folded, crop=wanted)
