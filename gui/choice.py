"""A button that shows a choice and opens the menu of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton

Groups = Mapping[str, Mapping[str, str]]  # by headings: keys and texts
MARK = " \N{BLACK DOWN-POINTING SMALL TRIANGLE}"
ROOMY = 50  # points of text from which on the mark has a place


class Choice(QToolButton):
    """Not a combo box: that one changes its value under a turning wheel, which in this window
    means to zoom.

    Parameters
    ----------
    name, tip : str
        Of the button.
    groups : mapping
        What can be chosen: texts by keys by headings; the heading "" is not shown.
    more : sequence of QAction
        What else the menu has, at its end.
    """

    chosen = Signal(str)

    def __init__(self, name: str, tip: str, groups: Groups, more: Sequence[QAction] = ()) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setToolTip(tip)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMenu(QMenu(self))
        self.menu().setToolTipsVisible(True)  # the reasons why some are gray
        self._groups: Groups = {}
        self._blocked: Mapping[str, str] = {}
        self._more = more
        self._actions: list[tuple[str, QAction]] = []
        self._exclusive: list[QActionGroup] = []
        self.offer(groups)

    def offer(self, groups: Groups, blocked: Mapping[str, str] = {}) -> None:
        """Replace what can be chosen; what is blocked is gray, for the reason given by its key."""
        if groups == self._groups and blocked == self._blocked:
            return
        for old in self._exclusive:
            old.deleteLater()
        self._groups, self._blocked, self._actions, self._exclusive = groups, blocked, [], []
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
                action.setEnabled(key not in blocked)
                action.setToolTip(blocked.get(key, text))
                action.triggered.connect(lambda _=False, key=key: self.chosen.emit(key))
                self._actions.append((key, action))
        if self._more:
            menu.addSeparator()
            menu.addActions(self._more)

    def show_choice(self, key: str, text: str) -> None:
        """Show the text, and check what has this key: one at most under each heading."""
        self.relabel(text)
        for other, action in self._actions:
            action.setChecked(other == key)

    def relabel(self, text: str, room: int | None = None) -> None:
        """Another text for what is chosen, cut off at its end where it takes more than so many
        points."""
        metrics = self.fontMetrics()
        if room is None or metrics.horizontalAdvance(text) <= room:
            self.setText(text + MARK)
            return
        room += metrics.horizontalAdvance(MARK)
        mark = MARK if room >= ROOMY else ""
        room -= metrics.horizontalAdvance(mark)
        cut = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        self.setText((cut if len(cut) > 1 else text[:1]) + mark)  # a letter says more than dots
