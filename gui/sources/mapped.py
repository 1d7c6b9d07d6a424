"""TIFF files that are too large for memory: mapped as they are, or unpacked to a file that is.

Either way what is looked at is read when it is looked at, a page of the system at a time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import weakref
from typing import Any

import numpy as np

from upsampler.images import ImageError
from upsampler.picture import Picture, available_memory, shown

from ..source import Source, source
from .shelf import MAPPED

_PLAIN = (1, 2)  # photometric: black is zero, RGB
_UPRIGHT = 1


def open_mapped(path: str) -> Source | None:
    """A large TIFF file, None where it is small or of a kind that is better read whole."""
    from tifffile import TiffFile, memmap

    with TiffFile(path) as tiff:
        page: Any = tiff.pages.first
        if page.dtype is None or page.axes not in ("YX", "YXS"):
            return None
        nbytes = int(np.prod(page.shape, dtype=object)) * page.dtype.itemsize
        tag = page.tags.get("Orientation")
        turned = tag is not None and int(tag.value) != _UPRIGHT
        odd = page.photometric not in _PLAIN or page.bitspersample < 8 or turned
        if nbytes < MAPPED or odd:
            return None
        simple = page.is_memmappable and page.is_final and page.dtype.isnative
        if simple and tiff.byteorder == ("<" if np.little_endian else ">"):
            pixels = np.asarray(memmap(path, page=0, mode="r"))
        elif nbytes > (available_memory() or 0) // 2:
            pixels = _unpacked(page, nbytes, shown(path))
        else:
            return None
    colours = 3 if page.photometric == _PLAIN[1] else 1
    if pixels.ndim == 3:
        pixels = pixels[:, :, :colours]  # weighing by opacity would take a copy of all of it
    return source(Picture(pixels), os.path.basename(path), path, mapped=True)


def _unpacked(page: Any, nbytes: int, name: str) -> np.ndarray:
    """The decoded pixels in a file without a name, strip by strip or tile by tile."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < nbytes:
        raise ImageError(
            f"{name}: unpacked it takes {nbytes / 1e9:.1f} GB, for which neither memory nor the "
            f"{free / 1e9:.1f} GB left in {shown(folder)} suffice; point TMPDIR to a larger disk"
        )
    handle, scratch = tempfile.mkstemp(suffix=".raw")
    os.close(handle)
    mapped = np.memmap(scratch, page.dtype.newbyteorder("="), "w+", shape=page.shape)
    weakref.finalize(mapped, _remove, scratch)
    _remove(scratch)  # on Linux a file lives as long as it is mapped
    flat = mapped if mapped.ndim == 3 else mapped[:, :, None]
    for segment, (_, _, row, column, _), shape in page.segments(maxworkers=1):
        if segment is not None:
            part = segment[0]
            height = min(shape[1], flat.shape[0] - row)  # tiles may reach beyond the border
            width = min(shape[2], flat.shape[1] - column)
            flat[row : row + height, column : column + width] = part[:height, :width]
    return np.asarray(mapped)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
