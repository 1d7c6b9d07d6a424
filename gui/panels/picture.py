"""A small picture in a panel: every array element some whole number of device pixels."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QWidget

from .. import qimage


class Picture(QWidget):
    """Shows (h, w) uint32 0xFFRRGGBB as large as there is room for, its middle in the middle."""

    def __init__(self, name: str, side: int = 160) -> None:
        super().__init__()
        self.setMinimumSize(side, side)
        self.setAccessibleName(name)
        self.pixels: np.ndarray | None = None

    def show_pixels(self, pixels: np.ndarray | None) -> None:
        if pixels is not self.pixels:
            self.pixels = pixels
            self.update()

    @property
    def factor(self) -> int:
        """Device pixels for each element; 1 where the picture is larger than the widget."""
        if self.pixels is None or not self.pixels.size:
            return 1
        width, height = qimage.device_size(self)
        return max(min(height // self.pixels.shape[0], width // self.pixels.shape[1]), 1)

    @property
    def origin(self) -> tuple[int, int]:
        """Device pixels from the widget's corner to that of the picture, across and down."""
        if self.pixels is None:
            return 0, 0
        width, height = qimage.device_size(self)
        h, w = (n * self.factor for n in self.pixels.shape)
        return (width - w) // 2, (height - h) // 2

    def place(self, at: QPointF) -> tuple[float, float]:
        """(y, x) of a point of the widget, in elements of the picture."""
        x, y = qimage.device_point(self, at)
        left, top = self.origin
        return (y - top) / self.factor, (x - left) / self.factor

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            if self.pixels is None or not self.pixels.size:
                return
            k, (left, top) = self.factor, self.origin
            ratio = self.devicePixelRatioF()
            painter.save()
            # Its own edge: pictures may be as light or as dark as the window.
            h, w = (n * k / ratio for n in self.pixels.shape)
            painter.fillRect(
                QRectF(left / ratio - 1, top / ratio - 1, w + 2, h + 2),
                self.palette().color(QPalette.ColorRole.Mid),
            )
            painter.translate(left / ratio, top / ratio)
            qimage.draw(painter, np.repeat(np.repeat(self.pixels, k, 0), k, 1))
            painter.scale(k / ratio, k / ratio)
            self.paint_over(painter)
            painter.restore()

    def paint_over(self, painter: QPainter) -> None:
        """What is drawn on the picture, in its coordinates."""
