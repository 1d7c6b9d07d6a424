"""The pictures of assets/: drawn by the script, and what they are for."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from upsampler.charts import CHARTS, SAMPLE, chart, checkerboard, gradients, text, zone_plate
from upsampler.images import read

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def drawn():
    spec = importlib.util.spec_from_file_location("make_charts", ROOT / "assets/make_charts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pictures()


def test_the_files_are_what_the_script_draws(drawn):
    for name, expected in drawn.items():
        found = read(ROOT / name).pixels
        assert found.shape == expected.shape
        difference = np.abs(found.astype(int) - expected)
        # Elementary functions may differ by an ulp, letters by Pillow's release.
        same = 0.85 if name in ("assets/text.png", "assets/chart.png") else 0.999
        assert (difference <= 1).mean() >= same, name


def test_the_picture_of_the_viewer_is_what_its_script_makes(tmp_path):
    """Letters and the name of the processor may differ, the pictures in the panes do not."""
    path = tmp_path / "viewer.png"
    subprocess.run([sys.executable, "-m", "assets.make_viewer", str(path)], cwd=ROOT, check=True)
    made, kept = (read(p).pixels.astype(int) for p in (path, ROOT / "assets/viewer.png"))
    assert made.shape == kept.shape
    assert (np.abs(made - kept) <= 2).mean() > 0.9


def test_the_files_are_small():
    for path in [*(ROOT / "assets").iterdir(), SAMPLE]:
        assert path.stat().st_size < 300_000


def test_the_sample_is_a_colour_picture_with_detail():
    picture = read(SAMPLE)
    assert picture.pixels.shape == (288, 384, 3)
    assert not picture.alpha
    gray = picture.pixels.astype(float)
    assert np.abs(np.diff(gray, axis=1)).mean() > 4  # detail
    assert np.abs(gray[..., 0] - gray[..., 2]).mean() > 10  # colour


@pytest.mark.parametrize("size", [(48, 72), (97, 131), (320, 480)])
def test_the_chart_has_every_part(size):
    picture = chart(size)
    assert picture.shape == (*size, 3)
    assert picture.dtype == np.uint8
    height, width = size
    for i in range(2):
        for j in range(3):
            part = picture[i * height // 2 : (i + 1) * height // 2,
                           j * width // 3 : (j + 1) * width // 3]  # fmt: skip
            assert part.std() > 20


def test_the_chart_is_the_same_every_time():
    np.testing.assert_array_equal(chart(), chart())


@pytest.mark.parametrize("size", [(47, 200), (200, 71), (0, 0), (-1, 90)])
def test_charts_too_small_to_show_anything(size):
    with pytest.raises(ValueError, match=r"size: got \(.*\); allowed: \(48, 72\) and larger"):
        chart(size)


@pytest.mark.parametrize("draw", CHARTS.values())
@pytest.mark.parametrize("size", [(24, 24), (61, 37), (37, 61)])
def test_every_chart_is_of_the_size_asked_for(draw, size):
    picture = draw(*size)
    assert picture.shape == (*size, 3)
    assert picture.dtype == np.uint8


def test_zone_plate_reaches_nyquist_at_its_edge():
    """Along the middle row the frequency grows linearly, to half a cycle a pixel."""
    row = zone_plate(201, 201)[100, :, 0].astype(float) - 127.5
    x = np.arange(201) - 100
    np.testing.assert_allclose(row, 107.5 * np.cos(np.pi * x**2 / 201), atol=0.51)
    turns = np.count_nonzero(np.diff(np.sign(row[190:])))
    assert turns >= 9  # nearly every pixel


def test_checkerboard_by_hand():
    board = checkerboard(32, 48)[..., 0]
    assert set(np.unique(board)) == {20, 236}
    assert board[0, :4].tolist() == [236, 20, 236, 20]
    assert board[:4, 0].tolist() == [236, 20, 236, 20]
    assert board[0, 16:24].tolist() == [236, 236, 20, 20] * 2
    assert board[0, 32:40].tolist() == [236] * 4 + [20] * 4
    assert np.count_nonzero(board[16:, 16:32] == 20) == 4  # single dots, 8 pixels apart


def test_gradients_rise_evenly():
    picture = gradients(50, 256).astype(int)
    np.testing.assert_array_equal(picture[5, :, 0], np.arange(256))
    for strip, channel in ((15, 0), (25, 1), (35, 2)):
        np.testing.assert_array_equal(picture[strip, :, channel], np.arange(256))
        assert picture[strip].sum() == np.arange(256).sum()
    hues = picture[45]
    assert (hues.max(1) >= 250).all()
    assert (hues.min(1) <= 5).all()


def test_slanted_edge_turns_by_five_degrees():
    """Where the left side of the dark square lies, row by row: tan(5 degrees) apart.

    The columns end where the bar begins.
    """
    picture = CHARTS["slanted_edges"](200, 200)[..., 0].astype(float)
    rows = np.arange(100, 130)
    ink = (236 - picture[rows, :80]) / (236 - 40)
    edge = 80 - ink.sum(1)
    slope = np.polyfit(rows, edge, 1)[0]
    assert abs(abs(slope) - np.tan(np.deg2rad(5))) < 0.004


def test_siemens_star_has_36_spokes():
    star = CHARTS["siemens_star"](300, 300)[..., 0]
    angle = np.deg2rad(np.arange(0, 360, 0.1))
    ring = star[
        np.rint(149.5 + 120 * np.sin(angle)).astype(int),
        np.rint(149.5 + 120 * np.cos(angle)).astype(int),
    ]
    dark = ring < 128
    assert np.count_nonzero(dark != np.roll(dark, 1)) == 72


@pytest.mark.parametrize("size", [(192, 192), (160, 160), (80, 80), (120, 300), (300, 120)])
def test_no_letter_of_the_text_is_cut(size):
    """The margins on both sides stay one colour in every row."""
    drawn = text(*size)
    margin = max(1, round(size[1] * 0.03))
    assert (drawn[:, -margin:] == drawn[:, -1:]).all()
    assert (drawn[:, -1] == drawn[:, 0]).all()
