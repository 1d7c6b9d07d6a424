"""TIFF by tifffile, and by Pillow's libtiff where tifffile lacks the compression."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from math import prod
from typing import Any, BinaryIO

import numpy as np

from .color import round_to, unpremultiply
from .picture import ImageError, Picture, check_memory, full_scale
from .rasters import upright

# Compressions that tifffile decodes with the standard library alone: none, the two deflates,
# PackBits.  (LZW and JPEG want the package imagecodecs, ten times the size of this one.)
_OWN_COMPRESSIONS = (1, 8, 32946, 32773)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE = range(4)
_ASSOCIATED, _UNASSOCIATED = 1, 2
_CLASSIC = 2**32 - 2**25  # bytes of pixels that leave room for the tables below 4 GB


def read_tiff(file: BinaryIO, size: int) -> Picture:
    """Decode the first page of a TIFF file of `size` bytes."""
    from tifffile import TiffFile

    with TiffFile(file) as tiff:
        page = tiff.pages.first
        notes = []
        if len(tiff.pages) > 1:
            notes.append(f"TIFF of several pages: only the first of {len(tiff.pages)} is read")
        if page.dtype is None or page.axes not in ("YX", "YXS", "SYX"):
            bits = page.bitspersample
            raise ImageError(f"TIFF of {bits}-bit samples with axes {page.axes} is not supported")
        shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
        check_memory(shape, page.dtype)
        _check_segments(page, size)
        known = page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE)
        if page.compression in _OWN_COMPRESSIONS and known:
            return _picture(page, tuple(notes))
        return _by_pillow(file, page, tuple(notes))


def _check_segments(page: Any, size: int) -> None:
    """Every strip or tile must lie in the file: where one does not, tifffile fills in zeros."""
    offsets, counts = page.dataoffsets, page.databytecounts
    expected = int(np.prod(page.chunked, dtype=object))
    if len(offsets) < expected or len(counts) < expected:
        raise ImageError(f"corrupt TIFF file ({expected} strips expected, {len(offsets)} found)")
    for offset, count in zip(offsets, counts, strict=False):
        if offset + count > size:
            raise ImageError("truncated TIFF file (pixels promised beyond its end)")
        if count == 0:
            raise ImageError("TIFF file with a missing strip or tile")


def _picture(page: Any, notes: tuple[str, ...]) -> Picture:
    pixels = page.asarray()
    if page.axes == "SYX":
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if page.photometric == _PALETTE:
        pixels = _from_palette(pixels, page.colormap)
    elif pixels.dtype == bool or page.bitspersample < 8:
        levels = 2**page.bitspersample - 1
        pixels = pixels.astype(np.uint8) * np.uint8(255 // levels)
    if page.photometric == _WHITE_IS_ZERO and pixels.dtype.kind == "u":
        pixels = np.iinfo(pixels.dtype).max - pixels
    extra = page.extrasamples
    colours = 3 if page.photometric == _RGB else 1
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    alpha = channels == colours + 1 and extra[:1] in ((_ASSOCIATED,), (_UNASSOCIATED,))
    if alpha and extra[0] == _ASSOCIATED:
        pixels = _separated(pixels)
    tag = page.tags.get("Orientation")
    return Picture(
        upright(pixels, 1 if tag is None else int(tag.value)),
        alpha=alpha,
        icc=page.iccprofile or None,
        notes=notes,
    )


def _from_palette(indices: np.ndarray, colormap: np.ndarray) -> np.ndarray:
    """RGB from a table of 16-bit colours, in 8 bits where it holds no more."""
    colours = np.asarray(colormap).T
    if not (colours % 257).any():
        colours = (colours // 257).astype(np.uint8)
    elif not (colours % 256).any():  # old writers shift by 8 bits
        colours = (colours // 256).astype(np.uint8)
    return colours[indices]


def _separated(pixels: np.ndarray) -> np.ndarray:
    """Opacity taken out of colours that the file holds premultiplied."""
    scale = full_scale(pixels.dtype)
    return round_to(unpremultiply(pixels / scale) * scale, pixels.dtype)


def _by_pillow(file: BinaryIO, page: Any, notes: tuple[str, ...]) -> Picture:
    """8-bit pictures, and gray of any depth, in the other compressions and colour spaces.

    Pillow cuts 16-bit colour to 8 bits, so that is refused.
    """
    from PIL import Image

    file.seek(0)
    image: Any = Image.open(file, formats=["TIFF"])
    if page.bitspersample > 8 and image.mode not in ("I;16", "I;16B", "I", "F"):
        raise ImageError(
            f"{page.bitspersample}-bit TIFF with {page.compression.name} compression and "
            f"{page.photometric.name} colours is not supported; store it as RGB with "
            "deflate compression or none"
        )
    icc = image.info.get("icc_profile")
    if image.mode == "CMYK":
        notes += ("CMYK turned into RGB without colour management",)
        icc = None
    converted = {"1": "L", "P": "RGB", "PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "RGBX": "RGB"}
    with _mute_stderr():
        image.load()  # turns the picture upright, too
    if image.mode in converted:
        image = image.convert(converted[image.mode])
    if image.mode not in ("L", "LA", "RGB", "RGBA", "I;16", "I;16B", "I", "F"):
        raise ImageError(f"TIFF pixels of kind {image.mode} are not supported")
    pixels = np.array(image)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    return Picture(pixels, image.mode in ("LA", "RGBA"), icc, notes)


@contextlib.contextmanager
def _mute_stderr() -> Iterator[None]:
    """libtiff prints what it finds damaged, straight to the file descriptor, and returns it too."""
    try:
        saved = os.dup(2)
    except OSError:  # a window program may have none
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


def write_tiff(file: BinaryIO, picture: Picture) -> None:
    """Encode as TIFF: integers deflated, floats plain (deflate gains little on them)."""
    from tifffile import imwrite

    imwrite(
        file,
        np.ascontiguousarray(picture.pixels),
        compression="zlib" if picture.dtype.kind in "iu" else None,
        iccprofile=picture.icc,
        **_tags(picture.pixels.shape, picture.dtype, picture.alpha),
    )


def reserve_tiff(file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype, alpha: bool) -> None:
    """The tables of a TIFF file and room for its pixels, in one piece and not compressed."""
    from tifffile import imwrite

    imwrite(file, None, shape=shape, dtype=dtype, **_tags(shape, dtype, alpha))


def _tags(shape: tuple[int, ...], dtype: np.dtype, alpha: bool) -> dict[str, Any]:
    """What tifffile is told of a picture."""
    channels = 1 if len(shape) == 2 else shape[2]
    colours = 3 if channels in (3, 4) else 1
    extra = ["unspecified"] * (channels - colours)
    if alpha:
        extra[-1] = "unassalpha"
    return {
        "photometric": "rgb" if colours == 3 else "minisblack",
        "planarconfig": "contig" if channels > 1 else None,
        "extrasamples": extra or None,
        "metadata": None,
        # tifffile decides so by itself, but not with compression: there it fails at 4 GB.
        "bigtiff": prod(shape) * dtype.itemsize > _CLASSIC,
    }
