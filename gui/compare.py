"""The centre of the window: the panes side by side, all painting the same View.

A change of state leads here to a scene, and that to one request for each layer of it.  The panes
change together when all answers are in; until then each shows its last frame under the new
transform.
"""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal

import upsampler

from . import changes
from . import state as change
from .areas import under_cursor
from .decoration import Decoration
from .difference import Difference, gain_for
from .frames import Frames
from .pane import PaneWidget
from .panegrid import PaneGrid
from .panels.base import Shot
from .render import Renderer, Request, output
from .scene import Scene, Slot, composed, scene
from .scheduler import Outcome, Scheduler
from .scores import Scores
from .state import TRUTH, ViewerState
from .store import Store

IDLE = 120  # milliseconds without a change after which averages replace samples below 1:1
BLINK = 600  # milliseconds of each picture
NOTHING = Scene((), ())


class Compare(PaneGrid):
    """The panes, and the scheduler that feeds them."""

    settled = Signal()  # every pane shows what the state asks for
    shown = Signal()  # the pixels of the panes, or what stands for them, have changed

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        # One thread for each pane, as far as there are cores, and the rest within the calls:
        # the panes are independent, so this scales better than threads within small windows.
        cores = upsampler.get_num_threads()
        workers = max(min(len(store.state.panes), cores), 1)
        self._render = Renderer(max(cores // workers, 1))
        self._scheduler = Scheduler(self._render, workers, obsolete, "frames")
        self._scheduler.answered.connect(self._answered)
        self._frames = Frames()
        self._scene = NOTHING  # in exact frames
        self._titles: tuple[object, ...] = ()
        self._idle = False

        # Several changes within one turn of the event loop are shown once.
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self.refresh)
        self._later = QTimer(self, singleShot=True, interval=IDLE)
        self._later.timeout.connect(self._refine)
        self._blink = QTimer(self, interval=BLINK)
        self._blink.timeout.connect(lambda: store.adjust(changes.flip))

        self._decoration = Decoration()
        self._scores = Scores()
        self._scores.changed.connect(self._show_scores)
        self.pointed.connect(self._point)
        self.resized.connect(self._soon.start)
        store.changed.connect(self._soon.start)

    def _point(self, i: int, at: tuple[float, float] | None) -> None:
        self._decoration.pointed = None if at is None else i
        if at is not None:
            self.pane(i).canvas.show_grip(self.gestures.line_at(*at), self._store.state.selecting)
            width, height = self.viewport()
            at = at[0] - width / 2, at[1] - height / 2
        self._store.update(change.point, at)

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
        self.arrange()
        if state.view is None:
            self._store.adjust(change.home, *self.viewport())
            return
        self._show_titles(state)
        self._show_blinking(state)
        wanted = scene(state, *self.viewport())
        if wanted == self._scene:
            self._decorate()
            return
        if self._frames.forget({state.source, state.truth}):
            self._render.forget()
        self._scene = wanted
        self._idle = False
        self._later.stop()
        self._advance()

    def _show_titles(self, state: ViewerState) -> None:
        titles = (state.panes, state.focus, state.reference, state.truth, state.source)
        if titles != self._titles:
            self._titles = titles
            self.show_panes(state)
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
        now, frames = self._frames.best(self._scene, self._idle), self._frames
        waiting = any(frames.is_missing(layer) for slot in now.slots for layer in slot.layers)
        for slot in now.slots:
            self._show(slot, waiting)
        self._decorate()
        self.shown.emit()
        missing = [layer.request for layer in now.layers if frames.is_missing(layer)]
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
        return unaveraged or self._decoration.has_numbers(self._store.state, now)

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
            request = outcome.job
            if request.source not in (state.source, state.truth):
                continue
            if outcome.error is not None:
                self._frames.fail(request, outcome.error)
            else:
                self._frames.take(request, outcome.value, self._scene.layers)
        self._catch_up()
        self._advance()

    def _catch_up(self) -> None:
        """Where the state has moved on, first the scene that it asks for."""
        while self._soon.isActive():
            self._soon.stop()
            self.refresh()

    def _show(self, slot: Slot, waiting: bool) -> None:
        pane = self.pane(slot.pane)
        if waiting:
            self._paint(pane, [(la.box, self._frames.old(slot, la)) for la in slot.layers])
            pane.show_chip("computing")
            return
        errors = list(filter(None, map(self._frames.error, slot.layers)))
        if errors:
            pane.canvas.show_pixels(None, errors[0])
            pane.show_chip("failed")
            return
        frames = [(layer.box, self._frames.shown(layer)) for layer in slot.layers]
        self._paint(pane, [(box, frame.pixels) for box, frame in frames if frame])
        chips = dict.fromkeys(frame.request.chip for _, frame in frames if frame)
        pane.show_chip(" | ".join(chips), sum(frame.seconds for _, frame in frames if frame))

    def _paint(self, pane: PaneWidget, parts: list) -> None:
        known = [(box, pixels) for box, pixels in parts if pixels is not None]
        pane.canvas.show_pixels(composed(known, *self.viewport()) if known else None)

    def _decorate(self) -> None:
        size, frames = self.viewport(), self._frames.last
        for slot in self._scene.slots:
            canvas = self.pane(slot.pane).canvas
            self._decoration.show(canvas, self._store.state, slot, frames, size, self._idle)

    def fit_gain(self) -> None:
        """The gain with which the differences that are seen fill the map."""
        frames = [self._frames.last.get(i) for i in self.placed]
        looks = [f for f in frames if f is not None and isinstance(f.request.look, Difference)]
        gain = gain_for(frame.values for frame in looks)
        if gain is None:
            self._store.update(change.warned, "There is no difference to be seen.")
        else:
            self._store.update(changes.set_gain, gain)

    # -- for the panels and the status bar --------------------------------------------------------

    def shot(self) -> Shot:
        """What the panes show now, for the panels."""
        frames = dict(self._frames.last)
        return Shot(self._store.state, self.viewport(), frames, self.is_settled)

    def values(self, i: int) -> tuple[str, ...] | None:
        """What pane `i` has under the cursor, in the units of the file; None outside."""
        state = self._store.state
        if i >= len(self.panes):  # new, and not arranged yet
            return None
        place = self.output_index(i)
        if place is None or i >= len(self.panes):  # there is no such pane yet
            return None
        subject, frame = state.subject(i), self._frames.last.get(i)
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
        return under_cursor(self._store.state, i, self.viewport())


def obsolete(old: tuple[Request, ...], new: tuple[Request, ...]) -> bool:
    """Whether frames at work are useless now.

    Samples of an earlier view are still worth showing under the new one; averages take long and
    come only when nothing moves, and another picture or method shares nothing.
    """
    if any(request.averaged for request in old):
        return True
    return not {(r.source, r.pane) for r in old} & {(r.source, r.pane) for r in new}
