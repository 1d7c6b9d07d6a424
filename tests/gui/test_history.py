"""Undo and redo of the store; a signal for each change."""

from dataclasses import replace

import numpy as np
import pytest
from upsampler_gui import changes, history, panes, state
from upsampler_gui.settings import Mode
from upsampler_gui.source import source
from upsampler_gui.state import ViewerState
from upsampler_gui.store import Store
from upsampler_gui.viewport import View

from upsampler.images import Picture

from . import drive


@pytest.fixture
def store(qapp):
    opened = source(Picture(drive.noise(31, 53)), "noise")
    return Store(replace(ViewerState(opened), view=View(15.0, 20.0, 8.0)))


def test_a_burst_is_one_step(store):
    start = store.state
    for _ in range(5):
        store.update(state.pan, 1.0, 2.0)
    moved = store.state
    store.update(state.zoom, 1, 3, 4, 100, 80)
    store.seal()
    store.update(state.zoom, 1, 3, 4, 100, 80)
    store.undo()
    store.undo()
    assert store.state == moved
    store.undo()
    assert store.state == start
    assert not store.can_undo
    store.undo()  # no more: nothing happens
    assert store.state == start
    store.redo()
    assert store.state == moved


def test_single_changes_are_steps_each(store):
    for _ in range(3):
        store.update(changes.next_gamma)
    for _ in range(3):
        store.undo()
    assert store.state.tone.gamma == 1
    assert not store.can_undo


def test_what_passes_is_no_step_and_stays(store):
    store.update(panes.add)
    added = store.state
    store.update(state.point, (3.0, 4.0))
    store.update(state.focus, 1)
    store.update(state.warned, "a message")
    store.update(changes.toggle_theme)
    store.update(changes.open_panel, "metrics")
    store.undo()
    now = store.state
    assert len(now.panes) == 4
    assert (now.cursor, now.message, now.theme) == ((3.0, 4.0), "a message", "light")
    assert now.panel == "metrics"
    assert not store.can_undo
    store.redo()
    assert store.state.panes == added.panes


def test_what_the_window_does_by_itself_is_no_step(store):
    store.adjust(changes.set_mode, Mode.DIFF)
    assert store.state.mode is Mode.DIFF
    assert not store.can_undo


def test_a_new_step_ends_the_way_forward(store):
    store.update(panes.add)
    store.undo()
    assert store.can_redo
    store.update(changes.next_gamma)
    assert not store.can_redo


def test_an_abandoned_gesture_leaves_no_step(store):
    store.update(panes.add)
    store.seal()
    before = store.state
    for _ in range(3):
        store.update(state.pan, 5.0, 5.0)
    store.abandon(before)
    assert store.state == before
    store.undo()
    assert len(store.state.panes) == 4


def test_no_signal_without_a_change(store, qtbot):
    seen = []
    store.changed.connect(lambda: seen.append(1))
    store.update(state.focus, 0)
    store.update(state.focus, 7)
    assert seen == []
    store.update(state.focus, 1)
    assert seen == [1]


def test_old_pictures_are_let_go(monkeypatch, store):
    """Steps go back as far as the pictures in them are not too large."""
    first = store.state.source
    monkeypatch.setattr(history, "BYTES", 3 * first.values.nbytes)
    for seed in range(1, 9):
        again = source(Picture(drive.noise(31, 53, seed=seed)), f"{seed}")
        store.update(state.opened, again)
    steps = 0
    while store.can_undo:
        store.undo()
        steps += 1
    assert steps == 4  # three held for it, and the one before the present one costs nothing more
    assert store.state.source.name == "4"
    np.testing.assert_array_equal(store.state.source.values, drive.noise(31, 53, seed=4))


def test_many_steps_are_forgotten_in_order(monkeypatch, store):
    monkeypatch.setattr(history, "STEPS", 3)
    for _ in range(6):
        store.update(panes.duplicate)
    counts = []
    while store.can_undo:
        store.undo()
        counts.append(len(store.state.panes))
    assert counts == [8, 7, 6]
