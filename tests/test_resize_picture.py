"""Pictures resized: transparency without fringes, light averaged as light, blocks without seams."""

from fractions import Fraction

import numpy as np
import pytest

import upsampler
from upsampler import resize
from upsampler.color import linear_to_srgb, premultiply, srgb_to_linear, unpremultiply
from upsampler.picture import Picture
from upsampler.resize import resize_picture

from .picture_files import pixels

MODES = ("bilinear", "bicubic", "area", "lanczos3")


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", *MODES])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(7, 11), (7, 11, 3)])
def test_without_alpha_it_is_interpolate_bit_for_bit(monkeypatch, shape, dtype, mode):
    monkeypatch.setattr(resize, "BLOCK", 50)  # several blocks of rows
    array = pixels(shape, dtype)
    layout = "HW" if len(shape) == 2 else "HWC"
    for kwargs in ({"size": (13, 5)}, {"scale_factor": Fraction(5, 2)}):
        result = resize_picture(Picture(array), method=mode, **kwargs)
        expected = upsampler.interpolate(array, mode=mode, layout=layout, **kwargs)
        assert result.dtype == array.dtype
        np.testing.assert_array_equal(result.pixels, expected)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_moves_pixels_whatever_their_alpha(mode):
    array = pixels((5, 7, 4))
    array[::2, ::2, 3] = 0
    for linear in (False, True):
        picture = Picture(array, alpha=True)
        result = resize_picture(picture, scale_factor=3, method=mode, linear_light=linear)
        expected = upsampler.interpolate(array, scale_factor=3, mode=mode, layout="HWC")
        np.testing.assert_array_equal(result.pixels, expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("mode", MODES)
def test_no_fringes(mode, dtype):
    """A disc of one colour on nothing (whose colour is another) keeps its colour everywhere."""
    full = 1.0 if dtype == "float32" else np.iinfo(dtype).max
    y, x = np.indices((19, 23))
    inside = np.hypot(y - 9, x - 11) < 7
    array = np.zeros((19, 23, 4), dtype)
    array[...] = np.array([0, full, full, 0], dtype)
    colour = np.array([full * 0.8, full * 0.4, 0, full]).astype(dtype)
    array[inside] = colour
    result = resize_picture(Picture(array, alpha=True), scale_factor=2.5, method=mode).pixels
    assert 0 < (result[..., 3] > 0).mean() < 1
    visible = result[result[..., 3] > 0][:, :3].astype(float)
    # A lobe of a filter can leave traces of opacity, of which a float32 holds few digits.
    tolerance = 1e-4 if dtype == "float32" else 1
    np.testing.assert_allclose(visible, np.broadcast_to(colour[:3], visible.shape), atol=tolerance)


def test_alpha_by_hand():
    # Red at full and blue at half opacity, with weights 3/4 and 1/4 and the other way round.
    array = np.array([[[255, 0, 0, 255], [0, 0, 255, 128]]], np.uint8)
    result = resize_picture(Picture(array, alpha=True), size=(1, 4)).pixels[0]

    def mix(w):
        alpha = (1 - w) * 255 + w * 128
        colour = ((1 - w) * 255 * 255 / alpha, 0, w * 255 * 128 / alpha, alpha)
        return [int(v + 0.5) for v in colour]

    np.testing.assert_array_equal(result, [mix(0), mix(0.25), mix(0.75), mix(1)])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_opaque_pictures_are_as_without_alpha(dtype, mode):
    array = pixels((9, 8, 4), dtype)
    array[..., 3] = np.iinfo(dtype).max
    result = resize_picture(Picture(array, alpha=True), scale_factor=2.5, method=mode).pixels
    expected = upsampler.interpolate(array, scale_factor=2.5, mode=mode, layout="HWC")
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("mode", MODES)
def test_alpha_is_within_a_level_of_exact_arithmetic(mode):
    array = pixels((9, 8, 4), "uint16")
    result = resize_picture(Picture(array, alpha=True), scale_factor=3, method=mode).pixels
    values = array / 65535.0
    weighed = upsampler.interpolate(premultiply(values), scale_factor=3, mode=mode, layout="HWC")
    exact = np.clip(unpremultiply(weighed), 0, 1) * 65535
    assert abs(result - exact).max() <= 0.51


def test_clear_everywhere_stays_clear():
    array = pixels((5, 6, 4))
    array[..., 3] = 0
    result = resize_picture(Picture(array, alpha=True), scale_factor=2, method="bicubic").pixels
    assert not result.any()


def test_light_by_hand():
    # Half of the light of white is the sRGB signal 188: 255 * (1.055 * 0.5^(1/2.4) - 0.055).
    checks = np.array([[0, 255], [255, 0]], np.uint8)
    by_light = resize_picture(Picture(checks), size=(1, 1), method="area", linear_light=True)
    by_signal = resize_picture(Picture(checks), size=(1, 1), method="area")
    assert by_light.pixels.tolist() == [[188]]
    assert by_signal.pixels.tolist() == [[128]]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_every_level_survives_linear_light(dtype):
    levels = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(256, -1)
    result = resize_picture(
        Picture(levels), size=levels.shape, method="bilinear", linear_light=True
    )  # fmt: skip
    np.testing.assert_array_equal(result.pixels, levels)


def test_linear_light_leaves_opacity_alone():
    array = np.zeros((1, 2, 4), np.uint8)
    array[0, 0] = (200, 100, 50, 255)
    result = resize_picture(
        Picture(array, alpha=True), size=(1, 4), method="bilinear", linear_light=True
    ).pixels[0]
    np.testing.assert_array_equal(result[:, 3], [255, 191, 64, 0])
    np.testing.assert_array_equal(result[:3, :3], [[200, 100, 50]] * 3)


def test_gray_with_alpha_in_linear_light():
    array = np.array([[[0, 255], [255, 255], [0, 0]]], np.uint8)
    result = resize_picture(
        Picture(array, alpha=True), size=(1, 1), method="area", linear_light=True
    ).pixels  # fmt: skip
    assert result.tolist() == [[[188, 170]]]


@pytest.mark.parametrize("blocks", [1, 40, 10**9])
def test_blocks_leave_no_seams(monkeypatch, blocks):
    array = pixels((17, 13, 4))
    picture = Picture(array, alpha=True)
    whole = resize_picture(picture, scale_factor=3, method="bicubic", linear_light=True)
    monkeypatch.setattr(resize, "BLOCK", blocks)
    again = resize_picture(picture, scale_factor=3, method="bicubic", linear_light=True)
    np.testing.assert_array_equal(whole.pixels, again.pixels)


def test_progress_counts_all_rows_and_can_stop_the_work(monkeypatch):
    monkeypatch.setattr(resize, "BLOCK", 100)
    seen = []
    resize_picture(
        Picture(pixels((10, 10))), scale_factor=3, progress=lambda *args: seen.append(args)
    )
    assert seen == [(n, 30) for n in range(3, 31, 3)]

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resize_picture(Picture(pixels((10, 10))), scale_factor=3, progress=stop)


def test_profile_is_kept_and_notes_are_not():
    picture = Picture(pixels((2, 3)), icc=b"profile", notes=("read so",))
    result = resize_picture(picture, scale_factor=2)
    assert (result.icc, result.notes) == (b"profile", ())


def test_errors_come_before_the_work(monkeypatch):
    picture = Picture(pixels((4, 5, 3)))
    monkeypatch.setattr("upsampler.methods.interpolate", None)  # is not reached
    for kwargs, message in (
        ({"scale_factor": 2, "method": "cubist"}, "mode: got 'cubist'"),
        ({}, "size, scale_factor: got neither"),
        ({"size": (0, 3)}, "size: got 0"),
        ({"scale_factor": 2, "method": "area:align_corners"}, "align_corners: got True"),
    ):
        with pytest.raises(ValueError, match=message):
            resize_picture(picture, **kwargs)
    with pytest.raises(ValueError, match="linear_light: got True for float32 pixels"):
        resize_picture(Picture(pixels((4, 5), "float32")), scale_factor=2, linear_light=True)


def test_working_copies_that_do_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr(resize, "available_memory", lambda: 100)
    array = pixels((40, 50, 4))
    with pytest.raises(MemoryError, match=r"working copy of shape \(40, 50, 4\)"):
        resize_picture(Picture(array, alpha=True), scale_factor=2)


# --- the curves --------------------------------------------------------------------------------


def test_srgb_against_values_of_the_standard():
    # Computed from the formula of IEC 61966-2-1 with 50 digits.
    signal = np.array([0.0, 0.02, 0.04045, 0.0404500001, 0.2, 0.5, 0.735357, 1.0])
    light = [0.0, 0.00154798761, 0.00313080495, 0.00313080729, 0.0331047666, 0.214041140,
             0.500000026, 1.0]  # fmt: skip
    np.testing.assert_allclose(srgb_to_linear(signal), light, rtol=2e-7)
    # The published branches meet to 3e-8 only.
    np.testing.assert_allclose(linear_to_srgb(np.array(light)), signal, atol=5e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_curves_are_inverse_odd_and_of_their_dtype(dtype):
    x = np.linspace(-1.2, 1.5, 2701).astype(dtype)
    there = srgb_to_linear(x)
    assert there.dtype == x.dtype
    assert (np.diff(there) > 0).all()
    np.testing.assert_array_equal(srgb_to_linear(-x), -there)
    np.testing.assert_allclose(linear_to_srgb(there), x, atol=3e-7 if dtype == "float32" else 5e-8)


def test_unpremultiply_of_overshoot():
    values = np.array([[[0.5, 0.5], [-0.1, -0.2], [0.0, 0.0]]])
    np.testing.assert_array_equal(unpremultiply(values), [[[1.0, 0.5], [0.0, -0.2], [0.0, 0.0]]])
