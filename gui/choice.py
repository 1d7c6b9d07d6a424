"""A button that shows a choice and opens the menu of all of them."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton

Groups = Mapping[str, Mapping[str, str]]  # by headings: keys and texts


class Choice(QToolButton):
    """Not a combo box: that one changes its value under a turning wheel, which in this window
    means to zoom.

    Parameters
    ----------
    name, tip : str
        Of the button.
    groups : mapping
        What can be chosen: texts by keys by headings; the heading "" is not shown.
    """

    chosen = Signal(str)

    def __init__(self, name: str, tip: str, groups: Groups) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setToolTip(tip)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setStyleSheet("QToolButton::menu-indicator { image: none; }")  # the text has one
        self.setMenu(QMenu(self))
        self._groups: Groups = {}
        self._actions: list[tuple[str, QAction]] = []
        self._exclusive: list[QActionGroup] = []
        self.offer(groups)

    def offer(self, groups: Groups) -> None:
        """Replace what can be chosen."""
        if groups == self._groups:
            return
        for old in self._exclusive:
            old.deleteLater()
        self._groups, self._actions, self._exclusive = groups, [], []
        menu = self.menu()
        menu.clear()
        for heading, choices in groups.items():
            if heading:
                menu.addSection(heading)
            # Or choosing what is chosen already would uncheck it.
            group = QActionGroup(menu)
            self._exclusive.append(group)
            for key, text in choices.items():
                action = menu.addAction(text)
                action.setCheckable(True)
                action.setActionGroup(group)
                action.triggered.connect(lambda _=False, key=key: self.chosen.emit(key))
                self._actions.append((key, action))

    def show_choice(self, key: str, text: str) -> None:
        """Show the text, and check what has this key: one at most under each heading."""
        self.setText(f"{text} \N{BLACK DOWN-POINTING SMALL TRIANGLE}")
        for other, action in self._actions:
            action.setChecked(other == key)
