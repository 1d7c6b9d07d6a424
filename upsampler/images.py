"""Picture files to arrays and back: PNG, JPEG, WebP, TIFF and .npy.

What a file is, its first bytes decide; the ending of the name decides only what is written.
Every way in which reading can fail ends in one `ImageError`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from .files import replacing
from .formats import PathLike, check_writable
from .picture import ImageError, Picture, check_memory, shown

__all__ = ["ImageError", "Picture", "read", "write"]

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"RIFF", "WebP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\x93NUMPY", "npy"),
)


def read(path: PathLike) -> Picture:
    """Read a picture file.

    Parameters
    ----------
    path : path-like
        A PNG, JPEG, WebP, TIFF (8 to 64-bit integers, 16 to 64-bit floats) or .npy file; the
        contents decide, not the name.

    Returns
    -------
    Picture
        Upright, in the file's own precision.  1, 2 and 4-bit samples are spread to 8 bits,
        palettes and transparent colours are resolved, CMYK becomes RGB; of several pages or
        frames the first is read.  `notes` tell what was decided.  An .npy array is (H, W) or
        (H, W, C); its last channel counts as alpha where it is the second or fourth of 8 or
        16-bit unsigned integers.

    Raises
    ------
    ImageError
        If the file is missing, empty, truncated, corrupt, of an unknown kind, of a kind that
        is not supported, or would not fit into memory.  Of a damaged file no part is returned,
        wherever its format allows to tell (JPEG and WebP carry no checksums).

    Examples
    --------
    >>> from upsampler.images import read
    >>> read("nowhere.png")
    Traceback (most recent call last):
        ...
    upsampler.picture.ImageError: nowhere.png: no such file
    """
    name = shown(path)
    try:
        with open_regular(path) as file, quiet():
            return _decode(file, os.fstat(file.fileno()).st_size)
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error.__cause__
    except OSError as error:
        raise ImageError(f"{name}: {_reason(error)}") from error
    except MemoryError as error:
        raise ImageError(f"{name}: too large for the memory of this machine") from error
    except Exception as error:  # decoders raise anything at all on malformed files
        raise ImageError(f"{name}: corrupt or not supported ({_reason(error)})") from error


def write(path: PathLike, picture: Picture) -> None:
    """Write a picture file, whole or not at all.

    Parameters
    ----------
    path : path-like
        Its ending decides the format.  A file that exists is replaced.
    picture : Picture
        PNG takes uint8 and uint16, JPEG (quality 95, no colour subsampling) and WebP (lossless,
        gray becomes RGB) take uint8, TIFF any integers and floats, .npy everything.

    Raises
    ------
    ImageError
        If the format cannot hold the picture (see `check_writable`), or the file cannot be
        written; what was there before is left as it was.
    """
    kind = check_writable(path, picture.dtype, picture.pixels.shape, picture.alpha)
    try:
        with replacing(path) as file, quiet():
            _encode(file, kind, picture)
    except OSError as error:
        raise ImageError(f"{shown(path)}: {_reason(error)}") from error
    except ValueError as error:  # from the encoders
        raise ImageError(f"{shown(path)}: cannot be encoded ({_reason(error)})") from error


def _decode(file: BinaryIO, size: int) -> Picture:
    head = file.read(16)
    file.seek(0)
    if not head:
        raise ImageError("the file is empty")
    kind = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    if kind is None or (kind == "WebP" and head[8:12] != b"WEBP"[: len(head) - 8]):
        raise ImageError("not a PNG, JPEG, WebP, TIFF or .npy file")
    if kind == "npy":
        return _read_npy(file, size)
    if kind == "TIFF":
        from .tiffs import read_tiff

        return read_tiff(file, size)
    from .rasters import read_raster

    return read_raster(file.read(), kind)


def _encode(file: BinaryIO, kind: str, picture: Picture) -> None:
    if kind == ".npy":
        np.lib.format.write_array(file, picture.pixels, allow_pickle=False)
    elif kind == "TIFF":
        from .tiffs import write_tiff

        write_tiff(file, picture)
    else:
        from .rasters import write_raster

        write_raster(file, kind, picture)


def _read_npy(file: BinaryIO, size: int) -> Picture:
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ImageError(f"an .npy file of the unknown version {version}")
    # 3.0 differs from 2.0 in the text encoding of field names alone, and a picture has no fields.
    header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = header(file)
    if dtype.kind not in "biuf":
        raise ImageError(f"holds dtype {dtype}, a picture is made of integers or floats")
    if len(shape) not in (2, 3) or 0 in shape:
        raise ImageError(f"holds shape {shape}, a picture is (H, W) or (H, W, C) and not empty")
    nbytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if nbytes > size - file.tell():
        raise ImageError(f"truncated: {nbytes} bytes promised, {size - file.tell()} found")
    check_memory(shape, dtype, 1)
    file.seek(0)
    pixels = np.lib.format.read_array(file, allow_pickle=False)
    pixels = np.ascontiguousarray(pixels, dtype.newbyteorder("="))
    alpha = pixels.ndim == 3 and shape[2] in (2, 4) and dtype.name in ("uint8", "uint16")
    return Picture(pixels, alpha)


# --- for the readers ---------------------------------------------------------------------------


@contextlib.contextmanager
def open_regular(path: PathLike) -> Iterator[BinaryIO]:
    """Open a regular file; a pipe or a device would block or never end."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ImageError("is a folder" if os.path.isdir(path) else "is not a regular file")
    with open(path, "rb") as file:
        yield file


_QUIET = threading.RLock()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep decoders from talking past us, and from judging sizes by their own taste.

    tifffile and Pillow report damage to their logs, Pillow also by warnings, and Pillow refuses
    pictures of more than 179 million pixels however large the machine: all of this is global
    state, hence the lock (the viewer reads files in worker threads).
    """
    from PIL import Image

    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logs = [logging.getLogger(name) for name in ("tifffile", "PIL.TiffImagePlugin")]
        before = Image.MAX_IMAGE_PIXELS, [log.disabled for log in logs]
        Image.MAX_IMAGE_PIXELS = None
        for log in logs:
            log.disabled = True
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before[0]
            for log, disabled in zip(logs, before[1], strict=True):
                log.disabled = disabled


def _reason(error: BaseException) -> str:
    """The first line of what an exception says."""
    if isinstance(error, FileNotFoundError):
        return "no such file" if error.filename2 is None else "no such folder"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    lines = str(error).strip().splitlines()
    text = lines[0][:160] if lines else type(error).__name__
    return text if text.isprintable() else ascii(text)
