"""Pixel shuffle against PyTorch, its inverse, layouts and items of any kind."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import upsampler
from upsampler.backends import use

CASES = [((2, 12, 3, 5), 2), ((1, 18, 4, 1), 3), ((3, 7, 2, 6), 1), ((1, 32, 1, 3), 4)]


@pytest.mark.parametrize(("shape", "r"), CASES)
def test_torch_and_back(shape, r):
    x = np.random.default_rng(0).standard_normal(shape)
    y = upsampler.pixel_shuffle(x, r)
    np.testing.assert_array_equal(y, F.pixel_shuffle(torch.from_numpy(x), r).numpy())
    np.testing.assert_array_equal(upsampler.pixel_unshuffle(y, r), x)
    np.testing.assert_array_equal(upsampler.pixel_shuffle_backward(y, r), x)
    np.testing.assert_array_equal(upsampler.pixel_unshuffle_backward(x, r), y)


@pytest.mark.parametrize("layout", ["NHWC", "CHW", "HWC", "CHWN", "HWNC"])
def test_layouts_and_out(layout):
    x = np.arange(2 * 8 * 3 * 5).reshape(2, 8, 3, 5)
    if "N" not in layout:
        x = x[:1]
    expected = upsampler.pixel_shuffle(x, 2)

    def arranged(a):
        a = a if "N" in layout else a[0]
        return np.transpose(a, ["NCHW"[4 - a.ndim :].index(letter) for letter in layout])

    for source in (arranged(x), np.ascontiguousarray(arranged(x)), arranged(x)[::-1][::-1]):
        out = np.zeros((*arranged(expected).shape, 2), int)[..., 1]
        assert upsampler.pixel_shuffle(source, 2, layout=layout, out=out) is out
        np.testing.assert_array_equal(out, arranged(expected))
        back = upsampler.pixel_unshuffle(out, 2, layout=layout)
        np.testing.assert_array_equal(back, arranged(x))


@pytest.mark.parametrize("dtype", [">i2", "S3", "?", "c16", [("a", "<i4"), ("b", "S1")]])
def test_items_are_moved_as_they_are(dtype):
    dtype = np.dtype(dtype)
    x = np.frombuffer(bytes(i % 2 for i in range(16 * dtype.itemsize)), dtype).reshape(1, 4, 2, 2)
    y = upsampler.pixel_shuffle(x, 2)
    assert y.dtype == dtype
    places = upsampler.pixel_shuffle(np.arange(16).reshape(x.shape), 2)
    assert y.tobytes() == x.ravel()[places.ravel()].tobytes()


def test_out_over_the_input():
    buffer = np.arange(64.0).reshape(1, 4, 4, 4)
    expected = upsampler.pixel_shuffle(buffer.copy(), 2)
    out = buffer.reshape(1, 1, 8, 8)
    np.testing.assert_array_equal(upsampler.pixel_shuffle(buffer, 2, out=out), expected)


def test_icnr_and_nearest():
    """Sub-kernels that are all the same make pixel shuffle the nearest-neighbour resize."""
    x = np.random.default_rng(1).standard_normal((2, 3, 4, 5))
    repeated = np.repeat(x, 4, axis=1)
    expected = upsampler.interpolate(x, scale_factor=2, mode="nearest")
    np.testing.assert_array_equal(upsampler.pixel_shuffle(repeated, 2), expected)


def test_empty():
    assert upsampler.pixel_shuffle(np.ones((0, 4, 3, 3)), 2).shape == (0, 1, 6, 6)
    assert upsampler.pixel_unshuffle(np.ones((2, 0, 4, 4)), 2).shape == (2, 0, 2, 2)


@pytest.mark.parametrize("dtype", ["u1", "<u2", "f4", "f8", "c16"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_loops_of_every_item_factor_and_width(cpu, layout, dtype):
    """Rows shorter and longer than a register, channels fewer and more, against plain views."""
    rng = np.random.default_rng(2)
    for r, channels, width in [(1, 3, 9), (2, 1, 1), (2, 3, 17), (2, 8, 33), (3, 3, 40), (3, 5, 2),
                               (4, 1, 19), (4, 9, 8), (5, 2, 21), (8, 1, 35)]:  # fmt: skip
        lengths = {"N": 2, "C": channels * r * r, "H": 3, "W": width}
        shape = tuple(lengths[letter] for letter in layout)
        x = np.frombuffer(rng.bytes(np.prod(shape) * np.dtype(dtype).itemsize), dtype)
        x = x.reshape(shape)
        with use("reference"):
            expected = upsampler.pixel_shuffle(x, r, layout=layout)
        got = upsampler.pixel_shuffle(x, r, layout=layout)
        assert got.tobytes() == expected.tobytes(), (r, channels, width)
        back = upsampler.pixel_unshuffle(got, r, layout=layout)
        assert back.tobytes() == x.tobytes(), (r, channels, width)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_threads_and_misaligned_memory(cpu, layout, default_threads):
    """Enough items for several threads; memory that begins within an item."""
    shape = (2, 36, 70, 90) if layout == "NCHW" else (2, 70, 90, 36)
    rng = np.random.default_rng(3)
    memory = np.zeros(np.prod(shape) * 4 + 1, np.uint8)
    x = memory[1:].view("<f4").reshape(shape)
    x[...] = rng.standard_normal(shape)
    results = []
    for threads, source in [(1, x), (1, x.copy()), (3, x.copy())]:
        upsampler.set_num_threads(threads)
        results.append(upsampler.pixel_shuffle(source, 3, layout=layout))
    assert results[0].tobytes() == results[1].tobytes() == results[2].tobytes()
    with use("reference"):
        np.testing.assert_array_equal(results[0], upsampler.pixel_shuffle(x, 3, layout=layout))
