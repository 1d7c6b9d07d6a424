"""An immutable request in, an immutable frame out: nothing here knows a window or a thread.

Only the outputs that the viewport shows are computed, through ``window=``; they are repeated to
device pixels while they are packed.  So every pixel of a frame is one the method produced, or,
below 1:1 and only when the request asks for it, the plain mean of those that share its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from . import difference
from ._pack import average, pack
from .difference import Difference
from .prepared import prepared
from .settings import PLAIN, Tone
from .source import Source
from .state import Pane, Subject
from .toning import toned
from .viewport import Axis

OUTSIDE = 0xFF17191C  # around the picture
BLOCK = 1 << 21  # outputs between two looks at whether the frame is still wanted: 4 to 20 ms
# Below 1:1 a block of rows holds rows that are not looked at.  A window for each row that is
# would spare them, but making the tables of a window costs about as much as computing 30 rows.
SPARSE = 32  # outputs for a device pixel


class Cancelled(Exception):
    """Nobody waits for this frame any more."""


@dataclass(frozen=True)
class Request:
    """All that a frame depends on; equal requests have equal frames.

    With a `Tone` for its `look` a frame has the values of the method, with a `Difference` how far
    these are from those of another pane.
    """

    source: Source
    pane: Pane
    rows: Axis
    cols: Axis
    averaged: bool = False
    look: Tone | Difference = PLAIN

    def __post_init__(self) -> None:
        assert self.averaged is False or self.minified

    @property
    def minified(self) -> bool:
        """Whether a device pixel covers several outputs along some axis."""
        return not (self.rows.magnified and self.cols.magnified)

    def empty(self, rows: int, cols: int) -> np.ndarray:
        """Room for so many values."""
        if isinstance(self.look, Difference):
            return np.empty((rows, cols, 1), np.float32)
        values = self.source.values
        return np.empty((rows, cols, values.shape[2]), values.dtype)

    @property
    def chip(self) -> str:
        """What the pixels of this frame are: ``exact x8``, ``exact 1:1``, ``averaged 1:3``."""
        across, down = _ratio_text(self.cols.ratio), _ratio_text(self.rows.ratio)
        ratio = across if across == down else f"{across} across, {down} down"
        return f"{'averaged' if self.averaged else 'exact'} {ratio}"


@dataclass(frozen=True)
class Shown:
    """Which part of an axis the values of a frame are, so that any later view can find them.

    `first` and `count` are outputs where `boxes` is False, else device pixels of `axis` (one
    value for each, a sample or a mean).
    """

    axis: Axis
    first: int
    count: int
    boxes: bool

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


@dataclass(frozen=True, eq=False)
class Frame:
    """The values of a viewport, and its pixels ready to be painted.

    Attributes
    ----------
    values : (h, w, C) ndarray
        Each output (or mean) of the viewport once, as the method made it.
    pixels : (rows.extent, cols.extent) uint32
        0xFFRRGGBB.
    seconds : float
        Time that computing the values took.
    """

    request: Request
    values: np.ndarray
    rows: Shown
    cols: Shown
    pixels: np.ndarray
    seconds: float

    @property
    def nbytes(self) -> int:
        return self.values.nbytes + self.pixels.nbytes

    def under(self, rows: Axis, cols: Axis) -> np.ndarray:
        """(h, w) uint32: this frame as another view sees it, blank where it has nothing.

        What is shown while the new frame is computed; still repeated, never interpolated.
        """
        return _packed(
            self.request, self.values, self.rows.positions(rows), self.cols.positions(cols)
        )


def never() -> bool:
    return False


def render(request: Request, cancelled: Callable[[], bool] = never, threads: int = 1) -> Frame:
    """The frame of a request.

    Raises
    ------
    Cancelled
        Soon after `cancelled` began to return True.
    """
    start = time.perf_counter()
    make = _averages if request.averaged else _samples
    values, rows, cols = make(request, cancelled, threads)
    seconds = time.perf_counter() - start
    pixels = _packed(request, values, rows.positions(request.rows), cols.positions(request.cols))
    return Frame(request, values, rows, cols, pixels, seconds)


def output(
    source: Source,
    pane: Pane,
    rows: tuple[int, int],
    cols: tuple[int, int],
    threads: int = 1,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """(rows, cols, C): a window of what the method of `pane` makes of `source`."""
    return prepared(source, pane).window(rows, cols, out, threads)


def _made(
    request: Request,
    rows: tuple[int, int],
    cols: tuple[int, int],
    threads: int,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """A window of all values that a request is about."""
    look = request.look
    if not isinstance(look, Difference):
        return output(request.source, request.pane, rows, cols, threads, out)

    def fetch(subject: Subject, rows: tuple[int, int], cols: tuple[int, int]) -> np.ndarray:
        return output(subject.source, subject.pane, rows, cols, threads)

    made = difference.window(look, Subject(request.source, request.pane), rows, cols, fetch)
    if out is None:
        return made
    out[:] = made
    return out


def _samples(
    request: Request, cancelled: Callable[[], bool], threads: int
) -> tuple[np.ndarray, Shown, Shown]:
    """The outputs at the middle of each device pixel."""
    rows, at_rows = _picked(request.rows)
    cols, at_cols = _picked(request.cols)
    values = request.empty(rows.count, cols.count)
    if not values.size:
        return values, rows, cols
    left, right = int(at_cols[0]), int(at_cols[-1]) + 1
    depth = int(np.diff(at_rows, append=at_rows[-1] + 1).max())
    whole = not rows.boxes and not cols.boxes
    step = 1 if depth >= SPARSE else max(BLOCK // ((right - left) * depth), 1)
    for a, b in _blocks(rows.count, step):
        _give_up_if(cancelled)
        window = (int(at_rows[a]), int(at_rows[b - 1]) + 1), (left, right)
        if whole:
            _made(request, *window, threads, values[a:b])
        else:
            block = _made(request, *window, threads)
            values[a:b] = block[np.ix_(at_rows[a:b] - at_rows[a], at_cols - left)]
    return values, rows, cols


def _averages(
    request: Request, cancelled: Callable[[], bool], threads: int
) -> tuple[np.ndarray, Shown, Shown]:
    """The mean of the outputs of each device pixel; memory for a block of outputs, not for all."""
    rows, row_edges = _boxes(request.rows)
    cols, col_edges = _boxes(request.cols)
    values = request.empty(rows.count, cols.count)
    if not values.size:
        return values, rows, cols
    left, right = int(col_edges[0]), int(col_edges[-1])
    depth = int(np.diff(row_edges).max())
    for a, b in _blocks(rows.count, max(BLOCK // ((right - left) * depth), 1)):
        _give_up_if(cancelled)
        top, bottom = int(row_edges[a]), int(row_edges[b])
        block = _made(request, (top, bottom), (left, right), threads)
        average(block, row_edges[a : b + 1] - top, col_edges - left, values[a:b])
    return values, rows, cols


def _picked(axis: Axis) -> tuple[Shown, np.ndarray]:
    """What is kept along an axis, and as which outputs.

    Each output in sight once where they are magnified, else one for each device pixel: the rest
    of them would fill the memory with what nobody sees.
    """
    at = axis.indices()
    inside = np.flatnonzero(at >= 0)
    if not inside.size:
        return Shown(axis, 0, 0, False), at[:0]
    if not axis.magnified:
        return Shown(axis, int(inside[0]), inside.size, True), at[inside]
    first, last = int(at[inside[0]]), int(at[inside[-1]])
    return Shown(axis, first, last + 1 - first, False), np.arange(first, last + 1)


def _boxes(axis: Axis) -> tuple[Shown, np.ndarray]:
    """What is averaged along an axis: single outputs where it is magnified, else boxes of them."""
    if axis.magnified:
        seen, _ = _picked(axis)
        return seen, np.arange(seen.first, seen.first + seen.count + 1)
    first, edges = axis.edges()
    return Shown(axis, first, edges.size - 1, True), edges


def _blocks(rows: int, step: int) -> Iterator[tuple[int, int]]:
    for a in range(0, rows, step):
        yield a, min(a + step, rows)


def _give_up_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled


def _source(axis: Axis) -> np.ndarray:
    """(extent,) float64: source coordinate at the middle of each device pixel."""
    return (np.arange(axis.extent) + 0.5 - axis.extent / 2) / axis.z + axis.centre


def _packed(request: Request, values: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    pixels = np.empty((rows.size, cols.size), np.uint32)
    look, weighted = request.look, request.source.weighted
    if isinstance(look, Difference):
        pack(difference.coloured(values, look.diff), rows, cols, pixels, OUTSIDE, False)
    else:
        pack(toned(values, look, weighted), rows, cols, pixels, OUTSIDE, weighted)
    return pixels


def _ratio_text(ratio: int | Fraction | float) -> str:
    if ratio == 1:
        return "1:1"
    return f"x{ratio:.4g}" if ratio > 1 else f"1:{float(1 / ratio):.4g}"
