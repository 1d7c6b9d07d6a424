"""``cupy.cuda.Stream`` and ``Event``: everything is done at once, but who was asked is kept."""

from __future__ import annotations

import itertools
import time
from typing import Any

from .. import events
from .device import current_device
from .scope import Current

_numbers = itertools.count(0x1000)  # 1 and 2 are those of the default streams
PER_THREAD = 2


class Stream:
    """A stream; as a context manager, the current one."""

    null: Stream
    ptds: Stream

    def __init__(self, null: bool = False, non_blocking: bool = False, ptds: bool = False) -> None:
        self.ptr = 0 if null else PER_THREAD if ptds else next(_numbers)
        self.device_id = current_device()

    def __enter__(self) -> Stream:
        _current.enter(self)
        return self

    def __exit__(self, *_: Any) -> None:
        _current.leave()

    def use(self) -> Stream:
        _current.set(self)
        return self

    def synchronize(self) -> None:
        events.record("synchronize", f"stream {self.ptr}")

    def wait_event(self, event: Event) -> None:
        events.record("wait", f"stream {self.ptr}")

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record(self)
        return event

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and other.ptr == self.ptr

    def __hash__(self) -> int:
        return hash(("stream", self.ptr))


Stream.null, Stream.ptds = Stream(null=True), Stream(ptds=True)
_current = Current(Stream.null)


def get_current_stream(device_id: int | None = None) -> Stream:
    return _current.get()


class Event:
    """A moment of a stream."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self._time = 0.0

    def record(self, stream: Stream | None = None) -> None:
        self._time = time.perf_counter()

    def synchronize(self) -> None:
        events.record("synchronize", "event")


def get_elapsed_time(start: Event, end: Event) -> float:
    """Milliseconds."""
    return 1e3 * (end._time - start._time)
