"""One pane: a title that says what is computed and how true the pixels are, and the canvas."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from upsampler.methods import MENU

from . import theme
from .canvas import Canvas
from .choice import Choice
from .source import Source
from .state import TRUTH, Pane
from .texts import AUTO, SCALES, method_texts, scale_text, variants

ROOMY = 420  # points from which a title has room for what is least asked for
METHODS = {
    heading: {method.name: method.label for method in methods} for heading, methods in MENU.items()
}


class PaneWidget(QFrame):
    """A title bar over a canvas; shows what it is told and holds no state of the view."""

    kernel_wanted = Signal()  # from a file, which somebody has to choose

    def __init__(self, index: int) -> None:
        super().__init__()
        self.setObjectName("pane")
        self.index = index
        self._parameters = ""
        self.canvas = Canvas()
        self.method = Choice("method", "What this pane computes", METHODS)
        self.method.menu().addSeparator()
        self.method.menu().addAction("Open kernel...").triggered.connect(
            lambda _checked: self.kernel_wanted.emit()
        )
        self.parameters = Choice("parameters", "Size and weights of the kernel", {})
        scales = {"": {str(s): f"x{s}" for s in SCALES}}
        self.scale = Choice("scale", "How much this pane magnifies", scales)
        self.shifted = QLabel()
        self.shifted.setObjectName("role")
        self.shifted.setToolTip("This pane is moved against the others; Backspace puts it back")
        self.score = QLabel()
        self.score.setObjectName("score")
        self.score.setToolTip("PSNR and SSIM of the whole result against the reference picture")
        self.score.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.score.hide()
        self.milliseconds = QLabel()
        self.milliseconds.setObjectName("milliseconds")
        self.milliseconds.setToolTip("Time to compute what is seen")
        self.chip = QLabel()
        self.chip.setObjectName("chip")
        self.chip.setToolTip(
            "exact: every pixel is one that the method produced, repeated to the size named\n"
            "averaged: the mean of the pixels that share a place on the screen; of more than\n"
            "8 million pixels, by the weights of the method, before rounding and cutting off"
        )
        number = QLabel("" if index == TRUTH else str(index + 1))
        number.setObjectName("milliseconds")
        number.setToolTip(f"Key {index + 1} makes this the pane whose pixels the zoom counts")
        self.name = QLabel()
        self.name.setObjectName("method")
        self.role = QLabel("reference")
        self.role.setObjectName("role")
        self.role.setToolTip("What the other panes are compared with")

        title = QWidget()
        title.setObjectName("title")
        title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        title.setMinimumHeight(self.method.sizeHint().height() + 8)  # without buttons as well
        row = QHBoxLayout(title)
        row.setContentsMargins(8, 3, 8, 3)
        row.setSpacing(4)
        for widget in (number, self.name, self.method, self.parameters, self.scale, self.role):
            row.addWidget(widget)
        for widget in (self.method, self.parameters, self.scale):
            widget.setVisible(index != TRUTH)
        self.name.setVisible(index == TRUTH)
        row.addWidget(self.shifted)
        row.addStretch(1)
        row.addWidget(self.milliseconds)
        row.addWidget(self.chip, 0, Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addWidget(title)
        column.addWidget(self.score)
        column.addWidget(self.canvas)

    def show_truth(self, truth: Source | None, is_reference: bool) -> None:
        """The pane of the ground truth, which computes nothing."""
        self.name.setText("" if truth is None else truth.name)
        self.canvas.setAccessibleName("Picture of the reference")
        self.role.setVisible(is_reference)

    def show_pane(self, pane: Pane, focused: bool, is_reference: bool) -> None:
        name, parameters = method_texts(pane.method)
        self.method.show_choice(pane.method, name)
        self.method.setToolTip(f"What this pane computes: {pane.method}")
        self.parameters.offer(variants(pane.method))
        self.parameters.show_choice(pane.method, parameters)
        self._parameters = parameters
        self._fill()
        text = scale_text(pane.scale)
        self.scale.show_choice(text, f"x{text}" if pane.scale[0] == pane.scale[1] else text)
        self.role.setVisible(is_reference)
        self.canvas.setAccessibleName(f"Picture of pane {self.index + 1}, {pane.method}")
        self.shifted.setText(_shift(pane.nudge))
        if self.property("focused") != focused:
            self.setProperty("focused", focused)
            self.style().unpolish(self)  # a property is looked at only when polished
            self.style().polish(self)

    def show_score(self, text: str, scored: bool) -> None:
        """What the pane reaches; `scored` if panes are, so that all have room for it alike."""
        self.score.setText(text)
        self.score.setVisible(scored)

    def _fill(self) -> None:
        """The name comes first: what can be done without is shown where there is room for it."""
        roomy = self.width() >= ROOMY
        self.milliseconds.setVisible(roomy)
        self.role.setText("reference" if roomy else "ref")
        self.parameters.setVisible(self._parameters not in (("",) if roomy else ("", AUTO)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fill()
        super().resizeEvent(event)

    def show_chip(self, chip: str, seconds: float | None = None) -> None:
        if chip != self.chip.text():
            self.chip.setText(chip)
            self.chip.setStyleSheet(theme.chip_style(chip))
        self.milliseconds.setText("" if seconds is None else f"{seconds * 1e3:.1f} ms")


def _shift(nudge: tuple[float, float]) -> str:
    """By how many source pixels a pane is moved, "" if it is not."""
    down, across = nudge
    return f"shifted {across:+.3g}, {down:+.3g}" if nudge != (0.0, 0.0) else ""
