"""Steps back and forth, without Qt."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .state import ViewerState

STEPS = 200
BYTES = 256 << 20  # of pictures that are held for undo alone


class History:
    """The states before and after the present one.

    Changes marked `continuous` that follow each other are one step, up to `seal`.
    """

    def __init__(self) -> None:
        self._past: list[ViewerState] = []
        self._future: list[ViewerState] = []
        self._burst: Any = None

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    @property
    def states(self) -> tuple[ViewerState, ...]:
        """All of them."""
        return (*self._past, *self._future)

    def record(self, before: ViewerState, change: Callable[..., Any]) -> None:
        """`before` is what `change` has been applied to."""
        while isinstance(change, partial):
            change = change.func
        burst = change if getattr(change, "continuous", False) else None
        self._future.clear()
        if burst is None or burst != self._burst:
            self._past.append(before)
            self._trim(before)
        self._burst = burst

    def seal(self) -> None:
        self._burst = None

    def forget(self, before: ViewerState) -> None:
        """Take the last step out if it began with `before`."""
        if self._past and self._past[-1] is before:
            self._past.pop()
        self.seal()

    def undo(self, now: ViewerState) -> ViewerState | None:
        """The state to go back to, None at the beginning."""
        return self._step(self._past, self._future, now)

    def redo(self, now: ViewerState) -> ViewerState | None:
        return self._step(self._future, self._past, now)

    def _step(
        self, origin: list[ViewerState], other: list[ViewerState], now: ViewerState
    ) -> ViewerState | None:
        self.seal()
        if not origin:
            return None
        other.append(now)
        return origin.pop()

    def _trim(self, now: ViewerState) -> None:
        """Forget the oldest steps where there are too many, or the pictures in them too large."""
        del self._past[:-STEPS]
        held = {now.source, now.truth, None}
        size = 0
        for age, state in enumerate(reversed(self._past)):
            for picture in (state.source, state.truth):
                if picture is not None and picture not in held:
                    held.add(picture)
                    size += 0 if picture.mapped else picture.values.nbytes
            if size > BYTES:
                del self._past[: len(self._past) - age]
                return
