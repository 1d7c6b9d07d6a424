"""A kernel as a picture, with its weights written in where there is room."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter
from PySide6.QtWidgets import QToolTip

from ..kernel_picture import kernel_image
from .picture import Picture

ROOM, MOST = 36, 44  # points a cell needs for its weight to be written in it, and takes at most


class KernelPicture(Picture):
    """Orange above 0, purple below, white for 0."""

    def __init__(self) -> None:
        super().__init__("Kernel", 150)
        self.weight = np.zeros((0, 0))

    def show_weight(self, weight: np.ndarray) -> None:
        """(kH, kW) weights."""
        self.weight = weight
        self.show_pixels(kernel_image(weight))

    @property
    def factor(self) -> int:
        return min(super().factor, round(MOST * self.devicePixelRatioF()))

    def paint_over(self, painter: QPainter) -> None:
        if self.factor < ROOM * self.devicePixelRatioF():
            return
        largest = float(np.abs(self.weight).max()) or 1.0
        font = painter.font()
        font.setPointSizeF(8.0)
        painter.setFont(font)
        painter.save()
        scale = painter.transform().m11()
        painter.scale(1 / scale, 1 / scale)
        for row, column in np.ndindex(*self.weight.shape):
            weight = float(self.weight[row, column])
            # The ends of the scale are dark, its middle is white.
            painter.setPen(QColor("#ffffff" if abs(weight) > 0.6 * largest else "#202020"))
            cell = QRectF(column * scale, row * scale, scale, scale)
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, f"{weight:.3f}")
        painter.restore()

    def tip(self, at: QPointF) -> str:
        """The weight at a point of the widget."""
        row, column = (int(np.floor(v)) for v in self.place(at))
        height, width = self.weight.shape
        if not (0 <= row < height and 0 <= column < width):
            return ""
        return f"row {row}, column {column}: {self.weight[row, column]:.6g}"

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            assert isinstance(event, QHelpEvent)
            QToolTip.showText(event.globalPos(), self.tip(QPointF(event.pos())), self)
            return True
        return super().event(event)
