"""What the panels that compute have in common."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QVBoxLayout

from ..store import Store
from .base import Panel, Shot
from .lane import Lane, Work

WIDTH = 330  # in points: five columns of figures
TOGETHER = 20  # milliseconds


class WorkingPanel(Panel):
    """A column of widgets, and lanes to workers that run only while the panel is seen.

    `refresh` asks the lanes; `show_known` shows what they know, whenever that has changed.

    Attributes
    ----------
    pace : int
        Milliseconds between two looks at what the panes show: panels may lag, panes may not.
    """

    pace: ClassVar[int] = 40

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.shot: Shot | None = None
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(8, 8, 8, 8)
        self.column.setSpacing(6)
        self._lanes: list[Lane] = []
        self._next: Shot | None = None
        self._asking = False
        self._pause = QTimer(self, singleShot=True, interval=self.pace)
        self._pause.timeout.connect(self._catch_up)
        # Answers to several panes come one after the other: they are shown together.
        self._soon = QTimer(self, singleShot=True, interval=TOGETHER)
        self._soon.timeout.connect(self._known)
        self.setMinimumWidth(WIDTH)

    def lane(self, work: Work, name: str = "", patient: bool = False) -> Lane:
        """A new lane, closed and paused with the panel."""
        lane = Lane(work, f"{self.name}{name}", patient)
        lane.changed.connect(self._tell)
        self._lanes.append(lane)
        return lane

    @property
    def idle(self) -> bool:
        """Whether all that was asked for is shown."""
        behind = self._next is not self.shot or self._soon.isActive()
        return not behind and all(lane.idle for lane in self._lanes)

    def refresh(self, shot: Shot) -> None:
        self._next = shot
        if not self._pause.isActive():
            self._catch_up()

    def _catch_up(self) -> None:
        """Look at what the panes show now, and then not for a while."""
        if self._next is None or self._next is self.shot:
            return
        self._pause.start()
        self.shot = self._next
        self.again()

    def again(self) -> None:
        """A control of the panel has changed: ask and show anew."""
        if self.shot is not None:
            self._asking = True  # lanes tell of it at once, each for itself
            self.ask(self.shot)
            self._asking = False
            self.show_known(self.shot)

    def ask(self, shot: Shot) -> None:
        """Have the lanes do what `shot` makes worth knowing."""
        raise NotImplementedError

    def show_known(self, shot: Shot) -> None:
        """Show what the lanes know of what they were asked."""
        raise NotImplementedError

    def _tell(self) -> None:
        """A lane knows more."""
        if not self._asking and not self._soon.isActive():
            self._soon.start()

    def _known(self) -> None:
        if self.shot is not None and self.isVisible():
            self.show_known(self.shot)

    def hideEvent(self, event: QHideEvent) -> None:
        for lane in self._lanes:
            lane.pause()
        self.shot = self._next = None  # they hold pictures

    def close_workers(self) -> None:
        for lane in self._lanes:
            lane.close()
