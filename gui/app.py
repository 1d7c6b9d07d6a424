"""From a command line or a script to a window.  PySide6 is imported when one is opened."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from upsampler.images import ImageError, write
from upsampler.picture import Picture

from .display import missing_package, why_not
from .launch import Launch, first_source

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from .mainwindow import MainWindow

__all__ = ["NoWindow", "application", "export", "main", "open_window", "why_not"]

SIZE = 1920, 1080  # of a picture that is exported without a window
CALM = 5  # rounds of events without news: new titles may move the panes, which draw anew then
PATIENCE = 600  # seconds that its panes may take
GIL = 0.001  # seconds after which a worker hands over to the window, which Python makes 0.005
_OPEN: list[Any] = []  # windows opened by scripts: Qt does not keep them


class NoWindow(RuntimeError):
    """No window can be opened here; the message says why, and what would help."""


def main(files: list[str], launch: Launch = Launch()) -> int:  # noqa: B008  # it is frozen
    """Open the viewer and stay until its last window is closed.

    Parameters
    ----------
    files : list of str
        Pictures, a window for each; the built-in test chart where there is none.  A file that
        cannot be read is told in its window.
    launch : Launch
        What they show from the start.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    NoWindow
        If PySide6, a library or a display is missing.
    ValueError
        If what is asked for cannot be.
    """
    qt = application()
    # Python sees a Ctrl-C only between two of its own instructions, and Qt's loop has none.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from .mainwindow import MainWindow

    windows = []
    for path in files or [None]:
        if launch.plain:
            windows.append(MainWindow(path))
        else:
            windows.append(MainWindow())
            _begin(windows[-1], launch, path)
    for window in windows:
        window.show()
    return qt.exec()


def open_window(launch: Launch, source: Any, block: bool) -> None:
    """Open a window on a `Source`, for scripts; with `block` stay until it is closed.

    Raises
    ------
    NoWindow, ValueError
        As `main`.
    """
    qt = application()
    from .mainwindow import MainWindow

    state = launch.state(source)
    window = MainWindow()
    window.store.adjust(lambda _: state)
    _OPEN[:] = [other for other in _OPEN if other.isVisible()]
    _OPEN.append(window)
    window.show()
    if block:
        qt.exec()


def export(path: str | None, launch: Launch, target: str, size: tuple[int, int] = SIZE) -> None:
    """Write what a window would show to a picture file, without a screen.

    Parameters
    ----------
    path : str or None
        The picture; None for the built-in test chart.
    launch : Launch
    target : str
    size : (int, int)
        Width and height of the window.

    Raises
    ------
    NoWindow
        If PySide6 or a library is missing.
    ImageError, ValueError
        If a file cannot be read or written, or a pane fails.
    """
    reason = missing_package()
    if reason is not None:
        raise NoWindow(reason)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    state = launch.state(first_source(path))
    qt = application()
    from PySide6.QtCore import qInstallMessageHandler

    from .mainwindow import MainWindow

    # What Qt's platform without a screen lacks is no news to anybody who asked for it.
    before = qInstallMessageHandler(lambda *_: None)
    window = MainWindow()
    try:
        window.store.adjust(lambda _: state)
        window.resize(*size)
        window.show()
        wait(qt, window)
        for pane in window.compare.panes:
            if pane.canvas.error:
                raise ImageError(pane.canvas.error)
        write(target, Picture(window.exporter.view()))
    finally:
        window.close()
        qInstallMessageHandler(before)


def wait(qt: QApplication, window: MainWindow) -> None:
    """Until everything is shown that will be."""
    end = time.monotonic() + PATIENCE
    calm = 0
    while calm < CALM:
        qt.processEvents()
        done = window.compare.is_settled and window.compare.is_measured
        calm = calm + 1 if done else 0
        if time.monotonic() > end:
            raise ImageError(f"the panes were not finished within {PATIENCE} seconds")
        time.sleep(0.002)


def _begin(window: MainWindow, launch: Launch, path: str | None) -> None:
    """Have a window show what is asked for, or say why it cannot."""
    from . import state as change

    try:
        state = launch.state(first_source(path))
    except ValueError as error:
        window.store.adjust(change.warned, str(error))
        return
    window.store.adjust(lambda _: state)


def application() -> QApplication:
    """Qt's application, made where there is none yet.

    Raises
    ------
    NoWindow
        If PySide6, a library or a display is missing.
    """
    reason = why_not()
    if reason is not None:
        raise NoWindow(reason)
    from PySide6.QtWidgets import QApplication

    from . import theme

    known = QApplication.instance()
    made = known or QApplication(sys.argv[:1])
    made.setApplicationName("upsampler")
    if known is None:
        theme.apply(made)
        sys.setswitchinterval(min(sys.getswitchinterval(), GIL))
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
