"""Each panel in a window, against what NumPy and scikit-image say."""

import sys
from fractions import Fraction

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QSpinBox
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from upsampler_gui import actions, changes, panes, state
from upsampler_gui.panels import PANELS, LearningPanel
from upsampler_gui.panels import metrics as metrics_panel
from upsampler_gui.panels.spectrum import picture
from upsampler_gui.panels.working import WorkingPanel
from upsampler_gui.source import source

import upsampler
from upsampler.images import Picture

from . import drive
from .events import settle
from .panels import finish, open_panel, point_at

ALL = (*PANELS, LearningPanel)
COMPUTING = [kind for kind in PANELS if issubclass(kind, WorkingPanel)]


def cells(panel):
    """The rows of the metrics table, by headings."""
    found = {}
    for i in range(panel.table.topLevelItemCount()):
        section = panel.table.topLevelItem(i)
        items = [section.child(j) for j in range(section.childCount())]
        found[section.text(0)] = [[item.text(c) for c in range(5)] for item in items]
    return found


# -- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", COMPUTING, ids=lambda kind: kind.name)
def test_a_panel_computes_only_while_it_is_seen(qtbot, window, show, kind):
    show(drive.noise(40, 61))
    panel = open_panel(qtbot, window, kind.name)
    assert panel.isVisible()
    window.store.update(changes.open_panel, "")
    qtbot.waitUntil(lambda: not panel.isVisible(), timeout=20_000)
    asked = []
    for lane in panel._lanes:
        lane.ask = lambda *jobs: asked.append(jobs)
    window.store.update(state.pan, 5, 7)
    point_at(window, 10, 11)
    window.store.update(panes.set_method, 0, "area")
    settle(qtbot, window)
    assert asked == []
    assert panel.shot is None  # nor does it hold a picture


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 37, 2), (3, 2, 4)])
def test_small_and_unusual_pictures(qtbot, window, show, kind, shape):
    show(drive.noise(*shape))
    open_panel(qtbot, window, kind.name)
    point_at(window, 0.5, 0.5)
    window.store.update(changes.set_region, (0, 0), (1, 1))
    finish(qtbot, window)
    window.store.update(state.pan, 1e5, 1e5)
    finish(qtbot, window)
    assert window.store.state.message is None


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_values_that_are_not_finite_and_methods_that_fail(qtbot, window, show, kind):
    pixels = drive.noise(30, 41, dtype=np.float32)
    pixels[3:6, 7] = np.nan
    pixels[10, 11] = np.inf
    show(pixels)
    window.store.update(panes.set_scale, 1, (Fraction(3, 2), Fraction(3, 2)))
    window.store.update(panes.set_method, 1, "conv_transpose:box")
    open_panel(qtbot, window, kind.name)
    point_at(window, 4.2, 7.1)
    finish(qtbot, window)
    assert (window.dock.open_panel or window.learning.panel).isVisible()


def test_every_panel_has_its_action():
    assert {kind.name for kind in PANELS} == {name for name, _, _ in actions.PANELS}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_panels_can_be_used_without_a_mouse(qtbot, window, kind):
    """Everything that can be chosen can be reached by Tab, and has a name for those who listen."""
    panel = open_panel(qtbot, window, kind.name)
    for widget in panel.findChildren(QAbstractButton):
        if widget.isVisible():
            assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            assert widget.text() or widget.accessibleName()
            assert widget.toolTip() or widget.text()
    for widget in panel.findChildren(QSpinBox):
        assert widget.accessibleName()


@pytest.mark.parametrize("kind", COMPUTING, ids=lambda kind: kind.name)
def test_panes_come_and_go(qtbot, window, show, kind):
    show(drive.noise(40, 61))
    window.store.update(changes.refer, 3)
    open_panel(qtbot, window, kind.name)
    point_at(window, 10, 11)
    finish(qtbot, window)
    for _ in range(3):
        window.store.update(panes.remove)
        finish(qtbot, window)
    for _ in range(8):
        window.store.update(panes.duplicate)
    finish(qtbot, window)
    assert len(window.store.state.panes) == 9
    window.store.undo()
    finish(qtbot, window)


# -- metrics --------------------------------------------------------------------------------------


def test_metrics_of_everything_the_visible_and_the_region(qtbot, window, show):
    pixels = drive.noise(90, 131)
    show(pixels)
    window.store.update(state.n_to_one, 2)
    window.store.update(changes.refer, 3)
    window.store.update(changes.set_region, (11.5, 20), (30, 47.2))
    found = cells(open_panel(qtbot, window, "metrics"))
    full = {name: drive.made(pixels, (360, 524), name) for name in state.FIRST_METHODS}
    rows, cols = (axis.indices() for axis in window.store.state.axes(0, *window.compare.viewport()))
    areas = {
        "Region: 28 x 19 source pixels at (20, 11)": (slice(44, 120), slice(80, 192)),
        "Visible": (slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)),
        "Whole picture": (slice(None), slice(None)),
    }
    assert list(found) == list(areas)
    for heading, area in areas.items():
        reference = full["bicubic"][area]
        for i, name in enumerate(state.FIRST_METHODS[:3]):
            test = full[name][area]
            _, psnr, ssim, mean, largest = found[heading][i]
            wanted = peak_signal_noise_ratio(reference, test, data_range=255)
            assert psnr == f"{wanted:.2f} dB"
            wanted = structural_similarity(reference, test, data_range=255, channel_axis=-1)
            assert ssim == f"{wanted:.4f}"
            error = np.abs(reference.astype(float) - test)
            assert (mean, largest) == (f"{error.mean():.4g}", f"{error.max():.4g}")
        assert found[heading][3][1] == "reference"


def test_the_same_method_is_identical_and_the_best(qtbot, window, show):
    show(drive.noise(40, 51))
    window.store.update(panes.set_method, 1, "bicubic")
    window.store.update(changes.refer, 3)
    panel = open_panel(qtbot, window, "metrics")
    assert cells(panel)["Whole picture"][1][1:] == ["identical", "1", "0", "0"]
    section = panel.table.topLevelItem(1)
    bold = [[section.child(i).font(c).bold() for c in range(1, 5)] for i in range(4)]
    assert bold == [[False] * 4, [True] * 4, [False] * 4, [False] * 4]


def test_what_has_another_size_is_not_compared(qtbot, window, show):
    show(drive.noise(40, 51))
    window.store.update(panes.set_scale, 1, (Fraction(2), Fraction(2)))
    panel = open_panel(qtbot, window, "metrics")
    row = panel.table.topLevelItem(1).child(1)
    assert row.text(1) == "\N{EN DASH}"
    assert "102 x 80 pixels, the reference has 204 x 160" in row.toolTip(1)


def test_the_truth_is_a_reference(qtbot, window, show):
    pixels = drive.noise(96, 64)
    small = upsampler.interpolate(pixels, scale_factor=0.25, mode="area", layout="HWC")
    show(small)
    truth = source(Picture(pixels, False), "truth.png")
    window.store.update(changes.with_truth, truth)
    panel = open_panel(qtbot, window, "metrics")
    found = cells(panel)["Whole picture"]
    assert found[0][:2] == ["truth  truth.png", "reference"]
    assert len(found) == 5
    wanted = peak_signal_noise_ratio(pixels, drive.made(small, (96, 64), "bicubic"), data_range=255)
    assert found[4][1] == f"{wanted:.2f} dB"


def test_large_pictures_are_measured_when_somebody_asks(qtbot, window, show, monkeypatch):
    monkeypatch.setattr(metrics_panel, "AUTOMATIC", 1000)
    show(drive.noise(60, 71))
    panel = open_panel(qtbot, window, "metrics")
    assert cells(panel)["Whole picture"][1][1] == ""
    # What is visible is as large; only a small region is measured unasked.
    assert cells(panel)["Visible"][1][1] == "\N{EN DASH}"
    window.store.update(changes.set_region, (3, 4), (7, 8))
    finish(qtbot, window)
    assert cells(panel)["Region: 4 x 4 source pixels at (4, 3)"][3][1].endswith("dB")
    assert panel.button.isVisible()
    panel.button.click()
    assert panel.button.text() == "Stop"
    panel.button.click()  # and not measured after all
    finish(qtbot, window)
    assert cells(panel)["Whole picture"][1][1] == ""
    panel.button.click()
    window.actions_by_name["cancel"].trigger()
    assert panel.button.text() != "Stop"
    panel.button.click()
    qtbot.waitUntil(lambda: cells(panel)["Whole picture"][3][1].endswith("dB"), timeout=20_000)
    assert not panel.button.isVisible()


# -- histogram ------------------------------------------------------------------------------------


def test_the_histogram_has_a_curve_for_each_pane(qtbot, window, show):
    pixels = drive.noise(40, 51)
    show(pixels)
    panel = open_panel(qtbot, window, "histogram")
    panel.area.chosen.emit("whole")
    panel.channel.chosen.emit("1")
    finish(qtbot, window)
    assert len(panel.plot.curves) == 4
    for curve, name in zip(panel.plot.curves, state.FIRST_METHODS, strict=True):
        green = drive.made(pixels, (160, 204), name)[..., 1]
        wanted = np.bincount(green.ravel(), minlength=256) / green.size * 100
        np.testing.assert_allclose(curve.y, wanted)
    assert len({curve.colour for curve in panel.plot.curves}) == 4


def test_what_is_outside_of_the_histogram_is_said(qtbot, window, show):
    pixels = np.repeat([[0.0, 0, 0, 1, 1, 1]], 4, 0)[..., None]
    pixels[2, 4] = np.nan
    show(pixels)
    panel = open_panel(qtbot, window, "histogram")
    panel.area.chosen.emit("whole")
    panel.heights.chosen.emit("log")
    finish(qtbot, window)
    text = panel.legend.text().split("<br>")
    assert "16 NaN" in text[0]
    assert "below" in text[3]
    assert "above" in text[3]
    assert all((curve.y > 0).all() for curve in panel.plot.curves)


def test_without_pyqtgraph_the_panel_says_so(qtbot, window, show, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyqtgraph", None)
    show(drive.noise(20, 31))
    panel = open_panel(qtbot, window, "histogram")
    window.store.update(state.pan, 3, 4)
    finish(qtbot, window)
    (label,) = panel.plot.findChildren(QLabel)
    assert "pip install 'upsampler[gui]'" in label.text()


# -- profile --------------------------------------------------------------------------------------


def test_the_profile_runs_through_the_cursor(qtbot, window, show):
    pixels = drive.noise(50, 41, 1, "uint16")
    show(pixels)
    panel = open_panel(qtbot, window, "profile")
    assert "Point at the picture" in panel.legend.text()
    point_at(window, 12.3, 20.1)
    finish(qtbot, window)
    for i, name in enumerate(state.FIRST_METHODS):
        full = drive.made(pixels, (200, 164), name)[..., 0]
        np.testing.assert_array_equal(panel.plot.curves[i].y, full[49])
        edges = panel.plot.curves[i].x
        np.testing.assert_allclose(edges, np.arange(165) / 4)
    assert panel.plot.marked == pytest.approx(20.1, abs=0.3)
    panel.along.chosen.emit("column")
    finish(qtbot, window)
    full = drive.made(pixels, (200, 164), "nearest")[..., 0]
    first = window.store.state.axes(0, *window.compare.viewport())[0].index(0)
    seen = full[max(first, 0) :, 80][: panel.plot.curves[0].y.size]
    np.testing.assert_array_equal(panel.plot.curves[0].y, seen)
    # The cursor leaves; the line stays until there is something else to see.
    window.store.update(state.point, None)
    finish(qtbot, window)
    assert len(panel.plot.curves) == 4
    window.store.update(panes.set_method, 0, "area")
    finish(qtbot, window)
    assert len(panel.plot.curves) == 0


# -- inspector ------------------------------------------------------------------------------------


def test_the_inspector_tells_values_and_what_they_are_made_of(qtbot, window, show):
    pixels = drive.noise(30, 41)
    show(pixels)
    window.store.update(state.focus, 1)
    panel = open_panel(qtbot, window, "inspector")
    assert panel.table.rowCount() == 0
    point_at(window, 10.3, 20.1)
    finish(qtbot, window)
    for i, name in enumerate(state.FIRST_METHODS):
        full = drive.made(pixels, (120, 164), name)
        row = [panel.table.item(i, j).text() for j in range(5)]
        assert row[1:] == ["80, 41", *map(str, full[41, 80])]
    # Bilinear x4 at output (41, 80): positions 41.5 / 4 - 0.5 = 9.875 and 19.625.
    np.testing.assert_allclose(panel.grid.weights, np.outer([0.125, 0.875], [0.375, 0.625]))
    levels = panel.grid.pixels[..., None] >> np.array([16, 8, 0]) & 255
    np.testing.assert_array_equal(levels, pixels[9:11, 19:21])
    cell = panel.grid.cell(1, 0).center().toPoint()
    assert panel.grid.tip(cell) == "column 19, row 10: weight 0.328125"
    assert panel.grid.tip(QPoint(-5, -5)) == ""
    # It stays as it is when the cursor leaves, and follows the focus.
    window.store.update(state.point, None)
    window.store.update(state.focus, 0)
    finish(qtbot, window)
    assert panel.grid.weights.tolist() == [[1.0]]


def test_the_inspector_forgets_what_is_gone(qtbot, window, show):
    show(drive.noise(30, 41))
    panel = open_panel(qtbot, window, "inspector")
    point_at(window, 10.3, 20.1)
    finish(qtbot, window)
    window.store.update(state.point, None)
    show(drive.noise(30, 41, seed=4))
    finish(qtbot, window)
    assert panel.table.rowCount() == 0
    assert panel.grid.weights.size == 0


# -- spectrum and navigator -----------------------------------------------------------------------


def test_spectra_are_drawn_with_their_strongest_frequencies():
    magnitude = np.full((300, 700), -5.0)
    magnitude[150, 350] = 0.0  # a single one: an average would hide it
    drawn = picture(magnitude, 100) & 255
    assert drawn.shape == (100, 100)
    assert np.argwhere(drawn == 255).tolist() == [[50, 50]]
    assert (drawn == 255).sum() == 1
    assert (drawn == 0).sum() == drawn.size - 1
    assert picture(np.zeros((3, 2)), 10).shape == (10, 10)
    assert picture(np.zeros((0, 2)), 10).size == 0


def test_the_navigator_shows_and_moves_the_view(qtbot, window, show):
    pixels = drive.noise(300, 500)
    show(pixels)
    panel = open_panel(qtbot, window, "navigator")
    height, width = panel.picture.pixels.shape
    wanted = upsampler.interpolate(pixels, size=(height, width), mode="area", layout="HWC")
    np.testing.assert_array_equal(panel.picture.pixels & 255, wanted[..., 2])
    view, size = window.store.state.view, window.compare.viewport()
    (frame,) = panel.picture.frames
    assert frame.width() == pytest.approx(size[0] / view.z / 500)
    assert frame.center().y() == pytest.approx(view.cy / 300)
    # A press at three quarters of the width and a quarter of the height.
    left, top = panel.picture.origin
    at = QPoint(round(left + 0.75 * width), round(top + 0.25 * height))
    QTest.mousePress(panel.picture, Qt.MouseButton.LeftButton, pos=at)
    view = window.store.state.view
    assert (view.cx, view.cy) == (pytest.approx(375, abs=2), pytest.approx(75, abs=2))
    QTest.mouseMove(panel.picture, QPoint(0, 0))  # beyond the corner: held at the border
    QTest.mouseRelease(panel.picture, Qt.MouseButton.LeftButton, pos=QPoint(0, 0))
    window.store.undo()
    assert window.store.state.view.cx != view.cx
    finish(qtbot, window)
    grabbed = drive.pixels_of(panel.picture.grab().toImage())
    assert len(np.unique(grabbed)) > 100
