"""A file that changes is read again; of one that vanishes is said that it is gone."""

from __future__ import annotations

import os
from collections.abc import Callable

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer

from .. import state
from ..store import Store

PAUSE = 250  # milliseconds without a change: programs write files in pieces


class Watch(QObject):
    """Looks at the file of the picture that is shown.

    Parameters
    ----------
    store : Store
    reload : callable
        Has it read again.
    parent : QObject
    """

    def __init__(self, store: Store, reload: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._store, self._reload = store, reload
        self._path: str | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._watcher = QFileSystemWatcher(self)
        self._later = QTimer(self, singleShot=True, interval=PAUSE)
        self._later.timeout.connect(self._look)
        self._watcher.fileChanged.connect(lambda _path: self._later.start())
        self._watcher.directoryChanged.connect(lambda _path: self._later.start())
        store.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        """Watch the file of the state, if that is another one now."""
        source = self._store.state.source
        if source.path == self._path:
            return
        watched = self._watcher.files() + self._watcher.directories()
        if watched:
            self._watcher.removePaths(watched)
        self._path = source.path
        self._stamp = _stamp(self._path)
        if self._path is not None:
            # The folder, too: what is renamed into place is another file for the system.
            folder = os.path.dirname(os.path.abspath(self._path))
            self._watcher.addPaths([p for p in (self._path, folder) if os.path.exists(p)])

    def _look(self) -> None:
        path, before = self._path, self._stamp
        now = _stamp(path)
        if path is None or now == before:
            return
        self._stamp = now
        if now is None:
            name = os.path.basename(path)
            told = f"{name}: the file is gone; what is shown was read before."
            self._store.update(state.warned, told)
            return
        if path not in self._watcher.files():
            self._watcher.addPath(path)
        self._reload()


def _stamp(path: str | None) -> tuple[int, int, int] | None:
    """What changes when a file does; None where there is none."""
    if path is None:
        return None
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
