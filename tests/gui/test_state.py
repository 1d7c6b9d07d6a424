"""The state and every row of the action table, without a window."""

from dataclasses import replace
from fractions import Fraction

import pytest
from upsampler_gui import panes, state, texts
from upsampler_gui.source import built_in, source
from upsampler_gui.state import ViewerState
from upsampler_gui.viewport import View

from upsampler.images import Picture
from upsampler.methods import MENU, parse

from . import drive

W, H = 640, 350
FOUR = Fraction(4)


@pytest.fixture
def at():
    """Looking at a picture of 300 x 200 at 1:1 of the x4 result."""
    opened = source(Picture(drive.noise(300, 200)), "noise")
    return state.home(ViewerState(opened), W, H)


def view(at):
    return at.view.cy, at.view.cx, at.view.z


def test_home_shows_pixels(at):
    assert view(at) == (150, 100, 4)
    small = source(Picture(drive.noise(10, 30)), "small")
    # 640 / 120 is 5.33 device pixels for an output: all of it at x5.
    assert view(state.home(ViewerState(small), W, H)) == (5, 15, 20)
    assert view(state.home(ViewerState(built_in()), W, H)) == (80, 240, 4)  # the star


def test_fit(at):
    # 350 / 1200 is less than 1/3 and more than 1/4.
    assert view(state.fit(at, W, H)) == (150, 100, 1)
    wide = panes.set_scale(at, 0, (FOUR, Fraction(2)))
    assert view(state.fit(wide, W, H))[2] == 1  # 2 outputs across for a device pixel, 4 down


def test_the_wheel_stops_for_the_focused_pane(at):
    at = state.focus(panes.set_scale(at, 1, (Fraction(3), Fraction(5))), 1)
    zoomed = state.zoom(at, 1, 0, 0, W, H)
    assert zoomed.view.z == 5  # 4/5 leads to 1:1 of x5, across
    before, after = at.view.source(0, 0, W, H), zoomed.view.source(0, 0, W, H)
    assert after == pytest.approx(before, abs=1e-9)
    assert state.zoom(at, 2, 0, 0, W, H).view.z == 10


def test_zoom_ends_somewhere(at):
    far = state.zoom(at, 100, 10, 10, W, H)
    assert 500 < far.view.z <= 1024
    assert state.zoom(far, 1, 10, 10, W, H) is far
    tiny = state.zoom(at, -100, 10, 10, W, H)
    assert 300 * tiny.view.z >= 16
    assert state.zoom(tiny, -1, 10, 10, W, H) is tiny


def test_a_scale_for_all_keeps_the_zoom_even(at):
    after = panes.set_all_scales(at, (Fraction(3), Fraction(3)))
    assert {pane.scale for pane in after.panes} == {(3, 3)}
    assert after.view.z == 3  # 4/3 is nearest to 1
    after = panes.set_all_scales(replace(at, view=View(1, 2, 1.0)), (Fraction(3), Fraction(3)))
    assert view(after) == (1, 2, 1)  # 1:3 is even
    unseen = replace(at, view=None)
    assert panes.set_all_scales(unseen, (FOUR, FOUR)).view is None


def test_a_pane_may_differ(at):
    after = panes.set_method(panes.set_scale(at, 2, (FOUR, Fraction(1))), 2, "lanczos3")
    assert [pane.method for pane in after.panes] == ["nearest", "bilinear", "lanczos3", "bicubic"]
    assert after.panes[2].output_size((300, 200)) == (1200, 200)
    assert after.view == at.view
    with pytest.raises(ValueError, match="mode: got 'sinc'; allowed: one of nearest, "):
        panes.set_method(at, 0, "sinc")
    assert state.focus(at, 4) is at


def test_names_are_kept_in_their_short_form(at):
    after = panes.set_method(at, 1, "transposed:random:seed=0:k=3")
    assert after.panes[1].method == "conv_transpose:random:k=3"


def test_methods_have_variants():
    assert texts.variants("conv_transpose:bilinear") == {}
    assert texts.variants("conv_transpose:k.npz") == {}
    assert list(texts.variants("conv_transpose:learned")) == ["Size of the kernel"]
    found = texts.variants("resize_conv:bilinear:random:k=7:seed=9")
    assert list(found) == ["Resized by", "Size of the kernel", "Random weights"]
    modes, sizes, seeds = found.values()
    assert modes == {
        "resize_conv:random:k=7:seed=9": "nearest",
        "resize_conv:bilinear:random:k=7:seed=9": "bilinear",
    }
    assert sizes["resize_conv:bilinear:random:k=3:seed=9"] == "k = 3"
    assert sizes["resize_conv:bilinear:random:k=7:seed=9"] == "k = 7"
    assert sizes["resize_conv:bilinear:random:seed=9"] == "k of its own"
    assert seeds["resize_conv:bilinear:random:k=7"] == "seed = 0"
    assert seeds["resize_conv:bilinear:random:k=7:seed=10"] == "seed = 10"
    for names in found.values():
        assert all(parse(name).name == name for name in names)


def test_fixed_rules_have_switches_and_what_computes_them():
    assert texts.variants("bilinear") == {
        "Corners": {"bilinear": "half-pixel", "bilinear:align_corners": "align corners"},
        "Where it shrinks": {"bilinear": "plain", "bilinear:antialias": "antialias"},
        "Computed by": {"bilinear": "CPU", "gpu:bilinear": "GPU"},
    }
    assert list(texts.variants("area")) == ["Computed by"]
    corners = texts.variants("gpu:bicubic:align_corners:antialias")["Corners"]
    assert list(corners) == ["gpu:bicubic:antialias", "gpu:bicubic:align_corners:antialias"]
    for method in (method for group in MENU.values() for method in group):
        for names in texts.variants(method.name).values():
            assert method.name in names
            assert all(parse(name).name == name for name in names)


def test_methods_have_texts():
    assert texts.method_texts("bilinear") == ("bilinear", "default")
    assert texts.method_texts("bilinear:align_corners") == ("bilinear", "align corners")
    assert texts.method_texts("gpu:bicubic:antialias") == ("bicubic", "antialias  GPU")
    assert texts.method_texts("conv_transpose:bilinear") == ("conv transpose  bilinear", "")
    assert texts.method_texts("conv_transpose:box:k=3") == ("conv transpose  box", "k=3")
    shuffled = texts.method_texts("pixel_shuffle:icnr:seed=5")
    assert shuffled == ("pixel shuffle  icnr", "seed=5")
    assert texts.method_texts("resize_conv:random") == ("resize conv  random", "default")
    assert texts.method_texts("resize_conv:/a_b/c_d.npz") == ("resize conv  c_d.npz", "")


def test_zooms_as_they_are_typed():
    assert texts.parse_zoom(" 250 % ") == texts.parse_zoom("250") == texts.Zoom(z=2.5)
    assert texts.parse_zoom("3:1") == texts.Zoom(k=3)
    assert texts.parse_zoom("1:4") == texts.Zoom(k=0.25)
    assert texts.parse_zoom("Fit").fit
    for text in ("", "0", "0:1", "1:0", "-3", "nan", "1e3", "3:", ":3", "%", "9999999", "x4"):
        with pytest.raises(ValueError, match="allowed: a percentage of the source"):
            texts.parse_zoom(text)


def test_a_zoom_that_was_typed_is_about_the_centre(at):
    at = replace(at, view=View(100.0, 70.0, 3.0))
    zoomed = [state.zoom_to(at, texts.parse_zoom(text), W, H) for text in ("250", "3:1", "fit")]
    assert zoomed[0].view == View(100.0, 70.0, 2.5)
    assert zoomed[1].view == View(100.0, 70.0, 12.0)
    assert zoomed[2] == state.fit(at, W, H)
    least, largest = (
        state.zoom_to(at, texts.parse_zoom(t), W, H).view.z for t in ("0.001", "999999")
    )
    assert 0 < least < 0.1
    assert largest == 256 * 4


def test_output_sizes():
    pane = state.Pane("nearest", (Fraction(120, 88), Fraction("0.29")))
    assert pane.output_size((88, 100)) == (120, 29)
    assert pane.output_size((1, 1)) == (1, 1)


def test_opening(at):
    other = source(Picture(drive.noise(300, 200)), "other")
    loading = state.opening(at, "other")
    assert loading.opening == "other"
    # The same size: the same place, to flip between the two.
    assert state.opened(loading, other) == replace(at, source=other)
    larger = source(Picture(drive.noise(301, 200)), "larger")
    assert state.opened(loading, larger) == replace(at, source=larger, view=None)
    assert state.failed(loading, "why") == replace(at, message="why")
    assert state.opened(state.failed(at, "why"), other).message is None


@pytest.mark.parametrize(
    ("text", "down", "across"),
    [("4", 4, 4), (" 1.5 ", 1.5, 1.5), ("3/2", 1.5, 1.5), ("2x3", 3, 2), ("x8", 8, 8),
     ("2 \N{MULTIPLICATION SIGN} 3", 3, 2), ("0.5X64", 64, 0.5), ("1/64", 1 / 64, 1 / 64)],
)  # fmt: skip
def test_scales_are_read(text, down, across):
    scale = texts.parse_scale(text)
    assert scale == (down, across)
    assert texts.parse_scale(texts.scale_text(scale)) == scale


@pytest.mark.parametrize(
    "text", ["", "x", "two", "0", "-4", "65", "1/65", "1/0", "nan", "1e9", "2x3x4", "4 5", "9" * 99]
)
def test_what_is_no_scale_is_refused(text):
    with pytest.raises(ValueError, match="allowed: a number, a fraction or two of them"):
        texts.parse_scale(text)


def test_an_exact_fraction_is_told_exactly():
    third = Fraction(1, 3)
    assert texts.scale_text((third, third)) == "1/3"
    assert texts.scale_text((Fraction(1, 8), third)) == "1/3x0.125"
