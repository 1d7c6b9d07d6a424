"""The two toolbars: what is opened and how large it is seen; how it is compared."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolBar, QToolButton, QWidget

from . import changes, panes, state, texts
from .choice import Choice
from .marks import pane_name
from .settings import DiffKind, Mode, Split
from .state import TRUTH, ViewerState
from .store import Store

MODES = tuple(f"mode_{mode.value}" for mode in Mode)
SPLITS = tuple(f"split_{split.value.replace('-', '')}" for split in Split)


class Bar(QToolBar):
    """A toolbar that stays where it is."""

    def __init__(self, title: str, actions: dict[str, QAction]) -> None:
        super().__init__(title)
        self.setObjectName(title.lower())
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._actions = actions

    def offer(self, *names: str) -> list[QAction]:
        """Buttons for these rows of the table; "" for a separator."""
        return [self.addAction(self._actions[n]) if n else self.addSeparator() for n in names]


class FileBar(Bar):
    """Opening, zoom and scale."""

    def __init__(
        self, store: Store, actions: dict[str, QAction], give_back: Callable[[], None]
    ) -> None:
        super().__init__("Tools", actions)
        self._store, self._give_back = store, give_back
        actions["zoom_out"].setIconText("\N{MINUS SIGN}")  # what the bar shows
        actions["zoom_in"].setIconText("+")
        self.offer("open_dialog", "open_chart", "", "undo", "redo", "")
        self.offer("fit", "one_to_one", "zoom_out")
        self._zoom = _label("Device pixels for 100 source pixels", "12345 %")
        self.addWidget(self._zoom)
        self.offer("zoom_in", "")
        self.addWidget(QLabel("Scale of all panes"))
        self.scale = self._make_scale()
        self.addWidget(self.scale)
        self.offer("", "darker")
        actions["darker"].setIconText("\N{MINUS SIGN}EV")
        actions["brighter"].setIconText("+EV")
        self._tone = _label(
            "Exposure in stops, and gamma (R resets both)",
            "+00.0 EV  \N{GREEK SMALL LETTER GAMMA} 0.00",
        )
        self.addWidget(self._tone)
        self.offer("brighter", "next_gamma")
        actions["next_gamma"].setIconText("Gamma")

    def _make_scale(self) -> QComboBox:
        scale = QComboBox()
        scale.setEditable(True)
        scale.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        scale.addItems([str(s) for s in texts.SCALES])
        scale.setMinimumContentsLength(5)
        scale.setToolTip("4, 1.5, 3/2, or 2x3 for across x down; Enter applies it")
        scale.setAccessibleName("Scale of all panes")
        scale.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        scale.textActivated.connect(self.set_scale)
        scale.lineEdit().returnPressed.connect(lambda: self.set_scale(scale.currentText()))
        return scale

    def set_scale(self, text: str) -> None:
        """The scale of all panes from the text of the box; what it cannot be is said."""
        try:
            scale = texts.parse_scale(text)
        except ValueError as error:
            self._store.update(state.warned, str(error))
            return
        self._store.update(state.dismissed)
        self._store.update(panes.set_all_scales, scale)
        self._give_back()

    def sync(self, now: ViewerState) -> None:
        self._zoom.setText("" if now.view is None else _percent(now.view.z))
        self._tone.setText(
            f"{now.tone.exposure:+.1f} EV  \N{GREEK SMALL LETTER GAMMA} {now.tone.gamma:g}"
        )
        scales = {texts.scale_text(pane.scale) for pane in now.panes}
        if not self.scale.lineEdit().hasFocus():
            with QSignalBlocker(self.scale):
                self.scale.setCurrentText(scales.pop() if len(scales) == 1 else "")


class CompareBar(Bar):
    """The modes, the reference, and what the present mode can be set to."""

    def __init__(self, store: Store, actions: dict[str, QAction]) -> None:
        super().__init__("Compare", actions)
        self.offer(*MODES, "")
        self.addWidget(QLabel("Reference"))
        self.reference = _choice("reference", "Reference", "What the panes are compared with")
        self.reference.chosen.connect(lambda key: store.update(changes.refer, int(key)))
        self.addWidget(self.reference)
        self.addSeparator()
        self.kind = _choice("kind", "Kind of difference", "What of the difference is shown (M)")
        self.kind.offer({"": {kind.name: kind.value for kind in DiffKind}})
        self.kind.chosen.connect(lambda key: store.update(changes.set_diff, DiffKind[key]))
        self._gain = _label("What differences are multiplied by", "gain 0000")
        self._threshold = _label(
            "Differences up to this count as none, in levels of 255", "over 00.0 / 255"
        )
        actions["gain_down"].setIconText("\N{DIVISION SIGN} 2")
        actions["gain_up"].setIconText("\N{MULTIPLICATION SIGN} 2")
        actions["next_threshold"].setIconText("Threshold")
        actions["hold_reference"].setIconText("Reference")
        self._of_mode = {
            Mode.SPLIT: self._group(*SPLITS),
            Mode.BLINK: self._group("auto_blink", "hold_reference"),
            Mode.DIFF: self._group(
                self.kind, "gain_down", self._gain, "gain_up", "next_threshold", self._threshold
            ),
        }

    def _group(self, *parts: str | QWidget) -> QAction:
        """Buttons of rows and other widgets that come and go together."""
        group = QWidget()
        row = QHBoxLayout(group)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for part in parts:
            if isinstance(part, str):
                button = QToolButton()
                button.setDefaultAction(self._actions[part])
                row.addWidget(button)
            else:
                row.addWidget(part)
        return self.addWidget(group)

    def sync(self, now: ViewerState) -> None:
        for mode, group in self._of_mode.items():
            group.setVisible(mode is now.mode)
        choices = {str(i): pane_name(now, i) for i in range(len(now.panes))}
        if now.truth is not None:
            choices[str(TRUTH)] = pane_name(now, TRUTH)
        self.reference.offer({"": choices})
        self.reference.show_choice(str(now.reference), choices[str(now.reference)])
        self.kind.show_choice(now.diff.kind.name, now.diff.kind.value)
        self._gain.setText(f"gain {now.diff.gain:g}")
        levels = now.diff.threshold * 255
        self._threshold.setText(f"over {levels:g} / 255" if levels else "none")


def _percent(z: float) -> str:
    return f"{z * 100:.0f} %" if z >= 1 else f"{z * 100:.3g} %"


def _choice(name: str, title: str, tip: str) -> Choice:
    choice = Choice(name, tip, {})
    choice.setAccessibleName(title)
    return choice


def _label(tip: str, widest: str) -> QLabel:
    """A text that changes without moving what is behind it."""
    label = QLabel()
    label.setToolTip(tip)
    label.setMinimumWidth(label.fontMetrics().horizontalAdvance(widest) + 12)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    return label
