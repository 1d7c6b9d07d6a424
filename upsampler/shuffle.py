"""Pixel shuffle and its inverse: channels to space and back.  Items are moved, never computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import layout as layouts
from .arrays import Result, as_array, check_types
from .places import backend_for
from .spec import bad_value, integer


def pixel_shuffle(
    x: Any,
    upscale_factor: int,
    *,
    layout: str | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Move groups of r * r channels into r x r blocks of pixels.

    ``out[n, c, h * r + i, w * r + j] = x[n, c * r * r + i * r + j, h, w]``

    Parameters
    ----------
    x : array_like
        Two spatial axes and channels, for example (N, C * r * r, H, W); items of any dtype.
    upscale_factor : int
        r, at least 1; the channels are a multiple of r * r.
    layout : str, optional
        A letter for each axis; by default NCHW for 4 axes.
    out : ndarray, optional
        Where to write; it is returned.

    Returns
    -------
    ndarray
        (N, C, H * r, W * r) in the layout of `x`, its dtype.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is of a wrong type, a shape or a value not allowed, or the result too
        large.

    Notes
    -----
    W. Shi et al., "Real-time single image and video super-resolution using an efficient
    sub-pixel convolutional neural network", CVPR 2016.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> upsampler.pixel_shuffle(np.arange(4).reshape(1, 4, 1, 1), 2)[0, 0]
    array([[0, 1],
           [2, 3]])
    """
    return _shuffle(x, "x", upscale_factor, "upscale_factor", layout, out, up=True)


def pixel_unshuffle(
    x: Any,
    downscale_factor: int,
    *,
    layout: str | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Move r x r blocks of pixels into groups of r * r channels: undoes `pixel_shuffle`.

    Parameters
    ----------
    x : array_like
        Two spatial axes, multiples of r, and channels, for example (N, C, H * r, W * r).
    downscale_factor : int
        r, at least 1.
    layout, out
        As for `pixel_shuffle`.

    Returns
    -------
    ndarray
        (N, C * r * r, H, W) in the layout of `x`, its dtype.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `pixel_shuffle`.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> upsampler.pixel_unshuffle(np.arange(4).reshape(1, 1, 2, 2), 2).ravel()
    array([0, 1, 2, 3])
    """
    return _shuffle(x, "x", downscale_factor, "downscale_factor", layout, out, up=False)


def pixel_shuffle_backward(
    grad: Any,
    upscale_factor: int,
    *,
    layout: str | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Gradient of `pixel_shuffle` with respect to its input: `pixel_unshuffle` of `grad`.

    Parameters
    ----------
    grad : array_like
        Gradient of the result of `pixel_shuffle`.
    upscale_factor, layout, out
        As given to `pixel_shuffle`; `out` has the shape of its input.

    Returns
    -------
    ndarray
        The shape of the input of `pixel_shuffle`, the dtype of `grad`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `pixel_shuffle`.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> upsampler.pixel_shuffle_backward(np.ones((1, 1, 4, 6)), 2).shape
    (1, 4, 2, 3)
    """
    return _shuffle(grad, "grad", upscale_factor, "upscale_factor", layout, out, up=False)


def pixel_unshuffle_backward(
    grad: Any,
    downscale_factor: int,
    *,
    layout: str | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Gradient of `pixel_unshuffle` with respect to its input: `pixel_shuffle` of `grad`.

    Parameters
    ----------
    grad : array_like
        Gradient of the result of `pixel_unshuffle`.
    downscale_factor, layout, out
        As given to `pixel_unshuffle`; `out` has the shape of its input.

    Returns
    -------
    ndarray
        The shape of the input of `pixel_unshuffle`, the dtype of `grad`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `pixel_shuffle`.

    Examples
    --------
    >>> import numpy as np, upsampler
    >>> upsampler.pixel_unshuffle_backward(np.ones((1, 4, 2, 3)), 2).shape
    (1, 1, 4, 6)
    """
    return _shuffle(grad, "grad", downscale_factor, "downscale_factor", layout, out, up=True)


def _shuffle(
    x: Any,
    name: str,
    factor: Any,
    factor_name: str,
    layout: Any,
    out: np.ndarray | None,
    up: bool,
) -> np.ndarray:
    x = as_array(name, x)
    if x.dtype.hasobject:
        raise TypeError(f"{name}: got dtype {x.dtype}; allowed: no Python objects")
    backend = backend_for(**{name: x}, out=out)
    check_types(out, x.dtype)
    r = integer(factor_name, factor)
    where = layouts.parse(layouts.check_type(layout), x.ndim)
    if where.rank != 2 or "C" not in where.text:
        raise bad_value("layout", where.text, "layouts with C, H and W")
    if r < 1:
        raise bad_value(factor_name, r, "at least 1")
    channels, height, width = (x.shape[where.text.index(letter)] for letter in "CHW")
    if up:
        if channels % (r * r):
            raise ValueError(
                f"{name}: got {channels} channels (layout {where.text!r}); allowed: a multiple "
                f"of {r * r}, the square of {factor_name}"
            )
        channels, height, width = channels // (r * r), height * r, width * r
    else:
        if height % r or width % r:
            raise ValueError(
                f"{name}: got H and W of {height} and {width}; allowed: multiples of {r}, the "
                f"{factor_name}"
            )
        channels, height, width = channels * r * r, height // r, width // r
    sizes = dict(zip(where.text, x.shape, strict=True)) | {"C": channels, "H": height, "W": width}
    result = Result(out, tuple(sizes[c] for c in where.text), x.dtype, x, x, raw=True)
    if result.array.nbytes:
        backend.shuffle(where, r, x, result.array, up)
    return result.finish(x.dtype)
