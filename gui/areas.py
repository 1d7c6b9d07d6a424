"""Which outputs of each pane a panel looks at: a region, what is visible, or everything."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from upsampler.methods import parse

from .parts import Part, Range
from .state import TRUTH, ViewerState
from .viewport import Axis


class Area(StrEnum):
    """Parts of the picture that are measured."""

    REGION = "region"
    VISIBLE = "visible"
    WHOLE = "whole"


def part(state: ViewerState, pane: int, area: Area, viewport: tuple[int, int]) -> Part:
    """What pane number `pane` (or the truth) has in an area.

    Parameters
    ----------
    viewport : (int, int)
        Width and height of the panes in device pixels.
    """
    subject = state.subject(pane)
    rows, cols = (0, subject.size[0]), (0, subject.size[1])
    if area is Area.REGION and state.region is not None:
        rows, cols = state.region.window(state.source.size, subject.size)
    elif area is Area.VISIBLE and state.view is not None:
        rows, cols = (seen(axis) for axis in state.axes(pane, *viewport))
    return Part(subject.source, subject.pane, rows, cols)


def seen(axis: Axis) -> Range:
    """The outputs that an axis shows, from the first to the last."""
    at = axis.indices()
    at = at[at >= 0]
    return (int(at[0]), int(at[-1]) + 1) if at.size else (0, 0)


def under_cursor(
    state: ViewerState, pane: int, viewport: tuple[int, int]
) -> tuple[int, int] | None:
    """Row and column of the output of a pane under the cursor; None beside the picture."""
    if state.cursor is None or state.view is None:
        return None
    width, height = viewport
    rows, cols = state.axes(pane, width, height)
    r = rows.index(int(np.floor(state.cursor[1] + height / 2)))
    c = cols.index(int(np.floor(state.cursor[0] + width / 2)))
    return None if r < 0 or c < 0 else (r, c)


def compared(state: ViewerState, pane: int, area: Area, viewport: tuple[int, int]) -> Part:
    """The part of the reference to hold against that of a pane: the same outputs.

    They are the pane's, not those that the reference itself shows: a nudged pane shows others.
    """
    shown, other = part(state, pane, area, viewport), state.subject(state.reference)
    if other.size != shown.pane.output_size(shown.source.size):
        return part(state, state.reference, area, viewport)
    return Part(other.source, other.pane, shown.rows, shown.cols)


def named(state: ViewerState, pane: int) -> str:
    """A pane for people: its number and its method."""
    if pane == TRUTH:
        assert state.truth is not None
        return f"truth  {state.truth.name}"
    return f"{pane + 1}  {label(state, pane)}"


def label(state: ViewerState, pane: int) -> str:
    """The method of a pane with its parameters, without the scale."""
    return parse(state.panes[pane].method).label
