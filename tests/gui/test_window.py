"""The scenarios of a user, offscreen, but with real events and real frames."""

import time
from fractions import Fraction

import imageio.v3 as iio
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from upsampler_gui import panes, source, state

from upsampler.images import Picture

from . import drive
from .events import at_k, chips, drop, grabs, settle, turn

# -- scenario 1 -----------------------------------------------------------------------------------


def test_the_first_start_shows_the_chart_in_four_panes(window):
    assert window.windowTitle() == "test chart - upsampler"
    titles = [pane.method.text()[:-2] for pane in window.compare.panes]  # without the triangle
    assert titles[:2] + titles[3:] == ["nearest", "bilinear", "bicubic"]
    assert titles[2].startswith("bilinear  align")
    assert chips(window) == ["exact 1:1"] * 4
    images = grabs(window)
    assert all(len(np.unique(image)) > 10 for image in images)
    assert len({image.tobytes() for image in images}) == 4


def test_scenario_01_drop_a_photo(window, qtbot, photo):
    begin = time.monotonic()
    drop(window, photo)
    settle(qtbot, window)
    assert time.monotonic() - begin < 10  # a watchdog: a second is promised, and measured
    assert window.windowTitle() == "photo.png - upsampler"
    assert window.store.state.message is None
    for i, image in enumerate(grabs(window)):
        wanted = drive.expected(window.store.state, i, *window.compare.viewport(), image.shape)
        np.testing.assert_array_equal(image, wanted)


@pytest.mark.parametrize("content", [b"", b"no picture", None], ids=["empty", "text", "cut"])
def test_scenario_01_drop_a_corrupt_file(window, qtbot, photo, tmp_path, content):
    drop(window, photo)
    settle(qtbot, window)
    turn(window.compare.panes[1].canvas, 1, 30, 40)
    settle(qtbot, window)
    before, images = window.store.state, grabs(window)
    bad = tmp_path / "bad.png"
    with open(photo, "rb") as file:
        bad.write_bytes(file.read()[:2000] if content is None else content)
    drop(window, str(bad))
    settle(qtbot, window)
    now = window.store.state
    assert (now.source, now.view, now.panes) == (before.source, before.view, before.panes)
    assert "bad.png" in now.message
    assert window._banner.isVisible()
    assert window._message.text() == now.message
    # The banner takes a few rows from the panes; it goes, and everything is as it was.
    QTest.keyClick(window, Qt.Key.Key_Escape)
    settle(qtbot, window)
    assert not window._banner.isVisible()
    for image, old in zip(grabs(window), images, strict=True):
        np.testing.assert_array_equal(image, old)
    drop(window, photo)
    settle(qtbot, window)
    assert window.store.state.message is None


def test_the_newest_of_two_files_wins(window, qtbot, photo, tmp_path):
    other = tmp_path / "other.png"
    iio.imwrite(other, drive.noise(20, 30))
    window.open_path(photo)
    window.open_path(str(other))
    settle(qtbot, window)
    assert window.store.state.source.name == "other.png"


def test_what_is_not_a_file_is_not_dropped(window):
    before = window.store.state
    drop(window, "https://example.org/photo.png")
    assert window.store.state == before


# -- scenario 2 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3, 8])
@pytest.mark.parametrize("shape", [(61, 83), (400, 37)])
def test_scenario_02_what_i_see_is_what_was_computed(window, qtbot, show, shape, k):
    show(drive.noise(*shape))
    window.store.update(panes.set_scale, 3, (Fraction(4), Fraction(2)))
    at_k(window, qtbot, k)
    turn(window.compare.panes[0].canvas, 1, 101, 57)
    turn(window.compare.panes[0].canvas, -1, 10, 33)
    window.store.update(state.n_to_one, k)
    window.store.update(state.pan, 7.3, -11.9)
    settle(qtbot, window)
    assert chips(window)[0] == ("exact 1:1" if k == 1 else f"exact x{k}")
    for i, image in enumerate(grabs(window)):
        wanted = drive.expected(window.store.state, i, *window.compare.viewport(), image.shape)
        assert np.count_nonzero(image != wanted) == 0
        assert np.count_nonzero(image != drive.OUTSIDE) > 1000


def test_below_one_to_one_an_average_replaces_the_samples(window, qtbot, show):
    show(drive.noise(800, 1200))
    seen = []
    window.compare.panes[0].chip.installEventFilter(window)
    real = window.compare.panes[0].show_chip
    window.compare.panes[0].show_chip = lambda *chip: (seen.append(chip[0]), real(*chip))
    at_k(window, qtbot, 1 / 4)
    assert seen.index("exact 1:4") < seen.index("averaged 1:4")
    assert chips(window) == ["averaged 1:4"] * 4
    at_k(window, qtbot, 1)
    seen.clear()
    at_k(window, qtbot, 1 / 4)  # known by now: no samples in between
    assert seen[-1] == "averaged 1:4"
    assert "exact 1:4" not in seen


# -- scenarios 3 and 4 ----------------------------------------------------------------------------


def test_scenario_03_the_same_method_in_all_panes_is_the_same_picture(window, qtbot, show):
    show(drive.noise(91, 64))
    for i in range(4):
        window.store.update(panes.set_method, i, "bicubic")
    at_k(window, qtbot, 3)
    first, *others = grabs(window)
    for image in others:
        h, w = np.minimum(first.shape, image.shape)  # the layout may grant a pixel more
        np.testing.assert_array_equal(image[:h, :w], first[:h, :w])


def test_scenario_04_zoom_one_all_follow(window, qtbot, show):
    """30 events of wheel, mouse and window; one View, and the point under the cursor stays."""
    show(drive.noise(300, 700))
    rng = np.random.default_rng(3)
    for event in range(30):
        i = int(rng.integers(4))
        canvas = window.compare.panes[i].canvas
        width, height = window.compare.viewport()
        x, y = float(rng.integers(width)), float(rng.integers(height))
        before = window.store.state.view
        if event % 5 == 4:
            window.resize(800 + int(rng.integers(300)), 600 + int(rng.integers(200)))
            QApplication.processEvents()
            assert window.store.state.view == before
        elif event % 5 == 3:
            start, end = QPoint(int(x), int(y)), QPoint(int(x) + 9, int(y) - 5)
            QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
            QTest.mouseMove(canvas, end)
            QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)
            after = window.store.state.view
            if (after.cy, after.cx) == (before.cy + 5 / before.z, before.cx - 9 / before.z):
                old = before.source(start.x(), start.y(), width, height)
                new = after.source(end.x(), end.y(), width, height)
                assert new == pytest.approx(old, abs=1e-9)
        else:
            turn(canvas, int(rng.choice([-1, 1, 2])), x, y)
            old = before.source(x, y, width, height)
            new = window.store.state.view.source(x, y, width, height)
            assert new == pytest.approx(old, abs=1e-9)
    at_k(window, qtbot, 2)
    requests = [layer.request for layer in window.compare._scene.layers]
    views = {(r.rows.centre, r.cols.centre, r.rows.z, r.cols.z) for r in requests}
    now = window.store.state.view
    assert views == {(now.cy, now.cx, now.z, now.z)}
    assert chips(window) == ["exact x2"] * 4


def test_parts_of_a_notch_add_up(window):
    canvas = window.compare.panes[0].canvas
    for _ in range(3):
        turn(canvas, 1, 50, 50, unit=30)
        assert window.store.state.view.z == 4
    turn(canvas, 1, 50, 50, unit=30)
    assert window.store.state.view.z == 8
    turn(canvas, -1, 50, 50)
    assert window.store.state.view.z == 4


def test_align_corners_is_shifted_by_its_half_pixel(window, qtbot, show):
    """On a ramp of one unit per source pixel a value is a position."""
    n, m = 40, 160
    ramp = np.broadcast_to(np.arange(n, dtype=np.float64)[None, :, None], (30, n, 1)).copy()
    show(ramp)
    at_k(window, qtbot, 3)
    canvas = window.compare.panes[0].canvas
    shifts = []
    for x in np.linspace(40, canvas.width() - 40, 4).astype(int):
        QTest.mouseMove(canvas, QPoint(int(x), 60))
        column = window.compare.output_index(1)[1]
        half, corners = (float(window.compare.values(i)[0]) for i in (1, 2))
        assert half == pytest.approx(np.clip((column + 0.5) * n / m - 0.5, 0, n - 1), abs=6e-3)
        assert corners == pytest.approx(column * (n - 1) / (m - 1), abs=6e-3)
        shifts.append(corners - half)
    # Source pixels: +3/8 at the left edge, nothing in the middle, -3/8 at the right edge.
    assert shifts == sorted(shifts, reverse=True)
    assert shifts[0] > 0.05
    assert shifts[-1] < -0.05


def test_answers_that_come_after_the_state_has_moved_on(window, qtbot, show):
    """Another picture, or fewer panes, between a frame and the scene that would ask for it anew."""
    show(drive.noise(40, 30))
    other = state.opened(window.store.state, source.source(Picture(drive.noise(9, 80)), "other"))
    window.store.update(lambda _now: other)
    assert window.store.state.view is None
    window.compare._answered(0, ())
    assert window.store.state.view is not None
    window.store.update(panes.remove)
    window.compare._answered(0, ())
    settle(qtbot, window)
    assert len(grabs(window)) == 3
