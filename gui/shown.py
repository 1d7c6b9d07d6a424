"""Which outputs a frame holds along an axis, and where any view finds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .pool import FRAMES
from .viewport import Axis


@dataclass(frozen=True, eq=False)
class Shown:
    """One axis of the values of a frame.

    Attributes
    ----------
    axis : Axis
        Of the view that it was made for.
    first, count : int
        Of the values: outputs where `boxes` is False, else device pixels of `axis` (one value
        for each, a sample or a mean).
    boxes : bool
        Which of the two.
    at : int64
        The outputs, (count,); or the edges of the boxes that are averaged, (count + 1,).
    mean : bool
        Whether `at` are edges.
    """

    axis: Axis
    first: int
    count: int
    boxes: bool
    at: np.ndarray
    mean: bool = False

    @property
    def covered(self) -> int:
        """Outputs from the first to the last."""
        return int(self.at[-1] - self.at[0]) + 1 if self.count else 0

    def positions(self, view: Axis) -> np.ndarray:
        """(extent,) int64: for each device pixel of `view` the value that belongs there, or -1."""
        if self.boxes:
            if view == self.axis:
                at = np.arange(view.extent)
            else:  # by way of the source, the one grid that both views know
                at = (_source(view) - self.axis.centre) * self.axis.z + self.axis.extent / 2
                at = np.floor(np.clip(at, -1, self.axis.extent)).astype(np.int64)
        elif (view.n, view.m) == (self.axis.n, self.axis.m):
            at = view.indices()
        else:
            at = np.clip(_source(view) * self.axis.m / self.axis.n, -1, self.axis.m)
            at = np.floor(at).astype(np.int64)
        at = at - self.first
        return np.where((at >= 0) & (at < self.count), at, -1)

    def shared(self, other: Shown) -> tuple[int, int, int] | None:
        """``(start, stop, shift)``: values start .. stop are those of `other`, `shift` further on.

        Only where the two agree in everything they both reach over: views whose ratio is no
        whole number may round differently, and then nothing is shared.
        """
        if not (self.count and other.count) or self.mean != other.mean:
            return None
        if (self.axis.n, self.axis.m) != (other.axis.n, other.axis.m):
            return None
        shift = int(np.searchsorted(other.at, self.at[0]))
        if shift == 0:
            shift = -int(np.searchsorted(self.at, other.at[0]))
        start, stop = max(0, -shift), min(self.count, other.count - shift)
        if stop <= start:
            return None
        more = int(self.mean)  # the last edge
        same = self.at[start : stop + more] == other.at[start + shift : stop + shift + more]
        return (start, stop, shift) if same.all() else None


def picked(axis: Axis) -> Shown:
    """Samples: each output in sight once where they are magnified, else one for each device pixel.

    The rest of them would fill the memory with what nobody sees.
    """
    at = axis.indices()
    inside = np.flatnonzero(at >= 0)
    if not inside.size:
        return Shown(axis, 0, 0, False, at[:0])
    if not axis.magnified:
        return Shown(axis, int(inside[0]), inside.size, True, at[inside])
    first, last = int(at[inside[0]]), int(at[inside[-1]])
    return Shown(axis, first, last + 1 - first, False, np.arange(first, last + 1))


def boxes(axis: Axis) -> Shown:
    """Means: of single outputs where they are magnified, else of those in each device pixel."""
    if axis.magnified:
        seen = picked(axis)
        edges = np.arange(seen.first, seen.first + seen.count + 1)
        return Shown(axis, seen.first, seen.count, False, edges, True)
    first, edges = axis.edges()
    return Shown(axis, first, edges.size - 1, True, edges, True)


def _source(axis: Axis) -> np.ndarray:
    """(extent,) float64: source coordinate at the middle of each device pixel."""
    return (np.arange(axis.extent) + 0.5 - axis.extent / 2) / axis.z + axis.centre


def moved(old: Axis, new: Axis) -> int | None:
    """By how many device pixels `new` looks further on than `old`, where that is all it does."""
    if (old.n, old.m, old.extent, old.z) != (new.n, new.m, new.extent, new.z):
        return None
    if isinstance(old.ratio, float):  # offsets are no whole pixels
        return None
    return int(new.offset - old.offset)


def shifted(pixels: np.ndarray, down: int, across: int, outside: int) -> np.ndarray:
    """A new picture of the same size, which looks at `pixels` from further down and across."""
    made = FRAMES.empty(pixels.shape, pixels.dtype)
    height, width = pixels.shape
    if abs(down) >= height or abs(across) >= width:
        made.fill(outside)
        return made
    to_rows, from_rows = _overlap(down, height)
    to_cols, from_cols = _overlap(across, width)
    made[to_rows, to_cols] = pixels[from_rows, from_cols]
    # What is left, and no more: filling all of it first took longer than all the rest of a drag.
    made[: to_rows.start] = made[to_rows.stop :] = outside
    made[to_rows, : to_cols.start] = made[to_rows, to_cols.stop :] = outside
    return made


def _overlap(by: int, length: int) -> tuple[slice, slice]:
    return slice(max(-by, 0), length - max(by, 0)), slice(max(by, 0), length + min(by, 0))
