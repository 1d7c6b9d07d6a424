"""Resizing a picture rather than an array: opacity, light, progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from .arrays import allocate, available_memory
from .color import linear_to_srgb, premultiply, round_to, srgb_to_linear, unpremultiply
from .functional import Scale, interpolate
from .picture import Picture, full_scale
from .spec import resample_spec

BLOCK = 1 << 22  # samples of the result between two calls of `progress`: 10 to 100 ms

Progress = Callable[[int, int], None]


def resize_picture(
    picture: Picture,
    size: int | Sequence[int] | None = None,
    scale_factor: Scale = None,
    mode: str = "bilinear",
    align_corners: bool = False,
    antialias: bool = False,
    *,
    linear_light: bool = False,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> Picture:
    """Resize a picture as `interpolate` resizes an array, with alpha and light seen to.

    Colours are weighed by their opacity, so that the colour of invisible pixels does not bleed
    into the visible ones; the opacity itself is interpolated as it is.  The nearest modes move
    the pixels untouched.

    Parameters
    ----------
    picture : Picture
        (H, W) or (H, W, C).
    size : (int, int), optional
        Height and width of the result.  Exactly one of `size` and `scale_factor` is given.
    scale_factor, mode, align_corners, antialias
        As for `interpolate`.
    linear_light : bool
        Decode sRGB before and encode it afterwards, so that light is averaged and not the
        signal: fine bright and dark detail keeps its brightness.  8 and 16-bit pictures only.
    num_threads : int, optional
        By default `get_num_threads`.
    progress : callable, optional
        Called as ``progress(done, total)`` in rows of the result, from the calling thread; what
        it raises ends the work.

    Returns
    -------
    Picture
        The dtype, the channels and the colour profile of `picture`.

    Raises
    ------
    TypeError, ValueError
        As `interpolate`, and if `linear_light` is asked of another dtype.
    MemoryError
        If the result, or the working copy for alpha and linear light, does not fit.

    Notes
    -----
    Without alpha and linear light the result is that of `interpolate`, bit for bit, however it
    is cut into blocks.  With them the arithmetic is float32 for 8-bit and float64 for other
    pictures and is rounded once, at the end; opacity and colour outside the range, which the
    overshoot of cubic and Lanczos filters can give, are cut off.  A picture that is opaque
    everywhere is computed without the detour.

    Examples
    --------
    >>> import numpy as np
    >>> from upsampler.picture import Picture
    >>> from upsampler.resize import resize_picture
    >>> red_beside_nothing = np.array([[[255, 0, 0, 255], [0, 255, 0, 0]]], np.uint8)
    >>> resize_picture(Picture(red_beside_nothing, alpha=True), size=(1, 4)).pixels.tolist()
    [[[255, 0, 0, 255], [255, 0, 0, 191], [255, 0, 0, 64], [0, 0, 0, 0]]]
    """
    pixels = picture.pixels
    # All errors of the arguments come from here, before anything is computed.
    spec = resample_spec(
        pixels.shape, pixels.dtype, size, scale_factor, mode, align_corners,
        None, antialias, picture.layout,
    )  # fmt: skip
    if linear_light and pixels.dtype.name not in ("uint8", "uint16"):
        raise ValueError(
            f"linear_light: got True for {pixels.dtype} pixels; allowed: uint8 and uint16 (which "
            "hold sRGB; floats are taken for linear already)"
        )
    how = _Detour(picture, linear_light and not spec.copies, spec.copies)
    if how.needed:
        _check_room(pixels.shape, spec.full_shape, how.work)
    source = how.enter(pixels)
    result = allocate(spec.full_shape, pixels.dtype, pixels)
    height, width = spec.full_shape[:2]
    rows = max(1, BLOCK // prod(spec.full_shape[1:]))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        part = result[top:bottom]
        block = interpolate(
            source, size, scale_factor, mode, align_corners, None, antialias,
            layout=picture.layout, window=((top, bottom), (0, width)),
            out=None if how.needed else part, num_threads=num_threads,
        )  # fmt: skip
        if how.needed:
            part[...] = how.leave(block)
        if progress is not None:
            progress(bottom, height)
    return replace(picture, pixels=result, notes=())


class _Detour:
    """The number space in which a picture is averaged, and the way there and back."""

    def __init__(self, picture: Picture, linear: bool, copies: bool) -> None:
        self.dtype = picture.dtype
        self.scale = full_scale(picture.dtype)
        self.work = np.dtype(np.float32 if picture.dtype.itemsize == 1 else np.float64)
        self.linear = linear
        self.channels_of_alpha = int(picture.alpha)
        self.weighted = picture.alpha and not copies and _translucent(picture.pixels)
        self.needed = self.linear or self.weighted

    def enter(self, pixels: np.ndarray) -> np.ndarray:
        if not self.needed:
            return pixels
        # Integers of 8 and 16 bits by table: cheaper than a power for every sample.
        if self.linear:
            levels = np.arange(int(self.scale) + 1) / self.scale
            values = srgb_to_linear(levels).astype(self.work)[pixels]
            if self.channels_of_alpha:
                values[..., -1] = levels.astype(self.work)[pixels[..., -1]]
        else:
            values = pixels.astype(self.work)
            values /= self.work.type(self.scale)
        return premultiply(values) if self.weighted else values

    def leave(self, block: np.ndarray) -> np.ndarray:
        values = unpremultiply(block) if self.weighted else block
        if self.linear:
            colours = values.shape[-1] - 1 if self.channels_of_alpha else None
            values[..., :colours] = linear_to_srgb(values[..., :colours])
        return round_to(values * self.work.type(self.scale), self.dtype)


def _translucent(pixels: np.ndarray) -> bool:
    alpha = pixels[..., -1]
    return bool((alpha != full_scale(pixels.dtype)).any())


def _check_room(shape: tuple[int, ...], out_shape: tuple[int, ...], work: np.dtype) -> None:
    """Refuse what would be killed half-way: the working copy is 4 to 8 times the picture."""
    need = 2 * prod(shape) * work.itemsize + prod(out_shape) * work.itemsize // 4
    room = available_memory()
    if room is not None and need > room:
        raise MemoryError(
            f"the working copy of shape {shape} and dtype {work} needs {need / 1e9:.1f} GB; "
            f"{room / 1e9:.1f} GB are available"
        )
