"""Means over boxes of what kernels make, against the means of the whole result."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upsampler import ConvTranspose2d
from upsampler.charts import SAMPLE
from upsampler.images import read
from upsampler.kernel_means import box_means
from upsampler.methods import parse

NAMES = (
    "conv_transpose:bilinear", "conv_transpose:box:k=1", "conv_transpose:random:k=3",
    "conv_transpose:random:k=8", "conv_transpose:random:k=13", "resize_conv:random",
    "resize_conv:bilinear:random:k=4", "resize_conv:box:k=5", "pixel_shuffle:random",
    "pixel_shuffle:icnr:k=4",
)  # fmt: skip
SHAPE = (23, 17)


def picture(dtype=np.float64, shape=(*SHAPE, 3)):
    values = np.random.default_rng(3).random(shape)
    top = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" else 1
    return (values * top).astype(dtype)


def means_of(full, rows, columns):
    """Of each box by itself."""
    return np.array(
        [[full[a:b, c:d].mean((0, 1)) for c, d in pairwise(columns)] for a, b in pairwise(rows)]
    )


def edges(data, length):
    chosen = st.sets(st.integers(0, length), min_size=2, max_size=15)
    return np.array(sorted(data.draw(chosen)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@settings(max_examples=15)
@given(data=st.data())
def test_means_are_those_of_the_outputs(name, scale, data):
    size = SHAPE[0] * scale, SHAPE[1] * scale
    ready = parse(name).prepare(picture(), size)
    full = ready.window((0, size[0]), (0, size[1]))
    rows, columns = edges(data, size[0]), edges(data, size[1])
    made = ready.means(rows, columns)
    np.testing.assert_allclose(made, means_of(full, rows, columns), rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1, 3), (2, 3), (5, 4, 1)])
def test_pictures_of_few_pixels(shape):
    """Whose kernels reach beyond both borders."""
    ready = parse("conv_transpose:random:k=11").prepare(
        picture(shape=shape), (shape[0] * 3, shape[1] * 3)
    )
    full = ready.window((0, shape[0] * 3), (0, shape[1] * 3))
    rows, columns = (np.arange(n * 3 + 1) for n in shape[:2])
    np.testing.assert_allclose(ready.means(rows, columns), full, rtol=0, atol=1e-13)
    whole = [np.array([0, n * 3]) for n in shape[:2]]
    np.testing.assert_allclose(ready.means(*whole)[0, 0], full.mean((0, 1)), rtol=0, atol=1e-13)


def test_a_box_does_not_depend_on_its_neighbours():
    ready = parse("conv_transpose:random:k=6").prepare(picture(), (46, 34))
    rows, columns = np.arange(0, 47, 2), np.arange(1, 34, 4)
    whole = ready.means(rows, columns)
    for r, c in ((0, 0), (5, 3), (22, 7)):
        alone = ready.means(rows[r : r + 2], columns[c : c + 2])
        np.testing.assert_allclose(alone[0, 0], whole[r, c], rtol=0, atol=1e-15)


def test_no_box_has_no_mean():
    made = box_means(picture(), np.ones((1, 1, 2, 2)), (2, 2), (0, 0), np.array([3]), np.arange(5))
    assert made.shape == (0, 4, 3)


def test_a_kernel_for_each_channel(tmp_path):
    module = ConvTranspose2d(3, 3, 4, 2, 1, groups=3, bias=False, dtype=np.float64, seed=1)
    path = str(tmp_path / "kernel.npz")
    module.save(path)
    ready = parse(f"conv_transpose:{path}").prepare(picture(), (46, 34))
    full = ready.window((0, 46), (0, 34))
    rows, columns = np.array([0, 5, 6, 46]), np.array([2, 20, 33])
    wanted = means_of(full, rows, columns)
    np.testing.assert_allclose(ready.means(rows, columns), wanted, rtol=0, atol=1e-12)


def test_what_is_not_finite_stays_where_it_is():
    pixels = picture(np.float32)
    pixels[11, 8, 1] = np.nan
    ready = parse("conv_transpose:box:k=4").prepare(pixels, (46, 34))
    full = ready.window((0, 46), (0, 34))
    rows, columns = np.arange(0, 47, 3), np.arange(0, 34, 3)
    made, wanted = ready.means(rows, columns), means_of(full, rows, columns)
    np.testing.assert_array_equal(np.isnan(made), np.isnan(wanted))
    assert 0 < np.isnan(made).sum() < 10


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32"])
@pytest.mark.parametrize("name", ["conv_transpose:bilinear", "resize_conv:random"])
def test_integers_are_rounded_once(name, dtype):
    ready = parse(name).prepare(picture(dtype), (69, 51))
    full = ready.window((0, 69), (0, 51)).astype(np.float64)
    rows, columns = np.arange(0, 70, 4), np.arange(0, 52, 5)
    made = ready.means(rows, columns)
    assert made.dtype == np.dtype(dtype)
    assert np.abs(made - means_of(full, rows, columns)).max() <= 1


@pytest.mark.parametrize(
    ("name", "dtype", "weighs"),
    [
        # Every other pixel would be 1.78 times as bright as white.
        ("conv_transpose:box:k=3", np.uint8, False),
        ("conv_transpose:box:k=3", np.uint16, False),
        ("conv_transpose:box:k=3", np.float32, True),  # of which nothing is cut off
        ("pixel_shuffle:random", np.uint8, False),
        ("conv_transpose:box:k=4", np.uint8, True),
        ("resize_conv:random", np.uint8, True),
    ],
)
def test_kernels_that_brighten_have_no_means_of_integers(name, dtype, weighs):
    ready = parse(name).prepare(picture(dtype), (46, 34))
    assert ready.weighs is weighs
    assert (ready.means(np.array([0, 46]), np.array([0, 34])) is not None) is weighs


def test_a_kernel_learned_from_a_photograph_has_means_of_integers():
    """It overshoots, as Lanczos filters do; where it does, and only there, the two differ."""
    pixels = read(SAMPLE).pixels
    height, width = pixels.shape[:2]
    ready = parse("conv_transpose:learned").prepare(pixels, (2 * height, 2 * width))
    made = ready.means(np.arange(0, 2 * height + 1, 8), np.arange(0, 2 * width + 1, 8))
    full = ready.window((0, 2 * height), (0, 2 * width)).astype(np.float64)
    wanted = full.reshape(height // 4, 8, width // 4, 8, 3).mean((1, 3))
    away = np.abs(made - wanted)
    assert away.mean() < 0.3
    assert np.percentile(away, 99) < 2


def test_a_kernel_that_overshoots_has_no_means_of_integers(tmp_path):
    path = tmp_path / "sharp.npy"
    np.save(path, np.array([[0, -4, 0], [-4, 17, -4], [0, -4, 0.0]]))
    method = parse(f"resize_conv:{path}")
    assert not method.prepare(picture(np.uint8), SHAPE).weighs
    assert method.prepare(picture(np.float32), SHAPE).weighs
