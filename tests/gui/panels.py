"""What the tests of the panels share."""

from __future__ import annotations

from upsampler_gui import changes, state

from . import drive


def open_panel(qtbot, window, name):
    """The panel of that name, opened and done with what it was asked for."""
    window.store.update(changes.open_panel, name)
    finish(qtbot, window)
    return window.dock.panels[name]


def finish(qtbot, window):
    """Wait until the panes and the open panel show what the state asks for."""

    def done():
        panel = window.dock.open_panel
        return drive.settled(window) and panel is not None and panel.idle

    qtbot.waitUntil(done, timeout=20_000)
    # What settled last is handed to the panel by a signal that is still under way.
    qtbot.wait(1)
    qtbot.waitUntil(done, timeout=20_000)


def point_at(window, y, x):
    """Put the cursor on a place of the source."""
    view = window.store.state.view
    window.store.update(state.point, ((x - view.cx) * view.z, (y - view.cy) * view.z))
