"""Files and texts that leave the viewer, without Qt."""

import os
import sys
from dataclasses import replace
from fractions import Fraction

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image
from upsampler_gui import changes, drawing, export, kernels, render
from upsampler_gui.blocks import Cancelled
from upsampler_gui.degrade import degrade
from upsampler_gui.export import check_result, sheet, write_result
from upsampler_gui.learning import Learned
from upsampler_gui.pythoncall import python_call
from upsampler_gui.settings import Region, Tone
from upsampler_gui.source import built_in, load, source
from upsampler_gui.sources.slices import Slice
from upsampler_gui.state import Pane, ViewerState
from upsampler_gui.viewport import View

from upsampler.images import ImageError, Picture, read
from upsampler.kernel_upsampling import upsample_with_kernel
from upsampler.resize import resize_picture

from . import drive

TWO = (Fraction(2), Fraction(2))


def never():
    return False


def ignore(done, total):
    pass


def seen(pixels, *methods, alpha=False, scale=TWO):
    opened = source(Picture(pixels, alpha), "noise")
    panes = tuple(Pane(method, scale) for method in methods)
    return ViewerState(opened, panes=panes, view=View(10, 10, 4.0))


# -- the whole result -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["bilinear:align_corners", "bicubic", "conv_transpose:bilinear"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("ending", ["npy", "tif", "png"])
def test_the_whole_result_is_that_of_the_method(tmp_path, monkeypatch, method, dtype, ending):
    monkeypatch.setattr(export, "BLOCK", 1000)
    at = seen(drive.noise(37, 23, 3, dtype), method)
    path = str(tmp_path / f"out.{ending}")
    steps = []
    if dtype == "float32" and ending == "png":
        with pytest.raises(ImageError, match="PNG holds"):
            write_result(at.source, at.panes[0], path, never, ignore)
        return
    write_result(at.source, at.panes[0], path, never, lambda *step: steps.append(step))
    np.testing.assert_array_equal(read(path).pixels, drive.made(at.source.values, (74, 46), method))
    assert len(steps) > 5
    assert steps[-1] == (74, 74)
    assert check_result(at.source, at.panes[0], path) == 74 * 46 * 3 * np.dtype(dtype).itemsize


def test_opacity_goes_the_way_of_the_rest_of_the_package(tmp_path):
    pixels = drive.noise(37, 23, 4)
    at = seen(pixels, "bicubic", alpha=True)
    path = str(tmp_path / "out.png")
    write_result(at.source, at.panes[0], path, never, ignore)
    made = read(path)
    assert made.alpha
    wanted = resize_picture(Picture(pixels, True), size=(74, 46), method="bicubic")
    np.testing.assert_array_equal(made.pixels, wanted.pixels)


@pytest.mark.parametrize("after", [0, 3, 8])
def test_what_is_cancelled_leaves_no_file(tmp_path, monkeypatch, after):
    monkeypatch.setattr(export, "BLOCK", 74 * 9)
    at = seen(drive.noise(37, 23), "nearest")
    looks = []

    def cancelled():
        looks.append(1)
        return len(looks) > after

    with pytest.raises(Cancelled):
        write_result(at.source, at.panes[0], str(tmp_path / "o.npy"), cancelled, ignore)
    assert len(looks) == after + 1
    assert list(tmp_path.iterdir()) == []


def test_results_without_a_place_are_refused_first(tmp_path):
    at = seen(drive.noise(37, 23), "nearest", scale=(Fraction(64), Fraction(64)))
    with pytest.raises(ImageError, match="cannot be written row by row"):
        check_result(at.source, at.panes[0], str(tmp_path / "a.jpg"))
    huge = replace(at.panes[0], scale=(Fraction(10**6), Fraction(10**6)))
    with pytest.raises(ImageError, match="GB are left on the disk"):
        check_result(at.source, huge, str(tmp_path / "a.npy"))


# -- sheets and strips ----------------------------------------------------------------------------


def test_a_sheet_measures_against_the_truth(monkeypatch):
    asked = []
    real = export.contact_sheet
    monkeypatch.setattr(export, "contact_sheet", lambda *args: asked.append(args) or real(*args))
    at = seen(drive.noise(96, 128), "nearest", "bicubic", "nearest")
    steps = []
    made = sheet(at, Region(10, 20, 40, 60), lambda *step: steps.append(step))
    comparison, title, crops = asked[0]
    assert title == "noise"
    assert [o.method.name for o in comparison.outcomes] == ["nearest", "bicubic"]
    assert comparison.degraded
    assert comparison.truth.pixels.shape == (96, 128, 3)
    assert comparison.small.pixels.shape == (48, 64, 3)
    (crop,) = crops
    assert (crop.height, crop.width) == (30, 40)
    assert (crop.y, crop.x) == (10, 20)
    assert made.shape[2] == 3
    assert steps[-1] == (2, 2)
    truth, small = degrade(at.source, 2)
    restored = changes.degraded(at, truth, small, 2)
    sheet(restored, None, ignore)
    np.testing.assert_array_equal(asked[1][0].small.pixels, comparison.small.pixels)
    assert asked[1][2] is None


def test_sheets_that_cannot_be(monkeypatch):
    at = seen(drive.noise(96, 128), "nearest", scale=(Fraction(2), Fraction(3)))
    with pytest.raises(ValueError, match="one scale for both axes"):
        sheet(at, None, ignore)
    at = seen(drive.noise(96, 128), "nearest")
    monkeypatch.setattr(export, "available_memory", lambda: 1000)
    with pytest.raises(ImageError, match="export a strip of crops instead"):
        sheet(at, None, ignore)


def test_a_strip_has_the_outputs_of_every_pane():
    at = seen(drive.noise(37, 53), "nearest", "bicubic", "conv_transpose:random:k=3")
    at = replace(at, tone=Tone(0.5, 1.2))
    region = Region(5, 7, 15, 20)
    cards = drawing.crops(at, region, never)
    assert [card.title for card in cards] == [
        "1  nearest", "2  bicubic", "3  conv transpose  random"
    ]  # fmt: skip
    assert cards[2].facts.startswith("k=3  x2")
    k = 320 // 26
    for card, pane in zip(cards, at.panes, strict=True):
        full = drive.made(at.source.values, (74, 106), pane.method)
        crop = full[10:30, 14:40].repeat(k, 0).repeat(k, 1)
        table = render.table_of(at.tone, np.dtype("uint8"))
        np.testing.assert_array_equal(drawing.rgb(card.pixels), table[crop])
        assert f"exact x{k}" in card.facts
    made = drawing.strip(cards, "noise")
    height, width = cards[0].pixels.shape
    assert made.shape == (40 + height + 46 + 14, 3 * (width + 14) + 14, 3)
    np.testing.assert_array_equal(
        made[86 : 86 + height, 14 : 14 + width], drawing.rgb(cards[0].pixels)
    )


def test_a_strip_can_be_given_up():
    with pytest.raises(Cancelled):
        drawing.crops(seen(drive.noise(37, 53), "nearest"), Region(0, 0, 9, 9), lambda: True)


# -- animations -----------------------------------------------------------------------------------


def pictures(colours):
    rng = np.random.default_rng(0)
    table = rng.integers(0, 1 << 24, colours).astype(np.uint32) | np.uint32(0xFF000000)
    return [(table[rng.integers(0, colours, (40, 61))], name) for name in ("a", "b", "c")]


def test_an_animation_keeps_every_pixel(tmp_path):
    path = str(tmp_path / "blink.png")
    shown = pictures(3000)
    assert drawing.animation(path, shown) == ""
    with Image.open(path) as image:
        assert image.n_frames == 3
        for i, (pixels, _) in enumerate(shown):
            image.seek(i)
            frame = np.asarray(image.convert("RGB"))
            np.testing.assert_array_equal(frame[28:], drawing.rgb(pixels))
            assert image.info["duration"] == drawing.BLINK


def test_a_gif_tells_what_it_loses(tmp_path):
    path = str(tmp_path / "blink.gif")
    assert "256 colours" in drawing.animation(path, pictures(3000))
    few = pictures(20)
    assert drawing.animation(path, few) == ""
    with Image.open(path) as image:
        assert image.n_frames == 3
        image.seek(1)
        frame = np.asarray(image.convert("RGB"))[28:].astype(int)
        assert np.abs(frame - drawing.rgb(few[1][0])).max() <= 8
    with pytest.raises(ImageError, match=r"an animation ends in \.gif, \.png, \.apng"):
        drawing.animation(str(tmp_path / "a.mp4"), few)
    with pytest.raises(ImageError, match="No such file"):
        drawing.animation(str(tmp_path / "none" / "a.gif"), few)


# -- the call -------------------------------------------------------------------------------------

METHODS = ["nearest", "bilinear:align_corners", "bicubic:antialias", "conv_transpose:random:k=3"]


def ran(text):
    names = {}
    exec(compile(text, "call", "exec"), names)
    return names["y"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("alpha", [False, True])
def test_the_call_makes_the_result(tmp_path, method, alpha):
    path = str(tmp_path / "it's a \\photo.png")
    pixels = drive.noise(21, 34, 4 if alpha else 3)
    iio.imwrite(path, pixels)
    at = ViewerState(load(path), panes=(Pane(method, TWO),))
    text = python_call(at, 0)
    out = str(tmp_path / "out.npy")
    write_result(at.source, at.panes[0], out, never, ignore)
    made, wanted = ran(text), np.load(out)
    if alpha:  # what is invisible has no colour here, and may keep one there
        made, wanted = (np.where(p[..., 3:] > 0, p, 0) for p in (made, wanted))
    np.testing.assert_array_equal(made, wanted)
    assert ("interpolate" in text) == (not alpha and "conv" not in method)


def test_the_call_brings_a_kernel_that_was_learned(tmp_path, monkeypatch):
    """Its file goes with the viewer, so the script holds the weights."""
    path = str(tmp_path / "photo.png")
    iio.imwrite(path, drive.noise(21, 34))
    learned = os.path.join(kernels.new_folder(), "learned-80.npz")
    weight = np.random.default_rng(0).normal(0.25, 0.2, (1, 1, 5, 6)).astype(np.float32)
    Learned(weight, 2, np.array([])).module().save(learned)
    at = ViewerState(load(path), panes=(Pane(f"conv_transpose:{learned}", TWO),))
    text = python_call(at, 0)
    wanted = upsample_with_kernel(at.source.values, weight, 2)
    os.remove(learned)
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(ran(text), wanted)
    assert os.path.dirname(learned) not in text


def test_the_call_for_feature_maps_and_for_what_was_degraded(tmp_path):
    path = str(tmp_path / "maps.npz")
    maps = np.random.default_rng(1).standard_normal((2, 9, 12, 16)).astype(np.float32)
    np.savez(path, maps=maps)
    opened = load(path).shelf.source(Slice("NCHW", (1,), 5, "maps"))
    at = ViewerState(opened, panes=(Pane("bicubic", TWO),))
    wanted = drive.made(maps[1, 5][..., None], (24, 32), "bicubic")
    np.testing.assert_array_equal(ran(python_call(at, 0)), wanted)
    photo = str(tmp_path / "photo.png")
    iio.imwrite(photo, drive.noise(23, 35))
    at = ViewerState(load(photo), panes=(Pane("bilinear", TWO),))
    at = changes.degraded(at, *degrade(at.source, 3), 3)
    made = drive.made(at.source.values, at.panes[0].output_size(at.source.size), "bilinear")
    np.testing.assert_array_equal(ran(python_call(at, 0)), made)


def test_the_call_where_there_is_no_file(tmp_path):
    at = ViewerState(built_in(), panes=(Pane("bilinear", TWO),))
    np.testing.assert_array_equal(
        ran(python_call(at, 0)), drive.made(at.source.values, (640, 960), "bilinear")
    )
    at = seen(drive.noise(9, 8), "nearest")
    assert "x = ...  # the (9, 8, 3) array of 'noise'" in python_call(at, 0)
    mask = tmp_path / "mask.npy"
    np.save(mask, np.eye(5, 7) > 0)
    at = ViewerState(load(str(mask)), panes=(Pane("bilinear", TWO),))
    assert ran(python_call(at, 0)).max() == 255


def test_nothing_here_needs_qt():
    import subprocess

    code = "import sys, upsampler_gui.export, upsampler_gui.drawing, upsampler_gui.pythoncall;"
    code += "assert 'PySide6' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
