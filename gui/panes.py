"""Changes to the list of panes and to what each computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from upsampler.methods import parse

from . import viewport
from .state import TRUTH, Pane, ViewerState, continuous, focused_s
from .texts import Scale

MOST = 9  # as many as there are keys to reach them


def set_method(state: ViewerState, pane: int, method: str) -> ViewerState:
    return _with_pane(state, pane, replace(state.panes[pane], method=parse(method).name))


def set_scale(state: ViewerState, pane: int, scale: Scale) -> ViewerState:
    """The scale of one pane; the View stays, so it goes on showing the same rectangle."""
    return _with_pane(state, pane, replace(state.panes[pane], scale=scale))


def set_all_scales(state: ViewerState, scale: Scale) -> ViewerState:
    """The scale of every pane, and the zoom moved to the nearest even stop of the new one."""
    state = replace(state, panes=tuple(replace(p, scale=scale) for p in state.panes))
    if state.view is None:
        return state
    s = focused_s(state)
    return replace(state, view=replace(state.view, z=viewport.stop(state.view.z / s) * s))


def add(state: ViewerState, method: str = "bicubic") -> ViewerState:
    """Another pane at the end, in the focus, with the scale of the pane that had it."""
    new = Pane(parse(method).name, state.panes[state.focus].scale)
    return _inserted(state, len(state.panes), new)


def duplicate(state: ViewerState) -> ViewerState:
    """The focused pane once more, behind it and in the focus."""
    return _inserted(state, state.focus + 1, state.panes[state.focus])


def remove(state: ViewerState) -> ViewerState:
    """Without the focused pane; the last one stays."""
    if len(state.panes) == 1:
        return state
    gone = state.focus
    left = [i for i in range(len(state.panes)) if i != gone]
    state = _arranged(state, left)
    return replace(state, focus=min(gone, len(left) - 1))


def move(state: ViewerState, step: int) -> ViewerState:
    """The focused pane `step` places further back; focus and reference go with their panes."""
    to = state.focus + step
    if not 0 <= to < len(state.panes):
        return state
    order = [i for i in range(len(state.panes)) if i != state.focus]
    order.insert(to, state.focus)
    return _arranged(state, order)


@continuous
def nudge(state: ViewerState, pane: int, dx: float, dy: float) -> ViewerState:
    """The picture of one pane moved by (dx, dy) device pixels; all others stay."""
    if state.view is None:
        return state
    old, z = state.panes[pane], state.view.z
    moved = old.nudge[0] + dy / z, old.nudge[1] + dx / z
    return _with_pane(state, pane, replace(old, nudge=moved))


def clear_nudge(state: ViewerState) -> ViewerState:
    """The focused pane back over the others; where it is there already, all of them."""
    pane = state.panes[state.focus]
    if pane.still != pane:
        return _with_pane(state, state.focus, pane.still)
    return replace(state, panes=tuple(pane.still for pane in state.panes))


GPU = "CPU vs GPU"
PRESETS = {
    "Interpolators": (
        Fraction(4), ("nearest", "bilinear", "bicubic", "area", "lanczos3", "bicubic:antialias"),
    ),
    "align_corners on/off": (
        Fraction(4), ("bilinear", "bilinear:align_corners", "bicubic", "bicubic:align_corners"),
    ),
    "Checkerboard hunt": (
        Fraction(2),
        ("bilinear", "conv_transpose:box:k=3", "resize_conv:random", "pixel_shuffle:icnr"),
    ),
    GPU: (Fraction(4), ("bicubic", "gpu:bicubic", "lanczos3", "gpu:lanczos3")),
}  # fmt: skip


def preset(state: ViewerState, name: str) -> ViewerState:
    """The panes of a preset, compared with the truth if there is one, else with the first."""
    factor, methods = PRESETS[name]
    panes = tuple(Pane(parse(method).name) for method in methods)
    reference = state.reference if state.reference == TRUTH else 0
    state = replace(state, panes=panes, focus=0, reference=reference)
    state = set_all_scales(state, (factor, factor))
    return replace(state, panel="spectrum") if name == "Checkerboard hunt" else state


def _with_pane(state: ViewerState, index: int, pane: Pane) -> ViewerState:
    panes = (*state.panes[:index], pane, *state.panes[index + 1 :])
    return replace(state, panes=panes)


def _inserted(state: ViewerState, at: int, pane: Pane) -> ViewerState:
    if len(state.panes) == MOST:
        return replace(state, message=f"There are {MOST} panes already; remove one first.")
    panes = (*state.panes[:at], pane, *state.panes[at:])
    reference = state.reference + (state.reference >= at)
    return replace(state, panes=panes, focus=at, reference=reference)


def _arranged(state: ViewerState, order: list[int]) -> ViewerState:
    """The panes of these old numbers in this order; a reference that is gone is the first."""
    new: Callable[[int], int] = lambda old: order.index(old) if old in order else 0  # noqa: E731
    reference = TRUTH if state.reference == TRUTH else new(state.reference)
    panes = tuple(state.panes[i] for i in order)
    return replace(state, panes=panes, focus=new(state.focus), reference=reference)
