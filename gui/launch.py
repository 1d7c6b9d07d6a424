"""What the viewer is to show from the start, as the shell and a script say it; without Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from upsampler.images import ImageError
from upsampler.methods import Method, parse

from . import changes, state
from .settings import Mode
from .source import Source, built_in, load
from .sources.shelf import Held
from .state import FIRST_METHODS, FIRST_SCALE, Pane, ViewerState
from .texts import Scale, parse_scale
from .viewport import View

MOST = 9


@dataclass(frozen=True)
class Launch:
    """What is asked for.

    Attributes
    ----------
    methods : tuple of str
        Names of methods, a scale behind them at will: ``bilinear``, ``bicubic:align_corners:2``,
        ``conv_transpose:learned.npz:4``.  None for the panes of the first start.
    reference : str or Source or None
        A picture file, or a picture, of the size of the results.
    mode : Mode
    at : (float, float) or None
        Source coordinates of the middle of the view, across and down.
    zoom : float or None
        Device pixels for an output pixel of the first pane.
    """

    methods: tuple[str, ...] = ()
    reference: str | Source | None = None
    mode: Mode = Mode.GRID
    at: tuple[float, float] | None = None
    zoom: float | None = None

    @property
    def plain(self) -> bool:
        """Whether nothing is asked for that the first start does not do."""
        return self == Launch()

    def state(self, source: Source) -> ViewerState:
        """The state to begin with.

        Raises
        ------
        ValueError
            If something of it cannot be: a sentence.
        """
        truth = load(self.reference) if isinstance(self.reference, str) else self.reference
        natural = FIRST_SCALE if truth is None else _scale_to(source, truth)
        named = [split(text) for text in self.methods] or [(name, None) for name in FIRST_METHODS]
        if len(named) > MOST:
            raise ValueError(f"methods: got {len(named)} of them; allowed: up to {MOST}")
        panes = tuple(Pane(name, scale or natural) for name, scale in named)
        made = replace(state.opened(ViewerState(source), source), panes=panes, mode=self.mode)
        if truth is not None:
            check_truth(made, truth)
            made = changes.with_truth(made, truth)
        if self.at is None and self.zoom is None:
            return made
        centre = source.centre if self.at is None else (self.at[1], self.at[0])
        return replace(made, view=View(*centre, (self.zoom or 1.0) * state.focused_s(made)))


def split(text: str) -> tuple[str, Scale | None]:
    """A method and the scale behind it, None where there is none.

    Raises
    ------
    ValueError
        If there is no such method, or no such scale.

    Examples
    --------
    >>> from upsampler_gui.launch import split
    >>> split("conv_transpose:box:k=3:2x4")
    ('conv_transpose:box:k=3', (Fraction(4, 1), Fraction(2, 1)))
    >>> split("bilinear")
    ('bilinear', None)
    """
    head, _, last = text.rpartition(":")
    if head and last[:1].isdigit() and _is_method(head):
        return parse(head).name, parse_scale(last)
    return parse(text).name, None


def _is_method(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def check_truth(now: ViewerState, truth: Source) -> None:
    """Whether a pane makes as many pixels as the truth has.

    Raises
    ------
    ValueError
        If none does: a sentence.
    """
    sizes = {now.subject(i).size for i in range(len(now.panes))}
    if truth.size not in sizes:
        made = ", ".join(f"{w} x {h}" for h, w in sorted(sizes))
        height, width = truth.size
        raise ValueError(
            f"{truth.name}: {width} x {height} pixels; the panes make {made}: choose the scale "
            "that makes as many, or another reference."
        )


def first_source(path: str | None) -> Source:
    """The picture in a file, or the built-in chart."""
    return built_in() if path is None else load(path)


def source_of(value: Any, name: str, layout: str | None = None) -> Source:
    """The picture in an array, in a `Source`, or in the file of that path.

    Raises
    ------
    ValueError, TypeError
        If there is none.
    """
    if isinstance(value, Source):
        return value
    if isinstance(value, str) or hasattr(value, "__fspath__"):
        return load(str(value))
    array = np.asarray(value)
    held = Held(array, name)
    try:
        return held.source(held.begin(layout))
    except ImageError as error:
        raise ValueError(str(error)) from None


def names_of(methods: Sequence[str | Method]) -> tuple[str, ...]:
    """Methods by their names."""
    return tuple(method if isinstance(method, str) else method.name for method in methods)


def _scale_to(source: Source, truth: Source) -> Scale:
    """What makes the source as large as the truth."""
    down, across = (Fraction(m, n) for m, n in zip(truth.size, source.size, strict=True))
    return down, across
