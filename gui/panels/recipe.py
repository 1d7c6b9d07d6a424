"""The controls that say how to learn."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QFormLayout, QSpinBox, QWidget

from ..choice import Choice
from ..learning import INITS, WAYS, Recipe
from . import controls

FIRST = Recipe()
RATES = {f"{rate:g}": f"{rate:g}" for rate in (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003)}


class Number(QSpinBox):
    """Turns with the wheel only after it has been clicked: the wheel scrolls the panel."""

    def __init__(self, low: int, high: int, value: int, tip: str) -> None:
        super().__init__()
        self.setRange(low, high)
        self.setValue(value)
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class RecipeForm(QWidget):
    """Reads as a `Recipe`."""

    def __init__(self) -> None:
        super().__init__()
        self._chosen = {"way": FIRST.way, "init": FIRST.init, "rate": f"{FIRST.rate:g}"}
        self.scale = Number(2, 16, FIRST.scale, "Stride: outputs for each pixel, along each axis")
        self.kernel_size = Number(1, 40, FIRST.kernel_size, "Taps of the kernel along each axis")
        self.way = self._choice("way", "How the kernel is found", WAYS)
        self.init = self._choice("init", "What the kernel is at the first step", INITS)
        self.steps = Number(1, 100_000, FIRST.steps, "Batches of 8 patches")
        self.steps.setSingleStep(500)
        self.rate = self._choice("rate", "Step size of Adam", RATES)
        self.seed = Number(0, 999, FIRST.seed, "Of the random weights and of the patches")
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        sizes = controls.row(self.scale, controls.word("kernel"), self.kernel_size)
        form.addRow("Stride", sizes)
        form.addRow("Way", self.way)
        form.addRow("Start", controls.row(self.init, controls.word("seed"), self.seed))
        form.addRow("Steps", controls.row(self.steps, controls.word("rate"), self.rate))
        self._choose("way", FIRST.way)

    def recipe(self) -> Recipe:
        return Recipe(
            self.scale.value(), self.kernel_size.value(), self._chosen["way"],
            self._chosen["init"], self.steps.value(), float(self._chosen["rate"]),
            self.seed.value(),
        )  # fmt: skip

    def _choice(self, name: str, tip: str, texts: dict[str, str]) -> Choice:
        choice = Choice(name, tip, {"": texts})
        controls.show_choice(choice, {"": texts}, self._chosen[name])
        choice.chosen.connect(lambda key: self._choose(name, key))
        return choice

    def _choose(self, name: str, key: str) -> None:
        """Take a choice; what has no meaning then is greyed."""
        texts = {"way": WAYS, "init": INITS, "rate": RATES}[name]
        self._chosen[name] = controls.show_choice(getattr(self, name), {"": texts}, key)
        stepwise, anew = self._chosen["way"] == "adam", bool(self._chosen["init"])
        for widget in (self.init, self.steps, self.rate, self.seed):
            widget.setEnabled(stepwise)
        self.kernel_size.setEnabled(anew or not stepwise)
