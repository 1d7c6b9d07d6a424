"""Two views of the table of actions: the sheet of keys and the palette."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from .actions import ACTIONS, GESTURES, Action, place


class KeySheet(QDialog):
    """Every row of the table that has keys, and what the mouse does."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        rows = [(place(row), "  ".join(row.keys)) for row in ACTIONS if row.keys]
        rows += list(GESTURES)
        self.table = QTableWidget(len(rows), 2)
        self.table.setAccessibleName("Keys")
        self.table.setHorizontalHeaderLabels(["Action", "Keys"])
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        for i, row in enumerate(rows):
            for j, text in enumerate(row):
                self.table.setItem(i, j, QTableWidgetItem(text))
        self.table.resizeColumnsToContents()
        self.table.resizeRowsToContents()
        self.table.setShowGrid(False)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.table)
        column.addWidget(buttons)
        self.resize(560, 620)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)


class Palette(QDialog):
    """Finds a row by parts of its words and has it run.

    Parameters
    ----------
    parent : QWidget
    run : callable
        Does what a row says.
    reason : callable
        Why a row cannot be used now, "" where it can.
    """

    def __init__(
        self, parent: QWidget, run: Callable[[Action], None], reason: Callable[[Action], str]
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("All actions")
        self._run, self._reason = run, reason
        self.line = QLineEdit()
        self.line.setPlaceholderText("Part of a name")
        self.line.setAccessibleName("Part of the name of an action")
        self.list = QListWidget()
        self.list.setAccessibleName("Actions")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.addWidget(self.line)
        column.addWidget(self.list)
        self.line.textChanged.connect(self.find)
        self.line.returnPressed.connect(self._chosen)
        self.list.itemActivated.connect(lambda _item: self._chosen())
        self.line.installEventFilter(self)
        self.resize(560, 420)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.find("")

    def find(self, text: str) -> None:
        """Show the rows that have every word of `text`."""
        words = text.lower().split()
        self.list.clear()
        for row in ACTIONS:
            name = place(row)
            if row.held or not all(word in name.lower() for word in words):
                continue
            reason = self._reason(row)
            keys = f"    {', '.join(row.keys)}" if row.keys else ""
            item = QListWidgetItem(f"{name}{keys}" + (f"    ({reason})" if reason else ""))
            item.setData(Qt.ItemDataRole.UserRole, row)
            if reason:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and down move in the list while the line has the keys."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
            if step is not None and self.list.count():
                self.list.setCurrentRow((self.list.currentRow() + step) % self.list.count())
                return True
        return super().eventFilter(watched, event)

    def _chosen(self) -> None:
        item = self.list.currentItem()
        if item is None or not item.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        self.accept()
        self._run(item.data(Qt.ItemDataRole.UserRole))
