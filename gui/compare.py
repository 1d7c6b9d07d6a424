"""The centre of the window: the panes side by side, all painting the same View.

A change of state leads here to one request for each pane.  The panes change together when all
answers are in; until then each shows its last frame under the new transform.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

import upsampler

from . import panes
from . import state as change
from .cache import LRU
from .pane import PaneWidget
from .panels.base import Shot
from .render import Frame, Renderer, Request, output
from .scheduler import Outcome, Scheduler
from .store import Store
from .texts import parse_scale

CACHE_BYTES = 256 << 20
IDLE = 120  # milliseconds without a change after which averages replace samples below 1:1


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
        count, cores = len(store.state.panes), upsampler.get_num_threads()
        workers = max(min(count, cores), 1)
        self._render = Renderer(max(cores // workers, 1))
        self._scheduler = Scheduler(self._render, workers, obsolete, "frames")
        self._scheduler.answered.connect(self._answered)
        self._cache: LRU[Request, Frame] = LRU(CACHE_BYTES, lambda frame: frame.nbytes)
        self._frames: list[Frame | None] = [None] * count  # what each pane showed last
        self._errors: dict[Request, str] = {}
        self._requests: list[Request] = []  # the exact frames that the state asks for
        self._idle = False

        # Several changes within one turn of the event loop are shown once.
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self.refresh)
        self._later = QTimer(self, singleShot=True, interval=IDLE)
        self._later.timeout.connect(self._refine)

        self.panes = [PaneWidget(i) for i in range(count)]
        grid = QGridLayout(self)
        grid.setContentsMargins(6, 6, 6, 6)
        grid.setSpacing(6)
        columns = 2 if count > 1 else 1
        for i, pane in enumerate(self.panes):
            grid.addWidget(pane, *divmod(i, columns))
            self._connect(i, pane)
        store.changed.connect(self._soon.start)

    def _connect(self, i: int, pane: PaneWidget) -> None:
        update, canvas = self._store.update, pane.canvas
        pane.method.chosen.connect(partial(update, panes.set_method, i))
        pane.parameters.chosen.connect(partial(update, panes.set_method, i))
        pane.kernel_wanted.connect(partial(update, change.focus, i))
        pane.kernel_wanted.connect(self.kernel_wanted)
        pane.scale.chosen.connect(lambda text: update(panes.set_scale, i, parse_scale(text)))
        canvas.pressed.connect(partial(update, change.focus, i))
        canvas.wheeled.connect(
            lambda notches, x, y: update(change.zoom, notches, x, y, *self.viewport())
        )
        canvas.dragged.connect(partial(update, change.pan))
        canvas.pointed.connect(self._point)
        canvas.resized.connect(self._soon.start)

    def _point(self, at: tuple[float, float] | None) -> None:
        if at is not None:
            width, height = self.viewport()
            at = at[0] - width / 2, at[1] - height / 2
        self._store.update(change.point, at)

    def viewport(self) -> tuple[int, int]:
        """Width and height in device pixels that every pane looks through.

        The layout may give one pane a pixel more than another.  All look through the largest,
        or their middles, and with them the rounded offsets, would differ by half a pixel.
        """
        sizes = [pane.canvas.device_size() for pane in self.panes]
        return max(width for width, _ in sizes), max(height for _, height in sizes)

    def close_workers(self) -> None:
        self._scheduler.close()

    @property
    def is_settled(self) -> bool:
        """Whether every pane shows what the state asks for, averages included."""
        waiting = self._soon.isActive() or self._later.isActive() or not self._scheduler.idle
        return bool(self._requests) and not waiting

    # -- from state to requests to pixels ---------------------------------------------------------

    def refresh(self) -> None:
        """Ask for what the state shows, if that has changed."""
        state = self._store.state
        if not self.isVisible():  # without a layout sizes mean nothing; showing resizes
            return
        if state.view is None:
            self._store.update(change.home, *self.viewport())
            return
        for i, pane in enumerate(self.panes):
            pane.show_pane(state.panes[i], i == state.focus)
        size = self.viewport()
        requests = [
            Request(state.source, pane, *state.axes(i, *size)) for i, pane in enumerate(state.panes)
        ]
        if requests == self._requests:
            return
        if self._requests and self._requests[0].source is not state.source:
            self._forget()  # frames hold their source, which may be large
        self._requests = requests
        self._idle = False
        self._later.stop()
        self._advance()

    def shot(self) -> Shot:
        """What the panes show now, for the panels."""
        frames = {i: frame for i, frame in enumerate(self._frames) if frame is not None}
        return Shot(self._store.state, self.viewport(), frames, self.is_settled)

    def _advance(self) -> None:
        """Show what is known of the requests, and have the rest computed."""
        wanted = [self._best(i, request) for i, request in enumerate(self._requests)]
        known = [self._frame(i, request) for i, request in enumerate(wanted)]
        missing = [
            request
            for request, frame in zip(wanted, known, strict=True)
            if frame is None and request not in self._errors
        ]
        for i, (request, frame) in enumerate(zip(wanted, known, strict=True)):
            self._show(i, request, None if missing else frame, bool(missing))
        self.shown.emit()
        if missing:
            self._scheduler.submit(tuple(dict.fromkeys(missing)))
            return
        self._scheduler.drop()
        if any(request.minified and not request.averaged for request in wanted):
            self._later.start()
        else:
            self.settled.emit()

    def _best(self, i: int, request: Request) -> Request:
        """Below 1:1 the average, once it is known or nothing has moved for a while."""
        if not request.minified:
            return request
        averaged = replace(request, averaged=True)
        return averaged if self._idle or self._frame(i, averaged) is not None else request

    def _frame(self, i: int, request: Request) -> Frame | None:
        # What a pane shows counts as known whether or not the cache had room for it.
        shown = self._frames[i]
        return shown if shown and shown.request == request else self._cache.get(request)

    def _refine(self) -> None:
        self._idle = True
        self._advance()

    def _answered(self, _generation: int, outcomes: tuple[Outcome, ...]) -> None:
        """Take answers in; those to a view that has passed are shown under the present one."""
        for outcome in outcomes:
            request, frame = outcome.job, outcome.value
            if request.source is not self._store.state.source:
                continue
            if outcome.error is not None:
                self._errors[request] = f"{outcome.error}" or type(outcome.error).__name__
                continue
            self._cache[request] = frame
            for i, pane in enumerate(self._store.state.panes):
                if pane == request.pane:
                    self._frames[i] = frame
        self._advance()

    def _forget(self) -> None:
        self._render.forget()
        self._cache.clear()
        self._errors.clear()
        self._frames = [None] * len(self.panes)

    def _show(self, i: int, request: Request, frame: Frame | None, computing: bool) -> None:
        pane = self.panes[i]
        if computing:
            pane.canvas.show_pixels(self._old(i, request))
            pane.show_chip("computing")
        elif frame is None:
            pane.canvas.show_pixels(None, self._errors[request])
            pane.show_chip("failed")
        else:
            self._frames[i] = frame
            pane.canvas.show_pixels(frame.pixels)
            pane.show_chip(request.chip, frame.seconds)

    def _old(self, i: int, request: Request) -> np.ndarray | None:
        """The last frame of pane `i` under the transform of `request`."""
        frame = self._frames[i]
        if frame is None:
            return None
        return frame.under(request.rows, request.cols)

    # -- for the status bar -----------------------------------------------------------------------

    def values(self, i: int) -> tuple[str, ...] | None:
        """What pane `i` has under the cursor, in the units of the file; None outside."""
        state = self._store.state
        place = self.output_index(i)
        frame = self._frames[i]
        if place is None or self.panes[i].canvas.error or frame is None:
            return None
        # What is computed for the first time (a kernel may have to be learned) is not waited for.
        if (frame.request.source, frame.request.pane) != (state.source, state.panes[i]):
            return None
        r, c = place
        return state.source.told(output(state.source, state.panes[i], (r, r + 1), (c, c + 1))[0, 0])

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
