"""A session in a process of its own: ``python -m tests.gui.resume SESSION REPORT WIDTH HEIGHT``.

Writes what every pane shows.
"""

from __future__ import annotations

import sys

import numpy as np
from PySide6.QtWidgets import QApplication
from upsampler_gui import theme
from upsampler_gui.mainwindow import MainWindow

from . import drive


def main(path: str, report: str, width: str, height: str) -> None:
    application = QApplication([])
    theme.apply(application)
    window = MainWindow()
    window.resize(int(width), int(height))
    window.show()
    drive.wait(application, window)
    window.opener.open_session_path(path)
    drive.wait(application, window)
    shown = {
        str(i): drive.pixels_of(pane.canvas.grab().toImage())
        for i, pane in enumerate(window.compare.panes)
        if not pane.canvas.error
    }
    np.savez(report, **shown)
    window.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
