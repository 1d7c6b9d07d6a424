"""Learning a kernel: what is asked, how it goes, the kernel, and the pane that changes with it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QPushButton, QVBoxLayout

import upsampler
from upsampler import kernel_files

from .. import learning, state
from ..areas import named
from ..learning import Learned, Lesson
from ..scheduler import Outcome, Scheduler
from ..store import Store
from . import controls
from .base import Panel, Shot
from .kernel import KernelPicture
from .plot import Curve, Plot
from .published import Published
from .recipe import RecipeForm
from .working import WIDTH

SHOW = 0.2  # seconds between two kernels that the pane shows
PATIENCE = 2.0  # seconds that the pane has for it
SMOOTH = 25  # steps whose mean is drawn over the losses
FAINT = 0.5 / 255  # of the mean of a picture: a pattern that rounding to 8 bits hides
POINTS = 2000  # of a curve, about: more cannot be told apart, and take long to draw
KERNELS = "Kernels (*.npz *.npy);;All files (*)"


@dataclass(frozen=True, eq=False)
class Run:
    """A lesson under way, and the means to end it with what there is."""

    lesson: Lesson
    stop: threading.Event = field(default_factory=threading.Event)


class LearningPanel(Panel):
    """Learns in a worker, whether the panel is seen or not: somebody has asked for it."""

    name, title = "learning", "Learning"
    _reported = Signal(object, object)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.setMinimumWidth(WIDTH)
        self.learned: Learned | None = None
        self._run: Run | None = None
        self._baseline: float | None = None
        self._published = Published(store)
        self._shown = 0.0  # when the pane was given its last kernel
        self._seen = True  # whether it has shown it, as far as is known: nothing is while hidden
        self._scheduler = Scheduler(self._work, 1, name=self.name)
        self._scheduler.answered.connect(self._answered)
        self._reported.connect(self._report, Qt.ConnectionType.QueuedConnection)
        store.changed.connect(self._check_picture)

        self.form, self.status = RecipeForm(), controls.note()
        self.caption = controls.note()
        self.plot = Plot("step", "mean squared error")
        self.kernel, self.remark = KernelPicture(), controls.note()
        self.buttons = {
            "learn": self._button("Learn", "Teach the focused pane a kernel", self.learn),
            "stop": self._button("Stop", "Keep what has been learned so far", self.stop),
            "save": self._button("Save...", "Write the kernel to a file", self.save),
            "load": self._button("Load...", "Go on from a kernel in a file", self.load),
        }
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        for widget, stretch in (
            (self.caption, 0), (self.form, 0), (controls.row(*self.buttons.values()), 0),
            (self.status, 0), (self.plot, 2), (self.kernel, 3), (self.remark, 0),
        ):  # fmt: skip
            column.addWidget(widget, stretch)
        self.plot.hide()
        self._show_state()

    def _button(self, text: str, tip: str, action: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda _checked: action())
        return button

    @property
    def idle(self) -> bool:
        return self._run is None

    # -- what the buttons do ----------------------------------------------------------------------

    def learn(self) -> None:
        """Begin; the focused pane shows what is learned."""
        now = self.store.state
        start = self.learned
        self._run = Run(Lesson(now.source, now.truth, self.form.recipe(), start))
        self._baseline = None
        self._published.begin(now.focus)
        self._seen = True
        self.status.setText("preparing")
        self._scheduler.submit((self._run,))
        self._show_state()

    def stop(self) -> None:
        """End after the step that is under way, and keep what has been learned."""
        if self._run is not None:
            self._run.stop.set()

    def cancel(self) -> bool:
        running = self._run is not None and not self._run.stop.is_set()
        self.stop()
        return running

    def save(self) -> None:
        """Write the kernel; the pane then shows that of the file."""
        if self.learned is None:
            return
        path, _ = QFileDialog.getSaveFileName(
            self, "Save the kernel", "kernel.npz", "Kernels (*.npz)"
        )
        if path:
            self.save_as(path if path.lower().endswith(".npz") else f"{path}.npz")

    def save_as(self, path: str) -> None:
        assert self.learned is not None
        try:
            self.learned.module().save(path)
        except OSError as error:
            self._warn(f"{path}: {(error.strerror or str(error)).lower()}")
            return
        self._published.keep(path)
        self.status.setText(f"saved as {os.path.basename(path)}")

    def load(self) -> None:
        """Show a kernel from a file, to go on from."""
        path, _ = QFileDialog.getOpenFileName(self, "Load a kernel", "", KERNELS)
        if path:
            self.load_from(path)

    def load_from(self, path: str) -> None:
        scale = self.form.scale.value()
        try:
            weight = kernel_files.transposed(path, (scale, scale), 1)
        except ValueError as error:
            self._warn(str(error))
            return
        self.learned = Learned(weight.astype(np.float32), scale, np.array([]))
        self._baseline = None
        self._published.begin(self.store.state.focus)
        self._published.keep(path, scale)
        self.status.setText(f"loaded {os.path.basename(path)}")
        self._show_learned(self.learned)

    def _warn(self, message: str) -> None:
        self.store.update(state.warned, message)

    # -- the worker -------------------------------------------------------------------------------

    def _work(self, run: Run, cancelled: Callable[[], bool]) -> Learned:
        """In the worker: nothing of the panel is touched but by signals."""
        low, high = learning.examples(run.lesson, cancelled)
        baseline = learning.bilinear_loss(low, high, run.lesson.recipe.scale)
        self._reported.emit(run, baseline)
        return learning.learn(
            run.lesson,
            lambda learned: self._reported.emit(run, learned),
            run.stop.is_set,
            cancelled,
        )

    def _report(self, run: Run, news: Learned | float) -> None:
        if run is not self._run:
            return
        if isinstance(news, float):
            self._baseline = news
            return
        self.learned = news
        waited = time.monotonic() - self._shown
        # A pane that is given the next kernel before it could show the last one shows none at all.
        if waited >= (SHOW if self._seen else PATIENCE):
            self._shown, self._seen = time.monotonic(), False
            self._published.publish(news)
        self._show_learned(news)

    def _answered(self, _generation: int, outcomes: tuple[Outcome, ...]) -> None:
        (outcome,) = outcomes
        if outcome.job is not self._run:
            return
        self._run = None
        if outcome.error is not None:
            self.status.setText(str(outcome.error) or type(outcome.error).__name__)
        else:
            self.learned = outcome.value
            self._published.publish(outcome.value)
            self._show_learned(outcome.value)
            self.status.setText(f"{self.status.text()}; not saved")
        self._show_state()

    def _check_picture(self) -> None:
        """Another picture: what is learned from the old one is of no use to it."""
        if self._run is not None and self.store.state.source is not self._run.lesson.source:
            self._scheduler.drop()
            self._run = None
            self.status.setText("stopped: another picture has been opened")
            self._show_state()

    # -- what is shown ----------------------------------------------------------------------------

    def refresh(self, shot: Shot) -> None:
        """The panel shows its own kernel, whatever the panes show."""
        methods = {frame.request.pane.method for frame in shot.frames.values()}
        self._seen = self._seen or self._published.method in methods
        scale = self.form.scale.value()
        lesson = Lesson(shot.state.source, shot.state.truth, self.form.recipe())
        pane = named(shot.state, shot.state.focus)
        learned_from = "its truth" if lesson.has_truth else f"its averages, {scale} times smaller"
        self.caption.setText(f"Pane {pane}: from the picture and {learned_from}")

    def _show_state(self) -> None:
        running = self._run is not None
        self.buttons["learn"].setEnabled(not running)
        self.buttons["stop"].setEnabled(running)
        self.buttons["save"].setEnabled(self.learned is not None and not running)
        self.buttons["load"].setEnabled(not running)
        self.form.setEnabled(not running)

    def _show_learned(self, learned: Learned) -> None:
        self.status.setText(_told(learned, self._run, self._baseline))
        stepwise = learned.losses.size > 1
        self.plot.setVisible(stepwise)  # what is found at once has no way that could be drawn
        self.plot.draw(
            _curves(learned.losses, self._baseline) if stepwise else [], logarithmic=True
        )
        self.kernel.show_weight(learned.weight[0, 0])
        self.remark.setText(_remark(learned))

    def close_workers(self) -> None:
        self._scheduler.close()
        self._published.close()


def _remark(learned: Learned) -> str:
    """What pattern the kernel leaves, and what helps, if it is one that can be seen."""
    score = learned.score
    if score < FAINT:
        return f"checkerboard score {score:.2g}: less than half a level of 8 bits"
    advice = upsampler.checkerboard(learned.weight, learned.scale).advice
    return f"checkerboard score {score:.3g}: {advice}"


def _told(learned: Learned, run: Run | None, baseline: float | None) -> str:
    """How far it is, and how good."""
    losses = learned.losses
    parts = []
    if run is not None:
        parts.append(f"step {losses.size}")
    elif losses.size > 1:
        parts.append(f"{losses.size} steps")
    if losses.size:
        loss = float(losses[-SMOOTH:].mean())
        parts.append(f"loss {loss:.3g} ({learning.decibels(loss):.2f} dB)")
    if baseline is not None:
        parts.append(f"bilinear {learning.decibels(baseline):.2f} dB")
    return ", ".join(parts)


def _curves(losses: np.ndarray, baseline: float | None) -> list[Curve]:
    """The losses, their running mean, and what bilinear interpolation has."""
    steps = np.arange(1, losses.size + 1)
    width = min(SMOOTH, losses.size)
    sums = np.cumsum(np.append(0.0, losses))
    mean = (sums[width:] - sums[:-width]) / width
    curves = [
        Curve(_thinned(x), _thinned(y), colour)
        for x, y, colour in (
            (steps, losses, "#8a8f98"), (steps[width - 1 :], mean, controls.COLOURS[0])
        )
    ]  # fmt: skip
    if baseline:
        ends = np.array([1, losses.size])
        curves.append(Curve(ends, np.full(2, baseline), controls.COLOURS[1], dashed=True))
    return curves


def _thinned(values: np.ndarray) -> np.ndarray:
    """Some `POINTS` of them, the last one among them."""
    return values[:: -max(values.size // POINTS, 1)][::-1]
