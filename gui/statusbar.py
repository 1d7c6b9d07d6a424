"""The line at the bottom: the place, the value of every pane there, the picture, what computes."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QSizePolicy, QStatusBar

import upsampler

from .compare import Compare
from .marks import pane_name
from .state import TRUTH, ViewerState

WIDEST = "x 00000.00  y 00000.00"


class StatusBar(QStatusBar):
    """Tells what is under the shared cursor."""

    def __init__(self, compare: Compare) -> None:
        super().__init__()
        self._compare = compare
        self.position, self.info = QLabel(), QLabel()
        self.values: dict[int, QLabel] = {}
        self._told: tuple[object, ...] = ()  # what the hints of the labels are about
        self.addWidget(self.position)
        # A width that does not follow the text, or everything would move with the mouse.
        self.position.setMinimumWidth(self.position.fontMetrics().horizontalAdvance(WIDEST))
        self.addPermanentWidget(self.info)
        self._cpu = _cpu()

    def sync(self, now: ViewerState) -> None:
        shown = (*range(len(now.panes)), *(() if now.truth is None else (TRUTH,)))
        if tuple(self.values) != shown:
            self._have(shown)
        panes = (now.panes, now.truth)
        if panes != self._told:
            self._told = panes
            for i, label in self.values.items():
                label.setToolTip(f"{pane_name(now, i)}: the value under the cursor")
        inside = False
        for i, label in self.values.items():
            values = self._compare.values(i)
            inside = inside or values is not None
            name = "ref" if i == TRUTH else str(i + 1)
            label.setText(f"{name}:  {'  '.join(values)}" if values else "")
        self.position.setText(_place(now) if inside else "")
        self.info.setText(f"{_info(now)}   {self._cpu}")
        self.info.setToolTip("\n".join(now.source.notes))

    def _have(self, shown: tuple[int, ...]) -> None:
        for label in self.values.values():
            self.removeWidget(label)
            label.deleteLater()
        self.values = {}
        for i in shown:
            label = QLabel()
            label.setObjectName("value")
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            self.addWidget(label, 1)
            self.values[i] = label


def _place(now: ViewerState) -> str:
    if now.cursor is None or now.view is None:
        return ""
    y, x = now.view.source(*now.cursor, 0, 0)  # the cursor counts from the middle
    return f"x {x:.2f}  y {y:.2f}"


def _info(now: ViewerState) -> str:
    """Size, dtype and range of the picture."""
    if now.opening is not None:
        return f"opening {now.opening} ..."
    height, width = now.source.size
    channels = now.source.values.shape[2]
    range_ = f"{now.source.low:.4g} to {now.source.high:.4g}"
    return f"{width} x {height} x {channels} {now.source.dtype}, {range_}"


def _cpu() -> str:
    """What computes."""
    cpu = upsampler.backends()["cpu"]
    if not cpu["available"]:
        return ""
    threads = cpu["threads"]
    return f"CPU {cpu['instruction_set']}, {threads} thread{'s' * (threads != 1)}"
