"""What the tests of the viewer share: waiting, grabbing, and what a pane has to show.

`expected` is written from the specification with rational numbers, and resizes the whole picture,
so that it has nothing in common with the code it judges.
"""

from __future__ import annotations

import time
from fractions import Fraction
from math import floor

import numpy as np

import upsampler
from upsampler.methods import parse

OUTSIDE = 0xFF17191C


def noise(height: int, width: int, channels: int = 3, dtype=np.uint8, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.random((height, width, channels)).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max + 1, (height, width, channels), dtype)


def settled(window) -> bool:
    loading = window.store.state.opening is not None
    return not loading and window.compare.is_settled


def wait(application, window, seconds: float = 20) -> None:
    """For scripts without pytest-qt; raises when it takes too long."""
    end = time.monotonic() + seconds
    while True:
        application.processEvents()
        if settled(window):
            application.processEvents()
            return
        if time.monotonic() > end:
            raise TimeoutError("the window did not settle")
        time.sleep(0.002)


def pixels_of(image) -> np.ndarray:
    """(h, w) uint32 of a QImage, the unused byte set."""
    image = image.convertToFormat(image.Format.Format_RGB32)
    height, width, stride = image.height(), image.width(), image.bytesPerLine()
    raw = np.frombuffer(image.constBits(), np.uint32).reshape(height, stride // 4)
    return raw[:, :width] | np.uint32(0xFF000000)


def shown_output(d: int, extent: int, centre: float, z: float, n: int, m: int) -> int:
    """The output at device pixel `d` where z / S is an integer, or -1."""
    k = Fraction(z).limit_denominator(10**6) * n / m
    assert k.denominator == 1
    offset = round(centre * z - extent / 2)
    o = floor(Fraction(d + offset) / k)
    return o if 0 <= o < m else -1


def made(values: np.ndarray, size, name: str) -> np.ndarray:
    """The whole result of the method of that name."""
    if name.startswith(("conv_transpose", "resize_conv", "pixel_shuffle")):
        return parse(name).prepare(values, size).window((0, size[0]), (0, size[1]))
    mode, *switches = name.split(":")
    switched = dict.fromkeys(switches, True)
    return upsampler.interpolate(values, size=size, layout="HWC", mode=mode, **switched)


def expected(
    state, i: int, width: int, height: int, shape: tuple[int, int] | None = None
) -> np.ndarray:
    """uint32 pixels of pane `i`: a crop of the full result, each pixel repeated.

    `width` and `height` are those of the viewport, `shape` what of it the pane has room for.
    """
    values, pane, view = state.source.values, state.panes[i], state.view
    n = values.shape[:2]
    m = [int(length * scale) for length, scale in zip(n, pane.scale, strict=True)]
    full = made(values, m, pane.method)
    if full.dtype == np.uint8:
        levels = full.astype(np.uint32)
    else:
        levels = np.floor(np.clip(full, 0, 1) * 255 + 0.5).astype(np.uint32)
    packed = 0xFF000000 | levels[..., 0] << 16 | levels[..., 1] << 8 | levels[..., 2]
    rows = np.array([shown_output(d, height, view.cy, view.z, n[0], m[0]) for d in range(height)])
    cols = np.array([shown_output(d, width, view.cx, view.z, n[1], m[1]) for d in range(width)])
    inside = (rows >= 0)[:, None] & (cols >= 0)
    pixels = np.where(inside, packed[rows][:, cols], OUTSIDE).astype(np.uint32)
    return pixels if shape is None else pixels[: shape[0], : shape[1]]
