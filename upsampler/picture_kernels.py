"""Where the kernels of the learnable methods come from: formulas, chance, the picture, files."""

from __future__ import annotations

from math import prod

import numpy as np

from . import init
from .convert import conv_transpose_to_shuffle
from .kernel_upsampling import centred_padding
from .learn import REACH, fit_conv_transpose
from .picture_planes import planes
from .pooling import avg_pool2d

FIT_SIDE = 1024  # pixels: no more than so many rows and columns, of the middle, are learned from

Pair = tuple[int, int]


def box(size: Pair, scale: Pair) -> np.ndarray:
    """Equal weights: of a transposed convolution nothing but the overlap is left to be seen."""
    return _scaled(np.ones((1, 1, *size)), prod(scale))


def bilinear(scale: Pair) -> np.ndarray:
    """The kernel with which a transposed convolution interpolates."""
    return init.bilinear(1, [2 * s - s % 2 for s in scale], dtype=np.float64)


def random(shape: tuple[int, ...], total: float, seed: int) -> np.ndarray:
    """The usual random weights, without their signs, so that the picture can be recognised."""
    return _scaled(np.abs(init.kaiming(shape, seed=seed, dtype=np.float64)), total)


def icnr(shape: tuple[int, ...], factor: int, seed: int) -> np.ndarray:
    """Random weights, but the same ones for every output phase of a pixel shuffle."""
    weight = np.abs(init.icnr(shape, factor, seed=seed, dtype=np.float64))
    return _scaled(weight, factor * factor)


def check_learnable(shape: tuple[int, ...], scale: Pair, k: int | None) -> None:
    """Whether `learned` can find a kernel.

    Raises
    ------
    ValueError
        If a picture of this shape is too small, or kernels of k taps have no middle.
    """
    if any(n < s for n, s in zip(shape, scale, strict=False)):
        raise ValueError(
            f"learned: got a picture of {shape[1]} x {shape[0]} pixels; allowed: at least "
            f"{scale[1]} x {scale[0]}, from which a smaller one can be made to learn from"
        )
    if k is not None and any(k < s or (k - s) % 2 for s in scale):
        s = max(scale)
        raise ValueError(
            f"k: got {k} for a learned kernel and scale {s}; allowed: {s}, {s + 2}, {s + 4}, ..., "
            "which are centred on the pixels"
        )


def learned(pixels: np.ndarray, scale: Pair, k: int | None) -> np.ndarray:
    """The kernel that restores the picture best from one that is smaller once more.

    It sees nothing but `pixels`: what they lose when they are averaged by the same factor stands
    in for what they have lost already.

    Parameters
    ----------
    pixels : ndarray
        (H, W) or (H, W, C).
    scale : (int, int)
        The factor.
    k : int, optional
        Taps along each axis; by default 5 times the factor.

    Raises
    ------
    ValueError
        As `check_learnable`, and if a pixel is not finite.
    """
    check_learnable(pixels.shape, scale, k)
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise ValueError("learned: got pixels that are not finite; allowed: finite ones")
    spans = [_middle(n, s) for n, s in zip(pixels.shape, scale, strict=False)]
    high = planes(pixels, spans[0], spans[1])[:, None]
    low = avg_pool2d(high, scale)
    sizes = [REACH * s if k is None else k for s in scale]
    # So that no output lacks a tap; the kernel will be used so.
    around = [-(-size // s) for size, s in zip(sizes, scale, strict=True)]
    wide = np.pad(low, [(0, 0), (0, 0), *((n, n) for n in around)], mode="edge")
    padding = [
        n * s + centred_padding(size, s) for n, s, size in zip(around, scale, sizes, strict=True)
    ]
    module = fit_conv_transpose(wide, high, sizes, scale, padding, dtype=np.float64)
    return module.weight[:1]


def learned_phases(pixels: np.ndarray, scale: int, k: int | None) -> np.ndarray:
    """`learned`, as the weight of a convolution of k taps before a pixel shuffle."""
    taps = None if k is None else k * scale
    weight = learned(pixels, (scale, scale), taps)
    padding = centred_padding(weight.shape[2], scale)
    return conv_transpose_to_shuffle(weight, None, scale, padding, crop=False).weight


def _middle(n: int, s: int) -> Pair:
    """From where to where along an axis of n pixels: a multiple of s."""
    length = min(n, FIT_SIDE) // s * s
    return (n - length) // 2, (n - length) // 2 + length


def _scaled(weight: np.ndarray, total: float) -> np.ndarray:
    """With the sum that keeps the mean of a picture: 1 for every output of a pixel."""
    return weight * (total / weight.sum())
