"""Exposure and gamma: from values to the light that stands for them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from upsampler.color import premultiply, unpremultiply

from .settings import PLAIN, Tone

FINE = 1 << 16  # entries of a table for floats


def scale_of(tone: Tone, black: float, white: float) -> float:
    """What ``value - black`` of a float is multiplied by to be 0..1."""
    span = white - black
    return float(2.0**tone.exposure / span) if span > 0 else 1.0


def table_of(tone: Tone, dtype: np.dtype) -> np.ndarray | None:
    """Levels of integer values, or of floats in 0..1; None where they are in proportion."""
    integer = dtype.kind == "u"
    exposure = tone.exposure if integer else 0.0  # of floats it is part of the scale
    if tone.gamma == 1 and exposure == 0:
        return None
    return _table(256 if integer and dtype.itemsize == 1 else FINE, exposure, tone.gamma)


@lru_cache(maxsize=16)
def _table(entries: int, exposure: float, gamma: float) -> np.ndarray:
    light = np.clip(np.arange(entries) / (entries - 1) * 2.0**exposure, 0, 1)
    table = np.floor(light ** (1 / gamma) * 255 + 0.5).astype(np.uint8)
    table.flags.writeable = False
    return table


def toned(values: np.ndarray, tone: Tone, weighted: bool) -> np.ndarray:
    """(h, w, C) values as they are shown, in a dtype that `pack` takes; the same array if neutral.

    Colours weighed by their opacity are exposed as what they are without it.
    """
    if tone == PLAIN:
        return values
    if values.dtype.kind in "iu":
        levels = int(np.iinfo(values.dtype).max)
        table = _light(np.arange(levels + 1) / levels, tone) * levels + 0.5
        return table.astype(values.dtype)[values]
    if not weighted:
        return _light(values, tone)
    straight = unpremultiply(values)
    straight[..., :-1] = _light(straight[..., :-1], tone)
    return premultiply(straight)


def _light(values: np.ndarray, tone: Tone) -> np.ndarray:
    """Clipped to 0..1; NaN stays NaN."""
    light = np.clip(values * values.dtype.type(2.0**tone.exposure), 0, 1)
    return light if tone.gamma == 1 else light ** values.dtype.type(1 / tone.gamma)
