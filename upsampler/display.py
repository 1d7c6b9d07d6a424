"""Any picture as 8-bit RGB, for the eye."""

from __future__ import annotations

import numpy as np

from .metrics import data_range_of
from .picture import Picture, full_scale

_CHECKS = (200, 160)  # what shows through transparent pixels


def display_range(truth: Picture) -> tuple[float, float]:
    """The values that are shown black and white: fixed for 8 and 16 bits, else the truth's."""
    if truth.dtype.name in ("uint8", "uint16"):
        return 0.0, full_scale(truth.dtype)
    span = data_range_of(truth.pixels)
    finite = truth.pixels[np.isfinite(truth.pixels)]
    low = float(finite.min()) if finite.size else 0.0
    return (0.0, 1.0) if span == 1.0 and 0.0 <= low <= 1.0 else (low, low + span)


def to_rgb(picture: Picture, black_white: tuple[float, float]) -> np.ndarray:
    """Pixels as they are shown: 8-bit RGB, over checks where they are clear."""
    pixels = picture.pixels if picture.pixels.ndim == 3 else picture.pixels[..., None]
    black, white = black_white
    colours = pixels.shape[2] - picture.alpha
    colours = 3 if colours >= 3 else 1
    levels = pixels[..., :colours]
    if pixels.dtype != np.uint8:
        levels = np.nan_to_num((levels.astype(np.float64) - black) * (255 / (white - black)))
    if picture.alpha:
        alpha = np.clip(pixels[..., -1:] / full_scale(pixels.dtype), 0, 1)
        y, x = np.indices(levels.shape[:2])
        ground = np.where((y // 4 + x // 4) % 2, *_CHECKS)[..., None]
        levels = ground + alpha * (levels - ground)
    shown = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
    return np.broadcast_to(shown, (*shown.shape[:2], 3))
