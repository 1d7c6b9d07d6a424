"""An immutable request in, an immutable frame out: nothing here knows a window or a thread.

Only the outputs that the viewport shows are computed, and of these only the ones that the frame
before did not have; they are repeated to device pixels while they are packed.  So every pixel of
a frame is one the method produced, or, below 1:1 and only when the request asks for it, the plain
mean of those that share its place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from upsampler.method_base import Prepared

from ._pack import pack, paint
from .blocks import Cancelled, Rect, averages, rects_around, samples
from .cache import LRU
from .comparing import Compared
from .difference import Difference, painted
from .pool import FRAMES
from .prepared import prepared
from .settings import PLAIN, DiffKind, Tone
from .shown import Shown, boxes, moved, picked, shifted
from .source import Source
from .state import Pane, Subject
from .toning import scale_of, table_of, toned
from .viewport import Axis

__all__ = ["OUTSIDE", "Cancelled", "Frame", "Renderer", "Request", "output", "render"]

OUTSIDE = 0xFF17191C  # around the picture
PACKED = ("uint8", "uint16", "float32", "float64")
# Outputs, one by one, that somebody waits for: a third of them takes 4 to 11 s.  Of more, without a
# shorter way to their means, samples stay, and the chip says so.
ENOUGH = 1 << 30
LAST_BYTES = 128 << 20  # of the frames kept for the next ones to begin with


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

    @property
    def values_key(self) -> tuple[Source, Pane, bool, tuple[Subject, DiffKind] | None]:
        """What the values depend on beside the view: gain, exposure and the like are paint."""
        look = self.look
        other = (look.versus, look.diff.kind) if isinstance(look, Difference) else None
        return self.source, self.pane, self.averaged, other

    def ready(self) -> Prepared:
        """What the values come from, window by window."""
        self.source.check()
        if isinstance(self.look, Difference):
            return Compared(self.look, Subject(self.source, self.pane))
        return prepared(self.source, self.pane)

    def empty(self, rows: int, cols: int) -> np.ndarray:
        """Room for so many values."""
        if isinstance(self.look, Difference):
            return FRAMES.empty((rows, cols, 1), np.float32)
        values = self.source.values
        return FRAMES.empty((rows, cols, values.shape[2]), values.dtype)

    @property
    def chip(self) -> str:
        """What the pixels of this frame are: ``exact x8``, ``exact 1:1``, ``averaged 1:3``."""
        across, down = _ratio_text(self.cols.ratio), _ratio_text(self.rows.ratio)
        ratio = across if across == down else f"{across} across, {down} down"
        return f"{'averaged' if self.averaged else 'exact'} {ratio}"


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
        Time that computing the values took, the last time that all of them were.
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
        at = self.request
        by = moved(at.rows, rows), moved(at.cols, cols)
        if by[0] is not None and by[1] is not None:  # a drag: the pixels are known already
            return shifted(self.pixels, by[0], by[1], OUTSIDE)
        return _packed(
            self.request, self.values, self.rows.positions(rows), self.cols.positions(cols)
        )

    def output(self, row: int, column: int) -> np.ndarray | None:
        """(C,): the output of the method at that place, None where it is not among the values."""
        rows, cols = self.rows, self.cols
        if isinstance(self.request.look, Difference) or rows.boxes or cols.boxes or rows.mean:
            return None
        r, c = row - rows.first, column - cols.first
        return self.values[r, c] if 0 <= r < rows.count and 0 <= c < cols.count else None


def never() -> bool:
    return False


def render(
    request: Request,
    cancelled: Callable[[], bool] = never,
    threads: int = 1,
    before: Frame | None = None,
) -> Frame:
    """The frame of a request.

    Parameters
    ----------
    before : Frame, optional
        Of the same source, pane and so on: what it has is not computed again.

    Returns
    -------
    Frame
        Its own request asks for samples where there are too many outputs for means.

    Raises
    ------
    Cancelled
        Soon after `cancelled` began to return True.
    """
    start = time.perf_counter()
    along = boxes if request.averaged else picked
    rows, cols = along(request.rows), along(request.cols)
    ready = request.ready()
    whole = rows.covered * cols.covered
    if request.averaged and whole > ENOUGH and not ready.weighs:
        return render(replace(request, averaged=False), cancelled, threads)
    values = request.empty(rows.count, cols.count)
    known = Rect(0, 0, 0, 0)
    if before is not None:
        assert before.request.values_key == request.values_key
        known = _take(values, rows, cols, before)
    fill = averages if request.averaged else samples
    for rect in rects_around(known, rows.count, cols.count):
        fill(ready, rows, cols, rect, values, cancelled, threads, whole)
    seconds = time.perf_counter() - start
    if before is not None and known.area:
        seconds = before.seconds
    pixels = _packed(request, values, rows.positions(request.rows), cols.positions(request.cols))
    return Frame(request, values, rows, cols, pixels, seconds)


def _take(values: np.ndarray, rows: Shown, cols: Shown, before: Frame) -> Rect:
    """Copy what `before` has of the new values; where that is among them."""
    down, across = rows.shared(before.rows), cols.shared(before.cols)
    if down is None or across is None:
        return Rect(0, 0, 0, 0)
    (top, bottom, y), (left, right, x) = down, across
    values[top:bottom, left:right] = before.values[top + y : bottom + y, left + x : right + x]
    return Rect(top, bottom, left, right)


@dataclass(eq=False)
class Renderer:
    """`render`, beginning with what the frame before has; from several threads at once.

    Parameters
    ----------
    threads : int
        For each call.
    """

    threads: int = 1
    _last: LRU[Hashable, Frame] = field(
        default_factory=lambda: LRU(LAST_BYTES, lambda frame: frame.nbytes)
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request, cancelled: Callable[[], bool] = never) -> Frame:
        key = request.values_key
        with self._lock:
            before = self._last.get(key)
        frame = render(request, cancelled, self.threads, before)
        with self._lock:
            self._last[frame.request.values_key] = frame
        return frame

    def forget(self) -> None:
        """Drop all frames, and with them their sources."""
        with self._lock:
            self._last.clear()


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


def _packed(request: Request, values: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    pixels = FRAMES.empty((rows.size, cols.size), np.uint32)
    look, source = request.look, request.source
    if isinstance(look, Difference):
        paint(*painted(values, look.diff), rows, cols, pixels, OUTSIDE)
    elif source.weighted:
        pack(toned(values, look, True), rows, cols, pixels, OUTSIDE, True)
    else:
        values = packable(values)
        scale, table = scale_of(look, source.black, source.white), table_of(look, values.dtype)
        pack(values, rows, cols, pixels, OUTSIDE, False, source.black, scale, table)
    return pixels


def packable(values: np.ndarray) -> np.ndarray:
    """Values in a type that the packing loops take."""
    if values.dtype.name in PACKED:
        return values
    return values.astype(np.float32 if values.dtype == np.float16 else np.float64)


def _ratio_text(ratio: int | Fraction | float) -> str:
    if ratio == 1:
        return "1:1"
    return f"x{ratio:.4g}" if ratio > 1 else f"1:{float(1 / ratio):.4g}"
