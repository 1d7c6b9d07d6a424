"""Frames against the full result, through no other path than the request."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from upsampler_gui import blocks, render, state
from upsampler_gui.source import built_in, load, source
from upsampler_gui.state import Pane, ViewerState
from upsampler_gui.viewport import View

from upsampler.images import ImageError, Picture
from upsampler.methods import MENU

from . import drive

FIXED = [method.name for method in MENU["Interpolation"]]
METHODS = [method.name for methods in MENU.values() for method in methods]
SCALES = {"4": (4, 4), "2x3": (3, 2), "7/3": (Fraction(7, 3), Fraction(7, 3)), "1": (1, 1)}
# What a method cannot have is a sentence, see test_kernels.
CASES = [
    (method, scale)
    for method, scale in product(METHODS, SCALES)
    if method in FIXED
    or scale in ("4", "1")
    or (scale == "2x3" and not method.startswith("pixel_shuffle"))
]


def looking(pixels, method, scale, view, alpha=False):
    opened = source(Picture(pixels, alpha), "array")
    pane = Pane(method, tuple(Fraction(s) for s in scale))
    return ViewerState(opened, panes=(pane,), view=view)


def request(at, width=150, height=101, averaged=False):
    rows, cols = at.axes(0, width, height)
    return render.Request(at.source, at.panes[0], rows, cols, averaged)


@pytest.mark.parametrize("k", [1, 3, 8])
@pytest.mark.parametrize(("method", "scale"), CASES)
def test_a_frame_is_the_crop_of_the_full_result(method, scale, k):
    """Non-square picture and scale; the pane reaches beyond the picture on one side."""
    pixels = drive.noise(37, 53)
    at = looking(pixels, method, SCALES[scale], View(11.37, 19.81, 1.0))
    m = at.panes[0].output_size((37, 53))
    at = replace(at, view=replace(at.view, z=k * m[1] / 53))
    made = request(at)
    frame = render.render(made)
    full = drive.made(pixels, m, method)
    rows, cols = made.rows.indices(), made.cols.indices()
    inside = (rows >= 0)[:, None] & (cols >= 0)
    assert inside.any()
    level = full.astype(np.uint32)
    packed = 0xFF000000 | level[..., 0] << 16 | level[..., 1] << 8 | level[..., 2]
    wanted = np.where(inside, packed[rows][:, cols], render.OUTSIDE)
    np.testing.assert_array_equal(frame.pixels, wanted)
    # And each output is held once: a zoomed view costs only its outputs.
    assert frame.values.shape[0] * frame.values.shape[1] <= (101 / k + 2) * (150 / k + 2) * 2


@pytest.mark.parametrize("dtype", ["uint16", "float32", "float64", "float16", "bool", "int32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_dtypes(dtype, channels):
    pixels = drive.noise(20, 31, channels, "float64")
    if dtype == "bool":
        pixels = pixels > 0.5
    else:
        top = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 1
        pixels = (pixels * top).astype(dtype)
    at = looking(pixels, "nearest", (2, 2), View(10, 15.5, 2.0))
    frame = render.render(request(at, 62, 40))
    unit = pixels.repeat(2, 0).repeat(2, 1).astype(np.float64)
    if dtype == "int32":  # from the smallest value to the largest, as nothing else is known
        unit = (unit - pixels.min()) / (float(pixels.max()) - pixels.min())
    else:
        unit /= np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 1
    level = np.floor(unit * 255 + 0.5).astype(np.uint32)
    level = np.broadcast_to(level, (*level.shape[:2], 3))
    wanted = 0xFF000000 | level[..., 0] << 16 | level[..., 1] << 8 | level[..., 2]
    np.testing.assert_array_equal(frame.pixels, wanted)


@pytest.mark.parametrize("q", [2, 3, 5, 9])
@pytest.mark.parametrize("method", ["nearest", "bilinear", "bicubic", "resize_conv:random"])
def test_below_one_to_one_samples_are_exact_and_means_are_means(method, q):
    pixels = drive.noise(60, 45, 3, "float64")
    at = looking(pixels, method, (6, 6), View(30, 22.5, 6 / q))
    full = drive.made(pixels, (360, 270), method)
    wide, high = 270 // q, 360 // q
    # As large as the result is in device pixels, so that the boxes begin at the first output.
    samples = render.render(request(at, wide, high))
    assert samples.request.chip == f"exact 1:{q}"
    np.testing.assert_array_equal(samples.values, full[q // 2 :: q, q // 2 :: q][:high, :wide])
    means = render.render(request(at, wide, high, averaged=True))
    assert means.request.chip == f"averaged 1:{q}"
    off = [round(c * 6 / q - s / 2) for c, s in ((30, high), (22.5, wide))]
    assert off == [0, 0]
    cut = full[: high * q, : wide * q].reshape(high, q, wide, q, 3)
    np.testing.assert_allclose(means.values, cut.mean((1, 3)), rtol=1e-12)


def test_a_mixed_ratio_is_averaged_along_one_axis_only():
    pixels = drive.noise(24, 16, 3, "float64")
    at = looking(pixels, "nearest", (4, 1), View(12, 8, 2.0))  # columns x2, rows 1:2
    frame = render.render(request(at, 32, 48, averaged=True))
    assert frame.request.chip == "averaged x2 across, 1:2 down"
    np.testing.assert_allclose(frame.values, pixels.repeat(2, 0), rtol=1e-12)
    assert frame.pixels.shape == (48, 32)
    np.testing.assert_array_equal(frame.pixels[:, ::2], frame.pixels[:, 1::2])


@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("k", [0.1, 0.3, 1, 2.5, 4])
def test_a_frame_under_its_own_view_is_itself(k, averaged):
    at = looking(drive.noise(90, 70), "bilinear", (2, 2), View(40.3, 33.3, k * 2))
    if averaged and k >= 1:
        with pytest.raises(AssertionError):
            request(at, averaged=True)
        return
    made = request(at, averaged=averaged)
    frame = render.render(made)
    np.testing.assert_array_equal(frame.under(made.rows, made.cols), frame.pixels)


def test_an_old_frame_under_a_new_transform():
    """Panned by whole device pixels it is the new frame, but for the strip it has not got."""
    at = looking(drive.noise(90, 70), "bicubic", (2, 2), View(45, 35, 4.0))
    old, new = request(at, 80, 60), request(state.pan(at, -8, 4), 80, 60)
    moved = render.render(old).under(new.rows, new.cols)
    wanted = render.render(new).pixels
    np.testing.assert_array_equal(moved[4:, :-8], wanted[4:, :-8])
    assert (moved[:4] == render.OUTSIDE).all()
    assert (moved[:, -8:] == render.OUTSIDE).all()
    # Zoomed by two about the middle each of its pixels is four, and none is a mixture.
    double = request(replace(at, view=replace(at.view, z=8.0)), 80, 60)
    zoomed = render.render(old).under(double.rows, double.cols)
    np.testing.assert_array_equal(zoomed, render.render(double).pixels)


def test_an_averaged_frame_under_a_new_transform_shows_its_own_pixels():
    at = looking(drive.noise(90, 70), "bilinear", (4, 4), View(45, 35, 1.0))
    frame = render.render(request(at, 80, 100, averaged=True))
    rows, cols = state.pan(at, 3, -7).axes(0, 80, 100)
    moved = frame.under(rows, cols)
    np.testing.assert_array_equal(moved[:-7, 3:], frame.pixels[7:, :-3])


def test_transparent_pixels_do_not_bleed():
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, :4] = 255, 0, 0, 255
    pixels[:, 4:] = 0, 255, 0, 0  # green, and invisible
    at = looking(pixels, "bilinear", (4, 4), View(4, 4, 4.0), alpha=True)
    frame = render.render(request(at, 32, 32))
    red, green = frame.pixels >> 16 & 255, frame.pixels >> 8 & 255
    assert set(np.unique(green[:, 18:])) == {77, 107}  # the checkerboard, which is gray
    np.testing.assert_array_equal(red[:, 18:], green[:, 18:])
    assert green.max() == 107
    assert (red[:, :12] == 255).all()
    middle = render.output(at.source, at.panes[0], (0, 1), (16, 17))[0, 0]
    assert at.source.told(middle) == ("255", "0", "0", "96")  # 3/8 of opaque


def test_opaque_alpha_takes_no_detour():
    pixels = drive.noise(9, 11, 4)
    pixels[..., 3] = 255
    opened = source(Picture(pixels, alpha=True), "opaque")
    assert opened.values is pixels
    assert not opened.weighted


def test_giving_up_between_blocks_of_rows(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 1 << 14)
    looks = []

    def cancelled():
        looks.append(1)
        return len(looks) > 3

    at = looking(drive.noise(900, 700, 1), "nearest", (40, 40), View(450, 350, 0.3))
    for averaged in (False, True):
        looks.clear()
        with pytest.raises(blocks.Cancelled):
            render.render(request(at, averaged=averaged), cancelled)
        assert len(looks) == 4


def test_equal_requests_are_one_key():
    at = looking(drive.noise(9, 11), "nearest", (4, 4), View(4, 4, 4.0))
    assert request(at) == request(at)
    assert hash(request(at)) == hash(request(at))
    assert request(at) != request(state.pan(at, 1, 0))
    other = looking(drive.noise(9, 11), "nearest", (4, 4), View(4, 4, 4.0))
    assert request(at) != request(other)  # another picture, if an equal one


@pytest.mark.parametrize(
    ("k", "scale", "chip"),
    [
        (1, (4, 4), "exact 1:1"),
        (8, (4, 4), "exact x8"),
        (1 / 3, (4, 4), "exact 1:3"),
        (2.83, (4, 4), "exact x2.83"),
        (6, (3, 2), "exact x6 across, x4 down"),
    ],
)
def test_chips(k, scale, chip):
    at = looking(drive.noise(30, 20), "nearest", scale, View(4, 4, float(k * scale[1])))
    assert request(at).chip == chip


def test_what_is_told_of_a_picture(tmp_path):
    opened = built_in()
    assert (opened.path, opened.size, opened.values.shape[2]) == (None, (320, 480), 3)
    np.save(tmp_path / "f.npy", np.array([[0.25, np.nan], [-3, np.inf]], np.float32))
    opened = load(str(tmp_path / "f.npy"))
    assert (opened.name, opened.low, opened.high) == ("f.npy", -3, 0.25)
    assert opened.told(opened.values[0, 0]) == ("0.25",)
    np.save(tmp_path / "i.npy", np.array([[70000, 0]], np.int32))
    opened = load(str(tmp_path / "i.npy"))
    assert opened.told(opened.values[0, 0]) == ("70000",)
    with pytest.raises(ImageError, match="no such file"):
        load(str(tmp_path / "none.png"))
