"""The tabs at the right, of which one is open, and learning at the left.

Panels are made on demand and fed while they are seen.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QDockWidget, QScrollArea, QTabWidget, QWidget

from . import changes
from .panels import PANELS, LearningPanel, Panel, Shot
from .store import Store

BAR = 16  # points of a scroll bar
WIDTH = 380  # in points: a panel, a scroll bar and the tabs


class PanelDock(QDockWidget):
    """Shows the panel that the state names; choosing a tab changes the state."""

    def __init__(self, store: Store, shot: Callable[[], Shot]) -> None:
        super().__init__("Panels")
        self.setObjectName("panels")
        self.setAllowedAreas(
            Qt.DockWidgetArea.RightDockWidgetArea | Qt.DockWidgetArea.BottomDockWidgetArea
        )
        self._store, self._shot = store, shot
        self._kinds = {kind.name: kind for kind in PANELS}
        self.panels: dict[str, Panel] = {}
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setTabPosition(QTabWidget.TabPosition.East)  # in a row they are wider than it
        self.tabs.setMinimumWidth(WIDTH)
        self.tabs.setAccessibleName("Panels")
        for kind in PANELS:
            place = QScrollArea()
            place.setWidgetResizable(True)
            place.setFrameShape(QScrollArea.Shape.NoFrame)
            self.tabs.addTab(place, kind.title)
        self.setWidget(self.tabs)
        self.tabs.currentChanged.connect(self._chosen)
        self.visibilityChanged.connect(self._seen)
        self.hide()

    def has(self, name: str) -> bool:
        return name in self._kinds

    @property
    def open_panel(self) -> Panel | None:
        return self.panels.get(self._store.state.panel)

    def refresh(self) -> None:
        """Open or close what the state says, and feed the panel that is seen."""
        name = self._store.state.panel
        known = name in self._kinds
        if known:
            index = list(self._kinds).index(name)
            if name not in self.panels:
                self.panels[name] = self._kinds[name](self._store)
                self._place(index).setWidget(self.panels[name])
            with QSignalBlocker(self.tabs):
                self.tabs.setCurrentIndex(index)
        if self.isHidden() == known:
            self.setVisible(known)
        if known and self.isVisible():
            self.panels[name].refresh(self._shot())

    def cancel(self) -> bool:
        """End what one of the panels is at, as `Panel.cancel`."""
        return any(panel.cancel() for panel in self.panels.values())

    def close_workers(self) -> None:
        for panel in self.panels.values():
            panel.close_workers()

    def _place(self, index: int) -> QScrollArea:
        place: QWidget = self.tabs.widget(index)
        assert isinstance(place, QScrollArea)
        return place

    def _chosen(self, index: int) -> None:
        self._store.update(changes.open_panel, list(self._kinds)[index])

    def _seen(self, _visible: bool) -> None:
        if self.isHidden() and self._store.state.panel in self._kinds:  # closed by its button
            self._store.update(changes.open_panel, "")


class LearningDock(QDockWidget):
    """Beside the methods, so that a spectrum or the metrics can be watched while it learns."""

    def __init__(self, store: Store, shot: Callable[[], Shot]) -> None:
        super().__init__("Learning")
        self.setObjectName("learning")
        self.setAllowedAreas(
            Qt.DockWidgetArea.LeftDockWidgetArea | Qt.DockWidgetArea.RightDockWidgetArea
        )
        self._store, self._shot = store, shot
        self.panel: LearningPanel | None = None
        self.visibilityChanged.connect(self._seen)
        self.hide()

    def refresh(self) -> None:
        """Open or close what the state says, and feed the panel while it is seen."""
        shown = self._store.state.learning
        if shown and self.panel is None:
            self.panel = LearningPanel(self._store)
            place = QScrollArea()
            place.setWidgetResizable(True)
            place.setFrameShape(QScrollArea.Shape.NoFrame)
            place.setWidget(self.panel)
            place.setMinimumWidth(self.panel.minimumWidth() + BAR)
            self.setWidget(place)
        if self.isHidden() == shown:
            self.setVisible(shown)
            if shown:
                self.raise_()
        if self.panel is not None and self.isVisible():
            self.panel.refresh(self._shot())

    def cancel(self) -> bool:
        """End what the panel is at, as `Panel.cancel`."""
        return self.panel is not None and self.panel.cancel()

    def close_workers(self) -> None:
        if self.panel is not None:
            self.panel.close_workers()

    def _seen(self, _visible: bool) -> None:
        if self.isHidden() and self._store.state.learning:  # closed by its button
            self._store.update(changes.show_learning, False)
