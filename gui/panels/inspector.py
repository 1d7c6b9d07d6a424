"""The values of all panes under the cursor, and what that of the focused pane is made of."""

from __future__ import annotations

from itertools import product

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem

from .. import inspection
from ..areas import named, under_cursor
from ..inspection import Inspection, Place
from ..parts import unit
from ..state import TRUTH
from ..store import Store
from . import controls
from .base import Shot
from .grid import Grid
from .working import WorkingPanel

HINT = "Point at the picture to see its values and what they are made of."


class InspectorPanel(WorkingPanel):
    """A table of values over the grid of the pixels that count.

    Both stay as they were when the cursor leaves, so that they can be read and copied.
    """

    name, title = "inspector", "Inspector"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._values = self.lane(lambda place, cancelled: inspection.values_at(place), patient=True)
        self._made = self.lane(
            lambda place, cancelled: inspection.inspect(place), "_made", patient=True
        )
        self._places: dict[int, Place] = {}
        self._columns: tuple[list[str], str] = [], ""
        self.position = controls.note()
        self.table = QTableWidget()
        self.table.setAccessibleName("Values under the cursor")
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.setSizeAdjustPolicy(QTableWidget.SizeAdjustPolicy.AdjustToContents)
        self.made = controls.note()
        self.grid = Grid()
        self.sum = controls.note()
        for widget in (self.position, self.table, self.made, self.sum, self.grid):
            self.column.addWidget(widget)
        self.column.setStretch(4, 1)

    def ask(self, shot: Shot) -> None:
        state = shot.state
        panes = [*([TRUTH] if state.truth is not None else []), *range(len(state.panes))]
        places = {pane: place for pane in panes if (place := _place(shot, pane)) is not None}
        if places or self._outdated(shot):
            self._places = places
        self._values.ask(*self._places.values())
        focused = self._places.get(state.focus)
        self._made.ask(*([] if focused is None else [focused]))

    def _outdated(self, shot: Shot) -> bool:
        """Whether what was pointed at last is no longer there."""
        known = [pane < len(shot.state.panes) for pane in self._places]
        return not all(known) or any(
            (place.source, place.pane) != (subject.source, subject.pane)
            for pane, place in self._places.items()
            if pane != TRUTH
            for subject in [shot.state.subject(pane)]
        )

    # -- what is shown ----------------------------------------------------------------------------

    def show_known(self, shot: Shot) -> None:
        if not self._places:
            self.position.setText(HINT)
            self._fill([], [], "")
            self._show_made(shot, None)
            return
        source = shot.state.source
        names = list(controls.channel_names(source))
        rows = [self._row(shot, pane, place) for pane, place in self._places.items()]
        self.position.setText(_position(shot) or self.position.text())
        self._fill(["", "x, y", *names], rows, source.widest)
        self._show_made(shot, self._places.get(shot.state.focus))

    def _row(self, shot: Shot, pane: int, place: Place) -> list[str]:
        outcome = self._values.get(place)
        cells = [named(shot.state, pane), f"{place.column}, {place.row}"]
        if outcome is None:
            return [*cells, "\N{HORIZONTAL ELLIPSIS}"]
        return [*cells, *(("failed",) if outcome.error is not None else outcome.value)]

    def _fill(self, headings: list[str], rows: list[list[str]], widest: str) -> None:
        """Only what has changed: laying out the table takes longer than all the rest."""
        table = self.table
        table.setVisible(bool(rows))
        if (headings, widest) != self._columns:
            self._columns = headings, widest
            table.setColumnCount(len(headings))
            table.setHorizontalHeaderLabels(headings)
            self._size_columns(headings, widest)
        if table.rowCount() != len(rows):
            table.setRowCount(len(rows))
        for i, j in product(range(len(rows)), range(len(headings))):
            text = rows[i][j] if j < len(rows[i]) else ""
            item = table.item(i, j)
            if item is None:
                item = QTableWidgetItem()
                right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                item.setTextAlignment(right if j else Qt.AlignmentFlag.AlignVCenter)
                table.setItem(i, j, item)
            if item.text() != text:
                item.setText(text)

    def _size_columns(self, headings: list[str], widest: str) -> None:
        """Room for every value; what is left is for the names of the panes."""
        header = self.table.horizontalHeader()
        header.setMinimumSectionSize(30)
        width = self.table.fontMetrics().horizontalAdvance
        for column, heading in enumerate(headings):
            texts = (heading, "00000, 00000" if column == 1 else widest)
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            header.resizeSection(column, max(map(width, texts)) + 12)
        if headings:
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def _show_made(self, shot: Shot, place: Place | None) -> None:
        outcome = None if place is None else self._made.get(place)
        if place is None:
            self.made.setText("")
            self.grid.show_inspection(None)
            self.sum.setText("")
        elif outcome is None:
            self.made.setText("working it out")  # the last grid stays until then
        elif outcome.error is not None:
            self.made.setText(str(outcome.error))
            self.grid.show_inspection(None)
            self.sum.setText("")
        else:
            found: Inspection = outcome.value
            self.made.setText(_made_of(shot, found))
            self.grid.show_inspection(found)
            self.sum.setText(_sum(found, place))


def _place(shot: Shot, pane: int) -> Place | None:
    at = under_cursor(shot.state, pane, shot.viewport)
    subject = shot.state.subject(pane)
    return None if at is None else Place(subject.source, subject.pane, *at, shot.state.tone)


def _position(shot: Shot) -> str:
    state = shot.state
    if state.cursor is None or state.view is None:
        return ""
    y, x = state.view.source(*state.cursor, 0, 0)  # the cursor counts from the middle
    return f"source  x {x:.2f}  y {y:.2f}"


def _made_of(shot: Shot, found: Inspection) -> str:
    h, w = found.weights.shape
    name = named(shot.state, shot.state.focus)
    if not found.weights.size:
        return f"{name}: this output is made of no pixel, and always 0."
    (top, bottom), (left, right) = found.rows, found.columns
    where = f"x {_range(left, right)}, y {_range(top, bottom)}"
    count = "one pixel" if w * h == 1 else f"{w} x {h} pixels"
    return f"{name}: made of {count}, {where}; weights add up to {found.weights.sum():.4g}"


def _range(start: int, stop: int) -> str:
    return str(start) if stop - start == 1 else f"{start} to {stop - 1}"


def _sum(found: Inspection, place: Place) -> str:
    scale = unit(place.source)
    products = "  ".join(f"{value * scale:.6g}" for value in found.sum)
    return f"weights \N{MULTIPLICATION SIGN} pixels: {products}" if found.weights.size else ""
