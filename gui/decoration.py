"""Marks, numbers and the loupe, put over the panes and made anew only when they change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from . import loupe
from .marks import Cell, cells, marks, numbered
from .render import Frame, render
from .scene import Layer, Scene, Slot
from .state import ViewerState

if TYPE_CHECKING:
    from .canvas import Canvas

Inset = tuple[np.ndarray, int, int]


class Decoration:
    """What is drawn over the pixels of all panes.

    Attributes
    ----------
    pointed : int or None
        The pane under the mouse, which needs no cross.
    """

    def __init__(self) -> None:
        self.pointed: int | None = None
        self._cells: dict[int, tuple[Frame, bool, tuple[Cell, ...]]] = {}

    def has_numbers(self, state: ViewerState, scene: Scene) -> bool:
        """Whether some slot is to have numbers: they take too long for while something moves."""
        return state.numbers and any(
            numbered(layer.request.rows, layer.request.cols)
            for slot in scene.slots
            for layer in slot.layers
        )

    def show(
        self,
        canvas: Canvas,
        state: ViewerState,
        slot: Slot,
        frames: Mapping[int, Frame],
        size: tuple[int, int],
        idle: bool,
    ) -> None:
        """Have the canvas of a slot show its marks; numbers only when nothing moves."""
        drawn = marks(state, slot, *size, pointed=self.pointed == slot.pane)
        single = slot.layers[0] if len(slot.layers) == 1 else None
        numbers = self._numbers(state, single, frames) if idle and single else ()
        canvas.show_marks(drawn, numbers, self._inset(state, slot, frames, size))

    def _numbers(
        self, state: ViewerState, layer: Layer, frames: Mapping[int, Frame]
    ) -> tuple[Cell, ...]:
        frame = frames.get(layer.pane)
        if frame is None or frame.request != layer.request:
            return ()
        known = self._cells.get(layer.pane)
        if known is None or known[0] is not frame or known[1] != state.numbers:
            known = frame, state.numbers, cells(state, frame)
            self._cells[layer.pane] = known
        return known[2]

    def _inset(
        self, state: ViewerState, slot: Slot, frames: Mapping[int, Frame], size: tuple[int, int]
    ) -> Inset | None:
        """The loupe; computed on the spot, as it takes a fraction of a millisecond."""
        if not state.loupe or state.cursor is None:
            return None
        width, height = size
        x, y = state.cursor[0] + width / 2, state.cursor[1] + height / 2
        layer = loupe.layer_at(slot, y, x)
        frame = None if layer is None else frames.get(layer.pane)
        if layer is None or frame is None:
            return None
        # What is computed for the first time (a kernel may have to be learned) is not waited for,
        # and what failed would fail again.
        known, wanted = (replace(r, averaged=False) for r in (frame.request, layer.request))
        if known.values_key != wanted.values_key:
            return None
        side = loupe.SIDE
        pixels = render(loupe.request(state, layer, side)).pixels
        return pixels, loupe.place(x, width, side), loupe.place(y, height, side)
