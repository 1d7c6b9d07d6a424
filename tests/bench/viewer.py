"""How smooth the viewer is: real events on a real window, four panes at 1920 x 1080.

A frame is the time from an event (a mouse move, a notch of the wheel) until all panes have been
repainted under the new view; "own" is the time until what they show was computed for it.  Events
come at 60 Hz, as those of a hand do.  "averaged" is how long after the last event the averages
that replace samples below 1:1 are complete, the pause of `compare.IDLE` included.  "window" and
"all" are times of the processor, which a busy machine stretches less: what the window's thread did
for a frame, and all threads from one event to the next.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import numpy as np

from upsampler.charts import SAMPLE
from upsampler.images import read
from upsampler.resize import resize_picture

from . import machine

SIZE = 1920, 1080
PHOTO = 4000, 6000  # rows and columns: 24 megapixels
TICK = 1 / 60
STEPS = 90  # events of a drag
MEDIAN, P95, START = 16.7, 33.0, 1.5  # what is promised: ms, ms, s
PATIENCE = 60  # seconds


@dataclass(frozen=True)
class Row:
    """One gesture, in milliseconds."""

    name: str
    frames: int
    median: float
    p95: float
    own_median: float
    own_p95: float
    own: int  # events whose own pixels were painted before the next event
    window: float  # median time that the window's thread computed for a frame
    all: float  # median time that all threads computed from one event to the next
    averaged: float | None = None

    @property
    def good(self) -> bool:
        return self.median <= MEDIAN and self.p95 <= P95


def photo(rows: int = PHOTO[0], columns: int = PHOTO[1]) -> np.ndarray:
    """(H, W, 3) uint8: the sample photograph enlarged, with noise, as a camera has it."""
    large = resize_picture(read(SAMPLE), size=(rows, columns), method="bicubic").pixels
    noise = np.random.default_rng(0).integers(-6, 7, (256, columns, 1), np.int16)
    for top in range(0, rows, 256):
        part = large[top : top + 256]
        part[...] = np.clip(part + noise[: len(part)], 0, 255)
    return large


class Rig:
    """A window, and the clock beside it."""

    def __init__(self, pixels: np.ndarray | str, methods: Sequence[str] = ()) -> None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        from PySide6.QtCore import QEvent, QObject
        from upsampler_gui import app, panes, source, state
        from upsampler_gui.mainwindow import MainWindow

        from upsampler.picture import Picture

        class Paints(QObject):
            """Counts the paints of a canvas."""

            count = 0

            def eventFilter(self, watched: QObject, event: QEvent) -> bool:
                self.count += event.type() == QEvent.Type.Paint
                return False

        self.application = app.application()
        self.window = MainWindow()
        self.window.resize(*SIZE)
        self.window.show()
        self.state = state
        opened = (
            source.load(pixels) if isinstance(pixels, str)
            else source.source(Picture(pixels), "photo")
        )  # fmt: skip
        self.window.store.update(state.opened, opened)
        for i, method in enumerate(methods):
            self.window.store.update(panes.set_method, i, method)
        self.canvases = [pane.canvas for pane in self.window.compare.panes]
        self.paints = [Paints() for _ in self.canvases]
        for canvas, paints in zip(self.canvases, self.paints, strict=True):
            canvas.installEventFilter(paints)
        self.settle()

    def process(self) -> None:
        self.application.processEvents()

    def settle(self) -> None:
        self.until(lambda: self.window.compare.is_settled)

    def until(self, done: Callable[[], bool]) -> float:
        """Seconds until `done`."""
        begin = time.perf_counter()
        while True:
            self.process()
            now = time.perf_counter() - begin
            if done():
                return now
            if now > PATIENCE:
                raise TimeoutError("the window does not come to rest")
            time.sleep(0.0002)

    @property
    def computing(self) -> bool:
        return any(pane.chip.accessibleName() == "computing" for pane in self.window.compare.panes)

    def gesture(self, name: str, events: Iterator[Callable[[], None]]) -> Row:
        """Send events at 60 Hz, and watch the panes."""
        shown: list[float] = []
        own: list[float] = []
        window: list[float] = []
        everything: list[float] = []
        quick = 0
        for send in events:
            begin, cpu, every = time.perf_counter(), time.thread_time(), time.process_time()
            before, view = [p.count for p in self.paints], self.window.store.state.view
            send()
            if self.window.store.state.view == view:
                continue  # as far as it goes
            painted = complete = None
            while (elapsed := time.perf_counter() - begin) < TICK or painted is None:
                self.process()
                if all(p.count > b for p, b in zip(self.paints, before, strict=True)):
                    elapsed = time.perf_counter() - begin
                    if painted is None:
                        painted = elapsed
                        window.append(time.thread_time() - cpu)
                    if complete is None and not self.computing:
                        complete = elapsed
                if elapsed > PATIENCE:
                    raise TimeoutError("no frame")
                time.sleep(0.0002)
            shown.append(painted)
            everything.append(time.process_time() - every)
            if complete is not None:
                quick += complete <= TICK
                own.append(complete)
        begin = time.perf_counter()
        minified = self.window.compare.is_settled is False
        self.settle()
        ms = 1e3 * np.array(shown)
        own_ms = 1e3 * np.array(own or [np.nan])
        return Row(
            name, len(shown), float(np.median(ms)), float(np.percentile(ms, 95)),
            float(np.median(own_ms)), float(np.percentile(own_ms, 95)), quick,
            1e3 * float(np.median(window)), 1e3 * float(np.median(everything)),
            1e3 * (time.perf_counter() - begin) if minified else None,
        )  # fmt: skip

    def drags(self, steps: int) -> Iterator[Callable[[], None]]:
        """A hand that draws circles with the picture."""
        from PySide6.QtCore import QEvent, QPointF, Qt
        from PySide6.QtGui import QMouseEvent
        from PySide6.QtWidgets import QApplication

        canvas = self.canvases[0]
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        plain = Qt.KeyboardModifier.NoModifier

        def send(kind: QEvent.Type, at: QPointF, button: Qt.MouseButton) -> None:
            where = canvas.mapToGlobal(at)
            held = none if kind == QEvent.Type.MouseButtonRelease else left
            QApplication.sendEvent(canvas, QMouseEvent(kind, at, where, button, held, plain))

        def place(i: int) -> QPointF:
            angle = 2 * pi * i / 45
            return QPointF(400 + 90 * sin(angle), 250 - 90 * cos(angle))

        send(QEvent.Type.MouseButtonPress, place(0), left)
        for i in range(1, steps + 1):
            yield lambda i=i: send(QEvent.Type.MouseMove, place(i), none)
        send(QEvent.Type.MouseButtonRelease, place(steps), left)

    def wheels(self, notches: Sequence[int]) -> Iterator[Callable[[], None]]:
        from PySide6.QtCore import QPoint, QPointF, Qt
        from PySide6.QtGui import QWheelEvent
        from PySide6.QtWidgets import QApplication

        canvas = self.canvases[0]
        at = QPointF(311, 205)
        for notch in notches:
            event = QWheelEvent(
                at, canvas.mapToGlobal(at), QPoint(), QPoint(0, 120 * notch),
                Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            yield lambda event=event: QApplication.sendEvent(canvas, event)

    def fit(self) -> None:
        self.window.store.update(self.state.fit, *self.window.compare.viewport())
        self.settle()

    def at(self, k: float) -> None:
        """`k` device pixels for an output pixel, about the middle."""
        self.fit()
        self.window.store.update(self.state.n_to_one, k)
        self.settle()


def run(
    rows: int = PHOTO[0], columns: int = PHOTO[1], methods: Sequence[str] = (), steps: int = STEPS
) -> list[Row]:
    """All gestures on a photograph of that size."""
    rig = Rig(photo(rows, columns), methods)
    found = []
    rig.fit()
    found.append(rig.gesture("pan, fit", rig.drags(steps)))
    for k, name in ((1 / 8, "1:8"), (1 / 3, "1:3"), (1, "1:1"), (3, "x3"), (16, "x16")):
        rig.at(k)
        found.append(rig.gesture(f"pan, {name}", rig.drags(steps)))
    rig.fit()
    found.append(rig.gesture("zoom, fit to x16", rig.wheels([1] * 20)))
    found.append(rig.gesture("zoom, x16 to fit", rig.wheels([-1] * 20)))
    rig.window.close()
    return found


_START = """
import sys, time
from upsampler_gui import app
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from upsampler_gui.mainwindow import MainWindow

real = MainWindow.show
def show(window):
    real(window)
    def look():
        if window.isVisible() and all(
            pane.canvas.pixels is not None and pane.chip.accessibleName() not in ("", "computing")
            for pane in window.compare.panes
        ):
            window.repaint()
            print(time.time() - float(sys.argv[1]), flush=True)
            window.close()
    timer = QTimer(window)
    timer.timeout.connect(look)
    timer.start(2)
MainWindow.show = show
sys.exit(app.main([]))
"""


def start() -> float:
    """Seconds from the start of a process to its first picture: the middle of five."""
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    seconds = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", _START, str(time.time())],
            capture_output=True, text=True, env=environment, timeout=PATIENCE, check=True,
        )  # fmt: skip
        seconds.append(float(done.stdout))
    return float(np.median(seconds))


def report(found: Sequence[Row], seconds: float) -> str:
    """The table for people."""
    lines = [
        f"{'gesture':18} {'frame':>7} {'p95':>7}   {'own':>7} {'p95':>7}   "
        f"{'window':>7} {'all':>7}   averaged"
    ]
    for row in found:
        after = "" if row.averaged is None else f"{row.averaged:8.0f} ms"
        after += "" if row.good else "   TOO SLOW"
        lines.append(
            f"{row.name:18} {row.median:7.1f} {row.p95:7.1f}   {row.own_median:7.1f} "
            f"{row.own_p95:7.1f}   {row.window:7.1f} {row.all:7.1f}   {after}"
        )
    verdict = "" if seconds <= START else "   TOO SLOW"
    lines.append(f"start to first picture: {seconds:.2f} s{verdict}")
    return "\n".join(lines)


def main(path: Path | None) -> int:
    """Measure, print, and write JSON; 1 where a promise is not kept."""
    load = machine.load()
    found, seconds = run(), start()
    print(report(found, seconds))
    if path is not None:
        document: dict[str, Any] = {
            "machine": machine.describe({}, load),
            "start_seconds": seconds,
            "gestures": [asdict(row) for row in found],
        }
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return int(seconds > START or not all(row.good for row in found))
