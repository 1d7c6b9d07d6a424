"""The little of the PNG format that Pillow leaves out: strict chunks, 16-bit colour, single rows.

W3C, Portable Network Graphics (PNG) Specification, third edition.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from .picture import ImageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_BLOCK = 1 << 22  # bytes of filtered rows that are made at once


def png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Name and body of every chunk up to IEND, each with a matching checksum."""
    view, at = memoryview(data), len(SIGNATURE)
    while True:
        if at + 12 > len(data):
            raise ImageError("truncated PNG file")
        length = int.from_bytes(view[at : at + 4], "big")
        end = at + 12 + length
        if end > len(data):
            raise ImageError("truncated PNG file")
        name = bytes(view[at + 4 : at + 8])
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise ImageError("corrupt PNG file (a checksum does not match)")
        yield name, view[at + 8 : end - 4]
        if name == b"IEND":
            return
        at = end


def write_png16(file: BinaryIO, pixels: np.ndarray, icc: bytes | None = None) -> None:
    """Write 16-bit samples (Pillow's writer knows 16 bits for gray alone).

    Parameters
    ----------
    file : binary file
        Where to write.
    pixels : ndarray of uint16, shape (H, W) or (H, W, C)
        One to four channels: gray, gray and alpha, RGB, RGBA.
    icc : bytes, optional
        Colour profile.
    """
    rows = PngRows(file, pixels.shape, 16, icc)
    rows.write(pixels)
    rows.end()


class PngRows:
    """A PNG file whose rows come one after the other.

    Parameters
    ----------
    file : binary file
        Where to write.
    shape : tuple of int
        (H, W) or (H, W, C) of the picture; one to four channels.
    bits : int
        8 or 16, of a sample.
    icc : bytes, optional
        Colour profile.
    """

    def __init__(
        self, file: BinaryIO, shape: tuple[int, ...], bits: int, icc: bytes | None = None
    ) -> None:
        height, width = shape[:2]
        channels = shape[2] if len(shape) == 3 else 1
        file.write(SIGNATURE)
        header = struct.pack(">IIBBBBB", width, height, bits, _COLOUR_TYPES[channels], 0, 0, 0)
        _chunk(file, b"IHDR", header)
        if icc:
            _chunk(file, b"iCCP", b"icc\0\0" + zlib.compress(icc))
        self._file, self._packer = file, zlib.compressobj(6)
        self._type = ">u1" if bits == 8 else ">u2"
        self._step = bits // 8 * channels  # bytes of a pixel: distance of the left neighbour
        self._above = np.zeros((1, width * self._step), np.uint8)

    def write(self, pixels: np.ndarray) -> None:
        """The next rows, (h, W) or (h, W, C)."""
        length = self._above.shape[1]
        rows = max(1, _BLOCK // length)
        for top in range(0, len(pixels), rows):
            block = pixels[top : top + rows].astype(self._type, order="C").view(np.uint8)
            block = block.reshape(len(block), -1)
            filtered = _filter(block, np.concatenate([self._above, block[:-1]]), self._step)
            _chunk(self._file, b"IDAT", self._packer.compress(filtered.data))
            self._above = block[-1:]

    def end(self) -> None:
        """After the last row."""
        _chunk(self._file, b"IDAT", self._packer.flush())
        _chunk(self._file, b"IEND", b"")


def _filter(rows: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """Each row by the filter whose result has the least sum of absolute (signed) bytes.

    The heuristic of the specification, section 12.7; it makes photographs a third smaller
    than no filter does.
    """

    def shifted(values: np.ndarray) -> np.ndarray:
        return np.pad(values, ((0, 0), (step, 0)))[:, : values.shape[1]]

    left, corner = shifted(rows), shifted(above)
    average = (left.astype(np.uint16) + above) // 2
    candidates = [rows, rows - left, rows - above, rows - average.astype(np.uint8)]
    candidates.append(rows - _paeth(left, above, corner))
    cost = [np.abs(c.view(np.int8).astype(np.int16)).sum(1, dtype=np.int64) for c in candidates]
    choice = np.argmin(cost, axis=0)
    result = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    result[:, 0] = choice
    for number, candidate in enumerate(candidates):
        result[choice == number, 1:] = candidate[choice == number]
    return result


def _paeth(left: np.ndarray, above: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """The neighbour nearest to left + above - corner; ties: left, above, corner."""
    a, b, c = (v.astype(np.int16) for v in (left, above, corner))
    from_left, from_above, from_corner = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    use_left = (from_left <= from_above) & (from_left <= from_corner)
    return np.where(use_left, left, np.where(from_above <= from_corner, above, corner))


def _chunk(file: BinaryIO, name: bytes, body: bytes) -> None:
    file.write(struct.pack(">I", len(body)) + name)
    file.write(body)
    file.write(struct.pack(">I", zlib.crc32(body, zlib.crc32(name))))
