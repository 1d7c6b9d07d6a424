"""From a state to what each pane of the window shows: the modes, without Qt.

A slot is a pane of the window.  Its picture is put together from layers, each a frame cut to a
box; all frames are as large as the slot, so moving a box computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .difference import Difference
from .render import OUTSIDE, Request
from .settings import Mode, Split
from .state import TRUTH, ViewerState

Box = tuple[int, int, int, int]  # top, left, bottom, right, in device pixels


@dataclass(frozen=True)
class Layer:
    """A frame and the box of the slot that it fills; `pane` is whose frame it is."""

    pane: int
    request: Request
    box: Box


@dataclass(frozen=True)
class Slot:
    """One pane of the window; `pane` is whose title it has."""

    pane: int
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Scene:
    """What the window shows, and what it would show of the reference."""

    slots: tuple[Slot, ...]
    ahead: tuple[Layer, ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (*(layer for slot in self.slots for layer in slot.layers), *self.ahead)


def visible(state: ViewerState) -> tuple[int, ...]:
    """The panes that have a place in the window, by number."""
    if state.mode in (Mode.GRID, Mode.DIFF):
        truth = () if state.truth is None else (TRUTH,)
        return (*range(len(state.panes)), *truth)
    return (state.focus if state.mode is Mode.SINGLE else state.rival,)


def scene(state: ViewerState, width: int, height: int) -> Scene:
    """All frames of a window whose panes are `width` x `height` device pixels."""
    whole = (0, 0, height, width)

    def layer(pane: int, box: Box = whole, compared: bool = False) -> Layer:
        return Layer(pane, _request(state, pane, width, height, compared), box)

    slots = []
    for pane in visible(state):
        if state.holding:
            layers: tuple[Layer, ...] = (layer(state.reference),)
        elif state.mode is Mode.SPLIT:
            parts = _parts(state, width, height)
            layers = tuple(layer(other, box) for other, box in parts)
        else:
            layers = (layer(pane, compared=state.mode is Mode.DIFF),)
        slots.append(Slot(pane, layers))
    # Space shows the reference at once: it is computed before anybody asks.  Nine differences
    # are made from it in any case.
    return Scene(tuple(slots), (layer(state.reference),))


def sides(state: ViewerState) -> tuple[int, ...]:
    """The panes on the sides of a split: two, or four from the upper left in reading order."""
    count = 4 if state.split is Split.QUARTERS else 2
    lineup = state.lineup
    return tuple(lineup[i % len(lineup)] for i in range(count))


def crossing(state: ViewerState, width: int, height: int) -> tuple[int | None, int | None]:
    """The row and the column of device pixels before which the lines of the split run."""
    y, x = round(state.line[0] * height), round(state.line[1] * width)
    return (
        None if state.split is Split.VERTICAL else y,
        None if state.split is Split.HORIZONTAL else x,
    )


def _parts(state: ViewerState, width: int, height: int) -> list[tuple[int, Box]]:
    y, x = crossing(state, width, height)
    rows = [(0, height)] if y is None else [(0, y), (y, height)]
    cols = [(0, width)] if x is None else [(0, x), (x, width)]
    boxes = [(top, left, bottom, right) for top, bottom in rows for left, right in cols]
    return list(zip(sides(state), boxes, strict=True))


def _request(state: ViewerState, pane: int, width: int, height: int, compared: bool) -> Request:
    subject = state.subject(pane)
    rows, cols = state.axes(pane, width, height)
    if compared and pane != state.reference:
        look = Difference(state.diff, state.subject(state.reference))
        return Request(subject.source, subject.pane, rows, cols, look=look)
    return Request(subject.source, subject.pane, rows, cols, look=state.tone)


def composed(parts: list[tuple[Box, np.ndarray]], width: int, height: int) -> np.ndarray:
    """(height, width) uint32: each box from its own picture; the array itself if one fills all."""
    if len(parts) == 1:
        return parts[0][1]
    pixels = np.full((height, width), OUTSIDE, np.uint32)
    for (top, left, bottom, right), picture in parts:
        pixels[top:bottom, left:right] = picture[top:bottom, left:right]
    return pixels
