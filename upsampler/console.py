"""What the command line says on stderr: one-line errors, notes, progress."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any


def fail(message: str, code: int = 1) -> int:
    """Print an error as one line; returns the exit code."""
    _say("error", message)
    return code


def note(message: str) -> None:
    """Print something worth knowing as one line."""
    _say("note", message)


def _say(kind: str, message: str) -> None:
    line = " ".join(message.split())
    # A name that the terminal's encoding lacks must not turn an error into a traceback.
    encoding = sys.stderr.encoding or "ascii"
    line = line.encode(encoding, "backslashreplace").decode(encoding)
    print(f"upsampler: {kind}: {line}", file=sys.stderr)


class Progress:
    """A bar on stderr if that is a terminal; it vanishes when the work is done."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from rich import progress
            from rich.console import Console

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.TaskProgressColumn(),
                progress.TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(self._title, total=None)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, total: int, title: str | None = None) -> None:
        if self._bar is not None:
            self._bar.update(
                self._task, completed=done, total=total, description=title or self._title
            )
