"""The two toolbars: what is opened and how large it is seen; how it is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QPointF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QToolBar,
    QToolButton,
    QWidget,
)

from . import changes, panes, state, texts
from .actions import DEGRADE, EXPORT
from .choice import MARK, Choice
from .marks import pane_name
from .settings import DiffKind, Mode, Split
from .state import TRUTH, ViewerState
from .store import Store

MODES = tuple(f"mode_{mode.value}" for mode in Mode)
SPLITS = tuple(f"split_{split.value.replace('-', '')}" for split in Split)
SMALL = 12  # points of a side: what Qt gives the button for what has no room
ZOOMS = ("fit", "1:4", "1:2", "1:1", "2:1", "4:1", "8:1", "24:1")


class Bar(QToolBar):
    """A toolbar that stays where it is."""

    def __init__(self, title: str, actions: dict[str, QAction]) -> None:
        super().__init__(title)
        self.setObjectName(title.lower())
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._actions = actions
        self._show_more()

    def offer(self, *names: str) -> list[QAction]:
        """Buttons for these rows of the table; "" for a separator."""
        return [self.addAction(self._actions[n]) if n else self.addSeparator() for n in names]

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._show_more()

    def _show_more(self) -> None:
        """The button for what has no room: Qt draws it black, which is not seen in the dark."""
        button = self.findChild(QToolButton, "qt_toolbar_ext_button")
        if button is not None:
            button.setIcon(_arrows(self.palette().color(QPalette.ColorRole.ButtonText)))
            button.setIconSize(QSize(SMALL, SMALL))
            button.setToolTip("More")
            button.setAccessibleName("More")


class FileBar(Bar):
    """Opening, zoom, scale, tone and export."""

    def __init__(
        self, store: Store, actions: dict[str, QAction], give_back: Callable[[], None],
        viewport: Callable[[], tuple[int, int]],
    ) -> None:  # fmt: skip
        super().__init__("Tools", actions)
        self._store, self._give_back, self._viewport = store, give_back, viewport
        actions["zoom_out"].setIconText("\N{MINUS SIGN}")  # what the bar shows
        actions["zoom_in"].setIconText("+")
        self.offer("open_dialog", "paste", "", "undo", "redo", "")
        self.offer("fit", "one_to_one", "zoom_out")
        self.zoom = _typed(
            "Zoom", "Device pixels for 100 source pixels; or 3:1, 1:4 for those of an output of "
            "the focused pane, or fit; Enter applies it", ZOOMS, 7, self.set_zoom,
        )  # fmt: skip
        self.addWidget(self.zoom)
        self.offer("zoom_in", "")
        self.addWidget(QLabel("Scale"))
        self.scale = _typed(
            "Scale of all panes", "Scale of all panes: 4, 1.5, 3/2, or 2x3 for across x down; "
            "Enter applies it", map(str, texts.SCALES), 5, self.set_scale,
        )  # fmt: skip
        self.addWidget(self.scale)
        self.offer("", "darker")
        actions["darker"].setIconText("\N{MINUS SIGN}EV")
        actions["brighter"].setIconText("+EV")
        self._tone = _label(
            "Exposure in stops, and gamma (R resets both)",
            "+00.0 EV  \N{GREEK SMALL LETTER GAMMA} 0.00",
        )
        self.addWidget(self._tone)
        self.offer("brighter", "next_gamma", "")
        actions["next_gamma"].setIconText("Gamma")
        self.export = QToolButton()
        self.export.setText(f"Export{MARK}")
        self.export.setToolTip("What leaves the viewer as a file or for the clipboard")
        self.export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.export.setMenu(QMenu(self.export))
        self.export.menu().addActions([actions[row.name] for row in EXPORT])
        self.addWidget(self.export)

    def set_scale(self, text: str) -> None:
        """The scale of all panes from the text of the box; what it cannot be is said."""
        self._apply(texts.parse_scale, text, panes.set_all_scales)

    def set_zoom(self, text: str) -> None:
        """The zoom from the text of its box; what it cannot be is said."""
        self._apply(texts.parse_zoom, text, state.zoom_to, *self._viewport())

    def _apply(self, parse: Callable, text: str, change: Callable, *more: int) -> None:
        try:
            value = parse(text)
        except ValueError as error:
            self._store.update(state.warned, str(error))
            return
        self._store.update(state.dismissed)
        self._store.update(change, value, *more)
        self._give_back()
        self.sync(self._store.state)  # what was typed may be told in other words

    def sync(self, now: ViewerState) -> None:
        self._tone.setText(
            f"{now.tone.exposure:+.1f} EV  \N{GREEK SMALL LETTER GAMMA} {now.tone.gamma:g}"
        )
        _show_typed(self.zoom, "" if now.view is None else _percent(now.view.z))
        scales = {texts.scale_text(pane.scale) for pane in now.panes}
        _show_typed(self.scale, scales.pop() if len(scales) == 1 else "")


class CompareBar(Bar):
    """The modes, the reference, and what the present mode can be set to."""

    def __init__(self, store: Store, actions: dict[str, QAction]) -> None:
        super().__init__("Compare", actions)
        self.offer(*MODES, "")
        self.addWidget(QLabel("Reference"))
        degrade = [f"degrade_{s}" for s in DEGRADE]
        more = [actions[name] for name in ("open_reference", *degrade, "restore_original")]
        self.reference = _choice("reference", "Reference", "What the panes are compared with", more)
        self.reference.chosen.connect(lambda key: store.update(changes.refer, int(key)))
        self.addWidget(self.reference)
        self._parted = self.addSeparator()
        self.kind = _choice("kind", "Kind of difference", "What of the difference is shown (M)")
        self.kind.offer({"": {kind.name: kind.value for kind in DiffKind}})
        self.kind.chosen.connect(lambda key: store.update(changes.set_diff, DiffKind[key]))
        self._gain = _label("What differences are multiplied by", "gain 0000")
        self._threshold = _label(
            "Differences up to this count as none, in levels of 255", "over 00.0 / 255"
        )
        actions["gain_down"].setIconText("\N{DIVISION SIGN} 2")
        actions["gain_up"].setIconText("\N{MULTIPLICATION SIGN} 2")
        actions["fit_gain"].setIconText("Auto")
        actions["next_threshold"].setIconText("Threshold")
        actions["hold_reference"].setIconText("Reference")
        self._of_mode = {
            Mode.SPLIT: self._group(*SPLITS),
            Mode.BLINK: self._group("auto_blink", "hold_reference"),
            Mode.DIFF: self._group(
                self.kind,
                "gain_down",
                self._gain,
                "gain_up",
                "fit_gain",
                "next_threshold",
                self._threshold,
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
        self._parted.setVisible(now.mode in self._of_mode)
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


def _choice(name: str, title: str, tip: str, more: Iterable[QAction] = ()) -> Choice:
    choice = Choice(name, tip, {}, tuple(more))
    choice.setAccessibleName(title)
    return choice


def _typed(
    name: str, tip: str, items: Iterable[str], letters: int, apply: Callable[[str], None]
) -> QComboBox:
    """A box whose text can be typed as well; Enter applies it."""
    box = QComboBox()
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    box.addItems(list(items))
    box.setMinimumContentsLength(letters)
    box.setToolTip(tip)
    box.setAccessibleName(name)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.textActivated.connect(apply)
    box.lineEdit().returnPressed.connect(lambda: apply(box.currentText()))
    return box


def _show_typed(box: QComboBox, text: str) -> None:
    """Show a text, but not in the place of what somebody types."""
    if not box.lineEdit().hasFocus() and box.currentText() != text:
        with QSignalBlocker(box):
            box.setCurrentText(text)


def _label(tip: str, widest: str) -> QLabel:
    """A text that changes without moving what is behind it."""
    label = QLabel()
    label.setToolTip(tip)
    label.setMinimumWidth(label.fontMetrics().horizontalAdvance(widest) + 12)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    return label


def _arrows(colour: QColor) -> QIcon:
    """Two arrows to the right."""
    pixmap = QPixmap(SMALL, SMALL)
    pixmap.fill(Qt.GlobalColor.transparent)
    with QPainter(pixmap) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour, 1.4))
        for x in (1.5, 6):
            painter.drawPolyline([QPointF(x, 2.5), QPointF(x + 3.5, 6), QPointF(x, 9.5)])
    return QIcon(pixmap)
