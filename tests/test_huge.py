"""More than 2^31 elements: indices, offsets and places that no 32-bit integer holds.

Most arrays here are virtual: a view of 50000 x 50000 whose element (i, j) is item i + j of a
short line of memory.  Windows at the far end then cost a few pixels.
"""

import sys

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from upsampler import (
    interpolate,
    interpolate_backward,
    max_pool2d,
    max_unpool2d_backward,
)
from upsampler.arrays import available_memory

from . import cases, exact
from .strategies import same_bits
from .test_threads import run

N = 50_000
GIGABYTES = 6


def virtual(dtype, n=N, rows=N):
    """`rows` x n elements, element (i, j) being (i + j) * 7919 % 251."""
    line = (np.arange(rows + n, dtype=np.int64) * 7919 % 251).astype(dtype)
    return as_strided(line, (rows, n), (line.itemsize, line.itemsize), writeable=False)


def expected(x, rows, columns):
    """Exact values of the outputs with those rows of the two matrices."""
    result = np.empty((len(rows), len(columns)), np.float64)
    for a, row in enumerate(rows):
        for b, column in enumerate(columns):
            total = sum(v * w * int(x[i, j]) for i, v in row.items() for j, w in column.items())
            result[a, b] = float(total)
    return result


@pytest.mark.parametrize("rule", cases.RULES, ids=cases.name)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32], ids=str)
def test_window_at_the_far_end(cpu, dtype, rule):
    """Outputs around number 10^10 of 100003 x 99991, made of inputs around number 2.5 * 10^9."""
    mode, keywords = rule
    size = (2 * N + 3, 2 * N - 9)
    x = virtual(dtype)
    method = "cubic" if mode == "bicubic" else mode
    window = tuple((m - 7, m) for m in size)
    got = interpolate(x, size, mode=mode, window=window, **keywords)
    rows, columns = (
        [exact.row(i, N, m, method, **keywords) for i in range(m - 7, m)] for m in size
    )
    want = expected(x, rows, columns)
    if dtype == np.uint8:
        assert np.abs(got - want.clip(0, 255)).max() <= 0.51
    else:
        np.testing.assert_allclose(got, want, rtol=0, atol=2e-4)


@pytest.mark.parametrize("layout", ["HWC", "CHW"])
def test_window_of_interleaved_channels(cpu, layout):
    x = virtual(np.uint8)
    pixels = np.broadcast_to(x[..., None], (N, N, 3))
    view = cases.to_layout(pixels, "HWC", layout)
    window = ((2 * N - 5, 2 * N), (2 * N - 70, 2 * N))
    keywords = {"scale_factor": 2, "window": window}
    for mode in ("bilinear", "nearest", "bicubic"):
        got = interpolate(view, mode=mode, layout=layout, **keywords)
        want = interpolate(x, mode=mode, **keywords)
        for channel in range(3):
            same_bits(cases.to_layout(got, layout, "HWC")[..., channel].copy(), want)


def test_window_of_a_long_signal(cpu):
    """A signal of 2^33 samples, all but none of which exist, x3: the last rows of its table."""
    n = 2**33
    x = np.broadcast_to(np.float64(2.5), (n,))
    for mode in ("nearest", "linear", "bicubic"):
        got = interpolate(x, scale_factor=3, mode=mode, window=((3 * n - 1000, 3 * n),))
        np.testing.assert_allclose(got, np.full(1000, 2.5), rtol=1e-15)


def test_gradient_of_more_than_2_to_the_31_elements(cpu):
    """Every sample of the input counts its outputs: 50000 x 50000 of them by 3 x 7."""
    grad = np.broadcast_to(np.float32(1), (N, N))
    got = interpolate_backward(grad, (3, 7), (N, N), mode="nearest")
    rows = np.bincount(np.arange(N) * 3 // N)
    columns = np.bincount(np.arange(N) * 7 // N)
    np.testing.assert_array_equal(got, np.outer(rows, columns).astype(np.float32))


def test_places_beyond_32_bits(cpu):
    """Maxima of cells all over the plane; their flat places pass 2^31."""
    x = virtual(np.uint16)
    stride = (9973, 9967)
    values, places = max_pool2d(x, 2, stride, return_indices=True)
    rows, columns = np.divmod(places, N)
    assert places.max() > 2**31
    for a in range(values.shape[0]):
        for b in range(values.shape[1]):
            i, j = a * stride[0], b * stride[1]
            cell = x[i : i + 2, j : j + 2]
            assert values[a, b] == cell.max()
            di, dj = divmod(int(cell.argmax()), 2)
            assert (rows[a, b], columns[a, b]) == (i + di, j + dj)
    picked = max_unpool2d_backward(virtual(np.float32), places)
    np.testing.assert_array_equal(picked, values)


@pytest.fixture
def room():
    free = available_memory()
    if free is not None and free < GIGABYTES << 30:
        pytest.skip(f"needs {GIGABYTES} GB of free memory")


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "mode"), [(np.uint8, "bilinear"), (bool, "nearest")], ids=str)
def test_a_result_of_more_than_2_to_the_31_elements(room, dtype, mode):
    """A real one, looked at in windows that are computed by themselves."""
    x = virtual(np.uint8, 46_500 // 2, 46_400 // 2)
    x = (
        x
        if dtype is np.uint8
        else as_strided((np.arange(46_500) * 7 % 11 < 5), x.shape, (1, 1), writeable=False)
    )
    full = interpolate(x, scale_factor=2, mode=mode)
    assert full.size > 2**31
    for lo in (0, full.shape[0] // 2, full.shape[0] - 3):
        for left in (0, 33_333, full.shape[1] - 97):
            window = ((lo, lo + 3), (left, left + 97))
            want = interpolate(x, scale_factor=2, mode=mode, window=window)
            same_bits(full[lo : lo + 3, left : left + 97].copy(), want)
    # The element just behind 2^31, in a row that straddles it.
    row, column = divmod(2**31, full.shape[1])
    window = ((row, row + 1), (column, column + 1))
    assert full[row, column] == interpolate(x, scale_factor=2, mode=mode, window=window)[0, 0]


SIGNAL = """
    import resource
    import numpy as np
    from upsampler import interpolate
    from upsampler.pieces import PIECE

    # The signal takes 2.2 GB of addresses (most of its pages are never touched); the tables of
    # 20 pieces would take as much again if they were not made and dropped one by one.
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    n = 2**31 + 1001
    x = np.zeros(n, np.uint8)
    tail = 11 * PIECE
    x[-tail:] = np.random.default_rng(140).integers(0, 256, tail, np.uint8)
    lo = 2 * n - 20 * PIECE - 77
    got = interpolate(x, scale_factor=2, mode="linear", window=((lo, 2 * n),))
    # By hand: a quarter of one neighbour, three quarters of the other, ties up.
    for at in (0, PIECE - 50, PIECE, 7 * PIECE - 3, 20 * PIECE - 100, 20 * PIECE - 23):
        i = np.arange(lo + at, lo + at + 100)
        near, other = i // 2, np.clip(i // 2 + np.where(i % 2, 1, -1), 0, n - 1)
        by_hand = (3 * x[near].astype(int) + x[other] + 2) // 4
        assert np.array_equal(got[at : at + 100], by_hand), at
    print("equal")
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory as Linux does")
def test_the_end_of_a_signal_of_more_than_2_to_the_31_samples(room):
    assert run(SIGNAL) == "equal"
