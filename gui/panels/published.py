"""Kernels that are learned, given to a pane by way of files, as all kernels are."""

from __future__ import annotations

import os
from collections import deque
from fractions import Fraction
from tempfile import TemporaryDirectory

from .. import panes
from ..learning import Learned
from ..state import ViewerState
from ..store import Store

KEPT = 16  # files of a run: frames of the last few kernels may still be under way


class Published:
    """The pane that shows what is learned, as long as nobody gives it another method.

    The first kernel is a step that undo takes back; those that follow it are none.

    Attributes
    ----------
    method : str
        What the pane was given last, "" before the first.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder: TemporaryDirectory[str] | None = None
        self._runs = 0
        self._pane = 0
        self.method = ""
        self._files: deque[str] = deque()

    def begin(self, pane: int) -> None:
        """What follows is for this pane."""
        self._runs += 1
        self._pane, self.method = pane, ""
        self._files.clear()

    def publish(self, learned: Learned) -> None:
        """Have the pane show a kernel."""
        folder = os.path.join(self._place(), str(self._runs))
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"learned-{learned.losses.size}.npz")
        learned.module().save(path)
        self._show(path, learned.scale)
        if path not in self._files:
            self._files.append(path)
        while len(self._files) > KEPT:
            os.unlink(self._files.popleft())

    def keep(self, path: str, scale: int | None = None) -> None:
        """Have the pane show the kernel of a file, which is not ours."""
        self._show(path, scale)

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def _place(self) -> str:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="upsampler-", ignore_cleanup_errors=True)
        return self._folder.name

    def _show(self, path: str, scale: int | None) -> None:
        method = f"conv_transpose:{path}"
        if not self.method:
            self._store.update(given, self._pane, method, scale)
        elif (pane := self._found()) is not None:
            self._store.adjust(given, pane, method, scale)
        self.method = method

    def _found(self) -> int | None:
        """Where the pane is now; None if it is gone, or has been given another method."""
        methods = [pane.method for pane in self._store.state.panes]
        return methods.index(self.method) if self.method in methods else None


def given(now: ViewerState, pane: int, method: str, scale: int | None) -> ViewerState:
    """With a method for a pane, and its scale where one is said."""
    if pane >= len(now.panes):
        return now
    now = panes.set_method(now, pane, method)
    return now if scale is None else panes.set_scale(now, pane, (Fraction(scale),) * 2)
