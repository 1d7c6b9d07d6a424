"""What the shell and a script ask the viewer for."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtGui import QCursor
from upsampler_gui import app, launch
from upsampler_gui.launch import Launch, split
from upsampler_gui.mainwindow import MainWindow
from upsampler_gui.settings import Mode
from upsampler_gui.source import source
from upsampler_gui.sources.slices import Slice
from upsampler_gui.state import TRUTH, Pane
from upsampler_gui.viewport import View

import upsampler
from upsampler import viewing
from upsampler.cli import main as cli
from upsampler.images import Picture, read
from upsampler.methods import parse

from . import drive
from .events import settle

ROOT = Path(__file__).parents[2]
TWO, FOUR = (Fraction(2),) * 2, (Fraction(4),) * 2


@pytest.fixture
def opened():
    return source(Picture(drive.noise(31, 47)), "noise")


@pytest.mark.parametrize(
    ("text", "method", "scale"),
    [
        ("bilinear", "bilinear", None),
        ("bilinear:4", "bilinear", FOUR),
        ("bilinear:align_corners:1.5", "bilinear:align_corners", (Fraction(3, 2),) * 2),
        ("transposed:box:k=3", "conv_transpose:box:k=3", None),
        ("transposed:box:k=3:2x4", "conv_transpose:box:k=3", (Fraction(4), Fraction(2))),
        ("transposed:a:b.npz", "conv_transpose:a:b.npz", None),
        ("transposed:a:b.npz:2", "conv_transpose:a:b.npz", TWO),
    ],
)
def test_a_scale_behind_a_method(text, method, scale):
    assert split(text) == (method, scale)


@pytest.mark.parametrize("text", ["bilinear:0", "bilinear:1000", "cubic:4", "", ":4", "bilinear:"])
def test_what_is_no_method_is_told_as_ever(text):
    with pytest.raises(ValueError, match=r"allowed: "):
        split(text)


@pytest.mark.parametrize("text", ["bilinear:0", "bilinear:65", "transposed:box:k=3:1e9"])
def test_a_scale_that_cannot_be_is_told_as_one(text):
    with pytest.raises(ValueError, match=r"^scale: got .*; allowed: a number, a fraction"):
        split(text)


def test_the_state_to_begin_with(opened):
    made = Launch(("nearest", "bicubic:2"), mode=Mode.SPLIT, at=(12, 20.5), zoom=8).state(opened)
    assert made.panes == (Pane("nearest", FOUR), Pane("bicubic", TWO))
    assert (made.mode, made.view) == (Mode.SPLIT, View(20.5, 12, 32))
    assert Launch(zoom=2).state(opened).view == View(15.5, 23.5, 8)
    assert Launch(at=(3, 4)).state(opened).view == View(4, 3, 4)
    assert Launch().state(opened).view is None
    assert Launch().plain
    with pytest.raises(ValueError, match="got 10 of them; allowed: up to 9"):
        Launch(("nearest",) * 10).state(opened)


def test_a_reference_gives_the_scale(opened, tmp_path):
    path = str(tmp_path / "truth.png")
    iio.imwrite(path, drive.noise(62, 94))
    made = Launch(("nearest", "bicubic"), path).state(opened)
    assert made.panes == (Pane("nearest", TWO), Pane("bicubic", TWO))
    assert (made.reference, made.truth.size) == (TRUTH, (62, 94))
    with pytest.raises(ValueError, match=r"truth.png: 94 x 62 pixels; the panes make 188 x 124"):
        Launch(("nearest:4",), path).state(opened)


@pytest.mark.parametrize(
    ("array", "layout", "slice_"),
    [
        (np.zeros((5, 7)), None, Slice("HW")),
        (np.zeros((5, 7, 3), np.uint8), None, Slice("HWC")),
        (np.zeros((2, 9, 5, 7), np.float32), None, Slice("NCHW", (0,), 0)),
        (np.zeros((9, 5, 7)), "CHW", Slice("CHW", (), 0)),
        (np.zeros((9, 5, 7)).tolist(), "HWC", Slice("HWC", (), 0)),
    ],
)
def test_arrays_from_a_script(array, layout, slice_):
    made = launch.source_of(array, "array", layout)
    assert made.slice == slice_
    assert made.path is None
    assert launch.source_of(made, "x") is made


@pytest.mark.parametrize(
    ("array", "layout", "message"),
    [
        (np.zeros(5), None, r"array: holds shape \(5,\)"),
        (np.zeros((5, 7), complex), None, "array: got dtype complex128; allowed: integers, floats"),
        ("nowhere.png", None, r"nowhere.png: no such file"),
        (
            np.zeros((5, 7, 3)),
            "NCHW",
            r"layout: got 'NCHW' for shape \(5, 7, 3\); allowed: HWC, CHW",
        ),
        (np.zeros((0, 7)), "HW", r"holds shape \(0, 7\)"),
    ],
)
def test_arrays_without_a_picture(array, layout, message):
    with pytest.raises(ValueError, match=message):
        launch.source_of(array, "array", layout)


# -- windows --------------------------------------------------------------------------------------


@pytest.fixture
def windows(qapp, monkeypatch):
    """Qt's loop ends at once; the windows that it would have run with."""
    from PySide6.QtWidgets import QApplication

    monkeypatch.setattr(app.signal, "signal", lambda *a: None)
    seen = []

    def execute():
        found = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]
        seen.extend(w for w in found if w.isVisible())
        return 0

    monkeypatch.setattr(QApplication, "exec", staticmethod(execute))
    yield seen
    for window in QApplication.topLevelWidgets():
        if isinstance(window, MainWindow):
            window.close()
    app._OPEN.clear()


def test_options_reach_the_window(windows, photo):
    assert cli(["view", photo, "-m", "bicubic:2", "-m", "nearest", "--mode", "diff",
                "--at", "12,20.5", "--zoom", "16"]) == 0  # fmt: skip
    (window,) = windows
    now = window.store.state
    assert now.source.path == photo
    assert now.panes == (Pane("bicubic", TWO), Pane("nearest", FOUR))
    assert (now.mode, now.view) == (Mode.DIFF, View(20.5, 12, 32))


def test_what_cannot_be_is_told_in_the_window(windows):
    assert cli(["view", "nowhere.png", "-m", "bicubic"]) == 0
    assert "nowhere.png: no such file" in windows[0].store.state.message


def test_compare_opens_the_array(windows, qtbot):
    pixels = drive.noise(31, 47)
    upsampler.compare(pixels, ["bilinear:2", parse("bicubic")], drive.noise(62, 94))
    (window,) = windows
    settle(qtbot, window)
    now = window.store.state
    np.testing.assert_array_equal(now.source.values, pixels)
    assert now.panes == (Pane("bilinear", TWO), Pane("bicubic", TWO))
    assert now.reference == TRUTH


def test_compare_comes_back_at_once_where_a_loop_runs(windows, monkeypatch):
    class Shell:
        active_eventloop = "qt6"

    monkeypatch.setitem(sys.modules, "IPython", type("I", (), {"get_ipython": lambda: Shell}))
    upsampler.compare(drive.noise(9, 7))
    assert windows == []
    assert app._OPEN[0].isVisible()
    asked = []

    class Notebook:
        kernel = object()
        enable_gui = staticmethod(asked.append)

    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: Notebook)
    assert viewing._runs_no_loop() is False
    assert asked == ["qt"]
    Shell.active_eventloop = None
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: Shell)
    assert viewing._runs_no_loop()
    monkeypatch.delitem(sys.modules, "IPython")
    assert viewing._runs_no_loop()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.zeros(5),), ValueError, "holds shape"),
        ((np.zeros((5, 7)), ["cubic"]), ValueError, "mode: got 'cubic'"),
        ((np.zeros((5, 7)), "nearest"), TypeError, "methods: got 'nearest'; allowed: a sequence"),
        ((np.zeros((5, 7)), ["nearest:2"], np.zeros((9, 9))), ValueError, "reference: 9 x 9"),
    ],
)
def test_what_compare_refuses(windows, arguments, error, message):
    with pytest.raises(error, match=message):
        upsampler.compare(*arguments)
    assert app._OPEN == []


@pytest.mark.parametrize("missing", ["PySide6", "a display"])
def test_compare_without_a_window_says_what_to_do(missing):
    """In a process of its own: no library and no display has to be missing here."""
    code = "import sys, numpy as np, upsampler\n"
    if missing == "PySide6":
        code += "sys.modules['PySide6.QtWidgets'] = None\n"
    code += "try: upsampler.compare(np.zeros((5, 7)))\nexcept RuntimeError as error: print(error)"
    environment = {k: v for k, v in os.environ.items()
                   if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    wanted = "pip install 'upsampler[gui]'" if missing == "PySide6" else "there is no display"
    assert wanted in done.stdout


def test_the_viewer_is_imported_by_the_first_call_only():
    code = "import sys, upsampler; upsampler.compare"
    code += "\nassert not {'PySide6', 'upsampler_gui', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# -- without a screen -----------------------------------------------------------------------------


def canvases(window):
    """Where in the exported picture the pixels of each pane are."""
    for pane in window.compare.panes:
        if pane.isVisible():
            corner = pane.canvas.mapTo(window.compare, pane.canvas.rect().topLeft())
            yield np.s_[corner.y() : corner.y() + pane.canvas.height(),
                        corner.x() : corner.x() + pane.canvas.width()]  # fmt: skip


@pytest.mark.parametrize("mode", ["grid", "diff", "split"])
def test_scenario_10_the_shell_exports_the_same_picture_without_a_screen(
    qtbot, qapp, themed, tmp_path, photo, mode
):
    truth = str(tmp_path / "truth.png")
    iio.imwrite(truth, drive.noise(122, 166, seed=3))
    out = str(tmp_path / "out.png")
    options = ["-m", "bilinear:2", "-m", "transposed:bilinear", "-r", truth, "--mode", mode,
               "--at", "40,30", "--zoom", "5"]  # fmt: skip
    environment = {k: v for k, v in os.environ.items()
                   if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "upsampler", "view", photo, *options, "--export", out,
         "--size", "900x700"],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"view: {out}\n"
    wanted = Launch(("bilinear:2", "transposed:bilinear"), truth, Mode(mode), (40, 30), 5)
    window = MainWindow()
    qtbot.addWidget(window)
    state = wanted.state(launch.first_source(photo))
    window.store.adjust(lambda _: state)
    window.resize(900, 700)
    QCursor.setPos(-100, -100)  # panes show a cross where an earlier test left the mouse
    window.show()
    app.wait(qapp, window)
    shown, made = window.exporter.view(), read(out).pixels
    assert made.shape == shown.shape
    places = list(canvases(window))
    assert len(places) == (2 if mode != "split" else 1)
    for place in places:  # the titles have times in them
        np.testing.assert_array_equal(made[place], shown[place])
    assert made.std() > 20
    window.close()


def test_exports_that_cannot_be(tmp_path, capsys, photo, qapp):
    out = str(tmp_path / "out.png")

    def told(*args):
        code = cli(["view", *args])
        return code, capsys.readouterr().err

    assert told(photo, photo, "-o", out)[0] == 2
    assert "allowed: X,Y such as 120,80" in told(photo, "--at", "12", "-o", out)[1]
    for zoom in ("nan", "inf", "0", "-1"):
        assert told(photo, "--zoom", zoom, "-o", out)[0] == 2
    code, text = told(photo, "--size", "99999x700", "-o", out)
    assert (code, "each from 1 to 16384" in text) == (2, True)
    assert "--size and --force go with --export" in told(photo, "--size", "9x9")[1]
    code, text = told("nowhere.png", "-o", out)
    assert (code, "no such file" in text) == (1, True)
    code, text = told(photo, "-m", "cubic", "-o", out)
    assert (code, "mode: got 'cubic'" in text) == (1, True)
    code, text = told(photo, "-m", "conv_transpose:box:1.5", "-o", out)
    assert (code, "a whole number for conv_transpose" in text) == (1, True)
    assert not os.path.exists(out)
    iio.imwrite(out, drive.noise(3, 4))
    assert "exists already; add --force" in told(photo, "-o", out)[1]
    code, text = told(photo, "-o", out, "--force", "--size", "700x500")
    assert (code, text) == (0, "")
    assert read(out).pixels.shape[0] > 300


def test_an_export_without_pyside_says_what_to_do(monkeypatch, photo, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "PySide6.QtWidgets", None)
    assert cli(["view", photo, "-o", str(tmp_path / "o.png")]) == 1
    assert "get it with `pip install 'upsampler[gui]'`" in capsys.readouterr().err
