"""The loupe: the surroundings of the cursor, magnified further; pixels of the method as well."""

from __future__ import annotations

from dataclasses import replace

from .render import Request
from .scene import Layer, Slot
from .state import ViewerState
from .viewport import LARGEST

SIDE = 176  # device pixels
FURTHER = 4  # times the zoom of the pane
LEAST = 8  # device pixels per output
MOST = 22  # of them, as far as the pane itself has no more: outputs around the middle are seen
AWAY = 20  # device pixels between the cursor and the loupe


def request(state: ViewerState, layer: Layer, side: int) -> Request:
    """What a loupe of `side` x `side` device pixels shows of a layer."""
    assert state.cursor is not None
    of = layer.request
    x, y = state.cursor
    k = min(max(LEAST, min(round(FURTHER * of.cols.ratio), MOST), round(of.cols.ratio)), LARGEST)
    z = k * of.cols.m / of.cols.n
    rows = replace(of.rows, extent=side, centre=of.rows.centre + y / of.rows.z, z=z)
    cols = replace(of.cols, extent=side, centre=of.cols.centre + x / of.cols.z, z=z)
    return replace(of, rows=rows, cols=cols, averaged=False)


def layer_at(slot: Slot, y: float, x: float) -> Layer | None:
    """The layer that fills the place (y, x) of a slot."""
    for layer in slot.layers:
        top, left, bottom, right = layer.box
        if top <= y < bottom and left <= x < right:
            return layer
    return None


def place(at: float, extent: int, side: int) -> int:
    """Where the loupe begins along an axis: behind the cursor, or before it if there is no room."""
    behind = round(at) + AWAY
    return behind if behind + side <= extent else max(round(at) - AWAY - side, 0)
