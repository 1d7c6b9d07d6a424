"""Arrays large enough to be cut into units of work, tiles and streams; and awkward shapes."""

import numpy as np
import pytest

from upsampler import interpolate, interpolate_backward
from upsampler.backends import use

from . import cases
from .strategies import same_bits

# layout, shape, output size.  Each makes another part of the work the long one.
CASES = [
    ("CHW", (3, 275, 375), (1100, 1500)),
    ("CHW", (3, 1100, 1500), (467, 611)),
    ("HWC", (275, 375, 3), (550, 751)),
    ("HWC", (211, 307, 4), (422, 614)),
    ("HWC", (97, 151, 5), (201, 302)),
    ("HWC", (67, 61, 64), (134, 97)),
    ("HW", (1, 70000), (1, 140001)),  # one huge row
    ("HW", (1, 70000), (3, 35001)),
    ("HW", (50000, 3), (100003, 6)),  # rows of three
    ("HW", (50000, 1), (25001, 1)),
    ("NCHW", (61, 53, 3, 5), (6, 10)),  # many small planes
    ("NCHW", (3000, 1, 2, 2), (5, 3)),
    ("NHWC", (200, 3, 5, 7), (6, 11)),
    ("W", (300007,), (600014,)),
    ("DHW", (31, 41, 53), (62, 80, 107)),
    ("NDHWC", (2, 17, 31, 23, 3), (20, 33, 46)),
]
RULES = [
    ("nearest", {}),
    ("linear", {}),
    ("linear", cases.ALIGN),
    ("bicubic", {}),
    ("area", {}),
    ("lanczos3", {}),
    ("linear", cases.SMOOTH),
]
DTYPES = [np.dtype(np.float32), np.dtype(np.uint8), np.dtype(np.float64), np.dtype(np.int16)]


def spatial_axes(layout):
    return [a for a, c in enumerate(layout) if c in "DHW"]


@pytest.mark.parametrize("rule", RULES, ids=cases.name)
@pytest.mark.parametrize(("layout", "shape", "size"), CASES, ids=str)
def test_threads_windows_and_layouts_of_large_arrays(cpu, layout, shape, size, rule):
    mode, keywords = rule
    arguments = {"size": size, "mode": mode, "layout": layout, **keywords}
    rng = np.random.default_rng(70)
    dtype = DTYPES[(len(mode) + len(shape) + shape[-1]) % len(DTYPES)]
    x = cases.sample(rng, shape, dtype)
    full = interpolate(x, num_threads=1, **arguments)
    for threads in (2, 5):
        same_bits(interpolate(x, num_threads=threads, **arguments), full)
    # Windows: one in the middle, one at the far end, one of a single pixel.
    for kind in range(3):
        window = []
        for m in size:
            lo = [m // 3, m - (m + 3) // 4, m - 1][kind]
            window.append((lo, m if kind else min(m, lo + m // 2 + 1)))
        crop = [slice(None)] * len(shape)
        for axis, ends in zip(spatial_axes(layout), window, strict=True):
            crop[axis] = slice(*ends)
        same_bits(interpolate(x, window=window, **arguments), full[tuple(crop)])
    # The same pixels with the channels elsewhere in memory.
    order = np.argsort(x.shape, kind="stable")
    moved = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    same_bits(interpolate(moved, num_threads=2, **arguments), full)
    # Rows at both ends against the reference.
    for lo, hi in ((0, 2), (size[0] - 1, size[0])):
        window = [(lo, min(hi, size[0])), *((0, m) for m in size[1:])]
        crop = [slice(None)] * len(shape)
        crop[spatial_axes(layout)[0]] = slice(*window[0])
        with use("reference"):
            want = interpolate(x, window=window, **arguments)
        got = full[tuple(crop)]
        if mode == "nearest":
            same_bits(got, want)
        elif dtype.kind == "f":
            tolerance = 1e-12 if dtype == np.float64 else 1e-5
            np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)
        else:
            assert np.abs(got.astype(np.int64) - want).max() <= 1


@pytest.mark.parametrize(("layout", "shape", "size"), CASES, ids=str)
def test_gradients_of_large_arrays(cpu, layout, shape, size):
    rng = np.random.default_rng(71)
    for mode in ("nearest", "linear", "bicubic"):
        arguments = {"size": size, "mode": mode, "layout": layout}
        y = interpolate(np.zeros(shape, np.float32), **arguments)
        grad = rng.normal(size=y.shape).astype(np.float32)
        one = interpolate_backward(grad, shape, num_threads=1, **arguments)
        for threads in (2, 5):
            got = interpolate_backward(grad, shape, num_threads=threads, **arguments)
            same_bits(got, one)
        x = rng.normal(size=shape).astype(np.float32)
        left = float((interpolate(x, **arguments) * grad.astype(np.float64)).sum())
        right = float((x * one.astype(np.float64)).sum())
        assert abs(left - right) <= 1e-6 * np.sqrt(grad.size) * 10


def test_every_number_of_channels(cpu):
    """Interleaved channels have loops of their own for small numbers."""
    rng = np.random.default_rng(72)
    for channels in [*range(1, 18), 31, 32, 33, 64, 100]:
        for dtype in (np.uint8, np.float32):
            x = cases.sample(rng, (11, 13, channels), dtype)
            for mode, size in [("bilinear", (22, 26)), ("bicubic", (17, 29)), ("nearest", (5, 39))]:
                got = interpolate(x, size, mode=mode, layout="HWC")
                planes = np.ascontiguousarray(x.transpose(2, 0, 1))
                want = interpolate(planes, size, mode=mode, layout="CHW")
                same_bits(np.ascontiguousarray(got.transpose(2, 0, 1)), want)


def test_every_small_width(cpu):
    """Rows end within, at and behind the lanes of vectors; x2, x3, x4, x8 have their own loops."""
    rng = np.random.default_rng(73)
    for dtype in (np.uint8, np.float32, np.float16, np.uint16, np.float64):
        row = cases.sample(rng, (3, 80), dtype)
        for n in range(1, 80):
            x = np.ascontiguousarray(row[:, :n])
            for factor in (2, 3, 4, 8):
                for mode in ("bilinear", "nearest"):
                    got = interpolate(x, scale_factor=(1, factor), mode=mode)
                    with use("reference"):
                        want = interpolate(x.astype(np.float64), got.shape, mode=mode)
                    if dtype == np.uint8:
                        np.testing.assert_array_equal(got, np.floor(want + 0.5))
                    else:
                        bound = {2: 2e-3, 4: 1e-6, 8: 1e-15}[np.dtype(dtype).itemsize]
                        bound = 0.53 if np.dtype(dtype).kind == "u" else bound
                        np.testing.assert_allclose(got, want, rtol=0, atol=bound * 3)
