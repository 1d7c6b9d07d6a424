"""Zoom arithmetic: which output pixel each device pixel shows.

Three grids meet here, along each axis by itself (nothing assumes square pictures or scales)::

    source   n pixels, 0 .. n       the picture that was opened
    output   m pixels, S = m / n    what a method makes of it
    device   w pixels               what the screen shows, z of them for each source pixel

The view is one for all panes and is kept in source pixels, so a x2 and a x4 result cover the same
rectangle.  Device pixel d shows the output ``floor(((d + 0.5 - w/2) / z + centre) * S)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import ceil, floor, sqrt

import numpy as np

TOLERANCE = 1e-9  # relative: z is a float, and z / S counts as an integer within this
LARGEST = 256  # device pixels per output pixel
SMALLEST = 16  # device pixels that the longer side keeps


@dataclass(frozen=True)
class View:
    """Centre in source coordinates (y down, x across) and device pixels per source pixel."""

    cy: float
    cx: float
    z: float

    def source(self, px: float, py: float, width: int, height: int) -> tuple[float, float]:
        """(y, x) in source coordinates of a device point."""
        return (py - height / 2) / self.z + self.cy, (px - width / 2) / self.z + self.cx

    def zoomed(self, z: float, px: float, py: float, width: int, height: int) -> View:
        """With the zoom `z`, and the source point under (px, py) left where it is."""
        y, x = self.source(px, py, width, height)
        return View(y - (py - height / 2) / z, x - (px - width / 2) / z, z)

    def panned(self, dx: float, dy: float, n: tuple[int, int]) -> View:
        """The picture moved by (dx, dy) device pixels; its edge never passes the centre.

        A zoom about the cursor may have taken the centre outside of the picture; from there
        the picture may stay or come back.
        """
        return replace(
            self,
            cy=_held(self.cy - dy / self.z, self.cy, n[0]),
            cx=_held(self.cx - dx / self.z, self.cx, n[1]),
        )


def _held(new: float, old: float, n: int) -> float:
    return min(max(new, min(0.0, old)), max(float(n), old))


@dataclass(frozen=True)
class Axis:
    """One axis of one pane: `n` source, `m` output and `extent` device pixels.

    `n` is what `m` outputs cover, which is not whole in the geometry of samples.
    """

    n: float
    m: int
    extent: int
    centre: float
    z: float

    @cached_property
    def ratio(self) -> int | Fraction | float:
        """Device pixels per output pixel: an int or 1 / int where z is at such a stop."""
        return snapped(self.z * self.n / self.m)

    @cached_property
    def magnified(self) -> bool:
        return self.ratio >= 1

    @cached_property
    def offset(self) -> float:
        """Device pixels from the left edge of the picture to the left edge of the pane.

        Whole where the ratio is snapped: with a fraction in it, 238 of 2000 views at integer
        zoom had columns of uneven width.
        """
        offset = self.centre * self.z - self.extent / 2
        return offset if isinstance(self.ratio, float) else round(offset)

    def indices(self) -> np.ndarray:
        """(extent,) int64: the output that each device pixel shows, -1 outside of the picture."""
        return self._output(np.arange(self.extent))

    def index(self, d: int) -> int:
        """The output at device pixel `d`, -1 outside of the picture."""
        return int(self._output(np.array([d]))[0])

    def edge(self, output: int) -> float:
        """The device coordinate at which an output begins."""
        return float(output * self.ratio - self.offset)

    def _output(self, d: np.ndarray) -> np.ndarray:
        k = self.ratio
        if isinstance(k, int):
            o = (d + self.offset) // k
        elif isinstance(k, Fraction):
            q = k.denominator
            o = (d + self.offset) * q + q // 2
        else:
            place = ((d + 0.5 - self.extent / 2) / self.z + self.centre) * self.m / self.n
            # Far outside a float may exceed every int64: clip before the conversion.
            o = np.floor(np.clip(place, -1, self.m))
        return np.where((o >= 0) & (o < self.m), o, -1).astype(np.int64)

    def edges(self) -> tuple[int, np.ndarray]:
        """Boxes of outputs for an average below 1:1, one for each device pixel.

        Returns
        -------
        first : int
            The device pixel of the first box.
        edges : (boxes + 1,) int64
            Box i is the outputs ``edges[i] .. edges[i + 1]``, those whose centres lie in the
            device pixel ``first + i``.  One edge only when the picture is out of sight.
        """
        d = np.arange(self.extent + 1)
        k = self.ratio
        if isinstance(k, Fraction):
            e = (d + self.offset) * k.denominator
        else:
            e = np.ceil(np.clip((d + self.offset) / k - 0.5, -1, self.m + 1)).astype(np.int64)
        e = np.clip(e, 0, self.m)
        filled = np.flatnonzero(np.diff(e))
        if not filled.size:
            return 0, e[:1]
        first, last = int(filled[0]), int(filled[-1])
        return first, e[first : last + 2]


def sampled(axis: Axis, antialias: bool) -> Axis:
    """`axis` with each output where align_corners took its sample.

    The first and the last output lie on the centres of the first and the last source pixel, so an
    output covers (n - 1) / (m - 1) source pixels.  With antialias the first begins with the source
    and only this step differs from the frame's.
    """
    if axis.n == 1 or axis.m == 1:
        return axis  # there is one place to take samples at
    step = (axis.n - 1) / (axis.m - 1)
    shift = 0.0 if antialias else (step - 1) / 2
    return replace(axis, n=axis.m * step, centre=axis.centre + shift)


def snapped(k: float) -> int | Fraction | float:
    """`k` as an int, or as 1 / int below one, where it is within a rounding of such a value."""
    if k >= 1 - TOLERANCE:
        whole = round(k)
        return whole if abs(k - whole) <= TOLERANCE * whole else k
    whole = round(1 / k)
    return Fraction(1, whole) if abs(k * whole - 1) <= TOLERANCE else k


def stop(k: float) -> float:
    """The nearest even zoom: k device pixels for an output, or k outputs for a device pixel."""
    return float(max(round(k), 1)) if k >= 1 else 1 / round(1 / k)


def stop_below(k: float) -> float:
    """The largest even zoom that is no larger than `k`."""
    k = float(snapped(k))
    return float(floor(k)) if k >= 1 else 1 / ceil(1 / k - TOLERANCE)


def wheel(k: float, notches: int) -> float:
    """Device pixels per output after `notches` steps of sqrt(2), each to an even stop.

    Upwards from 1: 2, 3, 4, 6, 8, 11, 16, ...; downwards 1/2, 1/3, 1/4, 1/6, ...  Every stop is
    an integer or one over an integer, so no zoom reached by the wheel has uneven columns.
    """
    for _ in range(abs(notches)):
        k = _larger(k) if notches > 0 else _smaller(k)
    return k


def _larger(k: float) -> float:
    return 1 / _smaller(1 / k) if k < 1 - TOLERANCE else max(float(round(k * sqrt(2))), _next(k))


def _smaller(k: float) -> float:
    if k <= 1 + TOLERANCE:
        return 1 / _larger(1 / min(k, 1))
    return max(1.0, min(float(round(k / sqrt(2))), ceil(k * (1 - TOLERANCE)) - 1.0))


def _next(k: float) -> float:
    return floor(k * (1 + TOLERANCE)) + 1.0


def limits(n: tuple[int, int], m: tuple[int, int]) -> tuple[float, float]:
    """Smallest and largest z for a picture of `n` and a result of `m` pixels."""
    largest = LARGEST * max(m[0] / n[0], m[1] / n[1])
    return min(SMALLEST / max(n), largest), largest


def fitting(n: tuple[int, int], m: tuple[int, int], width: int, height: int) -> float:
    """The largest z at an even stop of the columns with which the whole picture is seen."""
    z = min(height / n[0], width / n[1])
    s = m[1] / n[1]
    return stop_below(z / s) * s
