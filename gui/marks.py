"""What is drawn over the pixels of a pane: lines, letters, cross, region, grid; without Qt.

All places are device pixels.  Nothing here changes a pixel of the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .difference import Difference
from .render import Frame
from .scene import Slot, crossing
from .settings import Diff, Mode
from .state import TRUTH, ViewerState
from .texts import AUTO, method_texts, scale_text
from .viewport import Axis

NUMBERED = 24  # device pixels per pixel from which on its grid and its numbers are drawn
CELLS = 15000  # with numbers; drawing text takes some 10 us each, once nothing moves
BRIGHT = 0.179  # of relative luminance: black text has the higher contrast from here on
LETTERS = "ABCD"
LINEAR = [
    v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
    for v in (i / 255 for i in range(256))
]  # of a channel of sRGB


@dataclass(frozen=True)
class Badge:
    """A text in a corner of a box, at (y, x); `right` and `below` say towards which side."""

    text: str
    y: int
    x: int
    right: bool = True
    below: bool = True


@dataclass(frozen=True)
class Cell:
    """The values of one output pixel, in the middle of the place that it fills.

    One value where all channels have the same.  `bright` tells of the pixel, on which the text has
    to be read.
    """

    y: float
    x: float
    height: float
    bright: bool
    values: tuple[str, ...]


@dataclass(frozen=True)
class Marks:
    """Everything that is drawn over one pane.

    Attributes
    ----------
    cross : (int, int) or None
        Row and column of the shared cursor.
    lines : (int or None, int or None)
        Row and column of the lines of a split.
    region : (float, float, float, float) or None
        Top, left, bottom, right.
    grid : (tuple of float, tuple of float)
        Rows and columns of the lines between pixels.
    bar : Diff or None
        Whose colours are explained.
    """

    cross: tuple[int, int] | None = None
    lines: tuple[int | None, int | None] = (None, None)
    badges: tuple[Badge, ...] = ()
    region: tuple[float, float, float, float] | None = None
    grid: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    cells: tuple[Cell, ...] = ()
    bar: Diff | None = None


def marks(state: ViewerState, slot: Slot, width: int, height: int, pointed: bool) -> Marks:
    """What is drawn over a slot; `pointed` if the mouse itself is over it."""
    rows, cols = state.axes(slot.layers[0].pane, width, height)
    splitting = len(slot.layers) > 1
    lines = crossing(state, width, height) if splitting else (None, None)
    look = slot.layers[0].request.look
    return Marks(
        None if pointed else _cross(state, width, height),
        lines,
        _letters(state, slot, lines) if splitting else _held(state, slot),
        _region(state, slot.layers[0].pane, rows, cols),
        (_edges(rows), _edges(cols)) if numbered(rows, cols) and not splitting else ((), ()),
        bar=look.diff if isinstance(look, Difference) else None,
    )


def pane_name(state: ViewerState, pane: int) -> str:
    """A pane for people: its number, what it computes and its scale."""
    if pane == TRUTH:
        return f"truth  {state.truth.name}" if state.truth else "truth"
    now = state.panes[pane]
    name, parameters = method_texts(now.method)
    words = [f"{pane + 1}", name, parameters, f"x{scale_text(now.scale)}"]
    return "  ".join(word for word in words if word not in ("", AUTO))


def cells(state: ViewerState, frame: Frame) -> tuple[Cell, ...]:
    """The numbers of the pixels of a frame, where there are few enough to read them."""
    rows, cols = frame.request.rows, frame.request.cols
    values = frame.values
    if not state.numbers or not numbered(rows, cols) or frame.rows.boxes or frame.cols.boxes:
        return ()
    if values.shape[0] * values.shape[1] > CELLS:
        return ()
    told = _told(frame)
    height, width = frame.pixels.shape
    made = []
    for r, c in np.ndindex(values.shape[:2]):
        y = _middle(rows, frame.rows.first + r)
        x = _middle(cols, frame.cols.first + c)
        # A pixel that begins outside of the pane is in sight with a part of it.
        seen = min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)
        bright = _luminance(int(frame.pixels[seen])) > BRIGHT
        texts = told(r, c)
        texts = texts[:1] if len(set(texts)) == 1 else texts
        made.append(Cell(y, x, float(rows.ratio), bright, texts))
    return tuple(made)


def _luminance(pixel: int) -> float:
    """Relative luminance, as WCAG 2.1 has it for contrasts."""
    red, green, blue = (LINEAR[pixel >> shift & 255] for shift in (16, 8, 0))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _told(frame: Frame) -> Callable[[int, int], tuple[str, ...]]:
    source, values = frame.request.source, frame.values
    if isinstance(frame.request.look, Difference):
        return lambda r, c: (f"{values[r, c, 0]:.3g}",)
    return lambda r, c: source.told(values[r, c])


def _cross(state: ViewerState, width: int, height: int) -> tuple[int, int] | None:
    if state.cursor is None:
        return None
    x, y = state.cursor
    return int(np.floor(y + height / 2)), int(np.floor(x + width / 2))


def _letters(
    state: ViewerState, slot: Slot, lines: tuple[int | None, int | None]
) -> tuple[Badge, ...]:
    """The letter and the name of each side, beside the line."""
    y, x = lines
    badges = []
    for letter, layer in zip(LETTERS, slot.layers, strict=False):
        top, left, _, _ = layer.box
        at_right = x is not None and left == x  # of the line
        below = y is not None and top == y
        text = f"{letter}  {pane_name(state, layer.pane)}"
        badges.append(
            Badge(
                text,
                y if y is not None else top,
                x if x is not None else left,
                right=at_right or x is None,
                below=below or y is None,
            )
        )
    return tuple(badges)


def _held(state: ViewerState, slot: Slot) -> tuple[Badge, ...]:
    if state.holding or state.mode is Mode.BLINK:
        return (Badge(pane_name(state, slot.layers[0].pane), 0, 0),)
    return ()


def _region(
    state: ViewerState, pane: int, rows: Axis, cols: Axis
) -> tuple[float, float, float, float] | None:
    if state.region is None:
        return None
    (r0, r1), (c0, c1) = state.region.window(state.source.size, state.subject(pane).size)
    return rows.edge(r0), cols.edge(c0), rows.edge(r1), cols.edge(c1)


def numbered(rows: Axis, cols: Axis) -> bool:
    return rows.ratio >= NUMBERED and cols.ratio >= NUMBERED


def _edges(axis: Axis) -> tuple[float, ...]:
    """Where the outputs in sight begin and end."""
    at = axis.indices()
    seen = at[at >= 0]
    if not seen.size:
        return ()
    return tuple(axis.edge(o) for o in range(int(seen[0]), int(seen[-1]) + 2))


def _middle(axis: Axis, output: int) -> float:
    return (axis.edge(output) + axis.edge(output + 1)) / 2
