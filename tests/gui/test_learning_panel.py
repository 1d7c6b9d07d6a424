"""The learning panel at work: the pane changes with the kernel, and nothing is torn."""

import os
from fractions import Fraction

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from upsampler_gui import changes, panes, state
from upsampler_gui.learning import Learned
from upsampler_gui.panels import learning as panel_module
from upsampler_gui.source import source

import upsampler
from upsampler.charts import SAMPLE
from upsampler.images import Picture
from upsampler.kernel_upsampling import upsample_with_kernel
from upsampler.methods import parse

from . import drive
from .events import settle

LONG = 10**5  # steps that no test waits for


@pytest.fixture
def panel(qtbot, window):
    window.open_path(str(SAMPLE))
    settle(qtbot, window)
    window.store.update(panes.set_all_scales, (Fraction(2), Fraction(2)))
    window.store.update(state.focus, 2)
    window.store.update(changes.show_learning, True)
    settle(qtbot, window)
    return window.learning.panel


def finish(qtbot, window, panel):
    qtbot.waitUntil(lambda: panel.idle and drive.settled(window), timeout=20_000)


def begin(qtbot, panel, steps=LONG):
    """Start, and wait for some reports."""
    panel.form.steps.setValue(steps)
    panel.buttons["learn"].click()
    qtbot.waitUntil(
        lambda: panel.learned is not None and panel.learned.losses.size > 5, timeout=20_000
    )


def shown_kernel(window, pane=2):
    """The weight that a pane is computed with."""
    method = parse(window.store.state.panes[pane].method)
    source = window.store.state.source
    size = window.store.state.panes[pane].output_size(source.size)
    return method.prepare(source.values, size).weight


def test_the_pane_changes_as_it_learns(qtbot, window, panel, monkeypatch):
    monkeypatch.setattr(panel_module, "SHOW", 0)
    methods, pictures = set(), set()

    def look():
        pane = window.store.state.panes[2]
        if pane.method.startswith("conv_transpose:") and drive.settled(window):
            methods.add(pane.method)
            pictures.add(window.compare.panes[2].canvas.pixels.tobytes())
        return len(methods) >= 3 and len(pictures) >= 3

    begin(qtbot, panel)
    qtbot.waitUntil(look, timeout=20_000)
    panel.buttons["stop"].click()
    finish(qtbot, window, panel)
    # In the end it shows what was learned last, to the bit, and no other pane has changed.
    np.testing.assert_array_equal(shown_kernel(window), panel.learned.weight)
    others = [pane.method for i, pane in enumerate(window.store.state.panes) if i != 2]
    assert others == [name for i, name in enumerate(state.FIRST_METHODS) if i != 2]
    # Undo goes back to the method before the learning, in one step.
    window.store.undo()
    assert window.store.state.panes[2].method == "bilinear:align_corners"


def test_what_the_pane_shows_is_what_the_kernel_makes(qtbot, window, panel):
    panel.form.way.chosen.emit("exact")
    panel.buttons["learn"].click()
    finish(qtbot, window, panel)
    now = window.store.state
    made = upsample_with_kernel(now.source.values, panel.learned.weight, 2)
    rows, cols = (axis.indices() for axis in now.axes(2, *window.compare.viewport()))
    inside = (rows >= 0)[:, None] & (cols >= 0)
    levels = made[rows][:, cols].astype(np.uint32)
    packed = 0xFF000000 | levels[..., 0] << 16 | levels[..., 1] << 8 | levels[..., 2]
    pixels = window.compare.panes[2].canvas.pixels
    np.testing.assert_array_equal(pixels[inside], packed[inside])


@pytest.mark.parametrize("way", ["adam", "exact"])
def test_the_panel_shows_loss_and_kernel(qtbot, window, panel, way):
    panel.form.way.chosen.emit(way)
    panel.form.kernel_size.setValue(4)
    panel.form.steps.setValue(80)
    panel.buttons["learn"].click()
    finish(qtbot, window, panel)
    assert panel.kernel.pixels.shape == (4, 4)
    np.testing.assert_array_equal(panel.kernel.weight, panel.learned.weight[0, 0])
    assert "bilinear" in panel.status.text()
    assert panel.remark.text().startswith("checkerboard score 0")
    if way == "exact":
        assert panel.plot.curves == ()
        assert not panel.plot.isVisible()
        return
    assert panel.status.text().startswith("80 steps, loss ")
    raw, mean, baseline = panel.plot.curves
    np.testing.assert_array_equal(raw.y, panel.learned.losses)
    assert mean.y[-1] == pytest.approx(panel.learned.losses[-25:].mean())
    assert mean.x[-1] == raw.x[-1] == 80
    assert baseline.dashed


def test_a_pattern_that_nobody_sees_needs_no_advice():
    bilinear = Learned(upsampler.init.bilinear(1, 4), 2, np.array([]))
    assert panel_module._remark(bilinear) == (
        "checkerboard score 0: less than half a level of 8 bits"
    )
    box = panel_module._remark(Learned(np.full((1, 1, 3, 3), 4 / 9), 2, np.array([])))
    assert box.startswith("checkerboard score 0.484: ")
    assert "multiple of the stride" in box


def test_it_stops_at_any_step_and_goes_on(qtbot, window, panel):
    begin(qtbot, panel)
    assert not panel.buttons["learn"].isEnabled()
    assert not panel.form.isEnabled()
    panel.buttons["stop"].click()
    finish(qtbot, window, panel)
    steps = panel.learned.losses.size
    assert 5 < steps < LONG
    assert panel.buttons["learn"].isEnabled()
    panel.form.init.chosen.emit("")
    assert not panel.form.kernel_size.isEnabled()
    panel.form.steps.setValue(10)
    panel.buttons["learn"].click()
    finish(qtbot, window, panel)
    assert panel.learned.losses.size == steps + 10


def test_it_goes_on_while_another_panel_is_looked_at(qtbot, window, panel):
    begin(qtbot, panel)
    window.store.update(changes.show_learning, False)
    assert not panel.isVisible()
    steps = panel.learned.losses.size
    qtbot.waitUntil(lambda: panel.learned.losses.size > steps + 20, timeout=20_000)
    window.store.update(changes.show_learning, True)
    panel.buttons["stop"].click()
    finish(qtbot, window, panel)


def test_another_method_for_the_pane_is_left_alone(qtbot, window, panel, monkeypatch):
    monkeypatch.setattr(panel_module, "SHOW", 0)
    begin(qtbot, panel)
    qtbot.waitUntil(lambda: "learned-" in window.store.state.panes[2].method, timeout=20_000)
    window.store.update(panes.set_method, 2, "lanczos3")
    steps = panel.learned.losses.size
    qtbot.waitUntil(lambda: panel.learned.losses.size > steps + 20, timeout=20_000)
    panel.buttons["stop"].click()
    finish(qtbot, window, panel)
    assert window.store.state.panes[2].method == "lanczos3"


def test_another_picture_ends_it(qtbot, window, panel):
    begin(qtbot, panel)
    window.actions_by_name["open_chart"].trigger()
    assert panel.idle
    assert "another picture" in panel.status.text()
    steps = panel.learned.losses.size
    qtbot.waitUntil(lambda: panel._scheduler.idle, timeout=20_000)
    qtbot.wait(20)
    assert panel.learned.losses.size == steps  # and nothing is heard of it


def test_closing_the_window_ends_it_and_leaves_no_file(qtbot, window, panel, monkeypatch):
    monkeypatch.setattr(panel_module, "SHOW", 0)
    begin(qtbot, panel)
    qtbot.waitUntil(lambda: "learned-" in window.store.state.panes[2].method, timeout=20_000)
    path = window.store.state.panes[2].method.partition(":")[2]
    assert os.path.exists(path)
    window.close()
    assert not os.path.exists(path)
    assert not os.path.exists(os.path.dirname(path))


def test_few_files_are_kept(qtbot, window, panel, monkeypatch):
    monkeypatch.setattr(panel_module, "SHOW", 0)
    begin(qtbot, panel)
    qtbot.waitUntil(lambda: "learned-" in window.store.state.panes[2].method, timeout=20_000)
    folder = os.path.dirname(window.store.state.panes[2].method.partition(":")[2])
    seen = set()
    qtbot.waitUntil(lambda: seen.update(os.listdir(folder)) or len(seen) > 20, timeout=20_000)
    assert len(os.listdir(folder)) <= 17
    panel.buttons["stop"].click()
    finish(qtbot, window, panel)


def test_undo_never_leads_to_a_kernel_that_is_gone(qtbot, window, panel, monkeypatch):
    """Zooming while it learns is a step, and with it goes the kernel of that moment."""
    monkeypatch.setattr(panel_module, "SHOW", 0)
    begin(qtbot, panel)
    learned = "learned-"
    qtbot.waitUntil(lambda: learned in window.store.state.panes[2].method, timeout=20_000)
    window.store.update(state.n_to_one, 5)
    first = window.store.state.panes[2].method
    folder = os.path.dirname(first.partition(":")[2])
    seen = set()
    qtbot.waitUntil(lambda: seen.update(os.listdir(folder)) or len(seen) > 20, timeout=20_000)
    window.store.update(state.n_to_one, 3)
    panel.buttons["stop"].click()
    finish(qtbot, window, panel)
    methods = []
    while window.store.can_undo:
        window.store.undo()
        settle(qtbot, window)
        methods.append(window.store.state.panes[2].method)
        assert window.compare.panes[2].canvas.error == ""
    assert len({method for method in methods if learned in method}) > 1


def test_save_and_load(qtbot, window, panel, monkeypatch, tmp_path):
    panel.form.steps.setValue(30)
    panel.buttons["learn"].click()
    finish(qtbot, window, panel)
    path = str(tmp_path / "mine.npz")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (path[:-4], ""))
    panel.buttons["save"].click()
    assert window.store.state.panes[2].method == f"conv_transpose:{path}"
    weight = panel.learned.weight
    np.testing.assert_array_equal(upsampler.load_module(path).weight, weight)
    panel.form.kernel_size.setValue(3)
    panel.buttons["learn"].click()
    finish(qtbot, window, panel)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: (path, ""))
    window.store.update(state.focus, 0)
    panel.buttons["load"].click()
    np.testing.assert_array_equal(panel.learned.weight, weight)
    np.testing.assert_array_equal(panel.kernel.weight, weight[0, 0])
    assert window.store.state.panes[0].method == f"conv_transpose:{path}"


def test_what_goes_wrong_is_said(qtbot, window, panel, monkeypatch, tmp_path):
    panel.form.init.chosen.emit("")
    panel.buttons["learn"].click()
    finish(qtbot, window, panel)
    assert panel.status.text() == "there is no kernel yet to go on with"
    path = tmp_path / "bad.npz"
    path.write_bytes(b"no kernel")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: (str(path), ""))
    panel.buttons["load"].click()
    assert "bad.npz" in window.store.state.message
    panel.form.init.chosen.emit("bilinear")
    panel.form.steps.setValue(2)
    panel.buttons["learn"].click()
    finish(qtbot, window, panel)
    where = str(tmp_path / "nowhere" / "kernel.npz")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (where, ""))
    panel.buttons["save"].click()
    assert "nowhere" in window.store.state.message


def test_tips_tell_the_weights(qtbot, window, panel):
    panel.form.way.chosen.emit("exact")
    panel.buttons["learn"].click()
    finish(qtbot, window, panel)
    left, top = panel.kernel.origin
    k = panel.kernel.factor
    weight = panel.learned.weight[0, 0, 2, 4]
    at = QPoint(left + 4 * k + k // 2, top + 2 * k + k // 2)
    assert panel.kernel.tip(at.toPointF()) == f"row 2, column 4: {weight:.6g}"
    assert panel.kernel.tip(QPoint(-3, 4).toPointF()) == ""


def test_what_is_learned_from_is_said(qtbot, window, panel):
    assert panel.caption.text().endswith("from the picture and its averages, 2 times smaller")
    now = window.store.state
    small = upsampler.avg_pool2d(
        now.source.values[:50, :80].transpose(2, 0, 1)[None].astype(np.float32), 2
    )
    given = source(Picture(small[0].transpose(1, 2, 0) / 255, False), "small")
    truth = source(Picture(now.source.values[:50, :80], False), "large")
    window.store.update(lambda _now: changes.with_truth(state.opened(now, given), truth))
    settle(qtbot, window)
    assert panel.caption.text().endswith("from the picture and its truth")
    panel.form.steps.setValue(40)
    panel.buttons["learn"].click()
    finish(qtbot, window, panel)
    assert panel.status.text().endswith("dB; not saved")


def test_escape_stops_it_and_figures_can_be_typed(qtbot, window, panel):
    """No key that means something to the window is lost to it, nor taken from a figure."""
    panel.form.steps.setFocus()
    panel.form.steps.selectAll()
    QTest.keyClicks(panel.form.steps, "4321")
    assert panel.form.recipe().steps == 4321
    assert window.store.state.focus == 2
    begin(qtbot, panel)
    window.actions_by_name["cancel"].trigger()
    finish(qtbot, window, panel)
    assert 5 < panel.learned.losses.size < LONG
