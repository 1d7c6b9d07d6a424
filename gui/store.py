"""The one holder of the state; everything that shows it listens to one signal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from .state import ViewerState


class Store(QObject):
    """Holds the ViewerState and tells when another one has taken its place."""

    changed = Signal()

    def __init__(self, state: ViewerState) -> None:
        super().__init__()
        self._state = state

    @property
    def state(self) -> ViewerState:
        return self._state

    def update(self, function: Callable[..., ViewerState], *args: Any) -> None:
        """Replace the state by ``function(state, *args)``."""
        state = function(self._state, *args)
        if state != self._state:
            self._state = state
            self.changed.emit()
