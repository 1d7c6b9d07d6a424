"""Resize-convolution against the two steps it stands for, against itself, and by hand."""

from functools import partial
from itertools import product

import ml_dtypes
import numpy as np
import pytest
import torch
import torch.nn.functional as F

import upsampler
from upsampler import conv_transpose2d_backward, resize_conv2d, resize_conv2d_backward
from upsampler.backends.products import products
from upsampler.backends.resize_conv_parts import parts, shared_axes, shared_back
from upsampler.resize_conv_spec import resize_conv_spec

from .conv_cases import ints
from .resize_conv_cases import random_case


def two_steps(x, weight, bias, factor=2, mode="nearest", padding="same", padding_mode="zeros",
              groups=1, dilation=(1, 1)):  # fmt: skip
    """What is promised, by PyTorch."""
    align = False if mode == "bilinear" else None
    up = F.interpolate(x, scale_factor=factor, mode=mode, align_corners=align)
    reach = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    if padding == "same":
        around = [(r // 2, r - r // 2) for r in reach]
    else:
        around = [(0, 0), (0, 0)] if padding == "valid" else [(p, p) for p in padding]
    flat = [*around[1], *around[0]]
    up = F.pad(up, flat, mode={"zeros": "constant", "replicate": "replicate"}[padding_mode])
    return F.conv2d(up, weight, bias, dilation=tuple(dilation), groups=groups)


def torch_gradients(grad, x, weight, bias, *arguments):
    """Output and the gradients of input, weight and bias."""
    tensors = [torch.from_numpy(a).requires_grad_() for a in (x, weight, bias)]
    y = two_steps(*tensors, *arguments)
    y.backward(torch.from_numpy(grad))
    return [y.detach().numpy(), *(t.grad.numpy() for t in tensors)]


def close(ours, theirs, tolerance, case):
    scale = max(1.0, float(np.abs(theirs).max(initial=0)))
    error = float(np.abs(ours.astype(np.float64) - theirs).max(initial=0)) / scale
    assert ours.shape == theirs.shape
    assert error <= tolerance, (error, case)


def test_torch(backend):
    rng = np.random.default_rng(0)
    for index in range(400 if backend.startswith("cpu") else 100):
        dtype, tolerance = [(np.float64, 1e-11), (np.float32, 1e-4)][index % 2]
        x, weight, bias, arguments, out = random_case(rng, dtype, many=index % 5 == 0)
        case = (x.shape, weight.shape, arguments)
        ours = resize_conv2d(x, weight, bias, *arguments)
        assert ours.dtype == dtype
        assert ours.shape == (x.shape[0], weight.shape[0], *out), case
        grad = rng.standard_normal(ours.shape).astype(dtype)
        theirs = torch_gradients(grad, x, weight, bias, *arguments)
        mine = [ours, *resize_conv2d_backward(grad, x, weight, *arguments)]
        for a, b in zip(mine, theirs, strict=True):
            assert a.dtype == dtype
            close(a, b, tolerance, case)


def test_window_and_threads_keep_the_bits(cpu):
    rng = np.random.default_rng(1)
    for index in range(150):
        x, weight, bias, arguments, out = random_case(rng, np.float32, many=index % 3 == 0)
        whole = resize_conv2d(x, weight, bias, *arguments, num_threads=1)
        many = resize_conv2d(x, weight, bias, *arguments, num_threads=3)
        assert many.tobytes() == whole.tobytes()
        window = [tuple(sorted(ints(rng, 0, m + 1, 2))) for m in out]
        part = resize_conv2d(x, weight, bias, *arguments, window=window)
        crop = whole[(..., *(slice(*w) for w in window))]
        assert part.tobytes() == np.ascontiguousarray(crop).tobytes(), (window, arguments)


@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize("kernel", [(1, 2), (2, 1), (1, 1), (3, 3)])
@pytest.mark.parametrize("padding_mode", ["zeros", "replicate"])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_windows_beyond_the_border(backend, mode, padding_mode, kernel, channels):
    """Outputs that see no sample of the input, only its border, as a part of the result."""
    rng = np.random.default_rng(13)
    x = rng.standard_normal((1, channels, 1, 2)).astype(np.float32)
    weight = rng.standard_normal((17, channels, *kernel)).astype(np.float32)
    call = partial(
        resize_conv2d, x, weight, None, 2, mode, padding=2, padding_mode=padding_mode, dilation=2
    )
    whole = call()
    h, w = ([(k, k + 1) for k in range(n)] for n in whole.shape[2:])
    for rows, columns in product(h, w):
        part = call(window=(rows, columns))
        assert np.array_equal(part, whole[:, :, slice(*rows), slice(*columns)])


def test_adjoint_with_windows(backend):
    rng = np.random.default_rng(2)
    for _ in range(40):
        x, weight, _, arguments, out = random_case(rng, np.float64)
        window = [tuple(sorted(ints(rng, 0, m + 1, 2))) for m in out]
        y = resize_conv2d(x, weight, None, *arguments, window=window)
        grad = rng.standard_normal(y.shape)
        gx, gw, gb = resize_conv2d_backward(grad, x, weight, *arguments, window=window)
        whole = float((y * grad).sum())
        scale = max(1.0, float(np.abs(y * grad).sum()))
        assert abs(float((x * gx).sum()) - whole) <= 1e-11 * scale
        assert abs(float((weight * gw).sum()) - whole) <= 1e-11 * scale
        np.testing.assert_allclose(gb, grad.sum(axis=(0, 2, 3)), atol=1e-11)


@pytest.mark.parametrize("padding_mode", ["zeros", "replicate"])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("layout", ["NHWC", "CHWN", "HWNC", "CHW", "HWC"])
def test_layouts(backend, layout, mode, padding_mode):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2 if "N" in layout else 1, 6, 5, 7))
    weight, bias = rng.standard_normal((4, 3, 3, 4)), rng.standard_normal(4)
    arguments = ((2, 3), mode, (1, 2), padding_mode, 2)
    expected = resize_conv2d(x, weight, bias, *arguments)
    grad = rng.standard_normal(expected.shape)
    gradients = resize_conv2d_backward(grad, x, weight, *arguments)

    def arranged(a):
        a = a if "N" in layout else a[0]
        return np.transpose(a, ["NCHW"[4 - a.ndim :].index(letter) for letter in layout])

    dense = np.ascontiguousarray(arranged(x))
    out = np.full((*arranged(expected).shape[:-1], 2 * arranged(expected).shape[-1]), 7.0)[
        ..., 1::2
    ]
    returned = resize_conv2d(dense, weight, bias, *arguments, layout=layout, out=out)
    assert returned is out
    np.testing.assert_allclose(out, arranged(expected), rtol=0, atol=1e-12)
    assert (out.base[..., ::2] == 7).all()
    mine = resize_conv2d_backward(arranged(grad), dense, weight, *arguments, layout=layout)
    np.testing.assert_allclose(mine[0], arranged(gradients[0]), rtol=0, atol=1e-11)
    for a, b in zip(mine[1:], gradients[1:], strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("kernel", [1, 3])
def test_half_types_are_rounded_once(cpu, dtype, mode, kernel):
    rng = np.random.default_rng(4)
    x = rng.standard_normal((1, 200, 4, 5)).astype(dtype)
    weight = (rng.standard_normal((3, 200, kernel, kernel)) / 20).astype(dtype)
    wide = [a.astype(float) for a in (x, weight)]
    ours = resize_conv2d(x, weight, mode=mode)
    exact = resize_conv2d(*wide, mode=mode)
    assert ours.dtype == dtype
    ulp = np.spacing(np.abs(exact).astype(dtype)).astype(float)
    assert (np.abs(ours.astype(float) - exact) <= 0.51 * ulp + 1e-4).all()
    grad = rng.standard_normal(ours.shape).astype(dtype)
    exact = resize_conv2d_backward(grad.astype(float), *wide, mode=mode)
    for a, b in zip(resize_conv2d_backward(grad, x, weight, mode=mode), exact, strict=True):
        ulp = np.spacing(np.abs(b).astype(dtype)).astype(float)
        assert (np.abs(a.astype(float) - b) <= 0.51 * ulp + 1e-4).all()


@pytest.mark.parametrize("arguments", [(2, "nearest"), (2, "bilinear"), ((3, 1), "bilinear")])
def test_finite_differences(backend, arguments):
    rng = np.random.default_rng(5)
    x, weight = rng.standard_normal((1, 2, 3, 4)), rng.standard_normal((2, 2, 3, 2))
    y = resize_conv2d(x, weight, None, *arguments)
    grad = rng.standard_normal(y.shape)
    gx, gw, _ = resize_conv2d_backward(grad, x, weight, *arguments)
    step = 1e-6
    for array, gradient in ((x, gx), (weight, gw)):
        for place in np.ndindex(array.shape):
            values = []
            for sign in (1, -1):
                moved = array.copy()
                moved[place] += sign * step
                pair = (moved, weight) if array is x else (x, moved)
                values.append((resize_conv2d(*pair, None, *arguments) * grad).sum())
            assert abs((values[0] - values[1]) / (2 * step) - gradient[place]) < 1e-6


def test_nearest_is_a_transposed_convolution(backend):
    """x2 and 3 x 3: kernel 4, stride 2, padding 1 with the box-convolved kernel, everywhere."""
    rng = np.random.default_rng(6)
    x, weight = rng.standard_normal((2, 3, 5, 7)), rng.standard_normal((4, 3, 3, 3))
    box = np.zeros((3, 4, 4, 4))
    for i, j in np.ndindex(2, 2):
        box[:, :, i : i + 3, j : j + 3] += weight.swapaxes(0, 1)[..., ::-1, ::-1]
    expected = upsampler.conv_transpose2d(x, box, stride=2, padding=1)
    np.testing.assert_allclose(resize_conv2d(x, weight), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_a_constant_stays_constant(backend, mode):
    """With a kernel of sum 1 and the border repeated: no checkerboard, not even at the border."""
    weight = np.random.default_rng(7).standard_normal((1, 1, 3, 3))
    weight /= weight.sum()
    made = resize_conv2d(np.full((1, 1, 5, 4), 3.0), weight, None, 3, mode, "same", "replicate")
    np.testing.assert_allclose(made, 3, rtol=0, atol=1e-12)


def test_factor_one_is_a_convolution(backend):
    rng = np.random.default_rng(8)
    x, weight = rng.standard_normal((2, 6, 8, 5)), rng.standard_normal((4, 3, 3, 2))
    bias = rng.standard_normal(4)
    for mode in ("nearest", "bilinear"):
        ours = resize_conv2d(x, weight, bias, 1, mode, groups=2, dilation=2)
        tensors = [torch.from_numpy(a) for a in (x, weight, bias)]
        theirs = torch.nn.functional.conv2d(*tensors, padding="same", groups=2, dilation=2)
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("shape", [(1, 40, 37, 101), (2, 3, 130, 70)])
def test_several_tiles(cpu, mode, shape):
    rng = np.random.default_rng(9)
    x = rng.standard_normal(shape).astype(np.float32)
    weight = rng.standard_normal((13, shape[1], 3, 5)).astype(np.float32)
    one = resize_conv2d(x, weight, mode=mode, num_threads=1)
    assert one.tobytes() == resize_conv2d(x, weight, mode=mode, num_threads=5).tobytes()
    exact = two_steps(*(torch.from_numpy(a).double() for a in (x, weight)), None, 2, mode).numpy()
    close(one, exact, 1e-5, shape)


def test_the_upsampled_array_is_never_made(cpu):
    """Peak memory beyond input and result stays far below one upsampled input."""
    import tracemalloc

    x = np.ones((1, 32, 120, 128), np.float32)
    weight = np.ones((2, 32, 3, 3), np.float32)
    up_bytes = x.nbytes * 16
    for mode in ("nearest", "bilinear"):
        out = np.empty((1, 2, 480, 512), np.float32)
        resize_conv2d(x, weight, None, 4, mode, out=out)
        tracemalloc.start()
        resize_conv2d(x, weight, None, 4, mode, out=out)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < up_bytes / 8, mode


def products_of(mode, factor, kernel, channels=(16, 16), dilation=1):
    """How many products along each axis the phases share, or None."""
    x = np.ones((1, channels[0], 3, 4), np.float32)
    weight = np.ones((channels[1], channels[0], *kernel), np.float32)
    spec = resize_conv_spec(x, weight, None, factor, mode, dilation=dilation)
    axes = shared_axes(spec)
    return None if axes is None else tuple(len(axis.plane) for axis in axes)


def test_half_types_overflow_to_infinity(cpu):
    """Inside, at the border and in every gradient alike, without a warning."""
    x = np.full((1, 1, 5, 7), 2**15, np.float16)
    weight = np.full((1, 1, 3, 3), 2, np.float16)
    out = resize_conv2d(x, weight, None, 2, "bilinear")
    assert np.isposinf(out).all()
    grad = np.full_like(out, 2**15)
    for found in resize_conv2d_backward(grad, x, weight, 2, "bilinear"):
        assert np.isposinf(found).all()
    for found in conv_transpose2d_backward(grad[..., :9, :13], x, weight, 2, 1):
        assert np.isposinf(found).all()


def test_wide_kernels_share_nothing():
    """Whether they do is known without a matrix of their reach, here of 80 GB."""
    assert products("nearest", 2, 3, 25_000) is None
    assert products("nearest", 3, 3, 3) is not None  # as wide as it goes
    assert products("nearest", 3, 3, 4) is None


def test_phases_share_products():
    """For nearest as many products as taps, whatever the factor."""
    assert products_of("nearest", 2, (3, 3)) == (3, 3)
    assert products_of("nearest", (4, 3), (5, 3)) == (5, 3)
    assert products_of("bilinear", 2, (3, 3)) == (4, 4)
    assert products_of("bilinear", 4, (3, 5)) == (7, 9)
    # An axis that is not enlarged has its taps.
    assert products_of("nearest", (1, 2), (3, 3)) == (3, 3)
    # Few channels, a long reach, or nothing to share: folded kernels.
    assert products_of("nearest", 2, (3, 3), channels=(3, 16)) is None
    assert products_of("nearest", 2, (3, 3), channels=(16, 3)) is None
    assert products_of("bilinear", 2, (5, 3)) is None
    assert products_of("nearest", 2, (3, 3), dilation=3) is None
    assert products_of("nearest", 1, (3, 3)) is None


def shares_back_of(mode, padding=(1, 1), padding_mode="replicate", channels=(16, 16), window=None):
    x = np.ones((1, channels[0], 3, 4), np.float32)
    weight = np.ones((channels[1], channels[0], 3, 3), np.float32)
    spec = resize_conv_spec(x, weight, None, 2, mode, padding, padding_mode, window=window)
    return shared_back(spec) is not None


def test_gradients_share_products():
    assert shares_back_of("nearest")
    assert shares_back_of("bilinear", padding_mode="zeros")
    assert not shares_back_of("nearest", channels=(8, 16))
    # Outputs around samples that lie outside: those of zeros, but not those of the border.
    assert shares_back_of("nearest", padding=(2, 1), padding_mode="zeros")
    assert not shares_back_of("nearest", padding=(2, 1))
    assert shares_back_of("nearest", padding=(2, 1), window=((1, 7), (0, 8)))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_gradients_of_many_channels(cpu, mode, layout):
    """Several tiles and parts, and channels that fill no register."""
    rng = np.random.default_rng(12)
    x = rng.standard_normal((2, 149, 13, 37)).astype(np.float32)
    weight = rng.standard_normal((21, 149, 3, 3)).astype(np.float32)
    grad = rng.standard_normal((2, 21, 26, 74)).astype(np.float32)
    theirs = torch_gradients(grad, x, weight, np.ones(21, np.float32), 2, mode)[1:]
    if layout == "NHWC":
        x, grad = (np.ascontiguousarray(a.transpose(0, 2, 3, 1)) for a in (x, grad))
    ours = list(resize_conv2d_backward(grad, x, weight, 2, mode, layout=layout))
    by_three = resize_conv2d_backward(grad, x, weight, 2, mode, layout=layout, num_threads=3)
    assert [a.tobytes() for a in by_three] == [a.tobytes() for a in ours]
    ours[0] = ours[0].transpose(0, 3, 1, 2) if layout == "NHWC" else ours[0]
    for a, b in zip(ours, theirs, strict=True):
        close(a, b, 1e-5, mode)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_what_is_not_finite_stays_where_it_is_read(cpu, mode):
    """Differences of neighbours bring no NaN to outputs that do not read it."""
    weight = np.ones((16, 8, 3, 3), np.float32)
    for row, column in [(2, 4), (0, 0), (6, 8), (0, 5), (3, 8)]:
        x = np.zeros((1, 8, 7, 9), np.float32)
        x[0, 3, row, column] = np.nan
        ours = np.isnan(resize_conv2d(x, weight, mode=mode))
        theirs = two_steps(torch.from_numpy(x), torch.from_numpy(weight), None, 2, mode).numpy()
        np.testing.assert_array_equal(ours, np.isnan(theirs))


@pytest.mark.parametrize("padding_mode", ["zeros", "replicate"])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_wide_dilations_are_not_folded(cpu, mode, padding_mode):
    """A folded kernel would be dense zeros: 17 seconds for what takes milliseconds in two steps."""
    rng = np.random.default_rng(11)
    x, weight = rng.standard_normal((2, 3, 9, 7)), rng.standard_normal((4, 3, 3, 2))
    arguments = (2, mode, (17, 30), padding_mode, 1, (17, 23))
    spec = resize_conv_spec(x, weight, None, *arguments)
    assert parts(spec).inner is None
    y = resize_conv2d(x, weight, np.ones(4), *arguments)
    grad = rng.standard_normal(y.shape)
    theirs = torch_gradients(grad, x, weight, np.ones(4), *arguments)
    gradients = resize_conv2d_backward(grad, x, weight, *arguments)
    for a, b in zip([y, *gradients], theirs, strict=True):
        close(a, b, 1e-11, arguments)


def test_overlapping_out(backend):
    rng = np.random.default_rng(10)
    buffer = rng.standard_normal((1, 2, 4, 8))
    x = buffer[:, :, :, :4]
    weight = rng.standard_normal((2, 2, 3, 3))
    expected = resize_conv2d(x.copy(), weight, None, 1)
    np.testing.assert_array_equal(resize_conv2d(x, weight, None, 1, out=x), expected)


def test_empty(backend):
    weight = np.ones((3, 2, 3, 3))
    assert resize_conv2d(np.ones((0, 2, 4, 4)), weight).shape == (0, 3, 8, 8)
    gx, gw, gb = resize_conv2d_backward(np.ones((0, 3, 8, 8)), np.ones((0, 2, 4, 4)), weight)
    assert gx.shape == (0, 2, 4, 4)
    assert not gw.any()
    assert not gb.any()
    for mode in ("nearest", "bilinear"):
        for k in (1, 3):
            none = (np.ones((2, 0, 4, 4)), np.ones((2, 0, k, k)))
            assert (resize_conv2d(*none, np.ones(2), mode=mode) == 1).all()
            gradients = resize_conv2d_backward(np.ones((2, 2, 8, 8)), *none, mode=mode)
            assert (gradients[2] == 128).all()
