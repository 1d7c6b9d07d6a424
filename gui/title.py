"""The title of a pane: what is computed, and how true the pixels are, in whatever room there is."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from .choice import MARK, Choice
from .tag import Tag
from .texts import AUTO

SPACING, BESIDE = 4, 8  # points between the parts, and at both ends
CHIP, LEAST = "averaged 1:6", "1:1"  # as long as a chip usually gets, and a short one is at least
NARROW = 240  # points of a title below which its chip is short: in all panes alike
TIME = "0000.0 ms"
HINT = (
    "exact: every pixel is one that the method produced, repeated to the size named\n"
    "averaged, or ~: the mean of the pixels that share a place on the screen; of more than\n"
    "8 million pixels, by the weights of the method, before rounding and cutting off"
)
ROUNDING = 2  # points: texts are as wide as the sum of their letters, about


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
        self._chip = "computing"
        self.number = _label(
            "milliseconds", f"Key {number} focuses this pane, Shift+{number} makes it the reference"
        )
        self.name = _label("method", "What the panes are to come close to")
        self.role = _label("role", "What the other panes are compared with")
        self.shifted = _label(
            "role", "This pane is moved against the others; Backspace puts it back"
        )
        self.milliseconds = Tag("Time to compute what is seen")
        self.chip = Tag(HINT)
        self.chip.setAccessibleName(self._chip)
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
        self.milliseconds.show_text(time, self.milliseconds.natural(TIME))
        if chip == self._chip:
            return
        before, self._chip = self._chip, chip
        self.chip.setAccessibleName(chip)
        # The room for a chip is that of the longest of the usual ones: nothing moves with it.
        if self._chip_width(before) == self._chip_width(chip):
            self._show_chip()
        else:
            self.fit()

    def _show_chip(self) -> None:
        chip = self._chip
        self.chip.show_text(self._chip_text(chip), self._chip_width(chip), chip.split()[0])

    def fit(self) -> None:
        """Show as much as there is room for; the rest is in the hints and at the left."""
        room = self.width() - 2 * BESIDE - ROUNDING
        level = next((lv for lv in LEVELS if self._need(lv) <= room), LEVELS[-1])
        self._apply(level, room)
        layout = self.layout()
        assert layout is not None
        layout.activate()  # or what is half laid out would be painted

    def _apply(self, level: Level, room: int) -> None:
        self._show_chip()
        self.milliseconds.setVisible(level.time)
        self.role.setText(level.role)
        self.role.setVisible(self._is_reference and bool(level.role))
        self.shifted.setVisible(bool(self.shifted.text()))
        name = self._name(level)
        named = self.method if self._computes else self.name
        left = room - self._need(level) + _advance(named, name)
        if not self._computes:
            metrics = self.name.fontMetrics()
            self.name.setText(metrics.elidedText(name, Qt.TextElideMode.ElideRight, left))
            return
        self.number.setText(self._numbered(level))
        self.parameters.setVisible(self._shows_parameters(level))
        self.scale.setVisible(level.scale)
        self.method.relabel(name, left)

    def _name(self, level: Level) -> str:
        """Without their button the parameters belong to the name."""
        name, parameters = self._texts
        if self._shows_parameters(level) or parameters in ("", AUTO):
            return name
        return f"{name}  {parameters}"

    def _numbered(self, level: Level) -> str:
        return self._number + "R" * (self._is_reference and not level.role)

    def _shows_parameters(self, level: Level) -> bool:
        parameters = self._texts[1]
        return level.parameters and bool(parameters) and (level.defaults or parameters != AUTO)

    def _need(self, level: Level) -> int:
        """Points that a level takes."""
        name = self._name(level)
        parts = [self._chip_width(self._chip)]
        if self._computes:
            parts += [_width(self.number, self._numbered(level)), _width(self.method, name + MARK)]
        else:
            parts.append(_width(self.name, name))
        if self._computes and self._shows_parameters(level):
            parts.append(_width(self.parameters, self._texts[1] + MARK))
        if self._computes and level.scale:
            parts.append(_width(self.scale, self.scale.text()))
        if self._is_reference and level.role:
            parts.append(_width(self.role, level.role))
        if self.shifted.text():
            parts.append(_width(self.shifted, self.shifted.text()))
        if level.time:
            parts.append(self.milliseconds.natural(TIME))
        return sum(parts) + SPACING * len(parts)

    def _chip_text(self, chip: str) -> str:
        return _short(chip) if self.width() < NARROW else chip

    def _chip_width(self, chip: str) -> int:
        usual = LEAST if self.width() < NARROW else CHIP
        return max(map(self.chip.natural, (usual, self._chip_text(chip))))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()


def _label(name: str, tip: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setToolTip(tip)
    return label


def _advance(part: QLabel | Choice, text: str) -> int:
    return part.fontMetrics().horizontalAdvance(text)


def _width(part: QLabel | Choice, text: str) -> int:
    """Points that a part would like to have with another text."""
    part.ensurePolished()
    around = part.sizeHint().width() - _advance(part, part.text())
    return around + _advance(part, text)


def _short(chip: str) -> str:
    """A chip in few letters."""
    kind, _, ratio = chip.partition(" ")
    return {"exact": ratio, "averaged": f"~{ratio}", "computing": "...", "failed": "!"}.get(
        kind, ""
    )
