"""Paints the marks of a pane, in device pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen

from . import difference, qimage
from .marks import Badge, Cell, Marks
from .settings import Diff

LIGHT, DARK = QColor(255, 255, 255, 230), QColor(0, 0, 0, 170)
GRID = QColor(128, 128, 128, 160)  # is seen on black and on white
REGION = QColor("#ffb454")
GROUND = QColor(16, 18, 20, 200)
MARGIN = 6


def paint(painter: QPainter, marks: Marks, numbers: QImage | None, height: int, width: int) -> None:
    """`painter` is that of a widget of `height` x `width` device pixels; `numbers` of `written`."""
    painter.save()
    ratio = painter.device().devicePixelRatioF()
    painter.scale(1 / ratio, 1 / ratio)
    _grid(painter, marks.grid)
    if numbers is not None:
        painter.drawImage(0, 0, numbers)
    _region(painter, marks.region)
    _lines(painter, marks.lines, height, width)
    font = painter.font()
    font.setPixelSize(round(12 * ratio))
    painter.setFont(font)
    for badge in marks.badges:
        _badge(painter, badge)
    if marks.bar is not None:
        _bar(painter, marks.bar, height, ratio)
    _cross(painter, marks.cross, ratio)
    painter.restore()


def _pen(colour: QColor, width: float) -> QPen:
    pen = QPen(colour)
    pen.setWidthF(width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen


def _grid(painter: QPainter, grid: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    rows, cols = grid
    if not rows or not cols:
        return
    painter.setPen(_pen(GRID, 1))
    painter.drawLines([QLineF(cols[0], y + 0.5, cols[-1] + 1, y + 0.5) for y in rows])
    painter.drawLines([QLineF(x + 0.5, rows[0], x + 0.5, rows[-1] + 1) for x in cols])


def written(cells: Sequence[Cell], font: QFont, height: int, width: int) -> QImage | None:
    """Numbers on nothing, to be laid over the pixels; None if there are none.

    Made once: writing some thousand of them for every move of the mouse would be seen.
    """
    if not cells:
        return None
    image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    with QPainter(image) as painter:
        painter.setFont(font)
        _numbers(painter, cells)
    return image


def _numbers(painter: QPainter, cells: Sequence[Cell]) -> None:
    """White on black outlines would double the cost; the ground says which of the two is read."""
    height, lines = cells[0].height, max(len(cell.values) for cell in cells)
    font = QFont(painter.font())
    font.setPixelSize(max(round(min(height / (lines + 1), height / 2.6, 15.0)), 6))
    painter.setFont(font)
    for bright, colour in ((True, Qt.GlobalColor.black), (False, Qt.GlobalColor.white)):
        painter.setPen(colour)
        for cell in cells:
            if cell.bright is bright:
                box = QRectF(cell.x - 200, cell.y - 200, 400, 400)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "\n".join(cell.values))


def _region(painter: QPainter, region: tuple[float, float, float, float] | None) -> None:
    if region is None:
        return
    top, left, bottom, right = region
    box = QRectF(left - 0.5, top - 0.5, right - left + 1, bottom - top + 1)
    painter.setPen(_pen(DARK, 3))
    painter.drawRect(box)
    painter.setPen(_pen(REGION, 1))
    painter.drawRect(box)


def _lines(
    painter: QPainter, lines: tuple[int | None, int | None], height: int, width: int
) -> None:
    y, x = lines
    strokes = [] if y is None else [QLineF(0, y, width, y)]
    strokes += [] if x is None else [QLineF(x, 0, x, height)]
    for pen in (_pen(DARK, 4), _pen(LIGHT, 2)):
        painter.setPen(pen)
        painter.drawLines(strokes)


def _badge(painter: QPainter, badge: Badge) -> None:
    metrics = QFontMetricsF(painter.font())
    width = metrics.horizontalAdvance(badge.text) + 2 * MARGIN
    height = metrics.height() + MARGIN
    x = badge.x + MARGIN if badge.right else badge.x - MARGIN - width
    y = badge.y + MARGIN if badge.below else badge.y - MARGIN - height
    box = QRectF(x, y, width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(GROUND)
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(LIGHT)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, badge.text)


def _bar(painter: QPainter, diff: Diff, height: int, ratio: float) -> None:
    """The colours of a difference and what their ends stand for."""
    low, high = difference.ends(diff)
    metrics = QFontMetricsF(painter.font())
    length, thick = 160 * ratio, 10 * ratio
    texts = [low, difference.told(diff.kind), high]
    widths = [metrics.horizontalAdvance(text) for text in texts]
    length = max(length, sum(widths) + 4 * MARGIN)
    tall = metrics.height() + thick + 1.5 * MARGIN
    box = QRectF(MARGIN, height - MARGIN - tall, length + 2 * MARGIN, tall)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(GROUND)
    painter.drawRoundedRect(box, 4, 4)
    left, top = box.left() + MARGIN, box.top() + MARGIN / 2
    colours = difference.palette(diff.kind)
    for i in range(int(length)):
        painter.fillRect(
            QRectF(left + i, box.bottom() - MARGIN - thick, 1, thick),
            QColor(*(int(v) for v in colours[int(i * 256 / length)])),
        )
    painter.setPen(LIGHT)
    line = QRectF(left, top, length, metrics.height())
    flags = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight)
    for text, flag in zip(texts, flags, strict=True):
        painter.drawText(line, flag, text)


def _cross(painter: QPainter, cross: tuple[int, int] | None, ratio: float) -> None:
    """Open in the middle, so that the pixel itself is seen."""
    if cross is None:
        return
    y, x = cross[0] + 0.5, cross[1] + 0.5
    near, far = 4 * ratio, 12 * ratio
    strokes = [
        QLineF(QPointF(x + sx * near, y + sy * near), QPointF(x + sx * far, y + sy * far))
        for sx, sy in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    for pen in (_pen(DARK, 3 * ratio), _pen(LIGHT, ratio)):
        painter.setPen(pen)
        painter.drawLines(strokes)


def paint_inset(painter: QPainter, pixels: np.ndarray, x: int, y: int) -> None:
    """A framed picture with its upper left corner at (x, y), and a cross in its middle."""
    height, width = pixels.shape
    qimage.draw(painter, pixels, x, y)
    painter.save()
    ratio = painter.device().devicePixelRatioF()
    painter.scale(1 / ratio, 1 / ratio)
    for pen, grow in ((_pen(DARK, 1), 1.5), (_pen(LIGHT, 1), 0.5)):
        painter.setPen(pen)
        box = QRectF(x - grow, y - grow, width + 2 * grow, height + 2 * grow)
        painter.drawRect(box)
    _cross(painter, (y + height // 2, x + width // 2), ratio)
    painter.restore()
