"""Changes to how the panes are compared: mode, split, difference, tone, reference, region."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

from .panes import set_all_scales
from .settings import PLAIN, Diff, DiffKind, Geometry, Mode, Region, Split
from .source import Source
from .state import TRUTH, ViewerState, continuous, opened

GAINS = (1 / 64, 4096)
THRESHOLDS = (0.0, 0.5 / 255, 1.5 / 255, 4.5 / 255, 16.5 / 255)  # between the levels of 8 bits
STOPS = 16  # of exposure, up and down
GAMMAS = (1.0, 1.8, 2.2, 2.4, 0.45)


def set_mode(state: ViewerState, mode: Mode) -> ViewerState:
    """The mode; where one pane fills the window and the reference stands beside it, the focus is
    on that pane and not on the reference: what is chosen at the left is for what is seen."""
    shared = mode in (Mode.SPLIT, Mode.BLINK) and state.focus == state.reference
    focus = state.rival if shared else state.focus
    return replace(state, mode=mode, focus=focus, holding=False, blinking=False)


def set_split(state: ViewerState, split: Split) -> ViewerState:
    """The kind of split, which is then shown."""
    return replace(set_mode(state, Mode.SPLIT), split=split)


@continuous
def set_line(state: ViewerState, y: float | None, x: float | None) -> ViewerState:
    """The lines of a split put elsewhere, in parts of a pane; None leaves one where it is."""
    line = state.line[0] if y is None else y, state.line[1] if x is None else x
    return replace(state, line=(_clip(line[0], 0.0, 1.0), _clip(line[1], 0.0, 1.0)))


def set_diff(state: ViewerState, kind: DiffKind) -> ViewerState:
    """The kind of difference, which is then shown."""
    return replace(set_mode(state, Mode.DIFF), diff=replace(state.diff, kind=kind))


def next_diff(state: ViewerState) -> ViewerState:
    """From pictures to differences, and from one kind of them to the next."""
    kinds = list(DiffKind)
    if state.mode is not Mode.DIFF:
        return set_mode(state, Mode.DIFF)
    return set_diff(state, kinds[(kinds.index(state.diff.kind) + 1) % len(kinds)])


@continuous
def multiply_gain(state: ViewerState, factor: float) -> ViewerState:
    gain = _clip(state.diff.gain * factor, *GAINS)
    return replace(state, diff=replace(state.diff, gain=gain))


def set_gain(state: ViewerState, gain: float) -> ViewerState:
    return replace(state, diff=replace(state.diff, gain=_clip(gain, *GAINS)))


def next_threshold(state: ViewerState) -> ViewerState:
    after = [t for t in THRESHOLDS if t > state.diff.threshold]
    threshold = after[0] if after else THRESHOLDS[0]
    return replace(state, diff=replace(state.diff, threshold=threshold))


@continuous
def expose(state: ViewerState, stops: float) -> ViewerState:
    """Brighter by so many stops."""
    exposure = _clip(state.tone.exposure + stops, -STOPS, STOPS)
    return replace(state, tone=replace(state.tone, exposure=exposure))


def set_gamma(state: ViewerState, gamma: float) -> ViewerState:
    return replace(state, tone=replace(state.tone, gamma=gamma))


def next_gamma(state: ViewerState) -> ViewerState:
    known = list(GAMMAS)
    now = known.index(state.tone.gamma) if state.tone.gamma in known else -1
    return set_gamma(state, known[(now + 1) % len(known)])


def reset(state: ViewerState) -> ViewerState:
    """Exposure, gamma, gain, threshold and the line as they were at the start."""
    diff = Diff(state.diff.kind)
    return replace(state, tone=PLAIN, diff=diff, line=(0.5, 0.5))


def refer(state: ViewerState, pane: int) -> ViewerState:
    """That pane, or the truth where there is one, is what the others are compared with."""
    known = pane < len(state.panes) if pane >= 0 else state.truth is not None
    return replace(state, reference=pane) if known else state


def with_truth(state: ViewerState, truth: Source) -> ViewerState:
    """A ground truth, which is then the reference."""
    return replace(state, truth=truth, reference=TRUTH, message=None, opening=None)


def degraded(state: ViewerState, truth: Source, small: Source, factor: int) -> ViewerState:
    """`small` in the place of the picture it was made from, for the panes to restore."""
    scale = Fraction(factor), Fraction(factor)
    state = set_all_scales(opened(state, small), scale)
    return replace(with_truth(state, truth), degraded=factor)


def undegrade(state: ViewerState) -> ViewerState:
    """Without the truth; where it is what the picture was made from, with it as the picture."""
    if state.truth is None:
        return state
    if state.degraded:
        return opened(state, state.truth)
    return replace(state, truth=None, reference=max(state.reference, 0))


def hold(state: ViewerState, held: bool) -> ViewerState:
    """The reference in place of what is compared with it, or that again."""
    return state if state.holding == held else replace(state, holding=held)


def flip(state: ViewerState) -> ViewerState:
    """From pane to reference and back, while they alternate."""
    return hold(state, not state.holding) if state.blinking else state


def toggle_blinking(state: ViewerState) -> ViewerState:
    """Have pane and reference alternate by themselves; only where one of them is shown."""
    if state.blinking:
        return replace(state, blinking=False, holding=False)
    return replace(set_mode(state, Mode.BLINK), blinking=True)


def toggle_geometry(state: ViewerState) -> ViewerState:
    other = Geometry.FRAME if state.geometry is Geometry.SAMPLES else Geometry.SAMPLES
    return replace(state, geometry=other)


def toggle_numbers(state: ViewerState) -> ViewerState:
    return replace(state, numbers=not state.numbers)


def toggle_loupe(state: ViewerState) -> ViewerState:
    return replace(state, loupe=not state.loupe)


def toggle_theme(state: ViewerState) -> ViewerState:
    return replace(state, theme="light" if state.theme == "dark" else "dark")


def open_panel(state: ViewerState, name: str) -> ViewerState:
    """The panel of that name alone; "" for none."""
    return replace(state, panel=name)


def toggle_panel(state: ViewerState, name: str) -> ViewerState:
    return replace(state, panel="" if state.panel == name else name)


def show_learning(state: ViewerState, shown: bool) -> ViewerState:
    """Whether the learning panel is open."""
    return replace(state, learning=shown)


def toggle_learning(state: ViewerState) -> ViewerState:
    return show_learning(state, not state.learning)


def select(state: ViewerState, selecting: bool) -> ViewerState:
    """Whether the next drag draws a region."""
    return replace(state, selecting=selecting)


@continuous
def set_region(
    state: ViewerState, start: tuple[float, float], end: tuple[float, float]
) -> ViewerState:
    """The source pixels that a rectangle touches, from one (y, x) in source coordinates to another.

    A rectangle beside the picture is no region.
    """
    (top, bottom), (left, right) = (sorted(pair) for pair in zip(start, end, strict=True))
    height, width = state.source.size
    region = Region(
        max(floor(top), 0), max(floor(left), 0), min(ceil(bottom), height), min(ceil(right), width)
    )
    inside = region.top < region.bottom and region.left < region.right
    return replace(state, region=region if inside else None)


def cancel(state: ViewerState) -> ViewerState:
    """Out of the first of these that is so: a message, a region to draw, blinking, a region."""
    if state.message is not None:
        return replace(state, message=None)
    if state.selecting:
        return replace(state, selecting=False)
    if state.blinking:
        return toggle_blinking(state)
    return replace(state, holding=False, region=None)


def region_seen(state: ViewerState, width: int, height: int) -> ViewerState:
    """The part of the picture that panes of `width` x `height` device pixels show."""
    if state.view is None:
        return state
    ends = (state.view.source(x, y, width, height) for x, y in ((0, 0), (width, height)))
    return set_region(state, *ends)


def clear_region(state: ViewerState) -> ViewerState:
    return replace(state, region=None, selecting=False)


def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
