"""Any picture as 8-bit RGB, for the eye."""

from __future__ import annotations

import numpy as np

from .picture import Picture, full_scale

_CHECKS = (200, 160)  # what shows through transparent pixels
_RARE = 0.5  # percent of the floats at either end that may be clipped


def display_range(truth: Picture) -> tuple[float, float]:
    """The values that are shown black and white: fixed for 8 and 16 bits, else the truth's.

    Of floats the bulk counts, all but the lowest and the highest half percent: one wild value
    would leave the whole picture dim.
    """
    if truth.dtype.name in ("uint8", "uint16"):
        return 0.0, full_scale(truth.dtype)
    colours = truth.pixels[..., : truth.channels - 1] if truth.alpha else truth.pixels
    finite = colours[np.isfinite(colours)].astype(np.float64)
    if not finite.size:
        return 0.0, 1.0
    if truth.dtype.kind == "f":
        low = float(np.percentile(finite, _RARE, method="lower"))
        high = float(np.percentile(finite, 100 - _RARE, method="higher"))
        if low >= 0 and high <= 1:
            return 0.0, 1.0
    else:
        low, high = float(finite.min()), float(finite.max())
    return low, high if high > low else low + 1.0


def to_rgb(
    picture: Picture, black_white: tuple[float, float], checks: tuple[int, int] = _CHECKS
) -> np.ndarray:
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
        ground = np.where((y // 4 + x // 4) % 2, *checks)[..., None]
        levels = ground + alpha * (levels - ground)
    shown = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
    return np.broadcast_to(shown, (*shown.shape[:2], 3))
