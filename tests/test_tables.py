"""First rung of the oracle ladder: matrices of one axis, worked out by hand.

A row of a table lists what one output takes of each input sample.  Samples are named by their
place, so that ``"3/4 1/4 0"`` reads: three quarters of sample 0, one quarter of sample 1.
"""

from fractions import Fraction

import numpy as np
import pytest

from upsampler import interpolate, interpolate_backward

ALIGN = {"align_corners": True}
SMOOTH = {"antialias": True}

# mode, keywords, rows: every row is one output, every number one input.
WEIGHTED = [
    # Half-pixel: output i lies at (i + 1/2) * n/m - 1/2, clamped to the outermost samples.
    ("linear", {}, "1; 1; 1"),
    ("linear", {}, "1 0; 3/4 1/4; 1/4 3/4; 0 1"),  # -1/4, 1/4, 3/4, 5/4
    ("linear", {}, "1 0; 1/2 1/2; 0 1"),  # -1/6, 1/2, 7/6
    ("linear", {}, "1/2 1/2"),
    ("linear", {}, "3/4 1/4 0; 0 1/4 3/4"),  # 1/4, 7/4
    ("linear", {}, "1 0 0; 3/5 2/5 0; 0 1 0; 0 2/5 3/5; 0 0 1"),  # -1/5, 2/5, 1, 8/5, 11/5
    ("linear", {}, "0 1/2 1/2 0"),
    ("linear", {}, "2/3 1/3 0 0 0; 0 0 1 0 0; 0 0 0 1/3 2/3"),  # 1/3, 2, 11/3
    # align_corners: output i lies at i * (n - 1) / (m - 1), at 0 where m is 1.
    ("linear", ALIGN, "1; 1"),
    ("linear", ALIGN, "1 0; 2/3 1/3; 1/3 2/3; 0 1"),
    ("linear", ALIGN, "1 0; 1/2 1/2; 0 1"),
    ("linear", ALIGN, "1 0 0"),
    ("linear", ALIGN, "1 0 0; 1/2 1/2 0; 0 1 0; 0 1/2 1/2; 0 0 1"),
    ("linear", ALIGN, "1 0 0 0; 0 1/2 1/2 0; 0 0 0 1"),
    ("linear", ALIGN, "1 0 0 0 0; 0 0 0 0 1"),
    # Keys, A = -3/4: at distances 1/4, 3/4, 5/4, 7/4 the weights are 225, 67, -27, -9 by 256,
    # at 1/2 and 3/2 they are 19 and -3 by 32.  Clamped taps add to the outermost sample.
    ("bicubic", {}, "1; 1"),
    ("bicubic", {}, "283/256 -27/256; 198/256 58/256; 58/256 198/256; -27/256 283/256"),
    ("bicubic", {}, "1/2 19/32 -3/32 0; 0 -3/32 19/32 1/2"),  # 1/2, 5/2
    ("bicubic", ALIGN, "1 0 0; 16/32 19/32 -3/32; 0 1 0; -3/32 19/32 16/32; 0 0 1"),
    ("bicubic", ALIGN, "1 0 0 0 0"),
    # The mean of x[floor(i n / m) : ceil((i + 1) n / m)].
    ("area", {}, "1; 1"),
    ("area", {}, "1 0; 1/2 1/2; 0 1"),
    ("area", {}, "1/3 1/3 1/3"),
    ("area", {}, "1/2 1/2 0 0; 0 0 1/2 1/2"),
    ("area", {}, "1 0 0; 1/2 1/2 0; 0 1 0; 0 1/2 1/2; 0 0 1"),
    ("area", {}, "1/3 1/3 1/3 0 0; 0 0 1/3 1/3 1/3"),
    ("area", {}, "1/2 1/2 0 0 0; 0 1/3 1/3 1/3 0; 0 0 0 1/2 1/2"),
    # The triangle, as wide as the step on either side, about (i + 1/2) * step in cells.
    ("linear", SMOOTH, "1 0; 3/4 1/4; 1/4 3/4; 0 1"),
    ("linear", SMOOTH, "5/8 3/8 0; 0 3/8 5/8"),  # step 3/2: 1 - 1/6, 1 - 1/2, renormalised
    ("linear", SMOOTH, "3/7 3/7 1/7 0; 0 1/7 3/7 3/7"),
    ("linear", SMOOTH, "3/19 4/19 5/19 4/19 3/19"),
    # With align_corners the step is (n-1)/(m-1) = 3 and the centres are 3/2 and 9/2.
    ("linear", SMOOTH | ALIGN, "2/8 3/8 2/8 1/8; 0 0 1/3 2/3"),
    # Keys, A = -1/2, stretched by 2: 111, 29, -9 by 128 at 1/4, 3/4, 5/4; they add up to 242.
    ("bicubic", SMOOTH, "111/242 111/242 29/242 -9/242; -9/242 29/242 111/242 111/242"),
    # Lanczos: 6 : -4/3 at distances 1/2 and 3/2, and nothing but itself where a sample is hit.
    ("lanczos3", {}, "1; 1"),
    ("lanczos3", {}, "; 1/2 1/2;"),
    ("lanczos3", {}, ";; -1/7 9/14 9/14 -1/7;;"),
    ("lanczos3", {}, "; 1 0 0;;; 0 1 0;;; 0 0 1;"),
]

# mode, keywords, n, the input sample that each output copies
COPIED = [
    ("nearest", {}, 1, [0, 0, 0]),
    ("nearest", {}, 2, [0, 0, 1]),
    ("nearest", {}, 2, [0, 0, 1, 1]),
    ("nearest", {}, 3, [0, 0, 1, 1, 2]),
    ("nearest", {}, 3, [0, 1]),
    ("nearest", {}, 4, [0, 1, 2]),
    ("nearest", {}, 5, [0, 1, 3]),
    ("nearest", {}, 5, [0, 2]),
    ("nearest", {}, 5, [0]),
    ("nearest-exact", {}, 2, [0, 1, 1]),  # 1/3, 1, 5/3
    ("nearest-exact", {}, 3, [0, 0, 1, 2, 2]),  # 0.3, 0.9, 1.5, 2.1, 2.7
    ("nearest-exact", {}, 3, [0, 2]),
    ("nearest-exact", {}, 4, [0, 2, 3]),  # 2/3, 2, 10/3
    ("nearest-exact", {}, 5, [0, 2, 4]),
    ("nearest-exact", {}, 5, [1, 3]),
    ("nearest-exact", {}, 5, [2]),
    # align_corners: i * (n - 1) / (m - 1) to nearest, ties down
    ("nearest", ALIGN, 2, [0, 0, 1]),
    ("nearest", ALIGN, 3, [0, 0, 1, 1, 2]),
    ("nearest", ALIGN, 3, [0, 1, 1, 2]),
    ("nearest-exact", ALIGN, 5, [0, 2, 4]),
    ("nearest-exact", ALIGN, 5, [0, 1, 3, 4]),
    ("nearest-exact", ALIGN, 4, [0]),
]


def matrix(text: str) -> tuple[np.ndarray, np.ndarray]:
    """The rows of `text`; rows left blank (not computable by hand) are masked out."""
    rows = [[float(Fraction(w)) for w in row.split()] for row in text.split(";")]
    n = max(map(len, rows))
    known = np.array([bool(row) for row in rows])
    return np.array([row or [0.0] * n for row in rows]), known


@pytest.mark.parametrize(("mode", "keywords", "text"), WEIGHTED)
def test_hand_table(backend, mode, keywords, text):
    want, known = matrix(text)
    m, n = want.shape
    got = interpolate(np.eye(n), size=m, mode=mode, layout="CW", **keywords).T
    np.testing.assert_allclose(got[known], want[known], rtol=0, atol=4e-16)
    np.testing.assert_allclose(got.sum(axis=1), 1.0, rtol=0, atol=4e-16)


@pytest.mark.parametrize(("mode", "keywords", "text"), WEIGHTED)
def test_hand_table_backward(backend, mode, keywords, text):
    want, known = matrix(text)
    m, n = want.shape
    grad = np.eye(m)
    got = interpolate_backward(grad, (m, n), size=m, mode=mode, layout="CW", **keywords)
    np.testing.assert_allclose(got[known], want[known], rtol=0, atol=4e-16)


@pytest.mark.parametrize(("mode", "keywords", "n", "index"), COPIED)
def test_hand_indices(backend, mode, keywords, n, index):
    x = np.arange(10, 10 + n)
    got = interpolate(x, size=len(index), mode=mode, **keywords)
    np.testing.assert_array_equal(got, x[index])
    grad = np.arange(1.0, 1.0 + len(index))
    back = interpolate_backward(grad, (n,), size=len(index), mode=mode, **keywords)
    np.testing.assert_array_equal(back, np.bincount(index, grad, minlength=n))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "area", "lanczos3"])
def test_two_axes_are_the_product_of_one_axis_each(backend, mode):
    x = np.random.default_rng(1).normal(size=(3, 5))
    single = "linear" if mode == "bilinear" else mode
    rows = interpolate(np.eye(3), size=4, mode=single, layout="CW").T
    columns = interpolate(np.eye(5), size=7, mode=single, layout="CW").T
    got = interpolate(x, size=(4, 7), mode=mode)
    np.testing.assert_allclose(got, rows @ x @ columns.T, rtol=0, atol=1e-15)


def test_corner_values_are_kept_exactly(backend):
    x = np.random.default_rng(2).normal(size=(7, 5)).astype(np.float32)
    for size in [(13, 11), (4, 3), (7, 9), (2, 2), (97, 89)]:
        got = interpolate(x, size=size, mode="bilinear", align_corners=True)
        assert got[0, 0] == x[0, 0]
        assert got[0, -1] == x[0, -1]
        assert got[-1, 0] == x[-1, 0]
        assert got[-1, -1] == x[-1, -1]
