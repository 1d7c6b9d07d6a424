"""What is looked at: a picture ready for interpolation, and how its values are told."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np

from upsampler.charts import chart
from upsampler.color import premultiply, round_to, unpremultiply
from upsampler.images import Picture, read

SHOWN = ("uint8", "uint16", "float32", "float64")  # what the packing loops take as it is


@dataclass(frozen=True, eq=False)
class Source:
    """An opened picture; compared by identity, so that it can stand in the key of a cache.

    Attributes
    ----------
    name : str
        For titles.
    path : str or None
        Where it came from; None for the built-in chart.
    dtype : dtype
        Of the file.
    values : (H, W, C) ndarray of one of `SHOWN`
        What is interpolated and shown.  One or two colour channels are gray, of more the first
        three are shown.
    weighted : bool
        Whether `values` are floats in 0..1, premultiplied by the alpha in their last channel,
        without which the colours of invisible pixels bleed into the edges of visible ones.
    low, high : float
        Range of the finite colours, in the units of the file.
    centre : (float, float)
        Row and column that the first view looks at.
    notes : tuple of str
        What reading the file had to decide.
    """

    name: str
    path: str | None
    dtype: np.dtype
    values: np.ndarray
    weighted: bool
    low: float
    high: float
    centre: tuple[float, float]
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.values.shape[0], self.values.shape[1]

    def told(self, pixel: np.ndarray) -> tuple[str, ...]:
        """The (C,) values of one pixel made from `values`, in the units of the file."""
        if self.weighted:
            pixel = unpremultiply(pixel)
            pixel = round_to(pixel * pixel.dtype.type(_white(self.dtype)), self.dtype)
        elif self.dtype.kind in "iu" and pixel.dtype.kind == "f":
            return tuple(str(round(float(v) * _white(self.dtype))) for v in pixel)
        return tuple(f"{v:.4g}" if pixel.dtype.kind == "f" else str(int(v)) for v in pixel)


def source(picture: Picture, name: str, path: str | None = None) -> Source:
    """A `Source` of a picture."""
    pixels = picture.pixels if picture.pixels.ndim == 3 else picture.pixels[:, :, None]
    colours = pixels[:, :, :-1] if picture.alpha else pixels
    low, high = _range(colours)
    opaque = not picture.alpha or bool((pixels[:, :, -1] == _white(pixels.dtype)).all())
    if opaque:
        values = _shown(pixels)
    else:
        # The number space in which the rest of the package resizes such pictures.
        work = np.float32 if pixels.dtype.itemsize == 1 else np.float64
        values = premultiply(pixels.astype(work) / work(_white(pixels.dtype)))
    middle = values.shape[0] / 2, values.shape[1] / 2
    return Source(name, path, pixels.dtype, values, not opaque, low, high, middle, picture.notes)


def load(path: str) -> Source:
    """The picture in a file; `upsampler.images.ImageError` says in a line what is wrong with it."""
    return source(read(path), os.path.basename(path), path)


def built_in() -> Source:
    """The test chart that is shown when no file is given."""
    opened = source(Picture(chart()), "test chart")
    height, width = opened.size
    # The Siemens star in the middle of the upper row; in the very middle only charts meet.
    return replace(opened, centre=(height / 4, width / 2))


def _white(dtype: np.dtype) -> float:
    return float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0


def _shown(pixels: np.ndarray) -> np.ndarray:
    """Types without loops of their own are shown through one that holds them."""
    if pixels.dtype.name in SHOWN:
        return pixels
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32 if pixels.dtype.itemsize < 4 else np.float64)
    return pixels / _white(pixels.dtype)


def _range(colours: np.ndarray) -> tuple[float, float]:
    if colours.dtype.kind == "f":
        colours = colours[np.isfinite(colours)]
    return (float(colours.min()), float(colours.max())) if colours.size else (0.0, 0.0)
