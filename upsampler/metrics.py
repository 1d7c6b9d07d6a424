"""How far a picture is from another one: PSNR, SSIM, mean and largest error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log10, nan
from typing import Any

import numpy as np

BLOCK = 1 << 22  # samples that are compared at once in float64


@dataclass(frozen=True)
class Metrics:
    """All four measures of one picture against its reference."""

    psnr: float
    ssim: float
    mae: float
    max_error: float


def measure(
    reference: Any, test: Any, *, data_range: float | None = None, alpha: bool = False
) -> Metrics:
    """All measures at once.

    Parameters
    ----------
    reference, test : array_like, shape (H, W) or (H, W, C)
        Of the same shape and dtype.
    data_range : float, optional
        See `psnr`.
    alpha : bool
        See `psnr`.

    Returns
    -------
    Metrics

    Raises
    ------
    TypeError, ValueError
        As `psnr`.
    """
    a, b = _pair(reference, test)
    span = data_range_of(a) if data_range is None else _checked(data_range)
    a, b = _visible(a, b, alpha)
    square, absolute, largest = _errors(a, b)
    return Metrics(decibel(square, span), _ssim(a, b, span), absolute, largest)


def psnr(
    reference: Any, test: Any, *, data_range: float | None = None, alpha: bool = False
) -> float:
    """Peak signal-to-noise ratio in dB: ``10 log10(data_range^2 / mean squared error)``.

    Parameters
    ----------
    reference, test : array_like, shape (H, W) or (H, W, C)
        Of the same shape and dtype, integers or floats.
    data_range : float, optional
        Distance of black and white; by default `data_range_of` the reference.
    alpha : bool
        The last channel is opacity: the colours are weighed by it first, so that those of
        invisible pixels do not count, and opacity counts as a channel.

    Returns
    -------
    float
        ``inf`` for equal pictures, ``nan`` where one holds a NaN.

    Raises
    ------
    TypeError, ValueError
        If the arrays differ in shape or dtype, are empty or no pictures, or `data_range` is not
        above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from upsampler.metrics import psnr
    >>> round(psnr(np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8)), 6)
    0.0
    >>> round(psnr(np.zeros((1, 4)), np.array([[0.2, 0, 0, 0]])), 6)
    20.0
    """
    a, b = _pair(reference, test)
    span = data_range_of(a) if data_range is None else _checked(data_range)
    return decibel(_errors(*_visible(a, b, alpha))[0], span)


def ssim(
    reference: Any, test: Any, *, data_range: float | None = None, alpha: bool = False
) -> float:
    """Mean structural similarity: 1 for equal pictures.

    Parameters
    ----------
    reference, test, data_range, alpha
        As for `psnr`.

    Returns
    -------
    float
        scikit-image's ``structural_similarity`` with its own settings (a uniform window of
        7 x 7, the largest odd one that fits where a side is shorter), averaged over the channels;
        ``nan`` where a side is shorter than 3 pixels.

    Raises
    ------
    TypeError, ValueError
        As `psnr`.

    Notes
    -----
    Z. Wang et al., "Image quality assessment: from error visibility to structural
    similarity", IEEE Trans. Image Processing 13(4), 2004.
    """
    a, b = _pair(reference, test)
    span = data_range_of(a) if data_range is None else _checked(data_range)
    return _ssim(*_visible(a, b, alpha), span)


def mae(reference: Any, test: Any, *, alpha: bool = False) -> float:
    """Mean absolute error, in the units of the pictures.

    Parameters
    ----------
    reference, test, alpha
        As for `psnr`.

    Returns
    -------
    float

    Examples
    --------
    >>> from upsampler.metrics import mae
    >>> mae([[0, 10]], [[3, 10]])
    1.5
    """
    return _errors(*_visible(*_pair(reference, test), alpha))[1]


def max_error(reference: Any, test: Any, *, alpha: bool = False) -> float:
    """Largest absolute error, in the units of the pictures.

    Parameters
    ----------
    reference, test, alpha
        As for `psnr`.

    Returns
    -------
    float

    Examples
    --------
    >>> from upsampler.metrics import max_error
    >>> max_error([[0, 10]], [[3, 10]])
    3.0
    """
    return _errors(*_visible(*_pair(reference, test), alpha))[2]


def data_range_of(reference: np.ndarray) -> float:
    """Distance of black and white by default.

    Parameters
    ----------
    reference : ndarray
        Integers or floats.

    Returns
    -------
    float
        The whole range of 8 and 16-bit integers.  Other dtypes have no white of their own: 1.0
        for floats that all lie in 0 to 1, else the reference's largest less its smallest finite
        value, or 1.0 where that is 0.
    """
    if reference.dtype.kind in "iu" and reference.dtype.itemsize <= 2:
        info = np.iinfo(reference.dtype)
        return float(info.max) - float(info.min)
    finite = reference[np.isfinite(reference)]
    if not finite.size:
        return 1.0
    low, high = float(finite.min()), float(finite.max())
    if reference.dtype.kind == "f" and low >= 0.0 and high <= 1.0:
        return 1.0
    return (high - low) or 1.0


def _pair(reference: Any, test: Any) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(reference), np.asarray(test)
    for name, array in (("reference", a), ("test", b)):
        if array.dtype.kind not in "iuf":
            raise TypeError(f"{name}: got dtype {array.dtype}; allowed: integers and floats")
        if array.ndim not in (2, 3) or 0 in array.shape:
            raise ValueError(
                f"{name}: got shape {array.shape}; allowed: (H, W) or (H, W, C), not empty"
            )
    if a.dtype != b.dtype:
        raise TypeError(f"test: got dtype {b.dtype}; allowed: {a.dtype}, as the reference")
    if a.shape != b.shape:
        raise ValueError(f"test: got shape {b.shape}; allowed: {a.shape}, as the reference")
    return a, b


def _checked(data_range: float) -> float:
    if not 0 < data_range < inf:
        raise ValueError(f"data_range: got {data_range!r}; allowed: a finite number above 0")
    return float(data_range)


def _visible(a: np.ndarray, b: np.ndarray, alpha: bool) -> tuple[np.ndarray, np.ndarray]:
    if not alpha:
        return a, b
    if a.ndim != 3 or a.shape[2] < 2:
        raise ValueError(f"alpha: got True for shape {a.shape}; allowed: two channels and more")
    full = float(np.iinfo(a.dtype).max) if a.dtype.kind in "iu" else 1.0

    def weighed(x: np.ndarray) -> np.ndarray:
        result = x.astype(np.float64)
        result[..., :-1] *= result[..., -1:] / full
        return result

    return weighed(a), weighed(b)


def error_sums(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Sums of squared and of absolute errors, and the largest error.

    Parameters
    ----------
    a, b : ndarray
        Alike; taken in blocks, as float64 copies are large.
    """
    square = absolute = largest = 0.0
    rows = max(1, BLOCK * a.shape[0] // a.size)
    with np.errstate(invalid="ignore", over="ignore"):
        for top in range(0, a.shape[0], rows):
            part = slice(top, top + rows)
            error = np.abs(np.subtract(a[part], b[part], dtype=np.float64))
            square += float((error * error).sum())
            absolute += float(error.sum())
            largest = float(np.maximum(largest, error.max()))  # which hands on a NaN
    return square, absolute, largest


def _errors(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    square, absolute, largest = error_sums(a, b)
    return square / a.size, absolute / a.size, largest


def decibel(square: float, span: float) -> float:
    """PSNR.

    Parameters
    ----------
    square : float
        Mean squared error.
    span : float
        Distance of black and white.
    """
    if square == 0:
        return inf
    if square != square or square == inf:
        return nan if square != square else -inf
    return 10 * log10(span * span / square)


def ssim_window(height: int, width: int) -> int:
    """The side of the windows of `ssim`, 0 where none fits.

    Parameters
    ----------
    height, width : int
        Of the pictures.
    """
    side = min(height, width)
    return min(7, side - (side + 1) % 2) if side >= 3 else 0


def _ssim(a: np.ndarray, b: np.ndarray, span: float) -> float:
    window = ssim_window(*a.shape[:2])
    if not window:
        return nan
    # Imported here: it takes a second, and `import upsampler` must not.
    from skimage.metrics import structural_similarity

    compute: Callable[..., float] = structural_similarity
    channels = -1 if a.ndim == 3 else None
    with np.errstate(invalid="ignore", over="ignore"):
        return float(compute(a, b, data_range=span, win_size=window, channel_axis=channels))
