"""How often each value occurs, of all panes in one plot."""

from __future__ import annotations

import numpy as np

from .. import histogram
from ..areas import part
from ..choice import Choice
from ..histogram import Histogram
from ..parts import Part
from ..store import Store
from . import controls
from .base import Shot
from .plot import Curve, Plot
from .working import WorkingPanel

HEIGHTS = {"": {"linear": "linear", "log": "logarithmic"}}


class HistogramPanel(WorkingPanel):
    """A curve for each pane; what lies outside of it is said in words."""

    name, title = "histogram", "Histogram"
    pace = 150  # all that is visible is read, which slows a pan down

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._counts = self.lane(histogram.histogram)
        self._area, self._channel = "near", "-1"
        self.area = controls.area_choice()
        self.area.chosen.connect(self._choose_area)
        self.channel = Choice("channel", "Which values are counted", {})
        self.channel.chosen.connect(self._choose_channel)
        self.heights = Choice("height", "Logarithmic: rare values are seen beside others", HEIGHTS)
        self.heights.chosen.connect(self._choose_height)
        self._choose_height("linear")
        self.plot = Plot("value", "% of the values")
        self.legend = controls.note()
        self.column.addWidget(controls.row(self.area, self.channel, self.heights))
        self.column.addWidget(self.plot, 1)
        self.column.addWidget(self.legend)

    def _choose_area(self, key: str) -> None:
        self._area = controls.show_choice(self.area, controls.AREAS, key)
        self.again()

    def _choose_height(self, key: str) -> None:
        self.logarithmic = controls.show_choice(self.heights, HEIGHTS, key) == "log"
        self.again()

    def _choose_channel(self, key: str) -> None:
        self._channel = key
        self.again()

    def ask(self, shot: Shot) -> None:
        groups = controls.channel_groups(shot.state.source)
        self.channel.offer(groups)
        self._channel = controls.show_choice(self.channel, groups, self._channel)
        self._counts.ask(*self._parts(shot))

    def _parts(self, shot: Shot) -> list[Part]:
        area = controls.chosen_area(self._area, shot.state)
        return [part(shot.state, i, area, shot.viewport) for i in range(len(shot.state.panes))]

    def show_known(self, shot: Shot) -> None:
        curves, remarks = [], []
        for i, wanted in enumerate(self._parts(shot)):
            outcome = self._counts.get(wanted)
            if outcome is None:
                remarks.append("counting")
            elif outcome.error is not None:
                remarks.append(str(outcome.error))
            else:
                curves.append(self._curve(outcome.value, controls.colour(i)))
                remarks.append(self._remark(outcome.value))
        self.plot.draw(curves, logarithmic=self.logarithmic)
        self.legend.setText(controls.legend(shot.state, remarks))

    def _chosen(self, of: np.ndarray) -> np.ndarray:
        """The counts of the chosen channel, or of all together."""
        channel = int(self._channel)
        return of.sum(axis=0) if channel < 0 else of[channel]

    def _curve(self, found: Histogram, colour: str) -> Curve:
        counts, total = self._chosen(found.counts), max(int(self._chosen(found.totals)), 1)
        if self.logarithmic:
            counts = np.maximum(counts, 0.5)  # none is a little below one
        return Curve(found.edges, counts * (100 / total), colour, steps=True)

    def _remark(self, found: Histogram) -> str:
        counted = {
            "NaN": int(self._chosen(found.nan)),
            "below": int(self._chosen(found.below)),
            "above": int(self._chosen(found.above)),
        }
        words = [f"{count} {name}" for name, count in counted.items() if count]
        return ", ".join([*words, *([f"1 of {found.every} rows"] if found.every > 1 else [])])
