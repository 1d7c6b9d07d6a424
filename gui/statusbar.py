"""The line at the bottom: the place, the value of every pane there, the picture, what computes."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QStatusBar

from . import devices
from .compare import Compare
from .marks import pane_name
from .state import TRUTH, ViewerState

WIDEST = "x 00000.00  y 00000.00"
AROUND = 14  # points beside a text
PAUSE = 60  # milliseconds


class StatusBar(QStatusBar):
    """Tells what is under the shared cursor.

    Where there is not room for everything, first goes what computes, then the picture, then the
    values of all panes but the focused one and the reference.
    """

    def __init__(self, compare: Compare) -> None:
        super().__init__()
        self._compare = compare
        self.position, self.info = QLabel(), QLabel()
        self.values: dict[int, QLabel] = {}
        self._now: ViewerState | None = None
        self._told: object = None  # what the hints of the labels, and the device, are about
        self._device = ""
        self._fitted: object = None  # what the room was given to
        self.addWidget(self.position)
        # A width that does not follow the text, or everything would move with the mouse.
        self.position.setMinimumWidth(self.position.fontMetrics().horizontalAdvance(WIDEST))
        self.addPermanentWidget(self.info)
        # Frames come in faster than anybody reads.
        self._soon = QTimer(self, singleShot=True, interval=PAUSE)
        self._soon.timeout.connect(self._again)

    def later(self) -> None:
        """Other frames are shown: tell their values before long."""
        if not self._soon.isActive():
            self._soon.start()

    def _again(self) -> None:
        if self._now is not None:
            self.sync(self._now)

    def sync(self, now: ViewerState) -> None:
        self._now = now
        shown = (*range(len(now.panes)), *(() if now.truth is None else (TRUTH,)))
        if tuple(self.values) != shown:
            self._have(shown)
        panes = (now.panes, now.truth, now.focus)
        if panes != self._told:
            self._told = panes
            self._device = devices.told(now.panes[now.focus].method)
            for i, label in self.values.items():
                label.setToolTip(f"{pane_name(now, i)}: the value under the cursor")
        inside = False
        for i, label in self.values.items():
            values = self._compare.values(i)
            inside = inside or values is not None
            label.setText(f"{_head(i)}{'  '.join(values)}" if values else "")
        self.position.setText(_place(now) if inside else "")
        self.info.setToolTip("\n".join(now.source.notes))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        now = self._now
        if now is None:
            return
        told = any(label.text() for label in self.values.values())
        about = (now.source, now.opening, tuple(self.values), self._device, self.width(), told,
                 now.focus, now.reference)  # fmt: skip
        if about == self._fitted:
            return
        self._fitted = about
        width = self.fontMetrics().horizontalAdvance
        values = "  ".join([now.source.widest] * now.source.values.shape[2])
        # As wide as values get, not as they are: nothing comes and goes with the mouse.
        each = {i: width(_head(i) + values) + AROUND for i in self.values}
        room = self.width() - self.position.minimumWidth() - 4 * AROUND
        left = room - sum(each.values())
        few = {now.focus, now.reference} if left < 0 else set(each)
        left = room - sum(each[i] for i in few) if told else room
        for i, label in self.values.items():
            label.setVisible(i in few)
        info = _info(now)
        texts = (f"{info}   {self._device}", info, "")
        self.info.setText(next((text for text in texts if width(text) <= left), ""))

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


def _head(pane: int) -> str:
    return "truth:  " if pane == TRUTH else f"{pane + 1}:  "


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
    if now.source.gaps:
        finite = "" if now.source.gaps.startswith("no ") else f"{range_}, "
        range_ = f"{finite}{now.source.gaps}"
    return f"{width} x {height} x {channels} {now.source.dtype}, {range_}"
