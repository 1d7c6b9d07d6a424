"""What every case has to reach."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """Demands on one case."""

    gain: float  # over the fastest peer, fresh results on both sides
    near: float | None = None  # in place of the gain: within so many times memset
    out: float | None = None  # with out=, within so many times memset

    def missed(self, gain: float | None, fresh: float, out: float | None) -> list[str]:
        """The demands not met; `fresh` and `out` are multiples of memset.

        >>> Bar(2, near=1.6, out=1.5).missed(gain=1.8, fresh=1.7, out=1.4)
        ['gain 2x']
        >>> Bar(2, near=1.6, out=1.5).missed(gain=1.8, fresh=1.5, out=1.6)
        ['out= 1.5x']
        """
        found = []
        near = self.near is not None and fresh <= self.near
        if gain is not None and gain < self.gain and not near:
            found.append(f"gain {self.gain:g}x")
        if self.out is not None and out is not None and out > self.out:
            found.append(f"out= {self.out:g}x")
        return found


NEAR = 1.6
TINY = 1 << 14  # elements below which a call costs what calling costs
TINY_GAIN = 0.5
INTERPOLATION_OUT = {  # by dtype and mode
    ("float32", "nearest"): 1.5,
    ("float32", "bilinear"): 1.5,
    ("float32", "bicubic"): 2.0,
    ("uint8", "bicubic"): 4.0,
}
UINT8_OUT = {"HW": 2.0, "HWC": 2.5}  # by layout
BACKWARD = Bar(2)
MANY_CHANNELS = Bar(0.95)  # bound by the matrix product, which the peers reach as well
FEW_CHANNELS = Bar(4, near=NEAR)
RESIZE_CONV = {"nearest": Bar(2), "bilinear": Bar(1.2)}
MOVES = Bar(2, near=NEAR)


def interpolation(dtype: str, mode: str, layout: str, result: tuple[int, ...]) -> Bar:
    """
    >>> interpolation("uint8", "bilinear", "HW", (500, 700))
    Bar(gain=2, near=1.6, out=2.0)
    >>> interpolation("float32", "bilinear", "HW", (5, 7))
    Bar(gain=0.5, near=None, out=None)
    """
    if math.prod(result) < TINY:
        return Bar(TINY_GAIN)
    out = INTERPOLATION_OUT.get((dtype, mode))
    if out is None and dtype == "uint8":
        out = UINT8_OUT[layout]
    return Bar(2, near=NEAR, out=out)


def scaling(threads: int, memset: float, compute_bound: bool) -> float:
    """What `threads` have to gain over one, where memset gains `memset`.

    >>> scaling(2, memset=1.2, compute_bound=True)
    1.7
    >>> scaling(2, memset=1.2, compute_bound=False)
    1.02
    """
    return 0.85 * (threads if compute_bound else memset)
