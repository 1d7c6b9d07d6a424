"""What a picture is: pixels, and the little about them that their array does not say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import available_memory


class ImageError(ValueError):
    """A picture file cannot be read or written; one line that names the file and the reason."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image in memory, upright (orientation tags are applied on reading).

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C)
        At least one pixel; any real dtype.  A single channel is kept as (H, W).
    alpha : bool
        Whether the last channel is opacity (not premultiplied into the others), full at the
        largest value of an integer dtype and at 1.0 of a floating one.
    icc : bytes, optional
        The colour profile of the pixels, handed on to the file that is written.
    notes : tuple of str
        What reading had to decide: a first page of several, a converted colour space.

    Raises
    ------
    ValueError
        If the array is no picture.

    Examples
    --------
    >>> import numpy as np
    >>> from upsampler.picture import Picture
    >>> picture = Picture(np.zeros((2, 3, 4), np.uint8), alpha=True)
    >>> picture.height, picture.width, picture.channels, picture.layout
    (2, 3, 4, 'HWC')
    """

    pixels: np.ndarray
    alpha: bool = False
    icc: bytes | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.ndim == 3 and pixels.shape[2] == 1:
            object.__setattr__(self, "pixels", pixels[..., 0])
        if pixels.ndim not in (2, 3) or 0 in pixels.shape or pixels.dtype.kind not in "biuf":
            raise ValueError(
                f"pixels: got shape {pixels.shape} and dtype {pixels.dtype}; "
                "allowed: (H, W) or (H, W, C), not empty, of integers or floats"
            )
        if self.alpha and self.channels < 2:
            raise ValueError("alpha: got True for one channel; allowed: two channels and more")

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def channels(self) -> int:
        return 1 if self.pixels.ndim == 2 else int(self.pixels.shape[2])

    @property
    def dtype(self) -> np.dtype:
        return self.pixels.dtype

    @property
    def layout(self) -> str:
        """The layout to give to `upsampler.interpolate`."""
        return "HW" if self.pixels.ndim == 2 else "HWC"


def shown(path: object) -> str:
    """A file name as one printable line."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


def full_scale(dtype: np.dtype) -> float:
    """The value of white, and of full opacity: the largest integer, 1.0 for floats."""
    return float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0


def check_memory(shape: tuple[int, ...], dtype: np.dtype, copies: int = 2) -> None:
    """Refuse a picture by its header, before anything is decoded.

    A few kilobytes of PNG can unfold to gigabytes.  `copies` is how often the decoder holds
    the pixels at its peak.
    """
    nbytes = int(np.prod(shape, dtype=object)) * dtype.itemsize * copies
    room = available_memory()
    if room is not None and nbytes > room:
        raise ImageError(
            f"{shape[1]} x {shape[0]} pixels need {nbytes / 1e9:.1f} GB to decode; "
            f"{room / 1e9:.1f} GB of memory are available"
        )
