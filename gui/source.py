"""What is looked at: a picture ready for interpolation, and how its values are told."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np

from upsampler.charts import chart
from upsampler.color import premultiply, round_to, unpremultiply
from upsampler.display import display_range
from upsampler.images import ImageError, Picture, quiet, read
from upsampler.picture import full_scale, shown

if TYPE_CHECKING:
    from .sources.shelf import Shelf
    from .sources.slices import Slice

SMALL = 1 << 20  # bytes of a TIFF file that is read whole without a look at its header
LOOKED_AT = 1 << 20  # pixels that decide what is shown black and white


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
    values : (H, W, C) ndarray
        What is interpolated and shown.  One or two colour channels are gray, of more the first
        three are shown.
    weighted : bool
        Whether `values` are floats in 0..1, premultiplied by the alpha in their last channel,
        without which the colours of invisible pixels bleed into the edges of visible ones.
    low, high : float
        Range of the finite colours, in the units of the file.
    black, white : float
        The values, in the units of `values`, that are shown black and white.
    mapped : bool
        Whether `values` lie in the file and not in memory.
    shelf, slice
        Where other pictures of the same file are, and which of them this is.
    centre : (float, float)
        Row and column that the first view looks at.
    notes : tuple of str
        What reading the file had to decide.
    gaps : str
        How much of it is no number, in words; "" for nothing, as far as is known.
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
    black: float = 0.0
    white: float = 1.0
    mapped: bool = False
    shelf: Shelf | None = None
    slice: Slice | None = None
    gaps: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.values.shape[0], self.values.shape[1]

    def check(self) -> None:
        """Whether what is mapped is still there: reading beyond the end of a file ends the process.

        Raises
        ------
        ImageError
            If the file has become shorter.
        """
        if not self.mapped or self.path is None:
            return
        try:
            size = os.stat(self.path).st_size
        except OSError:
            return  # without its name the file lives on while it is mapped
        if size < self.values.nbytes:
            raise ImageError(f"{shown(self.path)}: has become shorter; press F5 to read it again")

    def told(self, pixel: np.ndarray) -> tuple[str, ...]:
        """The (C,) values of one pixel made from `values`, in the units of the file."""
        if self.weighted:
            pixel = unpremultiply(pixel)
            pixel = round_to(pixel * pixel.dtype.type(full_scale(self.dtype)), self.dtype)
        return tuple(f"{v:.4g}" if pixel.dtype.kind == "f" else str(int(v)) for v in pixel)

    @property
    def widest(self) -> str:
        """A text as long as what `told` says of a channel."""
        if self.dtype.kind in "iub":
            return str(int(max(abs(self.low), abs(self.high), 100)))
        return "-1.234e-05"


def source(picture: Picture, name: str, path: str | None = None, *, mapped: bool = False) -> Source:
    """A `Source` of a picture; of one that is mapped some pixels tell the range."""
    pixels = picture.pixels if picture.pixels.ndim == 3 else picture.pixels[:, :, None]
    colours = pixels[:, :, :-1] if picture.alpha else pixels
    looked_at = _some(colours) if mapped else colours
    low, high = _range(looked_at)
    gaps = _gaps(looked_at)
    full = full_scale(pixels.dtype)
    opaque = not picture.alpha or bool((pixels[:, :, -1] == full).all())
    black, white = 0.0, 1.0
    if opaque:
        values = _computable(pixels)
        black, white = shown_range(colours, low)
    else:
        # The number space in which the rest of the package resizes such pictures.
        work = np.float32 if pixels.dtype.itemsize == 1 else np.float64
        values = premultiply(pixels.astype(work) / work(full))
    notes = picture.notes
    if values.dtype.name not in ("uint8", "uint16") and (black, white) != (0, 1):
        notes += (f"shown: {black:.4g} as black to {white:.4g} as white",)
    if gaps:
        notes += (f"{gaps}; NaN is shown magenta",)
    if mapped:
        notes += ("read from the disk where it is looked at; range of some of its pixels",)
    middle = values.shape[0] / 2, values.shape[1] / 2
    return Source(
        name, path, pixels.dtype, values, not opaque, low, high, middle, notes, black, white,
        mapped, gaps=gaps,
    )  # fmt: skip


def load(path: str) -> Source:
    """The picture in a file; `upsampler.images.ImageError` says in a line what is wrong with it."""
    from .sources.mapped import open_mapped
    from .sources.shelf import open_shelf

    kind = _kind(path)
    if kind == "array":
        return open_shelf(path)
    if kind == "TIFF" and os.path.getsize(path) > SMALL:
        try:
            with quiet():
                opened = open_mapped(path)
        except ImageError:
            raise
        except Exception:  # what is wrong with it, reading will tell
            opened = None
        if opened is not None:
            return opened
    return source(read(path), os.path.basename(path), path)


def again(old: Source) -> Source:
    """The same picture from its file as it is now; of arrays the same slice, if there is one."""
    assert old.path is not None
    new = load(old.path)
    if old.slice is None or new.shelf is None:
        return new
    try:
        return new.shelf.source(old.slice)
    except (ValueError, IndexError, KeyError):  # it has another shape now
        return new


def _kind(path: str) -> str:
    """What the first bytes of a file say, "" for all that `upsampler.images.read` sees to."""
    try:
        if not os.path.isfile(path):
            return ""  # a pipe would block
        with open(path, "rb") as file:
            head = file.read(8)
    except OSError:
        return ""
    if head.startswith((b"\x93NUMPY", b"PK\x03\x04")):
        return "array"
    return "TIFF" if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")) else ""


def built_in() -> Source:
    """The test chart that is shown when no file is given."""
    opened = source(Picture(chart()), "test chart")
    height, width = opened.size
    # The Siemens star in the middle of the upper row; in the very middle only charts meet.
    return replace(opened, centre=(height / 4, width / 2))


def shown_range(colours: np.ndarray, low: float) -> tuple[float, float]:
    """The values that are shown black and white; of signed data zero is in the middle.

    A million pixels tell where the bulk of a large picture lies.
    """
    black, white = display_range(Picture(_some(colours)))
    if low < 0 and colours.dtype.kind in "if":
        white = max(abs(black), abs(white))
        black = -white
    return black, white


def _some(colours: np.ndarray) -> np.ndarray:
    """About `LOOKED_AT` pixels of a picture, evenly spread."""
    n = max(1, ceil(sqrt(colours.shape[0] * colours.shape[1] / LOOKED_AT)))
    return colours[::n, ::n]


def _computable(pixels: np.ndarray) -> np.ndarray:
    """Types that methods do not take are shown through one that holds them."""
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.kind == "f" and pixels.dtype.itemsize > 8:
        return pixels.astype(np.float64)
    return pixels


def _range(colours: np.ndarray) -> tuple[float, float]:
    if colours.dtype.kind == "f":
        colours = colours[np.isfinite(colours)]
    return (float(colours.min()), float(colours.max())) if colours.size else (0.0, 0.0)


def _gaps(colours: np.ndarray) -> str:
    if colours.dtype.kind != "f":
        return ""
    finite = np.isfinite(colours)
    if finite.all():
        return ""
    return "some values are not finite" if finite.any() else "no value is finite"
