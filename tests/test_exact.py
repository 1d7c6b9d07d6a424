"""Against rational arithmetic: rounding, saturation, constants."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from upsampler import interpolate, interpolate_backward

from . import cases, exact

# Levels that a result may lie from the exact value: half a level, and the arithmetic's error.
LEVELS = {1: Fraction(51, 100), 2: Fraction(53, 100), 4: Fraction(51, 100)}
SIZES = [  # one and two axes; growing, shrinking, both; through the whole and by a window
    ((5,), (13,)),
    ((13,), (4,)),
    ((7,), (7,)),
    ((3, 5), (7, 4)),
    ((7, 4), (3, 9)),
    ((1, 6), (5, 3)),
    ((2, 3), (4, 6)),
]


def error(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """Exact distance of an array from Fractions."""
    return abs(exact.fractions(got) - want)


def clipped(want: np.ndarray, dtype: np.dtype) -> np.ndarray:
    info = np.iinfo(dtype)
    limit = np.vectorize(lambda v: min(max(v, Fraction(info.min)), Fraction(info.max)), "O")
    return limit(want)


def sixty_four_bits(x: np.ndarray, mode: str, keywords: dict, spatial: tuple, size: tuple):
    """Units in the last place of float64, at the largest value or difference that takes part.

    Measured: linear 1.0 to 1.34, the mean 0.84; filters of several taps, whose weights are
    rounded as well and whose partial sums overshoot, up to 3 for each tap.
    """
    top = max(abs(int(x.max())), abs(int(x.min())), int(x.max()) - int(x.min()))
    rows = cases.tables(spatial, size, mode, **keywords)
    taps = max(len(row) for table in rows for row in table)
    short = mode == "area" or (mode == "linear" and "antialias" not in keywords)
    return Fraction(np.spacing(float(top))) * (Fraction(3, 2) if short else 4 * taps)


@pytest.mark.parametrize("rule", cases.COMPUTED, ids=cases.name)
@pytest.mark.parametrize("dtype", cases.INTEGERS, ids=str)
def test_integers_are_rounded_not_truncated(backend, dtype, rule):
    mode, keywords = rule
    rng = np.random.default_rng(10)
    for spatial, size in SIZES:
        x = cases.sample(rng, spatial, dtype)
        got = interpolate(x, size=size, mode=mode, **keywords)
        assert got.dtype == dtype
        want = clipped(exact.resize(x, cases.tables(spatial, size, mode, **keywords)), dtype)
        bound = LEVELS.get(dtype.itemsize) or sixty_four_bits(x, mode, keywords, spatial, size)
        worst = error(got, want).max()
        assert worst <= bound, f"{spatial} -> {size}: off by {float(worst)} levels"


@pytest.mark.parametrize("rule", cases.COMPUTED, ids=cases.name)
def test_floats_follow_the_exact_value(backend, rule):
    mode, keywords = rule
    rng = np.random.default_rng(7)
    for spatial, size in SIZES:
        x = rng.normal(size=spatial)
        want = exact.resize(x, cases.tables(spatial, size, mode, **keywords)).astype(np.float64)
        got = interpolate(x, size=size, mode=mode, **keywords)
        np.testing.assert_allclose(got, want, rtol=0, atol=4e-15, err_msg=f"{spatial} -> {size}")
        got = interpolate(x.astype(np.float32), size=size, mode=mode, **keywords)
        np.testing.assert_allclose(got, want, rtol=0, atol=2e-6, err_msg=f"{spatial} -> {size}")


@pytest.mark.parametrize("rule", cases.RULES, ids=cases.name)
def test_gradient_is_the_transposed_matrix(backend, rule):
    mode, keywords = rule
    rng = np.random.default_rng(8)
    for spatial, size in [*SIZES, ((3, 4, 2), (5, 3, 7))]:
        grad = rng.normal(size=size)
        want = grad
        for axis, matrix in enumerate(cases.matrices(spatial, size, mode, **keywords)):
            want = np.moveaxis(np.tensordot(matrix.T, want, (1, axis)), 0, axis)
        layout = ["W", "HW", "DHW"][len(size) - 1]
        got = interpolate_backward(grad, spatial, size=size, mode=mode, layout=layout, **keywords)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-14, err_msg=f"{spatial} -> {size}")


def half_pixel_numerators(factor: int) -> np.ndarray:
    """Bilinear weights of two samples for their 2 * factor outputs, times 2 * factor."""
    high = [min(max(2 * i + 1 - factor, 0), 2 * factor) for i in range(2 * factor)]
    return np.array([[2 * factor - w, w] for w in high])


def exactly_rounded(corners: np.ndarray, rows: np.ndarray, columns: np.ndarray, denominator: int):
    total = rows @ corners.astype(np.int64) @ columns.T
    return (2 * total + denominator) // (2 * denominator)  # floor(v + 1/2): ties up


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_bilinear_of_all_pairs_is_exactly_rounded(backend, dtype, factor):
    info = np.iinfo(dtype)
    values = np.arange(info.min, info.max + 1, dtype=dtype)
    pairs = np.array(list(itertools.product(values, values)), dtype)
    w = half_pixel_numerators(factor)
    one = np.array([[1]])
    want = exactly_rounded(pairs[:, None, :], one, w, 2 * factor)
    got = interpolate(pairs[:, None, :], size=(1, 2 * factor), mode="bilinear", layout="NHW")
    np.testing.assert_array_equal(got, want)
    got = interpolate(pairs[:, :, None], size=(2 * factor, 1), mode="bilinear", layout="NHW")
    np.testing.assert_array_equal(got, want.transpose(0, 2, 1))


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_bilinear_of_quads_is_exactly_rounded(backend, dtype, factor):
    """All quads of values whose sums of sixteenths, 64ths and 256ths end in every residue."""
    info = np.iinfo(dtype)
    odd = [info.min, info.min + 1, info.min + 2, -3, 1, 2, 5, 11, 85, info.max - 1, info.max]
    values = sorted({v for v in odd if v >= info.min})
    quads = np.array(list(itertools.product(values, repeat=4)), dtype).reshape(-1, 2, 2)
    w = half_pixel_numerators(factor)
    want = exactly_rounded(quads, w, w, 4 * factor * factor)
    got = interpolate(quads, scale_factor=factor, mode="bilinear", layout="NHW")
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("layout", ["CHW", "HWC"])
@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_bilinear_of_pictures_is_exactly_rounded(backend, dtype, factor, layout):
    """The same inside of long rows, where vectorised loops run, and for one to five channels."""
    rng = np.random.default_rng(9)
    for channels in (1, 2, 3, 4, 5):
        x = cases.sample(rng, (channels, 19, 83), dtype)
        tables = cases.tables((19, 83), (19 * factor, 83 * factor), "bilinear")
        rows, columns = (
            (exact.dense(t, n) * 2 * factor).round().astype(np.int64)
            for t, n in zip(tables, (19, 83), strict=True)
        )
        want = exactly_rounded(x, rows, columns, 4 * factor * factor)
        got = interpolate(
            cases.to_layout(x, "CHW", layout), scale_factor=factor, mode="bilinear", layout=layout
        )
        np.testing.assert_array_equal(cases.to_layout(got, layout, "CHW"), want)


@pytest.mark.parametrize("mode", ["bicubic", "lanczos3"])
@pytest.mark.parametrize("dtype", cases.INTEGERS, ids=str)
def test_overshoot_saturates(backend, dtype, mode):
    """An edge between the extremes of the type rings beyond both of them."""
    info = np.iinfo(dtype)
    x = np.array([info.min] * 6 + [info.max] * 6, dtype)
    want = exact.resize(x, cases.tables((12,), (31,), mode))
    got = interpolate(x, size=31, mode=mode)
    over, under = want > info.max, want < info.min
    assert over.any()
    assert under.any()
    assert (got[over.astype(bool)] == info.max).all()
    assert (got[under.astype(bool)] == info.min).all()
    assert (np.diff(got.astype(object)[14:17]) >= 0).all()


@pytest.mark.parametrize("rule", cases.RULES, ids=cases.name)
def test_a_constant_stays_constant(backend, rule):
    mode, keywords = rule
    exactly = mode.startswith("nearest") or (mode == "linear" and "antialias" not in keywords)
    for dtype in cases.NUMBERS:
        if dtype.kind in "iu":
            values = [np.iinfo(dtype).min, np.iinfo(dtype).max, 1, 77]
        else:
            values = [0.1, 1 / 3, -65504.0, 6e-5, 1.0]
        for value in values:
            for spatial, size in [((5, 3), (13, 7)), ((13, 7), (4, 5)), ((3, 97), (3, 29))]:
                x = np.full(spatial, value, dtype)
                got = interpolate(x, size=size, mode=mode, **keywords)
                if exactly or (dtype.kind in "iu" and dtype.itemsize <= 4):
                    np.testing.assert_array_equal(got, np.full(size, x[0, 0]), err_msg=str(dtype))
                    continue
                eps = 2.0**-52 if dtype.itemsize == 8 else 2.0**-23
                taps = max(1, max(n / m for n, m in zip(spatial, size, strict=True))) * 6
                bound = 4 * taps * eps
                if dtype.itemsize == 2:  # and the rounding of the result to 11 or 8 bits
                    bound += 2.0**-10 if dtype.kind == "f" else 2.0**-7
                worst = np.abs(got.astype(np.float64) - float(x[0, 0])).max()
                assert worst <= bound * abs(float(x[0, 0])), f"{dtype} {value} {spatial} {size}"


def test_sixteen_bit_and_wider_ramps_keep_every_level(backend):
    """No hidden narrowing: neighbours one level apart stay apart at the top of the range."""
    for dtype in (np.uint16, np.int32, np.uint32):
        top = np.iinfo(dtype).max
        x = np.array([top - 2, top - 1, top], dtype)
        got = interpolate(x, scale_factor=3, mode="linear")
        np.testing.assert_array_equal(got[1::3], x)
        np.testing.assert_array_equal(interpolate(x, size=5, mode="area")[::2], x)
