"""Curves in the colours of the window, by pyqtgraph; that takes half a second to load, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

MISSING = "Curves are drawn by pyqtgraph ({}); get it with `pip install 'upsampler[gui]'`."


@dataclass(frozen=True, eq=False)
class Curve:
    """What is drawn.

    Attributes
    ----------
    x, y : (k,) ndarray
        NaN leaves a gap.  With `steps`, `x` are the k + 1 edges of what `y` is about.
    colour : str
    steps, dashed : bool
    """

    x: np.ndarray
    y: np.ndarray
    colour: str
    steps: bool = False
    dashed: bool = False


class Plot(QWidget):
    """A pyqtgraph plot that is made when there is something to draw.

    Parameters
    ----------
    bottom, left : str
        What the axes are about.
    """

    def __init__(self, bottom: str, left: str) -> None:
        super().__init__()
        self.curves: tuple[Curve, ...] = ()
        self.marked: float | None = None
        self._labels = (bottom, left)
        self._plot: Any = None
        self._items: list[Any] = []
        self._line: Any = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.setMinimumHeight(200)
        # The plot would like to be 640 wide, and take that from the panes.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(f"{left} by {bottom}")

    def draw(
        self, curves: Sequence[Curve], mark: float | None = None, logarithmic: bool = False
    ) -> None:
        """These curves instead of all others, and a line up and down at `mark`."""
        self.curves, self.marked = tuple(curves), mark
        if self._plot is None and not self._make():
            return
        self._plot.setLogMode(False, logarithmic)
        while len(self._items) > len(curves):
            self._plot.removeItem(self._items.pop())
        while len(self._items) < len(curves):
            self._items.append(self._plot.plot())
        for item, curve in zip(self._items, curves, strict=True):
            self._set(item, curve)
        self._line.setVisible(mark is not None)
        if mark is not None:
            self._line.setValue(mark)

    def _make(self) -> bool:
        layout = self.layout()
        assert layout is not None
        try:
            import pyqtgraph
        except ImportError as error:
            if not layout.count():
                layout.addWidget(QLabel(MISSING.format(error), wordWrap=True))
            return False
        self._plot = pyqtgraph.PlotWidget()
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)  # the wheel scrolls the panel
        self._line = pyqtgraph.InfiniteLine(angle=90)
        self._plot.addItem(self._line, ignoreBounds=True)
        for side, label in zip(("bottom", "left"), self._labels, strict=True):
            axis = self._plot.getAxis(side)
            axis.setLabel(label)
            # It would scale the powers of a logarithmic axis.  Whenever it is switched off it does
            # so by what is drawn, once more: so that is done before anything is.
            axis.enableAutoSIPrefix(False)
        layout.addWidget(self._plot)
        self._colour()
        return True

    def _set(self, item: Any, curve: Curve) -> None:
        # An item whose kind of steps changes would draw its old data with the new kind.
        if item.opts["stepMode"] != (kind := "center" if curve.steps else None):
            item.opts["stepMode"] = kind
        item.setData(curve.x, curve.y, connect="finite")
        item.setPen(self._pen(curve.colour, curve.dashed))

    def _pen(self, colour: str, dashed: bool) -> Any:
        import pyqtgraph

        style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
        # Lines wider than a pixel take 20 times as long to draw.
        return pyqtgraph.mkPen(colour, width=1, style=style)

    def _colour(self) -> None:
        """In the colours of the palette."""
        text = self.palette().color(QPalette.ColorRole.Text).name()
        self._plot.setBackground(self.palette().color(QPalette.ColorRole.Base))
        self._line.setPen(self._pen(text, True))
        for side in ("bottom", "left"):
            axis = self._plot.getAxis(side)
            axis.setPen(text)
            axis.setTextPen(text)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self._plot is not None:
            self._colour()
        super().changeEvent(event)
