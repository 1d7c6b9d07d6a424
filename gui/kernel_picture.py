"""Weights as colours: purple below 0, orange above, told apart with every kind of sight."""

from __future__ import annotations

import numpy as np

# ColorBrewer's PuOr, made so that the colour-blind can tell its ends apart.
NEGATIVE, ZERO, POSITIVE = (84, 39, 136), (247, 247, 247), (179, 88, 6)


def kernel_image(weight: np.ndarray) -> np.ndarray:
    """(kH, kW) uint32 0xFFRRGGBB of a kernel; its largest weight, by magnitude, is saturated.

    Parameters
    ----------
    weight : (kH, kW) ndarray of float
        What is not finite is black.

    Examples
    --------
    >>> [f"{pixel:x}" for pixel in kernel_image(np.array([[-1.0, 0.0, 1.0]]))[0]]
    ['ff542788', 'fff7f7f7', 'ffb35806']
    """
    known = np.isfinite(weight)
    safe = np.where(known, weight, 0.0).astype(np.float64)
    largest = float(np.abs(safe).max(initial=0)) or 1.0
    strength = (safe / largest)[..., None]
    ends = np.where(strength < 0, np.array(NEGATIVE, float), np.array(POSITIVE, float))
    levels = ZERO + np.abs(strength) * (ends - ZERO)
    levels = np.where(known[..., None], np.floor(levels + 0.5), 0).astype(np.uint32)
    return np.uint32(0xFF000000) | levels[..., 0] << 16 | levels[..., 1] << 8 | levels[..., 2]
