"""Between pictures and kernels: a window's share of a picture as float planes, and the way back."""

from __future__ import annotations

import numpy as np

from .color import round_to
from .method_base import Range
from .spec import accumulator, dtype_name


def working_dtype(dtype: np.dtype) -> np.dtype:
    """The floats in which pixels of `dtype` are computed with: float32 for up to 16 bits."""
    return np.dtype(accumulator(dtype_name(dtype), 1))


def planes(pixels: np.ndarray, rows: Range, columns: Range) -> np.ndarray:
    """(C, h, w) floats: a part of (H, W) or (H, W, C) pixels, the border repeated beyond it.

    Each channel lies together, as the loops of convolutions like it.
    """
    part = pixels if pixels.ndim == 3 else pixels[:, :, None]
    for axis, (start, stop) in enumerate((rows, columns)):
        # Only what is asked for is copied; beyond the border the nearest pixel stands in.
        n = part.shape[axis]
        first = min(max(start, 0), n - 1)
        last = max(min(stop, n), first + 1)
        part = part[first:last] if axis == 0 else part[:, first:last]
        if (start, stop) != (first, last):
            part = part.take(np.arange(start, stop) - first, axis, mode="clip")
    return np.ascontiguousarray(part.transpose(2, 0, 1), working_dtype(pixels.dtype))


def pixels_of(values: np.ndarray, like: np.ndarray, out: np.ndarray | None) -> np.ndarray:
    """(C, h, w) floats as pixels of the dtype and the rank of `like`, rounded once."""
    made = values.transpose(1, 2, 0) if like.ndim == 3 else values[0]
    if out is None:
        out = np.empty(made.shape, like.dtype)
    out[...] = round_to(made, like.dtype)
    return out
