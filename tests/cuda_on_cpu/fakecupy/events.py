"""What has happened, in order: launches, transfers, synchronisations.

A test clears the list, calls the package, and says what may be in it.
"""

from __future__ import annotations

from typing import NamedTuple


class Event(NamedTuple):
    """`kind` is "launch", "to_host", "to_device" or "synchronize"."""

    kind: str
    what: str


log: list[Event] = []


def record(kind: str, what: str) -> None:
    log.append(Event(kind, what))


def kinds() -> list[str]:
    return [event.kind for event in log]
