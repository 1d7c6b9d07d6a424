"""What a drag means: to pan, to shift one pane, to move the line of a split, to draw a region."""

from __future__ import annotations

from collections.abc import Callable

from . import changes, panes, state
from .scene import crossing
from .settings import Mode
from .state import TRUTH, ViewerState
from .store import Store

GRIP = 7  # device pixels around a line within which it is caught

Drag = Callable[[float, float], None]  # to where, in device pixels of the pane


class Gestures:
    """One drag at a time, from a press in a pane to its release or to Esc."""

    def __init__(self, store: Store, viewport: Callable[[], tuple[int, int]]) -> None:
        self._store, self._viewport = store, viewport
        self._drag: Drag | None = None
        self._before: ViewerState | None = None

    @property
    def active(self) -> bool:
        return self._drag is not None

    def press(self, pane: int, x: float, y: float, alone: bool) -> None:
        """`alone` for this pane alone: Alt is held."""
        self._store.seal()
        self._before = self._store.state
        now, update = self._store.state, self._store.update
        if now.view is None:
            return
        if now.selecting:
            self._drag = self._selecting(pane, x, y)
        elif alone and pane != TRUTH:
            self._drag = self._moving(lambda dx, dy: update(panes.nudge, pane, dx, dy), x, y)
        elif (held := self.line_at(x, y)) != (False, False):
            self._drag = self._splitting(held)
        else:
            self._drag = self._moving(lambda dx, dy: update(state.pan, dx, dy), x, y)

    def move(self, x: float, y: float) -> None:
        if self._drag is not None:
            self._drag(x, y)

    def release(self) -> None:
        if self._drag is not None and self._store.state.selecting:
            self._store.update(changes.select, False)
        self._drag = self._before = None
        self._store.seal()

    def cancel(self) -> bool:
        """Back to before the drag; whether there was one."""
        before, active = self._before, self.active
        self._drag = self._before = None
        if active and before is not None:
            self._store.abandon(before)
        return active

    def line_at(self, x: float, y: float) -> tuple[bool, bool]:
        """Whether the point is on the horizontal and on the vertical line of a split."""
        now = self._store.state
        if now.mode is not Mode.SPLIT or now.holding:
            return False, False
        row, col = crossing(now, *self._viewport())
        return row is not None and abs(y - row) <= GRIP, col is not None and abs(x - col) <= GRIP

    def _moving(self, move: Drag, x: float, y: float) -> Drag:
        at = [x, y]

        def drag(x: float, y: float) -> None:
            move(x - at[0], y - at[1])
            at[:] = x, y

        return drag

    def _splitting(self, held: tuple[bool, bool]) -> Drag:
        def drag(x: float, y: float) -> None:
            width, height = self._viewport()
            at = y / height if held[0] else None, x / width if held[1] else None
            self._store.update(changes.set_line, *at)

        return drag

    def _selecting(self, pane: int, x: float, y: float) -> Drag:
        start = self._place(pane, x, y)

        def drag(x: float, y: float) -> None:
            self._store.update(changes.set_region, start, self._place(pane, x, y))

        return drag

    def _place(self, pane: int, x: float, y: float) -> tuple[float, float]:
        """(y, x) in source coordinates, as this pane shows them."""
        now = self._store.state
        assert now.view is not None
        dy, dx = (0.0, 0.0) if pane == TRUTH else now.panes[pane].nudge
        sy, sx = now.view.source(x, y, *self._viewport())
        return sy - dy, sx - dx
