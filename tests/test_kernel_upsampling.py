"""Enlarging by one kernel: bilinear interpolation is one, PyTorch judges the others."""

import numpy as np
import pytest
import torch

import upsampler
from upsampler import kernel_upsampling
from upsampler.kernel_upsampling import centred_padding, upsample_with_kernel


def bilinear(factor):
    """The kernel of semantics: 2 * factor - factor % 2 taps, a triangle."""
    taps = 2 * factor - factor % 2
    line = 1 - np.abs(np.arange(taps) - (taps - 1) / 2) / factor
    return np.outer(line, line)


def by_torch(x, kernel, stride, padding):
    """With the border repeated far beyond what any tap reaches, and the middle cut out."""
    far = max(kernel.shape) + max(padding) + 2
    wide = np.pad(x.astype(np.float64), [(far, far), (far, far), (0, 0)], "edge")
    y = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(wide).permute(2, 0, 1)[:, None],
        torch.from_numpy(kernel.astype(np.float64))[None, None],
        stride=stride,
    )[:, 0].permute(1, 2, 0).numpy()  # fmt: skip
    top, left = (far * s + p for s, p in zip(stride, padding, strict=True))
    return y[top : top + x.shape[0] * stride[0], left : left + x.shape[1] * stride[1]]


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1, 3), (11, 13, 4), (6, 5, 1)])
def test_bilinear_is_interpolation_everywhere(factor, shape):
    x = np.random.default_rng(0).standard_normal(shape)
    layout = "HW" if x.ndim == 2 else "HWC"
    expected = upsampler.interpolate(x, scale_factor=factor, mode="bilinear", layout=layout)
    found = upsample_with_kernel(x, bilinear(factor), factor)
    np.testing.assert_allclose(found, expected, atol=1e-13)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [
        ((3, 3), (2, 2), (1, 1)),
        ((4, 6), (2, 3), (1, 2)),
        ((5, 2), (3, 2), None),
        ((7, 10), (2, 2), (0, 9)),
        ((1, 2), (3, 4), None),  # outputs that take nothing
        ((3, 1), (1, 1), None),
    ],
)
def test_any_kernel_against_torch(kernel, stride, padding):
    rng = np.random.default_rng(1)
    weight = rng.standard_normal(kernel)
    x = rng.standard_normal((7, 4, 3))
    place = padding or [centred_padding(k, s) for k, s in zip(kernel, stride, strict=True)]
    expected = by_torch(x, weight, stride, place)
    found = upsample_with_kernel(x, weight, stride, padding)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_kernel_for_each_channel():
    rng = np.random.default_rng(2)
    x, weight = rng.standard_normal((5, 7, 3)), rng.standard_normal((3, 1, 6, 4))
    whole = upsample_with_kernel(x, weight, 2)
    for c in range(3):
        alone = upsample_with_kernel(x[..., c], weight[c, 0], 2)
        np.testing.assert_allclose(whole[..., c], alone, atol=1e-13)
    np.testing.assert_array_equal(
        upsample_with_kernel(x, weight[:1], 2), upsample_with_kernel(x, weight[0, 0], 2)
    )


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float16", "float32"])
def test_one_rounding_at_the_end(dtype):
    rng = np.random.default_rng(3)
    x = rng.integers(0, 120, (9, 7, 3)).astype(dtype)
    weight = rng.standard_normal((6, 6))  # far out of the range of uint8, both ways
    exact = by_torch(x, weight, (2, 2), (2, 2))
    found = upsample_with_kernel(x, weight, 2)
    assert found.dtype == dtype
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found, exact, rtol=1e-3, atol=1e-3 * np.abs(exact).max())
    else:
        info = np.iinfo(dtype)
        inside = np.clip(exact, info.min, info.max)
        assert np.abs(found - inside).max() <= 0.501
        if dtype == "uint8":
            assert {0, 255} <= set(found.ravel().tolist())


def test_windows_and_blocks_are_crops(cpu, monkeypatch):
    x = np.random.default_rng(4).integers(0, 256, (23, 17, 3)).astype(np.uint8)
    weight = np.random.default_rng(5).standard_normal((10, 7)).astype(np.float32)
    whole = upsample_with_kernel(x, weight, (2, 3))
    monkeypatch.setattr(kernel_upsampling, "BLOCK", 400)
    seen = []
    cut = upsample_with_kernel(x, weight, (2, 3), progress=lambda *rows: seen.append(rows))
    np.testing.assert_array_equal(cut, whole)
    assert seen == [(min(n, 46), 46) for n in range(2, 48, 2)]
    for window in [((0, 1), (0, 1)), ((5, 40), (7, 51)), ((45, 46), (0, 51)), ((3, 3), (0, 9))]:
        (top, bottom), (left, right) = window
        part = upsample_with_kernel(x, weight, (2, 3), window=window)
        np.testing.assert_array_equal(part, whole[top:bottom, left:right])


def test_views_and_foreign_bytes():
    x = np.random.default_rng(6).standard_normal((9, 5, 4))
    weight = bilinear(2)
    expected = upsample_with_kernel(np.ascontiguousarray(x[::-1, :, 1:3]), weight)
    np.testing.assert_allclose(upsample_with_kernel(x[::-1, :, 1:3], weight), expected, atol=1e-14)
    swapped = x.astype(">f8")
    found = upsample_with_kernel(swapped, weight.astype(">f4"))
    assert found.dtype == swapped.dtype
    np.testing.assert_allclose(found, upsample_with_kernel(x, weight), atol=1e-14)


def test_what_is_not_finite_spreads_no_further():
    x = np.full((1, 9), 60000, np.float16)
    x[0, 4] = -np.inf
    found = upsample_with_kernel(x, bilinear(2) * 2)
    assert found.dtype == np.float16
    np.testing.assert_array_equal(np.isneginf(found[0]), [False] * 7 + [True] * 4 + [False] * 7)
    assert np.isposinf(found[0, :7]).all()  # 120000, silently as everywhere


X, W = np.ones((3, 5, 2)), np.ones((4, 4))


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        ((X * 1j, W), {}, TypeError, "x: got dtype complex128 .*; allowed: uint8"),
        ((X, W * 1j), {}, TypeError, "weight: got dtype complex128; allowed: integers"),
        ((X, W, 2.0), {}, TypeError, "stride: got 2.0 .*; allowed: an integer"),
        ((X, W, 2, "1"), {}, TypeError, "padding: got '1'"),
        ((X, W), {"num_threads": 1.5}, TypeError, "num_threads: got 1.5"),
        ((X[0, 0], W), {}, ValueError, r"x: got shape \(2,\); allowed: \(H, W\) or"),
        ((X[:, :0], W), {}, ValueError, r"x: got shape \(3, 0, 2\)"),
        ((X, np.ones((3, 1, 4, 4))), {}, ValueError, "weight: got shape .* for 2 channels"),
        ((X, np.ones((1, 2, 4, 4))), {}, ValueError, "weight: got shape .*1, 1, kH, kW"),
        ((X, np.ones((0, 4))), {}, ValueError, r"weight: got shape \(0, 4\)"),
        ((X, W, 0), {}, ValueError, r"stride: got \(0, 0\); allowed: at least 1"),
        ((X, W, 2, (1, -1)), {}, ValueError, r"padding: got \(1, -1\); allowed: at least 0"),
        ((X, W), {"window": [(0, 7), (0, 1)]}, ValueError, r"window: got \(0, 7\)"),
        ((X, W), {"num_threads": 0}, ValueError, "num_threads: got 0"),
    ],
)
def test_errors(arguments, keywords, error, message):
    with pytest.raises(error, match="^" + message):
        upsample_with_kernel(*arguments, **keywords)
