"""The values along a line through all panes, under the cursor."""

from __future__ import annotations

import numpy as np

from ..areas import Area, part, under_cursor
from ..choice import Choice
from ..parts import Part
from ..profile import ALONG, Profile, envelope, line_part, profile
from ..store import Store
from . import controls
from .base import Shot
from .plot import Curve, Plot
from .working import WorkingPanel

POINTS = 4000  # of a curve: more than there are pixels for
LINES = {"": {"row": "along the row", "column": "along the column"}}


class ProfilePanel(WorkingPanel):
    """A curve for each pane, over places in the source, so that different scales lie together.

    The line goes through the cursor and stays where it was last when the cursor leaves.
    """

    name, title = "profile", "Profile"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._samples = self.lane(lambda line, cancelled: profile(line), patient=True)
        self._along, self._channel = ALONG[0], "-1"
        self._lines: tuple[Part | None, ...] = ()
        self._mark: float | None = None
        self.along = Choice("along", "Which way the line runs", LINES)
        controls.show_choice(self.along, LINES, self._along)
        self.along.chosen.connect(self._choose_along)
        self.channel = Choice("channel", "Which values are drawn", {})
        self.channel.chosen.connect(self._choose_channel)
        self.plot = Plot("source pixel", "value")
        self.legend = controls.note()
        self.column.addWidget(controls.row(self.along, self.channel))
        self.column.addWidget(self.plot, 1)
        self.column.addWidget(self.legend)

    def _choose_along(self, key: str) -> None:
        self._along = controls.show_choice(self.along, LINES, key)
        self._lines = ()
        self.again()

    def _choose_channel(self, key: str) -> None:
        self._channel = key
        self.again()

    def ask(self, shot: Shot) -> None:
        groups = controls.channel_groups(shot.state.source)
        self.channel.offer(groups)
        self._channel = controls.show_choice(self.channel, groups, self._channel)
        lines = tuple(self._line(shot, i) for i in range(len(shot.state.panes)))
        if any(line is not None for line in lines) or self._outdated(shot):
            self._lines, self._mark = lines, _place(shot, self._along)
        self._samples.ask(*(line for line in self._lines if line is not None))

    def _outdated(self, shot: Shot) -> bool:
        """Whether the last line is of something that is no longer there."""
        now = [shot.state.subject(i) for i in range(len(shot.state.panes))]
        old = [(line.source, line.pane) for line in self._lines if line is not None]
        return [(subject.source, subject.pane) for subject in now] != old

    def _line(self, shot: Shot, pane: int) -> Part | None:
        at = under_cursor(shot.state, pane, shot.viewport)
        if at is None:
            return None
        visible = part(shot.state, pane, Area.VISIBLE, shot.viewport)
        return line_part(visible, self._along, at[ALONG.index(self._along)])

    def show_known(self, shot: Shot) -> None:
        curves, remarks = [], []
        for i, line in enumerate(self._lines):
            outcome = None if line is None else self._samples.get(line)
            failed = outcome is not None and outcome.error is not None
            remarks.append(str(outcome.error) if failed else "")
            if outcome is not None and not failed:
                curves.append(self._curve(outcome.value, controls.colour(i)))
        if curves or not self._lines or self._samples.idle:
            self.plot.draw(curves, self._mark if curves else None)
        self.legend.setText(
            controls.legend(shot.state, remarks)
            if any(line is not None for line in self._lines)
            else "Point at the picture: the line goes through the cursor."
        )

    def _curve(self, found: Profile, colour: str) -> Curve:
        channel = int(self._channel)
        values = found.values[:, channel, None]
        if channel < 0:
            values = found.values.mean(axis=1, keepdims=True)
        shown = envelope(Profile(found.places, values), POINTS)
        return Curve(_edges(shown.places), shown.values[:, 0], colour, steps=True)


def _place(shot: Shot, along: str) -> float | None:
    """Where the cursor is on the line, in source pixels."""
    state = shot.state
    if state.cursor is None or state.view is None:
        return None
    y, x = state.view.source(*state.cursor, 0, 0)  # the cursor counts from the middle
    return x if along == "row" else y


def _edges(places: np.ndarray) -> np.ndarray:
    """Half way between the places: an output is as wide as it is on the screen."""
    width = places[1] - places[0] if places.size > 1 else 1.0
    return np.append(places - width / 2, places[-1:] + width / 2)
