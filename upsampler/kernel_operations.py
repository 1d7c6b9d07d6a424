"""Transposed convolution, resize-convolution and pixel shuffle of pictures, window by window.

A window is computed from the pixels that it depends on and no others: these are cut out, with the
border repeated where they lie beyond it, so that no output sees zeros from outside.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

import numpy as np

from .analysis import checkerboard
from .convert import (
    TransposedConv,
    resize_conv_to_conv_transpose,
    shuffle_to_conv_transpose,
)
from .kernel_upsampling import centred_padding, upsample_with_kernel
from .method_base import Contributions, Prepared, Range
from .picture_planes import pixels_of, planes, working_dtype
from .resize_conv import resize_conv2d
from .shuffle import pixel_shuffle

Pair = tuple[int, int]


class Operation(Prepared):
    """What the three have in common.

    Parameters
    ----------
    pixels : ndarray
        (H, W) or (H, W, C).
    scale : (int, int)
        Outputs for each pixel, down and across.
    weight : ndarray of float
        In PyTorch's shape for the operation.
    """

    def __init__(self, pixels: np.ndarray, scale: Pair, weight: np.ndarray) -> None:
        height, width = pixels.shape[:2]
        self.shape = (height * scale[0], width * scale[1], *pixels.shape[2:])
        self.pixels, self.scale = pixels, scale
        self.score = self._score(weight)
        self.weight = weight.astype(working_dtype(pixels.dtype))

    @abstractmethod
    def _score(self, weight: np.ndarray) -> float: ...

    def _spread(self, kernel: np.ndarray, padding: Pair, row: int, column: int) -> Contributions:
        """Those of a transposed convolution: input i and tap t meet at ``i * s - padding + t``."""
        lines = []
        for axis, at in enumerate((row, column)):
            s, place = self.scale[axis], at + padding[axis]
            taps = np.arange(place % s, kernel.shape[2 + axis], s)
            lines.append(((place - taps) // s, taps))
        (rows, down), (columns, across) = lines
        weights = kernel[:, 0][:, down[:, None], across]
        return Contributions.gathered(rows, columns, weights, self.pixels.shape)


class Transposed(Operation):
    """Transposed convolution, with a kernel for all channels or one for each."""

    def window(
        self,
        rows: Range,
        columns: Range,
        out: np.ndarray | None = None,
        num_threads: int | None = None,
    ) -> np.ndarray:
        made = upsample_with_kernel(
            self.pixels, self.weight, self.scale, window=(rows, columns), num_threads=num_threads
        )
        if out is None:
            return made
        out[...] = made
        return out

    def contributions(self, row: int, column: int) -> Contributions:
        down, across = (
            centred_padding(k, s) for k, s in zip(self.weight.shape[2:], self.scale, strict=True)
        )
        return self._spread(self.weight, (down, across), row, column)

    def _score(self, weight: np.ndarray) -> float:
        return checkerboard(weight, self.scale).score


class Convolution(Operation):
    """A convolution before or after the change of size, with one kernel for all channels."""

    def window(
        self,
        rows: Range,
        columns: Range,
        out: np.ndarray | None = None,
        num_threads: int | None = None,
    ) -> np.ndarray:
        (down, y), (across, x) = self._span(0, *rows), self._span(1, *columns)
        places = [(y, y + rows[1] - rows[0]), (x, x + columns[1] - columns[0])]
        # The channels go through as a batch of pictures of one channel.
        batch = planes(self.pixels, down, across)[:, None]
        return pixels_of(self._run(batch, places, num_threads)[:, 0], self.pixels, out)

    @abstractmethod
    def _span(self, axis: int, start: int, stop: int) -> tuple[Range, int]:
        """The pixels that outputs from `start` to `stop` depend on, and which output of these
        pixels alone, without padding, the first of them is."""

    @abstractmethod
    def _run(self, batch: np.ndarray, places: list[Range], threads: int | None) -> np.ndarray:
        """The outputs at `places` of a batch (N, 1, h, w), without padding."""


class Resized(Convolution):
    """Interpolation, then a convolution."""

    def __init__(self, pixels: np.ndarray, scale: Pair, weight: np.ndarray, mode: str) -> None:
        self.mode = mode
        super().__init__(pixels, scale, weight)

    def _span(self, axis: int, start: int, stop: int) -> tuple[Range, int]:
        s, k = self.scale[axis], self.weight.shape[2 + axis]
        # As padding="same" has it: of an even kernel the odd tap goes to the end.
        start, stop = start - (k - 1) // 2, stop + k // 2
        beside = int(self.mode == "bilinear")  # a pixel more, from which to interpolate
        first = start // s - beside
        return (first, (stop - 1) // s + 1 + beside), start - first * s

    def _run(self, batch: np.ndarray, places: list[Range], threads: int | None) -> np.ndarray:
        return resize_conv2d(
            batch, self.weight, None, self.scale, self.mode, "valid", window=places,
            num_threads=threads,
        )  # fmt: skip

    def contributions(self, row: int, column: int) -> Contributions:
        same = self._transposed
        return self._spread(same.weight, same.padding, row, column)

    @cached_property
    def _transposed(self) -> TransposedConv:
        """The same as one transposed convolution, but for the border, which is repeated here."""
        return resize_conv_to_conv_transpose(self.weight, None, self.scale, self.mode)

    def _score(self, weight: np.ndarray) -> float:
        same = resize_conv_to_conv_transpose(weight, None, self.scale, self.mode, "valid")
        return checkerboard(same.weight, self.scale).score


class Shuffled(Convolution):
    """A convolution with a channel for each output phase, then pixel shuffle; one scale."""

    def _span(self, axis: int, start: int, stop: int) -> tuple[Range, int]:
        s, k = self.scale[axis], self.weight.shape[2 + axis]
        return (start // s - (k - 1) // 2, (stop - 1) // s + 1 + k // 2), start % s

    def _run(self, batch: np.ndarray, places: list[Range], threads: int | None) -> np.ndarray:
        # A resize-convolution that does not resize is an ordinary convolution.
        phases = resize_conv2d(
            batch, self.weight, scale_factor=1, padding="valid", num_threads=threads
        )
        (top, bottom), (left, right) = places
        return pixel_shuffle(phases, self.scale[0])[..., top:bottom, left:right]

    def contributions(self, row: int, column: int) -> Contributions:
        s = self.scale[0]
        rows, columns = (
            at // s - (k - 1) // 2 + np.arange(k)
            for at, k in zip((row, column), self.weight.shape[2:], strict=True)
        )
        kernel = self.weight[row % s * s + column % s]  # the channel that is shuffled to here
        return Contributions.gathered(rows, columns, kernel, self.pixels.shape)

    def _score(self, weight: np.ndarray) -> float:
        same = shuffle_to_conv_transpose(weight, None, self.scale[0])
        return checkerboard(same.weight, self.scale).score
