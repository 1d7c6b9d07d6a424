"""What a user does to a window, as real events."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from upsampler_gui import state

from . import drive


def settle(qtbot, window) -> None:
    qtbot.waitUntil(lambda: drive.settled(window), timeout=20_000)


def grabs(window):
    """What the panes show while the mouse is elsewhere: its cross is drawn over the pixels."""
    window.store.adjust(state.point, None)
    QApplication.processEvents()
    return [drive.pixels_of(pane.canvas.grab().toImage()) for pane in window.compare.panes]


def chips(window):
    """In full: where there is little room less of them is shown."""
    return [pane.chip.accessibleName() for pane in window.compare.panes]


def turn(canvas, notches, x, y, unit=120):
    """A real wheel event at (x, y)."""
    where = QPointF(x, y)
    event = QWheelEvent(
        where, canvas.mapToGlobal(where), QPoint(), QPoint(0, notches * unit),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)


def drop(window, *urls):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(url) if "://" not in url else QUrl(url) for url in urls])
    rest = Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(50, 50), *rest)
    QApplication.sendEvent(window, enter)
    if enter.isAccepted():
        QApplication.sendEvent(window, QDropEvent(QPointF(50, 50), *rest))


def at_k(window, qtbot, k):
    window.store.update(state.n_to_one, k)
    settle(qtbot, window)
