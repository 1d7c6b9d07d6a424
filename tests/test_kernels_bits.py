"""The same bits from every view, place, window and number of threads."""

import itertools

import numpy as np
import pytest

from upsampler import interpolate, interpolate_backward
from upsampler.backends import use

from . import cases
from .kernels import (
    FEW,
    FULL,
    SHAPES,
    SIZES,
    arguments,
    assert_near,
    magnitude,
    outs,
    reference,
    same_bits,
    seeded,
    shape_of,
    views,
)

pytestmark = pytest.mark.kernel

LARGE = [  # beyond a tile of columns, a unit of work and, for float32, the caches (4 MB)
    ("HW", (3, 9001), (7, 18002)),
    ("HW", (701, 37), (1402, 74)),
    ("NCHW", (2, 3, 70, 90), (140, 180)),
    ("HWC", (150, 130, 3), (301, 260)),
    ("HW", (700, 801), (175, 97)),
    ("HW", (512, 701), (1024, 1402)),
]


@pytest.mark.parametrize("dtype", FEW, ids=str)
@pytest.mark.parametrize("rule", FULL, ids=cases.name)
def test_views(cpu, rule, dtype):
    for (old, new), (layout, others) in itertools.product(SIZES[4:11], SHAPES[:5]):
        x = cases.sample(seeded(old), shape_of(layout, others, old), dtype)
        keywords = arguments(rule, new) | {"layout": layout}
        plain = interpolate(x, **keywords)
        for name, view in views(x):
            got = interpolate(view, **keywords)
            assert got.dtype == view.dtype, name
            same_bits(got.astype(dtype), plain)
        for place, memory in outs(plain.shape, dtype):
            assert interpolate(x, out=place, **keywords) is place
            same_bits(place, plain)
            place[...] = np.frombuffer(b"\xa5" * dtype.itemsize, dtype)[0]
            assert (memory.view(np.uint8) == 0xA5).all() if memory.ndim else True
            if dtype.kind == "f":
                gradient = interpolate_backward(plain, x.shape, **keywords)
                same_bits(interpolate_backward(plain.copy("F"), x.shape, **keywords), gradient)


@pytest.mark.parametrize("dtype", FEW, ids=str)
@pytest.mark.parametrize("rule", FULL, ids=cases.name)
def test_windows(cpu, rule, dtype):
    rng = seeded(rule)
    for (old, new), (layout, others) in itertools.product(SIZES, SHAPES[:5]):
        x = cases.sample(rng, shape_of(layout, others, old), dtype)
        keywords = arguments(rule, new) | {"layout": layout}
        full = interpolate(x, **keywords)
        first = layout.index("H")
        spatial = full.shape[first : first + 2]
        for _ in range(3):
            window = tuple(tuple(sorted(rng.integers(0, m + 1, 2).tolist())) for m in spatial)
            crop = (slice(None),) * first + tuple(slice(*ends) for ends in window)
            same_bits(interpolate(x, window=window, **keywords), full[crop])
            if dtype.kind == "f":
                grad = np.zeros_like(full)
                grad[crop] = full[crop]
                got = interpolate_backward(full[crop], x.shape, window=window, **keywords)
                wanted = reference(interpolate_backward, grad, x.shape, **keywords)
                assert_near(got, wanted, magnitude(full) * max(1, full.size / x.size) * 8)


@pytest.mark.parametrize("dtype", [*FEW, cases.BFLOAT16], ids=str)
@pytest.mark.parametrize("rule", FULL[:-2], ids=cases.name)
def test_threads_tiles_and_streams(cpu, rule, dtype):
    for layout, old, new in LARGE:
        x = cases.sample(seeded(old), old, dtype)
        keywords = arguments(rule, new) | {"layout": layout}
        one = interpolate(x, num_threads=1, **keywords)
        for threads in (2, 3, 7):
            same_bits(interpolate(x, num_threads=threads, **keywords), one)
        memory = np.zeros(one.nbytes + 64, np.uint8)  # rows that start anywhere within a vector
        place = memory[dtype.itemsize : dtype.itemsize + one.nbytes].view(dtype)
        same_bits(interpolate(x, out=place.reshape(one.shape), num_threads=2, **keywords), one)
        assert not memory[dtype.itemsize + one.nbytes :].any()
        with use("reference"):
            rows = slice(0, 5)  # the reference is slow: a few rows at each end
            for cut in (rows, slice(one.shape[layout.index("H")] - 5, None)):
                first = layout.index("H")
                window = [(cut.start, cut.stop or one.shape[first]), (0, one.shape[first + 1])]
                exact = interpolate(x.astype(np.float64), window=window, **keywords)
                assert_near(one[(slice(None),) * first + (cut,)], exact, magnitude(x))
        if np.dtype(dtype).kind == "f":
            gradient = interpolate_backward(one, old, num_threads=1, **keywords)
            for threads in (2, 7):
                got = interpolate_backward(one, old, num_threads=threads, **keywords)
                same_bits(got, gradient)
