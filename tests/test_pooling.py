"""Pooling and unpooling: by hand, against rational sums, and against PyTorch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from upsampler import (
    avg_pool2d,
    avg_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
    max_unpool2d,
    max_unpool2d_backward,
)

from . import cases
from .strategies import MEMORY, memories, same_bits, seeds

NAN = np.nan
# H, W, kernel, stride, padding
GEOMETRY = [
    (6, 8, 2, None, 0),
    (7, 9, 2, None, 0),  # a row and a column are left over
    (7, 9, 3, 2, 1),
    (11, 5, (3, 2), (1, 2), (1, 0)),
    (5, 13, (5, 1), (1, 3), (2, 0)),
    (13, 17, 7, 5, 3),
    (4, 4, 4, 1, 2),
    (1, 1, 1, 1, 0),
    (3, 67, 2, 3, 1),  # gaps between the cells
    (1, 40, (1, 3), (1, 1), (0, 1)),
]
geometry = pytest.mark.parametrize(("h", "w", "kernel", "stride", "padding"), GEOMETRY)


def tensor(x):
    return torch.from_numpy(np.ascontiguousarray(x))


# --- by hand


def test_average_by_hand(backend):
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(avg_pool2d(x, 2), [[2.5, 4.5]])
    np.testing.assert_array_equal(avg_pool2d(x, 2, 1), [[2.5, 3.5, 4.5], [6.5, 7.5, 8.5]])
    # The padding counts as zeros: corners are a quarter of themselves.
    np.testing.assert_array_equal(avg_pool2d(x[:2, :2], 2, 2, 1), [[0, 0.25], [1, 1.25]])
    back = avg_pool2d_backward(np.array([[8.0, 4.0]]), (3, 4), 2)
    np.testing.assert_array_equal(back, [[2, 2, 1, 1], [2, 2, 1, 1], [0, 0, 0, 0]])


def test_average_of_integers_is_rounded(backend):
    for dtype in cases.INTEGERS:
        x = np.array([[1, 2, 2, 2, 0, 1]], dtype)
        np.testing.assert_array_equal(avg_pool2d(x, (1, 3)), [[2, 1]])  # 5/3 and 3/3
        top = np.iinfo(dtype).max
        full = np.full((4, 4), top, dtype)
        np.testing.assert_array_equal(avg_pool2d(full, 2), np.full((2, 2), top, dtype))
        low = np.full((3, 3), np.iinfo(dtype).min, dtype)
        np.testing.assert_array_equal(avg_pool2d(low, 3), low[:1, :1])


@pytest.mark.parametrize("dtype", [d for d in cases.INTEGERS if d.itemsize < 8], ids=str)
@geometry
def test_average_of_integers_within_half_a_level(backend, h, w, kernel, stride, padding, dtype):
    x = cases.sample(np.random.default_rng(110), (h, w), dtype)
    got = avg_pool2d(x, kernel, stride, padding).astype(np.float64)
    want = avg_pool2d(x.astype(np.float64), kernel, stride, padding)
    assert np.abs(got - want).max() <= {1: 0.51, 2: 0.53, 4: 0.51}[dtype.itemsize]


def test_maximum_by_hand(backend):
    x = np.array([[1, 3, 2, 9], [7, 5, 9, 4], [8, 8, 8, 8]])
    values, places = max_pool2d(x, 2, return_indices=True)
    np.testing.assert_array_equal(values, [[7, 9]])
    np.testing.assert_array_equal(places, [[4, 3]])  # of two nines the first in reading order
    assert places.dtype == np.int64
    values, places = max_pool2d(x, 2, 1, 1, return_indices=True)
    np.testing.assert_array_equal(places[-1], [8, 8, 9, 10, 11])
    # Padding is never chosen, not even among negative values.
    want = [[-1, -2, -9], [-7, -5, -4]]
    np.testing.assert_array_equal(max_pool2d(-x, 2, 2, 1), want)


def test_unpooling_by_hand(backend):
    values, places = np.array([[7, 9]]), np.array([[4, 3]])
    want = [[0, 0, 0, 9], [7, 0, 0, 0]]
    np.testing.assert_array_equal(max_unpool2d(values, places, 2), want)
    got = max_unpool2d(values, places, 2, output_size=(3, 5))
    np.testing.assert_array_equal(got, [[0, 0, 0, 9, 7], [0] * 5, [0] * 5])
    np.testing.assert_array_equal(max_unpool2d_backward(np.eye(2, 4) * 5, places), [[0, 0]])
    np.testing.assert_array_equal(
        max_unpool2d_backward(np.arange(8.0).reshape(2, 4), places), [[4, 3]]
    )


def test_duplicate_indices(backend):
    """Unpooling: the last one in reading order stays.  Gradients: they add up."""
    places = np.array([[5, 5, 2], [2, 5, 0]])
    values = np.array([[1.0, 2, 3], [4, 5, 6]])
    got = max_unpool2d(values, places, 2)
    np.testing.assert_array_equal(got.ravel()[[0, 2, 5]], [6, 4, 5])
    assert np.count_nonzero(got) == 3
    back = max_pool2d_backward(values, places, (4, 6))
    np.testing.assert_array_equal(back.ravel()[[0, 2, 5]], [6, 7, 8])


def test_nan_wins_and_infinity_is_a_value(backend):
    x = np.array([[1, NAN, -np.inf, -np.inf], [NAN, 2, -np.inf, -np.inf]])
    for dtype in cases.FLOATS:
        values, places = max_pool2d(x.astype(dtype), 2, return_indices=True)
        assert np.isnan(values[0, 0].astype(float))
        assert values[0, 1] == -np.inf
        want = F.max_pool2d(tensor(x)[None], 2, return_indices=True)[1][0]
        np.testing.assert_array_equal(places, want)
    assert np.isnan(avg_pool2d(x, 2)[0, 0])
    assert avg_pool2d(x, 2)[0, 1] == -np.inf


# --- PyTorch


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=str)
@geometry
def test_pytorch(backend, h, w, kernel, stride, padding, dtype):
    rng = np.random.default_rng(111)
    x = rng.normal(size=(2, 3, h, w)).round(1).astype(dtype)  # rounded: with ties
    peer = tensor(x).requires_grad_()
    tolerance = 1e-6 if dtype == np.float32 else 1e-14

    want = F.avg_pool2d(peer, kernel, stride, padding)
    got = avg_pool2d(x, kernel, stride, padding)
    np.testing.assert_allclose(got, want.detach().numpy(), rtol=0, atol=tolerance)
    grad = rng.normal(size=got.shape).astype(dtype)
    want.backward(tensor(grad))
    back = avg_pool2d_backward(grad, x.shape, kernel, stride, padding)
    np.testing.assert_allclose(back, peer.grad.numpy(), rtol=0, atol=8 * tolerance)

    peer.grad = None
    want, where = F.max_pool2d(peer, kernel, stride, padding, return_indices=True)
    values, places = max_pool2d(x, kernel, stride, padding, return_indices=True)
    np.testing.assert_array_equal(values, want.detach().numpy())
    np.testing.assert_array_equal(places, where.numpy())
    np.testing.assert_array_equal(max_pool2d(x, kernel, stride, padding), values)
    want.backward(tensor(grad))
    back = max_pool2d_backward(grad, places, x.shape)
    np.testing.assert_allclose(back, peer.grad.numpy(), rtol=0, atol=8 * tolerance)


@pytest.mark.parametrize("size", [None, (7, 9), (6, 8), (1, 2, 7, 9)], ids=str)
def test_pytorch_unpooling(backend, size):
    rng = np.random.default_rng(112)
    x = rng.normal(size=(1, 2, 7, 9))
    values, places = max_pool2d(x, 2, return_indices=True)
    if size == (6, 8) or size is None:
        values, places = max_pool2d(x[:, :, :6, :8], 2, return_indices=True)
    peer = tensor(values).requires_grad_()
    spatial = None if size is None else size[-2:]
    want = F.max_unpool2d(peer, tensor(places), 2, output_size=spatial)
    got = max_unpool2d(values, places, 2, output_size=size)
    np.testing.assert_array_equal(got, want.detach().numpy())
    grad = rng.normal(size=got.shape)
    want.backward(tensor(grad))
    np.testing.assert_array_equal(max_unpool2d_backward(grad, places), peer.grad.numpy())


def test_pytorch_nan_anywhere(backend):
    rng = np.random.default_rng(113)
    for _ in range(40):
        x = rng.normal(size=(1, 7, 9)).round(0)
        x[rng.random(x.shape) < 0.15] = NAN
        x[rng.random(x.shape) < 0.1] = -np.inf
        want, where = F.max_pool2d(tensor(x), 3, 2, 1, return_indices=True)
        values, places = max_pool2d(x, 3, 2, 1, True, layout="CHW")
        np.testing.assert_array_equal(values, want.numpy())
        np.testing.assert_array_equal(places, where.numpy())
        np.testing.assert_allclose(
            avg_pool2d(x, 3, 2, 1, layout="CHW"),
            F.avg_pool2d(tensor(x), 3, 2, 1).numpy(),
            atol=1e-14,
        )


# --- properties

LAYOUTS = ["HW", "CHW", "HWC", "NCHW", "NHWC", "CHWN", "HWCN"]


@st.composite
def pools(draw):
    layout = draw(st.sampled_from(LAYOUTS))
    spatial = {"H": draw(st.integers(1, 14)), "W": draw(st.integers(1, 40))}
    shape = tuple(spatial.get(c) or draw(st.integers(1, 4)) for c in layout)
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    stride = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    fits = all(spatial[c] + 2 * p >= k for c, k, p in zip("HW", kernel, padding, strict=True))
    assume(fits)
    return layout, shape, (kernel, stride, padding)


@given(pools(), st.sampled_from(cases.NUMBERS), memories, seeds, st.sampled_from([1, 2, 5]))
def test_layout_memory_and_threads_do_not_matter(backend, pool, dtype, memory, seed, threads):
    layout, shape, arguments = pool
    x = cases.sample(np.random.default_rng(seed), shape, dtype)
    target = "".join(sorted(layout, key="NCHW".index))
    plain = np.ascontiguousarray(cases.to_layout(x, layout, target))
    view = MEMORY[memory](x)
    for call in (avg_pool2d, max_pool2d):
        want = call(plain, *arguments, layout=target, num_threads=1)
        got = call(view, *arguments, layout=layout, num_threads=threads)
        assert got.dtype == view.dtype
        got = cases.to_layout(got, layout, target).astype(want.dtype)
        np.testing.assert_array_equal(got, want)
    want = max_pool2d(plain, *arguments, True, layout=target)[1]
    got = max_pool2d(view, *arguments, True, layout=layout)[1]
    np.testing.assert_array_equal(cases.to_layout(got, layout, target), want)
    if dtype not in cases.FLOATS:
        return
    # Gradients: the pooled array is as good a gradient as any.
    pooled = avg_pool2d(plain, *arguments, layout=target)
    want = avg_pool2d_backward(pooled, plain.shape, *arguments, layout=target, num_threads=1)
    moved = MEMORY[memory](np.ascontiguousarray(cases.to_layout(pooled, target, layout)))
    got = avg_pool2d_backward(moved, shape, *arguments, layout=layout, num_threads=threads)
    np.testing.assert_array_equal(cases.to_layout(got, layout, target).astype(want.dtype), want)


@given(pools(), st.sampled_from(cases.FLOATS), seeds)
def test_adjoints(backend, pool, dtype, seed):
    layout, shape, arguments = pool
    rng = np.random.default_rng(seed)
    x = cases.sample(rng, shape, dtype)
    eps = {np.dtype("e"): 2.0**-10, cases.BFLOAT16: 2.0**-7, np.dtype("f"): 2.0**-21}

    def agree(a, b, c, d):
        a, b, c, d = (v.astype(np.float64) for v in (a, b, c, d))
        scale = np.abs(a * b).sum() + np.abs(c * d).sum() + 1
        assert abs((a * b).sum() - (c * d).sum()) <= 4 * eps.get(dtype, 2.0**-48) * scale

    pooled = avg_pool2d(x, *arguments, layout=layout)
    grad = cases.sample(rng, pooled.shape, dtype)
    agree(pooled, grad, x, avg_pool2d_backward(grad, shape, *arguments, layout=layout))
    values, places = max_pool2d(x, *arguments, True, layout=layout)
    agree(values, grad, x, max_pool2d_backward(grad, places, shape, layout=layout))
    picked = max_unpool2d_backward(x, places, layout=layout)
    np.testing.assert_array_equal(picked.astype(float), values.astype(float))


@given(
    seeds, st.sampled_from(cases.NUMBERS), st.sampled_from([np.int64, np.int32, np.uint8, ">i4"])
)
def test_unpooling_undoes_pooling(backend, seed, dtype, index):
    """Cells that do not overlap: every maximum returns to its place, in any index dtype."""
    x = cases.sample(np.random.default_rng(seed), (2, 6, 10), dtype)
    values, places = max_pool2d(x, (2, 5), return_indices=True, layout="CHW")
    back = max_unpool2d(values, places.astype(index), (2, 5), layout="CHW")
    assert back.dtype == dtype
    flat = back.reshape(2, -1)
    got = np.take_along_axis(flat, places.reshape(2, -1), 1)
    np.testing.assert_array_equal(got, values.reshape(2, -1))
    assert np.count_nonzero(back) <= values.size


def test_large_planes_with_threads(backend):
    if backend == "reference":
        x = cases.sample(np.random.default_rng(114), (40, 53, 3), np.float32)
    else:
        x = cases.sample(np.random.default_rng(114), (801, 1203, 3), np.float32)
    planes = np.ascontiguousarray(x.transpose(2, 0, 1))
    for call in (avg_pool2d, max_pool2d):
        one = call(x, 3, 2, 1, layout="HWC", num_threads=1)
        same_bits(call(x, 3, 2, 1, layout="HWC", num_threads=3), one)
        got = call(planes, 3, 2, 1, layout="CHW", num_threads=2)
        same_bits(np.ascontiguousarray(got.transpose(1, 2, 0)), one)


@pytest.mark.parametrize("shape", [(0, 3, 4, 6), (2, 0, 4, 6)])
def test_no_pictures_and_no_channels(backend, shape):
    x = np.zeros(shape, np.float32)
    values, places = max_pool2d(x, 2, return_indices=True)
    assert values.shape == places.shape == avg_pool2d(x, 2).shape == (*shape[:2], 2, 3)
    assert max_unpool2d(values, places, 2).shape == shape
    assert max_pool2d_backward(values, places, shape).shape == shape
    assert max_unpool2d_backward(x, places).shape == values.shape
    assert avg_pool2d_backward(values, shape, 2).shape == shape
