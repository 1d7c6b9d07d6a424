"""Exposure and gamma: from values to the light that stands for them."""

from __future__ import annotations

import numpy as np

from upsampler.color import premultiply, unpremultiply

from .settings import PLAIN, Tone


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
