"""Initial weights of convolutions: random ones as PyTorch's, and ones that start as upsampling."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, prod, sqrt
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from .spec import FLOATS, bad_type, bad_value, dtype_name, flag, integer, integers, per_axis

# A text: NumPy loads its random numbers on first use.
Seed: TypeAlias = "int | np.random.Generator | None"


def kaiming(
    shape: Sequence[int],
    a: float = sqrt(5),
    *,
    seed: Seed = None,
    dtype: Any = np.float32,
) -> np.ndarray:
    """Uniform weights of a variance that the number of inputs fixes; PyTorch's default.

    Between -b and b with ``b = sqrt(6 / ((1 + a * a) * fan_in))`` and ``fan_in = shape[1] *
    prod(shape[2:])``, as PyTorch counts it for transposed convolutions, too.

    Parameters
    ----------
    shape : sequence of int
        Of the weight: two channel axes, then one to three kernel axes.
    a : float
        Slope of the leaky rectifier that follows; the default makes b ``1 / sqrt(fan_in)``.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same weights; without one they differ from call to call.
    dtype : dtype
        float16, bfloat16, float32 or float64.

    Returns
    -------
    ndarray
        Of `shape` and `dtype`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type or a value not allowed.

    Notes
    -----
    K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers: surpassing human-level
    performance on ImageNet classification", ICCV 2015.

    Examples
    --------
    >>> import upsampler
    >>> weight = upsampler.init.kaiming((3, 8, 4, 4), seed=0)
    >>> weight.shape, bool(abs(weight).max() <= 128**-0.5)
    ((3, 8, 4, 4), True)
    """
    if isinstance(a, (bool, np.bool_)) or not isinstance(a, Real):
        raise bad_type("a", a, "a real number")
    sizes, kind, draw = weight_shape(shape), float_dtype(dtype), generator(seed)
    if not isfinite(a):
        raise bad_value("a", a, "a finite number")
    bound = sqrt(6 / ((1 + float(a) ** 2) * fan_in(sizes)))
    return draw.uniform(-bound, bound, sizes).astype(kind)


def kaiming_bias(
    channels: int,
    shape: Sequence[int],
    *,
    seed: Seed = None,
    dtype: Any = np.float32,
) -> np.ndarray:
    """Uniform biases between -b and b with ``b = 1 / sqrt(fan_in)``; PyTorch's default.

    Parameters
    ----------
    channels : int
        How many, the output channels.
    shape : sequence of int
        Of the weight, from which `kaiming` takes its fan_in.
    seed, dtype
        As for `kaiming`.

    Returns
    -------
    ndarray
        Shape (channels,), of `dtype`.

    Raises
    ------
    TypeError, ValueError
        As `kaiming`.

    Examples
    --------
    >>> import upsampler
    >>> upsampler.init.kaiming_bias(8, (3, 8, 4, 4), seed=0).shape
    (8,)
    """
    count = positive("channels", channels)
    sizes, kind, draw = weight_shape(shape), float_dtype(dtype), generator(seed)
    bound = 1 / sqrt(fan_in(sizes))
    return draw.uniform(-bound, bound, count).astype(kind)


def bilinear(
    channels: int,
    kernel_size: int | Sequence[int],
    groups: int = 1,
    *,
    dtype: Any = np.float32,
) -> np.ndarray:
    """Weights with which a transposed convolution is linear interpolation of every channel.

    For a factor f the kernel is ``2 * f - f % 2``, the stride f and the padding ``ceil((f - 1) /
    2)``: 4, 2, 1 for x2, 3 has 5, 3, 1, and 4 has 8, 4, 2.  The result equals ``interpolate(x,
    scale_factor=f, mode="bilinear")`` but for the ``ceil((f - 1) / 2)`` outermost outputs, which
    see zeros beyond the border.  Other kernel sizes give the triangle of the same formula, which
    is no interpolation; `checkerboard` tells what it leaves.

    Parameters
    ----------
    channels : int
        Of input and output; each is interpolated by itself.
    kernel_size : int or sequence of int
        One value for two axes, or one for each of up to three.
    groups : int
        A divisor of the channels; as many as channels makes a depthwise weight.
    dtype : dtype
        float16, bfloat16, float32 or float64.

    Returns
    -------
    ndarray
        Shape (channels, channels / groups, kernel...).

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type or a value not allowed.

    Notes
    -----
    J. Long, E. Shelhamer and T. Darrell, "Fully convolutional networks for semantic
    segmentation", CVPR 2015.

    Examples
    --------
    >>> import upsampler
    >>> upsampler.init.bilinear(1, 4)[0, 0, 1] * 16
    array([3., 9., 9., 3.], dtype=float32)
    """
    allowed = "an integer, or one for each of up to three kernel axes"
    typed, kind = integers("kernel_size", kernel_size, allowed), float_dtype(dtype)
    count, parts = positive("channels", channels), positive("groups", groups)
    lengths = typed if isinstance(typed, list) else [typed] * 2
    if not 1 <= len(lengths) <= 3 or min(lengths) < 1:
        raise bad_value("kernel_size", tuple(lengths), "one to three values of at least 1")
    if count % parts:
        raise bad_value("groups", parts, f"a divisor of the {count} channels")
    kernel = np.ones(())
    for length in lengths:
        kernel = np.multiply.outer(kernel, triangle(length))
    weight = np.zeros((count, count // parts, *lengths), kind)
    every = np.arange(count)
    weight[every, every % (count // parts)] = kernel
    return weight


def icnr(
    shape: Sequence[int],
    upscale_factor: int | Sequence[int],
    transposed: bool = False,
    *,
    seed: Seed = None,
    dtype: Any = np.float32,
) -> np.ndarray:
    """Random weights in which every output phase has the same kernel: no checkerboard at first.

    For a convolution before `pixel_shuffle` the r * r output channels of a group are alike, and
    the result is the nearest-neighbour resize of the sub-kernel's convolution.  For a
    transposed convolution of stride r and a kernel of r * m each tap of an m-tap sub-kernel is
    repeated r times along each axis, and the result is the nearest-neighbour resize of the
    sub-kernel's stride-1 transposed convolution without padding, less `padding` outputs on every
    side: its blocks begin at ``-padding``.

    Parameters
    ----------
    shape : sequence of int
        Of the weight: (C_out * r * r, C_in / groups, kH, kW) of the convolution, or (C_in,
        C_out / groups, kernel...) of the transposed one.
    upscale_factor : int or sequence of int
        r; for a transposed convolution its stride, one value or one for each axis.
    transposed : bool
        Which of the two.
    seed, dtype
        As for `kaiming`, from which the sub-kernel is drawn.

    Returns
    -------
    ndarray
        Of `shape` and `dtype`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of a wrong type or a value not allowed.

    Notes
    -----
    A. Aitken et al., "Checkerboard artifact free sub-pixel convolution: a note on sub-pixel
    convolution, resize convolution and convolution resize", arXiv:1707.02937, 2017.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> weight = upsampler.init.icnr((4, 1, 3, 3), 2, seed=0)
    >>> x = np.ones((1, 1, 5, 5), np.float32)
    >>> bool((weight[0] == weight[3]).all())
    True
    >>> weight = upsampler.init.icnr((1, 1, 4, 4), 2, transposed=True, seed=0)
    >>> upsampler.checkerboard(weight, stride=2).score < 1e-6
    True
    """
    allowed = "an integer, or one for each kernel axis"
    typed, turned = (
        integers("upscale_factor", upscale_factor, allowed),
        flag("transposed", transposed),
    )
    sizes, kind = weight_shape(shape), float_dtype(dtype)
    factors = per_axis("upscale_factor", typed, len(sizes) - 2)
    if min(factors) < 1:
        raise bad_value("upscale_factor", factors, "at least 1")
    if turned:
        return _repeated_taps(sizes, factors, seed, kind)
    group = prod(factors)
    if sizes[0] % group:
        raise bad_value("shape", sizes, f"a first axis that is a multiple of {group}")
    sub = kaiming((sizes[0] // group, *sizes[1:]), seed=seed, dtype=kind)
    return np.repeat(sub, group, axis=0)


def _repeated_taps(
    sizes: tuple[int, ...], factors: tuple[int, ...], seed: Seed, kind: np.dtype
) -> np.ndarray:
    if any(k % r for k, r in zip(sizes[2:], factors, strict=True)):
        raise bad_value("shape", sizes, f"kernel axes that are multiples of the factors {factors}")
    taps = [k // r for k, r in zip(sizes[2:], factors, strict=True)]
    weight = kaiming((*sizes[:2], *taps), seed=seed, dtype=kind)
    for axis, r in enumerate(factors, 2):
        weight = np.repeat(weight, r, axis=axis)
    return weight


# --- pieces, shared with the modules ---------------------------------------------------------


def triangle(length: int) -> np.ndarray:
    """The taps of linear interpolation by (length + 1) // 2, its FCN formula for any length."""
    factor = (length + 1) // 2
    return 1 - np.abs(np.arange(length) - (length - 1) / 2) / factor


def fan_in(shape: tuple[int, ...]) -> int:
    """As PyTorch counts it: the second axis times the taps, for transposed convolutions too."""
    return prod(shape[1:])


def generator(seed: Seed) -> np.random.Generator:
    """Where random numbers come from; a generator goes on from where it is."""
    if seed is None or isinstance(seed, np.random.Generator):
        return np.random.default_rng(seed)
    number = integer("seed", seed, "None, an integer or a numpy.random.Generator")
    if number < 0:
        raise bad_value("seed", number, "at least 0")
    return np.random.default_rng(number)


def float_dtype(dtype: Any) -> np.dtype:
    """One of the floating dtypes, in this machine's byte order."""
    try:
        kind = np.dtype(dtype)
    except (TypeError, ValueError):  # the latter for tensors, whose dtype NumPy looks at
        kind = None
    if kind is None or dtype is None or dtype_name(kind) not in FLOATS:
        raise bad_type("dtype", dtype, f"{', '.join(FLOATS)} (bfloat16 by importing ml_dtypes)")
    return kind.newbyteorder("=")


def positive(name: str, value: object) -> int:
    number = integer(name, value)
    if number < 1:
        raise bad_value(name, number, "at least 1")
    return number


def weight_shape(shape: object) -> tuple[int, ...]:
    """The shape of a weight, checked: two channel axes, one to three kernel axes."""
    allowed = "the shape of a weight, a sequence of integers"
    sizes = integers("shape", shape, allowed)
    if isinstance(sizes, int):
        raise bad_type("shape", shape, allowed)
    if not 3 <= len(sizes) <= 5 or min(sizes) < 1:
        raise bad_value(
            "shape", tuple(sizes), "two channel axes, one to three kernel axes, all at least 1"
        )
    return tuple(sizes)
