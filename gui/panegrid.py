"""The panes of the window side by side, and what is done to them."""

from __future__ import annotations

from functools import partial
from math import ceil, sqrt

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from . import panes
from . import state as change
from .canvas import Canvas
from .gestures import Gestures
from .pane import PaneWidget
from .scene import visible
from .state import TRUTH, ViewerState
from .store import Store
from .texts import parse_scale


class PaneGrid(QWidget):
    """As many panes as the state has, and one for the truth; those in sight have a place.

    Attributes
    ----------
    panes : list of PaneWidget
    truth : PaneWidget
    placed : tuple of int
        The panes that have a place, by number, in its order.
    """

    pointed = Signal(int, object)  # pane, and (x, y) in it or None
    resized = Signal()
    kernel_wanted = Signal()  # for the focused pane, from a file

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self.gestures = Gestures(store, self.viewport)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(6, 6, 6, 6)
        self._grid.setSpacing(6)
        self._size = (1, 1)
        self.placed: tuple[int, ...] = ()
        self.panes: list[PaneWidget] = []
        self.truth = self._connected(TRUTH)
        self.arrange()

    def pane(self, i: int) -> PaneWidget:
        """The widget of pane `i`, or that of the truth."""
        return self.truth if i == TRUTH else self.panes[i]

    def viewport(self) -> tuple[int, int]:
        """Width and height in device pixels that every pane looks through.

        The layout may give one pane a pixel more than another.  All look through the largest,
        or their middles, and with them the rounded offsets, would differ by half a pixel.
        """
        sizes = [self.pane(i).canvas.device_size() for i in self.placed]
        if sizes:  # a pane that goes tells the mouse to leave: then no other has its place yet
            self._size = max(width for width, _ in sizes), max(height for _, height in sizes)
        return self._size

    def arrange(self) -> None:
        """Those in sight in rows that are nearly square."""
        state = self._store.state
        # A pane that goes or hides would hand the keys to whatever comes next, a field perhaps.
        had_keys = isinstance(QApplication.focusWidget(), Canvas)
        while len(self.panes) < len(state.panes):
            self.panes.append(self._connected(len(self.panes)))
        while len(self.panes) > len(state.panes):
            self._drop(self.panes.pop())
        seen = visible(state)
        if seen == self.placed:
            return
        self.placed = seen
        for widget in (*self.panes, self.truth):
            self._grid.removeWidget(widget)
        columns = ceil(sqrt(len(seen)))
        for place, i in enumerate(seen):
            self._grid.addWidget(self.pane(i), *divmod(place, columns))
        for i, widget in ((TRUTH, self.truth), *enumerate(self.panes)):
            widget.setVisible(i in seen)
        self._grid.activate()
        if had_keys:
            self.take_keys()

    def take_keys(self) -> None:
        """The keys to the focused pane, or to the first in sight."""
        focus = self._store.state.focus
        self.pane(focus if focus in self.placed else self.placed[0]).canvas.setFocus()

    def show_panes(self, state: ViewerState) -> None:
        """What the panes are, in their titles."""
        for i, pane in enumerate(self.panes):
            pane.show_pane(state.panes[i], i == state.focus, i == state.reference)
        self.truth.show_truth(state.truth, state.reference == TRUTH)

    def _drop(self, widget: PaneWidget) -> None:
        self._grid.removeWidget(widget)
        self.placed = ()
        widget.hide()
        widget.deleteLater()

    def _connected(self, i: int) -> PaneWidget:
        pane = PaneWidget(i)
        pane.setParent(self)
        update, canvas = self._store.update, pane.canvas
        pane.method.chosen.connect(partial(update, panes.set_method, i))
        pane.parameters.chosen.connect(partial(update, panes.set_method, i))
        pane.kernel_wanted.connect(partial(update, change.focus, i))
        pane.kernel_wanted.connect(self.kernel_wanted)
        pane.scale.chosen.connect(lambda text: update(panes.set_scale, i, parse_scale(text)))
        canvas.pressed.connect(partial(self._pressed, i))
        canvas.wheeled.connect(
            lambda notches, x, y: update(change.zoom, notches, x, y, *self.viewport())
        )
        canvas.dragged.connect(self.gestures.move)
        canvas.released.connect(self.gestures.release)
        canvas.pointed.connect(partial(self.pointed.emit, i))
        canvas.resized.connect(self.resized)
        return pane

    def _pressed(self, i: int, x: float, y: float, alone: bool) -> None:
        if self.placed != (i,):  # where one pane fills the window its number is not the focus
            self._store.update(change.focus, i)
        self.gestures.press(i, x, y, alone)
