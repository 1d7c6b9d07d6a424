"""PNG, JPEG and WebP by Pillow, and the 16-bit colour that Pillow does not offer.

imageio reads these formats by Pillow, too, but cuts 16-bit colour to 8 bits without a word, stacks
the frames of an animated PNG, and mirrors the channels instead of the columns of a palette
picture with an orientation tag: so Pillow is used directly.
"""

from __future__ import annotations

import io
import struct
from typing import Any, BinaryIO

import numpy as np

from .picture import ImageError, Picture, check_memory
from .png import png_chunks, write_png16

_MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
_ORIENTATION = 0x0112


def upright(pixels: np.ndarray, orientation: object) -> np.ndarray:
    """Turn and mirror as the EXIF / TIFF tag `orientation` (1 to 8) asks; others mean 1."""
    if orientation in (5, 6, 7, 8):  # rows of the file are columns of the picture
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def read_raster(data: bytes, kind: str) -> Picture:
    """Decode the bytes of a whole PNG, JPEG or WebP file."""
    from PIL import Image

    deep, key = _check_png(data) if kind == "PNG" else (False, None)
    if kind == "WebP" and len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise ImageError("truncated WebP file")
    image: Any = Image.open(io.BytesIO(data), formats=[kind.upper()])
    channels = len(image.getbands()) if image.mode != "P" else 4
    depth = np.dtype(np.uint16 if deep else np.uint8)
    check_memory((image.height, image.width, channels), depth, 3 if deep else 2)
    notes = []
    if kind != "JPEG" and getattr(image, "n_frames", 1) > 1:
        notes.append(f"animated {kind}: only the first of {image.n_frames} frames is read")
    if deep and image.mode != "I;16":
        pixels = _deep(data)
        image.load()  # for the tags that follow the pixels
    else:
        if image.mode == "P":
            image = image.convert("RGBA" if "transparency" in image.info else image.palette.mode)
            key = None
        elif image.mode in ("CMYK", "YCCK"):
            notes.append("CMYK turned into RGB without colour management")
            image.info.pop("icc_profile", None)  # it describes inks
            image = image.convert("RGB")
        elif image.mode == "1":
            image = image.convert("L")
        if image.mode not in (*_MODES, "I;16"):
            raise ImageError(f"{kind} pixels of kind {image.mode} are not supported")
        pixels = np.array(image, depth)
    if key is not None:
        pixels = _keyed(pixels, key)
    return Picture(
        upright(pixels, _orientation(image, notes)),
        alpha=pixels.ndim == 3 and pixels.shape[2] in (2, 4),
        icc=image.info.get("icc_profile"),
        notes=tuple(notes),
    )


def _orientation(image: Any, notes: list[str]) -> object:
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged tag is no reason to refuse sound pixels
        notes.append("EXIF data are damaged: no orientation applied")
        return 1


def _check_png(data: bytes) -> tuple[bool, tuple[int, ...] | None]:
    """Walk all chunks of a PNG; whether it has 16 bits, and its transparent colour in 8 or 16.

    Pillow takes a file that ends behind the last row for complete, and the size in the header
    for granted: a row needs at least 1/1032 of its bytes in the file (the limit of deflate).
    """
    transparent = None
    head: bytes | memoryview = b""
    for name, body in png_chunks(data):
        if not head and (name != b"IHDR" or len(body) != 13):
            raise ImageError("corrupt PNG file (no header)")
        head = head or body
        if name == b"tRNS":
            transparent = body
    width, height, bits, colour = struct.unpack(">IIBB", head[:10])
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 0)
    if not (width and height and samples and bits in (1, 2, 4, 8, 16)):
        raise ImageError(f"corrupt PNG file (header {head.hex()})")
    if height * (1 + (width * samples * bits + 7) // 8) > 1032 * len(data):
        raise ImageError(
            f"corrupt PNG file ({len(data)} bytes cannot hold the promised {width} x {height} "
            "pixels)"
        )
    key = None
    if transparent is not None and colour in (0, 2) and len(transparent) == 2 * samples:
        spread = 255 // (2**bits - 1) if bits < 8 else 1
        key = tuple(v * spread for v in struct.unpack(f">{samples}H", transparent))
    return bits == 16, key


def _keyed(pixels: np.ndarray, key: tuple[int, ...]) -> np.ndarray:
    """Add an alpha channel: nothing where a pixel has exactly the colour `key`."""
    colour = pixels if pixels.ndim == 3 else pixels[..., None]
    opaque = (colour != np.array(key)).any(axis=2, keepdims=True)
    full = np.iinfo(pixels.dtype).max
    return np.concatenate([colour, (opaque * full).astype(pixels.dtype)], axis=2)


def _deep(data: bytes) -> np.ndarray:
    """16-bit colour of a PNG, in full.

    Pillow keeps one byte of each sample and has an unpacker for either byte order: told that
    the samples are little-endian it hands out the other byte.  Gray with alpha has four bytes
    a pixel and is taken whole.  (A decoder of our own would need Adam7 and the Paeth filter,
    a loop over bytes: seconds in Python for a camera picture, where this takes two passes in C.)
    """
    from PIL import Image

    def decode(code: str = "") -> tuple[np.ndarray, str]:
        image: Any = Image.open(io.BytesIO(data), formats=["PNG"])
        own = image.tile[0].args
        image.tile = [tile._replace(args=code or own) for tile in image.tile]
        return np.asarray(image), own

    high, code = decode()
    if code == "LA;16B":
        return decode("RGBA")[0].view(">u2").astype(np.uint16)
    if code not in ("RGB;16B", "RGBA;16B"):
        raise ImageError(f"16-bit PNG pixels of kind {code} are not supported")
    result = high.astype(np.uint16)
    result <<= 8
    result |= decode(code.replace(";16B", ";16L"))[0]
    return result


def write_raster(file: BinaryIO, kind: str, picture: Picture) -> None:
    """Encode as PNG, JPEG or WebP what `check_writable` found fit."""
    if picture.dtype == np.uint16:
        write_png16(file, picture.pixels, picture.icc)
        return
    from PIL import Image

    options: dict[str, Any] = {"icc_profile": picture.icc} if picture.icc else {}
    if kind == "JPEG":
        options |= {"quality": 95, "subsampling": 0}
    elif kind == "WebP":
        # exact: keep the colour of transparent pixels, as the other formats do.
        options |= {"lossless": True, "exact": True}
    Image.fromarray(np.ascontiguousarray(picture.pixels)).save(file, format=kind.upper(), **options)
