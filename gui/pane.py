"""One pane: a title over the canvas."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout

from upsampler.methods import MENU

from .canvas import Canvas
from .choice import Choice
from .devices import GPU, no_gpu
from .source import Source
from .state import TRUTH, Pane
from .texts import SCALES, method_texts, scale_text, variants
from .title import BESIDE, Title

METHODS = {
    heading: {method.name: method.label for method in methods} for heading, methods in MENU.items()
}


class PaneWidget(QFrame):
    """Shows what it is told and holds no state of the view."""

    kernel_wanted = Signal()  # from a file, which somebody has to choose

    def __init__(self, index: int) -> None:
        super().__init__()
        self.setObjectName("pane")
        self.index = index
        self.canvas = Canvas()
        kernel = QAction("Open kernel...", self)
        kernel.triggered.connect(lambda _checked: self.kernel_wanted.emit())
        self.method = Choice("method", "What this pane computes", METHODS, [kernel])
        self.parameters = Choice("parameters", "Parameters of the method", {})
        scales = {"": {str(s): f"x{s}" for s in SCALES}}
        self.scale = Choice("scale", "How much this pane magnifies", scales)
        number = "" if index == TRUTH else str(index + 1)
        self.title = Title(number, self.method, self.parameters, self.scale)
        self.chip, self.shifted, self.role = self.title.chip, self.title.shifted, self.title.role
        self._score = ""
        self.score = QLabel()
        self.score.setObjectName("score")
        self.score.setToolTip("PSNR and SSIM of the whole result against the truth")
        self.score.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.score.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        for widget in (self.title, self.score, self.canvas):
            column.addWidget(widget)

    def show_truth(self, truth: Source | None, is_reference: bool) -> None:
        """The pane of the ground truth, which computes nothing."""
        self.canvas.setAccessibleName("Picture of the truth")
        self.title.show_truth("" if truth is None else f"truth  {truth.name}", is_reference)

    def show_pane(self, pane: Pane, focused: bool, is_reference: bool) -> None:
        name, parameters = method_texts(pane.method)
        self.method.show_choice(pane.method, name)
        self.method.setToolTip(f"What this pane computes: {pane.method}")
        offer_variants(self.parameters, pane.method)
        self.parameters.show_choice(pane.method, parameters)
        text = scale_text(pane.scale)
        self.scale.show_choice(text, f"x{text}" if pane.scale[0] == pane.scale[1] else text)
        self.canvas.setAccessibleName(f"Picture of pane {self.index + 1}, {pane.method}")
        self.title.show_pane(name, parameters, is_reference, _shift(pane.nudge))
        if self.property("focused") != focused:
            self.setProperty("focused", focused)
            self.style().unpolish(self)  # a property is looked at only when polished
            self.style().polish(self)

    def show_score(self, text: str, scored: bool) -> None:
        """What the pane reaches; `scored` if panes are, so that all have room for it alike."""
        self._score = text
        self.score.setVisible(scored)
        self._fit_score()

    def _fit_score(self) -> None:
        """All of it, or the first part where there is no room."""
        room = self.width() - 2 * BESIDE - 2
        fits = self.score.fontMetrics().horizontalAdvance(self._score) <= room
        self.score.setText(self._score if fits else self._score.partition("  ")[0])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_score()

    def show_chip(self, chip: str, seconds: float | None = None) -> None:
        self.title.show_chip(chip, "" if seconds is None else f"{seconds * 1e3:.1f} ms")


def offer_variants(choice: Choice, method: str, heading: str | None = None) -> None:
    """The parameters of a method, or those under one heading; the GPU gray where there is none."""
    groups = variants(method)
    if heading is not None:
        groups = {"": groups[heading]}
    reason = no_gpu()
    names = [name for group in groups.values() for name in group if name.startswith(GPU)]
    choice.offer(groups, dict.fromkeys(names, reason) if reason else {})


def _shift(nudge: tuple[float, float]) -> str:
    """By how many source pixels a pane is moved, "" if it is not."""
    down, across = nudge
    return f"shifted {across:+.3g}, {down:+.3g}" if nudge != (0.0, 0.0) else ""
