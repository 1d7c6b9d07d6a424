"""Make viewer.png, the picture at the head of the README: ``python -m assets.make_viewer [FILE]``.

The viewer as it is, without a screen: the sample photograph made four times smaller and restored by
five methods, beside the truth; the kernel of the last one is learned as the learning panel does.
In one and a half times the usual size, so that its letters can be read where it is shown smaller.
"""

from __future__ import annotations

import os
import sys
from fractions import Fraction
from pathlib import Path

METHODS = ("nearest", "bilinear", "lanczos3", "conv_transpose:box:k=6")
FACTOR, TAPS = 4, 16
SIZE, RATIO = (1060, 700), 1.5
CENTRE, ZOOM = (35.0, 27.0), 3  # of the small picture, across and down; device pixels per output
PATH = Path(__file__).with_name("viewer.png")


def main(path: str) -> None:
    os.environ |= {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": str(RATIO)}
    from PySide6.QtCore import qInstallMessageHandler
    from upsampler_gui import app, changes, degrade, kernels, learning, panes, state
    from upsampler_gui.exporting import pixels_of
    from upsampler_gui.mainwindow import MainWindow
    from upsampler_gui.source import load

    from upsampler.charts import SAMPLE
    from upsampler.images import write
    from upsampler.picture import Picture

    application = app.application()
    qInstallMessageHandler(lambda *_: None)
    truth, small = degrade.degrade(load(str(SAMPLE)), FACTOR)
    recipe = learning.Recipe(FACTOR, TAPS, "exact")
    learned = learning.learn(learning.Lesson(small, truth, recipe), lambda _: None)
    kernel = os.path.join(kernels.new_folder(), "learned.npz")
    learned.module().save(kernel)
    methods = (*METHODS, f"conv_transpose:{kernel}")
    now = changes.degraded(state.ViewerState(truth), truth, small, FACTOR)
    now = state.replace(now, panes=tuple(state.Pane(method) for method in methods))
    now = panes.set_all_scales(now, (Fraction(FACTOR), Fraction(FACTOR)))
    across, down = CENTRE
    now = state.replace(now, view=state.View(down, across, float(ZOOM * FACTOR)))
    window = MainWindow()
    window.store.adjust(lambda _: now)
    window.methods.hide()
    window.resize(*SIZE)
    window.show()
    app.wait(application, window)
    write(path, Picture(pixels_of(window.grab().toImage())))
    window.close()


if __name__ == "__main__":
    main(*sys.argv[1:] or [str(PATH)])
