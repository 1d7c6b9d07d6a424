"""The title of a pane: what is computed, and how true the pixels are, in whatever room there is."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from . import theme
from .choice import Choice
from .texts import AUTO

SPACING, BESIDE = 4, 8  # points between the parts, and at both ends
CHIP = "averaged 1:33"  # as long as a chip usually gets
NARROW = 240  # points of a title below which its chip is short: in all panes alike
TIME = "0000.0 ms"


@dataclass(frozen=True)
class Level:
    """What of a title is shown."""

    time: bool = True
    role: str = "reference"
    parameters: bool = True
    defaults: bool = True  # parameters as they are by default
    scale: bool = True


# From the richest to the poorest: the name of the method is what is given up last.
LEVELS = (
    Level(),
    Level(time=False),
    Level(time=False, role="ref"),
    Level(time=False, role="ref", defaults=False),
    Level(time=False, role="ref", defaults=False, scale=False),
    Level(time=False, role="ref", defaults=False, scale=False, parameters=False),
    Level(time=False, role="", defaults=False, scale=False, parameters=False),
)


class Title(QWidget):
    """Number, method, parameters, scale, role, shift, time, chip.

    Parameters
    ----------
    number : str
        Of the pane; "" for that of the truth, which computes nothing.
    method, parameters, scale : Choice
    """

    def __init__(self, number: str, method: Choice, parameters: Choice, scale: Choice) -> None:
        super().__init__()
        self.setObjectName("title")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(method.sizeHint().height() + 8)  # without buttons as well
        self.method, self.parameters, self.scale = method, parameters, scale
        self._number, self._computes = number, bool(number)
        self._texts = ("", "")
        self._is_reference = False
        self._chip = ""
        self.number = _label(
            "milliseconds", f"Key {number} focuses this pane, Shift+{number} makes it the reference"
        )
        self.name = _label("method", "What the panes are to come close to")
        self.role = _label("role", "What the other panes are compared with")
        self.shifted = _label(
            "role", "This pane is moved against the others; Backspace puts it back"
        )
        self.milliseconds = _label("milliseconds", "Time to compute what is seen")
        self.chip = _label("chip", "")
        self.chip.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(BESIDE, 3, BESIDE, 3)
        row.setSpacing(SPACING)
        for widget in (self.number, self.name, method, parameters, scale, self.role, self.shifted):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.milliseconds)
        row.addWidget(self.chip, 0, Qt.AlignmentFlag.AlignVCenter)
        self.number.setVisible(self._computes)
        for button in (method, parameters, scale):
            button.setVisible(self._computes)
        self.name.setVisible(not self._computes)

    def show_truth(self, name: str, is_reference: bool) -> None:
        self._texts, self._is_reference = (name, ""), is_reference
        self.fit()

    def show_pane(self, name: str, parameters: str, is_reference: bool, shifted: str) -> None:
        """`parameters` is "" where there are none; their buttons show what is chosen already."""
        self._texts, self._is_reference = (name, parameters), is_reference
        self.shifted.setText(shifted)
        self.fit()

    def show_chip(self, chip: str, time: str) -> None:
        self.milliseconds.setText(time)
        if chip == self._chip:
            return
        self._chip = chip
        self._style()
        self.fit()

    def fit(self) -> None:
        """Show as much as there is room for; the rest is in the hints and at the left."""
        room = self.width() - 2 * BESIDE
        level = next((lv for lv in LEVELS if self._need(lv) <= room), LEVELS[-1])
        self._apply(level)
        name = self.method if self._computes else self.name
        left = room - (self._need(level) - name.sizeHint().width())
        if self._computes:
            self.method.shorten(left)
        else:
            mode = Qt.TextElideMode.ElideRight
            self.name.setText(self.name.fontMetrics().elidedText(self._texts[0], mode, left))

    def _apply(self, level: Level) -> None:
        name, parameters = self._texts
        shown = self._shows_parameters(level)
        self.milliseconds.setVisible(level.time)
        self.role.setText(level.role)
        self.role.setVisible(self._is_reference and bool(level.role))
        self.number.setText(self._number + "R" * (self._is_reference and not level.role))
        self.shifted.setVisible(bool(self.shifted.text()))
        self.chip.setText(_short(self._chip) if self.width() < NARROW else self._chip)
        if not self._computes:
            self.name.setText(name)
            return
        self.parameters.setVisible(shown)
        self.scale.setVisible(level.scale)
        # Without its button the parameters belong to the name.
        told = name if shown or parameters in ("", AUTO) else f"{name}  {parameters}"
        self.method.relabel(told)

    def _shows_parameters(self, level: Level) -> bool:
        parameters = self._texts[1]
        return level.parameters and bool(parameters) and (level.defaults or parameters != AUTO)

    def _need(self, level: Level) -> int:
        """Points that a level takes, with the texts as they usually are: nothing is to come and
        go with every frame."""
        self._apply(level)
        chip, width = self.chip, self.fontMetrics().horizontalAdvance
        usual = "" if self.width() < NARROW else CHIP
        more = max(width(usual) - width(chip.text()), 0)
        parts = [
            part.sizeHint().width()
            for part in (self.number, self.name, self.method, self.parameters, self.scale,
                         self.role, self.shifted)
            if not part.isHidden()
        ]  # fmt: skip
        parts.append(chip.sizeHint().width() + more)
        parts += [width(TIME)] if level.time else []
        return sum(parts) + SPACING * len(parts)

    def _style(self) -> None:
        if self._chip:
            self.chip.setStyleSheet(theme.chip_style(self._chip))
        self.chip.setAccessibleName(self._chip)
        self.chip.setToolTip(
            f"{self._chip}\n\nexact: every pixel is one that the method produced, repeated to the "
            "size named\naveraged: the mean of the pixels that share a place on the screen; of "
            "more than\n8 million pixels, by the weights of the method, before rounding and "
            "cutting off"
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def changeEvent(self, event: QEvent) -> None:
        # The chip has colours of its own, which a new theme does not reach.
        if event.type() == QEvent.Type.PaletteChange:
            self._style()
        super().changeEvent(event)


def _label(name: str, tip: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setToolTip(tip)
    return label


def _short(chip: str) -> str:
    """A chip in few letters."""
    kind, _, ratio = chip.partition(" ")
    return {"exact": ratio, "averaged": f"~{ratio}", "computing": "...", "failed": "!"}.get(
        kind, ""
    )
