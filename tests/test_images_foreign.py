"""Picture files that other programs wrote: every depth, palette, orientation and byte order."""

import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from upsampler.images import ImageError, Picture, read, write
from upsampler.png import png_chunks

from .picture_files import by_pillow, by_tifffile, chunk, npy, pixels, png, same, stored


@pytest.mark.parametrize("interlace", [False, True])
@pytest.mark.parametrize(("channels", "colour"), [(1, 0), (3, 2), (2, 4), (4, 6)])
def test_16_bit_png_of_others(tmp_path, channels, colour, interlace):
    array = np.random.default_rng(1).integers(0, 65536, (13, 11, channels), np.uint16)
    path = stored(tmp_path, png(array, 16, colour, interlace=interlace))
    same(path, array[..., 0] if channels == 1 else array, channels in (2, 4))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_png_is_what_opencv_reads_and_writes(tmp_path, channels):
    cv2 = pytest.importorskip("cv2")
    array = np.random.default_rng(2).integers(0, 65536, (61, 47, channels), np.uint16)
    swapped = array[..., [2, 1, 0, 3][:channels]] if channels > 2 else array[..., 0]
    cv2.imwrite(str(tmp_path / "cv.png"), swapped)
    same(tmp_path / "cv.png", array[..., 0] if channels == 1 else array, channels == 4)
    write(tmp_path / "ours.png", Picture(array, channels == 4))
    result = cv2.imread(str(tmp_path / "ours.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(result, swapped)


def test_every_png_filter_is_used_and_undone(tmp_path):
    y, x = np.indices((64, 48))
    smooth = np.stack([x * 900 + y * 300, x * x * 17, y * y * 11], axis=2)
    noise = np.random.default_rng(3).integers(0, 65536, (40, 48, 3))
    stripes = np.repeat(noise[:16], 2, axis=0)
    array = np.concatenate([smooth, noise, stripes]).astype(np.uint16)
    write(tmp_path / "x.png", Picture(array))
    data = (tmp_path / "x.png").read_bytes()
    packed = b"".join(body for name, body in png_chunks(data) if name == b"IDAT")
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(len(array), -1)
    assert set(rows[:, 0]) == {0, 1, 2, 3, 4}
    same(tmp_path / "x.png", array)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_few_bits_are_spread_to_eight(tmp_path, bits):
    array = np.random.default_rng(bits).integers(0, 2**bits, (5, 11, 1))
    same(
        stored(tmp_path, png(array, bits, 0)), (array[..., 0] * (255 // (2**bits - 1))).astype("u1")
    )


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palette_is_resolved(tmp_path, bits):
    rng = np.random.default_rng(bits)
    palette = rng.integers(0, 256, (2**bits, 3), np.uint8)
    index = rng.integers(0, 2**bits, (5, 11, 1))
    data = png(index, bits, 3, chunk(b"PLTE", palette.tobytes()))
    same(stored(tmp_path, data), palette[index[..., 0]])


def test_palette_with_transparency(tmp_path):
    palette = np.random.default_rng(0).integers(0, 256, (4, 3), np.uint8)
    opacity = np.array([0, 100, 255, 255], np.uint8)
    index = np.arange(12).reshape(3, 4, 1) % 4
    extra = chunk(b"PLTE", palette.tobytes()) + chunk(b"tRNS", opacity[:2].tobytes())
    table = np.concatenate([palette, opacity[:, None]], axis=1)
    same(stored(tmp_path, png(index, 2, 3, extra)), table[index[..., 0]], alpha=True)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_transparent_gray(tmp_path, bits):
    array = np.arange(12).reshape(3, 4, 1) % 2**bits
    data = png(array, bits, 0, chunk(b"tRNS", struct.pack(">H", 1)))
    kind, full = ("u2", 65535) if bits == 16 else ("u1", 255)
    gray = array * (full // (2**bits - 1))
    expected = np.concatenate([gray, np.where(array == 1, 0, full)], axis=2).astype(kind)
    same(stored(tmp_path, data), expected, alpha=True)


@pytest.mark.parametrize("bits", [8, 16])
def test_transparent_colour(tmp_path, bits):
    array = np.random.default_rng(0).integers(0, 3, (4, 5, 3)) + (255 if bits == 16 else 0)
    key = array[1, 2]
    data = png(array, bits, 2, chunk(b"tRNS", struct.pack(">3H", *key)))
    full = 65535 if bits == 16 else 255
    opacity = np.where((array == key).all(2), 0, full)[..., None]
    expected = np.concatenate([array, opacity], axis=2).astype("u2" if bits == 16 else "u1")
    same(stored(tmp_path, data), expected, alpha=True)


# Where the corners of [[0, 1, 2], [3, 4, 5]] go, by the table of the EXIF specification.
UPRIGHT = {
    1: [[0, 1, 2], [3, 4, 5]],
    2: [[2, 1, 0], [5, 4, 3]],
    3: [[5, 4, 3], [2, 1, 0]],
    4: [[3, 4, 5], [0, 1, 2]],
    5: [[0, 3], [1, 4], [2, 5]],
    6: [[3, 0], [4, 1], [5, 2]],
    7: [[5, 2], [4, 1], [3, 0]],
    8: [[2, 5], [1, 4], [0, 3]],
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "LZW", "palette"])
def test_orientation_is_applied(tmp_path, kind, orientation):
    small = np.array(UPRIGHT[1], np.uint8) * 40
    exif = Image.Exif()
    exif[0x0112] = orientation
    colour = np.stack([small, small + 7, 255 - small], axis=2)
    expected = np.array(UPRIGHT[orientation], np.uint8) * 40
    expected = np.stack([expected, expected + 7, 255 - expected], axis=2)
    if kind == "TIFF":
        data = by_tifffile(colour, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    elif kind == "LZW":
        data = by_pillow(colour, "TIFF", compression="tiff_lzw", exif=exif)
    elif kind == "palette":
        image = Image.fromarray(colour).quantize(6)
        expected = np.asarray(image.convert("RGB"))
        expected = expected.reshape(-1, 3)[np.array(UPRIGHT[orientation])]
        data = by_pillow(image, "PNG", exif=exif)
    else:
        data = by_pillow(colour, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    same(stored(tmp_path, data), expected)


def test_orientation_of_a_jpeg(tmp_path):
    array = np.zeros((16, 32), np.uint8)
    array[:, 16:] = 255  # white on the right
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: white below
    result = read(stored(tmp_path, by_pillow(array, "JPEG", exif=exif))).pixels
    assert result.shape == (32, 16)
    assert result[:16].max() < 20
    assert result[16:].min() > 235


def test_16_bit_png_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    array = np.random.default_rng(0).integers(0, 65536, (2, 3, 3), np.uint16)
    data = png(array, 16, 2, chunk(b"eXIf", exif.tobytes()[6:]))
    same(stored(tmp_path, data), np.rot90(array, -1))


def test_damaged_exif_is_noted_and_left_out(tmp_path):
    array = pixels((4, 5, 3))
    data = png(array, 8, 2, chunk(b"eXIf", b"XX\0*\0\0\0\x08\xff\xff\0\x01"))
    picture = same(stored(tmp_path, data), array)
    assert picture.notes == ("EXIF data are damaged: no orientation applied",)


def test_cmyk_becomes_rgb_with_a_note(tmp_path):
    ink = np.zeros((16, 24, 4), np.uint8)
    ink[:, 8:16, 1] = 255
    ink[:, 16:, 3] = 255
    data = by_pillow(Image.fromarray(ink, "CMYK"), "JPEG", quality=95)
    picture = read(stored(tmp_path, data))
    assert picture.pixels.shape == (16, 24, 3)
    for x, colour in ((4, (255, 255, 255)), (12, (255, 0, 255)), (20, (0, 0, 0))):
        np.testing.assert_allclose(picture.pixels[8, x].astype(int), colour, atol=6)
    assert "CMYK" in picture.notes[0]


def test_animation_gives_its_first_frame_and_a_note(tmp_path):
    frames = [Image.fromarray(pixels((6, 9, 3), seed=n)) for n in range(3)]
    for kind in ("PNG", "WEBP"):
        data = by_pillow(
            frames[0], kind, save_all=True, append_images=frames[1:],
            **({"lossless": True} if kind == "WEBP" else {}),
        )  # fmt: skip
        picture = same(stored(tmp_path, data), np.asarray(frames[0]))
        assert "first of 3 frames" in picture.notes[0]


def test_pages_give_the_first_and_a_note(tmp_path):
    pages = pixels((3, 6, 9))
    data = by_tifffile(pages, photometric="minisblack", metadata=None)
    picture = same(stored(tmp_path, data), pages[0])
    assert "first of 3" in picture.notes[0]


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "F", "I"])
def test_tiffs_of_pillow(tmp_path, mode, compression):
    gray = Image.fromarray(pixels((14, 19)))
    if mode == "I;16":
        image = Image.fromarray(pixels((14, 19), "uint16"))
    elif mode in ("F", "I"):
        image = gray.convert(mode)
    elif mode in ("RGBA", "LA"):
        image = Image.fromarray(pixels((14, 19, 4))).convert(mode)
    elif mode == "P":
        image = Image.fromarray(pixels((14, 19, 3))).quantize(16)
    else:
        image = gray.convert(mode)
    expected = image.convert({"1": "L", "P": "RGB"}.get(mode, mode))
    data = by_pillow(image, "TIFF", compression=compression)
    same(stored(tmp_path, data), np.array(expected), alpha=mode in ("RGBA", "LA"))


def test_jpeg_in_tiff(tmp_path):
    array = np.asarray(Image.fromarray(pixels((4, 5, 3))).resize((60, 40)))
    data = by_pillow(array, "TIFF", compression="jpeg", quality=95)
    result = read(stored(tmp_path, data)).pixels
    assert abs(result.astype(int) - array).mean() < 4


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}, {"planarconfig": "separate"},
                                     {"rowsperstrip": 5, "compression": "zlib"},
                                     {"bigtiff": True}])  # fmt: skip
def test_tiffs_of_tifffile(tmp_path, dtype, byteorder, options):
    array = pixels((23, 37, 3), dtype)
    stack = np.moveaxis(array, 2, 0) if "planarconfig" in options else array
    data = by_tifffile(stack, photometric="rgb", byteorder=byteorder, **options)
    same(stored(tmp_path, data), array)


def test_white_is_zero(tmp_path):
    array = pixels((5, 6))
    same(stored(tmp_path, by_tifffile(array, photometric="miniswhite")), 255 - array)


def test_premultiplied_tiff_is_separated(tmp_path):
    # Half-clear full red and a clear pixel, premultiplied: 128 stands for 255 * 128 / 255.
    array = np.array([[[128, 0, 0, 128], [0, 0, 0, 0]]], np.uint8)
    data = by_tifffile(array, photometric="rgb", extrasamples=["assocalpha"])
    expected = np.array([[[255, 0, 0, 128], [0, 0, 0, 0]]], np.uint8)
    same(stored(tmp_path, data), expected, alpha=True)


def test_16_bit_colour_in_lzw_is_refused_not_cut(tmp_path):
    data = bytearray(by_tifffile(pixels((8, 9, 3), "uint16"), photometric="rgb"))
    at = data.index(struct.pack("<HHI", 259, 3, 1))  # the tag Compression
    data[at + 8 : at + 10] = struct.pack("<H", 5)
    with pytest.raises(ImageError, match="16-bit TIFF with LZW compression"):
        read(stored(tmp_path, bytes(data)))


def test_npy_of_every_order(tmp_path):
    array = pixels((4, 5, 3), "uint16")
    same(stored(tmp_path, npy(array.astype(">u2"))), array)
    same(stored(tmp_path, npy(np.asfortranarray(array))), array)


def test_npy_counts_the_fourth_channel_of_small_integers_as_alpha(tmp_path):
    for dtype, alpha in (("uint8", True), ("uint16", True), ("int32", False), ("float32", False)):
        array = pixels((4, 5, 4), dtype)
        same(stored(tmp_path, npy(array)), array, alpha)


def test_contents_decide_not_the_name(tmp_path):
    array = pixels((4, 5, 3))
    same(stored(tmp_path, by_pillow(array, "PNG"), "lies.jpg"), array)


def test_large_pictures_are_no_bombs(tmp_path):
    # More than Pillow's limit of 179 million pixels, in one bit each: 23 MB, of 23 kB of file.
    side = 13_400
    raw = np.zeros((side, side), bool)
    path = stored(tmp_path, by_pillow(Image.fromarray(raw), "PNG"))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert read(path).pixels.shape == (side, side)
    assert not seen
    assert Image.MAX_IMAGE_PIXELS is not None
