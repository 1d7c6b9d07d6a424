"""-inf masks, NaN and equal infinities; and values near the limits."""

import ml_dtypes
import numpy as np
import pytest

from upsampler import interpolate

from . import cases

INF, NAN = np.inf, np.nan
# Sizes with whole and half steps, where weights of zero abound, and without.
SIZES = [
    ((5, 9), (10, 18)),
    ((5, 9), (8, 13)),
    ((7, 11), (4, 6)),
    ((6, 10), (3, 5)),
    ((1, 5), (3, 9)),
]


def plain_sum(x: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """matrix @ x with the terms of weight zero left out, as IEEE arithmetic adds them up."""
    up = (matrix > 0).astype(int) @ (x == INF) + (matrix < 0).astype(int) @ (x == -INF)
    down = (matrix > 0).astype(int) @ (x == -INF) + (matrix < 0).astype(int) @ (x == INF)
    nan = (matrix != 0).astype(int) @ np.isnan(x)
    result = matrix @ np.where(np.isfinite(x), x, 0.0)
    result = np.where(up > 0, INF, np.where(down > 0, -INF, result))
    return np.where((nan > 0) | ((up > 0) & (down > 0)), NAN, result)


def check(got: np.ndarray, want: np.ndarray, note: str) -> None:
    """Classes equal; finite values close to the rounding of the dtype."""
    eps = float(ml_dtypes.finfo(got.dtype).eps)
    np.testing.assert_allclose(
        got.astype(np.float64), want, rtol=0, atol=max(8 * eps, 1e-12), err_msg=note
    )


@pytest.mark.parametrize("layout", ["HW", "CHW", "HWC", "NHWC"])
@pytest.mark.parametrize("rule", cases.RULES, ids=cases.name)
def test_non_finite_samples_follow_the_dense_matrix(backend, rule, layout):
    mode, keywords = rule
    rng = np.random.default_rng(60)
    for dtype in cases.FLOATS:
        for spatial, size in SIZES:
            a, b = cases.matrices(spatial, size, mode, **keywords)
            others = [{"C": 3, "N": 2}[c] for c in layout if c not in "HW"]
            planes = rng.uniform(-1, 1, (*others, *spatial)).astype(dtype).astype(np.float64)
            specials = rng.choice([INF, -INF, NAN], planes.shape)
            rare = rng.random(planes.shape) < rng.choice([0.02, 0.1, 0.5])
            rare[..., 0, :] = False  # some rows stay finite, next to rows that do not
            planes = np.where(rare, specials, planes)
            flat = planes.reshape(-1, spatial[0] * spatial[1])
            want = plain_sum(flat.T, np.kron(a, b)).T.reshape(*others, *size)
            canonical = "".join(c for c in layout if c not in "HW") + "HW"
            x = cases.to_layout(planes.astype(dtype), canonical, layout)
            got = interpolate(x, size, mode=mode, layout=layout, **keywords)
            check(cases.to_layout(got, layout, canonical), want, f"{dtype} {spatial} -> {size}")


@pytest.mark.parametrize("layout", ["HW", "HWC"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "area", "lanczos3"])
def test_finite_columns_keep_their_bits(backend, mode, layout):
    """What does not depend on a NaN is computed as if it were not there."""
    x = np.random.default_rng(61).normal(size=(33, 67, 3)).astype(np.float32)
    x = x if layout == "HWC" else np.ascontiguousarray(x[..., 0])
    keywords = {"size": (66, 150), "mode": mode, "layout": layout}
    clean = interpolate(x, **keywords)
    marked = x.copy()
    marked[7, 30] = NAN
    got = interpolate(marked, **keywords)
    nan = np.isnan(got)
    a, b = cases.matrices((33, 67), (66, 150), mode)
    depends = np.outer(a[:, 7] != 0, b[:, 30] != 0)
    np.testing.assert_array_equal(nan if layout == "HW" else nan[..., 0], depends)
    assert got[~nan].tobytes() == clean[~nan].tobytes()


def test_masks_of_minus_infinity_stay(backend):
    """A causal mask enlarged: no NaN, and -inf exactly where a masked sample has weight."""
    n = 16
    mask = np.where(np.tri(n, dtype=bool), 0.0, -INF)
    for dtype in cases.FLOATS:
        got = interpolate(mask.astype(dtype), scale_factor=2, mode="bilinear").astype(float)
        assert not np.isnan(got).any()
        a, _ = cases.matrices((n, n), (2 * n, 2 * n), "bilinear")
        want = np.where((a @ (mask == -INF) @ a.T) > 0, -INF, 0.0)
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("rule", cases.COMPUTED, ids=cases.name)
def test_equal_infinities_stay_themselves_where_weights_agree(backend, rule):
    mode, keywords = rule
    for value in (INF, -INF):
        x = np.full((5, 7), value, np.float32)
        got = interpolate(x, (9, 11), mode=mode, **keywords)
        a, b = cases.matrices((5, 7), (9, 11), mode, **keywords)
        mixed = np.kron(a, b)
        both = ((mixed > 0).any(axis=1) & (mixed < 0).any(axis=1)).reshape(9, 11)
        np.testing.assert_array_equal(got, np.where(both, NAN, value))


@pytest.mark.parametrize("dtype", cases.FLOATS, ids=str)
def test_the_lowest_finite_value_is_no_infinity(backend, dtype):
    """Masks are often filled with finfo.min, whose difference from finfo.max overflows."""
    low = ml_dtypes.finfo(dtype).min
    high = ml_dtypes.finfo(dtype).max
    x = np.array([[low, high, low, 0, 0], [high, high, low, low, 0], [0, 1, low, low, low]], dtype)
    for keywords in ({}, cases.ALIGN):
        for size in [(6, 10), (7, 13), (2, 3)]:
            got = interpolate(x, size, mode="bilinear", **keywords).astype(np.float64)
            a, b = cases.matrices(x.shape, size, "bilinear", **keywords)
            scale = float(high)
            want = a @ (x.astype(np.float64) / scale) @ b.T
            eps = float(ml_dtypes.finfo(dtype).eps)
            np.testing.assert_allclose(got / scale, want, rtol=0, atol=4 * eps)
    for mode in ("area", "linear", "nearest"):
        constant = np.full((5, 7), low, dtype)
        got = interpolate(constant, (8, 11), mode=mode)
        np.testing.assert_array_equal(got, np.full((8, 11), low, dtype))


@pytest.mark.parametrize("rule", cases.COMPUTED, ids=cases.name)
def test_huge_values_stay_finite(backend, rule):
    """1e38 leaves room for every partial sum of every filter."""
    mode, keywords = rule
    rng = np.random.default_rng(62)
    x = (rng.uniform(-1, 1, (9, 11)) * 1e38).astype(np.float32)
    for size in [(18, 22), (13, 17), (4, 5)]:
        a, b = cases.matrices(x.shape, size, mode, **keywords)
        got = interpolate(x, size, mode=mode, **keywords).astype(np.float64)
        np.testing.assert_allclose(got / 1e38, a @ (x / 1e38) @ b.T, rtol=0, atol=3e-6)


def test_float16_overflows_to_infinity_and_not_before(backend):
    """Arithmetic is float32: a sum of 65504s passes 65504, its mean does not."""
    top = np.full((4, 4), 65504, np.float16)
    assert np.isfinite(interpolate(top, (8, 8), mode="bilinear")).all()
    assert np.isfinite(interpolate(top, (2, 2), mode="area")).all()
    edge = np.array([0] * 4 + [65504] * 4, np.float16)
    got = interpolate(edge, 16, mode="bicubic")
    a = cases.matrices((8,), (16,), "bicubic")[0] @ edge.astype(np.float64)
    np.testing.assert_array_equal(np.isinf(got), a >= 65520)
    assert np.isinf(got).any()


@pytest.mark.parametrize("dtype", cases.FLOATS, ids=str)
def test_subnormals_are_kept(backend, dtype):
    """No flush to zero, in input, arithmetic or result.

    But on the GPU, where CuPy compiles so that numbers below 2^-126 are zeros in float32
    arithmetic: that of float32 and bfloat16.  Copies keep them even there.
    """
    tiny = float(ml_dtypes.finfo(dtype).smallest_subnormal)
    x = (np.array([[0, 8, 16, 8], [0, 0, 16, 24]]) * tiny).astype(dtype)
    got = interpolate(x, (2, 8), mode="bilinear")
    want = x.astype(np.float64) @ cases.matrices((2, 4), (2, 8), "bilinear")[1].T
    if backend.startswith("cuda") and tiny < 2.0**-126 and dtype != np.float64:
        want = np.zeros_like(want)
    np.testing.assert_array_equal(got.astype(np.float64), want)
    np.testing.assert_array_equal(interpolate(x, (4, 8)), np.kron(x, np.ones((2, 2), dtype)))
