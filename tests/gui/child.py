"""A viewer in a process of its own: ``python -m tests.gui.child REPORT [SCREENSHOT]``.

The device pixel ratio and the platform are settled when Qt starts, so tests of them need a fresh
process.  It compares what each pane shows with the full result, pixel by pixel, at several zooms,
and writes what it found as JSON.  With a SCREENSHOT the pixels are read back from the screen, else
from the widgets.
"""

from __future__ import annotations

import json
import math
import sys

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication
from upsampler_gui import state, theme
from upsampler_gui.mainwindow import MainWindow
from upsampler_gui.source import source

from upsampler.images import Picture

from . import drive

ZOOMS = (1, 3, 8)


def from_screen(canvas) -> np.ndarray:
    """The canvas as the screen has it, less a border that it may share with its neighbours."""
    ratio = canvas.devicePixelRatioF()
    corner = canvas.mapToGlobal(QPoint(0, 0))
    whole = drive.pixels_of(canvas.screen().grabWindow(0).toImage())
    # A widget that begins between two device pixels is painted from a whole one on.
    left, top = (math.floor(v * ratio + 0.5) for v in (corner.x(), corner.y()))
    width, height = canvas.device_size()
    return whole[top : top + height, left : left + width]


def differing(image: np.ndarray, wanted: np.ndarray) -> int:
    height, width = np.minimum(image.shape, wanted.shape)
    inner = np.s_[1 : height - 1, 1 : width - 1]
    return int(np.count_nonzero(image[inner] != wanted[inner]))


def main(report: str, screenshot: str | None) -> None:
    application = QApplication([])
    theme.apply(application)
    QCursor.setPos(1599, 1199)  # off the window: the shared cross is drawn over the pixels
    window = MainWindow()
    window.resize(903, 701)
    window.show()
    drive.wait(application, window)
    window.store.update(state.opened, source(Picture(drive.noise(91, 130)), "noise"))
    found = []
    for k in ZOOMS:
        drive.wait(application, window)
        window.store.update(state.n_to_one, k)
        window.store.update(state.pan, 3.7, -5.1)
        drive.wait(application, window)
        window.store.adjust(state.point, None)  # no cross over the pixels
        application.processEvents()
        for i, pane in enumerate(window.compare.panes):
            if screenshot is None:
                image = drive.pixels_of(pane.canvas.grab().toImage())
            else:
                image = from_screen(pane.canvas)
            wanted = drive.expected(window.store.state, i, *window.compare.viewport())
            found.append(
                {
                    "k": k,
                    "pane": i,
                    "differing": differing(image, wanted),
                    "shape": image.shape,
                    "canvas": [pane.canvas.height(), pane.canvas.width()],
                    "picture": int(np.count_nonzero(image != drive.OUTSIDE)),
                }
            )
    if screenshot is not None:
        window.screen().grabWindow(0).save(screenshot)
    ratio = window.devicePixelRatioF()
    with open(report, "w") as file:
        json.dump({"platform": application.platformName(), "ratio": ratio, "found": found}, file)
    window.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
