"""Enlarging pictures by one kernel: a transposed convolution that does not darken the border."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from .arrays import allocate, as_array, check_types
from .color import round_to
from .conv import Ints, conv_transpose2d
from .layout import parse
from .spec import (
    NUMBERS,
    bad_value,
    check_number,
    check_window,
    dtype_name,
    integers,
    per_axis,
    thread_count,
    window_pairs,
)

BLOCK = 1 << 22  # samples of the result that are computed between two calls of `progress`
_SHORT = ("uint8", "int8", "uint16", "int16", "float16", "bfloat16", "float32")

Pair = tuple[int, int]


def upsample_with_kernel(
    x: Any,
    weight: Any,
    stride: Ints = 2,
    padding: Ints | None = None,
    *,
    window: Sequence[Pair] | None = None,
    num_threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Enlarge a picture by a whole factor with a kernel of a transposed convolution.

    Each channel is `conv_transpose2d` of the picture whose border pixels go on for ever: no
    output lacks a tap.  With the kernel of bilinear interpolation the result is that of
    `interpolate`, at the border too.

    Parameters
    ----------
    x : array_like, shape (H, W) or (H, W, C)
        Integers or floats.
    weight : array_like
        Shape (kH, kW), one kernel for all channels; or the weight of a transposed convolution
        with one channel or in groups of one, (1, 1, kH, kW) or (C, 1, kH, kW).
    stride : int or (int, int)
        The factor along H and W.
    padding : int or (int, int), optional
        Where the kernel lies: output o takes ``x[i] * weight[t]`` where ``i * stride - padding +
        t`` is o.  By default `centred_padding`.
    window : sequence of (start, stop), optional
        In output pixels, rows and columns: compute only this part.
    num_threads : int, optional
        By default `get_num_threads`.
    progress : callable, optional
        Called as ``progress(done, total)`` in rows of the result, from the calling thread; what
        it raises ends the work.

    Returns
    -------
    ndarray
        Shape (H * stride, W * stride[, C]) or that of the window; the dtype of `x`.  Integers are
        rounded once, at the end, to nearest with ties up, and saturated.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is of a wrong type, a shape or a value not allowed, or the result too
        large.

    Notes
    -----
    The arithmetic is float32 for integers of 8 and 16 bits and for short floats, float64 for the
    others.  A window costs its pixels, and memory beside the result is bounded.

    Examples
    --------
    >>> import numpy as np
    >>> from upsampler.kernel_upsampling import upsample_with_kernel
    >>> line = np.array([0.25, 0.75, 0.75, 0.25])  # of bilinear interpolation by 2
    >>> upsample_with_kernel(np.array([[0, 40]], np.uint8), np.outer(line, line)).tolist()
    [[0, 10, 30, 40], [0, 10, 30, 40]]
    """
    x, weight = as_array("x", x), as_array("weight", weight)
    check_number(x.dtype, "upsampling", NUMBERS)
    check_types(None, x.dtype, num_threads)
    if weight.dtype.kind not in "iuf":
        raise TypeError(f"weight: got dtype {weight.dtype}; allowed: integers and floats")
    pairs = window_pairs(window)
    allowed = "an integer, or one for each spatial axis"
    typed = integers("stride", stride, allowed)
    wanted = None if padding is None else integers("padding", padding, allowed)
    if x.ndim not in (2, 3) or 0 in x.shape[:2]:
        raise ValueError(f"x: got shape {x.shape}; allowed: (H, W) or (H, W, C), not empty")
    planes = x if x.ndim == 3 else x[..., None]
    kernels = _per_channel(weight, planes.shape[2])
    steps = per_axis("stride", typed, 2)
    if min(steps) < 1:
        raise bad_value("stride", steps, "at least 1")
    sides = kernels.shape[2:]
    centred = [centred_padding(k, s) for k, s in zip(sides, steps, strict=True)]
    pads = per_axis("padding", centred if wanted is None else wanted, 2)
    if min(pads) < 0:
        raise bad_value("padding", pads, "at least 0")
    full = (x.shape[0] * steps[0], x.shape[1] * steps[1])
    rows, columns = check_window(pairs, full, parse("HW", 2))
    threads = thread_count(num_threads)
    work = np.dtype(np.float32 if dtype_name(x.dtype) in _SHORT else np.float64)
    kernels = kernels.astype(work)
    shape = (rows[1] - rows[0], columns[1] - columns[0], *x.shape[2:])
    result = allocate(shape, x.dtype, x)
    if not result.size:
        return result
    across = _Source(columns, x.shape[1], sides[1], steps[1], pads[1])
    step = max(1, BLOCK // prod(shape[1:]))
    for top in range(*rows, step):
        bottom = min(top + step, rows[1])
        down = _Source((top, bottom), x.shape[0], sides[0], steps[0], pads[0])
        block = conv_transpose2d(
            across.repeated(down.repeated(planes, 0), 1).astype(work),
            kernels, stride=steps, output_padding=(steps[0] - 1, steps[1] - 1),
            groups=planes.shape[2], layout="HWC", window=(down.window, across.window),
            num_threads=threads,
        )  # fmt: skip
        part = result[top - rows[0] : bottom - rows[0]]
        with np.errstate(over="ignore"):  # beyond the largest half is infinity
            part[...] = round_to(block, x.dtype).reshape(part.shape)
        if progress is not None:
            progress(bottom - rows[0], shape[0])
    return result


def centred_padding(kernel: int, stride: int) -> int:
    """The padding that centres a kernel on the pixels of the input.

    With it, and an output padding of 1 where `kernel` less `stride` is odd, a transposed
    convolution has `stride` times as many outputs as inputs.  An odd difference has no centre:
    the kernel then lies half a pixel towards the start.

    Parameters
    ----------
    kernel, stride : int
        Along one axis.

    Returns
    -------
    int

    Examples
    --------
    >>> from upsampler.kernel_upsampling import centred_padding
    >>> [centred_padding(k, 2) for k in (2, 3, 4, 6)]
    [0, 1, 1, 2]
    """
    return max(0, (kernel - stride + 1) // 2)


def repeated_border(
    x: np.ndarray, kernel: int, stride: int, window: tuple[Pair, Pair]
) -> np.ndarray:
    """All that outputs are made from with a centred kernel, beyond the border its pixels again.

    Parameters
    ----------
    x : ndarray, shape (H, W)
        The picture to be enlarged.
    kernel, stride : int
        Along both axes.
    window : ((start, stop), (start, stop))
        The outputs, rows and columns.

    Returns
    -------
    ndarray
        A view where the outputs are made from pixels within the picture alone.

    Examples
    --------
    >>> import numpy as np
    >>> from upsampler.kernel_upsampling import repeated_border
    >>> repeated_border(np.array([[1, 2, 3, 4]]), 4, 2, ((0, 2), (0, 4)))
    array([[1, 1, 2, 3],
           [1, 1, 2, 3],
           [1, 1, 2, 3]])
    """
    padding = centred_padding(kernel, stride)
    for axis, outputs in enumerate(window):
        x = _Source(outputs, x.shape[axis], kernel, stride, padding).repeated(x, axis)
    return x


def _per_channel(weight: np.ndarray, channels: int) -> np.ndarray:
    """The kernels of a transposed convolution in as many groups as channels."""
    shaped = weight[None, None] if weight.ndim == 2 else weight
    if (
        shaped.ndim != 4
        or shaped.shape[0] not in (1, channels)
        or shaped.shape[1] != 1
        or 0 in shaped.shape
    ):
        raise ValueError(
            f"weight: got shape {weight.shape}; allowed: (kH, kW), (1, 1, kH, kW) or "
            f"({channels}, 1, kH, kW), for {channels} {'channel' if channels == 1 else 'channels'}"
        )
    return np.broadcast_to(shaped, (channels, 1, *shaped.shape[2:]))


class _Source:
    """What the outputs ``lo <= o < hi`` of one axis are made from.

    They take the inputs i with ``0 <= o + padding - i * stride < kernel``, which may lie beyond
    the picture; `window` is where they lie in the transposed convolution of these inputs alone,
    without padding.
    """

    def __init__(self, outputs: Pair, length: int, kernel: int, stride: int, padding: int) -> None:
        lo, hi = outputs[0] + padding, outputs[1] + padding
        # Kernels smaller than the stride leave outputs that take nothing: they, too, need a place.
        first = min(-((kernel - 1 - lo) // stride), lo // stride)
        last = (hi - 1) // stride
        self.indices = np.clip(np.arange(first, last + 1), 0, length - 1)
        self.window = (lo - first * stride, hi - first * stride)

    def repeated(self, x: np.ndarray, axis: int) -> np.ndarray:
        """These inputs along `axis`, with the border repeated where they lie beyond it."""
        if np.all(np.diff(self.indices) == 1):  # all within: a view
            inside = slice(int(self.indices[0]), int(self.indices[-1]) + 1)
            return x[inside] if axis == 0 else x[:, inside]
        return np.take(x, self.indices, axis)
