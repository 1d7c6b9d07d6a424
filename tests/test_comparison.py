"""Degrading and restoring, and the contact sheet: its crops are the methods' pixels."""

import re
from fractions import Fraction

import numpy as np
import pytest
import scipy.ndimage

import upsampler
from upsampler.charts import SAMPLE, chart
from upsampler.comparison import compare, degrade, moved
from upsampler.crops import Crop, detail, detailed_crop, outer_crop
from upsampler.display import display_range, to_rgb
from upsampler.images import read
from upsampler.methods import DEFAULT_METHODS, Interpolation, parse
from upsampler.metrics import psnr
from upsampler.picture import Picture
from upsampler.sheet import (
    SMALLEST,
    _card,
    _legend,
    _texts,
    contact_sheet,
    default_crops,
    fitted,
    font,
    milliseconds,
)

from .picture_files import pixels

_ALIGNED = Interpolation("bilinear", align_corners=True)


@pytest.fixture(scope="module")
def photograph():
    return compare(*degrade(read(SAMPLE), Fraction(4)), degraded=True)


# --- methods -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("nearest", Interpolation("nearest")),
        ("bilinear:align_corners", _ALIGNED),
        (" bicubic:antialias ", Interpolation("bicubic", antialias=True)),
        ("bicubic:align_corners:antialias", Interpolation("bicubic", True, True)),
    ],
)
def test_methods_have_names(text, method):
    assert parse(text) == method
    assert parse(method.name) == method


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cubist", "mode: got 'cubist'"),
        ("", "mode: got ''"),
        ("bilinear:sharp", "method: got 'bilinear:sharp'"),
        ("bilinear:", "method: got 'bilinear:'"),
        ("area:align_corners", "align_corners: got True with mode 'area'"),
        ("nearest:antialias", "antialias: got True with mode 'nearest'"),
        ("trilinear", "mode: got 'trilinear'"),
    ],
)
def test_bad_methods(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


# --- degrade and restore -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "cropped", "small"),
    [("4", (12, 20), (3, 5)), ("3", (12, 21), (4, 7)), ("3/2", (12, 21), (8, 14)),
     ("5/4", (10, 20), (8, 16))],
)  # fmt: skip
def test_degrading_crops_to_a_multiple(scale, cropped, small):
    array = pixels((13, 22, 3))
    truth, made = degrade(Picture(array), Fraction(scale))
    np.testing.assert_array_equal(truth.pixels, array[: cropped[0], : cropped[1]])
    assert made.pixels.shape == (*small, 3)


def test_degrading_is_average_pooling():
    array = pixels((13, 22, 3))
    truth, made = degrade(Picture(array), Fraction(4))
    pooled = upsampler.avg_pool2d(truth.pixels, 4, layout="HWC")
    np.testing.assert_array_equal(made.pixels, pooled)


@pytest.mark.parametrize("scale", ["1", "1/2"])
def test_degrading_wants_a_scale_above_one(scale):
    with pytest.raises(ValueError, match=f"scale: got {scale}; allowed: above 1"):
        degrade(Picture(pixels((9, 9))), Fraction(scale))


def test_degrading_wants_enough_pixels():
    with pytest.raises(ValueError, match=r"scale: got 4 for a picture of 9 x 3 pixels"):
        degrade(Picture(pixels((3, 9))), Fraction(4))


def test_outcomes_are_what_the_methods_make(photograph):
    assert [o.method for o in photograph.outcomes] == list(DEFAULT_METHODS)
    assert photograph.scale == (4, 4)
    for outcome in photograph.outcomes:
        expected = upsampler.interpolate(
            photograph.small.pixels,
            size=photograph.truth.pixels.shape[:2],
            mode=outcome.method.mode,
            align_corners=outcome.method.align_corners,
            layout="HWC",
        )
        np.testing.assert_array_equal(outcome.picture.pixels, expected)
        assert outcome.metrics.psnr == psnr(photograph.truth.pixels, expected)
        assert 0 < outcome.seconds < 60


def test_a_photograph_ranks_the_methods(photograph):
    by_name = {o.method.name: o.metrics.psnr for o in photograph.outcomes}
    assert by_name["bicubic"] > by_name["bilinear"] > by_name["nearest"]
    assert by_name["bilinear"] > by_name["bilinear:align_corners"] + 0.5


def test_progress_tells_every_method():
    seen = []
    truth, small = degrade(Picture(pixels((8, 8))), Fraction(2))
    compare(
        truth,
        small,
        [Interpolation("nearest"), Interpolation("area")],
        progress=lambda *a: seen.append(a),
    )
    assert seen == [("nearest", 0, 2), ("area", 1, 2), ("", 2, 2)]


@pytest.mark.parametrize(
    ("truth", "small", "message"),
    [
        (Picture(pixels((4, 4, 3))), Picture(pixels((2, 2))), "got channels 3; allowed: 1"),
        (Picture(pixels((4, 4))), Picture(pixels((2, 2), "uint16")), "got dtype uint8; allowed"),
        (Picture(pixels((4, 4, 4)), True), Picture(pixels((2, 2, 4))), "got alpha True; allowed"),
    ],
)
def test_pictures_that_do_not_belong_together(truth, small, message):
    with pytest.raises(ValueError, match=message):
        compare(truth, small)


@pytest.mark.parametrize("place", [0, 3, 11, 22, 39])
@pytest.mark.parametrize("mode", ["bilinear", "bilinear:antialias"])
def test_the_move_of_align_corners_is_where_features_go(mode, place):
    """An edge between two input pixels, found again by where the result crosses half."""
    n, m = 10, 40
    step = np.zeros((1, n))
    cell = min(max((place + 2) // 4, 1), n - 1)
    step[0, cell:] = 1.0
    methods = [parse(mode), parse(f"{mode}:align_corners")]
    comparison = compare(Picture(np.zeros((4, m))), Picture(step), methods)

    def crossing(outcome):
        return float(np.interp(0.5, outcome.picture.pixels[0], np.arange(m)))

    plain, aligned = (crossing(o) for o in comparison.outcomes)
    dy, dx = moved(methods[1], comparison, 0, plain)
    # The triangle of antialias keeps its width where the step changes: hence a little less.
    assert dx == pytest.approx(aligned - plain, abs=1e-9 if mode == "bilinear" else 0.02)
    assert abs(dx) < 3.2
    assert dy == 0  # one row: nothing to move
    assert moved(methods[0], comparison, 0, plain) == (0, 0)


# --- crops ---------------------------------------------------------------------------------------


def test_the_detailed_crop_finds_detail():
    gray = np.full((60, 90), 0.5)
    gray[30:42, 55:67] = np.indices((12, 12)).sum(0) % 2
    crop = detailed_crop(detail(gray), 12)
    assert abs(crop.y - 30) <= 1
    assert abs(crop.x - 55) <= 1
    assert (crop.height, crop.width) == (12, 12)


def test_the_outer_crop_is_at_an_edge_that_faces_outwards():
    gray = np.zeros((80, 120))
    gray[:, 60:] = 50  # a stronger edge in the middle, where nothing moves
    gray[:, 12:] += 20  # near the left border, across the move
    crop = outer_crop(gray, 12, 24)
    assert crop.x <= 11.5 <= crop.x + 23
    assert abs(crop.centre[1] - 11.5) <= 4


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2), (7, 200), (40, 5)])
def test_crops_of_tiny_and_thin_pictures_lie_inside(shape):
    gray = pixels(shape).astype(float)
    for crop in (detailed_crop(detail(gray), 24), outer_crop(gray, 12, 24)):
        assert crop.of(gray).shape == (crop.height, crop.width)
        assert crop.y + crop.height <= shape[0]
        assert crop.x + crop.width <= shape[1]


# --- the sheet -----------------------------------------------------------------------------------


def occurrences(sheet, block):
    """Where the exact `block` stands in the sheet."""
    first = (sheet[: -block.shape[0] + 1, : -block.shape[1] + 1] == block[0, 0]).all(axis=2)
    return [
        (y, x)
        for y, x in np.argwhere(first)
        if np.array_equal(sheet[y : y + block.shape[0], x : x + block.shape[1]], block)
    ]


def test_every_crop_stands_in_the_sheet_exactly(photograph):
    crops = (Crop(100, 120, 36, 36), Crop(3, 5, 6, 12))
    sheet = contact_sheet(photograph, "sample.png", crops)
    places = []
    for picture in (photograph.truth, *(o.picture for o in photograph.outcomes)):
        block = np.kron(crops[0].of(picture.pixels), np.ones((8, 8, 1), np.uint8))
        found = occurrences(sheet, block)
        assert found
        places += found
        # The cross-hair leaves the four quarters of the second crop untouched.
        quarter = Crop(3, 5, 3, 6).of(picture.pixels)
        assert occurrences(sheet, np.kron(quarter, np.ones((24, 24, 1), np.uint8)))
    assert len({y for y, _ in places}) == 2  # two rows of cards, aligned


def test_blocky_smooth_and_shifted_as_the_sheet_shall_show(photograph):
    """What a person is to see in the crops, in numbers."""
    _, outer = default_crops(photograph)
    parts = {
        o.method.name: outer.of(o.picture.pixels).astype(float).mean(2) for o in photograph.outcomes
    }
    # Nearest: steps between cells of 4 pixels, none inside; bilinear: no step as large.
    steps = np.abs(np.diff(parts["nearest"], axis=1))
    borders = (np.arange(outer.x, outer.x + outer.width - 1) + 1) % 4 == 0
    assert not steps[:, ~borders].any()
    assert np.abs(np.diff(parts["bilinear"], axis=1)).max() < steps.max() / 2
    # align_corners: bilinear, moved by what `moved` says, fits far better than unmoved.
    move = moved(_ALIGNED, photograph, *outer.centre)
    assert max(np.abs(move)) > 1
    bilinear = next(o for o in photograph.outcomes if o.method == Interpolation("bilinear"))
    shifted = scipy.ndimage.shift(
        bilinear.picture.pixels.astype(float).mean(2), move, order=1, mode="nearest"
    )
    aligned = parts["bilinear:align_corners"]
    unmoved = np.abs(aligned - parts["bilinear"]).mean()
    assert np.abs(aligned - outer.of(shifted)).mean() < unmoved / 3


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32"])
def test_sheets_of_every_kind_of_picture(dtype, channels):
    shape = (40, 52) if channels == 1 else (40, 52, channels)
    picture = Picture(pixels(shape, dtype), alpha=channels in (2, 4))
    sheet = contact_sheet(compare(*degrade(picture, Fraction(2)), degraded=True), "x")
    assert sheet.dtype == np.uint8
    assert sheet.shape[2] == 3
    assert len(np.unique(sheet.astype(int) @ [1, 256, 65536])) > 100


@pytest.mark.parametrize("shape", [(2, 2), (2, 300), (300, 2), (5, 7, 3)])
def test_sheets_of_tiny_and_thin_pictures(shape):
    comparison = compare(*degrade(Picture(pixels(shape)), Fraction(2)))
    assert contact_sheet(comparison, "x").shape[1] >= 760


def test_sheets_of_few_methods_and_long_names():
    truth, small = degrade(Picture(chart()), Fraction(2))
    sheet = contact_sheet(compare(truth, small, [Interpolation("nearest")]), "n" * 500)
    assert sheet.shape[1] < 1500


def test_labels_are_dark_on_light_and_large_enough(photograph):
    sheet = contact_sheet(photograph, "sample.png").astype(int)
    paper = sheet[2, 2]
    assert paper.min() > 240
    title = sheet[26:60, 440:800].sum(2)  # the headline
    assert title.min() < 150
    dark = np.flatnonzero((title < 300).any(1))
    assert dark[-1] - dark[0] >= 16  # letters of at least 16 pixels


def test_remarks_and_labels_fit():
    """The score of a kernel is told; no text is wider than the crops, however long its name."""
    truth, small = degrade(Picture(pixels((40, 52))), Fraction(2))
    methods = [parse("conv_transpose:random:k=3:seed=1234"), parse("pixel_shuffle:icnr")]
    comparison = compare(truth, small, [*methods, _ALIGNED, parse("bilinear")])
    crops = [Crop(0, 0, 36, 36)]
    cards = [_card(comparison, crops, *of_card) for of_card in _texts(comparison)]
    remarks = [card.lines[2][0] for card in cards]
    first, aligned = comparison.outcomes[0], moved(_ALIGNED, comparison, 17.5, 17.5)
    assert first.score > 0.1
    assert remarks == [
        "", "", f"checkerboard {first.score:.3f}", "checkerboard 0",
        f"A moved by {aligned[1]:+.2f} across, {aligned[0]:+.2f} down", "",
    ]  # fmt: skip
    for card in cards:
        for text, points, _ in card.lines:
            assert font(points).getlength(text) <= card.image.shape[1]
    assert cards[2].lines[0][0] == "conv transpose  random  k=3  seed=1234"
    assert SMALLEST <= cards[2].lines[0][1] < cards[3].lines[0][1] == 21
    text, points = fitted("a" * 500 + "z" * 500, 200, 21)
    assert re.fullmatch("a+[.]{3}z+", text)
    assert font(points).getlength(text) <= 200


@pytest.mark.parametrize(
    ("crops", "message"),
    [
        ([], "crop: got 0 of them; allowed: one or two"),
        ([Crop(0, 0, 9, 9)] * 3, "crop: got 3 of them"),
        ([Crop(280, 0, 9, 9)], "rows 280 to 289 and columns 0 to 9"),
        ([Crop(-1, 0, 9, 9)], "no negative places"),
        ([Crop(0, 0, 0, 9)], "sizes of at least 1"),
    ],
)
def test_bad_crops(photograph, crops, message):
    with pytest.raises(ValueError, match=message):
        contact_sheet(photograph, "x", crops)


def test_shown_colours():
    deep = Picture(np.array([[0, 257, 65535, 32896]], np.uint16))
    assert to_rgb(deep, display_range(deep))[0, :, 0].tolist() == [0, 1, 255, 128]
    floats = Picture(np.array([[0.0, 0.5, 1.0, 2.0, np.nan]], np.float32))
    unit = Picture(np.array([[0.0, 1.0]], np.float32))
    assert to_rgb(floats, display_range(unit))[0, :, 1].tolist() == [0, 128, 255, 255, 0]
    wide = Picture(np.array([[-100, 100]], np.int32))
    assert to_rgb(wide, display_range(wide))[0, :, 2].tolist() == [0, 255]
    flat = Picture(np.full((3, 3), 7.0))
    assert display_range(flat) == (7.0, 8.0)
    clear = Picture(np.array([[[255, 0, 0, 0], [255, 0, 0, 255]]], np.uint8), alpha=True)
    assert to_rgb(clear, display_range(clear))[0].tolist() == [[160, 160, 160], [255, 0, 0]]


@pytest.mark.parametrize("scale", [1.0, 0.01, 300.0])
def test_a_wild_value_does_not_dim_the_others(scale):
    """Two samples of 3072 far outside: shown in the range of the others, and told."""
    values = pixels((32, 32, 3), "float32") * np.float32(scale)
    low, high = float(values.min()), float(values.max())
    values[5, 5] = [-3 * scale, 7 * scale, 0.5 * scale]
    black, white = display_range(Picture(values))
    if scale <= 1:
        assert (black, white) == (0, 1)
    else:
        assert low <= black < white <= high
        assert white - black > 0.95 * (high - low)
    comparison = compare(*degrade(Picture(values), Fraction(2)), [Interpolation("nearest")])
    legend = [text for text, *_ in _legend(comparison, "x", default_crops(comparison))]
    told = f"Shown: {black:.4g} as black to {white:.4g} as white; values beyond are cut off."
    assert told in legend


def test_the_outer_crop_of_an_icon_shows_the_icon():
    """Nothing but clear pixels near the border: neither crop may lie there."""
    y, x = np.indices((64, 64)) - 31.5
    icon = np.zeros((64, 64, 4), np.uint8)
    icon[np.hypot(y, x) < 14] = (220, 60, 20, 255)
    comparison = compare(
        *degrade(Picture(icon, alpha=True), Fraction(2)), [Interpolation("nearest")]
    )
    for crop in default_crops(comparison):
        opacity = crop.of(icon)[..., 3]
        assert opacity.any()
        assert not opacity.all()


def test_crops_of_large_pictures_are_found_in_every_nth_pixel():
    picture = np.full((1500, 2100, 3), 128, np.uint8)
    picture[1000:1160, 1200:1440] = chart((160, 240))
    picture[300:420, 2000:] = 0
    comparison = compare(*degrade(Picture(picture), Fraction(4)), [Interpolation("nearest")])
    inner, outer = default_crops(comparison)
    assert (inner.height, inner.width) == (72, 72)
    assert 1000 <= inner.centre[0] <= 1160
    assert 1200 <= inner.centre[1] <= 1440
    assert (outer.height, outer.width) == (12, 24)
    assert abs(outer.centre[1] - 2000) < 12
    assert contact_sheet(comparison, "large").shape[1] < 1500


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.000123, "0.12 ms"), (0.01234, "12.3 ms"), (1.5, "1500 ms")]
)
def test_durations(seconds, text):
    assert milliseconds(seconds) == text
