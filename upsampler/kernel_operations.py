"""Transposed convolution, resize-convolution and pixel shuffle of pictures, window by window.

A window is computed from the pixels that it depends on and no others: these are cut out, with the
border repeated where they lie beyond it, so that no output sees zeros from outside.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from .analysis import checkerboard
from .color import round_to
from .convert import resize_conv_to_conv_transpose, shuffle_to_conv_transpose
from .kernel_means import box_means
from .kernel_upsampling import centred_padding, upsample_with_kernel
from .lazy import lazy
from .method_base import Contributions, Prepared, Range
from .picture_planes import pixels_of, planes, working_dtype
from .resize_conv import resize_conv2d
from .shuffle import pixel_shuffle

Pair = tuple[int, int]
Spread = tuple[np.ndarray, Pair]  # the weight and the padding of a transposed convolution

# By the weights of a kernel that brightens, means of integers would be brighter than those of the
# outputs, which are cut off at white.  What makes an output adds up to at most so much, and to so
# much without the signs: Lanczos filters have 2, kernels that were learned from photographs 3.1.
BRIGHTEST, STEEPEST = 1.01, 4.0


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

    @abstractmethod
    def _as_transposed(self) -> Spread:
        """The same as a transposed convolution of the picture whose border goes on for ever.

        Input i and tap t meet at output ``i * scale - padding + t``.
        """

    @lazy
    def _spread(self) -> Spread:
        return self._as_transposed()

    @lazy
    def weighs(self) -> bool:
        """Whether means by weights are those of the outputs, to a little overshoot."""
        if self.pixels.dtype.kind == "f":
            return True
        weight, (down, across) = self._spread[0].astype(np.float64), self.scale
        phases = [weight[:, 0, r::down, c::across] for r in range(down) for c in range(across)]
        sums, sizes = (
            max(float(of(phase).sum((1, 2)).max()) for phase in phases)
            for of in (np.positive, np.abs)
        )
        return sums <= BRIGHTEST and sizes <= STEEPEST

    def means(
        self, row_edges: np.ndarray, column_edges: np.ndarray, num_threads: int | None = None
    ) -> np.ndarray | None:
        if not self.weighs:
            return None
        weight, padding = self._spread
        made = box_means(self.pixels, weight, self.scale, padding, row_edges, column_edges)
        return round_to(made, self.pixels.dtype)

    def contributions(self, row: int, column: int) -> Contributions:
        kernel, padding = self._spread
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

    def _as_transposed(self) -> Spread:
        down, across = (
            centred_padding(k, s) for k, s in zip(self.weight.shape[2:], self.scale, strict=True)
        )
        return self.weight, (down, across)

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

    def _as_transposed(self) -> Spread:
        same = resize_conv_to_conv_transpose(self.weight, None, self.scale, self.mode)
        return same.weight, same.padding

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

    def _as_transposed(self) -> Spread:
        same = shuffle_to_conv_transpose(self.weight, None, self.scale[0], "same")
        return same.weight, same.padding

    def _score(self, weight: np.ndarray) -> float:
        same = shuffle_to_conv_transpose(weight, None, self.scale[0])
        return checkerboard(same.weight, self.scale).score
