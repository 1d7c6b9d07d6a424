"""The centre of the window: the panes side by side, all painting the same View.

A change of state leads here to a scene, and that to one request for each layer of it.  The panes
change together when all answers are in; until then each shows its last frame under the new
transform.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import ceil, sqrt

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

import upsampler

from . import changes, panes
from . import state as change
from .cache import LRU
from .canvas import Canvas
from .decoration import Decoration
from .gestures import Gestures
from .pane import PaneWidget
from .panels.base import Shot
from .render import Frame, Renderer, Request, output
from .scene import Layer, Scene, Slot, composed, scene, visible
from .scheduler import Outcome, Scheduler
from .scores import Scores
from .state import TRUTH, ViewerState
from .store import Store
from .texts import parse_scale

CACHE_BYTES = 256 << 20
IDLE = 120  # milliseconds without a change after which averages replace samples below 1:1
BLINK = 600  # milliseconds of each picture
NOTHING = Scene((), ())


class Compare(QWidget):
    """The panes, the scheduler that feeds them, and the cache of what they have shown."""

    settled = Signal()  # every pane shows what the state asks for
    shown = Signal()  # the pixels of the panes, or what stands for them, have changed
    kernel_wanted = Signal()  # for the focused pane, from a file

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        # One thread for each pane, as far as there are cores, and the rest within the calls:
        # the panes are independent, so this scales better than threads within small windows.
        cores = upsampler.get_num_threads()
        workers = max(min(len(store.state.panes), cores), 1)
        self._render = Renderer(max(cores // workers, 1))
        self._scheduler = Scheduler(self._render, workers, obsolete, "frames")
        self._scheduler.answered.connect(self._answered)
        self._cache: LRU[Request, Frame] = LRU(CACHE_BYTES, lambda frame: frame.nbytes)
        self._frames: dict[int, Frame] = {}  # what was made last for each pane
        self._errors: dict[Request, str] = {}
        self._scene = NOTHING  # in exact frames
        self._titles: tuple[object, ...] = ()
        self._idle = False
        self.gestures = Gestures(store, self.viewport)

        # Several changes within one turn of the event loop are shown once.
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self.refresh)
        self._later = QTimer(self, singleShot=True, interval=IDLE)
        self._later.timeout.connect(self._refine)
        self._blink = QTimer(self, interval=BLINK)
        self._blink.timeout.connect(lambda: store.adjust(changes.flip))

        self.panes: list[PaneWidget] = []
        self.truth = self._connected(TRUTH)
        self._decoration = Decoration()
        self._scores = Scores()
        self._scores.changed.connect(self._show_scores)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(6, 6, 6, 6)
        self._grid.setSpacing(6)
        self._size = (1, 1)
        self._placed: tuple[int, ...] = ()
        self._arrange()
        store.changed.connect(self._soon.start)

    # -- the panes of the window ------------------------------------------------------------------

    def pane(self, i: int) -> PaneWidget:
        """The widget of pane `i`, or that of the truth."""
        return self.truth if i == TRUTH else self.panes[i]

    def _arrange(self) -> None:
        """As many panes as the state has, those in sight in rows that are nearly square."""
        state = self._store.state
        while len(self.panes) < len(state.panes):
            self.panes.append(self._connected(len(self.panes)))
        while len(self.panes) > len(state.panes):
            self._drop(self.panes.pop())
        placed = visible(state)
        if placed == self._placed:
            return
        self._placed = placed
        had_keys = isinstance(QApplication.focusWidget(), Canvas)
        for widget in (*self.panes, self.truth):
            self._grid.removeWidget(widget)
        columns = ceil(sqrt(len(placed)))
        for place, i in enumerate(placed):
            self._grid.addWidget(self.pane(i), *divmod(place, columns))
        for i, widget in ((TRUTH, self.truth), *enumerate(self.panes)):
            widget.setVisible(i in placed)
        self._grid.activate()
        if had_keys:  # a pane that hides would hand them to whatever comes next
            self.pane(state.focus if state.focus in placed else placed[0]).canvas.setFocus()

    def _drop(self, widget: PaneWidget) -> None:
        self._grid.removeWidget(widget)
        self._placed = ()
        widget.hide()
        widget.deleteLater()

    def _connected(self, i: int) -> PaneWidget:
        pane = PaneWidget(i)
        pane.setParent(self)
        update, canvas = self._store.update, pane.canvas
        pane.method.chosen.connect(partial(update, panes.set_method, i))
        pane.parameters.chosen.connect(partial(update, panes.set_method, i))
        pane.kernel_wanted.connect(partial(update, change.focus, i))
        pane.kernel_wanted.connect(self.kernel_wanted)
        pane.scale.chosen.connect(lambda text: update(panes.set_scale, i, parse_scale(text)))
        canvas.pressed.connect(partial(self._pressed, i))
        canvas.wheeled.connect(
            lambda notches, x, y: update(change.zoom, notches, x, y, *self.viewport())
        )
        canvas.dragged.connect(self.gestures.move)
        canvas.released.connect(self.gestures.release)
        canvas.pointed.connect(partial(self._point, i))
        canvas.resized.connect(self._soon.start)
        return pane

    def _pressed(self, i: int, x: float, y: float, alone: bool) -> None:
        if self._placed != (i,):  # where one pane fills the window its number is not the focus
            self._store.update(change.focus, i)
        self.gestures.press(i, x, y, alone)

    def _point(self, i: int, at: tuple[float, float] | None) -> None:
        self._decoration.pointed = None if at is None else i
        if at is not None:
            self.pane(i).canvas.show_grip(self.gestures.line_at(*at), self._store.state.selecting)
            width, height = self.viewport()
            at = at[0] - width / 2, at[1] - height / 2
        self._store.update(change.point, at)

    def viewport(self) -> tuple[int, int]:
        """Width and height in device pixels that every pane looks through.

        The layout may give one pane a pixel more than another.  All look through the largest,
        or their middles, and with them the rounded offsets, would differ by half a pixel.
        """
        sizes = [self.pane(i).canvas.device_size() for i in self._placed]
        if sizes:  # a pane that goes tells the mouse to leave: then no other has its place yet
            self._size = max(width for width, _ in sizes), max(height for _, height in sizes)
        return self._size

    def close_workers(self) -> None:
        self._blink.stop()
        self._scheduler.close()
        self._scores.close()

    @property
    def is_settled(self) -> bool:
        """Whether every pane shows what the state asks for, averages included."""
        waiting = self._soon.isActive() or self._later.isActive() or not self._scheduler.idle
        return bool(self._scene.slots) and not waiting

    @property
    def is_measured(self) -> bool:
        """Whether the titles have all scores that they will have."""
        return self._scores.idle

    # -- from state to requests to pixels ---------------------------------------------------------

    def refresh(self) -> None:
        """Ask for what the state shows, if that has changed."""
        state = self._store.state
        if not self.isVisible():  # without a layout sizes mean nothing; showing resizes
            return
        self._arrange()
        if state.view is None:
            self._store.adjust(change.home, *self.viewport())
            return
        self._show_titles(state)
        self._show_blinking(state)
        wanted = scene(state, *self.viewport())
        if wanted == self._scene:
            self._decorate()
            return
        self._forget({state.source, state.truth})
        self._scene = wanted
        self._idle = False
        self._later.stop()
        self._advance()

    def _show_titles(self, state: ViewerState) -> None:
        titles = (state.panes, state.focus, state.reference, state.truth, state.source)
        if titles != self._titles:
            self._titles = titles
            for i, pane in enumerate(self.panes):
                pane.show_pane(state.panes[i], i == state.focus, i == state.reference)
            self.truth.show_truth(state.truth, state.reference == TRUTH)
            self._scores.ask(state)
            self._show_scores()

    def _show_scores(self) -> None:
        scored = self._store.state.reference == TRUTH
        self.truth.show_score("", scored)
        for i, pane in enumerate(self.panes):
            pane.show_score(self._scores.text(i), scored)

    def _show_blinking(self, state: ViewerState) -> None:
        if state.blinking != self._blink.isActive():
            (self._blink.start if state.blinking else self._blink.stop)()

    def _advance(self) -> None:
        """Show what is known of the scene, and have the rest computed."""
        now = self._best_scene()
        layers = [layer for slot in now.slots for layer in slot.layers]
        waiting = any(self._is_missing(layer) for layer in layers)
        for slot in now.slots:
            self._show(slot, waiting)
        self._decorate()
        self.shown.emit()
        missing = [layer.request for layer in now.layers if self._is_missing(layer)]
        if missing:
            self._scheduler.submit(tuple(dict.fromkeys(missing)))
            return
        self._scheduler.drop()
        if not self._idle and self._improves(now):
            self._later.start()
        else:
            self.settled.emit()

    def _improves(self, now: Scene) -> bool:
        """Whether there is more to see once nothing moves: averages, or numbers in the pixels."""
        requests = [layer.request for layer in now.layers]
        unaveraged = any(request.minified and not request.averaged for request in requests)
        return unaveraged or self._decoration.has_numbers(self._store.state, self._frames, now)

    def _best_scene(self) -> Scene:
        """Below 1:1 the averages, once they are known or nothing has moved for a while."""

        def best(layer: Layer) -> Layer:
            if not layer.request.minified:
                return layer
            averaged = replace(layer, request=replace(layer.request, averaged=True))
            known = self._frame(averaged) is not None
            return averaged if self._idle or known else layer

        slots = (replace(s, layers=tuple(map(best, s.layers))) for s in self._scene.slots)
        return Scene(tuple(slots), tuple(map(best, self._scene.ahead)))

    def _is_missing(self, layer: Layer) -> bool:
        return self._frame(layer) is None and layer.request not in self._errors

    def _frame(self, layer: Layer) -> Frame | None:
        # What a pane shows counts as known whether or not the cache had room for it.
        shown = self._frames.get(layer.pane)
        if shown is not None and shown.request == layer.request:
            return shown
        return self._cache.get(layer.request)

    def _refine(self) -> None:
        before = self._scene
        self._catch_up()
        if self._scene is before:  # nothing moves any more
            self._idle = True
            self._advance()

    def _answered(self, _generation: int, outcomes: tuple[Outcome, ...]) -> None:
        """Take answers in; those to a view that has passed are shown under the present one."""
        state = self._store.state
        for outcome in outcomes:
            request, frame = outcome.job, outcome.value
            if request.source not in (state.source, state.truth):
                continue
            if outcome.error is not None:
                self._errors[request] = f"{outcome.error}" or type(outcome.error).__name__
                continue
            self._cache[request] = frame
            for layer in self._scene.layers:
                same = replace(layer.request, rows=request.rows, cols=request.cols)
                if same == replace(request, averaged=False):
                    self._frames[layer.pane] = frame
        self._catch_up()
        self._advance()

    def _catch_up(self) -> None:
        """Where the state has moved on, first the scene that it asks for."""
        while self._soon.isActive():
            self._soon.stop()
            self.refresh()

    def _forget(self, held: set) -> None:
        """Frames of pictures that are gone; they hold their source, which may be large."""
        gone = {f.request.source for f in self._frames.values()} - held
        if gone:
            self._render.forget()
            self._cache.clear()
            self._errors.clear()
            self._frames.clear()

    def _show(self, slot: Slot, waiting: bool) -> None:
        pane = self.pane(slot.pane)
        errors = [self._errors[la.request] for la in slot.layers if la.request in self._errors]
        if waiting:
            parts = [(layer.box, self._old(slot, layer)) for layer in slot.layers]
            self._paint(pane, parts)
            pane.show_chip("computing")
            return
        if errors:
            pane.canvas.show_pixels(None, errors[0])
            pane.show_chip("failed")
            return
        frames = [self._frame(layer) for layer in slot.layers]
        for layer, frame in zip(slot.layers, frames, strict=True):
            self._frames[layer.pane] = frame
        self._paint(pane, [(la.box, f.pixels) for la, f in zip(slot.layers, frames, strict=True)])
        chips = dict.fromkeys(layer.request.chip for layer in slot.layers)
        pane.show_chip(" | ".join(chips), sum(frame.seconds for frame in frames))

    def _paint(self, pane: PaneWidget, parts: list) -> None:
        known = [(box, pixels) for box, pixels in parts if pixels is not None]
        if known:
            pane.canvas.show_pixels(composed(known, *self.viewport()))
        else:
            pane.canvas.show_pixels(None)

    def _old(self, slot: Slot, layer: Layer) -> np.ndarray | None:
        """The last frame of a layer, or of its slot, under the transform of the layer."""
        frame = self._frames.get(layer.pane) or self._frames.get(slot.pane)
        if frame is None:
            return None
        return frame.under(layer.request.rows, layer.request.cols)

    def _decorate(self) -> None:
        size = self.viewport()
        for slot in self._scene.slots:
            canvas = self.pane(slot.pane).canvas
            self._decoration.show(canvas, self._store.state, slot, self._frames, size, self._idle)

    # -- for the panels and the status bar --------------------------------------------------------

    def shot(self) -> Shot:
        """What the panes show now, for the panels."""
        return Shot(self._store.state, self.viewport(), dict(self._frames), self.is_settled)

    def values(self, i: int) -> tuple[str, ...] | None:
        """What pane `i` has under the cursor, in the units of the file; None outside."""
        state = self._store.state
        if i >= len(self.panes):  # new, and not arranged yet
            return None
        place = self.output_index(i)
        if place is None or i >= len(self.panes):  # there is no such pane yet
            return None
        subject, frame = state.subject(i), self._frames.get(i)
        if self.pane(i).canvas.error or frame is None:
            return None
        # What is computed for the first time (a kernel may have to be learned) is not waited for.
        if (frame.request.source, frame.request.pane) != (subject.source, subject.pane):
            return None
        r, c = place
        pixel = frame.output(r, c)  # computed already, if it can be seen at 1:1 or larger
        if pixel is None:
            pixel = output(subject.source, subject.pane, (r, r + 1), (c, c + 1))[0, 0]
        return subject.source.told(pixel)

    def output_index(self, i: int) -> tuple[int, int] | None:
        """Row and column of the output that pane `i` shows under the cursor."""
        state = self._store.state
        if state.cursor is None or state.view is None:
            return None
        width, height = self.viewport()
        rows, cols = state.axes(i, width, height)
        r = rows.index(int(np.floor(state.cursor[1] + height / 2)))
        c = cols.index(int(np.floor(state.cursor[0] + width / 2)))
        return None if r < 0 or c < 0 else (r, c)


def obsolete(old: tuple[Request, ...], new: tuple[Request, ...]) -> bool:
    """Whether frames at work are useless now.

    Samples of an earlier view are still worth showing under the new one; averages take long and
    come only when nothing moves, and another picture or method shares nothing.
    """
    if any(request.averaged for request in old):
        return True
    return not {(r.source, r.pane) for r in old} & {(r.source, r.pane) for r in new}
