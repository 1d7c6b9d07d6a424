"""Transposed convolution against PyTorch, against itself, and against what it must not do."""

import itertools

import ml_dtypes
import numpy as np
import pytest
import torch
import torch.nn.functional as F

import upsampler

from .conv_cases import BACKWARD, FORWARD, ints, random_case

PEER = {r: getattr(F, f"conv_transpose{r}d") for r in (1, 2, 3)}


def close(ours, theirs, tolerance, case):
    scale = max(1.0, float(np.abs(theirs).max(initial=0)))
    error = float(np.abs(ours.astype(np.float64) - theirs).max(initial=0)) / scale
    assert error <= tolerance, (error, case)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_torch(backend, rank):
    rng = np.random.default_rng(rank)
    # The reference and the emulation are slow; the compiled backends get the full number.
    for index in range(300 if backend.startswith("cpu") else 60):
        dtype, tolerance = [(np.float64, 1e-11), (np.float32, 1e-4)][index % 2]
        x, weight, bias, arguments, _ = random_case(rng, rank, dtype)
        case = (x.shape, weight.shape, arguments)
        tensors = [torch.from_numpy(a).requires_grad_() for a in (x, weight, bias)]
        theirs = PEER[rank](*tensors, *arguments)
        ours = FORWARD[rank](x, weight, bias, *arguments)
        assert ours.dtype == dtype
        close(ours, theirs.detach().numpy(), tolerance, case)
        grad = rng.standard_normal(ours.shape).astype(dtype)
        theirs.backward(torch.from_numpy(grad))
        for g, t in zip(BACKWARD[rank](grad, x, weight, *arguments), tensors, strict=True):
            assert g.shape == tuple(t.shape)
            assert g.dtype == dtype
            close(g, t.grad.numpy(), tolerance, case)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_window_and_threads_keep_the_bits(cpu, rank):
    rng = np.random.default_rng(10 + rank)
    for _ in range(60):
        x, weight, bias, arguments, out = random_case(rng, rank, np.float32)
        whole = FORWARD[rank](x, weight, bias, *arguments, num_threads=1)
        assert (
            FORWARD[rank](x, weight, bias, *arguments, num_threads=3).tobytes() == whole.tobytes()
        )
        window = [tuple(sorted(ints(rng, 0, m + 1, 2))) for m in out]
        part = FORWARD[rank](x, weight, bias, *arguments, window=window)
        crop = whole[(..., *(slice(*w) for w in window))]
        assert part.tobytes() == np.ascontiguousarray(crop).tobytes(), (window, arguments)


@pytest.mark.parametrize("shape", [(2, 3, 70, 90), (1, 40, 37, 301), (1, 200, 33, 65)])
def test_tiles_and_parts_keep_the_bits(cpu, shape):
    """Large enough for several tiles, and for parts of the channels."""
    rng = np.random.default_rng(20)
    x = rng.standard_normal(shape).astype(np.float32)
    weight = rng.standard_normal((shape[1], 29, 4, 3)).astype(np.float32)
    one = upsampler.conv_transpose2d(x, weight, None, (2, 3), 1, num_threads=1)
    many = upsampler.conv_transpose2d(x, weight, None, (2, 3), 1, num_threads=7)
    assert one.tobytes() == many.tobytes()
    window = [(5, one.shape[2] - 3), (17, one.shape[3] - 20)]
    part = upsampler.conv_transpose2d(x, weight, None, (2, 3), 1, window=window)
    assert part.tobytes() == np.ascontiguousarray(one[:, :, 5:-3, 17:-20]).tobytes()
    exact = F.conv_transpose2d(
        torch.from_numpy(x).double(), torch.from_numpy(weight).double(), None, (2, 3), 1
    ).numpy()
    close(one, exact, 1e-5, shape)
    grad = rng.standard_normal(one.shape).astype(np.float32)
    once = upsampler.conv_transpose2d_backward(grad, x, weight, (2, 3), 1, num_threads=1)
    again = upsampler.conv_transpose2d_backward(grad, x, weight, (2, 3), 1, num_threads=5)
    for a, b in zip(once, again, strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("layout", ["NHWC", "CHWN", "HWNC", "NCHW", "CHW", "HWC"])
def test_layouts(backend, layout):
    rng = np.random.default_rng(30)
    x = rng.standard_normal((2 if "N" in layout else 1, 6, 5, 7))
    weight, bias = rng.standard_normal((6, 2, 3, 4)), rng.standard_normal(4)
    arguments = ((2, 3), 1, (1, 2), 2)
    expected = upsampler.conv_transpose2d(x, weight, bias, *arguments)
    grad = rng.standard_normal(expected.shape)
    gradients = upsampler.conv_transpose2d_backward(grad, x, weight, *arguments)

    def arranged(a):
        a = a if "N" in layout else a[0]
        return np.transpose(a, ["NCHW"[4 - a.ndim :].index(letter) for letter in layout])

    ours = upsampler.conv_transpose2d(arranged(x), weight, bias, *arguments, layout=layout)
    np.testing.assert_allclose(ours, arranged(expected), rtol=0, atol=1e-12)
    dense = np.ascontiguousarray(arranged(x))
    out = np.full((*ours.shape[:-1], 2 * ours.shape[-1]), 7.0)[..., 1::2]
    returned = upsampler.conv_transpose2d(dense, weight, bias, *arguments, layout=layout, out=out)
    assert returned is out
    np.testing.assert_allclose(out, ours, rtol=0, atol=1e-12)
    assert (out.base[..., ::2] == 7).all()
    mine = upsampler.conv_transpose2d_backward(
        arranged(grad), dense, weight, *arguments, layout=layout
    )
    np.testing.assert_allclose(mine[0], arranged(gradients[0]), rtol=0, atol=1e-12)
    np.testing.assert_allclose(mine[1], gradients[1], rtol=0, atol=1e-11)
    np.testing.assert_allclose(mine[2], gradients[2], rtol=0, atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_types_accumulate_in_float32(cpu, dtype):
    """256 ones would stop growing at 256 in bfloat16, were they added up in it."""
    rng = np.random.default_rng(40)
    x = rng.standard_normal((1, 300, 4, 5)).astype(dtype)
    weight = rng.standard_normal((300, 3, 2, 2)).astype(dtype)
    ours = upsampler.conv_transpose2d(x, weight, stride=2)
    exact = upsampler.conv_transpose2d(x.astype(float), weight.astype(float), stride=2)
    assert ours.dtype == dtype
    ulp = np.spacing(np.abs(exact).astype(dtype)).astype(float)
    assert (np.abs(ours.astype(float) - exact) <= 0.51 * ulp + 1e-4).all()


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_adjoint(backend, rank):
    rng = np.random.default_rng(50 + rank)
    for _ in range(20):
        x, weight, _, arguments, out = random_case(rng, rank, np.float64)
        window = [tuple(sorted(ints(rng, 0, m + 1, 2))) for m in out]
        y = FORWARD[rank](x, weight, None, *arguments, window=window)
        grad = rng.standard_normal(y.shape)
        gx, gw, gb = BACKWARD[rank](grad, x, weight, *arguments, window=window)
        product = float((y * grad).sum())
        scale = max(1.0, float(np.abs(y * grad).sum()))
        assert abs(float((x * gx).sum()) - product) <= 1e-12 * scale
        assert abs(float((weight * gw).sum()) - product) <= 1e-12 * scale
        np.testing.assert_allclose(gb, grad.sum(axis=(0, *range(2, rank + 2))), atol=1e-11)


def test_finite_differences(backend):
    rng = np.random.default_rng(60)
    x, weight = rng.standard_normal((1, 4, 3, 2)), rng.standard_normal((4, 1, 3, 2))
    arguments = (2, 1, 1, 2)
    y = upsampler.conv_transpose2d(x, weight, None, *arguments)
    grad = rng.standard_normal(y.shape)
    gx, gw, _ = upsampler.conv_transpose2d_backward(grad, x, weight, *arguments)
    step = 1e-6
    for array, gradient in ((x, gx), (weight, gw)):
        for place in itertools.islice(np.ndindex(array.shape), 0, None, 3):
            values = []
            for sign in (1, -1):
                moved = array.copy()
                moved[place] += sign * step
                pair = (moved, weight) if array is x else (x, moved)
                values.append((upsampler.conv_transpose2d(*pair, None, *arguments) * grad).sum())
            assert abs((values[0] - values[1]) / (2 * step) - gradient[place]) < 1e-6


def test_the_hand(backend):
    """x = (1, 2) with kernel (1, 10, 100): stride 2 overlaps by one, stride 4 leaves gaps."""
    x, weight = np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0, 100.0]]])
    run = upsampler.conv_transpose1d
    assert run(x, weight, stride=2).ravel().tolist() == [1, 10, 102, 20, 200]
    assert run(x, weight, stride=4).ravel().tolist() == [1, 10, 100, 0, 2, 20, 200]
    assert run(x, weight, stride=2, padding=1).ravel().tolist() == [10, 102, 20]
    assert run(x, weight, dilation=2).ravel().tolist() == [1, 2, 10, 20, 100, 200]
    assert run(x, weight, np.array([0.5]), 2, 1, 1).ravel().tolist() == [10.5, 102.5, 20.5, 200.5]
    assert run(x, weight, stride=4, output_size=9).ravel().tolist() == [1, 10, 100, 0, 2, 20, 200, 0, 0]  # noqa: E501  # fmt: skip
    assert run(x, weight, stride=2, window=[(1, 4)]).ravel().tolist() == [10, 102, 20]


@pytest.mark.parametrize("factor", [2, 3, 4, 5])
def test_the_bilinear_kernel_is_bilinear(backend, factor):
    """Equal everywhere with the input replicate-padded by one and cropped."""
    size = 2 * factor - factor % 2
    ramp = 1 - np.abs(np.arange(size) - (size - 1) / 2) / factor
    weight = np.outer(ramp, ramp)[None, None]
    x = np.random.default_rng(70).standard_normal((1, 1, 5, 6))
    padding = -(-(factor - 1) // 2)
    ours = upsampler.conv_transpose2d(
        np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge"), weight, None, factor, padding
    )
    expected = upsampler.interpolate(x, scale_factor=factor, mode="bilinear")
    crop = ours[:, :, factor:-factor, factor:-factor]
    np.testing.assert_allclose(crop, expected, rtol=0, atol=1e-13)


def test_overlapping_out(backend):
    rng = np.random.default_rng(80)
    buffer = rng.standard_normal((1, 2, 4, 8))
    x = buffer[:, :, :, :4]
    weight = rng.standard_normal((2, 2, 1, 1))
    expected = upsampler.conv_transpose2d(x.copy(), weight)
    np.testing.assert_array_equal(upsampler.conv_transpose2d(x, weight, out=x), expected)


def test_empty(backend):
    weight = np.ones((3, 2, 2, 2))
    assert upsampler.conv_transpose2d(np.ones((0, 3, 4, 4)), weight).shape == (0, 2, 5, 5)
    gx, gw, gb = upsampler.conv_transpose2d_backward(
        np.ones((0, 2, 5, 5)), np.ones((0, 3, 4, 4)), weight
    )
    assert gx.shape == (0, 3, 4, 4)
    assert not gw.any()
    assert not gb.any()
    none = upsampler.conv_transpose2d(np.ones((2, 0, 4, 4)), np.ones((0, 2, 2, 2)), np.ones(2))
    assert (none == 1).all()


def test_what_was_found_right_says_nothing_about_equal_values_of_other_types():
    """Checks of small calls are remembered; True == 1.0 == 1 must not find those of 1."""
    x, weight = np.ones((1, 2, 3, 5), np.float32), np.ones((2, 1, 2, 3), np.float32)
    upsampler.conv_transpose2d(x, weight, stride=1, padding=(1, 1), groups=2)
    for wrong in (
        {"stride": 1.0},
        {"stride": True},
        {"padding": (1, 1.0)},
        {"padding": (True, 1)},
        {"groups": 2.0},
    ):
        with pytest.raises(TypeError):
            upsampler.conv_transpose2d(
                x, weight, **({"stride": 1, "padding": (1, 1), "groups": 2} | wrong)
            )
    # Nor about arrays of other shapes and types.
    with pytest.raises(ValueError, match="groups"):
        upsampler.conv_transpose2d(x[:, :1], weight[:1], stride=1, padding=(1, 1), groups=2)
    with pytest.raises(TypeError, match="weight"):
        upsampler.conv_transpose2d(x, weight.astype(np.float64), stride=1, padding=(1, 1), groups=2)


@pytest.mark.parametrize("channels", [(2, 3), (33, 32)])
@pytest.mark.parametrize("rank", [1, 2])
def test_weights_that_are_not_finite_reach_what_they_multiply_and_no_further(
    backend, rank, channels
):
    """Beside the border some taps have no sample: NaN there, times zero, would be NaN as well."""
    rng = np.random.default_rng(rank)
    size, kernel = (5, 7)[-rank:], (4, 3)[-rank:]
    arguments = ((2, 3)[-rank:], (1, 0)[-rank:])
    x = rng.standard_normal((2, channels[0], *size)).astype(np.float32)
    weight = rng.standard_normal((*channels, *kernel)).astype(np.float32)
    weight[0, 0].flat[0] = np.inf
    weight[1, 1].flat[-1] = np.nan
    clean = np.where(np.isfinite(weight), weight, 0)
    y = FORWARD[rank](x, weight, None, *arguments)
    grad = rng.standard_normal(y.shape).astype(np.float32)
    grad_x = BACKWARD[rank](grad, x, weight, *arguments)[0]
    spoiled = np.where(np.isfinite(weight), 0, 1).astype(np.float32)
    for got, plain, touched in (
        (
            y,
            FORWARD[rank](x, clean, None, *arguments),
            FORWARD[rank](np.ones_like(x), spoiled, None, *arguments),
        ),
        (
            grad_x,
            BACKWARD[rank](grad, x, clean, *arguments)[0],
            BACKWARD[rank](np.ones_like(grad), x, spoiled, *arguments)[0],
        ),
    ):
        np.testing.assert_array_equal(np.isfinite(got), touched == 0)
        np.testing.assert_allclose(got[touched == 0], plain[touched == 0], rtol=1e-4, atol=1e-4)
    for axis_order in ("last", "first"):  # and the same wherever channels lie
        layout = {1: ("NWC", "NCW"), 2: ("NHWC", "NCHW")}[rank][axis_order == "first"]
        seen = np.moveaxis(x, 1, -1).copy() if axis_order == "last" else x
        again = FORWARD[rank](seen, weight, None, *arguments, layout=layout)
        again = np.moveaxis(again, -1, 1) if axis_order == "last" else again
        np.testing.assert_array_equal(np.isnan(again), np.isnan(y))
