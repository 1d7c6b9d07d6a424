"""Light and opacity: in which numbers pictures are to be averaged."""

from __future__ import annotations

import numpy as np


def srgb_to_linear(values: np.ndarray) -> np.ndarray:
    """Decode sRGB: from signal to light.

    Parameters
    ----------
    values : ndarray of float
        0 is black, 1 is white; values outside go on oddly (``f(-x) = -f(x)``) and upwards.

    Returns
    -------
    ndarray
        The dtype of `values`.

    Notes
    -----
    IEC 61966-2-1:1999, the exact piecewise curve: ``x / 12.92`` up to 0.04045, else
    ``((x + 0.055) / 1.055) ** 2.4``.

    Examples
    --------
    >>> import numpy as np
    >>> from upsampler.color import srgb_to_linear
    >>> srgb_to_linear(np.array([0.0, 0.04045, 0.5, 1.0])).round(6)
    array([0.      , 0.003131, 0.214041, 1.      ])
    """
    size = np.abs(values)
    power = ((size + 0.055) / 1.055) ** 2.4
    return np.copysign(np.where(size <= 0.04045, size / 12.92, power), values).astype(values.dtype)


def linear_to_srgb(values: np.ndarray) -> np.ndarray:
    """Encode sRGB: from light to signal, the inverse of `srgb_to_linear`.

    Parameters
    ----------
    values : ndarray of float
        0 is black, 1 is white.

    Returns
    -------
    ndarray
        The dtype of `values`.

    Notes
    -----
    IEC 61966-2-1:1999: ``12.92 * x`` up to 0.0031308, else ``1.055 * x ** (1 / 2.4) - 0.055``.

    Examples
    --------
    >>> import numpy as np
    >>> from upsampler.color import linear_to_srgb
    >>> linear_to_srgb(np.array([0.0, 0.0031308, 0.214041, 1.0])).round(6)
    array([0.     , 0.04045, 0.5    , 1.     ])
    """
    size = np.abs(values)
    power = 1.055 * size ** (1 / 2.4) - 0.055
    return np.copysign(np.where(size <= 0.0031308, 12.92 * size, power), values).astype(
        values.dtype
    )


def premultiply(pixels: np.ndarray) -> np.ndarray:
    """Weigh the colours of (H, W, C) floats by the opacity in their last channel, 1.0 is full."""
    result = pixels.copy()
    result[..., :-1] *= pixels[..., -1:]
    return result


def unpremultiply(pixels: np.ndarray) -> np.ndarray:
    """The inverse of `premultiply`; where the opacity is not above 0 the colour becomes 0."""
    alpha = pixels[..., -1:]
    result = pixels.copy()
    visible = alpha > 0
    np.divide(pixels[..., :-1], alpha, out=result[..., :-1], where=visible)
    result[..., :-1] *= visible
    return result


def round_to(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Floats to `dtype`: integers to nearest with ties up and saturated, as `interpolate` does."""
    if dtype.kind == "f":
        return values.astype(dtype)
    info = np.iinfo(dtype)
    # As floats the largest integers may be one too many: these would wrap.
    top = values.dtype.type(info.max)
    if int(top) > info.max:
        top = np.nextafter(top, values.dtype.type(0))
    return np.clip(np.floor(values + 0.5), info.min, top).astype(dtype)
