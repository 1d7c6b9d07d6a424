"""The small values that the state is made of: modes, kinds of difference, tone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """How the panes share the window."""

    GRID = "grid"
    SPLIT = "split"
    BLINK = "blink"
    DIFF = "diff"
    SINGLE = "single"


class Split(StrEnum):
    """Where the line runs that parts two methods, or four."""

    VERTICAL = "vertical"
    HORIZONTAL = "horizontal"
    QUARTERS = "2-d"


class Geometry(StrEnum):
    """Where an output lies in the source.

    FRAME stretches every result over the same rectangle; SAMPLES puts each output where its sample
    was taken, which differs for align_corners by up to half a source pixel.
    """

    FRAME = "frame"
    SAMPLES = "samples"


class DiffKind(StrEnum):
    """What is shown of a result `a` and the reference `b`, both counted from black 0 to white 1.

    Of several channels the one with the largest value is shown, so nothing cancels.
    """

    ABSOLUTE = "absolute"  # |a - b|
    SIGNED = "signed"  # a - b
    RELATIVE = "relative"  # |a - b| / |b|
    SQUARED = "squared"  # (a - b)^2
    SSIM = "SSIM map"  # 1 - SSIM of the 7 x 7 surroundings


@dataclass(frozen=True)
class Diff:
    """How differences are shown.

    Attributes
    ----------
    kind : DiffKind
    gain : float
        What the differences are multiplied by before they are coloured.
    threshold : float
        Differences up to this one, in parts of white, count as none.
    """

    kind: DiffKind = DiffKind.ABSOLUTE
    gain: float = 1.0
    threshold: float = 0.0


@dataclass(frozen=True)
class Tone:
    """How values become light: ``(value * 2 ** exposure) ** (1 / gamma)``.

    The values themselves, what is told of them and their differences do not change.
    """

    exposure: float = 0.0  # in stops
    gamma: float = 1.0


PLAIN = Tone()


@dataclass(frozen=True)
class Region:
    """A rectangle of whole source pixels, the second row and column not included.

    So it is the same part of the picture in every pane, whatever their scales.
    """

    top: int
    left: int
    bottom: int
    right: int

    def window(
        self, n: tuple[int, int], m: tuple[int, int]
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows and columns of the outputs in it, where `n` source pixels become `m`."""
        rows = _outputs(self.top, self.bottom, n[0], m[0])
        return rows, _outputs(self.left, self.right, n[1], m[1])


def _outputs(a: int, b: int, n: int, m: int) -> tuple[int, int]:
    first = a * m // n
    return first, min(max(-(-b * m // n), first + 1), m)
