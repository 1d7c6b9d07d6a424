"""Output sizes and steps; and nearest by an integer factor."""

from fractions import Fraction

import numpy as np
import pytest

from upsampler import interpolate


def length(n, factor, **keywords):
    return interpolate(np.zeros(n), scale_factor=factor, **keywords).shape[0]


@pytest.mark.parametrize(
    ("n", "factor", "m"),
    [
        (88, 120 / 88, 120),  # a plain floor gives 119
        (100, 0.29, 29),  # a plain floor gives 28
        (13, 2.3, 29),  # 29.9
        (97, 0.1, 9),
        (10, 0.1, 1),
        (7, 1, 7),
        (7, np.float32(1.5), 10),
        (7, np.int64(3), 21),
        (3, 1.9999999, 6),  # 5.9999997 counts as 6
        (3, 1.999999, 5),  # 5.999997 does not
        (5, Fraction(7, 3), 11),  # 35/3
        (3, Fraction(2**62, 3 * 2**60), 4),
        (9, Fraction(1, 9), 1),
    ],
)
def test_size_from_scale(n, factor, m):
    assert length(n, factor) == m
    assert length(n, factor, mode="linear", recompute_scale_factor=True) == m


def test_size_from_scale_agrees_with_the_ratio_of_any_two_sizes():
    wrong = [(n, m) for n in range(1, 98) for m in range(1, 98) if length(n, m / n) != m]
    assert not wrong


def test_step_of_a_float_factor_is_its_reciprocal():
    """The step is float64(1/s), not n/m: at s = 2.3 and n = 13 that moves 5 of 29 indices."""
    index = np.arange(13)
    i = np.arange(29)
    by_factor = interpolate(index, scale_factor=2.3)
    by_size = interpolate(index, scale_factor=2.3, recompute_scale_factor=True)
    np.testing.assert_array_equal(by_factor, np.minimum(np.floor(i * (1 / 2.3)), 12))
    np.testing.assert_array_equal(by_size, i * 13 // 29)
    np.testing.assert_array_equal(by_size, interpolate(index, size=29))
    assert np.count_nonzero(by_factor != by_size) == 5


def test_step_of_a_tenth_is_exactly_ten():
    x = np.arange(1000)
    np.testing.assert_array_equal(interpolate(x, scale_factor=0.1), x[::10])
    np.testing.assert_array_equal(interpolate(x, scale_factor=0.1, mode="nearest-exact"), x[5::10])


def test_a_fraction_is_exact(backend):
    """A factor of 7/3: output i lies at (i + 1/2) * 3/7 - 1/2, and copies floor(i * 3/7)."""
    x = np.arange(9)
    i = np.arange(21)
    np.testing.assert_array_equal(interpolate(x, scale_factor=Fraction(7, 3)), i * 3 // 7)
    # 7 inputs by 5/3 make 11 outputs, but the step stays 3/5 and is not 7/11.
    position = [Fraction(2 * k + 1, 2) * Fraction(3, 5) - Fraction(1, 2) for k in range(11)]
    want = [float(min(max(p, Fraction(0)), Fraction(6))) for p in position]
    got = interpolate(np.arange(7.0), scale_factor=Fraction(5, 3), mode="linear")
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-15)


def test_recompute_takes_the_step_from_the_sizes(backend):
    x = np.random.default_rng(3).normal(size=(7, 11))
    for mode in ("bilinear", "bicubic", "lanczos3", "nearest-exact"):
        got = interpolate(x, scale_factor=(1.7, 0.6), mode=mode, recompute_scale_factor=True)
        np.testing.assert_array_equal(got, interpolate(x, size=got.shape, mode=mode))
        other = interpolate(x, scale_factor=(1.7, 0.6), mode=mode)
        assert other.shape == got.shape
        assert not np.array_equal(other, got)


def test_area_has_no_step_but_its_sizes(backend):
    x = np.random.default_rng(4).normal(size=(13, 7))
    got = interpolate(x, scale_factor=(0.7, 2.3), mode="area")
    np.testing.assert_array_equal(got, interpolate(x, size=got.shape, mode="area"))


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_by_an_integer_factor_repeats(backend, mode):
    """Also by 49, where 49 * (1 / 49) is below 1 in floating point."""
    for n in (1, 2, 3, 7, 13):
        x = np.arange(n, dtype=np.int16)
        for factor in (1, 2, 3, 4, 5, 6, 7, 10, 16, 41, 47, 49, 55, 61, 64, 97, 98, 99, 103):
            want = np.repeat(x, factor)
            for keywords in ({"scale_factor": factor}, {"scale_factor": float(factor)}):
                np.testing.assert_array_equal(interpolate(x, mode=mode, **keywords), want)
            np.testing.assert_array_equal(interpolate(x, size=n * factor, mode=mode), want)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("factors", [(2, 3), (1, 49), (5, 1), (4, 8)])
def test_nearest_is_a_kronecker_product(backend, mode, factors):
    x = np.random.default_rng(5).integers(0, 255, (5, 7), np.uint8)
    got = interpolate(x, scale_factor=factors, mode=mode)
    np.testing.assert_array_equal(got, np.kron(x, np.ones(factors, np.uint8)))
    planes = np.stack([x, x[::-1]])
    got = interpolate(planes, scale_factor=factors, mode=mode, layout="CHW")
    np.testing.assert_array_equal(got, np.kron(planes, np.ones((1, *factors), np.uint8)))


@pytest.mark.parametrize("mode", ["nearest", "linear", "bicubic", "area", "lanczos3"])
def test_one_sample_spreads_over_everything(backend, mode):
    x = np.full((1, 1), 3.25, np.float32)
    got = interpolate(x, size=(5, 3), mode=mode)
    np.testing.assert_array_equal(got, np.full((5, 3), 3.25, np.float32))


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear", "bicubic"])
def test_equal_sizes_change_nothing(backend, mode, align_corners):
    x = np.random.default_rng(6).normal(size=(7, 5)).astype(np.float32)
    got = interpolate(x, size=(7, 5), mode=mode, align_corners=align_corners)
    assert got.tobytes() == x.tobytes()
    assert not np.shares_memory(got, x)
