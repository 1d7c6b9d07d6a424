"""Arrays with more axes than a picture, files that are mapped, and what is wrong with files."""

import os

import numpy as np
import pytest
import tifffile
from upsampler_gui import render, state
from upsampler_gui.source import load
from upsampler_gui.sources import mapped, shelf
from upsampler_gui.sources.slices import LAYOUTS, Slice, guess, with_layout
from upsampler_gui.state import Pane, ViewerState
from upsampler_gui.viewport import View

from upsampler.images import ImageError

from . import drive


@pytest.mark.parametrize(
    ("shape", "layout", "index", "channel"),
    [
        ((5, 7), "HW", (), None),
        ((5, 7, 3), "HWC", (), None),
        ((5, 7, 9), "CHW", (), 0),
        ((70, 60, 9), "HWC", (), 0),
        ((3, 50, 70), "CHW", (), None),
        ((64, 28, 28), "HWC", (), 0),
        ((2, 64, 5, 7), "NCHW", (0,), 0),
        ((2, 3, 5, 7), "NCHW", (0,), None),
        ((2, 50, 70, 3), "NHWC", (0,), None),
        ((2, 8, 4, 5, 7), "NCDHW", (0, 0), 0),
    ],
)
def test_a_guess_of_what_an_array_is(shape, layout, index, channel):
    assert guess(shape, "x") == Slice(layout, index, channel, "x")


@pytest.mark.parametrize("shape", [(), (5,), (0, 7), (1, 2, 3, 4, 5, 6)])
def test_what_holds_no_picture(shape):
    with pytest.raises(ValueError, match=r"holds shape .*; a picture has 2 axes, or up to 5"):
        guess(shape)


@pytest.mark.parametrize("layout", [name for names in LAYOUTS.values() for name in names])
def test_pictures_of_every_layout(layout):
    lengths = {"N": 2, "D": 3, "C": 4, "H": 5, "W": 7}
    shape = [lengths[letter] for letter in layout]
    array = np.arange(np.prod(shape)).reshape(shape)
    slice_ = with_layout(Slice(""), layout, shape)
    slice_ = Slice(layout, tuple(range(1, 1 + len(slice_.index))), 2 if "C" in layout else None)
    made = slice_.of(array)
    assert made.shape == (5, 7, 1)
    assert np.shares_memory(made, array)
    at = {"N": 1, "D": 2, "C": 2, "H": 4, "W": 6}
    if layout == "NDHWC":
        assert slice_.index == (1, 2)
    assert made[4, 6, 0] == array[tuple(at[letter] for letter in layout)]


def test_feature_maps_and_their_channels(tmp_path):
    maps = np.random.default_rng(1).standard_normal((2, 64, 9, 13)).astype(np.float32)
    maps[0, 0, 3, 4] = np.nan
    path = str(tmp_path / "maps.npy")
    np.save(path, maps)
    opened = load(path)
    assert opened.slice == Slice("NCHW", (0,), 0)
    np.testing.assert_array_equal(opened.values[..., 0], maps[0, 0])
    assert opened.name == "maps.npy  N 0, channel 0"
    assert opened.black == -opened.white < 0  # zero is in the middle
    assert opened.told(opened.values[3, 4]) == ("nan",)
    other = opened.shelf.source(Slice("NCHW", (1,), 63))
    np.testing.assert_array_equal(other.values[..., 0], maps[1, 63])
    assert other.path == path


def test_a_nan_is_seen_where_it_reaches(tmp_path):
    values = np.zeros((9, 13))
    values[4, 6] = np.nan
    np.save(tmp_path / "nan.npy", values)
    opened = load(str(tmp_path / "nan.npy"))
    at = ViewerState(opened, panes=(Pane("nearest"), Pane("bilinear")), view=View(4.5, 6.5, 4.0))
    for i, count in ((0, 16), (1, 64)):
        frame = render.render(render.Request(opened, at.panes[i], *at.axes(i, 52, 36)))
        assert (frame.pixels == 0xFFFF00FF).sum() == count


def test_files_with_several_arrays(tmp_path):
    path = str(tmp_path / "some.npz")
    np.savez(path, text=np.array("no"), line=np.arange(5), photo=drive.noise(9, 13), z=np.eye(3))
    opened = load(path)
    assert opened.shelf.members == ("photo", "z")
    assert opened.slice.member == "photo"
    assert opened.name == "some.npz  photo"
    other = opened.shelf.source(opened.shelf.guess("z"))
    np.testing.assert_array_equal(other.values[..., 0], np.eye(3))
    np.savez(path, line=np.arange(5))
    with pytest.raises(ImageError, match="holds no array that could be a picture"):
        load(path)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_damaged_files_of_arrays(tmp_path, name):
    path = tmp_path / name
    (np.save if name == "a.npy" else np.savez)(path, drive.noise(30, 40))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match=f"{name}: "):
        load(str(path))
    np.save(tmp_path / "o.npy", np.array([[None]]), allow_pickle=True)
    with pytest.raises(ImageError, match=r"o\.npy: "):
        load(str(tmp_path / "o.npy"))
    np.save(tmp_path / "c.npy", np.array([[1j]]))
    with pytest.raises(ImageError, match="holds dtype complex128"):
        load(str(tmp_path / "c.npy"))
    np.save(tmp_path / "line.npy", np.arange(5))
    with pytest.raises(ImageError, match=r"line.npy: holds shape \(5,\)"):
        load(str(tmp_path / "line.npy"))


def test_foreign_byte_order(tmp_path):
    values = np.arange(12, dtype=">u2").reshape(3, 4)
    np.save(tmp_path / "big.npy", values)
    opened = load(str(tmp_path / "big.npy"))
    assert opened.values.dtype == np.uint16
    np.testing.assert_array_equal(opened.values[..., 0], values)


@pytest.fixture
def tiny(monkeypatch):
    """Everything is large."""
    monkeypatch.setattr(shelf, "MAPPED", 1)
    monkeypatch.setattr(mapped, "MAPPED", 1)
    monkeypatch.setattr("upsampler_gui.source.SMALL", 1)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("ending", ["npy", "tif"])
def test_large_files_are_mapped(tmp_path, tiny, dtype, channels, ending):
    values = drive.noise(40, 61, channels, dtype)
    path = tmp_path / f"large.{ending}"
    if ending == "npy":
        np.save(path, values)
    else:
        tifffile.imwrite(path, values, photometric="rgb" if channels > 2 else "minisblack")
    opened = load(str(path))
    assert opened.mapped
    assert any("from the disk" in note for note in opened.notes)
    shown = min(channels, 3) if dtype != "float32" or ending == "tif" else channels
    np.testing.assert_array_equal(opened.values, values[..., :shown])
    at = ViewerState(opened, panes=(Pane("bicubic"),), view=View(20, 30, 4.0))
    request = render.Request(opened, at.panes[0], *at.axes(0, 97, 53))
    from dataclasses import replace

    inside = replace(opened, values=np.array(opened.values), mapped=False)
    same = render.render(replace(request, source=inside))
    np.testing.assert_array_equal(render.render(request).pixels, same.pixels)


@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("channels", [1, 3])
def test_compressed_files_beyond_memory_are_unpacked_to_the_disk(
    tmp_path, tiny, monkeypatch, tile, channels
):
    monkeypatch.setattr(mapped, "available_memory", lambda: 1000)
    values = drive.noise(75, 61, channels, "uint16")
    values = values if channels > 1 else values[..., 0]
    path = str(tmp_path / "z.tif")
    kind = "rgb" if channels > 1 else "minisblack"
    tifffile.imwrite(path, values, photometric=kind, compression="zlib", tile=tile, rowsperstrip=9)
    opened = load(path)
    assert opened.mapped
    np.testing.assert_array_equal(opened.values, values.reshape(75, 61, channels))
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 10})())
    with pytest.raises(ImageError, match="point TMPDIR to a larger disk"):
        load(path)


def test_compressed_files_that_fit_are_read(tmp_path, tiny):
    values = drive.noise(75, 61)
    path = str(tmp_path / "z.tif")
    tifffile.imwrite(path, values, photometric="rgb", compression="zlib")
    assert not load(path).mapped
    turned = str(tmp_path / "turned.tif")
    tifffile.imwrite(turned, values, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    assert load(turned).size == (61, 75)


def test_a_mapped_file_that_shrinks_is_a_sentence(tmp_path, tiny):
    path = str(tmp_path / "shrinks.npy")
    np.save(path, drive.noise(40, 61))
    opened = load(path)
    at = ViewerState(opened, panes=(Pane("nearest"),), view=View(20, 30, 4.0))
    request = render.Request(opened, at.panes[0], *at.axes(0, 97, 53))
    before = render.render(request).pixels
    os.rename(path, path + ".gone")
    np.testing.assert_array_equal(render.render(request).pixels, before)  # it is still there
    os.rename(path + ".gone", path)
    os.truncate(path, 500)
    with pytest.raises(ImageError, match="has become shorter; press F5"):
        render.render(request)


def test_a_corrupt_large_tiff_is_told_as_any_other(tmp_path, tiny):
    path = tmp_path / "cut.tif"
    tifffile.imwrite(path, drive.noise(40, 61), photometric="rgb")
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ImageError, match=r"cut.tif: "):
        load(str(path))


def test_another_channel_keeps_the_view(tmp_path):
    np.save(tmp_path / "maps.npy", np.random.default_rng(1).random((8, 9, 13)))
    opened = load(str(tmp_path / "maps.npy"))
    now = state.opened(
        ViewerState(opened, view=View(3, 4, 5)), opened.shelf.source(Slice("CHW", (), 3))
    )
    assert now.view == View(3, 4, 5)
