"""A kernel from photographs: learn from some of them, measure on the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import log10
from typing import Any

import numpy as np

from .color import premultiply
from .comparison import degrade
from .conv_layers import ConvTranspose2d
from .functional import Scale, Size
from .kernel_operations import Transposed
from .kernel_upsampling import centred_padding, repeated_border
from .learn import REACH, fit_conv_transpose
from .method_base import Method, Prepared
from .methods import parse
from .metrics import data_range_of, psnr
from .picture import Picture, full_scale
from .resize import resize_picture

FIXED = ("nearest", "bilinear", "bicubic")
LEARNED = "learned"
HOLD_OUT = 4  # every so manyth picture is for measuring
TILE = 32  # pixels of the small picture along a side of the tiles that are held out

Window = tuple[tuple[int, int], tuple[int, int]]
Planes = Iterator[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Example:
    """A picture, its area averages, and the parts (in pixels of the picture) that are used."""

    truth: Picture
    small: Picture
    scale: int
    windows: tuple[Window, ...]

    @classmethod
    def of(cls, picture: Picture, scale: int) -> Example:
        """The whole picture, cropped to a multiple of the scale.

        Parameters
        ----------
        picture : Picture
            The source.
        scale : int
            At least 2.

        Raises
        ------
        ValueError
            If the picture is smaller than `scale`, or holds NaN or infinity.
        """
        if picture.dtype.kind == "f" and not np.isfinite(picture.pixels).all():
            raise ValueError("holds NaN or infinity, from which nothing can be learned")
        truth, small = degrade(picture, Fraction(scale))
        return cls(truth, small, scale, (((0, truth.height), (0, truth.width)),))

    def halves(self) -> tuple[Example, Example]:
        """Two examples that share the picture like the fields of a chess board.

        Raises
        ------
        ValueError
            If the picture is too small to be parted.
        """
        side = self.scale * min(TILE, max(1, max(self.small.height, self.small.width) // 2))
        colours: tuple[list[Window], list[Window]] = ([], [])
        for i, top in enumerate(range(0, self.truth.height, side)):
            for j, left in enumerate(range(0, self.truth.width, side)):
                bottom, right = (
                    min(top + side, self.truth.height),
                    min(left + side, self.truth.width),
                )
                colours[(i + j) % 2].append(((top, bottom), (left, right)))
        if not colours[1]:
            raise ValueError("too small to learn from one part and to measure on another")
        return replace(self, windows=tuple(colours[0])), replace(self, windows=tuple(colours[1]))

    def pairs(self, kernel: int) -> Planes:
        """What `fit_conv_transpose` learns from, channel by channel, the border repeated.

        Colours are weighed by their opacity, as when they are enlarged, and all pictures have the
        range that PSNR gives them.
        """
        span = data_range_of(self.truth.pixels)
        truth, small = _colours(self.truth, span), _colours(self.small, span)
        for c in range(truth.shape[2]):
            for window in self.windows:
                (top, bottom), (left, right) = window
                low = repeated_border(small[..., c], kernel, self.scale, window)
                yield low[None, None], truth[None, None, top:bottom, left:right, c]

    def psnr(self, result: Picture) -> float:
        """Of the parts in use."""
        mixed, used = self.truth.pixels.copy(), 0
        for (top, bottom), (left, right) in self.windows:
            mixed[top:bottom, left:right] = result.pixels[top:bottom, left:right]
            used += (bottom - top) * (right - left)
        share = used / (self.truth.height * self.truth.width)
        return psnr(self.truth.pixels, mixed, alpha=self.truth.alpha) + 10 * log10(share)


def _colours(picture: Picture, span: float) -> np.ndarray:
    """(H, W, C) floats without opacity."""
    wide = picture.dtype.itemsize > 2 and picture.dtype.name != "float32"
    pixels: Any = picture.pixels.astype(np.float64 if wide else np.float32)
    if picture.alpha:
        pixels[..., -1:] *= 1 / full_scale(picture.dtype)
        pixels = premultiply(pixels)[..., :-1]
    pixels *= 1 / span
    return pixels if pixels.ndim == 3 else pixels[..., None]


def learn_kernel(
    examples: Iterable[Example], scale: int, kernel_size: int | None = None, ridge: float = 0.0
) -> ConvTranspose2d:
    """The kernel, one for all channels, that enlarges the examples best.

    Parameters
    ----------
    examples : iterable of Example
        Taken one after the other.
    scale : int
        That of the examples.
    kernel_size : int, optional
        By default 5 times the scale.  At least the scale, and even where it is even.
    ridge : float
        As for `fit_conv_transpose`.

    Returns
    -------
    ConvTranspose2d
        Of one channel; for `upsample_with_kernel`, which repeats the border, as was done here.

    Raises
    ------
    ValueError
        If `kernel_size` does not fit the scale.
    """
    size = REACH * scale if kernel_size is None else kernel_size
    check_kernel_size(size, scale)
    pairs = (pair for example in examples for pair in example.pairs(size))
    found = fit_conv_transpose(pairs, kernel_size=size, stride=scale, ridge=ridge, dtype=np.float32)
    module = ConvTranspose2d(1, 1, size, scale, centred_padding(size, scale), bias=False)
    module.load_state_dict(found.state_dict())
    return module


def check_kernel_size(size: int, scale: int) -> None:
    """Kernels must have a middle where the pixels of the small picture have theirs."""
    if size < scale or (size - scale) % 2:
        raise ValueError(
            f"kernel_size: got {size} for scale {scale}; allowed: {scale}, {scale + 2}, "
            f"{scale + 4}, ..., which are centred on the pixels"
        )


def measure_methods(
    example: Example, kernel: ConvTranspose2d, num_threads: int | None = None
) -> dict[str, float]:
    """PSNR in dB of the fixed methods and of the kernel, by name.

    Parameters
    ----------
    example : Example
        One that the kernel has not seen.
    kernel : ConvTranspose2d
        From `learn_kernel`.
    num_threads : int, optional
        By default `get_num_threads`.
    """
    size = example.truth.height, example.truth.width
    methods: dict[str, Method] = {name: parse(name) for name in FIXED}
    methods[LEARNED] = _Learned(kernel)
    return {
        name: example.psnr(resize_picture(example.small, size, None, m, num_threads=num_threads))
        for name, m in methods.items()
    }


class _Learned(Method):
    """A kernel that is in no file yet."""

    name = LEARNED

    def __init__(self, kernel: ConvTranspose2d) -> None:
        self._kernel = kernel

    def result_shape(
        self, shape: tuple[int, ...], dtype: np.dtype, size: Size, scale_factor: Scale
    ) -> tuple[int, ...]:
        down, across = self._kernel.stride
        return (shape[0] * down, shape[1] * across, *shape[2:])

    def prepare(self, pixels: np.ndarray, size: Size, scale_factor: Scale = None) -> Prepared:
        down, across = self._kernel.stride
        return Transposed(pixels, (down, across), self._kernel.weight)


def parted(count: int, every: int = HOLD_OUT) -> tuple[list[int], list[int]]:
    """Which of several pictures to learn from and which to measure on: every so manyth, the last
    one where there are fewer.

    Parameters
    ----------
    count : int
        At least 2.
    every : int
        At least 2.

    Returns
    -------
    learn, hold_out : list of int

    Examples
    --------
    >>> from upsampler.fitting import parted
    >>> parted(9), parted(3)
    (([0, 1, 2, 4, 5, 6, 8], [3, 7]), ([0, 1], [2]))
    """
    held = list(range(every - 1, count, every)) or [count - 1]
    return [i for i in range(count) if i not in held], held
