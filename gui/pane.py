"""One pane: a title that says what is computed and how true the pixels are, and the canvas."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from . import theme
from .canvas import Canvas
from .state import METHODS, SCALES, Pane, scale_text


class Choice(QToolButton):
    """A button that shows a choice and opens the menu of all of them.

    Not a combo box: that one changes its value under a turning wheel, which in this window
    means to zoom.
    """

    chosen = Signal(str)

    def __init__(self, name: str, tip: str, choices: dict[str, str]) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setToolTip(tip)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        menu, group = QMenu(self), QActionGroup(self)
        self._actions: dict[str, QAction] = {}
        for key, text in choices.items():
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setActionGroup(group)
            action.triggered.connect(lambda _=False, key=key: self.chosen.emit(key))
            self._actions[key] = action
        self.setMenu(menu)

    def show_choice(self, key: str, text: str) -> None:
        self.setText(f"{text} \N{BLACK DOWN-POINTING SMALL TRIANGLE}")
        for other, action in self._actions.items():
            action.setChecked(other == key)


class PaneWidget(QFrame):
    """A title bar over a canvas; shows what it is told and holds no state of the view."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.setObjectName("pane")
        self.canvas = Canvas()
        self.method = Choice("method", "What this pane computes", {name: name for name in METHODS})
        scales = {str(s): f"x{s}" for s in SCALES}
        self.scale = Choice("scale", "How much this pane magnifies", scales)
        self.milliseconds = QLabel()
        self.milliseconds.setObjectName("milliseconds")
        self.milliseconds.setToolTip("Time to compute what is seen")
        self.chip = QLabel()
        self.chip.setObjectName("chip")
        self.chip.setToolTip(
            "exact: every pixel is one that the method produced, repeated to the size named\n"
            "averaged: the mean of the pixels that share a place on the screen"
        )
        number = QLabel(str(index + 1))
        number.setObjectName("milliseconds")
        number.setToolTip(f"Key {index + 1} makes this the pane whose pixels the zoom counts")

        title = QWidget()
        title.setObjectName("title")
        title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(title)
        row.setContentsMargins(8, 3, 8, 3)
        row.setSpacing(4)
        for widget in (number, self.method, self.scale):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.milliseconds)
        row.addWidget(self.chip)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addWidget(title)
        column.addWidget(self.canvas)

    def show_pane(self, pane: Pane, focused: bool) -> None:
        self.method.show_choice(pane.method, pane.method)
        text = scale_text(pane.scale)
        self.scale.show_choice(text, f"x{text}" if pane.scale[0] == pane.scale[1] else text)
        if self.property("focused") != focused:
            self.setProperty("focused", focused)
            self.style().unpolish(self)  # a property is looked at only when polished
            self.style().polish(self)

    def show_chip(self, chip: str, seconds: float | None = None) -> None:
        if chip != self.chip.text():
            self.chip.setText(chip)
            self.chip.setStyleSheet(theme.chip_style(chip))
        self.milliseconds.setText("" if seconds is None else f"{seconds * 1e3:.1f} ms")
