"""Menus and shortcuts, made from the table of actions and kept in step with the state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from .actions import ACTIONS, Action, plain
from .sources.recent import recent
from .state import ViewerState

Run = Callable[[Action], None]


class Menus:
    """One QAction for each row, in the menu bar of a window.

    Parameters
    ----------
    window : QMainWindow
    run : callable
        Does what a row says.
    """

    def __init__(self, window: QMainWindow, run: Run) -> None:
        self.actions: dict[str, QAction] = {}
        self._menus: dict[str, QMenu] = {}
        for row in ACTIONS:
            action = QAction(row.text, window)
            if not row.held:
                action.setShortcuts([QKeySequence(key) for key in row.keys])
            action.setCheckable(row.checked is not None)
            action.triggered.connect(partial(self._triggered, row, run))
            self._menu(window, row.menu).addAction(action)
            self.actions[row.name] = action

    def add_recent(self, open_path: Callable[[str], None]) -> None:
        """A menu of the files that were opened last, below the row that opens one."""
        menu = QMenu("Open &recent")
        file = self._menus["&File"]
        file.insertMenu(self.actions["reload"], menu)
        self._recent = menu  # the menu bar does not own it

        def fill() -> None:
            menu.clear()
            for i, path in enumerate(recent()):
                text = path.replace("&", "&&")
                action = menu.addAction(f"&{i + 1}  {text}" if i < 9 else text)
                action.triggered.connect(partial(open_path, path))
            if menu.isEmpty():
                menu.addAction("No file was opened yet").setEnabled(False)

        menu.aboutToShow.connect(fill)

    def sync(self, state: ViewerState) -> None:
        """Check what is so, and say why what is blocked is."""
        for row in ACTIONS:
            action = self.actions[row.name]
            if row.checked is not None:
                action.setChecked(row.checked(state))
            reason = row.blocked(state) if row.blocked is not None else ""
            self.block(row.name, reason)

    def block(self, name: str, reason: str) -> None:
        """Gray a row for this reason; "" for none."""
        action = self.actions[name]
        action.setEnabled(not reason)
        tip = reason or hint(ROWS[name])
        if tip != action.toolTip():
            action.setToolTip(tip)
            action.setStatusTip(reason)

    def _menu(self, window: QMainWindow, path: str) -> QMenu:
        if path not in self._menus:
            above, _, name = path.rpartition("/")
            parent = self._menu(window, above) if above else window.menuBar()
            menu = parent.addMenu(name)
            menu.setToolTipsVisible(True)  # the reasons why rows are gray
            self._menus[path] = menu
        return self._menus[path]

    def _triggered(self, row: Action, run: Run, _checked: bool = False) -> None:
        # Qt has turned the check mark over; it is the state that decides.
        run(row)


ROWS = {row.name: row for row in ACTIONS}


def hint(row: Action) -> str:
    """What a row does and its keys."""
    keys = ", ".join(row.keys)
    return f"{plain(row.text)} ({keys})" if keys else plain(row.text)
