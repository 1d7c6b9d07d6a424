"""Learnable methods in panes: their pixels, parameters and files, and what they cannot do."""

import gc
import threading
import time
import weakref
from fractions import Fraction

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from upsampler_gui import compare, panes, state
from upsampler_gui.prepared import prepared
from upsampler_gui.source import source
from upsampler_gui.state import Pane

import upsampler
from upsampler import picture_kernels
from upsampler.images import Picture
from upsampler.methods import MENU

from . import drive
from .events import at_k, chips, grabs, settle

FOUR = (Fraction(4), Fraction(4))
METHODS = ("conv_transpose:box:k=3", "conv_transpose:learned", "resize_conv:bilinear:random",
           "pixel_shuffle:icnr")  # fmt: skip


@pytest.fixture
def choose(window, qtbot):
    """Set the methods of the panes, and wait."""

    def choose(*methods):
        for i, method in enumerate(methods):
            window.store.update(panes.set_method, i, method)
        settle(qtbot, window)

    return choose


@pytest.fixture
def fits(monkeypatch):
    """The shapes of all pictures that kernels are learned from."""
    shapes, real = [], picture_kernels.fit_conv_transpose

    def fit(low, high, *rest, **keywords):
        shapes.append(high.shape)
        return real(low, high, *rest, **keywords)

    monkeypatch.setattr(picture_kernels, "fit_conv_transpose", fit)
    return shapes


@pytest.mark.parametrize("k", [1, 3])
def test_what_is_seen_is_what_the_kernel_makes(window, qtbot, show, choose, k):
    show(drive.noise(61, 83))
    choose(*METHODS)
    at_k(window, qtbot, k)
    window.store.update(state.pan, -37, 13)
    settle(qtbot, window)
    assert len(set(chips(window))) == 1
    for i, seen in enumerate(grabs(window)):
        wanted = drive.expected(window.store.state, i, *window.compare.viewport(), seen.shape)
        np.testing.assert_array_equal(seen, wanted)


def test_a_kernel_is_learned_once_for_a_picture(window, qtbot, show, choose, fits):
    show(drive.noise(61, 83))
    choose("conv_transpose:learned", "conv_transpose:learned")
    assert fits == [(3, 1, 60, 80)]
    window.store.update(state.pan, 9, 9)
    settle(qtbot, window)
    at_k(window, qtbot, 2)
    assert len(fits) == 1
    window.store.update(panes.set_scale, 1, (Fraction(3), Fraction(3)))
    settle(qtbot, window)
    assert fits[1:] == [(3, 1, 60, 81)]
    show(drive.noise(30, 40, seed=1))
    assert sorted(fits[2:]) == [(3, 1, 28, 40), (3, 1, 30, 39)]


def test_what_is_prepared_goes_with_its_picture():
    opened = source(Picture(drive.noise(20, 30)), "noise")
    ready = prepared(opened, Pane("conv_transpose:learned", FOUR))
    assert prepared(opened, Pane("conv_transpose:learned", FOUR)) is ready
    gone = weakref.ref(ready)
    del opened, ready
    gc.collect()
    assert gone() is None


def test_of_several_that_ask_at_once_one_learns(fits, monkeypatch):
    slow = picture_kernels.fit_conv_transpose
    monkeypatch.setattr(
        picture_kernels, "fit_conv_transpose", lambda *a, **k: (time.sleep(0.1), slow(*a, **k))[1]
    )
    opened = source(Picture(drive.noise(20, 30)), "noise")
    found = []
    threads = [
        threading.Thread(
            target=lambda: found.append(prepared(opened, Pane("pixel_shuffle:learned", FOUR)))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fits) == 1
    assert len(found) == 4
    assert len(set(map(id, found))) == 1


def test_the_status_bar_does_not_wait_for_a_kernel(window, qtbot, show, monkeypatch):
    """While kernels are being learned no value is told, and the window does not work them out."""
    show(drive.noise(61, 83))
    at_k(window, qtbot, 8)
    monkeypatch.setattr(window.compare._scheduler, "submit", lambda jobs: 0)
    for i in range(4):
        window.store.update(panes.set_method, i, "conv_transpose:learned")
    monkeypatch.setattr(compare, "output", lambda *a: pytest.fail("computed by the window"))
    window.compare.refresh()
    window.store.update(state.point, (-10.5, 7.0))  # the mouse may have been there already
    assert {label.text() for label in window.status.values.values()} == {""}


# --- what cannot be ------------------------------------------------------------------------------


def test_a_scale_that_is_not_whole_is_a_sentence_in_its_pane(window, qtbot, show, choose):
    show(drive.noise(61, 83))
    choose("bilinear", "conv_transpose:box", "resize_conv:random", "pixel_shuffle:icnr")
    half = Fraction(3, 2)
    window.store.update(panes.set_all_scales, (half, half))
    settle(qtbot, window)
    told = [pane.canvas.error for pane in window.compare.panes]
    assert told == [
        "",
        "scale: got 1.5; allowed: a whole number for conv_transpose",
        "scale: got 1.5; allowed: a whole number for resize_conv",
        "scale: got 1.5; allowed: a whole number for pixel_shuffle",
    ]
    assert chips(window)[1:] == ["failed"] * 3
    assert chips(window)[0].startswith("exact")
    assert len(np.unique(grabs(window)[1])) > 1  # the sentence is to be seen
    window.store.update(panes.set_all_scales, FOUR)
    settle(qtbot, window)
    assert "failed" not in chips(window)


def test_two_scales_are_too_many_for_a_pixel_shuffle(window, qtbot, show, choose):
    show(drive.noise(61, 83))
    choose("conv_transpose:box", "pixel_shuffle:icnr")
    window.store.update(panes.set_all_scales, (Fraction(2), Fraction(3)))
    settle(qtbot, window)
    assert [pane.canvas.error for pane in window.compare.panes[:2]] == [
        "",
        "scale: got 3 across and 2 down; allowed: one for both axes of pixel_shuffle",
    ]


# --- menus ---------------------------------------------------------------------------------------


def texts(menu):
    return [action.text() for action in menu.actions()]


def test_the_menu_has_every_method_under_its_heading(window):
    menu = window.compare.panes[2].method.menu()
    wanted = []
    for heading, methods in MENU.items():
        wanted += [heading, *(method.label for method in methods)]
    assert texts(menu) == [*wanted, "", "Open kernel..."]
    assert {"conv transpose  learned", "resize conv  random", "pixel shuffle  icnr"} < set(wanted)
    checked = [action.text() for action in menu.actions() if action.isChecked()]
    assert checked == ["bilinear  align corners"]


def test_parameters_are_chosen_beside_the_method(window, qtbot, show):
    show(drive.noise(61, 83))
    pane = window.compare.panes[1]
    window.resize(1300, 800)
    next(a for a in pane.method.menu().actions() if a.text().endswith("random  k=3")).trigger()
    settle(qtbot, window)
    assert pane.parameters.isVisible()
    assert pane.method.text().removesuffix("\N{BLACK DOWN-POINTING SMALL TRIANGLE}") == (
        "conv transpose  random "
    )
    assert pane.parameters.text().startswith("k=3 ")
    before = grabs(window)[1]
    for text in ("k = 5", "seed = 1"):
        next(a for a in pane.parameters.menu().actions() if a.text() == text).trigger()
        settle(qtbot, window)
        after = grabs(window)[1]
        assert (after != before).any()
        before = after
    assert window.store.state.panes[1].method == "conv_transpose:random:k=5:seed=1"
    assert pane.parameters.text().startswith("k=5  seed=1")
    checked = [a.text() for a in pane.parameters.menu().actions() if a.isChecked()]
    assert checked == ["k = 5", "seed = 1"]
    next(a for a in pane.parameters.menu().actions() if a.isChecked()).trigger()
    assert checked == [a.text() for a in pane.parameters.menu().actions() if a.isChecked()]
    next(a for a in pane.method.menu().actions() if a.text() == "nearest").trigger()
    settle(qtbot, window)
    assert pane.parameters.text().startswith("default ")
    checked = [a.text() for a in pane.method.menu().actions() if a.isChecked()]
    assert checked == ["nearest"]


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture
def kernel(window, monkeypatch):
    """Answer the dialog with a path, and open a kernel as a user does."""

    def kernel(path, how):
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(path), ""))
        how()

    return kernel


def test_opening_a_kernel_for_a_pane(window, qtbot, show, kernel, tmp_path):
    show(drive.noise(61, 83))
    module = upsampler.ConvTranspose2d(1, 1, 8, 4, 2, bias=False, init="bilinear")
    module.save(tmp_path / "four.npz")
    window.resize(1300, 800)
    pane = window.compare.panes[3]
    kernel(tmp_path / "four.npz", pane.method.menu().actions()[-1].trigger)
    settle(qtbot, window)
    assert window.store.state.focus == 3
    assert window.store.state.panes[3].method == f"conv_transpose:{tmp_path / 'four.npz'}"
    assert pane.method.text().startswith("conv transpose  four.npz")
    assert pane.method.toolTip().endswith(f"conv_transpose:{tmp_path / 'four.npz'}")
    at_k(window, qtbot, 2)
    seen = grabs(window)
    assert window.store.state.panes[1].method == "bilinear"
    rows, columns = (min(n) for n in zip(seen[1].shape, seen[3].shape, strict=True))
    np.testing.assert_array_equal(seen[3][:rows, :columns], seen[1][:rows, :columns])
    # Cancelled: nothing changes.
    before = window.store.state
    kernel("", pane.method.menu().actions()[-1].trigger)
    assert window.store.state == before


def test_opening_a_kernel_for_the_focused_pane_by_key(window, qtbot, show, kernel, tmp_path):
    show(drive.noise(61, 83))
    module = upsampler.ResizeConv2d(1, 1, 3, 4, "bilinear", bias=False, seed=0)
    module.save(tmp_path / "resize.npz")
    window.store.update(state.focus, 2)
    modifier = Qt.KeyboardModifier.ControlModifier
    kernel(tmp_path / "resize.npz", lambda: QTest.keyClick(window, Qt.Key.Key_K, modifier))
    settle(qtbot, window)
    assert window.store.state.panes[2].method == f"resize_conv:bilinear:{tmp_path / 'resize.npz'}"
    assert window.compare.panes[2].canvas.error == ""


def test_kernels_of_no_use(window, qtbot, show, kernel, tmp_path):
    """What is no kernel is told above; one for another scale in its pane, and can be mended."""
    show(drive.noise(61, 83))
    trigger = window.actions_by_name["open_kernel"].trigger
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    before = window.store.state.panes
    for name, why in (("bad.npz", "holds no kernel, or is damaged"),
                      ("photo.png", "is no kernel; their names end in .npz or .npy")):  # fmt: skip
        kernel(tmp_path / name, trigger)
        assert window._message.text() == f"{tmp_path / name}: {why}"
        assert window.store.state.panes == before
    upsampler.ConvTranspose2d(1, 1, 4, 2, 1, bias=False).save(tmp_path / "two.npz")
    kernel(tmp_path / "two.npz", trigger)
    settle(qtbot, window)
    assert not window._banner.isVisible()
    assert window.compare.panes[0].canvas.error == f"{tmp_path / 'two.npz'}: is for scale 2, not 4"
    assert chips(window) == ["failed", "exact 1:1", "exact 1:1", "exact 1:1"]
    window.store.update(panes.set_scale, 0, (Fraction(2), Fraction(2)))
    settle(qtbot, window)
    assert window.compare.panes[0].canvas.error == ""
