"""Sweeps over the loops of transposed convolutions; see kernels.py for where they run."""

import ml_dtypes
import numpy as np
import pytest

import upsampler
from upsampler.backends import cpu as loops
from upsampler.backends import use

from .conv_cases import BACKWARD, FORWARD, ints, random_case

pytestmark = pytest.mark.kernel
DTYPES = [np.float64, np.float32, np.float16, ml_dtypes.bfloat16]


def strided(a, rng):
    """`a` with other strides, some negative, in memory that ends where it does."""
    steps = [int(rng.choice([1, 2, -1])) for _ in a.shape]
    room = np.empty([n * abs(s) - abs(s) + 1 if n else 0 for n, s in zip(a.shape, steps, strict=True)], a.dtype)  # noqa: E501  # fmt: skip
    view = room[tuple(slice(None, None, s) for s in steps)]
    view[...] = a
    return view


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_against_the_reference(cpu, rank, dtype):
    rng = np.random.default_rng([rank, DTYPES.index(dtype)])
    for _ in range(25):
        x, weight, bias, arguments, out = random_case(rng, rank, dtype)
        window = [tuple(sorted(ints(rng, 0, m + 1, 2))) for m in out]
        x, weight = strided(x, rng), strided(weight, rng)
        y = FORWARD[rank](x, weight, bias, *arguments, window=window)
        grad = strided(rng.standard_normal(y.shape).astype(dtype), rng)
        target = strided(np.zeros_like(y), rng)
        FORWARD[rank](x, weight, bias, *arguments, window=window, out=target)
        assert target.tobytes() == y.tobytes()
        ours = [y, *BACKWARD[rank](grad, x, weight, *arguments, window=window)]
        with use("reference"):
            expected = [
                FORWARD[rank](x, weight, bias, *arguments, window=window),
                *BACKWARD[rank](grad, x, weight, *arguments, window=window),
            ]
        # An ulp of the type, and what the order of float32 sums may change.
        eps = {8: 1e-12, 4: 1e-5}.get(y.itemsize) or float(ml_dtypes.finfo(dtype).eps)
        for a, b in zip(ours, expected, strict=True):
            a, b = a.astype(float), b.astype(float)
            assert np.abs(a - b).max(initial=0) <= eps * max(1.0, np.abs(b).max(initial=0))


def channels_last(a):
    """`a`, (N, C, H, W), in memory that has channels side by side."""
    return np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


# Channels in, channels out of a group, groups; kernel, stride, dilation; size.  Few and many
# channels on either side, whole and broken blocks of them, groups that are taken together, phases
# that read at the same places and at others, more phases than rows of a block, small images.
SIDE_BY_SIDE = [
    (1, 1, 1, (3, 2), (2, 3), 1, (5, 7)),
    (3, 3, 1, (4, 4), (2, 2), 1, (5, 37)),
    (7, 1, 7, (4, 2), (2, 1), 1, (6, 11)),
    (16, 17, 1, (2, 2), (2, 2), 1, (3, 5)),
    (17, 16, 1, (4, 4), (2, 2), 1, (4, 4)),
    (40, 7, 1, (3, 3), (1, 2), 2, (1, 9)),
    (40, 1, 40, (5, 4), (2, 2), 1, (7, 3)),
    (6, 20, 2, (3, 5), (3, 2), 1, (2, 19)),
    (5, 1, 5, (16, 16), (8, 8), 1, (3, 10)),
    (36, 40, 1, (3, 2), (1, 1), 1, (2, 70)),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("case", SIDE_BY_SIDE, ids=str)
def test_channels_side_by_side(cpu, case, dtype):
    channels, of_group, groups, kernel, stride, dilation, size = case
    rng = np.random.default_rng(channels)
    x = rng.standard_normal((5, channels, *size)).astype(dtype)
    weight = rng.standard_normal((channels, of_group, *kernel)).astype(dtype)
    bias = rng.standard_normal(of_group * groups).astype(dtype)
    arguments = (stride, (1, 0), 0, groups, dilation)
    y = FORWARD[2](x, weight, bias, *arguments)
    grad = rng.standard_normal(y.shape).astype(dtype)
    given = [x, grad], [channels_last(x), channels_last(grad)], [channels_last(x), grad]
    results = []
    for (a, g), threads in zip(given, (1, 2, 3), strict=True):
        out = FORWARD[2](a, weight, bias, *arguments, num_threads=threads)
        results.append([out, *BACKWARD[2](g, a, weight, *arguments, num_threads=threads)])
    with use("reference"):
        expected = [
            FORWARD[2](x, weight, bias, *arguments),
            *BACKWARD[2](grad, x, weight, *arguments),
        ]
    eps = {8: 1e-12, 4: 1e-5}.get(y.itemsize) or float(ml_dtypes.finfo(dtype).eps)
    for result in results:
        # The sums are the same whatever the layout; only that of the bias is left to NumPy.
        for a, b in zip(result[:3], results[0][:3], strict=True):
            assert a.tobytes() == b.tobytes()
        for a, b in zip(result, expected, strict=True):
            a, b = a.astype(float), b.astype(float)
            assert np.abs(a - b).max() <= eps * max(1.0, np.abs(b).max())


LAST = {1: "NWC", 2: "NHWC", 3: "NDHWC"}


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_pixel_by_pixel_makes_the_same_sums(cpu, rank, dtype, monkeypatch):
    """Forced on all shapes: few channels, groups, what is cropped, windows, places apart."""
    rng = np.random.default_rng([9, rank, DTYPES.index(dtype)])
    for number in range(20):
        x, weight, bias, arguments, out = random_case(rng, rank, dtype)
        window = [tuple(sorted(ints(rng, 0, m + 1, 2))) for m in out]
        keywords = {"window": window, "layout": LAST[rank], "num_threads": 1 + number % 3}
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
        if number % 2:
            x = np.concatenate([x, x], axis=-2)[..., ::2, :]
        results = []
        for forced in (False, True):
            monkeypatch.setattr(loops, "pixels_pay", lambda *_, forced=forced: forced)
            y = FORWARD[rank](x, weight, bias, *arguments, **keywords)
            grad = (np.arange(y.size).reshape(y.shape) % 17 - 8).astype(dtype)
            results.append([y, BACKWARD[rank](grad, x, weight, *arguments, **keywords)[0]])
        for a, b in zip(*results, strict=True):
            assert a.tobytes() == b.tobytes()


# Channels in, channels out, groups; image: all taps beside the border, 4096 bytes from pixel to
# pixel, a broken last register, one that another unit has computed before, neighbouring groups.
SIDES = [
    (5, 32, 1, (4, 4), (1, 1)),
    (1024, 16, 1, (2, 2), (3, 2)),
    (16, 45, 1, (3, 2), (5, 7)),
    (4, 100, 1, (4, 3), (2, 19)),
    (43, 43, 43, (4, 5), (3, 23)),
    (60, 90, 3, (2, 3), (4, 3)),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("case", SIDES, ids=str)
def test_pixels_of_many_channels(cpu, case, dtype):
    inner, rows, groups, kernel, size = case
    rng = np.random.default_rng(rows)
    x = rng.standard_normal((2, *size, inner)).astype(dtype)
    weight = rng.standard_normal((inner, rows // groups, *kernel)).astype(dtype)
    bias = rng.standard_normal(rows).astype(dtype)
    arguments = (2, 1, 1, groups)
    sizes = [2 * (n - 1) + k for n, k in zip(size, kernel, strict=True)]
    grad = rng.standard_normal((2, *(n - 1 for n in sizes), rows)).astype(dtype)
    results = []
    for threads in (1, 7):
        y = FORWARD[2](x, weight, bias, *arguments, layout="NHWC", num_threads=threads)
        grads = BACKWARD[2](grad, x, weight, *arguments, layout="NHWC", num_threads=threads)
        results.append([y, grads[0]])
    memory = np.full((*y.shape[:-1], rows + 3), 7, dtype)
    FORWARD[2](x, weight, bias, *arguments, layout="NHWC", out=memory[..., 1:-2])
    assert (memory[..., 1:-2] == y).all()
    assert (memory[..., 0] == 7).all()  # nothing beyond
    assert (memory[..., -2:] == 7).all()
    with use("reference"):
        expected = [
            FORWARD[2](x, weight, bias, *arguments, layout="NHWC"),
            BACKWARD[2](grad, x, weight, *arguments, layout="NHWC")[0],
        ]
    eps = {8: 1e-12, 4: 1e-5}.get(y.itemsize) or float(ml_dtypes.finfo(dtype).eps)
    for a, b, exact in zip(*results, expected, strict=True):
        assert a.tobytes() == b.tobytes()
        off = np.abs(a.astype(float) - exact.astype(float)).max()
        assert off <= eps * max(1.0, np.abs(exact.astype(float)).max())


def test_pixels_are_chosen_by_memory_and_channels(cpu, monkeypatch):
    calls = []
    backend = loops.of_isa(cpu.removeprefix("cpu-"))
    found = backend.loops

    class Spied:
        def __getattr__(self, name):
            if name in ("convolve", "convolve_pixels"):
                calls.append(name)
            return getattr(found, name)

    monkeypatch.setattr(backend, "loops", Spied())
    for layout, inner, rows, name in [
        ("NHWC", 128, 64, "convolve_pixels"),
        ("NCHW", 128, 64, "convolve_pixels"),
        ("NHWC", 64, 3, "convolve"),
        ("NHWC", 3, 64, "convolve_pixels"),
        ("NCHW", 3, 64, "convolve"),
    ]:
        shape = {"N": 1, "H": 3, "W": 5, "C": inner}
        x = np.ones([shape[letter] for letter in layout], np.float32)
        weight = np.ones((inner, rows, 2, 2), np.float32)
        upsampler.conv_transpose2d(x, weight, stride=2, layout=layout)
        assert calls.pop() == name, (layout, inner, rows)
