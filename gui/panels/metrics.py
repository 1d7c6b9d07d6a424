"""How far each pane is from the reference: in the region, in what is visible, in everything."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QLabel, QPushButton, QTreeWidget, QTreeWidgetItem

from upsampler.metrics import Metrics

from .. import metering
from ..areas import Area, compared, named, part
from ..metering import Comparison
from ..state import TRUTH, ViewerState
from ..store import Store
from .base import Shot
from .working import WorkingPanel

AUTOMATIC = 1 << 25  # samples of a whole result up to which nobody has to ask: some seconds
HEADINGS = {
    Area.REGION: "Region", Area.VISIBLE: "Visible", Area.WHOLE: "Whole picture"
}  # fmt: skip
COLUMNS = ("", "PSNR", "SSIM", "mean", "max")
TIPS = (
    "",
    "Peak signal-to-noise ratio: 10 log10(range^2 / mean squared error)",
    "Structural similarity, windows of 7 x 7, mean over the channels",
    "Mean absolute error, in the units of the file",
    "Largest absolute error, in the units of the file",
)


class MetricsPanel(WorkingPanel):
    """A table for each area, a row for each pane, the best of each column in bold."""

    name, title = "metrics", "Metrics"
    pace = 150  # all that is visible is read, which slows a pan down

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        # Panning changes what is visible, not what is whole: that is let alone.
        self._near = self.lane(metering.meter)
        self._whole = self.lane(metering.meter, "_whole")
        self._wanted: object = None  # the large comparisons that somebody has asked for
        self._shown: list[tuple[str, list[Row]]] = []
        self.caption = QLabel()
        self.caption.setWordWrap(True)
        self.table = QTreeWidget()
        self.table.setAccessibleName("Metrics")
        self.table.setHeaderLabels(COLUMNS)
        self.table.setSelectionMode(QTreeWidget.SelectionMode.NoSelection)
        self.table.setRootIsDecorated(False)
        self.table.setIndentation(10)
        for column, tip in enumerate(TIPS):
            self.table.headerItem().setToolTip(column, tip)
        header = self.table.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.button = QPushButton()
        self.button.clicked.connect(self._pressed)
        for widget in (self.caption, self.table, self.button):
            self.column.addWidget(widget)

    # -- what is asked for ------------------------------------------------------------------------

    def ask(self, shot: Shot) -> None:
        state = shot.state
        near = [Area.REGION] if state.region is not None else []
        near_jobs = [job for area in [*near, Area.VISIBLE] for job in _jobs(shot, area).values()]
        self._near.ask(*(job for job in near_jobs if _samples(job) <= AUTOMATIC))
        jobs = tuple(_jobs(shot, Area.WHOLE).values())
        if jobs != self._wanted and max((_samples(job) for job in jobs), default=0) > AUTOMATIC:
            jobs = ()
        self._whole.ask(*jobs)

    def _pressed(self) -> None:
        """Begin to measure everything, or stop."""
        if self.shot is None:
            return
        jobs = tuple(_jobs(self.shot, Area.WHOLE).values())
        self._wanted = None if self._wanted == jobs else jobs
        self.again()

    def cancel(self) -> bool:
        if self._wanted is None or self._whole.idle:
            return False
        self._wanted = None
        self.again()
        return True

    # -- what is shown ----------------------------------------------------------------------------

    def show_known(self, shot: Shot) -> None:
        state = shot.state
        self.caption.setText(f"compared with  {named(state, state.reference)}")
        self._show_button(shot)
        areas = [area for area in Area if area is not Area.REGION or state.region is not None]
        sections = [(_heading(state, area), self._rows(shot, area)) for area in areas]
        if sections != self._shown:  # it is called for every move of the mouse
            self._shown = sections
            self._fill()

    def _rows(self, shot: Shot, area: Area) -> list[Row]:
        jobs = _jobs(shot, area)
        cells = {pane: self._cells(area, job) for pane, job in jobs.items()}
        best = _best([found for _, _, found in cells.values() if found is not None])
        rows = []
        for pane in _panes(shot.state):
            texts, tip, found = cells.get(pane, (["reference"], "", None))
            bold = tuple(value == b for value, b in zip(_values(found), best, strict=True))
            rows.append(Row((named(shot.state, pane), *texts), tip, bold))
        return rows

    def _cells(self, area: Area, job: Comparison) -> tuple[list[str], str, Metrics | None]:
        """The texts of a comparison, a tip for where there are none, and what was measured."""
        lane = self._whole if area is Area.WHOLE else self._near
        outcome = lane.get(job)
        if job.trouble:
            return ["\N{EN DASH}"], f"Nothing to compare: this pane makes {job.trouble}.", None
        if outcome is None and area is not Area.WHOLE and not lane.wants(job):
            return ["\N{EN DASH}"], "Too much to measure with every move: zoom in.", None
        if outcome is None:
            return ["\N{HORIZONTAL ELLIPSIS}" if lane.wants(job) else ""], "", None
        if outcome.error is not None:
            return ["failed"], str(outcome.error), None
        if outcome.value is None:
            return ["\N{EN DASH}"], "Nothing of the picture is in here.", None
        return list(metering.texts(outcome.value)), "", outcome.value

    def _fill(self) -> None:
        self.table.clear()
        for heading, rows in self._shown:
            section = QTreeWidgetItem(self.table, [heading])
            section.setFirstColumnSpanned(True)
            for row in rows:
                section.addChild(_item(row))
        self.table.expandAll()

    def _show_button(self, shot: Shot) -> None:
        jobs = tuple(_jobs(shot, Area.WHOLE).values())
        largest = max((_samples(job) for job in jobs), default=0)
        wanted = jobs == self._wanted
        self.button.setVisible(largest > AUTOMATIC and not (wanted and self._whole.idle))
        millions = f"{largest / 1e6:.0f} million values a pane"
        self.button.setText("Stop" if wanted else f"Measure the whole picture: {millions}")


@dataclass(frozen=True)
class Row:
    """A row of the table: its cells, why some are missing, and which of the last are the best."""

    cells: tuple[str, ...]
    tip: str
    bold: tuple[bool, ...]


def _item(row: Row) -> QTreeWidgetItem:
    item = QTreeWidgetItem(list(row.cells))
    item.setToolTip(0, row.cells[0])
    item.setToolTip(1, row.tip)
    for column, bold in enumerate(row.bold, 1):
        item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
        font = item.font(column)
        font.setBold(bold)
        item.setFont(column, font)
    return item


def _values(found: Metrics | None) -> tuple[float, ...]:
    """The larger the better."""
    if found is None:
        return (nan,) * 4
    return found.psnr, found.ssim, -found.mae, -found.max_error


def _best(found: list[Metrics]) -> tuple[float, ...]:
    """Of each column; NaN, which equals nothing, where there is nothing to choose from."""
    if len(found) < 2:
        return (nan,) * 4
    return tuple(max(column) for column in zip(*map(_values, found), strict=True))


def _panes(state: ViewerState) -> list[int]:
    return [*([TRUTH] if state.reference == TRUTH else []), *range(len(state.panes))]


def _jobs(shot: Shot, area: Area) -> dict[int, Comparison]:
    """What is to be compared, by panes."""
    state = shot.state
    return {
        pane: Comparison(
            compared(state, pane, area, shot.viewport), part(state, pane, area, shot.viewport)
        )
        for pane in range(len(state.panes))
        if pane != state.reference
    }


def _samples(job: Comparison) -> int:
    height, width, channels = job.test.shape
    return height * width * channels


def _heading(state: ViewerState, area: Area) -> str:
    if area is Area.REGION and state.region is not None:
        region = state.region
        width, height = region.right - region.left, region.bottom - region.top
        return f"Region: {width} x {height} source pixels at ({region.left}, {region.top})"
    return HEADINGS[area]
