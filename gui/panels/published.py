"""Kernels that are learned, given to a pane by way of files, as all kernels are."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import deque
from fractions import Fraction

from .. import kernels, panes
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
        self._folder = ""
        self._folders: list[str] = []
        self._pane = 0
        self.method = ""
        self._files: deque[str] = deque()

    def begin(self, pane: int) -> None:
        """What follows is for this pane."""
        self._folder = ""
        self._pane, self.method = pane, ""
        self._files.clear()

    def publish(self, learned: Learned) -> None:
        """Have the pane show a kernel."""
        if not self._folder:
            self._folder = kernels.new_folder()
            self._folders.append(self._folder)
        path = os.path.join(self._folder, f"learned-{learned.losses.size}.npz")
        learned.module().save(path)
        self._show(path, learned.scale)
        if path not in self._files:
            self._files.append(path)
        while len(self._files) > KEPT:
            old = self._files.popleft()
            if not self._store.mentions(_method(old)):  # or undo would lead to a file that is gone
                with contextlib.suppress(OSError):
                    os.unlink(old)

    def keep(self, path: str, scale: int | None = None) -> None:
        """Have the pane show the kernel of a file, which is not ours."""
        self._show(path, scale)

    def close(self) -> None:
        """The window goes, and nobody else has its kernels."""
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _show(self, path: str, scale: int | None) -> None:
        method = _method(path)
        if not self.method:
            self._store.update(given, self._pane, method, scale)
        elif (pane := self._found()) is not None:
            self._store.adjust(given, pane, method, scale)
        self.method = method

    def _found(self) -> int | None:
        """Where the pane is now; None if it is gone, or has been given another method."""
        methods = [pane.method for pane in self._store.state.panes]
        return methods.index(self.method) if self.method in methods else None


def _method(path: str) -> str:
    return f"conv_transpose:{path}"


def given(now: ViewerState, pane: int, method: str, scale: int | None) -> ViewerState:
    """With a method for a pane, and its scale where one is said."""
    if pane >= len(now.panes):
        return now
    now = panes.set_method(now, pane, method)
    return now if scale is None else panes.set_scale(now, pane, (Fraction(scale),) * 2)
