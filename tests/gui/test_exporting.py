"""Exports, clipboard, recent files, arrays and files that change, in a window with real events."""

import os
import time

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from upsampler_gui import app, clipboard, export, exporting, state
from upsampler_gui.settings import Region

from upsampler.images import read

from . import drive
from .events import settle

PATIENCE = 20_000


@pytest.fixture
def saving(window, qtbot, monkeypatch, tmp_path):
    """Run an export row with the answer of a dialog, and wait for its end."""

    def saving(row, name, chosen=""):
        path = str(tmp_path / name)
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (path, chosen))
        window.actions_by_name[row].trigger()
        qtbot.waitUntil(lambda: not window.exporter.busy, timeout=PATIENCE)
        return path

    return saving


def test_the_view_is_exported_as_it_is_on_the_screen(window, qtbot, show, saving):
    show(drive.noise(91, 64))
    app.wait(QApplication.instance(), window)
    path = saving("export_view", "view.png")
    wanted = drive.pixels_of(window.compare.grab().toImage())
    made = read(path).pixels.astype(np.uint32)
    packed = 0xFF000000 | made[..., 0] << 16 | made[..., 1] << 8 | made[..., 2]
    rows, cols = np.nonzero(packed != wanted)
    assert not rows.size, (np.unique(rows), np.unique(cols))
    # The pixels of a pane are somewhere in it, all of them.
    corner = window.compare.panes[0].canvas.mapTo(window.compare, window.rect().topLeft())
    pane = window.compare.panes[0].canvas.pixels
    y, x = corner.y(), corner.x()
    part = packed[y : y + 40, x : x + 40]
    assert np.mean(part == pane[:40, :40]) > 0.9  # the label of the grid lies above some
    assert "Wrote view.png" in window.statusBar().currentMessage()


def test_a_name_without_an_ending_gets_that_of_the_filter(saving, tmp_path):
    saving("export_view", "view", "TIFF (*.tif)")
    assert (tmp_path / "view.tif").exists()


@pytest.mark.parametrize("row", ["export_strip", "export_sheet", "export_blink", "export_result"])
def test_every_export_writes_a_picture(window, qtbot, show, saving, row):
    show(drive.noise(96, 128))
    path = saving(row, "out.png")
    assert window.store.state.message is None
    made = read(path).pixels
    assert made.shape[0] > 150
    assert made.std() > 10
    if row == "export_result":
        np.testing.assert_array_equal(
            made, drive.made(window.store.state.source.values, (384, 512), "nearest")
        )


def test_the_blinking_picture_has_the_views_of_all_panes(window, qtbot, show, saving):
    show(drive.noise(400, 300))
    path = saving("export_blink", "blink.png")
    with Image.open(path) as image:
        assert image.n_frames == 4
        for i, pane in enumerate(window.compare.panes):
            image.seek(i)
            frame = np.asarray(image.convert("RGB"))[28:].astype(np.uint32)
            packed = 0xFF000000 | frame[..., 0] << 16 | frame[..., 1] << 8 | frame[..., 2]
            np.testing.assert_array_equal(packed, pane.canvas.pixels)


def test_a_strip_shows_the_region(window, qtbot, show, saving, monkeypatch):
    asked = []
    real = exporting.drawing.crops
    monkeypatch.setattr(
        exporting.drawing, "crops", lambda *args: asked.append(args[1]) or real(*args)
    )
    show(drive.noise(96, 128))
    window.store.adjust(lambda s: state.replace(s, region=Region(3, 5, 30, 40)))
    saving("export_strip", "strip.png")
    assert asked == [Region(3, 5, 30, 40)]


def test_nothing_is_written_where_no_name_is_given(window, monkeypatch, tmp_path):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: ("", ""))
    for row in ("view", "strip", "sheet", "blink", "result"):
        window.actions_by_name[f"export_{row}"].trigger()
        assert not window.exporter.busy


def test_what_cannot_be_written_is_a_sentence(window, qtbot, show, saving):
    show(drive.noise(20, 30, 3, "float32"))
    before = window.store.state.source
    saving("export_result", "out.png")
    assert "PNG holds uint8 and uint16, not float32" in window.store.state.message
    saving("export_view", "none/out.png")
    assert "no such f" in window.store.state.message
    assert window.store.state.source is before
    assert not window.exporter.progress.isVisible()


@pytest.fixture
def slow(monkeypatch):
    """A result that would take for ever."""
    monkeypatch.setattr(export, "BLOCK", 3000)
    real = export.straight

    def straight(*args):
        time.sleep(0.01)
        return real(*args)

    monkeypatch.setattr(export, "straight", straight)


def test_esc_ends_an_export_and_leaves_no_file(window, qtbot, show, slow, monkeypatch, tmp_path):
    show(drive.noise(700, 500))
    path = str(tmp_path / "out.tif")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (path, ""))
    window.actions_by_name["export_result"].trigger()
    qtbot.waitUntil(lambda: window.exporter.progress.bar.value() > 0, timeout=PATIENCE)
    assert window.exporter.progress.isVisible()
    window.actions_by_name["export_view"].trigger()
    assert window.store.state.message == "An export is at work; Esc cancels it."
    window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.exporter.busy
    assert not window.exporter.progress.isVisible()
    qtbot.waitUntil(lambda: os.listdir(tmp_path) == [] or "photo" in str(os.listdir(tmp_path)))
    assert "cancelled; no file" in window.statusBar().currentMessage()
    # The next one begins as if nothing had been.
    window.store.update(state.dismissed)


def test_large_results_are_asked_about(window, qtbot, show, saving, monkeypatch, tmp_path):
    show(drive.noise(20, 30))
    monkeypatch.setattr(exporting, "ASK", 1)
    asked = []

    def question(*args):
        asked.append(args[2])
        return answer

    monkeypatch.setattr(QMessageBox, "question", question)
    answer = QMessageBox.StandardButton.Cancel
    saving("export_result", "out.npy")
    assert asked == ["The result has 120 x 80 pixels, 0.0 GB before compression. Write it?"]
    assert not (tmp_path / "out.npy").exists()
    answer = QMessageBox.StandardButton.Ok
    saving("export_result", "out.npy")
    assert (tmp_path / "out.npy").exists()


def test_closing_the_window_ends_an_export(window, qtbot, show, slow, monkeypatch, tmp_path):
    show(drive.noise(700, 500))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (str(tmp_path / "o.npy"), ""))
    window.actions_by_name["export_result"].trigger()
    qtbot.waitUntil(lambda: window.exporter.progress.bar.value() > 0, timeout=PATIENCE)
    window.close()
    assert os.listdir(tmp_path) == []


# -- the clipboard --------------------------------------------------------------------------------


def test_a_picture_is_pasted(window, qtbot):
    pixels = drive.noise(31, 47)
    image = QImage(pixels.data, 47, 31, 3 * 47, QImage.Format.Format_RGB888).copy()
    QGuiApplication.clipboard().setImage(image)
    QTest.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, window)
    now = window.store.state.source
    np.testing.assert_array_equal(now.values, pixels)
    assert (now.name, now.path) == ("pasted picture", None)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("alpha", [False, True])
def test_pasted_pictures_keep_depth_and_opacity(deep, alpha):
    kind = {
        (False, False): QImage.Format.Format_RGB32, (False, True): QImage.Format.Format_ARGB32,
        (True, False): QImage.Format.Format_RGBX64, (True, True): QImage.Format.Format_RGBA64,
    }[deep, alpha]  # fmt: skip
    image = QImage(5, 3, kind)
    image.fill(Qt.GlobalColor.red)
    if alpha:
        image.setPixelColor(1, 2, Qt.GlobalColor.transparent)
    made = clipboard.pasted(image)
    assert made.dtype == (np.uint16 if deep else np.uint8)
    assert made.weighted == alpha
    assert made.size == (3, 5)
    assert made.told(made.values[0, 0])[:3] == (str(np.iinfo(made.dtype).max), "0", "0")


def test_a_copied_file_is_opened_and_nothing_is_a_sentence(window, qtbot, photo):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(photo)])
    QGuiApplication.clipboard().setMimeData(data)
    window.actions_by_name["paste"].trigger()
    settle(qtbot, window)
    assert window.store.state.source.path == photo
    QGuiApplication.clipboard().setText("hello")
    window.actions_by_name["paste"].trigger()
    assert window.store.state.message == "There is no picture in the clipboard."
    assert window.store.state.source.path == photo


def test_view_and_call_are_copied(window, qtbot, show):
    show(drive.noise(91, 64))
    window.actions_by_name["copy_view"].trigger()
    image = QGuiApplication.clipboard().image()
    wanted = drive.pixels_of(window.compare.grab().toImage())
    np.testing.assert_array_equal(drive.pixels_of(image), wanted)
    window.store.update(state.focus, 2)
    window.actions_by_name["copy_call"].trigger()
    text = QGuiApplication.clipboard().text()
    assert 'size=(364, 256), mode="bilinear", align_corners=True, layout="HWC")' in text


# -- files ----------------------------------------------------------------------------------------


def test_recent_files_are_in_the_menu(window, qtbot, photo, tmp_path):
    other = str(tmp_path / "a & b.png")
    iio.imwrite(other, drive.noise(20, 30))
    for path in (photo, other, photo):
        window.open_path(path)
        settle(qtbot, window)
    menu = window.menus._recent
    menu.aboutToShow.emit()
    texts = [action.text() for action in menu.actions()]
    assert texts == [f"&1  {photo}", f"&2  {other}".replace(" & ", " && ")]
    os.unlink(photo)
    menu.aboutToShow.emit()
    menu.actions()[0].trigger()
    settle(qtbot, window)
    assert window.store.state.source.path == other


def test_a_file_that_changes_is_read_again(window, qtbot, photo):
    window.open_path(photo)
    settle(qtbot, window)
    window.store.update(state.n_to_one, 3)
    window.store.update(state.pan, 11, 5)
    view = window.store.state.view
    changed = drive.noise(61, 83, seed=5)
    iio.imwrite(photo, changed)
    qtbot.waitUntil(
        lambda: np.array_equal(window.store.state.source.values, changed), timeout=PATIENCE
    )
    assert window.store.state.view == view
    settle(qtbot, window)
    # Written beside it and renamed over it, as careful programs do.
    other = drive.noise(61, 83, seed=6)
    iio.imwrite(photo + ".new.png", other)
    os.replace(photo + ".new.png", photo)
    qtbot.waitUntil(
        lambda: np.array_equal(window.store.state.source.values, other), timeout=PATIENCE
    )


def test_a_file_that_vanishes_is_told_and_stays_on_the_screen(window, qtbot, photo):
    window.open_path(photo)
    settle(qtbot, window)
    before = window.store.state
    os.unlink(photo)
    qtbot.waitUntil(lambda: window.store.state.message is not None, timeout=PATIENCE)
    assert window.store.state.message.startswith("photo.png: the file is gone")
    assert window.store.state.source is before.source
    QTest.keyClick(window, Qt.Key.Key_F5)
    settle(qtbot, window)
    assert "no such file" in window.store.state.message
    assert (window.store.state.source, window.store.state.view) == (before.source, before.view)
    iio.imwrite(photo, drive.noise(61, 83, seed=7))
    qtbot.waitUntil(lambda: window.store.state.source is not before.source, timeout=PATIENCE)
    assert window.store.state.message is None


def test_a_file_half_written_is_told_and_the_next_change_mends_it(window, qtbot, photo):
    window.open_path(photo)
    settle(qtbot, window)
    before = window.store.state.source
    with open(photo, "rb") as file:
        data = file.read()
    with open(photo, "wb") as file:
        file.write(data[:500])
    qtbot.waitUntil(lambda: window.store.state.message is not None, timeout=PATIENCE)
    assert window.store.state.source is before
    with open(photo, "wb") as file:
        file.write(data)
    qtbot.waitUntil(lambda: window.store.state.source is not before, timeout=PATIENCE)


def test_arrays_have_a_chooser(window, qtbot, tmp_path, photo):
    maps = np.random.default_rng(1).standard_normal((2, 9, 40, 50)).astype(np.float32)
    path = str(tmp_path / "maps.npz")
    np.savez(path, maps=maps, photo=drive.noise(40, 50))
    window.open_path(path)
    settle(qtbot, window)
    chooser = window.chooser
    assert chooser.isVisible()
    assert chooser.member.currentText() == "maps"
    assert (chooser.channel.minimum(), chooser.channel.maximum()) == (0, 8)
    assert chooser.channel.text() == "0"
    view = window.store.state.view

    def seen():
        settle(qtbot, window)
        return window.store.state.source.values[..., 0]

    chooser.channel.setValue(4)
    np.testing.assert_array_equal(seen(), maps[0, 4])
    chooser.places["N"].setValue(1)
    np.testing.assert_array_equal(seen(), maps[1, 4])
    assert window.store.state.view == view
    window.actions_by_name["next_channel"].trigger()
    np.testing.assert_array_equal(seen(), maps[1, 5])
    window.actions_by_name["previous_channel"].trigger()
    np.testing.assert_array_equal(seen(), maps[1, 4])
    QTest.keyClick(window, Qt.Key.Key_F5)
    np.testing.assert_array_equal(seen(), maps[1, 4])
    assert window.store.state.source.slice.index == (1,)
    chooser.layout_.setCurrentText("NHWC")
    np.testing.assert_array_equal(seen(), maps[0, :, :, 0])
    chooser.member.setCurrentText("photo")
    settle(qtbot, window)
    assert window.store.state.source.values.shape == (40, 50, 3)
    assert chooser.channel.text() == "colours"
    chooser.channel.setValue(1)
    settle(qtbot, window)
    assert window.store.state.source.values.shape == (40, 50, 1)
    window.open_path(photo)
    settle(qtbot, window)
    assert not chooser.isVisible()
    assert not window.actions_by_name["next_channel"].isEnabled()


def test_a_mapped_file_that_shrinks_is_told_in_the_panes(window, qtbot, tmp_path, monkeypatch):
    from upsampler_gui.sources import shelf

    monkeypatch.setattr(shelf, "MAPPED", 1)
    path = str(tmp_path / "a.npy")
    np.save(path, drive.noise(300, 400))
    window.open_path(path)
    settle(qtbot, window)
    monkeypatch.setattr(window.watch, "_look", lambda: None)
    monkeypatch.setattr(window.watch._later, "start", lambda: None)
    assert window.store.state.source.mapped
    os.truncate(path, 400)
    window.store.update(state.pan, 40, 30)
    settle(qtbot, window)
    assert all("has become shorter" in pane.canvas.error for pane in window.compare.panes)
