"""The loops that make screen pixels and averages, against NumPy, on any strides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from upsampler_gui._pack import average, pack, paint

from .drive import noise

DTYPES = ["uint8", "uint16", "float32", "float64"]
MAGENTA = 0xFFFF00FF
GROUNDS = (0.30, 0.42)  # dark and light squares, of 8 pixels


def packed(src, rows, cols, alpha=False, outside=0xFF123456):
    rows, cols = np.asarray(rows, np.int64), np.asarray(cols, np.int64)
    out = np.zeros((rows.size, cols.size), np.uint32)
    pack(src, rows, cols, out, outside, alpha)
    return out


def levels(values):
    """uint32 levels of an array of one of the four types, rounded to nearest."""
    if values.dtype == np.uint8:
        return values.astype(np.uint32)
    if values.dtype == np.uint16:
        return np.rint(values / 257.0).astype(np.uint32)
    return np.floor(np.clip(values.astype(np.float64), 0, 1) * 255 + 0.5).astype(np.uint32)


def joined(level):
    return 0xFF000000 | level[..., 0] << 16 | level[..., 1] << 8 | level[..., 2]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
@given(data=st.data())
def test_pixels_are_gathered_and_rounded(dtype, channels, data):
    src = noise(5, 7, channels, dtype)
    rows = data.draw(st.lists(st.integers(-1, 4), max_size=12))
    cols = data.draw(st.lists(st.integers(-1, 6), max_size=12))
    level = levels(src)
    level = level[..., :3] if channels >= 3 else np.repeat(level[..., :1], 3, 2)
    r, c = np.array(rows, int), np.array(cols, int)
    inside = (r >= 0)[:, None] & (c >= 0)
    wanted = np.where(inside, joined(level)[r][:, c], 0xFF123456)
    np.testing.assert_array_equal(packed(src, rows, cols), wanted)


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_strides_and_read_only(dtype):
    base = noise(12, 16, 3, dtype)
    rows, cols = np.arange(-1, 4).repeat(3), np.arange(-1, 5).repeat(2)
    for view in (
        base[::-3, ::-3],
        base[1:9:2, 3:8],
        base.transpose(1, 0, 2)[:4, :5],
        base[..., ::-1],
    ):
        copy = np.ascontiguousarray(view)
        view = view[:]
        view.flags.writeable = False
        np.testing.assert_array_equal(packed(view, rows, cols), packed(copy, rows, cols))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_beyond_the_range_and_not_numbers(dtype):
    values = [np.nan, -np.inf, np.inf, -0.5, 0.5, 1.5, 0.0, 1.0]
    gray = np.array(values, dtype).reshape(1, 8, 1)
    wanted = [MAGENTA, *(0xFF000000 | v * 0x010101 for v in (0, 255, 0, 128, 255, 0, 255))]
    assert packed(gray, [0], range(8)).tolist() == [wanted]
    colour = np.zeros((1, 3, 3), dtype)
    colour[0, [0, 1, 2], [0, 1, 2]] = np.nan
    assert packed(colour, [0], range(3)).tolist() == [[MAGENTA] * 3]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [2, 4])
def test_opacity_lets_a_checkerboard_through(dtype, channels):
    src = noise(3, 4, channels, dtype)
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    src[..., :-1] = np.minimum(src[..., :-1], src[..., -1:])  # premultiplied
    src[0, 0] = 0
    src[1, 1] = top
    rows, cols = np.arange(3).repeat(9), np.arange(4).repeat(11)
    unit = src[rows][:, cols].astype(np.float64) / top
    squares = (np.arange(rows.size)[:, None] // 8 + np.arange(cols.size) // 8) % 2
    ground = np.take(GROUNDS, squares)[..., None]
    colour = unit[..., :3] if channels == 4 else np.repeat(unit[..., :1], 3, 2)
    wanted = joined(levels(colour + (1 - unit[..., -1:]) * ground))
    np.testing.assert_array_equal(packed(src, rows, cols, True), wanted)
    src[2, 3, -1:] = 0
    if np.dtype(dtype).kind == "f":
        src[2, 3, 0] = np.nan
        assert packed(src, [2], [3], True) == MAGENTA
        src[2, 3] = 0, *[0] * (channels - 2), np.nan
        assert packed(src, [2], [3], True) == MAGENTA


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [0, 5]}, "index beyond src of shape .5, 7."),
        ({"rows": [-2]}, "index beyond"),
        ({"cols": [7]}, "index beyond"),
        ({"cols": [2**62]}, "index beyond"),
        ({"alpha": True, "src": noise(5, 7, 1)}, "src: got 1 channels; allowed: 2 and more"),
        ({"src": noise(5, 7, 0)}, "src: got 0 channels"),
        ({"src": noise(0, 7)}, "index beyond"),
    ],
)
def test_no_index_leaves_the_source(change, message):
    arguments = {"src": noise(5, 7), "rows": [0, 1], "cols": [0, 1], **change}
    with pytest.raises(ValueError, match=message):
        packed(**arguments)


def test_the_target_has_to_fit():
    rows = np.zeros(3, np.int64)
    with pytest.raises(ValueError, match=r"out: got shape \(2, 3\); allowed: \(3, 3\)"):
        pack(noise(5, 7), rows, rows, np.zeros((2, 3), np.uint32), 0, False)
    with pytest.raises(ValueError, match=r"out: got shape \(3, 3, 3\); allowed: \(2, 2, 3\)"):
        average(noise(5, 7), rows, rows, np.zeros((3, 3, 3), np.uint8))


def test_empty_targets():
    assert packed(noise(5, 7), [], [0]).shape == (0, 1)
    assert packed(noise(5, 7), [0], []).shape == (1, 0)
    assert packed(noise(0, 0), [-1], [-1]).tolist() == [[0xFF123456]]


EDGES = st.lists(st.integers(0, 11), min_size=1, unique=True).map(sorted)


@pytest.mark.parametrize("dtype", DTYPES)
@given(rows=EDGES, cols=EDGES, channels=st.integers(1, 4))
def test_averages(dtype, rows, cols, channels):
    src = noise(11, 11, channels, dtype)[:, ::-1]
    out = np.zeros((len(rows) - 1, len(cols) - 1, channels), dtype)
    average(src, np.array(rows, np.int64), np.array(cols, np.int64), out)
    for i in range(len(rows) - 1):
        for j in range(len(cols) - 1):
            box = src[rows[i] : rows[i + 1], cols[j] : cols[j + 1]].astype(np.float64)
            mean = box.mean((0, 1))
            if np.dtype(dtype).kind == "u":
                # Ties go up; a mean within a rounding of a tie may go either way.
                assert (np.abs(out[i, j] - mean) <= 0.5 + 1e-9).all()
            else:
                np.testing.assert_allclose(
                    out[i, j], mean, rtol=1e-6 if dtype == "float32" else 1e-13
                )


@pytest.mark.parametrize("edges", [[0, 12], [-1, 3], [3, 3], [4, 2, 6], []])
def test_edges_have_to_increase_within_the_source(edges):
    good = np.array([0, 5], np.int64)
    edges = np.array(edges, np.int64)
    out = np.zeros((max(edges.size - 1, 0), 1, 3), np.uint8)
    message = "edges that do not increase|out: got shape"
    with pytest.raises(ValueError, match=message):
        average(noise(11, 11), edges, good, out)
    with pytest.raises(ValueError, match=message):
        average(noise(11, 11), good, edges, out.transpose(1, 0, 2).copy())


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_integers_are_looked_up(dtype):
    src = noise(5, 7, 3, dtype)
    table = np.random.default_rng(2).integers(0, 256, np.iinfo(dtype).max + 1).astype(np.uint8)
    rows, cols = np.arange(5), np.arange(7)
    out = np.zeros((5, 7), np.uint32)
    pack(src, rows, cols, out, 0, False, table=table)
    np.testing.assert_array_equal(out, joined(table[src].astype(np.uint32)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_moved_scaled_and_looked_up(dtype):
    src = np.array([-3, -2, -1.99, 0, 1, 2, 2.01, 9, np.inf, -np.inf, np.nan], dtype)
    src = src.reshape(1, -1, 1)
    out = np.zeros((1, 11), np.uint32)
    places = np.zeros(1, np.int64), np.arange(11)
    pack(src, *places, out, 0, False, low=-2, scale=0.25)
    with np.errstate(invalid="ignore"):
        level = levels((src[..., 0].astype(np.float64) + 2) / 4)[:, :10]
    np.testing.assert_array_equal(out[:, :10], 0xFF000000 | level * 0x010101)
    assert out[0, 10] == MAGENTA
    table = np.arange(101, dtype=np.uint8)
    pack(src, *places, out, 0, False, low=-2, scale=0.25, table=table)
    x = np.clip((src[0, :10, 0].astype(np.float64) + 2) / 4, 0, 1)
    np.testing.assert_array_equal(out[0, :10] & 255, np.floor(x * 100 + 0.5))
    assert out[0, 10] == MAGENTA


def test_a_table_has_an_entry_for_every_value():
    places = np.zeros(1, np.int64), np.zeros(1, np.int64)
    for dtype, least in (("uint8", 256), ("uint16", 65536), ("float32", 2)):
        short = np.zeros(least - 1, np.uint8)
        with pytest.raises(ValueError, match=f"table: got {least - 1} entries; allowed: at least"):
            pack(noise(1, 1, 1, dtype), *places, np.zeros((1, 1), np.uint32), 0, False, 0, 1, short)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_painting_by_colours(dtype):
    src = np.array([[-9, -1, -0.5, 0, 0.5, 1, 9, np.nan, np.inf, -np.inf]], dtype)[:, ::-1]
    colours = np.array([10, 20, 30, 40, 50], np.uint32)
    out = np.zeros((3, 11), np.uint32)
    rows, cols = np.array([0, 0, -1]), np.array([*range(10), -1])
    paint(src, colours, -1.0, 1.0, rows, cols, out, 7)
    wanted = [10, 50, MAGENTA, 50, 50, 40, 30, 20, 10, 10, 7]
    assert out.tolist() == [wanted, wanted, [7] * 11]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [5]}, "index beyond src"),
        ({"cols": [-2]}, "index beyond src"),
        ({"colours": [1]}, "colours, low, high: got 1"),
        ({"high": 0.0}, "low below high"),
        ({"high": np.nan}, "low below high"),
        ({"out": np.zeros((2, 1), np.uint32)}, r"out: got shape \(2, 1\)"),
    ],
)
def test_painting_checks_first(change, message):
    given = {"rows": [0], "cols": [0], "colours": [1, 2], "high": 1.0, **change}
    out = given.get("out", np.zeros((1, 1), np.uint32))
    rows, cols = (np.array(given[name], np.int64) for name in ("rows", "cols"))
    colours = np.array(given["colours"], np.uint32)
    with pytest.raises(ValueError, match=message):
        paint(np.zeros((5, 7)), colours, 0.0, given["high"], rows, cols, out, 0)
    assert not out.any()
