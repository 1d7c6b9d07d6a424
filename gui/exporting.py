"""Export from the window: asks where to, works beside it, and can be cancelled."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMessageBox,
    QProgressBar,
    QToolButton,
    QWidget,
)

import upsampler
from upsampler.images import ImageError, write
from upsampler.picture import Picture

from . import changes, drawing, export, state
from .blocks import Cancelled
from .compare import Compare
from .pythoncall import python_call
from .render import render
from .scene import scene
from .scheduler import Outcome, Scheduler
from .settings import Mode, Region
from .store import Store

ASK = 1 << 30  # bytes from which a result is not written without asking
OFTEN = 0.05  # seconds between two reports of progress
SAID = 8000  # milliseconds that a success is told
PICTURES = "PNG (*.png);;TIFF (*.tif);;JPEG (*.jpg);;WebP (*.webp)"
RESULTS = "TIFF (*.tif);;NumPy array (*.npy);;PNG (*.png)"
MOVING = "Animated PNG (*.png);;GIF (*.gif)"

Cancel = Callable[[], bool]
Report = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Job:
    """What is to be written where; `run` works in a thread and returns what is to be told."""

    path: str
    run: Callable[[Cancel, Report], str]


class Progress(QWidget):
    """How far an export is, and a button that ends it."""

    def __init__(self, cancel: Callable[[], Any]) -> None:
        super().__init__()
        self.text, self.bar, button = QLabel(), QProgressBar(), QToolButton()
        self.bar.setMaximumWidth(180)
        self.bar.setAccessibleName("Progress of the export")
        button.setText("Cancel")
        button.setToolTip("Cancel the export (Esc)")
        button.clicked.connect(lambda: cancel())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.text, self.bar, button):
            row.addWidget(widget)
        self.hide()

    def show_step(self, done: int, total: int) -> None:
        self.bar.setRange(0, 1000)
        self.bar.setValue(1000 * done // max(total, 1))


class Exporter(QObject):
    """The rows of the export menu.

    Parameters
    ----------
    store : Store
    compare : Compare
        Whose view is exported.
    window : QMainWindow
        Of the dialogs and the status bar.
    """

    finished = Signal()  # whatever became of it
    _stepped = Signal(int, int)

    def __init__(self, store: Store, compare: Compare, window: QMainWindow) -> None:
        super().__init__(window)
        self._store, self._compare, self._window = store, compare, window
        self._scheduler = Scheduler(self._work, 1, name="export")
        self._scheduler.answered.connect(self._done)
        self._threads = max(upsampler.get_num_threads() - 1, 1)  # one is for the window
        self._busy: Job | None = None
        self._folder = ""
        self.progress = Progress(self.cancel)
        window.statusBar().addPermanentWidget(self.progress)
        self._stepped.connect(self.progress.show_step)

    # -- rows of the table ------------------------------------------------------------------------

    def export_view(self) -> None:
        """What the panes show, with their titles, as it is on the screen."""
        path = self._ask("Export the view", "view.png", PICTURES)
        if path:
            picture = Picture(self.view())
            self._begin(Job(path, lambda cancelled, report: self._written(path, picture)))

    def export_strip(self) -> None:
        """The region, or the middle of what is seen, from every pane side by side."""
        path = self._ask("Export a strip of crops", "strip.png", PICTURES)
        if not path:
            return
        now, region = self._store.state, self._region()

        def run(cancelled: Cancel, report: Report) -> str:
            cards = drawing.crops(now, region, cancelled, self._threads)
            return self._written(path, Picture(drawing.strip(cards, now.source.name)))

        self._begin(Job(path, run))

    def export_sheet(self) -> None:
        """Crops of all methods with PSNR, SSIM and times, measured against the truth."""
        path = self._ask("Export a contact sheet", "sheet.png", PICTURES)
        if not path:
            return
        now, region = self._store.state, self._store.state.region

        def run(cancelled: Cancel, report: Report) -> str:
            def step(done: int, total: int) -> None:
                if cancelled():
                    raise Cancelled
                report(done, total)

            return self._written(path, Picture(export.sheet(now, region, step)))

        self._begin(Job(path, run))

    def export_blink(self) -> None:
        """The view of all panes by turns, as a moving picture."""
        path = self._ask("Export a blinking picture", "blink.png", MOVING)
        if not path:
            return
        now = self._store.state
        requests = self._requests()

        def run(cancelled: Cancel, report: Report) -> str:
            shown = []
            for done, (pane, request) in enumerate(requests):
                frame = render(request, cancelled, self._threads)
                name = "   ".join((*drawing.label(now, pane), request.chip))
                shown.append((frame.pixels, name))
                report(done + 1, len(requests))
            return drawing.animation(path, shown)

        self._begin(Job(path, run))

    def export_result(self) -> None:
        """All that the focused pane makes, in full, block by block."""
        now = self._store.state
        pane, source = now.panes[now.focus], now.source
        path = self._ask("Export the whole result", "result.tif", RESULTS)
        if not path:
            return
        try:
            nbytes = export.check_result(source, pane, path)
        except (ImageError, ValueError) as error:
            self._store.update(state.warned, str(error))
            return
        height, width = pane.output_size(source.size)
        size = f"{width} x {height} pixels, {nbytes / 1e9:.1f} GB before compression"
        if nbytes >= ASK and not self.confirmed(f"The result has {size}. Write it?"):
            return

        def run(cancelled: Cancel, report: Report) -> str:
            export.write_result(source, pane, path, cancelled, report, self._threads)
            return ""

        self._begin(Job(path, run))

    # -- for the clipboard and the shell ----------------------------------------------------------

    def view(self) -> np.ndarray:
        """(H, W, 3) uint8: the panes with their titles, pixel by pixel as on the screen."""
        return pixels_of(self._compare.grab().toImage())

    def call(self) -> str:
        """The Python that makes the focused pane."""
        return python_call(self._store.state, self._store.state.focus)

    # -- asking, working, telling -----------------------------------------------------------------

    @property
    def busy(self) -> bool:
        return self._busy is not None

    def cancel(self) -> bool:
        """End what is at work; whether anything was."""
        if self._busy is None:
            return False
        self._scheduler.drop()
        self._end("The export was cancelled; no file was written.")
        return True

    def confirmed(self, question: str) -> bool:
        """Whether somebody wants what takes long."""
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._window, "Export", question, buttons.Ok | buttons.Cancel, buttons.Cancel
        )
        return answer == buttons.Ok

    def close_workers(self) -> None:
        self._scheduler.close()

    def _ask(self, title: str, name: str, filters: str) -> str:
        if self.busy:
            self._store.update(state.warned, "An export is at work; Esc cancels it.")
            return ""
        source = self._store.state.source
        folder = self._folder or (os.path.dirname(source.path) if source.path else "")
        stem = os.path.splitext(os.path.basename(source.path or source.name))[0]
        proposed = os.path.join(folder, f"{stem}-{name}")
        path, chosen = QFileDialog.getSaveFileName(self._window, title, proposed, filters)
        if not path:
            return ""
        self._folder = os.path.dirname(path)
        if not os.path.splitext(path)[1]:
            path += chosen.partition("(*")[2].partition(")")[0] or os.path.splitext(name)[1]
        return path

    def _begin(self, job: Job) -> None:
        self._busy = job
        self.progress.text.setText(f"writing {os.path.basename(job.path)}")
        self.progress.bar.setRange(0, 0)  # it moves, until there is something to tell
        self.progress.show()
        self._scheduler.submit((job,))

    def _work(self, job: Job, cancelled: Cancel) -> str:
        told = 0.0

        def report(done: int, total: int) -> None:
            nonlocal told
            now = time.monotonic()
            if now - told >= OFTEN or done == total:
                told = now
                self._stepped.emit(done, total)

        return job.run(cancelled, report)

    def _done(self, _generation: int, outcomes: tuple[Outcome, ...]) -> None:
        (outcome,) = outcomes
        if outcome.job is not self._busy:
            return
        name = os.path.basename(outcome.job.path)
        if outcome.error is None:
            self._end(f"Wrote {name}. {outcome.value}".strip())
            return
        self._end("")
        if not isinstance(outcome.error, Cancelled):
            reason = str(outcome.error) or type(outcome.error).__name__
            told = reason if name in reason else f"{name}: {reason}"
            self._store.update(state.warned, told)

    def _end(self, told: str) -> None:
        self._busy = None
        self.progress.hide()
        self._window.statusBar().showMessage(told, SAID)
        self.finished.emit()

    @staticmethod
    def _written(path: str, picture: Picture) -> str:
        write(path, picture)
        return ""

    def _region(self) -> Region:
        """The region, or the middle of what is seen."""
        now = self._store.state
        if now.region is None:
            now = changes.region_seen(now, *self._compare.viewport())
        region = now.region or Region(0, 0, *now.source.size)
        side = 2 * drawing.SIDE
        return Region(*(_middle(region, side)))

    def _requests(self) -> list:
        """What the panes show, each as large as all of them, in their order."""
        now = replace(self._store.state, mode=Mode.GRID, holding=False)
        slots = scene(now, *self._compare.viewport()).slots
        requests = [slot.layers[0].request for slot in slots]
        return [
            (slot.pane, replace(request, averaged=request.minified))
            for slot, request in zip(slots, requests, strict=True)
        ]


def _middle(region: Region, most: int) -> tuple[int, int, int, int]:
    """Of a region too large to be magnified the part in the middle."""
    spans = []
    for a, b in ((region.top, region.bottom), (region.left, region.right)):
        length = min(b - a, most)
        start = a + (b - a - length) // 2
        spans.append((start, start + length))
    (top, bottom), (left, right) = spans
    return top, left, bottom, right


def pixels_of(image: QImage) -> np.ndarray:
    """(H, W, 3) uint8 of a QImage."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    raw = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return raw[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()
