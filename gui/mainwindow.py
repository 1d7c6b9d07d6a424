"""The window around the panes: menus from the action table, opening and dropping, status bar."""

from __future__ import annotations

import os
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
)
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

import upsampler
from upsampler.images import ImageError
from upsampler.kernel_files import method_of

from . import panes, source, state, texts
from .actions import ACTIONS, plain
from .compare import Compare
from .dock import PanelDock
from .scheduler import Outcome, Scheduler
from .state import ViewerState
from .store import Store

KERNELS = "*.npz *.npy"
PATTERNS = "*.png *.jpg *.jpeg *.webp *.tif *.tiff *.npy"


class MainWindow(QMainWindow):
    """A picture, four methods on it, and everything to look around in them."""

    def __init__(self, path: str | None = None) -> None:
        super().__init__()
        self.store = Store(ViewerState(source.built_in()))
        self.compare = Compare(self.store)
        self._loader = Scheduler(lambda path, cancelled: source.load(path), 1, name="files")
        self._loader.answered.connect(self._loaded)
        self.compare.kernel_wanted.connect(self.open_kernel)
        self._kernels = ""  # folder of the last one opened
        self.setAcceptDrops(True)
        self.resize(1280, 860)
        self.actions_by_name = self._make_actions()
        self.addToolBar(self._make_toolbar())
        self._banner, self._message = self._make_banner()
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._banner)
        column.addWidget(self.compare, 1)
        self.setCentralWidget(centre)
        self._position, self._values, self._info = self._make_status()
        self.dock = PanelDock(self.store, self.compare.shot)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.compare.shown.connect(self.dock.refresh)
        self._cpu = _cpu()
        self.store.changed.connect(self._show)
        self._show()
        if path is not None:
            self.open_path(path)

    # -- making -----------------------------------------------------------------------------------

    def _make_actions(self) -> dict[str, QAction]:
        menus, made = {}, {}
        for row in ACTIONS:
            if row.menu not in menus:
                menus[row.menu] = self.menuBar().addMenu(row.menu)
            action = QAction(row.text, self)
            action.setShortcuts([QKeySequence(key) for key in row.keys])
            keys = ", ".join(row.keys)
            action.setToolTip(f"{plain(row.text)} ({keys})" if keys else plain(row.text))
            if row.step is not None:
                action.triggered.connect(partial(self._step, row.step))
            else:
                action.triggered.connect(partial(self._call, row.name))
            menus[row.menu].addAction(action)
            made[row.name] = action
        return made

    def _step(self, step: state.Step, _checked: bool = False) -> None:
        self.store.update(step, *self.compare.viewport())

    def _call(self, name: str, _checked: bool = False) -> None:
        getattr(self, name)()

    def _make_toolbar(self) -> QToolBar:
        bar = QToolBar("Tools")
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for name in ("open_dialog", "open_chart", None, "fit", "one_to_one", "zoom_out", "zoom_in"):
            if name is None:
                bar.addSeparator()
            else:
                bar.addAction(self.actions_by_name[name])
        self.actions_by_name["zoom_out"].setIconText("\N{MINUS SIGN}")  # what the bar shows
        self.actions_by_name["zoom_in"].setIconText("+")
        self._zoom = QLabel()
        self._zoom.setToolTip("Device pixels for 100 source pixels")
        bar.addWidget(self._zoom)
        bar.addSeparator()
        bar.addWidget(QLabel("Scale of all panes"))
        self.scale = QComboBox()
        self.scale.setEditable(True)
        self.scale.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.scale.addItems([str(s) for s in texts.SCALES])
        self.scale.setMinimumContentsLength(5)
        self.scale.setToolTip("4, 1.5, 3/2, or 2x3 for across x down; Enter applies it")
        self.scale.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.scale.textActivated.connect(self.set_scale)
        self.scale.lineEdit().returnPressed.connect(
            lambda: self.set_scale(self.scale.currentText())
        )
        bar.addWidget(self.scale)
        return bar

    def _make_banner(self) -> tuple[QFrame, QLabel]:
        banner = QFrame()
        banner.setObjectName("banner")
        row = QHBoxLayout(banner)
        row.setContentsMargins(8, 4, 8, 4)
        text = QLabel()
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.PlainText)  # names of files are not markup
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        close = QToolButton()
        close.setText("\N{MULTIPLICATION SIGN}")
        close.setToolTip(self.actions_by_name["dismiss"].toolTip())
        close.setAutoRaise(True)
        close.clicked.connect(self.actions_by_name["dismiss"].trigger)
        row.addWidget(text, 1)
        row.addWidget(close)
        return banner, text

    def _make_status(self) -> tuple[QLabel, list[QLabel], QLabel]:
        position, info = QLabel(), QLabel()
        values = [QLabel() for _ in self.compare.panes]
        self.statusBar().addWidget(position)
        # Widths that do not follow the text, or everything would move with the mouse.
        widest = "x 00000.00  y 00000.00"
        position.setMinimumWidth(position.fontMetrics().horizontalAdvance(widest))
        for label in values:
            label.setObjectName("value")
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            self.statusBar().addWidget(label, 1)
        self.statusBar().addPermanentWidget(info)
        return position, values, info

    # -- opening ----------------------------------------------------------------------------------

    def open_path(self, path: str) -> None:
        """Read a file in a worker and show it; on an error say so and stay with what is shown."""
        self.store.update(state.opening, os.path.basename(path))
        self._loader.submit((path,))

    def _loaded(self, _generation: int, outcomes: tuple[Outcome, ...]) -> None:
        (outcome,) = outcomes  # of the newest file: opening another cancels those before it
        if outcome.error is None:
            self.store.update(state.opened, outcome.value)
        elif isinstance(outcome.error, ImageError):
            self.store.update(state.failed, str(outcome.error))
        else:
            reason = str(outcome.error) or type(outcome.error).__name__
            self.store.update(state.failed, f"{outcome.job}: {reason}")

    def open_dialog(self) -> None:
        here = self.store.state.source.path
        folder = os.path.dirname(here) if here else ""
        filters = f"Pictures ({PATTERNS});;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self, "Open a picture", folder, filters)
        if path:
            self.open_path(path)

    def open_kernel(self) -> None:
        """A kernel from a file for the focused pane."""
        path, _ = QFileDialog.getOpenFileName(
            self, "Open a kernel", self._kernels, f"Kernels ({KERNELS});;All files (*)"
        )
        if not path:
            return
        self._kernels = os.path.dirname(path)
        try:
            method = method_of(path)
        except ValueError as error:
            self.store.update(state.warned, str(error))
            return
        self.store.update(state.dismissed)
        self.store.update(panes.set_method, self.store.state.focus, method)

    def reload(self) -> None:
        path = self.store.state.source.path
        if path is not None:
            self.open_path(path)

    def open_chart(self) -> None:
        self._loader.drop()
        self.store.update(state.opened, source.built_in())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [u.toLocalFile() for u in event.mimeData().urls() if u.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.open_path(paths[0])

    # -- other actions ----------------------------------------------------------------------------

    def set_scale(self, text: str) -> None:
        """The scale of all panes from the text of the box; what it cannot be is said."""
        try:
            scale = texts.parse_scale(text)
        except ValueError as error:
            self.store.update(state.warned, str(error))
            return
        self.store.update(state.dismissed)
        self.store.update(panes.set_all_scales, scale)
        self.compare.panes[self.store.state.focus].canvas.setFocus()

    def toggle_full_screen(self) -> None:
        self.showNormal() if self.isFullScreen() else self.showFullScreen()

    def show_keys(self) -> None:
        """The sheet of F1: the action table, readable."""
        dialog = QDialog(self)
        dialog.setWindowTitle("Keys")
        rows = [(plain(a.text), "  ".join(a.keys)) for a in ACTIONS if a.keys]
        rows += [("Zoom about the cursor", "wheel"), ("Move", "drag")]
        table = QTableWidget(len(rows), 2)
        table.setHorizontalHeaderLabels(["Action", "Keys"])
        table.verticalHeader().hide()
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        for i, row in enumerate(rows):
            for j, text in enumerate(row):
                table.setItem(i, j, QTableWidgetItem(text))
        table.resizeColumnsToContents()
        table.horizontalHeader().setStretchLastSection(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(dialog.reject)
        column = QVBoxLayout(dialog)
        column.addWidget(table)
        column.addWidget(buttons)
        dialog.resize(420, 560)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._loader.close(wait=False)  # reading a file cannot be interrupted
        self.compare.close_workers()
        self.dock.close_workers()
        event.accept()

    # -- showing the state ------------------------------------------------------------------------

    def _show(self) -> None:
        now = self.store.state
        self.dock.refresh()
        self.setWindowTitle(f"{now.source.name} - upsampler")
        self._banner.setVisible(now.message is not None)
        self._message.setText(now.message or "")
        self.actions_by_name["reload"].setEnabled(now.source.path is not None)
        self._zoom.setText("" if now.view is None else f"{now.view.z * 100:.4g} %")
        scales = {texts.scale_text(pane.scale) for pane in now.panes}
        if not self.scale.lineEdit().hasFocus():
            with QSignalBlocker(self.scale):
                self.scale.setCurrentText(scales.pop() if len(scales) == 1 else "")
        self._show_values(now)
        self._info.setText(f"{_info(now)}   {self._cpu}")
        self._info.setToolTip("\n".join(now.source.notes))

    def _show_values(self, now: ViewerState) -> None:
        """The place in the source, and what each pane makes of it."""
        inside = False
        for i, label in enumerate(self._values):
            values = self.compare.values(i)
            inside = inside or values is not None
            label.setText(f"{i + 1}:  {'  '.join(values)}" if values else "")
            label.setToolTip(f"Pane {i + 1}, {now.panes[i].method}: the value under the cursor")
        if inside and now.cursor is not None and now.view is not None:
            y, x = now.view.source(*now.cursor, 0, 0)  # the cursor counts from the middle
            self._position.setText(f"x {x:.2f}  y {y:.2f}")
        else:
            self._position.setText("")


def _info(now: ViewerState) -> str:
    """Size, dtype and range of the picture."""
    if now.opening is not None:
        return f"opening {now.opening} ..."
    height, width = now.source.size
    channels = now.source.values.shape[2]
    range_ = f"{now.source.low:.4g} to {now.source.high:.4g}"
    return f"{width} x {height} x {channels} {now.source.dtype}, {range_}"


def _cpu() -> str:
    """What computes."""
    cpu = upsampler.backends()["cpu"]
    if not cpu["available"]:
        return ""
    threads = cpu["threads"]
    return f"CPU {cpu['instruction_set']}, {threads} thread{'s' * (threads != 1)}"
