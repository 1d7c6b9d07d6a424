"""The whole picture, small, and where in it the panes look."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen

from .. import qimage, thumbnail
from ..render import Request, render
from ..state import ViewerState, continuous
from ..store import Store
from . import controls
from .base import Shot
from .picture import Picture
from .working import WorkingPanel

FRAME, REGION = QColor("#ffffff"), QColor("#e69f00")


class NavigatorPanel(WorkingPanel):
    """A thumbnail with the frame of the view; dragging in it moves the view."""

    name, title = "navigator", "Navigator"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._thumbnails = self.lane(render)
        self.picture = Overview()
        self.picture.sought.connect(self._seek)
        self.caption = controls.note()
        self.column.addWidget(self.picture, 1)
        self.column.addWidget(self.caption)

    def ask(self, shot: Shot) -> None:
        self._thumbnails.ask(self._request(shot))

    def _request(self, shot: Shot) -> Request:
        request = thumbnail.request(shot.state.source, *qimage.device_size(self.picture))
        return replace(request, look=shot.state.tone)

    def show_known(self, shot: Shot) -> None:
        outcome = self._thumbnails.get(self._request(shot))
        if outcome is not None and outcome.error is None:
            self.picture.show_pixels(outcome.value.pixels)
        self.picture.show_frame(shot)
        height, width = shot.state.source.size
        text = f"{shot.state.source.name}: {width} x {height} pixels"
        if outcome is not None and outcome.error is not None:
            text = str(outcome.error)
        self.caption.setText(text)

    def _seek(self, y: float, x: float) -> None:
        """Look at a place, in parts of the picture."""
        self.store.update(look_at, y, x)


@continuous
def look_at(now: ViewerState, y: float, x: float) -> ViewerState:
    """The view with its centre at a place, given in parts of the picture."""
    if now.view is None:
        return now
    height, width = now.source.size
    cy, cx = (min(max(part, 0.0), 1.0) * n for part, n in ((y, height), (x, width)))
    return replace(now, view=replace(now.view, cy=cy, cx=cx))


class Overview(Picture):
    """The thumbnail; `sought` tells where it is pressed, in parts of the picture."""

    sought = Signal(float, float)

    def __init__(self) -> None:
        super().__init__("Whole picture", 200)
        self._frames: tuple[tuple[QRectF, QColor], ...] = ()
        self.setCursor(Qt.CursorShape.CrossCursor)

    def show_frame(self, shot: Shot) -> None:
        """The view and the region of `shot`, in parts of the picture."""
        now, frames = shot.state, []
        (width, height), (high, wide) = shot.viewport, now.source.size
        if now.region is not None:
            r = now.region
            box = QRectF(r.left / wide, r.top / high, (r.right - r.left) / wide, 0)
            box.setHeight((r.bottom - r.top) / high)
            frames.append((box, REGION))
        if now.view is not None:
            y, x = now.view.source(0, 0, width, height)
            z = now.view.z
            frames.append((QRectF(x / wide, y / high, width / z / wide, height / z / high), FRAME))
        if tuple(frames) != self._frames:
            self._frames = tuple(frames)
            self.update()

    @property
    def frames(self) -> tuple[QRectF, ...]:
        return tuple(frame for frame, _ in self._frames)

    def paint_over(self, painter: QPainter) -> None:
        if self.pixels is None:
            return
        height, width = self.pixels.shape
        painter.setClipRect(QRectF(0, 0, width, height))
        for frame, colour in self._frames:
            box = QRectF(
                frame.x() * width, frame.y() * height,
                frame.width() * width, frame.height() * height,
            )  # fmt: skip
            # Dark beside light: seen on every picture.
            for line, shade in ((3, QColor(0, 0, 0, 160)), (1, colour)):
                pen = QPen(shade, line)
                pen.setCosmetic(True)
                painter.setPen(pen)
                painter.drawRect(box)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._seek(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event.position())

    def _seek(self, at: QPointF) -> None:
        if self.pixels is not None:
            (y, x), (height, width) = self.place(at), self.pixels.shape
            self.sought.emit(y / height, x / width)
