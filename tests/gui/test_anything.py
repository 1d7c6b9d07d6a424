"""Anything in any order: no exception, and in the end every pane shows what the state asks for."""

import random

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog
from upsampler_gui import panes, state
from upsampler_gui.actions import ACTIONS
from upsampler_gui.render import render
from upsampler_gui.source import source
from upsampler_gui.texts import parse_scale

from upsampler.images import Picture
from upsampler.methods import MENU

from . import drive
from .events import settle, turn

NAMES = [method.name for methods in MENU.values() for method in methods] + ["gpu:bicubic"]
SHAPES = [(1, 1, 3), (1, 40, 1), (61, 83, 3), (7, 300, 4), (200, 31, 2), (90, 91, 3)]
SCALES = ["1/3", "2", "3", "7/3", "2x5", "0.5"]
ROWS = [row for row in ACTIONS if row.name not in ("close", "toggle_full_screen")]
STEPS = 120


def picture(rng, seed):
    height, width, channels = rng.choice(SHAPES)
    dtype = rng.choice(["uint8", "uint16", "float32", "float64"])
    pixels = drive.noise(height, width, channels, dtype, seed)
    if pixels.dtype.kind == "f" and rng.random() < 0.5:
        pixels = pixels * 10 - 5
        pixels.flat[0] = float("nan")
    return source(Picture(pixels, channels in (2, 4)), f"noise {seed}")


def mouse(rng, window):
    canvas = rng.choice([p.canvas for p in window.compare.panes if p.isVisible()])
    (x, y), to = ([rng.randrange(canvas.width()), rng.randrange(canvas.height())] for _ in "ab")
    if rng.random() < 0.5:
        turn(canvas, rng.choice([-2, -1, 1, 2]), x, y)
        return
    modifier = rng.choice([Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier])
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, modifier, QPoint(x, y))
    QTest.mouseMove(canvas, QPoint(*to))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, modifier, QPoint(*to))


def change(rng, window, seed):
    store, kind = window.store, rng.random()
    pane = rng.randrange(len(store.state.panes))
    if kind < 0.55:
        window.actions_by_name[rng.choice(ROWS).name].trigger()
    elif kind < 0.62:
        store.update(state.opened, picture(rng, seed))
    elif kind < 0.7:
        store.update(panes.set_method, pane, rng.choice(NAMES))
    elif kind < 0.75:
        store.update(panes.set_scale, pane, parse_scale(rng.choice(SCALES)))
    elif any(p.isVisible() for p in window.compare.panes):
        mouse(rng, window)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 11, 13])
def test_anything_in_any_order(window, qtbot, monkeypatch, seed):
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *a, **k: ("", ""))
    rng = random.Random(seed)
    for step in range(STEPS):
        change(rng, window, step)
        for _ in range(rng.randrange(4)):
            QApplication.processEvents()
        for dialog in window.findChildren(QDialog):
            dialog.close()
        if step % 10 == 9:
            settle(qtbot, window)
            window.grab()
    settle(qtbot, window)
    # What is shown is what is computed anew from nothing.
    for slot in window.compare._frames.best(window.compare._scene, window.compare._idle).slots:
        canvas = window.compare.pane(slot.pane).canvas
        if canvas.error:
            continue
        for layer in slot.layers:
            top, left, bottom, right = layer.box
            fresh = render(layer.request).pixels
            np.testing.assert_array_equal(
                canvas.pixels[top:bottom, left:right], fresh[top:bottom, left:right]
            )
