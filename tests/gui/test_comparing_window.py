"""Panes, modes, gestures and opening in a window, beside the scenarios."""

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QToolButton, QWidget
from upsampler_gui import changes, panes, session, state
from upsampler_gui.actions import ACTIONS, DEGRADE
from upsampler_gui.choice import Choice
from upsampler_gui.settings import Mode, Region, Split
from upsampler_gui.sheets import Palette
from upsampler_gui.state import TRUTH

from . import drive
from .events import at_k, chips, grabs, settle, turn
from .test_scenarios import drag

CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def photographed(window, qtbot, photo):
    window.open_path(photo)
    settle(qtbot, window)
    return window


# -- panes ----------------------------------------------------------------------------------------


def test_panes_come_and_go_by_keys(window, qtbot):
    for _ in range(7):
        QTest.keyClick(window, Qt.Key.Key_Insert)
    settle(qtbot, window)
    assert len(window.compare.panes) == 9
    assert not window.actions_by_name["add_pane"].isEnabled()
    assert chips(window) == ["exact 1:1"] * 9
    assert all(len(np.unique(image)) > 10 for image in grabs(window))
    QTest.keyClick(window, Qt.Key.Key_D, CONTROL)  # a blocked row does nothing
    assert len(window.store.state.panes) == 9
    for _ in range(10):
        QTest.keyClick(window, Qt.Key.Key_Delete)
    settle(qtbot, window)
    assert len(window.compare.panes) == 1
    assert not window.actions_by_name["remove_pane"].isEnabled()
    assert window.actions_by_name["remove_pane"].toolTip() == "The last pane stays."
    turn(window.compare.panes[0].canvas, 1, 9, 9)
    settle(qtbot, window)
    assert chips(window) == ["exact x2"]


def test_the_bar_at_the_left_changes_the_focused_pane(window, qtbot):
    dock = window.methods
    dock.list.setCurrentRow(2)
    assert window.store.state.focus == 2
    item = dock._item("conv_transpose:random:k=3")
    dock.tree.itemClicked.emit(item, 0)
    assert window.store.state.panes[2].method == "conv_transpose:random:k=3"
    assert list(dock._choices) == ["Scale", "Size of the kernel", "Random weights"]
    for title, text in (("Size of the kernel", "k = 6"), ("Random weights", "seed = 2")):
        menu = dock._choices[title].menu()
        next(a for a in menu.actions() if a.text() == text).trigger()
    next(a for a in dock.scale.menu().actions() if a.text() == "x2").trigger()
    settle(qtbot, window)
    pane = window.store.state.panes[2]
    assert (pane.method, pane.scale) == ("conv_transpose:random:k=6:seed=2", (2, 2))
    assert dock.list.item(2).text() == "3  conv transpose  random  k=6  seed=2  x2"
    group = dock.tree.topLevelItem(0)
    dock.tree.itemClicked.emit(group, 0)  # a heading is no method
    assert window.store.state.panes[2] == pane
    window.store.update(panes.set_method, 2, "bicubic")
    assert list(dock._choices) == ["Scale", "Corners", "Where it shrinks", "Computed by"]
    assert dock.tree.currentItem().text(0) == "bicubic"
    next(
        a for a in dock._choices["Corners"].menu().actions() if a.text() == "align corners"
    ).trigger()
    assert window.store.state.panes[2].method == "bicubic:align_corners"
    assert dock.tree.currentItem().text(0) == "bicubic  align corners"
    window.store.update(panes.set_method, 2, "bilinear:antialias")  # which has no line of its own
    assert dock.tree.currentItem().text(0) == "bilinear"
    assert dock.list.item(2).text() == "3  bilinear  antialias  x2"


def test_the_bar_at_the_left_by_keys(window, qtbot):
    """Arrows move in the list that has the keys; Return chooses; a click gives the keys back."""
    dock, view = window.methods, window.store.state.view
    dock.list.setFocus()
    QTest.keyClick(dock.list, Qt.Key.Key_Down)
    assert window.store.state.focus == 1
    dock.tree.setFocus()
    for _ in range(2):
        QTest.keyClick(dock.tree, Qt.Key.Key_Down)
    assert dock.tree.currentItem().text(0) == "bicubic"
    QTest.keyClick(dock.tree, Qt.Key.Key_Return)
    assert window.store.state.panes[1].method == "bicubic"
    assert window.store.state.view == view
    dock.tree.itemClicked.emit(dock._item("area"), 0)
    assert QApplication.focusWidget() is window.compare.panes[1].canvas
    QTest.keyClick(window, Qt.Key.Key_Down)
    assert window.store.state.view != view


@pytest.mark.parametrize("name", [n for n in panes.PRESETS if n != panes.GPU])
def test_presets_are_shown(window, qtbot, name):
    window.actions_by_name[f"preset_{name.split()[0].lower()}"].trigger()
    settle(qtbot, window)
    methods = list(panes.PRESETS[name][1])
    assert [pane.method for pane in window.store.state.panes] == methods
    assert "failed" not in chips(window)


def test_the_preset_that_cannot_be_is_gray(window):
    row = next(row for row in ACTIONS if row.name == "preset_cpu")
    action = window.actions_by_name["preset_cpu"]
    reason = row.blocked(window.store.state)
    assert action.isEnabled() is (reason == "")
    assert action.toolTip() == (reason or "CPU vs GPU")


# -- gestures -------------------------------------------------------------------------------------


def test_a_region_is_drawn(window, qtbot, show):
    show(drive.noise(300, 400))
    at_k(window, qtbot, 2)
    view = window.store.state.view
    QTest.keyClick(window, Qt.Key.Key_C)
    assert window.store.state.selecting
    canvas = window.compare.panes[1].canvas
    drag(canvas, (40, 20), (95, 61))
    now = window.store.state
    assert not now.selecting
    assert now.view == view
    size = window.compare.viewport()
    (top, left), (bottom, right) = view.source(40, 20, *size), view.source(95, 61, *size)
    wanted = Region(*np.floor([top, left]).astype(int), *np.ceil([bottom, right]).astype(int))
    assert now.region == wanted
    settle(qtbot, window)
    drawn = drive.pixels_of(canvas.grab().toImage())
    window.store.update(changes.clear_region)
    settle(qtbot, window)
    bare = drive.pixels_of(canvas.grab().toImage())
    changed = np.argwhere(drawn != bare)
    edges = [(left - view.cx) * view.z + size[0] / 2 for left in (wanted.left, wanted.right)]
    assert abs(changed[:, 1].min() - edges[0]) <= 3
    assert abs(changed[:, 1].max() - edges[1]) <= 3
    window.actions_by_name["undo"].trigger()
    assert window.store.state.region == wanted
    window.actions_by_name["undo"].trigger()
    assert window.store.state.region is None


def test_escape_takes_a_drag_back(window, qtbot, show):
    show(drive.noise(300, 400))
    before = window.store.state
    canvas = window.compare.panes[0].canvas
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
    QTest.mouseMove(canvas, QPoint(70, 90))
    assert window.store.state.view != before.view
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.store.state.view == before.view
    QTest.mouseMove(canvas, QPoint(90, 90))  # the button is still down
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(90, 90))
    assert window.store.state.view == before.view


def test_escape_leaves_full_screen_last(window):
    window.toggle_full_screen()
    window.store.update(changes.select, True)
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.isFullScreen()
    assert not window.store.state.selecting
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isFullScreen()


def test_the_wheel_with_alt_zooms_as_well(window):
    """Qt turns it sideways then."""
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QWheelEvent

    canvas = window.compare.panes[0].canvas
    where = QPointF(30, 30)
    event = QWheelEvent(
        where, canvas.mapToGlobal(where), QPoint(), QPoint(120, 0), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.AltModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    z = window.store.state.view.z
    QApplication.sendEvent(canvas, event)
    assert window.store.state.view.z == 2 * z


def test_the_pointer_tells_what_a_drag_would_do(window, qtbot, show):
    show(drive.noise(300, 400))
    window.store.update(changes.set_split, Split.QUARTERS)
    settle(qtbot, window)
    canvas = window.compare.panes[1].canvas
    width, height = window.compare.viewport()
    shapes = Qt.CursorShape
    middle = QPoint(width // 2, height // 2)
    for point, shape in (
        (middle, shapes.SizeAllCursor), (QPoint(width // 2, 20), shapes.SplitHCursor),
        (QPoint(20, height // 2), shapes.SplitVCursor), (QPoint(20, 20), shapes.ArrowCursor),
    ):  # fmt: skip
        QTest.mouseMove(canvas, point)
        assert canvas.cursor().shape() == shape
    QTest.keyClick(window, Qt.Key.Key_C)
    QTest.mouseMove(canvas, QPoint(25, 25))
    assert canvas.cursor().shape() == shapes.CrossCursor


def test_the_loupe_follows_the_cursor(window, qtbot, show):
    show(drive.noise(300, 400))
    canvas = window.compare.panes[3].canvas
    plain = grabs(window)[3]
    QTest.keyClick(window, Qt.Key.Key_L)
    QTest.mouseMove(window.compare.panes[0].canvas, QPoint(30, 40))
    settle(qtbot, window)
    first = drive.pixels_of(canvas.grab().toImage())
    assert np.count_nonzero(first != plain) > 5000
    QTest.mouseMove(window.compare.panes[0].canvas, QPoint(60, 40))
    settle(qtbot, window)
    assert (drive.pixels_of(canvas.grab().toImage()) != first).any()
    QTest.keyClick(window, Qt.Key.Key_L)
    np.testing.assert_array_equal(grabs(window)[3], plain)


def test_numbers_appear_when_nothing_moves(window, qtbot, show):
    show(drive.noise(300, 400))
    at_k(window, qtbot, 48)
    shown = grabs(window)[0]
    QTest.keyClick(window, Qt.Key.Key_N)
    settle(qtbot, window)
    bare = grabs(window)[0]
    assert np.count_nonzero(shown != bare) > 500
    # Without them the middle of every pixel is of one colour.
    rows, cols = window.store.state.axes(0, *window.compare.viewport())
    y, x = round(rows.edge(rows.index(100))), round(cols.edge(cols.index(100)))
    assert len(np.unique(bare[y + 2 : y + 46, x + 2 : x + 46])) == 1
    assert len(np.unique(shown[y + 2 : y + 46, x + 2 : x + 46])) > 5


# -- reference ------------------------------------------------------------------------------------


def test_a_reference_from_a_file(photographed, qtbot, tmp_path, monkeypatch):
    window = photographed
    path = tmp_path / "truth.png"
    truth = drive.noise(244, 332, seed=3)
    iio.imwrite(path, truth)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(path), ""))
    window.actions_by_name["open_reference"].trigger()
    settle(qtbot, window)
    assert window.store.state.reference == TRUTH
    assert window.compare.truth.isVisible()
    assert window.compare.truth.title.name.text().startswith("truth  tr")
    assert window.modes.reference.text().startswith("truth  truth.png")
    pane = window.compare.panes[3]
    qtbot.waitUntil(lambda: "dB" in pane.score.text(), timeout=20_000)
    full = drive.made(drive.noise(61, 83), (244, 332), "bicubic").astype(float)
    psnr = 10 * np.log10(255**2 / ((full - truth) ** 2).mean())
    assert pane.score.text().startswith(f"{psnr:.2f} dB  SSIM ")
    width, height = window.compare.viewport()
    QTest.mouseMove(pane.canvas, QPoint(width // 2, height // 2))
    row, column = window.compare.output_index(TRUTH)
    assert window.status.values[TRUTH].text().split()[1:] == [str(v) for v in truth[row, column]]


def test_a_reference_of_another_size_is_refused(photographed, qtbot, tmp_path):
    window = photographed
    path = tmp_path / "odd.png"
    iio.imwrite(path, drive.noise(243, 332))
    before = window.store.state
    window.opener.open_reference_path(str(path))
    settle(qtbot, window)
    told = window.store.state.message
    assert told == (
        "odd.png: 332 x 243 pixels; the panes make 332 x 244: choose the scale that makes as many, "
        "or another reference."
    )
    assert state.dismissed(window.store.state) == before


def test_degrade_and_restore(photographed, qtbot):
    window = photographed
    window.actions_by_name["degrade_2"].trigger()
    settle(qtbot, window)
    now = window.store.state
    assert (now.source.size, now.truth.size, now.degraded) == ((30, 41), (60, 82), 2)
    scores = [pane.score for pane in window.compare.panes]
    qtbot.waitUntil(lambda: all("dB" in score.text() for score in scores), timeout=20_000)
    window.actions_by_name["degrade_4"].trigger()  # of the picture, not of the small one
    settle(qtbot, window)
    assert window.store.state.truth.size == (60, 80)
    window.actions_by_name["restore_original"].trigger()
    settle(qtbot, window)
    assert window.store.state.truth is None
    assert window.store.state.source.size == (60, 80)
    assert not window.compare.truth.isVisible()
    assert window.compare.panes[0].score.text() == ""
    for _ in range(3):
        window.actions_by_name["undo"].trigger()
    settle(qtbot, window)
    assert window.store.state.source.size == (61, 83)


@pytest.mark.parametrize("factor", DEGRADE)
def test_every_factor_of_degrading(photographed, qtbot, factor):
    window = photographed
    window.actions_by_name[f"degrade_{factor}"].trigger()
    settle(qtbot, window)
    now = window.store.state
    small = (61 // factor, 83 // factor)
    assert (now.source.size, now.truth.size) == (small, tuple(factor * n for n in small))
    assert {pane.scale for pane in now.panes} == {(factor, factor)}


def test_too_few_pixels_to_degrade(window, qtbot, show):
    show(drive.noise(5, 7))
    window.actions_by_name["degrade_8"].trigger()
    settle(qtbot, window)
    assert (
        window.store.state.message == "array: 7 x 5 pixels are too few to make it 8 times smaller."
    )


def test_no_difference_of_other_sizes(window, qtbot, show):
    show(drive.noise(30, 40))
    window.store.update(panes.set_scale, 1, (3, 3))
    window.store.update(changes.set_mode, Mode.DIFF)
    settle(qtbot, window)
    assert chips(window)[1] == "failed"
    assert (
        "makes 120 x 90 pixels and the reference has 160 x 120"
        in window.compare.panes[1].canvas.error
    )
    assert chips(window)[2] != "failed"


# -- sessions, sheets, names ----------------------------------------------------------------------


def test_sessions_by_their_dialogs(photographed, qtbot, tmp_path, monkeypatch):
    window = photographed
    path = str(tmp_path / "a.json")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (path, ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (path, ""))
    window.store.update(panes.add, "area")
    wanted = session.write(window.store.state)
    QTest.keyClick(window, Qt.Key.Key_S, CONTROL)
    window.store.update(panes.remove)
    QTest.keyClick(window, Qt.Key.Key_S, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    settle(qtbot, window)
    assert session.write(window.store.state) == wanted
    window.actions_by_name["undo"].trigger()
    assert len(window.store.state.panes) == 4
    path = str(tmp_path / "nowhere" / "a.json")
    QTest.keyClick(window, Qt.Key.Key_S, CONTROL)
    assert window.store.state.message == f"{path}: No such file or directory"


def test_a_picture_from_nowhere_has_no_session(window, qtbot, show):
    show(drive.noise(5, 7))
    window.actions_by_name["save_session"].trigger()
    assert window.store.state.message.startswith("array: did not come from a file")


def test_the_palette_finds_by_parts_of_words(window, qtbot):
    QTest.keyClick(window, Qt.Key.Key_P, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    (palette,) = window.findChildren(Palette)
    assert palette.list.count() == sum(not row.held for row in ACTIONS)
    QTest.keyClicks(palette.line, "split horiz")
    found = [palette.list.item(i).text() for i in range(palette.list.count())]
    assert found == ["Compare > Split > Horizontal    H"]
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert (window.store.state.mode, window.store.state.split) == (Mode.SPLIT, Split.HORIZONTAL)


def test_the_palette_says_why_a_row_is_blocked(window, qtbot):
    window.show_palette()
    (palette,) = window.findChildren(Palette)
    before = window.store.state
    QTest.keyClicks(palette.line, "file reload")
    assert palette.list.item(0).text().endswith("(What is shown did not come from a file.)")
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()
    assert window.store.state == before
    QTest.keyClicks(palette.line, " no such thing")
    assert palette.list.count() == 0
    QTest.keyClick(palette.line, Qt.Key.Key_Down)
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    palette.reject()


def test_menus_show_what_is_so(window):
    shown = {name: a.isChecked() for name, a in window.actions_by_name.items() if a.isCheckable()}
    assert all(shown[name] for name in ("mode_grid", "focus_1", "refer_1", "numbers"))
    assert not shown["mode_diff"]
    window.actions_by_name["mode_grid"].trigger()  # what is so stays checked
    assert window.actions_by_name["mode_grid"].isChecked()
    window.actions_by_name["mode_diff"].trigger()
    assert not window.actions_by_name["mode_grid"].isChecked()


def test_each_mode_has_its_own_buttons(window, qtbot):
    groups = window.modes._of_mode
    for mode in Mode:
        window.store.update(changes.set_mode, mode)
        assert [m for m, group in groups.items() if group.isVisible()] == [
            m for m in groups if m is mode
        ]


def test_everything_that_takes_the_keys_has_a_name(window, qtbot):
    """What a screen reader says; text in a button is a name."""
    window.store.update(changes.set_mode, Mode.DIFF)
    nameless = [
        widget
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.isVisible()
        and not widget.objectName().startswith("qt_")
        and not (widget.accessibleName() or getattr(widget, "text", lambda: "")())
        and not isinstance(widget.parent(), Choice | QToolButton)
    ]
    assert nameless == []


def test_a_light_window_is_light(window, qtbot):
    try:
        QTest.keyClick(window, Qt.Key.Key_T, CONTROL)
        light = drive.pixels_of(window.statusBar().grab().toImage())
        assert np.median(light & 255) > 200
        assert chips(window) == ["exact 1:1"] * 4
    finally:
        window.store.update(changes.toggle_theme)
    assert np.median(drive.pixels_of(window.statusBar().grab().toImage()) & 255) < 60


def test_the_bar_at_the_left_comes_and_goes(window):
    assert window.methods.isVisible()
    QTest.keyClick(window, Qt.Key.Key_F9)
    assert not window.methods.isVisible()
    QTest.keyClick(window, Qt.Key.Key_F9)
    assert window.methods.isVisible()


def test_quitting_by_key(window, qtbot):
    QTest.keyClick(window, Qt.Key.Key_Q, CONTROL)
    assert not window.isVisible()
