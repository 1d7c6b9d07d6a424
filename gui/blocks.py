"""The values of a part of a frame, block by block: memory stays small, and giving up is quick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from upsampler.method_base import Prepared

from ._pack import average
from .shown import Shown

BLOCK = 1 << 21  # pixels read or made between two looks at whether they are still wanted
# Below 1:1 a block of rows holds rows that are not looked at.  A window for each row that is
# spares them.  Preparing one takes as long as computing a row or two, and SSIM looks at 7 rows.
SPARSE = 8  # outputs for a device pixel
# Means of so many outputs are those of the outputs as they are: rounded, and cut off at the ends
# of their type.  Of more, weights are averaged where a method can (`Prepared.means`): a photograph
# of 24 megapixels at x4 has 400 million outputs, which take seconds, and their weights 0.05 to
# 0.5 s.
FEASIBLE = 1 << 23
TAPS = 4  # of a usual filter


class Cancelled(Exception):
    """Nobody waits for this any more."""


@dataclass(frozen=True)
class Rect:
    """Values of a frame from a row to a row and from a column to a column."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> int:
        return max(self.bottom - self.top, 0) * max(self.right - self.left, 0)


def rects_around(known: Rect, rows: int, cols: int) -> list[Rect]:
    """What is left of all values without those that are known."""
    if not known.area:
        known = Rect(0, 0, 0, 0)
        parts = [Rect(0, rows, 0, cols)]
    else:
        parts = [
            Rect(0, known.top, 0, cols),
            Rect(known.bottom, rows, 0, cols),
            Rect(known.top, known.bottom, 0, known.left),
            Rect(known.top, known.bottom, known.right, cols),
        ]
    return [part for part in parts if part.area]


def samples(
    ready: Prepared,
    rows: Shown,
    cols: Shown,
    rect: Rect,
    values: np.ndarray,
    cancelled: Callable[[], bool],
    threads: int,
    _whole: int,
) -> None:
    """Fill `rect` of `values` with the outputs at its places."""
    at_rows, at_cols = rows.at[rect.top : rect.bottom], cols.at[rect.left : rect.right]
    dense = not (rows.boxes or cols.boxes)
    if ready.sparse and not dense:
        cost = TAPS * _under(at_cols, cols)
        step = max(BLOCK // cost, 1)
    else:
        depth = int(np.diff(at_rows, append=at_rows[-1] + 1).max())
        step = 1 if depth >= SPARSE else max(BLOCK // (_span(at_cols) * depth), 1)
    left, right = int(at_cols[0]), int(at_cols[-1]) + 1
    for a, b in _blocks(len(at_rows), step):
        _give_up_if(cancelled)
        part = values[rect.top + a : rect.top + b, rect.left : rect.right]
        if dense:
            window = (int(at_rows[a]), int(at_rows[b - 1]) + 1), (left, right)
            ready.window(*window, part, threads)
        else:
            part[...] = ready.samples(at_rows[a:b], at_cols, threads)


def averages(
    ready: Prepared,
    rows: Shown,
    cols: Shown,
    rect: Rect,
    values: np.ndarray,
    cancelled: Callable[[], bool],
    threads: int,
    whole: int,
) -> None:
    """Fill `rect` of `values` with the means of the outputs of each device pixel.

    `whole` counts the outputs of the whole frame: strips of it are made as the rest was.
    """
    at_rows, at_cols = rows.at[rect.top : rect.bottom + 1], cols.at[rect.left : rect.right + 1]
    by_weights = ready.weighs and whole > FEASIBLE
    depth = int(np.diff(at_rows).max())
    if by_weights:
        cost = (int(depth * rows.axis.n / rows.axis.m) + 1) * _under(at_cols, cols)
        make = ready.means
    else:
        cost = depth * _span(at_cols)
        make = _by_outputs(ready)
    step = max(BLOCK // cost, 1)
    across = max(BLOCK * (len(at_cols) - 1) // cost, 1) if step == 1 else len(at_cols)
    for a, b in _blocks(len(at_rows) - 1, step):
        for c, d in _blocks(len(at_cols) - 1, across):
            _give_up_if(cancelled)
            part = values[rect.top + a : rect.top + b, rect.left + c : rect.left + d]
            part[...] = make(at_rows[a : b + 1], at_cols[c : d + 1], threads)


def _by_outputs(ready: Prepared) -> Callable[[np.ndarray, np.ndarray, int], np.ndarray]:
    def make(rows: np.ndarray, cols: np.ndarray, threads: int) -> np.ndarray:
        top, left = int(rows[0]), int(cols[0])
        block = ready.window((top, int(rows[-1])), (left, int(cols[-1])), None, threads)
        made = np.empty((len(rows) - 1, len(cols) - 1, block.shape[2]), block.dtype)
        if block.dtype.name in ("uint8", "uint16", "float32", "float64"):
            average(block, rows - top, cols - left, made)
            return made
        means = np.empty(made.shape)
        average(block.astype(np.float64), rows - top, cols - left, means)
        made[...] = np.rint(means) if made.dtype.kind in "iu" else means
        return made

    return make


def _span(at: np.ndarray) -> int:
    """Outputs from the first to the last."""
    return int(at[-1] - at[0]) + 1


def _under(at: np.ndarray, shown: Shown) -> int:
    """Source pixels that lie under them."""
    return int(_span(at) * shown.axis.n / shown.axis.m) + 1


def _blocks(count: int, step: int) -> Iterator[tuple[int, int]]:
    for a in range(0, count, step):
        yield a, min(a + step, count)


def _give_up_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled
