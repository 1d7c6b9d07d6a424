"""The pixels that an output is made of, each in its colour and with its weight."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from ..inspection import Inspection, middle
from ..kernel_picture import NEGATIVE, POSITIVE

ROOM = 34  # points a cell needs for its weight to be written in it


class Grid(QWidget):
    """Cells of the pixels' colours; in each a bar from the middle, as long as the weight is large,
    orange above 0 and purple below, and the weight itself where there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(180)
        self.setAccessibleName("Pixels that count, and their weights")
        self.weights = np.zeros((0, 0))
        self.pixels = np.zeros((0, 0), np.uint32)
        self._first = (0, 0)

    def show_inspection(self, found: Inspection | None) -> None:
        if found is None:
            self.weights = np.zeros((0, 0))
            self.pixels = np.zeros((0, 0), np.uint32)
        else:
            rows, cols = middle(found)
            self.weights = found.weights[rows, cols]
            self.pixels = found.colours[rows, cols]
            self._first = found.rows[0] + rows.start, found.columns[0] + cols.start
        self.update()

    def cell(self, row: int, column: int) -> QRectF:
        """Where a cell is drawn: squares, as large as there is room for."""
        h, w = self.weights.shape
        side = min(self.width() / w, self.height() / h, 64.0)
        left = (self.width() - side * w) / 2
        return QRectF(left + column * side, row * side, side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.weights.size:
            return
        largest = float(np.abs(self.weights).max()) or 1.0
        with QPainter(self) as painter:
            font = painter.font()
            font.setPointSizeF(font.pointSizeF() * 0.8)
            painter.setFont(font)
            for row, column in np.ndindex(*self.weights.shape):
                self._draw(painter, row, column, largest)

    def _draw(self, painter: QPainter, row: int, column: int, largest: float) -> None:
        box, weight = self.cell(row, column), float(self.weights[row, column])
        painter.fillRect(box.adjusted(0, 0, -1, -1), QColor.fromRgb(int(self.pixels[row, column])))
        bar = QRectF(box.x(), box.bottom() - 6, (box.width() - 1) * abs(weight) / largest, 5)
        painter.fillRect(bar, QColor(*(POSITIVE if weight > 0 else NEGATIVE)))
        if box.width() >= ROOM:
            text = f"{weight:.3f}".replace("0.", ".", 1) if weight else "0"
            # Light on dark: read on every colour.
            ground = box.adjusted(0, 0, -1, 0)
            ground.setHeight(painter.fontMetrics().height())
            painter.fillRect(ground, QColor(0, 0, 0, 170))
            painter.setPen(QColor("#ffffff"))
            painter.drawText(ground, Qt.AlignmentFlag.AlignCenter, text)

    def tip(self, at: QPoint) -> str:
        """The pixel and the weight at a point of the widget."""
        for row, column in np.ndindex(*self.weights.shape):
            if self.cell(row, column).contains(at):
                y, x = self._first[0] + row, self._first[1] + column
                return f"column {x}, row {y}: weight {self.weights[row, column]:.6g}"
        return ""

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            assert isinstance(event, QHelpEvent)
            QToolTip.showText(event.globalPos(), self.tip(event.pos()), self)
            return True
        return super().event(event)
