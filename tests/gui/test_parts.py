"""Parts of panes, and what is measured on them: without Qt, against NumPy and scikit-image."""

import math
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from upsampler_gui import histogram as histogram_module
from upsampler_gui import metering, parts
from upsampler_gui.histogram import bin_edges, histogram
from upsampler_gui.metering import Comparison, meter
from upsampler_gui.parts import Part
from upsampler_gui.profile import Profile, envelope, line_part, profile
from upsampler_gui.render import Cancelled
from upsampler_gui.source import source
from upsampler_gui.state import Pane

from upsampler.images import Picture
from upsampler.metrics import data_range_of, measure

from . import drive


def opened(pixels, alpha=False):
    return source(Picture(pixels, alpha), "array")


def pane(method="nearest", scale=1):
    return Pane(method, (Fraction(scale), Fraction(scale)))


def whole(at, of):
    m = of.output_size(at.size)
    return Part(at, of, (0, m[0]), (0, m[1]))


def cancel_after(looks):
    left = [looks]

    def cancelled():
        left[0] -= 1
        return left[0] < 0

    return cancelled


# -- parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [1, 100, 1 << 20])
def test_blocks_are_the_crop_of_the_result(monkeypatch, block):
    monkeypatch.setattr(parts, "BLOCK", block)
    pixels = drive.noise(13, 17)
    part = Part(opened(pixels), pane("bicubic", 3), (5, 31), (7, 50))
    full = drive.made(pixels, (39, 51), "bicubic")
    np.testing.assert_array_equal(part.values(), full[5:31, 7:50])
    np.testing.assert_array_equal(part.read(3, 7), full[8:12, 7:50])
    assert part.shape == (26, 43, 3)


def test_an_empty_part_has_no_values():
    part = Part(opened(drive.noise(5, 7)), pane(), (2, 2), (1, 4))
    assert part.empty
    assert part.values().shape == (0, 3, 3)


def test_the_middle_of_a_part():
    part = Part(opened(drive.noise(50, 70)), pane(), (3, 44), (5, 70))
    small = part.within(10, 31)
    assert (small.rows, small.cols) == ((18, 28), (22, 53))
    assert part.within(100, 100) == part


def test_reading_stops_when_nobody_waits(monkeypatch):
    monkeypatch.setattr(parts, "BLOCK", 1)
    part = whole(opened(drive.noise(9, 11)), pane())
    blocks = part.blocks(cancel_after(4))
    assert len(list(islice(blocks, 4))) == 4
    with pytest.raises(Cancelled):
        next(blocks)


# -- metrics --------------------------------------------------------------------------------------

KINDS = ["uint8", "uint16", "float32", "float64"]


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_metrics_are_those_of_scikit_image(dtype, channels):
    pixels = drive.noise(23, 31, channels, dtype)
    at = opened(pixels)
    a, b = pane("bicubic", 2), pane("bilinear", 2)
    rows, cols = (6, 40), (11, 50)
    found = meter(Comparison(Part(at, a, rows, cols), Part(at, b, rows, cols)))
    x, y = (
        drive.made(pixels, (46, 62), method)[slice(*rows), slice(*cols)]
        for method in ("bicubic", "bilinear")
    )
    span = data_range_of(pixels)
    assert found.psnr == pytest.approx(peak_signal_noise_ratio(x, y, data_range=span), abs=1e-6)
    ssim = structural_similarity(x, y, data_range=span, channel_axis=-1)
    assert found.ssim == pytest.approx(ssim, abs=1e-6)
    error = np.abs(x.astype(float) - y)
    assert found.mae == pytest.approx(error.mean())
    assert found.max_error == error.max()


def test_the_range_is_that_of_the_picture_not_of_the_part():
    pixels = np.linspace(-3, 5, 20 * 30).reshape(20, 30, 1)
    at = opened(pixels)
    rows, cols = (0, 8), (0, 9)
    found = meter(
        Comparison(Part(at, pane("area"), rows, cols), Part(at, pane("lanczos3", 1), rows, cols))
    )
    assert found.psnr == math.inf
    shifted = opened(pixels + 0.25)
    found = meter(Comparison(Part(at, pane(), rows, cols), Part(shifted, pane(), rows, cols)))
    assert found.psnr == pytest.approx(20 * math.log10(8 / 0.25))


def test_integers_without_loops_are_told_in_their_own_units():
    """32-bit integers are shown as floats; errors are still counted in levels."""
    pixels = np.array([[[0], [1000]], [[2000], [4_000_000]]], np.uint32)
    other = pixels + np.array(500, np.uint32)
    found = meter(Comparison(*(whole(opened(p), pane()) for p in (pixels, other))))
    assert (found.mae, found.max_error) == (pytest.approx(500), pytest.approx(500))
    assert found.psnr == pytest.approx(20 * math.log10(4_000_000 / 500))


def test_opacity_weighs_the_colours():
    a, b = drive.noise(12, 13, 4, seed=1), drive.noise(12, 13, 4, seed=2)
    found = meter(Comparison(*(whole(opened(p, alpha=True), pane()) for p in (a, b))))
    wanted = measure(a, b, alpha=True)
    assert found.psnr == pytest.approx(wanted.psnr, abs=1e-4)
    assert found.mae == pytest.approx(wanted.mae, rel=1e-5)


def test_what_cannot_be_compared_is_said():
    gray, rgb = opened(drive.noise(8, 9, 1)), opened(drive.noise(8, 9, 3))
    deep = opened(drive.noise(8, 9, 3, "uint16"))
    cases = [
        (whole(gray, pane()), "3 channels, the reference has 1"),
        (whole(deep, pane()), "uint8 values, the reference has uint16"),
        (whole(rgb, pane(scale=2)), "9 x 8 pixels, the reference has 18 x 16"),
    ]
    for reference, text in cases:
        comparison = Comparison(reference, whole(rgb, pane()))
        assert comparison.trouble == text
        assert meter(comparison) is None
    assert Comparison(whole(rgb, pane()), whole(rgb, pane("area"))).trouble == ""


def test_metering_stops_when_nobody_waits():
    part = whole(opened(drive.noise(40, 50)), pane())
    with pytest.raises(Cancelled):
        meter(Comparison(part, part), lambda: True)


def test_texts_of_metrics():
    at = opened(drive.noise(20, 21))
    same = whole(at, pane())
    assert metering.texts(meter(Comparison(same, same))) == ("identical", "1", "0", "0")
    broken = at.values.astype(np.float64)
    broken[3, 4] = math.nan
    a, b = whole(opened(at.values.astype(np.float64)), pane()), whole(opened(broken), pane())
    assert metering.texts(meter(Comparison(a, b)))[0] == "nan dB"


# -- histogram ------------------------------------------------------------------------------------


def test_each_level_of_8_bits_has_a_bin():
    pixels = drive.noise(31, 17)
    found = histogram(whole(opened(pixels), pane()))
    for c in range(3):
        np.testing.assert_array_equal(
            found.counts[c], np.bincount(pixels[..., c].ravel(), minlength=256)
        )
    assert found.totals.tolist() == [31 * 17] * 3
    assert not found.below.any()
    assert not found.above.any()


@pytest.mark.parametrize("block", [1, 1 << 20])
def test_bins_of_16_bits_hold_equally_many_levels(monkeypatch, block):
    monkeypatch.setattr(parts, "BLOCK", block)
    pixels = (drive.noise(31, 17, 2, "uint16") // 16).astype(np.uint16)  # a 12-bit camera
    at = opened(pixels)
    found = histogram(whole(at, pane()))
    width = np.diff(found.edges)
    assert (width == width[0]).all()
    assert width[0] == math.ceil((at.high - at.low + 1) / 256)
    for c in range(2):
        wanted, _ = np.histogram(pixels[..., c], found.edges)
        np.testing.assert_array_equal(found.counts[c], wanted)
    assert found.totals.sum() == pixels.size


def test_floats_lose_nothing():
    values = np.array([0.0, 0.25, 0.5, 1.0, 0.999, math.nan, math.inf, -math.inf, 7.0])
    at = opened(np.linspace(0, 1, 9).reshape(3, 3, 1))
    broken = opened(values.reshape(3, 3, 1))
    # The bins of one picture, the values of another: as overshoot would be.
    edges = bin_edges(at)
    found = histogram(whole(broken, pane()))
    assert (found.edges[0], found.edges[-1]) == (0, 7)
    assert (found.below[0], found.above[0], found.nan[0]) == (1, 1, 1)
    assert found.totals.sum() == 9
    assert (edges[0], edges[-1], edges.size) == (0, 1, 257)


def test_overshoot_is_counted_outside():
    step = np.repeat([[0.0, 0, 0, 1, 1, 1]], 4, 0)[..., None]
    found = histogram(whole(opened(step), pane("bicubic", 4)))
    full = drive.made(step, (16, 24), "bicubic")
    assert found.below[0] == (full < 0).sum() > 0
    assert found.above[0] == (full > 1).sum() > 0
    assert found.totals.sum() == full.size


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float64"])
def test_a_constant_picture_has_one_full_bin(dtype):
    found = histogram(whole(opened(np.full((4, 5, 1), 7, dtype)), pane()))
    assert found.counts.max() == found.totals.sum() == 20


def test_negative_integers_are_counted_in_their_units():
    pixels = np.array([[[-300], [0], [299]]], np.int32)
    found = histogram(whole(opened(pixels), pane()))
    at = np.searchsorted(found.edges, [-300, 0, 299], "right") - 1
    assert found.counts[0, at].tolist() == [1, 1, 1]
    assert found.totals.sum() == 3


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i2", "u4", "i8", "u8", "f2", "f4", "f8"])
def test_every_type_is_measured_and_counted(dtype):
    """What the package says of the range, and no value lost."""
    pixels = (drive.noise(9, 11, 2, "uint16") % 120).astype(dtype)
    at = opened(pixels)
    found = histogram(whole(at, pane("nearest", 2)))
    assert found.counts.sum(axis=1).tolist() == [4 * 99] * 2
    assert found.counts.shape[1] <= 257
    other = opened(pixels[::-1])
    measured = meter(Comparison(whole(at, pane()), whole(other, pane())))
    wanted = measure(at.values, other.values)
    assert measured.psnr == pytest.approx(wanted.psnr, abs=1e-6)
    assert measured.ssim == pytest.approx(wanted.ssim, abs=1e-6)
    assert measured.max_error == wanted.max_error


def test_of_large_parts_some_rows_are_counted(monkeypatch):
    monkeypatch.setattr(histogram_module, "MOST", 1000)
    pixels = drive.noise(31, 17, 3)
    found = histogram(whole(opened(pixels), pane()))
    assert found.every == 2  # 1581 samples
    for c in range(3):
        wanted = np.bincount(pixels[::2, :, c].ravel(), minlength=256)
        np.testing.assert_array_equal(found.counts[c], wanted)


# -- profile --------------------------------------------------------------------------------------


def test_a_profile_is_a_row_or_a_column_at_its_place():
    pixels = drive.noise(11, 13, dtype="uint16")
    part = Part(opened(pixels), pane("bilinear", 3), (4, 30), (6, 39))
    full = drive.made(pixels, (33, 39), "bilinear")
    across = profile(line_part(part, "row", 17))
    np.testing.assert_array_equal(across.values, full[17, 6:39])
    np.testing.assert_allclose(across.places, (np.arange(6, 39) + 0.5) / 3)
    down = profile(line_part(part, "column", 8))
    np.testing.assert_array_equal(down.values, full[4:30, 8])
    np.testing.assert_allclose(down.places, (np.arange(4, 30) + 0.5) / 3)


def test_a_profile_along_a_single_column():
    """A picture one pixel wide: its only column is a line of one place across."""
    pixels = drive.noise(5, 1, 1)
    part = whole(opened(pixels), pane())
    np.testing.assert_array_equal(profile(line_part(part, "column", 0)).values, pixels[:, 0])
    assert profile(line_part(part, "row", 2)).places.tolist() == [0.5]


def test_long_profiles_keep_their_peaks():
    values = np.random.default_rng(0).random((10_007, 1))
    values[5003] = 9.0
    values[77] = -9.0
    shown = envelope(Profile(np.arange(10_007) + 0.5, values), 100)
    assert shown.values.shape == (100, 1)
    assert (shown.values.max(), shown.values.min()) == (9.0, -9.0)
    assert shown.places[shown.values.argmax()] == pytest.approx(5003, abs=210)
    first = slice(0, 10_007 // 50)
    assert shown.values[:2, 0].tolist() == [values[first].min(), values[first].max()]
    short = Profile(np.arange(3.0), values[:3])
    assert envelope(short, 100) is short
