"""What an output is made of, pictures of kernels and of the whole: without Qt."""

import math
from fractions import Fraction

import numpy as np
import pytest
from upsampler_gui import thumbnail
from upsampler_gui.inspection import Place, inspect, middle, values_at
from upsampler_gui.kernel_picture import kernel_image
from upsampler_gui.render import render
from upsampler_gui.state import Pane

import upsampler
from upsampler.methods import MENU

from . import drive
from .test_parts import opened, pane

METHODS = [method.name for methods in MENU.values() for method in methods]


@pytest.mark.parametrize("method", METHODS)
def test_the_sum_is_the_output(method):
    pixels = drive.noise(9, 12, dtype=np.float64)
    at = opened(pixels)
    full = drive.made(pixels, (18, 24), method)
    for r, c in [(0, 0), (7, 11), (17, 23), (3, 22)]:
        found = inspect(Place(at, pane(method, 2), r, c))
        np.testing.assert_allclose(found.sum, full[r, c], atol=1e-12)
        np.testing.assert_array_equal(
            found.pixels, pixels[slice(*found.rows), slice(*found.columns)]
        )
        assert found.told == at.told(full[r, c])


def test_integers_are_rounded_after_the_sum():
    pixels = drive.noise(9, 12)
    found = inspect(Place(opened(pixels), pane("bicubic", 2), 5, 6))
    full = drive.made(pixels, (18, 24), "bicubic")[5, 6]
    assert np.abs(found.sum - full).max() <= 0.5
    assert found.told == tuple(str(v) for v in full)


def test_what_has_no_weight_does_not_count():
    """A NaN beside the one pixel that an aligned corner is made of."""
    pixels = np.arange(12.0).reshape(3, 4, 1)
    pixels[0, 1] = math.nan
    found = inspect(Place(opened(pixels), pane("bilinear:align_corners", 2), 0, 0))
    assert found.sum.tolist() == [0.0]
    near = inspect(Place(opened(pixels), pane("bilinear", 2), 0, 1))
    assert math.isnan(near.sum[0])


def test_an_output_of_nothing():
    found = inspect(Place(opened(drive.noise(4, 5)), pane("conv_transpose:box:k=2", 3), 2, 2))
    assert found.weights.shape == (0, 0)
    assert found.sum.tolist() == [0, 0, 0]
    assert found.told == ("0", "0", "0")


def test_values_in_the_units_of_the_file():
    pixels = np.array([[[65536], [131072]]], np.uint32)
    assert values_at(Place(opened(pixels), pane(), 0, 1)) == ("131072",)
    visible = np.array([[[200, 100, 50, 128]]], np.uint8)
    assert values_at(Place(opened(visible, alpha=True), pane(), 0, 0)) == (
        "200",
        "100",
        "50",
        "128",
    )


def test_of_large_grids_the_middle_is_drawn():
    at = opened(drive.noise(40, 60))
    found = inspect(Place(at, Pane("area", (Fraction(1, 4), Fraction(1, 30))), 5, 1))
    assert found.weights.shape == (4, 30)
    assert middle(found) == (slice(0, 4), slice(7, 22))


# -- pictures -------------------------------------------------------------------------------------


def test_colours_of_weights():
    found = kernel_image(np.array([[-2.0, -1.0, 0.0], [1.0, 2.0, math.nan]]))
    levels = found[..., None] >> np.array([16, 8, 0]) & 255
    assert levels[0, 0].tolist() == [84, 39, 136]
    assert levels[1, 1].tolist() == [179, 88, 6]
    assert levels[0, 2].tolist() == [247, 247, 247]
    assert levels[1, 2].tolist() == [0, 0, 0]
    # Half the weight is half way from the middle, on both sides.
    assert levels[0, 1].tolist() == [166, 143, 192]
    assert levels[1, 0].tolist() == [213, 168, 127]
    assert kernel_image(np.zeros((2, 3))).shape == (2, 3)  # and no division by 0
    assert kernel_image(np.zeros((0, 0))).size == 0


@pytest.mark.parametrize("size", [(61, 200), (400, 90), (90, 91)])
def test_a_thumbnail_is_the_averaged_picture(size):
    pixels = drive.noise(*size)
    frame = render(thumbnail.request(opened(pixels), 80, 57))
    height, width = frame.pixels.shape
    assert height <= 57
    assert width <= 80
    assert height == 57 or width == 80
    assert height / width == pytest.approx(size[0] / size[1], rel=2 / min(height, width))
    wanted = upsampler.interpolate(pixels, size=(height, width), mode="area", layout="HWC")
    np.testing.assert_array_equal(frame.pixels >> 16 & 255, wanted[..., 0])
    np.testing.assert_array_equal(frame.pixels & 255, wanted[..., 2])


def test_a_small_picture_is_repeated():
    pixels = drive.noise(5, 7)
    frame = render(thumbnail.request(opened(pixels), 80, 57))
    np.testing.assert_array_equal(
        frame.pixels & 255, np.repeat(np.repeat(pixels[..., 2], 11, 0), 11, 1)
    )


def test_a_thumbnail_of_a_line():
    frame = render(thumbnail.request(opened(drive.noise(1, 500)), 80, 57))
    assert frame.pixels.shape == (1, 80)
