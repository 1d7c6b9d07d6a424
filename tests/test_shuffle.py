"""Pixel shuffle against PyTorch, its inverse, layouts and items of any kind."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import upsampler

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
