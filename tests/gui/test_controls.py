"""Keys, menus, status bar; and what happens while frames are computed, or fail to be."""

import threading
from dataclasses import replace
from fractions import Fraction

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeySequence, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QToolButton
from upsampler_gui import actions, changes, compare, panes, render, source, state
from upsampler_gui.actions import ACTIONS
from upsampler_gui.mainwindow import MainWindow
from upsampler_gui.settings import Mode, Region

from upsampler.images import Picture

from . import drive
from .events import at_k, chips, grabs, settle, turn


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_status_bar_tells_the_values_of_the_arrays(window, qtbot, show, dtype):
    pixels = drive.noise(61, 83, 3, dtype)
    show(pixels)
    at_k(window, qtbot, 8)
    fulls = [drive.made(pixels, (244, 332), pane.method) for pane in window.store.state.panes]
    rng = np.random.default_rng(0)
    for i in range(8):
        canvas = window.compare.panes[i % 4].canvas
        x, y = int(rng.integers(canvas.width())), int(rng.integers(canvas.height()))
        QTest.mouseMove(canvas, QPoint(x, y))
        now, (width, height) = window.store.state, window.compare.viewport()
        column = drive.shown_output(x, width, now.view.cx, now.view.z, 83, 332)
        row = drive.shown_output(y, height, now.view.cy, now.view.z, 61, 244)
        for j, full in enumerate(fulls):
            told = window.status.values[j].text().split()
            if dtype == "float32":
                wanted = [f"{v:.4g}" for v in full[row, column]]
            else:
                wanted = [str(v) for v in full[row, column]]
            assert told == [f"{j + 1}:", *wanted]
    source_x = (x - width / 2) / now.view.z + now.view.cx
    assert window.status.position.text().startswith(f"x {source_x:.2f}")
    window.store.update(state.point, None)
    assert {label.text() for label in window.status.values.values()} == {""}


def test_outside_of_the_picture_nothing_is_told(window, qtbot, show):
    show(drive.noise(4, 4))
    at_k(window, qtbot, 1)
    QTest.mouseMove(window.compare.panes[0].canvas, QPoint(2, 2))
    assert window.store.state.cursor is not None
    assert {label.text() for label in window.status.values.values()} == {""}


def test_every_key_of_a_step_does_what_the_table_says(window, qtbot):
    """Row by row from the same state; what a row does is tested without a window."""
    opened = source.source(Picture(drive.noise(91, 64)), "noise")
    window.store.update(state.opened, opened)
    settle(qtbot, window)
    start = replace(window.store.state, focus=1, region=Region(1, 2, 3, 4))
    for row in ACTIONS:
        for key in row.keys if row.step is not None else ():
            before = state.failed(start, "message")
            window.store.adjust(lambda _: before)  # noqa: B023
            QApplication.processEvents()
            size, known = window.compare.viewport(), window.actions_by_name[row.name].isVisible()
            combination = QKeySequence(key)[0]
            QTest.keyClick(window, combination.key(), combination.keyboardModifiers())
            blocked = row.blocked is not None and bool(row.blocked(before))
            idle = blocked or not known  # the row of a panel that is not there
            wanted = before if idle else row.step(before, *size)
            assert window.store.state == wanted, (row.name, key)
            same = row.name in (
                "mode_grid",
                "clear_nudge",
                "one_to_one",
                "focus_2",
                "refer_1",
                "reset",
            )
            assert same or idle or wanted != before, (row.name, key)


def test_open_reload_and_chart(window, qtbot, photo, monkeypatch):
    assert not window.actions_by_name["reload"].isEnabled()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (photo, ""))
    QTest.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, window)
    assert window.store.state.source.path == photo
    iio.imwrite(photo, drive.noise(61, 83, seed=9))
    turn(window.compare.panes[0].canvas, 2, 5, 5)
    view = window.store.state.view
    QTest.keyClick(window, Qt.Key.Key_F5)
    settle(qtbot, window)
    np.testing.assert_array_equal(window.store.state.source.values, drive.noise(61, 83, seed=9))
    assert window.store.state.view == view
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: ("", ""))
    window.actions_by_name["open_dialog"].trigger()
    assert window.store.state.opening is None
    window.actions_by_name["open_chart"].trigger()
    assert window.store.state.source.path is None


def test_the_reference_from_a_menu(window, qtbot, show):
    """Where nothing can be held: from one to the other."""
    show(drive.noise(300, 400))
    window.store.update(changes.refer, 3)
    shown = window.compare.panes[0].canvas
    before, action = shown.pixels, window.actions_by_name["hold_reference"]
    action.trigger()
    settle(qtbot, window)
    assert action.isChecked()
    wanted = drive.expected(window.store.state, 3, *window.compare.viewport())
    np.testing.assert_array_equal(shown.pixels, wanted)
    action.trigger()
    settle(qtbot, window)
    assert not action.isChecked()
    np.testing.assert_array_equal(shown.pixels, before)


def test_full_screen_and_the_sheet_of_keys(window, qtbot):
    QTest.keyClick(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    QTest.keyClick(window, Qt.Key.Key_F11)
    assert not window.isFullScreen()
    QTest.keyClick(window, Qt.Key.Key_F1)
    (sheet,) = window.findChildren(QDialog)
    told = {sheet.table.item(i, 1).text() for i in range(sheet.table.rowCount())}
    gestures = {"wheel", "drag", "Alt+drag", "drag the line", "C, then drag"}
    assert {"  ".join(row.keys) for row in ACTIONS if row.keys} | gestures == told
    sheet.reject()


def test_another_screen_is_another_size(window, qtbot):
    """Moving to a screen of another ratio changes no logical size, hence sends no resize."""
    canvas = window.compare.panes[2].canvas
    with qtbot.waitSignal(canvas.resized, timeout=5000):
        QApplication.sendEvent(canvas, QEvent(QEvent.Type.DevicePixelRatioChange))


def test_closing_while_everything_is_busy(qtbot, themed, tmp_path):
    path = tmp_path / "large.npy"
    np.save(path, drive.noise(1500, 2000))
    window = MainWindow(str(path))
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: window.store.state.source.name == "large.npy", timeout=20_000)
    window.store.update(state.n_to_one, 1 / 40)
    window.compare.refresh()
    window.open_path(str(path))
    assert not window.compare._scheduler.idle
    window.close()
    busy = [t for t in threading.enumerate() if t.name.startswith("viewer_frames")]
    assert busy == []
    QApplication.processEvents()


def test_choosing_a_method_and_a_scale(window, qtbot, show):
    show(drive.noise(61, 83))
    pane = window.compare.panes[0]
    before = grabs(window)
    next(a for a in pane.method.menu().actions() if a.text() == "lanczos3").trigger()
    next(a for a in pane.scale.menu().actions() if a.text() == "x8").trigger()
    settle(qtbot, window)
    assert window.store.state.panes[0] == state.Pane("lanczos3", (Fraction(8), Fraction(8)))
    assert pane.method.text().startswith("lanczos3")
    assert pane.scale.text().startswith("x8")
    after = grabs(window)
    assert (after[0] != before[0]).any()
    for old, new in zip(before[1:], after[1:], strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_scale_of_all_panes_is_typed(window, qtbot):
    edit = window.tools.scale.lineEdit()
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, "3x1.5")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    settle(qtbot, window)
    assert {pane.scale for pane in window.store.state.panes} == {(Fraction(3, 2), Fraction(3))}
    assert window.tools.scale.currentText() == "3x1.5"
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, "many")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert "got 'many'; allowed: a number" in window._message.text()
    assert {pane.scale for pane in window.store.state.panes} == {(Fraction(3, 2), Fraction(3))}


def test_the_zoom_is_typed(window, qtbot):
    box = window.tools.zoom
    assert box.currentText() == "400 %"
    for text, z, shown in (("3:1", 12, "1200 %"), ("250", 2.5, "250 %"), ("1:8", 0.5, "50 %")):
        box.lineEdit().setFocus()
        box.lineEdit().selectAll()
        QTest.keyClicks(box.lineEdit(), text)
        QTest.keyClick(box.lineEdit(), Qt.Key.Key_Return)
        settle(qtbot, window)
        assert window.store.state.view.z == z
        assert box.currentText() == shown
        assert isinstance(QApplication.focusWidget(), type(window.compare.panes[0].canvas))
    box.textActivated.emit("fit")
    assert window.store.state == state.fit(window.store.state, *window.compare.viewport())
    view = window.store.state.view
    box.lineEdit().setFocus()
    box.lineEdit().selectAll()
    QTest.keyClicks(box.lineEdit(), "large")
    QTest.keyClick(box.lineEdit(), Qt.Key.Key_Return)
    assert "zoom: got 'large'; allowed: a percentage" in window._message.text()
    assert window.store.state.view == view


def test_what_has_no_room_in_a_bar_is_behind_a_button(window, qtbot):
    window.store.update(changes.set_mode, Mode.DIFF)
    for width, hidden in ((800, True), (1500, False)):
        window.resize(width, 600)
        settle(qtbot, window)
        for bar in (window.tools, window.modes):
            more = bar.findChild(QToolButton, "qt_toolbar_ext_button")
            assert more.isVisible() is hidden
    text = window.palette().color(QPalette.ColorRole.ButtonText)
    image = more.icon().pixmap(12).toImage()
    painted = [image.pixelColor(x, y) for x in range(12) for y in range(12)]
    seen = [colour for colour in painted if colour.alpha() == 255]
    assert len(seen) > 5
    assert {colour.name() for colour in seen} == {text.name()}


def test_the_export_button_has_every_export(window):
    texts = [action.text() for action in window.tools.export.menu().actions()]
    assert texts == [row.text for row in actions.EXPORT]


def test_a_gain_for_what_is_seen(window, qtbot, show):
    truth = drive.noise(40, 50) // 2 + 20
    pixels = truth + np.uint8(8)
    show(pixels)
    window.store.update(panes.set_all_scales, (Fraction(1), Fraction(1)))
    window.store.update(changes.with_truth, source.source(Picture(truth), "truth"))
    assert not window.actions_by_name["fit_gain"].isEnabled()
    window.store.update(changes.set_mode, Mode.DIFF)
    settle(qtbot, window)
    QTest.keyClick(window, Qt.Key.Key_Slash)
    assert window.store.state.diff.gain == 16  # 8 of 255 are 1 / 32 of white: within 1 / 16
    window.store.update(changes.refer, 0)
    settle(qtbot, window)
    window.store.update(panes.set_method, 1, "nearest")
    for i in (2, 3):
        window.store.update(panes.set_method, i, "nearest")
    window.store.update(changes.undegrade)
    settle(qtbot, window)
    QTest.keyClick(window, Qt.Key.Key_Slash)
    assert window.store.state.message == "There is no difference to be seen."
    assert window.store.state.diff.gain == 16


def test_in_split_and_blink_the_focus_is_on_what_is_seen(window, qtbot):
    """What is chosen at the left changes the pane beside the reference, not the reference."""
    assert window.store.state.focus == window.store.state.reference == 0
    QTest.keyClick(window, Qt.Key.Key_B)
    settle(qtbot, window)
    assert window.store.state.focus == 1
    before = window.compare.panes[1].canvas.pixels
    window.methods.tree.itemClicked.emit(window.methods._item("lanczos3"), 0)
    settle(qtbot, window)
    assert (window.compare.panes[1].canvas.pixels != before).any()


def test_numbers_are_written_once(window, qtbot, show):
    show(drive.noise(60, 80))
    at_k(window, qtbot, 32)
    canvas = window.compare.panes[0].canvas
    canvas.grab()
    image = canvas._written[2]
    assert image is not None
    for x in (5.0, 9.0):
        window.store.update(state.point, (x, 4.0))
        settle(qtbot, window)
        canvas.grab()
        assert canvas._written[2] is image
    window.store.update(state.pan, 3.0, 0.0)
    settle(qtbot, window)
    canvas.grab()
    assert canvas._written[2] is not image


def test_a_failing_method_says_so_in_its_pane(window, qtbot, monkeypatch):
    real = render.Request.ready

    def ready(request):
        if request.pane.method == "bilinear":
            raise MemoryError("the result needs 9 TB")
        return real(request)

    monkeypatch.setattr(render.Request, "ready", ready)
    window.store.update(state.pan, 5, 5)
    settle(qtbot, window)
    assert chips(window) == ["exact 1:1", "failed", "exact 1:1", "exact 1:1"]
    assert window.compare.panes[1].canvas.error == "the result needs 9 TB"
    assert len(np.unique(grabs(window)[1])) > 1  # the sentence
    QTest.mouseMove(window.compare.panes[0].canvas, QPoint(80, 80))
    assert [bool(label.text()) for label in window.status.values.values()] == [
        True,
        False,
        True,
        True,
    ]
    monkeypatch.undo()
    window.store.update(state.pan, 5, 5)
    settle(qtbot, window)
    assert chips(window) == ["exact 1:1"] * 4


def test_a_pane_that_goes_hands_its_keys_to_another(window, qtbot):
    """And not to the next field, in which they would be letters."""
    window.activateWindow()
    window.store.update(state.focus, 3)
    window.compare.take_keys()
    for left in (3, 2, 1):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Delete)
        settle(qtbot, window)
        assert len(window.store.state.panes) == left
        focus = window.store.state.focus
        assert QApplication.focusWidget() is window.compare.panes[focus].canvas


def test_esc_takes_the_keys_from_a_field(window, qtbot):
    window.activateWindow()
    window.tools.scale.setFocus()
    QTest.keyClick(window.tools.scale, Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is window.compare.panes[0].canvas


def test_the_status_bar_follows_the_frames(window, qtbot, show):
    """Another method, and the mouse at rest: what is told is what is shown now."""
    opened = show(drive.noise(40, 50))
    window.store.update(state.point, (10.0, 10.0))
    settle(qtbot, window)
    row, column = window.compare.output_index(0)
    for name in ("lanczos3", "conv_transpose:random:k=5"):
        window.store.update(panes.set_method, 0, name)
        settle(qtbot, window)
        wanted = [str(v) for v in drive.made(opened.values, (160, 200), name)[row, column]]
        told = window.status.values[0]
        qtbot.waitUntil(lambda told=told, w=wanted: told.text().split()[1:] == w, timeout=20_000)


def test_while_waiting_the_old_frame_moves(window, qtbot, show, monkeypatch):
    """Nothing blank and nothing torn: all panes show their last frame under the new view."""
    show(drive.noise(300, 400))
    before = grabs(window)
    compared = window.compare
    monkeypatch.setattr(compared._scheduler, "submit", lambda jobs: 0)
    window.store.update(state.pan, 12, -8)
    compared.refresh()
    assert chips(window) == ["computing"] * 4
    for image, old in zip(grabs(window), before, strict=True):
        np.testing.assert_array_equal(image[:-8, 12:], old[8:, :-12])
        # A pane may be a pixel smaller than the viewport.
        assert (image[-7:] == drive.OUTSIDE).all()


def test_a_small_cache_does_not_make_it_compute_for_ever(window, qtbot, show):
    window.compare._frames._cache.limit = 1
    show(drive.noise(300, 400))
    at_k(window, qtbot, 1 / 3)
    assert chips(window) == ["averaged 1:3"] * 4
    assert len(window.compare._frames._cache) == 0


def test_pictures_that_are_gone_are_not_held(window, qtbot, show):
    first = show(drive.noise(30, 40))
    show(drive.noise(30, 40, seed=1))
    held = [r.source for r in window.compare._frames._cache._entries]
    held += [frame.request.source for frame in window.compare._frames.last.values()]
    assert held
    assert first not in held


def test_obsolete_work(show, window):
    opened = show(drive.noise(30, 40))
    now = window.store.state

    def request(at, averaged=False, i=0):
        return render.Request(at.source, at.panes[i], *at.axes(i, 50, 40), averaged)

    moved = state.pan(now, 3, 3)
    small = state.n_to_one(now, 0.25)
    other = panes.set_method(now, 0, "area")
    assert opened is now.source
    assert not compare.obsolete((request(now),), (request(moved),))
    assert compare.obsolete((request(small, True),), (request(moved),))
    assert compare.obsolete((request(now),), (request(other),))
    both = (request(other), request(now, i=1))
    assert not compare.obsolete((request(now), request(now, i=1)), both)
