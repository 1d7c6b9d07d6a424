"""Which frames the panes are put together from, and what is drawn over them, without a window."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from upsampler_gui import changes, loupe, marks, panes, render, scene, state
from upsampler_gui.difference import Difference
from upsampler_gui.settings import Diff, DiffKind, Geometry, Mode, Region, Split, Tone
from upsampler_gui.source import source
from upsampler_gui.state import TRUTH, Pane, ViewerState
from upsampler_gui.viewport import View

from upsampler.images import Picture

from . import drive
from .test_theme import contrast

W, H = 161, 97
FOUR = (Fraction(4), Fraction(4))


@pytest.fixture
def at():
    opened = source(Picture(drive.noise(31, 53)), "noise")
    return replace(ViewerState(opened), view=View(15.0, 20.0, 8.0), focus=2, reference=3)


@pytest.fixture
def known(at):
    return replace(at, truth=source(Picture(drive.noise(124, 212)), "truth.png"))


def drawn(at):
    """By slots, the pane and the box of each layer."""
    return {
        slot.pane: [(layer.pane, layer.box) for layer in slot.layers]
        for slot in scene.scene(at, W, H).slots
    }


WHOLE = (0, 0, H, W)


@pytest.mark.parametrize("mode", [Mode.GRID, Mode.DIFF])
def test_a_grid_shows_every_pane_and_the_truth(at, known, mode):
    assert drawn(replace(at, mode=mode)) == {i: [(i, WHOLE)] for i in range(4)}
    shown = drawn(replace(known, mode=mode))
    assert list(shown) == [0, 1, 2, 3, TRUTH]
    assert shown[TRUTH] == [(TRUTH, WHOLE)]


def test_one_pane_or_its_rival_fills_the_window(at):
    assert drawn(replace(at, mode=Mode.SINGLE)) == {2: [(2, WHOLE)]}
    assert drawn(replace(at, mode=Mode.SINGLE, focus=3)) == {3: [(3, WHOLE)]}
    assert drawn(replace(at, mode=Mode.BLINK, focus=3)) == {0: [(0, WHOLE)]}


@pytest.mark.parametrize(
    ("split", "boxes"),
    [(Split.VERTICAL, [(3, (0, 0, H, 40)), (2, (0, 40, H, W))]),
     (Split.HORIZONTAL, [(3, (0, 0, 48, W)), (2, (48, 0, H, W))]),
     (Split.QUARTERS, [(3, (0, 0, 48, 40)), (2, (0, 40, 48, W)),
                       (0, (48, 0, H, 40)), (1, (48, 40, H, W))])],
)  # fmt: skip
def test_a_split_parts_reference_focus_and_the_rest(at, split, boxes):
    at = replace(at, mode=Mode.SPLIT, split=split, line=(0.5, 0.25))
    assert drawn(at) == {2: boxes}


def test_a_split_of_a_single_pane_shows_it_on_all_sides(at):
    alone = replace(at, panes=at.panes[:1], focus=0, reference=0, mode=Mode.SPLIT,
                    split=Split.QUARTERS)  # fmt: skip
    assert [pane for pane, _ in drawn(alone)[0]] == [0, 0, 0, 0]


@pytest.mark.parametrize("mode", Mode)
def test_the_reference_is_computed_ahead_and_stands_in_for_all(known, mode):
    known = replace(known, mode=mode)
    for reference in (3, TRUTH):
        now = replace(known, reference=reference)
        (ahead,) = scene.scene(now, W, H).ahead
        held = scene.scene(changes.hold(now, True), W, H)
        assert {layer for slot in held.slots for layer in slot.layers} == {ahead}
        assert ahead.request.source is (known.truth if reference == TRUTH else known.source)
        assert ahead.request.look == Tone()


def test_differences_are_to_the_reference_and_it_is_itself(known):
    known = replace(known, mode=Mode.DIFF, diff=Diff(DiffKind.SIGNED, 4.0), tone=Tone(1.0))
    looks = {s.pane: s.layers[0].request.look for s in scene.scene(known, W, H).slots}
    other = Difference(known.diff, known.subject(3))
    assert looks == {0: other, 1: other, 2: other, 3: Tone(1.0), TRUTH: other}


def test_the_truth_lies_under_the_same_view(known):
    rows, cols = known.axes(TRUTH, W, H)
    assert (rows, cols) == known.axes(0, W, H)  # all panes are x4
    layer = scene.scene(replace(known, reference=TRUTH), W, H).ahead[0]
    pixels = render.render(layer.request).pixels
    as_one = replace(known, source=known.truth, view=View(60.0, 80.0, 2.0), panes=(Pane(
        "nearest", (Fraction(1), Fraction(1))),), focus=0, reference=0)  # fmt: skip
    np.testing.assert_array_equal(pixels, drive.expected(as_one, 0, W, H))


def test_boxes_are_cut_from_whole_pictures():
    first, second = (np.full((H, W), n, np.uint32) for n in (1, 2))
    out = scene.composed([((0, 0, H, 7), first), ((0, 7, H, W), second)], W, H)
    np.testing.assert_array_equal(out, np.where(np.arange(W) < 7, 1, 2)[None, :].repeat(H, 0))
    assert scene.composed([(WHOLE, first)], W, H) is first
    partly = scene.composed([((0, 0, H, 7), first), ((0, 7, 0, W), second)], W, H)
    assert (partly[:, 7:] == drive.OUTSIDE).all()


# -- geometry of samples --------------------------------------------------------------------------


def test_samples_lie_where_they_were_taken(at):
    """align_corners puts output o at the source pixel centre o * (n - 1) / (m - 1)."""
    at = replace(at, geometry=Geometry.SAMPLES, view=View(15.5, 26.5, 16.0))
    rows, cols = at.axes(2, W, H)
    for axis, n, m in ((rows, 31, 124), (cols, 53, 212)):
        centre = 15.5 if n == 31 else 26.5
        for o in (0, 1, m // 2, m - 1):
            middle = (axis.edge(o) + axis.edge(o + 1)) / 2
            source_at = (middle - axis.extent / 2) / 16 + centre
            assert source_at == pytest.approx(o * (n - 1) / (m - 1) + 0.5, abs=1e-9)
            if 0 <= middle < axis.extent:
                assert axis.index(int(middle)) == o
    frame = replace(at, geometry=Geometry.FRAME)
    assert at.axes(1, W, H) == frame.axes(1, W, H)  # half-pixel rules lie right already
    assert at.axes(2, W, H) != frame.axes(2, W, H)


def test_samples_with_antialias_begin_with_the_source(at):
    """PyTorch's rule there: (o + 0.5) * (n - 1) / (m - 1)."""
    at = panes.set_method(at, 2, "bilinear:align_corners:antialias")
    at = replace(at, geometry=Geometry.SAMPLES)
    _, cols = at.axes(2, W, H)
    for o in (0, 100, 211):
        middle = (cols.edge(o) + cols.edge(o + 1)) / 2
        source_at = (middle - W / 2) / 8 + 20
        assert source_at == pytest.approx((o + 0.5) * 52 / 211, abs=1e-9)


def test_a_single_sample_has_no_step(at):
    one = source(Picture(drive.noise(1, 53)), "line")
    at = replace(at, source=one, geometry=Geometry.SAMPLES)
    rows, _ = at.axes(2, W, H)
    assert (rows.n, rows.m) == (1, 4)


# -- marks ----------------------------------------------------------------------------------------


def marked(at, pane=0, pointed=False):
    slots = {slot.pane: slot for slot in scene.scene(at, W, H).slots}
    return marks.marks(at, slots[pane], W, H, pointed)


def test_the_cross_is_in_all_panes_but_the_one_under_the_mouse(at):
    at = state.point(at, (-30.5, 12.2))
    assert marked(at).cross == (60, 50)  # 97 / 2 + 12.2 and 161 / 2 - 30.5
    assert marked(at, pointed=True).cross is None
    assert marked(state.point(at, None)).cross is None


def test_sides_of_a_split_have_letters(at):
    at = replace(at, mode=Mode.SPLIT, split=Split.QUARTERS, line=(0.5, 0.25))
    found = marked(at, 2)
    assert found.lines == (48, 40)
    assert [(b.text[0], b.y, b.x, b.right, b.below) for b in found.badges] == [
        ("A", 48, 40, False, False), ("B", 48, 40, True, False),
        ("C", 48, 40, False, True), ("D", 48, 40, True, True),
    ]  # fmt: skip
    assert found.badges[0].text == "A  4  bicubic  x4"
    vertical = marked(replace(at, split=Split.VERTICAL), 2)
    assert vertical.lines == (None, 40)
    assert [(b.y, b.x, b.right, b.below) for b in vertical.badges] == [
        (0, 40, False, True),
        (0, 40, True, True),
    ]


def test_who_stands_in_is_named(known):
    assert marked(known).badges == ()
    held = changes.hold(replace(known, reference=TRUTH), True)
    assert [badge.text for badge in marked(held).badges] == ["truth  truth.png"]
    blink = replace(known, mode=Mode.BLINK)
    assert [b.text for b in marked(blink, 2).badges] == ["3  bilinear  align corners  x4"]


def test_a_region_lies_over_its_outputs_in_every_pane(at):
    at = panes.set_scale(replace(at, region=Region(13, 18, 17, 22)), 1, (Fraction(3), Fraction(3)))
    for pane in range(4):
        top, left, bottom, right = marked(at, pane).region
        # 8 device pixels for a source pixel; a x3 result has no whole ones here.
        assert top == pytest.approx((13 - 15) * 8 + H / 2, abs=0.5)
        assert bottom == pytest.approx((17 - 15) * 8 + H / 2, abs=0.5)
        assert left == pytest.approx((18 - 20) * 8 + W / 2, abs=0.5)
        assert right == pytest.approx((22 - 20) * 8 + W / 2, abs=0.5)
    moved = panes.nudge(at, 2, 16.0, 0.0)
    assert marked(moved, 2).region[1] == marked(at, 2).region[1] + 16


@pytest.mark.parametrize(("k", "drawn"), [(23, False), (24, True), (40, True)])
def test_from_24_device_pixels_on_there_is_a_grid(at, k, drawn):
    at = replace(at, view=View(15.5, 20.5, 4.0 * k))
    rows, cols = marked(at).grid
    assert bool(rows) is bool(cols) is drawn
    if drawn:
        assert set(np.diff(rows)) == set(np.diff(cols)) == {k}
        assert rows[0] <= 0 < rows[1]
        assert cols[-2] < W <= cols[-1]


def test_numbers_are_the_values_in_the_middle_of_their_pixels(at):
    at = replace(at, view=View(15.5, 20.5, 128.0), panes=(Pane("nearest"),), focus=0, reference=0)
    frame = render.render(scene.scene(at, W, H).slots[0].layers[0].request)
    cells = marks.cells(at, frame)
    rows, cols = at.axes(0, W, H)
    assert len(cells) == frame.values.shape[0] * frame.values.shape[1] >= 12
    full = drive.made(at.source.values, (124, 212), "nearest")
    for cell in cells:
        if 0 <= cell.y < H and 0 <= cell.x < W:
            o = rows.index(int(cell.y)), cols.index(int(cell.x))
            assert cell.values == tuple(str(v) for v in full[o])
            colour = "#{:02x}{:02x}{:02x}".format(*full[o])
            text = "#000000" if cell.bright else "#ffffff"
            assert contrast(text, colour) >= 4.5
    assert marks.cells(replace(at, numbers=False), frame) == ()
    small = replace(at, view=View(15.5, 20.5, 64.0))
    coarse = render.render(scene.scene(small, W, H).slots[0].layers[0].request)
    assert marks.cells(small, coarse) == ()


def test_gray_pixels_have_one_number(at):
    values = at.source.values.copy()
    values[::2] = values[::2, :, :1]
    gray = source(Picture(values), "half gray")
    one = (Pane("nearest"),)
    at = replace(at, source=gray, view=View(16.0, 20.5, 128.0), panes=one, focus=0, reference=0)
    frame = render.render(scene.scene(at, W, H).slots[0].layers[0].request)
    counts = {len(cell.values) for cell in marks.cells(at, frame)}
    assert counts == {1, 3}
    places = np.ndindex(frame.values.shape[:2])
    for cell, place in zip(marks.cells(at, frame), places, strict=True):
        level = frame.values[place]
        assert cell.values == tuple(map(str, level if np.ptp(level) else level[:1]))


def test_numbers_of_a_difference_are_the_difference(at):
    at = replace(at, view=View(15.5, 20.5, 128.0), mode=Mode.DIFF, diff=Diff(DiffKind.SIGNED))
    frame = render.render(scene.scene(at, W, H).slots[0].layers[0].request)
    (cell, *_) = marks.cells(at, frame)
    assert cell.values == (f"{frame.values[0, 0, 0]:.3g}",)
    assert marked(at).bar == at.diff
    assert marked(at, 3).bar is None  # the reference is a picture


# -- loupe ----------------------------------------------------------------------------------------


def test_the_loupe_shows_what_is_under_the_cursor(at):
    at = state.point(replace(at, loupe=True), (17.0, -9.0))
    slot = scene.scene(at, W, H).slots[0]
    layer = loupe.layer_at(slot, H / 2 - 9, W / 2 + 17)
    request = loupe.request(at, layer, 81)
    assert request.cols.ratio == 8  # 4 times 2
    frame = render.render(request)
    rows, cols = at.axes(0, W, H)
    o = rows.index(int(H / 2 - 9)), cols.index(int(W / 2 + 17))
    full = drive.made(at.source.values, (124, 212), "nearest")
    red, green, blue = (int(v) for v in full[o])
    assert frame.pixels[40, 40] == 0xFF000000 | red << 16 | green << 8 | blue
    assert loupe.layer_at(slot, -1, 5) is None


@pytest.mark.parametrize(("k", "shown"), [(1 / 3, 8), (1, 8), (4, 16), (8, 22), (24, 24)])
def test_a_loupe_magnifies_further_as_long_as_it_shows_surroundings(at, k, shown):
    at = state.point(state.n_to_one(replace(at, loupe=True), k), (0.0, 0.0))
    layer = scene.scene(at, W, H).slots[0].layers[0]
    assert loupe.request(at, layer, loupe.SIDE).cols.ratio == shown


def test_the_loupe_stays_in_the_pane_and_off_the_cursor():
    assert loupe.place(10.0, 400, 100) == 30
    assert loupe.place(390.0, 400, 100) == 270
    assert loupe.place(50.0, 90, 100) == 0


def test_scales_of_all_panes_fit_the_truth(known):
    assert known.subject(TRUTH).size == known.subject(0).size
    assert panes.set_all_scales(known, FOUR).axes(TRUTH, W, H) == known.axes(0, W, H)
