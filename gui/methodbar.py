"""The bar at the left: which panes there are, and what the focused one computes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSignalBlocker, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QDockWidget,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QMenu,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from upsampler.kernel_methods import KernelMethod
from upsampler.methods import MENU, Method

from . import panes
from . import state as change
from .choice import Choice
from .marks import pane_name
from .pane import offer_variants
from .state import ViewerState
from .store import Store
from .texts import SCALES, parse_scale, scale_text, variants, without_parameters

BUTTONS = (
    {"add_pane": "Add", "duplicate_pane": "Duplicate", "remove_pane": "Remove"},
    {"pane_earlier": "\N{UPWARDS ARROW}", "pane_later": "\N{DOWNWARDS ARROW}"},
)
WIDTH = 230
PLAIN = Qt.KeyboardModifier.NoModifier
KEY = Qt.ItemDataRole.UserRole


class _Navigable:
    """For lists: arrows move in the list that has the keys, and not the picture."""

    KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right)

    def event(self, event: QEvent) -> bool:
        kind = QEvent.Type.ShortcutOverride
        if event.type() == kind and event.modifiers() == PLAIN and event.key() in self.KEYS:
            event.accept()
            return True
        return super().event(event)


class _List(_Navigable, QListWidget):
    pass


class _Tree(_Navigable, QTreeWidget):
    pass


class MethodDock(QDockWidget):
    """Changes the panes of a store and shows how they are."""

    def __init__(
        self, store: Store, actions: dict[str, QAction], give_back: Callable[[], None]
    ) -> None:
        super().__init__("Panes and methods")
        self.setObjectName("methods")
        self.setAllowedAreas(
            Qt.DockWidgetArea.LeftDockWidgetArea | Qt.DockWidgetArea.RightDockWidgetArea
        )
        self._store = store
        self.list = _List()
        self.list.setAccessibleName("Panes")
        self.list.setMaximumHeight(190)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentRowChanged.connect(lambda i: store.update(change.focus, i))
        self.tree = self._make_tree()
        for clicked in (self.list.itemClicked, self.tree.itemClicked):
            clicked.connect(lambda *_item: give_back())  # who clicks wants Space for the panes
        self.scale = Choice("scale", "How much this pane magnifies", {
            "": {str(s): f"x{s}" for s in SCALES}
        })  # fmt: skip
        self.scale.chosen.connect(
            lambda text: store.update(panes.set_scale, store.state.focus, parse_scale(text))
        )
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(8, 4, 8, 8)
        for row in (rows := [self._make_buttons(actions, texts) for texts in BUTTONS]):
            column.addLayout(row)
        rows[-1].addWidget(self._make_presets(actions))
        column.addWidget(self.list)
        column.addWidget(QLabel("Method of the focused pane"))
        column.addWidget(self.tree, 1)
        self._parameters = QGridLayout()
        column.addLayout(self._parameters)
        self._choices: dict[str, Choice] = {}
        self._lay_out({"Scale": self.scale})
        inside.setMinimumWidth(WIDTH)
        self.setWidget(inside)

    def _make_presets(self, actions: dict[str, QAction]) -> QToolButton:
        presets = QToolButton()
        presets.setText("Presets \N{BLACK DOWN-POINTING SMALL TRIANGLE}")
        presets.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(presets)
        menu.setToolTipsVisible(True)
        menu.addActions([action for name, action in actions.items() if name.startswith("preset_")])
        presets.setMenu(menu)
        return presets

    def _make_buttons(self, actions: dict[str, QAction], texts: dict[str, str]) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(0)
        for name, text in texts.items():
            button = QToolButton()
            actions[name].setIconText(text)  # what the bar shows
            button.setDefaultAction(actions[name])
            button.setAccessibleName(actions[name].text().replace("&", ""))
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _make_tree(self) -> QTreeWidget:
        tree = _Tree()
        tree.setHeaderHidden(True)
        tree.setAccessibleName("Methods")
        for heading, methods in MENU.items():
            group = QTreeWidgetItem(tree, [heading])
            group.setFlags(group.flags() & ~Qt.ItemFlag.ItemIsSelectable)
            for method in methods:
                item = QTreeWidgetItem(group, [_short(method)])
                item.setToolTip(0, method.name)
                item.setData(0, KEY, method.name)
        tree.expandAll()
        tree.itemClicked.connect(self._chosen)
        tree.itemActivated.connect(self._chosen)
        return tree

    def _chosen(self, item: QTreeWidgetItem, _column: int = 0) -> None:
        name = item.data(0, KEY)
        if name is not None:
            self._store.update(panes.set_method, self._store.state.focus, name)

    def _lay_out(self, choices: dict[str, Choice]) -> None:
        for row, (title, choice) in enumerate(choices.items()):
            self._parameters.addWidget(QLabel(title), row, 0)
            self._parameters.addWidget(choice, row, 1)
            choice.setAccessibleName(title)
        self._choices = choices

    def sync(self, now: ViewerState) -> None:
        names = [pane_name(now, i) for i in range(len(now.panes))]
        pane = now.panes[now.focus]
        with QSignalBlocker(self.list), QSignalBlocker(self.tree):
            if names != [self.list.item(i).text() for i in range(self.list.count())]:
                self.list.clear()
                self.list.addItems(names)
                for i, name in enumerate(names):
                    self.list.item(i).setToolTip(name)
            self.list.setCurrentRow(now.focus)
            self.tree.setCurrentItem(self._item(pane.method))
        text = scale_text(pane.scale)
        self.scale.show_choice(text, f"x{text}" if pane.scale[0] == pane.scale[1] else text)
        self._show_parameters(pane.method)

    def _show_parameters(self, method: str) -> None:
        groups = variants(method)
        if list(groups) != list(self._choices)[1:]:
            self._rebuild(groups)
        for title, names in groups.items():
            choice = self._choices[title]
            offer_variants(choice, method, title)
            choice.show_choice(method, names.get(method, ""))

    def _rebuild(self, groups: dict[str, dict[str, str]]) -> None:
        while (item := self._parameters.takeAt(0)) is not None:
            if item.widget() is not self.scale:
                item.widget().hide()  # until then
                item.widget().deleteLater()
        choices = {"Scale": self.scale}
        for title in groups:
            choices[title] = Choice("parameter", title, {})
            choices[title].chosen.connect(self._set_method)
        self._lay_out(choices)

    def _set_method(self, name: str) -> None:
        self._store.update(panes.set_method, self._store.state.focus, name)

    def _item(self, method: str) -> QTreeWidgetItem | None:
        """The line of a method, or of what it is without its parameters."""
        groups = map(self.tree.topLevelItem, range(self.tree.topLevelItemCount()))
        items = {
            group.child(j).data(0, KEY): group.child(j)
            for group in groups
            for j in range(group.childCount())
        }
        return items.get(method, items.get(without_parameters(method)))


def _short(method: Method) -> str:
    """A method under the heading of its family."""
    if not isinstance(method, KernelMethod):
        return method.label
    return method.name.removeprefix(f"{method.FAMILY}:").replace(":", "  ")
