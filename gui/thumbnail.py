"""The whole picture, small, for the navigator; and how its places belong to those of the source."""

from __future__ import annotations

from fractions import Fraction

from .render import Request
from .source import Source
from .state import Pane
from .viewport import Axis


def request(source: Source, width: int, height: int) -> Request:
    """The request for area averages of the whole picture, as large as fits, shape kept.

    Rendered as every other frame, so that it has its colours.

    Parameters
    ----------
    source : Source
    width, height : int
        Device pixels that there is room for.
    """
    n = source.size
    scale = min(Fraction(max(height, 1), n[0]), Fraction(max(width, 1), n[1]))
    pane = Pane("area", (scale, scale)) if scale < 1 else Pane("nearest", (Fraction(1),) * 2)
    m = pane.output_size(n)
    if scale >= 1:  # whole device pixels for each pixel of a small picture
        return Request(source, pane, *(_whole(n, m, int(scale))))
    return Request(source, pane, *(_whole(n, m, 1)))


def _whole(n: tuple[int, int], m: tuple[int, int], k: int) -> tuple[Axis, Axis]:
    """Axes that show all of `m` outputs, each as `k` device pixels, and nothing else."""
    rows, cols = (
        Axis(length, outputs, outputs * k, length / 2, outputs * k / length)
        for length, outputs in zip(n, m, strict=True)
    )
    return rows, cols
