"""Spectra and their peaks, without Qt."""

import math
from fractions import Fraction

import numpy as np
import pytest
from upsampler_gui.parts import Part
from upsampler_gui.spectrum import PATTERN, Spectrum, peaks, periods, spectrum, verdict

from upsampler.charts import SAMPLE
from upsampler.images import read

from .test_parts import opened, pane, whole


@pytest.fixture(scope="module")
def photograph():
    return opened(read(SAMPLE).pixels)


def peak(at, method, scale=2):
    return spectrum(whole(at, pane(method, scale))).peak


@pytest.mark.parametrize("scale", [2, 3])
def test_uneven_overlap_is_found_in_a_photograph(photograph, scale):
    """Kernels of an uneven overlap stand out; even ones and fixed rules do not."""
    uneven = f"conv_transpose:box:k={scale + 1}"
    bilinear = peak(photograph, "bilinear", scale)
    assert peak(photograph, uneven, scale) > bilinear + 20
    assert peak(photograph, uneven, scale) > PATTERN
    for method in ("nearest", "bicubic", f"conv_transpose:box:k={2 * scale}", "pixel_shuffle:icnr"):
        assert peak(photograph, method, scale) < PATTERN


def test_a_flat_picture_shows_the_pattern_alone():
    at = opened(np.full((41, 53, 3), 128, np.uint8))
    assert peak(at, "bilinear") == pytest.approx(0, abs=1e-6)
    assert peak(at, "conv_transpose:box:k=3") > 100


def test_a_planted_pattern_is_found_where_it_is(photograph):
    """Along the columns only: the peak is at frequency 0 down and 1/2 across."""
    pixels = np.repeat(np.repeat(photograph.values, 2, 0), 2, 1).astype(float) / 255
    pixels[:, ::2] *= 1.05
    part = Part(opened(pixels), pane("nearest", 1), (0, pixels.shape[0]), (0, pixels.shape[1]))
    whole_part = spectrum(part)
    assert whole_part.peak is None  # nothing was enlarged
    gray = pixels[: pixels.shape[0] // 2 * 2, :, :3].mean(-1)
    taper = np.outer(*(np.hanning(n + 1)[:-1] for n in gray.shape))
    found = peaks(np.abs(np.fft.fft2((gray - gray.mean()) * taper)) ** 2, (2, 2))
    assert max(found, key=found.get) == (0, 0.5)
    assert found[0, 0.5] > 20 > found[0.5, 0]


def test_magnitudes_are_those_of_numpy():
    rng = np.random.default_rng(0)
    pixels = rng.random((48, 64, 1))
    found = spectrum(whole(opened(pixels), pane()))
    gray = pixels[..., 0] - pixels.mean()
    taper = np.outer(*(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n) for n in (48, 64)))
    wanted = np.abs(np.fft.fftshift(np.fft.fft2(gray * taper)))
    np.testing.assert_allclose(10**found.magnitude, wanted, atol=1e-9)
    assert found.magnitude.shape == (48, 64)


def test_no_more_than_the_middle_is_taken(photograph):
    at = opened(np.zeros((1500, 1301, 1), np.uint8))
    assert spectrum(whole(at, pane("nearest", 1))).magnitude.shape == (1024, 1024)
    assert spectrum(whole(at, pane("nearest", 3))).magnitude.shape == (1023, 1023)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (9, 200), (23, 23)])
def test_small_pictures_have_a_spectrum_but_no_peak(shape):
    found = spectrum(
        whole(opened(np.random.default_rng(0).random((*shape, 1))), pane("nearest", 2))
    )
    enough = all(2 * n >= 24 for n in shape)
    assert (found.peak is None) == (not enough)
    assert np.isfinite(found.magnitude).all()
    assert found.magnitude.shape == tuple(2 * n for n in shape)


def test_values_that_are_not_finite_are_refused():
    pixels = np.ones((40, 40, 1))
    pixels[3, 5] = math.nan
    with pytest.raises(ValueError, match="not finite"):
        spectrum(whole(opened(pixels), pane()))


def test_periods_of_scales():
    assert periods((Fraction(2), Fraction(3))) == (2, 3)
    assert periods((Fraction(3, 2), Fraction(1, 2))) == (1, 1)
    assert periods((Fraction(1), Fraction(4))) == (1, 4)


def test_a_period_across_only(photograph):
    part = whole(photograph, pane("bilinear"))
    part = Part(
        photograph,
        type(part.pane)("conv_transpose:box:k=3", (Fraction(1), Fraction(2))),
        part.rows,
        part.cols,
    )
    assert spectrum(part).patterns == [(0.0, 0.5)]


def test_verdicts():
    shown = np.zeros((2, 2))
    peaks = {(0, 0.5): 30.04, (0.5, 0): 18.0, (0.5, 0.5): 17.9}
    assert Spectrum(shown, peaks).patterns == [(0, 0.5), (0.5, 0)]
    assert verdict(Spectrum(shown, peaks), (2, 2)) == "a pattern of period 2: +30.0 dB"
    assert (
        verdict(Spectrum(shown, {(0, 0.5): -1.25, (1 / 3, 0): -7.0}), (3, 2))
        == "no pattern of period 2 x 3: -1.2 dB"
    )
    assert verdict(Spectrum(shown, {}), (1, 1)) == "no period to look for"
    assert verdict(Spectrum(shown, {}), (2, 2)) == "too small to tell"
