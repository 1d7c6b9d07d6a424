"""Conversions of upsampling convolutions: equal everywhere, gradients too, PyTorch as the judge."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import upsampler
from upsampler import ConvTranspose2d, PixelShuffle, ResizeConv2d, Sequential, convert

from .conv_cases import ints

X = np.random.default_rng(0).standard_normal((2, 6, 5, 7))


def close(ours, theirs, tolerance=1e-12):
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


def transposed(x, weight, bias, *geometry):
    return F.conv_transpose2d(x, weight, bias, *geometry)


def shuffled(x, weight, bias, r, padding, groups, crop):
    """What ShuffleConv promises, by PyTorch."""
    large = F.pixel_shuffle(F.conv2d(x, weight, bias, 1, padding, 1, groups), r)
    (top, bottom), (left, right) = crop
    return large[:, :, top : large.shape[2] - bottom, left : large.shape[3] - right]


def resized(x, weight, bias, scale, mode, padding, padding_mode, groups, dilation):
    """Upsampling, padding, convolution: three steps of PyTorch."""
    up = F.interpolate(x, scale_factor=scale, mode=mode)
    reach = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    if isinstance(padding, str):
        around = [(r // 2, r - r // 2) if padding == "same" else (0, 0) for r in reach]
    else:
        around = [(p, p) for p in padding]
    if padding_mode == "replicate":
        up = F.pad(up, (*around[1], *around[0]), mode="replicate")
    else:
        up = F.pad(up, (*around[1], *around[0]))
    return F.conv2d(up, weight, bias, 1, 0, dilation, groups)


def gradients(run, x, weight, bias, rest, grad):
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    run(*tensors, *rest).backward(torch.tensor(grad))
    return [tensor.grad.numpy() for tensor in tensors]


def transposed_case(rng, same_stride):
    """A random transposed convolution that leaves some of the output of X."""
    while True:
        groups = int(rng.choice([1, 2, 3]))
        kernel, dilation = ints(rng, 1, 7, 2), ints(rng, 1, 4, 2)
        stride = (int(rng.integers(1, 5)),) * 2 if same_stride else ints(rng, 1, 5, 2)
        padding = ints(rng, 0, 5, 2)
        extra = tuple(
            int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True)
        )
        out = [
            (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, s, p, d, k, e in zip(X.shape[2:], stride, padding, dilation, kernel, extra,
                                        strict=True)
        ]  # fmt: skip
        if min(out) > 0:
            break
    weight = rng.standard_normal((6, int(rng.integers(1, 4)), *kernel))
    bias = rng.standard_normal(weight.shape[1] * groups)
    return weight, bias, stride, padding, extra, groups, dilation


def test_transposed_to_shuffle_and_back():
    rng = np.random.default_rng(1)
    for _ in range(150):
        weight, bias, *geometry = transposed_case(rng, same_stride=True)
        expected = transposed(*map(torch.from_numpy, (X, weight, bias)), *geometry).numpy()
        there = convert.conv_transpose_to_shuffle(weight, bias, *geometry)
        tensors = map(torch.from_numpy, (X, there.weight, there.bias))
        close(shuffled(*tensors, *there[2:]).numpy(), expected)
        close(there.apply(X), expected)
        assert set(np.unique(there.weight)) <= {0.0, *weight.ravel()}
        back = convert.shuffle_to_conv_transpose(*there)
        close(upsampler.conv_transpose2d(X, *back), expected)
        assert max(back.output_padding) < max(geometry[0])


def test_small_kernels_of_the_phases():
    """No kernel has a row or a column that no phase needs, where the crop is free."""
    rng = np.random.default_rng(2)
    for _ in range(50):
        weight, _, *geometry = transposed_case(rng, same_stride=True)
        found = convert.conv_transpose_to_shuffle(np.ones_like(weight), None, *geometry).weight
        for axis in (2, 3):
            for end in (0, -1):
                assert np.take(found, end, axis).any()


def test_no_crop():
    rng = np.random.default_rng(3)
    made = refused = 0
    for _ in range(150):
        weight, bias, *geometry = transposed_case(rng, same_stride=True)
        expected = upsampler.conv_transpose2d(X, weight, bias, *geometry)
        r = geometry[0][0]
        whole = not any(m % r for m in expected.shape[2:])
        try:
            found = convert.conv_transpose_to_shuffle(weight, bias, *geometry, crop=False)
        except ValueError:
            refused += 1
            assert not whole
            continue
        made += 1
        assert found.crop == ((0, 0), (0, 0))
        close(found.apply(X), expected)
        assert whole
    assert made > 10
    assert refused > 10


@pytest.mark.parametrize("arguments", [
    ((3, 3), 2, 1, 1), ((4, 4), 2, 1, 0), ((5, 3), 3, (2, 0), (1, 0)), ((2, 7), 2, (0, 3), (0, 1)),
])  # fmt: skip
def test_the_original_comes_back(arguments):
    """By its kernel size: the taps in between were zeros."""
    kernel, stride, padding, extra = arguments
    weight = np.random.default_rng(4).standard_normal((6, 2, *kernel))
    there = convert.conv_transpose_to_shuffle(weight, None, stride, padding, extra, 2)
    back = convert.shuffle_to_conv_transpose(*there, kernel_size=kernel)
    np.testing.assert_array_equal(back.weight, weight)
    assert back.stride == (stride, stride)
    assert back.padding == (padding if isinstance(padding, tuple) else (padding,) * 2)
    assert back.output_padding == (extra if isinstance(extra, tuple) else (extra,) * 2)
    assert (back.bias, back.groups, back.dilation) == (None, 2, (1, 1))


def test_any_convolution_and_shuffle_is_transposed():
    rng = np.random.default_rng(5)
    for _ in range(100):
        r, groups = int(rng.integers(1, 5)), int(rng.choice([1, 2, 3]))
        kernel, padding = ints(rng, 1, 5, 2), ints(rng, 0, 7, 2)
        size = [(n + 2 * p - k + 1) * r for n, p, k in zip((5, 7), padding, kernel, strict=True)]
        crop = [ints(rng, 0, m // 2, 2) for m in size]
        weight = rng.standard_normal((2 * groups * r * r, 6 // groups, *kernel))
        bias = rng.standard_normal(2 * groups)
        given = (weight, np.repeat(bias, r * r), r, padding, groups, crop)
        tensors = map(torch.from_numpy, (X, *given[:2]))
        expected = shuffled(*tensors, *given[2:]).numpy()
        found = convert.shuffle_to_conv_transpose(*given)
        close(upsampler.conv_transpose2d(X, *found), expected)


def test_gradients_of_shuffles():
    """Those of the two weights are the same numbers, where the docstring says."""
    rng = np.random.default_rng(6)
    for _ in range(40):
        weight, bias, *geometry = transposed_case(rng, same_stride=True)
        there = convert.conv_transpose_to_shuffle(weight, bias, *geometry)
        y = upsampler.conv_transpose2d(X, weight, bias, *geometry)
        grad = rng.standard_normal(y.shape)
        ours = upsampler.conv_transpose2d_backward(grad, X, weight, *geometry)
        theirs = gradients(shuffled, X, there.weight, there.bias, there[2:], grad)
        close(ours[0], theirs[0])
        r = there.upscale_factor
        close(ours[2], theirs[2].reshape(-1, r * r).sum(axis=1), 1e-11)
        back = convert.shuffle_to_conv_transpose(theirs[1], None, *there[2:])
        rows, columns = (
            np.arange(k) * d + there_padding - padding
            for k, d, there_padding, padding in zip(
                weight.shape[2:], geometry[4], back.padding, geometry[1], strict=True
            )
        )
        close(ours[1], back.weight[:, :, rows[:, None], columns], 1e-11)


def resize_case(rng, mode):
    groups = int(rng.choice([1, 2, 3]))
    kernel, dilation, scale = ints(rng, 1, 6, 2), ints(rng, 1, 3, 2), ints(rng, 1, 5, 2)
    padding = [ints(rng, 0, 9, 2), "same", "valid"][rng.integers(3)]
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    if isinstance(padding, tuple):
        out = [n * f + 2 * p - r for n, f, p, r in zip((5, 7), scale, padding, reach, strict=True)]
    else:
        out = [
            n * f - r * (padding == "valid") for n, f, r in zip((5, 7), scale, reach, strict=True)
        ]
    if min(out) < 1:
        return resize_case(rng, mode)
    weight = rng.standard_normal((groups * int(rng.integers(1, 4)), 6 // groups, *kernel))
    bias = rng.standard_normal(len(weight))
    return weight, bias, scale, mode, padding, "zeros", groups, dilation


def test_nearest_is_transposed_everywhere():
    rng = np.random.default_rng(7)
    for _ in range(150):
        weight, bias, *rest = resize_case(rng, "nearest")
        expected = resized(*map(torch.from_numpy, (X, weight, bias)), *rest).numpy()
        found = convert.resize_conv_to_conv_transpose(weight, bias, *rest)
        tensors = map(torch.from_numpy, (X, *found[:2]))
        close(transposed(*tensors, *found[2:]).numpy(), expected)


def test_bilinear_is_transposed_but_for_the_border():
    """Exactly so many outputs differ as the docstring says."""
    rng = np.random.default_rng(8)
    inner = X.copy()
    inner[:, :, [0, -1]] = inner[:, :, :, [0, -1]] = 0
    for _ in range(100):
        weight, bias, *rest = resize_case(rng, "bilinear")
        scale, padding, dilation = rest[0], rest[2], rest[5]
        found = convert.resize_conv_to_conv_transpose(weight, bias, *rest)
        expected = resized(*map(torch.from_numpy, (inner, weight, bias)), *rest).numpy()
        close(upsampler.conv_transpose2d(inner, *found), expected)
        expected = resized(*map(torch.from_numpy, (X, weight, bias)), *rest).numpy()
        error = np.abs(upsampler.conv_transpose2d(X, *found) - expected)
        for axis in (0, 1):
            reach = dilation[axis] * (weight.shape[2 + axis] - 1)
            ends = {"same": (reach // 2, reach - reach // 2), "valid": (0, 0)}
            before, behind = ends[padding] if isinstance(padding, str) else (padding[axis],) * 2
            first = before + scale[axis] // 2
            last = error.shape[2 + axis] - behind - scale[axis] // 2
            error = np.moveaxis(error, 2 + axis, 0)[first : max(first, last)]
            error = np.moveaxis(error, 0, 2 + axis)
        assert error.size == 0 or error.max() < 1e-12


def test_the_border_that_differs_is_no_smaller():
    weight = np.random.default_rng(9).uniform(1, 2, (2, 6, 3, 5))
    found = convert.resize_conv_to_conv_transpose(weight, None, (3, 4), "bilinear")
    x = np.abs(X) + 1
    error = upsampler.conv_transpose2d(x, *found) - upsampler.resize_conv2d(
        x, weight, None, (3, 4), "bilinear"
    )
    rows = np.flatnonzero(np.abs(error[:, :, :, 14]).max(axis=(0, 1)) > 1e-9)
    columns = np.flatnonzero(np.abs(error[:, :, 7]).max(axis=(0, 1)) > 1e-9)
    assert rows.tolist() == [0, 1, 13, 14]
    assert columns.tolist() == [0, 1, 2, 3, 24, 25, 26, 27]


def test_replicate_padding_by_hand():
    """A longer border of the input is the replicate padding of the upsampled array."""
    weight = np.random.default_rng(10).standard_normal((2, 6, 3, 5))
    for mode in ("nearest", "bilinear"):
        found = convert.resize_conv_to_conv_transpose(weight, None, 3, mode)
        longer = np.pad(X, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
        crop = upsampler.conv_transpose2d(longer, *found)[:, :, 6:-6, 6:-6]
        expected = upsampler.resize_conv2d(X, weight, None, 3, mode, padding_mode="replicate")
        close(crop, expected)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_resize_back(mode):
    rng = np.random.default_rng(11)
    turned = 0
    for _ in range(150):
        weight, bias, *rest = resize_case(rng, mode)
        rest[5] = (1, 1)
        found = convert.resize_conv_to_conv_transpose(weight, bias, *rest)
        try:
            back = convert.conv_transpose_to_resize_conv(*found, mode=mode)
        except ValueError as error:
            # Only "same" with an even kernel along one axis, which two integers cannot say.
            assert str(error).startswith("output_padding")  # noqa: PT017
            continue
        turned += 1
        expected = upsampler.resize_conv2d(X, weight, bias, *rest)
        close(upsampler.resize_conv2d(X, *back), expected, 1e-10)
        if back.weight.shape == weight.shape:
            np.testing.assert_allclose(back.weight, weight, rtol=0, atol=1e-10)
    assert turned > 100


def test_gradients_of_resizes():
    """The gradient of the convolution is the folded one's, gathered by the same map."""
    rng = np.random.default_rng(12)
    for _ in range(40):
        weight, bias, *rest = resize_case(rng, "nearest")
        found = convert.resize_conv_to_conv_transpose(weight, bias, *rest)
        y = upsampler.conv_transpose2d(X, *found)
        grad = rng.standard_normal(y.shape)
        theirs = gradients(resized, X, weight, bias, rest, grad)
        ours = upsampler.conv_transpose2d_backward(grad, X, found.weight, *found[2:])
        close(ours[0], theirs[0], 1e-11)
        close(ours[2], theirs[2], 1e-11)
        for place in itertools.islice(np.ndindex(weight.shape), 0, None, 11):
            unit = np.zeros_like(weight)
            unit[place] = 1
            folded = convert.resize_conv_to_conv_transpose(unit, None, *rest).weight
            assert abs((folded * ours[1]).sum() - theirs[1][place]) < 1e-9


def test_resize_to_shuffle():
    rng = np.random.default_rng(13)
    for _ in range(60):
        weight, bias, scale, *rest = resize_case(rng, "nearest")
        expected = upsampler.resize_conv2d(X, weight, bias, scale[0], *rest)
        found = convert.resize_conv_to_shuffle(weight, bias, scale[0], *rest)
        close(found.apply(X), expected)


def test_the_sum_of_the_steps():
    """nearest x2, then a 3 x 3 convolution: kernel 4, stride 2, padding 1, box-convolved."""
    weight = np.random.default_rng(14).standard_normal((2, 6, 3, 3))
    found = convert.resize_conv_to_conv_transpose(weight)
    assert found[2:] == ((2, 2), (1, 1), (0, 0), 1, (1, 1))
    for o, i in np.ndindex(2, 6):
        flipped = np.pad(weight[o, i, ::-1, ::-1], 1)
        box = flipped[:-1, :-1] + flipped[1:, :-1] + flipped[:-1, 1:] + flipped[1:, 1:]
        np.testing.assert_allclose(found.weight[i, o], box, atol=1e-15)


@pytest.mark.parametrize("layout", ["NHWC", "CHW"])
def test_layouts_of_a_shuffle(layout):
    weight = np.random.default_rng(15).standard_normal((6, 2, 3, 3))
    found = convert.conv_transpose_to_shuffle(weight, None, 2, (1, 0), (1, 0))
    assert found.crop != ((0, 0), (0, 0))
    expected = found.apply(X[:1])
    arranged = {"NHWC": lambda a: a.transpose(0, 2, 3, 1), "CHW": lambda a: a[0]}[layout]
    close(found.apply(arranged(X[:1]), layout), arranged(expected))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_dtypes(dtype):
    rng = np.random.default_rng(16)
    weight, bias = (rng.standard_normal(s).astype(dtype) for s in ((3, 2, 3, 3), 3))
    folded = convert.resize_conv_to_conv_transpose(weight, bias, 3, "bilinear")
    back = convert.conv_transpose_to_resize_conv(*folded, mode="bilinear")
    shuffle = convert.conv_transpose_to_shuffle(*folded)
    for found in (folded, back, shuffle):
        assert found.weight.dtype == found.bias.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(back.weight, weight, rtol=0, atol=16 * eps)
    again = convert.conv_transpose_to_resize_conv(
        *convert.resize_conv_to_conv_transpose(weight, bias, 2)
    )
    np.testing.assert_allclose(again.weight, weight, rtol=0, atol=16 * eps)


def modules():
    f64 = {"dtype": np.float64, "seed": 17}
    return [
        (ConvTranspose2d(6, 4, 4, 2, 1, groups=2, **f64), convert.to_shuffle),
        (ConvTranspose2d(6, 4, 3, 2, 1, 1, bias=False, **f64), convert.to_shuffle),
        (ConvTranspose2d(6, 4, 5, 3, 1, **f64), convert.to_shuffle),
        (ResizeConv2d(6, 4, (3, 4), 2, groups=2, **f64), convert.to_shuffle),
        (ResizeConv2d(6, 4, (3, 2), (2, 3), bias=False, **f64), convert.to_conv_transpose),
        (ResizeConv2d(6, 4, 3, dilation=2, **f64), convert.to_conv_transpose),
        (Sequential(ResizeConv2d(6, 8, 3, 1, padding="valid", bias=False, **f64), PixelShuffle(2)),
         convert.to_conv_transpose),
        (Sequential(ResizeConv2d(6, 18, (2, 4), 1, bias=False, **f64), PixelShuffle(3)),
         convert.to_conv_transpose),
        (convert.to_conv_transpose(ResizeConv2d(6, 4, 4, 3, **f64)), convert.to_resize_conv),
    ]  # fmt: skip


@pytest.mark.parametrize(("module", "conversion"), modules())
def test_modules(module, conversion):
    other = conversion(module)
    expected = module(X)
    close(other(X), expected)
    grad = np.random.default_rng(18).standard_normal(expected.shape)
    close(other.backward(grad), module.backward(grad), 1e-11)
    for mine, given in itertools.product(other.parameters(), module.parameters()):
        assert not np.shares_memory(mine, given)


def test_modules_keep_dtype_and_layout():
    module = ResizeConv2d(6, 4, 3, dtype=np.float16, layout="NHWC")
    for other in (
        convert.to_conv_transpose(module),
        convert.to_shuffle(module)[0],
        convert.to_resize_conv(convert.to_conv_transpose(module)),
        convert.to_conv_transpose(
            convert.to_shuffle(ConvTranspose2d(6, 4, 2, 2, dtype=np.float16, layout="NHWC"))
        ),
    ):
        assert (other.dtype, other.layout) == (np.float16, "NHWC")
    assert convert.to_shuffle(module)[1].layout == "NHWC"


def test_icnr_starts_as_nearest():
    """A convolution and a shuffle of ICNR are the nearest resize of the sub-kernel's result."""
    weight = upsampler.init.icnr((18, 6, 3, 3), 3, seed=19, dtype=np.float64)
    small = upsampler.resize_conv2d(X, np.ascontiguousarray(weight[::9]), None, 1)
    expected = upsampler.interpolate(small, scale_factor=3)
    found = convert.shuffle_to_conv_transpose(weight, None, 3, 1)
    close(upsampler.conv_transpose2d(X, *found), expected)
    assert upsampler.checkerboard(found.weight, 3).score < 1e-12
