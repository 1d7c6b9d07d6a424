"""Damaged files: one `ImageError` that names the file, or the whole picture; nothing else."""

import io
import os
import struct
import warnings

import numpy as np
import pytest
from PIL import Image

from upsampler.images import ImageError, Picture, read

from .picture_files import by_pillow, by_tifffile, chunk, npy, pixels, png

_COLOUR = pixels((13, 17, 3))
_DEEP = pixels((13, 17, 4), "uint16")
FILES = {
    "png8": by_pillow(_COLOUR, "PNG"),
    "png16": png(_DEEP, 16, 6),
    "palette": by_pillow(Image.fromarray(_COLOUR).quantize(9), "PNG"),
    "jpeg": by_pillow(_COLOUR, "JPEG", quality=90),
    "progressive": by_pillow(_COLOUR, "JPEG", quality=90, progressive=True),
    "webp": by_pillow(_COLOUR, "WEBP", quality=80),
    "webp_lossless": by_pillow(_COLOUR, "WEBP", lossless=True),
    "tiff": by_tifffile(_COLOUR, photometric="rgb", rowsperstrip=4, metadata=None),
    "tiff_deflate": by_tifffile(_DEEP, photometric="rgb", compression="zlib", metadata=None),
    "tiff_float": by_tifffile(pixels((13, 17), "float32"), tile=(16, 16), metadata=None),
    "tiff_lzw": by_pillow(_COLOUR, "TIFF", compression="tiff_lzw"),
    "npy": npy(_DEEP),
}


def attempt(path, data):
    """The picture, or None where it was refused properly."""
    path.write_bytes(data)
    picture, refusal = None, None
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            picture = read(path)
        except ImageError as error:
            refusal = str(error)
    assert not seen
    assert refusal is None or (refusal.startswith(f"{path}: ") and "\n" not in refusal)
    return picture


@pytest.mark.parametrize("kind", FILES)
def test_sound_files_are_read(tmp_path, kind):
    assert attempt(tmp_path / "x", FILES[kind]).pixels.shape[:2] == (13, 17)


@pytest.mark.parametrize("kind", FILES)
def test_no_truncated_file_is_accepted(tmp_path, kind, capfd):
    data, path = FILES[kind], tmp_path / "x"
    whole = attempt(path, data)
    for length in range(len(data)):
        picture = attempt(path, data[:length])
        # Bytes behind the last pixel may be missing where the format puts nothing there.
        if picture is not None:
            assert kind.startswith("tiff")
            np.testing.assert_array_equal(picture.pixels, whole.pixels)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", FILES)
def test_flipped_bytes_never_escape(tmp_path, kind, capfd):
    rng = np.random.default_rng(20 + len(kind))
    data, path = np.frombuffer(FILES[kind], np.uint8), tmp_path / "x"
    refused = 0
    for _ in range(400):
        damaged = data.copy()
        # Half of the hits go to the first bytes, where the structure is.
        reach = len(data) if rng.random() < 0.5 else min(len(data), 128)
        where = rng.integers(4, reach, rng.integers(1, 5))
        damaged[where] = rng.integers(0, 256, len(where))
        picture = attempt(path, damaged.tobytes())
        refused += picture is None
        assert picture is None or isinstance(picture, Picture)
    assert refused > 20
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["png8", "png16", "palette"])
def test_every_flipped_bit_of_a_png_is_noticed(tmp_path, kind):
    data, path = FILES[kind], tmp_path / "x"
    rng = np.random.default_rng(5)
    for at in rng.integers(0, len(data), 300):
        damaged = bytearray(data)
        damaged[at] ^= 1 << int(rng.integers(8))
        assert attempt(path, bytes(damaged)) is None


@pytest.mark.parametrize("kind", FILES)
def test_garbage_behind_the_magic_bytes(tmp_path, kind):
    rng = np.random.default_rng(6)
    for length in (1, 10, 100, 5000):
        tail = rng.integers(0, 256, length, np.uint8).tobytes()
        assert attempt(tmp_path / "x", FILES[kind][:12] + tail) is None


def refusal(path, data=None):
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


def test_missing_empty_unknown(tmp_path):
    assert refusal(tmp_path / "no.png") == "no such file"
    assert refusal(tmp_path / "no" / "no.png") == "no such file"
    assert refusal(tmp_path) == "is a folder"
    assert refusal(tmp_path / "e.png", b"") == "the file is empty"
    assert refusal(tmp_path / "t.png", b"hello") == "not a PNG, JPEG, WebP, TIFF or .npy file"
    assert refusal(tmp_path / "w.webp", b"RIFF\x04\0\0\0WAVE").startswith("not a PNG")


def test_a_pipe_does_not_block(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names on this system")
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == "is not a regular file"


def test_unreadable(tmp_path, monkeypatch):
    # Root may read everything, so that modes of files would not test this everywhere.
    def refuse(*arguments, **named):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "x.png").write_bytes(FILES["png8"])
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open", refuse)
    assert refusal(tmp_path / "x.png") == "permission denied"


def test_names_stay_on_one_line(tmp_path):
    with pytest.raises(ImageError) as caught:
        read(tmp_path / "two\nlines\x1b[31m.png")
    assert str(caught.value).isprintable()


def test_a_png_that_promises_too_much(tmp_path):
    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + FILES["png8"][33:]
    assert "cannot hold the promised 60000 x 60000 pixels" in refusal(tmp_path / "x.png", data)


def test_bombs_are_refused_by_their_header(tmp_path, monkeypatch):
    monkeypatch.setattr("upsampler.picture.available_memory", lambda: 1000)
    for kind, data in FILES.items():
        assert "of memory are available" in refusal(tmp_path / kind, data), kind


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ((4,), "u1", r"holds shape (4,)"),
        ((2, 3, 4, 5), "u1", "holds shape (2, 3, 4, 5)"),
        ((0, 3), "u1", "holds shape (0, 3)"),
        ((2, 3), "c8", "holds dtype complex64"),
        ((2, 3), "O", "holds dtype object"),
        ((2, 3), "U4", "holds dtype <U4"),
        ((2, 3), [("a", "u1")], "holds dtype"),
    ],
)
def test_arrays_that_are_no_pictures(tmp_path, shape, dtype, message):
    file = io.BytesIO()
    np.save(file, np.zeros(shape, dtype), allow_pickle=True)
    assert message in refusal(tmp_path / "x.npy", file.getvalue())


def test_npy_that_promises_too_much(tmp_path):
    data = npy(np.zeros((2, 3), np.uint8)).replace(b"(2, 3)", b"(9, 9)")
    assert refusal(tmp_path / "x.npy", data) == "truncated: 81 bytes promised, 6 found"


def test_empty_strips_are_not_taken_for_black(tmp_path):
    data = by_tifffile(_COLOUR[:, :, 0], rowsperstrip=13, metadata=None)
    counts = next(h for h in (struct.pack("<HHI", 279, t, 1) for t in (3, 4)) if h in data)
    at = data.index(counts) + len(counts)
    assert "missing" in refusal(tmp_path / "x.tif", data[:at] + bytes(4) + data[at + 4 :])
