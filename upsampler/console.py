"""What the command line says (one-line errors, notes, progress, tables), and how it is stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

# Of tables where no terminal sets a width (a pipe, a file): rich would cut names at 80.
TABLE_WIDTH = 120


def open_streams() -> None:
    """Replace standard streams that the caller has closed (``>&-``) by ones to nowhere.

    Python has None for those.  Worse, the next file that is opened takes the free number, and a
    C library that complains to descriptor 2 would write into a picture.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY
            os.open(os.devnull, flags)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Have SIGTERM end the block as an exception does, so that temporary files are removed.

    Only around work that ends by itself: inside of Qt's loop Python's handlers wait for ever.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers belong to the main thread
        return

    def stop(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        # None: a handler that Python did not set, and cannot set again.
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def fail(message: str, code: int = 1) -> int:
    """Print an error as one line; returns the exit code."""
    _say("error", message)
    return code


def note(message: str) -> None:
    """Print something worth knowing as one line."""
    _say("note", message)


def _say(kind: str, message: str) -> None:
    line = " ".join(part.strip() for part in message.splitlines())
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
                progress.TextColumn("{task.description}", markup=False),
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

    def stage(self, title: str) -> None:
        """Begin work whose end is not known: the bar pulses."""
        if self._bar is not None:
            # A task that has a total keeps one.
            self._bar.remove_task(self._task)
            self._task = self._bar.add_task(title, total=None)


def table_console() -> Any:
    """The console for tables on stdout; it prints text as it is.

    rich takes ``[gui]`` for a style and ``:name:`` for a picture, and either vanishes.
    """
    from rich.console import Console

    width = None if sys.stdout.isatty() else TABLE_WIDTH
    return Console(markup=False, emoji=False, highlight=False, width=width)
