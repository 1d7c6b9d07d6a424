"""The one holder of the state; everything that shows it listens to one signal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from .history import History
from .state import TRANSIENT, ViewerState


class Store(QObject):
    """Holds the ViewerState, tells when another one has taken its place, and can go back."""

    changed = Signal()

    def __init__(self, state: ViewerState) -> None:
        super().__init__()
        self._state = state
        self._history = History()

    @property
    def state(self) -> ViewerState:
        return self._state

    @property
    def can_undo(self) -> bool:
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        return self._history.can_redo

    def update(self, function: Callable[..., ViewerState], *args: Any) -> None:
        """Replace the state by ``function(state, *args)``, a step that undo can take back."""
        state = function(self._state, *args)
        if state == self._state:
            return
        if _lasting(state) != _lasting(self._state):
            self._history.record(self._state, function)
        self._set(state)

    def adjust(self, function: Callable[..., ViewerState], *args: Any) -> None:
        """As `update`, for what the window does by itself: no step for undo."""
        self._set(function(self._state, *args))

    def mentions(self, method: str) -> bool:
        """Whether a pane has this method now, or will have it again after steps back or forth."""
        states = (self._state, *self._history.states)
        return any(pane.method == method for state in states for pane in state.panes)

    def seal(self) -> None:
        """A gesture has ended: what follows is a step of its own, even if it is of the kind."""
        self._history.seal()

    def abandon(self, before: ViewerState) -> None:
        """Back to the state before a gesture, as if it had not been begun."""
        self._history.forget(before)
        self._travel(before)

    def undo(self) -> None:
        self._travel(self._history.undo(self._state))

    def redo(self) -> None:
        self._travel(self._history.redo(self._state))

    def _travel(self, state: ViewerState | None) -> None:
        if state is not None:
            kept = {name: getattr(self._state, name) for name in _KEPT}
            self._set(replace(state, **kept))

    def _set(self, state: ViewerState) -> None:
        if state != self._state:
            self._state = state
            self.changed.emit()


# What undo leaves as it is: how the window looks around the panes is not part of the comparison.
_KEPT = (*TRANSIENT, "panel", "learning", "theme")


def _lasting(state: ViewerState) -> ViewerState:
    """The state without what is no step of its own."""
    return replace(state, focus=0, panel="", learning=False, theme="", **TRANSIENT)
