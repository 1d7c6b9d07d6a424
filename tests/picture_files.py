"""Small picture files in memory, made by other libraries where those can make them."""

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

from upsampler.images import read


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


# Start and step of the rows and columns of each pass of an interlaced PNG.
ADAM7 = (
    (0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)
)  # fmt: skip


def _packed(array, bits):
    """Samples (H, W, C) as unfiltered rows of bytes."""
    if 0 in array.shape:
        return b""
    rows = array.reshape(len(array), -1)
    if bits == 16:
        rows = rows.astype(">u2").view(np.uint8)
    elif bits < 8:
        rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % (8 // bits))))
        rows = rows.reshape(len(array), -1, 8 // bits)
        rows = (rows << np.arange(8 - bits, -1, -bits)).sum(2)
    return b"".join(b"\0" + row.tobytes() for row in rows.astype(np.uint8))


def png(array, bits, colour, extra=b"", interlace=False):
    """A PNG by hand, unfiltered: `array` (H, W, C) of samples, `extra` chunks before the data."""
    height, width, _ = array.shape
    if interlace:
        raw = b"".join(_packed(array[y::v, x::h], bits) for y, v, x, h in ADAM7)
    else:
        raw = _packed(array, bits)
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + extra
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


def stored(folder, data, name="x.bin"):
    path = folder / name
    path.write_bytes(data)
    return path


def same(path, array, alpha=False):
    picture = read(path)
    assert picture.dtype == array.dtype
    assert picture.pixels.shape == array.shape
    np.testing.assert_array_equal(picture.pixels, array)
    assert picture.alpha is alpha
    assert picture.pixels.flags.c_contiguous
    return picture
