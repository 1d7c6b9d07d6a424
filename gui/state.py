"""The whole state of the viewer as one frozen value, and the functions that lead to the next one.

Nothing here knows Qt.  Whatever a key, a wheel or a menu does to the window is one of these
functions, so it can be tested without a window, and panes cannot drift apart: there is one View.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from upsampler.kernel_methods import KernelMethod
from upsampler.methods import parse

from . import viewport
from .source import Source
from .viewport import Axis, View

Scale = tuple[Fraction, Fraction]  # down, across
SCALES = (1, 2, 3, 4, 6, 8, 16)  # offered in menus
SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12)  # of kernels, offered in menus
SEEDS = 4
SCALE_LIMITS = (Fraction(1, 64), Fraction(64))
_NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,9})?|[0-9]{1,4}/0*[1-9][0-9]{0,3}", re.ASCII)


FIRST_METHODS = ("nearest", "bilinear", "bilinear:align_corners", "bicubic")
FIRST_SCALE = (Fraction(4), Fraction(4))


@dataclass(frozen=True)
class Pane:
    """What one pane computes; where it looks is in the View, which is everybody's.

    `method` is a name, as `upsampler.methods.parse` reads it.
    """

    method: str
    scale: Scale = FIRST_SCALE

    def output_size(self, n: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the whole result for a source of `n` pixels, at least 1 x 1."""
        return max(int(n[0] * self.scale[0]), 1), max(int(n[1] * self.scale[1]), 1)


@dataclass(frozen=True)
class ViewerState:
    """Everything the window shows.

    Attributes
    ----------
    view : View or None
        None until the size of a pane is known: then `home` chooses it.
    cursor : (float, float) or None
        Device pixels right of and below the middle of a pane, the same place in all of them.
    message : str or None
        What went wrong last, until something else is opened.
    opening : str or None
        Name of the file that is being read.
    """

    source: Source
    panes: tuple[Pane, ...] = tuple(Pane(method) for method in FIRST_METHODS)
    focus: int = 0
    view: View | None = None
    cursor: tuple[float, float] | None = None
    message: str | None = None
    opening: str | None = None

    def axes(self, pane: int, width: int, height: int) -> tuple[Axis, Axis]:
        """Rows and columns of a pane of `width` x `height` device pixels."""
        assert self.view is not None
        n = self.source.size
        m = self.panes[pane].output_size(n)
        view = self.view
        return (
            Axis(n[0], m[0], height, view.cy, view.z),
            Axis(n[1], m[1], width, view.cx, view.z),
        )


def home(state: ViewerState, width: int, height: int) -> ViewerState:
    """The first view of a picture: 1:1, or more where all of it can be seen magnified.

    Not the whole picture, as the methods differ in the pixels, and these are what must be seen.
    """
    fit = viewport.fitting(state.source.size, _focused_output(state), width, height)
    z = max(fit, _focused_s(state))
    whole = state.source.size[1] * z <= width and state.source.size[0] * z <= height
    return _centred(state, z) if whole else replace(state, view=View(*state.source.centre, z))


def fit(state: ViewerState, width: int, height: int) -> ViewerState:
    """The whole picture in a pane of `width` x `height` device pixels."""
    z = viewport.fitting(state.source.size, _focused_output(state), width, height)
    return _centred(state, z)


def n_to_one(state: ViewerState, k: float) -> ViewerState:
    """`k` device pixels for an output pixel of the focused pane, about the centre."""
    if state.view is None:
        return state
    return replace(state, view=replace(state.view, z=k * _focused_s(state)))


def zoom(
    state: ViewerState, notches: int, px: float, py: float, width: int, height: int
) -> ViewerState:
    """Zoom about the device point (px, py) of a pane, to the next even stops of the focused one."""
    if state.view is None:
        return state
    s = _focused_s(state)
    smallest, largest = viewport.limits(state.source.size, _focused_output(state))
    k = state.view.z / s
    for _ in range(abs(notches)):
        following = viewport.wheel(k, 1 if notches > 0 else -1)
        if not smallest <= following * s <= largest:
            break
        k = following
    if k == state.view.z / s:
        return state
    return replace(state, view=state.view.zoomed(k * s, px, py, width, height))


def pan(state: ViewerState, dx: float, dy: float) -> ViewerState:
    """The picture moved by (dx, dy) device pixels."""
    if state.view is None:
        return state
    return replace(state, view=state.view.panned(dx, dy, state.source.size))


def point(state: ViewerState, cursor: tuple[float, float] | None) -> ViewerState:
    return state if state.cursor == cursor else replace(state, cursor=cursor)


def focus(state: ViewerState, pane: int) -> ViewerState:
    return replace(state, focus=pane) if 0 <= pane < len(state.panes) else state


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
    s = _focused_s(state)
    return replace(state, view=replace(state.view, z=viewport.stop(state.view.z / s) * s))


def opening(state: ViewerState, name: str) -> ViewerState:
    return replace(state, opening=name)


def opened(state: ViewerState, source: Source) -> ViewerState:
    """Another picture; one of the same size is seen at the same place, to flip between two."""
    view = state.view if source.size == state.source.size else None
    return replace(state, source=source, view=view, message=None, opening=None)


def failed(state: ViewerState, message: str) -> ViewerState:
    """A file could not be opened; picture, panes and view stay."""
    return replace(state, message=message, opening=None)


def warned(state: ViewerState, message: str) -> ViewerState:
    return replace(state, message=message)


def dismissed(state: ViewerState) -> ViewerState:
    return replace(state, message=None)


def variants(method: str) -> dict[str, dict[str, str]]:
    """The same method with other parameters: names and texts, by headings; none for fixed rules."""
    now = parse(method)
    if not isinstance(now, KernelMethod):
        return {}
    groups = {}
    if "k" in now.parameters:
        sizes = sorted({*SIZES, now.k} - {None})
        groups["Size of the kernel"] = {replace(now, k=None).name: "k of its own"} | {
            replace(now, k=k).name: f"k = {k}" for k in sizes
        }
    if "seed" in now.parameters:
        seeds = sorted({*range(SEEDS), now.seed, now.seed + 1})
        groups["Random weights"] = {replace(now, seed=s).name: f"seed = {s}" for s in seeds}
    return groups


def method_texts(method: str) -> tuple[str, str]:
    """A method for people, and its parameters."""
    now = parse(method)
    if not isinstance(now, KernelMethod) or not now.parameters:
        return now.label, ""
    values = {"k": now.k or "auto", "seed": now.seed}
    parameters = "  ".join(f"{name}={values[name]}" for name in now.parameters)
    return replace(now, k=None, seed=0).label, parameters


def parse_scale(text: str) -> Scale:
    """A scale as it is typed: ``4``, ``1.5``, ``3/2``, or ``2x3`` for across x down.

    Raises
    ------
    ValueError
        If it is no such thing, or beyond 1/64 to 64.
    """
    parts = text.strip().lower().replace("\N{MULTIPLICATION SIGN}", "x").strip("x").split("x")
    low, high = SCALE_LIMITS
    allowed = "allowed: a number, a fraction or two of them (2x3 is across x down), 1/64 to 64"
    # The pattern comes first: Fraction("1e999999999") would be worked out.
    if len(parts) > 2 or not all(_NUMBER.fullmatch(part.strip()) for part in parts):
        raise ValueError(f"scale: got {text!r}; {allowed}")
    numbers = [Fraction(part.strip()) for part in parts]
    if not all(low <= number <= high for number in numbers):
        raise ValueError(f"scale: got {text!r}; {allowed}")
    return numbers[-1], numbers[0]


def scale_text(scale: Scale) -> str:
    """``4``, ``1.5``, ``2x3``: what `parse_scale` reads."""
    down, across = (_number(s) for s in scale)
    return across if down == across else f"{across}x{down}"


def _number(s: Fraction) -> str:
    return f"{float(s):g}" if Fraction(f"{float(s):g}") == s else str(s)


def _with_pane(state: ViewerState, index: int, pane: Pane) -> ViewerState:
    panes = (*state.panes[:index], pane, *state.panes[index + 1 :])
    return replace(state, panes=panes)


def _focused_output(state: ViewerState) -> tuple[int, int]:
    return state.panes[state.focus].output_size(state.source.size)


def _focused_s(state: ViewerState) -> float:
    """S of the columns of the focused pane, for which the stops of the zoom are even."""
    return _focused_output(state)[1] / state.source.size[1]


def _centred(state: ViewerState, z: float) -> ViewerState:
    height, width = state.source.size
    return replace(state, view=View(height / 2, width / 2, z))
