"""The spectra of all panes, and in each the peak of a checkerboard if there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGridLayout, QWidget

from .. import spectrum
from ..areas import named, part
from ..parts import Part
from ..prepared import prepared
from ..spectrum import Frequency, Spectrum
from ..store import Store
from . import controls
from .base import Shot
from .picture import Picture
from .working import WorkingPanel

SIDE = 150  # of a picture, in points
DECADES = 4.0  # of magnitude, from black to white
RING = QColor("#ff5db1")
HINT = (
    "Frequency 0 is in the middle, half a cycle for an output at the edges. The decibels are the "
    "energy at the period of the scale over that around it, a property of the picture; the score "
    "is the kernel's own, 0 for one that leaves a constant picture constant."
)


@dataclass(frozen=True, eq=False)
class Seen:
    """What is shown of a pane."""

    spectrum: Spectrum
    picture: np.ndarray
    score: float | None


class SpectrumPanel(WorkingPanel):
    """A picture of log magnitudes for each pane."""

    name, title = "spectrum", "Spectrum"
    pace = 150  # all that is visible is read, which slows a pan down

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._spectra = self.lane(look)
        self._area = "near"
        self.area = controls.area_choice()
        self.area.chosen.connect(self._choose_area)
        self.column.addWidget(controls.row(self.area))
        self._grid = QGridLayout()
        self._grid.setSpacing(8)
        self.column.addLayout(self._grid)
        hint = controls.note()
        hint.setText(HINT)
        self.column.addStretch(1)
        self.column.addWidget(hint)
        self.tiles: list[Tile] = []

    def _choose_area(self, key: str) -> None:
        self._area = controls.show_choice(self.area, controls.AREAS, key)
        self.again()

    def ask(self, shot: Shot) -> None:
        self._spectra.ask(*self._parts(shot))

    def _parts(self, shot: Shot) -> list[Part]:
        area = controls.chosen_area(self._area, shot.state)
        return [part(shot.state, i, area, shot.viewport) for i in range(len(shot.state.panes))]

    def show_known(self, shot: Shot) -> None:
        parts = self._parts(shot)
        self._have_tiles(len(parts))
        for i, (tile, wanted) in enumerate(zip(self.tiles, parts, strict=True)):
            tile.caption.show_text(named(shot.state, i))
            outcome = self._spectra.get(wanted)
            if outcome is None:
                tile.wait()
            elif outcome.error is not None:
                tile.fail(str(outcome.error))
            else:
                tile.show_seen(outcome.value, spectrum.periods(wanted.pane.scale))

    def _have_tiles(self, count: int) -> None:
        while len(self.tiles) > count:
            tile = self.tiles.pop()
            self._grid.removeWidget(tile)
            tile.deleteLater()
        while len(self.tiles) < count:
            self.tiles.append(Tile())
            self._grid.addWidget(self.tiles[-1], *divmod(len(self.tiles) - 1, 2))


class Tile(QWidget):
    """One pane's spectrum, its name above and its peak below."""

    def __init__(self) -> None:
        super().__init__()
        self.caption, self.verdict = controls.Caption(), controls.note()
        self.picture = Rings()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        for widget in (self.caption, self.picture, self.verdict):
            grid.addWidget(widget)
        self.picture.setFixedHeight(SIDE + 2)
        self.verdict.setAlignment(Qt.AlignmentFlag.AlignTop)
        grid.setRowStretch(2, 1)  # tiles beside each other have their pictures at one height

    def wait(self) -> None:
        """The last picture stays, with words that say so."""
        self.verdict.setText("computing")

    def fail(self, reason: str) -> None:
        self.picture.show_pixels(None)
        self.verdict.setText(reason)

    def show_seen(self, seen: Seen, period: tuple[int, int]) -> None:
        found = seen.spectrum
        self.picture.patterns = found.patterns
        self.picture.show_pixels(seen.picture)
        score = "" if seen.score is None else f"\nscore of the kernel {seen.score:.3g}"
        self.verdict.setText(spectrum.verdict(found, period) + score)
        font = self.verdict.font()
        font.setBold(bool(found.patterns))
        self.verdict.setFont(font)


class Rings(Picture):
    """A spectrum with rings around the frequencies of a pattern."""

    def __init__(self) -> None:
        super().__init__("Spectrum", SIDE)
        self.patterns: list[Frequency] = []

    def paint_over(self, painter: QPainter) -> None:
        if self.pixels is None:
            return
        height, width = self.pixels.shape
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(RING, 2)
        pen.setCosmetic(True)
        painter.setPen(pen)
        # Frequencies wrap around: half a cycle is at both edges.
        for down, across in self.patterns:
            for y, x in product(_ends(down), _ends(across)):
                painter.drawEllipse(QPointF((x + 0.5) * width, (y + 0.5) * height), 6, 6)


def _ends(frequency: float) -> list[float]:
    """Where a frequency of 0 to 1 is seen between -1/2 and 1/2."""
    return [-0.5, 0.5] if frequency == 0.5 else [(frequency + 0.5) % 1 - 0.5]


def look(wanted: Part, cancelled: Callable[[], bool]) -> Seen:
    """Everything that is shown of a part; for a worker."""
    found = spectrum.spectrum(wanted, cancelled)
    score = prepared(wanted.source, wanted.pane).score
    return Seen(found, picture(found.magnitude, SIDE), score)


def picture(magnitude: np.ndarray, side: int) -> np.ndarray:
    """(side, side) uint32 grays of a spectrum, whose frequencies are as many in both directions.

    Of the frequencies that share a place the strongest is shown: an average would hide a peak.
    """
    if not magnitude.size:
        return np.zeros((0, 0), np.uint32)
    for axis, n in enumerate(magnitude.shape):
        first = np.arange(side) * n // side
        magnitude = np.maximum.reduceat(magnitude, first, axis)
    levels = 255 * np.clip((magnitude - magnitude.max()) / DECADES + 1, 0, 1)
    gray = levels.astype(np.uint32)
    return np.uint32(0xFF000000) | gray << 16 | gray << 8 | gray
