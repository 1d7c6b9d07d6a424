"""``upsampler compare`` and ``upsampler view``: sheets, tables, and life without a screen."""

import json
import os
import subprocess
import sys
import types
from fractions import Fraction

import numpy as np
import pytest

import upsampler
from upsampler.charts import SAMPLE
from upsampler.cli import main
from upsampler.cli_compare import _crop
from upsampler.comparison import compare, degrade
from upsampler.crops import Crop
from upsampler.images import Picture, read, write
from upsampler.methods import PRESETS, Interpolation
from upsampler.sheet import _legend, default_crops

from .picture_files import pixels


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*args):
        code = main([str(a) for a in args])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def viewer(monkeypatch):
    """A viewer that only notes what it is asked to open."""
    app = types.ModuleType("upsampler_gui.app")
    app.opened, app.reason = [], None
    app.main = lambda files: app.opened.append(files) or 7
    app.why_not = lambda: app.reason
    monkeypatch.setitem(sys.modules, "upsampler_gui", types.ModuleType("upsampler_gui"))
    monkeypatch.setitem(sys.modules, "upsampler_gui.app", app)
    return app


@pytest.fixture
def no_window(viewer):
    viewer.reason = "there is no display"


def rows(out):
    """The rows of the printed table: method -> cells."""
    cells = [[c.strip() for c in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    return {row[0]: row[1:] for row in cells}


def test_a_photograph(run):
    code, out, err = run("compare", SAMPLE)
    assert (code, err) == (0, "")
    table = rows(out)
    assert list(table) == [
        "nearest", "area", "bilinear", "bilinear:align_corners", "bicubic", "lanczos3",
    ]  # fmt: skip
    for time, psnr, ssim, mean, largest in table.values():
        assert time.endswith(" ms")
        assert 20 < float(psnr) < 40
        assert 0.5 < float(ssim) < 1
        assert 0 < float(mean) < float(largest) <= 255
    assert out.rstrip().endswith("contact sheet: upsampler-sheet.png")
    assert read("upsampler-sheet.png").pixels.shape[2] == 3


def test_the_default_sheet_is_replaced_and_a_named_one_is_not(run):
    assert run("compare", SAMPLE, "-m", "nearest")[0] == 0
    assert run("compare", SAMPLE, "-m", "nearest")[0] == 0
    assert run("compare", SAMPLE, "-m", "nearest", "-o", "a.png")[0] == 0
    code, out, err = run("compare", SAMPLE, "-m", "nearest", "-o", "a.png")
    assert (code, out) == (1, "")
    assert err == "upsampler: error: a.png: exists already; add --force to replace it\n"
    assert run("compare", SAMPLE, "-m", "nearest", "-o", "a.png", "--force")[0] == 0


def test_chosen_methods_scale_and_crops(run):
    code, out, _ = run(
        "compare", SAMPLE, "-m", "nearest-exact", "-m", "bicubic:antialias:align_corners",
        "--scale", "3/2", "--crop", "20,10,40", "--crop", "360,0,24x12", "--linear-light",
        "--threads", "1",
    )  # fmt: skip
    assert code == 0
    assert list(rows(out)) == ["nearest-exact", "bicubic:align_corners:antialias"]
    assert "256 x 192 -> 384 x 288 pixels" in out


@pytest.mark.parametrize(
    ("width", "columns"),
    [(120, "time PSNR SSIM mean max"), (70, "time PSNR SSIM mean"), (60, "time PSNR SSIM"),
     (50, "PSNR SSIM"), (40, "PSNR")],
)  # fmt: skip
def test_narrow_terminals_cost_columns_not_letters(run, monkeypatch, width, columns):
    # A console takes the width it is given, and measures a terminal only where that is None.
    monkeypatch.setattr("upsampler.console.TABLE_WIDTH", width)
    out = run("compare", SAMPLE, "-m", "bilinear:align_corners", "-m", "area")[1]
    lines = out.splitlines()
    assert max(map(len, lines[:-1])) <= width
    head = next(line for line in lines if "method" in line)
    names = ("time", "PSNR", "SSIM", "mean", "max")
    assert [word for word in names if word in head] == columns.split()
    assert list(rows(out)) == ["bilinear:align_corners", "area"]
    assert ("in a wider terminal: max error" in " ".join(out.split())) == (width < 120)


def test_the_checkerboard_preset(run):
    """Scale 2; kernels with a pattern are told from those without one, by eye and by PSNR."""
    code, out, err = run("compare", SAMPLE, "--preset", "checkerboard", "-m", "nearest")
    assert (code, err) == (0, "")
    assert "192 x 144 -> 384 x 288 pixels" in out
    table = rows(out)
    assert list(table) == [m.name for m in PRESETS["checkerboard"].methods] + ["nearest"]
    scores = {name: cells[0] for name, cells in table.items()}
    psnr = {name: float(cells[2]) for name, cells in table.items()}
    assert scores["bilinear"] == scores["nearest"] == "-"
    spoiled = {"conv_transpose:box:k=3", "conv_transpose:random:k=3", "conv_transpose:random:k=4",
               "pixel_shuffle:random"}  # fmt: skip
    for name in set(table) - {"bilinear", "nearest"}:
        assert (float(scores[name].removeprefix("< ")) > 0.1) == (name in spoiled), name
        assert (psnr[name] < 20) == (name in spoiled), name
    assert scores["conv_transpose:box:k=3"] == "0.484"
    assert scores["conv_transpose:learned"] == "< 0.001"
    assert scores["conv_transpose:box:k=4"] == scores["resize_conv:random"] == "0"
    assert psnr["conv_transpose:learned"] == max(psnr.values())


def test_without_kernels_there_is_no_column_for_their_patterns(run):
    head = run("compare", SAMPLE, "-m", "nearest")[1].splitlines()[2]
    assert "PSNR" in head
    assert "checkerboard" not in head


def test_a_kernel_from_a_file(run):
    module = upsampler.ConvTranspose2d(1, 1, 8, 4, 2, bias=False, init="bilinear")
    module.save("four.npz")
    code, out, _ = run("compare", SAMPLE, "-m", "bilinear", "-m", "transposed:four.npz")
    assert code == 0
    table = rows(out)
    assert list(table) == ["bilinear", "conv_transpose:four.npz"]
    assert table["bilinear"][2:] == table["conv_transpose:four.npz"][2:]


def test_the_crop_on_the_sheet_is_the_option(run):
    """What the legend prints, given back, gives the same sheet."""
    truth = pixels((64, 96, 3))
    comparison = compare(*degrade(Picture(truth), Fraction(2)), [Interpolation("nearest")])
    crops = default_crops(comparison)
    assert {crop.height == crop.width for crop in crops} == {True, False}
    for crop in crops:
        assert _crop(crop.name) == crop
    assert Crop(y=10, x=20, height=30, width=30).name == "20,10,30"
    assert Crop(y=10, x=20, height=6, width=12).name == "20,10,12x6"
    legend = [text for text, *_ in _legend(comparison, "x", crops)]
    for letter, crop in zip("AB", crops, strict=True):
        assert any(line.startswith(f"{letter}: -c {crop.name},") for line in legend)


def test_against_a_ground_truth(run):
    truth = pixels((40, 60, 3))
    write("truth.png", Picture(truth))
    write("small.png", Picture(truth[::2, ::3]))
    code, out, _ = run("compare", "small.png", "--reference", "truth.png", "-m", "nearest")
    assert code == 0
    assert "20 x 20 -> 60 x 40 pixels" in out
    blocks = np.kron(truth[::2, ::3], np.ones((2, 3, 1), np.uint8))
    error = np.abs(blocks.astype(int) - truth)
    assert rows(out)["nearest"][3:] == [f"{error.mean():.4g}", f"{error.max():.4g}"]


def test_equal_to_the_truth(run):
    write("flat.png", Picture(np.full((8, 8), 77, np.uint8)))
    code, out, _ = run("compare", "flat.png", "-m", "nearest")
    assert code == 0
    assert rows(out)["nearest"][1:] == ["inf", "1.0000", "0", "0"]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["no.png"], 1, "no.png: no such file"),
        (["small.png"], 1, "small.png: scale: got 4 for a picture of 3 x 2 pixels"),
        (["gray.png", "-r", "colour.png"], 1, "reference: got channels 3; allowed: 1"),
        (["gray.png", "-c", "0,90,9"], 1, "crop: got rows 90 to 99"),
        (["gray.png", "-c", "0,0,9", "-c", "0,0,9", "-c", "0,0,9"], 1, "crop: got 3 of them"),
        (["gray.png", "-c", "0,0"], 2, "--crop: got '0,0'; allowed: X,Y,SIZE such as"),
        (["gray.png", "-c", "0,0,0"], 1, "crop: got"),
        (["gray.png", "-m", "cubist"], 2, "mode: got 'cubist'"),
        (["gray.png", "-m", "area:align_corners"], 2, "align_corners: got True"),
        (
            ["gray.png", "-m", "nearest", "-m", "conv_transpose:box", "-s", "3/2"],
            1,
            "error: scale: got 1.5; allowed: a whole number for conv_transpose",
        ),
        (["gray.png", "-m", "conv_transpose:no.npz"], 1, "error: no.npz: no such file"),
        (
            ["gray.png", "-m", "conv_transpose:gray.npy"],
            1,
            "error: gray.npy: has kernels for 4 channels, the picture has 1",
        ),
        (["gray.png", "-m", "conv_transpose:bad.npz"], 1, "error: bad.npz: holds no kernel"),
        (["gray.png", "-m", "conv_transpose:cubist"], 2, "method: got 'conv_transpose:cubist'"),
        (["gray.png", "-m", "conv_transpose:box:k=0"], 2, "k: got 0; allowed: 1 to 99"),
        (["gray.png", "--preset", "no"], 2, "'no' is not 'checkerboard'"),
        (["gray.png", "-s", "1"], 1, "gray.png: scale: got 1; allowed: above 1"),
        (["gray.png", "-s", "2", "-r", "gray.png"], 2, "--scale and --reference exclude"),
        (["gray.png", "-o", "x.jpg"], 2, "--output: got 'x.jpg'; allowed: a name that ends in"),
        (["gray.png", "-o", "no/x.png"], 1, "no/x.png: there is no folder"),
    ],
)
def test_errors(run, tmp_path, args, code, message):
    write("small.png", Picture(pixels((2, 3))))
    write("gray.png", Picture(pixels((20, 30))))
    write("colour.png", Picture(pixels((20, 30, 3))))
    (tmp_path / "bad.npz").write_bytes(b"PK and so on")
    np.save("gray.npy", pixels((4, 1, 3, 3), "float32"))
    before = sorted(p.name for p in tmp_path.iterdir())
    got, out, err = run("compare", *args)
    assert (got, out) == (code, "")
    assert err.count("\n") == 1
    assert message in err
    assert sorted(p.name for p in tmp_path.iterdir()) == before


# --- view ----------------------------------------------------------------------------------------


def test_without_a_window_the_sheet_is_written(run, no_window):
    code, out, err = run("view")
    assert code == 0
    assert err.splitlines() == [
        "upsampler: note: no viewer: there is no display",
        "upsampler: note: writing the contact sheet of the built-in photograph instead",
    ]
    assert "contact sheet: upsampler-sheet.png" in out
    assert read("upsampler-sheet.png").pixels.ndim == 3


def test_without_a_window_the_sheet_is_of_the_file_given(run, no_window):
    write("photo.png", Picture(pixels((40, 50, 3))))
    code, out, err = run("view", "photo.png")
    assert code == 0
    assert "contact sheet of photo.png instead" in err
    assert "12 x 10 -> 48 x 40 pixels" in out


def test_without_a_window_a_bad_file_is_an_error(run, no_window, tmp_path):
    code, _, err = run("view", "no.png")
    assert code == 1
    assert err.splitlines()[-1] == "upsampler: error: no.png: no such file"
    assert not list(tmp_path.iterdir())


def test_the_viewer_is_opened_with_the_files(run, viewer):
    assert run("view", "a.png", "b.png") == (7, "", "")
    assert run("view") == (7, "", "")
    assert viewer.opened == [["a.png", "b.png"], []]


def test_without_the_package_of_the_viewer(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "upsampler_gui", None)
    monkeypatch.delitem(sys.modules, "upsampler_gui.app", raising=False)
    code, out, err = run("view")
    assert code == 0
    assert err.startswith(
        "upsampler: note: no viewer: the package upsampler_gui cannot be imported"
    )
    assert "contact sheet: upsampler-sheet.png" in out
    known = json.loads(run("info", "--json")[1])["viewer"]
    assert known["available"] is False
    assert "upsampler_gui cannot be imported" in known["reason"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays of X11")
@pytest.mark.parametrize("display", [None, ":987"])
def test_no_display_and_a_dead_one_are_told_and_not_died_of(tmp_path, display):
    environment = dict(os.environ)
    for name in ("WAYLAND_DISPLAY", "DISPLAY", "QT_QPA_PLATFORM"):
        environment.pop(name, None)
    if display:
        environment["DISPLAY"] = display
    done = subprocess.run(
        [sys.executable, "-m", "upsampler", "view"],
        capture_output=True, text=True, timeout=120, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("upsampler: note: no viewer: ")
    assert done.stderr.count("\n") == 2
    assert (tmp_path / "upsampler-sheet.png").exists()
