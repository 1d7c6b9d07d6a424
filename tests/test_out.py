"""`out=`: views of larger buffers, overlaps with the input and with itself, foreign bytes."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from upsampler import (
    avg_pool2d,
    interpolate,
    interpolate_backward,
    max_pool2d,
    max_pool2d_backward,
    max_unpool2d,
    max_unpool2d_backward,
)

from . import cases
from .strategies import same_bits

MODES = ["nearest", "bilinear", "bicubic", "area", "lanczos3"]


def picture(shape, dtype=np.float32, seed=80):
    return cases.sample(np.random.default_rng(seed), shape, dtype)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.float64], ids=str)
def test_half_of_a_concatenation_buffer(backend, mode, dtype):
    """A decoder upsamples into its half of the buffer: the other half stays as it is."""
    x = picture((2, 3, 5, 7), dtype)
    buffer = np.full((2, 8, 10, 14), 77, dtype)
    half = buffer[:, 5:]
    assert interpolate(x, scale_factor=2, mode=mode, out=half) is half
    same_bits(half.copy(), interpolate(x, scale_factor=2, mode=mode))
    assert (buffer[:, :5] == 77).all()


@pytest.mark.parametrize("mode", MODES)
def test_a_place_in_a_larger_picture(backend, mode):
    x = picture((5, 7, 3), np.uint8)
    canvas = np.full((40, 50, 4), 99, np.uint8)
    place = canvas[30:10:-2, 3:45:3, :3]
    interpolate(x, place.shape[:2], mode=mode, layout="HWC", out=place)
    same_bits(place.copy(), interpolate(x, place.shape[:2], mode=mode, layout="HWC"))
    untouched = np.ones(canvas.shape, bool)
    untouched[30:10:-2, 3:45:3, :3] = False
    assert (canvas[untouched] == 99).all()


@pytest.mark.parametrize("mode", MODES)
def test_in_place(backend, mode):
    """A window as large as the input, written over the input."""
    for shape in [(8, 11), (64, 300)]:
        x = picture(shape)
        window = ((3, 3 + shape[0]), (5, 5 + shape[1]))
        want = interpolate(x, scale_factor=2, mode=mode, window=window)
        got = interpolate(x, scale_factor=2, mode=mode, window=window, out=x)
        assert got is x
        same_bits(x, want)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shift", [-3, -1, 0, 1, 2, 9])
def test_overlap_with_the_input(backend, mode, shift):
    """Input and output in one buffer, one of them a few rows further on."""
    buffer = np.zeros((40, 16), np.float32)
    source = buffer[12:20, :8]
    source[...] = picture((8, 8))
    want = interpolate(source, (16, 16), mode=mode)
    out = buffer[12 + shift : 28 + shift]
    interpolate(source, (16, 16), mode=mode, out=out)
    same_bits(out.copy(), want)


def test_overlap_of_interleaved_views_without_a_shared_byte(backend):
    """Input and output in alternate columns: the same memory, but no element in common."""
    buffer = np.zeros((8, 32), np.float32)
    source, out = buffer[:, ::2][:, :8], buffer[:, 1::2]
    source[...] = picture((8, 8))
    before = source.copy()
    want = interpolate(before, (8, 16), mode="bilinear")
    interpolate(source, (8, 16), mode="bilinear", out=out)
    same_bits(out.copy(), want)
    same_bits(source.copy(), before)


@pytest.mark.parametrize(
    "strides",
    [(0, 4), (4, 4), (16, 0), (-16, 0), (8, 2), (12, 4)],
    ids=str,
)
def test_out_that_overlaps_itself_is_refused(backend, strides):
    memory = np.zeros(200, np.float32)
    out = as_strided(memory[100:], (4, 4), strides)
    with pytest.raises(ValueError, match=r"^out: got strides .* share memory.*allowed"):
        interpolate(np.ones((2, 2), np.float32), (4, 4), out=out)
    assert not memory.any()


def test_out_of_interlocking_rows_is_allowed(backend):
    """Strides of 3 and 2 elements that never meet."""
    memory = np.zeros(64, np.float32)
    out = as_strided(memory, (2, 3), (4, 8))  # elements 0 2 4 and 1 3 5
    interpolate(np.arange(6, dtype=np.float32).reshape(2, 3), (2, 3), mode="bilinear", out=out)
    np.testing.assert_array_equal(memory[:6], [0, 3, 1, 4, 2, 5])


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint64], ids=str)
def test_foreign_and_misaligned_out(backend, dtype):
    x = picture((5, 7), dtype)
    want = interpolate(x, (8, 9), mode="bilinear")
    swapped = np.zeros((8, 9), np.dtype(dtype).newbyteorder())
    assert interpolate(x, (8, 9), mode="bilinear", out=swapped) is swapped
    np.testing.assert_array_equal(swapped, want)
    raw = np.zeros(want.nbytes + 1, np.uint8)
    odd = raw[1:].view(dtype).reshape(8, 9)
    interpolate(x, (8, 9), mode="bilinear", out=odd)
    np.testing.assert_array_equal(odd, want)
    foreign = interpolate(x.astype(swapped.dtype), (8, 9), mode="bilinear")
    assert foreign.dtype == swapped.dtype
    np.testing.assert_array_equal(foreign, want)


def test_a_subclass_of_ndarray_as_out_is_returned(backend, tmp_path):
    out = np.memmap(tmp_path / "out.bin", np.float32, "w+", shape=(4, 6))
    got = interpolate(np.eye(2, 3, dtype=np.float32), (4, 6), mode="bilinear", out=out)
    assert got is out
    np.testing.assert_array_equal(
        out, interpolate(np.eye(2, 3, dtype=np.float32), (4, 6), mode="bilinear")
    )


def test_an_empty_window_writes_nothing(backend):
    out = np.empty((0, 6), np.float32)
    x = np.ones((2, 3), np.float32)
    assert interpolate(x, (4, 6), out=out, window=((2, 2), (0, 6))) is out


def test_every_function_takes_out(backend):
    """Into a strided view, and over an input of the same shape."""
    x = picture((1, 2, 6, 8))
    values, places = max_pool2d(x, 2, return_indices=True)
    calls = [
        (lambda **k: interpolate(x, (6, 8), mode="bicubic", **k), x),
        (lambda **k: interpolate_backward(x, x.shape, (6, 8), mode="bilinear", **k), x),
        (lambda **k: interpolate_backward(x, (1, 2, 3, 4), (6, 8), mode="bilinear", **k), None),
        (lambda **k: avg_pool2d(x, 3, 1, 1, **k), x),
        (lambda **k: max_pool2d(x, 3, 1, 1, **k), x),
        (lambda **k: max_pool2d_backward(values, places, x.shape, **k), None),
        (lambda **k: max_unpool2d(values, places, 2, **k), None),
        (lambda **k: max_unpool2d_backward(x, places, **k), None),
    ]
    for call, same in calls:
        want = call()
        wide = np.full([2 * n for n in want.shape], 5, np.float32)
        view = wide[tuple(slice(None, None, 2) for _ in want.shape)]
        assert call(out=view) is view
        same_bits(view.copy(), want)
        assert (wide[:, :, 1::2] == 5).all()
        if same is not None:
            keep = x.copy()
            assert call(out=x) is x
            same_bits(x.copy(), want)
            x[...] = keep
