"""Exposure and gamma, as formulas."""

import numpy as np
import pytest
from upsampler_gui.settings import PLAIN, Tone
from upsampler_gui.source import source
from upsampler_gui.toning import scale_of, table_of

from upsampler.images import Picture


def test_the_plain_tone_needs_no_table():
    for dtype in ("uint8", "uint16", "float32", "float64"):
        assert table_of(PLAIN, np.dtype(dtype)) is None
    assert scale_of(PLAIN, 0, 1) == 1
    assert scale_of(PLAIN, -2, 2) == 0.25
    assert scale_of(PLAIN, 3, 3) == 1


@pytest.mark.parametrize(("exposure", "gamma"), [(1, 1), (-2, 1), (0, 2.2), (3, 0.5)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_integers_by_value(dtype, exposure, gamma):
    top = np.iinfo(dtype).max
    values = np.arange(0, top + 1, 17)
    light = np.minimum(values / top * 2.0**exposure, 1)
    wanted = np.floor(light ** (1 / gamma) * 255 + 0.5)
    table = table_of(Tone(exposure, gamma), np.dtype(dtype))
    np.testing.assert_array_equal(table[values], wanted)


def test_of_floats_the_exposure_is_part_of_the_scale():
    assert table_of(Tone(2, 1), np.dtype("float32")) is None
    assert scale_of(Tone(2, 1), 0, 8) == 0.5
    table = table_of(Tone(2, 2), np.dtype("float32"))
    assert table[len(table) // 4] == round(255 * 0.25**0.5)


@pytest.mark.parametrize(
    ("pixels", "black", "white", "told"),
    [
        (np.array([[0, 255]], np.uint8), 0, 255, False),
        (np.array([[5, 300]], np.uint16), 0, 65535, False),
        (np.array([[-5, 30]], np.int32), -30, 30, True),
        (np.array([[5, 30]], np.int64), 5, 30, True),
        (np.array([[0.0, 0.7]]), 0, 1, False),
        (np.array([[0.5, 12.0]], np.float32), 0.5, 12, True),
        (np.array([[-0.25, 3.0, np.nan]]), -3, 3, True),
        (np.array([[np.nan, np.inf]]), 0, 1, False),
        (np.full((2, 3), 7.0), 7, 8, True),
    ],
)
def test_what_is_black_and_white(pixels, black, white, told):
    """Fixed for 8 and 16 bits and for floats in 0..1; zero in the middle where data are signed."""
    opened = source(Picture(pixels), "array")
    assert (opened.black, opened.white) == (black, white)
    assert any("as black to" in note for note in opened.notes) == told
