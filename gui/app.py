"""From a command line to a window.  PySide6 is imported when one is opened, not before."""

from __future__ import annotations

import signal
import sys

from .display import why_not

__all__ = ["NoWindow", "main", "why_not"]


class NoWindow(RuntimeError):
    """No window can be opened here; the message says why, and what would help."""


def main(files: list[str]) -> int:
    """Open the viewer and stay until its last window is closed.

    Parameters
    ----------
    files : list of str
        Pictures, a window for each; the built-in test chart where there is none.  A file that
        cannot be read is told in its window.

    Returns
    -------
    int
        The exit code.

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
    from .mainwindow import MainWindow

    application = QApplication.instance() or QApplication(sys.argv[:1])
    application.setApplicationName("upsampler")
    theme.apply(application)
    # Python sees a Ctrl-C only between two of its own instructions, and Qt's loop has none.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    windows = [MainWindow(path) for path in files or [None]]
    for window in windows:
        window.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
