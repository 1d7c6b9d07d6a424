"""Nearest moves items of every dtype untouched."""

import numpy as np
import pytest

from upsampler import interpolate

from . import cases
from .strategies import MEMORY

MODES = ["nearest", "nearest-exact"]


def labels(dtype, shape):
    """Distinct bit patterns, whatever the dtype makes of them."""
    dtype = np.dtype(dtype)
    raw = np.random.default_rng(90).integers(0, 256, (*shape, dtype.itemsize), np.uint8)
    if dtype.kind == "b":
        raw &= 1
    return raw.view(dtype)[..., 0]


KINDS = [
    *cases.NUMBERS,
    np.dtype(bool),
    np.dtype(np.complex64),
    np.dtype(np.complex128),
    np.dtype("S5"),
    np.dtype("S1"),
    np.dtype("M8[s]"),
    np.dtype("m8[ns]"),
    *(np.dtype(f"V{k}") for k in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 17, 24, 31, 33, 64, 100)),
    np.dtype([("label", "i4"), ("score", "f8"), ("flag", "?")]),
    np.dtype([("a", "u1"), ("b", "f4", (3,)), ("c", "S3")]),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", KINDS, ids=lambda d: str(d).replace(" ", ""))
def test_items_are_moved_bit_for_bit(backend, mode, dtype):
    for layout, shape, size in [
        ("HW", (5, 7), (11, 14)),
        ("HWC", (5, 7, 3), (10, 21)),
        ("NCHW", (2, 3, 5, 7), (3, 40)),
        ("W", (37,), (100,)),
        ("DHW", (2, 3, 5), (4, 5, 9)),
    ]:
        x = labels(dtype, shape)
        want = x
        for axis, m in zip((a for a, c in enumerate(layout) if c in "DHW"), size, strict=True):
            n = shape[axis]
            i = np.arange(m)
            index = i * n // m if mode == "nearest" else (2 * i + 1) * n // (2 * m)
            want = want.take(index, axis=axis)
        got = interpolate(x, size, mode=mode, layout=layout)
        assert got.dtype == dtype
        assert got.tobytes() == want.tobytes()
        for memory in ("reversed", "strided", "misaligned", "Fortran"):
            if x.dtype.kind == "V" and memory == "misaligned":
                continue  # voids have no alignment
            again = interpolate(MEMORY[memory](x), size, mode=mode, layout=layout)
            assert again.tobytes() == want.tobytes(), memory


def test_text(backend):
    x = np.array([["naïve", "ж"], ["", "日本語"]])
    np.testing.assert_array_equal(
        interpolate(x, scale_factor=2),
        np.kron(np.array([[0, 1], [2, 3]]), np.ones((2, 2), int)).choose(x.ravel()),
    )


def test_integers_that_float64_cannot_hold(backend):
    x = np.array([2**53 + 1, -(2**63), 2**63 - 1, 2**62 + 1])
    np.testing.assert_array_equal(interpolate(x, scale_factor=3), np.repeat(x, 3))
    y = np.array([2**64 - 1, 2**63 + 1], np.uint64)
    np.testing.assert_array_equal(interpolate(y, scale_factor=3), np.repeat(y, 3))


def test_signalling_nans_and_minus_zero_keep_their_bits(backend):
    x = np.array([0x7FA00001, 0xFFC00123, 0x80000000, 0x7F800000], np.uint32)
    got = interpolate(x.view(np.float32), scale_factor=3)
    np.testing.assert_array_equal(got.view(np.uint32), np.repeat(x, 3))


def test_foreign_items_keep_their_byte_order(backend):
    x = np.arange(6, dtype=">i4").reshape(2, 3)
    got = interpolate(x, scale_factor=2)
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(got, np.kron(x, np.ones((2, 2), int)))
    record = np.zeros(3, [("a", ">i2"), ("b", "<f8")])
    record["a"] = [1, 2, 3]
    assert interpolate(record, scale_factor=2).tobytes() == np.repeat(record, 2).tobytes()
