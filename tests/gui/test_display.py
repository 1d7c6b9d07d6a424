"""Why there is no window: a sentence, and never an abort."""

import ctypes
import importlib
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
from upsampler_gui import app, display

NOWHERE = ":4711"


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """Linux without a display and without wishes."""
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


def test_offscreen_needs_nothing(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen:something")
    assert app.why_not() is None


def test_no_display_is_said_without_trying(monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    assert "neither DISPLAY nor WAYLAND_DISPLAY is set" in app.why_not()
    with pytest.raises(app.NoWindow, match="there is no display"):
        app.main([])


def test_a_display_that_does_not_answer(monkeypatch):
    monkeypatch.setenv("DISPLAY", NOWHERE)
    monkeypatch.setattr(display, "_X11", {})  # whatever is installed here
    assert (
        app.why_not()
        == f"the display DISPLAY='{NOWHERE}' does not answer; check it with `xdpyinfo`"
    )


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setenv("DISPLAY", NOWHERE)
    real = ctypes.CDLL

    def load(name, *rest):
        if name == "libxcb-cursor.so.0":
            raise OSError(f"{name}: cannot open shared object file: No such file or directory")
        return real(name, *rest)

    monkeypatch.setattr(display, "_X11", {"libxcb-cursor.so.0": "libxcb-cursor0"})
    monkeypatch.setattr(display.ctypes, "CDLL", load)
    said = app.why_not()
    assert "libxcb-cursor.so.0 is missing" in said
    assert "apt-get install libxcb-cursor0" in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModuleNotFoundError("No module named 'PySide6'"), "pip install 'upsampler[gui]'"),
        (ImportError("libEGL.so.1: cannot open shared object file"), "apt-get install libegl1"),
        (ImportError("libodd.so.3: cannot open shared object file"), "Qt cannot be loaded .libodd"),
    ],
)
def test_what_pyside_lacks(monkeypatch, error, said):
    def import_module(name):
        raise error

    monkeypatch.setattr(display, "importlib", types.SimpleNamespace(import_module=import_module))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    with pytest.raises(app.NoWindow, match=said.replace("[gui]", r"\[gui\]")):
        app.main([])


def test_another_platform_is_tried_in_a_child(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "nonsense")
    assert "nonsense" in app.why_not()
    monkeypatch.setattr(display, "_TRY", "pass")
    assert app.why_not() is None
    monkeypatch.setattr(display, "_TRY", "import time; time.sleep(60)")
    monkeypatch.setattr(display, "_PATIENCE", 0.1)
    assert app.why_not() == "Qt did not start within 0.1 seconds"


@pytest.mark.parametrize("module", ["app", "actions", "render", "cache"])
def test_half_of_the_viewer_knows_no_qt(module):
    """`actions` and `render` import what else has to do without it: state, viewport, source."""
    code = f"import sys, upsampler_gui.{module}; assert 'PySide6' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], env=os.environ.copy(), check=True, timeout=60)


@pytest.mark.may_skip(reason="ldd is a tool of Linux")
@pytest.mark.skipif(shutil.which("ldd") is None, reason="no ldd here")
def test_the_table_has_every_library_that_the_plugin_asks_for():
    folder = Path(importlib.import_module("PySide6").__path__[0])
    plugin = folder / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    told = subprocess.run(["ldd", plugin], capture_output=True, text=True, check=True).stdout
    wanted = set(re.findall(r"lib(?:xcb-|X11|xkbcommon-x11)\S*", told.replace(str(folder), "")))
    assert len(wanted) > 8
    assert wanted <= set(display._X11)


def test_main_opens_windows_and_returns(monkeypatch, qapp, tmp_path):
    from PySide6.QtWidgets import QApplication
    from upsampler_gui.mainwindow import MainWindow

    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr(app.signal, "signal", lambda *a: None)
    seen = []

    def execute():
        windows = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]
        seen.extend(w for w in windows if w.isVisible())
        for window in seen:
            window.close()
        return 0

    monkeypatch.setattr(QApplication, "exec", staticmethod(execute))
    assert app.main([]) == 0
    assert len(seen) == 1
    seen.clear()
    assert app.main([str(tmp_path / "a.png"), str(tmp_path / "b.png")]) == 0
    assert sorted(w.store.state.opening for w in seen) == ["a.png", "b.png"]
