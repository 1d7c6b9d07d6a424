"""The scenarios about panes, modes and sessions, in a window, with real events and real frames."""

import json
import os
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from upsampler_gui import changes, kernels, panes, session, state
from upsampler_gui.actions import ACTIONS
from upsampler_gui.learning import Learned
from upsampler_gui.settings import DiffKind, Mode, Split
from upsampler_gui.state import Pane, ViewerState

from . import drive
from .events import at_k, chips, grabs, settle, turn

ROOT = Path(__file__).parents[2]
NONE = 0xFF000004  # the colour of no difference
PLAIN, ALT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier


def grab(window, i):
    return grabs(window)[i]


def drag(canvas, start, end, modifier=PLAIN):
    """Press, two moves and a release of the left button."""
    points = [QPoint(*p) for p in (start, np.add(start, end) // 2, end)]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, modifier, points[0])
    for point in points[1:]:
        QTest.mouseMove(canvas, point)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, modifier, points[-1])


# -- scenario 3 -----------------------------------------------------------------------------------


@pytest.fixture
def twins(window, qtbot, show):
    """The same picture, made in the same way, in two panes."""
    show(drive.noise(91, 64))
    bicubic = Pane("bicubic", (Fraction(3), Fraction(2)))
    window.store.update(lambda s: state.replace(s, panes=(bicubic, bicubic), focus=1))
    at_k(window, qtbot, 3)
    return window


@pytest.mark.parametrize("kind", DiffKind)
def test_scenario_03_the_same_has_no_difference(twins, qtbot, kind):
    twins.store.update(changes.set_diff, kind)
    twins.store.update(changes.multiply_gain, 4096.0)
    settle(qtbot, twins)
    frame = twins.compare.shot().frames[1]
    assert frame.values.size > 1000
    assert not frame.values.any()
    assert chips(twins) == ["exact x3 across, x2 down"] * 2


def test_scenario_03_psnr_says_identical(twins, qtbot):
    full = drive.made(twins.store.state.source.values, (273, 128), "bicubic")
    from upsampler_gui.source import source

    from upsampler.images import Picture

    twins.store.update(changes.with_truth, source(Picture(full), "truth"))
    settle(qtbot, twins)
    pane = twins.compare.panes[0]
    qtbot.waitUntil(lambda: pane.score.text() == "identical", timeout=20_000)
    other = full.copy()
    other[5, 7, 1] ^= 16
    twins.store.update(changes.with_truth, source(Picture(other), "truth"))
    wanted = 10 * np.log10(255**2 * full.size / 16**2)
    qtbot.waitUntil(lambda: pane.score.text().startswith(f"{wanted:.2f} dB"), timeout=20_000)


@pytest.mark.parametrize("split", Split)
def test_scenario_03_the_line_changes_nothing(twins, qtbot, split):
    twins.store.update(changes.set_mode, Mode.SINGLE)
    settle(qtbot, twins)
    whole = twins.compare.panes[1].canvas.pixels
    twins.store.update(changes.set_split, split)
    for at in (0.0, 0.123, 0.5, 0.999, 1.0):
        twins.store.update(changes.set_line, at, at)
        settle(qtbot, twins)
        np.testing.assert_array_equal(twins.compare.panes[1].canvas.pixels, whole)


def test_a_split_shows_each_method_on_its_side(window, qtbot, show):
    show(drive.noise(300, 300))
    at_k(window, qtbot, 2)
    window.store.update(changes.set_split, Split.QUARTERS)
    window.store.update(changes.set_line, 0.3, 0.6)
    settle(qtbot, window)
    width, height = window.compare.viewport()
    y, x = round(0.3 * height), round(0.6 * width)
    shown = window.compare.panes[1].canvas.pixels
    # Pane 1 is the reference and in the focus: A is it, and the rest follow.
    for i, part in enumerate((np.s_[:y, :x], np.s_[:y, x:], np.s_[y:, :x], np.s_[y:, x:])):
        wanted = drive.expected(window.store.state, i, width, height)
        np.testing.assert_array_equal(shown[part], wanted[part])


def test_the_line_of_a_split_is_dragged(window, qtbot, show):
    show(drive.noise(300, 300))
    window.store.update(changes.set_split, Split.VERTICAL)
    settle(qtbot, window)
    canvas = window.compare.panes[1].canvas
    width, _ = window.compare.viewport()
    view = window.store.state.view
    drag(canvas, (round(width / 2) + 2, 40), (round(width * 0.7), 90))
    assert window.store.state.line == pytest.approx((0.5, 0.7), abs=1 / width)
    assert window.store.state.view == view
    drag(canvas, (20, 40), (30, 40))  # beside the line: the picture moves
    assert window.store.state.view != view


# -- scenario 4 -----------------------------------------------------------------------------------


def test_scenario_04_all_panes_follow_one(window, qtbot, show):
    """Nine panes of several scales over a picture that is not square, and the truth: one View."""
    show(drive.noise(70, 131))
    window.store.update(panes.preset, "Interpolators")
    for scale in (2, 3, 5):
        window.store.update(panes.add)
        window.store.update(panes.set_scale, 5 + scale // 2, (Fraction(scale), Fraction(scale)))
    settle(qtbot, window)
    assert len(window.compare.panes) == 9
    rng = np.random.default_rng(4)
    for _ in range(30):
        canvas = window.compare.panes[int(rng.integers(9))].canvas
        x, y = int(rng.integers(canvas.width())), int(rng.integers(canvas.height()))
        before, size = window.store.state.view, window.compare.viewport()
        what = rng.integers(3)
        if what == 0:
            turn(canvas, int(rng.choice([-2, -1, 1])), x, y)
            after = window.store.state.view
            assert after.source(x, y, *size) == pytest.approx(before.source(x, y, *size), abs=1e-9)
        elif what == 1:
            drag(canvas, (x, y), (min(x + 7, canvas.width() - 1), y))
        else:
            window.resize(1100 + int(rng.integers(300)), 700 + int(rng.integers(200)))
            QApplication.processEvents()
    settle(qtbot, window)
    layers = window.compare._scene.layers
    assert {layer.pane for layer in layers} == set(range(9))
    view = window.store.state.view
    assert {(la.request.rows.centre, la.request.cols.centre) for la in layers} == {
        (view.cy, view.cx)
    }
    assert {la.request.rows.z for la in layers} == {view.z}
    frames = window.compare.shot().frames
    assert all(frames[la.pane].request.rows == la.request.rows for la in layers)


# -- scenario 5 -----------------------------------------------------------------------------------


def test_scenario_05_a_nudge_stays(window, qtbot, show):
    show(drive.noise(300, 400))
    before = window.store.state
    drag(window.compare.panes[2].canvas, (60, 60), (84, 52), ALT)
    nudged = window.store.state
    # 24 and -8 device pixels at 4 to one of the source.
    assert [pane.nudge for pane in nudged.panes] == [(0, 0), (0, 0), (-2, 6), (0, 0)]
    assert nudged.view == before.view
    settle(qtbot, window)
    assert window.compare.panes[2].shifted.text() == "shifted +6, -2"
    turn(window.compare.panes[0].canvas, 1, 30, 40)
    drag(window.compare.panes[1].canvas, (60, 60), (70, 90))
    settle(qtbot, window)
    now = window.store.state
    assert now.panes == nudged.panes
    assert now.view != nudged.view
    rows = {la.pane: la.request for la in window.compare._scene.layers}
    assert rows[2].rows.centre == now.view.cy + 2
    assert rows[2].cols.centre == now.view.cx - 6
    assert rows[1].rows.centre == now.view.cy
    width, height = window.compare.viewport()
    moved = state.replace(now, view=state.View(now.view.cy + 2, now.view.cx - 6, now.view.z))
    image = grab(window, 2)
    wanted = drive.expected(moved, 2, width, height, image.shape)
    np.testing.assert_array_equal(image, wanted)

    QTest.keyClick(window, Qt.Key.Key_Backspace)
    assert window.store.state.panes == before.panes
    QTest.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert state.point(window.store.state, None) == state.point(now, None)
    QTest.keyClick(window, Qt.Key.Key_Right, ALT)
    assert window.store.state.panes[1].nudge == (0, pytest.approx(1 / now.view.z))


# -- scenario 6 -----------------------------------------------------------------------------------


def press(window, kind, repeat=False):
    event = QKeyEvent(kind, Qt.Key.Key_Space, PLAIN, " ", repeat)
    QApplication.sendEvent(window, event)


@pytest.mark.parametrize("mode", [Mode.GRID, Mode.SINGLE, Mode.BLINK, Mode.DIFF, Mode.SPLIT])
def test_scenario_06_hold_space(window, qtbot, show, mode):
    show(drive.noise(300, 400))
    window.store.update(changes.refer, 3)
    window.store.update(changes.set_mode, mode)
    at_k(window, qtbot, 2)
    shown = window.compare.placed
    reference = drive.expected(window.store.state, 3, *window.compare.viewport())
    before = [window.compare.pane(i).canvas.pixels for i in shown]
    for i in range(20):
        press(window, QKeyEvent.Type.KeyPress)
        QApplication.processEvents()  # one turn: the very next frame
        for j in shown:
            np.testing.assert_array_equal(window.compare.pane(j).canvas.pixels, reference)
            image = drive.pixels_of(window.compare.pane(j).canvas.grab().toImage())
            assert len(np.unique(image)) > 100, f"blank at {i}"
        assert "computing" not in chips(window)
        # A key that is held repeats, as pairs of a release and a press.
        press(window, QKeyEvent.Type.KeyRelease, repeat=True)
        press(window, QKeyEvent.Type.KeyPress, repeat=True)
        assert window.store.state.holding
        press(window, QKeyEvent.Type.KeyRelease)
        QApplication.processEvents()
        for j, pixels in zip(shown, before, strict=True):
            np.testing.assert_array_equal(window.compare.pane(j).canvas.pixels, pixels)


def test_scenario_06_auto_blink_is_never_blank(window, qtbot, show):
    show(drive.noise(300, 400))
    window.compare._blink.setInterval(5)
    QTest.keyClick(window, Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    settle(qtbot, window)
    wanted = [drive.expected(window.store.state, i, *window.compare.viewport()) for i in (0, 1)]
    seen = []

    def look():
        pixels = window.compare.panes[1].canvas.pixels
        seen.append([np.array_equal(pixels, w) for w in wanted])
        assert any(seen[-1])

    both = ([True, False], [False, True])
    end = time.monotonic() + 20  # a busy machine may not come to it in twenty looks
    while len(seen) < 20 or (not all(one in seen for one in both) and time.monotonic() < end):
        qtbot.wait(3)
        look()
    assert all(one in seen for one in both)
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.store.state.blinking
    assert not window.store.state.holding
    QApplication.processEvents()
    assert not window.compare._blink.isActive()


def test_a_key_that_is_let_go_in_another_window(window, qtbot):
    press(window, QKeyEvent.Type.KeyPress)
    assert window.store.state.holding
    window.isActiveWindow = lambda: False
    QApplication.sendEvent(window, QKeyEvent(QKeyEvent.Type.ActivationChange, 0, PLAIN))
    assert not window.store.state.holding


# -- scenario 10 ----------------------------------------------------------------------------------


def test_scenario_10_a_session_in_a_new_process(window, qtbot, photo, tmp_path):
    """Every pane with its marks is the same; a kernel that was learned and not saved, too."""
    window.open_path(photo)
    settle(qtbot, window)
    learned = os.path.join(kernels.new_folder(), "learned-9.npz")
    weight = np.random.default_rng(0).normal(0.25, 0.2, (1, 1, 8, 8)).astype(np.float32)
    Learned(weight, 4, np.array([])).module().save(learned)
    for function, *arguments in (
        (panes.set_method, 0, f"conv_transpose:{learned}"),
        (panes.set_method, 1, "conv_transpose:random:k=4:seed=7"),
        (panes.set_scale, 2, (Fraction(3), Fraction(2))),
        (panes.add, "lanczos3"),
        (state.n_to_one, 3),
        (panes.nudge, 3, 5.0, -7.0),
        (changes.expose, 0.5),
        (changes.set_diff, DiffKind.SIGNED),
        (changes.refer, 3),
        (state.pan, 11.0, 2.0),
        (changes.set_region, (20.0, 30.0), (31.0, 44.0)),
    ):
        window.store.update(function, *arguments)
    window.resize(1201, 803)
    settle(qtbot, window)
    path = tmp_path / "comparison.json"
    window.opener.save_session_path(str(path), session.write(window.store.state))
    os.remove(learned)
    # A pane of another size has no difference.
    assert [bool(pane.canvas.error) for pane in window.compare.panes] == [0, 0, 1, 0, 0]
    canvases = {
        i: image
        for i, image in enumerate(grabs(window))
        if not window.compare.panes[i].canvas.error
    }
    report = tmp_path / "report.npz"
    subprocess.run(
        [sys.executable, "-m", "tests.gui.resume", str(path), str(report), "1201", "803"],
        cwd=ROOT, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}, check=True, timeout=120,
    )  # fmt: skip
    with np.load(report) as found:
        assert set(found.files) == {str(i) for i in canvases}
        for i, pixels in canvases.items():
            np.testing.assert_array_equal(found[str(i)], pixels)


def test_scenario_10_twenty_steps_back_and_forth(window, qtbot, photo):
    window.open_path(photo)
    settle(qtbot, window)
    store = window.store
    seen = [store.state]
    steps = [
        (panes.set_method, 0, "lanczos3"), (panes.add, "area"), (panes.move, -1),
        (panes.duplicate,),
        (panes.remove,), (changes.set_mode, Mode.DIFF), (changes.set_diff, DiffKind.SQUARED),
        (changes.multiply_gain, 4.0), (changes.next_threshold,), (changes.expose, 1.0),
        (changes.next_gamma,), (changes.set_split, Split.QUARTERS), (changes.set_line, 0.2, 0.7),
        (state.pan, 9.0, 3.0), (state.n_to_one, 5), (changes.toggle_geometry,),
        (changes.toggle_loupe,), (panes.nudge, 1, 4.0, 4.0), (changes.refer, 2),
        (changes.set_region, (3.0, 4.0), (20.0, 30.0)),
    ]  # fmt: skip
    assert len(steps) == 20
    for function, *arguments in steps:
        store.update(function, *arguments)
        seen.append(store.state)
    assert len(set(seen)) == 21
    undo, redo = window.actions_by_name["undo"], window.actions_by_name["redo"]
    for wanted in reversed(seen[:-1]):
        undo.trigger()
        assert store.state == wanted
    for wanted in seen[1:]:
        redo.trigger()
        assert store.state == wanted
    assert not redo.isEnabled()
    undo.trigger()
    store.update(panes.add)
    assert not store.can_redo
    settle(qtbot, window)


def test_scenario_10_every_action_by_keyboard(window, qtbot):
    """A key of its own, or its name in the palette."""
    from upsampler_gui.sheets import Palette

    for row in ACTIONS:
        if row.keys:
            continue
        ran = []
        palette = Palette(window, ran.append, lambda row: "")
        qtbot.addWidget(palette)
        palette.show()
        QTest.keyClicks(palette.line, row.text.replace("&", "").replace("...", ""))
        known = [palette.list.item(i) for i in range(palette.list.count())]
        place = [item.data(Qt.ItemDataRole.UserRole) for item in known].index(row)
        for _ in range(place):
            QTest.keyClick(palette.line, Qt.Key.Key_Down)
        QTest.keyClick(palette.line, Qt.Key.Key_Return)
        assert ran == [row]


def test_a_session_that_is_no_session(window, qtbot, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({"a": 1}))
    before = window.store.state
    window.opener.open_session_path(str(path))
    settle(qtbot, window)
    told = window.store.state.message
    assert told == "bad.json: this is no session: it has no 'upsampler session'"
    assert state.dismissed(window.store.state) == before
    path.write_bytes(b"\x89PNG\r\n")
    window.opener.open_session_path(str(path))
    settle(qtbot, window)
    assert window.store.state.message == "bad.json: this is no session: it is no text"
    assert isinstance(before, ViewerState)
