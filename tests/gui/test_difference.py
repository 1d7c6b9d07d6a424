"""Differences against NumPy and scikit-image; windows of them are crops."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from skimage.metrics import structural_similarity
from upsampler_gui import difference, render
from upsampler_gui.difference import Difference
from upsampler_gui.settings import Diff, DiffKind
from upsampler_gui.source import source
from upsampler_gui.state import Pane, Subject
from upsampler_gui.viewport import Axis

from upsampler.images import Picture

from . import drive


@pytest.mark.parametrize("kind", DiffKind)
def test_what_is_not_finite_is_no_surprise(kind):
    """NaN where there is no difference to speak of, and no word on the terminal."""
    values = drive.noise(31, 53, 1, "float32").copy()
    values[10, 20], values[5, 5], values[20, 40] = np.nan, np.inf, -np.inf
    opened = source(Picture(values), "odd")
    a, b = (Subject(opened, Pane(name, SCALE)) for name in ("nearest", "bilinear"))
    found = full(a, b, kind)
    assert np.isnan(found).any()
    assert np.isfinite(found).mean() > 0.5
    axes = [Axis(n, m, 40, n / 2, 1.0) for n, m in zip((31, 53), SIZE, strict=True)]
    render.render(render.Request(opened, a.pane, *axes, look=Difference(Diff(kind), b)))


def test_the_gain_for_what_is_seen():
    """A power of two with which all but a thousandth are within the map."""
    rng = np.random.default_rng(0)
    found = rng.uniform(-0.09, 0.09, (500, 400, 1)).astype(np.float32)
    found[0, 0] = 0.8
    found[1, 1] = np.nan
    assert difference.gain_for([found]) == 8
    assert difference.gain_for([found, 4 * found]) == 2
    assert difference.gain_for([np.zeros((9, 9, 1))]) is None
    assert difference.gain_for([np.full((9, 9, 1), np.nan)]) is None
    assert difference.gain_for([]) is None


SCALE = (Fraction(2), Fraction(3))
SIZE = (62, 159)


def pair(dtype="uint8", channels=3):
    opened = source(Picture(drive.noise(31, 53, channels, dtype)), "noise")
    return Subject(opened, Pane("bicubic", SCALE)), Subject(opened, Pane("bilinear", SCALE))


def fetch(subject, rows, cols):
    return render.output(subject.source, subject.pane, rows, cols)


def full(a, b, kind):
    look = Difference(Diff(kind), b)
    return difference.window(look, a, (0, a.size[0]), (0, a.size[1]), fetch)


def units(subject, white):
    return fetch(subject, (0, SIZE[0]), (0, SIZE[1])).astype(np.float64) / white


@pytest.mark.parametrize(("dtype", "white"), [("uint8", 255), ("uint16", 65535), ("float32", 1)])
def test_values_against_numpy(dtype, white):
    a, b = pair(dtype)
    x, y = units(a, white), units(b, white)
    d = x - y
    close = {"rtol": 0, "atol": 1e-6}
    np.testing.assert_allclose(full(a, b, DiffKind.ABSOLUTE)[..., 0], abs(d).max(2), **close)
    np.testing.assert_allclose(full(a, b, DiffKind.SQUARED)[..., 0], (d * d).max(2), **close)
    relative = (abs(d) / np.maximum(abs(y), 1 / 255)).max(2)
    np.testing.assert_allclose(full(a, b, DiffKind.RELATIVE)[..., 0], relative, rtol=1e-5)
    signed = full(a, b, DiffKind.SIGNED)[..., 0]
    np.testing.assert_allclose(abs(signed), abs(d).max(2), **close)
    assert (signed == -full(b, a, DiffKind.SIGNED)[..., 0]).all()
    high, low = d.max(2), d.min(2)
    sure = abs(high + low) > 1e-6
    np.testing.assert_array_equal((signed > 0)[sure], (high > -low)[sure])


@pytest.mark.parametrize("channels", [1, 3])
def test_the_ssim_map_is_scikit_images(channels):
    a, b = pair("uint8", channels)
    x, y = (fetch(s, (0, SIZE[0]), (0, SIZE[1])) for s in (a, b))
    _, wanted = structural_similarity(y, x, channel_axis=-1, data_range=255, full=True)
    np.testing.assert_allclose(
        1 - full(a, b, DiffKind.SSIM)[..., 0], wanted.mean(axis=2), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("kind", DiffKind)
@pytest.mark.parametrize(
    ("rows", "cols"),
    [((0, 62), (0, 159)), ((1, 2), (157, 159)), ((3, 41), (2, 9)), ((59, 62), (0, 1))],
)
def test_a_window_is_the_crop(kind, rows, cols):
    a, b = pair()
    part = difference.window(Difference(Diff(kind), b), a, rows, cols, fetch)
    wanted = full(a, b, kind)[slice(*rows), slice(*cols)]
    # Sums of other terms round otherwise, where they are not exact.
    np.testing.assert_allclose(part, wanted, rtol=0, atol=1e-6 if kind is DiffKind.SSIM else 0)


def test_what_has_no_difference_says_why():
    a, b = pair()
    larger = replace(b, pane=replace(b.pane, scale=(Fraction(3), Fraction(3))))
    with pytest.raises(ValueError, match="makes 159 x 62 pixels and the reference has 159 x 93"):
        full(a, larger, DiffKind.ABSOLUTE)
    gray, _ = pair(channels=1)
    with pytest.raises(ValueError, match="has 3 channels and the reference 1"):
        full(a, gray, DiffKind.ABSOLUTE)


@pytest.mark.parametrize("kind", DiffKind)
def test_maps_are_read_without_telling_red_from_green(kind):
    """Luminance grows with the size of the difference; the sign is blue against orange."""
    colours = difference.palette(kind).astype(float)
    luminance = colours @ (0.2126, 0.7152, 0.0722)
    sizes = [luminance[128:], luminance[127::-1]] if kind is DiffKind.SIGNED else [luminance]
    for size in sizes:
        assert (np.diff(size) >= -0.51).all()
        assert size[-1] - size[0] > 150
    if kind is DiffKind.SIGNED:
        below, above = colours[40], colours[215]
        assert below[2] > below[0] + 60
        assert above[0] > above[2] + 60


def test_the_ends_of_the_scale_are_told():
    assert difference.ends(Diff(DiffKind.ABSOLUTE, 8.0)) == ("0", "0.125")
    assert difference.ends(Diff(DiffKind.SIGNED)) == ("\N{MINUS SIGN}1", "+1")


def test_nan_stays_to_be_seen():
    a = np.zeros((3, 4, 3))
    a[1, 2, 1] = np.nan
    for kind in (DiffKind.ABSOLUTE, DiffKind.SIGNED, DiffKind.RELATIVE, DiffKind.SQUARED):
        found = difference.values(a, np.zeros_like(a), kind)[..., 0]
        assert np.argwhere(np.isnan(found)).tolist() == [[1, 2]]
