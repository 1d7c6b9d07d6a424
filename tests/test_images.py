"""Picture files: what is in the file is what is in the array, and back."""

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from upsampler.formats import check_writable
from upsampler.images import ImageError, Picture, read, write

from .picture_files import pixels, same

SHAPES = {1: (7, 11), 2: (7, 11, 2), 3: (7, 11, 3), 4: (7, 11, 4), 5: (7, 11, 5)}
INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
TIFF_DTYPES = (*INTEGERS, "float16", "float32", "float64")


# --- there and back ----------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_png_round_trip(tmp_path, dtype, channels):
    array, alpha = pixels(SHAPES[channels], dtype), channels in (2, 4)
    write(tmp_path / "x.png", Picture(array, alpha))
    same(tmp_path / "x.png", array, alpha)


@pytest.mark.parametrize("channels", [3, 4])
def test_webp_round_trip_keeps_the_colour_of_clear_pixels(tmp_path, channels):
    array = pixels(SHAPES[channels])
    if channels == 4:
        array[::2, :, 3] = 0
    write(tmp_path / "x.webp", Picture(array, channels == 4))
    same(tmp_path / "x.webp", array, channels == 4)


def test_webp_takes_gray_as_colour(tmp_path):
    array = pixels(SHAPES[1])
    write(tmp_path / "x.webp", Picture(array))
    same(tmp_path / "x.webp", np.stack([array] * 3, axis=2))


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("dtype", TIFF_DTYPES)
def test_tiff_round_trip(tmp_path, dtype, channels):
    array, alpha = pixels(SHAPES[channels], dtype), channels in (2, 4)
    write(tmp_path / "x.tif", Picture(array, alpha))
    same(tmp_path / "x.tif", array, alpha)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "x.tif"), array)


def test_tiff_keeps_four_channels_apart_from_alpha(tmp_path):
    array = pixels(SHAPES[4], "float32")
    write(tmp_path / "x.tiff", Picture(array, alpha=False))
    same(tmp_path / "x.tiff", array, alpha=False)


def test_tiff_keeps_what_is_not_finite(tmp_path):
    array = np.array([[np.nan, np.inf, -np.inf, -0.0]], np.float32)
    write(tmp_path / "x.tif", Picture(array))
    same(tmp_path / "x.tif", array)


@pytest.mark.parametrize("dtype", [*TIFF_DTYPES, "bool"])
def test_npy_round_trip(tmp_path, dtype):
    array = pixels(SHAPES[3], "uint8").astype(dtype)
    write(tmp_path / "x.npy", Picture(array))
    same(tmp_path / "x.npy", array)


def test_jpeg_is_close(tmp_path):
    array = np.asarray(Image.fromarray(pixels((4, 5, 3))).resize((60, 40)))
    for gray, path in ((False, tmp_path / "x.jpg"), (True, tmp_path / "y.JPEG")):
        source = array[..., 0] if gray else array
        write(path, Picture(source))
        result = read(path)
        assert result.pixels.shape == source.shape
        assert result.dtype == np.uint8
        assert abs(result.pixels.astype(int) - source).max() <= 12


def test_single_channel_is_gray(tmp_path):
    write(tmp_path / "x.png", Picture(pixels((3, 5, 1), "uint16")))
    assert read(tmp_path / "x.png").pixels.shape == (3, 5)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif"])
def test_profile_is_handed_on(tmp_path, ending):
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write(tmp_path / f"x.{ending}", Picture(pixels(SHAPES[3]), icc=icc))
    assert read(tmp_path / f"x.{ending}").icc == icc


def test_profile_of_a_16_bit_png(tmp_path):
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write(tmp_path / "x.png", Picture(pixels(SHAPES[3], "uint16"), icc=icc))
    assert read(tmp_path / "x.png").icc == icc


# --- what a format cannot hold -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "alpha", "message"),
    [
        ("x.png", "float32", (2, 3), False, "not float32; what holds it: .tif, .npy"),
        ("x.png", "bool", (2, 3), False, "not bool; what holds it: .npy$"),
        ("x.png", "uint8", (2, 3, 5), False, "PNG holds 1, 2, 3 and 4 channels, not 5;"),
        ("x.png", "uint8", (2, 3, 3), True, "as the second or fourth channel, not"),
        ("x.jpg", "uint16", (2, 3), False, "not uint16; what holds it: .png, .tif"),
        ("x.jpeg", "uint8", (2, 3, 4), True, r"JPEG holds 1 and 3 channels, not 4 \(alpha\)"),
        ("x.jpg", "uint8", (2, 70000), False, "up to 65500 pixels a side, not 70000"),
        ("x.webp", "uint16", (2, 3, 3), False, "WebP holds uint8, not uint16"),
        ("x.webp", "uint8", (2, 3, 2), True, "WebP holds 1, 3 and 4 channels, not 2"),
        ("x.webp", "uint8", (16384, 2), False, "up to 16383 pixels a side, not 16384"),
        ("x.tif", "bool", (2, 3), False, "TIFF holds uint8"),
        ("x.gif", "uint8", (2, 3), False, "got the ending '.gif'; allowed for writing: .png"),
        ("x", "uint8", (2, 3), False, "got the ending ''; allowed"),
    ],
)  # fmt: skip
def test_unfit_pictures_are_refused_beforehand(tmp_path, name, dtype, shape, alpha, message):
    with pytest.raises(ImageError, match=message) as caught:
        check_writable(tmp_path / name, np.dtype(dtype), shape, alpha)
    assert str(caught.value).startswith(str(tmp_path / name))
    with pytest.raises(ImageError, match=message):
        write(tmp_path / name, Picture(np.zeros(shape, dtype), alpha))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("array", "alpha", "message"),
    [
        (np.zeros((2,)), False, r"got shape \(2,\)"),
        (np.zeros((0, 2)), False, r"got shape \(0, 2\)"),
        (np.zeros((2, 2), complex), False, "dtype complex128"),
        (np.zeros((2, 2)), True, "alpha: got True for one channel"),
    ],
)
def test_what_is_no_picture(array, alpha, message):
    with pytest.raises(ValueError, match=message):
        Picture(array, alpha)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_tiff_beyond_4_gb_is_bigtiff(tmp_path, monkeypatch, dtype):
    """Offsets of classic TIFF have 32 bits; with the limit moved, a small picture shows it."""
    array = pixels((20, 30, 3), dtype)
    monkeypatch.setattr("upsampler.tiffs._CLASSIC", array.nbytes)
    for name, magic, rows in (("a.tif", b"II*\0", 20), ("b.tif", b"II+\0", 21)):
        big = np.resize(array, (rows, 30, 3))
        write(tmp_path / name, Picture(big))
        assert (tmp_path / name).read_bytes()[:4] == magic
        np.testing.assert_array_equal(read(tmp_path / name).pixels, big)
