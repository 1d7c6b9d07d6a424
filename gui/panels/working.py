"""What the panels that compute have in common."""

from __future__ import annotations

from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QVBoxLayout

from ..store import Store
from .base import Panel, Shot
from .lane import Lane, Work

WIDTH = 330  # in points: five columns of figures


class WorkingPanel(Panel):
    """A column of widgets, and lanes to workers that run only while the panel is seen.

    `refresh` asks the lanes; `show_known` shows what they know, whenever that has changed.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.shot: Shot | None = None
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(8, 8, 8, 8)
        self.column.setSpacing(6)
        self._lanes: list[Lane] = []
        self.setMinimumWidth(WIDTH)

    def lane(self, work: Work, name: str = "", patient: bool = False) -> Lane:
        """A new lane, closed and paused with the panel."""
        lane = Lane(work, f"{self.name}{name}", patient)
        lane.changed.connect(self._known)
        self._lanes.append(lane)
        return lane

    @property
    def idle(self) -> bool:
        """Whether all that was asked for is shown."""
        return all(lane.idle for lane in self._lanes)

    def refresh(self, shot: Shot) -> None:
        self.shot = shot
        self.ask(shot)
        self.show_known(shot)

    def again(self) -> None:
        """A control of the panel has changed: ask and show anew."""
        if self.shot is not None:
            self.refresh(self.shot)

    def ask(self, shot: Shot) -> None:
        """Have the lanes do what `shot` makes worth knowing."""
        raise NotImplementedError

    def show_known(self, shot: Shot) -> None:
        """Show what the lanes know of what they were asked."""
        raise NotImplementedError

    def _known(self) -> None:
        if self.shot is not None and self.isVisible():
            self.show_known(self.shot)

    def hideEvent(self, event: QHideEvent) -> None:
        for lane in self._lanes:
            lane.pause()
        self.shot = None  # it holds pictures

    def close_workers(self) -> None:
        for lane in self._lanes:
            lane.close()
