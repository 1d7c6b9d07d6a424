"""The picture area of a pane: paints pixels it is given, tells what the mouse does."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from . import qimage, theme
from .render import OUTSIDE

NOTCH = 120  # Qt's unit of the wheel; touchpads send fractions of it, which are added up


class Canvas(QWidget):
    """Knows nothing of views: pixels in, device coordinates out."""

    wheeled = Signal(int, float, float)  # notches, and where
    dragged = Signal(float, float)  # by how much
    pointed = Signal(object)  # (x, y), or None when the mouse leaves
    pressed = Signal()
    resized = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 90)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.pixels: np.ndarray | None = None
        self.error = ""
        self._turned = 0
        self._grip: QPointF | None = None

    def show_pixels(self, pixels: np.ndarray | None, error: str = "") -> None:
        """(h, w) uint32 to paint from now on, or a sentence in their place."""
        if pixels is not self.pixels or error != self.error:
            self.pixels, self.error = pixels, error
            self.update()

    def device_size(self) -> tuple[int, int]:
        return qimage.device_size(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        # As a context manager: an exception in here would leave an active painter behind, and
        # every later frame would complain.
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(OUTSIDE))
            if self.error:
                painter.setPen(theme.WARNING)
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self.error)
            elif self.pixels is not None:
                qimage.draw(painter, self.pixels)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.resized.emit()

    def event(self, event: QEvent) -> bool:
        # On another screen the same size in points may be another one in device pixels.
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.resized.emit()
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._turned += event.angleDelta().y()
        notches = int(self._turned / NOTCH)  # towards zero, for both directions
        self._turned -= notches * NOTCH
        if notches:
            self.wheeled.emit(notches, *qimage.device_point(self, event.position()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._grip = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        here = event.position()
        if self._grip is not None:
            self.dragged.emit(*qimage.device_point(self, here - self._grip))
            self._grip = here
        self.pointed.emit(qimage.device_point(self, here))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None
        self.unsetCursor()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.pointed.emit(qimage.device_point(self, event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self.pointed.emit(None)
