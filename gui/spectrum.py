"""What frequencies a part of a pane holds, and whether one of them is a checkerboard.

A pattern that a method lays over every picture repeats after `s` outputs, the scale.  In the
spectrum that is a peak at the frequencies k / s, of the height of the mean brightness; what a
picture itself has there is spread out.  So the energy at these frequencies is compared with that
around them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log10

import numpy as np

from .parts import Part
from .render import never

SIDE = 1024  # outputs along a side, at most
# Of photographs at x2 and x3: transposed convolutions with uneven overlap have 20 to 43 dB,
# bilinear -5 to 5, nearest and ICNR shuffles at most 17 (in the smallest windows).  With a ring
# of 3 to 8 frequencies the gap is 5 dB narrower.
RING = (3, 16)
PATTERN = 18.0  # dB from which a peak is called a pattern
LEAST = 4 * RING[0]  # outputs along a side for each period
_ROUNDING = 1e-12  # of the mean energy: less than that is no peak

Frequency = tuple[float, float]  # down and across, in cycles for an output


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The spectrum of one part.

    Attributes
    ----------
    magnitude : (h, w) float64
        Log10 of the magnitude, frequency 0 in the middle.
    peaks : dict
        What `peaks` says of it.
    """

    magnitude: np.ndarray
    peaks: dict[Frequency, float]

    @property
    def peak(self) -> float | None:
        """The largest of the peaks in dB, None where there is no period to look for, or too little
        of the picture to tell."""
        return max(self.peaks.values(), default=None)

    @property
    def patterns(self) -> list[Frequency]:
        """The frequencies whose peaks are no chance."""
        return [at for at, decibels in self.peaks.items() if decibels >= PATTERN]


def periods(scale: tuple[object, object]) -> tuple[int, int]:
    """The periods that a method of this scale may leave, down and across; 1 for none."""
    down, across = (int(s) if s == int(s) else 1 for s in scale)  # type: ignore[call-overload]
    return max(down, 1), max(across, 1)


def spectrum(part: Part, cancelled: Callable[[], bool] = never) -> Spectrum:
    """The spectrum of the brightness of the middle of a part.

    Raises
    ------
    Cancelled
        Soon after `cancelled` began to return True.
    ValueError
        If a value is not finite.
    """
    period = periods(part.pane.scale)
    sides = (min(n, SIDE) // p * p for n, p in zip(part.shape[:2], period, strict=True))
    values = part.within(*sides).values(cancelled)
    if not np.isfinite(values).all():
        raise ValueError("values that are not finite have no spectrum")
    gray = values[..., :3].mean(axis=-1, dtype=np.float64)
    energy = _energy(gray)
    magnitude = np.log10(np.sqrt(np.fft.fftshift(energy)) + 1e-12)
    return Spectrum(magnitude, peaks(energy, period))


def _energy(gray: np.ndarray) -> np.ndarray:
    """Squared magnitudes; tapered, or the borders would draw a cross over everything."""
    height, width = gray.shape
    if not gray.size:
        return np.zeros(gray.shape)
    taper = np.outer(*(np.hanning(n + 1)[:-1] if n > 1 else np.ones(1) for n in (height, width)))
    return np.abs(np.fft.fft2((gray - gray.mean()) * taper)) ** 2


def peaks(energy: np.ndarray, period: tuple[int, int]) -> dict[Frequency, float]:
    """Energy at each frequency of a period over that of its surroundings, in dB.

    Parameters
    ----------
    energy : (h, w) ndarray
        Squared magnitudes as `numpy.fft.fft2` orders them; h and w are multiples of the period.
    period : (int, int)
        Down and across.

    Returns
    -------
    dict
        By frequencies in cycles for a sample.  Empty without a period, or where the picture is
        too small for surroundings that are not those of the next peak.
    """
    sides = list(zip(energy.shape, period, strict=True))
    reach = min([RING[1], *(n // (2 * s) for n, s in sides)])
    if period == (1, 1) or any(n < LEAST * s for n, s in sides):
        return {}
    about = np.arange(-reach, reach + 1)
    distance = np.maximum(np.abs(about)[:, None], np.abs(about))
    floor = _ROUNDING * energy.mean() + 1e-300
    found = {}
    for k in list(np.ndindex(*period))[1:]:  # without frequency 0
        (row, down), (column, across) = (
            (i * n // s, i / s) for i, (n, s) in zip(k, sides, strict=True)
        )
        around = energy[np.ix_((row + about) % energy.shape[0], (column + about) % energy.shape[1])]
        inside, outside = around[distance <= 1].mean(), around[distance >= RING[0]].mean()
        found[down, across] = 10 * log10((inside + floor) / (outside + floor))
    return found


def verdict(found: Spectrum, period: tuple[int, int]) -> str:
    """The peak in words."""
    if found.peak is None:
        return "no period to look for" if period == (1, 1) else "too small to tell"
    kind = "a pattern of" if found.patterns else "no pattern of"
    shown = str(period[0]) if period[0] == period[1] else f"{period[1]} x {period[0]}"
    return f"{kind} period {shown}: {found.peak:+.1f} dB"
