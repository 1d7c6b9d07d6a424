"""Small picture files in memory, made by other libraries where those can make them."""

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image


def pixels(shape, dtype="uint8", seed=0):
    """Smooth colours with a little noise: compresses like a picture, no two rows alike."""
    rng = np.random.default_rng(seed)
    grid = np.indices(shape[:2]).sum(0)[(...,) + (None,) * (len(shape) - 2)]
    values = (grid * 0.02 + rng.random(shape) * 0.3) % 1.0
    if np.dtype(dtype).kind == "f":
        return values.astype(dtype)
    top = min(np.iinfo(dtype).max, 2**62)
    return (values * top).astype(dtype)


def by_pillow(array, kind, **options):
    file = io.BytesIO()
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    image.save(file, kind, **options)
    return file.getvalue()


def by_tifffile(array, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(array, bits, colour, extra=b"", interlace=0):
    """A PNG by hand, unfiltered: `array` (H, W, C) of samples, `extra` chunks before the data."""
    height, width, channels = array.shape
    if bits == 16:
        rows = array.astype(">u2").reshape(height, -1).view(np.uint8)
    elif bits == 8:
        rows = array.reshape(height, -1).astype(np.uint8)
    else:
        flat = array.reshape(height, width * channels)
        pad = -flat.shape[1] % (8 // bits)
        flat = np.pad(flat, ((0, 0), (0, pad))).reshape(height, -1, 8 // bits)
        shifts = np.arange(8 - bits, -1, -bits)
        rows = (flat << shifts).sum(2).astype(np.uint8)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + extra
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )
