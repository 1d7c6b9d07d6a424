"""What is current in a thread: devices and streams, as context managers."""

from __future__ import annotations

import threading
from typing import Any


class Current:
    """One value for each thread, with those that nested blocks have put aside."""

    def __init__(self, default: Any) -> None:
        self._default = default
        self._thread = threading.local()

    def _stack(self) -> list[Any]:
        if not hasattr(self._thread, "stack"):
            self._thread.stack = [self._default]
        return self._thread.stack

    def get(self) -> Any:
        return self._stack()[-1]

    def set(self, value: Any) -> None:
        self._stack()[-1] = value

    def enter(self, value: Any) -> None:
        self._stack().append(value)

    def leave(self) -> None:
        self._stack().pop()
