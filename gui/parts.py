"""A rectangle of what a method makes, read some rows at a time; and the units it is told in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from . import render
from .render import Cancelled, never
from .source import Source
from .state import Pane

BLOCK = 1 << 20  # samples that are read between two looks at whether anybody waits

Range = tuple[int, int]


@dataclass(frozen=True)
class Part:
    """Outputs ``rows`` x ``cols`` of what `pane` makes of `source`; equal parts have equal values.

    Examples
    --------
    >>> from upsampler_gui.source import built_in
    >>> from upsampler_gui.state import Pane
    >>> part = Part(built_in(), Pane("nearest"), (8, 12), (100, 107))
    >>> part.shape, part.read(1, 3).shape
    ((4, 7, 3), (2, 7, 3))
    """

    source: Source
    pane: Pane
    rows: Range
    cols: Range

    @property
    def shape(self) -> tuple[int, int, int]:
        (top, bottom), (left, right) = self.rows, self.cols
        return bottom - top, right - left, self.source.values.shape[2]

    @property
    def empty(self) -> bool:
        return 0 in self.shape

    def read(self, start: int, stop: int) -> np.ndarray:
        """(stop - start, w, C): some of the rows, counted from the first of the part."""
        top = self.rows[0]
        return render.output(self.source, self.pane, (top + start, top + stop), self.cols)

    def blocks(self, cancelled: Callable[[], bool] = never, every: int = 1) -> Iterator[np.ndarray]:
        """All rows, a block at a time; or only every so manyth row.

        Raises
        ------
        Cancelled
            Before the next block, once `cancelled` returns True.
        """
        height, width, channels = self.shape
        depth = max(BLOCK // max(width * channels, 1), 1) if every == 1 else 1
        for start in range(0, height, max(depth, every)):
            give_up_if(cancelled)
            yield self.read(start, min(start + depth, height))

    def values(self, cancelled: Callable[[], bool] = never) -> np.ndarray:
        """(h, w, C): all of it at once."""
        whole = np.empty(self.shape, self.source.values.dtype)
        at = 0
        for block in self.blocks(cancelled):
            whole[at : at + len(block)] = block
            at += len(block)
        return whole

    def within(self, height: int, width: int) -> Part:
        """The middle of it, of no more than so many rows and columns."""
        return Part(self.source, self.pane, _middle(self.rows, height), _middle(self.cols, width))


def give_up_if(cancelled: Callable[[], bool]) -> None:
    """Raise `Cancelled` where nobody waits any more."""
    if cancelled():
        raise Cancelled


def data_range(source: Source) -> float:
    """Distance of black and white in `source.values`: what PSNR takes as the range of the data.

    One for a picture and all that is made of it, whatever window of it is measured; that of
    `upsampler.metrics.data_range_of` the picture.
    """
    dtype = source.values.dtype
    if dtype.kind in "iu" and dtype.itemsize <= 2:
        return float(np.iinfo(dtype).max) - float(np.iinfo(dtype).min)
    if source.weighted or (source.dtype.kind == "f" and source.low >= 0 and source.high <= 1):
        return 1.0
    return (source.high - source.low) / unit(source) or 1.0


def unit(source: Source) -> float:
    """What `source.values` are multiplied by to be in the units of the file."""
    whole = source.dtype.kind in "iu" and source.values.dtype.kind == "f"
    return float(np.iinfo(source.dtype).max) if whole else 1.0


def _middle(pair: Range, most: int) -> Range:
    length = min(pair[1] - pair[0], most)
    start = pair[0] + (pair[1] - pair[0] - length) // 2
    return start, start + length
