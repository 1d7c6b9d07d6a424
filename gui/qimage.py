"""Arrays to the screen, one array element to one device pixel.

The only file that knows the device pixel ratio.  Everything else counts in device pixels.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QWidget


def device_size(widget: QWidget) -> tuple[int, int]:
    """Width and height of a widget in device pixels; a pixel it covers in part counts."""
    ratio = widget.devicePixelRatioF()
    return ceil(widget.width() * ratio), ceil(widget.height() * ratio)


def device_point(widget: QWidget, point: QPointF) -> tuple[float, float]:
    """A position in the widget, in device pixels."""
    ratio = widget.devicePixelRatioF()
    return point.x() * ratio, point.y() * ratio


def draw(painter: QPainter, pixels: np.ndarray, x: int = 0, y: int = 0) -> None:
    """Paint (h, w) uint32 pixels, unscaled, their upper left corner on device pixel (x, y).

    The painter's scale is undone rather than the image's ratio set: what is left is a plain
    copy, which Qt rounds to whole device pixels also where the widget begins between two.
    """
    height, width = pixels.shape
    if not pixels.size:
        return
    pixels = np.ascontiguousarray(pixels, np.uint32)
    image = QImage(pixels.data.cast("B"), width, height, 4 * width, QImage.Format.Format_RGB32)
    painter.save()
    ratio = painter.device().devicePixelRatioF()
    painter.scale(1 / ratio, 1 / ratio)
    painter.drawImage(x, y, image)
    painter.restore()
