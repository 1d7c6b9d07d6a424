"""The window around the panes: it puts the parts together and runs the rows of the table."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QTabBar,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from . import changes, source, state, theme
from .actions import DEGRADE, PANELS, Action
from .clipboard import Clipboard
from .compare import Compare
from .dock import LearningDock, PanelDock
from .exporting import Exporter
from .menus import Menus
from .methodbar import WIDTH, MethodDock
from .opening import Opener
from .sheets import KeySheet, Palette
from .sources.chooser import Chooser
from .sources.watch import Watch
from .state import ViewerState
from .statusbar import StatusBar
from .store import Store
from .toolbars import CompareBar, FileBar


class MainWindow(QMainWindow):
    """A picture, methods on it, and everything to look around in them and to compare them."""

    def __init__(self, path: str | None = None) -> None:
        super().__init__()
        self.store = Store(ViewerState(source.built_in()))
        self.compare = Compare(self.store)
        self.opener = Opener(self.store, self)
        self.compare.kernel_wanted.connect(self.opener.open_kernel)
        self.setAcceptDrops(True)
        self.resize(1440, 900)
        self._commands = {
            **{f"degrade_{s}": partial(self.opener.degrade, s) for s in DEGRADE},
            "undo": self.store.undo,
            "redo": self.store.redo,
        }
        self.menus = Menus(self, self.run)
        self.actions_by_name = self.menus.actions
        self.tools = FileBar(
            self.store, self.actions_by_name, self._take_keys, self.compare.viewport
        )
        self.addToolBar(self.tools)
        self.addToolBarBreak()
        self.modes = CompareBar(self.store, self.actions_by_name)
        self.addToolBar(self.modes)
        self._banner, self._message = self._make_banner()
        self.setCentralWidget(self._make_centre())
        self.status = StatusBar(self.compare)
        self.setStatusBar(self.status)
        self.exporter = Exporter(self.store, self.compare, self)
        self.clipboard = Clipboard(self.store, self.opener, self.exporter, self)
        self.chooser = Chooser(self.opener.open_slice)
        self.addToolBarBreak()
        self.addToolBar(self.chooser)
        self.watch = Watch(self.store, self.opener.reload, self)
        self.menus.add_recent(self.open_path)
        self.methods = MethodDock(self.store, self.actions_by_name, self._take_keys)
        left = Qt.DockWidgetArea.LeftDockWidgetArea
        self.addDockWidget(left, self.methods)
        self.learning = LearningDock(self.store, self.compare.shot)
        self.addDockWidget(left, self.learning)
        self.tabifyDockWidget(self.methods, self.learning)
        self.setTabPosition(left, QTabWidget.TabPosition.North)
        self.learning.visibilityChanged.connect(self._narrow)
        self.dock = PanelDock(self.store, self.compare.shot)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.compare.shown.connect(self.dock.refresh)
        self.compare.shown.connect(self.learning.refresh)
        self.compare.shown.connect(self.status.later)
        self.resizeDocks([self.methods], [WIDTH], Qt.Orientation.Horizontal)
        self._take_keys()
        self._theme = theme.DARK.name
        self._shown: ViewerState | None = None
        self.store.changed.connect(self._show)
        self._show()
        if path is not None:
            self.open_path(path)

    # -- making -----------------------------------------------------------------------------------

    def _make_banner(self) -> tuple[QFrame, QLabel]:
        banner = QFrame()
        banner.setObjectName("banner")
        row = QHBoxLayout(banner)
        row.setContentsMargins(8, 4, 8, 4)
        text = QLabel()
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.PlainText)  # names of files are not markup
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setAccessibleName("Message")
        close = QToolButton()
        close.setText("\N{MULTIPLICATION SIGN}")
        close.setToolTip("Dismiss the message (Esc)")
        close.setAccessibleName("Dismiss the message")
        close.setAutoRaise(True)
        close.clicked.connect(lambda: self.store.update(state.dismissed))
        row.addWidget(text, 1)
        row.addWidget(close)
        return banner, text

    def _make_centre(self) -> QWidget:
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._banner)
        column.addWidget(self.compare, 1)
        return centre

    # -- rows of the table ------------------------------------------------------------------------

    def run(self, row: Action) -> None:
        """Do what a row says."""
        if row.step is not None:
            self.store.update(row.step, *self.compare.viewport())
        elif row.name in self._commands:
            self._commands[row.name]()
        else:
            owners = (self, self.opener, self.exporter, self.clipboard, self.compare)
            owner = next(owner for owner in owners if hasattr(owner, row.name))
            getattr(owner, row.name)()
        self._shown = None
        self._show()  # a check mark that Qt has turned over may have to go back

    def open_path(self, path: str) -> None:
        self.opener.open_path(path)

    def hold_reference(self) -> None:
        """From a menu or a button, where nothing can be held: from one to the other."""
        self.store.update(changes.hold, not self.store.state.holding)

    def cancel(self) -> None:
        """One thing after the other: a drag, an export, what a panel is at, a message, a region,
        full screen.  And the keys are the panes' again."""
        self._take_keys()
        before = self.store.state
        owners = (self.compare.gestures, self.exporter, self.dock, self.learning)
        if any(owner.cancel() for owner in owners):
            return
        if before.opening is not None:
            self.opener.drop()
            return
        self.store.update(changes.cancel)
        if self.store.state == before and self.isFullScreen():
            self.showNormal()

    def toggle_full_screen(self) -> None:
        self.showNormal() if self.isFullScreen() else self.showFullScreen()

    def toggle_methods(self) -> None:
        self.methods.setVisible(self.methods.isHidden())

    def show_keys(self) -> None:
        """The sheet of F1: the action table, readable."""
        KeySheet(self).open()

    def show_palette(self) -> None:
        """Every row of the table, found by its name."""

        def reason(row: Action) -> str:
            action = self.actions_by_name[row.name]
            return "" if action.isEnabled() else action.toolTip()

        Palette(self, self.run, reason).open()

    # -- events -----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.store.update(changes.hold, True)
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.store.update(changes.hold, False)
            return
        super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        # The release of a key is sent to whatever window has the keys by then.
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.store.update(changes.hold, False)
        super().changeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.clipboard.takes(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if self.clipboard.take(event.mimeData()):
            event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.opener.close_workers()
        self.exporter.close_workers()
        self.compare.close_workers()
        self.dock.close_workers()
        self.learning.close_workers()
        event.accept()

    def _narrow(self) -> None:
        """The left no wider than it has to be, when the learning panel has gone."""
        if self.learning.isHidden():
            self.resizeDocks([self.methods], [WIDTH], Qt.Orientation.Horizontal)

    def _take_keys(self) -> None:
        """The keys back from a field to the panes."""
        self.compare.take_keys()

    # -- showing the state ------------------------------------------------------------------------

    def _show(self) -> None:
        now = self.store.state
        # What does not depend on where anybody looks: a drag would wait for it sixty times a
        # second.
        still = replace(now, view=None, cursor=None)
        if still != self._shown:
            self._shown = still
            self._show_settings(now)
        self.menus.block("undo", "" if self.store.can_undo else "There is nothing to undo.")
        self.menus.block("redo", "" if self.store.can_redo else "There is nothing to redo.")
        self.tools.sync(now)
        self.status.sync(now)
        self.dock.refresh()
        self.learning.refresh()

    def _show_settings(self, now: ViewerState) -> None:
        self.setWindowTitle(f"{now.source.name} - upsampler")
        self._banner.setVisible(now.message is not None)
        self._message.setText(now.message or "")
        self.menus.sync(now)
        for name, _, _ in PANELS:
            self.actions_by_name[f"panel_{name}"].setVisible(self.dock.has(name))
        for bar in self.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            bar.setAccessibleName("Methods or learning")  # Qt makes it when it is first needed
        self.chooser.sync(now.source)
        self.modes.sync(now)
        self.methods.sync(now)
        if now.theme != self._theme:
            self._theme = now.theme
            theme.apply(QApplication.instance(), theme.THEMES[now.theme])
