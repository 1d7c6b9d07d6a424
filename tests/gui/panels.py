"""What the tests of the panels share."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtGui import QCursor
from upsampler_gui import changes, state

from . import drive


def open_panel(qtbot, window, name):
    """The panel of that name, opened and done with what it was asked for."""
    window.resize(1500, 900)  # the tests' own size leaves 120 pixels for each pane
    QCursor.setPos(window.mapToGlobal(QPoint(1, 1)))  # on a real screen it may be in a pane
    if name == "learning":
        window.store.update(changes.show_learning, True)
        finish(qtbot, window)
        return window.learning.panel
    window.store.update(changes.open_panel, name)
    finish(qtbot, window)
    return window.dock.panels[name]


def finish(qtbot, window):
    """Wait until the panes and the open panel show what the state asks for."""

    def done():
        panel = window.dock.open_panel or window.learning.panel
        return drive.settled(window) and panel is not None and panel.idle

    qtbot.waitUntil(done, timeout=20_000)
    # What settled last is handed to the panel by a signal that is still under way.
    qtbot.wait(1)
    qtbot.waitUntil(done, timeout=20_000)


def point_at(window, y, x):
    """Put the cursor on the output of the first pane that a place of the source is in, or on the
    one in sight that is next to it."""
    now, at = window.store.state, []
    for axis, place in zip(now.axes(0, *window.compare.viewport()), (y, x), strict=True):
        shown = axis.indices().astype(float)
        shown[shown < 0] = np.inf
        away = np.abs(shown - int(place * axis.m / axis.n))
        nearest = np.flatnonzero(away == away.min())
        at.append(nearest[nearest.size // 2] + 0.5 - axis.extent / 2)
    window.store.update(state.point, (at[1], at[0]))
