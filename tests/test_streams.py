"""Pictures written row by row are those written at once, and are there whole or not at all."""

import numpy as np
import pytest

from upsampler import streams
from upsampler.images import ImageError, read
from upsampler.streams import STREAMED, writing

SHAPES = [(1, 1), (7, 11), (1, 13, 3), (31, 17, 3), (5, 3, 2), (9, 4, 4)]


def pixels(shape, dtype):
    values = np.random.default_rng(3).random(shape)
    top = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 1
    return (values * top).astype(dtype)


def write_in(path, values, cuts, alpha=False):
    with writing(path, values.shape, values.dtype, alpha) as write:
        for a, b in zip([0, *cuts], [*cuts, len(values)], strict=True):
            write(values[a:b])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "int32"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ending", STREAMED)
def test_what_is_written_is_read(tmp_path, ending, shape, dtype):
    path = tmp_path / f"out{ending}"
    values = pixels(shape, dtype)
    if ending == ".png" and dtype not in ("uint8", "uint16"):
        with pytest.raises(ImageError, match="PNG holds uint8 and uint16"):
            write_in(path, values, [])
        assert not path.exists()
        return
    alpha = len(shape) == 3 and shape[2] in (2, 4)
    cuts = sorted({1, len(values) // 2} & set(range(1, len(values))))
    write_in(path, values, cuts, alpha)
    made = read(path)
    np.testing.assert_array_equal(made.pixels, values)
    assert made.pixels.dtype == values.dtype
    if ending != ".npy":
        assert made.alpha == alpha
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", STREAMED)
def test_what_ends_early_leaves_nothing_and_spares_what_was_there(tmp_path, ending):
    path = tmp_path / f"out{ending}"
    path.write_bytes(b"old")
    values = pixels((6, 5), "uint8")

    class Stop(Exception):
        pass

    def stopped(values, then):
        with writing(path, values.shape, values.dtype) as write:
            write(values[:3])
            then(write)

    def stop(_write):
        raise Stop

    with pytest.raises(Stop):
        stopped(values, stop)
    with pytest.raises(ImageError, match="3 of 6 rows are missing"):
        stopped(values, lambda write: None)
    with pytest.raises(ImageError, match=r"got rows of shape \(4, 5\)"):
        stopped(values, lambda write: write(values[:4]))
    with pytest.raises(ImageError, match="dtype float64 for a picture"):
        stopped(values, lambda write: write(values[:3].astype(float)))
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_strided_rows_and_foreign_orders(tmp_path):
    values = pixels((8, 10, 3), "uint16")
    for ending in STREAMED:
        path = tmp_path / f"out{ending}"
        with writing(path, (4, 5, 3), values.dtype) as write:
            write(values[::2, ::2][:1])
            write(values[::2, ::2][1:])
        np.testing.assert_array_equal(read(path).pixels, values[::2, ::2])


def test_what_cannot_be_streamed_is_refused_first(tmp_path, monkeypatch):
    shape, dtype = (4, 5), np.dtype(np.uint8)
    for name, message in (
        ("a.jpg", "cannot be written row by row; what can: .npy, .png"),
        ("a.xyz", "got the ending '.xyz'"),
        ("none/a.npy", "no such file|No such file"),
    ):
        with (
            pytest.raises((ImageError, OSError), match=message),
            writing(tmp_path / name, shape, dtype),
        ):
            pytest.fail("begun")
    monkeypatch.setattr(streams.shutil, "disk_usage", lambda folder: type("U", (), {"free": 9})())
    with (
        pytest.raises(ImageError, match="GB are left on the disk"),
        writing(tmp_path / "a.npy", shape, dtype),
    ):
        pytest.fail("begun")
    assert list(tmp_path.iterdir()) == []
