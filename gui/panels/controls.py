"""Small things that several panels have: rows of controls, colours of panes and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from ..areas import Area, named
from ..choice import Choice
from ..source import Source
from ..state import ViewerState

# M. Okabe and K. Ito's colours for every kind of sight, and two more; one for each pane.  Each is
# seen on a dark ground and on a light one.
COLOURS = (
    "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#0072b2", "#d55e00", "#b3a400", "#8f6bd6",
    "#8a8f98",
)  # fmt: skip
AREAS = {"": {"near": "region or visible", "whole": "whole picture"}}
_CHANNELS = {1: ("gray",), 2: ("gray", "alpha"), 3: ("red", "green", "blue")}
_CHANNELS[4] = (*_CHANNELS[3], "alpha")


def row(*widgets: QWidget) -> QWidget:
    """Widgets side by side, the rest of the row empty."""
    holder = QWidget()
    line = QHBoxLayout(holder)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(6)
    for widget in widgets:
        line.addWidget(widget)
    line.addStretch(1)
    return holder


def word(text: str) -> QLabel:
    """A label for the control after it."""
    label = QLabel(text)
    label.setContentsMargins(6, 0, 0, 0)
    return label


def note() -> QLabel:
    """An empty label for sentences."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


class Caption(QLabel):
    """A line that is cut off at its end where there is no room."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.whole = ""

    def show_text(self, text: str) -> None:
        self.whole = text
        self.setToolTip(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        mode = Qt.TextElideMode.ElideRight
        self.setText(self.fontMetrics().elidedText(self.whole, mode, self.width()))


def area_choice() -> Choice:
    """What a panel looks at; the keys are those of `chosen_area`."""
    choice = Choice("area", "What is looked at", AREAS)
    show_choice(choice, AREAS, "near")
    return choice


def chosen_area(key: str, state: ViewerState) -> Area:
    if key == "whole":
        return Area.WHOLE
    return Area.VISIBLE if state.region is None else Area.REGION


def channel_names(source: Source) -> tuple[str, ...]:
    count = source.values.shape[2]
    return _CHANNELS.get(count, tuple(f"channel {c}" for c in range(count)))


def channel_groups(source: Source) -> dict[str, dict[str, str]]:
    """The channels of a picture, to choose from: -1 for all of them."""
    names = channel_names(source)
    everything = {"-1": "all channels"} if len(names) > 1 else {}
    return {"": everything | {str(c): name for c, name in enumerate(names)}}


def show_choice(choice: Choice, groups: dict[str, dict[str, str]], key: str) -> str:
    """Show the choice of `key`, or the first one where it is not among them; returns it."""
    texts = {k: text for group in groups.values() for k, text in group.items()}
    key = key if key in texts else next(iter(texts))
    choice.show_choice(key, texts[key])
    return key


def colour(pane: int) -> str:
    return COLOURS[pane % len(COLOURS)]


def legend(state: ViewerState, remarks: Sequence[str]) -> str:
    """Rich text: each pane in its colour, with a remark."""
    lines = []
    for pane, remark in enumerate(remarks):
        more = f" &nbsp;<small>{escape(remark)}</small>" if remark else ""
        mark = f'<span style="color: {colour(pane)}">\N{BLACK SQUARE}</span>'
        lines.append(f"{mark} {escape(named(state, pane))}{more}")
    return "<br>".join(lines)
