"""The picture area of a pane: paints pixels it is given, tells what the mouse does."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from . import overlay, qimage, theme
from .marks import Cell, Marks
from .render import OUTSIDE

NOTCH = 120  # Qt's unit of the wheel; touchpads send fractions of it, which are added up
NO_MARKS = Marks()


class Canvas(QWidget):
    """Knows nothing of views: pixels and marks in, device coordinates out."""

    wheeled = Signal(int, float, float)  # notches, and where
    pressed = Signal(float, float, bool)  # where, and whether Alt is held
    dragged = Signal(float, float)  # to where
    released = Signal()
    pointed = Signal(object)  # (x, y), or None when the mouse leaves
    resized = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(128, 90)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.pixels: np.ndarray | None = None
        self.error = ""
        self._marks = NO_MARKS
        self._cells: tuple[Cell, ...] = ()
        self._inset: tuple[np.ndarray, int, int] | None = None
        self._written: tuple[tuple[Cell, ...], tuple[int, int], QImage | None] = ((), (0, 0), None)
        self._turned = 0

    def show_pixels(self, pixels: np.ndarray | None, error: str = "") -> None:
        """(h, w) uint32 to paint from now on, or a sentence in their place."""
        if pixels is not self.pixels or error != self.error:
            self.pixels, self.error = pixels, error
            self.update()

    def show_marks(
        self,
        marks: Marks,
        cells: tuple[Cell, ...],
        inset: tuple[np.ndarray, int, int] | None = None,
    ) -> None:
        """What is drawn over the pixels, and a smaller picture with its upper left corner."""
        if marks != self._marks or cells is not self._cells or inset is not self._inset:
            self._marks, self._cells, self._inset = marks, cells, inset
            self.update()

    def show_grip(self, lines: tuple[bool, bool], selecting: bool) -> None:
        """What a drag from here would do: move a line of a split, or draw a region."""
        across, upright = lines
        if selecting:
            self.setCursor(Qt.CursorShape.CrossCursor)
        elif across and upright:
            self.setCursor(Qt.CursorShape.SizeAllCursor)
        elif across or upright:
            self.setCursor(Qt.CursorShape.SplitVCursor if across else Qt.CursorShape.SplitHCursor)
        else:
            self.unsetCursor()

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
                return
            if self.pixels is not None:
                qimage.draw(painter, self.pixels)
            width, height = self.device_size()
            overlay.paint(painter, self._marks, self._numbers(), height, width)
            if self._inset is not None:
                overlay.paint_inset(painter, *self._inset)

    def _numbers(self) -> QImage | None:
        """The numbers as a picture, made once."""
        cells, size, _ = self._written
        if cells is not self._cells or size != self.device_size():
            width, height = size = self.device_size()
            image = overlay.written(self._cells, self.font(), height, width)
            self._written = self._cells, size, image
        return self._written[2]

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.resized.emit()

    def event(self, event: QEvent) -> bool:
        # On another screen the same size in points may be another one in device pixels.
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.resized.emit()
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        # With Alt Qt turns the wheel sideways.
        turn = event.angleDelta()
        self._turned += turn.y() or turn.x()
        notches = int(self._turned / NOTCH)  # towards zero, for both directions
        self._turned -= notches * NOTCH
        if notches:
            self.wheeled.emit(notches, *qimage.device_point(self, event.position()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            alone = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
            self.pressed.emit(*qimage.device_point(self, event.position()), alone)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        here = qimage.device_point(self, event.position())
        if event.buttons() & (Qt.MouseButton.LeftButton | Qt.MouseButton.MiddleButton):
            self.dragged.emit(*here)
        self.pointed.emit(here)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.released.emit()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.pointed.emit(qimage.device_point(self, event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self.pointed.emit(None)
