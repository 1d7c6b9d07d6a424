"""The checkerboard score against what transposed convolutions make of a constant input."""

import numpy as np
import pytest

import upsampler


@pytest.mark.parametrize(
    ("kernel", "stride", "counts"),
    [(3, 2, {1, 2}), (5, 2, {2, 3}), (5, 3, {1, 2}), (4, 2, {2}), (6, 3, {2}), (2, 3, {0, 1})],
)
def test_overlap(kernel, stride, counts):
    found = upsampler.checkerboard(np.ones((1, 1, kernel)), stride)
    assert set(found.overlap.tolist()) == counts
    assert (found.score == 0) == (len(counts) == 1)


def test_the_gains_are_what_a_constant_becomes():
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((2, 3, 5, 4))
    found = upsampler.checkerboard(weight, (2, 3), (1, 2))
    assert found.phase_gain.shape == (2, 3, 2, 3)
    for c in range(2):
        x = np.zeros((1, 2, 12, 12))
        x[:, c] = 1
        y = upsampler.conv_transpose2d(x, weight, stride=(2, 3), dilation=(1, 2))
        inside = y[0, :, 8:14, 12:24]  # away from the border; 8 and 12 are of phase 0
        for o in range(3):
            expected = np.tile(found.phase_gain[c, o], (3, 4))
            np.testing.assert_allclose(inside[o], expected, atol=1e-12)
    scores = found.phase_gain.reshape(2, 3, -1)
    expected = (scores.std(axis=-1) / np.abs(scores.mean(axis=-1))).max()
    assert found.score == pytest.approx(expected)


def test_advice():
    assert "multiple of the stride" in upsampler.checkerboard(np.ones((1, 1, 3, 3)), 2).advice
    assert "no tap" in upsampler.checkerboard(np.ones((1, 1, 3)), 2, 2).advice
    uneven = np.array([[[1.0, 2.0, 1.0, 1.0]]])
    assert "same sum" in upsampler.checkerboard(uneven, 2).advice
    even = upsampler.checkerboard(np.ones((1, 1, 4, 4), np.float32) / 3, 2)
    assert even.score < 1e-6
    assert "nothing" in even.advice


def test_pairs_without_a_mean():
    zero = np.zeros((2, 1, 4))
    assert upsampler.checkerboard(zero, 2).score == 0
    zero[1, 0] = [1, -1, 0, 0]
    assert upsampler.checkerboard(zero, 2).score == np.inf
