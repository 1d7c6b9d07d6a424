"""Changes to the list of panes and to how they are compared, without a window."""

from dataclasses import replace
from fractions import Fraction

import pytest
from upsampler_gui import changes, panes, state
from upsampler_gui.degrade import degrade
from upsampler_gui.settings import Diff, DiffKind, Mode, Region, Tone
from upsampler_gui.source import source
from upsampler_gui.state import TRUTH, Pane, ViewerState
from upsampler_gui.viewport import View

from upsampler.images import Picture

from . import drive

NAMES = ["nearest", "bilinear", "bilinear:align_corners", "bicubic"]


@pytest.fixture
def at():
    opened = source(Picture(drive.noise(31, 53)), "noise")
    return replace(ViewerState(opened), view=View(15.0, 20.0, 8.0), focus=2, reference=3)


def names(at):
    return [pane.method for pane in at.panes]


def test_a_new_pane_has_the_scale_of_the_focused_one(at):
    at = panes.set_scale(at, 2, (Fraction(3), Fraction(2)))
    after = panes.add(at, "lanczos3")
    assert after.panes[4] == Pane("lanczos3", (Fraction(3), Fraction(2)))
    assert (after.focus, after.reference) == (4, 3)


def test_duplicates_keep_their_nudge_and_come_next(at):
    at = panes.nudge(at, 2, 8.0, -4.0)
    after = panes.duplicate(at)
    assert names(after) == [*NAMES[:3], "bilinear:align_corners", "bicubic"]
    assert after.panes[3].nudge == (-0.5, 1.0)
    assert (after.focus, after.reference) == (3, 4)  # the reference is the same pane


def test_never_more_than_nine_nor_less_than_one(at):
    for _ in range(9):
        at = panes.add(at)
    assert len(at.panes) == 9
    assert at.message == "There are 9 panes already; remove one first."
    assert panes.duplicate(at).panes == at.panes
    for _ in range(12):
        at = panes.remove(at)
    assert names(at) == ["nearest"]
    assert (at.focus, at.reference) == (0, 0)


@pytest.mark.parametrize(
    ("focus", "reference", "left", "after"),
    [(0, 3, NAMES[1:], (0, 2)), (3, 0, NAMES[:3], (2, 0)), (1, 1, [NAMES[0], *NAMES[2:]], (1, 0)),
     (2, TRUTH, [*NAMES[:2], NAMES[3]], (2, TRUTH))],
)  # fmt: skip
def test_removing(at, focus, reference, left, after):
    """Focus and reference stay with their panes as long as these are there."""
    gone = panes.remove(replace(at, focus=focus, reference=reference, truth=at.source))
    assert names(gone) == left
    assert (gone.focus, gone.reference) == after


def test_moving_stops_at_the_ends(at):
    assert names(panes.move(at, 1)) == [*NAMES[:2], "bicubic", NAMES[2]]
    assert panes.move(at, 1).reference == 2
    assert panes.move(replace(at, focus=0), -1).panes == at.panes
    assert panes.move(replace(at, focus=3), 1).panes == at.panes


def test_a_nudge_is_kept_in_source_pixels_and_cleared(at):
    both = panes.nudge(panes.nudge(at, 2, 8.0, 4.0), 1, 0.0, 16.0)
    assert [pane.nudge for pane in both.panes] == [(0, 0), (2, 0), (0.5, 1), (0, 0)]
    rows, cols = both.axes(2, 100, 60)
    assert (rows.centre, cols.centre) == (14.5, 19.0)
    assert both.axes(0, 100, 60) == at.axes(0, 100, 60)
    assert both.subject(2) == at.subject(2)  # the same computation
    once = panes.clear_nudge(both)
    assert [pane.nudge for pane in once.panes] == [(0, 0), (2, 0), (0, 0), (0, 0)]
    assert panes.clear_nudge(once).panes == at.panes


def test_presets_keep_the_truth_as_reference(at):
    known = changes.with_truth(at, at.source)
    assert panes.preset(known, "Interpolators").reference == TRUTH
    assert panes.preset(at, "Interpolators").reference == 0


def test_the_lineup_begins_with_reference_and_focus(at):
    assert (at.lineup, at.rival) == ((3, 2, 0, 1), 2)
    same = replace(at, focus=3)
    assert (same.lineup, same.rival) == ((3, 0, 1, 2), 0)
    alone = replace(at, panes=at.panes[:1], focus=0, reference=0)
    assert (alone.lineup, alone.rival) == ((0,), 0)
    assert changes.with_truth(alone, at.source).lineup == (TRUTH, 0)


def test_kinds_of_difference_take_turns(at):
    seen = []
    for _ in range(len(DiffKind) + 1):
        at = changes.next_diff(at)
        seen.append(at.diff.kind)
    assert at.mode is Mode.DIFF
    assert seen == [*DiffKind, DiffKind.ABSOLUTE]


def test_gain_exposure_and_gamma_have_ends(at):
    for _ in range(100):
        at = changes.expose(changes.multiply_gain(at, 2.0), 0.5)
    assert (at.diff.gain, at.tone.exposure) == (4096, 16)
    for _ in range(200):
        at = changes.expose(changes.multiply_gain(at, 0.5), -0.5)
    assert (at.diff.gain, at.tone.exposure) == (1 / 64, -16)
    gammas, thresholds = [], []
    for _ in range(6):
        at = changes.next_threshold(changes.next_gamma(at))
        gammas.append(at.tone.gamma)
        thresholds.append(round(at.diff.threshold * 255, 3))
    assert gammas == [1.8, 2.2, 2.4, 0.45, 1.0, 1.8]
    assert thresholds == [0.5, 1.5, 4.5, 16.5, 0, 0.5]
    assert changes.next_gamma(changes.set_gamma(at, 1.234)).tone.gamma == 1.0
    at = changes.reset(changes.set_diff(at, DiffKind.SIGNED))
    assert (at.tone, at.diff, at.mode) == (Tone(), Diff(DiffKind.SIGNED), Mode.DIFF)


@pytest.mark.parametrize(
    ("start", "end", "region"),
    [((3.2, 4.9), (7.1, 9.0), Region(3, 4, 8, 9)), ((7.1, 9.0), (3.2, 4.9), Region(3, 4, 8, 9)),
     ((-5.0, -5.0), (99.0, 99.0), Region(0, 0, 31, 53)), ((-5.0, 1.0), (-1.0, 9.0), None),
     ((3.5, 60.0), (9.0, 70.0), None), ((2.0, 2.0), (2.0, 9.0), None),
     ((2.5, 2.5), (2.5, 2.5), Region(2, 2, 3, 3))],
)  # fmt: skip
def test_regions_are_whole_source_pixels(at, start, end, region):
    assert changes.set_region(at, start, end).region == region


@pytest.mark.parametrize(
    ("m", "window"),
    [((31, 53), ((3, 8), (4, 9))), ((62, 159), ((6, 16), (12, 27))), ((10, 7), ((0, 3), (0, 2))),
     ((1, 1), ((0, 1), (0, 1)))],
)  # fmt: skip
def test_the_outputs_of_a_region(m, window):
    assert Region(3, 4, 8, 9).window((31, 53), m) == window


def test_a_region_at_the_edge_has_outputs():
    assert Region(30, 52, 31, 53).window((31, 53), (7, 5)) == ((6, 7), (4, 5))


def test_cancelling_takes_one_thing_at_a_time(at):
    at = changes.toggle_blinking(changes.set_region(at, (1.0, 1.0), (5.0, 5.0)))
    at = state.warned(changes.select(at, True), "message")
    kept = ("message", "selecting", "blinking", "region")
    seen = []
    for _ in range(5):
        seen.append([bool(getattr(at, name)) for name in kept])
        at = changes.cancel(at)
    assert seen == [[i >= j for i in range(4)] for j in range(5)]


def test_leaving_a_mode_ends_what_it_was_about(at):
    busy = changes.flip(changes.toggle_blinking(at))
    assert (busy.mode, busy.blinking, busy.holding) == (Mode.BLINK, True, True)
    after = changes.set_mode(busy, Mode.GRID)
    assert (after.blinking, after.holding) == (False, False)
    assert changes.flip(after) == after  # a timer that is late


def test_degrade_and_restore(at):
    truth, small = degrade(at.source, 4)
    assert truth.size == (28, 52)
    assert small.size == (7, 13)
    blocks = truth.values.reshape(7, 4, 13, 4, 3).mean(axis=(1, 3))
    assert abs(small.values - blocks).max() <= 0.5
    after = changes.degraded(at, truth, small, 4)
    assert {pane.output_size(small.size) for pane in after.panes} == {truth.size}
    assert (after.reference, after.degraded, after.view) == (TRUTH, 4, None)
    back = changes.undegrade(after)
    assert (back.source, back.truth, back.degraded, back.reference) == (truth, None, 0, 0)
    with pytest.raises(ValueError, match="noise: 53 x 31 pixels are too few to make it 32 times"):
        degrade(at.source, 32)


def test_a_truth_from_a_file_goes_alone(at):
    other = source(Picture(drive.noise(124, 212)), "truth")
    after = changes.undegrade(changes.with_truth(at, other))
    assert (after.source, after.truth, after.reference) == (at.source, None, 0)
    assert changes.undegrade(after) is after


def test_another_picture_forgets_the_truth_but_reading_again_does_not(at):
    known = changes.with_truth(replace(at, source=replace(at.source, path="a.png")), at.source)
    again = replace(known.source, values=known.source.values.copy())
    assert state.opened(known, again).truth is at.source
    assert state.opened(known, replace(again, path="b.png")).truth is None
