"""Initial weights: PyTorch's law, interpolation, equal phases, and the same seed the same bits."""

import ml_dtypes
import numpy as np
import pytest
import torch
import torch.nn.functional as F

import upsampler
from upsampler import init


@pytest.mark.parametrize("shape", [(3, 8, 4, 5), (8, 1, 3), (2, 5, 1, 2, 3)])
@pytest.mark.parametrize("a", [5**0.5, 0.0, 0.2])
def test_kaiming_has_the_bound_of_torch(shape, a):
    """The largest of many draws comes close to torch's bound, and none goes beyond it."""
    theirs = torch.empty(4000, *shape[1:])
    torch.nn.init.kaiming_uniform_(theirs, a=a)
    ours = init.kaiming((4000, *shape[1:]), a, seed=1)
    assert ours.shape == tuple(theirs.shape)
    largest = float(theirs.abs().max())
    assert np.abs(ours).max() == pytest.approx(largest, rel=0.01)
    assert ours.std() == pytest.approx(float(theirs.std()), rel=0.05)
    assert abs(ours.mean()) < 0.05 * largest


def test_the_bias_has_the_bound_of_torch():
    layer = torch.nn.ConvTranspose2d(3, 5000, (2, 3), groups=1)
    ours = init.kaiming_bias(5000, (3, 5000, 2, 3), seed=2)
    assert ours.shape == (5000,)
    bound = (5000 * 6) ** -0.5
    assert float(layer.bias.detach().abs().max()) == pytest.approx(bound, rel=0.01)
    assert np.abs(ours).max() == pytest.approx(bound, rel=0.01)


@pytest.mark.parametrize("draw", [
    lambda **k: init.kaiming((4, 3, 2, 5), **k),
    lambda **k: init.kaiming_bias(7, (4, 3, 2, 5), **k),
    lambda **k: init.icnr((8, 3, 2, 5), 2, **k),
    lambda **k: init.icnr((8, 3, 2, 6), (1, 3), transposed=True, **k),
])  # fmt: skip
def test_seeds(draw):
    np.testing.assert_array_equal(draw(seed=3), draw(seed=3))
    np.testing.assert_array_equal(draw(seed=3), draw(seed=np.random.default_rng(3)))
    assert (draw(seed=3) != draw(seed=4)).any()
    assert (draw() != draw()).any()
    going_on = np.random.default_rng(3)
    assert (draw(seed=going_on) != draw(seed=going_on)).any()
    for dtype in (np.float16, ml_dtypes.bfloat16, ">f4", np.float64):
        drawn = draw(seed=3, dtype=dtype)
        assert drawn.dtype == np.dtype(dtype).newbyteorder("=")
        np.testing.assert_allclose(drawn.astype(float), draw(seed=3), rtol=0.01)


@pytest.mark.parametrize("factors", [(2, 3), (4, 1), (5, 2)])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_bilinear_interpolates(factors, groups):
    """Away from the outermost ceil((f - 1) / 2) outputs, which see zeros beyond the border."""
    kernel = tuple(2 * f - f % 2 for f in factors)
    padding = tuple(f // 2 for f in factors)
    weight = init.bilinear(6, kernel, groups, dtype=np.float64)
    assert weight.shape == (6, 6 // groups, *kernel)
    x = np.random.default_rng(4).standard_normal((2, 6, 5, 7))
    ours = upsampler.conv_transpose2d(x, weight, None, factors, padding, groups=groups)
    expected = upsampler.interpolate(x, scale_factor=factors, mode="bilinear")
    assert ours.shape == expected.shape
    inner = (..., *(slice(p, m - p) for p, m in zip(padding, ours.shape[2:], strict=True)))
    np.testing.assert_allclose(ours[inner], expected[inner], rtol=0, atol=1e-14)
    assert (np.abs(ours - expected)[:, :, 0] > 1e-3).any()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 10])
def test_bilinear_is_the_filter_of_fcn(size):
    """The lines of the paper's reference code."""
    factor = (size + 1) // 2
    center = factor - 1 if size % 2 == 1 else factor - 0.5
    og = np.ogrid[:size, :size]
    expected = (1 - abs(og[0] - center) / factor) * (1 - abs(og[1] - center) / factor)
    np.testing.assert_allclose(init.bilinear(2, size, dtype=float)[1, 1], expected, atol=1e-15)
    assert not init.bilinear(2, size)[0, 1].any()


@pytest.mark.parametrize(("rank", "factor"), [(1, 2), (3, 3)])
def test_bilinear_in_other_ranks(rank, factor):
    kernel = (2 * factor - factor % 2,) * rank
    weight = init.bilinear(1, kernel, dtype=np.float64)
    x = np.random.default_rng(5).standard_normal((1, 1, 4, 3, 5)[: rank + 2])
    run = getattr(upsampler, f"conv_transpose{rank}d")
    ours = run(x, weight, None, factor, factor // 2)
    layout = {1: "NCW", 3: "NCDHW"}[rank]
    expected = upsampler.interpolate(x, scale_factor=factor, mode="linear", layout=layout)
    inner = (..., *(slice(factor // 2, -(factor // 2)),) * rank)
    np.testing.assert_allclose(ours[inner], expected[inner], rtol=0, atol=1e-14)


@pytest.mark.parametrize(("r", "groups"), [(2, 1), (3, 2), (1, 1)])
def test_icnr_and_shuffle_are_the_nearest_resize_of_the_sub_kernel(r, groups):
    weight = init.icnr((4 * r * r, 6 // groups, 3, 5), r, seed=6, dtype=np.float64)
    x = np.random.default_rng(7).standard_normal((2, 6, 5, 8))
    tensor = torch.from_numpy(x)
    convolved = F.conv2d(tensor, torch.from_numpy(weight), padding=(1, 2), groups=groups)
    ours = upsampler.pixel_shuffle(convolved.numpy(), r)
    sub = torch.from_numpy(weight[:: r * r].copy())
    small = F.conv2d(tensor, sub, padding=(1, 2), groups=groups).numpy()
    expected = upsampler.interpolate(small, scale_factor=r, mode="nearest")
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("padding", [(0, 0), (1, 2), (3, 1)])
def test_icnr_of_a_transposed_convolution(padding):
    """The nearest resize of the sub-kernel's transposed convolution, less the padding."""
    stride = (2, 3)
    weight = init.icnr((3, 2, 4, 9), stride, transposed=True, seed=8, dtype=np.float64)
    x = np.random.default_rng(9).standard_normal((1, 3, 5, 4))
    ours = upsampler.conv_transpose2d(x, weight, None, stride, padding)
    small = upsampler.conv_transpose2d(x, np.ascontiguousarray(weight[..., ::2, ::3]))
    large = upsampler.interpolate(small, scale_factor=stride, mode="nearest")
    crop = (..., *(slice(p, m - p) for p, m in zip(padding, large.shape[2:], strict=True)))
    np.testing.assert_allclose(ours, large[crop], rtol=0, atol=1e-13)
    assert upsampler.checkerboard(weight, stride).score < 1e-12
