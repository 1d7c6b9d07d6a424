"""What an output is made of: the weights against the operation itself, pixel by pixel."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from upsampler import ConvTranspose2d
from upsampler.kernel_methods import FAMILIES
from upsampler.methods import MENU, parse

MENU_NAMES = [method.name for group in MENU.values() for method in group]
NAMES = [
    *MENU_NAMES, "bilinear:antialias", "nearest:align_corners", "conv_transpose:random:k=1",
    "conv_transpose:random:k=7", "resize_conv:random:k=4", "resize_conv:bilinear:random:k=2",
    "pixel_shuffle:random:k=4", "pixel_shuffle:icnr:k=1",
]  # fmt: skip
SHAPE = (5, 7)


def matrix(prepared, pixels):
    """(H', W', H, W): every output's weights, from what `contributions` says."""
    height, width = prepared.shape[:2]
    found = np.zeros((height, width, *pixels.shape[:2]))
    for r in range(height):
        for c in range(width):
            made = prepared.contributions(r, c)
            found[r, c][slice(*made.rows), slice(*made.columns)] = made.weights[0]
    return found


def responses(method, size):
    """The same matrix, from applying the method to pictures of one bright pixel."""
    columns = []
    for at in np.ndindex(SHAPE):
        impulse = np.zeros(SHAPE)
        impulse[at] = 1
        ready = method.prepare(impulse, size)
        columns.append(ready.window((0, size[0]), (0, size[1])))
    return np.moveaxis(np.array(columns), 0, -1).reshape(*size, *SHAPE)


def usable(name, scale):
    if name.split(":")[0] not in FAMILIES:
        return True
    whole = all(Fraction(s).denominator == 1 for s in scale)
    return whole and (scale[0] == scale[1] or not name.startswith("pixel_shuffle"))


SCALES = [(1, 1), (2, 2), (3, 3), (3, 2), (Fraction(7, 3), Fraction(7, 3))]
CASES = [
    (name, scale)
    for name, scale in product(NAMES, SCALES)
    if "learned" not in name and usable(name, scale)
]


@pytest.mark.parametrize(("name", "scale"), CASES)
def test_weights_are_the_response_to_each_pixel(name, scale):
    method = parse(name)
    size = tuple(int(n * s) for n, s in zip(SHAPE, scale, strict=True))
    found = matrix(method.prepare(np.zeros(SHAPE), size), np.zeros(SHAPE))
    np.testing.assert_allclose(found, responses(method, size), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in NAMES if "learned" in name])
def test_learned_weights_make_the_output(name):
    """Kernels that are learned from the picture: the sum, at every place, is the output."""
    pixels = np.random.default_rng(0).random((11, 13, 3))
    ready = parse(name).prepare(pixels, (22, 26))
    whole = ready.window((0, 22), (0, 26))
    for r, c in [(0, 0), (0, 25), (21, 13), (7, 8), (21, 25)]:
        made = ready.contributions(r, c)
        part = pixels[slice(*made.rows), slice(*made.columns)]
        total = np.einsum("hw,hwc->c", made.weights[0], part)
        np.testing.assert_allclose(total, whole[r, c], atol=1e-12)


@pytest.mark.parametrize("name", ["nearest", "bilinear", "bicubic", "area", "lanczos3"])
def test_ranges_hold_no_pixel_that_does_not_count(name):
    ready = parse(name).prepare(np.zeros(SHAPE), (10, 21))
    for r, c in np.ndindex(10, 21):
        made = ready.contributions(r, c)
        assert made.weights.shape == (1, np.ptp(made.rows), np.ptp(made.columns))
        assert made.weights.any(axis=(0, 2))[[0, -1]].all()
        assert made.weights.any(axis=(0, 1))[[0, -1]].all()
        assert made.weights.sum() == pytest.approx(1, abs=1e-12)


def test_a_kernel_smaller_than_the_stride_leaves_outputs_of_nothing():
    ready = parse("conv_transpose:box:k=2").prepare(np.ones(SHAPE), (15, 21))
    empty = [at for at in np.ndindex(15, 21) if not ready.contributions(*at).weights.size]
    assert empty == list(zip(*np.nonzero(ready.window((0, 15), (0, 21)) == 0), strict=True))
    assert len(empty) == 15 * 21 - 10 * 14
    assert ready.contributions(*empty[0]).rows == (0, 0)


def test_a_kernel_for_each_channel(tmp_path):
    module = ConvTranspose2d(3, 3, 4, 2, 1, groups=3, bias=False, dtype=np.float64, seed=1)
    path = str(tmp_path / "kernel.npz")
    module.save(path)
    pixels = np.random.default_rng(1).random((*SHAPE, 3))
    ready = parse(f"conv_transpose:{path}").prepare(pixels, (10, 14))
    made = ready.contributions(6, 9)
    assert made.weights.shape == (3, 2, 2)
    part = pixels[slice(*made.rows), slice(*made.columns)]
    np.testing.assert_allclose(
        np.einsum("chw,hwc->c", made.weights, part), ready.window((6, 7), (9, 10))[0, 0], atol=1e-12
    )
