"""What each kind of picture file can hold, and whether a result will fit: asked before any work."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .arrays import available_memory
from .picture import ImageError, shown

PathLike = str | os.PathLike[str]


class _Format(NamedTuple):
    """What a kind of file holds (None is everything), and what it takes to write it."""

    name: str
    dtypes: tuple[str, ...] | None
    channels: tuple[int, ...] | None
    side: int | None
    encoding: int  # bytes for each 8-bit pixel that the encoder holds beside the picture


_INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
# The bytes are measured peaks.  Pillow copies colour into four bytes a pixel; libwebp takes 18 for
# a smooth picture and 42 for noise.  16-bit PNG, TIFF and .npy are written block by block.
_FORMATS = {
    ".png": _Format("PNG", ("uint8", "uint16"), (1, 2, 3, 4), 2**31 - 1, 4),
    ".jpg": _Format("JPEG", ("uint8",), (1, 3), 65500, 4),
    ".webp": _Format("WebP", ("uint8",), (1, 3, 4), 16383, 42),
    ".tif": _Format("TIFF", (*_INTEGERS, "float16", "float32", "float64"), None, 2**32 - 1, 0),
    ".npy": _Format(".npy", None, None, None, 0),
}
_FORMATS[".jpeg"], _FORMATS[".tiff"] = _FORMATS[".jpg"], _FORMATS[".tif"]
_BLOCKS = 1 << 27  # bytes for the blocks: 16-bit PNG holds 120 MB of them, the others less


def check_writable(path: PathLike, dtype: np.dtype, shape: tuple[int, ...], alpha: bool) -> str:
    """Whether `path` can hold such a picture: to be asked before the work is done.

    Parameters
    ----------
    path : path-like
        Its ending decides the format: .png, .jpg, .jpeg, .webp, .tif, .tiff, .npy.
    dtype, shape, alpha
        Of the picture to be written.

    Returns
    -------
    str
        The name of the format.

    Raises
    ------
    ImageError
        If the ending is unknown, or its format cannot hold the picture; the message says what
        it holds and which format does.
    """
    name, ending = shown(path), check_ending(path)
    channels = 1 if len(shape) == 2 else shape[2]
    side = max(shape[:2])
    reason = _misfit(_FORMATS[ending], dtype.name, channels, alpha, side)
    if reason is None:
        return _FORMATS[ending].name
    fit = [e for e, f in _FORMATS.items() if _misfit(f, dtype.name, channels, alpha, side) is None]
    raise ImageError(f"{name}: {reason}; what holds it: {', '.join(fit)}")


def check_ending(path: PathLike) -> str:
    """The ending of `path` in small letters; `ImageError` if nothing is written under it."""
    ending = Path(path).suffix.lower()
    if ending not in _FORMATS:
        raise ImageError(
            f"{shown(path)}: got the ending {ending!r}; allowed for writing: {', '.join(_FORMATS)}"
        )
    return ending


def check_room(path: PathLike, dtype: np.dtype, shape: tuple[int, ...]) -> None:
    """Whether a picture can be computed and written to `path`: asked before the work is done.

    Encoders hold copies of the picture: a result that just fits would have the process killed
    while it writes, with the temporary file left behind.

    Parameters
    ----------
    path : path-like
        Its ending decides the format.
    dtype, shape
        Of the picture, which is not yet in memory.

    Raises
    ------
    ImageError
        If the memory that is available does not suffice; the message says how much would.
    """
    kind = _FORMATS[check_ending(path)]
    need = prod(shape) * dtype.itemsize + _BLOCKS
    if dtype.itemsize == 1:
        need += prod(shape[:2]) * kind.encoding
    room = available_memory()
    if room is not None and need > room:
        raise ImageError(
            f"{shown(path)}: {shape[1]} x {shape[0]} pixels need {need / 1e9:.1f} GB to "
            f"compute and to write as {kind.name}; {room / 1e9:.1f} GB of memory are available"
        )


def _misfit(kind: _Format, dtype: str, channels: int, alpha: bool, side: int) -> str | None:
    """Why a picture does not fit into a format, or None."""
    if kind.dtypes is not None and dtype not in kind.dtypes:
        return f"{kind.name} holds {_listed(kind.dtypes)}, not {dtype}"
    if kind.channels is not None:
        if channels not in kind.channels:
            held = _listed(kind.channels)
            return f"{kind.name} holds {held} channels, not {channels}{' (alpha)' * alpha}"
        if alpha and channels == 3:
            return f"{kind.name} holds alpha as the second or fourth channel, not as the third"
    if kind.side is not None and side > kind.side:
        return f"{kind.name} holds up to {kind.side} pixels a side, not {side}"
    return None


def _listed(values: tuple[object, ...]) -> str:
    names = [str(v) for v in values]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
