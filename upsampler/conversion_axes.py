"""Along one axis: where the taps of one upsampling convolution lie in another one's kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .init import triangle


class PhaseTaps(NamedTuple):
    """The taps of a transposed convolution in the kernels of a convolution before a shuffle."""

    phase: np.ndarray  # of the output that a tap reaches, by tap
    place: np.ndarray  # in the kernel of that phase, by tap
    length: int  # of that kernel
    padding: int
    crop: tuple[int, int]  # outputs that are too many, at the begin and at the end


class Ends(NamedTuple):
    """What happens to the ends of a kernel, and the arguments that go with it."""

    before: int  # taps of zero in front; below 0: taps taken away
    after: int
    padding: int
    output_padding: int


def phase_taps(
    kernel: int, stride: int, padding: int, output_padding: int, dilation: int, crop: bool
) -> PhaseTaps:
    """Tap t of ``out[i * stride - padding + t * dilation]`` by phase of the output.

    Output o = q * stride + phase takes tap t from input q + offset.  Without `crop` the kernels
    are lengthened so that the first output is the first one wanted, and likewise the last.
    """
    at = np.arange(kernel) * dilation - padding
    phase, offset = at % stride, -(at // stride)
    low, high = int(offset.min()), int(offset.max())
    # n inputs make (n - 1) * stride + reach outputs, n - 1 + blocks whole or begun blocks of them.
    reach = dilation * (kernel - 1) + 1 + output_padding - 2 * padding
    blocks = -(-reach // stride)
    around = max(0, -low, high + blocks - 1)
    if not crop:
        low, high = -around, around + 1 - blocks
    cut = ((around + low) * stride, (around + 1 - high) * stride - reach)
    return PhaseTaps(phase, offset - low, high - low + 1, around, cut)


def ends(padding: int, extra: int, stride: int) -> Ends:
    """Arguments within their ranges for `extra` more outputs than this padding alone gives.

    A padding below 0 and outputs taken away at the end are taps of zero in front, as many more
    outputs as the stride or beyond are taps of zero at the end.
    """
    before = max(0, -padding, -extra)
    rest = before + extra
    output_padding = min(rest, stride - 1)
    return Ends(before, rest - output_padding, padding + before, output_padding)


def shortened(kernel: int, padding: int, extra: int, stride: int, wanted: int) -> Iterator[Ends]:
    """The ways to take taps away until `wanted` are left, with the arguments that go with it."""
    spare = kernel - wanted
    for front in range(spare + 1):
        output_padding = extra + spare - 2 * front
        if padding >= front and 0 <= output_padding < stride:
            yield Ends(-front, front - spare, padding - front, output_padding)


def resize_kernel(factor: int, mode: str) -> tuple[np.ndarray, int]:
    """The kernel of upsampling as a transposed convolution, and its padding."""
    if mode == "nearest":
        return np.ones(factor), 0
    return triangle(2 * factor - factor % 2), factor // 2


def fold_matrix(kernel: int, factor: int, mode: str, dilation: int = 1) -> np.ndarray:
    """The matrix that makes the taps of a convolution those of upsampling and convolution.

    A convolution reads ``up[o - padding + u * dilation]``, so that its taps come in reverse.
    """
    base, _ = resize_kernel(factor, mode)
    reach = dilation * (kernel - 1)
    matrix = np.zeros((len(base) + reach, kernel))
    for u in range(kernel):
        first = reach - u * dilation
        matrix[first : first + len(base), u] = base
    return matrix
