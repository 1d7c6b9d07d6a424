"""Pictures written row by row, for results that are larger than memory: PNG, TIFF and .npy."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from math import prod
from typing import BinaryIO

import numpy as np

from .files import replacing
from .formats import PathLike, check_ending, check_writable
from .picture import ImageError, shown
from .png import PngRows

STREAMED = (".npy", ".png", ".tif", ".tiff")
Write = Callable[[np.ndarray], None]


@contextlib.contextmanager
def writing(
    path: PathLike, shape: tuple[int, ...], dtype: np.dtype, alpha: bool = False
) -> Iterator[Write]:
    """Open a picture file for rows to come; at the end of the block it is there whole, or not.

    Parameters
    ----------
    path : path-like
        Ends in .npy, .png, .tif or .tiff.
    shape : tuple of int
        (H, W) or (H, W, C) of the whole picture.
    dtype : dtype
        Of its pixels.
    alpha : bool
        Whether the last channel is opacity.

    Yields
    ------
    callable
        ``write(rows)`` takes the next rows, (h, W) or (h, W, C).

    Raises
    ------
    ImageError
        If the format cannot hold the picture, or the disk has no room for it, before anything is
        written; or if the rows do not add up to the picture.

    Notes
    -----
    TIFF and .npy are written without compression, PNG with that of zlib.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from upsampler.images import read
    >>> from upsampler.streams import writing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "rows.png")
    ...     with writing(path, (4, 3), np.dtype(np.uint8)) as write:
    ...         for value in range(4):
    ...             write(np.full((1, 3), value, np.uint8))
    ...     read(path).pixels[:, 0].tolist()
    [0, 1, 2, 3]
    """
    check_streamed(path, shape, dtype, alpha)
    ending = check_ending(path)
    with replacing(path) as file:
        begin = {".npy": _npy, ".png": _png}.get(ending, _tiff)
        write, end = begin(file, shape, dtype, alpha)
        left = shape[0]

        def counted(rows: np.ndarray) -> None:
            nonlocal left
            left -= len(rows)
            if left < 0 or rows.shape[1:] != shape[1:] or rows.dtype != dtype:
                raise ImageError(
                    f"{shown(path)}: got rows of shape {rows.shape} and dtype {rows.dtype} for a "
                    f"picture of shape {shape} and dtype {dtype}"
                )
            write(np.ascontiguousarray(rows))

        yield counted
        if left:
            raise ImageError(f"{shown(path)}: {left} of {shape[0]} rows are missing")
        end()


def check_streamed(
    path: PathLike, shape: tuple[int, ...], dtype: np.dtype, alpha: bool = False
) -> None:
    """Whether `writing` can begin; `ImageError` says why it cannot."""
    ending = check_ending(path)
    if ending not in STREAMED:
        raise ImageError(
            f"{shown(path)}: {ending} cannot be written row by row; what can: {', '.join(STREAMED)}"
        )
    check_writable(path, dtype, shape, alpha)
    need = prod(shape) * dtype.itemsize
    folder = os.path.dirname(os.path.realpath(path))
    with contextlib.suppress(OSError):  # that there is no folder, opening will tell
        free = shutil.disk_usage(folder).free
        if ending != ".png" and need > free:
            raise ImageError(
                f"{shown(path)}: needs {need / 1e9:.1f} GB; {free / 1e9:.1f} GB are left on the "
                "disk"
            )


def _nothing() -> None:
    pass


def _npy(
    file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype, _alpha: bool
) -> tuple[Write, Callable[[], None]]:
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape
    }  # fmt: skip
    np.lib.format.write_array_header_1_0(file, header)
    return lambda rows: _put(file, rows), _nothing


def _tiff(
    file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype, alpha: bool
) -> tuple[Write, Callable[[], None]]:
    """The tables first, around room for the pixels; then these, where the tables say."""
    from tifffile import TiffFile

    from .tiffs import reserve_tiff

    reserve_tiff(file, shape, dtype, alpha)
    file.seek(0)
    with TiffFile(file) as tiff:
        offset = tiff.pages.first.dataoffsets[0]
        order = tiff.byteorder
    file.seek(offset)
    stored = dtype.newbyteorder(order)
    return lambda rows: _put(file, rows.astype(stored, copy=False)), _nothing


def _png(
    file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype, _alpha: bool
) -> tuple[Write, Callable[[], None]]:
    rows = PngRows(file, shape, dtype.itemsize * 8)
    return rows.write, rows.end


def _put(file: BinaryIO, rows: np.ndarray) -> None:
    if rows.size:
        file.write(rows.data.cast("B"))
