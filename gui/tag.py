"""A text that changes with every frame, in room that stays: nothing is laid out anew for it.

A QLabel asks for a layout with every text, and polishes its style with every colour: for the eight
of four panes that took as long as painting them.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from . import theme

MOST = 200  # widths that are remembered
AROUND, ROUND = 6, 8  # points beside the text, and of the corners


class Tag(QWidget):
    """Text on a rounded ground, or on none, right in its room.

    Parameters
    ----------
    tip : str
        Of the mouse.
    """

    def __init__(self, tip: str) -> None:
        super().__init__()
        self.setToolTip(tip)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._text, self._kind, self._room = "", "", 0
        self._widths: dict[str, int] = {}  # of texts: few, and often asked for

    def text(self) -> str:
        return self._text

    @property
    def colours(self) -> tuple[str, str]:
        """Of the text and of its ground, "" for none."""
        return theme.current().chips.get(self._kind, (theme.current().dim, ""))

    def show_text(self, text: str, room: int, kind: str = "") -> None:
        """A text, at least so wide; `kind` is a key of the chips of a theme."""
        room = max(room, self.natural(text))
        if room != self._room:
            self._room = room
            self.updateGeometry()
        if (text, kind) != (self._text, self._kind):
            self._text, self._kind = text, kind
            self.update()

    def natural(self, text: str) -> int:
        """Points that a text takes."""
        width = self._widths.get(text)
        if width is None:
            if len(self._widths) > MOST:
                self._widths.clear()
            width = self._widths[text] = self.fontMetrics().horizontalAdvance(text) + 2 * AROUND
        return width

    def sizeHint(self) -> QSize:
        return QSize(self._room, self.fontMetrics().height() + 2)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:  # with another theme
            self.update()
        elif event.type() == QEvent.Type.FontChange:
            self._widths.clear()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._text:
            return
        text, ground = self.colours
        with QPainter(self) as painter:
            if ground:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(ground))
                painter.drawRoundedRect(self.rect(), ROUND, ROUND)
            painter.setPen(QColor(text))
            side = Qt.AlignmentFlag.AlignHCenter if ground else Qt.AlignmentFlag.AlignRight
            painter.drawText(
                self.rect().adjusted(AROUND, 0, -AROUND, 0),
                side | Qt.AlignmentFlag.AlignVCenter,
                self._text,
            )
