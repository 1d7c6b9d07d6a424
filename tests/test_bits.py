"""The order of operations is pinned, so that bits are.

`pinned` says it once more, in NumPy, whose float32 operations neither fuse nor widen: innermost
spatial axis first; linear is a + w * (b - a); longer filters sum from left to right; weights
and intermediates in the arithmetic type; one rounding to the data type at the end.
"""

from fractions import Fraction

import numpy as np
import pytest

from upsampler import interpolate
from upsampler.axis import AxisRule
from upsampler.backends import use
from upsampler.backends.cpu import STREAM
from upsampler.backends.shuffles import pairs_of, picks_of, shift_of
from upsampler.backends.tiles import byte_shift, column_tiles

from . import cases
from .conftest import COMPILED

_METHOD = {"linear": "linear", "bicubic": "cubic", "area": "area", "lanczos3": "lanczos3"}
SHORT_TYPES = [d for d in cases.NUMBERS if d.itemsize < 4 or d == np.float32]


def rules(spatial, size, mode, align_corners=False, antialias=False):
    return [
        AxisRule(n, m, _METHOD[mode], Fraction(n, m), align_corners, antialias)
        for n, m in zip(spatial, size, strict=True)
    ]


def pinned(x: np.ndarray, axes: list[AxisRule], first: int = 0) -> np.ndarray:
    short = x.dtype in SHORT_TYPES and max(rule.taps for rule in axes) <= 6
    real = np.float32 if short else np.float64
    values = x.astype(real)
    for axis, rule in reversed(list(enumerate(axes, start=first))):
        table = rule.table()
        values = np.moveaxis(values, axis, -1)
        if table.kind == "copy":
            values = values[..., table.start]
        elif table.kind == "linear":
            a = values[..., table.start]
            b = values[..., np.minimum(table.start + 1, table.n - 1)]
            values = a + table.weights[:, 0].astype(real) * (b - a)
        else:
            w = table.weights.astype(real)
            total = w[:, 0] * values[..., table.start]
            for t in range(1, table.taps):
                total = total + w[:, t] * values[..., table.start + t]
            values = total
        values = np.moveaxis(values, -1, axis)
    return rounded(values, x.dtype)


def rounded(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        below = np.floor(values.astype(np.float64))  # adding 0.5 would itself round above 2^52
        whole = below + (values - below >= 0.5)
        high = whole >= info.max
        result = np.where(high, 0.0, np.maximum(whole, info.min)).astype(dtype)
        result[high] = info.max
        return result
    if dtype == cases.BFLOAT16 and values.dtype == np.float64:
        # ml_dtypes would go through float32 and round twice.
        mantissa, exponent = np.frexp(values)
        values = np.ldexp(np.rint(np.ldexp(mantissa, 8)), exponent - 8)
    return values.astype(dtype)


SIZES = [((9, 23), (14, 37)), ((31, 17), (12, 5)), ((5, 61), (10, 122)), ((8, 12), (8, 48))]


@pytest.mark.parametrize("rule", cases.COMPUTED, ids=cases.name)
@pytest.mark.parametrize("dtype", cases.NUMBERS, ids=str)
def test_order_of_operations(cpu, dtype, rule):
    mode, keywords = rule
    rng = np.random.default_rng(50)
    for spatial, size in SIZES:
        axes = rules(spatial, size, mode, **keywords)
        for layout, shape in [("HW", spatial), ("CHW", (3, *spatial)), ("HWC", (*spatial, 3))]:
            x = cases.sample(rng, shape, dtype)
            want = pinned(x, axes, layout.index("H"))
            got = interpolate(x, size, mode=mode, layout=layout, **keywords)
            assert got.tobytes() == want.tobytes(), f"{layout} {spatial} -> {size}"


@pytest.mark.parametrize("rule", cases.COMPUTED, ids=cases.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint8, np.int64], ids=str)
def test_order_in_one_and_three_dimensions(cpu, dtype, rule):
    mode, keywords = rule
    rng = np.random.default_rng(51)
    for layout, spatial, size in [
        ("W", (37,), (101,)),
        ("W", (101,), (13,)),
        ("DHW", (5, 7, 11), (9, 13, 23)),
        ("DHW", (9, 13, 23), (5, 7, 11)),
    ]:
        x = cases.sample(rng, spatial, dtype)
        want = pinned(x, rules(spatial, size, mode, **keywords))
        got = interpolate(x, size, mode=mode, layout=layout, **keywords)
        assert got.tobytes() == want.tobytes(), f"{layout} {spatial} -> {size}"


def made_ahead(spatial, layout, dtype=np.float32):
    """A picture whose rows are resampled several at once."""
    rng = np.random.default_rng(53)
    shape = {"HWC": (*spatial, 3), "DHW": (3, *spatial), "NCHW": (2, 2, *spatial)}[layout]
    return rng.uniform(-9, 9, shape).astype(dtype)


@pytest.mark.parametrize("mode", ["linear", "bicubic", "lanczos3"])
@pytest.mark.parametrize("layout", ["HWC", "DHW", "NCHW"])
@pytest.mark.parametrize("height", [1, 2, 3, 8, 60])
def test_rows_made_ahead(cpu, height, layout, mode):
    """In volumes whose third axis stays as it is, too: a block of rows spans several planes."""
    x = made_ahead((height, 170), layout)
    size = (height * 5 // 2, 431)
    whole = {"DHW": (3, *size)}.get(layout, size)
    first = layout.index("H")
    want = pinned(x, rules(x.shape[first : first + 2], size, mode), first)
    got = interpolate(x, whole, mode=mode, layout=layout)
    assert got.tobytes() == want.tobytes()
    for lo in range(0, size[0], 7):
        rows = (lo, min(lo + 2, size[0]))
        window = [(0, m) for m in whole[:-2]] + [rows, (5, 400)]
        part = interpolate(x, whole, mode=mode, layout=layout, window=window)
        assert np.array_equal(part, want[(slice(None),) * first + (slice(*rows), slice(5, 400))])


@pytest.mark.parametrize("mode", ["linear", "bicubic"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16], ids=str)
@pytest.mark.parametrize("value", [np.nan, np.inf, 6e4])
def test_rows_made_ahead_that_are_not_finite(cpu, value, dtype, mode):
    """Any row, first or second of its pair; those beside it stay as they are."""
    clean = made_ahead((7, 40), "HWC", dtype)
    for row in range(7):
        x = clean.copy()
        x[row, 17] = value if dtype == np.float16 else np.float32(value) * np.float32(5e33)
        y = interpolate(x, (17, 90), mode=mode, layout="HWC")
        with use("cpu-baseline"):
            assert y.tobytes() == interpolate(x, (17, 90), mode=mode, layout="HWC").tobytes()


def test_arithmetic_types_differ_where_the_semantics_says_so(cpu):
    """Six taps of float32 are float32 arithmetic, seven are float64: the bits show which."""
    x = np.random.default_rng(52).normal(size=(40, 40)).astype(np.float32)
    for mode, size, short in [
        ("lanczos3", (80, 80), True),
        ("area", (8, 8), True),
        ("area", (5, 5), False),
        ("lanczos3", (30, 30), False),
    ]:
        axes = rules(x.shape, size, mode)
        assert (max(rule.taps for rule in axes) <= 6) == short
        wide = pinned(x.astype(np.float64), axes).astype(np.float32)
        got = interpolate(x, size, mode=mode)
        assert np.array_equal(got, wide) == (not short)


@pytest.mark.skipif(len(COMPILED) < 2, reason="this processor runs one instruction set only")
@pytest.mark.parametrize("rule", cases.RULES, ids=cases.name)
def test_instruction_sets_agree(rule):
    """And two different modules ran."""
    from upsampler.backends import get

    modules = {get(name).loops.__name__ for name in COMPILED}
    assert len(modules) == len(COMPILED)
    mode, keywords = rule
    rng = np.random.default_rng(53)
    for dtype in cases.NUMBERS:
        for layout, shape, size in [
            ("HW", (61, 157), (122, 314)),
            ("HW", (61, 157), (97, 201)),
            ("HWC", (37, 53, 3), (74, 106)),
            ("HWC", (37, 53, 4), (50, 61)),
            ("CHW", (2, 67, 83), (31, 29)),
        ]:
            x = cases.sample(rng, shape, dtype)
            results = set()
            for name in COMPILED:
                with use(name):
                    got = interpolate(x, size, mode=mode, layout=layout, **keywords)
                    results.add(got.tobytes())
            assert len(results) == 1, f"{dtype} {layout} {shape} -> {size}"


@pytest.mark.parametrize("offset", [0, 1, 31, 63])
def test_streamed_bytes(cpu, offset):
    """Results past the caches, wherever their rows begin in a line: the bits of small pieces."""
    x = np.random.default_rng(54).integers(0, 256, (1031, 1367, 3), dtype=np.uint8)
    size = (2062, 2734 + 2 * (offset % 2))
    memory = np.full(size[0] * size[1] * 3 + 128, 165, np.uint8)
    out = memory[offset : offset + size[0] * size[1] * 3].reshape(*size, 3)
    assert out.nbytes >= STREAM
    interpolate(x, size, mode="bilinear", layout="HWC", out=out)
    for top in (0, 1, 700, 2040):
        window = ((top, top + 22), (0, size[1]))
        piece = interpolate(x, size, mode="bilinear", layout="HWC", window=window)
        assert np.array_equal(out[top : top + 22], piece)
    assert (memory[:offset] == 165).all()
    assert (memory[offset + out.nbytes :] == 165).all()


def table_of(n, m, mode="linear"):
    return AxisRule(n, m, mode, Fraction(n, m)).table()


def tiles_of(n, m, mode="linear", inner=1, lanes=16, shift=None):
    return column_tiles(table_of(n, m, mode), inner, 2, np.dtype("f4"), lanes, shift)


def test_weights_of_whole_parts_run_in_bytes():
    """The 16-bit loops are taken where they are exact, and nowhere else."""
    assert shift_of(np.array([0.25, 0.75, 0.0]), 6) == 2
    assert shift_of(np.array([1 / 3]), 6) is None
    assert shift_of(np.array([1 / 128]), 6) is None
    assert byte_shift(table_of(50, 100), table_of(30, 60)) == 6
    assert byte_shift(table_of(50, 100), table_of(30, 240)) == 4  # sixteenths leave 2 ** 4
    assert byte_shift(table_of(50, 100), table_of(30, 47)) is None
    assert byte_shift(table_of(50, 100), table_of(30, 60, "cubic")) is None
    assert byte_shift(table_of(50, 50), table_of(30, 60)) is None
    for n, m, inner, most, shift in [
        (50, 100, 1, 6, 2),
        (50, 800, 1, 6, 5),  # thirty-two parts for x16
        (50, 800, 1, 4, None),
        (50, 150, 1, 6, None),  # thirds
        (50, 100, 3, 6, 2),
        (50, 100, 9, 6, None),  # two pixels do not lie within sixteen bytes
        (7, 14, 1, 6, 2),
    ]:
        made = tiles_of(n, m, inner=inner, shift=most).phases
        assert (made and made.shift) == shift


def test_pairs_are_found_wherever_a_window_begins():
    """All outputs between two samples, from the first pair on, which may lie before the window."""
    for m in (100, 150, 200, 400):
        f = m // 50
        whole = AxisRule(50, m, "linear", Fraction(50, m))
        weights = [(k + (0.5 if f % 2 == 0 else 0)) / f for k in range(f)]
        for lo in range(3 * f):
            first, found = pairs_of(whole.table(lo, lo + 5 * f))
            np.testing.assert_allclose(found, weights)
            assert first == f // 2 - lo
    assert pairs_of(table_of(50, 75)) is None
    assert pairs_of(table_of(50, 100, "cubic")) is None
    assert pairs_of(AxisRule(50, 100, "linear", Fraction(1, 2)).table(0, 2)) is None


@pytest.mark.parametrize("layout", ["HW", "HWC", "CHW"])
def test_extremes_of_bytes(cpu, layout):
    """Black beside white: sums of cubic filters leave the range on both sides, and round there."""
    shape = {"HW": (23, 41), "HWC": (23, 41, 3), "CHW": (3, 23, 41)}[layout]
    x = np.random.default_rng(55).choice(np.array([0, 1, 254, 255], np.uint8), shape)
    for size in [(46, 82), (92, 164), (46, 164), (11, 20), (23, 82), (39, 82)]:
        for mode in ("linear", "bicubic"):
            axes = rules((23, 41), size, mode)
            got = interpolate(x, size, mode=mode, layout=layout)
            assert got.tobytes() == pinned(x, axes, layout.index("H")).tobytes(), (mode, size)


def test_bytes_averaged_over_many_rows(cpu):
    """The many taps down make the arithmetic float64, also along rows that sums of bytes suit."""
    x = np.random.default_rng(5).integers(0, 256, (67, 45, 3), np.uint8)
    for size in [(1, 300), (2, 46), (10, 300), (1, 180)]:
        got = interpolate(x, size, mode="area", layout="HWC")
        assert got.tobytes() == pinned(x, rules((67, 45), size, "area")).tobytes(), size


def test_rows_are_resampled_by_registers_where_they_can_be():
    assert tiles_of(50, 100).twice.weights.ravel().tolist() == [0.25, 0.75]
    assert tiles_of(50, 100, "cubic").twice.weights.shape == (2, 4)
    assert tiles_of(50, 100, "lanczos3").twice.weights.shape == (2, 6)
    assert tiles_of(50, 100, inner=3).twice.order.tolist()[:8] == [0, 1, 2, 16, 17, 18, 3, 4]
    assert tiles_of(50, 100, inner=3, lanes=8).twice is None  # no shuffle of two registers there
    assert tiles_of(50, 75).twice is None
    short = tiles_of(9, 18)  # no run of sixteen pairs
    assert short.twice is None
    assert short.groups.wide == 1
    assert len(tiles_of(500, 1500).groups.order) < 8  # the inside shares three
    assert tiles_of(50, 85).groups.wide == 1
    assert tiles_of(800, 400).groups.wide == 2
    assert tiles_of(800, 250).groups.wide == 4
    far = tiles_of(800, 150).groups  # too far apart: gathered
    assert far.wide == 0
    assert far.base.shape == (10, 16)
    wide = tiles_of(50, 100, inner=16)  # pixels that fill a register
    assert wide.quick
    assert wide.groups is None


def test_items_are_picked_by_registers_where_they_can_be():
    words = picks_of(np.arange(64) // 2, 32, 4, 16)
    assert words.words
    assert words.base.tolist() == [0, 32, 64, 64]  # the last register is loaded from within the row
    assert words.order[words.pattern].tolist() == [
        [k // 2 + (8 if g == 3 else 0) for k in range(16)] for g in range(4)
    ]
    parts = picks_of(np.arange(64) // 2, 32, 3, 16)
    assert not parts.words
    assert parts.base.tolist() == [0, 7, 15, 24, 31, 39, 48, 55, 63, 72, 79, 80]
    places = parts.base[:, None] + parts.order[parts.pattern].reshape(-1, 16)
    assert places.ravel().tolist() == [3 * (k // 2) + c for k in range(64) for c in range(3)]
    assert picks_of(np.arange(20) * 4, 80, 3, 16) is None
    assert picks_of(np.arange(20), 80, 64, 16) is None
    assert picks_of(np.arange(5), 5, 3, 16) is None
