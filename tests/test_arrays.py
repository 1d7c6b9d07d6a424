"""Anything at the door: array-likes are taken as NumPy views them, the rest is refused."""

import array
import warnings

import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided
from PIL import Image

from upsampler import (
    avg_pool2d,
    interpolate,
    interpolate_backward,
    max_pool2d,
    max_unpool2d,
)

from . import cases
from .strategies import same_bits

PLANE = np.arange(12, dtype=np.float32).reshape(3, 4)
WANT = interpolate(PLANE, (6, 8), mode="bilinear")


@pytest.mark.parametrize(
    "like",
    [
        PLANE.tolist(),
        tuple(map(tuple, PLANE.tolist())),
        torch.from_numpy(PLANE),
        torch.from_numpy(PLANE.T.copy()).T,
        memoryview(PLANE),
        Image.fromarray(PLANE),
    ],
    ids=["list", "tuple", "tensor", "transposed tensor", "memoryview", "PIL"],
)
def test_array_likes(backend, like):
    got = interpolate(like, (6, 8), mode="bilinear")
    assert type(got) is np.ndarray
    np.testing.assert_array_equal(got, WANT)


def test_nothing_is_copied_on_the_way_in(backend):
    """A PIL image and a tensor are looked at, not copied: results go into the same memory."""
    tensor = torch.zeros(6, 8)
    interpolate(PLANE, (6, 8), mode="bilinear", out=tensor.numpy())
    np.testing.assert_array_equal(tensor.numpy(), WANT)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1", "I;16", "F", "I"])
def test_pictures_of_pillow(backend, mode):
    x = np.random.default_rng(100).integers(0, 255, (5, 7, 4), np.uint8)
    image = Image.fromarray(x).convert("L" if mode == "I;16" else mode)
    image = image.convert("I").convert("I;16") if mode == "I;16" else image
    pixels = np.asarray(image)
    layout = "HWC" if pixels.ndim == 3 else "HW"
    rule = "nearest" if mode == "1" else "bilinear"
    got = interpolate(image, (10, 14), mode=rule, layout=layout)
    np.testing.assert_array_equal(
        got, interpolate(pixels.copy(), (10, 14), mode=rule, layout=layout)
    )


@pytest.mark.parametrize(
    "bad",
    [
        torch.ones(3, 4, requires_grad=True),
        torch.ones(3, 4, dtype=torch.bfloat16),
        torch.ones(3, 4).to_sparse(),
        torch.ones(3, 4, device="meta"),
        [[1, 2], [3]],
        [[1, "a"], [object(), 2]],
        object(),
        {"a": 1},
        None,
        "picture.png",
        b"bytes",
        [],
        [[]],
        float("nan"),
        np.array([["a", None]], object),
        np.ma.masked_all((3, 4)),
        np.zeros((3, 4), [("a", "f4")]),
        np.zeros((3, 4), "S3"),
        np.zeros((3, 4), "M8[s]"),
        np.zeros((0, 4)),
        np.zeros((3, 0)),
        np.zeros((1, 1, 1, 1, 1, 1)),
        np.zeros(()),
        array.array("d"),
        range(0),
        (k for k in range(3)),
        lambda: 0,
        int,
        Ellipsis,
    ],
    ids=lambda v: str(type(v).__name__) + (f"-{v.dtype}-{v.shape}" if hasattr(v, "shape") else ""),
)
def test_malformed_arrays_are_refused(backend, bad):
    with pytest.raises((TypeError, ValueError)):
        interpolate(bad, 4, mode="linear")
    with pytest.raises((TypeError, ValueError)):
        interpolate_backward(bad, (3, 4), (6, 8), mode="linear")
    with pytest.raises((TypeError, ValueError)):
        avg_pool2d(bad, 1)
    with pytest.raises((TypeError, ValueError)):
        max_pool2d(bad, 1, return_indices=True)
    with pytest.raises((TypeError, ValueError)):
        max_unpool2d(PLANE, bad, 2)


def test_an_object_whose_conversion_fails_is_a_type_error():
    class Broken:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("no pixels today")

    with pytest.raises(TypeError, match=r"x: got Broken.*no pixels today"):
        interpolate(Broken(), 4)


def test_subclasses_lose_their_class_not_their_values(backend, tmp_path):
    class Tagged(np.ndarray):
        pass

    stored = np.memmap(tmp_path / "x.bin", np.float32, "w+", shape=PLANE.shape)
    stored[...] = PLANE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        matrix = np.matrix(PLANE)
    for x in (PLANE.view(Tagged), stored, matrix, np.rec.array(PLANE)):
        got = interpolate(x, (6, 8), mode="bilinear")
        assert type(got) is np.ndarray
        np.testing.assert_array_equal(got, WANT)


@pytest.mark.parametrize("mode", ["nearest", "linear", "bicubic", "area", "lanczos3"])
@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        ("NCHW", (0, 3, 5, 7)),
        ("NCHW", (2, 0, 5, 7)),
        ("HWC", (5, 7, 0)),
        ("NDHWC", (0, 2, 5, 7, 0)),
    ],
)
def test_no_pictures_and_no_channels(backend, mode, layout, shape):
    x = np.zeros(shape, np.float32)
    got = interpolate(x, scale_factor=2, mode=mode, layout=layout)
    assert got.size == 0
    assert got.shape == tuple(
        n * 2 if c in "DHW" else n for n, c in zip(shape, layout, strict=True)
    )
    back = interpolate_backward(got, shape, scale_factor=2, mode=mode, layout=layout)
    assert back.shape == shape


@pytest.mark.parametrize("mode", ["nearest", "linear", "bicubic", "area", "lanczos3"])
def test_an_empty_window_has_the_gradient_zero(backend, mode):
    window = ((3, 3), (0, 8))
    got = interpolate(PLANE, (6, 8), mode=mode, window=window)
    assert got.shape == (0, 8)
    back = interpolate_backward(got, PLANE.shape, (6, 8), mode=mode, window=window)
    np.testing.assert_array_equal(back, np.zeros_like(PLANE))


def test_strides_as_wild_as_they_come(backend):
    memory = np.random.default_rng(101).normal(size=4000).astype(np.float32)
    for strides in [(0, 0), (4, 4), (-4, 4), (0, -8), (4, 400), (1200, -4), (36, 36)]:
        x = as_strided(memory[2000:], (5, 7), strides)
        for mode in ("nearest", "bilinear", "bicubic"):
            got = interpolate(x, (9, 15), mode=mode)
            same_bits(got, interpolate(np.ascontiguousarray(x), (9, 15), mode=mode))


def test_length_one_axes_may_have_any_stride(backend):
    """NumPy leaves garbage in the strides of axes of length 1; nothing may be read by them."""
    memory = np.arange(12, dtype=np.float32)
    x = as_strided(memory, (1, 3, 1, 4), (2**40, 16, -(2**50), 4))
    got = interpolate(x, (1, 8), mode="bilinear", layout="NCHW")
    want = interpolate(memory.reshape(1, 3, 1, 4), (1, 8), mode="bilinear")
    same_bits(got, want)


def test_huge_requests_name_the_size():
    for size in [(10**6, 10**6), 2**31, (1, 2**44)]:
        with pytest.raises(MemoryError, match=r"float32 needs \d+ (GB|TB)"):
            interpolate(PLANE, size, mode="bilinear")
    with pytest.raises(MemoryError, match=r"needs \d+ TB"):
        interpolate_backward(np.ones((1, 1), np.float32), (10**7, 10**7), (1, 1))
    thin = np.broadcast_to(np.float32(1), (10**6, 10**6))
    with pytest.raises(MemoryError, match=r"needs \d+ (GB|TB)"):
        avg_pool2d(thin, 2)


@given(
    st.lists(st.integers(0, 3), max_size=7).map(tuple),
    st.sampled_from([*"?bBhHiIlLefdgFDGOSUVMm", "bfloat16", "int4", "float8_e4m3"]),
    st.sampled_from([None, "W", "HW", "CHW", "HWC", "NCHW", "NDHWC", "C", "", "HHW", "WH"]),
    st.sampled_from(["nearest", "linear", "bilinear", "trilinear", "area", "bicubic", "lanczos3"]),
    st.sampled_from([0, 1, 3, -1, (2, 2), (1, 2, 3), None]),
)
def test_no_combination_crashes(backend, shape, code, layout, mode, size):
    """Either a result of the right shape and dtype or one of the two errors, and nothing else."""
    special = {"bfloat16": cases.BFLOAT16, "int4": np.dtype(ml_dtypes.int4)}
    special["float8_e4m3"] = np.dtype(ml_dtypes.float8_e4m3)
    dtype = special.get(code) or np.dtype({"S": "S3", "U": "U2", "V": "V3"}.get(code, code))
    x = np.zeros(shape, dtype)
    for call in (
        lambda: interpolate(x, size, mode=mode, layout=layout),
        lambda: interpolate_backward(x, shape, size, mode=mode, layout=layout),
        lambda: avg_pool2d(x, size if size is not None else 2, layout=layout),
    ):
        try:
            got = call()
        except (TypeError, ValueError):
            continue
        assert got.dtype == dtype
        assert got.ndim == x.ndim
