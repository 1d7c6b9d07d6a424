"""Single outputs and means over boxes of an interpolation, against the whole result."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upsampler.methods import parse

NAMES = (
    "nearest", "nearest-exact", "nearest:align_corners", "bilinear", "bilinear:align_corners",
    "bicubic", "bicubic:antialias", "area", "lanczos3",
)  # fmt: skip
SIZES = [(134, 180), (67, 180), (31, 17), (67, 45), (1, 300), (100, 101)]
DTYPES = ["uint8", "uint16", "int32", "float16", "float32", "float64"]


def picture(dtype, channels=3):
    values = np.random.default_rng(5).random((67, 45, channels))
    top = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 1
    return (values * top).astype(dtype)


def places(data, length, least):
    return np.array(
        sorted(data.draw(st.sets(st.integers(0, length - 1), min_size=least, max_size=20)))
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8)
@given(data=st.data())
def test_samples_are_those_of_the_whole(name, dtype, data):
    size = data.draw(st.sampled_from(SIZES))
    ready = parse(name).prepare(picture(dtype), size)
    rows, columns = places(data, size[0], 1), places(data, size[1], 1)
    full = ready.window((0, size[0]), (0, size[1]))
    np.testing.assert_array_equal(ready.samples(rows, columns, 1), full[np.ix_(rows, columns)])


@pytest.mark.parametrize("name", ["conv_transpose:random:k=3", "pixel_shuffle:icnr"])
def test_samples_of_kernels_are_those_of_the_whole(name):
    ready = parse(name).prepare(picture("uint8"), (134, 90))
    full = ready.window((0, 134), (0, 90))
    rows, columns = np.array([0, 7, 133]), np.array([3, 4, 80])
    np.testing.assert_array_equal(ready.samples(rows, columns), full[np.ix_(rows, columns)])
    assert not ready.sparse


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(data=st.data())
def test_means_are_those_of_the_outputs(name, data):
    size = data.draw(st.sampled_from([size for size in SIZES if min(size) > 1]))
    ready = parse(name).prepare(picture("float64"), size)
    rows, columns = places(data, size[0] + 1, 2), places(data, size[1] + 1, 2)
    full = ready.window((0, size[0]), (0, size[1]))
    sums = np.add.reduceat(full[rows[0] : rows[-1]], rows[:-1] - rows[0], axis=0)
    sums = np.add.reduceat(sums[:, columns[0] : columns[-1]], columns[:-1] - columns[0], axis=1)
    counts = np.diff(rows)[:, None] * np.diff(columns)
    np.testing.assert_allclose(
        ready.means(rows, columns, 1), sums / counts[..., None], rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("name", ["nearest", "bilinear", "area", "bilinear:align_corners"])
def test_means_of_bytes_are_rounded_once(name):
    """Filters without negative weights: nothing overshoots, only the outputs are rounded."""
    ready = parse(name).prepare(picture("uint8", 1), (268, 180))
    full = ready.window((0, 268), (0, 180)).astype(float)
    made = ready.means(np.arange(0, 269, 4), np.arange(0, 181, 5))
    assert made.dtype == np.uint8
    wanted = full.reshape(67, 4, 36, 5).mean((1, 3))
    assert np.abs(made[..., 0] - wanted).max() <= 1


def test_grey_pictures_without_a_channel_axis():
    ready = parse("bicubic").prepare(picture("float32")[..., 0], (134, 90))
    full = ready.window((0, 134), (0, 90))
    at = np.array([1, 50, 77])
    np.testing.assert_array_equal(ready.samples(at, at), full[np.ix_(at, at)])
    assert ready.means(np.array([0, 134]), np.array([0, 90])).shape == (1, 1)


def test_axes_too_long_for_a_whole_table(monkeypatch):
    from upsampler import picture_samples

    monkeypatch.setattr(picture_samples, "PIECE", 100)
    ready = parse("bicubic").prepare(picture("uint16"), (134, 90))
    full = ready.window((0, 134), (0, 90))
    at = np.array([5, 6, 70])
    np.testing.assert_array_equal(ready.samples(at, at), full[np.ix_(at, at)])
    assert ready._sampler._tables == (None, None)
