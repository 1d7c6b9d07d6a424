"""Where the kernels of the learnable methods come from: formulas, chance, the picture, files."""

from __future__ import annotations

from math import prod

import numpy as np

from . import init

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


def _scaled(weight: np.ndarray, total: float) -> np.ndarray:
    """With the sum that keeps the mean of a picture: 1 for every output of a pixel."""
    return weight * (total / weight.sum())
