"""Opening: pictures, references, kernels; read in a worker, and what is wrong is said."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from upsampler.files import replacing
from upsampler.images import ImageError
from upsampler.kernel_files import method_of

from . import changes, panes, session, source, state
from .degrade import degrade
from .launch import check_truth
from .scheduler import Outcome, Scheduler
from .sources.recent import remember
from .sources.slices import Slice, next_channel
from .state import ViewerState
from .store import Store

KERNELS = "*.npz *.npy"
SESSIONS = "Sessions (*.json);;All files (*)"
PATTERNS = "*.png *.jpg *.jpeg *.webp *.tif *.tiff *.npy *.npz"


class Opener(QObject):
    """Has files read and puts them into the state; the newest wish wins.

    Parameters
    ----------
    store : Store
    parent : QWidget
        Of the dialogs.
    """

    def __init__(self, store: Store, parent: QWidget) -> None:
        super().__init__(parent)
        self._store, self._parent = store, parent
        self._loader = Scheduler(_read, 1, name="files")
        self._loader.answered.connect(self._loaded)
        self._kernels = ""  # folder of the last one opened

    def open_path(self, path: str) -> None:
        """Read a file in a worker and show it; on an error say so and stay with what is shown."""
        self._begin(path, "picture", path)

    def open_reference_path(self, path: str) -> None:
        """Read a file in a worker and compare the panes with it."""
        self._begin(path, "truth", path)

    def open_slice(self, origin: source.Source, wanted: Slice) -> None:
        """Another picture of the same file, read in a worker as well."""
        if origin.shelf is not None:
            self._begin(origin.name, "slice", (origin, wanted))

    def next_channel(self, step: int = 1) -> None:
        """The next channel of a feature map, or the one before."""
        now = self._store.state.source
        wanted = next_channel(now, step)
        if wanted is not None:
            self.open_slice(now, wanted)

    def previous_channel(self) -> None:
        self.next_channel(-1)

    def degrade(self, factor: int) -> None:
        """Have the panes restore the picture, or the truth if there is one, made smaller."""
        now = self._store.state
        original = now.truth if now.degraded and now.truth is not None else now.source
        self._begin(original.name, "degraded", (original, factor))

    def drop(self) -> None:
        """Whatever is being read is not wanted any more."""
        self._loader.drop()
        self._store.update(state.opening, None)

    def open_dialog(self) -> None:
        path = self._ask("Open a picture")
        if path:
            self.open_path(path)

    def open_reference(self) -> None:
        path = self._ask("Open a reference")
        if path:
            self.open_reference_path(path)

    def open_session(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self._parent, "Open a session", "", SESSIONS)
        if path:
            self.open_session_path(path)

    def open_session_path(self, path: str) -> None:
        """Go on with a session; its pictures are read in a worker."""
        self._begin(path, "session", path)

    def save_session(self) -> None:
        """Everything but the pictures, which are found again by their files."""
        try:
            text = session.write(self._store.state)
        except ValueError as error:
            self._store.update(state.warned, str(error))
            return
        path, _ = QFileDialog.getSaveFileName(
            self._parent, "Save the session", "comparison.json", SESSIONS
        )
        if path:
            self.save_session_path(path, text)

    def save_session_path(self, path: str, text: str) -> None:
        try:
            with replacing(path) as file:
                file.write(text.encode())
        except OSError as error:
            self._store.update(state.warned, f"{path}: {error.strerror or error}")

    def open_kernel(self) -> None:
        """A kernel from a file for the focused pane."""
        path, _ = QFileDialog.getOpenFileName(
            self._parent, "Open a kernel", self._kernels, f"Kernels ({KERNELS});;All files (*)"
        )
        if not path:
            return
        self._kernels = os.path.dirname(path)
        try:
            method = method_of(path)
        except ValueError as error:
            self._store.update(state.warned, str(error))
            return
        self._store.update(state.dismissed)
        self._store.update(panes.set_method, self._store.state.focus, method)

    def reload(self) -> None:
        now = self._store.state.source
        if now.path is not None:
            self._begin(now.path, "again", now)

    def open_chart(self) -> None:
        self.drop()
        self._store.update(state.opened, source.built_in())

    def close_workers(self) -> None:
        self._loader.close(wait=False)  # reading a file cannot be interrupted

    def _ask(self, title: str) -> str:
        here = self._store.state.source.path
        folder = os.path.dirname(here) if here else ""
        filters = f"Pictures ({PATTERNS});;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self._parent, title, folder, filters)
        return path

    def _begin(self, name: str, kind: str, what: Any) -> None:
        self._store.update(state.opening, os.path.basename(name))
        self._loader.submit(((kind, what),))

    def _loaded(self, _generation: int, outcomes: tuple[Outcome, ...]) -> None:
        (outcome,) = outcomes  # of the newest file: opening another cancels those before it
        kind, what = outcome.job
        if isinstance(outcome.error, ImageError | ValueError):
            self._store.update(state.failed, str(outcome.error))
        elif outcome.error is not None:
            reason = str(outcome.error) or type(outcome.error).__name__
            name = what if isinstance(what, str) else getattr(what, "name", None) or what[0].name
            self._store.update(state.failed, f"{name}: {reason}")
        elif kind in ("picture", "again", "slice"):
            self._store.update(state.opened, outcome.value)
            if kind == "picture":
                remember(what)
        elif kind == "session":
            self._store.update(state.resumed, outcome.value)
        elif kind == "truth":
            self._take_truth(outcome.value)
        else:
            self._store.update(changes.degraded, *outcome.value, what[1])

    def _take_truth(self, truth: source.Source) -> None:
        try:
            check_truth(self._store.state, truth)
        except ValueError as error:
            self._store.update(state.failed, str(error))
            return
        self._store.update(changes.with_truth, truth)


def _read(job: tuple[str, Any], _cancelled: Callable[[], bool]) -> Any:
    kind, what = job
    if kind == "degraded":
        return degrade(*what)
    if kind == "slice":
        origin, wanted = what
        return origin.shelf.source(wanted)
    if kind == "session":
        return _session(what)
    return source.again(what) if kind == "again" else source.load(what)


def _session(path: str) -> ViewerState:
    try:
        with open(path, encoding="utf-8") as file:
            content = session.read(file.read(1 << 20))
    except UnicodeDecodeError as error:
        raise ValueError(f"{os.path.basename(path)}: this is no session: it is no text") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{os.path.basename(path)}: {reason}") from error
    return session.restore(content)
