"""What knows no Qt works without it: in a process in which PySide6 cannot be imported."""

import subprocess
import sys
from pathlib import Path

GUI = Path(__file__).parents[2] / "gui"
# What shows, listens or is put together of such parts.
QT = {
    "canvas", "choice", "clipboard", "compare", "dock", "exporting", "gestures",
    "mainwindow", "menus", "methodbar", "opening", "overlay", "pane", "panegrid", "qimage",
    "scheduler", "scores", "sheets", "statusbar", "store", "tag", "theme", "title", "toolbars",
    "sources.chooser", "sources.watch",
}  # fmt: skip
CODE = """
import importlib, sys
sys.modules["PySide6"] = None
for name in sys.argv[1:]:
    importlib.import_module(f"upsampler_gui.{name}")
from fractions import Fraction
from upsampler_gui import actions, panes, scene, session, state
from upsampler_gui.render import render
from upsampler_gui.source import built_in
now = state.home(state.ViewerState(built_in()), 320, 200)
for row in actions.ACTIONS:
    if row.step is not None:
        row.step(now, 320, 200)
now = panes.set_all_scales(panes.preset(now, "Checkerboard hunt"), (Fraction(3), Fraction(3)))
frames = [render(layer.request) for layer in scene.scene(now, 320, 200).layers]
assert all(frame.pixels.shape == (200, 320) for frame in frames)
assert session.restore(session.read(session.write(now))).panes == now.panes
"""


def modules():
    """All of the package, but for the panels, which are widgets."""
    files = [*GUI.glob("*.py"), *(GUI / "sources").glob("*.py")]
    names = {".".join(file.relative_to(GUI).with_suffix("").parts) for file in files}
    return {name for name in names if not name.endswith("__init__")}


def test_the_rest_needs_no_qt():
    known = modules()
    assert known >= QT
    done = subprocess.run(
        [sys.executable, "-c", CODE, *sorted(known - QT)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_no_file_is_long():
    """One idea each."""
    for file in GUI.rglob("*.py"):
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 400, file
