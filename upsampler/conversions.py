"""Upsampling convolutions as other ones that give the same: conversions of their weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .arrays import as_array
from .conv_layers import probe
from .conv_spec import ConvSpec, conv_layout, conv_spec
from .conversion_axes import (
    Ends,
    PhaseTaps,
    ends,
    fold_matrix,
    phase_taps,
    resize_kernel,
    shortened,
)
from .resize_conv import resize_conv2d
from .resize_conv_spec import MODES, resize_conv_spec
from .shuffle import pixel_shuffle
from .spec import (
    FLOATS,
    bad_type,
    bad_value,
    dtype_name,
    flag,
    integer,
    integers,
    items,
    per_axis,
)

Ints = int | Sequence[int]
Pair = tuple[int, int]
# Relative distance up to which a kernel counts as folded: some 8 roundings of its dtype, and in
# float64 those of the least squares.
CLOSE = {"float16": 2.0**-7, "bfloat16": 2.0**-4, "float32": 2.0**-20, "float64": 2.0**-40}


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
    Gradients go the same way: `shuffle_to_conv_transpose` of the gradient of these weights has
    that of the given ones, among zeros of the taps that are not there.  W. Shi et al., "Is the
    deconvolution layer the same as a convolutional layer?", arXiv:1609.07009, 2016.

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
    weight, bias, spec, extra = _transposed(
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
        _phase_kernels(_swapped(weight, spec.groups), r, *axes),
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
    weight, bias, spec = _convolution(weight, bias, padding, groups)
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
    return _from_ends(large, bias, (r, r), found, spec.groups)


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
    for way in shortened(length, padding, extra, stride, wanted):
        lost = list(range(-way.before)) + list(range(length + way.after, length))
        if not np.take(weight, lost, axis).any():
            return way
    raise bad_value(
        "kernel_size",
        wanted,
        f"sizes of at most {length} beyond which every tap is zero, for the same output size",
    )


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
    weight, bias, spec = _convolution(
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
    return _from_ends(folded, bias, spec.factor, found, spec.groups)


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
    weight, bias, spec, extra = _transposed(
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
        _unfolded(_swapped(weight, spec.groups), matrices, mode),
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


# --- pieces ----------------------------------------------------------------------------------


def _transposed(
    weight: Any, bias: Any, *arguments: Any
) -> tuple[np.ndarray, np.ndarray | None, ConvSpec, tuple[int, ...]]:
    """Arguments of a transposed convolution, checked, and its output_padding."""
    weight, bias = _arrays(weight, bias)
    channels = weight.shape[0] if weight.ndim else 1
    spec = conv_spec(2, probe(channels, weight.dtype), weight, bias, *arguments)
    extra = integers("output_padding", arguments[2], "an integer, or one for each spatial axis")
    return weight, bias, spec, per_axis("output_padding", extra, 2)


def _convolution(
    weight: Any,
    bias: Any,
    padding: Any,
    groups: Any,
    scale_factor: Any = 1,
    mode: Any = "nearest",
    padding_mode: Any = "zeros",
    dilation: Any = 1,
) -> tuple[np.ndarray, np.ndarray | None, Any]:
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


def _swapped(weight: np.ndarray, groups: int) -> np.ndarray:
    """(C_in, C_out / groups, ...) to (C_out, C_in / groups, ...), and back."""
    first, second, *kernel = weight.shape
    split = weight.reshape(groups, first // groups, second, *kernel)
    return split.swapaxes(1, 2).reshape(groups * second, first // groups, *kernel)


def _from_ends(
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
        _swapped(np.pad(weight[tuple(kept)], zeros), groups),
        bias,
        (stride[0], stride[1]),
        (rows.padding, columns.padding),
        (rows.output_padding, columns.output_padding),
        groups,
        (1, 1),
    )
