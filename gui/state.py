"""The whole state of the viewer as one frozen value, and where it looks.

Nothing here knows Qt.  Whatever a key, a wheel or a menu does to the window is a function from a
state to the next one (here, in `panes` and in `changes`), so it can be tested without a window,
and panes cannot drift apart: there is one View.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeVar

from upsampler.methods import Interpolation, parse

from . import viewport
from .settings import PLAIN, Diff, Geometry, Mode, Region, Split, Tone
from .source import Source
from .texts import Scale, Zoom
from .viewport import Axis, View

F = TypeVar("F", bound=Callable[..., Any])
FIRST_METHODS = ("nearest", "bilinear", "bilinear:align_corners", "bicubic")
FIRST_DIFF = Diff()
FIRST_SCALE = (Fraction(4), Fraction(4))
THEMES = ("dark", "light")
TRUTH = -1  # in the place of a pane's number: the picture that the panes are to come close to
# What a session does not keep, and the values that stand for it.
TRANSIENT: dict[str, Any] = {
    "cursor": None, "message": None, "opening": None, "holding": False, "selecting": False
}  # fmt: skip


@dataclass(frozen=True)
class Pane:
    """What one pane computes; where it looks is in the View, which is everybody's.

    `method` is a name, as `upsampler.methods.parse` reads it.  `nudge` moves this pane's picture
    down and across, in source pixels.
    """

    method: str
    scale: Scale = FIRST_SCALE
    nudge: tuple[float, float] = (0.0, 0.0)

    @property
    def still(self) -> Pane:
        """The same computation: where the picture lies is no part of it."""
        return replace(self, nudge=(0.0, 0.0)) if self.nudge != (0.0, 0.0) else self

    def output_size(self, n: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the whole result for a source of `n` pixels, at least 1 x 1."""
        return max(int(n[0] * self.scale[0]), 1), max(int(n[1] * self.scale[1]), 1)


# A picture as it is, as if a method had made it.
UNCHANGED = Pane("nearest", (Fraction(1), Fraction(1)))


@dataclass(frozen=True)
class Subject:
    """What is computed for a pane: a method, its scale and the picture it is given."""

    source: Source
    pane: Pane

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the result."""
        return self.pane.output_size(self.source.size)


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
    line : (float, float)
        Where the lines of a split cross, down and across, in parts of a pane.
    truth : Source or None
        The ground truth, in the size of the results.
    degraded : int
        By what factor the source was made smaller from the truth; 0 if it was not.
    reference : int
        The pane that the others are compared with, or `TRUTH`.
    blinking : bool
        Whether pane and reference alternate by themselves.
    holding : bool
        Whether the reference stands in for the panes just now.
    selecting : bool
        Whether the next drag draws a region.
    panel : str
        Name of the panel on the right that is open, "" for none.
    learning : bool
        Whether the learning panel on the left is open.
    """

    source: Source
    panes: tuple[Pane, ...] = tuple(Pane(method) for method in FIRST_METHODS)
    focus: int = 0
    view: View | None = None
    cursor: tuple[float, float] | None = None
    message: str | None = None
    opening: str | None = None
    mode: Mode = Mode.GRID
    split: Split = Split.VERTICAL
    line: tuple[float, float] = (0.5, 0.5)
    diff: Diff = FIRST_DIFF
    tone: Tone = PLAIN
    geometry: Geometry = Geometry.FRAME
    truth: Source | None = None
    degraded: int = 0
    reference: int = 0
    region: Region | None = None
    numbers: bool = True
    loupe: bool = False
    blinking: bool = False
    holding: bool = False
    selecting: bool = False
    panel: str = ""
    learning: bool = False
    theme: str = "dark"

    @property
    def lineup(self) -> tuple[int, ...]:
        """All panes in the order in which they are compared: the reference, the focus, the rest."""
        return tuple(dict.fromkeys((self.reference, self.focus, *range(len(self.panes)))))

    @property
    def rival(self) -> int:
        """The pane to set against the reference: the focused one, or the first that is another."""
        return self.lineup[1] if len(self.lineup) > 1 else self.reference

    def subject(self, pane: int) -> Subject:
        """What pane number `pane` computes, or the truth."""
        if pane == TRUTH:
            assert self.truth is not None
            return Subject(self.truth, UNCHANGED)
        return Subject(self.source, self.panes[pane].still)

    def axes(self, pane: int, width: int, height: int) -> tuple[Axis, Axis]:
        """Rows and columns of a pane of `width` x `height` device pixels."""
        assert self.view is not None
        view, n, m = self.view, self.source.size, self.subject(pane).size
        dy, dx = (0.0, 0.0) if pane == TRUTH else self.panes[pane].nudge
        rows = Axis(n[0], m[0], height, view.cy - dy, view.z)
        cols = Axis(n[1], m[1], width, view.cx - dx, view.z)
        if self.geometry is Geometry.FRAME or pane == TRUTH:
            return rows, cols
        method = parse(self.panes[pane].method.removeprefix("gpu:"))
        if not (isinstance(method, Interpolation) and method.align_corners):
            return rows, cols
        return viewport.sampled(rows, method.antialias), viewport.sampled(cols, method.antialias)


def continuous(change: F) -> F:
    """Mark a change that comes in bursts, such as a drag: undo takes a burst back as a whole."""
    change.continuous = True  # type: ignore[attr-defined]
    return change


def home(state: ViewerState, width: int, height: int) -> ViewerState:
    """The first view of a picture: 1:1, or more where all of it can be seen magnified.

    Not the whole picture, as the methods differ in the pixels, and these are what must be seen.
    """
    fit = viewport.fitting(state.source.size, focused_output(state), width, height)
    z = max(fit, focused_s(state))
    whole = state.source.size[1] * z <= width and state.source.size[0] * z <= height
    return _centred(state, z) if whole else replace(state, view=View(*state.source.centre, z))


def fit(state: ViewerState, width: int, height: int) -> ViewerState:
    """The whole picture in a pane of `width` x `height` device pixels."""
    z = viewport.fitting(state.source.size, focused_output(state), width, height)
    return _centred(state, z)


def n_to_one(state: ViewerState, k: float) -> ViewerState:
    """`k` device pixels for an output pixel of the focused pane, about the centre."""
    if state.view is None:
        return state
    return replace(state, view=replace(state.view, z=k * focused_s(state)))


def zoom_to(state: ViewerState, wanted: Zoom, width: int, height: int) -> ViewerState:
    """The zoom that was typed, about the centre, as far as there is one."""
    if wanted.fit:
        return fit(state, width, height)
    if state.view is None:
        return state
    z = wanted.z if wanted.k is None else wanted.k * focused_s(state)
    smallest, largest = viewport.limits(state.source.size, focused_output(state))
    return replace(state, view=replace(state.view, z=min(max(z, smallest), largest)))


@continuous
def zoom(
    state: ViewerState, notches: int, px: float, py: float, width: int, height: int
) -> ViewerState:
    """Zoom about the device point (px, py) of a pane, to the next even stops of the focused one."""
    if state.view is None:
        return state
    s = focused_s(state)
    smallest, largest = viewport.limits(state.source.size, focused_output(state))
    k = state.view.z / s
    for _ in range(abs(notches)):
        following = viewport.wheel(k, 1 if notches > 0 else -1)
        if not smallest <= following * s <= largest:
            break
        k = following
    if k == state.view.z / s:
        return state
    return replace(state, view=state.view.zoomed(k * s, px, py, width, height))


@continuous
def pan(state: ViewerState, dx: float, dy: float) -> ViewerState:
    """The picture moved by (dx, dy) device pixels."""
    if state.view is None:
        return state
    return replace(state, view=state.view.panned(dx, dy, state.source.size))


def point(state: ViewerState, cursor: tuple[float, float] | None) -> ViewerState:
    return state if state.cursor == cursor else replace(state, cursor=cursor)


def focus(state: ViewerState, pane: int) -> ViewerState:
    return replace(state, focus=pane) if 0 <= pane < len(state.panes) else state


def opening(state: ViewerState, name: str | None) -> ViewerState:
    return replace(state, opening=name)


def opened(state: ViewerState, source: Source) -> ViewerState:
    """Another picture; one of the same size is seen at the same place, to flip between two."""
    old = state.source
    state = replace(state, source=source, message=None, opening=None)
    if source.size != old.size:
        state = replace(state, view=None, region=None)
    if source.size == old.size and source.path is not None and source.path == old.path:
        return state  # read again
    # What was the truth of the old picture is none of this one.
    return replace(state, truth=None, degraded=0, reference=max(state.reference, 0))


def resumed(state: ViewerState, other: ViewerState) -> ViewerState:
    """Another state in the place of this one, as a session describes it."""
    return replace(other, **TRANSIENT)


def failed(state: ViewerState, message: str) -> ViewerState:
    """A file could not be opened; picture, panes and view stay."""
    return replace(state, message=message, opening=None)


def warned(state: ViewerState, message: str) -> ViewerState:
    return replace(state, message=message)


def dismissed(state: ViewerState) -> ViewerState:
    return replace(state, message=None)


def focused_output(state: ViewerState) -> tuple[int, int]:
    return state.panes[state.focus].output_size(state.source.size)


def focused_s(state: ViewerState) -> float:
    """S of the columns of the focused pane, for which the stops of the zoom are even."""
    return focused_output(state)[1] / state.source.size[1]


def _centred(state: ViewerState, z: float) -> ViewerState:
    height, width = state.source.size
    return replace(state, view=View(height / 2, width / 2, z))
