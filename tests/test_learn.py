"""Kernels in closed form: planted ones come back, and brute-force least squares agrees."""

import itertools
import weakref

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis.strategies import booleans, data, integers

import upsampler
from upsampler import fit_conv_transpose, least_squares

# Kernel, stride, padding, output padding: along H and W.
GEOMETRIES = [
    ((6, 6), (2, 2), (2, 2), (0, 0)),
    ((4, 4), (2, 2), (1, 1), (1, 0)),
    ((3, 3), (2, 2), (1, 1), (1, 1)),
    ((5, 4), (3, 2), (1, 0), (2, 1)),
    ((7, 3), (1, 2), (3, 1), (0, 1)),
    ((1, 2), (2, 3), (0, 0), (1, 2)),  # phases without any tap
    ((9, 2), (4, 1), (8, 1), (3, 0)),
]


def by_torch(x, weight, bias, stride, padding, output_padding, groups=1):
    tensors = [None if a is None else torch.from_numpy(a) for a in (x, weight, bias)]
    return torch.nn.functional.conv_transpose2d(
        *tensors, stride, padding, output_padding, groups
    ).numpy()


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("channels", ["shared", "full"])
@pytest.mark.parametrize(("kernel", "stride", "padding", "extra"), GEOMETRIES)
def test_planted_kernels_come_back(kernel, stride, padding, extra, channels, biased):
    rng = np.random.default_rng(0)
    sides, groups = ((3, 3), 3) if channels == "shared" else ((2, 3), 1)
    weight = rng.standard_normal((1, 1, *kernel) if groups == 3 else (*sides, *kernel))
    weight = np.repeat(weight, groups, 0)
    bias = np.repeat(rng.standard_normal(3 // groups), groups)
    low = rng.standard_normal((4, sides[0], 11, 13)) + 2
    high = by_torch(low, weight, bias * biased, stride, padding, extra, groups)
    found = fit_conv_transpose(low, high, kernel, stride, padding, channels=channels, bias=biased)
    np.testing.assert_allclose(found.weight, weight, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found(low), high, rtol=0, atol=1e-8)
    assert found.dtype == np.float64
    if biased:
        np.testing.assert_allclose(found.bias, bias, rtol=0, atol=1e-8)
    else:
        assert found.bias is None


@pytest.mark.parametrize("layout", ["NHWC", "CHW", "HWC"])
def test_layouts(layout):
    rng = np.random.default_rng(1)
    weight, low = rng.standard_normal((3, 2, 4, 6)), rng.standard_normal((1, 3, 7, 9))
    high = by_torch(low, weight, None, 2, (1, 2), 0)

    def laid_out(x):
        order = ["NCHW".index(letter) for letter in layout]
        return x.transpose(order if "N" in layout else ["CHW".index(c) for c in layout])

    pair = [laid_out(x if "N" in layout else x[0]) for x in (low, high)]
    found = fit_conv_transpose(*pair, (4, 6), channels="full", layout=layout)
    np.testing.assert_allclose(found.weight, weight, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found(pair[0]), pair[1], rtol=0, atol=1e-10)


@settings(max_examples=40)
@given(data())
def test_what_a_kernel_has_made_is_made_again(draw):
    """Also where pictures are too small to tell the kernel: any that fits will do."""
    pick = draw.draw
    axes = []
    for _ in range(2):
        k, s, n = pick(integers(1, 7)), pick(integers(1, 4)), pick(integers(1, 9))
        p, e = pick(integers(0, k - 1)), pick(integers(0, s - 1))
        axes.append((k, s, n, p, e + max(0, 1 - ((n - 1) * s - 2 * p + k + e))))
    kernel, stride, sizes, padding, extra = zip(*axes, strict=True)
    assume(all(e < s for e, s in zip(extra, stride, strict=True)))
    biased, full = pick(booleans()), pick(booleans())
    rng = np.random.default_rng(pick(integers(0, 99)))
    sides, groups = ((2, 3), 1) if full else ((3, 3), 3)
    weight = rng.standard_normal((*sides, *kernel) if full else (1, 1, *kernel))
    bias = np.full(3, rng.standard_normal()) * biased
    low = rng.standard_normal((1, sides[0], *sizes))
    high = by_torch(low, np.repeat(weight, groups, 0), bias, stride, padding, extra, groups)
    found = fit_conv_transpose(
        low, high, kernel, stride, padding, channels="full" if full else "shared", bias=biased
    )
    np.testing.assert_allclose(found(low), high, rtol=0, atol=1e-6)


def test_more_taps_and_outputs_than_go_into_one_product():
    rng = np.random.default_rng(10)
    weight, low = rng.standard_normal((9, 11, 4, 5)), rng.standard_normal((1, 9, 31, 37))
    high = by_torch(low, weight, None, 2, 1, 0)
    found = fit_conv_transpose(low, high, (4, 5), channels="full")
    np.testing.assert_allclose(found.weight, weight, rtol=0, atol=1e-10)


def design(low, shape, kernel, stride, padding, extra):
    """Column by column, what each weight alone makes of `low`; flattened."""
    channels_in, channels_out = shape
    columns = []
    for index in np.ndindex(channels_in, channels_out, *kernel):
        one = np.zeros((channels_in, channels_out, *kernel))
        one[index] = 1
        columns.append(by_torch(low, one, None, stride, padding, extra).ravel())
    return np.stack(columns, 1)


@pytest.mark.parametrize(("kernel", "stride", "padding", "extra"), GEOMETRIES)
@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_brute_force_agrees(kernel, stride, padding, extra, ridge):
    """On data that no kernel explains."""
    rng = np.random.default_rng(2)
    low = rng.standard_normal((2, 2, 9, 8)) + 0.5
    matrix = design(low, (2, 2), kernel, stride, padding, extra)
    shape = by_torch(low, np.zeros((2, 2, *kernel)), None, stride, padding, extra).shape
    high = rng.standard_normal(shape) + 3
    options = {"channels": "full", "ridge": ridge}
    found = fit_conv_transpose(low, high, kernel, stride, padding, **options)
    if not ridge:
        ones = np.zeros((2, *shape))
        ones[0, :, 0] = ones[1, :, 1] = 1
        matrix = np.hstack([matrix, ones.reshape(2, -1).T])
        best = np.linalg.lstsq(matrix, high.ravel(), rcond=None)[0]
        found = fit_conv_transpose(low, high, kernel, stride, padding, bias=True, **options)
        np.testing.assert_allclose(found.weight.ravel(), best[:-2], rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.bias, best[-2:], rtol=0, atol=1e-10)
        return
    # The same problem with a row for each weight, of the strength that the documentation names:
    # this part of the mean power of the taps of its phase and of all channels.
    start = fit_conv_transpose(0 * low, high, kernel, stride, padding, channels="full").weight
    power = (matrix**2).sum(0).reshape(2, 2, *kernel)
    pull = np.empty_like(power)
    for y, x in np.ndindex(*stride):
        part = power[:, :, y :: stride[0], x :: stride[1]]
        pull[:, :, y :: stride[0], x :: stride[1]] = ridge * part[:, 0].mean() if part.size else 0
    rows = np.diag(np.sqrt(pull.ravel()))
    matrix = np.vstack([matrix, rows])
    wanted = np.concatenate([high.ravel(), rows @ start.ravel()])
    best = np.linalg.lstsq(matrix, wanted, rcond=None)[0]
    np.testing.assert_allclose(found.weight.ravel(), best, rtol=0, atol=1e-10)


def test_the_gradient_is_zero_at_the_fit():
    """Border included: no other kernel is better, by the package's own gradients."""
    rng = np.random.default_rng(3)
    low, high = rng.standard_normal((1, 3, 37, 41)), rng.standard_normal((1, 3, 74, 82))
    found = fit_conv_transpose(low, high, bias=True, channels="full")
    assert found.kernel_size == (10, 10)
    assert found.padding == (4, 4)
    grad_x = found.backward(found(low) - high)
    assert np.abs(grad_x).max() > 1
    for gradient in found.gradients():
        assert np.abs(gradient).max() < 1e-9


def bilinear(kernel, stride):
    line = np.maximum(0, 1 - np.abs(np.arange(kernel) - (kernel - 1) / 2) / stride)
    return np.outer(line, line)


@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), (10, 2), (5, 3), (12, 4)])
@pytest.mark.parametrize("biased", [False, True])
def test_data_that_leave_the_kernel_open_give_bilinear_interpolation(kernel, stride, biased):
    """Nothing, a constant, a single row: no garbage, no warning, no made-up detail."""
    high = np.ones((1, 1, 15 * stride, 17 * stride))
    low = np.ones((1, 1, 15 + 8, 17 + 8))  # with the border repeated
    padding = (kernel - stride) // 2 + 4 * stride
    for value in (0.0, 1e-200, 3.7, 200.0):
        found = fit_conv_transpose(low * value, high * value, kernel, stride, padding, bias=biased)
        np.testing.assert_allclose(found.weight[0, 0], bilinear(kernel, stride), atol=1e-12)
        if biased:
            assert abs(found.bias[0]) <= 1e-12 * value


def test_a_ramp_is_continued():
    """Three taps of 25 suffice for a plane; the others must not blow up."""
    y, x = np.mgrid[:24, :30]
    high = 2.0 * y - 3 * x + 7
    low = upsampler.avg_pool2d(high, 2, layout="HW")
    kernel = fit_conv_transpose(low[None, None], high[None, None, 8:-8, 8:-8], 10, padding=12)
    kernel = kernel.weight[0, 0]
    assert np.abs(kernel).max() < 2
    for row, column in np.ndindex(2, 2):
        assert kernel[row::2, column::2].sum() == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 1)])
def test_tiny_pictures(shape):
    low = np.full((1, 2, *shape), 0.5, np.float32)
    high = np.ones((1, 2, 2 * shape[0], 2 * shape[1]), np.float32)
    found = fit_conv_transpose(low, high, 6)
    assert np.isfinite(found.weight).all()
    np.testing.assert_allclose(found(low), high, rtol=1e-5)


def test_ridge_goes_from_the_best_fit_to_bilinear_interpolation():
    rng = np.random.default_rng(4)
    low, high = rng.random((1, 1, 31, 29)), rng.random((1, 1, 62, 58))
    kernels = [fit_conv_transpose(low, high, 6, ridge=r).weight[0, 0] for r in (0, 1e-3, 1, 1e6)]
    far = [float(np.abs(k - bilinear(6, 2)).max()) for k in kernels]
    assert far == sorted(far, reverse=True)
    assert far[0] > 0.1
    assert far[-1] < 1e-5
    errors = [float(((fit_error(k, low, high)) ** 2).sum()) for k in kernels]
    assert errors == sorted(errors)


def fit_error(kernel, low, high):
    return by_torch(low, kernel[None, None], None, 2, 2, 0) - high


def test_pairs_are_summed_one_by_one():
    rng = np.random.default_rng(5)
    sizes = [(5, 9), (12, 7), (20, 3)]
    data = [
        (rng.standard_normal((2, 3, *n)), rng.standard_normal((2, 3, 2 * n[0], 2 * n[1])))
        for n in sizes
    ]
    alive = []

    def pairs():
        for low, high in data:
            copies = low.copy(), high.copy()
            alive.append(weakref.ref(copies[0]))
            assert sum(ref() is not None for ref in alive) <= 2
            yield copies

    found = fit_conv_transpose(pairs(), kernel_size=6, bias=True)
    parts = [
        (low[i : i + 1, c : c + 1], high[i : i + 1, c : c + 1])
        for low, high in reversed(data)
        for i, c in itertools.product(range(2), range(3))
    ]
    alone = fit_conv_transpose(parts, kernel_size=6, bias=True)
    assert (found.groups, alone.groups) == (3, 1)
    np.testing.assert_allclose(found.weight[2], alone.weight[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.bias[1], alone.bias[0], rtol=0, atol=1e-12)
    # One after the other is not the same as the mean of single fits.
    single = fit_conv_transpose(*data[0], kernel_size=6, bias=True)
    assert np.abs(single.weight - found.weight).max() > 0.01


def test_pairs_of_even_and_odd_sizes():
    rng = np.random.default_rng(5)
    weight, bias = rng.standard_normal((2, 3, 5, 5)), rng.standard_normal(3)
    lows = [rng.standard_normal((1, 2, 11, n)) for n in (9, 14, 8)]
    pairs = [(x, by_torch(x, weight, bias, 2, 2, e)) for x, e in zip(lows, (1, 0, 1), strict=True)]
    found = fit_conv_transpose(pairs, kernel_size=5, channels="full", bias=True)
    assert (found.padding, found.output_padding) == ((2, 2), (1, 1))
    np.testing.assert_allclose(found.weight, weight, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.bias, bias, rtol=0, atol=1e-10)


@pytest.mark.parametrize("samples", [1, 1000, 1 << 22])
def test_blocks_change_nothing(samples, monkeypatch):
    rng = np.random.default_rng(6)
    low, high = rng.standard_normal((1, 2, 13, 19)), rng.standard_normal((1, 3, 39, 38))
    whole = fit_conv_transpose(low, high, (7, 4), (3, 2), channels="full", bias=True)
    monkeypatch.setattr(least_squares, "BLOCK", samples)
    cut = fit_conv_transpose(low, high, (7, 4), (3, 2), channels="full", bias=True)
    np.testing.assert_allclose(cut.weight, whole.weight, rtol=0, atol=1e-12)
    np.testing.assert_allclose(cut.bias, whole.bias, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float16", "float32", ">f8"])
def test_data_of_any_type(dtype):
    rng = np.random.default_rng(7)
    low, high = rng.integers(0, 100, (1, 1, 9, 12)), rng.integers(0, 100, (1, 1, 18, 24))
    exact = fit_conv_transpose(low.astype(float), high.astype(float), 4).weight
    found = fit_conv_transpose(low.astype(dtype), high.astype(dtype)[..., ::-1][..., ::-1], 4)
    of = np.dtype(dtype)
    kind = of.newbyteorder("=") if of.kind == "f" else np.dtype(np.float32)
    assert found.dtype == kind
    np.testing.assert_array_equal(found.weight, exact.astype(kind))
    named = fit_conv_transpose(low.astype(dtype), high.astype(dtype), 4, dtype="float64")
    np.testing.assert_array_equal(named.weight, exact)


@pytest.mark.parametrize(
    ("low", "high", "kernel", "stride", "padding", "extra"),
    [
        (8, 16, None, 2, 4, 0),
        (8, 24, None, 3, 6, 0),
        (8, 17, 4, 2, 1, 1),
        (8, 18, 4, 2, 0, 0),
        (8, 19, 4, 2, 0, 1),
        (8, 16, 3, 2, 1, 1),
        (8, 14, 4, 2, 2, 0),
        (8, 16, 1, 2, 0, 1),
        (8, 8, 5, 1, 2, 0),
        (12, 16, 10, 2, 8, 0),  # the border of 2 repeated before
    ],
)
def test_padding_follows_from_sizes(low, high, kernel, stride, padding, extra):
    rng = np.random.default_rng(8)
    x, y = rng.standard_normal((1, 1, low, low + 1)), np.zeros((1, 1, high, high + stride))
    found = fit_conv_transpose(x, y, kernel, stride)
    assert found.padding == (padding, padding)
    assert found.output_padding == (extra, extra)
    assert found(x).shape == y.shape


def test_a_bare_kernel_is_fast_enough_for_photographs():
    """No copy of a picture for each tap: the peak stays near that of the picture itself."""
    import tracemalloc

    low = np.random.default_rng(9).integers(0, 256, (1, 1, 600, 500)).astype(np.uint8)
    high = np.repeat(np.repeat(low, 2, 2), 2, 3)
    tracemalloc.start()
    fit_conv_transpose(low, high)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * low.nbytes  # in float64, 25 taps alone would be 200 times
