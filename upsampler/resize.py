"""Resizing a picture rather than an array: opacity, light, progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np

from .arrays import allocate, available_memory
from .color import linear_to_srgb, premultiply, round_to, srgb_to_linear, unpremultiply
from .functional import Scale, Size
from .methods import Method, parse
from .picture import Picture, full_scale

BLOCK = 1 << 22  # samples of the result between two calls of `progress`: 10 to 100 ms

Progress = Callable[[int, int], None]


def resize_picture(
    picture: Picture,
    size: Size = None,
    scale_factor: Scale = None,
    method: Method | str = "bilinear",
    *,
    linear_light: bool = False,
    num_threads: int | None = None,
    progress: Progress | None = None,
) -> Picture:
    """Resize a picture by any method, with alpha and light seen to.

    Colours are weighed by their opacity, so that the colour of invisible pixels does not bleed
    into the visible ones; the opacity itself is interpolated as it is.  The nearest modes move
    the pixels untouched.

    Parameters
    ----------
    picture : Picture
        (H, W) or (H, W, C).
    size : (int, int), optional
        Height and width of the result.  Exactly one of `size` and `scale_factor` is given.
    scale_factor
        As for `interpolate`.
    method : Method or str
        Or its name, as `upsampler.methods.parse` reads it.
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
        As `interpolate`, if the method cannot have this scale, and if `linear_light` is asked of
        another dtype.
    MemoryError
        If the result, or the working copy for alpha and linear light, does not fit.

    Notes
    -----
    Without alpha and linear light the result is that of the method, bit for bit, however it
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
    ready = Resizing(picture, size, scale_factor, method, linear_light=linear_light)
    return ready.run(num_threads, progress)


class Resizing:
    """A picture and what it will be made into: checked, and ready to `run` any number of times.

    Parameters
    ----------
    picture, size, scale_factor, method, linear_light
        As for `resize_picture`, and with its errors.

    Attributes
    ----------
    score : float or None
        Of the method's kernel, see `upsampler.method_base.Prepared`.
    """

    def __init__(
        self,
        picture: Picture,
        size: Size,
        scale_factor: Scale,
        method: Method | str,
        *,
        linear_light: bool = False,
    ) -> None:
        how = parse(method) if isinstance(method, str) else method
        pixels = picture.pixels
        # All errors of the arguments come from here, before anything is computed.
        self.shape = how.result_shape(pixels.shape, pixels.dtype, size, scale_factor)
        if linear_light and pixels.dtype.name not in ("uint8", "uint16"):
            raise ValueError(
                f"linear_light: got True for {pixels.dtype} pixels; allowed: uint8 and uint16 "
                "(which hold sRGB; floats are taken for linear already)"
            )
        self.picture = picture
        self._detour = _Detour(picture, linear_light and not how.copies, how.copies)
        if self._detour.needed:
            _check_room(pixels.shape, self.shape, self._detour.work)
        self._prepared = how.prepare(self._detour.enter(pixels), size, scale_factor)
        self.score = self._prepared.score

    def run(self, num_threads: int | None = None, progress: Progress | None = None) -> Picture:
        """The picture resized; as `resize_picture`."""
        detour, pixels = self._detour, self.picture.pixels
        result = allocate(self.shape, pixels.dtype, pixels)
        height, width = self.shape[:2]
        rows = max(1, BLOCK // prod(self.shape[1:]))
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            part = result[top:bottom]
            block = self._prepared.window(
                (top, bottom), (0, width), None if detour.needed else part, num_threads
            )
            if detour.needed:
                part[...] = detour.leave(block)
            if progress is not None:
                progress(bottom, height)
        return replace(self.picture, pixels=result, notes=())


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
